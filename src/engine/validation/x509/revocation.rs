//! What the revocation data at hand says about a certificate of a chain at an instant (EN 319 102-1 §5.2.5, §5.2.6.4), told
//! as findings, and what is wanted where it does not settle.

use super::{CLAUSE, X509};
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::extension::{DistributionPoint, distribution_points};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::revocation::{
    Answer, Conclusion, Exemption, Kind, Link, Undecided, Unusable, exemption,
};
use crate::engine::syntax::asn1::names;
use crate::engine::time::Time;
use crate::engine::validation::certificate::Learnt;
use crate::engine::validation::finding::{Finding, Outcome};
use crate::engine::validation::indication::SubIndication;
use crate::engine::validation::material::{Material, id_of};
use crate::engine::validation::policy::Revocation;
use crate::engine::validation::revocation_freshness::conclude;
use crate::engine::validation::verdict::Want;

const FRESHNESS: &str = "EN 319 102-1 §5.2.5";

/// What is known about a certificate at an instant.
pub(super) enum Known {
    /// By the data at hand.
    Concluded(Box<Conclusion>),
    /// Nobody asks.
    Exempt,
    /// The policy does not look at revocation.
    Ignored,
}

impl Known {
    /// Whether it is not revoked.
    pub(super) fn is_good(&self) -> bool {
        matches!(self, Known::Concluded(conclusion) if matches!(**conclusion, Conclusion::Good(_)))
    }

    /// From when on it is revoked for good.
    pub(super) fn revoked_at(&self) -> Option<Time> {
        let Known::Concluded(conclusion) = self else {
            return None;
        };
        match **conclusion {
            Conclusion::Revoked { at, reason, .. } if !is_hold(reason) => Some(at),
            _ => None,
        }
    }
}

fn is_hold(reason: Option<RevocationReason>) -> bool {
    reason == Some(RevocationReason::CertificateHold)
}

/// At the instant; whether it is said what would help.
pub(super) fn judge_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    (at, wants): (Time, bool),
    material: &Material<'_>,
    checks: &mut SignatureChecks,
    result: &mut X509,
) -> Known {
    if material.policy.constraints.revocation == Revocation::Ignored {
        return Known::Ignored;
    }
    let about = |finding: Finding, id| {
        let finding = finding.object(id);
        finding.element(certificate.subject().common_name())
    };
    if let Some(why) = exemption(certificate) {
        let finding = about(exemption_finding(why), id_of(certificate));
        result.revocation.push(Learnt {
            certificate: id_of(certificate),
            check: finding.check.clone(),
            evidence: None,
            this_update: None,
            next_update: None,
            revoked_since: None,
            reason: None,
        });
        result.findings.push(finding);
        return Known::Exempt;
    }
    let anchor = result.chain.last().unwrap_or(issuer).clone();
    let link = Link {
        certificate,
        issuer,
        anchor: &anchor,
    };
    let said = material.said(link, checks);
    let judgment = conclude(&said, at, material);
    let notes = judgment.not_used.iter();
    let notes = notes.map(|(id, why)| about(not_used(*why), ObjectId(*id)));
    result.findings.extend(notes);
    let conclusion = judgment.conclusion;
    if let Some(answer) = conclusion.answer() {
        let others = answer.evidence.iter().skip(1);
        let others = others.map(|id| about(note("revocation.together"), ObjectId(*id)));
        result.findings.extend(others);
        let unchecked = answer.unchecked.iter();
        result.findings.extend(unchecked.map(|one| {
            note("revocation.responder_unchecked")
                .object(id_of(&one.certificate))
                .element(one.certificate.subject().common_name())
        }));
    }
    let is_target = result.chain.first() == Some(certificate);
    let source = conclusion
        .answer()
        .map(|answer| ObjectId(answer.evidence[0]));
    let finding = finding(
        &conclusion,
        is_target,
        at,
        material.policy.constraints.revocation,
    );
    let learnt = learnt(certificate, &conclusion, &finding);
    result.revocation.push(learnt);
    let id = source.unwrap_or_else(|| id_of(certificate));
    result.findings.push(about(finding, id));
    if wants {
        want(&conclusion, link, at, material);
    }
    Known::Concluded(Box::new(conclusion))
}

/// What is told of it beside the finding.
fn learnt(certificate: &Certificate, conclusion: &Conclusion, finding: &Finding) -> Learnt {
    let answer = conclusion.answer();
    let revoked = match conclusion {
        Conclusion::Revoked { at, reason, .. } => Some((*at, *reason)),
        _ => None,
    };
    Learnt {
        certificate: id_of(certificate),
        check: finding.check.clone(),
        evidence: answer.map(|answer| ObjectId(answer.evidence[0])),
        this_update: answer.map(|answer| answer.this_update),
        next_update: answer.and_then(|answer| answer.next_update),
        revoked_since: revoked.map(|(since, _)| since),
        reason: revoked.and_then(|(_, reason)| reason),
    }
}

fn note(check: &'static str) -> Finding {
    Finding::new(check, "RFC 5280 §6.3.3", Outcome::Note)
}

fn not_used(why: Unusable) -> Finding {
    note("revocation.not_used").found(why.word())
}

fn exemption_finding(why: Exemption) -> Finding {
    let (check, clause) = match why {
        Exemption::ShortTerm => ("revocation.short_term", "EN 319 412-1 §5.2"),
        Exemption::NoRevocationAvailable => ("revocation.not_published", "RFC 9608 §2"),
    };
    Finding::new(check, clause, Outcome::Note)
}

