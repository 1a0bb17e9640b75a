//! The pool of objects of one evidence: each once, in the order of their identifiers.

use super::object::{Object, ObjectId, ObjectKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Objects by identifier.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pool(BTreeMap<ObjectId, Object>);

impl Pool {
    /// Adds `object`; the first one of the same bytes stays. Answers its identifier.
    pub fn add(&mut self, object: Object) -> ObjectId {
        let id = object.id();
        self.0.entry(id).or_insert(object);
        id
    }

    /// By identifier.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        self.0.get(id)
    }

    /// All objects of `kind`.
    pub fn of_kind(&self, kind: ObjectKind) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.0.iter().filter(move |(_, object)| object.kind == kind)
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Object)> {
        self.0.iter()
    }

    /// Leaves out what `keep` is not true of.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Object) -> bool) {
        self.0.retain(|_, object| keep(object));
    }

    /// Adds all objects of `other`.
    pub fn extend(&mut self, other: &Pool) {
        for (id, object) in &other.0 {
            self.0.entry(*id).or_insert_with(|| object.clone());
        }
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every object has the bytes that its identifier names; false for evidence that was tampered with.
    pub fn is_intact(&self) -> bool {
        self.0.iter().all(|(id, object)| object.id() == *id)
    }
}
