//! PEM lists as they stream by (RFC 7468 §2): some authorities publish nothing else.

use super::folder::failed;
use crate::engine::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};

/// Lines have 64 characters; whoever sends longer ones than this sends no PEM.
const LINE: u64 = 4096;
/// Lines of text before the list, at most.
const EXPLANATION: usize = 1_000;

/// Writes the first `X509 CRL` block of `from` to `to`, decoded.
pub(super) fn decode(from: impl Read, to: impl Write) -> Result<()> {
    let reading = |error: std::io::Error| failed("reading a list", &error);
    let writing = |error: std::io::Error| failed("writing a file to it", &error);
    let mut from = BufReader::new(from);
    let mut to = BufWriter::new(to);
    let (mut inside, mut before, mut digits) = (false, 0, Vec::new());
    let mut bare = false;
    loop {
        let mut line = Vec::new();
        let count = from
            .by_ref()
            .take(LINE)
            .read_until(b'\n', &mut line)
            .map_err(reading)?;
        let text = line.trim_ascii();
        match text {
            _ if count == 0 && bare => break,
            _ if count == 0 || before > EXPLANATION => return Err(no_list()),
            b"-----BEGIN X509 CRL-----" if !inside => inside = true,
            b"-----END X509 CRL-----" if inside => break,
            // Base64 of a SEQUENCE begins with M: some servers leave the lines of PEM around it out.
            [b'M', ..] if !inside && before == 0 => {
                (inside, bare) = (true, true);
                digits.extend_from_slice(text);
            }
            _ if !inside => before += 1,
            _ => {
                digits.extend_from_slice(text);
                // All but what may be padded, until its end is known.
                let whole = (digits.len() / 4).saturating_sub(1) * 4;
                let bytes = STANDARD.decode(&digits[..whole]).map_err(|_| no_list())?;
                to.write_all(&bytes).map_err(writing)?;
                digits.drain(..whole);
            }
        }
    }
    let end = STANDARD.decode(&digits).map_err(|_| no_list())?;
    to.write_all(&end).map_err(writing)?;
    to.flush().map_err(writing)
}

fn no_list() -> Error {
    Error::malformed("CRL", "is neither DER nor PEM")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_found_among_text_and_anything_else_is_no_list() {
        let decoded = |text: &[u8]| {
            let mut out = Vec::new();
            decode(text, &mut out).map(|()| out)
        };
        let text =
            "Issuer: x\r\n-----BEGIN X509 CRL-----\r\nMAMC\r\nAQU=\r\n-----END X509 CRL-----\r\n";
        assert_eq!(decoded(text.as_bytes()).unwrap(), [0x30, 3, 2, 1, 5]);
        assert_eq!(decoded(b"MAMC\nAQU=\n").unwrap(), [0x30, 3, 2, 1, 5]);
        for wrong in [
            "<html>",
            "",
            "-----BEGIN X509 CRL-----\nMAMC",
            "-----BEGIN X509 CRL-----\nM=MC\n",
        ] {
            assert!(decoded(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert!(decoded(&[b'a'; 100_000]).is_err());
        assert!(decoded(&b"a\n".repeat(100_000)).is_err());
    }
}
