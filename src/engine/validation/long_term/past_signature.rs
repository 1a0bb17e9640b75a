//! Past signature validation (EN 319 102-1 §5.6.2.4, unchecked): whether what cannot be said now held when the signature is
//! proven to have existed.
//!
//! In: a signature or token, its certificate, what stands against it now, the proofs of existence. Out: that nothing of that
//! stood against it then, or why not. What no proof can change is not asked here.

use super::super::acceptance;
use super::super::block::Block;
use super::super::finding::{Finding, Outcome};
use super::super::indication::SubIndication;
use super::super::material::Material;
use super::super::with_time::gravest;
use super::super::x509::Purpose;
use super::past_certificate::{self, PastCertificate};
use super::time_sliding::NoProof;
use crate::engine::evidence::{Proof, ProofOfExistence, Reference, Signature};
use crate::engine::pki::Certificate;

use SubIndication as S;

const CLAUSE: &str = Block::PastSignature.clause();

/// Whether a proof of existence may change what stands against a signature (§5.6.3.4, unchecked).
pub(super) fn is_curable(finding: &Finding) -> bool {
    let of_time = |sub| {
        matches!(
            sub,
            S::RevokedNoPoe
                | S::RevokedCaNoPoe
                | S::OutOfBoundsNoPoe
                | S::OutOfBoundsNotRevoked
                | S::CryptoConstraintsFailureNoPoe
                | S::RevocationOutOfBoundsNoPoe
                | S::NoCertificateChainFoundNoPoe
                | S::TryLater
        )
    };
    finding.is_negative() && finding.sub_indication.is_some_and(of_time)
}

/// A signature, or that of a token, and what it is by.
#[derive(Debug)]
pub(super) struct Subject<'a> {
    pub(super) signature: &'a Signature,
    pub(super) certificate: &'a Certificate,
    pub(super) purpose: Purpose,
    /// The imprint of a time-stamp.
    pub(super) imprint: Option<&'a Reference>,
    /// When it is proven to have existed.
    pub(super) proof: ProofOfExistence,
}

/// What past signature validation came to.
#[derive(Debug)]
pub(super) struct Past {
    /// Whether nothing stood against it then.
    pub(super) holds: bool,
    /// What was found, in order.
    pub(super) findings: Vec<Finding>,
    /// How its certificate was good, where it was.
    pub(super) certificate: Option<PastCertificate>,
}

impl Past {
    /// Whether all that is missing is a proof of the material by which its certificate was good.
    pub(super) fn lacks_material(&self) -> bool {
        let negative = self.findings.iter().filter(|f| f.is_negative());
        let mut subs = negative.map(|f| f.sub_indication).peekable();
        subs.peek().is_some() && subs.all(|sub| sub == Some(S::NoPoe))
    }
}

/// Validates `subject`, against which `now` stands: findings that are all curable.
pub(super) fn validate(subject: &Subject<'_>, now: &[&Finding], material: &Material<'_>) -> Past {
    let mut past = Past {
        holds: false,
        findings: Vec::new(),
        certificate: None,
    };
    let (certificate, purpose) = (subject.certificate, subject.purpose);
    match past_certificate::validate(certificate, purpose, subject.proof.at, material) {
        Ok(found) => {
            let slid = &found.slid;
            let moves = slid.findings.iter().cloned();
            let policy = material.policy;
            past.findings = Block::TimeSliding.close(moves, policy);
            let holds = past_certificate::finding(&found);
            past.findings
                .extend(Block::PastCertificate.close([holds], policy));
            let of_signature = weigh(subject, &found, now, material);
            past.holds = !of_signature.iter().any(Finding::is_negative);
            past.findings
                .extend(Block::PastSignature.close(of_signature, policy));
            past.certificate = Some(found);
        }
        Err(why) => past.findings.push(unproven(*why, subject)),
    }
    past
}

/// §5.6.2.4.4(2): without a chain that was good, what is said now stands, with why. Where the signature is proven to be from
/// early enough and the material by which its certificate was good is not, that is NO_POE.
fn unproven(why: NoProof, subject: &Subject<'_>) -> Finding {
    let block = match why.finding.clause == Block::TimeSliding.clause() {
        true => Block::TimeSliding,
        false => Block::PastCertificate,
    };
    let in_time = subject.proof.by != Proof::Validation && subject.proof.at <= why.control;
    let outcome = match why.finding.sub_indication {
        Some(S::NoPoe) if in_time => why.finding.outcome,
        _ => Outcome::Note,
    };
    Finding {
        block: Some(block),
        outcome,
        ..why.finding
    }
}

/// §5.6.2.4.4(3) to (6).
fn weigh(
    subject: &Subject<'_>,
    found: &PastCertificate,
    now: &[&Finding],
    material: &Material<'_>,
) -> Vec<Finding> {
    let (best, control) = (subject.proof.at, found.slid.control);
    let validity = subject.certificate.validity();
    let negative = |check, sub| Finding::negative(check, CLAUSE, sub).found(best);
    let mut findings = Vec::new();
    if best < validity.not_before {
        findings.push(
            negative("past_signature.before_certificate", S::NotYetValid)
                .expected(validity.not_before),
        );
    } else if best > validity.not_after {
        let sub = match now
            .iter()
            .any(|f| f.sub_indication == Some(S::OutOfBoundsNotRevoked))
        {
            true => S::OutOfBoundsNotRevoked,
            false => S::OutOfBoundsNoPoe,
        };
        findings
            .push(negative("past_signature.after_certificate", sub).expected(validity.not_after));
    } else if best > control {
        // What is said now stands.
        let subs = now.iter().filter_map(|finding| finding.sub_indication);
        let sub = gravest(subs).unwrap_or(S::NoPoe);
        findings.push(negative("past_signature.not_proven", sub).expected(control));
    }
    findings.extend(algorithms(subject, found, now, material));
    if !findings.iter().any(Finding::is_negative) {
        let holds = Finding::new("past_signature.holds", CLAUSE, Outcome::Passed);
        findings.push(holds.found(best).expected(control));
    }
    findings
}

/// §5.6.2.4.4(4): each algorithm when what it made is first proven to have existed. Those of the chain are in the control
/// time already, unless nothing else stands against the signature.
fn algorithms(
    subject: &Subject<'_>,
    found: &PastCertificate,
    now: &[&Finding],
    material: &Material<'_>,
) -> Vec<Finding> {
    let (at, policy) = (subject.proof.at, material.policy);
    let mut findings =
        acceptance::accept_algorithms(subject.signature, subject.certificate, at, policy);
    let imprint = subject.imprint;
    findings.extend(imprint.and_then(|one| acceptance::reference_finding(one, at, policy)));
    let only = |f: &&Finding| f.sub_indication == Some(S::CryptoConstraintsFailureNoPoe);
    if now.iter().all(only) {
        findings.extend(found.slid.broken.iter().cloned());
    }
    findings.retain(Finding::is_negative);
    findings
}
