//! The one table of algorithms: name, OID, XML URI, key kind.
//!
//! An algorithm joins by a row here. Its sunset date is policy data (TS 119 312), not a property of the algorithm.

use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! digests {
    ($($variant:ident $name:literal $oid:ident $length:literal $uri:literal;)*) => {
        /// A digest algorithm.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum DigestAlgorithm {
            $(#[serde(rename = $name)] $variant,)*
        }

        impl DigestAlgorithm {
            /// Every row of the table.
            pub const ALL: &[DigestAlgorithm] = &[$(DigestAlgorithm::$variant,)*];

            /// As people write it: `SHA-256`.
            pub const fn name(self) -> &'static str {
                match self { $(DigestAlgorithm::$variant => $name,)* }
            }

            /// Its object identifier.
            pub const fn oid(self) -> Oid {
                match self { $(DigestAlgorithm::$variant => names::$oid,)* }
            }

            /// The length of its values in bytes.
            pub const fn length(self) -> usize {
                match self { $(DigestAlgorithm::$variant => $length,)* }
            }

            /// Its identifier in XML signatures (RFC 9231, XML Encryption 1.1).
            pub const fn xml_uri(self) -> &'static str {
                match self { $(DigestAlgorithm::$variant => $uri,)* }
            }
        }
    };
}

digests! {
    Md5 "MD5" MD5 16 "http://www.w3.org/2001/04/xmldsig-more#md5";
    Sha1 "SHA-1" SHA1 20 "http://www.w3.org/2000/09/xmldsig#sha1";
    Sha224 "SHA-224" SHA224 28 "http://www.w3.org/2001/04/xmldsig-more#sha224";
    Sha256 "SHA-256" SHA256 32 "http://www.w3.org/2001/04/xmlenc#sha256";
    Sha384 "SHA-384" SHA384 48 "http://www.w3.org/2001/04/xmldsig-more#sha384";
    Sha512 "SHA-512" SHA512 64 "http://www.w3.org/2001/04/xmlenc#sha512";
    Sha3_224 "SHA3-224" SHA3_224 28 "http://www.w3.org/2007/05/xmldsig-more#sha3-224";
    Sha3_256 "SHA3-256" SHA3_256 32 "http://www.w3.org/2007/05/xmldsig-more#sha3-256";
    Sha3_384 "SHA3-384" SHA3_384 48 "http://www.w3.org/2007/05/xmldsig-more#sha3-384";
    Sha3_512 "SHA3-512" SHA3_512 64 "http://www.w3.org/2007/05/xmldsig-more#sha3-512";
    Shake128 "SHAKE128-256" SHAKE128 32 "urn:oid:2.16.840.1.101.3.4.2.11";
    Shake256 "SHAKE256-512" SHAKE256 64 "urn:oid:2.16.840.1.101.3.4.2.12";
}

