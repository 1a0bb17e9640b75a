//! The form of an index: one page of header, the entries that need more than 32 bytes, the sorted entries, a directory of
//! their pages, and the bytes around the entries of the list.
//!
//! ```text
//! header page | details | 0… | entries, 128 a page | directory, 32 bytes a page | before, after, key, digest, issuers
//! ```
//!
//! Numbers are big-endian. A SHA-256 in the header covers header, fill, directory and what follows it; each page of entries
//! and each detail has an XXH3 of its own, seeded with its place, so that a lookup reads and checks one page alone.

use crate::engine::crypto::{PublicKey, SignatureInput};
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::{Entries, ListHeader, RevocationReason, RevokedEntry};
use crate::engine::syntax::asn1::{der, names};
use crate::engine::time::Time;
use std::ops::Range;

/// Name and version of the form.
const MAGIC: &[u8; 16] = b"rubrica/crlidx/1";
/// Bytes of a page, and of the header.
pub(super) const PAGE: usize = 4096;
/// Bytes of an entry.
pub(super) const ENTRY: usize = 32;
/// Bytes by which entries are sorted: serial number and group.
pub(super) const KEY: usize = 23;
/// Bytes of a page's line in the directory.
pub(super) const LINE: usize = 32;
/// Bytes before the entry of a detail: its length and checksum.
const DETAIL_HEAD: usize = 12;
/// Entries of one list, at most: 27 bits number them. The largest lists known have some millions.
pub const MOST_ENTRIES: u32 = 1 << 26;
/// Bytes that are read at once. The parts of a list around its entries, and any one entry, are smaller.
pub const CHUNK_BYTES: usize = 256 << 10;

const NO_REASON: u8 = 15;
const DETAILED: u32 = 1 << 4;
/// What is added to a second so that it is positive: 40 bits reach from the year -15,000 to 19,000.
const BIAS: i64 = 1 << 39;

pub(super) fn corrupted(problem: &'static str) -> Error {
    Error::malformed("CRL index", problem)
}

pub(super) fn sum(bytes: &[u8], place: u64) -> u64 {
    twox_hash::XxHash3_64::oneshot_with_seed(place, bytes)
}

/// What an entry is found by: a serial number as 20 bytes with zeros before it, or, where it is longer, the first 20
/// bytes of its SHA-256; and a group. Negative numbers are apart from the positive ones of the same bits.
pub(super) fn key(serial: &[u8], group: u16) -> [u8; KEY] {
    let words = key_words(serial, group);
    let mut key = [0; KEY];
    key.copy_from_slice(&to_bytes(&[words[0], words[1], words[2], 0])[..KEY]);
    key
}

/// The same as numbers, the last with eight bits of room.
pub(super) fn key_words(serial: &[u8], group: u16) -> [u64; 3] {
    let negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    let fill = if negative { 0xff } else { 0 };
    let mut kind = if negative { 2 } else { 0 };
    // What stands before the digits is what the number is filled with: it matters only where it is long.
    let digits = match serial.len() {
        0..=20 => serial,
        _ => &serial[serial.iter().take_while(|b| **b == fill).count()..],
    };
    let mut number = [fill; 20];
    let (high, low) = match digits {
        // The usual lengths, without a way through memory.
        low if low.len() == 16 => (u32::from_be_bytes([fill; 4]), be128(low)),
        [first, low @ ..] if low.len() == 16 => {
            (u32::from_be_bytes([fill, fill, fill, *first]), be128(low))
        }
        [a, b, c, d, low @ ..] if low.len() == 16 => {
            (u32::from_be_bytes([*a, *b, *c, *d]), be128(low))
        }
        _ => {
            if digits.len() <= 20 {
                number[20 - digits.len()..].copy_from_slice(digits);
            } else {
                kind += 1;
                number.copy_from_slice(&crate::engine::crypto::sha256(digits)[..20]);
            }
            (be32(&number, 0), be128(&number[4..]))
        }
    };
    [
        kind << 56 | u64::from(high) << 24 | (low >> 104) as u64,
        (low >> 40) as u64,
        (low as u64) << 24 | u64::from(group) << 8,
    ]
}

/// Whether `key` signed the list of this header, which was verified under the key `kept`: asked anew of the digest that was kept,
/// and where its algorithm has none, by being that key.
pub(super) fn is_signed(
    header: &ListHeader,
    digest: Option<&[u8]>,
    kept: &PublicKey,
    key: &PublicKey,
) -> bool {
    match digest {
        Some(digest) => header.is_signed_by(key, SignatureInput::Digest(digest)),
        None => kept == key,
    }
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// A date in whole seconds, and a reason.
    Plain(i64, Option<RevocationReason>),
    /// More than that: the entry stands in the details, at this place.
    Detail(u64),
}

