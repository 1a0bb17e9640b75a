//! The ETSI validation report (TS 119 102-2 v1.4.1): the verdict as XML of a standard form, for programs of others.
//!
//! In: a judged document. Out: the bytes of a `ValidationReport`, valid against its schema, in English, with the objects by
//! digest. What the standard leaves to each validator (names of checks, qualification) is under `urn:rubrica:`. The report
//! is not signed. The text of TS 119 102-2 was not at hand: its structure is from the schema, URIs from what quotes it.

use super::etsi_objects;
use super::judged::{Judged, Part, proof_of_signature, stamps};
use super::markup::Markup;
use super::message::{Language, finding_text};
use super::object::{ObjectReport, objects};
use crate::engine::crypto::{DigestAlgorithm, sha256};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{
    Family, ObjectId, ObjectKind, Reference, Signature, SignedData, Timestamp, TimestampKind,
};
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::identity::{CertificateIdentity, Class};
use crate::engine::syntax::hex::hex;
use crate::engine::time::Time;
use crate::engine::validation::{
    Acceptance, Block, Finding, Indication, Outcome, Process, SignatureVerdict, SubIndication,
    TimestampVerdict,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{BTreeMap, BTreeSet};

const PROLOGUE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACES: &[(&str, &str)] = &[
    ("xmlns", "http://uri.etsi.org/19102/v1.4.1#"),
    ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"),
    ("xmlns:xades", "http://uri.etsi.org/01903/v1.3.2#"),
    ("xmlns:tsl", "http://uri.etsi.org/02231/v2#"),
];
const SIGNED: &[(&str, &str)] = &[("Signed", "true")];
/// Unsigned attributes that have an element, whose content stands among the objects.
const UNSIGNED: &[(&str, &str)] = &[
    ("CompleteCertificateRefs", "complete-certificate-references"),
    ("CompleteRevocationRefs", "complete-revocation-references"),
    (
        "AttributeCertificateRefs",
        "attribute-certificate-references",
    ),
    ("AttributeRevocationRefs", "attribute-revocation-references"),
    ("CertificateValues", "certificate-values"),
    ("RevocationValues", "revocation-values"),
];
/// `dateTime` of XML Schema 1.0 has no year 0.
const FIRST: &str = "0001-01-01T00:00:00Z";

/// The ETSI validation report of `judged`. An error where nothing is signed and nothing time-stamped: the standard has no
/// report of that; and where it would name more than 50,000 findings and objects.
pub fn etsi(judged: &Judged<'_>) -> Result<Vec<u8>> {
    judged.check_size()?;
    let report = Report::of(judged);
    let parts = judged.parts();
    let is_signed = parts
        .iter()
        .any(|part| !part.evidence.signatures.is_empty());
    let is_stamped = parts
        .iter()
        .any(|part| !part.evidence.timestamps.is_empty());
    if !is_signed && !is_stamped {
        return Err(
            Error::not_found("ETSI validation report", "there is none: nothing is signed")
                .remedy("Ask for the simple or the detailed report."),
        );
    }
    let mut out = Markup::new(PROLOGUE);
    out.element("ValidationReport", NAMESPACES, |out| {
        for part in &parts {
            for (found, verdict) in part
                .evidence
                .signatures
                .iter()
                .zip(&part.verdict.signatures)
            {
                report.signature(*part, found, verdict, out);
            }
        }
        if !is_signed {
            for (found, verdict) in parts.iter().copied().flat_map(stamps) {
                out.element("SignatureValidationReport", &[], |out| {
                    report.timestamp(found, verdict, out);
                });
            }
        }
        etsi_objects::write(&report, out);
        validator(out);
    });
    Ok(out.finish())
}

/// Who validated: the product by name, since the report is nobody's statement until somebody signs it.
fn validator(out: &mut Markup) {
    out.element("SignatureValidator", &[], |out| {
        out.element("DigitalId", &[], |out| {
            out.leaf("tsl:X509SubjectName", "CN=rubrica")
        });
        let version = concat!("rubrica ", env!("CARGO_PKG_VERSION"));
        out.leaf("OtherInformation", version);
    });
}

/// What all parts of the report refer to.
pub(super) struct Report<'j> {
    pub judged: &'j Judged<'j>,
    pub objects: Vec<ObjectReport>,
    /// The identifiers in the document of the objects.
    names: BTreeMap<ObjectId, String>,
    /// The data that was signed, by digest.
    pub data: BTreeMap<String, Reference>,
    /// Signatures whose identifier was given: the same signature may stand in several documents.
    given: std::cell::RefCell<BTreeMap<ObjectId, u32>>,
}

