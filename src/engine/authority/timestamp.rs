//! Answers time-stamp requests (RFC 3161 §2.4.2, RFC 5816; EN 319 422 §5 for the profile).
//!
//! In: the request as received, the authority, the serial number of the token and the time. Out: a `TimeStampResp`, a
//! rejection included; an `Err` only where the authority's own key fails. Reading and checking responses is
//! `pki::timestamp`.

use super::serial_number;
use crate::engine::crypto::{DigestAlgorithm, Signer, digest};
use crate::engine::error::Result;
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::{
    Attribute, EssCertificate, SignerInfoParts, signed_data, signer_info,
};
use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, der, names};
use crate::engine::time::Time;
use std::fmt;
use std::time::Duration;

/// Who stamps.
pub struct Authority<'a> {
    /// Its certificate, whose only and critical extended key usage is `id-kp-timeStamping` (§2.3).
    pub certificate: &'a Certificate,
    /// What else goes into a token when certificates are asked for: its issuers.
    pub chain: &'a [Certificate],
    /// Its key.
    pub signer: &'a dyn Signer,
    /// The policies it stamps under, the first where the request names none.
    pub policies: &'a [Oid],
    /// The digests it stamps.
    pub digests: &'a [DigestAlgorithm],
    /// How far its clock may be off.
    pub accuracy: Option<Duration>,
    /// Whether any two of its tokens can be ordered by their times alone.
    pub ordering: bool,
}

impl fmt::Debug for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.certificate.subject())
    }
}

/// `PKIFailureInfo` (§2.4.2): the bit that says why nothing was stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Failure {
    BadAlg = 0,
    BadRequest = 2,
    BadDataFormat = 5,
    TimeNotAvailable = 14,
    UnacceptedPolicy = 15,
    UnacceptedExtension = 16,
    AddInfoNotAvailable = 17,
    SystemFailure = 25,
}

/// The response that stamps nothing.
pub fn reject(failure: Failure, why: &str) -> Vec<u8> {
    let text = der::sequence(&[&der::utf8_string(why)]);
    let status = [&*der::integer(2), &text, &der::named_bits(&[failure as u8])];
    der::sequence(&[&der::sequence(&status)])
}

/// The response to `request` at `now`; a token has `serial` (magnitude, at most 20 octets, never used before).
pub fn answer(
    request: &[u8],
    authority: &Authority<'_>,
    serial: &[u8],
    now: Time,
) -> Result<Vec<u8>> {
    match accepted(request, authority) {
        Ok(accepted) => {
            let info = tst_info(&accepted, authority, serial, now)?;
            let token = token(&info, authority, accepted.request.certificates, now)?;
            let granted = der::sequence(&[&der::integer(0)]);
            Ok(der::sequence(&[&granted, &token]))
        }
        Err((failure, why)) => Ok(reject(failure, why)),
    }
}

/// A request that is going to be stamped.
struct Accepted {
    request: TimestampRequest,
    policy: Oid,
    /// `messageImprint` as it was asked: its parameters absent or NULL.
    imprint: Vec<u8>,
}

fn accepted(
    bytes: &[u8],
    authority: &Authority<'_>,
) -> std::result::Result<Accepted, (Failure, &'static str)> {
    let outline = outline(bytes).map_err(|_| (Failure::BadDataFormat, "not a TimeStampReq"))?;
    if outline.version != [1] {
        return Err((Failure::BadRequest, "the version is not 1"));
    }
    // §2.4.1: an extension that is not known, critical or not, is refused.
    if outline.extensions {
        return Err((Failure::UnacceptedExtension, "no extension is known here"));
    }
    let algorithm = DigestAlgorithm::from_oid(&outline.algorithm)
        .filter(|algorithm| authority.digests.contains(algorithm))
        .ok_or((Failure::BadAlg, "the digest algorithm is not accepted"))?;
    let request = TimestampRequest::from_der(bytes)
        .map_err(|_| (Failure::BadRequest, "a field that does not belong there"))?;
    if request.message_imprint.digest.len() != algorithm.length() {
        return Err((Failure::BadDataFormat, "the digest has a wrong length"));
    }
    let imprint = written_imprints(&request.message_imprint)
        .into_iter()
        .find(|imprint| *imprint == outline.imprint)
        .ok_or((Failure::BadDataFormat, "the message imprint is not DER"))?;
    let policy = match request.policy {
        None => authority.policies.first(),
        Some(asked) => authority.policies.iter().find(|own| **own == asked),
    };
    Ok(Accepted {
        policy: *policy.ok_or((Failure::UnacceptedPolicy, "the policy is not offered"))?,
        request,
        imprint,
    })
}

