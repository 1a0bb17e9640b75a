//! The pages for people: without scripts, in the languages of the sede, accessible (EN 301 549).
//!
//! In: what `http` tells of the service. Out: HTML. Nothing that is sent here is kept; every page carries the same
//! headers, bounds and counts as the API (`http::middleware`).

mod about;
mod accepted;
mod assets;
mod certificates;
mod code;
mod home;
mod layout;
mod messages;
mod seals;
mod time;
mod verify;

use crate::service::http::{Access, Pages, Problem, Route, Service};
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use std::sync::Arc;

/// Pages that can be asked for by their address alone.
const READABLE: [&str; 9] = [
    "/",
    "/verificar",
    "/verificar/codigo",
    "/hora",
    "/sellos",
    "/certificados",
    "/certificados/admitidos",
    "/accesibilidad",
    "/privacidad",
];

/// Every page.
pub fn pages() -> Pages {
    Pages {
        routes: vec![
            Route::page("/", home::show),
            Route::page("/verificar", verify::show),
            Route::new(Method::POST, "/verificar", Access::Public, verify::judge),
            Route::page("/verificar/codigo", code::show),
            Route::new(
                Method::POST,
                "/verificar/codigo",
                Access::Public,
                code::check,
            ),
            Route::new(
                Method::POST,
                "/verificar/codigo/original",
                Access::Public,
                code::original,
            ),
            Route::new(
                Method::POST,
                "/verificar/codigo/comparar",
                Access::Public,
                code::compare,
            ),
            Route::page("/hora", time::show),
            Route::page("/certificados/admitidos", accepted::show),
            Route::page("/sellos", seals::show),
            Route::page("/sellos/{name}", seals::download),
            Route::new(Method::POST, "/sellos", Access::Public, seals::check),
            Route::page("/certificados", certificates::show),
            Route::new(
                Method::POST,
                "/certificados",
                Access::Public,
                certificates::judge,
            ),
            Route::page("/accesibilidad", about::accessibility),
            Route::page("/privacidad", about::privacy),
            Route::new(
                Method::GET,
                "/assets/style.css",
                Access::Asset,
                assets::style,
            ),
            Route::new(
                Method::GET,
                "/assets/emblem.svg",
                Access::Asset,
                assets::emblem,
            ),
            Route::new(
                Method::GET,
                "/assets/guilloche.svg",
                Access::Asset,
                assets::guilloche,
            ),
        ],
        not_found: Some(not_found),
    }
}

/// A page for whoever asks for one, where there is nothing.
fn not_found(service: &Arc<Service>, uri: &Uri, headers: &HeaderMap) -> Option<Response> {
    let accept = headers.get(ACCEPT)?.to_str().ok()?;
    if !accept.contains("text/html") {
        return None;
    }
    let page = layout::Page::new(service.clone(), uri, headers);
    Some(page.problem(&Problem::from(layout::nothing_here())))
}
