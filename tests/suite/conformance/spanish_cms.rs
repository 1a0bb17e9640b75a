//! Signatures in CMS that Spanish programs made, held against what EU DSS answered: how many, of which level, whether values
//! and references hold, which policy.

use super::{Cases, Outcome, guarded, inspect, policy, run, text};
use rubrica::engine::evidence::{Reference, Signature};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Indication, SignatureVerdict, SubIndication, validate};
use serde_json::Value;
use std::path::Path;

fn judge(split: &Path, manifest: &Value) -> Cases {
    let entries = manifest["entries"].as_array().expect("entries").iter();
    entries
        .map(|entry| {
            (
                entry,
                std::fs::read(split.join(text(entry, "file"))).expect("file"),
            )
        })
        .filter(|(_, bytes)| bytes.first() == Some(&0x30))
        .map(|(entry, bytes)| {
            let id = text(entry, "file").trim_start_matches("files/").to_string();
            (id, guarded(|| compare(&bytes, &entry["dss"])))
        })
        .collect()
}

fn compare(bytes: &[u8], answer: &Value) -> Outcome {
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let found = inspect(bytes);
    let policy = policy(Anchors::default());
    let found = found.map(|evidence| (validate(&evidence, &policy, now), evidence));
    if answer["error"].is_string() {
        // What the other could not read, nobody passes.
        let passed = found.is_ok_and(|(v, _)| v.indication == Some(Indication::TotalPassed));
        return Outcome::of(passed.then(|| "passes".to_string()).into_iter().collect());
    }
    let (verdict, evidence) = match found {
        Ok(found) => found,
        Err(error) => return Outcome::Disagrees(error.to_string()),
    };
    let pairs = evidence.signatures.iter().zip(&verdict.signatures);
    let mut ours: Vec<String> = pairs.map(|(s, v)| facts(s, v)).collect();
    let theirs = answer["signatures"].as_array().expect("signatures");
    let mut theirs: Vec<String> = theirs.iter().map(answered).collect();
    // Each has counter-signatures in an order of its own.
    ours.sort();
    theirs.sort();
    let differ = ours != theirs;
    Outcome::of(
        differ
            .then(|| format!("answered {theirs:?}, found {ours:?}"))
            .into_iter()
            .collect(),
    )
}

fn facts(signature: &Signature, verdict: &SignatureVerdict) -> String {
    let holds = verdict.mathematics == Some(true)
        && verdict.sub_indication != Some(SubIndication::FormatFailure);
    let references = &signature.references;
    let policy = signature.policy.as_ref().map(|p| p.id.to_string());
    format!(
        "{} holds {holds} found {} intact {} stamps {} policy {}",
        signature.level,
        references.iter().all(Reference::is_found),
        references.iter().all(Reference::is_intact),
        signature.timestamps.len(),
        policy.unwrap_or_default(),
    )
}

fn answered(signature: &Value) -> String {
    let references = signature["references"].as_array().into_iter().flatten();
    let all = |key: &str| references.clone().all(|r| r[key] == true);
    format!(
        "{} holds {} found {} intact {} stamps {} policy {}",
        text(signature, "format"),
        signature["bl_ok"] == true,
        all("found"),
        all("intact"),
        signature["timestamps"].as_array().map_or(0, Vec::len),
        text(signature, "policy_id"),
    )
}

#[test]
fn spanish_cms() {
    run("spain", judge);
}
