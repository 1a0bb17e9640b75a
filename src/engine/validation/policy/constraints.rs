//! The constraints of a validation policy as data (EN 319 102-1 §5.1.4): what JSON holds and a digest covers.
//!
//! `schema.json` describes the form. A file may say only what differs from a preset that it names as its `base`
//! (RFC 7396, merge patch). What is read is whole: levels of checks that the file does not name are filled in.

use super::checks::{natural, weighable, why_fixed};
use super::path;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Tier;
use crate::engine::pki::path::Inputs;
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::json::canonical_json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

/// Whether the revocation status of certificates must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It must: without an answer the signature is not passed.
    Required,
    /// A revocation counts, an unknown status is told.
    IfKnown,
    /// It is not looked at.
    Ignored,
}

/// What a check that does not hold comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Nothing is told.
    Ignore,
    /// It is told.
    Inform,
    /// It is told as a warning, and the verdict does not hang on it.
    Warn,
    /// The signature is not passed.
    Fail,
}

/// By what signatures are judged. Frozen: what is not in it, no verdict hangs on beside trust, algorithms and signature
/// policies, each of which has a digest of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// Its name, which the verdict repeats.
    pub name: String,
    /// By what certification paths are validated (RFC 5280 §6.1.1).
    #[serde(with = "path")]
    pub path: Inputs,
    /// Certificates tried while paths are built for the signatures and time-stamps of one document.
    pub path_steps: u32,
    /// Whether revocation must be known.
    pub revocation: Revocation,
    /// How old revocation information may be; none for what it says itself, its nextUpdate (EN 319 102-1 §5.2.5).
    #[serde(rename = "revocation_freshness_seconds", with = "seconds::optional")]
    pub revocation_freshness: Option<Duration>,
    /// How far clocks may be apart.
    #[serde(rename = "time_tolerance_seconds", with = "seconds")]
    pub time_tolerance: Duration,
    /// What is asked of a signature.
    pub signature: SignatureConstraints,
    /// What is asked of the certificate of a signature.
    pub certificate: CertificateConstraints,
    /// What is asked of a time-stamp.
    pub timestamp: TimestampConstraints,
    /// What checks come to where they do not hold, by key.
    pub checks: BTreeMap<String, Level>,
}

/// Constraints that a policy shares with its copies, and that remember what was computed of them until somebody changes them.
#[derive(Debug, Clone, Default)]
pub struct Frozen<T> {
    constraints: Arc<Constraints>,
    computed: OnceLock<T>,
}

impl<T> Frozen<T> {
    /// What `compute` made of them since they were changed last.
    pub(super) fn computed(&self, compute: impl FnOnce() -> T) -> &T {
        self.computed.get_or_init(compute)
    }
}

impl<T> From<Constraints> for Frozen<T> {
    fn from(constraints: Constraints) -> Self {
        Frozen {
            constraints: Arc::new(constraints),
            computed: OnceLock::new(),
        }
    }
}

impl<T> Deref for Frozen<T> {
    type Target = Constraints;

    fn deref(&self) -> &Constraints {
        &self.constraints
    }
}

impl<T> DerefMut for Frozen<T> {
    fn deref_mut(&mut self) -> &mut Constraints {
        self.computed = OnceLock::new();
        Arc::make_mut(&mut self.constraints)
    }
}

