//! Time-stamps (RFC 3161, RFC 5816): requests, responses, tokens.
//!
//! A token is a CMS `SignedData` over a `TSTInfo`; its signature is judged like any other by `validation`.

use super::cms::SignedData;
use super::extension::{GeneralName, general_names};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use crate::engine::time::Time;
use std::time::Duration;

/// `MessageImprint` (RFC 3161 §2.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct MessageImprint {
    pub algorithm: DigestAlgorithm,
    pub digest: Vec<u8>,
}

impl MessageImprint {
    fn from_element(element: &Tlv<'_>) -> Result<MessageImprint> {
        let mut fields = element.inner_of("MessageImprint")?;
        let algorithm =
            DigestAlgorithm::from_identifier(&fields.expect(Tag::SEQUENCE, "hashAlgorithm")?)?;
        let digest = fields.expect(Tag::OCTET_STRING, "hashedMessage")?;
        let digest = digest.octets()?.into_owned();
        fields.finish("MessageImprint")?;
        // RFC 3161 §2.4.1: "Its length MUST match the length of the hash value for that algorithm".
        if digest.len() != algorithm.length() {
            let problem = format!("is not of the length of a {algorithm} value");
            return Err(Error::malformed("MessageImprint.hashedMessage", problem));
        }
        Ok(MessageImprint { algorithm, digest })
    }

    /// As DER; with NULL parameters, which older authorities want.
    pub fn to_der(&self) -> Vec<u8> {
        let algorithm = der::algorithm_identifier(&self.algorithm.oid(), Some(&der::null()));
        der::sequence(&[&algorithm, &der::octet_string(&self.digest)])
    }
}

/// `TSTInfo` (RFC 3161 §2.4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct TstInfo {
    pub policy: Oid,
    pub message_imprint: MessageImprint,
    /// Content octets of the INTEGER.
    pub serial: Vec<u8>,
    pub gen_time: Time,
    pub accuracy: Option<Duration>,
    pub ordering: bool,
    /// Content octets of the INTEGER.
    pub nonce: Option<Vec<u8>>,
    /// The name that the authority gives itself.
    pub tsa: Option<GeneralName>,
}

