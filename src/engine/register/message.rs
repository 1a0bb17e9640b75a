//! `acuse.eml`: the message of the e-office with the acuse attached, ready for a mail server.
//!
//! RFC 5322, RFC 2045 to 2047, RFC 2183, RFC 3834. In: the entry, the addresses, the acuse. Out: the message, the same bytes for the same
//! input; text and HTML in Spanish and in the language asked for, with the data that the screen shows. Not here: sending.

use super::messages::{Phrase, phrases};
use super::receipt::{instant, spelled};
use super::{Language, Receipt};
use crate::engine::crypto::sha256;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result, Time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// A mailbox: a name in any characters, and an ASCII address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The name shown; may be empty.
    pub name: String,
    /// `local@domain`.
    pub address: String,
}

/// What the message says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The e-office.
    pub from: Mailbox,
    /// The person.
    pub to: Mailbox,
    /// The right side of the message identifier: a domain of the e-office.
    pub domain: String,
    /// When it is written.
    pub date: Time,
    /// The page of the sede that checks codes.
    pub verification_address: String,
}

/// Writes the message.
///
/// Errors: `InvalidRequest` for an address that is none or is not ASCII (a registration does not depend on it).
pub fn message(receipt: &Receipt, envelope: &Envelope, acuse: &[u8]) -> Result<Vec<u8>> {
    let seed = sha256(&[receipt.number.as_str().as_bytes(), &sha256(acuse)].concat());
    let tag = hex(&seed[..12]);
    let languages: &[Language] = match receipt.metadata.language {
        Language::Es => &[Language::Es],
        other => &[Language::Es, other],
    };
    let mut out = headers(receipt, envelope, &tag, languages)?;
    let (outer, inner) = (format!("=_a{tag}"), format!("=_b{tag}"));
    let _ = write!(
        out,
        "Content-Type: multipart/mixed; boundary=\"{outer}\"\r\n\r\n"
    );
    let _ = write!(
        out,
        "--{outer}\r\nContent-Type: multipart/alternative; boundary=\"{inner}\"\r\n\r\n"
    );
    for (kind, body) in [
        ("plain", text(receipt, envelope, languages)?),
        ("html", html(receipt, envelope, languages)?),
    ] {
        let _ = write!(
            out,
            "--{inner}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        );
        out.push_str(&quoted_printable(&body));
        out.push_str("\r\n");
    }
    let file = format!("acuse-{}.zip", receipt.number);
    let _ = write!(
        out,
        "--{inner}--\r\n\r\n--{outer}\r\nContent-Type: application/zip; name=\"{file}\"\r\n"
    );
    let _ = write!(
        out,
        "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"{file}\"\r\n\r\n"
    );
    for line in STANDARD.encode(acuse).as_bytes().chunks(76) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push_str("\r\n");
    }
    let _ = write!(out, "--{outer}--\r\n");
    Ok(out.into_bytes())
}

fn headers(
    receipt: &Receipt,
    envelope: &Envelope,
    tag: &str,
    languages: &[Language],
) -> Result<String> {
    let date = envelope
        .date
        .in_zone(&receipt.sede.zone)?
        .strftime("%a, %d %b %Y %H:%M:%S %z")
        .to_string();
    let subjects: Vec<String> = languages
        .iter()
        .map(|l| {
            phrases()
                .mail_subject
                .text(*l)
                .replace("{number}", receipt.number.as_str())
        })
        .collect();
    let domain = &envelope.domain;
    if !domain
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
        || domain.is_empty()
    {
        return Err(Error::invalid("mail domain", "not a domain"));
    }
    let tags: Vec<&str> = languages.iter().map(|l| l.tag()).collect();
    Ok(format!(
        "Date: {date}\r\nFrom: {}\r\nTo: {}\r\nMessage-ID:\r\n <{}.{tag}@{domain}>\r\nSubject: {}\r\nAuto-Submitted: auto-generated\r\n\
         Content-Language: {}\r\nMIME-Version: 1.0\r\n",
        mailbox("sender", &envelope.from)?,
        mailbox("recipient", &envelope.to)?,
        receipt.number,
        encoded_words(&subjects.join(" / "), "Subject: ".len()),
        tags.join(", "),
    ))
}

/// RFC 5322 §3.4; nothing that could end the header may stand in it.
fn mailbox(whose: &str, mailbox: &Mailbox) -> Result<String> {
    let Mailbox { name, address } = mailbox;
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let fits = address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && local.bytes().all(atom)
            && domain
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
    });
    if !fits || address.len() > 254 {
        return Err(Error::invalid(
            format!("{whose}'s address"),
            "not an ASCII address of electronic mail",
        ));
    }
    let name = spelled(name.trim());
    if name.is_empty() {
        return Ok(address.clone());
    }
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ') && name.len() <= 60;
    let shown = if plain {
        name
    } else {
        encoded_words(&name, "From: ".len())
    };
    Ok(format!("{shown}\r\n <{address}>"))
}

