//! Clients of time-stamping authorities (RFC 3161 §2.4, §3.4): several in order, none trusted beyond its answer.
//!
//! A token is handed out only when its status, imprint, nonce and policy are those asked for, and it passes what `token`
//! checks and what the authority's settings demand. One that fails again and again is left alone for a while (`breaker`), so
//! that one that is down does not slow every seal.

mod authority;
mod breaker;
mod figures;
mod token;

pub use authority::TimestampAuthority;
pub use breaker::BreakerState;
pub use figures::{Figures, Health, print as timestamping_metrics};
pub use token::{check_token, path_of};

use super::Fetching;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::pki::{Certificate, TimestampToken};
use crate::engine::validation::Policy;
use crate::engine::{Error, Result};
use crate::service::config::TsaSettings;
use std::sync::Arc;
use token::ELEMENT;

/// By what policy a service trusts; asked for each token, since anchors come and go.
pub type Trusted = Arc<dyn Fn() -> Arc<Policy> + Send + Sync>;

/// A token that was checked.
#[derive(Debug, Clone)]
pub struct Stamped {
    /// The name of the authority that gave it.
    pub authority: String,
    /// The token.
    pub token: TimestampToken,
    /// The path of its certificate, the anchor last; empty where no anchors are known.
    pub path: Vec<Certificate>,
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
        let find = |name: &String| self.0.iter().find(|a| a.name() == name).cloned();
        TimestampAuthorities(names.iter().filter_map(find).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The digest to have stamped where the caller does not mind: what the first authority prefers, or SHA-256.
    pub fn preferred_digest(&self) -> DigestAlgorithm {
        let first = self.0.first().and_then(|a| a.digests().first());
        first.copied().unwrap_or(DigestAlgorithm::Sha256)
    }

    /// A token over `imprint` from the first authority that gives one. Authorities that failed lately are passed over,
    /// so that one that is down does not slow every seal.
    pub fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        self.stamp(imprint).map(|stamped| stamped.token)
    }

    /// The same, with who gave it and the path that it was checked by.
    pub fn stamp(&self, imprint: &MessageImprint) -> Result<Stamped> {
        let mut failure = None;
        for authority in &self.0 {
            match authority.stamp(imprint) {
                Ok(stamped) => return Ok(stamped),
                Err(error) => {
                    tracing::warn!(%error, "no time-stamp");
                    failure = Some(error);
                }
            }
        }
        Err(failure.unwrap_or_else(|| {
            Error::unavailable(ELEMENT, "none is configured")
                .remedy("Add a [[tsa]] to the configuration.")
        }))
    }

    /// How each of them does.
    pub fn health(&self) -> Vec<Health> {
        self.0.iter().map(|a| a.health()).collect()
    }

    /// Whether there are some and all of them are left alone.
    pub fn are_down(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|a| a.is_resting())
    }
}
