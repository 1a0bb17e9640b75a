//! Whom paths may end at, and by whose word.

mod anchor;
mod list;
mod lists;
pub mod qualification;
mod read;
pub mod recognition;
mod status;

pub use list::{
    DigitalIdentity, Multilingual, Pointer, Provider, Scheme, Service, ServiceState, TrustedList,
};
pub use lists::{Authenticity, Listed, Listing, TrustedLists};
pub use status::{Purpose, ServiceStatus, ServiceType, regulation};

use super::{Certificate, Certificates, Name};
use crate::engine::error::Result;
use std::sync::Arc;

pub use anchor::{Anchor, Anchors, Provenance, TrustPeriod};
