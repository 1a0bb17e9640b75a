//! A seal: its key, its certificate and chain, and how it is to be used.
//!
//! Whether the certificate was revoked is for `flow`, which has sources; here is what the certificate itself says.

use super::file::KeyFile;
use crate::engine::crypto::{
    DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer, openssl_algorithm,
};
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::{Error, Result, Time};
use crate::service::config::SealSettings;
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A seal that can be used. Cheap to clone.
#[derive(Clone)]
pub struct Seal {
    /// Its settings: name, reason, time-stamping authorities and the like.
    pub settings: Arc<SealSettings>,
    /// Whoever holds the key.
    pub signer: Arc<dyn Signer>,
    /// Its certificate.
    pub certificate: Certificate,
    /// Who certifies it: its issuer first, then upwards.
    pub chain: Vec<Certificate>,
    /// When its certificate was revoked, once that is known.
    pub revoked: Arc<OnceLock<Time>>,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal")
            .field("name", &self.settings.name)
            .field("algorithm", &self.signer.algorithm())
            .finish_non_exhaustive()
    }
}

impl Seal {
    /// Reads the key and the certificates that the settings name.
    pub fn load(settings: &SealSettings) -> Result<Self> {
        Seal::new(settings, KeyFile::read(settings)?)
    }

    /// The seal of a key file that is read already.
    pub fn new(settings: &SealSettings, file: KeyFile) -> Result<Self> {
        let KeyFile { key, certificates } = file;
        let name = || format!("seal {:?}", settings.name);
        let mut chain = Vec::with_capacity(certificates.len());
        for certificate in &certificates {
            let der = certificate
                .to_der()
                .map_err(|errors| openssl_error(name(), &errors))?;
            chain.push(Certificate::from_der(&der)?);
        }
        if chain.is_empty() {
            return Err(Error::internal(name(), "a key file without a certificate"));
        }
        let certificate = chain.remove(0);
        let signer = FileSigner::with_digest(key, settings.rsa_pss, settings.digest, &name())?;
        Ok(Seal {
            settings: Arc::new(settings.clone()),
            signer: Arc::new(signer),
            certificate,
            chain,
            revoked: Arc::default(),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Notes that the certificate was revoked at this time; what was noted first stays.
    pub fn note_revoked(&self, at: Time) {
        let _ = self.revoked.set(at);
    }

    /// Refuses to seal at `now` with a certificate that is not yet valid, no longer valid, known to be revoked, or not made
    /// for signatures.
    pub fn check_usable(&self, now: Time) -> Result<()> {
        let element = || format!("seal {:?}", self.name());
        let validity = self.certificate.validity();
        if now < validity.not_before {
            let problem = format!(
                "its certificate is not valid before {}",
                validity.not_before
            );
            return Err(Error::refused(element(), problem)
                .remedy("Wait until then, use another seal, or set the clock right."));
        }
        if now > validity.not_after {
            let problem = format!("its certificate expired on {}", validity.not_after);
            return Err(Error::refused(element(), problem)
                .remedy("Renew the certificate of the seal and put it in the configuration."));
        }
        if let Some(at) = self.revoked.get() {
            let problem = format!("its certificate was revoked on {at}");
            return Err(Error::refused(element(), problem).remedy(
                "Put another certificate in the configuration; nothing is sealed with this one.",
            ));
        }
        if self
            .certificate
            .key_usage()
            .is_some_and(|usage| !signs(usage))
        {
            return Err(Error::refused(
                element(),
                "the key usage of its certificate is not for signatures",
            )
            .remedy("Use the certificate of an electronic seal."));
        }
        Ok(())
    }
}

/// RFC 5280 §4.2.1.3: signatures on documents are digitalSignature or nonRepudiation (contentCommitment).
fn signs(usage: KeyUsage) -> bool {
    usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
}

/// A private key in memory.
pub struct FileSigner {
    key: PKey<Private>,
    algorithm: SignatureAlgorithm,
}

impl FileSigner {
    /// Of a private key; `name` names it in errors.
    pub fn new(key: PKey<Private>, rsa_pss: bool, name: &str) -> Result<Self> {
        FileSigner::with_digest(key, rsa_pss, None, name)
    }

    /// The same with `digest` instead of the one that goes with the key.
    pub fn with_digest(
        key: PKey<Private>,
        rsa_pss: bool,
        digest: Option<DigestAlgorithm>,
        name: &str,
    ) -> Result<Self> {
        let algorithm = algorithm(&key, rsa_pss, digest).ok_or_else(|| {
            Error::unsupported(
                name.to_string(),
                "a key, or a digest beside it, of a kind that seals are not made with",
            )
            .remedy("Use RSA, ECDSA, Ed25519 or Ed448, and SHA-256, SHA-384, SHA-512 or their SHA-3 kin.")
        })?;
        Ok(FileSigner { key, algorithm })
    }

    fn signature(&self, message: &[u8]) -> std::result::Result<Vec<u8>, ErrorStack> {
        let Some(digest) = self.algorithm.digest() else {
            return openssl::sign::Signer::new_without_digest(&self.key)?
                .sign_oneshot_to_vec(message);
        };
        let digest = openssl_algorithm(digest);
        let mut signer = openssl::sign::Signer::new(digest, &self.key)?;
        if let SignatureAlgorithm::RsaPss { .. } = self.algorithm {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            signer.set_rsa_mgf1_md(digest)?;
        }
        signer.sign_oneshot_to_vec(message)
    }
}

/// Digests that seals are made with.
const DIGESTS: [DigestAlgorithm; 6] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
    DigestAlgorithm::Sha3_256,
    DigestAlgorithm::Sha3_384,
    DigestAlgorithm::Sha3_512,
];

/// The algorithm of a key: unless told otherwise the digest is as strong as the key (RFC 5753 §8, unchecked).
fn algorithm(
    key: &PKey<Private>,
    rsa_pss: bool,
    asked: Option<DigestAlgorithm>,
) -> Option<SignatureAlgorithm> {
    if asked.is_some_and(|digest| !DIGESTS.contains(&digest)) {
        return None;
    }
    let fitting = match (key.id(), key.bits()) {
        (Id::EC, 0..=256) => DigestAlgorithm::Sha256,
        (Id::EC, 257..=384) => DigestAlgorithm::Sha384,
        (Id::EC, _) => DigestAlgorithm::Sha512,
        _ => DigestAlgorithm::Sha256,
    };
    let digest = asked.unwrap_or(fitting);
    let pss = SignatureAlgorithm::RsaPss {
        digest,
        mask: digest,
        salt: digest.length() as u16,
    };
    match key.id() {
        Id::RSA if rsa_pss => Some(pss),
        Id::RSA_PSS => Some(pss),
        Id::RSA => Some(SignatureAlgorithm::RsaPkcs1(digest)),
        Id::EC => Some(SignatureAlgorithm::Ecdsa(digest)),
        Id::ED25519 => Some(SignatureAlgorithm::Ed25519),
        Id::ED448 => Some(SignatureAlgorithm::Ed448),
        _ => None,
    }
}

impl fmt::Debug for FileSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileSigner({})", self.algorithm)
    }
}

