//! A verdict: what was concluded about each signature, from which findings, and what is still wanted.

use super::finding::Finding;
use super::indication::{Indication, SubIndication};
use super::policy::{Policy, PolicyUsed};
use super::qualification::SignatureQualification;
use super::trust_basis::TrustBasis;
use crate::engine::evidence::{Judgement, ObjectId, ProofOfExistence, TimestampKind};
use crate::engine::pki::trust::Provenance;
use crate::engine::time::Time;
use serde::Serialize;

/// Material that would help to decide. Whoever holds sources may fetch it; the verdict never does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// The revocation status of a certificate.
    Revocation {
        /// The certificate, in the pool.
        certificate: ObjectId,
        /// Its issuer, in the pool.
        issuer: ObjectId,
        /// OCSP responders that the certificate names.
        ocsp: Vec<String>,
        /// CRLs that the certificate names.
        crls: Vec<String>,
        /// The answer must be from this second (Unix time) on, or as fresh as can be.
        not_before: Option<i64>,
    },
    /// The certificate of an issuer.
    Issuer {
        /// The certificate whose issuer is missing, in the pool.
        certificate: ObjectId,
        /// Where it says that its issuer's certificate is.
        urls: Vec<String>,
    },
}

/// The process that concluded (EN 319 102-1 §5.1.2, unchecked).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Process {
    /// §5.3: by the signature and the time of validation alone.
    Basic,
    /// §5.5: by its signature time-stamps.
    WithTime,
    /// §5.6: by archived validation material and the proofs of its existence.
    LongTerm,
}

/// What was concluded about one time-stamp.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct TimestampVerdict {
    pub token: ObjectId,
    pub kind: TimestampKind,
    pub gen_time: Time,
    pub indication: Indication,
    pub sub_indication: Option<SubIndication>,
    pub signing_certificate: Option<ObjectId>,
    /// How far the processes had to go: [`Process::Basic`] where it holds at the time of validation (§5.4),
    /// [`Process::LongTerm`] where past signature validation was asked.
    pub process: Process,
    pub findings: Vec<Finding>,
}

/// What was concluded about one signature.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignatureVerdict {
    /// The signature's identifier in the evidence.
    pub signature: ObjectId,
    /// The process that concluded.
    pub process: Process,
    /// The indication.
    pub indication: Indication,
    /// Why it did not pass.
    pub sub_indication: Option<SubIndication>,
    /// Whether every reference is intact and the value verifies: none where it could not be checked.
    pub mathematics: Option<bool>,
    /// The signing certificate, in the pool.
    pub signing_certificate: Option<ObjectId>,
    /// The path from the signing certificate to the anchor, where one was found.
    pub path: Vec<ObjectId>,
    /// From where the trust in the anchor comes, where a path was found.
    pub anchor: Option<Provenance>,
    /// Whether its certificate was qualified, and what that makes of it; none where no path was found.
    pub qualification: Option<SignatureQualification>,
    /// The earliest instant at which the signature is proven to have existed (§5.5, §5.6).
    pub best_signature_time: Time,
    /// The proofs of existence that the conclusion rests on, beside that everything exists at the time of validation.
    pub proofs: Vec<ProofOfExistence>,
    /// Every check in order.
    pub findings: Vec<Finding>,
    /// Its time-stamps.
    pub timestamps: Vec<TimestampVerdict>,
}

/// What was concluded about a signed document inside a container.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct NestedVerdict {
    pub name: String,
    pub verdict: Verdict,
}

/// What was concluded about a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The worst indication of its signatures, and of the documents inside; none where there is no signature.
    pub indication: Option<Indication>,
    /// The time of validation.
    pub now: Time,
    /// The validation policy.
    pub policy: PolicyUsed,
    /// Whom it trusted; none in the verdict of a document inside, which is that of the outer one.
    pub trust: Option<TrustBasis>,
    /// Findings about the document as a whole.
    pub findings: Vec<Finding>,
    /// One a signature, in the order of the evidence.
    pub signatures: Vec<SignatureVerdict>,
    /// One a document time-stamp, in the order of the evidence.
    pub timestamps: Vec<TimestampVerdict>,
    /// One a signed document inside.
    pub inside: Vec<NestedVerdict>,
    /// What would help.
    pub wanted: Vec<Want>,
}

impl Verdict {
    /// How evidence was judged, so that a replay can judge it in the same way again; `policy` is that of the verdict.
    pub fn judgement(&self, policy: &Policy) -> Judgement {
        Judgement {
            at: Some(self.now),
            trust: self.trust.as_ref().map(|trust| trust.digest),
            policy: Some(self.policy.digest),
            constraints: Some(policy.constraints.to_value()),
        }
    }
}
