//! What is owed: levels that could not be reached when a document was handed out, and are paid later as further versions.
//!
//! In: the store's debts. Out: versions beside the first bytes, which never change. A debt is struck out in the transaction
//! that keeps what pays it, so that a crash anywhere loses none; it is leased while somebody works on it, so that several
//! workers do not pay twice. Not here: when this is done (`cli/serve`, `cli/augment`).

use super::augment::Raise;
use super::parameters::{Baseline, WhenUnavailable};
use super::receive::Reception;
use super::signing_desk::{Signed, SigningDesk};
use crate::engine::crypto::sha256;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::callers::Caller;
use crate::service::keys::random;
use crate::service::store::{
    BlobId, Debt, Kept, NewKept, Owed, OwedOf, Payment, Store, blob_apart, stage_apart,
};
use serde_json::{Value, json};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long somebody may work on a debt before it is anybody's again: a document may wait for many authorities.
const LEASE: Duration = Duration::from_secs(600);
/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);
/// Failures in a row after which a round ends: whoever does not answer now will not answer for the next one either.
const MOST_FAILURES: usize = 3;

/// Keeps what is owed, and pays it.
pub struct DebtDesk {
    /// Where debts are.
    pub store: Arc<dyn Store>,
    /// Raises signatures.
    pub signing: Arc<SigningDesk>,
    /// Packs acuses; none where nothing is registered.
    pub reception: Option<Arc<Reception>>,
    /// How long a document is kept for its caller after it was paid or finished.
    pub keep: Duration,
}

impl fmt::Debug for DebtDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DebtDesk").finish_non_exhaustive()
    }
}

/// What became of debts.
#[derive(Debug, Default)]
pub struct Settled {
    /// How many are paid.
    pub paid: usize,
    /// Those that could not be, by their ids, and why.
    pub left: Vec<(String, Error)>,
}

/// Element and problem of an error, as they are kept and shown: remedies are for whoever stands before it.
pub(super) fn told(error: &Error) -> String {
    format!("{}: {}", error.element(), error.problem())
}

impl DebtDesk {
    /// Notes what is owed of a document that is about to be handed to `caller`; its id. The document is kept until it is
    /// paid, and for a while after that.
    pub fn note(
        &self,
        caller: &str,
        seal: &str,
        signed: &Signed,
        content: Option<&[u8]>,
    ) -> Result<Option<String>> {
        if signed.owed.is_none() {
            return Ok(None);
        }
        let id = hex(&random::<16>()?);
        self.keep(id, caller, seal, signed, content, self.keep)
            .map(|(kept, _)| Some(kept.id))
    }

    /// Keeps what two steps ended in, so that the same state brings the same bytes; and what is owed of it. Answers what
    /// is kept, and whether it is this: of two that finish at once, the first is.
    pub(super) fn keep_finished(
        &self,
        finished: &Finished<'_>,
        signed: &Signed,
        content: Option<&[u8]>,
    ) -> Result<(Kept, bool)> {
        let now = self.signing.clock.now();
        let span = Duration::from_secs(finished.until.since(now).as_secs().saturating_add(1));
        let id = finished.id.to_string();
        self.keep(id, finished.caller, finished.seal, signed, content, span)
    }

    fn keep(
        &self,
        id: String,
        caller: &str,
        seal: &str,
        signed: &Signed,
        content: Option<&[u8]>,
        span: Duration,
    ) -> Result<(Kept, bool)> {
        let stage = |bytes: &[u8]| stage_apart(&*self.store, bytes);
        let owed = signed.owed.as_ref().map(|(level, why)| Owed {
            level: level.name().into(),
            seal: seal.to_string(),
            problem: told(why),
        });
        let document = stage(&signed.bytes)?;
        let ours = document.id();
        let kept = self.store.keep(NewKept {
            id,
            caller: caller.to_string(),
            made: signed.at,
            until: signed.at.plus(span),
            format: signed.format.into(),
            level: signed.level_name(),
            signed: signed.only.unwrap_or_default(),
            document,
            content: content.filter(|_| owed.is_some()).map(stage).transpose()?,
            owed,
        })?;
        let won = kept.document == ours;
        Ok((kept, won))
    }

