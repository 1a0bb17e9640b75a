//! What the time-stamps of a signer prove to have existed, beside what their imprint says (EN 319 102-1 §5.6.2.3, unchecked).
//!
//! In: a signer whose time-stamps are evidence already. Out: in each of them, the objects of the pool and the signatures that
//! it is over. Whether it holds is for the judge to say.

use super::archive::{self, Protected};
use super::values::{self, ByDigest};
use crate::engine::error::Result;
use crate::engine::evidence::{ObjectId, Pool, Signature};
use crate::engine::limits::Budget;
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{Attribute, Attributes, SignedData, SignerInfo};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};
use std::collections::BTreeSet;

/// How deep counter-signatures and the attributes of tokens are followed.
const DEPTH: u32 = 8;

/// Octets that are hashed for one step of a budget.
const OCTETS_A_STEP: u64 = 64;

/// Attributes whose values are tokens.
const TOKENS: [Oid; 6] = [
    names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN,
    names::ID_AA_ETS_CONTENT_TIMESTAMP,
    names::ID_AA_ETS_ESC_TIMESTAMP,
    names::ID_AA_ETS_CERT_CRL_TIMESTAMP,
    names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2,
    names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3,
];

/// What one time-stamp is over.
#[derive(Default)]
struct Covered {
    objects: BTreeSet<ObjectId>,
    signatures: BTreeSet<ObjectId>,
}

/// Fills `covers` and `signatures` of the time-stamps of `signature`, which is `info` as evidence.
pub(super) fn fill(
    data: &SignedData,
    info: &SignerInfo,
    signature: &mut Signature,
    pool: &Pool,
    budget: &mut Budget,
) -> Result<()> {
    let own = signature.id;
    let objects = ByDigest::new(pool);
    budget.step(steps_over(pool))?;
    for attribute in info.unsigned_attributes.iter() {
        for token in &attribute.values {
            let id = ObjectId::of(token);
            let mut stamps = signature.timestamps.iter_mut();
            let Some(stamp) = stamps.find(|t| t.token == id && t.covers.is_empty()) else {
                continue;
            };
            budget.step(cost(attribute, data, info))?;
            let covered = of_token(attribute, token, (data, info), own, &objects);
            stamp.covers = covered.objects.into_iter().collect();
            stamp.signatures = covered.signatures.into_iter().collect();
        }
    }
    Ok(())
}

/// The steps that reading all of `pool` once is worth.
pub(super) fn steps_over(pool: &Pool) -> u64 {
    let octets: usize = pool.iter().map(|(_, object)| object.bytes.len()).sum();
    octets as u64 / OCTETS_A_STEP
}

/// What is read and hashed to find out what a token is over: of archive time-stamps, the whole message.
fn cost(attribute: &Attribute, data: &SignedData, info: &SignerInfo) -> u64 {
    if attribute.id == names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN {
        return 1;
    }
    let sets = [data.certificate_set(), data.revocation_set()];
    let sets: usize = sets.into_iter().flatten().map(<[u8]>::len).sum();
    (sets + info.bytes.len()) as u64 / OCTETS_A_STEP
}

fn of_token(
    attribute: &Attribute,
    token: &[u8],
    (data, info): (&SignedData, &SignerInfo),
    own: ObjectId,
    objects: &ByDigest<'_>,
) -> Covered {
    let mut covered = Covered::default();
    let protected = match attribute.id {
        names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN => Protected::default(),
        names::ID_AA_ETS_ESC_TIMESTAMP => stamped_references(info, true),
        names::ID_AA_ETS_CERT_CRL_TIMESTAMP => stamped_references(info, false),
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2 => {
            archive::protected_by_all(token, data, info).unwrap_or_default()
        }
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3 => {
            archive::protected_by_index(token, data, info).unwrap_or_default()
        }
        _ => return covered,
    };
    if attribute.id != names::ID_AA_ETS_CERT_CRL_TIMESTAMP {
        covered.signatures.insert(own);
        covered.add_attributes(info.signed_attributes.iter(), objects, DEPTH);
    }
    let certificates = protected.certificates.iter();
    covered
        .objects
        .extend(certificates.map(|one| ObjectId::of(one)));
    let revocation = protected.revocation.iter();
    covered.objects.extend(revocation.map(|one| of_choice(one)));
    for (attribute, value) in protected.attributes {
        covered.add_value(attribute, value, objects, DEPTH);
    }
    covered.objects.remove(&ObjectId::of(token));
    covered
        .objects
        .retain(|id| objects.pool().get(id).is_some());
    covered
}

