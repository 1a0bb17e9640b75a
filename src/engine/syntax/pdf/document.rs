//! A PDF file: its header, its chain of cross-reference sections, and its objects when asked for.
//!
//! ISO 32000-2 §7.5. In: the whole file, borrowed (it may be a memory map of a gigabyte and is never copied); out:
//! objects, each read once. [`Document::open`] is strict: what it accepts, other readers read alike, and only that is
//! judged or signed. [`Document::recover`] guesses like viewers do and says so; it serves to explain what was found.
//! Not here: revisions (`revision.rs`), writing (`update.rs`), decryption.

use super::cross_reference::{Place, Section, placed};
use super::filter;
use super::object::{Dictionary, Object, Reference, Stream, is_white_space};
use super::parser::Parser;
use super::recovery::{self, Recovered};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::limits::Budget;
use memchr::memmem;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

/// Viewers look for `%PDF-` in the first 1,024 bytes (ISO 32000-1 annex H.3, implementation note 13).
const HEADER_WITHIN: usize = 1024;
/// Objects kept; a walk over a million fields must not keep a million trees.
const OBJECTS_KEPT: usize = 8192;
/// One object stream; writers put 100 or 200 objects into one.
const OBJECT_STREAM: usize = 64 << 20;
/// Decoded object streams kept, in bytes.
const CONTAINERS_KEPT: usize = 64 << 20;

/// An object that a value is or leads to.
#[derive(Debug, Clone)]
pub enum Resolved<'o> {
    /// The value itself.
    Here(&'o Object),
    /// What its reference leads to.
    Loaded(Arc<Object>),
}

impl Deref for Resolved<'_> {
    type Target = Object;

    fn deref(&self) -> &Object {
        match self {
            Resolved::Here(object) => object,
            Resolved::Loaded(object) => object,
        }
    }
}

/// The decoded bytes of an object stream and where its objects begin (ISO 32000-2 §7.5.7).
#[derive(Debug)]
struct Container {
    data: Vec<u8>,
    index: Vec<(u32, usize)>,
}

/// A PDF file, read as far as it was asked for.
#[derive(Debug)]
pub struct Document<'a> {
    bytes: &'a [u8],
    header: usize,
    version: (u8, u8),
    base: usize,
    start: u64,
    end: usize,
    sections: Vec<Section>,
    recovered: Option<Recovered>,
    objects: RefCell<HashMap<Reference, Arc<Object>>>,
    containers: RefCell<HashMap<u32, Arc<Container>>>,
}

impl<'a> Document<'a> {
    /// Reads header, end and cross-reference chain; strict.
    pub fn open(bytes: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let (header, version) = read_header(bytes)?;
        let (start, end) = read_end(bytes, budget)?;
        let base = choose_base(bytes, header, start, budget)?;
        let sections = read_chain(bytes, base, start, budget)?;
        let document = Document {
            bytes,
            header,
            version,
            base,
            start,
            end,
            sections,
            recovered: None,
            objects: RefCell::default(),
            containers: RefCell::default(),
        };
        document.refuse_encryption()?;
        Ok(document)
    }

    /// Finds the objects by looking through the whole file, where [`Document::open`] gave up. What it finds is one
    /// reading among several, and never the ground of a verdict.
    pub fn recover(bytes: &'a [u8], budget: &mut Budget) -> Result<Self> {
        let (header, version) = read_header(bytes)?;
        let mut recovered = Recovered::scan(bytes, budget)?;
        let streams = std::mem::take(&mut recovered.streams);
        let mut document = Document {
            bytes,
            header,
            version,
            base: 0,
            start: 0,
            end: bytes.len(),
            sections: Vec::new(),
            recovered: Some(recovered),
            objects: RefCell::default(),
            containers: RefCell::default(),
        };
        document.refuse_encryption()?;
        for container in streams {
            let numbers = match document.contained(container, budget) {
                Ok(numbers) => numbers,
                Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
                Err(_) => continue,
            };
            if let Some(recovered) = &mut document.recovered {
                recovered.add_contained(container, numbers);
            }
        }
        Ok(document)
    }

    fn refuse_encryption(&self) -> Result<()> {
        let encrypted = self.trailer().contains("Encrypt")
            || self
                .sections
                .iter()
                .any(|s| s.trailer().contains("Encrypt"));
        if encrypted {
            return Err(
                Error::unsupported("PDF trailer", "the document is encrypted")
                    .remedy("Remove the encryption, or send the document before it was encrypted."),
            );
        }
        Ok(())
    }

