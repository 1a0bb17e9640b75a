//! `/v1/access`: answers a reverse proxy that asks whether the certificate of its client is admitted.
//!
//! In: a sub-request (nginx `auth_request`, Envoy `ext_authz`, Traefik `forwardAuth`), of any method, with the certificate
//! in a header. Out: 200 with who it is in headers; 401 without a certificate; 403, in words, where it is not admitted.
//! A header proves nothing by itself, so only a proxy of ours is answered: it shows a secret, comes from a known address,
//! or both. Whatever goes wrong admits nobody.

use super::certificates::could_not_check;
use super::problem::Problem;
use super::server::Peer;
use super::service::Service;
use super::validate::report_language;
use crate::engine::pki::identity::{Identifier, Person};
use crate::engine::pki::trust::accepted::{AcceptedCertificates, Presented, Usage};
use crate::engine::report::{Language, verdict_text};
use crate::engine::syntax::hex::hex;
use crate::engine::validation::{Answer, Purpose, Word};
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::config::{AccessService, AccessSettings, IfUnknown};
use crate::service::flow::{Checked, Question};
use crate::service::keys::Passphrase;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::sync::Arc;

/// The header in which a proxy shows its secret.
const SECRET: &str = "x-rubrica-proxy-secret";
/// The header in which a proxy says for which service it asks.
const SERVICE: &str = "x-rubrica-service";
/// Characters of a secret at least.
const LEAST_SECRET: usize = 32;

/// Who may ask, and how they present certificates.
pub struct Door {
    settings: AccessSettings,
    secrets: Vec<[u8; 32]>,
    accepted: AcceptedCertificates,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

/// A request that came from a proxy of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct FromProxy;

impl Door {
    /// By these settings and the list of accepted certificates; `None` where nobody may ask. Reads the secrets.
    pub fn open(
        settings: &AccessSettings,
        accepted: impl FnOnce() -> Result<AcceptedCertificates>,
    ) -> Result<Option<Door>> {
        if !settings.is_open() {
            return Ok(None);
        }
        let secret = |path: &std::path::PathBuf| {
            let secret = Passphrase::read(path)?;
            match secret.characters() {
                LEAST_SECRET.. => Ok(secret.sha256()),
                _ => Err(Error::invalid(
                    path.display().to_string(),
                    format!("the secret is shorter than {LEAST_SECRET} characters"),
                )
                .remedy("Make one with `openssl rand -hex 32`.")),
            }
        };
        Ok(Some(Door {
            secrets: settings.secrets.iter().map(secret).collect::<Result<_>>()?,
            settings: settings.clone(),
            accepted: accepted()?,
        }))
    }

