//! `/verificar`: upload a file, and see in plain words who signed it, when, and whether it still is what was signed.
//!
//! The verdict comes first and the technical part after it, folded. Nothing that is uploaded is kept: what may be
//! downloaded afterwards (report, evidence) is in the page itself.

use super::layout::{
    FieldError, Page, Tone, banner, digest, error_summary, failed, file_field, tag,
};
use crate::engine::ErrorKind;
use crate::engine::evidence::ScopeKind;
use crate::engine::register::Language;
use crate::engine::report::{
    self, Explained, FindingReport, ReportForm, ScopeReport, SignatureReport, SimpleReport,
};
use crate::engine::validation::{Indication, SubIndication};
use crate::service::http::{Judged, Part, Problem, Sent, Takes, read_form};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

/// A report or evidence beyond this is not put into the page.
const MOST_IN_PAGE: usize = 4 << 20;
/// The reports that the page offers: form, name of the file, wording.
const DOWNLOADS: &[(ReportForm, &str, &str)] = &[
    (ReportForm::Html, "informe.html", "result.report_page"),
    (ReportForm::Simple, "informe.json", "result.report"),
    (
        ReportForm::Detailed,
        "informe-detallado.json",
        "result.report_detailed",
    ),
    (ReportForm::Etsi, "informe-etsi.xml", "result.report_etsi"),
];
/// Characters of a file's name that are shown.
const NAME_SHOWN: usize = 120;

pub(super) async fn show(page: Page) -> Response {
    page.show("verify.title", &form(&page, &[]))
}

fn form(page: &Page, errors: &[FieldError]) -> Markup {
    let size = page.bytes(page.service.document_limit().bytes);
    html! {
        div.narrow {
            (error_summary(page, errors))
            h1 { (page.t("verify.title")) }
            p.lead { (page.t("verify.lead")) }
            form method="post" action=(page.link("/verificar")) enctype="multipart/form-data" {
                (file_field("document", "document", page.t("verify.file"),
                    &page.fill("verify.file_hint", &[("size", &size)]), errors))
                details {
                    summary { (page.t("verify.detached")) }
                    div.field {
                        label for="content" { (page.t("verify.content")) }
                        p.hint #content-hint { (page.t("verify.content_hint")) }
                        input type="file" id="content" name="content" multiple aria-describedby="content-hint";
                    }
                }
                button.button type="submit" { (page.t("verify.action")) }
            }
            p.note { (page.t("verify.forget")) }
            h2 { (page.t("verify.paper_title")) }
            p { (page.t("verify.paper")) " " a href=(page.link("/verificar/codigo")) { (page.t("nav.code")) } "." }
        }
    }
}

/// Judges what was uploaded.
pub(super) async fn judge(page: Page, headers: HeaderMap, body: Body) -> Response {
    let (document, detached) = match uploaded(&page, &headers, body).await {
        Ok(parts) => parts,
        Err(problem) => return failed(&page, problem),
    };
    if document.content.is_empty() {
        return again(&page, "verify.nothing");
    }
    let name = document.file_name.clone().unwrap_or_default();
    let language = report_language(&page);
    let reports = DOWNLOADS.iter().map(|(form, ..)| (*form, language));
    let sent = Sent {
        document: document.content,
        detached,
        records: Vec::new(),
    };
    match page
        .service
        .judge(sent, None, None, reports.collect())
        .await
    {
        Ok(judged) => page.show("result.title", &result(&page, &name, &judged)),
        Err(error) => match error.kind() {
            ErrorKind::Malformed | ErrorKind::Unsupported => again(&page, "verify.unreadable"),
            _ => failed(&page, error),
        },
    }
}

