//! The certificate profiles of the demo: subject and extensions of each kind.
//!
//! EN 319 412-1 for identifiers, -2 for natural and -3 for legal persons, -5 for qcStatements; the Spanish profiles of
//! 2016 for policies and for the directory name in `subjectAltName` (arcs `2.16.724.1.3.5.n.m.attribute`).

use crate::engine::Result;
use crate::engine::authority::certificate::distinguished_name;
use crate::engine::authority::extension::{self as ext, QcStatement};
use crate::engine::pki::Name;
use crate::engine::pki::extension::{Extension, GeneralName, KeyUsage};
use crate::engine::syntax::asn1::{Oid, names};

pub(super) const ENTITY: &str = "TESORERÍA GENERAL DE LA SEGURIDAD SOCIAL (DEMO)";
const ENTITY_NIF: &str = "Q2827003A";
const ENTITY_IDENTIFIER: &str = "VATES-Q2827003A";
const PROVIDER: &str = "RUBRICA DEMO";

const QCP_NATURAL_QSCD: Oid = Oid::new(&[0, 4, 0, 194112, 1, 2]);
const QCP_LEGAL_QSCD: Oid = Oid::new(&[0, 4, 0, 194112, 1, 3]);
const QCP_WEB: Oid = Oid::new(&[0, 4, 0, 194112, 1, 4]);
/// Sede of medium level in the profiles of 2016 (unchecked).
const ES_SEDE_MEDIUM: Oid = Oid::new(&[2, 16, 724, 1, 3, 5, 5, 2]);
/// Names and NIF of a natural person in the certificates of FNMT-RCM.
const FNMT_ATTRIBUTES: Oid = Oid::new(&[1, 3, 6, 1, 4, 1, 5734, 1]);
const ID_KP_SERVER_AUTH: Oid = Oid::new(&[1, 3, 6, 1, 5, 5, 7, 3, 1]);
const ANY_POLICY: Oid = Oid::new(&[2, 5, 29, 32, 0]);

/// Whom a certificate is about, and what it says.
pub(super) struct Profile {
    pub(super) subject: Name,
    pub(super) extensions: Vec<Extension>,
}

/// A natural person of the demo.
pub(super) struct Person {
    pub(super) given_name: &'static str,
    pub(super) surnames: [&'static str; 2],
    /// NIF or NIE.
    pub(super) number: &'static str,
}

impl Person {
    fn common_name(&self) -> String {
        let [first, second] = self.surnames;
        format!("{first} {second} {} - {}", self.given_name, self.number)
    }

    fn identifier(&self) -> String {
        format!("IDCES-{}", self.number)
    }
}

/// Where what the certificates point to is served.
pub(super) struct Places<'a>(pub(super) &'a str);

