//! What a CMS signer signed, and what stands beside it (RFC 5652 §5, EN 319 122-1 §5).
//!
//! The one place where faults of a CMS structure become faults of evidence. PAdES and ASiC come here with the digest of
//! what their signature covers.

use super::timestamps::{self, Content};
use super::{level, properties, proven, values};
use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::error::Result;
use crate::engine::evidence::{
    Bytes, CertificateReference, Family, Fault, Level, Object, ObjectId, ObjectKind, Origin, Pool,
    Reference, Signature, SignedData as Signed, SignerReference, Tier,
};
use crate::engine::formats;
use crate::engine::limits::Budget;
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::{
    Attributes, SignedData, SignerIdentifier, SignerInfo, ess_certificates,
};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};
use std::collections::HashSet;

/// The digest, by the algorithm asked for, of the content that a signature covers; none where it is not there.
pub type ContentDigest<'a> = &'a dyn Fn(DigestAlgorithm) -> Option<Vec<u8>>;

/// Signer number `index` of `data` as evidence; its certificates, lists and tokens go into `pool`.
pub fn inspect_signer(
    data: &SignedData,
    index: usize,
    content: Content<'_>,
    family: Family,
    name: String,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<Signature> {
    let info = &data.signer_infos()[index];
    let mut signature = inspect_core(data, info, None, content.digest, family, name, pool);
    timestamps::collect(data, info, content, &mut signature, pool, budget)?;
    set_tier(data, info, &mut signature, pool, budget)?;
    Ok(signature)
}

fn set_tier(
    data: &SignedData,
    info: &SignerInfo,
    signature: &mut Signature,
    pool: &Pool,
    budget: &mut Budget,
) -> Result<()> {
    if !signature.timestamps.is_empty() {
        budget.step(proven::steps_over(pool))?;
    }
    signature.level.tier = level::tier(data, info, signature, pool);
    Ok(())
}

/// The counter-signatures of signer `info`, which is `parent` in evidence, each followed by its own (RFC 5652 §11.4: "the
/// content being signed … is the contents octets of the signatureValue field").
pub fn inspect_counter_signatures(
    data: &SignedData,
    info: &SignerInfo,
    parent: &Signature,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<Vec<Signature>> {
    let mut all = Vec::new();
    let values = info.unsigned_attributes.values(&names::ID_COUNTERSIGNATURE);
    for (index, value) in values.enumerate() {
        budget.step(1_000)?;
        let name = format!("{}, counter-signature {}", parent.name, index + 1);
        let Ok(counter) = SignerInfo::from_ber(value) else {
            continue;
        };
        let over = |algorithm| Some(digest(algorithm, &info.signature));
        let family = parent.level.family;
        let over_value = Some(parent.id);
        let mut signature = inspect_core(data, &counter, over_value, &over, family, name, pool);
        let content = Content {
            digest: &over,
            apart: Some((&info.signature).into()),
        };
        timestamps::collect(data, &counter, content, &mut signature, pool, budget)?;
        set_tier(data, &counter, &mut signature, pool, budget)?;
        budget.enter()?;
        let deeper = inspect_counter_signatures(data, &counter, &signature, pool, budget)?;
        budget.leave();
        all.push(signature);
        all.extend(deeper);
    }
    Ok(all)
}

/// A signer without its time-stamps; `countersigns` is the signature whose value it is over, if it is a counter-signature.
pub(super) fn inspect_core(
    data: &SignedData,
    info: &SignerInfo,
    countersigns: Option<ObjectId>,
    content: ContentDigest<'_>,
    family: Family,
    name: String,
    pool: &mut Pool,
) -> Signature {
    let mut signature = Signature {
        id: ObjectId::of(&info.bytes),
        name,
        level: Level {
            family,
            tier: Tier::NotEtsi,
        },
        form: "CMS".to_string(),
        faults: Vec::new(),
        algorithm: info.signature_algorithm.as_ref().ok().copied(),
        digest_algorithm: info.digest_algorithm.as_ref().ok().copied(),
        signed: Signed::Content(None),
        value: info.signature.clone().into(),
        references: Vec::new(),
        signer: signer_reference(&info.sid),
        certificate_references: Vec::new(),
        certificates: embedded_certificates(data, pool),
        claimed_time: None,
        policy: None,
        properties: properties::read(info.signed_attributes.as_ref(), &info.unsigned_attributes),
        reason: None,
        location: None,
        countersigns,
        timestamps: Vec::new(),
        scopes: Vec::new(),
        later_changes: Vec::new(),
    };
    add_revocation_data(data, pool);
    let mut known: HashSet<ObjectId> = signature.certificates.iter().copied().collect();
    for object in values::all(&info.unsigned_attributes) {
        let is_certificate = object.kind == ObjectKind::Certificate;
        let id = pool.add(object);
        if is_certificate && known.insert(id) {
            signature.certificates.push(id);
        }
    }
    for error in [
        info.digest_algorithm.as_ref().err(),
        info.signature_algorithm.as_ref().err(),
    ]
    .into_iter()
    .flatten()
    {
        signature.faults.push(Fault::warning(
            "cms.algorithm.unknown",
            "RFC 5652 §5.3",
            error.problem(),
        ));
    }
    check_envelope(data, info, countersigns, &mut signature.faults);
    match &info.signed_attributes {
        Some(attributes) => inspect_attributes(data, info, attributes, content, &mut signature),
        None => inspect_bare(data, info, content, &mut signature),
    }
    signature
}

/// What no signature protects around the signed attributes must at least be consistent (RFC 5652 §5.1, §5.3).
fn check_envelope(
    data: &SignedData,
    info: &SignerInfo,
    countersigns: Option<ObjectId>,
    faults: &mut Vec<Fault>,
) {
    let by_key = matches!(info.sid, SignerIdentifier::KeyIdentifier(_));
    if info.version != if by_key { 3 } else { 1 } {
        let found = format!("signer information of version {}", info.version);
        faults.push(Fault::failure(
            "cms.version.mismatch",
            "RFC 5652 §5.3",
            found,
        ));
    }
    // Version 3 where 1 is due is what some national signers write, and nothing depends on it; other formats of
    // certificates and revocation data ask for 4 and 5.
    let plain = data.ocsp_responses().is_empty() && data.unreadable_certificates() == 0;
    let expected: &[u8] = if plain { &[1, 3] } else { &[1, 3, 4, 5] };
    if !expected.contains(&data.version()) {
        let found = format!("signed data of version {}", data.version());
        faults.push(Fault::failure(
            "cms.version.mismatch",
            "RFC 5652 §5.1",
            found,
        ));
    }
    if let (Ok(algorithm), None) = (&info.digest_algorithm, countersigns)
        && !data.digest_algorithms().contains(algorithm)
    {
        // "Implementations MAY fail to validate signatures that use a digest algorithm that is not included in this set."
        let found = algorithm.to_string();
        faults.push(Fault::failure(
            "cms.digest_algorithms.missing",
            "RFC 5652 §5.1",
            found,
        ));
    }
}

/// Whether `content` is the DER of signed attributes: a signature over them, with the attributes taken out of its
/// structure, would pass for one over a document of these bytes (RFC 5652 §5.4 gives the two no different form).
pub fn is_signed_attributes<'a>(content: impl Into<formats::Content<'a>>) -> bool {
    let content = content.into();
    let head = content.head();
    if head.len() as u64 == content.length() {
        let mut reader = Reader::ber(head);
        let set = reader.set("signedAttrs").and_then(Attributes::read);
        return reader.is_empty()
            && set.is_ok_and(|attributes| has_required(|id| attributes.count(id) > 0));
    }
    // More than the beginning of a stream: these two are short, and DER puts what is short first.
    let Some(mut set) = Reader::ber(head).cut_off(Tag::SET) else {
        return false;
    };
    let mut ids = Vec::new();
    while let Ok(id) = set
        .sequence("Attribute")
        .and_then(|mut a| a.oid("attrType"))
    {
        ids.push(id);
    }
    has_required(|id| ids.contains(id))
}

fn has_required(has: impl Fn(&Oid) -> bool) -> bool {
    [names::ID_CONTENT_TYPE, names::ID_MESSAGE_DIGEST]
        .iter()
        .all(has)
}

fn signer_reference(sid: &SignerIdentifier) -> SignerReference {
    match sid {
        SignerIdentifier::IssuerAndSerial(issuer, serial) => {
            SignerReference::IssuerAndSerial(issuer.bytes().into(), serial.as_slice().into())
        }
        SignerIdentifier::KeyIdentifier(key) => {
            SignerReference::KeyIdentifier(key.as_slice().into())
        }
    }
}

fn embedded_certificates(data: &SignedData, pool: &mut Pool) -> Vec<ObjectId> {
    let add = |c: &Certificate| {
        pool.add(Object::new(
            ObjectKind::Certificate,
            c.bytes(),
            Origin::Embedded,
        ))
    };
    data.certificates().iter().map(add).collect()
}

fn add_revocation_data(data: &SignedData, pool: &mut Pool) {
    for crl in data.crls() {
        pool.add(Object::new(
            ObjectKind::CertificateRevocationList,
            crl.as_slice(),
            Origin::Embedded,
        ));
    }
    for response in data.ocsp_responses() {
        pool.add(Object::new(
            ObjectKind::OcspResponse,
            response.as_slice(),
            Origin::Embedded,
        ));
    }
}

/// A signer without signed attributes signs the content itself (RFC 5652 §5.4); allowed for id-data only (§5.3).
fn inspect_bare(
    data: &SignedData,
    info: &SignerInfo,
    content: ContentDigest<'_>,
    signature: &mut Signature,
) {
    if signature.countersigns.is_none() && *data.content_type() != names::ID_DATA {
        signature.faults.push(Fault::failure(
            "cms.signed_attributes.missing",
            "RFC 5652 §5.3",
            data.content_type().to_string(),
        ));
    }
    let algorithm = info
        .signature_algorithm
        .as_ref()
        .ok()
        .and_then(|a| a.digest());
    let algorithm = algorithm.or_else(|| info.digest_algorithm.as_ref().ok().copied());
    signature.signed = Signed::Content(algorithm.and_then(content).map(Bytes::from));
}

fn inspect_attributes(
    data: &SignedData,
    info: &SignerInfo,
    attributes: &Attributes,
    content: ContentDigest<'_>,
    signature: &mut Signature,
) {
    let mut faults = Vec::new();
    match info.signed_attributes_der() {
        Some(der) => signature.signed = Signed::Attributes(der.into()),
        // Without an encoding nothing is held against the value, least of all the empty message.
        None => faults.push(Fault::failure(
            "cms.signed_attributes.encoding",
            "RFC 5652 §5.4",
            "",
        )),
    }
    match signature.countersigns {
        None => check_content_type(data, attributes, &mut faults),
        // RFC 5652 §11.4: "The signedAttributes field MUST NOT contain a content-type attribute".
        Some(_) if attributes.count(&names::ID_CONTENT_TYPE) > 0 => faults.push(Fault::warning(
            "cms.counter_signature.content_type",
            "RFC 5652 §11.4",
            "",
        )),
        Some(_) => {}
    }
    check_algorithm_protection(info, attributes, &mut faults);
    match single(attributes, names::ID_MESSAGE_DIGEST, &mut faults).map(|value| value.octets()) {
        Some(Ok(expected)) => signature
            .references
            .extend(
                info.digest_algorithm
                    .as_ref()
                    .ok()
                    .map(|algorithm| Reference {
                        name: "message-digest".to_string(),
                        algorithm: *algorithm,
                        expected: expected.into_owned().into(),
                        actual: content(*algorithm).map(Bytes::from),
                    }),
            ),
        _ => faults.push(Fault::failure(
            "cms.message_digest.missing",
            "RFC 5652 §11.2",
            "",
        )),
    }
    match ess_certificates(attributes) {
        Ok(certificates) => {
            signature
                .certificate_references
                .extend(certificates.into_iter().map(|c| {
                    CertificateReference {
                        algorithm: c.digest_algorithm,
                        digest: c.digest.into(),
                        issuer_serial: c
                            .issuer_serial
                            .map(|(name, serial)| (name.bytes().into(), serial.into())),
                    }
                }));
        }
        Err(error) => faults.push(Fault::failure(
            "cades.signing_certificate.malformed",
            "RFC 5035 §3",
            error.problem(),
        )),
    }
    signature.claimed_time =
        single(attributes, names::ID_SIGNING_TIME, &mut faults).and_then(|value| value.time().ok());
    signature.policy = single(attributes, names::ID_AA_ETS_SIG_POLICY_ID, &mut faults)
        .and_then(|value| properties::policy(&value, &info.unsigned_attributes));
    signature.faults.extend(faults);
}

fn single<'a>(attributes: &'a Attributes, id: Oid, faults: &mut Vec<Fault>) -> Option<Tlv<'a>> {
    attributes.single(&id).unwrap_or_else(|error| {
        faults.push(Fault::failure(
            "cms.attribute.repeated",
            "RFC 5652 §5.3",
            error.problem(),
        ));
        None
    })
}

