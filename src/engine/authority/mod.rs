//! What an authority answers: certificates, revocation lists, OCSP responses and time-stamps, written and signed.
//!
//! Each file is one kind of answer, a function of what the authority knows, the time it is told and the request. The
//! demo and the tests are its users; keys and the clock are theirs, and whether to answer at all is too.

pub mod certificate;
pub mod crl;
pub mod extension;
pub mod ocsp;
pub mod timestamp;

use super::crypto::{DigestAlgorithm, Signer, digest};
use super::error::{Error, Result};
use super::syntax::asn1::{Reader, Tag, der};

/// `SIGNED { tbs }`: what was signed, the algorithm, the signature (RFC 5280 §4.1.1).
fn signed(tbs: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let signature = signer.sign(tbs)?;
    Ok(der::sequence(&[
        tbs,
        &signer.algorithm().identifier(),
        &der::bit_string(&signature.0),
    ]))
}

/// The bits of the key of a `SubjectPublicKeyInfo`, without tag, length and count of unused bits.
fn key_bits(spki: &[u8]) -> Result<&[u8]> {
    let mut fields = Reader::ber(spki).sequence("SubjectPublicKeyInfo")?;
    fields.read("algorithm")?;
    fields
        .expect(Tag::BIT_STRING, "subjectPublicKey")?
        .whole_bits()
}

/// The SHA-1 of the bits of a public key, as `subjectKeyIdentifier` (RFC 5280 §4.2.1.2) and `ResponderID.byKey`
/// (RFC 6960 §4.2.1) have it. `spki` is a `SubjectPublicKeyInfo`.
fn key_identifier(spki: &[u8]) -> Result<Vec<u8>> {
    Ok(digest(DigestAlgorithm::Sha1, key_bits(spki)?))
}

/// `CertificateSerialNumber`: positive and of at most 20 octets (RFC 5280 §4.1.2.2). `serial` is its magnitude.
fn serial_number(serial: &[u8]) -> Result<Vec<u8>> {
    let number = der::unsigned(serial);
    if serial.iter().all(|b| *b == 0) || number.len() > 2 + 20 {
        return Err(Error::invalid(
            "serialNumber",
            "is not a positive number of at most 20 octets",
        ));
    }
    Ok(number)
}

#[cfg(test)]
pub(crate) mod test {
    //! An authority for unit tests.

    use super::certificate::{ToBeIssued, distinguished_name, issue, issue_self_signed};
    use super::extension as ext;
    use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer};
    use crate::engine::error::{Error, Result};
    use crate::engine::pki::extension::{Extension, KeyUsage};
    use crate::engine::pki::{Certificate, Validity};
    use crate::engine::syntax::asn1::names;
    use crate::engine::time::Time;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};

    pub(crate) struct Key(pub(crate) PKey<Private>);

    impl Key {
        pub(crate) fn p256() -> Key {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            Key(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
        }

        pub(crate) fn spki(&self) -> Vec<u8> {
            self.0.public_key_to_der().unwrap()
        }
    }

    impl Signer for Key {
        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
        }

        fn sign(&self, to_be_signed: &[u8]) -> Result<SignatureValue> {
            let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.0).unwrap();
            let value = signer.sign_oneshot_to_vec(to_be_signed);
            value
                .map(SignatureValue)
                .map_err(|_| Error::internal("key", "does not sign"))
        }
    }

    pub(crate) fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    pub(crate) fn now() -> Time {
        time("2026-03-01T12:00:00Z")
    }

    /// A CA and one more key, certified by it with `extensions`.
    pub(crate) struct Pki {
        pub(crate) ca_key: Key,
        pub(crate) ca: Certificate,
        pub(crate) key: Key,
        pub(crate) certificate: Certificate,
    }

    pub(crate) fn pki(extensions: Vec<Extension>) -> Pki {
        let validity = Validity {
            not_before: time("2026-01-01T00:00:00Z"),
            not_after: time("2049-12-31T23:59:59Z"),
        };
        let (ca_key, key) = (Key::p256(), Key::p256());
        let name = |text| {
            distinguished_name(&[(names::AT_COUNTRY, "ES"), (names::AT_COMMON_NAME, text)]).unwrap()
        };
        let ca = ToBeIssued {
            serial: &[1],
            subject: name("CA"),
            validity,
            public_key: &ca_key.spki(),
            extensions: vec![
                ext::basic_constraints(true, Some(0)),
                ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
                ext::subject_key_identifier(&ca_key.spki()).unwrap(),
            ],
        };
        let ca = issue_self_signed(&ca, &ca_key).unwrap();
        let certificate = ToBeIssued {
            serial: &[0x80, 2],
            subject: name("Entidad ñ"),
            validity,
            public_key: &key.spki(),
            extensions,
        };
        let certificate = issue(&certificate, &ca, &ca_key).unwrap();
        Pki {
            ca_key,
            ca,
            key,
            certificate,
        }
    }
}
