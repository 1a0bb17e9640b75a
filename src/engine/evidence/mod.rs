//! `Evidence`: all that a verdict is computed from, as plain, content-addressed, serialisable data.
//!
//! `formats` finds what stands here and computes digests; `validation` judges it; neither imports the other. Evidence
//! keeps the original bytes of every certificate, list, response and token, so that a verdict can be computed again,
//! years later and offline, from one file. The signed documents themselves are not in it, only their digests.

mod excerpt;
mod object;
mod poe;
mod pool;
mod properties;
mod record;
mod replay;
mod signature;

pub use excerpt::Originals;
pub use object::{Bytes, Object, ObjectId, ObjectKind, Origin};
pub use poe::{Proof, ProofOfExistence, ProofsOfExistence};
pub use pool::Pool;
pub use properties::{ContentHints, Properties};
pub use record::{ArchiveTimestamp, EvidenceRecord, RecordPlace};
pub use replay::{Judgement, export, import, read, write};
pub use signature::{
    CertificateReference, ChangeKind, Family, Fault, LaterChange, Level, Reference, Scope,
    ScopeKind, Severity, Signature, SignaturePolicy, SignedData, SignerReference, Tier, Timestamp,
    TimestampKind,
};

use serde::{Deserialize, Serialize};

/// What was found in one document, and what was gathered to judge it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The format that recognised the document: `PAdES`, `CAdES`, `ASiC-E`.
    pub format: String,
    /// SHA-256 of the document.
    pub document: ObjectId,
    /// Length of the document in bytes.
    pub size: u64,
    /// What is wrong with the document as a whole.
    pub faults: Vec<Fault>,
    /// Its signatures, in the order of the document.
    pub signatures: Vec<Signature>,
    /// Time-stamps over the document itself (PAdES document time-stamps), in order.
    pub timestamps: Vec<Timestamp>,
    /// Evidence records about its signatures or what they cover (RFC 4998), in the document or given beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<EvidenceRecord>,
    /// Certificates, revocation data and tokens, embedded, given or fetched.
    pub pool: Pool,
    /// Signed documents inside a container, each judged by itself.
    pub inside: Vec<Nested>,
}

/// A signed document inside a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Nested {
    /// Its name in the container.
    pub name: String,
    /// What was found in it.
    pub evidence: Evidence,
}

impl Evidence {
    /// The object of this identifier, here or in a document inside.
    pub fn object(&self, id: &ObjectId) -> Option<&Object> {
        let inside = || self.inside.iter().find_map(|n| n.evidence.object(id));
        self.pool.get(id).or_else(inside)
    }

    /// Nothing found yet in `document`.
    pub fn new(format: &str, document: &[u8]) -> Evidence {
        Evidence {
            format: format.to_string(),
            document: ObjectId::of(document),
            size: document.len() as u64,
            faults: Vec::new(),
            signatures: Vec::new(),
            timestamps: Vec::new(),
            records: Vec::new(),
            pool: Pool::default(),
            inside: Vec::new(),
        }
    }
}
