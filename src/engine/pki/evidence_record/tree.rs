//! Reduced hash trees (RFC 4998 §4.2, §4.3) and the digests of renewed archive time-stamps (RFC 4998 §5.2).
//!
//! A list's digest is over its values in binary ascending order; it joins the next list, and that of the last is what the
//! token is over. Makers differ in two places, and both ways are taken where one of them leads to the token: a first list of
//! a single value is that value itself, or its digest; and the renewal of a hash tree hashes the digest of the data object
//! before that of the older chains, or the two in ascending order.

use super::read::{ArchiveTimestamp, Chain};
use crate::engine::crypto::{DigestAlgorithm, Hasher, digest};
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use crate::engine::syntax::asn1::{Tag, Tlv, der};

/// `reducedHashtree SEQUENCE OF PartialHashtree`, each a SEQUENCE OF OCTET STRING.
#[derive(Debug, Clone)]
pub struct ReducedHashTree<'a> {
    /// None of them empty, each value of the algorithm's length.
    lists: Vec<Vec<&'a [u8]>>,
}

impl<'a> ReducedHashTree<'a> {
    pub(super) fn read(
        element: &Tlv<'a>,
        algorithm: DigestAlgorithm,
        budget: &mut Budget,
    ) -> Result<ReducedHashTree<'a>> {
        let mut reader = element.inner_of("reducedHashtree")?;
        let mut lists = Vec::new();
        while !reader.is_empty() {
            let mut list = reader.sequence("PartialHashtree")?;
            let mut values = Vec::new();
            while !list.is_empty() {
                budget.step(1)?;
                let value = list.expect(Tag::OCTET_STRING, "PartialHashtree")?;
                // Values of another length could be cut differently out of the same concatenation.
                if value.constructed() || value.content().len() != algorithm.length() {
                    return Err(Error::malformed(
                        "PartialHashtree",
                        format!("a value that is no {algorithm}"),
                    ));
                }
                values.push(value.content());
            }
            if values.is_empty() {
                return Err(Error::malformed("PartialHashtree", "is empty"));
            }
            budget.step(1)?;
            lists.push(values);
        }
        if lists.is_empty() {
            return Err(Error::malformed("reducedHashtree", "is empty"));
        }
        Ok(ReducedHashTree { lists })
    }

    /// The first list, where the digests of data objects stand.
    pub fn first(&self) -> &[&'a [u8]] {
        &self.lists[0]
    }

    fn root(&self, algorithm: DigestAlgorithm, single_is_hashed: bool) -> Vec<u8> {
        let mut above: Option<Vec<u8>> = None;
        for list in &self.lists {
            let mut values = list.clone();
            values.extend(above.as_deref());
            values.sort_unstable();
            above = Some(match values.as_slice() {
                [single] if !single_is_hashed => single.to_vec(),
                _ => joined(algorithm, &values),
            });
        }
        above.unwrap_or_default()
    }
}

fn joined(algorithm: DigestAlgorithm, values: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Hasher::new(algorithm);
    values.iter().for_each(|value| hasher.update(value));
    hasher.finish()
}

impl ArchiveTimestamp<'_> {
    /// What the token should be over, given `object`, the digest of the one data object where there is no tree.
    pub fn root(&self, object: Option<&[u8]>) -> Option<Vec<u8>> {
        let Some(tree) = &self.tree else {
            return object.map(<[u8]>::to_vec);
        };
        let plain = tree.root(self.algorithm, false);
        let imprint = &self.parsed.tst_info().message_imprint.digest;
        if plain == *imprint || tree.first().len() > 1 {
            return Some(plain);
        }
        let hashed = tree.root(self.algorithm, true);
        Some(if hashed == *imprint { hashed } else { plain })
    }

    /// Whether `value` is a digest of a data object of its own: it stands in the first list, or is what the token is over.
    pub fn holds(&self, value: &[u8]) -> bool {
        match &self.tree {
            Some(tree) => tree.first().contains(&value),
            None => self.parsed.tst_info().message_imprint.digest == value,
        }
    }

    /// How many data objects it is over at most: the values of its first list.
    pub fn width(&self) -> usize {
        self.tree.as_ref().map_or(1, |tree| tree.first().len())
    }
}

/// The digest of the sequence of `older` chains, each as received (RFC 4998 §5.2).
pub fn of_sequence(algorithm: DigestAlgorithm, older: &[Chain<'_>]) -> Vec<u8> {
    let chains: Vec<&[u8]> = older.iter().map(|chain| chain.bytes).collect();
    digest(algorithm, &der::sequence(&chains))
}

/// The digests by `algorithm` under which a data object of digest `object` may stand in the first archive time-stamp after
/// older chains (RFC 4998 §5.2): the digest of its own digest and of `sequence`, that of the sequence of those chains.
pub fn renewed(algorithm: DigestAlgorithm, object: &[u8], sequence: &[u8]) -> [Vec<u8>; 2] {
    let mut pair = [object, sequence];
    let written = joined(algorithm, &pair);
    pair.sort_unstable();
    [written, joined(algorithm, &pair)]
}
