//! What was fetched, kept in memory by where it came from: one fetch at a time for each, and a pause after failures.
//!
//! Only what its issuer signed is kept, and only until it says that something newer is there. An answer that is older
//! than the one kept never takes its place, nor does a failure.

use crate::engine::evidence::Object;
use crate::engine::{Error, Result, Time};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Answers kept at most, and their bytes. The one used longest ago goes first.
const MOST_ANSWERS: usize = 1024;
const MOST_BYTES: usize = 128 << 20;
/// An answer is not fetched again within this time, however fresh it is wanted.
const AT_LEAST: Duration = Duration::from_secs(60);
/// The pause after the first failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What a fetch brought.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) objects: Vec<Object>,
    /// From when it is; a later one takes its place.
    pub(super) this_update: Time,
    /// Until when it may be kept; none where nobody vouches for it.
    pub(super) until: Option<Time>,
}

/// The pause after a number of failures in a row.
pub(super) fn pause(failures: u32) -> Duration {
    FIRST_PAUSE
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE)
}

#[derive(Default)]
struct Slot {
    kept: Option<(Answer, Time)>,
    failures: u32,
    failed: Option<(Error, Time)>,
}

struct Entry {
    slot: Arc<Mutex<Slot>>,
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
#[derive(Default)]
pub(super) struct Cache(Mutex<Entries>);

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(
            f,
            "Cache({} answers, {} bytes)",
            entries.by_key.len(),
            entries.bytes
        )
    }
}

impl Cache {
    /// The answer kept for `key`, if it is from `not_before` or later, or else what `fetch` brings. Whoever asks for the
    /// same key meanwhile waits for it. Where `fetch` fails, the old answer is better than none.
    pub(super) fn get(
        &self,
        key: &str,
        not_before: Option<Time>,
        now: Time,
        fetch: impl FnOnce() -> Result<Answer>,
    ) -> Result<Vec<Object>> {
        let slot = self.slot(key);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((answer, fetched)) = &slot.kept
            && is_good(answer, *fetched, not_before, now)
        {
            return Ok(answer.objects.clone());
        }
        if let Some((error, at)) = &slot.failed
            && now.since(*at) < pause(slot.failures)
        {
            let error = error.clone();
            return slot.old().ok_or(error);
        }
        match fetch() {
            Ok(answer) => {
                (slot.failures, slot.failed) = (0, None);
                let objects = slot.take(answer, now);
                self.note(key, slot.bytes());
                Ok(objects)
            }
            Err(error) => {
                slot.failures = slot.failures.saturating_add(1);
                slot.failed = Some((error.clone(), now));
                slot.old().ok_or(error)
            }
        }
    }

    fn slot(&self, key: &str) -> Arc<Mutex<Slot>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clock += 1;
        let used = entries.clock;
        let entry = entries
            .by_key
            .entry(key.to_string())
            .or_insert_with(|| Entry {
                slot: Arc::default(),
                bytes: 0,
                used,
            });
        entry.used = used;
        let slot = entry.slot.clone();
        entries.shrink(key);
        slot
    }

    /// Counts the bytes that `key` takes now.
    fn note(&self, key: &str, bytes: usize) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.by_key.get_mut(key) {
            let before = std::mem::replace(&mut entry.bytes, bytes);
            entries.bytes = entries.bytes.saturating_sub(before).saturating_add(bytes);
            entries.shrink(key);
        }
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

fn is_good(answer: &Answer, fetched: Time, not_before: Option<Time>, now: Time) -> bool {
    let current = answer.until.is_some_and(|until| now < until)
        && not_before.is_none_or(|wanted| answer.this_update >= wanted);
    current || (fetched <= now && now.since(fetched) < AT_LEAST)
}

impl Slot {
    /// Keeps `answer`, if somebody vouches for it and none newer is there. What is to be used comes back.
    fn take(&mut self, answer: Answer, now: Time) -> Vec<Object> {
        if answer.until.is_none() {
            return answer.objects;
        }
        if let Some((kept, fetched)) = &mut self.kept
            && kept.this_update > answer.this_update
        {
            *fetched = now;
            return kept.objects.clone();
        }
        let objects = answer.objects.clone();
        self.kept = Some((answer, now));
        objects
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn at(second: i64) -> Time {
        Time::from_unix(1_000_000 + second).unwrap()
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
        }
    }

