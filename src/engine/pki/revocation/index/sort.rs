//! Sorting entries in bounded memory: thrown into heaps as they come, each heap sorted by its digits; more than fit are spilled
//! as runs and merged.
//!
//! Many issuers list certificates in the order of their numbers, which is found out in passing; others number at random.

use super::form::{ENTRY, Words, from_bytes, same_key, to_bytes};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::sync_channel;

/// Entries held in memory: 32 MB, and 16 more while they are sorted.
pub(super) const RUN: usize = 1 << 20;
/// Bytes that all runs together are read ahead while they are merged.
const READ_AHEAD: usize = 4 << 20;

/// Entries of a block: a page of memory.
const BLOCK: usize = 128;
/// Heaps that entries are thrown into as they come. A million make heaps of 128 KB, which a processor sorts in its cache.
const HEAPS: usize = 256;
/// Entries from which on a second thread sorts.
const MANY: usize = 1 << 15;
/// Entries that are looked at to see where the heaps part.
const SAMPLE: usize = 4096;

/// Takes entries in any order and gives them back in that of their keys.
pub(super) struct Sorter<S> {
    /// The blocks of all heaps, as they were begun.
    blocks: Vec<Words>,
    heaps: Vec<Heap>,
    /// None until the first entries were looked at; those are in the first heap.
    parting: Option<Parting>,
    held: usize,
    scratch: S,
    /// How many entries each spilled run has.
    spilled: Vec<usize>,
    most: usize,
}

/// Entries that sort before those of the next heap, in blocks.
struct Heap {
    blocks: Vec<u32>,
    count: usize,
    last: Words,
    sorted: bool,
}

impl Default for Heap {
    fn default() -> Heap {
        Heap {
            blocks: Vec::new(),
            count: 0,
            last: [0; 4],
            sorted: true,
        }
    }
}

impl Heap {
    /// Where its entry `place` stands among the blocks.
    fn place(&self, place: usize) -> usize {
        self.blocks[place / BLOCK] as usize * BLOCK + place % BLOCK
    }

    fn push(&mut self, entry: &Words, blocks: &mut Vec<Words>) {
        if self.count.is_multiple_of(BLOCK) {
            self.blocks.push((blocks.len() / BLOCK) as u32);
            blocks.resize(blocks.len() + BLOCK, [0; 4]);
        }
        self.sorted = self.sorted && (self.count == 0 || self.last < *entry);
        self.last = *entry;
        self.count += 1;
        let place = self.place(self.count - 1);
        blocks[place] = *entry;
    }
}

/// By which bits entries are thrown into heaps: the eight from where those looked at first differ. What is smaller or larger
/// before those bits goes into the first or last heap.
struct Parting {
    before: Words,
    bit: usize,
}

impl Parting {
    fn of<'e>(entries: impl Iterator<Item = &'e Words>, like: &Words) -> Parting {
        let bit = first_difference(entries, like);
        Parting {
            before: bits_before(like, bit),
            bit,
        }
    }

    fn heap(&self, entry: &Words) -> usize {
        match bits_before(entry, self.bit).cmp(&self.before) {
            Ordering::Less => 0,
            Ordering::Equal => (bits_from(entry, self.bit) >> 56) as usize,
            Ordering::Greater => HEAPS - 1,
        }
    }
}

/// The first bit in which one of `entries` differs from `like`; 0 where none does.
fn first_difference<'e>(entries: impl Iterator<Item = &'e Words>, like: &Words) -> usize {
    let mut differ = [0; 4];
    for entry in entries {
        let words = differ.iter_mut().zip(entry).zip(like);
        words.for_each(|((differ, word), like)| *differ |= word ^ like);
    }
    let first = differ.iter().position(|word| *word != 0);
    first.map_or(0, |word| word * 64 + differ[word].leading_zeros() as usize)
}

/// The 64 bits of `entry` from `bit` on; zeros behind its end.
fn bits_from(entry: &Words, bit: usize) -> u64 {
    let (word, bit) = (bit / 64, bit as u32 % 64);
    let next = entry.get(word + 1).copied().unwrap_or_default();
    entry[word] << bit | next.checked_shr(64 - bit).unwrap_or_default()
}

/// What of `entry` stands before `bit`.
fn bits_before(entry: &Words, bit: usize) -> Words {
    let mut before = [0; 4];
    let (word, bit) = (bit / 64, bit as u32 % 64);
    before[..word].copy_from_slice(&entry[..word]);
    before[word] = entry[word] & !(u64::MAX >> bit);
    before
}

impl<S: Read + Write + Seek> Sorter<S> {
    /// `scratch` is written only when there are more entries than `most`.
    pub(super) fn new(most: usize, scratch: S) -> Sorter<S> {
        Sorter {
            blocks: Vec::new(),
            heaps: std::iter::repeat_with(Heap::default).take(HEAPS).collect(),
            parting: None,
            held: 0,
            scratch,
            spilled: Vec::new(),
            most,
        }
    }

    /// Makes room for about `count` entries.
    pub(super) fn expect(&mut self, count: usize) {
        self.blocks
            .reserve(count.min(self.most) + HEAPS.min(count) * BLOCK);
    }

    pub(super) fn push(&mut self, entry: Words) -> io::Result<()> {
        if self.held >= self.most {
            self.spill()?;
        }
        if self.parting.is_none() && self.held == SAMPLE {
            self.part();
        }
        let heap = self.parting.as_ref().map_or(0, |p| p.heap(&entry));
        self.heaps[heap].push(&entry, &mut self.blocks);
        self.held += 1;
        Ok(())
    }

