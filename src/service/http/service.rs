//! All that the handlers share: the parts of the e-office, and the bounds on what they take.

use super::access::Door;
use super::admission::RateLimit;
use super::certificates::Asking;
use super::metrics::Metrics;
use super::spool::{Limit, Spool};
use super::work::Work;
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Certificate;
use crate::engine::pki::identity::Table;
use crate::engine::pki::trust::accepted::AcceptedCertificates;
use crate::engine::register::Calendar;
use crate::engine::register::Language;
use crate::engine::validation::Constraints;
use crate::engine::{Error, Result};
use crate::service::authority::Timestamper;
use crate::service::callers::Callers;
use crate::service::clock::Clock;
use crate::service::config::{Catalogue, Config};
use crate::service::flow::receive::Reception;
use crate::service::flow::two_step::TwoSteps;
use crate::service::flow::{
    CertificateDesk, CodeDesk, CodeIssue, DebtDesk, Noting, SealDesk, Settled, SigningDesk,
    check_seal,
};
use crate::service::index::Index;
use crate::service::keys::Seal;
use crate::service::sources::{
    RefreshState, Refreshable, Refresher, Sources, TimestampAuthorities,
};
use crate::service::store::Store;
use crate::service::trust::{PolicyHandle, Trust};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Jobs at work at once, however many requests there may be: each waits for authorities more than it computes.
const MOST_JOBS: usize = 64;
/// Documents of strangers judged at once. They wait for addresses that the document chose, and take memory and time
/// that it chose; who registers must find a place all the same.
const MOST_JUDGED: usize = 16;
/// Certificates that clients of a proxy show, judged at once: whoever has a TLS client makes one, with addresses to wait for.
const MOST_ADMITTED: usize = 32;
/// How long a job waits for its place.
const JOB_PATIENCE: Duration = Duration::from_secs(10);

/// What a service is made of. Without a store or without callers, the routes that need them are not opened.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Who may call.
    pub callers: Arc<dyn Callers>,
    /// The store.
    pub store: Option<Arc<dyn Store>>,
    /// What a request may name.
    pub catalogue: Catalogue,
    /// The non-working days.
    pub calendar: Calendar,
    /// Takes requests in.
    pub reception: Option<Arc<Reception>>,
    /// Checks codes.
    pub code_desk: Option<Arc<CodeDesk>>,
    /// Seals PDFs.
    pub seal_desk: Arc<SealDesk>,
    /// Signs in any format, and raises signatures.
    pub signing_desk: Arc<SigningDesk>,
    /// Keeps and pays what is owed; none without a store.
    pub debts: Option<Arc<DebtDesk>>,
    /// Prepares and finishes signatures of keys that are elsewhere.
    pub two_steps: Arc<TwoSteps>,
    /// Who stamps, in the order of the configuration.
    pub authorities: TimestampAuthorities,
    /// The service as a time-stamping authority.
    pub timestamper: Option<Arc<Timestamper>>,
    /// Seals PDFs with codes.
    pub code_issue: Option<Arc<CodeIssue>>,
    /// By what signatures are judged, with the trust anchors.
    pub policy: Arc<PolicyHandle>,
    /// The constraints that a request may ask for by name.
    pub policies: BTreeMap<String, Constraints>,
    /// Keeps the policy up to date.
    pub trust: Arc<Trust>,
    /// Where revocation data and certificates come from.
    pub sources: Arc<Sources>,
    /// Keeps revocation lists.
    pub index: Option<Arc<Index>>,
    /// Answers questions about certificates.
    pub certificate_desk: Arc<CertificateDesk>,
    /// Which certificates are accepted.
    pub accepted: Arc<AcceptedCertificates>,
    /// What the policies of issuers mean.
    pub identities: Arc<Table>,
    /// What is refreshed ahead of its end beside what the sources keep.
    pub refreshed: Vec<Arc<dyn Refreshable>>,
    /// The seals.
    pub seals: Vec<Seal>,
    /// The certificate of the web site of the sede.
    pub sede_certificate: Option<Certificate>,
}

/// The service that handlers are given.
pub struct Service {
    /// What it is made of.
    pub parts: Parts,
    /// Places for jobs that block.
    pub work: Work,
    /// Places of their own for judging what anybody sends.
    pub judging: Work,
    /// Places of their own for certificates that clients of a proxy show.
    pub admitting: Work,
    /// Where the bytes of requests wait.
    pub spool: Spool,
    /// What is counted.
    pub metrics: Metrics,
    /// Who may ask whether a certificate is admitted.
    pub(super) door: Option<Door>,
    /// Questions about certificates that are being answered.
    pub(super) asking: Asking,
    /// Requests of one address on the public routes.
    pub(super) rate: RateLimit,
    /// Requests at work at once.
    pub(super) capacity: tokio::sync::Semaphore,
    /// The same for known callers: strangers who take all of theirs take none of these.
    pub(super) caller_capacity: tokio::sync::Semaphore,
    /// The same for proxies, behind which strangers stand.
    pub(super) proxy_capacity: tokio::sync::Semaphore,
    refresher: OnceLock<Refresher>,
    languages: Vec<Language>,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// A service of these parts.
    ///
    /// Errors: an address for the routes of callers without callers; an unknown language; no room for the spool.
    pub fn new(parts: Parts) -> Result<Arc<Self>> {
        let limits = &parts.config.limits;
        if parts.config.callers_listen.is_some() && parts.callers.is_empty() {
            return Err(Error::refused(
                "callers_listen",
                "asks for the routes of callers, and no caller is known",
            )
            .remedy("Name a callers file with a [[caller]] in it, or leave callers_listen out."));
        }
        let languages = languages(&parts.config.languages)?;
        Ok(Arc::new(Service {
            work: Work::new(limits.concurrent_requests.min(MOST_JOBS), JOB_PATIENCE),
            judging: Work::new(limits.concurrent_requests.min(MOST_JUDGED), JOB_PATIENCE),
            admitting: Work::new(limits.concurrent_requests.min(MOST_ADMITTED), JOB_PATIENCE),
            spool: Spool::open(&parts.config.data.join("spool"))?,
            metrics: Metrics::default(),
            door: Door::open(&parts.config.access, || parts.config.accepted.read())?,
            asking: Asking::default(),
            rate: RateLimit::per_minute(limits.requests_per_minute),
            capacity: tokio::sync::Semaphore::new(limits.concurrent_requests),
            caller_capacity: tokio::sync::Semaphore::new(limits.concurrent_requests),
            proxy_capacity: tokio::sync::Semaphore::new(limits.concurrent_requests),
            refresher: OnceLock::new(),
            languages,
            parts,
        }))
    }

