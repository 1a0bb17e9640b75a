//! The objects of a PDF file, and how each is written.
//!
//! ISO 32000-2 §7.3. In: nothing; out: bytes that read back to the same value. Reals keep their source text and
//! dictionaries their order and repeated keys, so that rewriting an object changes only what was meant to change.
//! Not here: reading (`parser.rs`), resolving references (`document.rs`).

use std::fmt;
use std::io;
use std::ops::Range;

/// An indirect reference, `12 0 R` (ISO 32000-2 §7.3.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The object number, from 1.
    pub number: u32,
    /// The generation number; 0 except where a number was freed and used again.
    pub generation: u16,
}

impl Reference {
    /// `number generation R`.
    pub fn new(number: u32, generation: u16) -> Self {
        Reference { number, generation }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} R", self.number, self.generation)
    }
}

/// A name without its solidus, `#xx` already decoded (ISO 32000-2 §7.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub Box<[u8]>);

impl Name {
    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Name(text.as_bytes().into())
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == other.as_bytes()
    }
}

/// A string, decoded (ISO 32000-2 §7.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PdfString {
    /// The bytes that it stands for.
    pub bytes: Vec<u8>,
    /// It was written, and will be written, as `<…>`.
    pub hexadecimal: bool,
}

/// One entry of a dictionary, in the order of the file.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Name,
    /// The value.
    pub value: Object,
    /// Where the value stands in the bytes that it was read from; empty in what was built here.
    pub span: Range<usize>,
}

impl PartialEq for Entry {
    /// Equal in key and value, wherever they stand.
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.value == other.value
    }
}

/// A dictionary that keeps order and repeated keys (ISO 32000-2 §7.3.7).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dictionary {
    entries: Vec<Entry>,
}

impl Dictionary {
    pub(super) const EMPTY: Dictionary = Dictionary {
        entries: Vec::new(),
    };

    /// An empty dictionary.
    pub fn new() -> Self {
        Dictionary::default()
    }

    /// The entries in order, repeated keys included.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The value of `key`: the first where the key is repeated (see [`Dictionary::repeated_key`]).
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.entry(key).map(|e| &e.value)
    }

    /// The entry of `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.key == key)
    }

    /// The dictionary that is the value of `key`, to be changed.
    pub fn dictionary_mut(&mut self, key: &str) -> Option<&mut Dictionary> {
        match self.entries.iter_mut().find(|e| e.key == key)?.value {
            Object::Dictionary(ref mut dictionary) => Some(dictionary),
            _ => None,
        }
    }

    /// Is there an entry with that key?
    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// A key that occurs twice: "multiple entries in the same dictionary shall not have the same key"
    /// (ISO 32000-2 §7.3.7). Readers differ in which one they take, so nothing that is judged may have one.
    pub fn repeated_key(&self) -> Option<&Name> {
        let mut keys: Vec<&Name> = self.entries.iter().map(|e| &e.key).collect();
        keys.sort_unstable();
        keys.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
    }

    /// Gives `key` a value, in its old place where it has one.
    pub fn set(&mut self, key: impl Into<Name>, value: impl Into<Object>) {
        let (key, value) = (key.into(), value.into());
        match self.entries.iter_mut().find(|e| e.key == key) {
            Some(entry) => (entry.value, entry.span) = (value, 0..0),
            None => self.push(key, value, 0..0),
        }
    }

    /// The same with a value, for building in one expression.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Object>) -> Self {
        self.set(key, value);
        self
    }

    /// Takes every entry of `key` away.
    pub fn remove(&mut self, key: &str) {
        self.entries.retain(|e| e.key != key);
    }

    pub(super) fn push(&mut self, key: Name, value: Object, span: Range<usize>) {
        self.entries.push(Entry { key, value, span });
    }

    /// Appends `<<…>>`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<<");
        for entry in &self.entries {
            write_name(&entry.key, out);
            if entry.value.needs_space_after_name() {
                out.push(b' ');
            }
            entry.value.write(out);
        }
        out.extend_from_slice(b">>");
    }
}

/// A stream: its dictionary, and where its encoded bytes stand in the file (ISO 32000-2 §7.3.8). Never a copy.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    /// The dictionary before `stream`.
    pub dictionary: Dictionary,
    /// The encoded bytes, as a range of the file.
    pub data: Range<usize>,
}