impl Signer for FileSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, to_be_signed: &[u8]) -> Result<SignatureValue> {
        self.signature(to_be_signed)
            .map(SignatureValue)
            .map_err(|errors| openssl_error("seal".to_string(), &errors))
    }
}

fn openssl_error(element: String, errors: &ErrorStack) -> Error {
    let reason = errors.errors().first().and_then(|e| e.reason());
    Error::internal(
        element,
        format!("OpenSSL fails: {}", reason.unwrap_or("no reason given")),
    )
}

#[cfg(test)]
mod tests {
    use super::super::file::tests::{certificate, p256, rsa};
    use super::super::secret::Passphrase;
    use super::*;
    use crate::engine::crypto::{PublicKey, SignatureInput};
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;

    fn settings(rsa_pss: bool) -> SealSettings {
        toml::from_str(&format!("name = 'inss'\nkey = 'k'\nrsa_pss = {rsa_pss}")).unwrap()
    }

    fn seal(key: &PKey<Private>, rsa_pss: bool) -> Seal {
        let mut pem = key.private_key_to_pem_pkcs8().unwrap();
        pem.extend(certificate("seal", key, None).to_pem().unwrap());
        let file = KeyFile::from_pem(&pem, &Passphrase::default(), "seal.pem").unwrap();
        Seal::new(&settings(rsa_pss), file).unwrap()
    }

