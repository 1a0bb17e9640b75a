//! Where the bytes of a request wait while they are read: small ones in memory, large ones in a file without a name.
//!
//! So the memory of a request does not grow with its length. The file is opened without a name, or unlinked at once, in
//! a folder of the service; it is gone when the request is, also after a crash. Nothing is kept here.

use crate::engine::crypto::{DigestAlgorithm, Hasher};
use crate::engine::formats;
use crate::engine::{Error, Result};
use crate::service::flow::StreamedFile;
use axum::body::Bytes;
use memmap2::Mmap;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

/// Up to here content stays in memory.
const IN_MEMORY: usize = 512 * 1024;

/// The folder of the files without a name.
#[derive(Debug, Clone)]
pub struct Spool(PathBuf);

impl Spool {
    /// A spool in `folder`, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|error| {
            let problem = format!("cannot be made: {}", error.kind());
            Error::unavailable(folder.display().to_string(), problem)
        })?;
        Ok(Spool(folder.to_path_buf()))
    }

    /// Content that is about to come in, under this name in errors and within this limit.
    pub fn start(&self, element: String, limit: Limit) -> Spooling {
        Spooling {
            folder: self.0.clone(),
            element,
            limit,
            length: 0,
            memory: Vec::new(),
            file: None,
            hashers: Vec::new(),
        }
    }
}

/// A limit in bytes, and the key of the configuration that it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// `limits.document_bytes`.
    pub key: &'static str,
    /// Bytes.
    pub bytes: u64,
}

impl Limit {
    /// The error that names this limit.
    pub fn exceeded(&self, element: impl Into<String>) -> Error {
        let problem = format!("larger than {} = {} bytes", self.key, self.bytes);
        Error::limit(element.into(), problem)
            .remedy("Send less, or have the operator raise that limit.")
    }
}

/// Content on its way in.
pub struct Spooling {
    folder: PathBuf,
    element: String,
    limit: Limit,
    length: u64,
    memory: Vec<u8>,
    file: Option<tokio::fs::File>,
    hashers: Vec<Hasher>,
}

impl fmt::Debug for Spooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spooling")
            .field("element", &self.element)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Spooling {
    /// The same, digested by `algorithms` as it comes in.
    #[must_use]
    pub fn digested(mut self, algorithms: &[DigestAlgorithm]) -> Self {
        self.hashers = algorithms.iter().map(|a| Hasher::new(*a)).collect();
        self
    }

    /// Adds a piece.
    pub async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.length > self.limit.bytes {
            return Err(self.limit.exceeded(self.element.clone()));
        }
        if self.file.is_none() && self.memory.len().saturating_add(piece.len()) > IN_MEMORY {
            let mut file = nameless(&self.folder).map_err(failed)?;
            file.write_all(&std::mem::take(&mut self.memory))
                .await
                .map_err(failed)?;
            self.file = Some(file);
        }
        self.hashers.iter_mut().for_each(|h| h.update(piece));
        match &mut self.file {
            Some(file) => file.write_all(piece).await.map_err(failed),
            None => {
                self.memory.extend_from_slice(piece);
                Ok(())
            }
        }
    }

    /// The whole.
    pub async fn finish(self) -> Result<Content> {
        let Some(mut file) = self.file else {
            return Ok(Content(Held::Memory(self.memory.into())));
        };
        file.flush().await.map_err(failed)?;
        let file = file.into_std().await;
        let map = map(&file).map_err(failed)?;
        let hashers = self.hashers.into_iter();
        Ok(Content(Held::Mapped(Mapped {
            map,
            file,
            digests: hashers.map(|h| (h.algorithm(), h.finish())).collect(),
        })))
    }
}

fn nameless(folder: &Path) -> io::Result<tokio::fs::File> {
    tempfile::tempfile_in(folder).map(tokio::fs::File::from_std)
}

fn failed(error: io::Error) -> Error {
    Error::unavailable(
        "spool",
        format!("cannot hold the request: {}", error.kind()),
    )
    .remedy("Make room on the disk of the data folder.")
}

#[expect(unsafe_code, reason = "the only way to map a file")]
fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the file has no name and only `file` and what is cloned from it, which
    // nobody writes to, lead to it, so nobody can change or cut it while it is mapped.
    unsafe { Mmap::map(file) }
}

/// The bytes of one part of a request.
pub struct Content(Held);

enum Held {
    Memory(Bytes),
    Mapped(Mapped),
}

/// A file without a name: its map, of which only what is looked at comes into memory, and the digests computed as it came in.
struct Mapped {
    map: Mmap,
    file: File,
    digests: Vec<(DigestAlgorithm, Vec<u8>)>,
}

/// Content to be read piece by piece where it is in a file.
pub(super) struct Stream<'a> {
    held: &'a Content,
    file: Option<StreamedFile>,
}

impl<'a> Stream<'a> {
    pub(super) fn of(held: &'a Content) -> Result<Stream<'a>> {
        Stream::of_document(held, true)
    }

    /// A document, which is read whole where its signature goes inside.
    pub(super) fn of_document(held: &'a Content, is_detached: bool) -> Result<Stream<'a>> {
        let file = match is_detached {
            true => held.streamed()?,
            false => None,
        };
        Ok(Stream { held, file })
    }

    pub(super) fn content(&self) -> formats::Content<'_> {
        match &self.file {
            Some(file) => file.into(),
            None => formats::Content::Bytes(self.held),
        }
    }
}

impl Content {
    fn streamed(&self) -> Result<Option<StreamedFile>> {
        let Held::Mapped(mapped) = &self.0 else {
            return Ok(None);
        };
        let file = mapped.file.try_clone().map_err(failed)?;
        let streamed = StreamedFile::of(file, "content".to_string())?;
        for (algorithm, digest) in &mapped.digests {
            streamed.know(*algorithm, digest.clone());
        }
        Ok(Some(streamed))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Held::Memory(bytes) => bytes,
            Held::Mapped(mapped) => &mapped.map,
        }
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Content(Held::Memory(bytes.into()))
    }
}

impl AsRef<[u8]> for Content {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Content({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit {
        key: "limits.document_bytes",
        bytes: 4 << 20,
    };

    #[tokio::test]
    async fn large_content_goes_to_a_file_without_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        for pieces in [0, 1, 7, 8, 9, 63] {
            let mut spooling = spool.start("document".into(), LIMIT);
            for n in 0..pieces {
                spooling.write(&[n as u8; 64 * 1024]).await.unwrap();
            }
            let content = spooling.finish().await.unwrap();
            assert_eq!(content.len(), pieces * 64 * 1024);
            assert_eq!(matches!(content.0, Held::Mapped(_)), pieces > 8);
            let last = content.last().copied();
            assert_eq!(last, pieces.checked_sub(1).map(|n| n as u8));
            assert_eq!(std::fs::read_dir(&spool.0).unwrap().count(), 0);
        }
    }

    #[tokio::test]
    async fn the_limit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let mut spooling = spool.start("part \"request\"".into(), Limit { bytes: 3, ..LIMIT });
        spooling.write(b"abc").await.unwrap();
        let error = spooling.write(b"d").await.unwrap_err();
        assert_eq!(error.element(), "part \"request\"");
        assert!(error.problem().contains("limits.document_bytes = 3"));
    }
}
