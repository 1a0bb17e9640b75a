//! Writes the extensions of certificates and lists (RFC 5280 §4.2, §5.2; EN 319 412-5 for qcStatements).
//!
//! Out: [`Extension`] values as `pki::extension` reads them. Criticality is what the clause of each extension says.

use super::key_identifier;
use crate::engine::error::{Error, Result};
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::IssuingDistributionPoint;
use crate::engine::pki::extension::{Extension, GeneralName};
use crate::engine::syntax::asn1::{Oid, der, names};

/// id-qt-cps (RFC 5280 §4.2.1.4).
const ID_QT_CPS: Oid = Oid::new(&[1, 3, 6, 1, 5, 5, 7, 2, 1]);

fn extension(id: Oid, critical: bool, value: Vec<u8>) -> Extension {
    Extension {
        id,
        critical,
        value,
    }
}

/// `Extension`; the default of `critical` is left out, as DER demands.
pub(super) fn to_der(extension: &Extension) -> Vec<u8> {
    let critical = if extension.critical {
        der::boolean(true)
    } else {
        Vec::new()
    };
    der::sequence(&[
        &der::oid(&extension.id),
        &critical,
        &der::octet_string(&extension.value),
    ])
}

/// `basicConstraints` (§4.2.1.9).
pub fn basic_constraints(ca: bool, path_length: Option<u32>) -> Extension {
    let flag = if ca { der::boolean(true) } else { Vec::new() };
    let length = path_length
        .filter(|_| ca)
        .map(|n| der::integer(u64::from(n)));
    extension(
        names::ID_CE_BASIC_CONSTRAINTS,
        true,
        der::sequence(&[&flag, length.as_deref().unwrap_or_default()]),
    )
}

/// `keyUsage` (§4.2.1.3) with these bits of [`KeyUsage`](crate::engine::pki::extension::KeyUsage).
pub fn key_usage(bits: &[u8]) -> Extension {
    extension(names::ID_CE_KEY_USAGE, true, der::named_bits(bits))
}

/// `extKeyUsage` (§4.2.1.12). RFC 3161 §2.3 wants it critical in the certificate of a time-stamping authority.
pub fn extended_key_usage(purposes: &[Oid], critical: bool) -> Extension {
    let purposes: Vec<_> = purposes.iter().map(der::oid).collect();
    extension(
        names::ID_CE_EXT_KEY_USAGE,
        critical,
        der::sequence_of(&purposes),
    )
}

/// `subjectKeyIdentifier` (§4.2.1.2) of a `SubjectPublicKeyInfo`.
pub fn subject_key_identifier(spki: &[u8]) -> Result<Extension> {
    let identifier = der::octet_string(&key_identifier(spki)?);
    Ok(extension(
        names::ID_CE_SUBJECT_KEY_IDENTIFIER,
        false,
        identifier,
    ))
}

/// `authorityKeyIdentifier` (§4.2.1.1) naming the key of `issuer`.
pub fn authority_key_identifier(issuer: &Certificate) -> Result<Extension> {
    let key = match issuer.subject_key_identifier() {
        Some(own) => own.to_vec(),
        None => key_identifier(issuer.spki())?,
    };
    let value = der::sequence(&[&der::implicit(0, &der::octet_string(&key))]);
    Ok(extension(
        names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
        false,
        value,
    ))
}

/// `subjectAltName` (§4.2.1.6).
pub fn subject_alt_name(general_names: &[GeneralName]) -> Result<Extension> {
    let all = general_names
        .iter()
        .map(general_name)
        .collect::<Result<Vec<_>>>()?;
    Ok(extension(
        names::ID_CE_SUBJECT_ALT_NAME,
        false,
        der::sequence_of(&all),
    ))
}

fn general_name(name: &GeneralName) -> Result<Vec<u8>> {
    Ok(match name {
        GeneralName::Email(text) => der::implicit(1, &der::ia5_string(text)),
        GeneralName::Dns(text) => der::implicit(2, &der::ia5_string(text)),
        GeneralName::Directory(name) => der::explicit(4, name.bytes()),
        GeneralName::Uri(text) => uri(text),
        GeneralName::Ip(octets) => der::implicit(7, &der::octet_string(octets)),
        GeneralName::Other { .. } => {
            return Err(Error::unsupported(
                "GeneralName",
                "a form that is not written here",
            ));
        }
    })
}

