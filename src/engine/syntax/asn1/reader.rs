//! A bounded walk over BER or DER (ITU-T X.690 §8): slices out, never copies, errors with the byte offset.
//!
//! Nothing here recurses over input without a bound: the end of an indefinite length is found by counting, constructed
//! strings are flattened to a fixed depth.

use super::Oid;
use crate::engine::error::{Error, Result};
use crate::engine::time::Time;
use std::borrow::Cow;

/// Which lengths are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Any length form.
    Ber,
    /// Definite and minimal lengths only (§10.1).
    Der,
}

/// Constructed strings nested deeper than this are refused; OpenSSL stops at 5, real files have 1.
const STRING_DEPTH: u32 = 16;

/// Class and number of an identifier (§8.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    class: u8,
    number: u32,
}

#[allow(missing_docs)]
impl Tag {
    pub const BOOLEAN: Tag = Tag::universal(1);
    pub const INTEGER: Tag = Tag::universal(2);
    pub const BIT_STRING: Tag = Tag::universal(3);
    pub const OCTET_STRING: Tag = Tag::universal(4);
    pub const NULL: Tag = Tag::universal(5);
    pub const OID: Tag = Tag::universal(6);
    pub const ENUMERATED: Tag = Tag::universal(10);
    pub const UTF8_STRING: Tag = Tag::universal(12);
    pub const SEQUENCE: Tag = Tag::universal(16);
    pub const SET: Tag = Tag::universal(17);
    pub const UTC_TIME: Tag = Tag::universal(23);
    pub const GENERALIZED_TIME: Tag = Tag::universal(24);

    const fn universal(number: u32) -> Tag {
        Tag { class: 0, number }
    }

    /// `[number]` of the context.
    pub const fn context(number: u32) -> Tag {
        Tag { class: 2, number }
    }

    /// The number, where the tag is of the application class.
    pub fn application_number(self) -> Option<u32> {
        (self.class == 1).then_some(self.number)
    }

    /// The number, where the tag is of the context class.
    pub fn context_number(self) -> Option<u32> {
        (self.class == 2).then_some(self.number)
    }
}

/// One element: identifier, length, content.
#[derive(Debug, Clone, Copy)]
pub struct Tlv<'a> {
    tag: Tag,
    constructed: bool,
    bytes: &'a [u8],
    content: &'a [u8],
    offset: usize,
    content_offset: usize,
    encoding: Encoding,
}

/// Walks the elements of one constructed value.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    input: &'a [u8],
    at: usize,
    base: usize,
    encoding: Encoding,
}

struct Header {
    tag: Tag,
    constructed: bool,
    length: Option<usize>,
    size: usize,
}

fn broken(problem: &'static str, offset: usize) -> Error {
    Error::malformed("ASN.1", problem).at(offset as u64)
}

