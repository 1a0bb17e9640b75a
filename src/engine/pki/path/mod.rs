//! Certification paths: found among a pool of certificates (RFC 4158), validated at an instant (RFC 5280 §6.1).
//!
//! In: a certificate, a pool, trust anchors, an instant, the inputs of RFC 5280 §6.1.1. Out: a [`VerifiedPath`], which cannot
//! be made otherwise, or what was in the way. Revocation is `revocation`; it joins in `validation/x509`.

mod build;
mod inputs;
mod name_constraints;
mod note;
mod policy;
#[cfg(test)]
mod tests;
mod validate;

pub use build::{Dead, Search, SignatureChecks};
pub use inputs::{Inputs, LONGEST, Model};
pub use name_constraints::NameFault;
pub use note::{Note, Oddity};
pub use policy::PolicyOutcome;
pub use validate::{PathFailure, Problem, VerifiedPath, instant_for, validate};
