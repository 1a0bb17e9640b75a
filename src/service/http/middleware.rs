//! What happens around every handler: an id, a line in the log, a place among the requests at work, a time limit, the
//! security headers; and on public routes the count by address.
//!
//! The log holds method, route pattern, status, duration and id: never a query, a file name or who it is about.

use super::access::FromProxy;
use super::admission::Origin;
use super::problem::{Logged, Problem};
use super::server::Peer;
use super::service::Service;
use super::work::busy;
use crate::engine::{Error, ErrorKind};
use crate::service::callers::{Caller, Credentials, Operation};
use crate::service::keys::random;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tracing::Instrument;

/// Everything from the site itself, nothing inline, no frames, forms only to ourselves.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const SECURITY: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=()",
    ),
];

/// Id, log, metrics, headers.
pub(super) async fn observe(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().to_string();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", |p| p.as_str())
        .to_string();
    let span = tracing::error_span!("request", id = %id);
    let in_flight = InFlight::enter(&service);
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(in_flight);
    add_headers(response.headers_mut(), &id);

    let (status, time) = (response.status(), started.elapsed());
    service
        .metrics
        .answered(&method, &route, status.as_u16(), time);
    let _entered = span.enter();
    let milliseconds = time.as_millis() as u64;
    let status = status.as_u16();
    match response.extensions_mut().remove::<Logged>() {
        Some(Logged(error)) if error.kind() == ErrorKind::Internal => {
            tracing::error!(%method, %route, status, milliseconds, %error, "defect");
        }
        Some(Logged(error)) => {
            let (kind, element) = (error.kind(), error.element());
            tracing::info!(%method, %route, status, milliseconds, ?kind, %element, "refused");
        }
        None => tracing::info!(%method, %route, status, milliseconds, "answered"),
    }
    response
}

/// Counts a request as in flight for as long as it lives.
struct InFlight<'a>(&'a Service);

impl<'a> InFlight<'a> {
    fn enter(service: &'a Service) -> Self {
        service.metrics.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(service)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The id that the caller gave, if it is one; otherwise a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|v| v.to_str().ok());
    given
        .filter(|id| (8..=64).contains(&id.len()))
        .filter(|id| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
        .map(str::to_string)
        .or_else(|| {
            random::<8>()
                .ok()
                .map(|r| format!("{:016x}", u64::from_be_bytes(r)))
        })
        .unwrap_or_default()
}

fn add_headers(headers: &mut HeaderMap, id: &str) {
    for (name, value) in SECURITY {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert("x-request-id", id);
    }
}

/// A place among the requests at work, of strangers, of proxies or of known callers, and the time limit.
pub(super) async fn bound(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let places = if extensions.get::<Caller>().is_some() {
        &service.caller_capacity
    } else if extensions.get::<FromProxy>().is_some() {
        &service.proxy_capacity
    } else {
        &service.capacity
    };
    let Ok(_place) = places.try_acquire() else {
        return Problem::from(busy()).into_response();
    };
    let seconds = service.config().limits.request_seconds;
    let answered = tokio::time::timeout(Duration::from_secs(seconds), next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let problem = format!("not complete after limits.request_seconds = {seconds}");
        let error = Error::unavailable("request", problem)
            .remedy("Send it again; with the same Idempotency-Key nothing is done twice.");
        Problem::with_status(StatusCode::REQUEST_TIMEOUT, error).into_response()
    })
}

/// Counts a request by its origin, and tells handlers that.
pub(super) async fn admit(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let unknown = Peer(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
    let Peer(peer) = request.extensions().get().copied().unwrap_or(unknown);
    let origin = Origin::of(peer, request.headers(), &service.config().trusted_proxies);
    if let Err((error, wait)) = service.rate.admit(origin) {
        return Problem {
            retry_after: Some(wait),
            ..Problem::from(error)
        }
        .into_response();
    }
    request.extensions_mut().insert(origin);
    next.run(request).await
}

/// Whoever shows a key is identified by it, everybody else is counted.
pub(super) async fn identify_or_admit(
    State((service, operation)): State<(Arc<Service>, Operation)>,
    request: Request,
    next: Next,
) -> Response {
    if request.headers().contains_key(AUTHORIZATION) {
        return identify(State((service, operation)), request, next).await;
    }
    admit(State(service), request, next).await
}

/// Lets known callers with this permission through. Without a key and with a wrong one the answer is the same.
pub(super) async fn identify(
    State((service, operation)): State<(Arc<Service>, Operation)>,
    mut request: Request,
    next: Next,
) -> Response {
    let bearer = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, key)| key.trim());
    let Some(caller) = service.parts.callers.identify(&Credentials { bearer }) else {
        let error = Error::new(
            ErrorKind::Unauthenticated,
            "header Authorization",
            "no key that is known here",
        )
        .remedy("Send `Authorization: Bearer KEY` with a key of the callers file.");
        return Problem::from(error).into_response();
    };
    if let Err(error) = caller.may(operation) {
        return Problem::from(error).into_response();
    }
    request.extensions_mut().insert(caller);
    next.run(request).await
}
