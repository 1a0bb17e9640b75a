//! A new CEA out of random bytes, and how long it holds.
//!
//! In: 27 random bytes, the date of issue. Out: an id of 60 random bits in 12 characters without 0, 1, I and O; a code of 150
//! random bits in the base32 alphabet of RFC 4648 §6. Ids are unique because the store refuses a second one.

use super::{GROUP_LENGTH, GROUPS};
use crate::engine::{Error, Result};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The document verification code ("Id. CEA"): 12 characters of `0-9A-Z`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CodeId(String);

impl CodeId {
    /// Characters of an id.
    pub const LENGTH: usize = 12;

    /// The id as printed. Errors: not 12 characters of `0-9A-Z`.
    pub fn new(text: &str) -> Result<Self> {
        let fits = text.len() == Self::LENGTH
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        fits.then(|| CodeId(text.to_owned()))
            .ok_or_else(|| Error::invalid("Id. CEA", "not 12 letters and digits"))
    }

    /// As printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CodeId> for String {
    fn from(id: CodeId) -> Self {
        id.0
    }
}

impl TryFrom<String> for CodeId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        CodeId::new(&text)
    }
}

/// The secret code: 30 characters of `A-Z2-7`. Wiped from memory when dropped; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Code(String);

impl Code {
    /// The code as 30 characters without separators. Errors: another length or alphabet.
    pub fn new(text: &str) -> Result<Self> {
        let fits = text.len() == GROUPS * GROUP_LENGTH && text.bytes().all(|b| BASE32.contains(&b));
        fits.then(|| Code(text.to_owned()))
            .ok_or_else(|| Error::invalid("Código CEA", "not 30 characters of A to Z and 2 to 7"))
    }

    /// The six groups, in order.
    pub fn groups(&self) -> [&str; GROUPS] {
        std::array::from_fn(|i| {
            self.0
                .get(i * GROUP_LENGTH..(i + 1) * GROUP_LENGTH)
                .unwrap_or_default()
        })
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// A CEA as it is issued: what every page of the document bears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cea {
    /// Not secret.
    pub id: CodeId,
    /// The civil date of issue in the zone of the sede.
    pub date: Date,
    /// Secret: printed in the document, kept nowhere in clear.
    pub code: Code,
}

impl Cea {
    /// A CEA out of uniformly random bytes, each used once.
    pub fn derive(random: &[u8; Cea::RANDOM], date: Date) -> Self {
        let mut bits = Bits {
            bytes: random,
            at: 0,
        };
        let id = (0..CodeId::LENGTH)
            .map(|_| bits.symbol(ID_ALPHABET))
            .collect();
        let code = (0..GROUPS * GROUP_LENGTH)
            .map(|_| bits.symbol(BASE32))
            .collect();
        Cea {
            id: CodeId(id),
            date,
            code: Code(code),
        }
    }

    /// Random bytes that [`Cea::derive`] takes: 42 symbols of 5 bits.
    pub const RANDOM: usize = 27;
}

/// RFC 4648 §6.
pub(super) const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Digits and capitals without those that are taken for one another.
const ID_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

struct Bits<'a> {
    bytes: &'a [u8; Cea::RANDOM],
    at: usize,
}

impl Bits<'_> {
    /// The symbol of the next five bits, most significant first.
    fn symbol(&mut self, alphabet: &[u8; 32]) -> char {
        let bit = |n: usize| self.bytes[n / 8 % Cea::RANDOM] >> (7 - n % 8) & 1;
        let index = (self.at..self.at + 5).fold(0, |value, n| value << 1 | bit(n));
        self.at += 5;
        char::from(alphabet[usize::from(index & 31)])
    }
}

/// `tipoCEA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CodeType {
    /// Temporal: holds until a date.
    T,
    /// Permanent: holds as long as the document is kept.
    P,
}

/// How long a CEA holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validity {
    /// The last civil date on which it answers.
    Until(Date),
    /// Without end.
    Permanent,
}

