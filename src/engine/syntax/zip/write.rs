//! A new archive: the same bytes for the same input, on every machine.
//!
//! APPNOTE.TXT §4.3. In: names and contents in order, and one civil time for all. Out: an archive without extra fields,
//! comments or data descriptors. EN 319 162-1 §A.1: `mimetype` goes first, stored, without an extra field.

use super::{
    CENTRAL_HEADER, DEFLATED, END_RECORD, FLAG_UTF8, LOCAL_HEADER, STORED, check_name, crc32,
};
use crate::engine::{Error, Result};
use flate2::{Compression, write::DeflateEncoder};
use jiff::civil::DateTime;
use std::collections::HashSet;
use std::io::Write;

/// Writes an archive into memory.
///
/// ```
/// use rubrica::engine::syntax::zip::Writer;
/// let mut zip = Writer::new(jiff::civil::date(2026, 11, 24).at(9, 30, 0, 0));
/// zip.stored("mimetype", b"application/vnd.etsi.asic-e+zip")?;
/// zip.add("justificante.pdf", b"%PDF-1.7")?;
/// assert!(zip.finish()?.starts_with(b"PK\x03\x04"));
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    time: u16,
    date: u16,
    body: Vec<u8>,
    directory: Vec<u8>,
    names: HashSet<String>,
}

impl Writer {
    /// An empty archive whose entries all carry `modified`, to the two seconds that the format keeps (1980 to 2107).
    pub fn new(modified: DateTime) -> Self {
        let (date, time) = dos(modified);
        Writer {
            time,
            date,
            body: Vec::new(),
            directory: Vec::new(),
            names: HashSet::new(),
        }
    }

    /// Adds `content` uncompressed. Errors: an unsafe or repeated name; more than the format holds.
    pub fn stored(&mut self, name: &str, content: &[u8]) -> Result<()> {
        self.entry(name, STORED, content, content)
    }

    /// Adds `content`, deflated where that is smaller. Errors as [`Writer::stored`].
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let deflated = deflate(content)?;
        if deflated.len() < content.len() {
            self.entry(name, DEFLATED, content, &deflated)
        } else {
            self.entry(name, STORED, content, content)
        }
    }

    /// The whole archive. Errors: more than the format holds without ZIP64.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        let count = u16::try_from(self.names.len()).map_err(|_| too_large())?;
        let (offset, length) = (size(self.body.len())?, size(self.directory.len())?);
        self.body.append(&mut self.directory);
        let end = &mut self.body;
        put32(end, END_RECORD);
        for field in [0, 0, count, count] {
            put16(end, field);
        }
        put32(end, length);
        put32(end, offset);
        put16(end, 0);
        Ok(self.body)
    }

    fn entry(&mut self, name: &str, method: u16, content: &[u8], data: &[u8]) -> Result<()> {
        check_name(name)?;
        if self.names.len() >= usize::from(u16::MAX) - 1 {
            return Err(too_large());
        }
        if !self.names.insert(name.to_owned()) {
            return Err(Error::invalid("ZIP entry name", "given twice"));
        }
        let offset = size(self.body.len())?;
        let common = self.common(name, method, content, data)?;
        put32(&mut self.body, LOCAL_HEADER);
        self.body.extend_from_slice(&common);
        self.body.extend_from_slice(name.as_bytes());
        self.body.extend_from_slice(data);
        self.directory_entry(name, &common, offset);
        Ok(())
    }

    /// The fields that local and central header share: version needed … extra field length.
    fn common(&self, name: &str, method: u16, content: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(26);
        let flags = if name.is_ascii() { 0 } else { FLAG_UTF8 };
        for field in [20, flags, method, self.time, self.date] {
            put16(&mut out, field);
        }
        for field in [crc32(content), size(data.len())?, size(content.len())?] {
            put32(&mut out, field);
        }
        put16(
            &mut out,
            u16::try_from(name.len()).map_err(|_| too_large())?,
        );
        put16(&mut out, 0);
        Ok(out)
    }

    fn directory_entry(&mut self, name: &str, common: &[u8], offset: u32) {
        let out = &mut self.directory;
        put32(out, CENTRAL_HEADER);
        put16(out, MADE_BY_UNIX);
        out.extend_from_slice(common);
        for field in [0, 0, 0] {
            put16(out, field); // comment length, disk, internal attributes
        }
        put32(out, REGULAR_FILE);
        put32(out, offset);
        out.extend_from_slice(name.as_bytes());
    }
}

