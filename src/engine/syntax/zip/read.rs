//! What is in an archive, read so that no two readers could see two different archives.
//!
//! APPNOTE.TXT §4.3. In: the whole archive and a budget. Out: entries in the order of the central directory, each
//! checked against its local header, none overlapping another, none with an unsafe or repeated name. Refused with a
//! reason: encryption, a ZIP64 directory, several disks, other methods, symbolic links, bytes that belong to no entry.

use super::name::{check_name, decode};
use super::{
    CENTRAL_HEADER, CENTRAL_HEADER_LENGTH, DATA_DESCRIPTOR, DEFLATED, END_RECORD,
    END_RECORD_LENGTH, FLAG_UTF8, LOCAL_HEADER, LOCAL_HEADER_LENGTH, STORED, crc32,
};
use crate::engine::{Budget, Error, Result};
use flate2::read::DeflateDecoder;
use std::borrow::Cow;
use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;

/// A ZIP archive over the bytes it was read from.
#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    entries: Vec<Entry>,
    comment: Range<usize>,
}

/// One entry of an [`Archive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Relative, with forward slashes; safe by [`check_name`]. A folder ends in `/`.
    pub name: String,
    /// Bytes of the content, as both headers say; checked when the content is read.
    pub size: u64,
    /// Where the archive holds the entry's data, as stored there.
    pub data: Range<usize>,
    /// Whether the data are deflated.
    pub deflated: bool,
    /// Whether the local header carries an extra field (forbidden to `mimetype`, EN 319 162-1 §A.1).
    pub extra_field: bool,
    crc: u32,
}

impl<'a> Archive<'a> {
    /// Reads the directory and every local header; contents are read one by one with [`Archive::content`].
    ///
    /// Errors: `Malformed` with the byte at fault, `Unsupported`, `LimitExceeded`. No name appears in them.
    pub fn read(bytes: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let end = EndRecord::find(bytes)?;
        let mut entries = Vec::new();
        let mut extents = Vec::new();
        let mut names = HashSet::new();
        let mut at = end.directory.start;
        for _ in 0..end.count {
            budget.step(1)?;
            let central = Header::central(bytes, at, end.directory.end)?;
            let (entry, extent) = central.resolve(bytes, end.directory.start)?;
            if !names.insert(entry.name.trim_end_matches('/').to_owned()) {
                return Err(broken(at, "a second entry of the same name"));
            }
            at = central.end;
            entries.push(entry);
            extents.push(extent);
        }
        if at != end.directory.end {
            return Err(broken(
                at,
                "the central directory holds more than its entries",
            ));
        }
        tile(extents, end.directory.start)?;
        Ok(Archive {
            bytes,
            entries,
            comment: end.comment,
        })
    }

    /// Every entry, folders included, in the order of the central directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of exactly this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.name == name)
    }

    /// The comment of the archive, which ASiC may use for the media type (EN 319 162-1 §A.1).
    pub fn comment(&self) -> &'a [u8] {
        self.bytes.get(self.comment.clone()).unwrap_or_default()
    }

    /// The content of an entry of this archive, inflated within the budget and checked against its CRC-32.
    ///
    /// Stored content is borrowed. Errors: `Malformed` where size or CRC-32 disagree, `LimitExceeded` for a bomb.
    pub fn content(&self, entry: &Entry, budget: &mut Budget) -> Result<Cow<'a, [u8]>> {
        let at = entry.data.start;
        let data = self
            .bytes
            .get(entry.data.clone())
            .ok_or_else(|| broken(at, "outside of the archive"))?;
        let content = if entry.deflated {
            budget.decoded(entry.size)?;
            Cow::Owned(inflate(data, entry.size).map_err(|problem| broken(at, problem))?)
        } else {
            Cow::Borrowed(data)
        };
        if crc32(&content) != entry.crc {
            return Err(broken(
                at,
                "the content does not have the CRC-32 of its header",
            ));
        }
        Ok(content)
    }
}

/// The end of central directory record (APPNOTE §4.3.16).
struct EndRecord {
    directory: Range<usize>,
    count: u16,
    comment: Range<usize>,
}

