//! The one mapping from [`Error`] to an answer: `application/problem+json` (RFC 9457).
//!
//! In: any error of the house. Out: status, kind, element, problem and remedy. Causes that are the service's own
//! ([`ErrorKind::Internal`]) are logged under the request's id and not told.

use crate::engine::{Error, ErrorKind};
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

/// The answer of a handler: what was asked for, or a problem.
pub type Answer<T = Response> = std::result::Result<T, Problem>;

/// A problem on its way to the one who asked.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// What went wrong.
    pub error: Error,
    /// After how many seconds it may be tried again.
    pub retry_after: Option<u64>,
}

/// The status, the name and the title of each kind of error.
fn describe(kind: ErrorKind) -> (StatusCode, &'static str, &'static str) {
    use ErrorKind as K;
    use StatusCode as S;
    match kind {
        K::Malformed => (
            S::UNPROCESSABLE_ENTITY,
            "malformed",
            "The content does not follow its format",
        ),
        K::Unsupported => (
            S::UNPROCESSABLE_ENTITY,
            "unsupported",
            "The content uses something that is not supported",
        ),
        K::LimitExceeded => (
            S::PAYLOAD_TOO_LARGE,
            "limit-exceeded",
            "A limit was exceeded",
        ),
        K::Refused => (
            S::UNPROCESSABLE_ENTITY,
            "refused",
            "Understood, and refused by a rule",
        ),
        K::InvalidRequest => (
            S::UNPROCESSABLE_ENTITY,
            "invalid-request",
            "A value of the request is missing or impossible",
        ),
        K::Unauthenticated => (
            S::UNAUTHORIZED,
            "unauthenticated",
            "The caller is not known",
        ),
        K::Forbidden => (S::FORBIDDEN, "forbidden", "The caller may not do this"),
        K::NotFound => (
            S::NOT_FOUND,
            "not-found",
            "Nothing is there under that name",
        ),
        K::Conflict => (
            S::CONFLICT,
            "conflict",
            "The request contradicts what is already kept",
        ),
        K::RateLimited => (S::TOO_MANY_REQUESTS, "rate-limited", "Too many requests"),
        K::Unavailable => (
            S::SERVICE_UNAVAILABLE,
            "unavailable",
            "Something needed did not answer",
        ),
        _ => (
            S::INTERNAL_SERVER_ERROR,
            "internal",
            "A defect of the service",
        ),
    }
}

impl Problem {
    /// An error with a status other than that of its kind, where HTTP has a better word.
    pub fn with_status(status: StatusCode, error: Error) -> Self {
        Problem {
            status,
            ..Problem::from(error)
        }
    }

    /// 400: the request itself does not follow its format.
    pub fn bad_request(error: Error) -> Self {
        Problem::with_status(StatusCode::BAD_REQUEST, error)
    }

    /// 415: another media type is expected.
    pub fn media_type(found: &str, expected: &str) -> Self {
        let found: String = found.chars().take(100).collect();
        let problem = if found.is_empty() {
            "missing".to_string()
        } else {
            format!("{found:?} is not taken here")
        };
        Problem::with_status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::unsupported("header Content-Type", problem).remedy(format!("Send {expected}.")),
        )
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let (_, name, title) = describe(self.error.kind());
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("urn:rubrica:problem:{name}")));
        body.insert("title".into(), json!(title));
        body.insert("status".into(), json!(self.status.as_u16()));
        if self.error.kind() == ErrorKind::Internal {
            body.insert(
                "detail".into(),
                json!("The service contradicts itself; its log says more under the id of this request (X-Request-Id)."),
            );
            return Value::Object(body);
        }
        let detail = format!("{}: {}", self.error.element(), self.error.problem());
        body.insert("detail".into(), json!(detail));
        body.insert("element".into(), json!(self.error.element()));
        if let Some(remedy) = self.error.remedy_text() {
            body.insert("remedy".into(), json!(remedy));
        }
        if let Some(offset) = self.error.offset() {
            body.insert("offset".into(), json!(offset));
        }
        Value::Object(body)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let retry_after = match error.kind() {
            ErrorKind::RateLimited => Some(60),
            ErrorKind::Unavailable => Some(5),
            _ => None,
        };
        Problem {
            status: describe(error.kind()).0,
            error,
            retry_after,
        }
    }
}

/// What the log says of a problem: kind, element and problem, none of which holds personal data.
#[derive(Debug, Clone)]
pub(crate) struct Logged(pub(crate) Error);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = self.to_json().to_string();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"rubrica\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Logged(self.error));
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_element_and_remedy() {
        let error = Error::invalid("part \"metadata\"", "missing").remedy("Send it first.");
        let problem = Problem::from(error);
        assert_eq!(problem.status, StatusCode::UNPROCESSABLE_ENTITY);
        let body = problem.to_json();
        assert_eq!(body["type"], "urn:rubrica:problem:invalid-request");
        assert_eq!(body["element"], "part \"metadata\"");
        assert_eq!(body["detail"], "part \"metadata\": missing");
        assert_eq!(body["remedy"], "Send it first.");
    }

    #[test]
    fn a_defect_keeps_its_cause_to_itself() {
        let problem = Problem::from(Error::internal("blob 17", "missing on /secret/disk"));
        assert!(!problem.to_json().to_string().contains("secret"));
        assert_eq!(problem.status, StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn an_outage_says_when_to_come_back() {
        let response = Problem::from(Error::unavailable("store", "locked")).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(response.headers().contains_key(RETRY_AFTER));
        let unknown = Error::new(ErrorKind::Unauthenticated, "key", "unknown");
        let response = Problem::from(unknown).into_response();
        assert!(response.headers().contains_key(WWW_AUTHENTICATE));
    }
}