    /// The whole file.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where `%PDF-` stands; not 0 where something precedes it.
    pub fn header_offset(&self) -> usize {
        self.header
    }

    /// The version of the header; the catalog may name a later one.
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// What offsets in the file count from: the header, or the first byte.
    pub fn base(&self) -> usize {
        self.base
    }

    /// The number after the last `startxref`.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The byte after the last `%%EOF`.
    pub fn end(&self) -> usize {
        self.end
    }

    /// The cross-reference sections, newest first; none in a recovered document.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Was it read by guessing?
    pub fn is_recovered(&self) -> bool {
        self.recovered.is_some()
    }

    /// The newest trailer.
    pub fn trailer(&self) -> &Dictionary {
        static EMPTY: Dictionary = Dictionary::EMPTY;
        match (&self.recovered, self.sections.first()) {
            (Some(recovered), _) => &recovered.trailer,
            (None, Some(section)) => section.trailer(),
            (None, None) => &EMPTY,
        }
    }

    /// One more than the greatest object number in use or announced.
    pub fn size(&self) -> u64 {
        let announced = self
            .trailer()
            .get("Size")
            .and_then(Object::as_integer)
            .and_then(|s| u64::try_from(s).ok())
            .unwrap_or(0);
        self.sections
            .iter()
            .map(Section::highest)
            .fold(announced, u64::max)
    }

    /// The reference and dictionary of the catalog (ISO 32000-2 §7.7.2).
    pub fn catalog(&self, budget: &mut Budget) -> Result<(Reference, Arc<Object>)> {
        let root = self
            .trailer()
            .get("Root")
            .and_then(Object::as_reference)
            .ok_or_else(|| Error::malformed("PDF trailer", "/Root is missing"))?;
        let catalog = self.load(root, budget)?;
        match catalog.as_dictionary() {
            Some(_) => Ok((root, catalog)),
            None => Err(Error::malformed(
                "PDF catalog",
                "/Root leads to no dictionary",
            )),
        }
    }

    /// Where the object stands by the newest section that lists it.
    pub fn place(&self, number: u32, budget: &mut Budget) -> Result<Place> {
        if let Some(recovered) = &self.recovered {
            return Ok(recovered.place(number));
        }
        self.place_since(0, number, budget)
    }

    /// The same, as if the `skip` newest sections were not there.
    pub(super) fn place_since(
        &self,
        skip: usize,
        number: u32,
        budget: &mut Budget,
    ) -> Result<Place> {
        for section in self.sections.iter().skip(skip) {
            budget.step(1)?;
            if let Some(place) = section.find(self.bytes, self.base, number)? {
                return Ok(place);
            }
        }
        Ok(Place::Free)
    }

    /// The object that `reference` leads to; null where it leads nowhere (ISO 32000-2 §7.3.10).
    pub fn load(&self, reference: Reference, budget: &mut Budget) -> Result<Arc<Object>> {
        if let Some(object) = self.objects.borrow().get(&reference) {
            return Ok(Arc::clone(object));
        }
        // Counts the depth too: a /Length that needs the stream itself ends here.
        budget.enter()?;
        let object = self.read(reference, budget);
        budget.leave();
        let object = Arc::new(object?);
        let mut kept = self.objects.borrow_mut();
        if kept.len() >= OBJECTS_KEPT {
            kept.clear();
        }
        kept.insert(reference, Arc::clone(&object));
        Ok(object)
    }

    fn read(&self, reference: Reference, budget: &mut Budget) -> Result<Object> {
        match self.place(reference.number, budget)? {
            Place::Free => Ok(Object::Null),
            Place::File { generation, .. }
                if generation != reference.generation && self.recovered.is_none() =>
            {
                Ok(Object::Null)
            }
            Place::File { offset, .. } => self.read_at(reference, offset, budget),
            Place::ObjectStream { .. } if reference.generation != 0 => Ok(Object::Null),
            Place::ObjectStream { container, index } => {
                let container = self.container(container, budget)?;
                let at = container
                    .index
                    .get(index as usize)
                    .filter(|(number, _)| *number == reference.number)
                    .map(|(_, at)| *at)
                    .ok_or_else(|| {
                        Error::malformed(
                            format!("PDF object {reference}"),
                            "it is not where the cross-reference says in its object stream",
                        )
                    })?;
                Parser::new(&container.data, at, budget).object()
            }
        }
    }

