//! Which groups are asked for, what is kept of a code, and whether answers are right.
//!
//! HMAC-SHA-256 (RFC 2104) under a server key. In: what a visitor typed and what is kept under the id, if anything is. Out: yes
//! or no, after the same work in either case: an unknown id, a wrong date, wrong groups and groups that cannot be read cost
//! the same and look the same.

use super::derive::{Code, CodeId};
use super::parse::{read_date, read_group, read_id};
use super::{GROUP_LENGTH, GROUPS};
use crate::engine::{Error, Result};
use jiff::civil::Date;
use ring::hmac;
use std::fmt;

/// Bytes of a keyed hash.
const HASH: usize = 32;

/// The server's key for codes, apart from the store; 32 random bytes or more.
#[derive(Clone)]
pub struct CodeKey {
    groups: hmac::Key,
    challenge: hmac::Key,
}

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey(…)")
    }
}

impl CodeKey {
    /// Errors: fewer than 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self> {
        if secret.len() < HASH {
            return Err(Error::invalid("key for codes", "shorter than 32 bytes")
                .remedy("Make 32 random bytes and keep them apart from the store."));
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived =
            |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, label).as_ref());
        Ok(CodeKey {
            groups: derived(b"CEA groups"),
            challenge: derived(b"CEA challenge"),
        })
    }

    /// The indices of the groups (0 to 5, ascending) that are asked for this id on this day, `k` of them.
    ///
    /// They depend on key, id and day alone, so that reloading the page cannot choose; any text may be asked for, known or not.
    pub fn challenge(&self, id: &str, day: Date, k: usize) -> Vec<usize> {
        let id = read_id(id).map_or_else(|_| id.to_owned(), |id| id.to_string());
        let tag = hmac::sign(&self.challenge, format!("{day}\0{id}").as_bytes());
        let mut bytes = tag.as_ref().iter().copied().cycle();
        let mut left: Vec<usize> = (0..GROUPS).collect();
        let mut chosen: Vec<usize> = (0..k.clamp(1, GROUPS))
            .map(|_| {
                // Two bytes a draw: the bias of 65536 mod 6 is below one in ten thousand.
                let draw = bytes
                    .by_ref()
                    .take(2)
                    .fold(0, |n, b| n << 8 | usize::from(b));
                left.remove(draw % left.len())
            })
            .collect();
        chosen.sort_unstable();
        chosen
    }

    /// What is kept of a code in place of it.
    pub fn keep(&self, id: &CodeId, date: Date, code: &Code) -> KeyedCode {
        let groups = code.groups();
        KeyedCode {
            date,
            hashes: std::array::from_fn(|i| {
                let mut hash = [0; HASH];
                hash.copy_from_slice(
                    hmac::sign(&self.groups, &message(id.as_str(), i, groups[i])).as_ref(),
                );
                hash
            }),
        }
    }

    /// Whether id, date and every group asked for are right.
    ///
    /// `kept` is what is kept under the id that was typed, `None` where nothing is: the answer is then no, after the same work.
    pub fn check(&self, kept: Option<&KeyedCode>, attempt: &Attempt<'_>) -> bool {
        let decoy = KeyedCode {
            date: Date::MIN,
            hashes: [[0; HASH]; GROUPS],
        };
        let id = read_id(attempt.id).map_or_else(|_| String::new(), |id| id.to_string());
        let asked = self.challenge(attempt.id, attempt.day, attempt.k);
        let against = kept.unwrap_or(&decoy);
        let mut right = kept.is_some();
        right &= read_date(attempt.date).is_ok_and(|d| d == against.date);
        right &= attempt.groups.len() == asked.len();
        for (n, index) in asked.iter().enumerate() {
            let typed = attempt.groups.get(n).copied().unwrap_or_default();
            let group = read_group(typed).unwrap_or_else(|_| UNREADABLE.to_owned());
            right &= hmac::verify(
                &self.groups,
                &message(&id, *index, &group),
                &against.hashes[*index],
            )
            .is_ok();
        }
        right
    }
}

/// Of the length of a group and outside of its alphabet: costs what a group costs and never fits.
const UNREADABLE: &str = "-----";
const _: () = assert!(UNREADABLE.len() == GROUP_LENGTH);

/// Length-fixed, so that no two (id, index, group) share a message.
fn message(id: &str, index: usize, group: &str) -> Vec<u8> {
    format!("{id:-<12}{index}{group}").into_bytes()
}

/// What a visitor typed, as text.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Id. CEA.
    pub id: &'a str,
    /// Date of generation.
    pub date: &'a str,
    /// The day for which the groups were asked: today, or yesterday when the form was loaded before midnight.
    pub day: Date,
    /// How many groups are asked for.
    pub k: usize,
    /// The groups asked for, in ascending order of their index.
    pub groups: &'a [&'a str],
}

/// What is kept of a code: its date and one keyed hash a group, each bound to id and index.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyedCode {
    date: Date,
    hashes: [[u8; HASH]; GROUPS],
}

impl fmt::Debug for KeyedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedCode(…)")
    }
}

impl KeyedCode {
    /// Bytes of the kept form: six hashes.
    pub const LENGTH: usize = GROUPS * HASH;

    /// The date of generation, which is kept beside the hashes.
    pub fn date(&self) -> Date {
        self.date
    }

