//! Validation context initialisation (EN 319 102-1 §5.2.4): by which constraints the signature is judged.
//!
//! The constraints are those of the [`Policy`] that the caller hands in. A signature policy that the signature names adds its
//! own, where its document is pinned here and is the one that was signed: what it asks of attributes is checked. Nothing is
//! fetched from where a signature says that a document is.

use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::policy::{KnownPolicy, Policy};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::{Signature, SignaturePolicy};

const CLAUSE: &str = "EN 319 102-1 §5.2.4";
/// What names the policy in a CMS signature.
const ATTRIBUTE: &str = "signature-policy-identifier";

/// What the signature policy that `signature` names comes to.
pub(super) fn initialise(signature: &Signature, policy: &Policy) -> Vec<Finding> {
    let Some(named) = &signature.policy else {
        let properties = &signature.properties;
        let unreadable = properties.is_signed(ATTRIBUTE) && !properties.policy_implied;
        return Vec::from_iter(unreadable.then(|| processing_error("signature_policy.malformed")));
    };
    let mut findings = match policy.signature_policies.find(&named.id) {
        Some(known) => known_policy(signature, named, known),
        None => vec![unknown_policy(named)],
    };
    let about = findings.iter_mut().filter(|f| f.found.is_empty());
    about.for_each(|finding| finding.found = named.id.to_string());
    findings
}

fn processing_error(check: &str) -> Finding {
    Finding::negative(check, CLAUSE, SubIndication::PolicyProcessingError)
}

fn note(check: &str) -> Finding {
    Finding::new(check, CLAUSE, Outcome::Note)
}

/// A policy whose document is pinned: the digest that was signed must be that of the document.
fn known_policy(
    signature: &Signature,
    named: &SignaturePolicy,
    known: &KnownPolicy,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &named.digest {
        // An empty digest says that the signer did not know it (TS 101 733 §5.8.1).
        Some((_, value)) if value.is_empty() => findings.push(note("signature_policy.no_digest")),
        None if named.unreadable_digest => {
            return vec![processing_error("signature_policy.malformed")];
        }
        None => findings.push(note("signature_policy.no_digest")),
        Some((algorithm, value)) => {
            match known.has_digest(*algorithm, value) {
                Some(true) => {}
                Some(false) => return vec![mismatch(named)],
                // Nothing says whether it is the same document.
                None => return vec![unknown_policy(named)],
            }
            if matches!(algorithm, DigestAlgorithm::Sha1 | DigestAlgorithm::Md5) {
                findings.push(note("signature_policy.weak_digest").expected(algorithm));
            }
        }
    }
    if stored_differs(named) {
        return vec![mismatch(named)];
    }
    // A counter-signature has no content whose attributes a policy could ask for (RFC 5652 §11.4).
    let rules = known.rules(signature.level.family);
    let rules = rules.filter(|_| signature.countersigns.is_none());
    let properties = &signature.properties;
    let missing = rules.iter().flat_map(|rules| rules.missing(properties));
    let missing = missing.map(|name| ("signature_policy.attribute_missing", name));
    let present = rules.iter().flat_map(|rules| rules.present(properties));
    let present = present.map(|name| ("signature_policy.attribute_forbidden", name));
    let against: Vec<Finding> = missing
        .chain(present)
        .map(|(check, name)| {
            Finding::negative(check, CLAUSE, SubIndication::SigConstraintsFailure).element(name)
        })
        .collect();
    if against.is_empty() {
        let applied = Finding::new("signature_policy.applied", CLAUSE, Outcome::Passed);
        findings.push(applied.element(&known.name));
    }
    findings.extend(against);
    findings
}

/// A policy that is not pinned: its document may have come with the signature, and is then what was signed or another.
fn unknown_policy(named: &SignaturePolicy) -> Finding {
    match &named.stored {
        Some(_) if stored_differs(named) => mismatch(named),
        Some(_) => note("signature_policy.stored"),
        None => note("signature_policy.not_available"),
    }
}

fn stored_differs(named: &SignaturePolicy) -> bool {
    let signed = named.digest.as_ref().map(|(_, value)| value);
    named.stored.is_some() && named.stored.as_ref() != signed
}

fn mismatch(named: &SignaturePolicy) -> Finding {
    let algorithm = named.digest.as_ref().map(|(algorithm, _)| algorithm.name());
    processing_error("signature_policy.digest_mismatch").expected(algorithm.unwrap_or_default())
}
