//! Reports: a verdict as bytes for programs and as text for people. Pure: the same verdict gives the same bytes.
//!
//! Nothing is decided here. Findings carry keys and values; their wording, in Spanish and English, is in
//! `messages/*.json`, a file a language.

mod certificate;
mod inspection;
mod message;
mod signer;
mod simple;
mod text;

pub use certificate::{CertificateReport, RevocationReport, Step, certificate};
pub use inspection::{InspectedExtension, Inspection};
pub use message::{Language, verdict_text};
pub use signer::Signer;
pub use simple::{
    Explained, FindingReport, NestedReport, ScopeReport, SignatureReport, SimpleReport,
    TimestampReport, simple,
};
pub use text::{line, one_line, text};
