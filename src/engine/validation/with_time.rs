//! Validation of signatures with time (EN 319 102-1 §5.5): what a proof of existence changes.
//!
//! In: a signature with its time-stamps. Out: its verdict. The earliest valid signature time-stamp is the best signature
//! time; what cannot be said of the certificate and the algorithms at the time of validation is asked again for that
//! instant. A content time-stamp says, the other way round, that the signature is not older.

use super::acceptance;
use super::block::Block;
use super::finding::{Finding, Outcome};
use super::indication::{Indication, SubIndication};
use super::material::{Material, id_of};
use super::timestamp::{self, Judged, VerifiedTimestamp};
use super::verdict::{Process, SignatureVerdict};
use super::x509::{Purpose, X509};
use super::{basic, elements};
use crate::engine::evidence::{
    Fault, Proof, ProofOfExistence, ProofsOfExistence, Signature, TimestampKind,
};
use crate::engine::pki::Certificate;
use crate::engine::pki::path::VerifiedPath;
use crate::engine::time::Time;

const CLAUSE: &str = "EN 319 102-1 §5.5.4";

use SubIndication as S;

/// Which of several sub-indications is the signature's: the first here. In the order of the processes, but that what
/// may be otherwise later (TRY_LATER) stands behind what will not.
pub(super) const PRECEDENCE: &[SubIndication] = &[
    S::FormatFailure,
    S::HashFailure,
    S::SigCryptoFailure,
    S::Revoked,
    S::NotYetValid,
    S::Expired,
    S::NoSigningCertificateFound,
    S::SignedDataNotFound,
    S::NoCertificateChainFound,
    S::NoCertificateChainFoundNoPoe,
    S::CertificateChainGeneralFailure,
    S::RevokedNoPoe,
    S::RevokedCaNoPoe,
    S::OutOfBoundsNotRevoked,
    S::OutOfBoundsNoPoe,
    S::RevocationOutOfBoundsNoPoe,
    S::ChainConstraintsFailure,
    S::CryptoConstraintsFailure,
    S::CryptoConstraintsFailureNoPoe,
    S::PolicyProcessingError,
    S::SignaturePolicyNotAvailable,
    S::TimestampOrderFailure,
    S::SigConstraintsFailure,
    S::NoPoe,
    S::TryLater,
];

/// The indication that follows from findings.
pub(super) fn conclude(findings: &[Finding]) -> (Indication, Option<SubIndication>) {
    let negative = findings.iter().filter(|f| f.is_negative());
    match gravest(negative.filter_map(|f| f.sub_indication)) {
        Some(sub) => (sub.indication(), Some(sub)),
        None => (Indication::TotalPassed, None),
    }
}

/// The one of several sub-indications that is the signature's.
pub(super) fn gravest(subs: impl Iterator<Item = SubIndication>) -> Option<SubIndication> {
    let rank = |sub: &SubIndication| PRECEDENCE.iter().position(|one| one == sub);
    subs.min_by_key(rank)
}

