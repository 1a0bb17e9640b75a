//! Register numbers: `AAAA` + office + sequence, 20 digits as 4+6+10 unless configured otherwise.
//!
//! SICRES 3 and 4 give `Numero_Registro_Entrada` at most 20 characters; a printed pattern of 21 exists, so that a layout
//! may have 21. One sequence a (year, office). In: year, office, sequence. Out: the digits. Not here: counting (`service::store`).

use crate::engine::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many digits office and sequence have; the year has four.
///
/// ```
/// use rubrica::engine::register::{NumberLayout, RegisterNumber};
/// let number = RegisterNumber::new(NumberLayout::default(), 2026, "12", 1323)?;
/// assert_eq!(number.to_string(), "20260000120000001323");
/// assert_eq!("4+5+11".parse::<NumberLayout>()?.parse("20260001200000001323")?.sequence(), 1323);
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NumberLayout {
    office: u8,
    sequence: u8,
}

impl Default for NumberLayout {
    fn default() -> Self {
        NumberLayout {
            office: 6,
            sequence: 10,
        }
    }
}

impl NumberLayout {
    /// Errors: no digit for one of them, more than 21 digits in all, or a sequence beyond 2⁶⁴.
    pub fn new(office: u8, sequence: u8) -> Result<Self> {
        let fits = office > 0 && sequence > 0 && u16::from(office) + u16::from(sequence) <= 17;
        fits.then_some(NumberLayout { office, sequence })
            .ok_or_else(|| {
                Error::invalid(
                    "register.layout",
                    format!("{office} office and {sequence} sequence digits do not fit"),
                )
                .remedy("Write it as 4+6+10: year, office, sequence; 21 digits at most.")
            })
    }

    /// The digits of a whole number.
    pub fn length(self) -> usize {
        4 + usize::from(self.office) + usize::from(self.sequence)
    }

    /// The last sequence that fits.
    pub fn last_sequence(self) -> u64 {
        10u64.saturating_pow(u32::from(self.sequence)) - 1
    }

    /// The code of an office as it stands in numbers: digits only, filled up with zeros on the left.
    pub fn office(self, code: &str) -> Result<String> {
        let width = usize::from(self.office);
        if code.is_empty() || code.len() > width || !code.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::invalid(
                "office",
                format!("not a code of 1 to {width} digits"),
            ));
        }
        Ok(format!("{code:0>width$}"))
    }

    /// Reads a printed number of this layout. Errors: `InvalidRequest`.
    pub fn parse(self, digits: &str) -> Result<RegisterNumber> {
        if digits.len() != self.length() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Error::invalid(
                "register number",
                format!("not {} digits", self.length()),
            ));
        }
        let (year, rest) = digits.split_at(4);
        let (office, sequence) = rest.split_at(usize::from(self.office));
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| Error::invalid("register number", "out of range"))
        };
        RegisterNumber::new(
            self,
            u16::try_from(number(year)?).unwrap_or(0),
            office,
            number(sequence)?,
        )
    }
}

impl FromStr for NumberLayout {
    type Err = Error;

    /// Reads `4+6+10`.
    fn from_str(text: &str) -> Result<Self> {
        let parts: Vec<_> = text
            .split('+')
            .map(|p| p.trim().parse::<u8>().ok())
            .collect();
        match parts[..] {
            [Some(4), Some(office), Some(sequence)] => NumberLayout::new(office, sequence),
            _ => Err(Error::invalid("register.layout", "not of the form 4+6+10")
                .remedy("Year, office and sequence digits; the year has 4.")),
        }
    }
}

impl fmt::Display for NumberLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "4+{}+{}", self.office, self.sequence)
    }
}

/// The number of one entry of the register.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RegisterNumber {
    digits: String,
    office: u8,
}

impl RegisterNumber {
    /// Errors: a year outside of 1000 to 9999, an impossible office, sequence 0 or one that does not fit.
    pub fn new(layout: NumberLayout, year: u16, office: &str, sequence: u64) -> Result<Self> {
        let office = layout.office(office)?;
        if !(1000..=9999).contains(&year) {
            return Err(Error::invalid("register number", "a year has four digits"));
        }
        if sequence == 0 || sequence > layout.last_sequence() {
            return Err(Error::limit(
                "register number",
                format!("the sequence is not within 1 to {}", layout.last_sequence()),
            ));
        }
        let width = usize::from(layout.sequence);
        Ok(RegisterNumber {
            digits: format!("{year}{office}{sequence:0width$}"),
            office: layout.office,
        })
    }

    /// All digits, as printed.
    pub fn as_str(&self) -> &str {
        &self.digits
    }

