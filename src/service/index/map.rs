//! Indexes mapped into memory.
//!
//! One of the three places of the project with `unsafe`; the others map uploads (`http::spool`) and input files
//! (`cli::input`).

use memmap2::Mmap;
use std::fs::File;
use std::io;

/// Maps a file that was written by this room and is never changed after.
#[expect(unsafe_code, reason = "the only way to map a file")]
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the mapping is read-only. Files of this folder are written under a name of their own, renamed once they are
    // whole, and from then on unlinked but never cut or written, so no page of the mapping goes away while it is used. An
    // operator who cuts them all the same ends the process (SIGBUS), and OPERATIONS.md says so; one who changes bytes is
    // found out by the checksum of their page: nothing is computed from them beyond slices of checked bounds.
    let map = unsafe { Mmap::map(file) }?;
    // Lookups touch a page here and a page there.
    let _ = map.advise(memmap2::Advice::Random);
    Ok(map)
}