    /// The six hashes, one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.concat()
    }

    /// The kept form read back. Errors: not six hashes.
    pub fn from_bytes(date: Date, bytes: &[u8]) -> Result<Self> {
        let (hashes, rest) = bytes.as_chunks::<HASH>();
        match <&[[u8; HASH]; GROUPS]>::try_from(hashes) {
            Ok(hashes) if rest.is_empty() => Ok(KeyedCode {
                date,
                hashes: *hashes,
            }),
            _ => Err(Error::malformed("kept code", "not six hashes of 32 bytes")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::codes::Cea;
    use jiff::civil::date;

    const ISSUED: Date = date(2026, 2, 5);
    const TODAY: Date = date(2026, 11, 24);

    fn key() -> CodeKey {
        CodeKey::new(&[7; 32]).unwrap()
    }

    fn issue(seed: u8) -> (Cea, KeyedCode) {
        let random = std::array::from_fn(|i| {
            seed.wrapping_mul(31)
                .wrapping_add((i as u8).wrapping_mul(seed | 1))
        });
        let cea = Cea::derive(&random, ISSUED);
        let kept = key().keep(&cea.id, cea.date, &cea.code);
        (cea, kept)
    }

    fn answers(cea: &Cea, k: usize) -> Vec<String> {
        let asked = key().challenge(cea.id.as_str(), TODAY, k);
        asked
            .iter()
            .map(|i| cea.code.groups()[*i].to_owned())
            .collect()
    }

    fn tried(kept: Option<&KeyedCode>, id: &str, date: &str, groups: &[String], k: usize) -> bool {
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        key().check(
            kept,
            &Attempt {
                id,
                date,
                day: TODAY,
                k,
                groups: &groups,
            },
        )
    }

    #[test]
    fn right_answers_pass_for_every_number_of_groups() {
        for seed in 0..20 {
            let (cea, kept) = issue(seed);
            for k in 1..=GROUPS {
                assert!(tried(
                    Some(&kept),
                    cea.id.as_str(),
                    "05/02/2026",
                    &answers(&cea, k),
                    k
                ));
                let typed: Vec<String> =
                    answers(&cea, k).iter().map(|g| g.to_lowercase()).collect();
                assert!(tried(
                    Some(&kept),
                    &cea.id.as_str().to_lowercase(),
                    "2026-02-05",
                    &typed,
                    k
                ));
            }
        }
    }

    #[test]
    fn any_one_thing_wrong_fails() {
        let (cea, kept) = issue(3);
        let (other, other_kept) = issue(4);
        let good = answers(&cea, 3);
        let id = cea.id.as_str();
        assert!(!tried(None, id, "05/02/2026", &good, 3), "unknown id");
        assert!(
            !tried(Some(&kept), id, "06/02/2026", &good, 3),
            "wrong date"
        );
        assert!(!tried(Some(&kept), id, "", &good, 3), "no date");
        assert!(
            !tried(Some(&kept), other.id.as_str(), "05/02/2026", &good, 3),
            "another id"
        );
        assert!(
            !tried(Some(&other_kept), id, "05/02/2026", &good, 3),
            "another code"
        );
        assert!(
            !tried(Some(&kept), id, "05/02/2026", &good[..2], 3),
            "a group too few"
        );
        assert!(
            !tried(
                Some(&kept),
                id,
                "05/02/2026",
                &[&good[..], &good[..1]].concat(),
                3
            ),
            "a group too many"
        );
        assert!(!tried(Some(&kept), id, "05/02/2026", &[], 3));
        let rotated = [&good[1..], &good[..1]].concat();
        assert!(!tried(Some(&kept), id, "05/02/2026", &rotated, 3), "order");
        for n in 0..3 {
            for bad in ["", "AAAAA", "-----", "0", "ñ"] {
                let mut groups = good.clone();
                groups[n] = bad.into();
                assert!(
                    !tried(Some(&kept), id, "05/02/2026", &groups, 3),
                    "group {n} as {bad}"
                );
            }
        }
        assert!(!CodeKey::new(&[8; 32]).unwrap().check(
            Some(&kept),
            &Attempt {
                id,
                date: "05/02/2026",
                day: TODAY,
                k: 3,
                groups: &good.iter().map(String::as_str).collect::<Vec<_>>()
            }
        ));
    }

    #[test]
    fn the_challenge_is_fixed_for_the_day_and_fair() {
        let key = key();
        assert_eq!(
            key.challenge("2AAAAAAAAAAA", TODAY, 3),
            key.challenge(" 2aaaa aaaaaaa", TODAY, 3)
        );
        let mut count = [0; GROUPS];
        let mut day = TODAY;
        for _ in 0..600 {
            let asked = key.challenge("2AAAAAAAAAAA", day, 3);
            assert!(asked.len() == 3 && asked.windows(2).all(|w| w[0] < w[1]));
            asked.iter().for_each(|i| count[*i] += 1);
            day = day.tomorrow().unwrap();
        }
        assert!(count.iter().all(|n| (240..360).contains(n)), "{count:?}");
        assert_eq!(key.challenge("", TODAY, 0).len(), 1);
        assert_eq!(key.challenge("x", TODAY, 99), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_is_kept_reads_back_and_is_no_code() {
        let (cea, kept) = issue(9);
        let bytes = kept.to_bytes();
        assert_eq!(KeyedCode::from_bytes(ISSUED, &bytes).unwrap(), kept);
        assert!(KeyedCode::from_bytes(ISSUED, &bytes[1..]).is_err());
        let equal_groups = key().keep(&cea.id, ISSUED, &Code::new(&"A".repeat(30)).unwrap());
        let hashes: std::collections::HashSet<_> = equal_groups.hashes.into_iter().collect();
        assert_eq!(hashes.len(), GROUPS, "each hash is bound to its index");
        assert!(CodeKey::new(&[0; 31]).is_err());
    }
}
