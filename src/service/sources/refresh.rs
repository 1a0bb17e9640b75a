//! What is kept up to date without anybody asking for it: lists and answers before they end.
//!
//! A thread looks once a second at what is due, and has it refreshed, a few at a time. What fails is tried again after a
//! pause that grows and is never quite the same. Nobody waits for any of it.

use super::Deadline;
use super::jitter::{Jitter, pause};
use crate::engine::{Result, Time};
use crate::service::clock::Clock;
use crate::service::config::SourceSettings;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How often it is looked at what is due.
const EVERY: Duration = Duration::from_secs(1);

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

/// How one kind of things is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RefreshState {
    /// How many are kept up to date.
    pub kept: usize,
    /// How many of them should have been refreshed by now.
    pub overdue: usize,
    /// How many of them failed the last time.
    pub failing: usize,
    /// Refreshes that came to an end since the start, and those of them that failed.
    pub refreshed: u64,
    /// See `refreshed`.
    pub failed: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    until: Time,
}

type Key = (&'static str, String);

#[derive(Debug, Default)]
struct Progress {
    flying: HashSet<Key>,
    failures: HashMap<Key, Failures>,
    counted: BTreeMap<&'static str, (u64, u64)>,
    ended: bool,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<dyn Clock>,
    parts: Vec<Arc<dyn Refreshable>>,
    at_once: usize,
    /// How long one refresh may take.
    patience: Duration,
    jitter: Jitter,
    progress: Mutex<Progress>,
    woken: Condvar,
}

/// Refreshes in the background until it is dropped. Refreshes under way end with their deadline.
#[derive(Debug)]
pub struct Refresher(Arc<Shared>);

impl Refresher {
    /// Starts to refresh what `parts` keep, unless `settings` say that nothing is fetched, or nothing ahead.
    pub fn start(
        settings: &SourceSettings,
        clock: Arc<dyn Clock>,
        parts: Vec<Arc<dyn Refreshable>>,
    ) -> Refresher {
        let at_once = if settings.offline {
            0
        } else {
            settings.refresh.at_once
        };
        let shared = Arc::new(Shared {
            clock,
            parts,
            at_once,
            patience: Duration::from_secs(settings.download_seconds),
            jitter: Jitter::System,
            progress: Mutex::default(),
            woken: Condvar::new(),
        });
        if at_once > 0 && !shared.parts.is_empty() {
            let own = shared.clone();
            let started = thread::Builder::new()
                .name("refresher".into())
                .spawn(move || run(&own));
            if let Err(error) = started {
                tracing::error!(%error, "nothing will be refreshed ahead of its end: no thread");
            }
        }
        Refresher(shared)
    }

    /// How each kind is doing, for metrics and readiness.
    pub fn states(&self) -> BTreeMap<&'static str, RefreshState> {
        let now = self.0.clock.now();
        let due = self.0.due();
        let progress = self.0.progress();
        let mut states: BTreeMap<_, RefreshState> = BTreeMap::new();
        for part in &self.0.parts {
            states.entry(part.kind()).or_default();
        }
        for (key, at) in &due {
            let state = states.entry(key.0).or_default();
            state.kept += 1;
            state.overdue += usize::from(*at <= now);
            state.failing += usize::from(progress.failures.contains_key(key));
        }
        for (kind, (refreshed, failed)) in &progress.counted {
            let state = states.entry(kind).or_default();
            (state.refreshed, state.failed) = (*refreshed, *failed);
        }
        states
    }
}

impl Drop for Refresher {
    fn drop(&mut self) {
        self.0.progress().ended = true;
        self.0.woken.notify_all();
    }
}

