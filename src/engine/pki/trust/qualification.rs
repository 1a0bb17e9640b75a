//! `Qualifications`: what a list says about some of a service's certificates (TS 119 612 §5.5.9.2).
//!
//! A criterion that is not known here makes its outcome unknown, never true or false: whoever asks decides what that costs.

use crate::engine::pki::Certificate;
use crate::engine::pki::qc_statements::{QcStatements, QcType};
use crate::engine::syntax::asn1::Oid;

/// `QualificationElement`: qualifiers of the certificates that meet the criteria.
#[derive(Debug, Clone, PartialEq)]
pub struct Qualification {
    /// What is said of them.
    pub qualifiers: Vec<Qualifier>,
    /// Of which certificates.
    pub criteria: Criteria,
}

/// A qualifier (TS 119 612 §5.5.9.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Qualifier {
    QcStatement,
    NotQualified,
    QcWithSscd,
    QcNoSscd,
    QcSscdStatusAsInCert,
    QcWithQscd,
    QcNoQscd,
    QcQscdStatusAsInCert,
    QcQscdManagedOnBehalf,
    QcForLegalPerson,
    QcForESig,
    QcForESeal,
    QcForWsa,
    /// A URI that is not known here.
    Other(String),
}

const ROOT: &str = "http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/";
/// The Directive's lists had the same names under another root.
const OLD_ROOT: &str = "http://uri.etsi.org/TrstSvc/eSigDir-1999-93-EC-TrustedList/SvcInfoExt/";

const QUALIFIERS: &[(&str, Qualifier)] = &[
    ("QCStatement", Qualifier::QcStatement),
    ("NotQualified", Qualifier::NotQualified),
    ("QCWithSSCD", Qualifier::QcWithSscd),
    ("QCNoSSCD", Qualifier::QcNoSscd),
    ("QCSSCDStatusAsInCert", Qualifier::QcSscdStatusAsInCert),
    ("QCWithQSCD", Qualifier::QcWithQscd),
    ("QCNoQSCD", Qualifier::QcNoQscd),
    ("QCQSCDStatusAsInCert", Qualifier::QcQscdStatusAsInCert),
    ("QCQSCDManagedOnBehalf", Qualifier::QcQscdManagedOnBehalf),
    ("QCForLegalPerson", Qualifier::QcForLegalPerson),
    ("QCForESig", Qualifier::QcForESig),
    ("QCForESeal", Qualifier::QcForESeal),
    ("QCForWSA", Qualifier::QcForWsa),
];

impl Qualifier {
    /// From its URI.
    pub fn from_uri(uri: &str) -> Qualifier {
        let name = uri
            .strip_prefix(ROOT)
            .or_else(|| uri.strip_prefix(OLD_ROOT));
        let known = QUALIFIERS.iter().find(|(known, _)| Some(*known) == name);
        known.map_or_else(|| Qualifier::Other(uri.to_string()), |(_, q)| q.clone())
    }

    /// Its short name: `QCWithQSCD`; the URI of one that is not known here.
    pub fn name(&self) -> &str {
        match self {
            Qualifier::Other(uri) => uri,
            known => QUALIFIERS
                .iter()
                .find(|(_, q)| q == known)
                .map_or("", |(name, _)| name),
        }
    }
}

/// How many of the criteria must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Assert {
    /// Every one.
    #[default]
    All,
    /// One or more.
    AtLeastOne,
    /// Not one.
    None,
}

/// `CriteriaList` (TS 119 612 §5.5.9.2.2).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Criteria {
    /// How many of them must hold.
    pub assert: Assert,
    /// Each of them.
    pub all: Vec<Criterion>,
}

/// One criterion about a certificate.
#[derive(Debug, Clone, PartialEq)]
pub enum Criterion {
    /// `KeyUsage`: each bit with the value that it must have; `None` stands for a bit that is not known.
    KeyUsage(Vec<(Option<u8>, bool)>),
    /// `PolicySet`: certificate policies that must all be there.
    PolicySet(Vec<Oid>),
    /// `ExtendedKeyUsage`: key purposes that must all be there.
    ExtendedKeyUsage(Vec<Oid>),
    /// `CertSubjectDNAttribute`: attributes that the subject must all have.
    SubjectAttributes(Vec<Oid>),
    /// `QcStatementSet`, of mutual recognition: statements that must all be there.
    QcStatements(Vec<QcStatementCriterion>),
    /// A list within a list.
    List(Criteria),
    /// One that is not known here, by its element's name.
    Unknown(String),
}

/// A statement of [`Criterion::QcStatements`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QcStatementCriterion {
    /// The statement.
    pub id: Option<Oid>,
    /// The type of certificate that it must state.
    pub qc_type: Option<Oid>,
    /// The country whose law it must state.
    pub legislation: Option<String>,
}

/// Bits of `KeyUsage` as lists name them; RFC 5280 §4.2.1.3 numbers them.
const BITS: &[&str] = &[
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "crlSign",
    "encipherOnly",
    "decipherOnly",
];

/// The number of a bit of `KeyUsage`.
pub(super) fn key_usage_bit(name: &str) -> Option<u8> {
    let found = BITS.iter().position(|bit| bit.eq_ignore_ascii_case(name));
    found.and_then(|index| u8::try_from(index).ok())
}

