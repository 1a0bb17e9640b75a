//! The wording of labels, verdicts and checks: one data file a language, its keys those of the findings.

use crate::engine::error::{Error, Result};
use crate::engine::validation::{Block, Finding, SubIndication};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A language that reports are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Castilian.
    Es,
    /// English.
    En,
}

impl Language {
    /// All of them.
    pub const ALL: &[Language] = &[Language::Es, Language::En];

    /// Its code (BCP 47).
    pub fn code(self) -> &'static str {
        match self {
            Language::Es => "es",
            Language::En => "en",
        }
    }
}

impl std::str::FromStr for Language {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Language::ALL
            .iter()
            .copied()
            .find(|language| language.code() == text)
            .ok_or_else(|| {
                Error::invalid("language", "is not one that reports are written in")
                    .remedy("Use es or en.")
            })
    }
}

/// The wording of one check.
#[derive(Debug, Default, Deserialize)]
struct Wording {
    text: String,
    #[serde(default)]
    remedy: String,
}

/// A catalogue of messages.
#[derive(Debug, Deserialize)]
struct Catalogue {
    labels: BTreeMap<String, String>,
    verdicts: BTreeMap<String, String>,
    checks: BTreeMap<String, Wording>,
}

static ES: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("messages/es.json")));
static EN: LazyLock<Catalogue> = LazyLock::new(|| read(include_str!("messages/en.json")));

fn read(text: &str) -> Catalogue {
    serde_json::from_str(text).expect("the catalogues are compiled in, and a test reads them")
}

fn catalogue(language: Language) -> &'static Catalogue {
    match language {
        Language::Es => &ES,
        Language::En => &EN,
    }
}

/// A label of the report; its key where there is no wording.
pub(super) fn label(language: Language, key: &'static str) -> &'static str {
    catalogue(language)
        .labels
        .get(key)
        .map_or(key, String::as_str)
}

/// A name of a value in words, under `prefix.name`; the name itself where there is no wording.
pub(super) fn named<'n>(language: Language, prefix: &str, name: &'n str) -> &'n str {
    let wording = catalogue(language).labels.get(&format!("{prefix}.{name}"));
    wording.map_or(name, String::as_str)
}

/// The name of a building block.
pub(super) fn block_name(language: Language, block: Block) -> String {
    let key = serde_json::to_value(block).ok();
    let key = key
        .as_ref()
        .and_then(|key| key.as_str())
        .unwrap_or_default();
    let wording = catalogue(language).labels.get(&format!("block.{key}"));
    wording.map_or_else(|| block.name().to_string(), String::clone)
}

/// The name of a process, by its key.
pub(super) fn process_name(language: Language, key: &str) -> String {
    named(language, "process", key).to_string()
}

/// What a verdict means, for a citizen. `key` is a sub-indication's name, `TOTAL-PASSED`, `NO_SIGNATURE` or
/// `DOCUMENT_DOUBT`.
pub fn verdict_text(language: Language, key: &str) -> &'static str {
    catalogue(language)
        .verdicts
        .get(key)
        .map_or("", String::as_str)
}

/// What a finding says.
pub(super) fn finding_text(language: Language, finding: &Finding) -> String {
    match catalogue(language).checks.get(&finding.check) {
        Some(wording) => fill(&wording.text, finding, language),
        None => finding.check.clone(),
    }
}

/// What to do about a finding.
pub(super) fn finding_remedy(language: Language, finding: &Finding) -> String {
    match catalogue(language).checks.get(&finding.check) {
        Some(wording) => fill(&wording.remedy, finding, language),
        None => String::new(),
    }
}

/// Puts the finding's values into the braces of its wording. Values are not looked into for braces of their own.
fn fill(wording: &str, finding: &Finding, language: Language) -> String {
    let mut out = String::with_capacity(wording.len());
    let mut rest = wording;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            break;
        };
        let value = match name {
            "element" => &finding.element,
            "found" => &finding.found,
            _ => &finding.expected,
        };
        let value = value_text(value, language);
        let stops_twice = after.starts_with('.');
        out.push_str(
            value
                .strip_suffix('.')
                .filter(|_| stops_twice)
                .unwrap_or(&value),
        );
        rest = after;
    }
    out.push_str(rest);
    out
}

/// A sub-indication as a citizen reads it is its name; a time its date and hour; everything else itself.
fn value_text(value: &str, language: Language) -> String {
    if SubIndication::ALL.iter().any(|s| s.name() == value) {
        return value.to_string();
    }
    match value.parse::<crate::engine::Time>() {
        Ok(time) => super::text::instant(time, super::text::UTC),
        Err(_) if value.is_empty() => label(language, "none").to_string(),
        Err(_) => super::text::one_line(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::validation::Outcome;

    #[test]
    fn a_sentence_that_ends_in_a_sentence_ends_once() {
        let finding = Finding {
            found: "It is broken. Mend it.".into(),
            ..Finding::new("pdf.recovered", "ISO 32000-2 §7.5", Outcome::Note)
        };
        assert_eq!(
            fill("No: {found}.", &finding, Language::En),
            "No: It is broken. Mend it."
        );
        assert_eq!(
            fill("{found} No", &finding, Language::En),
            "It is broken. Mend it. No"
        );
    }

    #[test]
    fn both_languages_word_the_same_keys_and_use_the_same_values() {
        let braces = |text: &str| {
            let mut names: Vec<String> = text
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}').map(|(name, _)| name.to_string()))
                .collect();
            names.sort();
            names
        };
        assert!(ES.labels.keys().eq(EN.labels.keys()));
        assert!(ES.verdicts.keys().eq(EN.verdicts.keys()));
        assert!(ES.checks.keys().eq(EN.checks.keys()));
        for (key, es) in &ES.checks {
            let en = &EN.checks[key];
            assert_eq!(braces(&es.text), braces(&en.text), "{key}");
            assert_eq!(es.remedy.is_empty(), en.remedy.is_empty(), "{key}");
            for name in braces(&es.text) {
                assert!(
                    ["element", "found", "expected"].contains(&name.as_str()),
                    "{key}"
                );
            }
        }
    }

    #[test]
    fn every_sub_indication_has_words_for_a_citizen() {
        for language in Language::ALL {
            for sub in SubIndication::ALL {
                assert_ne!(verdict_text(*language, sub.name()), "", "{sub}");
            }
            for other in ["TOTAL-PASSED", "NO_SIGNATURE", "DOCUMENT_DOUBT"] {
                assert_ne!(verdict_text(*language, other), "");
            }
        }
    }

    #[test]
    fn values_are_put_in_once_and_on_one_line() {
        let finding = Finding::new("reference.altered", "x", Outcome::Failed).element("{found}\n!");
        assert_eq!(
            finding_text(Language::En, &finding),
            "{found} !: is not what was signed; its digest has changed."
        );
    }
}