impl DigestAlgorithm {
    /// By object identifier.
    pub fn from_oid(oid: &Oid) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.oid() == *oid)
    }

    /// By name, however it is written: `SHA-256`, `sha256`, `sha3-256`.
    pub fn from_name(name: &str) -> Option<Self> {
        let plain = |name: &str| name.to_ascii_lowercase().replace('-', "");
        let asked = plain(name);
        Self::ALL.iter().copied().find(|d| plain(d.name()) == asked)
    }

    /// By XML identifier.
    pub fn from_xml_uri(uri: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|d| d.xml_uri() == uri)
    }

    /// From an `AlgorithmIdentifier`; parameters are absent or NULL, or the length of what SHAKE256 puts out (RFC 8419
    /// §2.3, unchecked), of which 512 bits are known here.
    pub fn from_identifier(identifier: &Tlv<'_>) -> Result<Self> {
        let mut fields = identifier.inner_of("digest AlgorithmIdentifier")?;
        let oid = fields.oid("digest algorithm")?;
        if oid == names::SHAKE256_LEN && fields.read("ShakeOutputLen")?.u64()? == 512 {
            return Ok(D::Shake256);
        }
        Self::from_oid(&oid).ok_or_else(|| {
            Error::unsupported("digest algorithm", format!("{oid} is not known here"))
        })
    }

    /// As an `AlgorithmIdentifier` without parameters (RFC 5754 §2, RFC 8702 §3.1, RFC 9688 §2, unchecked).
    pub fn identifier(self) -> Vec<u8> {
        der::algorithm_identifier(&self.oid(), None)
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What kind of key a signature algorithm needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum KeyKind {
    Rsa,
    Ec,
    Ed25519,
    Ed448,
    Dsa,
}

/// A signature algorithm with all of its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1).
    RsaPss {
        /// Digest of the message.
        digest: DigestAlgorithm,
        /// Digest of the mask generation function MGF1.
        mask: DigestAlgorithm,
        /// Length of the salt in bytes.
        salt: u16,
    },
    /// ECDSA, the value as DER `SEQUENCE { r, s }` (RFC 3279 §2.2.3).
    Ecdsa(DigestAlgorithm),
    /// ECDSA, the value as r ‖ s of equal lengths (XML signatures, BSI TR-03111).
    EcdsaPlain(DigestAlgorithm),
    /// DSA, the value as DER.
    Dsa(DigestAlgorithm),
    /// Ed25519 (RFC 8032), which has its digest built in.
    Ed25519,
    /// Ed448 (RFC 8032), which has its digest built in.
    Ed448,
}

use DigestAlgorithm as D;
use SignatureAlgorithm as S;

/// OIDs that name key kind and digest at once.
const COMBINED: &[(Oid, SignatureAlgorithm)] = &[
    (names::SHA256_WITH_RSA, S::RsaPkcs1(D::Sha256)),
    (names::SHA384_WITH_RSA, S::RsaPkcs1(D::Sha384)),
    (names::SHA512_WITH_RSA, S::RsaPkcs1(D::Sha512)),
    (names::SHA224_WITH_RSA, S::RsaPkcs1(D::Sha224)),
    (names::SHA1_WITH_RSA, S::RsaPkcs1(D::Sha1)),
    (names::SHA1_WITH_RSA_OIW, S::RsaPkcs1(D::Sha1)),
    (names::MD5_WITH_RSA, S::RsaPkcs1(D::Md5)),
    (names::SHA3_224_WITH_RSA, S::RsaPkcs1(D::Sha3_224)),
    (names::SHA3_256_WITH_RSA, S::RsaPkcs1(D::Sha3_256)),
    (names::SHA3_384_WITH_RSA, S::RsaPkcs1(D::Sha3_384)),
    (names::SHA3_512_WITH_RSA, S::RsaPkcs1(D::Sha3_512)),
    (names::ECDSA_WITH_SHA256, S::Ecdsa(D::Sha256)),
    (names::ECDSA_WITH_SHA384, S::Ecdsa(D::Sha384)),
    (names::ECDSA_WITH_SHA512, S::Ecdsa(D::Sha512)),
    (names::ECDSA_WITH_SHA224, S::Ecdsa(D::Sha224)),
    (names::ECDSA_WITH_SHA1, S::Ecdsa(D::Sha1)),
    (names::ECDSA_WITH_SHA3_224, S::Ecdsa(D::Sha3_224)),
    (names::ECDSA_WITH_SHA3_256, S::Ecdsa(D::Sha3_256)),
    (names::ECDSA_WITH_SHA3_384, S::Ecdsa(D::Sha3_384)),
    (names::ECDSA_WITH_SHA3_512, S::Ecdsa(D::Sha3_512)),
    (names::ECDSA_WITH_SHAKE128, S::Ecdsa(D::Shake128)),
    (names::ECDSA_WITH_SHAKE256, S::Ecdsa(D::Shake256)),
    (names::ECDSA_PLAIN_SHA256, S::EcdsaPlain(D::Sha256)),
    (names::ECDSA_PLAIN_SHA384, S::EcdsaPlain(D::Sha384)),
    (names::ECDSA_PLAIN_SHA512, S::EcdsaPlain(D::Sha512)),
    (names::DSA_WITH_SHA1, S::Dsa(D::Sha1)),
    (names::DSA_WITH_SHA256, S::Dsa(D::Sha256)),
    (names::ED25519, S::Ed25519),
    (names::ED448, S::Ed448),
];

