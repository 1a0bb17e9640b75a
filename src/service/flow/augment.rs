//! Raising signatures to a level: time-stamp → gather and embed what proves it → verify offline → archive time-stamp.
//!
//! EN 319 122-1 §6.1, EN 319 142-1 §6.1. In: a signed document, its own or a foreign one. Out: the same with more behind
//! its signatures, read back and judged. A level is only called LT when the document alone, without any source, is passed
//! and nothing is wanted. What could not be had because somebody did not answer is owed: [`Augmented::owed`].

use super::parameters::{Baseline, WhenUnavailable};
use super::sign::Timestamping;
use super::validate::settle;
use crate::engine::crypto::{DigestAlgorithm, digest, sha256};
use crate::engine::evidence::{
    Evidence, ObjectId, ObjectKind, Originals, Pool, Severity, Signature,
};
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{Content, Detached, Format, Input, Material, recognise};
use crate::engine::pki::revocation::index::Excerpt;
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::pki::{Certificate, RevocationList};
use crate::engine::validation::{
    Indication, Policy, SignatureVerdict, SubIndication, validate as judge,
};
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::clock::Clock;
use crate::service::sources::Sources;
use std::fmt;

/// Signatures of one document that are raised. Each waits for authorities and sources.
const MOST_SIGNATURES: usize = 32;
/// Bytes of revocation lists that go into a document: whoever keeps it keeps them with it.
const MOST_LISTS: usize = 8 << 20;

/// Whoever raises signatures, and with what.
#[derive(Clone, Copy)]
pub struct Augmenter<'a> {
    /// By what signatures are judged.
    pub policy: &'a Policy,
    /// Where revocation data and certificates come from.
    pub sources: &'a Sources,
    /// Who keeps the lists that the sources give excerpts of.
    pub originals: &'a dyn Originals,
    /// Who stamps.
    pub timestamping: Option<&'a dyn Timestamping>,
    /// The official time.
    pub clock: &'a dyn Clock,
}

impl fmt::Debug for Augmenter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Augmenter").finish_non_exhaustive()
    }
}

/// What is to be raised, and how far.
#[derive(Debug, Clone, Copy)]
pub struct Raise<'a> {
    /// The signed document.
    pub document: &'a [u8],
    /// The content, where it is apart.
    pub content: Option<Content<'a>>,
    /// The signature with a value of this SHA-256 alone. Otherwise every one but counter-signatures; of a PDF the last, since
    /// what is added to an earlier one breaks those after it.
    pub only: Option<[u8; 32]>,
    /// How far.
    pub level: Baseline,
    /// What happens when somebody does not answer.
    pub when_unavailable: WhenUnavailable,
}

/// A document whose signatures were raised.
#[derive(Debug)]
pub struct Augmented {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What was found in it before it left.
    pub evidence: Evidence,
    /// The level that every signature asked about has reached.
    pub level: Baseline,
    /// The last time-stamp that was added.
    pub stamped: Option<Time>,
    /// Why the level is not the one asked for.
    pub owed: Option<Error>,
}

impl Augmenter<'_> {
    /// Raises the signatures of a document. Errors: nothing is signed, a signature does not hold or is below the
    /// baseline, a level that the format does not go to; and what does not answer, where that is to fail.
    pub fn augment(&self, raise: &Raise<'_>) -> Result<Augmented> {
        let mut climb = Climb::begin(self, raise)?;
        match climb.to(raise.level) {
            Ok(()) => climb.end(None),
            Err(error)
                if error.kind() == ErrorKind::Unavailable
                    && raise.when_unavailable == WhenUnavailable::Degrade =>
            {
                climb.end(Some(error))
            }
            Err(error) => Err(error),
        }
    }
}

/// A document on its way up. What is reached stays when the next step fails.
struct Climb<'a> {
    with: &'a Augmenter<'a>,
    raise: &'a Raise<'a>,
    format: &'static dyn Format,
    bytes: Vec<u8>,
    evidence: Evidence,
    /// The values of the signatures that are raised; their places and identifiers change with what is added.
    values: Vec<Vec<u8>>,
    stamped: Option<Time>,
}