    /// Reads `n g obj … endobj` at an offset.
    fn read_at(&self, reference: Reference, offset: usize, budget: &mut Budget) -> Result<Object> {
        let mut parser = Parser::new(self.bytes, offset, budget);
        if parser.object_header().ok() != Some(reference) {
            return Err(Error::malformed(
                format!("PDF object {reference}"),
                "it is not where the cross-reference says",
            )
            .at(offset as u64));
        }
        let object = parser.object()?;
        let Object::Dictionary(dictionary) = object else {
            self.expect_end(&mut parser)?;
            return Ok(object);
        };
        let Some(start) = parser.stream_start()? else {
            self.expect_end(&mut parser)?;
            return Ok(Object::Dictionary(dictionary));
        };
        let length = dictionary.get("Length").unwrap_or(&Object::Null);
        let length = self
            .resolve(length, budget)?
            .as_integer()
            .and_then(|l| u64::try_from(l).ok());
        let mut parser = Parser::new(self.bytes, start, budget);
        let data = match length.map(|l| parser.stream_data(l)) {
            Some(Ok(data)) => data,
            _ if self.recovered.is_some() => {
                let rest = self.bytes.get(start..).unwrap_or_default();
                budget.step((rest.len() >> 6) as u64)?;
                let length = memmem::find(rest, b"endstream").unwrap_or(rest.len());
                return Ok(Object::Stream(Stream {
                    dictionary,
                    data: start..start + length,
                }));
            }
            Some(Err(error)) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            _ => {
                return Err(Error::malformed(
                    format!("PDF object {reference}"),
                    "the length of its stream is wrong",
                )
                .at(start as u64));
            }
        };
        self.expect_end(&mut parser)?;
        Ok(Object::Stream(Stream { dictionary, data }))
    }

    fn expect_end(&self, parser: &mut Parser<'_, '_>) -> Result<()> {
        if self.recovered.is_some() {
            return Ok(());
        }
        parser.expect_keyword("endobj")
    }

    /// The object that is written around the byte `at`, with its place, if some revision of the file lists it there.
    pub fn object_around(
        &self,
        at: usize,
        budget: &mut Budget,
    ) -> Result<Option<(Reference, usize)>> {
        let before = self.bytes.get(..at).unwrap_or_default();
        let mut end = before.len();
        while let Some(found) = memmem::rfind(before.get(..end).unwrap_or_default(), b"obj") {
            budget.step(1 + ((end - found) >> 6) as u64)?;
            end = found;
            let Some((reference, offset)) = recovery::header_before(self.bytes, found) else {
                continue;
            };
            if let Some(recovered) = &self.recovered {
                let listed = recovered.place(reference.number).is_at(offset);
                return Ok(listed.then_some((reference, offset)));
            }
            for section in &self.sections {
                budget.step(1)?;
                let place = section.find(self.bytes, self.base, reference.number)?;
                if place.is_some_and(|p| p.is_at(offset)) {
                    return Ok(Some((reference, offset)));
                }
            }
            return Ok(None);
        }
        Ok(None)
    }

    /// The object written at `offset`, whether or not it is the newest of its number.
    pub fn object_at(
        &self,
        reference: Reference,
        offset: usize,
        budget: &mut Budget,
    ) -> Result<Object> {
        self.read_at(reference, offset, budget)
    }

