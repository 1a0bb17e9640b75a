//! What a list or response says about one certificate, or why it says nothing.

use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::time::Time;

/// The status of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked, or on hold where the reason says so.
    Revoked {
        /// From when on.
        at: Time,
        /// Why, where it is said.
        reason: Option<RevocationReason>,
    },
    /// The responder does not know the certificate.
    Unknown,
}

/// A status with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// The instant at which the status is known to be right.
    pub this_update: Time,
    /// When newer information is available at the latest.
    pub next_update: Option<Time>,
    /// Who signed it: the issuer, or a responder that the issuer delegated to.
    pub signer: Certificate,
    /// With which algorithm.
    pub algorithm: SignatureAlgorithm,
    /// Whether the responder was delegated to and its own revocation is to be checked (RFC 6960 §4.2.2.2.1).
    pub signer_to_be_checked: bool,
}

/// Why a list or response says nothing about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// It is about other certificates.
    OtherScope,
    /// It is of another issuer.
    OtherIssuer,
    /// The issuer's or responder's key did not sign it.
    Signature,
    /// The signer was not entitled to sign it.
    NotEntitled,
    /// It lists only changes to another (RFC 5280 §5.2.4).
    Delta,
    /// It speaks for more than one issuer (RFC 5280 §5.3.3).
    Indirect,
    /// It covers only some reasons (RFC 5280 §5.2.5).
    PartialReasons,
    /// It has a critical extension that is not known here.
    UnknownCritical,
    /// One of its entries cannot be read.
    Malformed,
    /// It was issued after the certificate expired, when entries of expired certificates may be gone.
    AfterExpiry,
    /// It was issued before the certificate.
    BeforeIssuance,
}

impl Unusable {
    /// A stable word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Unusable::OtherScope => "other_scope",
            Unusable::OtherIssuer => "other_issuer",
            Unusable::Signature => "signature",
            Unusable::NotEntitled => "not_entitled",
            Unusable::Delta => "delta",
            Unusable::Indirect => "indirect",
            Unusable::PartialReasons => "partial_reasons",
            Unusable::UnknownCritical => "unknown_critical",
            Unusable::Malformed => "malformed",
            Unusable::AfterExpiry => "after_expiry",
            Unusable::BeforeIssuance => "before_issuance",
        }
    }

    /// Whether it was never meant for the certificate, which is no one's fault and not worth telling.
    pub fn is_of_other(self) -> bool {
        matches!(self, Unusable::OtherScope | Unusable::OtherIssuer)
    }
}

/// That a good answer stands for `certificate` at all: from within its lifetime, or from an issuer that keeps expired
/// certificates listed (`kept_since`). A revocation stands in any case.
pub(super) fn within_lifetime(
    certificate: &Certificate,
    answer: &Answer,
    kept_since: Option<Time>,
) -> Result<(), Unusable> {
    let validity = certificate.validity();
    if matches!(answer.status, Status::Revoked { .. }) {
        return Ok(());
    }
    // A list that was current when the certificate was issued need not know it yet, and is used as RFC 5280 §6.3.3
    // uses it; one that was superseded by then is not.
    if answer.next_update.unwrap_or(answer.this_update) < validity.not_before {
        return Err(Unusable::BeforeIssuance);
    }
    let kept = kept_since.is_some_and(|since| since <= validity.not_after);
    if answer.this_update > validity.not_after && !kept {
        return Err(Unusable::AfterExpiry);
    }
    Ok(())
}
