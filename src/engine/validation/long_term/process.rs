//! The process for signatures with long-term availability and integrity of validation material (EN 319 102-1 §5.6.3,
//! unchecked).
//!
//! In: a document's signatures and time-stamps as they were judged for the time of validation. Out: the same, with what
//! evidence records and time-stamps prove taken in. The newest time-stamp first: each must hold now, or be proven by a newer
//! one to be from a time at which it held, before what it is over counts as proven. None proves itself.

use super::super::block::Block;
use super::super::finding::{Finding, Outcome};
use super::super::indication::SubIndication;
use super::super::material::{Material, id_of};
use super::super::timestamp::{self, Judged};
use super::super::verdict::{Process, SignatureVerdict};
use super::super::with_time::{self, conclude};
use super::super::x509::Purpose;
use super::past_certificate::PastCertificate;
use super::past_signature::{self, Past, Subject, is_curable};
use super::poe_extraction::Known;
use crate::engine::evidence::{
    ArchiveTimestamp, Evidence, EvidenceRecord, ObjectId, Proof, ProofOfExistence,
    ProofsOfExistence, Reference, Severity, Signature,
};
use crate::engine::time::Time;
use std::collections::BTreeSet;

/// Time-stamps of one document that are judged for the past; older ones are left as they are.
const MOST_TIMESTAMPS: usize = 512;

/// A document's time-stamps and signatures as far as they are judged.
#[derive(Debug)]
pub(in super::super) struct Document<'a> {
    pub(in super::super) evidence: &'a Evidence,
    /// Those over the document.
    pub(in super::super) stamps: Vec<Judged<'a>>,
    /// Those of each signature.
    pub(in super::super) own: Vec<Vec<Judged<'a>>>,
    /// One a signature.
    pub(in super::super) verdicts: Vec<SignatureVerdict>,
}

/// Whether there is something that proofs might change, and something that gives them.
pub(in super::super) fn is_wanted(document: &Document<'_>) -> bool {
    let all = || document.stamps.iter().chain(document.own.iter().flatten());
    let of_stamps = all().map(|stamp| &stamp.verdict.findings);
    let of_signatures = document.verdicts.iter().map(|verdict| &verdict.findings);
    let curable = |findings: &Vec<Finding>| findings.iter().any(is_curable);
    let gives = |stamp: &Judged<'_>| !stamp.timestamp.covers.is_empty();
    let proves = || !document.evidence.records.is_empty() || all().any(gives);
    of_signatures.chain(of_stamps).any(curable) && proves()
}

/// Judges `document` again by what its time-stamps and evidence records prove.
pub(in super::super) fn validate(document: &mut Document<'_>, material: &Material<'_>) {
    let known = known(document, material);
    records(document, &known, material);
    timestamps(document, &known, material);
    for index in 0..document.verdicts.len() {
        signature(document, index, material);
    }
}

fn known<'a>(document: &Document<'a>, material: &Material<'_>) -> Known<'a> {
    let mut known = Known::default();
    for signature in &document.evidence.signatures {
        known.add_signature(signature, material);
    }
    let own = document.own.iter().flatten();
    for stamp in document.stamps.iter().chain(own) {
        known.add_token(stamp.timestamp);
    }
    let records = document.evidence.records.iter();
    for stamp in records.flat_map(|record| &record.timestamps) {
        known.add_token(&stamp.timestamp);
    }
    known
}

/// §5.6.3.4(1): a record that holds proves what it is over since its first time-stamp.
fn records(document: &Document<'_>, known: &Known<'_>, material: &Material<'_>) {
    let mut gained = Vec::new();
    for record in &document.evidence.records {
        let fails = |severity| severity == Severity::Failure;
        if record.is_intact() && !record.faults.iter().any(|fault| fails(fault.severity)) {
            gained.extend(proven_by_record(record, known, material));
        }
    }
    gained.into_iter().for_each(|proof| material.prove(proof));
}

