//! Clients of time-stamping authorities (RFC 3161 §2.4, §3.4): several in order, none trusted beyond its answer.
//!
//! A token is handed out only when its status, imprint, nonce and policy are those asked for, its signature verifies
//! under a certificate whose one critical purpose is time-stamping, that was valid then and leads to an anchor, and its
//! time is near ours. Whether that certificate was revoked is judged by `validation`, like everything about a token that
//! is in a document.

use super::client::Post;
use super::jitter::pause;
use super::{Deadline, Fetching, Folder, random};
use crate::engine::crypto::{SignatureInput, digest};
use crate::engine::pki::cms::{SignerInfo, ess_certificates};
use crate::engine::pki::path::{Inputs, Search, SignatureChecks, validate};
use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, Certificates, TimestampToken};
use crate::engine::syntax::asn1::{Oid, names};
use crate::engine::validation::Policy;
use crate::engine::{Error, Result, Time};
use crate::service::config::TsaSettings;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const ELEMENT: &str = "time-stamping authority";

/// The most bytes of an answer. Tokens with their chain take 3 to 7 KiB.
const MOST_BYTES: u64 = 64 * 1024;
/// How far an authority's time may be from ours.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Certificates that are tried for the path of one token.
const PATH_STEPS: u32 = 200;

/// By what policy a service trusts; asked for each token, since anchors come and go.
pub type Trusted = Arc<dyn Fn() -> Arc<Policy> + Send + Sync>;

/// One time-stamping authority.
pub struct TimestampAuthority {
    name: String,
    url: String,
    timeout: Duration,
    policy: Option<Oid>,
    /// Its own; none for those of `trusted`.
    anchors: Option<Anchors>,
    trusted: Trusted,
    fetching: Fetching,
    /// Failures in a row, and when the last one was.
    failures: Mutex<(u32, Option<Time>)>,
}

impl fmt::Debug for TimestampAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimestampAuthority({})", self.name)
    }
}

