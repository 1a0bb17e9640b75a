//! OCSP answers, asked of the responders that certificates name (RFC 6960; nonces by RFC 9654).
//!
//! An answer is kept when its signature is of the issuer or of a responder that the issuer delegated to; any other is
//! handed over for `validation` to judge, and not kept. A responder that refuses nonces is asked without one.

use super::cache::{Answer, Ask, Cache, Fresh};
use super::client::{Client, Get, Post, Validators};
use super::encoding::plain;
use super::{
    Deadline, Fetching, Refreshable, Source, first_good, random, shown, wanted_certificates,
};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::ocsp::{CertId, request};
use crate::engine::pki::{Certificate, OcspResponse};
use crate::engine::syntax::asn1::{der, names};
use crate::engine::validation::Want;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::config::{NonceRule, OcspSettings};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::time::Duration;

/// How long an answer is kept that does not say when the next one comes: "newer revocation information is available all
/// the time" (RFC 6960 §2.4).
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(60);
/// Answers with a whole chain take 5 KiB.
const MOST_BYTES: u64 = 128 * 1024;

/// The longest question that goes by GET, with the address before it (RFC 5019 §5).
const GET_BYTES: usize = 255;

/// The element of the error of a responder that gives no answer.
const REFUSAL: &str = "OCSP responder";

/// Asks OCSP responders.
#[derive(Debug)]
pub struct OcspSource {
    fetching: Fetching,
    settings: OcspSettings,
    cache: Arc<Cache>,
}

impl OcspSource {
    /// By this client, at this clock, as `settings` say.
    pub fn new(fetching: Fetching, settings: &OcspSettings) -> Self {
        OcspSource {
            cache: Arc::new(Cache::new("ocsp", &fetching)),
            settings: settings.clone(),
            fetching,
        }
    }
}

/// A question to a responder about one certificate.
#[derive(Debug, Clone)]
pub struct OcspQuestion {
    /// Whom to ask: an address of HTTP.
    pub url: String,
    /// The certificate that is asked about.
    pub certificate: Certificate,
    /// Its issuer.
    pub issuer: Certificate,
    /// How it is asked.
    pub settings: OcspSettings,
}

impl OcspQuestion {
    /// Asks, until `deadline`. What comes is about the certificate and, where it holds a nonce, to this question; by whom
    /// it is signed is not looked at.
    ///
    /// Errors: `Unavailable` where the responder cannot be reached, refuses, or answers something else.
    pub fn ask(&self, client: &Client, deadline: Deadline) -> Result<OcspResponse> {
        let algorithm = match self.settings.sha256 {
            true => DigestAlgorithm::Sha256,
            false => DigestAlgorithm::Sha1,
        };
        let id = CertId::new(&self.certificate, &self.issuer, algorithm)?;
        let nonce = match self.settings.nonce {
            NonceRule::Never => None,
            NonceRule::Offered | NonceRule::Required => Some(random::<32>()?),
        };
        let question = |nonce: Option<&[u8]>| request(&id, nonce);
        let nonce = nonce.as_ref().map(|n| &n[..]);
        let asked = match (nonce, self.get_url(&question(None))) {
            // A responder that knows POST alone gets the same question again.
            (None, Some(url)) => self
                .by_get(client, &url, deadline)
                .or_else(|_| self.by_post(client, &question(None), deadline)),
            _ => match self.by_post(client, &question(nonce), deadline) {
                // The status says that the request was not liked; the nonce is what some do not know.
                Err(error)
                    if error.kind() == ErrorKind::Refused
                        && self.settings.nonce == NonceRule::Offered =>
                {
                    self.by_post(client, &question(None), deadline)
                }
                other => other,
            },
        };
        let response = asked.map_err(|error| match error.kind() {
            ErrorKind::Refused if error.element() == REFUSAL => {
                Error::unavailable(shown(&self.url), error.problem().to_string())
            }
            _ => error,
        })?;
        let lied = |problem| Err(Error::unavailable(shown(&self.url), problem));
        let sent = nonce.map(der::octet_string);
        match response.nonce() {
            Some(nonce) if sent.as_deref() != Some(nonce) => {
                return lied("answered with another nonce");
            }
            None if self.settings.nonce == NonceRule::Required => {
                return lied("answered without the nonce");
            }
            _ => {}
        }
        if response
            .response_for(&self.certificate, &self.issuer)
            .is_none()
        {
            return lied("answered about another certificate");
        }
        Ok(response)
    }

