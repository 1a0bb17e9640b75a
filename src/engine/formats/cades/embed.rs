//! The signature value goes into a message: a new one, or one that is there, as a parallel signer or a counter-signature
//! (RFC 5652 §5, §11.4). Always DER.

use super::number;
use super::prepare::{content_digest_algorithm, options};
use super::rewrite::{rewrite, to_patch};
use crate::engine::crypto::{SignatureAlgorithm, SignatureValue, digest};
use crate::engine::error::{Error, Result};
use crate::engine::formats::{CadesOptions, Patch, Resume, SignRequest};
use crate::engine::pki::cms::{
    Attribute, Attributes, Draft, SignedData, SignerInfoParts, signer_info,
};
use crate::engine::syntax::asn1::{Reader, names};
use std::ops::Range;

pub(super) fn embed(document: &[u8], resume: Resume, value: &SignatureValue) -> Result<Patch> {
    let Resume {
        request,
        signed_attributes,
        ..
    } = resume;
    let signer = signer(&request, &signed_attributes, value);
    match options(&request)? {
        CadesOptions::Attached => {
            let draft = new_message(&request, signer, Some(0..document.len()));
            Ok(to_patch(draft.write()))
        }
        CadesOptions::Detached => Ok(to_patch(new_message(&request, signer, None).write())),
        CadesOptions::Parallel { .. } => {
            let data = SignedData::from_ber(document)?;
            rewrite(document, &data, |draft| {
                add_signer(draft, &request, signer.clone());
                Ok(())
            })
        }
        CadesOptions::Counter { signature } => {
            countersign(document, *signature, &request, &signed_attributes, signer)
        }
    }
}

fn countersign(
    document: &[u8],
    number: usize,
    request: &SignRequest,
    signed_attributes: &[u8],
    signer: Vec<u8>,
) -> Result<Patch> {
    let data = SignedData::from_ber(document)?;
    let value = number::value(document, number)?;
    let digest = digest(content_digest_algorithm(request), &value);
    let attributes = Attributes::read(Reader::der(signed_attributes).set("signedAttrs")?)?;
    let signed = attributes.single(&names::ID_MESSAGE_DIGEST)?;
    if signed.and_then(|s| s.octets().ok()).as_deref() != Some(&digest) {
        return Err(foreign());
    }
    let path = number::path(&data, number)?;
    let attribute = Attribute::new(names::ID_COUNTERSIGNATURE, signer);
    rewrite(document, &data, |draft| {
        certificates(request).for_each(|c| draft.add_certificate(c));
        draft.add_unsigned_attribute(&path, &attribute)
    })
}

fn foreign() -> Error {
    Error::invalid("prepared signature", "it was prepared for another document")
        .remedy("Prepare the signature again with the document to be signed.")
}

fn signer(request: &SignRequest, signed_attributes: &[u8], value: &SignatureValue) -> Vec<u8> {
    signer_info(&SignerInfoParts {
        certificate: &request.certificate,
        digest_algorithm: content_digest_algorithm(request),
        signature_algorithm: request.algorithm,
        signed_attributes,
        signature: &value.0,
        unsigned_attributes: &[],
    })
}

fn new_message(request: &SignRequest, signer: Vec<u8>, attached: Option<Range<usize>>) -> Draft {
    let mut draft = Draft::new(names::ID_DATA, attached);
    add_signer(&mut draft, request, signer);
    draft
}

fn add_signer(draft: &mut Draft, request: &SignRequest, signer: Vec<u8>) {
    let digest_algorithm = content_digest_algorithm(request);
    draft.add_digest_algorithm(request.algorithm.digest_identifier(digest_algorithm));
    certificates(request).for_each(|c| draft.add_certificate(c));
    draft.add_signer(signer);
}

fn certificates(request: &SignRequest) -> impl Iterator<Item = &[u8]> {
    let own = std::iter::once(&request.certificate);
    own.chain(&request.chain).map(|c| c.bytes())
}

/// The `ContentInfo` of one signature that does not carry its content, with the certificates of the request.
pub fn message(request: &SignRequest, signed_attributes: &[u8], value: &SignatureValue) -> Vec<u8> {
    let signer = signer(request, signed_attributes, value);
    new_message(request, signer, None).write().joined(&[])
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
