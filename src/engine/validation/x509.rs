//! X.509 certificate validation (EN 319 102-1 §5.2.6): a path to an anchor that holds at an instant, and is not revoked.
//!
//! In: a certificate, what it is used for, the instant. Out: findings, and the path where it holds. Paths are tried until
//! one passes; where none does, the one that came furthest is told. What is missing goes into `wanted`.

use super::acceptance::algorithm_finding;
use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::material::{Material, id_of};
use super::policy::Revocation;
use super::revocation_freshness::is_fresh;
use super::verdict::Want;
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::extension::{KeyUsage, uris};
use crate::engine::pki::path::{
    Dead, PathFailure, Problem, Search, SignatureChecks, VerifiedPath, validate as validate_path,
};
use crate::engine::pki::revocation::{Answer, Status};
use crate::engine::syntax::asn1::names;
use crate::engine::time::Time;
use std::ops::ControlFlow;

const CLAUSE: &str = "EN 319 102-1 §5.2.6.4";
/// Paths judged for one certificate; the steps of the search are bounded apart.
const MOST_PATHS: usize = 32;

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Signature,
    TimeStamping,
}

/// What was concluded about a certificate.
#[derive(Debug, Clone)]
pub(super) struct X509 {
    pub(super) findings: Vec<Finding>,
    /// From the certificate to the anchor, whether it holds or not.
    pub(super) chain: Vec<Certificate>,
    /// The path, where it holds in every respect.
    pub(super) path: Option<VerifiedPath>,
    /// From when on the certificate itself is revoked.
    pub(super) revoked_at: Option<Time>,
}

