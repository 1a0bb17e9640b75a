//! A trusted list as data: scheme, providers, services with their history (TS 119 612 §5).
//!
//! What it says, not what it is worth: whether a list is authentic is [`Authenticity`](super::Authenticity)'s. Names of
//! types are the standard's element names. Where a list leaves out what it must say, the value is none and the list notes
//! it in `faults`; what is none counts for nobody.

use super::qualification::Qualification;
use super::recognition::MutualRecognition;
use super::status::{ServiceStatus, ServiceType};
use crate::engine::pki::Certificate;
use crate::engine::syntax::hex::hex;
use crate::engine::time::Time;

/// A text in several languages, in the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Multilingual(pub Vec<(String, String)>);

impl Multilingual {
    /// The text in this language, else in English, else the first; empty where there is none.
    pub fn in_language(&self, language: &str) -> &str {
        let of = |wanted: &str| {
            let found = self.0.iter().find(|(l, _)| l.eq_ignore_ascii_case(wanted));
            found.map(|(_, text)| text.as_str())
        };
        of(language)
            .or_else(|| of("en"))
            .or_else(|| self.0.first().map(|(_, text)| text.as_str()))
            .unwrap_or_default()
    }
}

/// A trusted list, or a list of such lists.
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedList {
    /// The SHA-256 of the bytes it was read from.
    pub digest: [u8; 32],
    /// Who publishes it and by what rules.
    pub scheme: Scheme,
    /// The providers, in the list's order.
    pub providers: Vec<Provider>,
    /// What is missing or cannot be read, in words without content of the list.
    pub faults: Vec<String>,
}

/// `SchemeInformation` (TS 119 612 §5.3).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scheme {
    /// `TSLVersionIdentifier` (§5.3.1).
    pub version: Option<u32>,
    /// `TSLSequenceNumber` (§5.3.2): grows with each issue.
    pub sequence: Option<u64>,
    /// `TSLType` (§5.3.3), a URI.
    pub list_type: Option<String>,
    /// `SchemeOperatorName` (§5.3.4).
    pub operator: Multilingual,
    /// `SchemeInformationURI` (§5.3.7), in order: of a list of lists, its pivots and the Official Journal.
    pub information: Vec<String>,
    /// `SchemeTypeCommunityRules` (§5.3.9), URIs.
    pub community_rules: Vec<String>,
    /// `SchemeTerritory` (§5.3.10), a country's two letters, `EU`, or another scheme's.
    pub territory: Option<String>,
    /// `PointersToOtherTSL` (§5.3.13).
    pub pointers: Vec<Pointer>,
    /// `ListIssueDateTime` (§5.3.14).
    pub issued: Option<Time>,
    /// `NextUpdate` (§5.3.15); none in a list that was closed.
    pub next_update: Option<Time>,
    /// `DistributionPoints` (§5.3.16), URLs.
    pub distribution_points: Vec<String>,
}

/// `OtherTSLPointer` (TS 119 612 §5.3.13): where another list is, and who may sign it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pointer {
    /// `TSLLocation`.
    pub location: String,
    /// The certificates that the list's signature may be of.
    pub signers: Vec<Certificate>,
    /// `SchemeTerritory` of the list pointed to.
    pub territory: Option<String>,
    /// Its `TSLType`, a URI.
    pub list_type: Option<String>,
    /// Its media type; lists for machines are `application/vnd.etsi.tsl+xml`.
    pub mime_type: Option<String>,
    /// Its `SchemeOperatorName`.
    pub operator: Multilingual,
    /// Its `SchemeTypeCommunityRules`.
    pub community_rules: Vec<String>,
    /// What a mutual recognition agreement makes equivalent, where the pointer is to a list of a third country.
    pub recognition: Option<MutualRecognition>,
}

/// `TrustServiceProvider` (TS 119 612 §5.4).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Provider {
    /// `TSPName` (§5.4.1).
    pub name: Multilingual,
    /// `TSPTradeName` (§5.4.2), its official registration identifier among them: `VATES-Q2827003A`.
    pub trade_name: Multilingual,
    /// `TSPInformationURI` (§5.4.4).
    pub information: Vec<String>,
    /// `TSPServices`, in the list's order.
    pub services: Vec<Service>,
}

/// `TSPService` (TS 119 612 §5.5): a service, as it is and as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// The current state first, then former ones, the latest first. Never empty.
    pub states: Vec<ServiceState>,
}

