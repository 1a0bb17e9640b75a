//! The signatures of a container, and which of its files each of them covers (EN 319 162-1 §4.3, §4.4).

use super::manifest::Manifest;
use crate::engine::crypto::digest;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::evidence::{
    Evidence, Family, Fault, Nested, Reference, Scope, ScopeKind, Signature,
};
use crate::engine::formats::cades::inspect_signer;
use crate::engine::formats::{Input, recognise};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::SignedData;
use crate::engine::syntax::zip::{Archive, Entry};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

const MIME_TYPE: &str = "mimetype";
const ASIC_S: &[u8] = b"application/vnd.etsi.asic-s+zip";
const ASIC_E: &[u8] = b"application/vnd.etsi.asic-e+zip";

/// The files of a container, read once.
struct Files<'a> {
    contents: BTreeMap<String, Cow<'a, [u8]>>,
}

impl<'a> Files<'a> {
    fn read(archive: &Archive<'a>, budget: &mut Budget) -> Result<Files<'a>> {
        let mut contents = BTreeMap::new();
        for entry in archive.entries().iter().filter(|e| !e.name.ends_with('/')) {
            contents.insert(entry.name.clone(), archive.content(entry, budget)?);
        }
        Ok(Files { contents })
    }

    fn get(&self, name: &str) -> Option<&[u8]> {
        self.contents.get(name).map(AsRef::as_ref)
    }

    /// The files that a signature should cover: all but the container's own.
    fn data(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let own = |name: &str| name == MIME_TYPE || name.starts_with("META-INF/");
        self.contents
            .iter()
            .filter(move |(name, _)| !own(name))
            .map(|(name, c)| (name.as_str(), c.as_ref()))
    }

    fn meta(&self, begins: &str, ends: &str) -> Vec<&str> {
        let matches = |name: &&String| {
            let local = name.strip_prefix("META-INF/").map(str::to_lowercase);
            local.is_some_and(|local| local.contains(begins) && local.ends_with(ends))
        };
        self.contents
            .keys()
            .filter(matches)
            .map(String::as_str)
            .collect()
    }
}

/// Everything found in a container.
pub(super) fn container(document: &[u8], budget: &mut Budget) -> Result<Evidence> {
    let archive = Archive::read(document, budget)?;
    let files = Files::read(&archive, budget)?;
    let mut evidence = Evidence::new(kind(&files), document);
    evidence.faults.extend(mime_type_faults(&archive, &files));
    if files
        .meta("signatures", ".xml")
        .iter()
        .any(|name| !name.ends_with("manifest.xml"))
    {
        return Err(
            Error::unsupported("ASiC container", "carries XAdES signatures")
                .remedy("This version validates containers with CAdES signatures (.p7s)."),
        );
    }
    let manifests = manifests(&files, &mut evidence, budget)?;
    let mut covered = HashSet::new();
    for name in files.meta("signature", ".p7s") {
        let signatures = signature_file(name, &files, &manifests, &mut evidence, budget)?;
        covered.extend(
            signatures
                .iter()
                .flat_map(|s| s.scopes.iter().map(|scope| scope.name.clone())),
        );
        evidence.signatures.extend(signatures);
    }
    if !evidence.signatures.is_empty() {
        let uncovered = files.data().filter(|(name, _)| !covered.contains(*name));
        let fault = |name| Fault::doubt("asic.file.not_covered", "EN 319 162-1 §4.4.3.2", name);
        let faults: Vec<Fault> = uncovered.map(|(name, _)| fault(name)).collect();
        evidence.faults.extend(faults);
    }
    inspect_inside(&files, &mut evidence, budget)?;
    Ok(evidence)
}

fn kind(files: &Files<'_>) -> &'static str {
    match files.get(MIME_TYPE) {
        Some(mime) if mime == ASIC_E => "ASiC-E",
        Some(mime) if mime == ASIC_S => "ASiC-S",
        _ if !files.meta("asicmanifest", ".xml").is_empty() => "ASiC-E",
        _ => "ASiC-S",
    }
}

/// EN 319 162-1 §A.1: `mimetype`, where present, is the first entry, stored and without extra field.
fn mime_type_faults(archive: &Archive<'_>, files: &Files<'_>) -> Vec<Fault> {
    const CLAUSE: &str = "EN 319 162-1 §A.1";
    let Some(entry) = archive.entry(MIME_TYPE) else {
        return vec![Fault::warning("asic.mimetype.missing", CLAUSE, "")];
    };
    let mut faults = Vec::new();
    let first = archive
        .entries()
        .iter()
        .min_by_key(|e: &&Entry| e.data.start)
        .is_some_and(|e| e.name == MIME_TYPE);
    if !first || entry.deflated || entry.extra_field {
        faults.push(Fault::warning("asic.mimetype.form", CLAUSE, ""));
    }
    if !matches!(files.get(MIME_TYPE), Some(mime) if mime == ASIC_E || mime == ASIC_S) {
        faults.push(Fault::warning("asic.mimetype.unknown", CLAUSE, ""));
    }
    faults
}

/// The manifests by the signature that they name; two for one signature are a fault and neither counts.
fn manifests<'f>(
    files: &'f Files<'_>,
    evidence: &mut Evidence,
    budget: &mut Budget,
) -> Result<BTreeMap<String, (&'f [u8], Manifest)>> {
    let mut all: BTreeMap<String, (&[u8], Manifest)> = BTreeMap::new();
    let mut twice = HashSet::new();
    for name in files.meta("asicmanifest", ".xml") {
        let bytes = files.get(name).unwrap_or_default();
        let manifest = match Manifest::read(bytes, budget) {
            Ok(manifest) => manifest,
            Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            Err(error) => {
                evidence.faults.push(Fault::warning(
                    "asic.manifest.malformed",
                    "EN 319 162-1 §A.4",
                    error.problem(),
                ));
                continue;
            }
        };
        let signature = manifest.signature.clone();
        if all.insert(signature.clone(), (bytes, manifest)).is_some() {
            twice.insert(signature);
        }
    }
    for signature in twice {
        all.remove(&signature);
        evidence.faults.push(Fault::warning(
            "asic.manifest.two",
            "EN 319 162-1 §A.4",
            signature,
        ));
    }
    Ok(all)
}

fn signature_file(
    name: &str,
    files: &Files<'_>,
    manifests: &BTreeMap<String, (&[u8], Manifest)>,
    evidence: &mut Evidence,
    budget: &mut Budget,
) -> Result<Vec<Signature>> {
    let bytes = files.get(name).unwrap_or_default();
    let data = match SignedData::from_ber(bytes) {
        Ok(data) => data,
        Err(error) => {
            evidence.faults.push(Fault::failure(
                "asic.signature.malformed",
                "EN 319 162-1 §4.4.3",
                error.problem(),
            ));
            return Ok(Vec::new());
        }
    };
    let manifest = manifests.get(name);
    let single: Vec<(&str, &[u8])> = files.data().collect();
    let content = match (manifest, single.as_slice()) {
        (Some((bytes, _)), _) => Some(*bytes),
        // ASiC-S (§4.3.3.1): the signature is over the one file.
        (None, [(_, bytes)]) => Some(*bytes),
        (None, _) => None,
    };
    let mut signatures = Vec::new();
    for index in 0..data.signer_infos().len() {
        budget.step(1_000)?;
        let over = |algorithm| content.map(|content| digest(algorithm, content));
        let label = if data.signer_infos().len() == 1 {
            name.to_string()
        } else {
            format!("{name} {}", index + 1)
        };
        let mut signature = inspect_signer(
            &data,
            index,
            &over,
            Family::Cades,
            label,
            &mut evidence.pool,
            budget,
        )?;
        if data.is_attached() {
            signature.faults.push(Fault::failure(
                "asic.signature.attached",
                "EN 319 162-1 §4.4.3.2",
                "",
            ));
        }
        match (manifest, single.as_slice()) {
            (Some((_, manifest)), _) => add_references(manifest, files, &mut signature),
            (None, [(file, _)]) => signature.scopes.push(full(file)),
            (None, _) => signature.faults.push(Fault::warning(
                "asic.manifest.missing",
                "EN 319 162-1 §4.4.3.2",
                name,
            )),
        }
        signatures.push(signature);
    }
    Ok(signatures)
}

fn full(name: &str) -> Scope {
    Scope {
        kind: ScopeKind::Full,
        name: name.to_string(),
        revision: None,
    }
}

fn add_references(manifest: &Manifest, files: &Files<'_>, signature: &mut Signature) {
    let mut seen = HashSet::new();
    for listed in &manifest.references {
        if !seen.insert(listed.uri.as_str()) {
            signature.faults.push(Fault::failure(
                "asic.manifest.file_twice",
                "EN 319 162-1 §A.4",
                listed.uri.as_str(),
            ));
        }
        let Some(algorithm) = listed.algorithm else {
            signature.faults.push(Fault::failure(
                "asic.manifest.digest_unknown",
                "EN 319 162-1 §A.4",
                listed.uri.as_str(),
            ));
            continue;
        };
        signature.references.push(Reference {
            name: listed.uri.clone(),
            algorithm,
            expected: listed.digest.as_slice().into(),
            actual: files
                .get(&listed.uri)
                .map(|content| digest(algorithm, content).into()),
        });
        signature.scopes.push(full(&listed.uri));
    }
}

/// Signed PDFs inside are documents of their own: the justificante of an acuse.
fn inspect_inside(files: &Files<'_>, evidence: &mut Evidence, budget: &mut Budget) -> Result<()> {
    for (name, bytes) in files
        .data()
        .filter(|(_, bytes)| bytes.starts_with(b"%PDF-"))
    {
        let input = Input {
            document: bytes,
            detached: &[],
        };
        match recognise(bytes).and_then(|format| format.inspect(input, budget)) {
            Ok(inner) if inner.signatures.is_empty() && inner.timestamps.is_empty() => {}
            Ok(inner) => evidence.inside.push(Nested {
                name: name.to_string(),
                evidence: inner,
            }),
            Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            Err(error) => {
                let found = format!("{name}: {}", error.problem());
                evidence.faults.push(Fault::warning(
                    "asic.inside.unreadable",
                    "ISO 32000-2 §7.5",
                    found,
                ));
            }
        }
    }
    Ok(())
}
