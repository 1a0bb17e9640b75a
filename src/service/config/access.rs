//! `[access]`: the reverse proxies that ask at `/v1/access`, and what they are answered.

use super::Network;
use crate::engine::pki::presented::Form;
use crate::engine::validation::Purpose;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Who may ask at `/v1/access`, how they present certificates, and for which services. Without a secret and without an
/// address of a proxy, the route is not opened: anybody could claim any certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSettings {
    /// Files whose first line is a secret that proxies show in `X-Rubrica-Proxy-Secret`; any of them opens, so that they
    /// can be changed one after the other.
    pub secrets: Vec<PathBuf>,
    /// Addresses of the proxies; empty: whoever shows a secret.
    pub proxies: Vec<Network>,
    /// How the proxies write certificates.
    pub form: Form,
    /// The header with the certificate, if not that of the form.
    pub header: Option<String>,
    /// The header with its chain, if not that of the form.
    pub chain_header: Option<String>,
    /// What is answered when a certificate's revocation could not be checked.
    pub if_unknown: IfUnknown,
    /// The services, the first being the default; without any there is one, for `access`.
    #[serde(rename = "service")]
    pub services: Vec<AccessService>,
}

/// `[[access.service]]`: something that certificates are to open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AccessService {
    /// The name by which the proxy asks, in `X-Rubrica-Service`.
    pub name: String,
    /// What certificates must be for.
    #[serde(default = "for_access")]
    pub purpose: Purpose,
    /// What is answered when a certificate's revocation could not be checked, if not as in `[access]`.
    #[serde(default)]
    pub if_unknown: Option<IfUnknown>,
}

fn for_access() -> Purpose {
    Purpose::Access
}

/// What follows when everything holds but nobody can say whether the certificate is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IfUnknown {
    /// It is not admitted: 403.
    #[default]
    Refuse,
    /// It is not admitted now: 503.
    Unavailable,
    /// It is admitted, and the answer says that it could not be checked.
    Admit,
}

impl Default for AccessSettings {
    fn default() -> Self {
        AccessSettings {
            secrets: Vec::new(),
            proxies: Vec::new(),
            form: Form::Nginx,
            header: None,
            chain_header: None,
            if_unknown: IfUnknown::Refuse,
            services: Vec::new(),
        }
    }
}

impl AccessSettings {
    /// Whether anybody may ask.
    pub fn is_open(&self) -> bool {
        !self.secrets.is_empty() || !self.proxies.is_empty()
    }

    /// The header with the certificate.
    pub fn header(&self) -> &str {
        self.header.as_deref().unwrap_or(self.form.header())
    }

    /// The header with the chain, where there is one.
    pub fn chain_header(&self) -> Option<&str> {
        self.chain_header.as_deref().or(self.form.chain_header())
    }

    /// The service of this name, or the first where none is named; `None` for a name that is not there.
    pub fn service(&self, name: Option<&str>) -> Option<AccessService> {
        let found = match name {
            Some(name) => self.services.iter().find(|service| service.name == name),
            None => self.services.first(),
        };
        let alone = || AccessService {
            name: String::new(),
            purpose: Purpose::Access,
            if_unknown: None,
        };
        found.cloned().or_else(|| (name.is_none()).then(alone))
    }

    /// What is wrong with it: the key, and the problem.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        if let Some(name) = super::repeated(self.services.iter().map(|s| &s.name)) {
            return Some(("access.service", format!("{name:?} is there twice")));
        }
        if self
            .services
            .iter()
            .any(|s| s.name.is_empty() || s.name.contains(|c: char| !c.is_ascii_graphic()))
        {
            return Some((
                "access.service",
                "has a name that cannot stand in a header".into(),
            ));
        }
        let unfit = |name: &Option<String>| {
            name.as_ref().is_some_and(|n| {
                n.is_empty()
                    || !n
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            })
        };
        if unfit(&self.header) {
            return Some(("access.header", "is not the name of a header".into()));
        }
        if unfit(&self.chain_header) {
            return Some(("access.chain_header", "is not the name of a header".into()));
        }
        None
    }
}
