//! What lists or a response say about one certificate, or why they say nothing.

use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::time::Time;
use std::time::Duration;

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

impl Status {
    /// From when on and why it is revoked for good at `at`: on hold is not for good.
    pub fn revoked_at(self, at: Time) -> Option<(Time, Option<RevocationReason>)> {
        match self {
            Status::Revoked { at: time, reason }
                if time <= at && reason != Some(RevocationReason::CertificateHold) =>
            {
                Some((time, reason))
            }
            _ => None,
        }
    }

    /// Whether it is on hold, from whenever on.
    pub fn is_hold(self) -> bool {
        let hold = Some(RevocationReason::CertificateHold);
        matches!(self, Status::Revoked { reason, .. } if reason == hold)
    }

    /// Whether it is on hold at `at`.
    pub fn on_hold_at(self, at: Time) -> bool {
        self.is_hold() && matches!(self, Status::Revoked { at: time, .. } if time <= at)
    }
}

/// What kind of data an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// One or more revocation lists.
    List,
    /// An OCSP response.
    Response,
}

/// A certificate whose status rests on others' and is not known: that of a responder, or of an issuer of lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// It.
    pub certificate: Certificate,
    /// The issuer of it.
    pub issuer: Certificate,
}

/// A status with what it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: Status,
    /// The instant at which the status is known to be right; the earliest, where several lists were needed.
    pub this_update: Time,
    /// When the last of what it rests on was made, as it says itself.
    pub issued: Time,
    /// When newer information is available at the latest; the earliest, where several lists were needed.
    pub next_update: Option<Time>,
    /// Since when the key was not safe any more, where a list says so (RFC 5280 §5.3.2).
    pub invalidity_date: Option<Time>,
    /// What it rests on.
    pub kind: Kind,
    /// The SHA-256 of the lists or of the response that it rests on; never empty.
    pub evidence: Vec<[u8; 32]>,
    /// Who signed them, and with which algorithm.
    pub signers: Vec<(Certificate, SignatureAlgorithm)>,
    /// Whose own status is not known, of those who signed and those on their paths.
    pub unchecked: Vec<Unchecked>,
}

/// Why a list or response says nothing about the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// It is about other certificates.
    OtherScope,
    /// It is of another issuer.
    OtherIssuer,
    /// No known key of its issuer or responder signed it.
    Signature,
    /// The signer was not entitled to sign it.
    NotEntitled,
    /// No path from its signer to an anchor holds.
    SignerPath,
    /// The signer's path ends at another anchor than the certificate's (RFC 5280 §6.3.3(f)).
    OtherAnchor,
    /// The signer, or who stands between it and the anchor, is revoked.
    SignerRevoked,
    /// It would vouch for its own signer.
    Circular,
    /// It lists only changes to a list that is not at hand (RFC 5280 §5.2.4).
    Delta,
    /// It covers only some reasons, and nothing at hand covers the others (RFC 5280 §5.2.5).
    PartialReasons,
    /// It has a critical extension that is not known here.
    UnknownCritical,
    /// One of its entries cannot be read.
    Malformed,
    /// It was issued after the certificate expired, when entries of expired certificates may be gone.
    AfterExpiry,
    /// It was issued before the certificate.
    BeforeIssuance,
    /// It says to be from a time that has not come.
    Future,
    /// Its algorithm could not be believed any more.
    Algorithm,
    /// It is about another certificate of the same number.
    OtherCertificate,
    /// More signers would have to be tried than may be.
    Limit,
}

impl Unusable {
    /// A stable word for reports.
    pub fn word(self) -> &'static str {
        match self {
            Unusable::OtherScope => "other_scope",
            Unusable::OtherIssuer => "other_issuer",
            Unusable::Signature => "signature",
            Unusable::NotEntitled => "not_entitled",
            Unusable::SignerPath => "signer_path",
            Unusable::OtherAnchor => "other_anchor",
            Unusable::SignerRevoked => "signer_revoked",
            Unusable::Circular => "circular",
            Unusable::Delta => "delta",
            Unusable::PartialReasons => "partial_reasons",
            Unusable::UnknownCritical => "unknown_critical",
            Unusable::Malformed => "malformed",
            Unusable::AfterExpiry => "after_expiry",
            Unusable::BeforeIssuance => "before_issuance",
            Unusable::Future => "future",
            Unusable::Algorithm => "algorithm",
            Unusable::OtherCertificate => "other_certificate",
            Unusable::Limit => "limit",
        }
    }

    /// Whether it was never meant for the certificate, which is no one's fault and not worth telling.
    pub fn is_of_other(self) -> bool {
        matches!(self, Unusable::OtherScope | Unusable::OtherIssuer)
    }
}

/// That a good answer of these dates stands for `certificate` at all: from within its lifetime, or from an issuer that
/// keeps expired certificates listed (`kept_since`). A revocation stands in any case.
pub(super) fn within_lifetime(
    certificate: &Certificate,
    this_update: Time,
    next_update: Option<Time>,
    kept_since: Option<Time>,
) -> Result<(), Unusable> {
    let validity = certificate.validity();
    // A list that was current when the certificate was issued need not know it yet, and is used as RFC 5280 §6.3.3
    // uses it; one that was superseded by then is not.
    if next_update.unwrap_or(this_update) < validity.not_before {
        return Err(Unusable::BeforeIssuance);
    }
    let kept = kept_since.is_some_and(|since| since <= validity.not_after);
    if this_update > validity.not_after && !kept {
        return Err(Unusable::AfterExpiry);
    }
    Ok(())
}

/// Whether an answer is fresh at `at` (EN 319 102-1 §5.2.5.4): the most that it may be old is `oldest`, else the interval
/// that it gives itself (nextUpdate less thisUpdate), and without either it is not fresh. An answer from after `at` knows
/// more than one of `at` would.
pub fn is_fresh(answer: &Answer, at: Time, oldest: Option<Duration>) -> bool {
    let own = || Some(answer.next_update?.since(answer.this_update));
    match oldest.or_else(own) {
        Some(most) => answer.this_update.plus(most) > at,
        None => answer.this_update >= at,
    }
}
