//! What every page has: language, landmarks, navigation, footer; the parts that pages are built from; problems as pages.
//!
//! EN 301 549 §9 (WCAG 2.1 AA): one `h1`, a skip link, labels tied to fields, an error summary that leads to them, no
//! meaning by colour alone, nothing that needs a script.

use super::messages::{Words, words};
use crate::engine::codes::Validity;
use crate::engine::register::Language;
use crate::engine::{Error, ErrorKind, Time};
use crate::service::http::{Problem, Service, language};
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_LANGUAGE, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{Html, IntoResponse, Response};
use jiff::civil::Date;
use maud::{DOCTYPE, Markup, html};
use std::convert::Infallible;
use std::sync::Arc;

/// The pages of the navigation: path, key of the name.
const NAVIGATION: [(&str, &str); 6] = [
    ("/", "nav.home"),
    ("/verificar", "nav.verify"),
    ("/verificar/codigo", "nav.code"),
    ("/hora", "nav.time"),
    ("/sellos", "nav.seals"),
    ("/certificados", "nav.certificates"),
];

/// A page of the sede, in the language of whoever asked for it.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) service: Arc<Service>,
    pub(super) language: Language,
    /// Whether the language was asked for by name, so that links keep it.
    asked: bool,
    words: &'static Words,
    path: String,
}

impl FromRequestParts<Arc<Service>> for Page {
    type Rejection = Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &Arc<Service>,
    ) -> Result<Self, Infallible> {
        Ok(Page::new(service.clone(), &parts.uri, &parts.headers))
    }
}

/// The value of a parameter of the query, as it stands.
pub(super) fn parameter<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    let pairs = uri.query()?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

impl Page {
    pub(super) fn new(service: Arc<Service>, uri: &Uri, headers: &HeaderMap) -> Self {
        let asked = parameter(uri, "lang").and_then(language::of_tag);
        let asked = asked.filter(|l| service.languages().contains(l));
        let language =
            asked.unwrap_or_else(|| language::negotiate(None, headers, service.languages()));
        Page {
            language,
            asked: asked.is_some(),
            words: words(language),
            path: uri.path().to_string(),
            service,
        }
    }

