//! DER out (ITU-T X.690 §10, §11): small functions that nest as the structures do.
//!
//! ```
//! use rubrica::engine::syntax::asn1::{der, names};
//! let algorithm = der::sequence(&[&der::oid(&names::SHA256), &der::null()]);
//! assert_eq!(algorithm, [0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0]);
//! ```

use super::{Oid, Tlv};
use crate::engine::error::{Error, Result};
use crate::engine::time::Time;

/// One element with a one-byte identifier.
pub fn tlv(identifier: u8, content: &[u8]) -> Vec<u8> {
    concatenate(identifier, &[content])
}

fn concatenate(identifier: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(length + 6);
    write_header(&mut out, identifier, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

fn write_header(out: &mut Vec<u8>, identifier: u8, length: usize) {
    out.push(identifier);
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = (length as u64).to_be_bytes();
        let skip = bytes.iter().take_while(|b| **b == 0).count();
        out.push(0x80 | (8 - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
}

/// Identifier and length of an element whose content of `length` bytes follows.
pub fn header(identifier: u8, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(10);
    write_header(&mut out, identifier, length);
    out
}

fn slices(parts: &[Vec<u8>]) -> Vec<&[u8]> {
    parts.iter().map(Vec::as_slice).collect()
}

/// `SEQUENCE { parts }`.
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    concatenate(0x30, parts)
}

/// `SEQUENCE OF`.
pub fn sequence_of(parts: &[Vec<u8>]) -> Vec<u8> {
    concatenate(0x30, &slices(parts))
}

/// `SET OF`, its elements in the order of §11.6.
pub fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    concatenate(0x31, &slices(&parts))
}

/// `[number] EXPLICIT`.
pub fn explicit(number: u8, inner: &[u8]) -> Vec<u8> {
    tlv(0xa0 | number, inner)
}

/// `[number] IMPLICIT` over an encoded element: only its identifier changes.
pub fn implicit(number: u8, element: &[u8]) -> Vec<u8> {
    let mut out = element.to_vec();
    if let Some(identifier) = out.first_mut() {
        *identifier = 0x80 | (*identifier & 0x20) | number;
    }
    out
}

/// `BOOLEAN`.
pub fn boolean(value: bool) -> Vec<u8> {
    vec![0x01, 1, if value { 0xff } else { 0 }]
}

/// `NULL`.
pub fn null() -> Vec<u8> {
    vec![0x05, 0]
}

/// `OBJECT IDENTIFIER`.
pub fn oid(oid: &Oid) -> Vec<u8> {
    tlv(0x06, oid.content())
}

/// `INTEGER`, from big-endian bytes without sign.
pub fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|b| **b == 0).count();
    let bytes = &bytes[skip..];
    match bytes.first() {
        None => vec![0x02, 1, 0],
        Some(first) if first & 0x80 != 0 => concatenate(0x02, &[&[0], bytes]),
        Some(_) => tlv(0x02, bytes),
    }
}

/// `INTEGER`.
pub fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

/// `ENUMERATED`.
pub fn enumerated(value: u8) -> Vec<u8> {
    tlv(0x0a, &[value])
}

/// `OCTET STRING`.
pub fn octet_string(bytes: &[u8]) -> Vec<u8> {
    tlv(0x04, bytes)
}

/// `BIT STRING` of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    concatenate(0x03, &[&[0], bytes])
}

/// `BIT STRING` of named bits (§11.2.2: trailing zero bits removed); bit 0 is the first.
pub fn named_bits(bits: &[u8]) -> Vec<u8> {
    let Some(highest) = bits.iter().copied().max() else {
        return tlv(0x03, &[0]);
    };
    let mut bytes = vec![0u8; highest as usize / 8 + 2];
    bytes[0] = 7 - highest % 8;
    for bit in bits {
        bytes[1 + *bit as usize / 8] |= 0x80 >> (bit % 8);
    }
    tlv(0x03, &bytes)
}

/// `UTF8String`.
pub fn utf8_string(text: &str) -> Vec<u8> {
    tlv(0x0c, text.as_bytes())
}

/// `PrintableString`; the caller keeps to its alphabet.
pub fn printable_string(text: &str) -> Vec<u8> {
    tlv(0x13, text.as_bytes())
}