/// Enough of a request to say what is wrong with it.
struct Outline<'a> {
    version: &'a [u8],
    imprint: &'a [u8],
    algorithm: Oid,
    extensions: bool,
}

fn outline(bytes: &[u8]) -> Result<Outline<'_>> {
    let mut whole = Reader::der(bytes);
    let mut fields = whole.sequence("TimeStampReq")?;
    whole.finish("TimeStampReq")?;
    let version = fields.expect(Tag::INTEGER, "version")?.integer()?;
    let imprint = fields.expect(Tag::SEQUENCE, "messageImprint")?;
    let algorithm = imprint
        .inner_of("messageImprint")?
        .sequence("hashAlgorithm")?
        .oid("hashAlgorithm")?;
    let mut extensions = false;
    while let Some(field) = fields.next_element()? {
        extensions |= field.tag() == Tag::context(0);
    }
    Ok(Outline {
        version,
        imprint: imprint.bytes(),
        algorithm,
        extensions,
    })
}

fn written_imprints(imprint: &MessageImprint) -> [Vec<u8>; 2] {
    let bare = der::sequence(&[
        &imprint.algorithm.identifier(),
        &der::octet_string(&imprint.digest),
    ]);
    [imprint.to_der(), bare]
}

/// `TSTInfo`; the time is to the millisecond.
fn tst_info(
    accepted: &Accepted,
    authority: &Authority<'_>,
    serial: &[u8],
    now: Time,
) -> Result<Vec<u8>> {
    let nonce = accepted.request.nonce.as_ref().map(|n| der::tlv(2, n));
    let ordering = authority.ordering.then(|| der::boolean(true));
    Ok(der::sequence(&[
        &der::integer(1),
        &der::oid(&accepted.policy),
        &accepted.imprint,
        &serial_number(serial)?,
        &der::generalized_time_with_milliseconds(now),
        authority
            .accuracy
            .map(accuracy)
            .as_deref()
            .unwrap_or_default(),
        ordering.as_deref().unwrap_or_default(),
        nonce.as_deref().unwrap_or_default(),
    ]))
}

/// `Accuracy`: seconds, milliseconds and microseconds, each left out where it is zero.
fn accuracy(accuracy: Duration) -> Vec<u8> {
    let millis = u64::from(accuracy.subsec_millis());
    let micros = u64::from(accuracy.subsec_micros() % 1000);
    let parts: Vec<_> = [
        (accuracy.as_secs(), der::integer(accuracy.as_secs())),
        (millis, der::implicit(0, &der::integer(millis))),
        (micros, der::implicit(1, &der::integer(micros))),
    ]
    .into_iter()
    .filter(|(amount, _)| *amount > 0)
    .map(|(_, part)| part)
    .collect();
    der::sequence_of(&parts)
}

