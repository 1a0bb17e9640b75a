//! What a CMS signature says beside its content (EN 319 122-1 §5.2): attributes by name, roles, commitments, hints, and the
//! signature policy that it names.
//!
//! What cannot be read is left out: policies that ask for it find it missing. Attributes that decide what was signed are
//! `inspect`'s.

use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::evidence::{Bytes, ContentHints, Properties, SignaturePolicy};
use crate::engine::pki::cms::Attributes;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, names};

const SIGNER_ATTRIBUTES: Oid = Oid::new(&[1, 2, 840, 113549, 1, 9, 16, 2, 18]);
const SIGNER_ATTRIBUTES_V2: Oid = Oid::new(&[0, 4, 0, 19122, 1, 1]);
const POLICY_STORE: Oid = Oid::new(&[0, 4, 0, 19122, 1, 3]);
const QUALIFIER_URI: Oid = Oid::new(&[1, 2, 840, 113549, 1, 9, 16, 5, 1]);
const QUALIFIER_NOTICE: Oid = Oid::new(&[1, 2, 840, 113549, 1, 9, 16, 5, 2]);

/// Names of attributes. The standard's own, without the prefixes of its object identifiers.
const NAMES: &[(Oid, &str)] = &[
    (names::ID_CONTENT_TYPE, "content-type"),
    (names::ID_MESSAGE_DIGEST, "message-digest"),
    (names::ID_SIGNING_TIME, "signing-time"),
    (names::ID_COUNTERSIGNATURE, "counter-signature"),
    (
        names::ID_AA_CMS_ALGORITHM_PROTECT,
        "cms-algorithm-protection",
    ),
    (names::ID_AA_SIGNING_CERTIFICATE, "signing-certificate"),
    (
        names::ID_AA_SIGNING_CERTIFICATE_V2,
        "signing-certificate-v2",
    ),
    (
        names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN,
        "signature-time-stamp",
    ),
    (
        names::ID_AA_ETS_SIG_POLICY_ID,
        "signature-policy-identifier",
    ),
    (
        names::ID_AA_ETS_COMMITMENT_TYPE,
        "commitment-type-indication",
    ),
    (names::ID_AA_ETS_SIGNER_LOCATION, "signer-location"),
    (SIGNER_ATTRIBUTES, "signer-attributes"),
    (SIGNER_ATTRIBUTES_V2, "signer-attributes-v2"),
    (names::ID_AA_ETS_CONTENT_TIMESTAMP, "content-time-stamp"),
    (names::ID_AA_CONTENT_HINTS, "content-hints"),
    (
        Oid::new(&[1, 2, 840, 113549, 1, 9, 16, 2, 7]),
        "content-identifier",
    ),
    (
        Oid::new(&[1, 2, 840, 113549, 1, 9, 16, 2, 10]),
        "content-reference",
    ),
    (names::ID_AA_ETS_MIME_TYPE, "mime-type"),
    (POLICY_STORE, "signature-policy-store"),
    (names::ID_AA_ETS_CERT_VALUES, "certificate-values"),
    (names::ID_AA_ETS_REVOCATION_VALUES, "revocation-values"),
    (
        names::ID_AA_ETS_CERTIFICATE_REFS,
        "complete-certificate-references",
    ),
    (
        names::ID_AA_ETS_REVOCATION_REFS,
        "complete-revocation-references",
    ),
    (names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V2, "archive-time-stamp"),
    (
        names::ID_AA_ETS_ARCHIVE_TIMESTAMP_V3,
        "archive-time-stamp-v3",
    ),
];

/// Names kept of one signature: more say nothing that a policy asks for.
const MOST_NAMES: usize = 64;
/// Roles and commitments kept of one signature.
const MOST_VALUES: usize = 32;
/// Characters kept of a text.
const LONGEST_TEXT: usize = 512;

