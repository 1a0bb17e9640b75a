//! ASN.1: BER in (ITU-T X.690), DER out, object identifiers.
//!
//! The reader walks borrowed bytes and hands out slices of them, so that whatever is signed is hashed as it was
//! received. It accepts every BER form (indefinite and non-minimal lengths, constructed strings) or, on request, only
//! DER lengths. What certificates and messages mean is `pki`.

pub mod der;
mod oid;
mod reader;

pub use oid::{Oid, names};
pub use reader::{Encoding, Reader, Tag, Tlv, has_der_lengths};
