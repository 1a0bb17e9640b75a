//! The validation policy: whom to trust, and by which constraints to judge (EN 319 102-1 §5.1.4), as frozen data.
//!
//! In: [`Constraints`] from JSON, or a preset; a catalogue of algorithms; signature policies whose documents are pinned. Out: a
//! [`Policy`] with the digest of everything in it that a verdict hangs on beside trust, which has a digest of its own
//! ([`TrustBasis`](super::TrustBasis)), and what the policy makes of a finding.

mod algorithms;
mod checks;
mod constraints;
mod path;
mod signature_policies;

pub use algorithms::{Acceptance, AlgorithmCatalogue, CatalogueUsed};
pub use checks::{weighable, why_fixed};
pub use constraints::{
    CertificateConstraints, Constraints, FILE_BYTES, Frozen, KeyUsageName, Level, MinimumLevel,
    Revocation, SignatureConstraints, TimestampConstraints,
};
pub(super) use signature_policies::missing as attributes_missing;
pub use signature_policies::{AttributeRules, KnownPolicy, SignaturePolicies};

use super::finding::{Finding, Outcome};
use crate::engine::crypto::sha256;
use crate::engine::evidence::ObjectId;
use crate::engine::limits::Limits;
use crate::engine::pki::path::{Inputs, Model};
use crate::engine::pki::trust::{Anchors, TrustedLists};
use crate::engine::syntax::json::canonical_json;
use checks::{Natural, natural};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The JSON Schema of [`Constraints`].
pub const SCHEMA: &str = include_str!("schema.json");

/// A validation policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// By what signatures are judged; of a copy they cost nothing until they are changed.
    pub constraints: Frozen<Remembered>,
    /// Which algorithms were acceptable until when.
    pub algorithms: AlgorithmCatalogue,
    /// The signature policies that are known.
    pub signature_policies: SignaturePolicies,
    /// Bounds on reading documents; not part of what is judged by.
    pub limits: Limits,
    /// Whom paths may end at.
    pub anchors: Anchors,
    /// What trusted lists say of services, anchors or not.
    pub lists: TrustedLists,
    /// SHA-256 of the anchors whose certificates the operator declares qualified, where they say so themselves and no list
    /// knows them.
    pub qualified_anchors: BTreeSet<[u8; 32]>,
}

/// Which policy a verdict was computed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUsed {
    /// Its name.
    pub name: String,
    /// SHA-256 of its canonical form ([`Policy::digest`]).
    pub digest: ObjectId,
    /// The catalogue of algorithms, which the digest covers too.
    pub algorithms: CatalogueUsed,
}

/// What was computed of constraints together with a catalogue of algorithms and signature policies, by their digests.
#[derive(Debug, Clone)]
pub struct Remembered {
    algorithms: ObjectId,
    signature_policies: [u8; 32],
    digest: [u8; 32],
}

impl Policy {
    /// The policy that the product applies by itself, with these anchors.
    pub fn baseline(anchors: Anchors) -> Policy {
        Policy {
            constraints: Constraints::default().into(),
            algorithms: AlgorithmCatalogue::default(),
            signature_policies: SignaturePolicies::default(),
            limits: Limits::default(),
            anchors,
            lists: TrustedLists::default(),
            qualified_anchors: BTreeSet::new(),
        }
    }

    /// The same with other constraints.
    #[must_use]
    pub fn constrained(mut self, change: impl FnOnce(&mut Constraints)) -> Policy {
        change(&mut self.constraints);
        self
    }

    /// The same by other inputs of paths. Its name says what of them is not the default, so that reports do.
    #[must_use]
    pub fn with_path(self, inputs: Inputs) -> Policy {
        self.constrained(|constraints| constraints.set_path(inputs))
    }

