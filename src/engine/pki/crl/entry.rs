//! The entries of a list (RFC 5280 §5.1.2.6, §5.3), walked in place.
//!
//! Nothing is copied until an entry is asked for, so that a list of a million entries costs its reading.

use crate::engine::error::{Error, Result};
use crate::engine::pki::Name;
use crate::engine::pki::extension::{Extension, GeneralName, general_names, read_extensions};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}

impl RevocationReason {
    /// By its number; unknown numbers are unspecified.
    pub fn from_number(number: u64) -> Self {
        match number {
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            9 => Self::PrivilegeWithdrawn,
            10 => Self::AaCompromise,
            _ => Self::Unspecified,
        }
    }

    /// Its number in `CRLReason`.
    pub fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }
}

/// One entry of a list, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedEntry {
    /// When the certificate was revoked.
    pub revocation_date: Time,
    /// Why, where the list says so.
    pub reason: Option<RevocationReason>,
    /// Since when the key was not safe any more, where the list says so (§5.3.2).
    pub invalidity_date: Option<Time>,
    /// The issuer of the certificate, where the entry itself names one (§5.3.3).
    pub certificate_issuer: Vec<GeneralName>,
}

impl RevokedEntry {
    /// Whether the entry names `issuer` as that of the certificate.
    pub fn names_issuer(&self, issuer: &Name) -> bool {
        names_issuer(&self.certificate_issuer, issuer)
    }
}

fn names_issuer(general_names: &[GeneralName], issuer: &Name) -> bool {
    general_names
        .iter()
        .any(|name| matches!(name, GeneralName::Directory(name) if name == issuer))
}

/// Extensions of entries that are processed here; criticality of others makes a list useless (§5.3).
const KNOWN: &[Oid] = &[
    names::ID_CE_CRL_REASONS,
    names::ID_CE_INVALIDITY_DATE,
    names::ID_CE_CERTIFICATE_ISSUER,
];

/// Walks the content of `revokedCertificates`.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    reader: Reader<'a>,
    /// A list of version 1 has no extensions of entries (§5.1.2.1).
    extensions: bool,
}

impl<'a> Entries<'a> {
    /// Over `content`; `version` is that of the list, from 1.
    pub fn new(content: &'a [u8], version: u8) -> Entries<'a> {
        Entries {
            reader: Reader::ber(content),
            extensions: version > 1,
        }
    }

    /// The next entry, or none at the end.
    pub fn next_entry(&mut self) -> Result<Option<ListedEntry<'a>>> {
        if self.reader.is_empty() {
            return Ok(None);
        }
        let mut fields = self.reader.sequence("revokedCertificate")?;
        let serial = fields.expect(Tag::INTEGER, "userCertificate")?.integer()?;
        let date = fields.read("revocationDate")?;
        let extensions = fields.optional(Tag::SEQUENCE, "crlEntryExtensions")?;
        fields.finish("revokedCertificate")?;
        if extensions.is_some() && !self.extensions {
            return Err(Error::malformed(
                "crlEntryExtensions",
                "stand in a list of version 1",
            ));
        }
        Ok(Some(ListedEntry {
            serial,
            date,
            extensions,
        }))
    }
}

/// One entry where it stands.
#[derive(Debug, Clone)]
pub struct ListedEntry<'a> {
    /// The serial number of the certificate, content octets.
    pub serial: &'a [u8],
    date: Tlv<'a>,
    extensions: Option<Tlv<'a>>,
}

impl ListedEntry<'_> {
    /// Whether it has extensions, without which there is no reason and no certificate issuer.
    pub fn has_extensions(&self) -> bool {
        self.extensions.is_some()
    }

    /// When the certificate was revoked.
    pub fn revocation_date(&self) -> Result<Time> {
        self.date.time()
    }

    /// Reads all of it. An unknown critical extension is an error of kind `Unsupported`.
    pub fn read(&self) -> Result<RevokedEntry> {
        let mut entry = RevokedEntry {
            revocation_date: self.revocation_date()?,
            reason: None,
            invalidity_date: None,
            certificate_issuer: Vec::new(),
        };
        if let Some(extensions) = &self.extensions {
            for extension in read_extensions(extensions.inner_of("crlEntryExtensions")?)? {
                entry.read_extension(&extension)?;
            }
        }
        Ok(entry)
    }
}

impl RevokedEntry {
    fn read_extension(&mut self, extension: &Extension) -> Result<()> {
        if !KNOWN.contains(&extension.id) {
            return if extension.critical {
                Err(Error::unsupported(
                    "crlEntryExtensions",
                    format!("{} is critical and not known here", extension.id),
                ))
            } else {
                Ok(())
            };
        }
        let value = Tlv::whole(Reader::ber(&extension.value), "crlEntryExtension")?;
        match extension.id {
            names::ID_CE_CRL_REASONS => {
                self.reason = Some(RevocationReason::from_number(value.u64()?));
            }
            names::ID_CE_INVALIDITY_DATE => self.invalidity_date = Some(value.time()?),
            _ => self.certificate_issuer = general_names(value.inner_of("certificateIssuer")?)?,
        }
        Ok(())
    }
}

/// Whether two INTEGERs (content octets) are one serial number, whatever bytes more than DER lets stand before it: old
/// issuers wrote lists and certificates by different rules. A negative number is not the positive one of the same bits.
pub fn same_serial(a: &[u8], b: &[u8]) -> bool {
    a == b || trimmed(a) == trimmed(b)
}

fn trimmed(mut integer: &[u8]) -> &[u8] {
    while let [first @ (0 | 0xff), rest @ ..] = integer
        && rest.first().is_some_and(|next| (first ^ next) & 0x80 == 0)
    {
        integer = rest;
    }
    integer
}
