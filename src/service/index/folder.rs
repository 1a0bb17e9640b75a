//! The folder of indexes: three files a list, named by the SHA-256 of the list, each written once and never changed.
//!
//! ```text
//! <sha256>.crl    the list as it was received, DER
//! <sha256>.json   by which key it was verified, where it was fetched, when
//! <sha256>.index  its index; where it is there, the others were there before
//! .new-<random>   being written; its writer holds a lock on it
//! ```
//!
//! There is no manifest that could disagree with the files: the folder is the manifest. Several processes may use one.

use crate::engine::evidence::ObjectId;
use crate::engine::{Error, Result, Time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is known of a list that it does not say itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The SubjectPublicKeyInfo of the key that signed it, in base64.
    pub key: String,
    /// Where it was fetched; none for one from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was fetched or read.
    pub obtained: Time,
    /// What the server said of its version, to be told to it when asking for a newer one (RFC 9110 §8.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// The same, as a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
}

impl Provenance {
    /// The key, decoded.
    pub fn spki(&self) -> Result<Vec<u8>> {
        STANDARD
            .decode(&self.key)
            .map_err(|_| Error::malformed("provenance of a CRL", "its key is not in base64"))
    }

    pub(super) fn encode(spki: &[u8]) -> String {
        STANDARD.encode(spki)
    }
}

/// The parts of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    List,
    Provenance,
    Index,
}

impl Part {
    const ALL: [Part; 3] = [Part::Index, Part::Provenance, Part::List];

    fn extension(self) -> &'static str {
        match self {
            Part::List => "crl",
            Part::Provenance => "json",
            Part::Index => "index",
        }
    }
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

pub(super) fn failed(doing: &str, error: &io::Error) -> Error {
    let remedy = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on its disk.",
        _ => "Look at its permissions and its disk.",
    };
    Error::unavailable("index folder", format!("{doing} failed: {}", error.kind())).remedy(remedy)
}

/// Whether nothing was written to it for longer than any writer takes between two of its files.
fn is_old(file: &File) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > Duration::from_secs(600)))
}

impl Folder {
    /// At `path`, made where it is not there. What writers left behind that are no more is removed.
    pub(super) fn open(path: &Path) -> Result<Folder> {
        fs::create_dir_all(path).map_err(|error| failed("making it", &error))?;
        let folder = Folder {
            path: path.to_path_buf(),
        };
        folder.sweep()?;
        Ok(folder)
    }

    /// Removes files that were being written by somebody who is no more: nobody holds their lock, nor is about to.
    fn sweep(&self) -> Result<()> {
        for entry in self.names()? {
            if entry.starts_with(".new-") {
                let path = self.path.join(entry);
                let left = |file: &File| is_old(file) && file.try_lock().is_ok();
                if File::open(&path).is_ok_and(|file| left(&file)) {
                    let _ = fs::remove_file(path);
                }
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.path).map_err(|error| failed("reading it", &error))?;
        Ok(entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect())
    }

    /// The lists of which there is anything.
    pub(super) fn lists(&self) -> Result<BTreeSet<ObjectId>> {
        let id = |name: &String| -> Option<ObjectId> {
            let (id, extension) = name.split_once('.')?;
            let known = Part::ALL.iter().any(|part| part.extension() == extension);
            known.then(|| id.parse().ok()).flatten()
        };
        Ok(self.names()?.iter().filter_map(id).collect())
    }

    pub(super) fn path(&self, id: &ObjectId, part: Part) -> PathBuf {
        self.path.join(format!("{id}.{}", part.extension()))
    }

    pub(super) fn read(&self, id: &ObjectId, part: Part) -> Result<File> {
        File::open(self.path(id, part)).map_err(|error| failed("reading a file of it", &error))
    }

    /// A file to be written.
    pub(super) fn new_file(&self) -> Result<NewFile> {
        let made = || -> io::Result<tempfile::NamedTempFile> {
            let file = tempfile::Builder::new()
                .prefix(".new-")
                .tempfile_in(&self.path)?;
            file.as_file().lock_shared()?;
            Ok(file)
        };
        made()
            .map(NewFile)
            .map_err(|error| failed("writing a file to it", &error))
    }

    /// A file without a name, for what is needed while writing.
    pub(super) fn scratch(&self) -> Result<File> {
        tempfile::tempfile_in(&self.path).map_err(|error| failed("writing a file to it", &error))
    }

    pub(super) fn provenance(&self, id: &ObjectId) -> Result<Provenance> {
        let bytes = fs::read(self.path(id, Part::Provenance))
            .map_err(|error| failed("reading a file of it", &error))?;
        serde_json::from_slice(&bytes)
            .map_err(|_| Error::malformed("provenance of a CRL", "cannot be read"))
    }

    /// Writes who signed the list, in place of what was known.
    pub(super) fn note(&self, id: &ObjectId, provenance: &Provenance) -> Result<()> {
        let mut file = self.new_file()?;
        let bytes = serde_json::to_vec(provenance)
            .map_err(|error| Error::internal("provenance of a CRL", error.to_string()))?;
        file.file()
            .write_all(&bytes)
            .map_err(|error| failed("writing a file to it", &error))?;
        self.publish(file, id, Part::Provenance)
    }

    /// Gives a whole file its name: synced first, and the folder after.
    pub(super) fn publish(&self, file: NewFile, id: &ObjectId, part: Part) -> Result<()> {
        let publish = || -> io::Result<()> {
            file.0.as_file().sync_all()?;
            file.0
                .persist(self.path(id, part))
                .map_err(|error| error.error)?;
            File::open(&self.path)?.sync_all()
        };
        publish().map_err(|error| failed("writing a file to it", &error))
    }

    /// Removes all of a list, what others have open of it stays open to them.
    pub(super) fn remove(&self, id: &ObjectId) {
        for part in Part::ALL {
            let _ = fs::remove_file(self.path(id, part));
        }
    }

    /// Whether only a part of the list is there, and nobody is about to write the rest.
    pub(super) fn is_abandoned(&self, id: &ObjectId) -> bool {
        let lacks = |part| !self.path(id, part).exists();
        (lacks(Part::List) || lacks(Part::Provenance))
            && Part::ALL
                .iter()
                .all(|part| File::open(self.path(id, *part)).map_or(true, |file| is_old(&file)))
    }

    /// Removes an index that is to be made again.
    pub(super) fn remove_index(&self, id: &ObjectId) {
        let _ = fs::remove_file(self.path(id, Part::Index));
    }
}

/// A file of the folder that has no name yet, gone when it is dropped.
#[derive(Debug)]
pub struct NewFile(tempfile::NamedTempFile);

impl NewFile {
    /// To be written.
    pub fn file(&mut self) -> &mut File {
        self.0.as_file_mut()
    }

    pub(super) fn as_file(&self) -> &File {
        self.0.as_file()
    }
}
