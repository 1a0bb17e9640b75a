//! From bytes to objects.
//!
//! ISO 32000-2 §7.2 and §7.3. In: the file (or a decoded object stream) and a position; out: [`Object`]s with the place
//! of every dictionary value. Follows no reference and copies no stream. Every token counts down the [`Budget`], white
//! space and comments by their length, so that no arrangement of offsets makes a scan quadratic.

use super::object::{Dictionary, Name, Object, PdfString, Reference, is_regular, is_white_space};
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use std::ops::Range;

/// A reader at a position of `input`.
#[derive(Debug)]
pub struct Parser<'a, 'b> {
    input: &'a [u8],
    position: usize,
    budget: &'b mut Budget,
}

impl<'a, 'b> Parser<'a, 'b> {
    /// A reader at `position` of `input`.
    pub fn new(input: &'a [u8], position: usize, budget: &'b mut Budget) -> Self {
        Parser {
            input,
            position: position.min(input.len()),
            budget,
        }
    }

    /// Where the next byte is read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// Goes on at `position`.
    pub(super) fn seek(&mut self, position: usize) {
        self.position = position.min(self.input.len());
    }

    /// The next byte, unread.
    pub fn peek(&self) -> Option<u8> {
        self.input.get(self.position).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.input.get(self.position..).unwrap_or_default()
    }

    fn malformed(&self, problem: impl Into<String>) -> Error {
        Error::malformed("PDF object", problem.into()).at(self.position as u64)
    }

    /// Charges one token of `length` bytes.
    fn charge(&mut self, length: usize) -> Result<()> {
        self.budget.step(1 + (length >> 6) as u64)
    }

    /// Passes white space and comments.
    pub fn skip_white_space(&mut self) -> Result<()> {
        let from = self.position;
        while let Some(byte) = self.peek() {
            if is_white_space(byte) {
                self.position += 1;
            } else if byte == b'%' {
                let rest = self.rest();
                self.position += rest
                    .iter()
                    .position(|b| matches!(b, b'\r' | b'\n'))
                    .unwrap_or(rest.len());
            } else {
                break;
            }
        }
        let passed = self.position - from;
        if passed >= 64 {
            self.charge(passed)?;
        }
        Ok(())
    }

    /// Passes `keyword` if it comes next and ends there.
    pub fn take_keyword(&mut self, keyword: &[u8]) -> Result<bool> {
        self.skip_white_space()?;
        let found = self.rest().starts_with(keyword)
            && self
                .input
                .get(self.position + keyword.len())
                .is_none_or(|b| !is_regular(*b));
        if found {
            self.position += keyword.len();
        }
        Ok(found)
    }

    /// Passes `keyword`, or fails naming it.
    pub fn expect_keyword(&mut self, keyword: &str) -> Result<()> {
        if self.take_keyword(keyword.as_bytes())? {
            Ok(())
        } else {
            Err(self.malformed(format!("`{keyword}` is missing")))
        }
    }

    /// Passes an unsigned integer of digits alone, or answers `None` at the same place.
    pub fn take_unsigned(&mut self) -> Result<Option<u64>> {
        self.skip_white_space()?;
        let token = self.regular()?;
        let value = std::str::from_utf8(token)
            .ok()
            .filter(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|t| t.parse().ok());
        if value.is_some() {
            self.position += token.len();
        }
        Ok(value)
    }

    /// Passes an unsigned integer, or fails.
    pub fn expect_unsigned(&mut self) -> Result<u64> {
        self.take_unsigned()?
            .ok_or_else(|| self.malformed("a number is missing"))
    }

    /// Passes `n g obj` and gives the reference.
    pub fn object_header(&mut self) -> Result<Reference> {
        let number = self.expect_unsigned()?;
        let generation = self.expect_unsigned()?;
        self.expect_keyword("obj")?;
        reference(number, generation).ok_or_else(|| self.malformed("impossible object number"))
    }

