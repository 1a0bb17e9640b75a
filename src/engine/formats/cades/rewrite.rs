//! A message is written again with something added, and nothing that somebody relies on breaks.
//!
//! First as DER throughout; where that changes what an earlier time-stamp covers, as it was received; where that still
//! does, not at all. What an existing signature or time-stamp covers is compared before and after by the code that reads
//! foreign messages, so that no rule of what may be touched is written down twice.

use super::Cades;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{Evidence, Signature, SignedData as Signed};
use crate::engine::formats::{Detached, Format, Input, Part, Patch};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::{Attributes, Draft, Rewriting, SignedData, SignerInfo, Written};
use crate::engine::syntax::asn1::{Oid, names};

/// The pieces of a message as a patch of the document that its content is in.
pub(super) fn to_patch(written: Written) -> Patch {
    let mut parts = vec![Part::New(written.before)];
    parts.extend(written.content.into_iter().map(Part::Input));
    parts.push(Part::New(written.after));
    Patch(parts)
}

/// `document` with `change` made, so that all that held still does.
pub(super) fn rewrite(
    document: &[u8],
    data: &SignedData,
    change: impl Fn(&mut Draft) -> Result<()>,
) -> Result<Patch> {
    refuse_unknown(data)?;
    let fragile = is_fragile(data);
    for rewriting in [Rewriting::Der, Rewriting::AsReceived] {
        let mut draft = Draft::of(document, data, rewriting)?;
        let same = rewriting == Rewriting::Der && !fragile && draft.write().is(document);
        change(&mut draft)?;
        let patch = to_patch(draft.write());
        if same || holds(document, &patch.apply(document)?)? {
            return Ok(patch);
        }
    }
    Err(Error::refused(
        "CMS signature",
        "an earlier time-stamp covers what would have to change",
    )
    .remedy("Keep the signature as it is, and preserve it by an evidence record (RFC 4998)."))
}

/// `document` as DER, or as it is where somebody relies on that.
pub(super) fn normalised(document: &[u8], data: &SignedData) -> Result<Vec<u8>> {
    rewrite(document, data, |_| Ok(()))?.apply(document)
}

/// Time-stamps of which nobody here knows what they cover cannot be shown to hold.
fn refuse_unknown(data: &SignedData) -> Result<()> {
    const UNKNOWN: [Oid; 2] = [
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V1,
        names::ID_AA_ETS_LONG_TERM_VALIDATION,
    ];
    if has_any(data, &UNKNOWN) {
        return Err(Error::refused(
            "CMS signature",
            "a long-term-validation attribute, or an archive time-stamp of version 1, might break",
        )
        .remedy("Keep the signature as it is, and preserve it by an evidence record (RFC 4998)."));
    }
    Ok(())
}

/// Whether a time-stamp covers more than the value of a signature.
fn is_fragile(data: &SignedData) -> bool {
    const COVERING: [Oid; 4] = [
        names::ID_AA_ETS_ESC_TIMESTAMP,
        names::ID_AA_ETS_CERT_CRL_TIMESTAMP,
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2,
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3,
    ];
    has_any(data, &COVERING)
}

/// Whether a signer or counter-signature has an unsigned attribute of these types.
fn has_any(data: &SignedData, types: &[Oid]) -> bool {
    /// Counter-signatures deeper than this are as good as found: whoever nests like that is compared.
    const DEPTH: u32 = 64;
    fn among(attributes: &Attributes, types: &[Oid], depth: u32) -> bool {
        depth == 0
            || types.iter().any(|id| attributes.count(id) > 0)
            || attributes
                .values(&names::ID_COUNTERSIGNATURE)
                .filter_map(|value| SignerInfo::from_ber(value).ok())
                .any(|counter| among(&counter.unsigned_attributes, types, depth - 1))
    }
    let mut signers = data.signer_infos().iter();
    signers.any(|info| among(&info.unsigned_attributes, types, DEPTH))
}

/// Whether every signature of `before` is in `after` and covers the same, its time-stamps too.
fn holds(before: &[u8], after: &[u8]) -> Result<bool> {
    let (before, after) = (evidence(before)?, evidence(after)?);
    let mut candidates: Vec<&Signature> = after.signatures.iter().collect();
    for old in &before.signatures {
        let found = candidates
            .iter()
            .position(|new| is_same(old, new, (&before, &after)));
        match found {
            Some(position) => candidates.swap_remove(position),
            None => return Ok(false),
        };
    }
    Ok(true)
}

/// What is in a message, its content taken for empty where it is not there: only equality counts.
fn evidence(document: &[u8]) -> Result<Evidence> {
    let attached = SignedData::from_ber(document)?.is_attached();
    let nothing: &[u8] = b"";
    let detached = [Detached::of(nothing)];
    let input = Input {
        document,
        detached: if attached { &[] } else { &detached },
    };
    Cades.inspect(input, &mut Budget::default())
}

fn is_same(old: &Signature, new: &Signature, evidences: (&Evidence, &Evidence)) -> bool {
    let value_of = |evidence: &Evidence, signature: &Signature| {
        let over = signature.countersigns?;
        let mut all = evidence.signatures.iter();
        all.find(|s| s.id == over).map(|s| s.value.clone())
    };
    old.value == new.value
        && old.signer == new.signer
        && is_same_message(&old.signed, &new.signed)
        && old.references == new.references
        && value_of(evidences.0, old) == value_of(evidences.1, new)
        && old.timestamps.iter().all(|stamp| {
            let mut all = new.timestamps.iter();
            let kept = all.find(|s| s.token == stamp.token && s.kind == stamp.kind);
            kept.is_some_and(|s| stamp.imprint.actual.is_none() || stamp.imprint == s.imprint)
        })
}

fn is_same_message(old: &Signed, new: &Signed) -> bool {
    old == new
}
