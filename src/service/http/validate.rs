//! `POST /v1/validate`: what the signatures of a document come to. Nothing that is sent is kept.
//!
//! In: the document as the body, or the parts `document` and, for detached signatures, `content`. Out: the simple report,
//! in JSON or in words. A signature that does not hold is an answer, not a problem.

use super::form::{self, Part, Takes};
use super::language;
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool;
use crate::engine::evidence::{self, Originals};
use crate::engine::formats::{Content, Detached};
use crate::engine::register;
use crate::engine::report::{self, SimpleReport};
use crate::engine::{Error, Result, Time};
use crate::service::flow;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_LANGUAGE, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use std::sync::Arc;

/// A judged document.
#[derive(Debug)]
pub struct Judged {
    /// What it comes to.
    pub report: SimpleReport,
    /// All that it was judged by, so that anybody can judge it again; `None` where nothing is signed.
    pub evidence: Option<Vec<u8>>,
}

impl Service {
    /// Judges a document at `at`, or now.
    pub async fn judge(
        &self,
        document: spool::Content,
        detached: Vec<Part>,
        at: Option<Time>,
    ) -> Result<Judged> {
        let now = at.unwrap_or_else(|| self.parts.clock.now());
        let (policy, sources) = (self.parts.policy.current(), self.parts.sources.clone());
        let index = self.parts.index.clone();
        let job = move || {
            let detached: Vec<Detached<'_>> = detached
                .iter()
                .map(|part| Detached {
                    name: part.file_name.as_deref(),
                    content: Content::Bytes(&part.content),
                })
                .collect();
            let validated = flow::validate(&document, &detached, &[], &policy, &sources, now)?;
            for outage in &validated.outages {
                tracing::warn!(element = outage.element(), "a source did not answer");
            }
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
                evidence: evidence.transpose()?,
            })
        };
        let judged = self.judging.run(job).await?;
        self.metrics.validated(judged.report.indication);
        Ok(judged)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidateQuery {
    at: Option<String>,
    #[serde(default)]
    evidence: bool,
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
        Problem::bad_request(
            Error::invalid("query", "holds something other than at, lang and evidence")
                .remedy("Send ?at= with a date and time of RFC 3339, ?evidence=true, or nothing."),
        )
    })?;
    let at = query.at.as_deref().map(instant).transpose()?;
    let (document, detached) = sent(&service, &headers, body).await?;
    let judged = service.judge(document, detached, at).await?;
    if query.evidence {
        let evidence = judged.evidence.ok_or_else(|| {
            Error::not_found("evidence", "there is none: nothing is signed")
                .remedy("Ask for the report.")
        })?;
        return Ok(([(CONTENT_TYPE, "application/json")], evidence).into_response());
    }
    if !prefers_text(&headers) {
        let report = judged.report.to_json()?;
        return Ok(([(CONTENT_TYPE, "application/json")], report).into_response());
    }
    let language = report_language(query.lang.as_deref(), &headers);
    let text = report::text(&judged.report, language, &service.config().sede.zone);
    Ok(in_words(text, language))
}

/// RFC 3339; a plus sign that a query turned into a space is taken back.
pub(super) fn instant(text: &str) -> Result<Time> {
    text.replace(' ', "+").parse().map_err(|_| {
        Error::invalid("at", "not a date and time of RFC 3339")
            .remedy("Write it as 2026-11-24T21:31:49Z or with an offset.")
    })
}

async fn sent(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Answer<(spool::Content, Vec<Part>)> {
    let kind = form::header_text(headers);
    if form::is_media_type(kind, "multipart/form-data") {
        let (limit, most) = (
            service.document_limit(),
            service.config().limits.attachments,
        );
        let takes = [
            Takes::one("document", limit),
            Takes::many("content", limit, most, "limits.attachments"),
        ];
        let whole = service.request_limit();
        let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
        let document = parts.require("document")?.content;
        if document.is_empty() {
            return Err(Error::invalid("part \"document\"", "empty")
                .remedy("Send the file itself.")
                .into());
        }
        return Ok((document, parts.take_all("content")));
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
    Ok((document, Vec::new()))
}

/// Whether text comes before JSON in `Accept`.
pub(super) fn prefers_text(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let place = |kind: &str| accept.find(kind).unwrap_or(usize::MAX);
    place("text/plain") < place("application/json")
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
