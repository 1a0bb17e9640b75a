//! Keys: those that seal, and those that keep what is stored secret.
//!
//! A seal's key answers to [`Signer`](crate::engine::crypto::Signer), wherever it is held; here are the files. Tokens,
//! remote signers and signatures made elsewhere join in rooms of their own.

mod file;
mod seal;
mod secret;

pub use file::KeyFile;
pub use seal::{FileSigner, Seal};
pub use secret::{Passphrase, Secret, random};

#[cfg(test)]
pub(super) use file::tests as testing;
