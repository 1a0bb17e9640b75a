//! One certificate a row of the table, made by our own authority; the corpora's are in the conformance suite.

use super::testing::issued;
use super::*;
use crate::engine::authority::certificate::distinguished_name;
use crate::engine::authority::extension as ext;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::{GeneralName, KeyUsage};
use crate::engine::syntax::asn1::{Oid, names};

fn oid(text: &str) -> Oid {
    Oid::from_dotted(text).unwrap()
}

fn made(
    issuer: &[(Oid, &str)],
    policies: &[&str],
    subject: &[(Oid, &str)],
    directory: &[(&str, &str)],
) -> Certificate {
    let policies: Vec<_> = policies.iter().map(|p| (oid(p), None)).collect();
    let directory: Vec<_> = directory
        .iter()
        .map(|(kind, value)| (oid(kind), *value))
        .collect();
    let mut extensions = Vec::new();
    if !policies.is_empty() {
        extensions.push(ext::policies(&policies));
    }
    if !directory.is_empty() {
        let name = GeneralName::Directory(distinguished_name(&directory).unwrap());
        extensions.push(ext::subject_alt_name(&[name]).unwrap());
    }
    issued(issuer, distinguished_name(subject).unwrap(), extensions).0
}

const FNMT: &[(Oid, &str)] = &[(names::AT_ORGANIZATION, "FNMT")];
const SOMEBODY: &[(Oid, &str)] = &[(names::AT_COMMON_NAME, "Somebody's authority")];

#[test]
fn every_row_of_the_shipped_table_decides_for_its_own_certificate() {
    let profiles: Profiles = serde_json::from_str(include_str!("profiles.json")).unwrap();
    let subject = [(names::AT_COMMON_NAME, "X - 00000000T")];
    for row in &profiles.rows {
        let issuer: Vec<_> = row
            .issuer
            .iter()
            .map(|v| (names::AT_ORGANIZATION, v.as_str()))
            .collect();
        let issuer = if issuer.is_empty() { SOMEBODY } else { &issuer };
        let policy = row.policy.as_deref().map(|p| p.replace(".*", ".1"));
        let policies: Vec<&str> = policy.iter().map(String::as_str).collect();
        let identity = CertificateIdentity::of(&made(issuer, &policies, &subject, &[]));
        if let Some(class) = row.class {
            assert_eq!(identity.class, class, "{}", row.name);
            assert_eq!(identity.profile.as_deref(), Some(row.name.as_str()));
        }
        assert_eq!(identity.level, row.level, "{}", row.name);
        assert_eq!(identity.custody, row.custody, "{}", row.name);
        assert_eq!(
            identity.stated.qualified,
            row.qualified == Some(true),
            "{}",
            row.name
        );
        let purposes: Vec<_> = row.key_purpose.into_iter().collect();
        assert_eq!(identity.key_purposes, purposes, "{}", row.name);
    }
}

#[test]
fn an_administration_seal_of_either_law() {
    for arc in ["2.16.724.1.3.5.2.2", "2.16.724.1.3.5.6.1"] {
        let field = |n: u8| format!("{arc}.{n}");
        let fields: Vec<String> = (0..=9).map(field).collect();
        let directory = [
            (fields[1].as_str(), "SELLO ELECTRONICO"),
            (&fields[2], "TESORERIA"),
            (&fields[3], "Q2827003A"),
            (&fields[4], "00000000T"),
            (&fields[5], "REGISTRO"),
            (&fields[6], "ANA"),
            (&fields[7], "UNO"),
            (&fields[8], "DOS"),
            (&fields[9], "sello@example.org"),
        ];
        let subject = [
            (names::AT_COMMON_NAME, "Sello"),
            (names::AT_SERIAL_NUMBER, "Q2827003A"),
        ];
        // Without the policy, the fields alone tell.
        for policies in [&[arc][..], &[]] {
            let identity = CertificateIdentity::of(&made(SOMEBODY, policies, &subject, &directory));
            assert_eq!(identity.class, Class::Seal);
            assert!(identity.person.is_none() && identity.notes.is_empty());
            let entity = identity.entity.unwrap();
            assert_eq!(entity.name.as_deref(), Some("TESORERIA"));
            assert_eq!(entity.number.unwrap().number, "Q2827003A");
            let responsible = identity.responsible.unwrap();
            assert_eq!(responsible.number.unwrap().number, "00000000T");
            assert_eq!(responsible.full_name.as_deref(), Some("ANA UNO DOS"));
            assert_eq!(identity.system.as_deref(), Some("REGISTRO"));
            assert_eq!(identity.email.as_deref(), Some("sello@example.org"));
        }
    }
}