/// Any object.
#[derive(Debug, Clone, PartialEq)]
pub enum Object {
    /// `null`, and whatever a dangling reference leads to.
    Null,
    /// `true`, `false`.
    Boolean(bool),
    /// An integer that fits 64 bits.
    Integer(i64),
    /// Any other number, as its source text, so that nothing is lost.
    Real(Box<str>),
    /// `(…)` or `<…>`.
    String(PdfString),
    /// `/Name`.
    Name(Name),
    /// `[…]`.
    Array(Vec<Object>),
    /// `<<…>>`.
    Dictionary(Dictionary),
    /// A dictionary with bytes.
    Stream(Stream),
    /// `12 0 R`.
    Reference(Reference),
}

impl Object {
    /// `/name`.
    pub fn name(name: &str) -> Self {
        Object::Name(name.into())
    }

    /// A literal string of these bytes.
    pub fn string(bytes: impl Into<Vec<u8>>) -> Self {
        Object::String(PdfString {
            bytes: bytes.into(),
            hexadecimal: false,
        })
    }

    /// A hexadecimal string of these bytes.
    pub fn hexadecimal(bytes: impl Into<Vec<u8>>) -> Self {
        Object::String(PdfString {
            bytes: bytes.into(),
            hexadecimal: true,
        })
    }