fn finding(conclusion: &Conclusion, is_target: bool, at: Time, demanded: Revocation) -> Finding {
    use SubIndication::{RevocationOutOfBoundsNoPoe, RevokedCaNoPoe, RevokedNoPoe, TryLater};
    let undecided = |check| match demanded {
        Revocation::Required => Finding::negative(check, FRESHNESS, TryLater),
        _ => Finding::new(check, FRESHNESS, Outcome::Note),
    };
    match conclusion {
        Conclusion::Good(answer) => {
            Finding::new("revocation.good", FRESHNESS, Outcome::Passed).found(answer.this_update)
        }
        Conclusion::Revoked { reason, answer, .. } if is_hold(*reason) => {
            Finding::negative("revocation.on_hold", CLAUSE, TryLater).found(answer.this_update)
        }
        Conclusion::Revoked {
            at: time, reason, ..
        } => {
            let (check, sub_indication) = if is_target {
                ("revocation.revoked", RevokedNoPoe)
            } else {
                ("revocation.authority_revoked", RevokedCaNoPoe)
            };
            Finding::negative(check, CLAUSE, sub_indication)
                .found(time)
                .expected(reason_word(*reason))
        }
        Conclusion::Unknown(answer) => undecided("revocation.unknown").found(answer.this_update),
        Conclusion::CouldNotCheck(Undecided::Missing) => undecided("revocation.missing"),
        Conclusion::CouldNotCheck(Undecided::Stale(answer)) => undecided("revocation.stale")
            .found(answer.this_update)
            .expected(at),
        Conclusion::CouldNotCheck(Undecided::SignerUnchecked(answer)) => {
            undecided("revocation.signer_unchecked").found(answer.this_update)
        }
        Conclusion::CouldNotCheck(Undecided::OutOfBounds(answer)) => {
            let check = "revocation.out_of_bounds";
            let finding = match demanded {
                Revocation::Required => {
                    Finding::negative(check, CLAUSE, RevocationOutOfBoundsNoPoe)
                }
                _ => Finding::new(check, CLAUSE, Outcome::Note),
            };
            let ends = answer.signers.iter().map(|(s, _)| s.validity().not_after);
            let end = ends.min().map(|end| end.to_string());
            finding
                .found(answer.this_update)
                .expected(end.unwrap_or_default())
        }
    }
}

fn reason_word(reason: Option<RevocationReason>) -> String {
    reason
        .and_then(|r| serde_json::to_value(r).ok())
        .and_then(|v| v.as_str().map(str::to_string))
        .unwrap_or_default()
}

/// What would settle it, or tell more: fresher data, the status of an unchecked signer, a delta to a list that says good.
fn want(conclusion: &Conclusion, link: Link<'_>, at: Time, material: &Material<'_>) {
    for unchecked in conclusion.answer().iter().flat_map(|a| &a.unchecked) {
        want_revocation(&unchecked.certificate, &unchecked.issuer, &[], at, material);
    }
    match conclusion {
        Conclusion::Good(answer) => {
            let deltas = freshest(link.certificate, answer, material);
            let whole = answer.kind == Kind::List && answer.evidence.len() == 1;
            if whole && !deltas.is_empty() {
                material.want(Want::Revocation {
                    certificate: id_of(link.certificate),
                    issuer: id_of(link.issuer),
                    ocsp: Vec::new(),
                    crls: deltas,
                    not_before: Some(at.unix()),
                });
            }
        }
        Conclusion::Revoked { reason, .. } if !is_hold(*reason) => {}
        Conclusion::CouldNotCheck(Undecided::SignerUnchecked(_)) => {}
        other => {
            let deltas = other
                .answer()
                .map(|a| freshest(link.certificate, a, material));
            let deltas = deltas.unwrap_or_else(|| freshest_of(link.certificate));
            want_revocation(link.certificate, link.issuer, &deltas, at, material);
        }
    }
}

/// Where deltas to the list that an answer rests on are (RFC 5280 §4.2.1.15, §5.2.6).
fn freshest(certificate: &Certificate, answer: &Answer, material: &Material<'_>) -> Vec<String> {
    let mut urls = freshest_of(certificate);
    for list in answer.evidence.iter().filter_map(|id| material.list(id)) {
        urls.extend(uris(list.header().freshest()));
    }
    urls.dedup();
    urls
}

fn freshest_of(certificate: &Certificate) -> Vec<String> {
    let extension = certificate.extension(&names::ID_CE_FRESHEST_CRL);
    let points = extension.and_then(|e| distribution_points(&e.value).ok());
    points.map(|points| uris(&points)).unwrap_or_default()
}

fn uris(points: &[DistributionPoint]) -> Vec<String> {
    points
        .iter()
        .flat_map(DistributionPoint::uris)
        .map(str::to_string)
        .collect()
}

/// All the places where the status of a certificate can be asked: web and directory alike, of lists of its issuer and of
/// others. Points that are names alone are served by whoever holds lists by their issuer.
fn want_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    deltas: &[String],
    at: Time,
    material: &Material<'_>,
) {
    let mut crls = uris(certificate.distribution_points());
    crls.extend(deltas.iter().cloned());
    material.want(Want::Revocation {
        certificate: id_of(certificate),
        issuer: id_of(issuer),
        ocsp: certificate.ocsp_uris().map(str::to_string).collect(),
        crls,
        not_before: Some(at.unix()),
    });
}
