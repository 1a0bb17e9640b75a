//! `/verificar/codigo`: check the code of authenticity (CEA) printed on paper, see what was sealed, compare.
//!
//! Two steps, without scripts: id and date; then the groups that are asked for today. What is not right gets one and the
//! same page, whatever it was. What is plainly no id, date or group is said before anything is looked up, from what was
//! typed alone.

use super::layout::{
    Field, FieldError, Page, Tone, banner, digest, error_summary, failed, file_field, parameter,
    text_field,
};
use crate::engine::codes::{GROUPS, read_date, read_group, read_id};
use crate::service::flow::Typed;
use crate::service::http::{
    Checked, Comparison, DocumentForm, Origin, Problem, SealedDocument, TYPED, download,
    held_document, read_document,
};
use axum::Extension;
use axum::body::Body;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use jiff::civil::Date;
use maud::{Markup, html};

/// What was typed so far.
#[derive(Debug, Default, Clone)]
struct Entered {
    id: String,
    date: String,
    day: Option<Date>,
    groups: Vec<String>,
}

/// The first step; with id and date in the query, as the QR has them, the second.
pub(super) async fn show(page: Page, uri: Uri) -> Response {
    let value = |name| parameter(&uri, name).map(decode).unwrap_or_default();
    let entered = Entered {
        id: value("id"),
        date: value("fecha"),
        ..Entered::default()
    };
    if entered.id.is_empty() && entered.date.is_empty() {
        return page.show("code.title", &first_step(&page, &entered, &[]));
    }
    if parameter(&uri, "corregir").is_some() {
        return page.show("code.title", &first_step(&page, &entered, &[]));
    }
    let errors = first_errors(&page, &entered);
    if !errors.is_empty() {
        return page.show_errors("code.title", &first_step(&page, &entered, &errors));
    }
    second(&page, entered, |_, _| Vec::new())
}

/// The answer to the groups.
pub(super) async fn check(
    page: Page,
    Extension(origin): Extension<Origin>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let entered = match read_fields(&page, &headers, body).await {
        Ok(fields) => entered(&fields),
        Err(problem) => return failed(&page, problem),
    };
    let errors = first_errors(&page, &entered);
    if !errors.is_empty() {
        return page.show_errors("code.title", &first_step(&page, &entered, &errors));
    }
    if entered.groups.iter().any(|g| read_group(g).is_err()) {
        return second(&page, entered, group_errors);
    }
    let typed = Typed {
        id: entered.id.clone(),
        date: entered.date.clone(),
        day: entered.day,
        groups: entered.groups.clone(),
    };
    match page.service.check_code(typed, origin).await {
        Err(error) => failed(&page, error),
        Ok(Checked::NotRight) => second(&page, entered, |page, _| {
            vec![FieldError {
                field: "g0".into(),
                text: page.t("code.not_right").into(),
            }]
        }),
        Ok(Checked::Expired) => page.show("code.expired_title", &expired(&page)),
        Ok(Checked::Right(document, ticket)) => {
            page.show("code.right_title", &right(&page, &document, &ticket, &[]))
        }
    }
}

/// The second step, with what `errors` finds wrong.
fn second(
    page: &Page,
    entered: Entered,
    errors: impl FnOnce(&Page, &Entered) -> Vec<FieldError>,
) -> Response {
    let (day, asked) = match page.service.asked_groups(&entered.id) {
        Ok(asked) => asked,
        Err(error) => return failed(page, error),
    };
    let errors = errors(page, &entered);
    let body = second_step(page, &entered, day, &asked, &errors);
    if errors.is_empty() {
        page.show("code.title", &body)
    } else {
        page.show_errors("code.title", &body)
    }
}

fn first_errors(page: &Page, entered: &Entered) -> Vec<FieldError> {
    let wrong = |field: &str, key| FieldError {
        field: field.into(),
        text: page.t(key).into(),
    };
    let id = read_id(&entered.id)
        .is_err()
        .then(|| wrong("id", "code.id_error"));
    let date = read_date(&entered.date)
        .is_err()
        .then(|| wrong("fecha", "code.date_error"));
    id.into_iter().chain(date).collect()
}

