//! Cross-reference sections: tables, streams, and the two together in hybrid files.
//!
//! ISO 32000-2 §7.5.4, §7.5.5, §7.5.8. In: the file and the offset of one section; out: a [`Section`] that answers where
//! an object stands. Entries are read when asked for, from the file or the decoded stream, so that a table of millions
//! costs nothing until it is used. Not here: following /Prev (`document.rs`), guessing where a table is damaged
//! (`recovery.rs`).

use super::filter;
use super::object::{Dictionary, Object};
use super::parser::Parser;
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;

/// ISO 32000-1 annex C, table C.1: the greatest number of indirect objects, 8,388,607.
pub(super) const OBJECTS: u64 = 8_388_607;
/// `nnnnnnnnnn ggggg n` and two bytes of end of line.
const LINE: usize = 20;

/// Where one object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Nowhere: the number is free.
    Free,
    /// At a byte of the file.
    File {
        /// Counted from the file's first byte.
        offset: usize,
        /// The generation that must stand there.
        generation: u16,
    },
    /// In an object stream.
    ObjectStream {
        /// The stream's object number.
        container: u32,
        /// The object's index in it.
        index: u32,
    },
}

impl Place {
    /// Is it this byte of the file?
    pub(super) fn is_at(self, at: usize) -> bool {
        matches!(self, Place::File { offset, .. } if offset == at)
    }
}

/// How a section is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `xref` … `trailer`.
    Table,
    /// A stream of `/Type /XRef`.
    Stream,
}

#[derive(Debug)]
enum Entries {
    /// Lines of 20 bytes from this offset of the file.
    Lines(usize),
    /// Read one by one, because the lines have another length.
    Read(Vec<Place>),
    /// Fields of the section's decoded data from this offset.
    Fields(usize),
}

#[derive(Debug)]
struct Subsection {
    first: u32,
    count: u32,
    entries: Entries,
}

/// One cross-reference section with its trailer.
#[derive(Debug)]
pub struct Section {
    style: Style,
    offset: usize,
    end: usize,
    trailer: Dictionary,
    subsections: Vec<Subsection>,
    widths: [usize; 3],
    data: Vec<u8>,
    hidden: Option<Box<Section>>,
}

fn malformed(problem: impl Into<String>, offset: usize) -> Error {
    Error::malformed("PDF cross-reference", problem.into()).at(offset as u64)
}

impl Section {
    /// Reads the section at `offset`; numbers in it count from `base`, the file's header.
    pub(super) fn read(
        bytes: &[u8],
        base: usize,
        offset: usize,
        budget: &mut Budget,
    ) -> Result<Self> {
        let mut parser = Parser::new(bytes, offset, budget);
        if !parser.take_keyword(b"xref")? {
            return Section::read_stream(bytes, offset, budget);
        }
        let mut section = Section::read_table(bytes, base, offset, parser)?;
        if let Some(hidden) = section.trailer.get("XRefStm") {
            let at = placed(bytes, base, hidden)
                .ok_or_else(|| malformed("/XRefStm leads out of the file", offset))?;
            section.hidden = Some(Box::new(Section::read_stream(bytes, at, budget)?));
        }
        Ok(section)
    }

    /// §7.5.4, after the keyword.
    fn read_table(
        bytes: &[u8],
        base: usize,
        offset: usize,
        mut parser: Parser<'_, '_>,
    ) -> Result<Self> {
        let mut subsections = Vec::new();
        while let Some(first) = parser.take_unsigned()? {
            let count = parser.expect_unsigned()?;
            let (first, count) = bounded(first, count)
                .ok_or_else(|| malformed("impossible object numbers", parser.position()))?;
            let entries = read_lines(bytes, base, count, &mut parser)?;
            subsections.push(Subsection {
                first,
                count,
                entries,
            });
        }
        parser.expect_keyword("trailer")?;
        let Object::Dictionary(trailer) = parser.object()? else {
            return Err(Error::malformed("PDF trailer", "it is no dictionary").at(offset as u64));
        };
        Section {
            style: Style::Table,
            offset,
            end: parser.position(),
            trailer,
            subsections,
            widths: [0; 3],
            data: Vec::new(),
            hidden: None,
        }
        .sorted()
    }

