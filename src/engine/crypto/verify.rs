//! Public keys and the verification of signatures.
//!
//! A key is taken from a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) once and verifies many times: ring for RSA of 2048 to
//! 8192 bits, P-256, P-384 and Ed25519 over messages; OpenSSL for the rest and for digests, its keys built from their
//! components, which is a hundred times cheaper than decoding a SubjectPublicKeyInfo there.

use super::algorithm::{DigestAlgorithm, KeyKind, SignatureAlgorithm};
use super::digest::digest;
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, der, names};
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::sign::Verifier;
use ring::signature as fast;
use std::fmt;
use std::sync::OnceLock;

/// What was signed: the message, or its digest where the message went by.
#[derive(Debug, Clone, Copy)]
pub enum SignatureInput<'a> {
    /// The message itself.
    Message(&'a [u8]),
    /// The digest of the message by the algorithm's own digest.
    Digest(&'a [u8]),
}

/// A public key, ready to verify.
#[derive(Clone)]
pub struct PublicKey {
    material: Material,
    /// RSASSA-PSS parameters that the key is restricted to (RFC 4055 §1.2).
    only: Option<SignatureAlgorithm>,
    openssl: OnceLock<Option<PKey<Public>>>,
}

#[derive(Clone, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { curve: Oid, point: Vec<u8> },
    Ed25519(Vec<u8>),
    Ed448(Vec<u8>),
    Dsa(Vec<u8>),
}

impl PublicKey {
    /// From a DER `SubjectPublicKeyInfo`.
    ///
    /// Fails where the algorithm or curve is not known, or where an RSA key is malformed.
    pub fn from_spki(spki: &[u8]) -> Result<PublicKey> {
        let mut fields = Reader::ber(spki).sequence("SubjectPublicKeyInfo")?;
        let algorithm = fields.expect(Tag::SEQUENCE, "algorithm")?;
        let mut identifier = algorithm.inner();
        let oid = identifier.oid("algorithm")?;
        let key = fields
            .expect(Tag::BIT_STRING, "subjectPublicKey")?
            .whole_bits()?;
        fields.finish("SubjectPublicKeyInfo")?;
        let mut only = None;
        let material = match oid {
            names::RSA_ENCRYPTION => rsa_key(key)?,
            names::RSASSA_PSS => {
                if !identifier.is_empty() {
                    only = Some(SignatureAlgorithm::from_identifier(&algorithm)?);
                }
                rsa_key(key)?
            }
            names::EC_PUBLIC_KEY => {
                let parameters = identifier.read("ECParameters")?;
                if parameters.tag() != Tag::OID {
                    return Err(Error::unsupported(
                        "ECParameters",
                        "only named curves are known",
                    ));
                }
                let curve = parameters.oid()?;
                curve_nid(&curve)?;
                Material::Ec {
                    curve,
                    point: key.to_vec(),
                }
            }
            names::ED25519 => Material::Ed25519(key.to_vec()),
            names::ED448 => Material::Ed448(key.to_vec()),
            // RFC 3279 §2.3.2: without parameters they are those of the issuer's key.
            names::DSA if identifier.peek() != Some(Tag::SEQUENCE) => {
                return Err(Error::unsupported(
                    "Dss-Parms",
                    "parameters that are inherited from the issuer are not known here",
                ));
            }
            names::DSA => Material::Dsa(spki.to_vec()),
            other => {
                return Err(Error::unsupported(
                    "public key algorithm",
                    format!("{other} is not known here"),
                ));
            }
        };
        Ok(PublicKey {
            material,
            only,
            openssl: OnceLock::new(),
        })
    }

    /// What kind of key it is.
    pub fn kind(&self) -> KeyKind {
        match &self.material {
            Material::Rsa { .. } => KeyKind::Rsa,
            Material::Ec { .. } => KeyKind::Ec,
            Material::Ed25519(_) => KeyKind::Ed25519,
            Material::Ed448(_) => KeyKind::Ed448,
            Material::Dsa(_) => KeyKind::Dsa,
        }
    }

    /// Its size as TS 119 312 counts it: bits of the RSA modulus, of the field of the curve, of p for DSA.
    pub fn bits(&self) -> u32 {
        match &self.material {
            Material::Rsa { modulus, .. } => {
                modulus.len() as u32 * 8 - modulus.first().map_or(0, |b| b.leading_zeros())
            }
            Material::Ec { curve, .. } => curve_bits(curve),
            Material::Ed25519(_) => 256,
            Material::Ed448(_) => 456,
            Material::Dsa(_) => self.openssl_key().map_or(0, |key| key.bits()),
        }
    }