impl<'j> Report<'j> {
    fn of(judged: &'j Judged<'j>) -> Report<'j> {
        let objects = objects(judged);
        let named =
            |object: &ObjectReport| (object.id, format!("{}-{}", prefix(object.kind), object.id));
        let parts = judged.parts();
        let signatures = parts.iter().flat_map(|part| &part.evidence.signatures);
        let records = parts.iter().flat_map(|part| &part.evidence.records);
        let mut names: BTreeMap<ObjectId, String> = objects.iter().map(named).collect();
        for record in records {
            names
                .entry(record.id)
                .or_insert_with(|| format!("E-{}", record.id));
        }
        let found = signatures.flat_map(|s| s.references.iter().filter(|r| r.is_found()));
        Report {
            names,
            objects,
            data: found.map(|r| (data_name(r), r.clone())).collect(),
            given: std::cell::RefCell::default(),
            judged,
        }
    }

    /// The identifier in the document of an object, where it has one.
    pub(super) fn name(&self, id: &ObjectId) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// An element that refers to objects; none of it where none of them stands in the report.
    pub(super) fn refer(
        &self,
        element: &str,
        ids: impl IntoIterator<Item = ObjectId>,
        out: &mut Markup,
    ) {
        let names: BTreeSet<&str> = ids
            .into_iter()
            .filter_map(|id| self.names.get(&id).map(String::as_str))
            .collect();
        let names = names.into_iter().collect::<Vec<_>>().join(" ");
        if !names.is_empty() {
            out.empty(element, &[("VOReference", &names)]);
        }
    }

    /// TS 119 102-2 §4.3 (unchecked).
    fn signature(
        &self,
        part: Part<'_>,
        found: &Signature,
        verdict: &SignatureVerdict,
        out: &mut Markup,
    ) {
        let id = self.signature_name(&found.id);
        out.element("SignatureValidationReport", &[], |out| {
            identifier(&id, found, out);
            self.constraints(&verdict.findings, verdict.process, out);
            out.element("ValidationTimeInfo", &[], |out| {
                out.leaf("ValidationTime", &instant(part.verdict.now));
                out.element("BestSignatureTime", &[], |out| {
                    self.proof(
                        verdict.best_signature_time,
                        proof_of_signature(verdict),
                        out,
                    );
                });
            });
            self.signers_document(found, out);
            self.attributes(part, found, verdict, out);
            self.signer(verdict.signing_certificate.as_ref(), out);
            if let Some(qualification) = &verdict.qualification {
                quality(&qualification.level, out);
            }
            out.element("SignatureValidationProcess", &[], |out| {
                out.leaf("SignatureValidationProcessID", process_uri(verdict.process));
            });
            out.element("SignatureValidationStatus", &[], |out| {
                status(verdict.indication.urn(), verdict.sub_indication, out);
                self.report_data(
                    &id,
                    found,
                    (
                        &verdict.path,
                        verdict.signing_certificate,
                        &verdict.findings,
                    ),
                    out,
                );
            });
            if let Some(name) = part.name {
                out.leaf("OtherInformation", name);
            }
        });
    }

    /// The report of a time-stamp's own validation, inside its object.
    pub(super) fn timestamp(
        &self,
        found: &Timestamp,
        verdict: &TimestampVerdict,
        out: &mut Markup,
    ) {
        self.constraints(&verdict.findings, verdict.process, out);
        self.signer(verdict.signing_certificate.as_ref(), out);
        out.element("SignatureValidationProcess", &[], |out| {
            out.leaf("SignatureValidationProcessID", process_uri(verdict.process));
        });
        out.element("SignatureValidationStatus", &[], |out| {
            // A time-stamp is no signature of a document: it passed, not TOTAL-PASSED.
            let indication = verdict.indication.urn().replace("total-", "");
            status(indication, verdict.sub_indication, out);
            let id = self.name(&verdict.token).unwrap_or_default().to_string();
            let path: Vec<ObjectId> = verdict.signing_certificate.into_iter().collect();
            self.report_data(
                &id,
                &found.signature,
                (&path, verdict.signing_certificate, &verdict.findings),
                out,
            );
        });
    }

    fn signature_name(&self, id: &ObjectId) -> String {
        let mut given = self.given.borrow_mut();
        let times = given.entry(*id).or_insert(0);
        *times += 1;
        match times {
            1 => format!("S-{id}"),
            n => format!("S-{id}-{n}"),
        }
    }

    /// The policy, then each building block and each of its findings (TS 119 102-2 §4.3.5, unchecked).
    fn constraints(&self, findings: &[Finding], process: Process, out: &mut Markup) {
        let policy = &self.judged.verdict.policy;
        out.element("ValidationConstraintsEvaluationReport", &[], |out| {
            out.element("SignatureValidationPolicy", &[], |out| {
                out.element("SignaturePolicyIdentifier", &[], |out| {
                    out.element("xades:SignaturePolicyId", &[], |out| {
                        out.element("xades:SigPolicyId", &[], |out| {
                            let urn = format!("urn:rubrica:policy:{}", policy.digest);
                            out.leaf("xades:Identifier", &urn);
                        });
                        out.element("xades:SigPolicyHash", &[], |out| {
                            digest(DigestAlgorithm::Sha256, &policy.digest.0, out);
                        });
                    });
                });
                out.leaf("PolicyName", &policy.name);
            });
            for block in Block::ALL {
                let mine = findings.iter().filter(|f| f.block == Some(*block));
                self.block(*block, &mine.collect::<Vec<_>>(), process, out);
            }
        });
    }

    fn block(&self, block: Block, findings: &[&Finding], process: Process, out: &mut Markup) {
        let past = block >= Block::PastCertificate;
        if findings.is_empty() && past && process != Process::LongTerm {
            return;
        }
        let key = serde_json::to_value(block).ok();
        let key = key
            .as_ref()
            .and_then(|key| key.as_str())
            .unwrap_or_default();
        out.element("ValidationConstraint", &[], |out| {
            out.leaf(
                "ValidationConstraintIdentifier",
                &format!("urn:rubrica:block:{key}"),
            );
            applied(!findings.is_empty(), out);
            if !findings.is_empty() {
                let against = findings.iter().filter(|f| f.is_negative());
                let worst = against
                    .clone()
                    .map(|f| f.outcome)
                    .max_by_key(|o| *o == Outcome::Failed);
                out.element("ValidationStatus", &[], |out| {
                    let mut subs: Vec<SubIndication> =
                        against.filter_map(|f| f.sub_indication).collect();
                    subs.dedup();
                    status(outcome_uri(worst.unwrap_or(Outcome::Passed)), subs, out);
                });
            }
        });
        for finding in findings {
            self.finding(finding, out);
        }
    }

    fn finding(&self, finding: &Finding, out: &mut Markup) {
        out.element("ValidationConstraint", &[], |out| {
            out.leaf("ValidationConstraintIdentifier", &check_uri(finding));
            applied(true, out);
            out.element("ValidationStatus", &[], |out| {
                status(outcome_uri(finding.outcome), finding.sub_indication, out);
                if finding
                    .object
                    .is_some_and(|id| self.names.contains_key(&id))
                {
                    out.element("AssociatedValidationReportData", &[], |out| {
                        self.refer("RelatedValidationObject", finding.object, out);
                    });
                }
            });
            out.leaf("Indications", &finding_text(Language::En, finding));
        });
    }

    /// TS 119 102-2 §4.4.6 (unchecked).
    pub(super) fn proof(&self, at: Time, by: Option<ObjectId>, out: &mut Markup) {
        out.leaf("POETime", &instant(at));
        out.leaf("TypeOfProof", "urn:etsi:019102:poetype:validation");
        self.refer("POEObject", by, out);
    }

    fn signers_document(&self, found: &Signature, out: &mut Markup) {
        let data: Vec<&Reference> = found.references.iter().filter(|r| r.is_found()).collect();
        let Some((first, value)) = data.first().and_then(|r| Some((r, r.actual.as_ref()?))) else {
            return;
        };
        out.element("SignersDocument", &[], |out| {
            out.element("DigestAlgAndValue", &[], |out| {
                digest(first.algorithm, value, out)
            });
            let names: BTreeSet<String> = data.iter().map(|r| data_name(r)).collect();
            let names = names.into_iter().collect::<Vec<_>>().join(" ");
            out.empty("SignersDocumentRepresentation", &[("VOReference", &names)]);
        });
    }

    /// TS 119 102-2 §A.1 (unchecked): the attributes that evidence keeps.
    fn attributes(
        &self,
        part: Part<'_>,
        found: &Signature,
        verdict: &SignatureVerdict,
        out: &mut Markup,
    ) {
        out.element_if_any("SignatureAttributes", |out| {
            if let Some(time) = found.claimed_time {
                out.element("SigningTime", SIGNED, |out| {
                    out.leaf("Time", &instant(time));
                });
            }
            if !found.certificate_references.is_empty() {
                out.element("SigningCertificate", SIGNED, |out| {
                    self.refer("AttributeObject", verdict.signing_certificate, out);
                    for reference in &found.certificate_references {
                        out.element("CertID", &[], |out| {
                            digest(reference.algorithm, &reference.digest, out);
                        });
                    }
                });
            }
            if let Some(policy) = &found.policy {
                out.element("SigPolicyIdentifier", SIGNED, |out| {
                    out.leaf("SigPolicyId", &format!("urn:oid:{}", policy.id));
                });
            }
            stated(found, out);
            self.stamps(part, found, out);
            for reference in found
                .references
                .iter()
                .filter(|r| r.name == "message-digest")
            {
                out.element("MessageDigest", SIGNED, |out| {
                    out.leaf("Digest", &STANDARD.encode(&*reference.expected));
                });
            }
            if found.level.family == Family::Pades {
                out.element("SubFilter", SIGNED, |out| {
                    out.leaf("SubFilterElement", &found.form);
                });
            }
        });
    }

    /// The time-stamps of a signature, those over the document of a PDF among them.
    fn stamps(&self, part: Part<'_>, found: &Signature, out: &mut Markup) {
        let of_document = part.evidence.timestamps.iter();
        let of_document = of_document.filter(|_| found.level.family == Family::Pades);
        for stamp in found.timestamps.iter().chain(of_document) {
            let (element, signed) = stamp_element(stamp.kind);
            out.element(element, if signed { SIGNED } else { &[] }, |out| {
                self.refer("AttributeObject", [stamp.token], out);
                out.leaf("TimeStampValue", &instant(stamp.gen_time));
            });
        }
    }

    fn signer(&self, id: Option<&ObjectId>, out: &mut Markup) {
        let Some((id, certificate)) = id.and_then(|id| Some((id, self.judged.certificate(id)?)))
        else {
            return;
        };
        let class = CertificateIdentity::of(&certificate).class;
        let pseudonym = matches!(
            class,
            Class::PseudonymousPerson | Class::PublicEmployeePseudonym
        );
        let pseudonym = if pseudonym { "true" } else { "false" };
        out.element("SignerInformation", &[("Pseudonym", pseudonym)], |out| {
            self.refer("SignerCertificate", [*id], out);
            out.leaf("Signer", &certificate.subject().to_string());
        });
    }

    /// TS 119 102-2 §4.3.12 (unchecked).
    fn report_data(
        &self,
        id: &str,
        found: &Signature,
        (path, own, findings): (&[ObjectId], Option<ObjectId>, &[Finding]),
        out: &mut Markup,
    ) {
        let anchor = path
            .last()
            .filter(|id| self.objects.iter().any(|o| o.id == **id && o.anchor));
        out.element("AssociatedValidationReportData", &[], |out| {
            self.refer("TrustAnchor", anchor.copied(), out);
            if let Some(own) = own.filter(|own| self.names.contains_key(own)) {
                out.element("CertificateChain", &[], |out| {
                    self.refer("SigningCertificate", [own], out);
                    let between = path.iter().filter(|id| **id != own && Some(*id) != anchor);
                    for one in between {
                        self.refer("IntermediateCertificate", [*one], out);
                    }
                    self.refer("TrustAnchor", anchor.copied(), out);
                });
            }
            for one in self.revocation_data(findings) {
                self.refer("RelatedValidationObject", [one], out);
            }
            self.revoked(path, findings, out);
            self.algorithm(id, found, own, findings, out);
            against(findings, out);
        });
    }

    /// The lists and responses that the findings rest on.
    fn revocation_data(&self, findings: &[Finding]) -> BTreeSet<ObjectId> {
        let is_data = |id: &ObjectId| {
            let object = self.objects.iter().find(|o| o.id == *id);
            object.is_some_and(|o| {
                !matches!(o.kind, ObjectKind::Certificate | ObjectKind::TimestampToken)
            })
        };
        let used = findings.iter().filter(|f| f.check != "revocation.not_used");
        used.filter_map(|f| f.object).filter(is_data).collect()
    }

    fn revoked(&self, path: &[ObjectId], findings: &[Finding], out: &mut Markup) {
        let found = findings
            .iter()
            .find(|f| f.check == "revocation.revoked" || f.check == "revocation.authority_revoked");
        let Some((finding, since)) = found.and_then(|f| Some((f, f.found.parse::<Time>().ok()?)))
        else {
            return;
        };
        let named = |id: &&ObjectId| {
            let certificate = self.judged.certificate(id);
            certificate.is_some_and(|c| c.subject().common_name() == finding.element)
        };
        let which = match finding.check == "revocation.revoked" {
            true => path.first(),
            false => path.iter().skip(1).find(named),
        };
        let Some(which) = which.filter(|id| self.names.contains_key(id)) else {
            return;
        };
        out.element("RevocationStatusInformation", &[], |out| {
            self.refer("ValidationObjectId", [*which], out);
            out.leaf("RevocationTime", &instant(since));
            let reason = serde_json::Value::String(finding.expected.clone());
            if let Ok(reason) = serde_json::from_value::<RevocationReason>(reason) {
                out.leaf("RevocationReason", &reason_uri(reason));
            }
            self.refer(
                "RevocationObject",
                finding.object.filter(|id| id != which),
                out,
            );
        });
    }

    fn algorithm(
        &self,
        id: &str,
        found: &Signature,
        own: Option<ObjectId>,
        findings: &[Finding],
        out: &mut Markup,
    ) {
        let Some(algorithm) = found.algorithm.filter(|_| !id.is_empty()) else {
            return;
        };
        let refused = findings
            .iter()
            .any(|f| f.is_negative() && f.check.starts_with("algorithm."));
        let certificate = own.and_then(|own| self.judged.certificate(&own));
        let key = certificate.as_ref().and_then(|c| c.public_key().ok());
        let until = key.map(|key| {
            self.judged
                .policy
                .algorithms
                .signature(algorithm, key.bits())
        });
        out.element("CryptoInformation", &[], |out| {
            out.empty("ValidationObjectId", &[("VOReference", id)]);
            let uri = algorithm.xml_uri();
            out.leaf(
                "Algorithm",
                &uri.unwrap_or_else(|| {
                    format!(
                        "urn:rubrica:algorithm:{}",
                        algorithm.to_string().replace(' ', "_")
                    )
                }),
            );
            out.leaf("SecureAlgorithm", if refused { "false" } else { "true" });
            if let Some(Acceptance::Until(end)) = until {
                out.leaf("NotAfter", &instant(end));
            }
        });
    }
}

