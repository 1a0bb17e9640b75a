//! What an archive time-stamp is over: version 3 with its hash index (EN 319 122-1 §5.5.2, §5.5.3), version 2 (TS 101 733
//! §6.4.1, unchecked), which is read and not written.
//!
//! An index names, by digest, what was there when the stamp was made. What it names and is gone leaves the stamp without
//! its data; what it does not name is not protected, and may have come later.

use super::timestamps::Content;
use crate::engine::crypto::{DigestAlgorithm, Hasher, digest};
use crate::engine::error::{Error, Result};
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{Attribute, SignedData, SignerInfo};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use std::collections::HashSet;

/// How deep what version 2 covers is re-encoded.
const DEPTH: u32 = 64;

/// `ATSHashIndexV3 ::= SEQUENCE { hashIndAlgorithm AlgorithmIdentifier, certificatesHashIndex SEQUENCE OF OCTET STRING,
/// crlsHashIndex SEQUENCE OF OCTET STRING, unsignedAttrValuesHashIndex SEQUENCE OF OCTET STRING }` and its elders.
struct HashIndex<'a> {
    element: Tlv<'a>,
    algorithm: DigestAlgorithm,
    certificates: Vec<Vec<u8>>,
    revocation: Vec<Vec<u8>>,
    attributes: Vec<Vec<u8>>,
}

/// The attributes of a token that hold its index, with whether it goes by value.
const INDEXES: [(Oid, bool); 3] = [
    (names::ID_AA_ATS_HASH_INDEX_V3, true),
    (names::ID_AA_ATS_HASH_INDEX_V2, false),
    (names::ID_AA_ATS_HASH_INDEX, false),
];

impl<'a> HashIndex<'a> {
    /// That of a token, with whether it goes by value.
    fn of(token: &'a TimestampToken) -> Option<(HashIndex<'a>, bool)> {
        let infos = token.signed_data().signer_infos();
        let attributes = &infos.first()?.unsigned_attributes;
        let found = INDEXES
            .iter()
            .find_map(|(id, by_value)| Some((attributes.single(id).ok()??, *by_value)));
        let (element, by_value) = found?;
        Some((HashIndex::read(element).ok()?, by_value))
    }

    fn read(element: Tlv<'a>) -> Result<HashIndex<'a>> {
        let mut fields = element.inner_of("ATSHashIndex")?;
        // Version 1 leaves the algorithm out where it is SHA-256. The digests begin with an OCTET STRING or nothing.
        let algorithm = match fields.clone().read("hashIndAlgorithm")?.inner().peek() {
            Some(Tag::OID) => DigestAlgorithm::from_identifier(&fields.read("hashIndAlgorithm")?)?,
            _ => DigestAlgorithm::Sha256,
        };
        Ok(HashIndex {
            element,
            algorithm,
            certificates: digests(fields.sequence("certificatesHashIndex")?)?,
            revocation: digests(fields.sequence("crlsHashIndex")?)?,
            attributes: digests(fields.sequence("unsignedAttrValuesHashIndex")?)?,
        })
    }

    /// Whether all that it names is there.
    fn is_complete(&self, data: &SignedData, info: &SignerInfo, by_value: bool) -> bool {
        let among = |set: Option<&[u8]>| -> HashSet<Vec<u8>> {
            let choices = set.map(choices).unwrap_or_default();
            choices
                .iter()
                .map(|one| digest(self.algorithm, one))
                .collect()
        };
        let attributes: HashSet<Vec<u8>> = info
            .unsigned_attributes
            .iter()
            .flat_map(|attribute| protected(attribute, by_value))
            .map(|one| digest(self.algorithm, &one))
            .collect();
        let all =
            |named: &[Vec<u8>], there: &HashSet<Vec<u8>>| named.iter().all(|d| there.contains(d));
        all(&self.certificates, &among(data.certificate_set()))
            && all(&self.revocation, &among(data.revocation_set()))
            && all(&self.attributes, &attributes)
    }
}

/// What a token covers beside the content and the signer's own fields, as it stands in the message.
#[derive(Debug, Default)]
pub(super) struct Protected<'a> {
    /// Members of `certificates`.
    pub(super) certificates: Vec<&'a [u8]>,
    /// Members of `crls`.
    pub(super) revocation: Vec<&'a [u8]>,
    /// Values of unsigned attributes.
    pub(super) attributes: Vec<(&'a Attribute, &'a [u8])>,
}

