//! The PDF reader over every PDF of the corpora: no panic, no file that takes long, and no silence about what is broken.

use rubrica::engine::Budget;
use rubrica::engine::syntax::pdf::{Document, Object};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `RUBRICA_CORPORA` names, or the folder beside the clone.
fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("RUBRICA_CORPORA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
        PathBuf::from,
    );
    folder.is_dir().then_some(folder)
}

fn pdfs(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.to_string_lossy().to_lowercase();
        if path.is_dir() {
            pdfs(&path, into);
        } else if name.ends_with(".pdf") || name.ends_with(".pdf.gz") {
            into.push(path);
        }
    }
}

fn read(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).expect("corpus file");
    if path.extension().is_none_or(|e| e != "gz") {
        return bytes;
    }
    let mut unpacked = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice())
        .take(64 << 20)
        .read_to_end(&mut unpacked)
        .expect("gzip");
    unpacked
}

/// Loads every object, and decodes every stream as far as the limit goes.
fn walk(document: &Document<'_>, budget: &mut Budget) -> usize {
    let mut loaded = 0;
    let size = document.size().min(20_000) as u32;
    for number in 0..size {
        let Ok(reference) = document.current(number, budget) else {
            continue;
        };
        match document.load(reference, budget) {
            Ok(object) if *object != Object::Null => {
                loaded += 1;
                if let Some(stream) = object.as_stream() {
                    let _ = document.decode(stream, 1 << 20, budget);
                }
            }
            _ => {}
        }
    }
    for revision in document.revisions() {
        let _ = document.changes(&revision, budget);
        let _ = document
            .bytes()
            .get(..revision.end)
            .map(|b| Document::open(b, budget).is_ok());
    }
    loaded
}

#[test]
fn every_pdf_of_the_corpora_is_read_or_refused_at_once() {
    let Some(folder) = corpora() else {
        println!("skipped: no corpora (RUBRICA_CORPORA)");
        return;
    };
    let mut files = Vec::new();
    for part in ["pdf-attacks", "dss", "pyhanko", "spain"] {
        pdfs(&folder.join(part), &mut files);
    }
    files.sort();
    let (mut strict, mut recovered, mut refused) = (0, 0, 0);
    let mut slow = Vec::new();
    for path in &files {
        let bytes = read(path);
        let from = Instant::now();
        let budget = &mut Budget::default();
        let result = match Document::open(&bytes, budget) {
            Ok(document) => {
                strict += 1;
                format!("strict {}", walk(&document, budget))
            }
            Err(error) => match Document::recover(&bytes, budget) {
                Ok(document) => {
                    recovered += 1;
                    format!("recovered {} ({error})", walk(&document, budget))
                }
                Err(_) => {
                    refused += 1;
                    format!("refused ({error})")
                }
            },
        };
        // A second is meant; five, because the test is not optimised and walks every object.
        if from.elapsed() > Duration::from_secs(5) {
            slow.push(format!("{} {:?}", path.display(), from.elapsed()));
        }
        if std::env::var_os("RUBRICA_VERBOSE").is_some() {
            println!("{} {result} {:?}", path.display(), from.elapsed());
        }
    }
    println!(
        "{} files: {strict} strict, {recovered} recovered, {refused} refused",
        files.len()
    );
    assert!(slow.is_empty(), "{}", slow.join("\n"));
    assert!(files.is_empty() || strict > files.len() / 2);
}