/// `TimeStampToken`: a signed message over `info` (§2.4.2), its signer named by `signing-certificate-v2` (RFC 5816).
fn token(info: &[u8], authority: &Authority<'_>, certificates: bool, now: Time) -> Result<Vec<u8>> {
    let algorithm = authority.signer.algorithm();
    // RFC 8419 §3.1: Ed25519 goes with SHA-512.
    let digest_algorithm = algorithm.digest().unwrap_or(DigestAlgorithm::Sha512);
    let content_digest = der::octet_string(&digest(digest_algorithm, info));
    let attributes = [
        Attribute::new(names::ID_CONTENT_TYPE, der::oid(&names::ID_CT_TST_INFO)),
        Attribute::new(names::ID_SIGNING_TIME, der::time(now)),
        Attribute::new(names::ID_MESSAGE_DIGEST, content_digest),
        EssCertificate::sha256_attribute(authority.certificate),
    ];
    let signed_attributes = der::set_of(attributes.iter().map(Attribute::to_der).collect());
    let signature = authority.signer.sign(&signed_attributes)?;
    let signer = signer_info(&SignerInfoParts {
        certificate: authority.certificate,
        digest_algorithm,
        signature_algorithm: algorithm,
        signed_attributes: &signed_attributes,
        signature: &signature.0,
        unsigned_attributes: &[],
    });
    let mut inside = Vec::new();
    if certificates {
        inside.push(authority.certificate.clone());
        inside.extend_from_slice(authority.chain);
    }
    Ok(signed_data(
        &names::ID_CT_TST_INFO,
        Some(info),
        digest_algorithm,
        &inside,
        &signer,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::extension as ext;
    use super::super::test::{Pki, now, pki};
    use super::*;
    use crate::engine::crypto::{SignatureInput, sha256};
    use crate::engine::pki::cms::ess_certificates;
    use crate::engine::pki::timestamp::read_response;
    use crate::engine::syntax::asn1::Tlv;

    const POLICY: Oid = Oid::new(&[2, 999, 1]);
    const OTHER: Oid = Oid::new(&[2, 999, 2]);

    fn made() -> Pki {
        pki(vec![ext::extended_key_usage(
            &[names::ID_KP_TIME_STAMPING],
            true,
        )])
    }

    fn authority(pki: &Pki) -> Authority<'_> {
        Authority {
            certificate: &pki.certificate,
            chain: std::slice::from_ref(&pki.ca),
            signer: &pki.key,
            policies: &[POLICY, OTHER],
            digests: &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha512],
            accuracy: Some(Duration::from_micros(1_000_250)),
            ordering: true,
        }
    }

    fn request() -> TimestampRequest {
        TimestampRequest {
            message_imprint: MessageImprint {
                algorithm: DigestAlgorithm::Sha256,
                digest: sha256(b"acuse").to_vec(),
            },
            policy: None,
            nonce: Some(vec![0x7f, 2, 3, 4, 5, 6, 7, 8]),
            certificates: true,
        }
    }

    #[test]
    fn a_token_says_what_was_asked_and_the_authority_signed_it() {
        let pki = made();
        let now = now().plus(Duration::from_micros(120_900));
        let response = answer(&request().to_der(), &authority(&pki), &[0x80, 1], now).unwrap();
        let token = read_response(&response, &request()).unwrap();
        let info = token.tst_info();
        assert_eq!(info.gen_time, now.truncated_to_milliseconds());
        assert_eq!(info.policy, POLICY);
        assert_eq!(info.serial, [0, 0x80, 1]);
        assert_eq!(info.accuracy, Some(Duration::from_micros(1_000_250)));
        assert!(info.ordering);
        let data = token.signed_data();
        assert_eq!(data.certificates().len(), 2);
        let signer = &data.signer_infos()[0];
        assert!(signer.sid.names(&pki.certificate));
        let attributes = signer.signed_attributes.as_ref().unwrap();
        let named = ess_certificates(attributes).unwrap();
        assert_eq!(named[0].digest, pki.certificate.fingerprint());
        let digest = attributes.single(&names::ID_MESSAGE_DIGEST).unwrap();
        assert_eq!(
            digest.unwrap().octets().unwrap(),
            data.content_digest(DigestAlgorithm::Sha256).unwrap()
        );
        assert!(pki.certificate.public_key().unwrap().verify(
            signer.signature_algorithm.clone().unwrap(),
            SignatureInput::Message(&signer.signed_attributes_der().unwrap()),
            &signer.signature
        ));
    }

    #[test]
    fn certificates_and_policy_come_as_asked_and_the_imprint_keeps_its_parameters() {
        let pki = made();
        let mut asked = request();
        (asked.certificates, asked.policy, asked.nonce) = (false, Some(OTHER), None);
        let bytes = answer(&asked.to_der(), &authority(&pki), &[1], now()).unwrap();
        let token = read_response(&bytes, &asked).unwrap();
        assert!(token.signed_data().certificates().is_empty());
        assert_eq!(token.tst_info().policy, OTHER);
        let [with_null, bare] = written_imprints(&asked.message_imprint);
        let bare_request = der::sequence(&[&der::integer(1), &bare]);
        let bytes = answer(&bare_request, &authority(&pki), &[2], now()).unwrap();
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|w| w == part);
        assert!(holds(&bytes, &bare) && !holds(&bytes, &with_null));
    }

    fn failure_of(response: &[u8]) -> u8 {
        let mut fields = Reader::der(response)
            .sequence("TimeStampResp")
            .unwrap()
            .sequence("PKIStatusInfo")
            .unwrap();
        assert_eq!(fields.read("status").unwrap().u64().unwrap(), 2);
        fields.read("statusString").unwrap();
        let (bits, _) = fields.read("failInfo").unwrap().bits().unwrap();
        let byte = bits.iter().position(|b| *b != 0).unwrap();
        (byte * 8) as u8 + bits[byte].leading_zeros() as u8
    }

    #[test]
    fn a_request_with_any_byte_changed_or_its_end_missing_gets_an_answer() {
        let pki = made();
        let good = request().to_der();
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] ^= flip;
                let response = answer(&changed, &authority(&pki), &[1], now()).unwrap();
                let stamped = read_response(&response, &request()).is_ok();
                // Only the wish for certificates may change without the token being for another request.
                assert!(!stamped || at >= good.len() - 3, "byte {at}");
                let response = answer(&good[..at], &authority(&pki), &[1], now()).unwrap();
                assert!(read_response(&response, &request()).is_err());
            }
        }
    }

    #[test]
    fn what_cannot_be_stamped_is_rejected_with_its_reason() {
        let pki = made();
        let with = |change: &dyn Fn(&mut TimestampRequest)| {
            let mut asked = request();
            change(&mut asked);
            asked.to_der()
        };
        let imprint = request().message_imprint.to_der();
        let junk = der::sequence(&[
            Tlv::whole(Reader::der(&imprint), "imprint")
                .unwrap()
                .content(),
            &der::null(),
        ]);
        let extensions = der::implicit(0, &der::sequence(&[]));
        for (bytes, expected) in [
            (Vec::new(), Failure::BadDataFormat),
            (b"<html></html>".to_vec(), Failure::BadDataFormat),
            (request().to_der()[..40].to_vec(), Failure::BadDataFormat),
            (
                der::sequence(&[&der::integer(2), &imprint]),
                Failure::BadRequest,
            ),
            (
                der::sequence(&[&der::integer(1), &imprint, &der::utf8_string("x")]),
                Failure::BadRequest,
            ),
            (
                der::sequence(&[&der::integer(1), &imprint, &extensions]),
                Failure::UnacceptedExtension,
            ),
            (
                der::sequence(&[&der::integer(1), &junk]),
                Failure::BadDataFormat,
            ),
            (
                with(&|r| r.message_imprint.algorithm = DigestAlgorithm::Sha1),
                Failure::BadAlg,
            ),
            (
                with(&|r| r.message_imprint.digest.truncate(31)),
                Failure::BadDataFormat,
            ),
            (
                with(&|r| r.policy = Some(Oid::new(&[2, 999, 3]))),
                Failure::UnacceptedPolicy,
            ),
        ] {
            let response = answer(&bytes, &authority(&pki), &[1], now()).unwrap();
            assert_eq!(failure_of(&response), expected as u8, "{expected:?}");
            assert!(read_response(&response, &request()).is_err());
        }
    }
}
