//! OCSP (RFC 6960): responses in, requests out.
//!
//! Whether the responder was entitled to answer, and whether the answer is fresh, is `revocation` and `validation`.

use super::certificate::Certificate;
use super::crl::RevocationReason;
use super::extension::{Extension, read_extensions};
use super::name::Name;
use crate::engine::crypto::{
    DigestAlgorithm, PublicKey, SignatureAlgorithm, SignatureInput, digest, sha256,
};
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use crate::engine::time::Time;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// `CertID` (RFC 6960 §4.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertId {
    /// The algorithm of the two hashes; none where it is not known here, and nothing can be held against them.
    pub digest: Option<DigestAlgorithm>,
    /// The hash of the issuer's name.
    pub issuer_name: Vec<u8>,
    /// The hash of the bits of the issuer's key.
    pub issuer_key: Vec<u8>,
    /// The content octets of the certificate's serial number.
    pub serial: Vec<u8>,
    /// `hashAlgorithm` as it stands.
    algorithm: Vec<u8>,
}

impl CertId {
    /// The identifier of `certificate`, issued by `issuer`.
    pub fn new(
        certificate: &Certificate,
        issuer: &Certificate,
        algorithm: DigestAlgorithm,
    ) -> Result<CertId> {
        Ok(CertId {
            digest: Some(algorithm),
            issuer_name: digest(algorithm, issuer.subject().bytes()),
            issuer_key: digest(algorithm, key_bits(issuer)?),
            serial: certificate.serial().to_vec(),
            // RFC 5019 §2.1.1 and most responders expect NULL parameters here.
            algorithm: der::algorithm_identifier(&algorithm.oid(), Some(&der::null())),
        })
    }

    /// Whether it is that of `certificate`, issued by `issuer`.
    pub fn matches(&self, certificate: &Certificate, issuer: &Certificate) -> bool {
        self.serial == certificate.serial() && self.is_issued_by(issuer)
    }

    /// Whether it is that of a certificate that `issuer` issued.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        self.digest.is_some_and(|algorithm| {
            self.issuer_name == digest(algorithm, issuer.subject().bytes())
                && key_bits(issuer).is_ok_and(|key| self.issuer_key == digest(algorithm, key))
        })
    }

    fn from_element(element: &Tlv<'_>) -> Result<CertId> {
        let mut fields = element.inner_of("CertID")?;
        let algorithm = fields.expect(Tag::SEQUENCE, "hashAlgorithm")?;
        Ok(CertId {
            digest: DigestAlgorithm::from_identifier(&algorithm).ok(),
            algorithm: algorithm.bytes().to_vec(),
            issuer_name: fields
                .expect(Tag::OCTET_STRING, "issuerNameHash")?
                .octets()?
                .into_owned(),
            issuer_key: fields
                .expect(Tag::OCTET_STRING, "issuerKeyHash")?
                .octets()?
                .into_owned(),
            serial: fields
                .expect(Tag::INTEGER, "serialNumber")?
                .integer()?
                .to_vec(),
        })
    }

    /// As DER.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&[
            &self.algorithm,
            &der::octet_string(&self.issuer_name),
            &der::octet_string(&self.issuer_key),
            &der::tlv(2, &self.serial),
        ])
    }
}

/// The bits of a certificate's public key, without tag, length and count of unused bits.
fn key_bits(certificate: &Certificate) -> Result<&[u8]> {
    let mut fields = Reader::ber(certificate.spki()).sequence("SubjectPublicKeyInfo")?;
    fields.read("algorithm")?;
    fields
        .expect(Tag::BIT_STRING, "subjectPublicKey")?
        .whole_bits()
}

/// `CertStatus` (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum CertStatus {
    Good,
    Revoked {
        time: Time,
        reason: Option<RevocationReason>,
    },
    Unknown,
}

/// `SingleResponse` (RFC 6960 §4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct SingleResponse {
    pub cert_id: CertId,
    pub status: CertStatus,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub extensions: Vec<Extension>,
}

