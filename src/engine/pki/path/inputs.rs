//! What a path is validated by, besides the path, the instant and the anchors (RFC 5280 §6.1.1).

use crate::engine::pki::extension::GeneralSubtree;
use crate::engine::syntax::asn1::{Oid, names};
use std::collections::BTreeSet;

/// Certificates on a path at most, anchor included. Public hierarchies have four; the bound keeps the walk shallow.
pub const LONGEST: usize = 16;

/// When each certificate of a path must have been valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Model {
    /// All of them at the instant of validation (RFC 5280 §6.1.3(a)(2)).
    #[default]
    Shell,
    /// Each when it was used: the certificate itself at the instant, an authority's when it issued the next one
    /// (EN 319 102-1 §5.2.6.4, validity model).
    Chain,
}

/// The inputs of RFC 5280 §6.1.1 (c) and (e) to (i), and what paths may look like. By default nothing is restricted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inputs {
    /// Shell or chain model.
    pub model: Model,
    /// user-initial-policy-set: `anyPolicy` in it means any.
    pub user_initial_policies: BTreeSet<Oid>,
    /// initial-policy-mapping-inhibit.
    pub inhibit_policy_mapping: bool,
    /// initial-explicit-policy.
    pub explicit_policy: bool,
    /// initial-any-policy-inhibit.
    pub inhibit_any_policy: bool,
    /// initial-permitted-subtrees: names of a type that occurs here must lie in one of its type; other types are free.
    pub permitted_subtrees: Vec<GeneralSubtree>,
    /// initial-excluded-subtrees.
    pub excluded_subtrees: Vec<GeneralSubtree>,
    /// Whether constraints in the certificate of the anchor bind the path too (RFC 5937 §3).
    pub anchor_constraints: bool,
    /// Intermediate certificates on the path at most, those not counted that are self-issued (RFC 5280 §6.1.2(k)).
    pub max_path_length: Option<u32>,
    /// Certificates on the path at most, anchor included; never more than [`LONGEST`].
    pub longest: usize,
}

impl Default for Inputs {
    fn default() -> Self {
        Inputs {
            model: Model::Shell,
            user_initial_policies: BTreeSet::from([names::ANY_POLICY]),
            inhibit_policy_mapping: false,
            explicit_policy: false,
            inhibit_any_policy: false,
            permitted_subtrees: Vec::new(),
            excluded_subtrees: Vec::new(),
            anchor_constraints: true,
            max_path_length: None,
            longest: LONGEST,
        }
    }
}
