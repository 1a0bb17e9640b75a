//! Which checks a policy may weigh, and what each comes to by its clause.
//!
//! A check that does not hold fails, warns, is told or is ignored ([`Level`]). What proves nothing without it cannot be
//! weighed: the mathematics, the path to an anchor, the structure that says what was signed. Nor can what proof of existence
//! hangs on.

use super::Level;
use crate::engine::validation::indication::SubIndication;

/// What a check comes to where no policy says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Natural {
    /// It fails, or leaves doubt, by its own sub-indication.
    Fails,
    /// It warns, and fails by this sub-indication where a policy demands it.
    Warns(SubIndication),
    /// It is told, and fails by this sub-indication where a policy demands it.
    Tells(SubIndication),
}

impl Natural {
    pub(super) fn level(self) -> Level {
        match self {
            Natural::Fails => Level::Fail,
            Natural::Warns(_) => Level::Warn,
            Natural::Tells(_) => Level::Inform,
        }
    }
}

use Natural::{Fails, Tells, Warns};
use SubIndication::{
    ChainConstraintsFailure as Chain, CryptoConstraintsFailureNoPoe as Crypto,
    FormatFailure as Format, PolicyProcessingError as Processing,
    SigConstraintsFailure as Constraint, SignaturePolicyNotAvailable as NotAvailable, TryLater,
};

/// The checks that may be weighed, sorted.
const CHECKS: &[(&str, Natural)] = &[
    ("algorithm.end_predicted", Tells(Crypto)),
    ("algorithm.expired", Fails),
    ("algorithm.unlisted", Fails),
    ("asic.file.not_covered", Fails),
    ("asic.inside.unreadable", Tells(Format)),
    ("asic.manifest.malformed", Tells(Format)),
    ("asic.manifest.missing", Tells(Format)),
    ("asic.manifest.two", Tells(Format)),
    ("asic.mimetype.form", Tells(Format)),
    ("asic.mimetype.missing", Tells(Format)),
    ("asic.mimetype.simple", Fails),
    ("asic.mimetype.unknown", Tells(Format)),
    ("attribute.forbidden", Fails),
    ("attribute.missing", Fails),
    ("certificate.extension_missing", Fails),
    ("certificate.key_usage", Fails),
    ("certificate.malformed_extension", Tells(Chain)),
    ("certificate.no_qscd", Fails),
    ("certificate.not_der", Tells(Chain)),
    ("certificate.not_for_signing", Fails),
    ("certificate.not_for_time_stamping", Fails),
    ("certificate.not_qualified", Fails),
    ("certificate.odd_alternative_name", Tells(Chain)),
    ("certificate.odd_serial", Tells(Chain)),
    ("certificate.odd_version", Tells(Chain)),
    ("certificate.unique_identifier", Tells(Chain)),
    ("claimed_time.after_proof", Tells(Constraint)),
    ("cms.counter_signature.content_type", Tells(Format)),
    ("cms.digest_algorithms.missing", Fails),
    ("cms.padding", Tells(Format)),
    ("cms.version.mismatch", Fails),
    ("commitment.missing", Fails),
    ("commitment.not_accepted", Fails),
    ("content_hints.missing", Fails),
    ("content_hints.not_accepted", Fails),
    ("content_type.missing", Fails),
    ("content_type.not_accepted", Fails),
    ("counter_signature.missing", Fails),
    ("document.later_bytes", Fails),
    ("document.later_revision", Fails),
    ("document.partly_covered", Fails),
    ("level.too_low", Fails),
    ("mime_type.missing", Fails),
    ("mime_type.not_accepted", Fails),
    ("path.user_notice", Tells(Chain)),
    ("pdf.cert.present", Tells(Format)),
    ("pdf.cms.attached", Tells(Format)),
    ("pdf.contents.padding", Fails),
    ("pdf.timestamp.type", Tells(Format)),
    ("revocation.missing", Fails),
    ("revocation.not_published", Tells(TryLater)),
    ("revocation.on_hold", Fails),
    ("revocation.responder_unchecked", Tells(TryLater)),
    ("revocation.short_term", Tells(TryLater)),
    ("revocation.signer_unchecked", Fails),
    ("revocation.stale", Fails),
    ("revocation.unknown", Fails),
    ("signature_policy.attribute_forbidden", Warns(Constraint)),
    ("signature_policy.attribute_missing", Warns(Constraint)),
    ("signature_policy.digest_mismatch", Fails),
    ("signature_policy.malformed", Fails),
    ("signature_policy.missing", Fails),
    ("signature_policy.no_digest", Tells(Processing)),
    ("signature_policy.not_accepted", Fails),
    ("signature_policy.not_available", Tells(NotAvailable)),
    ("signature_policy.weak_digest", Tells(Processing)),
    ("signer_role.missing", Fails),
    ("signer_role.not_accepted", Fails),
    (
        "signing_certificate.issuer_serial_differs",
        Tells(Constraint),
    ),
    (
        "signing_certificate.structure_names_other",
        Tells(Constraint),
    ),
    ("signing_certificate.unreferenced", Tells(Constraint)),
    ("signing_certificate.weak_reference", Tells(Crypto)),
    ("smime.header", Tells(Format)),
    ("timestamp.delay", Fails),
    ("timestamp.delay_unknown", Fails),
    ("timestamp.policy_not_accepted", Fails),
    ("timestamp.unreadable", Tells(Constraint)),
];