/// What is asked of a signature (EN 319 102-1 §5.2.8). Of values, a list that is given says which are accepted, and that one
/// must be there; without a list any will do, and none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignatureConstraints {
    /// Signature policies, in dotted form; `none` for a signature that names none.
    pub policies: Option<Vec<String>>,
    /// Signed attributes that must be there, by the standard's names; alternatives are separated by `|`.
    pub attributes_required: Vec<String>,
    /// Signed attributes that must not be there.
    pub attributes_forbidden: Vec<String>,
    /// Roles that signers claim.
    pub claimed_roles: Option<Vec<String>>,
    /// What signatures commit to.
    pub commitment_types: Option<Vec<Oid>>,
    /// Types of the content.
    pub content_types: Option<Vec<Oid>>,
    /// Types that the content is said to have for who shows it.
    pub content_hints: Option<Vec<Oid>>,
    /// Media types that the content is said to have.
    pub mime_types: Option<Vec<String>>,
    /// Whether it must be counter-signed.
    pub counter_signature: bool,
    /// How far it must go.
    pub minimum_level: Option<MinimumLevel>,
    /// How long after the signing time that is claimed the first signature time-stamp may be; none for whenever.
    #[serde(rename = "timestamp_delay_seconds", with = "seconds::optional")]
    pub timestamp_delay: Option<Duration>,
}

/// How far a signature must go; the extended forms count as the baseline level that they amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum MinimumLevel {
    Bes,
    B,
    T,
    Lt,
    Lta,
}

impl MinimumLevel {
    /// Its name in policies.
    pub fn name(self) -> &'static str {
        match self {
            MinimumLevel::Bes => "BES",
            MinimumLevel::B => "B",
            MinimumLevel::T => "T",
            MinimumLevel::Lt => "LT",
            MinimumLevel::Lta => "LTA",
        }
    }

    /// What a level by structure amounts to: none for a signature that names no certificate.
    pub fn of(tier: Tier) -> Option<MinimumLevel> {
        Some(match tier {
            Tier::NotEtsi => return None,
            Tier::Bes | Tier::Epes => MinimumLevel::Bes,
            Tier::B => MinimumLevel::B,
            Tier::T | Tier::C | Tier::X | Tier::ExtendedT => MinimumLevel::T,
            Tier::Lt | Tier::Xl | Tier::ExtendedLt => MinimumLevel::Lt,
            Tier::Lta | Tier::A | Tier::Ers => MinimumLevel::Lta,
        })
    }
}

/// What is asked of the certificate of a signature (EN 319 102-1 §5.2.6.4, chain constraints).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CertificateConstraints {
    /// Key usages of which it must have one.
    pub key_usages: Option<Vec<KeyUsageName>>,
    /// Extended key usages of which it must have one.
    pub extended_key_usages: Option<Vec<Oid>>,
    /// Extensions that it must have.
    pub extensions: Vec<Oid>,
    /// Whether it must have been qualified at issuance and when it was used.
    pub qualified: bool,
    /// Whether its key must lie in a qualified device.
    pub qscd: bool,
}

/// Usages of keys that sign (RFC 5280 §4.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum KeyUsageName {
    DigitalSignature,
    NonRepudiation,
}

/// What is asked of a time-stamp (EN 319 102-1 §5.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimestampConstraints {
    /// Policies of time-stamping authorities, of which it must state one; none for any.
    pub policies: Option<Vec<Oid>>,
}

/// The presets, each by its name.
const PRESETS: &[(&str, &str)] = &[
    ("default", include_str!("presets/default.json")),
    ("strict", include_str!("presets/strict.json")),
    ("age-1.9", include_str!("presets/age-1.9.json")),
];
/// Presets in a chain of bases at most.
const MOST_BASES: usize = 4;
/// Certificates tried for the paths of one document at most, whatever a policy says: some seconds of signatures checked.
const MOST_STEPS: u32 = 100_000;
/// Bytes of a file of constraints at most; `default` as it is shown has 6 KB.
pub const FILE_BYTES: usize = 1 << 20;

static DEFAULT: LazyLock<Constraints> = LazyLock::new(|| {
    let preset = whole(text_of("default").unwrap_or_default(), MOST_BASES);
    let read = preset.and_then(|value| Constraints::from_value(&value));
    read.expect("the presets are compiled in, and a test reads them")
});

fn text_of(name: &str) -> Option<&'static str> {
    let found = PRESETS.iter().find(|(preset, _)| *preset == name);
    found.map(|(_, text)| *text)
}

impl Default for Constraints {
    /// The preset `default`.
    fn default() -> Self {
        DEFAULT.clone()
    }
}

