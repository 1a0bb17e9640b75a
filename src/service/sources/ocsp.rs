//! OCSP answers, asked of the responders that certificates name (RFC 6960; nonces by RFC 9654).
//!
//! An answer is kept when its signature is of the issuer or of a responder that the issuer delegated to; any other is
//! handed over for `validation` to judge, and not kept. A responder that refuses nonces is asked without one.

use super::cache::{Answer, Cache};
use super::client::Post;
use super::{Deadline, Fetching, Source, first_good, random, wanted_certificates};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::ocsp::{CertId, request};
use crate::engine::pki::{Certificate, OcspResponse};
use crate::engine::syntax::asn1::{der, names};
use crate::engine::validation::Want;
use crate::engine::{Error, ErrorKind, Result, Time};
use std::time::Duration;

/// How long an answer is kept that does not say when the next one comes: "newer revocation information is available all
/// the time" (RFC 6960 §2.4).
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(60);
/// Answers with a whole chain take 5 KiB.
const MOST_BYTES: u64 = 128 * 1024;

/// Asks OCSP responders.
#[derive(Debug)]
pub struct OcspSource {
    fetching: Fetching,
    cache: Cache,
}

impl OcspSource {
    /// By this client, at this clock.
    pub fn new(fetching: Fetching) -> Self {
        OcspSource {
            fetching,
            cache: Cache::default(),
        }
    }

    fn ask(
        &self,
        url: &str,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Time,
        deadline: Deadline,
    ) -> Result<Answer> {
        let id = CertId::new(certificate, issuer, DigestAlgorithm::Sha1)?;
        let nonce = random::<32>()?;
        let response = match self.exchange(url, &id, Some(&nonce), deadline) {
            // The status says that the request was not liked; the nonce is what some do not know.
            Err(error) if error.kind() == ErrorKind::Refused => {
                self.exchange(url, &id, None, deadline)?
            }
            other => other?,
        };
        let lied = |problem| Err(Error::unavailable(super::shown(url), problem));
        let sent = der::octet_string(&nonce);
        if response.nonce().is_some_and(|nonce| nonce != sent) {
            return lied("answered with another nonce");
        }
        let Some(single) = response.response_for(certificate, issuer) else {
            return lied("answered about another certificate");
        };
        let kept = single.next_update.unwrap_or(now.plus(WITHOUT_NEXT_UPDATE));
        let origin = Origin::Fetched {
            url: url.to_string(),
            at: now,
        };
        Ok(Answer {
            this_update: single.this_update,
            until: is_vouched_for(&response, issuer).then_some(kept),
            objects: vec![Object::new(
                ObjectKind::OcspResponse,
                response.bytes().to_vec(),
                origin,
            )],
        })
    }

    /// One question and its answer; [`ErrorKind::Refused`] where the responder refuses to answer it.
    fn exchange(
        &self,
        url: &str,
        id: &CertId,
        nonce: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<OcspResponse> {
        let post = Post {
            content_type: "application/ocsp-request",
            body: &request(id, nonce),
            deadline: deadline.within(self.fetching.client.timeout()),
            answer_bytes: MOST_BYTES,
        };
        let bytes = self.fetching.client.post(url, &post)?;
        OcspResponse::from_der(&bytes).map_err(|error| {
            let (kind, problem) = match error.kind() {
                ErrorKind::Unavailable => (ErrorKind::Refused, error.problem().to_string()),
                _ => (
                    ErrorKind::Unavailable,
                    "answered something that is no OCSP response".to_string(),
                ),
            };
            Error::new(kind, super::shown(url), problem)
        })
    }
}

/// Whether the issuer, or one that it delegated to (RFC 6960 §4.2.2.2), signed `response`.
fn is_vouched_for(response: &OcspResponse, issuer: &Certificate) -> bool {
    let signed_by = |certificate: &Certificate| {
        certificate
            .public_key()
            .is_ok_and(|key| response.is_signed_by(key))
    };
    signed_by(issuer)
        || response.certificates().iter().any(|delegate| {
            delegate
                .extended_key_usage()
                .contains(&names::ID_KP_OCSP_SIGNING)
                && delegate.issuer() == issuer.subject()
                && issuer
                    .public_key()
                    .is_ok_and(|key| delegate.is_signed_by(key))
                && signed_by(delegate)
        })
}

impl Source for OcspSource {
    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Revocation { ocsp, .. } if ocsp.iter().any(|u| super::is_web(u)))
    }

    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        let Want::Revocation {
            ocsp, not_before, ..
        } = want
        else {
            return Ok(Vec::new());
        };
        let (certificate, issuer) = wanted_certificates(want, pool)?;
        let not_before = not_before.and_then(|second| Time::from_unix(second).ok());
        let now = self.fetching.clock.now();
        // Two certificates that claim one serial number of one issuer must not share an answer's place.
        let about = ObjectId::of(certificate.bytes());
        first_good(ocsp, |url| {
            let key = format!("{about} {} {url}", ObjectId::of(issuer.bytes()));
            self.cache.get(&key, not_before, now, || {
                self.ask(url, &certificate, &issuer, now, deadline)
            })
        })
    }
}
