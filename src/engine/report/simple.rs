//! The simple report: per signature the verdict, who, for whom, when, which level, over what, and what stands against it.
//!
//! In: evidence and its verdict. Out: a value that serialises as the JSON of the service, with every wording in all
//! languages, and that `text` prints.

use super::message::{Language, finding_remedy, finding_text, verdict_text};
use super::signer::Signer;
use crate::engine::error::Result;
use crate::engine::evidence::{
    Evidence, ObjectId, ObjectKind, Pool, Scope, ScopeKind, Signature, TimestampKind,
};
use crate::engine::pki::Certificate;
use crate::engine::pki::trust::Provenance;
use crate::engine::time::Time;
use crate::engine::validation::{
    Finding, Indication, Outcome, SignatureQualification, SignatureVerdict, SubIndication,
    TimestampVerdict, TrustBasis, Verdict,
};
use serde::Serialize;

/// A text in every language of the reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Explained {
    pub es: String,
    pub en: String,
}

impl Explained {
    pub(super) fn new(word: impl Fn(Language) -> String) -> Explained {
        Explained {
            es: word(Language::Es),
            en: word(Language::En),
        }
    }

    /// In one language.
    pub fn in_language(&self, language: Language) -> &str {
        match language {
            Language::Es => &self.es,
            Language::En => &self.en,
        }
    }
}

/// A document's report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SimpleReport {
    /// `PAdES`, `CAdES`, `ASiC-E`.
    pub format: String,
    /// SHA-256 of the document.
    pub document: ObjectId,
    /// Length of the document in bytes.
    pub size: u64,
    /// The time of validation.
    pub validation_time: Time,
    /// The name of the validation policy.
    pub policy: String,
    /// SHA-256 of its canonical form.
    pub policy_digest: ObjectId,
    /// Whom the verdict trusted; none in the report of a document inside, which goes by the outer one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustBasis>,
    /// The worst indication; none where nothing is signed.
    pub indication: Option<Indication>,
    /// What that means.
    pub explanation: Explained,
    /// What stands against the document as a whole.
    pub findings: Vec<FindingReport>,
    /// One a signature.
    pub signatures: Vec<SignatureReport>,
    /// Time-stamps over the document itself.
    pub timestamps: Vec<TimestampReport>,
    /// One a signed document inside.
    pub inside: Vec<NestedReport>,
}

/// The report of a signed document inside a container.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct NestedReport {
    pub name: String,
    pub report: SimpleReport,
}

/// A signature's report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignatureReport {
    /// The signature's identifier.
    pub id: ObjectId,
    /// What the document calls it.
    pub name: String,
    /// The family: `PAdES`, `CAdES`.
    pub format: String,
    /// How far it goes by its structure: `PAdES-BASELINE-T`.
    pub level: String,
    /// The indication.
    pub indication: Indication,
    /// Why it did not pass.
    pub sub_indication: Option<SubIndication>,
    /// What that means.
    pub explanation: Explained,
    /// The common name of the signing certificate.
    pub signed_by: Option<String>,
    /// The signing certificate's subject, and the entity it stands for.
    pub signer: Option<Signer>,
    /// By whose word the issuer of the certificate is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_by: Option<Provenance>,
    /// Whether the certificate was qualified, and what that makes of the signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualification: Option<SignatureQualification>,
    /// The signing time that the signer claims.
    pub claimed_time: Option<Time>,
    /// The earliest instant at which the signature is proven to have existed.
    pub best_signature_time: Time,
    /// The signature algorithm.
    pub algorithm: Option<String>,
    /// Whether every reference is intact and the value verifies; none where it could not be checked.
    pub mathematics: Option<bool>,
    /// The reason that the signer gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it covers.
    pub scopes: Vec<ScopeReport>,
    /// What did not hold, and what is worth telling.
    pub findings: Vec<FindingReport>,
    /// Its time-stamps.
    pub timestamps: Vec<TimestampReport>,
}

/// What a signature covers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct ScopeReport {
    pub name: String,
    pub scope: ScopeKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<(u32, u32)>,
}

impl From<&Scope> for ScopeReport {
    fn from(scope: &Scope) -> ScopeReport {
        ScopeReport {
            name: scope.name.clone(),
            scope: scope.kind,
            revision: scope.revision,
        }
    }
}

/// A finding with its wording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct FindingReport {
    #[serde(flatten)]
    pub finding: Finding,
    pub message: Explained,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Explained>,
}

impl From<&Finding> for FindingReport {
    fn from(finding: &Finding) -> FindingReport {
        let remedy = Explained::new(|language| finding_remedy(language, finding));
        FindingReport {
            message: Explained::new(|language| finding_text(language, finding)),
            remedy: (!remedy.es.is_empty()).then_some(remedy),
            finding: finding.clone(),
        }
    }
}

/// A time-stamp's report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct TimestampReport {
    pub kind: TimestampKind,
    pub time: Time,
    pub indication: Indication,
    pub sub_indication: Option<SubIndication>,
    pub signed_by: Option<String>,
    pub findings: Vec<FindingReport>,
}

/// The simple report of `verdict` over `evidence`.
pub fn simple(evidence: &Evidence, verdict: &Verdict) -> SimpleReport {
    report(evidence, verdict, &mut Vec::new())
}