impl Validity {
    /// The validity that `tipoCEA` and `caducidad` ask for: 0 to 733 days, -1 permanent, -100 as the template says.
    ///
    /// Errors: other values; a permanent one of type T; days for type P.
    pub fn new(kind: CodeType, expiry_days: i32, template_days: i32, issued: Date) -> Result<Self> {
        let days = if expiry_days == TEMPLATE {
            template_days
        } else {
            expiry_days
        };
        match (kind, days) {
            (CodeType::T, 0..=LONGEST) => issued
                .checked_add(days.days())
                .map(Validity::Until)
                .map_err(|_| Error::invalid("caducidad", "beyond the year 9999")),
            (CodeType::P, PERMANENT | TEMPLATE) => Ok(Validity::Permanent),
            (CodeType::T, _) => Err(Error::invalid(
                "caducidad",
                "a code of type T holds 0 to 733 days",
            )
            .remedy("Send 0 to 733.")),
            (CodeType::P, _) => Err(
                Error::invalid("caducidad", "a code of type P has no expiry")
                    .remedy("Send -1, or ask for type T."),
            ),
        }
    }

    /// Whether the CEA answers on this civil date.
    pub fn holds_on(self, date: Date) -> bool {
        match self {
            Validity::Until(last) => date <= last,
            Validity::Permanent => true,
        }
    }
}

const TEMPLATE: i32 = -100;
const PERMANENT: i32 = -1;
/// Two years and a leap day and two: the most that the print service of the Social Security takes.
const LONGEST: i32 = 733;

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_bit_counts_once() {
        let zero = Cea::derive(&[0; Cea::RANDOM], date(2026, 2, 5));
        assert_eq!(
            (zero.id.as_str(), zero.code.groups()),
            ("222222222222", ["AAAAA"; 6])
        );
        let ones = Cea::derive(&[0xFF; Cea::RANDOM], date(2026, 2, 5));
        assert_eq!(
            (ones.id.as_str(), ones.code.groups()),
            ("ZZZZZZZZZZZZ", ["77777"; 6])
        );
        let mut seen = std::collections::HashSet::new();
        for bit in 0..210 {
            let mut random = [0; Cea::RANDOM];
            random[bit / 8] = 0x80 >> (bit % 8);
            let cea = Cea::derive(&random, date(2026, 2, 5));
            assert!(
                seen.insert(format!("{}{}", cea.id, cea.code.0)),
                "bit {bit}"
            );
            assert!(CodeId::new(cea.id.as_str()).is_ok() && Code::new(&cea.code.0).is_ok());
        }
    }

    #[test]
    fn the_code_is_never_shown() {
        let cea = Cea::derive(&[0; Cea::RANDOM], date(2026, 2, 5));
        assert!(!format!("{cea:?}").contains("AAAAA"));
    }

    #[test]
    fn a_validity_is_one_of_the_print_service() {
        let issued = date(2026, 3, 31);
        let days = |kind, n| Validity::new(kind, n, 732, issued).ok();
        assert_eq!(
            days(CodeType::T, 732),
            Some(Validity::Until(date(2028, 4, 1)))
        );
        assert_eq!(days(CodeType::T, -100), days(CodeType::T, 732));
        assert_eq!(days(CodeType::T, 0), Some(Validity::Until(issued)));
        assert_eq!(days(CodeType::P, -1), Some(Validity::Permanent));
        assert_eq!(
            Validity::new(CodeType::P, -100, -1, issued).ok(),
            Some(Validity::Permanent)
        );
        for (kind, n) in [
            (CodeType::T, 734),
            (CodeType::T, -1),
            (CodeType::T, -2),
            (CodeType::P, 10),
            (CodeType::P, i32::MAX),
        ] {
            assert_eq!(days(kind, n), None, "{kind:?} {n}");
        }
        assert!(Validity::new(CodeType::T, -100, -1, issued).is_err());
        assert!(Validity::Until(issued).holds_on(issued));
        assert!(!Validity::Until(issued).holds_on(date(2026, 4, 1)));
    }
}
