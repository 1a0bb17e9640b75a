//! Whom a certificate names, and as what: person, entity, representative, class, level, and what it states of itself.
//!
//! In: a certificate and the [`Table`] of issuers' profiles. Out: a [`CertificateIdentity`], by the table where it knows the
//! issuer's policy, by EN 319 412-1, -2, -3 and -5 where it does not. Check letters are verified, and told when wrong. Nothing
//! here says whether the certificate is to be believed. What it holds is personal data: it belongs into answers and never
//! into a log, so its `Debug` shows the class alone.

mod class;
mod identifier;
mod number;
mod read;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use class::{Class, Custody, KeyPurpose, Level};
pub use identifier::{Check, Identifier, IdentifierKind};
pub use number::{DocumentType, Identity, ccc_fits, examine, naf_fits, normal};
pub(crate) use table::is_issued_by;
pub use table::{Attributes, Field, Pattern, PatternOf, PolicyPattern, Profiles, Row, Table};

use super::qc_statements::{QcStatements, QcType};
use serde::Serialize;
use std::fmt;

/// A natural person.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
pub struct Person {
    /// NIF, NIE, passport or another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Identifier>,
    /// Given names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The first surname, where the certificate tells it from the second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_surname: Option<String>,
    /// The second surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_surname: Option<String>,
    /// All surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surnames: Option<String>,
    /// Given names and surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// The pseudonym, instead of a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudonym: Option<String>,
    /// The number that the entity knows them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub personnel_number: Option<String>,
}

/// An organisation.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
pub struct Entity {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its NIF or another identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<Identifier>,
}

/// By what power a person acts for the entity.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
pub struct Representation {
    /// In the issuer's words: `Administrador único`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The document or entry of a register that gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
}

/// What a certificate, by itself, says of its qualification.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Stated {
    /// Whether it was issued as a qualified certificate.
    pub qualified: bool,
    /// What says so: `qc_statements`, `policy` or `profile` (of the table).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<&'static str>,
    /// What it is qualified for.
    pub types: Vec<QcType>,
    /// Whether the key is said to lie in a qualified device.
    pub qscd: bool,
}

/// Something in the certificate that is not as it should be, and that was read all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// `number.does_not_fit`, `entity_number.does_not_fit`, `number.contradicts`, `entity_number.contradicts`,
    /// `extension.malformed`, `qc_statement.…`.
    pub what: String,
    /// The object identifier that it is about, in dotted form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// Whom a certificate names.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct CertificateIdentity {
    /// What kind of certificate it is.
    pub class: Class,
    /// `clasificacion` of @firma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clasificacion: Option<u8>,
    /// `certClassification` of @firma.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_classification: Option<&'static str>,
    /// The row of the table that told the class; none: EN 319 412.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The level of assurance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Where the key lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
    /// What the key is for.
    pub key_purposes: Vec<KeyPurpose>,
    /// The person that is its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<Person>,
    /// The person that answers for it, where an entity or a thing is its subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responsible: Option<Person>,
    /// The entity that is its subject, or that the person belongs to or acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<Entity>,
    /// By what power the person acts for the entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub representation: Option<Representation>,
    /// The person's position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// The unit of the entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The name of the seal, component or site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Names of hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What the certificate states of its qualification.
    pub stated: Stated,
    /// The statements themselves.
    pub qc_statements: QcStatements,
    /// What is not as it should be.
    pub notes: Vec<Note>,
}

impl CertificateIdentity {
    /// Whether it names a person whose number has a check letter that fits.
    pub fn has_good_number(&self) -> bool {
        let number = self.person.as_ref().and_then(|p| p.number.as_ref());
        number.is_some_and(|n| n.check == Check::Fits)
    }

    /// Whom the person acts for.
    pub fn represents(&self) -> Option<&Entity> {
        self.entity
            .as_ref()
            .filter(|_| self.class.is_representative())
    }
}

macro_rules! silent {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            /// Never what it holds: it is personal data.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+};
}

silent! { Person Entity Representation }

impl fmt::Debug for CertificateIdentity {
    /// The class alone: the rest is personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateIdentity({})", self.class.name())
    }
}
