//! Whether a list is believed, and who may sign the list of lists: from the Official Journal by the pivots to the newest.
//!
//! A list is believed when a [`Verifier`] finds its signature to be of one of the certificates that the pointer to it
//! names (TS 119 615 §4.1, unchecked), or when the operator vouches for its bytes. The list of lists is signed by a
//! certificate that the Official Journal published; when those change, a pivot, signed by the old ones, names the new ones.
//! Verifying XML signatures is not here: a verifier is passed in, and without one only vouching counts.

use super::list::TrustedList;
use super::lists::Authenticity;
use crate::engine::error::{Error, Result};
use crate::engine::pki::Certificate;
use std::collections::BTreeSet;

/// Verifies the signature of a list, given its bytes, against certificates; answers the one that it is of.
pub type Verifier<'v> = &'v dyn Fn(&[u8], &[Certificate]) -> Result<Certificate>;

/// Pivots that are followed. There were five between 2016 and 2025, and all of those in force must be (unchecked).
const MOST_PIVOTS: usize = 32;

/// Why `list`, read from `bytes`, is believed, or that it is not: `vouched` are digests that the operator vouches for.
///
/// A list of a version whose meaning is not known here is never believed.
pub fn authenticate(
    list: &TrustedList,
    bytes: &[u8],
    signers: &[Certificate],
    vouched: &BTreeSet<[u8; 32]>,
    verifier: Option<Verifier<'_>>,
) -> Authenticity {
    if !list.is_usable() {
        return Authenticity::Unverified;
    }
    if vouched.contains(&list.digest) {
        return Authenticity::Vouched;
    }
    match verifier.map(|verify| verify(bytes, signers)) {
        Some(Ok(signer)) if signers.contains(&signer) => Authenticity::Signed {
            signer: signer.fingerprint(),
        },
        _ => Authenticity::Unverified,
    }
}

/// The addresses of a list of lists' pivots, the oldest first: what its scheme information names before the Official
/// Journal (TS 119 612 §5.3.7). Empty where the Journal's certificates sign the list itself.
///
/// Errors: it names no publication `journal`, so the certificates taken from there are not those it goes by.
pub fn pivots(lotl: &TrustedList, journal: Option<&str>) -> Result<Vec<String>> {
    let all = &lotl.scheme.information;
    let is_journal = |uri: &String| match journal {
        Some(journal) => uri == journal,
        None => uri.contains("//eur-lex.europa.eu/"),
    };
    let Some(before) = all.iter().position(is_journal) else {
        return Err(Error::refused(
            "list of the lists",
            "does not name the publication that its certificates were taken from",
        )
        .remedy("Take the certificates of the newest publication in the Official Journal."));
    };
    let mut pivots: Vec<String> = all[..before].to_vec();
    pivots.reverse();
    if pivots.len() > MOST_PIVOTS {
        return Err(Error::limit(
            "list of the lists",
            format!("more than {MOST_PIVOTS} pivots"),
        ));
    }
    Ok(pivots)
}

/// The certificates that may sign what comes after `chain`, the pivots from the oldest on: `journal` where there are none.
///
/// Each pivot must be believed by those before it: `is_believed` is asked with the pivot and the certificates that may
/// sign it. Errors: one is not, or it points to no list of lists.
pub fn believed_signers<'c>(
    journal: &[Certificate],
    chain: impl IntoIterator<Item = &'c TrustedList>,
    is_believed: impl Fn(&TrustedList, &[Certificate]) -> bool,
) -> Result<Vec<Certificate>> {
    let mut signers = journal.to_vec();
    for pivot in chain {
        if !is_believed(pivot, &signers) {
            return Err(Error::refused(
                format!("pivot {}", pivot.scheme.sequence.unwrap_or_default()),
                "is not signed by a certificate that may, and nobody vouches for it",
            ));
        }
        let to_itself = pivot.scheme.pointers.iter().find(|p| p.is_list_of_lists());
        signers = match to_itself {
            Some(pointer) if !pointer.signers.is_empty() => pointer.signers.clone(),
            _ => {
                return Err(Error::malformed(
                    "pivot",
                    "names no signer of the list of the lists",
                ));
            }
        };
    }
    Ok(signers)
}
