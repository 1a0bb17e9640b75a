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
use crate::engine::pki::trust::{
    Listed, Purpose, ServiceState, ServiceStatus, ServiceType, regulation,
};
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

    /// A stable word for reports.
    pub fn key(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Open => "open",
        }
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

/// Whether a time-stamp of the first of `chain`, at `at`, is qualified: the nearest of the chain that a believed list knows
/// for time-stamps decides (TS 119 612 §5.5.1); without any, the operator's word for one of the chain.
pub fn timestamp_qualification(chain: &[Certificate], policy: &Policy, at: Time) -> Answer {
    let is_tsa = |one: &Listed<'_>| {
        let mut states = one.service.states.iter();
        states.any(|s| s.service_type.purpose() == Some(Purpose::Timestamps))
    };
    for certificate in chain {
        let mut listed = policy.lists.services_for(certificate, at);
        listed.retain(is_tsa);
        if !listed.is_empty() {
            return Answer::of(listed.iter().any(|one| is_qualified_tsa(one.state)));
        }
    }
    let declared = chain
        .iter()
        .any(|c| policy.qualified_anchors.contains(&c.fingerprint()));
    Answer::of(declared)
}

fn is_qualified_tsa(state: Option<&ServiceState>) -> bool {
    state.is_some_and(|state| {
        state.service_type == ServiceType::TsaQtst && state.status == ServiceStatus::Granted
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::authority::certificate::distinguished_name;
    use crate::engine::authority::extension::{self as ext, QcStatement};
    use crate::engine::pki::identity::testing::issued;
    use crate::engine::pki::trust::qualification::{Assert, Criteria, Criterion, Qualification};
    use crate::engine::pki::trust::{
        Anchors, Authenticity, DigitalIdentity, Listing, Multilingual, Provider, Scheme, Service,
        TrustedList, TrustedLists,
    };
    use crate::engine::syntax::asn1::{Oid, names};
    use std::sync::Arc;

    const POLICY: Oid = names::QCP_NATURAL;

    fn made(statements: &[QcStatement<'_>]) -> (Certificate, Certificate) {
        let subject = distinguished_name(&[(names::AT_COMMON_NAME, "x")]).unwrap();
        let mut extensions = vec![ext::policies(&[(names::ES_SEAL_HIGH, None)])];
        if !statements.is_empty() {
            extensions.push(ext::qc_statements(statements));
        }
        issued(&[(names::AT_COMMON_NAME, "SUBCA")], subject, extensions)
    }

    /// A state: status, from when, additional information, qualifiers under a policy.
    type State<'a> = (
        ServiceStatus,
        &'a str,
        &'a [&'a str],
        &'a [(Qualifier, Oid)],
    );

    fn policy(authority: &Certificate, states: &[State<'_>]) -> Policy {
        policy_of(&ServiceType::CaQc, authority, states)
    }

    fn policy_of(kind: &ServiceType, authority: &Certificate, states: &[State<'_>]) -> Policy {
        let state = |(status, since, additional, qualifiers): &State<'_>| ServiceState {
            service_type: kind.clone(),
            name: Multilingual(vec![("es".into(), "Servicio".into())]),
            identity: DigitalIdentity {
                certificates: vec![authority.clone()],
                ..DigitalIdentity::default()
            },
            status: status.clone(),
            since: Some(since.parse().unwrap()),
            supply_points: Vec::new(),
            qualifications: qualifiers
                .iter()
                .map(|(qualifier, policy)| Qualification {
                    qualifiers: vec![qualifier.clone()],
                    criteria: Criteria {
                        assert: Assert::All,
                        all: vec![match *policy == names::ANY_POLICY {
                            true => Criterion::Unknown("x".into()),
                            false => Criterion::PolicySet(vec![*policy]),
                        }],
                    },
                })
                .collect(),
            additional: additional
                .iter()
                .map(|a| format!("http://uri.etsi.org/x/{a}"))
                .collect(),
            taken_over_by: None,
            expired_certificates_since: None,
            unknown_critical: Vec::new(),
        };
        let provider = Provider {
            name: Multilingual(vec![("es".into(), "Prestador".into())]),
            services: vec![Service {
                states: states.iter().map(state).collect(),
            }],
            ..Provider::default()
        };
        let list = TrustedList {
            digest: [1; 32],
            scheme: Scheme {
                territory: Some("ES".into()),
                ..Scheme::default()
            },
            providers: vec![provider],
            faults: Vec::new(),
        };
        Policy {
            lists: TrustedLists::new(vec![Listing {
                list: Arc::new(list),
                authenticity: Authenticity::Vouched,
            }]),
            ..Policy::baseline(Anchors::default())
        }
    }

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn judged(
        statements: &[QcStatement<'_>],
        states: &[State<'_>],
        when: &str,
    ) -> CertificateQualification {
        let (certificate, authority) = made(statements);
        let policy = policy(&authority, states);
        certificate_qualification(&certificate, &[authority], &policy, at(when))
    }

    fn level_of(qualification: CertificateQualification) -> String {
        signature_qualification(qualification, Indication::TotalPassed).level
    }

    const SIGNATURE: &[QcStatement<'_>] = &[
        QcStatement::Compliance,
        QcStatement::Type(names::ID_ETSI_QCT_ESIGN),
    ];
    const SEAL: &[QcStatement<'_>] = &[
        QcStatement::Compliance,
        QcStatement::Type(names::ID_ETSI_QCT_ESEAL),
        QcStatement::Sscd,
    ];
    const BOTH: &[&str] = &["ForeSignatures", "ForeSeals"];
    /// The certificates are of 2016-01-01, so the service is of before.
    const OLD: State<'static> = (
        ServiceStatus::UnderSupervision,
        "2010-01-01T00:00:00Z",
        &[],
        &[],
    );

    #[test]
    fn a_service_in_force_and_the_certificates_own_statements() {
        let granted = (
            ServiceStatus::Granted,
            "2016-07-01T00:00:00Z",
            BOTH,
            &[][..],
        );
        let of = |statements, states: &[State<'_>]| {
            level_of(judged(statements, states, "2019-01-01T00:00:00Z"))
        };
        assert_eq!(of(SIGNATURE, &[granted.clone(), OLD]), "AdESig-QC");
        assert_eq!(of(SEAL, &[granted.clone(), OLD]), "QESeal");
        assert_eq!(of(&[], &[granted.clone(), OLD]), "AdESig");
        // A service for signatures alone issues no qualified seals; one that was not there at issuance, nothing.
        let signatures = (
            ServiceStatus::Granted,
            "2016-07-01T00:00:00Z",
            &["ForeSignatures"][..],
            &[][..],
        );
        assert_eq!(of(SEAL, &[signatures, OLD]), "AdESeal");
        assert_eq!(of(SEAL, &[granted]), "AdESeal");
    }

    #[test]
    fn a_seal_of_2019_is_judged_by_the_list_as_of_then() {
        let states = [
            (
                ServiceStatus::Withdrawn,
                "2021-10-26T01:00:00Z",
                BOTH,
                &[][..],
            ),
            (
                ServiceStatus::Granted,
                "2016-06-30T22:00:00Z",
                BOTH,
                &[][..],
            ),
            OLD,
        ];
        let of = |when| judged(SEAL, &states, when);
        assert_eq!(level_of(of("2019-05-01T00:00:00Z")), "QESeal");
        assert_eq!(level_of(of("2021-10-26T00:59:59Z")), "QESeal");
        let after = of("2021-10-26T01:00:00Z");
        assert_eq!(after.at_issuance.qualified, Answer::Yes);
        assert!(
            matches!(&after.at_use.word, Word::TrustedList { status, territory, .. } if status == "withdrawn" && territory == "ES")
        );
        assert_eq!(level_of(after), "AdESeal");
    }

    #[test]
    fn the_directives_statuses_end_with_june_2016() {
        let of = |when| judged(SIGNATURE, &[OLD], when).at_use.qualified;
        assert_eq!(of("2016-06-30T23:59:59Z"), Answer::Yes);
        assert_eq!(of("2016-07-01T00:00:00Z"), Answer::No);
    }

    #[test]
    fn qualifiers_outweigh_statements_for_the_policies_they_name() {
        let mine = names::ES_SEAL_HIGH;
        let of = |statements, qualifiers: &[(Qualifier, Oid)]| {
            let granted = (
                ServiceStatus::Granted,
                "2010-07-01T00:00:00Z",
                BOTH,
                qualifiers,
            );
            level_of(judged(statements, &[granted], "2019-01-01T00:00:00Z"))
        };
        assert_eq!(of(SIGNATURE, &[(Qualifier::NotQualified, mine)]), "AdESig");
        assert_eq!(
            of(SIGNATURE, &[(Qualifier::NotQualified, POLICY)]),
            "AdESig-QC"
        );
        assert_eq!(
            of(
                &[],
                &[
                    (Qualifier::QcStatement, mine),
                    (Qualifier::QcForESeal, mine)
                ]
            ),
            "AdESeal-QC"
        );
        assert_eq!(of(SIGNATURE, &[(Qualifier::QcWithQscd, mine)]), "QESig");
        assert_eq!(
            of(SIGNATURE, &[(Qualifier::QcQscdManagedOnBehalf, mine)]),
            "QESig"
        );
        assert_eq!(of(SEAL, &[(Qualifier::QcNoQscd, mine)]), "AdESeal-QC");
        assert_eq!(
            of(SEAL, &[(Qualifier::QcQscdStatusAsInCert, mine)]),
            "QESeal"
        );
        // Of before the Regulation: the old device counts on.
        assert_eq!(of(SIGNATURE, &[(Qualifier::QcWithSscd, mine)]), "QESig");
    }

    #[test]
    fn contradictions_and_criteria_that_are_unknown_stay_open() {
        let mine = names::ES_SEAL_HIGH;
        for qualifiers in [
            &[
                (Qualifier::NotQualified, mine),
                (Qualifier::QcStatement, mine),
            ][..],
            &[(Qualifier::NotQualified, names::ANY_POLICY)],
            &[(Qualifier::Other("urn:x".into()), mine)],
        ] {
            let granted = (
                ServiceStatus::Granted,
                "2010-07-01T00:00:00Z",
                BOTH,
                qualifiers,
            );
            let judged = judged(SIGNATURE, &[granted], "2019-01-01T00:00:00Z");
            assert_eq!(judged.qualified, Answer::Open, "{qualifiers:?}");
        }
        let both = [(Qualifier::QcWithQscd, mine), (Qualifier::QcNoQscd, mine)];
        let granted = (
            ServiceStatus::Granted,
            "2010-07-01T00:00:00Z",
            BOTH,
            &both[..],
        );
        assert_eq!(
            judged(SIGNATURE, &[granted], "2019-01-01T00:00:00Z").qscd,
            Answer::Open
        );
    }

    #[test]
    fn without_a_list_the_operators_word_counts_for_what_certificates_state() {
        let of = |statements, declared: bool| {
            let (certificate, authority) = made(statements);
            let mut policy = Policy::baseline(Anchors::default());
            policy
                .qualified_anchors
                .extend(declared.then(|| authority.fingerprint()));
            certificate_qualification(
                &certificate,
                &[authority],
                &policy,
                at("2019-01-01T00:00:00Z"),
            )
        };
        assert_eq!(level_of(of(SEAL, true)), "QESeal");
        assert_eq!(of(&[], true).qualified, Answer::No);
        assert_eq!(of(SEAL, false).qualified, Answer::No);
        assert_eq!(level_of(of(SEAL, false)), "N/A");
        let level = |indication| signature_qualification(of(SEAL, true), indication).level;
        assert_eq!(level(Indication::TotalFailed), "N/A");
        assert_eq!(level(Indication::Indeterminate), "Indeterminate QESeal");
    }

    #[test]
    fn a_time_stamp_is_qualified_while_its_service_is_granted() {
        let (certificate, authority) = made(&[]);
        let chain = [certificate, authority];
        let states: &[State<'_>] = &[
            (ServiceStatus::Withdrawn, "2025-01-01T00:00:00Z", &[], &[]),
            (ServiceStatus::Granted, "2020-01-01T00:00:00Z", &[], &[]),
        ];
        let answer = |kind, place: usize, when| {
            let policy = policy_of(&kind, &chain[place], states);
            timestamp_qualification(&chain, &policy, at(when))
        };
        let (granted, withdrawn) = ("2024-01-01T00:00:00Z", "2025-06-01T00:00:00Z");
        for place in [0, 1] {
            assert_eq!(answer(ServiceType::TsaQtst, place, granted), Answer::Yes);
            assert_eq!(answer(ServiceType::TsaQtst, place, withdrawn), Answer::No);
        }
        assert_eq!(answer(ServiceType::Tsa, 0, granted), Answer::No);
        assert_eq!(answer(ServiceType::CaQc, 1, granted), Answer::No);
        let declared = Policy {
            qualified_anchors: [chain[1].fingerprint()].into(),
            ..Policy::baseline(Anchors::default())
        };
        let by = |policy: &Policy| timestamp_qualification(&chain, policy, at(granted));
        assert_eq!(by(&declared), Answer::Yes);
        assert_eq!(by(&Policy::baseline(Anchors::default())), Answer::No);
        let listed = Policy {
            qualified_anchors: declared.qualified_anchors.clone(),
            ..policy_of(&ServiceType::Tsa, &chain[0], states)
        };
        assert_eq!(by(&listed), Answer::No);
    }
}
