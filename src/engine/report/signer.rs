//! Who signed and for whom, as the signing certificate says it (EN 319 412-1 to -3, and the Spanish profiles).
//!
//! Out: names and numbers for people. Whether the certificate is to be believed is the verdict's.

use crate::engine::pki::Certificate;
use crate::engine::pki::extension::GeneralName;
use crate::engine::pki::identity::Identity;
use crate::engine::syntax::asn1::{Oid, names};
use crate::engine::validation::shortened;
use serde::Serialize;

/// Directory attributes of subjectAltName under an arc, and the number that each field has below it.
struct Fields {
    arc: Oid,
    /// Whether class and level stand between the arc and the field's number.
    classed: bool,
    person: u8,
    entity: u8,
    entity_number: u8,
}

/// The profiles of the Spanish administration, and those of FNMT before them.
const PROFILES: &[Fields] = &[
    Fields {
        arc: Oid::new(&[2, 16, 724, 1, 3, 5]),
        classed: true,
        person: 4,
        entity: 2,
        entity_number: 3,
    },
    Fields {
        arc: Oid::new(&[1, 3, 6, 1, 4, 1, 5734, 1]),
        classed: false,
        person: 4,
        entity: 6,
        entity_number: 7,
    },
];

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
        let field = |field: fn(&Fields) -> u8| profile_field(certificate, field);
        let own = |kind: &Oid| subject.first(kind).map(|text| shortened(text.to_string()));
        let name = shortened(subject.common_name());
        // A person's own certificate has no organisation; a professional's or representative's and a seal's has.
        let entity = Entity {
            name: own(&names::AT_ORGANIZATION)
                .or_else(|| field(|f| f.entity))
                .unwrap_or_default(),
            number: own(&names::AT_ORGANIZATION_IDENTIFIER)
                .or_else(|| field(|f| f.entity_number))
                .or_else(|| represented(&name).map(str::to_string))
                .map(|text| number(&text)),
        };
        let person = own(&names::AT_SERIAL_NUMBER)
            .or_else(|| field(|f| f.person))
            .map(|text| number(&text));
        let validity = certificate.validity();
        Signer {
            name,
            number: person,
            on_behalf_of: (!entity.name.is_empty() || entity.number.is_some()).then_some(entity),
            issuer: shortened(certificate.issuer().common_name()),
            subject: shortened(subject.to_string()),
            valid: [validity.not_before, validity.not_after],
        }
    }
}

/// A number in its normal form, where it has one.
fn number(text: &str) -> String {
    Identity::from_certificate(text).map_or_else(
        || text.to_string(),
        |identity| identity.number().to_string(),
    )
}

/// A field of subjectAltName in one of the [`PROFILES`].
fn profile_field(certificate: &Certificate, number: fn(&Fields) -> u8) -> Option<String> {
    let attributes = certificate
        .subject_alt_name()
        .iter()
        .flat_map(|name| match name {
            GeneralName::Directory(name) => name.attributes(),
            _ => &[],
        });
    let mut found = attributes.filter(|attribute| {
        PROFILES.iter().any(|profile| {
            let below = attribute.kind.content().strip_prefix(profile.arc.content());
            match (below, profile.classed) {
                (Some([_, _, last]), true) | (Some([last]), false) => *last == number(profile),
                _ => false,
            }
        })
    });
    found
        .next()
        .map(|attribute| shortened(attribute.value.clone()))
}

/// `(R: B0085974Z)` in the common name of a representative.
fn represented(common_name: &str) -> Option<&str> {
    let (_, after) = common_name.split_once("(R:")?;
    let (number, _) = after.split_once(')')?;
    Some(number.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(name: &str) -> Signer {
        let path = format!("{}/certs/test/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        let file = std::fs::read(path).unwrap();
        Signer::of(&Certificate::from_pem_or_der(&file).unwrap()[0])
    }

    #[test]
    fn a_citizen_stands_for_nobody_and_a_seal_for_its_entity() {
        let citizen = signer("citizen");
        assert!(citizen.number.is_some_and(|n| n.len() == 9));
        assert_eq!(citizen.on_behalf_of, None);
        let seal = signer("seal").on_behalf_of.unwrap();
        assert!(!seal.name.is_empty());
        assert!(seal.number.is_some_and(|n| n.len() == 9));
        let employee = signer("employee");
        assert!(employee.number.is_some());
        assert!(employee.on_behalf_of.is_some());
    }

    #[test]
    fn a_representative_names_the_entity_in_the_common_name() {
        assert_eq!(
            represented("12345678Z NAME (R: B0085974Z)"),
            Some("B0085974Z")
        );
        assert_eq!(represented("12345678Z NAME"), None);
    }
}
