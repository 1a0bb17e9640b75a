//! Who somebody is by number: NIF, NIE, passport and NIF of entities, and whether the number can exist.
//!
//! RD 1065/2007 art. 19 to 22 (unchecked), Orden EHA/451/2008 (unchecked); EN 319 412-1 §5.1.3 and §5.1.4 for the
//! identifiers of certificates. In: a number as people, forms, the IPF of the Social Security and certificates write it. Out: one
//! normal form, so that two writings of one person compare equal. No error repeats the number.

use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};

/// The kind of document that a number stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentType {
    /// NIF of a natural person: the number of the DNI, or one that begins with K, L or M.
    Nif,
    /// Number of a foreigner: X, Y or Z.
    Nie,
    /// NIF of a legal person or other entity (once CIF).
    Entity,
    /// A passport; no check is possible.
    Passport,
}

impl DocumentType {
    /// What is printed: `NIF`, `NIE` or the word for passport in Spanish.
    pub fn label(self) -> &'static str {
        match self {
            DocumentType::Nif | DocumentType::Entity => "NIF",
            DocumentType::Nie => "NIE",
            DocumentType::Passport => "Pasaporte",
        }
    }
}

/// A number in its normal form: upper case, no separators, 9 characters unless it is a passport.
///
/// ```
/// use rubrica::engine::pki::identity::{DocumentType, Identity};
/// let certificate = Identity::from_certificate("IDCES-00019174S").unwrap();
/// assert_eq!(certificate, Identity::new(DocumentType::Nif, "000019174s")?);
/// assert!(Identity::new(DocumentType::Nif, "00019174T").is_err());
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Identity {
    #[serde(rename = "type")]
    document: DocumentType,
    number: String,
}

#[derive(Deserialize)]
struct Unchecked {
    #[serde(rename = "type")]
    document: DocumentType,
    number: String,
}

impl TryFrom<Unchecked> for Identity {
    type Error = Error;

    fn try_from(unchecked: Unchecked) -> Result<Self> {
        Identity::new(unchecked.document, &unchecked.number)
    }
}

impl Identity {
    /// A number that is said to be of this kind. A NIF that turns out to be a NIE or of an entity becomes one.
    ///
    /// Errors: `InvalidRequest` for a shape or a control character that cannot be.
    pub fn new(document: DocumentType, number: &str) -> Result<Self> {
        if document == DocumentType::Passport {
            return passport(number);
        }
        let number = normal(number);
        let found = kind_of(&number).ok_or_else(|| match shape_of(&number) {
            Some(_) => impossible("the control character does not fit the number"),
            None => impossible("not of the form of a NIF or NIE"),
        })?;
        match (document, found) {
            (DocumentType::Nie, DocumentType::Nie)
            | (DocumentType::Entity, DocumentType::Entity)
            | (DocumentType::Nif, _) => Ok(Identity {
                document: found,
                number,
            }),
            _ => Err(impossible("not of the kind of document that is given")),
        }
    }

    /// The number of a certificate: `IDCES-…`, `VATES-…`, `PASxx-…` (EN 319 412-1 §5.1.3, §5.1.4), or a bare NIF.
    pub fn from_certificate(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.split_once('-') {
            Some((kind, number)) if kind.len() == 5 => match kind.to_ascii_uppercase().as_str() {
                "IDCES" | "VATES" | "TINES" | "NTRES" => {
                    Identity::new(DocumentType::Nif, number).ok()
                }
                passport if passport.starts_with("PAS") => {
                    Identity::new(DocumentType::Passport, number).ok()
                }
                _ => None,
            },
            _ => Identity::new(DocumentType::Nif, text).ok(),
        }
    }

    /// What it stands on.
    pub fn document(&self) -> DocumentType {
        self.document
    }

    /// The normal form.
    pub fn number(&self) -> &str {
        &self.number
    }
}

/// One form for all writings of a NIF or NIE: no separators, upper case, `ES` and IPF padding taken off.
///
/// The IPF pads the number with zeros to 10 and may put a type digit before it (1 DNI, 6 NIE, 9 NIF, 0 IPF). What is not
/// of such a form comes back cleaned, otherwise as it is.
pub fn normal(number: &str) -> String {
    let clean: String = number
        .chars()
        .filter(|c| {
            !matches!(
                c,
                ' ' | '-' | '.' | '/' | '\u{a0}' | '\u{2010}'..='\u{2015}'
            )
        })
        .flat_map(char::to_uppercase)
        .collect();
    let bare = clean.strip_prefix("ES").unwrap_or(&clean);
    if !bare.is_ascii() || !bare.bytes().any(|b| b.is_ascii_digit()) {
        return clean;
    }
    let untyped = match bare.as_bytes() {
        [b'0' | b'1' | b'6' | b'9', rest @ ..] if rest.len() == 10 => &bare[1..],
        _ => bare,
    };
    if untyped.len() > 10 {
        return clean;
    }
    let stripped = untyped.trim_start_matches('0');
    let lettered = stripped.len() > 1 && stripped.starts_with(|c: char| c.is_ascii_uppercase());
    let (letter, digits) = stripped.split_at(usize::from(lettered));
    let width = if letter.is_empty() { 8 } else { 7 };
    match digits.split_at_checked(digits.len().saturating_sub(1)) {
        Some((body, control)) if body.bytes().all(|b| b.is_ascii_digit()) => {
            let body = body.trim_start_matches('0');
            format!("{letter}{body:0>width$}{control}")
        }
        _ => clean,
    }
}

