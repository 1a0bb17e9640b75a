//! The calendar of non-working days of a sede, and when a deadline effectively starts.
//!
//! Ley 39/2015 art. 31.2 and 31.3. In: the official instant of presentation. Out: the effective start, which is that instant
//! on a working day, else the first hour of the first working day after. Not here: the length of any deadline.

use crate::engine::{Error, Result, Time};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The calendar of one sede, as its file has it (TOML or JSON).
///
/// ```
/// use rubrica::engine::{Time, register::Calendar};
/// let calendar: Calendar = serde_json::from_str(
///     r#"{ "zone": "Europe/Madrid", "holidays": { "2026-12-25": "Natividad del Señor" } }"#,
/// ).unwrap();
/// let friday: Time = "2026-12-25T10:00:00+01:00".parse()?;
/// let start = calendar.effective_start(friday)?;
/// assert_eq!(start.instant, "2026-12-28T00:00:00+01:00".parse()?);
/// assert_eq!(start.postponed_by.as_deref(), Some("Natividad del Señor"));
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendar {
    /// The IANA zone of the official time.
    pub zone: String,
    /// The days of the week that never work: `saturday`, `sunday` (Ley 39/2015 art. 30.2).
    pub weekly: Vec<DayOfWeek>,
    /// The other non-working days by date, each with its name.
    pub holidays: BTreeMap<Date, String>,
}

/// A day of the week, in English and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants are their own description")]
pub enum DayOfWeek {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// When a deadline effectively starts (Ley 39/2015 art. 31.2.c).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveStart {
    /// The presentation itself, or the first hour of the first working day after it.
    pub instant: Time,
    /// Why it is not the presentation: the name of the non-working day; empty for a day that never works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponed_by: Option<String>,
}

impl Default for Calendar {
    /// Europe/Madrid, with Saturdays and Sundays alone.
    fn default() -> Self {
        Calendar {
            zone: "Europe/Madrid".into(),
            weekly: vec![DayOfWeek::Saturday, DayOfWeek::Sunday],
            holidays: BTreeMap::new(),
        }
    }
}

impl Calendar {
    /// Whether the zone exists and at least one day of the week works. Call it once, when the calendar is loaded.
    pub fn check(&self) -> Result<()> {
        self.time_zone()?;
        self.effective_start(Time::from_unix(0)?).map(drop)
    }

    /// Whether the calendar lists holidays of this year; where it does not, only the days of the week are known.
    pub fn covers(&self, year: i16) -> bool {
        self.holidays.keys().any(|d| d.year() == year)
    }

    /// Whether a civil date works.
    pub fn works(&self, date: Date) -> bool {
        !self.holidays.contains_key(&date) && !self.weekly.iter().any(|d| d.is(date.weekday()))
    }

    /// When the deadline of a presentation effectively starts.
    ///
    /// Errors: an unknown zone; no working day within a year.
    pub fn effective_start(&self, presentation: Time) -> Result<EffectiveStart> {
        let zone = self.time_zone()?;
        let presented = presentation.in_zone(&self.zone)?.date();
        if self.works(presented) {
            return Ok(EffectiveStart {
                instant: presentation,
                postponed_by: None,
            });
        }
        // art. 31.2.b: "se entenderá realizada en la primera hora del primer día hábil siguiente".
        let mut day = presented;
        for _ in 0..366 {
            day = day
                .tomorrow()
                .map_err(|_| Error::invalid("calendar", "beyond the year 9999"))?;
            if self.works(day) {
                let start = day
                    .to_zoned_datetime(zone)
                    .map_err(|_| Error::invalid("calendar", "beyond the year 9999"))?;
                return Ok(EffectiveStart {
                    instant: Time::from_zoned(&start),
                    postponed_by: Some(self.holidays.get(&presented).cloned().unwrap_or_default()),
                });
            }
        }
        Err(Error::invalid("calendar", "no working day within a year")
            .remedy("Correct the calendar of non-working days."))
    }

    fn time_zone(&self) -> Result<TimeZone> {
        TimeZone::get(&self.zone).map_err(|_| {
            Error::invalid(
                "calendar.zone",
                format!("{:?} is not an IANA time zone", self.zone),
            )
        })
    }
}

impl DayOfWeek {
    fn is(self, day: Weekday) -> bool {
        self as i8 + 1 == day.to_monday_one_offset()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        Calendar {
            holidays: [
                ("2026-12-25", "Natividad"),
                ("2027-01-01", "Año Nuevo"),
                ("2027-01-06", "Epifanía"),
            ]
            .map(|(d, n)| (d.parse().unwrap(), n.to_owned()))
            .into(),
            ..Calendar::default()
        }
    }