    /// Pays what is due, `most` at most. Ends early when nobody answers.
    pub fn pay_due(&self, most: usize) -> Result<Settled> {
        let mut settled = Settled::default();
        let mut failures = 0;
        for _ in 0..most {
            let now = self.signing.clock.now();
            let Some(debt) = self.store.claim_debt(now, LEASE)? else {
                break;
            };
            match self.pay(&debt) {
                Ok(()) => {
                    settled.paid += 1;
                    failures = 0;
                }
                Err(error) => {
                    self.put_off(&debt, &error)?;
                    failures += 1;
                    settled.left.push((debt.id, error));
                }
            }
            if failures == MOST_FAILURES {
                break;
            }
        }
        Ok(settled)
    }

    /// Forgets documents that are kept no longer. Answers how many.
    pub fn forget(&self) -> Result<u64> {
        self.store.forget(None, self.signing.clock.now())
    }

    fn put_off(&self, debt: &Debt, error: &Error) -> Result<()> {
        let doubled = FIRST_PAUSE.saturating_mul(1 << debt.tried.min(16));
        let pause = doubled.min(LONGEST_PAUSE);
        // Between half of it and all of it, so that what failed together does not come back together.
        let part = random::<1>().map_or(255, |[byte]| byte);
        let pause = pause / 2 + pause / 2 * u32::from(part) / 255;
        let due = self.signing.clock.now().plus(pause);
        self.store.put_off(&debt.id, due, &told(error))
    }

    fn pay(&self, debt: &Debt) -> Result<()> {
        let level = Baseline::of_name(&debt.owed.level).ok_or_else(|| {
            Error::internal("owed", "a level that is not known is owed").remedy("Discard it.")
        })?;
        let (document, content, only) = self.bytes(debt)?;
        let raised = self.signing.raise(
            &debt.owed.seal,
            &Raise {
                document: &document,
                content: content.as_deref().map(Into::into),
                only,
                level,
                when_unavailable: WhenUnavailable::Fail,
            },
        )?;
        let acuse = match &debt.of {
            OwedOf::Receipt(number) => Some(self.repack(number, &raised.bytes)?),
            _ => None,
        };
        let stage = |bytes: &[u8]| self.store.stage(&mut &bytes[..]);
        let document = match &debt.of {
            OwedOf::Kept(_) => stage_apart(&*self.store, &raised.bytes)?,
            _ => stage(&raised.bytes)?,
        };
        let payment = Payment {
            level: raised.level_name(),
            made: raised.at,
            document,
            acuse: acuse.as_deref().map(stage).transpose()?,
            until: raised.at.plus(self.keep),
        };
        self.store.pay(&debt.id, payment).map(drop)
    }

    /// The document that a level is owed of, its content where that is apart, and the signature where it is about one.
    fn bytes(&self, debt: &Debt) -> Result<Raisable> {
        let gone = || Error::internal("owed", "what it is owed of is not there");
        match &debt.of {
            OwedOf::Receipt(number) => {
                let entry = self.store.entry(number)?;
                let receipt = entry.and_then(|e| e.receipt).ok_or_else(gone)?;
                Ok((self.store.blob(&receipt.justificante)?, None, None))
            }
            OwedOf::Document(id) => {
                let document = self.store.document(id)?.ok_or_else(gone)?;
                Ok((self.store.blob(&document.original)?, None, None))
            }
            OwedOf::Kept(id) => {
                let kept = self.store.kept(id)?.ok_or_else(gone)?;
                let apart = |id: &BlobId| blob_apart(&*self.store, id);
                let content = kept.content.as_ref().map(apart).transpose()?;
                let only = (kept.signed != [0; 32]).then_some(kept.signed);
                Ok((apart(&kept.document)?, content, only))
            }
        }
    }

    fn repack(&self, number: &str, justificante: &[u8]) -> Result<Vec<u8>> {
        let reception = self.reception.as_ref().ok_or_else(|| {
            Error::unavailable("register", "not configured")
                .remedy("Name code.secrets and the catalogue in the configuration.")
        })?;
        let entry = self
            .store
            .entry(number)?
            .ok_or_else(|| Error::internal("owed", "the entry that it is owed of is not there"))?;
        reception.repack(&entry, justificante)
    }

