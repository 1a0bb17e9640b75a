//! Words for what kind of certificate it is: class, level, custody of the key, use.
//!
//! The numbers of `clasificacion` are those that @firma answers with; classes that it does not know have none.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident $word:literal)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }
    };
}

words! {
    /// What kind of subject a certificate names.
    Class {
        /// A natural person, for themselves.
        NaturalPerson "natural_person"
        /// A natural person of an entity: employee, member, professional. It gives no power to act for the entity.
        AssociatedPerson "associated_person"
        /// A natural person known by a pseudonym.
        PseudonymousPerson "pseudonymous_person"
        /// A natural person who acts for a legal person.
        Representative "legal_person_representative"
        /// A natural person who acts for an entity without legal personality.
        EntityRepresentative "entity_representative"
        /// A legal person, by the law before Regulation (EU) 910/2014.
        LegalPerson "legal_person"
        /// An entity without legal personality, by the same law.
        EntityWithoutPersonality "entity_without_personality"
        /// A public employee.
        PublicEmployee "public_employee"
        /// A public employee known by a pseudonym.
        PublicEmployeePseudonym "public_employee_pseudonym"
        /// A seal of an administration or of a company.
        Seal "seal"
        /// A public e-office (sede electrónica).
        Sede "sede"
        /// A web site.
        Website "website"
        /// A program or a server that signs.
        Component "component"
        /// A time-stamping authority.
        TimeStamping "time_stamping"
        /// A responder that tells which certificates are revoked.
        OcspResponder "ocsp_responder"
        /// A certification authority.
        Authority "certification_authority"
        /// Nothing in it says.
        Unknown "unknown"
    }
}

words! {
    /// The level of assurance of the Spanish administration's profiles.
    Level {
        /// `alto`: the key lies in a device.
        High "high"
        /// `medio`.
        Medium "medium"
    }
}

words! {
    /// Where the private key lies, as the issuer's policy says.
    Custody {
        /// A file or a browser.
        Software "software"
        /// A smart card or another device of the holder.
        Card "card"
        /// A hardware security module.
        Hsm "hsm"
        /// The issuer holds it for the subject.
        Managed "managed"
    }
}

words! {
    /// What the key is for.
    KeyPurpose {
        /// Signing.
        Signature "signature"
        /// Showing who one is.
        Authentication "authentication"
        /// Receiving what is encrypted.
        Encryption "encryption"
    }
}

impl Class {
    /// `clasificacion` of @firma.
    pub fn clasificacion(self) -> Option<u8> {
        Some(match self {
            Class::NaturalPerson | Class::AssociatedPerson | Class::PseudonymousPerson => 0,
            Class::LegalPerson => 1,
            Class::Component => 2,
            Class::PublicEmployee => 5,
            Class::EntityWithoutPersonality => 6,
            Class::PublicEmployeePseudonym => 7,
            Class::Seal => 8,
            Class::Sede | Class::Website => 9,
            Class::TimeStamping => 10,
            Class::Representative => 11,
            Class::EntityRepresentative => 12,
            Class::OcspResponder | Class::Authority | Class::Unknown => return None,
        })
    }

    /// `certClassification` of @firma: `ESIG`, `ESEAL` or `WSA`.
    pub fn cert_classification(self) -> Option<&'static str> {
        match self.clasificacion()? {
            0 | 5 | 7 | 11 | 12 => Some("ESIG"),
            8 => Some("ESEAL"),
            9 => Some("WSA"),
            _ => None,
        }
    }

    /// Whether the subject is an entity or a thing; the person that the certificate may name then answers for it.
    pub fn is_of_entity(self) -> bool {
        matches!(
            self,
            Class::LegalPerson
                | Class::EntityWithoutPersonality
                | Class::Seal
                | Class::Sede
                | Class::Website
                | Class::Component
                | Class::TimeStamping
                | Class::OcspResponder
                | Class::Authority
        )
    }

    /// Whether the person acts for the entity that the certificate names.
    pub fn is_representative(self) -> bool {
        matches!(self, Class::Representative | Class::EntityRepresentative)
    }
}
