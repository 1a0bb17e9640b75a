//! `GET /v1/time`: the official time of the sede (Ley 39/2015 art. 31.2; RD 203/2021 art. 12 (unchecked)).

use super::problem::Answer;
use super::service::Service;
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

/// The official time, in UTC and in the zone of the sede.
pub(super) async fn tell(State(service): State<Arc<Service>>) -> Answer<Json<Value>> {
    let now = service.parts.clock.now().truncated_to_milliseconds();
    let zone = &service.config().sede.zone;
    let local = now.in_zone(zone)?;
    Ok(Json(json!({
        "utc": now.to_string(),
        "local": local.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        "zone": zone,
        "unix_milliseconds": now.unix_milliseconds(),
    })))
}