fn group_errors(page: &Page, entered: &Entered) -> Vec<FieldError> {
    let groups = entered.groups.iter().enumerate();
    groups
        .filter_map(|(n, group)| {
            let misread = read_group(group).err()?;
            let text = match misread.suggestion {
                Some(meant) => page.fill("code.group_meant", &[("meant", &meant)]),
                None => page.t("code.group_error").to_string(),
            };
            Some(FieldError {
                field: format!("g{n}"),
                text,
            })
        })
        .collect()
}

fn first_step(page: &Page, entered: &Entered, errors: &[FieldError]) -> Markup {
    html! {
        div.narrow {
            (error_summary(page, errors))
            h1 { (page.t("code.title")) }
            p.lead { (page.t("code.lead")) }
            (sample(page))
            form method="get" action="/verificar/codigo" novalidate {
                @if !page.link("").is_empty() {
                    input type="hidden" name="lang" value=(crate::service::http::language::code(page.language));
                }
                p.step { (page.fill("code.step", &[("n", "1"), ("of", "2")])) }
                (text_field(&Field { id: "id", name: "id", label: page.t("code.id"), hint: page.t("code.id_hint"),
                    value: &entered.id, width: "w12", numeric: false }, errors))
                (text_field(&Field { id: "fecha", name: "fecha", label: page.t("code.date"), hint: page.t("code.date_hint"),
                    value: &entered.date, width: "w10", numeric: false }, errors))
                button.button type="submit" { (page.t("code.continue")) }
            }
        }
    }
}

/// Where the code stands on a document.
fn sample(page: &Page) -> Markup {
    html! {
        figure.sample {
            figcaption { (page.t("code.sample")) }
            div.sample-block lang="es" {
                p.sample-title { "REFERENCIAS ELECTRÓNICAS" }
                dl {
                    div { dt { "Id. CEA:" } dd { "2AAAA5DA5AA9" } }
                    div { dt { "Fecha:" } dd { "05/02/2026" } }
                    div { dt { "Código CEA:" } dd { "ABCDE-F2345-GHIJK-L6723-MNOPQ-RSTUV" } }
                    div { dt { "Página:" } dd { "1" } }
                }
            }
        }
    }
}

fn second_step(
    page: &Page,
    entered: &Entered,
    day: Date,
    asked: &[usize],
    errors: &[FieldError],
) -> Markup {
    let count = asked.len().to_string();
    let numbers: Vec<String> = asked.iter().map(usize::to_string).collect();
    html! {
        div.narrow {
            (error_summary(page, &named(page, asked, errors)))
            h1 { (page.t("code.title")) }
            p.step { (page.fill("code.step", &[("n", "2"), ("of", "2")])) }
            dl.entered {
                dt { (page.t("code.id")) } dd { code { (entered.id) } }
                dt { (page.t("code.date")) } dd { (entered.date) }
            }
            p { a href=(page.link(&format!("/verificar/codigo?corregir=1&id={}&fecha={}", encode(&entered.id), encode(&entered.date)))) {
                (page.t("code.correct"))
            } }
            form method="post" action=(page.link("/verificar/codigo")) novalidate {
                input type="hidden" name="id" value=(entered.id);
                input type="hidden" name="fecha" value=(entered.date);
                input type="hidden" name="dia" value=(day);
                fieldset {
                    legend { (page.fill("code.groups", &[("count", &count), ("numbers", &numbers.join(", "))])) }
                    p.hint { (page.t("code.groups_hint")) }
                    ol.groups aria-hidden="true" {
                        @for n in 1..=GROUPS { li.asked[asked.contains(&n)] { (n) } }
                    }
                    div.group-fields {
                        @for (n, number) in asked.iter().enumerate() {
                            (text_field(&Field {
                                id: &format!("g{n}"), name: "grupo",
                                label: &page.fill("code.group", &[("n", &number.to_string())]), hint: "",
                                value: entered.groups.get(n).map_or("", String::as_str), width: "w5", numeric: false,
                            }, errors))
                        }
                    }
                }
                button.button type="submit" { (page.t("code.check")) }
            }
            p.hint { (page.t("code.attempts")) }
        }
    }
}