/// From the last time-stamp, which must hold now, back to the first, each of which must have held when the one after it was
/// made, and hash by an algorithm that was reliable then.
fn proven_by_record(
    record: &EvidenceRecord,
    known: &Known<'_>,
    material: &Material<'_>,
) -> Vec<ProofOfExistence> {
    let mut within = material.proofs_so_far();
    for stamp in record.timestamps.iter().rev().take(MOST_TIMESTAMPS) {
        let mut judged = timestamp::validate(&stamp.timestamp, material);
        material.with_proofs(within.clone(), || past_timestamp(&mut judged, material));
        let Some(verified) = judged.verified() else {
            return Vec::new();
        };
        let proven = within.of(&stamp.timestamp.token).at;
        if !digests_hold(stamp, proven, material) {
            return Vec::new();
        }
        let (by, at) = (Proof::EvidenceRecord(record.id), verified.gen_time());
        for proof in known.proven_by(&stamp.timestamp, by, at) {
            within.add(proof);
        }
    }
    within
        .iter()
        .filter(|p| p.by == Proof::EvidenceRecord(record.id))
        .collect()
}

fn digests_hold(stamp: &ArchiveTimestamp, at: Time, material: &Material<'_>) -> bool {
    let holds = |reference: &Reference| {
        let finding = super::super::acceptance::reference_finding(reference, at, material.policy);
        !finding.is_some_and(|finding| finding.is_negative())
    };
    stamp.references.iter().all(holds)
}

/// §5.6.3.4(5): the newest first; of one instant, what stands later in the document.
fn timestamps(document: &mut Document<'_>, known: &Known<'_>, material: &Material<'_>) {
    let own = document.own.iter_mut().flatten();
    let mut all: Vec<&mut Judged<'_>> = own.chain(document.stamps.iter_mut()).collect();
    all.reverse();
    all.sort_by_key(|stamp| std::cmp::Reverse(stamp.timestamp.gen_time));
    order_by_cover(&mut all);
    for stamp in all.into_iter().take(MOST_TIMESTAMPS) {
        past_timestamp(stamp, material);
        let Some(verified) = stamp.verified() else {
            continue;
        };
        let by = Proof::Timestamp(stamp.timestamp.token);
        for proof in known.proven_by(stamp.timestamp, by, verified.gen_time()) {
            material.prove(proof);
        }
    }
}

