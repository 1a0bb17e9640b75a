//! The inputs of path validation (RFC 5280 §6.1.1) as data: object identifiers in dotted form, names by their type.

use crate::engine::evidence::Bytes;
use crate::engine::pki::Name;
use crate::engine::pki::extension::{GeneralName, GeneralSubtree};
use crate::engine::pki::path::{Inputs, Model};
use crate::engine::syntax::asn1::Oid;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    model: ModelName,
    /// user-initial-policy-set.
    policies: BTreeSet<Oid>,
    explicit_policy: bool,
    inhibit_policy_mapping: bool,
    inhibit_any_policy: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permitted_names: Vec<Subtree>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    excluded_names: Vec<Subtree>,
    anchor_constraints: bool,
    max_path_length: Option<u32>,
    longest: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ModelName {
    Shell,
    Chain,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subtree {
    base: Base,
    #[serde(default)]
    minimum: u32,
    #[serde(default)]
    maximum: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Base {
    Email(String),
    Dns(String),
    /// DER of the name.
    Directory(Bytes),
    Uri(String),
    /// Address and mask.
    Ip(Bytes),
    Other {
        tag: u32,
        content: Bytes,
    },
}

pub(super) fn serialize<S: Serializer>(inputs: &Inputs, s: S) -> Result<S::Ok, S::Error> {
    let subtrees = |all: &[GeneralSubtree]| all.iter().map(subtree).collect();
    Data {
        model: match inputs.model {
            Model::Shell => ModelName::Shell,
            Model::Chain => ModelName::Chain,
        },
        policies: inputs.user_initial_policies.clone(),
        explicit_policy: inputs.explicit_policy,
        inhibit_policy_mapping: inputs.inhibit_policy_mapping,
        inhibit_any_policy: inputs.inhibit_any_policy,
        permitted_names: subtrees(&inputs.permitted_subtrees),
        excluded_names: subtrees(&inputs.excluded_subtrees),
        anchor_constraints: inputs.anchor_constraints,
        max_path_length: inputs.max_path_length,
        longest: inputs.longest,
    }
    .serialize(s)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Inputs, D::Error> {
    let data = Data::deserialize(d)?;
    let subtrees = |all: Vec<Subtree>| -> Result<Vec<GeneralSubtree>, D::Error> {
        let read = all.into_iter().map(general_subtree);
        read.collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("a directory name is no DER of a name"))
    };
    Ok(Inputs {
        model: match data.model {
            ModelName::Shell => Model::Shell,
            ModelName::Chain => Model::Chain,
        },
        user_initial_policies: data.policies,
        inhibit_policy_mapping: data.inhibit_policy_mapping,
        explicit_policy: data.explicit_policy,
        inhibit_any_policy: data.inhibit_any_policy,
        permitted_subtrees: subtrees(data.permitted_names)?,
        excluded_subtrees: subtrees(data.excluded_names)?,
        anchor_constraints: data.anchor_constraints,
        max_path_length: data.max_path_length,
        longest: data.longest,
    })
}

fn subtree(of: &GeneralSubtree) -> Subtree {
    Subtree {
        base: match &of.base {
            GeneralName::Email(text) => Base::Email(text.clone()),
            GeneralName::Dns(text) => Base::Dns(text.clone()),
            GeneralName::Directory(name) => Base::Directory(name.bytes().into()),
            GeneralName::Uri(text) => Base::Uri(text.clone()),
            GeneralName::Ip(bytes) => Base::Ip(bytes.clone().into()),
            GeneralName::Other { tag, content } => Base::Other {
                tag: *tag,
                content: content.clone().into(),
            },
        },
        minimum: of.minimum,
        maximum: of.maximum,
    }
}

fn general_subtree(of: Subtree) -> Option<GeneralSubtree> {
    Some(GeneralSubtree {
        base: match of.base {
            Base::Email(text) => GeneralName::Email(text),
            Base::Dns(text) => GeneralName::Dns(text),
            Base::Directory(bytes) => GeneralName::Directory(Name::from_bytes(&bytes).ok()?),
            Base::Uri(text) => GeneralName::Uri(text),
            Base::Ip(bytes) => GeneralName::Ip(bytes.to_vec()),
            Base::Other { tag, content } => GeneralName::Other {
                tag,
                content: content.to_vec(),
            },
        },
        minimum: of.minimum,
        maximum: of.maximum,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Constraints;
    use super::*;

    #[test]
    fn inputs_with_names_come_back_as_they_were() {
        let subtree = |base| GeneralSubtree {
            base,
            minimum: 0,
            maximum: None,
        };
        let path = Inputs {
            model: Model::Chain,
            permitted_subtrees: vec![
                subtree(GeneralName::Dns("example.org".into())),
                subtree(GeneralName::Ip(vec![10, 0, 0, 0, 255, 0, 0, 0])),
            ],
            max_path_length: Some(1),
            ..Inputs::default()
        };
        let constraints = Constraints {
            path,
            ..Constraints::default()
        };
        let back: Constraints = serde_json::from_value(constraints.to_value()).unwrap();
        assert_eq!(back, constraints);
    }
}
