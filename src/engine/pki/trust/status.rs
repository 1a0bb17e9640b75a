//! The status of a trust service, and the kind of service, as their URIs say (TS 119 612 §5.5.1, §5.5.4).
//!
//! Statuses of before the Regulation (`undersupervision`, `accredited` and their kin) counted until 1 July 2016; from then
//! on `granted` and `withdrawn` are those of qualified services, `recognisedatnationallevel` of others.

use crate::engine::time::Time;

/// Where statuses, types and schemes have their names.
const ROOT: &str = "http://uri.etsi.org/TrstSvc/";

/// What a status says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ServiceStatus {
    Granted,
    Withdrawn,
    RecognisedAtNationalLevel,
    DeprecatedAtNationalLevel,
    UnderSupervision,
    SupervisionInCessation,
    SupervisionCeased,
    SupervisionRevoked,
    Accredited,
    AccreditationCeased,
    AccreditationRevoked,
    SetByNationalLaw,
    DeprecatedByNationalLaw,
    /// A URI of another scheme, as it stands there.
    Other(String),
}

const STATUSES: &[(&str, ServiceStatus)] = &[
    ("granted", ServiceStatus::Granted),
    ("withdrawn", ServiceStatus::Withdrawn),
    (
        "recognisedatnationallevel",
        ServiceStatus::RecognisedAtNationalLevel,
    ),
    (
        "deprecatedatnationallevel",
        ServiceStatus::DeprecatedAtNationalLevel,
    ),
    ("undersupervision", ServiceStatus::UnderSupervision),
    (
        "supervisionincessation",
        ServiceStatus::SupervisionInCessation,
    ),
    ("supervisionceased", ServiceStatus::SupervisionCeased),
    ("supervisionrevoked", ServiceStatus::SupervisionRevoked),
    ("accredited", ServiceStatus::Accredited),
    ("accreditationceased", ServiceStatus::AccreditationCeased),
    ("accreditationrevoked", ServiceStatus::AccreditationRevoked),
    ("setbynationallaw", ServiceStatus::SetByNationalLaw),
    (
        "deprecatedbynationallaw",
        ServiceStatus::DeprecatedByNationalLaw,
    ),
];

impl ServiceStatus {
    /// From its URI, in the form of TS 119 612 or of the Directive's lists before it.
    pub fn from_uri(uri: &str) -> ServiceStatus {
        let roots = [
            "TrustedList/Svcstatus/",
            "eSigDir-1999-93-EC-TrustedList/Svcstatus/",
        ];
        let name = uri
            .strip_prefix(ROOT)
            .and_then(|rest| roots.iter().find_map(|root| rest.strip_prefix(root)));
        let known = STATUSES.iter().find(|(known, _)| Some(*known) == name);
        known.map_or_else(|| ServiceStatus::Other(uri.to_string()), |(_, s)| s.clone())
    }

    /// Its short name: `granted`; the URI of one that is not known here.
    pub fn name(&self) -> &str {
        let known = STATUSES.iter().find(|(_, status)| status == self);
        match (known, self) {
            (Some((name, _)), _) => name,
            (None, ServiceStatus::Other(uri)) => uri,
            (None, _) => "",
        }
    }

    /// Whether it is one of the Directive's, which ended when the Regulation began to apply.
    pub fn is_before_regulation(&self) -> bool {
        use ServiceStatus as S;
        matches!(
            self,
            S::UnderSupervision | S::SupervisionInCessation | S::Accredited | S::SetByNationalLaw
        )
    }

    /// Whether a service of this status may be relied on at `at`.
    pub fn is_in_force(&self, at: Time) -> bool {
        use ServiceStatus as S;
        match self {
            S::Granted | S::RecognisedAtNationalLevel => true,
            status if status.is_before_regulation() => at < regulation(),
            _ => false,
        }
    }
}

/// 1 July 2016, when Regulation (EU) 910/2014 began to apply (its art. 52): the end of the Directive's statuses.
pub fn regulation() -> Time {
    const SECONDS: i64 = 1_467_331_200;
    Time::from_unix(SECONDS).expect("an instant of this century")
}

/// What kind of service it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum ServiceType {
    /// Issues qualified certificates.
    CaQc,
    /// Issues certificates that are not qualified.
    CaPkc,
    /// The root under which a state's qualified issuers stand.
    NationalRootCaQc,
    /// Issues qualified time-stamps.
    TsaQtst,
    /// Issues time-stamps that are not qualified.
    Tsa,
    /// The same, as part of a service that issues qualified certificates.
    TsaTssQc,
    /// The same, as part of a service for advanced and qualified signatures.
    TsaTssAdesQcAndQes,
    /// Answers for qualified certificates.
    OcspQc,
    Ocsp,
    /// Lists revoked qualified certificates.
    CrlQc,
    Crl,
    /// A URI of another kind of service, as it stands there.
    Other(String),
}

