//! The signed attributes that we make (EN 319 122-1 §5.2): each from what a request to sign says.
//!
//! In: a request, the time, what is signed. Out: the DER SET that the value will be over, or what the request asks for and
//! no verifier should be made to read. Reading them back is `inspect` and `properties`.

use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::error::{Error, Result};
use crate::engine::formats::request::{
    CommitmentType, ContentHints, PolicyIdentifier, ProductionPlace, Properties, SignRequest,
    SigningTime,
};
use crate::engine::pki::TimestampToken;
use crate::engine::pki::cms::{Attribute, EssCertificate};
use crate::engine::pki::signature_policy::AGE_1_9;
use crate::engine::syntax::asn1::{Oid, der, names};
use crate::engine::time::Time;

/// The most values of a kind, and the most characters of a text, that a request may give: whoever verifies bounds them
/// too.
const MOST: usize = 32;
/// See [`MOST`].
const LONGEST: usize = 512;

/// What a signature is over.
pub(super) enum Over<'a> {
    /// Content of a type.
    Content(&'a Oid),
    /// The bytes of a PDF.
    Pdf,
    /// The value of another signature (RFC 5652 §11.4).
    Signature,
}

/// The digests of what is signed, as far as they are known.
pub(super) type Digests<'a> = &'a dyn Fn(DigestAlgorithm) -> Result<Option<Vec<u8>>>;

/// The DER SET of signed attributes (EN 319 122-1 §6.3) of a signature over what has these digests.
pub(super) fn attributes(
    request: &SignRequest,
    over: &Over<'_>,
    digests: Digests<'_>,
    now: Time,
) -> Result<Vec<u8>> {
    let properties = &request.properties;
    check(properties, over)?;
    let algorithm = super::content_digest_algorithm(request);
    let digest = digests(algorithm)?
        .filter(|digest| digest.len() == algorithm.length())
        .ok_or_else(|| {
            Error::invalid("content", format!("its {algorithm} is not given"))
                .remedy("Give the digest that the key's algorithm goes with.")
        })?;
    let mut all = vec![
        Attribute::new(names::ID_MESSAGE_DIGEST, der::octet_string(&digest)),
        EssCertificate::sha256_attribute(&request.certificate),
    ];
    match over {
        Over::Content(kind) => all.push(Attribute::new(names::ID_CONTENT_TYPE, der::oid(kind))),
        Over::Pdf => {
            let kind = der::oid(&names::ID_DATA);
            all.push(Attribute::new(names::ID_CONTENT_TYPE, kind));
        }
        Over::Signature => {}
    }
    let time = match (over, properties.signing_time) {
        (Over::Pdf, _) | (_, SigningTime::Absent) => None,
        (_, SigningTime::Now) => Some(now),
        (_, SigningTime::At(time)) => Some(time),
    };
    all.extend(time.map(|time| Attribute::new(names::ID_SIGNING_TIME, der::time(time))));
    all.extend(optional(properties)?);
    if properties.algorithm_protection {
        all.push(algorithm_protection(algorithm, request.algorithm));
    }
    all.extend(content_timestamps(properties, digests)?);
    Ok(der::set_of(all.iter().map(Attribute::to_der).collect()))
}

/// What a request may leave out.
fn optional(properties: &Properties) -> Result<Vec<Attribute>> {
    let mut all = Vec::new();
    if let Some(policy) = &properties.policy {
        all.push(policy_identifier(policy)?);
    }
    if !properties.commitment_types.is_empty() {
        let values = properties.commitment_types.iter();
        all.push(Attribute {
            id: names::ID_AA_ETS_COMMITMENT_TYPE,
            values: values.map(|c| commitment(*c)).collect(),
        });
    }
    if !properties.claimed_roles.is_empty() {
        all.push(signer_attributes(&properties.claimed_roles)?);
    }
    if let Some(place) = &properties.production_place {
        all.push(signer_location(place)?);
    }
    if let Some(hints) = &properties.content_hints {
        all.push(content_hints(hints)?);
    }
    if let Some(kind) = &properties.mime_type {
        let value = der::utf8_string(text("mime type", kind)?);
        all.push(Attribute::new(names::ID_AA_ETS_MIME_TYPE, value));
    }
    Ok(all)
}

