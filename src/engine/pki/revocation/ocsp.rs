//! What OCSP responses say about a certificate (RFC 6960 §3.2, §4.2.2), and who was entitled to answer.

use super::inquiry::{Inquiry, Link, Said, same_authority};
use super::status::{Answer, Kind, Status, Unchecked, Unusable, within_lifetime};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::pki::ocsp::{CertStatus, OcspResponse, SingleResponse};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::syntax::asn1::{Oid, names};
use crate::engine::time::Time;

/// Certificates that are tried as the responder of one response.
const MOST_SIGNERS: usize = 16;

/// Critical extensions of a responder's certificate that are processed here or restrict nothing that is relied on.
const KNOWN: &[Oid] = &[
    names::ID_CE_BASIC_CONSTRAINTS,
    names::ID_CE_KEY_USAGE,
    names::ID_CE_EXT_KEY_USAGE,
    names::ID_CE_SUBJECT_KEY_IDENTIFIER,
    names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    names::ID_CE_SUBJECT_ALT_NAME,
    names::ID_CE_ISSUER_ALT_NAME,
    names::ID_CE_CERTIFICATE_POLICIES,
    names::ID_CE_CRL_DISTRIBUTION_POINTS,
    names::ID_PE_AUTHORITY_INFO_ACCESS,
    names::ID_PKIX_OCSP_NOCHECK,
    names::ID_CE_NO_REV_AVAIL,
];

/// Adds to `said` what the responses at hand say about the certificate of `link`.
pub(super) fn by_responses(
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
    said: &mut Said,
) {
    for response in inquiry.data().responses {
        match consult(response, inquiry, link, checks) {
            Ok(answer) => said.answers.push(answer),
            Err(why) if why.is_of_other() => {}
            Err(why) => said.unusable.push((response.id(), why)),
        }
    }
}

fn consult(
    response: &OcspResponse,
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
) -> Result<Answer, Unusable> {
    let singles = response.responses_for(link.certificate, link.issuer);
    let single = weightiest(&singles, link.certificate)?;
    if response.unknown_critical().is_some() || single.unknown_critical().is_some() {
        return Err(Unusable::UnknownCritical);
    }
    let algorithm = response
        .signature_algorithm()
        .map_err(|_| Unusable::Signature)?;
    // A key that is not to sign any more may write any producedAt, but not one that is past and a thisUpdate of today.
    let issued = response.produced_at().max(single.this_update);
    let (signer, unchecked) = signer(response, issued, inquiry, link, checks)?;
    let status = match single.status {
        CertStatus::Good => Status::Good,
        CertStatus::Revoked { time, reason } => Status::Revoked { at: time, reason },
        CertStatus::Unknown => Status::Unknown,
    };
    if !matches!(status, Status::Revoked { .. }) {
        let (this, next) = (single.this_update, single.next_update);
        within_lifetime(link.certificate, this, next, single.archive_cutoff())?;
    }
    Ok(Answer {
        status,
        this_update: single.this_update,
        issued,
        next_update: single.next_update,
        invalidity_date: None,
        kind: Kind::Response,
        evidence: vec![response.id()],
        signers: vec![(signer, algorithm)],
        unchecked,
    })
}

/// Of several answers about the one certificate the one that claims least for it: revoked, the earliest; else unknown; else
/// good, the newest. An answer that names another certificate by its hash is not about it.
fn weightiest<'r>(
    singles: &[&'r SingleResponse],
    certificate: &Certificate,
) -> Result<&'r SingleResponse, Unusable> {
    let of_it = |single: &&&SingleResponse| single.is_about(certificate);
    let best = singles.iter().filter(of_it).min_by_key(|single| {
        let rank = match single.status {
            CertStatus::Revoked { time, .. } => (0, time.unix()),
            CertStatus::Unknown => (1, 0),
            CertStatus::Good => (2, 0),
        };
        (rank, std::cmp::Reverse(single.this_update))
    });
    best.copied().ok_or(match singles {
        [] => Unusable::OtherScope,
        _ => Unusable::OtherCertificate,
    })
}

/// RFC 6960 §4.2.2.2: the issuer itself, or whom it delegated to. A key that signed and was not entitled is told apart
/// from a signature that nobody known made.
fn signer(
    response: &OcspResponse,
    issued: Time,
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
) -> Result<(Certificate, Vec<Unchecked>), Unusable> {
    let id = response.id();
    let mut why = Unusable::Signature;
    for candidate in candidates(response, inquiry, link) {
        if candidate != *link.issuer {
            inquiry.step()?;
        }
        let signed = checks.check(id, candidate.fingerprint(), || {
            candidate
                .public_key()
                .is_ok_and(|key| response.is_signed_by(key))
        });
        if !signed {
            continue;
        }
        if same_authority(&candidate, link.issuer) {
            return Ok((link.issuer.clone(), Vec::new()));
        }
        // A delegate does not answer for itself.
        if same_authority(&candidate, link.certificate) {
            why = Unusable::Circular;
            continue;
        }
        if !is_delegated(&candidate, link.issuer, issued, checks) {
            why = Unusable::NotEntitled;
            continue;
        }
        match responder_status(&candidate, issued, inquiry, link, checks) {
            Ok(unchecked) => return Ok((candidate, unchecked)),
            Err(other) => why = other,
        }
    }
    Err(why)
}

/// Certificates that the response names as its responder: those of the path, of the response, of the pool.
fn candidates(response: &OcspResponse, inquiry: &Inquiry<'_>, link: Link<'_>) -> Vec<Certificate> {
    let mut found: Vec<Certificate> = Vec::new();
    let known = std::iter::once(link.issuer)
        .chain(response.certificates())
        .chain(inquiry.data().pool.iter());
    for candidate in known.filter(|candidate| response.responder().names(candidate)) {
        if !found.contains(candidate) {
            found.push(candidate.clone());
        }
        if found.len() == MOST_SIGNERS {
            break;
        }
    }
    found
}

/// Whether `issuer` itself certified `responder` to answer, and the certificate was good when the response was made.
fn is_delegated(
    responder: &Certificate,
    issuer: &Certificate,
    issued: Time,
    checks: &mut SignatureChecks,
) -> bool {
    let validity = responder.validity();
    let issued = issued.truncated_to_seconds();
    let known = |e: &crate::engine::pki::extension::Extension| {
        !e.critical || (KNOWN.contains(&e.id) && !responder.malformed().contains(&e.id))
    };
    responder.issuer() == issuer.subject()
        && responder
            .extended_key_usage()
            .contains(&names::ID_KP_OCSP_SIGNING)
        && responder.key_usage().is_none_or(|usage| {
            usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
        })
        && responder.extensions().iter().all(known)
        && (validity.not_before..=validity.not_after).contains(&issued)
        && checks.is_signed_by(responder, issuer)
}

/// RFC 6960 §4.2.2.2.1: a delegate that its issuer did not exempt is asked about like any other certificate.
fn responder_status(
    responder: &Certificate,
    issued: Time,
    inquiry: &mut Inquiry<'_>,
    link: Link<'_>,
    checks: &mut SignatureChecks,
) -> Result<Vec<Unchecked>, Unusable> {
    if responder.extension(&names::ID_PKIX_OCSP_NOCHECK).is_some() {
        return Ok(Vec::new());
    }
    let own = Link {
        certificate: responder,
        ..link
    };
    inquiry.enter(responder.fingerprint())?;
    let status = inquiry.signer_status(own, issued, checks);
    inquiry.leave();
    Ok(status?.into_iter().collect())
}
