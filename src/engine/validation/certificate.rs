//! One certificate by itself: is it good, for this, at that moment (EN 319 102-1 §5.2.6 as a block of its own)?
//!
//! In: what is at hand, the certificate, the policy, the purpose, the instant. Out: a [`CertificateVerdict`], whose status
//! never confuses *revoked* with *could not check*, with the path, the evidence and its age, and until when it holds if
//! nothing new is learnt. Whether its status must be known is the caller's to weigh, so revocation is always looked at.

use super::finding::Finding;
use super::indication::SubIndication;
use super::material::{Material, id_of};
use super::policy::{Acceptance, Policy, PolicyUsed};
use super::qualification::{CertificateQualification, certificate_qualification};
use super::trust_basis::TrustBasis;
use super::verdict::Want;
use super::x509::{self, Purpose, X509};
use crate::engine::evidence::{ObjectId, Pool};
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::trust::Provenance;
use crate::engine::time::Time;
use serde::Serialize;
use std::cell::Cell;

/// What a certificate comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum CertificateStatus {
    /// Its path holds, and it and its authorities are known not to be revoked.
    Good,
    /// It was revoked, or put on hold where the reason is `certificateHold`.
    Revoked {
        /// From when on.
        since: Time,
        /// Why, where it is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<RevocationReason>,
    },
    /// An authority of its path was revoked.
    AuthorityRevoked {
        /// The authority's certificate.
        authority: ObjectId,
        /// From when on.
        since: Time,
        /// Why, where it is said.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<RevocationReason>,
    },
    /// Its time was over.
    Expired {
        /// When it ended.
        since: Time,
    },
    /// Its time had not come.
    NotYetValid {
        /// When it comes.
        until: Time,
    },
    /// No path that holds leads to an anchor; `why` is the check that failed.
    NotTrusted {
        /// The check.
        why: String,
    },
    /// It is not made for the purpose; `why` is the check that failed.
    NotForPurpose {
        /// The check.
        why: String,
    },
    /// Who answers for its revocation does not know it.
    Unknown,
    /// Nobody could say whether it, or an authority of its path, is revoked: nothing at hand, or nothing recent.
    CouldNotCheck {
        /// The check: `revocation.missing` or `revocation.stale`.
        why: String,
    },
}

impl CertificateStatus {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            CertificateStatus::Good => "good",
            CertificateStatus::Revoked { .. } => "revoked",
            CertificateStatus::AuthorityRevoked { .. } => "authority-revoked",
            CertificateStatus::Expired { .. } => "expired",
            CertificateStatus::NotYetValid { .. } => "not-yet-valid",
            CertificateStatus::NotTrusted { .. } => "not-trusted",
            CertificateStatus::NotForPurpose { .. } => "not-for-purpose",
            CertificateStatus::Unknown => "unknown",
            CertificateStatus::CouldNotCheck { .. } => "could-not-check",
        }
    }

    /// Whether only the revocation status is open: nothing else stands against the certificate.
    pub fn is_open(&self) -> bool {
        matches!(
            self,
            CertificateStatus::Unknown | CertificateStatus::CouldNotCheck { .. }
        )
    }
}

/// What was learnt about the revocation of one certificate of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Learnt {
    /// The certificate.
    pub certificate: ObjectId,
    /// The check that it came to: `revocation.good`, `revocation.missing`, …
    pub check: String,
    /// The list or response that says so, in the pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<ObjectId>,
    /// The instant at which it is known to be right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub this_update: Option<Time>,
    /// When newer information is available at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_update: Option<Time>,
    /// From when on it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_since: Option<Time>,
    /// Why, where it is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<RevocationReason>,
}

