//! The clock of the e-office: the only place that knows the current time (Ley 39/2015 art. 31.2).
//!
//! Everything else is handed a [`Time`], or a [`Clock`] where it must read the time itself (the store, which fixes the
//! presentation instant of a register entry). [`sane`] is the rule that register numbers never go back in time.

use crate::engine::{Error, Result, Time};
use std::fmt::Debug;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// The current time.
    fn now(&self) -> Time;
}

/// The machine's clock, which its operator keeps at the official time (RD 4/2010 art. 15).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        let nanoseconds = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
            Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
        };
        // A machine whose clock stands outside of the years -9999 to 9999 counts as one that was never set.
        Time::from_unix_nanoseconds(nanoseconds).unwrap_or(epoch())
    }
}

/// A clock that stands still until it is set: for tests, and for replays at a given time.
#[derive(Debug)]
pub struct SettableClock(Mutex<Time>);

impl SettableClock {
    /// A clock that stands at `time`.
    pub fn at(time: Time) -> Self {
        SettableClock(Mutex::new(time))
    }

    /// Sets it, forwards or back.
    pub fn set(&self, time: Time) {
        *self.0.lock().unwrap_or_else(|e| e.into_inner()) = time;
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        let mut time = self.0.lock().unwrap_or_else(|e| e.into_inner());
        *time = time.plus(by);
    }
}

impl Clock for SettableClock {
    fn now(&self) -> Time {
        *self.0.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// Whether `now` can follow the presentation instant of the last register entry. A clock that was set back is refused,
/// so that no number is ever given an earlier instant than the number before it.
///
/// ```
/// use rubrica::service::clock::sane;
/// let noon = "2026-11-24T12:00:00Z".parse().unwrap();
/// let one = "2026-11-24T13:00:00Z".parse().unwrap();
/// assert!(sane(one, Some(noon)).is_ok());
/// assert!(sane(noon, Some(one)).is_err());
/// ```
pub fn sane(now: Time, last_presented: Option<Time>) -> Result<()> {
    match last_presented {
        Some(last) if now < last => Err(Error::unavailable(
            "clock",
            format!("set back: it says {now}, and an entry was already registered at {last}"),
        )
        .remedy("Set the machine to the official time; no number is given before that.")),
        _ => Ok(()),
    }
}

fn epoch() -> Time {
    Time::from_unix(0).unwrap_or_else(|_| unreachable!("1970 is a year between -9999 and 9999"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written() {
        assert!(SystemClock.now() > "2025-01-01T00:00:00Z".parse().unwrap());
    }

    #[test]
    fn a_clock_set_back_is_refused_with_both_instants() {
        let clock = SettableClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        let last = clock.now();
        clock.advance(Duration::from_nanos(1));
        assert!(sane(clock.now(), Some(last)).is_ok());
        clock.set("2026-11-24T11:59:59Z".parse().unwrap());
        let error = sane(clock.now(), Some(last)).unwrap_err();
        assert_eq!(error.element(), "clock");
        assert!(error.problem().contains("11:59:59") && error.problem().contains("12:00:00"));
        assert!(sane(clock.now(), None).is_ok());
    }
}
