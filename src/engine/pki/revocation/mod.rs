//! Whether a certificate is revoked, by revocation lists (RFC 5280 §6.3) and OCSP responses (RFC 6960 §3.2).
//!
//! [`Inquiry::said`] gathers what the data at hand says about a certificate of a path, whatever the time; [`judge`]
//! concludes from it for an instant: good, revoked, unknown, or not checked and why. Nothing is fetched here.

mod crl;
mod exemption;
pub mod index;
mod inquiry;
mod judgment;
mod ocsp;
mod status;

pub use exemption::{Exemption, exemption};
pub use inquiry::{Data, Inquiry, Link, Memory, NoPaths, Paths, Said};
pub use judgment::{Conclusion, Judgment, Proofs, Rules, Undecided, could_be_asked, judge};
pub use status::{Answer, Kind, Status, Unchecked, Unusable, is_fresh};
