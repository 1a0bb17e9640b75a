//! Keys: those that seal, and those that keep what is stored secret.
//!
//! A seal's key answers to [`Signer`](crate::engine::crypto::Signer), wherever it is held; here are the files. Tokens,
//! remote signers and signatures made elsewhere join in rooms of their own.

pub mod file;
mod secret;

pub use secret::{Passphrase, Secret, random};
