//! What was fetched, kept in memory by where it came from: one fetch at a time for each, and a pause after failures.
//!
//! Only what its issuer signed is kept, and only until it says that something newer is there. An answer that is older
//! than the one kept never takes its place, nor does a failure. Whoever asks for what is kept and good never waits; what
//! is asked for again and again is refreshed before it ends.

use super::client::Validators;
use super::jitter::{Jitter, pause};
use super::refresh::{Due, Refreshable, ahead_of};
use super::{Deadline, Fetching};
use crate::engine::evidence::Object;
use crate::engine::{Error, Result, Time};
use crate::service::clock::Clock;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Answers kept at most, and their bytes. The one used longest ago goes first.
const MOST_ANSWERS: usize = 1024;
const MOST_BYTES: usize = 128 << 20;
/// An answer is not fetched again within this time, however fresh it is wanted.
const AT_LEAST: Duration = Duration::from_secs(60);

/// What a fetch brought.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) objects: Vec<Object>,
    /// From when it is; a later one takes its place.
    pub(super) this_update: Time,
    /// Until when it may be kept; none where nobody vouches for it.
    pub(super) until: Option<Time>,
    /// What the server said of it.
    pub(super) validators: Validators,
}

/// What came of asking.
#[derive(Debug, Clone)]
pub(super) enum Fresh {
    /// What is kept is still the newest; never the answer to who keeps nothing. It may be kept until then.
    NotModified(Option<Time>),
    New(Answer),
}

/// One asking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    /// Of the answer that is kept.
    pub(super) known: Option<&'a Validators>,
    pub(super) now: Time,
    pub(super) deadline: Deadline,
}

type Fetch = dyn Fn(Ask<'_>) -> Result<Fresh> + Send + Sync;

#[derive(Default)]
struct Slot {
    kept: Option<(Answer, Time)>,
    failures: u32,
    failed: Option<(Error, Time)>,
    /// Whether somebody is fetching.
    flying: bool,
    /// Whether somebody asked for it since it was fetched.
    used: bool,
    /// How it was fetched last.
    again: Option<Arc<Fetch>>,
}

#[derive(Default)]
struct Place {
    slot: Mutex<Slot>,
    landed: Condvar,
}

struct Entry {
    place: Arc<Place>,
    bytes: usize,
    used: u64,
}

#[derive(Default)]
struct Entries {
    by_key: HashMap<String, Entry>,
    bytes: usize,
    clock: u64,
}

/// Answers by where they came from.
pub(super) struct Cache {
    kind: &'static str,
    entries: Mutex<Entries>,
    clock: Arc<dyn Clock>,
    /// How long past its end an answer is handed out without waiting, while it is being refreshed.
    stale: Duration,
    jitter: Jitter,
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries();
        let (answers, bytes) = (entries.by_key.len(), entries.bytes);
        write!(f, "Cache({}, {answers} answers, {bytes} bytes)", self.kind)
    }
}