    /// The year of the presentation, in the zone of the sede.
    pub fn year(&self) -> u16 {
        self.part(0, 4).parse().unwrap_or(0)
    }

    /// The office, with its leading zeros.
    pub fn office(&self) -> &str {
        self.part(4, 4 + usize::from(self.office))
    }

    /// The place in the sequence of (year, office), from 1.
    pub fn sequence(&self) -> u64 {
        self.part(4 + usize::from(self.office), self.digits.len())
            .parse()
            .unwrap_or(0)
    }

    fn part(&self, from: usize, to: usize) -> &str {
        self.digits.get(from..to).unwrap_or_default()
    }
}

impl fmt::Display for RegisterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

impl From<RegisterNumber> for String {
    /// `2026-000012-0000001323`: kept with its seams, so that it is read back whatever the layout is by then.
    fn from(number: RegisterNumber) -> Self {
        let (head, office) = (number.part(0, 4), number.office());
        format!(
            "{head}-{office}-{}",
            number.part(4 + usize::from(number.office), number.digits.len())
        )
    }
}

impl TryFrom<String> for RegisterNumber {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        let parts: Vec<_> = text.split('-').collect();
        let [year, office, sequence] = parts[..] else {
            return Err(Error::malformed(
                "register number",
                "not year, office and sequence",
            ));
        };
        let digits = |s: &str| {
            u8::try_from(s.len()).map_err(|_| Error::malformed("register number", "too long"))
        };
        NumberLayout::new(digits(office)?, digits(sequence)?)?
            .parse(&[year, office, sequence].concat())
    }
}

/// The year that the number of a presentation carries: that of the civil date in the zone of the sede.
pub fn year_of(presentation: Time, zone: &str) -> Result<u16> {
    let year = presentation.in_zone(zone)?.year();
    u16::try_from(year).map_err(|_| Error::invalid("presentation", "before the year 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_2010_reads_in_both_layouts() {
        let printed = "20100000000000001323";
        for layout in ["4+6+10", "4+5+11"] {
            let number = layout
                .parse::<NumberLayout>()
                .unwrap()
                .parse(printed)
                .unwrap();
            assert_eq!(
                (number.year(), number.sequence(), number.to_string()),
                (2010, 1323, printed.into())
            );
        }
        assert_eq!("4+6+11".parse::<NumberLayout>().unwrap().length(), 21);
    }

    #[test]
    fn an_impossible_layout_is_refused() {
        for bad in [
            "", "4", "4+6", "3+6+10", "4+0+10", "4+6+0", "4+6+12", "4+6+10+1", "4+-6+10", "4+300+1",
        ] {
            assert!(bad.parse::<NumberLayout>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_a_number_of_the_layout_is_refused() {
        let layout = NumberLayout::default();
        for bad in [
            "",
            "2010000000000000132",
            "201000000000000013234",
            "2010000000000000132x",
            "２０１００００００００００００１３２３",
            "20100000000000000000",
            "00000000000000000001",
        ] {
            assert!(layout.parse(bad).is_err(), "{bad}");
        }
        for office in ["", "1234567", "12a", "-1", "１"] {
            assert!(
                RegisterNumber::new(layout, 2026, office, 1).is_err(),
                "{office}"
            );
        }
        assert!(RegisterNumber::new(layout, 2026, "1", 10_000_000_000).is_err());
        assert!(RegisterNumber::new(layout, 2026, "1", 9_999_999_999).is_ok());
    }

    #[test]
    fn the_year_is_that_of_the_sede_at_new_year() {
        let before: Time = "2026-12-31T22:59:59.999Z".parse().unwrap();
        let after: Time = "2026-12-31T23:00:00Z".parse().unwrap();
        assert_eq!(year_of(before, "Europe/Madrid").unwrap(), 2026);
        assert_eq!(year_of(after, "Europe/Madrid").unwrap(), 2027);
        assert_eq!(year_of(after, "Atlantic/Canary").unwrap(), 2026);
    }

    #[test]
    fn a_kept_number_does_not_depend_on_the_layout_of_the_day() {
        let number = NumberLayout::new(5, 11)
            .unwrap()
            .parse("20260001200000001323")
            .unwrap();
        let kept = serde_json::to_string(&number).unwrap();
        assert_eq!(kept, "\"2026-00012-00000001323\"");
        assert_eq!(
            serde_json::from_str::<RegisterNumber>(&kept).unwrap(),
            number
        );
        assert!(serde_json::from_str::<RegisterNumber>("\"2026-1\"").is_err());
    }
}
