//! `/accesibilidad` and `/privacidad`: the declaration of RD 1112/2018 art. 15, and what becomes of what is sent.

use super::layout::Page;
use axum::response::Response;
use maud::{Markup, html};

pub(super) async fn accessibility(page: Page) -> Response {
    let contact = page.service.config().sede.mail.as_deref();
    let body = html! {
        div.narrow {
            h1 { (page.t("access.title")) }
            p.lead { (page.fill("access.lead", &[("sede", &page.service.config().sede.name)])) }
            h2 { (page.t("access.status_title")) }
            p { (page.t("access.status")) }
            (list(&page, &["access.keyboard", "access.reader", "access.zoom", "access.colour", "access.script", "access.time"]))
            h2 { (page.t("access.gaps_title")) }
            p { (page.t("access.gaps")) }
            h2 { (page.t("access.how_title")) }
            p { (page.t("access.how")) }
            h2 { (page.t("access.contact_title")) }
            @if let Some(mail) = contact {
                p { (page.t("access.contact")) " " a href={ "mailto:" (mail) } { (mail) } }
            } @else {
                p { (page.t("access.contact_sede")) }
            }
            p { (page.t("access.claim")) }
        }
    };
    page.show("access.title", &body)
}

pub(super) async fn privacy(page: Page) -> Response {
    let minutes = page.service.config().code.window_minutes.to_string();
    let body = html! {
        div.narrow {
            h1 { (page.t("privacy.title")) }
            p.lead { (page.t("privacy.lead")) }
            h2 { (page.t("privacy.files_title")) }
            p { (page.t("privacy.files")) }
            h2 { (page.t("privacy.codes_title")) }
            p { (page.fill("privacy.codes", &[("minutes", &minutes)])) }
            h2 { (page.t("privacy.log_title")) }
            p { (page.t("privacy.log")) }
            h2 { (page.t("privacy.cookies_title")) }
            p { (page.t("privacy.cookies")) }
        }
    };
    page.show("privacy.title", &body)
}

fn list(page: &Page, keys: &[&str]) -> Markup {
    html! { ul { @for key in keys { li { (page.t(key)) } } } }
}