    /// Errors: `Forbidden` for whoever is not a proxy of ours.
    fn admit(&self, peer: Peer, headers: &HeaderMap) -> Result<()> {
        let proxies = &self.settings.proxies;
        let known = proxies.is_empty() || proxies.iter().any(|proxy| proxy.contains(peer.0));
        if known && (self.secrets.is_empty() || self.is_secret(headers)) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, "proxy", "not one that is known here").remedy(
            "Let the reverse proxy show a secret of access.secrets in X-Rubrica-Proxy-Secret, from an address of access.proxies.",
        ))
    }

    /// In a time that does not depend on which secret it is, or on how much of a wrong one was right.
    fn is_secret(&self, headers: &HeaderMap) -> bool {
        let Ok(Some(shown)) = single(headers, SECRET) else {
            return false;
        };
        let shown = crate::engine::crypto::sha256(shown.as_bytes());
        let same = self
            .secrets
            .iter()
            .map(|secret| openssl::memcmp::eq(secret, &shown));
        same.fold(false, |any, one| any | one)
    }

    /// The service that is asked for.
    fn service(&self, headers: &HeaderMap) -> Result<AccessService> {
        let unknown = || {
            Error::new(
                ErrorKind::Forbidden,
                "header X-Rubrica-Service",
                "names no service of the configuration",
            )
            .remedy("Name an [[access.service]], or send no such header.")
        };
        self.settings
            .service(single(headers, SERVICE)?)
            .ok_or_else(unknown)
    }

    /// That the list of accepted certificates has something against a certificate that holds (Ley 39/2015 art. 9.2 (unchecked)).
    fn objection(&self, checked: &Checked, service: &AccessService, now: Time) -> Option<Refusal> {
        let usage = match service.purpose {
            Purpose::Access => Usage::Access,
            Purpose::Signature | Purpose::Seal => Usage::Signing,
            Purpose::TimeStamping | Purpose::Any => return None,
        };
        let identity = &checked.report.identity;
        let presented = Presented {
            certificate: &checked.certificate,
            identity,
            authorities: &checked.authorities,
            // What the certificate says of itself counts where nobody else's word is at hand.
            qualified: match &checked.report.qualification {
                Some(known) if known.at_use.word != Word::Nobody => known.qualified == Answer::Yes,
                _ => identity.stated.qualified,
            },
        };
        let name = Some(service.name.as_str()).filter(|name| !name.is_empty());
        let decision = self.accepted.decide(presented, usage, name, now);
        (!decision.accepted).then_some(Refusal {
            status: StatusCode::FORBIDDEN,
            word: "not-accepted",
            spanish: decision.reason.es,
            english: decision.reason.en,
        })
    }

    /// The certificates that the proxy presents; none where its client showed none.
    fn presented(&self, headers: &HeaderMap) -> Result<Vec<Vec<u8>>> {
        let form = self.settings.form;
        let value = single(headers, self.settings.header())?.unwrap_or_default();
        let mut found = form.read(value)?;
        if let (false, Some(header)) = (found.is_empty(), self.settings.chain_header()) {
            found.extend(form.read_chain(single(headers, header)?.unwrap_or_default())?);
        }
        Ok(found)
    }
}

/// The one value of a header. Where there are two, nobody can say which one the proxy wrote.
fn single<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Error::malformed(format!("header {name}"), "is there twice")
            .remedy("Let the reverse proxy replace what its client sends."));
    }
    let text = first.map(|value| value.to_str()).transpose();
    text.map_err(|_| Error::malformed(format!("header {name}"), "is not ASCII"))
}

impl Service {
    /// The certificates of a request that came through a proxy of ours; none where it did not, or they cannot be read.
    pub fn presented(&self, peer: Peer, headers: &HeaderMap) -> Vec<Vec<u8>> {
        let door = self
            .door
            .as_ref()
            .filter(|door| door.admit(peer, headers).is_ok());
        door.and_then(|door| door.presented(headers).ok())
            .unwrap_or_default()
    }
}

/// Lets proxies of ours through.
pub(super) async fn from_proxy(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let admitted = match (&service.door, peer) {
        (Some(door), Some(peer)) => door.admit(peer, request.headers()),
        _ => Err(Error::new(
            ErrorKind::Forbidden,
            "proxy",
            "not one that is known here",
        )),
    };
    match admitted {
        Ok(()) => {
            request.extensions_mut().insert(FromProxy);
            next.run(request).await
        }
        Err(error) => Problem::from(error).into_response(),
    }
}

/// `/v1/access`, and whatever is below it.
pub(super) async fn ask(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    let language = report_language(None, &headers);
    match rule(&service, &headers).await {
        Ok(Ruling::Admitted(checked)) => (StatusCode::OK, identity(&checked)).into_response(),
        Ok(Ruling::Refused(refusal)) => refusal.answer(language),
        Err(problem) => problem.into_response(),
    }
}

enum Ruling {
    Admitted(Arc<Checked>),
    Refused(Refusal),
}

