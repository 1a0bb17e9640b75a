//! `[index]`: where revocation lists are kept, and how long.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

impl super::Config {
    /// The folder of the index, by the one rule that the service and every command follow: the one that is named; else
    /// `crls` in `data`, where there is a store; else none.
    pub fn index_folder(&self) -> Option<PathBuf> {
        let of_store = || self.store.key.is_some().then(|| self.data.join("crls"));
        self.index.folder.clone().or_else(of_store)
    }
}

/// `[index]`: where revocation lists are kept, and how long.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IndexSettings {
    /// The folder; without it `crls` in `data`, where there is a store.
    pub folder: Option<PathBuf>,
    /// How long a list is kept after its successor came out, to answer what was known then.
    pub history_days: u32,
    /// Bytes of all lists and their indexes; beyond, the oldest go first.
    pub most_bytes: u64,
}

impl Default for IndexSettings {
    fn default() -> Self {
        IndexSettings {
            folder: None,
            history_days: 400,
            most_bytes: 8 << 30,
        }
    }
}