/// RFC 2047: words of at most 75 characters, folded; plain where the text is short printable ASCII.
fn encoded_words(text: &str, used: usize) -> String {
    if text.len() + used <= 76
        && text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && !text.contains("=?")
    {
        return text.to_owned();
    }
    // A line holds 76 characters: 12 of frame, and base64 of 45 bytes, or of fewer on the line that the header begins.
    let first = 76usize.saturating_sub(used + 12) / 4 * 3;
    let mut words = vec![String::new()];
    for c in text.chars() {
        let room = if words.len() == 1 { first } else { 45 };
        if words.last().is_some_and(|w| w.len() + c.len_utf8() > room) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c);
        }
    }
    words
        .iter()
        .map(|w| format!("=?utf-8?B?{}?=", STANDARD.encode(w)))
        .collect::<Vec<_>>()
        .join("\r\n ")
}

/// RFC 2045 §6.7.
fn quoted_printable(text: &str) -> String {
    let mut out = String::new();
    for line in text.split('\n') {
        let mut width = 0;
        let bytes = line.as_bytes();
        for (n, byte) in bytes.iter().enumerate() {
            let last = n + 1 == bytes.len();
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (*byte == b' ' && !last);
            let piece = if plain {
                char::from(*byte).to_string()
            } else {
                format!("={byte:02X}")
            };
            if width + piece.len() > 75 {
                out.push_str("=\r\n");
                width = 0;
            }
            width += piece.len();
            out.push_str(&piece);
        }
        out.push_str("\r\n");
    }
    out
}

/// The lines that screen and message show: label and value.
fn rows(receipt: &Receipt, envelope: &Envelope) -> Result<Vec<(&'static Phrase, String)>> {
    let words = phrases();
    let mut rows = vec![
        (&words.number, receipt.number.to_string()),
        (&words.presented, instant(receipt.presented, &receipt.sede)?),
        (
            &words.effective_start,
            instant(receipt.effective_start.instant, &receipt.sede)?,
        ),
        (&words.entity, receipt.names.entity.to_string()),
        (&words.office, receipt.names.office.to_string()),
        (&words.subject, receipt.names.subject.to_string()),
        (&words.destination, receipt.names.destination.to_string()),
        (&words.interested, receipt.metadata.interested.full_name()),
    ];
    rows.extend(
        receipt
            .metadata
            .representative
            .as_ref()
            .map(|r| (&words.representative, r.full_name())),
    );
    rows.extend(receipt.documents.iter().map(|d| {
        (
            &words.document,
            format!("{} (SHA-256 {})", d.name, d.sha256),
        )
    }));
    rows.push((&words.sede, receipt.sede.address.clone()));
    rows.push((&words.check_here, envelope.verification_address.clone()));
    Ok(rows
        .into_iter()
        .map(|(phrase, value)| (phrase, spelled(&value)))
        .collect())
}

fn text(receipt: &Receipt, envelope: &Envelope, languages: &[Language]) -> Result<String> {
    let words = phrases();
    let mut parts = Vec::new();
    for language in languages {
        let mut part = format!("{}\n\n", words.mail_intro.text(*language));
        for (phrase, value) in rows(receipt, envelope)? {
            let label = phrase.text(*language).trim_end_matches(':');
            let _ = writeln!(part, "{label}: {value}");
        }
        let _ = write!(
            part,
            "\n{}\n{}",
            words.mail_attached.text(*language),
            words.mail_automatic.text(*language)
        );
        parts.push(part);
    }
    Ok(parts.join("\n\n--\n\n"))
}

