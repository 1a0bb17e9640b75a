//! Entry names: which are safe, and how their bytes are read.
//!
//! APPNOTE.TXT §4.4.17 (relative, forward slashes), §4.4.4 bit 11 and appendix D (UTF-8 or code page 437).

use crate::engine::{Error, Result};

/// Whether a name is relative, has no `.`, `..` or empty segment, no backslash, no drive, and no control character.
///
/// A final `/` (a folder) is allowed. Errors: [`ErrorKind::Malformed`](crate::engine::ErrorKind).
pub fn check_name(name: &str) -> Result<()> {
    let refuse = |problem: &'static str| Err(Error::malformed("ZIP entry name", problem));
    let path = name.strip_suffix('/').unwrap_or(name);
    if path.is_empty() {
        return refuse("empty");
    }
    if name.len() > usize::from(u16::MAX) {
        return refuse("longer than 65,535 bytes");
    }
    if name.contains('\\') || name.chars().any(char::is_control) {
        return refuse("holds a backslash or a control character");
    }
    if path.starts_with('/') || path.as_bytes().get(1) == Some(&b':') {
        return refuse("an absolute path");
    }
    if path.split('/').any(|s| matches!(s, "" | "." | "..")) {
        return refuse("leaves its folder or has an empty segment");
    }
    Ok(())
}

/// The name that the bytes of a header spell: UTF-8 where they are, else code page 437, unless the flag promised UTF-8.
pub(super) fn decode(raw: &[u8], flagged_utf8: bool) -> Result<String> {
    match std::str::from_utf8(raw) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if flagged_utf8 => Err(Error::malformed(
            "ZIP entry name",
            "flagged as UTF-8 and is not",
        )),
        Err(_) => Ok(raw.iter().map(|b| code_page_437(*b)).collect()),
    }
}

fn code_page_437(byte: u8) -> char {
    match byte {
        0..0x80 => char::from(byte),
        _ => UPPER_HALF
            .chars()
            .nth(usize::from(byte) - 0x80)
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// Bytes 0x80 to 0xFF of code page 437.
const UPPER_HALF: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_its_folder_is_refused() {
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "./a",
            "a//b",
            "a\\b",
            "C:/x",
            "c:x",
            "a\nb",
            "a\0",
            "../",
            "a/..",
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in [
            "mimetype",
            "META-INF/manifest.xml",
            "a..b",
            "ñ/ç",
            "folder/",
            "...",
            "a b",
        ] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn names_before_unicode_are_read_in_their_code_page() {
        assert_eq!(UPPER_HALF.chars().count(), 128);
        assert_eq!(decode(&[b'a', 0xA4, b'o'], false).unwrap(), "año");
        assert_eq!(decode("año".as_bytes(), false).unwrap(), "año");
        assert!(decode(&[0xA4], true).is_err());
    }
}
