//! `POST /v1/sign`: a document in, the signature or the signed document out. `POST /v1/augment`: a signed one in, the same
//! at a higher level out.
//!
//! The parameters are one JSON part of one schema for every format. What leaves was read back, and from LT on judged by
//! itself. Not here: a key that is elsewhere (`two_step`).

use super::form::{self, Form, Takes};
use super::problem::Answer;
use super::service::Service;
use super::spool::{Content, Stream};
use crate::engine::Result;
use crate::service::callers::Caller;
use crate::service::flow::{DebtDesk, Parameters, Raise, Raising, Signed, ToSign};
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// `POST /v1/sign`.
pub(super) async fn sign(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let mut form = sent(&service, &headers, body, &[parameters(&service)]).await?;
    let asked = Parameters::from_json(&form.require("parameters")?.content)?;
    let (document, content) = documents(&mut form)?;
    let (desk, debts) = (
        service.parts.signing_desk.clone(),
        service.parts.debts.clone(),
    );
    let signed = service
        .work
        .run(move || {
            let detached = asked.is_detached();
            let whole = Stream::of_document(&document, detached)?;
            let apart = content.as_ref().map(Stream::of).transpose()?;
            let what = ToSign {
                document: whole.content(),
                content: apart.as_ref().map(Stream::content),
                parameters: &asked,
            };
            let signed = desk.sign(&caller, &what)?;
            let seal = desk.chosen(&asked.seal)?;
            let kept = content.as_deref().or(detached.then_some(&*document));
            note(debts.as_deref(), &caller, &seal, signed, kept)
        })
        .await?;
    service.metrics.signatures.fetch_add(1, Ordering::Relaxed);
    Ok(answer(signed))
}

/// `POST /v1/augment`.
pub(super) async fn augment(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let mut form = sent(&service, &headers, body, &[parameters(&service)]).await?;
    let raising = Raising::from_json(&form.require("parameters")?.content)?;
    let (document, content) = documents(&mut form)?;
    let (desk, debts) = (
        service.parts.signing_desk.clone(),
        service.parts.debts.clone(),
    );
    let raised = service
        .work
        .run(move || {
            let apart = content.as_ref().map(Stream::of).transpose()?;
            let raise = Raise {
                document: &document,
                content: apart.as_ref().map(Stream::content),
                only: None,
                level: raising.level,
                when_unavailable: raising.when_unavailable,
            };
            let raised = desk.augment(&caller, &raising.seal, &raise)?;
            note(
                debts.as_deref(),
                &caller,
                &raising.seal,
                raised,
                content.as_deref(),
            )
        })
        .await?;
    service.metrics.augmented.fetch_add(1, Ordering::Relaxed);
    Ok(answer(raised))
}

/// The parts of a request: document, content, and `more`.
pub(super) async fn sent(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    more: &[Takes],
) -> Answer<Form> {
    let document = service.document_limit();
    let mut takes = vec![
        Takes::one("document", document),
        Takes::optional("content", document),
    ];
    takes.extend_from_slice(more);
    let whole = service.request_limit();
    form::read_form(&service.spool, headers, body, whole, &takes).await
}

/// The part of the parameters.
pub(super) fn parameters(service: &Service) -> Takes {
    let json = &["application/json", "text/plain", "application/octet-stream"];
    Takes::one("parameters", service.metadata_limit()).of(json)
}

/// The document, which must not be empty, and the content beside it.
fn documents(form: &mut Form) -> Answer<(Content, Option<Content>)> {
    let document = form.require("document")?.content;
    check_not_empty(&document)?;
    Ok((document, form.take("content").map(|part| part.content)))
}

pub(super) fn check_not_empty(document: &[u8]) -> Result<()> {
    if document.is_empty() {
        return Err(crate::engine::Error::invalid("part \"document\"", "empty")
            .remedy("Send the file itself."));
    }
    Ok(())
}

pub(super) const LEVEL: HeaderName = HeaderName::from_static("x-rubrica-level");
pub(super) const DEGRADED: HeaderName = HeaderName::from_static("x-rubrica-degraded");

/// Where what is owed of the document can be asked about.
pub(super) const OWED: HeaderName = HeaderName::from_static("x-rubrica-owed");

/// A signed document, and the id under which it is kept where a level is owed of it.
pub(super) type Handed = (Signed, Option<String>);

/// Notes what is owed, before anything is handed out.
pub(super) fn note(
    debts: Option<&DebtDesk>,
    caller: &Caller,
    seal: &str,
    signed: Signed,
    content: Option<&[u8]>,
) -> Result<Handed> {
    let id = match debts {
        Some(debts) => debts.note(caller.name(), seal, &signed, content)?,
        None => None,
    };
    Ok((signed, id))
}

pub(super) fn media_type(format: &str) -> &'static str {
    match format {
        "PAdES" => "application/pdf",
        _ => "application/pkcs7-signature",
    }
}

/// The signed document, its level and, where that is less than was asked for, why, and where it is owed.
pub(super) fn answer((signed, id): Handed) -> Response {
    let mut headers = vec![
        (CONTENT_TYPE, media_type(signed.format).to_string()),
        (LEVEL, signed.level_name()),
    ];
    if let Some((level, why)) = &signed.owed {
        headers.push((DEGRADED, format!("{level} is owed: {why}")));
    }
    headers.extend(id.map(|id| (OWED, id)));
    let mut response = signed.bytes.into_response();
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value);
        let value = value.unwrap_or(HeaderValue::from_static("not to be printed"));
        response.headers_mut().insert(name, value);
    }
    response
}
