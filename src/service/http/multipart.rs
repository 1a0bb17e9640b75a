//! `multipart/form-data` (RFC 7578, RFC 2046 §5.1.1), read strictly and in bounded memory.
//!
//! Pieces of the body go in, heads and data of parts come out; nothing is kept but the piece at hand and an unfinished
//! head. Refused: anything before the first part or after the last, a part without a name, transfer encodings, a body
//! that ends early. Not here: which parts a route takes (`form`).

use crate::engine::{Error, Result};
use memchr::memmem::Finder;

/// Bytes of the head of a part.
const HEAD_BYTES: usize = 8 * 1024;
/// Lines of the head of a part.
const HEAD_LINES: usize = 16;
/// RFC 2046 §5.1.1: a boundary has 1 to 70 characters.
const BOUNDARY: std::ops::RangeInclusive<usize> = 1..=70;

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A part begins.
    Part(Head),
    /// A piece of the part.
    Data(Vec<u8>),
    /// The part is complete.
    PartEnd,
}

/// The head of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Head {
    pub(super) name: String,
    pub(super) file_name: Option<String>,
    pub(super) media_type: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// The first delimiter, at the very beginning.
    First,
    /// What follows a delimiter: `--`, or the end of the line.
    AfterDelimiter,
    Head,
    Data,
    /// Nothing but a line end.
    Epilogue,
}

/// The reader of one body.
#[derive(Debug)]
pub(super) struct Multipart {
    /// `CRLF -- boundary`.
    delimiter: Finder<'static>,
    buffer: Vec<u8>,
    /// Bytes of the body before those in `buffer`.
    offset: u64,
    expect: Expect,
}

