//! Where the foreign test truth is: `RUBRICA_CORPORA`, or beside the project. Absent, the tests that need it say so.

use std::path::{Path, PathBuf};

/// The folder of the corpora, where there is one.
pub fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("RUBRICA_CORPORA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora"),
    };
    folder.is_dir().then_some(folder)
}