/// What a token of version 3 covers: that of which its index has a digest; none without a readable index.
pub(super) fn protected_by_index<'a>(
    token: &[u8],
    data: &'a SignedData,
    info: &'a SignerInfo,
) -> Option<Protected<'a>> {
    let token = TimestampToken::from_ber(token).ok()?;
    let (index, by_value) = HashIndex::of(&token)?;
    let named = |set: Option<&'a [u8]>, index_of: &[Vec<u8>]| -> Vec<&'a [u8]> {
        let there: HashSet<&[u8]> = index_of.iter().map(Vec::as_slice).collect();
        let mut all = set.map(choices).unwrap_or_default();
        all.retain(|one| there.contains(digest(index.algorithm, one).as_slice()));
        all
    };
    let there: HashSet<&[u8]> = index.attributes.iter().map(Vec::as_slice).collect();
    let is_there = |bytes: &[u8]| there.contains(digest(index.algorithm, bytes).as_slice());
    let attributes = values(info.unsigned_attributes.iter()).filter(|(attribute, value)| {
        is_there(&match by_value {
            true => [der::oid(&attribute.id), value.to_vec()].concat(),
            false => attribute.to_der(),
        })
    });
    Some(Protected {
        certificates: named(data.certificate_set(), &index.certificates),
        revocation: named(data.revocation_set(), &index.revocation),
        attributes: attributes.collect(),
    })
}

/// What a token of version 2 covers: all that there was, so that of archive time-stamps the earlier ones only.
pub(super) fn protected_by_all<'a>(
    token: &[u8],
    data: &'a SignedData,
    info: &'a SignerInfo,
) -> Option<Protected<'a>> {
    let token = TimestampToken::from_ber(token).ok()?;
    Some(Protected {
        certificates: data.certificate_set().map(choices).unwrap_or_default(),
        revocation: data.revocation_set().map(choices).unwrap_or_default(),
        attributes: values(earlier(info, &token)).collect(),
    })
}

fn values<'a>(
    attributes: impl Iterator<Item = &'a Attribute>,
) -> impl Iterator<Item = (&'a Attribute, &'a [u8])> {
    attributes.flat_map(|a| a.values.iter().map(move |value| (a, value.as_slice())))
}

/// What the index has digests of: from version 3 on, the type with one value at a time, before, the whole attribute.
fn protected(attribute: &Attribute, by_value: bool) -> Vec<Vec<u8>> {
    if !by_value {
        return vec![attribute.to_der()];
    }
    let values = attribute.values.iter();
    values
        .map(|value| [der::oid(&attribute.id), value.clone()].concat())
        .collect()
}

fn digests(mut list: Reader<'_>) -> Result<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    while let Some(one) = list.next_element()? {
        all.push(one.octets()?.into_owned());
    }
    Ok(all)
}

/// The elements of a SET, as received.
fn choices(set: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    if let Ok(element) = Tlv::whole(Reader::ber(set), "SET") {
        let mut inner = element.inner();
        while let Ok(Some(one)) = inner.next_element() {
            all.push(one.bytes());
        }
    }
    all
}

/// The digest of what a token of version 3 is over; none where something of it is gone.
pub(super) fn version_3(
    token: &[u8],
    data: &SignedData,
    info: &SignerInfo,
    content: Content<'_>,
    algorithm: DigestAlgorithm,
) -> Option<Vec<u8>> {
    let token = TimestampToken::from_ber(token).ok()?;
    let (index, by_value) = HashIndex::of(&token)?;
    if !index.is_complete(data, info, by_value) {
        return None;
    }
    let content = (content.digest)(algorithm)?;
    over_index(data, info, &content, algorithm, index.element.bytes()).ok()
}

/// EN 319 122-1 §5.5.3: the type and the digest of the content, the signer's fields but the unsigned attributes, and the
/// index, one after the other.
pub(super) fn over_index(
    data: &SignedData,
    info: &SignerInfo,
    content_digest: &[u8],
    algorithm: DigestAlgorithm,
    index: &[u8],
) -> Result<Vec<u8>> {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&der::oid(data.content_type()));
    hasher.update(content_digest);
    for field in info.fields()? {
        if field.tag() != Tag::context(1) {
            hasher.update(field.bytes());
        }
    }
    hasher.update(index);
    Ok(hasher.finish())
}

