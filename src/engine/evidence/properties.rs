//! What stands beside a signature's value and says something of it: attributes by name, and the values that policies ask for.

use crate::engine::syntax::asn1::Oid;
use serde::{Deserialize, Serialize};

/// The properties of one signature, as found. Which of them must be there is a policy's to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Properties {
    /// What is signed beside the content, sorted, by the standard's names (`signing-time`), entries of a PDF's signature
    /// dictionary with their slash (`/M`), and what has no name here in dotted form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub signed: Vec<String>,
    /// What stands beside it unsigned, in the same way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unsigned: Vec<String>,
    /// The type of the content that was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Oid>,
    /// What the content is said to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hints: Option<ContentHints>,
    /// The media type that the content is said to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// What the signature commits its signer to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commitment_types: Vec<Oid>,
    /// Roles that the signer claims and nobody certifies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed_roles: Vec<String>,
    /// Whether the signature policy is said to be implied.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub policy_implied: bool,
}

/// `ContentHints` (RFC 2634 §2.9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ContentHints {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub content_type: Oid,
}

impl Properties {
    /// Whether a signed property of this name is there.
    pub fn is_signed(&self, name: &str) -> bool {
        self.signed.iter().any(|one| one == name)
    }

    /// Adds a signed property, keeping their order.
    pub fn add_signed(&mut self, name: &str) {
        if let Err(place) = self.signed.binary_search_by(|one| one.as_str().cmp(name)) {
            self.signed.insert(place, name.to_string());
        }
    }
}
