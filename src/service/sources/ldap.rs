//! Searches in the directories of authorities (RFC 4511, RFC 4523), anonymous, over the one dialer with its guards.
//!
//! Referrals are not followed: where they lead is another server's word. A whole answer is held in memory, within the
//! bounds of one answer.

use super::cache::{Answer, Ask, Cache, Fresh};
use super::connection::{Dialer, Stream, Target};
use super::encoding::plain;
use super::{
    Deadline, Fetching, MOST_ADDRESSES, Refreshable, Source, Validators, shown, wanted_certificates,
};
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::crl::RevocationList;
use crate::engine::pki::extension::{DistributionPoint, GeneralName};
use crate::engine::pki::{Certificate, CertificateList, Name};
use crate::engine::syntax::asn1::{Reader, Tlv, der};
use crate::engine::syntax::ldap::{LdapUrl, Response, Search};
use crate::engine::syntax::ldap::{bind, message_length, unbind};
use crate::engine::validation::Want;
use crate::engine::{Error, Result, Time};
use crate::service::config::LdapSettings;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// Entries of one search.
const MOST_ENTRIES: u32 = 64;
/// Messages of one conversation: entries, references, the ends of bind and search.
const MOST_MESSAGES: u32 = 4 * MOST_ENTRIES;
/// How long a list is kept that does not say when the next one comes.
const WITHOUT_NEXT_UPDATE: Duration = Duration::from_secs(600);

/// The attributes that hold revocation lists (RFC 4523 §2).
pub(super) const LISTS: [&str; 3] = [
    "certificateRevocationList;binary",
    "authorityRevocationList;binary",
    "deltaRevocationList;binary",
];
/// The attributes that hold certificates of authorities (RFC 4523 §2).
pub(super) const CERTIFICATES: [&str; 2] = ["cACertificate;binary", "crossCertificatePair;binary"];

/// The values that are at `url`, of the attributes that it names, or else of `attributes`; each once, `most` bytes in all.
pub(super) fn values(
    dialer: &Dialer,
    url: &str,
    attributes: &[&str],
    most: u64,
    deadline: Deadline,
) -> Result<Vec<Vec<u8>>> {
    let mut parsed = LdapUrl::parse(url)?;
    if parsed.host.is_empty() {
        return Err(Error::unsupported(shown(url), "names no host")
            .remedy("Name its server under sources.ldap."));
    }
    if parsed.attributes.is_empty() {
        parsed.attributes = attributes.iter().map(ToString::to_string).collect();
    }
    let target = Target {
        host: &parsed.host,
        port: parsed.port,
        tls: parsed.tls,
        http: false,
    };
    let stream = dialer
        .dial(target, deadline)
        .map_err(|failure| super::client::at(url, &failure))?
        .stream;
    let mut conversation = Conversation {
        stream,
        url,
        received: Vec::new(),
        left: most,
        messages: MOST_MESSAGES,
        deadline,
    };
    conversation.search(&parsed)
}

/// One connection: a bind, a search, and its end.
struct Conversation<'a> {
    stream: Stream,
    url: &'a str,
    /// What came and was not read yet.
    received: Vec<u8>,
    /// The bytes that may still come.
    left: u64,
    messages: u32,
    deadline: Deadline,
}