fn header(input: &[u8], offset: usize, encoding: Encoding) -> Result<Header> {
    let ends = || broken("ends inside an identifier or length", offset);
    let first = *input.first().ok_or_else(ends)?;
    let mut size = 1;
    let mut number = u32::from(first & 0x1f);
    if number == 0x1f {
        number = 0;
        loop {
            let byte = *input.get(size).ok_or_else(ends)?;
            if number >> 24 != 0 {
                return Err(broken("a tag number above 2^31", offset));
            }
            number = number << 7 | u32::from(byte & 0x7f);
            size += 1;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    let tag = Tag {
        class: first >> 6,
        number,
    };
    let constructed = first & 0x20 != 0;
    let short = *input.get(size).ok_or_else(ends)?;
    size += 1;
    let length = match short {
        0..=0x7f => Some(short as usize),
        0x80 if encoding == Encoding::Ber && constructed => None,
        0x80 => return Err(broken("an indefinite length where none may be", offset)),
        _ => {
            let count = (short & 0x7f) as usize;
            let octets = input.get(size..size + count).ok_or_else(ends)?;
            size += count;
            let skip = octets.iter().take_while(|b| **b == 0).count();
            if octets.len() - skip > 6 {
                return Err(broken("a length beyond any file", offset));
            }
            let length = octets[skip..]
                .iter()
                .fold(0u64, |l, b| l << 8 | u64::from(*b));
            if encoding == Encoding::Der && (skip > 0 || length < 0x80) {
                return Err(broken(
                    "a length that is not minimal, as DER demands",
                    offset,
                ));
            }
            Some(usize::try_from(length).map_err(|_| broken("a length beyond any file", offset))?)
        }
    };
    Ok(Header {
        tag,
        constructed,
        length,
        size,
    })
}

/// The length of the content of an element of indefinite length, without its end-of-contents octets (§8.1.5).
fn indefinite_content(input: &[u8], offset: usize) -> Result<usize> {
    let mut at = 0;
    let mut open = 1u32;
    loop {
        let rest = &input[at..];
        if let [0, 0, ..] = rest {
            open -= 1;
            if open == 0 {
                return Ok(at);
            }
            at += 2;
            continue;
        }
        let header = header(rest, offset + at, Encoding::Ber)?;
        at += header.size;
        match header.length {
            None => open += 1,
            Some(length) if length <= input.len() - at => at += length,
            Some(_) => return Err(broken("an element longer than what is left", offset + at)),
        }
    }
}

impl<'a> Reader<'a> {
    /// Over BER.
    pub fn ber(input: &'a [u8]) -> Self {
        Reader {
            input,
            at: 0,
            base: 0,
            encoding: Encoding::Ber,
        }
    }

    /// Over DER lengths.
    pub fn der(input: &'a [u8]) -> Self {
        Reader {
            input,
            at: 0,
            base: 0,
            encoding: Encoding::Der,
        }
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.input.len()
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        &self.input[self.at..]
    }

    /// Bytes walked so far.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The tag of the next element; none at the end or where no element begins.
    pub fn peek(&self) -> Option<Tag> {
        if self.is_empty() {
            return None;
        }
        header(self.rest(), 0, self.encoding).ok().map(|h| h.tag)
    }

    /// What is there of the content of the first element, of input that is cut off inside it; none if it is no `tag`.
    pub fn cut_off(&self, tag: Tag) -> Option<Reader<'a>> {
        let header = header(self.rest(), 0, self.encoding).ok()?;
        (header.tag == tag && header.constructed).then(|| Reader {
            input: &self.rest()[header.size..],
            at: 0,
            base: self.base + self.at + header.size,
            encoding: self.encoding,
        })
    }

    /// The next element, or none at the end.
    pub fn next_element(&mut self) -> Result<Option<Tlv<'a>>> {
        if self.is_empty() {
            Ok(None)
        } else {
            self.read("element").map(Some)
        }
    }

    /// The next element, whatever it is; `what` names it in the error.
    pub fn read(&mut self, what: &'static str) -> Result<Tlv<'a>> {
        let offset = self.base + self.at;
        if self.is_empty() {
            return Err(Error::malformed(what, "missing").at(offset as u64));
        }
        let input = self.rest();
        let header = header(input, offset, self.encoding)?;
        let body = &input[header.size..];
        let (content, size) = match header.length {
            Some(length) if length <= body.len() => (&body[..length], header.size + length),
            Some(_) => {
                return Err(Error::malformed(what, "longer than what is left").at(offset as u64));
            }
            None => {
                let length = indefinite_content(body, offset + header.size)?;
                (&body[..length], header.size + length + 2)
            }
        };
        self.at += size;
        Ok(Tlv {
            tag: header.tag,
            constructed: header.constructed,
            bytes: &input[..size],
            content,
            offset,
            content_offset: offset + header.size,
            encoding: self.encoding,
        })
    }

    /// The next element, which must have `tag`.
    pub fn expect(&mut self, tag: Tag, what: &'static str) -> Result<Tlv<'a>> {
        let element = self.read(what)?;
        if element.tag == tag {
            Ok(element)
        } else {
            let problem = format!("has {:?} where {tag:?} belongs", element.tag);
            Err(Error::malformed(what, problem).at(element.offset as u64))
        }
    }

    /// The next element if it has `tag`; else nothing is read.
    pub fn optional(&mut self, tag: Tag, what: &'static str) -> Result<Option<Tlv<'a>>> {
        if self.peek() == Some(tag) {
            self.read(what).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Steps into the next element, which must have `tag`, and whose content need not be there to its end. Answers how
    /// long the content is; none where the length is indefinite.
    pub fn open(&mut self, tag: Tag, what: &'static str) -> Result<Option<usize>> {
        let offset = self.base + self.at;
        let header = header(self.rest(), offset, self.encoding)?;
        if header.tag != tag {
            return Err(Error::malformed(what, "missing").at(offset as u64));
        }
        self.at += header.size;
        Ok(header.length)
    }

    /// A reader of the next element, a SEQUENCE.
    pub fn sequence(&mut self, what: &'static str) -> Result<Reader<'a>> {
        self.expect(Tag::SEQUENCE, what)?.inner_of(what)
    }

    /// A reader of the only element of the input, a SEQUENCE.
    pub fn whole_sequence(mut self, what: &'static str) -> Result<Reader<'a>> {
        let inner = self.sequence(what)?;
        self.finish(what)?;
        Ok(inner)
    }

    /// A reader of the next element, a SET.
    pub fn set(&mut self, what: &'static str) -> Result<Reader<'a>> {
        self.expect(Tag::SET, what)?.inner_of(what)
    }

    /// The next element, an OBJECT IDENTIFIER.
    pub fn oid(&mut self, what: &'static str) -> Result<Oid> {
        self.expect(Tag::OID, what)?.oid()
    }

    /// Fails if anything is left.
    pub fn finish(&self, what: &'static str) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(Error::malformed(what, "has bytes after its end").at((self.base + self.at) as u64))
    }
}

impl<'a> Tlv<'a> {
    /// Reads one element that must fill `input`.
    pub fn whole(mut reader: Reader<'a>, what: &'static str) -> Result<Tlv<'a>> {
        let element = reader.read(what)?;
        reader.finish(what)?;
        Ok(element)
    }

    /// Class and number.
    pub fn tag(&self) -> Tag {
        self.tag
    }

    /// Whether the content is made of elements.
    pub fn constructed(&self) -> bool {
        self.constructed
    }

    /// Identifier, length and content as received.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The content as received.
    pub fn content(&self) -> &'a [u8] {
        self.content
    }

    /// Where it begins in the input of the outermost reader.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Where its content begins in the input of the outermost reader.
    pub fn content_offset(&self) -> usize {
        self.content_offset
    }

    /// A reader of the content.
    pub fn inner(&self) -> Reader<'a> {
        Reader {
            input: self.content,
            at: 0,
            base: self.content_offset,
            encoding: self.encoding,
        }
    }

    /// A reader of the content, which must be made of elements; `what` names it in the error.
    pub fn inner_of(&self, what: &'static str) -> Result<Reader<'a>> {
        if self.constructed {
            Ok(self.inner())
        } else {
            Err(
                Error::malformed(what, "is primitive where it must be constructed")
                    .at(self.offset as u64),
            )
        }
    }

    /// Whether it is an OCTET STRING, primitive or constructed.
    pub fn is_octet_string(&self) -> bool {
        self.tag == Tag::OCTET_STRING
    }

    fn wrong(&self, problem: &'static str) -> Error {
        broken(problem, self.offset)
    }

    /// The content octets of an INTEGER, two's complement, never empty.
    pub fn integer(&self) -> Result<&'a [u8]> {
        match self.content {
            [] => Err(self.wrong("an INTEGER without content")),
            _ if self.constructed => Err(self.wrong("a constructed INTEGER")),
            content => Ok(content),
        }
    }

    /// The magnitude of a non-negative INTEGER, without leading zeros.
    pub fn unsigned(&self) -> Result<&'a [u8]> {
        let content = self.integer()?;
        if content[0] & 0x80 != 0 {
            return Err(self.wrong("a negative INTEGER where none may be"));
        }
        let skip = content.iter().take_while(|b| **b == 0).count();
        Ok(&content[skip..])
    }

    /// A non-negative INTEGER or ENUMERATED of at most 64 bits.
    pub fn u64(&self) -> Result<u64> {
        let magnitude = self.unsigned()?;
        if magnitude.len() > 8 {
            return Err(self.wrong("an INTEGER of more than 64 bits"));
        }
        Ok(magnitude.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// A BOOLEAN.
    pub fn boolean(&self) -> Result<bool> {
        match self.content {
            [0] => Ok(false),
            [_] if self.encoding == Encoding::Ber => Ok(true),
            [0xff] => Ok(true),
            _ => Err(self.wrong("a BOOLEAN that is neither true nor false")),
        }
    }

    /// An OBJECT IDENTIFIER.
    pub fn oid(&self) -> Result<Oid> {
        if self.constructed {
            return Err(self.wrong("a constructed OBJECT IDENTIFIER"));
        }
        Oid::from_content(self.content)
    }

    /// The octets of an OCTET STRING, its segments joined (§8.7.3). The tag is not looked at, so that `[0] IMPLICIT`
    /// strings are read too.
    pub fn octets(&self) -> Result<Cow<'a, [u8]>> {
        if !self.constructed {
            return Ok(Cow::Borrowed(self.content));
        }
        Ok(Cow::Owned(self.octet_segments()?.concat()))
    }

    /// The segments of an OCTET STRING in order, without copying them.
    pub fn octet_segments(&self) -> Result<Vec<&'a [u8]>> {
        let mut segments = Vec::new();
        if self.constructed {
            self.collect_segments(&mut segments, STRING_DEPTH)?;
        } else {
            segments.push(self.content);
        }
        Ok(segments)
    }

    fn collect_segments(&self, into: &mut Vec<&'a [u8]>, depth: u32) -> Result<()> {
        if depth == 0 {
            return Err(self.wrong("an OCTET STRING nested too deeply"));
        }
        let mut inner = self.inner();
        while let Some(part) = inner.next_element()? {
            match (part.tag, part.constructed) {
                (Tag::OCTET_STRING, false) => into.push(part.content),
                (Tag::OCTET_STRING, true) => part.collect_segments(into, depth - 1)?,
                _ => return Err(part.wrong("something else inside a constructed OCTET STRING")),
            }
        }
        Ok(())
    }

    /// The bytes of a BIT STRING and how many bits of the last are unused.
    pub fn bits(&self) -> Result<(&'a [u8], u8)> {
        match self.content {
            _ if self.constructed => Err(self.wrong("a constructed BIT STRING")),
            [unused @ 0..=7, bits @ ..] if *unused == 0 || !bits.is_empty() => Ok((bits, *unused)),
            _ => Err(self.wrong("a BIT STRING without a count of unused bits")),
        }
    }

    /// The bytes of a BIT STRING that has no unused bits.
    pub fn whole_bits(&self) -> Result<&'a [u8]> {
        match self.bits()? {
            (bits, 0) => Ok(bits),
            _ => Err(self.wrong("a BIT STRING that is not of whole bytes")),
        }
    }

    /// The bytes of a BIT STRING that holds a signature value. With unused bits it is no signature's: empty.
    pub fn signature_bits(&self) -> Result<&'a [u8]> {
        self.bits()
            .map(|(bits, unused)| if unused == 0 { bits } else { &[] })
    }

    /// The text of any character string type; what is not decodable becomes U+FFFD.
    pub fn text(&self) -> String {
        let units = |size: usize| {
            self.content
                .chunks(size)
                .map(|c| c.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)))
        };
        match (self.tag.class, self.tag.number) {
            // TeletexString is read as Latin-1, as every implementation does.
            (0, 20) => self.content.iter().map(|b| char::from(*b)).collect(),
            (0, 28) => units(4)
                .map(|n| char::from_u32(n).unwrap_or('\u{fffd}'))
                .collect(),
            (0, 30) => String::from_utf16_lossy(&units(2).map(|n| n as u16).collect::<Vec<_>>()),
            _ => String::from_utf8_lossy(self.content).into_owned(),
        }
    }

    /// A UTCTime or GeneralizedTime, as RFC 5280 §4.1.2.5 has them; fractions and offsets are accepted, local times
    /// are not.
    pub fn time(&self) -> Result<Time> {
        let wrong = || self.wrong("a time that is not YYMMDDhhmmssZ or YYYYMMDDhhmmssZ");
        let digits = |range: std::ops::Range<usize>| -> Result<i32> {
            let part = self.content.get(range).ok_or_else(wrong)?;
            part.iter().try_fold(0, |n, b| {
                if b.is_ascii_digit() {
                    Ok(n * 10 + i32::from(b - b'0'))
                } else {
                    Err(wrong())
                }
            })
        };
        let (year, mut at) = match self.tag {
            Tag::UTC_TIME => (
                digits(0..2)? + if digits(0..2)? < 50 { 2000 } else { 1900 },
                2,
            ),
            Tag::GENERALIZED_TIME => (digits(0..4)?, 4),
            _ => return Err(wrong()),
        };
        let (month, day) = (digits(at..at + 2)?, digits(at + 2..at + 4)?);
        let (hour, minute) = (digits(at + 4..at + 6)?, digits(at + 6..at + 8)?);
        at += 8;
        let mut second = 0;
        if self.content.get(at).is_some_and(u8::is_ascii_digit) {
            second = digits(at..at + 2)?;
            at += 2;
        }
        let mut nanosecond = 0;
        if self.tag == Tag::GENERALIZED_TIME && matches!(self.content.get(at), Some(b'.' | b',')) {
            let fraction = &self.content[at + 1..];
            let length = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
            if length == 0 {
                return Err(wrong());
            }
            let places = fraction[..length].iter().map(|b| i32::from(b - b'0'));
            nanosecond = places
                .chain(std::iter::repeat(0))
                .take(9)
                .fold(0, |n, digit| n * 10 + digit);
            at += 1 + length;
        }
        let offset = match self.content.get(at..) {
            Some(b"Z") => 0,
            Some([sign @ (b'+' | b'-'), _, _, _, _]) => {
                let minutes = digits(at + 1..at + 3)? * 60 + digits(at + 3..at + 5)?;
                if *sign == b'+' { minutes } else { -minutes }
            }
            _ => return Err(wrong()),
        };
        let [month, day, hour, minute, second] =
            [month, day, hour, minute, second].map(|n| n as i8);
        let local = Time::from_utc(year as i16, month, day, hour, minute, second, nanosecond)
            .map_err(|_| wrong())?;
        let shift = std::time::Duration::from_secs(u64::from(offset.unsigned_abs()) * 60);
        Ok(if offset >= 0 {
            local.minus(shift)
        } else {
            local.plus(shift)
        })
    }
}