/// RFC 5652 §11.1: the content-type attribute must be there and name the type of the content.
fn check_content_type(data: &SignedData, attributes: &Attributes, faults: &mut Vec<Fault>) {
    const CLAUSE: &str = "RFC 5652 §11.1";
    match single(attributes, names::ID_CONTENT_TYPE, faults).map(|value| value.oid()) {
        Some(Ok(oid)) if oid == *data.content_type() => {}
        Some(Ok(oid)) => {
            let found = format!("{oid} for {}", data.content_type());
            faults.push(Fault::failure("cms.content_type.mismatch", CLAUSE, found));
        }
        _ => faults.push(Fault::failure("cms.content_type.missing", CLAUSE, "")),
    }
}

/// RFC 6211 §2: the algorithms protected by the signature must be those of the signer structure.
fn check_algorithm_protection(info: &SignerInfo, attributes: &Attributes, faults: &mut Vec<Fault>) {
    let Some(value) = single(attributes, names::ID_AA_CMS_ALGORITHM_PROTECT, faults) else {
        return;
    };
    let protected = (|| -> Result<bool> {
        let mut fields = value.inner_of("CMSAlgorithmProtection")?;
        let digest =
            DigestAlgorithm::from_identifier(&fields.expect(Tag::SEQUENCE, "digestAlgorithm")?)?;
        let mut same = info.digest_algorithm == Ok(digest);
        if let Some(algorithm) = fields.optional(Tag::context(1), "signatureAlgorithm")? {
            // The element is IMPLICIT: only its content is that of an AlgorithmIdentifier.
            let oid = algorithm
                .inner_of("signatureAlgorithm")?
                .oid("signatureAlgorithm")?;
            let own = info
                .signature_algorithm
                .as_ref()
                .map(|a| a.identifier())
                .unwrap_or_default();
            let own = Reader::ber(&own)
                .sequence("signatureAlgorithm")
                .and_then(|mut s| s.oid("signatureAlgorithm"));
            same &= own == Ok(oid) || bare_key_kind(&oid);
        }
        Ok(same)
    })();
    if protected != Ok(true) {
        faults.push(Fault::failure(
            "cms.algorithm_protection.mismatch",
            "RFC 6211 §2",
            "",
        ));
    }
}

fn bare_key_kind(oid: &Oid) -> bool {
    [names::RSA_ENCRYPTION, names::EC_PUBLIC_KEY].contains(oid)
}
