//! The one HTTP client: proxy, time, size, redirects and addresses are bounded here and nowhere else.
//!
//! In: an address and, to post, a body. Out: the whole body of a 200 answer, in memory or in a file, or that what the
//! asker has is still the newest (RFC 9110 §13). What it means is for whoever asked.

use super::Deadline;
use super::body::{self, Broken, Sink};
use super::connection::{Dialer, PROXY, wants_credentials};
use super::guard::is_number;
use super::ldap::{self, is_ldap};
use super::redirect;
use super::transport::{Connecting, Unresolved, failure};
use crate::engine::{Error, Result};
use crate::service::config::SourceSettings;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::{Agent, Body};

/// Redirects that are followed; repositories of revocation lists use one.
const REDIRECTS: u32 = 4;
/// Connections kept open to one host: as many callers may want a time-stamp at once.
const KEPT_CONNECTIONS: usize = 32;
/// A longer address is not asked. Servers commonly take 8 KiB; certificates name addresses of some hundred bytes.
const URL_BYTES: usize = 4096;
/// A longer validator is not kept: servers make theirs of a time and a length.
const VALIDATOR_BYTES: usize = 256;

/// Fetches.
pub struct Client {
    settings: SourceSettings,
    agent: Agent,
    dialer: Arc<Dialer>,
    timeout: Duration,
    answer_bytes: u64,
    stale: Duration,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({:?}, {} bytes)", self.timeout, self.answer_bytes)
    }
}

/// What a server said of the version it sent, to be told to it when asking for a newer one (RFC 9110 §8.8).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

/// A question for what is at an address.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    /// Where it is.
    pub url: &'a str,
    /// Of the version that the asker has; none where he has none, and the answer is then never that nothing is new.
    pub known: Option<&'a Validators>,
    /// The most bytes of the answer, as sent and as decoded.
    pub most_bytes: u64,
    /// Until when all of it must be there.
    pub deadline: Deadline,
}

/// What came of a [`Get`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Download {
    /// What the asker has is the newest.
    NotModified,
    /// The whole body is where it was to be written.
    Whole(Received),
}

/// What is to be known of a body beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// How many bytes it has.
    pub bytes: u64,
    /// To be told when asking again.
    pub validators: Validators,
    /// Where it was at last, after redirects.
    pub url: String,
}

/// A body to be posted.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Post<'a> {
    pub content_type: &'a str,
    pub body: &'a [u8],
    /// Until when the answer must be there.
    pub deadline: Deadline,
    /// The most bytes of the answer.
    pub answer_bytes: u64,
    /// The value of `Authorization`, where the server asks who it is.
    pub authorization: Option<&'a str>,
}

impl Client {
    /// A client under these settings. Proxies of the environment are not looked at.
    pub fn new(settings: &SourceSettings) -> Result<Client> {
        Client::with(settings, Dialer::new(settings)?)
    }

    /// The same client, which shows TLS servers that ask for it a certificate of ours (PEM, with its chain and its key).
    pub fn presenting(&self, certificate: &Path, key: &Path) -> Result<Client> {
        let dialer = Dialer::presenting(&self.settings, certificate, key)?;
        Client::with(&self.settings, dialer)
    }

    fn with(settings: &SourceSettings, dialer: Dialer) -> Result<Client> {
        let timeout = Duration::from_secs(settings.timeout_seconds);
        let dialer = Arc::new(dialer);
        let config = Agent::config_builder()
            .proxy(None)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(32 * 1024)
            .max_idle_connections(4 * KEPT_CONNECTIONS)
            .max_idle_connections_per_host(KEPT_CONNECTIONS)
            .user_agent(concat!("rubrica/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Client {
            settings: settings.clone(),
            agent: Agent::with_parts(config, Connecting(dialer.clone()), Unresolved),
            dialer,
            timeout,
            answer_bytes: settings.answer_bytes,
            stale: Duration::from_secs(settings.refresh.stale_seconds),
        })
    }

