//! A signer with a certificate of its own, for tests.

use super::Pades;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, SignatureInput, SignatureValue};
use crate::engine::evidence::{Evidence, ObjectId, Signature, SignedData, SignerReference};
use crate::engine::formats::{Format, Input, Options, PadesOptions, Properties, SignRequest};
use crate::engine::limits::Budget;
use crate::engine::pki::Certificate;
use crate::engine::time::Time;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::{X509, X509NameBuilder};
use std::sync::OnceLock;

pub(crate) struct TestSigner {
    key: PKey<Private>,
    certificate: Certificate,
    algorithm: SignatureAlgorithm,
}

impl TestSigner {
    fn new(key: PKey<Private>, algorithm: SignatureAlgorithm) -> Self {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "Sello de pruebas").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(&key).unwrap();
        let date = |text| Asn1Time::from_str(text).unwrap();
        builder.set_not_before(&date("20260101000000Z")).unwrap();
        builder.set_not_after(&date("20360101000000Z")).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        TestSigner {
            key,
            certificate: Certificate::from_der(&builder.build().to_der().unwrap()).unwrap(),
            algorithm,
        }
    }

    /// P-256: quick to make and to use.
    pub(crate) fn p256() -> &'static TestSigner {
        static SIGNER: OnceLock<TestSigner> = OnceLock::new();
        SIGNER.get_or_init(|| {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
            TestSigner::new(key, SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256))
        })
    }

    pub(crate) fn rsa() -> &'static TestSigner {
        static SIGNER: OnceLock<TestSigner> = OnceLock::new();
        SIGNER.get_or_init(|| {
            let key = PKey::from_rsa(openssl::rsa::Rsa::generate(2048).unwrap()).unwrap();
            TestSigner::new(key, SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256))
        })
    }

    pub(crate) fn request(&self, options: PadesOptions) -> SignRequest {
        SignRequest {
            certificate: self.certificate.clone(),
            chain: Vec::new(),
            algorithm: self.algorithm,
            digest: DigestAlgorithm::Sha256,
            timestamp_reserve: 0,
            properties: Properties::default(),
            options: Options::Pades(options),
        }
    }

    pub(crate) fn value(&self, message: &[u8]) -> SignatureValue {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        SignatureValue(signer.sign_oneshot_to_vec(message).unwrap())
    }

    pub(crate) fn sign_request(&self, document: &[u8], request: &SignRequest) -> Vec<u8> {
        let prepared = Pades.prepare(document.into(), request, now()).unwrap();
        let value = self.value(&prepared.to_be_signed);
        let patch = Pades.embed(document, prepared.resume, value).unwrap();
        patch.apply(document).unwrap()
    }

    pub(crate) fn sign(&self, document: &[u8], options: PadesOptions) -> Vec<u8> {
        self.sign_request(document, &self.request(options))
    }

    /// Is the signature value right, by this signer's key?
    pub(crate) fn holds(&self, signature: &Signature) -> bool {
        let SignedData::Attributes(message) = &signature.signed else {
            return false;
        };
        let key = self.certificate.public_key().unwrap();
        signature.algorithm.is_some_and(|algorithm| {
            key.verify(
                algorithm,
                SignatureInput::Message(message),
                &signature.value,
            )
        })
    }

    fn is_named(&self, signature: &Signature) -> bool {
        signature.signer
            == SignerReference::IssuerAndSerial(
                self.certificate.issuer().bytes().into(),
                self.certificate.serial().into(),
            )
    }

    /// What a verdict of "passed" cannot do without.
    pub(crate) fn is_clean(&self, evidence: &Evidence) -> bool {
        evidence.faults.is_empty()
            && !evidence.signatures.is_empty()
            && evidence.signatures.iter().all(|signature| {
                signature.faults.is_empty()
                    && signature.later_changes.is_empty()
                    && !signature.references.is_empty()
                    && signature.references.iter().all(|r| r.is_intact())
                    && self.holds(signature)
                    && names_its_certificate(signature)
                    && self.is_named(signature)
            })
    }
}

/// Does the signed reference name a certificate that came with the signature?
fn names_its_certificate(signature: &Signature) -> bool {
    signature.certificate_references.first().is_some_and(|r| {
        let named = |id: &ObjectId| id.0[..] == r.digest[..];
        r.algorithm == DigestAlgorithm::Sha256 && signature.certificates.iter().any(named)
    })
}

pub(crate) fn now() -> Time {
    "2026-11-24T21:31:49Z".parse().unwrap()
}

pub(crate) fn inspect(document: &[u8]) -> Evidence {
    try_inspect(document).unwrap()
}

pub(crate) fn try_inspect(document: &[u8]) -> crate::engine::Result<Evidence> {
    let input = Input {
        document,
        detached: &[],
    };
    Pades.inspect(input, &mut Budget::default())
}
