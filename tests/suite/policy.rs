//! Validation policies as data: the schema against presets and the table of checks, and each constraint at each level.

use super::corpora;
use super::messages::keys_of_the_code;
use rubrica::engine::crypto::digest;
use rubrica::engine::formats::{Input, recognise};
use rubrica::engine::limits::Limits;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::asn1::Oid;
use rubrica::engine::validation::{Constraints, Policy, SCHEMA, validate, weighable, why_fixed};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The part of JSON Schema (draft 7) that the schema uses; what it uses beyond is a failure. Answers what is wrong, and where.
fn against(schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    for (keyword, says) in schema.as_object().expect("a schema is an object") {
        let mut wrong = |what: &str| problems.push(format!("{at}: {what}"));
        match keyword.as_str() {
            "$schema" | "$id" | "title" | "description" | "then" => {}
            "type" => {
                let is = match says.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64() || value.is_i64(),
                    "null" => value.is_null(),
                    other => panic!("{other}"),
                };
                if !is {
                    wrong("type");
                }
            }
            "enum" if !says.as_array().unwrap().contains(value) => wrong("enum"),
            "enum" => {}
            "minimum" if value.as_f64() < says.as_f64() => wrong("minimum"),
            "maximum" if value.as_f64() > says.as_f64() => wrong("maximum"),
            "minimum" | "maximum" => {}
            "minLength" if value.as_str().map_or(0, str::len) < says.as_u64().unwrap() as usize => {
                wrong("minLength");
            }
            "minLength" => {}
            "pattern" => {
                if !matches(says.as_str().unwrap(), value.as_str().unwrap_or_default()) {
                    wrong("pattern");
                }
            }
            "required" => {
                for name in says.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        wrong(&format!("{name} is required"));
                    }
                }
            }
            "properties" | "additionalProperties" | "propertyNames" => {}
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    against(says, item, at, problems);
                }
                continue;
            }
            "oneOf" => {
                let fits = says.as_array().unwrap().iter().filter(|one| {
                    let mut problems = Vec::new();
                    against(one, value, at, &mut problems);
                    problems.is_empty()
                });
                if fits.count() != 1 {
                    wrong("oneOf");
                }
            }
            "not" => {
                let mut inner = Vec::new();
                against(says, value, at, &mut inner);
                if inner.is_empty() {
                    wrong("not");
                }
            }
            "if" => {
                let mut inner = Vec::new();
                against(says, value, at, &mut inner);
                if inner.is_empty() {
                    against(&schema["then"], value, at, problems);
                }
                continue;
            }
            other => panic!("the schema uses {other}, which this test does not know"),
        }
    }
    members(schema, value, at, problems);
}

fn members(schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let at = format!("{at}/{name}");
        if let Some(names) = schema.get("propertyNames") {
            against(names, &json!(name), &at, problems);
        }
        match (
            schema["properties"].get(name),
            &schema["additionalProperties"],
        ) {
            (Some(own), _) => against(own, member, &at, problems),
            (None, Value::Bool(false)) => problems.push(format!("{at}: is not foreseen")),
            (None, Value::Object(_)) => {
                against(&schema["additionalProperties"], member, &at, problems);
            }
            (None, _) => {}
        }
    }
}

/// The patterns of the schema: object identifiers, with `none` or without, and keys of checks.
fn matches(pattern: &str, text: &str) -> bool {
    let is_oid = || {
        text.split('.').count() > 1
            && text.starts_with(['0', '1', '2'])
            && text.split('.').all(|arc| {
                arc.chars().all(|c| c.is_ascii_digit())
                    && !arc.is_empty()
                    && (arc == "0" || !arc.starts_with('0'))
            })
    };
    match pattern {
        r"^[0-2](\.(0|[1-9][0-9]*))+$" => is_oid(),
        r"^(none|[0-2](\.(0|[1-9][0-9]*))+)$" => text == "none" || is_oid(),
        r"^[a-z_]+(\.[a-z0-9_]+)+$" => {
            text.contains('.')
                && text
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._".contains(c))
        }
        other => panic!("the schema uses the pattern {other}, which this test does not know"),
    }
}

fn problems(value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut problems = Vec::new();
    against(&schema, value, "", &mut problems);
    problems
}

fn preset_file(name: &str) -> Value {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/engine/validation/policy/presets"
    );
    let text = std::fs::read(format!("{folder}/{name}.json")).expect("the file of the preset");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn presets_are_as_the_schema_says_in_their_files_and_whole() {
    for name in Constraints::presets() {
        assert_eq!(problems(&preset_file(name)), [""; 0], "{name}");
        let whole = Constraints::preset(name).unwrap().to_value();
        assert_eq!(problems(&whole), [""; 0], "{name}");
    }
}