/// EN 319 122-1 §5.5.2: the DER of an `ATSHashIndexV3` of all that is there now.
pub(super) fn hash_index(
    data: &SignedData,
    info: &SignerInfo,
    algorithm: DigestAlgorithm,
) -> Vec<u8> {
    let named = |one: &[u8]| der::octet_string(&digest(algorithm, one));
    let of_set = |set: Option<&[u8]>| {
        let members = set.map(choices).unwrap_or_default();
        let digests: Vec<_> = members.into_iter().map(named).collect();
        der::sequence_of(&digests)
    };
    let values = info.unsigned_attributes.iter();
    let values = values.flat_map(|attribute| protected(attribute, true));
    let digests: Vec<_> = values.map(|value| named(&value)).collect();
    der::sequence(&[
        &algorithm.identifier(),
        &of_set(data.certificate_set()),
        &of_set(data.revocation_set()),
        &der::sequence_of(&digests),
    ])
}

/// The digest of what a token of version 2 is over. Makers differ in whether the unsigned attributes stand in their
/// wrapper and whether BER was made DER; the way that gives the token's imprint is taken.
pub(super) fn version_2(
    token: &[u8],
    data: &SignedData,
    info: &SignerInfo,
    content: Content<'_>,
    algorithm: DigestAlgorithm,
) -> Option<Vec<u8>> {
    let parsed = TimestampToken::from_ber(token).ok()?;
    let earlier: Vec<Vec<u8>> = earlier(info, &parsed).map(Attribute::to_der).collect();
    let wrapped = der::implicit(1, &der::set_of(earlier.clone()));
    let ways = [(false, true), (false, false), (true, true), (true, false)];
    let mut digests = ways.iter().filter_map(|(as_der, in_wrapper)| {
        let unsigned = match (earlier.is_empty(), in_wrapper) {
            (true, _) => Vec::new(),
            (_, true) => wrapped.clone(),
            (_, false) => earlier.concat(),
        };
        over_all(data, info, content, algorithm, *as_der, &unsigned).ok()
    });
    let expected = &parsed.tst_info().message_imprint.digest;
    let first = digests.next()?;
    if first == *expected {
        return Some(first);
    }
    Some(digests.find(|d| d == expected).unwrap_or(first))
}

fn over_all(
    data: &SignedData,
    info: &SignerInfo,
    content: Content<'_>,
    algorithm: DigestAlgorithm,
    as_der: bool,
    unsigned: &[u8],
) -> Result<Vec<u8>> {
    let encoded = |bytes: &[u8]| -> Result<Vec<u8>> {
        if !as_der {
            return Ok(bytes.to_vec());
        }
        der::from_ber(&Tlv::whole(Reader::ber(bytes), "SignedData")?, DEPTH)
    };
    let mut hasher = Hasher::new(algorithm);
    hasher.update(&encoded(data.encapsulated())?);
    if !data.is_attached() {
        let gone = || Error::not_found("content", "is not given");
        if !content.apart.ok_or_else(gone)?.feed(&mut hasher)? {
            return Err(gone());
        }
    }
    for set in [data.certificate_set(), data.revocation_set()]
        .into_iter()
        .flatten()
    {
        hasher.update(&encoded(set)?);
    }
    for field in info.fields()?.iter().filter(|f| f.tag() != Tag::context(1)) {
        hasher.update(&encoded(field.bytes())?);
    }
    hasher.update(unsigned);
    Ok(hasher.finish())
}

/// The unsigned attributes without the archive time-stamps that are not older than `token`, in their order.
fn earlier<'a>(
    info: &'a SignerInfo,
    token: &TimestampToken,
) -> impl Iterator<Item = &'a Attribute> {
    let archive = [
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2,
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3,
    ];
    let gen_time = token.tst_info().gen_time;
    let later = move |attribute: &Attribute| {
        archive.contains(&attribute.id)
            && attribute.values.iter().all(|value| {
                TimestampToken::from_ber(value)
                    .is_ok_and(|other| other.tst_info().gen_time >= gen_time)
            })
    };
    info.unsigned_attributes.iter().filter(move |a| !later(a))
}
