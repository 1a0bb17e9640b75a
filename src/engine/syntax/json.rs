//! JSON in its one canonical form: members in the order of their UTF-16 code units, numbers as ECMAScript prints them, no
//! character escaped that need not be. RFC 8785.
//!
//! What is canonical can be digested: a policy, evidence, a report. Not here: reading JSON, which is serde_json's.

use crate::engine::error::{Error, Result};
use serde_json::{Map, Number, Value};
use std::io::Write;

/// How deep arrays and objects may nest: twice what serde_json reads, so that whatever was read can be written inside
/// something else.
const DEEPEST: usize = 256;

/// `value` as RFC 8785 writes it, in UTF-8 without a line feed at its end. Refuses a number that is no IEEE 754 double (RFC
/// 8785 §3.2.2.3): an integer that would lose digits, and, from a caller's own arithmetic, one that is not finite; and what
/// nests deeper than 256.
pub fn canonical_json(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write_value(value, DEEPEST, &mut out)?;
    Ok(out)
}

fn write_value(value: &Value, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    let deeper = || {
        depth.checked_sub(1).ok_or_else(|| {
            let limit = format!("nests deeper than {DEEPEST}");
            Error::limit("JSON", limit).remedy("flatten the value")
        })
    };
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            let depth = deeper()?;
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_value(item, depth, out)?;
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(members, deeper()?, out)?,
    }
    Ok(())
}

