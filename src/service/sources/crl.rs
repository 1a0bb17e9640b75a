//! Revocation lists, fetched from where certificates say (RFC 5280 §4.2.1.13), and those in the index.
//!
//! A list is kept when its signature is of the certificate's issuer, in the index where there is one: streamed to a file,
//! never whole in memory, asked for again with its validators. One that is not (an indirect list, a list under another key of
//! the issuer) is handed over for `validation` to judge, and not kept.

use super::cache::{Answer, Ask, Cache, Fresh};
use super::encoding::plain;
use super::{
    Deadline, Download, Fetching, Get, Refreshable, Source, Validators, ahead_of, first_good,
    shown, wanted_certificates,
};
use crate::engine::crypto::sha256;
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::crl::ListHeader;
use crate::engine::pki::extension::{DistributionPoint, GeneralName};
use crate::engine::pki::{Certificate, CertificateList, RevocationList};
use crate::engine::validation::Want;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::clock::Clock;
use crate::service::index::{From, Index, Listed, NewFile, Original};
use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

/// How long a list is kept that does not say when the next one comes.
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(600);
/// The largest list that is handed over without being kept. Indirect lists are small.
const HANDED_OVER: u64 = 8 << 20;

/// Until when `list` may be used without looking for a newer one.
fn until(list: &ListHeader, now: Time) -> Time {
    list.next_update().unwrap_or(now.plus(WITHOUT_NEXT_UPDATE))
}

/// Until when a list that was there at the start is as good as one fetched: then it is due to be refreshed.
fn fresh_until(list: &ListHeader, obtained: Time) -> Time {
    let next = until(list, obtained);
    list.next_update()
        .map_or(next, |next| ahead_of(list.this_update(), next))
}

/// The lists of the index that are current, for whoever wants one of their issuer.
#[derive(Debug)]
pub struct IndexedLists {
    index: Arc<Index>,
    clock: Arc<dyn Clock>,
    overdue_too: bool,
}

impl IndexedLists {
    /// Of `index`; those whose successor is overdue only where nothing can be fetched.
    pub fn new(index: Arc<Index>, clock: Arc<dyn Clock>, overdue_too: bool) -> Self {
        IndexedLists {
            index,
            clock,
            overdue_too,
        }
    }
}

impl Source for IndexedLists {
    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Revocation { .. })
    }

    fn fetch(&self, want: &Want, pool: &Pool, _: Deadline) -> Result<Vec<Object>> {
        let (certificate, issuer) = wanted_certificates(want, pool)?;
        let now = self.clock.now();
        let signers = signers(&certificate, &issuer, pool);
        let lists = signers
            .iter()
            .flat_map(|signer| self.index.at(&sha256(signer.spki()), now));
        lists
            .filter(|listed| {
                self.overdue_too || listed.header().next_update().is_some_and(|next| now < next)
            })
            .filter(|listed| may_cover(listed.header(), &certificate))
            .map(|listed| {
                self.index
                    .object(&listed, certificate.issuer(), certificate.serial())
            })
            .collect()
    }
}

/// Certificates of the pool that are looked at for one of an issuer of lists.
const MOST_SIGNERS: usize = 16;

