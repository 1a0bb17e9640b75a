//! Reads a [`CertificateIdentity`]: gather what the certificate says, decide the class, put each thing in its place.
//!
//! Where several places say the same thing, the first of these counts: the attribute of EN 319 412-2 §4.2.4 and EN 319 412-3 §4.2.1, a field
//! of the table, a composed value taken apart. A number that contradicts another is noted.

use super::table::{Field, PatternOf, Row, Table};
use super::{
    CertificateIdentity, Check, Class, Entity, Identifier, KeyPurpose, Level, Note, Person,
    Representation, Stated,
};
use crate::engine::pki::extension::{GeneralName, KeyUsage};
use crate::engine::pki::qc_statements::{QcStatements, QcType};
use crate::engine::pki::{Certificate, Name};
use crate::engine::syntax::asn1::{Oid, names};

/// Names of `subjectAltName` that are looked at: real certificates of web sites have fewer.
const MOST_NAMES: usize = 256;

/// Policies of EN 319 411-2 §5.3 for qualified certificates: natural and legal persons, web sites; and of the time before it.
const QCP: Oid = Oid::new(&[0, 4, 0, 194112, 1]);
const QCP_BEFORE: Oid = Oid::new(&[0, 4, 0, 1456, 1]);

/// All that a certificate says, in the order in which it counts.
#[derive(Default)]
struct Said {
    fields: Vec<(Field, String)>,
    class: Option<Class>,
    level: Option<Level>,
}

impl Said {
    fn add(&mut self, field: Field, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.fields.push((field, value.to_string()));
        }
    }

    fn all(&self, field: Field) -> impl Iterator<Item = &str> {
        let of = move |(f, value): &(Field, String)| (*f == field).then_some(value.clone());
        self.fields
            .iter()
            .filter(move |one| of(one).is_some())
            .map(|(_, value)| value.as_str())
    }

    fn first(&self, field: Field) -> Option<String> {
        self.all(field).next().map(str::to_string)
    }

    /// A number, and whether another place says another one.
    fn number(&self, field: Field) -> (Option<Identifier>, bool) {
        let mut all = self.all(field).map(Identifier::read);
        let first = all.next();
        let contradicts = first.as_ref().is_some_and(|first| {
            all.any(|other| other.kind == first.kind && other.number != first.number)
        });
        (first, contradicts)
    }

    fn of_name(&mut self, name: &Name, table: &Table) {
        for (field, class, level, attribute) in table.fields_in(name) {
            self.add(field, &attribute.value);
            self.class = self.class.or(class);
            self.level = self.level.or(level);
        }
    }

    /// `serialNumber` is of the person or of the entity, as the number says.
    fn serial_number(&mut self, text: &str) {
        let field = match Identifier::read(text).is_of_entity() {
            true => Field::EntityNumber,
            false => Field::Number,
        };
        self.add(field, text);
    }
}

fn gather(certificate: &Certificate, table: &Table) -> Said {
    let (mut said, subject) = (Said::default(), certificate.subject());
    for (kind, field) in [
        (names::AT_ORGANIZATION_IDENTIFIER, Field::EntityNumber),
        (names::AT_ORGANIZATION, Field::EntityName),
        (names::AT_PSEUDONYM, Field::Pseudonym),
        (names::AT_TITLE, Field::Position),
        (names::AT_EMAIL_ADDRESS, Field::Email),
    ] {
        if let Some(value) = subject.first(&kind) {
            said.add(field, value);
        }
    }
    if let Some(number) = subject.first(&names::AT_SERIAL_NUMBER) {
        said.serial_number(number);
    }
    said.of_name(subject, table);
    for name in certificate.subject_alt_name().iter().take(MOST_NAMES) {
        match name {
            GeneralName::Directory(name) => {
                said.of_name(name, table);
                if let Some(number) = name.first(&names::AT_SERIAL_NUMBER) {
                    said.serial_number(number);
                }
            }
            GeneralName::Email(address) => said.add(Field::Email, address),
            _ => {}
        }
    }
    if let Some(given) = subject.first(&names::AT_GIVEN_NAME) {
        said.add(Field::GivenName, given);
    }
    for (kind, of) in [
        (names::AT_COMMON_NAME, PatternOf::CommonName),
        (names::AT_SURNAME, PatternOf::Surname),
    ] {
        let Some(value) = subject.first(&kind) else {
            continue;
        };
        let parts = table.taken_apart(certificate, of, value);
        for (field, part) in parts.iter().filter(|(field, _)| *field != Field::Any) {
            said.add(*field, part);
        }
        if parts.is_empty() && of == PatternOf::Surname {
            said.add(Field::Surnames, value);
        }
    }
    said
}

