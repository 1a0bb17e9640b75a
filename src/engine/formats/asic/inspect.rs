//! The signatures of a container, and which of its files each of them covers (EN 319 162-1 §4.3, §4.4).

use super::manifest::Manifest;
use crate::engine::crypto::digest;
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::evidence::{
    Evidence, Family, Fault, Nested, Reference, Scope, ScopeKind, Signature,
};
use crate::engine::formats::cades::{
    Content, inspect_counter_signatures, inspect_signer, is_signed_attributes,
};
use crate::engine::formats::{Input, recognise};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::SignedData;
use crate::engine::syntax::zip::{Archive, Entry};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

const MIME_TYPE: &str = "mimetype";
const META_INF: &str = "META-INF/";
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
        let own = |name: &str| name == MIME_TYPE || name.starts_with(META_INF);
        self.contents
            .iter()
            .filter(move |(name, _)| !own(name))
            .map(|(name, c)| (name.as_str(), c.as_ref()))
    }

    fn names_in_meta(&self) -> impl Iterator<Item = &str> {
        let names = self.contents.keys().map(String::as_str);
        names.filter(|name| name.starts_with(META_INF))
    }

    fn meta(&self, begins: &str, ends: &str) -> Vec<&str> {
        let matches = |name: &&String| {
            let local = name.strip_prefix(META_INF).map(str::to_lowercase);
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
    inspect_inside(&files, &mut evidence, budget)?;
    evidence
        .faults
        .extend(coverage_faults(&files, &evidence, covered));
    Ok(evidence)
}

/// What no signature vouches for. A container whose signature was taken away must not pass for the signed documents
/// that are left in it; a plain archive of signed documents says nothing of its own, and each of them covers itself.
fn coverage_faults(
    files: &Files<'_>,
    evidence: &Evidence,
    mut covered: HashSet<String>,
) -> Vec<Fault> {
    const CLAUSE: &str = "EN 319 162-1 §4.4.3.2";
    let is_asic = files.contents.contains_key(MIME_TYPE) || files.names_in_meta().next().is_some();
    let mut faults = Vec::new();
    if evidence.signatures.is_empty() {
        if evidence.inside.is_empty() && !is_asic {
            return faults;
        }
        if is_asic {
            faults.push(Fault::doubt("asic.signature.missing", CLAUSE, ""));
        }
        covered.extend(evidence.inside.iter().map(|nested| nested.name.clone()));
    }
    let strangers = files.names_in_meta().filter(|name| !belongs_in_meta(name));
    let uncovered = files.data().map(|(name, _)| name).chain(strangers);
    faults.extend(
        uncovered
            .filter(|name| !covered.contains(*name))
            .map(|name| Fault::doubt("asic.file.not_covered", CLAUSE, name)),
    );
    faults
}

/// EN 319 162-1 §A.2 to §A.7 (unchecked), and the files of ODF and OCF that it leaves room for.
fn belongs_in_meta(name: &str) -> bool {
    let Some(local) = name.strip_prefix(META_INF).map(str::to_lowercase) else {
        return false;
    };
    let is = |part: &str, end: &str| local.contains(part) && local.ends_with(end);
    !local.contains('/')
        && (is("signature", ".p7s")
            || is("signatures", ".xml")
            || is("manifest", ".xml")
            || is("timestamp", ".tst")
            || is("evidencerecord", ".ers")
            || is("evidencerecord", ".xml")
            || ["container.xml", "metadata.xml"].contains(&local.as_str()))
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
    let count = files.data().count();
    if files.get(MIME_TYPE) == Some(ASIC_S) && count != 1 {
        // §4.3.3.1: an ASiC-S holds one signed file.
        let found = count.to_string();
        faults.push(Fault::doubt("asic.mimetype.simple", CLAUSE, found));
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
    let extended = files.get(MIME_TYPE) == Some(ASIC_E);
    let single: Vec<(&str, &[u8])> = files.data().collect();
    let content = match (manifest, single.as_slice()) {
        (Some((bytes, _)), _) => Some(*bytes),
        // ASiC-S (§4.3.3.1): the signature is over the one file. In an ASiC-E (§4.4.3.2) it is over a manifest only.
        (None, [(_, bytes)]) if !extended => Some(*bytes),
        (None, _) => None,
    };
    // What was signed as a manifest or as signed attributes, presented as if it had been signed as a document.
    let alone = content.filter(|_| manifest.is_none());
    let is_manifest = alone.is_some_and(|bytes| Manifest::read(bytes, budget).is_ok());
    let is_attributes = alone.is_some_and(is_signed_attributes);
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
            Content {
                digest: &over,
                apart: content.map(Into::into),
            },
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
            (None, [(file, _)]) if !extended => {
                signature.scopes.push(full(file));
                let bare = data.signer_infos()[index].signed_attributes.is_none();
                if is_manifest || (bare && is_attributes) {
                    signature.faults.push(Fault::failure(
                        "cades.content.posing",
                        "EN 319 162-1 §4.3.3.1",
                        "",
                    ));
                }
            }
            (None, _) => signature.faults.push(Fault::warning(
                "asic.manifest.missing",
                "EN 319 162-1 §4.4.3.2",
                name,
            )),
        }
        let info = &data.signer_infos()[index];
        let pool = &mut evidence.pool;
        let counter = inspect_counter_signatures(&data, info, &signature, pool, budget)?;
        signatures.push(signature);
        signatures.extend(counter);
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
