//! MIME entities (RFC 2045 §2, RFC 2046 §5.1.1): header fields, media types with their parameters, parts of a multipart.
//!
//! Lines end with CR LF or with LF alone, as mail programs write files. Nothing is decoded but base64; what a part shows to
//! a person is nobody's business here.

use crate::engine::error::{Error, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Header fields of one entity at most, in bytes; mail servers stop at about the same.
const MOST_HEADER: usize = 64 * 1024;

/// Parts of one multipart at most. A signed one has two.
const MOST_PARTS: usize = 64;

/// Parameters of one media type at most.
const MOST_PARAMETERS: usize = 32;

/// An entity: a message, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entity<'a> {
    fields: Vec<(String, String)>,
    body: &'a [u8],
}

/// A `Content-Type`: `multipart/signed; boundary="x"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    /// Type and subtype in small letters.
    pub name: String,
    parameters: Vec<(String, String)>,
}

/// The first line of `bytes` with what ends it, and what follows.
fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|b| *b == b'\n');
    bytes.split_at(end.map_or(bytes.len(), |at| at + 1))
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl<'a> Entity<'a> {
    /// From its first header field on. A line that is neither a field nor the continuation of one is an error, as is a
    /// header of more than 64 KiB.
    pub fn read(bytes: &'a [u8]) -> Result<Entity<'a>> {
        let mut fields: Vec<(String, String)> = Vec::new();
        let mut rest = bytes;
        loop {
            // Of a line without an end no more is looked at than a header may have.
            let (whole, _) = line(&rest[..rest.len().min(MOST_HEADER + 1)]);
            let text = without_end(whole);
            rest = &rest[whole.len()..];
            if text.is_empty() {
                return Ok(Entity { fields, body: rest });
            }
            if bytes.len() - rest.len() > MOST_HEADER {
                return Err(Error::limit("MIME header", "is longer than 64 KiB"));
            }
            let broken = || Error::malformed("MIME header", "has a line that is no field");
            if text.starts_with(b" ") || text.starts_with(b"\t") {
                let (_, value) = fields.last_mut().ok_or_else(broken)?;
                value.push_str(&String::from_utf8_lossy(text));
                continue;
            }
            let colon = text.iter().position(|b| *b == b':').ok_or_else(broken)?;
            let name = std::str::from_utf8(&text[..colon])
                .map_err(|_| broken())?
                .trim_end();
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(broken());
            }
            let value = String::from_utf8_lossy(&text[colon + 1..]);
            fields.push((name.to_ascii_lowercase(), value.trim().to_string()));
        }
    }

    /// The value of the only field `name`, in whatever letters; of several, nobody knows which is meant.
    pub fn field(&self, name: &str) -> Result<Option<&str>> {
        let mut found = self
            .fields
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let first = found.next();
        if found.next().is_some() {
            let problem = format!("has {name} more than once");
            return Err(Error::malformed("MIME header", problem));
        }
        Ok(first.map(|(_, value)| value.as_str()))
    }

    /// Its media type; text where it names none (RFC 2045 §5.2).
    pub fn media_type(&self) -> Result<MediaType> {
        self.field("Content-Type")?
            .map_or_else(|| MediaType::read("text/plain"), MediaType::read)
    }

    /// Its body as received.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// Its body without the transfer encoding: base64, or none.
    pub fn decoded(&self) -> Result<Vec<u8>> {
        let encoding = self.field("Content-Transfer-Encoding")?.unwrap_or("7bit");
        match encoding.to_ascii_lowercase().as_str() {
            "base64" => {
                let is_text = |b: &u8| !b.is_ascii_whitespace();
                let text: Vec<u8> = self.body.iter().copied().filter(is_text).collect();
                STANDARD
                    .decode(text)
                    .map_err(|_| Error::malformed("MIME body", "is not base64"))
            }
            "7bit" | "8bit" | "binary" => Ok(self.body.to_vec()),
            _ => Err(Error::unsupported("MIME body", "its transfer encoding")),
        }
    }

    /// The parts between lines of `boundary`, each with its own header; what stands before the first and after the last is
    /// for no reader. The line end before a boundary belongs to the boundary. One that is never closed is an error.
    pub fn parts(&self, boundary: &str) -> Result<Vec<&'a [u8]>> {
        let mut parts = Vec::new();
        let mut start = None;
        let mut position = 0;
        while position < self.body.len() {
            let (whole, _) = line(&self.body[position..]);
            if let Some(is_last) = delimiter(without_end(whole), boundary) {
                parts.extend(start.map(|start| without_end(&self.body[start..position])));
                if is_last {
                    return Ok(parts);
                }
                if parts.len() == MOST_PARTS {
                    return Err(Error::limit("MIME multipart", "has more than 64 parts"));
                }
                start = Some(position + whole.len());
            }
            position += whole.len();
        }
        Err(Error::malformed("MIME multipart", "has no last boundary"))
    }
}