    /// §7.5.8: `/W` gives the widths of the three fields, `/Index` the subsections.
    fn read_stream(bytes: &[u8], offset: usize, budget: &mut Budget) -> Result<Self> {
        let mut parser = Parser::new(bytes, offset, budget);
        parser.object_header()?;
        let Object::Dictionary(trailer) = parser.object()? else {
            return Err(malformed(
                "there is no cross-reference section here",
                offset,
            ));
        };
        if !trailer.get("Type").is_some_and(|t| t.is_name("XRef"))
            || parser.stream_start()?.is_none()
        {
            return Err(malformed(
                "there is no cross-reference section here",
                offset,
            ));
        }
        // "The values of all entries shown in table 17 shall be direct objects": so is /Length here.
        let length = trailer
            .get("Length")
            .and_then(Object::as_integer)
            .and_then(|l| u64::try_from(l).ok())
            .ok_or_else(|| malformed("/Length must be a direct number", offset))?;
        let encoded = parser.stream_data(length)?;
        parser.expect_keyword("endobj")?;
        let end = parser.position();
        let widths = widths(&trailer).ok_or_else(|| malformed("impossible /W", offset))?;
        let width: usize = widths.iter().sum();
        let mut subsections = Vec::new();
        let mut start = 0;
        for (first, count) in index(&trailer)
            .ok_or_else(|| malformed("impossible /Index or /Size", offset))?
            .into_iter()
            .filter(|(_, count)| *count > 0)
        {
            subsections.push(Subsection {
                first,
                count,
                entries: Entries::Fields(start),
            });
            start += width * count as usize;
        }
        if start as u64 > (OBJECTS + 1) * width as u64 {
            return Err(malformed(
                "more entries than a file may have objects",
                offset,
            ));
        }
        let filters = filter::filters(&trailer, |o| Ok(o.clone()))?;
        // A few bytes more than announced do no harm; the limit only stops a bomb.
        let limit = start.saturating_mul(2).saturating_add(1 << 16);
        let data = bytes.get(encoded).unwrap_or_default();
        let data = filter::decode(data, &filters, limit, budget)?;
        if data.len() < start {
            return Err(malformed(
                "the stream has fewer entries than it announces",
                offset,
            ));
        }
        Section {
            style: Style::Stream,
            offset,
            end,
            trailer,
            subsections,
            widths,
            data,
            hidden: None,
        }
        .sorted()
    }

    /// Puts the subsections in order for look-up, and refuses a number that is listed twice: readers differ in which
    /// of the two they take.
    fn sorted(mut self) -> Result<Self> {
        self.subsections.retain(|s| s.count > 0);
        self.subsections.sort_by_key(|s| s.first);
        let twice = self
            .subsections
            .windows(2)
            .any(|w| u64::from(w[0].first) + u64::from(w[0].count) > u64::from(w[1].first));
        if twice {
            return Err(malformed("one object is listed twice", self.offset));
        }
        Ok(self)
    }

    /// How it is written.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Its first byte in the file.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The byte after its trailer dictionary, or after `endobj`.
    pub fn end(&self) -> usize {
        self.end
    }

    /// Its trailer, or the dictionary of the stream.
    pub fn trailer(&self) -> &Dictionary {
        &self.trailer
    }

    /// Is it a table with a stream beside it (§7.5.8.4)?
    pub fn is_hybrid(&self) -> bool {
        self.hidden.is_some()
    }

    /// One more than the greatest number listed.
    pub(super) fn highest(&self) -> u64 {
        let own = self
            .subsections
            .last()
            .map_or(0, |s| u64::from(s.first) + u64::from(s.count));
        own.max(self.hidden.as_ref().map_or(0, |h| h.highest()))
    }

    /// Where the section says that the object is; `None` where it does not mention it.
    ///
    /// In a hybrid section the table comes first and the stream gives the objects that the table hides as free
    /// (§7.5.8.4).
    pub(super) fn find(&self, bytes: &[u8], base: usize, number: u32) -> Result<Option<Place>> {
        let own = self.find_here(bytes, base, number)?;
        match (&own, &self.hidden) {
            (None | Some(Place::Free), Some(hidden)) => {
                Ok(hidden.find_here(bytes, base, number)?.or(own))
            }
            _ => Ok(own),
        }
    }

    fn find_here(&self, bytes: &[u8], base: usize, number: u32) -> Result<Option<Place>> {
        let after = self.subsections.partition_point(|s| s.first <= number);
        let Some(subsection) = after.checked_sub(1).and_then(|i| self.subsections.get(i)) else {
            return Ok(None);
        };
        let index = number - subsection.first;
        if index >= subsection.count {
            return Ok(None);
        }
        self.entry(bytes, base, subsection, index as usize)
            .map(Some)
    }

