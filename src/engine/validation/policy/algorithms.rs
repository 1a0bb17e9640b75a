//! Until when algorithms are acceptable.
//!
//! The dates of algorithms are those that EU DSS 6.4 ships (TS 119 312 v1.5.1 and the SOG-IS catalogue, unchecked), of
//! 2025-01-01. Dates after the table's own are predictions and are told, not judged.

use crate::engine::crypto::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
use crate::engine::time::Time;

/// Until when an algorithm is acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// No end is foreseen.
    Open,
    /// Acceptable before this instant.
    Until(Time),
    /// Not in the table at all.
    Unlisted,
}

impl Acceptance {
    /// The first instant at which it is not acceptable, where one is known.
    pub fn end(self) -> Option<Time> {
        match self {
            Acceptance::Until(end) => Some(end),
            _ => None,
        }
    }

    fn earliest(self, other: Acceptance) -> Acceptance {
        match (self, other) {
            (Acceptance::Unlisted, _) | (_, Acceptance::Unlisted) => Acceptance::Unlisted,
            (Acceptance::Until(a), Acceptance::Until(b)) => Acceptance::Until(a.min(b)),
            (Acceptance::Until(end), _) | (_, Acceptance::Until(end)) => Acceptance::Until(end),
            _ => Acceptance::Open,
        }
    }
}

type Date = Option<(i16, i8, i8)>;

/// A digest algorithm and the first day on which it is not acceptable.
type DigestRow = (DigestAlgorithm, Date);
/// A kind of signature, the least bits of the key that the row is for, the first day on which it is not acceptable.
type KeyRow = (Scheme, u32, Date);

/// Kinds of signatures as the table has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    RsaPkcs1,
    RsaPss,
    Ecdsa,
    Dsa,
    EdDsa,
}

/// Which algorithms were acceptable until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlgorithmConstraints {
    as_of: (i16, i8, i8),
    digests: &'static [DigestRow],
    keys: &'static [KeyRow],
}

const DIGESTS: &[DigestRow] = &[
    (DigestAlgorithm::Md5, Some((2004, 8, 1))),
    (DigestAlgorithm::Sha1, Some((2012, 8, 1))),
    (DigestAlgorithm::Sha224, Some((2029, 1, 1))),
    (DigestAlgorithm::Sha3_224, Some((2029, 1, 1))),
    (DigestAlgorithm::Sha256, None),
    (DigestAlgorithm::Sha384, None),
    (DigestAlgorithm::Sha512, None),
    (DigestAlgorithm::Sha3_256, None),
    (DigestAlgorithm::Sha3_384, None),
    (DigestAlgorithm::Sha3_512, None),
    // RFC 8702: of the strength of SHA-256 and SHA-512 (FIPS 202 §A.1, unchecked); SHAKE256 stands beside Ed448.
    (DigestAlgorithm::Shake128, None),
    (DigestAlgorithm::Shake256, None),
];

const KEYS: &[KeyRow] = &[
    (Scheme::RsaPkcs1, 0, Some((2019, 10, 1))),
    (Scheme::RsaPkcs1, 1900, Some((2029, 1, 1))),
    (Scheme::RsaPss, 0, Some((2019, 10, 1))),
    (Scheme::RsaPss, 1900, Some((2029, 1, 1))),
    (Scheme::RsaPss, 3000, None),
    (Scheme::Dsa, 0, Some((2019, 10, 1))),
    (Scheme::Dsa, 1900, Some((2029, 1, 1))),
    (Scheme::Ecdsa, 0, Some((2012, 8, 1))),
    (Scheme::Ecdsa, 224, Some((2021, 10, 1))),
    (Scheme::Ecdsa, 256, None),
    // The source of this table leaves EdDSA out; RFC 8032 keys are accepted here as FIPS 186-5 §7 does (unchecked).
    (Scheme::EdDsa, 256, None),
];

impl Default for AlgorithmConstraints {
    fn default() -> Self {
        AlgorithmConstraints {
            as_of: (2025, 1, 1),
            digests: DIGESTS,
            keys: KEYS,
        }
    }
}

fn day((year, month, day): (i16, i8, i8)) -> Option<Time> {
    Time::from_utc(year, month, day, 0, 0, 0, 0).ok()
}

fn acceptance(date: Date) -> Acceptance {
    match date.map(day) {
        None => Acceptance::Open,
        Some(Some(end)) => Acceptance::Until(end),
        Some(None) => Acceptance::Unlisted,
    }
}

impl AlgorithmConstraints {
    /// Until when a digest algorithm is acceptable.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Acceptance {
        let row = self.digests.iter().find(|(a, _)| *a == algorithm);
        row.map_or(Acceptance::Unlisted, |(_, date)| acceptance(*date))
    }

    /// Until when a signature algorithm with a key of `bits` is acceptable, its digest included.
    pub fn signature(&self, algorithm: SignatureAlgorithm, bits: u32) -> Acceptance {
        let scheme = match algorithm {
            SignatureAlgorithm::RsaPss { .. } => Scheme::RsaPss,
            other => match other.key_kind() {
                KeyKind::Rsa => Scheme::RsaPkcs1,
                KeyKind::Ec => Scheme::Ecdsa,
                KeyKind::Dsa => Scheme::Dsa,
                KeyKind::Ed25519 | KeyKind::Ed448 => Scheme::EdDsa,
            },
        };
        let row = self
            .keys
            .iter()
            .filter(|(s, least, _)| *s == scheme && *least <= bits)
            .max_by_key(|(_, least, _)| *least);
        let key = row.map_or(Acceptance::Unlisted, |(_, _, date)| acceptance(*date));
        algorithm
            .digest()
            .map_or(key, |digest| key.earliest(self.digest(digest)))
    }

    /// Whether an end was still a prediction when the table was made.
    pub fn is_prediction(&self, end: Time) -> bool {
        day(self.as_of).is_some_and(|as_of| end > as_of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digest_has_a_row_and_the_weakest_part_decides() {
        let table = AlgorithmConstraints::default();
        for digest in DigestAlgorithm::ALL {
            assert_ne!(table.digest(*digest), Acceptance::Unlisted, "{digest}");
        }
        let sha1 = Acceptance::Until("2012-08-01T00:00:00Z".parse().unwrap());
        let rsa = |d| SignatureAlgorithm::RsaPkcs1(d);
        assert_eq!(table.signature(rsa(DigestAlgorithm::Sha1), 2048), sha1);
        assert_eq!(
            table.signature(rsa(DigestAlgorithm::Sha256), 1024),
            Acceptance::Until("2019-10-01T00:00:00Z".parse().unwrap())
        );
        assert_eq!(
            table.signature(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256), 256),
            Acceptance::Open
        );
        assert_eq!(
            table.signature(SignatureAlgorithm::Ed25519, 256),
            Acceptance::Open
        );
        let Acceptance::Until(end) = table.signature(rsa(DigestAlgorithm::Sha256), 2048) else {
            panic!("RSA-2048 has an end");
        };
        assert!(table.is_prediction(end));
    }
}
