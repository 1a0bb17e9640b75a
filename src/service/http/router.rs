//! Every route, who may use it, and what is around it.
//!
//! The table is the truth: the router is made of it, and a test holds `openapi.json` against it. Pages join it from
//! `web`. With [`Config::callers_listen`](crate::service::config::Config) the routes of callers are on an address of
//! their own.

use super::problem::Problem;
use super::service::Service;
use super::{
    accepted, access, certificates, codes, health, middleware, openapi, owed, receipts, seal,
    seals, sign, time, timestamp, two_step, validate,
};
use crate::engine::Error;
use crate::service::callers::Operation;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, get, on};
use std::fmt;
use std::sync::Arc;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, so many times a minute.
    Public,
    /// Anybody, uncounted: style sheet and images.
    Asset,
    /// Whoever watches over the service; never held back.
    Operations,
    /// Callers who may do this.
    Caller(Operation),
    /// Callers who may do this; and anybody, so many times a minute.
    Either(Operation),
    /// Reverse proxies of ours.
    Proxy,
}

/// A route.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its pattern.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    handler: MethodRouter<Arc<Service>>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.access)
    }
}

impl Route {
    /// A route for anybody, `GET`.
    pub fn page<H, T>(path: &'static str, handler: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<Service>>,
        T: 'static,
    {
        Route::new(Method::GET, path, Access::Public, handler)
    }

    /// A route of any method. It is named, and described, as `GET`.
    pub fn any<H, T>(path: &'static str, access: Access, handler: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<Service>>,
        T: 'static,
    {
        Route {
            method: Method::GET,
            path,
            access,
            handler: any(handler),
        }
    }

    /// A route.
    pub fn new<H, T>(method: Method, path: &'static str, access: Access, handler: H) -> Self
    where
        H: axum::handler::Handler<T, Arc<Service>>,
        T: 'static,
    {
        let handler = match MethodFilter::try_from(method.clone()) {
            Ok(filter) => on(filter, handler),
            Err(_) => get(handler),
        };
        Route {
            method,
            path,
            access,
            handler,
        }
    }
}

/// Every route of the API.
pub fn routes() -> Vec<Route> {
    use Access::{Caller, Either, Operations, Proxy, Public};
    use Operation::{Augment, Certificates, Documents, Read, Register, Seal, Sign, Timestamp};
    vec![
        Route::new(Method::GET, "/healthz", Operations, health::alive),
        Route::new(Method::GET, "/readyz", Operations, health::ready),
        Route::new(Method::GET, "/metrics", Operations, health::metrics),
        Route::new(Method::GET, "/openapi.json", Public, openapi::describe),
        Route::new(Method::GET, "/v1/time", Public, time::tell),
        Route::new(
            Method::GET,
            "/v1/certificates/accepted",
            Public,
            accepted::list,
        ),
        Route::new(Method::GET, "/v1/seals", Public, seals::list),
        Route::new(Method::POST, "/v1/seals/check", Public, seals::check),
        Route::new(Method::POST, "/v1/validate", Public, validate::validate),
        Route::new(
            Method::POST,
            "/v1/certificates/status",
            Either(Certificates),
            certificates::status,
        ),
        Route::new(
            Method::POST,
            "/v1/certificates/validate",
            Either(Certificates),
            certificates::validate,
        ),
        Route::any("/v1/access", Proxy, access::ask),
        Route::any("/v1/access/{*path}", Proxy, access::ask),
        Route::new(Method::POST, "/v1/codes/check", Public, codes::check),
        Route::new(Method::POST, "/v1/codes/original", Public, codes::original),
        Route::new(Method::POST, "/v1/codes/compare", Public, codes::compare),
        Route::new(Method::POST, "/v1/seal", Caller(Seal), seal::seal),
        Route::new(
            Method::POST,
            "/v1/documents",
            Caller(Documents),
            seal::issue,
        ),
        Route::new(
            Method::POST,
            "/v1/timestamp",
            Caller(Timestamp),
            timestamp::timestamp,
        ),
        Route::new(Method::POST, "/tsa", Either(Timestamp), timestamp::answer),
        Route::new(Method::POST, "/v1/sign", Caller(Sign), sign::sign),
        Route::new(
            Method::POST,
            "/v1/sign/prepare",
            Caller(Sign),
            two_step::prepare,
        ),
        Route::new(
            Method::POST,
            "/v1/sign/finish",
            Caller(Sign),
            two_step::finish,
        ),
        Route::new(Method::POST, "/v1/augment", Caller(Augment), sign::augment),
        Route::new(Method::GET, "/v1/owed", Caller(Augment), owed::list),
        Route::new(Method::GET, "/v1/owed/{id}", Caller(Augment), owed::status),
        Route::new(
            Method::DELETE,
            "/v1/owed/{id}",
            Caller(Augment),
            owed::discard,
        ),
        Route::new(
            Method::GET,
            "/v1/owed/{id}/document",
            Caller(Augment),
            owed::document,
        ),
        Route::new(
            Method::POST,
            "/v1/receipts",
            Caller(Register),
            receipts::register,
        ),
        Route::new(Method::GET, "/v1/receipts", Caller(Read), receipts::find),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}",
            Caller(Read),
            receipts::read,
        ),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}/acuse",
            Caller(Read),
            receipts::acuse,
        ),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}/acuse.eml",
            Caller(Read),
            receipts::message,
        ),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}/justificante",
            Caller(Read),
            receipts::justificante,
        ),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}/evidence",
            Caller(Read),
            receipts::evidence,
        ),
        Route::new(
            Method::GET,
            "/v1/receipts/{number}/original/{place}",
            Caller(Read),
            receipts::original,
        ),
    ]
}