/// The boundary of a `Content-Type` value; `None` where that is not `multipart/form-data`.
pub(super) fn boundary(content_type: &str) -> Option<Result<String>> {
    let (essence, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")
        .filter(|b| BOUNDARY.contains(&b.len()) && b.bytes().all(|c| matches!(c, b' '..=b'~')));
    Some(boundary.ok_or_else(|| {
        Error::malformed(
            "header Content-Type",
            "multipart/form-data without a boundary of 1 to 70 characters",
        )
        .remedy("Let the HTTP library write this header.")
    }))
}

impl Multipart {
    pub(super) fn new(boundary: &str) -> Self {
        Multipart {
            delimiter: Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned(),
            // The first delimiter has no line before it; every other one has.
            buffer: b"\r\n".to_vec(),
            offset: 0,
            expect: Expect::First,
        }
    }

    /// Takes in a piece of the body, after [`Multipart::next`] has answered `None`.
    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// What stands next; `None` where more of the body is needed to tell.
    pub(super) fn next(&mut self) -> Result<Option<Event>> {
        loop {
            match self.expect {
                Expect::First => {
                    let delimiter = self.delimiter.needle();
                    let seen = self.buffer.len().min(delimiter.len());
                    if self.buffer[..seen] != delimiter[..seen] {
                        return Err(self.broken("does not begin with its boundary"));
                    }
                    if seen < delimiter.len() {
                        return Ok(None);
                    }
                    self.drop_front(seen);
                    self.expect = Expect::AfterDelimiter;
                }
                Expect::AfterDelimiter => match self.buffer[..] {
                    [b'-', b'-', ..] => {
                        self.drop_front(2);
                        self.expect = Expect::Epilogue;
                    }
                    [b'\r', b'\n', ..] => {
                        self.drop_front(2);
                        self.expect = Expect::Head;
                    }
                    [b' ' | b'\t', ..] => {
                        let padding = |b: &u8| matches!(b, b' ' | b'\t');
                        let other = self.buffer.iter().position(|b| !padding(b));
                        self.drop_front(other.unwrap_or(self.buffer.len()));
                    }
                    [] | [b'-'] | [b'\r'] => return Ok(None),
                    _ => return Err(self.broken("has a boundary line with something behind it")),
                },
                Expect::Head => return self.head(),
                Expect::Data => return Ok(self.data()),
                Expect::Epilogue => {
                    let empty = matches!(self.buffer[..], [] | [b'\r'] | [b'\r', b'\n']);
                    return if empty {
                        Ok(None)
                    } else {
                        Err(self.broken("goes on behind its last boundary"))
                    };
                }
            }
        }
    }

    /// Whether the body may end here.
    pub(super) fn finish(&self) -> Result<()> {
        match self.expect {
            Expect::Epilogue if self.buffer.len() != 1 => Ok(()),
            Expect::First if self.buffer.len() == 2 => {
                Err(Error::malformed("request body", "empty").remedy("Send multipart/form-data."))
            }
            _ => Err(self.broken("ends before its last boundary")),
        }
    }

    fn head(&mut self) -> Result<Option<Event>> {
        let end = memchr::memmem::find(&self.buffer, b"\r\n\r\n");
        match end {
            Some(end) if end <= HEAD_BYTES => {
                let head = read_head(&self.buffer[..end]).map_err(|e| e.at(self.offset))?;
                self.drop_front(end + 4);
                self.expect = Expect::Data;
                Ok(Some(Event::Part(head)))
            }
            None if self.buffer.len() <= HEAD_BYTES => Ok(None),
            _ => Err(self.broken("has a part whose head is longer than 8 KiB")),
        }
    }

    fn data(&mut self) -> Option<Event> {
        if let Some(at) = self.delimiter.find(&self.buffer) {
            if at > 0 {
                return Some(Event::Data(self.take_front(at)));
            }
            self.drop_front(self.delimiter.needle().len());
            self.expect = Expect::AfterDelimiter;
            return Some(Event::PartEnd);
        }
        // The delimiter may have begun at the end of the piece.
        let kept = self.delimiter.needle().len() - 1;
        let sure = self.buffer.len().saturating_sub(kept);
        (sure > 0).then(|| Event::Data(self.take_front(sure)))
    }

    fn take_front(&mut self, length: usize) -> Vec<u8> {
        self.offset = self.offset.saturating_add(length as u64);
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }

    fn drop_front(&mut self, length: usize) {
        self.offset = self.offset.saturating_add(length as u64);
        self.buffer.drain(..length);
    }

    fn broken(&self, problem: &'static str) -> Error {
        // Two bytes of the buffer were put in front of the body.
        Error::malformed("multipart body", problem)
            .at(self.offset.saturating_sub(2))
            .remedy("Let the HTTP library write the body, and send it whole.")
    }
}

fn read_head(bytes: &[u8]) -> Result<Head> {
    let wrong = |problem: &'static str| Error::malformed("head of a part", problem);
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
    let mut head = Head::default();
    let mut disposition = None;
    for (index, line) in text.split("\r\n").enumerate() {
        if index >= HEAD_LINES {
            return Err(wrong("has more than 16 lines"));
        }
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| wrong("has a line without a colon"))?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("has a malformed line"));
        }
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" if disposition.is_some() => {
                return Err(wrong("has Content-Disposition twice"));
            }
            "content-disposition" => disposition = Some(value.trim()),
            "content-type" => head.media_type = Some(value.trim().to_string()),
            "content-transfer-encoding" if !is_identity(value) => {
                return Err(Error::unsupported(
                    "head of a part",
                    "has a Content-Transfer-Encoding",
                )
                .remedy("Send the bytes as they are."));
            }
            _ => {}
        }
    }
    let disposition = disposition.ok_or_else(|| wrong("has no Content-Disposition"))?;
    let (kind, parameters) = disposition.split_once(';').unwrap_or((disposition, ""));
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(wrong("has a Content-Disposition other than form-data"));
    }
    head.name = parameter(parameters, "name").ok_or_else(|| wrong("has no name"))?;
    head.file_name = parameter(parameters, "filename*")
        .and_then(|value| extended(&value))
        .or_else(|| parameter(parameters, "filename").map(|name| unescape_browser(&name)));
    Ok(head)
}

fn is_identity(encoding: &str) -> bool {
    ["7bit", "8bit", "binary"]
        .iter()
        .any(|known| encoding.trim().eq_ignore_ascii_case(known))
}

/// A parameter of a header value, quoted or not.
fn parameter(mut text: &str, wanted: &str) -> Option<String> {
    loop {
        text = text.trim_start_matches([';', ' ', '\t']);
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                (rest[..end].trim().to_string(), &rest[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        text = rest;
    }
}

/// The value up to the closing quote, and what is behind it. A backslash escapes a quote and nothing else, so that
/// Windows paths survive.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if characters.peek().is_some_and(|(_, next)| *next == '"') => {
                value.push('"');
                characters.next();
            }
            c => value.push(c),
        }
    }
    None
}

