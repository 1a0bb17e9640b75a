//! The revisions of a file: what each incremental update added, without reading what came before.
//!
//! ISO 32000-2 §7.5.6. In: a [`Document`]; out: its [`Revision`]s, oldest first, and for each the objects that its
//! cross-reference lists. The cost is that of the increment. The file as it was: `Document::open(&bytes[..revision.end])`.

use super::cross_reference::{Place, Section};
use super::document::{Document, end_of_file_marker};
use super::object::Reference;
use super::parser::Parser;
use crate::engine::error::Result;
use crate::engine::limits::Budget;
use std::ops::Range;

/// One state of the file, from its beginning to an `%%EOF`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The byte after its `%%EOF` and the end of line there; after its trailer where the marker is missing.
    pub end: usize,
    /// Its sections among [`Document::sections`]. A linearised file has two for its first revision.
    sections: Range<usize>,
}

/// What an update did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// The number was free or unknown.
    Added,
    /// It is written anew.
    Changed,
    /// It is no more.
    Freed,
}

/// An object that an update lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The object, with its new generation (its old one where freed).
    pub reference: Reference,
    /// What became of it.
    pub kind: ChangeKind,
}

impl Document<'_> {
    /// The revisions, oldest first; none in a recovered document.
    pub fn revisions(&self) -> Vec<Revision> {
        let sections = self.sections();
        let mut revisions = Vec::new();
        let mut from = 0;
        while let Some(section) = sections.get(from) {
            // The first-page section of a linearised file precedes the one that its /Prev names (annex F.3.4).
            let mut to = from + 1;
            while let (Some(newer), Some(older)) = (sections.get(to - 1), sections.get(to))
                && older.offset() > newer.offset()
            {
                to += 1;
            }
            let last = sections.get(to - 1).unwrap_or(section);
            revisions.push(Revision {
                end: self.revision_end(last),
                sections: from..to,
            });
            from = to;
        }
        revisions.reverse();
        revisions
    }

    /// After the `startxref`, number and `%%EOF` that follow a section.
    fn revision_end(&self, section: &Section) -> usize {
        let bytes = self.bytes();
        // A budget of its own: at most a line is read.
        let mut budget = Budget::default();
        let mut parser = Parser::new(bytes, section.end(), &mut budget);
        let marked = parser.expect_keyword("startxref").is_ok() && parser.expect_unsigned().is_ok();
        let marker = marked
            .then(|| end_of_file_marker(bytes, parser.position()))
            .flatten();
        let Some(end) = marker else {
            return section.end();
        };
        match bytes.get(end..) {
            Some([b'\r', b'\n', ..]) => end + 2,
            Some([b'\r' | b'\n', ..]) => end + 1,
            _ => end,
        }
    }

    /// The objects that a revision lists, in order of number, with what it did to each.
    pub fn changes(&self, revision: &Revision, budget: &mut Budget) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for section in self
            .sections()
            .get(revision.sections.clone())
            .unwrap_or_default()
        {
            for (number, place) in section.listed(self.bytes(), self.base(), budget)? {
                let before = self.place_since(revision.sections.end, number, budget)?;
                changes.extend(change(number, before, place));
            }
        }
        changes.sort_by_key(|c| c.reference);
        changes.dedup();
        Ok(changes)
    }
}

fn change(number: u32, before: Place, after: Place) -> Option<Change> {
    let generation = |place| match place {
        Place::File { generation, .. } => generation,
        _ => 0,
    };
    let (kind, generation) = match (before, after) {
        (Place::Free, Place::Free) => return None,
        (Place::Free, _) => (ChangeKind::Added, generation(after)),
        (_, Place::Free) => (ChangeKind::Freed, generation(before)),
        _ => (ChangeKind::Changed, generation(after)),
    };
    Some(Change {
        reference: Reference::new(number, generation),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::super::{Object, Update};
    use super::*;

    #[test]
    fn each_update_is_a_revision_with_its_own_objects() {
        for first in [classic(), with_streams(), hybrid(), linearised()] {
            let budget = &mut Budget::default();
            let document = Document::open(&first, budget).unwrap();
            assert_eq!(document.revisions().len(), 1);
            assert_eq!(document.revisions()[0].end, first.len());
            let mut update = Update::of(&document).unwrap();
            update.put(Reference::new(3, 0), &Object::text("dos"));
            let added = update.reserve().unwrap();
            update.put(added, &Object::Null);
            let second = [first.clone(), update.finish().unwrap().bytes].concat();

            let document = Document::open(&second, budget).unwrap();
            let revisions = document.revisions();
            assert_eq!(revisions.len(), 2);
            // The update may begin with the end of line of the old marker.
            assert!((first.len()..=first.len() + 1).contains(&revisions[0].end));
            assert_eq!(revisions[1].end, second.len());
            let changes = document.changes(&revisions[1], budget).unwrap();
            let find = |r| changes.iter().find(|c| c.reference == r).map(|c| c.kind);
            assert_eq!(find(Reference::new(3, 0)), Some(ChangeKind::Changed));
            assert_eq!(find(added), Some(ChangeKind::Added));
            // A cross-reference stream lists itself.
            assert!((2..=3).contains(&changes.len()), "{changes:?}");

            let before = Document::open(&second[..revisions[0].end], budget).unwrap();
            let info = before.load(Reference::new(3, 0), budget).unwrap();
            assert!(info.as_dictionary().is_some());
        }
    }
}
