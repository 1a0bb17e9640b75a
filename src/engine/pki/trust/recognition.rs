//! What a mutual recognition agreement makes equivalent, as a pointer to a third country's list tells it.
//!
//! The European Commission's schema `mra/schema/v2#`; there is no clause of a standard (unchecked).

use super::qualification::Criteria;
use crate::engine::time::Time;

/// `MutualRecognitionAgreementInformation`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MutualRecognition {
    /// `TrustServiceEquivalenceInformation`, one a kind of service.
    pub equivalences: Vec<Equivalence>,
}

/// One kind of service of the third country, and what it is equivalent to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Equivalence {
    /// `TrustServiceLegalIdentifier`: `QCForESig`.
    pub legal_identifier: String,
    /// Types of service here, URIs, each with its additional information.
    pub pointing_types: Vec<(String, Vec<String>)>,
    /// Types of service there.
    pub pointed_types: Vec<(String, Vec<String>)>,
    /// Whether it is in force: a URI ending in `/enacted` or `/repealed`.
    pub status: String,
    /// From when on.
    pub since: Option<Time>,
    /// Statuses here and there that count as valid: URIs.
    pub valid: Vec<(Vec<String>, Vec<String>)>,
    /// Statuses here and there that count as not valid: URIs.
    pub invalid: Vec<(Vec<String>, Vec<String>)>,
    /// What certificates state here, and there for the same, by context.
    pub contents: Vec<ContentEquivalence>,
    /// Qualifiers here and there: URIs.
    pub qualifiers: Vec<(String, String)>,
    /// The same as it was before, the latest first; these have no history of their own.
    pub history: Vec<Equivalence>,
}

/// `CertificateContentReferenceEquivalence`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContentEquivalence {
    /// Its context, a URI ending in `/QcCompliance`, `/QcType`, `/QcQSCD`.
    pub context: String,
    /// What a certificate here states.
    pub pointing: Criteria,
    /// What a certificate there states for the same.
    pub pointed: Criteria,
}

impl Equivalence {
    /// As it was at `at`; none before its first state.
    pub fn at(&self, at: Time) -> Option<&Equivalence> {
        let mut states = std::iter::once(self).chain(&self.history);
        states.find(|state| state.since.is_some_and(|since| since <= at))
    }

    /// Whether it is in force at `at`.
    pub fn is_enacted(&self, at: Time) -> bool {
        self.at(at)
            .is_some_and(|state| state.status.ends_with("/enacted"))
    }
}
