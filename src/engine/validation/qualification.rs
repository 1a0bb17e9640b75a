//! Whether a certificate was qualified, and what that makes of a signature (TS 119 615 §4.4, TS 119 172-4 §4.2; unchecked).
//!
//! In: a path, the trusted lists in use, what the certificate states, the anchors whose certificates the operator declares
//! qualified. Out: qualified or not, for what, and whether its key lay in a qualified device: when it was issued and when it
//! was used. The lists decide, by the state of the issuer's service at the instant; before 1 July 2016 by the statuses and
//! qualifiers of the Directive. What they do not decide, the certificate's own statements do; what they contradict each other
//! in, stays open.

use super::indication::Indication;
use super::policy::Policy;
use crate::engine::pki::Certificate;
use crate::engine::pki::identity::{CertificateIdentity, Stated};
use crate::engine::pki::qc_statements::QcType;
use crate::engine::pki::trust::qualification::Qualifier;
use crate::engine::pki::trust::{Listed, ServiceState, ServiceStatus, ServiceType, regulation};
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};

/// An answer that may stay open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Answer {
    Yes,
    No,
    Open,
}

impl Answer {
    fn of(yes: bool) -> Answer {
        if yes { Answer::Yes } else { Answer::No }
    }

    /// Both: one no decides, one open leaves it open.
    fn and(self, other: Answer) -> Answer {
        match (self, other) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Yes, Answer::Yes) => Answer::Yes,
            _ => Answer::Open,
        }
    }
}

/// By whose word a certificate is qualified, or not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Word {
    /// A trusted list's.
    TrustedList {
        /// Its territory: `ES`.
        territory: String,
        /// The provider.
        provider: String,
        /// The service.
        service: String,
        /// The service's status at the instant.
        status: String,
    },
    /// The operator's, who declares certificates under an anchor qualified.
    Operator,
    /// Nobody's: no list in use knows its issuer.
    Nobody,
}

/// What a certificate was at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QualifiedAt {
    /// The instant.
    pub at: Time,
    /// Whether it was qualified.
    pub qualified: Answer,
    /// For what; none where that stays open or it was not qualified.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<QcType>,
    /// Whether its key lay in a qualified device.
    pub qscd: Answer,
    /// By whose word.
    #[serde(flatten)]
    pub word: Word,
}

/// What a certificate was when it was issued and when it was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateQualification {
    /// Both together: it counts as qualified where it was at both instants.
    pub qualified: Answer,
    /// For what, when it was used.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<QcType>,
    /// Whether its key lay in a qualified device when it was used.
    pub qscd: Answer,
    /// When it was issued.
    pub at_issuance: QualifiedAt,
    /// When it was used.
    pub at_use: QualifiedAt,
}

/// What that makes of a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureQualification {
    /// `QESig`, `QESeal`, `AdESig-QC`, `AdESeal-QC`, `AdESig`, `AdESeal`, the same with `Unknown` for the kind, after
    /// `Indeterminate ` where the signature's indication is; `N/A` where nothing is known of the certificate or the
    /// signature has failed.
    pub level: String,
    /// What the certificate was.
    pub certificate: CertificateQualification,
}

/// What `certificate` was, issued by `authorities` from its issuer up to the anchor, when it was issued and at `at`.
pub fn certificate_qualification(
    certificate: &Certificate,
    authorities: &[Certificate],
    policy: &Policy,
    at: Time,
) -> CertificateQualification {
    let stated = CertificateIdentity::of(certificate).stated;
    let of = |at| qualified_at(certificate, authorities, &stated, policy, at);
    let (at_issuance, at_use) = (of(certificate.validity().not_before), of(at));
    CertificateQualification {
        qualified: at_issuance.qualified.and(at_use.qualified),
        kind: at_use.kind,
        qscd: at_use.qscd,
        at_issuance,
        at_use,
    }
}

/// The level of a signature whose certificate has this qualification.
pub(super) fn signature_qualification(
    certificate: CertificateQualification,
    indication: Indication,
) -> SignatureQualification {
    let known =
        certificate.at_use.word != Word::Nobody || certificate.at_issuance.word != Word::Nobody;
    let level = match (indication, known) {
        (Indication::TotalFailed, _) | (_, false) => "N/A".to_string(),
        (Indication::TotalPassed, _) => level(&certificate),
        (Indication::Indeterminate, _) => format!("Indeterminate {}", level(&certificate)),
    };
    SignatureQualification { level, certificate }
}