fn report<'e>(
    evidence: &'e Evidence,
    verdict: &Verdict,
    pools: &mut Vec<&'e Pool>,
) -> SimpleReport {
    pools.push(&evidence.pool);
    let report = SimpleReport {
        format: evidence.format.clone(),
        document: evidence.document,
        size: evidence.size,
        validation_time: verdict.now,
        policy: verdict.policy.name.clone(),
        policy_digest: verdict.policy.digest,
        trust: verdict.trust.clone(),
        indication: verdict.indication,
        explanation: document_explanation(verdict),
        findings: told(&verdict.findings),
        signatures: evidence
            .signatures
            .iter()
            .zip(&verdict.signatures)
            .map(|(signature, verdict)| signature_report(signature, verdict, pools))
            .collect(),
        timestamps: timestamps(&verdict.timestamps, pools),
        inside: evidence
            .inside
            .iter()
            .zip(&verdict.inside)
            .map(|(nested, verdict)| NestedReport {
                name: nested.name.clone(),
                report: report(&nested.evidence, &verdict.verdict, pools),
            })
            .collect(),
    };
    pools.pop();
    report
}

/// The key of what a document's verdict means: that of the signature that decided it.
fn document_explanation(verdict: &Verdict) -> Explained {
    fn key(verdict: &Verdict) -> &'static str {
        let Some(indication) = verdict.indication else {
            return "NO_SIGNATURE";
        };
        if indication == Indication::TotalPassed {
            return indication.name();
        }
        let of_document = verdict.findings.iter().filter(|f| f.is_negative());
        let of_signatures = verdict.signatures.iter();
        let subs = of_signatures.filter_map(|s| s.sub_indication);
        if let Some(sub) = subs.into_iter().find(|s| s.indication() == indication) {
            return sub.name();
        }
        let nested = verdict.inside.iter().map(|n| &n.verdict);
        if let Some(worst) = nested
            .into_iter()
            .find(|v| v.indication == Some(indication))
        {
            return key(worst);
        }
        match of_document
            .filter_map(|f| f.sub_indication)
            .max_by_key(|s| s.indication())
        {
            Some(sub) if sub.indication() == Indication::TotalFailed => sub.name(),
            _ => "DOCUMENT_DOUBT",
        }
    }
    Explained::new(|language| verdict_text(language, key(verdict)).to_string())
}

fn signature_report(
    signature: &Signature,
    verdict: &SignatureVerdict,
    pools: &[&Pool],
) -> SignatureReport {
    let signer = signer(verdict.signing_certificate.as_ref(), pools);
    let key = verdict
        .sub_indication
        .map_or(verdict.indication.name(), SubIndication::name);
    SignatureReport {
        id: signature.id,
        name: signature.name.clone(),
        format: serde_json::to_value(signature.level.family)
            .ok()
            .and_then(|family| family.as_str().map(str::to_string))
            .unwrap_or_default(),
        level: signature.level.to_string(),
        indication: verdict.indication,
        sub_indication: verdict.sub_indication,
        explanation: Explained::new(|language| verdict_text(language, key).to_string()),
        signed_by: signer.as_ref().map(|s| s.name.clone()),
        signer,
        trusted_by: verdict.anchor.clone(),
        qualification: verdict.qualification.clone(),
        claimed_time: signature.claimed_time,
        best_signature_time: verdict.best_signature_time,
        algorithm: signature.algorithm.map(|a| a.to_string()),
        mathematics: verdict.mathematics,
        reason: signature.reason.clone(),
        scopes: signature.scopes.iter().map(ScopeReport::from).collect(),
        findings: told(&verdict.findings),
        timestamps: timestamps(&verdict.timestamps, pools),
    }
}

fn timestamps(verdicts: &[TimestampVerdict], pools: &[&Pool]) -> Vec<TimestampReport> {
    verdicts
        .iter()
        .map(|verdict| TimestampReport {
            kind: verdict.kind,
            time: verdict.gen_time,
            indication: verdict.indication,
            sub_indication: verdict.sub_indication,
            signed_by: signer(verdict.signing_certificate.as_ref(), pools).map(|s| s.name),
            findings: told(&verdict.findings),
        })
        .collect()
}

/// What did not hold first, then what is to be warned of, then what is worth telling; what holds is told by the verdict.
fn told(findings: &[Finding]) -> Vec<FindingReport> {
    let of = |outcome: Outcome| findings.iter().filter(move |f| f.outcome == outcome);
    let negative = findings.iter().filter(|f| f.is_negative());
    let told = negative
        .chain(of(Outcome::Warning))
        .chain(of(Outcome::Note));
    told.map(FindingReport::from).collect()
}

fn signer(id: Option<&ObjectId>, pools: &[&Pool]) -> Option<Signer> {
    let id = id?;
    let object = pools.iter().rev().find_map(|pool| pool.get(id))?;
    (object.kind == ObjectKind::Certificate)
        .then(|| Certificate::from_der(&object.bytes).ok())
        .flatten()
        .map(|certificate| Signer::of(&certificate))
}

impl SimpleReport {
    /// As canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        super::canonical(self)
    }
}