/// Whose lists are kept for `certificate`: of its issuer, and of those that its distribution points name as `cRLIssuer`
/// (RFC 5280 §4.2.1.13), where a certificate of theirs is at hand that the same issuer or the issuer of that signed. So
/// nobody else's list takes the place of one. Each key once.
fn signers(certificate: &Certificate, issuer: &Certificate, pool: &Pool) -> Vec<Certificate> {
    let mut signers = vec![issuer.clone()];
    let points = certificate.distribution_points().iter();
    let named: Vec<&GeneralName> = points.flat_map(|point| &point.crl_issuer).collect();
    if named.is_empty() {
        return signers;
    }
    let certificates: Vec<Certificate> = pool
        .of_kind(ObjectKind::Certificate)
        .filter_map(|(_, object)| Certificate::from_der(&object.bytes).ok())
        .collect();
    let signed_by = |one: &Certificate, by: &Certificate| {
        one.issuer() == by.subject() && by.public_key().is_ok_and(|key| one.is_signed_by(key))
    };
    let above = certificates.iter().filter(|by| signed_by(issuer, by));
    let authorities: Vec<&Certificate> = above.take(MOST_SIGNERS).chain([issuer]).collect();
    let is_named = |one: &&Certificate| {
        let name = |named: &&GeneralName| matches!(named, GeneralName::Directory(name) if name == one.subject());
        named.iter().any(name)
    };
    for one in certificates.iter().filter(is_named).take(MOST_SIGNERS) {
        let known = signers.iter().any(|signer| signer.spki() == one.spki());
        if !known && authorities.iter().any(|by| signed_by(one, by)) {
            signers.push(one.clone());
        }
    }
    signers
}

/// Whether a list is of a distribution point of `certificate`, or of none, and for its kind. What else its scope says is for
/// `validation`.
fn may_cover(list: &ListHeader, certificate: &Certificate) -> bool {
    let Some(scope) = list.scope() else {
        return true;
    };
    let is_authority = certificate.basic_constraints().is_some_and(|c| c.ca);
    let others = scope.only_attribute_certificates
        || (scope.only_user_certificates && is_authority)
        || (scope.only_ca_certificates && !is_authority);
    let points = certificate.distribution_points();
    let named = |name| points.iter().any(|point| point.full_name.contains(name));
    !others && (scope.full_name.is_empty() || scope.full_name.iter().any(named))
}

/// Whether a list is what belongs at `url`, as `certificate` has it: another of the same issuer, put there on the way and
/// kept, would keep the right one out until its end.
fn belongs(list: &ListHeader, url: &str, certificate: &Certificate) -> bool {
    let points = certificate.distribution_points().iter();
    let is_complete = points
        .flat_map(DistributionPoint::uris)
        .any(|own| own == url);
    may_cover(list, certificate) && !(list.is_delta() && is_complete)
}

/// Fetches revocation lists.
#[derive(Debug)]
pub struct CrlSource {
    fetcher: Fetcher,
    cache: Arc<Cache>,
}

impl CrlSource {
    /// By this client, at this clock; what is fetched is kept in memory.
    pub fn new(fetching: Fetching) -> Self {
        CrlSource {
            cache: Arc::new(Cache::new("crl", &fetching)),
            fetcher: Fetcher {
                fetching,
                kept: None,
            },
        }
    }

    /// What is fetched is kept in `index`, lists of up to so many bytes.
    #[must_use]
    pub fn keeping_in(mut self, index: Arc<Index>, most_bytes: u64) -> Self {
        self.fetcher.kept = Some((index, most_bytes));
        self
    }

    /// Fetches the list at `url` into the index, whatever is there already.
    pub fn refresh(
        &self,
        url: &str,
        signers: &[Certificate],
        deadline: Deadline,
    ) -> Result<Option<Arc<Listed>>> {
        let Some((index, most_bytes)) = &self.fetcher.kept else {
            return Ok(None);
        };
        let now = self.fetcher.fetching.clock.now();
        let answer = self
            .fetcher
            .download(url, signers, (index, *most_bytes), now, deadline)?;
        if !answer.objects.is_empty() {
            return Err(Error::refused(
                shown(url),
                "answered a list that its issuer did not sign",
            ));
        }
        Ok(index.by_url(url))
    }
}

/// What a fetch needs, now and when it is repeated ahead of time.
#[derive(Debug, Clone)]
struct Fetcher {
    fetching: Fetching,
    kept: Option<(Arc<Index>, u64)>,
}

