//! All of a list but its entries (RFC 5280 §5.1, §5.2), readable from the two parts around them.

use super::scope::IssuingDistributionPoint;
use crate::engine::crypto::{PublicKey, SignatureAlgorithm, SignatureInput};
use crate::engine::error::{Error, Result};
use crate::engine::pki::Name;
use crate::engine::pki::extension::{
    AuthorityKeyIdentifier, DistributionPoint, Extension, authority_key_identifier,
    distribution_points, read_extensions,
};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};
use crate::engine::time::Time;
use std::ops::Range;

/// `CRLNumber` (RFC 5280 §5.2.3): a magnitude without leading zeros, of any length; compared as numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CrlNumber(Vec<u8>);

impl CrlNumber {
    /// From a magnitude, big-endian.
    pub fn new(magnitude: &[u8]) -> CrlNumber {
        let skip = magnitude.iter().take_while(|b| **b == 0).count();
        CrlNumber(magnitude[skip..].to_vec())
    }

    /// Its magnitude, big-endian, without leading zeros.
    pub fn magnitude(&self) -> &[u8] {
        &self.0
    }

    fn from_value(value: &[u8]) -> Result<CrlNumber> {
        let number = Tlv::whole(Reader::ber(value), "cRLNumber")?;
        Ok(CrlNumber::new(number.unsigned()?))
    }
}

impl Ord for CrlNumber {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for CrlNumber {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Critical extensions of a list that are processed here.
const KNOWN: &[Oid] = &[
    names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    names::ID_CE_CRL_NUMBER,
    names::ID_CE_DELTA_CRL_INDICATOR,
    names::ID_CE_ISSUING_DISTRIBUTION_POINT,
    names::ID_CE_FRESHEST_CRL,
    names::ID_CE_EXPIRED_CERTS_ON_CRL,
];

/// All of a list but its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHeader {
    version: u8,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    extensions: Vec<Extension>,
    number: Option<CrlNumber>,
    base_number: Option<CrlNumber>,
    scope: Option<IssuingDistributionPoint>,
    authority_key_identifier: AuthorityKeyIdentifier,
    freshest: Vec<DistributionPoint>,
    expired_kept_since: Option<Time>,
    signature_algorithm: Result<SignatureAlgorithm>,
    signature: Vec<u8>,
}

impl ListHeader {
    /// From the bytes before the `revokedCertificates` element, from the first of the list, and those after it, to the
    /// last ([`ListLayout`] says where they are). The list is of definite lengths.
    pub fn from_parts(before: &[u8], after: &[u8]) -> Result<ListHeader> {
        let mut fields = Reader::ber(before);
        let whole = opened(&mut fields, "CertificateList")?;
        let tbs = opened(&mut fields, "tbsCertList")?;
        let left_out = whole
            .checked_sub(before.len())
            .and_then(|rest| rest.checked_sub(after.len()));
        let inside = left_out.and_then(|left_out| {
            let inside = tbs.checked_sub(before.len())?.checked_sub(left_out)?;
            (inside <= after.len()).then_some(inside)
        });
        let Some(inside) = inside else {
            return Err(Error::malformed(
                "CertificateList",
                "its parts are not as long as it says",
            ));
        };
        let (inside, outside) = after.split_at(inside);
        let mut before = Before::read(&mut fields)?;
        fields.finish("tbsCertList")?;
        let mut inside = Reader::ber(inside);
        before.extensions(&mut inside)?;
        before.signed(&mut Reader::ber(outside))
    }

    /// Version of the list: 1 or 2.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// Who issued it.
    pub fn issuer(&self) -> &Name {
        &self.issuer
    }

    /// When it was issued.
    pub fn this_update(&self) -> Time {
        self.this_update
    }

    /// When the next one is issued at the latest.
    pub fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// The extensions of the list.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// Its number (§5.2.3).
    pub fn number(&self) -> Option<&CrlNumber> {
        self.number.as_ref()
    }

    /// The number of the complete list that it lists changes to, where it is a delta (§5.2.4).
    pub fn base_number(&self) -> Option<&CrlNumber> {
        self.base_number.as_ref()
    }

