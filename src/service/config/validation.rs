//! `[validation]`: by which constraints signatures are judged, which catalogue of algorithms counts, and the documents of
//! signature policies beside those that ship.

use super::{Config, PathSettings, read_text};
use crate::engine::pki::trust::Anchors;
use crate::engine::syntax::asn1::Oid;
use crate::engine::validation::{
    AlgorithmCatalogue, Constraints, KnownPolicy, Policy, SignaturePolicies,
};
use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The longest document of a signature policy; that of the AGE has 203 KiB.
const DOCUMENT_BYTES: u64 = 64 << 20;

/// `[validation]`: by what signatures are judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ValidationSettings {
    /// The policy: the name of a preset, or a file (JSON).
    pub policy: String,
    /// Files of further policies, which a request may ask for by their names, as it may for presets.
    pub policies: Vec<PathBuf>,
    /// The catalogue of algorithms in the JSON form of TS 119 322; without it, the shipped one.
    pub algorithms: Option<PathBuf>,
    /// Documents of signature policies.
    pub signature_policy: Vec<SignaturePolicySettings>,
}

/// `[[validation.signature_policy]]`: a signature policy and its document.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignaturePolicySettings {
    /// Its object identifier, in dotted form.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The document whose digest signatures state.
    pub document: PathBuf,
}

impl Default for ValidationSettings {
    fn default() -> Self {
        ValidationSettings {
            policy: "default".to_string(),
            policies: Vec::new(),
            algorithms: None,
            signature_policy: Vec::new(),
        }
    }
}

impl ValidationSettings {
    fn catalogue(&self) -> Result<AlgorithmCatalogue> {
        let Some(path) = &self.algorithms else {
            return Ok(AlgorithmCatalogue::default());
        };
        let text = read_text(path, "catalogue of algorithms")?;
        AlgorithmCatalogue::read(text.as_bytes()).map_err(|error| in_file(error, path))
    }

    fn signature_policies(&self) -> Result<SignaturePolicies> {
        let shipped = SignaturePolicies::default();
        self.signature_policy.iter().try_fold(shipped, |all, one| {
            let id = Oid::from_dotted(&one.id)?;
            let document = read_document(&one.document)?;
            all.with(KnownPolicy::of_document(id, &one.name, &document))
        })
    }
}

impl Config {
    /// By what signatures are judged, whom to trust left out: `chosen` is the name of a preset or of a configured policy, or a
    /// file; none for that of `[validation]`.
    ///
    /// Errors: there is no such policy, or a file that is named cannot be read or does not hold what it should.
    pub fn validation_policy(&self, chosen: Option<&str>) -> Result<Policy> {
        let chosen = chosen.unwrap_or(&self.validation.policy);
        let mut selectable = self.selectable_policies()?;
        let constraints = match selectable.remove(chosen) {
            Some(constraints) => constraints,
            None => self.on_paths(read_policy(Path::new(chosen))?)?,
        };
        Ok(Policy {
            constraints: constraints.into(),
            algorithms: self.validation.catalogue()?,
            signature_policies: self.validation.signature_policies()?,
            ..Policy::baseline(Anchors::default())
        })
    }

    /// The policies that may be asked for by name: presets, and those that `[validation]` names. Errors as
    /// [`Config::validation_policy`]; two of one name.
    pub fn selectable_policies(&self) -> Result<BTreeMap<String, Constraints>> {
        let mut all = BTreeMap::new();
        for name in Constraints::presets() {
            let preset = self.on_paths(Constraints::preset(name)?)?;
            all.insert(name.to_string(), preset);
        }
        for path in &self.validation.policies {
            let constraints = read_policy(path)?;
            let name = constraints.name.clone();
            if all
                .insert(name.clone(), self.on_paths(constraints)?)
                .is_some()
            {
                let problem = format!("another policy is called {name}");
                return Err(Error::invalid(path.display().to_string(), problem)
                    .remedy("Give each policy a name of its own."));
            }
        }
        Ok(all)
    }

