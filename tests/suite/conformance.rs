//! Foreign truth: `cargo test --test suite conformance -- --nocapture`.
//!
//! Corpora are looked for as `<corpus>/<split>/manifest.json` under `RUBRICA_CORPORA` (default `../shared/corpora` beside the
//! project; absent: it says so and skips), whatever the splits are called. A case agrees, is excepted by
//! `exceptions/<corpus>` (its id and a reason that names a clause), is not supported yet (counted, never a pass; in
//! `exceptions/not-supported` the most there may be), or disagrees. The run fails on a case that disagrees, on one that is
//! excepted and agrees, and on more that are not supported than there were.

mod cms;
mod dss;
mod limbo;
mod pdf_attacks;
mod pkits;
mod pyhanko;
mod pyhanko_ades;
mod revocation;
mod spanish_certificates;
mod spanish_cms;
mod timestamps;
mod trusted_lists;
mod wycheproof;

use rubrica::engine::evidence::Evidence;
use rubrica::engine::formats::{Detached, Input, recognise};
use rubrica::engine::limits::Limits;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Policy, Revocation};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// What one case came to.
enum Outcome {
    Agrees,
    /// The feature it needs is of a later issue.
    NotSupported(&'static str),
    Disagrees(String),
}

impl Outcome {
    /// Agrees where nothing differs.
    fn of(differences: Vec<String>) -> Outcome {
        if differences.is_empty() {
            Outcome::Agrees
        } else {
            Outcome::Disagrees(differences.join("; "))
        }
    }
}

type Cases = Vec<(String, Outcome)>;

fn corpora() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let root = std::env::var_os("RUBRICA_CORPORA").map_or_else(default, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    println!("corpora: none at {}; skipped", root.display());
    None
}

fn suite_file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/suite/exceptions")
        .join(name);
    fs::read_to_string(path).unwrap_or_default()
}

/// Lines of `key reason`; empty lines and those that begin with # are left out.
fn table(name: &str) -> BTreeMap<String, String> {
    suite_file(name)
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(key, rest)| (key.to_string(), rest.trim().to_string()))
        .collect()
}

/// Runs `judge` over every split of `corpus`, prints what came out, and fails where the rules of this suite say so.
fn run(corpus: &str, judge: fn(&Path, &Value) -> Cases) {
    let Some(root) = corpora() else { return };
    let Ok(splits) = fs::read_dir(root.join(corpus)) else {
        println!("corpus {corpus}: none; skipped");
        return;
    };
    let mut splits: Vec<PathBuf> = splits.map(|s| s.unwrap().path()).collect();
    splits.retain(|split| split.join("manifest.json").is_file());
    splits.sort();
    let mut problems = Vec::new();
    for split in splits {
        let manifest = fs::read(split.join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let name = format!("{corpus}/{}", split.file_name().unwrap().to_string_lossy());
        problems.extend(tell(corpus, &name, judge(&split, &manifest)));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Prints the line of a split and its disagreements; answers what fails the run.
fn tell(corpus: &str, name: &str, cases: Cases) -> Vec<String> {
    let exceptions = table(corpus);
    let mut problems = Vec::new();
    let (mut agree, mut excepted, mut reasons) = (0, 0, BTreeMap::<&str, usize>::new());
    let mut disagree = Vec::new();
    let total = cases.len();
    for (id, outcome) in cases {
        let exception = exceptions.get(&id.replace(' ', "_"));
        match (outcome, exception) {
            (Outcome::Agrees, None) => agree += 1,
            (Outcome::Agrees, Some(_)) => {
                agree += 1;
                problems.push(format!(
                    "{name} {id}: excepted, and agrees; take it off the list"
                ));
            }
            (Outcome::NotSupported(why), _) => *reasons.entry(why).or_default() += 1,
            (Outcome::Disagrees(_), Some(_)) => excepted += 1,
            (Outcome::Disagrees(why), None) => disagree.push(format!("{name} {id}: {why}")),
        }
    }
    let not_supported: usize = reasons.values().sum();
    println!(
        "corpus {name}: {total} cases, {agree} agree, {excepted} excepted, {not_supported} not supported, {} disagree",
        disagree.len()
    );
    for (why, count) in reasons {
        println!("  not supported: {count} {why}");
    }
    for line in &disagree {
        println!("  {line}");
    }
    if let Some(most) = table("not-supported").get(name)
        && not_supported > most.parse().expect("a number")
    {
        problems.push(format!(
            "{name}: {not_supported} not supported, more than {most}"
        ));
    }
    problems.extend(disagree);
    problems
}

/// Runs one case; a panic disagrees.
fn guarded(case: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(case))
        .unwrap_or_else(|_| Outcome::Disagrees("panics".to_string()))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn inspect(document: &[u8]) -> rubrica::engine::Result<Evidence> {
    inspect_with(document, &[])
}

fn inspect_with(document: &[u8], detached: &[Detached<'_>]) -> rubrica::engine::Result<Evidence> {
    let input = Input { document, detached };
    recognise(document)?.inspect(input, &mut Limits::default().budget())
}

/// The baseline policy without revocation, under these anchors.
fn policy(anchors: Anchors) -> Policy {
    Policy::baseline(anchors).constrained(|c| c.revocation = Revocation::Ignored)
}

#[test]
fn exceptions_name_a_clause() {
    for corpus in [
        "cms",
        "dss",
        "limbo",
        "pdf-attacks",
        "pkits",
        "pyhanko",
        "revocation",
        "spain",
        "trusted-lists",
        "wycheproof",
    ] {
        for (id, reason) in table(corpus) {
            assert!(reason.contains('§'), "{corpus} {id}: {reason}");
        }
    }
}
