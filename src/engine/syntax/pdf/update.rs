//! An incremental update: new and changed objects, appended with a cross-reference section in the file's own style.
//!
//! ISO 32000-2 §7.5.6. In: a strictly read [`Document`] and objects; out: the bytes to append. No byte of the file
//! changes. /Root, /Info and whatever else the newest trailer says are carried on; /Prev, /Size and the second element of
//! /ID are new (§14.4: "the second byte string … shall be changed whenever the file is updated").

use super::cross_reference::{OBJECTS, Place, Section, Style};
use super::document::Document;
use super::object::{Dictionary, Object, Reference, put};
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use std::collections::BTreeMap;

/// Keys of a trailer that belong to the section and not to the document.
const OF_THE_SECTION: &[&str] = &[
    "Prev",
    "Size",
    "XRefStm",
    "Type",
    "W",
    "Index",
    "Length",
    "Filter",
    "DecodeParms",
    "F",
    "FFilter",
    "FDecodeParms",
    "DL",
];

/// An update being composed.
#[derive(Debug)]
pub struct Update<'d> {
    bytes: &'d [u8],
    base: usize,
    start: u64,
    style: Style,
    size: u64,
    trailer: Dictionary,
    objects: BTreeMap<u32, (u16, Vec<u8>)>,
}

/// A finished update.
#[derive(Debug, Clone)]
pub struct Appended {
    /// What follows the last byte of the file.
    pub bytes: Vec<u8>,
    positions: BTreeMap<Reference, usize>,
}

impl Appended {
    /// Where the body of an object begins in [`Appended::bytes`].
    pub fn position(&self, reference: Reference) -> Option<usize> {
        self.positions.get(&reference).copied()
    }
}

impl<'d> Update<'d> {
    /// An empty update of `document`, which must have been read strictly.
    pub fn of(document: &Document<'d>) -> Result<Self> {
        let newest = document.sections().first().ok_or_else(|| {
            Error::refused(
                "PDF",
                "the file is damaged, and nothing can be appended to it",
            )
            .remedy("Save the document anew with a PDF tool.")
        })?;
        let mut trailer = newest.trailer().clone();
        for key in OF_THE_SECTION {
            trailer.remove(key);
        }
        Ok(Update {
            bytes: document.bytes(),
            base: document.base(),
            start: document.start(),
            style: Section::style(newest),
            size: document.size(),
            trailer,
            objects: BTreeMap::new(),
        })
    }

    /// A new object number.
    pub fn reserve(&mut self) -> Result<Reference> {
        if self.size > OBJECTS {
            return Err(Error::limit(
                "PDF trailer",
                format!("a file may have {OBJECTS} objects and no more"),
            ));
        }
        let number = (self.size).max(1);
        self.size = number + 1;
        Ok(Reference::new(number as u32, 0))
    }

    /// Writes an object under its reference; the last one put counts.
    pub fn put(&mut self, reference: Reference, object: &Object) {
        self.put_raw(reference, object.to_bytes());
    }

    /// Writes a dictionary.
    pub fn put_dictionary(&mut self, reference: Reference, dictionary: &Dictionary) {
        let mut body = Vec::new();
        dictionary.write(&mut body);
        self.put_raw(reference, body);
    }

    /// Writes a stream; `data` is encoded already, and `/Length` is set here.
    pub fn put_stream(&mut self, reference: Reference, dictionary: Dictionary, data: &[u8]) {
        let mut body = Vec::with_capacity(data.len() + 256);
        write_stream(dictionary, data, &mut body);
        self.put_raw(reference, body);
    }

    /// Writes an object of which the caller composed the bytes.
    pub fn put_raw(&mut self, reference: Reference, body: Vec<u8>) {
        self.objects
            .insert(reference.number, (reference.generation, body));
    }

    /// Composes the bytes to append.
    pub fn finish(mut self) -> Result<Appended> {
        let mut out = Vec::with_capacity(
            self.objects
                .values()
                .map(|(_, b)| b.len() + 32)
                .sum::<usize>()
                + 1024,
        );
        // The old end-of-file marker gets its end of line. A line feed alone after a carriage return would become part
        // of that line, and so of what an earlier signature covers.
        match self.bytes.last() {
            Some(b'\n') => {}
            Some(b'\r') => out.extend_from_slice(b"\r\n"),
            _ => out.push(b'\n'),
        }
        let mut positions = BTreeMap::new();
        let mut places = BTreeMap::new();
        for (&number, (generation, body)) in &self.objects {
            places.insert(number, (self.offset(out.len())?, *generation));
            put(&mut out, format_args!("{number} {generation} obj\n"));
            positions.insert(Reference::new(number, *generation), out.len());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\nendobj\n");
        }
        self.renew_identifier(&out);
        let start = match self.style {
            Style::Table => self.write_table(&places, &mut out)?,
            Style::Stream => self.write_cross_reference_stream(places, &mut out)?,
        };
        put(&mut out, format_args!("startxref\n{start}\n%%EOF\n"));
        Ok(Appended {
            bytes: out,
            positions,
        })
    }

