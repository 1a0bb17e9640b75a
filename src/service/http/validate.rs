//! `POST /v1/validate`: what the signatures of a document come to. Nothing that is sent is kept.
//!
//! In: the document as the body, or the parts `document` and, for detached signatures, `content`; and `evidence_record`, for
//! records about either. Out: the report in the form that `report` or `Accept` asks for. A signature that does not hold is an answer, not a problem.

use super::form::{self, Part, Takes};
use super::language;
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool;
use crate::engine::crypto::sha256;
use crate::engine::evidence::{self, Originals};
use crate::engine::formats::{Detached, GivenRecord};
use crate::engine::register;
use crate::engine::report::{self, ReportForm, SimpleReport, Written};
use crate::engine::validation::Policy;
use crate::engine::{Error, Result, Time};
use crate::service::flow::{self, Submitted};
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::sync::Arc;

/// Ranges of an `Accept` header that are looked at.
const MOST_RANGES: usize = 32;

/// A judged document.
#[derive(Debug)]
pub struct Judged {
    /// What it comes to.
    pub report: SimpleReport,
    /// The reports that were asked for, in their order.
    pub written: Vec<Result<Written>>,
    /// All that it was judged by, so that anybody can judge it again; `None` where nothing is signed.
    pub evidence: Option<Vec<u8>>,
}

/// What is to be judged.
#[derive(Debug)]
pub struct Sent {
    /// The document.
    pub document: spool::Content,
    /// Content that its signatures are over and do not carry.
    pub detached: Vec<Part>,
    /// Evidence records about it.
    pub records: Vec<Part>,
}

impl Service {
    /// Judges a document at `at`, or now, by the policy called `policy`, or that of the service, and writes `reports` of it.
    pub async fn judge(
        &self,
        sent: Sent,
        at: Option<Time>,
        policy: Option<&str>,
        reports: Vec<(ReportForm, report::Language)>,
    ) -> Result<Judged> {
        let now = at.unwrap_or_else(|| self.parts.clock.now());
        let (policy, sources) = (self.policy(policy)?, self.parts.sources.clone());
        let (index, zone) = (self.parts.index.clone(), self.config().sede.zone.clone());
        let job = move || {
            let Sent {
                document,
                detached,
                records,
            } = sent;
            let streams = detached.iter().map(|part| spool::Stream::of(&part.content));
            let streams = streams.collect::<Result<Vec<_>>>()?;
            let detached = detached
                .iter()
                .zip(&streams)
                .map(|(part, stream)| Detached {
                    name: part.file_name.as_deref(),
                    content: stream.content(),
                });
            let detached: Vec<Detached<'_>> = detached.collect();
            let records = records.iter().map(|part| GivenRecord {
                name: part.file_name.as_deref().unwrap_or("evidence record"),
                bytes: &part.content,
            });
            let records: Vec<GivenRecord<'_>> = records.collect();
            let submitted = Submitted {
                document: &document,
                detached: &detached,
                records: &records,
                given: &[],
            };
            let validated = flow::validate(&submitted, &policy, &sources, now)?;
            for outage in &validated.outages {
                tracing::warn!(element = outage.element(), "a source did not answer");
            }
            let judged = report::Judged {
                evidence: &validated.evidence,
                verdict: &validated.verdict,
                policy: &policy,
            };
            let write = |(form, language)| report::write(&judged, form, language, &zone);
            let written = reports.into_iter().map(write).collect();
            let report = report::simple(&validated.evidence, &validated.verdict);
            let signed = report.indication.is_some();
            let judgement = validated.verdict.judgement(&policy);
            let originals: &dyn Originals = match &index {
                Some(index) => &**index,
                None => &(),
            };
            let export = || evidence::export(&validated.evidence, judgement, originals);
            let evidence = signed.then(export);
            Ok(Judged {
                report,
                written,
                evidence: evidence.transpose()?,
            })
        };
        let judged = self.judging.run(job).await?;
        self.metrics.validated(judged.report.indication);
        Ok(judged)
    }
}

impl Service {
    /// The policy of this name with those whom the service trusts; that of the service for none.
    fn policy(&self, name: Option<&str>) -> Result<Arc<Policy>> {
        let current = self.parts.policy.current();
        let Some(name) = name else {
            return Ok(current);
        };
        let found = self.parts.policies.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.parts.policies.keys().map(String::as_str).collect();
            Error::invalid("policy", "no policy here is called so")
                .remedy(format!("Ask for {}, or leave it out.", known.join(", ")))
        })?;
        Ok(Arc::new(
            Policy::clone(&current).constrained(|constraints| *constraints = found),
        ))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateQuery {
    at: Option<String>,
    policy: Option<String>,
    #[serde(default)]
    evidence: bool,
    report: Option<String>,
    lang: Option<String>,
}

/// `POST /v1/validate`.
pub(super) async fn validate(
    State(service): State<Arc<Service>>,
    query: Result<Query<ValidateQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Query(query) = query.map_err(|_| {
        let problem = "holds something other than at, policy, evidence, report and lang";
        Problem::bad_request(Error::invalid("query", problem).remedy(
            "Send ?at= with a date and time of RFC 3339, ?evidence=true, ?report=detailed, or nothing.",
        ))
    })?;
    let at = query.at.as_deref().map(instant).transpose()?;
    let form = report_form(query.report.as_deref(), &headers)?;
    let language = report_language(query.lang.as_deref(), &headers);
    let sent = sent(&service, &headers, body).await?;
    let reports = if query.evidence {
        vec![]
    } else {
        vec![(form, language)]
    };
    let mut judged = service
        .judge(sent, at, query.policy.as_deref(), reports)
        .await?;
    match judged.written.pop() {
        Some(report) => Ok(told(report?)),
        None => {
            let evidence = judged.evidence.ok_or_else(|| {
                Error::not_found("evidence", "there is none: nothing is signed")
                    .remedy("Ask for the report.")
            })?;
            Ok(([(CONTENT_TYPE, "application/json")], evidence).into_response())
        }
    }
}