impl EndRecord {
    fn find(bytes: &[u8]) -> Result<Self> {
        let lowest = bytes
            .len()
            .saturating_sub(END_RECORD_LENGTH + usize::from(u16::MAX));
        let reaches_end = |at: &usize| {
            u32_at(bytes, *at) == Some(END_RECORD)
                && u16_at(bytes, at + 20)
                    .is_some_and(|n| at + END_RECORD_LENGTH + usize::from(n) == bytes.len())
        };
        let mut found = (lowest..bytes.len().saturating_sub(END_RECORD_LENGTH - 1))
            .rev()
            .filter(reaches_end);
        let at = found.next().ok_or_else(|| {
            Error::malformed(
                "ZIP archive",
                "no end of central directory record reaches the end of the file",
            )
            .remedy("Send the original file, whole.")
        })?;
        if let Some(other) = found.next() {
            return Err(broken(
                other,
                "two end of central directory records; readers would disagree",
            ));
        }
        EndRecord::read(bytes, at)
    }

    fn read(bytes: &[u8], at: usize) -> Result<Self> {
        let half = |n| u16_at(bytes, at + n).ok_or_else(|| truncated(at));
        let word = |n| u32_at(bytes, at + n).ok_or_else(|| truncated(at));
        let (count, size, offset) = (half(10)?, word(12)?, word(16)?);
        if u32_at(bytes, at.saturating_sub(20)) == Some(ZIP64_LOCATOR)
            || count == u16::MAX
            || offset == u32::MAX
        {
            return Err(Error::unsupported("ZIP archive", "ZIP64").at(at as u64));
        }
        if half(4)? != 0 || half(6)? != 0 || half(8)? != count {
            return Err(
                Error::unsupported("ZIP archive", "spread over several disks").at(at as u64),
            );
        }
        let directory = range(offset as usize, u64::from(size), at).ok_or_else(|| {
            broken(
                at,
                "the central directory does not fit before its end record",
            )
        })?;
        if directory.end != at {
            return Err(broken(
                at,
                "bytes between the central directory and its end record",
            ));
        }
        Ok(EndRecord {
            directory,
            count,
            comment: at + END_RECORD_LENGTH..bytes.len(),
        })
    }
}

/// The fields of a central or local header that must agree.
#[derive(Debug)]
struct Header<'a> {
    at: usize,
    end: usize,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u64,
    size: u64,
    /// Whether a ZIP64 extra field gives the sizes (APPNOTE §4.5.3).
    wide: bool,
    name: &'a [u8],
    extra: &'a [u8],
    local_at: usize,
    mode: u32,
}

impl<'a> Header<'a> {
    /// APPNOTE §4.3.12.
    fn central(bytes: &'a [u8], at: usize, limit: usize) -> Result<Self> {
        let mut header =
            Header::fields(bytes, at, CENTRAL_HEADER, 6, CENTRAL_HEADER_LENGTH, limit)?;
        let comment = u16_at(bytes, at + 32).ok_or_else(|| truncated(at))?;
        let disk = u16_at(bytes, at + 34).ok_or_else(|| truncated(at))?;
        let attributes = u32_at(bytes, at + 38).ok_or_else(|| truncated(at))?;
        let local_at = u32_at(bytes, at + 42).ok_or_else(|| truncated(at))?;
        if disk != 0 {
            return Err(Error::unsupported("ZIP entry", "spread over several disks").at(at as u64));
        }
        if local_at == u32::MAX {
            return Err(Error::unsupported("ZIP entry", "ZIP64 offset").at(at as u64));
        }
        header.end = range(header.end, u64::from(comment), limit)
            .ok_or_else(|| truncated(at))?
            .end;
        header.local_at = local_at as usize;
        // APPNOTE §4.4.2: the upper byte of "version made by" 3 means that the attributes hold a Unix mode.
        if u16_at(bytes, at + 4).is_some_and(|v| v >> 8 == 3) {
            header.mode = attributes >> 16;
        }
        Ok(header)
    }

    /// APPNOTE §4.3.7.
    fn local(bytes: &'a [u8], at: usize, limit: usize) -> Result<Self> {
        Header::fields(bytes, at, LOCAL_HEADER, 4, LOCAL_HEADER_LENGTH, limit)
    }

