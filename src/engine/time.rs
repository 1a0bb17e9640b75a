//! Instants, in UTC, to the nanosecond; and their civil form in the zone of the e-office.
//!
//! Nothing here knows the current time: the clock is `service/clock.rs`, and every instant is passed in.

use super::error::{Error, Result};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// An instant.
///
/// ```
/// use rubrica::engine::Time;
/// let t: Time = "2026-10-25T00:30:00Z".parse().unwrap();
/// assert_eq!(t.in_zone("Europe/Madrid").unwrap().to_string(), "2026-10-25T02:30:00+02:00[Europe/Madrid]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(Timestamp);

impl Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn from_unix(seconds: i64) -> Result<Self> {
        Timestamp::from_second(seconds)
            .map(Time)
            .map_err(|_| out_of_range())
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub fn from_unix_nanoseconds(nanoseconds: i128) -> Result<Self> {
        Timestamp::from_nanosecond(nanoseconds)
            .map(Time)
            .map_err(|_| out_of_range())
    }

    /// A UTC calendar date and time of day; `second` may not be 60. What lies after the last instant that is kept
    /// (9999-12-30T22:00:00Z) is that instant: RFC 5280 §4.1.2.5 writes 99991231235959Z for "no end".
    pub fn from_utc(
        year: i16,
        month: i8,
        day: i8,
        hour: i8,
        minute: i8,
        second: i8,
        nanosecond: i32,
    ) -> Result<Self> {
        let civil = jiff::civil::DateTime::new(year, month, day, hour, minute, second, nanosecond)
            .map_err(|_| Error::malformed("time", "no such calendar date or time of day"))?;
        let limit = if year > 0 {
            Timestamp::MAX
        } else {
            Timestamp::MIN
        };
        let zoned = civil.to_zoned_datetime(TimeZone::UTC);
        Ok(Time(zoned.map_or(limit, |z| z.timestamp())))
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0.as_second()
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub fn unix_milliseconds(self) -> i64 {
        self.0.as_millisecond()
    }

    /// Later by `duration`; saturates at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Time(self.0.saturating_add(duration).unwrap_or(Timestamp::MAX))
    }

    /// Earlier by `duration`; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Time(self.0.saturating_sub(duration).unwrap_or(Timestamp::MIN))
    }

    /// How long it is from `earlier` to `self`; zero where `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or(Duration::ZERO)
    }

    /// The same instant without its fraction of a second.
    #[must_use]
    pub fn truncated_to_seconds(self) -> Self {
        Time::from_unix(self.0.as_nanosecond().div_euclid(1_000_000_000) as i64).unwrap_or(self)
    }

    /// The same instant without what is finer than a millisecond.
    #[must_use]
    pub fn truncated_to_milliseconds(self) -> Self {
        let milliseconds = self.0.as_nanosecond().div_euclid(1_000_000);
        Time::from_unix_nanoseconds(milliseconds * 1_000_000).unwrap_or(self)
    }

    /// The civil date and time in an IANA zone such as `Europe/Madrid`.
    pub fn in_zone(self, zone: &str) -> Result<ZonedDateTime> {
        let zone = TimeZone::get(zone)
            .map_err(|_| Error::invalid("zone", format!("{zone:?} is not an IANA time zone")))?;
        Ok(self.0.to_zoned_datetime(zone))
    }

    /// The civil date and time in UTC.
    pub fn in_utc(self) -> ZonedDateTime {
        self.0.to_zoned_datetime(TimeZone::UTC)
    }

    /// The instant of a zoned date and time.
    pub fn from_zoned(zoned: &ZonedDateTime) -> Self {
        Time(zoned.timestamp())
    }

    /// Later by whole calendar years in UTC.
    #[must_use]
    pub fn plus_years(self, years: i64) -> Self {
        self.in_utc()
            .checked_add(years.years())
            .map_or(Time(Timestamp::MAX), |z| Time(z.timestamp()))
    }
}

impl fmt::Display for Time {
    /// RFC 3339, in UTC.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Time {
    type Err = Error;

    /// Reads RFC 3339 with a zone or offset.
    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Time).map_err(|_| {
            Error::invalid(
                "time",
                format!("{text:?} is not a date and time of RFC 3339"),
            )
            .remedy("Write it as 2026-11-24T21:31:49Z or with an offset.")
        })
    }
}

fn out_of_range() -> Error {
    Error::malformed("time", "outside of the years -9999 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_that_means_no_end_can_be_read() {
        let end = Time::from_utc(9999, 12, 31, 23, 59, 59, 0).unwrap();
        assert!(end > "9999-12-30T00:00:00Z".parse().unwrap());
        assert!(Time::from_utc(9999, 12, 32, 0, 0, 0, 0).is_err());
    }

    #[test]
    fn the_hour_that_comes_twice_is_two_instants() {
        let first: Time = "2026-10-25T00:30:00Z".parse().unwrap();
        let second = first.plus(Duration::from_secs(3600));
        let print = |t: Time| {
            t.in_zone("Europe/Madrid")
                .unwrap()
                .strftime("%d/%m/%Y %H:%M:%S %:z")
                .to_string()
        };
        assert_eq!(print(first), "25/10/2026 02:30:00 +02:00");
        assert_eq!(print(second), "25/10/2026 02:30:00 +01:00");
    }

    #[test]
    fn an_impossible_date_is_refused() {
        assert!(Time::from_utc(2026, 2, 30, 0, 0, 0, 0).is_err());
        assert!("2026-02-30T00:00:00Z".parse::<Time>().is_err());
        assert!("2026-02-03".parse::<Time>().is_err());
    }

    #[test]
    fn truncation_goes_down_before_1970_too() {
        let t = Time::from_unix_nanoseconds(-1_500_000_001).unwrap();
        assert_eq!(t.truncated_to_seconds().unix(), -2);
    }
}
