//! Blobs on disk: encrypted files named by a keyed hash of their content, `blobs/ab/cdef…`.
//!
//! A blob is written and synced in `blobs/pending` first. The transaction that names it decides: committed, the file
//! moves to its place; otherwise it is removed. After a crash [`Blobs::settle`] does the same for what is left over, so
//! that nothing stays that no entry names. Equal contents are kept once.

use super::BlobId;
use super::cipher::{BlobError, BlobReader, Cipher};
use crate::engine::syntax::hex::{from_hex, hex};
use crate::engine::{Error, Result};
use crate::service::keys::random;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder of blobs.
#[derive(Debug)]
pub(super) struct Blobs {
    root: PathBuf,
    pending: PathBuf,
    pub(super) cipher: Arc<Cipher>,
}

/// Content that is written and synced, and becomes part of the store when a transaction that names it commits.
/// Dropped before that, it is removed.
#[derive(Debug)]
pub struct Staged {
    id: BlobId,
    bytes: u64,
    /// Where it waits; `None` where the store has this content already.
    file: Option<PathBuf>,
    place: PathBuf,
}

impl Blobs {
    pub(super) fn open(root: PathBuf, cipher: Arc<Cipher>) -> Result<Self> {
        let pending = root.join("pending");
        fs::create_dir_all(&pending).map_err(|e| io_error(&pending, e))?;
        for first in 0..=255u8 {
            let folder = root.join(hex(&[first]));
            if !folder.exists() {
                fs::create_dir(&folder).map_err(|e| io_error(&folder, e))?;
            }
        }
        sync_folder(&root)?;
        Ok(Blobs {
            root,
            pending,
            cipher,
        })
    }

    /// Writes `content` and syncs the file; [`Blobs::sync_pending`] syncs its name.
    pub(super) fn stage(&self, content: &mut dyn Read) -> Result<Staged> {
        let temporary = self.pending.join(hex(&random::<16>()?));
        let written = self.write(&temporary, content);
        let (id, bytes) = written.inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })?;
        let place = self.place(&id);
        if place.exists() {
            let _ = fs::remove_file(&temporary);
            return Ok(Staged {
                id,
                bytes,
                file: None,
                place,
            });
        }
        let name = format!("{id}.{}", hex(&random::<8>()?));
        let file = self.pending.join(name);
        fs::rename(&temporary, &file).map_err(|e| {
            let _ = fs::remove_file(&temporary);
            io_error(&file, e)
        })?;
        Ok(Staged {
            id,
            bytes,
            file: Some(file),
            place,
        })
    }

    fn write(&self, path: &Path, content: &mut dyn Read) -> Result<(BlobId, u64)> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|e| io_error(path, e))?;
        let mut writer = BufWriter::with_capacity(128 * 1024, file);
        let written = self.cipher.write_blob(content, &mut writer);
        let written = written.map_err(|error| match error {
            BlobError::Content(e) => {
                Error::invalid("content", format!("cannot be read: {}", e.kind()))
            }
            BlobError::File(e) => io_error(path, e),
            BlobError::Other(error) => error,
        })?;
        writer.flush().map_err(|e| io_error(path, e))?;
        writer
            .get_ref()
            .sync_data()
            .map_err(|e| io_error(path, e))?;
        Ok(written)
    }

    /// Makes the names of staged files last.
    pub(super) fn sync_pending(&self) -> Result<()> {
        sync_folder(&self.pending)
    }

    /// Opens a blob where it is, in its place or on its way there.
    pub(super) fn reader(&self, id: &BlobId) -> Result<BlobReader<File>> {
        let place = self.place(id);
        let file = File::open(&place)
            .or_else(|_| self.open_pending(id))
            .or_else(|_| File::open(&place))
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    Error::internal("store", format!("blob {id} is missing"))
                        .remedy("Restore it from the backup.")
                }
                _ => io_error(&place, error),
            })?;
        self.cipher.read_blob(*id, file)
    }

    /// The whole content of a blob.
    pub(super) fn read(&self, id: &BlobId) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        self.reader(id)?
            .read_to_end(&mut content)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => super::cipher::altered(),
                _ => io_error(&self.place(id), error),
            })?;
        Ok(content)
    }

    fn open_pending(&self, id: &BlobId) -> io::Result<File> {
        let prefix = format!("{id}.");
        for entry in fs::read_dir(&self.pending)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                return File::open(entry.path());
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// After a crash: moves to its place what `named` says the store names, removes the rest.
    pub(super) fn settle(&self, named: impl Fn(&BlobId) -> Result<bool>) -> Result<()> {
        for entry in fs::read_dir(&self.pending).map_err(|e| io_error(&self.pending, e))? {
            let path = entry.map_err(|e| io_error(&self.pending, e))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let id = name
                .split_once('.')
                .and_then(|(id, _)| from_hex(id))
                .map(BlobId);
            let place = match id {
                Some(id) if named(&id)? => Some(self.place(&id)),
                _ => None,
            };
            let moved = match place {
                Some(place) if !place.exists() => fs::rename(&path, place),
                _ => fs::remove_file(&path),
            };
            moved.map_err(|e| io_error(&path, e))?;
        }
        self.sync_pending()
    }

    /// Removes the file of a blob that nothing names any more; one that is gone already is no error.
    pub(super) fn remove(&self, id: &BlobId) -> Result<()> {
        let place = self.place(id);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error(&place, error)),
            _ => Ok(()),
        }
    }

    fn place(&self, id: &BlobId) -> PathBuf {
        let name = id.to_string();
        let (folder, file) = name.split_at(2);
        self.root.join(folder).join(file)
    }
}

