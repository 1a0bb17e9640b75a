//! The signature dictionary, and the bytes that its /ByteRange says are signed.
//!
//! ISO 32000-2 §12.8.1, table 255; EN 319 142-1 §5.3 (unchecked). In: a dictionary as it stands in the file; out: its
//! entries, the two signed ranges where they can be digested at all, and every fault of structure. The ranges must leave
//! out the value of /Contents of this very dictionary and nothing else: that is what universal forgery and wrapping
//! attacks break (Mladenov et al., "1 Trillion Dollar Refund", 2019).

use crate::engine::error::Result;
use crate::engine::evidence::Fault;
use crate::engine::limits::Budget;
use crate::engine::syntax::pdf::{Dictionary, Document, Object};
use crate::engine::time::Time;
use std::ops::Range;

/// How the signature is encoded (ISO 32000-2 §12.8.3.3, EN 319 142-1 §5.3 (unchecked)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubFilter {
    /// `ETSI.CAdES.detached`: PAdES.
    CadesDetached,
    /// `adbe.pkcs7.detached`: CMS over the ranges.
    Pkcs7Detached,
    /// `adbe.pkcs7.sha1`: CMS over the SHA-1 of the ranges.
    Pkcs7Sha1,
    /// `adbe.x509.rsa_sha1`: a PKCS #1 signature, certificates in /Cert.
    X509RsaSha1,
    /// `ETSI.RFC3161`: a document time-stamp.
    Rfc3161,
    /// Any other.
    Other(String),
}

impl SubFilter {
    fn of(name: &[u8]) -> Self {
        match name {
            b"ETSI.CAdES.detached" => SubFilter::CadesDetached,
            b"adbe.pkcs7.detached" => SubFilter::Pkcs7Detached,
            b"adbe.pkcs7.sha1" => SubFilter::Pkcs7Sha1,
            b"adbe.x509.rsa_sha1" => SubFilter::X509RsaSha1,
            b"ETSI.RFC3161" => SubFilter::Rfc3161,
            other => SubFilter::Other(String::from_utf8_lossy(other).into_owned()),
        }
    }

    /// The name in the file.
    pub fn as_str(&self) -> &str {
        match self {
            SubFilter::CadesDetached => "ETSI.CAdES.detached",
            SubFilter::Pkcs7Detached => "adbe.pkcs7.detached",
            SubFilter::Pkcs7Sha1 => "adbe.pkcs7.sha1",
            SubFilter::X509RsaSha1 => "adbe.x509.rsa_sha1",
            SubFilter::Rfc3161 => "ETSI.RFC3161",
            SubFilter::Other(name) => name,
        }
    }
}

/// What a signature dictionary says.
#[derive(Debug, Clone)]
pub struct SignatureDictionary {
    /// `/SubFilter`.
    pub sub_filter: Option<SubFilter>,
    /// `/Type` is not `DocTimeStamp`, or a key stands there twice, where `/SubFilter` says time-stamp: it is neither (ISO 32000-2 §12.8.5).
    pub mistyped_timestamp: bool,
    /// `/Contents`, decoded, with its padding.
    pub contents: Vec<u8>,
    /// `/Cert`, for `adbe.x509.rsa_sha1`.
    pub certificates: Vec<Vec<u8>>,
    /// `/M`, a claim of the signer.
    pub claimed_time: Option<Time>,
    /// `/Name`.
    pub name: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// The permissions of a certification signature, 1 to 3 (ISO 32000-2 §12.8.2.2, table 257).
    pub permissions: Option<i64>,
    /// The signed bytes, where /ByteRange names two ranges of the file at all.
    pub ranges: Option<[Range<usize>; 2]>,
    /// Everything about it that a sound signature does not have.
    pub faults: Vec<Fault>,
    /// Where the value of /Contents stands in the file.
    pub room: Option<Range<usize>>,
    /// Where the value of /ByteRange stands in the file.
    pub byte_range_at: Option<usize>,
}

