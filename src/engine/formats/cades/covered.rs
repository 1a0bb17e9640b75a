//! The content that a message's signatures cover, inside it or apart: each digest computed once, however many signers and
//! time-stamps ask for it.

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{Error, Result};
use crate::engine::formats::Content;
use crate::engine::limits::Budget;
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{SignedData, SignerInfo};
use crate::engine::pki::evidence_record::EvidenceRecord;
use crate::engine::syntax::asn1::names;
use std::cell::RefCell;
use std::collections::BTreeMap;

type Digests = RefCell<BTreeMap<DigestAlgorithm, Option<Vec<u8>>>>;

/// What is covered.
pub(super) struct Covered<'a> {
    data: &'a SignedData,
    /// What was given beside the message.
    pub(super) apart: Option<Content<'a>>,
    inside: Digests,
    beside: Digests,
    failure: RefCell<Option<Error>>,
}

impl<'a> Covered<'a> {
    pub(super) fn of(data: &'a SignedData, apart: Option<Content<'a>>) -> Covered<'a> {
        Covered {
            data,
            apart,
            inside: Digests::default(),
            beside: Digests::default(),
            failure: RefCell::default(),
        }
    }

    /// Passes once over content apart for all digests that will be asked for.
    pub(super) fn digest_all(&self) -> Result<()> {
        match self.apart {
            Some(content) => content.digest_all(&digests_wanted(self.data)),
            None => Ok(()),
        }
    }

    /// The digest of the content: what the message carries, else what was given beside it.
    pub(super) fn digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        if !self.data.is_attached() {
            return self.digest_apart(algorithm);
        }
        let mut known = self.inside.borrow_mut();
        let compute = || self.data.content_digest(algorithm);
        known.entry(algorithm).or_insert_with(compute).clone()
    }

    /// Whether the message carries its content.
    pub(super) fn is_attached(&self) -> bool {
        self.data.is_attached()
    }

    /// The digest of what was given beside the message.
    pub(super) fn digest_apart(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        let mut known = self.beside.borrow_mut();
        let compute = || match self.apart?.digest(algorithm) {
            Ok(digest) => digest,
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error);
                None
            }
        };
        known.entry(algorithm).or_insert_with(compute).clone()
    }

    /// Content that could not be read to its end says nothing about its signatures.
    pub(super) fn outcome(self) -> Result<()> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }
}

/// The algorithms by which content apart from `data` is asked for.
pub(super) fn digests_wanted(data: &SignedData) -> Vec<DigestAlgorithm> {
    if data.is_attached() {
        return Vec::new();
    }
    let mut wanted: Vec<_> = data.signer_infos().iter().flat_map(of_signer).collect();
    wanted.sort();
    wanted.dedup();
    wanted
}

fn of_record(bytes: &[u8]) -> Vec<DigestAlgorithm> {
    let record = EvidenceRecord::from_ber(bytes, &mut Budget::default());
    let chains = record.as_ref().map_or(&[][..], EvidenceRecord::chains);
    chains.iter().map(|c| c.timestamps[0].algorithm).collect()
}

fn of_signer(info: &SignerInfo) -> Vec<DigestAlgorithm> {
    let content = info.signed_attributes.iter();
    let content = content.flat_map(|a| a.values(&names::ID_AA_ETS_CONTENT_TIMESTAMP));
    let archive = &names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3;
    let tokens = content.chain(info.unsigned_attributes.values(archive));
    let imprints = tokens.flat_map(|token| TimestampToken::from_ber(token).ok());
    let imprints = imprints.map(|token| token.tst_info().message_imprint.algorithm);
    let records = info.unsigned_attributes.values(&names::ID_AA_ER_EXTERNAL);
    let records = records.flat_map(of_record);
    let own = info.digest_algorithm.iter().copied();
    own.chain(imprints).chain(records).collect()
}
