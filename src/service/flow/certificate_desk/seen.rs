//! Answers seen before, in bounded memory.
//!
//! Two generations: answers enter the young one; when it is full it becomes the old one, and what was old is forgotten. An
//! answer that is asked for again comes back among the young. So what is asked for stays, and nothing is ever walked.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Parts with a lock each, so that callers on several cores rarely wait for each other.
const PARTS: usize = 16;

/// A map of at most `most` entries.
#[derive(Debug)]
pub(super) struct Seen<K, V> {
    parts: [Mutex<Generations<K, V>>; PARTS],
    hasher: RandomState,
    /// Entries of one generation of one part.
    most: usize,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq + Clone, V: Clone> Seen<K, V> {
    /// For at most `most` entries.
    pub(super) fn new(most: usize) -> Self {
        let empty = || {
            Mutex::new(Generations {
                young: HashMap::new(),
                old: HashMap::new(),
            })
        };
        Seen {
            parts: std::array::from_fn(|_| empty()),
            hasher: RandomState::new(),
            most: (most / (2 * PARTS)).max(1),
        }
    }

    fn part(&self, key: &K) -> MutexGuard<'_, Generations<K, V>> {
        let at = self.hasher.hash_one(key) as usize % PARTS;
        self.parts[at]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept under `key`.
    pub(super) fn get(&self, key: &K) -> Option<V> {
        let mut part = self.part(key);
        if let Some(value) = part.young.get(key) {
            return Some(value.clone());
        }
        let value = part.old.remove(key)?;
        self.enter(&mut part, key.clone(), value.clone());
        Some(value)
    }

    /// Keeps `value` under `key`.
    pub(super) fn put(&self, key: K, value: V) {
        let mut part = self.part(&key);
        part.old.remove(&key);
        self.enter(&mut part, key, value);
    }

    fn enter(&self, part: &mut Generations<K, V>, key: K, value: V) {
        if part.young.len() >= self.most && !part.young.contains_key(&key) {
            part.old = std::mem::take(&mut part.young);
        }
        part.young.insert(key, value);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let parts = self.parts.iter();
        parts
            .map(|part| part.lock().unwrap_or_else(PoisonError::into_inner))
            .map(|part| part.young.len() + part.old.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        let seen = Seen::new(1_000);
        for n in 0..100_000_u32 {
            seen.put(n, n);
            assert_eq!(seen.get(&7), (n >= 7).then_some(7), "{n}");
        }
        assert!(seen.len() <= 1_000, "{}", seen.len());
        assert_eq!(seen.get(&99_999), Some(99_999));
        assert_eq!(seen.get(&8), None);
        seen.put(7, 8);
        assert_eq!(seen.get(&7), Some(8));
    }
}
