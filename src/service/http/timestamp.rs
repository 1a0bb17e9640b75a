//! `POST /v1/timestamp`: a document or its digest in, a checked time-stamp token of the configured authorities out.
//! `POST /tsa`: the service as a time-stamping authority itself (RFC 3161 §3.4).

use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool::{Content, Limit};
use crate::engine::authority::timestamp::{Failure, reject};
use crate::engine::pki::timestamp::response_of;
use crate::engine::{Error, Result};
use crate::service::flow::{self, ToBeStamped};
use crate::service::sources::{Stamped, TimestampAuthorities};
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// The media types of RFC 3161 §3.4, and that of a token by itself (EN 319 422 annex C).
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";
const TOKEN: &str = "application/vnd.etsi.timestamp-token";

/// A request to stamp has some hundred bytes.
const QUERY_BYTES: Limit = Limit {
    key: "a time-stamp request",
    bytes: 16 * 1024,
};

/// What is to be stamped, and by whom.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StampOptions {
    digest: String,
    algorithm: String,
    tsa: String,
}

/// `POST /v1/timestamp`.
pub(super) async fn timestamp(
    State(service): State<Arc<Service>>,
    query: Result<Query<StampOptions>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Query(query) = query.map_err(|_| {
        Problem::bad_request(
            Error::invalid("query", "holds a parameter that is not known")
                .remedy("Known are digest, algorithm and tsa."),
        )
    })?;
    let (document, options) = sent(&service, &headers, body, query).await?;
    let authorities = chosen(&service.parts.authorities, &options.tsa)?;
    let (stamped, facts) = service
        .work
        .run(move || {
            let algorithm = (!options.algorithm.is_empty())
                .then(|| flow::stamped_digest(&options.algorithm))
                .transpose()?;
            let what = match &document {
                Some(document) => ToBeStamped::Content(document, algorithm),
                None => {
                    let algorithm = algorithm.unwrap_or_else(|| authorities.preferred_digest());
                    ToBeStamped::Digest(flow::imprint_of(&options.digest, algorithm)?)
                }
            };
            flow::timestamp(&what, &authorities)
        })
        .await?;
    let (kind, bytes) = match wanted(&headers) {
        Wanted::Facts => {
            let mut body = json!(facts);
            body["token"] = json!(STANDARD.encode(stamped.token.bytes()));
            return Ok(([(VARY, "Accept")], Json(body)).into_response());
        }
        Wanted::Reply => (REPLY, response_of(stamped.token.bytes())),
        Wanted::Token => (TOKEN, token(&stamped)),
    };
    Ok(([(CONTENT_TYPE, kind), (VARY, "Accept")], bytes).into_response())
}

fn token(stamped: &Stamped) -> Vec<u8> {
    stamped.token.bytes().to_vec()
}

/// How the answer is wanted.
enum Wanted {
    Token,
    Reply,
    Facts,
}

fn wanted(headers: &HeaderMap) -> Wanted {
    let accept = headers.get(ACCEPT).and_then(|v| v.to_str().ok());
    match accept.unwrap_or_default() {
        accept if accept.contains("application/json") => Wanted::Facts,
        accept if accept.contains(REPLY) => Wanted::Reply,
        _ => Wanted::Token,
    }
}

/// The document, where there is one and not its digest, and the options.
async fn sent(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    query: StampOptions,
) -> Answer<(Option<Content>, StampOptions)> {
    let kind = form::header_text(headers);
    if form::is_media_type(kind, QUERY) {
        return Err(Problem::media_type(
            kind,
            "the document or a form; POST /tsa takes time-stamp requests",
        ));
    }
    let (document, options) = if form::is_media_type(kind, "multipart/form-data") {
        in_parts(service, headers, body, query).await?
    } else {
        let body = form::read_body(&service.spool, headers, body, service.document_limit()).await?;
        ((!body.is_empty()).then_some(body), query)
    };
    if document.is_some() != options.digest.is_empty() {
        return Err(Problem::bad_request(
            Error::invalid("request", "has not exactly one of a document and a digest")
                .remedy("Send the document as the body, or its digest as ?digest=."),
        ));
    }
    Ok((document, options))
}

async fn in_parts(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    query: StampOptions,
) -> Answer<(Option<Content>, StampOptions)> {
    let text = service.metadata_limit();
    let takes = [
        Takes::optional("document", service.document_limit()),
        Takes::optional("digest", text),
        Takes::optional("algorithm", text),
        Takes::optional("tsa", text),
    ];
    let whole = service.request_limit();
    let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
    let mut either = |name, query: String| -> Answer<String> {
        let sent = parts.text(name)?;
        Ok(if sent.is_empty() { query } else { sent })
    };
    let options = StampOptions {
        digest: either("digest", query.digest)?,
        algorithm: either("algorithm", query.algorithm)?,
        tsa: either("tsa", query.tsa)?,
    };
    Ok((parts.take("document").map(|part| part.content), options))
}

/// All of the authorities, or the one of this name.
fn chosen(all: &TimestampAuthorities, name: &str) -> Result<TimestampAuthorities> {
    if name.is_empty() {
        return Ok(all.clone());
    }
    let named = all.named(&[name.to_string()]);
    if named.is_empty() {
        return Err(
            Error::not_found("tsa", "no time-stamping authority has this name")
                .remedy("Name a [[tsa]] of the configuration, or none."),
        );
    }
    Ok(named)
}

/// `POST /tsa`. Whatever comes, as long as it says that it is a request, is answered by a `TimeStampResp`.
pub(super) async fn answer(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let Some(timestamper) = service.parts.timestamper.clone() else {
        return Err(
            Error::not_found("path", "this service is no time-stamping authority")
                .remedy("Its operator names the key of one in [timestamping].")
                .into(),
        );
    };
    let kind = form::header_text(&headers);
    if !form::is_media_type(kind, QUERY) {
        return Err(Problem::media_type(kind, QUERY));
    }
    let request = match form::read_bytes(&headers, body, QUERY_BYTES).await {
        Ok(request) => request,
        Err(problem) if problem.status == StatusCode::PAYLOAD_TOO_LARGE => {
            let why = "longer than any time-stamp request";
            return Ok(reply(reject(Failure::BadDataFormat, why)));
        }
        Err(problem) => return Err(problem),
    };
    let answered = service
        .work
        .run(move || Ok(timestamper.answer(&request)))
        .await?;
    Ok(reply(answered))
}

fn reply(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, REPLY)], bytes).into_response()
}