/// What the signer states, and the validation data that stands in attributes.
fn stated(found: &Signature, out: &mut Markup) {
    let properties = &found.properties;
    let of_content = (
        properties.content_type.as_ref(),
        properties.mime_type.as_ref(),
    );
    if of_content != (None, None) {
        out.element("DataObjectFormat", SIGNED, |out| {
            if let Some(content_type) = of_content.0 {
                out.leaf("ContentType", &format!("urn:oid:{content_type}"));
            }
            if let Some(mime_type) = of_content.1 {
                out.leaf("MimeType", mime_type);
            }
        });
    }
    for commitment in &properties.commitment_types {
        out.element("CommitmentTypeIndication", SIGNED, |out| {
            out.leaf("CommitmentTypeIdentifier", &format!("urn:oid:{commitment}"));
        });
    }
    if let Some(place) = &found.location {
        out.element("SignatureProductionPlace", SIGNED, |out| {
            out.leaf("AddressString", place);
        });
    }
    for role in &properties.claimed_roles {
        out.element("SignerRole", SIGNED, |out| {
            out.element("RoleDetails", &[], |out| {
                out.leaf("Role", role);
                out.leaf("EndorsementType", "claimed");
            });
        });
    }
    if let Some(reason) = &found.reason {
        out.element("Reason", SIGNED, |out| out.leaf("ReasonElement", reason));
    }
    for (element, name) in UNSIGNED {
        if properties.unsigned.iter().any(|one| one == name) {
            out.empty(element, &[("Signed", "false")]);
        }
    }
}