/// What the attributes of one signer say.
pub(super) fn read(signed: Option<&Attributes>, unsigned: &Attributes) -> Properties {
    let mut properties = Properties {
        unsigned: names_of(unsigned),
        ..Properties::default()
    };
    let Some(signed) = signed else {
        return properties;
    };
    properties.signed = names_of(signed);
    let one = |id| signed.single(&id).ok().flatten();
    properties.content_type = one(names::ID_CONTENT_TYPE).and_then(|value| value.oid().ok());
    properties.content_hints = one(names::ID_AA_CONTENT_HINTS).and_then(|value| hints(&value));
    properties.mime_type = one(names::ID_AA_ETS_MIME_TYPE).map(|value| text(&value));
    properties.commitment_types = signed
        .values(&names::ID_AA_ETS_COMMITMENT_TYPE)
        .filter_map(|value| Reader::ber(value).sequence("CommitmentTypeIndication").ok())
        .filter_map(|mut fields| fields.oid("commitmentTypeId").ok())
        .take(MOST_VALUES)
        .collect();
    properties.claimed_roles = [SIGNER_ATTRIBUTES, SIGNER_ATTRIBUTES_V2]
        .iter()
        .flat_map(|id| signed.values(id))
        .flat_map(claimed_roles)
        .take(MOST_VALUES)
        .collect();
    let policy = one(names::ID_AA_ETS_SIG_POLICY_ID);
    properties.policy_implied = policy.is_some_and(|value| value.tag() == Tag::NULL);
    properties
}

fn names_of(attributes: &Attributes) -> Vec<String> {
    let name = |id: &Oid| match NAMES.iter().find(|(known, _)| known == id) {
        Some((_, name)) => (*name).to_string(),
        None => id.to_string(),
    };
    let mut names: Vec<String> = attributes
        .iter()
        .take(MOST_NAMES)
        .map(|attribute| name(&attribute.id))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn text(value: &Tlv<'_>) -> String {
    value.text().chars().take(LONGEST_TEXT).collect()
}

/// RFC 2634 §2.9.
fn hints(value: &Tlv<'_>) -> Option<ContentHints> {
    let mut fields = value.inner_of("ContentHints").ok()?;
    let description = match fields.peek()? {
        Tag::OID => None,
        _ => Some(text(&fields.read("contentDescription").ok()?)),
    };
    let content_type = fields.oid("contentType").ok()?;
    Some(ContentHints {
        description,
        content_type,
    })
}

/// The texts of `claimedAttributes`, of either version (EN 319 122-1 §5.2.6.1, RFC 5126 §5.11.3).
fn claimed_roles(value: &[u8]) -> Vec<String> {
    let mut roles = Vec::new();
    let Ok(mut choices) = Reader::ber(value).sequence("SignerAttribute") else {
        return roles;
    };
    while let Ok(Some(choice)) = choices.next_element() {
        if choice.tag().context_number() != Some(0) {
            continue;
        }
        // The tag is explicit in the module, and some write it implicit: then the attributes follow at once.
        let mut inner = choice.inner();
        let attributes = match inner.sequence("claimedAttributes") {
            Ok(deeper) if deeper.peek() == Some(Tag::SEQUENCE) => deeper,
            _ => choice.inner(),
        };
        let Ok(attributes) = Attributes::read(attributes) else {
            continue;
        };
        for value in attributes.iter().flat_map(|a| &a.values) {
            match Tlv::whole(Reader::ber(value), "role") {
                Ok(role) if !role.constructed() && roles.len() < MOST_VALUES => {
                    roles.push(text(&role));
                }
                _ => {}
            }
        }
    }
    roles
}

/// `SignaturePolicyId` (EN 319 122-1 §5.2.9.1) with its qualifiers (§5.2.9.2), and what the signature-policy-store holds
/// (§5.2.10); an implied policy is none, and so is what cannot be read.
pub(super) fn policy(value: &Tlv<'_>, unsigned: &Attributes) -> Option<SignaturePolicy> {
    let mut fields = value.inner_of("SignaturePolicyId").ok()?;
    let id = fields.oid("sigPolicyId").ok()?;
    let hash = fields.optional(Tag::SEQUENCE, "sigPolicyHash").ok()?;
    // Some write the qualifiers where the optional digest is missing: they begin with a sequence, a digest with its algorithm.
    let digest = hash.as_ref().and_then(policy_digest);
    let given = hash.is_some();
    let (unreadable_digest, qualifiers) = match digest {
        None if hash.as_ref().is_some_and(are_qualifiers) => (false, hash),
        _ => (
            given && digest.is_none(),
            fields.optional(Tag::SEQUENCE, "sigPolicyQualifiers").ok()?,
        ),
    };
    let (mut uri, mut notice) = (None, None);
    let mut list = qualifiers.map(|all| all.inner());
    while let Some(Ok(Some(one))) = list.as_mut().map(Reader::next_element) {
        let Some((kind, value)) = qualifier(&one) else {
            continue;
        };
        if kind == QUALIFIER_URI {
            uri = uri.or(Some(text(&value)));
        } else if kind == QUALIFIER_NOTICE {
            notice = notice.or_else(|| user_notice(&value));
        }
    }
    let stored = digest.as_ref().and_then(|(algorithm, _)| {
        let document = stored_document(unsigned)?;
        Some(self::digest(*algorithm, &document).into())
    });
    Some(SignaturePolicy {
        id,
        digest,
        unreadable_digest,
        uri,
        notice,
        stored,
    })
}

fn policy_digest(hash: &Tlv<'_>) -> Option<(DigestAlgorithm, Bytes)> {
    let mut fields = hash.inner();
    let algorithm = DigestAlgorithm::from_identifier(&fields.read("hashAlgorithm").ok()?).ok()?;
    let value = fields.read("hashValue").ok()?.octets().ok()?.into_owned();
    Some((algorithm, value.into()))
}

fn are_qualifiers(value: &Tlv<'_>) -> bool {
    let first = value.inner().next_element().ok().flatten();
    first
        .and_then(|one| qualifier(&one))
        .is_some_and(|(kind, _)| [QUALIFIER_URI, QUALIFIER_NOTICE].contains(&kind))
}

fn qualifier<'a>(one: &Tlv<'a>) -> Option<(Oid, Tlv<'a>)> {
    let mut fields = one.inner_of("SigPolicyQualifierInfo").ok()?;
    Some((
        fields.oid("sigPolicyQualifierId").ok()?,
        fields.read("qualifier").ok()?,
    ))
}