#[test]
fn a_public_employee_and_one_with_a_pseudonym() {
    let employee = made(
        SOMEBODY,
        &["2.16.724.1.3.5.7.2"],
        &[(names::AT_COMMON_NAME, "ANA UNO DOS - DNI 00000000T")],
        &[
            ("2.16.724.1.3.5.7.2.2", "INSS"),
            ("2.16.724.1.3.5.7.2.5", "4711"),
            ("2.16.724.1.3.5.7.2.10", "UNIDAD"),
            ("2.16.724.1.3.5.7.2.11", "JEFA"),
        ],
    );
    let identity = CertificateIdentity::of(&employee);
    assert_eq!(
        (identity.class, identity.level),
        (Class::PublicEmployee, Some(Level::Medium))
    );
    assert_eq!(
        (identity.unit.as_deref(), identity.position.as_deref()),
        (Some("UNIDAD"), Some("JEFA"))
    );
    let person = identity.person.unwrap();
    assert_eq!(person.number.unwrap().number, "00000000T");
    assert_eq!(person.full_name.as_deref(), Some("ANA UNO DOS"));
    assert_eq!(person.personnel_number.as_deref(), Some("4711"));
    let hidden = made(
        SOMEBODY,
        &["2.16.724.1.3.5.4.1"],
        &[
            (names::AT_COMMON_NAME, "JEFE - 1234"),
            (names::AT_PSEUDONYM, "1234"),
        ],
        &[("2.16.724.1.3.5.4.1.12", "1234")],
    );
    let identity = CertificateIdentity::of(&hidden);
    assert_eq!(
        (identity.class, identity.clasificacion),
        (Class::PublicEmployeePseudonym, Some(7))
    );
    let person = identity.person.unwrap();
    assert_eq!(person.pseudonym.as_deref(), Some("1234"));
    assert_eq!((person.number, person.full_name), (None, None));
}

#[test]
fn a_representative_names_whom_they_act_for_and_by_what_power() {
    let certificate = made(
        FNMT,
        &["1.3.6.1.4.1.5734.3.11.1"],
        &[
            (names::AT_COMMON_NAME, "00000000T ANA UNO (R: A99999989)"),
            (names::AT_GIVEN_NAME, "ANA"),
            (names::AT_SURNAME, "UNO DOS"),
            (names::AT_SERIAL_NUMBER, "IDCES-00000000T"),
            (names::AT_DESCRIPTION, "Reg:99999"),
        ],
        &[
            ("1.3.6.1.4.1.5734.1.20", "Administrador único"),
            ("1.3.6.1.4.1.5734.1.6", "ENTIDAD"),
        ],
    );
    let identity = CertificateIdentity::of(&certificate);
    assert_eq!(
        (identity.class, identity.clasificacion),
        (Class::Representative, Some(11))
    );
    let entity = identity.represents().unwrap();
    assert_eq!(entity.name.as_deref(), Some("ENTIDAD"));
    assert_eq!(entity.number.as_ref().unwrap().number, "A99999989");
    let power = identity.representation.clone().unwrap();
    assert_eq!(power.kind.as_deref(), Some("Administrador único"));
    assert_eq!(power.registration.as_deref(), Some("Reg:99999"));
    // The name of an issuer that nobody knows, and the mark in the common name.
    let unknown = made(
        SOMEBODY,
        &[],
        &[
            (names::AT_COMMON_NAME, "00000000T ANA UNO (R: B0085974Z)"),
            (names::AT_ORGANIZATION, "ENTIDAD"),
        ],
        &[],
    );
    assert_eq!(
        CertificateIdentity::of(&unknown).class,
        Class::Representative
    );
}

#[test]
fn an_identity_card_has_both_surnames_in_the_common_name_alone() {
    let subject = [
        (names::AT_COMMON_NAME, "DE LA UNO DOS, ANA MARIA (FIRMA)"),
        (names::AT_SURNAME, "DE LA UNO"),
        (names::AT_GIVEN_NAME, "ANA MARIA"),
        (names::AT_SERIAL_NUMBER, "00000000T"),
    ];
    let identity = CertificateIdentity::of(&made(SOMEBODY, &["2.16.724.1.2.2.2.3"], &subject, &[]));
    let person = identity.person.unwrap();
    assert_eq!(person.first_surname.as_deref(), Some("DE LA UNO"));
    assert_eq!(person.second_surname.as_deref(), Some("DOS"));
    assert_eq!(person.full_name.as_deref(), Some("ANA MARIA DE LA UNO DOS"));
    assert_eq!(identity.custody, Some(Custody::Card));
}