const TYPES: &[(&str, ServiceType)] = &[
    ("CA/QC", ServiceType::CaQc),
    ("CA/PKC", ServiceType::CaPkc),
    ("NationalRootCA-QC", ServiceType::NationalRootCaQc),
    ("TSA/QTST", ServiceType::TsaQtst),
    ("TSA", ServiceType::Tsa),
    ("TSA/TSS-QC", ServiceType::TsaTssQc),
    ("TSA/TSS-AdESQCandQES", ServiceType::TsaTssAdesQcAndQes),
    ("Certstatus/OCSP/QC", ServiceType::OcspQc),
    ("Certstatus/OCSP", ServiceType::Ocsp),
    ("Certstatus/CRL/QC", ServiceType::CrlQc),
    ("Certstatus/CRL", ServiceType::Crl),
];

/// What a service of a list is an anchor for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// It issues certificates.
    Certificates,
    /// It issues time-stamps.
    Timestamps,
    /// It tells which certificates are revoked.
    Revocation,
}

impl ServiceType {
    /// From its URI.
    pub fn from_uri(uri: &str) -> ServiceType {
        let name = uri
            .strip_prefix(ROOT)
            .and_then(|rest| rest.strip_prefix("Svctype/"));
        let known = TYPES.iter().find(|(known, _)| Some(*known) == name);
        known.map_or_else(|| ServiceType::Other(uri.to_string()), |(_, t)| t.clone())
    }

    /// From its short name: `CA/QC`.
    pub fn from_name(name: &str) -> Option<ServiceType> {
        let known = TYPES.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| kind.clone())
    }

    /// Its short name: `CA/QC`; the last parts of the URI of one that is not known here.
    pub fn name(&self) -> &str {
        if let ServiceType::Other(uri) = self {
            let after = uri.rsplit_once("/Svctype/").map(|(_, name)| name);
            return after.unwrap_or(uri);
        }
        let known = TYPES.iter().find(|(_, kind)| kind == self);
        known.map_or("", |(name, _)| name)
    }

    /// What its keys are trusted for; none for services whose keys are no anchors.
    pub fn purpose(&self) -> Option<Purpose> {
        use ServiceType as T;
        match self {
            T::CaQc | T::CaPkc | T::NationalRootCaQc => Some(Purpose::Certificates),
            T::TsaQtst | T::Tsa | T::TsaTssQc | T::TsaTssAdesQcAndQes => Some(Purpose::Timestamps),
            T::OcspQc | T::Ocsp | T::CrlQc | T::Crl => Some(Purpose::Revocation),
            T::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_have_short_names_and_come_back() {
        for (name, status) in STATUSES {
            let uri = format!("{ROOT}TrustedList/Svcstatus/{name}");
            assert_eq!(ServiceStatus::from_uri(&uri), *status);
            assert_eq!(status.name(), *name);
        }
        let old = format!("{ROOT}eSigDir-1999-93-EC-TrustedList/Svcstatus/undersupervision");
        assert_eq!(
            ServiceStatus::from_uri(&old),
            ServiceStatus::UnderSupervision
        );
        for (name, kind) in TYPES {
            assert_eq!(
                ServiceType::from_uri(&format!("{ROOT}Svctype/{name}")),
                *kind
            );
            assert_eq!(kind.name(), *name);
        }
        let other = ServiceType::from_uri("http://zz.example/TrstSvc/Svctype/CA/QC/for-eSig");
        assert_eq!((other.name(), other.purpose()), ("CA/QC/for-eSig", None));
        let fake = ServiceStatus::from_uri("http://evil.example/TrustedList/Svcstatus/granted");
        assert!(!fake.is_in_force(regulation()));
    }

    #[test]
    fn the_regulation_ends_the_statuses_of_the_directive() {
        let last = regulation().minus(std::time::Duration::from_secs(1));
        assert_eq!(regulation().to_string(), "2016-07-01T00:00:00Z");
        for status in [ServiceStatus::UnderSupervision, ServiceStatus::Accredited] {
            assert!(status.is_in_force(last));
            assert!(!status.is_in_force(regulation()));
        }
        assert!(ServiceStatus::Granted.is_in_force(last));
        assert!(!ServiceStatus::Withdrawn.is_in_force(last));
    }
}
