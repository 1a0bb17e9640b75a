//! `POST /v1/seal`: a PDF in, the same PDF with a seal behind it out. `POST /v1/documents`: with a code of authenticity too.

use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::service::Service;
use super::sign::{self, note};
use super::spool::Content;
use crate::engine::codes::{CodeId, CodeType, verification_url};
use crate::engine::crypto::sha256;
use crate::engine::formats::VisibleSeal;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result};
use crate::service::callers::Caller;
use crate::service::flow::{CODE_PAGE, CodeWish, Issued, Sealed, Signed, Wish};
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Characters of a reason or a location.
const MOST_STATED: usize = 500;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SealOptions {
    seal: String,
    reason: String,
    location: String,
    visible: String,
}

impl SealOptions {
    fn check(&self) -> Result<()> {
        for (element, value) in [("reason", &self.reason), ("location", &self.location)] {
            if value.chars().count() > MOST_STATED {
                return Err(Error::limit(element, "longer than 500 characters"));
            }
        }
        if !["", "true", "false"].contains(&self.visible.as_str()) {
            return Err(Error::invalid("visible", "neither true nor false"));
        }
        Ok(())
    }
}

/// `POST /v1/seal`.
pub(super) async fn seal(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<SealOptions>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Query(query) =
        query.map_err(|_| unknown_parameter("seal, reason, location and visible"))?;
    let (pdf, options) = sent(&service, &headers, body, query).await?;
    options.check()?;
    let (desk, debts) = (service.parts.seal_desk.clone(), service.parts.debts.clone());
    let zone = service.config().sede.zone.clone();
    let sealed = service
        .work
        .run(move || {
            let name = desk.chosen(&options.seal)?;
            let visible = (options.visible == "true")
                .then(|| desk.appearance(&name, &options.reason, &zone))
                .transpose()?;
            let wish = wish(&options.reason, &options.location, visible);
            let sealed = desk.seal(&caller, &name, &pdf, wish)?;
            let signed = Signed::from(sealed);
            note(debts.as_deref(), &caller, &name, signed, None)
        })
        .await?;
    service.metrics.seals.fetch_add(1, Ordering::Relaxed);
    Ok(sign::answer(sealed))
}

async fn sent(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    query: SealOptions,
) -> Answer<(Content, SealOptions)> {
    let kind = form::header_text(headers);
    if !form::is_media_type(kind, "multipart/form-data") {
        require_pdf(kind)?;
        let limit = service.document_limit();
        let pdf = form::read_document(&service.spool, headers, body, limit).await?;
        return Ok((pdf, query));
    }
    let text = service.metadata_limit();
    let takes = [
        Takes::one("document", service.document_limit()),
        Takes::optional("seal", text),
        Takes::optional("reason", text),
        Takes::optional("location", text),
        Takes::optional("visible", text),
    ];
    let whole = service.request_limit();
    let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
    let mut either = |name, query: String| -> Answer<String> {
        let sent = parts.text(name)?;
        Ok(if sent.is_empty() { query } else { sent })
    };
    let options = SealOptions {
        seal: either("seal", query.seal)?,
        reason: either("reason", query.reason)?,
        location: either("location", query.location)?,
        visible: either("visible", query.visible)?,
    };
    Ok((parts.require("document")?.content, options))
}

fn require_pdf(kind: &str) -> Answer<()> {
    let known = ["application/pdf", "application/octet-stream"];
    if known.iter().any(|k| form::is_media_type(kind, k)) {
        return Ok(());
    }
    Err(Problem::media_type(
        kind,
        "application/pdf or multipart/form-data",
    ))
}

fn unknown_parameter(known: &str) -> Problem {
    Problem::bad_request(
        Error::invalid("query", "holds a parameter that is not known")
            .remedy(format!("Known are {known}.")),
    )
}

fn wish(reason: &str, location: &str, visible: Option<VisibleSeal>) -> Wish {
    let stated = |text: &str| (!text.is_empty()).then(|| text.to_string());
    Wish {
        reason: stated(reason),
        location: stated(location),
        visible,
    }
}

