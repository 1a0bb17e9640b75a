//! `/certificados`: is a certificate good, in words: one that is uploaded or, behind a proxy of ours, that of the connection.

use super::layout::{FieldError, Page, Tone, banner, digest, error_summary, failed, file_field};
use super::verify::findings;
use crate::engine::ErrorKind;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::report::{CertificateReport, RevocationReport};
use crate::engine::validation::{CertificateStatus, Purpose};
use crate::service::flow::Question;
use crate::service::http::{Limit, PRESENTED, Peer, Problem, Takes, certificates_of, read_form};
use axum::Extension;
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};

/// What can be chosen, and the keys of its words.
const PURPOSES: [(Purpose, &str); 5] = [
    (Purpose::Any, "certificates.for_any"),
    (Purpose::Access, "certificates.for_access"),
    (Purpose::Signature, "certificates.for_signature"),
    (Purpose::Seal, "certificates.for_seal"),
    (Purpose::TimeStamping, "certificates.for_stamps"),
];
/// A short field of the form.
const FIELD: Limit = Limit {
    key: "the length of a field",
    bytes: 100,
};

pub(super) async fn show(
    page: Page,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Response {
    let connected = !of_connection(&page, peer, &headers).is_empty();
    page.show("certificates.title", &form(&page, connected, &[]))
}

/// The certificate of the connection, as a proxy of ours presents it; nothing where none does.
fn of_connection(page: &Page, peer: Option<Extension<Peer>>, headers: &HeaderMap) -> Vec<Vec<u8>> {
    peer.map(|Extension(peer)| page.service.presented(peer, headers))
        .unwrap_or_default()
}

fn form(page: &Page, connected: bool, errors: &[FieldError]) -> Markup {
    html! {
        div.narrow {
            (error_summary(page, errors))
            h1 { (page.t("certificates.title")) }
            p.lead { (page.t("certificates.lead")) }
            p { a href=(page.link("/certificados/admitidos")) { (page.t("accepted.title")) } }
            form method="post" action=(page.link("/certificados")) enctype="multipart/form-data" {
                (file_field("certificate", "certificate", page.t("certificates.file"), page.t("certificates.file_hint"), errors))
                (purposes(page, "purpose"))
                button.button type="submit" { (page.t("certificates.action")) }
            }
            @if connected {
                h2 { (page.t("certificates.connection_title")) }
                p { (page.t("certificates.connection_text")) }
                form method="post" action=(page.link("/certificados")) enctype="multipart/form-data" {
                    input type="hidden" name="connection" value="1";
                    (purposes(page, "purpose-of-connection"))
                    button.button.quiet type="submit" { (page.t("certificates.connection_action")) }
                }
            }
            p.note { (page.t("certificates.forget")) }
        }
    }
}

fn purposes(page: &Page, id: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (page.t("certificates.purpose")) }
            select id=(id) name="purpose" {
                @for (purpose, key) in PURPOSES {
                    option value=(purpose.name()) { (page.t(key)) }
                }
            }
        }
    }
}

/// Judges what was uploaded, or what the proxy presents.
pub(super) async fn judge(
    page: Page,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let presented = of_connection(&page, peer, &headers);
    let connected = !presented.is_empty();
    let question = match question(&page, presented, &headers, body).await {
        Ok(Ok(question)) => question,
        Ok(Err(key)) => return again(&page, connected, key),
        Err(problem) => return failed(&page, problem),
    };
    match page
        .service
        .judge_certificate(question, Vec::new(), None)
        .await
    {
        Ok(judged) => page.show("certificates.result", &result(&page, &judged.report)),
        Err(error) if error.kind() == ErrorKind::Malformed => {
            again(&page, connected, "certificates.unreadable")
        }
        Err(error) => failed(&page, error),
    }
}

/// What is asked, or the key of what is wrong with it.
async fn question(
    page: &Page,
    presented: Vec<Vec<u8>>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Result<Question, &'static str>, Problem> {
    let takes = [
        Takes::optional("certificate", PRESENTED),
        Takes::optional("purpose", FIELD),
        Takes::optional("connection", FIELD),
    ];
    let whole = Limit {
        bytes: PRESENTED.bytes * 2,
        ..PRESENTED
    };
    let mut form = read_form(&page.service.spool, headers, body, whole, &takes).await?;
    let purpose = form.text("purpose")?;
    let purpose = if purpose.is_empty() {
        Purpose::Any
    } else {
        purpose.parse()?
    };
    let certificates = match form
        .take("certificate")
        .filter(|part| !part.content.is_empty())
    {
        Some(part) => certificates_of(&part.content),
        None if form.take("connection").is_some() && !presented.is_empty() => Ok(presented),
        None => return Ok(Err("certificates.nothing")),
    };
    Ok(match certificates {
        Ok(certificates) => Ok(Question::new(certificates, purpose)?),
        Err(_) => Err("certificates.unreadable"),
    })
}

fn again(page: &Page, connected: bool, key: &str) -> Response {
    let errors = [FieldError {
        field: "certificate".into(),
        text: page.t(key).into(),
    }];
    page.show_errors("certificates.title", &form(page, connected, &errors))
}

