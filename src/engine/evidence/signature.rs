//! One signature or time-stamp as it was found: what was signed, by which key, what it names, what stands beside it.

use super::object::{Bytes, ObjectId};
use super::properties::Properties;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::syntax::asn1::Oid;
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The family of an AdES signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Family {
    #[serde(rename = "PAdES")]
    Pades,
    #[serde(rename = "CAdES")]
    Cades,
    #[serde(rename = "XAdES")]
    Xades,
}

/// How far a signature goes, by its structure alone (EN 319 1x2-1 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Tier {
    /// A signature that is no AdES baseline signature: a CMS, PDF or XML signature without the signing certificate.
    NotEtsi,
    /// AdES-BES: names its signing certificate, but misses something that the baseline demands.
    Bes,
    B,
    T,
    Lt,
    Lta,
    /// AdES-C: references to validation data (EN 319 122-2, unchecked). The extended forms exclude the baseline's LT and LTA.
    C,
    /// AdES-X: C, with the references stamped.
    X,
    /// AdES-XL: C, with the values of what is referred to.
    Xl,
    /// AdES-A: an archive time-stamp over all that is needed to validate.
    A,
    /// AdES-EPES: BES with a signature policy.
    Epes,
    /// AdES-T: a signature time-stamp on what is not of the baseline.
    ExtendedT,
    /// AdES-LT: AdES-T with the values of certificates and revocation data, and no references.
    ExtendedLt,
    /// AdES-ERS: kept by an evidence record (RFC 4998).
    Ers,
}

impl Tier {
    /// Whether it is one of the baseline.
    pub fn is_baseline(self) -> bool {
        (Tier::B..=Tier::Lta).contains(&self)
    }
}

/// Family and tier; printed as `PAdES-BASELINE-T`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Level {
    pub family: Family,
    pub tier: Tier,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (family, bare) = match self.family {
            Family::Pades => ("PAdES", "PDF-NOT-ETSI"),
            Family::Cades => ("CAdES", "CMS-NOT-ETSI"),
            Family::Xades => ("XAdES", "XML-NOT-ETSI"),
        };
        match self.tier {
            Tier::NotEtsi => f.write_str(bare),
            Tier::Bes => write!(f, "{family}-BES"),
            Tier::B => write!(f, "{family}-BASELINE-B"),
            Tier::T => write!(f, "{family}-BASELINE-T"),
            Tier::Lt => write!(f, "{family}-BASELINE-LT"),
            Tier::Lta => write!(f, "{family}-BASELINE-LTA"),
            Tier::C => write!(f, "{family}-C"),
            Tier::X => write!(f, "{family}-X"),
            Tier::Xl => write!(f, "{family}-XL"),
            Tier::A => write!(f, "{family}-A"),
            Tier::Epes => write!(f, "{family}-EPES"),
            Tier::ExtendedT => write!(f, "{family}-T"),
            Tier::ExtendedLt => write!(f, "{family}-LT"),
            Tier::Ers => write!(f, "{family}-ERS"),
        }
    }
}

/// How much a [`Fault`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The signature does not conform to its format: FORMAT_FAILURE.
    Failure,
    /// It conforms, and leaves doubt about what is signed: the document as a whole is not passed.
    Doubt,
    /// It is odd, and the verdict does not hang on it.
    Warning,
}

/// Something wrong with the structure, found while reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A stable key of the rule, by which reports word it: `pdf.byte_range.gap`.
    pub rule: String,
    /// The clause that the rule is from.
    pub clause: String,
    /// How much it weighs.
    pub severity: Severity,
    /// What was found, for the wording; never personal data.
    pub found: String,
}

impl Fault {
    /// A fault that fails the format.
    pub fn failure(rule: &str, clause: &str, found: impl Into<String>) -> Fault {
        Fault {
            rule: rule.into(),
            clause: clause.into(),
            severity: Severity::Failure,
            found: found.into(),
        }
    }

    /// A fault that leaves doubt about what is signed.
    pub fn doubt(rule: &str, clause: &str, found: impl Into<String>) -> Fault {
        Fault {
            severity: Severity::Doubt,
            ..Fault::failure(rule, clause, found)
        }
    }

    /// A fault that is only told.
    pub fn warning(rule: &str, clause: &str, found: impl Into<String>) -> Fault {
        Fault {
            severity: Severity::Warning,
            ..Fault::failure(rule, clause, found)
        }
    }
}

/// A digest that the signature covers and what was found in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// What is referred to: `message-digest`, a file of a container, a message imprint.
    pub name: String,
    /// The digest algorithm.
    pub algorithm: DigestAlgorithm,
    /// The digest that was signed.
    pub expected: Bytes,
    /// The digest of the data found; none where the data is not there.
    pub actual: Option<Bytes>,
}

impl Reference {
    /// Whether the data was found.
    pub fn is_found(&self) -> bool {
        self.actual.is_some()
    }

    /// Whether the data found is what was signed.
    pub fn is_intact(&self) -> bool {
        self.actual.as_ref() == Some(&self.expected)
    }
}