const LEVEL: HeaderName = HeaderName::from_static("x-rubrica-level");
const DEGRADED: HeaderName = HeaderName::from_static("x-rubrica-degraded");
const CODE_ID: HeaderName = HeaderName::from_static("x-rubrica-code-id");

fn sealed_pdf(sealed: Sealed) -> Response {
    let level = sealed.level.to_string();
    let mut response = ([(CONTENT_TYPE, "application/pdf")], sealed.bytes).into_response();
    let headers = response.headers_mut();
    if let Ok(level) = HeaderValue::from_str(&level) {
        headers.insert(LEVEL, level);
    }
    let owed = sealed
        .owed
        .map(|error| HeaderValue::from_str(&error.to_string()));
    if let Some(why) = owed {
        headers.insert(
            DEGRADED,
            why.unwrap_or(HeaderValue::from_static("time-stamp")),
        );
    }
    response
}

/// `POST /v1/documents`.
pub(super) async fn issue(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let desk = service.parts.code_issue.clone().ok_or_else(|| {
        Error::unavailable("codes", "not issued here")
            .remedy("Name store.key and code.secrets in the configuration.")
    })?;
    let text = service.metadata_limit();
    let takes = [
        Takes::one("document", service.document_limit()),
        Takes::one("entity", text),
        Takes::one("type", text),
        Takes::optional("caducidad", text),
        Takes::optional("reason", text),
    ];
    let whole = service.request_limit();
    let mut parts = form::read_form(&service.spool, &headers, body, whole, &takes).await?;
    let code = CodeWish {
        entity: parts.text("entity")?,
        kind: code_type(&parts.text("type")?)?,
        days: 0,
    };
    let code = CodeWish {
        days: days(&parts.text("caducidad")?, code.kind)?,
        ..code
    };
    let reason = parts.text("reason")?;
    let pdf = parts.require("document")?.content;
    let issued = service
        .work
        .run(move || desk.issue(&caller, &pdf, &code, wish(&reason, "", None)))
        .await?;
    service.metrics.documents.fetch_add(1, Ordering::Relaxed);
    answer(&service, &headers, issued)
}

fn code_type(text: &str) -> Result<CodeType> {
    match text {
        "T" => Ok(CodeType::T),
        "P" => Ok(CodeType::P),
        _ => Err(Error::invalid("type", "neither T nor P")
            .remedy("Send T for a code that expires, P for one that does not.")),
    }
}

/// Days until a code expires; where they are not said, a permanent one.
fn days(text: &str, kind: CodeType) -> Result<i32> {
    match (text, kind) {
        ("", CodeType::P) => Ok(-1),
        ("", CodeType::T) => Err(Error::invalid("caducidad", "missing for a code of type T")
            .remedy("Send the days until it expires, 0 to 733.")),
        (text, _) => text
            .parse()
            .map_err(|_| Error::invalid("caducidad", "not a number of days")),
    }
}

fn answer(service: &Service, headers: &HeaderMap, issued: Issued) -> Answer {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok());
    if accept.is_some_and(|a| a.contains("application/pdf")) {
        let mut response = sealed_pdf(issued.sealed);
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(id) = HeaderValue::from_str(&issued.code_id) {
            response.headers_mut().insert(CODE_ID, id);
        }
        return Ok(response);
    }
    let page = format!("{}{CODE_PAGE}", service.config().sede.url);
    let mut body = json!({
        "code_id": issued.code_id,
        "date": issued.date,
        "validity": issued.validity,
        "verification_url": verification_url(&page, &CodeId::new(&issued.code_id)?, issued.date),
        "level": issued.sealed.level.to_string(),
        "size": issued.sealed.bytes.len(),
        "sha256": hex(&sha256(&issued.sealed.bytes)),
        "document": STANDARD.encode(&issued.sealed.bytes),
    });
    if let Some(owed) = &issued.sealed.owed {
        body["degraded"] = json!(owed.to_string());
    }
    Ok((StatusCode::CREATED, Json(body)).into_response())
}
