//! Registers a request: check, take the number, compose and seal, store, answer.
//!
//! Ley 39/2015 art. 16.3 and 31.2. In: what a portal sent, staged as it came in. Out: the entry of the register with its
//! receipt. Between taking the number and storing, nothing is locked: a time-stamping authority or an HSM may take its
//! time, and a crash leaves an entry that [`Reception::complete_all`] completes under its number.
//!
//! Not here: how a receipt looks (`engine::register`), how it is sealed (`flow::sign`), what HTTP makes of it.

use super::parameters::Baseline;
use super::request::Request;
use crate::engine::codes::{Cea, CodeKey};
use crate::engine::register::{
    Calendar, Document, Metadata, Named, Names, NumberLayout, Receipt, Sealing, Sede,
    check_documents,
};
use crate::engine::{Error, Result, Time};
use crate::service::callers::{Caller, Operation};
use crate::service::clock::{Clock, sane};
use crate::service::config::{Catalogue, CodeRule};
use crate::service::keys::{Seal, random};
use crate::service::store::{CodeRecord, Completion, Entry, NewEntry, Owed, Store};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Takes requests in.
#[derive(Debug)]
pub struct Reception {
    /// Where entries are kept.
    pub store: Arc<dyn Store>,
    /// The official time.
    pub clock: Arc<dyn Clock>,
    /// What a request may name.
    pub catalogue: Catalogue,
    /// The non-working days.
    pub calendar: Calendar,
    /// How numbers are printed.
    pub layout: NumberLayout,
    /// The sede, as justificantes print it.
    pub sede: Sede,
    /// The seals by name.
    pub seals: HashMap<String, Seal>,
    /// Keys the hashes of codes.
    pub code_key: CodeKey,
    /// Tells whether a request bears a citizen's signature.
    pub signatures: Arc<dyn Signatures>,
    /// Composes and seals.
    pub composer: Arc<dyn Composer>,
}

/// Tells whether a request bears a signature.
pub trait Signatures: fmt::Debug + Send + Sync {
    /// Whether `request` bears signatures; refuses a request whose signature does not hold.
    fn signed(&self, request: &[u8]) -> Result<bool>;
}

/// Composes a receipt and seals it. May wait for a time-stamping authority or an HSM.
pub trait Composer: fmt::Debug + Send + Sync {
    /// Makes justificante and acuse.
    fn compose(&self, composition: &Composition<'_>) -> Result<Artefacts>;

    /// Makes the acuse around a justificante that is there.
    fn repack(&self, repacked: &Repacked<'_>) -> Result<Vec<u8>>;
}

/// What a receipt is made of.
#[derive(Debug)]
pub struct Composition<'a> {
    /// All that the justificante says.
    pub receipt: &'a Receipt,
    /// The seal that it bears.
    pub seal: &'a Seal,
    /// The code that it bears.
    pub code: &'a Cea,
    /// The bytes that go into the acuse beside the justificante, in the order of `receipt.documents`: the request, and the
    /// attachments where they were asked to go inside.
    pub inside: Vec<Option<Vec<u8>>>,
}

/// What an acuse is made of around a justificante that is there.
#[derive(Debug)]
pub struct Repacked<'a> {
    /// What the receipt says.
    pub receipt: &'a Receipt,
    /// The seal of the acuse.
    pub seal: &'a Seal,
    /// The justificante (PDF).
    pub justificante: &'a [u8],
    /// As in [`Composition`].
    pub inside: Vec<Option<Vec<u8>>>,
}

/// A receipt, sealed.
#[derive(Debug)]
pub struct Artefacts {
    /// The justificante (PDF).
    pub justificante: Vec<u8>,
    /// The acuse de recibo (ZIP).
    pub acuse: Vec<u8>,
    /// The evidence that its seals hold.
    pub evidence: Option<Vec<u8>>,
    /// What its seals are: `PAdES-BASELINE-T`.
    pub level: String,
    /// Why the level is less than the seal's settings ask for.
    pub degraded: Option<String>,
}

/// What became of entries without a receipt.
#[derive(Debug, Default)]
pub struct Completed {
    /// How many have their receipt now.
    pub done: usize,
    /// The numbers of those that have none yet, and why.
    pub left: Vec<(String, Error)>,
}

/// What is kept with an entry, and what its receipt is made from, now or after a restart.
#[derive(Debug, Serialize, Deserialize)]
pub struct Kept {
    /// What the portal said.
    pub metadata: Metadata,
    /// The names that the catalogue gave at that time.
    pub names: Names,
    /// Every document, the request first.
    pub documents: Vec<Document>,
    attachments_inside: bool,
    layout: String,
    seal: String,
    code: CodeRule,
}

impl Kept {
    /// What is kept with this entry.
    pub fn of(entry: &Entry) -> Result<Self> {
        serde_json::from_slice(&entry.metadata).map_err(|_| {
            let problem = format!("{} is kept in an unknown form", entry.number);
            Error::internal("entry", problem)
        })
    }
}