impl SignatureAlgorithm {
    /// The digest of the message, where the algorithm lets one choose.
    pub fn digest(self) -> Option<DigestAlgorithm> {
        match self {
            S::RsaPkcs1(d)
            | S::RsaPss { digest: d, .. }
            | S::Ecdsa(d)
            | S::EcdsaPlain(d)
            | S::Dsa(d) => Some(d),
            S::Ed25519 | S::Ed448 => None,
        }
    }

    /// What kind of key it needs.
    pub fn key_kind(self) -> KeyKind {
        match self {
            S::RsaPkcs1(_) | S::RsaPss { .. } => KeyKind::Rsa,
            S::Ecdsa(_) | S::EcdsaPlain(_) => KeyKind::Ec,
            S::Dsa(_) => KeyKind::Dsa,
            S::Ed25519 => KeyKind::Ed25519,
            S::Ed448 => KeyKind::Ed448,
        }
    }

    /// Its identifier in XML signatures (RFC 9231 §2.3); none where there is none.
    pub fn xml_uri(self) -> Option<String> {
        const CORE: &str = "http://www.w3.org/2000/09/xmldsig#";
        const MORE_2001: &str = "http://www.w3.org/2001/04/xmldsig-more#";
        const MORE_2007: &str = "http://www.w3.org/2007/05/xmldsig-more#";
        const MORE_2021: &str = "http://www.w3.org/2021/04/xmldsig-more#";
        let word = |digest: D| match digest.name().strip_prefix("SHA-") {
            Some(number) => format!("sha{number}"),
            None => digest.name().to_ascii_lowercase(),
        };
        let is_sha3 = |digest: D| digest.name().starts_with("SHA3");
        if matches!(self.digest(), Some(D::Shake128 | D::Shake256)) {
            return None;
        }
        Some(match self {
            S::RsaPkcs1(D::Sha1) => format!("{CORE}rsa-sha1"),
            S::RsaPkcs1(digest) if !is_sha3(digest) => format!("{MORE_2001}rsa-{}", word(digest)),
            S::RsaPss { digest, .. } => format!("{MORE_2007}{}-rsa-MGF1", word(digest)),
            S::Ecdsa(D::Md5) | S::EcdsaPlain(D::Md5) => return None,
            S::Ecdsa(digest) | S::EcdsaPlain(digest) => {
                let space = if is_sha3(digest) {
                    MORE_2021
                } else {
                    MORE_2001
                };
                format!("{space}ecdsa-{}", word(digest))
            }
            S::Dsa(D::Sha1) => format!("{CORE}dsa-sha1"),
            S::Dsa(D::Sha256) => "http://www.w3.org/2009/xmldsig11#dsa-sha256".to_string(),
            S::Ed25519 => format!("{MORE_2021}eddsa-ed25519"),
            S::Ed448 => format!("{MORE_2021}eddsa-ed448"),
            S::RsaPkcs1(_) | S::Dsa(_) => return None,
        })
    }

    /// From an `AlgorithmIdentifier` alone.
    pub fn from_identifier(identifier: &Tlv<'_>) -> Result<Self> {
        let mut fields = identifier.inner_of("signature AlgorithmIdentifier")?;
        let oid = fields.oid("signature algorithm")?;
        if oid == names::RSASSA_PSS {
            return pss_parameters(fields);
        }
        let row = COMBINED.iter().find(|(row, _)| *row == oid);
        row.map(|(_, algorithm)| *algorithm).ok_or_else(|| {
            Error::unsupported("signature algorithm", format!("{oid} is not known here"))
        })
    }