impl Fetcher {
    /// An answer without objects is in the index.
    fn fetch_list(
        &self,
        url: &str,
        (certificate, signers): (&Certificate, &[Certificate]),
        ask: Ask<'_>,
    ) -> Result<Fresh> {
        if let Some((index, most_bytes)) = &self.kept {
            let kept = (&**index, *most_bytes);
            return self
                .download(url, signers, kept, ask.now, ask.deadline)
                .map(Fresh::New);
        }
        let Some((bytes, validators)) = self.fetching.client.renew(url, ask.known, ask.deadline)?
        else {
            return Ok(Fresh::NotModified(None));
        };
        let list = CertificateList::from_pem_or_der(&plain(&bytes)).map_err(|_| no_list(url))?;
        let own = signers.iter().any(|signer| signed(&list, signer))
            && belongs(list.header(), url, certificate);
        let answer = handed_over(&list, url, ask.now, own);
        Ok(Fresh::New(Answer {
            validators,
            ..answer
        }))
    }

    fn download(
        &self,
        url: &str,
        signers: &[Certificate],
        (index, most_bytes): (&Index, u64),
        now: Time,
        deadline: Deadline,
    ) -> Result<Answer> {
        let known = self.known(url, signers);
        let validators = known.as_ref().map(|known| Validators {
            etag: known.provenance().etag.clone(),
            last_modified: known.provenance().last_modified.clone(),
        });
        let get = Get {
            url,
            known: validators.as_ref(),
            most_bytes,
            deadline,
        };
        let mut file = index.incoming()?;
        let received = match (self.fetching.client.download(&get, file.file())?, known) {
            (Download::Whole(received), _) => received,
            (Download::NotModified, Some(known)) => return Ok(in_index(&known, now)),
            (Download::NotModified, None) => return Err(no_list(url)),
        };
        if let Ok(Some(der)) = index.der_of_pem(file.file()) {
            file = der;
        }
        let from = From {
            url: Some(url.to_string()),
            etag: received.validators.etag,
            last_modified: received.validators.last_modified,
        };
        match index.prepare(file.file(), signers, from, now) {
            Ok(prepared) => {
                let listed = index.publish(prepared, Original::Incoming(file), now)?;
                Ok(in_index(&listed, now))
            }
            Err(error) if error.kind() == ErrorKind::Unavailable => Err(error),
            Err(_) => other(&mut file, url, now),
        }
    }

    /// The list from `url` in the index, where one of `signers` signed it.
    fn known(&self, url: &str, signers: &[Certificate]) -> Option<Arc<Listed>> {
        let (index, _) = self.kept.as_ref()?;
        let own = |listed: &Arc<Listed>| {
            let key = listed.index().spki();
            signers.iter().any(|signer| signer.spki() == key)
        };
        index.by_url(url).filter(own)
    }

    /// Whether the index has a list from `url` that is good enough.
    fn is_fresh(
        &self,
        url: &str,
        signers: &[Certificate],
        not_before: Option<Time>,
        now: Time,
    ) -> bool {
        self.known(url, signers).is_some_and(|known| {
            let header = known.header();
            now < fresh_until(header, known.provenance().obtained)
                && not_before.is_none_or(|wanted| header.this_update() >= wanted)
        })
    }

    /// What the index has of `url`, with the deltas to it.
    fn indexed(
        &self,
        url: &str,
        certificate: &Certificate,
        signers: &[Certificate],
        now: Time,
    ) -> Result<Vec<Object>> {
        let Some((index, _)) = &self.kept else {
            return Ok(Vec::new());
        };
        let Some(listed) = self.known(url, signers) else {
            return Ok(Vec::new());
        };
        let shelf = listed.shelf();
        let deltas = index.at(&shelf.key, now).into_iter();
        let deltas = deltas.filter(|other| {
            !shelf.delta && other.shelf().delta && other.shelf().scope == shelf.scope
        });
        let all = std::iter::once(listed).chain(deltas);
        all.map(|listed| index.object(&listed, certificate.issuer(), certificate.serial()))
            .collect()
    }
}

