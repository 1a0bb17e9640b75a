//! `POST /v1/codes/check`, `/original` and `/compare`: the code page for programs, and what both of them do.
//!
//! Whether the id is unknown, the date is wrong or a group is wrong: the answer is the same in content and takes the
//! same time, which is fixed and longer than any of the three takes.

use super::admission::Origin;
use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool::{Content, Limit};
use crate::engine::codes::{GROUPS, Validity};
use crate::engine::crypto::sha256;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result, Time};
use crate::service::config::Catalogue;
use crate::service::flow::{CodeDesk, Outcome, Typed};
use crate::service::store::{Document, Store};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long every check takes.
const EVERY_CHECK: Duration = Duration::from_millis(250);
/// Bytes of what somebody types.
pub const TYPED: Limit = Limit {
    key: "the size of this request",
    bytes: 16 * 1024,
};

/// What was sealed, as told to whoever shows its code.
#[derive(Debug, Clone, Serialize)]
pub struct SealedDocument {
    /// The Id. CEA.
    pub id: String,
    /// The date of the code.
    pub date: Date,
    /// How long the code holds.
    pub validity: Validity,
    /// The code of the entity that answers for the document.
    pub entity: String,
    /// The name of that entity.
    pub entity_name: String,
    /// The register number, where it is a justificante.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// Whether there is a form of it for print.
    pub printable: bool,
    /// Further versions, whose seal was raised to a higher level: from 2 on, the latest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<FurtherVersion>,
}

/// A further version of what was sealed.
#[derive(Debug, Clone, Serialize)]
pub struct FurtherVersion {
    /// From 2 on.
    pub version: u32,
    /// The level of its seal.
    pub level: String,
    /// When it was made.
    pub made: Time,
    /// Bytes.
    pub size: u64,
    /// SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// How a check ended, for those who carry the answer.
#[derive(Debug)]
pub enum Checked {
    /// Something is not right.
    NotRight,
    /// The code holds no longer.
    Expired,
    /// What was sealed, and the ticket that opens it.
    Right(Box<SealedDocument>, String),
}

/// What a file that somebody holds is to what was sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Byte for byte the same.
    Same,
    /// What was sealed, with something added behind it.
    Extended,
    /// Another file; perhaps printed or saved anew.
    Different,
}

/// Which form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// As it was sealed.
    #[default]
    Original,
    /// The latest version: as it was sealed, where there is no other.
    Latest,
    /// For print.
    Printable,
}

impl Service {
    /// The desk that checks codes.
    pub fn code_desk(&self) -> Result<Arc<CodeDesk>> {
        self.parts.code_desk.clone().ok_or_else(|| {
            Error::unavailable("codes", "not checked here")
                .remedy("Name store.key and code.secrets in the configuration.")
        })
    }

    /// The day and the groups (1 to 6) that are asked for this id now.
    pub fn asked_groups(&self, id: &str) -> Result<(Date, Vec<usize>)> {
        let now = self.parts.clock.now();
        let (day, groups) = self.code_desk()?.challenge(id, now)?;
        Ok((day, groups.into_iter().map(|i| i + 1).collect()))
    }

    /// Checks what was typed. Takes the same time whatever comes of it.
    pub async fn check_code(self: &Arc<Self>, typed: Typed, origin: Origin) -> Result<Checked> {
        let ready_at = tokio::time::Instant::now() + EVERY_CHECK;
        let checked = self.check_code_at_once(typed, origin).await;
        tokio::time::sleep_until(ready_at).await;
        let outcome = match &checked {
            Ok(Checked::Right(..)) => 0,
            Ok(Checked::NotRight) => 1,
            Ok(Checked::Expired) => 2,
            Err(_) => return checked,
        };
        self.metrics.codes[outcome].fetch_add(1, Ordering::Relaxed);
        checked
    }

    async fn check_code_at_once(self: &Arc<Self>, typed: Typed, origin: Origin) -> Result<Checked> {
        let (desk, store) = (self.code_desk()?, self.store()?);
        let now = self.parts.clock.now();
        let address = origin.0.to_string();
        let catalogue = self.parts.catalogue.clone();
        self.work
            .run(move || match desk.check(&*store, &typed, &address, now)? {
                Outcome::NotRight => Ok(Checked::NotRight),
                Outcome::Expired => Ok(Checked::Expired),
                Outcome::Right(document, ticket) => {
                    let (told, _) = versions(&*store, &document, &catalogue)?;
                    Ok(Checked::Right(Box::new(told), ticket.to_string()))
                }
            })
            .await
    }

    /// The document that a ticket opens, and its bytes in the form asked for.
    pub async fn redeem(&self, ticket: String, form: Form) -> Result<(SealedDocument, Vec<u8>)> {
        let (desk, store) = (self.code_desk()?, self.store()?);
        let now = self.parts.clock.now();
        let catalogue = self.parts.catalogue.clone();
        self.work
            .run(move || {
                let document = desk.redeem(&*store, &ticket, now)?;
                let (told, mut all) = versions(&*store, &document, &catalogue)?;
                let bytes = match (form, &document.printable) {
                    (Form::Printable, Some(printable)) => store.blob(printable)?,
                    (Form::Latest, _) => all.pop().unwrap_or_default(),
                    _ => all.swap_remove(0),
                };
                Ok((told, bytes))
            })
            .await
    }