fn level(certificate: &CertificateQualification) -> String {
    let kind = certificate.kind;
    match (certificate.qualified, certificate.qscd) {
        (Answer::Yes, Answer::Yes) => match kind {
            Some(QcType::Esign) => "QESig",
            Some(QcType::Eseal) => "QESeal",
            _ => "Unknown-QC-QSCD",
        },
        (Answer::Yes, _) => match kind {
            Some(QcType::Esign) => "AdESig-QC",
            Some(QcType::Eseal) => "AdESeal-QC",
            _ => "Unknown-QC",
        },
        _ => match kind {
            Some(QcType::Esign) => "AdESig",
            Some(QcType::Eseal) => "AdESeal",
            _ => "Unknown",
        },
    }
    .to_string()
}

fn qualified_at(
    certificate: &Certificate,
    authorities: &[Certificate],
    stated: &Stated,
    policy: &Policy,
    at: Time,
) -> QualifiedAt {
    // The nearest authority that a list knows decides: one further up may be of services for other certificates.
    for authority in authorities {
        let listed = policy.lists.services_for(authority, at);
        let issuing: Vec<_> = listed
            .into_iter()
            .filter(|l| is_qualified_issuer(l))
            .collect();
        if !issuing.is_empty() {
            return by_lists(certificate, &issuing, stated, at);
        }
    }
    let declared = authorities
        .iter()
        .any(|a| policy.qualified_anchors.contains(&a.fingerprint()));
    QualifiedAt {
        at,
        qualified: Answer::of(declared && stated.qualified),
        kind: one_type(&stated.types),
        qscd: Answer::of(stated.qscd),
        word: if declared {
            Word::Operator
        } else {
            Word::Nobody
        },
    }
}

fn is_qualified_issuer(listed: &Listed<'_>) -> bool {
    let states = &listed.service.states;
    states.iter().any(|s| s.service_type == ServiceType::CaQc)
}

/// The services of one authority: those in force decide; two that differ leave it open.
fn by_lists(
    certificate: &Certificate,
    listed: &[Listed<'_>],
    stated: &Stated,
    at: Time,
) -> QualifiedAt {
    let judged = listed
        .iter()
        .map(|one| by_service(certificate, one, stated, at));
    let mut all: Vec<QualifiedAt> = judged.collect();
    all.sort_by_key(|one| match one.qualified {
        Answer::Yes => 0,
        Answer::Open => 1,
        Answer::No => 2,
    });
    let mut first = all.remove(0);
    for other in all
        .iter()
        .filter(|other| other.qualified == first.qualified)
    {
        if other.kind != first.kind {
            first.kind = None;
        }
        if other.qscd != first.qscd {
            first.qscd = Answer::Open;
        }
    }
    first
}

fn by_service(
    certificate: &Certificate,
    listed: &Listed<'_>,
    stated: &Stated,
    at: Time,
) -> QualifiedAt {
    let status = listed.state.map_or("", |s| s.status.name());
    let word = Word::TrustedList {
        territory: listed
            .listing
            .list
            .scheme
            .territory
            .clone()
            .unwrap_or_default(),
        provider: listed.provider.name.in_language("es").to_string(),
        service: listed.service.current().name.in_language("es").to_string(),
        status: status.to_string(),
    };
    let not = |word| QualifiedAt {
        at,
        qualified: Answer::No,
        kind: one_type(&stated.types),
        qscd: Answer::of(stated.qscd),
        word,
    };
    let Some(state) = listed.state.filter(|state| is_in_force(state, at)) else {
        return not(word);
    };
    let (qualifiers, doubt) = qualifiers(certificate, state);
    let has = |one: Qualifier| qualifiers.contains(&&one);
    let qualified = match (has(Qualifier::NotQualified), has(Qualifier::QcStatement)) {
        (true, true) => Answer::Open,
        (true, false) => Answer::No,
        (false, true) => Answer::Yes,
        (false, false) => Answer::of(stated.qualified),
    };
    let kind = kind(&qualifiers, stated, at);
    let offered = kind.is_none_or(|kind| is_for(state, kind, at));
    QualifiedAt {
        at,
        // A criterion that is not known here might have changed any of it.
        qualified: match (doubt || !state.unknown_critical.is_empty(), offered) {
            (_, false) => Answer::No,
            (true, true) if qualified == Answer::No => Answer::No,
            (true, true) => Answer::Open,
            (false, true) => qualified,
        },
        kind,
        qscd: if doubt {
            Answer::Open
        } else {
            qscd(certificate, &qualifiers, stated, at)
        },
        word,
    }
}

/// A service that issued qualified certificates at `at`, by the rules of that time.
fn is_in_force(state: &ServiceState, at: Time) -> bool {
    let status = &state.status;
    state.service_type == ServiceType::CaQc
        && (*status == ServiceStatus::Granted
            || (status.is_before_regulation() && at < regulation()))
}

/// The qualifiers whose criteria the certificate meets, and whether it is not known of some.
fn qualifiers<'s>(
    certificate: &Certificate,
    state: &'s ServiceState,
) -> (Vec<&'s Qualifier>, bool) {
    let (mut met, mut doubt) = (Vec::new(), false);
    for qualification in &state.qualifications {
        match qualification.criteria.is_met_by(certificate) {
            Some(true) => met.extend(&qualification.qualifiers),
            Some(false) => {}
            None => doubt = true,
        }
    }
    doubt |= met.iter().any(|q| matches!(q, Qualifier::Other(_)));
    (met, doubt)
}