impl SingleResponse {
    /// A critical extension that is not known here.
    pub fn unknown_critical(&self) -> Option<Oid> {
        let known = [
            names::ID_PKIX_OCSP_CRL,
            names::ID_PKIX_OCSP_ARCHIVE_CUTOFF,
            names::ID_CE_CRL_REASONS,
            names::ID_CE_INVALIDITY_DATE,
            names::CT_OCSP_SCT_LIST,
            names::ID_COMMONPKI_AT_CERT_HASH,
        ];
        unknown_critical(&self.extensions, &known)
    }

    fn extension(&self, id: Oid) -> Option<&[u8]> {
        let found = self.extensions.iter().find(|e| e.id == id);
        found.map(|e| e.value.as_slice())
    }

    /// `archiveCutoff` (RFC 6960 §4.4.4): certificates that expired since then are still answered for.
    pub fn archive_cutoff(&self) -> Option<Time> {
        let value = self.extension(names::ID_PKIX_OCSP_ARCHIVE_CUTOFF)?;
        Tlv::whole(Reader::ber(value), "archiveCutoff")
            .and_then(|element| element.time())
            .ok()
    }

    /// Whether the answer is about `certificate`, as far as it says: its hash, where a responder of the German and French
    /// schools gives one, must be that of the certificate. One that cannot be compared is that of another.
    pub fn is_about(&self, certificate: &Certificate) -> bool {
        let Some(value) = self.extension(names::ID_COMMONPKI_AT_CERT_HASH) else {
            return true;
        };
        let same = || {
            let mut fields = Reader::ber(value).whole_sequence("CertHash")?;
            let algorithm = fields.expect(Tag::SEQUENCE, "hashAlgorithm")?;
            let hash = fields
                .expect(Tag::OCTET_STRING, "certificateHash")?
                .octets()?;
            let algorithm = DigestAlgorithm::from_identifier(&algorithm)?;
            Ok::<_, Error>(*digest(algorithm, certificate.bytes()) == *hash)
        };
        same().unwrap_or(false)
    }

    /// `CrlID` (RFC 6960 §4.4.2): the address, number and time of the list that the answer rests on, as far as it says.
    pub fn crl_reference(&self) -> Option<CrlReference> {
        let value = self.extension(names::ID_PKIX_OCSP_CRL)?;
        let read = || {
            let mut reference = CrlReference::default();
            let mut fields = Reader::ber(value).whole_sequence("CrlID")?;
            while let Some(field) = fields.next_element()? {
                let inner = field.inner_of("CrlID")?.read("CrlID")?;
                match field.tag().context_number() {
                    Some(0) => reference.url = Some(inner.text()),
                    Some(1) => reference.number = Some(inner.unsigned()?.to_vec()),
                    Some(2) => reference.time = Some(inner.time()?),
                    _ => {}
                }
            }
            Ok::<_, Error>(reference)
        };
        read().ok()
    }
}

/// The list that an answer rests on: `CrlID` (RFC 6960 §4.4.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct CrlReference {
    pub url: Option<String>,
    /// The magnitude of its number.
    pub number: Option<Vec<u8>>,
    pub time: Option<Time>,
}

fn unknown_critical(extensions: &[Extension], known: &[Oid]) -> Option<Oid> {
    let unknown = |e: &&Extension| e.critical && !known.contains(&e.id);
    extensions.iter().find(unknown).map(|e| e.id)
}

/// `ResponderID` (RFC 6960 §4.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponderId {
    /// By the responder's name.
    Name(Name),
    /// By the SHA-1 of the responder's public key.
    KeyHash(Vec<u8>),
}

impl ResponderId {
    /// Whether it is `certificate` that it names.
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            ResponderId::Name(name) => name == certificate.subject(),
            ResponderId::KeyHash(hash) => {
                key_bits(certificate).is_ok_and(|key| digest(DigestAlgorithm::Sha1, key) == *hash)
            }
        }
    }
}

/// A successful response with a `BasicOCSPResponse`.
#[derive(Clone)]
pub struct OcspResponse {
    bytes: Arc<[u8]>,
    id: OnceLock<[u8; 32]>,
    response_data: Range<usize>,
    responder: ResponderId,
    produced_at: Time,
    responses: Vec<SingleResponse>,
    extensions: Vec<Extension>,
    signature_algorithm: Result<SignatureAlgorithm>,
    signature: Vec<u8>,
    certificates: Vec<Certificate>,
}

