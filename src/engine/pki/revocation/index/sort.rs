//! Sorting entries in bounded memory: as many as fit are sorted by their digits, more are spilled as runs and merged.
//!
//! Many issuers list certificates in the order of their numbers, which is found out in passing; others number at random.

use super::form::{ENTRY, Entry, KEY};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Entries held in memory: 32 MB, and 16 more while they are sorted.
pub(super) const RUN: usize = 1 << 20;
/// Bytes that all runs together are read ahead while they are merged.
const READ_AHEAD: usize = 4 << 20;

/// Takes entries in any order and gives them back in that of their keys.
pub(super) struct Sorter<S> {
    run: Vec<Entry>,
    sorted: bool,
    scratch: S,
    /// How many entries each spilled run has.
    spilled: Vec<usize>,
    most: usize,
}

impl<S: Read + Write + Seek> Sorter<S> {
    /// `scratch` is written only when there are more entries than `most`.
    pub(super) fn new(most: usize, scratch: S) -> Sorter<S> {
        Sorter {
            run: Vec::new(),
            sorted: true,
            scratch,
            spilled: Vec::new(),
            most,
        }
    }

    /// Makes room for about `count` entries.
    pub(super) fn expect(&mut self, count: usize) {
        self.run.reserve(count.min(self.most));
    }

    pub(super) fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.run.len() >= self.most {
            self.spill()?;
        }
        self.sorted = self.sorted && self.run.last().is_none_or(|last| *last < entry);
        self.run.push(entry);
        Ok(())
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.spilled.is_empty() {
            self.scratch.seek(SeekFrom::Start(0))?;
        }
        let mut out = io::BufWriter::with_capacity(1 << 20, &mut self.scratch);
        in_order(&self.run, self.sorted, |entry| out.write_all(entry))?;
        out.flush()?;
        drop(out);
        self.spilled.push(self.run.len());
        self.run.clear();
        self.sorted = true;
        Ok(())
    }

    /// All entries in order. Of several with one key the last that was pushed alone.
    pub(super) fn finish(
        mut self,
        mut each: impl FnMut(&Entry) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut pending: Option<Entry> = None;
        let mut emit = |entry: &Entry| -> io::Result<()> {
            if let Some(before) = &pending
                && before[..KEY] != entry[..KEY]
            {
                each(before)?;
            }
            pending = Some(*entry);
            Ok(())
        };
        if self.spilled.is_empty() {
            in_order(&self.run, self.sorted, &mut emit)?;
        } else {
            self.spill()?;
            self.run = Vec::new();
            self.merge(&mut emit)?;
        }
        pending.map_or(Ok(()), |last| each(&last))
    }

    fn merge(&mut self, emit: &mut impl FnMut(&Entry) -> io::Result<()>) -> io::Result<()> {
        let ahead = (READ_AHEAD / ENTRY / self.spilled.len()).max(64);
        let mut at = 0;
        let mut runs: Vec<Run> = Vec::with_capacity(self.spilled.len());
        for count in &self.spilled {
            let end = at + (count * ENTRY) as u64;
            runs.push(Run {
                next: at,
                end,
                ahead: Vec::new(),
                place: 0,
            });
            at = end;
        }
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (number, run) in runs.iter_mut().enumerate() {
            heads.extend(
                run.next(&mut self.scratch, ahead)?
                    .map(|e| Reverse((e, number))),
            );
        }
        while let Some(Reverse((entry, number))) = heads.pop() {
            emit(&entry)?;
            let next = runs[number].next(&mut self.scratch, ahead)?;
            heads.extend(next.map(|e| Reverse((e, number))));
        }
        Ok(())
    }
}

/// A spilled run that is read again.
struct Run {
    next: u64,
    end: u64,
    ahead: Vec<u8>,
    place: usize,
}

impl Run {
    fn next(
        &mut self,
        scratch: &mut (impl Read + Seek),
        ahead: usize,
    ) -> io::Result<Option<Entry>> {
        if self.place == self.ahead.len() {
            let size = (self.end - self.next).min((ahead * ENTRY) as u64) as usize;
            if size == 0 {
                return Ok(None);
            }
            self.ahead.resize(size, 0);
            scratch.seek(SeekFrom::Start(self.next))?;
            scratch.read_exact(&mut self.ahead)?;
            self.next += size as u64;
            self.place = 0;
        }
        let entry = self.ahead[self.place..].first_chunk().copied();
        self.place += ENTRY;
        Ok(entry)
    }
}

