//! What benches and figures work on: a receipt of 48 KB as a PDF, a small PKI, seals of RSA-2048 and P-256.
//!
//! The document is of the shape and size that `docs/peers.md` measures its rivals with: one page of text and one
//! incompressible image, cross-reference table, no form. Everything but the keys is the same at every run.

#![allow(dead_code)] // each of the programs that share it uses a part

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use rubrica::engine::Time;
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::{crl, extension};
use rubrica::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer};
use rubrica::engine::pki::extension::KeyUsage;
use rubrica::engine::pki::{Certificate, CertificateList, Validity};
use rubrica::engine::syntax::{asn1::names, pem};
use rubrica::service::keys::{KeyFile, Passphrase, Seal};
use std::fmt::Write as _;

/// The instant of everything here.
pub fn now() -> Time {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

/// Bytes that do not compress (xorshift64*).
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    (0..length).map(next).collect()
}

/// The receipt: 48 KB, one page.
pub fn receipt() -> Vec<u8> {
    let side = 123;
    let mut text = String::from("q 200 0 0 200 300 80 cm /Im Do Q BT /F1 10 Tf 50 790 Td 14 TL\n");
    for row in 0..40u32 {
        let (quantity, cents) = (row * 7 % 20 + 1, row * 7919 % 90_000);
        let (units, rest) = (cents / 100, cents % 100);
        let _ = writeln!(
            text,
            "(Item {row:03}  quantity {quantity:2}  price {units:3}.{rest:02} EUR) Tj T*"
        );
    }
    text.push_str("ET");
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R\
                /Resources<</Font<</F1 3 0 R>>/XObject<</Im 6 0 R>>>>>>";
    let image = format!(
        "/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8"
    );
    file(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>".to_vec(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
        page.as_bytes().to_vec(),
        stream("", text.as_bytes()),
        stream(&image, &noise(side * side * 3, 1)),
    ])
}

fn stream(head: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{head}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (i, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", out.len());
        out.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    let id = "00112233445566778899aabbccddeeff";
    let size = objects.len() + 1;
    let trailer = format!(
        "{table}trailer\n<</Size {size}/Root 1 0 R/ID[<{id}><{id}>]>>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend_from_slice(trailer.as_bytes());
    out
}

/// A key of the root or the issuing CA.
struct CaKey(PKey<Private>);

impl Signer for CaKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)
    }

    fn sign(&self, message: &[u8]) -> rubrica::engine::Result<SignatureValue> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.0).expect("RSA");
        Ok(SignatureValue(
            signer.sign_oneshot_to_vec(message).expect("RSA signs"),
        ))
    }
}

fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).expect("RSA")).expect("RSA")
}

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    PKey::from_ec_key(EcKey::generate(&group).expect("P-256")).expect("P-256")
}

fn subject(name: &str) -> rubrica::engine::pki::Name {
    distinguished_name(&[(names::AT_COUNTRY, "ES"), (names::AT_COMMON_NAME, name)]).expect("name")
}

/// A root, an issuing CA with a CRL each, and two seals.
pub struct Pki {
    /// The trust anchor.
    pub root: Certificate,
    /// Certifies the seals.
    pub issuing: Certificate,
    /// Of the root and of the issuing CA.
    pub crls: [CertificateList; 2],
    /// RSA-2048.
    pub rsa: Seal,
    /// P-256.
    pub p256: Seal,
}

impl Pki {
    /// Makes it, with new keys.
    pub fn new() -> Self {
        let (root_key, issuing_key) = (CaKey(rsa()), CaKey(rsa()));
        let root_spki = root_key.0.public_key_to_der().expect("SPKI");
        let root = issue_self_signed(&to_be_issued(&[1], "Raíz", &root_spki, true), &root_key);
        let root = root.expect("root");
        let spki = issuing_key.0.public_key_to_der().expect("SPKI");
        let issuing = issue(
            &to_be_issued(&[2], "Emisora", &spki, true),
            &root,
            &root_key,
        );
        let issuing = issuing.expect("issuing CA");
        let list = crl::ToBeListed {
            number: 1,
            this_update: now(),
            next_update: now().plus(std::time::Duration::from_secs(7 * 86_400)),
            revoked: &[],
            scope: None,
        };
        let crls = [(&root, &root_key), (&issuing, &issuing_key)]
            .map(|(issuer, key)| crl::issue(&list, issuer, key).expect("CRL"));
        let seal = |serial: &[u8], key| seal(serial, key, &issuing, &issuing_key);
        Pki {
            rsa: seal(&[3], rsa()),
            p256: seal(&[4], p256()),
            root,
            issuing,
            crls,
        }
    }

    /// The seal by the name of its key.
    pub fn seal(&self, key: &str) -> &Seal {
        if key == "RSA-2048" {
            &self.rsa
        } else {
            &self.p256
        }
    }
}

fn to_be_issued<'a>(serial: &'a [u8], name: &str, spki: &'a [u8], ca: bool) -> ToBeIssued<'a> {
    let usage: &[u8] = if ca {
        &[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]
    } else {
        &[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION]
    };
    let day = std::time::Duration::from_secs(86_400);
    ToBeIssued {
        serial,
        subject: subject(name),
        validity: Validity {
            not_before: now().minus(30 * day),
            not_after: now().plus(365 * day),
        },
        public_key: spki,
        extensions: vec![
            extension::basic_constraints(ca, None),
            extension::key_usage(usage),
            extension::subject_key_identifier(spki).expect("key identifier"),
        ],
    }
}

fn seal(serial: &[u8], key: PKey<Private>, issuing: &Certificate, issuing_key: &CaKey) -> Seal {
    let spki = key.public_key_to_der().expect("SPKI");
    let to_be_issued = to_be_issued(serial, "Sello", &spki, false);
    let certificate = issue(&to_be_issued, issuing, issuing_key).expect("seal");
    let mut text = key.private_key_to_pem_pkcs8().expect("PEM");
    text.extend(pem::block("CERTIFICATE", certificate.bytes()).bytes());
    text.extend(pem::block("CERTIFICATE", issuing.bytes()).bytes());
    let settings = serde_json::json!({"name": "sello", "key": "sello.pem"});
    let settings = serde_json::from_value(settings).expect("settings");
    let file = KeyFile::from_pem(&text, &Passphrase::new(""), "sello.pem").expect("key file");
    Seal::new(&settings, file).expect("seal")
}
