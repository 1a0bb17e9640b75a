//! Evidence records as evidence (RFC 4998 §4.3, §5.3): each archive time-stamp beside the digests that lead to it from a
//! data object: a signed message, its content, a document beside which the record is given.

use super::cades::{ContentDigest, inspect_timestamp};
use super::{Content, Input};
use crate::engine::crypto::digest;
use crate::engine::error::Result;
use crate::engine::evidence::{
    ArchiveTimestamp, Bytes, Evidence, EvidenceRecord, Fault, ObjectId, Pool, RecordPlace,
    Reference, Timestamp, TimestampKind,
};
use crate::engine::limits::Budget;
use crate::engine::pki::evidence_record::{self as ers, of_sequence, renewed};
use crate::engine::syntax::asn1::{Reader, Tlv, der};
use std::cell::RefCell;

/// How deep a token is re-encoded whose digest is of its DER.
const DEPTH: u32 = 64;

/// What a record may be about.
pub(super) struct DataObject<'a> {
    pub(super) name: String,
    pub(super) digest: ContentDigest<'a>,
}

/// What exists where the first data object does.
#[derive(Debug, Clone, Default)]
pub(super) struct Proven {
    /// Objects of the pool.
    pub(super) objects: Vec<ObjectId>,
    /// Signatures.
    pub(super) signatures: Vec<ObjectId>,
}

impl Proven {
    /// All that `evidence` holds so far.
    pub(super) fn all_of(evidence: &Evidence) -> Proven {
        Proven {
            objects: evidence.pool.iter().map(|(id, _)| *id).collect(),
            signatures: evidence.signatures.iter().map(|s| s.id).collect(),
        }
    }
}

/// A record given beside a document, in its own file.
#[derive(Debug, Clone, Copy)]
pub struct GivenRecord<'a> {
    /// The name it goes by.
    pub name: &'a str,
    /// The file.
    pub bytes: &'a [u8],
}

/// Adds to `evidence`, of `input`, a record given beside it. It is about those of the document and the content beside it
/// that it names; where it names none, about the document, which it does not cover then.
pub fn add_given(
    evidence: &mut Evidence,
    given: GivenRecord<'_>,
    input: Input<'_>,
    budget: &mut Budget,
) -> Result<()> {
    let record = ers::EvidenceRecord::from_ber(given.bytes, budget)?;
    let failure = RefCell::new(None);
    let of = |content: Content<'_>, algorithm| {
        content.digest(algorithm).unwrap_or_else(|error| {
            failure.borrow_mut().get_or_insert(error);
            None
        })
    };
    let document = |algorithm| of(input.document.into(), algorithm);
    let beside: Vec<_> = input.detached.iter().map(|d| d.content).collect();
    let beside: Vec<_> = beside
        .iter()
        .map(|content| |algorithm| of(*content, algorithm))
        .collect();
    let mut objects = vec![DataObject {
        name: "document".to_string(),
        digest: &document,
    }];
    objects.extend(
        beside
            .iter()
            .zip(input.detached)
            .map(|(digest, one)| DataObject {
                name: one.name.unwrap_or("content").to_string(),
                digest,
            }),
    );
    let named: Vec<bool> = objects
        .iter()
        .map(|o| is_named(&record, o.digest))
        .collect();
    let proven = if named[0] {
        Proven::all_of(evidence)
    } else {
        Proven::default()
    };
    if named.contains(&true) {
        let mut named = named.into_iter();
        objects.retain(|_| named.next() == Some(true));
    } else {
        objects.truncate(1);
    }
    let name = given.name.to_string();
    let pool = &mut evidence.pool;
    let found = inspect(
        &record,
        name,
        RecordPlace::Apart,
        &objects,
        &proven,
        pool,
        budget,
    )?;
    match failure.into_inner() {
        Some(error) => Err(error),
        None => {
            evidence.records.push(found);
            Ok(())
        }
    }
}

/// Whether the first archive time-stamp of `record` is over a data object of this digest.
pub(super) fn is_named(record: &ers::EvidenceRecord<'_>, digest: ContentDigest<'_>) -> bool {
    let first = &record.chains()[0].timestamps[0];
    digest(first.algorithm).is_some_and(|value| first.holds(&value))
}