/// All of `run` in order, without moving it.
fn in_order(
    run: &[Entry],
    sorted: bool,
    mut each: impl FnMut(&Entry) -> io::Result<()>,
) -> io::Result<()> {
    if sorted {
        return run.iter().try_for_each(each);
    }
    let mut digits = Digits::of(run);
    digits.sort();
    let mut order = digits.0.as_mut_slice();
    while let Some(first) = order.first() {
        // Entries that have these digits in common are few, or were sorted by nothing yet: by all their bytes then.
        let same = order.iter().take_while(|d| *d >> 32 == first >> 32).count();
        let some;
        (some, order) = order.split_at_mut(same);
        if same > 1 {
            some.sort_unstable_by_key(|d| &run[*d as u32 as usize]);
        }
        some.iter()
            .try_for_each(|d| each(&run[*d as u32 as usize]))?;
    }
    Ok(())
}

/// Of each entry the 32 bits from where the first differ, and its place: what can be sorted without moving entries.
struct Digits(Vec<u64>);

impl Digits {
    fn of(run: &[Entry]) -> Digits {
        let first = run.first().copied().unwrap_or_default();
        let mut differ = [0; ENTRY];
        for entry in run {
            let bytes = differ.iter_mut().zip(entry).zip(&first);
            bytes.for_each(|((differ, byte), first)| *differ |= byte ^ first);
        }
        let byte = differ
            .iter()
            .position(|b| *b != 0)
            .unwrap_or(0)
            .min(ENTRY - 8);
        let shift = differ[byte].leading_zeros() % 8;
        let window = |entry: &Entry| super::form::be64(entry, byte) << shift >> 32;
        let places = run.iter().zip(0u64..);
        Digits(
            places
                .map(|(entry, place)| window(entry) << 32 | place)
                .collect(),
        )
    }

    /// By the 32 bits, 11 at a time from the lowest, each pass keeping the order of the one before.
    fn sort(&mut self) {
        if self.0.len() < 4096 {
            return self.0.sort_unstable();
        }
        let mut other = vec![0; self.0.len()];
        for shift in [32, 43, 54] {
            let digit = |d: u64| (d >> shift) as usize & 0x7ff;
            let mut places = [0usize; 0x800];
            for d in &self.0 {
                places[digit(*d)] += 1;
            }
            let mut start = 0;
            for place in &mut places {
                start += std::mem::replace(place, start);
            }
            for d in &self.0 {
                let place = &mut places[digit(*d)];
                other[*place] = *d;
                *place += 1;
            }
            std::mem::swap(&mut self.0, &mut other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::{Says, key, pack};
    use super::*;
    use std::io::Cursor;

    fn entries(count: u32, serial: impl Fn(u32) -> Vec<u8>) -> Vec<Entry> {
        (0..count)
            .map(|n| pack(key(&serial(n), 0), n, Says::Plain(n.into(), None)))
            .collect()
    }

    #[test]
    fn any_order_of_any_numbers_comes_out_sorted_the_last_of_each_alone() {
        let mixed = |n: u32| crate::engine::crypto::sha256(&n.to_be_bytes());
        type Serial = fn(u32, &[u8]) -> Vec<u8>;
        let serials: [Serial; 6] = [
            |_, random| random[..16].to_vec(),
            |n, _| n.to_be_bytes().to_vec(),
            |n, _| (u32::MAX - n).to_be_bytes().to_vec(),
            |n, _| (n % 100).to_be_bytes().to_vec(),
            |_, random| [&[1; 19][..], &random[..1]].concat(),
            |n, random| random[..1 + n as usize % 20].to_vec(),
        ];
        for (number, serial) in serials.iter().enumerate() {
            let all = entries(20_000, |n| serial(n, &mixed(n)));
            let mut expected = std::collections::BTreeMap::new();
            for entry in &all {
                expected.insert(entry[..KEY].to_vec(), *entry);
            }
            let expected: Vec<_> = expected.into_values().collect();
            for most in [usize::MAX, 7_001, 20_000] {
                let mut sorter = Sorter::new(most, Cursor::new(Vec::new()));
                all.iter().for_each(|e| sorter.push(*e).unwrap());
                let mut found = Vec::new();
                sorter
                    .finish(|e| {
                        found.push(*e);
                        Ok(())
                    })
                    .unwrap();
                assert!(found == expected, "serials {number}, runs of {most}");
            }
        }
    }
}
