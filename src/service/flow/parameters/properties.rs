//! What is signed beside the content, as callers write it: policy, commitments, roles, place, hints.
//!
//! EN 319 122-1 §5.2. In: JSON. Out: the engine's [`Properties`]. Which of them a format has a place for, the format says.

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::formats::{
    CommitmentType, ContentHints, PolicyIdentifier, ProductionPlace, Properties,
};
use crate::engine::pki::signature_policy::AGE_1_9;
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::hex::from_hex;
use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};

/// Commitments, roles and lines of one signature, each.
const MOST: usize = 6;
/// Characters of one text of a signature.
pub(super) const MOST_TEXT: usize = 500;

/// A signature policy: one that is known here by name, or any.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum PolicyWanted {
    /// `age-1.9`.
    Named(NamedPolicy),
    /// By identifier and digest.
    Explicit(ExplicitPolicy),
}

/// A policy that is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum NamedPolicy {
    /// Política de firma electrónica y de certificados de la AGE, 1.9.
    #[serde(rename = "age-1.9")]
    Age19,
}

/// A policy by identifier and digest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ExplicitPolicy {
    pub id: Oid,
    /// By which algorithm the document was digested.
    pub digest_algorithm: DigestAlgorithm,
    /// The digest of the document, in hexadecimal digits.
    pub digest: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_notice: Option<String>,
}

/// Where it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postal_address: Vec<String>,
}

/// What the content is, for whoever shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Hints {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub content_type: Oid,
}

/// What is signed beside the content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PropertiesWanted {
    /// The signature policy that is followed (EPES).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_policy: Option<PolicyWanted>,
    /// `proof-of-origin` and its like, or an identifier in dotted form.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commitment_types: Vec<String>,
    /// Roles that the signer claims.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claimed_roles: Vec<String>,
    /// Where it is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub production_place: Option<Place>,
    /// What the content is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_hints: Option<Hints>,
    /// The media type of the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Whether the content is time-stamped before it is signed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub content_timestamp: bool,
    /// Whether the algorithms are protected too (RFC 6211).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub algorithm_protection: bool,
}

impl PropertiesWanted {
    /// As formats take them; without the content's time-stamp, which an authority must make first.
    pub(super) fn properties(&self) -> Result<Properties> {
        self.check()?;
        let commitments = self.commitment_types.iter().map(|one| commitment(one));
        Ok(Properties {
            policy: self.signature_policy.as_ref().map(policy).transpose()?,
            commitment_types: commitments.collect::<Result<_>>()?,
            claimed_roles: self.claimed_roles.clone(),
            production_place: self.production_place.as_ref().map(|place| ProductionPlace {
                country: place.country.clone(),
                locality: place.locality.clone(),
                postal_address: place.postal_address.clone(),
            }),
            content_hints: self.content_hints.as_ref().map(|hints| ContentHints {
                description: hints.description.clone(),
                content_type: hints.content_type,
            }),
            mime_type: self.mime_type.clone(),
            algorithm_protection: self.algorithm_protection,
            ..Properties::default()
        })
    }

    fn check(&self) -> Result<()> {
        let place = self.production_place.clone().unwrap_or_default();
        let lists = [
            ("commitment_types", &self.commitment_types),
            ("claimed_roles", &self.claimed_roles),
            ("production_place.postal_address", &place.postal_address),
        ];
        for (name, list) in lists {
            if list.len() > MOST {
                return Err(Error::limit(name, "has more than 6 values").remedy("Send fewer."));
            }
            list.iter().try_for_each(|text| check_text(name, text))?;
        }
        let hints = self.content_hints.as_ref();
        let texts = [
            ("mime_type", &self.mime_type),
            ("production_place.country", &place.country),
            ("production_place.locality", &place.locality),
            (
                "content_hints.description",
                &hints.and_then(|h| h.description.clone()),
            ),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                check_text(name, text)?;
            }
        }
        Ok(())
    }
}

/// One line, of a length that people read.
pub(super) fn check_text(name: &'static str, text: &str) -> Result<()> {
    if text.chars().count() > MOST_TEXT {
        return Err(
            Error::limit(name, "longer than 500 characters").remedy("Say it in fewer words.")
        );
    }
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(Error::invalid(name, "is empty or holds control characters")
            .remedy("Leave it out, or write it on one line."));
    }
    Ok(())
}