    /// With what `[path]` says, where it says anything.
    fn on_paths(&self, mut constraints: Constraints) -> Result<Constraints> {
        if self.path != PathSettings::default() {
            constraints.set_path(self.path.inputs()?);
        }
        Ok(constraints)
    }
}

fn read_policy(path: &Path) -> Result<Constraints> {
    if !path.exists() {
        let problem = "no preset or configured policy is called so, and it is no file";
        return Err(
            Error::invalid(format!("validation policy {}", path.display()), problem)
                .remedy("Use default, strict, age-1.9, or the path of a file of constraints."),
        );
    }
    let text = read_text(path, "validation policy")?;
    Constraints::read(text.as_bytes()).map_err(|error| in_file(error, path))
}

fn in_file(error: Error, path: &Path) -> Error {
    let named = Error::new(
        error.kind(),
        path.display().to_string(),
        format!("{}: {}", error.element(), error.problem()),
    );
    match error.remedy_text() {
        Some(remedy) => named.remedy(remedy.to_string()),
        None => named,
    }
}

fn read_document(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(DOCUMENT_BYTES + 1).read_to_end(&mut bytes));
    let name = || path.display().to_string();
    match read {
        Ok(length) if length as u64 > DOCUMENT_BYTES => {
            let limit = "the document of a signature policy is larger than 64 MiB";
            Err(Error::limit(name(), limit))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Error::invalid(
            name(),
            format!("the document of a signature policy cannot be read: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::DigestAlgorithm;

    #[test]
    fn policies_catalogues_and_documents_come_from_files_and_faults_name_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let own = file("own.json", r#"{"base": "strict", "name": "own"}"#);
        let mut config = Config::default();
        let usual = config.validation_policy(None).unwrap();
        assert_eq!(
            usual.digest(),
            Policy::baseline(Anchors::default()).digest()
        );
        config.validation.policies = vec![own.clone()];
        config.validation.signature_policy = vec![SignaturePolicySettings {
            id: "1.2.3.4".to_string(),
            name: "ours".to_string(),
            document: file("policy.pdf", "document"),
        }];
        let policy = config.validation_policy(Some("own")).unwrap();
        assert_eq!(policy.constraints.name, "own");
        let known = policy
            .signature_policies
            .find(&Oid::new(&[1, 2, 3, 4]))
            .unwrap();
        let digest = crate::engine::crypto::sha256(b"document");
        assert_eq!(
            known.has_digest(DigestAlgorithm::Sha256, &digest),
            Some(true)
        );
        assert_ne!(policy.digest(), usual.digest());
        // The file by its path is the same as by its name; what [path] says comes on top.
        let path = own.display().to_string();
        config.path.inhibit_any_policy = true;
        let by_path = config.validation_policy(Some(&path)).unwrap();
        assert_eq!(by_path.constraints.name, "own, no anyPolicy");
        let by_name = config.validation_policy(Some("own")).unwrap();
        assert_eq!(by_path.digest(), by_name.digest());
        let error = config.validation_policy(Some("lax")).unwrap_err();
        assert_eq!(error.element(), "validation policy lax");
        assert!(error.remedy_text().unwrap().contains("strict"));
        config.validation.policies.push(own);
        let error = config.validation_policy(None).unwrap_err();
        assert!(
            error.problem().contains("another policy is called own"),
            "{error}"
        );
        config.validation.policies = vec![file("bad.json", r#"{"base": "strict"}"#)];
        let error = config.validation_policy(None).unwrap_err();
        assert!(error.element().ends_with("bad.json"), "{error}");
        config.validation.policies.clear();
        config.validation.algorithms = Some(file("algorithms.json", "{}"));
        let error = config.validation_policy(None).unwrap_err();
        assert!(error.element().ends_with("algorithms.json"), "{error}");
    }
}
