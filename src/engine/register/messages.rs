//! The wording of receipts and messages: `messages.json`, a phrase by key in each language of the sede.
//!
//! Ley 39/2015 art. 13.c and 15.1: Spanish, and the co-official language that the person chose. A new language is a column there and a
//! variant of [`Language`]; Valencian takes the Catalan phrase where it has none of its own.

use super::Language;
use serde::Deserialize;
use std::sync::OnceLock;

/// One phrase in every language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Phrase {
    es: String,
    ca: String,
    va: Option<String>,
    gl: String,
    eu: String,
    en: String,
    fr: String,
}

impl Phrase {
    /// The phrase in a language.
    pub(super) fn text(&self, language: Language) -> &str {
        match language {
            Language::Es => &self.es,
            Language::Ca => &self.ca,
            Language::Va => self.va.as_deref().unwrap_or(&self.ca),
            Language::Gl => &self.gl,
            Language::Eu => &self.eu,
            Language::En => &self.en,
            Language::Fr => &self.fr,
        }
    }

    /// The phrase in Spanish, and in the other language where that says it otherwise.
    pub(super) fn both(&self, language: Language) -> (&str, Option<&str>) {
        let other = self.text(language);
        (&self.es, Some(other).filter(|o| *o != self.es))
    }
}

macro_rules! phrases {
    ($($key:ident)+) => {
        /// Every phrase, by its key in `messages.json`.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Phrases { $(pub(super) $key: Phrase,)+ }

        #[cfg(test)]
        impl Phrases {
            fn all(&self) -> Vec<&Phrase> { vec![$(&self.$key),+] }
        }
    };
}

phrases! {
    title_entry title_exit number presented effective_start postponed seal registration direction entry exit entity office subject
    procedure destination province origin_system origin_number language interested representative name first_surname
    second_surname business_name passport role phone email identification who how when reference clave sms password certificate
    data documents document size digests request_document attachment sede sealed_by sealed_at legal legal_receipt legal_time
    legal_check references check_here page qr mail_subject mail_intro mail_attached mail_automatic
}

/// The catalogue, read once a process.
pub(super) fn phrases() -> &'static Phrases {
    static PHRASES: OnceLock<Phrases> = OnceLock::new();
    PHRASES.get_or_init(|| {
        serde_json::from_str(include_str!("messages.json"))
            .expect("messages.json is compiled in and read by a test")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_there_in_every_language() {
        for phrase in phrases().all() {
            for language in Language::ALL {
                assert!(
                    !phrase.text(language).trim().is_empty(),
                    "{phrase:?} {language:?}"
                );
                for place in ["{n}", "{total}", "{url}", "{number}"] {
                    assert_eq!(
                        phrase.text(language).contains(place),
                        phrase.es.contains(place),
                        "{phrase:?} {language:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn valencian_takes_what_it_does_not_say_itself() {
        assert_eq!(phrases().exit.text(Language::Va), "Eixida");
        assert_eq!(phrases().exit.text(Language::Ca), "Sortida");
        assert_eq!(
            phrases().number.text(Language::Va),
            phrases().number.text(Language::Ca)
        );
        assert_eq!(phrases().entry.both(Language::Gl), ("Entrada", None));
        assert_eq!(phrases().entry.both(Language::Es), ("Entrada", None));
        assert_eq!(
            phrases().office.both(Language::Eu).1,
            Some("Erregistro-bulegoa")
        );
    }
}
