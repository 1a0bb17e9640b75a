//! `/v1/receipts`: register a request; the receipt, its originals and its evidence, byte for byte; look-up.
//!
//! A caller sees the entries of the entities that it acts for; to it, others do not exist.

use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool::Content;
use crate::engine::pki::identity;
use crate::engine::register::{
    self, Direction, DocumentRole, Envelope, Identification, Mailbox, Metadata, Origin, Person,
};
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result, Time};
use crate::service::callers::Caller;
use crate::service::config::Config;
use crate::service::flow::CODE_PAGE;
use crate::service::flow::receive::{Details, Kept, Reception};
use crate::service::flow::request::{Received, Request};
use crate::service::keys::random;
use crate::service::store::{BlobId, Entry, EntryQuery, Store};
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use hyper::body::Frame;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::io::Read;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Media type of the acuse (EN 319 162-1 §4.1 (unchecked)).
const ASIC_E: &str = "application/vnd.etsi.asic-e+zip";
const PDF: &str = "application/pdf";
/// What the metadata may call themselves: command-line tools do not know the type of a `.json` file.
const JSON: &[&str] = &["application/json", "application/octet-stream", "text/plain"];

impl Service {
    fn reception(&self) -> Result<Arc<Reception>> {
        self.parts.reception.clone().ok_or_else(|| {
            Error::unavailable("register", "not configured")
                .remedy("Name catalogue, store.key and at least one [[seal]] in the configuration.")
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Attachments {
    /// By digest.
    #[default]
    Digest,
    /// Inside of the acuse.
    Inside,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegisterQuery {
    #[serde(default)]
    attachments: Attachments,
}

/// `POST /v1/receipts`.
pub(super) async fn register(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<RegisterQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let reception = service.reception()?;
    let Query(query) =
        query.map_err(|_| unreadable_query("attachments=inside or attachments=digest"))?;
    let idempotency_key = idempotency_key(&headers)?;
    let limits = &service.config().limits;
    let takes = [
        Takes::one("metadata", service.metadata_limit()).of(JSON),
        Takes::one("request", service.document_limit()),
        Takes::many(
            "attachment",
            service.document_limit(),
            limits.attachments,
            "limits.attachments",
        ),
    ];
    let whole = service.request_limit();
    let mut parts = form::read_form(&service.spool, &headers, body, whole, &takes).await?;
    let metadata = read_metadata(&parts.require("metadata")?.content)?;
    caller.may_act_for(&metadata.entity)?;
    let documents: Vec<(DocumentRole, form::Part)> =
        [(DocumentRole::Request, parts.require("request")?)]
            .into_iter()
            .chain(
                parts
                    .take_all("attachment")
                    .into_iter()
                    .map(|p| (DocumentRole::Attachment, p)),
            )
            .collect();
    let limit = limits.document_bytes;
    let job = move || {
        let stage =
            |(role, part): (DocumentRole, form::Part)| stage(&*reception.store, role, &part, limit);
        let request = Request {
            idempotency_key,
            metadata,
            documents: documents.into_iter().map(stage).collect::<Result<_>>()?,
            attachments_inside: query.attachments == Attachments::Inside,
        };
        reception.receive(&caller, request)
    };
    let entry = service.work.run(job).await?;
    service.metrics.receipts.fetch_add(1, Ordering::Relaxed);
    let location = format!("/v1/receipts/{}", entry.number);
    let body = Json(describe(&service, &entry)?);
    Ok((StatusCode::CREATED, [(LOCATION, location)], body).into_response())
}

/// The caller's key for this request. Without one, a retry is a request of its own.
fn idempotency_key(headers: &HeaderMap) -> Result<String> {
    match headers.get("idempotency-key") {
        None => Ok(format!("none-{}", hex(&random::<16>()?))),
        Some(key) => key.to_str().map(str::to_string).map_err(|_| {
            Error::invalid("header Idempotency-Key", "not printable ASCII")
                .remedy("Send a key of your own for each request, such as a UUID.")
        }),
    }
}

fn stage(store: &dyn Store, role: DocumentRole, part: &form::Part, limit: u64) -> Result<Received> {
    let name = part.file_name.as_deref().filter(|n| !n.is_empty());
    let name = name.unwrap_or(match role {
        DocumentRole::Request => "solicitud",
        DocumentRole::Attachment => "adjunto",
    });
    let media_type = part
        .media_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    if part.content.is_empty() {
        let element = format!("part {:?}", part.name);
        return Err(Error::invalid(element, "empty").remedy("Send the file itself."));
    }
    Received::stage(store, role, name, media_type, &mut &part.content[..], limit)
}

/// The metadata; an error names the field and where it stands, never what it says.
fn read_metadata(bytes: &Content) -> Answer<Metadata> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        let problem = format!(
            "not JSON, at line {} column {}",
            error.line(),
            error.column()
        );
        Problem::bad_request(Error::malformed("part \"metadata\"", problem))
    })?;
    field::<Person>(&value, "interested")?;
    field::<Person>(&value, "representative")?;
    field::<Identification>(&value, "identification")?;
    field::<Origin>(&value, "origin")?;
    serde_json::from_value(value).map_err(|error| wrong("metadata".into(), &error))
}

/// Reads one field on its own, so that its error can name it; a person's document before the person.
fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Answer<()> {
    let Some(found) = value.get(name).filter(|v| !v.is_null()) else {
        return Ok(());
    };
    if let Some(document) = found.get("document") {
        serde_json::from_value::<identity::Identity>(document.clone())
            .map_err(|error| wrong(format!("metadata.{name}.document"), &error))?;
    }
    serde_json::from_value::<T>(found.clone())
        .map(drop)
        .map_err(|error| wrong(format!("metadata.{name}"), &error))
}

fn wrong(element: String, error: &serde_json::Error) -> Problem {
    Error::invalid(element, without_values(&error.to_string()))
        .remedy("/openapi.json describes the metadata.")
        .into()
}

/// The message without what stands in double quotes, which is what was sent.
fn without_values(message: &str) -> String {
    let pieces = message.split('"').enumerate();
    pieces
        .map(|(n, piece)| if n % 2 == 0 { piece } else { "…" })
        .collect()
}

/// The entry of this number, if the caller may know of it.
async fn visible(service: &Service, caller: Caller, number: String) -> Answer<Entry> {
    let store = service.store()?;
    let entry = service.work.run(move || store.entry(&number)).await?;
    entry.filter(|e| caller.acts_for(&e.entity)).ok_or_else(|| {
        Error::not_found("number", "no receipt of yours has it")
            .remedy("Look it up with GET /v1/receipts.")
            .into()
    })
}

/// `GET /v1/receipts/{number}`.
pub(super) async fn read(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Answer<Json<Value>> {
    let entry = visible(&service, caller, number).await?;
    let mut described = describe(&service, &entry)?;
    let store = service.store()?;
    let number = entry.number.clone();
    let versions = service.work.run(move || store.versions(&number)).await?;
    if !versions.is_empty() {
        let own = format!("/v1/receipts/{}", entry.number);
        let told = versions.iter().map(|one| {
            json!({
                "version": one.version,
                "level": one.level,
                "made": one.made,
                "acuse": format!("{own}/acuse?version={}", one.version),
                "justificante": format!("{own}/justificante?version={}", one.version),
            })
        });
        described["versions"] = told.collect();
    }
    Ok(Json(described))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionQuery {
    #[serde(default = "first")]
    version: u32,
}

/// The first bytes, which never change.
fn first() -> u32 {
    1
}

type VersionAsked = Result<Query<VersionQuery>, axum::extract::rejection::QueryRejection>;

fn version_asked(query: VersionAsked) -> Answer<u32> {
    let query = query.map_err(|_| unreadable_query("version, a number from 1 on"))?;
    Ok(query.0.version)
}

/// The blob of a version: the first, or one of the further ones.
fn of_version(
    version: u32,
    first: BlobId,
    further: impl Iterator<Item = (u32, BlobId)>,
) -> Result<BlobId> {
    let mut all = std::iter::once((1, first)).chain(further);
    let found = all.find(|(number, _)| *number == version);
    found.map(|(_, id)| id).ok_or_else(|| {
        Error::not_found("version", "there is none of this number")
            .remedy("The receipt lists its versions; without a number it is the first.")
    })
}

/// An entry in JSON, with links to all that is kept of it.
fn describe(service: &Service, entry: &Entry) -> Result<Value> {
    let kept = Kept::of(entry)?;
    let zone = &service.config().sede.zone;
    let local = |time: Time| -> Result<String> {
        Ok(time
            .in_zone(zone)?
            .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
            .to_string())
    };
    let own = format!("/v1/receipts/{}", entry.number);
    let documents = kept.documents.iter().enumerate().map(|(place, document)| {
        let mut described = json!(document);
        described["href"] = json!(format!("{own}/original/{place}"));
        described
    });
    let mut value = json!({
        "number": entry.number,
        "presented": entry.presented,
        "presented_local": local(entry.presented)?,
        "effective_start": service.parts.calendar.effective_start(entry.presented)?,
        "direction": entry.direction,
        "names": kept.names,
        "documents": documents.collect::<Vec<_>>(),
        "complete": entry.receipt.is_some(),
        "links": { "self": own },
    });
    let Some(receipt) = &entry.receipt else {
        return Ok(value);
    };
    let details = details_of(receipt)?;
    value["sealed"] = json!(receipt.sealed);
    value["sealed_local"] = json!(local(receipt.sealed)?);
    value["level"] = json!(details.level);
    if let Some(why) = details.degraded {
        value["degraded"] = json!(why);
    }
    value["code_id"] = json!(details.code_id);
    value["links"]["acuse"] = json!(format!("{own}/acuse"));
    value["links"]["acuse_eml"] = json!(format!("{own}/acuse.eml"));
    value["links"]["justificante"] = json!(format!("{own}/justificante"));
    if receipt.evidence.is_some() {
        value["links"]["evidence"] = json!(format!("{own}/evidence"));
    }
    Ok(value)
}

fn receipt_of(entry: &Entry) -> Answer<&crate::service::store::Receipt> {
    entry.receipt.as_ref().ok_or_else(|| {
        Error::unavailable("receipt", "has its number and is still being sealed")
            .remedy("Ask again in a few seconds.")
            .into()
    })
}

/// `GET /v1/receipts/{number}/acuse`.
pub(super) async fn acuse(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    query: VersionAsked,
) -> Answer {
    let version = version_asked(query)?;
    let entry = visible(&service, caller, number).await?;
    let name = format!("acuse-{}.zip", entry.number);
    let (store, first) = (service.store()?, receipt_of(&entry)?.acuse);
    let find = move || {
        let further = store.versions(&entry.number)?.into_iter();
        of_version(version, first, further.map(|one| (one.version, one.acuse)))
    };
    let id = service.work.run(find).await?;
    blob(&service, id, ASIC_E, &name).await
}

/// `GET /v1/receipts/{number}/justificante`.
pub(super) async fn justificante(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
    query: VersionAsked,
) -> Answer {
    let version = version_asked(query)?;
    let entry = visible(&service, caller, number).await?;
    let name = format!("justificante-{}.pdf", entry.number);
    let receipt = receipt_of(&entry)?;
    let (store, first) = (service.store()?, receipt.justificante);
    let details = details_of(receipt)?;
    let find = move || {
        let further = store.document_versions(&details.code_id)?.into_iter();
        of_version(
            version,
            first,
            further.map(|one| (one.version, one.document)),
        )
    };
    let id = service.work.run(find).await?;
    blob(&service, id, PDF, &name).await
}

fn details_of(receipt: &crate::service::store::Receipt) -> Result<Details> {
    serde_json::from_slice(&receipt.details)
        .map_err(|_| Error::internal("receipt", "is kept in an unknown form"))
}

/// `GET /v1/receipts/{number}/evidence`.
pub(super) async fn evidence(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Answer {
    let entry = visible(&service, caller, number).await?;
    let evidence = receipt_of(&entry)?
        .evidence
        .ok_or_else(|| Error::not_found("evidence", "none was kept with this receipt"))?;
    let name = format!("evidencia-{}.json", entry.number);
    blob(&service, evidence, "application/json", &name).await
}

/// `GET /v1/receipts/{number}/original/{place}`: as sent, of the media type that was stated.
pub(super) async fn original(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path((number, place)): Path<(String, usize)>,
) -> Answer {
    let entry = visible(&service, caller, number).await?;
    let kept = Kept::of(&entry)?;
    let (Some(id), Some(document)) = (entry.originals.get(place), kept.documents.get(place)) else {
        return Err(
            Error::not_found("original", "there is no document at this place")
                .remedy("The receipt lists its documents with their addresses.")
                .into(),
        );
    };
    let mut response = stream(&service, *id).await?;
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(&document.media_type)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.size));
    set_disposition(headers, &document.name);
    Ok(response)
}

/// `GET /v1/receipts/{number}/acuse.eml`: the message of the e-office with the acuse attached.
pub(super) async fn message(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    Path(number): Path<String>,
) -> Answer {
    let entry = visible(&service, caller, number).await?;
    let receipt = receipt_of(&entry)?;
    let (acuse, written) = (receipt.acuse, receipt.sealed);
    let name = format!("acuse-{}.eml", entry.number);
    let reception = service.reception()?;
    let config = service.config().clone();
    let job = move || {
        let registered = reception.registered(&entry)?;
        let envelope = envelope(&config, &registered, written)?;
        register::message(&registered, &envelope, &reception.store.blob(&acuse)?)
    };
    let message = service.work.run(job).await?;
    let mut response = ([(CONTENT_TYPE, "message/rfc822")], message).into_response();
    set_disposition(response.headers_mut(), &name);
    Ok(response)
}

/// From the sede, to the representative where there is one with an address, else to the interested person.
fn envelope(config: &Config, receipt: &register::Receipt, written: Time) -> Result<Envelope> {
    let host = config.sede.url.split("://").nth(1).unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    let from = config.sede.mail.clone();
    let metadata = &receipt.metadata;
    let people = metadata.representative.iter().chain([&metadata.interested]);
    let person = people
        .into_iter()
        .find(|p| !p.email.is_empty())
        .ok_or_else(|| {
            Error::not_found(
                "acuse.eml",
                "neither person of this receipt gave a mail address",
            )
            .remedy("Send `email` with the interested person or the representative.")
        })?;
    Ok(Envelope {
        from: Mailbox {
            name: config.sede.name.clone(),
            address: from.unwrap_or_else(|| format!("no-reply@{host}")),
        },
        to: Mailbox {
            name: format!(
                "{} {} {} {}",
                person.name, person.first_surname, person.second_surname, person.business_name
            )
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" "),
            address: person.email.clone(),
        },
        domain: host.to_string(),
        date: written,
        verification_address: format!("{}{CODE_PAGE}", config.sede.url),
    })
}

/// A whole blob, checked before its first byte leaves.
async fn blob(service: &Service, id: BlobId, media_type: &'static str, name: &str) -> Answer {
    let store = service.store()?;
    let bytes = service.work.run(move || store.blob(&id)).await?;
    let mut response = ([(CONTENT_TYPE, media_type)], bytes).into_response();
    set_disposition(response.headers_mut(), name);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{id}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// `attachment` with the name in ASCII, and in UTF-8 where that says more (RFC 6266 §4.1, RFC 8187 §3.2).
fn set_disposition(headers: &mut HeaderMap, name: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let ascii: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let mut value = format!("attachment; filename=\"{ascii}\"");
    if ascii != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            match char::from(byte) {
                c if plain(c) => value.push(c),
                _ => value.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
}

/// Bytes read from the store at once, and how many of such pieces wait to be sent.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

/// A blob piece by piece, so that its size is not in memory. Should it prove altered, the connection breaks off.
async fn stream(service: &Service, id: BlobId) -> Answer {
    let store = service.store()?;
    let mut reader = service.work.run(move || store.open_blob(&id)).await?;
    let (send, receive) = mpsc::channel(PIECES);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => {
                    piece.truncate(read);
                    Ok(Bytes::from(piece))
                }
                Err(error) => Err(error),
            };
            let failed = read.is_err();
            if send.blocking_send(read).is_err() || failed {
                break;
            }
        }
    });
    Ok(Body::new(Streamed(receive)).into_response())
}

