//! Certificates, revocation lists, OCSP, time-stamp tokens, signed messages, and paths between them.
//!
//! Each type keeps the bytes it was read from and hands out what was signed as it was received.

mod certificate;
mod certificates;
pub mod cms;
pub mod crl;
pub mod evidence_record;
pub mod extension;
pub mod identity;
mod name;
pub mod ocsp;
pub mod path;
pub mod presented;
pub mod qc_statements;
pub mod revocation;
pub mod signature_policy;
pub mod timestamp;
pub mod trust;

pub use certificate::{Certificate, Validity};
pub use certificates::Certificates;
pub use crl::{CertificateList, RevocationList};
pub use name::{Attribute, Name};
pub use ocsp::OcspResponse;
pub use timestamp::{TimestampToken, TstInfo};
