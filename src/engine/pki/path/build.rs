//! Prospective paths from a certificate to an anchor (RFC 4158 §3).
//!
//! A depth-first walk over issuers by name, those whose key identifier fits first; an edge is followed only where the
//! issuer's key made the signature, and every signature is checked once per [`SignatureChecks`]. Certificates tried are
//! counted, so that a pool made to be a maze ends at its limit.

use super::{Inputs, LONGEST};
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, Certificates};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Different dead ends that are told, at most.
const MOST_ENDS: usize = 4;

/// Which issuer's key made which signature; asked once each.
#[derive(Debug, Default)]
pub struct SignatureChecks {
    known: HashMap<([u8; 32], [u8; 32]), bool>,
}

impl SignatureChecks {
    /// The answer for the object and issuer of these fingerprints; `check` is asked where it is not known yet.
    pub fn check(
        &mut self,
        object: [u8; 32],
        issuer: [u8; 32],
        check: impl FnOnce() -> bool,
    ) -> bool {
        *self.known.entry((object, issuer)).or_insert_with(check)
    }

    /// Whether `issuer`'s key made the signature on `certificate`.
    pub fn is_signed_by(&mut self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.check(certificate.fingerprint(), issuer.fingerprint(), || {
            issuer
                .public_key()
                .is_ok_and(|key| certificate.is_signed_by(key))
        })
    }
}

/// Where the walk found nothing further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dead {
    /// No certificate of this one's issuer is known.
    NoIssuer(Certificate),
    /// Only certificates of that name whose key did not sign this one are known.
    NotSigned(Certificate),
    /// The limit on certificates tried was met.
    Limit,
}

/// A walk for paths.
#[derive(Debug)]
pub struct Search<'a> {
    /// The certificates to build from.
    pub pool: &'a Certificates,
    /// Where paths may end.
    pub anchors: &'a Anchors,
    /// How paths may look.
    pub inputs: &'a Inputs,
    /// Signatures checked so far.
    pub checks: &'a mut SignatureChecks,
    /// How many more certificates may be tried.
    pub steps: u32,
}

impl Search<'_> {
    /// Shows every path from `target` to an anchor, both included, to `visit` until it breaks off. Answers the ends at
    /// which no path went on.
    pub fn paths(
        &mut self,
        target: &Certificate,
        visit: &mut dyn FnMut(&[Certificate], &mut SignatureChecks) -> ControlFlow<()>,
    ) -> Vec<Dead> {
        let mut dead = Vec::new();
        let mut path = vec![target.clone()];
        let _ = self.walk(&mut path, visit, &mut dead);
        dead
    }

    fn walk(
        &mut self,
        path: &mut Vec<Certificate>,
        visit: &mut dyn FnMut(&[Certificate], &mut SignatureChecks) -> ControlFlow<()>,
        dead: &mut Vec<Dead>,
    ) -> ControlFlow<()> {
        let Some(last) = path.last().cloned() else {
            return ControlFlow::Continue(());
        };
        if self.anchors.contains(&last) {
            return visit(path, self.checks);
        }
        if path.len() >= self.inputs.longest.min(LONGEST) {
            return ControlFlow::Continue(());
        }
        let candidates = self.issuers(&last, path);
        let mut signed = false;
        for issuer in &candidates {
            let Some(left) = self.steps.checked_sub(1) else {
                dead.push(Dead::Limit);
                return ControlFlow::Break(());
            };
            self.steps = left;
            if self.checks.is_signed_by(&last, issuer) {
                signed = true;
                path.push(issuer.clone());
                self.walk(path, visit, dead)?;
                path.pop();
            }
        }
        let end = match (candidates.is_empty(), signed) {
            (true, _) => Dead::NoIssuer(last),
            (false, false) => Dead::NotSigned(last),
            _ => return ControlFlow::Continue(()),
        };
        if dead.len() < MOST_ENDS && !dead.contains(&end) {
            dead.push(end);
        }
        ControlFlow::Continue(())
    }

    /// Certificates of the issuer's name that are not on the path yet: anchors first, then those whose key identifier
    /// is the one named (RFC 4158 §3.5.12), which sorts and never excludes.
    fn issuers(&self, certificate: &Certificate, path: &[Certificate]) -> Vec<Certificate> {
        let on_path = |candidate: &Certificate| {
            path.iter()
                .any(|c| c.spki() == candidate.spki() && c.subject() == candidate.subject())
        };
        let name = certificate.issuer();
        let mut found: Vec<Certificate> = self
            .anchors
            .named(name)
            .into_iter()
            .chain(self.pool.named(name))
            .filter(|candidate| !on_path(candidate))
            .cloned()
            .collect();
        let wanted = certificate.authority_key_identifier().key.as_deref();
        let rank = |candidate: &Certificate| {
            let other_key = matches!((wanted, candidate.subject_key_identifier()), (Some(a), Some(b)) if a != b);
            (other_key, !self.anchors.contains(candidate))
        };
        found.sort_by_key(rank);
        found.dedup();
        found
    }
}
