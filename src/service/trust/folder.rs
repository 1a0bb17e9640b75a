//! A snapshot in a folder: `index`, and each list under its digest.
//!
//! Lists are written before the index that names them, each whole and synced under another name first: whoever dies in
//! between leaves the index of before. One writer at a time holds `lock`; the command line and a running service may meet.

use super::snapshot::{Snapshot, name};
use crate::engine::{Error, Result};
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The largest file that is read here: no index and no list is larger.
const FILE_BYTES: u64 = 64 << 20;

/// Where a snapshot lies.
#[derive(Debug, Clone)]
pub struct SnapshotFolder(PathBuf);

impl SnapshotFolder {
    /// In the service's data folder; made when it is first written.
    pub fn in_data(data: &Path) -> SnapshotFolder {
        SnapshotFolder(data.join("trust"))
    }

    /// The snapshot, and what of it is damaged. What is damaged is left out.
    pub fn read(&self) -> (Snapshot, Vec<Error>) {
        let notes = match read(&self.0.join("index")) {
            Ok(None) => return Default::default(),
            Ok(Some(bytes)) => Snapshot::read_index(&bytes),
            Err(error) => Err(error),
        };
        let notes = match notes {
            Ok(notes) => notes,
            Err(error) => return (Snapshot::default(), vec![error]),
        };
        let (mut snapshot, mut damage) = (Snapshot::default(), Vec::new());
        for note in notes {
            let digest = note.digest;
            let bytes = read(&self.0.join(name(&digest)));
            let entry = bytes.and_then(|bytes| match bytes {
                Some(bytes) => Snapshot::entry(note, bytes),
                None => Err(Error::malformed(
                    format!("trusted list {digest}"),
                    "its file is missing",
                )),
            });
            match entry {
                Ok(entry) => snapshot.entries.push(entry),
                Err(error) => damage.push(error),
            }
        }
        (snapshot, damage)
    }

    /// Which snapshot lies there: its index's first line. Changes with each that is written.
    pub fn mark(&self) -> Option<Vec<u8>> {
        let mut line = vec![0; 64];
        let mut file = File::open(self.0.join("index")).ok()?;
        file.read_exact(&mut line).ok()?;
        Some(line)
    }

    /// Changes the snapshot that lies there, and answers the changed one. An error of `change` leaves it as it was.
    pub fn update<T>(
        &self,
        change: impl FnOnce(&mut Snapshot) -> Result<T>,
    ) -> Result<(T, Snapshot)> {
        fs::create_dir_all(&self.0).map_err(|error| self.failed(&error))?;
        let lock = File::create(self.0.join("lock")).map_err(|error| self.failed(&error))?;
        lock.lock().map_err(|error| self.failed(&error))?;
        let (mut snapshot, _) = self.read();
        let done = change(&mut snapshot)?;
        self.write(&snapshot)?;
        Ok((done, snapshot))
    }

    fn write(&self, snapshot: &Snapshot) -> Result<()> {
        let mut keep = vec!["index".to_string(), "lock".to_string()];
        for entry in &snapshot.entries {
            let file = name(&entry.note.digest);
            if read(&self.0.join(&file)).ok().flatten().as_deref() != Some(&*entry.bytes) {
                self.put(&file, &entry.bytes)?;
            }
            keep.push(file);
        }
        self.put("index", &snapshot.index()?)?;
        let present = fs::read_dir(&self.0).map_err(|error| self.failed(&error))?;
        for file in present.flatten() {
            if !keep.iter().any(|name| file.file_name() == name.as_str()) {
                // What nothing names any more does no harm where it cannot be removed.
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }

    fn put(&self, file: &str, bytes: &[u8]) -> Result<()> {
        let unfinished = self.0.join(format!("{file}.new"));
        let written = File::create(&unfinished).and_then(|mut new| {
            new.write_all(bytes)?;
            new.sync_all()?;
            fs::rename(&unfinished, self.0.join(file))?;
            File::open(&self.0)?.sync_all()
        });
        written.map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::unavailable(
            self.0.display().to_string(),
            format!(
                "the snapshot of trusted lists cannot be written: {}",
                error.kind()
            ),
        )
    }
}

/// A file whole; none where it is not there.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(path, error.kind())),
    };
    match file.take(FILE_BYTES).read_to_end(&mut bytes) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) => Err(unreadable(path, error.kind())),
    }
}

fn unreadable(path: &Path, kind: ErrorKind) -> Error {
    Error::unavailable(
        path.display().to_string(),
        format!("cannot be read: {kind}"),
    )
}
