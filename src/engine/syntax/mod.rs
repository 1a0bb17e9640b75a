//! Bytes ⇄ trees; no trust, no cryptography.

pub mod zip;