    /// Begins to refresh what is kept ahead of its end; once for a service.
    pub fn refresh_ahead(&self) {
        let parts = &self.parts;
        self.refresher.get_or_init(|| {
            let mut all = parts.sources.refreshed();
            all.extend(parts.refreshed.iter().cloned());
            let noting = |inner| Noting {
                inner,
                news: parts.certificate_desk.news(),
            };
            let all = all
                .into_iter()
                .map(|one| Arc::new(noting(one)) as Arc<dyn Refreshable>)
                .collect();
            Refresher::start(&parts.config.sources, parts.clock.clone(), all)
        });
    }

    /// How what is refreshed is doing, by kind; nothing before that begins.
    pub(super) fn refresh_states(&self) -> BTreeMap<&'static str, RefreshState> {
        let refresher = self.refresher.get();
        refresher.map(Refresher::states).unwrap_or_default()
    }

    /// Takes over the revocation lists that others put into the index; answers that rest on such an issuer are judged again.
    pub fn follow_lists(&self) {
        let Some(index) = &self.parts.index else {
            return;
        };
        match index.rescan() {
            Ok(new) => {
                let news = self.parts.certificate_desk.news();
                for listed in new {
                    tracing::info!(list = %listed.object_id(), "a revocation list was added by somebody else");
                    news.note(&ObjectId(listed.shelf().key).to_string());
                }
            }
            Err(error) => tracing::warn!(%error, "the index stays as it was"),
        }
    }

    /// Asks whether the certificates of the seals are revoked; one that is seals nothing from then on. Answers those that
    /// could not be asked about.
    pub fn check_seals(&self) -> Vec<(String, Error)> {
        let (sources, now) = (&self.parts.sources, self.parts.clock.now());
        let ask = |seal: &Seal| check_seal(seal, sources, now).map(drop).err();
        std::thread::scope(|scope| {
            let seals = self.parts.seals.iter();
            let asked: Vec<_> = seals
                .map(|seal| (seal, scope.spawn(move || ask(seal))))
                .collect();
            let failed = asked.into_iter().filter_map(|(seal, answer)| {
                Some((seal.name().to_string(), answer.join().ok().flatten()?))
            });
            failed.collect()
        })
    }

    /// Pays what is owed and due, and forgets what is kept no longer; none without a store.
    pub fn settle_debts(&self) -> Result<Option<Settled>> {
        let Some(debts) = &self.parts.debts else {
            return Ok(None);
        };
        let settled = debts.pay_due(self.parts.config.owed.most)?;
        debts.forget()?;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let metrics = &self.metrics;
        metrics
            .paid
            .fetch_add(count(settled.paid), Ordering::Relaxed);
        metrics
            .put_off
            .fetch_add(count(settled.left.len()), Ordering::Relaxed);
        Ok(Some(settled))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.parts.config
    }

    /// Languages of pages, the first being the default.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// The store.
    pub fn store(&self) -> Result<Arc<dyn Store>> {
        self.parts.store.clone().ok_or_else(|| {
            Error::unavailable("store", "not configured")
                .remedy("Name store.key and code.secrets in the configuration.")
        })
    }

    /// The bound on one document.
    pub fn document_limit(&self) -> Limit {
        Limit {
            key: "limits.document_bytes",
            bytes: self.config().limits.document_bytes,
        }
    }

    /// The bound on one request.
    pub fn request_limit(&self) -> Limit {
        Limit {
            key: "limits.request_bytes",
            bytes: self.config().limits.request_bytes,
        }
    }

    /// The bound on metadata and other fields.
    pub fn metadata_limit(&self) -> Limit {
        Limit {
            key: "limits.metadata_bytes",
            bytes: self.config().limits.metadata_bytes,
        }
    }
}

fn languages(tags: &[String]) -> Result<Vec<Language>> {
    tags.iter()
        .map(|tag| {
            super::language::of_tag(tag).ok_or_else(|| {
                Error::invalid(
                    "languages",
                    format!("{tag:?} is not a language of the sede"),
                )
                .remedy("Choose among es, ca, va, gl, eu, en, fr.")
            })
        })
        .collect()
}