    /// The value itself, or what its reference leads to.
    pub fn resolve<'o>(&self, object: &'o Object, budget: &mut Budget) -> Result<Resolved<'o>> {
        let Object::Reference(mut reference) = *object else {
            return Ok(Resolved::Here(object));
        };
        // An indirect object may not be a reference, yet files have it; a few steps, then it is a loop.
        for _ in 0..8 {
            let loaded = self.load(reference, budget)?;
            match *loaded {
                Object::Reference(next) => reference = next,
                _ => return Ok(Resolved::Loaded(loaded)),
            }
        }
        Err(Error::malformed(
            format!("PDF object {reference}"),
            "a reference that leads to references without end",
        ))
    }

    /// The value of `key`, resolved; null where it is absent.
    pub fn value<'o>(
        &self,
        dictionary: &'o Dictionary,
        key: &str,
        budget: &mut Budget,
    ) -> Result<Resolved<'o>> {
        self.resolve(dictionary.get(key).unwrap_or(&Object::Null), budget)
    }

    /// The decoded bytes of a stream, at most `limit`.
    pub fn decode(&self, stream: &Stream, limit: usize, budget: &mut Budget) -> Result<Vec<u8>> {
        let filters = filter::filters(&stream.dictionary, |object| {
            self.resolve(object, budget).map(|o| (*o).clone())
        })?;
        let data = self.bytes.get(stream.data.clone()).unwrap_or_default();
        filter::decode(data, &filters, limit, budget)
    }

    fn container(&self, number: u32, budget: &mut Budget) -> Result<Arc<Container>> {
        if let Some(container) = self.containers.borrow().get(&number) {
            return Ok(Arc::clone(container));
        }
        // §7.5.7: an object stream may not itself stand in one.
        let Place::File { offset, generation } = self.place(number, budget)? else {
            return Err(not_a_container(number));
        };
        let object = self.read_at(Reference::new(number, generation), offset, budget)?;
        let container = Arc::new(self.read_container(number, &object, budget)?);
        let mut kept = self.containers.borrow_mut();
        let size: usize = kept.values().map(|c| c.data.len()).sum();
        if size.saturating_add(container.data.len()) > CONTAINERS_KEPT {
            kept.clear();
        }
        kept.insert(number, Arc::clone(&container));
        Ok(container)
    }

    fn read_container(
        &self,
        number: u32,
        object: &Object,
        budget: &mut Budget,
    ) -> Result<Container> {
        let stream = object
            .as_stream()
            .filter(|s| {
                s.dictionary
                    .get("Type")
                    .is_some_and(|t| t.is_name("ObjStm"))
            })
            .ok_or_else(|| not_a_container(number))?;
        let count = |key, budget: &mut Budget| {
            let value = self.value(&stream.dictionary, key, budget)?;
            value
                .as_integer()
                .and_then(|v| u32::try_from(v).ok())
                .ok_or_else(|| not_a_container(number))
        };
        let (objects, first) = (count("N", budget)?, count("First", budget)?);
        let data = self.decode(stream, OBJECT_STREAM, budget)?;
        let mut index = Vec::new();
        let mut parser = Parser::new(&data, 0, budget);
        for _ in 0..objects {
            let (number, offset) = (parser.expect_unsigned()?, parser.expect_unsigned()?);
            let at = usize::try_from(offset)
                .ok()
                .and_then(|o| o.checked_add(first as usize));
            match (u32::try_from(number), at) {
                (Ok(number), Some(at)) => index.push((number, at)),
                _ => return Err(not_a_container(number as u32)),
            }
        }
        Ok(Container { data, index })
    }

    /// The object numbers in an object stream.
    fn contained(&self, number: u32, budget: &mut Budget) -> Result<Vec<u32>> {
        Ok(self
            .container(number, budget)?
            .index
            .iter()
            .map(|(n, _)| *n)
            .collect())
    }
}

fn not_a_container(number: u32) -> Error {
    Error::malformed(
        format!("PDF object {number} 0 R"),
        "it is no sound object stream",
    )
}

/// `%PDF-1.7`: its place and version.
fn read_header(bytes: &[u8]) -> Result<(usize, (u8, u8))> {
    if bytes.is_empty() {
        return Err(Error::malformed("PDF", "the file is empty").remedy("Send the document."));
    }
    let head = bytes.get(..HEADER_WITHIN.min(bytes.len())).unwrap_or(bytes);
    let at = memmem::find(head, b"%PDF-").ok_or_else(|| {
        Error::malformed(
            "PDF header",
            "this is no PDF: it does not begin with `%PDF-`",
        )
        .remedy("Send a PDF document.")
    })?;
    let version = match bytes.get(at + 5..at + 8) {
        Some(&[major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) => (major - b'0', minor - b'0'),
        _ => return Err(Error::malformed("PDF header", "it names no version").at(at as u64)),
    };
    Ok((at, version))
}

/// The last `startxref`, its number, and the byte after its `%%EOF` (ISO 32000-2 §7.5.5).
fn read_end(bytes: &[u8], budget: &mut Budget) -> Result<(u64, usize)> {
    let truncated = |problem: &'static str| {
        Error::malformed("PDF trailer", problem)
            .remedy("The file seems cut short: send the whole document.")
    };
    let at = memmem::rfind(bytes, b"startxref")
        .ok_or_else(|| truncated("there is no `startxref` at the end of the file"))?;
    budget.step(((bytes.len() - at) >> 6) as u64)?;
    let mut parser = Parser::new(bytes, at, budget);
    parser.expect_keyword("startxref")?;
    let start = parser
        .take_unsigned()?
        .ok_or_else(|| truncated("no number follows `startxref`").at(at as u64))?;
    let end = end_of_file_marker(bytes, parser.position())
        .ok_or_else(|| truncated("`%%EOF` is missing after `startxref`").at(at as u64))?;
    Ok((start, end))
}

