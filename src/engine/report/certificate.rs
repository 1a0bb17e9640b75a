//! The report on one certificate: what it comes to, whom it names, its path, and what is known of its revocation, with the
//! age and the source of that knowledge.

use super::message::{Language, label, named, verdict_text};
use super::signer::Signer;
use super::simple::{Explained, FindingReport};
use super::text::{instant, one_line, provenance};
use crate::engine::error::Result;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::identity::CertificateIdentity;
use crate::engine::pki::trust::Provenance;
use crate::engine::syntax::hex::hex;
use crate::engine::time::Time;
use crate::engine::validation::{
    CertificateQualification, CertificateStatus, CertificateVerdict, Learnt, Purpose, TrustBasis,
};
use serde::Serialize;
use std::fmt::Write;

/// What a certificate comes to, for programs and for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CertificateReport {
    /// What it comes to: `status`, and what goes with it.
    #[serde(flatten)]
    pub status: CertificateStatus,
    /// The same in words.
    pub explanation: Explained,
    /// SHA-256 of the certificate.
    pub certificate: ObjectId,
    /// What it was judged for.
    pub purpose: Purpose,
    /// The instant it was judged at.
    pub at: Time,
    /// When it was judged.
    pub checked_at: Time,
    /// Until when the answer holds if nothing new is learnt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_until: Option<Time>,
    /// The policy by which it was judged.
    pub policy: String,
    /// SHA-256 of its canonical form.
    pub policy_digest: ObjectId,
    /// Whom it was computed to trust; in the short form without the single lists.
    pub trust: TrustBasis,
    /// By whose word the anchor of its path is trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_by: Option<Provenance>,
    /// Whom it names, as the certificate says.
    pub subject: Signer,
    /// The same in its parts: person, entity, class, what the certificate states of itself.
    pub identity: CertificateIdentity,
    /// Whether it is qualified, by the word of trusted lists or of the operator; none where no path was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qualification: Option<CertificateQualification>,
    /// The serial number, in hexadecimal digits.
    pub serial_number: String,
    /// From the certificate to the anchor.
    pub path: Vec<Step>,
    /// What is known of the revocation of each.
    pub revocation: Vec<RevocationReport>,
    /// Every check that is worth telling; none in the short form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingReport>,
}

/// A certificate of the path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// SHA-256 of it.
    pub certificate: ObjectId,
    /// Its common name.
    pub name: String,
    /// When it ends.
    pub not_after: Time,
}

/// What is known of the revocation of one certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RevocationReport {
    /// The certificate, what it came to, and the evidence.
    #[serde(flatten)]
    pub learnt: Learnt,
    /// What the evidence is: `crl` or `ocsp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// How old the evidence was at the time of checking, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Where it came from: an address, `given` by whoever asked or the operator, or `embedded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The report of `verdict` on `certificate`; `pool` is what it was judged by.
pub fn certificate(
    verdict: &CertificateVerdict,
    certificate: &Certificate,
    pool: &Pool,
) -> CertificateReport {
    let key = explanation_key(&verdict.status);
    CertificateReport {
        explanation: Explained::new(|language| verdict_text(language, key).to_string()),
        status: verdict.status.clone(),
        certificate: verdict.certificate,
        purpose: verdict.purpose,
        at: verdict.at,
        checked_at: verdict.now,
        holds_until: verdict.holds_until,
        policy: verdict.policy.name.clone(),
        policy_digest: verdict.policy.digest,
        trust: verdict.trust.clone(),
        trusted_by: verdict.anchor.clone(),
        subject: Signer::of(certificate),
        identity: CertificateIdentity::of(certificate),
        qualification: verdict.qualification.clone(),
        serial_number: hex(certificate.serial()),
        path: verdict
            .path
            .iter()
            .map(|id| step(id, certificate, pool))
            .collect(),
        revocation: verdict
            .revocation
            .iter()
            .map(|learnt| revocation(learnt, verdict.now, pool))
            .collect(),
        findings: verdict.findings.iter().map(FindingReport::from).collect(),
    }
}

fn explanation_key(status: &CertificateStatus) -> &'static str {
    match status {
        CertificateStatus::Good => "CERTIFICATE_GOOD",
        CertificateStatus::Revoked {
            reason: Some(RevocationReason::CertificateHold),
            ..
        } => "CERTIFICATE_ON_HOLD",
        CertificateStatus::Revoked { .. } => "CERTIFICATE_REVOKED",
        CertificateStatus::AuthorityRevoked { .. } => "CERTIFICATE_AUTHORITY_REVOKED",
        CertificateStatus::Expired { .. } => "CERTIFICATE_EXPIRED",
        CertificateStatus::NotYetValid { .. } => "CERTIFICATE_NOT_YET_VALID",
        CertificateStatus::NotTrusted { .. } => "CERTIFICATE_NOT_TRUSTED",
        CertificateStatus::NotForPurpose { .. } => "CERTIFICATE_NOT_FOR_PURPOSE",
        CertificateStatus::Unknown => "CERTIFICATE_UNKNOWN",
        CertificateStatus::CouldNotCheck { .. } => "CERTIFICATE_COULD_NOT_CHECK",
    }
}

