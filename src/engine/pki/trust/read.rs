//! Trusted lists from XML (TS 119 612 Annex B and C, versions 5 and 6; older ones are read as far as they are the same).
//!
//! Elements count by namespace, name and place. What is not known is passed over; what is missing or cannot be read is a
//! fault of the list and none in its place. What differs in version 6 is the `type` of a `ServiceSupplyPoint` (unchecked).
//! The list's signature is not looked at here.

use super::list::{
    DigitalIdentity, Multilingual, Pointer, Provider, Scheme, Service, ServiceState, TrustedList,
};
use super::qualification::{
    Assert, Criteria, Criterion, QcStatementCriterion, Qualification, Qualifier, key_usage_bit,
};
use super::recognition::{ContentEquivalence, Equivalence, MutualRecognition};
use super::status::{ServiceStatus, ServiceType};
use crate::engine::crypto::sha256;
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use crate::engine::pki::Certificate;
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::xml::Element;
use crate::engine::time::Time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const TSL: &str = "http://uri.etsi.org/02231/v2#";
const ADDITIONAL: &str = "http://uri.etsi.org/02231/v2/additionaltypes#";
const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
const SIE: &str = "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#";
const MRA: &str = "http://ec.europa.eu/tools/lotl/mra/schema/v2#";

/// The greatest list that is read; those of 2026 have up to 5 MB.
pub const MOST_BYTES: usize = 32 << 20;
/// Faults that are told of one list.
const MOST_FAULTS: usize = 32;
/// Lists of criteria within lists of criteria; the mutual recognition schema needs three.
const MOST_NESTED: usize = 8;

impl TrustedList {
    /// From the bytes of its XML.
    pub fn read(bytes: &[u8], budget: &mut Budget) -> Result<TrustedList> {
        const WHAT: &str = "trusted list";
        if bytes.len() > MOST_BYTES {
            return Err(Error::limit(WHAT, format!("more than {MOST_BYTES} bytes")));
        }
        let root = Element::read(bytes, WHAT, budget)?;
        if !root.is(TSL, "TrustServiceStatusList") {
            return Err(Error::malformed(
                WHAT,
                "its root is not the TrustServiceStatusList of TS 119 612",
            ));
        }
        let mut reading = Reading { faults: Vec::new() };
        let scheme = root.first(TSL, "SchemeInformation");
        let scheme = scheme.map(|element| reading.scheme(element));
        let providers = root.first(TSL, "TrustServiceProviderList");
        let providers = providers.map(|list| {
            let all = list.all(TSL, "TrustServiceProvider");
            all.map(|element| reading.provider(element)).collect()
        });
        if scheme.is_none() {
            reading.fault("no SchemeInformation");
        }
        Ok(TrustedList {
            digest: sha256(bytes),
            scheme: scheme.unwrap_or_default(),
            providers: providers.unwrap_or_default(),
            faults: reading.faults,
        })
    }
}

struct Reading {
    faults: Vec<String>,
}

fn value(parent: &Element, namespace: &str, name: &str) -> Option<String> {
    let found = parent.first(namespace, name)?.value();
    (!found.is_empty()).then(|| found.to_string())
}

/// The texts of `name` elements below the child `list`.
fn values(parent: &Element, list: &str, name: &str) -> Vec<String> {
    let Some(list) = parent.first(TSL, list) else {
        return Vec::new();
    };
    list.all(TSL, name).map(|e| e.value().to_string()).collect()
}

