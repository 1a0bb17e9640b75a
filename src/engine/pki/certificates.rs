//! A collection of certificates, each once, found by fingerprint and by subject.
//!
//! Subjects are indexed when there are many, so that a document stuffed with certificates costs its reading and no more.

use super::certificate::Certificate;
use super::name::{Comparable, Name};
use std::collections::HashMap;
use std::sync::OnceLock;

/// Up to so many, comparing their names one by one is cheaper than an index.
const FEW: usize = 16;

/// Certificates, in the order in which they came.
#[derive(Debug, Default)]
pub struct Certificates {
    all: Vec<Certificate>,
    by_fingerprint: HashMap<[u8; 32], usize>,
    by_subject: OnceLock<HashMap<Comparable, Vec<usize>>>,
}

impl Certificates {
    /// Adds `certificate`, once.
    pub fn add(&mut self, certificate: Certificate) {
        let next = self.all.len();
        let index = *self
            .by_fingerprint
            .entry(certificate.fingerprint())
            .or_insert(next);
        if index == next {
            self.all.push(certificate);
            self.by_subject.take();
        }
    }

    /// By the SHA-256 of its bytes.
    pub fn get(&self, fingerprint: &[u8; 32]) -> Option<&Certificate> {
        self.all.get(*self.by_fingerprint.get(fingerprint)?)
    }

    /// Those whose subject is `name`.
    pub fn named(&self, name: &Name) -> Vec<&Certificate> {
        if self.all.len() <= FEW {
            return self.all.iter().filter(|c| c.subject() == name).collect();
        }
        let index = self.by_subject.get_or_init(|| {
            let mut index: HashMap<Comparable, Vec<usize>> = HashMap::new();
            for (at, certificate) in self.all.iter().enumerate() {
                let subject = certificate.subject().comparable().clone();
                index.entry(subject).or_default().push(at);
            }
            index
        });
        let found = index.get(name.comparable());
        let found = found.into_iter().flatten();
        found.filter_map(|at| self.all.get(*at)).collect()
    }

    /// All of them, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }
}

impl FromIterator<Certificate> for Certificates {
    fn from_iter<I: IntoIterator<Item = Certificate>>(certificates: I) -> Certificates {
        let mut all = Certificates::default();
        for certificate in certificates {
            all.add(certificate);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_finds_what_comparing_finds() {
        let folder = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
        let read = |name: &str| {
            let file = std::fs::read(format!("{folder}/{name}.pem")).unwrap();
            Certificate::from_pem_or_der(&file).unwrap().remove(0)
        };
        let few: Certificates = ["root", "ca", "seal", "seal"]
            .map(read)
            .into_iter()
            .collect();
        assert_eq!(few.len(), 3);
        let seal = read("seal");
        let found: Vec<_> = few.named(seal.issuer()).into_iter().cloned().collect();
        assert_eq!(found, [read("ca")]);
        let mut many = few;
        for name in [
            "citizen",
            "employee",
            "expired",
            "future",
            "ocsp",
            "revoked",
            "seal-p256",
            "tsa",
            "website",
        ] {
            many.add(read(name));
        }
        // What is not distinct by name is made so many that the index is used.
        many.all.extend((0..FEW).map(|_| read("website")));
        let indexed: Vec<_> = many.named(seal.issuer()).into_iter().cloned().collect();
        assert_eq!(indexed, found);
        assert!(many.named(read("website").subject()).len() > FEW);
    }
}
