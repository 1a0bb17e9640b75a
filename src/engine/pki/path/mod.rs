//! Certification paths: found among a pool of certificates (RFC 4158), validated at an instant (RFC 5280 §6.1).
//!
//! In: a certificate, a pool, trust anchors, an instant. Out: a [`VerifiedPath`], which cannot be made otherwise, or what
//! was in the way. First version: name constraints and certificate policies are not processed, so a critical extension
//! that would restrict a path by them is refused as unknown. Revocation is `revocation`; it joins in `validation/x509`.

mod build;
mod inputs;
mod validate;

pub use build::{Dead, Search, SignatureChecks};
pub use inputs::{Inputs, LONGEST, Model};
pub use validate::{PathFailure, Problem, VerifiedPath, validate};
