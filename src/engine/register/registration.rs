//! What is registered: the data that a portal posts, and the entry that comes of them.
//!
//! Ley 39/2015 art. 16.3 (contents of every entry), 66.1 (contents of a request) (unchecked) and 10.4 (identification as proof of
//! will). In: the metadata of a request. Out: [`Receipt`], plain data from which the justificante, `registro.xml`, the acuse and
//! the message are made. Not here: the catalogue that names entities and units (`service::config`), the composing (`receipt`).

use super::{EffectiveStart, RegisterNumber};
use crate::engine::crypto::{DigestAlgorithm, digest, sha256};
use crate::engine::pki::identity::Identity;
use crate::engine::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a portal says about a request; codes are those of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Code of the entity whose book it goes into: `INSS`.
    pub entity: String,
    /// Code of the office of registry.
    pub office: String,
    /// Code of the subject: `RE0018`.
    pub subject: String,
    /// Code of the unit it is sent to.
    pub destination: String,
    /// Code of the procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<String>,
    /// Into the register or out of it.
    #[serde(default)]
    pub direction: Direction,
    /// The interested person.
    pub interested: Person,
    /// Who acts for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<Person>,
    /// The province.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub province: Option<String>,
    /// The request's own data, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Datum>,
    /// The system that it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The language asked for beside Spanish.
    #[serde(default)]
    pub language: Language,
    /// How the person was identified, where the request bears no signature of theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<Identification>,
}

/// Entry or exit of the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Direction {
    /// `entrada`.
    #[default]
    #[serde(rename = "entrada")]
    Entry,
    /// `salida`.
    #[serde(rename = "salida")]
    Exit,
}

/// A person, natural or legal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// NIF, NIE or passport.
    pub document: Identity,
    /// Given name of a natural person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// First surname.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_surname: String,
    /// Second surname.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub second_surname: String,
    /// Name of a legal person.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub business_name: String,
    /// In what quality they act.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// Telephone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub phone: String,
    /// Electronic mail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
}

/// A label and its value, as the form had them. A value may have several lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datum {
    /// What it is.
    pub label: String,
    /// What it says.
    pub value: String,
}

/// Where a request was first taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The system: `REIG`, `ORVE`.
    pub system: String,
    /// Its own number there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
}

/// The languages of the sede.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Spanish.
    #[default]
    Es,
    /// Catalan.
    Ca,
    /// Valencian.
    #[serde(alias = "ca-ES-valencia", alias = "ca-valencia")]
    Va,
    /// Galician.
    Gl,
    /// Basque.
    Eu,
    /// English.
    En,
    /// French.
    Fr,
}

impl Language {
    /// All of them, Spanish first.
    pub const ALL: [Language; 7] = [
        Self::Es,
        Self::Ca,
        Self::Va,
        Self::Gl,
        Self::Eu,
        Self::En,
        Self::Fr,
    ];

    /// Its tag (BCP 47): `es-ES`.
    pub fn tag(self) -> &'static str {
        match self {
            Language::Es => "es-ES",
            Language::Ca => "ca-ES",
            Language::Va => "ca-ES-valencia",
            Language::Gl => "gl-ES",
            Language::Eu => "eu-ES",
            Language::En => "en",
            Language::Fr => "fr",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Language::Es => "castellano",
            Language::Ca => "català",
            Language::Va => "valencià",
            Language::Gl => "galego",
            Language::Eu => "euskara",
            Language::En => "English",
            Language::Fr => "français",
        }
    }
}

/// Evidence that a person identified themselves (Ley 39/2015 art. 10.4 and 11; RD 203/2021 art. 29).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identification {
    /// Who: the identifier that the system vouched for.
    pub who: String,
    /// How.
    pub how: IdentificationMethod,
    /// When.
    pub when: Time,
    /// The reference of the act in the system that did it.
    pub reference: String,
}

/// The system of identification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentificationMethod {
    /// Cl@ve (Orden PRE/1838/2014).
    Clave,
    /// A code sent by SMS.
    Sms,
    /// User and password.
    Password,
    /// An electronic certificate.
    Certificate,
    /// Another system, by its name.
    #[serde(untagged)]
    Other(String),
}

