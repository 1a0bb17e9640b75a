//! Answers OCSP requests (RFC 6960 §4.2; RFC 9654 for the nonce).
//!
//! In: the request as received, the responder, and what is known of each serial number. Out: an `OCSPResponse`, an
//! error status included; an `Err` only where the responder's own key fails.

use super::extension::to_der;
use super::{key_identifier, signed};
use crate::engine::crypto::Signer;
use crate::engine::error::Result;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::Extension;
use crate::engine::pki::ocsp::{CertId, CertStatus, read_request};
use crate::engine::syntax::asn1::{Reader, Tag, Tlv, der, names};
use crate::engine::time::Time;
use std::fmt;
use std::time::Duration;

/// More certificates than this in one request are refused; the signature of an answer costs the same for all of them.
const MOST_CERTIFICATES: usize = 64;

/// How a responder names itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentifiedBy {
    /// Its subject name.
    Name,
    /// The SHA-1 of its key.
    Key,
}

/// Who answers.
pub struct Responder<'a> {
    /// The issuer of the certificates it answers for.
    pub issuer: &'a Certificate,
    /// Its own certificate: the issuer's, or one that the issuer delegated to with `id-kp-OCSPSigning` (§4.2.2.2).
    pub certificate: &'a Certificate,
    /// Its key.
    pub signer: &'a dyn Signer,
    /// How it names itself.
    pub identified_by: IdentifiedBy,
    /// For how long an answer is good.
    pub lifetime: Duration,
}

impl fmt::Debug for Responder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Responder({})", self.certificate.subject())
    }
}

/// `OCSPResponseStatus` other than successful (§4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Refusal {
    MalformedRequest = 1,
    InternalError = 2,
    TryLater = 3,
    SigRequired = 5,
    Unauthorized = 6,
}

/// The response that refuses to answer.
pub fn refuse(refusal: Refusal) -> Vec<u8> {
    der::sequence(&[&der::enumerated(refusal as u8)])
}

/// The response to `request` at `now`. `status` answers for the serial numbers (content octets) of the issuer;
/// certificates of other issuers are unknown (§2.2).
pub fn answer(
    request: &[u8],
    responder: &Responder<'_>,
    status: &dyn Fn(&[u8]) -> CertStatus,
    now: Time,
) -> Result<Vec<u8>> {
    let Ok((ids, nonce)) = read_request(request) else {
        return Ok(refuse(Refusal::MalformedRequest));
    };
    if !(1..=MOST_CERTIFICATES).contains(&ids.len())
        || nonce.as_deref().is_some_and(|nonce| !is_nonce(nonce))
    {
        return Ok(refuse(Refusal::MalformedRequest));
    }
    let singles: Vec<_> = ids
        .iter()
        .map(|id| {
            let known = if id.is_issued_by(responder.issuer) {
                status(&id.serial)
            } else {
                CertStatus::Unknown
            };
            single_response(id, known, now, responder.lifetime)
        })
        .collect();
    let data = response_data(responder, &singles, nonce, now)?;
    respond(&data, responder)
}

/// RFC 9654 §2.1: an OCTET STRING of 1 to 128 octets; a request with any other "MUST" be refused as malformed.
fn is_nonce(value: &[u8]) -> bool {
    Tlv::whole(Reader::der(value), "nonce").is_ok_and(|nonce| {
        nonce.tag() == Tag::OCTET_STRING && (1..=128).contains(&nonce.content().len())
    })
}

/// `SingleResponse`; its times are of whole seconds (RFC 5280 §4.1.2.5.2).
fn single_response(id: &CertId, status: CertStatus, now: Time, lifetime: Duration) -> Vec<u8> {
    let status = match status {
        CertStatus::Good => der::implicit(0, &der::null()),
        CertStatus::Unknown => der::implicit(2, &der::null()),
        CertStatus::Revoked { time, reason } => {
            let reason = reason.map(|r| der::explicit(0, &der::enumerated(r.number())));
            let info = der::sequence(&[
                &der::generalized_time(time),
                reason.as_deref().unwrap_or_default(),
            ]);
            der::implicit(1, &info)
        }
    };
    der::sequence(&[
        &id.to_der(),
        &status,
        &der::generalized_time(now),
        &der::explicit(0, &der::generalized_time(now.plus(lifetime))),
    ])
}