/// The kind of a number that has the form of a NIF or NIE, and whether its control character fits; none of others.
pub fn examine(number: &str) -> Option<(DocumentType, bool)> {
    let number = normal(number);
    let (kind, ..) = shape_of(&number)?;
    Some((kind, kind_of(&number).is_some()))
}

/// The kind of a number in normal form whose control character fits.
fn kind_of(number: &str) -> Option<DocumentType> {
    let (kind, first, digits, control) = shape_of(number)?;
    let value: u32 = digits.parse().ok()?;
    let fits = match kind {
        DocumentType::Nie => {
            control == letter(value + 10_000_000 * (u32::from(first) - u32::from(b'X')))
        }
        DocumentType::Entity => {
            let n = entity_control(digits);
            // Which letters take a digit and which a letter is not settled: both pass.
            control == b'0' + n || Some(&control) == b"JABCDEFGHI".get(usize::from(n))
        }
        _ => control == letter(value),
    };
    fits.then_some(kind)
}

/// Kind, first character, the digits that count, and the control character.
fn shape_of(number: &str) -> Option<(DocumentType, u8, &str, u8)> {
    let bytes: &[u8; 9] = number.as_bytes().try_into().ok()?;
    let (first, control) = (bytes[0], bytes[8]);
    let (kind, digits) = match first {
        b'0'..=b'9' => (DocumentType::Nif, number.get(..8)?),
        b'K' | b'L' | b'M' => (DocumentType::Nif, number.get(1..8)?),
        b'X' | b'Y' | b'Z' => (DocumentType::Nie, number.get(1..8)?),
        b'A'..=b'H' | b'J' | b'N' | b'P'..=b'S' | b'U' | b'V' | b'W' => {
            (DocumentType::Entity, number.get(1..8)?)
        }
        _ => return None,
    };
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then_some((kind, first, digits, control))
}

fn letter(n: u32) -> u8 {
    b"TRWAGMYFPDXBNJZSQVHLCKE"[(n % 23) as usize]
}

/// The control number of the 7 digits of an entity: digits in odd places count double, digit by digit.
fn entity_control(digits: &str) -> u8 {
    let total: u8 = digits
        .bytes()
        .map(|b| b - b'0')
        .enumerate()
        .map(|(i, d)| {
            if i % 2 == 0 {
                d * 2 / 10 + d * 2 % 10
            } else {
                d
            }
        })
        .sum();
    (10 - total % 10) % 10
}

fn passport(number: &str) -> Result<Identity> {
    let number: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .flat_map(char::to_uppercase)
        .collect();
    let fits =
        (3..=20).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then_some(Identity {
        document: DocumentType::Passport,
        number,
    })
    .ok_or_else(|| {
        Error::invalid("passport", "not 3 to 20 letters and digits")
            .remedy("Write it as printed in the passport.")
    })
}

fn impossible(problem: &'static str) -> Error {
    Error::invalid("NIF or NIE", problem)
        .remedy("Check the number: 12345678Z, X1234567L, B12345674.")
}

/// Whether a Social Security number (NAF: province 2, number 8, check 2) can exist.
pub fn naf_fits(number: &str) -> bool {
    mod97_fits(number, 12, 10_000_000)
}

/// Whether a contribution account code (CCC: province 2, number 7, check 2) can exist.
pub fn ccc_fits(number: &str) -> bool {
    mod97_fits(number, 11, 1_000_000)
}

