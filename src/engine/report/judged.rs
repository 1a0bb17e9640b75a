//! What a report is made from: evidence, its verdict and the policy, with the objects that they name.

use crate::engine::error::{Error, Result};
use crate::engine::evidence::{
    Evidence, Object, ObjectId, ObjectKind, ProofOfExistence, Timestamp,
};
use crate::engine::pki::Certificate;
use crate::engine::validation::{Policy, SignatureVerdict, TimestampVerdict, Verdict};
use std::collections::BTreeMap;

/// Findings and objects of one report: an archive of a hundred time-stamps renewed over a dozen signers has a tenth of them.
const MOST: usize = 50_000;

/// A judged document.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'j> {
    /// What was found and gathered.
    pub evidence: &'j Evidence,
    /// What follows from it.
    pub verdict: &'j Verdict,
    /// By what it was judged; its anchors are named by paths and stand in no pool.
    pub policy: &'j Policy,
}

/// What is the evidence of a document and what its verdict; `name` where it is inside of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<'j> {
    pub name: Option<&'j str>,
    pub evidence: &'j Evidence,
    pub verdict: &'j Verdict,
}

impl<'j> Part<'j> {
    /// The documents inside it.
    pub(super) fn inside(self) -> impl Iterator<Item = Part<'j>> {
        let both = self.evidence.inside.iter().zip(&self.verdict.inside);
        both.map(|(nested, judged)| Part {
            name: Some(&nested.name),
            evidence: &nested.evidence,
            verdict: &judged.verdict,
        })
    }
}

impl<'j> Judged<'j> {
    /// The document itself.
    pub(super) fn whole(&self) -> Part<'j> {
        Part {
            name: None,
            evidence: self.evidence,
            verdict: self.verdict,
        }
    }

    /// The document and those inside it, each before what is inside it.
    pub(super) fn parts(&self) -> Vec<Part<'j>> {
        let mut all = vec![self.whole()];
        let mut next = 0;
        while let Some(part) = all.get(next).copied() {
            let inside: Vec<_> = part.inside().collect();
            all.splice(next + 1..next + 1, inside);
            next += 1;
        }
        all
    }

    /// That there is not more than a report can hold: what is found, what is proven to have existed, by every time-stamp. A
    /// hostile archive of many time-stamps over many certificates would fill the memory with their names.
    pub(super) fn check_size(&self) -> Result<()> {
        let mut items = 0;
        for part in self.parts() {
            items += part.evidence.pool.len() + part.verdict.findings.len();
            for one in &part.verdict.signatures {
                items += one.findings.len() + one.proofs.len() + one.path.len();
            }
            for (found, verdict) in stamps(part) {
                items += found.covers.len() + found.signatures.len() + verdict.findings.len();
            }
        }
        if items > MOST {
            let problem = format!("would name more than {MOST} findings and objects");
            return Err(Error::limit("report", problem).remedy("Ask for the simple report."));
        }
        Ok(())
    }

    /// Every object of every pool, each once.
    pub(super) fn objects(&self) -> BTreeMap<ObjectId, &'j Object> {
        let mut all = BTreeMap::new();
        for part in self.parts() {
            for (id, object) in part.evidence.pool.iter() {
                all.entry(*id).or_insert(object);
            }
        }
        all
    }

    /// The certificate of this identifier, of a pool or an anchor.
    pub(super) fn certificate(&self, id: &ObjectId) -> Option<Certificate> {
        match self.evidence.object(id) {
            Some(object) if object.kind == ObjectKind::Certificate => {
                Certificate::from_der(&object.bytes).ok()
            }
            Some(_) => None,
            None => self.policy.anchors.by_fingerprint(&id.0).cloned(),
        }
    }

    /// Of each object and signature the earliest proof of existence that any verdict rests on.
    pub(super) fn proofs(&self) -> BTreeMap<ObjectId, ProofOfExistence> {
        let mut earliest: BTreeMap<ObjectId, ProofOfExistence> = BTreeMap::new();
        let parts = self.parts();
        let verdicts = parts.iter().flat_map(|part| &part.verdict.signatures);
        for proof in verdicts.flat_map(|verdict| &verdict.proofs) {
            let known = earliest.entry(proof.of).or_insert(*proof);
            if proof.at < known.at {
                *known = *proof;
            }
        }
        earliest
    }
}

/// The time-stamps of a document and of its signatures, with their verdicts.
pub(super) fn stamps(part: Part<'_>) -> Vec<(&Timestamp, &TimestampVerdict)> {
    let of_signatures = part.evidence.signatures.iter();
    let of_signatures = of_signatures.zip(&part.verdict.signatures);
    let own = part.evidence.timestamps.iter();
    of_signatures
        .flat_map(|(found, verdict)| found.timestamps.iter().zip(&verdict.timestamps))
        .chain(own.zip(&part.verdict.timestamps))
        .collect()
}

/// What proves the best signature time of a signature: the proof that the verdict names, else the time-stamp of that time.
pub(super) fn proof_of_signature(verdict: &SignatureVerdict) -> Option<ObjectId> {
    use crate::engine::evidence::Proof;
    let own = verdict.proofs.iter().find(|p| p.of == verdict.signature);
    let named = own.and_then(|proof| match proof.by {
        Proof::Timestamp(id) | Proof::EvidenceRecord(id) => Some(id),
        Proof::Validation => None,
    });
    let of_that_time = || {
        let mut stamps = verdict.timestamps.iter();
        stamps.find(|s| s.sub_indication.is_none() && s.gen_time == verdict.best_signature_time)
    };
    named.or_else(|| of_that_time().map(|stamp| stamp.token))
}
