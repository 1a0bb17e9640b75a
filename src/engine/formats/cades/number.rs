//! Which signature a number means: signers in their order, each followed by its counter-signatures, as `inspect` lists
//! them.

use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::{SignedData, SignerInfo};
use crate::engine::syntax::asn1::names;

/// The way to signature `number`: the number of a signer, then each time that of a counter-signature among those that can
/// be read.
pub(super) fn path(data: &SignedData, number: usize) -> Result<Vec<usize>> {
    find(data, number).map(|(path, _)| path)
}

/// The value of signature `number` of a message.
pub(super) fn value(message: &[u8], number: usize) -> Result<Vec<u8>> {
    let data = SignedData::from_ber(message)?;
    find(&data, number).map(|(_, info)| info.signature)
}

/// Signature `number` and the way to it.
pub(super) fn find(data: &SignedData, number: usize) -> Result<(Vec<usize>, SignerInfo)> {
    let mut left = number;
    let mut budget = Budget::default();
    for (index, info) in data.signer_infos().iter().enumerate() {
        let mut path = vec![index];
        if let Some(found) = walk(info, &mut path, &mut left, &mut budget)? {
            return Ok((path, found));
        }
    }
    Err(Error::not_found(
        "signature",
        format!("the message has no number {number}"),
    ))
}

fn walk(
    info: &SignerInfo,
    path: &mut Vec<usize>,
    left: &mut usize,
    budget: &mut Budget,
) -> Result<Option<SignerInfo>> {
    if *left == 0 {
        return Ok(Some(info.clone()));
    }
    *left -= 1;
    budget.enter()?;
    let values = info.unsigned_attributes.values(&names::ID_COUNTERSIGNATURE);
    let readable = values.filter_map(|value| SignerInfo::from_ber(value).ok());
    for (index, counter) in readable.enumerate() {
        budget.step(1_000)?;
        path.push(index);
        if let Some(found) = walk(&counter, path, left, budget)? {
            return Ok(Some(found));
        }
        path.pop();
    }
    budget.leave();
    Ok(None)
}