/// Of time-stamps of one instant, one that is over another comes before it.
fn order_by_cover(all: &mut [&mut Judged<'_>]) {
    for run in all.chunk_by_mut(|a, b| a.timestamp.gen_time == b.timestamp.gen_time) {
        run.sort_by_key(|stamp| std::cmp::Reverse(stamp.timestamp.covers.len()));
    }
}

/// §5.6.3.4(5)(b) and (c): a time-stamp that does not hold now is asked for when it is proven to have existed.
fn past_timestamp(stamp: &mut Judged<'_>, material: &Material<'_>) {
    let Some(certificate) = &stamp.certificate else {
        return;
    };
    let of_token = material.proof_of(&stamp.timestamp.token);
    let subject = Subject {
        signature: &stamp.timestamp.signature,
        certificate,
        purpose: Purpose::TimeStamping,
        imprint: Some(&stamp.timestamp.imprint),
        proof: of_token.min_by_time(material.proof_of(&stamp.timestamp.signature.id)),
    };
    let Some(past) = cured(&mut stamp.verdict.findings, &subject, material) else {
        return;
    };
    stamp.verdict.findings.extend(past.findings);
    stamp.verdict.process = Process::LongTerm;
    let (indication, sub_indication) = conclude(&stamp.verdict.findings);
    stamp.verdict.indication = indication;
    stamp.verdict.sub_indication = sub_indication;
}

/// Past signature validation, where what stands against the signature can be cured; what was is told as such. Whatever else
/// stands against it stays.
fn cured(findings: &mut [Finding], subject: &Subject<'_>, material: &Material<'_>) -> Option<Past> {
    let now: Vec<&Finding> = findings.iter().filter(|f| is_curable(f)).collect();
    // §5.6.3.4(3): constraints on the signature are no reason not to ask.
    let constraint = Some(SubIndication::SigConstraintsFailure);
    let fatal = |f: &Finding| f.is_negative() && !is_curable(f) && f.sub_indication != constraint;
    if now.is_empty() || findings.iter().any(fatal) {
        return None;
    }
    let past = past_signature::validate(subject, &now, material);
    if past.holds || past.lacks_material() {
        for finding in findings.iter_mut().filter(|f| is_curable(f)) {
            finding.outcome = Outcome::Note;
        }
    }
    Some(past)
}

/// §5.6.3.4(6) to (9): a signature for the earliest time that is proven.
fn signature(document: &mut Document<'_>, index: usize, material: &Material<'_>) {
    let signature = &document.evidence.signatures[index];
    let own = &document.own[index];
    let with_time = document.verdicts[index].proofs.first().copied();
    let best = material.proof_of(&signature.id);
    let best = with_time.map_or(best, |proof| proof.min_by_time(best));
    let faults = &document.evidence.faults;
    let none_yet = ProofsOfExistence::new(material.now);
    let again = || with_time::validate(signature, faults, own, best, material);
    let mut verdict = material.with_proofs(none_yet, again);
    if with_time != Some(best) && best.by != Proof::Validation {
        verdict.process = Process::LongTerm;
    }
    past(&mut verdict, signature, best, material);
    document.verdicts[index] = verdict;
}

fn past(
    verdict: &mut SignatureVerdict,
    signature: &Signature,
    proof: ProofOfExistence,
    material: &Material<'_>,
) {
    let certificate = verdict.signing_certificate;
    let Some(certificate) = certificate.and_then(|id| material.certificate(&id)) else {
        return;
    };
    let subject = Subject {
        signature,
        certificate,
        purpose: Purpose::Signature,
        imprint: None,
        proof,
    };
    let Some(past) = cured(&mut verdict.findings, &subject, material) else {
        return;
    };
    verdict.process = Process::LongTerm;
    let extracted = extracted(proof).map(|f| Block::PoeExtraction.close([f], material.policy));
    verdict.findings.extend(extracted.into_iter().flatten());
    if let Some(found) = past.certificate.as_ref().filter(|_| past.holds) {
        verdict.path = found.path.certificates().iter().map(id_of).collect();
        verdict.anchor = Some(found.path.anchor().provenance().clone());
        verdict.proofs = proofs_used(proof, found, &verdict.timestamps, material);
    }
    verdict.findings.extend(past.findings);
    let (indication, sub_indication) = conclude(&verdict.findings);
    verdict.indication = indication;
    verdict.sub_indication = sub_indication;
}

fn extracted(proof: ProofOfExistence) -> Option<Finding> {
    let by = match proof.by {
        Proof::Validation => return None,
        Proof::Timestamp(id) | Proof::EvidenceRecord(id) => id,
    };
    let clause = Block::PoeExtraction.clause();
    let finding = Finding::new("poe.signature", clause, Outcome::Passed);
    Some(finding.object(by).found(proof.at))
}

/// Of the signature, of the certificates and revocation data of its path, and of its time-stamps.
fn proofs_used(
    of_signature: ProofOfExistence,
    found: &PastCertificate,
    timestamps: &[super::super::verdict::TimestampVerdict],
    material: &Material<'_>,
) -> Vec<ProofOfExistence> {
    let path = found.path.certificates().iter().map(id_of);
    let data = found.slid.used.iter().map(|id| ObjectId(*id));
    let tokens = timestamps.iter().map(|stamp| stamp.token);
    let objects: BTreeSet<ObjectId> = path.chain(data).chain(tokens).collect();
    let proven = objects.iter().map(|id| material.proof_of(id));
    let proven = proven.filter(|proof| proof.by != Proof::Validation);
    [of_signature].into_iter().chain(proven).collect()
}
