//! The interactive form, walked for its signature fields.
//!
//! ISO 32000-2 §12.7.3, §12.7.4, §12.7.5.5. In: a document; out: every signature field with its full name, /FT and /V
//! inherited as §12.7.4.1 says. Each node is visited once, however the tree is knotted.

use crate::engine::error::Result;
use crate::engine::limits::Budget;
use crate::engine::syntax::pdf::{Dictionary, Document, Object, Reference};
use std::collections::HashSet;
use std::sync::Arc;

/// A signature field.
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Its full name: the partial names from the root, joined by full stops.
    pub(super) name: String,
    /// Its object; `None` where it stands inside another object.
    pub(super) reference: Option<Reference>,
    /// Where it stands: the object that holds it.
    pub(super) holder: Option<Reference>,
    /// Its dictionary.
    pub(super) dictionary: Arc<Object>,
    /// `/V`, its own or an ancestor's.
    pub(super) value: Option<Object>,
}

/// What a walk over the form found.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// The reference of /AcroForm, where it is an object of its own.
    pub(super) reference: Option<Reference>,
    /// The form's dictionary.
    pub(super) dictionary: Option<Dictionary>,
    /// The signature fields, in order.
    pub(super) signature_fields: Vec<Field>,
    /// The full names of all fields.
    pub(super) names: HashSet<String>,
}

struct Node {
    object: Object,
    holder: Option<Reference>,
    name: String,
    signature: bool,
    value: Option<Object>,
}

impl Form {
    /// Walks the form of the document; an empty one where there is none.
    pub(super) fn read(document: &Document<'_>, budget: &mut Budget) -> Result<Self> {
        let (root, catalog) = document.catalog(budget)?;
        let mut form = Form::default();
        let Some(entry) = catalog.as_dictionary().and_then(|c| c.get("AcroForm")) else {
            return Ok(form);
        };
        form.reference = entry.as_reference();
        let dictionary = document.resolve(entry, budget)?;
        let Some(dictionary) = dictionary.as_dictionary() else {
            return Ok(form);
        };
        form.dictionary = Some(dictionary.clone());
        let fields = document.value(dictionary, "Fields", budget)?;
        let holder = dictionary
            .get("Fields")
            .and_then(Object::as_reference)
            .or(form.reference)
            .or(Some(root));
        let mut pending: Vec<Node> = Vec::new();
        for object in fields.as_array().unwrap_or_default().iter().rev() {
            pending.push(Node {
                object: object.clone(),
                holder,
                name: String::new(),
                signature: false,
                value: None,
            });
        }
        let mut visited = HashSet::new();
        while let Some(node) = pending.pop() {
            budget.step(1)?;
            form.visit(document, node, &mut visited, &mut pending, budget)?;
        }
        Ok(form)
    }

    fn visit(
        &mut self,
        document: &Document<'_>,
        node: Node,
        visited: &mut HashSet<Reference>,
        pending: &mut Vec<Node>,
        budget: &mut Budget,
    ) -> Result<()> {
        let reference = node.object.as_reference();
        if reference.is_some_and(|r| !visited.insert(r)) {
            return Ok(());
        }
        let object = match reference {
            Some(reference) => document.load(reference, budget)?,
            None => Arc::new(node.object),
        };
        let Some(dictionary) = object.as_dictionary() else {
            return Ok(());
        };
        let signature = match &*document.value(dictionary, "FT", budget)? {
            Object::Null => node.signature,
            kind => kind.is_name("Sig"),
        };
        // A signature's value is a dictionary; text and choices are not carried along.
        let value = match dictionary.get("V") {
            Some(Object::String(_) | Object::Array(_) | Object::Name(_)) if !signature => None,
            Some(value) => Some(value.clone()),
            None => node.value,
        };
        let partial = document.value(dictionary, "T", budget)?.as_text();
        let name = match (&partial, node.name.is_empty()) {
            (None, _) => node.name,
            (Some(partial), true) => partial.clone(),
            (Some(partial), false) => format!("{}.{partial}", node.name),
        };
        if partial.is_some() {
            // Names grow with depth, and hostile ones with its square.
            budget.step((name.len() >> 4) as u64)?;
            self.names.insert(name.clone());
        }
        let kids = document.value(dictionary, "Kids", budget)?;
        let kids = kids.as_array().unwrap_or_default();
        let holder = dictionary
            .get("Kids")
            .and_then(Object::as_reference)
            .or(reference)
            .or(node.holder);
        for kid in kids.iter().rev() {
            pending.push(Node {
                object: kid.clone(),
                holder,
                name: name.clone(),
                signature,
                value: value.clone(),
            });
        }
        // A widget without a name of its own is its parent's (§12.7.4.2), unless it has a value of its own.
        let own = partial.is_some() || dictionary.contains("V");
        if signature && own && (dictionary.contains("V") || kids.is_empty() || value.is_some()) {
            self.signature_fields.push(Field {
                name,
                reference,
                holder: reference.or(node.holder),
                dictionary: Arc::clone(&object),
                value,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::syntax::pdf::testing::build;

    fn form(objects: &[(u32, &str)]) -> Form {
        let file = build(objects);
        let budget = &mut Budget::default();
        let document = Document::open(&file, budget).unwrap();
        Form::read(&document, budget).unwrap()
    }

    #[test]
    fn names_and_values_come_down_the_tree() {
        let form = form(&[
            (1, "<</Type/Catalog/AcroForm<</Fields 2 0 R>>>>"),
            (2, "[3 0 R 6 0 R<</FT/Sig/T(direct)>>]"),
            (3, "<</T(a)/FT/Sig/Kids[4 0 R 5 0 R]>>"),
            (4, "<</T(b)/V 9 0 R>>"),
            (5, "<</T(c)>>"),
            (6, "<</T(text)/FT/Tx/V(x)>>"),
        ]);
        let found: Vec<(&str, bool)> = form
            .signature_fields
            .iter()
            .map(|f| (f.name.as_str(), f.value.is_some()))
            .collect();
        assert_eq!(found, [("a.b", true), ("a.c", false), ("direct", false)]);
        assert_eq!(form.signature_fields[2].reference, None);
        assert_eq!(form.signature_fields[2].holder, Some(Reference::new(2, 0)));
        assert_eq!(form.names.len(), 5);
    }

    #[test]
    fn a_field_whose_kids_are_widgets_counts_once() {
        let form = form(&[
            (1, "<</Type/Catalog/AcroForm 2 0 R>>"),
            (2, "<</Fields[3 0 R]>>"),
            (3, "<</T(a)/FT/Sig/V 9 0 R/Kids[4 0 R]>>"),
            (4, "<</Subtype/Widget/Parent 3 0 R>>"),
        ]);
        assert_eq!(form.signature_fields.len(), 1);
        assert_eq!(form.reference, Some(Reference::new(2, 0)));
    }

    #[test]
    fn a_knot_ends() {
        let form = form(&[
            (1, "<</Type/Catalog/AcroForm<</Fields[3 0 R]>>>>"),
            (3, "<</T(a)/FT/Sig/Kids[3 0 R 4 0 R]>>"),
            (4, "<</T(b)/Kids[3 0 R]>>"),
        ]);
        assert_eq!(form.names.len(), 2);
    }

    #[test]
    fn no_form_is_an_empty_one() {
        assert!(form(&[(1, "<</Type/Catalog>>")]).dictionary.is_none());
        assert!(
            form(&[(1, "<</Type/Catalog/AcroForm 7 0 R>>")])
                .dictionary
                .is_none()
        );
    }
}
