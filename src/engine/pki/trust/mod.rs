//! Trust anchors: where a path may end (RFC 5280 §6.1.1(d)).
//!
//! An anchor is a certificate, of which only name and key count: its dates and extensions are not checked. Trusted
//! lists, which say from when to when and for what a service is trusted, come to the same types.

use super::{Certificate, Certificates, Name};
use crate::engine::error::Result;
use std::sync::Arc;

/// A set of trust anchors, read once and shared. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Arc<Certificates>);

impl Anchors {
    /// From certificates; each once, in the order given.
    pub fn new(certificates: impl IntoIterator<Item = Certificate>) -> Anchors {
        Anchors(Arc::new(certificates.into_iter().collect()))
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
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `certificate` is itself an anchor.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.0.get(&certificate.fingerprint()).is_some()
    }

    /// By the SHA-256 of its bytes.
    pub fn by_fingerprint(&self, fingerprint: &[u8; 32]) -> Option<&Certificate> {
        self.0.get(fingerprint)
    }

    /// Those of this name.
    pub fn named(&self, name: &Name) -> Vec<&Certificate> {
        self.0.named(name)
    }
}
