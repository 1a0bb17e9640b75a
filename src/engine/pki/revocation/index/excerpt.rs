//! One answer of an index, as evidence: all of the list but its other entries.
//!
//! A list of megabytes does not belong in the evidence of every document that it was asked for. An excerpt holds what a
//! verdict needs of it. It proves nothing by itself: the index vouches for it where it was made, and whoever reads it from
//! elsewhere holds it against the list ([`Excerpt::agrees`]).

use super::form::{is_signed, read_entry};
use super::read::IndexedList;
use crate::engine::crypto::PublicKey;
use crate::engine::error::{Error, Result};
use crate::engine::pki::Name;
use crate::engine::pki::crl::{ListHeader, RevocationList, RevokedEntry, same_serial};
use crate::engine::syntax::asn1::{Reader, Tag, der};
use std::ops::Deref;

/// What one list says about one certificate.
#[derive(Debug, Clone, PartialEq)]
pub struct Excerpt {
    list: [u8; 32],
    header: ListHeader,
    before: Vec<u8>,
    after: Vec<u8>,
    spki: Vec<u8>,
    key: PublicKey,
    digest: Option<Vec<u8>>,
    issuer: Name,
    serial: Vec<u8>,
    entry: Option<(Vec<u8>, RevokedEntry)>,
}

impl Excerpt {
    /// What `index` says about the certificate with `serial` (content octets) that `certificate_issuer` issued.
    pub fn of<B: Deref<Target = [u8]> + Send + Sync>(
        index: &IndexedList<B>,
        certificate_issuer: &Name,
        serial: &[u8],
    ) -> Result<Excerpt> {
        let (before, after) = index.around();
        Ok(Excerpt {
            list: index.id(),
            header: index.header().clone(),
            before: before.to_vec(),
            after: after.to_vec(),
            spki: index.spki().to_vec(),
            key: PublicKey::from_spki(index.spki())?,
            digest: index.digest().map(<[u8]>::to_vec),
            issuer: certificate_issuer.clone(),
            serial: serial.to_vec(),
            entry: index.listed(certificate_issuer, serial)?,
        })
    }

    /// The SubjectPublicKeyInfo of the key under which the index found the signature to hold.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether it is about the certificate with `serial` that `certificate_issuer` issued.
    pub fn is_about(&self, certificate_issuer: &Name, serial: &[u8]) -> bool {
        same_serial(&self.serial, serial) && self.issuer == *certificate_issuer
    }

    fn said(&self) -> Option<&RevokedEntry> {
        self.entry.as_ref().map(|(_, entry)| entry)
    }

    /// Whether `list`, which was read whole, has the same SHA-256, signature and header, and says the same.
    pub fn agrees(&self, list: &impl RevocationList) -> bool {
        self.list == list.id()
            && self.header == *list.header()
            && list.is_signed_by(&self.key)
            && list
                .entry(&self.issuer, &self.serial)
                .is_ok_and(|entry| entry.as_ref() == self.said())
    }

    /// As DER: `SEQUENCE { version INTEGER, list, before, after, key, digest OCTET STRING, issuer Name, serial INTEGER,
    /// entry SEQUENCE OPTIONAL }`, the entry being a `revokedCertificates` element.
    pub fn to_der(&self) -> Vec<u8> {
        let digest = self.digest.as_deref().unwrap_or_default();
        let strings = [
            &self.list[..],
            &self.before,
            &self.after,
            &self.spki,
            digest,
        ];
        let mut parts = vec![der::integer(1)];
        parts.extend(strings.map(der::octet_string));
        parts.push(self.issuer.bytes().to_vec());
        parts.push(der::tlv(2, &self.serial));
        parts.extend(self.entry.iter().map(|(bytes, _)| bytes.clone()));
        der::sequence_of(&parts)
    }

    /// From DER. Whether it is true is another matter.
    pub fn from_der(bytes: &[u8]) -> Result<Excerpt> {
        let mut fields = Reader::der(bytes).whole_sequence("excerpt")?;
        if fields.expect(Tag::INTEGER, "version")?.u64()? != 1 {
            return Err(Error::unsupported(
                "excerpt",
                "is of a version that is not known here",
            ));
        }
        let mut string = |what| -> Result<Vec<u8>> {
            Ok(fields
                .expect(Tag::OCTET_STRING, what)?
                .octets()?
                .into_owned())
        };
        let list = string("list")?;
        let (before, after) = (string("before")?, string("after")?);
        let (spki, digest) = (string("key")?, string("digest")?);
        let header = ListHeader::from_parts(&before, &after)?;
        let issuer = Name::from_element(&fields.expect(Tag::SEQUENCE, "issuer")?)?;
        let serial = fields.expect(Tag::INTEGER, "serial")?.integer()?.to_vec();
        let entry = fields.optional(Tag::SEQUENCE, "entry")?;
        fields.finish("excerpt")?;
        let read = |entry: &[u8]| Ok((entry.to_vec(), read_entry(entry, header.version())?));
        Ok(Excerpt {
            entry: entry.map(|entry| read(entry.bytes())).transpose()?,
            list: list
                .try_into()
                .map_err(|_| Error::malformed("excerpt", "names no list"))?,
            key: PublicKey::from_spki(&spki)?,
            spki,
            header,
            before,
            after,
            digest: (!digest.is_empty()).then_some(digest),
            issuer,
            serial,
        })
    }
}

impl RevocationList for Excerpt {
    fn header(&self) -> &ListHeader {
        &self.header
    }

    fn id(&self) -> [u8; 32] {
        self.list
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        is_signed(&self.header, self.digest.as_deref(), &self.key, key)
    }

    fn entry(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<RevokedEntry>> {
        if self.is_about(certificate_issuer, serial) {
            return Ok(self.said().cloned());
        }
        Err(Error::not_found("excerpt", "is about another certificate"))
    }
}
