//! Certificates of issuers, fetched from where certificates say (RFC 5280 §4.2.2.1): over HTTP or from a directory (RFC 4523): DER,
//! PEM, base64, PKCS #7 certs-only, or the pairs of cross-certificates.

use super::cache::{Answer, Ask, Cache, Fresh};
use super::encoding::plain;
use super::{Deadline, Fetching, Refreshable, Source, Validators, first_of, ldap};
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::SignedData;
use crate::engine::syntax::asn1::Reader;
use crate::engine::syntax::pem;
use crate::engine::validation::Want;
use crate::engine::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// How long an issuer's certificate is kept.
const KEPT: Duration = Duration::from_secs(86_400);
/// More certificates than this in one answer are not looked at.
const MOST_CERTIFICATES: usize = 32;

/// Fetches certificates of issuers.
#[derive(Debug)]
pub struct AiaSource {
    fetching: Fetching,
    cache: Arc<Cache>,
}

impl AiaSource {
    /// By this client, at this clock.
    pub fn new(fetching: Fetching) -> Self {
        AiaSource {
            cache: Arc::new(Cache::new("issuer", &fetching)),
            fetching,
        }
    }
}

/// The certificates at `url`, which must hold an issuer of `certificate`.
fn fetch_certificates(
    fetching: &Fetching,
    url: &str,
    certificate: &Certificate,
    ask: Ask<'_>,
) -> Result<Fresh> {
    let until = ask.now.plus(KEPT);
    let (values, validators) = if ldap::is_ldap(url) {
        let client = &fetching.client;
        let values = client.values(url, &ldap::CERTIFICATES, ask.deadline)?;
        (values, Validators::default())
    } else {
        match fetching.client.renew(url, ask.known, ask.deadline)? {
            Some((bytes, validators)) => (vec![bytes], validators),
            None => return Ok(Fresh::NotModified(Some(until))),
        }
    };
    let mut found: Vec<_> = values
        .iter()
        .flat_map(|value| certificates(&plain(value)).unwrap_or_default())
        .collect();
    if found.is_empty() {
        return Err(Error::unavailable(
            super::shown(url),
            "answered something that is no certificate",
        ));
    }
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
        at: ask.now,
    };
    let object =
        |c: &Certificate| Object::new(ObjectKind::Certificate, c.bytes().to_vec(), origin.clone());
    Ok(Fresh::New(Answer {
        objects: found.iter().map(object).collect(),
        this_update: ask.now,
        until: Some(until),
        validators,
    }))
}

fn is_fetched(url: &str) -> bool {
    super::is_web(url) || ldap::is_ldap(url)
}

/// The certificates of a file in any of the forms.
pub(super) fn certificates(bytes: &[u8]) -> Result<Vec<Certificate>> {
    if bytes.first() == Some(&0x30) {
        return Certificate::from_der(bytes)
            .map(|one| vec![one])
            .or_else(|_| pair(bytes))
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

/// The certificates of a `CertificatePair` (RFC 4523 §2.4), as directories have it.
fn pair(bytes: &[u8]) -> Result<Vec<Certificate>> {
    let mut fields = Reader::ber(bytes).whole_sequence("CertificatePair")?;
    let mut found = Vec::new();
    while let Some(field) = fields.next_element()? {
        match field.tag().context_number() {
            Some(0 | 1) => found.push(Certificate::from_der(field.content())?),
            _ => return Err(Error::malformed("CertificatePair", "holds something else")),
        }
    }
    Ok(found)
}

impl Source for AiaSource {
    fn refreshed(&self) -> Option<Arc<dyn Refreshable>> {
        Some(self.cache.clone())
    }

    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Issuer { urls, .. } if urls.iter().any(|u| is_fetched(u)))
    }

    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        let Want::Issuer { certificate, urls } = want else {
            return Ok(Vec::new());
        };
        let certificate = super::certificate(pool, certificate)?;
        // What is kept is good for the issuer's name and key that it was checked for.
        let issuer = crate::engine::evidence::ObjectId::of(certificate.issuer().bytes());
        first_of(urls, is_fetched, |url| {
            let key = format!("{issuer} {url}");
            let (fetching, about, at) =
                (self.fetching.clone(), certificate.clone(), url.to_string());
            self.cache.get(&key, None, deadline, move |ask| {
                fetch_certificates(&fetching, &at, &about, ask)
            })
        })
    }
}
