//! The PAdES and CAdES documents of EU DSS, with the facts that its own tests assert: counts, references, values, formats.

use super::{Cases, Outcome, guarded, inspect, inspect_with, policy, run, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rubrica::engine::ErrorKind;
use rubrica::engine::crypto::{DigestAlgorithm, digest};
use rubrica::engine::evidence::{
    Evidence, Object, ObjectKind, Origin, Reference, Signature, Timestamp, TimestampKind,
};
use rubrica::engine::formats::{Content, ContentDigests, Detached};
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{
    SignatureVerdict, SubIndication, TimestampVerdict, Verdict, validate,
};
use serde_json::Value;
use std::path::Path;

fn judge(split: &Path, manifest: &Value) -> Cases {
    let mut cases = Cases::new();
    for file in manifest["files"].as_array().expect("files") {
        if !["pades", "cades"].contains(&text(file, "family")) {
            continue;
        }
        let path = text(file, "path");
        let bytes = std::fs::read(split.join(path)).expect("file");
        let all = file["cases"].as_array().expect("cases");
        if all.is_empty() {
            let survives = || {
                let _ = inspect(&bytes);
                Outcome::Agrees
            };
            cases.push((format!("{path}#None"), guarded(survives)));
        }
        let given = |case: &'_ Value| {
            case["inputs"]["detached"][0]["path"]
                .as_str()
                .map(String::from)
        };
        let sibling = all.iter().find_map(given);
        let sibling = sibling.as_deref();
        for case in all {
            let id = format!("{path}#{}", case["case"]);
            cases.push((id, guarded(|| compare(split, &bytes, case, sibling))));
        }
    }
    cases
}

/// The content that was signed apart, where the case gives it.
enum Apart {
    Bytes(Vec<u8>),
    Digests(ContentDigests),
}

impl Apart {
    /// `sibling` is what another case of the file gives, of which this one gives nothing but the digest, in words that the
    /// corpus could not read.
    fn read(split: &Path, given: &Value, sibling: Option<&str>) -> Option<Apart> {
        if let Some(path) = given["path"].as_str() {
            return Some(Apart::Bytes(std::fs::read(split.join(path)).ok()?));
        }
        let Some(digests) = given["digest_only"].as_object() else {
            let content = std::fs::read(split.join(sibling?)).ok()?;
            let known = digest(DigestAlgorithm::Sha256, &content);
            let known = ContentDigests::known(DigestAlgorithm::Sha256, known, 0);
            return Some(Apart::Digests(known));
        };
        let (name, value) = digests.iter().next()?;
        let named = |a: &&DigestAlgorithm| a.name().replace('-', "") == *name;
        let algorithm = *DigestAlgorithm::ALL.iter().find(named)?;
        let value = STANDARD.decode(value.as_str()?).ok()?;
        let known = ContentDigests::known(algorithm, value, 0);
        Some(Apart::Digests(known))
    }

    fn content(&self) -> Content<'_> {
        match self {
            Apart::Bytes(bytes) => bytes.into(),
            Apart::Digests(digests) => Content::Streamed(digests),
        }
    }
}

/// With the certificates that the case gives out of band.
fn with_certificates(mut evidence: Evidence, split: &Path, case: &Value) -> Evidence {
    let given = case["inputs"]["signing_certificates"].as_array();
    for path in given.into_iter().flatten().filter_map(Value::as_str) {
        let bytes = std::fs::read(split.join(path)).expect("certificate");
        for one in Certificate::from_pem_or_der(&bytes).expect("certificate") {
            let object = Object::new(ObjectKind::Certificate, one.bytes(), Origin::Given);
            evidence.pool.add(object);
        }
    }
    evidence
}