    /// Whether it lists only changes to another (§5.2.4).
    pub fn is_delta(&self) -> bool {
        self.base_number.is_some()
    }

    /// The scope that the list says it has (§5.2.5).
    pub fn scope(&self) -> Option<&IssuingDistributionPoint> {
        self.scope.as_ref()
    }

    /// Whether it may list certificates of other issuers (§5.2.5).
    pub fn is_indirect(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| scope.indirect)
    }

    /// Which of the issuer's keys signed it (§5.2.1).
    pub fn authority_key_identifier(&self) -> &AuthorityKeyIdentifier {
        &self.authority_key_identifier
    }

    /// Where deltas to it are (§5.2.6).
    pub fn freshest(&self) -> &[DistributionPoint] {
        &self.freshest
    }

    /// `expiredCertsOnCRL` (ITU-T X.509 §9.5.2.9, unchecked): certificates that expired since then stay listed.
    pub fn expired_kept_since(&self) -> Option<Time> {
        self.expired_kept_since
    }

    /// A critical extension of the list that is not known here: it says nothing about anyone then (§5.2).
    pub fn unknown_critical(&self) -> Option<Oid> {
        let unknown = |e: &&Extension| e.critical && !KNOWN.contains(&e.id);
        self.extensions.iter().find(unknown).map(|e| e.id)
    }