/// TS 119 102-2 §4.2.2 (unchecked): what was signed by its digest, and the value. Nothing was received as a digest alone.
fn identifier(id: &str, found: &Signature, out: &mut Markup) {
    out.element("SignatureIdentifier", &[("id", id)], |out| {
        let signed = match (&found.signed, found.digest_algorithm) {
            (SignedData::Attributes(der), _) => {
                Some((DigestAlgorithm::Sha256, sha256(der).to_vec()))
            }
            (SignedData::Content(Some(value)), Some(algorithm)) => {
                Some((algorithm, value.to_vec()))
            }
            _ => None,
        };
        if let Some((algorithm, value)) = signed {
            out.element("DigestAlgAndValue", &[], |out| {
                digest(algorithm, &value, out)
            });
        }
        out.leaf("ds:SignatureValue", &STANDARD.encode(&*found.value));
        out.leaf("HashOnly", "false");
        out.leaf("DocHashOnly", "false");
    });
}

pub(super) fn digest(algorithm: DigestAlgorithm, value: &[u8], out: &mut Markup) {
    out.empty("ds:DigestMethod", &[("Algorithm", algorithm.xml_uri())]);
    out.leaf("ds:DigestValue", &STANDARD.encode(value));
}

/// What did not hold, in words.
fn against(findings: &[Finding], out: &mut Markup) {
    let against: Vec<_> = findings.iter().filter(|f| f.is_negative()).collect();
    if against.is_empty() {
        return;
    }
    out.element("AdditionalValidationReportData", &[], |out| {
        for finding in against {
            out.element("ReportData", &[], |out| {
                out.leaf("Type", &check_uri(finding));
                out.leaf("Value", &finding_text(Language::En, finding));
            });
        }
    });
}