impl TimestampAuthority {
    /// The authority of these settings. Its certificate must lead to one of its own anchors, or of those that are
    /// `trusted` then where it has none; where there are none at all, the path is not looked at.
    pub fn new(settings: &TsaSettings, fetching: Fetching, trusted: Trusted) -> Result<Self> {
        let own = Folder::read(&settings.anchors)?;
        Ok(TimestampAuthority {
            name: settings.name.clone(),
            url: settings.url.clone(),
            timeout: settings.timeout(),
            policy: settings
                .policy
                .as_deref()
                .map(Oid::from_dotted)
                .transpose()?,
            anchors: match own.certificates() {
                [] => None,
                own => Some(Anchors::new(own.iter().cloned())),
            },
            trusted,
            fetching,
            failures: Mutex::default(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A token over `imprint`.
    pub fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        let outcome = self.exchange(imprint).map_err(|error| self.named(&error));
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = match &outcome {
            Ok(_) => (0, None),
            Err(_) => (
                failures.0.saturating_add(1),
                Some(self.fetching.clock.now()),
            ),
        };
        outcome
    }

    fn exchange(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        let mut nonce = random::<8>()?;
        // A positive INTEGER in as few octets as it needs.
        nonce[0] = nonce[0] & 0x7f | 0x40;
        let request = TimestampRequest {
            message_imprint: imprint.clone(),
            policy: self.policy,
            nonce: Some(nonce.to_vec()),
            certificates: true,
        };
        let post = Post {
            content_type: "application/timestamp-query",
            body: &request.to_der(),
            deadline: Deadline::after(self.timeout),
            answer_bytes: MOST_BYTES,
            authorization: None,
        };
        let answer = self.fetching.client.post(&self.url, &post)?;
        let token = read_response(&answer, &request)?;
        let certificate = check_token(&token, self.fetching.clock.now())?;
        let policy = (self.trusted)();
        let anchors = self.anchors.as_ref().unwrap_or(&policy.anchors);
        if !anchors.is_empty() && !leads_to(&certificate, &token, anchors) {
            return Err(Error::unavailable(
                ELEMENT,
                "answered with a token whose certificate leads to no trust anchor",
            )
            .remedy("Name the authority's root in its anchors."));
        }
        Ok(token)
    }

    /// The same error, of this authority.
    fn named(&self, error: &Error) -> Error {
        let element = format!("time-stamping authority {:?}", self.name);
        let problem = if error.element() == ELEMENT {
            error.problem().to_string()
        } else {
            format!("{}: {}", error.element(), error.problem())
        };
        let named = Error::unavailable(element, problem);
        match error.remedy_text() {
            Some(remedy) => named.remedy(remedy.to_string()),
            None => named,
        }
    }

    /// Whether it failed so lately that it is not worth the wait.
    fn is_resting(&self) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.fetching.clock.now();
        matches!(*failures, (count, Some(at)) if now.since(at) < pause(count))
    }
}

/// The authorities of a seal, asked in their order.
#[derive(Debug, Clone, Default)]
pub struct TimestampAuthorities(pub Vec<Arc<TimestampAuthority>>);

impl TimestampAuthorities {
    /// All authorities of the configuration; [`TimestampAuthorities::named`] picks those of a seal.
    pub fn configured(
        settings: &[TsaSettings],
        fetching: &Fetching,
        trusted: &Trusted,
    ) -> Result<Self> {
        let one = |one| TimestampAuthority::new(one, fetching.clone(), trusted.clone());
        let all = settings.iter().map(|settings| one(settings).map(Arc::new));
        all.collect::<Result<_>>().map(TimestampAuthorities)
    }

    /// The authorities of these names, in this order. They are shared: one that rests, rests for all seals.
    #[must_use]
    pub fn named(&self, names: &[String]) -> Self {
        let find = |name: &String| self.0.iter().find(|a| a.name == *name).cloned();
        TimestampAuthorities(names.iter().filter_map(find).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A token over `imprint` from the first authority that gives one. Authorities that failed lately are passed over,
    /// so that one that is down does not slow every seal.
    pub fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        let mut failure = None;
        for authority in self.0.iter().filter(|a| !a.is_resting()) {
            match authority.timestamp(imprint) {
                Ok(token) => return Ok(token),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            Error::unavailable(
                ELEMENT,
                if self.0.is_empty() {
                    "none is configured"
                } else {
                    "every one failed lately and is not asked again yet"
                },
            )
        }))
    }
}

/// Checks what a token says about itself (RFC 3161 §2.3, §2.4.2; RFC 5816 §2.2.1): one signer, whose certificate is
/// inside and named by a signed attribute, whose signature is over this content, whose one critical purpose is
/// time-stamping, and that was valid at a time near `now`. Answers the certificate.
pub fn check_token(token: &TimestampToken, now: Time) -> Result<Certificate> {
    let lied = |problem: &str| {
        Err(Error::unavailable(
            ELEMENT,
            format!("answered with a token {problem}"),
        ))
    };
    let data = token.signed_data();
    let [signer] = data.signer_infos() else {
        return lied("of more than one signer or none");
    };
    let Some(certificate) = data.certificates().iter().find(|c| signer.sid.names(c)) else {
        return lied("without its certificate");
    };
    if !is_signed(token, signer, certificate)? {
        return lied("whose signature does not verify");
    }
    let purposes = certificate.extended_key_usage();
    let critical = certificate
        .extension(&names::ID_CE_EXT_KEY_USAGE)
        .is_some_and(|extension| extension.critical);
    if purposes != [names::ID_KP_TIME_STAMPING] || !critical {
        return lied("under a certificate that is not for time-stamping");
    }
    let time = token.tst_info().gen_time;
    let validity = certificate.validity();
    if time < validity.not_before || time > validity.not_after {
        return lied("under a certificate that was not valid then");
    }
    if time.since(now).max(now.since(time)) > TOLERANCE {
        return lied("whose time is more than five minutes from ours");
    }
    Ok(certificate.clone())
}

/// Whether a path that held at the token's time leads from `certificate`, by way of the token's certificates, to an anchor.
fn leads_to(certificate: &Certificate, token: &TimestampToken, anchors: &Anchors) -> bool {
    let mut pool = Certificates::default();
    for inside in token.signed_data().certificates() {
        pool.add(inside.clone());
    }
    let (inputs, at) = (Inputs::default(), token.tst_info().gen_time);
    let (mut checks, mut found) = (SignatureChecks::default(), false);
    let mut search = Search {
        pool: &pool,
        anchors,
        inputs: &inputs,
        at,
        checks: &mut checks,
        steps: PATH_STEPS,
    };
    search.paths(certificate, &mut |path, checks| {
        found = anchors
            .end_of(path, at)
            .is_some_and(|(below, anchor)| validate(below, anchor, at, &inputs, checks).is_ok());
        if found {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

fn is_signed(
    token: &TimestampToken,
    signer: &SignerInfo,
    certificate: &Certificate,
) -> Result<bool> {
    let Some(attributes) = &signer.signed_attributes else {
        return Ok(false);
    };
    let digest_algorithm = signer.digest_algorithm.clone()?;
    let content = token.signed_data().content_digest(digest_algorithm);
    let message_digest = match attributes.single(&names::ID_MESSAGE_DIGEST)? {
        Some(value) => Some(value.octets()?.into_owned()),
        None => None,
    };
    let content_type = match attributes.single(&names::ID_CONTENT_TYPE)? {
        Some(value) => Some(value.oid()?),
        None => None,
    };
    let named = ess_certificates(attributes)?;
    let own = named
        .first()
        .is_some_and(|first| digest(first.digest_algorithm, certificate.bytes()) == first.digest);
    if !own || message_digest != content || content_type != Some(names::ID_CT_TST_INFO) {
        return Ok(false);
    }
    let (key, algorithm) = (
        certificate.public_key()?,
        signer.signature_algorithm.clone()?,
    );
    let signed = signer.signed_attributes_der().unwrap_or_default();
    Ok(key.verify(
        algorithm,
        SignatureInput::Message(&signed),
        &signer.signature,
    ))
}