/// What was concluded about a certificate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CertificateVerdict {
    /// What it comes to.
    #[serde(flatten)]
    pub status: CertificateStatus,
    /// The certificate.
    pub certificate: ObjectId,
    /// What it was judged for.
    pub purpose: Purpose,
    /// The instant it was judged at.
    pub at: Time,
    /// The time of validation.
    pub now: Time,
    /// The validation policy.
    pub policy: PolicyUsed,
    /// Whom it was computed to trust.
    pub trust: TrustBasis,
    /// From the certificate to the anchor, whether the path holds or not; empty where none was found.
    pub path: Vec<ObjectId>,
    /// By whose word the path's anchor is trusted; none where the path does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Provenance>,
    /// Every check in order.
    pub findings: Vec<Finding>,
    /// One a certificate of the path whose revocation was looked at.
    pub revocation: Vec<Learnt>,
    /// Whether it is qualified (TS 119 615); none where no path was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualification: Option<CertificateQualification>,
    /// Until when this holds if nothing new is learnt; none where it hangs on what may be learnt at any moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_until: Option<Time>,
    /// What would help.
    pub wanted: Vec<Want>,
}

/// Judges `certificate` for `purpose` at `at`, by what is in `pool`. The same input gives the same verdict.
///
/// Evidence from after `at` counts as far as it speaks of `at`. `policy.revocation` is not regarded: the status is always
/// looked at, and an open one is told as open.
pub fn validate_certificate(
    pool: &Pool,
    certificate: &Certificate,
    policy: &Policy,
    purpose: Purpose,
    at: Time,
    now: Time,
) -> CertificateVerdict {
    let named = policy.used();
    let policy = policy.demanding_revocation();
    let steps = Cell::new(policy.constraints.path_steps);
    // What is missing for an instant of the past is wanted as for now.
    let mut material = Material::read(
        std::slice::from_ref(certificate),
        &[pool],
        &policy,
        at,
        &steps,
    );
    material.latest = now;
    let judged = x509::validate(certificate, purpose, at, &material);
    let status = status(certificate, &judged);
    CertificateVerdict {
        holds_until: holds_until(certificate, &status, &judged, at, &policy),
        status,
        certificate: id_of(certificate),
        purpose,
        at,
        now,
        policy: named,
        trust: TrustBasis::of(&policy, now),
        qualification: judged
            .chain
            .split_first()
            .map(|(own, above)| certificate_qualification(own, above, &policy, at)),
        path: judged.chain.iter().map(id_of).collect(),
        anchor: judged
            .path
            .as_ref()
            .map(|path| path.anchor().provenance().clone()),
        findings: judged.findings,
        revocation: judged.revocation,
        wanted: material.wanted.into_inner().into_iter().collect(),
    }
}