/// `ResponseData` (§4.2.1): what is signed.
fn response_data(
    responder: &Responder<'_>,
    singles: &[Vec<u8>],
    nonce: Option<Vec<u8>>,
    now: Time,
) -> Result<Vec<u8>> {
    let id = match responder.identified_by {
        IdentifiedBy::Name => der::explicit(1, responder.certificate.subject().bytes()),
        IdentifiedBy::Key => {
            let key = key_identifier(responder.certificate.spki())?;
            der::explicit(2, &der::octet_string(&key))
        }
    };
    let extensions = nonce.map(|value| {
        let nonce = Extension {
            id: names::ID_PKIX_OCSP_NONCE,
            critical: false,
            value,
        };
        der::explicit(1, &der::sequence(&[&to_der(&nonce)]))
    });
    Ok(der::sequence(&[
        &id,
        &der::generalized_time(now),
        &der::sequence_of(singles),
        extensions.as_deref().unwrap_or_default(),
    ]))
}

/// The signed response, with the responder's certificate where the issuer did not sign it itself.
fn respond(data: &[u8], responder: &Responder<'_>) -> Result<Vec<u8>> {
    let signed = signed(data, responder.signer)?;
    let fields = Tlv::whole(Reader::der(&signed), "BasicOCSPResponse")?;
    let certificates = if responder.certificate == responder.issuer {
        Vec::new()
    } else {
        der::explicit(0, &der::sequence(&[responder.certificate.bytes()]))
    };
    let basic = der::sequence(&[fields.content(), &certificates]);
    let bytes = der::sequence(&[
        &der::oid(&names::ID_PKIX_OCSP_BASIC),
        &der::octet_string(&basic),
    ]);
    Ok(der::sequence(&[
        &der::enumerated(0),
        &der::explicit(0, &bytes),
    ]))
}

#[cfg(test)]
mod tests {
    use super::super::extension as ext;
    use super::super::test::{Pki, now, pki};
    use super::*;
    use crate::engine::crypto::DigestAlgorithm;
    use crate::engine::pki::OcspResponse;
    use crate::engine::pki::crl::RevocationReason;
    use crate::engine::pki::ocsp::request;

    fn made() -> Pki {
        pki(vec![
            ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
            ext::ocsp_nocheck(),
        ])
    }