fn multilingual(parent: &Element, namespace: &str, list: &str) -> Multilingual {
    let Some(list) = parent.first(namespace, list) else {
        return Multilingual::default();
    };
    let of = |element: &Element| {
        let language = element.attribute("xml:lang").unwrap_or_default();
        (language.to_string(), element.value().to_string())
    };
    Multilingual(list.all(TSL, "Name").map(of).collect())
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

/// `2016-06-30T22:00:00Z`; a time without a zone is taken for UTC, which the standard demands (TS 119 612 §5.1.4).
fn time(text: &str) -> Option<Time> {
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

/// An object identifier as XAdES writes it: `1.2.3` or `urn:oid:1.2.3`.
fn oid(element: &Element) -> Option<Oid> {
    let text = element.first(XADES, "Identifier")?.value();
    Oid::from_dotted(text.strip_prefix("urn:oid:").unwrap_or(text)).ok()
}

impl Reading {
    fn fault(&mut self, fault: &str) {
        if self.faults.len() < MOST_FAULTS && !self.faults.iter().any(|known| known == fault) {
            self.faults.push(fault.to_string());
        }
    }

    fn time(&mut self, parent: &Element, name: &'static str) -> Option<Time> {
        let text = value(parent, TSL, name)?;
        let read = time(&text);
        if read.is_none() {
            self.fault(&format!("a {name} that is not a time"));
        }
        read
    }

    fn scheme(&mut self, element: &Element) -> Scheme {
        let pointers = element.first(TSL, "PointersToOtherTSL");
        let pointers = pointers.map(|list| {
            let all = list.all(TSL, "OtherTSLPointer");
            all.map(|pointer| self.pointer(pointer)).collect()
        });
        let scheme = Scheme {
            version: value(element, TSL, "TSLVersionIdentifier").and_then(|v| v.parse().ok()),
            sequence: value(element, TSL, "TSLSequenceNumber").and_then(|v| v.parse().ok()),
            list_type: value(element, TSL, "TSLType"),
            operator: multilingual(element, TSL, "SchemeOperatorName"),
            information: values(element, "SchemeInformationURI", "URI"),
            community_rules: values(element, "SchemeTypeCommunityRules", "URI"),
            territory: value(element, TSL, "SchemeTerritory"),
            pointers: pointers.unwrap_or_default(),
            issued: self.time(element, "ListIssueDateTime"),
            next_update: element
                .first(TSL, "NextUpdate")
                .and_then(|next| self.time(next, "dateTime")),
            distribution_points: values(element, "DistributionPoints", "URI"),
        };
        for (name, missing) in [
            ("TSLVersionIdentifier", scheme.version.is_none()),
            ("TSLSequenceNumber", scheme.sequence.is_none()),
            ("TSLType", scheme.list_type.is_none()),
            ("SchemeTerritory", scheme.territory.is_none()),
            ("ListIssueDateTime", scheme.issued.is_none()),
        ] {
            if missing {
                self.fault(&format!("no {name}"));
            }
        }
        scheme
    }

    fn pointer(&mut self, element: &Element) -> Pointer {
        let mut pointer = Pointer {
            location: value(element, TSL, "TSLLocation").unwrap_or_default(),
            ..Pointer::default()
        };
        if let Some(list) = element.first(TSL, "ServiceDigitalIdentities") {
            for identity in list.all(TSL, "ServiceDigitalIdentity") {
                pointer.signers.extend(self.identity(identity).certificates);
            }
        }
        let information = element.first(TSL, "AdditionalInformation");
        let information = information
            .iter()
            .flat_map(|i| i.all(TSL, "OtherInformation"));
        for one in information {
            pointer.territory = value(one, TSL, "SchemeTerritory").or(pointer.territory);
            pointer.list_type = value(one, TSL, "TSLType").or(pointer.list_type);
            pointer.mime_type = value(one, ADDITIONAL, "MimeType").or(pointer.mime_type);
            if one.first(TSL, "SchemeOperatorName").is_some() {
                pointer.operator = multilingual(one, TSL, "SchemeOperatorName");
            }
            pointer
                .community_rules
                .extend(values(one, "SchemeTypeCommunityRules", "URI"));
            if let Some(agreement) = one.first(MRA, "MutualRecognitionAgreementInformation") {
                pointer.recognition = self.recognition(agreement);
            }
        }
        pointer
    }

    fn identity(&mut self, element: &Element) -> DigitalIdentity {
        let mut identity = DigitalIdentity::default();
        for id in element.all(TSL, "DigitalId").flat_map(|id| &id.children) {
            match (&*id.namespace, id.name.as_str()) {
                (TSL, "X509Certificate") => {
                    let read = base64(&id.text).map(|der| Certificate::from_der(&der));
                    match read {
                        Some(Ok(certificate)) => identity.certificates.push(certificate),
                        _ => self.fault("a certificate that cannot be read"),
                    }
                }
                (TSL, "X509SubjectName") => identity.names.push(id.value().to_string()),
                (TSL, "X509SKI") => match base64(&id.text) {
                    Some(identifier) => identity.key_identifiers.push(identifier),
                    None => self.fault("an X509SKI that is not base64"),
                },
                (_, "KeyValue") => identity.key_values += 1,
                _ => {}
            }
        }
        identity
    }

    fn provider(&mut self, element: &Element) -> Provider {
        let mut provider = Provider::default();
        if let Some(information) = element.first(TSL, "TSPInformation") {
            provider.name = multilingual(information, TSL, "TSPName");
            provider.trade_name = multilingual(information, TSL, "TSPTradeName");
            provider.information = values(information, "TSPInformationURI", "URI");
        }
        let services = element.first(TSL, "TSPServices");
        for service in services.iter().flat_map(|s| s.all(TSL, "TSPService")) {
            match service.first(TSL, "ServiceInformation") {
                Some(current) => provider.services.push(self.service(service, current)),
                None => self.fault("a TSPService without ServiceInformation"),
            }
        }
        provider
    }

    fn service(&mut self, service: &Element, current: &Element) -> Service {
        let history = service.first(TSL, "ServiceHistory");
        let mut former: Vec<ServiceState> = history
            .iter()
            .flat_map(|h| h.all(TSL, "ServiceHistoryInstance"))
            .map(|instance| self.state(instance))
            .collect();
        former.sort_by_key(|state| std::cmp::Reverse(state.since));
        let mut states = vec![self.state(current)];
        states.append(&mut former);
        Service { states }
    }

    fn state(&mut self, element: &Element) -> ServiceState {
        let kind = value(element, TSL, "ServiceTypeIdentifier").unwrap_or_default();
        let status = value(element, TSL, "ServiceStatus").unwrap_or_default();
        let identity = element.first(TSL, "ServiceDigitalIdentity");
        let points = element.first(TSL, "ServiceSupplyPoints");
        let points = points.iter().flat_map(|p| p.all(TSL, "ServiceSupplyPoint"));
        let mut state = ServiceState {
            service_type: ServiceType::from_uri(&kind),
            name: multilingual(element, TSL, "ServiceName"),
            identity: identity.map(|e| self.identity(e)).unwrap_or_default(),
            status: ServiceStatus::from_uri(&status),
            since: self.time(element, "StatusStartingTime"),
            supply_points: points
                .map(|p| {
                    (
                        p.value().to_string(),
                        p.attribute("type").map(str::to_string),
                    )
                })
                .collect(),
            qualifications: Vec::new(),
            additional: Vec::new(),
            taken_over_by: None,
            expired_certificates_since: None,
            unknown_critical: Vec::new(),
        };
        if state.since.is_none() {
            self.fault("a service without StatusStartingTime");
        }
        let extensions = element.first(TSL, "ServiceInformationExtensions");
        for extension in extensions.iter().flat_map(|e| e.all(TSL, "Extension")) {
            self.extension(extension, &mut state);
        }
        state
    }

    /// `Extension` (TS 119 612 §5.5.9): one of four, or not known.
    fn extension(&mut self, extension: &Element, state: &mut ServiceState) {
        let critical = matches!(extension.attribute("Critical"), Some("true" | "1"));
        for one in &extension.children {
            match (&*one.namespace, one.name.as_str()) {
                (SIE, "Qualifications") => {
                    let all = one.all(SIE, "QualificationElement");
                    state.qualifications.extend(all.map(qualification));
                }
                (TSL, "AdditionalServiceInformation") => {
                    state.additional.extend(value(one, TSL, "URI"));
                }
                (ADDITIONAL, "TakenOverBy") => {
                    state.taken_over_by = Some(multilingual(one, ADDITIONAL, "TSPName"));
                }
                (TSL, "ExpiredCertsRevocationInfo") => {
                    state.expired_certificates_since = time(one.value());
                }
                (_, name) if critical => state.unknown_critical.push(name.to_string()),
                _ => {}
            }
        }
    }

    /// None, with a fault, where it contradicts itself.
    fn recognition(&mut self, agreement: &Element) -> Option<MutualRecognition> {
        let all = agreement.all(MRA, "TrustServiceEquivalenceInformation");
        let equivalences: Vec<Equivalence> = all.map(equivalence_with_history).collect();
        let twice = |one: &Equivalence| {
            let contexts: Vec<&str> = one.contents.iter().map(|c| c.context.as_str()).collect();
            contexts
                .iter()
                .enumerate()
                .any(|(i, context)| contexts[..i].contains(context))
        };
        let states = equivalences
            .iter()
            .flat_map(|e| std::iter::once(e).chain(&e.history));
        if states.into_iter().any(twice) {
            self.fault("a mutual recognition with two equivalences of one context");
            return None;
        }
        Some(MutualRecognition { equivalences })
    }
}

fn qualification(element: &Element) -> Qualification {
    let qualifiers = element.first(SIE, "Qualifiers");
    let qualifiers = qualifiers.iter().flat_map(|q| q.all(SIE, "Qualifier"));
    let criteria = element.first(SIE, "CriteriaList");
    Qualification {
        qualifiers: qualifiers
            .map(|q| Qualifier::from_uri(q.attribute("uri").unwrap_or_default()))
            .collect(),
        criteria: criteria.map(|c| criteria_list(c, 0)).unwrap_or_default(),
    }
}

fn criteria_list(element: &Element, depth: usize) -> Criteria {
    let mut list = Criteria::default();
    let known = match element.attribute("assert") {
        Some("all") => Some(Assert::All),
        Some("atLeastOne") => Some(Assert::AtLeastOne),
        Some("none") => Some(Assert::None),
        // The schema leaves it open in mutual recognition, where all is meant (unchecked).
        None => Some(Assert::All),
        Some(_) => None,
    };
    let Some(assert) = known.filter(|_| depth < MOST_NESTED) else {
        list.all
            .push(Criterion::Unknown("CriteriaList".to_string()));
        return list;
    };
    list.assert = assert;
    for one in &element.children {
        match (&*one.namespace, one.name.as_str()) {
            (SIE, "KeyUsage") => list.all.push(key_usage(one)),
            (SIE, "PolicySet") => {
                let policies = one.all(SIE, "PolicyIdentifier");
                list.all
                    .push(oids("PolicySet", policies, Criterion::PolicySet));
            }
            (SIE, "CriteriaList") => list
                .all
                .push(Criterion::List(criteria_list(one, depth + 1))),
            (SIE, "otherCriteriaList") => list.all.extend(one.children.iter().map(other)),
            (_, "Description") => {}
            (_, name) => list.all.push(Criterion::Unknown(name.to_string())),
        }
    }
    list
}

/// A criterion of object identifiers; one that cannot be read makes the whole unknown.
fn oids<'e>(
    name: &str,
    elements: impl Iterator<Item = &'e Element>,
    criterion: impl Fn(Vec<Oid>) -> Criterion,
) -> Criterion {
    let all: Option<Vec<Oid>> = elements.map(oid).collect();
    all.map_or_else(|| Criterion::Unknown(name.to_string()), criterion)
}

fn key_usage(element: &Element) -> Criterion {
    let bit = |bit: &Element| {
        let number = bit.attribute("name").and_then(key_usage_bit);
        let wanted = match bit.value() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        };
        (number.filter(|_| wanted.is_some()), wanted.unwrap_or(true))
    };
    Criterion::KeyUsage(element.all(SIE, "KeyUsageBit").map(bit).collect())
}

