//! What is checked of a token before anybody uses it (RFC 3161 §2.2, §2.3, §2.4.2; RFC 5816 §2.2.1).
//!
//! One signer, whose certificate is inside and named by a signed attribute, whose signature is over this content by
//! algorithms that are not broken, whose one critical purpose is time-stamping, that was valid at the token's time, and whose
//! path held then. Whether it was revoked is judged by `validation`, like everything about a token that is in a document.

use crate::engine::crypto::{DigestAlgorithm, SignatureInput, digest};
use crate::engine::pki::cms::{SignerInfo, ess_certificates};
use crate::engine::pki::extension::KeyUsage;
use crate::engine::pki::path::{Inputs, Search, SignatureChecks, validate};
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, Certificates, TimestampToken};
use crate::engine::syntax::asn1::names;
use crate::engine::{Error, Result, Time};
use std::ops::ControlFlow;
use std::time::Duration;

/// The element of errors about authorities that have no name.
pub(super) const ELEMENT: &str = "time-stamping authority";

/// Certificates that are tried for the path of one token.
const PATH_STEPS: u32 = 200;

/// An answer that is no good for this reason.
pub(super) fn lied(problem: &str) -> Error {
    Error::unavailable(ELEMENT, format!("answered with a token {problem}"))
}

/// Checks what a token says about itself, all but its path and its age. Answers the certificate of its signer.
pub fn check_token(token: &TimestampToken) -> Result<Certificate> {
    let data = token.signed_data();
    let [signer] = data.signer_infos() else {
        return Err(lied("of more than one signer or none"));
    };
    let Some(certificate) = data.certificates().iter().find(|c| signer.sid.names(c)) else {
        return Err(lied("without its certificate"));
    };
    if is_broken(signer)? {
        return Err(lied("whose signature is by a broken digest"));
    }
    if !is_signed(token, signer, certificate)? {
        return Err(lied("whose signature does not verify"));
    }
    if !is_for_time_stamping(certificate) {
        return Err(lied("under a certificate that is not for time-stamping"));
    }
    let (time, validity) = (token.tst_info().gen_time, certificate.validity());
    if time < validity.not_before || time > validity.not_after {
        return Err(lied("under a certificate that was not valid then"));
    }
    Ok(certificate.clone())
}

/// Checks that the token's time is within `most` of `now`.
pub(super) fn check_age(token: &TimestampToken, now: Time, most: Duration) -> Result<()> {
    let time = token.tst_info().gen_time;
    if time.since(now).max(now.since(time)) > most {
        let seconds = most.as_secs();
        return Err(
            lied(&format!("whose time is more than {seconds} s from ours"))
                .remedy("Set the clock right, theirs or ours; tsa.difference_seconds bounds it."),
        );
    }
    Ok(())
}

fn is_broken(signer: &SignerInfo) -> Result<bool> {
    let broken = |d: DigestAlgorithm| matches!(d, DigestAlgorithm::Sha1 | DigestAlgorithm::Md5);
    let of_signature = signer.signature_algorithm.clone()?.digest();
    Ok(broken(signer.digest_algorithm.clone()?) || of_signature.is_some_and(broken))
}

fn is_for_time_stamping(certificate: &Certificate) -> bool {
    let critical = certificate
        .extension(&names::ID_CE_EXT_KEY_USAGE)
        .is_some_and(|extension| extension.critical);
    let signs = certificate.key_usage().is_none_or(|usage| {
        usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
    });
    critical && signs && certificate.extended_key_usage() == [names::ID_KP_TIME_STAMPING]
}

/// The path that held at the token's time from `certificate`, by way of the token's certificates, to an anchor, the anchor
/// last.
pub fn path_of(
    certificate: &Certificate,
    token: &TimestampToken,
    anchors: &Anchors,
) -> Option<Vec<Certificate>> {
    let mut pool = Certificates::default();
    for inside in token.signed_data().certificates() {
        pool.add(inside.clone());
    }
    let (inputs, at) = (Inputs::default(), token.tst_info().gen_time);
    let (mut checks, mut found) = (SignatureChecks::default(), None);
    let mut search = Search {
        pool: &pool,
        anchors,
        inputs: &inputs,
        at,
        checks: &mut checks,
        steps: PATH_STEPS,
    };
    search.paths(certificate, &mut |path, checks| {
        let held = anchors
            .end_of(path, at)
            .is_some_and(|(below, anchor)| validate(below, anchor, at, &inputs, checks).is_ok());
        if held {
            found = Some(path.to_vec());
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    found
}

fn is_signed(
    token: &TimestampToken,
    signer: &SignerInfo,
    certificate: &Certificate,
) -> Result<bool> {
    let Some(attributes) = &signer.signed_attributes else {
        return Ok(false);
    };
    let digest_algorithm = signer.digest_algorithm.clone()?;
    let content = token.signed_data().content_digest(digest_algorithm);
    let message_digest = match attributes.single(&names::ID_MESSAGE_DIGEST)? {
        Some(value) => Some(value.octets()?.into_owned()),
        None => None,
    };
    let content_type = match attributes.single(&names::ID_CONTENT_TYPE)? {
        Some(value) => Some(value.oid()?),
        None => None,
    };
    let named = ess_certificates(attributes)?;
    let own = named
        .first()
        .is_some_and(|first| digest(first.digest_algorithm, certificate.bytes()) == first.digest);
    if !own || message_digest != content || content_type != Some(names::ID_CT_TST_INFO) {
        return Ok(false);
    }
    let (key, algorithm) = (
        certificate.public_key()?,
        signer.signature_algorithm.clone()?,
    );
    let signed = signer.signed_attributes_der().unwrap_or_default();
    Ok(key.verify(
        algorithm,
        SignatureInput::Message(&signed),
        &signer.signature,
    ))
}
