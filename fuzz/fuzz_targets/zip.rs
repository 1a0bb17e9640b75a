//! Any bytes as a ZIP archive: read, and every entry inflated within the budget.
#![no_main]

use rubrica::engine::Limits;
use rubrica::engine::syntax::zip::Archive;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut budget = Limits {
        decoded_bytes: 1 << 24,
        ..Limits::default()
    }
    .budget();
    if let Ok(archive) = Archive::read(bytes, &mut budget) {
        for entry in archive.entries() {
            let _ = archive.content(entry, &mut budget);
        }
    }
});
