//! `/healthz`, `/readyz` and `/metrics`, for whoever watches over the service.
//!
//! Ready means: a request that comes now can be registered, sealed and checked. What is not ready says why; reasons name
//! no file and no person.

use super::metrics::{refreshes, simple, timestamps_made};
use super::service::Service;
use crate::engine::{Error, Result, Time};
use crate::service::clock;
use crate::service::config::WhenTsaFails;
use crate::service::index::Figures;
use crate::service::sources::timestamping_metrics;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

/// The process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "alive", "version": env!("CARGO_PKG_VERSION") }))
}

/// Whether a request that comes now can be dealt with, and if not, why.
pub(super) async fn ready(State(service): State<Arc<Service>>) -> Response {
    let checks = service.readiness().await;
    let ready = checks.iter().all(|(_, result)| result.is_ok());
    let listed: serde_json::Map<_, _> = checks
        .iter()
        .map(|(name, result)| ((*name).to_string(), described(name, result)))
        .collect();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let states = service.refresh_states();
    let refreshes: serde_json::Map<_, _> = states
        .iter()
        .map(|(kind, s)| {
            let state = json!({ "kept": s.kept, "overdue": s.overdue, "failing": s.failing });
            ((*kind).to_string(), state)
        })
        .collect();
    let authorities: serde_json::Map<_, _> = service
        .parts
        .authorities
        .health()
        .into_iter()
        .map(|one| {
            let state = json!({
                "breaker": one.breaker.name(), "failures_in_a_row": one.failures_in_a_row,
            });
            (one.name, state)
        })
        .collect();
    let body = json!({
        "ready": ready, "checks": listed, "refreshes": refreshes, "tsa": authorities,
    });
    (status, Json(body)).into_response()
}

fn described(name: &str, result: &Result<()>) -> Value {
    match result {
        Ok(()) => json!({ "ok": true }),
        Err(error) => {
            tracing::warn!(check = name, %error, "not ready");
            json!({ "ok": false, "reason": reason(error), "remedy": error.remedy_text() })
        }
    }
}

/// The problem, unless it could name a path of the machine.
fn reason(error: &Error) -> &str {
    let problem = error.problem();
    if problem.contains('/') {
        return "see the log of the service";
    }
    problem
}

impl Service {
    /// Every check, and what is wrong where something is.
    pub async fn readiness(&self) -> Vec<(&'static str, Result<()>)> {
        let now = self.parts.clock.now();
        let mut checks = vec![("anchors", self.anchors_loaded())];
        if self.config().trust.lists.is_some() {
            checks.push(("trusted_lists", self.parts.trust.check_ready()));
        }
        if !self.parts.seals.is_empty() || !self.parts.callers.is_empty() {
            checks.push(("seals", self.seals_usable(now)));
        }
        if !self.parts.authorities.is_empty() {
            checks.push(("tsa", self.stamped_seals()));
        }
        if let Some(timestamper) = &self.parts.timestamper {
            checks.push(("timestamping", timestamper.check()));
        }
        let Some(store) = self.parts.store.clone() else {
            return checks;
        };
        let checked = self.work.run(move || {
            let clock = store
                .last_presented()
                .and_then(|last| clock::sane(now, last));
            Ok((clock, store.check_writable()))
        });
        let (clock, writable) = checked.await.unwrap_or_else(|e| (Err(e.clone()), Err(e)));
        checks.push(("clock", clock));
        checks.push(("store", writable));
        checks
    }

    fn anchors_loaded(&self) -> Result<()> {
        if self.parts.policy.current().anchors.is_empty() {
            return Err(
                Error::unavailable("trust.anchors", "no trust anchor is loaded")
                    .remedy("Name files or folders of anchors in trust.anchors."),
            );
        }
        Ok(())
    }

    /// Seals that seal nothing without a time-stamp have an authority that is not left alone.
    fn stamped_seals(&self) -> Result<()> {
        for seal in &self.parts.seals {
            let settings = &seal.settings;
            let authorities = self.parts.authorities.named(&settings.tsa);
            if settings.when_tsa_fails == WhenTsaFails::Fail && authorities.are_down() {
                let problem = format!(
                    "every authority of seal {:?} failed lately, and it seals nothing without one",
                    seal.name()
                );
                return Err(Error::unavailable("time-stamping", problem)
                    .remedy("See tsa and the log; add a [[tsa]], or let the seal degrade."));
            }
        }
        Ok(())
    }

    fn seals_usable(&self, now: Time) -> Result<()> {
        if self.parts.seals.is_empty() {
            return Err(Error::unavailable("seal", "no seal is configured")
                .remedy("Add a [[seal]] to the configuration."));
        }
        self.parts
            .seals
            .iter()
            .try_for_each(|s| s.check_usable(now))
    }
}

/// The counters.
pub(super) async fn metrics(State(service): State<Arc<Service>>) -> Response {
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let mut text = service.metrics.print() + &refreshes(&service.refresh_states());
    if let Some(index) = &service.parts.index {
        print_index(&mut text, &index.figures(service.parts.clock.now()));
    }
    text.push_str(&service.parts.trust.metrics());
    if let Some(store) = service.parts.store.clone()
        && let Ok(owed) = service.work.run(move || store.count_debts()).await
    {
        text.push_str(&super::metrics::owed(&owed));
    }
    text.push_str(&timestamping_metrics(&service.parts.authorities.health()));
    if let Some(timestamper) = &service.parts.timestamper {
        text.push_str(&timestamps_made(&timestamper.outcomes()));
    }
    (kind, text).into_response()
}

/// The figures of the index of revocation lists.
fn print_index(text: &mut String, figures: &Figures) {
    for (name, kind, help, value) in [
        (
            "lists",
            "gauge",
            "Revocation lists kept, older ones too.",
            figures.lists,
        ),
        (
            "current",
            "gauge",
            "Revocation lists that are the newest of their scope.",
            figures.current,
        ),
        (
            "entries",
            "gauge",
            "Entries of the current lists.",
            figures.entries,
        ),
        (
            "bytes",
            "gauge",
            "Bytes of all lists and their indexes.",
            figures.bytes,
        ),
        (
            "overdue",
            "gauge",
            "Current lists whose successor should be there.",
            figures.overdue,
        ),
        (
            "oldest_seconds",
            "gauge",
            "Age of the oldest current list.",
            figures.oldest_seconds,
        ),
        ("added_total", "counter", "Lists taken in.", figures.added),
        (
            "refused_total",
            "counter",
            "Lists refused: no list, or not signed by its issuer.",
            figures.refused,
        ),
        (
            "rebuilt_total",
            "counter",
            "Indexes made again because they were damaged.",
            figures.rebuilt,
        ),
    ] {
        simple(text, &format!("rubrica_crl_{name}"), kind, help, value);
    }
}