/// The byte after the `%%EOF` that follows `from` with white space alone between.
pub(super) fn end_of_file_marker(bytes: &[u8], from: usize) -> Option<usize> {
    const MARKER: &[u8] = b"%%EOF";
    let rest = bytes.get(from..)?;
    let gap = rest.iter().position(|b| !is_white_space(*b))?;
    rest.get(gap..)?
        .starts_with(MARKER)
        .then_some(from + gap + MARKER.len())
}

/// Offsets count "from the beginning of the PDF header" (ISO 32000-2 §7.5.4), in many files from the first byte. Where a
/// section stands at both, two readers would read two documents: refused.
fn choose_base(bytes: &[u8], header: usize, start: u64, budget: &mut Budget) -> Result<usize> {
    let mut sound = |base: usize| {
        let at = usize::try_from(start).ok()?.checked_add(base)?;
        let mut parser = Parser::new(bytes, at, budget);
        let here = parser.take_keyword(b"xref").ok()? || parser.object_header().is_ok();
        here.then_some(base)
    };
    let at_header = sound(header);
    let at_start = if header > 0 { sound(0) } else { None };
    match (at_header, at_start) {
        (Some(_), Some(_)) => Err(Error::malformed(
            "PDF cross-reference",
            "it can be read in two ways, because of what precedes the header",
        )
        .remedy("Remove what stands before `%PDF-`.")),
        (Some(base), None) | (None, Some(base)) => Ok(base),
        (None, None) => Err(Error::malformed(
            "PDF trailer",
            "`startxref` leads to no cross-reference section",
        )
        .remedy("Save the document anew with a PDF tool, or send it as it was first made.")),
    }
}