    /// How long one small exchange may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What is at `url`, within the client's own bounds of time and size and until `deadline`.
    pub fn get(&self, url: &str, deadline: Deadline) -> Result<Vec<u8>> {
        let get = Get {
            url,
            known: None,
            most_bytes: self.answer_bytes,
            deadline: deadline.within(self.timeout),
        };
        let mut body = Vec::new();
        self.fetch(&get, &mut body)?;
        Ok(body)
    }

    /// How long past its end what is kept is handed out while it is being refreshed.
    pub(super) fn stale(&self) -> Duration {
        self.stale
    }

    /// What is at `url`, and what the server says of it, or nothing where what `known` is of is still the newest; within the
    /// bounds of [`Client::get`].
    pub(super) fn renew(
        &self,
        url: &str,
        known: Option<&Validators>,
        deadline: Deadline,
    ) -> Result<Option<(Vec<u8>, Validators)>> {
        let get = Get {
            url,
            known,
            most_bytes: self.answer_bytes,
            deadline: deadline.within(self.timeout),
        };
        let mut body = Vec::new();
        Ok(match self.fetch(&get, &mut body)? {
            Download::NotModified => None,
            Download::Whole(received) => Some((body, received.validators)),
        })
    }

    /// Writes what is at an address to `file`, from its start, holding no more than a piece of it in memory. After an
    /// error the file holds rubbish.
    pub fn download(&self, get: &Get<'_>, file: &mut File) -> Result<Download> {
        self.fetch(get, file)
    }

    /// The values that are at `url`: one over HTTP, and in a directory those of the attributes that the address names or,
    /// where it names none, of `attributes`. Within the client's own bounds of time and size and until `deadline`.
    pub fn values(
        &self,
        url: &str,
        attributes: &[&str],
        deadline: Deadline,
    ) -> Result<Vec<Vec<u8>>> {
        if !is_ldap(url) {
            return Ok(vec![self.get(url, deadline)?]);
        }
        let deadline = deadline.within(self.timeout);
        ldap::values(&self.dialer, url, attributes, self.answer_bytes, deadline)
    }

    /// The one value at an address of a directory. Directories know no validators.
    fn fetch_value(&self, get: &Get<'_>, sink: &mut dyn Sink) -> Result<Download> {
        let most = get.most_bytes.min(self.answer_bytes);
        let values = ldap::values(&self.dialer, get.url, &ldap::LISTS, most, get.deadline)?;
        let [value] = &values[..] else {
            let problem = format!("has {} values, where one is wanted", values.len());
            return Err(Error::unsupported(shown(get.url), problem));
        };
        sink.restart()
            .and_then(|()| sink.put(value))
            .map_err(|error| body::unwritable(&error))?;
        Ok(Download::Whole(Received {
            bytes: value.len() as u64,
            validators: Validators::default(),
            url: get.url.to_string(),
        }))
    }

    /// The same as [`Client::download`] for any sink.
    pub(super) fn fetch(&self, get: &Get<'_>, sink: &mut dyn Sink) -> Result<Download> {
        if is_ldap(get.url) {
            return self.fetch_value(get, sink);
        }
        let mut url = get.url.to_string();
        for _ in 0..=REDIRECTS {
            let mut answer = self.ask(&url, get)?;
            match answer.status().as_u16() {
                200 => return receive(&url, &mut answer, get, sink).map(Download::Whole),
                304 if get.known.is_some() => return Ok(Download::NotModified),
                301 | 302 | 303 | 307 | 308 => url = redirect::target(&url, location(&answer))?,
                status => return Err(wrong_status(&url, status)),
            }
        }
        Err(Error::unavailable(shown(get.url), "redirects without end"))
    }

    fn ask(&self, url: &str, get: &Get<'_>) -> Result<Response<Body>> {
        check(url)?;
        again_if_lost(|| {
            let mut request = self
                .agent
                .get(url)
                .header(header::ACCEPT_ENCODING, "gzip")
                .config()
                .timeout_global(Some(get.deadline.left()))
                .build();
            for (name, value) in get.known.iter().flat_map(|known| known.headers()) {
                request = request.header(name, value);
            }
            request.call()
        })
        .map_err(|error| explain(url, &error, get.most_bytes, get.deadline))
    }