fn in_index(listed: &Listed, now: Time) -> Answer {
    Answer {
        this_update: listed.header().this_update(),
        until: Some(until(listed.header(), now)),
        objects: Vec::new(),
        validators: Validators::default(),
    }
}

/// What could not be indexed and may be of use: a list of another signer, or of a form that has to be read whole.
fn other(file: &mut NewFile, url: &str, now: Time) -> Result<Answer> {
    let file = file.file();
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| file.take(HANDED_OVER + 1).read_to_end(&mut bytes))
        .map_err(|_| no_list(url))?;
    if bytes.len() as u64 > HANDED_OVER {
        return Err(Error::unavailable(
            shown(url),
            "answered a large list that its issuer did not sign",
        ));
    }
    let list = CertificateList::from_pem_or_der(&plain(&bytes)).map_err(|_| no_list(url))?;
    Ok(handed_over(&list, url, now, false))
}

fn signed(list: &CertificateList, signer: &Certificate) -> bool {
    list.issuer() == signer.subject() && signer.public_key().is_ok_and(|key| list.is_signed_by(key))
}

fn handed_over(list: &CertificateList, url: &str, now: Time, own: bool) -> Answer {
    let origin = Origin::Fetched {
        url: url.to_string(),
        at: now,
    };
    let kind = ObjectKind::CertificateRevocationList;
    Answer {
        this_update: list.this_update(),
        until: own.then(|| until(list.header(), now)),
        objects: vec![Object::new(kind, list.bytes().to_vec(), origin)],
        validators: Validators::default(),
    }
}

fn no_list(url: &str) -> Error {
    Error::unavailable(shown(url), "answered something that is no revocation list")
}

impl Source for CrlSource {
    fn refreshed(&self) -> Option<Arc<dyn Refreshable>> {
        Some(self.cache.clone())
    }

    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Revocation { crls, .. } if crls.iter().any(|u| super::is_web(u)))
    }

    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        let Want::Revocation {
            crls, not_before, ..
        } = want
        else {
            return Ok(Vec::new());
        };
        let (certificate, issuer) = wanted_certificates(want, pool)?;
        let not_before = not_before.and_then(|second| Time::from_unix(second).ok());
        let now = self.fetcher.fetching.clock.now();
        let signers = signers(&certificate, &issuer, pool);
        let one = |url: &str| {
            let (fetcher, at) = (self.fetcher.clone(), url.to_string());
            let (of, by) = (certificate.clone(), signers.clone());
            let fetched = if self.fetcher.is_fresh(url, &signers, not_before, now) {
                Ok(Vec::new())
            } else {
                self.cache.get(url, not_before, deadline, move |ask| {
                    fetcher.fetch_list(&at, (&of, &by), ask)
                })
            };
            match fetched {
                Ok(objects) if !objects.is_empty() => Ok(objects),
                // An outage leaves what was there before.
                other => match self.fetcher.indexed(url, &certificate, &signers, now)? {
                    objects if objects.is_empty() => other,
                    objects => Ok(objects),
                },
            }
        };
        // Complete lists take each other's place; a delta is of use beside them alone.
        let points = certificate.distribution_points().iter();
        let complete: Vec<&str> = points.flat_map(|point| point.uris()).collect();
        let (complete, deltas): (Vec<String>, Vec<String>) = crls
            .iter()
            .cloned()
            .partition(|url| complete.contains(&url.as_str()));
        match (first_good(&complete, one), first_good(&deltas, one)) {
            (Ok(mut lists), Ok(deltas)) => {
                lists.extend(deltas);
                Ok(lists)
            }
            (Ok(lists), Err(error)) | (Err(error), Ok(lists)) => {
                if lists.is_empty() {
                    Err(error)
                } else {
                    Ok(lists)
                }
            }
            (Err(error), Err(_)) => Err(error),
        }
    }
}