    /// The run of fields that both headers share begins `shared` bytes in, with "version needed".
    fn fields(
        bytes: &'a [u8],
        at: usize,
        signature: u32,
        shared: usize,
        length: usize,
        limit: usize,
    ) -> Result<Self> {
        let fixed = range(at, length as u64, limit).ok_or_else(|| truncated(at))?;
        let half = |n: usize| u16_at(bytes, at + shared + n).ok_or_else(|| truncated(at));
        let word = |n: usize| u32_at(bytes, at + shared + n).ok_or_else(|| truncated(at));
        if u32_at(bytes, at) != Some(signature) {
            return Err(broken(at, "no header where one is announced"));
        }
        let name = range(fixed.end, u64::from(half(22)?), limit).ok_or_else(|| truncated(at))?;
        let extra = range(name.end, u64::from(half(24)?), limit).ok_or_else(|| truncated(at))?;
        let mut header = Header {
            at,
            end: extra.end,
            flags: half(2)?,
            method: half(4)?,
            crc: word(10)?,
            compressed: word(14)?.into(),
            size: word(18)?.into(),
            wide: false,
            name: bytes.get(name).unwrap_or_default(),
            extra: bytes.get(extra).unwrap_or_default(),
            local_at: 0,
            mode: 0,
        };
        header.widen()?;
        Ok(header)
    }

    /// APPNOTE §4.5.3: sizes of all ones stand in the ZIP64 extra field, content size first.
    fn widen(&mut self) -> Result<()> {
        let mut field = extra_fields(self.extra)
            .find(|(id, _)| *id == ZIP64_SIZES)
            .map(|(_, f)| f);
        self.wide = field.is_some();
        for size in [&mut self.size, &mut self.compressed] {
            if *size == u64::from(u32::MAX) {
                let (first, rest) = field
                    .and_then(<[u8]>::split_first_chunk)
                    .ok_or_else(|| broken(self.at, "a ZIP64 size is announced and missing"))?;
                *size = u64::from_le_bytes(*first);
                field = Some(rest);
            }
        }
        Ok(())
    }

    /// The entry behind a central header, and the bytes of the archive that are its own.
    fn resolve(&self, bytes: &[u8], limit: usize) -> Result<(Entry, Range<usize>)> {
        self.supported()?;
        let local = Header::local(bytes, self.local_at, limit)?;
        if (local.flags, local.method, local.name) != (self.flags, self.method, self.name) {
            return Err(broken(
                local.at,
                "local and central header disagree on name, method or flags",
            ));
        }
        let streamed = self.flags & FLAG_DESCRIPTOR != 0;
        let agree = |told: u64, known: u64| told == known || (streamed && told == 0);
        if !(agree(local.crc.into(), self.crc.into())
            && agree(local.compressed, self.compressed)
            && agree(local.size, self.size))
        {
            return Err(broken(
                local.at,
                "local and central header disagree on size or CRC-32",
            ));
        }
        let data = range(local.end, self.compressed, limit).ok_or_else(|| truncated(local.at))?;
        if self.method == STORED && self.compressed != self.size {
            return Err(broken(self.at, "stored with a size of its own"));
        }
        let end = if streamed {
            self.descriptor_end(bytes, data.end, local.wide, limit)?
        } else {
            data.end
        };
        let name = self.safe_name()?;
        if name.ends_with('/') && self.size != 0 {
            return Err(broken(self.at, "a folder with content"));
        }
        let entry = Entry {
            name,
            size: self.size,
            data,
            deflated: self.method == DEFLATED,
            extra_field: !local.extra.is_empty(),
            crc: self.crc,
        };
        Ok((entry, self.local_at..end))
    }

    /// Where the data descriptor ends (APPNOTE §4.3.9); its signature is optional, its sizes are of 8 bytes in ZIP64.
    fn descriptor_end(&self, bytes: &[u8], at: usize, wide: bool, limit: usize) -> Result<usize> {
        let mut expected = self.crc.to_le_bytes().to_vec();
        for size in [self.compressed, self.size] {
            expected.extend_from_slice(
                size.to_le_bytes()
                    .get(..if wide { 8 } else { 4 })
                    .unwrap_or_default(),
            );
        }
        let signed = [&DATA_DESCRIPTOR.to_le_bytes()[..], &expected].concat();
        let rest = bytes.get(at..limit).unwrap_or_default();
        [signed, expected]
            .iter()
            .find(|d| rest.starts_with(d))
            .map(|d| at + d.len())
            .ok_or_else(|| broken(at, "data descriptor and central header disagree"))
    }

