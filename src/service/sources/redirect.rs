//! Where a redirect leads (RFC 9110 §10.2.2, RFC 3986 §5): a reference, resolved against the address that was asked.

use super::shown;
use crate::engine::{Error, Result};
use ureq::http::Uri;

/// The address that `location`, in the answer of `base`, stands for. Never from TLS to what is none, and never to
/// anything but HTTP; whether its host may be asked is looked at when it is.
pub(super) fn target(base: &str, location: &str) -> Result<String> {
    let wrong = |problem: &'static str| Error::unavailable(shown(base), problem);
    let uri: Uri = base.parse().map_err(|_| wrong("is not a URL"))?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(wrong("is not a URL"));
    };
    let reference = location.split('#').next().unwrap_or_default().trim();
    if reference.is_empty() {
        return Err(wrong("redirects without saying where to"));
    }
    let target = if has_scheme(reference) {
        reference.to_string()
    } else if reference.starts_with("//") {
        format!("{scheme}:{reference}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{reference}")
    } else if reference.starts_with('?') {
        format!("{scheme}://{authority}{}{reference}", uri.path())
    } else {
        let folder = uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{reference}")
    };
    let to = target.split(':').next().unwrap_or_default();
    match (
        scheme.eq_ignore_ascii_case("https"),
        to.to_ascii_lowercase().as_str(),
    ) {
        (_, "https") | (false, "http") => Ok(target),
        (true, "http") => Err(Error::refused(
            shown(base),
            "redirects from TLS to what is none",
        )),
        _ => Err(Error::refused(shown(base), "redirects to what is not HTTP")),
    }
}

/// Whether a reference begins with a scheme (RFC 3986 §3.1).
fn has_scheme(reference: &str) -> bool {
    let end = reference.find([':', '/', '?']).unwrap_or(reference.len());
    let name = reference.get(..end).unwrap_or_default();
    reference.as_bytes().get(end) == Some(&b':')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;

    #[test]
    fn references_are_resolved_as_browsers_do() {
        for (base, location, expected) in [
            ("http://a/x/y.crl", "http://b/z", "http://b/z"),
            (
                "http://a/x/y.crl",
                "https://b:8443/z?q#f",
                "https://b:8443/z?q",
            ),
            ("http://a:8080/x/y.crl", "/z.crl", "http://a:8080/z.crl"),
            ("http://a/x/y.crl", "z:1.crl", "refused"),
            ("http://a/x/y.crl", "z.crl", "http://a/x/z.crl"),
            ("http://a", "z.crl", "http://a/z.crl"),
            ("http://a/x/y?old", "?new", "http://a/x/y?new"),
            ("https://a/x", "//b/z", "https://b/z"),
            ("https://a/x", "http://a/x", "refused"),
            ("http://a/x", "file:///etc/passwd", "refused"),
            ("http://a/x", "ldap://b/cn=x", "refused"),
            ("http://a/x", "gopher://b/", "refused"),
        ] {
            match target(base, location) {
                Ok(target) => assert_eq!(target, expected, "{location}"),
                Err(error) => {
                    assert_eq!(expected, "refused", "{location}: {error}");
                    assert_eq!(error.kind(), ErrorKind::Refused);
                }
            }
        }
        assert!(target("http://a/x", "").is_err());
        assert!(target("http://a/x", "#here").is_err());
    }
}