struct Streamed(mpsc::Receiver<std::io::Result<Bytes>>);

impl hyper::body::Body for Streamed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        let received = self.0.poll_recv(context);
        received.map(|piece| piece.map(|read| read.map(Frame::data)))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FindQuery {
    entity: Option<String>,
    office: Option<String>,
    person: Option<String>,
    direction: Option<Direction>,
    from: Option<String>,
    to: Option<String>,
    page: Option<i64>,
    limit: Option<u32>,
}

fn unreadable_query(expected: &str) -> Problem {
    Problem::bad_request(
        Error::invalid(
            "query",
            "holds a parameter that is unknown or cannot be read",
        )
        .remedy(format!("Send {expected}.")),
    )
}

/// `GET /v1/receipts`: look-up by number, person, office and dates.
pub(super) async fn find(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Caller>,
    query: Result<Query<FindQuery>, axum::extract::rejection::QueryRejection>,
    uri: axum::http::Uri,
) -> Answer<Json<Value>> {
    let Query(query) = query.map_err(|_| {
        unreadable_query("entity, office, person, direction, from, to, page and limit")
    })?;
    if let Some(entity) = &query.entity {
        caller.may_act_for(entity)?;
    }
    let entities = match &query.entity {
        Some(entity) => Some(vec![entity.clone()]),
        None => caller.entities().map(<[String]>::to_vec),
    };
    let zone = &service.config().sede.zone;
    let wanted = EntryQuery {
        entities,
        office: query.office,
        direction: query.direction,
        person: query.person.as_deref().map(identity::normal),
        from: query
            .from
            .map(|t| bound("from", &t, zone, false))
            .transpose()?,
        until: query.to.map(|t| bound("to", &t, zone, true)).transpose()?,
        after: query.page,
        limit: query.limit.unwrap_or(0),
    };
    let store = service.store()?;
    let page = service.work.run(move || store.find(&wanted)).await?;
    let listed = page.entries.iter().map(|entry| describe(&service, entry));
    let mut value = json!({ "receipts": listed.collect::<Result<Vec<_>>>()? });
    if let Some(next) = page.next {
        value["next"] = json!(next_page(&uri, next));
    }
    Ok(Json(value))
}