/// The routers of the two listeners.
#[derive(Debug)]
pub struct Routers {
    /// Pages, validation, checks, and the routes of callers where they have no address of their own.
    pub public: Router,
    /// The routes of callers, where they have an address of their own.
    pub callers: Option<Router>,
}

/// What a browser is told where there is nothing; `None` for whoever does not ask for a page.
pub type NotFound = fn(&Arc<Service>, &Uri, &HeaderMap) -> Option<Response>;

/// What `web` adds.
#[derive(Debug, Default)]
pub struct Pages {
    /// The pages.
    pub routes: Vec<Route>,
    /// What a browser is told where there is nothing.
    pub not_found: Option<NotFound>,
}

/// The routers of the API and of `pages`, with `extra` beside them on the public address. Without callers, the routes
/// that need them are not there.
pub fn routers(service: &Arc<Service>, pages: Pages, extra: Router) -> Routers {
    let apart = service.config().callers_listen.is_some();
    let known = !service.parts.callers.is_empty();
    let (mut public, mut callers) = (Router::new(), Router::new());
    for route in routes().into_iter().chain(pages.routes) {
        let handler = route.handler;
        match route.access {
            Access::Operations => {
                if apart {
                    callers = callers.route(route.path, handler.clone());
                }
                if !apart || route.path != "/metrics" {
                    public = public.route(route.path, handler);
                }
            }
            Access::Asset => public = public.route(route.path, handler),
            Access::Public => {
                let state = service.clone();
                let handler = handler
                    .layer(from_fn_with_state(service.clone(), middleware::bound))
                    .layer(from_fn_with_state(state, middleware::admit));
                public = public.route(route.path, handler);
            }
            Access::Either(operation) => {
                let state = (service.clone(), operation);
                let either = handler
                    .clone()
                    .layer(from_fn_with_state(service.clone(), middleware::bound))
                    .layer(from_fn_with_state(state, middleware::identify_or_admit));
                public = public.route(route.path, either);
                if apart {
                    let state = (service.clone(), operation);
                    let known = handler
                        .layer(from_fn_with_state(service.clone(), middleware::bound))
                        .layer(from_fn_with_state(state, middleware::identify));
                    callers = callers.route(route.path, known);
                }
            }
            Access::Proxy if service.door.is_none() => {}
            Access::Proxy => {
                let handler = handler
                    .layer(from_fn_with_state(service.clone(), middleware::bound))
                    .layer(from_fn_with_state(service.clone(), access::from_proxy));
                let routes = if apart { &mut callers } else { &mut public };
                let mut routed = std::mem::take(routes).route(route.path, handler.clone());
                // A path below that is empty is a path below.
                if let Some(folder) = route.path.strip_suffix("{*path}") {
                    routed = routed.route(folder, handler);
                }
                *routes = routed;
            }
            Access::Caller(_) if !known => {}
            Access::Caller(operation) => {
                let state = (service.clone(), operation);
                let handler = handler
                    .layer(from_fn_with_state(service.clone(), middleware::bound))
                    .layer(from_fn_with_state(state, middleware::identify));
                if apart {
                    callers = callers.route(route.path, handler);
                } else {
                    public = public.route(route.path, handler);
                }
            }
        }
    }
    Routers {
        public: surrounded(service, public, pages.not_found).merge(extra),
        callers: apart.then(|| surrounded(service, callers, None)),
    }
}

fn surrounded(
    service: &Arc<Service>,
    router: Router<Arc<Service>>,
    not_found: Option<NotFound>,
) -> Router {
    let nothing = async move |State(service): State<Arc<Service>>, uri: Uri, headers: HeaderMap| {
        let page = not_found.and_then(|page| page(&service, &uri, &headers));
        page.unwrap_or_else(|| {
            let error = Error::not_found("path", "there is nothing here")
                .remedy("/openapi.json lists every route.");
            Problem::from(error).into_response()
        })
    };
    router
        .fallback(nothing)
        .method_not_allowed_fallback(async || {
            let error = Error::invalid("method", "not one that this path knows")
                .remedy("/openapi.json lists every route and its methods.");
            Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, error)
        })
        .layer(from_fn_with_state(service.clone(), middleware::observe))
        .with_state(service.clone())
}
