//! Certificate revocation lists (RFC 5280 §5), walked in place.
//!
//! The header is read once; entries are looked up by a walk over the bytes, without a copy, so that a list of a million
//! entries costs its reading. Whether a list applies to a certificate and is fresh is `revocation` and `validation`.

use super::extension::{Extension, GeneralName, distribution_point_name, read_extensions};
use super::name::Name;
use crate::engine::crypto::{PublicKey, SignatureAlgorithm, SignatureInput};
use crate::engine::error::Result;
use crate::engine::syntax::asn1::{Reader, Tag, Tlv, names};
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl RevocationReason {
    /// By its number; unknown numbers are unspecified.
    pub fn from_number(number: u64) -> Self {
        match number {
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => Self::Unspecified,
        }
    }

    /// Its number in `CRLReason`.
    pub fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedEntry {
    /// When the certificate was revoked.
    pub revocation_date: Time,
    /// Why, where the list says so.
    pub reason: Option<RevocationReason>,
    /// Whether the entry names another certificate issuer (indirect lists).
    pub certificate_issuer: Vec<GeneralName>,
    /// Whether it has a critical extension that is not known here.
    pub unknown_critical: bool,
}

/// `issuingDistributionPoint` (RFC 5280 §5.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct IssuingDistributionPoint {
    pub full_name: Vec<GeneralName>,
    pub only_user_certificates: bool,
    pub only_ca_certificates: bool,
    pub only_some_reasons: bool,
    pub indirect: bool,
    pub only_attribute_certificates: bool,
}

/// A certificate revocation list.
#[derive(Clone)]
pub struct CertificateList {
    bytes: Arc<[u8]>,
    tbs: Range<usize>,
    entries: Range<usize>,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    signature_algorithm: Result<SignatureAlgorithm>,
    signature: Vec<u8>,
    extensions: Vec<Extension>,
    issuing_distribution_point: Option<IssuingDistributionPoint>,
    authority_key_identifier: super::extension::AuthorityKeyIdentifier,
}

impl CertificateList {
    /// From DER or BER; the entries are not looked at yet.
    pub fn from_der(bytes: &[u8]) -> Result<CertificateList> {
        let mut outer = Reader::ber(bytes).whole_sequence("CertificateList")?;
        let tbs_element = outer.expect(Tag::SEQUENCE, "tbsCertList")?;
        let algorithm = outer.expect(Tag::SEQUENCE, "signatureAlgorithm")?;
        let signature = outer
            .expect(Tag::BIT_STRING, "signatureValue")?
            .signature_bits()?
            .to_vec();
        outer.finish("CertificateList")?;

        let mut tbs = tbs_element.inner();
        tbs.optional(Tag::INTEGER, "version")?;
        let inner_algorithm = tbs.expect(Tag::SEQUENCE, "signature")?;
        let signature_algorithm = if inner_algorithm.content() == algorithm.content() {
            SignatureAlgorithm::from_identifier(&algorithm)
        } else {
            Err(crate::engine::error::Error::malformed(
                "signatureAlgorithm",
                "differs from the one inside tbsCertList",
            ))
        };
        let issuer = Name::from_element(&tbs.expect(Tag::SEQUENCE, "issuer")?)?;
        let this_update = tbs.read("thisUpdate")?.time()?;
        let next_update = match tbs.peek() {
            Some(Tag::UTC_TIME | Tag::GENERALIZED_TIME) => Some(tbs.read("nextUpdate")?.time()?),
            _ => None,
        };
        let entries = match tbs.optional(Tag::SEQUENCE, "revokedCertificates")? {
            Some(list) => {
                let start = list.content_offset();
                start..start + list.content().len()
            }
            None => 0..0,
        };
        let mut extensions = Vec::new();
        if let Some(field) = tbs.optional(Tag::context(0), "crlExtensions")? {
            extensions =
                read_extensions(field.inner_of("crlExtensions")?.sequence("crlExtensions")?)?;
        }
        tbs.finish("tbsCertList")?;
        let find = |id| {
            extensions
                .iter()
                .find(|e| e.id == id)
                .map(|e| e.value.as_slice())
        };
        let issuing_distribution_point = find(names::ID_CE_ISSUING_DISTRIBUTION_POINT)
            .map(issuing_distribution_point)
            .transpose()?;
        let authority_key_identifier = find(names::ID_CE_AUTHORITY_KEY_IDENTIFIER)
            .map(super::extension::authority_key_identifier)
            .transpose()?
            .unwrap_or_default();
        let start = tbs_element.offset();
        Ok(CertificateList {
            bytes: bytes.into(),
            tbs: start..start + tbs_element.bytes().len(),
            entries,
            issuer,
            this_update,
            next_update,
            signature_algorithm,
            signature,
            issuing_distribution_point,
            authority_key_identifier,
            extensions,
        })
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
        &self.bytes
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

    /// The scope that the list says it has.
    pub fn issuing_distribution_point(&self) -> Option<&IssuingDistributionPoint> {
        self.issuing_distribution_point.as_ref()
    }

    /// Which of the issuer's keys signed it.
    pub fn authority_key_identifier(&self) -> &super::extension::AuthorityKeyIdentifier {
        &self.authority_key_identifier
    }

    /// Whether it only lists changes to another (RFC 5280 §5.2.4).
    pub fn is_delta(&self) -> bool {
        self.extensions
            .iter()
            .any(|e| e.id == names::ID_CE_DELTA_CRL_INDICATOR)
    }

    /// The algorithm of the issuer's signature.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm> {
        self.signature_algorithm.clone()
    }

