//! X.509 certificate validation (EN 319 102-1 §5.2.6): a path to an anchor that holds at an instant, and is not revoked.
//!
//! In: a certificate, what it is used for, the instant. Out: findings, and the path where it holds. Paths are tried until
//! one passes; where none does, the one that came furthest is told. What is missing goes into `wanted`.

mod chain;
mod purpose;
mod revocation;

pub use purpose::Purpose;
pub(super) use purpose::purpose_finding;

use super::block::Block;
use super::certificate::Learnt;
use super::finding::Finding;
use super::indication::SubIndication;
use super::material::{Material, id_of};
use super::verdict::Want;
use crate::engine::pki::Certificate;
use crate::engine::pki::path::{Dead, Search, VerifiedPath};
use crate::engine::time::Time;
use chain::judge_chain;
use std::ops::ControlFlow;

const CLAUSE: &str = "EN 319 102-1 §5.2.6.4";
/// Paths judged for one certificate; the steps of the search are bounded apart.
const MOST_PATHS: usize = 32;
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
    /// What was learnt about the revocation of each certificate of the chain.
    pub(super) revocation: Vec<Learnt>,
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
    let given = material.steps.get();
    let mut search = Search {
        pool: &material.certificates,
        anchors: &material.policy.anchors,
        inputs: &material.policy.constraints.path,
        at,
        checks: &mut checks,
        steps: given,
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
    // What the visitor spent on signers of revocation data comes on top.
    let walked = given.saturating_sub(search.steps);
    material
        .steps
        .set(material.steps.get().saturating_sub(walked));
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
            Dead::Unsupported(last) => negative("path.unsupported_algorithm", last),
            Dead::TooLong => negative("path.longest", certificate),
            Dead::Limit => negative("path.limit", certificate),
        });
    }
    if findings.is_empty() {
        findings.push(negative("path.not_found", certificate));
    }
    findings
        .iter_mut()
        .for_each(|finding: &mut Finding| finding.block = Some(Block::X509));
    X509 {
        findings,
        chain: Vec::new(),
        path: None,
        revoked_at: None,
        revocation: Vec::new(),
    }
}

/// Also where the certificate does not say where its issuer's is: it may be at hand.
fn want_issuer(certificate: &Certificate, material: &Material<'_>) {
    if !certificate.is_self_issued() {
        material.want(Want::Issuer {
            certificate: id_of(certificate),
            urls: certificate.ca_issuer_uris().map(str::to_string).collect(),
        });
    }
}