impl TstInfo {
    /// From the content of a token.
    pub fn from_der(bytes: &[u8]) -> Result<TstInfo> {
        let mut fields = Reader::ber(bytes).whole_sequence("TSTInfo")?;
        if fields.expect(Tag::INTEGER, "version")?.u64()? != 1 {
            return Err(Error::unsupported("TSTInfo.version", "is not 1"));
        }
        let policy = fields.oid("policy")?;
        let message_imprint =
            MessageImprint::from_element(&fields.expect(Tag::SEQUENCE, "messageImprint")?)?;
        let serial = fields
            .expect(Tag::INTEGER, "serialNumber")?
            .integer()?
            .to_vec();
        let gen_time = fields.expect(Tag::GENERALIZED_TIME, "genTime")?;
        // RFC 3161 §2.4.2: "GeneralizedTime values MUST … include a 'Z'".
        if gen_time.content().last() != Some(&b'Z') {
            return Err(Error::malformed(
                "TSTInfo.genTime",
                "is not in UTC with a Z",
            ));
        }
        let info = TstInfo {
            policy,
            message_imprint,
            serial,
            gen_time: gen_time.time()?,
            accuracy: (fields.optional(Tag::SEQUENCE, "accuracy")?)
                .map(|field| accuracy(&field))
                .transpose()?,
            ordering: (fields.optional(Tag::BOOLEAN, "ordering")?)
                .map(|field| field.boolean())
                .transpose()?
                .unwrap_or(false),
            nonce: (fields.optional(Tag::INTEGER, "nonce")?)
                .map(|field| field.integer().map(<[u8]>::to_vec))
                .transpose()?,
            tsa: (fields.optional(Tag::context(0), "tsa")?)
                .map(|field| general_names(field.inner_of("tsa")?))
                .transpose()?
                .and_then(|names| names.into_iter().next()),
        };
        if let Some(extensions) = fields.optional(Tag::context(1), "extensions")? {
            refuse_critical_extensions(&extensions)?;
        }
        fields.finish("TSTInfo")?;
        Ok(info)
    }
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER (1..999) OPTIONAL, micros [1] INTEGER (1..999)
/// OPTIONAL }`.
fn accuracy(element: &Tlv<'_>) -> Result<Duration> {
    let mut fields = element.inner_of("accuracy")?;
    let mut part = |tag, what| -> Result<u64> {
        let field = fields.optional(tag, what)?;
        field.map_or(Ok(0), |field| field.u64())
    };
    let seconds = part(Tag::INTEGER, "seconds")?;
    let (millis, micros) = (
        part(Tag::context(0), "millis")?,
        part(Tag::context(1), "micros")?,
    );
    fields.finish("accuracy")?;
    if millis > 999 || micros > 999 {
        return Err(Error::malformed("TSTInfo.accuracy", "has a part above 999"));
    }
    let fraction = Duration::from_millis(millis) + Duration::from_micros(micros);
    Ok(Duration::from_secs(seconds).saturating_add(fraction))
}

fn refuse_critical_extensions(element: &Tlv<'_>) -> Result<()> {
    let extensions = super::extension::read_extensions(element.inner_of("extensions")?)?;
    match extensions.iter().find(|e| e.critical) {
        Some(unknown) => Err(Error::unsupported(
            "TSTInfo.extensions",
            format!("critical {} is not known", unknown.id),
        )),
        None => Ok(()),
    }
}

/// A `TimeStampToken`.
#[derive(Debug, Clone)]
pub struct TimestampToken {
    signed_data: SignedData,
    tst_info: TstInfo,
}

impl TimestampToken {
    /// From the `ContentInfo` of a token.
    pub fn from_ber(bytes: &[u8]) -> Result<TimestampToken> {
        let signed_data = SignedData::from_ber(bytes)?;
        if *signed_data.content_type() != names::ID_CT_TST_INFO {
            return Err(Error::malformed(
                "TimeStampToken",
                "its content is not a TSTInfo",
            ));
        }
        let content = signed_data
            .content()
            .ok_or_else(|| Error::malformed("TimeStampToken", "has no content"))?;
        Ok(TimestampToken {
            tst_info: TstInfo::from_der(&content)?,
            signed_data,
        })
    }

    /// The signed message.
    pub fn signed_data(&self) -> &SignedData {
        &self.signed_data
    }

    /// What the authority says.
    pub fn tst_info(&self) -> &TstInfo {
        &self.tst_info
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        self.signed_data.bytes()
    }
}

/// `TimeStampReq` (RFC 3161 §2.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimestampRequest {
    /// What is to be stamped.
    pub message_imprint: MessageImprint,
    /// The policy asked for.
    pub policy: Option<Oid>,
    /// Content octets of the INTEGER; eight random bytes by custom.
    pub nonce: Option<Vec<u8>>,
    /// Whether the token is to carry the authority's certificate.
    pub certificates: bool,
}

impl TimestampRequest {
    /// As DER.
    pub fn to_der(&self) -> Vec<u8> {
        der::sequence(&[
            &der::integer(1),
            &self.message_imprint.to_der(),
            &self.policy.map(|p| der::oid(&p)).unwrap_or_default(),
            &self
                .nonce
                .as_ref()
                .map(|n| der::tlv(2, n))
                .unwrap_or_default(),
            &if self.certificates {
                der::boolean(true)
            } else {
                Vec::new()
            },
        ])
    }

    /// From DER; critical extensions are refused (RFC 3161 §2.4.1).
    pub fn from_der(bytes: &[u8]) -> Result<TimestampRequest> {
        let mut fields = Reader::ber(bytes).whole_sequence("TimeStampReq")?;
        if fields.expect(Tag::INTEGER, "version")?.u64()? != 1 {
            return Err(Error::unsupported("TimeStampReq.version", "is not 1"));
        }
        let message_imprint =
            MessageImprint::from_element(&fields.expect(Tag::SEQUENCE, "messageImprint")?)?;
        let mut request = TimestampRequest {
            message_imprint,
            policy: None,
            nonce: None,
            certificates: false,
        };
        while let Some(field) = fields.next_element()? {
            match field.tag() {
                Tag::OID => request.policy = Some(field.oid()?),
                Tag::INTEGER => request.nonce = Some(field.integer()?.to_vec()),
                Tag::BOOLEAN => request.certificates = field.boolean()?,
                tag if tag == Tag::context(0) => refuse_critical_extensions(&field)?,
                _ => {
                    return Err(Error::malformed(
                        "TimeStampReq",
                        "has a field that is not known",
                    ));
                }
            }
        }
        Ok(request)
    }
}