fn status(
    indication: impl AsRef<str>,
    subs: impl IntoIterator<Item = SubIndication>,
    out: &mut Markup,
) {
    out.leaf("MainIndication", indication.as_ref());
    for sub in subs {
        out.leaf("SubIndication", &sub.urn());
    }
}

fn applied(applied: bool, out: &mut Markup) {
    let word = if applied { "applied" } else { "disabled" };
    out.element("ConstraintStatus", &[], |out| {
        out.leaf(
            "Status",
            &format!("urn:etsi:019102:constraintStatus:{word}"),
        );
    });
}

fn outcome_uri(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed => Indication::TotalFailed.urn().replace("total-", ""),
        Outcome::Indeterminate => Indication::Indeterminate.urn(),
        Outcome::Passed | Outcome::Warning | Outcome::Note => {
            Indication::TotalPassed.urn().replace("total-", "")
        }
    }
}

fn check_uri(finding: &Finding) -> String {
    format!("urn:rubrica:check:{}", finding.check)
}

/// TS 119 102-2 §4.3.11.1 (unchecked).
fn process_uri(process: Process) -> &'static str {
    match process {
        Process::Basic => "urn:etsi:019102:validationprocess:Basic",
        Process::WithTime => "urn:etsi:019102:validationprocess:LTVM",
        Process::LongTerm => "urn:etsi:019102:validationprocess:LTA",
    }
}