    /// A position in the update as an offset of the file.
    fn offset(&self, position: usize) -> Result<u64> {
        let offset = (self.bytes.len() - self.base.min(self.bytes.len()) + position) as u64;
        if offset > 9_999_999_999 {
            return Err(Error::limit(
                "PDF cross-reference",
                "a table's ten digits do not reach that far",
            ));
        }
        Ok(offset)
    }

    /// §14.4. The new half depends on the old one and on what is appended, and on nothing else.
    fn renew_identifier(&mut self, appended: &[u8]) {
        let Some(Object::Array(identifier)) = self.trailer.get("ID") else {
            return;
        };
        let [first, second] = identifier.as_slice() else {
            return;
        };
        let old = second.as_string().map_or(&[][..], |s| &s.bytes);
        let renewed = fingerprint(&[old, appended]);
        let identifier = vec![first.clone(), Object::hexadecimal(renewed)];
        self.trailer.set("ID", identifier);
    }

    fn write_table(
        &mut self,
        places: &BTreeMap<u32, (u64, u16)>,
        out: &mut Vec<u8>,
    ) -> Result<u64> {
        let start = self.offset(out.len())?;
        out.extend_from_slice(b"xref\n");
        for (first, run) in runs(places) {
            put(out, format_args!("{first} {}\n", run.len()));
            for (offset, generation) in run {
                put(out, format_args!("{offset:010} {generation:05} n \n"));
            }
        }
        out.extend_from_slice(b"trailer\n");
        self.section_entries().write(out);
        out.push(b'\n');
        Ok(start)
    }

    fn write_cross_reference_stream(
        &mut self,
        mut places: BTreeMap<u32, (u64, u16)>,
        out: &mut Vec<u8>,
    ) -> Result<u64> {
        let own = self.reserve()?;
        let start = self.offset(out.len())?;
        places.insert(own.number, (start, 0));
        // The greatest offset is the section's own; two bytes hold every generation.
        let width = (1..8).find(|w| start >> (8 * w) == 0).unwrap_or(8_usize);
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (first, run) in runs(&places) {
            index.extend([
                Object::from(i64::from(first)),
                Object::from(run.len() as i64),
            ]);
            for (offset, generation) in run {
                data.push(1);
                data.extend_from_slice(offset.to_be_bytes().get(8 - width..).unwrap_or_default());
                data.extend_from_slice(&generation.to_be_bytes());
            }
        }
        let mut dictionary = Dictionary::new()
            .with("Type", Object::name("XRef"))
            .with("W", vec![1.into(), (width as i64).into(), 2.into()])
            .with("Index", index);
        for entry in self.section_entries().entries() {
            dictionary.set(entry.key.clone(), entry.value.clone());
        }
        put(out, format_args!("{} 0 obj\n", own.number));
        write_stream(dictionary, &data, out);
        out.extend_from_slice(b"\nendobj\n");
        Ok(start)
    }

    fn section_entries(&self) -> Dictionary {
        let highest = self.objects.keys().last().map_or(0, |n| u64::from(*n) + 1);
        let mut trailer = Dictionary::new()
            .with("Size", self.size.max(highest) as i64)
            .with("Prev", self.start as i64);
        for entry in self.trailer.entries() {
            trailer.set(entry.key.clone(), entry.value.clone());
        }
        trailer
    }
}

fn write_stream(mut dictionary: Dictionary, data: &[u8], out: &mut Vec<u8>) {
    dictionary.set("Length", data.len() as i64);
    dictionary.write(out);
    out.extend_from_slice(b"stream\n");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\nendstream");
}

/// Consecutive numbers together.
fn runs(places: &BTreeMap<u32, (u64, u16)>) -> Vec<(u32, Vec<(u64, u16)>)> {
    let mut runs: Vec<(u32, Vec<(u64, u16)>)> = Vec::new();
    for (&number, &place) in places {
        match runs.last_mut() {
            Some((first, run)) if u64::from(*first) + run.len() as u64 == u64::from(number) => {
                run.push(place);
            }
            _ => runs.push((number, vec![place])),
        }
    }
    runs
}