/// §5.5.4(2) and (3): the time of validation, or the earliest proof that a valid time-stamp gives: of the signature's own, or
/// of those over the document (EN 319 142-1 §5.4.3) that cover it.
pub(super) fn best_signature_time(
    signature: &Signature,
    own: &[Judged<'_>],
    document: &[Judged<'_>],
    now: Time,
) -> ProofOfExistence {
    let of_signature = own
        .iter()
        .filter(|stamp| stamp.timestamp.kind == TimestampKind::Signature);
    let over_it = document
        .iter()
        .filter(|stamp| stamp.timestamp.signatures.contains(&signature.id));
    let mut proofs = ProofsOfExistence::new(now);
    for stamp in of_signature.chain(over_it) {
        if let Some(verified) = stamp.verified() {
            proofs.add(ProofOfExistence {
                of: signature.id,
                at: verified.gen_time(),
                by: Proof::Timestamp(stamp.timestamp.token),
            });
        }
    }
    proofs.of(&signature.id)
}

/// Judges `signature` with its own time-stamps; `best` says when it is proven to have existed.
pub(super) fn validate(
    signature: &Signature,
    document_faults: &[Fault],
    own: &[Judged<'_>],
    best: ProofOfExistence,
    material: &Material<'_>,
) -> SignatureVerdict {
    let basic = basic::validate(signature, document_faults, material);
    let mut findings = basic.before;
    let verified: Vec<VerifiedTimestamp> = own.iter().filter_map(Judged::verified).collect();
    let x509 = basic
        .certificate
        .as_ref()
        .map(|certificate| with_proof(signature, certificate, best.at, material));
    let stamped = gen_times(&verified, TimestampKind::Signature).min();
    let elements = elements::accept(signature, stamped, material.policy);
    let mut asked = Block::Acceptance.close(elements, material.policy);
    let (mut chain, mut anchor) = (Vec::new(), None);
    if let (Some(x509), Some(certificate)) = (x509, &basic.certificate) {
        let not_before_signing = gen_times(&verified, TimestampKind::Content).max();
        chain = x509.chain.iter().map(id_of).collect();
        let ends_at = |path: &VerifiedPath| path.anchor().provenance().clone();
        anchor = x509.path.as_ref().map(ends_at);
        let policy = material.policy;
        let asked_of_it = elements::accept_certificate(certificate, &x509.chain, best.at, policy);
        asked.extend(Block::Acceptance.close(asked_of_it, policy));
        let of_certificate = turned_to_failure(x509, certificate, best.at, not_before_signing);
        let early = too_early(&of_certificate, certificate, best.at);
        findings.extend(of_certificate);
        findings.extend(Block::WithTime.close(early, policy));
    }
    findings.extend(basic.after);
    // Of a signature alone: a time-stamp proves what it is over, whatever else there is.
    let accepted = acceptance::accept(signature);
    findings.extend(Block::Acceptance.close(accepted, material.policy));
    findings.extend(asked);
    let stamps = own.iter().map(|stamp| timestamp::finding(&stamp.verdict));
    let mut of_time: Vec<Finding> = stamps.collect();
    of_time.extend(order_finding(&verified));
    of_time.extend(claim_finding(signature, best.at, material));
    findings.extend(Block::WithTime.close(of_time, material.policy));
    let (indication, sub_indication) = conclude(&findings);
    let is_proven = best.by != Proof::Validation;
    SignatureVerdict {
        qualification: None,
        signature: signature.id,
        process: match is_proven {
            true => Process::WithTime,
            false => Process::Basic,
        },
        indication,
        sub_indication,
        mathematics: basic.mathematics,
        signing_certificate: basic.certificate.as_ref().map(id_of),
        path: chain,
        anchor,
        best_signature_time: best.at,
        proofs: is_proven.then_some(best).into_iter().collect(),
        findings,
        timestamps: own.iter().map(|stamp| stamp.verdict.clone()).collect(),
    }
}

fn gen_times(
    verified: &[VerifiedTimestamp],
    kind: TimestampKind,
) -> impl Iterator<Item = Time> + '_ {
    verified
        .iter()
        .filter(move |stamp| stamp.kind() == kind)
        .map(VerifiedTimestamp::gen_time)
}

/// §5.5.4(4): what does not hold now is asked for the best signature time.
fn with_proof(
    signature: &Signature,
    certificate: &Certificate,
    best_signature_time: Time,
    material: &Material<'_>,
) -> X509 {
    let now = basic::at(
        signature,
        certificate,
        Purpose::Signature,
        material.now,
        material,
    );
    if best_signature_time >= material.now || !now.findings.iter().any(Finding::is_negative) {
        return now;
    }
    let mut then = basic::at(
        signature,
        certificate,
        Purpose::Signature,
        best_signature_time,
        material,
    );
    if !then.findings.iter().any(Finding::is_negative) {
        let proven = Finding::new("certificate.proven_in_time", CLAUSE, Outcome::Passed);
        let was = now.findings.iter().find(|f| f.is_negative());
        let proven = proven
            .found(best_signature_time)
            .expected(was.map(|f| f.check.as_str()).unwrap_or_default());
        let proven = Block::WithTime.close([proven], material.policy);
        then.findings.extend(proven);
    }
    then
}

/// §5.3.4(4) and §5.5.4(4): doubts that are none, since the signature is known to be older or younger than something.
fn turned_to_failure(
    x509: X509,
    certificate: &Certificate,
    best_signature_time: Time,
    not_before_signing: Option<Time>,
) -> Vec<Finding> {
    let validity = certificate.validity();
    let after = |instant: Time| not_before_signing.is_some_and(|signed| signed > instant);
    let mut findings = x509.findings;
    for finding in &mut findings {
        let turned = match finding.sub_indication {
            Some(S::OutOfBoundsNoPoe | S::OutOfBoundsNotRevoked)
                if finding.object == Some(id_of(certificate)) =>
            {
                if best_signature_time < validity.not_before {
                    S::NotYetValid
                } else if after(validity.not_after) {
                    S::Expired
                } else {
                    continue;
                }
            }
            Some(S::RevokedNoPoe) if x509.revoked_at.is_some_and(after) => S::Revoked,
            _ => continue,
        };
        finding.sub_indication = Some(turned);
        finding.outcome = Outcome::Failed;
    }
    findings
}

/// §5.5.4(4)(b): a signature that is proven to be older than its certificate, where nothing else said so.
fn too_early(findings: &[Finding], certificate: &Certificate, best: Time) -> Option<Finding> {
    let not_before = certificate.validity().not_before;
    let is_told = findings
        .iter()
        .any(|f| f.sub_indication == Some(S::NotYetValid));
    (best < not_before && !is_told).then(|| {
        Finding::negative("certificate.not_yet_valid", CLAUSE, S::NotYetValid)
            .object(id_of(certificate))
            .element(certificate.subject().common_name())
            .found(best)
            .expected(not_before)
    })
}

/// §5.5.4(5): what came first must be stamped first.
fn order_finding(verified: &[VerifiedTimestamp]) -> Option<Finding> {
    let content = gen_times(verified, TimestampKind::Content).max()?;
    let signature = gen_times(verified, TimestampKind::Signature).min()?;
    (content > signature).then(|| {
        Finding::negative("timestamp.order", CLAUSE, S::TimestampOrderFailure)
            .found(content)
            .expected(signature)
    })
}

/// The signing time is a claim; one that a time-stamp refutes is told.
fn claim_finding(
    signature: &Signature,
    best_signature_time: Time,
    material: &Material<'_>,
) -> Option<Finding> {
    let claimed = signature.claimed_time?;
    (claimed > best_signature_time.plus(material.policy.constraints.time_tolerance)).then(|| {
        Finding::new("claimed_time.after_proof", CLAUSE, Outcome::Note)
            .found(claimed)
            .expected(best_signature_time)
    })
}
