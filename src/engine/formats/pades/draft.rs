//! Objects of a document being changed: each read once, edited in memory, written at the end as one incremental update.
//!
//! In: a document; out: [`Appended`] bytes with the edited and new objects, and no others.

use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use crate::engine::syntax::pdf::{Appended, Dictionary, Document, Object, Reference, Update};
use std::collections::{BTreeMap, HashSet};

pub(super) struct Draft<'d, 'a, 'b> {
    pub(super) document: &'d Document<'a>,
    pub(super) budget: &'b mut Budget,
    pub(super) update: Update<'a>,
    changed: BTreeMap<Reference, Object>,
}

impl<'d, 'a, 'b> Draft<'d, 'a, 'b> {
    pub(super) fn of(document: &'d Document<'a>, budget: &'b mut Budget) -> Result<Self> {
        Ok(Draft {
            document,
            budget,
            update: Update::of(document)?,
            changed: BTreeMap::new(),
        })
    }

    /// An object to be edited; what is done to it will be written.
    pub(super) fn object(&mut self, reference: Reference) -> Result<&mut Object> {
        if !self.changed.contains_key(&reference) {
            let object = self.document.load(reference, self.budget)?;
            if object.as_stream().is_some() {
                return Err(Error::malformed(
                    format!("PDF object {reference}"),
                    "it is a stream where a dictionary should be",
                ));
            }
            self.changed.insert(reference, (*object).clone());
        }
        Ok(self.changed.entry(reference).or_insert(Object::Null))
    }

    /// A dictionary to be edited.
    pub(super) fn dictionary(&mut self, reference: Reference) -> Result<&mut Dictionary> {
        match self.object(reference)? {
            Object::Dictionary(dictionary) => Ok(dictionary),
            _ => Err(Error::malformed(
                format!("PDF object {reference}"),
                "it is no dictionary",
            )),
        }
    }

    /// A new object.
    pub(super) fn add(&mut self, object: impl Into<Object>) -> Result<Reference> {
        let reference = self.update.reserve()?;
        self.changed.insert(reference, object.into());
        Ok(reference)
    }

    /// Sets an object whose number was reserved.
    pub(super) fn set(&mut self, reference: Reference, object: impl Into<Object>) {
        self.changed.insert(reference, object.into());
    }

    /// A new stream, not compressed here.
    pub(super) fn add_stream(&mut self, dictionary: Dictionary, data: &[u8]) -> Result<Reference> {
        let reference = self.update.reserve()?;
        self.update.put_stream(reference, dictionary, data);
        Ok(reference)
    }

    /// Appends to the array that `holder` has under `key`, directly or as an object; makes it where there is none.
    pub(super) fn append(&mut self, holder: Reference, key: &str, item: Object) -> Result<()> {
        let dictionary = self.dictionary(holder)?;
        let elsewhere = append_here(dictionary, key, item)?;
        self.append_elsewhere(elsewhere)
    }

    /// The second half of [`append_here`].
    pub(super) fn append_elsewhere(
        &mut self,
        elsewhere: Option<(Reference, Object)>,
    ) -> Result<()> {
        let Some((reference, item)) = elsewhere else {
            return Ok(());
        };
        match self.object(reference)? {
            Object::Array(items) => items.push(item),
            null @ Object::Null => *null = Object::Array(vec![item]),
            _ => {
                return Err(Error::malformed(
                    format!("PDF object {reference}"),
                    "it is no array",
                ));
            }
        }
        Ok(())
    }

    /// Writes everything.
    pub(super) fn finish(mut self) -> Result<Appended> {
        for (reference, object) in &self.changed {
            self.update.put(*reference, object);
        }
        self.update.finish()
    }

    /// The reference of page `index`, from 0 (ISO 32000-2 §7.7.3). Subtrees are passed over by their /Count.
    pub(super) fn page(&mut self, index: usize) -> Result<Reference> {
        let none = || {
            Error::invalid("page", format!("the document has no page {}", index + 1))
                .remedy("Name a page of the document, the first being 1.")
        };
        let (_, catalog) = self.document.catalog(self.budget)?;
        let mut pending: Vec<Object> = catalog
            .as_dictionary()
            .and_then(|c| c.get("Pages").cloned())
            .into_iter()
            .collect();
        let mut visited = HashSet::new();
        let mut before = index;
        while let Some(node) = pending.pop() {
            let reference = node.as_reference().ok_or_else(none)?;
            if !visited.insert(reference) {
                return Err(Error::malformed("PDF page tree", "it leads in a circle"));
            }
            let object = self.document.load(reference, self.budget)?;
            let Some(dictionary) = object.as_dictionary() else {
                continue;
            };
            if !dictionary.contains("Kids") {
                if before == 0 {
                    return Ok(reference);
                }
                before -= 1;
                continue;
            }
            let count = self.document.value(dictionary, "Count", self.budget)?;
            let count = count.as_integer().and_then(|c| usize::try_from(c).ok());
            match count.filter(|c| *c > 0 && *c <= before) {
                Some(count) => before -= count,
                None => {
                    let kids = self.document.value(dictionary, "Kids", self.budget)?;
                    pending.extend(kids.as_array().unwrap_or_default().iter().rev().cloned());
                }
            }
        }
        Err(none())
    }
}

/// Appends to an array that stands in `dictionary` itself; hands the item back with the reference where it stands
/// elsewhere.
pub(super) fn append_here(
    dictionary: &mut Dictionary,
    key: &str,
    item: Object,
) -> Result<Option<(Reference, Object)>> {
    let mut items = match dictionary.get(key) {
        None | Some(Object::Null) => Vec::new(),
        Some(Object::Array(items)) => items.clone(),
        Some(Object::Reference(reference)) => return Ok(Some((*reference, item))),
        Some(_) => return Err(Error::malformed(format!("/{key}"), "it is no array")),
    };
    items.push(item);
    dictionary.set(key, items);
    Ok(None)
}
