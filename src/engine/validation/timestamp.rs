//! Validation of a time-stamp (EN 319 102-1 §5.4): the authority's signature, and that it is over what it should be.

use super::basic;
use super::block::Block;
use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::material::{Material, id_of};
use super::verdict::{Process, TimestampVerdict};
use super::with_time::conclude;
use super::x509::Purpose;
use super::{acceptance, cryptographic, elements};
use crate::engine::evidence::{Timestamp, TimestampKind};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;

const CLAUSE: &str = "EN 319 102-1 §5.4";

/// A time-stamp that proves that what it is over existed at its time. Only [`Judged::verified`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct VerifiedTimestamp {
    kind: TimestampKind,
    gen_time: Time,
}

impl VerifiedTimestamp {
    pub(super) fn kind(&self) -> TimestampKind {
        self.kind
    }

    pub(super) fn gen_time(&self) -> Time {
        self.gen_time
    }
}

/// A time-stamp with what was concluded about it.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) timestamp: &'a Timestamp,
    pub(super) certificate: Option<Certificate>,
    pub(super) verdict: TimestampVerdict,
}

impl Judged<'_> {
    /// The proof that it is, where it holds.
    pub(super) fn verified(&self) -> Option<VerifiedTimestamp> {
        self.verdict
            .sub_indication
            .is_none()
            .then_some(VerifiedTimestamp {
                kind: self.timestamp.kind,
                gen_time: self.timestamp.gen_time,
            })
    }
}

/// Validates `timestamp` at the time of validation.
pub(super) fn validate<'a>(timestamp: &'a Timestamp, material: &Material<'_>) -> Judged<'a> {
    let policy = material.policy;
    let basic = basic::validate(&timestamp.signature, &[], material);
    let mut findings = basic.before;
    let mut of_stamp = Vec::new();
    if let Some(certificate) = &basic.certificate {
        let x509 = basic::at(
            &timestamp.signature,
            certificate,
            Purpose::TimeStamping,
            material.now,
            material,
        );
        findings.extend(x509.findings);
        of_stamp.extend(lifetime_finding(timestamp, certificate));
    }
    findings.extend(basic.after);
    of_stamp.push(cryptographic::reference_finding(&timestamp.imprint));
    of_stamp.extend(acceptance::reference_finding(
        &timestamp.imprint,
        material.now,
        policy,
    ));
    of_stamp.extend(future_finding(timestamp, material));
    of_stamp.extend(elements::accept_timestamp(timestamp, policy));
    findings.extend(Block::Timestamp.close(of_stamp, policy));
    let (indication, sub_indication) = conclude(&findings);
    let verdict = TimestampVerdict {
        token: timestamp.token,
        kind: timestamp.kind,
        gen_time: timestamp.gen_time,
        indication,
        sub_indication,
        signing_certificate: basic.certificate.as_ref().map(id_of),
        process: Process::Basic,
        findings,
    };
    Judged {
        timestamp,
        certificate: basic.certificate,
        verdict,
    }
}

fn future_finding(timestamp: &Timestamp, material: &Material<'_>) -> Option<Finding> {
    let tolerance = material.policy.constraints.time_tolerance;
    (timestamp.gen_time > material.now.plus(tolerance)).then(|| {
        let early = SubIndication::TimestampOrderFailure;
        Finding::negative("timestamp.future", CLAUSE, early)
            .found(timestamp.gen_time)
            .expected(material.now)
    })
}

/// What the authority says to have stamped before it had its certificate proves nothing (RFC 3161 §2.3).
fn lifetime_finding(timestamp: &Timestamp, certificate: &Certificate) -> Option<Finding> {
    let not_before = certificate.validity().not_before;
    (timestamp.gen_time < not_before).then(|| {
        let early = SubIndication::TimestampOrderFailure;
        Finding::negative("timestamp.before_certificate", CLAUSE, early)
            .found(timestamp.gen_time)
            .expected(not_before)
    })
}

/// What a signature's verdict says of one of its time-stamps. One that does not hold proves nothing and takes nothing away.
pub(super) fn finding(verdict: &TimestampVerdict) -> Finding {
    let finding = match verdict.sub_indication {
        None => Finding::new("timestamp.holds", CLAUSE, Outcome::Passed),
        Some(why) => Finding::new("timestamp.not_used", CLAUSE, Outcome::Note).expected(why),
    };
    finding.object(verdict.token).found(verdict.gen_time)
}
