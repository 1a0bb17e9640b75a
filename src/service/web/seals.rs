//! `/sellos`: the seals of the sede and the certificate of its web site, each with its status; and a check of one that
//! somebody holds.

use super::layout::{
    FieldError, Page, Tone, banner, digest, error_summary, failed, file_field, nothing_here, tag,
};
use crate::service::http::{Described, PRESENTED, Status, Takes, Use, read_form};
use axum::body::Body;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

pub(super) async fn show(page: Page) -> Response {
    match page.service.certificates().await {
        Ok(certificates) => page.show("seals.title", &listing(&page, &certificates, &[])),
        Err(error) => failed(&page, error),
    }
}

fn listing(page: &Page, certificates: &[Described], errors: &[FieldError]) -> Markup {
    html! {
        (error_summary(page, errors))
        h1 { (page.t("seals.title")) }
        p.lead { (page.t("seals.lead")) }
        @if certificates.is_empty() { p { (page.t("seals.none")) } }
        ul.certificates {
            @for certificate in certificates { li { (card(page, certificate)) } }
        }
        section.narrow aria-labelledby="check" {
            h2 #check { (page.t("seals.check_title")) }
            p { (page.t("seals.check_text")) }
            form method="post" action=(page.link("/sellos")) enctype="multipart/form-data" {
                (file_field("certificate", "certificate", page.t("seals.file"), page.t("seals.file_hint"), errors))
                button.button type="submit" { (page.t("seals.check_action")) }
            }
        }
    }
}

fn status(page: &Page, status: Status) -> Markup {
    match status {
        Status::Valid => tag(Tone::Good, page.t("seals.valid")),
        Status::NotYetValid => tag(Tone::Doubt, page.t("seals.not_yet")),
        Status::Expired => tag(Tone::Bad, page.t("seals.expired")),
        Status::Revoked => tag(Tone::Bad, page.t("seals.revoked")),
    }
}

fn card(page: &Page, certificate: &Described) -> Markup {
    let purpose = match certificate.purpose {
        Some(Use::Seal) => page.t("seals.use_seal"),
        Some(Use::FormerSeal) => page.t("seals.use_former"),
        Some(Use::WebSite) => page.t("seals.use_site"),
        None => page.t("seals.use_other"),
    };
    html! {
        article.certificate {
            p.eyebrow { (purpose) }
            h2 { (certificate.subject) }
            p { (status(page, certificate.status)) }
            dl {
                @if let Some(organisation) = &certificate.organisation {
                    dt { (page.t("seals.organisation")) }
                    dd {
                        (organisation)
                        @if let Some(identifier) = &certificate.organisation_identifier { " " span.keep { "(" (identifier) ")" } }
                    }
                }
                dt { (page.t("seals.issuer")) } dd { (certificate.issuer) }
                dt { (page.t("seals.from")) } dd { (page.instant(certificate.not_before)) }
                dt { (page.t("seals.until")) } dd { (page.instant(certificate.not_after)) }
                @if let Some(at) = certificate.revoked { dt { (page.t("seals.revoked_at")) } dd { (page.instant(at)) } }
                dt { (page.t("seals.serial")) } dd { (digest(&certificate.serial_number)) }
                dt { "SHA-256" } dd { (digest(&certificate.sha256)) }
            }
            @if certificate.purpose.is_some() {
                p { a href={ "/sellos/" (certificate.sha256) ".cer" } download {
                    (page.t("seals.download")) span.hidden { " " (certificate.subject) }
                } }
            }
        }
    }
}

/// `/sellos/{sha256}.cer`: the certificate itself.
pub(super) async fn download(page: Page, Path(name): Path<String>) -> Response {
    let certificates = match page.service.certificates().await {
        Ok(certificates) => certificates,
        Err(error) => return failed(&page, error),
    };
    let wanted = name.strip_suffix(".cer").unwrap_or_default();
    let found = certificates.iter().find(|c| c.sha256 == wanted);
    let bytes = found.and_then(|c| STANDARD.decode(&c.certificate).ok());
    let Some(bytes) = bytes else {
        return failed(&page, nothing_here());
    };
    let disposition = format!("attachment; filename=\"{wanted}.cer\"");
    let headers = [
        (CONTENT_TYPE, "application/pkix-cert"),
        (CONTENT_DISPOSITION, disposition.as_str()),
    ];
    (headers, bytes).into_response()
}

pub(super) async fn check(page: Page, headers: HeaderMap, body: Body) -> Response {
    let takes = [Takes::one("certificate", PRESENTED)];
    let whole = crate::service::http::Limit {
        bytes: PRESENTED.bytes * 2,
        ..PRESENTED
    };
    let form = read_form(&page.service.spool, &headers, body, whole, &takes).await;
    let presented = match form.and_then(|mut form| form.require("certificate")) {
        Ok(part) => part.content,
        Err(problem) => return failed(&page, problem),
    };
    match page.service.compare(&presented).await {
        Ok((certificate, ours)) => {
            page.show("seals.result", &result(&page, &certificate, ours.as_ref()))
        }
        Err(_) => {
            let errors = [FieldError {
                field: "certificate".into(),
                text: page.t("seals.unreadable").into(),
            }];
            let certificates = page.service.certificates().await.unwrap_or_default();
            page.show_errors("seals.title", &listing(&page, &certificates, &errors))
        }
    }
}

fn result(page: &Page, certificate: &Described, ours: Option<&Described>) -> Markup {
    let (tone, title, text) = match ours.map(|o| o.purpose) {
        Some(Some(Use::WebSite)) => (Tone::Good, "seals.is_site", "seals.is_ours_text"),
        Some(Some(Use::FormerSeal)) => (Tone::Doubt, "seals.is_former", "seals.is_former_text"),
        Some(_) => (Tone::Good, "seals.is_seal", "seals.is_ours_text"),
        None => (Tone::Bad, "seals.is_not", "seals.is_not_text"),
    };
    html! {
        div.narrow {
            h1 { (page.t("seals.result")) }
            (banner(tone, page.t(title), page.t(text)))
            (card(page, ours.unwrap_or(certificate)))
            p { a.button.quiet href=(page.link("/sellos")) { (page.t("seals.back")) } }
        }
    }
}
