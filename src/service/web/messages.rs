//! The words of the pages: one file a language, `messages/<code>.toml`, all with the same keys.
//!
//! A phrase may hold `{name}` for what is put in. A test holds every catalogue against the Spanish one, and every key
//! that a page uses against all of them.

use crate::engine::register::Language;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The phrases of one language by key.
#[derive(Debug)]
pub(super) struct Words(HashMap<String, String>);

/// The catalogue of each language as it is written.
fn source(language: Language) -> &'static str {
    match language {
        Language::Es => include_str!("messages/es.toml"),
        Language::Ca => include_str!("messages/ca.toml"),
        Language::Va => include_str!("messages/va.toml"),
        Language::Gl => include_str!("messages/gl.toml"),
        Language::Eu => include_str!("messages/eu.toml"),
        Language::En => include_str!("messages/en.toml"),
        Language::Fr => include_str!("messages/fr.toml"),
    }
}

/// The words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    static ALL: OnceLock<HashMap<Language, Words>> = OnceLock::new();
    let all = ALL.get_or_init(|| Language::ALL.map(|l| (l, read(source(l)))).into());
    all.get(&language).unwrap_or(&all[&Language::Es])
}

fn read(text: &str) -> Words {
    let table: toml::Table = toml::from_str(text).unwrap_or_default();
    let mut words = HashMap::new();
    for (room, phrases) in &table {
        for (key, phrase) in phrases.as_table().into_iter().flatten() {
            if let Some(phrase) = phrase.as_str() {
                words.insert(format!("{room}.{key}"), phrase.to_string());
            }
        }
    }
    Words(words)
}

impl Words {
    /// The phrase of this key.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// Whether there is such a phrase.
    #[cfg(test)]
    fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The phrase of this key with each `{name}` put in.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let mut rest = self.get(key);
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                break;
            };
            let value = values.iter().find(|(known, _)| *known == name);
            text.push_str(value.map_or("", |(_, value)| value));
            rest = behind;
        }
        text.push_str(rest);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn placeholders(phrase: &str) -> BTreeSet<&str> {
        let behind = phrase.split('{').skip(1);
        behind
            .filter_map(|p| p.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn every_catalogue_has_every_phrase_with_the_same_places() {
        let spanish = words(Language::Es);
        assert!(spanish.0.len() > 100, "{}", spanish.0.len());
        for language in Language::ALL {
            toml::from_str::<toml::Table>(source(language)).unwrap();
            let other = words(language);
            for (key, phrase) in &spanish.0 {
                let translated = other.get(key);
                assert!(!translated.trim().is_empty(), "{language:?} lacks {key}");
                // Each language writes a date in its own way.
                let same = key == "date.long" || placeholders(phrase) == placeholders(translated);
                assert!(same, "{language:?} {key}");
            }
            for key in other.0.keys() {
                assert!(
                    spanish.has(key),
                    "{language:?} has {key}, which nobody uses"
                );
            }
        }
    }

    #[test]
    fn every_phrase_is_used_and_every_phrase_used_is_there() {
        let pages = [
            include_str!("about.rs"),
            include_str!("certificates.rs"),
            include_str!("code.rs"),
            include_str!("home.rs"),
            include_str!("layout.rs"),
            include_str!("seals.rs"),
            include_str!("accepted.rs"),
            include_str!("time.rs"),
            include_str!("verify.rs"),
        ];
        let used: BTreeSet<&str> = pages
            .iter()
            .flat_map(|page| page.split('"'))
            .filter(|text| {
                let mut parts = text.split('.');
                let word = |part: Option<&str>| {
                    part.is_some_and(|p| {
                        p.starts_with(|c: char| c.is_ascii_lowercase())
                            && p.bytes()
                                .all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
                    })
                };
                word(parts.next()) && word(parts.next()) && parts.next().is_none()
            })
            .filter(|text| {
                let is_file = [".json", ".html", ".xml"]
                    .iter()
                    .any(|end| text.ends_with(end));
                !is_file && !text.starts_with("limits.")
            })
            .collect();
        let spanish = words(Language::Es);
        for key in &used {
            assert!(spanish.has(key), "{key} is in no catalogue");
        }
        for key in spanish.0.keys() {
            assert!(used.contains(key.as_str()), "{key} is not used");
        }
    }

    #[test]
    fn what_is_put_in_stands_in_its_place() {
        let words = Words(HashMap::from([("a.b".into(), "{x} of {y}, {x}".into())]));
        assert_eq!(
            words.fill("a.b", &[("x", "1"), ("y", "{x}")]),
            "1 of {x}, 1"
        );
    }
}
