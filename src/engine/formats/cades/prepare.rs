//! Making a CMS signature of baseline level B (EN 319 122-1 §6): the signed attributes, and the message around them.

use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, SignatureValue};
use crate::engine::formats::SignRequest;
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::{
    Attribute, EssCertificate, SignerInfoParts, signed_data, signer_info,
};
use crate::engine::syntax::asn1::{Oid, der, names};
use crate::engine::time::Time;

/// The digest of the content that goes with the key's algorithm: SHA-512 with Ed25519, SHAKE256 of 512 bits with Ed448
/// (RFC 8419 §3.1).
pub fn content_digest_algorithm(request: &SignRequest) -> DigestAlgorithm {
    match request.algorithm {
        SignatureAlgorithm::Ed25519 => DigestAlgorithm::Sha512,
        SignatureAlgorithm::Ed448 => DigestAlgorithm::Shake256,
        other => other.digest().unwrap_or(request.digest),
    }
}

/// The DER SET of signed attributes (EN 319 122-1 §6.3): content-type, message-digest, signing-certificate-v2, and
/// signing-time and mime-type where given. PAdES gives neither (EN 319 142-1 §6.3).
pub fn signed_attributes(
    content_type: &Oid,
    algorithm: DigestAlgorithm,
    content_digest: &[u8],
    certificate: &Certificate,
    signing_time: Option<Time>,
    mime_type: Option<&str>,
) -> Vec<u8> {
    debug_assert_eq!(content_digest.len(), algorithm.length());
    let mut attributes = vec![
        Attribute::new(names::ID_CONTENT_TYPE, der::oid(content_type)),
        Attribute::new(names::ID_MESSAGE_DIGEST, der::octet_string(content_digest)),
        EssCertificate::sha256_attribute(certificate),
    ];
    attributes
        .extend(signing_time.map(|time| Attribute::new(names::ID_SIGNING_TIME, der::time(time))));
    attributes.extend(
        mime_type.map(|kind| Attribute::new(names::ID_AA_ETS_MIME_TYPE, der::utf8_string(kind))),
    );
    der::set_of(attributes.iter().map(Attribute::to_der).collect())
}

/// The `ContentInfo` of one signature, with the certificates of the request.
pub fn message(
    request: &SignRequest,
    signed_attributes: &[u8],
    content: Option<&[u8]>,
    value: &SignatureValue,
) -> Vec<u8> {
    let digest_algorithm = content_digest_algorithm(request);
    let signer = signer_info(&SignerInfoParts {
        certificate: &request.certificate,
        digest_algorithm,
        signature_algorithm: request.algorithm,
        signed_attributes,
        signature: &value.0,
        unsigned_attributes: &[],
    });
    let mut certificates = vec![request.certificate.clone()];
    certificates.extend(
        request
            .chain
            .iter()
            .filter(|c| **c != request.certificate)
            .cloned(),
    );
    signed_data(
        &names::ID_DATA,
        content,
        digest_algorithm,
        &certificates,
        &signer,
    )
}

/// The most bytes that a signature value of the request's key can take.
pub fn signature_value_room(request: &SignRequest) -> usize {
    let bits = request
        .certificate
        .public_key()
        .map_or(16384, |key| key.bits()) as usize;
    let bytes = bits.div_ceil(8);
    match request.algorithm {
        SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::Dsa(_) => 2 * (bytes + 3) + 4,
        SignatureAlgorithm::RsaPkcs1(_) | SignatureAlgorithm::RsaPss { .. } => bytes,
        _ => 2 * bytes,
    }
}
