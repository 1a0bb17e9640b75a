//! What a certificate says, for programs and for people: identity, class, validity, policies, extensions, and what is odd in it.
//!
//! Nothing is judged here: whether it is to be believed is `certificate`'s report.

use super::message::{Language, label, named};
use super::text::{instant, one_line};
use crate::engine::error::{Error, Result};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::pki::identity::{CertificateIdentity, Check, Entity, Identifier, Person, Table};
use crate::engine::syntax::asn1::names;
use crate::engine::syntax::hex::hex;
use crate::engine::time::Time;
use serde::Serialize;
use std::fmt::Write;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
    /// Its serial number, in hexadecimal digits.
    pub serial_number: String,
    /// The subject (RFC 4514).
    pub subject: String,
    /// The issuer (RFC 4514).
    pub issuer: String,
    /// From when it holds.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
    /// Kind and size of the key; none where it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The algorithm of the issuer's signature; none where it is not known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_algorithm: Option<String>,
    /// Whom it names.
    pub identity: CertificateIdentity,
    /// Bits of `keyUsage`.
    pub key_usage: Vec<&'static str>,
    /// Purposes of `extKeyUsage`, in dotted form.
    pub extended_key_usage: Vec<String>,
    /// Policies, in dotted form.
    pub policies: Vec<String>,
    /// OCSP responders.
    pub ocsp: Vec<String>,
    /// Where the issuer's certificate is.
    pub issuers: Vec<String>,
    /// Where its revocation lists are; a name where there is no address.
    pub revocation_lists: Vec<String>,
    /// Its extensions.
    pub extensions: Vec<InspectedExtension>,
}

/// An extension of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InspectedExtension {
    /// Its type, in dotted form.
    pub id: String,
    /// Whether whoever does not know it must refuse the certificate.
    pub critical: bool,
    /// Whether it follows its own syntax, as far as it is read here.
    pub well_formed: bool,
}

/// Bits of `keyUsage` under their names (RFC 5280 §4.2.1.3).
const BITS: [(u8, &str); 9] = [
    (KeyUsage::DIGITAL_SIGNATURE, "digitalSignature"),
    (KeyUsage::NON_REPUDIATION, "nonRepudiation"),
    (KeyUsage::KEY_ENCIPHERMENT, "keyEncipherment"),
    (3, "dataEncipherment"),
    (KeyUsage::KEY_AGREEMENT, "keyAgreement"),
    (KeyUsage::KEY_CERT_SIGN, "keyCertSign"),
    (KeyUsage::CRL_SIGN, "cRLSign"),
    (7, "encipherOnly"),
    (8, "decipherOnly"),
];

fn extensions(
    certificate: &Certificate,
    identity: &CertificateIdentity,
) -> Vec<InspectedExtension> {
    let odd = !identity.qc_statements.malformations.is_empty();
    let all = certificate.extensions().iter();
    all.map(|extension| InspectedExtension {
        id: extension.id.to_string(),
        critical: extension.critical,
        well_formed: !(certificate.malformed().contains(&extension.id)
            || odd && extension.id == names::ID_PE_QC_STATEMENTS),
    })
    .collect()
}

/// Addresses of lists; where a point has none, what else names it.
fn revocation_lists(certificate: &Certificate) -> Vec<String> {
    use crate::engine::pki::extension::GeneralName;
    let of = certificate
        .distribution_points()
        .iter()
        .flat_map(|point| &point.full_name);
    of.filter_map(|name| match name {
        GeneralName::Uri(uri) => Some(uri.clone()),
        GeneralName::Directory(name) => Some(name.to_string()),
        _ => None,
    })
    .collect()
}

impl Inspection {
    /// What `certificate` says; `table` tells what its issuer's policies mean.
    pub fn of(certificate: &Certificate, table: &Table) -> Inspection {
        let identity = CertificateIdentity::by(certificate, table);
        let validity = certificate.validity();
        let key = certificate.public_key().ok();
        let usage = certificate.key_usage();
        let dotted = |all: &[_]| all.iter().map(ToString::to_string).collect();
        Inspection {
            sha256: hex(&certificate.fingerprint()),
            serial_number: hex(certificate.serial()),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_before: validity.not_before,
            not_after: validity.not_after,
            public_key: key.map(|key| format!("{:?} {}", key.kind(), key.bits())),
            signature_algorithm: certificate
                .signature_algorithm()
                .ok()
                .map(|a| a.to_string()),
            key_usage: BITS
                .iter()
                .filter(|(bit, _)| usage.is_some_and(|u| u.has(*bit)))
                .map(|(_, name)| *name)
                .collect(),
            extended_key_usage: dotted(certificate.extended_key_usage()),
            policies: dotted(certificate.policies()),
            ocsp: certificate.ocsp_uris().map(str::to_string).collect(),
            issuers: certificate.ca_issuer_uris().map(str::to_string).collect(),
            revocation_lists: revocation_lists(certificate),
            extensions: extensions(certificate, &identity),
            identity,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|_| Error::internal("inspection", "does not become JSON"))
    }