async fn rule(service: &Arc<Service>, headers: &HeaderMap) -> Result<Ruling, Problem> {
    let Some(door) = &service.door else {
        return Err(Error::not_found("path", "there is nothing here").into());
    };
    let asked = door.service(headers)?;
    let certificates = match door.presented(headers) {
        Ok(certificates) if certificates.is_empty() => {
            return Ok(Ruling::Refused(Refusal::of(
                StatusCode::UNAUTHORIZED,
                "no-certificate",
                "CERTIFICATE_NONE",
            )));
        }
        Ok(certificates) => certificates,
        Err(_) => return Ok(Ruling::Refused(Refusal::unreadable())),
    };
    let question = Question::new(certificates, asked.purpose)?;
    let checked = match service.check(question, &service.admitting).await {
        Ok(checked) => checked,
        Err(error) if error.kind() == ErrorKind::Malformed => {
            return Ok(Ruling::Refused(Refusal::unreadable()));
        }
        Err(error) => return Err(error.into()),
    };
    let if_unknown = asked.if_unknown.unwrap_or(door.settings.if_unknown);
    if checked.is_admitted(if_unknown) {
        let objection = door.objection(&checked, &asked, service.parts.clock.now());
        return Ok(objection.map_or(Ruling::Admitted(checked), Ruling::Refused));
    }
    if checked.report.status.is_open() && if_unknown == IfUnknown::Unavailable {
        return Err(could_not_check());
    }
    Ok(Ruling::Refused(Refusal::by(&checked)))
}

/// That somebody is not admitted, and why.
struct Refusal {
    status: StatusCode,
    word: &'static str,
    spanish: String,
    english: String,
}

impl Refusal {
    fn of(status: StatusCode, word: &'static str, key: &str) -> Refusal {
        Refusal {
            status,
            word,
            spanish: verdict_text(Language::Es, key).into(),
            english: verdict_text(Language::En, key).into(),
        }
    }

    fn unreadable() -> Refusal {
        Refusal::of(
            StatusCode::FORBIDDEN,
            "unreadable",
            "CERTIFICATE_UNREADABLE",
        )
    }

    fn by(checked: &Checked) -> Refusal {
        let words = &checked.report.explanation;
        Refusal {
            status: StatusCode::FORBIDDEN,
            word: checked.report.status.name(),
            spanish: words.es.clone(),
            english: words.en.clone(),
        }
    }

    /// The status as a word, and the reason for people: as the body, and in a header for proxies that drop bodies.
    fn answer(self, language: Language) -> Response {
        let words = match language {
            Language::Es => self.spanish,
            Language::En => self.english,
        };
        let mut headers = HeaderMap::new();
        put(&mut headers, "x-rubrica-status", self.word);
        put(&mut headers, "x-rubrica-reason", &words);
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                WWW_AUTHENTICATE,
                HeaderValue::from_static("Certificate realm=\"rubrica\""),
            );
        }
        (self.status, headers, words + "\n").into_response()
    }
}

/// Who it is, in headers that are all there always: one that were missing would let what a client sent pass.
fn identity(checked: &Checked) -> HeaderMap {
    let report = &checked.report;
    let (subject, identity) = (&report.subject, &report.identity);
    // Of a seal or a site, the person that answers for it; the class says which it is.
    let person = identity.person.as_ref().or(identity.responsible.as_ref());
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let of_person = |part: fn(&Person) -> Option<&String>| text(person.and_then(part));
    let number = |number: Option<&Identifier>| number.map(|n| n.number.clone()).unwrap_or_default();
    let entity = identity.entity.as_ref();
    let mut headers = HeaderMap::with_capacity(20);
    for (name, value) in [
        ("x-rubrica-status", report.status.name().to_string()),
        ("x-rubrica-fingerprint", hex(&report.certificate.0)),
        ("x-rubrica-serial", report.serial_number.clone()),
        ("x-rubrica-name", subject.name.clone()),
        ("x-rubrica-class", identity.class.name().to_string()),
        (
            "x-rubrica-number",
            number(person.and_then(|p| p.number.as_ref())),
        ),
        ("x-rubrica-given-name", of_person(|p| p.given_name.as_ref())),
        ("x-rubrica-surnames", of_person(|p| p.surnames.as_ref())),
        (
            "x-rubrica-entity",
            text(entity.and_then(|e| e.name.as_ref())),
        ),
        (
            "x-rubrica-entity-number",
            number(entity.and_then(|e| e.number.as_ref())),
        ),
        ("x-rubrica-issuer", subject.issuer.clone()),
        ("x-rubrica-not-after", subject.valid[1].to_string()),
        ("x-rubrica-policy", policies(checked)),
    ] {
        put(&mut headers, name, &value);
    }
    headers
}

