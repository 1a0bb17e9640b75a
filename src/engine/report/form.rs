//! The forms of a report, and one way to write them all.

use super::detailed::detailed;
use super::detailed_text::detailed_text;
use super::etsi::etsi;
use super::html::html;
use super::judged::Judged;
use super::message::Language;
use super::simple::simple;
use super::text::text;
use crate::engine::error::{Error, Result};

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportForm {
    /// What each signature comes to, as JSON.
    Simple,
    /// The same in words.
    SimpleText,
    /// Every process, building block and finding, as JSON.
    Detailed,
    /// The same in words.
    DetailedText,
    /// TS 119 102-2 v1.4.1, as XML.
    Etsi,
    /// The detailed report as a page.
    Html,
}

/// A report in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The report.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
    /// The language of its words, where it has but one.
    pub language: Option<Language>,
}

impl ReportForm {
    /// By the name that callers give it, `simple`, `detailed`, `etsi` or `html`; `in_words` where the first two are wanted
    /// as text.
    pub fn named(name: &str, in_words: bool) -> Result<ReportForm> {
        Ok(match (name, in_words) {
            ("simple", false) => ReportForm::Simple,
            ("simple", true) => ReportForm::SimpleText,
            ("detailed", false) => ReportForm::Detailed,
            ("detailed", true) => ReportForm::DetailedText,
            ("etsi", _) => ReportForm::Etsi,
            ("html", _) => ReportForm::Html,
            _ => {
                let error = Error::invalid("report", "is not a form of report");
                return Err(error.remedy("Use simple, detailed, etsi or html."));
            }
        })
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            ReportForm::Simple | ReportForm::Detailed => "application/json",
            ReportForm::SimpleText | ReportForm::DetailedText => "text/plain; charset=utf-8",
            ReportForm::Etsi => "application/xml",
            ReportForm::Html => "text/html; charset=utf-8",
        }
    }
}

/// The report of `judged` in `form`. The words of texts and pages are in `language`, their instants in the IANA zone `zone`;
/// the other forms know neither. The same arguments give the same bytes on any machine.
pub fn write(
    judged: &Judged<'_>,
    form: ReportForm,
    language: Language,
    zone: &str,
) -> Result<Written> {
    let (bytes, worded) = match form {
        ReportForm::Simple => (simple(judged.evidence, judged.verdict).to_json()?, false),
        ReportForm::SimpleText => {
            let report = simple(judged.evidence, judged.verdict);
            (text(&report, language, zone).into_bytes(), true)
        }
        ReportForm::Detailed => (detailed(judged)?.to_json()?, false),
        ReportForm::DetailedText => (
            detailed_text(&detailed(judged)?, language, zone).into_bytes(),
            true,
        ),
        ReportForm::Etsi => (etsi(judged)?, false),
        ReportForm::Html => (html(&detailed(judged)?, language, zone), true),
    };
    Ok(Written {
        bytes,
        media_type: form.media_type(),
        language: worded.then_some(language),
    })
}
