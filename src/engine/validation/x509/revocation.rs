//! What the revocation data at hand says about a certificate of a chain at an instant (EN 319 102-1 §5.2.5, §5.2.6.4).

use super::{CLAUSE, X509};
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::extension::uris;
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::revocation::{Answer, Status};
use crate::engine::syntax::asn1::names;
use crate::engine::time::Time;
use crate::engine::validation::acceptance::algorithm_finding;
use crate::engine::validation::certificate::Learnt;
use crate::engine::validation::finding::{Finding, Outcome};
use crate::engine::validation::indication::SubIndication;
use crate::engine::validation::material::{Material, id_of};
use crate::engine::validation::policy::Revocation;
use crate::engine::validation::revocation_freshness::is_fresh;
use crate::engine::validation::verdict::Want;

/// What the revocation data at hand says about a certificate at an instant.
pub(super) enum Known {
    Good(ObjectId, Answer),
    Revoked(ObjectId, Time, Option<RevocationReason>, Answer),
    OnHold(ObjectId, Answer),
    Stale(ObjectId, Answer),
    Unknown(ObjectId),
    Missing,
    /// Not asked.
    Exempt,
}

impl Known {
    /// What the list or response says.
    fn answer(&self) -> Option<&Answer> {
        match self {
            Known::Good(_, answer)
            | Known::Revoked(.., answer)
            | Known::OnHold(_, answer)
            | Known::Stale(_, answer) => Some(answer),
            Known::Unknown(_) | Known::Missing | Known::Exempt => None,
        }
    }

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

pub(super) fn judge_revocation(
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
    result
        .revocation
        .push(learnt(certificate, &known, &finding));
    result.findings.push(finding);
    known
}

/// What is told of it beside the finding.
fn learnt(certificate: &Certificate, known: &Known, finding: &Finding) -> Learnt {
    let answer = known.answer();
    let revoked = match answer.map(|answer| answer.status) {
        Some(Status::Revoked { at, reason }) if finding.is_negative() => Some((at, reason)),
        _ => None,
    };
    Learnt {
        certificate: id_of(certificate),
        check: finding.check.clone(),
        evidence: known.evidence(),
        this_update: answer.map(|answer| answer.this_update),
        next_update: answer.and_then(|answer| answer.next_update),
        revoked_since: revoked.map(|(since, _)| since),
        reason: revoked.and_then(|(_, reason)| reason),
    }
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
        Known::Revoked(_, time, reason, _) => {
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
    let mut earliest: Option<(ObjectId, Time, Option<RevocationReason>, Answer)> = None;
    for (id, answer) in answers(certificate, issuer, at, material, checks, findings) {
        match answer.status {
            Status::Revoked { at: time, reason }
                if time <= at && reason != Some(RevocationReason::CertificateHold) =>
            {
                if earliest
                    .as_ref()
                    .is_none_or(|(_, before, ..)| time < *before)
                {
                    earliest = Some((id, time, reason, answer));
                }
            }
            _ => {
                if newest.as_ref().is_none_or(|(_, n)| better(&answer, n)) {
                    newest = Some((id, answer));
                }
            }
        }
    }
    if let Some((id, time, reason, answer)) = earliest {
        return Known::Revoked(id, time, reason, answer);
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
