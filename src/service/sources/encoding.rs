//! The forms in which servers hand out DER, whatever content type they claim: as it is, in PEM, or in bare base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// `body` without the white space about it, and decoded where it is base64 without the lines of PEM around it; anything
/// else stays as it is.
pub(super) fn plain(body: &[u8]) -> Cow<'_, [u8]> {
    if body.first() == Some(&0x30) {
        return Cow::Borrowed(body);
    }
    let text = body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(body)
        .trim_ascii();
    // Base64 of a SEQUENCE begins with M; what is neither that nor PEM is not copied.
    if text.first() != Some(&b'M') {
        return Cow::Borrowed(text);
    }
    let digits: Vec<u8> = text
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace())
        .collect();
    match STANDARD.decode(&digits) {
        Ok(bytes) if bytes.first() == Some(&0x30) => Cow::Owned(bytes),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_comes_to_the_same() {
        let der = b"\x30\x03\x02\x01\x07";
        for body in [
            &der[..],
            b"MAMCAQc=",
            b" \r\nMAMC\r\nAQc=\r\n",
            b"\xef\xbb\xbfMAMCAQc=\n",
        ] {
            assert_eq!(*plain(body), der[..]);
        }
        for other in [&b"-----BEGIN X509 CRL-----"[..], b"<html>", b"M", b"Moved"] {
            assert_eq!(*plain(other), *other);
        }
    }
}
