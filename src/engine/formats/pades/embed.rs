//! Puts the signature value, and later a time-stamp, into the room that was left for it.
//!
//! In: the document and what `prepare` left, or a signed document and a token; out: a [`Patch`]. Only digits of /Contents
//! change, which no signature covers. Not here: composing the message (`cades`).

use super::inspect::locate;
use crate::engine::crypto::SignatureValue;
use crate::engine::error::{Error, Result};
use crate::engine::formats::cades::{message, with_signature_timestamp};
use crate::engine::formats::{Part, Patch, Resume};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::SignedData;

pub(super) fn embed(bytes: &[u8], resume: Resume, value: &SignatureValue) -> Result<Patch> {
    let message = message(&resume.request, &resume.signed_attributes, value);
    let mut patch = resume.patch;
    let [Part::Input(input), Part::New(new)] = patch.0.as_mut_slice() else {
        return Err(foreign());
    };
    let room = resume
        .room
        .start
        .checked_sub(bytes.len())
        .zip(resume.room.end.checked_sub(bytes.len()))
        .and_then(|(start, end)| new.get_mut(start..end));
    match room {
        Some(room) if *input == (0..bytes.len()) => fill(room, &message)?,
        _ => return Err(foreign()),
    }
    Ok(patch)
}

fn foreign() -> Error {
    Error::invalid("prepared signature", "it was prepared for another document")
        .remedy("Prepare the signature again with the document to be signed.")
}

/// Writes `message` in hexadecimal, and zeros behind it.
fn fill(room: &mut [u8], message: &[u8]) -> Result<()> {
    let digits = 2 * message.len();
    if digits > room.len() {
        return Err(Error::limit(
            "/Contents",
            format!(
                "{} bytes do not fit into the {} that were left for them",
                message.len(),
                room.len() / 2
            ),
        )
        .remedy("Sign again with more room for the time-stamp."));
    }
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let (used, padding) = room.split_at_mut(digits);
    for (pair, byte) in used.chunks_exact_mut(2).zip(message) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    padding.fill(b'0');
    Ok(())
}

/// From B to T: the token goes into the message of signature number `index`, which keeps its place.
pub(super) fn add_timestamp(
    bytes: &[u8],
    index: usize,
    token: &[u8],
    budget: &mut Budget,
) -> Result<Patch> {
    let (_, located, damaged) = locate(bytes, budget)?;
    if let Some(error) = damaged {
        return Err(error);
    }
    let signature = located
        .iter()
        .filter(|l| l.dictionary.sub_filter != Some(super::SubFilter::Rfc3161))
        .nth(index)
        .ok_or_else(|| {
            Error::not_found("signature", format!("the document has no number {index}"))
        })?;
    let dictionary = &signature.dictionary;
    let room = dictionary
        .room
        .clone()
        .filter(|_| dictionary.faults.is_empty())
        .ok_or_else(|| {
            Error::refused("signature", "its dictionary is not sound")
                .remedy("Validate the document to see what is wrong with it.")
        })?;
    let (_, length) = SignedData::from_ber_prefix(&dictionary.contents)?;
    let message = dictionary.contents.get(..length).unwrap_or_default();
    let message = with_signature_timestamp(message, 0, token)?;
    let mut digits = vec![b'0'; room.len().saturating_sub(2)];
    fill(&mut digits, &message)?;
    Ok(Patch(vec![
        Part::Input(0..room.start + 1),
        Part::New(digits),
        Part::Input(room.end - 1..bytes.len()),
    ]))
}
