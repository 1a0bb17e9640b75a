//! One prospective chain judged (EN 319 102-1 §5.2.6.4 steps 1 and 3 to 5): RFC 5280 §6.1, revocation, purpose, algorithms.

use super::purpose::{Purpose, purpose_finding};
use super::revocation::judge_revocation;
use super::{CLAUSE, X509};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::PolicyQualifier;
use crate::engine::pki::path::{
    Model, NameFault, Oddity, PathFailure, Problem, SignatureChecks, VerifiedPath, instant_for,
    validate as validate_path,
};
use crate::engine::time::Time;
use crate::engine::validation::acceptance::algorithm_finding;
use crate::engine::validation::block::Block;
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
    let verified = match validate_path(below, anchor, at, &policy.constraints.path, checks) {
        Ok(path) => Some(path),
        Err(failure) => {
            let failed = path_finding(&failure, at);
            result.findings.push(failed);
            if !failure.problem.is_of_time() {
                // No policy makes a path of what is none.
                result.findings[0].block = Some(Block::X509);
                return result;
            }
            None
        }
    };
    result.findings.extend(verified.iter().flat_map(path_notes));
    for (index, pair) in chain.windows(2).enumerate() {
        let used = instant_for(below, index, at, policy.constraints.path.model);
        let used = (used, at == material.now);
        let known = judge_revocation(&pair[0], &pair[1], used, material, checks, &mut result);
        if index > 0 {
            continue;
        }
        result.revoked_at = known.revoked_at();
        if known.is_good() {
            // OUT_OF_BOUNDS_NOT_REVOKED: out of its time, and known not to have been revoked when it ended.
            let expired = |f: &&mut Finding| f.check == "certificate.expired";
            for finding in result.findings.iter_mut().filter(expired) {
                finding.sub_indication = Some(SubIndication::OutOfBoundsNotRevoked);
            }
        }
    }
    result.findings.extend(purpose_finding(&chain[0], purpose));
    for pair in chain.windows(2) {
        let bits = pair[1].public_key().map_or(0, |key| key.bits());
        if let Ok(algorithm) = pair[0].signature_algorithm() {
            // EN 319 102-1 §5.5.4(10), unchecked: what a certificate was signed by is believed when it is proven to exist.
            let proven = material.proven_at(&[pair[0].fingerprint()]).unwrap_or(at);
            let finding = algorithm_finding(algorithm, bits, proven, material.policy);
            let finding = finding.map(|finding| about(finding, &pair[0]));
            result.findings.extend(finding);
        }
    }
    let orphaned = orphaned(chain, &result.findings, material);
    result.findings.extend(orphaned);
    result.findings = Block::X509.close(result.findings, policy);
    if !result.findings.iter().any(Finding::is_negative) {
        let anchor = chain.last().unwrap_or(&chain[0]);
        let finding = Finding::new("path.holds", CLAUSE, Outcome::Passed);
        let holds = Block::X509.close([about(finding, anchor)], policy);
        result.findings.extend(holds);
        result.path = verified;
    }
    result
}

/// Certificates of which nothing proves that they are from before the end of their issuer's: in the shell model, a key that is
/// over vouches for nothing. Anchors have no end but that of the trust in them.
fn orphaned(chain: &[Certificate], findings: &[Finding], material: &Material<'_>) -> Vec<Finding> {
    let authorities = chain.len().saturating_sub(1);
    let pairs = chain[..authorities].windows(2).filter_map(|pair| {
        let end = pair[1].validity().not_after;
        let proven = material.proven_at(&[pair[0].fingerprint()])?;
        (proven > end).then(|| {
            let sub = SubIndication::OutOfBoundsNoPoe;
            let finding = Finding::negative("certificate.expired", CLAUSE, sub);
            about(finding.found(proven).expected(end), &pair[1])
        })
    });
    let is_told = |one: &Finding| {
        findings
            .iter()
            .any(|f| f.check == one.check && f.object == one.object)
    };
    match material.policy.constraints.path.model {
        Model::Shell => pairs.filter(|one| !is_told(one)).collect(),
        Model::Chain => Vec::new(),
    }
}

