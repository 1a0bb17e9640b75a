//! Encryption at rest: ChaCha20-Poly1305 (RFC 8439) under keys derived from a secret that is kept outside of the store.
//!
//! Every value has a key of its own, derived from the secret and a random salt, so that nonces never repeat. Columns are
//! sealed whole, with their place as associated data; blobs in chunks that are numbered and whose last is marked, so
//! that neither order nor end can be changed. What must be found again is kept as HMAC-SHA-256.

use super::BlobId;
use crate::engine::{Error, Result};
use crate::service::keys::{Secret, random};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::{digest, hmac};
use std::io::{self, Read, Write};

const SALT: usize = 16;
const TAG: usize = 16;
/// Plain bytes of one chunk of a blob.
const CHUNK: usize = 64 * 1024;
const MAGIC: &[u8; 8] = b"rubrica\x01";
/// Bytes of a blob file before its first chunk.
const HEAD: usize = MAGIC.len() + SALT;

/// The keys of a store.
pub(super) struct Cipher {
    secret: Secret,
    names: hmac::Key,
    lookups: hmac::Key,
}

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher")
    }
}

impl Cipher {
    pub(super) fn new(secret: Secret) -> Self {
        let key = |label: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, &*secret.derive(label));
        Cipher {
            names: key(b"rubrica store: names of blobs"),
            lookups: key(b"rubrica store: look-ups"),
            secret,
        }
    }

    /// A value that only this secret gives, to know a wrong one by.
    pub(super) fn check_value(&self) -> [u8; 32] {
        *self.secret.derive(b"rubrica store: check")
    }

    /// A keyed hash by which a value of a kind is found again.
    pub(super) fn lookup(&self, kind: &str, value: &str) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.lookups);
        context.update(&(kind.len() as u64).to_be_bytes());
        context.update(kind.as_bytes());
        context.update(value.as_bytes());
        array(context.sign().as_ref())
    }

    /// Seals the value of a column that stands at `place`.
    pub(super) fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>> {
        let salt = random::<SALT>()?;
        let mut sealed = Vec::with_capacity(SALT + value.len() + TAG);
        sealed.extend(salt);
        sealed.extend(value);
        let tag = self
            .key(b"rubrica store: column ", &salt)
            .seal_in_place_separate_tag(nonce(0, true), Aad::from(place), &mut sealed[SALT..])
            .map_err(|_| Error::limit("store", "a value is too large to be encrypted"))?;
        sealed.extend(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what [`Cipher::seal`] sealed at the same place.
    pub(super) fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let (salt, value) = sealed.split_at_checked(SALT).ok_or_else(altered)?;
        let mut value = value.to_vec();
        let length = self
            .key(b"rubrica store: column ", salt)
            .open_in_place(nonce(0, true), Aad::from(place), &mut value)
            .map_err(|_| altered())?
            .len();
        value.truncate(length);
        Ok(value)
    }

    /// Writes `content` encrypted to `file`, and answers its name and length.
    pub(super) fn write_blob(
        &self,
        content: &mut dyn Read,
        file: &mut dyn Write,
    ) -> Result<(BlobId, u64), BlobError> {
        let salt = random::<SALT>().map_err(BlobError::Other)?;
        let key = self.key(b"rubrica store: blob ", &salt);
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut length = 0u64;
        let mut chunk = read_chunk(content).map_err(BlobError::Content)?;
        file.write_all(MAGIC).map_err(BlobError::File)?;
        file.write_all(&salt).map_err(BlobError::File)?;
        for counter in 0.. {
            let next = match chunk.len() {
                CHUNK => read_chunk(content).map_err(BlobError::Content)?,
                _ => Vec::new(),
            };
            hash.update(&chunk);
            length += chunk.len() as u64;
            key.seal_in_place_append_tag(nonce(counter, next.is_empty()), Aad::empty(), &mut chunk)
                .map_err(|_| {
                    BlobError::Other(Error::internal("store", "a chunk cannot be encrypted"))
                })?;
            file.write_all(&chunk).map_err(BlobError::File)?;
            if next.is_empty() {
                break;
            }
            chunk = next;
        }
        Ok((self.name(hash), length))
    }

    /// Reads the content of a blob from its file.
    pub(super) fn read_blob<R: Read>(&self, id: BlobId, mut file: R) -> Result<BlobReader<R>> {
        let mut head = [0; HEAD];
        file.read_exact(&mut head).map_err(|_| altered())?;
        let salt = head.strip_prefix(MAGIC).ok_or_else(altered)?;
        Ok(BlobReader {
            key: self.key(b"rubrica store: blob ", salt),
            names: self.names.clone(),
            hash: Some(digest::Context::new(&digest::SHA256)),
            id,
            file,
            counter: 0,
            ahead: None,
            plain: Vec::new(),
            at: 0,
        })
    }

    fn name(&self, hash: digest::Context) -> BlobId {
        name(&self.names, hash)
    }

    fn key(&self, label: &[u8], salt: &[u8]) -> LessSafeKey {
        let key = self.secret.derive(&[label, salt].concat());
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key);
        LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("a key of ChaCha20 has 32 bytes")))
    }
}

fn name(names: &hmac::Key, hash: digest::Context) -> BlobId {
    BlobId(array(hmac::sign(names, hash.finish().as_ref()).as_ref()))
}

/// What went wrong while a blob was written.
#[derive(Debug)]
pub(super) enum BlobError {
    /// The content could not be read.
    Content(io::Error),
    /// The file could not be written.
    File(io::Error),
    Other(Error),
}