    /// The algorithm of the issuer's signature.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm> {
        self.signature_algorithm.clone()
    }

    /// Whether `key` made the signature, `signed` being `tbsCertList` or its digest by the signature's algorithm.
    pub fn is_signed_by(&self, key: &PublicKey, signed: SignatureInput<'_>) -> bool {
        self.signature_algorithm
            .as_ref()
            .is_ok_and(|algorithm| key.verify(*algorithm, signed, &self.signature))
    }

    fn read_extension(&mut self, extension: &Extension) -> Result<()> {
        let value = extension.value.as_slice();
        match extension.id {
            names::ID_CE_CRL_NUMBER => self.number = Some(CrlNumber::from_value(value)?),
            names::ID_CE_DELTA_CRL_INDICATOR => {
                self.base_number = Some(CrlNumber::from_value(value)?);
            }
            names::ID_CE_ISSUING_DISTRIBUTION_POINT => {
                self.scope = Some(IssuingDistributionPoint::from_value(value)?);
            }
            names::ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = authority_key_identifier(value)?;
            }
            names::ID_CE_FRESHEST_CRL => self.freshest = distribution_points(value)?,
            names::ID_CE_EXPIRED_CERTS_ON_CRL => {
                let since = Tlv::whole(Reader::ber(value), "expiredCertsOnCRL")?;
                self.expired_kept_since = Some(since.time()?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Steps into a SEQUENCE whose end may be left out; answers where its content ends.
fn opened(fields: &mut Reader<'_>, what: &'static str) -> Result<usize> {
    let length = fields.open(Tag::SEQUENCE, what)?;
    let end = length.and_then(|length| length.checked_add(fields.position()));
    end.ok_or_else(|| Error::unsupported(what, "is of indefinite length"))
}

/// A header of which the fields before the entries are read.
pub(super) struct Before {
    header: ListHeader,
    algorithm: Vec<u8>,
}

impl Before {
    /// `version` to `nextUpdate`.
    pub(super) fn read(tbs: &mut Reader<'_>) -> Result<Before> {
        let version = match tbs.optional(Tag::INTEGER, "version")? {
            None => 1,
            Some(version) if version.u64()? == 1 => 2,
            Some(_) => return Err(Error::malformed("version", "is not that of any list")),
        };
        let algorithm = tbs.expect(Tag::SEQUENCE, "signature")?.content().to_vec();
        let issuer = Name::from_element(&tbs.expect(Tag::SEQUENCE, "issuer")?)?;
        let this_update = tbs.read("thisUpdate")?.time()?;
        // RFC 5280 §5.1.2.4: dates are of 1950 on.
        if this_update.unix() < -631_152_000 {
            return Err(Error::malformed("thisUpdate", "is before 1950"));
        }
        let next_update = match tbs.peek() {
            Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME) => Some(tbs.read("nextUpdate")?.time()?),
            _ => None,
        };
        Ok(Before {
            header: ListHeader {
                version,
                issuer,
                this_update,
                next_update,
                extensions: Vec::new(),
                number: None,
                base_number: None,
                scope: None,
                authority_key_identifier: AuthorityKeyIdentifier::default(),
                freshest: Vec::new(),
                expired_kept_since: None,
                signature_algorithm: Err(Error::malformed("signatureAlgorithm", "missing")),
                signature: Vec::new(),
            },
            algorithm,
        })
    }

    /// `crlExtensions`, the end of `tbsCertList`. A malformed one that is known here makes the list unreadable: it may
    /// say that the list is not what it seems.
    pub(super) fn extensions(&mut self, tbs: &mut Reader<'_>) -> Result<()> {
        if let Some(field) = tbs.optional(Tag::context(0), "crlExtensions")? {
            if self.header.version == 1 {
                return Err(Error::malformed(
                    "crlExtensions",
                    "stand in a list of version 1",
                ));
            }
            let mut field = field.inner_of("crlExtensions")?;
            let extensions = read_extensions(field.sequence("crlExtensions")?)?;
            field.finish("crlExtensions")?;
            for extension in &extensions {
                self.header.read_extension(extension)?;
            }
            self.header.extensions = extensions;
        }
        tbs.finish("tbsCertList")
    }

    /// `signatureAlgorithm` and `signatureValue`.
    pub(super) fn signed(mut self, outer: &mut Reader<'_>) -> Result<ListHeader> {
        let algorithm = outer.expect(Tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer.expect(Tag::BIT_STRING, "signatureValue")?;
        self.header.signature = signature.signature_bits()?.to_vec();
        outer.finish("CertificateList")?;
        self.header.signature_algorithm = if self.algorithm == algorithm.content() {
            SignatureAlgorithm::from_identifier(&algorithm)
        } else {
            Err(Error::malformed(
                "signatureAlgorithm",
                "differs from the one inside tbsCertList",
            ))
        };
        Ok(self.header)
    }
}

/// Where the parts of a list are in its bytes, told by the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListLayout {
    /// `tbsCertList`: what is signed.
    pub tbs: Range<usize>,
    /// Where the part before the entries ends; it begins at 0.
    pub before: usize,
    /// The content of `revokedCertificates`; empty where there is none. The part after it begins at its end.
    pub entries: Range<usize>,
    /// How long the list is.
    pub length: usize,
}

impl ListLayout {
    /// From the first bytes of a list: as many as it has before the entries, and the length of the entries. Refuses lists
    /// of indefinite length, which have to be read whole.
    pub fn from_first(first: &[u8]) -> Result<ListLayout> {
        let mut fields = Reader::ber(first);
        let length = opened(&mut fields, "CertificateList")?;
        let start = fields.position();
        let end = opened(&mut fields, "tbsCertList")?;
        Before::read(&mut fields)?;
        let before = fields.position();
        let entries = if before < end && fields.peek() == Some(Tag::SEQUENCE) {
            let end = opened(&mut fields, "revokedCertificates")?;
            fields.position()..end
        } else {
            before..before
        };
        if entries.end > end || end > length {
            return Err(Error::malformed(
                "CertificateList",
                "a part of it is longer than the whole",
            ));
        }
        Ok(ListLayout {
            tbs: start..end,
            before,
            entries,
            length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        let number = |magnitude: &[u8]| CrlNumber::new(magnitude);
        assert_eq!(number(&[0, 0, 7]), number(&[7]));
        assert!(number(&[1, 0]) > number(&[255]));
        assert!(number(&[0; 3]) < number(&[1]));
        assert!(number(&[9; 20]) < number(&[1; 21]));
        assert!(CrlNumber::from_value(&[2, 1, 0x80]).is_err());
    }
}
