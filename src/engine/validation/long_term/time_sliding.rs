//! Validation time sliding (EN 319 102-1 §5.6.2.2, unchecked): the last instant at which a chain is known to have been good.
//!
//! In: a chain that holds by itself, when its anchor was last trusted, the proofs of existence. Out: the control time, to
//! which revocations, the ends of authorities, stale revocation data and broken algorithms moved it, or why there is none.
//! From the anchor down, so that what an authority said counts only from before its own end.
//!
//! The clause is read in four points. Revocation data that is not fresh moves the control time to the last instant at which
//! it was fresh: issuance would put every list issued before the signature against it. The end of an authority's certificate
//! moves it too, since a key that is over binds nobody. A revocation counts whenever it became known, since nobody gains by
//! forging one. Broken algorithms move it only where no proof is from before their end.

use super::super::acceptance::algorithm_finding;
use super::super::block::Block;
use super::super::finding::{Check, Finding, Outcome};
use super::super::indication::SubIndication;
use super::super::material::{Material, id_of};
use super::super::policy::Revocation;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::path::{Model, SignatureChecks};
use crate::engine::pki::revocation::{Answer, Link, Status, could_be_asked, exemption, is_fresh};
use crate::engine::time::Time;
use std::time::Duration;

const CLAUSE: &str = Block::TimeSliding.clause();
/// From an instant that does not belong to an interval to the last one that does.
pub(super) const TICK: Duration = Duration::from_nanos(1);

/// A control time and how it came about.
#[derive(Debug)]
pub(super) struct Slid {
    pub(super) control: Time,
    /// The algorithms of the chain that were broken before anything proves what they made.
    pub(super) broken: Vec<Finding>,
    /// A finding for each move.
    pub(super) findings: Vec<Finding>,
    /// The revocation data that it rests on, by SHA-256.
    pub(super) used: Vec<[u8; 32]>,
}

/// Why there is no control time.
#[derive(Debug)]
pub(super) struct NoProof {
    pub(super) finding: Finding,
    /// How far back the control time had come.
    pub(super) control: Time,
}

/// Slides over `chain`, the target first and the anchor last, from `start` on.
pub(super) fn slide(
    chain: &[Certificate],
    start: Time,
    material: &Material<'_>,
    checks: &mut SignatureChecks,
) -> Result<Slid, Box<NoProof>> {
    let slid = Slid {
        control: start,
        broken: Vec::new(),
        findings: Vec::new(),
        used: Vec::new(),
    };
    let mut sliding = Sliding { material, slid };
    for index in (0..chain.len().saturating_sub(1)).rev() {
        sliding.pass(chain, index, checks)?;
    }
    Ok(sliding.slid)
}

struct Sliding<'a, 'p> {
    material: &'a Material<'p>,
    slid: Slid,
}

impl Sliding<'_, '_> {
    /// §5.6.2.2.4(2): one certificate of the chain.
    fn pass(
        &mut self,
        chain: &[Certificate],
        index: usize,
        checks: &mut SignatureChecks,
    ) -> Result<(), Box<NoProof>> {
        let (certificate, issuer) = (&chain[index], &chain[index + 1]);
        if self.proven(certificate.fingerprint()) > self.slid.control {
            return Err(self.no_proof(certificate, SubIndication::NoPoe));
        }
        let link = Link {
            certificate,
            issuer,
            anchor: chain.last().unwrap_or(issuer),
        };
        let is_asked = self.material.policy.constraints.revocation != Revocation::Ignored;
        if is_asked && exemption(certificate).is_none() {
            self.revocation(link, index == 0, checks)?;
        }
        self.algorithm(certificate, issuer);
        if index > 0 && self.material.policy.constraints.path.model == Model::Shell {
            self.move_to(
                certificate.validity().not_after,
                "time_sliding.expired",
                certificate,
            );
        }
        Ok(())
    }

    fn proven(&self, object: [u8; 32]) -> Time {
        let proven = self.material.proven_at(&[object]);
        proven.unwrap_or(self.material.now)
    }

    fn no_proof(&self, certificate: &Certificate, sub: SubIndication) -> Box<NoProof> {
        let control = self.slid.control;
        let finding = Finding::negative("time_sliding.no_proof", CLAUSE, sub);
        let finding = about(finding, certificate).expected(control);
        Box::new(NoProof { finding, control })
    }

    fn move_to(&mut self, time: Time, check: Check, certificate: &Certificate) {
        if time < self.slid.control {
            self.slid.control = time;
            let moved = Finding::new(check, CLAUSE, Outcome::Note);
            let moved = about(moved, certificate).found(time);
            self.slid.findings.push(moved);
        }
    }