    /// The phrase of this key.
    pub(super) fn t(&self, key: &str) -> &'static str {
        self.words.get(key)
    }

    /// The phrase of this key with each `{name}` put in.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.words.fill(key, values)
    }

    /// A path of ours that keeps the language that was asked for.
    pub(super) fn link(&self, path: &str) -> String {
        if !self.asked {
            return path.to_string();
        }
        let joint = if path.contains('?') { '&' } else { '?' };
        format!("{path}{joint}lang={}", language::code(self.language))
    }

    /// The tag of the language (BCP 47).
    fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// The page with this title, the key of a phrase.
    pub(super) fn show(&self, title: &str, body: &Markup) -> Response {
        self.answer(StatusCode::OK, self.t(title), body)
    }

    /// The page with this title, whose form has errors.
    pub(super) fn show_errors(&self, title: &str, body: &Markup) -> Response {
        let title = format!("{}: {}", self.t("site.error"), self.t(title));
        self.answer(StatusCode::UNPROCESSABLE_ENTITY, &title, body)
    }

    /// The page with this status.
    pub(super) fn answer(&self, status: StatusCode, title: &str, body: &Markup) -> Response {
        let mut response = (status, Html(self.frame(title, body).into_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(self.tag()));
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
        response
    }

    fn frame(&self, title: &str, body: &Markup) -> Markup {
        let sede = &self.service.config().sede.name;
        html! {
            (DOCTYPE)
            html lang=(self.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · " (sede) }
                    link rel="icon" href="/assets/emblem.svg" type="image/svg+xml";
                    link rel="stylesheet" href={ "/assets/style.css?" (super::assets::VERSION) };
                }
                body {
                    a.skip href="#contenido" { (self.t("site.skip")) }
                    (self.header(sede))
                    main #contenido tabindex="-1" { (body) }
                    (self.footer(sede))
                }
            }
        }
    }

    fn header(&self, sede: &str) -> Markup {
        html! {
            header.masthead {
                div.masthead-row {
                    a.brand href=(self.link("/")) {
                        img src="/assets/emblem.svg" alt="" width="52" height="52";
                        span.brand-name { (sede) }
                        span.brand-sub { (self.t("site.tagline")) }
                    }
                    nav.languages aria-label=(self.t("site.languages")) {
                        ul {
                            @for language in self.service.languages() {
                                li {
                                    a lang=(language.tag()) hreflang=(language.tag())
                                        href={ (self.path_for_switch()) "?lang=" (language::code(*language)) }
                                        aria-current=[(*language == self.language).then_some("true")] {
                                        (language.name())
                                    }
                                }
                            }
                        }
                    }
                }
                nav.sections aria-label=(self.t("site.sections")) {
                    ul {
                        @for (path, key) in NAVIGATION {
                            li {
                                a href=(self.link(path)) aria-current=[(self.path == path).then_some("page")] {
                                    (self.t(key))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    /// Where the language switch leads: this page, or the one whose form led to it.
    fn path_for_switch(&self) -> &str {
        let known = |path: &str| super::READABLE.contains(&path);
        let mut path = self.path.as_str();
        while !known(path) {
            path = path
                .rsplit_once('/')
                .map_or("/", |(up, _)| if up.is_empty() { "/" } else { up });
        }
        path
    }

    fn footer(&self, sede: &str) -> Markup {
        html! {
            footer.footer {
                nav aria-label=(self.t("site.about")) {
                    ul {
                        li { a href=(self.link("/accesibilidad")) { (self.t("site.accessibility")) } }
                        li { a href=(self.link("/privacidad")) { (self.t("site.privacy")) } }
                        li { a href="/openapi.json" { (self.t("site.api")) } }
                    }
                }
                p { (sede) }
            }
        }
    }

    /// A problem as a page: the words of its kind in the language of the page, and what exactly in English.
    pub(super) fn problem(&self, problem: &Problem) -> Response {
        let (title, text) = match problem.error.kind() {
            ErrorKind::NotFound => ("problem.missing_title", "problem.missing"),
            ErrorKind::RateLimited => ("problem.rate_title", "problem.rate"),
            ErrorKind::LimitExceeded => ("problem.large_title", "problem.large"),
            ErrorKind::Unavailable => ("problem.busy_title", "problem.busy"),
            ErrorKind::Forbidden => ("problem.ticket_title", "problem.ticket"),
            ErrorKind::Internal => ("problem.internal_title", "problem.internal"),
            _ => ("problem.request_title", "problem.request"),
        };
        let told = problem.error.kind() != ErrorKind::Internal
            && problem.error.kind() != ErrorKind::NotFound;
        let body = html! {
            div.narrow {
                h1 { (self.t(title)) }
                p.lead { (self.t(text)) }
                @if told {
                    details {
                        summary { (self.t("problem.detail")) }
                        p lang="en" { (problem.error.element()) ": " (problem.error.problem()) }
                        @if let Some(remedy) = problem.error.remedy_text() {
                            p lang="en" { (remedy) }
                        }
                    }
                }
                p { a.button.quiet href=(self.link("/")) { (self.t("problem.back")) } }
            }
        };
        let mut response = self.answer(problem.status, self.t(title), &body);
        if let Some(seconds) = problem.retry_after {
            response
                .headers_mut()
                .insert(axum::http::header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// A date as the language writes it.
    pub(super) fn date(&self, date: Date) -> String {
        let (year, month, day) = (date.year(), date.month(), date.day());
        let names: Vec<&str> = self.t("date.months").split(' ').collect();
        let name = usize::try_from(month - 1)
            .ok()
            .and_then(|m| names.get(m).copied());
        self.fill(
            "date.long",
            &[
                ("year", &year.to_string()),
                ("month", name.unwrap_or_default()),
                ("mm", &format!("{month:02}")),
                ("day", &day.to_string()),
                ("dd", &format!("{day:02}")),
            ],
        )
    }

    /// An instant in the zone of the sede, as the language writes it, with its offset.
    pub(super) fn instant(&self, time: Time) -> Markup {
        let zone = &self.service.config().sede.zone;
        let local = time.in_zone(zone).unwrap_or_else(|_| time.in_utc());
        let clock = local.strftime("%H:%M:%S").to_string();
        let offset = local.strftime("%:z").to_string();
        let date = self.date(local.date());
        html! {
            time datetime=(local.strftime("%Y-%m-%dT%H:%M:%S%:z")) {
                (self.fill("date.instant", &[("date", &date), ("clock", &clock), ("offset", &offset)]))
            }
        }
    }

    /// How long a code holds.
    pub(super) fn validity(&self, validity: Validity) -> String {
        match validity {
            Validity::Permanent => self.t("code.permanent").to_string(),
            Validity::Until(day) => self.fill("code.until", &[("date", &self.date(day))]),
        }
    }

    /// Bytes as people read them.
    pub(super) fn bytes(&self, bytes: u64) -> String {
        let comma = self.t("date.decimal");
        let (unit, name) = match bytes {
            0..1024 => return format!("{bytes} B"),
            1024..1_048_576 => (1024, "KiB"),
            _ => (1_048_576, "MiB"),
        };
        let tenths = bytes.saturating_mul(10) / unit;
        match tenths % 10 {
            0 => format!("{} {name}", tenths / 10),
            tenth => format!("{}{comma}{tenth} {name}", tenths / 10),
        }
    }
}

/// What is wrong with a field: its id, and the words.
#[derive(Debug, Clone)]
pub(super) struct FieldError {
    pub(super) field: String,
    pub(super) text: String,
}

/// Above a form: what is wrong, each line leading to its field.
pub(super) fn error_summary(page: &Page, errors: &[FieldError]) -> Markup {
    html! {
        @if !errors.is_empty() {
            div.error-summary role="alert" aria-labelledby="error-title" tabindex="-1" {
                h2 #error-title { (page.t("site.error_summary")) }
                ul {
                    @for error in errors {
                        li { a href={ "#" (error.field) } { (error.text) } }
                    }
                }
            }
        }
    }
}

/// A field of text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) hint: &'a str,
    pub(super) value: &'a str,
    pub(super) width: &'a str,
    pub(super) numeric: bool,
}

/// A field of text with its label, hint and error tied to it.
pub(super) fn text_field(field: &Field<'_>, errors: &[FieldError]) -> Markup {
    let error = errors.iter().find(|e| e.field == field.id);
    let hint_id = format!("{}-hint", field.id);
    let error_id = format!("{}-error", field.id);
    let described: Vec<&str> = [
        (!field.hint.is_empty()).then_some(hint_id.as_str()),
        error.map(|_| error_id.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    html! {
        div.field.field-error[error.is_some()] {
            label for=(field.id) { (field.label) }
            @if !field.hint.is_empty() { p.hint id=(hint_id) { (field.hint) } }
            @if let Some(error) = error { p.error id=(error_id) { (error.text) } }
            input type="text" id=(field.id) name=(field.name) value=(field.value) class=(field.width)
                required autocomplete="off" autocapitalize="characters" spellcheck="false"
                inputmode=[field.numeric.then_some("numeric")]
                aria-invalid=[error.map(|_| "true")]
                aria-describedby=[(!described.is_empty()).then(|| described.join(" "))];
        }
    }
}

/// A field for a file, with its label, hint and error tied to it.
pub(super) fn file_field(
    id: &str,
    name: &str,
    label: &str,
    hint: &str,
    errors: &[FieldError],
) -> Markup {
    let error = errors.iter().find(|e| e.field == id);
    let mut described = format!("{id}-hint");
    if error.is_some() {
        described.push_str(&format!(" {id}-error"));
    }
    html! {
        div.field.field-error[error.is_some()] {
            label for=(id) { (label) }
            p.hint id={ (id) "-hint" } { (hint) }
            @if let Some(error) = error { p.error id={ (id) "-error" } { (error.text) } }
            input type="file" id=(id) name=(name) required aria-describedby=(described)
                aria-invalid=[error.map(|_| "true")];
        }
    }
}

/// How something stands, told by a sign, a word and a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Bad,
    Doubt,
    Plain,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Doubt => "doubt",
            Tone::Plain => "plain",
        }
    }

    /// The sign; words beside it say the same.
    pub(super) fn sign(self) -> Markup {
        let path = match self {
            Tone::Good => "M5 13l5 5 9-11",
            Tone::Bad => "M6 6l12 12M18 6L6 18",
            Tone::Doubt => "M8.5 8.5a3.5 3.5 0 1 1 5 3.6c-1.2.6-1.5 1.2-1.5 2.4M12 18.5v.01",
            Tone::Plain => "M5 12h14",
        };
        html! {
            svg.sign viewBox="0 0 24 24" width="28" height="28" aria-hidden="true" focusable="false" {
                path d=(path) fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" {}
            }
        }
    }
}

/// A statement with its sign.
pub(super) fn banner(tone: Tone, title: &str, text: &str) -> Markup {
    html! {
        div class={ "banner " (tone.class()) } {
            (tone.sign())
            div {
                p.banner-title { (title) }
                @if !text.is_empty() { p { (text) } }
            }
        }
    }
}

/// A small label with its sign.
pub(super) fn tag(tone: Tone, text: &str) -> Markup {
    html! { span class={ "tag " (tone.class()) } { (tone.sign()) (text) } }
}

/// A long hexadecimal number in groups, which break over lines and are copied without spaces.
pub(super) fn digest(hex: &str) -> Markup {
    let bytes = hex.as_bytes();
    html! {
        code.digest {
            @for group in bytes.chunks(8) { span { (String::from_utf8_lossy(group)) } wbr; }
        }
    }
}

/// A page about `error`.
pub(super) fn failed(page: &Page, error: impl Into<Problem>) -> Response {
    page.problem(&error.into())
}

/// Nothing is there.
pub(super) fn nothing_here() -> Error {
    Error::not_found("path", "there is nothing here")
}
