//! Reads `SignedData` from BER, in a `ContentInfo` or bare, without touching what was signed.

use super::attribute::Attributes;
use crate::engine::crypto::{DigestAlgorithm, Hasher, SignatureAlgorithm};
use crate::engine::error::{Error, Result};
use crate::engine::pki::certificate::Certificate;
use crate::engine::pki::name::Name;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use std::ops::Range;
use std::sync::Arc;

/// Elements nested deeper than this inside signed attributes are not re-encoded.
const ATTRIBUTE_DEPTH: u32 = 24;

/// `SignerIdentifier` (RFC 5652 §5.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignerIdentifier {
    /// By issuer and serial number (content octets).
    IssuerAndSerial(Name, Vec<u8>),
    /// By subject key identifier.
    KeyIdentifier(Vec<u8>),
}

impl SignerIdentifier {
    /// Whether it is `certificate` that it names.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            SignerIdentifier::IssuerAndSerial(issuer, serial) => {
                certificate.serial() == serial.as_slice() && certificate.issuer() == issuer
            }
            SignerIdentifier::KeyIdentifier(key) => {
                certificate.subject_key_identifier() == Some(key.as_slice())
            }
        }
    }
}

/// `SignerInfo` (RFC 5652 §5.3).
#[derive(Debug, Clone)]
pub struct SignerInfo {
    /// As received.
    pub bytes: Vec<u8>,
    /// `CMSVersion`: 1 by issuer and serial number, 3 by key identifier.
    pub version: u8,
    /// Who signed.
    pub sid: SignerIdentifier,
    /// The digest of the content; an error where the algorithm is not known.
    pub digest_algorithm: Result<DigestAlgorithm>,
    /// The signature algorithm; an error where it is not known.
    pub signature_algorithm: Result<SignatureAlgorithm>,
    /// The value of the signature.
    pub signature: Vec<u8>,
    /// `signedAttrs`, where present.
    pub signed_attributes: Option<Attributes>,
    /// `unsignedAttrs`; empty where absent.
    pub unsigned_attributes: Attributes,
    signed_attributes_element: Vec<u8>,
}

impl SignerInfo {
    /// From a `SignerInfo` by itself, as a counter-signature is one (RFC 5652 §11.4).
    pub fn from_ber(bytes: &[u8]) -> Result<SignerInfo> {
        signer_info(&Tlv::whole(Reader::ber(bytes), "SignerInfo")?)
    }

    /// Its fields as received, from `version` on; unsigned attributes last, where there are any.
    pub fn fields(&self) -> Result<Vec<Tlv<'_>>> {
        let mut fields = Reader::ber(&self.bytes).whole_sequence("SignerInfo")?;
        let mut all = Vec::new();
        while let Some(field) = fields.next_element()? {
            all.push(field);
        }
        Ok(all)
    }

    /// What the signature value is over: the DER of the signed attributes with the tag of a SET OF (RFC 5652 §5.4: "a
    /// separate encoding of the signedAttrs field is performed … DER encoding"). A signer that signed another encoding
    /// than that, as one does that leaves the attributes out of order, made a value that does not verify.
    ///
    /// None without signed attributes, or where they cannot be encoded.
    pub fn signed_attributes_der(&self) -> Option<Vec<u8>> {
        let mut received = self.signed_attributes_element.clone();
        *received.first_mut()? = 0x31;
        let element = Tlv::whole(Reader::ber(&received), "signedAttrs").ok()?;
        der::from_ber(&element, ATTRIBUTE_DEPTH).ok()
    }
}

/// `SignedData` (RFC 5652 §5.1).
#[derive(Debug, Clone)]
pub struct SignedData {
    bytes: Arc<[u8]>,
    version: u8,
    digest_algorithms: Vec<DigestAlgorithm>,
    content_type: Oid,
    content: Option<Vec<Range<usize>>>,
    encapsulated: Range<usize>,
    certificate_set: Option<Range<usize>>,
    revocation_set: Option<Range<usize>>,
    certificates: Vec<Certificate>,
    unreadable_certificates: usize,
    crls: Vec<Vec<u8>>,
    ocsp_responses: Vec<Vec<u8>>,
    signer_infos: Vec<SignerInfo>,
}

impl SignedData {
    /// From a `ContentInfo` of type signedData, or a bare `SignedData`; trailing bytes are an error.
    pub fn from_ber(bytes: &[u8]) -> Result<SignedData> {
        let (data, consumed) = SignedData::from_ber_prefix(bytes)?;
        if consumed == bytes.len() {
            Ok(data)
        } else {
            Err(Error::malformed("CMS", "has bytes after its end").at(consumed as u64))
        }
    }

