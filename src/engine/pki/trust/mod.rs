//! Whom paths may end at, and by whose word: anchors, and the trusted lists that name them (TS 119 612).

pub mod accepted;
mod anchor;
mod list;
mod listed;
mod lists;
mod pivot;
pub mod qualification;
mod read;
pub mod recognition;
mod status;

pub use anchor::{Anchor, Anchors, Provenance, TrustPeriod};
pub use list::{
    DigitalIdentity, Multilingual, Pointer, Provider, Scheme, Service, ServiceState, TrustedList,
};
pub use lists::{Authenticity, Listed, Listing, TrustedLists};
pub use pivot::{Verifier, authenticate, believed_signers, pivots};
pub use read::MOST_BYTES;
pub use status::{Purpose, ServiceStatus, ServiceType, regulation};