/// What is kept with a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// What its seals are: `PAdES-BASELINE-T`.
    pub level: String,
    /// Why the level is less than the seal's settings ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degraded: Option<String>,
    /// The Id. CEA that the justificante bears.
    pub code_id: String,
}

impl Reception {
    /// Registers a request of `caller`. The same request again gets the same receipt.
    pub fn receive(&self, caller: &Caller, request: Request) -> Result<Entry> {
        self.permit(caller, &request)?;
        let digest = request.digest()?;
        if let Some(known) = self
            .store
            .known(caller.name(), &request.idempotency_key, &digest)?
        {
            return self.finish(known);
        }
        let kept = self.check(caller, &request)?;
        let entry = self.take_number(caller, request, digest, &kept)?;
        self.finish(entry)
    }

    /// Completes what has a number and no receipt: at the start, before anything is served, and now and then after that.
    /// What cannot be completed yet (no time-stamp, an expired seal) does not hold up the rest.
    pub fn complete_all(&self) -> Result<Completed> {
        let mut completed = Completed::default();
        for entry in self.store.incomplete()? {
            let number = entry.number.clone();
            match self.finish(entry) {
                Ok(_) => completed.done += 1,
                Err(error) => completed.left.push((number, error)),
            }
        }
        Ok(completed)
    }

    /// Why no request could be registered now; empty when one can.
    pub fn hindrances(&self) -> Vec<Error> {
        let clock = self
            .store
            .last_presented()
            .and_then(|last| sane(self.clock.now(), last));
        let seals = self
            .catalogue
            .entities
            .iter()
            .map(|entity| self.usable_seal(&entity.seal).map(drop));
        let checks = [clock, self.store.check_writable()]
            .into_iter()
            .chain(seals);
        let mut found: Vec<Error> = Vec::new();
        for error in checks.filter_map(Result::err) {
            if !found.contains(&error) {
                found.push(error);
            }
        }
        found
    }

    /// The acuse of a complete entry, around another version of its justificante.
    pub(super) fn repack(&self, entry: &Entry, justificante: &[u8]) -> Result<Vec<u8>> {
        let (kept, receipt) = (Kept::of(entry)?, self.registered(entry)?);
        let seal = self.usable_seal(&kept.seal)?;
        let inside = self.inside(entry, &kept)?;
        self.composer.repack(&Repacked {
            receipt: &receipt,
            seal,
            justificante,
            inside,
        })
    }

    /// Composes, seals and stores what an entry has not yet.
    fn finish(&self, entry: Entry) -> Result<Entry> {
        if entry.receipt.is_some() {
            return Ok(entry);
        }
        let kept = Kept::of(&entry)?;
        let seal = self.usable_seal(&kept.seal)?;
        let sealed = self.clock.now();
        let code = self.draw_code(sealed)?;
        let inside = self.inside(&entry, &kept)?;
        let receipt = self.receipt(&entry, seal, sealed)?;
        let composition = Composition {
            receipt: &receipt,
            seal,
            code: &code,
            inside,
        };
        let composed = self.composer.compose(&composition)?;
        let record = self.code_record(&code, kept.code, &entry, seal, sealed)?;
        self.keep(&entry, composed, sealed, record)
    }

    fn permit(&self, caller: &Caller, request: &Request) -> Result<()> {
        caller.may(Operation::Register)?;
        caller.may_act_for(&request.metadata.entity)?;
        request.check_key()
    }

    /// Everything that can be refused is refused here, before there is a number.
    fn check(&self, caller: &Caller, request: &Request) -> Result<Kept> {
        let metadata = &request.metadata;
        metadata.check()?;
        let entity = self.catalogue.entity(&metadata.entity)?;
        let office = self.catalogue.office(&metadata.office, entity)?;
        let unit = self.catalogue.unit(&metadata.destination, entity)?;
        let (subject, procedure) = self.catalogue.subject(&metadata.subject, entity)?;
        if metadata
            .procedure
            .as_ref()
            .is_some_and(|code| *code != procedure.code)
        {
            return Err(
                Error::invalid("procedure", "is not the one that the subject belongs to")
                    .remedy("Leave it out, or send the procedure of the subject."),
            );
        }
        caller.may_use_seal(&entity.seal)?;
        self.layout.office(&office.code)?;
        self.usable_seal(&entity.seal)?;
        self.check_will(request, procedure.unsigned)?;
        let documents: Vec<Document> = request
            .documents
            .iter()
            .map(|d| d.document.clone())
            .collect();
        check_documents(&documents)?;
        Ok(Kept {
            names: Names {
                entity: Named::new(&entity.code, &entity.name),
                office: Named::new(&office.code, &office.name),
                subject: Named::new(&subject.code, &subject.name),
                destination: Named::new(&unit.code, &unit.name),
                procedure: Some(Named::new(&procedure.code, &procedure.name)),
            },
            metadata: metadata.clone(),
            documents,
            attachments_inside: request.attachments_inside,
            layout: self.layout.to_string(),
            seal: entity.seal.clone(),
            code: procedure.code_of_authenticity,
        })
    }