fn html(receipt: &Receipt, envelope: &Envelope, languages: &[Language]) -> Result<String> {
    let words = phrases();
    let title =
        escaped(words.mail_subject.text(Language::Es)).replace("{number}", receipt.number.as_str());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"es-ES\">\n<head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n"
    );
    for language in languages {
        let _ = writeln!(
            out,
            "<div lang=\"{}\">\n<p>{}</p>\n<table>",
            language.tag(),
            escaped(words.mail_intro.text(*language))
        );
        for (phrase, value) in rows(receipt, envelope)? {
            let label = escaped(phrase.text(*language).trim_end_matches(':'));
            let _ = writeln!(
                out,
                "<tr><th scope=\"row\" align=\"left\">{label}</th><td dir=\"auto\">{}</td></tr>",
                escaped(&value)
            );
        }
        let (attached, automatic) = (
            escaped(words.mail_attached.text(*language)),
            escaped(words.mail_automatic.text(*language)),
        );
        let _ = writeln!(
            out,
            "</table>\n<p>{attached}</p>\n<p>{automatic}</p>\n</div>"
        );
    }
    Ok(out + "</body>\n</html>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::registration::tests::receipt;
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            from: Mailbox {
                name: "Sede Electrónica".into(),
                address: "no-responder@sede.example".into(),
            },
            to: Mailbox {
                name: "Núria Español".into(),
                address: "nuria@example.org".into(),
            },
            domain: "sede.example".into(),
            date: "2026-11-24T08:31:00Z".parse().unwrap(),
            verification_address: "https://sede.example/verificar/codigo".into(),
        }
    }

    fn decoded(text: &str) -> String {
        let joined = text.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = joined.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            let hex = tail
                .get(..2)
                .and_then(|h| std::str::from_utf8(h).ok())
                .and_then(|h| u8::from_str_radix(h, 16).ok());
            match (*first, hex) {
                (b'=', Some(byte)) => (bytes.push(byte), rest = &tail[2..]).1,
                _ => (bytes.push(*first), rest = tail).1,
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_message_has_its_form() {
        let acuse = vec![0xA5; 10_000];
        let bytes = message(&receipt(), &envelope(), &acuse).unwrap();
        assert_eq!(bytes, message(&receipt(), &envelope(), &acuse).unwrap());
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.is_ascii());
        assert!(
            text.split("\r\n")
                .all(|l| l.len() <= 78 && !l.contains(['\r', '\n']))
        );
        assert!(text.starts_with("Date: Tue, 24 Nov 2026 09:31:00 +0100\r\nFrom: =?utf-8?B?"));
        assert!(text.contains("\r\nAuto-Submitted: auto-generated\r\n"));
        let encoded = text
            .split("base64\r\n")
            .nth(1)
            .unwrap()
            .split("\r\n\r\n")
            .nth(1)
            .unwrap()
            .split("--=_a")
            .next()
            .unwrap();
        assert_eq!(STANDARD.decode(encoded.replace("\r\n", "")).unwrap(), acuse);
    }

    #[test]
    fn text_and_html_say_the_same_in_both_languages() {
        let mut receipt = receipt();
        receipt.metadata.interested.name = "<b>\u{202e}\u{0}Núria".into();
        let text =
            decoded(&String::from_utf8(message(&receipt, &envelope(), b"zip").unwrap()).unwrap());
        for part in [
            "Número de registro: 20260000010000001323",
            "Número de registre: 20260000010000001323",
            "<th scope=\"row\" align=\"left\">Asunto</th>",
            "Assumpte: ",
            "24/11/2026 09:30:15 (UTC+01:00)",
            "&lt;b&gt;",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            !text.contains('\u{202e}')
                && !text.contains('\u{0}')
                && !text.contains("<td dir=\"auto\"><b>")
        );
    }

    #[test]
    fn no_header_can_be_slipped_in() {
        for bad in [
            "a@b\r\nBcc: x@y",
            "a b@c",
            "a@",
            "@b",
            "ñ@b.es",
            "a@b>c",
            "",
            "a@b\0",
            "a,b@c@d",
        ] {
            let mut envelope = envelope();
            envelope.to.address = bad.into();
            assert!(message(&receipt(), &envelope, b"").is_err(), "{bad:?}");
        }
        let mut sneaky = envelope();
        sneaky.to.name = "x\r\nBcc: evil@example.org\r\n\r\n=?utf-8?q?y?=".into();
        let text = String::from_utf8(message(&receipt(), &sneaky, b"").unwrap()).unwrap();
        assert!(!text.contains("\nBcc:"));
        sneaky = envelope();
        sneaky.domain = "x>\r\nA: b".into();
        assert!(message(&receipt(), &sneaky, b"").is_err());
    }

    #[test]
    fn long_subjects_fold_into_encoded_words() {
        let words = encoded_words(&"ñ".repeat(100), 9);
        assert!(words.split("\r\n ").count() > 3 && words.split("\r\n ").all(|w| w.len() <= 75));
        let back: String = words
            .split("\r\n ")
            .map(|w| {
                String::from_utf8(
                    STANDARD
                        .decode(w.trim_start_matches("=?utf-8?B?").trim_end_matches("?="))
                        .unwrap(),
                )
                .unwrap()
            })
            .collect();
        assert_eq!(back, "ñ".repeat(100));
        assert_eq!(encoded_words("Acuse 1", 9), "Acuse 1");
    }

    #[test]
    fn quoted_printable_keeps_every_byte() {
        for text in [
            "",
            " ",
            "a \nb",
            "=",
            &"x".repeat(200),
            &"ñ ".repeat(90),
            ".\n..\nFrom x",
        ] {
            let coded = quoted_printable(text);
            assert!(
                coded
                    .split("\r\n")
                    .all(|l| l.len() <= 76 && !l.ends_with(' '))
            );
            assert_eq!(
                decoded(&coded).replace("\r\n", "\n").strip_suffix('\n'),
                Some(text)
            );
        }
    }
}