/// EN 319 412-2, -3, -4 and -5, for issuers that the table does not know.
fn class_by_standard(certificate: &Certificate, said: &Said, stated: &Stated) -> Class {
    let has = |field| said.all(field).next().is_some();
    let person = has(Field::GivenName)
        || has(Field::Surnames)
        || has(Field::FirstSurname)
        || has(Field::Number);
    let entity = has(Field::EntityName) || has(Field::EntityNumber);
    if stated.types.contains(&QcType::Web) {
        return Class::Website;
    }
    if stated.types.contains(&QcType::Eseal) {
        return Class::Seal;
    }
    if certificate
        .extended_key_usage()
        .contains(&names::ID_KP_SERVER_AUTH)
    {
        return Class::Website;
    }
    if has(Field::Pseudonym) {
        return Class::PseudonymousPerson;
    }
    // `(R: …)` is how the Spanish profile marks who acts for an entity.
    let common_name = certificate.subject().first(&names::AT_COMMON_NAME);
    if person && entity && common_name.is_some_and(|cn| cn.contains("(R: ")) {
        return Class::Representative;
    }
    match (person, entity) {
        (true, true) => Class::AssociatedPerson,
        (true, false) => Class::NaturalPerson,
        _ if stated.types.contains(&QcType::Esign) => Class::NaturalPerson,
        (false, true) if said.all(Field::EntityNumber).next().is_some() => Class::Seal,
        _ => Class::Unknown,
    }
}

/// What the extensions of RFC 5280 alone decide.
fn class_by_extension(certificate: &Certificate) -> Option<Class> {
    let purposes = certificate.extended_key_usage();
    if certificate.basic_constraints().is_some_and(|b| b.ca) {
        Some(Class::Authority)
    } else if purposes.contains(&names::ID_KP_TIME_STAMPING) {
        Some(Class::TimeStamping)
    } else if purposes.contains(&names::ID_KP_OCSP_SIGNING) {
        Some(Class::OcspResponder)
    } else {
        None
    }
}

/// EN 319 412-5 §4.2 first; then the policies of EN 319 411-2 §5.3; then the table, for certificates older than both.
fn stated(certificate: &Certificate, statements: &QcStatements, rows: &[&Row]) -> Stated {
    let policies = certificate.policies();
    let numbered = |arc: &Oid, number: u8| {
        policies
            .iter()
            .any(|p| p.is_under(arc) && p.last_small_arc() == Some(number))
    };
    let by_policy = policies
        .iter()
        .any(|p| p.is_under(&QCP) || p.is_under(&QCP_BEFORE));
    let by_profile = rows.iter().find_map(|row| row.qualified);
    let by = match () {
        () if statements.is_qualified() => Some("qc_statements"),
        // Statements that are there and do not say so outweigh what the table knows of the policy.
        () if statements.compliance => None,
        () if by_policy => Some("policy"),
        () if by_profile == Some(true) => Some("profile"),
        () => None,
    };
    let mut types = statements.types.clone();
    types.dedup();
    if by.is_some() && types.is_empty() {
        types = match () {
            () if numbered(&QCP, 4) || numbered(&QCP, 5) => vec![QcType::Web],
            () if numbered(&QCP, 1) || numbered(&QCP, 3) => vec![QcType::Eseal],
            // Before the Regulation, and without a type since, it is for signatures (EN 319 412-5 §4.2.3).
            () => vec![QcType::Esign],
        };
    }
    Stated {
        qualified: by.is_some(),
        by,
        types,
        qscd: statements.sscd || numbered(&QCP, 2) || numbered(&QCP, 3) || numbered(&QCP_BEFORE, 1),
    }
}

