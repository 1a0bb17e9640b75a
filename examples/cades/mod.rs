//! A small PKI for what signs, stamps and answers, and CAdES signatures of every level made with it. Shared by examples and
//! tests: what it gives is made by the library's own `authority`.

#![allow(dead_code)]

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use rubrica::engine::Time;
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::crl::{self, ToBeListed};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::authority::ocsp::{self, IdentifiedBy, Responder};
use rubrica::engine::authority::timestamp::{self, Authority};
use rubrica::engine::crypto::{DigestAlgorithm, SignatureValue, Signer, digest};
use rubrica::engine::evidence::Evidence;
use rubrica::engine::formats::cades::Cades;
use rubrica::engine::formats::{
    CadesOptions, Detached, Format, Input, Material, Options, Properties, SignRequest,
};
use rubrica::engine::limits::Budget;
use rubrica::engine::pki::extension::{Extension, KeyUsage};
use rubrica::engine::pki::ocsp::{CertId, CertStatus, request as ocsp_request};
use rubrica::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
use rubrica::engine::pki::{Certificate, Validity};
use rubrica::engine::syntax::asn1::{Oid, names};
use rubrica::service::keys::FileSigner;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Every kind of key and digest that signatures are made with.
pub const KINDS: [&str; 15] = [
    "rsa-2048",
    "rsa-2048-sha384",
    "rsa-2048-sha512",
    "rsa-2048-sha3-256",
    "rsa-2048-pss",
    "rsa-2048-pss-sha512",
    "p256",
    "p256-sha3-256",
    "p384",
    "p521",
    "brainpool-p256r1",
    "brainpool-p384r1",
    "brainpool-p512r1",
    "ed25519",
    "ed448",
];

fn curve(nid: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(nid).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn private_key(kind: &str) -> PKey<Private> {
    match kind.split("-sha").next().unwrap() {
        "rsa-2048" | "rsa-2048-pss" => PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
        "p256" => curve(Nid::X9_62_PRIME256V1),
        "p384" => curve(Nid::SECP384R1),
        "p521" => curve(Nid::SECP521R1),
        "brainpool-p256r1" => curve(Nid::BRAINPOOL_P256R1),
        "brainpool-p384r1" => curve(Nid::BRAINPOOL_P384R1),
        "brainpool-p512r1" => curve(Nid::BRAINPOOL_P512R1),
        "ed25519" => PKey::generate_ed25519().unwrap(),
        "ed448" => PKey::generate_ed448().unwrap(),
        other => panic!("no kind of key {other}"),
    }
}

fn digest_of(kind: &str) -> Option<DigestAlgorithm> {
    match kind.split_once("-sha")?.1 {
        "384" => Some(DigestAlgorithm::Sha384),
        "512" => Some(DigestAlgorithm::Sha512),
        "3-256" => Some(DigestAlgorithm::Sha3_256),
        other => panic!("no digest {other}"),
    }
}

/// A key and its certificate.
pub struct Identity {
    pub certificate: Certificate,
    pub signer: FileSigner,
    pub key: PKey<Private>,
}

/// Root, authority, time-stamping authority, OCSP responder.
pub struct Pki {
    pub root: Identity,
    pub authority: Identity,
    pub tsa: Identity,
    pub responder: Identity,
    serial: AtomicU8,
}

fn identity(
    key: PKey<Private>,
    kind: &str,
    certificate: impl FnOnce(&[u8], &FileSigner) -> Certificate,
) -> Identity {
    let pss = kind.contains("-pss");
    let signer = FileSigner::with_digest(key.clone(), pss, digest_of(kind), "test").unwrap();
    Identity {
        certificate: certificate(&key.public_key_to_der().unwrap(), &signer),
        signer,
        key,
    }
}

fn wanted<'a>(
    name: &str,
    spki: &'a [u8],
    serial: &'a [u8],
    extensions: Vec<Extension>,
) -> ToBeIssued<'a> {
    ToBeIssued {
        serial,
        subject: distinguished_name(&[(names::AT_COUNTRY, "ES"), (names::AT_COMMON_NAME, name)])
            .unwrap(),
        validity: Validity {
            not_before: "2024-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2039-12-31T23:59:59Z".parse().unwrap(),
        },
        public_key: spki,
        extensions,
    }
}

