//! Up to the private-key operation: what is signed, and in which message the value will go (EN 319 122-1 §6).

use super::signed::{Over, attributes};
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, digest};
use crate::engine::error::{Error, Result};
use crate::engine::formats::{
    CadesOptions, Content, Options, Patch, Prepared, Resume, SignRequest,
};
use crate::engine::pki::cms::SignedData;
use crate::engine::syntax::asn1::names;
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

pub(super) fn prepare(document: Content<'_>, request: &SignRequest, now: Time) -> Result<Prepared> {
    let attributes = match options(request)? {
        CadesOptions::Attached => {
            document.whole()?;
            of_content(document, request, now)?
        }
        CadesOptions::Detached => of_content(document, request, now)?,
        CadesOptions::Parallel { content_digest } => {
            let given = content_digest.as_deref();
            beside(document.whole()?, given, request, now)?
        }
        CadesOptions::Counter { signature } => {
            let value = super::number::value(document.whole()?, *signature)?;
            let digests = |algorithm| Ok(Some(digest(algorithm, &value)));
            attributes(request, &Over::Signature, &digests, now)?
        }
    };
    Ok(Prepared {
        to_be_signed: attributes.clone(),
        resume: Resume {
            request: request.clone(),
            signed_attributes: attributes,
            patch: Patch::default(),
            room: 0..0,
        },
    })
}

pub(super) fn options(request: &SignRequest) -> Result<&CadesOptions> {
    match &request.options {
        Options::Cades(options) => Ok(options),
        Options::Pades(_) => Err(Error::internal(
            "sign request",
            "has the options of another format",
        )),
    }
}

fn of_content(content: Content<'_>, request: &SignRequest, now: Time) -> Result<Vec<u8>> {
    let digests = |algorithm| content.digest(algorithm);
    attributes(request, &Over::Content(&names::ID_DATA), &digests, now)
}

/// One more signer of a message, who signs what the others do.
fn beside(
    message: &[u8],
    given: Option<&[u8]>,
    request: &SignRequest,
    now: Time,
) -> Result<Vec<u8>> {
    let data = SignedData::from_ber(message)?;
    // RFC 3161 §2.4.2: a token has no signature but the authority's.
    if *data.content_type() == names::ID_CT_TST_INFO {
        return Err(Error::refused(
            "time-stamp token",
            "takes no signature but its authority's",
        ));
    }
    let own = content_digest_algorithm(request);
    let digests = |algorithm| {
        let given = given.filter(|_| algorithm == own).map(<[u8]>::to_vec);
        Ok(data.content_digest(algorithm).or(given))
    };
    attributes(request, &Over::Content(data.content_type()), &digests, now)
}

/// The signed attributes of a PDF signature over what has `digest` (EN 319 142-1 §6.3): the time and the place stand in its
/// dictionary.
pub fn pdf_attributes(request: &SignRequest, digest: &[u8], now: Time) -> Result<Vec<u8>> {
    let own = content_digest_algorithm(request);
    let digests = |algorithm| Ok((algorithm == own).then(|| digest.to_vec()));
    attributes(request, &Over::Pdf, &digests, now)
}
