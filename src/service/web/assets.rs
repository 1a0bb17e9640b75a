//! The style sheet and the images. Nothing else is loaded, from anywhere.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

const STYLE: &str = include_str!("assets/style.css");
const EMBLEM: &str = include_str!("assets/emblem.svg");
const GUILLOCHE: &str = include_str!("assets/guilloche.svg");

/// Changes with the release, so that a browser does not mix an old style sheet with new pages.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, text).into_response()
}

pub(super) async fn style() -> Response {
    file("text/css; charset=utf-8", STYLE)
}

pub(super) async fn emblem() -> Response {
    file("image/svg+xml", EMBLEM)
}

pub(super) async fn guilloche() -> Response {
    file("image/svg+xml", GUILLOCHE)
}
