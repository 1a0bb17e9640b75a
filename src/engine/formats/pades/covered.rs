//! What document time-stamps prove to have existed (EN 319 142-1 §5.4.3, EN 319 102-1 §5.6.2.3, unchecked): whatever stands in
//! the bytes that they cover.
//!
//! In: where signatures, time-stamps and the objects of the security store stand in the file. Out: in each time-stamp, the
//! objects of the pool and the signatures before its end. Whether it holds is for the judge to say.

use crate::engine::error::Result;
use crate::engine::evidence::{ObjectId, Signature, Timestamp, TimestampKind};
use crate::engine::limits::Budget;
use std::collections::BTreeSet;

/// A signature or time-stamp in the file, and what came with it.
struct Placed {
    /// Where the bytes that it covers end, it being among them.
    end: usize,
    signature: Option<ObjectId>,
    objects: BTreeSet<ObjectId>,
}

/// What stands where.
pub(super) struct Covered {
    /// Of the security store, each with where it begins.
    stored: Vec<(ObjectId, usize)>,
    placed: Vec<Placed>,
    /// Where each time-stamp of the document ends, in their order.
    stamps: Vec<usize>,
}

impl Covered {
    pub(super) fn new(stored: Vec<(ObjectId, usize)>) -> Covered {
        Covered {
            stored,
            placed: Vec::new(),
            stamps: Vec::new(),
        }
    }

    pub(super) fn add_signature(&mut self, signature: &Signature, end: usize) {
        // The time-stamps of the security store stand elsewhere, and are not within the signature.
        let tokens = signature
            .timestamps
            .iter()
            .filter(|t| t.kind != TimestampKind::ValidationRelated);
        let within = tokens.flat_map(|t| {
            [t.token]
                .into_iter()
                .chain(t.signature.certificates.clone())
        });
        self.placed.push(Placed {
            end,
            signature: Some(signature.id),
            objects: signature
                .certificates
                .iter()
                .copied()
                .chain(within)
                .collect(),
        });
    }

    /// The last one of `timestamps`.
    pub(super) fn add_stamp(&mut self, timestamps: &[Timestamp], end: usize) {
        let Some(stamp) = timestamps.last() else {
            return;
        };
        self.stamps.push(end);
        let within = stamp.signature.certificates.iter().copied();
        self.placed.push(Placed {
            end,
            signature: None,
            objects: within.chain([stamp.token]).collect(),
        });
    }

    /// Says so in the time-stamps of the document.
    pub(super) fn tell(&self, timestamps: &mut [Timestamp], budget: &mut Budget) -> Result<()> {
        for (stamp, end) in timestamps.iter_mut().zip(&self.stamps) {
            budget.step((self.stored.len() + self.placed.len()) as u64)?;
            let before = || self.placed.iter().filter(|one| one.end < *end);
            let stored = self.stored.iter().filter(|(_, begin)| begin < end);
            let objects = before().flat_map(|one| one.objects.iter().copied());
            let objects = objects.chain(stored.map(|(id, _)| *id));
            let objects: BTreeSet<ObjectId> = objects.collect();
            stamp.covers = objects.into_iter().collect();
            stamp.signatures = before().filter_map(|one| one.signature).collect();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{TestSigner, inspect};
    use super::*;
    use crate::engine::crypto::DigestAlgorithm;
    use crate::engine::evidence::Reference;
    use crate::engine::formats::PadesOptions;
    use crate::engine::limits::Limits;
    use crate::engine::syntax::asn1::Oid;
    use crate::engine::syntax::pdf::testing::classic;

    fn stamp(signature: &Signature, token: &[u8]) -> Timestamp {
        Timestamp {
            kind: TimestampKind::Document,
            token: ObjectId::of(token),
            gen_time: "2026-03-01T10:00:00Z".parse().unwrap(),
            policy: Oid::new(&[1, 2, 3]),
            imprint: Reference {
                name: String::new(),
                algorithm: DigestAlgorithm::Sha256,
                expected: Vec::new().into(),
                actual: None,
            },
            covers: Vec::new(),
            signatures: Vec::new(),
            signature: Box::new(signature.clone()),
        }
    }

    #[test]
    fn a_document_time_stamp_covers_what_stands_before_it_and_not_itself() {
        let signed = TestSigner::p256().sign(&classic(), PadesOptions::default());
        let evidence = inspect(&signed);
        let signature = &evidence.signatures[0];
        let (early, late) = (ObjectId::of(b"early"), ObjectId::of(b"late"));
        let mut covered = Covered::new(vec![(early, 150), (late, 250)]);
        covered.add_signature(signature, 100);
        let mut stamps = vec![stamp(signature, b"first")];
        covered.add_stamp(&stamps, 200);
        stamps.push(stamp(signature, b"second"));
        covered.add_stamp(&stamps, 300);
        covered
            .tell(&mut stamps, &mut Limits::default().budget())
            .unwrap();
        let [first, second] = &stamps[..] else {
            panic!("two time-stamps");
        };
        assert_eq!(first.signatures, [signature.id]);
        assert!(
            signature
                .certificates
                .iter()
                .all(|id| first.covers.contains(id))
        );
        assert!(first.covers.contains(&early) && !first.covers.contains(&late));
        assert!(!first.covers.contains(&first.token) && !first.covers.contains(&second.token));
        assert!(second.covers.contains(&first.token) && second.covers.contains(&late));
        assert!(!second.covers.contains(&second.token));
    }
}