impl Conversation<'_> {
    fn search(&mut self, wanted: &LdapUrl) -> Result<Vec<Vec<u8>>> {
        self.send(&bind(1))?;
        match self.answer_to(1)? {
            Response::Bound(0) => {}
            Response::Bound(code) => return Err(self.refused("a bind without a name", code)),
            _ => return Err(self.failed("answered something else to a bind")),
        }
        let search = Search {
            url: wanted,
            entries: MOST_ENTRIES,
            seconds: u32::try_from(self.deadline.left().as_secs()).map_or(60, |s| s.clamp(1, 60)),
        };
        self.send(&search.request(2))?;
        let mut values: Vec<Vec<u8>> = Vec::new();
        let mut referred = false;
        loop {
            match self.answer_to(2)? {
                Response::Found(entry) => {
                    let all = wanted.attributes.iter().flat_map(|a| entry.values(a));
                    for value in all.filter(|v| !v.is_empty()) {
                        if !values.iter().any(|known| known == value) {
                            values.push(value.to_vec());
                        }
                    }
                }
                Response::Referred | Response::Done(10) if !values.is_empty() => break,
                Response::Referred => referred = true,
                Response::Done(10) => return Err(self.referral()),
                Response::Done(0) => break,
                Response::Done(32) => {
                    return Err(Error::not_found(shown(self.url), "there is no such entry"));
                }
                Response::Done(code) => return Err(self.refused("a search", code)),
                _ => return Err(self.failed("answered something else to a search")),
            }
        }
        // The values are here; a server that does not hear the end notices it by the connection's.
        let _ = self.send(&unbind(3));
        match (values.is_empty(), referred) {
            (false, _) => Ok(values),
            (true, true) => Err(self.referral()),
            (true, false) => Err(Error::not_found(
                shown(self.url),
                "the entry has none of the attributes",
            )),
        }
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        let sent = self.stream.write_all(message);
        sent.and_then(|()| self.stream.flush())
            .map_err(|error| self.broken(&error))
    }

    fn answer_to(&mut self, number: u64) -> Result<Response> {
        let bytes = self.message()?;
        match Response::parse(&bytes) {
            Ok((to, response)) if to == number => Ok(response),
            // Number 0 is the notice of disconnection (RFC 4511 §4.4.1).
            Ok((0, _)) => Err(self.failed("ended the conversation")),
            Ok(_) => Err(self.failed("answered what was not asked")),
            Err(_) => Err(self.failed("answered something that is not LDAP")),
        }
    }

    /// The next whole message.
    fn message(&mut self) -> Result<Vec<u8>> {
        self.messages = self
            .messages
            .checked_sub(1)
            .ok_or_else(|| Error::limit(shown(self.url), "answered in too many messages"))?;
        let mut chunk = [0; 16 * 1024];
        loop {
            let length = message_length(&self.received)
                .map_err(|_| self.failed("answered something that is not LDAP"))?;
            if let Some(length) = length {
                let had = self.received.len() as u64;
                if length > had.saturating_add(self.left) {
                    return Err(Error::limit(
                        shown(self.url),
                        "answered more bytes than allowed",
                    ));
                }
                if had >= length {
                    let rest = self
                        .received
                        .split_off(usize::try_from(length).unwrap_or(0));
                    return Ok(std::mem::replace(&mut self.received, rest));
                }
            }
            let count = self
                .stream
                .read(&mut chunk)
                .map_err(|error| self.broken(&error))?;
            if count == 0 {
                return Err(self.failed("ended before its answer did"));
            }
            self.left = self
                .left
                .checked_sub(count as u64)
                .ok_or_else(|| Error::limit(shown(self.url), "answered more bytes than allowed"))?;
            self.received
                .extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn failed(&self, problem: &'static str) -> Error {
        Error::unavailable(shown(self.url), problem)
    }

    fn referral(&self) -> Error {
        self.failed("refers to another server, which is not followed")
    }

    fn refused(&self, what: &str, code: u64) -> Error {
        Error::unavailable(
            shown(self.url),
            format!("answered {what} with LDAP result {code}"),
        )
    }

    fn broken(&self, error: &std::io::Error) -> Error {
        Error::unavailable(
            shown(self.url),
            match error.kind() {
                std::io::ErrorKind::TimedOut => {
                    format!("did not answer whole within {}", self.deadline)
                }
                kind => format!("connection failed: {kind}"),
            },
        )
    }
}

/// Directories by the names under which they have lists.
#[derive(Debug)]
pub(super) struct Directories(Vec<(Vec<String>, String)>);

impl Directories {
    pub(super) fn new(settings: &[LdapSettings]) -> Directories {
        let one = |s: &LdapSettings| (components(&s.under), s.server.clone());
        Directories(settings.iter().map(one).collect())
    }

    /// The address of the entry `name` in the first directory that has it.
    fn address(&self, name: &str) -> Option<String> {
        let all = components(name);
        let (_, server) = self.0.iter().find(|(under, _)| all.ends_with(under))?;
        Some(format!("{server}/{}", encoded(name)))
    }

    /// The addresses of the lists that `certificate` names without one: by full names, by names relative to its issuer
    /// or theirs, by the issuer of the list alone (RFC 5280 §4.2.1.13), and addresses that leave out the host.
    fn of(&self, certificate: &Certificate) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let points = certificate.distribution_points().iter();
        let names = points.flat_map(|point| point_names(point, certificate.issuer()));
        names.filter_map(|name| self.address(&name)).collect()
    }
}

fn point_names(point: &DistributionPoint, issuer: &Name) -> Vec<String> {
    let directory = |name: &GeneralName| match name {
        GeneralName::Directory(name) => Some(name.to_string()),
        GeneralName::Uri(uri) => LdapUrl::parse(uri)
            .ok()
            .filter(|url| url.host.is_empty())
            .map(|url| url.name),
        _ => None,
    };
    let mut names: Vec<_> = point.full_name.iter().filter_map(directory).collect();
    let list_issuer = point.crl_issuer.iter().find_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    });
    if let Some(relative) = &point.relative_name {
        names.extend(below(list_issuer.unwrap_or(issuer), relative));
    }
    if point.full_name.is_empty() && point.relative_name.is_none() {
        names.extend(list_issuer.map(ToString::to_string));
    }
    names
}

/// The name one relative name, the content of its SET, below `issuer`.
fn below(issuer: &Name, relative: &[u8]) -> Option<String> {
    let whole = Tlv::whole(Reader::ber(issuer.bytes()), "Name").ok()?;
    let longer = der::tlv(0x30, &[whole.content(), &der::tlv(0x31, relative)].concat());
    Some(Name::from_bytes(&longer).ok()?.to_string())
}

