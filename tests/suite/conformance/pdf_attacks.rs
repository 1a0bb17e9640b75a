//! Attacks on signed PDFs, and changes that are permitted or not.
//!
//! Until later changes are analysed by what they change, a document that was changed after signing is never passed: what
//! may be passed and is not is counted as not supported.

use super::{Cases, Outcome, guarded, inspect, policy, run, text};
use rubrica::engine::evidence::Evidence;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Finding, Indication, SignatureVerdict, Verdict, validate};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const CHANGES: &str = "later changes that a rule permits";
/// No matter how a document was made, an answer comes within this time, in a build that is not optimised.
const LONGEST: Duration = Duration::from_secs(5);

fn judge(split: &Path, manifest: &Value) -> Cases {
    let entries = manifest["entries"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| {
            let id = text(entry, "id").to_string();
            (id, guarded(|| case(split, entry)))
        })
        .collect()
}

/// Everything that matters but whom to trust and which algorithms have aged.
fn stands(finding: &Finding) -> bool {
    let of_trust = ["path.", "certificate.", "revocation.", "algorithm."];
    finding.is_negative() && !of_trust.iter().any(|room| finding.check.starts_with(room))
}

fn is_changed(signature: &SignatureVerdict) -> bool {
    signature
        .findings
        .iter()
        .any(|f| f.check.starts_with("document.later"))
}

fn case(split: &Path, entry: &Value) -> Outcome {
    let bytes = std::fs::read(split.join(text(entry, "file"))).expect("file");
    let anchors = match entry["trust_anchor"].as_str() {
        Some(file) => {
            let file = std::fs::read(split.join(file)).expect("anchor");
            Anchors::read([&file[..]]).expect("anchor")
        }
        None => Anchors::default(),
    };
    let began = Instant::now();
    let evidence = inspect(&bytes);
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let verdict = evidence
        .as_ref()
        .ok()
        .map(|e| validate(e, &policy(anchors), now));
    let expected = &entry["expected"];
    let mut differences = Vec::new();
    if began.elapsed() > LONGEST {
        differences.push(format!("took {:?}", began.elapsed()));
    }
    if expected["modifications"].is_string() && expected["passed"].is_null() {
        return permissions(expected, evidence.ok().as_ref(), verdict.as_ref());
    }
    match &expected["passed"] {
        Value::Bool(false) => differences.extend(must_not_pass(expected, verdict.as_ref())),
        Value::Bool(true) => return must_pass(entry, verdict.as_ref()),
        Value::String(_) => differences.extend(may_pass(expected, verdict.as_ref())),
        _ => {
            let signatures = evidence.map_or(0, |e| e.signatures.len());
            if signatures > 0 {
                differences.push(format!("{signatures} signatures, none expected"));
            }
        }
    }
    Outcome::of(differences)
}

fn must_not_pass(expected: &Value, verdict: Option<&Verdict>) -> Vec<String> {
    // A document that is refused did not pass.
    let Some(verdict) = verdict else {
        return Vec::new();
    };
    let mut differences = Vec::new();
    if verdict.indication == Some(Indication::TotalPassed) {
        differences.push("passes".to_string());
    }
    let clean = |s: &SignatureVerdict| !s.findings.iter().any(stands);
    if !verdict.signatures.is_empty() && verdict.signatures.iter().all(clean) {
        differences.push("nothing but trust stands against it".to_string());
    }
    let intact = ["integrity_of_signed_revision", "signed_revision"];
    let is_intact = intact.iter().any(|key| expected[*key] == "intact");
    let first = verdict.signatures.first().map(|s| s.mathematics);
    if is_intact && first != Some(Some(true)) {
        differences.push(format!("signed revision intact, mathematics: {first:?}"));
    }
    if let Some(sub) = expected["sub"].as_str() {
        let found = verdict.signatures.iter().filter_map(|s| s.sub_indication);
        if !found.into_iter().any(|s| s.name() == sub) {
            differences.push(format!("{sub} expected"));
        }
    }
    differences
}

fn must_pass(entry: &Value, verdict: Option<&Verdict>) -> Outcome {
    let Some(verdict) = verdict else {
        return Outcome::Disagrees("is refused".to_string());
    };
    if verdict.signatures.is_empty() {
        return Outcome::Disagrees("has no signature".to_string());
    }
    let trusted = entry["trust_anchor"].is_string();
    let mut differences = Vec::new();
    let mut changed = false;
    for signature in &verdict.signatures {
        changed |= is_changed(signature);
        let against = signature
            .findings
            .iter()
            .filter(|f| stands(f) && !f.check.starts_with("document.later"));
        differences.extend(against.map(|f| format!("{} {}", f.check, f.found)));
        if signature.mathematics != Some(true) {
            differences.push(format!("mathematics: {:?}", signature.mathematics));
        }
        if trusted && !changed && signature.indication != Indication::TotalPassed {
            differences.push(format!("{:?}", signature.sub_indication));
        }
    }
    match (differences.is_empty(), changed) {
        (true, true) => Outcome::NotSupported(CHANGES),
        _ => Outcome::of(differences),
    }
}

/// Passing is a matter of policy; with a warning, not without telling the later change.
fn may_pass(expected: &Value, verdict: Option<&Verdict>) -> Vec<String> {
    let warned = verdict.is_none_or(|v| {
        v.indication != Some(Indication::TotalPassed) || v.signatures.iter().any(is_changed)
    });
    if expected["passed"] == "policy-but-warn" && !warned {
        vec!["passes, and the later change is not told".to_string()]
    } else {
        Vec::new()
    }
}

fn permissions(
    expected: &Value,
    evidence: Option<&Evidence>,
    verdict: Option<&Verdict>,
) -> Outcome {
    let signatures = evidence.map_or(0, |e| e.signatures.len());
    let clean = |s: &SignatureVerdict| !s.findings.iter().any(stands);
    let passes = verdict.is_some_and(|v| v.signatures.iter().all(clean));
    let unsigned = expected["messages"]
        .as_array()
        .is_some_and(|all| all.iter().any(|m| m == "DOCUMENT_WITHOUT_SIGNATURES"));
    match text(expected, "modifications") {
        "allowed" if unsigned => match signatures {
            0 => Outcome::Agrees,
            more => Outcome::Disagrees(format!("{more} signatures, none expected")),
        },
        "allowed" if passes => Outcome::Agrees,
        "allowed" => {
            let changed = verdict.is_some_and(|v| v.signatures.iter().any(is_changed));
            if changed {
                Outcome::NotSupported(CHANGES)
            } else {
                Outcome::Disagrees("does not pass".to_string())
            }
        }
        _ if passes && signatures > 0 => Outcome::Disagrees("passes".to_string()),
        _ => Outcome::Agrees,
    }
}

#[test]
fn pdf_attacks() {
    run("pdf-attacks", judge);
}
