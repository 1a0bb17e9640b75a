//! Revocation lists, fetched from where certificates say (RFC 5280 §4.2.1.13).
//!
//! A list is kept when its signature is of the certificate's issuer. One that is not (an indirect list, a list under
//! another key of the issuer) is handed over for `validation` to judge, and not kept.

use super::cache::{Answer, Ask, Cache, Fresh};
use super::encoding::plain;
use super::{Deadline, Fetching, Refreshable, Source, first_good, wanted_certificates};
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::{Certificate, CertificateList, RevocationList};
use crate::engine::validation::Want;
use crate::engine::{Error, Result, Time};
use std::sync::Arc;
use std::time::Duration;

/// How long a list is kept that does not say when the next one comes.
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(600);

/// Fetches revocation lists.
#[derive(Debug)]
pub struct CrlSource {
    fetching: Fetching,
    cache: Arc<Cache>,
}

impl CrlSource {
    /// By this client, at this clock.
    pub fn new(fetching: Fetching) -> Self {
        CrlSource {
            cache: Arc::new(Cache::new("crl", &fetching)),
            fetching,
        }
    }
}

fn fetch_list(fetching: &Fetching, url: &str, issuer: &Certificate, ask: Ask<'_>) -> Result<Fresh> {
    let Some((bytes, validators)) = fetching.client.renew(url, ask.known, ask.deadline)? else {
        return Ok(Fresh::NotModified(None));
    };
    let list = CertificateList::from_pem_or_der(&plain(&bytes)).map_err(|_| {
        Error::unavailable(
            super::shown(url),
            "answered something that is no revocation list",
        )
    })?;
    let own = list.issuer() == issuer.subject()
        && issuer.public_key().is_ok_and(|key| list.is_signed_by(key));
    let next = list.next_update();
    let origin = Origin::Fetched {
        url: url.to_string(),
        at: ask.now,
    };
    Ok(Fresh::New(Answer {
        this_update: list.this_update(),
        until: own.then(|| next.unwrap_or(ask.now.plus(WITHOUT_NEXT_UPDATE))),
        objects: vec![Object::new(
            ObjectKind::CertificateRevocationList,
            list.bytes().to_vec(),
            origin,
        )],
        validators,
    }))
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
        let (_, issuer) = wanted_certificates(want, pool)?;
        let not_before = not_before.and_then(|second| Time::from_unix(second).ok());
        first_good(crls, |url| {
            let (fetching, issuer, at) = (self.fetching.clone(), issuer.clone(), url.to_string());
            self.cache.get(url, not_before, deadline, move |ask| {
                fetch_list(&fetching, &at, &issuer, ask)
            })
        })
    }
}