fn step(id: &ObjectId, own: &Certificate, pool: &Pool) -> Step {
    let found = match own.fingerprint() == id.0 {
        true => Some(own.clone()),
        false => pool
            .get(id)
            .and_then(|object| Certificate::from_der(&object.bytes).ok()),
    };
    Step {
        certificate: *id,
        name: found
            .as_ref()
            .map(|c| c.subject().common_name())
            .unwrap_or_default(),
        not_after: found.map_or(own.validity().not_after, |c| c.validity().not_after),
    }
}

fn revocation(learnt: &Learnt, now: Time, pool: &Pool) -> RevocationReport {
    let object = learnt.evidence.and_then(|id| pool.get(&id));
    RevocationReport {
        kind: object.and_then(|object| match object.kind {
            ObjectKind::CertificateRevocationList | ObjectKind::RevocationListExcerpt => {
                Some("crl")
            }
            ObjectKind::OcspResponse => Some("ocsp"),
            _ => None,
        }),
        age_seconds: learnt.this_update.map(|from| now.since(from).as_secs()),
        source: object.map(source),
        learnt: learnt.clone(),
    }
}

fn source(object: &Object) -> String {
    match &object.origin {
        Origin::Embedded => "embedded".to_string(),
        Origin::Given => "given".to_string(),
        Origin::Fetched { url, .. } => url.clone(),
    }
}

impl CertificateReport {
    /// Without its findings and the single trusted lists: what whoever only asks for the status is told.
    #[must_use]
    pub fn short(mut self) -> CertificateReport {
        self.findings.clear();
        self.trust.lists.clear();
        self
    }

    /// As canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        super::canonical(self)
    }

    /// As text in `language`, its instants in the IANA zone `zone`.
    pub fn text(&self, language: Language, zone: &str) -> String {
        let mut out = String::new();
        let mut line = |key: &'static str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(out, "{}: {}", label(language, key), one_line(value));
            }
        };
        let time = |at: Time| instant(at, zone);
        line(
            "verdict",
            &format!(
                "{}. {}",
                self.status.name(),
                self.explanation.in_language(language)
            ),
        );
        let (since, reason) = self.since();
        let reason = reason.and_then(|r| serde_json::to_value(r).ok());
        let reason = reason
            .as_ref()
            .and_then(|r| r.as_str())
            .map(|r| format!(" ({r})"));
        line(
            "since",
            &since
                .map(|at| time(at) + &reason.unwrap_or_default())
                .unwrap_or_default(),
        );
        line("certificate", &self.subject.name);
        line("number", self.subject.number.as_deref().unwrap_or_default());
        if let Some(entity) = &self.subject.on_behalf_of {
            let number = entity.number.as_deref().unwrap_or_default();
            line("on_behalf_of", format!("{} {number}", entity.name).trim());
        }
        if let Some(qualification) = &self.qualification {
            line("qualified", label(language, qualification.qualified.key()));
        }
        line("issued_by", &self.subject.issuer);
        let [from, until] = self.subject.valid.map(time);
        line("valid_from_until", &format!("{from} – {until}"));
        line("fingerprint", &self.certificate.to_string());
        line("purpose", label(language, purpose_key(self.purpose)));
        line("judged_at", &time(self.at));
        let path: Vec<&str> = self.path.iter().map(|step| step.name.as_str()).collect();
        line("path", &path.join(" → "));
        let by = self.trusted_by.as_ref();
        line(
            "trusted_by",
            &by.map(|by| provenance(by, language)).unwrap_or_default(),
        );
        line("trust", &format!("SHA-256 {}", self.trust.digest));
        if let Some(snapshot) = &self.trust.snapshot {
            line("trust_snapshot", &format!("SHA-256 {snapshot}"));
        }
        for one in &self.revocation {
            line(
                "revocation_evidence",
                &self.revocation_text(one, language, zone),
            );
        }
        line(
            "holds_until",
            &self.holds_until.map(time).unwrap_or_default(),
        );
        for finding in &self.findings {
            let key = if finding.finding.is_negative() {
                "why"
            } else {
                "notes"
            };
            let clause = &finding.finding.clause;
            line(
                key,
                &format!("{} [{clause}]", finding.message.in_language(language)),
            );
        }
        out
    }

    /// From when on it is as it is, and why, where that is known.
    fn since(&self) -> (Option<Time>, Option<RevocationReason>) {
        match &self.status {
            CertificateStatus::Revoked { since, reason }
            | CertificateStatus::AuthorityRevoked { since, reason, .. } => (Some(*since), *reason),
            CertificateStatus::Expired { since } => (Some(*since), None),
            _ => (None, None),
        }
    }

    fn revocation_text(&self, one: &RevocationReport, language: Language, zone: &str) -> String {
        let step = self
            .path
            .iter()
            .find(|step| step.certificate == one.learnt.certificate);
        let mut text = step.map(|step| step.name.clone()).unwrap_or_default();
        let word = one.learnt.check.rsplit('.').next().unwrap_or_default();
        let _ = write!(text, ": {}", named(language, "learnt", word));
        if let (Some(kind), Some(from)) = (one.kind, one.learnt.this_update) {
            let _ = write!(text, ", {} {}", kind.to_uppercase(), instant(from, zone));
        }
        if let Some(age) = one.age_seconds {
            let _ = write!(text, ", {} {}", label(language, "age"), age_text(age));
        }
        if let Some(source) = &one.source {
            let _ = write!(text, ", {} {source}", label(language, "source"));
        }
        text
    }
}

