//! Input files: mapped into memory where that can be done, read otherwise.
//!
//! One of the two places of the project with `unsafe`; the other maps uploads (`http::spool`).

use crate::engine::{Error, Result};
use memmap2::Mmap;
use std::fs::File;
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

/// Files up to this size are read: cheaper than a mapping, and nobody can cut them short afterwards.
const READ: u64 = 1 << 20;
/// What is no regular file (a pipe) is read up to this size.
const STREAM: u64 = 256 << 20;

/// The bytes of a file.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Read(bytes) => bytes,
        }
    }
}

/// The file at `path`; `-` is standard input.
pub(super) fn open(path: &Path) -> Result<Bytes> {
    let unreadable = |error: std::io::Error| {
        Error::not_found(
            path.display().to_string(),
            format!("cannot be read: {}", error.kind()),
        )
        .remedy("Check the name and the permissions.")
    };
    if path == Path::new("-") {
        return stream(&mut std::io::stdin().lock(), path);
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Error::invalid(path.display().to_string(), "is a folder")
            .remedy("Give files, or -r to validate every file of a folder."));
    }
    if !metadata.is_file() {
        return stream(&mut file, path);
    }
    if metadata.len() > READ
        && let Some(map) = map(&file)
    {
        return Ok(Bytes::Mapped(map));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(Bytes::Read(bytes))
}

fn stream(from: &mut dyn Read, path: &Path) -> Result<Bytes> {
    let mut bytes = Vec::new();
    from.take(STREAM + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::not_found(path.display().to_string(), error.kind().to_string()))?;
    if bytes.len() as u64 > STREAM {
        return Err(Error::limit(
            path.display().to_string(),
            format!("more than {STREAM} bytes in a stream"),
        )
        .remedy("Give it as a file."));
    }
    Ok(Bytes::Read(bytes))
}

#[allow(unsafe_code)]
fn map(file: &File) -> Option<Mmap> {
    // SAFETY: the mapping is read-only and private to this process. Should another process cut the file short while it
    // is looked at, the kernel ends this one (SIGBUS): a command about the caller's own file ends, and no memory of
    // ours is corrupted. Should it change the bytes, the readers see a document that is not sound, as they may in any
    // file: nothing is computed from them beyond slices of checked bounds.
    unsafe { Mmap::map(file) }.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn small_files_are_read_large_ones_mapped_and_folders_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"small").unwrap();
        assert!(matches!(open(&path).unwrap(), Bytes::Read(bytes) if bytes == b"small"));
        let mut file = File::create(&path).unwrap();
        file.write_all(&vec![7; READ as usize + 1]).unwrap();
        let large = open(&path).unwrap();
        assert!(matches!(large, Bytes::Mapped(_)));
        assert_eq!(large.len() as u64, READ + 1);
        assert_eq!(open(folder.path()).unwrap_err().problem(), "is a folder");
        assert!(open(&folder.path().join("none")).is_err());
    }
}
