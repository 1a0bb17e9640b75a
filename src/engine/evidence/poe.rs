//! Proofs of existence (EN 319 102-1 §5.6.2.3): since when an object or a signature is known to have existed, and by what.

use super::object::ObjectId;
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What proves that something existed at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "id")]
pub enum Proof {
    /// That it is here when it is judged.
    Validation,
    /// A time-stamp, by its token.
    Timestamp(ObjectId),
    /// An evidence record, by its bytes.
    EvidenceRecord(ObjectId),
}

/// That an object or a signature existed at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProofOfExistence {
    /// The object of the pool, or the signature's identifier.
    pub of: ObjectId,
    /// When at the latest it existed.
    pub at: Time,
    /// What proves it.
    pub by: Proof,
}

impl ProofOfExistence {
    /// The earlier of two; of the same time, this one.
    #[must_use]
    pub fn min_by_time(self, other: ProofOfExistence) -> ProofOfExistence {
        match other.at < self.at {
            true => other,
            false => self,
        }
    }
}

/// Proofs of existence gained so far: of each thing the earliest. What has none exists at the time of validation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofsOfExistence {
    now: Time,
    earliest: BTreeMap<ObjectId, (Time, Proof)>,
}

impl ProofsOfExistence {
    /// None yet, at the time of validation.
    pub fn new(now: Time) -> ProofsOfExistence {
        ProofsOfExistence {
            now,
            earliest: BTreeMap::new(),
        }
    }

    /// Takes a proof in; an earlier one of the same thing stays.
    pub fn add(&mut self, proof: ProofOfExistence) {
        let new = (proof.at, proof.by);
        let known = self.earliest.entry(proof.of).or_insert(new);
        *known = new.min(*known);
    }

    /// The earliest proof of an object or signature.
    pub fn of(&self, id: &ObjectId) -> ProofOfExistence {
        let unproven = (self.now, Proof::Validation);
        let (at, by) = self.earliest.get(id).copied().unwrap_or(unproven);
        ProofOfExistence { of: *id, at, by }
    }

    /// Whether it is known to have existed at `instant`, or before it.
    pub fn existed_by(&self, id: &ObjectId, instant: Time) -> bool {
        self.of(id).at <= instant
    }

    /// All that were gained, in the order of what they are of.
    pub fn iter(&self) -> impl Iterator<Item = ProofOfExistence> + '_ {
        let gained = self.earliest.iter();
        gained.map(|(of, (at, by))| ProofOfExistence {
            of: *of,
            at: *at,
            by: *by,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_proof_counts_and_what_has_none_exists_now() {
        let time = |text: &str| text.parse::<Time>().unwrap();
        let now = time("2030-01-01T00:00:00Z");
        let (of, token) = (ObjectId::of(b"object"), ObjectId::of(b"token"));
        let mut proofs = ProofsOfExistence::new(now);
        assert_eq!(proofs.of(&of).by, Proof::Validation);
        assert!(proofs.existed_by(&of, now));
        for at in [
            "2027-01-01T00:00:00Z",
            "2025-01-01T00:00:00Z",
            "2026-01-01T00:00:00Z",
        ] {
            let by = Proof::Timestamp(token);
            proofs.add(ProofOfExistence {
                of,
                at: time(at),
                by,
            });
        }
        assert_eq!(proofs.of(&of).at, time("2025-01-01T00:00:00Z"));
        assert!(!proofs.existed_by(&of, time("2024-12-31T23:59:59Z")));
        assert_eq!(proofs.iter().count(), 1);
    }
}