/// What is asked for beyond measure, or where it has no place.
fn check(properties: &Properties, over: &Over<'_>) -> Result<()> {
    let counts = [
        properties.commitment_types.len(),
        properties.claimed_roles.len(),
        properties.content_timestamps.len(),
    ];
    if counts.iter().any(|count| *count > MOST) {
        let problem = format!("more than {MOST} values of a kind");
        return Err(Error::limit("signature properties", problem));
    }
    // RFC 2634 §2.9 and EN 319 122-1 §5.2.4 speak of content, which the value of a signature is not.
    let about_content = properties.mime_type.is_some() || properties.content_hints.is_some();
    if matches!(over, Over::Pdf) {
        return check_pdf(properties);
    }
    if matches!(over, Over::Signature) && about_content {
        return Err(Error::invalid(
            "counter-signature",
            "a mime type or content hints of what is no content",
        )
        .remedy("Leave them out: a counter-signature is over the value of another signature."));
    }
    if properties
        .policy
        .as_ref()
        .is_some_and(|p| p.id == AGE_1_9.id)
    {
        return check_age(properties, over);
    }
    Ok(())
}

/// What stands in the dictionary of a PDF signature, or can only be known once it is laid out (EN 319 142-1 §6.3,
/// unchecked). The policy of the Spanish administration forbids the same.
fn check_pdf(properties: &Properties) -> Result<()> {
    let elsewhere = properties.mime_type.is_some()
        || properties.content_hints.is_some()
        || properties.production_place.is_some()
        || !properties.content_timestamps.is_empty()
        || matches!(properties.signing_time, SigningTime::At(_));
    if elsewhere {
        return Err(Error::invalid(
            "signature properties",
            "a PDF signature has no attribute for time, place, media type, hints or time-stamps of content",
        )
        .remedy("Give the place as the location of the signature, and leave the others out."));
    }
    properties.policy.as_ref().map_or(Ok(()), check_age_digest)
}

/// What the policy of the Spanish administration, version 1.9, demands of a CAdES signature (§3 of it): content-type,
/// message-digest, signing-certificate, signing-time, the policy itself and content-hints.
fn check_age(properties: &Properties, over: &Over<'_>) -> Result<()> {
    let refused = |problem, remedy| Err(Error::invalid("signature policy", problem).remedy(remedy));
    if matches!(over, Over::Signature) {
        return refused(
            "AGE 1.9 demands a content type, which a counter-signature may not have",
            "Leave the policy of a counter-signature out.",
        );
    }
    if properties.signing_time == SigningTime::Absent {
        return refused(
            "AGE 1.9 demands a signing time",
            "Let the signature claim one.",
        );
    }
    if properties.content_hints.is_none() {
        return refused("AGE 1.9 demands content hints", "Say what the content is.");
    }
    properties.policy.as_ref().map_or(Ok(()), check_age_digest)
}

fn check_age_digest(policy: &PolicyIdentifier) -> Result<()> {
    let (algorithm, digest) = &policy.digest;
    let known = AGE_1_9.digest(*algorithm);
    if policy.id == AGE_1_9.id && known.is_none_or(|known| known != digest) {
        return Err(Error::invalid(
            "signature policy",
            "the digest is not that of the document of AGE 1.9",
        )
        .remedy("Take the digest from the preset."));
    }
    Ok(())
}

/// A text that a verifier can be expected to show.
fn text<'a>(element: &'static str, text: &'a str) -> Result<&'a str> {
    let odd = text.chars().any(char::is_control);
    if text.is_empty() || odd || text.chars().count() > LONGEST {
        let problem =
            format!("is empty, longer than {LONGEST} characters, or has control characters");
        return Err(Error::invalid(element, problem));
    }
    Ok(text)
}

/// §5.2.9.1: `SignaturePolicyId ::= SEQUENCE { sigPolicyId, sigPolicyHash, sigPolicyQualifiers OPTIONAL }`.
fn policy_identifier(policy: &PolicyIdentifier) -> Result<Attribute> {
    let (algorithm, digest) = &policy.digest;
    if digest.len() != algorithm.length() {
        let problem = format!("its digest is no {algorithm}");
        return Err(Error::invalid("signature policy", problem));
    }
    let mut qualifiers = Vec::new();
    if let Some(uri) = &policy.uri {
        if !uri.is_ascii() {
            return Err(Error::invalid(
                "signature policy",
                "its address is not ASCII",
            ));
        }
        let uri = der::ia5_string(text("signature policy", uri)?);
        qualifiers.push(der::sequence(&[&der::oid(&names::ID_SPQ_ETS_URI), &uri]));
    }
    if let Some(notice) = &policy.user_notice {
        // SPUserNotice ::= SEQUENCE { noticeRef OPTIONAL, explicitText DisplayText OPTIONAL }
        let notice = der::sequence(&[&der::utf8_string(text("signature policy", notice)?)]);
        qualifiers.push(der::sequence(&[
            &der::oid(&names::ID_SPQ_ETS_UNOTICE),
            &notice,
        ]));
    }
    let hash = der::sequence(&[&algorithm.identifier(), &der::octet_string(digest)]);
    let qualifiers = match qualifiers.is_empty() {
        true => Vec::new(),
        false => der::sequence_of(&qualifiers),
    };
    let value = der::sequence(&[&der::oid(&policy.id), &hash, &qualifiers]);
    Ok(Attribute::new(names::ID_AA_ETS_SIG_POLICY_ID, value))
}

