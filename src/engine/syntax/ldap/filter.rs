//! Search filters as text (RFC 4515 §3), written as messages have them (RFC 4511 §4.5.1.7). Extensible matches are
//! unsupported.

use crate::engine::syntax::asn1::der;
use crate::engine::{Error, Result};

/// Filters inside of filters, and parts of one; certificates have one part.
const DEPTH: u32 = 8;
const MOST_PARTS: u32 = 64;

/// What an entry must be like: the BER of a `Filter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Vec<u8>);

impl Default for Filter {
    /// `(objectClass=*)`, which every entry is.
    fn default() -> Self {
        Filter(der::tlv(0x87, b"objectClass"))
    }
}

impl Filter {
    /// Reads a filter, whose outermost parentheses may be missing.
    pub fn parse(text: &str) -> Result<Filter> {
        let mut parser = Parser {
            rest: text.trim(),
            parts: MOST_PARTS,
        };
        let ber = if parser.rest.starts_with('(') {
            parser.filter(DEPTH)?
        } else {
            let item = std::mem::take(&mut parser.rest);
            parser.item(item)?
        };
        if !parser.rest.is_empty() {
            return Err(wrong("goes on after its end"));
        }
        Ok(Filter(ber))
    }

    /// Its BER.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

fn wrong(problem: &'static str) -> Error {
    Error::malformed("LDAP filter", problem)
}

struct Parser<'a> {
    rest: &'a str,
    parts: u32,
}

impl Parser<'_> {
    /// One in parentheses.
    fn filter(&mut self, depth: u32) -> Result<Vec<u8>> {
        let exhausted = || Error::limit("LDAP filter", "has too many parts");
        self.parts = self.parts.checked_sub(1).ok_or_else(exhausted)?;
        let deeper = depth.checked_sub(1).ok_or_else(exhausted)?;
        self.rest = self
            .rest
            .strip_prefix('(')
            .ok_or_else(|| wrong("has no parenthesis"))?;
        let kind = self.rest.chars().next();
        let ber = match kind {
            Some('&' | '|' | '!') => {
                self.rest = self.rest.get(1..).unwrap_or_default();
                let mut inner = Vec::new();
                while self.rest.starts_with('(') {
                    inner.push(self.filter(deeper)?);
                }
                let identifier = match (kind, inner.len()) {
                    (Some('&'), 1..) => 0xa0,
                    (Some('|'), 1..) => 0xa1,
                    (Some('!'), 1) => 0xa2,
                    _ => return Err(wrong("combines a wrong number of parts")),
                };
                der::tlv(identifier, &inner.concat())
            }
            _ => {
                let end = self.rest.find(')').ok_or_else(|| wrong("has no end"))?;
                let (item, rest) = self.rest.split_at(end);
                self.rest = rest;
                self.item(item)?
            }
        };
        self.rest = self
            .rest
            .strip_prefix(')')
            .ok_or_else(|| wrong("has no end"))?;
        Ok(ber)
    }

    /// `attribute=value` and its like.
    fn item(&self, text: &str) -> Result<Vec<u8>> {
        let (left, value) = text
            .split_once('=')
            .ok_or_else(|| wrong("has no equals sign"))?;
        let (attribute, identifier) = match left.chars().last() {
            Some('~') => (left.get(..left.len() - 1), 0xa8),
            Some('>') => (left.get(..left.len() - 1), 0xa5),
            Some('<') => (left.get(..left.len() - 1), 0xa6),
            Some(':') => {
                return Err(Error::unsupported("LDAP filter", "is an extensible match"));
            }
            _ => (Some(left), 0xa3),
        };
        let attribute = attribute.unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ';');
        if attribute.is_empty() || !attribute.chars().all(plain) {
            return Err(wrong("has an attribute that is none"));
        }
        let attribute_ber = der::octet_string(attribute.as_bytes());
        match (identifier, value.contains('*')) {
            (0xa3, true) if value == "*" => Ok(der::tlv(0x87, attribute.as_bytes())),
            (0xa3, true) => Ok(der::tlv(
                0xa4,
                &[attribute_ber, substrings(value)?].concat(),
            )),
            (_, true) => Err(wrong("compares with a star")),
            (_, false) => {
                let value = der::octet_string(&unescaped(value)?);
                Ok(der::tlv(identifier, &[attribute_ber, value].concat()))
            }
        }
    }
}

fn substrings(value: &str) -> Result<Vec<u8>> {
    let pieces: Vec<&str> = value.split('*').collect();
    let last = pieces.len() - 1;
    let mut all = Vec::new();
    for (index, piece) in pieces.iter().enumerate().filter(|(_, p)| !p.is_empty()) {
        let identifier = match index {
            0 => 0x80,
            i if i == last => 0x82,
            _ => 0x81,
        };
        all.push(der::tlv(identifier, &unescaped(piece)?));
    }
    if all.is_empty() {
        return Err(wrong("is made of stars"));
    }
    Ok(der::sequence_of(&all))
}

/// `\2a` and the like undone.
fn unescaped(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| char::from(b?).to_digit(16);
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high << 4 | low) as u8),
            _ => return Err(wrong("has a backslash without its digits")),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ber(text: &str) -> Vec<u8> {
        Filter::parse(text).unwrap().0
    }

    #[test]
    fn filters_are_written_as_messages_have_them() {
        assert_eq!(Filter::parse("objectClass=*").unwrap(), Filter::default());
        assert_eq!(ber("(o=x)"), b"\xa3\x06\x04\x01o\x04\x01x");
        assert_eq!(ber(r"(o=\2a\29)"), b"\xa3\x07\x04\x01o\x04\x02*)");
        assert_eq!(ber("(o>=x)"), b"\xa5\x06\x04\x01o\x04\x01x");
        assert_eq!(
            ber("(&(o=x)(!(c=*)))"),
            b"\xa0\x0d\xa3\x06\x04\x01o\x04\x01x\xa2\x03\x87\x01c"
        );
        assert_eq!(
            ber("(o=a*b*c)"),
            b"\xa4\x0e\x04\x01o\x30\x09\x80\x01a\x81\x01b\x82\x01c"
        );
    }

    #[test]
    fn what_is_no_filter_is_told() {
        let deep = format!("{}(o=x){}", "(!".repeat(20), ")".repeat(20));
        let wide = format!("(&{})", "(o=x)".repeat(100));
        for text in [
            "",
            "(",
            "()",
            "(o)",
            "(=x)",
            "(o=x",
            "(o=x))",
            "(&)",
            "(!(o=x)(o=y))",
            r"(o=\2)",
            "(o:=x)",
            "(o=**)",
            "(o>=a*)",
            "(o=x)(o=y)",
            &deep,
            &wide,
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