/// Checks that cannot be weighed, whole or by what their keys begin with, and why.
const FIXED: &[(&str, &str)] = &[
    ("asic.", "the structure says what was signed"),
    ("cades.", "the structure says what was signed"),
    ("cms.", "the structure says what was signed"),
    ("pdf.", "the structure says what was signed"),
    ("format.", "the structure says what was signed"),
    ("reference.", "the mathematics proves what was signed"),
    ("value.", "the mathematics proves who signed"),
    (
        "signing_certificate.",
        "nobody is known to have signed without it",
    ),
    ("signature_policy.", "it says which policy was applied"),
    ("path.", "nobody is trusted without a path"),
    ("certificate.not_yet_valid", "nobody was trusted before"),
    (
        "certificate.expired",
        "what a path is worth after its end hangs on proofs of existence",
    ),
    (
        "certificate.not_for_access",
        "the caller asked for the purpose",
    ),
    ("certificate.proven_in_time", "it says what proves it"),
    ("revocation.", "it says what is known"),
    ("timestamp.", "proofs of existence hang on it"),
    ("evidence_record.", "proofs of existence hang on it"),
    ("poe.", "proofs of existence hang on it"),
    ("past_certificate.", "proofs of existence hang on it"),
    ("past_signature.", "proofs of existence hang on it"),
    ("time_sliding.", "proofs of existence hang on it"),
];

/// What a check comes to by its clause: none where it cannot be weighed.
pub(super) fn natural(check: &str) -> Option<Natural> {
    let found = CHECKS.binary_search_by(|(key, _)| (*key).cmp(check));
    found.ok().map(|index| CHECKS[index].1)
}

/// Why a check cannot be weighed: none where it can, or where no check is known by the key.
pub fn why_fixed(check: &str) -> Option<&'static str> {
    if natural(check).is_some() {
        return None;
    }
    let found = FIXED.iter().find(|(key, _)| match key.ends_with('.') {
        true => check.starts_with(key),
        false => check == *key,
    });
    found.map(|(_, why)| *why)
}

/// The checks that may be weighed, each with what it comes to by its clause.
pub fn weighable() -> impl Iterator<Item = (&'static str, Level)> {
    CHECKS.iter().map(|(key, natural)| (*key, natural.level()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_the_mathematics_is_not_in_it() {
        assert!(CHECKS.is_sorted_by(|(a, _), (b, _)| a < b));
        for check in ["reference.altered", "value.wrong", "path.signature"] {
            assert!(
                natural(check).is_none() && why_fixed(check).is_some(),
                "{check}"
            );
        }
        assert_eq!(natural("algorithm.expired"), Some(Natural::Fails));
        assert_eq!(why_fixed("algorithm.expired"), None);
        assert_eq!(why_fixed("nothing.at_all"), None);
    }
}