/// The content of a blob, decrypted as it is read.
pub(super) struct BlobReader<R> {
    key: LessSafeKey,
    names: hmac::Key,
    /// `None` once the end was checked.
    hash: Option<digest::Context>,
    id: BlobId,
    file: R,
    counter: u64,
    /// The sealed chunk after the one in `plain`.
    ahead: Option<Vec<u8>>,
    plain: Vec<u8>,
    at: usize,
}

impl<R: Read> BlobReader<R> {
    /// Decrypts the next chunk, or checks the whole at its end.
    fn advance(&mut self) -> io::Result<()> {
        let Some(hash) = &mut self.hash else {
            return Ok(());
        };
        let sealed = match self.ahead.take() {
            Some(sealed) => sealed,
            None if self.counter == 0 => read_up_to(&mut self.file, CHUNK + TAG)?,
            None => {
                let hash = self.hash.take().ok_or_else(io_altered)?;
                return match name(&self.names, hash) == self.id {
                    true => Ok(()),
                    false => Err(io_altered()),
                };
            }
        };
        let next = match sealed.len() {
            n if n == CHUNK + TAG => read_up_to(&mut self.file, CHUNK + TAG)?,
            _ => Vec::new(),
        };
        self.plain = sealed;
        let nonce = nonce(self.counter, next.is_empty());
        let length = self
            .key
            .open_in_place(nonce, Aad::empty(), &mut self.plain)
            .map_err(|_| io_altered())?
            .len();
        self.plain.truncate(length);
        hash.update(&self.plain);
        self.at = 0;
        self.counter += 1;
        self.ahead = (!next.is_empty()).then_some(next);
        Ok(())
    }
}

impl<R: Read> Read for BlobReader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.plain.len() && self.hash.is_some() {
            self.advance()?;
        }
        let rest = self.plain.get(self.at..).unwrap_or(&[]);
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        self.at += n;
        Ok(n)
    }
}

/// The nonce of RFC 8439 §2.3: the number of the chunk, and whether it is the last.
fn nonce(counter: u64, last: bool) -> Nonce {
    let mut nonce = [0; 12];
    nonce[0] = u8::from(last);
    nonce[4..].copy_from_slice(&counter.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn read_chunk(from: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(CHUNK + TAG);
    from.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

fn read_up_to<R: Read>(from: &mut R, bytes: usize) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(bytes);
    from.take(bytes as u64).read_to_end(&mut chunk)?;
    Ok(chunk)
}

fn array(bytes: &[u8]) -> [u8; 32] {
    let mut array = [0; 32];
    array.copy_from_slice(bytes);
    array
}

pub(super) fn altered() -> Error {
    Error::internal("store", "what is stored was altered or damaged")
        .remedy("Restore it from the backup.")
}

fn io_altered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, altered())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cipher() -> Cipher {
        Cipher::new(Secret::new([3; 32]))
    }

    fn written(content: &[u8]) -> (BlobId, Vec<u8>) {
        let mut file = Vec::new();
        let (id, length) = cipher().write_blob(&mut &content[..], &mut file).unwrap();
        assert_eq!(length, content.len() as u64);
        (id, file)
    }

    fn read(id: BlobId, file: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        let mut reader = cipher().read_blob(id, file).map_err(io::Error::other)?;
        reader.read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn blobs_of_every_length_around_a_chunk_come_back() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
            let content: Vec<u8> = (0..length).map(|i| i as u8).collect();
            let (id, file) = written(&content);
            assert_eq!(read(id, &file).unwrap(), content, "{length}");
            let (again, other) = written(&content);
            assert_eq!(id, again, "the name depends on the content alone");
            assert_ne!(file, other, "the bytes on disk do not");
        }
    }

    #[test]
    fn a_blob_cut_reordered_flipped_or_swapped_is_refused() {
        let content: Vec<u8> = (0..2 * CHUNK + 9).map(|i| (i / 7) as u8).collect();
        let (id, file) = written(&content);
        for at in [0, 9, HEAD, HEAD + CHUNK, HEAD + CHUNK + TAG, file.len() - 1] {
            let mut wrong = file.clone();
            wrong[at] ^= 1;
            assert!(read(id, &wrong).is_err(), "flipped at {at}");
        }
        for end in [
            0,
            HEAD,
            HEAD + CHUNK + TAG,
            HEAD + 2 * (CHUNK + TAG),
            file.len() - 1,
        ] {
            assert!(read(id, &file[..end]).is_err(), "cut at {end}");
        }
        let (first, rest) = file[HEAD..].split_at(CHUNK + TAG);
        let (second, third) = rest.split_at(CHUNK + TAG);
        let swapped = [&file[..HEAD], second, first, third].concat();
        assert!(read(id, &swapped).is_err());
        let (_, other) = written(b"another blob under the name of the first");
        assert!(read(id, &other).is_err());
        assert!(read(id, &[&file[..], b"x"].concat()).is_err());
    }

    #[test]
    fn a_column_opens_in_its_place_alone() {
        let sealed = cipher().seal("entries 1", b"00000000T").unwrap();
        assert!(!sealed.windows(9).any(|w| w == b"00000000T"));
        assert_eq!(cipher().open("entries 1", &sealed).unwrap(), b"00000000T");
        assert!(cipher().open("entries 2", &sealed).is_err());
        assert!(cipher().open("entries 1", &sealed[..20]).is_err());
        assert!(cipher().open("entries 1", b"").is_err());
        let other = Cipher::new(Secret::new([4; 32]));
        assert!(other.open("entries 1", &sealed).is_err());
    }

    #[test]
    fn look_ups_of_different_kinds_differ() {
        assert_eq!(cipher().lookup("a", "bc"), cipher().lookup("a", "bc"));
        assert_ne!(cipher().lookup("a", "bc"), cipher().lookup("ab", "c"));
    }
}
