//! What a caller asks of a signature: one set of parameters for every format, over HTTP, on the command line and here.
//!
//! In: JSON, or the struct. Out: a format and its options; what a format cannot say is refused by name, never left out.

mod properties;

pub use properties::{ExplicitPolicy, Hints, NamedPolicy, Place, PolicyWanted, PropertiesWanted};

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::Tier;
use crate::engine::formats::cades::Cades;
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{CadesOptions, Format, Options, PadesOptions, Properties};
use crate::engine::{Error, Result};
use crate::service::config::WhenTsaFails;
use properties::check_text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a signature is to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The format.
    pub format: FormatName,
    /// The level to reach.
    #[serde(default)]
    pub level: Baseline,
    /// Where the content is; the format's own way where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packaging: Option<Packaging>,
    /// The seal that signs, or whose time-stamping authorities are asked; may be left out where there is only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
    /// The digest of the content and of the signature, with a key that is elsewhere; a seal's key says it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<DigestAlgorithm>,
    /// An RSA key signs with PSS padding. Of the key that is elsewhere; a seal's own settings say it for the seal.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rsa_pss: bool,
    /// What happens when an authority or a revocation source does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_unavailable: Option<WhenUnavailable>,
    /// What is signed beside the content.
    #[serde(default)]
    pub properties: PropertiesWanted,
    /// Beside the signatures of the message that the document is, or over the value of one of them (CAdES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Beside>,
    /// The reason that is stated (PAdES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The place that is stated (PAdES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// The form field that takes the signature (PAdES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// How far the signatures of a document are to be raised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Raising {
    /// The level to reach.
    pub level: Baseline,
    /// The seal whose time-stamping authorities are asked; all authorities where none is named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
    /// What happens when an authority or a revocation source does not answer.
    #[serde(default)]
    pub when_unavailable: WhenUnavailable,
}

impl Raising {
    /// From JSON. Errors: as [`Parameters::from_json`].
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::invalid("parameters", described(&error))
                .remedy("/openapi.json describes them, under AugmentParameters.")
        })
    }
}

/// A format of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum FormatName {
    Pades,
    Cades,
    Xades,
    #[serde(rename = "asic-s")]
    AsicS,
    #[serde(rename = "asic-e")]
    AsicE,
}

/// A baseline level (EN 319 122-1 §6.1, EN 319 142-1 §6.1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Deserialize, Serialize,
)]
#[allow(missing_docs)]
pub enum Baseline {
    #[default]
    #[serde(rename = "B-B")]
    B,
    #[serde(rename = "B-T")]
    T,
    #[serde(rename = "B-LT")]
    Lt,
    #[serde(rename = "B-LTA")]
    Lta,
}

/// Where the signed content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Packaging {
    /// The signature is inside of the document.
    Enveloped,
    /// The content is inside of the signature.
    Enveloping,
    /// Each is a file of its own.
    Detached,
}

/// How a signature stands to those that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Beside {
    /// Over the same content.
    Parallel,
    /// Over the value of the signature of this number, from 0: a counter-signature.
    Counter(usize),
}

/// What happens when an authority or a revocation source does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnavailable {
    /// The level that could be reached is handed out, and the rest is owed.
    #[default]
    Degrade,
    /// Nothing is handed out.
    Fail,
}

impl From<WhenTsaFails> for WhenUnavailable {
    fn from(settled: WhenTsaFails) -> Self {
        match settled {
            WhenTsaFails::Degrade => WhenUnavailable::Degrade,
            WhenTsaFails::Fail => WhenUnavailable::Fail,
        }
    }
}

impl Baseline {
    /// Every level, the lowest first.
    pub const ALL: [Baseline; 4] = [Baseline::B, Baseline::T, Baseline::Lt, Baseline::Lta];

    /// `B-LT`.
    pub fn name(self) -> &'static str {
        match self {
            Baseline::B => "B-B",
            Baseline::T => "B-T",
            Baseline::Lt => "B-LT",
            Baseline::Lta => "B-LTA",
        }
    }

    /// The level of this name.
    pub fn of_name(name: &str) -> Option<Baseline> {
        Baseline::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The highest level that a signature of this tier is at least at; none below the baseline.
    pub fn reached(tier: Tier) -> Option<Baseline> {
        match tier {
            Tier::B => Some(Baseline::B),
            Tier::T => Some(Baseline::T),
            Tier::Lt => Some(Baseline::Lt),
            Tier::Lta => Some(Baseline::Lta),
            _ => None,
        }
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FormatName {
    /// The format, where signatures of it are made here.
    pub fn format(self) -> Result<&'static dyn Format> {
        match self {
            FormatName::Pades => Ok(&Pades),
            FormatName::Cades => Ok(&Cades),
            FormatName::Xades | FormatName::AsicS | FormatName::AsicE => {
                let problem = format!("{self} signatures are not made here yet");
                Err(Error::unsupported("format", problem).remedy("Ask for pades or cades."))
            }
        }
    }
}

impl fmt::Display for FormatName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FormatName::Pades => "PAdES",
            FormatName::Cades => "CAdES",
            FormatName::Xades => "XAdES",
            FormatName::AsicS => "ASiC-S",
            FormatName::AsicE => "ASiC-E",
        })
    }
}

impl Parameters {
    /// Parameters of this format and level, with nothing else said.
    pub fn new(format: FormatName, level: Baseline) -> Self {
        Parameters {
            format,
            level,
            packaging: None,
            seal: String::new(),
            digest: None,
            rsa_pss: false,
            when_unavailable: None,
            properties: PropertiesWanted::default(),
            beside: None,
            reason: None,
            location: None,
            field: None,
        }
    }

