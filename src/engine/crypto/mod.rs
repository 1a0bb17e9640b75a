//! Digests, signature algorithms, public keys and the `Signer` trait. Private keys live in `service/keys`.
//!
//! Verification goes to ring where ring has the algorithm and to OpenSSL otherwise, behind [`PublicKey`], so that
//! another provider can follow. Which algorithms are still acceptable is policy, not mathematics: `validation/policy`.

mod algorithm;
mod digest;
mod signer;
mod verify;

pub use algorithm::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
#[cfg(feature = "service")]
pub(crate) use digest::openssl_algorithm;
pub use digest::{Hasher, digest, sha256};
pub use signer::{SignatureValue, Signer};
pub use verify::{PublicKey, SignatureInput};