fn path_finding(failure: &PathFailure, at: Time) -> Finding {
    use SubIndication::{
        CertificateChainGeneralFailure as General, NoCertificateChainFoundNoPoe, OutOfBoundsNoPoe,
    };
    let clause = failure.problem.clause();
    let negative = |check| Finding::negative(check, clause, General);
    let out_of_bounds = |check| Finding::negative(check, clause, OutOfBoundsNoPoe).found(at);
    let finding = match &failure.problem {
        Problem::AnchorNotTrusted => Finding::negative(
            "path.anchor_not_trusted",
            clause,
            NoCertificateChainFoundNoPoe,
        )
        .found(at),
        Problem::NotYetValid(validity) => {
            out_of_bounds("certificate.not_yet_valid").expected(validity.not_before)
        }
        Problem::Expired(validity) => {
            out_of_bounds("certificate.expired").expected(validity.not_after)
        }
        Problem::Version(version) => negative("path.version").found(version),
        Problem::Signature => negative("path.signature"),
        Problem::UnsupportedAlgorithm => negative("path.unsupported_algorithm"),
        Problem::NameChaining => negative("path.names"),
        Problem::Name(fault, form) => negative(match fault {
            NameFault::NotPermitted => "path.name_not_permitted",
            NameFault::Excluded => "path.name_excluded",
            NameFault::Malformed => "path.name_malformed",
            NameFault::Unsupported => "path.name_unsupported",
            NameFault::TooMany => "path.names_too_many",
        })
        .found(form),
        Problem::Policy => negative("path.policy"),
        Problem::PolicyLimit => negative("path.policies_too_many"),
        Problem::PolicyMappingOfAny => negative("path.policy_mapping"),
        Problem::NotAuthority => negative("path.not_authority"),
        Problem::PathLength => negative("path.too_long"),
        Problem::KeyUsage => negative("path.key_usage"),
        Problem::UnknownCritical(id) => negative("path.unknown_critical").found(id),
        Problem::MalformedExtension(id) => negative("path.malformed_extension").found(id),
    };
    about(finding, &failure.certificate)
}

fn about(finding: Finding, certificate: &Certificate) -> Finding {
    finding
        .object(id_of(certificate))
        .element(certificate.subject().common_name())
}

/// What was tolerated in the certificates of a path that holds, and the notices that its policies ask to be shown.
fn path_notes(path: &VerifiedPath) -> Vec<Finding> {
    let note = |check, clause| Finding::new(check, clause, Outcome::Note);
    let mut findings: Vec<Finding> = path
        .notes()
        .iter()
        .map(|tolerated| {
            let finding = match tolerated.oddity {
                Oddity::MalformedExtension(id) => {
                    note("certificate.malformed_extension", "RFC 5280 §4.2").found(id)
                }
                Oddity::AlternativeName(id) => {
                    note("certificate.odd_alternative_name", "RFC 5280 §4.2.1.6").found(id)
                }
                Oddity::NotDer => note("certificate.not_der", "RFC 5280 §4.1"),
                Oddity::ExtensionsBeforeVersion3 => {
                    note("certificate.odd_version", "RFC 5280 §4.1.2.9")
                }
                Oddity::UniqueIdentifier => {
                    note("certificate.unique_identifier", "RFC 5280 §4.1.2.8")
                }
                Oddity::SerialNumber => note("certificate.odd_serial", "RFC 5280 §4.1.2.2"),
            };
            about(finding, &tolerated.certificate)
        })
        .collect();
    findings.extend(notices(path));
    findings
}

/// Notices shown of one path, at most.
const MOST_NOTICES: usize = 4;
/// RFC 5280 §4.2.1.4: "explicitText … maximum of 200 characters".
const LONGEST_NOTICE: usize = 200;

fn notices(path: &VerifiedPath) -> Vec<Finding> {
    let mut notices: Vec<String> = Vec::new();
    for qualifier in path.policy_qualifiers().into_iter().flat_map(|(_, q)| q) {
        if let PolicyQualifier::UserNotice(text) = qualifier {
            let shown: String = text
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_NOTICE)
                .collect();
            if !shown.is_empty() && !notices.contains(&shown) && notices.len() < MOST_NOTICES {
                notices.push(shown);
            }
        }
    }
    let target = path.certificates().first();
    notices
        .iter()
        .filter_map(|notice| {
            let finding = Finding::new("path.user_notice", "RFC 5280 §4.2.1.4", Outcome::Note);
            target.map(|target| about(finding.found(notice), target))
        })
        .collect()
}
