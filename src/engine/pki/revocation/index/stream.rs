//! Streaming a list: read once in chunks, digested beside, its entries handed over one by one.
//!
//! Definite lengths alone: a list of indefinite length has to be read whole, and nobody sends one of a size to be indexed.

use super::form::CHUNK_BYTES;
use crate::engine::crypto::{DigestAlgorithm, Hasher, SignatureAlgorithm};
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::{Entries, ListHeader, ListLayout, RevocationReason, RevokedEntry};
use crate::engine::syntax::asn1::{Reader, Tag};
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// An entry of the list.
pub(super) enum Streamed<'a> {
    /// A serial number, a date in seconds and perhaps a reason: what stands there most often.
    Plain(&'a [u8], i64, Option<RevocationReason>),
    /// Any other: its bytes, its serial number, what it says.
    Other(&'a [u8], &'a [u8], RevokedEntry),
}

/// What is left of a list once its entries went by.
pub(super) struct Around {
    pub(super) header: ListHeader,
    pub(super) layout: ListLayout,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// SHA-256 of the list.
    pub(super) id: [u8; 32],
    /// The digest of `tbsCertList`; none where the algorithm of the signature has none, or is not known.
    pub(super) digest: Option<Vec<u8>>,
}

/// The error for a reader or writer that failed.
pub(super) fn io_error(error: io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on the disk.",
        _ => "Look at the disk and at the permissions of the folder.",
    };
    let problem = format!("reading or writing failed: {}", error.kind());
    Error::unavailable("CRL index", problem).remedy(remedy)
}