    /// The same at the beginning of `bytes`; also how many bytes it took.
    pub fn from_ber_prefix(bytes: &[u8]) -> Result<(SignedData, usize)> {
        let mut reader = Reader::ber(bytes);
        let outer = reader.expect(Tag::SEQUENCE, "CMS ContentInfo")?;
        let consumed = reader.position();
        let mut fields = outer.inner_of("CMS ContentInfo")?;
        if fields.peek() != Some(Tag::OID) {
            return Ok((SignedData::read(outer.bytes(), fields)?, consumed));
        }
        let kind = fields.oid("contentType")?;
        if kind != names::ID_SIGNED_DATA {
            return Err(Error::unsupported(
                "CMS contentType",
                format!("is {kind}, not signedData"),
            ));
        }
        let mut wrapper = fields
            .expect(Tag::context(0), "content")?
            .inner_of("content")?;
        fields.finish("ContentInfo")?;
        let content = wrapper.sequence("SignedData")?;
        wrapper.finish("content")?;
        Ok((SignedData::read(outer.bytes(), content)?, consumed))
    }

    fn read(bytes: &[u8], mut fields: Reader<'_>) -> Result<SignedData> {
        let version = small_version(&fields.expect(Tag::INTEGER, "CMSVersion")?)?;
        let mut algorithms = fields.set("digestAlgorithms")?;
        let mut digest_algorithms = Vec::new();
        while !algorithms.is_empty() {
            let algorithm = algorithms.expect(Tag::SEQUENCE, "digestAlgorithm")?;
            digest_algorithms.extend(DigestAlgorithm::from_identifier(&algorithm));
        }
        let element = fields.expect(Tag::SEQUENCE, "encapContentInfo")?;
        let encapsulated_range = range_of(&element);
        let mut encapsulated = element.inner_of("encapContentInfo")?;
        let content_type = encapsulated.oid("eContentType")?;
        let content = match encapsulated.optional(Tag::context(0), "eContent")? {
            Some(wrapper) => Some(content_ranges(&wrapper)?),
            None => None,
        };
        let mut data = SignedData {
            bytes: bytes.into(),
            version,
            digest_algorithms,
            content_type,
            content,
            encapsulated: encapsulated_range,
            certificate_set: None,
            revocation_set: None,
            certificates: Vec::new(),
            unreadable_certificates: 0,
            crls: Vec::new(),
            ocsp_responses: Vec::new(),
            signer_infos: Vec::new(),
        };
        if let Some(set) = fields.optional(Tag::context(0), "certificates")? {
            data.certificate_set = Some(range_of(&set));
            data.read_certificates(set.inner_of("certificates")?)?;
        }
        if let Some(set) = fields.optional(Tag::context(1), "crls")? {
            data.revocation_set = Some(range_of(&set));
            data.read_revocation(set.inner_of("crls")?)?;
        }
        let mut signers = fields.set("signerInfos")?;
        while !signers.is_empty() {
            let signer = signers.expect(Tag::SEQUENCE, "SignerInfo")?;
            data.signer_infos.push(signer_info(&signer)?);
        }
        fields.finish("SignedData")?;
        Ok(data)
    }

    /// `CertificateSet`: what is no X.509 certificate, or one that cannot be read, is counted and passed over.
    fn read_certificates(&mut self, mut set: Reader<'_>) -> Result<()> {
        while let Some(choice) = set.next_element()? {
            match Certificate::from_der(choice.bytes()) {
                Ok(certificate) if choice.tag() == Tag::SEQUENCE => {
                    self.certificates.push(certificate)
                }
                _ => self.unreadable_certificates += 1,
            }
        }
        Ok(())
    }

    /// `RevocationInfoChoices`: CRLs, and OCSP responses as `other` (RFC 5940 §2).
    fn read_revocation(&mut self, mut set: Reader<'_>) -> Result<()> {
        while let Some(choice) = set.next_element()? {
            if choice.tag() == Tag::SEQUENCE {
                self.crls.push(choice.bytes().to_vec());
            } else if choice.tag() == Tag::context(1) {
                let mut other = choice.inner_of("OtherRevocationInfoFormat")?;
                other.oid("otherRevInfoFormat")?;
                self.ocsp_responses
                    .push(other.read("otherRevInfo")?.bytes().to_vec());
            }
        }
        Ok(())
    }

    /// As received, from the outermost tag on.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `CMSVersion`.
    pub fn version(&self) -> u8 {
        self.version
    }

    /// The algorithms of `digestAlgorithms`, as far as they are known.
    pub fn digest_algorithms(&self) -> &[DigestAlgorithm] {
        &self.digest_algorithms
    }

    /// `eContentType`.
    pub fn content_type(&self) -> &Oid {
        &self.content_type
    }

    /// Whether the content is inside.
    pub fn is_attached(&self) -> bool {
        self.content.is_some()
    }

    /// The attached content, its segments joined.
    pub fn content(&self) -> Option<Vec<u8>> {
        self.content.as_ref().map(|ranges| {
            ranges
                .iter()
                .flat_map(|r| &self.bytes[r.clone()])
                .copied()
                .collect()
        })
    }