impl Cache {
    /// An empty one of this kind of answers.
    pub(super) fn new(kind: &'static str, fetching: &Fetching) -> Cache {
        Cache {
            kind,
            entries: Mutex::default(),
            clock: fetching.clock.clone(),
            stale: fetching.client.stale(),
            jitter: Jitter::System,
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer kept for `key`, if it is from `not_before` or later, or else what `fetch` brings. Whoever asks for the
    /// same key meanwhile waits for it. Where `fetch` fails, the old answer is better than none.
    pub(super) fn get(
        &self,
        key: &str,
        not_before: Option<Time>,
        deadline: Deadline,
        fetch: impl Fn(Ask<'_>) -> Result<Fresh> + Send + Sync + 'static,
    ) -> Result<Vec<Object>> {
        let place = self.place(key);
        let mut slot = place.lock();
        slot.used = true;
        loop {
            let now = self.clock.now();
            if let Some(objects) = slot.good(not_before, now) {
                return Ok(objects);
            }
            if let Some(error) = slot.resting(now) {
                return slot.old().ok_or(error);
            }
            if !slot.flying {
                break;
            }
            if let Some(objects) = slot.stale(not_before, now, self.stale) {
                return Ok(objects);
            }
            let left = deadline.left();
            if left.is_zero() {
                let error = Error::unavailable("source", "is being asked, and did not answer yet");
                return slot.old().ok_or(error);
            }
            slot = match place.landed.wait_timeout(slot, left) {
                Ok((slot, _)) => slot,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        let fetch: Arc<Fetch> = Arc::new(fetch);
        slot.again = Some(fetch.clone());
        self.fly(key, &place, slot, &fetch, deadline)
    }

    /// Fetches, with the slot free for others meanwhile.
    fn fly(
        &self,
        key: &str,
        place: &Arc<Place>,
        mut slot: MutexGuard<'_, Slot>,
        fetch: &Arc<Fetch>,
        deadline: Deadline,
    ) -> Result<Vec<Object>> {
        slot.flying = true;
        let known = slot
            .kept
            .as_ref()
            .map(|(answer, _)| answer.validators.clone());
        drop(slot);
        let flight = Flight(place);
        let asked = fetch(Ask {
            known: known.as_ref().filter(|v| **v != Validators::default()),
            now: self.clock.now(),
            deadline,
        });
        let mut slot = place.lock();
        drop(flight);
        slot.flying = false;
        let result = slot.land(asked, self.clock.now(), self.jitter);
        let bytes = slot.bytes();
        drop(slot);
        place.landed.notify_all();
        self.note(key, bytes);
        result
    }

    fn place(&self, key: &str) -> Arc<Place> {
        let mut entries = self.entries();
        entries.clock += 1;
        let used = entries.clock;
        let entry = entries
            .by_key
            .entry(key.to_string())
            .or_insert_with(|| Entry {
                place: Arc::default(),
                bytes: 0,
                used,
            });
        entry.used = used;
        let place = entry.place.clone();
        entries.shrink(key);
        place
    }

    /// Counts the bytes that `key` takes now.
    fn note(&self, key: &str, bytes: usize) {
        let mut entries = self.entries();
        if let Some(entry) = entries.by_key.get_mut(key) {
            let before = std::mem::replace(&mut entry.bytes, bytes);
            entries.bytes = entries.bytes.saturating_sub(before).saturating_add(bytes);
            entries.shrink(key);
        }
    }
}

impl Refreshable for Cache {
    fn kind(&self) -> &'static str {
        self.kind
    }

    /// What was asked for since it was fetched; the rest may end.
    fn due(&self) -> Vec<Due> {
        let places: Vec<_> = {
            let entries = self.entries();
            let all = entries.by_key.iter();
            all.map(|(key, entry)| (key.clone(), entry.place.clone()))
                .collect()
        };
        let due = |(key, place): (String, Arc<Place>)| {
            let slot = place.lock();
            let (answer, fetched) = slot.kept.as_ref().filter(|_| slot.used && !slot.flying)?;
            let at = ahead_of(answer.this_update, answer.until?).max(fetched.plus(AT_LEAST));
            Some(Due { key, at })
        };
        places.into_iter().filter_map(due).collect()
    }

    fn refresh(&self, key: &str, deadline: Deadline) -> Result<()> {
        let place = self
            .entries()
            .by_key
            .get(key)
            .map(|entry| entry.place.clone());
        let Some(place) = place else { return Ok(()) };
        let mut slot = place.lock();
        let Some(fetch) = slot.again.clone().filter(|_| !slot.flying) else {
            return Ok(());
        };
        // Asked for again before the next time, or left to end.
        slot.used = false;
        slot.failed = None;
        self.fly(key, &place, slot, &fetch, deadline)?;
        match &place.lock().failed {
            Some((error, _)) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

/// Whoever waits is told even where the fetch ends in a panic.
struct Flight<'a>(&'a Place);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.lock().flying = false;
            self.0.landed.notify_all();
        }
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Forgets what was used longest ago, but not `key`, until the rest fits.
    fn shrink(&mut self, key: &str) {
        while self.by_key.len() > MOST_ANSWERS || (self.bytes > MOST_BYTES && self.by_key.len() > 1)
        {
            let others = self.by_key.iter().filter(|(k, _)| *k != key);
            let Some(oldest) = others.min_by_key(|(_, e)| e.used).map(|(k, _)| k.clone()) else {
                return;
            };
            if let Some(entry) = self.by_key.remove(&oldest) {
                self.bytes = self.bytes.saturating_sub(entry.bytes);
            }
        }
    }
}

impl Slot {
    fn good(&self, not_before: Option<Time>, now: Time) -> Option<Vec<Object>> {
        let (answer, fetched) = self.kept.as_ref()?;
        let current = answer.until.is_some_and(|until| now < until)
            && not_before.is_none_or(|wanted| answer.this_update >= wanted);
        let just_now = *fetched <= now && now.since(*fetched) < AT_LEAST;
        (current || just_now).then(|| answer.objects.clone())
    }

    /// What ended not long ago.
    fn stale(&self, not_before: Option<Time>, now: Time, allowed: Duration) -> Option<Vec<Object>> {
        let (answer, _) = self.kept.as_ref()?;
        let ended_lately = answer.until.is_some_and(|until| now < until.plus(allowed));
        let wanted = not_before.is_none_or(|wanted| answer.this_update >= wanted);
        (ended_lately && wanted).then(|| answer.objects.clone())
    }

    /// The last failure, while it is too near to try again.
    fn resting(&self, now: Time) -> Option<Error> {
        let (error, until) = self.failed.as_ref()?;
        (now < *until).then(|| error.clone())
    }

    /// Takes what came of asking. What is to be used comes back.
    fn land(&mut self, asked: Result<Fresh>, now: Time, jitter: Jitter) -> Result<Vec<Object>> {
        match asked {
            Ok(fresh) => {
                (self.failures, self.failed) = (0, None);
                self.take(fresh, now)
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                let until = now.plus(jitter.shorten(pause(self.failures)));
                self.failed = Some((error.clone(), until));
                self.old().ok_or(error)
            }
        }
    }

    /// Keeps an answer, if somebody vouches for it and none newer is there.
    fn take(&mut self, fresh: Fresh, now: Time) -> Result<Vec<Object>> {
        let answer = match (fresh, &mut self.kept) {
            (Fresh::NotModified(until), Some((kept, fetched))) => {
                kept.until = until.or(kept.until);
                *fetched = now;
                return Ok(kept.objects.clone());
            }
            (Fresh::NotModified(_), None) => {
                return Err(Error::unavailable(
                    "source",
                    "says that nothing is new to who has nothing",
                ));
            }
            (Fresh::New(answer), _) => answer,
        };
        if answer.until.is_none() {
            return Ok(answer.objects);
        }
        if let Some((kept, fetched)) = &mut self.kept
            && kept.this_update > answer.this_update
        {
            *fetched = now;
            return Ok(kept.objects.clone());
        }
        let objects = answer.objects.clone();
        self.kept = Some((answer, now));
        Ok(objects)
    }

    fn old(&self) -> Option<Vec<Object>> {
        self.kept.as_ref().map(|(answer, _)| answer.objects.clone())
    }

    fn bytes(&self) -> usize {
        let objects = self.kept.iter().flat_map(|(answer, _)| &answer.objects);
        objects.map(|o| o.bytes.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::evidence::{ObjectKind, Origin};
    use crate::service::clock::SettableClock;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    fn at(second: i64) -> Time {
        Time::from_unix(1_000_000 + second).unwrap()
    }

    fn cache() -> (Cache, Arc<SettableClock>) {
        let clock = Arc::new(SettableClock::at(at(0)));
        let cache = Cache {
            kind: "test",
            entries: Mutex::default(),
            clock: clock.clone(),
            stale: Duration::ZERO,
            jitter: Jitter::Fixed(255),
        };
        (cache, clock)
    }

    fn answer(byte: u8, this_update: i64, until: Option<i64>) -> Answer {
        Answer {
            objects: vec![Object::new(
                ObjectKind::CertificateRevocationList,
                vec![byte],
                Origin::Given,
            )],
            this_update: at(this_update),
            until: until.map(at),
            validators: Validators::default(),
        }
    }

    fn new(byte: u8, this_update: i64, until: Option<i64>) -> Result<Fresh> {
        Ok(Fresh::New(answer(byte, this_update, until)))
    }

    fn got(result: Result<Vec<Object>>) -> u8 {
        result.unwrap()[0].bytes[0]
    }

    fn down() -> Result<Fresh> {
        Err(Error::unavailable("server", "down"))
    }

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    /// Asks at a second for what a fetch would bring.
    fn get(
        (cache, clock): &(Cache, Arc<SettableClock>),
        not_before: Option<i64>,
        now: i64,
        fetch: Result<Fresh>,
    ) -> Result<Vec<Object>> {
        clock.set(at(now));
        cache.get("a", not_before.map(at), soon(), move |_| fetch.clone())
    }

    #[test]
    fn an_answer_is_kept_until_its_time_and_no_longer() {
        let cache = cache();
        assert_eq!(got(get(&cache, None, 0, new(1, 0, Some(500)))), 1);
        assert_eq!(got(get(&cache, None, 499, down())), 1);
        assert_eq!(got(get(&cache, None, 500, new(2, 400, Some(900)))), 2);
        assert_eq!(got(get(&cache, None, 501, new(3, 501, Some(900)))), 2);
        let other = cache.0.get("b", None, soon(), |_| new(4, 0, Some(900)));
        assert_eq!(got(other), 4);
    }

    #[test]
    fn an_older_answer_or_a_failure_never_takes_the_place_of_a_good_one() {
        let cache = cache();
        assert_eq!(got(get(&cache, None, 0, new(1, 0, Some(100)))), 1);
        assert_eq!(got(get(&cache, None, 200, new(2, -50, Some(900)))), 1);
        assert_eq!(got(get(&cache, None, 400, down())), 1);
        let third = get(&cache, None, 800, new(3, 300, None));
        assert_eq!(got(third), 3, "used, not kept");
        assert_eq!(got(get(&cache, None, 801, down())), 1);
    }

    #[test]
    fn a_fresher_answer_is_fetched_when_it_is_wanted_but_not_over_and_over() {
        let cache = cache();
        assert_eq!(got(get(&cache, Some(50), 0, new(1, 0, Some(5000)))), 1);
        assert_eq!(got(get(&cache, Some(50), 59, new(2, 59, Some(5000)))), 1);
        assert_eq!(got(get(&cache, Some(50), 60, new(3, 60, Some(5000)))), 3);
        assert_eq!(got(get(&cache, Some(50), 900, down())), 3);
    }

    #[test]
    fn a_failure_is_remembered_for_longer_each_time() {
        let (cache, clock) = cache();
        let asked = Arc::new(AtomicUsize::new(0));
        for (now, expected) in [(0, 1), (1, 1), (2, 2), (5, 2), (6, 3), (13, 3), (14, 4)] {
            clock.set(at(now));
            let counted = asked.clone();
            let got = cache.get("a", None, soon(), move |_| {
                counted.fetch_add(1, Ordering::SeqCst);
                down()
            });
            assert_eq!(got.unwrap_err().problem(), "down");
            assert_eq!(asked.load(Ordering::SeqCst), expected, "at {now}");
        }
        clock.set(at(1000));
        assert_eq!(
            got(cache.get("a", None, soon(), |_| new(1, 0, Some(2000)))),
            1
        );
    }

    #[test]
    fn what_did_not_change_is_kept_on_and_nothing_is_no_answer() {
        let cache = cache();
        assert!(get(&cache, None, 0, Ok(Fresh::NotModified(None))).is_err());
        let mut first = answer(1, 0, Some(100));
        first.validators.etag = Some("v1".into());
        assert_eq!(got(get(&cache, None, 400, Ok(Fresh::New(first)))), 1);
        cache.1.set(at(500));
        let again = cache.0.get("a", None, soon(), |ask| {
            assert_eq!(ask.known.unwrap().etag.as_deref(), Some("v1"));
            Ok(Fresh::NotModified(Some(at(900))))
        });
        assert_eq!(got(again), 1);
        assert_eq!(got(get(&cache, None, 899, down())), 1);
    }

    #[test]
    fn many_who_ask_at_once_cause_one_fetch() {
        let (cache, _) = cache();
        let asked = Arc::new(AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let asked = asked.clone();
                    let got = cache.get("a", None, soon(), move |_| {
                        asked.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(50));
                        new(1, 0, Some(100))
                    });
                    assert_eq!(got.unwrap().len(), 1);
                });
            }
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    /// Runs `then` while a fetch of "a" is under way, which brings `slow`.
    fn during(cache: &Cache, slow: Result<Fresh>, refresh: bool, then: impl FnOnce()) {
        let (begun, done) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        std::thread::scope(|scope| {
            let (own_begun, own_done) = (begun.clone(), done.clone());
            let fetch = move |_: Ask<'_>| {
                own_begun.store(true, Ordering::SeqCst);
                while !own_done.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
                slow.clone()
            };
            scope.spawn(move || {
                if refresh {
                    let place = cache.place("a");
                    place.lock().again = Some(Arc::new(fetch));
                    let _ = Refreshable::refresh(cache, "a", soon());
                } else {
                    let _ = cache.get("a", None, soon(), fetch);
                }
            });
            while !begun.load(Ordering::SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            then();
            done.store(true, Ordering::SeqCst);
        });
    }

    #[test]
    fn nobody_waits_for_a_refresh_of_what_is_still_good_or_ended_within_the_policy() {
        let (mut cache, clock) = cache();
        let soon_over = || Deadline::after(Duration::from_millis(30));
        assert_eq!(
            got(cache.get("a", None, soon(), |_| new(1, 0, Some(1000)))),
            1
        );
        clock.set(at(900));
        during(&cache, new(2, 900, Some(2000)), true, || {
            assert_eq!(got(cache.get("a", None, soon_over(), |_| down())), 1);
        });
        assert_eq!(got(cache.get("a", None, soon(), |_| down())), 2);
        clock.set(at(2100));
        cache.stale = Duration::from_secs(200);
        during(&cache, new(3, 2100, Some(3000)), false, || {
            assert_eq!(got(cache.get("a", None, soon_over(), |_| down())), 2);
        });
        assert_eq!(got(cache.get("a", None, soon(), |_| down())), 3);
        // Who has no more time than the fetch takes goes on with what there is.
        clock.set(at(9000));
        during(&cache, down(), false, || {
            assert_eq!(got(cache.get("a", None, soon_over(), |_| down())), 3);
            let none = cache.get("b", None, soon_over(), |_| down());
            assert!(none.is_err());
        });
    }

    #[test]
    fn what_is_asked_for_is_refreshed_ahead_and_the_rest_may_end() {
        let (cache, clock) = cache();
        assert_eq!(
            got(cache.get("a", None, soon(), |_| new(1, 0, Some(1000)))),
            1
        );
        let due = Due {
            key: "a".into(),
            at: at(500),
        };
        assert_eq!(cache.due(), [due]);
        clock.set(at(500));
        cache.refresh("a", soon()).unwrap();
        assert_eq!(cache.due(), [], "nobody asked for it since");
        assert_eq!(got(cache.get("a", None, soon(), |_| down())), 1);
        assert_eq!(cache.due()[0].at, at(560), "the same answer came again");
        cache.place("a").lock().again = Some(Arc::new(|_| down()));
        assert_eq!(cache.refresh("a", soon()).unwrap_err().problem(), "down");
        assert!(cache.refresh("nothing", soon()).is_ok());
    }

    #[test]
    fn a_fetch_that_panics_leaves_nobody_waiting() {
        let (cache, _) = cache();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _ = cache.get("a", None, soon(), |_| panic!("a defect"));
        }));
        assert!(panicked.is_err());
        assert_eq!(
            got(cache.get("a", None, soon(), |_| new(1, 0, Some(100)))),
            1
        );
    }

    #[test]
    fn memory_is_bounded_and_what_was_used_last_stays() {
        let (cache, _) = cache();
        let mut big = answer(0, 0, Some(100));
        big.objects[0] = Object::new(
            ObjectKind::CertificateRevocationList,
            vec![0; MOST_BYTES / 4],
            Origin::Given,
        );
        let get = |key: &str| {
            let big = big.clone();
            let fetch = move |_: Ask<'_>| Ok(Fresh::New(big.clone()));
            cache.get(key, None, soon(), fetch).unwrap();
        };
        for key in 0..10 {
            get(&key.to_string());
            get("0");
        }
        assert!(cache.entries().bytes <= MOST_BYTES);
        assert!(cache.get("0", None, soon(), |_| down()).is_ok());
        assert!(cache.get("1", None, soon(), |_| down()).is_err());
        for key in 0..2 * MOST_ANSWERS {
            let _ = cache.get(&format!("x{key}"), None, soon(), |_| down());
        }
        assert_eq!(cache.entries().by_key.len(), MOST_ANSWERS);
    }
}