/// §5.2.3: `CommitmentTypeIndication ::= SEQUENCE { commitmentTypeId, commitmentTypeQualifier OPTIONAL }`.
fn commitment(commitment: CommitmentType) -> Vec<u8> {
    der::sequence(&[&der::oid(&commitment.oid())])
}

/// §5.2.6.1: `SignerAttributeV2 ::= SEQUENCE { claimedAttributes [0] ClaimedAttributes OPTIONAL, … }`; a role is a name, as
/// EU DSS and others write it.
fn signer_attributes(roles: &[String]) -> Result<Attribute> {
    let mut values = Vec::new();
    for role in roles {
        values.push(der::utf8_string(text("claimed role", role)?));
    }
    let claimed = Attribute {
        id: names::AT_NAME,
        values,
    };
    let value = der::sequence(&[&der::explicit(0, &der::sequence(&[&claimed.to_der()]))]);
    Ok(Attribute::new(names::ID_AA_ETS_SIGNER_ATTRIBUTES_V2, value))
}

/// §5.2.5: `SignerLocation ::= SEQUENCE { countryName [0] DirectoryString OPTIONAL, localityName [1] DirectoryString
/// OPTIONAL, postalAddress [2] PostalAddress OPTIONAL }`, at least one of them.
fn signer_location(place: &ProductionPlace) -> Result<Attribute> {
    const ELEMENT: &str = "production place";
    let mut fields = Vec::new();
    for (tag, field) in [(0, &place.country), (1, &place.locality)] {
        if let Some(field) = field {
            fields.push(der::explicit(tag, &der::utf8_string(text(ELEMENT, field)?)));
        }
    }
    if place.postal_address.len() > 6 {
        return Err(Error::invalid(ELEMENT, "more than six lines of address"));
    }
    let mut lines = Vec::new();
    for line in &place.postal_address {
        lines.push(der::utf8_string(text(ELEMENT, line)?));
    }
    if !lines.is_empty() {
        fields.push(der::explicit(2, &der::sequence_of(&lines)));
    }
    if fields.is_empty() {
        return Err(Error::invalid(ELEMENT, "says nothing"));
    }
    let value = der::sequence_of(&fields);
    Ok(Attribute::new(names::ID_AA_ETS_SIGNER_LOCATION, value))
}

/// RFC 2634 §2.9: `ContentHints ::= SEQUENCE { contentDescription UTF8String OPTIONAL, contentType ContentType }`.
fn content_hints(hints: &ContentHints) -> Result<Attribute> {
    let description = match &hints.description {
        Some(description) => der::utf8_string(text("content hints", description)?),
        None => Vec::new(),
    };
    let value = der::sequence(&[&description, &der::oid(&hints.content_type)]);
    Ok(Attribute::new(names::ID_AA_CONTENT_HINTS, value))
}

/// RFC 6211 §2: `CMSAlgorithmProtection ::= SEQUENCE { digestAlgorithm, signatureAlgorithm [1] OPTIONAL, … }`.
fn algorithm_protection(digest: DigestAlgorithm, signature: SignatureAlgorithm) -> Attribute {
    let value = der::sequence(&[
        &signature.digest_identifier(digest),
        &der::implicit(1, &signature.identifier()),
    ]);
    Attribute::new(names::ID_AA_CMS_ALGORITHM_PROTECT, value)
}

/// §5.2.8: tokens over what is signed, and over nothing else.
fn content_timestamps(properties: &Properties, digests: Digests<'_>) -> Result<Option<Attribute>> {
    for bytes in &properties.content_timestamps {
        let token = TimestampToken::from_ber(bytes)?;
        let imprint = &token.tst_info().message_imprint;
        if digests(imprint.algorithm)?.as_ref() != Some(&imprint.digest) {
            return Err(Error::invalid(
                "content time-stamp",
                "is not over the content, or the digest that would show it is not given",
            ));
        }
    }
    let values = properties.content_timestamps.clone();
    Ok((!values.is_empty()).then_some(Attribute {
        id: names::ID_AA_ETS_CONTENT_TIMESTAMP,
        values,
    }))
}