    fn supported(&self) -> Result<()> {
        let refuse = |problem: &'static str| {
            Err(Error::unsupported("ZIP entry", problem).at(self.at as u64))
        };
        if self.flags & FLAGS_ENCRYPTED != 0 {
            return refuse("encrypted");
        }
        if self.method != STORED && self.method != DEFLATED {
            return refuse("compressed by a method other than stored and deflate");
        }
        if self.mode & FILE_TYPE == SYMBOLIC_LINK {
            return refuse("a symbolic link");
        }
        Ok(())
    }

    /// The name, where header and Unicode path extra field (APPNOTE §4.6.9) do not tell two.
    fn safe_name(&self) -> Result<String> {
        let place = |e: Error| e.at(self.at as u64);
        let name = decode(self.name, self.flags & FLAG_UTF8 != 0).map_err(place)?;
        let name = match unicode_path(self.extra, self.name) {
            Some(path) if std::str::from_utf8(self.name).is_ok_and(|n| n.as_bytes() != path) => {
                return Err(broken(self.at, "header and extra field tell two names"));
            }
            Some(path) => decode(path, true).map_err(place)?,
            None => name,
        };
        check_name(&name).map_err(place)?;
        Ok(name)
    }
}

const ZIP64_LOCATOR: u32 = 0x0706_4b50;
/// Bit 3: sizes and CRC-32 follow the data (APPNOTE §4.4.4).
const FLAG_DESCRIPTOR: u16 = 1 << 3;
/// Bits 0, 6 and 13: encrypted, strong encryption, masked headers.
const FLAGS_ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
const FILE_TYPE: u32 = 0o170_000;
const SYMBOLIC_LINK: u32 = 0o120_000;
const ZIP64_SIZES: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;

/// The name of a Unicode path extra field that was made for this header name.
fn unicode_path<'a>(extra: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    extra_fields(extra)
        .filter(|(id, field)| {
            *id == UNICODE_PATH
                && field.first() == Some(&1)
                && u32_at(field, 1) == Some(crc32(name))
        })
        .find_map(|(_, field)| field.get(5..))
}

/// The well-formed beginning of a run of extra fields: identifier and content (APPNOTE §4.5.1).
fn extra_fields(mut extra: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (id, length) = (u16_at(extra, 0)?, usize::from(u16_at(extra, 2)?));
        let field = extra.get(4..4 + length)?;
        extra = extra.get(4 + length..)?;
        Some((id, field))
    })
}

/// Whether the entries fill the archive up to its directory: nothing overlaps, nothing lies between.
fn tile(mut extents: Vec<Range<usize>>, end: usize) -> Result<()> {
    extents.sort_by_key(|e| e.start);
    let mut at = 0;
    for extent in extents {
        if extent.start < at {
            return Err(broken(extent.start, "two entries share bytes"));
        }
        if extent.start > at {
            return Err(broken(at, "bytes that belong to no entry"));
        }
        at = extent.end;
    }
    if at != end {
        return Err(broken(at, "bytes that belong to no entry"));
    }
    Ok(())
}

fn inflate(data: &[u8], size: u64) -> Result<Vec<u8>, &'static str> {
    // Deflate cannot make more than 1032 bytes from one, so a false size cannot reserve much.
    let reserve = size.min((data.len() as u64).saturating_mul(1032));
    let mut out = Vec::with_capacity(usize::try_from(reserve).unwrap_or(0));
    let mut decoder = DeflateDecoder::new(data);
    let read = decoder
        .by_ref()
        .take(size.saturating_add(1))
        .read_to_end(&mut out);
    match read {
        Err(_) => Err("the deflated data are damaged"),
        Ok(n) if n as u64 != size => Err("the content does not have the size of its header"),
        Ok(_) if decoder.total_in() != data.len() as u64 => Err("bytes after the deflated data"),
        Ok(_) => Ok(out),
    }
}

/// `length` bytes from `start`, where they end by `limit`.
fn range(start: usize, length: u64, limit: usize) -> Option<Range<usize>> {
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= limit).then_some(start..end)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn broken(at: usize, problem: &'static str) -> Error {
    Error::malformed("ZIP archive", problem).at(at as u64)
}