impl Constraints {
    /// The names of the presets.
    pub fn presets() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|(name, _)| *name)
    }

    /// A preset by its name: `default`, `strict`, `age-1.9`. Errors: there is none of that name.
    pub fn preset(name: &str) -> Result<Constraints> {
        let text = text_of(name).ok_or_else(|| {
            Error::invalid("validation policy", format!("no preset is called {name}"))
                .remedy("Use default, strict or age-1.9.")
        })?;
        Constraints::from_value(&whole(text, MOST_BASES)?)
    }

    /// The constraints of an operator's file. Errors: it is no JSON, holds what `schema.json` does not have, names a check that
    /// is not known or cannot be weighed, or has the name of a preset.
    pub fn read(bytes: &[u8]) -> Result<Constraints> {
        if bytes.len() > FILE_BYTES {
            let limit = format!("longer than {FILE_BYTES} bytes");
            return Err(Error::limit("validation policy", limit));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("", "not UTF-8"))?;
        let own: Value = parse(text)?;
        let name = own.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() || text_of(name).is_some() {
            return Err(wrong("name", "missing, or that of a preset"));
        }
        Constraints::from_value(&whole(text, MOST_BASES)?)
    }

    /// From [`Constraints::to_value`], or the whole of a file. Errors as [`Constraints::read`].
    pub fn from_value(value: &Value) -> Result<Constraints> {
        // Numbers that the digest could not cover are refused here, where their file is named.
        canonical_json(value)?;
        let mut read: Constraints =
            serde_json::from_value(value.clone()).map_err(|error| wrong("", error.to_string()))?;
        for check in read.checks.keys() {
            if let Some(why) = why_fixed(check) {
                let problem = format!("cannot be weighed: {why}");
                return Err(wrong(&format!("checks.{check}"), problem));
            }
            if natural(check).is_none() {
                return Err(wrong(&format!("checks.{check}"), "no check is called so"));
            }
        }
        if read.path_steps > MOST_STEPS {
            return Err(wrong("path_steps", format!("more than {MOST_STEPS}")));
        }
        for policy in read.signature.policies.iter().flatten() {
            if policy != "none" && Oid::from_dotted(policy).is_err() {
                let problem = format!("{policy} is no object identifier, and not none");
                return Err(wrong("signature.policies", problem));
            }
        }
        for (check, level) in weighable() {
            read.checks.entry(check.to_string()).or_insert(level);
        }
        Ok(read)
    }

    /// What a check comes to where it does not hold: none where it cannot be weighed.
    pub fn level(&self, check: &str) -> Option<Level> {
        let natural = natural(check)?;
        let own = self.checks.get(check).copied();
        Some(own.unwrap_or(natural.level()))
    }

    /// The same by another rule of revocation. The name says so, as reports do.
    pub fn set_revocation(&mut self, revocation: Revocation) {
        if revocation != self.revocation {
            self.name += match revocation {
                Revocation::Required => ", revocation required",
                Revocation::IfKnown => ", revocation if known",
                Revocation::Ignored => ", revocation ignored",
            };
        }
        self.revocation = revocation;
    }

    /// As JSON.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// A file with what its bases say.
fn whole(text: &str, bases: usize) -> Result<Value> {
    let mut own = parse(text)?;
    let object = own.as_object_mut();
    let object = object.ok_or_else(|| wrong("", "not an object"))?;
    let base = match object.remove("base") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(wrong("base", "not the name of a preset")),
        None => return Ok(own),
    };
    let text = text_of(&base).filter(|_| bases > 0);
    let text = text.ok_or_else(|| wrong("base", format!("no preset is called {base}")))?;
    let mut merged = whole(text, bases.saturating_sub(1))?;
    merge(&mut merged, own);
    Ok(merged)
}

/// RFC 7396, but that null is a value: it takes a constraint away.
fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                match members.get_mut(&name) {
                    Some(member) => merge(member, change),
                    None => {
                        members.insert(name, change);
                    }
                }
            }
        }
        (into, value) => *into = value,
    }
}

