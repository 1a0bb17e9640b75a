//! Validation of a time-stamp (EN 319 102-1 §5.4): the authority's signature, and that it is over what it should be.

use super::basic;
use super::block::Block;
use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::material::{Material, id_of};
use super::verdict::{Process, TimestampVerdict};
use super::with_time::conclude;
use super::x509::Purpose;
use super::{acceptance, cryptographic};
use crate::engine::evidence::{Timestamp, TimestampKind};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;

const CLAUSE: &str = "EN 319 102-1 §5.4";

/// A time-stamp that proves that what it is over existed at its time. Only [`validate`] makes one.
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

/// Validates `timestamp` at the time of validation.
pub(super) fn validate(
    timestamp: &Timestamp,
    material: &Material<'_>,
) -> (TimestampVerdict, Option<VerifiedTimestamp>) {
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
    if timestamp.gen_time > material.now.plus(policy.constraints.time_tolerance) {
        let future = Finding::negative(
            "timestamp.future",
            CLAUSE,
            SubIndication::TimestampOrderFailure,
        );
        of_stamp.push(future.found(timestamp.gen_time).expected(material.now));
    }
    findings.extend(Block::Timestamp.close(of_stamp, policy));
    let (indication, sub_indication) = conclude(&findings);
    let verified = sub_indication.is_none().then_some(VerifiedTimestamp {
        kind: timestamp.kind,
        gen_time: timestamp.gen_time,
    });
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
    (verdict, verified)
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
