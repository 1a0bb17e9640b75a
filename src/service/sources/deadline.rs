//! Until when something may take, by a clock that nobody sets.

use std::fmt;
use std::time::{Duration, Instant};

/// The moment at which whoever waits has waited enough. It is handed on to everything that is done for him, so that ten
/// fetches of ten seconds for one document end with the document's time, not with theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline {
    until: Instant,
    /// How long it was when it was set, for whoever reads of it.
    whole: Duration,
}

impl Deadline {
    /// So long from now.
    pub fn after(time: Duration) -> Self {
        // No wait is longer than a day; a settings file may say what an `Instant` cannot hold.
        let whole = time.min(Duration::from_secs(86_400));
        Deadline {
            until: Instant::now() + whole,
            whole,
        }
    }

    /// What is left of it; zero when it is over.
    pub fn left(self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        self.left().is_zero()
    }

    /// The earlier of this one and so long from now.
    #[must_use]
    pub fn within(self, time: Duration) -> Self {
        self.min(Deadline::after(time))
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_for_somebody_ends_with_his_time() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert!(!deadline.is_over() && deadline.left() > Duration::from_secs(58));
        assert!(deadline.within(Duration::from_secs(10)).left() <= Duration::from_secs(10));
        assert_eq!(deadline.within(Duration::MAX), deadline);
        assert!(Deadline::after(Duration::ZERO).is_over());
        assert_eq!(Deadline::after(Duration::from_secs(1)).to_string(), "1s");
    }
}
