//! Signatures with long-term availability and integrity of validation material (EN 319 102-1 §5.6, unchecked): what archived
//! proofs of existence change.
//!
//! A file a building block: [`poe_extraction`], [`time_sliding`], [`past_certificate`], [`past_signature`], and the process
//! that puts them together, [`process`].

mod past_certificate;
mod past_signature;
mod poe_extraction;
mod process;
mod time_sliding;

pub(super) use process::{Document, is_wanted, validate};
