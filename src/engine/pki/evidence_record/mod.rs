//! Evidence records (RFC 4998): read, and the digests that lead from a data object to each archive time-stamp computed.
//!
//! The XML form (RFC 6283) is not read. Whether the tokens' signatures hold is `validation`'s to say.

mod read;
mod tree;

pub use read::{ArchiveTimestamp, Chain, EvidenceRecord};
pub use tree::{ReducedHashTree, of_sequence, renewed};
