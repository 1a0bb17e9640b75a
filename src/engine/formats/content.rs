//! Content that a signature covers and does not carry: bytes at hand, or a stream that was, or is, digested as it passes.
//!
//! A stream of any size takes the memory of its beginning ([`HEAD`]). What only the bytes themselves can answer (archive
//! time-stamps of version 2, TS 101 733 §6.4.1) reads it again where it can be read again.

use crate::engine::crypto::{DigestAlgorithm, Hasher, digest};
use crate::engine::error::{Error, Result};
use std::collections::BTreeMap;
use std::fmt;

/// How much of a stream's beginning is kept: enough to see that it is a set of signed attributes posing as content.
pub const HEAD: usize = 64 * 1024;

/// Content that is not at hand in one piece.
pub trait Streamed: fmt::Debug + Sync {
    /// How many bytes it has.
    fn length(&self) -> u64;

    /// Its first [`HEAD`] bytes, or all of them.
    fn head(&self) -> &[u8];

    /// Its digest; none where it was not computed as it passed and it cannot be read again.
    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Option<Vec<u8>>>;

    /// Computes the digests by all of `algorithms` in one pass, where it is read anew for them.
    fn digest_all(&self, _algorithms: &[DigestAlgorithm]) -> Result<()> {
        Ok(())
    }

    /// Reads all of it again, piece by piece; false where it cannot be.
    fn again(&self, each: &mut dyn FnMut(&[u8])) -> Result<bool>;
}

/// Content that was signed, or is to be.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// All of it; may be a memory map.
    Bytes(&'a [u8]),
    /// What is digested as it passes.
    Streamed(&'a dyn Streamed),
}

impl<'a> From<&'a [u8]> for Content<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Content::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Content<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Content::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Content<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Content::Bytes(bytes)
    }
}

impl<'a> Content<'a> {
    /// How many bytes it has.
    pub fn length(self) -> u64 {
        match self {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Streamed(stream) => stream.length(),
        }
    }

    /// Its beginning: [`HEAD`] bytes of a stream or all of it.
    pub fn head(self) -> &'a [u8] {
        match self {
            Content::Bytes(bytes) => bytes,
            Content::Streamed(stream) => stream.head(),
        }
    }

    /// All of it, where it is at hand.
    pub fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Content::Bytes(bytes) => Some(bytes),
            Content::Streamed(_) => None,
        }
    }

    /// All of it, which must be at hand.
    pub fn whole(self) -> Result<&'a [u8]> {
        self.bytes().ok_or_else(|| {
            Error::unsupported("content", "streams past, where all of it is needed")
                .remedy("Give it in one piece, or sign it detached.")
        })
    }

    /// Its digest; none where a stream went by without it.
    pub fn digest(self, algorithm: DigestAlgorithm) -> Result<Option<Vec<u8>>> {
        match self {
            Content::Bytes(bytes) => Ok(Some(digest(algorithm, bytes))),
            Content::Streamed(stream) => stream.digest(algorithm),
        }
    }

    /// Computes the digests by all of `algorithms` in one pass over a stream.
    pub fn digest_all(self, algorithms: &[DigestAlgorithm]) -> Result<()> {
        match self {
            Content::Bytes(_) => Ok(()),
            Content::Streamed(stream) => stream.digest_all(algorithms),
        }
    }

    /// Feeds all of it to `hasher`; false where it went by and cannot be read again.
    pub fn feed(self, hasher: &mut Hasher) -> Result<bool> {
        match self {
            Content::Bytes(bytes) => hasher.update(bytes),
            Content::Streamed(stream) => return stream.again(&mut |piece| hasher.update(piece)),
        }
        Ok(true)
    }
}

/// Digests of content computed as it passes, by one algorithm or several; the content itself is gone.
///
/// ```
/// use rubrica::engine::crypto::{DigestAlgorithm::Sha256, digest};
/// use rubrica::engine::formats::{Content, ContentDigests};
///
/// let mut passing = ContentDigests::passing(&[Sha256]);
/// passing.update(b"a");
/// passing.update(b"bc");
/// let digests = passing.finish();
/// let found = Content::Streamed(&digests).digest(Sha256)?;
/// assert_eq!(found, Some(digest(Sha256, b"abc")));
/// # Ok::<(), rubrica::engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContentDigests {
    digests: BTreeMap<DigestAlgorithm, Vec<u8>>,
    length: u64,
    head: Vec<u8>,
}

impl ContentDigests {
    /// Begins with nothing.
    pub fn passing(algorithms: &[DigestAlgorithm]) -> Passing {
        Passing {
            hashers: algorithms.iter().map(|a| Hasher::new(*a)).collect(),
            length: 0,
            head: Vec::new(),
        }
    }

    /// A digest that was computed elsewhere of `length` bytes that nobody here has seen.
    pub fn known(algorithm: DigestAlgorithm, digest: Vec<u8>, length: u64) -> ContentDigests {
        ContentDigests {
            digests: BTreeMap::from([(algorithm, digest)]),
            length,
            head: Vec::new(),
        }
    }

    /// The digest by `algorithm`, if it was computed.
    pub fn by(&self, algorithm: DigestAlgorithm) -> Option<&[u8]> {
        self.digests.get(&algorithm).map(Vec::as_slice)
    }
}

impl Streamed for ContentDigests {
    fn length(&self) -> u64 {
        self.length
    }

    fn head(&self) -> &[u8] {
        &self.head
    }

    fn digest(&self, algorithm: DigestAlgorithm) -> Result<Option<Vec<u8>>> {
        Ok(self.by(algorithm).map(<[u8]>::to_vec))
    }

    fn again(&self, _: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Ok(false)
    }
}

/// Content on its way past.
#[derive(Debug)]
pub struct Passing {
    hashers: Vec<Hasher>,
    length: u64,
    head: Vec<u8>,
}

impl Passing {
    /// The next piece.
    pub fn update(&mut self, piece: &[u8]) {
        let more = HEAD.saturating_sub(self.head.len()).min(piece.len());
        self.head.extend_from_slice(&piece[..more]);
        self.length += piece.len() as u64;
        for hasher in &mut self.hashers {
            hasher.update(piece);
        }
    }

    /// That was all.
    pub fn finish(self) -> ContentDigests {
        let hashers = self.hashers.into_iter();
        ContentDigests {
            digests: hashers.map(|h| (h.algorithm(), h.finish())).collect(),
            length: self.length,
            head: self.head,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_digested_and_its_beginning_kept() {
        let algorithms = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512];
        let content = vec![7; HEAD + 10];
        let mut passing = ContentDigests::passing(&algorithms);
        content.chunks(1000).for_each(|piece| passing.update(piece));
        let digests = passing.finish();
        assert_eq!(digests.length(), content.len() as u64);
        assert_eq!(digests.head(), &content[..HEAD]);
        for algorithm in algorithms {
            let whole = Content::from(&content).digest(algorithm).unwrap();
            assert_eq!(
                Content::Streamed(&digests).digest(algorithm).unwrap(),
                whole
            );
        }
        assert_eq!(digests.by(DigestAlgorithm::Sha1), None);
        let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
        assert!(!Content::Streamed(&digests).feed(&mut hasher).unwrap());
    }
}
