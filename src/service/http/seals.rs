//! `GET /v1/seals` and `POST /v1/seals/check`: the seals of the sede and the certificate of its web site, each with its
//! status, and whether a certificate that somebody holds is one of them (Ley 40/2015 art. 40.2; RD 203/2021 art. 11.1 (unchecked)).

use super::form::{self, Takes};
use super::problem::{Answer, Problem};
use super::service::Service;
use super::spool::Limit;
use crate::engine::pki::Certificate;
use crate::engine::syntax::asn1::names;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result, Time};
use crate::service::keys::Seal;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::sync::Arc;

/// Bytes of a certificate that somebody presents, or of a few of them.
pub const PRESENTED: Limit = Limit {
    key: "the size of a certificate",
    bytes: 256 * 1024,
};

/// What a certificate of the sede is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Use {
    /// It seals receipts and documents.
    Seal,
    /// It sealed in the past.
    FormerSeal,
    /// It is that of the web site.
    WebSite,
}

/// Whether a certificate holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Within its validity.
    Valid,
    /// Not yet valid.
    NotYetValid,
    /// No longer valid.
    Expired,
    /// Revoked.
    Revoked,
}

/// A certificate of the sede, or one that somebody presents.
#[derive(Debug, Clone, Serialize)]
pub struct Described {
    /// The name of the seal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is for; `None` for a certificate that is not of the sede.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Use>,
    /// Whether it holds now.
    pub status: Status,
    /// Whom it names.
    pub subject: String,
    /// The organisation that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    /// The identifier of the organisation: `VATES-…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation_identifier: Option<String>,
    /// Who issued it.
    pub issuer: String,
    /// Its serial number, in hexadecimal digits.
    pub serial_number: String,
    /// From when it holds.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Time>,
    /// When it was first in use here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_used: Option<Time>,
    /// When it was last in use here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used: Option<Time>,
    /// The certificate (DER, base64).
    pub certificate: String,
}

impl Described {
    /// What a certificate says of itself at `now`.
    pub fn of(certificate: &Certificate, now: Time) -> Self {
        let validity = certificate.validity();
        let status = match () {
            () if now < validity.not_before => Status::NotYetValid,
            () if now > validity.not_after => Status::Expired,
            () => Status::Valid,
        };
        let subject = certificate.subject();
        Described {
            name: None,
            purpose: None,
            status,
            subject: subject.common_name(),
            organisation: subject.first(&names::AT_ORGANIZATION).map(String::from),
            organisation_identifier: subject
                .first(&names::AT_ORGANIZATION_IDENTIFIER)
                .map(String::from),
            issuer: certificate.issuer().common_name(),
            serial_number: hex(certificate.serial()),
            not_before: validity.not_before,
            not_after: validity.not_after,
            sha256: hex(&certificate.fingerprint()),
            revoked: None,
            first_used: None,
            last_used: None,
            certificate: STANDARD.encode(certificate.bytes()),
        }
    }
}

/// What is known of the certificate of a seal: whether it was revoked too.
fn of_seal(seal: &Seal, now: Time) -> Described {
    let described = Described::of(&seal.certificate, now);
    let revoked = seal.revoked.get().copied();
    Described {
        status: if revoked.is_some() {
            Status::Revoked
        } else {
            described.status
        },
        revoked,
        ..described
    }
}

impl Service {
    /// The seals in use, the certificate of the web site, and the seals that were in use, each described.
    pub async fn certificates(&self) -> Result<Vec<Described>> {
        let now = self.parts.clock.now();
        let mut listed: Vec<Described> = Vec::new();
        for seal in &self.parts.seals {
            listed.push(Described {
                name: Some(seal.name().to_string()),
                purpose: Some(Use::Seal),
                ..of_seal(seal, now)
            });
        }
        if let Some(certificate) = &self.parts.sede_certificate {
            listed.push(Described {
                purpose: Some(Use::WebSite),
                ..Described::of(certificate, now)
            });
        }
        let Some(store) = self.parts.store.clone() else {
            return Ok(listed);
        };
        for record in self.work.run(move || store.seals()).await? {
            let certificate = Certificate::from_der(&record.certificate)?;
            let sha256 = hex(&certificate.fingerprint());
            let at = listed
                .iter()
                .position(|d| d.sha256 == sha256 && d.purpose == Some(Use::Seal));
            let at = at.unwrap_or_else(|| {
                listed.push(Described {
                    name: Some(record.name.clone()),
                    purpose: Some(Use::FormerSeal),
                    ..Described::of(&certificate, now)
                });
                listed.len() - 1
            });
            listed[at].first_used = Some(record.first_used);
            listed[at].last_used = Some(record.last_used);
        }
        Ok(listed)
    }

    /// The certificate that `presented` (PEM or DER) holds, and which certificate of the sede it is, if it is one.
    pub async fn compare(&self, presented: &[u8]) -> Result<(Described, Option<Described>)> {
        let found = Certificate::from_pem_or_der(presented);
        let certificate = found
            .ok()
            .and_then(|c| c.into_iter().next())
            .ok_or_else(|| {
                Error::malformed("certificate", "neither PEM nor DER of a certificate")
                    .remedy("Send the certificate as your reader exports it (.cer, .crt, .pem).")
            })?;
        let described = Described::of(&certificate, self.parts.clock.now());
        let ours = self.certificates().await?;
        let same = ours.into_iter().find(|d| d.sha256 == described.sha256);
        Ok((described, same))
    }
}

/// `GET /v1/seals`.
pub(super) async fn list(State(service): State<Arc<Service>>) -> Answer<Json<serde_json::Value>> {
    let certificates = service.certificates().await?;
    Ok(Json(serde_json::json!({ "certificates": certificates })))
}

/// `POST /v1/seals/check`: the certificate as the body, or as the part `certificate`.
pub(super) async fn check(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<serde_json::Value>> {
    let presented = presented(&service, &headers, body).await?;
    let (certificate, ours) = service.compare(&presented).await?;
    Ok(Json(serde_json::json!({
        "of_the_sede": ours.is_some(),
        "certificate": ours.unwrap_or(certificate),
    })))
}

async fn presented(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
) -> Answer<super::spool::Content> {
    let kind = form::header_text(headers);
    if form::is_media_type(kind, "multipart/form-data") {
        let takes = [Takes::one("certificate", PRESENTED)];
        let whole = Limit {
            bytes: PRESENTED.bytes * 2,
            ..PRESENTED
        };
        let mut parts = form::read_form(&service.spool, headers, body, whole, &takes).await?;
        return Ok(parts.require("certificate")?.content);
    }
    let known = [
        "application/octet-stream",
        "application/pkix-cert",
        "application/x-x509-ca-cert",
        "application/x-pem-file",
        "application/pem-certificate-chain",
    ];
    if !known.iter().any(|k| form::is_media_type(kind, k)) {
        return Err(Problem::media_type(
            kind,
            "application/pkix-cert, application/x-pem-file or multipart/form-data",
        ));
    }
    form::read_document(&service.spool, headers, body, PRESENTED).await
}
