//! The PDF reader over every PDF of the corpora: no panic, no file that takes long, and no silence about what is broken
//! or was changed after it was signed.

use rubrica::engine::Budget;
use rubrica::engine::crypto::SignatureInput;
use rubrica::engine::evidence::{Evidence, Signature, SignedData};
use rubrica::engine::formats::{Format, Input, pades::Pades};
use rubrica::engine::pki::Certificate;
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

/// Does the value hold by a certificate that came with it?
fn holds(evidence: &Evidence, signature: &Signature) -> bool {
    let by = |certificate: Certificate| {
        let (Ok(key), Some(algorithm)) = (certificate.public_key(), signature.algorithm) else {
            return false;
        };
        let verify = |input| key.verify(algorithm, input, &signature.value);
        match &signature.signed {
            SignedData::Attributes(message) => verify(SignatureInput::Message(message)),
            SignedData::Content(digest) => digest
                .as_ref()
                .is_some_and(|digest| verify(SignatureInput::Digest(digest))),
        }
    };
    let certificates = signature.certificates.iter();
    certificates
        .filter_map(|id| evidence.pool.get(id))
        .filter_map(|object| Certificate::from_der(&object.bytes).ok())
        .any(by)
}

/// Nothing stands against any of its signatures: what a verdict of "passed" would need at least.
fn is_clean(evidence: &Evidence) -> bool {
    evidence.faults.is_empty()
        && !evidence.signatures.is_empty()
        && evidence.signatures.iter().all(|signature| {
            signature.faults.is_empty()
                && signature.later_changes.is_empty()
                && signature.references.iter().all(|r| r.is_intact())
                && holds(evidence, signature)
        })
}

#[test]
fn no_attack_on_a_signed_pdf_comes_out_clean() {
    let Some(corpus) = corpora().map(|folder| folder.join("pdf-attacks")) else {
        println!("skipped: no corpora (RUBRICA_CORPORA)");
        return;
    };
    let splits = std::fs::read_dir(&corpus).into_iter().flatten().flatten();
    let (mut attacks, mut sound) = (0, 0);
    let mut wrong = Vec::new();
    for split in splits.map(|e| e.path()).filter(|p| p.is_dir()) {
        let manifest = std::fs::read(split.join("manifest.json")).expect("manifest");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("manifest");
        for entry in manifest["entries"].as_array().expect("entries") {
            let bytes = read(&split.join(entry["file"].as_str().expect("file")));
            let input = Input {
                document: &bytes,
                detached: &[],
            };
            let found = Pades.inspect(input, &mut Budget::default());
            let clean = found.as_ref().is_ok_and(is_clean);
            let untouched = entry["expected"]["modifications"] == "none";
            match entry["expected"]["passed"].as_bool() {
                Some(false) if clean => wrong.push(format!("{} is clean", entry["id"])),
                Some(false) => attacks += 1,
                Some(true) if untouched && !clean => {
                    wrong.push(format!("{} is not clean", entry["id"]));
                }
                Some(true) if untouched => sound += 1,
                _ => {}
            }
        }
    }
    println!("{attacks} attacks seen, {sound} untouched documents clean");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