    /// Throws what was looked at into heaps.
    fn part(&mut self) {
        let first = std::mem::take(&mut self.heaps[0]);
        let sample: Vec<Words> = (0..first.count)
            .map(|n| self.blocks[first.place(n)])
            .collect();
        let parting = Parting::of(sample.iter(), &sample[0]);
        self.blocks.clear();
        for entry in &sample {
            self.heaps[parting.heap(entry)].push(entry, &mut self.blocks);
        }
        self.parting = Some(parting);
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.spilled.is_empty() {
            self.scratch.seek(SeekFrom::Start(0))?;
        }
        let mut out = io::BufWriter::with_capacity(1 << 20, &mut self.scratch);
        for heap in &self.heaps {
            let order = order(&self.blocks, heap);
            in_order(&self.blocks, heap, order, |entry| {
                out.write_all(&to_bytes(entry))
            })?;
        }
        out.flush()?;
        drop(out);
        self.spilled.push(self.held);
        self.heaps.fill_with(Heap::default);
        self.blocks.clear();
        self.held = 0;
        Ok(())
    }

    /// All entries in order. Of several with one key the last that was pushed alone.
    pub(super) fn finish(
        mut self,
        mut each: impl FnMut(&Words) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut pending: Option<Words> = None;
        let mut emit = |entry: &Words| -> io::Result<()> {
            if let Some(before) = &pending
                && !same_key(before, entry)
            {
                each(before)?;
            }
            pending = Some(*entry);
            Ok(())
        };
        if self.spilled.is_empty() {
            all_in_order(&self.blocks, &self.heaps, self.held, &mut emit)?;
        } else {
            self.spill()?;
            self.blocks = Vec::new();
            self.merge(&mut emit)?;
        }
        pending.map_or(Ok(()), |last| each(&last))
    }

    fn merge(&mut self, emit: &mut impl FnMut(&Words) -> io::Result<()>) -> io::Result<()> {
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
    ) -> io::Result<Option<Words>> {
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
        let entry = self.ahead[self.place..].first_chunk().map(from_bytes);
        self.place += ENTRY;
        Ok(entry)
    }
}

/// All of `heaps` in order; where there are many entries, a heap is sorted while the one before is given away.
fn all_in_order(
    blocks: &[Words],
    heaps: &[Heap],
    held: usize,
    mut each: impl FnMut(&Words) -> io::Result<()>,
) -> io::Result<()> {
    if held < MANY {
        return heaps
            .iter()
            .try_for_each(|heap| in_order(blocks, heap, order(blocks, heap), &mut each));
    }
    std::thread::scope(|scope| {
        let (sorted, orders) = sync_channel(HEAPS);
        scope.spawn(move || {
            let mut orders = heaps.iter().map(|heap| order(blocks, heap));
            orders.try_for_each(|order| sorted.send(order))
        });
        heaps.iter().try_for_each(|heap| {
            let order = orders.recv().map_err(io::Error::other)?;
            in_order(blocks, heap, order, &mut each)
        })
    })
}

/// All of `heap` in this order, without moving it.
fn in_order(
    blocks: &[Words],
    heap: &Heap,
    order: Option<Vec<u32>>,
    mut each: impl FnMut(&Words) -> io::Result<()>,
) -> io::Result<()> {
    match order {
        None => (0..heap.count).try_for_each(|place| each(&blocks[heap.place(place)])),
        Some(order) => order
            .iter()
            .try_for_each(|place| each(&blocks[*place as usize])),
    }
}

/// Where among the blocks the entries of `heap` stand, in their order; none where they came in order.
fn order(blocks: &[Words], heap: &Heap) -> Option<Vec<u32>> {
    if heap.sorted {
        return None;
    }
    let entry = |place: u64| &blocks[heap.place(place as u32 as usize)];
    let mut digits = Digits::of(heap.count, |place| entry(place as u64));
    digits.sort();
    let mut left = digits.0.as_mut_slice();
    while let Some(first) = left.first() {
        // Entries that have these digits in common are few, or were sorted by nothing yet: by all their bytes then.
        let same = left.iter().take_while(|d| *d >> 32 == first >> 32).count();
        let (some, after) = left.split_at_mut(same);
        if same > 1 {
            some.sort_unstable_by_key(|d| entry(*d));
        }
        left = after;
    }
    let place = |digits: &u64| heap.place(*digits as u32 as usize) as u32;
    Some(digits.0.iter().map(place).collect())
}

/// Of each entry the 32 bits from where the first differ, and its place: what can be sorted without moving entries.
struct Digits(Vec<u64>);

impl Digits {
    fn of<'e>(count: usize, entry: impl Fn(usize) -> &'e Words) -> Digits {
        let bit = first_difference((0..count).map(&entry), entry(0));
        Digits(
            (0..count)
                .map(|place| bits_from(entry(place), bit) >> 32 << 32 | place as u64)
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
    use super::super::form::{Entry, KEY, Says, key_words, pack};
    use super::*;
    use std::io::Cursor;

    fn entries(count: u32, serial: impl Fn(u32) -> Vec<u8>) -> Vec<Words> {
        (0..count)
            .map(|n| pack(key_words(&serial(n), 0), n, Says::Plain(n.into(), None)))
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
                let bytes: Entry = to_bytes(entry);
                expected.insert(bytes[..KEY].to_vec(), *entry);
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