fn authority_extensions(spki: &[u8], length: Option<u32>) -> Vec<Extension> {
    vec![
        ext::basic_constraints(true, length),
        ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
        ext::subject_key_identifier(spki).unwrap(),
    ]
}

impl Default for Pki {
    fn default() -> Pki {
        Pki::new()
    }
}

impl Pki {
    pub fn new() -> Pki {
        let root = identity(curve(Nid::X9_62_PRIME256V1), "p256", |spki, signer| {
            let extensions = authority_extensions(spki, None);
            issue_self_signed(&wanted("Raiz", spki, &[1], extensions), signer).unwrap()
        });
        let by = |issuer: &Identity,
                  name: &str,
                  serial: u8,
                  extensions: &dyn Fn(&[u8]) -> Vec<Extension>| {
            identity(curve(Nid::X9_62_PRIME256V1), "p256", |spki, _| {
                let serial = [serial];
                let wanted = wanted(name, spki, &serial, extensions(spki));
                issue(&wanted, &issuer.certificate, &issuer.signer).unwrap()
            })
        };
        let authority = by(&root, "Autoridad", 2, &|spki| {
            authority_extensions(spki, Some(0))
        });
        let tsa = by(&authority, "Sellado de tiempo", 3, &|_| {
            vec![
                ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
            ]
        });
        let responder = by(&authority, "OCSP", 4, &|_| {
            vec![
                ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
                ext::ocsp_nocheck(),
            ]
        });
        Pki {
            root,
            authority,
            tsa,
            responder,
            serial: AtomicU8::new(0x10),
        }
    }