impl Says {
    /// Of an entry that needs no detail.
    pub(super) fn plain(entry: &RevokedEntry) -> Option<Says> {
        let date = entry.revocation_date.unix();
        let whole = Time::from_unix(date) == Ok(entry.revocation_date);
        let all = entry.invalidity_date.is_none() && entry.certificate_issuer.is_empty();
        (whole && all).then_some(Says::Plain(date, entry.reason))
    }
}

/// An entry of fixed width, as it is written.
pub(super) type Entry = [u8; ENTRY];

/// The same as it is sorted: as numbers, of which the processor compares and moves eight bytes at once.
pub(super) type Words = [u64; 4];

pub(super) fn pack(key: [u64; 3], number: u32, says: Says) -> Words {
    let (low, value) = match says {
        Says::Plain(date, reason) => {
            let reason = reason.map_or(NO_REASON, RevocationReason::number);
            (u32::from(reason), (date + BIAS) as u64)
        }
        Says::Detail(place) => (DETAILED, place),
    };
    let packed = number << 5 | low;
    [
        key[0],
        key[1],
        key[2] | u64::from(packed >> 24),
        u64::from(packed) << 40 | value & 0xff_ffff_ffff,
    ]
}

pub(super) fn to_bytes(words: &Words) -> Entry {
    let mut entry = [0; ENTRY];
    for (bytes, word) in entry.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    entry
}

pub(super) fn from_bytes(entry: &Entry) -> Words {
    [0, 8, 16, 24].map(|at| be64(entry, at))
}

/// Whether two entries have one key.
pub(super) fn same_key(one: &Words, other: &Words) -> bool {
    one[..2] == other[..2] && one[2] >> 8 == other[2] >> 8
}

/// Its number in the list, and what it says.
pub(super) fn unpack(entry: &Entry) -> (u32, Says) {
    let packed = be32(entry, KEY);
    let value = entry[27..].iter().fold(0u64, |n, b| n << 8 | u64::from(*b));
    let says = if packed & DETAILED != 0 {
        Says::Detail(value)
    } else {
        let reason = (packed & 0xf) as u8;
        let reason = (reason != NO_REASON).then(|| RevocationReason::from_number(reason.into()));
        Says::Plain(value as i64 - BIAS, reason)
    };
    (packed >> 5, says)
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4]
        .iter()
        .fold(0, |n, b| n << 8 | u32::from(*b))
}

/// Of 16 bytes.
fn be128(bytes: &[u8]) -> u128 {
    bytes.first_chunk().map_or(0, |b| u128::from_be_bytes(*b))
}

pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8]
        .iter()
        .fold(0, |n, b| n << 8 | u64::from(*b))
}

/// A detail as it is written at `place`.
pub(super) fn detail(place: u64, entry: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(DETAIL_HEAD + entry.len());
    bytes.extend((entry.len() as u32).to_be_bytes());
    bytes.extend(sum(entry, place).to_be_bytes());
    bytes.extend(entry);
    bytes
}

/// The entry of the detail at `place`, and where the next one begins.
pub(super) fn read_detail(details: &[u8], place: u64) -> Result<(&[u8], u64)> {
    let wrong = || corrupted("a detail is not as its checksum says");
    let start = usize::try_from(place).map_err(|_| wrong())?;
    let rest = details.get(start..).ok_or_else(wrong)?;
    if rest.len() < DETAIL_HEAD {
        return Err(wrong());
    }
    let length = be32(rest, 0) as usize;
    let entry = rest[DETAIL_HEAD..].get(..length).ok_or_else(wrong)?;
    if sum(entry, place) != be64(rest, 4) {
        return Err(wrong());
    }
    Ok((entry, place + (DETAIL_HEAD + length) as u64))
}

/// What an element of `revokedCertificates` says, in a list of this version.
pub(super) fn read_entry(element: &[u8], version: u8) -> Result<RevokedEntry> {
    let mut entries = Entries::new(element, version);
    let entry = entries.next_entry()?;
    entry
        .ok_or_else(|| Error::malformed("revokedCertificate", "missing"))?
        .read()
}

/// `revokedCertificate` with no more than a date and a reason.
pub(super) fn write_entry(serial: &[u8], entry: &RevokedEntry) -> Vec<u8> {
    let mut parts = vec![
        der::tlv(2, serial),
        der::generalized_time(entry.revocation_date),
    ];
    if let Some(reason) = entry.reason {
        let value = der::octet_string(&der::enumerated(reason.number()));
        let extension = der::sequence(&[&der::oid(&names::ID_CE_CRL_REASONS), &value]);
        parts.push(der::sequence(&[&extension]));
    }
    der::sequence_of(&parts)
}

/// The header: how long the parts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Header {
    /// SHA-256 of the list.
    pub(super) list: [u8; 32],
    /// Bytes of the list.
    pub(super) list_bytes: u64,
    /// Entries that the list has; of several for one certificate the last is kept.
    pub(super) listed: u64,
    /// Entries that are kept.
    pub(super) kept: u64,
    /// Bytes of the details.
    pub(super) details: u64,
    /// Bytes after the directory.
    pub(super) tail: u64,
}