impl SignatureDictionary {
    /// Reads a dictionary that was parsed from `document.bytes()` itself (`in_file`) or from an object stream.
    pub fn read(
        document: &Document<'_>,
        dictionary: &Dictionary,
        in_file: bool,
        budget: &mut Budget,
    ) -> Result<Self> {
        let mut faults = Vec::new();
        if let Some(key) = dictionary.repeated_key() {
            let key = String::from_utf8_lossy(key.as_bytes());
            faults.push(fault(
                "pdf.signature.repeated_key",
                "ISO 32000-2 §7.3.7",
                key,
            ));
        }
        if !in_file {
            faults.push(fault(
                "pdf.signature.in_object_stream",
                DICTIONARY,
                "it stands in an object stream",
            ));
        }
        let mut value = |key| document.value(dictionary, key, budget);
        let kind = value("Type")?;
        if !matches!(*kind, Object::Null) && !kind.is_name("Sig") && !kind.is_name("DocTimeStamp") {
            faults.push(fault(
                "pdf.signature.type",
                DICTIONARY,
                "/Type is neither Sig nor DocTimeStamp",
            ));
        }
        let sub_filter = value("SubFilter")?
            .as_name()
            .map(|n| SubFilter::of(n.as_bytes()));
        let typed = kind.is_name("DocTimeStamp") && dictionary.repeated_key().is_none();
        let mistyped_timestamp = sub_filter == Some(SubFilter::Rfc3161) && !typed;
        if sub_filter.is_none() {
            faults.push(fault("pdf.sub_filter.missing", DICTIONARY, ""));
        }
        let certificates = match &*value("Cert")? {
            Object::String(one) => vec![one.bytes.clone()],
            Object::Array(many) => many
                .iter()
                .filter_map(|c| c.as_string().map(|s| s.bytes.clone()))
                .collect(),
            _ => Vec::new(),
        };
        let claimed_time = value("M")?.as_text().and_then(|t| read_date(&t));
        let (name, reason, location) = (
            value("Name")?.as_text(),
            value("Reason")?.as_text(),
            value("Location")?.as_text(),
        );
        let permissions = permissions(document, dictionary, budget)?;
        let contents = match dictionary.get("Contents") {
            Some(Object::String(string)) if !string.bytes.is_empty() => string.bytes.clone(),
            Some(Object::String(_)) => {
                faults.push(fault("pdf.contents.empty", DICTIONARY, ""));
                Vec::new()
            }
            Some(_) => {
                faults.push(fault(
                    "pdf.contents.type",
                    DICTIONARY,
                    "no string that stands in the dictionary",
                ));
                Vec::new()
            }
            None => {
                faults.push(fault("pdf.contents.missing", DICTIONARY, ""));
                Vec::new()
            }
        };
        let bytes = document.bytes();
        let ranges = signed_ranges(dictionary, bytes.len(), &mut faults);
        if let (Some(ranges), true, Some(entry)) = (&ranges, in_file, dictionary.entry("Contents"))
        {
            check_gap(bytes, ranges, &entry.span, &mut faults);
        }
        let span = |key| {
            let entry = dictionary.entry(key).filter(|_| in_file)?;
            Some(entry.span.clone())
        };
        Ok(SignatureDictionary {
            sub_filter,
            mistyped_timestamp,
            contents,
            certificates,
            claimed_time,
            name,
            reason,
            location,
            permissions,
            ranges,
            faults,
            room: span("Contents"),
            byte_range_at: span("ByteRange").map(|s| s.start),
        })
    }

    /// The byte after the last signed one.
    pub fn covered_end(&self) -> Option<usize> {
        self.ranges.as_ref().map(|[_, second]| second.end)
    }
}

const DICTIONARY: &str = "ISO 32000-2 §12.8.1 table 255";
const RANGES: &str = "ISO 32000-2 §12.8.1";

pub(super) fn fault(rule: &str, clause: &str, found: impl Into<String>) -> Fault {
    Fault::failure(rule, clause, found)
}