/// A code of the catalogue and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The code.
    pub code: String,
    /// The name.
    pub name: String,
}

impl Named {
    /// A code and its name.
    pub fn new(code: impl Into<String>, name: impl Into<String>) -> Self {
        Named {
            code: code.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for Named {
    /// The name, and the code where it says more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (
            self.name.is_empty(),
            self.code.is_empty() || self.code == self.name,
        ) {
            (true, _) => f.write_str(&self.code),
            (_, true) => f.write_str(&self.name),
            _ => write!(f, "{} ({})", self.name, self.code),
        }
    }
}

/// The names that the catalogue gives to the codes of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// The entity.
    pub entity: Named,
    /// The office.
    pub office: Named,
    /// The subject.
    pub subject: Named,
    /// The unit.
    pub destination: Named,
    /// The procedure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub procedure: Option<Named>,
}

/// The sede that issues the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sede {
    /// Its name: `Sede Electrónica de la Seguridad Social`.
    pub name: String,
    /// Its address: `https://sede.seg-social.gob.es`.
    pub address: String,
    /// The IANA zone of its official time.
    pub zone: String,
}

/// A digest, as lower-case hexadecimal in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let digit = |b: &u8| {
            char::from(*b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes: Option<Vec<u8>> = pairs
            .iter()
            .map(|[a, b]| Some(digit(a)? << 4 | digit(b)?))
            .collect();
        bytes
            .filter(|_| rest.is_empty())
            .and_then(|b| b.try_into().ok())
            .map(Hex)
            .ok_or_else(|| serde::de::Error::custom(format!("not {} hexadecimal digits", 2 * N)))
    }
}

/// One document of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// The request itself or what comes with it.
    pub role: DocumentRole,
    /// The name of the file, as sent.
    pub name: String,
    /// The media type, as sent.
    pub media_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the bytes.
    pub sha256: Hex<32>,
    /// SHA-512 of the bytes.
    pub sha512: Hex<64>,
}

/// Whether there are documents, and not more, nor with longer names, than a justificante lists.
///
/// Errors: `InvalidRequest` or `LimitExceeded`, naming no document.
pub fn check_documents(documents: &[Document]) -> Result<()> {
    if documents.is_empty() {
        return Err(Error::invalid("documents", "none was sent"));
    }
    if documents.len() > MOST_DOCUMENTS {
        return Err(
            Error::limit("documents", format!("more than {MOST_DOCUMENTS}"))
                .remedy("Send several requests."),
        );
    }
    for (n, document) in documents.iter().enumerate() {
        short(
            &format!("documents[{n}].name"),
            &document.name,
            LONGEST_NAME,
        )?;
        short(
            &format!("documents[{n}].media_type"),
            &document.media_type,
            LONGEST_NAME,
        )?;
    }
    Ok(())
}

/// What a document is to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentRole {
    /// The request.
    Request,
    /// An attachment.
    Attachment,
}

impl Document {
    /// Describes the bytes of a document.
    pub fn of(role: DocumentRole, name: &str, media_type: &str, bytes: &[u8]) -> Self {
        let mut sha512 = [0; 64];
        sha512.copy_from_slice(&digest(DigestAlgorithm::Sha512, bytes));
        Document {
            role,
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            size: bytes.len() as u64,
            sha256: Hex(sha256(bytes)),
            sha512: Hex(sha512),
        }
    }
}

/// The seal as it is about to be made; it is a time of its own, later than the presentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealing {
    /// The holder of the seal.
    pub by: String,
    /// When the sealing begins, by the clock of the service.
    pub at: Time,
}

/// An entry of the register, complete: all that the justificante says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The number.
    pub number: RegisterNumber,
    /// The official instant at which the request was complete.
    pub presented: Time,
    /// When deadlines effectively start.
    pub effective_start: EffectiveStart,
    /// The sede.
    pub sede: Sede,
    /// The names behind the codes.
    pub names: Names,
    /// What the portal said.
    pub metadata: Metadata,
    /// Every document, the request first.
    pub documents: Vec<Document>,
    /// The seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Sealing>,
}

