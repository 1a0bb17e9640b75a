//! Signature policies whose documents are pinned (EN 319 102-1 §5.2.4): what a signature that names one may be held against.
//!
//! A document is known by its digests and is never fetched: the address that a signature gives is the signer's word, and
//! what lies there may be replaced. `signature-policies.json` has the policy of the Spanish administration (AGE, NTI of
//! electronic signature): version 1.9 with its rules, version 1.8 by the digest. An operator adds documents of others.

use crate::engine::crypto::{DigestAlgorithm, digest, sha256};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{Bytes, Family, Properties};
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::json::canonical_json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The signature policies that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePolicies(Arc<Known>);

#[derive(Debug, PartialEq, Eq)]
struct Known {
    all: Vec<KnownPolicy>,
    digest: [u8; 32],
}

/// A signature policy whose document is pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownPolicy {
    /// What it is called.
    pub id: Oid,
    /// For people.
    pub name: String,
    /// The digests of its document; several by one algorithm where several forms of it are in use.
    pub digests: Vec<(DigestAlgorithm, Bytes)>,
    /// What it asks of the attributes of a signature, by family.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, AttributeRules>,
}

/// What a signature policy asks of the attributes of a signature.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AttributeRules {
    /// Those that must be signed, by the standard's names; alternatives are separated by `|`.
    pub required: Vec<String>,
    /// Those that must not be there, signed or not.
    pub forbidden: Vec<String>,
}

impl AttributeRules {
    /// The required ones that are missing.
    pub fn missing<'a>(&'a self, found: &'a Properties) -> impl Iterator<Item = &'a str> {
        missing(&self.required, found)
    }

    /// The forbidden ones that are there.
    pub fn present<'a>(&'a self, found: &'a Properties) -> impl Iterator<Item = &'a str> {
        let names = self.forbidden.iter().map(String::as_str);
        names.filter(|name| found.is_signed(name) || found.unsigned.iter().any(|one| one == name))
    }
}

/// Of `required`, each with alternatives separated by `|`, those that are not signed.
pub(in crate::engine::validation) fn missing<'a>(
    required: &'a [String],
    found: &'a Properties,
) -> impl Iterator<Item = &'a str> {
    let names = required.iter().map(String::as_str);
    names.filter(|name| !name.split('|').any(|one| found.is_signed(one)))
}

impl KnownPolicy {
    /// A policy by its document: an operator's. No rules of its own are known of it.
    pub fn of_document(id: Oid, name: impl Into<String>, document: &[u8]) -> KnownPolicy {
        let digests = DigestAlgorithm::ALL.iter();
        KnownPolicy {
            id,
            name: name.into(),
            digests: digests
                .map(|algorithm| (*algorithm, digest(*algorithm, document).into()))
                .collect(),
            attributes: BTreeMap::new(),
        }
    }

    /// Whether this is a digest of its document: none where no digest by the algorithm is pinned.
    pub fn has_digest(&self, algorithm: DigestAlgorithm, value: &[u8]) -> Option<bool> {
        let mut own = self.digests.iter().filter(|(a, _)| *a == algorithm);
        let first = own.next()?;
        Some(first.1[..] == *value || own.any(|(_, digest)| digest[..] == *value))
    }

    /// What it asks of the attributes of a signature of this family.
    pub fn rules(&self, family: Family) -> Option<&AttributeRules> {
        self.attributes.get(match family {
            Family::Cades => "CAdES",
            Family::Pades => "PAdES",
            Family::Xades => "XAdES",
        })
    }
}

static SHIPPED: LazyLock<SignaturePolicies> = LazyLock::new(|| {
    let read = serde_json::from_str(include_str!("signature-policies.json"));
    SignaturePolicies::of(read.expect("the policies are compiled in, and a test reads them"))
});

impl Default for SignaturePolicies {
    /// Those that ship.
    fn default() -> Self {
        SHIPPED.clone()
    }
}

impl SignaturePolicies {
    /// The same with an operator's. Errors: a policy of that identifier is known already.
    pub fn with(self, policy: KnownPolicy) -> Result<SignaturePolicies> {
        if self.find(&policy.id).is_some() {
            return Err(Error::invalid(
                format!("signature policy {}", policy.id),
                "is known already",
            )
            .remedy("Name each policy once; those of the AGE are built in."));
        }
        let mut all = self.0.all.clone();
        all.push(policy);
        Ok(SignaturePolicies::of(all))
    }

    /// The policy of this identifier.
    pub fn find(&self, id: &Oid) -> Option<&KnownPolicy> {
        self.0.all.iter().find(|policy| policy.id == *id)
    }

    /// SHA-256 of them as canonical JSON (RFC 8785).
    pub fn digest(&self) -> &[u8; 32] {
        &self.0.digest
    }

    fn of(all: Vec<KnownPolicy>) -> SignaturePolicies {
        let value = serde_json::to_value(&all).unwrap_or_default();
        let digest = sha256(&canonical_json(&value).unwrap_or_default());
        SignaturePolicies(Arc::new(Known { all, digest }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_age_is_known_by_each_digest() {
        let known = SignaturePolicies::default();
        let id = Oid::from_dotted("2.16.724.1.3.1.1.2.1.9").unwrap();
        let age = known.find(&id).unwrap();
        let lengths = age
            .digests
            .iter()
            .map(|(a, value)| (a.length(), value.len()));
        assert!(lengths.clone().all(|(expected, found)| expected == found));
        assert_eq!(lengths.count(), 5);
        let sha1 = &age.digests[0];
        assert_eq!(age.has_digest(sha1.0, &sha1.1), Some(true));
        assert_eq!(age.has_digest(sha1.0, &[0; 20]), Some(false));
        assert_eq!(age.has_digest(DigestAlgorithm::Md5, &[0; 16]), None);
        assert!(
            age.rules(Family::Pades)
                .unwrap()
                .forbidden
                .contains(&"/Cert".to_string())
        );
        let error = known.clone().with(age.clone()).unwrap_err();
        assert!(error.problem().contains("already"));
        let other = Oid::from_dotted("1.2.3.4").unwrap();
        let more = known
            .clone()
            .with(KnownPolicy::of_document(other, "own", b"text"))
            .unwrap();
        assert_ne!(more.digest(), known.digest());
        let own = more.find(&other).unwrap();
        let sha512 = digest(DigestAlgorithm::Sha512, b"text");
        assert_eq!(own.has_digest(DigestAlgorithm::Sha512, &sha512), Some(true));
    }
}
