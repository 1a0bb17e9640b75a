//! Where the objects of a damaged file seem to be.
//!
//! In: the file; out: for each number the last `n g obj` of the file, and the last trailer with a /Root. This is what
//! viewers do in their various ways, outside of ISO 32000-2; what it finds explains a file and never decides about it.

use super::cross_reference::Place;
use super::object::{Dictionary, Object, Reference};
use super::parser::Parser;
use crate::engine::error::{ErrorKind, Result};
use crate::engine::limits::Budget;
use memchr::memmem;
use std::collections::HashMap;

/// How far into an object its type is looked for.
const WINDOW: usize = 512;

/// What was found.
#[derive(Debug)]
pub(super) struct Recovered {
    places: HashMap<u32, Place>,
    pub(super) trailer: Dictionary,
    /// The objects that look like object streams.
    pub(super) streams: Vec<u32>,
}

impl Recovered {
    /// Looks through the whole file once.
    pub(super) fn scan(bytes: &[u8], budget: &mut Budget) -> Result<Self> {
        budget.step((bytes.len() >> 6) as u64)?;
        let mut found = Recovered {
            places: HashMap::new(),
            trailer: Dictionary::new(),
            streams: Vec::new(),
        };
        let mut catalog = None;
        for at in memmem::find_iter(bytes, b"obj") {
            budget.step(1)?;
            let Some((reference, offset)) = header_before(bytes, at) else {
                continue;
            };
            let generation = reference.generation;
            found
                .places
                .insert(reference.number, Place::File { offset, generation });
            let window = bytes
                .get(at..bytes.len().min(at + WINDOW))
                .unwrap_or_default();
            if memmem::find(window, b"/ObjStm").is_some() {
                found.streams.push(reference.number);
            } else if memmem::find(window, b"/XRef").is_some() {
                found.take_trailer(bytes, at + 3, budget)?;
            } else if memmem::find(window, b"/Catalog").is_some() {
                catalog = Some(reference);
            }
        }
        for at in memmem::find_iter(bytes, b"trailer") {
            found.take_trailer(bytes, at + 7, budget)?;
        }
        if let (None, Some(catalog)) = (found.trailer.get("Root"), catalog) {
            found.trailer.set("Root", catalog);
        }
        Ok(found)
    }

    pub(super) fn place(&self, number: u32) -> Place {
        self.places.get(&number).copied().unwrap_or(Place::Free)
    }

    /// Takes the dictionary at `at` as the trailer if it is one with a /Root.
    fn take_trailer(&mut self, bytes: &[u8], at: usize, budget: &mut Budget) -> Result<()> {
        match Parser::new(bytes, at, budget).object() {
            Ok(Object::Dictionary(trailer)) if trailer.contains("Root") => self.trailer = trailer,
            Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            _ => {}
        }
        Ok(())
    }

    /// Adds what stands in the object stream `container` and nowhere else.
    pub(super) fn add_contained(&mut self, container: u32, numbers: Vec<u32>) {
        for (index, number) in (0..).zip(numbers) {
            self.places
                .entry(number)
                .or_insert(Place::ObjectStream { container, index });
        }
    }
}

/// The `n g ` that ends right before `obj` at `at`, and where it begins.
pub(super) fn header_before(bytes: &[u8], at: usize) -> Option<(Reference, usize)> {
    // Two numbers of at most ten digits and the white space between.
    let from = at.saturating_sub(32);
    let before = bytes.get(from..at)?;
    let (generation, rest) = number_at_end(before)?;
    let (number, start) = number_at_end(rest)?;
    let reference = super::parser::reference(number, generation)?;
    Some((reference, from + start.len()))
}

/// The unsigned number at the end of `bytes`, white space after it allowed, and what stands before.
fn number_at_end(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let end = bytes
        .iter()
        .rposition(|b| !super::object::is_white_space(*b))?
        + 1;
    let start = bytes
        .get(..end)?
        .iter()
        .rposition(|b| !b.is_ascii_digit())
        .map_or(0, |i| i + 1);
    let digits = std::str::from_utf8(bytes.get(start..end)?).ok()?;
    Some((digits.parse().ok()?, bytes.get(..start)?))
}