    fn curve(nid: Nid) -> PKey<Private> {
        let group = EcGroup::from_curve_name(nid).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_of_key_signs_what_its_certificate_verifies() {
        let rsa = rsa(2048);
        let ed25519 = PKey::generate_ed25519().unwrap();
        for (key, pss, algorithm) in [
            (&rsa, false, "RSA with SHA-256"),
            (&rsa, true, "RSA-PSS with SHA-256"),
            (&p256(), false, "ECDSA with SHA-256"),
            (&curve(Nid::SECP384R1), false, "ECDSA with SHA-384"),
            (&curve(Nid::SECP521R1), false, "ECDSA with SHA-512"),
            (&ed25519, false, "Ed25519"),
            (&PKey::generate_ed448().unwrap(), false, "Ed448"),
            (&curve(Nid::BRAINPOOL_P256R1), false, "ECDSA with SHA-256"),
            (&curve(Nid::BRAINPOOL_P384R1), false, "ECDSA with SHA-384"),
            (&curve(Nid::BRAINPOOL_P512R1), false, "ECDSA with SHA-512"),
        ] {
            let seal = seal(key, pss);
            assert_eq!(seal.signer.algorithm().to_string(), algorithm);
            let value = seal.signer.sign(b"to be signed").unwrap().0;
            let public = seal.certificate.public_key().unwrap();
            let verify = |message: &[u8]| {
                let input = SignatureInput::Message(message);
                public.verify(seal.signer.algorithm(), input, &value)
            };
            assert!(verify(b"to be signed"), "{algorithm}");
            assert!(!verify(b"to be Signed"), "{algorithm}");
        }
    }

    #[test]
    fn a_digest_asked_for_is_used_or_refused() {
        let p256 = p256();
        for (key, pss) in [(&rsa(2048), false), (&rsa(2048), true), (&p256, false)] {
            for digest in DIGESTS {
                let signer =
                    FileSigner::with_digest(key.clone(), pss, Some(digest), "seal").unwrap();
                assert_eq!(signer.algorithm().digest(), Some(digest));
                let value = signer.sign(b"to be signed").unwrap().0;
                let public = PublicKey::from_spki(&key.public_key_to_der().unwrap()).unwrap();
                let message = SignatureInput::Message(b"to be signed");
                assert!(
                    public.verify(signer.algorithm(), message, &value),
                    "{digest}"
                );
            }
        }
        let weak = FileSigner::with_digest(p256, false, Some(DigestAlgorithm::Sha1), "seal");
        assert_eq!(weak.unwrap_err().element(), "seal");
    }

    #[test]
    fn one_key_signs_on_many_threads() {
        let seal = seal(&rsa(2048), false);
        let one = seal.signer.sign(b"same").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        assert_eq!(seal.signer.sign(b"same").unwrap(), one);
                    }
                });
            }
        });
    }

    #[test]
    fn a_certificate_out_of_its_time_is_refused_with_the_instant() {
        let seal = seal(&p256(), false);
        let at = |text: &str| seal.check_usable(text.parse().unwrap());
        assert!(at("2026-01-01T00:00:00Z").is_ok());
        assert!(at("2028-01-01T00:00:00Z").is_ok());
        let early = at("2025-12-31T23:59:59Z").unwrap_err();
        assert!(
            early
                .problem()
                .contains("not valid before 2026-01-01T00:00:00Z"),
            "{early}"
        );
        let late = at("2028-01-01T00:00:01Z").unwrap_err();
        assert!(
            late.problem().contains("expired on 2028-01-01T00:00:00Z"),
            "{late}"
        );
    }

    #[test]
    fn keys_are_not_printed() {
        let printed = format!("{:?}", seal(&p256(), false));
        assert_eq!(
            printed,
            "Seal { name: \"inss\", algorithm: Ecdsa(Sha256), .. }"
        );
    }
}
