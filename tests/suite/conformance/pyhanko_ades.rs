//! pyHanko's EN 319 102-1 runs: the indication strictly, for the time and with the anchors and material that it had.
//!
//! Its sub-indication is a guide: where past validation fails it says NO_POE or OUT_OF_BOUNDS_NO_POE, others what was found now.

use super::pyhanko::bare_signature;
use super::{Outcome, inspect, text};
use rubrica::engine::Time;
use rubrica::engine::evidence::{Evidence, Object, ObjectKind, Origin};
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Indication, Policy, Revocation, SignatureVerdict, validate};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Whether the entry is one of them.
pub(super) fn is_one(entry: &Value) -> bool {
    text(entry, "api").starts_with("ades_")
}

pub(super) fn case(split: &Path, entry: &Value) -> Outcome {
    let inputs = &entry["inputs"];
    let unknown = [
        ("known_poes", "proofs of existence from elsewhere"),
        ("timing_info", "another time of validation than now"),
        (
            "qualification_requirements",
            "demands of qualification beside trusted lists",
        ),
    ];
    if let Some((_, why)) = unknown.iter().find(|(key, _)| !inputs[key].is_null()) {
        return Outcome::NotSupported(why);
    }
    if inputs["trust_roots"].is_null() {
        return Outcome::NotSupported("anchors that the record leaves out");
    }
    let bytes = fs::read(split.join(text(entry, "file"))).expect("file");
    let bare = text(entry, "file_kind").starts_with("bare SignedData");
    let evidence = match bare {
        true => bare_signature(&bytes, text(entry, "raw_digest")),
        false => inspect(&bytes),
    };
    let expected = text(&entry["expected"], "indication");
    let Ok(mut evidence) = evidence else {
        return match expected {
            "PASSED" => Outcome::Disagrees("cannot be read".to_string()),
            _ => Outcome::Agrees,
        };
    };
    give(&mut evidence, split, inputs);
    // What later revisions change is of PDF, and no matter of time.
    for signature in &mut evidence.signatures {
        signature.later_changes.clear();
        signature.scopes.clear();
    }
    let verdict = validate(&evidence, &policy(split, inputs), now(entry));
    let field = text(entry, "field");
    let of_field =
        |(at, _): (usize, &SignatureVerdict)| bare || evidence.signatures[at].name == field;
    let mut found = verdict.signatures.iter().enumerate();
    match found.position(of_field) {
        Some(at) => compare(&verdict.signatures[at], expected),
        None => Outcome::Disagrees("signature not found".to_string()),
    }
}

fn compare(found: &SignatureVerdict, expected: &str) -> Outcome {
    let indication = match found.indication {
        Indication::TotalPassed => "PASSED",
        Indication::TotalFailed => "FAILED",
        Indication::Indeterminate => "INDETERMINATE",
    };
    // Where it gave no indication, its reader had given up.
    if indication == expected || expected.is_empty() && indication != "PASSED" {
        return Outcome::Agrees;
    }
    let negative = found.findings.iter().filter(|f| f.is_negative());
    let checks: Vec<String> = negative
        .map(|f| format!("{} {} {}", f.check, f.element, f.expected))
        .collect();
    Outcome::Disagrees(format!(
        "{indication}, expected {expected}: {}",
        checks.join(", ")
    ))
}

fn now(entry: &Value) -> Time {
    let text = text(entry, "now").replace("+00:00", "Z");
    text.parse().expect("time")
}

fn files<'v>(inputs: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    let all = inputs[key].as_array().into_iter().flatten();
    all.filter_map(Value::as_str)
}

fn give(evidence: &mut Evidence, split: &Path, inputs: &Value) {
    for (key, kind) in [
        ("seen_certs", ObjectKind::Certificate),
        ("seen_crls", ObjectKind::CertificateRevocationList),
        ("seen_ocsps", ObjectKind::OcspResponse),
    ] {
        for file in files(inputs, key) {
            let bytes = fs::read(split.join(file)).expect("file");
            let object = Object::new(kind, bytes, Origin::Given);
            evidence.pool.add(object);
        }
    }
}

fn policy(split: &Path, inputs: &Value) -> Policy {
    let roots = files(inputs, "trust_roots").map(|file| {
        let bytes = fs::read(split.join(file)).expect("file");
        Certificate::from_pem_or_der(&bytes)
            .expect("anchor")
            .remove(0)
    });
    let unchecked = inputs["revocation_policy"][0] == "nocheck";
    Policy::baseline(Anchors::new(roots)).constrained(|constraints| {
        constraints.time_tolerance = Duration::from_secs(1);
        if unchecked {
            constraints.revocation = Revocation::Ignored;
        }
    })
}