/// `[0 a b c]` as ranges of the file. Nothing is returned that cannot be digested; what can but should not stand so is a
/// fault all the same.
fn signed_ranges(
    dictionary: &Dictionary,
    length: usize,
    faults: &mut Vec<Fault>,
) -> Option<[Range<usize>; 2]> {
    let mut wrong = |rule, found: String| {
        faults.push(fault(rule, RANGES, found));
        None
    };
    let numbers = match dictionary.get("ByteRange") {
        Some(Object::Array(items)) => items.as_slice(),
        Some(_) => return wrong("pdf.byte_range.type", "no array in the dictionary".into()),
        None => return wrong("pdf.byte_range.missing", String::new()),
    };
    let [first, first_length, second, second_length] = numbers else {
        return wrong("pdf.byte_range.count", numbers.len().to_string());
    };
    let number = |object: &Object| usize::try_from(object.as_integer()?).ok();
    let range = |from: &Object, length: &Object| {
        let from = number(from)?;
        Some(from..from.checked_add(number(length)?)?)
    };
    let ranges = range(first, first_length).zip(range(second, second_length));
    let Some((before, after)) = ranges else {
        return wrong("pdf.byte_range.numbers", "not whole numbers from 0".into());
    };
    let found = format!("{before:?}, {after:?} of {length}");
    if before.end > length || after.end > length {
        return wrong("pdf.byte_range.bounds", found);
    }
    if before.start != 0 {
        wrong("pdf.byte_range.start", found.clone());
    }
    if after.start < before.end {
        wrong("pdf.byte_range.overlap", found.clone());
    }
    if before.is_empty() || after.is_empty() {
        wrong("pdf.byte_range.empty", found);
    }
    Some([before, after])
}

/// What the ranges leave out must be the value of /Contents from `<` to `>`, and that a plain hexadecimal string.
fn check_gap(
    bytes: &[u8],
    [before, after]: &[Range<usize>; 2],
    contents: &Range<usize>,
    faults: &mut Vec<Fault>,
) {
    if before.end != contents.start || after.start != contents.end {
        let found = format!("{:?} for {contents:?}", before.end..after.start);
        faults.push(fault("pdf.byte_range.gap", RANGES, found));
    }
    let found = format!("at byte {}", contents.start);
    match bytes.get(contents.clone()) {
        Some([b'<', digits @ .., b'>']) => {
            if digits.len() % 2 != 0 || !digits.iter().all(u8::is_ascii_hexdigit) {
                faults.push(fault("pdf.contents.digits", DICTIONARY, found));
            }
        }
        _ => faults.push(fault("pdf.contents.not_hexadecimal", DICTIONARY, found)),
    }
}

/// `/Reference[<</TransformMethod/DocMDP/TransformParams<</P n>>>>]`; 2 where /P is absent.
fn permissions(
    document: &Document<'_>,
    dictionary: &Dictionary,
    budget: &mut Budget,
) -> Result<Option<i64>> {
    let references = document.value(dictionary, "Reference", budget)?;
    for reference in references.as_array().unwrap_or_default() {
        budget.step(1)?;
        let reference = document.resolve(reference, budget)?;
        let Some(reference) = reference.as_dictionary() else {
            continue;
        };
        let method = document.value(reference, "TransformMethod", budget)?;
        if !method.is_name("DocMDP") {
            continue;
        }
        let parameters = document.value(reference, "TransformParams", budget)?;
        let level = match parameters.as_dictionary() {
            Some(parameters) => document.value(parameters, "P", budget)?.as_integer(),
            None => None,
        };
        return Ok(Some(level.unwrap_or(2)));
    }
    Ok(None)
}