impl<'a> Climb<'a> {
    fn begin(with: &'a Augmenter<'a>, raise: &'a Raise<'a>) -> Result<Self> {
        let format = recognise(raise.document)?;
        let evidence = inspect(with, format, raise, raise.document)?;
        let signatures = asked(&evidence, raise.only, format.name() == Pades.name());
        if signatures.is_empty() {
            return Err(
                Error::invalid("document", "bears no signature that could be raised")
                    .remedy("Send a signed PDF or a CMS signature."),
            );
        }
        if signatures.len() > MOST_SIGNATURES {
            let problem = format!("bears more than {MOST_SIGNATURES} signatures");
            return Err(Error::limit("document", problem));
        }
        for (place, signature) in &signatures {
            if Baseline::reached(signature.level.tier).is_none() {
                let problem = format!("is {}, no baseline signature", signature.level);
                return Err(Error::refused(named(*place), problem)
                    .remedy("Raise signatures of the baseline alone."));
            }
        }
        let climb = Climb {
            values: signatures.iter().map(|(_, s)| s.value.to_vec()).collect(),
            with,
            raise,
            format,
            bytes: raise.document.to_vec(),
            evidence,
            stamped: None,
        };
        climb.check_that_none_fails()?;
        Ok(climb)
    }

    fn to(&mut self, level: Baseline) -> Result<()> {
        if level >= Baseline::T {
            self.stamp()?;
        }
        if level >= Baseline::Lt && self.lowest() < Baseline::Lt {
            let begun = (self.bytes.clone(), self.evidence.clone());
            if let Err(error) = self.complete() {
                // Half of it is not LT, and must not look like it.
                (self.bytes, self.evidence) = begun;
                return Err(error);
            }
        }
        if level >= Baseline::Lta {
            self.archive()?;
        }
        Ok(())
    }

    fn end(self, owed: Option<Error>) -> Result<Augmented> {
        Ok(Augmented {
            level: self.lowest(),
            bytes: self.bytes,
            evidence: self.evidence,
            stamped: self.stamped,
            owed,
        })
    }

    /// No sooner than the last time-stamp: an authority's clock may be a little ahead of ours.
    fn now(&self) -> Time {
        let ours = self.with.clock.now();
        self.stamped.map_or(ours, |stamped| ours.max(stamped))
    }

    fn signatures(&self) -> impl Iterator<Item = (usize, &Signature)> {
        let known = |one: &Signature| self.values.iter().any(|v| *one.value == **v);
        let all = self.evidence.signatures.iter().enumerate();
        all.filter(move |(_, one)| known(one))
    }

    /// The level that all of them have reached.
    fn lowest(&self) -> Baseline {
        let reached = self
            .signatures()
            .filter_map(|(_, one)| Baseline::reached(one.level.tier));
        reached.min().unwrap_or_default()
    }

    /// A signature time-stamp for each signature that has none.
    fn stamp(&mut self) -> Result<()> {
        for value in self.values.clone() {
            let (signature, level) = self.place(&value)?;
            if level >= Baseline::T {
                continue;
            }
            let algorithm = DigestAlgorithm::Sha256;
            let token = self.authority()?.timestamp(&MessageImprint {
                algorithm,
                digest: digest(algorithm, &value),
            })?;
            self.add(&Material::SignatureTimestamp {
                signature,
                token: token.bytes().to_vec(),
            })?;
            self.stamped = Some(token.tst_info().gen_time);
        }
        Ok(())
    }

    /// The place of a signature in the evidence, and its level.
    fn place(&self, value: &[u8]) -> Result<(usize, Baseline)> {
        let mut all = self.signatures();
        let found = all.find(|(_, one)| *one.value == *value);
        let (place, one) =
            found.ok_or_else(|| Error::internal("document", "has lost the signature raised"))?;
        Ok((place, Baseline::reached(one.level.tier).unwrap_or_default()))
    }

    /// What validation needs, gathered and embedded; then judged by the document alone.
    fn complete(&mut self) -> Result<()> {
        let before = self.evidence.pool.clone();
        let settled = settle(
            self.evidence.clone(),
            self.with.policy,
            self.with.sources,
            self.now(),
        );
        for (place, _) in self.signatures() {
            let verdict = &settled.verdict.signatures[place];
            passed(place, verdict, settled.outages.first())?;
        }
        let gathered = Gathered::of(&settled.evidence.pool, &before, self.with.originals)?;
        for value in self.values.clone() {
            let (signature, level) = self.place(&value)?;
            if level < Baseline::Lt {
                self.add(&gathered.material(signature))?;
            }
        }
        self.check_that_it_is_complete()
    }