/// Most characters of one value of the request's own data; a form's free text is far below it.
const LONGEST_VALUE: usize = 100_000;
/// Most characters of any other field.
const LONGEST_FIELD: usize = 1_000;
/// Most label and value pairs.
const MOST_DATA: usize = 2_000;
/// Most characters of labels and values in all. With the bounds around it, no justificante comes near its most pages.
const LONGEST_DATA: usize = 200_000;
/// Most lines of values in all.
const MOST_LINES: usize = 5_000;
/// Most documents of a request.
const MOST_DOCUMENTS: usize = 500;
/// Most characters of the name of a document, as file systems have it.
const LONGEST_NAME: usize = 255;

impl Metadata {
    /// Whether the fields that must say something do, and none is beyond its bounds. Any character may be in a name.
    ///
    /// Errors: `InvalidRequest` or `LimitExceeded`, naming the field and never its content.
    pub fn check(&self) -> Result<()> {
        let codes = [
            ("entity", &self.entity),
            ("office", &self.office),
            ("subject", &self.subject),
            ("destination", &self.destination),
        ];
        for (field, code) in codes {
            required(field, code)?;
        }
        if let Some(procedure) = &self.procedure {
            required("procedure", procedure)?;
        }
        self.interested.check("interested")?;
        if let Some(representative) = &self.representative {
            representative.check("representative")?;
        }
        short(
            "metadata.province",
            self.province.as_deref().unwrap_or_default(),
            LONGEST_FIELD,
        )?;
        if let Some(origin) = &self.origin {
            required("origin.system", &origin.system)?;
            short("metadata.origin.number", &origin.number, LONGEST_FIELD)?;
        }
        if let Some(identification) = &self.identification {
            required("identification.who", &identification.who)?;
            required("identification.reference", &identification.reference)?;
            if let IdentificationMethod::Other(name) = &identification.how {
                required("identification.how", name)?;
            }
        }
        self.check_data()
    }

    fn check_data(&self) -> Result<()> {
        if self.data.len() > MOST_DATA {
            return Err(Error::limit(
                "metadata.data",
                format!("more than {MOST_DATA} pairs"),
            ));
        }
        for datum in &self.data {
            required("data.label", &datum.label)?;
            short("metadata.data.value", &datum.value, LONGEST_VALUE)?;
        }
        let sum = |count: fn(&str) -> usize| {
            self.data
                .iter()
                .map(|d| count(&d.label) + count(&d.value))
                .sum::<usize>()
        };
        if sum(|text| text.chars().count()) > LONGEST_DATA {
            return Err(Error::limit(
                "metadata.data",
                format!("more than {LONGEST_DATA} characters in all"),
            )
            .remedy(AS_DOCUMENT));
        }
        if sum(|text| text.matches('\n').count()) > MOST_LINES {
            return Err(Error::limit(
                "metadata.data",
                format!("more than {MOST_LINES} lines in all"),
            )
            .remedy(AS_DOCUMENT));
        }
        Ok(())
    }
}

const AS_DOCUMENT: &str = "Send long texts as a document of the request.";

