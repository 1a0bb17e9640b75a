//! Trust anchors: where a path may end (RFC 5280 §6.1.1(d)).
//!
//! An anchor is a certificate, of which only name and key count: its dates and extensions are not checked. Trusted
//! lists, which say from when to when and for what a service is trusted, come to the same types.

use super::certificate::Certificate;
use super::name::Name;
use crate::engine::error::Result;
use std::collections::HashMap;
use std::sync::Arc;

/// A set of trust anchors, read once and shared. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    certificates: Vec<Certificate>,
    by_fingerprint: HashMap<[u8; 32], usize>,
}

impl Anchors {
    /// From certificates; each once, in the order given.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Anchors {
        let mut inner = Inner::default();
        for certificate in certificates {
            let next = inner.certificates.len();
            let index = *inner
                .by_fingerprint
                .entry(certificate.fingerprint())
                .or_insert(next);
            if index == next {
                inner.certificates.push(certificate);
            }
        }
        Anchors(Arc::new(inner))
    }

    /// From files of PEM or DER.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Result<Anchors> {
        let mut all = Vec::new();
        for file in files {
            all.extend(Certificate::from_pem_or_der(file)?);
        }
        Ok(Anchors::new(all))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.0.certificates.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.certificates.len()
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.certificates.is_empty()
    }

    /// Whether `certificate` is itself an anchor.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.0
            .by_fingerprint
            .contains_key(&certificate.fingerprint())
    }

    /// By the SHA-256 of its bytes.
    pub fn by_fingerprint(&self, fingerprint: &[u8; 32]) -> Option<&Certificate> {
        let index = self.0.by_fingerprint.get(fingerprint)?;
        self.0.certificates.get(*index)
    }

    /// Those of this name.
    pub fn named<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a Certificate> {
        self.iter().filter(move |anchor| anchor.subject() == name)
    }
}
