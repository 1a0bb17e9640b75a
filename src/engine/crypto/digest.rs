//! Digests: SHA-2 by ring, everything else by OpenSSL.

use super::algorithm::DigestAlgorithm;
use openssl::hash::MessageDigest;
use ring::digest as fast;
use std::fmt;

/// Digests what it is fed, piece by piece.
pub struct Hasher {
    algorithm: DigestAlgorithm,
    state: State,
}

enum State {
    Ring(fast::Context),
    OpenSsl(openssl::hash::Hasher),
}

fn ring_algorithm(algorithm: DigestAlgorithm) -> Option<&'static fast::Algorithm> {
    match algorithm {
        DigestAlgorithm::Sha256 => Some(&fast::SHA256),
        DigestAlgorithm::Sha384 => Some(&fast::SHA384),
        DigestAlgorithm::Sha512 => Some(&fast::SHA512),
        _ => None,
    }
}

/// A digest as OpenSSL knows it. Of SHAKE it does not know the length.
pub(crate) fn openssl_algorithm(algorithm: DigestAlgorithm) -> MessageDigest {
    match algorithm {
        DigestAlgorithm::Md5 => MessageDigest::md5(),
        DigestAlgorithm::Sha1 => MessageDigest::sha1(),
        DigestAlgorithm::Sha224 => MessageDigest::sha224(),
        DigestAlgorithm::Sha256 => MessageDigest::sha256(),
        DigestAlgorithm::Sha384 => MessageDigest::sha384(),
        DigestAlgorithm::Sha512 => MessageDigest::sha512(),
        DigestAlgorithm::Sha3_224 => MessageDigest::sha3_224(),
        DigestAlgorithm::Sha3_256 => MessageDigest::sha3_256(),
        DigestAlgorithm::Sha3_384 => MessageDigest::sha3_384(),
        DigestAlgorithm::Sha3_512 => MessageDigest::sha3_512(),
        DigestAlgorithm::Shake128 => MessageDigest::shake_128(),
        DigestAlgorithm::Shake256 => MessageDigest::shake_256(),
    }
}

impl Hasher {
    /// An empty message.
    pub fn new(algorithm: DigestAlgorithm) -> Self {
        let state = match ring_algorithm(algorithm) {
            Some(ring) => State::Ring(fast::Context::new(ring)),
            None => State::OpenSsl(
                openssl::hash::Hasher::new(openssl_algorithm(algorithm))
                    .expect("OpenSSL has every digest of the table"),
            ),
        };
        Hasher { algorithm, state }
    }

    /// The algorithm it was made for.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// Goes on with `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Ring(context) => context.update(bytes),
            State::OpenSsl(hasher) => hasher
                .update(bytes)
                .expect("a digest in memory cannot fail"),
        }
    }

    /// The digest of all that it was fed.
    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Ring(context) => context.finish().as_ref().to_vec(),
            State::OpenSsl(mut hasher) => {
                let mut out = vec![0; self.algorithm.length()];
                let finished = match self.algorithm {
                    DigestAlgorithm::Shake128 | DigestAlgorithm::Shake256 => {
                        hasher.finish_xof(&mut out)
                    }
                    _ => hasher.finish().map(|digest| out.copy_from_slice(&digest)),
                };
                finished.expect("a digest in memory cannot fail");
                out
            }
        }
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({})", self.algorithm)
    }
}

/// The digest of `bytes`.
pub fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Vec<u8> {
    match ring_algorithm(algorithm) {
        Some(ring) => fast::digest(ring, bytes).as_ref().to_vec(),
        None => {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(bytes);
            hasher.finish()
        }
    }
}

/// The SHA-256 of `bytes`, by which objects are named.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(fast::digest(&fast::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_those_of_the_table_and_pieces_make_the_whole() {
        for algorithm in DigestAlgorithm::ALL {
            let whole = digest(*algorithm, b"abc");
            assert_eq!(whole.len(), algorithm.length(), "{algorithm}");
            let mut hasher = Hasher::new(*algorithm);
            hasher.update(b"a");
            hasher.update(b"bc");
            assert_eq!(hasher.finish(), whole);
        }
        assert_eq!(
            digest(DigestAlgorithm::Sha1, b"abc")[..4],
            [0xa9, 0x99, 0x3e, 0x36]
        );
        assert_eq!(sha256(b"abc")[..4], [0xba, 0x78, 0x16, 0xbf]);
        // FIPS 202: SHAKE128 and SHAKE256 of nothing.
        assert_eq!(
            digest(DigestAlgorithm::Shake128, b"")[..4],
            [0x7f, 0x9c, 0x2b, 0xa4]
        );
        assert_eq!(
            digest(DigestAlgorithm::Shake256, b"")[..4],
            [0x46, 0xb9, 0xdd, 0x2b]
        );
    }
}