    /// The named curve of an EC key.
    pub fn curve(&self) -> Option<Oid> {
        match &self.material {
            Material::Ec { curve, .. } => Some(*curve),
            _ => None,
        }
    }

    /// Whether `value` is a signature over `input` by this key and `algorithm`. A malformed value is simply not one.
    pub fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        input: SignatureInput<'_>,
        value: &[u8],
    ) -> bool {
        if algorithm.key_kind() != self.kind() || self.only.is_some_and(|only| only != algorithm) {
            return false;
        }
        if let SignatureAlgorithm::EcdsaPlain(digest) = algorithm {
            return self.plain_to_der(value).is_some_and(|value| {
                self.verify(SignatureAlgorithm::Ecdsa(digest), input, &value)
            });
        }
        if let Some(answer) = self.verify_with_ring(algorithm, input, value) {
            return answer;
        }
        self.verify_with_openssl(algorithm, input, value)
            .unwrap_or(false)
    }

    /// The answer of ring, or none where ring lacks the algorithm.
    fn verify_with_ring(
        &self,
        algorithm: SignatureAlgorithm,
        input: SignatureInput<'_>,
        value: &[u8],
    ) -> Option<bool> {
        use DigestAlgorithm::{Sha256, Sha384, Sha512};
        use SignatureAlgorithm as S;
        let SignatureInput::Message(message) = input else {
            return None;
        };
        match &self.material {
            Material::Rsa { modulus, exponent } => {
                if !(2048..=8192).contains(&self.bits()) {
                    return None;
                }
                let parameters: &fast::RsaParameters = match algorithm {
                    S::RsaPkcs1(Sha256) => &fast::RSA_PKCS1_2048_8192_SHA256,
                    S::RsaPkcs1(Sha384) => &fast::RSA_PKCS1_2048_8192_SHA384,
                    S::RsaPkcs1(Sha512) => &fast::RSA_PKCS1_2048_8192_SHA512,
                    S::RsaPss {
                        digest: Sha256,
                        mask: Sha256,
                        salt: 32,
                    } => &fast::RSA_PSS_2048_8192_SHA256,
                    S::RsaPss {
                        digest: Sha384,
                        mask: Sha384,
                        salt: 48,
                    } => &fast::RSA_PSS_2048_8192_SHA384,
                    S::RsaPss {
                        digest: Sha512,
                        mask: Sha512,
                        salt: 64,
                    } => &fast::RSA_PSS_2048_8192_SHA512,
                    _ => return None,
                };
                let key = fast::RsaPublicKeyComponents {
                    n: modulus,
                    e: exponent,
                };
                Some(key.verify(parameters, message, value).is_ok())
            }
            Material::Ec { curve, point } if point.first() == Some(&4) => {
                let parameters: &dyn fast::VerificationAlgorithm = match (*curve, algorithm) {
                    (names::SECP256R1, S::Ecdsa(Sha256)) => &fast::ECDSA_P256_SHA256_ASN1,
                    (names::SECP384R1, S::Ecdsa(Sha384)) => &fast::ECDSA_P384_SHA384_ASN1,
                    _ => return None,
                };
                Some(
                    fast::UnparsedPublicKey::new(parameters, point)
                        .verify(message, value)
                        .is_ok(),
                )
            }
            Material::Ed25519(key) => Some(
                fast::UnparsedPublicKey::new(&fast::ED25519, key)
                    .verify(message, value)
                    .is_ok(),
            ),
            _ => None,
        }
    }

    fn verify_with_openssl(
        &self,
        algorithm: SignatureAlgorithm,
        input: SignatureInput<'_>,
        value: &[u8],
    ) -> Option<bool> {
        let key = self.openssl_key()?;
        let Some(hash) = algorithm.digest() else {
            let SignatureInput::Message(message) = input else {
                return None;
            };
            return Verifier::new_without_digest(key)
                .ok()?
                .verify_oneshot(value, message)
                .ok();
        };
        let hashed = match input {
            SignatureInput::Message(message) => digest(hash, message),
            SignatureInput::Digest(digest) if digest.len() == hash.length() => digest.to_vec(),
            SignatureInput::Digest(_) => return None,
        };
        let mut context = PkeyCtx::new(key).ok()?;
        context.verify_init().ok()?;
        match algorithm {
            SignatureAlgorithm::RsaPkcs1(_) => context.set_rsa_padding(Padding::PKCS1).ok()?,
            SignatureAlgorithm::RsaPss { mask, salt, .. } => {
                context.set_rsa_padding(Padding::PKCS1_PSS).ok()?;
                context.set_rsa_mgf1_md(md(mask)?).ok()?;
                let salt = openssl::sign::RsaPssSaltlen::custom(i32::from(salt));
                context.set_rsa_pss_saltlen(salt).ok()?;
            }
            _ => {}
        }
        match md(hash) {
            Some(md) => context.set_signature_md(md).ok()?,
            // Nothing names the digest in an ECDSA value; in one of RSA it would have to be.
            None if self.kind() == KeyKind::Ec => {}
            None => return None,
        }
        context.verify(&hashed, value).ok()
    }

    fn openssl_key(&self) -> Option<&PKey<Public>> {
        self.openssl
            .get_or_init(|| openssl_key(&self.material).ok())
            .as_ref()
    }

    /// r ‖ s of the curve's length each, as DER (BSI TR-03111 §5.2).
    fn plain_to_der(&self, value: &[u8]) -> Option<Vec<u8>> {
        let length = (self.bits() as usize).div_ceil(8);
        if length == 0 || value.len() != 2 * length {
            return None;
        }
        let (r, s) = value.split_at(length);
        Some(der::sequence(&[&der::unsigned(r), &der::unsigned(s)]))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.material == other.material
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?}, {} bits)", self.kind(), self.bits())
    }
}

