//! One list of the index: mapped, with where it came from.

use super::folder::Provenance;
use super::map::map;
use crate::engine::crypto::{PublicKey, sha256};
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Name;
use crate::engine::pki::crl::{ListHeader, RevocationList, RevokedEntry};
use crate::engine::pki::revocation::index::{Excerpt, IndexedList};
use crate::engine::syntax::asn1::names;
use crate::engine::{Error, Result, Time};
use memmap2::Mmap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};

/// What lists can stand in for each other: those of one key, one scope, and complete or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shelf {
    /// SHA-256 of the SubjectPublicKeyInfo of the key that signed.
    pub key: [u8; 32],
    /// SHA-256 of the value of `issuingDistributionPoint`; zeros where the list has none.
    pub scope: [u8; 32],
    /// Whether they list only changes.
    pub delta: bool,
}

/// A list that is open.
#[derive(Debug)]
pub struct Listed {
    index: IndexedList<Mmap>,
    shelf: Shelf,
    provenance: Provenance,
    corrupted: AtomicBool,
}

impl Listed {
    pub(super) fn open(file: &File, provenance: Provenance) -> Result<Listed> {
        let mapped =
            map(file).map_err(|error| super::folder::failed("mapping a file of it", &error))?;
        let index = IndexedList::open(mapped)?;
        if index.spki() != provenance.spki()? {
            return Err(Error::malformed("CRL index", "was verified by another key"));
        }
        let scope = index
            .header()
            .extensions()
            .iter()
            .find(|e| e.id == names::ID_CE_ISSUING_DISTRIBUTION_POINT);
        Ok(Listed {
            shelf: Shelf {
                key: index.key_id(),
                scope: scope.map_or([0; 32], |e| sha256(&e.value)),
                delta: index.header().is_delta(),
            },
            index,
            provenance,
            corrupted: AtomicBool::new(false),
        })
    }

    /// The SHA-256 of the list.
    pub fn object_id(&self) -> ObjectId {
        ObjectId(self.index.id())
    }

    /// Which lists it stands beside.
    pub fn shelf(&self) -> Shelf {
        self.shelf
    }

    /// Where it came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The index itself.
    pub fn index(&self) -> &IndexedList<Mmap> {
        &self.index
    }

    /// What it says of one certificate, for evidence.
    pub fn excerpt(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Excerpt> {
        self.noting(Excerpt::of(&self.index, certificate_issuer, serial))
    }

    /// Whether a lookup found that its file is not what was written.
    pub fn is_corrupted(&self) -> bool {
        self.corrupted.load(Ordering::Relaxed)
    }

    /// Bytes of the list and of its index.
    pub fn bytes(&self) -> u64 {
        self.index.list_bytes() + self.index.index_bytes() as u64
    }

    pub(super) fn distrust(&self) {
        self.corrupted.store(true, Ordering::Relaxed);
    }

    /// By which lists are ordered: time, then number.
    pub(super) fn order(&self) -> (Time, Vec<u8>) {
        let header = self.index.header();
        let number = header.number().map(|n| n.magnitude()).unwrap_or_default();
        // Numbers of different lengths compare by their length first.
        let length = (number.len() as u32).to_be_bytes();
        (header.this_update(), [&length[..], number].concat())
    }

    fn noting<T>(&self, answer: Result<T>) -> Result<T> {
        if answer
            .as_ref()
            .is_err_and(|error| error.element() == "CRL index")
        {
            self.corrupted.store(true, Ordering::Relaxed);
        }
        answer
    }
}

impl RevocationList for Listed {
    fn header(&self) -> &ListHeader {
        self.index.header()
    }

    fn id(&self) -> [u8; 32] {
        self.index.id()
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.index.is_signed_by(key)
    }

    fn entry(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<RevokedEntry>> {
        self.noting(self.index.entry(certificate_issuer, serial))
    }
}