fn policy(wanted: &PolicyWanted) -> Result<PolicyIdentifier> {
    let explicit = match wanted {
        PolicyWanted::Named(NamedPolicy::Age19) => {
            let known = PolicyIdentifier::of(&AGE_1_9, DigestAlgorithm::Sha256);
            return known.ok_or_else(|| Error::internal("signature policy", "has no digest"));
        }
        PolicyWanted::Explicit(explicit) => explicit,
    };
    for (name, text) in [
        ("signature_policy.uri", &explicit.uri),
        ("signature_policy.user_notice", &explicit.user_notice),
    ] {
        if let Some(text) = text {
            check_text(name, text)?;
        }
    }
    let algorithm = explicit.digest_algorithm;
    let digest = digest_of(&explicit.digest, algorithm.length()).ok_or_else(|| {
        Error::invalid(
            "signature_policy.digest",
            format!("is not a digest of {algorithm} in hexadecimal digits"),
        )
        .remedy("Digest the document of the policy itself.")
    })?;
    Ok(PolicyIdentifier {
        id: explicit.id,
        digest: (algorithm, digest),
        uri: explicit.uri.clone(),
        user_notice: explicit.user_notice.clone(),
    })
}

fn digest_of(text: &str, length: usize) -> Option<Vec<u8>> {
    if text.len() != 2 * length || !text.is_ascii() {
        return None;
    }
    let pair = |at: usize| from_hex::<1>(text.get(at..at + 2)?).map(|[byte]| byte);
    (0..text.len()).step_by(2).map(pair).collect()
}

fn commitment(name: &str) -> Result<CommitmentType> {
    use CommitmentType as C;
    Ok(match name {
        "proof-of-origin" => C::ProofOfOrigin,
        "proof-of-receipt" => C::ProofOfReceipt,
        "proof-of-delivery" => C::ProofOfDelivery,
        "proof-of-sender" => C::ProofOfSender,
        "proof-of-approval" => C::ProofOfApproval,
        "proof-of-creation" => C::ProofOfCreation,
        other => C::Other(Oid::from_dotted(other).map_err(|_| {
            Error::invalid("commitment_types", "holds one that is not known").remedy(
                "Send proof-of-origin, -receipt, -delivery, -sender, -approval, -creation, or an OID.",
            )
        })?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Result<Properties> {
        let wanted: PropertiesWanted = serde_json::from_value(json).unwrap();
        wanted.properties()
    }

    #[test]
    fn what_callers_write_is_what_formats_take() {
        let properties = read(serde_json::json!({
            "signature_policy": "age-1.9",
            "commitment_types": ["proof-of-origin", "1.2.3.4"],
            "claimed_roles": ["tercero"],
            "production_place": {"country": "ES", "locality": "Málaga"},
            "content_hints": {"content_type": "1.2.840.113549.1.7.1", "description": "PDF"},
            "mime_type": "text/xml",
        }))
        .unwrap();
        let policy = properties.policy.unwrap();
        assert_eq!(policy.id, AGE_1_9.id);
        assert_eq!(policy.digest.0, DigestAlgorithm::Sha256);
        assert_eq!(properties.commitment_types.len(), 2);
        assert_eq!(
            properties.production_place.unwrap().country.as_deref(),
            Some("ES")
        );
    }

    #[test]
    fn what_is_impossible_is_named() {
        let digest = |digest: &str| {
            serde_json::json!({"signature_policy":
                {"id": "1.2.3", "digest_algorithm": "SHA-256", "digest": digest}})
        };
        for (json, element) in [
            (digest("00"), "signature_policy.digest"),
            (digest(&"zz".repeat(32)), "signature_policy.digest"),
            (digest(&"é".repeat(32)), "signature_policy.digest"),
            (
                serde_json::json!({"commitment_types": ["x"]}),
                "commitment_types",
            ),
            (
                serde_json::json!({"claimed_roles": vec!["a"; 7]}),
                "claimed_roles",
            ),
            (serde_json::json!({"claimed_roles": [""]}), "claimed_roles"),
            (serde_json::json!({"mime_type": "a\nb"}), "mime_type"),
        ] {
            assert_eq!(read(json).unwrap_err().element(), element);
        }
        assert!(read(digest(&"0f".repeat(32))).is_ok());
    }
}