fn one_type(types: &[QcType]) -> Option<QcType> {
    match types {
        [one] => Some(*one),
        _ => None,
    }
}

/// What for: by the list where it says, else by the certificate. Before the Regulation there were signatures alone.
fn kind(qualifiers: &[&Qualifier], stated: &Stated, at: Time) -> Option<QcType> {
    if at < regulation() {
        return Some(QcType::Esign);
    }
    let mut told: Vec<QcType> = Vec::new();
    for (qualifier, kind) in [
        (Qualifier::QcForESig, QcType::Esign),
        (Qualifier::QcForESeal, QcType::Eseal),
        (Qualifier::QcForWsa, QcType::Web),
    ] {
        if qualifiers.contains(&&qualifier) {
            told.push(kind);
        }
    }
    match (told.is_empty(), stated.types.is_empty()) {
        (false, _) => one_type(&told),
        // The statement's absence means signatures (EN 319 412-5 §4.2.3).
        (true, true) => Some(QcType::Esign),
        (true, false) => one_type(&stated.types),
    }
}

/// Whether the service is for such certificates (TS 119 612 §5.5.9.4); one that says nothing is for signatures.
fn is_for(state: &ServiceState, kind: QcType, at: Time) -> bool {
    let names = ["ForeSignatures", "ForeSeals", "ForWebSiteAuthentication"];
    let says = |name: &str| {
        state
            .additional
            .iter()
            .any(|uri| uri.ends_with(&format!("/{name}")))
    };
    let wanted = match kind {
        QcType::Esign => names[0],
        QcType::Eseal => names[1],
        QcType::Web => names[2],
    };
    at < regulation()
        || says(wanted)
        || (kind == QcType::Esign && !names.iter().any(|name| says(name)))
}

/// By the list where it says, else by the certificate. Devices of the Directive stay qualified (Regulation (EU) 910/2014, art. 51.1).
fn qscd(certificate: &Certificate, qualifiers: &[&Qualifier], stated: &Stated, at: Time) -> Answer {
    use Qualifier as Q;
    let old = at < regulation() || certificate.validity().not_before < regulation();
    let new = at >= regulation();
    let any = |all: &[Q]| all.iter().any(|one| qualifiers.contains(&one));
    let with =
        (new && any(&[Q::QcWithQscd, Q::QcQscdManagedOnBehalf])) || (old && any(&[Q::QcWithSscd]));
    let without = (new && any(&[Q::QcNoQscd])) || (old && any(&[Q::QcNoSscd]));
    match (with, without) {
        (true, true) => Answer::Open,
        (true, false) => Answer::Yes,
        (false, true) => Answer::No,
        (false, false) => Answer::of(stated.qscd),
    }
}
