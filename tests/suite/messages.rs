//! Every check of `validation` and every rule of `formats` has wording in every language, and no wording is without use.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What the keys of checks and rules begin with.
const SUBJECTS: &[&str] = &[
    "algorithm",
    "asic",
    "attribute",
    "cades",
    "certificate",
    "claimed_time",
    "cms",
    "commitment",
    "content_hints",
    "content_type",
    "counter_signature",
    "document",
    "evidence_record",
    "format",
    "level",
    "mime_type",
    "past_certificate",
    "past_signature",
    "path",
    "pdf",
    "poe",
    "reference",
    "revocation",
    "signature_policy",
    "signer_role",
    "signing_certificate",
    "smime",
    "time_sliding",
    "timestamp",
    "value",
];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("source folder") {
        let path = entry.expect("entry").path();
        if path.ends_with("validation/policy") {
            // The table of constraints names checks, it makes none.
            continue;
        }
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("testing.rs") {
            into.push(path);
        }
    }
}

fn is_key(text: &str) -> bool {
    let known = text
        .split_once('.')
        .is_some_and(|(subject, _)| SUBJECTS.contains(&subject));
    known
        && !text.ends_with('.')
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.')
}

/// The keys in string literals of the code, its tests left out.
pub(super) fn keys_of_the_code() -> BTreeSet<String> {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine");
    let mut files = Vec::new();
    for room in ["formats", "validation"] {
        rust_files(&engine.join(room), &mut files);
    }
    let mut keys = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for line in code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            let literals = line.split('"').skip(1).step_by(2);
            keys.extend(literals.filter(|l| is_key(l)).map(str::to_string));
        }
    }
    keys
}

fn catalogue(language: &str) -> BTreeSet<String> {
    let path = format!("src/engine/report/messages/{language}.json");
    let text = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("catalogue");
    let value: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let checks = value["checks"].as_object().expect("checks");
    checks.keys().cloned().collect()
}

#[test]
fn every_key_has_wording_in_every_language() {
    let keys = keys_of_the_code();
    assert!(
        keys.len() > 60,
        "the reader of keys found only {}",
        keys.len()
    );
    for language in ["es", "en"] {
        let missing: Vec<_> = keys.difference(&catalogue(language)).cloned().collect();
        assert!(missing.is_empty(), "{language}: {missing:?}");
    }
}

#[test]
fn no_wording_is_without_use() {
    let unused: Vec<_> = catalogue("es")
        .difference(&keys_of_the_code())
        .cloned()
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}