    fn entry(
        &self,
        bytes: &[u8],
        base: usize,
        subsection: &Subsection,
        index: usize,
    ) -> Result<Place> {
        match &subsection.entries {
            Entries::Read(places) => Ok(places.get(index).copied().unwrap_or(Place::Free)),
            Entries::Lines(start) => {
                let at = start + LINE * index;
                line(bytes, base, at).ok_or_else(|| malformed("an entry is malformed", at))
            }
            Entries::Fields(start) => {
                let width: usize = self.widths.iter().sum();
                let at = start + width * index;
                self.data
                    .get(at..at + width)
                    .and_then(|fields| self.place(fields, base))
                    .ok_or_else(|| malformed("an entry of the stream is malformed", self.offset))
            }
        }
    }

    /// §7.5.8.3, table 18. "Any other value shall be interpreted as a reference to the null object".
    fn place(&self, fields: &[u8], base: usize) -> Option<Place> {
        let (kind, rest) = fields.split_at_checked(self.widths[0])?;
        let (second, third) = rest.split_at_checked(self.widths[1])?;
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |v, b| v << 8 | u64::from(*b));
        let kind = if kind.is_empty() { 1 } else { number(kind) };
        Some(match kind {
            1 => Place::File {
                offset: usize::try_from(number(second)).ok()?.checked_add(base)?,
                generation: u16::try_from(number(third)).ok()?,
            },
            2 => Place::ObjectStream {
                container: u32::try_from(number(second)).ok()?,
                index: u32::try_from(number(third)).ok()?,
            },
            _ => Place::Free,
        })
    }

    /// Every number that the section lists, each once, with where it says the object is.
    pub(super) fn listed(
        &self,
        bytes: &[u8],
        base: usize,
        budget: &mut Budget,
    ) -> Result<Vec<(u32, Place)>> {
        let mut all = Vec::new();
        for subsection in &self.subsections {
            budget.step(u64::from(subsection.count))?;
            for index in 0..subsection.count {
                let number = subsection.first + index;
                if let Some(place) = self.find(bytes, base, number)? {
                    all.push((number, place));
                }
            }
        }
        if let Some(hidden) = &self.hidden {
            for (number, place) in hidden.listed(bytes, base, budget)? {
                if self.find_here(bytes, base, number)?.is_none() {
                    all.push((number, place));
                }
            }
        }
        Ok(all)
    }
}

/// The entries of one subsection of a table, and the parser after them.
fn read_lines(
    bytes: &[u8],
    base: usize,
    count: u32,
    parser: &mut Parser<'_, '_>,
) -> Result<Entries> {
    parser.skip_white_space()?;
    let start = parser.position();
    let length = (count as usize).saturating_mul(LINE);
    if count > 0
        && let Some(end) = start.checked_add(length).filter(|e| *e <= bytes.len())
        && line(bytes, base, start).is_some()
        && line(bytes, base, end - LINE).is_some()
        && bytes
            .get(end)
            .is_some_and(|b| b.is_ascii_digit() || *b == b't')
    {
        parser.seek(end);
        return Ok(Entries::Lines(start));
    }
    let mut places = Vec::new();
    for _ in 0..count {
        let offset = parser.expect_unsigned()?;
        let generation = parser.expect_unsigned()?;
        let place = if parser.take_keyword(b"f")? {
            Place::Free
        } else {
            parser.expect_keyword("n")?;
            in_use(base, offset, generation)
                .ok_or_else(|| malformed("an entry is malformed", parser.position()))?
        };
        places.push(place);
    }
    Ok(Entries::Read(places))
}

/// One line of 20 bytes.
fn line(bytes: &[u8], base: usize, at: usize) -> Option<Place> {
    let line = bytes.get(at..at.checked_add(LINE)?)?;
    let digits = |range: std::ops::Range<usize>| {
        line.get(range)?.iter().try_fold(0_u64, |value, byte| {
            byte.is_ascii_digit()
                .then(|| value * 10 + u64::from(byte - b'0'))
        })
    };
    let (offset, generation) = (digits(0..10)?, digits(11..16)?);
    let spaced = line[10] == b' ' && line[16] == b' ';
    let ended = matches!(&line[18..], b"\r\n" | b" \n" | b" \r");
    match line[17] {
        b'n' if spaced && ended => in_use(base, offset, generation),
        b'f' if spaced && ended => Some(Place::Free),
        _ => None,
    }
}

fn in_use(base: usize, offset: u64, generation: u64) -> Option<Place> {
    Some(Place::File {
        offset: usize::try_from(offset).ok()?.checked_add(base)?,
        generation: u16::try_from(generation).ok()?,
    })
}

/// An offset in a trailer as a place in the file.
pub(super) fn placed(bytes: &[u8], base: usize, value: &Object) -> Option<usize> {
    let at = usize::try_from(value.as_integer()?)
        .ok()?
        .checked_add(base)?;
    (at < bytes.len()).then_some(at)
}