fn policies(checked: &Checked) -> String {
    let policies = checked.certificate.policies().iter();
    policies
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A value as a header can hold any: UTF-8, percent-encoded but for what is unreserved in URIs (RFC 3986 §2.3) and what
/// dates and lists of numbers need. Decoding it as a part of a URI gives it back.
fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte))
            }
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    if let Ok(value) = HeaderValue::from_str(&encoded) {
        headers.insert(HeaderName::from_static(name), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::presented::Form;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn door(proxies: &[&str], secrets: &[&str]) -> Door {
        let folder = tempfile::tempdir().unwrap();
        let write = |(n, secret): (usize, &&str)| {
            let path = folder.path().join(n.to_string());
            std::fs::write(&path, format!("{secret}\n")).unwrap();
            #[cfg(unix)]
            std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                .unwrap();
            path
        };
        let settings = AccessSettings {
            secrets: secrets.iter().enumerate().map(write).collect(),
            proxies: proxies.iter().map(|p| p.parse().unwrap()).collect(),
            form: Form::Rfc9440,
            ..AccessSettings::default()
        };
        Door::open(&settings, || Ok(AcceptedCertificates::default()))
            .unwrap()
            .unwrap()
    }

    const FIRST: &str = "0123456789abcdef0123456789abcdef";
    const SECOND: &str = "fedcba9876543210fedcba9876543210";

    #[test]
    fn a_proxy_shows_its_secret_once_and_from_its_address() {
        let peer = Peer("10.0.0.7:99".parse().unwrap());
        let stranger = Peer("10.0.0.8:99".parse().unwrap());
        let both = door(&["10.0.0.7"], &[FIRST, SECOND]);
        for secret in [FIRST, SECOND] {
            let shown = headers(&[(SECRET, secret)]);
            assert!(both.admit(peer, &shown).is_ok());
            assert!(both.admit(stranger, &shown).is_err());
        }
        for shown in [
            headers(&[]),
            headers(&[(SECRET, "")]),
            headers(&[(SECRET, &FIRST[1..])]),
            headers(&[(SECRET, FIRST), (SECRET, FIRST)]),
        ] {
            assert_eq!(
                both.admit(peer, &shown).unwrap_err().kind(),
                ErrorKind::Forbidden
            );
        }
        assert!(door(&["10.0.0.7"], &[]).admit(peer, &headers(&[])).is_ok());
        assert!(
            door(&["10.0.0.7"], &[])
                .admit(stranger, &headers(&[]))
                .is_err()
        );
        assert!(
            door(&[], &[FIRST])
                .admit(stranger, &headers(&[(SECRET, FIRST)]))
                .is_ok()
        );
        assert!(
            Door::open(&AccessSettings::default(), || Ok(
                AcceptedCertificates::default()
            ))
            .unwrap()
            .is_none()
        );
    }

    #[test]
    fn two_certificates_in_two_headers_are_refused() {
        let door = door(&[], &[FIRST]);
        assert!(door.presented(&headers(&[])).unwrap().is_empty());
        assert_eq!(
            door.presented(&headers(&[("client-cert", ":MAA=:")]))
                .unwrap(),
            [b"0\0".to_vec()]
        );
        assert!(
            door.presented(&headers(&[
                ("client-cert", ":MAA=:"),
                ("client-cert", ":MAA=:")
            ]))
            .is_err()
        );
        assert!(
            door.presented(&headers(&[
                ("client-cert", ":MAA=:"),
                ("client-cert-chain", "x")
            ]))
            .is_err()
        );
    }

    #[test]
    fn no_value_breaks_out_of_its_header() {
        let mut headers = HeaderMap::new();
        put(
            &mut headers,
            "x-rubrica-name",
            "José\r\nX-Admin: 1, \"a\" %0A\0",
        );
        assert_eq!(
            headers["x-rubrica-name"],
            "Jos%C3%A9%0D%0AX-Admin:%201%2C%20%22a%22%20%250A%00"
        );
    }
}