async fn uploaded(
    page: &Page,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Part, Vec<Part>), Problem> {
    let service = &page.service;
    let attachments = service.config().limits.attachments;
    let takes = [
        Takes::one("document", service.document_limit()),
        Takes::many(
            "content",
            service.document_limit(),
            attachments,
            "limits.attachments",
        )
        .digested(),
    ];
    let whole = service.request_limit();
    let mut form = read_form(&service.spool, headers, body, whole, &takes).await?;
    let document = form.require("document")?;
    // A browser sends an empty part for a file field that was left alone.
    let mut detached = form.take_all("content");
    detached.retain(|part| !part.content.is_empty());
    Ok((document, detached))
}

fn again(page: &Page, key: &str) -> Response {
    let errors = [FieldError {
        field: "document".into(),
        text: page.t(key).into(),
    }];
    page.show_errors("verify.title", &form(page, &errors))
}

fn tone(indication: Option<Indication>) -> Tone {
    match indication {
        Some(Indication::TotalPassed) => Tone::Good,
        Some(Indication::TotalFailed) => Tone::Bad,
        Some(Indication::Indeterminate) => Tone::Doubt,
        None => Tone::Plain,
    }
}

/// The verdict on a document, in words.
fn verdict(report: &SimpleReport) -> &'static str {
    match (report.indication, count(report)) {
        (Some(Indication::TotalPassed), 2..) => "result.all_passed",
        (Some(Indication::TotalPassed), _) => "result.passed",
        (Some(Indication::TotalFailed), 2..) => "result.some_failed",
        (Some(Indication::TotalFailed), _) => "result.failed",
        (Some(Indication::Indeterminate), _) => "result.doubt",
        (None, _) => "result.unsigned",
    }
}

/// Signatures of the document and of those inside.
fn count(report: &SimpleReport) -> usize {
    let inside = report.inside.iter().map(|nested| count(&nested.report));
    report.signatures.len() + inside.sum::<usize>()
}

fn result(page: &Page, name: &str, judged: &Judged) -> Markup {
    let report = &judged.report;
    let text = match report.indication {
        None => page.t("result.unsigned_text"),
        Some(Indication::TotalPassed) => page.t("result.passed_text"),
        Some(_) => "",
    };
    let name: String = name.chars().take(NAME_SHOWN).collect();
    html! {
        div.narrow {
            h1 { (page.t("result.title")) }
            (banner(tone(report.indication), page.t(verdict(report)), text))
            dl.facts {
                @if !name.is_empty() { dt { (page.t("result.file")) } dd { bdi { (name) } } }
                dt { (page.t("code.size")) } dd { (page.bytes(report.size)) }
                dt { "SHA-256" } dd { (digest(&report.document.to_string())) }
                dt { (page.t("result.checked_at")) } dd { (page.instant(report.validation_time)) }
            }
            (judgement(page, report))
            @if report.indication.is_none() {
                p { a.button.quiet href=(page.link("/verificar/codigo")) { (page.t("home.code_action")) } }
            }
            (downloads(page, judged))
            p { a.button.quiet href=(page.link("/verificar")) { (page.t("result.another")) } }
        }
    }
}

/// What stands about the document, its signatures, and the signed documents inside.
fn judgement(page: &Page, report: &SimpleReport) -> Markup {
    let count = report.signatures.len().to_string();
    html! {
        (findings(page, &report.findings))
        @for (n, signature) in report.signatures.iter().enumerate() {
            (signature_card(page, signature, &(n + 1).to_string(), &count))
        }
        @for inside in &report.inside {
            section.inside {
                h2 { (page.t("result.inside")) " " bdi { (inside.name) } }
                p { (tag(tone(inside.report.indication), page.t(verdict(&inside.report)))) }
                (judgement(page, &inside.report))
            }
        }
    }
}