/// None for SHAKE, which OpenSSL takes for no signature's digest.
fn md(algorithm: DigestAlgorithm) -> Option<&'static openssl::md::MdRef> {
    use openssl::md::Md;
    Some(match algorithm {
        DigestAlgorithm::Md5 => Md::md5(),
        DigestAlgorithm::Sha1 => Md::sha1(),
        DigestAlgorithm::Sha224 => Md::sha224(),
        DigestAlgorithm::Sha256 => Md::sha256(),
        DigestAlgorithm::Sha384 => Md::sha384(),
        DigestAlgorithm::Sha512 => Md::sha512(),
        DigestAlgorithm::Sha3_224 => Md::sha3_224(),
        DigestAlgorithm::Sha3_256 => Md::sha3_256(),
        DigestAlgorithm::Sha3_384 => Md::sha3_384(),
        DigestAlgorithm::Sha3_512 => Md::sha3_512(),
        DigestAlgorithm::Shake128 | DigestAlgorithm::Shake256 => return None,
    })
}

/// `RSAPublicKey` (RFC 8017 §A.1.1).
fn rsa_key(key: &[u8]) -> Result<Material> {
    let mut fields = Reader::ber(key).whole_sequence("RSAPublicKey")?;
    let modulus = fields.expect(Tag::INTEGER, "modulus")?.unsigned()?.to_vec();
    let exponent = fields
        .expect(Tag::INTEGER, "publicExponent")?
        .unsigned()?
        .to_vec();
    if modulus.is_empty() || exponent.is_empty() {
        return Err(Error::malformed(
            "RSAPublicKey",
            "a modulus or exponent of zero",
        ));
    }
    // OpenSSL refuses beyond 16384 bits too: the cost of one verification would be the attacker's choice.
    if modulus.len() > 2048 || exponent.len() > 8 {
        return Err(Error::limit(
            "RSAPublicKey",
            "more than 16384 bits, or an exponent of more than 64",
        ));
    }
    Ok(Material::Rsa { modulus, exponent })
}

fn curve_nid(curve: &Oid) -> Result<Nid> {
    Ok(match *curve {
        names::SECP256R1 => Nid::X9_62_PRIME256V1,
        names::SECP384R1 => Nid::SECP384R1,
        names::SECP521R1 => Nid::SECP521R1,
        names::SECP256K1 => Nid::SECP256K1,
        names::BRAINPOOL_P256R1 => Nid::BRAINPOOL_P256R1,
        names::BRAINPOOL_P384R1 => Nid::BRAINPOOL_P384R1,
        names::BRAINPOOL_P512R1 => Nid::BRAINPOOL_P512R1,
        other => {
            return Err(Error::unsupported(
                "curve",
                format!("{other} is not known here"),
            ));
        }
    })
}