    /// As text in `language`, its instants in the IANA zone `zone`.
    pub fn text(&self, language: Language, zone: &str) -> String {
        let mut page = Page {
            out: String::new(),
            language,
        };
        let identity = &self.identity;
        page.line("certificate", &self.subject);
        page.line("class", named(language, "class", identity.class.name()));
        page.line("profile", identity.profile.as_deref().unwrap_or_default());
        page.line(
            "assurance_level",
            identity
                .level
                .map_or("", |l| named(language, "level", l.name())),
        );
        page.person("person", identity.person.as_ref());
        page.entity(identity.entity.as_ref(), identity.class.is_representative());
        if let Some(power) = &identity.representation {
            let words = [power.kind.as_deref(), power.registration.as_deref()];
            page.line(
                "representation",
                &words.into_iter().flatten().collect::<Vec<_>>().join("; "),
            );
        }
        page.line("position", identity.position.as_deref().unwrap_or_default());
        page.line("unit", identity.unit.as_deref().unwrap_or_default());
        page.line("system", identity.system.as_deref().unwrap_or_default());
        page.person("responsible", identity.responsible.as_ref());
        page.line("hosts", &identity.hosts.join(", "));
        page.line("email", identity.email.as_deref().unwrap_or_default());
        page.qualification(identity);
        page.line("issued_by", &self.issuer);
        page.line(
            "valid_from_until",
            &format!(
                "{} – {}",
                instant(self.not_before, zone),
                instant(self.not_after, zone)
            ),
        );
        page.line("serial_number", &self.serial_number);
        page.line("fingerprint", &self.sha256);
        page.line("public_key", self.public_key.as_deref().unwrap_or_default());
        page.line(
            "signature_algorithm",
            self.signature_algorithm.as_deref().unwrap_or_default(),
        );
        page.line("policies", &self.policies.join(", "));
        page.line("key_usage", &self.key_usage.join(", "));
        page.line("extended_key_usage", &self.extended_key_usage.join(", "));
        page.line("ocsp", &self.ocsp.join(", "));
        page.line("revocation_lists", &self.revocation_lists.join(", "));
        page.line("issuer_certificate", &self.issuers.join(", "));
        page.extensions(&self.extensions);
        for note in &identity.notes {
            let about = note
                .about
                .as_deref()
                .map(|id| format!(" ({id})"))
                .unwrap_or_default();
            let text = format!("{}{about}", named(language, "note", &note.what));
            page.line("notes", &text);
        }
        page.out
    }
}

struct Page {
    out: String,
    language: Language,
}

impl Page {
    fn line(&mut self, key: &'static str, value: &str) {
        if !value.trim().is_empty() {
            let _ = writeln!(
                self.out,
                "{}: {}",
                label(self.language, key),
                one_line(value)
            );
        }
    }

    fn number(&self, number: &Identifier) -> String {
        let kind = serde_json::to_value(number.kind).unwrap_or_default();
        let kind = named(
            self.language,
            "identifier",
            kind.as_str().unwrap_or_default(),
        );
        let wrong = match number.check {
            Check::DoesNotFit => format!(" ({})", label(self.language, "does_not_fit")),
            Check::Fits | Check::NotChecked => String::new(),
        };
        format!("{kind} {}{wrong}", number.number)
    }

    fn person(&mut self, key: &'static str, person: Option<&Person>) {
        let Some(person) = person else { return };
        let number = person.number.as_ref().map(|n| self.number(n));
        let name = person
            .full_name
            .clone()
            .or_else(|| person.pseudonym.clone());
        self.line(
            key,
            &[name, number]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
        );
    }