/// `record` as evidence, held against all of `objects`, with which `proven` exists.
pub(super) fn inspect(
    record: &ers::EvidenceRecord<'_>,
    name: String,
    place: RecordPlace,
    objects: &[DataObject<'_>],
    proven: &Proven,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<EvidenceRecord> {
    let mut found = EvidenceRecord {
        id: ObjectId::of(record.bytes()),
        name,
        place,
        faults: faults(record),
        timestamps: Vec::new(),
    };
    for (number, chain) in record.chains().iter().enumerate() {
        let older = &record.chains()[..number];
        for (position, stamp) in chain.timestamps.iter().enumerate() {
            budget.step(1 + stamp.token.len() as u64 / 1024)?;
            let references = match position.checked_sub(1) {
                None => {
                    let length: usize = older.iter().map(|chain| chain.bytes.len()).sum();
                    budget.step(length as u64 / 1024)?;
                    let sequence = (number > 0).then(|| of_sequence(stamp.algorithm, older));
                    of_objects(stamp, objects, sequence.as_deref())
                }
                Some(previous) => vec![of_token(stamp, chain.timestamps[previous].token)],
            };
            let mut timestamp = timestamp(stamp, &references, pool, budget)?;
            timestamp.covers = match position.checked_sub(1) {
                None => older
                    .iter()
                    .flat_map(|c| &c.timestamps)
                    .flat_map(material)
                    .collect(),
                Some(previous) => material(&chain.timestamps[previous]),
            };
            if position == 0 {
                timestamp.covers.extend(&proven.objects);
                timestamp.signatures.clone_from(&proven.signatures);
            }
            found.timestamps.push(ArchiveTimestamp {
                chain: number as u32,
                references,
                timestamp,
            });
        }
    }
    Ok(found)
}

/// What the structure contradicts in itself.
fn faults(record: &ers::EvidenceRecord<'_>) -> Vec<Fault> {
    let stamps = || record.chains().iter().flat_map(|chain| &chain.timestamps);
    let mut faults = Vec::new();
    let mut failure = |rule: &str, clause: &str, holds: bool| {
        if !holds {
            faults.push(Fault::failure(rule, clause, ""));
        }
    };
    let times: Vec<_> = stamps().map(|s| s.parsed.tst_info().gen_time).collect();
    failure("evidence_record.order", "RFC 4998 §5.1", times.is_sorted());
    let one_algorithm = |chain: &ers::Chain<'_>| {
        let first = chain.timestamps[0].algorithm;
        chain.timestamps.iter().all(|s| s.algorithm == first)
    };
    let holds = record.chains().iter().all(one_algorithm);
    failure("evidence_record.chain.algorithms", "RFC 4998 §5.1", holds);
    let same = |s: &ers::ArchiveTimestamp<'_>| {
        s.algorithm == s.parsed.tst_info().message_imprint.algorithm
    };
    let holds = stamps().all(same);
    failure("evidence_record.imprint.algorithm", "RFC 4998 §4.1", holds);
    let listed = |s: &ers::ArchiveTimestamp<'_>| record.digest_algorithms().contains(&s.algorithm);
    if !stamps().all(listed) {
        let rule = "evidence_record.algorithm.unlisted";
        faults.push(Fault::warning(rule, "RFC 4998 §3.1", ""));
    }
    faults
}

/// The time-stamp, its imprint held against the root of the tree, or the digest that it is over without one.
fn timestamp(
    stamp: &ers::ArchiveTimestamp<'_>,
    references: &[Reference],
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<Timestamp> {
    let object = references.first().and_then(|r| r.actual.as_deref());
    let root = stamp.root(object);
    let over = |algorithm| root.clone().filter(|_| algorithm == stamp.algorithm);
    inspect_timestamp(
        stamp.token,
        TimestampKind::EvidenceRecord,
        &over,
        pool,
        budget,
    )
}

/// The references of the first archive time-stamp of a chain; `sequence` is the digest of the chains before it.
fn of_objects(
    stamp: &ers::ArchiveTimestamp<'_>,
    objects: &[DataObject<'_>],
    sequence: Option<&[u8]>,
) -> Vec<Reference> {
    let one = |object: &DataObject<'_>| {
        let digest = (object.digest)(stamp.algorithm);
        let candidates = match (digest, sequence) {
            (None, _) => Vec::new(),
            (Some(digest), None) => vec![digest],
            (Some(digest), Some(older)) => renewed(stamp.algorithm, &digest, older).to_vec(),
        };
        reference(object.name.clone(), stamp, candidates)
    };
    objects.iter().map(one).collect()
}

/// RFC 4998 §5.2: "the content of the timeStamp field of the old Archive Timestamp has to be hashed", as received or as DER.
fn of_token(stamp: &ers::ArchiveTimestamp<'_>, token: &[u8]) -> Reference {
    let mut candidates = vec![digest(stamp.algorithm, token)];
    let element = Tlv::whole(Reader::ber(token), "timeStamp");
    if let Ok(der) = element.and_then(|element| der::from_ber(&element, DEPTH)) {
        candidates.push(digest(stamp.algorithm, &der));
    }
    reference("time-stamp".to_string(), stamp, candidates)
}

/// That one of `candidates` is what the time-stamp holds. One that is not stands beside a value of the list.
fn reference(
    name: String,
    stamp: &ers::ArchiveTimestamp<'_>,
    mut candidates: Vec<Vec<u8>>,
) -> Reference {
    let held = candidates.iter().position(|value| stamp.holds(value));
    let actual = match candidates.is_empty() {
        true => None,
        false => Some(Bytes::from(candidates.swap_remove(held.unwrap_or(0)))),
    };
    let other = || match &stamp.tree {
        Some(tree) => Bytes::from(tree.first()[0]),
        None => stamp
            .parsed
            .tst_info()
            .message_imprint
            .digest
            .as_slice()
            .into(),
    };
    Reference {
        name,
        algorithm: stamp.algorithm,
        expected: actual
            .clone()
            .filter(|_| held.is_some())
            .unwrap_or_else(other),
        actual,
    }
}

/// A token and the certificates and revocation data in it.
fn material(stamp: &ers::ArchiveTimestamp<'_>) -> Vec<ObjectId> {
    let data = stamp.parsed.signed_data();
    let certificates = data.certificates().iter().map(|c| c.bytes());
    let lists = data.crls().iter().map(Vec::as_slice);
    let responses = data.ocsp_responses().iter().map(Vec::as_slice);
    let inside = certificates.chain(lists).chain(responses);
    std::iter::once(stamp.token)
        .chain(inside)
        .map(ObjectId::of)
        .collect()
}
