//! What a validation works with: the pool, parsed once, the signatures checked so far, and what is still wanted.

use super::policy::Policy;
use super::verdict::Want;
use crate::engine::evidence::{ObjectId, ObjectKind, Pool, ProofOfExistence, ProofsOfExistence};
use crate::engine::pki::path::{Inputs, Search, SignatureChecks, validate as validate_path};
use crate::engine::pki::revocation::index::Excerpt;
use crate::engine::pki::revocation::{Data, Inquiry, Link, Memory, Paths, Said};
use crate::engine::pki::{
    Certificate, CertificateList, Certificates, OcspResponse, RevocationList,
};
use crate::engine::time::Time;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::rc::Rc;

/// Paths of one signer of revocation data that are tried, and of those that hold, handed on.
const MOST_PATHS: usize = 32;
const MOST_GOOD_PATHS: usize = 4;

/// The parsed pool of one document, with those of the documents around it.
#[derive(Debug)]
pub(super) struct Material<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Time,
    /// What says to be from later is not believed.
    pub(super) latest: Time,
    pub(super) certificates: Certificates,
    lists: Vec<Box<dyn RevocationList>>,
    responses: Vec<OcspResponse>,
    memory: RefCell<Memory>,
    pub(super) checks: RefCell<SignatureChecks>,
    /// How many more certificates may be tried for paths.
    pub(super) steps: &'a Cell<u32>,
    pub(super) wanted: RefCell<BTreeSet<Want>>,
    /// Proofs of existence gained so far; none where a certificate is judged by itself, and its data by their own word.
    pub(super) proofs: RefCell<Option<ProofsOfExistence>>,
}

impl<'a> Material<'a> {
    /// From certificates that are read already, and the pools that may be drawn from. What cannot be read is left out: it
    /// proves nothing.
    pub(super) fn read(
        known: &[Certificate],
        pools: &[&Pool],
        policy: &'a Policy,
        now: Time,
        steps: &'a Cell<u32>,
    ) -> Material<'a> {
        let mut material = Material {
            policy,
            now,
            latest: now,
            certificates: known.iter().cloned().collect(),
            lists: Vec::new(),
            responses: Vec::new(),
            memory: RefCell::default(),
            checks: RefCell::default(),
            steps,
            wanted: RefCell::default(),
            proofs: RefCell::default(),
        };
        for (id, object) in pools.iter().flat_map(|pool| pool.iter()) {
            let bytes: &[u8] = &object.bytes;
            match object.kind {
                ObjectKind::Certificate if material.certificates.get(&id.0).is_some() => {}
                ObjectKind::Certificate => {
                    if let Some(anchor) = policy.anchors.by_fingerprint(&id.0) {
                        material.certificates.add(anchor.clone());
                    } else if let Ok(certificate) = Certificate::from_der(bytes) {
                        material.certificates.add(certificate);
                    }
                }
                ObjectKind::CertificateRevocationList => {
                    if let Ok(list) = CertificateList::from_der(bytes) {
                        material.lists.push(Box::new(list));
                    }
                }
                ObjectKind::OcspResponse => {
                    if let Ok(response) = OcspResponse::from_der(bytes) {
                        material.responses.push(response);
                    }
                }
                ObjectKind::RevocationListExcerpt => {
                    if let Ok(excerpt) = Excerpt::from_der(bytes) {
                        material.lists.push(Box::new(excerpt));
                    }
                }
                ObjectKind::TimestampToken => {}
            }
        }
        material
    }

    pub(super) fn certificate(&self, id: &ObjectId) -> Option<&Certificate> {
        self.certificates.get(&id.0)
    }

    /// All that is at hand about a certificate; each list is walked for it once.
    pub(super) fn said(&self, link: Link<'_>, checks: &mut SignatureChecks) -> Rc<Said> {
        let data = Data {
            lists: &self.lists,
            responses: &self.responses,
            pool: &self.certificates,
        };
        let mut memory = self.memory.borrow_mut();
        let mut paths = SignerPaths(self);
        Inquiry::new(data, &mut paths, &mut memory, self.steps).said(link, checks)
    }

    /// A list at hand, by the SHA-256 of its bytes.
    pub(super) fn list(&self, id: &[u8; 32]) -> Option<&dyn RevocationList> {
        let found = self.lists.iter().find(|list| list.id() == *id);
        found.map(Box::as_ref)
    }

    /// Whether what is judged must be proven to have existed when it is said to.
    pub(super) fn asks_for_proofs(&self) -> bool {
        self.proofs.borrow().is_some()
    }

    /// Since when all these objects, by SHA-256, are proven to exist; none where nobody asks.
    pub(super) fn proven_at(&self, objects: &[[u8; 32]]) -> Option<Time> {
        let proofs = self.proofs.borrow();
        let proofs = proofs.as_ref()?;
        let each = objects.iter().map(|id| proofs.of(&ObjectId(*id)).at);
        each.max()
    }

    /// The proof of an object's or signature's existence; where nobody asks, and where nothing else proves it, that it is
    /// there at the time of validation.
    pub(super) fn proof_of(&self, id: &ObjectId) -> ProofOfExistence {
        match self.proofs.borrow().as_ref() {
            Some(proofs) => proofs.of(id),
            None => ProofsOfExistence::new(self.now).of(id),
        }
    }

    /// Takes a proof in.
    pub(super) fn prove(&self, proof: ProofOfExistence) {
        if let Some(proofs) = self.proofs.borrow_mut().as_mut() {
            proofs.add(proof);
        }
    }

    pub(super) fn proofs_so_far(&self) -> ProofsOfExistence {
        let so_far = self.proofs.borrow().clone();
        so_far.unwrap_or_else(|| ProofsOfExistence::new(self.now))
    }

    /// What `judge` says by other proofs of existence.
    pub(super) fn with_proofs<R>(&self, proofs: ProofsOfExistence, judge: impl FnOnce() -> R) -> R {
        let before = self.proofs.replace(Some(proofs));
        let said = judge();
        self.proofs.replace(before);
        said
    }

    pub(super) fn want(&self, want: Want) {
        self.wanted.borrow_mut().insert(want);
    }
}

/// Paths of those who sign lists and responses.
struct SignerPaths<'a, 'p>(&'a Material<'p>);

impl Paths for SignerPaths<'_, '_> {
    fn paths(
        &mut self,
        certificate: &Certificate,
        at: Time,
        checks: &mut SignatureChecks,
    ) -> Vec<Vec<Certificate>> {
        // RFC 5280 §6.3.3(f) asks for a path and says nothing of its policies.
        let inputs = Inputs::default();
        let mut search = Search {
            pool: &self.0.certificates,
            anchors: &self.0.policy.anchors,
            inputs: &inputs,
            at,
            checks,
            steps: self.0.steps.get(),
        };
        let (mut tried, mut good) = (0, Vec::new());
        search.paths(certificate, &mut |chain, checks| {
            tried += 1;
            let end = chain
                .last()
                .and_then(|last| self.0.policy.anchors.of_at(last, at));
            let below = &chain[..chain.len().saturating_sub(1)];
            if end.is_some_and(|anchor| validate_path(below, anchor, at, &inputs, checks).is_ok()) {
                good.push(chain.to_vec());
            }
            if tried >= MOST_PATHS || good.len() >= MOST_GOOD_PATHS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        self.0.steps.set(search.steps);
        good
    }
}

/// The identifier that a certificate has in a pool.
pub(super) fn id_of(certificate: &Certificate) -> ObjectId {
    ObjectId(certificate.fingerprint())
}
