//! The layer order of ARCHITECTURE.md: a room imports only rooms above it, and `engine` never imports `service`.

use std::fs;
use std::path::{Path, PathBuf};

/// Top to bottom. A room may import itself and what stands before it.
const ENGINE: &[&str] = &[
    "error",
    "limits",
    "time",
    "syntax",
    "crypto",
    "pki",
    "evidence",
    "formats",
    "validation",
    "report",
    "register",
    "codes",
    "authority",
];
const SERVICE: &[&str] = &[
    "config",
    "clock",
    "callers",
    "index",
    "sources",
    "trust",
    "keys",
    "authority",
    "demo",
    "store",
    "flow",
    "http",
    "web",
    "cli",
];

/// Pairs that the order would allow and a rule of the house forbids.
const FORBIDDEN: &[(&str, &str)] = &[("validation", "formats"), ("formats", "validation")];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("source folder") {
        let path = entry.expect("folder entry").path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The rooms that one file of `wing` imports by absolute path (`crate::wing::room`) or from the wing's root.
fn imported_rooms(text: &str, wing: &str, rooms: &[&str]) -> Vec<String> {
    let code: String = text
        .lines()
        .map(|l| l.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&format!("crate::{wing}::")) {
        let rest = &code[at + format!("crate::{wing}::").len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let group = group.split("};").next().unwrap_or(group);
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars().chain([',']) {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' | ':' if depth == 0 => {
                        if rooms.contains(&name.trim()) {
                            found.push(name.trim().to_string());
                        }
                        name.clear();
                    }
                    c if depth == 0 => name.push(c),
                    _ => {}
                }
            }
        } else {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if rooms.contains(&name.as_str()) {
                found.push(name);
            }
        }
    }
    found
}

/// Without unit tests, which stand at the foot of a file or in files of their own: they may make what they need with rooms
/// below.
fn product<'t>(file: &Path, text: &'t str) -> &'t str {
    let name = file.file_name().and_then(|n| n.to_str());
    match name {
        Some("tests.rs" | "testing.rs") => "",
        _ => text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or(text),
    }
}

fn violations(wing: &str, rooms: &[&str]) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(wing);
    let mut wrong = Vec::new();
    for (index, room) in rooms.iter().enumerate() {
        let mut files = Vec::new();
        let file = root.join(format!("{room}.rs"));
        if file.exists() {
            files.push(file);
        }
        if root.join(room).is_dir() {
            rust_files(&root.join(room), &mut files);
        }
        for file in files {
            let text = fs::read_to_string(&file).expect("source file");
            let text = product(&file, &text);
            for import in imported_rooms(text, wing, rooms) {
                let place = rooms.iter().position(|r| *r == import).expect("known room");
                if place > index || FORBIDDEN.contains(&(room, import.as_str())) {
                    wrong.push(format!("{}: {room} imports {import}", file.display()));
                }
            }
            if wing == "engine" && text.contains("crate::service") {
                wrong.push(format!("{}: engine imports service", file.display()));
            }
        }
    }
    wrong
}

#[test]
fn a_room_imports_only_rooms_above_it() {
    let mut wrong = violations("engine", ENGINE);
    wrong.extend(violations("service", SERVICE));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_a_wing_is_a_known_room() {
    for (wing, rooms) in [("engine", ENGINE), ("service", SERVICE)] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(wing);
        for entry in fs::read_dir(root).expect("wing") {
            let path = entry.expect("entry").path();
            let name = path
                .file_stem()
                .expect("name")
                .to_string_lossy()
                .into_owned();
            assert!(
                name == "mod" || rooms.contains(&name.as_str()),
                "{wing}/{name} is in no layer"
            );
        }
    }
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    let text = "use crate::engine::{pki::{cms, path}, Error, report};\nlet x = crate::engine::crypto::digest();";
    assert_eq!(
        imported_rooms(text, "engine", ENGINE),
        ["pki", "report", "crypto"]
    );
}

#[test]
fn the_engine_has_no_clock_disk_socket_or_randomness() {
    let mut files = Vec::new();
    rust_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engine"),
        &mut files,
    );
    for file in files {
        let text = fs::read_to_string(&file).expect("source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for banned in [
            "std::fs",
            "std::net",
            "SystemTime",
            "Instant::now",
            "Timestamp::now",
            "ZonedDateTime::now",
            "SystemRandom",
            "tokio::",
        ] {
            assert!(!code.contains(banned), "{} uses {banned}", file.display());
        }
    }
}
