//! PEM (RFC 7468), read leniently: text around the blocks is skipped, white space inside them ignored.

use crate::engine::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The contents of every block labelled `label`, in order. No block at all is an error.
pub fn blocks(text: &[u8], label: &str) -> Result<Vec<Vec<u8>>> {
    let text = String::from_utf8_lossy(text);
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let mut found = Vec::new();
    let mut rest = text.as_ref();
    while let Some((_, after)) = rest.split_once(&begin) {
        let (body, after) = after.split_once(&end).ok_or_else(|| {
            Error::malformed("PEM", format!("a {label} block without an end line"))
        })?;
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        found.push(
            STANDARD.decode(body).map_err(|_| {
                Error::malformed("PEM", format!("a {label} block that is not base64"))
            })?,
        );
        rest = after;
    }
    if found.is_empty() {
        return Err(Error::malformed("PEM", format!("no {label} block"))
            .remedy("Give a DER file or a PEM file with one."));
    }
    Ok(found)
}

/// One block labelled `label`, in lines of 64.
pub fn block(label: &str, content: &[u8]) -> String {
    let body = STANDARD.encode(content);
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|c| std::str::from_utf8(c).unwrap_or_default())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_read_back_among_other_text() {
        let text = format!(
            "subject=x\n{}\r\n{}",
            block("CERTIFICATE", &[7; 100]),
            block("CERTIFICATE", b"b")
        );
        assert_eq!(
            blocks(text.as_bytes(), "CERTIFICATE").unwrap(),
            [vec![7; 100], b"b".to_vec()]
        );
        assert!(blocks(text.as_bytes(), "X509 CRL").is_err());
        assert!(
            blocks(
                b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
                "CERTIFICATE"
            )
            .is_err()
        );
    }
}