/// `IA5String`; the caller keeps to its alphabet.
pub fn ia5_string(text: &str) -> Vec<u8> {
    tlv(0x16, text.as_bytes())
}

/// `GeneralizedTime` in UTC, whole seconds.
pub fn generalized_time(time: Time) -> Vec<u8> {
    tlv(
        0x18,
        time.in_utc()
            .strftime("%Y%m%d%H%M%SZ")
            .to_string()
            .as_bytes(),
    )
}

/// `GeneralizedTime` in UTC with milliseconds, trailing zeros removed (§11.7).
pub fn generalized_time_with_milliseconds(time: Time) -> Vec<u8> {
    let milliseconds = time.unix_milliseconds().rem_euclid(1000);
    if milliseconds == 0 {
        return generalized_time(time);
    }
    let fraction = format!("{milliseconds:03}");
    let text = format!(
        "{}.{}Z",
        time.in_utc().strftime("%Y%m%d%H%M%S"),
        fraction.trim_end_matches('0')
    );
    tlv(0x18, text.as_bytes())
}

/// `Time` as RFC 5280 §4.1.2.5 and RFC 5652 §11.3 have it: UTCTime through 2049, GeneralizedTime from 2050.
pub fn time(time: Time) -> Vec<u8> {
    let utc = time.in_utc();
    if (1950..2050).contains(&utc.year()) {
        tlv(0x17, utc.strftime("%y%m%d%H%M%SZ").to_string().as_bytes())
    } else {
        generalized_time(time)
    }
}

/// `AlgorithmIdentifier` with parameters, already encoded.
pub fn algorithm_identifier(algorithm: &Oid, parameters: Option<&[u8]>) -> Vec<u8> {
    sequence(&[&oid(algorithm), parameters.unwrap_or_default()])
}

/// One element re-encoded as DER: definite minimal lengths, OCTET STRINGs joined, SET OF in order. Used only where a
/// standard signs the DER of what was sent as BER.
pub fn from_ber(element: &Tlv<'_>, depth: u32) -> Result<Vec<u8>> {
    if depth == 0 {
        return Err(Error::limit("ASN.1", "nested too deeply to be re-encoded"));
    }
    let identifier = element.bytes().first().copied().unwrap_or_default();
    if identifier & 0x1f == 0x1f {
        return Err(Error::unsupported(
            "ASN.1",
            "a tag number above 30 in what is to be re-encoded",
        ));
    }
    if !element.constructed() {
        return Ok(tlv(identifier, element.content()));
    }
    if element.is_octet_string() {
        return Ok(octet_string(&element.octets()?));
    }
    let mut parts = Vec::new();
    let mut inner = element.inner();
    while let Some(part) = inner.next_element()? {
        parts.push(from_ber(&part, depth - 1)?);
    }
    Ok(if identifier == 0x31 {
        set_of(parts)
    } else {
        concatenate(identifier, &slices(&parts))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_their_sign_bit_clear() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(127), [2, 1, 127]);
        assert_eq!(integer(128), [2, 2, 0, 128]);
        assert_eq!(unsigned(&[0, 0, 1]), [2, 1, 1]);
    }

    #[test]
    fn long_lengths_are_minimal() {
        assert_eq!(tlv(4, &[0; 200])[..3], [4, 0x81, 200]);
        assert_eq!(tlv(4, &[0; 300])[..4], [4, 0x82, 1, 44]);
    }

    #[test]
    fn named_bits_end_at_the_last_one() {
        assert_eq!(named_bits(&[0, 1]), [3, 2, 6, 0xc0]);
        assert_eq!(named_bits(&[5, 6]), [3, 2, 1, 0x06]);
        assert_eq!(named_bits(&[8]), [3, 3, 7, 0, 0x80]);
    }

    #[test]
    fn times_change_form_in_2050() {
        let utc = |text: &str| text.parse::<Time>().unwrap();
        assert_eq!(time(utc("2049-12-31T23:59:59Z"))[2..], *b"491231235959Z");
        assert_eq!(time(utc("2050-01-01T00:00:00Z"))[2..], *b"20500101000000Z");
        assert_eq!(
            generalized_time_with_milliseconds(utc("2026-11-24T10:00:00.120Z"))[2..],
            *b"20261124100000.12Z"
        );
    }
}