fn other(element: &Element) -> Criterion {
    match (&*element.namespace, element.name.as_str()) {
        (ADDITIONAL, "ExtendedKeyUsage") => {
            let purposes = element.all(ADDITIONAL, "KeyPurposeId");
            oids("ExtendedKeyUsage", purposes, Criterion::ExtendedKeyUsage)
        }
        (ADDITIONAL, "CertSubjectDNAttribute") => {
            let kinds = element.all(ADDITIONAL, "AttributeOID");
            oids(
                "CertSubjectDNAttribute",
                kinds,
                Criterion::SubjectAttributes,
            )
        }
        (MRA, "QcStatementSet") => {
            Criterion::QcStatements(element.all(MRA, "QcStatement").map(statement).collect())
        }
        (_, name) => Criterion::Unknown(name.to_string()),
    }
}

fn statement(element: &Element) -> QcStatementCriterion {
    let information = element.first(MRA, "QcStatementInfo");
    QcStatementCriterion {
        id: element.first(MRA, "QcStatementId").and_then(oid),
        qc_type: information
            .and_then(|i| i.first(MRA, "QcType"))
            .and_then(oid),
        legislation: information.and_then(|i| value(i, MRA, "QcCClegislation")),
    }
}

fn equivalence_with_history(element: &Element) -> Equivalence {
    let mut current = equivalence(element);
    let history = element.first(MRA, "TrustServiceEquivalenceHistory");
    let instances = history
        .iter()
        .flat_map(|h| h.all(MRA, "TrustServiceEquivalenceHistoryInstance"));
    current.history = instances.map(equivalence).collect();
    current
        .history
        .sort_by_key(|former| std::cmp::Reverse(former.since));
    current
}

