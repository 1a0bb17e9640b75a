//! Time-stamps by themselves (RFC 3161 §2.4.2): a `TimeStampToken`, or the `TimeStampResp` that brought it.
//!
//! What was stamped lies apart, and is given beside it. A response that refuses is no document, and an error. Time-stamps in
//! attributes of signatures are `cades`; making them is `authority`.

use super::{Content, Format, Input, Material, Patch, Prepared, Resume, SignRequest, Sniff, cades};
use crate::engine::crypto::{DigestAlgorithm, SignatureValue};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::evidence::{Evidence, TimestampKind};
use crate::engine::limits::Budget;
use crate::engine::pki::TimestampToken;
use crate::engine::pki::timestamp::token_in;
use crate::engine::syntax::asn1::{Reader, Tag, names};
use crate::engine::time::Time;
use std::cell::RefCell;

/// Tokens and responses.
#[derive(Debug, Clone, Copy)]
pub struct Timestamps;

impl Format for Timestamps {
    fn name(&self) -> &'static str {
        "RFC 3161"
    }

    fn sniff(&self, document: &[u8]) -> Sniff {
        match is_token(document).or_else(|| is_response(document)) {
            Some(()) => Sniff::Yes,
            None => Sniff::No,
        }
    }

    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence> {
        let token = read(input.document)?;
        let mut evidence = Evidence::new(self.name(), input.document);
        let failure = RefCell::new(None);
        let over = |algorithm| {
            let digest = input.detached.first()?.content.digest(algorithm);
            digest.unwrap_or_else(|error| {
                failure.borrow_mut().get_or_insert(error);
                None
            })
        };
        let pool = &mut evidence.pool;
        let kind = TimestampKind::Document;
        let stamp = cades::inspect_timestamp(token.bytes(), kind, &over, pool, budget)?;
        evidence.timestamps.push(stamp);
        failure.into_inner().map_or(Ok(evidence), Err)
    }

    fn digests_wanted(&self, document: &[u8]) -> Vec<DigestAlgorithm> {
        let wanted = |token: TimestampToken| token.tst_info().message_imprint.algorithm;
        read(document).map(wanted).into_iter().collect()
    }

    fn prepare(&self, _: Content<'_>, _: &SignRequest, _: Time) -> Result<Prepared> {
        Err(not_made())
    }

    fn embed(&self, _: &[u8], _: Resume, _: SignatureValue) -> Result<Patch> {
        Err(not_made())
    }

    fn augment(&self, _: &[u8], _: &Material) -> Result<Patch> {
        Err(not_made())
    }
}

fn not_made() -> Error {
    Error::unsupported("time-stamp", "is made by an authority and not signed here")
        .remedy("Ask for one with POST /v1/timestamp or rubrica timestamp.")
}

/// The token of either form. A refusal of somebody's request is no fault of whoever sends it here.
fn read(document: &[u8]) -> Result<TimestampToken> {
    token_in(document).map_err(|error| match error.kind() {
        ErrorKind::Unavailable => Error::invalid("TimeStampResp", error.problem().to_string())
            .remedy("There is no time-stamp in it: ask the authority again."),
        _ => error,
    })
}

/// A `ContentInfo` of signedData over a `TSTInfo`.
fn is_token(document: &[u8]) -> Option<()> {
    let mut fields = Reader::ber(document).sequence("ContentInfo").ok()?;
    let kind = fields.oid("contentType").ok()?;
    let content = fields.expect(Tag::context(0), "content").ok()?;
    let mut data = content.inner().sequence("SignedData").ok()?;
    data.expect(Tag::INTEGER, "version").ok()?;
    data.set("digestAlgorithms").ok()?;
    let mut encapsulated = data.sequence("encapContentInfo").ok()?;
    let of = encapsulated.oid("eContentType").ok()?;
    (kind == names::ID_SIGNED_DATA && of == names::ID_CT_TST_INFO).then_some(())
}

/// `TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }`: a status and no more, or a
/// status and signedData.
fn is_response(document: &[u8]) -> Option<()> {
    let mut fields = Reader::ber(document).sequence("TimeStampResp").ok()?;
    let mut status = fields.sequence("PKIStatusInfo").ok()?;
    let status = status.expect(Tag::INTEGER, "status").ok()?.u64().ok()?;
    let token = fields.next_element().ok()?;
    let is_signed = token.is_none_or(|token| {
        let mut fields = token.inner();
        token.tag() == Tag::SEQUENCE && fields.oid("contentType") == Ok(names::ID_SIGNED_DATA)
    });
    (status <= 5 && is_signed && fields.is_empty()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::syntax::asn1::der;

    #[test]
    fn a_refusal_is_told_as_one_and_a_certificate_is_none() {
        let refused = der::sequence(&[&der::sequence(&[&der::integer(2)])]);
        assert_eq!(Timestamps.sniff(&refused), Sniff::Yes);
        let input = Input {
            document: &refused,
            detached: &[],
        };
        let error = Timestamps
            .inspect(input, &mut Budget::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        let certificate = include_bytes!("../../../../certs/test/root.pem");
        let certificate =
            &crate::engine::pki::Certificate::from_pem_or_der(certificate).unwrap()[0];
        assert_eq!(Timestamps.sniff(certificate.bytes()), Sniff::No);
        assert_eq!(Timestamps.sniff(b""), Sniff::No);
    }
}
