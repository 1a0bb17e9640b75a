//! Time-stamps by themselves, in the corpus `revocation`: tokens and responses, judged as documents with what they stamp.

use super::{Outcome, inspect_with, policy, text};
use rubrica::engine::Time;
use rubrica::engine::crypto::{DigestAlgorithm, digest};
use rubrica::engine::formats::{Detached, recognise};
use rubrica::engine::pki::TimestampToken;
use rubrica::engine::pki::timestamp::{
    MessageImprint, TimestampRequest, granted_token, read_response,
};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::asn1::Oid;
use rubrica::engine::syntax::hex::{from_hex, hex};
use rubrica::engine::validation::{Indication, TimestampVerdict, Verdict, validate};
use serde_json::Value;
use std::path::Path;

struct Case<'a> {
    entry: &'a Value,
    document: Vec<u8>,
    content: Option<Vec<u8>>,
    anchors: Anchors,
}

pub(super) fn judge(split: &Path, entry: &Value) -> Outcome {
    let file = |key: &str| {
        let name = entry[key].as_str()?;
        Some(std::fs::read(split.join(name)).expect("file of the case"))
    };
    let anchor = file("anchor");
    let case = Case {
        entry,
        document: file("file").expect("file"),
        content: file("content"),
        anchors: Anchors::read(anchor.iter().map(Vec::as_slice)).expect("anchor"),
    };
    let mut differences = case.verdict();
    if text(entry, "type") == "timestamp-response" {
        differences.extend(case.answer());
    }
    differences.extend(case.facts());
    Outcome::of(differences)
}

