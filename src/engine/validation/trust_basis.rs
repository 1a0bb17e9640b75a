//! Whom a verdict trusted, so that whoever reads it can tell whether another was computed on the same basis.

use super::policy::Policy;
use crate::engine::crypto::sha256;
use crate::engine::evidence::ObjectId;
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};

/// Anchors and trusted lists that a verdict was computed from, by their digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustBasis {
    /// Of anchors, lists and what the operator declares qualified together: equal where all are.
    pub digest: ObjectId,
    /// Of the snapshot of trusted lists: SHA-256 over the digests of its believed lists. None where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<ObjectId>,
    /// The believed lists of that snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListUsed>,
}

/// A trusted list in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUsed {
    /// Its scheme territory: `ES`.
    pub territory: String,
    /// Its sequence number.
    pub sequence: u64,
    /// SHA-256 of its bytes.
    pub digest: ObjectId,
    /// Why it is believed: `signed` or `vouched`.
    pub authenticity: String,
    /// When it was issued.
    pub issued: Option<Time>,
    /// When it was to be replaced; none in a list that was closed.
    pub next_update: Option<Time>,
    /// Whether that was past when the verdict was computed.
    pub expired: bool,
}

impl TrustBasis {
    /// What a verdict by `policy` at `now` is computed from.
    pub fn of(policy: &Policy, now: Time) -> TrustBasis {
        let snapshot = policy.lists.digest().copied();
        // Whom the operator declares qualified is trust too; where there is none, the digest is of anchors and lists alone.
        let mut all = vec![policy.anchors.digest(), snapshot.unwrap_or_default()];
        all.extend(&policy.qualified_anchors);
        let believed = policy
            .lists
            .iter()
            .filter(|one| one.authenticity.is_believed());
        let used = believed.map(|one| ListUsed {
            territory: one.list.scheme.territory.clone().unwrap_or_default(),
            sequence: one.list.scheme.sequence.unwrap_or_default(),
            digest: ObjectId(one.list.digest),
            authenticity: one.authenticity.name().to_string(),
            issued: one.list.scheme.issued,
            next_update: one.list.scheme.next_update,
            expired: one.list.is_expired(now),
        });
        TrustBasis {
            digest: ObjectId(sha256(&all.concat())),
            snapshot: snapshot.map(ObjectId),
            lists: used.collect(),
        }
    }
}