    /// What `held` is to the document that a ticket opens, and to which version of it, from 1 on.
    pub async fn compare_with_sealed(
        &self,
        ticket: String,
        held: Content,
    ) -> Result<(SealedDocument, Comparison, Option<u32>)> {
        let (desk, store) = (self.code_desk()?, self.store()?);
        let now = self.parts.clock.now();
        let catalogue = self.parts.catalogue.clone();
        self.work
            .run(move || {
                let document = desk.redeem(&*store, &ticket, now)?;
                let (told, all) = versions(&*store, &document, &catalogue)?;
                let all = || (1_u32..).zip(&all);
                let same = all().find(|(_, version)| **version == *held);
                let extended = || {
                    all()
                        .filter(|(_, version)| held.starts_with(version))
                        .last()
                };
                let (comparison, version) = match (same, extended()) {
                    (Some((version, _)), _) => (Comparison::Same, Some(version)),
                    (None, Some((version, _))) => (Comparison::Extended, Some(version)),
                    (None, None) => (Comparison::Different, None),
                };
                Ok((told, comparison, version))
            })
            .await
    }
}

/// What is told of a document, and the bytes of all its versions, the first as it was sealed.
fn versions(
    store: &dyn Store,
    document: &Document,
    catalogue: &Catalogue,
) -> Result<(SealedDocument, Vec<Vec<u8>>)> {
    let mut all = vec![store.blob(&document.original)?];
    let mut told = told(document, &all[0], catalogue);
    for further in store.document_versions(document.code.id.as_str())? {
        let bytes = store.blob(&further.document)?;
        told.versions.push(FurtherVersion {
            version: further.version,
            level: further.level,
            made: further.made,
            size: bytes.len() as u64,
            sha256: hex(&sha256(&bytes)),
        });
        all.push(bytes);
    }
    Ok((told, all))
}

fn told(document: &Document, original: &[u8], catalogue: &Catalogue) -> SealedDocument {
    let code = &document.code;
    let entity = catalogue.entity(&code.entity);
    SealedDocument {
        id: code.id.to_string(),
        date: code.code.date(),
        validity: code.validity,
        entity: code.entity.clone(),
        entity_name: entity.map_or_else(|_| code.entity.clone(), |e| e.name.clone()),
        number: document.number.clone(),
        size: original.len() as u64,
        sha256: hex(&sha256(original)),
        printable: document.printable.is_some(),
        versions: Vec::new(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckRequest {
    id: String,
    date: String,
    #[serde(default)]
    day: Option<Date>,
    #[serde(default)]
    groups: Vec<String>,
}

/// `POST /v1/codes/check`: without groups, which are asked for; with them, what was sealed.
pub(super) async fn check(
    State(service): State<Arc<Service>>,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<serde_json::Value>> {
    let asked: CheckRequest = read_json(&service, &headers, body).await?;
    if asked.groups.is_empty() {
        let (day, groups) = service.asked_groups(&asked.id)?;
        return Ok(Json(
            json!({ "result": "asks", "day": day, "groups": groups }),
        ));
    }
    if asked.groups.len() > GROUPS {
        return Err(Error::invalid("groups", "more than there are").into());
    }
    let typed = Typed {
        id: asked.id,
        date: asked.date,
        day: asked.day,
        groups: asked.groups,
    };
    Ok(Json(match service.check_code(typed, origin).await? {
        Checked::NotRight => json!({ "result": "not_right" }),
        Checked::Expired => json!({
            "result": "expired",
            "remedy": "The document is no longer available here; ask the body that issued it.",
        }),
        Checked::Right(document, ticket) => {
            json!({ "result": "right", "document": document, "ticket": ticket, "ticket_seconds": 900 })
        }
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginalRequest {
    ticket: String,
    #[serde(default)]
    form: Form,
}

/// `POST /v1/codes/original`: what was sealed, byte for byte.
pub(super) async fn original(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let asked: OriginalRequest = read_json(&service, &headers, body).await?;
    let (document, bytes) = service.redeem(asked.ticket, asked.form).await?;
    Ok(download(&document, bytes))
}

/// The bytes of a document behind a code, to be saved under the id of the code.
pub fn download(document: &SealedDocument, bytes: Vec<u8>) -> Response {
    let name = format!("attachment; filename=\"{}.pdf\"", document.id);
    let headers = [
        (CONTENT_TYPE, "application/pdf"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    (headers, bytes).into_response()
}

/// `POST /v1/codes/compare`: parts `ticket` and `document`.
pub(super) async fn compare(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<serde_json::Value>> {
    let (ticket, held) = held_document(&service, &headers, body).await?;
    let (document, comparison, version) = service.compare_with_sealed(ticket, held).await?;
    Ok(Json(
        json!({ "comparison": comparison, "version": version, "document": document }),
    ))
}

/// The parts `ticket` and `document` of a form.
pub async fn held_document(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Answer<(String, Content)> {
    let takes = [
        Takes::one("ticket", TYPED),
        Takes::one("document", service.document_limit()),
        Takes::optional("lang", TYPED),
    ];
    let whole = service.request_limit();
    let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
    Ok((parts.text("ticket")?, parts.require("document")?.content))
}

/// A small JSON body. Errors say where, never what was there.
async fn read_json<T: serde::de::DeserializeOwned>(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Answer<T> {
    let kind = form::header_text(headers);
    if !form::is_media_type(kind, "application/json") {
        return Err(Problem::media_type(kind, "application/json"));
    }
    let content = form::read_document(&service.spool, headers, body, TYPED).await?;
    serde_json::from_slice(&content).map_err(|error| {
        let problem = format!(
            "not as /openapi.json describes it, at line {} column {}",
            error.line(),
            error.column()
        );
        Problem::bad_request(Error::malformed("request body", problem))
    })
}
