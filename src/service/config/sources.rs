//! `[sources]`: what is fetched, by which way, and within which bounds.

use super::{Fault, Network, fault, is_web_address};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[sources]`: fetching of revocation data and certificates.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SourceSettings {
    /// Whether nothing is fetched.
    pub offline: bool,
    /// The HTTP proxy that everything goes through.
    pub proxy: Option<String>,
    /// The file whose first line is `user:password` for the proxy.
    pub proxy_credentials: Option<PathBuf>,
    /// Hosts that are reached without the proxy: `tsa.example`, `.example` for all hosts under it.
    pub no_proxy: Vec<String>,
    /// Proxies for some hosts; the first that names a host is taken, before `proxy` and `no_proxy`.
    pub proxies: Vec<ProxySettings>,
    /// Private addresses that may be fetched from all the same: `10.1.2.3`, `10.1.0.0/16`, `127.0.0.1:8481`.
    pub private_addresses: Vec<Network>,
    /// Certificates of authorities that TLS servers may be under, beside those that browsers know.
    pub tls_roots: Vec<PathBuf>,
    /// How long one fetch may take.
    pub timeout_seconds: u64,
    /// Bytes of one answer.
    pub answer_bytes: u64,
    /// How long one large list may take.
    pub download_seconds: u64,
    /// Bytes of one large list.
    pub download_bytes: u64,
    /// How OCSP responders are asked.
    pub ocsp: OcspSettings,
    /// What is refreshed before it ends.
    pub refresh: RefreshSettings,
    /// Directories of authorities that publish lists under names alone.
    pub ldap: Vec<LdapSettings>,
}

/// `[[sources.proxies]]`: the way to some hosts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProxySettings {
    /// The hosts: `tsa.example`, `.example` for all hosts under it, `*` for every one.
    pub hosts: Vec<String>,
    /// The HTTP proxy; `direct` for none.
    pub proxy: String,
    /// The file whose first line is `user:password`.
    #[serde(default)]
    pub credentials: Option<PathBuf>,
}

/// `[sources.ocsp]`: how OCSP responders are asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OcspSettings {
    /// Whether answers are tied to questions.
    pub nonce: NonceRule,
    /// Whether certificates are named by SHA-256 in place of SHA-1, which every responder knows.
    pub sha256: bool,
}

/// Whether a nonce is sent (RFC 9654).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NonceRule {
    /// Sent; an answer without it is taken, since most responders sign theirs in advance.
    #[default]
    Offered,
    /// Sent; an answer without it is no answer.
    Required,
    /// Not sent: short questions go by GET, which caches on the way can answer.
    Never,
}

/// `[sources.refresh]`: what is refreshed before it ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RefreshSettings {
    /// Fetches at once; 0 refreshes nothing ahead.
    pub at_once: usize,
    /// How long past its end an answer is still handed out while its source fails. It is judged by its own dates all the same.
    pub stale_seconds: u64,
}

/// `[[sources.ldap]]`: the directory of an authority.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LdapSettings {
    /// The names under which it has its lists, as RFC 4514 writes them: `O=FNMT-RCM,C=ES` and all below.
    pub under: String,
    /// Its address: `ldap://ldap.example`, `ldaps://ldap.example:636`.
    pub server: String,
}

impl Default for SourceSettings {
    fn default() -> Self {
        SourceSettings {
            offline: false,
            proxy: None,
            proxy_credentials: None,
            no_proxy: Vec::new(),
            proxies: Vec::new(),
            private_addresses: Vec::new(),
            tls_roots: Vec::new(),
            timeout_seconds: 10,
            answer_bytes: 64 << 20,
            download_seconds: 300,
            download_bytes: 512 << 20,
            ocsp: OcspSettings::default(),
            refresh: RefreshSettings::default(),
            ldap: Vec::new(),
        }
    }
}

impl Default for OcspSettings {
    fn default() -> Self {
        OcspSettings {
            nonce: NonceRule::Offered,
            sha256: false,
        }
    }
}

impl Default for RefreshSettings {
    fn default() -> Self {
        RefreshSettings {
            at_once: 2,
            stale_seconds: 0,
        }
    }
}

impl SourceSettings {
    /// Paths that start at the folder of the file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let credentials = self.proxies.iter_mut().flat_map(|p| &mut p.credentials);
        (self.tls_roots.iter_mut())
            .chain(&mut self.proxy_credentials)
            .chain(credentials)
    }

    /// What types alone do not say.
    pub(super) fn check(&self) -> Result<(), Fault> {
        if let Some(proxy) = &self.proxy {
            check_proxy("sources.proxy", proxy)?;
        }
        if self.proxy.is_none() && self.proxy_credentials.is_some() {
            return fault("sources.proxy_credentials", "are for no proxy");
        }
        for rule in &self.proxies {
            if rule.hosts.is_empty() {
                return fault("sources.proxies.hosts", "is empty");
            }
            if rule.proxy != "direct" {
                check_proxy("sources.proxies.proxy", &rule.proxy)?;
            } else if rule.credentials.is_some() {
                return fault("sources.proxies.credentials", "are for no proxy");
            }
        }
        for (key, value) in [
            ("sources.timeout_seconds", self.timeout_seconds),
            ("sources.answer_bytes", self.answer_bytes),
            ("sources.download_seconds", self.download_seconds),
            ("sources.download_bytes", self.download_bytes),
        ] {
            if value == 0 {
                return fault(key, "is zero");
            }
        }
        let is_ldap = |s: &LdapSettings| {
            let rest = s.server.strip_prefix("ldap://");
            let rest = rest.or_else(|| s.server.strip_prefix("ldaps://"));
            rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '@']))
        };
        if !self.ldap.iter().all(is_ldap) {
            return fault(
                "sources.ldap.server",
                "is not ldap:// or ldaps:// and a host",
            );
        }
        Ok(())
    }
}

fn check_proxy(key: &'static str, proxy: &str) -> Result<(), Fault> {
    if !is_web_address(proxy) || proxy.starts_with("https:") {
        return fault(key, "is not an http:// address");
    }
    if proxy.contains('@') {
        return fault(key, "must not hold a user or a password");
    }
    Ok(())
}
