//! From level B to level T: a time-stamp over the signature value (EN 319 122-1 §5.3).

use crate::engine::error::Result;
use crate::engine::pki::cms::{Attribute, add_unsigned_attribute};
use crate::engine::syntax::asn1::names;

/// The same message with `token` as signature-time-stamp of signer number `signer`.
pub fn with_signature_timestamp(message: &[u8], signer: usize, token: &[u8]) -> Result<Vec<u8>> {
    let attribute = Attribute::new(names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN, token.to_vec());
    add_unsigned_attribute(message, signer, &attribute)
}