/// `3 d 4 h`, `2 h 5 min`, `40 s`.
fn age_text(seconds: u64) -> String {
    let (days, hours, minutes) = (
        seconds / 86_400,
        seconds % 86_400 / 3_600,
        seconds % 3_600 / 60,
    );
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

fn purpose_key(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Access => "purpose_access",
        Purpose::Signature => "purpose_signature",
        Purpose::Seal => "purpose_seal",
        Purpose::TimeStamping => "purpose_time-stamping",
        Purpose::Any => "purpose_any",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::CertificateList;
    use crate::engine::pki::trust::Anchors;
    use crate::engine::validation::{Policy, validate_certificate};

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn report(name: &str) -> CertificateReport {
        let read = |name: &str| Certificate::from_pem_or_der(&file(name)).unwrap().remove(0);
        let (anchors, now) = (
            Anchors::read([&file("root.pem")[..]]).unwrap(),
            "2026-11-24T12:00:00Z".parse().unwrap(),
        );
        let mut pool = Pool::default();
        for name in ["ca.pem", "root.pem"] {
            pool.add(Object::new(
                ObjectKind::Certificate,
                read(name).bytes(),
                Origin::Given,
            ));
        }
        for name in ["root.crl", "ca.crl"] {
            let list = CertificateList::from_pem_or_der(&file(name)).unwrap();
            let url = format!("http://crl.example/{name}");
            let origin = Origin::Fetched { url, at: now };
            pool.add(Object::new(
                ObjectKind::CertificateRevocationList,
                list.bytes(),
                origin,
            ));
        }
        let own = read(&format!("{name}.pem"));
        let policy = Policy::baseline(anchors);
        let verdict = validate_certificate(&pool, &own, &policy, Purpose::Access, now, now);
        certificate(&verdict, &own, &pool)
    }

    #[test]
    fn the_evidence_is_told_with_its_age_and_source() {
        let json: serde_json::Value =
            serde_json::from_slice(&report("citizen").to_json().unwrap()).unwrap();
        assert_eq!(json["status"], "good");
        assert_eq!(json["path"].as_array().unwrap().len(), 3);
        let first = &json["revocation"][0];
        assert_eq!(
            (&first["kind"], &first["source"]),
            (&"crl".into(), &"http://crl.example/ca.crl".into())
        );
        assert!(first["age_seconds"].as_u64().unwrap() > 86_400);
        assert!(json["findings"].is_array());
        assert!(
            !report("citizen")
                .short()
                .to_json()
                .unwrap()
                .windows(10)
                .any(|w| w == b"\"findings\"")
        );
    }

    #[test]
    fn the_words_never_confuse_revoked_with_anything_else() {
        for language in Language::ALL {
            let text = |name| report(name).text(*language, "Europe/Madrid");
            let word = label(*language, "since");
            assert!(
                text("revoked").contains(&format!("{word}: 2025-01-01")),
                "{}",
                text("revoked")
            );
            assert!(!text("citizen").contains(&format!("{word}:")));
            assert!(text("citizen").contains("CRL 2025"), "{}", text("citizen"));
            for key in [
                "CERTIFICATE_GOOD",
                "CERTIFICATE_REVOKED",
                "CERTIFICATE_ON_HOLD",
                "CERTIFICATE_AUTHORITY_REVOKED",
                "CERTIFICATE_EXPIRED",
                "CERTIFICATE_NOT_YET_VALID",
                "CERTIFICATE_NOT_TRUSTED",
                "CERTIFICATE_NOT_FOR_PURPOSE",
                "CERTIFICATE_UNKNOWN",
                "CERTIFICATE_COULD_NOT_CHECK",
            ] {
                assert_ne!(verdict_text(*language, key), "", "{key}");
            }
            for purpose in Purpose::ALL {
                assert_ne!(
                    label(*language, purpose_key(*purpose)),
                    purpose_key(*purpose)
                );
            }
        }
        assert_eq!(
            [age_text(40), age_text(7_500), age_text(270_000)],
            ["40 s", "2 h 5 min", "3 d 3 h"]
        );
    }
}