/// The sections from the newest along /Prev.
fn read_chain(bytes: &[u8], base: usize, start: u64, budget: &mut Budget) -> Result<Vec<Section>> {
    let mut sections: Vec<Section> = Vec::new();
    let mut visited = std::collections::HashSet::new();
    let mut next = i64::try_from(start).ok().map(Object::Integer);
    while let Some(value) = next {
        let wrong = |problem: &'static str| {
            let error = Error::malformed("PDF trailer", problem);
            match sections.last() {
                Some(section) => error.at(section.offset() as u64),
                None => error,
            }
        };
        let at = placed(bytes, base, &value).ok_or_else(|| wrong("/Prev leads out of the file"))?;
        if !visited.insert(at) {
            return Err(wrong("/Prev leads in a circle"));
        }
        budget.step(1)?;
        let section = Section::read(bytes, base, at, budget)?;
        next = section.trailer().get("Prev").cloned();
        sections.push(section);
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn open(bytes: &[u8]) -> Result<Document<'_>> {
        Document::open(bytes, &mut Budget::default())
    }

    fn title(document: &Document<'_>) -> String {
        let budget = &mut Budget::default();
        let info = document.value(document.trailer(), "Info", budget).unwrap();
        let title = document
            .value(info.as_dictionary().unwrap(), "Title", budget)
            .unwrap();
        title.as_text().unwrap()
    }

    #[test]
    fn every_style_of_cross_reference_reads_alike() {
        for file in [classic(), with_streams(), hybrid(), linearised()] {
            let document = open(&file).unwrap();
            assert_eq!(title(&document), "uno");
            let (root, catalog) = document.catalog(&mut Budget::default()).unwrap();
            assert_eq!(root, Reference::new(1, 0));
            assert!(catalog.as_dictionary().unwrap().contains("Pages"));
            assert_eq!(document.version(), (1, 7));
            assert!(!document.is_recovered());
        }
    }

    #[test]
    fn junk_before_and_after() {
        let mut file = b"\0junk\r\n".to_vec();
        file.extend(classic());
        file.extend([0; 3000]);
        let document = open(&file).unwrap();
        assert_eq!((document.header_offset(), document.base()), (7, 7));
        assert_eq!(title(&document), "uno");
        assert!(document.end() < file.len());
    }

    #[test]
    fn offsets_from_the_first_byte_are_read_too() {
        let file = shift_offsets(&classic(), b"\n\n\n");
        let document = open(&file).unwrap();
        assert_eq!((document.header_offset(), document.base()), (3, 0));
        assert_eq!(title(&document), "uno");
    }

    #[test]
    fn each_fault_has_its_own_words() {
        let file = classic();
        let problem = |bytes: &[u8]| open(bytes).unwrap_err().to_string();
        assert!(problem(b"").contains("empty"));
        assert!(problem(b"PK\x03\x04 a ZIP").contains("no PDF"));
        assert!(problem(b"%PDF-x").contains("version"));
        assert!(problem(&file[..file.len() / 2]).contains("startxref"));
        assert!(problem(&file[..file.len() - 6]).contains("%%EOF"));
        let text = String::from_utf8(file).unwrap();
        let start = text.rfind("startxref").unwrap();
        let mut wrong = text[..start].to_string();
        wrong.push_str("startxref\n999999\n%%EOF\n");
        assert!(problem(wrong.as_bytes()).contains("leads to no cross-reference"));
        let encrypted = text.replace("/Info 3 0 R", "/Encrypt 9 0 R");
        assert_eq!(
            open(encrypted.as_bytes()).unwrap_err().kind(),
            ErrorKind::Unsupported
        );
    }

    #[test]
    fn circles_end() {
        let text = String::from_utf8(classic()).unwrap();
        let at = text.find("\nxref").unwrap() + 1;
        let circle = text.replace("/Info 3 0 R", &format!("/Info 3 0 R/Prev {at}"));
        assert!(
            open(circle.as_bytes())
                .unwrap_err()
                .problem()
                .contains("circle")
        );
        // A stream whose length is told by itself.
        let file = build(&[
            (1, "<</Type/Catalog/Pages 2 0 R>>"),
            (2, "<</Length 2 0 R>>stream\nabc\nendstream"),
        ]);
        let document = open(&file).unwrap();
        let error = document.load(Reference::new(2, 0), &mut Budget::default());
        assert_eq!(error.unwrap_err().element(), "limits.depth");
        // Objects that are references to each other.
        let file = build(&[(1, "2 0 R"), (2, "1 0 R")]);
        let document = open(&file).unwrap();
        let reference = Object::Reference(Reference::new(1, 0));
        assert!(
            document
                .resolve(&reference, &mut Budget::default())
                .is_err()
        );
    }

    #[test]
    fn what_is_not_there_is_null() {
        let file = classic();
        let document = open(&file).unwrap();
        let load = |n, g| {
            document
                .load(Reference::new(n, g), &mut Budget::default())
                .unwrap()
        };
        assert_eq!(*load(0, 65535), Object::Null);
        assert_eq!(*load(1, 1), Object::Null);
        assert_eq!(*load(4000, 0), Object::Null);
    }

    #[test]
    fn an_object_elsewhere_than_listed_is_refused() {
        let text = String::from_utf8(classic()).unwrap();
        let wrong = text.replace("3 0 obj", "8 0 obj");
        let document = open(wrong.as_bytes()).unwrap();
        let error = document.load(Reference::new(3, 0), &mut Budget::default());
        assert!(error.unwrap_err().problem().contains("not where"));
        let wrong = text.replace("endobj", "endbox");
        let document = open(wrong.as_bytes()).unwrap();
        assert!(
            document
                .load(Reference::new(3, 0), &mut Budget::default())
                .is_err()
        );
    }

    #[test]
    fn recovery_finds_the_objects_and_says_so() {
        let text = String::from_utf8(classic()).unwrap();
        let cut = &text[..text.find("startxref").unwrap()];
        assert!(open(cut.as_bytes()).is_err());
        let document = Document::recover(cut.as_bytes(), &mut Budget::default()).unwrap();
        assert!(document.is_recovered());
        assert_eq!(title(&document), "uno");
        let cut = with_streams();
        let cut = &cut[..cut.len() - 30];
        let document = Document::recover(cut, &mut Budget::default()).unwrap();
        assert_eq!(title(&document), "uno");
    }

    #[test]
    fn no_cut_and_no_flipped_byte_makes_it_panic() {
        for file in [classic(), with_streams(), hybrid(), linearised()] {
            for at in 0..file.len() {
                let mut flipped = file.clone();
                flipped[at] ^= 0x15;
                for bytes in [&file[..at], &flipped] {
                    for document in [
                        open(bytes),
                        Document::recover(bytes, &mut Budget::default()),
                    ]
                    .into_iter()
                    .flatten()
                    {
                        let budget = &mut Budget::default();
                        for number in 0..12 {
                            let _ = document.load(Reference::new(number, 0), budget);
                        }
                        let _ = document.revisions();
                    }
                }
            }
        }
    }
}