/// What the signature value was computed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignedData {
    /// The DER of the signed attributes; empty where they have none.
    Attributes(Bytes),
    /// The content itself, by its digest (CMS without signed attributes); none where the content is not there.
    Content(Option<Bytes>),
}

/// How the signer is named in the signature's structure, unsigned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignerReference {
    /// By the issuer's name as received and the serial number's content octets.
    IssuerAndSerial(Bytes, Bytes),
    /// By subject key identifier.
    KeyIdentifier(Bytes),
    /// Not at all.
    None,
}

/// A signed reference to a certificate (signing-certificate attribute).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CertificateReference {
    pub algorithm: DigestAlgorithm,
    pub digest: Bytes,
    /// Issuer name as received and serial number, where they are given.
    pub issuer_serial: Option<(Bytes, Bytes)>,
}

/// An explicit signature policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SignaturePolicy {
    pub id: Oid,
    /// The digest of its document as it was signed; none where it is not given, or cannot be read.
    pub digest: Option<(DigestAlgorithm, Bytes)>,
    /// Whether a digest is given that cannot be read, by an algorithm that is not known here for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable_digest: bool,
    /// Where its document is said to be. Nothing is fetched from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What is to be shown to whoever relies on the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// The digest, by the same algorithm, of the document that came with the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Bytes>,
}

/// What a signature covers of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Scope {
    pub kind: ScopeKind,
    /// A file of the container, or the document.
    pub name: String,
    /// For a PDF: which revision of how many.
    pub revision: Option<(u32, u32)>,
}

/// How much is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum ScopeKind {
    Full,
    Partial,
}

/// What came into the document after it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterChange {
    /// What kind of change it is.
    pub kind: ChangeKind,
    /// Where it begins in the file.
    pub offset: u64,
    /// How many bytes it takes.
    pub length: u64,
}

/// Kinds of later changes. Which rule permits which of them is the PDF change analysis's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A whole revision appended.
    Revision,
    /// A revision that adds nothing but validation data or a document time-stamp (EN 319 142-1 §5.4).
    ValidationData,
    /// Bytes after the signed revision that are no revision.
    Bytes,
}

/// Kinds of time-stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum TimestampKind {
    Content,
    Signature,
    Document,
    Archive,
    Container,
    /// Of the references to validation data, with the signature or without (TS 101 733 §6.3.5, §6.3.6).
    References,
    /// Of an evidence record (RFC 4998 §4.1).
    EvidenceRecord,
    /// Of the validation-related information of a PDF (EN 319 142-1 §5.4.2.3).
    ValidationRelated,
}

/// A time-stamp token and what it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timestamp {
    /// What kind it is.
    pub kind: TimestampKind,
    /// The token in the pool.
    pub token: ObjectId,
    /// `genTime`.
    pub gen_time: Time,
    /// `policy`.
    pub policy: Oid,
    /// The message imprint against what it should be over.
    pub imprint: Reference,
    /// Objects of the pool that it is over, and proves to have existed: certificates, revocation data, other tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<ObjectId>,
    /// The signatures that it is over, and proves to have existed: counter-signatures too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signatures: Vec<ObjectId>,
    /// The authority's signature on the token.
    pub signature: Box<Signature>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// SHA-256 of its signer structure; unique within the document.
    pub id: ObjectId,
    /// What the document calls it: a form field, a file of the container.
    pub name: String,
    /// How far it goes, by structure.
    pub level: Level,
    /// The form in the document: the PDF SubFilter, `CMS`.
    pub form: String,
    /// What is wrong with its structure.
    pub faults: Vec<Fault>,
    /// The signature algorithm; none where it is not known.
    pub algorithm: Option<SignatureAlgorithm>,
    /// The digest algorithm of the content; none where it is not known.
    pub digest_algorithm: Option<DigestAlgorithm>,
    /// What the value was computed over.
    pub signed: SignedData,
    /// The value.
    pub value: Bytes,
    /// The digests it covers. Never empty for a signature with signed attributes.
    pub references: Vec<Reference>,
    /// How the structure names the signer, unsigned.
    pub signer: SignerReference,
    /// How the signed attributes name the signer's certificate (the first) and its path.
    pub certificate_references: Vec<CertificateReference>,
    /// The certificates that came with it.
    pub certificates: Vec<ObjectId>,
    /// The signing time that the signer claims.
    pub claimed_time: Option<Time>,
    /// An explicit signature policy.
    pub policy: Option<SignaturePolicy>,
    /// What stands beside the value and says something of it.
    #[serde(default)]
    pub properties: Properties,
    /// The reason given, the place given; for people.
    pub reason: Option<String>,
    /// The place given; for people.
    pub location: Option<String>,
    /// The signature whose value it signs, for a counter-signature (RFC 5652 §11.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub countersigns: Option<ObjectId>,
    /// Its time-stamps.
    pub timestamps: Vec<Timestamp>,
    /// What it covers.
    pub scopes: Vec<Scope>,
    /// What came into the document afterwards.
    pub later_changes: Vec<LaterChange>,
}