    /// The run of regular characters that comes next, unread but charged for.
    fn regular(&mut self) -> Result<&'a [u8]> {
        let rest = self.rest();
        let end = rest
            .iter()
            .position(|b| !is_regular(*b))
            .unwrap_or(rest.len());
        self.charge(end)?;
        Ok(rest.get(..end).unwrap_or_default())
    }

    /// One object. A stream's dictionary comes as a dictionary, with `stream` still unread.
    pub fn object(&mut self) -> Result<Object> {
        self.skip_white_space()?;
        let Some(byte) = self.peek() else {
            return Err(self.malformed("the data ends where an object should be"));
        };
        self.charge(0)?;
        match byte {
            b'/' => self.name().map(Object::Name),
            b'(' => self.literal_string().map(Object::String),
            b'<' if self.input.get(self.position + 1) == Some(&b'<') => {
                self.nested(Self::dictionary).map(Object::Dictionary)
            }
            b'<' => self.hexadecimal_string().map(Object::String),
            b'[' => self.nested(Self::array).map(Object::Array),
            b'0'..=b'9' => self.number_or_reference(),
            b'+' | b'-' | b'.' => self.number(),
            _ => self.keyword_object(),
        }
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.budget.enter()?;
        let value = read(self);
        self.budget.leave();
        value
    }

    fn keyword_object(&mut self) -> Result<Object> {
        let token = self.regular()?;
        let object = match token {
            b"null" => Object::Null,
            b"true" => Object::Boolean(true),
            b"false" => Object::Boolean(false),
            _ => return Err(self.malformed("this is no object")),
        };
        self.position += token.len();
        Ok(object)
    }

    /// §7.3.3.
    fn number(&mut self) -> Result<Object> {
        let token = self.regular()?;
        let text = std::str::from_utf8(token).unwrap_or_default();
        let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let sound = whole.len() + fraction.len() > 0
            && whole
                .bytes()
                .chain(fraction.bytes())
                .all(|b| b.is_ascii_digit());
        if !sound {
            return Err(self.malformed("this is no number"));
        }
        self.position += token.len();
        Ok(match text.parse() {
            Ok(value) if !digits.contains('.') => Object::Integer(value),
            _ => Object::Real(text.into()),
        })
    }

    /// §7.3.10: two integers and `R`, or the first of them alone.
    fn number_or_reference(&mut self) -> Result<Object> {
        let from = self.position;
        if let Some(number) = self.take_unsigned()? {
            let after = self.position;
            if let Some(generation) = self.take_unsigned()?
                && self.take_keyword(b"R")?
            {
                return reference(number, generation)
                    .map(Object::Reference)
                    .ok_or_else(|| self.malformed("impossible reference"));
            }
            if let Ok(value) = i64::try_from(number) {
                self.position = after;
                return Ok(Object::Integer(value));
            }
        }
        self.position = from;
        self.number()
    }

    /// §7.3.5.
    fn name(&mut self) -> Result<Name> {
        self.position += 1;
        let token = self.regular()?;
        let mut bytes = Vec::with_capacity(token.len());
        let mut at = 0;
        while let Some(&byte) = token.get(at) {
            let escaped = (byte == b'#')
                .then(|| {
                    Some((
                        hex_value(*token.get(at + 1)?)?,
                        hex_value(*token.get(at + 2)?)?,
                    ))
                })
                .flatten();
            match escaped {
                Some((high, low)) => {
                    bytes.push(high << 4 | low);
                    at += 3;
                }
                None => {
                    bytes.push(byte);
                    at += 1;
                }
            }
        }
        self.position += token.len();
        Ok(Name(bytes.into()))
    }

    /// §7.3.4.2.
    fn literal_string(&mut self) -> Result<PdfString> {
        let from = self.position;
        self.position += 1;
        let mut bytes = Vec::new();
        let mut open = 1_usize;
        loop {
            let Some(byte) = self.peek() else {
                self.charge(self.position - from)?;
                self.position = from;
                return Err(self.malformed("a string without its end"));
            };
            self.position += 1;
            match byte {
                b'(' => open += 1,
                b')' => open -= 1,
                b'\\' => {
                    self.escape(&mut bytes);
                    continue;
                }
                _ => {}
            }
            if open == 0 {
                break;
            }
            if byte == b'\r' {
                // "An end-of-line marker … shall be treated as a byte value of (0Ah)".
                self.skip_byte(b'\n');
                bytes.push(b'\n');
            } else {
                bytes.push(byte);
            }
        }
        self.charge(self.position - from)?;
        Ok(PdfString {
            bytes,
            hexadecimal: false,
        })
    }

    fn skip_byte(&mut self, byte: u8) {
        if self.peek() == Some(byte) {
            self.position += 1;
        }
    }

    /// What follows a reverse solidus (§7.3.4.2, table 3).
    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let Some(byte) = self.peek() else { return };
        self.position += 1;
        match byte {
            b'n' => bytes.push(b'\n'),
            b'r' => bytes.push(b'\r'),
            b't' => bytes.push(b'\t'),
            b'b' => bytes.push(8),
            b'f' => bytes.push(12),
            b'\r' => self.skip_byte(b'\n'),
            b'\n' => {}
            b'0'..=b'7' => {
                let mut value = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.peek() {
                        Some(digit @ b'0'..=b'7') => {
                            value = value * 8 + u32::from(digit - b'0');
                            self.position += 1;
                        }
                        _ => break,
                    }
                }
                // "High-order overflow shall be ignored".
                bytes.push((value & 0xff) as u8);
            }
            other => bytes.push(other),
        }
    }

    /// §7.3.4.3.
    fn hexadecimal_string(&mut self) -> Result<PdfString> {
        let from = self.position;
        let rest = self.rest().get(1..).unwrap_or_default();
        let Some(length) = rest.iter().position(|b| *b == b'>') else {
            self.charge(rest.len())?;
            return Err(self.malformed("a hexadecimal string without its end"));
        };
        self.charge(length)?;
        let mut bytes = Vec::with_capacity(length / 2 + 1);
        let mut high = None;
        for &byte in rest.get(..length).unwrap_or_default() {
            if is_white_space(byte) {
                continue;
            }
            let Some(digit) = hex_value(byte) else {
                return Err(self.malformed("a hexadecimal string with another character in it"));
            };
            match high.take() {
                None => high = Some(digit),
                Some(high) => bytes.push(high << 4 | digit),
            }
        }
        bytes.extend(high.map(|h| h << 4));
        self.position = from + length + 2;
        Ok(PdfString {
            bytes,
            hexadecimal: true,
        })
    }

    /// §7.3.6.
    fn array(&mut self) -> Result<Vec<Object>> {
        self.position += 1;
        let mut items = Vec::new();
        loop {
            self.skip_white_space()?;
            match self.peek() {
                Some(b']') => {
                    self.position += 1;
                    return Ok(items);
                }
                None => return Err(self.malformed("an array without its end")),
                Some(_) => items.push(self.object()?),
            }
        }
    }

    /// §7.3.7.
    fn dictionary(&mut self) -> Result<Dictionary> {
        self.position += 2;
        let mut dictionary = Dictionary::new();
        loop {
            self.skip_white_space()?;
            match self.peek() {
                Some(b'>') if self.input.get(self.position + 1) == Some(&b'>') => {
                    self.position += 2;
                    return Ok(dictionary);
                }
                Some(b'/') => {
                    let key = self.name()?;
                    self.skip_white_space()?;
                    let from = self.position;
                    let value = self.object()?;
                    dictionary.push(key, value, from..self.position);
                }
                Some(_) => return Err(self.malformed("a dictionary key must be a name")),
                None => return Err(self.malformed("a dictionary without its end")),
            }
        }
    }

    /// After a dictionary: the start of its bytes if `stream` comes next (§7.3.8.1: "followed by an end-of-line
    /// marker consisting of either a CARRIAGE RETURN and a LINE FEED or just a LINE FEED").
    pub fn stream_start(&mut self) -> Result<Option<usize>> {
        if !self.take_keyword(b"stream")? {
            return Ok(None);
        }
        let end_of_line = match self.rest() {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return Err(self.malformed("`stream` without its end of line")),
        };
        self.position += end_of_line;
        Ok(Some(self.position))
    }

    /// The next `length` bytes as a stream's data, and `endstream` after them.
    pub fn stream_data(&mut self, length: u64) -> Result<Range<usize>> {
        let from = self.position;
        let end = usize::try_from(length)
            .ok()
            .and_then(|l| from.checked_add(l))
            .filter(|end| *end <= self.input.len())
            .ok_or_else(|| self.malformed("a stream longer than the file"))?;
        self.position = end;
        self.expect_keyword("endstream")?;
        Ok(from..end)
    }
}