/// Errors of groups as the summary lists them, with the group that each is about.
fn named(page: &Page, asked: &[usize], errors: &[FieldError]) -> Vec<FieldError> {
    let one = |error: &FieldError| {
        let place = error
            .field
            .strip_prefix('g')
            .and_then(|n| n.parse::<usize>().ok());
        let number = place
            .and_then(|n| asked.get(n))
            .filter(|_| errors.len() > 1);
        let text = match number {
            Some(number) => {
                let group = page.fill("code.group", &[("n", &number.to_string())]);
                format!("{group}: {}", error.text)
            }
            None => error.text.clone(),
        };
        FieldError {
            field: error.field.clone(),
            text,
        }
    };
    errors.iter().map(one).collect()
}

fn expired(page: &Page) -> Markup {
    html! {
        div.narrow {
            h1 { (page.t("code.expired_title")) }
            (banner(Tone::Doubt, page.t("code.expired"), page.t("code.expired_text")))
            p { a.button.quiet href=(page.link("/verificar/codigo")) { (page.t("code.another")) } }
        }
    }
}

fn right(page: &Page, document: &SealedDocument, ticket: &str, errors: &[FieldError]) -> Markup {
    html! {
        (error_summary(page, errors))
        div.narrow {
            h1 { (page.t("code.right_title")) }
            (banner(Tone::Good, page.t("code.right"), page.t("code.right_text")))
            (facts(page, document))
            h2 { (page.t("code.original_title")) }
            p { (page.t("code.original_text")) }
            form.inline method="post" action=(page.link("/verificar/codigo/original")) {
                input type="hidden" name="ticket" value=(ticket);
                button.button type="submit" { (page.t("code.original")) }
            }
            @if let Some(latest) = document.versions.last() {
                p { (page.fill("code.latest_text", &[("version", &latest.version.to_string()), ("level", &latest.level)])) }
                form.inline method="post" action=(page.link("/verificar/codigo/original")) {
                    input type="hidden" name="ticket" value=(ticket);
                    input type="hidden" name="forma" value="ultima";
                    button.button.quiet type="submit" { (page.t("code.latest")) }
                }
            }
            @if document.printable {
                form.inline method="post" action=(page.link("/verificar/codigo/original")) {
                    input type="hidden" name="ticket" value=(ticket);
                    input type="hidden" name="forma" value="imprimible";
                    button.button.quiet type="submit" { (page.t("code.printable")) }
                }
            }
            h2 { (page.t("code.compare_title")) }
            p { (page.t("code.compare_text")) }
            form method="post" action=(page.link("/verificar/codigo/comparar")) enctype="multipart/form-data" {
                input type="hidden" name="ticket" value=(ticket);
                (file_field("document", "document", page.t("code.held"), &page.fill("verify.file_hint",
                    &[("size", &page.bytes(page.service.document_limit().bytes))]), errors))
                button.button type="submit" { (page.t("code.compare")) }
            }
            p.hint { (page.t("code.ticket")) }
        }
    }
}

fn facts(page: &Page, document: &SealedDocument) -> Markup {
    html! {
        dl.facts {
            dt { (page.t("code.issued_by")) } dd { (document.entity_name) }
            dt { (page.t("code.date")) } dd { (page.date(document.date)) }
            @if let Some(number) = &document.number {
                dt { (page.t("code.number")) } dd { code { (number) } }
            }
            dt { (page.t("code.validity")) } dd { (page.validity(document.validity)) }
            dt { (page.t("code.size")) } dd { (page.bytes(document.size)) }
            dt { "SHA-256" } dd { (digest(&document.sha256)) }
            @for further in &document.versions {
                dt { (page.fill("code.version", &[("version", &further.version.to_string()), ("level", &further.level)])) }
                dd { "SHA-256 " (digest(&further.sha256)) }
            }
        }
    }
}

