//! From level B to T, LT and LTA (EN 319 122-1 §5.3, §5.5, §6): time-stamps over the signature value, what validation needs,
//! time-stamps over all of it.
//!
//! Always archive-time-stamp-v3 with ats-hash-index-v3; version 2 and the references of the extended forms are read and
//! not written, and a message that has them is augmented only as far as they stay good.

use super::archive;
use super::number;
use super::rewrite::{normalised, rewrite, to_patch};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::crypto::digest;
use crate::engine::error::{Error, Result};
use crate::engine::formats::{Content, Detached, Material, Part, Patch};
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{Attribute, Draft, Rewriting, SignedData, SignerInfo};
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::syntax::asn1::names;

/// The same message with `token`, as it is, as signature-time-stamp of signer number `signer`.
pub fn with_signature_timestamp(message: &[u8], signer: usize, token: &[u8]) -> Result<Vec<u8>> {
    let data = SignedData::from_ber(message)?;
    let attribute = Attribute::new(names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN, token.to_vec());
    let patch = rewrite(message, &data, |draft| {
        draft.add_unsigned_attribute(&[signer], &attribute)
    })?;
    patch.apply(message)
}

pub(super) fn augment(document: &[u8], material: &Material) -> Result<Patch> {
    let data = SignedData::from_ber(document)?;
    let (path, info) = number::find(&data, material.signature())?;
    match material {
        Material::SignatureTimestamp { token, .. } => {
            let token = TimestampToken::from_ber(token)?;
            let imprint = &token.tst_info().message_imprint;
            if digest(imprint.algorithm, &info.signature) != imprint.digest {
                return Err(foreign("the value of the signature"));
            }
            let id = names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN;
            let attribute = Attribute::new(id, token.bytes().to_vec());
            rewrite(document, &data, |draft| {
                draft.add_unsigned_attribute(&path, &attribute)
            })
        }
        Material::ValidationData {
            certificates,
            crls,
            ocsp_responses,
            ..
        } => rewrite(document, &data, |draft| {
            certificates
                .iter()
                .for_each(|c| draft.add_certificate(c.bytes()));
            crls.iter().for_each(|crl| draft.add_crl(crl));
            ocsp_responses
                .iter()
                .for_each(|response| draft.add_ocsp_response(response));
            Ok(())
        }),
        Material::ArchiveTimestamp { signature, token } => {
            archive_timestamp(document, &data, *signature, token)
        }
    }
}

fn foreign(what: &'static str) -> Error {
    let problem = format!("is not over {what}");
    Error::invalid("time-stamp token", problem)
        .remedy("Ask for a time-stamp of the document as it is now.")
}

/// What an archive time-stamp of signature `number` of `document` is to be over: of the message as DER, as
/// [`augment`] writes it.
pub(super) fn archive_imprint(
    document: &[u8],
    detached: &[Detached<'_>],
    number: usize,
    algorithm: DigestAlgorithm,
) -> Result<MessageImprint> {
    let (_, data, info) = to_be_archived(document, &SignedData::from_ber(document)?, number)?;
    let apart = detached.first().map(|d| d.content);
    let content = content_digest(&data, apart, algorithm)?;
    let index = archive::hash_index(&data, &info, algorithm);
    Ok(MessageImprint {
        algorithm,
        digest: archive::over_index(&data, &info, &content, algorithm, &index)?,
    })
}

/// The message as DER, read, and the signer that an archive time-stamp is of: counter-signatures are archived with the
/// signature that they are beside.
fn to_be_archived(
    document: &[u8],
    data: &SignedData,
    number: usize,
) -> Result<(Vec<u8>, SignedData, SignerInfo)> {
    let (path, info) = number::find(data, number)?;
    if path.len() > 1 {
        return Err(Error::refused(
            "counter-signature",
            "is archived with the signature that it signs",
        )
        .remedy("Archive the signature of the signer."));
    }
    let written = normalised(document, data)?;
    let data = SignedData::from_ber(&written)?;
    let mut infos = data.signer_infos().iter();
    let own = infos.find(|i| i.signature == info.signature && i.sid == info.sid);
    let own = own.cloned();
    let own = own.ok_or_else(|| Error::internal("CMS signature", "lost a signer"))?;
    Ok((written, data, own))
}

fn content_digest(
    data: &SignedData,
    apart: Option<Content<'_>>,
    algorithm: DigestAlgorithm,
) -> Result<Vec<u8>> {
    if let Some(inside) = data.content_digest(algorithm) {
        return Ok(inside);
    }
    let apart = apart.map(|content| content.digest(algorithm)).transpose()?;
    apart.flatten().ok_or_else(|| {
        Error::invalid("content", format!("its {algorithm} is not given"))
            .remedy("Give the content that the signature covers.")
    })
}

/// The token, with the hash index among its own unsigned attributes, becomes an unsigned attribute of the signer.
fn archive_timestamp(
    document: &[u8],
    data: &SignedData,
    number: usize,
    token: &[u8],
) -> Result<Patch> {
    let (written, data, info) = to_be_archived(document, data, number)?;
    let parsed = TimestampToken::from_ber(token)?;
    let imprint = &parsed.tst_info().message_imprint;
    let index = archive::hash_index(&data, &info, imprint.algorithm);
    if let Some(content) = data.content_digest(imprint.algorithm) {
        let over = archive::over_index(&data, &info, &content, imprint.algorithm, &index)?;
        if over != imprint.digest {
            return Err(foreign("the signature and what validates it"));
        }
    }
    let token = with_hash_index(&parsed, index)?;
    let attribute = Attribute::new(names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3, token);
    let mut infos = data.signer_infos().iter();
    let position = infos.position(|i| i.bytes == info.bytes);
    let path = [position.unwrap_or_default()];
    let patch = rewrite(&written, &data, |draft| {
        draft.add_unsigned_attribute(&path, &attribute)
    })?;
    // What was rewritten is another input than the caller's.
    Ok(if written == document {
        patch
    } else {
        Patch(vec![Part::New(patch.apply(&written)?)])
    })
}

/// EN 319 122-1 §5.5.2: the index is an unsigned attribute of the token's signer.
fn with_hash_index(token: &TimestampToken, index: Vec<u8>) -> Result<Vec<u8>> {
    let attribute = Attribute::new(names::ID_AA_ATS_HASH_INDEX_V3, index);
    let mut draft = Draft::of(token.bytes(), token.signed_data(), Rewriting::Der)?;
    draft.add_unsigned_attribute(&[0], &attribute)?;
    to_patch(draft.write()).apply(token.bytes())
}