    /// From a SignerInfo (RFC 5652 §5.3), where the signature algorithm may name the key kind only and the digest
    /// algorithm stands beside it.
    pub fn from_signer_info(identifier: &Tlv<'_>, digest: DigestAlgorithm) -> Result<Self> {
        let oid = identifier
            .inner_of("signatureAlgorithm")?
            .oid("signatureAlgorithm")?;
        match oid {
            names::RSA_ENCRYPTION => Ok(S::RsaPkcs1(digest)),
            names::EC_PUBLIC_KEY => Ok(S::Ecdsa(digest)),
            names::DSA => Ok(S::Dsa(digest)),
            _ => Self::from_identifier(identifier),
        }
    }

    /// What a signer beside this algorithm calls the digest of the content: Ed448 says the length of SHAKE256 (RFC 8419
    /// §3.1), others name the digest alone.
    pub fn digest_identifier(self, digest: DigestAlgorithm) -> Vec<u8> {
        match (self, digest) {
            (S::Ed448, D::Shake256) => {
                der::algorithm_identifier(&names::SHAKE256_LEN, Some(&der::integer(512)))
            }
            _ => digest.identifier(),
        }
    }

    /// As an `AlgorithmIdentifier`.
    pub fn identifier(self) -> Vec<u8> {
        if let S::RsaPss { digest, mask, salt } = self {
            return der::algorithm_identifier(
                &names::RSASSA_PSS,
                Some(&write_pss_parameters(digest, mask, salt)),
            );
        }
        let oid = COMBINED
            .iter()
            .find(|(_, row)| *row == self)
            .map(|(oid, _)| *oid);
        // Every digest has a row for RSA; an ECDSA or DSA digest without one is written as the bare key kind.
        let oid = oid.unwrap_or(if self.key_kind() == KeyKind::Dsa {
            names::DSA
        } else {
            names::EC_PUBLIC_KEY
        });
        // RFC 4055 §5: NULL parameters for RSA PKCS#1; RFC 5758 §3.2 and RFC 8410 §3: none otherwise.
        let null = der::null();
        der::algorithm_identifier(
            &oid,
            (self.key_kind() == KeyKind::Rsa).then_some(null.as_slice()),
        )
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            S::RsaPkcs1(digest) => write!(f, "RSA with {digest}"),
            S::RsaPss { digest, .. } => write!(f, "RSA-PSS with {digest}"),
            S::Ecdsa(digest) | S::EcdsaPlain(digest) => write!(f, "ECDSA with {digest}"),
            S::Dsa(digest) => write!(f, "DSA with {digest}"),
            S::Ed25519 => f.write_str("Ed25519"),
            S::Ed448 => f.write_str("Ed448"),
        }
    }
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1), with its defaults.
fn pss_parameters(mut fields: Reader<'_>) -> Result<SignatureAlgorithm> {
    let (mut digest, mut mask, mut salt) = (D::Sha1, D::Sha1, 20);
    if !fields.is_empty() {
        let mut parameters = fields.sequence("RSASSA-PSS-params")?;
        if let Some(hash) = parameters.optional(Tag::context(0), "hashAlgorithm")? {
            digest = D::from_identifier(&hash.inner_of("hashAlgorithm")?.read("hashAlgorithm")?)?;
        }
        if let Some(generator) = parameters.optional(Tag::context(1), "maskGenAlgorithm")? {
            let mut generator = generator
                .inner_of("maskGenAlgorithm")?
                .sequence("maskGenAlgorithm")?;
            if generator.oid("maskGenAlgorithm")? != names::MGF1 {
                return Err(Error::unsupported("maskGenAlgorithm", "only MGF1 is known"));
            }
            mask = D::from_identifier(&generator.read("MGF1 hash")?)?;
        }
        if let Some(length) = parameters.optional(Tag::context(2), "saltLength")? {
            let length = length.inner_of("saltLength")?.read("saltLength")?.u64()?;
            salt = u16::try_from(length)
                .map_err(|_| Error::malformed("saltLength", "beyond any key"))?;
        }
        if let Some(trailer) = parameters.optional(Tag::context(3), "trailerField")?
            && trailer
                .inner_of("trailerField")?
                .read("trailerField")?
                .u64()?
                != 1
        {
            return Err(Error::malformed("trailerField", "is not 1"));
        }
        parameters.finish("RSASSA-PSS-params")?;
    }
    Ok(S::RsaPss { digest, mask, salt })
}

