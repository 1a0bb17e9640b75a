//! Which way leads to a host: none, or a proxy, by the first rule that names the host.
//!
//! Plain HTTP goes to a proxy with the whole address in the request line (RFC 9112 §3.2.2), since proxies commonly let
//! `CONNECT` go to port 443 alone; TLS and LDAP go through `CONNECT` (RFC 9110 §9.3.6). Proxies of the environment are
//! not looked at.

use crate::engine::{Error, Result};
use crate::service::config::SourceSettings;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use ureq::http::Uri;
use zeroize::Zeroizing;

/// A proxy that speaks plain HTTP.
pub(super) struct Proxy {
    pub(super) host: String,
    pub(super) port: u16,
    /// The value of `Proxy-Authorization`.
    authorization: Option<Zeroizing<String>>,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}:{})", self.host, self.port)
    }
}

impl Proxy {
    fn new(address: &str, credentials: Option<&Path>) -> Result<Arc<Proxy>> {
        let wrong = || Error::invalid("sources.proxy", "is not the address of an HTTP proxy");
        let uri: Uri = address.parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|_| uri.scheme_str() == Some("http"));
        Ok(Arc::new(Proxy {
            host: host.ok_or_else(wrong)?.trim_matches(['[', ']']).to_string(),
            port: uri.port_u16().unwrap_or(80),
            authorization: credentials.map(authorization).transpose()?,
        }))
    }

    /// The header line that names who asks, with its end; nothing where nobody is named.
    pub(super) fn authorization_line(&self) -> Zeroizing<String> {
        Zeroizing::new(match &self.authorization {
            Some(value) => format!("Proxy-Authorization: {}\r\n", value.as_str()),
            None => String::new(),
        })
    }
}

/// Basic credentials (RFC 7617) of a file whose first line is `user:password`.
pub(super) fn authorization(path: &Path) -> Result<Zeroizing<String>> {
    let element = || path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Error::invalid(element(), format!("cannot be read: {}", error.kind())))?;
    let line = text.lines().next().unwrap_or_default().trim_end();
    if !line.contains(':') || line.chars().any(char::is_control) {
        return Err(
            Error::invalid(element(), "its first line is not user:password")
                .remedy("Write the user, a colon and the password into it."),
        );
    }
    Ok(Zeroizing::new(format!("Basic {}", STANDARD.encode(line))))
}

/// The way to one host.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// The proxy to go through; none where the host is connected to.
    pub(super) proxy: Option<Arc<Proxy>>,
    /// Whether the operator named this very host, and so knows what it is.
    pub(super) named: bool,
}

#[derive(Debug)]
struct Rule {
    hosts: Vec<String>,
    proxy: Option<Arc<Proxy>>,
}

/// All ways, in the order in which they are looked at.
#[derive(Debug)]
pub(super) struct Ways(Vec<Rule>);

impl Ways {
    pub(super) fn new(settings: &SourceSettings) -> Result<Ways> {
        let lower = |hosts: &[String]| hosts.iter().map(|h| h.to_ascii_lowercase()).collect();
        let mut rules = Vec::new();
        for rule in &settings.proxies {
            let proxy = (rule.proxy != "direct")
                .then(|| Proxy::new(&rule.proxy, rule.credentials.as_deref()));
            rules.push(Rule {
                hosts: lower(&rule.hosts),
                proxy: proxy.transpose()?,
            });
        }
        if let Some(proxy) = &settings.proxy {
            rules.push(Rule {
                hosts: lower(&settings.no_proxy),
                proxy: None,
            });
            rules.push(Rule {
                hosts: vec!["*".into()],
                proxy: Some(Proxy::new(proxy, settings.proxy_credentials.as_deref())?),
            });
        }
        Ok(Ways(rules))
    }

    /// The way to `host`, a name or an address without brackets.
    pub(super) fn to(&self, host: &str) -> Way {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let rule = self.0.iter().find_map(|rule| {
            let pattern = rule.hosts.iter().find(|pattern| matches(pattern, &host))?;
            Some((rule, *pattern == host))
        });
        Way {
            proxy: rule.and_then(|(rule, _)| rule.proxy.clone()),
            named: rule.is_some_and(|(_, named)| named),
        }
    }
}

/// Whether a host is the one of `pattern`, or under it where that begins with a dot, or `*.`, or is `*`.
fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*').unwrap_or(pattern) {
        "" => pattern == "*",
        suffix if suffix.starts_with('.') => host.len() > suffix.len() && host.ends_with(suffix),
        exact => exact == host && !pattern.starts_with('*'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::config::ProxySettings;
    use std::io::Write;

    #[test]
    fn the_first_rule_that_names_a_host_leads_to_it() {
        let rule = |hosts: &[&str], proxy: &str| ProxySettings {
            hosts: hosts.iter().map(ToString::to_string).collect(),
            proxy: proxy.into(),
            credentials: None,
        };
        let ways = Ways::new(&SourceSettings {
            proxy: Some("http://default:3128".into()),
            no_proxy: vec![".intranet.example".into(), "*.corp.example".into()],
            proxies: vec![
                rule(&["ocsp.Example", ".fnmt.example"], "http://one:1"),
                rule(&["crl.intranet.example"], "http://two:2"),
                rule(&["10.0.0.1"], "direct"),
            ],
            ..SourceSettings::default()
        })
        .unwrap();
        for (host, expected, named) in [
            ("ocsp.example", Some("one"), true),
            ("OCSP.example.", Some("one"), true),
            ("x.ocsp.example", Some("default"), false),
            ("ldap.fnmt.example", Some("one"), false),
            ("fnmt.example", Some("default"), false),
            ("badfnmt.example", Some("default"), false),
            ("crl.intranet.example", Some("two"), true),
            ("a.intranet.example", None, false),
            ("b.corp.example", None, false),
            ("10.0.0.1", None, true),
        ] {
            let way = ways.to(host);
            assert_eq!(
                way.proxy.map(|p| p.host.clone()).as_deref(),
                expected,
                "{host}"
            );
            assert_eq!(way.named, named, "{host}");
        }
        let none = Ways::new(&SourceSettings::default()).unwrap();
        assert!(none.to("anything").proxy.is_none());
    }

    #[test]
    fn credentials_are_read_from_a_file_and_never_shown() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "Aladdin:open sesame").unwrap();
        let proxy = Proxy::new("http://p:3128", Some(file.path())).unwrap();
        assert_eq!(
            proxy.authorization_line().as_str(),
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"
        );
        assert_eq!(format!("{proxy:?}"), "Proxy(p:3128)");
        std::fs::write(file.path(), "no colon").unwrap();
        assert!(Proxy::new("http://p", Some(file.path())).is_err());
        for wrong in ["p:3128", "https://p", "socks5://p", ""] {
            assert!(Proxy::new(wrong, None).is_err(), "{wrong}");
        }
    }
}