/// APPNOTE §4.4.2: Unix, version 2.0.
const MADE_BY_UNIX: u16 = 0x0314;
/// The upper half holds the Unix mode: a regular file, 0644.
const REGULAR_FILE: u32 = 0o100_644 << 16;

fn deflate(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .map_err(|_| Error::internal("ZIP entry", "deflate failed"))
}

/// The date and time words of APPNOTE §4.4.6, held within what they can say.
fn dos(t: DateTime) -> (u16, u16) {
    let word = |n: i8| u16::try_from(n).unwrap_or(0);
    let year = u16::try_from(t.year().clamp(1980, 2107) - 1980).unwrap_or(0);
    (
        (year << 9) | (word(t.month()) << 5) | word(t.day()),
        (word(t.hour()) << 11) | (word(t.minute()) << 5) | (word(t.second()) / 2),
    )
}

fn put16(out: &mut Vec<u8>, n: u16) {
    out.extend_from_slice(&n.to_le_bytes());
}

fn put32(out: &mut Vec<u8>, n: u32) {
    out.extend_from_slice(&n.to_le_bytes());
}

/// A length or offset; 0xFFFFFFFF itself would mean ZIP64.
fn size(n: usize) -> Result<u32> {
    u32::try_from(n)
        .ok()
        .filter(|n| *n < u32::MAX)
        .ok_or_else(too_large)
}

fn too_large() -> Error {
    Error::limit("ZIP archive", "more than 4 GiB or 65,534 entries")
        .remedy("Leave the attachments out of the archive; their digests stay in it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Budget;
    use crate::engine::syntax::zip::Archive;

    fn sample() -> Vec<u8> {
        let mut zip = Writer::new(jiff::civil::date(2026, 10, 25).at(2, 30, 59, 0));
        zip.stored("mimetype", b"application/vnd.etsi.asic-e+zip")
            .unwrap();
        zip.add("texto.txt", &b"hola ".repeat(1000)).unwrap();
        zip.add("año/l·l.bin", b"\x01\x02").unwrap();
        zip.finish().unwrap()
    }

    #[test]
    fn the_media_type_stands_at_byte_38() {
        let zip = sample();
        assert_eq!(&zip[30..38], b"mimetype");
        assert_eq!(&zip[38..69], b"application/vnd.etsi.asic-e+zip");
        assert_eq!(zip, sample(), "same input, same bytes");
    }

    #[test]
    fn what_is_written_reads_back() {
        let bytes = sample();
        let mut budget = Budget::default();
        let archive = Archive::read(&bytes, &mut budget).unwrap();
        let names: Vec<_> = archive.entries().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["mimetype", "texto.txt", "año/l·l.bin"]);
        let text = archive.content(&archive.entries()[1], &mut budget).unwrap();
        assert_eq!(&*text, b"hola ".repeat(1000));
        assert!(bytes.len() < 1000, "the text is deflated");
    }

    #[test]
    fn an_empty_archive_is_an_archive() {
        let bytes = Writer::new(DateTime::MIN).finish().unwrap();
        assert!(
            Archive::read(&bytes, &mut Budget::default())
                .unwrap()
                .entries()
                .is_empty()
        );
    }

    #[test]
    fn a_name_given_twice_or_unsafe_is_refused() {
        let mut zip = Writer::new(DateTime::MAX);
        zip.stored("a", b"").unwrap();
        assert!(zip.stored("a", b"").is_err());
        assert!(zip.add("../a", b"").is_err());
    }
}
