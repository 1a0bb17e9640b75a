//! `POST /v1/sign/prepare` and `/v1/sign/finish`: signing with a key that is elsewhere, a citizen's say.
//!
//! The document comes twice, and is kept neither time; the state that goes out with the first answer says what was prepared.

use super::form::{Form, Takes};
use super::problem::Answer;
use super::service::Service;
use super::sign::{answer, check_not_empty, parameters, sent};
use super::spool::Stream;
use crate::engine::{Error, Result};
use crate::service::callers::{Caller, Operation};
use crate::service::flow::two_step::{PreparedSignature, Signatory};
use crate::service::flow::{Parameters, ToSign};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// `POST /v1/sign/prepare`.
pub(super) async fn prepare(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let text = service.metadata_limit();
    let more = [
        parameters(&service),
        Takes::one("certificate", text),
        Takes::optional("returns", text),
    ];
    let mut form = sent(&service, &headers, body, &more).await?;
    let asked = Parameters::from_json(&form.require("parameters")?.content)?;
    let returns = Returns::of(&form.text("returns")?)?;
    let signatory = Signatory::read(&form.require("certificate")?.content)?;
    let document = form.require("document")?.content;
    check_not_empty(&document)?;
    let content = form.take("content").map(|part| part.content);
    if !asked.seal.is_empty() {
        caller.may_use_seal(&asked.seal)?;
    }
    caller.may(Operation::Sign)?;
    let (desk, steps) = (
        service.parts.signing_desk.clone(),
        service.parts.two_steps.clone(),
    );
    let prepared = service
        .work
        .run(move || {
            let document = Stream::of_document(&document, asked.is_detached())?;
            let content = content.as_ref().map(Stream::of).transpose()?;
            let what = ToSign {
                document: document.content(),
                content: content.as_ref().map(Stream::content),
                parameters: &asked,
            };
            steps.prepare(&desk, caller.name(), &what, &signatory)
        })
        .await?;
    Ok(told(&prepared, returns))
}

/// `POST /v1/sign/finish`.
pub(super) async fn finish(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let text = service.metadata_limit();
    let more = [Takes::one("state", text), Takes::one("signature", text)];
    let mut form = sent(&service, &headers, body, &more).await?;
    let state = form.text("state")?;
    let value = value(&mut form)?;
    let document = form.require("document")?.content;
    check_not_empty(&document)?;
    let content = form.take("content").map(|part| part.content);
    let (desk, steps, debts) = (
        service.parts.signing_desk.clone(),
        service.parts.two_steps.clone(),
        service.parts.debts.clone(),
    );
    caller.may(Operation::Sign)?;
    let signed = service
        .work
        .run(move || {
            let opened = steps.open(caller.name(), &state, desk.clock.now())?;
            let debts = debts.as_deref();
            let document = Stream::of_document(&document, opened.parameters().is_detached())?;
            let content = content.as_ref().map(Stream::of).transpose()?;
            let content = content.as_ref().map(Stream::content);
            let signed = opened.finish(&desk, debts, document.content(), content, &value)?;
            let kept = debts.is_some() && signed.owed.is_some();
            Ok((signed, kept.then(|| opened.id())))
        })
        .await?;
    service.metrics.signatures.fetch_add(1, Ordering::Relaxed);
    Ok(answer(signed))
}

/// The value of the signature, in base64 of either alphabet.
fn value(form: &mut Form) -> Answer<Vec<u8>> {
    let text = form.text("signature")?;
    let decoded = STANDARD
        .decode(&text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')));
    Ok(decoded.map_err(|_| {
        Error::invalid("part \"signature\"", "is not base64")
            .remedy("Send the value of the signature in base64.")
    })?)
}

/// What a key elsewhere takes.
#[derive(Clone, Copy)]
struct Returns {
    digest: bool,
    to_be_signed: bool,
}

impl Returns {
    fn of(text: &str) -> Result<Self> {
        let (digest, to_be_signed) = match text {
            "" | "both" => (true, true),
            "digest" => (true, false),
            "to_be_signed" => (false, true),
            _ => {
                return Err(Error::invalid("returns", "is not known")
                    .remedy("Send digest, to_be_signed or both."));
            }
        };
        Ok(Returns {
            digest,
            to_be_signed,
        })
    }
}

fn told(prepared: &PreparedSignature, returns: Returns) -> Response {
    let mut body = json!({
        "algorithm": prepared.algorithm.to_string(),
        "state": prepared.state,
        "until": prepared.until,
    });
    if let Some((algorithm, digest)) = prepared.digest.as_ref().filter(|_| returns.digest) {
        body["digest_algorithm"] = json!(algorithm.name());
        body["digest"] = json!(STANDARD.encode(digest));
    }
    // A key that takes no digest needs the message itself.
    if returns.to_be_signed || prepared.digest.is_none() {
        body["to_be_signed"] = json!(STANDARD.encode(&prepared.to_be_signed));
    }
    Json(body).into_response()
}
