//! The constraints of a validation policy as data (EN 319 102-1 §5.1.4): what JSON holds and a digest covers.

use super::path;
use crate::engine::limits::Limits;
use crate::engine::pki::path::Inputs;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
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

/// By what signatures are judged. Frozen: what is not in it, no verdict hangs on beside trust.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constraints {
    /// Its name, which the verdict repeats.
    pub name: String,
    /// By what certification paths are validated (RFC 5280 §6.1.1).
    #[serde(with = "path")]
    pub path: Inputs,
    /// Whether revocation must be known.
    pub revocation: Revocation,
    /// How old revocation information may be; none for what it says itself (EN 319 102-1 §5.2.5).
    #[serde(rename = "revocation_freshness_seconds", with = "seconds::optional")]
    pub revocation_freshness: Option<Duration>,
    /// How far clocks may be apart.
    #[serde(rename = "time_tolerance_seconds", with = "seconds")]
    pub time_tolerance: Duration,
    /// Bounds on the work.
    pub limits: Limits,
    /// What checks come to where they do not hold, by key; a check that is not named here comes to what its clause says.
    pub checks: BTreeMap<String, Level>,
}

impl Default for Constraints {
    fn default() -> Self {
        Constraints {
            name: "rubrica-baseline-1".to_string(),
            path: Inputs::default(),
            revocation: Revocation::Required,
            revocation_freshness: None,
            time_tolerance: Duration::from_secs(300),
            limits: Limits::default(),
            checks: BTreeMap::new(),
        }
    }
}

impl Constraints {
    /// As JSON.
    pub fn to_value(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
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
    fn constraints_come_back_as_they_were_and_nothing_unknown_is_in_them() {
        let mut constraints = Constraints::default();
        constraints.checks.insert("a.b".to_string(), Level::Warn);
        let value = constraints.to_value();
        let back: Constraints = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(back, constraints);
        let mut unknown = value;
        unknown["other"] = true.into();
        assert!(serde_json::from_value::<Constraints>(unknown).is_err());
    }
}