impl Staged {
    /// The name that the blob will have.
    pub fn id(&self) -> BlobId {
        self.id
    }

    /// The length of the content.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Moves the file to its place: a committed transaction names it. Not synced: after a crash, `settle` moves it.
    pub(super) fn keep(mut self) {
        if let Some(file) = self.file.take() {
            // On failure it stays in `pending`, where readers and the next start find it.
            let _ = fs::rename(&file, &self.place);
        }
    }

    /// Leaves the file where it waits: it is not known whether a transaction names it.
    pub(super) fn leave(mut self) {
        self.file = None;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            let _ = fs::remove_file(file);
        }
    }
}

fn sync_folder(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| io_error(path, e))
}

/// A failure of the disk.
pub(super) fn io_error(path: &Path, error: io::Error) -> Error {
    let full = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    if full {
        return full_disk();
    }
    Error::unavailable("store", format!("{}: {error}", path.display()))
}

pub(super) fn full_disk() -> Error {
    Error::unavailable("store", "the disk, or the quota on it, is full")
        .remedy("Make room; nothing was registered, and the same request can be sent again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::keys::Secret;

    fn blobs(folder: &Path) -> Blobs {
        let cipher = Arc::new(Cipher::new(Secret::new([1; 32])));
        Blobs::open(folder.join("blobs"), cipher).unwrap()
    }

    fn files(folder: &Path) -> usize {
        let count = |path: PathBuf| fs::read_dir(path).map_or(0, Iterator::count);
        let pending = count(folder.join("blobs/pending"));
        pending
            + (0..=255u8)
                .map(|b| count(folder.join("blobs").join(hex(&[b]))))
                .sum::<usize>()
    }

    #[test]
    fn what_is_dropped_leaves_nothing_and_what_is_kept_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        drop(blobs.stage(&mut &b"one"[..]).unwrap());
        assert_eq!(files(folder.path()), 0);
        let staged = blobs.stage(&mut &b"one"[..]).unwrap();
        let id = staged.id();
        assert_eq!(staged.bytes(), 3);
        assert_eq!(blobs.read(&id).unwrap(), b"one", "on its way");
        staged.keep();
        assert_eq!(blobs.read(&id).unwrap(), b"one", "in its place");
        blobs.stage(&mut &b"one"[..]).unwrap().keep();
        assert_eq!(files(folder.path()), 1, "equal contents are kept once");
        drop(blobs.stage(&mut &b"one"[..]).unwrap());
        assert_eq!(
            blobs.read(&id).unwrap(),
            b"one",
            "a second stage takes nothing away"
        );
    }

    #[test]
    fn after_a_crash_the_transaction_decides() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let named = blobs.stage(&mut &b"named"[..]).unwrap();
        let unnamed = blobs.stage(&mut &b"unnamed"[..]).unwrap();
        let (id, other) = (named.id(), unnamed.id());
        named.leave();
        unnamed.leave();
        fs::write(folder.path().join("blobs/pending/half-written"), b"?").unwrap();
        blobs.settle(|candidate| Ok(*candidate == id)).unwrap();
        assert_eq!(files(folder.path()), 1);
        assert_eq!(blobs.read(&id).unwrap(), b"named");
        assert!(
            blobs
                .read(&other)
                .unwrap_err()
                .problem()
                .contains("missing")
        );
    }

    #[test]
    fn content_that_breaks_off_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let blobs = blobs(folder.path());
        let error = blobs.stage(&mut (&b"start"[..]).chain(Broken)).unwrap_err();
        assert_eq!(error.element(), "content");
        assert_eq!(files(folder.path()), 0);
    }
}