/// The token of a `TimeStampResp` (RFC 3161 §2.4.2) that was granted; a refusal is an error that names its reason.
pub fn granted_token(bytes: &[u8]) -> Result<TimestampToken> {
    let mut fields = Reader::ber(bytes).whole_sequence("TimeStampResp")?;
    let mut status = fields.sequence("PKIStatusInfo")?;
    let number = status.expect(Tag::INTEGER, "status")?.u64()?;
    if number > 1 {
        return Err(refusal(number, &mut status));
    }
    let token = TimestampToken::from_ber(fields.read("timeStampToken")?.bytes())?;
    fields.finish("TimeStampResp")?;
    Ok(token)
}

/// The token of a `TimeStampResp`, checked against the request: status granted, the same imprint, nonce and (where asked)
/// policy. The token's signature is not checked here.
pub fn read_response(bytes: &[u8], request: &TimestampRequest) -> Result<TimestampToken> {
    let token = granted_token(bytes)?;
    let info = token.tst_info();
    let lied = |what: &'static str| {
        Error::unavailable(
            "time-stamping authority",
            format!("answered with another {what}"),
        )
    };
    if info.message_imprint != request.message_imprint {
        return Err(lied("message imprint"));
    }
    if info.nonce != request.nonce {
        return Err(lied("nonce"));
    }
    if request.policy.is_some_and(|policy| policy != info.policy) {
        return Err(lied("policy"));
    }
    Ok(token)
}

/// The `TimeStampResp` that brings a token (RFC 3161 §2.4.2).
pub fn response_of(token: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::sequence(&[&der::integer(0)]), token])
}

/// A token that stands alone, or in the response that brought it.
pub fn token_in(bytes: &[u8]) -> Result<TimestampToken> {
    let mut fields = Reader::ber(bytes).whole_sequence("TimeStampToken")?;
    match fields.next_element()?.map(|first| first.tag()) {
        Some(Tag::SEQUENCE) => granted_token(bytes),
        _ => TimestampToken::from_ber(bytes),
    }
}

/// What a response without a token says: of kind `Unsupported` where this digest is not for this authority, which another
/// request may be.
fn refusal(number: u64, status: &mut Reader<'_>) -> Error {
    const ELEMENT: &str = "time-stamping authority";
    let text = status
        .optional(Tag::SEQUENCE, "statusString")
        .ok()
        .flatten()
        .and_then(|t| t.inner().read("statusString").ok().map(|s| s.text()))
        .unwrap_or_default();
    let text: String = text.chars().filter(|c| !c.is_control()).take(120).collect();
    let bits = status.optional(Tag::BIT_STRING, "failInfo").ok().flatten();
    let has = |bit: usize| {
        let bits = bits.as_ref().and_then(|b| b.bits().ok());
        bits.is_some_and(|(bits, _)| {
            bits.get(bit / 8)
                .is_some_and(|b| b & (0x80 >> (bit % 8)) != 0)
        })
    };
    let names: String = FAILURES
        .iter()
        .filter(|(bit, _)| has(*bit))
        .map(|(_, name)| format!(" {name}"))
        .collect();
    let problem = format!("refused with status {number}{names} {text}");
    match has(0) || has(5) {
        true => Error::unsupported(ELEMENT, problem),
        false => Error::unavailable(ELEMENT, problem),
    }
}

/// `PKIFailureInfo` (RFC 3161 §2.4.2).
const FAILURES: &[(usize, &str)] = &[
    (0, "badAlg"),
    (2, "badRequest"),
    (5, "badDataFormat"),
    (14, "timeNotAvailable"),
    (15, "unacceptedPolicy"),
    (16, "unacceptedExtension"),
    (17, "addInfoNotAvailable"),
    (25, "systemFailure"),
];