impl Criteria {
    /// Whether `certificate` meets them; none where a criterion that is not known here decides.
    ///
    /// An empty list is met by nobody, whatever it asserts.
    pub fn is_met_by(&self, certificate: &Certificate) -> Option<bool> {
        if self.all.is_empty() {
            return Some(false);
        }
        let mut outcomes = self.all.iter().map(|one| one.is_met_by(certificate));
        match self.assert {
            Assert::All => every(&mut outcomes),
            Assert::AtLeastOne => every(&mut outcomes.map(not)).map(|none| !none),
            Assert::None => every(&mut outcomes.map(not)),
        }
    }
}

fn not(outcome: Option<bool>) -> Option<bool> {
    outcome.map(|met| !met)
}

/// Three-valued "and": one false decides, one unknown leaves it unknown.
fn every(outcomes: &mut dyn Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut all = Some(true);
    for outcome in outcomes {
        match outcome {
            Some(false) => return Some(false),
            None => all = None,
            Some(true) => {}
        }
    }
    all
}

impl Criterion {
    /// Whether `certificate` meets it; none where that is not known here.
    pub fn is_met_by(&self, certificate: &Certificate) -> Option<bool> {
        match self {
            Criterion::KeyUsage(bits) => {
                let usage = certificate.key_usage();
                let one = |(bit, wanted): &(Option<u8>, bool)| {
                    let bit = (*bit)?;
                    Some(usage.is_some_and(|usage| usage.has(bit)) == *wanted)
                };
                every(&mut bits.iter().map(one))
            }
            Criterion::PolicySet(policies) => {
                let has = certificate.policies();
                Some(!policies.is_empty() && policies.iter().all(|p| has.contains(p)))
            }
            Criterion::ExtendedKeyUsage(purposes) => {
                let has = certificate.extended_key_usage();
                Some(!purposes.is_empty() && purposes.iter().all(|p| has.contains(p)))
            }
            Criterion::SubjectAttributes(kinds) => {
                let has = |kind: &Oid| certificate.subject().first(kind).is_some();
                Some(!kinds.is_empty() && kinds.iter().all(has))
            }
            Criterion::List(list) => list.is_met_by(certificate),
            Criterion::QcStatements(wanted) => {
                let stated = QcStatements::of(certificate);
                let met = every(&mut wanted.iter().map(|one| one.is_met_by(&stated)));
                met.map(|met| met && !wanted.is_empty())
            }
            Criterion::Unknown(_) => None,
        }
    }
}

impl QcStatementCriterion {
    /// Whether it is stated; none where statements cannot be read, or a type is asked for that is not known here.
    fn is_met_by(&self, stated: &QcStatements) -> Option<bool> {
        let kind = match &self.qc_type {
            Some(id) => Some(QcType::from_oid(id)?),
            None => None,
        };
        let met = self.id.is_some_and(|id| stated.stated.contains(&id))
            && kind.is_none_or(|kind| stated.types.contains(&kind))
            && self.legislation.as_ref().is_none_or(|country| {
                let same = |one: &String| one.eq_ignore_ascii_case(country);
                stated.legislation.iter().any(same)
            });
        (met || stated.is_whole()).then_some(met)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::authority::extension::{self as ext, QcStatement};
    use crate::engine::authority::test::pki;
    use crate::engine::pki::extension::Extension;
    use crate::engine::syntax::asn1::names;

    #[test]
    fn statements_are_asked_for_by_identifier_type_and_country() {
        let statements = [
            QcStatement::Compliance,
            QcStatement::Type(names::ID_ETSI_QCT_ESEAL),
        ];
        let certificate = pki(vec![ext::qc_statements(&statements)]).certificate;
        let bare = pki(Vec::new()).certificate;
        let asked = |all: &[(Oid, Option<Oid>, Option<&str>)]| {
            let one =
                |(id, kind, country): &(Oid, Option<Oid>, Option<&str>)| QcStatementCriterion {
                    id: Some(*id),
                    qc_type: *kind,
                    legislation: country.map(String::from),
                };
            Criterion::QcStatements(all.iter().map(one).collect())
        };
        let (compliance, kind) = (names::ID_ETSI_QCS_QC_COMPLIANCE, names::ID_ETSI_QCS_QC_TYPE);
        let seal = Some(names::ID_ETSI_QCT_ESEAL);
        for (criterion, expected) in [
            (asked(&[(compliance, None, None)]), Some(true)),
            (
                asked(&[(compliance, None, None), (kind, seal, None)]),
                Some(true),
            ),
            (
                asked(&[(kind, Some(names::ID_ETSI_QCT_ESIGN), None)]),
                Some(false),
            ),
            (
                asked(&[(names::ID_ETSI_QCS_QC_SSCD, None, None)]),
                Some(false),
            ),
            (asked(&[(compliance, None, Some("UA"))]), Some(false)),
            (asked(&[(kind, Some(compliance), None)]), None),
            (asked(&[]), Some(false)),
        ] {
            assert_eq!(criterion.is_met_by(&certificate), expected, "{criterion:?}");
        }
        assert_eq!(
            asked(&[(compliance, None, None)]).is_met_by(&bare),
            Some(false)
        );
        // Where the extension cannot be read, nobody knows what it states.
        let value = vec![0x30, 0x03, 0x02, 0x01, 0x00];
        let unreadable = Extension {
            id: names::ID_PE_QC_STATEMENTS,
            critical: false,
            value,
        };
        let unreadable = pki(vec![unreadable]).certificate;
        assert_eq!(
            asked(&[(compliance, None, None)]).is_met_by(&unreadable),
            None
        );
    }
}
