//! The configuration: one TOML file, then the environment over it, read and checked once at the start.
//!
//! OPERATIONS.md describes every key. An unknown key is an error that names it and its line. Relative paths start at the
//! folder of the file. Secrets are never here: a key says in which file or variable its passphrase stands.
//!
//! `RUBRICA_DATA` overrides `data`, `RUBRICA_LIMITS_DOCUMENT_BYTES` overrides `document_bytes` of `[limits]`, and so on;
//! lists of tables (`[[seal]]`, `[[tsa]]`) are in the file alone.

mod accepted;
mod access;
mod catalogue;
mod index;
mod network;
mod owed;
mod path;
mod signing;
mod sources;
mod timestamping;
mod trust;
mod validation;

pub use accepted::{AcceptedSettings, IdentitySettings};
pub use access::{AccessService, AccessSettings, IfUnknown};
pub use catalogue::{Catalogue, CodeRule, Entity, Office, Procedure, Subject, Unit};
pub use index::IndexSettings;
pub use network::Network;
pub use owed::OwedSettings;
pub use path::{PathModel, PathSettings};
pub use signing::SigningSettings;
pub use sources::{
    LdapSettings, NonceRule, OcspSettings, ProxySettings, RefreshSettings, SourceSettings,
};
pub use timestamping::{TimestampingSettings, TsaSettings};
pub use trust::{HistoricalAnchor, ListSettings, Trust};
pub use validation::{SignaturePolicySettings, ValidationSettings};

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::register::{Calendar, NumberLayout};
use crate::engine::{Error, Result, Time};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Everything that an operator decides.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the public pages, the validation and, unless they have an address of their own, the callers' routes listen.
    pub listen: SocketAddr,
    /// Where the routes that need a caller's key listen, apart from the public ones.
    pub callers_listen: Option<SocketAddr>,
    /// Reverse proxies of ours, whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// The folder that holds the store.
    pub data: PathBuf,
    /// The callers file; without it the routes that need a caller are not opened.
    pub callers: Option<PathBuf>,
    /// The catalogue of entities, offices, units, procedures and subjects.
    pub catalogue: Option<PathBuf>,
    /// The calendar of non-working days of the sede.
    pub calendar: Option<PathBuf>,
    /// Languages of pages and justificantes, the first being the default.
    pub languages: Vec<String>,
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,rubrica=debug`.
    pub log: String,
    /// The e-office.
    pub sede: Sede,
    /// The store.
    pub store: StoreSettings,
    /// Whom signatures are checked against.
    pub trust: Trust,
    /// By what signatures are judged.
    pub validation: ValidationSettings,
    /// By what certification paths are validated.
    pub path: PathSettings,
    /// Which certificates are accepted.
    pub accepted: AcceptedSettings,
    /// Whom certificates name.
    pub identity: IdentitySettings,
    /// The register.
    pub register: Register,
    /// The code of authenticity.
    pub code: CodeSettings,
    /// Signatures in two steps.
    pub signing: SigningSettings,
    /// What is owed.
    pub owed: OwedSettings,
    /// Bounds on requests.
    pub limits: RequestLimits,
    /// Fetching of revocation data and certificates.
    pub sources: SourceSettings,
    /// The index of revocation lists.
    pub index: IndexSettings,
    /// The reverse proxies that ask whether a certificate is admitted.
    pub access: AccessSettings,
    /// The seals.
    #[serde(rename = "seal")]
    pub seals: Vec<SealSettings>,
    /// The time-stamping authorities.
    #[serde(rename = "tsa")]
    pub tsas: Vec<TsaSettings>,
    /// The service as a time-stamping authority.
    pub timestamping: TimestampingSettings,
}

/// `[sede]`: the e-office.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sede {
    /// Its name, as justificantes and pages print it.
    pub name: String,
    /// Its address, as justificantes print it and codes are checked at; without a slash at the end.
    pub url: String,
    /// The IANA zone of its official time.
    pub zone: String,
    /// The certificate of its web site, to be listed beside the seals.
    pub certificate: Option<PathBuf>,
    /// Its mailbox: who sends `acuse.eml`, and whom the page on accessibility names.
    pub mail: Option<String>,
}

/// `[store]`: the embedded store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreSettings {
    /// The file with the key that encrypts what is stored. It lies outside of `data`.
    pub key: Option<PathBuf>,
    /// How long a request waits for the store.
    pub timeout_seconds: u64,
}

/// `[register]`: numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Register {
    /// Digits of year, office and sequence in a register number: `4+6+10`.
    #[serde(with = "as_text")]
    pub layout: NumberLayout,
}

/// `[code]`: the code of authenticity (CEA) and its page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CodeSettings {
    /// The file with the secret that keys the hashes of groups and chooses the groups that are asked. Outside of `data`.
    pub secrets: Option<PathBuf>,
    /// How many of the six groups the page asks.
    pub groups: u8,
    /// Attempts on one id within the window.
    pub attempts_per_id: u32,
    /// Attempts from one address within the window.
    pub attempts_per_address: u32,
    /// The length of the window.
    pub window_minutes: u64,
}

/// `[limits]`: bounds on requests.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestLimits {
    /// Bytes of one document.
    pub document_bytes: u64,
    /// Bytes of one whole request.
    pub request_bytes: u64,
    /// Attachments of one request.
    pub attachments: usize,
    /// Bytes of the metadata of one request.
    pub metadata_bytes: u64,
    /// How long the head of a request may take.
    pub header_seconds: u64,
    /// How long one request may take in all.
    pub request_seconds: u64,
    /// Requests at work at once; more get 503.
    pub concurrent_requests: usize,
    /// Requests per minute from one address to the public routes; more get 429.
    pub requests_per_minute: u32,
    /// Answers about certificates that are kept in memory, some 4 KB each.
    pub certificate_answers: usize,
}

/// `[[seal]]`: a seal and its key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SealSettings {
    /// The name by which entities and requests choose it.
    pub name: String,
    /// The key: PKCS#12, or PEM.
    pub key: PathBuf,
    /// The certificate and its chain in PEM, where the key file does not hold them.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// The file whose first line is the passphrase of the key.
    #[serde(default)]
    pub passphrase_file: Option<PathBuf>,
    /// The environment variable that holds the passphrase of the key.
    #[serde(default)]
    pub passphrase_env: Option<String>,
    /// RSA keys sign with PSS padding instead of PKCS#1 v1.5.
    #[serde(default)]
    pub rsa_pss: bool,
    /// The digest to sign with, instead of the one that goes with the key: `SHA-512`, `SHA3-256`.
    #[serde(default)]
    pub digest: Option<DigestAlgorithm>,
    /// The time-stamping authorities to ask, in this order. Without any, seals are of level B-B.
    #[serde(default)]
    pub tsa: Vec<String>,
    /// What happens when none of them answers.
    #[serde(default)]
    pub when_tsa_fails: WhenTsaFails,
    /// The reason that signatures state.
    #[serde(default)]
    pub reason: Option<String>,
    /// The location that signatures state.
    #[serde(default)]
    pub location: Option<String>,
}

/// What happens when no time-stamping authority answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenTsaFails {
    /// The seal is of level B-B, and the answer, the log and the report say so.
    #[default]
    Degrade,
    /// Nothing is sealed.
    Fail,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8480)),
            callers_listen: None,
            trusted_proxies: Vec::new(),
            data: "data".into(),
            callers: None,
            catalogue: None,
            calendar: None,
            languages: ["es", "ca", "eu", "gl", "en"].map(String::from).into(),
            log: "info".into(),
            sede: Sede::default(),
            store: StoreSettings::default(),
            trust: Trust::default(),
            validation: ValidationSettings::default(),
            path: PathSettings::default(),
            accepted: AcceptedSettings::default(),
            identity: IdentitySettings::default(),
            register: Register::default(),
            code: CodeSettings::default(),
            signing: SigningSettings::default(),
            owed: OwedSettings::default(),
            limits: RequestLimits::default(),
            sources: SourceSettings::default(),
            index: IndexSettings::default(),
            access: AccessSettings::default(),
            seals: Vec::new(),
            tsas: Vec::new(),
            timestamping: TimestampingSettings::default(),
        }
    }
}

impl Default for Sede {
    fn default() -> Self {
        Sede {
            name: "Sede Electrónica".into(),
            url: "http://127.0.0.1:8480".into(),
            zone: "Europe/Madrid".into(),
            certificate: None,
            mail: None,
        }
    }
}

impl Default for StoreSettings {
    fn default() -> Self {
        StoreSettings {
            key: None,
            timeout_seconds: 10,
        }
    }
}

impl Default for CodeSettings {
    fn default() -> Self {
        CodeSettings {
            secrets: None,
            groups: 3,
            attempts_per_id: 20,
            attempts_per_address: 60,
            window_minutes: 60,
        }
    }
}

impl Default for RequestLimits {
    /// The register of the Social Security takes 10 MB a request today; these leave room.
    fn default() -> Self {
        RequestLimits {
            document_bytes: 50 << 20,
            request_bytes: 200 << 20,
            attachments: 100,
            metadata_bytes: 1 << 20,
            header_seconds: 10,
            request_seconds: 120,
            concurrent_requests: 256,
            requests_per_minute: 600,
            certificate_answers: 20_000,
        }
    }
}

impl Config {
    /// Reads the file at `path`, then the environment over it, and checks the whole.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path, "configuration file")?;
        Config::from_toml(&text, path, std::env::vars())
    }

    /// The configuration that `text`, the contents of the file at `path`, and `environment` make.
    pub fn from_toml(
        text: &str,
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let mut config: Config = parse_toml(text, path)?;
        let mut table: toml::Table = parse_toml(text, path)?;
        for (name, value) in environment {
            if let Some(key) = overridden_key(&name) {
                config = override_key(&mut table, &key, &name, &value)?;
            }
        }
        config.resolve(path.parent().unwrap_or(Path::new("")));
        config
            .check()
            .map_err(|error| error.in_file(path))
            .map(|()| config)
    }

    /// The seal of this name.
    pub fn seal(&self, name: &str) -> Option<&SealSettings> {
        self.seals.iter().find(|s| s.name == name)
    }

    /// The time-stamping authority of this name.
    pub fn tsa(&self, name: &str) -> Option<&TsaSettings> {
        self.tsas.iter().find(|t| t.name == name)
    }

    /// The calendar of non-working days, in the zone of the sede; Saturdays and Sundays where no file is named.
    pub fn read_calendar(&self) -> Result<Calendar> {
        let zone = self.sede.zone.clone();
        let Some(path) = &self.calendar else {
            return Ok(Calendar {
                zone,
                ..Calendar::default()
            });
        };
        let calendar: Calendar = parse_toml(&read_text(path, "calendar file")?, path)?;
        if calendar.zone != zone {
            let problem = format!(
                "its zone {:?} is not that of the sede, {zone:?}",
                calendar.zone
            );
            return Err(Error::invalid(path.display().to_string(), problem));
        }
        calendar.check()?;
        Ok(calendar)
    }

    /// Where the routes that need a caller listen.
    pub fn callers_address(&self) -> SocketAddr {
        self.callers_listen.unwrap_or(self.listen)
    }

    /// Makes relative paths start at `folder`.
    fn resolve(&mut self, folder: &Path) {
        let seals = self.seals.iter_mut().flat_map(|s| {
            std::iter::once(&mut s.key)
                .chain(&mut s.certificate)
                .chain(&mut s.passphrase_file)
        });
        let paths = std::iter::once(&mut self.data)
            .chain(&mut self.callers)
            .chain(&mut self.catalogue)
            .chain(&mut self.calendar)
            .chain(&mut self.sede.certificate)
            .chain(&mut self.store.key)
            .chain(&mut self.code.secrets)
            .chain(&mut self.signing.secrets)
            .chain(&mut self.accepted.file)
            .chain(&mut self.identity.file)
            .chain(self.trust.paths())
            .chain(self.sources.paths())
            .chain(&mut self.index.folder)
            .chain(&mut self.access.secrets)
            .chain(self.tsas.iter_mut().flat_map(TsaSettings::paths))
            .chain(self.timestamping.paths())
            .chain(seals);
        for path in paths {
            *path = folder.join(&*path);
        }
    }

    /// What types alone do not say.
    fn check(&self) -> Result<(), Fault> {
        self.check_sede()?;
        self.check_bounds()?;
        self.check_names()?;
        self.check_trust()?;
        self.path.check()?;
        for (key, path) in [
            ("store.key", &self.store.key),
            ("code.secrets", &self.code.secrets),
            ("signing.secrets", &self.signing.secrets),
        ] {
            if path.as_ref().is_some_and(|p| p.starts_with(&self.data)) {
                return fault(
                    key,
                    "lies inside of the data folder; who copies that would copy the key too",
                );
            }
        }
        if self
            .callers_listen
            .is_some_and(|address| address == self.listen)
        {
            return fault(
                "callers_listen",
                "is the same address as listen; leave it out",
            );
        }
        if let Some((key, problem)) = self.access.fault() {
            return fault(key, problem);
        }
        self.sources.check()
    }

    fn check_sede(&self) -> Result<(), Fault> {
        if self.sede.name.trim().is_empty() {
            return fault("sede.name", "is empty");
        }
        if !is_web_address(&self.sede.url) || self.sede.url.ends_with('/') {
            return fault(
                "sede.url",
                "is not an http:// or https:// address without a slash at the end",
            );
        }
        let epoch = Time::from_unix(0).and_then(|t| t.in_zone(&self.sede.zone));
        if epoch.is_err() {
            return fault(
                "sede.zone",
                "is not an IANA time zone such as Europe/Madrid",
            );
        }
        if self.languages.is_empty() {
            return fault("languages", "is empty");
        }
        Ok(())
    }

    fn check_bounds(&self) -> Result<(), Fault> {
        if !(1..=6).contains(&self.code.groups) {
            return fault("code.groups", "is not between 1 and 6");
        }
        let limits = &self.limits;
        for (key, value) in [
            ("code.attempts_per_id", u64::from(self.code.attempts_per_id)),
            (
                "code.attempts_per_address",
                u64::from(self.code.attempts_per_address),
            ),
            ("code.window_minutes", self.code.window_minutes),
            ("signing.state_minutes", self.signing.state_minutes),
            ("store.timeout_seconds", self.store.timeout_seconds),
            ("limits.document_bytes", limits.document_bytes),
            ("limits.request_bytes", limits.request_bytes),
            ("limits.metadata_bytes", limits.metadata_bytes),
            ("limits.header_seconds", limits.header_seconds),
            ("limits.request_seconds", limits.request_seconds),
            (
                "limits.concurrent_requests",
                limits.concurrent_requests as u64,
            ),
            (
                "limits.requests_per_minute",
                u64::from(limits.requests_per_minute),
            ),
        ] {
            if value == 0 {
                return fault(key, "is zero");
            }
        }
        if limits.document_bytes > limits.request_bytes {
            return fault("limits.document_bytes", "is more than limits.request_bytes");
        }
        Ok(())
    }

    fn check_trust(&self) -> Result<(), Fault> {
        for one in &self.trust.historical {
            if one.until <= one.from {
                return fault("trust.historical.until", "is not after from");
            }
            if one.provenance.trim().is_empty() {
                return fault("trust.historical.provenance", "is empty; reports show it");
            }
        }
        let Some(lists) = &self.trust.lists else {
            return Ok(());
        };
        if lists.url.as_ref().is_some_and(|url| !is_web_address(url)) {
            return fault("trust.lists.url", "is not an http:// or https:// address");
        }
        if lists.every_hours == 0 {
            return fault("trust.lists.every_hours", "is zero");
        }
        match lists.service_types() {
            Ok(_) => Ok(()),
            Err(error) => fault("trust.lists.services", error.problem().to_string()),
        }
    }

    fn check_names(&self) -> Result<(), Fault> {
        if let Some(name) = repeated(self.tsas.iter().map(|t| &t.name)) {
            return fault("tsa.name", format!("{name:?} is there twice"));
        }
        if let Some(name) = repeated(self.seals.iter().map(|s| &s.name)) {
            return fault("seal.name", format!("{name:?} is there twice"));
        }
        self.tsas.iter().try_for_each(TsaSettings::check)?;
        self.timestamping.check()?;
        for seal in &self.seals {
            if let Some(unknown) = seal.tsa.iter().find(|name| self.tsa(name).is_none()) {
                return fault(
                    "seal.tsa",
                    format!("{unknown:?} of {:?} is the name of no [[tsa]]", seal.name),
                );
            }
            if seal.passphrase_file.is_some() && seal.passphrase_env.is_some() {
                let problem = format!(
                    "of {:?} has passphrase_env beside it; one of them is enough",
                    seal.name
                );
                return fault("seal.passphrase_file", problem);
            }
        }
        Ok(())
    }
}

/// A key and what is wrong with it.
struct Fault {
    key: &'static str,
    problem: String,
}

fn fault<T>(key: &'static str, problem: impl Into<String>) -> Result<T, Fault> {
    Err(Fault {
        key,
        problem: problem.into(),
    })
}

impl Fault {
    fn in_file(self, path: &Path) -> Error {
        let Fault { key, problem } = self;
        Error::invalid(path.display().to_string(), format!("{key} {problem}"))
            .remedy("OPERATIONS.md describes every key.")
    }
}

fn is_web_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|r| !r.is_empty() && !r.starts_with('/') && !r.contains(char::is_whitespace))
}

fn repeated<'a>(names: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = HashSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}

/// Tables of the file whose keys the environment may override.
const TABLES: &[&str] = &[
    "sede", "store", "trust", "path", "accepted", "identity", "register", "code", "limits",
    "sources", "index", "access",
];
/// Keys outside of tables that the environment may override.
const KEYS: &[&str] = &[
    "listen",
    "callers_listen",
    "trusted_proxies",
    "data",
    "callers",
    "catalogue",
    "calendar",
    "languages",
    "log",
];

/// The table, if any, and the key that an environment variable overrides. Variables that begin with `RUBRICA_` and name
/// neither a table nor a key are not ours to judge.
fn overridden_key(variable: &str) -> Option<(Option<&'static str>, String)> {
    let name = variable.strip_prefix("RUBRICA_")?.to_ascii_lowercase();
    if KEYS.contains(&name.as_str()) {
        return Some((None, name));
    }
    TABLES.iter().find_map(|table| {
        let key = name.strip_prefix(table)?.strip_prefix('_')?;
        Some((Some(*table), key.to_string()))
    })
}

/// Puts `value` in its place in `table`: as TOML where it reads as that and fits, else as a string.
fn override_key(
    table: &mut toml::Table,
    (within, key): &(Option<&'static str>, String),
    variable: &str,
    value: &str,
) -> Result<Config> {
    let typed = toml::from_str::<toml::Table>(&format!("v = {value}"))
        .ok()
        .and_then(|mut t| t.remove("v"));
    let plain = toml::Value::String(value.to_string());
    let mut last = String::new();
    for candidate in typed.into_iter().chain([plain]) {
        let place = match within {
            None => &mut *table,
            Some(within) => table
                .entry(*within)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                .as_table_mut()
                .ok_or_else(|| {
                    Error::invalid(variable.to_string(), format!("{within} is not a table"))
                })?,
        };
        place.insert(key.clone(), candidate);
        match Config::deserialize(table.clone()) {
            Ok(config) => return Ok(config),
            Err(error) => last = error.message().trim().to_string(),
        }
    }
    Err(
        Error::invalid(format!("environment variable {variable}"), last)
            .remedy("OPERATIONS.md describes every key."),
    )
}

/// The largest configuration file that is read.
const TEXT_BYTES: u64 = 16 << 20;

/// The text of a file of the operator. `what` names it in errors.
pub fn read_text(path: &Path, what: &str) -> Result<String> {
    let mut text = String::new();
    let opened =
        std::fs::File::open(path).and_then(|f| f.take(TEXT_BYTES + 1).read_to_string(&mut text));
    match opened {
        Ok(_) if text.len() as u64 <= TEXT_BYTES => Ok(text),
        Ok(_) => Err(Error::limit(
            path.display().to_string(),
            format!("the {what} is larger than 16 MiB"),
        )),
        Err(error) => Err(Error::invalid(
            path.display().to_string(),
            format!("the {what} cannot be read: {error}"),
        )),
    }
}

/// `text`, the contents of the file at `path`, as `T`. An error names the line.
pub fn parse_toml<T: DeserializeOwned>(text: &str, path: &Path) -> Result<T> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let place = match error.span().and_then(|span| text.get(..span.start)) {
            Some(before) => format!(
                "{} line {}",
                path.display(),
                before.matches('\n').count() + 1
            ),
            None => path.display().to_string(),
        };
        Error::invalid(place, error.message().trim().to_string())
            .remedy("OPERATIONS.md describes every key.")
    })
}

/// A value that the file states as text.
mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'a, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'a>,
    {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config> {
        let environment = environment
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()));
        Config::from_toml(text, Path::new("/etc/rubrica/rubrica.toml"), environment)
    }

    #[test]
    fn an_empty_file_is_a_usable_configuration() {
        let config = read("", &[]).unwrap();
        assert_eq!(config.data, Path::new("/etc/rubrica/data"));
        assert_eq!(config.callers_address().port(), 8480);
        assert_eq!(config.register.layout.to_string(), "4+6+10");
    }

    #[test]
    fn paths_are_validated_as_the_file_says_and_the_name_of_the_policy_tells() {
        use crate::engine::pki::path::Model;
        use crate::engine::pki::trust::Anchors;
        use crate::engine::validation::Policy;
        let policy = |text| {
            let inputs = read(text, &[]).unwrap().path.inputs().unwrap();
            Policy::baseline(Anchors::default()).with_path(inputs)
        };
        let usual = policy("");
        assert_eq!(
            usual.constraints.path,
            crate::engine::pki::path::Inputs::default()
        );
        assert_eq!(
            usual.constraints.name,
            Policy::baseline(Anchors::default()).constraints.name
        );
        let chain = policy("[path]\nmodel = 'chain'\ninhibit_any_policy = true");
        assert_eq!(chain.constraints.path.model, Model::Chain);
        assert!(chain.constraints.path.inhibit_any_policy);
        assert!(
            chain
                .constraints
                .name
                .ends_with(", chain model, no anyPolicy")
        );
        let bound = policy(
            "[path]\npolicies = ['1.2.3.4']\nexplicit_policy = true\ninhibit_policy_mapping = true",
        );
        assert_eq!(bound.constraints.path.user_initial_policies.len(), 1);
        assert!(
            bound.constraints.path.explicit_policy && bound.constraints.path.inhibit_policy_mapping
        );
        assert!(
            bound
                .constraints
                .name
                .ends_with(", policies 1.2.3.4, explicit policy, no policy mapping")
        );
        for wrong in ["[path]\nmodel = 'hybrid'", "[path]\npolicies = ['x']"] {
            assert!(read(wrong, &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = read("log = 'info'\n[limits]\ndocument_byts = 1\n", &[]).unwrap_err();
        assert_eq!(error.element(), "/etc/rubrica/rubrica.toml line 3");
        assert!(error.problem().contains("document_byts"), "{error}");
        let error = read("[[seal]]\nname='a'\nkey='k'\npassphrase='secret'\n", &[]).unwrap_err();
        assert!(error.problem().contains("`passphrase`"), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn the_environment_goes_over_the_file() {
        let config = read(
            "data = 'a'\n[limits]\nattachments = 3\n",
            &[
                ("RUBRICA_DATA", "/srv/b"),
                ("RUBRICA_LIMITS_ATTACHMENTS", "7"),
                ("RUBRICA_SEDE_NAME", "2026"),
                ("RUBRICA_LANGUAGES", "['gl', 'es']"),
                ("RUBRICA_CALLERS_LISTEN", "127.0.0.1:8490"),
                ("RUBRICA_CORPORA", "/elsewhere"),
                ("HOME", "/root"),
            ],
        )
        .unwrap();
        assert_eq!(config.data, Path::new("/srv/b"));
        assert_eq!(config.limits.attachments, 7);
        assert_eq!(config.sede.name, "2026");
        assert_eq!(config.languages, ["gl", "es"]);
        assert_eq!(config.callers_address().port(), 8490);
    }

    #[test]
    fn the_layout_and_the_calendar_are_read_as_what_they_are() {
        let config = read("[register]\nlayout = '4+5+11'", &[]).unwrap();
        assert_eq!(config.register.layout.length(), 20);
        let error = read("[register]\nlayout = '4+20'", &[]).unwrap_err();
        assert!(error.element().ends_with("line 2"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calendar.toml");
        let mut config = read("[sede]\nzone = 'Atlantic/Canary'", &[]).unwrap();
        assert_eq!(config.read_calendar().unwrap().zone, "Atlantic/Canary");
        config.calendar = Some(path.clone());
        std::fs::write(
            &path,
            "zone = 'Atlantic/Canary'\n[holidays]\n2026-05-30 = 'Día de Canarias'\n",
        )
        .unwrap();
        assert_eq!(config.read_calendar().unwrap().holidays.len(), 1);
        std::fs::write(&path, "zone = 'Europe/Madrid'\n").unwrap();
        assert!(
            config
                .read_calendar()
                .unwrap_err()
                .problem()
                .contains("zone")
        );
    }

    #[test]
    fn a_wrong_variable_is_named() {
        let error = read("", &[("RUBRICA_LIMITS_ATTACHMENT", "7")]).unwrap_err();
        assert_eq!(
            error.element(),
            "environment variable RUBRICA_LIMITS_ATTACHMENT"
        );
        let error = read("", &[("RUBRICA_LISTEN", "everywhere")]).unwrap_err();
        assert_eq!(error.element(), "environment variable RUBRICA_LISTEN");
    }

    #[test]
    fn contradictions_are_refused_by_the_name_of_the_key() {
        for (text, key) in [
            ("[sede]\nzone = 'Europe/Madriz'", "sede.zone"),
            ("[sede]\nurl = 'sede.example/'", "sede.url"),
            ("[code]\ngroups = 7", "code.groups"),
            ("[code]\nsecrets = 'data/secret'", "code.secrets"),
            ("[store]\nkey = 'data/key'", "store.key"),
            ("[limits]\nrequest_bytes = 1", "limits.document_bytes"),
            ("[limits]\nheader_seconds = 0", "limits.header_seconds"),
            ("[[seal]]\nname='a'\nkey='k'\ntsa=['none']", "seal.tsa"),
            (
                "[[seal]]\nname='a'\nkey='k'\npassphrase_file='f'\npassphrase_env='E'",
                "seal.passphrase_file",
            ),
            (
                "[[seal]]\nname='a'\nkey='k'\n[[seal]]\nname='a'\nkey='l'",
                "seal.name",
            ),
            ("[[tsa]]\nname='a'\nurl='ldap://b'", "tsa.url"),
            ("callers_listen = '127.0.0.1:8480'", "callers_listen"),
            (
                "[sources]\nproxy = 'http://user:word@proxy:3128'",
                "sources.proxy",
            ),
            ("[sources]\nproxy = 'https://proxy:3128'", "sources.proxy"),
            (
                "[sources]\nproxy_credentials = 'f'",
                "sources.proxy_credentials",
            ),
            ("[sources]\ndownload_bytes = 0", "sources.download_bytes"),
            (
                "[[sources.proxies]]\nhosts=['a']\nproxy='http://u:word@proxy'",
                "sources.proxies.proxy",
            ),
            (
                "[[sources.proxies]]\nhosts=[]\nproxy='direct'",
                "sources.proxies.hosts",
            ),
            (
                "[[sources.ldap]]\nunder='C=ES'\nserver='http://a'",
                "sources.ldap.server",
            ),
        ] {
            let error = read(text, &[]).unwrap_err();
            assert!(error.problem().starts_with(key), "{text}: {error}");
            assert!(!error.to_string().contains("word@"), "{error}");
        }
    }

    /// The configuration in OPERATIONS.md is complete: it reads, and no key of [`Config`] is missing from it.
    #[test]
    fn operations_describes_every_key() {
        let text = include_str!("../../OPERATIONS.md");
        let block = text
            .split_once("<!-- every key -->\n```toml\n")
            .and_then(|(_, rest)| rest.split_once("```"))
            .expect("the block of every key")
            .0;
        let config = read(block, &[]).expect("OPERATIONS.md");
        let documented: toml::Table = toml::from_str(block).expect("TOML");
        let json = serde_json::to_value(config).expect("JSON");
        compare("", &json, &toml::Value::Table(documented));
    }

    fn compare(at: &str, full: &serde_json::Value, documented: &toml::Value) {
        match (full, documented) {
            (serde_json::Value::Object(full), toml::Value::Table(documented)) => {
                for (key, value) in full {
                    let place = format!("{at}.{key}");
                    let documented = documented
                        .get(key)
                        .unwrap_or_else(|| panic!("{place} is not in OPERATIONS.md"));
                    compare(&place, value, documented);
                }
            }
            (serde_json::Value::Array(full), toml::Value::Array(documented)) => {
                assert!(!documented.is_empty(), "{at} is empty in OPERATIONS.md");
                let union = documented.iter().filter_map(|d| d.as_table()).flatten();
                let union: toml::Table = union.map(|(k, v)| (k.clone(), v.clone())).collect();
                compare(at, &full[0], &toml::Value::Table(union));
            }
            _ => {}
        }
    }
}
