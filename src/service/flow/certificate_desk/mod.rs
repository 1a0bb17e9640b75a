//! Asking about certificates: seen before → the answer; else judge → fetch what is wanted → judge again, and keep the answer.
//!
//! An answer is kept until the earliest end of what it rests on (certificates, nextUpdate, freshness), and no longer than
//! until other anchors are trusted or newer revocation data is at hand ([`News`]). An outage is kept for moments, so that it
//! is neither asked about a thousand times nor outlives its end; and it is never told as a revocation.

mod seen;

use super::validate::{Patience, fetch};
use crate::engine::crypto::sha256;
use crate::engine::evidence::{Evidence, Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::{Certificate, extension};
use crate::engine::report::{self, CertificateReport};
use crate::engine::validation::{
    CertificateStatus, CertificateVerdict, Policy, Purpose, validate_certificate,
};
use crate::engine::{Error, Result, Time};
use crate::service::clock::Clock;
use crate::service::config::IfUnknown;
use crate::service::sources::{Deadline, Due, Refreshable, Sources};
use crate::service::trust::PolicyHandle;
use seen::Seen;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a good answer is kept at most, whatever its evidence says: a responder may learn of a revocation within the
/// time of its last answer.
const GOOD: Duration = Duration::from_secs(3_600);
/// A revocation stays; this only bounds the memory of it.
const REVOKED: Duration = Duration::from_secs(86_400);
/// How long an answer that does not hang on revocation is kept: anchors and sources may change meanwhile.
const REFUSED: Duration = Duration::from_secs(60);
/// How long it is kept that something could not be checked.
const OPEN: Duration = Duration::from_secs(5);

/// Things that news are counted for, apart from each other; two that share a place only cost a judgement more.
const PLACES: usize = 4_096;

/// Counts what changes what kept answers rest on: newer revocation data, of whatever an answer rests on or of other things.
#[derive(Debug)]
pub struct News {
    all: AtomicU64,
    everything: AtomicU64,
    places: Vec<AtomicU64>,
}

impl Default for News {
    fn default() -> Self {
        News {
            all: AtomicU64::new(0),
            everything: AtomicU64::new(0),
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl News {
    /// There is something newer about `thing`, the address of a list, the fingerprint of a certificate or of the key that
    /// signed a list: answers that rest on it are judged again when they are asked for.
    pub fn note(&self, thing: &str) {
        self.places[place(thing)].fetch_add(1, Ordering::Release);
        self.all.fetch_add(1, Ordering::Release);
    }

    /// Anything may be newer: every answer is judged again when it is asked for.
    pub fn note_everything(&self) {
        self.everything.fetch_add(1, Ordering::Release);
        self.all.fetch_add(1, Ordering::Release);
    }

    fn of(&self, places: &[usize]) -> u64 {
        let counts = places.iter().map(|place| &self.places[*place]);
        let counts = counts.chain([&self.everything]);
        counts.map(|count| count.load(Ordering::Acquire)).sum()
    }

    fn number(&self) -> u64 {
        self.all.load(Ordering::Acquire)
    }
}

fn place(thing: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    thing.hash(&mut hasher);
    hasher.finish() as usize % PLACES
}

/// Notes what is refreshed for `news`.
#[derive(Debug)]
pub struct Noting {
    /// Who refreshes.
    pub inner: Arc<dyn Refreshable>,
    /// Whom it is noted for.
    pub news: Arc<News>,
}

impl Refreshable for Noting {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn due(&self) -> Vec<Due> {
        self.inner.due()
    }

    /// Keys of lists are their addresses; those of responses begin with the fingerprint of the certificate.
    fn refresh(&self, key: &str, deadline: Deadline) -> Result<()> {
        self.inner.refresh(key, deadline)?;
        self.news.note(key.split(' ').next().unwrap_or_default());
        Ok(())
    }
}

/// What is asked: the certificate, its chain where it is given, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// DER of the certificate, then of others of its chain, in any order.
    pub certificates: Vec<Vec<u8>>,
    /// What it is to be used for.
    pub purpose: Purpose,
}

/// Under which an answer is kept. Certificates given beside it may help to find a path, so they belong to the question
/// until a path was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    certificate: [u8; 32],
    beside: Option<[u8; 32]>,
    purpose: Purpose,
}

impl Question {
    /// Errors: no certificate at all.
    pub fn new(certificates: Vec<Vec<u8>>, purpose: Purpose) -> Result<Question> {
        if certificates.is_empty() {
            return Err(Error::invalid("certificate", "missing").remedy("Send it as DER or PEM."));
        }
        Ok(Question {
            certificates,
            purpose,
        })
    }

    /// The key of this question.
    pub fn key(&self) -> Key {
        let (certificate, beside) = self
            .certificates
            .split_first()
            .map_or((&[][..], &[][..]), |(c, b)| (&c[..], b));
        Key {
            certificate: sha256(certificate),
            beside: (!beside.is_empty()).then(|| sha256(&beside.concat())),
            purpose: self.purpose,
        }
    }
}

/// An answer, kept and shared.
#[derive(Debug)]
pub struct Checked {
    /// The short report.
    pub report: CertificateReport,
    /// The same as JSON.
    pub json: Vec<u8>,
    /// Its certificate.
    pub certificate: Certificate,
    /// The authorities of its path.
    pub authorities: Vec<Certificate>,
    until: Time,
    places: Vec<usize>,
    news: u64,
}

impl Key {
    /// Of the certificate alone, whatever was sent beside it.
    fn bare(&self) -> Key {
        Key {
            beside: None,
            ..*self
        }
    }
}

impl Checked {
    /// Whether it may be let in: good, or open where the one who asks lets that in.
    pub fn is_admitted(&self, if_unknown: IfUnknown) -> bool {
        let status = &self.report.status;
        *status == CertificateStatus::Good || (status.is_open() && if_unknown == IfUnknown::Admit)
    }
}

/// A full answer.
#[derive(Debug)]
pub struct JudgedCertificate {
    /// What follows from the evidence.
    pub verdict: CertificateVerdict,
    /// The full report.
    pub report: CertificateReport,
    /// What it was judged by.
    pub evidence: Evidence,
    /// Sources that failed.
    pub outages: Vec<Error>,
}

/// Answers questions about certificates.
#[derive(Debug)]
pub struct CertificateDesk {
    policy: Arc<PolicyHandle>,
    sources: Arc<Sources>,
    clock: Arc<dyn Clock>,
    news: Arc<News>,
    seen: Seen<Key, Arc<Checked>>,
}

impl CertificateDesk {
    /// A desk that keeps at most so many answers.
    pub fn new(
        policy: Arc<PolicyHandle>,
        sources: Arc<Sources>,
        clock: Arc<dyn Clock>,
        news: Arc<News>,
        answers: usize,
    ) -> Self {
        CertificateDesk {
            policy,
            sources,
            clock,
            news,
            seen: Seen::new(answers),
        }
    }

    /// How many answers are kept.
    pub fn kept(&self) -> usize {
        self.seen.len()
    }

    /// The answer that is kept, where one is that still holds. Never blocks.
    pub fn seen(&self, key: &Key) -> Option<Arc<Checked>> {
        let found = self.seen.get(&key.bare()).filter(|kept| self.holds(kept));
        found.or_else(|| match key.beside {
            Some(_) => self.seen.get(key).filter(|kept| self.holds(kept)),
            None => None,
        })
    }

    /// Whom news are to be told to.
    pub fn news(&self) -> Arc<News> {
        self.news.clone()
    }

    /// Grows with each other policy and with the news of these places.
    fn rests_on(&self, places: &[usize]) -> u64 {
        self.news.of(places) + self.policy.changes()
    }

    fn holds(&self, kept: &Checked) -> bool {
        kept.news == self.rests_on(&kept.places) && self.clock.now() < kept.until
    }

    /// Answers, by what is kept or anew. May block on sources.
    pub fn check(&self, question: &Question) -> Result<Arc<Checked>> {
        let key = question.key();
        if let Some(kept) = self.seen(&key) {
            return Ok(kept);
        }
        let before = (self.news.number(), self.policy.changes());
        let now = self.clock.now();
        let (certificate, mut pool) = read(&question.certificates)?;
        // The path that was found before is looked for first, so that an answer that ended is found again.
        let ended = self.seen.get(&key.bare());
        for authority in ended.iter().flat_map(|ended| &ended.authorities) {
            let kind = ObjectKind::Certificate;
            pool.add(Object::new(kind, authority.bytes(), Origin::Given));
        }
        let judged = self.settle(&certificate, pool, question.purpose, now, now);
        let authorities = authorities(&judged);
        let places = places(&certificate, &authorities);
        let report = judged.report.short();
        // An answer that news came in between of is given, and not kept: it may be with them or without.
        let is_of_one_state = before == (self.news.number(), self.policy.changes());
        let checked = Arc::new(Checked {
            json: report.to_json()?,
            until: if is_of_one_state {
                keep_until(&judged.verdict, now)
            } else {
                now
            },
            report,
            news: self.rests_on(&places),
            places,
            certificate,
            authorities,
        });
        self.seen
            .put(kept_under(key, &judged.verdict.status), checked.clone());
        Ok(checked)
    }

    /// Judges in full, at `at` or now, with `given` certificates and revocation data beside; keeps nothing.
    pub fn judge(
        &self,
        question: &Question,
        given: &[Object],
        at: Option<Time>,
    ) -> Result<JudgedCertificate> {
        let now = self.clock.now();
        let (certificate, mut pool) = read(&question.certificates)?;
        for object in given {
            pool.add(object.clone());
        }
        Ok(self.settle(&certificate, pool, question.purpose, at.unwrap_or(now), now))
    }

    fn settle(
        &self,
        certificate: &Certificate,
        pool: Pool,
        purpose: Purpose,
        at: Time,
        now: Time,
    ) -> JudgedCertificate {
        settle_certificate(
            certificate,
            pool,
            &self.policy.current(),
            &self.sources,
            (purpose, at, now),
        )
    }
}

/// Judges a certificate for a purpose at an instant, gathering what is wanted.
pub fn settle_certificate(
    certificate: &Certificate,
    pool: Pool,
    policy: &Policy,
    sources: &Sources,
    (purpose, at, now): (Purpose, Time, Time),
) -> JudgedCertificate {
    let mut evidence = Evidence {
        pool,
        ..Evidence::new("X.509", certificate.bytes())
    };
    evidence.pool.add(object(certificate));
    let judge = |evidence: &Evidence| {
        validate_certificate(&evidence.pool, certificate, policy, purpose, at, now)
    };
    let mut verdict = judge(&evidence);
    let (mut outages, mut patience) = (Vec::new(), Patience::of_one_document());
    for _ in 0..policy.limits.rounds {
        if verdict.wanted.is_empty() {
            break;
        }
        let (objects, failed) = fetch(&verdict.wanted, &evidence, policy, sources, &mut patience);
        outages = failed;
        let before = evidence.pool.len();
        for object in objects {
            evidence.pool.add(object);
        }
        if evidence.pool.len() == before {
            break;
        }
        verdict = judge(&evidence);
    }
    let anchor = verdict
        .path
        .last()
        .and_then(|id| policy.anchors.by_fingerprint(&id.0));
    if let Some(anchor) = anchor {
        evidence.pool.add(object(anchor));
    }
    JudgedCertificate {
        report: report::certificate(&verdict, certificate, &evidence.pool),
        verdict,
        evidence,
        outages,
    }
}

fn authorities(judged: &JudgedCertificate) -> Vec<Certificate> {
    let above = judged.verdict.path.iter().skip(1);
    let known = above.filter_map(|id| judged.evidence.pool.get(id));
    known
        .filter_map(|object| Certificate::from_der(&object.bytes).ok())
        .collect()
}

/// Where news of an answer are counted: the lists that its certificates name, its certificates, for responses, and the keys
/// of its authorities, for lists that come from nowhere.
fn places(certificate: &Certificate, authorities: &[Certificate]) -> Vec<usize> {
    let below_the_anchor = authorities.split_last().map_or(&[][..], |(_, below)| below);
    let of_one = |certificate: &Certificate| {
        let points = certificate.distribution_points().iter();
        let lists = points
            .flat_map(|point| extension::uris(&point.full_name))
            .map(place);
        let own = place(&ObjectId(certificate.fingerprint()).to_string());
        lists.chain([own]).collect::<Vec<_>>()
    };
    let all = std::iter::once(certificate).chain(below_the_anchor);
    let key = |authority: &Certificate| place(&ObjectId(sha256(authority.spki())).to_string());
    all.flat_map(of_one)
        .chain(authorities.iter().map(key))
        .collect()
}

fn object(certificate: &Certificate) -> Object {
    Object::new(ObjectKind::Certificate, certificate.bytes(), Origin::Given)
}

/// The certificate asked about, and the others in a pool.
fn read(certificates: &[Vec<u8>]) -> Result<(Certificate, Pool)> {
    let unreadable = |_| {
        Error::malformed("certificate", "not one that can be read")
            .remedy("Send an X.509 certificate as DER or PEM.")
    };
    let mut pool = Pool::default();
    let mut all = certificates
        .iter()
        .map(|der| Certificate::from_der(der).map_err(unreadable));
    let first = all
        .next()
        .unwrap_or_else(|| Err(Error::invalid("certificate", "missing")))?;
    for other in all {
        pool.add(object(&other?));
    }
    Ok((first, pool))
}

/// What was found about revocation holds for the certificate, whatever came beside it; what hangs on the path that was
/// found hangs on what came beside.
fn kept_under(key: Key, status: &CertificateStatus) -> Key {
    match status {
        CertificateStatus::Good | CertificateStatus::Revoked { .. } => Key {
            beside: None,
            ..key
        },
        _ => key,
    }
}

fn keep_until(verdict: &CertificateVerdict, now: Time) -> Time {
    let most = match &verdict.status {
        CertificateStatus::Good => GOOD,
        CertificateStatus::Revoked { .. } | CertificateStatus::AuthorityRevoked { .. } => REVOKED,
        status if status.is_open() => OPEN,
        _ => REFUSED,
    };
    let most = now.plus(most);
    verdict.holds_until.map_or(most, |end| end.min(most))
}

#[cfg(test)]
mod tests;