    /// A new signer with a key of a kind of [`KINDS`].
    pub fn signer(&self, kind: &str) -> Identity {
        let serial = [self.serial.fetch_add(1, Ordering::SeqCst)];
        identity(private_key(kind), kind, |spki, _| {
            let usage = ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]);
            let wanted = wanted(&format!("Firmante {kind}"), spki, &serial, vec![usage]);
            issue(&wanted, &self.authority.certificate, &self.authority.signer).unwrap()
        })
    }

    pub fn request(
        &self,
        by: &Identity,
        options: CadesOptions,
        properties: Properties,
    ) -> SignRequest {
        SignRequest {
            certificate: by.certificate.clone(),
            chain: vec![self.authority.certificate.clone()],
            algorithm: by.signer.algorithm(),
            digest: DigestAlgorithm::Sha256,
            timestamp_reserve: 0,
            properties,
            options: Options::Cades(options),
        }
    }

    /// Prepared, signed and embedded at `at`.
    pub fn sign(&self, document: &[u8], request: &SignRequest, by: &Identity, at: Time) -> Vec<u8> {
        let prepared = Cades.prepare(document.into(), request, at).unwrap();
        let value = by.signer.sign(&prepared.to_be_signed).unwrap();
        let patch = Cades.embed(document, prepared.resume, value).unwrap();
        patch.apply(document).unwrap()
    }

    /// A signature of level B over `content` in a message of its own.
    pub fn b(&self, content: &[u8], by: &Identity, attached: bool, at: Time) -> Vec<u8> {
        let options = match attached {
            true => CadesOptions::Attached,
            false => CadesOptions::Detached,
        };
        let request = self.request(by, options, Properties::default());
        self.sign(content, &request, by, at)
    }

    pub fn token(&self, imprint: MessageImprint, at: Time) -> Vec<u8> {
        let authority = Authority {
            certificate: &self.tsa.certificate,
            chain: std::slice::from_ref(&self.authority.certificate),
            signer: &self.tsa.signer,
            policies: &[Oid::new(&[1, 3, 6, 1, 4, 1, 99999, 1])],
            digests: &[DigestAlgorithm::Sha256, DigestAlgorithm::Sha512],
            accuracy: Some(Duration::from_secs(1)),
            ordering: false,
            named: false,
            qualified: false,
            reference: DigestAlgorithm::Sha256,
        };
        let request = TimestampRequest {
            message_imprint: imprint,
            policy: None,
            nonce: None,
            certificates: true,
        };
        let serial = [0x40, self.serial.fetch_add(1, Ordering::SeqCst)];
        let answer = timestamp::answer(&request.to_der(), &authority, &serial, || Some(at));
        let token = read_response(&answer.response, &request).unwrap();
        token.bytes().to_vec()
    }

    /// With a time-stamp over the value of signature `number`: level T.
    pub fn t(&self, signed: &[u8], number: usize, at: Time) -> Vec<u8> {
        let value = &evidence(signed, None).signatures[number].value;
        let algorithm = DigestAlgorithm::Sha256;
        let imprint = MessageImprint {
            algorithm,
            digest: digest(algorithm, value),
        };
        let material = Material::SignatureTimestamp {
            signature: number,
            token: self.token(imprint, at),
        };
        augment(signed, &material)
    }

    /// Lists of root and authority as of `at`.
    pub fn crls(&self, at: Time) -> Vec<Vec<u8>> {
        let list = |by: &Identity| {
            let wanted = ToBeListed {
                number: 1,
                this_update: at,
                next_update: at.plus(Duration::from_secs(7 * 86_400)),
                revoked: &[],
                scope: None,
            };
            let list = crl::issue(&wanted, &by.certificate, &by.signer).unwrap();
            list.bytes().to_vec()
        };
        vec![list(&self.root), list(&self.authority)]
    }

    /// An answer that `certificate` of the authority is good at `at`.
    pub fn ocsp(&self, certificate: &Certificate, at: Time) -> Vec<u8> {
        let issuer = &self.authority.certificate;
        let id = CertId::new(certificate, issuer, DigestAlgorithm::Sha1).unwrap();
        let responder = Responder {
            issuer,
            certificate: &self.responder.certificate,
            signer: &self.responder.signer,
            identified_by: IdentifiedBy::Key,
            lifetime: Duration::from_secs(86_400),
        };
        let good = |_: &[u8]| CertStatus::Good;
        ocsp::answer(&ocsp_request(&id, None), &responder, &good, at).unwrap()
    }

    /// With what validates it and its time-stamps: level LT. The signer and the time-stamping authority by OCSP, the
    /// authority by the root's list.
    pub fn lt(&self, signed: &[u8], number: usize, by: &Identity, at: Time) -> Vec<u8> {
        let material = Material::ValidationData {
            signature: number,
            certificates: vec![
                self.root.certificate.clone(),
                self.authority.certificate.clone(),
                self.tsa.certificate.clone(),
                self.responder.certificate.clone(),
            ],
            crls: vec![self.crls(at).swap_remove(0)],
            ocsp_responses: vec![
                self.ocsp(&by.certificate, at),
                self.ocsp(&self.tsa.certificate, at),
            ],
        };
        augment(signed, &material)
    }

    /// With an archive time-stamp: level LTA, or one more.
    pub fn lta(&self, signed: &[u8], content: Option<&[u8]>, number: usize, at: Time) -> Vec<u8> {
        let detached: Vec<_> = content.into_iter().map(Detached::of).collect();
        let algorithm = DigestAlgorithm::Sha256;
        let imprint = Cades.archive_imprint(signed, &detached, number, algorithm);
        let material = Material::ArchiveTimestamp {
            signature: number,
            token: self.token(imprint.unwrap(), at),
        };
        augment(signed, &material)
    }
}

pub fn augment(signed: &[u8], material: &Material) -> Vec<u8> {
    let patch = Cades.augment(signed, material).unwrap();
    patch.apply(signed).unwrap()
}

/// What is in a message, its content apart where it is given.
pub fn evidence(signed: &[u8], content: Option<&[u8]>) -> Evidence {
    let detached: Vec<_> = content.into_iter().map(Detached::of).collect();
    let input = Input {
        document: signed,
        detached: &detached,
    };
    Cades.inspect(input, &mut Budget::default()).unwrap()
}

/// The number of the signature with this value.
pub fn number_of(signed: &[u8], value: &[u8]) -> usize {
    let evidence = evidence(signed, None);
    let mut all = evidence.signatures.iter();
    all.position(|s| *s.value == *value).unwrap()
}

/// The value of signature `number`.
pub fn value_of(signed: &[u8], number: usize) -> Vec<u8> {
    evidence(signed, None).signatures[number].value.to_vec()
}

/// `at`, some seconds later.
pub fn later(at: Time, seconds: u64) -> Time {
    at.plus(Duration::from_secs(seconds))
}

/// A signature value over what was prepared.
pub fn value(by: &Identity, to_be_signed: &[u8]) -> SignatureValue {
    by.signer.sign(to_be_signed).unwrap()
}