fn compare(split: &Path, bytes: &[u8], case: &Value, sibling: Option<&str>) -> Outcome {
    if case["portable"] == false {
        return Outcome::NotSupported("facts of DSS's own modules and settings");
    }
    let expect = &case["expect"];
    let given = case["inputs"]["detached"].as_array();
    let given = given.into_iter().flatten();
    let contents: Vec<Apart> = given
        .map(|one| Apart::read(split, one, sibling).expect("detached content"))
        .collect();
    let detached: Vec<Detached<'_>> = contents
        .iter()
        .map(|apart| Detached {
            name: None,
            content: apart.content(),
        })
        .collect();
    let evidence =
        inspect_with(bytes, &detached).map(|found| with_certificates(found, split, case));
    if expect["outcome"] == "rejected" {
        let refused = match &evidence {
            Err(_) => true,
            Ok(evidence) => all_fail_the_format(evidence),
        };
        return if refused {
            Outcome::Agrees
        } else {
            Outcome::Disagrees("is not refused".into())
        };
    }
    let evidence = match evidence {
        Ok(evidence) => evidence,
        Err(error)
            if error.kind() == ErrorKind::Unsupported
                && error.to_string().contains("encrypted") =>
        {
            return Outcome::NotSupported("encrypted documents");
        }
        Err(error) => return Outcome::Disagrees(error.to_string()),
    };
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let verdict = validate(&evidence, &policy(Anchors::default()), now);
    let mut differences = counts(expect, &evidence);
    differences.extend(facts(expect, &evidence, &verdict));
    differences.extend(timestamp_facts(expect, &evidence, &verdict));
    differences.extend(formats(expect, &evidence));
    differences.extend(proofs(&evidence));
    Outcome::of(differences)
}

fn all_fail_the_format(evidence: &Evidence) -> bool {
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let verdict = validate(evidence, &policy(Anchors::default()), now);
    let failed = |s: &SignatureVerdict| s.sub_indication == Some(SubIndication::FormatFailure);
    verdict.signatures.iter().all(failed)
}

fn stamps<'e>(
    evidence: &'e Evidence,
    verdict: &'e Verdict,
) -> Vec<(&'e Timestamp, &'e TimestampVerdict)> {
    let own = evidence.timestamps.iter().zip(&verdict.timestamps);
    let of_signatures = evidence.signatures.iter().zip(&verdict.signatures);
    let of_signatures = of_signatures.flat_map(|(s, v)| s.timestamps.iter().zip(&v.timestamps));
    own.chain(of_signatures).collect()
}

fn counts(expect: &Value, evidence: &Evidence) -> Vec<String> {
    let signatures = evidence.signatures.len() as u64;
    let of_content = evidence
        .signatures
        .iter()
        .filter(|s| s.countersigns.is_none());
    let top_level = of_content.count() as u64;
    let of_signatures: usize = evidence.signatures.iter().map(|s| s.timestamps.len()).sum();
    let stamps = (evidence.timestamps.len() + of_signatures) as u64;
    let mut differences = Vec::new();
    for (key, found, least) in [
        ("number_of_signatures", signatures, false),
        ("number_of_top_level_signatures", top_level, false),
        ("number_of_signatures_min", signatures, true),
        ("number_of_timestamps", stamps, false),
        ("number_of_timestamps_min", stamps, true),
    ] {
        let holds = expect[key]
            .as_u64()
            .is_none_or(|n| if least { found >= n } else { found == n });
        if !holds {
            differences.push(format!("{key} {}, found {found}", expect[key]));
        }
    }
    differences
}

/// A fact about each of several things, held against what DSS asserts of all, the first, or some of them.
fn hold(key: &str, tri: &Value, found: &[bool]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut must = |what: &str, holds: bool| {
        if !holds {
            differences.push(format!("{key} {what}: {found:?}"));
        }
    };
    for what in ["all", "all_except_manifest_entries", "top_level_all"] {
        if let Some(expected) = tri[what].as_bool() {
            must(what, found.iter().all(|f| *f == expected));
        }
    }
    if let (Some(expected), Some(first)) = (tri["first"].as_bool(), found.first()) {
        must("first", *first == expected);
    }
    if tri["some_true"] == true {
        must("some true", found.contains(&true));
    }
    if tri["some_false"] == true {
        must("some false", found.contains(&false));
    }
    for (what, value) in [("count_true", true), ("count_false", false)] {
        if let Some(count) = tri[what].as_u64() {
            must(
                what,
                found.iter().filter(|f| **f == value).count() as u64 == count,
            );
        }
    }
    differences
}

fn has(verdict: &[rubrica::engine::validation::Finding], check: &str) -> bool {
    verdict.iter().any(|f| f.check == check)
}

/// The mathematics, of a structure that is what it should be.
fn holds(verdict: &SignatureVerdict) -> bool {
    verdict.mathematics == Some(true)
        && verdict.sub_indication != Some(SubIndication::FormatFailure)
}

