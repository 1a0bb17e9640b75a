//! The lists in use: which of them are believed, and which services are of a certificate.
//!
//! A list is believed when its signature was verified against the signers that its pointer names (TS 119 615 §4.1,
//! unchecked), or when the operator vouches for its bytes. Until a verifier of XML signatures joins, only the second
//! happens: [`Authenticity::Signed`] is where its result comes in.

use super::list::{Provider, Service, ServiceState, TrustedList};
use crate::engine::crypto::sha256;
use crate::engine::pki::Certificate;
use crate::engine::time::Time;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a list is believed, or that it is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authenticity {
    /// Its signature is of a certificate that the pointer to it names, and was verified.
    Signed {
        /// The SHA-256 of that certificate.
        signer: [u8; 32],
    },
    /// The operator vouches for the digest of its bytes.
    Vouched,
    /// Nobody says that it is what it says it is.
    Unverified,
}

impl Authenticity {
    /// Whether anything that the list says counts.
    pub fn is_believed(&self) -> bool {
        *self != Authenticity::Unverified
    }

    /// `signed`, `vouched` or `unverified`.
    pub fn name(&self) -> &'static str {
        match self {
            Authenticity::Signed { .. } => "signed",
            Authenticity::Vouched => "vouched",
            Authenticity::Unverified => "unverified",
        }
    }
}

/// A list in use.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// What it says.
    pub list: Arc<TrustedList>,
    /// Why it is believed.
    pub authenticity: Authenticity,
}

/// The lists in use. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct TrustedLists(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    listings: Vec<Listing>,
    digest: [u8; 32],
    /// By the SHA-256 of a key: listing, provider and service, of believed lists alone.
    by_key: HashMap<[u8; 32], Vec<(usize, usize, usize)>>,
}

/// A service of a believed list that is of a certificate.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'l> {
    /// The list.
    pub listing: &'l Listing,
    /// The provider.
    pub provider: &'l Provider,
    /// The service.
    pub service: &'l Service,
    /// As it was at the time asked for; none before its first state.
    pub state: Option<&'l ServiceState>,
}

impl TrustedLists {
    /// These lists.
    pub fn new(listings: Vec<Listing>) -> TrustedLists {
        let mut by_key: HashMap<[u8; 32], Vec<(usize, usize, usize)>> = HashMap::new();
        let believed = listings.iter().enumerate();
        for (l, listing) in believed.filter(|(_, one)| one.authenticity.is_believed()) {
            for (p, provider) in listing.list.providers.iter().enumerate() {
                for (s, service) in provider.services.iter().enumerate() {
                    for certificate in service.certificates() {
                        let places = by_key.entry(sha256(certificate.spki())).or_default();
                        if !places.contains(&(l, p, s)) {
                            places.push((l, p, s));
                        }
                    }
                }
            }
        }
        let digest = digest(&listings);
        TrustedLists(Arc::new(Inner {
            listings,
            digest,
            by_key,
        }))
    }

    /// All of them, those that are not believed too.
    pub fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.0.listings.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.listings.is_empty()
    }

    /// What identifies them: the SHA-256 of the digests of the believed ones, in ascending order. None where no list is
    /// believed.
    pub fn digest(&self) -> Option<&[u8; 32]> {
        let any = self.iter().any(|one| one.authenticity.is_believed());
        any.then_some(&self.0.digest)
    }

    /// The services of `certificate`'s name and key in believed lists, each as it was at `at`.
    pub fn services_for(&self, certificate: &Certificate, at: Time) -> Vec<Listed<'_>> {
        let places = self.0.by_key.get(&sha256(certificate.spki()));
        let listed = |&(l, p, s): &(usize, usize, usize)| {
            let listing = &self.0.listings[l];
            let provider = &listing.list.providers[p];
            let service = &provider.services[s];
            Listed {
                listing,
                provider,
                service,
                state: service.at(at),
            }
        };
        let all = places.into_iter().flatten().map(listed);
        all.filter(|one| one.service.is_of(certificate)).collect()
    }
}

fn digest(listings: &[Listing]) -> [u8; 32] {
    let believed = listings.iter().filter(|one| one.authenticity.is_believed());
    let mut digests: Vec<[u8; 32]> = believed.map(|one| one.list.digest).collect();
    digests.sort_unstable();
    digests.dedup();
    sha256(&digests.concat())
}