fn signature_card(page: &Page, signature: &SignatureReport, n: &str, count: &str) -> Markup {
    let tone = tone(Some(signature.indication));
    let word = match signature.indication {
        Indication::TotalPassed => "result.signature_passed",
        Indication::TotalFailed => "result.signature_failed",
        Indication::Indeterminate => "result.signature_doubt",
    };
    let (why, next) = reading(signature.sub_indication);
    html! {
        article class={ "signature " (tone.class()) } {
            p.eyebrow { (page.fill("result.signature", &[("n", n), ("count", count)])) }
            h3 { bdi { (signature.signed_by.as_deref().unwrap_or(page.t("result.unknown_signer"))) } }
            p { (tag(tone, page.t(word))) }
            p { (page.t(why)) }
            (who_and_when(page, signature))
            @if let Some(next) = next {
                p.next { strong { (page.t("result.what_to_do")) } " " (page.t(next)) }
            }
            details {
                summary { (page.t("result.technical")) }
                (technical(page, signature))
            }
        }
    }
}

/// The language of what the report words, beside that of the page.
fn report_language(page: &Page) -> report::Language {
    match page.language {
        Language::En | Language::Fr => report::Language::En,
        _ => report::Language::Es,
    }
}

fn explained(page: &Page, text: &Explained) -> Markup {
    let language = report_language(page);
    html! { span lang=(language.code()) { (text.in_language(language)) } }
}

/// What a sub-indication means to a citizen and what to do about it, as keys of phrases.
fn reading(sub: Option<SubIndication>) -> (&'static str, Option<&'static str>) {
    use SubIndication as S;
    let Some(sub) = sub else {
        return ("why.passed", None);
    };
    let (why, next) = match sub {
        S::FormatFailure => ("why.format", "next.original"),
        S::HashFailure | S::SigCryptoFailure => ("why.altered", "next.original"),
        S::SignedDataNotFound => ("why.missing", "next.original"),
        S::Revoked => ("why.revoked", "next.signer"),
        S::Expired => ("why.expired", "next.signer"),
        S::NotYetValid => ("why.not_yet", "next.signer"),
        S::SigConstraintsFailure => ("why.changes", "next.changes"),
        S::ChainConstraintsFailure | S::CertificateChainGeneralFailure => {
            ("why.purpose", "next.signer")
        }
        S::CryptoConstraintsFailure | S::CryptoConstraintsFailureNoPoe => {
            ("why.weak", "next.signer")
        }
        S::NoSigningCertificateFound
        | S::NoCertificateChainFound
        | S::NoCertificateChainFoundNoPoe => ("why.issuer", "next.issuer"),
        S::TryLater => ("why.later", "next.later"),
        S::PolicyProcessingError | S::SignaturePolicyNotAvailable => ("why.policy", "next.later"),
        S::TimestampOrderFailure => ("why.order", "next.proof"),
        S::RevokedNoPoe
        | S::RevokedCaNoPoe
        | S::OutOfBoundsNotRevoked
        | S::OutOfBoundsNoPoe
        | S::RevocationOutOfBoundsNoPoe
        | S::NoPoe => ("why.proof", "next.proof"),
    };
    (why, Some(next))
}

fn who_and_when(page: &Page, signature: &SignatureReport) -> Markup {
    let entity = signature
        .signer
        .as_ref()
        .and_then(|s| s.on_behalf_of.as_ref());
    let claimed = signature.claimed_time;
    let proven = signature
        .timestamps
        .iter()
        .any(|t| t.indication == Indication::TotalPassed);
    html! {
        dl.facts {
            @if let Some(entity) = entity {
                dt { (page.t("result.for")) }
                dd { bdi { (entity.name) } @if let Some(number) = &entity.number { " (" (number) ")" } }
            }
            @if let Some(signer) = &signature.signer {
                dt { (page.t("result.issuer")) } dd { bdi { (signer.issuer) } }
            }
            @if let Some(time) = claimed { dt { (page.t("result.claimed")) } dd { (page.instant(time)) } }
            dt { (page.t("result.proven")) }
            dd {
                @if proven { (page.instant(signature.best_signature_time)) } @else { (page.t("result.not_proven")) }
            }
            @if let Some(reason) = &signature.reason { dt { (page.t("result.reason")) } dd { bdi { (reason) } } }
            dt { (page.t("result.covers")) }
            dd {
                @if signature.scopes.is_empty() { (page.t("result.nothing_covered")) }
                @for (n, scope) in signature.scopes.iter().enumerate() {
                    @if n > 0 { br; }
                    (covered(page, scope))
                }
            }
        }
    }
}