/// Whether `line` is a delimiter, and then whether it is the last.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line
        .strip_prefix(b"--")?
        .strip_prefix(boundary.as_bytes())?;
    let (last, padding) = match rest.strip_prefix(b"--") {
        Some(padding) => (true, padding),
        None => (false, rest),
    };
    let is_blank = padding.iter().all(|b| matches!(b, b' ' | b'\t'));
    is_blank.then_some(last)
}

impl MediaType {
    /// From the value of a field.
    pub fn read(value: &str) -> Result<MediaType> {
        let (name, mut rest) = value.split_once(';').unwrap_or((value, ""));
        let mut parameters: Vec<(String, String)> = Vec::new();
        while !rest.trim().is_empty() {
            if parameters.len() == MOST_PARAMETERS {
                return Err(Error::limit("Content-Type", "has more than 32 parameters"));
            }
            let (attribute, after) = rest.split_once('=').ok_or_else(|| {
                Error::malformed("Content-Type", "has a parameter without a value")
            })?;
            let (value, after) = parameter_value(after.trim_start())?;
            let attribute = attribute.trim().to_ascii_lowercase();
            if parameters.iter().any(|(own, _)| *own == attribute) {
                return Err(Error::malformed("Content-Type", "has a parameter twice"));
            }
            parameters.push((attribute, value));
            rest = after;
        }
        Ok(MediaType {
            name: name.trim().to_ascii_lowercase(),
            parameters,
        })
    }

    /// The value of a parameter, its quotes taken off.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.iter();
        all.find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }
}

/// A token or quoted string, and what follows the semicolon behind it.
fn parameter_value(text: &str) -> Result<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Ok((value.trim().to_string(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let rest = quoted[at + 1..].trim_start();
                return Ok((value, rest.strip_prefix(';').unwrap_or(rest)));
            }
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            _ => value.push(character),
        }
    }
    Err(Error::malformed(
        "Content-Type",
        "has a quote that never ends",
    ))
}

/// `text` with CR LF at the end of every line, which is what signatures are over (RFC 8551 §3.1.1).
pub fn canonical_lines(text: &[u8]) -> Vec<u8> {
    let mut canonical = Vec::with_capacity(text.len() + text.len() / 32);
    let mut before = 0;
    for octet in text {
        if *octet == b'\n' && before != b'\r' {
            canonical.push(b'\r');
        }
        canonical.push(*octet);
        before = *octet;
    }
    canonical
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"From: a\nContent-Type: Multipart/Signed;\n  boundary=\"a;\\\"b\"; micalg=sha-256\n\nbefore\n--a;\"b\n\nfirst\r\n--a;\"bc\n\n--a;\"b \nContent-Transfer-Encoding: base64\n\nAQ\nID\n--a;\"b--\nafter";

    #[test]
    fn a_multipart_has_the_parts_between_its_boundaries() {
        let message = Entity::read(MESSAGE).unwrap();
        let media_type = message.media_type().unwrap();
        assert_eq!(media_type.name, "multipart/signed");
        assert_eq!(media_type.parameter("micalg"), Some("sha-256"));
        let boundary = media_type.parameter("boundary").unwrap();
        assert_eq!(boundary, "a;\"b");
        let parts = message.parts(boundary).unwrap();
        assert_eq!(parts[0], b"\nfirst\r\n--a;\"bc\n");
        assert_eq!(
            Entity::read(parts[1]).unwrap().decoded().unwrap(),
            [1, 2, 3]
        );
        assert_eq!(parts.len(), 2);
        assert!(message.parts("other").is_err());
        assert_eq!(canonical_lines(b"a\nb\r\n\rc"), b"a\r\nb\r\n\rc");
    }

    #[test]
    fn what_is_said_twice_or_never_ends_is_refused() {
        for broken in [
            &b"Content-Type: text/plain\nContent-Type: text/html\n\n"[..],
            b"Content-Type: a; b=\"c\n\n",
            b"Content-Type: a; b=1; B=2\n\n",
            b"Content-Type: a; b\n\n",
        ] {
            let entity = Entity::read(broken).unwrap();
            assert!(entity.media_type().is_err(), "{broken:?}");
        }
        assert!(Entity::read(b" a\n\n").is_err());
        assert!(Entity::read(b"no field\n\n").is_err());
        assert!(Entity::read(&b"a: b\n".repeat(20_000)).is_err());
        let many = [b"a: b\n\n".to_vec(), b"--x\n".repeat(100)].concat();
        assert!(Entity::read(&many).unwrap().parts("x").is_err());
    }
}