    /// A finding by the weight that the policy gives to its check; none where the policy does not look at it. What holds stays
    /// as it is, and so does a check that cannot be weighed. Weighing twice changes nothing.
    pub fn weigh(&self, finding: Finding) -> Option<Finding> {
        let (Some(natural), Some(level)) = (
            natural(&finding.check),
            self.constraints.level(&finding.check),
        ) else {
            return Some(finding);
        };
        if finding.outcome == Outcome::Passed {
            return Some(finding);
        }
        let lesser = |outcome| Finding {
            outcome,
            sub_indication: None,
            ..finding.clone()
        };
        match (level, natural) {
            (Level::Ignore, _) => None,
            (Level::Fail, Natural::Tells(sub) | Natural::Warns(sub)) if !finding.is_negative() => {
                let raised = Finding::negative("", "", sub);
                Some(Finding {
                    outcome: raised.outcome,
                    sub_indication: raised.sub_indication,
                    ..finding
                })
            }
            // A check that fails by its clause may have been found in a lesser form, which is not raised.
            (Level::Fail, _) => Some(finding),
            (Level::Warn, Natural::Fails) if !finding.is_negative() => Some(finding),
            (Level::Warn, _) => Some(lesser(Outcome::Warning)),
            (Level::Inform, _) => Some(lesser(Outcome::Note)),
        }
    }

    /// What a verdict hangs on beside trust: the constraints, and of catalogue and signature policies the digests.
    pub fn to_value(&self) -> Value {
        json!({
            "constraints": self.constraints.to_value(),
            "algorithms": self.algorithms.used(),
            "signature_policies": ObjectId(*self.signature_policies.digest()),
        })
    }

    /// SHA-256 of [`Policy::to_value`] as canonical JSON (RFC 8785). Trust is not in it.
    pub fn digest(&self) -> [u8; 32] {
        let algorithms = self.algorithms.used().digest;
        let signature_policies = *self.signature_policies.digest();
        let remembered = self.constraints.computed(|| Remembered {
            algorithms,
            signature_policies,
            digest: self.compute_digest(),
        });
        let own = (remembered.algorithms, remembered.signature_policies);
        match own == (algorithms, signature_policies) {
            true => remembered.digest,
            false => self.compute_digest(),
        }
    }

    fn compute_digest(&self) -> [u8; 32] {
        let value = self.to_value();
        // Numbers beyond the canonical form's cannot be read from a file; a caller's have their plain form.
        sha256(&canonical_json(&value).unwrap_or_else(|_| value.to_string().into_bytes()))
    }

    /// The same, where revocation must be known and an open status is told as open, whatever a signature may be forgiven.
    pub(super) fn demanding_revocation(&self) -> Cow<'_, Policy> {
        let lenient = |(check, level): (&'static str, Level)| {
            check.starts_with("revocation.") && self.constraints.level(check) != Some(level)
        };
        let demands = self.constraints.revocation == Revocation::Required;
        if demands && !weighable().any(lenient) {
            return Cow::Borrowed(self);
        }
        Cow::Owned(self.clone().constrained(|constraints| {
            constraints.revocation = Revocation::Required;
            let of_revocation = |check: &str| check.starts_with("revocation.");
            constraints.checks.retain(|check, _| !of_revocation(check));
        }))
    }

    /// Its name and digest.
    pub fn used(&self) -> PolicyUsed {
        PolicyUsed {
            name: self.constraints.name.clone(),
            digest: ObjectId(self.digest()),
            algorithms: self.algorithms.used().clone(),
        }
    }
}

impl Constraints {
    /// The same by other inputs of paths. The name says what of them is not the default, so that reports do.
    pub fn set_path(&mut self, inputs: Inputs) {
        let usual = Inputs::default();
        let policies: Vec<String> = inputs
            .user_initial_policies
            .difference(&usual.user_initial_policies)
            .map(ToString::to_string)
            .collect();
        let told = [
            (inputs.model == Model::Chain, "chain model".to_string()),
            (
                !policies.is_empty(),
                format!("policies {}", policies.join(" ")),
            ),
            (inputs.explicit_policy, "explicit policy".to_string()),
            (
                inputs.inhibit_policy_mapping,
                "no policy mapping".to_string(),
            ),
            (inputs.inhibit_any_policy, "no anyPolicy".to_string()),
        ];
        for (_, what) in told.iter().filter(|(differs, _)| *differs) {
            self.name += &format!(", {what}");
        }
        self.path = inputs;
    }
}