/// The document itself.
pub(super) async fn original(page: Page, headers: HeaderMap, body: Body) -> Response {
    let fields = match read_fields(&page, &headers, body).await {
        Ok(fields) => fields,
        Err(problem) => return failed(&page, problem),
    };
    let form = match first(&fields, "forma") {
        "imprimible" => DocumentForm::Printable,
        "ultima" => DocumentForm::Latest,
        _ => DocumentForm::Original,
    };
    match page
        .service
        .redeem(first(&fields, "ticket").to_string(), form)
        .await
    {
        Ok((document, bytes)) => download(&document, bytes),
        Err(error) => failed(&page, error),
    }
}

/// What the file that the visitor holds is to what was sealed.
pub(super) async fn compare(page: Page, headers: HeaderMap, body: Body) -> Response {
    let compared = match held_document(&page.service, &headers, body).await {
        Ok((ticket, held)) => page.service.compare_with_sealed(ticket, held).await,
        Err(problem) => return failed(&page, problem),
    };
    let (document, comparison, version) = match compared {
        Ok(compared) => compared,
        Err(error) => return failed(&page, error),
    };
    let (tone, title, text) = match comparison {
        Comparison::Same => (Tone::Good, "code.same", "code.same_text"),
        Comparison::Extended => (Tone::Doubt, "code.extended", "code.extended_text"),
        Comparison::Different => (Tone::Bad, "code.different", "code.different_text"),
    };
    let body = html! {
        div.narrow {
            h1 { (page.t("code.compared")) }
            (banner(tone, page.t(title), page.t(text)))
            @if let Some(version) = version.filter(|_| !document.versions.is_empty()) {
                p { (which_version(&page, &document, version)) }
            }
            (facts(&page, &document))
            p { a.button.quiet href=(page.link("/verificar/codigo")) { (page.t("code.another")) } }
        }
    };
    page.show("code.compared", &body)
}

/// Which version it is, and whether there is a later one.
fn which_version(page: &Page, document: &SealedDocument, version: u32) -> String {
    let latest = document.versions.last().map_or(1, |v| v.version);
    let numbers = [
        ("version", &*version.to_string()),
        ("latest", &*latest.to_string()),
    ];
    let key = match version == latest {
        true => "code.is_latest",
        false => "code.is_earlier",
    };
    page.fill(key, &numbers)
}

type Fields = Vec<(String, String)>;

/// The fields of a form without files (`application/x-www-form-urlencoded`).
async fn read_fields(page: &Page, headers: &HeaderMap, body: Body) -> Result<Fields, Problem> {
    let content = read_document(&page.service.spool, headers, body, TYPED).await?;
    let text = String::from_utf8_lossy(&content);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    Ok(pairs
        .map(|(name, value)| (decode(name), decode(value)))
        .collect())
}

fn first<'a>(fields: &'a Fields, name: &str) -> &'a str {
    let found = fields.iter().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value.as_str())
}

fn entered(fields: &Fields) -> Entered {
    let groups = fields.iter().filter(|(name, _)| name == "grupo");
    Entered {
        id: first(fields, "id").to_string(),
        date: first(fields, "fecha").to_string(),
        day: first(fields, "dia").parse().ok(),
        groups: groups
            .take(GROUPS)
            .map(|(_, value)| value.clone())
            .collect(),
    }
}

/// What `application/x-www-form-urlencoded` says; what is no escape stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => break,
            [b'+', tail @ ..] => {
                bytes.push(b' ');
                rest = tail;
            }
            [b'%', high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |b: &u8| char::from(*b).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(high) << 4 | digit(low));
                rest = tail;
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).trim().to_string()
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.') => out.push(char::from(b)),
            b => out.push_str(&format!("%{b:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_forms_are_read_and_what_is_none_stays() {
        assert_eq!(decode("05%2F02%2F2026"), "05/02/2026");
        assert_eq!(decode("a+b%C3%B1"), "a bñ");
        assert_eq!(decode("%"), "%");
        assert_eq!(decode("%zz%4"), "%zz%4");
        assert_eq!(decode(&encode("ñ 05/02&=")), "ñ 05/02&=");
    }
}
