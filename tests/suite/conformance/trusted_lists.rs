//! trusted-lists: real lists, pivots and damaged ones (TS 119 612): what each says, and who may sign it.

use super::{Cases, Outcome, guarded, run, text};
use rubrica::engine::Time;
use rubrica::engine::limits::Budget;
use rubrica::engine::pki::trust::TrustedList;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// What differs between a value of ours and the manifest's.
fn differs(name: &str, ours: impl ToString, theirs: &Value) -> Option<String> {
    let ours = ours.to_string();
    let theirs = match theirs {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    (ours != theirs).then(|| format!("{name} is {ours:?}, not {theirs:?}"))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn shown(value: Option<impl ToString>) -> String {
    value.map(|v| v.to_string()).unwrap_or_default()
}

/// As an instant, since the manifest writes seconds and lists may write fractions.
fn differs_in_time(name: &str, ours: Option<Time>, theirs: &Value) -> Option<String> {
    let theirs: Option<Time> = theirs.as_str().map(|t| t.parse().unwrap());
    (ours != theirs).then(|| format!("{name} is {ours:?}, not {theirs:?}"))
}

fn compared(list: &TrustedList, entry: &Value) -> Vec<String> {
    let scheme = &list.scheme;
    let kind = scheme.list_type.as_deref().unwrap_or_default();
    let services: Vec<_> = list.services().map(|(_, s)| s).collect();
    let history: usize = services.iter().map(|s| s.states.len() - 1).sum();
    [
        differs("digest", hex(&list.digest), &entry["sha256"]),
        differs(
            "territory",
            shown(scheme.territory.as_ref()),
            &entry["territory"],
        ),
        differs("version", shown(scheme.version), &entry["version"]),
        differs("sequence", shown(scheme.sequence), &entry["sequence"]),
        differs(
            "type",
            kind.rsplit('/').next().unwrap_or(kind),
            &entry["type"],
        ),
        differs_in_time("issued", scheme.issued, &entry["issued"]),
        differs_in_time("next update", scheme.next_update, &entry["next_update"]),
        differs("providers", list.providers.len(), &entry["providers"]),
        differs("services", services.len(), &entry["services"]),
        differs("history", history, &entry["history"]),
        differs("pointers", scheme.pointers.len(), &entry["pointers"]),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether `lotl` names `signer` for the territory of `list`.
fn is_listed(lotl: &TrustedList, list: &TrustedList, signer: &str) -> bool {
    let pointers = lotl.scheme.pointers.iter();
    let of = pointers.filter(|p| p.territory == list.scheme.territory);
    of.flat_map(|p| &p.signers)
        .any(|c| hex(&c.fingerprint()) == signer)
}

fn case(entry: &Value, bytes: &[u8], lotl: &TrustedList) -> Outcome {
    let read = TrustedList::read(bytes, &mut Budget::default());
    if entry.get("xml_error").is_some() {
        return match read {
            Ok(_) => Outcome::Disagrees("is read, and is not XML".to_string()),
            Err(error) if error.element() == "trusted list" => Outcome::Agrees,
            Err(error) => Outcome::Disagrees(error.to_string()),
        };
    }
    let list = match read {
        Ok(list) => list,
        Err(error) => return Outcome::Disagrees(error.to_string()),
    };
    let mut differences = compared(&list, entry);
    if let Some(expected) = entry["signer_listed_in_lotl"].as_bool() {
        let signer = text(entry, "signer_sha256");
        if is_listed(lotl, &list, signer) != expected {
            differences.push(format!(
                "signer listed in the list of lists: not {expected}"
            ));
        }
    }
    if list.faults.iter().any(|f| f.contains("certificate")) {
        differences.push(list.faults.join("; "));
    }
    Outcome::of(differences)
}

fn judge(split: &Path, manifest: &Value) -> Cases {
    let read = |file: &str| fs::read(split.join("files").join(file)).unwrap();
    let lotl = read(text(manifest, "lotl"));
    let lotl = TrustedList::read(&lotl, &mut Budget::default()).unwrap();
    let entries = manifest["entries"].as_array().unwrap();
    let one = |entry: &Value| {
        let bytes = fs::read(split.join(text(entry, "file"))).unwrap();
        let outcome = guarded(|| case(entry, &bytes, &lotl));
        (text(entry, "id").to_string(), outcome)
    };
    entries.iter().map(one).collect()
}

#[test]
fn trusted_lists_say_what_they_say() {
    run("trusted-lists", judge);
}