fn key_purposes(certificate: &Certificate, rows: &[&Row], stated: &Stated) -> Vec<KeyPurpose> {
    let Some(usage) = certificate.key_usage() else {
        return rows
            .iter()
            .find_map(|row| row.key_purpose)
            .into_iter()
            .collect();
    };
    let mut all = Vec::new();
    let authentication = rows
        .iter()
        .any(|row| row.key_purpose == Some(KeyPurpose::Authentication));
    // Old qualified certificates for signatures have no other bit to sign with (FNMT-RCM Clase 2).
    let signs = usage.has(KeyUsage::DIGITAL_SIGNATURE) && stated.types.contains(&QcType::Esign);
    if usage.has(KeyUsage::NON_REPUDIATION) || (signs && !authentication) {
        all.push(KeyPurpose::Signature);
    }
    if usage.has(KeyUsage::DIGITAL_SIGNATURE) {
        all.push(KeyPurpose::Authentication);
    }
    if usage.has(KeyUsage::KEY_ENCIPHERMENT) || usage.has(KeyUsage::KEY_AGREEMENT) {
        all.push(KeyPurpose::Encryption);
    }
    all
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// First and second surname and both, as far as the certificate tells them apart.
fn surnames(said: &Said) -> (Option<String>, Option<String>, Option<String>) {
    let (first, second) = (
        said.first(Field::FirstSurname),
        said.first(Field::SecondSurname),
    );
    // The electronic identity card has the first surname alone in its attribute and both in the common name.
    let all = said
        .all(Field::Surnames)
        .max_by_key(|text| words(text).len());
    let all = all.map(|text| words(text).join(" "));
    if first.is_some() {
        let both = [first.as_deref(), second.as_deref()];
        let joined = both.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let all = all
            .filter(|all| words(all).len() > words(&joined).len())
            .unwrap_or(joined);
        return (first, second, Some(all));
    }
    let Some(both) = all else {
        return (None, None, None);
    };
    // A surname may be of several words, so only two words are one surname each.
    match *words(&both) {
        [one, two] => (Some(one.to_string()), Some(two.to_string()), Some(both)),
        _ => {
            let shorter = said
                .all(Field::Surnames)
                .map(|t| words(t).join(" "))
                .find(|t| *t != both);
            let rest = shorter.as_ref().and_then(|s| both.strip_prefix(s.as_str()));
            let rest = rest.map(|r| r.trim().to_string()).filter(|r| !r.is_empty());
            match rest {
                Some(rest) => (shorter, Some(rest), Some(both)),
                None => (None, None, Some(both)),
            }
        }
    }
}

fn person(said: &Said, class: Class, common_name: Option<&str>) -> (Option<Person>, bool) {
    let (number, contradicts) = said.number(Field::Number);
    let (first_surname, second_surname, surnames) = surnames(said);
    let given_name = said.first(Field::GivenName);
    let pseudonym = said.first(Field::Pseudonym);
    let composed = match (&given_name, &surnames) {
        (Some(given), Some(surnames)) => Some(format!("{given} {surnames}")),
        _ => None,
    };
    let of_person = !class.is_of_entity() && class != Class::Unknown && pseudonym.is_none();
    let full_name = composed
        .or_else(|| said.first(Field::FullName))
        .or_else(|| common_name.filter(|_| of_person).map(str::to_string));
    let person = Person {
        number,
        given_name,
        first_surname,
        second_surname,
        surnames,
        full_name,
        pseudonym,
        personnel_number: said.first(Field::PersonnelNumber),
    };
    ((person != Person::default()).then_some(person), contradicts)
}

fn representation(said: &Said, class: Class, certificate: &Certificate) -> Option<Representation> {
    let representation = Representation {
        kind: said.first(Field::Representation),
        registration: certificate
            .subject()
            .first(&names::AT_DESCRIPTION)
            .map(str::to_string),
    };
    class.is_representative().then_some(representation)
}

fn notes(certificate: &Certificate, statements: &QcStatements) -> Vec<Note> {
    let malformed = certificate.malformed().iter().map(|id| Note {
        what: "extension.malformed".to_string(),
        about: Some(id.to_string()),
    });
    let statements = statements.malformations.iter().map(|m| Note {
        what: format!("qc_statement.{}", m.what),
        about: m.statement.clone(),
    });
    malformed.chain(statements).collect()
}

fn note(what: &str) -> Note {
    Note {
        what: what.to_string(),
        about: None,
    }
}

impl CertificateIdentity {
    /// Whom `certificate` names, by the shipped table.
    pub fn of(certificate: &Certificate) -> CertificateIdentity {
        CertificateIdentity::by(certificate, Table::shipped())
    }

    /// Whom `certificate` names, by `table`.
    pub fn by(certificate: &Certificate, table: &Table) -> CertificateIdentity {
        let statements = QcStatements::of(certificate);
        let rows: Vec<&Row> = table.rows_for(certificate).collect();
        let said = gather(certificate, table);
        let stated = stated(certificate, &statements, &rows);
        let of_class = rows.iter().find(|row| row.class.is_some());
        let by_extension = class_by_extension(certificate);
        let class = by_extension
            .or_else(|| of_class.and_then(|row| row.class))
            .or(said.class)
            .unwrap_or_else(|| class_by_standard(certificate, &said, &stated));
        let common_name = certificate.subject().first(&names::AT_COMMON_NAME);
        let (person, contradicts) = person(&said, class, common_name);
        let (entity_number, entity_contradicts) = said.number(Field::EntityNumber);
        let mut notes = notes(certificate, &statements);
        let wrong =
            |number: Option<&Identifier>| number.is_some_and(|n| n.check == Check::DoesNotFit);
        let own = person.as_ref().and_then(|p| p.number.as_ref());
        for (holds, what) in [
            (wrong(own), "number.does_not_fit"),
            (contradicts, "number.contradicts"),
            (wrong(entity_number.as_ref()), "entity_number.does_not_fit"),
            (entity_contradicts, "entity_number.contradicts"),
        ] {
            if holds {
                notes.push(note(what));
            }
        }
        let entity = Entity {
            name: said
                .first(Field::EntityName)
                .filter(|_| class != Class::NaturalPerson || !is_issuer_label(certificate)),
            number: entity_number,
        };
        let (person, responsible) = match class.is_of_entity() {
            true => (None, person),
            false => (person, None),
        };
        let hosts = certificate
            .subject_alt_name()
            .iter()
            .take(MOST_NAMES)
            .filter_map(|n| match n {
                GeneralName::Dns(host) => Some(host.clone()),
                _ => None,
            });
        CertificateIdentity {
            class,
            clasificacion: class.clasificacion(),
            cert_classification: class.cert_classification(),
            profile: of_class
                .filter(|_| by_extension.is_none())
                .map(|row| row.name.clone()),
            level: rows.iter().find_map(|row| row.level).or(said.level),
            custody: rows.iter().find_map(|row| row.custody),
            key_purposes: key_purposes(certificate, &rows, &stated),
            person,
            responsible,
            entity: (entity != Entity::default()).then_some(entity),
            representation: representation(&said, class, certificate),
            position: said.first(Field::Position),
            unit: said.first(Field::Unit),
            system: said.first(Field::SystemName).or_else(|| {
                common_name
                    .filter(|_| class.is_of_entity())
                    .map(str::to_string)
            }),
            hosts: hosts.collect(),
            email: said.first(Field::Email),
            stated,
            qc_statements: statements,
            notes,
        }
    }
}

/// FNMT-RCM's old certificates of natural persons have the issuer in `organizationName`: a label, no entity of the subject.
fn is_issuer_label(certificate: &Certificate) -> bool {
    let of = |name: &Name| name.first(&names::AT_ORGANIZATION).map(str::to_lowercase);
    let own = of(certificate.subject());
    own.is_some()
        && own == of(certificate.issuer())
        && !certificate.is_self_issued()
        && certificate
            .subject()
            .first(&names::AT_ORGANIZATION_IDENTIFIER)
            .is_none()
        && !certificate.basic_constraints().is_some_and(|b| b.ca)
}
