//! One time-stamping authority: the exchange (RFC 3161 §2.4, §3.4), and what its settings demand of a token.

use super::breaker::Breaker;
use super::figures::{Counters, Health, Outcome};
use super::token::{ELEMENT, check_age, check_token, lied, path_of};
use super::{Stamped, Trusted};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, TimestampToken};
use crate::engine::syntax::asn1::Oid;
use crate::engine::validation::{Answer, timestamp_qualification};
use crate::engine::{Error, ErrorKind, Result};
use crate::service::config::TsaSettings;
use crate::service::sources::client::Post;
use crate::service::sources::jitter::Jitter;
use crate::service::sources::{Client, Deadline, Fetching, Folder, proxy, random};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The most bytes of an answer. Tokens with their chain take 3 to 7 KiB.
const MOST_BYTES: u64 = 64 * 1024;

/// One time-stamping authority.
pub struct TimestampAuthority {
    name: String,
    url: String,
    timeout: Duration,
    difference: Duration,
    accuracy: Option<Duration>,
    policy: Option<Oid>,
    digests: Vec<DigestAlgorithm>,
    /// Its own; none for those of `trusted`.
    anchors: Option<Anchors>,
    /// What its tokens may be signed with; none for all.
    pins: Vec<Certificate>,
    qualified: bool,
    authorization: Option<Zeroizing<String>>,
    trusted: Trusted,
    fetching: Fetching,
    breaker: Breaker,
    counters: Counters,
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
            difference: Duration::from_secs(settings.difference_seconds),
            accuracy: settings.accuracy_seconds.map(Duration::from_secs),
            policy: settings.policy()?,
            digests: settings.digests()?,
            anchors: match own.certificates() {
                [] => None,
                own => Some(Anchors::new(own.iter().cloned())),
            },
            pins: Folder::read(&settings.certificates)?
                .certificates()
                .to_vec(),
            qualified: settings.qualified,
            authorization: settings
                .credentials
                .as_deref()
                .map(proxy::authorization)
                .transpose()?,
            trusted,
            fetching: identified(settings, fetching)?,
            breaker: Breaker::new(settings.failures, Jitter::System),
            counters: Counters::default(),
        })
    }

    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The digests that it stamps, the preferred first; none where it is not said.
    pub fn digests(&self) -> &[DigestAlgorithm] {
        &self.digests
    }

    /// How it does.
    pub fn health(&self) -> Health {
        let (breaker, failures_in_a_row) = self.breaker.standing(self.fetching.clock.now());
        Health {
            name: self.name.clone(),
            breaker,
            failures_in_a_row,
            figures: self.counters.figures(),
        }
    }

    /// A token over `imprint`, checked. It is not asked while it is left alone, nor for a digest that it does not stamp.
    pub fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        self.stamp(imprint).map(|stamped| stamped.token)
    }

    /// The same with the path that the token was checked by.
    pub(super) fn stamp(&self, imprint: &MessageImprint) -> Result<Stamped> {
        if !self.digests.is_empty() && !self.digests.contains(&imprint.algorithm) {
            let problem = format!("does not stamp {}", imprint.algorithm);
            return Err(self.named(&Error::unavailable(ELEMENT, problem)));
        }
        let clock = &self.fetching.clock;
        let Some(leave) = self.breaker.admit(clock.now()) else {
            self.counters.passed_over();
            let problem = "failed lately and is not asked again yet";
            return Err(self.named(&Error::unavailable(ELEMENT, problem)));
        };
        let begun = Instant::now();
        let outcome = self.exchange(imprint);
        let counted = match &outcome {
            Ok(_) => Outcome::Stamped,
            // It is there, and says that this digest is not for it: that is the asker's doing.
            Err(error) if error.kind() == ErrorKind::Unsupported && error.element() == ELEMENT => {
                Outcome::Declined
            }
            Err(_) => Outcome::Failed,
        };
        self.counters.asked(counted, begun.elapsed());
        match counted {
            Outcome::Failed => leave.failed(clock.now()),
            Outcome::Stamped | Outcome::Declined => leave.succeeded(),
        }
        outcome.map_err(|error| self.named(&error))
    }

    fn exchange(&self, imprint: &MessageImprint) -> Result<Stamped> {
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
            authorization: self.authorization.as_ref().map(|value| value.as_str()),
        };
        let response = self.fetching.client.post(&self.url, &post)?;
        let token = read_response(&response, &request)?;
        let path = self.check(&token)?;
        Ok(Stamped {
            authority: self.name.clone(),
            token,
            path,
        })
    }

    /// Checks all but what [`read_response`] holds against the request. Answers the path; empty where no anchors are known.
    fn check(&self, token: &TimestampToken) -> Result<Vec<Certificate>> {
        let certificate = check_token(token)?;
        check_age(token, self.fetching.clock.now(), self.difference)?;
        if !self.pins.is_empty() && !self.pins.contains(&certificate) {
            return Err(lied("under another certificate than the ones it may use")
                .remedy("If the authority changed its certificate, add it to tsa.certificates."));
        }
        let stated = token.tst_info().accuracy;
        if (self.accuracy).is_some_and(|least| stated.is_none_or(|stated| stated > least)) {
            return Err(lied("that does not state the accuracy that is wanted"));
        }
        let policy = (self.trusted)();
        let anchors = self.anchors.as_ref().unwrap_or(&policy.anchors);
        let path = match path_of(&certificate, token, anchors) {
            Some(path) => path,
            None if anchors.is_empty() && !self.qualified => Vec::new(),
            None => {
                return Err(lied("whose certificate leads to no trust anchor")
                    .remedy("Name the authority's root in its anchors."));
            }
        };
        let time = token.tst_info().gen_time;
        if self.qualified && timestamp_qualification(&path, &policy, time) != Answer::Yes {
            return Err(lied("that no trusted list says is qualified").remedy(
                "Refresh the trusted lists, name its root in trust.qualified, or do not demand it.",
            ));
        }
        Ok(path)
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
    pub(super) fn is_resting(&self) -> bool {
        self.health().breaker == super::BreakerState::Open
    }
}

/// The same way of fetching, with the certificate of ours that the authority wants to see.
fn identified(settings: &TsaSettings, fetching: Fetching) -> Result<Fetching> {
    let (Some(certificate), Some(key)) = (&settings.client_certificate, &settings.client_key)
    else {
        return Ok(fetching);
    };
    let client: Client = fetching.client.presenting(certificate, key)?;
    Ok(Fetching {
        client: Arc::new(client),
        ..fetching
    })
}
