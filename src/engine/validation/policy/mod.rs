//! The validation policy: whom to trust, and by which constraints to judge (EN 319 102-1 §5.1.4), as frozen data.
//!
//! In: [`Constraints`] from JSON, or a preset. Out: a [`Policy`] with the digest of everything in it that a verdict hangs
//! on beside trust, which has a digest of its own ([`TrustBasis`](super::TrustBasis)).

mod algorithms;
mod constraints;
mod path;

pub use algorithms::{Acceptance, AlgorithmConstraints};
pub use constraints::{Constraints, Level, Revocation};

use super::finding::Finding;
use crate::engine::crypto::sha256;
use crate::engine::evidence::ObjectId;
use crate::engine::pki::path::{Inputs, Model};
use crate::engine::pki::trust::{Anchors, TrustedLists};
use crate::engine::syntax::json::canonical_json;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A validation policy.
#[derive(Debug, Clone)]
pub struct Policy {
    /// By what signatures are judged.
    pub constraints: Constraints,
    /// Which algorithms were acceptable until when.
    pub algorithms: AlgorithmConstraints,
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
}

impl Policy {
    /// The policy that the product applies by itself, with these anchors.
    pub fn baseline(anchors: Anchors) -> Policy {
        Policy {
            constraints: Constraints::default(),
            algorithms: AlgorithmConstraints::default(),
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

    /// What the policy makes of a finding: none where the check is ignored.
    pub fn weigh(&self, finding: Finding) -> Option<Finding> {
        Some(finding)
    }

    /// SHA-256 of the constraints as canonical JSON (RFC 8785). Trust is not in it.
    pub fn digest(&self) -> [u8; 32] {
        let value = self.constraints.to_value();
        // Numbers beyond the canonical form's cannot be read from a file; a caller's have their plain form.
        sha256(&canonical_json(&value).unwrap_or_else(|_| value.to_string().into_bytes()))
    }

    /// Its name and digest.
    pub fn used(&self) -> PolicyUsed {
        PolicyUsed {
            name: self.constraints.name.clone(),
            digest: ObjectId(self.digest()),
        }
    }

    /// The same by other inputs of paths. Its name says what of them is not the default, so that reports do.
    #[must_use]
    pub fn with_path(self, inputs: Inputs) -> Policy {
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
        let told = told.into_iter().filter(|(differs, _)| *differs);
        self.constrained(|constraints| {
            for (_, what) in told {
                constraints.name += &format!(", {what}");
            }
            constraints.path = inputs;
        })
    }
}
