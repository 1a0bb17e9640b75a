//! Real and test certificates of Spanish issuers: whom each names and as what, looked at once by eye and kept.
//!
//! `spanish_certificates.json` holds what each should give, by file name. A `*` stands for something that must be there and is not
//! kept, since it is of a person who is no invention; `null` for what is no certificate.

use super::{Cases, Outcome, corpora, guarded, tell};
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::identity::CertificateIdentity;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

const EXPECTED: &str = include_str!("spanish_certificates.json");

/// What is compared: everything but the statements, of which `stated` and `notes` are made.
fn found(bytes: &[u8]) -> Value {
    let Ok(all) = Certificate::from_pem_or_der(bytes) else {
        return Value::Null;
    };
    let identity = CertificateIdentity::of(&all[0]);
    let mut value = serde_json::to_value(identity).expect("an identity is data");
    value
        .as_object_mut()
        .expect("an object")
        .remove("qc_statements");
    value
}

/// Where `found` is not what is expected, as paths of keys; never the values, which may be of persons.
fn differences(path: &str, expected: &Value, found: &Value) -> Vec<String> {
    match (expected, found) {
        (Value::String(any), Value::String(text)) if any == "*" && !text.is_empty() => Vec::new(),
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let of = |m: &Map<String, Value>, key: &str| m.get(key).cloned().unwrap_or_default();
            keys.into_iter()
                .flat_map(|k| differences(&format!("{path}/{k}"), &of(a, k), &of(b, k)))
                .collect()
        }
        _ if expected == found => Vec::new(),
        _ => vec![path.to_string()],
    }
}

fn judge(folder: &Path) -> Cases {
    let expected: Map<String, Value> = serde_json::from_str(EXPECTED).expect("expectations");
    let files = std::fs::read_dir(folder).expect("folder");
    let there: BTreeSet<String> = files
        .map(|f| f.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let names: BTreeSet<String> = there.iter().chain(expected.keys()).cloned().collect();
    let case = |name: &String| match (expected.get(name), there.contains(name)) {
        (None, _) => Outcome::Disagrees("is not in the expectations".to_string()),
        (_, false) => Outcome::Disagrees("is not in the corpus".to_string()),
        (Some(expected), true) => {
            let bytes = std::fs::read(folder.join(name)).expect("file");
            Outcome::of(differences("", expected, &found(&bytes)))
        }
    };
    names
        .iter()
        .map(|name| (name.clone(), guarded(|| case(name))))
        .collect()
}

#[test]
fn spanish_certificates() {
    let Some(root) = corpora() else { return };
    let folder = root.join("spain/dev/certs");
    if !folder.is_dir() {
        println!("corpus spain/dev/certs: none; skipped");
        return;
    }
    let problems = tell("spanish-certificates", "spain/dev/certs", judge(&folder));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_difference_is_found_wherever_it_is() {
    let json = |text| serde_json::from_str::<Value>(text).unwrap();
    let expected = json(r#"{"a":"*","b":{"c":[1]}}"#);
    assert!(differences("", &expected, &json(r#"{"a":"x","b":{"c":[1]}}"#)).is_empty());
    for (found, paths) in [
        (r#"{"a":"","b":{"c":[1]}}"#, &["/a"][..]),
        (r#"{"a":"x","b":{"c":[2]}}"#, &["/b/c"]),
        (r#"{"b":{"c":[1],"d":1}}"#, &["/a", "/b/d"]),
    ] {
        assert_eq!(differences("", &expected, &json(found)), paths);
    }
}