fn truncated(at: usize) -> Error {
    broken(at, "ends within a header or an entry")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::syntax::zip::Writer;
    use crate::engine::{ErrorKind, Limits};

    fn sample() -> Vec<u8> {
        let mut zip = Writer::new(jiff::civil::date(2026, 1, 2).at(3, 4, 6, 0));
        zip.stored("mimetype", b"application/vnd.etsi.asic-e+zip")
            .unwrap();
        zip.add("a/texto", &[b'x'; 5000]).unwrap();
        zip.stored("b", b"content").unwrap();
        zip.finish().unwrap()
    }

    fn whole(bytes: &[u8]) -> Result<usize> {
        let mut budget = Limits {
            decoded_bytes: 1 << 20,
            ..Limits::default()
        }
        .budget();
        let archive = Archive::read(bytes, &mut budget)?;
        let mut total = 0;
        for entry in archive.entries() {
            total += archive.content(entry, &mut budget)?.len();
        }
        Ok(total)
    }

    fn refused(bytes: &[u8]) -> String {
        whole(bytes).expect_err("must be refused").to_string()
    }

    /// The offset of the n-th central header.
    fn central(bytes: &[u8], n: usize) -> usize {
        let signature = CENTRAL_HEADER.to_le_bytes();
        bytes
            .windows(4)
            .enumerate()
            .filter(|(_, w)| *w == signature)
            .nth(n)
            .unwrap()
            .0
    }

    #[test]
    fn a_folder_holds_nothing_itself() {
        let mut zip = Writer::new(jiff::civil::date(2026, 1, 2).at(3, 4, 6, 0));
        zip.stored("folder1", b"hidden").unwrap();
        let mut bytes = zip.finish().unwrap();
        for at in [
            LOCAL_HEADER_LENGTH,
            central(&bytes, 0) + CENTRAL_HEADER_LENGTH,
        ] {
            bytes[at + 6] = b'/';
        }
        assert!(refused(&bytes).contains("a folder with content"));
    }

    #[test]
    fn no_flipped_byte_and_no_cut_panics_or_changes_a_content() {
        let good = sample();
        let total = whole(&good).unwrap();
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xFF] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                if let Ok(n) = whole(&bad) {
                    assert_eq!(n, total, "byte {at}");
                }
            }
            assert!(whole(&good[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn headers_that_disagree_are_refused() {
        let mut bad = sample();
        bad[30] = b'M';
        assert!(refused(&bad).contains("disagree on name"));
        let mut bad = sample();
        bad[14] ^= 1;
        assert!(refused(&bad).contains("disagree on size or CRC-32"));
    }

    #[test]
    fn junk_before_between_and_after_is_refused() {
        let good = sample();
        assert!(refused(&[b"MZ", &good[..]].concat()).contains("end record"));
        assert!(refused(&[&good[..], b"x"].concat()).contains("no end of central directory"));
        let mut directory_moved = good.clone();
        let at = central(&good, 0);
        directory_moved.insert(at, 0);
        let end = directory_moved.len() - 6;
        let offset = u32_at(&directory_moved, end).unwrap() + 1;
        directory_moved[end..end + 4].copy_from_slice(&offset.to_le_bytes());
        assert!(refused(&directory_moved).contains("belong to no entry"));
    }

    #[test]
    fn two_entries_over_the_same_bytes_are_refused() {
        let mut bad = sample();
        let (second, third) = (central(&bad, 1), central(&bad, 2));
        let offset: [u8; 4] = bad[second + 42..second + 46].try_into().unwrap();
        bad[third + 42..third + 46].copy_from_slice(&offset);
        assert!(refused(&bad).contains("disagree"));
        // The same name twice in the directory, over the same local header.
        let good = sample();
        let (second, third) = (central(&good, 1), central(&good, 2));
        let mut twice = good[..third].to_vec();
        twice.extend_from_slice(&good[second..third]);
        let directory = central(&good, 0);
        let mut end = good[good.len() - 22..].to_vec();
        end[12..16].copy_from_slice(&((twice.len() - directory) as u32).to_le_bytes());
        twice.extend_from_slice(&end);
        assert!(refused(&twice).contains("same name"));
    }

    #[test]
    fn what_the_reader_does_not_do_is_said() {
        let (method, flags) = (10, 8);
        for (offset_central, offset_local, value, word) in
            [(method, 8, 12u16, "method"), (flags, 6, 1, "encrypted")]
        {
            let mut bad = sample();
            let at = central(&bad, 0);
            bad[at + offset_central..at + offset_central + 2].copy_from_slice(&value.to_le_bytes());
            bad[offset_local..offset_local + 2].copy_from_slice(&value.to_le_bytes());
            let error = whole(&bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(word), "{error}");
        }
        let mut link = sample();
        let at = central(&link, 0);
        link[at + 41] = 0xA1;
        assert!(refused(&link).contains("symbolic link"));
        let mut disks = sample();
        let at = disks.len() - 18;
        disks[at] = 1;
        assert!(refused(&disks).contains("several disks"));
        let mut big = sample();
        let at = central(&big, 1);
        big[at + 20..at + 24].fill(0xFF);
        assert!(refused(&big).contains("ZIP64"));
        let mut far = sample();
        far[at + 42..at + 46].fill(0xFF);
        assert!(refused(&far).contains("ZIP64"));
    }

    #[test]
    fn a_bomb_meets_its_budget_before_its_memory() {
        let mut zip = Writer::new(jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0));
        zip.add("bomb", &vec![0; 2 << 20]).unwrap();
        let bytes = zip.finish().unwrap();
        assert!(bytes.len() < 4000);
        assert_eq!(whole(&bytes).unwrap_err().kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn a_false_size_is_refused() {
        let mut bad = sample();
        let at = central(&bad, 1);
        let local = u32_at(&bad, at + 42).unwrap() as usize;
        for place in [at + 24, local + 22] {
            bad[place..place + 4].copy_from_slice(&4999u32.to_le_bytes());
        }
        assert!(refused(&bad).contains("size of its header"));
    }

    #[test]
    fn a_streamed_entry_needs_a_descriptor_that_agrees() {
        let good = streamed(true);
        assert_eq!(whole(&good).unwrap(), 5);
        assert_eq!(whole(&streamed(false)).unwrap(), 5);
        let mut bad = good;
        let at = bad
            .windows(4)
            .position(|w| w == DATA_DESCRIPTOR.to_le_bytes())
            .unwrap();
        bad[at + 4] ^= 1;
        assert!(refused(&bad).contains("descriptor"));
    }

    #[test]
    fn a_zip64_size_of_one_entry_is_read() {
        assert_eq!(whole(&wide(5)).unwrap(), 5);
        assert!(refused(&wide(6)).contains("disagree"));
        assert!(whole(&wide(u64::MAX)).is_err());
        let mut bad = wide(5);
        bad[31] = 9; // another extra field than ZIP64
        assert!(refused(&bad).contains("ZIP64 size"));
    }

    /// One stored entry `a` whose local header has its sizes in a ZIP64 extra field.
    fn wide(size: u64) -> Vec<u8> {
        let mut zip = Writer::new(jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0));
        zip.stored("a", b"hello").unwrap();
        let good = zip.finish().unwrap();
        let directory = central(&good, 0);
        let mut out = good[..31].to_vec();
        out[18..26].fill(0xFF);
        out[28] = 20;
        out.extend_from_slice(&[1, 0, 16, 0]);
        out.extend_from_slice(&[size.to_le_bytes(), size.to_le_bytes()].concat());
        out.extend_from_slice(&good[31..directory]);
        let moved = out.len() as u32;
        out.extend_from_slice(&good[directory..]);
        let offset = out.len() - 6;
        out[offset..offset + 4].copy_from_slice(&moved.to_le_bytes());
        out
    }

    /// One stored entry `a` whose sizes follow its data.
    fn streamed(signature: bool) -> Vec<u8> {
        let mut zip = Writer::new(jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0));
        zip.stored("a", b"hello").unwrap();
        let good = zip.finish().unwrap();
        let directory = central(&good, 0);
        let mut out = good[..directory].to_vec();
        out[6] |= 8;
        let sizes = good[14..26].to_vec();
        out[14..26].fill(0);
        if signature {
            out.extend_from_slice(&DATA_DESCRIPTOR.to_le_bytes());
        }
        out.extend_from_slice(&sizes);
        let moved = out.len() as u32;
        out.extend_from_slice(&good[directory..]);
        let at = central(&out, 0);
        out[at + 8] |= 8;
        let offset = out.len() - 6;
        out[offset..offset + 4].copy_from_slice(&moved.to_le_bytes());
        out
    }
}