type StampFact = (&'static str, fn(&Timestamp, &TimestampVerdict) -> bool);
type Fact = (&'static str, fn(&Signature, &SignatureVerdict) -> bool);

fn facts(expect: &Value, evidence: &Evidence, verdict: &Verdict) -> Vec<String> {
    let facts: [Fact; 5] = [
        ("bl_ok", |_, v| holds(v)),
        ("signature_valid", |_, v| holds(v)),
        // The library beneath DSS finds a value wrong where the digest beside it is.
        ("signature_intact", |_, v| holds(v)),
        ("signing_certificate_identified", |s, v| {
            // By a signed reference, which EN 319 102-1 §5.2.3 asks for.
            !s.certificate_references.is_empty() && v.signing_certificate.is_some()
        }),
        ("signing_certificate_reference_present", |s, _| {
            !s.certificate_references.is_empty()
        }),
    ];
    let pairs: Vec<_> = evidence
        .signatures
        .iter()
        .zip(&verdict.signatures)
        .collect();
    let mut differences = Vec::new();
    for (key, fact) in facts {
        let found: Vec<bool> = pairs.iter().map(|(s, v)| fact(s, v)).collect();
        differences.extend(hold(key, &expect[key], &found));
    }
    // These two DSS asserts of each reference, whatever signature it belongs to.
    let references = || evidence.signatures.iter().flat_map(|s| &s.references);
    let found: Vec<bool> = references().map(Reference::is_found).collect();
    differences.extend(hold(
        "reference_data_found",
        &expect["reference_data_found"],
        &found,
    ));
    let intact: Vec<bool> = references().map(Reference::is_intact).collect();
    differences.extend(hold(
        "reference_data_intact",
        &expect["reference_data_intact"],
        &intact,
    ));
    differences
}

fn timestamp_facts(expect: &Value, evidence: &Evidence, verdict: &Verdict) -> Vec<String> {
    let facts: [StampFact; 4] = [
        ("message_imprint_data_found", |t, _| t.imprint.is_found()),
        ("message_imprint_data_intact", |t, _| t.imprint.is_intact()),
        ("signature_intact", |_, v| {
            has(&v.findings, "value.verifies")
        }),
        ("signing_certificate_identified", |_, v| {
            v.signing_certificate.is_some()
        }),
    ];
    let pairs = stamps(evidence, verdict);
    let mut differences = Vec::new();
    for (key, fact) in facts {
        let found: Vec<bool> = pairs.iter().map(|(t, v)| fact(t, v)).collect();
        differences.extend(hold(
            &format!("time-stamp {key}"),
            &expect["timestamps"][key],
            &found,
        ));
    }
    differences
}

/// Levels of the baseline and the older forms of CAdES; the other profiles of DSS have no counterpart here.
fn formats(expect: &Value, evidence: &Evidence) -> Vec<String> {
    let mut differences = Vec::new();
    for format in expect["signature_formats"].as_array().into_iter().flatten() {
        let expected = text(format, "value");
        let signature = match text(format, "sel") {
            "first" | "index:0" => evidence.signatures.first(),
            "last" => evidence.signatures.last(),
            _ => continue,
        };
        let Some(signature) = signature else { continue };
        let found = signature.level.to_string();
        let extended = expected.starts_with("CAdES-") || expected.contains("-BASELINE-");
        let differs = if extended {
            found != expected
        } else {
            signature.level.tier.is_baseline()
        };
        if differs {
            differences.push(format!("format {expected}, found {found}"));
        }
    }
    differences
}

/// What holds of every archive time-stamp whose imprint is intact: it is over its signature and all earlier time-stamps of
/// it, each of them an object that the evidence has.
fn proofs(evidence: &Evidence) -> Vec<String> {
    let mut differences = Vec::new();
    for signature in &evidence.signatures {
        for (index, stamp) in signature.timestamps.iter().enumerate() {
            let is_proof = stamp.kind == TimestampKind::Archive && stamp.imprint.is_intact();
            if !is_proof {
                continue;
            }
            let earlier = signature
                .timestamps
                .iter()
                .filter(|t| t.gen_time < stamp.gen_time || t.kind == TimestampKind::Signature);
            let holds = stamp.signatures.contains(&signature.id)
                && earlier.into_iter().all(|t| stamp.covers.contains(&t.token))
                && stamp
                    .covers
                    .iter()
                    .all(|id| evidence.pool.get(id).is_some());
            if !holds {
                differences.push(format!("time-stamp {index} does not prove what it is over"));
            }
        }
    }
    differences
}

#[test]
fn dss() {
    run("dss", judge);
}
