//! `rubrica crl lookup`: what the lists of an issuer say of a certificate, now or at a time.

use super::{Place, described, print, signers};
use crate::engine::crypto::sha256;
use crate::engine::pki::Certificate;
use crate::engine::{Error, Result, Time};
use crate::service::cli::exit::Exit;
use crate::service::cli::input;
use crate::service::clock::{Clock, SystemClock};
use crate::service::index::Asked;
use serde_json::{Value, json};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The certificate (PEM or DER)
    #[arg(
        required_unless_present = "serial",
        conflicts_with = "serial",
        value_name = "CERTIFICATE"
    )]
    certificate: Option<PathBuf>,
    /// Its serial number, in hexadecimal
    #[arg(long, value_name = "HEX")]
    serial: Option<String>,
    /// The certificate of its issuer; those of [trust] are looked at too
    #[arg(long, value_name = "PATH")]
    issuer: Vec<PathBuf>,
    /// By what was known at this time (RFC 3339) instead of now
    #[arg(long, value_name = "TIME")]
    at: Option<Time>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let config = arguments.place.configuration()?;
    let mut issuers = signers(&arguments.issuer, &config)?;
    let serial = match (&arguments.certificate, &arguments.serial) {
        (Some(path), _) => {
            let certificate = certificate(path)?;
            issuers.retain(|issuer| issuer.subject() == certificate.issuer());
            certificate.serial().to_vec()
        }
        (None, serial) => hexadecimal(serial.as_deref().unwrap_or_default())?,
    };
    let index = arguments.place.open(&config)?;
    let at = arguments.at.unwrap_or_else(|| SystemClock.now());
    let mut exit = Exit::Indeterminate;
    for issuer in &issuers {
        for asked in index.ask(&sha256(issuer.spki()), issuer.subject(), &serial, at)? {
            if asked.entry.is_some() {
                exit = Exit::Failed;
            } else if asked.base.is_some() && exit == Exit::Indeterminate {
                exit = Exit::Passed;
            }
            print(arguments.place.json, &value(&asked, at), &text(&asked));
        }
    }
    if exit == Exit::Indeterminate {
        print(
            arguments.place.json,
            &json!({"status": "unknown", "at": at}),
            "no list of its issuer was there",
        );
    }
    Ok(exit)
}

fn certificate(path: &std::path::Path) -> Result<Certificate> {
    let found = Certificate::from_pem_or_der(&input::open(path)?)?;
    found.into_iter().next().ok_or_else(|| {
        Error::invalid(path.display().to_string(), "holds no certificate")
            .remedy("Give PEM or DER.")
    })
}

fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    let wrong = || Error::invalid("--serial", "is not hexadecimal");
    let digits: Vec<u8> = text.bytes().filter(|b| !matches!(b, b':' | b' ')).collect();
    let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
    if digits.is_empty() || digits.len() > 1_000 || !hexadecimal {
        return Err(wrong());
    }
    let padded = if digits.len() % 2 == 1 {
        [b"0", &digits[..]].concat()
    } else {
        digits
    };
    let pair = |pair: &[u8]| {
        let text = std::str::from_utf8(pair).map_err(|_| wrong())?;
        u8::from_str_radix(text, 16).map_err(|_| wrong())
    };
    padded.chunks(2).map(pair).collect()
}

fn status(asked: &Asked) -> &'static str {
    match (&asked.entry, &asked.base) {
        (Some(_), _) => "revoked",
        (None, Some(_)) => "not-listed",
        (None, None) => "unknown",
    }
}

fn value(asked: &Asked, at: Time) -> Value {
    json!({
        "status": status(asked),
        "at": at,
        "revocation_date": asked.entry.as_ref().map(|entry| entry.revocation_date),
        "reason": asked.entry.as_ref().and_then(|entry| entry.reason),
        "invalidity_date": asked.entry.as_ref().and_then(|entry| entry.invalidity_date),
        "base": asked.base.as_ref().map(|listed| described(listed)),
        "delta": asked.delta.as_ref().map(|listed| described(listed)),
    })
}

fn text(asked: &Asked) -> String {
    let by = [&asked.base, &asked.delta];
    let lists: Vec<_> = by
        .into_iter()
        .flatten()
        .map(|listed| listed.object_id().to_string()[..16].to_string())
        .collect();
    let said = match &asked.entry {
        Some(entry) => {
            let reason = entry
                .reason
                .and_then(|reason| serde_json::to_value(reason).ok());
            let reason = reason
                .and_then(|r| r.as_str().map(|r| format!(", {r}")))
                .unwrap_or_default();
            format!("revoked {}{reason}", entry.revocation_date)
        }
        None if asked.base.is_some() => "not listed".to_string(),
        None => "not listed as changed; the complete list is not there".to_string(),
    };
    format!("{said} (list {})", lists.join(", delta "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_read_as_tools_print_them() {
        assert_eq!(hexadecimal("0A:1b:2C").unwrap(), [10, 27, 44]);
        assert_eq!(hexadecimal("a1b").unwrap(), [10, 27]);
        for wrong in ["", "xy", "é1", "+1"] {
            assert!(hexadecimal(wrong).is_err(), "{wrong}");
        }
    }
}
