//! `/certificados/admitidos`: the list of accepted certificates, for people.

use super::layout::{Page, Tone, tag};
use crate::engine::pki::trust::accepted::{Effect, Rule, Usage, Words};
use crate::engine::register::Language;
use axum::response::Response;
use maud::{Markup, html};

pub(super) async fn show(page: Page) -> Response {
    let list = page.service.parts.accepted.list();
    let body = html! {
        h1 { (page.t("accepted.title")) }
        p.lead { (page.t("accepted.lead")) }
        p { (page.t("accepted.order")) }
        ul.certificates {
            @for rule in &list.rules { li { (card(&page, rule, &list.zone)) } }
        }
        p { a href="/v1/certificates/accepted" { (page.t("accepted.as_json")) } }
    };
    page.show("accepted.title", &body)
}

/// Rules are worded in Spanish and English.
fn in_language<'w>(page: &Page, words: &'w Words) -> (&'static str, &'w str) {
    match page.language {
        Language::En | Language::Fr => ("en", &words.en),
        _ => ("es", &words.es),
    }
}

fn usage(page: &Page, usage: Usage) -> &str {
    match usage {
        Usage::Access => page.t("accepted.access"),
        Usage::Signing => page.t("accepted.signing"),
        Usage::Verification => page.t("accepted.verification"),
    }
}

fn card(page: &Page, rule: &Rule, zone: &str) -> Markup {
    let ((lang, title), (_, reason)) = (
        in_language(page, &rule.title),
        in_language(page, &rule.reason),
    );
    let usages: Vec<&str> = match rule.usages.as_slice() {
        [] => Usage::ALL.iter().map(|u| usage(page, *u)).collect(),
        some => some.iter().map(|u| usage(page, *u)).collect(),
    };
    html! {
        article.certificate {
            h2 lang=(lang) { (title) }
            p {
                @match rule.effect {
                    Effect::Accepted => (tag(Tone::Good, page.t("accepted.accepted"))),
                    Effect::Refused => (tag(Tone::Bad, page.t("accepted.refused"))),
                }
            }
            p lang=(lang) { (reason) }
            dl {
                dt { (page.t("accepted.usages")) } dd { (usages.join(", ")) }
                @if !rule.services.is_empty() { dt { (page.t("accepted.services")) } dd { (rule.services.join(", ")) } }
                @if let Some(from) = &rule.from { dt { (page.t("accepted.from")) } dd { (from) " " span.keep { "(" (zone) ")" } } }
                @if let Some(until) = &rule.until { dt { (page.t("accepted.until")) } dd { (until) " " span.keep { "(" (zone) ")" } } }
                @if !rule.legal_basis.is_empty() { dt { (page.t("accepted.legal_basis")) } dd { (rule.legal_basis) } }
                dt { (page.t("accepted.rule")) } dd { (rule.id) }
            }
        }
    }
}