fn parse(text: &str) -> Result<Value> {
    serde_json::from_str(text)
        .map_err(|error| wrong("", format!("line {}: not JSON", error.line())))
}

fn wrong(element: &str, problem: impl Into<String>) -> Error {
    let element = format!("validation policy {element}");
    Error::invalid(element.trim_end().to_string(), problem.into())
        .remedy("See the schema of policies, which rubrica policy --schema prints.")
}

/// Durations as whole seconds.
mod seconds {
    use super::Duration;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Duration, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u64(value.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
        u64::deserialize(d).map(Duration::from_secs)
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Duration, Serializer};

        pub fn serialize<S: Serializer>(value: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => s.serialize_some(&value.as_secs()),
                None => s.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
            Ok(Option::<u64>::deserialize(d)?.map(Duration::from_secs))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_read_whole_and_come_back_as_they_were() {
        for name in Constraints::presets() {
            let preset = Constraints::preset(name).unwrap();
            assert_eq!(preset.name, name);
            assert_eq!(preset.checks.len(), weighable().count());
            assert_eq!(Constraints::from_value(&preset.to_value()).unwrap(), preset);
        }
        assert_eq!(
            Constraints::preset("default").unwrap(),
            Constraints::default()
        );
        let error = Constraints::preset("lax").unwrap_err();
        assert!(error.remedy_text().unwrap().contains("strict"), "{error}");
    }

    #[test]
    fn a_file_says_what_differs_and_what_it_may_not_say_is_named() {
        let own = r#"{"base": "strict", "name": "own", "time_tolerance_seconds": 60,
            "checks": {"document.later_bytes": "WARN"}}"#;
        let own = Constraints::read(own.as_bytes()).unwrap();
        let strict = Constraints::preset("strict").unwrap();
        assert_eq!(own.time_tolerance, Duration::from_secs(60));
        assert_eq!(own.level("document.later_bytes"), Some(Level::Warn));
        assert_eq!(own.revocation_freshness, strict.revocation_freshness);
        for (text, element, problem) in [
            ("{", "validation policy", "not JSON"),
            ("[]", "validation policy name", "missing"),
            (
                r#"{"base": "default"}"#,
                "validation policy name",
                "missing",
            ),
            (
                r#"{"base": "default", "name": "strict"}"#,
                "validation policy name",
                "preset",
            ),
            (
                r#"{"base": "own", "name": "own"}"#,
                "validation policy base",
                "no preset is called own",
            ),
            (r#"{"name": "own"}"#, "validation policy", "missing field"),
            (
                r#"{"base": "default", "name": "own", "other": 1}"#,
                "validation policy",
                "unknown field `other`",
            ),
            (
                r#"{"base": "default", "name": "own", "checks": {"value.wrong": "WARN"}}"#,
                "validation policy checks.value.wrong",
                "cannot be weighed",
            ),
            (
                r#"{"base": "default", "name": "own", "checks": {"value": "WARN"}}"#,
                "validation policy checks.value",
                "no check",
            ),
            (
                r#"{"base": "default", "name": "own", "checks": {"algorithm.expired": "MAYBE"}}"#,
                "validation policy",
                "unknown variant",
            ),
            (
                r#"{"base": "default", "name": "own", "path_steps": 4000000000}"#,
                "validation policy path_steps",
                "more than 100000",
            ),
            (
                r#"{"base": "default", "name": "own", "signature": {"policies": ["urn:oid:1.2"]}}"#,
                "validation policy signature.policies",
                "urn:oid:1.2",
            ),
            (
                r#"{"base": "default", "name": "own", "time_tolerance_seconds": 9007199254740993}"#,
                "",
                "",
            ),
        ] {
            let error = Constraints::read(text.as_bytes()).unwrap_err();
            assert!(error.element().contains(element), "{text}: {error}");
            assert!(error.problem().contains(problem), "{text}: {error}");
        }
    }
}
