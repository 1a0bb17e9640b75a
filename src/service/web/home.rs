//! `/`: what can be done here.

use super::layout::Page;
use axum::response::Response;
use maud::{Markup, html};

/// What can be done: path, keys of title and text.
const CARDS: [(&str, &str, &str); 5] = [
    ("/verificar", "home.verify_title", "home.verify_text"),
    ("/verificar/codigo", "home.code_title", "home.code_text"),
    ("/hora", "home.time_title", "home.time_text"),
    ("/sellos", "home.seals_title", "home.seals_text"),
    (
        "/certificados",
        "home.certificates_title",
        "home.certificates_text",
    ),
];

pub(super) async fn show(page: Page) -> Response {
    let body = html! {
        section.hero {
            h1 { (page.t("home.title")) }
            p.lead { (page.t("home.lead")) }
            p.actions {
                a.button href=(page.link("/verificar")) { (page.t("home.verify_action")) }
                a.button.quiet href=(page.link("/verificar/codigo")) { (page.t("home.code_action")) }
            }
        }
        section aria-labelledby="what" {
            h2 #what { (page.t("home.what")) }
            ul.cards {
                @for (path, title, text) in CARDS {
                    li.card {
                        h3 { a href=(page.link(path)) { (page.t(title)) } }
                        p { (page.t(text)) }
                    }
                }
            }
        }
        section.trust aria-labelledby="how" {
            h2 #how { (page.t("home.how")) }
            ul.points {
                (point(page.t("home.free_title"), page.t("home.free_text")))
                (point(page.t("home.forget_title"), page.t("home.forget_text")))
                (point(page.t("home.rules_title"), page.t("home.rules_text")))
            }
        }
    };
    page.show("home.page", &body)
}

fn point(title: &str, text: &str) -> Markup {
    html! { li { strong { (title) } " " (text) } }
}