    /// §5.6.2.2.4(2)(a) to (c): by the revocation data from before the control time.
    fn revocation(
        &mut self,
        link: Link<'_>,
        is_target: bool,
        checks: &mut SignatureChecks,
    ) -> Result<(), Box<NoProof>> {
        let said = self.material.said(link, checks);
        let revoked = said
            .answers
            .iter()
            .filter_map(|answer| match answer.status {
                Status::Revoked { at, reason } if self.is_compromising(reason, is_target) => {
                    Some(at)
                }
                _ => None,
            });
        let revoked = revoked.filter(|at| *at <= self.slid.control).min();
        if let Some(at) = revoked {
            self.move_to(at.minus(TICK), "time_sliding.revoked", link.certificate);
        }
        let known = said.answers.iter().filter(|a| a.status != Status::Unknown);
        let mut known: Vec<&Answer> = known.collect();
        known.sort_by_key(|answer| std::cmp::Reverse(answer.issued));
        let mut unfit = SubIndication::NoPoe;
        for answer in known {
            match self.fitness(answer) {
                Ok(()) => {
                    self.slid.used.extend(&answer.evidence);
                    if revoked.is_none() {
                        self.freshness(answer, link.certificate);
                    }
                    return Ok(());
                }
                Err(why) if unfit == SubIndication::NoPoe => unfit = why,
                Err(_) => {}
            }
        }
        match self.material.policy.constraints.revocation {
            Revocation::Required => Err(self.no_proof(link.certificate, unfit)),
            _ => Ok(()),
        }
    }

    /// In the chain model only a key that others may have had takes what an authority did before along with it.
    fn is_compromising(&self, reason: Option<RevocationReason>, is_target: bool) -> bool {
        use RevocationReason::{AaCompromise, CaCompromise, KeyCompromise, Unspecified};
        is_target
            || self.material.policy.constraints.path.model == Model::Shell
            || matches!(
                reason,
                None | Some(Unspecified | KeyCompromise | CaCompromise | AaCompromise)
            )
    }

    /// Whether an answer may be used: it is from before the control time, proven so, in the life of its signers, and by
    /// algorithms that were believed at that proof.
    fn fitness(&self, answer: &Answer) -> Result<(), SubIndication> {
        let policy = self.material.policy;
        let proven = self.material.proven_at(&answer.evidence);
        let proven = proven.unwrap_or(self.material.now);
        if answer.issued > self.slid.control || proven > self.slid.control {
            return Err(SubIndication::NoPoe);
        }
        for (signer, algorithm) in &answer.signers {
            let lives = proven <= signer.validity().not_after;
            if !lives && !policy.anchors.contains(signer) {
                return Err(SubIndication::RevocationOutOfBoundsNoPoe);
            }
            let bits = signer.public_key().map_or(0, |key| key.bits());
            let finding = algorithm_finding(*algorithm, bits, proven, policy);
            if let Some(sub) = finding
                .filter(Finding::is_negative)
                .and_then(|f| f.sub_indication)
            {
                return Err(sub);
            }
        }
        match could_be_asked(answer) {
            true => Err(SubIndication::TryLater),
            false => Ok(()),
        }
    }

    /// §5.6.2.2.4(2)(c): not later than the answer was fresh.
    fn freshness(&mut self, answer: &Answer, certificate: &Certificate) {
        let oldest = self.material.policy.constraints.revocation_freshness;
        if is_fresh(answer, self.slid.control, oldest) {
            return;
        }
        let own = || Some(answer.next_update?.since(answer.this_update));
        let last = match oldest.or_else(own) {
            Some(most) => answer.this_update.plus(most).minus(TICK),
            None => answer.this_update,
        };
        self.move_to(last, "time_sliding.stale", certificate);
    }

    /// §5.6.2.2.4(2)(d), of the certificate.
    fn algorithm(&mut self, certificate: &Certificate, issuer: &Certificate) {
        let bits = issuer.public_key().map_or(0, |key| key.bits());
        let Ok(algorithm) = certificate.signature_algorithm() else {
            return;
        };
        let policy = self.material.policy;
        let proven = self.proven(certificate.fingerprint());
        let finding = algorithm_finding(algorithm, bits, proven, policy);
        let Some(broken) = finding.filter(Finding::is_negative) else {
            return;
        };
        self.slid.broken.push(about(broken, certificate));
        if let Some(end) = policy.algorithms.signature(algorithm, bits).end() {
            self.move_to(end.minus(TICK), "time_sliding.algorithm", certificate);
        }
    }
}

fn about(finding: Finding, certificate: &Certificate) -> Finding {
    finding
        .object(id_of(certificate))
        .element(certificate.subject().common_name())
}
