//! Seals register receipts and documents of public e-offices, validates signatures, and explains the verdict.
//!
//! ```text
//! verify   bytes ─▶ syntax tree ─▶ Evidence ─▶ Verdict ─▶ Report
//!                   asn1 xml pdf    formats     validation  report
//! sign     Document ─▶ ToBeSigned ─▶ SignatureValue ─▶ container ─▶ augmented container
//!                   formats          keys              formats      formats
//! around   sources fetch · store keeps · http, web and cli carry · keys sign       (the only I/O)
//! ```
//!
//! [`engine`] is pure: no clock, no disk, no socket, no randomness. `service` (feature `service`, on by default) is
//! everything that touches the world. ARCHITECTURE.md is the map, SPECS.md says clause by clause what is done.

#![deny(unsafe_code)]
#![warn(missing_debug_implementations)]

pub mod engine;
#[cfg(feature = "service")]
pub mod service;

/// The README's example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