/// Province and number, written together, modulo 97; a number below `short` is written with one digit less.
fn mod97_fits(number: &str, length: usize, short: u64) -> bool {
    let digits: String = number
        .chars()
        .filter(|c| !matches!(c, ' ' | '/' | '-'))
        .collect();
    if digits.len() != length || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let part = |from: usize, to: usize| {
        digits
            .get(from..to)
            .and_then(|d| d.parse::<u64>().ok())
            .unwrap_or(u64::MAX)
    };
    let (province, n, check) = (part(0, 2), part(2, length - 2), part(length - 2, length));
    let shift = if n < short { short } else { short * 10 };
    (province * shift + n) % 97 == check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(number: &str) -> Option<DocumentType> {
        Identity::new(DocumentType::Nif, number)
            .ok()
            .map(|i| i.document())
    }

    #[test]
    fn numbers_that_exist_fit() {
        for n in [
            "00019174S",
            "34965892G",
            "11822259Y",
            "99999999R",
            "00000000T",
            "12345678Z",
        ] {
            assert_eq!(kind(n), Some(DocumentType::Nif), "{n}");
        }
        for n in ["X1234567L", "Y1234567X", "Z1234567R"] {
            assert_eq!(kind(n), Some(DocumentType::Nie), "{n}");
        }
        for n in ["Q2827003A", "S2826001F", "S2819001E", "B12345674"] {
            assert_eq!(kind(n), Some(DocumentType::Entity), "{n}");
        }
        assert_eq!(kind("K1234567L"), Some(DocumentType::Nif));
    }

    #[test]
    fn every_other_control_character_is_refused() {
        for (good, others) in [("12345678Z", 25), ("X1234567L", 25), ("Q2827003A", 24)] {
            let body = &good[..8];
            let fitting = (b'A'..=b'Z')
                .chain(b'0'..=b'9')
                .filter(|c| kind(&format!("{body}{}", char::from(*c))).is_some())
                .count();
            assert_eq!(fitting, 26 - others, "{good}");
        }
    }

    #[test]
    fn writings_of_one_person_compare_equal() {
        let one = Identity::new(DocumentType::Nif, "00019174S").unwrap();
        for other in [
            "000019174S",
            "1000019174S",
            "19174s",
            "00.019.174-S",
            "ES00019174S",
            " 00019174 S",
            "9000019174S",
        ] {
            assert_eq!(
                Identity::new(DocumentType::Nif, other).unwrap(),
                one,
                "{other}"
            );
        }
        let foreign = Identity::new(DocumentType::Nie, "X1234567L").unwrap();
        for other in ["x-1234567-l", "0X1234567L", "X01234567L", "60X1234567L"] {
            assert_eq!(
                Identity::new(DocumentType::Nie, other).unwrap(),
                foreign,
                "{other}"
            );
        }
        assert_eq!(
            Identity::new(DocumentType::Nif, "0T").unwrap().number(),
            "00000000T"
        );
    }

    #[test]
    fn certificates_say_it_in_their_way() {
        let say = |t: &str| Identity::from_certificate(t).map(|i| i.number().to_owned());
        assert_eq!(say("IDCES-12345678Z").as_deref(), Some("12345678Z"));
        assert_eq!(say("VATES-Q2827003A").as_deref(), Some("Q2827003A"));
        assert_eq!(say("PASFR-12AB34567").as_deref(), Some("12AB34567"));
        assert_eq!(say("S2826001F").as_deref(), Some("S2826001F"));
        assert_eq!(say("12345678-Z").as_deref(), Some("12345678Z"));
        assert_eq!(say("IDCFR-12345678Z"), None);
        assert_eq!(say("VATES-12345678A"), None);
    }

    #[test]
    fn the_kind_that_is_given_must_be_the_kind_that_it_is() {
        assert!(Identity::new(DocumentType::Nie, "12345678Z").is_err());
        assert!(Identity::new(DocumentType::Entity, "12345678Z").is_err());
        assert!(Identity::new(DocumentType::Passport, "a-b").is_err());
        assert!(Identity::new(DocumentType::Passport, "AAA 123 456").is_ok());
    }

    #[test]
    fn odd_strings_are_refused_without_repeating_them() {
        for odd in [
            "",
            "Z",
            "ñ",
            "ES",
            "０００１９１７４Ｓ",
            "0",
            "00000000000000000000T",
            "XXXXXXXXX",
            "I1234567A",
            "\u{202e}1",
            "1234567890123456789012345",
            "ß",
            "ŉ",
        ] {
            let error = Identity::new(DocumentType::Nif, odd).unwrap_err();
            assert!(
                odd.is_empty() || !error.to_string().contains(&format!(" {odd}")),
                "{odd}"
            );
            assert!(Identity::new(DocumentType::Passport, odd).is_err() || odd.len() > 2);
        }
    }

    #[test]
    fn it_is_checked_when_it_is_read() {
        let good = r#"{"type":"nif","number":"19174S"}"#;
        let identity: Identity = serde_json::from_str(good).unwrap();
        assert_eq!(
            serde_json::to_string(&identity).unwrap(),
            r#"{"type":"nif","number":"00019174S"}"#
        );
        assert!(serde_json::from_str::<Identity>(r#"{"type":"nif","number":"19174A"}"#).is_err());
    }

    #[test]
    fn social_security_numbers() {
        assert!(naf_fits("281234567840") && naf_fits("08 01234567 74"));
        assert!(ccc_fits("28123456742") && ccc_fits("27 0123456 25"));
        for bad in [
            "280420847254",
            "281234567841",
            "",
            "28123456784",
            "2812345678４0",
            "99999999999999999999",
        ] {
            assert!(!naf_fits(bad), "{bad}");
        }
        assert!(!ccc_fits("20037627490"));
    }
}