/// The relative names of a name as RFC 4514 writes it, made alike: white space about them and case do not matter.
fn components(name: &str) -> Vec<String> {
    let (mut all, mut current, mut escaped) = (Vec::new(), String::new(), false);
    for c in name.chars() {
        if !escaped && (c == ',' || c == ';') {
            all.push(std::mem::take(&mut current));
            continue;
        }
        escaped = !escaped && c == '\\';
        current.push(c);
    }
    all.push(current);
    let alike = |one: &String| {
        let (kind, value) = one.split_once('=').unwrap_or((one, ""));
        let value: Vec<_> = value.split_whitespace().collect();
        format!("{}={}", kind.trim(), value.join(" ")).to_lowercase()
    };
    all.iter().map(alike).filter(|one| one != "=").collect()
}

/// Percent-encoded for the path of an address.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'=' | b',' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Revocation lists of directories: those whose address is LDAP, and those that certificates name without an address.
#[derive(Debug)]
pub struct LdapSource {
    fetching: Fetching,
    directories: Directories,
    cache: Arc<Cache>,
}

impl LdapSource {
    /// By this client, at this clock; `directories` tell which server has the entries of which names.
    pub fn new(fetching: Fetching, directories: &[LdapSettings]) -> Self {
        LdapSource {
            cache: Arc::new(Cache::new("ldap", &fetching)),
            directories: Directories::new(directories),
            fetching,
        }
    }
}

fn fetch_lists(
    fetching: &Fetching,
    url: &str,
    issuer: &Certificate,
    ask: Ask<'_>,
) -> Result<Fresh> {
    let now = ask.now;
    let values = fetching.client.values(url, &LISTS, ask.deadline)?;
    let lists: Vec<_> = values
        .iter()
        .filter_map(|value| CertificateList::from_pem_or_der(&plain(value)).ok())
        .collect();
    // Those of the issuer tell how long what was found may be kept: as long as the first of them.
    let own = |list: &&CertificateList| {
        list.issuer() == issuer.subject()
            && issuer.public_key().is_ok_and(|key| list.is_signed_by(key))
    };
    let newest = lists.iter().map(CertificateList::this_update).max();
    let Some(this_update) = newest else {
        return Err(Error::unavailable(
            shown(url),
            "answered something that is no revocation list",
        ));
    };
    let ends = lists.iter().filter(own).map(|list| {
        let next = list.next_update();
        next.unwrap_or(now.plus(WITHOUT_NEXT_UPDATE))
    });
    let origin = Origin::Fetched {
        url: url.to_string(),
        at: now,
    };
    let kind = ObjectKind::CertificateRevocationList;
    Ok(Fresh::New(Answer {
        this_update,
        until: ends.min(),
        objects: lists
            .iter()
            .map(|list| Object::new(kind, list.bytes(), origin.clone()))
            .collect(),
        validators: Validators::default(),
    }))
}

impl Source for LdapSource {
    fn refreshed(&self) -> Option<Arc<dyn Refreshable>> {
        Some(self.cache.clone())
    }

    fn serves(&self, want: &Want) -> bool {
        let directories = !self.directories.0.is_empty();
        matches!(want, Want::Revocation { crls, .. } if directories || crls.iter().any(|u| is_ldap(u)))
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
        let mut urls: Vec<_> = crls.iter().filter(|u| is_ldap(u)).cloned().collect();
        urls.retain(|url| LdapUrl::parse(url).is_ok_and(|url| !url.host.is_empty()));
        urls.extend(self.directories.of(&certificate));
        let mut failure = None;
        let mut found = Vec::new();
        for url in urls.iter().take(MOST_ADDRESSES) {
            let (fetching, issuer, at) = (self.fetching.clone(), issuer.clone(), url.clone());
            let answer = self.cache.get(url, not_before, deadline, move |ask| {
                fetch_lists(&fetching, &at, &issuer, ask)
            });
            match answer {
                Ok(objects) => found.extend(objects),
                Err(error) => failure = Some(error),
            }
        }
        match failure {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

/// Whether an address is of a directory.
pub(super) fn is_ldap(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default();
    scheme.eq_ignore_ascii_case("ldap") || scheme.eq_ignore_ascii_case("ldaps")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_the_directory_that_it_is_under() {
        let directories = Directories::new(&[
            LdapSettings {
                under: "ou=CERES, O=FNMT-RCM , C=es".into(),
                server: "ldap://one".into(),
            },
            LdapSettings {
                under: "C=ES".into(),
                server: "ldaps://two:6636".into(),
            },
        ]);
        for (name, address) in [
            (
                "CN=CRL 1,OU=CERES,O=FNMT-RCM,C=ES",
                Some("ldap://one/CN=CRL%201,OU=CERES,O=FNMT-RCM,C=ES"),
            ),
            (
                "CN=a?b\\,OU=CERES,C=ES",
                Some("ldaps://two:6636/CN=a%3Fb%5C,OU=CERES,C=ES"),
            ),
            ("CN=x,C=FR", None),
            ("", None),
        ] {
            assert_eq!(directories.address(name).as_deref(), address, "{name}");
            if let Some(address) = address {
                assert_eq!(LdapUrl::parse(address).unwrap().name, name);
            }
        }
    }
}