fn quality(level: &str, out: &mut Markup) {
    let word = match level {
        "N/A" => "not_applicable".to_string(),
        level => level.replace(' ', "_"),
    };
    out.element("SignatureQuality", &[], |out| {
        out.leaf(
            "SignatureQualityInformation",
            &format!("urn:rubrica:qualification:{word}"),
        );
    });
}

/// TS 119 102-2 §4.3.12.6.2 (unchecked).
fn reason_uri(reason: RevocationReason) -> String {
    let word = match reason {
        RevocationReason::Unspecified => "unspecified",
        RevocationReason::KeyCompromise => "keyCompromise",
        RevocationReason::CaCompromise => "cACompromise",
        RevocationReason::AffiliationChanged => "affiliationChanged",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessationOfOperation",
        RevocationReason::CertificateHold => "certificateHold",
        RevocationReason::RemoveFromCrl => "removeFromCRL",
        RevocationReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        RevocationReason::AaCompromise => "aACompromise",
    };
    format!("urn:etsi:019102:revocationReason:{word}")
}

/// The element of a time-stamp among the attributes, and whether it is signed.
fn stamp_element(kind: TimestampKind) -> (&'static str, bool) {
    match kind {
        TimestampKind::Content => ("AllDataObjectsTimeStamp", true),
        TimestampKind::Signature => ("SignatureTimeStamp", false),
        TimestampKind::References => ("SigAndRefsTimeStamp", false),
        TimestampKind::Archive | TimestampKind::Container | TimestampKind::EvidenceRecord => {
            ("ArchiveTimeStamp", false)
        }
        TimestampKind::Document | TimestampKind::ValidationRelated => ("DocTimeStamp", false),
    }
}

fn prefix(kind: ObjectKind) -> &'static str {
    match kind {
        ObjectKind::Certificate => "C",
        ObjectKind::CertificateRevocationList | ObjectKind::RevocationListExcerpt => "L",
        ObjectKind::OcspResponse => "O",
        ObjectKind::TimestampToken => "T",
    }
}

/// The identifier in the document of data that was signed.
pub(super) fn data_name(reference: &Reference) -> String {
    let value = reference.actual.as_ref().map(|value| hex(value));
    format!("D-{}-{}", reference.algorithm, value.unwrap_or_default())
}

pub(super) fn instant(time: Time) -> String {
    let first: Option<Time> = FIRST.parse().ok();
    match first {
        Some(first) if time < first => FIRST.to_string(),
        _ => time.to_string(),
    }
}
