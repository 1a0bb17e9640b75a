//! What all the data at hand says about one certificate of a path, and who vouches for those who signed it.
//!
//! A list or a response may be signed by another than the issuer of the certificate. Its signer then needs a path of its
//! own to the same anchor, and must not be revoked itself, which is asked of the same data: a walk that is cut where it
//! comes back to a signer it is already asking about, at a depth, and by a count of the signers tried.

use super::crl::by_lists;
use super::exemption::exemption;
use super::ocsp::by_responses;
use super::status::{Answer, Status, Unchecked, Unusable};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::{Certificate, Certificates, OcspResponse, RevocationList};
use crate::engine::time::Time;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// Signers of the data about a signer of the data about a signer: nobody builds more.
const DEEPEST: usize = 3;
/// Paths of one signer that are looked at.
const MOST_PATHS: usize = 8;

/// A certificate of a path with what stands above it.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// The certificate in question.
    pub certificate: &'a Certificate,
    /// Its issuer on the path.
    pub issuer: &'a Certificate,
    /// The anchor of the path, as a certificate of its name and key.
    pub anchor: &'a Certificate,
}

/// Data at hand, which may be about anyone.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Data<'a> {
    pub lists: &'a [Box<dyn RevocationList>],
    pub responses: &'a [OcspResponse],
    /// Where certificates of issuers of lists and of responders are looked for.
    pub pool: &'a Certificates,
}

/// Whoever builds and validates paths.
pub trait Paths {
    /// Paths from `certificate` (first) to an anchor (last) that hold at `at`, revocation apart.
    fn paths(
        &mut self,
        certificate: &Certificate,
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Vec<Vec<Certificate>>;
}

/// No paths: only the issuer of a certificate, its delegates and the anchor are believed.
#[derive(Debug, Clone, Copy)]
pub struct NoPaths;

impl Paths for NoPaths {
    fn paths(
        &mut self,
        _: &Certificate,
        _: Time,
        _: &mut SignatureChecks,
    ) -> Vec<Vec<Certificate>> {
        Vec::new()
    }
}

/// What the data at hand says about a certificate.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Every answer.
    pub answers: Vec<Answer>,
    /// What was meant for it and says nothing, by SHA-256.
    pub unusable: Vec<([u8; 32], Unusable)>,
}

type Key = ([u8; 32], [u8; 32], [u8; 32]);

/// What was asked before and came out.
#[derive(Debug, Default)]
pub struct Memory {
    said: HashMap<Key, Rc<Said>>,
    vouched: HashMap<([u8; 32], [u8; 32], Time), Vouched>,
}

type Vouched = Result<Vec<Unchecked>, Unusable>;

/// An inquiry into data at hand.
pub struct Inquiry<'a> {
    data: Data<'a>,
    paths: &'a mut dyn Paths,
    memory: &'a mut Memory,
    steps: &'a Cell<u32>,
    /// The signers that are being asked about.
    open: Vec<[u8; 32]>,
    /// Whether the walk was cut: what comes out then depends on where it began, and is not remembered.
    cut: bool,
}