/// How the nonce of a response stands to that of the request (RFC 9654 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceMatch {
    /// It is that of the request.
    Same,
    /// There is none: a responder that signs beforehand. The answer is as fresh as its times say.
    Absent,
    /// It is another: the answer to another request, and not to be used.
    Other,
}

/// `OCSPResponseStatus` (RFC 6960 §4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ResponseStatus {
    Successful,
    MalformedRequest,
    InternalError,
    TryLater,
    SigRequired,
    Unauthorized,
}

impl ResponseStatus {
    /// As the standard writes it.
    pub fn name(self) -> &'static str {
        match self {
            ResponseStatus::Successful => "successful",
            ResponseStatus::MalformedRequest => "malformedRequest",
            ResponseStatus::InternalError => "internalError",
            ResponseStatus::TryLater => "tryLater",
            ResponseStatus::SigRequired => "sigRequired",
            ResponseStatus::Unauthorized => "unauthorized",
        }
    }
}

/// The status of an `OCSPResponse`; all but `Successful` come without an answer.
pub fn response_status(bytes: &[u8]) -> Result<ResponseStatus> {
    let mut outer = Reader::ber(bytes).whole_sequence("OCSPResponse")?;
    let status = read_status(&mut outer)?;
    if status != ResponseStatus::Successful {
        outer.finish("OCSPResponse")?;
    }
    Ok(status)
}

fn read_status(outer: &mut Reader<'_>) -> Result<ResponseStatus> {
    Ok(
        match outer.expect(Tag::ENUMERATED, "responseStatus")?.u64()? {
            0 => ResponseStatus::Successful,
            1 => ResponseStatus::MalformedRequest,
            2 => ResponseStatus::InternalError,
            3 => ResponseStatus::TryLater,
            5 => ResponseStatus::SigRequired,
            6 => ResponseStatus::Unauthorized,
            _ => {
                return Err(Error::malformed(
                    "responseStatus",
                    "is none of those there are",
                ));
            }
        },
    )
}

impl OcspResponse {
    /// From an `OCSPResponse` whose status is successful, or from a bare `BasicOCSPResponse`.
    pub fn from_der(bytes: &[u8]) -> Result<OcspResponse> {
        let mut outer = Reader::ber(bytes).whole_sequence("OCSPResponse")?;
        if outer.peek() == Some(Tag::SEQUENCE) {
            return OcspResponse::basic(bytes, bytes);
        }
        let status = read_status(&mut outer)?;
        if status != ResponseStatus::Successful {
            return Err(Error::unavailable(
                "OCSP responder",
                format!("answered {}", status.name()),
            ));
        }
        let mut response = outer
            .expect(Tag::context(0), "responseBytes")?
            .inner_of("responseBytes")?
            .sequence("ResponseBytes")?;
        if response.oid("responseType")? != names::ID_PKIX_OCSP_BASIC {
            return Err(Error::unsupported(
                "responseType",
                "only id-pkix-ocsp-basic is known",
            ));
        }
        let basic = response.expect(Tag::OCTET_STRING, "response")?.octets()?;
        response.finish("ResponseBytes")?;
        outer.finish("OCSPResponse")?;
        OcspResponse::basic(bytes, &basic)
    }