/// The form that is asked for by name, else by the media type that the caller likes best; the simple report in JSON where
/// neither says anything.
fn report_form(asked: Option<&str>, headers: &HeaderMap) -> Result<ReportForm> {
    const KINDS: &[&str] = &[
        "application/json",
        "text/plain",
        "application/xml",
        "text/xml",
        "text/html",
    ];
    let liked = preferred(headers, KINDS);
    match (asked, liked) {
        (None, Some("application/xml" | "text/xml")) => Ok(ReportForm::Etsi),
        (None, Some("text/html")) => Ok(ReportForm::Html),
        (name, liked) => ReportForm::named(name.unwrap_or("simple"), liked == Some("text/plain")),
    }
}

/// The offered media type that `Accept` likes best; of equals, the first there.
fn preferred(headers: &HeaderMap, offered: &[&'static str]) -> Option<&'static str> {
    let text = headers.get(ACCEPT)?.to_str().ok()?;
    let mut best: Option<(&'static str, f32)> = None;
    for range in text.split(',').take(MOST_RANGES) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let quality = parts
            .filter_map(|part| part.strip_prefix("q="))
            .find_map(|q| q.parse().ok());
        let quality = quality.unwrap_or(1.0);
        let better = quality > 0.0 && best.is_none_or(|(_, q)| quality > q);
        let known = offered
            .iter()
            .find(|known| known.eq_ignore_ascii_case(kind));
        if let Some(known) = known.filter(|_| better) {
            best = Some((known, quality));
        }
    }
    best.map(|(kind, _)| kind)
}

/// A report as an answer, with its digest (RFC 9530 §3, unchecked). A page is for keeping: here it would be shown without
/// its style.
fn told(report: Written) -> Response {
    let digest = STANDARD.encode(sha256(&report.bytes));
    let mut response = ([(CONTENT_TYPE, report.media_type)], report.bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    if let Ok(digest) = HeaderValue::try_from(format!("sha-256=:{digest}:")) {
        headers.insert("repr-digest", digest);
    }
    if let Some(language) = report.language {
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    }
    if report.media_type.starts_with("text/html") {
        let name = HeaderValue::from_static("attachment; filename=\"report.html\"");
        headers.insert(CONTENT_DISPOSITION, name);
    }
    response
}

/// RFC 3339; a plus sign that a query turned into a space is taken back.
pub(super) fn instant(text: &str) -> Result<Time> {
    text.replace(' ', "+").parse().map_err(|_| {
        Error::invalid("at", "not a date and time of RFC 3339")
            .remedy("Write it as 2026-11-24T21:31:49Z or with an offset.")
    })
}

async fn sent(service: &Service, headers: &HeaderMap, body: Body) -> Answer<Sent> {
    let kind = form::header_text(headers);
    if form::is_media_type(kind, "multipart/form-data") {
        let (limit, most) = (
            service.document_limit(),
            service.config().limits.attachments,
        );
        let takes = [
            Takes::one("document", limit),
            Takes::many("content", limit, most, "limits.attachments").digested(),
            Takes::many("evidence_record", limit, most, "limits.attachments"),
        ];
        let whole = service.request_limit();
        let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
        let document = parts.require("document")?.content;
        if document.is_empty() {
            return Err(Error::invalid("part \"document\"", "empty")
                .remedy("Send the file itself.")
                .into());
        }
        return Ok(Sent {
            document,
            detached: parts.take_all("content"),
            records: parts.take_all("evidence_record"),
        });
    }
    let document = [
        "application/octet-stream",
        "application/pdf",
        "application/zip",
    ];
    let signed = [
        "application/pkcs7-",
        "application/cms",
        "application/vnd.etsi.asic-",
    ];
    let taken = document
        .iter()
        .any(|known| form::is_media_type(kind, known))
        || signed
            .iter()
            .any(|known| kind.to_ascii_lowercase().starts_with(known));
    if !taken {
        let expected =
            "application/octet-stream, application/pdf, application/zip or multipart/form-data";
        return Err(Problem::media_type(kind, expected));
    }
    let limit = service.document_limit();
    let document = form::read_document(&service.spool, headers, body, limit).await?;
    Ok(Sent {
        document,
        detached: Vec::new(),
        records: Vec::new(),
    })
}

/// Whether `Accept` likes text better than JSON.
pub(super) fn prefers_text(headers: &HeaderMap) -> bool {
    preferred(headers, &["text/plain", "application/json"]) == Some("text/plain")
}

pub(super) fn report_language(asked: Option<&str>, headers: &HeaderMap) -> report::Language {
    let offered = [register::Language::Es, register::Language::En];
    match language::negotiate(asked, headers, &offered) {
        register::Language::En => report::Language::En,
        _ => report::Language::Es,
    }
}

pub(super) fn in_words(text: String, language: report::Language) -> Response {
    let mut response = ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.code()));
    headers.insert(VARY, HeaderValue::from_static("accept, accept-language"));
    response
}
