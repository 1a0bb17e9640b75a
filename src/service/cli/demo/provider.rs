//! The demo's trust service provider on the web, where its certificates point to: `/demo/tsa`, `/demo/ocsp`, lists and
//! certificates. The answers are `service/demo`.

use crate::engine::{Result, Time};
use crate::service::clock::{Clock, SystemClock};
use crate::service::demo::DemoAuthority;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

type Authority = State<Arc<DemoAuthority>>;

/// The routes.
pub(super) fn routes(authority: Arc<DemoAuthority>) -> Router {
    Router::new()
        .route("/demo/tsa", post(timestamp))
        .route("/demo/ocsp", post(status))
        .route("/demo/ocsp/{*request}", get(status_by_address))
        .route("/demo/crl/{file}", get(list))
        .route("/demo/certs/{file}", get(certificate))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .with_state(authority)
}

/// RFC 3161 §3.4.
async fn timestamp(State(authority): Authority, request: Bytes) -> Response {
    let answer = move |now| authority.timestamp(&request, now);
    answered("application/timestamp-reply", answer).await
}

/// RFC 6960 appendix A.1.
async fn status(State(authority): Authority, request: Bytes) -> Response {
    let answer = move |now| authority.ocsp(&request, now);
    answered("application/ocsp-response", answer).await
}

/// The same with the request in the address, in base64.
async fn status_by_address(State(authority): Authority, Path(request): Path<String>) -> Response {
    match STANDARD.decode(request) {
        Ok(request) => status(State(authority), request.into()).await,
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn list(State(authority): Authority, Path(file): Path<String>) -> Response {
    let found = authority.crl(file.trim_end_matches(".crl"), SystemClock.now());
    bytes("application/pkix-crl", found.ok().flatten())
}

async fn certificate(State(authority): Authority, Path(file): Path<String>) -> Response {
    let found = authority.certificate(file.trim_end_matches(".cer"));
    bytes("application/pkix-cert", found.map(|c| c.bytes().to_vec()))
}

async fn answered(
    media_type: &'static str,
    answer: impl FnOnce(Time) -> Result<Vec<u8>> + Send + 'static,
) -> Response {
    let made = tokio::task::spawn_blocking(move || answer(SystemClock.now())).await;
    match made {
        Ok(Ok(answer)) => bytes(media_type, Some(answer)),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn bytes(media_type: &'static str, found: Option<Vec<u8>>) -> Response {
    match found {
        Some(found) => ([(CONTENT_TYPE, media_type)], found).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