    fn basic(original: &[u8], basic: &[u8]) -> Result<OcspResponse> {
        let mut fields = Reader::ber(basic).whole_sequence("BasicOCSPResponse")?;
        let data = fields.expect(Tag::SEQUENCE, "tbsResponseData")?;
        let signature_algorithm = SignatureAlgorithm::from_identifier(
            &fields.expect(Tag::SEQUENCE, "signatureAlgorithm")?,
        );
        let signature = fields
            .expect(Tag::BIT_STRING, "signature")?
            .signature_bits()?
            .to_vec();
        let mut certificates = Vec::new();
        if let Some(list) = fields.optional(Tag::context(0), "certs")? {
            let mut list = list.inner_of("certs")?.sequence("certs")?;
            while let Some(certificate) = list.next_element()? {
                certificates.push(Certificate::from_der(certificate.bytes())?);
            }
        }
        fields.finish("BasicOCSPResponse")?;
        let mut inner = data.inner();
        if let Some(version) = inner.optional(Tag::context(0), "version")?
            && version.inner_of("version")?.read("version")?.u64()? != 0
        {
            return Err(Error::unsupported("version", "is not 1"));
        }
        let responder = inner.read("responderID")?;
        let content = responder.inner_of("responderID")?.read("responderID")?;
        let responder = match responder.tag().context_number() {
            Some(1) => ResponderId::Name(Name::from_element(&content)?),
            Some(2) => ResponderId::KeyHash(content.octets()?.into_owned()),
            _ => {
                return Err(Error::malformed(
                    "responderID",
                    "is neither byName nor byKey",
                ));
            }
        };
        let produced_at = inner.expect(Tag::GENERALIZED_TIME, "producedAt")?.time()?;
        let mut responses = Vec::new();
        let mut list = inner.sequence("responses")?;
        while let Some(single) = list.next_element()? {
            responses.push(single_response(&single)?);
        }
        let extensions = optional_extensions(&mut inner, 1)?;
        inner.finish("tbsResponseData")?;
        // The signed bytes are a slice of the original, except where BER split the response string.
        let start = find(original, data.bytes())
            .ok_or_else(|| Error::unsupported("OCSPResponse", "a segmented response"))?;
        Ok(OcspResponse {
            bytes: original.into(),
            id: OnceLock::new(),
            response_data: start..start + data.bytes().len(),
            responder,
            produced_at,
            responses,
            extensions,
            signature_algorithm,
            signature,
            certificates,
        })
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Who says to have answered.
    pub fn responder(&self) -> &ResponderId {
        &self.responder
    }

    /// When the response was signed.
    pub fn produced_at(&self) -> Time {
        self.produced_at
    }

    /// All single responses.
    pub fn responses(&self) -> &[SingleResponse] {
        &self.responses
    }

    /// The first answer about `certificate`, issued by `issuer`.
    pub fn response_for(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Option<&SingleResponse> {
        self.responses
            .iter()
            .find(|r| r.cert_id.matches(certificate, issuer))
    }

    /// The answers about `certificate`, issued by `issuer`: there may be several, one a digest algorithm or even more.
    pub fn responses_for(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
    ) -> Vec<&SingleResponse> {
        self.responses
            .iter()
            .filter(|r| r.cert_id.matches(certificate, issuer))
            .collect()
    }

    /// The SHA-256 of the response as received.
    pub fn id(&self) -> [u8; 32] {
        *self.id.get_or_init(|| sha256(&self.bytes))
    }

    /// The value of the nonce extension, where there is one.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.extensions
            .iter()
            .find(|e| e.id == names::ID_PKIX_OCSP_NONCE)
            .map(|e| e.value.as_slice())
    }

    /// How the nonce of the response stands to that of the request.
    pub fn nonce_match(&self, asked: &[u8]) -> NonceMatch {
        let Some(value) = self.nonce() else {
            return NonceMatch::Absent;
        };
        let inner = Tlv::whole(Reader::ber(value), "nonce");
        let same = inner.is_ok_and(|inner| {
            inner.tag() == Tag::OCTET_STRING && inner.octets().is_ok_and(|octets| *octets == *asked)
        });
        match same {
            true => NonceMatch::Same,
            false => NonceMatch::Other,
        }
    }

    /// The extensions of the response.
    pub fn extensions(&self) -> &[Extension] {
        &self.extensions
    }

    /// A critical extension of the response that is not known here.
    pub fn unknown_critical(&self) -> Option<Oid> {
        let known = [
            names::ID_PKIX_OCSP_NONCE,
            names::ID_PKIX_OCSP_EXTENDED_REVOKE,
        ];
        unknown_critical(&self.extensions, &known)
    }

    /// The certificates that came with it.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The algorithm of the responder's signature.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm> {
        self.signature_algorithm.clone()
    }

