//! Signature acceptance validation (EN 319 102-1 §5.2.8): algorithms, and what else the policy asks of a signature.
//!
//! In: a signature, and the instant by which it is proven to have existed. Out: findings. What came into the document
//! after signing, and what the signature leaves out, is SIG_CONSTRAINTS_FAILURE: the sub-indication of a signature
//! that holds and does not meet what the policy asks, here that it covers all that the reader sees.

use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::policy::{Acceptance, Policy};
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::evidence::{ChangeKind, Reference, ScopeKind, Signature};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;

const CLAUSE: &str = "EN 319 102-1 §5.2.8";

/// What does not depend on time: coverage and later changes.
pub(super) fn accept(signature: &Signature) -> Vec<Finding> {
    let negative = |check| Finding::negative(check, CLAUSE, SubIndication::SigConstraintsFailure);
    let changes = signature.later_changes.iter().filter_map(|change| {
        let check = match change.kind {
            ChangeKind::ValidationData => return None,
            ChangeKind::Revision => "document.later_revision",
            ChangeKind::Bytes => "document.later_bytes",
        };
        let end = change.offset.saturating_add(change.length);
        Some(negative(check).found(format!("{}-{end}", change.offset)))
    });
    let partial = signature
        .scopes
        .iter()
        .filter(|scope| scope.kind == ScopeKind::Partial && signature.later_changes.is_empty())
        .map(|scope| negative("document.partly_covered").element(&scope.name));
    changes.chain(partial).collect()
}

/// Whether the algorithms of a signature could be believed at `at`.
pub(super) fn accept_algorithms(
    signature: &Signature,
    certificate: &Certificate,
    at: Time,
    policy: &Policy,
) -> Vec<Finding> {
    let bits = certificate.public_key().map_or(0, |key| key.bits());
    let value = signature
        .algorithm
        .and_then(|algorithm| algorithm_finding(algorithm, bits, at, policy));
    let references = signature
        .references
        .iter()
        .filter_map(|reference| reference_finding(reference, at, policy));
    value.into_iter().chain(references).collect()
}

/// Whether the digest algorithm of a reference could be believed at `at`.
pub(super) fn reference_finding(
    reference: &Reference,
    at: Time,
    policy: &Policy,
) -> Option<Finding> {
    digest_finding(reference.algorithm, at, policy).map(|f| f.element(&reference.name))
}

fn digest_finding(algorithm: DigestAlgorithm, at: Time, policy: &Policy) -> Option<Finding> {
    finding(
        policy.algorithms.digest(algorithm),
        algorithm.to_string(),
        at,
        policy,
    )
}

/// Whether a signature algorithm with a key of `bits` could be believed at `at`.
pub(super) fn algorithm_finding(
    algorithm: SignatureAlgorithm,
    bits: u32,
    at: Time,
    policy: &Policy,
) -> Option<Finding> {
    let acceptance = policy.algorithms.signature(algorithm, bits);
    finding(acceptance, format!("{algorithm}, {bits} bits"), at, policy)
}

fn finding(acceptance: Acceptance, name: String, at: Time, policy: &Policy) -> Option<Finding> {
    use SubIndication::{CryptoConstraintsFailure, CryptoConstraintsFailureNoPoe};
    let finding = match acceptance {
        Acceptance::Open => return None,
        Acceptance::Until(end) if at < end => return None,
        Acceptance::Until(end) if policy.algorithms.is_prediction(end) => {
            Finding::new("algorithm.end_predicted", CLAUSE, Outcome::Note).expected(end)
        }
        Acceptance::Until(end) => {
            Finding::negative("algorithm.expired", CLAUSE, CryptoConstraintsFailureNoPoe)
                .expected(end)
        }
        Acceptance::Unlisted => {
            Finding::negative("algorithm.unlisted", CLAUSE, CryptoConstraintsFailure)
        }
    };
    Some(finding.found(name))
}
