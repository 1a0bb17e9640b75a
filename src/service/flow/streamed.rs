//! A file that is digested as it is read: content of any size in the memory of two buffers.
//!
//! A map would do the same with less code, and count whole into the memory of the process. Several digests are computed in
//! one pass; each is kept. What is no file (a pipe) waits in one without a name.

use crate::engine::crypto::{DigestAlgorithm, Hasher};
use crate::engine::formats::{Content, HEAD, Streamed};
use crate::engine::{Error, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Bytes read at once: large enough that the calls cost nothing, small enough to stay in the cache of a core.
const PIECE: usize = 256 * 1024;

/// An open file.
#[derive(Debug)]
pub struct StreamedFile {
    file: File,
    name: String,
    length: u64,
    head: Vec<u8>,
    digests: Mutex<BTreeMap<DigestAlgorithm, Vec<u8>>>,
}

impl StreamedFile {
    /// The file at `path`; `-` is standard input.
    pub fn open(path: &Path) -> Result<StreamedFile> {
        let name = path.display().to_string();
        let unreadable = |error: io::Error| {
            Error::not_found(name.clone(), format!("cannot be read: {}", error.kind()))
                .remedy("Check the name and the permissions.")
        };
        let file = if path == Path::new("-") {
            spooled(&mut io::stdin().lock())
        } else {
            let mut file = File::open(path).map_err(unreadable)?;
            let kind = file.metadata().map_err(unreadable)?;
            if kind.is_dir() {
                return Err(Error::invalid(name, "is a folder").remedy("Give a file."));
            }
            match kind.is_file() {
                true => Ok(file),
                false => spooled(&mut file),
            }
        };
        StreamedFile::of(file.map_err(unreadable)?, name.clone())
    }

    /// A regular file, read from its beginning; `name` names it in errors.
    pub fn of(file: File, name: String) -> Result<StreamedFile> {
        let length = file.metadata().map(|m| m.len());
        let mut streamed = StreamedFile {
            file,
            name,
            length: 0,
            head: Vec::new(),
            digests: Mutex::default(),
        };
        streamed.length = length.map_err(|error| streamed.failed(error.kind()))?;
        let mut head = vec![0; streamed.length.min(HEAD as u64) as usize];
        let read = streamed.file.read_exact_at(&mut head, 0);
        read.map_err(|error| streamed.failed(error.kind()))?;
        streamed.head = head;
        Ok(streamed)
    }

    /// Digests that were computed as the file was written.
    pub fn know(&self, algorithm: DigestAlgorithm, digest: Vec<u8>) {
        self.known().insert(algorithm, digest);
    }

    fn known(&self) -> std::sync::MutexGuard<'_, BTreeMap<DigestAlgorithm, Vec<u8>>> {
        self.digests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pieces(&self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let mut buffer = vec![0; PIECE];
        let mut at = 0;
        loop {
            match self.file.read_at(&mut buffer, at) {
                Ok(0) => break,
                Ok(read) => {
                    each(&buffer[..read]);
                    at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error.kind())),
            }
        }
        // Half of one state and half of another is no content that anybody signed.
        if at != self.length {
            return Err(
                Error::unavailable(self.name.clone(), "changed while it was read")
                    .remedy("Try again when nobody writes it."),
            );
        }
        Ok(())
    }

    fn failed(&self, kind: io::ErrorKind) -> Error {
        Error::unavailable(self.name.clone(), format!("cannot be read: {kind}"))
            .remedy("Check the disk that it is on.")
    }
}

fn spooled(from: &mut dyn Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(from, &mut file)?;
    Ok(file)
}

impl Streamed for StreamedFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn head(&self) -> &[u8] {
        &self.head
    }

    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Option<Vec<u8>>> {
        self.digest_all(&[algorithm])?;
        Ok(self.known().get(&algorithm).cloned())
    }

    fn digest_all(&self, algorithms: &[DigestAlgorithm]) -> Result<()> {
        let mut missing = algorithms.to_vec();
        missing.retain(|algorithm| !self.known().contains_key(algorithm));
        if missing.is_empty() {
            return Ok(());
        }
        let mut hashers: Vec<_> = missing.iter().map(|a| Hasher::new(*a)).collect();
        self.pieces(&mut |piece| hashers.iter_mut().for_each(|h| h.update(piece)))?;
        let digests = hashers.into_iter().map(|h| (h.algorithm(), h.finish()));
        self.known().extend(digests);
        Ok(())
    }

    fn again(&self, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.pieces(each).map(|()| true)
    }
}

impl<'a> From<&'a StreamedFile> for Content<'a> {
    fn from(file: &'a StreamedFile) -> Self {
        Content::Streamed(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::digest;
    use std::io::Write;

    #[test]
    fn a_file_is_digested_as_it_is_read_and_its_beginning_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        for length in [0, 1, HEAD, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let content: Vec<u8> = (0..length).map(|n| (n / 7) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            let file = StreamedFile::open(&path).unwrap();
            assert_eq!(file.length(), length as u64);
            assert_eq!(file.head(), &content[..length.min(HEAD)]);
            for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha3_512] {
                let found = Content::from(&file).digest(algorithm).unwrap();
                assert_eq!(found, Some(digest(algorithm, &content)));
            }
            let mut hasher = Hasher::new(DigestAlgorithm::Sha1);
            assert!(Content::from(&file).feed(&mut hasher).unwrap());
            assert_eq!(hasher.finish(), digest(DigestAlgorithm::Sha1, &content));
        }
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_says_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("content");
        std::fs::write(&path, b"before").unwrap();
        let file = StreamedFile::open(&path).unwrap();
        let mut again = File::options().append(true).open(&path).unwrap();
        again.write_all(b" and after").unwrap();
        let error = file.digest(DigestAlgorithm::Sha256).unwrap_err();
        assert_eq!(error.problem(), "changed while it was read");
        assert!(StreamedFile::open(folder.path()).is_err());
        assert!(StreamedFile::open(&folder.path().join("none")).is_err());
    }
}
