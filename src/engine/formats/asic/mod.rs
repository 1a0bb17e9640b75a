//! ASiC containers with CAdES signatures (EN 319 162-1): ASiC-S and ASiC-E are read, with every file's coverage.
//!
//! A container is made by `register/acuse`, which knows what goes in; its signature is CAdES over the ASiCManifest.
//! Containers with XAdES signatures are refused by name until XML signatures are read.

mod inspect;
mod manifest;

pub use manifest::{DataObjectReference, Manifest};

use super::{Content, Format, Input, Material, Patch, Prepared, Resume, SignRequest, Sniff};
use crate::engine::crypto::SignatureValue;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Evidence;
use crate::engine::limits::Budget;
use crate::engine::time::Time;

/// ASiC containers.
#[derive(Debug, Clone, Copy)]
pub struct Asic;

impl Format for Asic {
    fn name(&self) -> &'static str {
        "ASiC"
    }

    fn sniff(&self, document: &[u8]) -> Sniff {
        if document.starts_with(b"PK\x03\x04") {
            Sniff::Yes
        } else {
            Sniff::No
        }
    }

    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence> {
        inspect::container(input.document, budget)
    }

    fn prepare(&self, _: Content<'_>, _: &SignRequest, _: Time) -> Result<Prepared> {
        Err(Error::unsupported("ASiC container", "a further signature inside a container")
            .remedy("Sign the ASiCManifest with CAdES and pack it, or sign the files before they are packed."))
    }

    fn embed(&self, _: &[u8], _: Resume, _: SignatureValue) -> Result<Patch> {
        Err(Error::unsupported(
            "ASiC container",
            "a further signature inside a container",
        ))
    }

    fn augment(&self, _: &[u8], _: &Material) -> Result<Patch> {
        Err(
            Error::unsupported("ASiC container", "a time-stamp inside a container")
                .remedy("Time-stamp the signature before the container is packed."),
        )
    }
}
