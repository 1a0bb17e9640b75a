//! Evidence records in the unsigned attributes of a CMS signature (RFC 4998 §A): each is
//! over the message as it was before the record came in, and over content that lies apart.
//!
//! A set has no order of its own, so that which record came first is found out: one is over the message without any record,
//! a later one over the message with those before it.

use super::covered::Covered;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{ErrorKind, Result};
use crate::engine::evidence::{Evidence, EvidenceRecord, Fault, ObjectId, RecordPlace};
use crate::engine::formats::evidence_record::{DataObject, Proven, inspect, is_named};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::{AttributeValue, SignedData, unsigned_values, without};
use crate::engine::pki::evidence_record as ers;
use crate::engine::syntax::asn1::{Oid, names};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Records looked into in one message; RFC 4998 asks for one. Each may cost a digest of the whole message.
const MOST: usize = 8;

/// A record where it stands.
struct Found<'a> {
    at: AttributeValue,
    id: Oid,
    bytes: &'a [u8],
    record: Result<ers::EvidenceRecord<'a>>,
}

impl Found<'_> {
    fn place(&self) -> RecordPlace {
        if self.id == names::ID_AA_ER_INTERNAL {
            RecordPlace::Internal
        } else {
            RecordPlace::External
        }
    }

    fn name(&self) -> String {
        format!("signer {}, evidence record", self.at.signer + 1)
    }
}

/// Adds to `evidence` the records in the unsigned attributes of `message`.
pub(super) fn collect(
    message: &[u8],
    data: &SignedData,
    covered: &Covered<'_>,
    content: &str,
    evidence: &mut Evidence,
    budget: &mut Budget,
) -> Result<()> {
    let ids = [names::ID_AA_ER_INTERNAL, names::ID_AA_ER_EXTERNAL];
    if !data.signer_infos().iter().any(|info| {
        let attributes = &info.unsigned_attributes;
        ids.iter().any(|id| attributes.count(id) > 0)
    }) {
        return Ok(());
    }
    let mut left = Vec::new();
    for (number, (at, id, bytes)) in unsigned_values(message, &ids)?.into_iter().enumerate() {
        if number == MOST {
            let rule = "evidence_record.too_many";
            let fault = Fault::warning(rule, "RFC 4998 §A", MOST.to_string());
            evidence.faults.push(fault);
            break;
        }
        let record = match ers::EvidenceRecord::from_ber(bytes, budget) {
            Err(error) if error.element().starts_with("limits.") => return Err(error),
            other => other,
        };
        let found = Found {
            at,
            id,
            bytes,
            record,
        };
        left.push(found);
    }
    let mut earlier = Vec::new();
    while !left.is_empty() {
        let views = views(message, &earlier, budget)?;
        let (mut now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|found| {
            let named = |record| {
                views
                    .iter()
                    .any(|view| is_named(record, &|a| view.digest(a)))
            };
            found.record.as_ref().is_ok_and(named)
        });
        left = later;
        let last = now.is_empty();
        if last {
            // Over nothing that the message was at any time: held against it as it is without any record.
            now.append(&mut left);
        }
        let proven = Proven::all_of(evidence);
        for found in &now {
            let record = as_evidence(found, &views, covered, content, &proven, evidence, budget)?;
            evidence.records.push(record);
        }
        earlier.extend(now.iter().map(|found| found.at));
    }
    Ok(())
}

/// A message as it may have been, with the digests of it that were asked for.
struct View<'a> {
    pieces: crate::engine::pki::cms::Pieces<'a>,
    digests: RefCell<BTreeMap<DigestAlgorithm, Vec<u8>>>,
}

impl View<'_> {
    fn digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        let mut known = self.digests.borrow_mut();
        let compute = || self.pieces.digest(algorithm);
        Some(known.entry(algorithm).or_insert_with(compute).clone())
    }
}

/// `message` with no other records than `kept`; as it stands, and with its signers in the order of DER.
fn views<'a>(
    message: &'a [u8],
    kept: &[AttributeValue],
    budget: &mut Budget,
) -> Result<[View<'a>; 2]> {
    let records = unsigned_values(
        message,
        &[names::ID_AA_ER_INTERNAL, names::ID_AA_ER_EXTERNAL],
    )?;
    let gone = |at: AttributeValue| {
        records.binary_search_by(|(one, ..)| one.cmp(&at)).is_ok() && !kept.contains(&at)
    };
    budget.step(message.len() as u64 / 512)?;
    let view = |sorted| -> Result<View<'a>> {
        Ok(View {
            pieces: without(message, &gone, sorted)?,
            digests: RefCell::default(),
        })
    };
    Ok([view(false)?, view(true)?])
}

fn as_evidence(
    found: &Found<'_>,
    views: &[View<'_>; 2],
    covered: &Covered<'_>,
    content: &str,
    proven: &Proven,
    evidence: &mut Evidence,
    budget: &mut Budget,
) -> Result<EvidenceRecord> {
    let unreadable = |problem: &str| EvidenceRecord {
        id: ObjectId::of(found.bytes),
        name: found.name(),
        place: found.place(),
        faults: vec![Fault::failure(
            "evidence_record.unreadable",
            "RFC 4998 §3.1",
            problem,
        )],
        timestamps: Vec::new(),
    };
    let record = match &found.record {
        Ok(record) => record,
        Err(error) => return Ok(unreadable(error.problem())),
    };
    let named = |view: &&View<'_>| is_named(record, &|algorithm| view.digest(algorithm));
    let view = views.iter().find(named).unwrap_or(&views[0]);
    let whole = |algorithm| view.digest(algorithm);
    let apart = |algorithm| covered.digest(algorithm);
    let mut objects = vec![DataObject {
        name: "message".to_string(),
        digest: &whole,
    }];
    if found.place() == RecordPlace::External && !covered.is_attached() {
        objects.push(DataObject {
            name: content.to_string(),
            digest: &apart,
        });
    }
    let pool = &mut evidence.pool;
    match inspect(
        record,
        found.name(),
        found.place(),
        &objects,
        proven,
        pool,
        budget,
    ) {
        Err(error) if error.kind() != ErrorKind::LimitExceeded => Ok(unreadable(error.problem())),
        other => other,
    }
}
