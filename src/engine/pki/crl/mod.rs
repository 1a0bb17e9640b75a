//! Certificate revocation lists (RFC 5280 §5): what stands around the entries, the entries, and who holds them.
//!
//! A list is anything that knows its header and finds an entry: the bytes themselves ([`CertificateList`]), or an index or
//! an excerpt of them. Whether a list applies to a certificate and is fresh is `revocation` and `validation`.

mod entry;
mod header;
mod list;
mod scope;

pub use entry::{Entries, ListedEntry, RevocationReason, RevokedEntry, same_serial};
pub use header::{CrlNumber, ListHeader, ListLayout};
pub use list::CertificateList;
pub use scope::{IssuingDistributionPoint, Reasons};

use super::Name;
use crate::engine::crypto::PublicKey;
use crate::engine::error::Result;
use std::fmt::Debug;

/// A list that can be asked, however it is held.
pub trait RevocationList: Debug + Send + Sync {
    /// All but the entries.
    fn header(&self) -> &ListHeader;

    /// The SHA-256 of the list as its issuer signed and sent it.
    fn id(&self) -> [u8; 32];

    /// Whether `key` made the signature on the list.
    fn is_signed_by(&self, key: &PublicKey) -> bool;

    /// The last entry for the certificate with `serial` (content octets) that `certificate_issuer` issued. An entry of an
    /// indirect list belongs to the issuer that it or the nearest entry before it names, else to the issuer of the list
    /// (RFC 5280 §5.3.3); an entry of any other list, to the issuer of the list, unless it names another.
    ///
    /// An error where any entry is malformed, or has a critical extension that is not known here: such a list says nothing
    /// about anyone (RFC 5280 §5.3). The kind of the latter is `Unsupported`.
    fn entry(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<RevokedEntry>>;
}
