//! Reports: a verdict as bytes for programs and as text for people. Pure: the same verdict gives the same bytes.
//!
//! Nothing is decided here. Findings carry keys and values; their wording, in Spanish and English, is in
//! `messages/*.json`, a file a language.

mod certificate;
mod detailed;
mod detailed_text;
mod etsi;
mod etsi_objects;
mod form;
mod html;
mod inspection;
mod judged;
mod markup;
mod message;
mod object;
mod signer;
mod simple;
mod text;

pub use certificate::{CertificateReport, RevocationReport, Step, certificate};
pub use detailed::{
    BlockReport, DetailedDocument, DetailedReport, DetailedSignature, DetailedTimestamp,
    DocumentConclusion, ProcessReport, RecordReport, ReportedProcess, detailed,
};
pub use detailed_text::detailed_text;
pub use etsi::etsi;
pub use form::{ReportForm, Written, write};
pub use html::html;
pub use inspection::{InspectedExtension, Inspection};
pub use judged::Judged;
pub use message::{Language, verdict_text};
pub use object::ObjectReport;
pub use signer::Signer;
pub use simple::{
    Explained, FindingReport, NestedReport, ScopeReport, SignatureReport, SimpleReport,
    TimestampReport, simple,
};
pub use text::{line, one_line, text};

use crate::engine::error::{Error, Result};
use crate::engine::syntax::json::canonical_json;
use serde::Serialize;

/// A report as canonical JSON (RFC 8785 §3.2), so that the same report is the same bytes everywhere.
fn canonical(report: &impl Serialize) -> Result<Vec<u8>> {
    let value = serde_json::to_value(report)
        .map_err(|error| Error::internal("report", error.to_string()))?;
    canonical_json(&value)
}
