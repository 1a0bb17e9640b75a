//! How far a CAdES signature goes, by its structure (EN 319 122-1 §6.1, §6.3; extended forms: EN 319 122-2, unchecked).
//!
//! In: a signer and its time-stamps as evidence. Out: its tier. The baseline asks for more (a signing time, the signing
//! certificate inside, content of type data) and forbids the references and values of the extended forms; what has a
//! time-stamp and is not of the baseline is of the extended form that it reaches. PAdES decides its own tier from T on.

use super::validation_data::ValidationData;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::evidence::{Family, Pool, Signature, Tier, TimestampKind};
use crate::engine::pki::cms::{Attributes, SignedData, SignerInfo};
use crate::engine::syntax::asn1::{Oid, names};

/// What the baseline leaves to the extended forms (EN 319 122-1 §6.3).
const EXTENDED: [Oid; 5] = [
    names::ID_AA_ETS_CERT_VALUES,
    names::ID_AA_ETS_REVOCATION_VALUES,
    names::ID_AA_ETS_CERTIFICATE_REFS,
    names::ID_AA_ETS_REVOCATION_REFS,
    names::ID_AA_ETS_CERT_CRL_TIMESTAMP,
];

/// The tier of `signature`, which is `info` of `data` as evidence.
pub(super) fn tier(
    data: &SignedData,
    info: &SignerInfo,
    signature: &Signature,
    pool: &Pool,
) -> Tier {
    let Some(attributes) = &info.signed_attributes else {
        return Tier::NotEtsi;
    };
    if !is_bes(attributes, signature) {
        return Tier::NotEtsi;
    }
    let baseline = is_baseline(data, info, attributes, signature);
    let unstamped = match baseline {
        true => Tier::B,
        false if attributes.count(&names::ID_AA_ETS_SIG_POLICY_ID) > 0 => Tier::Epes,
        false => Tier::Bes,
    };
    match signature.level.family {
        _ if !stamped(signature, TimestampKind::Signature) => unstamped,
        Family::Pades if baseline => Tier::T,
        Family::Pades => unstamped,
        _ => stamped_tier(data, info, signature, baseline, pool),
    }
}

fn stamped_tier(
    data: &SignedData,
    info: &SignerInfo,
    signature: &Signature,
    baseline: bool,
    pool: &Pool,
) -> Tier {
    let unsigned = |id: Oid| info.unsigned_attributes.count(&id) > 0;
    let with_values = ValidationData::of(pool).is_complete(signature);
    let archived = stamped(signature, TimestampKind::Archive);
    if baseline && with_values && !EXTENDED.into_iter().any(unsigned) {
        return match () {
            () if has_record(data) => Tier::Ers,
            () if unsigned(names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3) => Tier::Lta,
            () => Tier::Lt,
        };
    }
    let with_references =
        unsigned(names::ID_AA_ETS_CERTIFICATE_REFS) && unsigned(names::ID_AA_ETS_REVOCATION_REFS);
    let references_stamped = stamped(signature, TimestampKind::References);
    match () {
        () if with_values && archived => Tier::A,
        () if with_references && references_stamped && with_values => Tier::Xl,
        () if with_references && references_stamped => Tier::X,
        () if with_references => Tier::C,
        () if with_values => Tier::ExtendedLt,
        () if baseline => Tier::T,
        () => Tier::ExtendedT,
    }
}

fn stamped(signature: &Signature, kind: TimestampKind) -> bool {
    signature.timestamps.iter().any(|t| t.kind == kind)
}

/// EN 319 122-2 §4.1 (unchecked): what any CAdES signature has; one signing-certificate attribute, and version 1 for
/// SHA-1 alone; each of the others at most once.
fn is_bes(attributes: &Attributes, signature: &Signature) -> bool {
    const ONCE: [Oid; 6] = [
        names::ID_SIGNING_TIME,
        names::ID_AA_ETS_COMMITMENT_TYPE,
        names::ID_AA_CONTENT_HINTS,
        names::ID_AA_ETS_MIME_TYPE,
        names::ID_AA_ETS_SIGNER_LOCATION,
        names::ID_AA_ETS_SIG_POLICY_ID,
    ];
    let count = |id| attributes.count(&id);
    let (old, new) = (
        count(names::ID_AA_SIGNING_CERTIFICATE),
        count(names::ID_AA_SIGNING_CERTIFICATE_V2),
    );
    let first = signature.certificate_references.first();
    let by_its_version = first.is_some_and(|reference| match reference.algorithm {
        DigestAlgorithm::Sha1 => old == 1,
        _ => new == 1,
    });
    let typed = signature.countersigns.is_some() || count(names::ID_CONTENT_TYPE) == 1;
    old + new == 1
        && by_its_version
        && typed
        && count(names::ID_MESSAGE_DIGEST) == 1
        && ONCE.into_iter().all(|id| count(id) <= 1)
}

/// EN 319 122-1 §6.3: what level B of the baseline has beyond that.
fn is_baseline(
    data: &SignedData,
    info: &SignerInfo,
    attributes: &Attributes,
    signature: &Signature,
) -> bool {
    let certificate_inside = data.certificates().iter().any(|c| info.sid.names(c));
    let times = attributes.values(&names::ID_SIGNING_TIME).count();
    // EN 319 142-1 §6.3: of a PDF, the time is the dictionary's /M; CAdES wants the attribute.
    let timed = signature.level.family == Family::Pades || times == 1;
    let of_data = signature.countersigns.is_some() || *data.content_type() == names::ID_DATA;
    let one_reference = signature.certificate_references.len() == 1;
    certificate_inside && timed && of_data && one_reference
}

/// Whether a signer of the message has an evidence record of the kind that is due: an external one where the content lies
/// apart, an internal one where it is inside (EN 319 122-1 §5.6, unchecked). It is over all the signers.
fn has_record(data: &SignedData) -> bool {
    let due = match data.is_attached() {
        true => names::ID_AA_ER_INTERNAL,
        false => names::ID_AA_ER_EXTERNAL,
    };
    let mut signers = data.signer_infos().iter();
    signers.any(|info| info.unsigned_attributes.count(&due) > 0)
}
