//! Bytes ⇄ trees. No trust and no cryptography here: a reader says what the bytes are, never what they are worth.

pub mod asn1;
pub mod hex;
pub mod json;
pub mod ldap;
pub mod mime;
pub mod pdf;
pub mod pem;
pub mod xml;
pub mod zip;
