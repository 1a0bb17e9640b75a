//! What a validation works with: the pool, parsed once, the signatures checked so far, and what is still wanted.

use super::policy::Policy;
use super::verdict::Want;
use crate::engine::evidence::{ObjectId, ObjectKind, Pool};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::revocation::{Answer, Unusable, by_crl, by_ocsp};
use crate::engine::pki::{Certificate, CertificateList, Certificates, OcspResponse};
use crate::engine::time::Time;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// What each list and response says of one certificate, or why it says nothing.
pub(super) type Answers = Rc<Vec<(ObjectId, Result<Answer, Unusable>)>>;

/// A certificate and its issuer, by fingerprint.
type Link = ([u8; 32], [u8; 32]);

/// The parsed pool of one document, with those of the documents around it.
#[derive(Debug)]
pub(super) struct Material<'a> {
    pub(super) policy: &'a Policy,
    pub(super) now: Time,
    pub(super) certificates: Certificates,
    lists: Vec<(ObjectId, CertificateList)>,
    responses: Vec<(ObjectId, OcspResponse)>,
    answers: RefCell<HashMap<Link, Answers>>,
    pub(super) checks: RefCell<SignatureChecks>,
    /// How many more certificates may be tried for paths.
    pub(super) steps: &'a Cell<u32>,
    pub(super) wanted: RefCell<BTreeSet<Want>>,
}

impl<'a> Material<'a> {
    /// From the pools that may be drawn from. What cannot be read is left out: it proves nothing.
    pub(super) fn read(
        pools: &[&Pool],
        policy: &'a Policy,
        now: Time,
        steps: &'a Cell<u32>,
    ) -> Material<'a> {
        let mut material = Material {
            policy,
            now,
            certificates: Certificates::default(),
            lists: Vec::new(),
            responses: Vec::new(),
            answers: RefCell::default(),
            checks: RefCell::default(),
            steps,
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
                ObjectKind::RevocationListExcerpt | ObjectKind::TimestampToken => {}
            }
        }
        material
    }

    pub(super) fn certificate(&self, id: &ObjectId) -> Option<&Certificate> {
        self.certificates.get(&id.0)
    }

    /// All that is at hand about `certificate`, issued by `issuer`; each list is walked for it once.
    pub(super) fn answers(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        checks: &mut SignatureChecks,
    ) -> Answers {
        let key = (certificate.fingerprint(), issuer.fingerprint());
        if let Some(known) = self.answers.borrow().get(&key) {
            return known.clone();
        }
        let mut all = Vec::new();
        for (id, list) in &self.lists {
            all.push((*id, by_crl(certificate, issuer, list, id.0, checks)));
        }
        for (id, response) in &self.responses {
            let pool = &self.certificates;
            let answer = by_ocsp(certificate, issuer, response, id.0, pool, checks);
            all.push((*id, answer));
        }
        let all = Rc::new(all);
        self.answers.borrow_mut().insert(key, all.clone());
        all
    }

    pub(super) fn want(&self, want: Want) {
        self.wanted.borrow_mut().insert(want);
    }
}

/// The identifier that a certificate has in a pool.
pub(super) fn id_of(certificate: &Certificate) -> ObjectId {
    ObjectId(certificate.fingerprint())
}