    fn start(presentation: &str) -> String {
        let start = calendar()
            .effective_start(presentation.parse().unwrap())
            .unwrap();
        start
            .instant
            .in_zone("Europe/Madrid")
            .unwrap()
            .strftime("%Y-%m-%dT%H:%M:%S%:z")
            .to_string()
    }

    #[test]
    fn midnight_divides_the_days_of_the_sede() {
        // Thursday 24 December works; Friday 25 does not, nor do Saturday and Sunday.
        assert_eq!(
            start("2026-12-24T23:59:59+01:00"),
            "2026-12-24T23:59:59+01:00"
        );
        assert_eq!(
            start("2026-12-25T00:00:00+01:00"),
            "2026-12-28T00:00:00+01:00"
        );
        assert_eq!(start("2026-12-24T23:30:00Z"), "2026-12-28T00:00:00+01:00");
        assert_eq!(
            start("2026-12-27T23:59:59+01:00"),
            "2026-12-28T00:00:00+01:00"
        );
        assert_eq!(
            start("2026-12-28T00:00:00+01:00"),
            "2026-12-28T00:00:00+01:00"
        );
    }

    #[test]
    fn new_year_moves_to_the_next_year() {
        assert_eq!(
            start("2026-12-31T23:59:59+01:00"),
            "2026-12-31T23:59:59+01:00"
        );
        assert_eq!(
            start("2027-01-01T00:00:00+01:00"),
            "2027-01-04T00:00:00+01:00"
        );
    }

    #[test]
    fn the_hour_that_comes_twice_is_on_a_sunday() {
        for twice in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
            assert_eq!(start(twice), "2026-10-26T00:00:00+01:00");
        }
        // A sede that works on Sundays keeps the two instants apart.
        let sundays = Calendar {
            weekly: vec![],
            ..Calendar::default()
        };
        let instants = ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"]
            .map(|t| sundays.effective_start(t.parse().unwrap()).unwrap().instant);
        assert!(instants[0] < instants[1]);
    }

    #[test]
    fn the_reason_is_told() {
        let reason = |t: &str| {
            calendar()
                .effective_start(t.parse().unwrap())
                .unwrap()
                .postponed_by
        };
        assert_eq!(
            reason("2027-01-06T09:00:00+01:00").as_deref(),
            Some("Epifanía")
        );
        assert_eq!(reason("2026-12-26T09:00:00+01:00").as_deref(), Some(""));
        assert_eq!(reason("2026-12-24T09:00:00+01:00"), None);
    }

    #[test]
    fn a_day_that_begins_at_one_o_clock_begins_there() {
        // Santiago de Chile skipped from 00:00 to 01:00 on Sunday 2024-09-08.
        let chile = Calendar {
            zone: "America/Santiago".into(),
            weekly: vec![DayOfWeek::Saturday],
            ..Calendar::default()
        };
        let start = chile
            .effective_start("2024-09-07T12:00:00-04:00".parse().unwrap())
            .unwrap();
        assert_eq!(start.instant, "2024-09-08T01:00:00-03:00".parse().unwrap());
    }

    #[cfg(feature = "service")]
    #[test]
    fn the_file_is_toml() {
        let text =
            "zone = 'Europe/Madrid'\nweekly = ['sunday']\n[holidays]\n2026-08-15 = 'Asunción'\n";
        let calendar: Calendar = toml::from_str(text).unwrap();
        assert!(!calendar.works("2026-08-15".parse().unwrap()));
        assert!(calendar.works("2026-08-22".parse().unwrap()));
        assert!(calendar.covers(2026) && !calendar.covers(2027));
        assert!(toml::from_str::<Calendar>("[holidays]\n2026-02-30 = 'x'").is_err());
    }

    #[test]
    fn a_calendar_is_kept_and_checked() {
        let text = serde_json::to_string(&calendar()).unwrap();
        assert_eq!(serde_json::from_str::<Calendar>(&text).unwrap(), calendar());
        let nowhere = Calendar {
            zone: "Europa/Madrid".into(),
            ..calendar()
        };
        assert!(nowhere.check().is_err());
        use DayOfWeek::*;
        let idle = Calendar {
            weekly: vec![
                Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday,
            ],
            ..calendar()
        };
        assert!(idle.check().is_err());
        assert!(calendar().check().is_ok());
    }
}
