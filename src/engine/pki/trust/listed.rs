//! From services of trusted lists to anchors: which keys are trusted, and from when to when.
//!
//! A service is trusted in the times in which its status was in force (TS 119 612 §5.5.4, §5.6). Services that issue
//! certificates or time-stamps become anchors; those that only answer about revocation do not, since a responder answers
//! for its issuer and nobody else. A state with a critical extension that is not known here counts for nothing.

use super::list::{Provider, Service, ServiceState};
use super::lists::{Listing, TrustedLists};
use super::status::{Purpose, ServiceType, regulation};
use super::{Anchor, Provenance, TrustPeriod};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;

impl Service {
    /// The times in which it was of one of these types and its status in force, the earliest first. Times that meet are one.
    pub fn periods(&self, types: &[ServiceType]) -> Vec<TrustPeriod> {
        let mut periods: Vec<TrustPeriod> = Vec::new();
        let mut next: Option<Time> = None;
        for state in &self.states {
            let Some(since) = state.since else { continue };
            // A former state that claims to begin after what followed it has no time of its own.
            if next.is_some_and(|next| since >= next) {
                continue;
            }
            let until = match state.status.is_before_regulation() {
                true => Some(next.map_or(regulation(), |next| next.min(regulation()))),
                false => next,
            };
            next = Some(since);
            if !counts(state, types, since) || until.is_some_and(|until| until <= since) {
                continue;
            }
            match periods.last_mut() {
                Some(later) if until == Some(later.from) => later.from = since,
                _ => periods.push(TrustPeriod { from: since, until }),
            }
        }
        periods.reverse();
        periods
    }
}

fn counts(state: &ServiceState, types: &[ServiceType], since: Time) -> bool {
    types.contains(&state.service_type)
        && state.unknown_critical.is_empty()
        && state.status.is_in_force(since)
}

impl TrustedLists {
    /// The anchors that believed lists name, of services that are or were of one of these types; each with its periods.
    pub fn anchors(&self, types: &[ServiceType]) -> Vec<Anchor> {
        let mut anchors = Vec::new();
        for listing in self.iter().filter(|one| one.authenticity.is_believed()) {
            for (provider, service) in listing.list.services() {
                let periods = service.periods(types);
                if periods.is_empty() {
                    continue;
                }
                for certificate in service.certificates() {
                    let from = provenance(listing, provider, service);
                    let anchor = anchor(certificate, service)
                        .with_provenance(from)
                        .with_periods(periods.clone());
                    anchors.extend(
                        service
                            .current()
                            .service_type
                            .purpose()
                            .and_then(|p| (p != Purpose::Revocation).then_some(anchor)),
                    );
                }
            }
        }
        anchors
    }
}

/// A time-stamping unit is trusted for its own time-stamps: it is nobody's issuer.
fn anchor(certificate: &Certificate, service: &Service) -> Anchor {
    let anchor = Anchor::of_certificate(certificate.clone());
    let is_authority = certificate.basic_constraints().is_some_and(|b| b.ca);
    match service.current().service_type.purpose() {
        Some(Purpose::Timestamps) if !is_authority => anchor.that_issues_nothing(),
        _ => anchor,
    }
}

fn provenance(listing: &Listing, provider: &Provider, service: &Service) -> Provenance {
    let territory = listing.list.scheme.territory.clone();
    Provenance::TrustedList {
        list: listing.list.digest_text(),
        territory: territory.unwrap_or_default(),
        provider: provider.name.in_language("es").to_string(),
        service: service.current().name.in_language("es").to_string(),
    }
}