/// `SPUserNotice`: its explicit text, after the reference to a notice that may stand before it.
fn user_notice(value: &Tlv<'_>) -> Option<String> {
    let mut fields = value.inner_of("SPUserNotice").ok()?;
    while let Ok(Some(field)) = fields.next_element() {
        if !field.constructed() {
            return Some(text(&field));
        }
    }
    None
}

/// The policy document that came with the signature.
fn stored_document(unsigned: &Attributes) -> Option<Vec<u8>> {
    let value = unsigned.single(&POLICY_STORE).ok().flatten()?;
    let mut fields = value.inner_of("SignaturePolicyStore").ok()?;
    fields.read("spDocSpec").ok()?;
    let document = fields.read("spDocument").ok()?;
    document
        .is_octet_string()
        .then(|| document.octets().ok())?
        .map(|d| d.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::cms::Attribute;
    use crate::engine::syntax::asn1::der;

    fn attributes(all: &[Attribute]) -> Attributes {
        let bytes: Vec<u8> = all.iter().flat_map(Attribute::to_der).collect();
        Attributes::read(Reader::ber(&bytes)).unwrap()
    }

    fn utf8(text: &str) -> Vec<u8> {
        der::tlv(12, text.as_bytes())
    }

    #[test]
    fn attributes_are_named_and_their_values_read() {
        let role = Attribute::new(Oid::new(&[2, 5, 4, 72]), utf8("Interventor")).to_der();
        let claimed = |list: &[u8]| der::sequence(&[&der::explicit(0, list)]);
        for signer in [claimed(&der::sequence(&[&role])), claimed(&role)] {
            let signed = attributes(&[
                Attribute::new(names::ID_SIGNING_TIME, der::null()),
                Attribute::new(
                    names::ID_AA_CONTENT_HINTS,
                    der::sequence(&[&utf8("PDF document"), &der::oid(&names::ID_DATA)]),
                ),
                Attribute::new(
                    names::ID_AA_ETS_COMMITMENT_TYPE,
                    der::sequence(&[&der::oid(&Oid::new(&[1, 2, 3]))]),
                ),
                Attribute::new(SIGNER_ATTRIBUTES, signer),
                Attribute::new(Oid::new(&[2, 5, 4, 45]), der::null()),
            ]);
            let found = read(Some(&signed), &Attributes::default());
            assert_eq!(
                found.signed,
                [
                    "2.5.4.45",
                    "commitment-type-indication",
                    "content-hints",
                    "signer-attributes",
                    "signing-time"
                ]
            );
            let hints = found.content_hints.unwrap();
            assert_eq!(hints.description.as_deref(), Some("PDF document"));
            assert_eq!(found.claimed_roles, ["Interventor"]);
            assert_eq!(found.commitment_types, [Oid::new(&[1, 2, 3])]);
        }
    }

    #[test]
    fn a_policy_is_read_with_its_qualifiers_and_the_document_that_came_with_it() {
        let id = Oid::new(&[2, 16, 724, 1, 3, 1, 1, 2, 1, 9]);
        let hash = der::sequence(&[
            &DigestAlgorithm::Sha256.identifier(),
            &der::octet_string(&[7; 32]),
        ]);
        let qualifiers = der::sequence(&[
            &der::sequence(&[&der::oid(&QUALIFIER_URI), &der::tlv(22, b"https://a")]),
            &der::sequence(&[
                &der::oid(&QUALIFIER_NOTICE),
                &der::sequence(&[&der::sequence(&[]), &utf8("note")]),
            ]),
        ]);
        let store = der::sequence(&[
            &der::oid(&Oid::new(&[0, 4, 0, 19122, 2, 1])),
            &der::octet_string(b"document"),
        ]);
        let unsigned = attributes(&[Attribute::new(POLICY_STORE, store)]);
        let whole = der::sequence(&[&der::oid(&id), &hash, &qualifiers]);
        let value = Tlv::whole(Reader::ber(&whole), "policy").unwrap();
        let found = policy(&value, &unsigned).unwrap();
        assert_eq!(found.id, id);
        assert_eq!(found.digest.unwrap().1, Bytes::from(vec![7; 32]));
        assert_eq!(found.uri.as_deref(), Some("https://a"));
        assert_eq!(found.notice.as_deref(), Some("note"));
        let document = digest(DigestAlgorithm::Sha256, b"document");
        assert_eq!(found.stored, Some(document.into()));
        for end in 0..whole.len() {
            let cut = Tlv::whole(Reader::ber(&whole[..end]), "policy");
            assert!(
                cut.map_or(true, |value| policy(&value, &unsigned).is_none()),
                "{end}"
            );
        }
        let unknown = der::sequence(&[
            &der::oid(&id),
            &der::sequence(&[&der::null(), &der::null()]),
        ]);
        let value = Tlv::whole(Reader::ber(&unknown), "policy").unwrap();
        assert!(policy(&value, &unsigned).unwrap().unreadable_digest);
        let bare = der::sequence(&[&der::oid(&id), &qualifiers]);
        let value = Tlv::whole(Reader::ber(&bare), "policy").unwrap();
        let found = policy(&value, &unsigned).unwrap();
        assert_eq!(
            (found.digest, found.uri.as_deref()),
            (None, Some("https://a"))
        );
        assert!(!found.unreadable_digest);
        let signed = attributes(&[Attribute::new(names::ID_AA_ETS_SIG_POLICY_ID, der::null())]);
        assert!(read(Some(&signed), &unsigned).policy_implied);
    }
}