/// The address of the next page: the same query with another `page`.
fn next_page(uri: &axum::http::Uri, next: i64) -> String {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
    let query: String = kept.map(|pair| format!("{pair}&")).collect();
    format!("{}?{query}page={next}", uri.path())
}

/// An instant, or the beginning of a day of the sede; `inclusive` takes the whole day.
fn bound(name: &'static str, text: &str, zone: &str, inclusive: bool) -> Result<Time> {
    if let Ok(time) = text.parse() {
        return Ok(time);
    }
    let wrong = || {
        Error::invalid(name, "neither a date nor a date and time of RFC 3339")
            .remedy("Write it as 2026-11-24 or 2026-11-24T21:31:49Z.")
    };
    let day: Date = text.parse().map_err(|_| wrong())?;
    let day = match inclusive {
        true => day.checked_add(1.day()).map_err(|_| wrong())?,
        false => day,
    };
    let zoned = day.in_tz(zone).map_err(|_| wrong())?;
    Ok(Time::from_zoned(&zoned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_the_query_is_a_day_of_the_sede() {
        let zone = "Europe/Madrid";
        let at = |text, inclusive| bound("to", text, zone, inclusive).unwrap().to_string();
        assert_eq!(at("2026-10-25", false), "2026-10-24T22:00:00Z");
        assert_eq!(at("2026-10-25", true), "2026-10-25T23:00:00Z");
        assert_eq!(at("2026-10-25T00:30:00Z", true), "2026-10-25T00:30:00Z");
        assert!(bound("to", "yesterday", zone, true).is_err());
    }

    #[test]
    fn the_next_page_keeps_the_rest_of_the_query() {
        let next = |uri: &str| next_page(&uri.parse().unwrap(), 9);
        assert_eq!(
            next("/v1/receipts?office=1&page=3&limit=2"),
            "/v1/receipts?office=1&limit=2&page=9"
        );
        assert_eq!(next("/v1/receipts"), "/v1/receipts?page=9");
    }

    #[test]
    fn errors_of_metadata_do_not_repeat_it() {
        assert_eq!(
            without_values("invalid type: string \"María\", expected u8 at line 1"),
            "invalid type: string …, expected u8 at line 1"
        );
    }

    #[test]
    fn a_name_that_is_not_ascii_is_sent_twice() {
        let mut headers = HeaderMap::new();
        set_disposition(&mut headers, "a\"ñ\r\n.pdf");
        let value = headers[CONTENT_DISPOSITION].to_str().unwrap();
        assert_eq!(
            value,
            "attachment; filename=\"a____.pdf\"; filename*=UTF-8''a%22%C3%B1%0D%0A.pdf"
        );
    }
}