    /// The answer to a body posted to `url`. It is not posted anywhere else: a redirect is an error.
    pub fn post(&self, url: &str, post: &Post<'_>) -> Result<Vec<u8>> {
        check(url)?;
        let get = Get {
            url,
            known: None,
            most_bytes: post.answer_bytes.min(self.answer_bytes),
            deadline: post.deadline,
        };
        let mut answer = again_if_lost(|| {
            let mut request = self
                .agent
                .post(url)
                .config()
                .timeout_global(Some(post.deadline.left()))
                .build()
                .content_type(post.content_type);
            if let Some(value) = post.authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            request.send(post.body)
        })
        .map_err(|error| explain(url, &error, get.most_bytes, get.deadline))?;
        if answer.status().as_u16() != 200 {
            return Err(wrong_status(url, answer.status().as_u16()));
        }
        let mut body = Vec::new();
        receive(url, &mut answer, &get, &mut body)?;
        Ok(body)
    }
}

impl Validators {
    fn headers(&self) -> impl Iterator<Item = (header::HeaderName, &String)> {
        let headers = [
            (header::IF_NONE_MATCH, &self.etag),
            (header::IF_MODIFIED_SINCE, &self.last_modified),
        ];
        headers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }
}

/// Sends once more where the connection was lost before an answer: one that was kept from before may have been closed at
/// the other side that very moment. What is sent here asks, and changes nothing.
fn again_if_lost(
    send: impl Fn() -> Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, ureq::Error> {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match send() {
        Err(ureq::Error::Io(error))
            if matches!(
                error.kind(),
                BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof
            ) =>
        {
            send()
        }
        other => other,
    }
}

/// The body of a 200 answer.
fn receive(
    url: &str,
    answer: &mut Response<Body>,
    get: &Get<'_>,
    sink: &mut dyn Sink,
) -> Result<Received> {
    let gzip = is_gzip(url, answer.headers())?;
    let validators = validators(answer.headers());
    let mut bytes = 0;
    sink.restart().map_err(|error| body::unwritable(&error))?;
    let reader = answer.body_mut().as_reader();
    body::copy(reader, gzip, get.most_bytes, sink, &mut bytes).map_err(|broken| match broken {
        Broken::TooLarge => too_large(url, get.most_bytes),
        Broken::Writing(error) => body::unwritable(&error),
        Broken::Reading(error) => explain(url, &error.into(), get.most_bytes, get.deadline),
    })?;
    Ok(Received {
        bytes,
        validators,
        url: url.to_string(),
    })
}

fn is_gzip(url: &str, headers: &HeaderMap) -> Result<bool> {
    let coding = headers.get(header::CONTENT_ENCODING);
    match coding.map(|value| value.to_str().unwrap_or_default().trim()) {
        None | Some("" | "identity") => Ok(false),
        Some(coding) if coding.eq_ignore_ascii_case("gzip") || coding == "x-gzip" => Ok(true),
        Some(_) => Err(Error::unavailable(
            shown(url),
            "answered in a coding that it was not asked for",
        )),
    }
}

fn validators(headers: &HeaderMap) -> Validators {
    let text = |name| {
        let value = headers.get(name)?.to_str().ok()?;
        (value.len() <= VALIDATOR_BYTES).then(|| value.to_string())
    };
    Validators {
        etag: text(header::ETAG),
        last_modified: text(header::LAST_MODIFIED),
    }
}

fn location(answer: &Response<Body>) -> &str {
    let value = answer.headers().get(header::LOCATION);
    value.and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn too_late(url: &str, deadline: Deadline) -> Error {
    Error::unavailable(
        shown(url),
        format!("did not answer whole within {deadline}"),
    )
}

fn too_large(url: &str, most: u64) -> Error {
    Error::limit(
        shown(url),
        format!("answered more than the {most} bytes allowed"),
    )
}

/// A failure to connect, of the address that was asked; one of the proxy is the proxy's.
pub(super) fn at(url: &str, failure: &Error) -> Error {
    if failure.element() == PROXY {
        return failure.clone();
    }
    let error = Error::new(failure.kind(), shown(url), failure.problem().to_string());
    match failure.remedy_text() {
        Some(remedy) => error.remedy(remedy.to_string()),
        None => error,
    }
}

fn wrong_status(url: &str, status: u16) -> Error {
    match status {
        407 => wants_credentials(),
        _ => Error::unavailable(shown(url), format!("answered HTTP status {status}")),
    }
}

/// Refuses what no fetch should begin with: other schemes, user names, and numbers that only look like a host name.
fn check(url: &str) -> Result<()> {
    if url.len() > URL_BYTES {
        return Err(Error::refused(shown(url), "is too long for an address"));
    }
    let uri: Uri = url
        .parse()
        .map_err(|_| Error::malformed("address to fetch", "is not a URL"))?;
    let refused = |problem: &'static str| Err(Error::refused(shown(url), problem));
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(Error::unsupported(
            shown(url),
            "is of a scheme that is not fetched",
        ));
    }
    if uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return refused("holds a user name");
    }
    let host = uri.host().unwrap_or_default();
    if is_number(host) {
        return refused("its host is a number that is not an address");
    }
    Ok(())
}