/// The reference, if the numbers can be one.
pub(super) fn reference(number: u64, generation: u64) -> Option<Reference> {
    Some(Reference::new(
        u32::try_from(number).ok()?,
        u16::try_from(generation).ok()?,
    ))
}

/// The value of a hexadecimal digit.
pub(super) fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limits::Limits;

    fn read(text: &[u8]) -> Result<Object> {
        Parser::new(text, 0, &mut Budget::default()).object()
    }

    #[test]
    fn reads_every_kind_and_writes_it_back() {
        for text in [
            "null",
            "true",
            "-17",
            "0.10",
            "-.5",
            "(a\\(b\\)\\\\)",
            "<0AFF>",
            "/Na#20me",
            "[1 2 0 R 3 0]",
            "<</A/B/C[<<>> (x)]/D 1 0 R>>",
        ] {
            assert_eq!(
                String::from_utf8(read(text.as_bytes()).unwrap().to_bytes()).unwrap(),
                text
            );
        }
        assert_eq!(read(b"+5").unwrap(), Object::Integer(5));
        assert_eq!(
            read(b"99999999999999999999").unwrap(),
            Object::Real("99999999999999999999".into())
        );
    }

    #[test]
    fn strings_in_all_their_spellings() {
        let string = |t: &[u8]| read(t).unwrap().as_string().unwrap().bytes.clone();
        assert_eq!(string(b"(a(b)c)"), b"a(b)c");
        assert_eq!(string(b"(\\101\\7x\\n\\\r\nz\r\ny\\q)"), b"A\x07x\nz\nyq");
        assert_eq!(string(b"<4 1\n4>"), b"A\x40");
        assert_eq!(string(b"<>"), b"");
    }

    #[test]
    fn what_is_broken_is_refused_with_its_place() {
        for text in [
            "", "(a", "<41", "<4G>", "[1", "<</A", "<</A 1", "<<1 2>>", "1.2.3", "--5", "5-3",
            "nul", ")", "-", ".",
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.offset().is_some(), "{text}: {error}");
        }
    }

    #[test]
    fn comments_are_white_space_and_values_know_their_place() {
        let text = b"<< /A % comment >>\n 12 /B (x)>>";
        let object = read(text).unwrap();
        let dictionary = object.as_dictionary().unwrap();
        let span = dictionary.entry("A").unwrap().span.clone();
        assert_eq!(&text[span], b"12");
        let span = dictionary.entry("B").unwrap().span.clone();
        assert_eq!(&text[span], b"(x)");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = "[".repeat(100_000);
        assert_eq!(read(deep.as_bytes()).unwrap_err().element(), "limits.depth");
        let mut budget = Limits {
            steps: 100,
            ..Limits::default()
        }
        .budget();
        let long = " ".repeat(1 << 16);
        let error = Parser::new(long.as_bytes(), 0, &mut budget).object();
        assert_eq!(error.unwrap_err().element(), "limits.steps");
    }

    #[test]
    fn streams_need_their_end_of_line_and_length() {
        let mut budget = Budget::default();
        let text = b"<</Length 3>>stream\r\nabc\nendstream";
        let mut parser = Parser::new(text, 0, &mut budget);
        parser.object().unwrap();
        assert_eq!(parser.stream_start().unwrap(), Some(21));
        assert_eq!(parser.stream_data(3).unwrap(), 21..24);
        let mut parser = Parser::new(b"stream\rabc", 0, &mut budget);
        assert!(parser.stream_start().is_err());
        let mut parser = Parser::new(text, 21, &mut budget);
        assert!(parser.stream_data(2).is_err());
        let mut parser = Parser::new(text, 21, &mut budget);
        assert!(parser.stream_data(u64::MAX).is_err());
    }
}
