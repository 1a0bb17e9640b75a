//! The status of a certificate by a complete list of its issuer (RFC 5280 §6.3.3).

use super::status::{Answer, Status, Unusable, within_lifetime};
use crate::engine::crypto::SignatureAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::{
    CertificateList, IssuingDistributionPoint, RevocationList, RevocationReason,
};
use crate::engine::pki::extension::KeyUsage;
use crate::engine::pki::path::SignatureChecks;
use crate::engine::syntax::asn1::{Oid, Reader, Tlv, names};
use crate::engine::time::Time;

/// Critical extensions of a list that are processed here.
const KNOWN: &[Oid] = &[
    names::ID_CE_AUTHORITY_KEY_IDENTIFIER,
    names::ID_CE_CRL_NUMBER,
    names::ID_CE_ISSUING_DISTRIBUTION_POINT,
    names::ID_CE_EXPIRED_CERTS_ON_CRL,
];

/// What `list`, whose bytes have the SHA-256 `id`, says about `certificate`, issued by `issuer`.
pub fn by_crl(
    certificate: &Certificate,
    issuer: &Certificate,
    list: &CertificateList,
    id: [u8; 32],
    checks: &mut SignatureChecks,
) -> Result<Answer, Unusable> {
    if list.issuer() != certificate.issuer() {
        return Err(Unusable::OtherIssuer);
    }
    if list.is_delta() {
        return Err(Unusable::Delta);
    }
    if list
        .extensions()
        .iter()
        .any(|e| e.critical && !KNOWN.contains(&e.id))
    {
        return Err(Unusable::UnknownCritical);
    }
    if let Some(point) = list.issuing_distribution_point() {
        in_scope(certificate, point)?;
    }
    let algorithm = signed_by_issuer(list, id, issuer, checks)?;
    let entry = list
        .entry(certificate.issuer(), certificate.serial())
        .map_err(|_| Unusable::Malformed)?;
    let status = match entry {
        None => Status::Good,
        Some(entry) if !entry.certificate_issuer.is_empty() => return Err(Unusable::Indirect),
        // RFC 5280 §5.3.1: a certificate taken off a list; it belongs in deltas, and says that it is not revoked.
        Some(entry) if entry.reason == Some(RevocationReason::RemoveFromCrl) => Status::Good,
        Some(entry) => Status::Revoked {
            at: entry.revocation_date,
            reason: entry.reason,
        },
    };
    let answer = Answer {
        status,
        this_update: list.this_update(),
        next_update: list.next_update(),
        signer: issuer.clone(),
        algorithm,
        signer_to_be_checked: false,
    };
    within_lifetime(certificate, &answer, expired_kept_since(list))?;
    Ok(answer)
}

/// RFC 5280 §6.3.3(b)(2): the scope of the list must include the certificate.
fn in_scope(certificate: &Certificate, point: &IssuingDistributionPoint) -> Result<(), Unusable> {
    if point.indirect {
        return Err(Unusable::Indirect);
    }
    if point.only_some_reasons.is_some() {
        return Err(Unusable::PartialReasons);
    }
    let is_authority = certificate.basic_constraints().is_some_and(|c| c.ca);
    if point.only_attribute_certificates
        || (point.only_user_certificates && is_authority)
        || (point.only_ca_certificates && !is_authority)
    {
        return Err(Unusable::OtherScope);
    }
    let named = |name| {
        certificate
            .distribution_points()
            .iter()
            .any(|own| own.full_name.contains(name))
    };
    if point.full_name.is_empty() || point.full_name.iter().any(named) {
        Ok(())
    } else {
        Err(Unusable::OtherScope)
    }
}

/// RFC 5280 §6.3.3(f), (g).
fn signed_by_issuer(
    list: &CertificateList,
    id: [u8; 32],
    issuer: &Certificate,
    checks: &mut SignatureChecks,
) -> Result<SignatureAlgorithm, Unusable> {
    let may_sign = issuer
        .key_usage()
        .is_none_or(|usage| usage.has(KeyUsage::CRL_SIGN));
    if !may_sign {
        return Err(Unusable::NotEntitled);
    }
    let algorithm = list
        .signature_algorithm()
        .map_err(|_| Unusable::Signature)?;
    let signed = checks.check(id, issuer.fingerprint(), || {
        issuer.public_key().is_ok_and(|key| list.is_signed_by(key))
    });
    signed.then_some(algorithm).ok_or(Unusable::Signature)
}

/// `expiredCertsOnCRL` (ITU-T X.509 §9.5.2.9, unchecked): certificates that expired since then stay listed.
fn expired_kept_since(list: &CertificateList) -> Option<Time> {
    let extension = list
        .extensions()
        .iter()
        .find(|e| e.id == names::ID_CE_EXPIRED_CERTS_ON_CRL)?;
    Tlv::whole(Reader::ber(&extension.value), "expiredCertsOnCRL")
        .and_then(|element| element.time())
        .ok()
}