/// An address without its query, which may hold what does not belong into a log.
pub(super) fn shown(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let url = url.get(..end).unwrap_or_default();
    let mut shown: String = url.chars().filter(|c| !c.is_control()).take(200).collect();
    if let (Some(scheme), Some(at)) = (shown.find("://"), shown.find('@'))
        && scheme + 3 <= at
    {
        shown.replace_range(scheme + 3..=at, "");
    }
    shown
}

fn explain(url: &str, error: &ureq::Error, most: u64, deadline: Deadline) -> Error {
    if let Some(failure) = failure(error) {
        return at(url, failure);
    }
    let unavailable = |problem: String| Error::unavailable(shown(url), problem);
    match error {
        ureq::Error::Timeout(_) => too_late(url, deadline),
        ureq::Error::HostNotFound => unavailable("its host is not found".into()),
        ureq::Error::BodyExceedsLimit(_) => too_large(url, most),
        ureq::Error::Io(io) => unavailable(format!("connection failed: {}", io.kind())),
        other => {
            let text: String = other
                .to_string()
                .chars()
                .filter(|c| !c.is_control())
                .take(120)
                .collect();
            unavailable(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::hostile::{self, Server, Step};
    use super::*;
    use crate::engine::ErrorKind;
    use std::time::Instant;

    fn client(change: impl FnOnce(&mut SourceSettings)) -> Client {
        let mut settings = SourceSettings {
            timeout_seconds: 1,
            answer_bytes: 10_000,
            private_addresses: vec!["127.0.0.1".parse().unwrap()],
            ..SourceSettings::default()
        };
        change(&mut settings);
        Client::new(&settings).unwrap()
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(2))
    }

    #[test]
    fn an_honest_answer_comes_whole_and_the_request_is_what_was_asked() {
        let server = Server::start(|request| {
            assert!(request.starts_with("POST /tsa HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("content-type: application/timestamp-query\r\n"));
            assert!(request.ends_with("\r\n\r\nquery"), "{request}");
            hostile::answer("200 OK", "application/timestamp-reply", b"reply")
        });
        let post = Post {
            content_type: "application/timestamp-query",
            body: b"query",
            deadline: soon(),
            answer_bytes: 100,
            authorization: None,
        };
        let answer = client(|_| {}).post(&server.url("/tsa"), &post).unwrap();
        assert_eq!(answer, b"reply");
    }

    #[test]
    fn hostile_servers_end_in_an_error_in_bounded_time_and_memory() {
        let drip: Vec<Step> = std::iter::once(Step::Send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n".to_vec(),
        ))
        .chain((0..100).flat_map(|_| {
            [
                Step::Send(b"x".to_vec()),
                Step::Wait(Duration::from_millis(100)),
            ]
        }))
        .collect();
        let endless = vec![
            Step::Send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
            Step::Repeat(format!("1000\r\n{}\r\n", "x".repeat(0x1000)).into_bytes()),
        ];
        let silent = vec![Step::Wait(Duration::from_secs(4))];
        let truncated = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec();
        let headers = vec![
            Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
            Step::Repeat(b"X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n".to_vec()),
        ];
        let claims = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nx".to_vec();
        for (what, steps, kind) in [
            ("slow drip", drip, ErrorKind::Unavailable),
            ("endless body", endless, ErrorKind::LimitExceeded),
            ("silence", silent, ErrorKind::Unavailable),
            (
                "truncated",
                vec![Step::Send(truncated)],
                ErrorKind::Unavailable,
            ),
            ("endless headers", headers, ErrorKind::Unavailable),
            (
                "huge claim",
                vec![Step::Send(claims)],
                ErrorKind::Unavailable,
            ),
            (
                "no HTTP",
                vec![Step::Send(b"220 smtp ready\r\n\r\n".to_vec())],
                ErrorKind::Unavailable,
            ),
            ("nothing", Vec::new(), ErrorKind::Unavailable),
        ] {
            let server = Server::start(move |_| steps.clone());
            let begun = Instant::now();
            let error = client(|_| {})
                .get(&server.url("/ca.crl"), soon())
                .unwrap_err();
            assert_eq!(error.kind(), kind, "{what}: {error}");
            assert!(begun.elapsed() < Duration::from_secs(3), "{what}");
        }
    }

    #[test]
    fn other_statuses_are_errors_that_name_them() {
        for status in [
            "404 Not Found",
            "500 Oops",
            "204 No Content",
            "206 Partial Content",
        ] {
            let server = Server::start(move |_| hostile::answer(status, "text/html", b""));
            let error = client(|_| {})
                .get(&server.url("/x?serial=7"), soon())
                .unwrap_err();
            assert!(error.problem().contains(&status[..3]), "{error}");
            assert!(!error.to_string().contains("serial"), "{error}");
        }
    }

    #[test]
    fn redirects_are_followed_a_little_and_never_for_a_post() {
        let server = Server::start(|request| {
            if request.starts_with("GET /moved") {
                hostile::redirect("/there")
            } else if request.starts_with("GET /loop") {
                hostile::redirect("/loop")
            } else if request.starts_with("POST") {
                hostile::redirect("/there")
            } else {
                hostile::answer("200 OK", "application/pkix-crl", b"list")
            }
        });
        let client = client(|_| {});
        assert_eq!(client.get(&server.url("/moved"), soon()).unwrap(), b"list");
        let error = client.get(&server.url("/loop"), soon()).unwrap_err();
        assert!(error.problem().contains("redirects"), "{error}");
        let post = Post {
            content_type: "application/ocsp-request",
            body: b"x",
            deadline: soon(),
            answer_bytes: 100,
            authorization: None,
        };
        assert!(client.post(&server.url("/ocsp"), &post).is_err());
    }

    #[test]
    fn private_addresses_are_refused_by_every_way_to_write_them() {
        let server = Server::start(|_| hostile::answer("200 OK", "text/plain", b"secret"));
        let port = server.port();
        let guarded = client(|s| s.private_addresses.clear());
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("http://localhost:{port}/"),
            format!("http://127.1:{port}/"),
            format!("http://2130706433:{port}/"),
            format!("http://0x7f000001:{port}/"),
            format!("http://0177.0.0.1:{port}/"),
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            format!("http://[::ffff:7f00:1]:{port}/"),
            format!("http://[::1]:{port}/"),
            format!("http://0.0.0.0:{port}/"),
            format!("http://user@127.0.0.1:{port}/"),
            "http://169.254.169.254/latest/meta-data".into(),
            "http://10.0.0.1/".into(),
        ] {
            let error = guarded.get(&url, soon()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{url}: {error}");
        }
        for url in ["ftp://127.0.0.1/x", "file:///etc/passwd", "ldap://ca/cn=x"] {
            assert!(guarded.get(url, soon()).is_err(), "{url}");
        }
        assert_eq!(server.requests(), 0);
        assert_eq!(
            client(|_| {}).get(&server.url("/"), soon()).unwrap(),
            b"secret"
        );
    }

    #[test]
    fn a_redirect_into_the_private_network_is_refused() {
        let inside = Server::start(|_| hostile::answer("200 OK", "text/plain", b"secret"));
        for target in [
            format!("http://127.0.0.1:{}/", inside.port()),
            format!("http://localhost:{}/", inside.port()),
        ] {
            let outside = Server::start(move |_| hostile::redirect(&target));
            let only_outside = format!("127.0.0.1:{}", outside.port()).parse().unwrap();
            let client = client(|s| s.private_addresses = vec![only_outside]);
            let error = client.get(&outside.url("/"), soon()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        }
        assert_eq!(inside.requests(), 0);
    }

    #[test]
    fn tls_goes_through_the_proxy_by_connect() {
        let proxy = Server::start(|request| {
            assert!(
                request.starts_with("CONNECT crl.example.org:443 HTTP/1.1\r\n"),
                "{request}"
            );
            hostile::answer("403 Forbidden", "text/html", b"")
        });
        let client = client(|s| {
            s.proxy = Some(proxy.url(""));
            s.private_addresses.clear();
        });
        let error = client
            .get("https://crl.example.org/ca.crl", soon())
            .unwrap_err();
        assert!(error.problem().contains("403"), "{error}");
        assert_eq!(proxy.requests(), 1);
    }

    #[test]
    fn a_proxy_gets_whole_addresses_and_is_not_asked_for_the_private_network() {
        let proxy = Server::start(|request| {
            assert!(
                request.starts_with("GET http://crl.example.org:8080/ca.crl?a=b HTTP/1.1\r\n"),
                "{request}"
            );
            assert!(
                request
                    .to_lowercase()
                    .contains("host: crl.example.org:8080\r\n")
            );
            hostile::answer("200 OK", "application/pkix-crl", b"list")
        });
        let direct = Server::start(|request| {
            assert!(request.starts_with("GET /ca.crl HTTP/1.1"), "{request}");
            hostile::answer("200 OK", "application/pkix-crl", b"direct")
        });
        let client = client(|s| {
            s.proxy = Some(proxy.url(""));
            s.no_proxy = vec!["127.0.0.1".into()];
            s.private_addresses = vec![format!("127.0.0.1:{}", direct.port()).parse().unwrap()];
        });
        for _ in 0..2 {
            let list = client
                .get("http://crl.example.org:8080/ca.crl?a=b", soon())
                .unwrap();
            assert_eq!(list, b"list");
        }
        assert_eq!(
            client.get(&direct.url("/ca.crl"), soon()).unwrap(),
            b"direct"
        );
        for private in ["http://10.1.2.3/", "http://[::1]/", "http://127.0.0.1:1/"] {
            let error = client.get(private, soon()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{private}: {error}");
        }
        assert_eq!(proxy.requests(), 2);
    }

    #[test]
    fn a_download_goes_to_a_file_and_again_only_when_it_changed() {
        let server = Server::start(|request| {
            let request = request.to_lowercase();
            if request.contains("if-none-match: \"v1\"\r\n") {
                assert!(request.contains("if-modified-since: yesterday\r\n"));
                return vec![Step::Send(b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec())];
            }
            vec![Step::Send(
                b"HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nLast-Modified: yesterday\r\nContent-Length: 4\r\n\r\nlist".to_vec(),
            )]
        });
        let (client, url) = (client(|_| {}), server.url("/ca.crl"));
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, b"something longer").unwrap();
        let mut get = Get {
            url: &url,
            known: None,
            most_bytes: 4,
            deadline: soon(),
        };
        let Download::Whole(received) = client.download(&get, &mut file).unwrap() else {
            panic!("nothing new");
        };
        assert_eq!((received.bytes, &received.url), (4, &url));
        assert_eq!(received.validators.etag.as_deref(), Some("\"v1\""));
        std::io::Seek::rewind(&mut file).unwrap();
        assert_eq!(std::io::read_to_string(&file).unwrap(), "list");
        get.known = Some(&received.validators);
        assert_eq!(
            client.download(&get, &mut file).unwrap(),
            Download::NotModified
        );
        (get.known, get.most_bytes) = (None, 3);
        let error = client.download(&get, &mut file).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");
    }

    #[test]
    fn not_modified_is_no_answer_to_who_has_nothing() {
        let server = Server::start(|_| hostile::answer("304 Not Modified", "text/html", b""));
        let error = client(|_| {})
            .get(&server.url("/ca.crl"), soon())
            .unwrap_err();
        assert!(error.problem().contains("304"), "{error}");
    }
}
