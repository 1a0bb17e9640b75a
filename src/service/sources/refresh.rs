//! What is kept up to date without anybody asking for it: lists and answers before they end.

use super::Deadline;
use crate::engine::{Result, Time};
use std::fmt::Debug;

/// One thing that is to be refreshed, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What names it to whoever keeps it: an address, a territory. It stands in logs, so it holds no personal data.
    pub key: String,
    /// When its refresh is due: ahead of its end, see [`ahead_of`].
    pub at: Time,
}

/// Somebody who keeps things that end.
pub trait Refreshable: Debug + Send + Sync {
    /// What kind of things, as metrics name them: `crl`, `ocsp`, `trusted_list`.
    fn kind(&self) -> &'static str;

    /// Everything that is kept, with the time at which it is due. Called about once a second: cheap, and without I/O.
    fn due(&self) -> Vec<Due>;

    /// Refreshes one of them, by fetching. When it comes back without an error, [`Refreshable::due`] says a later time; after
    /// an error it is called again, ever less often.
    fn refresh(&self, key: &str, deadline: Deadline) -> Result<()>;
}

/// When to refresh what is of `this_update` and ends at `next_update`: when nine tenths of its time are over, and no
/// later than an hour, nor earlier than a day, before its end.
///
/// ```
/// use rubrica::service::sources::ahead_of;
/// let time = |text: &str| text.parse().unwrap();
/// let due = ahead_of(time("2026-11-24T00:00:00Z"), time("2026-11-25T00:00:00Z"));
/// assert_eq!(due, time("2026-11-24T21:36:00Z"));
/// ```
pub fn ahead_of(this_update: Time, next_update: Time) -> Time {
    const LEAST: u64 = 3_600;
    const MOST: u64 = 86_400;
    let whole = next_update.since(this_update).as_secs();
    let ahead = (whole / 10).clamp(LEAST.min(whole / 2), MOST);
    next_update.minus(std::time::Duration::from_secs(ahead))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_long_is_refreshed_a_day_ahead_and_what_lasts_minutes_in_their_middle() {
        let time = |seconds: i64| Time::from_unix(1_000_000 + seconds).unwrap();
        for (lasts, ahead) in [
            (600, 300),
            (3_600, 1_800),
            (36_000, 3_600),
            (864_000, 86_400),
            (8_640_000, 86_400),
            (0, 0),
        ] {
            assert_eq!(ahead_of(time(0), time(lasts)), time(lasts - ahead));
        }
        assert_eq!(
            ahead_of(time(50), time(0)),
            time(0),
            "ends before it begins"
        );
    }
}
