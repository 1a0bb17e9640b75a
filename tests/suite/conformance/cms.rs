//! Structures of CMS (RFC 5652) and CAdES: algorithms, faults of attributes, BER, confusion, denial of service.

use super::{Cases, Outcome, guarded, inspect_with, policy, run, text};
use rubrica::engine::formats::Detached;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Indication, SignatureVerdict, Verdict, validate};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// What the corpus's README allows the slowest of its cases.
const PATIENCE: Duration = Duration::from_secs(10);

fn judge(split: &Path, manifest: &Value) -> Cases {
    let entries = manifest["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| {
            let id = text(entry, "id").to_string();
            (id, guarded(|| compare(split, entry)))
        })
        .collect()
}

fn compare(split: &Path, entry: &Value) -> Outcome {
    match text(entry, "type") {
        "cms" | "smime" => {}
        _ => return Outcome::of(crate::evidence_records::differences(split, entry)),
    }
    let read = |key: &str| entry[key].as_str().map(|name| read(split, name));
    let document = read("file").expect("file");
    let content = read("content");
    let begun = Instant::now();
    let detached = content.as_deref().map(Detached::of);
    let found = inspect_with(&document, detached.as_slice());
    let anchors = read("anchor").map(|pem| Anchors::read([&pem[..]]).expect("anchor"));
    let now = entry["time"].as_str().unwrap_or("2026-11-21T00:00:00Z");
    let now = now.parse().expect("time");
    let found = found.map(|evidence| {
        let policy = policy(anchors.unwrap_or_default());
        let mut verdict = validate(&evidence, &policy, now);
        let mut all = evidence.signatures.iter();
        let of_content = |_: &_| all.next().is_some_and(|s| s.countersigns.is_none());
        verdict.signatures.retain(of_content);
        verdict
    });
    let mut differences = differences(&entry["expected"], found.as_ref().ok());
    if let (Err(error), false) = (&found, differences.is_empty()) {
        differences.push(error.to_string());
    }
    if begun.elapsed() > PATIENCE {
        differences.push(format!("took {:?}", begun.elapsed()));
    }
    Outcome::of(differences)
}

fn read(split: &Path, name: &str) -> Vec<u8> {
    std::fs::read(split.join(name)).expect("file")
}

/// What differs from `expected` in a verdict; none where the file was refused as unreadable.
fn differences(expected: &Value, found: Option<&Verdict>) -> Vec<String> {
    let signatures = found.map_or(&[][..], |verdict| &verdict.signatures);
    let mut differences = Vec::new();
    let mathematics = |wanted: Option<bool>| {
        !signatures.is_empty() && signatures.iter().all(|s| s.mathematics == wanted)
    };
    let holds = match text(expected, "core") {
        // EN 319 102-1 §5.3.4: where the signing certificate is not the one that was signed, the value is not looked at.
        "valid" if expected["passed"] == false => {
            !signatures.iter().any(|s| s.mathematics == Some(false))
        }
        "valid" => mathematics(Some(true)),
        "invalid" => !signatures.iter().any(|s| s.mathematics == Some(true)) || failed(signatures),
        "needs-content" | "undetermined" => !mathematics(Some(true)),
        "not-a-signature" | "no-signers" => signatures.is_empty(),
        _ => true,
    };
    if !holds {
        let all: Vec<_> = signatures.iter().map(|s| s.mathematics).collect();
        differences.push(format!("core {}: {all:?}", text(expected, "core")));
    }
    let indications: Vec<_> = signatures.iter().map(|s| s.indication).collect();
    let passed =
        !signatures.is_empty() && indications.iter().all(|i| *i == Indication::TotalPassed);
    if let Some(wanted) = expected["passed"].as_bool()
        && wanted != passed
    {
        differences.push(format!("passed {wanted}: {}", told(signatures)));
    }
    if let Some(sub) = expected["sub"].as_str()
        && !signatures.iter().all(|s| {
            s.sub_indication
                .is_some_and(|found| found.to_string() == sub)
        })
    {
        differences.push(format!("{sub}: {}", told(signatures)));
    }
    // A SET OF is in an order of its own (RFC 5652 §5.1), so the signatures are counted.
    if let Some(wanted) = expected["signatures"].as_array() {
        let wanted = wanted.iter().filter(|one| one["passed"] == true).count();
        let found = indications
            .iter()
            .filter(|i| **i == Indication::TotalPassed);
        if found.count() != wanted {
            differences.push(format!("{wanted} pass: {}", told(signatures)));
        }
    }
    differences
}

fn failed(signatures: &[SignatureVerdict]) -> bool {
    signatures
        .iter()
        .all(|s| s.indication == Indication::TotalFailed)
}

fn told(signatures: &[SignatureVerdict]) -> String {
    let one = |s: &SignatureVerdict| {
        let negative = s.findings.iter().filter(|f| f.is_negative());
        let checks: Vec<_> = negative.map(|f| f.check.as_str()).collect();
        format!("{:?} {:?} {checks:?}", s.indication, s.sub_indication)
    };
    signatures.iter().map(one).collect::<Vec<_>>().join("; ")
}

#[test]
fn cms() {
    run("cms", judge);
}