/// A date of ISO 32000-2 §7.9.4, `D:YYYYMMDDHHmmSSOHH'mm`; every part after the year may be missing.
pub(super) fn read_date(text: &str) -> Option<Time> {
    let text = text.trim();
    let text = text.strip_prefix("D:").unwrap_or(text);
    let digits: usize = text.bytes().take_while(u8::is_ascii_digit).count();
    let (date, zone) = text.split_at(digits.min(14));
    let part = |from: usize, to: usize, default: i16| match date.get(from..to) {
        Some(digits) => digits.parse().ok(),
        None if date.len() <= from => Some(default),
        None => None,
    };
    let small = |value: i16| i8::try_from(value).ok();
    let time = Time::from_utc(
        date.get(..4)?.parse().ok()?,
        small(part(4, 6, 1)?)?,
        small(part(6, 8, 1)?)?,
        small(part(8, 10, 0)?)?,
        small(part(10, 12, 0)?)?,
        small(part(12, 14, 0)?)?,
        0,
    )
    .ok()?;
    let mut zone = zone.chars();
    let sign = match zone.next() {
        Some('+') => 1,
        Some('-') => -1,
        _ => 0,
    };
    let digits: String = zone.filter(char::is_ascii_digit).collect();
    let zone_part = |from: usize| {
        digits
            .get(from..from + 2)
            .map_or(Some(0), |d| d.parse::<i64>().ok())
    };
    let offset = sign * (zone_part(0)? * 3600 + zone_part(2)? * 60);
    Time::from_unix(time.unix().checked_sub(offset)?).ok()
}