fn uri(text: &str) -> Vec<u8> {
    der::implicit(6, &der::ia5_string(text))
}

/// `certificatePolicies` (§4.2.1.4), each with the address of its practice statement where there is one.
pub fn policies(policies: &[(Oid, Option<&str>)]) -> Extension {
    let all: Vec<_> = policies
        .iter()
        .map(|(policy, statement)| {
            let qualifiers = statement.map(|statement| {
                let qualifier =
                    der::sequence(&[&der::oid(&ID_QT_CPS), &der::ia5_string(statement)]);
                der::sequence(&[&qualifier])
            });
            der::sequence(&[&der::oid(policy), qualifiers.as_deref().unwrap_or_default()])
        })
        .collect();
    extension(
        names::ID_CE_CERTIFICATE_POLICIES,
        false,
        der::sequence_of(&all),
    )
}

/// `cRLDistributionPoints` (§4.2.1.13): one point, whose list is at each of these addresses.
pub fn crl_distribution_points(uris: &[&str]) -> Extension {
    let name = distribution_point_name(uris.iter().map(|text| uri(text)).collect());
    let points = der::sequence(&[&der::sequence(&[&name])]);
    extension(names::ID_CE_CRL_DISTRIBUTION_POINTS, false, points)
}

/// `[0] DistributionPointName` with a full name.
fn distribution_point_name(general_names: Vec<Vec<u8>>) -> Vec<u8> {
    let full_name = der::implicit(0, &der::sequence_of(&general_names));
    der::explicit(0, &full_name)
}

/// `authorityInfoAccess` (§4.2.2.1).
pub fn authority_information_access(ocsp: Option<&str>, ca_issuers: Option<&str>) -> Extension {
    let all: Vec<_> = [
        (names::ID_AD_OCSP, ocsp),
        (names::ID_AD_CA_ISSUERS, ca_issuers),
    ]
    .iter()
    .filter_map(|(method, at)| at.map(|at| der::sequence(&[&der::oid(method), &uri(at)])))
    .collect();
    extension(
        names::ID_PE_AUTHORITY_INFO_ACCESS,
        false,
        der::sequence_of(&all),
    )
}

/// `id-pkix-ocsp-nocheck` (RFC 6960 §4.2.2.2.1): nobody asks whether the responder itself is revoked.
pub fn ocsp_nocheck() -> Extension {
    extension(names::ID_PKIX_OCSP_NOCHECK, false, der::null())
}

/// A statement of `qcStatements`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QcStatement<'a> {
    /// It is a qualified certificate of the EU (EN 319 412-5 §4.2.1).
    Compliance,
    /// Years that the issuer keeps its records after the certificate has expired (§4.3.3).
    RetentionYears(u64),
    /// The key is in a qualified device (§4.2.2).
    Sscd,
    /// Addresses of the disclosure statement, each with its language (§4.3.4).
    Disclosure(&'a [(&'a str, &'a str)]),
    /// What it is for: `ID_ETSI_QCT_ESIGN`, `ID_ETSI_QCT_ESEAL` or `ID_ETSI_QCT_WEB` (§4.2.3).
    Type(Oid),
    /// How to read the identifiers of the subject (RFC 3739 §3.2.6.1, EN 319 412-1 §5.1).
    Semantics(Oid),
}