/// Looks, until the refresher is dropped.
fn run(shared: &Arc<Shared>) {
    loop {
        let found = catch_unwind(AssertUnwindSafe(|| shared.look()));
        if found.is_err() {
            tracing::error!("a look at what is to be refreshed ended in a panic");
        }
        let progress = shared.progress();
        if progress.ended {
            return;
        }
        // Whether it was woken or the second is over: it looks again.
        let _ = shared.woken.wait_timeout(progress, EVERY);
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is kept, with the time at which it is due.
    fn due(&self) -> Vec<(Key, Time)> {
        let all = self.parts.iter().flat_map(|part| {
            let kind = part.kind();
            part.due()
                .into_iter()
                .map(move |due| ((kind, due.key), due.at))
        });
        all.collect()
    }

    /// Begins what is due, as far as there are places; the longest due first.
    fn look(self: &Arc<Self>) {
        let now = self.clock.now();
        let mut due = self.due();
        due.sort_by_key(|(_, at)| *at);
        let mut begin = Vec::new();
        {
            let mut progress = self.progress();
            let known: HashSet<&Key> = due.iter().map(|(key, _)| key).collect();
            progress.failures.retain(|key, _| known.contains(key));
            for (key, _) in due.iter().take_while(|(_, at)| *at <= now) {
                let resting = progress.failures.get(key).is_some_and(|f| now < f.until);
                if progress.flying.len() < self.at_once
                    && !resting
                    && !progress.flying.contains(key)
                {
                    progress.flying.insert(key.clone());
                    begin.push(key.clone());
                }
            }
        }
        for key in begin {
            let (shared, own) = (self.clone(), key.clone());
            let started = thread::Builder::new()
                .name("refresh".into())
                .spawn(move || {
                    give_way();
                    shared.refresh(own);
                });
            if started.is_err() {
                self.progress().flying.remove(&key);
            }
        }
    }

    fn refresh(&self, key: Key) {
        let part = self
            .parts
            .iter()
            .find(|part| part.kind() == key.0 && part.due().iter().any(|due| due.key == key.1));
        let deadline = Deadline::after(self.patience);
        let outcome = part.map(|part| {
            catch_unwind(AssertUnwindSafe(|| part.refresh(&key.1, deadline))).unwrap_or_else(|_| {
                Err(crate::engine::Error::internal(
                    "refresh",
                    "ended in a panic",
                ))
            })
        });
        if let Some(Err(error)) = &outcome {
            tracing::warn!(kind = key.0, %error, "not refreshed; what is kept stays");
        }
        let now = self.clock.now();
        let mut progress = self.progress();
        progress.flying.remove(&key);
        let counted = progress.counted.entry(key.0).or_default();
        counted.0 += 1;
        counted.1 += u64::from(matches!(outcome, Some(Err(_))));
        match outcome {
            Some(Err(_)) => {
                let before = progress.failures.get(&key).map_or(0, |f| f.count);
                let count = before.saturating_add(1);
                let until = now.plus(self.jitter.shorten(pause(count)));
                progress.failures.insert(key, Failures { count, until });
            }
            _ => {
                progress.failures.remove(&key);
            }
        }
        drop(progress);
        self.woken.notify_all();
    }
}

/// How far below the answers this thread's work stands, and that of the threads that it starts: `nice`.
const BELOW: i32 = 10;

/// What is fetched and indexed ahead of its time waits for what somebody asks now. Where the system does not let a thread
/// step back, it does not.
fn give_way() {
    #[cfg(target_os = "linux")]
    // On Linux the process 0 is the calling thread.
    let _ = rustix::process::setpriority_process(None, BELOW);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Error;
    use crate::service::clock::SettableClock;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn time(seconds: i64) -> Time {
        Time::from_unix(1_000_000 + seconds).unwrap()
    }

    /// Things that are due when they were told, and how often each was refreshed.
    #[derive(Debug, Default)]
    struct Things {
        due: Mutex<BTreeMap<String, Time>>,
        refreshed: AtomicUsize,
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
    }

    impl Refreshable for Things {
        fn kind(&self) -> &'static str {
            "thing"
        }

        fn due(&self) -> Vec<Due> {
            let due = self.due.lock().unwrap();
            due.iter()
                .map(|(key, at)| Due {
                    key: key.clone(),
                    at: *at,
                })
                .collect()
        }

        fn refresh(&self, key: &str, deadline: Deadline) -> Result<()> {
            assert!(!deadline.is_over());
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(now, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            self.refreshed.fetch_add(1, Ordering::SeqCst);
            match key {
                "down" => Err(Error::unavailable("server", "down")),
                "defect" => panic!("a defect"),
                _ => {
                    self.due.lock().unwrap().insert(key.into(), time(1_000));
                    Ok(())
                }
            }
        }
    }

    fn shared(things: &Arc<Things>, clock: &Arc<SettableClock>) -> Arc<Shared> {
        Arc::new(Shared {
            clock: clock.clone(),
            parts: vec![things.clone()],
            at_once: 2,
            patience: Duration::from_secs(5),
            jitter: Jitter::Fixed(255),
            progress: Mutex::default(),
            woken: Condvar::new(),
        })
    }

    /// Looks, and waits until nothing flies.
    fn look(shared: &Arc<Shared>) {
        shared.look();
        while !shared.progress().flying.is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn what_is_due_is_refreshed_a_few_at_a_time_and_the_longest_due_first() {
        let things = Arc::new(Things::default());
        for (key, at) in [("a", 10), ("b", 20), ("c", 30), ("later", 500)] {
            things.due.lock().unwrap().insert(key.into(), time(at));
        }
        let clock = Arc::new(SettableClock::at(time(0)));
        let shared = shared(&things, &clock);
        look(&shared);
        assert_eq!(things.refreshed.load(Ordering::SeqCst), 0);
        clock.set(time(40));
        look(&shared);
        let due = things.due.lock().unwrap().clone();
        assert_eq!(
            (due["a"], due["b"], due["c"]),
            (time(1_000), time(1_000), time(30))
        );
        look(&shared);
        assert_eq!(things.refreshed.load(Ordering::SeqCst), 3);
        assert_eq!(things.most_at_once.load(Ordering::SeqCst), 2);
        let state = Refresher(shared).states()["thing"];
        assert_eq!((state.kept, state.overdue, state.refreshed), (4, 0, 3));
    }

    #[test]
    fn what_fails_is_tried_again_ever_less_often_and_told() {
        for key in ["down", "defect"] {
            let things = Arc::new(Things::default());
            things.due.lock().unwrap().insert(key.into(), time(0));
            let clock = Arc::new(SettableClock::at(time(0)));
            let shared = shared(&things, &clock);
            for (now, tries) in [(0, 1), (1, 1), (2, 2), (5, 2), (6, 3), (13, 3), (14, 4)] {
                clock.set(time(now));
                look(&shared);
                assert_eq!(
                    things.refreshed.load(Ordering::SeqCst),
                    tries,
                    "{key} at {now}"
                );
            }
            let refresher = Refresher(shared);
            let state = refresher.states()["thing"];
            assert_eq!((state.overdue, state.failing, state.failed), (1, 1, 4));
            things.due.lock().unwrap().clear();
            look(&refresher.0);
            assert_eq!(refresher.states()["thing"].failing, 0, "no longer kept");
        }
    }

    #[test]
    fn a_refresher_works_by_itself_until_it_is_dropped_and_never_offline() {
        let things = Arc::new(Things::default());
        things.due.lock().unwrap().insert("a".into(), time(0));
        let clock: Arc<dyn Clock> = Arc::new(SettableClock::at(time(10)));
        let offline = SourceSettings {
            offline: true,
            ..SourceSettings::default()
        };
        drop(Refresher::start(
            &offline,
            clock.clone(),
            vec![things.clone()],
        ));
        let refresher = Refresher::start(&SourceSettings::default(), clock, vec![things.clone()]);
        while refresher.states()["thing"].refreshed == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        let shared = Arc::downgrade(&refresher.0);
        drop(refresher);
        while shared.strong_count() > 0 {
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(things.refreshed.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn what_lasts_long_is_refreshed_a_day_ahead_and_what_lasts_minutes_in_their_middle() {
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
