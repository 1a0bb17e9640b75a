//! What is concluded of a certificate at an instant: one of four values, with what it rests on.

use super::inquiry::Said;
use super::status::{Answer, Status, Unusable, is_fresh};
use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::time::Time;
use std::fmt;
use std::time::Duration;

/// By what is concluded.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The instant in question.
    pub at: Time,
    /// The current time: what says to be from later is not believed.
    pub now: Time,
    /// How far clocks may be apart.
    pub tolerance: Duration,
    /// How old an answer may be; none for what it says itself (EN 319 102-1 §5.2.5.4).
    pub oldest: Option<Duration>,
    /// Whether an algorithm with a key of so many bits could be believed at a time.
    pub acceptable: &'a dyn Fn(SignatureAlgorithm, u32, Time) -> bool,
    /// What is known of the existence of answers; none where that is not asked, and their own word counts.
    pub proofs: Option<&'a Proofs<'a>>,
}

/// What is known of the existence of answers.
#[derive(Clone, Copy)]
pub struct Proofs<'a> {
    /// Since when one is proven to exist.
    pub proven: &'a dyn Fn(&Answer) -> Time,
    /// Whether the key of a signer is believed whatever its certificate's end: an anchor's.
    pub anchor: &'a dyn Fn(&Certificate) -> bool,
}

impl fmt::Debug for Proofs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proofs")
    }
}

impl Rules<'_> {
    /// Whether an answer is proven to be from before the end of its signers' certificates, or nobody asks: what is signed
    /// with a key whose certificate is over may be made by anyone who found it.
    pub fn is_in_bounds(&self, answer: &Answer) -> bool {
        let Some(proofs) = self.proofs else {
            return true;
        };
        let proven = (proofs.proven)(answer);
        let lives = |signer: &Certificate| proven <= signer.validity().not_after;
        let mut signers = answer.signers.iter();
        signers.all(|(signer, _)| lives(signer) || (proofs.anchor)(signer))
    }
}

impl fmt::Debug for Rules<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rules({}, now {})", self.at, self.now)
    }
}

/// Why a status could not be checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecided {
    /// Nothing at hand says anything.
    Missing,
    /// The newest good answer is too old.
    Stale(Answer),
    /// The newest answer is good, and whether its signer is is not known, and could be asked.
    SignerUnchecked(Answer),
    /// The newest answer is good, and nothing proves that it is from before the end of its signer's certificate.
    OutOfBounds(Answer),
}

/// The status of a certificate at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// Not revoked.
    Good(Answer),
    /// Revoked, or on hold where the reason says so.
    Revoked {
        /// From when on.
        at: Time,
        /// Why, where it is said.
        reason: Option<RevocationReason>,
        /// What says so.
        answer: Answer,
    },
    /// Whoever was asked does not know the certificate.
    Unknown(Answer),
    /// It could not be checked.
    CouldNotCheck(Undecided),
}

impl Conclusion {
    /// What it rests on.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Conclusion::Good(answer)
            | Conclusion::Revoked { answer, .. }
            | Conclusion::Unknown(answer)
            | Conclusion::CouldNotCheck(
                Undecided::Stale(answer)
                | Undecided::SignerUnchecked(answer)
                | Undecided::OutOfBounds(answer),
            ) => Some(answer),
            Conclusion::CouldNotCheck(Undecided::Missing) => None,
        }
    }
}

/// A conclusion, and what could not be used for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgment {
    /// The status.
    pub conclusion: Conclusion,
    /// What was meant for the certificate and says nothing, by SHA-256.
    pub not_used: Vec<([u8; 32], Unusable)>,
}

/// Concludes: a revocation for good before the instant outweighs everything, then the newest answer counts, "unknown"
/// only where nothing else is said.
pub fn judge(said: &Said, rules: &Rules<'_>) -> Judgment {
    let mut not_used = said.unusable.clone();
    let mut usable = Vec::new();
    for answer in &said.answers {
        match unusable(answer, rules) {
            Some(why) => not_used.push((answer.evidence[0], why)),
            None => usable.push(answer),
        }
    }
    Judgment {
        conclusion: conclude(&usable, rules),
        not_used,
    }
}

fn unusable(answer: &Answer, rules: &Rules<'_>) -> Option<Unusable> {
    if answer.issued > rules.now.plus(rules.tolerance) {
        return Some(Unusable::Future);
    }
    let bits = |signer: &Certificate| signer.public_key().map_or(0, |key| key.bits());
    let own_word = rules.at.max(answer.this_update);
    let when = rules
        .proofs
        .map_or(own_word, |proofs| (proofs.proven)(answer));
    let believed = |(signer, algorithm): &(Certificate, SignatureAlgorithm)| {
        (rules.acceptable)(*algorithm, bits(signer), when)
    };
    (!answer.signers.iter().all(believed)).then_some(Unusable::Algorithm)
}

fn conclude(usable: &[&Answer], rules: &Rules<'_>) -> Conclusion {
    let revoked = usable.iter().filter_map(|answer| {
        let (at, reason) = answer.status.revoked_at(rules.at)?;
        Some((at, reason, *answer))
    });
    if let Some((at, reason, answer)) = revoked.min_by_key(|(at, ..)| *at) {
        return Conclusion::Revoked {
            at,
            reason,
            answer: answer.clone(),
        };
    }
    let said = |answer: &&&Answer| answer.status != Status::Unknown;
    let Some(newest) = usable.iter().filter(said).max_by_key(|a| a.this_update) else {
        let unknown = usable.iter().max_by_key(|a| a.this_update);
        return match unknown {
            Some(answer) => Conclusion::Unknown((*answer).clone()),
            None => Conclusion::CouldNotCheck(Undecided::Missing),
        };
    };
    if let Status::Revoked { at, reason } = newest.status
        && newest.status.on_hold_at(rules.at)
    {
        return Conclusion::Revoked {
            at,
            reason,
            answer: (*newest).clone(),
        };
    }
    let fresh = |answer: &Answer| is_fresh(answer, rules.at, rules.oldest);
    let best = usable
        .iter()
        .filter(said)
        .filter(|answer| !answer.status.on_hold_at(rules.at))
        .max_by_key(|a| {
            let in_bounds = rules.is_in_bounds(a);
            (fresh(a), in_bounds, !could_be_asked(a), a.this_update)
        });
    match best.map(|best| (*best).clone()) {
        None => Conclusion::CouldNotCheck(Undecided::Missing),
        Some(best) if !fresh(&best) => Conclusion::CouldNotCheck(Undecided::Stale(best)),
        Some(best) if !rules.is_in_bounds(&best) => {
            Conclusion::CouldNotCheck(Undecided::OutOfBounds(best))
        }
        Some(best) if could_be_asked(&best) => {
            Conclusion::CouldNotCheck(Undecided::SignerUnchecked(best))
        }
        Some(best) => Conclusion::Good(best),
    }
}

/// Whether an unchecked signer names a place where its status can be asked. One that names none is left to the issuer
/// that certified it (RFC 6960 §4.2.2.2.1, the third of its ways).
pub fn could_be_asked(answer: &Answer) -> bool {
    answer.unchecked.iter().any(|unchecked| {
        let certificate = &unchecked.certificate;
        !certificate.distribution_points().is_empty() || certificate.ocsp_uris().next().is_some()
    })
}
