//! Stamps what a caller sends, and checks a token that he has: a page each.
//!
//! In: content, or a digest of it, and the authorities. Out: a token that was checked before it is handed out, with what it
//! says. Whether the certificate of a token was revoked is judged by validation, not here.

use crate::engine::authority::timestamp::DIGESTS;
use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::pki::timestamp::{MessageImprint, token_in};
use crate::engine::pki::trust::Anchors;
use crate::engine::pki::{Certificate, TimestampToken};
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result};
use crate::service::sources::{Stamped, TimestampAuthorities, check_token, path_of};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// What is to be stamped.
#[derive(Debug)]
pub enum ToBeStamped<'a> {
    /// Content, and the digest to take of it; without one, what the first authority prefers.
    Content(&'a [u8], Option<DigestAlgorithm>),
    /// A digest that the caller took.
    Digest(MessageImprint),
}

impl ToBeStamped<'_> {
    fn imprint(&self, authorities: &TimestampAuthorities) -> Result<MessageImprint> {
        match self {
            ToBeStamped::Digest(imprint) => Ok(imprint.clone()),
            ToBeStamped::Content(content, algorithm) => {
                let algorithm = algorithm.unwrap_or_else(|| authorities.preferred_digest());
                Ok(MessageImprint {
                    algorithm,
                    digest: digest(algorithm, content),
                })
            }
        }
    }
}

/// The digest algorithm of this name; one that is too weak to be stamped is refused.
pub fn stamped_digest(name: &str) -> Result<DigestAlgorithm> {
    let remedy = "Take sha-256, sha-384, sha-512, sha3-256, sha3-384 or sha3-512.";
    let algorithm = DigestAlgorithm::from_name(name)
        .ok_or_else(|| Error::invalid("algorithm", "not the name of a digest").remedy(remedy))?;
    if !DIGESTS.contains(&algorithm) {
        let problem = format!("{algorithm} is too weak to be stamped");
        return Err(Error::refused("algorithm", problem).remedy(remedy));
    }
    Ok(algorithm)
}

/// A digest in hexadecimal digits or base64, of this algorithm.
pub fn imprint_of(text: &str, algorithm: DigestAlgorithm) -> Result<MessageImprint> {
    let text = text.trim();
    let right = |bytes: &Vec<u8>| bytes.len() == algorithm.length();
    let bytes = from_hex_of_any_length(text)
        .filter(right)
        .or_else(|| STANDARD.decode(text).ok().filter(right));
    let digest = bytes.ok_or_else(|| {
        Error::invalid(
            "digest",
            format!("not a {algorithm} in hexadecimal or base64"),
        )
        .remedy("Send the digest of the whole document, and name its algorithm.")
    })?;
    Ok(MessageImprint { algorithm, digest })
}

fn from_hex_of_any_length(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenFacts {
    /// The authority of the configuration that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// The time, RFC 3339.
    pub time: String,
    /// How exact it is, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_microseconds: Option<u64>,
    /// The policy that it was given under.
    pub policy: String,
    /// The number of the token, in hexadecimal digits.
    pub serial: String,
    /// The algorithm of `digest`.
    pub algorithm: String,
    /// What was stamped, in hexadecimal digits.
    pub digest: String,
    /// The common name of the authority's certificate.
    pub signer: String,
}

impl TokenFacts {
    fn of(token: &TimestampToken, signer: &Certificate, authority: Option<&str>) -> TokenFacts {
        let info = token.tst_info();
        let accuracy = info.accuracy.map(|a| a.as_micros());
        TokenFacts {
            authority: authority.map(Into::into),
            time: info.gen_time.to_string(),
            accuracy_microseconds: accuracy.map(|a| u64::try_from(a).unwrap_or(u64::MAX)),
            policy: info.policy.to_string(),
            serial: hex(&info.serial),
            algorithm: info.message_imprint.algorithm.name().to_string(),
            digest: hex(&info.message_imprint.digest),
            signer: signer.subject().common_name(),
        }
    }
}

/// A token over `what` from the first authority that gives one.
pub fn timestamp(
    what: &ToBeStamped<'_>,
    authorities: &TimestampAuthorities,
) -> Result<(Stamped, TokenFacts)> {
    let imprint = what.imprint(authorities)?;
    let stamped = authorities.stamp(&imprint)?;
    let signer = check_token(&stamped.token)?;
    let facts = TokenFacts::of(&stamped.token, &signer, Some(&stamped.authority));
    Ok((stamped, facts))
}

/// What a check of a token came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedToken {
    /// What it says.
    #[serde(flatten)]
    pub facts: TokenFacts,
    /// Whether it is over the content or the digest that was given.
    pub matches: bool,
    /// Whether its certificate led to an anchor at its time; `None` where no anchors are known.
    pub trusted: Option<bool>,
}

/// Checks a token, or the response that brings one: that it is over `what`, that its authority signed it, and that it led to an
/// anchor at its time. An error where it is no token, or one that is not sound in itself.
pub fn check_timestamp(
    bytes: &[u8],
    what: &ToBeStamped<'_>,
    anchors: &Anchors,
) -> Result<CheckedToken> {
    let token = token_in(bytes)?;
    let signer = check_token(&token)?;
    let imprint = &token.tst_info().message_imprint;
    let matches = match what {
        ToBeStamped::Digest(given) => given == imprint,
        ToBeStamped::Content(content, _) => digest(imprint.algorithm, content) == imprint.digest,
    };
    let path = path_of(&signer, &token, anchors);
    Ok(CheckedToken {
        facts: TokenFacts::of(&token, &signer, None),
        matches,
        trusted: (!anchors.is_empty()).then_some(path.is_some()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_taken_in_hexadecimal_and_in_base64_and_in_nothing_else() {
        let algorithm = stamped_digest("sha256").unwrap();
        let digest = digest(algorithm, b"x");
        for text in [
            hex(&digest),
            hex(&digest).to_uppercase(),
            STANDARD.encode(&digest),
        ] {
            assert_eq!(imprint_of(&text, algorithm).unwrap().digest, digest);
        }
        for wrong in ["", "00", "zz", &hex(&digest)[1..], &hex(&[1; 48])] {
            assert!(imprint_of(wrong, algorithm).is_err(), "{wrong}");
        }
        for weak in ["md5", "SHA-1", "sha-224", "sha", ""] {
            assert!(stamped_digest(weak).is_err(), "{weak}");
        }
        assert_eq!(
            stamped_digest("SHA3-512").unwrap(),
            DigestAlgorithm::Sha3_512
        );
    }
}
