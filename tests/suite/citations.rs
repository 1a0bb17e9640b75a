//! Every standard and clause that the sources cite stands in SPECS.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("source folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The standard that a citation ends with: `RFC 5280`, `EN 319 102-1`, `ISO 32000-2`, `APPNOTE`.
fn standard_before(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().rev().take(4).collect();
    let numeric = |w: &str| w.starts_with(|c: char| c.is_ascii_digit());
    match words.as_slice() {
        [a, b, kind, ..] if numeric(a) && numeric(b) && kind.ends_with("EN") => {
            Some(format!("EN {b} {a}"))
        }
        [a, b, kind, ..] if numeric(a) && numeric(b) && kind.ends_with("TS") => {
            Some(format!("TS {b} {a}"))
        }
        [a, kind, ..] if numeric(a) && kind.ends_with("RFC") => Some(format!("RFC {a}")),
        [a, kind, ..] if numeric(a) && kind.ends_with("ISO") => Some(format!("ISO {a}")),
        [a, ..] if a.ends_with("X.690") => Some("ITU-T X.690".to_string()),
        [a, ..] if a.starts_with("APPNOTE") || a.ends_with("APPNOTE") => {
            Some("APPNOTE".to_string())
        }
        _ => None,
    }
}

/// All `standard §clause` of a text; a `§` that follows another after a comma belongs to the same standard.
fn citations(text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    let mut last: Option<String> = None;
    let mut end = 0;
    for (at, mark) in text.match_indices('§') {
        let after = &text[at + mark.len()..];
        let clause: String = after
            .chars()
            .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
            .collect();
        let clause = clause.trim_end_matches(['.', '-']).to_string();
        let standard = match standard_before(&text[..at]) {
            Some(standard) => Some(standard),
            None if at - end < 24 => last.clone(),
            None => None,
        };
        end = at + mark.len() + clause.len();
        if let (Some(standard), false) = (standard.clone(), clause.is_empty()) {
            found.insert((standard, clause));
        }
        last = standard;
    }
    found
}

fn cited() -> BTreeMap<(String, String), Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    let mut all: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("source file");
        let name = file
            .strip_prefix(root.join("src"))
            .expect("below src")
            .display()
            .to_string();
        for citation in citations(&text) {
            all.entry(citation).or_default().push(name.clone());
        }
    }
    all
}

/// The clauses that SPECS.md lists: of every table, below its heading `## standard …`, the first column.
fn listed() -> BTreeSet<(String, String)> {
    let specs = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SPECS.md"))
        .expect("SPECS.md");
    let mut standard = String::new();
    let mut all = BTreeSet::new();
    for line in specs.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            standard = heading
                .split(':')
                .next()
                .unwrap_or_default()
                .trim()
                .to_string();
        } else if let Some(row) = line.strip_prefix("| §") {
            let clauses = row.split('|').next().unwrap_or_default();
            all.extend(
                clauses
                    .split(", §")
                    .map(|clause| (standard.clone(), clause.trim().to_string())),
            );
        }
    }
    all
}

#[test]
fn every_clause_cited_stands_in_specs() {
    let listed = listed();
    let missing: Vec<String> = cited()
        .into_iter()
        .filter(|(citation, _)| !listed.contains(citation))
        .map(|((standard, clause), files)| format!("{standard} §{clause}: {}", files.join(", ")))
        .collect();
    assert!(
        missing.is_empty(),
        "not in SPECS.md:\n{}",
        missing.join("\n")
    );
}

/// Rows say where, and how far: a file that is not there, or no verdict at all, would be a promise that nobody can check.
#[test]
fn rows_name_files_that_are_there_and_how_far_they_go() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let specs = fs::read_to_string(root.join("SPECS.md")).expect("SPECS.md");
    let mut wrong = Vec::new();
    for row in specs.lines().filter(|line| line.starts_with("| §")) {
        let columns: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, places, status] = columns[..] else {
            wrong.push(format!("columns: {row}"));
            continue;
        };
        let files = places.split('`').skip(1).step_by(2);
        if !files
            .clone()
            .all(|file| root.join("src").join(file).exists())
        {
            wrong.push(format!("no such file: {row}"));
        }
        if !["done", "partial", "not"]
            .iter()
            .any(|word| status.starts_with(word))
        {
            wrong.push(format!("neither done, partial nor not: {row}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn citations_are_seen_in_their_forms() {
    let text = "//! RFC 5280 §4.1.2, §5.1 and (EN 319 102-1 §5.2.6.4); ITU-T X.690 §8. ISO 32000-2 §12.8.1, TS 119 312 §A.1";
    let found: Vec<String> = citations(text)
        .into_iter()
        .map(|(s, c)| format!("{s} {c}"))
        .collect();
    assert_eq!(
        found,
        [
            "EN 319 102-1 5.2.6.4",
            "ISO 32000-2 12.8.1",
            "ITU-T X.690 8",
            "RFC 5280 4.1.2",
            "RFC 5280 5.1",
            "TS 119 312 A.1"
        ]
    );
}
