//! A list held as its bytes, its entries looked up by a walk over them.

use super::entry::{Entries, RevokedEntry, same_serial};
use super::header::{Before, ListHeader};
use super::{IssuingDistributionPoint, RevocationList};
use crate::engine::crypto::{PublicKey, SignatureAlgorithm, SignatureInput, sha256};
use crate::engine::error::Result;
use crate::engine::pki::Name;
use crate::engine::pki::extension::{AuthorityKeyIdentifier, Extension};
use crate::engine::syntax::asn1::{Reader, Tag};
use crate::engine::time::Time;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A certificate revocation list. Cloning it is cheap.
#[derive(Clone)]
pub struct CertificateList(Arc<Inner>);

struct Inner {
    bytes: Vec<u8>,
    tbs: Range<usize>,
    entries: Range<usize>,
    header: ListHeader,
    id: OnceLock<[u8; 32]>,
    readable: OnceLock<Result<()>>,
}

impl CertificateList {
    /// From DER or BER; the entries are not looked at yet.
    pub fn from_der(bytes: &[u8]) -> Result<CertificateList> {
        let mut outer = Reader::ber(bytes).whole_sequence("CertificateList")?;
        let tbs_element = outer.expect(Tag::SEQUENCE, "tbsCertList")?;
        let mut tbs = tbs_element.inner();
        let mut header = Before::read(&mut tbs)?;
        let entries = match tbs.optional(Tag::SEQUENCE, "revokedCertificates")? {
            Some(list) => {
                let start = list.content_offset();
                start..start + list.content().len()
            }
            None => 0..0,
        };
        header.extensions(&mut tbs)?;
        let header = header.signed(&mut outer)?;
        let start = tbs_element.offset();
        Ok(CertificateList(Arc::new(Inner {
            bytes: bytes.to_vec(),
            tbs: start..start + tbs_element.bytes().len(),
            entries,
            header,
            id: OnceLock::new(),
            readable: OnceLock::new(),
        })))
    }

    /// From DER, or from the first `X509 CRL` block of a PEM text.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<CertificateList> {
        if bytes.first() == Some(&0x30) {
            return CertificateList::from_der(bytes);
        }
        let blocks = crate::engine::syntax::pem::blocks(bytes, "X509 CRL")?;
        CertificateList::from_der(&blocks[0])
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        self.0.header.issuer()
    }

    /// When it was issued.
    pub fn this_update(&self) -> Time {
        self.0.header.this_update()
    }

    /// When the next one is issued at the latest.
    pub fn next_update(&self) -> Option<Time> {
        self.0.header.next_update()
    }

    /// The extensions of the list.
    pub fn extensions(&self) -> &[Extension] {
        self.0.header.extensions()
    }

    /// The scope that the list says it has.
    pub fn issuing_distribution_point(&self) -> Option<&IssuingDistributionPoint> {
        self.0.header.scope()
    }

    /// Which of the issuer's keys signed it.
    pub fn authority_key_identifier(&self) -> &AuthorityKeyIdentifier {
        self.0.header.authority_key_identifier()
    }

    /// Whether it only lists changes to another (RFC 5280 §5.2.4).
    pub fn is_delta(&self) -> bool {
        self.0.header.is_delta()
    }

    /// The algorithm of the issuer's signature.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm> {
        self.0.header.signature_algorithm()
    }

    /// Its entries in order.
    pub fn entries(&self) -> Entries<'_> {
        let content = &self.0.bytes[self.0.entries.clone()];
        Entries::new(content, self.0.header.version())
    }

    /// Whether every entry can be read and has no critical extension that is not known here; walked for once.
    fn readable(&self) -> Result<()> {
        let walk = || {
            let mut entries = self.entries();
            while let Some(entry) = entries.next_entry()? {
                if entry.has_extensions() {
                    entry.read()?;
                } else {
                    entry.revocation_date()?;
                }
            }
            Ok(())
        };
        self.0.readable.get_or_init(walk).clone()
    }
}

impl RevocationList for CertificateList {
    fn header(&self) -> &ListHeader {
        &self.0.header
    }

    fn id(&self) -> [u8; 32] {
        *self.0.id.get_or_init(|| sha256(&self.0.bytes))
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        let input = SignatureInput::Message(&self.0.bytes[self.0.tbs.clone()]);
        self.0.header.is_signed_by(key, input)
    }

    fn entry(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<RevokedEntry>> {
        self.readable()?;
        let indirect = self.0.header.is_indirect();
        let mut of_issuer = self.0.header.issuer() == certificate_issuer;
        let mut found = None;
        let mut entries = self.entries();
        while let Some(listed) = entries.next_entry()? {
            let is_it = same_serial(listed.serial, serial);
            if !(is_it || indirect && listed.has_extensions()) {
                continue;
            }
            let entry = listed.read()?;
            let own = match entry.certificate_issuer.is_empty() {
                true => of_issuer,
                false => entry.names_issuer(certificate_issuer),
            };
            if indirect {
                of_issuer = own;
            }
            if is_it && own {
                found = Some(entry);
            }
        }
        Ok(found)
    }
}

impl fmt::Debug for CertificateList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "CertificateList({}, {})",
            self.issuer(),
            self.this_update()
        )
    }
}