impl QcStatement<'_> {
    fn to_der(self) -> Vec<u8> {
        let (id, info) = match self {
            QcStatement::Compliance => (names::ID_ETSI_QCS_QC_COMPLIANCE, Vec::new()),
            QcStatement::RetentionYears(years) => {
                (names::ID_ETSI_QCS_QC_RETENTION_PERIOD, der::integer(years))
            }
            QcStatement::Sscd => (names::ID_ETSI_QCS_QC_SSCD, Vec::new()),
            QcStatement::Disclosure(places) => {
                let places: Vec<_> = places
                    .iter()
                    .map(|(at, language)| {
                        der::sequence(&[&der::ia5_string(at), &der::printable_string(language)])
                    })
                    .collect();
                (names::ID_ETSI_QCS_QC_PDS, der::sequence_of(&places))
            }
            QcStatement::Type(kind) => (
                names::ID_ETSI_QCS_QC_TYPE,
                der::sequence(&[&der::oid(&kind)]),
            ),
            QcStatement::Semantics(kind) => (
                names::QCS_PKIX_QC_SYNTAX_V2,
                der::sequence(&[&der::oid(&kind)]),
            ),
        };
        der::sequence(&[&der::oid(&id), &info])
    }
}

/// `qcStatements` (RFC 3739 §3.2.6).
pub fn qc_statements(statements: &[QcStatement<'_>]) -> Extension {
    let all: Vec<_> = statements.iter().map(|s| s.to_der()).collect();
    extension(names::ID_PE_QC_STATEMENTS, false, der::sequence_of(&all))
}

/// `cRLNumber` (§5.2.3).
pub(super) fn crl_number(number: u64) -> Extension {
    extension(names::ID_CE_CRL_NUMBER, false, der::integer(number))
}

/// `issuingDistributionPoint` (§5.2.5), critical.
pub(super) fn issuing_distribution_point(point: &IssuingDistributionPoint) -> Result<Extension> {
    let mut fields = Vec::new();
    if !point.full_name.is_empty() {
        let all = point.full_name.iter().map(general_name);
        fields.push(distribution_point_name(all.collect::<Result<_>>()?));
    } else if let Some(relative) = &point.relative_name {
        fields.push(der::explicit(0, &der::tlv(0xa1, relative)));
    }
    let flag = |number: u8, flag: bool| flag.then(|| der::implicit(number, &der::boolean(true)));
    let reasons = point
        .only_some_reasons
        .map(|reasons| der::implicit(3, &der::named_bits(&reasons.bits())));
    fields.extend(
        [
            flag(1, point.only_user_certificates),
            flag(2, point.only_ca_certificates),
            reasons,
            flag(4, point.indirect),
            flag(5, point.only_attribute_certificates),
        ]
        .into_iter()
        .flatten(),
    );
    Ok(extension(
        names::ID_CE_ISSUING_DISTRIBUTION_POINT,
        true,
        der::sequence_of(&fields),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::test::pki;
    use super::*;

    #[test]
    fn qc_statements_are_read_back_with_their_types() {
        let made = pki(vec![qc_statements(&[
            QcStatement::Compliance,
            QcStatement::RetentionYears(15),
            QcStatement::Sscd,
            QcStatement::Disclosure(&[("https://127.0.0.1/pds_es", "es")]),
            QcStatement::Type(names::ID_ETSI_QCT_ESEAL),
            QcStatement::Semantics(names::ID_ETSI_QCS_SEMANTICS_ID_LEGAL),
        ])]);
        assert!(made.certificate.malformed().is_empty());
        let read = made.certificate.qc_statements();
        for wanted in [
            names::ID_ETSI_QCS_QC_COMPLIANCE,
            names::ID_ETSI_QCS_QC_RETENTION_PERIOD,
            names::ID_ETSI_QCS_QC_SSCD,
            names::ID_ETSI_QCS_QC_PDS,
            names::ID_ETSI_QCT_ESEAL,
            names::QCS_PKIX_QC_SYNTAX_V2,
        ] {
            assert!(read.contains(&wanted), "{wanted}");
        }
        assert!(!read.contains(&names::ID_ETSI_QCT_ESIGN));
    }

    #[test]
    fn criticality_is_written_only_where_it_is_set() {
        let made = pki(vec![
            extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
            ocsp_nocheck(),
            basic_constraints(false, Some(3)),
        ]);
        let critical = |id| made.certificate.extension(&id).map(|e| e.critical);
        assert_eq!(critical(names::ID_CE_EXT_KEY_USAGE), Some(true));
        assert_eq!(critical(names::ID_PKIX_OCSP_NOCHECK), Some(false));
        assert_eq!(
            made.certificate.basic_constraints(),
            Some(Default::default())
        );
    }
}
