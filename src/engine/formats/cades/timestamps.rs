//! The time-stamps of a signer, and what each of them is over (EN 319 122-1 §5.2.8, §5.3, §5.5; older forms: TS 101 733
//! §6.3.5, §6.3.6, §6.4.1).
//!
//! In: a signer of a CMS message and the content that it covers. Out: time-stamps as evidence, each imprint beside the
//! digest of what it should be over; what an archive time-stamp is over is `archive`.

use super::inspect::{ContentDigest, inspect_core};
use super::{archive, proven};
use crate::engine::crypto::{DigestAlgorithm, Hasher, digest};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::evidence::{
    Bytes, Family, Fault, Object, ObjectKind, Origin, Pool, Reference, Signature, Timestamp,
    TimestampKind,
};
use crate::engine::limits::Budget;
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{Attribute, SignedData, SignerInfo};
use crate::engine::syntax::asn1::{Oid, Reader, names};

/// The content that a signature covers.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    /// Its digest.
    pub digest: ContentDigest<'a>,
    /// Itself, where it lies apart from the message and in one piece; only archive time-stamps of version 2 need its bytes.
    pub apart: Option<crate::engine::formats::Content<'a>>,
}

impl std::fmt::Debug for Content<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({:?})", self.apart.map(|c| c.length()))
    }
}

/// The attributes that hold time-stamps, with what kind they are.
const UNSIGNED: &[(Oid, TimestampKind)] = &[
    (
        names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN,
        TimestampKind::Signature,
    ),
    (names::ID_AA_ETS_ESC_TIMESTAMP, TimestampKind::References),
    (
        names::ID_AA_ETS_CERT_CRL_TIMESTAMP,
        TimestampKind::References,
    ),
    (
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2,
        TimestampKind::Archive,
    ),
    (
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3,
        TimestampKind::Archive,
    ),
];

/// Adds to `signature` the time-stamps of `info`, in the order of the structure.
pub(super) fn collect(
    data: &SignedData,
    info: &SignerInfo,
    content: Content<'_>,
    signature: &mut Signature,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<()> {
    let signed = info
        .signed_attributes
        .iter()
        .flat_map(|a| a.values(&names::ID_AA_ETS_CONTENT_TIMESTAMP));
    for token in signed {
        let stamp = inspect_timestamp(token, TimestampKind::Content, content.digest, pool, budget);
        keep(stamp, signature)?;
    }
    for attribute in info.unsigned_attributes.iter() {
        let Some((_, kind)) = UNSIGNED.iter().find(|(id, _)| *id == attribute.id) else {
            continue;
        };
        for token in &attribute.values {
            let over = |algorithm| imprint(&attribute.id, token, data, info, content, algorithm);
            let stamp = inspect_timestamp(token, *kind, &over, pool, budget);
            keep(stamp, signature)?;
        }
    }
    proven::fill(data, info, signature, pool, budget)
}

/// A token that cannot be read proves nothing and takes nothing away; a limit that is met ends the job.
fn keep(stamp: Result<Timestamp>, signature: &mut Signature) -> Result<()> {
    match stamp {
        Ok(timestamp) => signature.timestamps.push(timestamp),
        Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
        Err(error) => {
            let fault = Fault::warning("timestamp.unreadable", "RFC 3161 §2.4.2", error.problem());
            signature.faults.push(fault);
        }
    }
    Ok(())
}

/// The digest of what the token of attribute `id` should be over.
fn imprint(
    id: &Oid,
    token: &[u8],
    data: &SignedData,
    info: &SignerInfo,
    content: Content<'_>,
    algorithm: DigestAlgorithm,
) -> Option<Vec<u8>> {
    match *id {
        names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN => Some(digest(algorithm, &info.signature)),
        names::ID_AA_ETS_ESC_TIMESTAMP => over_references(info, true, algorithm),
        names::ID_AA_ETS_CERT_CRL_TIMESTAMP => over_references(info, false, algorithm),
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2 => {
            archive::version_2(token, data, info, content, algorithm)
        }
        _ => archive::version_3(token, data, info, content, algorithm),
    }
}

/// TS 101 733 §6.3.5 (unchecked): signature value, signature time-stamps and references; §6.3.6 (unchecked): the
/// references alone. Each attribute without its own tag and length.
fn over_references(
    info: &SignerInfo,
    with_signature: bool,
    algorithm: DigestAlgorithm,
) -> Option<Vec<u8>> {
    let mut hasher = Hasher::new(algorithm);
    if with_signature {
        hasher.update(&info.signature);
    }
    let mut add = |id: &Oid| {
        for attribute in info.unsigned_attributes.iter().filter(|a| a.id == *id) {
            hasher.update(&fields_of(attribute));
        }
    };
    if with_signature {
        add(&names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN);
    }
    add(&names::ID_AA_ETS_CERTIFICATE_REFS);
    add(&names::ID_AA_ETS_REVOCATION_REFS);
    Some(hasher.finish())
}

/// `attrType` and `attrValues`, without what is around them.
fn fields_of(attribute: &Attribute) -> Vec<u8> {
    let whole = attribute.to_der();
    Reader::ber(&whole)
        .whole_sequence("Attribute")
        .map(|r| r.rest().to_vec())
        .unwrap_or_default()
}

/// A time-stamp token as evidence, its imprint held against the digest that `over` gives.
pub fn inspect_timestamp(
    token: &[u8],
    kind: TimestampKind,
    over: ContentDigest<'_>,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<Timestamp> {
    budget.step(1_000)?;
    let parsed = TimestampToken::from_ber(token)?;
    let data = parsed.signed_data();
    let info = parsed.tst_info();
    let attached = |algorithm| data.content_digest(algorithm);
    if data.signer_infos().len() != 1 {
        // RFC 3161 §2.4.2: "The time-stamp token MUST NOT contain any signatures other than the signature of the TSA."
        return Err(Error::malformed(
            "TimeStampToken",
            "does not have exactly one signer",
        ));
    }
    let mut signature = inspect_core(
        data,
        &data.signer_infos()[0],
        None,
        &attached,
        Family::Cades,
        "time-stamp".to_string(),
        pool,
    );
    if signature.certificate_references.is_empty() {
        // RFC 3161 §2.4.2: "The certificate identifier (ESSCertID) of the TSA certificate MUST be included".
        let fault = Fault::failure("timestamp.signing_certificate", "RFC 3161 §2.4.2", "");
        signature.faults.push(fault);
    }
    Ok(Timestamp {
        kind,
        token: pool.add(Object::new(
            ObjectKind::TimestampToken,
            token,
            Origin::Embedded,
        )),
        gen_time: info.gen_time,
        policy: info.policy,
        imprint: Reference {
            name: "message-imprint".to_string(),
            algorithm: info.message_imprint.algorithm,
            expected: info.message_imprint.digest.as_slice().into(),
            actual: over(info.message_imprint.algorithm).map(Bytes::from),
        },
        covers: Vec::new(),
        signatures: Vec::new(),
        signature: Box::new(signature),
    })
}