#[test]
fn unknown_issuers_give_what_the_standard_says() {
    let person = [
        (names::AT_COMMON_NAME, "JAAK"),
        (names::AT_GIVEN_NAME, "JAAK"),
        (names::AT_SURNAME, "JÕEORG"),
        (names::AT_SERIAL_NUMBER, "PNOEE-38001085718"),
    ];
    let of = |policies: &[&str], subject: &[(Oid, &str)]| {
        CertificateIdentity::of(&made(SOMEBODY, policies, subject, &[]))
    };
    let identity = of(&["0.4.0.194112.1.2"], &person);
    assert_eq!(
        (identity.class, identity.profile.as_deref()),
        (Class::NaturalPerson, None)
    );
    assert!(identity.stated.qualified && identity.stated.qscd);
    assert_eq!(identity.stated.by, Some("policy"));
    let number = identity.person.unwrap().number.unwrap();
    assert_eq!(
        (number.kind, number.country.as_deref()),
        (IdentifierKind::NationalNumber, Some("EE"))
    );
    let seal = [
        (names::AT_COMMON_NAME, "Seal"),
        (names::AT_ORGANIZATION, "GmbH"),
        (names::AT_ORGANIZATION_IDENTIFIER, "VATDE-123456789"),
    ];
    assert_eq!(of(&["0.4.0.194112.1.3"], &seal).class, Class::Seal);
    assert_eq!(
        of(
            &["0.4.0.194112.1.4"],
            &[(names::AT_COMMON_NAME, "x.example")]
        )
        .class,
        Class::Website
    );
    let of_entity = [&person[..], &[(names::AT_ORGANIZATION, "OÜ")]].concat();
    assert_eq!(of(&[], &of_entity).class, Class::AssociatedPerson);
    let hidden = [(names::AT_PSEUDONYM, "P1"), (names::AT_COMMON_NAME, "P1")];
    assert_eq!(of(&[], &hidden).class, Class::PseudonymousPerson);
    assert_eq!(
        of(&[], &[(names::AT_COMMON_NAME, "x")]).class,
        Class::Unknown
    );
}

#[test]
fn extensions_outweigh_the_table() {
    for (extension, class) in [
        (ext::basic_constraints(true, None), Class::Authority),
        (
            ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
            Class::TimeStamping,
        ),
        (
            ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
            Class::OcspResponder,
        ),
    ] {
        let policies = ext::policies(&[(oid("1.3.6.1.4.1.5734.3.10.1"), None)]);
        let name = distinguished_name(&[(names::AT_COMMON_NAME, "x")]).unwrap();
        let identity = CertificateIdentity::of(&issued(FNMT, name, vec![policies, extension]).0);
        assert_eq!((identity.class, identity.profile), (class, None));
    }
}

#[test]
fn wrong_letters_and_contradictions_are_told() {
    let subject = [
        (names::AT_COMMON_NAME, "ANA - NIF 00000001R"),
        (names::AT_SERIAL_NUMBER, "IDCES-00000000A"),
        (names::AT_ORGANIZATION_IDENTIFIER, "VATES-B12345678"),
    ];
    let fields = [("2.16.724.1.3.5.7.2.3", "Q2827003A")];
    let identity =
        CertificateIdentity::of(&made(SOMEBODY, &["2.16.724.1.3.5.7.2"], &subject, &fields));
    let whats: Vec<_> = identity.notes.iter().map(|n| n.what.as_str()).collect();
    assert_eq!(
        whats,
        [
            "number.does_not_fit",
            "number.contradicts",
            "entity_number.does_not_fit",
            "entity_number.contradicts"
        ]
    );
    assert!(!identity.has_good_number());
    assert!(!format!("{identity:?}").contains("0000"));
}

#[test]
fn what_the_key_is_for_is_by_its_usage_first() {
    let of = |bits: &[u8]| {
        let name = distinguished_name(&[(names::AT_COMMON_NAME, "x")]).unwrap();
        let policies = ext::policies(&[(oid("2.16.724.1.2.2.2.4"), None)]);
        CertificateIdentity::of(&issued(SOMEBODY, name, vec![policies, ext::key_usage(bits)]).0)
            .key_purposes
    };
    // One third party took the two policies of the identity card for each other, so its key usage decides.
    assert_eq!(of(&[KeyUsage::NON_REPUDIATION]), [KeyPurpose::Signature]);
    assert_eq!(
        of(&[KeyUsage::DIGITAL_SIGNATURE]),
        [KeyPurpose::Authentication]
    );
    assert_eq!(of(&[KeyUsage::KEY_ENCIPHERMENT]), [KeyPurpose::Encryption]);
}
