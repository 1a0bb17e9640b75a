//! POE extraction (EN 319 102-1 §5.6.2.3, unchecked): what a time-stamp that holds proves to have existed, and when.
//!
//! In: a time-stamp and what is at hand. Out: proofs of existence at its time: of the signatures and objects that it is over,
//! of what is inside of the tokens among them, and of the certificates that those signatures name by digest, since whoever
//! signed the digest had the certificate.

use super::super::acceptance::reference_finding;
use super::super::finding::Finding;
use super::super::material::Material;
use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::evidence::{
    CertificateReference, ObjectId, Proof, ProofOfExistence, Reference, Signature, Timestamp,
};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;
use std::collections::BTreeMap;

/// Certificates that one signature names: its path is not longer.
const MOST_NAMED: usize = 16;

/// Signatures of the document and of its tokens, by the identifiers that time-stamps cover them by.
#[derive(Debug, Default)]
pub(super) struct Known<'a> {
    /// The certificates that a signature names by a digest that is still reliable.
    named: BTreeMap<ObjectId, Vec<ObjectId>>,
    tokens: BTreeMap<ObjectId, &'a Timestamp>,
}

impl<'a> Known<'a> {
    pub(super) fn add_signature(&mut self, signature: &'a Signature, material: &Material<'_>) {
        let references = signature.certificate_references.iter().take(MOST_NAMED);
        let reliable = references.filter(|one| is_reliable(one, material));
        let named = reliable.filter_map(|one| certificate_of(one, material));
        self.named.insert(signature.id, named.collect());
    }

    pub(super) fn add_token(&mut self, timestamp: &'a Timestamp) {
        self.tokens.insert(timestamp.token, timestamp);
    }

    /// What a time-stamp that holds proves; nothing of itself.
    pub(super) fn proven_by(
        &self,
        timestamp: &Timestamp,
        by: Proof,
        at: Time,
    ) -> Vec<ProofOfExistence> {
        let mut objects: Vec<ObjectId> = timestamp.covers.clone();
        for id in &timestamp.signatures {
            objects.push(*id);
            objects.extend(self.named.get(id).into_iter().flatten());
        }
        for token in timestamp.covers.iter().filter_map(|id| self.tokens.get(id)) {
            objects.push(token.signature.id);
            objects.extend(&token.signature.certificates);
        }
        let not_itself = |id: &ObjectId| *id != timestamp.token && *id != timestamp.signature.id;
        let objects = objects.into_iter().filter(not_itself);
        objects.map(|of| ProofOfExistence { of, at, by }).collect()
    }
}

/// §5.6.2.3.1: a digest proves what it is of as long as nobody can find another.
fn is_reliable(reference: &CertificateReference, material: &Material<'_>) -> bool {
    let reference = Reference {
        name: String::new(),
        algorithm: reference.algorithm,
        expected: reference.digest.clone(),
        actual: None,
    };
    !reference_finding(&reference, material.now, material.policy)
        .is_some_and(|finding: Finding| finding.is_negative())
}

fn certificate_of(reference: &CertificateReference, material: &Material<'_>) -> Option<ObjectId> {
    let is_named = |one: &&Certificate| match reference.algorithm {
        DigestAlgorithm::Sha256 => one.fingerprint()[..] == reference.digest[..],
        other => digest(other, one.bytes())[..] == reference.digest[..],
    };
    let found = material.certificates.iter().find(is_named)?;
    Some(ObjectId(found.fingerprint()))
}
