//! One prospective chain judged (EN 319 102-1 §5.2.6.4 steps 1 and 3 to 5): RFC 5280 §6.1, revocation, purpose, algorithms.

use super::purpose::{Purpose, purpose_finding};
use super::revocation::{Known, judge_revocation};
use super::{CLAUSE, X509};
use crate::engine::pki::Certificate;
use crate::engine::pki::path::{PathFailure, Problem, SignatureChecks, validate as validate_path};
use crate::engine::time::Time;
use crate::engine::validation::acceptance::algorithm_finding;
use crate::engine::validation::finding::{Finding, Outcome};
use crate::engine::validation::indication::SubIndication;
use crate::engine::validation::material::{Material, id_of};

/// §5.2.6.4 steps 1 and 3 to 5 over one prospective chain.
pub(super) fn judge_chain(
    chain: &[Certificate],
    purpose: Purpose,
    at: Time,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
) -> X509 {
    let mut result = X509 {
        findings: Vec::new(),
        chain: chain.to_vec(),
        path: None,
        revoked_at: None,
        revocation: Vec::new(),
    };
    let policy = material.policy;
    let Some((below, anchor)) = policy.anchors.end_of(chain, at) else {
        return result;
    };
    let verified = match validate_path(below, anchor, at, &policy.path, checks) {
        Ok(path) => Some(path),
        Err(failure) => {
            let within = matches!(
                failure.problem,
                Problem::Expired(_) | Problem::NotYetValid(_)
            );
            result.findings.push(path_finding(&failure, at));
            if !within {
                return result;
            }
            None
        }
    };
    for (index, pair) in chain.windows(2).enumerate() {
        let known = judge_revocation(&pair[0], &pair[1], at, material, checks, &mut result);
        match known {
            // OUT_OF_BOUNDS_NOT_REVOKED: out of its time, and known not to have been revoked when it ended.
            Known::Good(..) if index == 0 => {
                let expired = |f: &&mut Finding| f.check == "certificate.expired";
                for finding in result.findings.iter_mut().filter(expired) {
                    finding.sub_indication = Some(SubIndication::OutOfBoundsNotRevoked);
                }
            }
            Known::Revoked(_, time, ..) if index == 0 => result.revoked_at = Some(time),
            _ => {}
        }
    }
    result.findings.extend(purpose_finding(&chain[0], purpose));
    for pair in chain.windows(2) {
        let bits = pair[1].public_key().map_or(0, |key| key.bits());
        if let Ok(algorithm) = pair[0].signature_algorithm() {
            let finding = algorithm_finding(algorithm, bits, at, material.policy);
            let about = |f: Finding| {
                f.object(id_of(&pair[0]))
                    .element(pair[0].subject().common_name())
            };
            result.findings.extend(finding.map(about));
        }
    }
    if !result.findings.iter().any(Finding::is_negative) {
        let anchor = chain.last().unwrap_or(&chain[0]);
        let finding = Finding::new("path.holds", CLAUSE, Outcome::Passed);
        result.findings.push(
            finding
                .object(id_of(anchor))
                .element(anchor.subject().common_name()),
        );
        result.path = verified;
    }
    result
}

fn path_finding(failure: &PathFailure, at: Time) -> Finding {
    use SubIndication::{CertificateChainGeneralFailure as General, OutOfBoundsNoPoe};
    let clause = failure.problem.clause();
    let finding = match &failure.problem {
        Problem::NotYetValid(validity) => {
            Finding::negative("certificate.not_yet_valid", clause, OutOfBoundsNoPoe)
                .found(at)
                .expected(validity.not_before)
        }
        Problem::Expired(validity) => {
            Finding::negative("certificate.expired", clause, OutOfBoundsNoPoe)
                .found(at)
                .expected(validity.not_after)
        }
        Problem::AnchorNotTrusted => {
            Finding::negative("path.anchor_not_trusted", clause, General).found(at)
        }
        Problem::Signature => Finding::negative("path.signature", clause, General),
        Problem::NameChaining => Finding::negative("path.names", clause, General),
        Problem::NotAuthority => Finding::negative("path.not_authority", clause, General),
        Problem::PathLength => Finding::negative("path.too_long", clause, General),
        Problem::KeyUsage => Finding::negative("path.key_usage", clause, General),
        Problem::UnknownCritical(id) => {
            Finding::negative("path.unknown_critical", clause, General).found(id)
        }
        Problem::MalformedExtension(id) => {
            Finding::negative("path.malformed_extension", clause, General).found(id)
        }
    };
    finding
        .object(id_of(&failure.certificate))
        .element(failure.certificate.subject().common_name())
}