/// Reads the list from `input` to its end. `started` is told how long its entries are, then `each` has them in order.
pub(super) fn stream(
    input: impl Read,
    started: impl FnOnce(usize),
    each: impl FnMut(Streamed<'_>) -> Result<()>,
) -> Result<Around> {
    let mut feed = Feed::new(input);
    feed.more()?;
    let layout = ListLayout::from_first(feed.rest())?;
    started(layout.entries.len());
    let mut digests = Digests::new(feed.rest(), layout.tbs.clone());
    if feed.rest().len() < CHUNK_BYTES {
        digests.update(feed.rest());
        let walked = walk(&mut feed, layout, each)?;
        return Ok(walked.digested(digests));
    }
    // The digests take as long as all the rest: each has a thread of its own.
    std::thread::scope(|scope| {
        let mut beside = |digest: Digest| {
            let (to_digest, chunks) = sync_channel(4);
            feed.digest_by(to_digest);
            scope.spawn(move || digest.all(&chunks))
        };
        let (list, tbs) = (beside(digests.list), digests.tbs.map(&mut beside));
        let walked = walk(&mut feed, layout, each);
        drop(feed);
        let ended = |_| Error::internal("digest", "ended in a panic");
        let list = list.join().map_err(ended)?;
        let tbs = tbs.map(|tbs| tbs.join().map_err(ended)).transpose()?;
        Ok(walked?.digested(Digests { list, tbs }))
    })
}

/// A chunk, and where in it the bytes begin that no chunk before had.
type Chunk = (Arc<Vec<u8>>, usize);

/// The bytes of the list, a chunk at a time.
struct Feed<R> {
    input: R,
    chunk: Arc<Vec<u8>>,
    at: usize,
    used: Vec<Arc<Vec<u8>>>,
    digesting: Vec<SyncSender<Chunk>>,
}

impl<R: Read> Feed<R> {
    fn new(input: R) -> Feed<R> {
        Feed {
            input,
            chunk: Arc::default(),
            at: 0,
            used: Vec::new(),
            digesting: Vec::new(),
        }
    }

    /// What was read and not taken yet.
    fn rest(&self) -> &[u8] {
        &self.chunk[self.at..]
    }

    fn take(&mut self, count: usize) {
        self.at += count;
    }

    fn digest_by(&mut self, digesting: SyncSender<Chunk>) {
        // The receiver lives until the sender is gone.
        let _ = digesting.send((self.chunk.clone(), 0));
        self.digesting.push(digesting);
    }

    /// Reads one more chunk behind what is left of this one; false at the end of the input.
    fn more(&mut self) -> Result<bool> {
        let free = self
            .used
            .iter_mut()
            .position(|used| Arc::get_mut(used).is_some());
        let mut next = free.map_or_else(Arc::default, |free| self.used.swap_remove(free));
        let bytes = Arc::make_mut(&mut next);
        bytes.clear();
        bytes.extend_from_slice(self.rest());
        let start = bytes.len();
        bytes.resize(start + CHUNK_BYTES, 0);
        let count = fill(&mut self.input, &mut bytes[start..]).map_err(io_error)?;
        bytes.truncate(start + count);
        for digesting in &self.digesting {
            let _ = digesting.send((next.clone(), start));
        }
        self.at = 0;
        self.used.push(std::mem::replace(&mut self.chunk, next));
        Ok(count > 0)
    }
}

fn fill(input: &mut impl Read, chunk: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < chunk.len() {
        match input.read(&mut chunk[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The digest of a part of the list.
struct Digest {
    hasher: Hasher,
    range: Range<usize>,
    at: usize,
}

impl Digest {
    fn new(algorithm: DigestAlgorithm, range: Range<usize>) -> Digest {
        Digest {
            hasher: Hasher::new(algorithm),
            range,
            at: 0,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        let within = |place: usize| place.saturating_sub(self.at).min(bytes.len());
        self.hasher
            .update(&bytes[within(self.range.start)..within(self.range.end)]);
        self.at += bytes.len();
    }

    fn all(mut self, chunks: &Receiver<Chunk>) -> Digest {
        while let Ok((chunk, start)) = chunks.recv() {
            self.update(&chunk[start..]);
        }
        self
    }
}

/// SHA-256 of the list, and the digest of `tbsCertList` by the algorithm of its signature.
struct Digests {
    list: Digest,
    tbs: Option<Digest>,
}

impl Digests {
    fn new(first: &[u8], range: Range<usize>) -> Digests {
        let signature = || -> Result<SignatureAlgorithm> {
            let mut fields = Reader::ber(first);
            fields.open(Tag::SEQUENCE, "CertificateList")?;
            fields.open(Tag::SEQUENCE, "tbsCertList")?;
            fields.optional(Tag::INTEGER, "version")?;
            SignatureAlgorithm::from_identifier(&fields.expect(Tag::SEQUENCE, "signature")?)
        };
        let algorithm = signature().ok().and_then(|algorithm| algorithm.digest());
        Digests {
            list: Digest::new(DigestAlgorithm::Sha256, 0..usize::MAX),
            tbs: algorithm.map(|algorithm| Digest::new(algorithm, range)),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.list.update(bytes);
        if let Some(tbs) = &mut self.tbs {
            tbs.update(bytes);
        }
    }
}

/// A list that was walked and waits for its digests.
struct Walked {
    layout: ListLayout,
    header: ListHeader,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Walked {
    fn digested(self, digests: Digests) -> Around {
        let mut id = [0; 32];
        id.copy_from_slice(&digests.list.hasher.finish());
        Around {
            header: self.header,
            layout: self.layout,
            before: self.before,
            after: self.after,
            id,
            digest: digests.tbs.map(|tbs| tbs.hasher.finish()),
        }
    }
}

fn ended() -> Error {
    Error::malformed("CertificateList", "ends before it says")
}

/// RFC 5280 §5.1.2.1: a version that is said is 2, which lets entries have extensions; [`ListLayout`] refuses others.
fn version(before: &[u8]) -> Result<u8> {
    let mut fields = Reader::ber(before);
    fields.open(Tag::SEQUENCE, "CertificateList")?;
    fields.open(Tag::SEQUENCE, "tbsCertList")?;
    Ok(if fields.peek() == Some(Tag::INTEGER) {
        2
    } else {
        1
    })
}

fn walk<R: Read>(
    feed: &mut Feed<R>,
    layout: ListLayout,
    each: impl FnMut(Streamed<'_>) -> Result<()>,
) -> Result<Walked> {
    let before = feed.rest()[..layout.before].to_vec();
    let version = version(&before)?;
    feed.take(layout.entries.start);
    walk_entries(feed, layout.entries.len(), version, each)?;
    let length = layout.length - layout.entries.end;
    if length > CHUNK_BYTES {
        return Err(Error::limit(
            "CertificateList",
            "has more than 256 KB after its entries",
        ));
    }
    while feed.rest().len() <= length && feed.more()? {}
    if feed.rest().len() > length {
        return Err(Error::malformed(
            "CertificateList",
            "has bytes after its end",
        ));
    }
    let after = feed.rest().to_vec();
    if after.len() < length {
        return Err(ended());
    }
    let header = ListHeader::from_parts(&before, &after)?;
    Ok(Walked {
        layout,
        header,
        before,
        after,
    })
}

fn walk_entries<R: Read>(
    feed: &mut Feed<R>,
    mut left: usize,
    version: u8,
    mut each: impl FnMut(Streamed<'_>) -> Result<()>,
) -> Result<()> {
    while left > 0 {
        let window = &feed.rest()[..left.min(feed.rest().len())];
        let taken = if let Some((size, serial, date, reason)) = plain(window, version) {
            each(Streamed::Plain(serial, date, reason))?;
            size
        } else {
            let size = other(window, left)?;
            if size > 0 {
                let entry = &window[..size];
                let listed = Entries::new(entry, version)
                    .next_entry()?
                    .ok_or_else(ended)?;
                each(Streamed::Other(entry, listed.serial, listed.read()?))?;
            }
            size
        };
        if taken == 0 && !feed.more()? {
            return Err(ended());
        }
        feed.take(taken);
        left -= taken;
    }
    Ok(())
}

/// The size of the entry at the beginning of `window`, 0 where it is not there to its end; `left` bytes of entries are left.
fn other(window: &[u8], left: usize) -> Result<usize> {
    // An identifier and a length have no more than 9 bytes here.
    if window.len() < left.min(9) {
        return Ok(0);
    }
    let mut reader = Reader::ber(window);
    let length = reader
        .open(Tag::SEQUENCE, "revokedCertificate")?
        .ok_or_else(|| Error::unsupported("revokedCertificate", "is of indefinite length"))?;
    let size = length.saturating_add(reader.position());
    if size > left {
        return Err(Error::malformed(
            "revokedCertificate",
            "is longer than all entries",
        ));
    }
    if size > CHUNK_BYTES {
        return Err(Error::limit("revokedCertificate", "has more than 256 KB"));
    }
    Ok(if size <= window.len() { size } else { 0 })
}

/// Reason codes as nearly all issuers write them: one extension, not critical.
const REASON: &[u8] = &[0x30, 12, 0x30, 10, 6, 3, 0x55, 0x1d, 0x15, 4, 3, 10, 1];

/// The entry at the beginning of `window`, where it is a short number, a UTCTime of 13 bytes, and at most a reason; with its
/// size. Every other entry, malformed ones too, is for the reader that knows all forms.
fn plain(window: &[u8], version: u8) -> Option<(usize, &[u8], i64, Option<RevocationReason>)> {
    let [0x30, length @ 0..0x80, rest @ ..] = window else {
        return None;
    };
    let [2, digits @ 1..=21, rest @ ..] = rest.get(..usize::from(*length))? else {
        return None;
    };
    let (serial, rest) = rest.split_at_checked(usize::from(*digits))?;
    let [0x17, 13, rest @ ..] = rest else {
        return None;
    };
    let (date, rest) = rest.split_first_chunk::<13>()?;
    let reason = match rest {
        [] => None,
        [first @ .., reason @ 0..0x80] if version > 1 && first == REASON => {
            Some(RevocationReason::from_number(u64::from(*reason)))
        }
        _ => return None,
    };
    Some((usize::from(*length) + 2, serial, seconds(date)?, reason))
}

/// Seconds since 1970 of `YYMMDDhhmmssZ`; none where it is anything else.
fn seconds(date: &[u8; 13]) -> Option<i64> {
    let pair = |at: usize| {
        let (tens, ones) = (date[at].wrapping_sub(b'0'), date[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| i64::from(tens * 10 + ones))
    };
    let year = pair(0)?;
    let year = year + if year < 50 { 2000 } else { 1900 };
    let (month, day) = (pair(2)?, pair(4)?);
    let (hour, minute, second) = (pair(6)?, pair(8)?, pair(10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    let sound = (1..=12).contains(&month)
        && (1..=days).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60
        && date[12] == b'Z';
    if !sound {
        return None;
    }
    // Days of the civil calendar, years beginning in March.
    let (march_year, march_month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let days =
        365 * march_year + march_year / 4 - march_year / 100 + march_year / 400 + day_of_year;
    Some((days - 719_468) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::syntax::asn1::Tlv;

    #[test]
    fn seconds_are_those_of_the_reader_of_all_times() {
        let mut sound = 0;
        let numbers = [
            0, 1, 2, 12, 13, 23, 24, 28, 29, 30, 31, 32, 49, 50, 59, 60, 99,
        ];
        let dates = numbers
            .iter()
            .flat_map(|y| (0..=13).flat_map(move |m| (0..=32).map(move |d| (*y, m, d))));
        for (year, month, day) in dates {
            for (hour, end) in [
                (0, "0000Z"),
                (23, "5959Z"),
                (24, "0000Z"),
                (1, "6000Z"),
                (1, "0060Z"),
                (1, "00000"),
            ] {
                let text = format!("{year:02}{month:02}{day:02}{hour:02}{end}");
                let element = [&[0x17, 13][..], text.as_bytes()].concat();
                let element = Tlv::whole(Reader::ber(&element), "t").unwrap();
                let expected = element.time().ok().map(|t| t.unix());
                assert_eq!(
                    seconds(text.as_bytes().try_into().unwrap()),
                    expected,
                    "{text}"
                );
                sound += usize::from(expected.is_some());
            }
        }
        assert!(sound > 10_000, "{sound}");
    }
}
