//! Certificates of issuers, fetched from where certificates say (RFC 5280 §4.2.2.1): DER, PEM, or PKCS #7 certs-only.

use super::cache::{Answer, Cache};
use super::{Deadline, Fetching, Source, first_good};
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::SignedData;
use crate::engine::syntax::pem;
use crate::engine::validation::Want;
use crate::engine::{Error, Result, Time};
use std::time::Duration;

/// How long an issuer's certificate is kept.
const KEPT: Duration = Duration::from_secs(86_400);
/// More certificates than this in one answer are not looked at.
const MOST_CERTIFICATES: usize = 32;

/// Fetches certificates of issuers.
#[derive(Debug)]
pub struct AiaSource {
    fetching: Fetching,
    cache: Cache,
}

impl AiaSource {
    /// By this client, at this clock.
    pub fn new(fetching: Fetching) -> Self {
        AiaSource {
            fetching,
            cache: Cache::default(),
        }
    }

    /// The certificates at `url`, which must hold an issuer of `certificate`.
    fn fetch_certificates(
        &self,
        url: &str,
        certificate: &Certificate,
        now: Time,
        deadline: Deadline,
    ) -> Result<Answer> {
        let bytes = self.fetching.client.get(url, deadline)?;
        let mut found = certificates(&bytes).map_err(|_| {
            Error::unavailable(
                super::shown(url),
                "answered something that is no certificate",
            )
        })?;
        found.truncate(MOST_CERTIFICATES);
        let issued = |issuer: &Certificate| {
            issuer.subject() == certificate.issuer()
                && issuer
                    .public_key()
                    .is_ok_and(|key| certificate.is_signed_by(key))
        };
        if !found.iter().any(issued) {
            return Err(Error::not_found(
                super::shown(url),
                "answered with certificates that are not the issuer's",
            ));
        }
        let origin = Origin::Fetched {
            url: url.to_string(),
            at: now,
        };
        let object = |c: &Certificate| {
            Object::new(ObjectKind::Certificate, c.bytes().to_vec(), origin.clone())
        };
        Ok(Answer {
            objects: found.iter().map(object).collect(),
            this_update: now,
            until: Some(now.plus(KEPT)),
        })
    }
}

/// The certificates of a file in any of the three forms.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>> {
    if bytes.first() == Some(&0x30) {
        return Certificate::from_der(bytes)
            .map(|one| vec![one])
            .or_else(|_| Ok(SignedData::from_ber(bytes)?.certificates().to_vec()));
    }
    Certificate::from_pem_or_der(bytes).or_else(|error| {
        let Ok(blocks) = pem::blocks(bytes, "PKCS7").or_else(|_| pem::blocks(bytes, "CMS")) else {
            return Err(error);
        };
        let mut all = Vec::new();
        for block in blocks {
            all.extend_from_slice(SignedData::from_ber(&block)?.certificates());
        }
        Ok(all)
    })
}

impl Source for AiaSource {
    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Issuer { urls, .. } if urls.iter().any(|u| super::is_web(u)))
    }

    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        let Want::Issuer { certificate, urls } = want else {
            return Ok(Vec::new());
        };
        let certificate = super::certificate(pool, certificate)?;
        let now = self.fetching.clock.now();
        // What is kept is good for the issuer's name and key that it was checked for.
        let issuer = crate::engine::evidence::ObjectId::of(certificate.issuer().bytes());
        first_good(urls, |url| {
            let key = format!("{issuer} {url}");
            self.cache.get(&key, None, now, || {
                self.fetch_certificates(url, &certificate, now, deadline)
            })
        })
    }
}
