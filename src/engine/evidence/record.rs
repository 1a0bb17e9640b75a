//! Evidence records (RFC 4998): chains of archive time-stamps over the digests of many objects, of which ours is one.
//!
//! In: what `pki::evidence_record` read and computed. Each archive time-stamp is a time-stamp like any other, with the
//! references that lead from our object to its imprint. Judging them is `validation`'s.

use super::object::ObjectId;
use super::signature::{Fault, Reference, Timestamp};
use serde::{Deserialize, Serialize};

/// Where an evidence record stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordPlace {
    /// In the unsigned attributes of a signature that holds its content (RFC 4998 §A).
    Internal,
    /// In the unsigned attributes of a signature whose content lies apart (RFC 4998 §A).
    External,
    /// In a file of its own, beside what it is about.
    Apart,
}

/// One evidence record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// SHA-256 of its bytes.
    pub id: ObjectId,
    /// What it is called: the signer that holds it, the file.
    pub name: String,
    /// Where it stood.
    pub place: RecordPlace,
    /// What is wrong with its structure; the time-stamps of a record with a failure prove nothing.
    pub faults: Vec<Fault>,
    /// Its archive time-stamps, in the order of time: chain after chain. None where the record cannot be read.
    pub timestamps: Vec<ArchiveTimestamp>,
}

/// One archive time-stamp of a record (RFC 4998 §4.1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ArchiveTimestamp {
    /// The number of its chain, from 0; all of one chain hash by one algorithm (RFC 4998 §5.1).
    pub chain: u32,
    /// What must be among the first list of its reduced hash tree, with the value found there: our objects for the first of
    /// a chain, the time-stamp before it for the others. One that is not there is not intact.
    pub references: Vec<Reference>,
    /// The time-stamp, whose imprint is held against the root of the reduced hash tree. It covers the tokens before it and
    /// the certificates and revocation data in them.
    pub timestamp: Timestamp,
}

impl EvidenceRecord {
    /// Whether the digests of all its archive time-stamps lead to what they should (RFC 4998 §5.3, without the tokens'
    /// signatures).
    pub fn is_intact(&self) -> bool {
        let intact = |stamp: &ArchiveTimestamp| {
            stamp.references.iter().all(Reference::is_intact) && stamp.timestamp.imprint.is_intact()
        };
        !self.timestamps.is_empty() && self.timestamps.iter().all(intact)
    }
}
