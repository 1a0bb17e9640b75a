//! `[accepted]` and `[identity]`: the list of accepted certificates and the table of issuers' profiles, each a file of its own.

use super::{parse_toml, read_text};
use crate::engine::pki::identity::Table;
use crate::engine::pki::trust::accepted::AcceptedCertificates;
use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

fn in_file(error: Error, path: &Path) -> Error {
    Error::invalid(
        path.display().to_string(),
        format!("{}: {}", error.element(), error.problem()),
    )
    .remedy("Mend the file; OPERATIONS.md describes its form.")
}

/// Which certificates are accepted, for what and until when.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AcceptedSettings {
    /// The list (TOML); without it, the shipped one.
    pub file: Option<PathBuf>,
}

impl AcceptedSettings {
    /// The list. Errors name the file and the rule.
    pub fn read(&self) -> Result<AcceptedCertificates> {
        let Some(path) = &self.file else {
            return Ok(AcceptedCertificates::default());
        };
        let text = read_text(path, "list of accepted certificates")?;
        AcceptedCertificates::new(parse_toml(&text, path)?).map_err(|error| in_file(error, path))
    }
}

/// What the policies of issuers mean, beside what is shipped.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// Rows, attributes and patterns (TOML) that come before the shipped ones.
    pub file: Option<PathBuf>,
}

impl IdentitySettings {
    /// The table. Errors name the file.
    pub fn read(&self) -> Result<Table> {
        let Some(path) = &self.file else {
            return Ok(Table::shipped().clone());
        };
        let text = read_text(path, "table of certificate profiles")?;
        let profiles = parse_toml(&text, path)?;
        Table::shipped()
            .with_before(profiles)
            .map_err(|error| in_file(error, path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, Option<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.toml");
        std::fs::write(&path, text).unwrap();
        (folder, Some(path))
    }

    #[test]
    fn a_list_of_ones_own_replaces_the_shipped_one() {
        let rule = "[[rule]]\nid = 'a'\neffect = 'refused'\ntitle = { es = 'a', en = 'a' }\nreason = { es = 'a', en = 'a' }\n";
        let (_folder, path) = file(rule);
        let list = AcceptedSettings { file: path }.read().unwrap();
        assert_eq!(
            list.rules().map(|r| r.id.as_str()).collect::<Vec<_>>(),
            ["a"]
        );
        assert!(AcceptedSettings::default().read().unwrap().rules().count() > 1);
        let (_folder, path) = file(&format!("{rule}from = 'soon'"));
        let error = AcceptedSettings { file: path }.read().unwrap_err();
        assert!(error.to_string().contains("file.toml"), "{error}");
    }

    #[test]
    fn rows_of_ones_own_come_before_the_shipped_ones() {
        let (_folder, path) = file("[[rows]]\nname = 'own'\npolicy = '1.2.3.*'\nclass = 'seal'\n");
        IdentitySettings { file: path }.read().unwrap();
        let (_folder, path) = file("[[rows]]\nname = 'own'\nclass = 'queen'\n");
        assert!(IdentitySettings { file: path }.read().is_err());
    }
}