/// RFC 8785 §3.2.3: by UTF-16 code units, which is not the order of UTF-8 beyond the basic plane.
fn write_object(members: &Map<String, Value>, depth: usize, out: &mut Vec<u8>) -> Result<()> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_value(value, depth, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// RFC 8785 §3.2.2.2.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            0x08 => out.extend(b"\\b"),
            0x09 => out.extend(b"\\t"),
            0x0a => out.extend(b"\\n"),
            0x0c => out.extend(b"\\f"),
            0x0d => out.extend(b"\\r"),
            0x00..0x20 => {
                let _ = write!(out, "\\u{byte:04x}");
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// RFC 8785 §3.2.2.3.
fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<()> {
    let refused = |problem: &'static str| {
        Error::malformed("JSON number", problem).remedy("write it as a string")
    };
    let exact = |double: f64| match (number.as_u64(), number.as_i64()) {
        // As i128 the double is what it is: saturating casts to u64 and i64 would make 2⁶⁴ look like 2⁶⁴ − 1.
        (Some(integer), _) => double as i128 == i128::from(integer),
        (_, Some(integer)) => double as i128 == i128::from(integer),
        (None, None) => true,
    };
    let double = number.as_f64().filter(|double| double.is_finite());
    let double = double.ok_or_else(|| refused("it is not finite"))?;
    if !exact(double) {
        return Err(refused("it has more digits than a double holds"));
    }
    out.extend(ecmascript(double).bytes());
    Ok(())
}

/// What `Number::toString` of ECMAScript makes of a finite double.
fn ecmascript(double: f64) -> String {
    if double == 0.0 {
        return "0".to_string();
    }
    let (digits, point) = shortest_digits(double.abs());
    let sign = if double < 0.0 { "-" } else { "" };
    let length = digits.len() as i32;
    let body = match point {
        1..=21 if length <= point => {
            format!("{digits}{}", "0".repeat((point - length) as usize))
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{whole}.{fraction}")
        }
        -5..=0 => format!("0.{}{digits}", "0".repeat(-point as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let fraction = if rest.is_empty() {
                String::new()
            } else {
                format!(".{rest}")
            };
            format!("{first}{fraction}e{:+}", point - 1)
        }
    };
    format!("{sign}{body}")
}

/// The shortest digits that read back as `double`, and where the decimal point stands, counted from before the first. As
/// serde_json finds them, the even one of two that are as near, which `format!` does not promise.
fn shortest_digits(double: f64) -> (String, i32) {
    let text = Number::from_f64(double).map_or_else(String::new, |number| number.to_string());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let leading = (all.len() - digits.len()) as i32;
    let point = whole.len() as i32 - leading + exponent.parse::<i32>().unwrap_or(0);
    (digits.trim_end_matches('0').to_string(), point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn canonical(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        String::from_utf8(canonical_json(&value).unwrap()).unwrap()
    }

    #[test]
    #[allow(clippy::excessive_precision)] // As the RFC writes it.
    fn the_example_of_primitive_data_types() {
        // RFC 8785 §3.2.2 and §3.2.3.
        let input = json!({
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u{20ac}$\u{000F}\u{000a}A'\u{0042}\u{0022}\u{005c}\\\"/",
            "literals": [null, true, false]
        });
        let expected = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(canonical_json(&input).unwrap(), expected.as_bytes());
    }

    #[test]
    fn members_are_in_the_order_of_utf_16() {
        // RFC 8785 §3.2.3.
        let input = r#"{
            "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
            "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
        }"#;
        let values: Vec<&str> = vec![
            "Carriage Return",
            "One",
            "Control",
            "Latin Small Letter O With Diaeresis",
            "Euro Sign",
            "Emoji: Grinning Face",
            "Hebrew Letter Dalet With Dagesh",
        ];
        let out = canonical(input);
        let places: Vec<usize> = values
            .iter()
            .map(|value| out.find(value).unwrap())
            .collect();
        assert!(places.is_sorted(), "{out}");
        assert!(out.starts_with("{\"\\r\":"), "{out}");
    }

    #[test]
    fn the_sample_numbers() {
        // RFC 8785 Appendix B.
        let samples: [(u64, &str); 24] = [
            (0x0000000000000000, "0"),
            (0x8000000000000000, "0"),
            (0x0000000000000001, "5e-324"),
            (0x8000000000000001, "-5e-324"),
            (0x7fefffffffffffff, "1.7976931348623157e+308"),
            (0xffefffffffffffff, "-1.7976931348623157e+308"),
            (0x4340000000000000, "9007199254740992"),
            (0xc340000000000000, "-9007199254740992"),
            (0x4430000000000000, "295147905179352830000"),
            (0x44b52d02c7e14af5, "9.999999999999997e+22"),
            (0x44b52d02c7e14af6, "1e+23"),
            (0x44b52d02c7e14af7, "1.0000000000000001e+23"),
            (0x444b1ae4d6e2ef4e, "999999999999999700000"),
            (0x444b1ae4d6e2ef4f, "999999999999999900000"),
            (0x444b1ae4d6e2ef50, "1e+21"),
            (0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"),
            (0x3eb0c6f7a0b5ed8d, "0.000001"),
            (0x41b3de4355555553, "333333333.3333332"),
            (0x41b3de4355555554, "333333333.33333325"),
            (0x41b3de4355555555, "333333333.3333333"),
            (0x41b3de4355555556, "333333333.3333334"),
            (0x41b3de4355555557, "333333333.33333343"),
            (0xbecbf647612f3696, "-0.0000033333333333333333"),
            (0x43143ff3c1cb0959, "1424953923781206.2"),
        ];
        for (bits, expected) in samples {
            assert_eq!(ecmascript(f64::from_bits(bits)), expected, "{bits:016x}");
            let value = json!(f64::from_bits(bits));
            assert_eq!(canonical_json(&value).unwrap(), expected.as_bytes());
        }
    }

    #[test]
    fn what_is_no_double_is_refused() {
        for number in [
            json!(9_007_199_254_740_993_u64),
            json!(u64::MAX),
            json!(i64::MAX),
            json!(i64::MIN + 1),
        ] {
            let error = canonical_json(&number).unwrap_err().to_string();
            assert!(error.contains("JSON number"), "{error}");
        }
        for (number, expected) in [
            (json!(9_007_199_254_740_992_u64), "9007199254740992"),
            (json!(i64::MIN), "-9223372036854776000"),
            (json!(-1), "-1"),
            (json!(0), "0"),
            (json!(u32::MAX), "4294967295"),
        ] {
            assert_eq!(canonical_json(&number).unwrap(), expected.as_bytes());
        }
        assert!(Number::from_f64(f64::NAN).is_none() && Number::from_f64(f64::INFINITY).is_none());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| (0..depth).fold(Value::Null, |inner, _| json!([inner]));
        assert_eq!(
            canonical_json(&nested(DEEPEST)).unwrap().len(),
            2 * DEEPEST + 4
        );
        assert!(canonical_json(&nested(DEEPEST + 1)).is_err());
    }

    #[test]
    fn strings_are_escaped_no_more_than_needed() {
        assert_eq!(
            canonical(r#""\u2028\u007f\u0000\b\t\f\u001f""#),
            "\"\u{2028}\u{7f}\\u0000\\b\\t\\f\\u001f\""
        );
        assert_eq!(canonical("[ ]"), "[]");
        assert_eq!(canonical(r#"{"b":{},"a":[]}"#), r#"{"a":[],"b":{}}"#);
    }
}
