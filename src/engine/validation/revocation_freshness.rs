//! Revocation freshness (EN 319 102-1 §5.2.5): by which rules the status of a certificate is concluded for an instant.

use super::acceptance::algorithm_finding;
use super::finding::Finding;
use super::material::Material;
use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::pki::revocation::{Answer, Judgment, Proofs, Rules, Said, judge};
use crate::engine::time::Time;

/// What `said` comes to at `at`, by the policy's freshness (§5.2.5.4) and algorithms.
pub(super) fn conclude(said: &Said, at: Time, material: &Material<'_>) -> Judgment {
    let policy = material.policy;
    let acceptable = |algorithm: SignatureAlgorithm, bits, at| {
        !algorithm_finding(algorithm, bits, at, policy).is_some_and(|f: Finding| f.is_negative())
    };
    let proven = |answer: &Answer| material.proven_at(&answer.evidence).unwrap_or(at);
    let anchor = |signer: &Certificate| policy.anchors.contains(signer);
    let proofs = Proofs {
        proven: &proven,
        anchor: &anchor,
    };
    judge(
        said,
        &Rules {
            at,
            now: material.latest,
            tolerance: policy.constraints.time_tolerance,
            oldest: policy.constraints.revocation_freshness,
            acceptable: &acceptable,
            proofs: material.asks_for_proofs().then_some(&proofs),
        },
    )
}
