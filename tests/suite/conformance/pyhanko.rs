//! pyHanko's documents: whether a signature is intact, whether its value verifies, and what it covers.
//!
//! Trust, seed values and what a later change changes are of later issues, and not compared here.

use super::{Cases, Outcome, guarded, inspect, policy, pyhanko_ades, run, text};
use rubrica::engine::evidence::{ChangeKind, Evidence, Family, Pool};
use rubrica::engine::formats::cades::{Content, inspect_signer};
use rubrica::engine::limits::Limits;
use rubrica::engine::pki::cms::SignedData;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::asn1::{Reader, Tag};
use rubrica::engine::validation::{Finding, validate};
use rubrica::engine::{ErrorKind, Result};
use serde_json::Value;
use std::path::Path;

fn judge(split: &Path, manifest: &Value) -> Cases {
    let mut cases = Cases::new();
    for entry in manifest["entries"].as_array().expect("entries") {
        cases.push((
            text(entry, "id").to_string(),
            guarded(|| case(split, entry)),
        ));
        if pyhanko_ades::is_one(entry) {
            let id = format!("ades/{}", text(entry, "id"));
            cases.push((id, guarded(|| pyhanko_ades::case(split, entry))));
        }
    }
    for entry in manifest["static_pdfs"].as_array().into_iter().flatten() {
        let file = entry.as_str().unwrap_or_else(|| text(entry, "file"));
        let bytes = std::fs::read(split.join(file)).expect("file");
        let survives = || {
            let _ = inspect(&bytes);
            Outcome::Agrees
        };
        cases.push((file.to_string(), guarded(survives)));
    }
    cases
}

fn case(split: &Path, entry: &Value) -> Outcome {
    let bytes = std::fs::read(split.join(text(entry, "file"))).expect("file");
    let bare = text(entry, "file_kind").starts_with("bare SignedData");
    let evidence = if bare {
        bare_signature(&bytes, text(entry, "raw_digest"))
    } else {
        inspect(&bytes)
    };
    match evidence {
        Ok(evidence) => compare(&evidence, entry, bare),
        Err(error) if error.kind() == ErrorKind::Unsupported && is_encrypted(entry) => {
            Outcome::NotSupported("encrypted documents")
        }
        Err(_) if entry["expected"]["error"].is_string() => Outcome::Agrees,
        Err(error) => Outcome::Disagrees(error.to_string()),
    }
}

fn is_encrypted(entry: &Value) -> bool {
    entry["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|t| t == "encrypted"))
}

pub(super) fn bare_signature(bytes: &[u8], raw_digest: &str) -> Result<Evidence> {
    // The files are `[0] EXPLICIT SignedData`, as a ContentInfo has it.
    let inner = Reader::ber(bytes).expect(Tag::context(0), "content")?;
    let data = SignedData::from_ber(inner.content())?;
    let digest: Vec<u8> = raw_digest
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let content = |algorithm| {
        data.content_digest(algorithm)
            .or_else(|| Some(digest.clone()))
    };
    let mut evidence = Evidence::new("CAdES", bytes);
    let mut pool = Pool::default();
    let mut budget = Limits::default().budget();
    let name = "signer".to_string();
    let signature = inspect_signer(
        &data,
        0,
        Content {
            digest: &content,
            apart: None,
        },
        Family::Cades,
        name,
        &mut pool,
        &mut budget,
    )?;
    evidence.pool = pool;
    evidence.signatures.push(signature);
    Ok(evidence)
}

fn compare(evidence: &Evidence, entry: &Value, bare: bool) -> Outcome {
    let field = text(entry, "field");
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let verdict = validate(evidence, &policy(Anchors::default()), now);
    let at = evidence
        .signatures
        .iter()
        .position(|s| bare || s.name == field);
    let expected = &entry["expected"];
    let Some(at) = at else {
        let is_error = expected["error"].is_string();
        return if is_error {
            Outcome::Agrees
        } else {
            Outcome::Disagrees("signature not found".to_string())
        };
    };
    let (signature, judged) = (&evidence.signatures[at], &verdict.signatures[at]);
    let none = |check: &str| !judged.findings.iter().any(|f: &Finding| f.check == check);
    let intact = none("reference.altered") && none("reference.not_found");
    let valid = !none("value.verifies");
    if signature.algorithm.is_none() || signature.digest_algorithm.is_none() {
        return Outcome::NotSupported("algorithms without a row in the table");
    }
    let mut differences = Vec::new();
    for (key, found) in [("intact", intact), ("valid", valid)] {
        if expected[key].as_bool().is_some_and(|e| e != found) {
            differences.push(format!("{key}: {found}"));
        }
    }
    if let Some(coverage) = expected["coverage"].as_str() {
        let changes = &signature.later_changes;
        let conforms = !signature
            .faults
            .iter()
            .any(|f| f.rule.starts_with("pdf.byte_range"));
        let bytes_only = changes.iter().all(|c| c.kind == ChangeKind::Bytes);
        // Where /ByteRange is wrong, it is all the same how.
        let coverage = match (conforms, coverage) {
            (false, "CONTIGUOUS_BLOCK_FROM_START") => "UNCLEAR",
            _ => coverage,
        };
        let found = match (conforms, changes.is_empty(), bytes_only) {
            (false, ..) => "UNCLEAR",
            (_, true, _) => "ENTIRE_FILE",
            (_, _, false) => "ENTIRE_REVISION",
            _ => "CONTIGUOUS_BLOCK_FROM_START",
        };
        if coverage != found {
            differences.push(format!("coverage {coverage}, found {found}"));
        }
    }
    Outcome::of(differences)
}

#[test]
fn pyhanko() {
    run("pyhanko", judge);
}
