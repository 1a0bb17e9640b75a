//! `qcStatements`: what a certificate states of its own qualification (EN 319 412-5 §4.2, §4.3; RFC 3739 §3.2.6).
//!
//! Real certificates carry malformed statements, so each is read by itself: what cannot be read is named in
//! `malformations` and says nothing. Whether the statement is true is `validation::qualification`'s.

use crate::engine::error::Result;
use crate::engine::pki::Certificate;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};
use serde::Serialize;

/// Statements read at most: real certificates have fewer than 12.
const MOST: usize = 64;

/// What a qualified certificate is for (EN 319 412-5 §4.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum QcType {
    /// Electronic signatures.
    Esign,
    /// Electronic seals.
    Eseal,
    /// Authentication of web sites.
    Web,
}

impl QcType {
    /// The type that this identifier stands for.
    pub fn from_oid(id: &Oid) -> Option<QcType> {
        Some(match *id {
            names::ID_ETSI_QCT_ESIGN => QcType::Esign,
            names::ID_ETSI_QCT_ESEAL => QcType::Eseal,
            names::ID_ETSI_QCT_WEB => QcType::Web,
            _ => return None,
        })
    }
}

/// `QcEuLimitValue` (EN 319 412-5 §4.3.2): amount × 10^exponent of the currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct QcLimit {
    /// ISO 4217, letters or number.
    pub currency: String,
    pub amount: u64,
    pub exponent: u64,
}

/// A statement that does not follow its own syntax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Malformation {
    /// The statement, in dotted form; none where not even that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
    /// What is wrong: `unreadable`, `value`, `twice`, `type_as_statement`, `too_many`.
    pub what: &'static str,
}

/// The statements of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct QcStatements {
    /// `esi4-qcStatement-1`: it is a qualified certificate (§4.2.1).
    pub compliance: bool,
    /// `esi4-qcStatement-6`: what it is for; more than one is against the clause (§4.2.3).
    pub types: Vec<QcType>,
    /// `esi4-qcStatement-4`: the key lies in a qualified device (§4.2.2).
    pub sscd: bool,
    /// `esi4-qcStatement-3`: years for which the issuer keeps its records (§4.3.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_years: Option<u64>,
    /// `esi4-qcStatement-2`: up to what value transactions may be (§4.3.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<QcLimit>,
    /// `esi4-qcStatement-5`: disclosure statements, address and language (§4.3.4).
    pub disclosure: Vec<(String, String)>,
    /// `esi4-qcStatement-7`: countries by whose law it is qualified; none: the European Union's (§4.2.4).
    pub legislation: Vec<String>,
    /// Semantics of the identifiers, in dotted form (EN 319 412-1 §5.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub semantics: Option<String>,
    /// Statements that are not known here, in dotted form.
    pub others: Vec<String>,
    /// What does not follow its own syntax.
    pub malformations: Vec<Malformation>,
    /// Every statement by its identifier, whether its value could be read or not.
    #[serde(skip)]
    pub stated: Vec<Oid>,
}

impl QcStatements {
    /// Those of `certificate`; of one without the extension, none.
    pub fn of(certificate: &Certificate) -> QcStatements {
        let extension = certificate.extension(&names::ID_PE_QC_STATEMENTS);
        extension.map_or_else(QcStatements::default, |e| QcStatements::read(&e.value))
    }

    /// From the content of the extension. Never fails: what cannot be read is a malformation.
    pub fn read(value: &[u8]) -> QcStatements {
        let mut statements = QcStatements::default();
        if statements.read_all(value).is_err() {
            statements.note(None, "unreadable");
        }
        statements
    }

    /// Whether it is a qualified certificate of the European Union by its own word.
    pub fn is_qualified(&self) -> bool {
        self.compliance && self.legislation.is_empty()
    }

    /// Whether all of it could be read as far as statements go: otherwise more may be stated than is known.
    pub fn is_whole(&self) -> bool {
        !self
            .malformations
            .iter()
            .any(|m| matches!(m.what, "unreadable" | "too_many"))
    }

    fn note(&mut self, statement: Option<&Oid>, what: &'static str) {
        let statement = statement.map(Oid::to_string);
        self.malformations.push(Malformation { statement, what });
    }

    fn read_all(&mut self, value: &[u8]) -> Result<()> {
        let mut list = Reader::ber(value).whole_sequence("qcStatements")?;
        while !list.is_empty() {
            if self.stated.len() == MOST {
                self.note(None, "too_many");
                break;
            }
            let mut statement = list.sequence("QCStatement")?;
            let id = statement.oid("statementId")?;
            if self.stated.contains(&id) {
                self.note(Some(&id), "twice");
            }
            self.stated.push(id);
            let info = statement.next_element()?;
            if self.read_one(&id, info.as_ref()).is_err() {
                self.note(Some(&id), "value");
            }
        }
        Ok(())
    }

