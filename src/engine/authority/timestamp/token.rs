//! Writes a `TimeStampToken`: the `TSTInfo` and the signed message over it (RFC 3161 §2.4.2; EN 319 422 §5.2).

use super::Authority;
use super::request::Accepted;
use crate::engine::authority::serial_number;
use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::error::Result;
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::{Attribute, SignerInfoParts, signed_data, signer_info};
use crate::engine::syntax::asn1::{der, names};
use crate::engine::time::Time;
use std::time::Duration;

/// The token over what was accepted.
pub(super) fn stamp(
    accepted: &Accepted<'_>,
    authority: &Authority<'_>,
    serial: &[u8],
    now: Time,
) -> Result<Vec<u8>> {
    let info = tst_info(accepted, authority, serial, now)?;
    token(&info, authority, accepted.certificates, now)
}

/// `TSTInfo`; the time is to the millisecond.
fn tst_info(
    accepted: &Accepted<'_>,
    authority: &Authority<'_>,
    serial: &[u8],
    now: Time,
) -> Result<Vec<u8>> {
    let optional = [
        authority.accuracy.map(accuracy),
        authority.ordering.then(|| der::boolean(true)),
        accepted.nonce.map(|nonce| der::tlv(2, nonce)),
        authority.named.then(|| name(authority.certificate)),
        authority.qualified.then(qualified_statement),
    ];
    let mut fields = vec![
        der::integer(1),
        der::oid(&accepted.policy),
        accepted.imprint.to_vec(),
        serial_number(serial)?,
        der::generalized_time_with_milliseconds(now),
    ];
    fields.extend(optional.into_iter().flatten());
    Ok(der::sequence_of(&fields))
}

/// `Accuracy`: seconds, milliseconds and microseconds, each left out where it is zero.
fn accuracy(accuracy: Duration) -> Vec<u8> {
    let millis = u64::from(accuracy.subsec_millis());
    let micros = u64::from(accuracy.subsec_micros() % 1000);
    let parts: Vec<_> = [
        (accuracy.as_secs(), der::integer(accuracy.as_secs())),
        (millis, der::implicit(0, &der::integer(millis))),
        (micros, der::implicit(1, &der::integer(micros))),
    ]
    .into_iter()
    .filter(|(amount, _)| *amount > 0)
    .map(|(_, part)| part)
    .collect();
    der::sequence_of(&parts)
}

/// `tsa [0] GeneralName`: a name of the subject of the certificate, as it stands there.
fn name(certificate: &Certificate) -> Vec<u8> {
    der::explicit(0, &der::explicit(4, certificate.subject().bytes()))
}

/// `extensions [1]` with the one that says that the token is a qualified time-stamp (EN 319 422 §9.1).
fn qualified_statement() -> Vec<u8> {
    let statement = der::sequence(&[&der::oid(&names::ID_ETSI_TSTS_EU_Q_COMPLIANCE)]);
    let value = der::octet_string(&der::sequence(&[&statement]));
    let extension = der::sequence(&[&der::oid(&names::ID_PE_QC_STATEMENTS), &value]);
    der::implicit(1, &der::sequence(&[&extension]))
}

/// `TimeStampToken`: a signed message over `info`, its signer named by an ESS attribute (RFC 5816 §2.2.1).
fn token(info: &[u8], authority: &Authority<'_>, certificates: bool, now: Time) -> Result<Vec<u8>> {
    let algorithm = authority.signer.algorithm();
    // RFC 8419 §3.1: Ed25519 goes with SHA-512.
    let digest_algorithm = algorithm.digest().unwrap_or(DigestAlgorithm::Sha512);
    let content_digest = der::octet_string(&digest(digest_algorithm, info));
    let attributes = [
        Attribute::new(names::ID_CONTENT_TYPE, der::oid(&names::ID_CT_TST_INFO)),
        Attribute::new(names::ID_SIGNING_TIME, der::time(now)),
        Attribute::new(names::ID_MESSAGE_DIGEST, content_digest),
        signing_certificate(authority.certificate, authority.reference),
    ];
    let signed_attributes = der::set_of(attributes.iter().map(Attribute::to_der).collect());
    let signature = authority.signer.sign(&signed_attributes)?;
    let signer = signer_info(&SignerInfoParts {
        certificate: authority.certificate,
        digest_algorithm,
        signature_algorithm: algorithm,
        signed_attributes: &signed_attributes,
        signature: &signature.0,
        unsigned_attributes: &[],
    });
    let mut inside = Vec::new();
    if certificates {
        inside.push(authority.certificate.clone());
        inside.extend_from_slice(authority.chain);
    }
    Ok(signed_data(
        &names::ID_CT_TST_INFO,
        Some(info),
        digest_algorithm,
        &inside,
        &signer,
    ))
}

/// `signing-certificate` with SHA-1 (RFC 2634 §5.4), else `signing-certificate-v2` (RFC 5035 §3), whose SHA-256 is the default that
/// DER leaves out.
fn signing_certificate(certificate: &Certificate, algorithm: DigestAlgorithm) -> Attribute {
    let (id, identifier) = match algorithm {
        DigestAlgorithm::Sha1 => (names::ID_AA_SIGNING_CERTIFICATE, Vec::new()),
        DigestAlgorithm::Sha256 => (names::ID_AA_SIGNING_CERTIFICATE_V2, Vec::new()),
        other => (names::ID_AA_SIGNING_CERTIFICATE_V2, other.identifier()),
    };
    let hash = der::octet_string(&digest(algorithm, certificate.bytes()));
    let issuer = der::explicit(4, certificate.issuer().bytes());
    let serial = der::tlv(2, certificate.serial());
    let issuer_serial = der::sequence(&[&der::sequence(&[&issuer]), &serial]);
    let named = der::sequence(&[&identifier, &hash, &issuer_serial]);
    Attribute::new(id, der::sequence(&[&der::sequence(&[&named])]))
}
