//! The status of a certificate by an OCSP response (RFC 6960 §3.2, §4.2.2).

use super::status::{Answer, Status, Unusable, within_lifetime};
use crate::engine::pki::extension::{Extension, KeyUsage};
use crate::engine::pki::ocsp::{CertStatus, OcspResponse};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::{Certificate, Certificates};
use crate::engine::syntax::asn1::{Reader, Tlv, names};
use crate::engine::time::Time;

/// What `response`, whose bytes have the SHA-256 `id`, says about `certificate`, issued by `issuer`. The responder's
/// certificate is looked for in the response and in `pool`.
pub fn by_ocsp(
    certificate: &Certificate,
    issuer: &Certificate,
    response: &OcspResponse,
    id: [u8; 32],
    pool: &Certificates,
    checks: &mut SignatureChecks,
) -> Result<Answer, Unusable> {
    let single = response
        .response_for(certificate, issuer)
        .ok_or(Unusable::OtherScope)?;
    if single.extensions.iter().any(|e| e.critical) {
        return Err(Unusable::UnknownCritical);
    }
    let signer = signer(response, id, issuer, pool, checks)?;
    let status = match single.status {
        CertStatus::Good => Status::Good,
        CertStatus::Revoked { time, reason } => Status::Revoked { at: time, reason },
        CertStatus::Unknown => Status::Unknown,
    };
    let answer = Answer {
        status,
        this_update: single.this_update,
        next_update: single.next_update,
        signer_to_be_checked: signer != *issuer
            && signer.extension(&names::ID_PKIX_OCSP_NOCHECK).is_none(),
        signer,
        algorithm: response
            .signature_algorithm()
            .map_err(|_| Unusable::Signature)?,
    };
    within_lifetime(certificate, &answer, archive_cutoff(&single.extensions))?;
    Ok(answer)
}

/// RFC 6960 §4.2.2.2: the issuer itself, or whom it delegated to. A key that signed and was not entitled is told apart
/// from a signature that nobody known made.
fn signer(
    response: &OcspResponse,
    id: [u8; 32],
    issuer: &Certificate,
    pool: &Certificates,
    checks: &mut SignatureChecks,
) -> Result<Certificate, Unusable> {
    let candidates = std::iter::once(issuer)
        .chain(response.certificates())
        .chain(pool.iter())
        .filter(|candidate| response.responder().names(candidate));
    let mut why = Unusable::Signature;
    for candidate in candidates {
        let signed = checks.check(id, candidate.fingerprint(), || {
            candidate
                .public_key()
                .is_ok_and(|key| response.is_signed_by(key))
        });
        if !signed {
            continue;
        }
        if candidate.spki() == issuer.spki() && candidate.subject() == issuer.subject() {
            return Ok(issuer.clone());
        }
        if is_delegated(candidate, issuer, response.produced_at(), checks) {
            return Ok(candidate.clone());
        }
        why = Unusable::NotEntitled;
    }
    Err(why)
}

fn is_delegated(
    responder: &Certificate,
    issuer: &Certificate,
    produced_at: Time,
    checks: &mut SignatureChecks,
) -> bool {
    let validity = responder.validity();
    responder.issuer() == issuer.subject()
        && responder
            .extended_key_usage()
            .contains(&names::ID_KP_OCSP_SIGNING)
        && responder.key_usage().is_none_or(|usage| {
            usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
        })
        && (validity.not_before..=validity.not_after).contains(&produced_at)
        && checks.is_signed_by(responder, issuer)
}

/// `archiveCutoff` (RFC 6960 §4.4.4): certificates that expired since then are still answered for.
fn archive_cutoff(extensions: &[Extension]) -> Option<Time> {
    let extension = extensions
        .iter()
        .find(|e| e.id == names::ID_PKIX_OCSP_ARCHIVE_CUTOFF)?;
    Tlv::whole(Reader::ber(&extension.value), "archiveCutoff")
        .and_then(|element| element.time())
        .ok()
}
