//! The seal's place in a tagged document's structure.
//!
//! ISO 32000-2 §14.7 and ISO 14289-1 §7.18.4: a widget stands in a `Form` element, which the parent tree finds from the
//! widget's /StructParent. In: the draft, the widget, its page; out: the key for /StructParent, `None` where the document
//! is not tagged. `K` of the element is a dictionary and no array, for the sake of other readers' change analysis.

use super::draft::Draft;
use crate::engine::error::{Error, Result};
use crate::engine::syntax::pdf::{Dictionary, Object, Reference};
use std::collections::HashSet;

/// Adds the widget to the structure, under the element of this identifier where there is one.
pub(super) fn add_form_element(
    draft: &mut Draft<'_, '_, '_>,
    identifier: Option<&str>,
    widget: Reference,
    page: Reference,
) -> Result<Option<i64>> {
    let (_, catalog) = draft.document.catalog(draft.budget)?;
    let root = catalog
        .as_dictionary()
        .and_then(|c| c.get("StructTreeRoot"))
        .and_then(Object::as_reference);
    let Some(root) = root else { return Ok(None) };
    let parent = match identifier {
        Some(identifier) => find_element(draft, root, identifier)?,
        None => None,
    };
    let parent = match parent {
        Some(parent) => parent,
        None => document_element(draft, root)?,
    };
    let object = Dictionary::new()
        .with("Type", Object::name("OBJR"))
        .with("Obj", widget)
        .with("Pg", page);
    let element = draft.add(
        Dictionary::new()
            .with("Type", Object::name("StructElem"))
            .with("S", Object::name("Form"))
            .with("P", parent)
            .with("Pg", page)
            .with("K", object),
    )?;
    add_kid(draft, parent, element)?;
    let key = add_to_parent_tree(draft, root, element)?;
    draft.dictionary(root)?.set("ParentTreeNextKey", key + 1);
    Ok(Some(key))
}

/// Looks a structure element up in the /IDTree, a name tree (§7.9.6).
fn find_element(
    draft: &mut Draft<'_, '_, '_>,
    root: Reference,
    identifier: &str,
) -> Result<Option<Reference>> {
    let root = draft.document.load(root, draft.budget)?;
    let mut pending: Vec<Object> = root
        .as_dictionary()
        .and_then(|r| r.get("IDTree").cloned())
        .into_iter()
        .collect();
    let mut visited = HashSet::new();
    // The writer of our receipts puts a letter before the identifiers that its user gives.
    let wanted = [
        identifier.as_bytes(),
        &[b"U", identifier.as_bytes()].concat(),
    ];
    while let Some(node) = pending.pop() {
        draft.budget.step(1)?;
        if node.as_reference().is_some_and(|r| !visited.insert(r)) {
            continue;
        }
        let node = draft.document.resolve(&node, draft.budget)?;
        let Some(dictionary) = node.as_dictionary() else {
            continue;
        };
        let names = draft.document.value(dictionary, "Names", draft.budget)?;
        for pair in names.as_array().unwrap_or_default().chunks_exact(2) {
            draft.budget.step(1)?;
            let name = pair[0].as_string().map(|s| s.bytes.as_slice());
            if name.is_some_and(|n| wanted.contains(&n)) {
                return Ok(pair[1].as_reference());
            }
        }
        let kids = draft.document.value(dictionary, "Kids", draft.budget)?;
        pending.extend(kids.as_array().unwrap_or_default().iter().rev().cloned());
    }
    Ok(None)
}

/// The one element under the root where there is exactly one; else the root itself.
fn document_element(draft: &mut Draft<'_, '_, '_>, root: Reference) -> Result<Reference> {
    let object = draft.document.load(root, draft.budget)?;
    let kids = match object.as_dictionary() {
        Some(dictionary) => Object::clone(&*draft.document.value(dictionary, "K", draft.budget)?),
        None => Object::Null,
    };
    let single = match &kids {
        Object::Array(items) if items.len() == 1 => items.first().and_then(Object::as_reference),
        Object::Dictionary(_) => object
            .as_dictionary()
            .and_then(|d| d.get("K"))
            .and_then(Object::as_reference),
        _ => None,
    };
    Ok(single.unwrap_or(root))
}

/// /K may be missing, one kid, or an array of kids, here or elsewhere (§14.7.2, table 355).
fn add_kid(draft: &mut Draft<'_, '_, '_>, parent: Reference, element: Reference) -> Result<()> {
    let present = draft.dictionary(parent)?.get("K").cloned();
    let array_elsewhere = match &present {
        Some(kids @ Object::Reference(_)) => draft
            .document
            .resolve(kids, draft.budget)?
            .as_array()
            .is_some(),
        _ => false,
    };
    match present {
        Some(single) if !array_elsewhere && single.as_array().is_none() => {
            let kids = vec![single, element.into()];
            draft.dictionary(parent)?.set("K", kids);
            Ok(())
        }
        _ => draft.append(parent, "K", element.into()),
    }
}

/// Adds the element to the /ParentTree, a number tree (§7.9.7), under a key greater than all others; gives the key.
fn add_to_parent_tree(
    draft: &mut Draft<'_, '_, '_>,
    root: Reference,
    element: Reference,
) -> Result<i64> {
    let next = draft
        .dictionary(root)?
        .get("ParentTreeNextKey")
        .and_then(Object::as_integer)
        .unwrap_or(0);
    let mut node = tree_reference(draft, root)?;
    let mut path = vec![node];
    let mut visited = HashSet::from([node]);
    loop {
        let dictionary = draft.dictionary(node)?.clone();
        let kids = draft.document.value(&dictionary, "Kids", draft.budget)?;
        let Some(last) = kids.as_array().and_then(<[Object]>::last) else {
            break;
        };
        node = last
            .as_reference()
            .filter(|r| visited.insert(*r))
            .ok_or_else(|| Error::malformed("PDF /ParentTree", "its nodes are not in order"))?;
        path.push(node);
    }
    let leaf = draft.dictionary(node)?.clone();
    let numbers = draft.document.value(&leaf, "Nums", draft.budget)?;
    let numbers = numbers.as_array().unwrap_or_default();
    let last = numbers
        .len()
        .checked_sub(2)
        .and_then(|i| numbers.get(i))
        .and_then(Object::as_integer);
    let key = last
        .map_or(next, |last| next.max(last.saturating_add(1)))
        .max(0);
    draft.append(node, "Nums", key.into())?;
    draft.append(node, "Nums", element.into())?;
    for node in path {
        let dictionary = draft.dictionary(node)?;
        if let Some(Object::Array(limits)) = dictionary.get("Limits")
            && let [first, _] = limits.as_slice()
        {
            let limits = vec![first.clone(), key.into()];
            dictionary.set("Limits", limits);
        }
    }
    Ok(key)
}

/// The parent tree as an object of its own; it is made one where it stands in the root or is missing.
fn tree_reference(draft: &mut Draft<'_, '_, '_>, root: Reference) -> Result<Reference> {
    let tree = match draft.dictionary(root)?.get("ParentTree") {
        Some(Object::Reference(reference)) => return Ok(*reference),
        Some(Object::Dictionary(tree)) => tree.clone(),
        _ => Dictionary::new().with("Nums", Vec::new()),
    };
    let reference = draft.add(tree)?;
    draft.dictionary(root)?.set("ParentTree", reference);
    Ok(reference)
}