/// What a signature covers: the document itself, or a file by its name; whole or in part.
fn covered(page: &Page, scope: &ScopeReport) -> Markup {
    let whole = scope.scope == ScopeKind::Full;
    if scope.name == "document" {
        let key = if whole {
            "result.whole_document"
        } else {
            "result.part_document"
        };
        return html! { (page.t(key)) };
    }
    html! { bdi { (scope.name) } " – " (page.t(if whole { "result.whole" } else { "result.part" })) }
}

fn technical(page: &Page, signature: &SignatureReport) -> Markup {
    let mathematics = match signature.mathematics {
        Some(true) => "result.intact",
        Some(false) => "result.altered",
        None => "result.not_checked",
    };
    html! {
        dl.facts {
            dt { (page.t("result.level")) } dd { code { (signature.level) } }
            dt { (page.t("result.indication")) }
            dd { code { (signature.indication) } @if let Some(sub) = signature.sub_indication { " " code { (sub) } } }
            @if let Some(algorithm) = &signature.algorithm { dt { (page.t("result.algorithm")) } dd { code { (algorithm) } } }
            dt { (page.t("result.mathematics")) } dd { (page.t(mathematics)) }
            @if let Some(signer) = &signature.signer {
                dt { (page.t("result.subject")) } dd { bdi { (signer.subject) } }
                dt { (page.t("result.certificate_from")) } dd { (page.instant(signer.valid[0])) }
                dt { (page.t("result.certificate_until")) } dd { (page.instant(signer.valid[1])) }
            }
            @for stamp in &signature.timestamps {
                dt { (page.t("result.timestamp")) }
                dd {
                    (page.instant(stamp.time))
                    @if let Some(by) = &stamp.signed_by { ", " bdi { (by) } }
                    " " code { (stamp.indication) }
                }
            }
        }
        (findings(page, &signature.findings))
        @for stamp in &signature.timestamps { (findings(page, &stamp.findings)) }
    }
}

pub(super) fn findings(page: &Page, findings: &[FindingReport]) -> Markup {
    html! {
        @if !findings.is_empty() {
            ul.findings {
                @for finding in findings {
                    li {
                        p { (explained(page, &finding.message)) }
                        @if let Some(remedy) = &finding.remedy { p { (explained(page, remedy)) } }
                        @if !finding.finding.clause.is_empty() {
                            p.hint { (page.t("result.clause")) " " span lang="en" { (finding.finding.clause) } }
                        }
                    }
                }
            }
        }
    }
}

/// Reports and evidence, in the page itself: nothing was kept that could be fetched later.
fn downloads(page: &Page, judged: &Judged) -> Markup {
    let link = |kind: &str, bytes: &[u8]| {
        let kind = kind.replace(' ', "");
        format!("data:{kind};base64,{}", STANDARD.encode(bytes))
    };
    let fits = |bytes: &[u8]| bytes.len() <= MOST_IN_PAGE;
    let reports = DOWNLOADS.iter().zip(&judged.written);
    let reports = reports.filter_map(|((_, name, words), written)| {
        let written = written.as_ref().ok().filter(|report| fits(&report.bytes))?;
        Some((*name, *words, link(written.media_type, &written.bytes)))
    });
    html! {
        h2 { (page.t("result.keep_title")) }
        p { (page.t("result.keep")) }
        ul {
            @for (name, words, link) in reports {
                li { a download=(name) href=(link) { (page.t(words)) } }
            }
            @match &judged.evidence {
                Some(evidence) if fits(evidence) => {
                    li { a download="evidencia.json" href=(link("application/json", evidence)) { (page.t("result.evidence")) } }
                }
                _ => {}
            }
        }
    }
}