    /// Whether `key` made the signature on this list.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let input = SignatureInput::Message(&self.bytes[self.tbs.clone()]);
        self.signature_algorithm
            .as_ref()
            .is_ok_and(|algorithm| key.verify(*algorithm, input, &self.signature))
    }

    /// Walks all entries and answers the last one for `serial` (content octets). A malformed entry anywhere is an
    /// error: a list that cannot be read whole says nothing about anyone.
    pub fn entry(&self, serial: &[u8]) -> Result<Option<RevokedEntry>> {
        let mut found = None;
        let mut entries = Reader::ber(&self.bytes[self.entries.clone()]);
        while !entries.is_empty() {
            let mut fields = entries.sequence("revokedCertificate")?;
            let listed = fields.expect(Tag::INTEGER, "userCertificate")?.integer()?;
            if listed == serial || trimmed(listed) == trimmed(serial) {
                found = Some(entry(fields)?);
            }
        }
        Ok(found)
    }
}

/// Without the zero bytes that BER lets stand before a number.
fn trimmed(integer: &[u8]) -> &[u8] {
    match integer {
        [0, rest @ ..] if !rest.is_empty() => trimmed(rest),
        other => other,
    }
}

fn entry(mut fields: Reader<'_>) -> Result<RevokedEntry> {
    let revocation_date = fields.read("revocationDate")?.time()?;
    let mut entry = RevokedEntry {
        revocation_date,
        reason: None,
        certificate_issuer: Vec::new(),
        unknown_critical: false,
    };
    if !fields.is_empty() {
        for extension in read_extensions(fields.sequence("crlEntryExtensions")?)? {
            // A malformed extension does not make the certificate any less revoked.
            if !entry.read_extension(&extension).unwrap_or(false) {
                entry.unknown_critical |= extension.critical;
            }
        }
    }
    Ok(entry)
}

impl RevokedEntry {
    /// Whether the extension is known here.
    fn read_extension(&mut self, extension: &Extension) -> Result<bool> {
        let value = Tlv::whole(Reader::ber(&extension.value), "crlEntryExtension")?;
        match extension.id {
            names::ID_CE_CRL_REASONS => {
                self.reason = Some(RevocationReason::from_number(value.u64()?))
            }
            names::ID_CE_CERTIFICATE_ISSUER => {
                self.certificate_issuer =
                    super::extension::general_names(value.inner_of("certificateIssuer")?)?;
            }
            names::ID_CE_INVALIDITY_DATE => {}
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn issuing_distribution_point(value: &[u8]) -> Result<IssuingDistributionPoint> {
    let mut point = IssuingDistributionPoint::default();
    let mut fields = Reader::ber(value).whole_sequence("issuingDistributionPoint")?;
    while let Some(field) = fields.next_element()? {
        match field.tag().context_number() {
            Some(0) => point.full_name = distribution_point_name(&field)?,
            Some(1) => point.only_user_certificates = field.boolean()?,
            Some(2) => point.only_ca_certificates = field.boolean()?,
            Some(3) => point.only_some_reasons = true,
            Some(4) => point.indirect = field.boolean()?,
            Some(5) => point.only_attribute_certificates = field.boolean()?,
            _ => {}
        }
    }
    Ok(point)
}

impl fmt::Debug for CertificateList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateList({}, {})", self.issuer, self.this_update)
    }
}
