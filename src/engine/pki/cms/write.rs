//! Writes `SignedData` as DER (RFC 5652 §5.1), and adds unsigned attributes to one without re-encoding the rest.

use super::attribute::Attribute;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::error::{Error, Result};
use crate::engine::pki::certificate::Certificate;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};

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
        &parts.digest_algorithm.identifier(),
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

/// The same `ContentInfo` with `attribute` added to the unsigned attributes of signer number `signer`. All other
/// elements keep their bytes; only the lengths around the change are written anew.
pub fn add_unsigned_attribute(
    bytes: &[u8],
    signer: usize,
    attribute: &Attribute,
) -> Result<Vec<u8>> {
    let mut outer = Reader::ber(bytes).whole_sequence("CMS ContentInfo")?;
    let content_type = outer.expect(Tag::OID, "contentType")?;
    let data = outer
        .expect(Tag::context(0), "content")?
        .inner_of("content")?
        .expect(Tag::SEQUENCE, "SignedData")?;
    let mut fields = data.inner_of("SignedData")?;
    let mut parts = Vec::new();
    while let Some(field) = fields.next_element()? {
        parts.push(field);
    }
    let signers = parts
        .pop()
        .ok_or_else(|| Error::malformed("SignedData", "is empty"))?;
    let mut infos = Vec::new();
    let mut list = signers.inner_of("signerInfos")?;
    while let Some(info) = list.next_element()? {
        let own = infos.len() == signer;
        infos.push(if own {
            with_attribute(&info, attribute)?
        } else {
            info.bytes().to_vec()
        });
    }
    if signer >= infos.len() {
        return Err(Error::not_found(
            "signerInfos",
            format!("no signer number {signer}"),
        ));
    }
    let mut rebuilt: Vec<Vec<u8>> = parts.iter().map(|p| p.bytes().to_vec()).collect();
    rebuilt.push(der::set_of(infos));
    Ok(der::sequence(&[
        content_type.bytes(),
        &der::explicit(0, &der::sequence_of(&rebuilt)),
    ]))
}

fn with_attribute(info: &Tlv<'_>, attribute: &Attribute) -> Result<Vec<u8>> {
    let mut fields = info.inner_of("SignerInfo")?;
    let mut parts = Vec::new();
    let mut attributes = Vec::new();
    while let Some(field) = fields.next_element()? {
        if field.tag() == Tag::context(1) {
            let mut present = field.inner_of("unsignedAttrs")?;
            while let Some(one) = present.next_element()? {
                attributes.push(one.bytes().to_vec());
            }
        } else {
            parts.push(field.bytes().to_vec());
        }
    }
    attributes.push(attribute.to_der());
    parts.push(der::implicit(1, &der::set_of(attributes)));
    Ok(der::sequence_of(&parts))
}