impl Places<'_> {
    fn at(&self, path: &str) -> String {
        format!("{}/demo/{path}", self.0)
    }

    /// `authorityInfoAccess` and `cRLDistributionPoints` of a certificate of the issuing CA.
    fn of_the_ca(&self) -> Vec<Extension> {
        vec![
            ext::authority_information_access(
                Some(&self.at("ocsp")),
                Some(&self.at("certs/ca.cer")),
            ),
            ext::crl_distribution_points(&[&self.at("crl/ca.crl")]),
        ]
    }

    /// The same of a certificate of the root, whose status only its list tells.
    fn of_the_root(&self) -> Vec<Extension> {
        vec![
            ext::authority_information_access(None, Some(&self.at("certs/root.cer"))),
            ext::crl_distribution_points(&[&self.at("crl/root.crl")]),
        ]
    }

    fn policies(&self, policies: &[Oid]) -> Extension {
        let statement = self.at("practice-statement");
        let all: Vec<_> = policies
            .iter()
            .enumerate()
            .map(|(index, policy)| (*policy, (index == 0).then_some(statement.as_str())))
            .collect();
        ext::policies(&all)
    }

    fn qc_statements(&self, kind: Oid, device: bool, semantics: Oid) -> Extension {
        let (es, en) = (self.at("pds_es.pdf"), self.at("pds_en.pdf"));
        let disclosure = [(es.as_str(), "es"), (en.as_str(), "en")];
        let mut statements = vec![
            QcStatement::Compliance,
            QcStatement::Type(kind),
            QcStatement::RetentionYears(15),
            QcStatement::Disclosure(&disclosure),
            QcStatement::Semantics(semantics),
        ];
        if device {
            statements.push(QcStatement::Sscd);
        }
        ext::qc_statements(&statements)
    }

    pub(super) fn root() -> Result<Profile> {
        Ok(Profile {
            subject: provider(&[(names::AT_COMMON_NAME, "RAIZ RUBRICA DEMO")])?,
            extensions: vec![
                ext::basic_constraints(true, None),
                ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
            ],
        })
    }

    pub(super) fn issuing_ca(&self) -> Result<Profile> {
        let mut extensions = vec![
            ext::basic_constraints(true, Some(0)),
            ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
            self.policies(&[ANY_POLICY]),
        ];
        extensions.extend(self.of_the_root());
        Ok(Profile {
            subject: provider(&[
                (names::AT_ORGANIZATION_IDENTIFIER, ENTITY_IDENTIFIER),
                (names::AT_COMMON_NAME, "CA RUBRICA DEMO"),
            ])?,
            extensions,
        })
    }

    /// RFC 3161 §2.3, EN 319 422 §6: the purpose alone, and critical.
    pub(super) fn tsa(&self) -> Result<Profile> {
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]),
            ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
        ];
        extensions.extend(self.of_the_ca());
        Ok(Profile {
            subject: provider(&[
                (names::AT_ORGANIZATION_IDENTIFIER, ENTITY_IDENTIFIER),
                (names::AT_COMMON_NAME, "TSA RUBRICA DEMO"),
            ])?,
            extensions,
        })
    }

    /// RFC 6960 §4.2.2.2: the issuer delegates, and nobody asks whether the responder is revoked.
    pub(super) fn ocsp_responder(&self) -> Result<Profile> {
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
            ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
            ext::ocsp_nocheck(),
        ];
        extensions.push(ext::authority_information_access(
            None,
            Some(&self.at("certs/ca.cer")),
        ));
        Ok(Profile {
            subject: provider(&[(names::AT_COMMON_NAME, "OCSP RUBRICA DEMO")])?,
            extensions,
        })
    }

    /// A seal (EN 319 412-3): of high level, whose key is in a device, or of medium level.
    pub(super) fn seal(&self, denomination: &str, device: bool) -> Result<Profile> {
        let (arc, policy, kind) = if device {
            let kind = "SELLO ELECTRONICO DE NIVEL ALTO";
            (names::ES_SEAL_HIGH, QCP_LEGAL_QSCD, kind)
        } else {
            let kind = "SELLO ELECTRONICO DE NIVEL MEDIO";
            (names::ES_SEAL_MEDIUM, names::QCP_LEGAL, kind)
        };
        let alternative = spanish_name(
            arc,
            &[(1, kind), (2, ENTITY), (3, ENTITY_NIF), (5, denomination)],
        )?;
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]),
            ext::subject_alt_name(&[
                GeneralName::Email("sede@demo.example".into()),
                GeneralName::Directory(alternative),
            ])?,
            self.policies(&[arc, policy]),
            self.qc_statements(
                names::ID_ETSI_QCT_ESEAL,
                device,
                names::ID_ETSI_QCS_SEMANTICS_ID_LEGAL,
            ),
        ];
        extensions.extend(self.of_the_ca());
        Ok(Profile {
            subject: distinguished_name(&[
                (names::AT_COUNTRY, "ES"),
                (names::AT_ORGANIZATION, ENTITY),
                (names::AT_ORGANIZATIONAL_UNIT, "SELLO ELECTRONICO"),
                (names::AT_ORGANIZATION_IDENTIFIER, ENTITY_IDENTIFIER),
                (names::AT_SERIAL_NUMBER, ENTITY_NIF),
                (names::AT_COMMON_NAME, denomination),
            ])?,
            extensions,
        })
    }

    /// A citizen (EN 319 412-2), with a key in a device.
    pub(super) fn citizen(&self, person: &Person) -> Result<Profile> {
        let full = person.common_name();
        let surnames = person.surnames.join(" ");
        let identifier = person.identifier();
        let [first, second] = person.surnames;
        let alternative = spanish_name(
            FNMT_ATTRIBUTES,
            &[
                (1, person.given_name),
                (2, first),
                (3, second),
                (4, person.number),
            ],
        )?;
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]),
            ext::extended_key_usage(
                &[names::ID_KP_CLIENT_AUTH, names::ID_KP_EMAIL_PROTECTION],
                false,
            ),
            ext::subject_alt_name(&[GeneralName::Directory(alternative)])?,
            self.policies(&[QCP_NATURAL_QSCD]),
            self.qc_statements(
                names::ID_ETSI_QCT_ESIGN,
                true,
                names::ID_ETSI_QCS_SEMANTICS_ID_NATURAL,
            ),
        ];
        extensions.extend(self.of_the_ca());
        Ok(Profile {
            subject: distinguished_name(&[
                (names::AT_COUNTRY, "ES"),
                (names::AT_SERIAL_NUMBER, &identifier),
                (names::AT_GIVEN_NAME, person.given_name),
                (names::AT_SURNAME, &surnames),
                (names::AT_COMMON_NAME, &full),
            ])?,
            extensions,
        })
    }

    /// A public employee of medium level.
    pub(super) fn employee(&self, person: &Person) -> Result<Profile> {
        const UNIT: &str = "OFICINA DE REGISTRO";
        const POST: &str = "JEFA DE SECCIÓN";
        let full = person.common_name();
        let surnames = person.surnames.join(" ");
        let identifier = person.identifier();
        let [first, second] = person.surnames;
        let alternative = spanish_name(
            names::ES_EMPLOYEE_MEDIUM,
            &[
                (
                    1,
                    "CERTIFICADO CUALIFICADO DE FIRMA DE EMPLEADO PUBLICO DE NIVEL MEDIO",
                ),
                (2, ENTITY),
                (3, ENTITY_NIF),
                (4, person.number),
                (6, person.given_name),
                (7, first),
                (8, second),
                (10, UNIT),
                (11, POST),
            ],
        )?;
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]),
            ext::subject_alt_name(&[GeneralName::Directory(alternative)])?,
            self.policies(&[names::ES_EMPLOYEE_MEDIUM, names::QCP_NATURAL]),
            self.qc_statements(
                names::ID_ETSI_QCT_ESIGN,
                false,
                names::ID_ETSI_QCS_SEMANTICS_ID_NATURAL,
            ),
        ];
        extensions.extend(self.of_the_ca());
        Ok(Profile {
            subject: distinguished_name(&[
                (names::AT_COUNTRY, "ES"),
                (names::AT_ORGANIZATION, ENTITY),
                (
                    names::AT_ORGANIZATIONAL_UNIT,
                    "CERTIFICADO ELECTRONICO DE EMPLEADO PUBLICO",
                ),
                (names::AT_ORGANIZATIONAL_UNIT, UNIT),
                (names::AT_ORGANIZATION_IDENTIFIER, ENTITY_IDENTIFIER),
                (names::AT_TITLE, POST),
                (names::AT_SERIAL_NUMBER, &identifier),
                (names::AT_GIVEN_NAME, person.given_name),
                (names::AT_SURNAME, &surnames),
                (names::AT_COMMON_NAME, &full),
            ])?,
            extensions,
        })
    }

    /// The web site of the sede (EN 319 412-4).
    pub(super) fn website(&self) -> Result<Profile> {
        const DENOMINATION: &str = "SEDE ELECTRONICA (DEMO)";
        let alternative = spanish_name(
            ES_SEDE_MEDIUM,
            &[
                (1, "SEDE ELECTRONICA DE NIVEL MEDIO"),
                (2, ENTITY),
                (3, ENTITY_NIF),
                (4, DENOMINATION),
                (5, "localhost"),
            ],
        )?;
        let mut extensions = vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::KEY_ENCIPHERMENT]),
            ext::extended_key_usage(&[ID_KP_SERVER_AUTH], false),
            ext::subject_alt_name(&[
                GeneralName::Dns("localhost".into()),
                GeneralName::Ip(vec![127, 0, 0, 1]),
                GeneralName::Directory(alternative),
            ])?,
            self.policies(&[ES_SEDE_MEDIUM, QCP_WEB]),
            self.qc_statements(
                names::ID_ETSI_QCT_WEB,
                false,
                names::ID_ETSI_QCS_SEMANTICS_ID_LEGAL,
            ),
        ];
        extensions.extend(self.of_the_ca());
        Ok(Profile {
            subject: distinguished_name(&[
                (names::AT_COUNTRY, "ES"),
                (names::AT_ORGANIZATION, ENTITY),
                (names::AT_ORGANIZATIONAL_UNIT, "SEDE ELECTRONICA"),
                (names::AT_ORGANIZATION_IDENTIFIER, ENTITY_IDENTIFIER),
                (names::AT_SERIAL_NUMBER, ENTITY_NIF),
                (names::AT_COMMON_NAME, DENOMINATION),
            ])?,
            extensions,
        })
    }
}

/// A name of the provider itself.
fn provider(attributes: &[(Oid, &str)]) -> Result<Name> {
    let mut all = vec![
        (names::AT_COUNTRY, "ES"),
        (names::AT_ORGANIZATION, PROVIDER),
    ];
    all.extend_from_slice(attributes);
    distinguished_name(&all)
}

/// A directory name whose attribute types are numbers under `arc`.
fn spanish_name(arc: Oid, attributes: &[(u8, &str)]) -> Result<Name> {
    let all = attributes
        .iter()
        .map(|(number, value)| {
            let kind = Oid::from_content(&[arc.content(), &[*number]].concat())?;
            Ok((kind, *value))
        })
        .collect::<Result<Vec<_>>>()?;
    distinguished_name(&all)
}
