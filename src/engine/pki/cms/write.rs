//! Writes `SignedData` of one signer as DER (RFC 5652 §5.1). Adding to one that is there is `edit`.

use super::attribute::Attribute;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::pki::certificate::Certificate;
use crate::engine::syntax::asn1::{Oid, der, names};

/// What a `SignerInfo` is made of.
#[derive(Debug)]
#[allow(missing_docs)]
pub struct SignerInfoParts<'a> {
    pub certificate: &'a Certificate,
    pub digest_algorithm: DigestAlgorithm,
    pub signature_algorithm: SignatureAlgorithm,
    /// The DER SET of signed attributes, as it was signed.
    pub signed_attributes: &'a [u8],
    pub signature: &'a [u8],
    pub unsigned_attributes: &'a [Attribute],
}

/// A `SignerInfo` of version 1: the signer by issuer and serial number.
pub fn signer_info(parts: &SignerInfoParts<'_>) -> Vec<u8> {
    let sid = der::sequence(&[
        parts.certificate.issuer().bytes(),
        &der::tlv(2, parts.certificate.serial()),
    ]);
    let mut unsigned = Vec::new();
    if !parts.unsigned_attributes.is_empty() {
        unsigned = der::implicit(
            1,
            &der::set_of(
                parts
                    .unsigned_attributes
                    .iter()
                    .map(Attribute::to_der)
                    .collect(),
            ),
        );
    }
    der::sequence(&[
        &der::integer(1),
        &sid,
        &parts
            .signature_algorithm
            .digest_identifier(parts.digest_algorithm),
        &der::implicit(0, parts.signed_attributes),
        &parts.signature_algorithm.identifier(),
        &der::octet_string(parts.signature),
        &unsigned,
    ])
}

/// A `ContentInfo` with a `SignedData` of one signer; `content` is attached where it is given.
pub fn signed_data(
    content_type: &Oid,
    content: Option<&[u8]>,
    digest_algorithm: DigestAlgorithm,
    certificates: &[Certificate],
    signer_info: &[u8],
) -> Vec<u8> {
    // RFC 5652 §5.1: version 1 for id-data and signers by issuer and serial number, else 3.
    let version = der::integer(if *content_type == names::ID_DATA {
        1
    } else {
        3
    });
    let content = content
        .map(|content| der::explicit(0, &der::octet_string(content)))
        .unwrap_or_default();
    let set = der::set_of(certificates.iter().map(|c| c.bytes().to_vec()).collect());
    let certificates = if certificates.is_empty() {
        Vec::new()
    } else {
        der::implicit(0, &set)
    };
    let data = der::sequence(&[
        &version,
        &der::set_of(vec![digest_algorithm.identifier()]),
        &der::sequence(&[&der::oid(content_type), &content]),
        &certificates,
        &der::set_of(vec![signer_info.to_vec()]),
    ]);
    der::sequence(&[&der::oid(&names::ID_SIGNED_DATA), &der::explicit(0, &data)])
}