    /// What is owed that `caller` may see: its own, and that of entities that it acts for; after this id.
    pub fn visible(&self, caller: &Caller, after: Option<&str>, limit: u32) -> Result<Vec<Debt>> {
        let mut found = Vec::new();
        let mut after = after.map(str::to_string);
        while found.len() < limit as usize {
            let page = self.store.debts(after.as_deref(), 1_000)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            found.extend(page.into_iter().filter(|debt| sees(caller, debt)));
        }
        found.truncate(limit as usize);
        Ok(found)
    }

    /// The document that is kept for `caller` under this id, the debt on it, and the latest bytes.
    pub fn kept(&self, caller: &Caller, id: &str) -> Result<(Kept, Option<Debt>)> {
        let kept = self.store.kept(id)?;
        let kept = kept.filter(|kept| kept.caller == caller.name());
        let kept = kept.ok_or_else(|| {
            Error::not_found(
                "id",
                "nothing is kept for this caller under it, or no longer",
            )
            .remedy("GET /v1/owed lists what is owed.")
        })?;
        let debt = self.store.debt_of(&OwedOf::Kept(id.to_string()))?;
        Ok((kept, debt))
    }

    /// The latest bytes of what is kept.
    pub fn latest(&self, kept: &Kept) -> Result<Vec<u8>> {
        blob_apart(&*self.store, kept.latest.as_ref().unwrap_or(&kept.document))
    }

    /// What a state of two steps ended in before, with this value. Errors: it ended in something else.
    pub(super) fn finished(&self, id: &str, caller: &str, value: &[u8]) -> Result<Option<Signed>> {
        let Some(kept) = self.store.kept(id)? else {
            return Ok(None);
        };
        self.again(&kept, caller, value).map(Some)
    }

    /// What was handed out first, to whoever has the same value.
    pub(super) fn again(&self, kept: &Kept, caller: &str, value: &[u8]) -> Result<Signed> {
        if kept.caller != caller || kept.signed != sha256(value) {
            return Err(super::two_step::finished_already());
        }
        let debt = self.store.debt_of(&OwedOf::Kept(kept.id.clone()))?;
        let reached = kept.level.rsplit('-').next().unwrap_or_default();
        let owed = debt.and_then(|debt| {
            let why = Error::new(ErrorKind::Unavailable, "level", debt.owed.problem);
            Some((Baseline::of_name(&debt.owed.level)?, why))
        });
        Ok(Signed {
            bytes: blob_apart(&*self.store, &kept.document)?,
            format: match kept.format.as_str() {
                "PAdES" => "PAdES",
                _ => "CAdES",
            },
            level: Baseline::of_name(&format!("B-{reached}")).unwrap_or_default(),
            at: kept.made,
            only: Some(kept.signed),
            stamped: None,
            owed,
        })
    }

    /// Strikes out what is owed of a document that is kept for `caller`, and forgets the document.
    pub fn discard(&self, caller: &Caller, id: &str) -> Result<()> {
        let (kept, _) = self.kept(caller, id)?;
        self.store
            .forget(Some(&kept.id), self.signing.clock.now())
            .map(drop)
    }
}

/// A debt as it is told, in JSON. `id` is the debt's; what is kept has an id of its own.
pub fn described_debt(debt: &Debt) -> Value {
    let mut told = json!({
        "id": debt.id,
        "of": debt.of.kind(),
        "level": debt.owed.level,
        "caller": debt.caller,
        "since": debt.since,
        "tried": debt.tried,
        "due": debt.due,
        "problem": debt.owed.problem,
    });
    let subject = match &debt.of {
        OwedOf::Receipt(_) => "number",
        OwedOf::Document(_) => "code_id",
        OwedOf::Kept(_) => "document",
    };
    told[subject] = json!(debt.of.subject());
    if let Some(entity) = &debt.entity {
        told["entity"] = json!(entity);
    }
    told
}

/// A document, its content where that is apart, and which of its signatures.
type Raisable = (Vec<u8>, Option<Vec<u8>>, Option<[u8; 32]>);

/// A state that was finished.
pub(super) struct Finished<'a> {
    pub(super) id: &'a str,
    pub(super) caller: &'a str,
    pub(super) seal: &'a str,
    pub(super) until: Time,
}

fn sees(caller: &Caller, debt: &Debt) -> bool {
    match &debt.entity {
        Some(entity) => caller.acts_for(entity),
        None => caller.name() == debt.caller || caller.entities().is_none(),
    }
}