    fn entity(&mut self, entity: Option<&Entity>, represented: bool) {
        let Some(entity) = entity else { return };
        let number = entity.number.as_ref().map(|n| self.number(n));
        let key = if represented {
            "on_behalf_of"
        } else {
            "entity"
        };
        self.line(
            key,
            &[entity.name.clone(), number]
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(", "),
        );
    }

    fn qualification(&mut self, identity: &CertificateIdentity) {
        let stated = &identity.stated;
        let answer = label(self.language, if stated.qualified { "yes" } else { "no" });
        let by = stated
            .by
            .map(|by| format!(" ({})", named(self.language, "stated_by", by)));
        self.line(
            "stated_qualified",
            &format!("{answer}{}", by.unwrap_or_default()),
        );
        let kind = |t: &crate::engine::pki::qc_statements::QcType| {
            serde_json::to_value(t).unwrap_or_default()
        };
        let types: Vec<String> = stated
            .types
            .iter()
            .map(|t| {
                named(
                    self.language,
                    "qc_type",
                    kind(t).as_str().unwrap_or_default(),
                )
                .to_string()
            })
            .collect();
        self.line("qualified_for", &types.join(", "));
        self.line(
            "stated_device",
            label(self.language, if stated.qscd { "yes" } else { "no" }),
        );
        let custody = identity
            .custody
            .map_or("", |c| named(self.language, "custody", c.name()));
        self.line("custody", custody);
        let purposes: Vec<&str> = identity
            .key_purposes
            .iter()
            .map(|p| named(self.language, "key_purpose", p.name()))
            .collect();
        self.line("key_purpose", &purposes.join(", "));
    }

    fn extensions(&mut self, all: &[InspectedExtension]) {
        let word = |key| label(self.language, key);
        let one = |e: &InspectedExtension| {
            let critical = e.critical.then(|| word("critical"));
            let malformed = (!e.well_formed).then(|| word("malformed"));
            let more: Vec<&str> = critical.into_iter().chain(malformed).collect();
            match more.is_empty() {
                true => e.id.clone(),
                false => format!("{} ({})", e.id, more.join(", ")),
            }
        };
        let all: Vec<String> = all.iter().map(one).collect();
        self.line("extensions", &all.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::identity::{Class, Custody, KeyPurpose, Level};

    fn certificate(name: &str) -> Certificate {
        let path = format!("{}/certs/test/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        Certificate::from_pem_or_der(&std::fs::read(path).unwrap())
            .unwrap()
            .remove(0)
    }

    #[test]
    fn a_seal_in_words_of_both_languages() {
        let inspection = Inspection::of(&certificate("seal"), Table::shipped());
        assert_eq!(inspection.identity.class, Class::Seal);
        let es = inspection.text(Language::Es, "Europe/Madrid");
        let en = inspection.text(Language::En, "UTC");
        assert!(
            es.contains("sello electrónico") && en.contains("electronic seal"),
            "{es}{en}"
        );
        assert_eq!(es.lines().count(), en.lines().count());
        let json: serde_json::Value =
            serde_json::from_slice(&inspection.to_json().unwrap()).unwrap();
        assert_eq!(json["identity"]["class"], "seal");
    }

    #[test]
    fn every_word_has_a_wording() {
        for language in Language::ALL {
            let mut all: Vec<(&str, &str)> = Vec::new();
            all.extend(Class::ALL.iter().map(|c| ("class", c.name())));
            all.extend(Level::ALL.iter().map(|c| ("level", c.name())));
            all.extend(Custody::ALL.iter().map(|c| ("custody", c.name())));
            all.extend(KeyPurpose::ALL.iter().map(|c| ("key_purpose", c.name())));
            for what in [
                "number.does_not_fit",
                "number.contradicts",
                "entity_number.does_not_fit",
                "entity_number.contradicts",
                "extension.malformed",
                "qc_statement.unreadable",
                "qc_statement.value",
                "qc_statement.twice",
                "qc_statement.type_as_statement",
                "qc_statement.too_many",
            ] {
                all.push(("note", what));
            }
            for kind in [
                "nif",
                "nie",
                "entity_nif",
                "passport",
                "national_number",
                "tax_number",
                "vat_number",
                "trade_register",
                "lei",
                "payment_service_provider",
                "eidas",
                "other",
            ] {
                all.push(("identifier", kind));
            }
            for (prefix, name) in all {
                assert_ne!(named(*language, prefix, name), name, "{prefix} {name}");
            }
        }
    }
}