    /// From JSON. Errors: [`ErrorKind::InvalidRequest`](crate::engine::ErrorKind) naming what is not known.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).map_err(|error| {
            Error::invalid("parameters", described(&error))
                .remedy("/openapi.json describes them, under SignParameters.")
        })
    }

    /// Whether the content stays apart from the signature.
    pub fn is_detached(&self) -> bool {
        self.packaging == Some(Packaging::Detached)
    }

    /// The format, what is signed beside the content, and what only the format knows; `name` is whom a PDF names as the
    /// signer.
    pub(super) fn wanted(&self, name: String) -> Result<Wanted> {
        let format = self.format.format()?;
        let texts = [
            ("reason", &self.reason),
            ("location", &self.location),
            ("field", &self.field),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                check_text(name, text)?;
            }
        }
        let options = match self.format {
            FormatName::Pades => self.pades(name)?,
            _ => self.cades()?,
        };
        Ok(Wanted {
            format,
            properties: self.properties.properties()?,
            options,
        })
    }

    fn pades(&self, name: String) -> Result<Options> {
        self.packaged(&[Packaging::Enveloped])?;
        self.without(&[("beside", self.beside.is_some())])?;
        Ok(Options::Pades(PadesOptions {
            reason: self.reason.clone(),
            location: self.location.clone(),
            name: Some(name),
            field: self.field.clone(),
            visible: None,
        }))
    }

    fn cades(&self) -> Result<Options> {
        self.packaged(&[Packaging::Enveloping, Packaging::Detached])?;
        self.without(&[
            ("reason", self.reason.is_some()),
            ("location", self.location.is_some()),
            ("field", self.field.is_some()),
        ])?;
        if self.beside.is_some() && self.packaging.is_some() {
            let problem = "is that of the message that the document is";
            return Err(Error::invalid("packaging", problem).remedy("Leave it out."));
        }
        Ok(Options::Cades(match self.beside {
            None if self.is_detached() => CadesOptions::Detached,
            None => CadesOptions::Attached,
            Some(Beside::Parallel) => CadesOptions::Parallel {
                content_digest: None,
            },
            Some(Beside::Counter(signature)) => CadesOptions::Counter { signature },
        }))
    }

    fn packaged(&self, known: &[Packaging]) -> Result<()> {
        match self.packaging {
            Some(other) if !known.contains(&other) => {
                let problem = format!("{} has no such packaging", self.format);
                Err(Error::unsupported("packaging", problem)
                    .remedy("Leave it out, or see SignParameters in /openapi.json."))
            }
            _ => Ok(()),
        }
    }

    fn without(&self, stated: &[(&'static str, bool)]) -> Result<()> {
        match stated.iter().find(|(_, there)| *there) {
            Some((name, _)) => {
                let problem = format!("{} has no place for it", self.format);
                Err(Error::unsupported(*name, problem).remedy("Leave it out."))
            }
            None => Ok(()),
        }
    }
}

/// What is asked of a format.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) format: &'static dyn Format,
    pub(super) properties: Properties,
    pub(super) options: Options,
}

/// What is wrong with JSON, without the values that it holds.
pub(super) fn described(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = if text.starts_with("unknown field") {
        "holds a field that is not known"
    } else if text.starts_with("missing field") {
        "lacks a field that must be there"
    } else {
        "does not hold what is expected there"
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;

    fn read(json: &str) -> Result<Parameters> {
        Parameters::from_json(json.as_bytes())
    }

    #[test]
    fn one_schema_for_all_formats_and_what_is_not_made_is_named() {
        let least = read(r#"{"format":"cades"}"#).unwrap();
        assert_eq!(least, Parameters::new(FormatName::Cades, Baseline::B));
        for (json, element) in [
            (r#"{"format":"xades"}"#, "format"),
            (r#"{"format":"asic-e","level":"B-LTA"}"#, "format"),
            (r#"{"format":"pades","packaging":"detached"}"#, "packaging"),
            (r#"{"format":"cades","packaging":"enveloped"}"#, "packaging"),
            (r#"{"format":"cades","reason":"x"}"#, "reason"),
            (r#"{"format":"pades","beside":"parallel"}"#, "beside"),
        ] {
            let refused = read(json).unwrap().wanted("S".into()).unwrap_err();
            assert_eq!(
                (refused.kind(), refused.element()),
                (ErrorKind::Unsupported, element),
                "{json}"
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused_and_values_are_not_repeated() {
        for json in [
            r#"{"format":"cades","levle":"B-T"}"#,
            r#"{"format":"cades","level":"LT"}"#,
            r#"{"level":"B-T"}"#,
            r#"{"format":"cades","reason":12345678}"#,
            "",
            "[]",
        ] {
            let error = read(json).unwrap_err();
            assert_eq!(error.element(), "parameters");
            assert!(!error.problem().contains("12345678"), "{error}");
        }
    }

    #[test]
    fn texts_have_their_bounds() {
        let long = Parameters {
            reason: Some("a".repeat(501)),
            ..Parameters::new(FormatName::Pades, Baseline::B)
        };
        assert_eq!(
            long.wanted(String::new()).unwrap_err().kind(),
            ErrorKind::LimitExceeded
        );
        let broken = Parameters {
            reason: Some("a\nb".into()),
            ..Parameters::new(FormatName::Pades, Baseline::B)
        };
        assert_eq!(
            broken.wanted(String::new()).unwrap_err().element(),
            "reason"
        );
    }
}