fn equivalence(element: &Element) -> Equivalence {
    let types = |party: &str| {
        let list = element.first(MRA, "TrustServiceTSLTypeEquivalenceList");
        let list = list.and_then(|l| l.first(MRA, party));
        let all = list
            .into_iter()
            .flat_map(|l| l.all(MRA, "TrustServiceTSLType"));
        all.map(service_type).collect()
    };
    let statuses = element.first(MRA, "TrustServiceTSLStatusEquivalenceList");
    let statuses = |name: &str| -> Vec<(Vec<String>, Vec<String>)> {
        let all = statuses.iter().flat_map(|list| list.all(MRA, name));
        all.map(status_pair).collect()
    };
    let contents = element.first(MRA, "CertificateContentReferencesEquivalenceList");
    let contents = contents
        .iter()
        .flat_map(|l| l.all(MRA, "CertificateContentReferenceEquivalence"));
    let since = value(element, MRA, "TrustServiceEquivalenceStatusStartingTime");
    Equivalence {
        legal_identifier: value(element, MRA, "TrustServiceLegalIdentifier").unwrap_or_default(),
        pointing_types: types("TrustServiceTSLTypeListPointingParty"),
        pointed_types: types("TrustServiceTSLTypeListPointedParty"),
        status: value(element, MRA, "TrustServiceEquivalenceStatus").unwrap_or_default(),
        since: since.and_then(|text| time(&text)),
        valid: statuses("TrustServiceTSLStatusValidEquivalence"),
        invalid: statuses("TrustServiceTSLStatusInvalidEquivalence"),
        contents: contents.map(content).collect(),
        qualifiers: qualifier_pairs(element),
        history: Vec::new(),
    }
}

