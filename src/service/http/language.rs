//! Which language to answer in: `?lang=`, else `Accept-Language` (RFC 9110 §12.5.4), else the first of the sede.
//!
//! Valencian is a language of its own here, as it is on the sede: `va`, `ca-ES-valencia` and `ca-valencia` all mean it.

use crate::engine::register::Language;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// Ranges of `Accept-Language` that are looked at.
const MOST_RANGES: usize = 32;

/// The language of a tag such as `gl`, `es-ES` or `ca-ES-valencia`.
pub fn of_tag(tag: &str) -> Option<Language> {
    let tag = tag.trim().to_ascii_lowercase().replace('_', "-");
    if tag.starts_with("ca-") && tag.ends_with("valencia") {
        return Some(Language::Va);
    }
    let primary = tag.split('-').next().unwrap_or_default();
    Language::ALL.into_iter().find(|l| code(*l) == primary)
}

/// Its code on the sede: `es`, `ca`, `va`, `gl`, `eu`, `en`, `fr`.
pub fn code(language: Language) -> &'static str {
    match language {
        Language::Es => "es",
        Language::Ca => "ca",
        Language::Va => "va",
        Language::Gl => "gl",
        Language::Eu => "eu",
        Language::En => "en",
        Language::Fr => "fr",
    }
}

/// The language of `offered` that is asked for by name, or preferred by the headers; the first where none is.
pub fn negotiate(asked: Option<&str>, headers: &HeaderMap, offered: &[Language]) -> Language {
    let taken = |l: &Language| offered.contains(l);
    asked
        .and_then(of_tag)
        .filter(taken)
        .or_else(|| preferred(headers, offered))
        .or_else(|| offered.first().copied())
        .unwrap_or_default()
}

/// The offered language of the range with the highest quality; of equals, the first.
fn preferred(headers: &HeaderMap, offered: &[Language]) -> Option<Language> {
    let text = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(Language, f32)> = None;
    for range in text.split(',').take(MOST_RANGES) {
        let mut parts = range.split(';');
        let tag = parts.next().unwrap_or_default();
        let quality = parts
            .filter_map(|p| p.trim().strip_prefix("q="))
            .find_map(|q| q.parse::<f32>().ok())
            .unwrap_or(1.0);
        let better = quality > 0.0 && best.is_none_or(|(_, q)| quality > q);
        if let Some(language) = of_tag(tag).filter(|l| better && offered.contains(l)) {
            best = Some((language, quality));
        }
    }
    best.map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Language::*;

    fn accept(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_LANGUAGE, text.parse().unwrap())])
    }

    #[test]
    fn what_is_asked_for_goes_over_the_header() {
        let offered = [Es, Ca, Gl, Eu, Va, En];
        let pick = |asked, header: &str| negotiate(asked, &accept(header), &offered);
        assert_eq!(pick(Some("gl"), "en"), Gl);
        assert_eq!(pick(Some("fr"), "en"), En, "not offered");
        assert_eq!(pick(None, "fr, de;q=0.9, eu;q=0.5, en;q=0.7"), En);
        assert_eq!(pick(None, "ca-ES-valencia, ca;q=0.9"), Va);
        assert_eq!(pick(None, "ca_ES"), Ca);
        assert_eq!(pick(None, "en;q=0, *"), Es);
        assert_eq!(pick(None, ";;q=,"), Es);
        assert_eq!(negotiate(None, &HeaderMap::new(), &[]), Es);
    }
}