impl Person {
    /// The whole name: given name and surnames, or that of the legal person.
    pub fn full_name(&self) -> String {
        let parts = [
            &self.name,
            &self.first_surname,
            &self.second_surname,
            &self.business_name,
        ];
        parts
            .iter()
            .map(|p| p.trim())
            .filter(|p| !p.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn check(&self, who: &str) -> Result<()> {
        if self.full_name().is_empty() {
            return Err(Error::invalid(format!("metadata.{who}"), "has no name")
                .remedy("Send name and surnames, or business_name."));
        }
        let fields = [
            ("name", &self.name),
            ("first_surname", &self.first_surname),
            ("second_surname", &self.second_surname),
            ("business_name", &self.business_name),
            ("role", &self.role),
            ("phone", &self.phone),
            ("email", &self.email),
        ];
        for (field, value) in fields {
            short(&format!("metadata.{who}.{field}"), value, LONGEST_FIELD)?;
        }
        let odd = |text: &str| text.chars().any(|c| c.is_control() || c.is_whitespace());
        let at = self
            .email
            .split_once('@')
            .map(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains('@'));
        if !self.email.is_empty() && (odd(&self.email) || at != Some(true)) {
            return Err(Error::invalid(
                format!("metadata.{who}.email"),
                "not an address of electronic mail",
            ));
        }
        Ok(())
    }
}

fn required(field: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(Error::invalid(format!("metadata.{field}"), "is empty"));
    }
    short(&format!("metadata.{field}"), text, LONGEST_FIELD)
}

fn short(field: &str, text: &str, most: usize) -> Result<()> {
    (text.chars().nth(most).is_none())
        .then_some(())
        .ok_or_else(|| Error::limit(field.to_owned(), format!("longer than {most} characters")))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::pki::identity::DocumentType;
    use crate::engine::register::{Calendar, NumberLayout};

    pub(in crate::engine::register) fn metadata() -> Metadata {
        serde_json::from_str(
            r#"{ "entity": "INSS", "office": "1", "subject": "RE0018", "destination": "28", "procedure": "203015",
                 "interested": { "document": { "type": "nif", "number": "000019174S" }, "name": "Núria", "first_surname": "Español",
                                 "second_surname": "Gal·la", "phone": "600000000", "email": "nuria@example.org" },
                 "representative": { "document": { "type": "nie", "number": "X1234567L" }, "name": "Zoë", "first_surname": "Ångström",
                                     "role": "Representante legal" },
                 "province": "Madrid",
                 "data": [ { "label": "Situación", "value": "Alta – régimen general\nsegunda línea" } ],
                 "origin": { "system": "REIG", "number": "2026/000123" }, "language": "ca",
                 "identification": { "who": "00019174S", "how": "clave", "when": "2026-11-24T08:29:00Z", "reference": "CL-0001" } }"#,
        )
        .unwrap()
    }

    pub(in crate::engine::register) fn receipt() -> Receipt {
        let presented: Time = "2026-11-24T08:30:15.123Z".parse().unwrap();
        Receipt {
            number: RegisterNumber::new(NumberLayout::default(), 2026, "1", 1323).unwrap(),
            presented,
            effective_start: Calendar::default().effective_start(presented).unwrap(),
            sede: Sede {
                name: "Sede Electrónica de la Seguridad Social".into(),
                address: "https://sede.example".into(),
                zone: "Europe/Madrid".into(),
            },
            names: Names {
                entity: Named::new("INSS", "Instituto Nacional de la Seguridad Social"),
                office: Named::new("1", "Registro Electrónico"),
                subject: Named::new(
                    "RE0018",
                    "Registro electrónico – Solicitud de protección familiar",
                ),
                destination: Named::new("28", "Dirección Provincial de Madrid"),
                procedure: Some(Named::new("203015", "Protección familiar")),
            },
            metadata: metadata(),
            documents: vec![
                Document::of(
                    DocumentRole::Request,
                    "solicitud.xml",
                    "application/xml",
                    b"<Solicitud/>",
                ),
                Document::of(
                    DocumentRole::Attachment,
                    "libro de família.pdf",
                    "application/pdf",
                    b"%PDF-1.7",
                ),
            ],
            sealing: Some(Sealing {
                by: "SELLO ELECTRÓNICO - INSTITUTO NACIONAL DE LA SEGURIDAD SOCIAL".into(),
                at: presented.plus(std::time::Duration::from_secs(1)),
            }),
        }
    }

    #[test]
    fn metadata_are_read_and_kept() {
        let read = metadata();
        assert!(read.check().is_ok());
        assert_eq!(read.interested.document.number(), "00019174S");
        assert_eq!(read.interested.full_name(), "Núria Español Gal·la");
        assert_eq!(read.direction, Direction::Entry);
        assert_eq!(
            serde_json::from_str::<Metadata>(&serde_json::to_string(&read).unwrap()).unwrap(),
            read
        );
        let whole = receipt();
        assert_eq!(
            serde_json::from_str::<Receipt>(&serde_json::to_string(&whole).unwrap()).unwrap(),
            whole
        );
    }