/// `ServiceInformation` or `ServiceHistoryInstance` (TS 119 612 §5.5, §5.6): a service from an instant on.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceState {
    /// `ServiceTypeIdentifier` (§5.5.1).
    pub service_type: ServiceType,
    /// `ServiceName` (§5.5.2).
    pub name: Multilingual,
    /// `ServiceDigitalIdentity` (§5.5.3).
    pub identity: DigitalIdentity,
    /// `ServiceStatus` (§5.5.4).
    pub status: ServiceStatus,
    /// `StatusStartingTime` (§5.5.5).
    pub since: Option<Time>,
    /// `ServiceSupplyPoints` (§5.5.7), URLs, with the type that version 6 states.
    pub supply_points: Vec<(String, Option<String>)>,
    /// `Qualifications` (§5.5.9.2).
    pub qualifications: Vec<Qualification>,
    /// `AdditionalServiceInformation` (§5.5.9.4), URIs such as `…/SvcInfoExt/ForeSignatures`.
    pub additional: Vec<String>,
    /// `TakenOverBy` (§5.5.9.3): the name of the provider that took the service over.
    pub taken_over_by: Option<Multilingual>,
    /// `ExpiredCertsRevocationInfo` (§5.5.9.1): from when on revocation data of expired certificates is kept.
    pub expired_certificates_since: Option<Time>,
    /// Names of critical extensions that are not known here; who meets one cannot rely on the state (§5.5.9).
    pub unknown_critical: Vec<String>,
}

/// `ServiceDigitalIdentity` (TS 119 612 §5.5.3): one key, told in several ways.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DigitalIdentity {
    /// `X509Certificate`: certificates of the key.
    pub certificates: Vec<Certificate>,
    /// `X509SubjectName`, as the list prints it.
    pub names: Vec<String>,
    /// `X509SKI`: key identifiers.
    pub key_identifiers: Vec<Vec<u8>>,
    /// `KeyValue`: how many there are; they are not compared.
    pub key_values: usize,
}

impl DigitalIdentity {
    /// Whether `certificate` is of this identity: the key of one of its certificates, under the same name.
    ///
    /// Key identifiers alone are never compared: whoever makes a certificate chooses its identifier.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        self.certificates
            .iter()
            .any(|own| same_entity(own, certificate))
    }
}

/// Whether two certificates are of one name and one key.
pub(super) fn same_entity(one: &Certificate, other: &Certificate) -> bool {
    one.fingerprint() == other.fingerprint()
        || (one.spki() == other.spki() && one.subject() == other.subject())
}

impl Service {
    /// As the list has it now.
    pub fn current(&self) -> &ServiceState {
        &self.states[0]
    }

    /// As it was at `at`; none before its first state.
    pub fn at(&self, at: Time) -> Option<&ServiceState> {
        self.states
            .iter()
            .find(|state| state.since.is_some_and(|since| since <= at))
    }

    /// The status at `at`; none before its first state.
    pub fn status_at(&self, at: Time) -> Option<&ServiceStatus> {
        self.at(at).map(|state| &state.status)
    }

    /// The certificates of its key, each once, whichever state names them.
    pub fn certificates(&self) -> Vec<&Certificate> {
        let mut all: Vec<&Certificate> = Vec::new();
        for one in self.states.iter().flat_map(|s| &s.identity.certificates) {
            if !all
                .iter()
                .any(|known| known.fingerprint() == one.fingerprint())
            {
                all.push(one);
            }
        }
        all
    }

    /// Whether `certificate` is of the service's key, by any of its states: former ones may name no certificate.
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        self.states
            .iter()
            .any(|state| state.identity.is_of(certificate))
    }
}

impl TrustedList {
    /// Its digest in lower-case hexadecimal.
    pub fn digest_text(&self) -> String {
        hex(&self.digest)
    }

    /// Whether it should have been replaced by now: its next update is past.
    pub fn is_expired(&self, now: Time) -> bool {
        self.scheme.next_update.is_some_and(|next| next < now)
    }

    /// Whether it is of a version that anchors may be taken from: 5, or 6 (TS 119 612 §5.3.1).
    pub fn is_usable(&self) -> bool {
        matches!(self.scheme.version, Some(5 | 6))
    }

    /// All services with their providers, in the list's order.
    pub fn services(&self) -> impl Iterator<Item = (&Provider, &Service)> {
        self.providers
            .iter()
            .flat_map(|provider| provider.services.iter().map(move |s| (provider, s)))
    }

    /// Whether it is a list of lists.
    pub fn is_list_of_lists(&self) -> bool {
        is_list_of_lists(self.scheme.list_type.as_deref())
    }
}

impl Pointer {
    /// Whether it points to a list of lists.
    pub fn is_list_of_lists(&self) -> bool {
        is_list_of_lists(self.list_type.as_deref())
    }

    /// Whether the list that it points to is for machines: XML, not what people read.
    pub fn is_for_machines(&self) -> bool {
        self.mime_type.as_deref() == Some("application/vnd.etsi.tsl+xml")
    }
}

fn is_list_of_lists(list_type: Option<&str>) -> bool {
    list_type.is_some_and(|uri| uri.ends_with("/TSLType/EUlistofthelists"))
}