    /// The address of a question that is short enough for GET (RFC 6960 §A.1), so that a cache on the way may answer it.
    fn get_url(&self, question: &[u8]) -> Option<String> {
        let url = self.url.trim_end_matches('/');
        let url = format!("{url}/{}", escaped(&STANDARD.encode(question)));
        (url.len() <= GET_BYTES && !self.url.contains('?')).then_some(url)
    }

    fn by_get(&self, client: &Client, url: &str, deadline: Deadline) -> Result<OcspResponse> {
        let get = Get {
            url,
            known: None,
            most_bytes: MOST_BYTES,
            deadline: deadline.within(client.timeout()),
        };
        let mut body = Vec::new();
        client.fetch(&get, &mut body)?;
        self.read(&body)
    }

    fn by_post(
        &self,
        client: &Client,
        question: &[u8],
        deadline: Deadline,
    ) -> Result<OcspResponse> {
        let post = Post {
            content_type: "application/ocsp-request",
            body: question,
            deadline: deadline.within(client.timeout()),
            answer_bytes: MOST_BYTES,
            authorization: None,
        };
        self.read(&client.post(&self.url, &post)?)
    }

    /// An answer; [`ErrorKind::Refused`] where it is that the responder refuses to give one.
    fn read(&self, bytes: &[u8]) -> Result<OcspResponse> {
        OcspResponse::from_der(&plain(bytes)).map_err(|error| match error.kind() {
            ErrorKind::Unavailable => Error::refused(REFUSAL, error.problem().to_string()),
            _ => Error::unavailable(
                shown(&self.url),
                "answered something that is no OCSP response",
            ),
        })
    }

    /// The same as an answer that may be kept.
    fn fresh(&self, client: &Client, ask: Ask<'_>) -> Result<Fresh> {
        let response = self.ask(client, ask.deadline)?;
        let single = response
            .response_for(&self.certificate, &self.issuer)
            .ok_or_else(|| Error::internal("OCSP response", "changed under our eyes"))?;
        let (this_update, next_update) = (single.this_update, single.next_update);
        let kept = next_update.unwrap_or(ask.now.plus(WITHOUT_NEXT_UPDATE));
        let origin = Origin::Fetched {
            url: self.url.clone(),
            at: ask.now,
        };
        Ok(Fresh::New(Answer {
            this_update,
            until: OcspSigner::of(&response, &self.issuer).map(|_| kept),
            objects: vec![Object::new(
                ObjectKind::OcspResponse,
                response.bytes().to_vec(),
                origin,
            )],
            validators: Validators::default(),
        }))
    }
}

/// Base64 in the path of an address.
fn escaped(base64: &str) -> String {
    let escaped = base64.replace('+', "%2B").replace('/', "%2F");
    escaped.replace('=', "%3D")
}

/// Who signed an answer, of those who may (RFC 6960 §4.2.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum OcspSigner {
    Issuer,
    Delegate,
}

impl OcspSigner {
    /// Who signed `response` about certificates of `issuer`; nothing where that is nobody of these. Whether a delegate was
    /// valid then, and not revoked, is for validation.
    pub fn of(response: &OcspResponse, issuer: &Certificate) -> Option<OcspSigner> {
        let signed_by = |certificate: &Certificate| {
            certificate
                .public_key()
                .is_ok_and(|key| response.is_signed_by(key))
        };
        let is_delegate = |delegate: &&Certificate| {
            delegate
                .extended_key_usage()
                .contains(&names::ID_KP_OCSP_SIGNING)
                && delegate.issuer() == issuer.subject()
                && issuer
                    .public_key()
                    .is_ok_and(|key| delegate.is_signed_by(key))
        };
        if signed_by(issuer) {
            return Some(OcspSigner::Issuer);
        }
        let mut delegates = response.certificates().iter().filter(is_delegate);
        delegates.any(signed_by).then_some(OcspSigner::Delegate)
    }
}

impl Source for OcspSource {
    fn refreshed(&self) -> Option<Arc<dyn Refreshable>> {
        Some(self.cache.clone())
    }

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
        // Two certificates that claim one serial number of one issuer must not share an answer's place.
        let about = ObjectId::of(certificate.bytes());
        first_good(ocsp, |url| {
            let key = format!("{about} {} {url}", ObjectId::of(issuer.bytes()));
            let question = OcspQuestion {
                url: url.to_string(),
                certificate: certificate.clone(),
                issuer: issuer.clone(),
                settings: self.settings.clone(),
            };
            let client = self.fetching.client.clone();
            self.cache.get(&key, not_before, deadline, move |ask| {
                question.fresh(&client, ask)
            })
        })
    }
}