fn service_type(element: &Element) -> (String, Vec<String>) {
    let additional = element.all(TSL, "AdditionalServiceInformation");
    (
        value(element, TSL, "ServiceTypeIdentifier").unwrap_or_default(),
        additional.filter_map(|a| value(a, TSL, "URI")).collect(),
    )
}

fn status_pair(element: &Element) -> (Vec<String>, Vec<String>) {
    let of = |party: &str| -> Vec<String> {
        let list = element.first(MRA, party);
        let all = list.into_iter().flat_map(|l| l.all(TSL, "ServiceStatus"));
        all.map(|s| s.value().to_string()).collect()
    };
    (
        of("TrustServiceTSLStatusListPointingParty"),
        of("TrustServiceTSLStatusListPointedParty"),
    )
}

fn content(element: &Element) -> ContentEquivalence {
    let criteria = |party: &str| {
        let found = element.first(MRA, party);
        found.map(|c| criteria_list(c, 0)).unwrap_or_default()
    };
    ContentEquivalence {
        context: value(
            element,
            MRA,
            "CertificateContentReferenceEquivalenceContext",
        )
        .unwrap_or_default(),
        pointing: criteria("CertificateContentDeclarationPointingParty"),
        pointed: criteria("CertificateContentDeclarationPointedParty"),
    }
}

fn qualifier_pairs(element: &Element) -> Vec<(String, String)> {
    let Some(extensions) =
        element.first(MRA, "TrustServiceTSLQualificationExtensionEquivalenceList")
    else {
        return Vec::new();
    };
    let list = extensions.first(MRA, "QualifierEquivalenceList");
    let pairs = list
        .into_iter()
        .flat_map(|l| l.all(MRA, "QualifierEquivalence"));
    let uri = |pair: &Element, party: &str| {
        let found = pair.first(MRA, party).and_then(|p| p.attribute("uri"));
        found.unwrap_or_default().to_string()
    };
    pairs
        .map(|pair| {
            let here = uri(pair, "QualifierPointingParty");
            (here, uri(pair, "QualifierPointedParty"))
        })
        .collect()
}