impl Case<'_> {
    fn now(&self) -> Time {
        let time = self.entry["time"].as_str();
        time.unwrap_or("2026-11-21T00:00:00Z")
            .parse()
            .expect("a time")
    }

    fn judged(&self) -> Result<Verdict, String> {
        let format = recognise(&self.document).map_err(|error| error.to_string())?;
        if format.name() != "RFC 3161" {
            return Err(format!("taken for {}", format.name()));
        }
        let detached: Vec<Detached<'_>> = self.content.iter().map(Detached::of).collect();
        let evidence = inspect_with(&self.document, &detached).map_err(|e| e.to_string())?;
        Ok(validate(
            &evidence,
            &policy(self.anchors.clone()),
            self.now(),
        ))
    }

    /// What differs of the verdict.
    fn verdict(&self) -> Vec<String> {
        let expected = &self.entry["expected"];
        let judged = self.judged();
        let stamp = judged.as_ref().ok().and_then(|v| v.timestamps.first());
        let told = match (&judged, stamp) {
            (Err(why), _) => why.clone(),
            (_, Some(stamp)) => told(stamp),
            _ => "no time-stamp".to_string(),
        };
        let passed = stamp.is_some_and(|s| s.indication == Indication::TotalPassed);
        let of_document = judged
            .as_ref()
            .is_ok_and(|v| v.indication == Some(Indication::TotalPassed));
        let verifies =
            stamp.is_some_and(|s| s.findings.iter().any(|f| f.check == "value.verifies"));
        let mut differences = Vec::new();
        let mut must = |what: &str, holds: bool| {
            if !holds {
                differences.push(format!("{what}: {told}"));
            }
        };
        must("verdict of the document", passed == of_document);
        // A refusal is read as one, and never passes.
        match expected["passed"]
            .as_bool()
            .or(expected["accept"].as_bool())
        {
            Some(true) => must("passes", passed),
            Some(false) if expected["passed"] == false => must("does not pass", !passed),
            _ => {}
        }
        // What must not pass may be refused before its value is looked at.
        let core = text(expected, "core");
        must(
            "value verifies",
            core != "valid" || verifies || expected["passed"] == false,
        );
        let impossible = core == "invalid" || core.starts_with("not verified");
        must("value does not verify", !impossible || !passed);
        if let (Some(sub), Some(stamp)) = (expected["sub"].as_str(), stamp) {
            must(
                sub,
                stamp.sub_indication.is_some_and(|s| s.to_string() == sub),
            );
        }
        if let Some(time) = expected["gen_time"].as_str() {
            let time: Time = time.parse().expect("a time");
            must("genTime", stamp.is_some_and(|s| s.gen_time == time));
        }
        differences
    }

    /// What differs of the response as the answer to its request.
    fn answer(&self) -> Vec<String> {
        let Some(content) = &self.content else {
            return Vec::new();
        };
        let nonce = self.entry["request_nonce"].as_str();
        let nonce = nonce.map(|n| {
            from_hex::<8>(n.trim_start_matches("0x"))
                .expect("eight bytes")
                .to_vec()
        });
        let oid = |text: &str| {
            let arcs: Vec<u32> = text
                .split('.')
                .map(|arc| arc.parse().expect("an arc"))
                .collect();
            Oid::new(&arcs)
        };
        let request = TimestampRequest {
            message_imprint: MessageImprint {
                algorithm: DigestAlgorithm::Sha256,
                digest: digest(DigestAlgorithm::Sha256, content),
            },
            policy: self.entry["request_policy"].as_str().map(oid),
            nonce,
            certificates: true,
        };
        let found = read_response(&self.document, &request);
        let expected = self.entry["expected"]["accept"].as_bool();
        let problem = found
            .as_ref()
            .err()
            .map(ToString::to_string)
            .unwrap_or_default();
        let mut differences = Vec::new();
        if expected.is_some_and(|accept| accept != found.is_ok()) {
            differences.push(format!("accept {}: {problem}", found.is_ok()));
        }
        if let Some(fail) = self.entry["expected"]["fail"].as_str()
            && !problem.contains(fail)
        {
            differences.push(format!("{fail}: {problem}"));
        }
        differences
    }

    /// What differs of what the token says.
    fn facts(&self) -> Vec<String> {
        let facts = &self.entry["expected"]["facts"];
        if facts.is_null() {
            return Vec::new();
        }
        let read = match text(self.entry, "type") {
            "timestamp-response" => granted_token(&self.document),
            _ => TimestampToken::from_ber(&self.document),
        };
        let token = match read {
            Ok(token) => token,
            Err(error) => return vec![error.to_string()],
        };
        let info = token.tst_info();
        let data = token.signed_data();
        let certificates = data.certificates().len() + data.unreadable_certificates();
        let time = text(facts, "gen_time")
            .replace(' ', "T")
            .replace("+00:00", "Z");
        let algorithm = info
            .message_imprint
            .algorithm
            .name()
            .to_lowercase()
            .replace('-', "");
        let nonce = info.nonce.as_deref().map_or("None".to_string(), decimal);
        [
            ("gen_time", time.parse() == Ok(info.gen_time)),
            ("imprint_alg", facts["imprint_alg"] == algorithm),
            (
                "imprint",
                facts["imprint"] == hex(&info.message_imprint.digest),
            ),
            ("serial", facts["serial"] == decimal(&info.serial)),
            ("policy", facts["policy"] == info.policy.to_string()),
            ("nonce", facts["nonce"] == nonce),
            ("certs", facts["certs"] == certificates),
        ]
        .iter()
        .filter(|(_, holds)| !holds)
        .map(|(what, _)| format!("{what}: {info:?}"))
        .collect()
    }
}

/// The content octets of a positive INTEGER in decimal.
fn decimal(octets: &[u8]) -> String {
    let mut digits = vec![0u8];
    for octet in octets {
        let mut carry = u32::from(*octet);
        for digit in &mut digits {
            carry += u32::from(*digit) * 256;
            *digit = (carry % 10) as u8;
            carry /= 10;
        }
        while carry > 0 {
            digits.push((carry % 10) as u8);
            carry /= 10;
        }
    }
    digits
        .iter()
        .rev()
        .map(|digit| char::from(b'0' + digit))
        .collect()
}

fn told(stamp: &TimestampVerdict) -> String {
    let negative = stamp.findings.iter().filter(|f| f.is_negative());
    let checks: Vec<_> = negative.map(|f| f.check.as_str()).collect();
    format!(
        "{:?} {:?} {checks:?}",
        stamp.indication, stamp.sub_indication
    )
}
