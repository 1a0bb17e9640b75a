//! What a validation works with: the pool, parsed once, the signatures checked so far, and what is still wanted.

use super::policy::Policy;
use super::verdict::Want;
use crate::engine::evidence::{ObjectId, ObjectKind, Pool};
use crate::engine::pki::path::{Certificates, SignatureChecks};
use crate::engine::pki::{Certificate, CertificateList, OcspResponse};
use crate::engine::time::Time;
use std::cell::RefCell;
use std::collections::BTreeSet;

/// The parsed pool of one document, with those of the documents around it.
#[derive(Debug)]
pub(super) struct Material<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Time,
    pub(super) certificates: Certificates,
    pub(super) lists: Vec<(ObjectId, CertificateList)>,
    pub(super) responses: Vec<(ObjectId, OcspResponse)>,
    pub(super) checks: RefCell<SignatureChecks>,
    pub(super) wanted: RefCell<BTreeSet<Want>>,
}

impl<'a> Material<'a> {
    /// From the pools that may be drawn from. What cannot be read is left out: it proves nothing.
    pub(super) fn read(pools: &[&Pool], policy: &'a Policy, now: Time) -> Material<'a> {
        let mut material = Material {
            policy,
            now,
            certificates: Certificates::default(),
            lists: Vec::new(),
            responses: Vec::new(),
            checks: RefCell::default(),
            wanted: RefCell::default(),
        };
        for (id, object) in pools.iter().flat_map(|pool| pool.iter()) {
            let bytes: &[u8] = &object.bytes;
            match object.kind {
                ObjectKind::Certificate => {
                    if let Some(anchor) = policy.anchors.by_fingerprint(&id.0) {
                        material.certificates.add(anchor.clone());
                    } else if let Ok(certificate) = Certificate::from_der(bytes) {
                        material.certificates.add(certificate);
                    }
                }
                ObjectKind::CertificateRevocationList => {
                    if let Ok(list) = CertificateList::from_der(bytes) {
                        material.lists.push((*id, list));
                    }
                }
                ObjectKind::OcspResponse => {
                    if let Ok(response) = OcspResponse::from_der(bytes) {
                        material.responses.push((*id, response));
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

    pub(super) fn want(&self, want: Want) {
        self.wanted.borrow_mut().insert(want);
    }
}

/// The identifier that a certificate has in a pool.
pub(super) fn id_of(certificate: &Certificate) -> ObjectId {
    ObjectId(certificate.fingerprint())
}
