//! A circuit breaker: whether somebody who failed lately is worth asking.
//!
//! Closed, everybody asks. After so many failures in a row it opens, and nobody asks for a pause that doubles each time. Then it
//! is half open: one asks, and what comes of that closes or opens it again.

use crate::engine::Time;
use crate::service::sources::jitter::{Jitter, pause};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum BreakerState {
    Closed,
    HalfOpen,
    Open,
}

impl BreakerState {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            BreakerState::Closed => "closed",
            BreakerState::HalfOpen => "half-open",
            BreakerState::Open => "open",
        }
    }
}

/// A circuit breaker.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    jitter: Jitter,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Failures in a row.
    failures: u32,
    /// How often it opened since it was closed.
    openings: u32,
    /// Since when, and for how long, nobody asks.
    opened: Option<(Time, Duration)>,
    /// Whether the one is asking on whom it depends.
    probing: bool,
}

impl Breaker {
    /// One that opens after `threshold` failures in a row.
    pub(super) fn new(threshold: u32, jitter: Jitter) -> Breaker {
        Breaker {
            threshold: threshold.max(1),
            jitter,
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leave to ask at `now`; `None` while it is open, or half open with somebody asking already.
    pub(super) fn admit(&self, now: Time) -> Option<Leave<'_>> {
        let mut state = self.state();
        let probe = match state.at(now) {
            BreakerState::Closed => false,
            BreakerState::HalfOpen if !state.probing => true,
            BreakerState::HalfOpen | BreakerState::Open => return None,
        };
        state.probing |= probe;
        Some(Leave {
            breaker: self,
            probe,
        })
    }

    /// Where it stands at `now`, and how many failures in a row there were.
    pub(super) fn standing(&self, now: Time) -> (BreakerState, u32) {
        let state = self.state();
        (state.at(now), state.failures)
    }
}

impl State {
    fn at(&self, now: Time) -> BreakerState {
        match self.opened {
            None => BreakerState::Closed,
            // A clock that was set back does not make the pause longer.
            Some((since, pause)) if now >= since && now.since(since) < pause => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }
}

/// Leave to ask once, to be settled by what came of it. One that is dropped, because the asker ended in a panic, is neither
/// success nor failure, and another may ask.
#[derive(Debug)]
pub(super) struct Leave<'a> {
    breaker: &'a Breaker,
    /// Whether it depends on this one whether the breaker closes.
    probe: bool,
}

impl Leave<'_> {
    /// It answered as it should.
    pub(super) fn succeeded(self) {
        *self.breaker.state() = State::default();
    }

    /// It failed, at `now`. Those that were asking when the breaker opened do not make its pause longer.
    pub(super) fn failed(self, now: Time) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        let tired = state.opened.is_none() && state.failures >= self.breaker.threshold;
        if self.probe || tired {
            state.openings = state.openings.saturating_add(1);
            let longest = pause(state.openings);
            state.opened = Some((now, self.breaker.jitter.shorten(longest)));
        }
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.breaker.state().probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Time {
        Time::from_unix(1_800_000_000 + seconds).unwrap()
    }

    fn breaker() -> Breaker {
        Breaker::new(3, Jitter::Fixed(255))
    }

    fn fail(breaker: &Breaker, seconds: i64) {
        breaker.admit(at(seconds)).unwrap().failed(at(seconds));
    }

    fn state(breaker: &Breaker, seconds: i64) -> BreakerState {
        breaker.standing(at(seconds)).0
    }

    #[test]
    fn it_opens_after_the_failures_and_closes_with_a_probe() {
        let breaker = breaker();
        fail(&breaker, 0);
        fail(&breaker, 0);
        assert_eq!(state(&breaker, 0), BreakerState::Closed);
        fail(&breaker, 0);
        assert_eq!(breaker.standing(at(1)), (BreakerState::Open, 3));
        assert!(breaker.admit(at(1)).is_none());
        assert_eq!(state(&breaker, 2), BreakerState::HalfOpen);
        let probe = breaker.admit(at(2)).unwrap();
        assert!(breaker.admit(at(2)).is_none());
        probe.succeeded();
        assert_eq!(breaker.standing(at(2)), (BreakerState::Closed, 0));
        assert!(breaker.admit(at(2)).is_some());
    }

    #[test]
    fn a_probe_that_fails_opens_it_for_twice_as_long() {
        let breaker = breaker();
        (0..3).for_each(|_| fail(&breaker, 0));
        fail(&breaker, 2);
        assert_eq!(state(&breaker, 5), BreakerState::Open);
        assert_eq!(state(&breaker, 6), BreakerState::HalfOpen);
        for step in 1..20 {
            fail(&breaker, 400 * step);
        }
        assert_eq!(state(&breaker, 400 * 19 + 299), BreakerState::Open);
        assert_eq!(state(&breaker, 400 * 19 + 300), BreakerState::HalfOpen);
    }

    #[test]
    fn one_success_forgets_the_failures_before_it() {
        let breaker = breaker();
        fail(&breaker, 0);
        fail(&breaker, 0);
        breaker.admit(at(0)).unwrap().succeeded();
        fail(&breaker, 0);
        assert_eq!(state(&breaker, 0), BreakerState::Closed);
    }

    #[test]
    fn a_probe_that_is_lost_lets_another_ask_and_a_clock_set_back_does_not_lock_out() {
        let breaker = breaker();
        (0..3).for_each(|_| fail(&breaker, 1000));
        drop(breaker.admit(at(1002)).unwrap());
        assert!(breaker.admit(at(1002)).is_some());
        assert_eq!(state(&breaker, 0), BreakerState::HalfOpen);
    }

    #[test]
    fn fifty_that_fail_at_once_are_one_outage() {
        let breaker = breaker();
        let leaves: Vec<_> = (0..50).map(|_| breaker.admit(at(0)).unwrap()).collect();
        for leave in leaves {
            leave.failed(at(5));
        }
        assert_eq!(breaker.standing(at(6)), (BreakerState::Open, 50));
        assert_eq!(state(&breaker, 7), BreakerState::HalfOpen);
    }

    #[test]
    fn pauses_differ() {
        let breaker = Breaker::new(1, Jitter::Fixed(0));
        fail(&breaker, 0);
        assert_eq!(state(&breaker, 1), BreakerState::HalfOpen);
    }
}
