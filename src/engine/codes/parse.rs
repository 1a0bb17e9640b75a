//! What a person typed, read kindly: lower case, spaces, other hyphens or none.
//!
//! In: text. Out: the canonical form, or a [`Misread`] that may suggest what was meant (0, 1 and 8 are not in the alphabet of
//! RFC 4648 §6 and look like O, I and B). A suggestion is for the person to confirm; it is never tried on their behalf.

use super::derive::BASE32;
use super::{Code, CodeId, GROUP_LENGTH, GROUPS};
use jiff::civil::Date;

/// The text is no id, date, code or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// What was perhaps meant.
    pub suggestion: Option<String>,
}

/// Reads an "Id. CEA".
pub fn read_id(text: &str) -> Result<CodeId, Misread> {
    CodeId::new(&compact(text)).map_err(|_| Misread { suggestion: None })
}

/// Reads a whole code, with or without hyphens.
pub fn read_code(text: &str) -> Result<Code, Misread> {
    let text = base32(&compact(text), GROUPS * GROUP_LENGTH, |s| {
        let groups: Vec<_> = (0..GROUPS)
            .filter_map(|i| s.get(i * GROUP_LENGTH..(i + 1) * GROUP_LENGTH))
            .collect();
        groups.join("-")
    })?;
    Code::new(&text).map_err(|_| Misread { suggestion: None })
}

/// Reads one group of five.
pub fn read_group(text: &str) -> Result<String, Misread> {
    base32(&compact(text), GROUP_LENGTH, str::to_owned)
}

/// Reads `05/02/2026`, `5-2-2026`, `05022026` or `2026-02-05`.
pub fn read_date(text: &str) -> Result<Date, Misread> {
    let none = || Misread { suggestion: None };
    let parts: Vec<&str> = text
        .trim()
        .split(['/', '-', '.', ' '])
        .filter(|p| !p.is_empty())
        .collect();
    let (year, month, day) = match parts[..] {
        [y, m, d] if y.len() == 4 => (y, m, d),
        [d, m, y] if y.len() == 4 => (y, m, d),
        [all] if all.len() == 8 && all.is_ascii() => (&all[4..], &all[2..4], &all[..2]),
        _ => return Err(none()),
    };
    let number = |text: &str| {
        text.bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| text.parse::<i16>().ok())
            .flatten()
    };
    let small = |text: &str| number(text).and_then(|n| i8::try_from(n).ok());
    number(year)
        .zip(small(month))
        .zip(small(day))
        .and_then(|((y, m), d)| Date::new(y, m, d).ok())
        .ok_or_else(none)
}

/// Upper case without what separates.
fn compact(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !c.is_whitespace()
                && !matches!(
                    c,
                    '-' | '.' | '_' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}'
                )
        })
        .take(MOST)
        .flat_map(char::to_uppercase)
        .collect()
}

/// More than any of these texts has; what is longer cannot be one.
const MOST: usize = 64;

fn base32(text: &str, length: usize, show: impl Fn(&str) -> String) -> Result<String, Misread> {
    let fits = |t: &str| t.len() == length && t.bytes().all(|b| BASE32.contains(&b));
    if fits(text) {
        return Ok(text.to_owned());
    }
    let meant = text.replace('0', "O").replace('1', "I").replace('8', "B");
    Err(Misread {
        suggestion: fits(&meant).then(|| show(&meant)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn kindly_typed_is_read() {
        for text in [
            "QWERT-YUIOP-ASDFG-HJKLZ-XCVBN-M2345",
            "qwertyuiopasdfghjklzxcvbnm2345",
            " qwert yuiop–asdfg\nhjklz xcvbn m2345 ",
        ] {
            assert_eq!(read_code(text).unwrap().groups()[5], "M2345");
        }
        assert_eq!(read_group("a bc-d2").unwrap(), "ABCD2");
        assert_eq!(
            read_id(" 0aaa a5da 5aa9 ").unwrap().as_str(),
            "0AAAA5DA5AA9"
        );
    }

    #[test]
    fn what_looks_alike_is_suggested_and_not_taken() {
        assert_eq!(
            read_group("A0B18").unwrap_err().suggestion.as_deref(),
            Some("AOBIB")
        );
        assert_eq!(read_group("A0B19").unwrap_err().suggestion, None);
        let code = read_code("0WERTYUIOPASDFGHJKLZXCVBNM2345").unwrap_err();
        assert_eq!(
            code.suggestion.as_deref(),
            Some("OWERT-YUIOP-ASDFG-HJKLZ-XCVBN-M2345")
        );
    }

    #[test]
    fn odd_strings_are_misread() {
        for odd in [
            "",
            "-",
            "ñandú",
            "ABCDE2",
            "ﬁﬁﬁ",
            "\u{202e}ABCDE",
            "１２３４５",
            &"A".repeat(1000),
        ] {
            assert!(read_group(odd).is_err(), "{odd}");
            assert!(
                read_code(odd).is_err() && read_id(odd).is_err() && read_date(odd).is_err(),
                "{odd}"
            );
        }
    }

    #[test]
    fn dates_as_people_write_them() {
        for text in [
            "05/02/2026",
            "5/2/2026",
            "05-02-2026",
            "05022026",
            "2026-02-05",
            " 5.2.2026 ",
        ] {
            assert_eq!(read_date(text).unwrap(), date(2026, 2, 5), "{text}");
        }
        for bad in [
            "30/02/2026",
            "05/02/26",
            "+5/02/2026",
            "0502202",
            "05/02/2026/1",
            "aabbcccc",
            "ñññ2",
        ] {
            assert!(read_date(bad).is_err(), "{bad}");
        }
    }
}
