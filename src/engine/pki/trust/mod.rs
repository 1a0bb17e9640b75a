//! Whom paths may end at, and by whose word.

mod anchor;

pub use anchor::{Anchor, Anchors, Provenance, TrustPeriod};