/// Tone, title and text of what it comes to. What could not be checked never looks like a refusal.
fn verdict(status: &CertificateStatus) -> (Tone, &'static str, &'static str) {
    use CertificateStatus as S;
    match status {
        S::Good => (Tone::Good, "certificates.good", "certificates.good_text"),
        S::Revoked {
            reason: Some(RevocationReason::CertificateHold),
            ..
        } => (Tone::Bad, "certificates.hold", "certificates.hold_text"),
        S::Revoked { .. } => (
            Tone::Bad,
            "certificates.revoked",
            "certificates.revoked_text",
        ),
        S::AuthorityRevoked { .. } => (
            Tone::Bad,
            "certificates.authority",
            "certificates.revoked_text",
        ),
        S::Expired { .. } => (
            Tone::Bad,
            "certificates.expired",
            "certificates.expired_text",
        ),
        S::NotYetValid { .. } => (Tone::Bad, "certificates.early", "certificates.early_text"),
        S::NotTrusted { .. } => (
            Tone::Bad,
            "certificates.untrusted",
            "certificates.untrusted_text",
        ),
        S::NotForPurpose { .. } => (Tone::Bad, "certificates.unfit", "certificates.unfit_text"),
        S::Unknown => (
            Tone::Doubt,
            "certificates.unknown",
            "certificates.open_text",
        ),
        S::CouldNotCheck { .. } => (Tone::Doubt, "certificates.open", "certificates.open_text"),
    }
}

fn result(page: &Page, report: &CertificateReport) -> Markup {
    let (tone, title, text) = verdict(&report.status);
    html! {
        div.narrow {
            h1 { (page.t("certificates.result")) }
            (banner(tone, page.t(title), page.t(text)))
            (whose(page, report))
            h2 { (page.t("certificates.path")) }
            @if report.path.is_empty() { p { (page.t("certificates.no_path")) } }
            ol { @for step in &report.path { li { bdi { (step.name) } } } }
            h2 { (page.t("certificates.evidence")) }
            @if report.revocation.is_empty() { p { (page.t("certificates.no_evidence")) } }
            ul.findings { @for one in &report.revocation { li { (evidence(page, report, one)) } } }
            details {
                summary { (page.t("result.technical")) }
                (findings(page, &report.findings))
            }
            p { a.button.quiet href=(page.link("/certificados")) { (page.t("certificates.another")) } }
        }
    }
}

/// Whom the certificate names, and since when it is as it is.
fn whose(page: &Page, report: &CertificateReport) -> Markup {
    let subject = &report.subject;
    let since = match &report.status {
        CertificateStatus::Revoked { since, .. }
        | CertificateStatus::AuthorityRevoked { since, .. } => Some(*since),
        _ => None,
    };
    let purpose = PURPOSES
        .iter()
        .find(|(purpose, _)| *purpose == report.purpose);
    html! {
        dl.facts {
            dt { (page.t("certificates.holder")) } dd { bdi { (subject.name) } }
            @if let Some(number) = &subject.number { dt { (page.t("certificates.number")) } dd { (number) } }
            @if let Some(entity) = &subject.on_behalf_of {
                dt { (page.t("result.for")) }
                dd { bdi { (entity.name) } @if let Some(number) = &entity.number { " (" (number) ")" } }
            }
            dt { (page.t("seals.issuer")) } dd { bdi { (subject.issuer) } }
            dt { (page.t("seals.from")) } dd { (page.instant(subject.valid[0])) }
            dt { (page.t("seals.until")) } dd { (page.instant(subject.valid[1])) }
            @if let Some(since) = since { dt { (page.t("seals.revoked_at")) } dd { (page.instant(since)) } }
            @if let Some((_, key)) = purpose { dt { (page.t("certificates.purpose")) } dd { (page.t(key)) } }
            dt { (page.t("result.checked_at")) } dd { (page.instant(report.checked_at)) }
            dt { (page.t("seals.serial")) } dd { (digest(&report.serial_number)) }
            dt { "SHA-256" } dd { (digest(&report.certificate.to_string())) }
        }
    }
}

/// What is known of the revocation of one certificate of the path: the answer, its kind, its age and its source.
fn evidence(page: &Page, report: &CertificateReport, one: &RevocationReport) -> Markup {
    let step = report
        .path
        .iter()
        .find(|step| step.certificate == one.learnt.certificate);
    let name = step.map(|step| step.name.as_str()).unwrap_or_default();
    let word = match one
        .learnt
        .check
        .strip_prefix("revocation.")
        .unwrap_or_default()
    {
        "good" => "certificates.not_revoked",
        _ if one.learnt.revoked_since.is_some() => "certificates.is_revoked",
        "stale" => "certificates.stale",
        "short_term" => "certificates.exempt",
        _ => "certificates.no_answer",
    };
    html! {
        p { bdi { (name) } ": " strong { (page.t(word)) } }
        @if let (Some(kind), Some(at)) = (one.kind, one.learnt.this_update) {
            p.hint {
                (kind.to_uppercase()) ", " (page.instant(at))
                @if let Some(age) = one.age_seconds { " (" (age_text(page, age)) ")" }
                @if let Some(source) = one.source.as_deref().filter(|s| s.contains("://")) { ", " span.keep { (source) } }
            }
        }
    }
}

fn age_text(page: &Page, seconds: u64) -> String {
    let (key, n) = match seconds {
        0..3_600 => ("certificates.minutes", seconds / 60),
        3_600..172_800 => ("certificates.hours", seconds / 3_600),
        _ => ("certificates.days", seconds / 86_400),
    };
    page.fill(key, &[("n", &n.to_string())])
}
