//! Signing with a key of ours: prepare → sign → embed → time-stamp → verify our own output, then let the bytes leave.
//!
//! EN 319 102-1 §4.3. The key may be a file, a token or a service: only [`Signer`] is seen. A signature made elsewhere
//! (the citizen's) uses the same `prepare` and `embed` with the pause in between.
//!
//! [`Signer`]: crate::engine::crypto::Signer

use super::made::Made;
use crate::engine::crypto::{DigestAlgorithm, SignatureValue, digest};
use crate::engine::evidence::{Evidence, Level};
use crate::engine::formats::{Format, Material, Options, Properties, SignRequest};
use crate::engine::pki::TimestampToken;
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::{Error, Result, Time};
use crate::service::config::WhenTsaFails;
use crate::service::keys::Seal;
use crate::service::sources::TimestampAuthorities;

/// Room left in a PDF for a time-stamp token. Tokens with certificates take 3 to 7 KiB; one that does not fit is an
/// error of [`seal`], not a broken document.
pub(super) const TIMESTAMP_ROOM: usize = 12 * 1024;

/// Whoever stamps time: the authorities of a seal, in their order.
pub trait Timestamping: Send + Sync {
    /// A token over `imprint`, checked against the request and under a certificate that may stamp.
    fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken>;
}

impl Timestamping for TimestampAuthorities {
    fn timestamp(&self, imprint: &MessageImprint) -> Result<TimestampToken> {
        TimestampAuthorities::timestamp(self, imprint)
    }
}

/// What is to be sealed, and how.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The seal.
    pub seal: &'a Seal,
    /// The format of the signature.
    pub format: &'a dyn Format,
    /// What only that format knows.
    pub options: &'a Options,
    /// Who stamps; without, the level is B-B.
    pub timestamping: Option<&'a dyn Timestamping>,
    /// What happens when nobody stamps.
    pub when_tsa_fails: WhenTsaFails,
}

impl std::fmt::Debug for Order<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Order")
            .field("seal", &self.seal)
            .field("format", &self.format.name())
            .finish_non_exhaustive()
    }
}

/// A sealed document.
#[derive(Debug)]
pub struct Sealed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What was found in it before it left.
    pub evidence: Evidence,
    /// The level reached.
    pub level: Level,
    /// When it was sealed, by our clock.
    pub sealed: Time,
    /// When it was stamped, by the authority's.
    pub stamped: Option<Time>,
    /// Why it was not stamped though it should have been: the level owed is B-T.
    pub owed: Option<Error>,
}

/// Seals `document` at `now`.
pub fn seal(document: &[u8], order: &Order<'_>, now: Time) -> Result<Sealed> {
    order.seal.check_usable(now)?;
    let request = request(order);
    let prepared = order.format.prepare(document.into(), &request, now)?;
    let own = Made {
        format: order.format,
        request: &request,
        document: document.into(),
        content: None,
        value: order.seal.signer.sign(&prepared.to_be_signed)?,
    };
    let (signed, evidence) = own.embed(prepared.resume)?;
    let finish = |bytes, evidence: Evidence, stamped, owed| {
        let level = evidence.signatures[own.position(&evidence)?].level;
        Ok(Sealed {
            bytes,
            evidence,
            level,
            sealed: now,
            stamped,
            owed,
        })
    };
    match timestamp(order, &own.value) {
        None => finish(signed, evidence, None, None),
        Some(Ok(token)) => {
            let stamped = stamp(&own, &signed, &evidence, &token)?;
            let evidence = own.check(&stamped)?;
            let gen_time = token.tst_info().gen_time;
            finish(stamped, evidence, Some(gen_time), None)
        }
        Some(Err(error)) if order.when_tsa_fails == WhenTsaFails::Degrade => {
            finish(signed, evidence, None, Some(error))
        }
        Some(Err(error)) => Err(error),
    }
}

fn request(order: &Order<'_>) -> SignRequest {
    let algorithm = order.seal.signer.algorithm();
    SignRequest {
        certificate: order.seal.certificate.clone(),
        chain: order.seal.chain.clone(),
        algorithm,
        digest: algorithm.digest().unwrap_or(DigestAlgorithm::Sha512),
        timestamp_reserve: if order.timestamping.is_some() {
            TIMESTAMP_ROOM
        } else {
            0
        },
        properties: Properties::default(),
        options: order.options.clone(),
    }
}

fn timestamp(order: &Order<'_>, value: &SignatureValue) -> Option<Result<TimestampToken>> {
    let authority = order.timestamping?;
    let algorithm = DigestAlgorithm::Sha256;
    Some(authority.timestamp(&MessageImprint {
        algorithm,
        digest: digest(algorithm, &value.0),
    }))
}

