//! Validation context initialisation (EN 319 102-1 §5.2.4): by which constraints the signature is judged.
//!
//! The constraints are the [`Policy`](super::Policy) that the caller hands in. A signature policy that the signature
//! names is told and not processed: the caller's policy stands in its place.

use super::finding::{Finding, Outcome};
use crate::engine::evidence::Signature;

const CLAUSE: &str = "EN 319 102-1 §5.2.4";

/// What is to be told about the constraints of `signature`.
pub(super) fn initialise(signature: &Signature) -> Option<Finding> {
    let policy = signature.policy.as_ref()?;
    let note = Finding::new("signature_policy.not_processed", CLAUSE, Outcome::Note);
    Some(note.found(policy.id))
}
