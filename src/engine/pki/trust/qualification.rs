//! `Qualifications`: what a list says about some of a service's certificates (TS 119 612 §5.5.9.2).
//!
//! A criterion that is not known here makes its outcome unknown, never true or false: whoever asks decides what that costs.

use crate::engine::pki::Certificate;
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
            Criterion::QcStatements(_) | Criterion::Unknown(_) => None,
        }
    }
}