/// Bits of the field of a curve of [`curve_nid`].
fn curve_bits(curve: &Oid) -> u32 {
    match *curve {
        names::SECP384R1 | names::BRAINPOOL_P384R1 => 384,
        names::BRAINPOOL_P512R1 => 512,
        names::SECP521R1 => 521,
        _ => 256,
    }
}

fn openssl_key(material: &Material) -> Result<PKey<Public>, openssl::error::ErrorStack> {
    match material {
        Material::Rsa { modulus, exponent } => PKey::from_rsa(Rsa::from_public_components(
            BigNum::from_slice(modulus)?,
            BigNum::from_slice(exponent)?,
        )?),
        Material::Ec { curve, point } => {
            let group = EcGroup::from_curve_name(curve_nid(curve).unwrap_or(Nid::UNDEF))?;
            let point = EcPoint::from_bytes(&group, point, &mut *BigNumContext::new()?)?;
            PKey::from_ec_key(EcKey::from_public_key(&group, &point)?)
        }
        Material::Ed25519(key) => PKey::public_key_from_raw_bytes(key, Id::ED25519),
        Material::Ed448(key) => PKey::public_key_from_raw_bytes(key, Id::ED448),
        Material::Dsa(spki) => PKey::public_key_from_der(spki),
    }
}

#[cfg(test)]
mod tests {
    use super::super::digest::openssl_algorithm;
    use super::*;
    use openssl::hash::MessageDigest;
    use openssl::sign::Signer;

    fn sign(key: &PKey<openssl::pkey::Private>, digest: MessageDigest, message: &[u8]) -> Vec<u8> {
        let mut signer = Signer::new(digest, key).unwrap();
        signer.update(message).unwrap();
        signer.sign_to_vec().unwrap()
    }

    #[test]
    fn message_and_digest_verify_and_nothing_else_does() {
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let ec = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
        for (private, algorithm) in [
            (&rsa, SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)),
            (&ec, SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)),
        ] {
            let key = PublicKey::from_spki(&private.public_key_to_der().unwrap()).unwrap();
            let value = sign(
                private,
                openssl_algorithm(DigestAlgorithm::Sha256),
                b"acuse",
            );
            let hashed = digest(DigestAlgorithm::Sha256, b"acuse");
            assert!(key.verify(algorithm, SignatureInput::Message(b"acuse"), &value));
            assert!(key.verify(algorithm, SignatureInput::Digest(&hashed), &value));
            assert!(!key.verify(algorithm, SignatureInput::Message(b"acusE"), &value));
            assert!(!key.verify(algorithm, SignatureInput::Digest(&hashed[1..]), &value));
            assert!(!key.verify(
                SignatureAlgorithm::Ed25519,
                SignatureInput::Message(b"acuse"),
                &value
            ));
            let mut flipped = value.clone();
            flipped[10] ^= 1;
            assert!(!key.verify(algorithm, SignatureInput::Message(b"acuse"), &flipped));
            assert!(!key.verify(algorithm, SignatureInput::Message(b"acuse"), &[]));
        }
    }

    #[test]
    fn curves_have_the_bits_of_their_fields() {
        for curve in [
            names::SECP256R1,
            names::SECP384R1,
            names::SECP521R1,
            names::SECP256K1,
            names::BRAINPOOL_P256R1,
            names::BRAINPOOL_P384R1,
            names::BRAINPOOL_P512R1,
        ] {
            let group = EcGroup::from_curve_name(curve_nid(&curve).unwrap()).unwrap();
            assert_eq!(curve_bits(&curve), group.degree(), "{curve}");
        }
    }

    #[test]
    fn an_absurd_rsa_key_is_refused() {
        let key = der::sequence(&[&der::unsigned(&[0xff; 4096]), &der::integer(65537)]);
        let identifier = der::algorithm_identifier(&names::RSA_ENCRYPTION, Some(&der::null()));
        let spki = der::sequence(&[&identifier, &der::bit_string(&key)]);
        assert_eq!(
            PublicKey::from_spki(&spki).unwrap_err().element(),
            "RSAPublicKey"
        );
    }
}
