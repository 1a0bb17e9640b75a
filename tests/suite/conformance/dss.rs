//! The PAdES documents of EU DSS, with the facts that its own tests assert: counts, references, values, formats.

use super::{Cases, Outcome, guarded, inspect, policy, run, text};
use rubrica::engine::ErrorKind;
use rubrica::engine::evidence::{Evidence, Reference, Signature, Tier, Timestamp};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{
    SignatureVerdict, SubIndication, TimestampVerdict, Verdict, validate,
};
use serde_json::Value;
use std::path::Path;

fn judge(split: &Path, manifest: &Value) -> Cases {
    let mut cases = Cases::new();
    for file in manifest["files"].as_array().expect("files") {
        if text(file, "family") != "pades" {
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
        for case in all {
            let id = format!("{path}#{}", case["case"]);
            cases.push((id, guarded(|| compare(&bytes, case))));
        }
    }
    cases
}

fn compare(bytes: &[u8], case: &Value) -> Outcome {
    if case["portable"] == false {
        return Outcome::NotSupported("facts of DSS's own modules and settings");
    }
    let expect = &case["expect"];
    let evidence = inspect(bytes);
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
    if case["inputs"]["signing_certificates"]
        .as_array()
        .is_some_and(|all| !all.is_empty())
    {
        return Outcome::NotSupported("a signing certificate given out of band");
    }
    let now = "2026-11-21T00:00:00Z".parse().expect("time");
    let verdict = validate(&evidence, &policy(Anchors::default()), now);
    let mut differences = counts(expect, &evidence);
    differences.extend(facts(expect, &evidence, &verdict));
    differences.extend(timestamp_facts(expect, &evidence, &verdict));
    differences.extend(formats(expect, &evidence));
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
    let of_signatures: usize = evidence.signatures.iter().map(|s| s.timestamps.len()).sum();
    let stamps = (evidence.timestamps.len() + of_signatures) as u64;
    let mut differences = Vec::new();
    for (key, found, least) in [
        ("number_of_signatures", signatures, false),
        ("number_of_top_level_signatures", signatures, false),
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

/// Levels of the baseline, where both sides have one; the extended profiles of DSS have no counterpart here.
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
        let baseline = expected.starts_with("PAdES-BASELINE");
        if baseline && found != expected || !baseline && signature.level.tier > Tier::Bes {
            differences.push(format!("format {expected}, found {found}"));
        }
    }
    differences
}

#[test]
fn dss() {
    run("dss", judge);
}
