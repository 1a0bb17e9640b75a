//! Cryptographic Message Syntax: `SignedData` in and out (RFC 5652 §5, and PKCS #7 1.5).
//!
//! Reading accepts BER; writing makes DER. What the attributes mean to an AdES signature is `formats/cades`; whether a
//! signature holds is `validation`.

mod attribute;
mod edit;
mod read;
mod strip;
mod write;

pub use attribute::{Attribute, Attributes, EssCertificate, ess_certificates};
pub use edit::{Draft, Rewriting, Written};
pub use read::{SignedData, SignerIdentifier, SignerInfo};
pub use strip::{AttributeValue, Pieces, unsigned_values, without};
pub use write::{SignerInfoParts, signed_data, signer_info};