/// The gravest of what was found: revoked, no path, out of time, wrong purpose, and only then an open status.
fn status(certificate: &Certificate, judged: &X509) -> CertificateStatus {
    let own = id_of(certificate);
    let revoked = judged.revocation.iter().find_map(|learnt| {
        let since = learnt.revoked_since?;
        let (authority, reason) = (learnt.certificate, learnt.reason);
        Some(match authority == own {
            true => CertificateStatus::Revoked { since, reason },
            false => CertificateStatus::AuthorityRevoked {
                authority,
                since,
                reason,
            },
        })
    });
    if let Some(revoked) = revoked {
        return revoked;
    }
    let negative = || judged.findings.iter().filter(|f| f.is_negative());
    let gravest = negative().min_by_key(|finding| gravity(finding, own));
    let Some(finding) = gravest else {
        return CertificateStatus::Good;
    };
    let (why, validity) = (finding.check.clone(), certificate.validity());
    match gravity(finding, own) {
        Gravity::Path => CertificateStatus::NotTrusted { why },
        Gravity::Time if why == "certificate.expired" => CertificateStatus::Expired {
            since: validity.not_after,
        },
        Gravity::Time => CertificateStatus::NotYetValid {
            until: validity.not_before,
        },
        Gravity::Purpose => CertificateStatus::NotForPurpose { why },
        Gravity::Open if why == "revocation.unknown" => CertificateStatus::Unknown,
        Gravity::Open => CertificateStatus::CouldNotCheck { why },
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gravity {
    Path,
    Time,
    Purpose,
    Open,
}

fn gravity(finding: &Finding, own: ObjectId) -> Gravity {
    match (finding.check.as_str(), finding.sub_indication) {
        ("certificate.expired" | "certificate.not_yet_valid", _) if finding.object == Some(own) => {
            Gravity::Time
        }
        (_, Some(SubIndication::ChainConstraintsFailure)) => Gravity::Purpose,
        (_, Some(SubIndication::TryLater)) => Gravity::Open,
        _ => Gravity::Path,
    }
}

/// A good status holds as long as all that it rests on; a revocation for good, unless it is a hold.
fn holds_until(
    certificate: &Certificate,
    status: &CertificateStatus,
    judged: &X509,
    at: Time,
    policy: &Policy,
) -> Option<Time> {
    let of_evidence = || {
        judged
            .revocation
            .iter()
            .filter_map(|learnt| fresh_until(learnt, at, policy))
            .min()
    };
    match status {
        CertificateStatus::Good => {
            let path = judged.chain.split_last().map_or(&[][..], |(_, path)| path);
            let ends = path.iter().map(|c| c.validity().not_after);
            let weakest = judged
                .chain
                .windows(2)
                .filter_map(|pair| algorithm_end(&pair[0], &pair[1], at, policy));
            let trust = policy.anchors.end_of(&judged.chain, at);
            let trust = trust.and_then(|(_, anchor)| anchor.trusted_until(at));
            let ends = ends.chain(weakest).chain(trust);
            ends.chain(of_evidence()).min()
        }
        CertificateStatus::Revoked {
            reason: Some(RevocationReason::CertificateHold),
            ..
        }
        | CertificateStatus::AuthorityRevoked {
            reason: Some(RevocationReason::CertificateHold),
            ..
        } => of_evidence(),
        CertificateStatus::Revoked { .. } | CertificateStatus::AuthorityRevoked { .. } => {
            Some(certificate.validity().not_after.max(at))
        }
        CertificateStatus::NotYetValid { until } => Some(*until),
        _ => None,
    }
}

/// EN 319 102-1 §5.2.5.4: as long as an answer is fresh; one that does not say for how long holds for `at` alone.
fn fresh_until(learnt: &Learnt, at: Time, policy: &Policy) -> Option<Time> {
    let from = learnt.this_update?;
    Some(match policy.constraints.revocation_freshness {
        Some(most) => from.plus(most),
        None => learnt.next_update.unwrap_or(at),
    })
}

/// When the algorithm by which `issuer` signed `certificate` is no longer accepted, where that is still to come.
fn algorithm_end(
    certificate: &Certificate,
    issuer: &Certificate,
    at: Time,
    policy: &Policy,
) -> Option<Time> {
    let bits = issuer.public_key().map_or(0, |key| key.bits());
    match policy
        .algorithms
        .signature(certificate.signature_algorithm().ok()?, bits)
    {
        Acceptance::Until(end) if end > at && !policy.algorithms.is_prediction(end) => Some(end),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::evidence::{Object, ObjectKind, Origin};
    use crate::engine::pki::CertificateList;
    use crate::engine::pki::trust::{Anchor, Anchors, TrustPeriod};

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn certificate(name: &str) -> Certificate {
        Certificate::from_pem_or_der(&file(&format!("{name}.pem")))
            .unwrap()
            .remove(0)
    }

    fn pool(lists: &[&str]) -> Pool {
        let mut pool = Pool::default();
        pool.add(Object::new(
            ObjectKind::Certificate,
            certificate("ca").bytes(),
            Origin::Given,
        ));
        for list in lists {
            let list = CertificateList::from_pem_or_der(&file(list)).unwrap();
            pool.add(Object::new(
                ObjectKind::CertificateRevocationList,
                list.bytes(),
                Origin::Given,
            ));
        }
        pool
    }

    fn judge(name: &str, purpose: Purpose, pool: &Pool, at: &str) -> CertificateVerdict {
        let policy = Policy::baseline(Anchors::read([&file("root.pem")[..]]).unwrap());
        let at: Time = at.parse().unwrap();
        let now = NOW.parse().unwrap();
        validate_certificate(pool, &certificate(name), &policy, purpose, at, at.max(now))
    }

    const NOW: &str = "2026-11-24T12:00:00Z";

    #[test]
    fn each_status_has_its_word() {
        let all = pool(&["root.crl", "ca.crl"]);
        for (name, purpose, status) in [
            ("citizen", Purpose::Access, "good"),
            ("citizen", Purpose::Signature, "good"),
            ("revoked", Purpose::Access, "revoked"),
            ("expired", Purpose::Any, "expired"),
            ("future", Purpose::Any, "not-yet-valid"),
            ("tsa", Purpose::TimeStamping, "good"),
            ("tsa", Purpose::Access, "not-for-purpose"),
            ("citizen", Purpose::TimeStamping, "not-for-purpose"),
        ] {
            let verdict = judge(name, purpose, &all, NOW);
            assert_eq!(
                verdict.status.name(),
                status,
                "{name} {purpose:?} {:#?}",
                verdict.findings
            );
        }
    }

    #[test]
    fn what_could_not_be_checked_is_not_revoked_and_asks_for_what_it_lacks() {
        for lists in [&[][..], &["root.crl"], &["ca.crl"]] {
            let verdict = judge("citizen", Purpose::Access, &pool(lists), NOW);
            let why = "revocation.missing".to_string();
            assert_eq!(verdict.status, CertificateStatus::CouldNotCheck { why });
            assert_eq!(verdict.wanted.len(), 2 - lists.len());
            assert_eq!(verdict.holds_until, None);
            assert!(verdict.status.is_open());
        }
        let none = judge("citizen", Purpose::Access, &Pool::default(), NOW);
        let why = "path.issuer_unknown".to_string();
        assert_eq!(none.status, CertificateStatus::NotTrusted { why });
        // One that is revoked is revoked, whatever else could not be checked.
        let revoked = judge("revoked", Purpose::Access, &pool(&["ca.crl"]), NOW);
        assert_eq!(revoked.status.name(), "revoked");
    }

    #[test]
    fn a_good_status_ends_with_the_trust_in_its_anchor() {
        let all = pool(&["root.crl", "ca.crl"]);
        let now: Time = NOW.parse().unwrap();
        let end = now.plus(std::time::Duration::from_secs(60));
        let period = |from: &str, until| TrustPeriod {
            from: from.parse().unwrap(),
            until: Some(until),
        };
        let anchor = Anchor::of_certificate(certificate("root")).with_periods(vec![
            period(
                "2020-01-01T00:00:00Z",
                "2021-01-01T00:00:00Z".parse().unwrap(),
            ),
            period("2022-01-01T00:00:00Z", end),
        ]);
        let policy = Policy::baseline(Anchors::new([anchor]));
        let verdict = |at| {
            let citizen = certificate("citizen");
            validate_certificate(&all, &citizen, &policy, Purpose::Access, at, at)
        };
        assert_eq!(verdict(now).status, CertificateStatus::Good);
        assert_eq!(verdict(now).holds_until, Some(end));
        assert_eq!(verdict(end).status.name(), "not-trusted");
    }

    #[test]
    fn a_revocation_counts_from_its_second_on() {
        let all = pool(&["root.crl", "ca.crl"]);
        let at = |at| judge("revoked", Purpose::Access, &all, at).status;
        assert_eq!(at("2024-12-31T23:59:59Z").name(), "good");
        let since = "2025-01-01T00:00:00Z".parse().unwrap();
        assert!(
            matches!(at("2025-01-01T00:00:00Z"), CertificateStatus::Revoked { since: s, .. } if s == since)
        );
    }

    #[test]
    fn a_good_status_holds_until_its_evidence_ends_and_tells_the_evidence() {
        let verdict = judge(
            "citizen",
            Purpose::Access,
            &pool(&["root.crl", "ca.crl"]),
            NOW,
        );
        assert_eq!(verdict.path.len(), 3);
        assert_eq!(verdict.revocation.len(), 2);
        for learnt in &verdict.revocation {
            assert_eq!(learnt.check, "revocation.good");
            assert!(learnt.evidence.is_some() && learnt.this_update < learnt.next_update);
        }
        let ends = verdict
            .revocation
            .iter()
            .filter_map(|l| l.next_update)
            .min();
        assert!(verdict.holds_until.is_some() && verdict.holds_until <= ends);
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(
            (&json["status"], &json["purpose"]),
            (&"good".into(), &"access".into())
        );
    }
}
