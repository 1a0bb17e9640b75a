//! EN 319 102-1: from evidence to a verdict. Pure; one file a building block, in the clause's order.
//!
//! A verdict asks and never fetches: what is missing stands in [`Verdict::wanted`], and whoever holds sources may add it
//! to the evidence and validate again. No wording is composed here: findings carry keys and values, reports print them.

mod acceptance;
mod basic;
mod block;
mod certificate;
mod context;
mod cryptographic;
mod elements;
mod finding;
mod format_checking;
mod indication;
mod long_term;
mod material;
mod policy;
mod qualification;
mod revocation_freshness;
mod signing_certificate;
mod timestamp;
mod trust_basis;
mod verdict;
mod with_time;
mod x509;

pub use block::Block;
pub use certificate::{CertificateStatus, CertificateVerdict, Learnt, validate_certificate};
pub(in crate::engine) use finding::shortened;
pub use finding::{Check, Finding, Outcome};
pub use indication::{Indication, SubIndication};
pub use policy::{
    Acceptance, AlgorithmCatalogue, AttributeRules, CatalogueUsed, CertificateConstraints,
    Constraints, FILE_BYTES, Frozen, KeyUsageName, KnownPolicy, Level, MinimumLevel, Policy,
    PolicyUsed, Remembered, Revocation, SCHEMA, SignatureConstraints, SignaturePolicies,
    TimestampConstraints, weighable, why_fixed,
};
pub use qualification::{
    Answer, CertificateQualification, QualifiedAt, SignatureQualification, Word,
    certificate_qualification, timestamp_qualification,
};
pub use trust_basis::{ListUsed, TrustBasis};
pub use verdict::{NestedVerdict, Process, SignatureVerdict, TimestampVerdict, Verdict, Want};
pub use x509::Purpose;

use crate::engine::evidence::{Evidence, ObjectId, Pool, ProofsOfExistence, Signature, Timestamp};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;
use long_term::Document;
use material::Material;
use std::cell::Cell;
use std::collections::BTreeSet;
use timestamp::Judged;

/// Judges `evidence` by `policy` at `now`. The same three give the same verdict.
pub fn validate(evidence: &Evidence, policy: &Policy, now: Time) -> Verdict {
    let mut wanted = BTreeSet::new();
    let steps = Cell::new(policy.constraints.path_steps);
    let mut verdict = judge(evidence, policy, now, (&[], &steps), &mut wanted);
    verdict.wanted = wanted.into_iter().collect();
    verdict.trust = Some(TrustBasis::of(policy, now));
    verdict
}

/// One document; `around` are the pools of those it is inside of, `steps` what is left of the search for paths.
fn judge(
    evidence: &Evidence,
    policy: &Policy,
    now: Time,
    (around, steps): (&[&Pool], &Cell<u32>),
    wanted: &mut BTreeSet<Want>,
) -> Verdict {
    let mut pools = around.to_vec();
    pools.push(&evidence.pool);
    let material = Material::read(&[], &pools, policy, now, steps);
    material.proofs.replace(Some(ProofsOfExistence::new(now)));
    let document = judged(evidence, &material);
    let timestamps = document.stamps.into_iter().map(|stamp| stamp.verdict);
    let timestamps: Vec<TimestampVerdict> = timestamps.collect();
    let signatures: Vec<SignatureVerdict> = document
        .verdicts
        .into_iter()
        .map(|verdict| qualified(verdict, &material))
        .collect();
    let inside: Vec<NestedVerdict> = evidence
        .inside
        .iter()
        .map(|nested| NestedVerdict {
            name: nested.name.clone(),
            verdict: judge(&nested.evidence, policy, now, (&pools, steps), wanted),
        })
        .collect();
    wanted.append(&mut material.wanted.borrow_mut());
    let of_document = evidence.faults.iter().map(format_checking::finding);
    let findings: Vec<Finding> = of_document.filter_map(|one| policy.weigh(one)).collect();
    Verdict {
        indication: worst(evidence, &findings, &signatures, &timestamps, &inside),
        now,
        policy: policy.used(),
        trust: None,
        findings,
        signatures,
        timestamps,
        inside,
        wanted: Vec::new(),
    }
}

/// The processes of §5.4, §5.5 and, where it can change anything, §5.6.
fn judged<'a>(evidence: &'a Evidence, material: &Material<'_>) -> Document<'a> {
    let each = |stamps: &'a [Timestamp]| -> Vec<Judged<'a>> {
        let judged = stamps.iter().map(|one| timestamp::validate(one, material));
        judged.collect()
    };
    let signatures = &evidence.signatures;
    let mut document = Document {
        evidence,
        stamps: each(&evidence.timestamps),
        own: signatures.iter().map(|one| each(&one.timestamps)).collect(),
        verdicts: Vec::new(),
    };
    let verdicts = signatures.iter().zip(&document.own).map(|(one, own)| {
        let best = with_time::best_signature_time(one, own, &document.stamps, material.now);
        with_time::validate(one, &evidence.faults, own, best, material)
    });
    document.verdicts = verdicts.collect();
    if long_term::is_wanted(&document) {
        long_term::validate(&mut document, material);
    }
    document
}

/// With what the trusted lists say of its certificate, where a path was found.
fn qualified(mut verdict: SignatureVerdict, material: &Material<'_>) -> SignatureVerdict {
    let of = |id: &ObjectId| {
        let anchor = || material.policy.anchors.by_fingerprint(&id.0);
        material.certificate(id).or_else(anchor).cloned()
    };
    let path: Vec<Certificate> = verdict.path.iter().filter_map(of).collect();
    if let Some((certificate, authorities)) = path.split_first() {
        let at = verdict.best_signature_time;
        let own = certificate_qualification(certificate, authorities, material.policy, at);
        verdict.qualification = Some(qualification::signature_qualification(
            own,
            verdict.indication,
        ));
    }
    verdict
}

/// The worst of the signatures, of what is inside and of the document's own faults; where nothing is signed and something
/// stamped, of the time-stamps; else none.
fn worst(
    evidence: &Evidence,
    of_document: &[Finding],
    signatures: &[SignatureVerdict],
    timestamps: &[TimestampVerdict],
    inside: &[NestedVerdict],
) -> Option<Indication> {
    // A counter-signature is about the signature that it signs, not about the document.
    let is_of_document = |(one, _): &(&Signature, &SignatureVerdict)| one.countersigns.is_none();
    let judged = evidence
        .signatures
        .iter()
        .zip(signatures)
        .filter(is_of_document);
    let judged = judged.map(|(_, verdict)| verdict.indication);
    let nested = inside.iter().filter_map(|n| n.verdict.indication);
    let of_itself = of_document.iter().filter_map(|one| match one.outcome {
        Outcome::Failed => Some(Indication::TotalFailed),
        Outcome::Indeterminate => Some(Indication::Indeterminate),
        _ => None,
    });
    let stamped = timestamps.iter().map(|verdict| verdict.indication);
    let unsigned = signatures.is_empty() && inside.is_empty();
    let stamped = stamped.filter(|_| unsigned);
    judged
        .chain(nested)
        .chain(stamped)
        .max()
        .max(of_itself.max())
}