fn write_pss_parameters(digest: DigestAlgorithm, mask: DigestAlgorithm, salt: u16) -> Vec<u8> {
    let null = der::null();
    let with_null = |d: DigestAlgorithm| der::algorithm_identifier(&d.oid(), Some(&null));
    let generator = der::algorithm_identifier(&names::MGF1, Some(&with_null(mask)));
    der::sequence(&[
        &der::explicit(0, &with_null(digest)),
        &der::explicit(1, &generator),
        &der::explicit(2, &der::integer(u64::from(salt))),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_back_as_written() {
        let pss = S::RsaPss {
            digest: D::Sha384,
            mask: D::Sha256,
            salt: 48,
        };
        for algorithm in COMBINED.iter().map(|(_, a)| *a).chain([pss]) {
            let bytes = algorithm.identifier();
            let element = Tlv::whole(Reader::der(&bytes), "identifier").unwrap();
            assert_eq!(
                SignatureAlgorithm::from_identifier(&element).unwrap(),
                algorithm
            );
        }
    }

    #[test]
    fn the_length_of_shake256_is_512_bits() {
        let read = |length: u64| {
            let length = der::integer(length);
            let bytes = der::algorithm_identifier(&names::SHAKE256_LEN, Some(&length));
            D::from_identifier(&Tlv::whole(Reader::der(&bytes), "identifier").unwrap())
        };
        assert_eq!(read(512), Ok(D::Shake256));
        assert!(read(256).is_err());
    }

    #[test]
    fn algorithms_have_their_names_in_xml() {
        let uri = |algorithm: SignatureAlgorithm| algorithm.xml_uri().unwrap_or_default();
        let pss = S::RsaPss {
            digest: D::Sha3_256,
            mask: D::Sha3_256,
            salt: 32,
        };
        for (algorithm, expected) in [
            (S::RsaPkcs1(D::Sha1), "2000/09/xmldsig#rsa-sha1"),
            (S::RsaPkcs1(D::Sha256), "2001/04/xmldsig-more#rsa-sha256"),
            (pss, "2007/05/xmldsig-more#sha3-256-rsa-MGF1"),
            (S::Ecdsa(D::Sha384), "2001/04/xmldsig-more#ecdsa-sha384"),
            (S::Ecdsa(D::Sha3_512), "2021/04/xmldsig-more#ecdsa-sha3-512"),
            (S::Ed448, "2021/04/xmldsig-more#eddsa-ed448"),
        ] {
            assert_eq!(uri(algorithm), format!("http://www.w3.org/{expected}"));
        }
        assert_eq!(S::RsaPkcs1(D::Sha3_256).xml_uri(), None);
    }

    #[test]
    fn bare_key_kinds_take_the_digest_beside_them() {
        let bytes = der::algorithm_identifier(&names::RSA_ENCRYPTION, Some(&der::null()));
        let element = Tlv::whole(Reader::der(&bytes), "identifier").unwrap();
        assert_eq!(
            S::from_signer_info(&element, D::Sha512).unwrap(),
            S::RsaPkcs1(D::Sha512)
        );
        assert!(S::from_identifier(&element).is_err());
    }
}
