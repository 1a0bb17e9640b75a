//! The body of an answer on its way into memory or a file, within bounds both as sent and as decoded.

use crate::engine::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// What is read at once.
const CHUNK: usize = 64 * 1024;

/// What a body is written to.
pub(super) trait Sink {
    /// Forgets what was written.
    fn restart(&mut self) -> io::Result<()>;
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl Sink for File {
    fn restart(&mut self) -> io::Result<()> {
        self.rewind()?;
        self.set_len(0)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }
}

/// Why a body did not come whole.
#[derive(Debug)]
pub(super) enum Broken {
    /// More bytes than allowed, as sent or as decoded.
    TooLarge,
    /// The connection failed or the coding is wrong.
    Reading(io::Error),
    /// It could not be written.
    Writing(io::Error),
}

/// Copies what `body` brings to `sink`, decoded where `gzip` says so, `most` bytes at most, counting `written` on.
pub(super) fn copy(
    body: impl Read,
    gzip: bool,
    most: u64,
    sink: &mut dyn Sink,
    written: &mut u64,
) -> Result<(), Broken> {
    let sent = Bounded { body, left: most };
    if gzip {
        pump(MultiGzDecoder::new(sent), most, sink, written)
    } else {
        pump(sent, most, sink, written)
    }
}

fn pump(
    mut from: impl Read,
    most: u64,
    sink: &mut dyn Sink,
    written: &mut u64,
) -> Result<(), Broken> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.get_ref().is_some_and(|e| e.is::<TooMuch>()) => {
                return Err(Broken::TooLarge);
            }
            Err(error) => return Err(Broken::Reading(error)),
        };
        *written = written.saturating_add(length as u64);
        if *written > most {
            return Err(Broken::TooLarge);
        }
        sink.put(chunk.get(..length).unwrap_or_default())
            .map_err(Broken::Writing)?;
    }
}

/// A body that is an error once it is larger than allowed, before it is decoded.
struct Bounded<R> {
    body: R,
    left: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("more bytes than allowed")]
struct TooMuch;

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.body.read(into)?;
        self.left = self
            .left
            .checked_sub(length as u64)
            .ok_or_else(|| io::Error::other(TooMuch))?;
        Ok(length)
    }
}

/// The error of a file that cannot be written.
pub(super) fn unwritable(error: &io::Error) -> Error {
    Error::unavailable(
        "file of a download",
        format!("cannot be written: {}", error.kind()),
    )
    .remedy("See that its disk has room and may be written.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn copied(body: &[u8], coded: bool, most: u64) -> Result<Vec<u8>, Broken> {
        let mut sink = Vec::new();
        copy(body, coded, most, &mut sink, &mut 0).map(|()| sink)
    }

    #[test]
    fn a_body_is_bounded_as_sent_and_as_decoded() {
        let text = vec![b'x'; 100_000];
        assert_eq!(copied(&text, false, 100_000).unwrap(), text);
        assert_eq!(copied(&gzip(&text), true, 100_000).unwrap(), text);
        for (body, coded) in [(text.clone(), false), (gzip(&text), true)] {
            assert!(matches!(
                copied(&body, coded, 99_999),
                Err(Broken::TooLarge)
            ));
        }
        // Members that decode to nothing are bytes all the same.
        let nothing: Vec<u8> = std::iter::repeat_n(gzip(b""), 10_000).flatten().collect();
        assert!(matches!(
            copied(&nothing, true, 1_000),
            Err(Broken::TooLarge)
        ));
    }

    #[test]
    fn a_body_that_is_not_what_it_says_is_an_error() {
        let whole = gzip(b"revocation list");
        for body in [&whole[..whole.len() - 3], b"<html>", &whole[..5]] {
            assert!(matches!(copied(body, true, 1_000), Err(Broken::Reading(_))));
        }
    }

    #[test]
    fn a_file_is_begun_again() {
        let mut file = tempfile::tempfile().unwrap();
        file.put(b"a page of a portal").unwrap();
        file.restart().unwrap();
        copy(&b"list"[..], false, 10, &mut file, &mut 0).unwrap();
        file.rewind().unwrap();
        assert_eq!(io::read_to_string(file).unwrap(), "list");
    }
}