    /// Whether `key` made the signature on this response.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let input = SignatureInput::Message(&self.bytes[self.response_data.clone()]);
        self.signature_algorithm
            .as_ref()
            .is_ok_and(|algorithm| key.verify(*algorithm, input, &self.signature))
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    // Both are slices of one input in all but one case, so the first candidate is nearly always the answer.
    (0..=haystack.len().checked_sub(needle.len())?).find(|at| haystack[*at..].starts_with(needle))
}

fn optional_extensions(fields: &mut Reader<'_>, number: u32) -> Result<Vec<Extension>> {
    match fields.optional(Tag::context(number), "extensions")? {
        Some(list) => read_extensions(list.inner_of("extensions")?.sequence("extensions")?),
        None => Ok(Vec::new()),
    }
}

fn single_response(element: &Tlv<'_>) -> Result<SingleResponse> {
    let mut fields = element.inner_of("SingleResponse")?;
    let cert_id = CertId::from_element(&fields.expect(Tag::SEQUENCE, "certID")?)?;
    let status = fields.read("certStatus")?;
    let status = match status.tag().context_number() {
        Some(0) => CertStatus::Good,
        Some(1) => {
            let mut info = status.inner_of("RevokedInfo")?;
            let time = info
                .expect(Tag::GENERALIZED_TIME, "revocationTime")?
                .time()?;
            let reason = match info.optional(Tag::context(0), "revocationReason")? {
                Some(reason) => Some(
                    reason
                        .inner_of("revocationReason")?
                        .read("revocationReason")?
                        .u64()?,
                ),
                None => None,
            };
            CertStatus::Revoked {
                time,
                reason: reason.map(RevocationReason::from_number),
            }
        }
        Some(2) => CertStatus::Unknown,
        _ => {
            return Err(Error::malformed(
                "certStatus",
                "is neither good, revoked nor unknown",
            ));
        }
    };
    let this_update = fields.expect(Tag::GENERALIZED_TIME, "thisUpdate")?.time()?;
    let next_update = match fields.optional(Tag::context(0), "nextUpdate")? {
        Some(time) => Some(time.inner_of("nextUpdate")?.read("nextUpdate")?.time()?),
        None => None,
    };
    let extensions = optional_extensions(&mut fields, 1)?;
    fields.finish("SingleResponse")?;
    Ok(SingleResponse {
        cert_id,
        status,
        this_update,
        next_update,
        extensions,
    })
}

/// An `OCSPRequest` about one certificate, with a nonce of RFC 9654 where one is given.
pub fn request(cert_id: &CertId, nonce: Option<&[u8]>) -> Vec<u8> {
    let request = der::sequence(&[&cert_id.to_der()]);
    let list = der::sequence(&[&request]);
    let extensions = nonce.map(|nonce| {
        let extension = der::sequence(&[
            &der::oid(&names::ID_PKIX_OCSP_NONCE),
            &der::octet_string(&der::octet_string(nonce)),
        ]);
        der::explicit(2, &der::sequence(&[&extension]))
    });
    der::sequence(&[&der::sequence(&[
        &list,
        extensions.as_deref().unwrap_or_default(),
    ])])
}

/// The certificates asked about and the nonce extension's value, from an `OCSPRequest`.
pub fn read_request(bytes: &[u8]) -> Result<(Vec<CertId>, Option<Vec<u8>>)> {
    let mut outer = Reader::ber(bytes).whole_sequence("OCSPRequest")?;
    let mut fields = outer.sequence("tbsRequest")?;
    fields.optional(Tag::context(0), "version")?;
    fields.optional(Tag::context(1), "requestorName")?;
    let mut list = fields.sequence("requestList")?;
    let mut ids = Vec::new();
    while !list.is_empty() {
        ids.push(CertId::from_element(
            &list.sequence("Request")?.expect(Tag::SEQUENCE, "reqCert")?,
        )?);
    }
    let extensions = optional_extensions(&mut fields, 2)?;
    Ok((
        ids,
        extensions
            .into_iter()
            .find(|e| e.id == names::ID_PKIX_OCSP_NONCE)
            .map(|e| e.value),
    ))
}

impl fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "OcspResponse({:?}, {})",
            self.responder, self.produced_at
        )
    }
}