/// Validates `certificate` at `at`.
pub(super) fn validate(
    certificate: &Certificate,
    purpose: Purpose,
    at: Time,
    material: &Material<'_>,
) -> X509 {
    let mut attempts: Vec<X509> = Vec::new();
    let mut checks = material.checks.borrow_mut();
    let mut search = Search {
        pool: &material.certificates,
        anchors: &material.policy.anchors,
        checks: &mut checks,
        steps: material.steps.get(),
    };
    let dead = search.paths(certificate, &mut |chain, checks| {
        let attempt = judge_chain(chain, purpose, at, material, checks);
        let passed = attempt.path.is_some();
        attempts.push(attempt);
        if passed || attempts.len() >= MOST_PATHS {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    material.steps.set(search.steps);
    if let Some(passed) = attempts.iter().position(|a| a.path.is_some()) {
        return attempts.swap_remove(passed);
    }
    // Of paths that do not hold, the one whose first fault stands latest in the clause.
    match attempts
        .into_iter()
        .max_by_key(|a| (stage(a), a.chain.len()))
    {
        Some(furthest) => furthest,
        None => no_chain(certificate, &dead, material),
    }
}

fn stage(attempt: &X509) -> usize {
    let ranks = attempt.findings.iter().filter_map(|f| f.sub_indication);
    ranks.map(rank).min().unwrap_or(usize::MAX)
}

fn rank(sub_indication: SubIndication) -> usize {
    super::with_time::PRECEDENCE
        .iter()
        .position(|s| *s == sub_indication)
        .unwrap_or(usize::MAX)
}

/// §5.2.6.4 step 2: no prospective chain.
fn no_chain(certificate: &Certificate, dead: &[Dead], material: &Material<'_>) -> X509 {
    let mut findings = Vec::new();
    let negative = |check, about: &Certificate| {
        Finding::negative(check, CLAUSE, SubIndication::NoCertificateChainFound)
            .object(id_of(about))
            .element(about.subject().common_name())
            .expected(about.issuer())
    };
    for end in dead {
        findings.push(match end {
            Dead::NoIssuer(last) => {
                want_issuer(last, material);
                if last.is_self_issued() {
                    negative("path.untrusted_root", last)
                } else {
                    negative("path.issuer_unknown", last)
                }
            }
            Dead::NotSigned(last) => {
                want_issuer(last, material);
                negative("path.issuer_did_not_sign", last)
            }
            Dead::Limit => negative("path.limit", certificate),
        });
    }
    if findings.is_empty() {
        findings.push(negative("path.not_found", certificate));
    }
    X509 {
        findings,
        chain: Vec::new(),
        path: None,
        revoked_at: None,
    }
}

fn want_issuer(certificate: &Certificate, material: &Material<'_>) {
    let urls: Vec<String> = certificate.ca_issuer_uris().map(str::to_string).collect();
    if !urls.is_empty() && !certificate.is_self_issued() {
        material.want(Want::Issuer {
            certificate: id_of(certificate),
            urls,
        });
    }
}

/// §5.2.6.4 steps 1 and 3 to 5 over one prospective chain.
fn judge_chain(
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
    };
    let verified = match validate_path(chain, at, checks) {
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
            Known::Revoked(_, time, _) if index == 0 => result.revoked_at = Some(time),
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

/// What the key must be for: §5.2.6.4 step 4, chain constraints.
fn purpose_finding(certificate: &Certificate, purpose: Purpose) -> Option<Finding> {
    let may_sign = certificate.key_usage().is_none_or(|usage| {
        usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
    });
    let negative = |check, clause| {
        Finding::negative(check, clause, SubIndication::ChainConstraintsFailure)
            .object(id_of(certificate))
            .element(certificate.subject().common_name())
    };
    if !may_sign {
        return Some(negative("certificate.not_for_signing", "RFC 5280 §4.2.1.3"));
    }
    // RFC 3161 §2.3: "exactly one instance of the extended key usage field extension … with KeyPurposeID having value
    // id-kp-timeStamping", critical.
    let stamps = certificate.extended_key_usage() == [names::ID_KP_TIME_STAMPING]
        && certificate
            .extension(&names::ID_CE_EXT_KEY_USAGE)
            .is_some_and(|e| e.critical);
    (purpose == Purpose::TimeStamping && !stamps)
        .then(|| negative("certificate.not_for_time_stamping", "RFC 3161 §2.3"))
}

/// What the revocation data at hand says about a certificate at an instant.
enum Known {
    Good(ObjectId, Answer),
    Revoked(ObjectId, Time, Option<RevocationReason>),
    OnHold(ObjectId, Answer),
    Stale(ObjectId, Answer),
    Unknown(ObjectId),
    Missing,
    /// Not asked.
    Exempt,
}

impl Known {
    /// The list or response that says so.
    fn evidence(&self) -> Option<ObjectId> {
        match self {
            Known::Good(id, _)
            | Known::Revoked(id, ..)
            | Known::OnHold(id, _)
            | Known::Stale(id, _)
            | Known::Unknown(id) => Some(*id),
            Known::Missing | Known::Exempt => None,
        }
    }
}

fn judge_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    at: Time,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
    result: &mut X509,
) -> Known {
    if material.policy.revocation == Revocation::Ignored {
        return Known::Exempt;
    }
    // EN 319 412-1 §5.2 (unchecked): a certificate too short-lived to be revoked.
    let short_term = names::ID_ETSI_EXT_VALASSURED_ST_CERTS;
    let known = match certificate.extension(&short_term) {
        Some(_) => Known::Exempt,
        None => known(
            certificate,
            issuer,
            at,
            material,
            checks,
            &mut result.findings,
        ),
    };
    let settled = matches!(known, Known::Good(..) | Known::Revoked(..) | Known::Exempt);
    if !settled && at == material.now {
        want_revocation(certificate, issuer, at, material);
    }
    let is_target = result.chain.first() == Some(certificate);
    let about = known.evidence().unwrap_or_else(|| id_of(certificate));
    let finding = revocation_finding(&known, is_target, at, material.policy.revocation)
        .object(about)
        .element(certificate.subject().common_name());
    result.findings.push(finding);
    known
}

fn revocation_finding(known: &Known, is_target: bool, at: Time, demanded: Revocation) -> Finding {
    use SubIndication::{RevokedCaNoPoe, RevokedNoPoe, TryLater};
    const FRESHNESS: &str = "EN 319 102-1 §5.2.5";
    let undecided = |check| match demanded {
        Revocation::Required => Finding::negative(check, FRESHNESS, TryLater),
        _ => Finding::new(check, FRESHNESS, Outcome::Note),
    };
    match known {
        Known::Good(_, answer) => {
            Finding::new("revocation.good", FRESHNESS, Outcome::Passed).found(answer.this_update)
        }
        Known::Revoked(_, time, reason) => {
            let (check, sub_indication) = if is_target {
                ("revocation.revoked", RevokedNoPoe)
            } else {
                ("revocation.authority_revoked", RevokedCaNoPoe)
            };
            Finding::negative(check, CLAUSE, sub_indication)
                .found(time)
                .expected(reason_word(*reason))
        }
        Known::OnHold(_, answer) => {
            Finding::negative("revocation.on_hold", CLAUSE, TryLater).found(answer.this_update)
        }
        Known::Stale(_, answer) => undecided("revocation.stale")
            .found(answer.this_update)
            .expected(at),
        Known::Unknown(_) => undecided("revocation.unknown"),
        Known::Missing => undecided("revocation.missing"),
        Known::Exempt => Finding::new("revocation.short_term", "EN 319 412-1 §5.2", Outcome::Note),
    }
}

fn reason_word(reason: Option<RevocationReason>) -> String {
    reason
        .and_then(|r| serde_json::to_value(r).ok())
        .and_then(|v| v.as_str().map(str::to_string))
        .unwrap_or_default()
}

/// All that is at hand about `certificate`: a revocation before `at` outweighs everything, else the newest answer counts.
fn known(
    certificate: &Certificate,
    issuer: &Certificate,
    at: Time,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
    findings: &mut Vec<Finding>,
) -> Known {
    let mut newest: Option<(ObjectId, Answer)> = None;
    let mut earliest: Option<(ObjectId, Time, Option<RevocationReason>)> = None;
    for (id, answer) in answers(certificate, issuer, at, material, checks, findings) {
        match answer.status {
            Status::Revoked { at: time, reason }
                if time <= at && reason != Some(RevocationReason::CertificateHold) =>
            {
                if earliest.is_none_or(|(_, before, _)| time < before) {
                    earliest = Some((id, time, reason));
                }
            }
            _ => {
                if newest.as_ref().is_none_or(|(_, n)| better(&answer, n)) {
                    newest = Some((id, answer));
                }
            }
        }
    }
    if let Some((id, time, reason)) = earliest {
        return Known::Revoked(id, time, reason);
    }
    match newest {
        None => Known::Missing,
        Some((id, answer)) => match answer.status {
            Status::Unknown => Known::Unknown(id),
            Status::Revoked {
                at: time,
                reason: Some(RevocationReason::CertificateHold),
            } if time <= at => Known::OnHold(id, answer),
            _ if is_fresh(&answer, at, material.policy) => Known::Good(id, answer),
            _ => Known::Stale(id, answer),
        },
    }
}

/// A definite answer before "unknown", then the newer one.
fn better(a: &Answer, b: &Answer) -> bool {
    let definite = |answer: &Answer| answer.status != Status::Unknown;
    (definite(a), a.this_update) > (definite(b), b.this_update)
}

/// Every usable answer; lists and responses that were meant for the certificate and cannot be used are told.
fn answers(
    certificate: &Certificate,
    issuer: &Certificate,
    at: Time,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
    findings: &mut Vec<Finding>,
) -> Vec<(ObjectId, Answer)> {
    let all = material.answers(certificate, issuer, checks);
    let mut usable = Vec::new();
    for (id, answer) in all.iter() {
        let id = *id;
        let note = |check| {
            Finding::new(check, "RFC 5280 §6.3.3", Outcome::Note)
                .object(id)
                .element(certificate.subject().common_name())
        };
        match answer {
            Ok(answer) => {
                let bits = answer.signer.public_key().map_or(0, |key| key.bits());
                let weak = algorithm_finding(
                    answer.algorithm,
                    bits,
                    at.max(answer.this_update),
                    material.policy,
                );
                if weak.is_some_and(|f| f.is_negative()) {
                    findings.push(note("revocation.not_used").found("algorithm"));
                    continue;
                }
                if answer.signer_to_be_checked {
                    match responder_status(answer, issuer, material, checks) {
                        Some(Status::Revoked { .. }) => {
                            findings.push(note("revocation.not_used").found("responder_revoked"));
                            continue;
                        }
                        Some(Status::Good) => {}
                        _ => findings.push(note("revocation.responder_unchecked")),
                    }
                }
                usable.push((id, answer.clone()));
            }
            Err(why) if why.is_of_other() => {}
            Err(why) => findings.push(note("revocation.not_used").found(why.word())),
        }
    }
    usable
}

/// What others say about a responder that the issuer delegated to (RFC 6960 §4.2.2.2.1). A revocation counts
/// whenever it was: the time of a response is what the responder itself says.
fn responder_status(
    answer: &Answer,
    issuer: &Certificate,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
) -> Option<Status> {
    let own = |said: &Answer| said.signer == answer.signer;
    let statuses: Vec<Status> = material
        .answers(&answer.signer, issuer, checks)
        .iter()
        .filter_map(|(_, said)| said.as_ref().ok())
        .filter(|said| !own(said))
        .map(|said| said.status)
        .collect();
    let revoked = |status: &&Status| matches!(status, Status::Revoked { .. });
    statuses.iter().find(revoked).or(statuses.first()).copied()
}

fn want_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    at: Time,
    material: &Material<'_>,
) {
    let ocsp: Vec<String> = certificate.ocsp_uris().map(str::to_string).collect();
    let crls: Vec<String> = certificate
        .distribution_points()
        .iter()
        .filter(|point| point.crl_issuer.is_empty())
        .flat_map(|point| {
            uris(&point.full_name)
                .map(str::to_string)
                .collect::<Vec<_>>()
        })
        .collect();
    material.want(Want::Revocation {
        certificate: id_of(certificate),
        issuer: id_of(issuer),
        ocsp,
        crls,
        not_before: Some(at.unix()),
    });
}