impl<'a> Inquiry<'a> {
    /// Into `data`; `steps` is how many more signers may be tried.
    pub fn new(
        data: Data<'a>,
        paths: &'a mut dyn Paths,
        memory: &'a mut Memory,
        steps: &'a Cell<u32>,
    ) -> Inquiry<'a> {
        Inquiry {
            data,
            paths,
            memory,
            steps,
            open: Vec::new(),
            cut: false,
        }
    }

    /// All that is at hand about the certificate of `link`.
    pub fn said(&mut self, link: Link<'_>, checks: &mut SignatureChecks) -> Rc<Said> {
        let key = (
            link.certificate.fingerprint(),
            link.issuer.fingerprint(),
            link.anchor.fingerprint(),
        );
        if let Some(known) = self.memory.said.get(&key) {
            return known.clone();
        }
        let before = std::mem::take(&mut self.cut);
        let mut said = Said::default();
        by_lists(self, link, checks, &mut said);
        by_responses(self, link, checks, &mut said);
        let said = Rc::new(said);
        if !self.cut {
            self.memory.said.insert(key, said.clone());
        }
        self.cut |= before;
        said
    }

    pub(super) fn data(&self) -> Data<'a> {
        self.data
    }

    /// Counts one more signer that is tried.
    pub(super) fn step(&mut self) -> Result<(), Unusable> {
        let left = self.steps.get().checked_sub(1).ok_or(Unusable::Limit)?;
        self.steps.set(left);
        Ok(())
    }

    /// That `signer` has a path that holds at `at` to the anchor of `link` on which nobody is revoked; with those of whom
    /// that is not known (RFC 5280 §6.3.3(f)).
    pub(super) fn vouch(
        &mut self,
        signer: &Certificate,
        anchor: &Certificate,
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Vouched {
        let id = signer.fingerprint();
        let key = (id, anchor.fingerprint(), at);
        if let Some(known) = self.memory.vouched.get(&key) {
            return known.clone();
        }
        self.enter(id)?;
        let before = std::mem::take(&mut self.cut);
        let paths = self.paths.paths(signer, at, checks);
        let mut result: Vouched = Err(match paths.is_empty() {
            true => Unusable::SignerPath,
            false => Unusable::OtherAnchor,
        });
        for path in paths.iter().take(MOST_PATHS) {
            if !path.last().is_some_and(|end| same_authority(end, anchor)) {
                continue;
            }
            let this = self.path_status(path, at, checks);
            let better = match (&this, &result) {
                (Ok(this), Ok(best)) => this.len() < best.len(),
                (Ok(_), Err(_)) | (Err(_), Err(_)) => true,
                (Err(_), Ok(_)) => false,
            };
            if better {
                result = this;
            }
            if result.as_ref().is_ok_and(Vec::is_empty) {
                break;
            }
        }
        self.open.pop();
        if !self.cut {
            self.memory.vouched.insert(key, result.clone());
        }
        self.cut |= before;
        result
    }

    /// Who of a path is not known to be good at `at`; an error where one is revoked.
    fn path_status(
        &mut self,
        path: &[Certificate],
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Vouched {
        let mut unchecked = Vec::new();
        let Some(anchor) = path.last() else {
            return Err(Unusable::SignerPath);
        };
        for pair in path.windows(2) {
            let link = Link {
                certificate: &pair[0],
                issuer: &pair[1],
                anchor,
            };
            unchecked.extend(self.signer_status(link, at, checks)?);
        }
        Ok(unchecked)
    }

    /// What is known of a signer itself: it is good at `at`, not known, or revoked or on hold, which is an error and counts
    /// whenever it was: the time of a list or response is what the signer itself says.
    pub(super) fn signer_status(
        &mut self,
        link: Link<'_>,
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Result<Option<Unchecked>, Unusable> {
        if exemption(link.certificate).is_some() {
            return Ok(None);
        }
        let said = self.said(link, checks);
        let revoked = |a: &Answer| matches!(a.status, Status::Revoked { .. });
        if said
            .answers
            .iter()
            .any(|a| revoked(a) && !a.status.is_hold())
        {
            return Err(Unusable::SignerRevoked);
        }
        let known = |a: &&Answer| a.status != Status::Unknown;
        let newest = said
            .answers
            .iter()
            .filter(known)
            .max_by_key(|a| a.this_update);
        if newest.is_some_and(|answer| answer.status.is_hold()) {
            return Err(Unusable::SignerRevoked);
        }
        let good = newest.is_some_and(|answer| {
            let holds = answer.next_update.unwrap_or(answer.this_update) >= at;
            answer.status == Status::Good && answer.unchecked.is_empty() && holds
        });
        Ok((!good).then(|| Unchecked {
            certificate: link.certificate.clone(),
            issuer: link.issuer.clone(),
        }))
    }

    /// Begins to ask about a signer.
    pub(super) fn enter(&mut self, id: [u8; 32]) -> Result<(), Unusable> {
        let circular = self.open.contains(&id);
        if circular || self.open.len() >= DEEPEST {
            self.cut = true;
            return Err(if circular {
                Unusable::Circular
            } else {
                Unusable::Limit
            });
        }
        self.open.push(id);
        Ok(())
    }

    /// Ends what [`Inquiry::enter`] began.
    pub(super) fn leave(&mut self) {
        self.open.pop();
    }
}

impl fmt::Debug for Inquiry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inquiry({} lists)", self.data.lists.len())
    }
}

/// Whether two certificates are of one name and key.
pub(super) fn same_authority(a: &Certificate, b: &Certificate) -> bool {
    a.spki() == b.spki() && a.subject() == b.subject()
}