fn bounded(first: u64, count: u64) -> Option<(u32, u32)> {
    (first.checked_add(count)? <= OBJECTS + 1)
        .then_some((u32::try_from(first).ok()?, u32::try_from(count).ok()?))
}

fn widths(trailer: &Dictionary) -> Option<[usize; 3]> {
    let [kind, second, third] = trailer.get("W")?.as_array()? else {
        return None;
    };
    let width = |object: &Object| {
        let width = usize::try_from(object.as_integer()?).ok()?;
        (width <= 8).then_some(width)
    };
    let widths = [width(kind)?, width(second)?, width(third)?];
    (widths[1] > 0).then_some(widths)
}

/// §7.5.8.2: "Default value: [0 Size]".
fn index(trailer: &Dictionary) -> Option<Vec<(u32, u32)>> {
    let number = |object: &Object| u64::try_from(object.as_integer()?).ok();
    match trailer.get("Index") {
        None => Some(vec![bounded(0, number(trailer.get("Size")?)?)?]),
        Some(index) => {
            let index = index.as_array()?;
            if index.len() % 2 != 0 {
                return None;
            }
            index
                .chunks_exact(2)
                .map(|pair| bounded(number(&pair[0])?, number(&pair[1])?))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Section> {
        Section::read(text.as_bytes(), 0, 0, &mut Budget::default())
    }

    const TABLE: &str = "xref\n0 2\n0000000000 65535 f \n0000000017 00000 n \n7 1\n0000000099 00003 n\r\n\
                         trailer\n<</Size 8/Root 1 0 R>>";

    #[test]
    fn a_table_answers_without_being_read_through() {
        let section = read(TABLE).unwrap();
        let find = |n| section.find(TABLE.as_bytes(), 0, n).unwrap();
        assert_eq!(find(0), Some(Place::Free));
        assert_eq!(
            find(1),
            Some(Place::File {
                offset: 17,
                generation: 0
            })
        );
        assert_eq!(
            find(7),
            Some(Place::File {
                offset: 99,
                generation: 3
            })
        );
        assert_eq!((find(2), find(8)), (None, None));
        assert_eq!((section.style(), section.highest()), (Style::Table, 8));
        assert_eq!(section.end(), TABLE.len());
    }

    #[test]
    fn lines_of_another_length_are_read_one_by_one() {
        let text = TABLE.replace(" \n", "\n").replace("\r\n", "\n");
        let section = read(&text).unwrap();
        assert!(matches!(section.subsections[0].entries, Entries::Read(_)));
        assert_eq!(
            section.find(text.as_bytes(), 0, 7).unwrap(),
            Some(Place::File {
                offset: 99,
                generation: 3
            })
        );
    }

    #[test]
    fn what_readers_would_take_differently_is_refused() {
        let twice = TABLE.replace("7 1\n", "1 1\n");
        assert!(read(&twice).unwrap_err().problem().contains("twice"));
        assert!(read(&TABLE.replace("7 1\n", "7 2\n")).is_err());
        assert!(read(&TABLE.replace("7 1\n", "99999999999 1\n")).is_err());
        assert!(read(&TABLE.replace("trailer", "trailor")).is_err());
        assert!(read("1 0 obj <</Type/Page>> endobj").is_err());
    }

    #[test]
    fn a_stream_with_fields_of_any_width() {
        let data = "00 0000 FF\n01 0010 00\n02 0005 03";
        let text = format!(
            "9 0 obj<</Type/XRef/Size 3/W[1 2 1]/Filter/ASCIIHexDecode/Length {}>>stream\n{data}\nendstream\nendobj",
            data.len()
        );
        let section = read(&text).unwrap();
        let find = |n| section.find(text.as_bytes(), 0, n).unwrap();
        assert_eq!(find(0), Some(Place::Free));
        assert_eq!(
            find(1),
            Some(Place::File {
                offset: 16,
                generation: 0
            })
        );
        assert_eq!(
            find(2),
            Some(Place::ObjectStream {
                container: 5,
                index: 3
            })
        );
        assert_eq!(
            (section.style(), section.end()),
            (Style::Stream, text.len())
        );
        for (from, to) in [
            ("/Size 3", "/Size 4"),
            ("/W[1 2 1]", "/W[1 2]"),
            ("/W[1 2 1]", "/W[9 2 1]"),
            ("/W[1 2 1]", "/W[1 0 1]"),
            ("/Size 3", "/Size 3/Index[0 1 0 2]"),
            ("/Size 3", "/Size 3/Index[0]"),
            ("/Size 3", "/Size -3"),
            ("/Size 3", "/Size 99999999999"),
        ] {
            assert!(read(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