    /// LT is called LT when no source is needed any more.
    fn check_that_it_is_complete(&self) -> Result<()> {
        let verdict = judge(&self.evidence, self.with.policy, self.now());
        for (place, signature) in self.signatures() {
            let one = &verdict.signatures[place];
            let whole = one.indication == Indication::TotalPassed
                && Baseline::reached(signature.level.tier) >= Some(Baseline::Lt);
            if !whole || !verdict.wanted.is_empty() {
                let why = one.sub_indication.map_or("it is wanting", |why| why.name());
                let problem = format!("is not complete with what was embedded ({why})");
                return Err(Error::unavailable(named(place), problem)
                    .remedy("Raise it again later, or ask for B-T."));
            }
        }
        Ok(())
    }

    /// An archive time-stamp for each signature. One that has some gets a further one: that is how LTA is renewed.
    fn archive(&mut self) -> Result<()> {
        for value in self.values.clone() {
            let (signature, _) = self.place(&value)?;
            let detached: Vec<_> = self.raise.content.into_iter().map(Detached::of).collect();
            let imprint = self.format.archive_imprint(
                &self.bytes,
                &detached,
                signature,
                DigestAlgorithm::Sha512,
            )?;
            let token = self.authority()?.timestamp(&imprint)?;
            self.add(&Material::ArchiveTimestamp {
                signature,
                token: token.bytes().to_vec(),
            })?;
            self.stamped = Some(token.tst_info().gen_time);
        }
        Ok(())
    }

    fn authority(&self) -> Result<&dyn Timestamping> {
        self.with.timestamping.ok_or_else(|| {
            Error::invalid("level", "needs a time-stamp, and no authority is named")
                .remedy("Name a [[tsa]] in the configuration, or ask for level B-B.")
        })
    }

    /// Adds material, and reads the result back: nothing that held before may not hold after it.
    fn add(&mut self, material: &Material) -> Result<()> {
        let bytes = self
            .format
            .augment(&self.bytes, material)?
            .apply(&self.bytes)?;
        let evidence = inspect(self.with, self.format, self.raise, &bytes)?;
        let broken = Error::internal("augmented document", "does not verify, and does not leave");
        for value in &self.values {
            let of = |evidence: &'_ Evidence| -> Option<bool> {
                let one = evidence.signatures.iter().find(|s| *s.value == **value)?;
                Some(holds(one))
            };
            if of(&evidence) != Some(true) && of(&self.evidence) != Some(false) {
                return Err(broken);
            }
        }
        (self.bytes, self.evidence) = (bytes, evidence);
        Ok(())
    }

    /// A signature that fails already is not worth a time-stamp, and none of ours says that it was.
    fn check_that_none_fails(&self) -> Result<()> {
        let verdict = judge(&self.evidence, self.with.policy, self.now());
        for (place, _) in self.signatures() {
            if verdict.signatures[place].indication == Indication::TotalFailed {
                return Err(does_not_hold(
                    place,
                    verdict.signatures[place].sub_indication,
                ));
            }
        }
        Ok(())
    }
}

/// The signatures that are to be raised, by their places.
fn asked(evidence: &Evidence, only: Option<[u8; 32]>, last: bool) -> Vec<(usize, &Signature)> {
    let all = evidence.signatures.iter().enumerate();
    let revision = |(_, one): &(usize, &Signature)| {
        let scope = one.scopes.first();
        scope.and_then(|scope| scope.revision).map(|(of, _)| of)
    };
    match only {
        Some(digest) => all
            .filter(|(_, one)| sha256(&one.value) == digest)
            .collect(),
        None if last => all.max_by_key(revision).into_iter().collect(),
        None => all.filter(|(_, one)| one.countersigns.is_none()).collect(),
    }
}