/// Levels that [`has_der_lengths`] goes down; certificates have about ten.
const DEPTH: usize = 64;

/// Whether `input` is elements whose lengths are all as DER demands (ITU-T X.690 §10.1), what is inside included.
pub fn has_der_lengths(input: &[u8]) -> bool {
    let mut open = vec![Reader::der(input)];
    while let Some(reader) = open.last_mut() {
        match reader.next_element() {
            Ok(None) => {
                open.pop();
            }
            Ok(Some(element)) if element.constructed() => {
                if open.len() == DEPTH {
                    return false;
                }
                open.push(element.inner());
            }
            Ok(Some(_)) => {}
            Err(_) => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::der;
    use super::*;

    #[test]
    fn indefinite_lengths_end_where_their_octets_do() {
        let bytes = [
            0x30, 0x80, 0x24, 0x80, 4, 1, 7, 4, 2, 8, 9, 0, 0, 2, 1, 5, 0, 0, 0x05, 0,
        ];
        let mut reader = Reader::ber(&bytes);
        let mut inner = reader.sequence("outer").unwrap();
        assert_eq!(*inner.read("string").unwrap().octets().unwrap(), [7, 8, 9]);
        assert_eq!(inner.read("integer").unwrap().u64().unwrap(), 5);
        assert!(inner.is_empty());
        assert_eq!(reader.read("null").unwrap().tag(), Tag::NULL);
        assert!(Reader::der(&bytes).read("outer").is_err());
    }

    #[test]
    fn der_refuses_what_ber_lets_through() {
        let long = [0x04, 0x81, 1, 7];
        assert_eq!(Reader::ber(&long).read("x").unwrap().content(), [7]);
        assert!(Reader::der(&long).read("x").is_err());
    }

    #[test]
    fn every_prefix_of_a_value_is_an_error_and_no_panic() {
        let value = der::sequence(&[
            &der::integer(77777),
            &der::octet_string(&[1; 300]),
            &der::explicit(0, &der::null()),
        ]);
        for end in 0..value.len() {
            assert!(Reader::ber(&value[..end]).read("x").is_err(), "{end}");
        }
        let open = [0x30, 0x80].repeat(100_000);
        assert!(Reader::ber(&open).read("x").is_err());
        let nested = [[0x24, 0x80].repeat(40), vec![0; 80]].concat();
        assert!(Reader::ber(&nested).read("x").unwrap().octets().is_err());
    }

    #[test]
    fn times_are_read_in_their_forms() {
        let read = |tag: u8, text: &[u8]| {
            let bytes = der::tlv(tag, text);
            Reader::ber(&bytes)
                .read("t")
                .unwrap()
                .time()
                .map(|t| t.to_string())
        };
        assert_eq!(
            read(0x17, b"491231235959Z").unwrap(),
            "2049-12-31T23:59:59Z"
        );
        assert_eq!(
            read(0x17, b"500101000000Z").unwrap(),
            "1950-01-01T00:00:00Z"
        );
        assert_eq!(read(0x17, b"2611242131Z").unwrap(), "2026-11-24T21:31:00Z");
        assert_eq!(
            read(0x17, b"261124213100+0100").unwrap(),
            "2026-11-24T20:31:00Z"
        );
        assert_eq!(
            read(0x18, b"20261124213149.25Z").unwrap(),
            "2026-11-24T21:31:49.25Z"
        );
        for wrong in [
            &b"20261124213149"[..],
            b"20260230000000Z",
            b"20261124213149.Z",
            b"",
            b"2026112421314xZ",
        ] {
            assert!(read(0x18, wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn ber_is_re_encoded_as_der() {
        let bytes = [
            0x31, 0x80, 2, 1, 9, 0x24, 0x80, 4, 1, 7, 4, 1, 8, 0, 0, 2, 0x81, 1, 1, 0, 0,
        ];
        let element = Reader::ber(&bytes).read("set").unwrap();
        assert_eq!(
            der::from_ber(&element, 8).unwrap(),
            [0x31, 10, 2, 1, 1, 2, 1, 9, 4, 2, 7, 8]
        );
    }
}