    /// The person's will is shown by their signature, or, where the procedure allows it, by evidence that they
    /// identified themselves (Ley 39/2015 art. 10 and 11).
    fn check_will(&self, request: &Request, unsigned_allowed: bool) -> Result<()> {
        let first = request.documents.first().ok_or_else(|| {
            Error::invalid("request", "no document was sent")
                .remedy("Send the request as the part `request`.")
        })?;
        if self
            .signatures
            .signed(&self.store.blob(&first.staged.id())?)?
        {
            return Ok(());
        }
        match (unsigned_allowed, &request.metadata.identification) {
            (true, Some(_)) => Ok(()),
            (true, None) => Err(Error::invalid(
                "identification",
                "is missing, and the request bears no signature",
            )
            .remedy("Say who was identified, how, when, and under which reference.")),
            (false, _) => Err(Error::invalid(
                "request",
                "bears no signature, and its procedure asks for one",
            )
            .remedy("Send the request signed by the person or the representative.")),
        }
    }

    fn take_number(
        &self,
        caller: &Caller,
        request: Request,
        digest: [u8; 32],
        kept: &Kept,
    ) -> Result<Entry> {
        let persons = std::iter::once(&kept.metadata.interested)
            .chain(&kept.metadata.representative)
            .map(|person| person.document.number().to_string())
            .collect();
        let entry = NewEntry {
            caller: caller.name().to_string(),
            idempotency_key: request.idempotency_key,
            request_digest: digest,
            entity: kept.metadata.entity.clone(),
            office: kept.metadata.office.clone(),
            direction: kept.metadata.direction,
            persons,
            metadata: json(kept)?,
            layout: self.layout,
        };
        let originals = request.documents.into_iter().map(|d| d.staged).collect();
        Ok(self.store.take_number(entry, originals)?.into_entry())
    }

    fn receipt(&self, entry: &Entry, seal: &Seal, sealed: Time) -> Result<Receipt> {
        let sealing = Sealing {
            by: seal.certificate.subject().common_name(),
            at: sealed,
        };
        Ok(Receipt {
            sealing: Some(sealing),
            ..self.registered(entry)?
        })
    }

    /// What the justificante of an entry says, except for its seal.
    pub fn registered(&self, entry: &Entry) -> Result<Receipt> {
        let kept = Kept::of(entry)?;
        Ok(Receipt {
            number: kept.layout.parse::<NumberLayout>()?.parse(&entry.number)?,
            presented: entry.presented,
            effective_start: self.calendar.effective_start(entry.presented)?,
            sede: self.sede.clone(),
            names: kept.names,
            metadata: kept.metadata,
            documents: kept.documents,
            sealing: None,
        })
    }

    fn inside(&self, entry: &Entry, kept: &Kept) -> Result<Vec<Option<Vec<u8>>>> {
        let originals = entry.originals.iter().enumerate();
        originals
            .map(|(place, id)| {
                let goes_inside = place == 0 || kept.attachments_inside;
                goes_inside.then(|| self.store.blob(id)).transpose()
            })
            .collect()
    }

    fn usable_seal(&self, name: &str) -> Result<&Seal> {
        let seal = self.seals.get(name).ok_or_else(|| {
            Error::unavailable("seal", format!("{name:?} is not configured"))
                .remedy("Add a [[seal]] of this name, or name another in the catalogue.")
        })?;
        seal.check_usable(self.clock.now())?;
        Ok(seal)
    }

    /// A new code for every sealing: what was never handed out is never needed again.
    fn draw_code(&self, now: Time) -> Result<Cea> {
        let day = now.in_zone(&self.sede.zone)?.date();
        Ok(Cea::derive(&random()?, day))
    }

    fn code_record(
        &self,
        cea: &Cea,
        rule: CodeRule,
        entry: &Entry,
        seal: &Seal,
        issued: Time,
    ) -> Result<CodeRecord> {
        Ok(CodeRecord {
            id: cea.id.clone(),
            code: self.code_key.keep(&cea.id, cea.date, &cea.code),
            validity: rule.validity(cea.date)?,
            issued,
            entity: entry.entity.clone(),
            caller: entry.caller.clone(),
            seal: seal.name().to_string(),
        })
    }

    fn keep(
        &self,
        entry: &Entry,
        composed: Artefacts,
        sealed: Time,
        code: CodeRecord,
    ) -> Result<Entry> {
        let stage = |bytes: &[u8]| self.store.stage(&mut &bytes[..]);
        let details = Details {
            level: composed.level,
            degraded: composed.degraded,
            code_id: code.id.to_string(),
        };
        let completion = Completion {
            sealed,
            acuse: stage(&composed.acuse)?,
            justificante: stage(&composed.justificante)?,
            evidence: composed.evidence.as_deref().map(stage).transpose()?,
            details: json(&details)?,
            owed: details.degraded.as_ref().map(|why| Owed {
                level: Baseline::T.name().into(),
                seal: code.seal.clone(),
                problem: why.clone(),
            }),
            code: Some(code),
        };
        self.store.complete(&entry.number, completion)
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|_| Error::internal("entry", "cannot be written as JSON"))
}

#[cfg(test)]
mod tests;
