//! `GET /v1/certificates/accepted`: the list of accepted certificates, as it is in use.

use super::service::Service;
use axum::Json;
use axum::extract::State;
use std::sync::Arc;

/// The list, and the time at which it was asked for.
pub(super) async fn list(State(service): State<Arc<Service>>) -> Json<serde_json::Value> {
    let list = service.parts.accepted.list();
    Json(serde_json::json!({
        "at": service.parts.clock.now(),
        "zone": list.zone,
        "rules": list.rules,
    }))
}
