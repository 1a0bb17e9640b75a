//! What is odd in the certificates of a path and harmless to it: told, not refused.
//!
//! Real certificates are like that: qcStatements without their syntax, lengths that are not minimal, alternative names that
//! are no names. What a check needs is not tolerated and never comes here (`validate`).

use super::name_constraints::mailbox;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::{GeneralName, subject_alt_name};
use crate::engine::syntax::asn1::{Oid, names};

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oddity {
    /// An extension that no check needed does not follow its own syntax.
    MalformedExtension(Oid),
    /// An alternative name does not follow the syntax of its form; the extension that it stands in.
    AlternativeName(Oid),
    /// Lengths that DER does not allow (RFC 5280 §4.1).
    NotDer,
    /// Extensions in a certificate of version 1 or 2 (RFC 5280 §4.1.2.9).
    ExtensionsBeforeVersion3,
    /// Unique identifiers (RFC 5280 §4.1.2.8).
    UniqueIdentifier,
    /// A serial number that is negative, zero, or longer than 20 octets (RFC 5280 §4.1.2.2).
    SerialNumber,
}

/// An oddity and the certificate that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Note {
    pub certificate: Certificate,
    pub oddity: Oddity,
}

pub(super) fn notes(certificates: &[Certificate]) -> Vec<Note> {
    let note = |certificate: &Certificate, oddity| Note {
        certificate: certificate.clone(),
        oddity,
    };
    certificates
        .iter()
        .flat_map(|c| oddities(c).into_iter().map(move |oddity| note(c, oddity)))
        .collect()
}

fn oddities(certificate: &Certificate) -> Vec<Oddity> {
    let malformed = certificate.malformed().iter().copied();
    let mut all: Vec<Oddity> = malformed.map(Oddity::MalformedExtension).collect();
    for id in [names::ID_CE_SUBJECT_ALT_NAME, names::ID_CE_ISSUER_ALT_NAME] {
        let extension = certificate.extension(&id);
        let names = extension.and_then(|e| subject_alt_name(&e.value).ok());
        if names.is_some_and(|names| names.iter().any(is_odd)) {
            all.push(Oddity::AlternativeName(id));
        }
    }
    let serial = certificate.serial();
    let has = [
        (!certificate.is_der(), Oddity::NotDer),
        (
            certificate.version() < 3 && !certificate.extensions().is_empty(),
            Oddity::ExtensionsBeforeVersion3,
        ),
        (
            certificate.has_unique_identifiers(),
            Oddity::UniqueIdentifier,
        ),
        (
            // "Certificate users MUST be able to handle serialNumber values up to 20 octets", a leading zero apart.
            serial.first().is_some_and(|first| first & 0x80 != 0)
                || serial.iter().all(|byte| *byte == 0)
                || serial.strip_prefix(&[0]).unwrap_or(serial).len() > 20,
            Oddity::SerialNumber,
        ),
    ];
    all.extend(has.into_iter().filter(|(odd, _)| *odd).map(|(_, o)| o));
    all
}

fn is_odd(name: &GeneralName) -> bool {
    match name {
        // Some issuers wrote the name of the form into the name.
        GeneralName::Email(text) => mailbox(text).is_none() || text.starts_with("rfc822Name="),
        GeneralName::Dns(text) | GeneralName::Uri(text) => {
            text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic())
        }
        GeneralName::Ip(bytes) => !matches!(bytes.len(), 4 | 16),
        GeneralName::Directory(_) | GeneralName::Other { .. } => false,
    }
}
