//! Where what a verdict wants comes from: revocation lists, OCSP, certificates of issuers, and time-stamps.
//!
//! A source answers a [`Want`] with objects, and judges nothing beyond what it takes not to be fooled into keeping
//! rubbish: `validation` judges. `flow/validate` asks [`Sources`], adds what comes to the evidence, and validates again.

mod aia;
mod body;
mod cache;
mod client;
mod connection;
mod crl;
mod deadline;
mod encoding;
mod folder;
mod followed;
mod guard;
#[cfg(test)]
pub(crate) mod hostile;
mod jitter;
mod ldap;
mod ocsp;
mod proxy;
mod redirect;
mod refresh;
mod tls;
mod transport;
mod trusted_list;
mod tsa;

pub use aia::AiaSource;
pub use client::{Client, Download, Get, Post, Received, Validators};
pub use crl::{CrlSource, IndexedLists};
pub use deadline::Deadline;
pub use folder::Folder;
pub use ldap::LdapSource;
pub use ocsp::{OcspQuestion, OcspSigner, OcspSource};
pub use refresh::{Due, RefreshState, Refreshable, Refresher, ahead_of};
pub use trusted_list::{FetchedList, fetch_trusted_list};
pub use tsa::{
    BreakerState, Figures, Health, Stamped, TimestampAuthorities, TimestampAuthority, Trusted,
    check_token, path_of, timestamping_metrics,
};

use super::clock::Clock;
use super::config::SourceSettings;
use super::index::Index;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Pool};
use crate::engine::pki::Certificate;
use crate::engine::validation::Want;
use crate::engine::{Error, Result};
use client::shown;
use followed::Followed;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt::Debug;
use std::sync::Arc;

/// Answers some wants.
pub trait Source: Debug + Send + Sync {
    /// What it keeps and would have refreshed before it ends.
    fn refreshed(&self) -> Option<Arc<dyn Refreshable>> {
        None
    }

    /// Whether it may have an answer, without looking for it.
    fn serves(&self, want: &Want) -> bool;

    /// The objects that answer `want`, none where it has none; `pool` holds the certificates that the want names. May
    /// block on a network until `deadline`; an outage is an error of kind `Unavailable`.
    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>>;
}

/// What every source that fetches needs.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Fetching {
    pub client: Arc<Client>,
    pub clock: Arc<dyn Clock>,
}

/// All sources, in the order in which they are asked.
#[derive(Debug, Default)]
pub struct Sources(Vec<Box<dyn Source>>);

impl Sources {
    /// What is at hand first; then, unless the settings say offline, OCSP, revocation lists and issuers' certificates.
    pub fn new(
        settings: &SourceSettings,
        at_hand: Folder,
        clock: Arc<dyn Clock>,
    ) -> Result<Sources> {
        Sources::with_index(settings, at_hand, None, clock)
    }

    /// The same, revocation lists being kept in `index`.
    pub fn with_index(
        settings: &SourceSettings,
        at_hand: Folder,
        index: Option<Arc<Index>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Sources> {
        let mut sources = Sources(vec![Box::new(Followed::new(at_hand))]);
        if let Some(index) = &index {
            sources.add(IndexedLists::new(
                index.clone(),
                clock.clone(),
                settings.offline,
            ));
        }
        if !settings.offline {
            let client = Arc::new(Client::new(settings)?);
            let fetching = Fetching { client, clock };
            sources.add(OcspSource::new(fetching.clone(), &settings.ocsp));
            let crls = CrlSource::new(fetching.clone());
            sources.add(match index {
                Some(index) => crls.keeping_in(index, settings.download_bytes),
                None => crls,
            });
            sources.add(LdapSource::new(fetching.clone(), &settings.ldap));
            sources.add(AiaSource::new(fetching));
        }
        Ok(sources)
    }

    /// Adds a source, to be asked after the others.
    pub fn add(&mut self, source: impl Source + 'static) {
        self.0.push(Box::new(source));
    }

    /// All that the sources keep and would have refreshed.
    pub fn refreshed(&self) -> Vec<Arc<dyn Refreshable>> {
        self.0
            .iter()
            .filter_map(|source| source.refreshed())
            .collect()
    }

    /// What the first source brings that has something not in `pool` yet; nothing where none has, and an error where
    /// that is because sources failed.
    pub fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        let mut failure = None;
        for source in self.0.iter().filter(|source| source.serves(want)) {
            match source.fetch(want, pool, deadline) {
                Ok(mut objects) => {
                    objects.retain(|object| pool.get(&object.id()).is_none());
                    if !objects.is_empty() {
                        return Ok(objects);
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        failure.map_or(Ok(Vec::new()), Err)
    }
}

/// The certificate of this identifier in `pool`.
fn certificate(pool: &Pool, id: &ObjectId) -> Result<Certificate> {
    let object = pool
        .get(id)
        .filter(|object| object.kind == ObjectKind::Certificate)
        .ok_or_else(|| Error::internal("want", "names a certificate that is not in the pool"))?;
    Certificate::from_der(&object.bytes)
}

/// The certificate whose revocation is wanted, and its issuer.
fn wanted_certificates(want: &Want, pool: &Pool) -> Result<(Certificate, Certificate)> {
    match want {
        Want::Revocation {
            certificate: subject,
            issuer,
            ..
        } => Ok((certificate(pool, subject)?, certificate(pool, issuer)?)),
        Want::Issuer { .. } => Err(Error::internal("want", "is not for revocation")),
    }
}

/// Addresses of one certificate that are tried, at most.
const MOST_ADDRESSES: usize = 4;

/// What the first web address brings that brings anything; else the last error.
fn first_good(urls: &[String], fetch: impl Fn(&str) -> Result<Vec<Object>>) -> Result<Vec<Object>> {
    first_of(urls, is_web, fetch)
}

/// The same among the addresses that `serves`.
fn first_of(
    urls: &[String],
    serves: impl Fn(&str) -> bool,
    fetch: impl Fn(&str) -> Result<Vec<Object>>,
) -> Result<Vec<Object>> {
    let mut failure = None;
    for url in urls.iter().filter(|u| serves(u)).take(MOST_ADDRESSES) {
        match fetch(url) {
            Ok(objects) if !objects.is_empty() => return Ok(objects),
            Ok(_) => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(Vec::new()), Err)
}

fn is_web(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Random bytes of the operating system, for nonces.
fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::unavailable("random numbers", "the operating system gives none"))?;
    Ok(bytes)
}