/// What the reader takes and the schema takes are the same: every member is foreseen by both, and neither takes another.
#[test]
fn schema_and_reader_know_the_same_members() {
    fn names(schema: &Value, at: &str, all: &mut BTreeSet<String>) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            all.insert(format!("{at}/{name}"));
            names(member, &format!("{at}/{name}"), all);
        }
    }
    fn members(value: &Value, at: &str, all: &mut BTreeSet<String>) {
        for (name, member) in value.as_object().into_iter().flatten() {
            all.insert(format!("{at}/{name}"));
            if name != "checks" {
                members(member, &format!("{at}/{name}"), all);
            }
        }
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let (mut foreseen, mut written) = (BTreeSet::new(), BTreeSet::new());
    names(&schema, "", &mut foreseen);
    members(&Constraints::default().to_value(), "", &mut written);
    // What a file alone has, and what is only written where it is there.
    written.extend(["/base", "/path/permitted_names", "/path/excluded_names"].map(String::from));
    assert_eq!(foreseen, written);
    for (member, value) in [
        ("other", json!(1)),
        ("revocation", json!("maybe")),
        ("path", json!([])),
    ] {
        let mut file = json!({"base": "default", "name": "own"});
        assert_eq!(problems(&file), [""; 0]);
        assert!(Constraints::read(file.to_string().as_bytes()).is_ok());
        file[member] = value;
        assert_ne!(problems(&file), [""; 0], "{member}");
        assert!(
            Constraints::read(file.to_string().as_bytes()).is_err(),
            "{member}"
        );
    }
}

#[test]
fn every_check_is_weighable_or_says_why_it_is_not() {
    let keys = keys_of_the_code();
    let table: BTreeSet<String> = weighable().map(|(key, _)| key.to_string()).collect();
    let undeclared: Vec<_> = keys
        .iter()
        .filter(|key| !table.contains(*key) && why_fixed(key).is_none())
        .collect();
    assert!(
        undeclared.is_empty(),
        "neither in CHECKS nor in FIXED: {undeclared:?}"
    );
    let unused: Vec<_> = table.difference(&keys).collect();
    assert!(unused.is_empty(), "no check is called so: {unused:?}");
}

const AGE: &str = "2.16.724.1.3.1.1.2.1.9";

fn age_by(name: &str) -> Policy {
    let preset = Constraints::preset(name).unwrap();
    Policy::baseline(Anchors::default()).constrained(|c| *c = preset)
}

#[test]
fn the_digests_of_the_age_are_those_of_its_document() {
    let Some(folder) = corpora::folder() else {
        println!("skipped: no corpora");
        return;
    };
    let document = folder.join("dss/dev/_aux/xades/validation/dss874/policy.pdf");
    let document = std::fs::read(document).expect("the policy of the AGE");
    let policy = age_by("default");
    let known = policy
        .signature_policies
        .find(&Oid::from_dotted(AGE).unwrap());
    for (algorithm, value) in &known.expect("it ships").digests {
        assert_eq!(digest(*algorithm, &document)[..], value[..], "{algorithm}");
    }
}

/// Signatures of Spanish administrations that name the policy of the AGE name its document, and are told what they lack of it.
#[test]
fn what_the_policy_of_the_age_comes_to_on_real_signatures() {
    let Some(folder) = corpora::folder() else {
        println!("skipped: no corpora");
        return;
    };
    let (mut named, mut kept) = (0, 0);
    let mut files: Vec<_> = std::fs::read_dir(folder.join("spain/dev/files"))
        .unwrap()
        .collect();
    files.sort_by_key(|file| file.as_ref().unwrap().file_name());
    for file in files {
        let path = file.unwrap().path();
        let document = std::fs::read(&path).unwrap();
        let input = Input {
            document: &document,
            detached: &[],
        };
        let Ok(format) = recognise(&document) else {
            continue;
        };
        let Ok(evidence) = format.inspect(input, &mut Limits::default().budget()) else {
            continue;
        };
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let verdict = validate(&evidence, &age_by("age-1.9"), now);
        for (signature, verdict) in evidence.signatures.iter().zip(&verdict.signatures) {
            let is_age = |id: &Oid| id.to_string() == AGE;
            let has = |check: &str| verdict.findings.iter().any(|f| f.check == check);
            if !signature.policy.as_ref().is_some_and(|p| is_age(&p.id)) {
                let told = has("signature_policy.missing") || has("signature_policy.not_accepted");
                let counter = signature.countersigns.is_some();
                assert!(
                    told || counter,
                    "{}: {:#?}",
                    path.display(),
                    verdict.findings
                );
                continue;
            }
            named += 1;
            let name = path.display();
            assert!(
                has("signature_policy.weak_digest"),
                "{name}: SHA-1 is in use"
            );
            for wrong in ["digest_mismatch", "not_available", "malformed", "no_digest"] {
                assert!(
                    !has(&format!("signature_policy.{wrong}")),
                    "{name}: {wrong}"
                );
            }
            let lacks = has("signature_policy.attribute_missing")
                || has("signature_policy.attribute_forbidden");
            assert_eq!(has("signature_policy.applied"), !lacks, "{name}");
            kept += usize::from(!lacks);
        }
    }
    println!("{named} name it, {kept} keep it");
    assert!(named >= 5 && kept >= 1, "{named} name it, {kept} keep it");
}