    /// The digest of the attached content, without copying it.
    pub fn content_digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        let mut hasher = Hasher::new(algorithm);
        for range in self.content.as_ref()? {
            hasher.update(&self.bytes[range.clone()]);
        }
        Some(hasher.finish())
    }

    /// The X.509 certificates inside.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How many members of `certificates` could not be read.
    pub fn unreadable_certificates(&self) -> usize {
        self.unreadable_certificates
    }

    /// The CRLs inside, as received.
    pub fn crls(&self) -> &[Vec<u8>] {
        &self.crls
    }

    /// The OCSP responses inside, as received.
    pub fn ocsp_responses(&self) -> &[Vec<u8>] {
        &self.ocsp_responses
    }

    /// `encapContentInfo` as received.
    pub fn encapsulated(&self) -> &[u8] {
        &self.bytes[self.encapsulated.clone()]
    }

    /// `certificates` as received, with its tag.
    pub fn certificate_set(&self) -> Option<&[u8]> {
        self.certificate_set.clone().map(|r| &self.bytes[r])
    }

    /// `crls` as received, with its tag.
    pub fn revocation_set(&self) -> Option<&[u8]> {
        self.revocation_set.clone().map(|r| &self.bytes[r])
    }

    /// The signers.
    pub fn signer_infos(&self) -> &[SignerInfo] {
        &self.signer_infos
    }
}

/// Where the octets of `[0] EXPLICIT OCTET STRING` stand. PKCS #7 1.5 lets the content be any element: then its
/// content octets are what is signed (RFC 5652 §5.2.1).
pub(super) fn content_ranges(wrapper: &Tlv<'_>) -> Result<Vec<Range<usize>>> {
    let element = wrapper.inner_of("eContent")?.read("eContent")?;
    if !element.is_octet_string() || !element.constructed() {
        let start = element.content_offset();
        return Ok(std::iter::once(start..start + element.content().len()).collect());
    }
    let base = element.content_offset();
    let segments = element.octet_segments()?;
    let position = |segment: &[u8]| {
        base + (segment.as_ptr() as usize).saturating_sub(element.content().as_ptr() as usize)
    };
    Ok(segments
        .iter()
        .map(|s| position(s)..position(s) + s.len())
        .collect())
}

fn range_of(element: &Tlv<'_>) -> Range<usize> {
    element.offset()..element.offset() + element.bytes().len()
}

/// `CMSVersion ::= INTEGER { v0(0), v1(1), v2(2), v3(3), v4(4), v5(5) }`.
fn small_version(element: &Tlv<'_>) -> Result<u8> {
    match element.integer()? {
        [version @ 0..=5] => Ok(*version),
        _ => Err(Error::malformed("CMSVersion", "is none of 0 to 5")),
    }
}

fn signer_info(element: &Tlv<'_>) -> Result<SignerInfo> {
    let mut fields = element.inner_of("SignerInfo")?;
    let version = small_version(&fields.expect(Tag::INTEGER, "SignerInfo.version")?)?;
    let sid = fields.read("sid")?;
    let sid = if sid.tag() == Tag::context(0) {
        SignerIdentifier::KeyIdentifier(sid.octets()?.into_owned())
    } else if sid.tag() != Tag::SEQUENCE {
        return Err(Error::malformed("sid", "is no SignerIdentifier"));
    } else {
        let mut pair = sid.inner_of("issuerAndSerialNumber")?;
        let issuer = Name::from_element(&pair.expect(Tag::SEQUENCE, "issuer")?)?;
        SignerIdentifier::IssuerAndSerial(
            issuer,
            pair.expect(Tag::INTEGER, "serialNumber")?
                .integer()?
                .to_vec(),
        )
    };
    let digest_algorithm =
        DigestAlgorithm::from_identifier(&fields.expect(Tag::SEQUENCE, "digestAlgorithm")?);
    let signed = fields.optional(Tag::context(0), "signedAttrs")?;
    let algorithm = fields.expect(Tag::SEQUENCE, "signatureAlgorithm")?;
    let signature_algorithm = match &digest_algorithm {
        Ok(digest) => SignatureAlgorithm::from_signer_info(&algorithm, *digest),
        Err(error) => Err(error.clone()),
    };
    let signature = fields
        .expect(Tag::OCTET_STRING, "signature")?
        .octets()?
        .into_owned();
    let unsigned = fields.optional(Tag::context(1), "unsignedAttrs")?;
    fields.finish("SignerInfo")?;
    Ok(SignerInfo {
        bytes: element.bytes().to_vec(),
        version,
        sid,
        digest_algorithm,
        signature_algorithm,
        signature,
        signed_attributes: signed
            .map(|s| Attributes::read(s.inner_of("signedAttrs")?))
            .transpose()?,
        unsigned_attributes: unsigned
            .map(|u| Attributes::read(u.inner_of("unsignedAttrs")?))
            .transpose()?
            .unwrap_or_default(),
        signed_attributes_element: signed.map(|s| s.bytes().to_vec()).unwrap_or_default(),
    })
}
