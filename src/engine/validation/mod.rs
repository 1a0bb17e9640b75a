//! EN 319 102-1: from evidence to a verdict. Pure; one file a building block, in the clause's order.
//!
//! A verdict asks and never fetches: what is missing stands in [`Verdict::wanted`], and whoever holds sources may add it
//! to the evidence and validate again. No wording is composed here: findings carry keys and values, reports print them.

mod finding;
mod indication;
mod verdict;

pub use finding::{Check, Finding, Outcome};
pub use indication::{Indication, SubIndication};
pub use verdict::{NestedVerdict, SignatureVerdict, TimestampVerdict, Verdict, Want};