    fn responder(pki: &Pki, identified_by: IdentifiedBy) -> Responder<'_> {
        Responder {
            issuer: &pki.ca,
            certificate: &pki.certificate,
            signer: &pki.key,
            identified_by,
            lifetime: Duration::from_secs(600),
        }
    }

    fn id(pki: &Pki, serial: u8, digest: DigestAlgorithm) -> CertId {
        let mut id = CertId::new(&pki.certificate, &pki.ca, digest).unwrap();
        id.serial = vec![serial];
        id
    }

    fn status(serial: &[u8]) -> CertStatus {
        match serial {
            [1] => CertStatus::Good,
            [2] => CertStatus::Revoked {
                time: now(),
                reason: Some(RevocationReason::Superseded),
            },
            _ => CertStatus::Unknown,
        }
    }

    #[test]
    fn several_certificates_are_answered_in_order_and_the_nonce_comes_back() {
        let pki = made();
        for by in [IdentifiedBy::Name, IdentifiedBy::Key] {
            let mut foreign = id(&pki, 1, DigestAlgorithm::Sha1);
            foreign.issuer_key[0] ^= 1;
            let ids = [
                id(&pki, 1, DigestAlgorithm::Sha1),
                id(&pki, 2, DigestAlgorithm::Sha256),
                id(&pki, 3, DigestAlgorithm::Sha1),
                foreign,
            ];
            let one = request(&ids[0], Some(&[7; 32]));
            let list: Vec<_> = ids.iter().map(|i| der::sequence(&[&i.to_der()])).collect();
            let mut outer = Reader::der(&one)
                .sequence("request")
                .unwrap()
                .sequence("tbs")
                .unwrap();
            outer.read("list").unwrap();
            let several =
                der::sequence(&[&der::sequence(&[&der::sequence_of(&list), outer.rest()])]);
            let bytes = answer(&several, &responder(&pki, by), &status, now()).unwrap();
            let read = OcspResponse::from_der(&bytes).unwrap();
            assert!(read.is_signed_by(pki.certificate.public_key().unwrap()));
            assert!(read.responder().names(&pki.certificate));
            assert!(!read.responder().names(&pki.ca));
            assert_eq!(read.certificates(), std::slice::from_ref(&pki.certificate));
            assert_eq!(read.nonce(), Some(&*der::octet_string(&[7; 32])));
            assert_eq!(read.produced_at(), now());
            let answers: Vec<_> = read.responses().iter().map(|r| r.status).collect();
            let expected = [
                status(&[1]),
                status(&[2]),
                status(&[3]),
                CertStatus::Unknown,
            ];
            assert_eq!(answers, expected);
            assert_eq!(read.responses()[1].cert_id, ids[1]);
            assert_eq!(
                read.responses()[0].next_update,
                Some(now().plus(Duration::from_secs(600)))
            );
        }
    }

    #[test]
    fn the_issuer_itself_answers_without_a_certificate() {
        let pki = made();
        let own = Responder {
            certificate: &pki.ca,
            signer: &pki.ca_key,
            ..responder(&pki, IdentifiedBy::Key)
        };
        let asked = request(&id(&pki, 1, DigestAlgorithm::Sha1), None);
        let read = OcspResponse::from_der(&answer(&asked, &own, &status, now()).unwrap()).unwrap();
        assert!(read.certificates().is_empty());
        assert!(read.nonce().is_none());
        assert!(read.is_signed_by(pki.ca.public_key().unwrap()));
    }

    #[test]
    fn a_request_with_any_byte_changed_or_its_end_missing_gets_an_answer() {
        let pki = made();
        let good = request(&id(&pki, 1, DigestAlgorithm::Sha1), Some(&[7; 32]));
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] ^= flip;
                for bytes in [&changed[..], &good[..at]] {
                    let by = responder(&pki, IdentifiedBy::Name);
                    let answer = answer(bytes, &by, &status, now()).unwrap();
                    assert_eq!(answer.first(), Some(&0x30));
                }
            }
        }
    }

    #[test]
    fn nonsense_is_answered_with_malformed_request() {
        let pki = made();
        let one = id(&pki, 1, DigestAlgorithm::Sha1);
        let good = request(&one, None);
        let many: Vec<_> = (0..=MOST_CERTIFICATES)
            .map(|_| der::sequence(&[&one.to_der()]))
            .collect();
        for bad in [
            Vec::new(),
            b"<html>".to_vec(),
            good[..good.len() - 1].to_vec(),
            request(&one, Some(&[])),
            request(&one, Some(&[1; 129])),
            der::sequence(&[&der::sequence(&[&der::sequence(&[])])]),
            der::sequence(&[&der::sequence(&[&der::sequence_of(&many)])]),
        ] {
            let bytes = answer(&bad, &responder(&pki, IdentifiedBy::Key), &status, now()).unwrap();
            assert_eq!(bytes, refuse(Refusal::MalformedRequest));
        }
        assert_eq!(
            OcspResponse::from_der(&refuse(Refusal::TryLater))
                .unwrap_err()
                .problem(),
            "answered tryLater"
        );
    }
}