/// Where the parts of an index are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) details: Range<usize>,
    pub(super) entries: Range<usize>,
    pub(super) directory: Range<usize>,
    pub(super) tail: Range<usize>,
}

impl Header {
    /// With the SHA-256 of all that it covers in `covered`.
    pub(super) fn write(&self, covered: &[u8; 32]) -> [u8; PAGE] {
        let mut page = self.page();
        page[48..80].copy_from_slice(covered);
        page
    }

    /// As it is digested: without the digest itself.
    pub(super) fn page(&self) -> [u8; PAGE] {
        let mut page = [0; PAGE];
        page[..16].copy_from_slice(MAGIC);
        page[16..48].copy_from_slice(&self.list);
        let numbers = [
            self.list_bytes,
            self.listed,
            self.kept,
            self.details,
            self.tail,
        ];
        for (place, number) in page[80..].chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_be_bytes());
        }
        page
    }

    /// The header of `index`, where it has the length that it says; and the digest that it says.
    pub(super) fn read(index: &[u8]) -> Result<(Header, Places, [u8; 32])> {
        let page = index
            .get(..PAGE)
            .ok_or_else(|| corrupted("ends inside its header"))?;
        if page[..16] != MAGIC[..] {
            return Err(corrupted("is of another form or version"));
        }
        let number = |index: usize| be64(page, 80 + 8 * index);
        let part = |from: usize| <[u8; 32]>::try_from(&page[from..from + 32]).unwrap_or_default();
        let header = Header {
            list: part(16),
            list_bytes: number(0),
            listed: number(1),
            kept: number(2),
            details: number(3),
            tail: number(4),
        };
        let places = header
            .places()
            .ok_or_else(|| corrupted("says lengths that cannot be"))?;
        if places.tail.end != index.len() {
            return Err(corrupted("is not as long as it says"));
        }
        Ok((header, places, part(48)))
    }

    /// Where its parts are; none where they would not fit any memory.
    pub(super) fn places(&self) -> Option<Places> {
        let length = |n: u64| usize::try_from(n).ok();
        let details = PAGE..PAGE.checked_add(length(self.details)?)?;
        let start = details.end.checked_next_multiple_of(PAGE)?;
        let entries = start..start.checked_add(length(self.kept)?.checked_mul(ENTRY)?)?;
        let pages = entries.len().div_ceil(PAGE);
        let directory = entries.end..entries.end.checked_add(pages.checked_mul(LINE)?)?;
        let tail = directory.end..directory.end.checked_add(length(self.tail)?)?;
        Some(Places {
            details,
            entries,
            directory,
            tail,
        })
    }
}

/// What stands after the directory: parts, each with its length before it.
pub(super) fn write_parts<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part);
    }
    bytes
}

/// The parts again.
pub(super) fn read_parts(mut bytes: &[u8]) -> Result<Vec<&[u8]>> {
    let wrong = || corrupted("a part is longer than what is left");
    let mut parts = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_at_checked(4).ok_or_else(wrong)?;
        let (part, rest) = rest
            .split_at_checked(be32(head, 0) as usize)
            .ok_or_else(wrong)?;
        parts.push(part);
        bytes = rest;
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_as_they_were_and_sort_as_numbers() {
        let most = MOST_ENTRIES - 1;
        for says in [
            Says::Plain(0, None),
            Says::Plain(-62_135_596_800, Some(RevocationReason::Unspecified)),
            Says::Plain(253_402_300_799, Some(RevocationReason::AaCompromise)),
            Says::Detail((1 << 40) - 1),
        ] {
            let packed = pack(key_words(&[1], 7), most, says);
            assert_eq!(unpack(&to_bytes(&packed)), (most, says));
            assert_eq!(from_bytes(&to_bytes(&packed)), packed);
        }
        let order = [&[0][..], &[1], &[0, 0x80], &[1, 0], &[9; 20]].map(|s| key(s, 0));
        assert!(order.is_sorted());
        assert_eq!(key(&[0, 0, 5], 0), key(&[5], 0));
        assert_eq!(key(&[0xff, 0xff, 0x85], 0), key(&[0x85], 0));
        assert_ne!(key(&[0xff], 0), key(&[0, 0xff], 0));
        assert_ne!(key(&[9; 21], 0), key(&[9; 22], 0));
        assert!(
            key(&[9; 20], u16::MAX) < key(&[9; 21], 0),
            "the long ones are last"
        );
    }

    #[test]
    fn a_header_of_absurd_lengths_is_refused() {
        let header = Header {
            kept: u64::MAX / 16,
            details: u64::MAX,
            ..Header::default()
        };
        assert!(header.places().is_none());
        assert!(Header::read(&header.write(&[0; 32])).is_err());
        let empty = Header::default().write(&[7; 32]);
        assert_eq!(Header::read(&empty).unwrap().2, [7; 32]);
        assert!(Header::read(&empty[1..]).is_err());
    }
}