/// An instant as a date of ISO 32000-2 §7.9.4, in UTC.
pub(super) fn write_date(time: Time) -> String {
    time.in_utc().strftime("D:%Y%m%d%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &[u8]) -> SignatureDictionary {
        let budget = &mut Budget::default();
        let document = Document::open(file, budget).unwrap();
        let reference = crate::engine::syntax::pdf::Reference::new(2, 0);
        let object = document.load(reference, budget).unwrap();
        SignatureDictionary::read(&document, object.as_dictionary().unwrap(), true, budget).unwrap()
    }

    /// A file whose object 2 is a signature dictionary with a sound range, after `change` had its way with the text.
    fn file(entries: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
        let body = format!(
            "<</Type/Sig/SubFilter/ETSI.CAdES.detached{entries}/Contents<30000000>/ByteRange[0 AAAAA BBBBB CCCCC]>>"
        );
        let text = String::from_utf8(crate::engine::syntax::pdf::testing::build(&[
            (1, "<</Type/Catalog>>"),
            (2, &body),
        ]))
        .unwrap();
        let gap = text.find("<30000000>").unwrap();
        let text = text
            .replace("AAAAA", &format!("{gap:05}"))
            .replace("BBBBB", &format!("{:05}", gap + 10))
            .replace("CCCCC", &format!("{:05}", text.len() - gap - 10));
        let changed = change(&text);
        assert_eq!(changed.len(), text.len(), "a test must not move the table");
        changed.into_bytes()
    }

    #[test]
    fn a_sound_dictionary_has_no_fault() {
        let entries = "/Name(A)/Reason(B)/Location(C)/M(D:20260102030405+01'00')\
                       /Reference[<</TransformMethod/DocMDP/TransformParams<</P 1>>>>]";
        let bytes = file(entries, str::to_string);
        let signature = read(&bytes);
        assert!(signature.faults.is_empty(), "{:?}", signature.faults);
        assert_eq!(signature.sub_filter, Some(SubFilter::CadesDetached));
        assert_eq!(signature.contents, [0x30, 0, 0, 0]);
        assert_eq!(signature.covered_end(), Some(bytes.len()));
        assert_eq!(signature.permissions, Some(1));
        assert_eq!(
            signature.claimed_time.unwrap().to_string(),
            "2026-01-02T02:04:05Z"
        );
        assert_eq!(signature.reason.as_deref(), Some("B"));
    }

    #[test]
    fn one_in_an_object_stream_is_a_fault() {
        let bytes = file("", str::to_string);
        let budget = &mut Budget::default();
        let document = Document::open(&bytes, budget).unwrap();
        let object = crate::engine::syntax::pdf::Reference::new(2, 0);
        let object = document.load(object, budget).unwrap();
        let dictionary = object.as_dictionary().unwrap();
        let signature = SignatureDictionary::read(&document, dictionary, false, budget).unwrap();
        assert_eq!(signature.faults[0].rule, "pdf.signature.in_object_stream");
        assert_eq!(signature.room, None);
    }

    #[test]
    fn every_fault_is_named() {
        let sound = String::from_utf8(file("", str::to_string)).unwrap();
        let at = sound.find("[0 ").unwrap();
        let (a, b, c) = (
            &sound[at + 3..at + 8],
            &sound[at + 9..at + 14],
            &sound[at + 15..at + 20],
        );
        let range = |new: &str| {
            // From `[` to the byte before `]`, or over it where the value is no array.
            let end = if new.starts_with('[') {
                at + 20
            } else {
                at + 21
            };
            let new = format!("{new:<width$}", width = end - at);
            move |text: &str| text.replace(&text[at..end], &new)
        };
        type Change = Box<dyn Fn(&str) -> String>;
        let swap = |from: &'static str, to: &'static str| -> Change {
            Box::new(move |text: &str| text.replace(from, to))
        };
        let cases: Vec<(&str, Change)> = vec![
            (
                "byte_range.start",
                Box::new(range(&format!("[1 {a} {b} {c}"))),
            ),
            (
                "byte_range.overlap",
                Box::new(range(&format!("[0 {a} 00001 00001"))),
            ),
            (
                "byte_range.bounds",
                Box::new(range(&format!("[0 {a} {b} 99999"))),
            ),
            ("byte_range.bounds", Box::new(range("[0 1 99999 1"))),
            (
                "byte_range.gap",
                Box::new(range(&format!("[0 00009 {b} {c}"))),
            ),
            ("byte_range.gap", Box::new(range(&format!("[0 {a} {c} 1")))),
            ("byte_range.count", Box::new(range(&format!("[0 {a} {b}")))),
            (
                "byte_range.numbers",
                Box::new(range(&format!("[0 {a} {b} -1"))),
            ),
            (
                "byte_range.numbers",
                Box::new(range(&format!("[0 {a} {b} 1.0"))),
            ),
            (
                "byte_range.empty",
                Box::new(range(&format!("[0 {a} {b} 0"))),
            ),
            ("byte_range.missing", swap("/ByteRange", "/BiteRange")),
            ("byte_range.type", Box::new(range(" null"))),
            ("contents.not_hexadecimal", swap("<30000000>", "(30000000)")),
            ("contents.digits", swap("<30000000>", "<30 00000>")),
            ("contents.empty", swap("<30000000>", "<        >")),
            ("contents.missing", swap("/Contents", "/Kontents")),
            ("contents.type", swap("<30000000>", " 300000000")),
            ("signature.type", swap("/Sig/", "/Sog/")),
            ("sub_filter.missing", swap("/SubFilter", "/SobFilter")),
            (
                "signature.repeated_key",
                swap(
                    "/SubFilter/ETSI.CAdES.detached",
                    "/Type/Sig/SubFilter/ETSI.X/A/B",
                ),
            ),
        ];
        for (rule, change) in cases {
            let changed = file("", change);
            let signature = read(&changed);
            let rule = format!("pdf.{rule}");
            assert!(
                signature.faults.iter().any(|f| f.rule == rule),
                "{rule}: {:?}",
                signature.faults
            );
        }
    }

    #[test]
    fn dates_in_all_lengths() {
        let read = |t| read_date(t).map(|t| t.to_string());
        assert_eq!(read("D:2026").unwrap(), "2026-01-01T00:00:00Z");
        assert_eq!(read("20260203").unwrap(), "2026-02-03T00:00:00Z");
        assert_eq!(
            read("D:20260203040506-0130").unwrap(),
            "2026-02-03T05:35:06Z"
        );
        assert_eq!(
            read("D:20260203040506Z00'00'").unwrap(),
            "2026-02-03T04:05:06Z"
        );
        assert_eq!(read("D:20261303"), None);
        assert_eq!(read("D:202"), None);
        assert_eq!(read("never"), None);
        let now: Time = "2026-11-24T21:31:49.5Z".parse().unwrap();
        assert_eq!(write_date(now), "D:20261124213149Z");
        assert_eq!(
            read_date(&write_date(now)),
            Some(now.truncated_to_seconds())
        );
    }
}