fn stamp(
    own: &Made<'_>,
    signed: &[u8],
    evidence: &Evidence,
    token: &TimestampToken,
) -> Result<Vec<u8>> {
    let material = Material::SignatureTimestamp {
        signature: own.position(evidence)?,
        token: token.bytes().to_vec(),
    };
    own.format.augment(signed, &material)?.apply(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::{SignatureAlgorithm, Signer};
    use crate::engine::evidence::Tier;
    use crate::engine::formats::{CadesOptions, cades::Cades};
    use crate::engine::pki::Certificate;
    use crate::service::config::SealSettings;
    use openssl::pkey::{PKey, Private};
    use std::sync::Arc;

    struct Key(PKey<Private>);

    impl Signer for Key {
        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)
        }

        fn sign(&self, message: &[u8]) -> Result<SignatureValue> {
            let mut signer =
                openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &self.0)
                    .unwrap();
            Ok(SignatureValue(signer.sign_oneshot_to_vec(message).unwrap()))
        }
    }

    fn key() -> PKey<Private> {
        PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap()
    }

    fn certificate(key: &PKey<Private>) -> Certificate {
        let mut builder = openssl::x509::X509Builder::new().unwrap();
        let mut name = openssl::x509::X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "Sello").unwrap();
        let name = name.build();
        builder.set_version(2).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(key).unwrap();
        builder
            .set_not_before(&openssl::asn1::Asn1Time::from_unix(1_700_000_000).unwrap())
            .unwrap();
        builder
            .set_not_after(&openssl::asn1::Asn1Time::from_unix(1_900_000_000).unwrap())
            .unwrap();
        builder
            .sign(key, openssl::hash::MessageDigest::sha256())
            .unwrap();
        Certificate::from_der(&builder.build().to_der().unwrap()).unwrap()
    }

    fn seal_with(signing: PKey<Private>, certified: &PKey<Private>) -> Seal {
        let settings: SealSettings = toml::from_str("name = \"s\"\nkey = \"k.p12\"").unwrap();
        let certificate = certificate(certified);
        Seal {
            settings: Arc::new(settings),
            signer: Arc::new(Key(signing)),
            certificate,
            chain: Vec::new(),
            revoked: Arc::default(),
        }
    }

    struct Absent;

    impl Timestamping for Absent {
        fn timestamp(&self, _: &MessageImprint) -> Result<TimestampToken> {
            Err(Error::unavailable(
                "time-stamping authority",
                "does not answer",
            ))
        }
    }

    const DETACHED: Options = Options::Cades(CadesOptions::Detached);

    fn order<'a>(
        seal: &'a Seal,
        timestamping: Option<&'a dyn Timestamping>,
        when: WhenTsaFails,
    ) -> Order<'a> {
        Order {
            seal,
            format: &Cades,
            options: &DETACHED,
            timestamping,
            when_tsa_fails: when,
        }
    }

    fn noon() -> Time {
        Time::from_unix(1_800_000_000).unwrap()
    }

    #[test]
    fn a_seal_is_read_back_before_it_leaves() {
        let key = key();
        let seal_of = seal_with(key.clone(), &key);
        let sealed = seal(
            b"manifest",
            &order(&seal_of, None, WhenTsaFails::Fail),
            noon(),
        )
        .unwrap();
        assert_eq!(sealed.level.tier, Tier::B);
        assert!(sealed.owed.is_none());
    }

    #[test]
    fn a_key_that_is_not_the_certificates_lets_nothing_leave() {
        let wrong = seal_with(key(), &key());
        let error = seal(
            b"manifest",
            &order(&wrong, None, WhenTsaFails::Fail),
            noon(),
        )
        .unwrap_err();
        assert_eq!(error.element(), "signed document");
    }

    #[test]
    fn without_an_authority_the_level_degrades_visibly_or_nothing_is_sealed() {
        let key = key();
        let seal_of = seal_with(key.clone(), &key);
        let degraded = seal(
            b"m",
            &order(&seal_of, Some(&Absent), WhenTsaFails::Degrade),
            noon(),
        )
        .unwrap();
        assert_eq!(degraded.level.tier, Tier::B);
        assert!(degraded.owed.is_some());
        assert!(
            seal(
                b"m",
                &order(&seal_of, Some(&Absent), WhenTsaFails::Fail),
                noon()
            )
            .is_err()
        );
    }

    #[test]
    fn an_expired_seal_signs_nothing() {
        let key = key();
        let seal_of = seal_with(key.clone(), &key);
        let late = Time::from_unix(1_900_000_001).unwrap();
        let error = seal(b"m", &order(&seal_of, None, WhenTsaFails::Fail), late).unwrap_err();
        assert_eq!(error.kind(), crate::engine::ErrorKind::Refused);
    }
}