    #[test]
    fn methods_and_languages_have_their_words() {
        let read = |text: &str| serde_json::from_str::<IdentificationMethod>(text).unwrap();
        assert_eq!(read("\"sms\""), IdentificationMethod::Sms);
        assert_eq!(
            read("\"Pasarela X\""),
            IdentificationMethod::Other("Pasarela X".into())
        );
        assert_eq!(
            serde_json::from_str::<Language>("\"ca-ES-valencia\"").unwrap(),
            Language::Va
        );
        assert!(serde_json::from_str::<Language>("\"xx\"").is_err());
        assert_eq!(
            serde_json::to_string(&Direction::Exit).unwrap(),
            "\"salida\""
        );
    }

    #[test]
    fn each_thing_wrong_is_named_and_not_repeated() {
        type Change = fn(&mut Metadata);
        let changes: [(&str, Change); 12] = [
            ("metadata.entity", |m| m.entity = " ".into()),
            ("metadata.destination", |m| m.destination = String::new()),
            ("metadata.subject", |m| m.subject = "secret".repeat(1000)),
            ("metadata.interested", |m| {
                (
                    m.interested.name,
                    m.interested.first_surname,
                    m.interested.second_surname,
                ) = Default::default()
            }),
            ("metadata.interested.email", |m| {
                m.interested.email = "secret secret".into()
            }),
            ("metadata.representative.email", |m| {
                m.representative.as_mut().unwrap().email = "secret@a@b".into()
            }),
            ("metadata.identification.reference", |m| {
                m.identification.as_mut().unwrap().reference = String::new()
            }),
            ("metadata.data.label", |m| m.data[0].label = String::new()),
            ("metadata.data.value", |m| {
                m.data[0].value = "s".repeat(100_001)
            }),
            ("metadata.data", |m| {
                m.data = vec![
                    Datum {
                        label: "a".into(),
                        value: "s".repeat(90_000)
                    };
                    3
                ]
            }),
            ("metadata.data", |m| m.data[0].value = "\n".repeat(5_001)),
            ("metadata.data", |m| m.data = vec![m.data[0].clone(); 2_001]),
        ];
        for (field, change) in changes {
            let mut changed = metadata();
            change(&mut changed);
            let error = changed.check().unwrap_err();
            assert_eq!(error.element(), field);
            assert!(!error.to_string().contains("secret"));
        }
        assert!(serde_json::from_str::<Metadata>("{}").is_err());
    }

    #[test]
    fn documents_are_counted_and_their_names_measured() {
        let mut documents = receipt().documents;
        assert!(check_documents(&documents).is_ok());
        assert!(check_documents(&[]).is_err());
        documents[0].name = "secret".repeat(50);
        let error = check_documents(&documents).unwrap_err();
        assert_eq!(error.element(), "documents[0].name");
        assert!(!error.to_string().contains("secret"));
        assert!(check_documents(&vec![receipt().documents[0].clone(); 501]).is_err());
    }

    #[test]
    fn any_character_may_be_in_a_name() {
        let mut odd = metadata();
        odd.interested.name = "\u{1F600}\u{0}\u{202e}漢\u{301}".into();
        assert!(odd.check().is_ok());
        assert!(Identity::new(DocumentType::Passport, "AB123").is_ok());
    }

    #[test]
    fn a_digest_is_read_as_it_is_printed() {
        let digest = Hex(sha256(b"abc"));
        assert!(digest.to_string().starts_with("ba7816bf"));
        assert_eq!(
            serde_json::from_str::<Hex<32>>(&serde_json::to_string(&digest).unwrap()).unwrap(),
            digest
        );
        for bad in [
            "\"\"",
            "\"zz\"",
            "\"ba7816b\"",
            "\"ba7816bf\"",
            "\"+a7816bf\"",
        ] {
            assert!(serde_json::from_str::<Hex<32>>(bad).is_err());
        }
    }

    #[test]
    fn a_name_is_printed_with_its_code_where_that_says_more() {
        assert_eq!(
            Named::new("INSS", "Instituto").to_string(),
            "Instituto (INSS)"
        );
        assert_eq!(Named::new("INSS", "INSS").to_string(), "INSS");
        assert_eq!(Named::new("INSS", "").to_string(), "INSS");
    }
}
