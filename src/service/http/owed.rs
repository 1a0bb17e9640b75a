//! `GET /v1/owed`: levels that were not reached and are paid later. `/v1/owed/{id}`: a document that is kept for its caller
//! until then, and for a while after.
//!
//! A caller sees what is owed to it, and what is owed of the entities that it acts for. Its documents it alone sees.

use super::problem::{Answer, Problem};
use super::service::Service;
use super::sign::{LEVEL, media_type};
use crate::engine::{Error, Result};
use crate::service::callers::Caller;
use crate::service::flow::{DebtDesk, described_debt};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

/// Debts of one page.
const PAGE: u32 = 100;

impl Service {
    fn debts(&self) -> Result<Arc<DebtDesk>> {
        self.parts.debts.clone().ok_or_else(|| {
            Error::unavailable("owed", "nothing is kept here")
                .remedy("Name store.key in the configuration.")
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwedQuery {
    after: Option<String>,
}

/// `GET /v1/owed`.
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<OwedQuery>, axum::extract::rejection::QueryRejection>,
) -> Answer {
    let Query(query) = query.map_err(|_| {
        Problem::bad_request(
            Error::invalid("query", "holds something other than after")
                .remedy("Send ?after= with the next of the page before, or nothing."),
        )
    })?;
    let debts = service.debts()?;
    let page = service
        .work
        .run(move || debts.visible(&caller, query.after.as_deref(), PAGE))
        .await?;
    let next = page.last().filter(|_| page.len() == PAGE as usize);
    Ok(Json(json!({
        "owed": page.iter().map(described_debt).collect::<Vec<_>>(),
        "next": next.map(|debt| &debt.id),
    }))
    .into_response())
}

/// `GET /v1/owed/{id}`.
pub(super) async fn status(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let debts = service.debts()?;
    let (kept, debt) = service.work.run(move || debts.kept(&caller, &id)).await?;
    Ok(Json(json!({
        "document": kept.id,
        "level": kept.level,
        "made": kept.made,
        "kept_until": debt.is_none().then_some(kept.until),
        "owed": debt.as_ref().map(described_debt),
    }))
    .into_response())
}

/// `GET /v1/owed/{id}/document`: the latest version.
pub(super) async fn document(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let debts = service.debts()?;
    let (kept, bytes) = service
        .work
        .run(move || {
            let (kept, _) = debts.kept(&caller, &id)?;
            let bytes = debts.latest(&kept)?;
            Ok((kept, bytes))
        })
        .await?;
    let headers = [
        (CONTENT_TYPE, media_type(&kept.format).to_string()),
        (LEVEL, kept.level),
    ];
    Ok((headers, bytes).into_response())
}

/// `DELETE /v1/owed/{id}`: it is owed no more, and forgotten.
pub(super) async fn discard(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let debts = service.debts()?;
    service
        .work
        .run(move || debts.discard(&caller, &id))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