/// What a time-stamp of references is over (TS 101 733 §6.3.5, §6.3.6, unchecked).
fn stamped_references(info: &SignerInfo, with_signature: bool) -> Protected<'_> {
    let is_stamped = |attribute: &&Attribute| {
        values::is_reference(attribute)
            || with_signature && attribute.id == names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN
    };
    let stamped = info.unsigned_attributes.iter().filter(is_stamped);
    Protected {
        attributes: stamped
            .flat_map(|a| a.values.iter().map(move |value| (a, value.as_slice())))
            .collect(),
        ..Protected::default()
    }
}

/// The object in a member of `RevocationInfoChoices`: the list, or what is in the other format.
fn of_choice(choice: &[u8]) -> ObjectId {
    let other = || -> Result<ObjectId> {
        let element = Tlv::whole(Reader::ber(choice), "RevocationInfoChoice")?;
        let mut fields = element.inner_of("OtherRevocationInfoFormat")?;
        fields.oid("otherRevInfoFormat")?;
        Ok(ObjectId::of(fields.read("otherRevInfo")?.bytes()))
    };
    match Reader::ber(choice).peek() {
        Some(Tag::SEQUENCE) => ObjectId::of(choice),
        _ => other().unwrap_or_else(|_| ObjectId::of(choice)),
    }
}

impl Covered {
    fn add_attributes<'a>(
        &mut self,
        attributes: impl Iterator<Item = &'a Attributes>,
        objects: &ByDigest<'_>,
        depth: u32,
    ) {
        for attribute in attributes.flat_map(Attributes::iter) {
            for value in &attribute.values {
                self.add_value(attribute, value, objects, depth);
            }
        }
    }

    /// What is proven with a value of an attribute: the objects in it, those that it refers to, tokens and counter-signatures
    /// with what is inside of them.
    fn add_value(
        &mut self,
        attribute: &Attribute,
        value: &[u8],
        objects: &ByDigest<'_>,
        depth: u32,
    ) {
        let held = values::of_value(attribute, value);
        self.objects.extend(held.iter().map(|object| object.id()));
        self.objects.extend(objects.referenced(attribute, value));
        let Some(deeper) = depth.checked_sub(1) else {
            return;
        };
        if TOKENS.contains(&attribute.id) {
            self.objects.insert(ObjectId::of(value));
            if let Ok(token) = TimestampToken::from_ber(value) {
                self.add_message(token.signed_data(), objects, deeper);
            }
        } else if attribute.id == names::ID_COUNTERSIGNATURE
            && let Ok(counter) = SignerInfo::from_ber(value)
        {
            self.signatures.insert(ObjectId::of(value));
            self.add_signer(&counter, objects, deeper);
        }
    }

    fn add_message(&mut self, data: &SignedData, objects: &ByDigest<'_>, depth: u32) {
        let certificates = data.certificates().iter();
        self.objects
            .extend(certificates.map(|c| ObjectId(c.fingerprint())));
        let lists = data.crls().iter().chain(data.ocsp_responses());
        self.objects.extend(lists.map(|one| ObjectId::of(one)));
        for info in data.signer_infos() {
            self.add_signer(info, objects, depth);
        }
    }

    fn add_signer(&mut self, info: &SignerInfo, objects: &ByDigest<'_>, depth: u32) {
        let attributes = info.signed_attributes.iter();
        let attributes = attributes.chain(std::iter::once(&info.unsigned_attributes));
        self.add_attributes(attributes, objects, depth);
    }
}
