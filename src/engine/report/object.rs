//! The objects of a verdict by name: certificates, revocation data, time-stamp tokens, each with its times and its source.

use super::judged::Judged;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Proof, ProofOfExistence};
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::{CertificateList, ListHeader, RevocationList};
use crate::engine::pki::ocsp::{OcspResponse, ResponderId};
use crate::engine::pki::revocation::index::Excerpt;
use crate::engine::pki::timestamp::TimestampToken;
use crate::engine::syntax::hex::hex;
use crate::engine::time::Time;
use crate::engine::validation::{Finding, shortened};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One object, named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectReport {
    /// SHA-256 of its bytes.
    pub id: ObjectId,
    /// What it is.
    pub kind: ObjectKind,
    /// What it is called: a certificate's subject, the issuer of a list, the responder, the time-stamping authority,
    /// or its policy where its certificate is not there (RFC 4514 where it is a name). Empty where it cannot be read.
    pub name: String,
    /// Who issued a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The serial number of a certificate or token, the number of a list, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// `notBefore`, `thisUpdate`, `producedAt`, `genTime`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Time>,
    /// `notAfter`, `nextUpdate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// Where it came from; none of an anchor, which is of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whether the verdict names it: in a path, a finding or a proof.
    pub used: bool,
    /// Whether paths may end at it.
    pub anchor: bool,
    /// Since when it is proven to have existed, and by what; none where that is the time of validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofOfExistence>,
}

/// Every object of the evidence, and the anchors that paths end at, in the order of their identifiers.
pub(super) fn objects(judged: &Judged<'_>) -> Vec<ObjectReport> {
    let (pool, proofs, used) = (judged.objects(), judged.proofs(), used(judged));
    let mut all: BTreeMap<ObjectId, ObjectReport> = pool
        .iter()
        .map(|(id, object)| (*id, described(*id, object)))
        .collect();
    for id in &used {
        let anchor = judged.policy.anchors.by_fingerprint(&id.0);
        if let Some(anchor) = anchor.filter(|_| !all.contains_key(id)) {
            all.insert(*id, certificate(bare(*id, ObjectKind::Certificate), anchor));
        }
    }
    for (token, authority) in authorities(judged) {
        if let Some(object) = all.get_mut(&token) {
            object.name = shortened(authority);
        }
    }
    for (id, object) in &mut all {
        object.used = used.contains(id);
        object.anchor = judged.policy.anchors.by_fingerprint(&id.0).is_some();
        object.proof = proofs.get(id).copied();
    }
    all.into_values().collect()
}

/// The time-stamping authorities of the tokens whose certificate was found.
fn authorities(judged: &Judged<'_>) -> BTreeMap<ObjectId, String> {
    let parts = judged.parts();
    let of_signatures = parts.iter().flat_map(|part| &part.verdict.signatures);
    let own = parts.iter().flat_map(|part| &part.verdict.timestamps);
    let stamps = of_signatures.flat_map(|s| &s.timestamps).chain(own);
    let named = stamps.filter_map(|stamp| {
        let certificate = judged.certificate(&stamp.signing_certificate?)?;
        Some((stamp.token, certificate.subject().to_string()))
    });
    named.collect()
}

/// What the verdicts name.
fn used(judged: &Judged<'_>) -> BTreeSet<ObjectId> {
    let mut all = BTreeSet::new();
    for part in judged.parts() {
        let verdict = part.verdict;
        about(&verdict.findings, &mut all);
        for signature in &verdict.signatures {
            all.extend(&signature.path);
            all.extend(signature.signing_certificate);
            about(&signature.findings, &mut all);
            for proof in &signature.proofs {
                all.insert(proof.of);
                if let Proof::Timestamp(by) | Proof::EvidenceRecord(by) = proof.by {
                    all.insert(by);
                }
            }
        }
        let of_signatures = verdict.signatures.iter().flat_map(|s| &s.timestamps);
        for stamp in verdict.timestamps.iter().chain(of_signatures) {
            all.insert(stamp.token);
            all.extend(stamp.signing_certificate);
            about(&stamp.findings, &mut all);
        }
    }
    all
}

fn about(findings: &[Finding], all: &mut BTreeSet<ObjectId>) {
    all.extend(findings.iter().filter_map(|finding| finding.object));
}

fn bare(id: ObjectId, kind: ObjectKind) -> ObjectReport {
    ObjectReport {
        id,
        kind,
        name: String::new(),
        issuer: None,
        number: None,
        from: None,
        until: None,
        origin: None,
        used: false,
        anchor: false,
        proof: None,
    }
}

fn described(id: ObjectId, object: &Object) -> ObjectReport {
    let report = ObjectReport {
        origin: Some(object.origin.clone()),
        ..bare(id, object.kind)
    };
    let bytes = &object.bytes;
    let named = match object.kind {
        ObjectKind::Certificate => {
            Certificate::from_der(bytes).map(|found| certificate(report.clone(), &found))
        }
        ObjectKind::CertificateRevocationList => {
            CertificateList::from_der(bytes).map(|found| list(report.clone(), found.header()))
        }
        ObjectKind::RevocationListExcerpt => {
            Excerpt::from_der(bytes).map(|found| list(report.clone(), found.header()))
        }
        ObjectKind::OcspResponse => {
            OcspResponse::from_der(bytes).map(|found| response(report.clone(), &found))
        }
        ObjectKind::TimestampToken => {
            TimestampToken::from_ber(bytes).map(|found| token(report.clone(), &found))
        }
    };
    named.unwrap_or(report)
}

fn certificate(report: ObjectReport, found: &Certificate) -> ObjectReport {
    let validity = found.validity();
    ObjectReport {
        name: shortened(found.subject().to_string()),
        issuer: Some(shortened(found.issuer().to_string())),
        number: Some(hex(found.serial())),
        from: Some(validity.not_before),
        until: Some(validity.not_after),
        ..report
    }
}

fn list(report: ObjectReport, found: &ListHeader) -> ObjectReport {
    ObjectReport {
        name: shortened(found.issuer().to_string()),
        number: found.number().map(|number| hex(number.magnitude())),
        from: Some(found.this_update()),
        until: found.next_update(),
        ..report
    }
}

fn response(report: ObjectReport, found: &OcspResponse) -> ObjectReport {
    ObjectReport {
        name: match found.responder() {
            ResponderId::Name(name) => shortened(name.to_string()),
            ResponderId::KeyHash(hash) => hex(hash),
        },
        from: Some(found.produced_at()),
        until: found.responses().iter().filter_map(|r| r.next_update).min(),
        ..report
    }
}

fn token(report: ObjectReport, found: &TimestampToken) -> ObjectReport {
    let info = found.tst_info();
    ObjectReport {
        name: info.policy.to_string(),
        number: Some(hex(&info.serial)),
        from: Some(info.gen_time),
        ..report
    }
}