/// FNV-1a of 128 bits, eight bytes at a time. An identifier, not a digest: nothing relies on its strength.
fn fingerprint(parts: &[&[u8]]) -> [u8; 16] {
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let mut state = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for part in parts {
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            state = (state ^ u128::from(u64::from_le_bytes(word))).wrapping_mul(PRIME);
        }
        state = (state ^ part.len() as u128).wrapping_mul(PRIME);
    }
    state.to_be_bytes()
}

impl Document<'_> {
    /// The reference under which an object of this number is rewritten: with the generation that it has now.
    pub fn current(&self, number: u32, budget: &mut Budget) -> Result<Reference> {
        let generation = match self.place(number, budget)? {
            Place::File { generation, .. } => generation,
            _ => 0,
        };
        Ok(Reference::new(number, generation))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn updated(file: &[u8]) -> Vec<u8> {
        let budget = &mut Budget::default();
        let document = Document::open(file, budget).unwrap();
        let mut update = Update::of(&document).unwrap();
        update.put_dictionary(
            Reference::new(3, 0),
            &Dictionary::new().with("Title", Object::text("dós")),
        );
        let stream = update.reserve().unwrap();
        update.put_stream(stream, Dictionary::new().with("New", true), b"data");
        let appended = update.finish().unwrap();
        let at = appended.position(stream).unwrap();
        assert!(appended.bytes[at..].starts_with(b"<</New true/Length 4>>stream\ndata\nendstream"));
        [file, &appended.bytes].concat()
    }

    #[test]
    fn an_update_of_every_style_reads_back_and_can_be_updated_again() {
        for file in [classic(), with_streams(), hybrid(), linearised()] {
            let once = updated(&file);
            let twice = updated(&once);
            assert!(twice.starts_with(&once) && once.starts_with(&file));
            for (bytes, revisions) in [(&once, 2), (&twice, 3)] {
                let budget = &mut Budget::default();
                let document = Document::open(bytes, budget).unwrap();
                assert_eq!(document.revisions().len(), revisions);
                let info = document.load(Reference::new(3, 0), budget).unwrap();
                let title = info.as_dictionary().unwrap().get("Title").unwrap();
                assert_eq!(title.as_text().unwrap(), "dós");
                assert_eq!(
                    document.sections()[0].style(),
                    document.sections()[1].style()
                );
                let size = document.size() as u32;
                let highest = document.place(size - 1, budget).unwrap();
                assert!(matches!(highest, Place::File { .. }));
                assert!(document.trailer().contains("Root"));
            }
        }
    }

    #[test]
    fn the_identifier_keeps_its_first_half_and_changes_its_second() {
        let file = classic();
        let identifier = |bytes: &[u8]| {
            let document = Document::open(bytes, &mut Budget::default()).unwrap();
            document
                .trailer()
                .get("ID")
                .unwrap()
                .as_array()
                .unwrap()
                .to_vec()
        };
        let (old, new) = (identifier(&file), identifier(&updated(&file)));
        assert_eq!(old[0], new[0]);
        assert_ne!(old[1], new[1]);
        assert_eq!(updated(&file), updated(&file));
    }

    #[test]
    fn the_old_marker_gets_its_end_of_line() {
        let file = classic();
        let trimmed = &file[..file.len() - 1];
        assert!(updated(trimmed)[trimmed.len()..].starts_with(b"\n3 0 obj"));
        let carriage = [trimmed, b"\r"].concat();
        assert!(updated(&carriage)[carriage.len()..].starts_with(b"\r\n3 0 obj"));
        assert!(updated(&file)[file.len()..].starts_with(b"3 0 obj"));
    }

    #[test]
    fn offsets_follow_the_files_own_origin() {
        for file in [
            [b"junk\n".to_vec(), classic()].concat(),
            shift_offsets(&classic(), b"\n\n\n"),
        ] {
            let bytes = updated(&file);
            let budget = &mut Budget::default();
            let document = Document::open(&bytes, budget).unwrap();
            assert!(document.load(Reference::new(3, 0), budget).is_ok());
        }
    }

    #[test]
    fn a_damaged_file_is_not_appended_to() {
        let file = classic();
        let document = Document::recover(&file[..file.len() - 20], &mut Budget::default()).unwrap();
        assert!(
            Update::of(&document)
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }

    #[test]
    fn a_full_file_is_refused() {
        let text = String::from_utf8(classic()).unwrap();
        let full = text.replace("/Size 6", "/Size 8388608");
        let document = Document::open(full.as_bytes(), &mut Budget::default()).unwrap();
        assert!(Update::of(&document).unwrap().reserve().is_err());
    }
}
