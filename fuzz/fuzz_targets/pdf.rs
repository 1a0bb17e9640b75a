//! Any bytes as a PDF: its objects, streams and revisions; what is appended to it reads back and leaves it as it was.
#![no_main]

use rubrica::engine::syntax::pdf::{Dictionary, Document, Object, Reference, Update};
use rubrica::engine::{Budget, Limits};

fn walk(document: &Document<'_>, budget: &mut Budget) {
    let _ = document.catalog(budget);
    for number in 0..document.size().min(500) as u32 {
        if let Ok(object) = document.load(Reference::new(number, 0), budget) {
            let _ = object.to_bytes();
            if let Some(stream) = object.as_stream() {
                let _ = document.decode(stream, 1 << 20, budget);
            }
        }
    }
    for revision in document.revisions() {
        let _ = document.changes(&revision, budget);
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut budget = Limits {
        steps: 200_000,
        decoded_bytes: 1 << 24,
        ..Limits::default()
    }
    .budget();
    if let Ok(document) = Document::recover(bytes, &mut budget) {
        walk(&document, &mut budget);
    }
    let Ok(document) = Document::open(bytes, &mut budget) else {
        return;
    };
    walk(&document, &mut budget);
    let Ok(mut update) = Update::of(&document) else {
        return;
    };
    let Ok(reference) = update.reserve() else {
        return;
    };
    update.put_dictionary(
        reference,
        &Dictionary::new().with("Probe", Object::name("Here")),
    );
    if let Ok(appended) = update.finish() {
        let whole = [bytes, &appended.bytes].concat();
        let mut budget = Budget::default();
        let again =
            Document::open(&whole, &mut budget).expect("what we append to a sound file is sound");
        let found = again.load(reference, &mut budget).expect("the new object");
        assert!(
            found
                .as_dictionary()
                .and_then(|d| d.get("Probe"))
                .is_some_and(|p| p.is_name("Here"))
        );
    }
});