/// `UTF-8''na%C3%AFve.pdf` (RFC 8187 §3.2).
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let (charset, _, text) = (parts.next()?, parts.next()?, parts.next()?);
    charset.eq_ignore_ascii_case("utf-8").then_some(())?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Browsers write a quote and a line end in a file name as `%22`, `%0D`, `%0A`, and nothing else so (HTML, "escape a
/// multipart form data name").
fn unescape_browser(name: &str) -> String {
    name.replace("%22", "\"")
        .replace("%0D", "\r")
        .replace("%0A", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the reader makes of `body` when it comes in pieces of `size`.
    fn read(body: &[u8], size: usize) -> Result<Vec<(Head, Vec<u8>)>> {
        let mut reader = Multipart::new("b");
        let mut parts: Vec<(Head, Vec<u8>)> = Vec::new();
        for piece in body.chunks(size) {
            reader.push(piece);
            while let Some(event) = reader.next()? {
                match event {
                    Event::Part(head) => parts.push((head, Vec::new())),
                    Event::Data(data) => parts.last_mut().unwrap().1.extend(data),
                    Event::PartEnd => {}
                }
            }
        }
        reader.finish().map(|()| parts)
    }

    const BODY: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"metadata\"\r\nContent-Type: application/json\r\n\r\n{}\r\n\
        --b  \r\ncontent-disposition: form-data; name=request; filename=\"a\\\"b.pdf\"\r\n\r\n\r\n--\r\n--bb\r\n--\r\n\
        --b\r\nContent-Disposition: form-data; name=\"empty\"; filename*=UTF-8''a%C3%B1o.pdf; filename=x\r\n\r\n\r\n--b--\r\n";

    #[test]
    fn parts_come_out_the_same_however_the_body_comes_in() {
        let body = BODY.to_vec();
        // "--bb" is no boundary of "b" only if what follows the boundary is checked; so it ends the part wrongly.
        assert!(read(&body, body.len()).is_err());
        let body = String::from_utf8(body).unwrap().replace("--bb", "--xb");
        let whole = read(body.as_bytes(), body.len()).unwrap();
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[0].0.media_type.as_deref(), Some("application/json"));
        assert_eq!(whole[0].1, b"{}");
        assert_eq!(whole[1].0.file_name.as_deref(), Some("a\"b.pdf"));
        assert_eq!(whole[1].1, b"\r\n--\r\n--xb\r\n--");
        assert_eq!(whole[2].0.file_name.as_deref(), Some("año.pdf"));
        assert!(whole[2].1.is_empty());
        for size in 1..body.len() {
            assert_eq!(
                read(body.as_bytes(), size).unwrap(),
                whole,
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn what_is_not_quite_multipart_is_refused() {
        let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--b--";
        assert!(read(part.as_bytes(), 7).is_ok());
        for (wrong, why) in [
            (String::new(), "empty"),
            (format!("preamble\r\n{part}"), "begin"),
            (format!("{part}epilogue"), "behind its last"),
            (format!("{part}\r\n\r\n"), "behind its last"),
            (part.replace("--b--", ""), "ends before"),
            (part.replace("\r\n--b--", ""), "ends before"),
            (part.replace("\r\n--b--", "\r\n--b-"), "ends before"),
            (part.replace("; name=a", ""), "no name"),
            (
                part.replace("form-data", "attachment"),
                "other than form-data",
            ),
            (
                part.replace("Content-Disposition", "X"),
                "no Content-Disposition",
            ),
            (part.replace("Content-Disposition:", "X"), "colon"),
            (
                part.replace("name=a", "name=a\r\nContent-Transfer-Encoding: base64"),
                "Transfer-Encoding",
            ),
            (
                part.replace("name=a", &format!("name={}", "a".repeat(9000))),
                "8 KiB",
            ),
            (
                part.replace(
                    "name=a",
                    &"name=a\r\nX: y".replace("X", &"X: y\r\nX".repeat(20)),
                ),
                "16 lines",
            ),
            (part.replace("--b\r", "--bc\r"), "behind it"),
        ] {
            for size in [1, 5, 10_000] {
                let error = read(wrong.as_bytes(), size).unwrap_err();
                assert!(error.problem().contains(why), "{wrong:?}: {error}");
            }
        }
    }

    #[test]
    fn an_endless_head_is_not_kept() {
        let mut reader = Multipart::new("b");
        reader.push(b"--b\r\n");
        assert!(reader.next().unwrap().is_none());
        let refused = (0..100).find(|_| {
            reader.push(&[b'a'; 1000]);
            reader.next().is_err()
        });
        assert!(refused.is_some_and(|n| n < 10));
    }

    #[test]
    fn the_boundary_is_read_from_the_header() {
        let read = |text: &str| boundary(text).map(|r| r.ok());
        assert_eq!(
            read("multipart/form-data; boundary=abc"),
            Some(Some("abc".into()))
        );
        assert_eq!(
            read("Multipart/Form-Data;x=1; BOUNDARY=\"a b\""),
            Some(Some("a b".into()))
        );
        assert_eq!(read("multipart/form-data"), Some(None));
        assert_eq!(read("multipart/form-data; boundary="), Some(None));
        assert_eq!(
            read(&format!("multipart/form-data; boundary={}", "a".repeat(71))),
            Some(None)
        );
        assert_eq!(read("multipart/mixed; boundary=a"), None);
        assert_eq!(read("application/pdf"), None);
    }
}
