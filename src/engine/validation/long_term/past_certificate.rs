//! Past certificate validation (EN 319 102-1 §5.6.2.1, unchecked): until when a certificate is known to have been good.
//!
//! In: a certificate, what it was for, the instant that must be reached. Out: the chain whose control time reaches it, else
//! the one whose control time is the latest, else why no chain has one.

use super::super::block::Block;
use super::super::finding::{Finding, Outcome};
use super::super::indication::SubIndication;
use super::super::material::{Material, id_of};
use super::super::x509::{Purpose, purpose_finding};
use super::time_sliding::{NoProof, Slid, TICK, slide};
use crate::engine::pki::Certificate;
use crate::engine::pki::path::{
    Model, Search, SignatureChecks, VerifiedPath, validate as validate_path,
};
use crate::engine::pki::trust::Anchor;
use crate::engine::time::Time;
use std::ops::ControlFlow;

const CLAUSE: &str = Block::PastCertificate.clause();
/// Paths looked at for one certificate; the steps of the search are bounded apart.
const MOST_PATHS: usize = 32;

/// A certificate that was good until the control time.
#[derive(Debug)]
pub(super) struct PastCertificate {
    pub(super) path: VerifiedPath,
    pub(super) slid: Slid,
}

/// Validates `certificate` for an instant not after `reached`.
pub(super) fn validate(
    certificate: &Certificate,
    purpose: Purpose,
    reached: Time,
    material: &Material<'_>,
) -> Result<PastCertificate, Box<NoProof>> {
    let mut checks = material.checks.borrow_mut();
    let given = material.steps.get();
    let mut search = Search {
        pool: &material.certificates,
        anchors: &material.policy.anchors,
        inputs: &material.policy.constraints.path,
        at: reached,
        checks: &mut checks,
        steps: given,
    };
    let (mut tried, mut best) = (0, None::<PastCertificate>);
    let mut failed: Option<Box<NoProof>> = None;
    search.paths(certificate, &mut |chain, checks| {
        tried += 1;
        match judge((certificate, chain), purpose, material, checks) {
            Ok(one) => {
                let better = best
                    .as_ref()
                    .is_none_or(|b| one.slid.control > b.slid.control);
                if better {
                    best = Some(one);
                }
            }
            Err(finding) => {
                failed.get_or_insert(finding);
            }
        }
        let reaches = best.as_ref().is_some_and(|b| reached <= b.slid.control);
        match reaches || tried >= MOST_PATHS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    });
    let walked = given.saturating_sub(search.steps);
    material
        .steps
        .set(material.steps.get().saturating_sub(walked));
    let no_chain = || {
        let sub = SubIndication::NoCertificateChainFound;
        never("past_certificate.no_chain", sub, certificate, material)
    };
    best.ok_or_else(|| failed.unwrap_or_else(no_chain))
}

fn never(
    check: &str,
    sub: SubIndication,
    certificate: &Certificate,
    material: &Material<'_>,
) -> Box<NoProof> {
    let finding = Finding::negative(check, CLAUSE, sub)
        .object(id_of(certificate))
        .element(certificate.subject().common_name());
    Box::new(NoProof {
        finding,
        control: material.now,
    })
}

/// §5.6.2.1.4(2) to (4) over one prospective chain, by each trust in its anchor.
fn judge(
    (target, chain): (&Certificate, &[Certificate]),
    purpose: Purpose,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
) -> Result<PastCertificate, Box<NoProof>> {
    let sub = SubIndication::CertificateChainGeneralFailure;
    let mut best = Err(never("past_certificate.never", sub, target, material));
    let Some((end, below)) = chain.split_last() else {
        return best;
    };
    if let Some(finding) = purpose_finding(target, purpose) {
        let control = material.now;
        return Err(Box::new(NoProof { finding, control }));
    }
    for anchor in material.policy.anchors.of(end) {
        let Some((start, instant)) = instants(below, anchor, material) else {
            continue;
        };
        let Ok(path) = validate_path(
            below,
            anchor,
            instant,
            &material.policy.constraints.path,
            checks,
        ) else {
            continue;
        };
        let slid = slide(chain, start, material, checks);
        let so_far = best.as_ref().ok().map(|b: &PastCertificate| b.slid.control);
        let later = |slid: &Slid| so_far.is_none_or(|control| slid.control > control);
        match slid {
            Ok(slid) if later(&slid) => best = Ok(PastCertificate { path, slid }),
            Err(why) if best.is_err() => best = Err(why),
            _ => {}
        }
    }
    best
}

/// When the anchor was last trusted, which the control time starts from, and an instant at which every certificate of the
/// path was valid and the anchor trusted.
fn instants(
    below: &[Certificate],
    anchor: &Anchor,
    material: &Material<'_>,
) -> Option<(Time, Time)> {
    let now = material.now;
    let validities = below.iter().map(Certificate::validity);
    let (from, until) = match material.policy.constraints.path.model {
        Model::Shell => (
            validities.clone().map(|v| v.not_before).max(),
            validities.map(|v| v.not_after).min(),
        ),
        Model::Chain => {
            let target = below.first().map(Certificate::validity);
            (target.map(|v| v.not_before), target.map(|v| v.not_after))
        }
    };
    let (from, until) = (from.unwrap_or(now), until.unwrap_or(now).min(now));
    let trusted = |by: Time| {
        if anchor.is_trusted_at(by) {
            return Some(by);
        }
        let ends = anchor.periods().iter().filter_map(|period| period.until);
        let last = ends.filter(|end| *end <= by).max()?;
        Some(last.minus(TICK))
    };
    let instant = trusted(until)?;
    (from <= instant).then_some((trusted(now)?, instant))
}

/// What is told of a certificate that was good until the control time.
pub(super) fn finding(past: &PastCertificate) -> Finding {
    let finding = Finding::new("past_certificate.holds", CLAUSE, Outcome::Passed);
    let target = past.path.certificates().first();
    let finding = target.map_or(finding.clone(), |target| {
        finding
            .object(id_of(target))
            .element(target.subject().common_name())
    });
    finding.found(past.slid.control)
}
