//! Whoever holds a private key: a file, an HSM, a remote service, a citizen's browser.
//!
//! A signer knows its algorithm and nothing of certificates; the certificate and its chain travel in the request to
//! sign, so that the two-step form, where no signer exists on this side, has the same shape.

use super::algorithm::SignatureAlgorithm;
use crate::engine::error::Result;

/// The value of a signature, as the algorithm encodes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureValue(pub Vec<u8>);

/// Signs bytes.
pub trait Signer: Send + Sync {
    /// The algorithm of the signatures it makes.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// Signs the message `to_be_signed` (not its digest). May block on a token or a network.
    fn sign(&self, to_be_signed: &[u8]) -> Result<SignatureValue>;
}
