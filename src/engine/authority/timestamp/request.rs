//! Reads a `TimeStampReq` the way an authority must: DER, each field at its place, and with the reason why it is refused
//! (RFC 3161 §2.4.1).

use super::{Authority, Failure};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::Result;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv};

/// Why nothing is stamped: the failure and a sentence.
pub(super) type Refusal = (Failure, &'static str);

/// The longest nonce that is echoed, in octets. The RFC speaks of 64 bits; clients send up to 32 octets.
const MOST_NONCE: usize = 64;

/// A request as it stands.
pub(super) struct Request<'a> {
    version: &'a [u8],
    /// `messageImprint` as it was sent: its parameters absent or NULL.
    imprint: &'a [u8],
    algorithm: Oid,
    digest: &'a [u8],
    policy: Option<Oid>,
    nonce: Option<&'a [u8]>,
    certificates: bool,
    extensions: bool,
}

/// A request that is going to be stamped.
pub(super) struct Accepted<'a> {
    pub(super) policy: Oid,
    pub(super) imprint: &'a [u8],
    /// The content octets of the INTEGER.
    pub(super) nonce: Option<&'a [u8]>,
    pub(super) certificates: bool,
}

impl<'a> Request<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Request<'a>, Refusal> {
        parse(bytes).map_err(|_| (Failure::BadDataFormat, "not the DER of a TimeStampReq"))?
    }

    /// What is stamped, or why nothing is.
    pub(super) fn accepted_by(self, authority: &Authority<'_>) -> Result<Accepted<'a>, Refusal> {
        if self.version != [1] {
            return Err((Failure::BadRequest, "the version is not 1"));
        }
        // An extension that is not known, critical or not, is refused.
        if self.extensions {
            return Err((Failure::UnacceptedExtension, "no extension is known here"));
        }
        let algorithm = DigestAlgorithm::from_oid(&self.algorithm)
            .filter(|algorithm| authority.digests.contains(algorithm))
            .ok_or((Failure::BadAlg, "the digest algorithm is not accepted"))?;
        if self.digest.len() != algorithm.length() {
            return Err((Failure::BadDataFormat, "the digest has a wrong length"));
        }
        if self.nonce.is_some_and(|nonce| nonce.len() > MOST_NONCE) {
            return Err((Failure::BadRequest, "the nonce is too long"));
        }
        let policy = match self.policy {
            None => authority.policies.first(),
            Some(asked) => authority.policies.iter().find(|own| **own == asked),
        };
        Ok(Accepted {
            policy: *policy.ok_or((Failure::UnacceptedPolicy, "the policy is not offered"))?,
            imprint: self.imprint,
            nonce: self.nonce,
            certificates: self.certificates,
        })
    }
}

/// The fields; inside is the refusal of what is DER and no request.
fn parse(bytes: &[u8]) -> Result<Result<Request<'_>, Refusal>> {
    let mut whole = Reader::der(bytes);
    let mut fields = whole.sequence("TimeStampReq")?;
    whole.finish("TimeStampReq")?;
    let version = fields.expect(Tag::INTEGER, "version")?.integer()?;
    let imprint = fields.expect(Tag::SEQUENCE, "messageImprint")?;
    let (algorithm, digest) = message_imprint(&imprint)?;
    let policy = fields
        .optional(Tag::OID, "reqPolicy")?
        .map(|policy| policy.oid())
        .transpose()?;
    let nonce = fields
        .optional(Tag::INTEGER, "nonce")?
        .map(|nonce| nonce.integer())
        .transpose()?;
    // DER leaves FALSE out; clients that write it are understood.
    let certificates = fields
        .optional(Tag::BOOLEAN, "certReq")?
        .map(|wish| wish.boolean())
        .transpose()?;
    let extensions = fields.optional(Tag::context(0), "extensions")?.is_some();
    if !fields.is_empty() {
        let why = "a field that does not belong there";
        return Ok(Err((Failure::BadRequest, why)));
    }
    Ok(Ok(Request {
        version,
        imprint: imprint.bytes(),
        algorithm,
        digest,
        policy,
        nonce,
        certificates: certificates.unwrap_or(false),
        extensions,
    }))
}

fn message_imprint<'a>(imprint: &Tlv<'a>) -> Result<(Oid, &'a [u8])> {
    let mut fields = imprint.inner_of("messageImprint")?;
    let mut identifier = fields.sequence("hashAlgorithm")?;
    let algorithm = identifier.oid("algorithm")?;
    identifier.optional(Tag::NULL, "parameters")?;
    identifier.finish("hashAlgorithm")?;
    let digest = fields.expect(Tag::OCTET_STRING, "hashedMessage")?.content();
    fields.finish("messageImprint")?;
    Ok((algorithm, digest))
}