    fn got(result: Result<Vec<Object>>) -> u8 {
        result.unwrap()[0].bytes[0]
    }

    fn down() -> Result<Answer> {
        Err(Error::unavailable("server", "down"))
    }

    #[test]
    fn an_answer_is_kept_until_its_time_and_no_longer() {
        let cache = Cache::default();
        let get = |now, fetch: Result<Answer>| cache.get("a", None, at(now), || fetch);
        assert_eq!(got(get(0, Ok(answer(1, 0, Some(500))))), 1);
        assert_eq!(got(get(499, down())), 1);
        assert_eq!(got(get(500, Ok(answer(2, 400, Some(900))))), 2);
        assert_eq!(got(get(501, Ok(answer(3, 501, Some(900))))), 2);
        let other = cache.get("b", None, at(501), || Ok(answer(4, 0, Some(900))));
        assert_eq!(got(other), 4);
    }

    #[test]
    fn an_older_answer_or_a_failure_never_takes_the_place_of_a_good_one() {
        let cache = Cache::default();
        let get = |now, fetch: Result<Answer>| cache.get("a", None, at(now), || fetch);
        assert_eq!(got(get(0, Ok(answer(1, 0, Some(100))))), 1);
        assert_eq!(got(get(200, Ok(answer(2, -50, Some(900))))), 1);
        assert_eq!(got(get(400, down())), 1);
        assert_eq!(got(get(800, Ok(answer(3, 300, None)))), 3, "used, not kept");
        assert_eq!(got(get(801, down())), 1);
    }

    #[test]
    fn a_fresher_answer_is_fetched_when_it_is_wanted_but_not_over_and_over() {
        let cache = Cache::default();
        let get = |now, fetch: Result<Answer>| cache.get("a", Some(at(50)), at(now), || fetch);
        assert_eq!(got(get(0, Ok(answer(1, 0, Some(5000))))), 1);
        assert_eq!(got(get(59, Ok(answer(2, 59, Some(5000))))), 1);
        assert_eq!(got(get(60, Ok(answer(3, 60, Some(5000))))), 3);
        assert_eq!(got(get(900, down())), 3);
    }

    #[test]
    fn a_failure_is_remembered_for_longer_each_time() {
        let cache = Cache::default();
        let asked = AtomicUsize::new(0);
        let get = |now| {
            cache.get("a", None, at(now), || {
                asked.fetch_add(1, Ordering::SeqCst);
                down()
            })
        };
        for (now, expected) in [(0, 1), (1, 1), (2, 2), (5, 2), (6, 3), (13, 3), (14, 4)] {
            assert_eq!(get(now).unwrap_err().problem(), "down");
            assert_eq!(asked.load(Ordering::SeqCst), expected, "at {now}");
        }
        assert_eq!(
            got(cache.get("a", None, at(1000), || Ok(answer(1, 0, Some(2000))))),
            1
        );
        assert_eq!(pause(40), LONGEST_PAUSE);
    }

    #[test]
    fn many_who_ask_at_once_cause_one_fetch() {
        let cache = Cache::default();
        let asked = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let got = cache.get("a", None, at(0), || {
                        asked.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(Duration::from_millis(50));
                        Ok(answer(1, 0, Some(100)))
                    });
                    assert_eq!(got.unwrap().len(), 1);
                });
            }
        });
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn memory_is_bounded_and_what_was_used_last_stays() {
        let cache = Cache::default();
        let mut big = answer(0, 0, Some(100));
        big.objects[0] = Object::new(
            ObjectKind::CertificateRevocationList,
            vec![0; MOST_BYTES / 4],
            Origin::Given,
        );
        for key in 0..10 {
            let key = key.to_string();
            cache.get(&key, None, at(0), || Ok(big.clone())).unwrap();
            cache.get("0", None, at(0), || Ok(big.clone())).unwrap();
        }
        assert!(cache.0.lock().unwrap().bytes <= MOST_BYTES);
        assert!(cache.get("0", None, at(0), down).is_ok());
        assert!(cache.get("1", None, at(0), down).is_err());
        for key in 0..2 * MOST_ANSWERS {
            let _ = cache.get(&format!("x{key}"), None, at(0), down);
        }
        assert_eq!(cache.0.lock().unwrap().by_key.len(), MOST_ANSWERS);
    }
}
