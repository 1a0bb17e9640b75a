//! Pauses of unequal length, so that many who wait for the same do not come back at the same moment.

use super::random;
use std::time::Duration;

/// How pauses are shortened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Jitter {
    /// By random bytes of the operating system.
    System,
    /// Always by the same: 0 to half, 255 not at all.
    #[cfg(test)]
    Fixed(u8),
}

impl Jitter {
    /// Between half of `pause` and all of it.
    pub(super) fn shorten(self, pause: Duration) -> Duration {
        let part = match self {
            // Without random numbers everybody waits the longest; that is no reason not to wait.
            Jitter::System => random::<1>().map_or(255, |[byte]| byte),
            #[cfg(test)]
            Jitter::Fixed(byte) => byte,
        };
        let half = pause / 2;
        half + half * u32::from(part) / 255
    }
}

/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// The longest pause after a number of failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_differ() {
        let pauses: Vec<_> = [1, 2, 3, 40].map(pause).map(|p| p.as_secs()).into();
        assert_eq!(pauses, [2, 4, 8, 300]);
        let minute = Duration::from_secs(60);
        assert_eq!(Jitter::Fixed(0).shorten(minute), minute / 2);
        assert_eq!(Jitter::Fixed(255).shorten(minute), minute);
        let some: Vec<_> = (0..64).map(|_| Jitter::System.shorten(minute)).collect();
        assert!(some.iter().all(|p| (minute / 2..=minute).contains(p)));
        assert!(some.iter().any(|p| *p != some[0]));
    }
}
