//! The structure of an evidence record: sequence, chains, archive time-stamps (RFC 4998 §3.1, §4.1, §5.1), from BER.

use super::tree::ReducedHashTree;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use crate::engine::pki::TimestampToken;
use crate::engine::syntax::asn1::{Reader, Tag, Tlv};

/// Chains of one record. A chain ends when a hash algorithm does, once in ten years or so; and each chain's first archive
/// time-stamp hashes all chains before it, which is quadratic work.
const CHAINS: usize = 16;
/// Archive time-stamps of one record: a renewal a year is more than certificates of authorities ask for.
const TIMESTAMPS: usize = 256;

/// `EvidenceRecord ::= SEQUENCE { version INTEGER, digestAlgorithms SEQUENCE OF AlgorithmIdentifier, cryptoInfos [0]
/// OPTIONAL, encryptionInfo [1] OPTIONAL, archiveTimeStampSequence }` (RFC 4998 §3.1).
#[derive(Debug, Clone)]
pub struct EvidenceRecord<'a> {
    bytes: &'a [u8],
    digest_algorithms: Vec<DigestAlgorithm>,
    chains: Vec<Chain<'a>>,
}

/// `ArchiveTimeStampChain ::= SEQUENCE OF ArchiveTimeStamp` (RFC 4998 §5.1).
#[derive(Debug, Clone)]
pub struct Chain<'a> {
    /// The whole element, as received.
    pub bytes: &'a [u8],
    /// In the order of time; never empty.
    pub timestamps: Vec<ArchiveTimestamp<'a>>,
}

/// `ArchiveTimeStamp ::= SEQUENCE { digestAlgorithm [0] OPTIONAL, attributes [1] OPTIONAL, reducedHashtree [2] SEQUENCE OF
/// PartialHashtree OPTIONAL, timeStamp ContentInfo }` (RFC 4998 §4.1).
#[derive(Debug, Clone)]
pub struct ArchiveTimestamp<'a> {
    /// What its tree hashes by: its own algorithm, else that of the token's imprint.
    pub algorithm: DigestAlgorithm,
    /// The reduced hash tree; none where the token is over the data object's digest itself.
    pub tree: Option<ReducedHashTree<'a>>,
    /// The token's `ContentInfo`, as received.
    pub token: &'a [u8],
    /// The same, read.
    pub parsed: TimestampToken,
}

impl<'a> EvidenceRecord<'a> {
    /// From the whole of `bytes`.
    ///
    /// A record over encrypted data is refused: nobody here can encrypt what is given anew (RFC 4998 §6), and
    /// so is the XML form.
    pub fn from_ber(bytes: &'a [u8], budget: &mut Budget) -> Result<EvidenceRecord<'a>> {
        if bytes.trim_ascii_start().starts_with(b"<") {
            return Err(
                Error::unsupported("evidence record", "is in XML (RFC 6283)")
                    .remedy("Give it in its ASN.1 form (RFC 4998)."),
            );
        }
        let mut fields = Reader::ber(bytes).whole_sequence("EvidenceRecord")?;
        if fields.expect(Tag::INTEGER, "version")?.u64()? != 1 {
            return Err(Error::unsupported("EvidenceRecord.version", "is not 1"));
        }
        let mut algorithms = fields.sequence("digestAlgorithms")?;
        let mut digest_algorithms = Vec::new();
        while let Some(algorithm) = algorithms.next_element()? {
            budget.step(1)?;
            digest_algorithms.extend(DigestAlgorithm::from_identifier(&algorithm));
        }
        digest_algorithms.dedup();
        fields.optional(Tag::context(0), "cryptoInfos")?;
        if fields
            .optional(Tag::context(1), "encryptionInfo")?
            .is_some()
        {
            return Err(Error::unsupported(
                "EvidenceRecord.encryptionInfo",
                "is over encrypted data",
            )
            .remedy("Give the record of the data that was not encrypted."));
        }
        let chains = chains(fields.sequence("archiveTimeStampSequence")?, budget)?;
        fields.finish("EvidenceRecord")?;
        Ok(EvidenceRecord {
            bytes,
            digest_algorithms,
            chains,
        })
    }

    /// As received.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The digest algorithms that it names and that are known here.
    pub fn digest_algorithms(&self) -> &[DigestAlgorithm] {
        &self.digest_algorithms
    }

    /// Its chains, in the order of time; never empty.
    pub fn chains(&self) -> &[Chain<'a>] {
        &self.chains
    }
}

fn chains<'a>(mut sequence: Reader<'a>, budget: &mut Budget) -> Result<Vec<Chain<'a>>> {
    let mut all = Vec::new();
    let left = &mut TIMESTAMPS.clone();
    while !sequence.is_empty() {
        if all.len() == CHAINS {
            return Err(Error::limit(
                "EvidenceRecord",
                format!("more than {CHAINS} chains"),
            ));
        }
        let element = sequence.expect(Tag::SEQUENCE, "ArchiveTimeStampChain")?;
        let mut list = element.inner_of("ArchiveTimeStampChain")?;
        let mut timestamps = Vec::new();
        while !list.is_empty() {
            let one = list.expect(Tag::SEQUENCE, "ArchiveTimeStamp")?;
            *left = left.checked_sub(1).ok_or_else(|| {
                let problem = format!("more than {TIMESTAMPS} archive time-stamps");
                Error::limit("EvidenceRecord", problem)
            })?;
            timestamps.push(archive_timestamp(&one, budget)?);
        }
        if timestamps.is_empty() {
            return Err(Error::malformed("ArchiveTimeStampChain", "is empty"));
        }
        all.push(Chain {
            bytes: element.bytes(),
            timestamps,
        });
    }
    if all.is_empty() {
        return Err(Error::malformed("ArchiveTimeStampSequence", "is empty"));
    }
    Ok(all)
}

fn archive_timestamp<'a>(element: &Tlv<'a>, budget: &mut Budget) -> Result<ArchiveTimestamp<'a>> {
    budget.step(1_000)?;
    let mut fields = element.inner_of("ArchiveTimeStamp")?;
    let algorithm = fields.optional(Tag::context(0), "digestAlgorithm")?;
    fields.optional(Tag::context(1), "attributes")?;
    let tree = fields.optional(Tag::context(2), "reducedHashtree")?;
    let token = fields.expect(Tag::SEQUENCE, "timeStamp")?.bytes();
    fields.finish("ArchiveTimeStamp")?;
    let parsed = TimestampToken::from_ber(token)?;
    let algorithm = match algorithm {
        Some(identifier) => DigestAlgorithm::from_identifier(&identifier)?,
        None => parsed.tst_info().message_imprint.algorithm,
    };
    let tree = tree.map(|tree| ReducedHashTree::read(&tree, algorithm, budget));
    Ok(ArchiveTimestamp {
        algorithm,
        tree: tree.transpose()?,
        token,
        parsed,
    })
}
