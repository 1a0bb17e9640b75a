//! Whether a certificate was revoked, by one revocation list (RFC 5280 §6.3) or one OCSP response (RFC 6960 §3.2).
//!
//! Each answers for one certificate and its issuer, or says why it cannot. Nothing is claimed beyond what is checked: delta,
//! indirect and partial-reason lists are not used. How fresh an answer must be is `validation/revocation_freshness`.

mod crl;
pub mod index;
mod ocsp;
mod status;

pub use crl::by_crl;
pub use ocsp::by_ocsp;
pub use status::{Answer, Status, Unusable};