fn inspect(
    with: &Augmenter<'_>,
    format: &dyn Format,
    raise: &Raise<'_>,
    document: &[u8],
) -> Result<Evidence> {
    let detached: Vec<_> = raise.content.into_iter().map(Detached::of).collect();
    let input = Input {
        document,
        detached: &detached,
    };
    format.inspect(input, &mut with.policy.limits.budget())
}

/// Whether all that a signature and its time-stamps are over is what was signed.
fn holds(signature: &Signature) -> bool {
    let failed = |fault: &crate::engine::evidence::Fault| fault.severity == Severity::Failure;
    !signature.faults.iter().any(failed)
        && signature
            .references
            .iter()
            .all(|r| !r.is_found() || r.is_intact())
        && signature.timestamps.iter().all(|t| t.imprint.is_intact())
}

/// What was gathered for a document, by kind.
struct Gathered {
    certificates: Vec<Certificate>,
    crls: Vec<Vec<u8>>,
    ocsp_responses: Vec<Vec<u8>>,
}

impl Gathered {
    /// What is in `pool` and was not there before. Of an excerpt of an indexed list, the list itself.
    fn of(pool: &Pool, before: &Pool, originals: &dyn Originals) -> Result<Self> {
        let mut gathered = Gathered {
            certificates: Vec::new(),
            crls: Vec::new(),
            ocsp_responses: Vec::new(),
        };
        for (_, object) in pool.iter().filter(|(id, _)| before.get(id).is_none()) {
            match object.kind {
                ObjectKind::Certificate => gathered
                    .certificates
                    .push(Certificate::from_der(&object.bytes)?),
                ObjectKind::CertificateRevocationList => gathered.crls.push(object.bytes.to_vec()),
                ObjectKind::OcspResponse => gathered.ocsp_responses.push(object.bytes.to_vec()),
                ObjectKind::RevocationListExcerpt => {
                    let list = ObjectId(Excerpt::from_der(&object.bytes)?.id());
                    let list = originals.list(&list).ok_or_else(|| {
                        Error::unavailable("index", "does not keep a revocation list any more")
                    })?;
                    if !gathered.crls.iter().any(|known| **known == *list) {
                        gathered.crls.push(list.to_vec());
                    }
                }
                ObjectKind::TimestampToken => {}
            }
        }
        let bytes: usize = gathered.crls.iter().map(Vec::len).sum();
        if bytes > MOST_LISTS {
            let problem = format!("revocation lists of more than {MOST_LISTS} bytes are needed");
            return Err(Error::limit("level", problem)
                .remedy("Let OCSP responders be asked, or ask for B-T."));
        }
        Ok(gathered)
    }

    fn material(&self, signature: usize) -> Material {
        Material::ValidationData {
            signature,
            certificates: self.certificates.clone(),
            crls: self.crls.clone(),
            ocsp_responses: self.ocsp_responses.clone(),
        }
    }
}

/// Passed; or not yet, because somebody did not answer or will know more later; or not at all.
fn passed(place: usize, verdict: &SignatureVerdict, outage: Option<&Error>) -> Result<()> {
    match (verdict.indication, verdict.sub_indication, outage) {
        (Indication::TotalPassed, ..) => Ok(()),
        (Indication::TotalFailed, why, _) => Err(does_not_hold(place, why)),
        (_, why, Some(outage)) => {
            let why = why.map_or("INDETERMINATE", |why| why.name());
            let problem = format!(
                "cannot be completed yet ({why}): {}: {}",
                outage.element(),
                outage.problem()
            );
            Err(Error::unavailable(named(place), problem)
                .remedy("Raise it again when that answers."))
        }
        (_, Some(SubIndication::TryLater), None) => {
            let problem = "cannot be completed yet (TRY_LATER): no source knows more now";
            Err(Error::unavailable(named(place), problem)
                .remedy("Raise it again when fresh revocation data is published."))
        }
        (_, why, None) => Err(does_not_hold(place, why)),
    }
}

/// By its place: what a document calls its signatures may be a person's name.
fn named(place: usize) -> String {
    format!("signature {}", place + 1)
}

fn does_not_hold(place: usize, why: Option<SubIndication>) -> Error {
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    Error::refused(named(place), format!("does not hold{why}"))
        .remedy("Validate the document to see why.")
}
