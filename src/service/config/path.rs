//! `[path]`: by what certification paths are validated (RFC 5280 §6.1.1). Subtrees of names are the library's alone.

use super::Fault;
use crate::engine::Result;
use crate::engine::pki::path::{Inputs, Model};
use crate::engine::syntax::asn1::Oid;
use serde::{Deserialize, Serialize};

/// `[path]`: by what certification paths are validated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathSettings {
    /// When each certificate of a path must have been valid.
    pub model: PathModel,
    /// The policies that are acceptable, in dotted form; none for any.
    pub policies: Vec<String>,
    /// Whether a path must be valid for one of them.
    pub explicit_policy: bool,
    /// Whether policies may not be mapped to others.
    pub inhibit_policy_mapping: bool,
    /// Whether anyPolicy stands for no other.
    pub inhibit_any_policy: bool,
}

/// When each certificate of a path must have been valid (EN 319 102-1 §5.2.6.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PathModel {
    /// All of them at the instant of validation.
    #[default]
    Shell,
    /// Each when it was used.
    Chain,
}

impl PathSettings {
    /// The inputs of RFC 5280 §6.1.1. Errors: a policy that is no object identifier.
    pub fn inputs(&self) -> Result<Inputs> {
        let mut inputs = Inputs {
            model: match self.model {
                PathModel::Shell => Model::Shell,
                PathModel::Chain => Model::Chain,
            },
            explicit_policy: self.explicit_policy,
            inhibit_policy_mapping: self.inhibit_policy_mapping,
            inhibit_any_policy: self.inhibit_any_policy,
            ..Inputs::default()
        };
        if !self.policies.is_empty() {
            let named = self.policies.iter().map(|one| Oid::from_dotted(one));
            inputs.user_initial_policies = named.collect::<Result<_>>()?;
        }
        Ok(inputs)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        match self.inputs() {
            Ok(_) => Ok(()),
            Err(_) => super::fault(
                "path.policies",
                "holds what is no object identifier such as 2.16.724.1.3.5.7.2",
            ),
        }
    }
}
