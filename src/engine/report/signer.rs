//! Who signed and for whom, as the signing certificate says it (EN 319 412-1 to -3, and the Spanish profiles).
//!
//! Out: names and numbers for people. Whether the certificate is to be believed is the verdict's.

use crate::engine::pki::Certificate;
use crate::engine::pki::identity::Identity;
use crate::engine::syntax::asn1::names;
use serde::Serialize;

/// The subject of a signing certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Signer {
    /// Its common name.
    pub name: String,
    /// NIF, NIE or passport of the person, in its normal form where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The entity that the seal is of, or that the person acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<Entity>,
    /// The common name of the issuer.
    pub issuer: String,
    /// The whole subject (RFC 4514).
    pub subject: String,
    /// From when to when the certificate is valid.
    pub valid: [crate::engine::Time; 2],
}

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Entity {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

impl Signer {
    /// As `certificate` says.
    pub fn of(certificate: &Certificate) -> Signer {
        let subject = certificate.subject();
        let number = |text: &str| {
            Identity::from_certificate(text).map_or_else(
                || text.to_string(),
                |identity| identity.number().to_string(),
            )
        };
        let organisation = subject.first(&names::AT_ORGANIZATION).unwrap_or_default();
        let identifier = subject
            .first(&names::AT_ORGANIZATION_IDENTIFIER)
            .map(number);
        // A person's own certificate has no organisation; a professional's or representative's and a seal's has.
        let entity = Entity {
            name: organisation.to_string(),
            number: identifier,
        };
        let validity = certificate.validity();
        Signer {
            name: subject.common_name(),
            number: subject.first(&names::AT_SERIAL_NUMBER).map(number),
            on_behalf_of: (!entity.name.is_empty() || entity.number.is_some()).then_some(entity),
            issuer: certificate.issuer().common_name(),
            subject: subject.to_string(),
            valid: [validity.not_before, validity.not_after],
        }
    }
}