    /// A text string (ISO 32000-2 §7.9.2.2): as it is where ASCII, in UTF-16BE with its mark elsewhere.
    pub fn text(text: &str) -> Self {
        if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Object::string(text);
        }
        let mut bytes = vec![0xfe, 0xff];
        bytes.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        Object::hexadecimal(bytes)
    }

    /// The boolean, if it is one.
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Object::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Object::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Object::Integer(value) => Some(*value as f64),
            Object::Real(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The name, if it is one.
    pub fn as_name(&self) -> Option<&Name> {
        match self {
            Object::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Is it this very name?
    pub fn is_name(&self, name: &str) -> bool {
        self.as_name().is_some_and(|n| *n == name)
    }

    /// The string, if it is one.
    pub fn as_string(&self) -> Option<&PdfString> {
        match self {
            Object::String(string) => Some(string),
            _ => None,
        }
    }

    /// The text of a text string (ISO 32000-2 §7.9.2.2): UTF-16BE or UTF-8 by their marks, PDFDocEncoding without.
    pub fn as_text(&self) -> Option<String> {
        let bytes = &self.as_string()?.bytes;
        Some(match bytes.as_slice() {
            [0xfe, 0xff, rest @ ..] => {
                let units: Vec<u16> = rest
                    .chunks_exact(2)
                    .map(|c| u16::from_be_bytes([c[0], c[1]]))
                    .collect();
                String::from_utf16_lossy(&units)
            }
            [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
            plain => plain.iter().map(|&b| pdf_document_encoding(b)).collect(),
        })
    }

    /// The array, if it is one.
    pub fn as_array(&self) -> Option<&[Object]> {
        match self {
            Object::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The dictionary, if it is one or a stream has one.
    pub fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Object::Dictionary(dictionary) => Some(dictionary),
            Object::Stream(stream) => Some(&stream.dictionary),
            _ => None,
        }
    }

    /// The stream, if it is one.
    pub fn as_stream(&self) -> Option<&Stream> {
        match self {
            Object::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    /// The reference, if it is one.
    pub fn as_reference(&self) -> Option<Reference> {
        match self {
            Object::Reference(reference) => Some(*reference),
            _ => None,
        }
    }

    /// Does it need white space between itself and a regular character before it?
    fn needs_space_after_name(&self) -> bool {
        matches!(
            self,
            Object::Null
                | Object::Boolean(_)
                | Object::Integer(_)
                | Object::Real(_)
                | Object::Reference(_)
        )
    }

    /// Appends the object. Of a stream the dictionary alone: its bytes stand in the file that it was read from.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Object::Null => out.extend_from_slice(b"null"),
            Object::Boolean(true) => out.extend_from_slice(b"true"),
            Object::Boolean(false) => out.extend_from_slice(b"false"),
            Object::Integer(value) => put(out, format_args!("{value}")),
            Object::Real(text) => out.extend_from_slice(text.as_bytes()),
            Object::String(string) => write_string(string, out),
            Object::Name(name) => write_name(name, out),
            Object::Array(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Object::Dictionary(dictionary) => dictionary.write(out),
            Object::Stream(stream) => stream.dictionary.write(out),
            Object::Reference(reference) => put(out, format_args!("{reference}")),
        }
    }

    /// The object as it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }
}

impl From<bool> for Object {
    fn from(value: bool) -> Self {
        Object::Boolean(value)
    }
}

impl From<i64> for Object {
    fn from(value: i64) -> Self {
        Object::Integer(value)
    }
}

impl From<i32> for Object {
    fn from(value: i32) -> Self {
        Object::Integer(value.into())
    }
}

impl From<Name> for Object {
    fn from(name: Name) -> Self {
        Object::Name(name)
    }
}

impl From<Reference> for Object {
    fn from(reference: Reference) -> Self {
        Object::Reference(reference)
    }
}

impl From<Dictionary> for Object {
    fn from(dictionary: Dictionary) -> Self {
        Object::Dictionary(dictionary)
    }
}

impl From<Vec<Object>> for Object {
    fn from(items: Vec<Object>) -> Self {
        Object::Array(items)
    }
}

/// Appends text without a string in between.
pub(super) fn put(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    // A vector takes every byte.
    let _ = io::Write::write_fmt(out, text);
}

/// White space of ISO 32000-2 §7.2.3, table 1.
pub(super) fn is_white_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

/// Delimiters of ISO 32000-2 §7.2.3, table 2.
fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}

/// Everything else.
pub(super) fn is_regular(byte: u8) -> bool {
    !is_white_space(byte) && !is_delimiter(byte)
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn write_name(name: &Name, out: &mut Vec<u8>) {
    out.push(b'/');
    for &byte in name.as_bytes() {
        if (b'!'..=b'~').contains(&byte) && is_regular(byte) && byte != b'#' {
            out.push(byte);
        } else {
            out.push(b'#');
            push_hex(byte, out);
        }
    }
}

fn write_string(string: &PdfString, out: &mut Vec<u8>) {
    if string.hexadecimal {
        out.push(b'<');
        string.bytes.iter().for_each(|&byte| push_hex(byte, out));
        out.push(b'>');
        return;
    }
    out.push(b'(');
    for &byte in &string.bytes {
        match byte {
            b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            // A bare carriage return inside a string reads back as a line feed (§7.3.4.2).
            b'\r' => out.extend_from_slice(b"\\r"),
            _ => out.push(byte),
        }
    }
    out.push(b')');
}

/// Appends a byte as two hexadecimal digits.
fn push_hex(byte: u8, out: &mut Vec<u8>) {
    out.push(HEX[usize::from(byte >> 4)]);
    out.push(HEX[usize::from(byte & 15)]);
}

/// ISO 32000-2 annex D.2: what differs from Latin-1.
fn pdf_document_encoding(byte: u8) -> char {
    const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚',
        '™', 'ﬁ', 'ﬂ', 'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
    ];
    match byte {
        0x18..=0x1f => LOW[usize::from(byte - 0x18)],
        0x80..=0xa0 => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_can_be_read_back() {
        let dictionary = Dictionary::new()
            .with("A b#", 1)
            .with("S", Object::string("a(b)\\\r"))
            .with("H", Object::hexadecimal([0xab, 1]))
            .with("R", Reference::new(3, 0))
            .with(
                "Z",
                vec![Object::Null, Object::Real("1.50".into()), true.into()],
            )
            .with("D", Dictionary::new().with("N", Object::name("x")));
        let mut out = Vec::new();
        dictionary.write(&mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "<</A#20b#23 1/S(a\\(b\\)\\\\\\r)/H<AB01>/R 3 0 R/Z[null 1.50 true]/D<</N/x>>>>"
        );
    }

    #[test]
    fn a_repeated_key_is_seen() {
        let mut dictionary = Dictionary::new().with("A", 1).with("B", 2);
        assert_eq!(dictionary.repeated_key(), None);
        dictionary.push("A".into(), Object::Integer(3), 0..0);
        assert_eq!(dictionary.repeated_key(), Some(&"A".into()));
        assert_eq!(dictionary.get("A"), Some(&Object::Integer(1)));
        dictionary.remove("A");
        assert_eq!(dictionary.entries().len(), 1);
    }

    #[test]
    fn text_strings_in_three_encodings() {
        let text = "Sello de órgano €";
        assert_eq!(Object::text(text).as_text().unwrap(), text);
        assert_eq!(Object::text("plain"), Object::string("plain"));
        assert_eq!(
            Object::string(b"\xef\xbb\xbfni\xc3\xb1o".to_vec())
                .as_text()
                .unwrap(),
            "niño"
        );
        assert_eq!(
            Object::string(b"ni\xf1o \xa0".to_vec()).as_text().unwrap(),
            "niño €"
        );
    }
}
