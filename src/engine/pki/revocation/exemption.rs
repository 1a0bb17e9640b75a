//! Certificates of which nobody asks whether they are revoked.

use crate::engine::pki::Certificate;
use crate::engine::syntax::asn1::names;

/// Why nobody asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exemption {
    /// The issuer publishes nothing about it (RFC 9608 §2).
    NoRevocationAvailable,
    /// It is too short-lived to be revoked (EN 319 412-1 §5.2, unchecked).
    ShortTerm,
}

/// Whether nobody asks about `certificate`, and why.
pub fn exemption(certificate: &Certificate) -> Option<Exemption> {
    let has = |id| certificate.extension(&id).is_some();
    let is_authority = certificate.basic_constraints().is_some_and(|c| c.ca);
    // RFC 9608 §3: in a certificate of an authority, or beside a place to ask, the extension must not stand and does not count.
    let asked = is_authority
        || has(names::ID_CE_CRL_DISTRIBUTION_POINTS)
        || has(names::ID_CE_FRESHEST_CRL)
        || certificate.ocsp_uris().next().is_some();
    if has(names::ID_CE_NO_REV_AVAIL) && !asked {
        Some(Exemption::NoRevocationAvailable)
    } else if has(names::ID_ETSI_EXT_VALASSURED_ST_CERTS) && !is_authority {
        Some(Exemption::ShortTerm)
    } else {
        None
    }
}