    fn read_one(&mut self, id: &Oid, info: Option<&Tlv<'_>>) -> Result<()> {
        let needed =
            || info.ok_or_else(|| crate::engine::Error::malformed("QCStatement", "no info"));
        match *id {
            names::ID_ETSI_QCS_QC_COMPLIANCE => self.compliance = true,
            names::ID_ETSI_QCS_QC_SSCD => self.sscd = true,
            names::ID_ETSI_QCS_QC_RETENTION_PERIOD => self.retention_years = Some(needed()?.u64()?),
            names::ID_ETSI_QCS_QC_LIMIT_VALUE => self.limit = Some(limit(needed()?)?),
            names::ID_ETSI_QCS_QC_PDS => self.disclosure.extend(disclosure(needed()?)?),
            names::ID_ETSI_QCS_QC_TYPE => {
                for kind in oids(needed()?, "QcType")? {
                    match QcType::from_oid(&kind) {
                        Some(kind) => self.types.push(kind),
                        None => self.others.push(kind.to_string()),
                    }
                }
            }
            names::ID_ETSI_QCS_QC_CCLEGISLATION => {
                let mut countries = needed()?.inner_of("QcCClegislation")?;
                while let Some(country) = countries.next_element()? {
                    self.legislation.push(country.text());
                }
            }
            names::QCS_PKIX_QC_SYNTAX_V2 => {
                // SemanticsInformation: both of its fields are optional.
                if let Some(info) = info {
                    let first = info
                        .inner_of("SemanticsInformation")?
                        .optional(Tag::OID, "semanticsIdentifier")?;
                    self.semantics = first
                        .map(|id| id.oid())
                        .transpose()?
                        .map(|id| id.to_string());
                }
            }
            other => match QcType::from_oid(&other) {
                // A type where a statement should be: what is meant is plain, so it counts and is told.
                Some(kind) => {
                    self.types.push(kind);
                    self.note(Some(&other), "type_as_statement");
                }
                None => self.others.push(other.to_string()),
            },
        }
        Ok(())
    }
}

fn oids(list: &Tlv<'_>, what: &'static str) -> Result<Vec<Oid>> {
    let (mut list, mut all) = (list.inner_of(what)?, Vec::new());
    while !list.is_empty() {
        all.push(list.oid(what)?);
    }
    Ok(all)
}

fn limit(value: &Tlv<'_>) -> Result<QcLimit> {
    let mut fields = value.inner_of("QcEuLimitValue")?;
    let currency = fields.read("currency")?;
    let currency = match currency.tag() {
        Tag::INTEGER => currency.u64()?.to_string(),
        _ => currency.text(),
    };
    Ok(QcLimit {
        currency,
        amount: fields.read("amount")?.u64()?,
        exponent: fields.read("exponent")?.u64()?,
    })
}

fn disclosure(value: &Tlv<'_>) -> Result<Vec<(String, String)>> {
    let (mut list, mut all) = (value.inner_of("QcEuPDS")?, Vec::new());
    while !list.is_empty() {
        let mut place = list.sequence("PdsLocation")?;
        all.push((place.read("url")?.text(), place.read("language")?.text()));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::authority::extension::{QcStatement, qc_statements};
    use crate::engine::syntax::asn1::der;

    #[test]
    fn well_formed_statements_are_read_whole() {
        let places = [("https://pds.example/es", "es")];
        let written = qc_statements(&[
            QcStatement::Compliance,
            QcStatement::Sscd,
            QcStatement::RetentionYears(15),
            QcStatement::Disclosure(&places),
            QcStatement::Type(names::ID_ETSI_QCT_ESEAL),
            QcStatement::Semantics(names::ID_ETSI_QCS_SEMANTICS_ID_LEGAL),
        ]);
        let read = QcStatements::read(&written.value);
        assert!(read.is_qualified() && read.sscd);
        assert_eq!(read.types, [QcType::Eseal]);
        assert_eq!(read.retention_years, Some(15));
        assert_eq!(
            read.disclosure,
            [("https://pds.example/es".into(), "es".into())]
        );
        assert_eq!(read.semantics.as_deref(), Some("0.4.0.194121.1.2"));
        assert_eq!(read.malformations, []);
    }

    fn statement(id: &Oid, info: &[u8]) -> Vec<u8> {
        der::sequence(&[&der::oid(id), info])
    }

    #[test]
    fn what_the_social_security_wrote_counts_and_is_told() {
        let value = der::sequence_of(&[
            statement(&names::ID_ETSI_QCS_QC_COMPLIANCE, &[]),
            statement(&names::ID_ETSI_QCT_ESIGN, &[]),
            statement(
                &names::ID_ETSI_QCS_QC_PDS,
                &der::ia5_string("http://x.example"),
            ),
        ]);
        let read = QcStatements::read(&value);
        assert!(read.compliance && read.disclosure.is_empty());
        assert_eq!(read.types, [QcType::Esign]);
        let whats: Vec<_> = read.malformations.iter().map(|m| m.what).collect();
        assert_eq!(whats, ["type_as_statement", "value"]);
    }

    #[test]
    fn a_limit_a_country_and_what_is_unknown() {
        let limit = der::sequence(&[
            &der::printable_string("EUR"),
            &der::integer(6),
            &der::integer(2),
        ]);
        let value = der::sequence_of(&[
            statement(&names::ID_ETSI_QCS_QC_COMPLIANCE, &[]),
            statement(&names::ID_ETSI_QCS_QC_LIMIT_VALUE, &limit),
            statement(
                &names::ID_ETSI_QCS_QC_CCLEGISLATION,
                &der::sequence(&[&der::printable_string("UA")]),
            ),
            statement(&Oid::new(&[1, 2, 3]), &[]),
        ]);
        let read = QcStatements::read(&value);
        assert_eq!(
            read.limit
                .clone()
                .map(|l| (l.currency, l.amount, l.exponent)),
            Some(("EUR".into(), 6, 2))
        );
        assert!(read.compliance && !read.is_qualified());
        assert_eq!(read.others, ["1.2.3"]);
    }

    #[test]
    fn nothing_of_what_is_broken_fails() {
        let many = der::sequence_of(&vec![statement(&names::ID_ETSI_QCS_QC_SSCD, &[]); MOST + 1]);
        let read = QcStatements::read(&many);
        assert_eq!(read.malformations.last().map(|m| m.what), Some("too_many"));
        for broken in [
            &b""[..],
            b"\x30",
            b"\x30\x03\x30\x01",
            b"\x02\x01\x00",
            &many[..20],
        ] {
            assert!(!QcStatements::read(broken).malformations.is_empty());
        }
    }
}
