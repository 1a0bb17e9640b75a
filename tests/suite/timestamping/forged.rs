//! A certification authority with time-stamping units of every kind, and tokens made by hand.

use super::POLICY;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::authority::timestamp::{Authority, DIGESTS};
use rubrica::engine::crypto::{
    DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer, digest,
};
use rubrica::engine::pki::cms::{
    Attribute, EssCertificate, SignerInfoParts, signed_data, signer_info,
};
use rubrica::engine::pki::extension::{Extension, GeneralName, KeyUsage};
use rubrica::engine::pki::{Certificate, Validity};
use rubrica::engine::syntax::asn1::{Oid, der, names};
use rubrica::engine::syntax::pem;
use rubrica::service::keys::FileSigner;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// From when to when, where it is not for ever.
type Span = Option<(String, String)>;

/// Issues what is asked of it.
pub(super) struct Maker {
    pub(super) ca: Certificate,
    signer: FileSigner,
    key: PKey<Private>,
    good: Certificate,
    folder: tempfile::TempDir,
}

/// A key with its certificate.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) certificate: Certificate,
    /// The one that the signed attribute names.
    pub(super) named: Certificate,
    /// What the signed attribute says that was signed.
    pub(super) content_type: Oid,
    pub(super) signer: Arc<dyn Signer>,
}

impl Made {
    fn new(certificate: Certificate, signer: impl Signer + 'static) -> Made {
        Made {
            named: certificate.clone(),
            certificate,
            content_type: names::ID_CT_TST_INFO,
            signer: Arc::new(signer),
        }
    }

    pub(super) fn authority(&self) -> Authority<'_> {
        Authority {
            certificate: &self.certificate,
            chain: &[],
            signer: &*self.signer,
            policies: &[POLICY],
            digests: DIGESTS,
            accuracy: Some(Duration::from_secs(1)),
            ordering: false,
            named: false,
            qualified: false,
            reference: DigestAlgorithm::Sha256,
        }
    }
}

fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn signer(key: &PKey<Private>) -> FileSigner {
    FileSigner::new(key.clone(), false, "test").unwrap()
}

fn span(span: Span) -> Validity {
    let (from, until) = span.unwrap_or_else(|| {
        let text = |year: u16| format!("{year}-01-01T00:00:00Z");
        (text(2025), text(2045))
    });
    Validity {
        not_before: from.parse().unwrap(),
        not_after: until.parse().unwrap(),
    }
}

/// A number that no other certificate has.
fn number() -> u8 {
    static LAST: AtomicU8 = AtomicU8::new(1);
    LAST.fetch_add(1, Ordering::Relaxed)
}

fn to_be_issued<'a>(
    serial: &'a [u8],
    common_name: &str,
    spki: &'a [u8],
    extensions: Vec<Extension>,
) -> ToBeIssued<'a> {
    ToBeIssued {
        serial,
        subject: distinguished_name(&[(names::AT_COMMON_NAME, common_name)]).unwrap(),
        validity: span(None),
        public_key: spki,
        extensions,
    }
}

fn for_stamping() -> Vec<Extension> {
    vec![ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true)]
}

impl Maker {
    pub(super) fn new() -> Maker {
        let folder = tempfile::tempdir().unwrap();
        let ca_key = p256();
        let (spki, serial) = (ca_key.public_key_to_der().unwrap(), [number()]);
        let extensions = vec![
            ext::basic_constraints(true, None),
            ext::key_usage(&[KeyUsage::KEY_CERT_SIGN]),
            ext::subject_key_identifier(&spki).unwrap(),
        ];
        let root = to_be_issued(&serial, "CA de pruebas", &spki, extensions);
        let ca_signer = signer(&ca_key);
        let ca = issue_self_signed(&root, &ca_signer).unwrap();
        let key = p256();
        let mut made = Maker {
            good: ca.clone(),
            ca,
            signer: ca_signer,
            key,
            folder,
        };
        made.good = made.certify(&made.key, for_stamping(), None);
        made.write("ca", &made.ca, &ca_key);
        made.write("good", &made.good, &made.key);
        for name in ["server", "client"] {
            let key = p256();
            let place = GeneralName::Ip(vec![127, 0, 0, 1]);
            let purpose = [names::ID_KP_SERVER_AUTH, names::ID_KP_CLIENT_AUTH];
            let extensions = vec![
                ext::extended_key_usage(&purpose, false),
                ext::subject_alt_name(&[place]).unwrap(),
            ];
            made.write(name, &made.certify(&key, extensions, None), &key);
        }
        made
    }

    fn write(&self, name: &str, certificate: &Certificate, key: &PKey<Private>) {
        let text = pem::block("CERTIFICATE", certificate.bytes());
        std::fs::write(self.file(&format!("{name}.pem")), text).unwrap();
        let text = key.private_key_to_pem_pkcs8().unwrap();
        std::fs::write(self.file(&format!("{name}.key")), text).unwrap();
    }

    /// `ca`, `good`, `server` or `client`, with `.pem` or `.key`.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn certify(
        &self,
        key: &PKey<Private>,
        extensions: Vec<Extension>,
        validity: Span,
    ) -> Certificate {
        let (spki, serial) = (key.public_key_to_der().unwrap(), [number()]);
        let mut what = to_be_issued(&serial, "TSU de pruebas", &spki, extensions);
        what.validity = span(validity);
        issue(&what, &self.ca, &self.signer).unwrap()
    }

    /// The unit that is as it should be; always the same.
    pub(super) fn good(&self) -> Made {
        Made::new(self.good.clone(), signer(&self.key))
    }

    /// A new unit with these extensions.
    pub(super) fn issued(&self, extensions: Vec<Extension>, validity: Span) -> Made {
        let key = p256();
        Made::new(self.certify(&key, extensions, validity), signer(&key))
    }

    pub(super) fn second(&self) -> Made {
        self.issued(for_stamping(), None)
    }

    pub(super) fn rsa(&self) -> Made {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        Made::new(self.certify(&key, for_stamping(), None), signer(&key))
    }

    /// One that signs with SHA-1.
    pub(super) fn weak(&self) -> Made {
        let key = p256();
        Made::new(self.certify(&key, for_stamping(), None), WithSha1(key))
    }
}

struct WithSha1(PKey<Private>);

impl Signer for WithSha1 {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha1)
    }

    fn sign(&self, to_be_signed: &[u8]) -> rubrica::engine::Result<SignatureValue> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha1(), &self.0).unwrap();
        Ok(SignatureValue(
            signer.sign_oneshot_to_vec(to_be_signed).unwrap(),
        ))
    }
}

/// A token over `info` by `signers`, with the certificate of `inside`.
pub(super) fn token(info: &[u8], inside: &Made, signers: &[&Made]) -> Vec<u8> {
    let infos: Vec<u8> = signers.iter().flat_map(|by| signed(info, by)).collect();
    let certificates = std::slice::from_ref(&inside.certificate);
    let algorithm = DigestAlgorithm::Sha256;
    signed_data(
        &names::ID_CT_TST_INFO,
        Some(info),
        algorithm,
        certificates,
        &infos,
    )
}

fn signed(info: &[u8], by: &Made) -> Vec<u8> {
    let algorithm = by.signer.algorithm();
    let digest_algorithm = algorithm.digest().unwrap();
    let content_digest = der::octet_string(&digest(digest_algorithm, info));
    let attributes = [
        Attribute::new(names::ID_CONTENT_TYPE, der::oid(&by.content_type)),
        Attribute::new(names::ID_MESSAGE_DIGEST, content_digest),
        EssCertificate::sha256_attribute(&by.named),
    ];
    let signed_attributes = der::set_of(attributes.iter().map(Attribute::to_der).collect());
    let signature = by.signer.sign(&signed_attributes).unwrap();
    signer_info(&SignerInfoParts {
        certificate: &by.certificate,
        digest_algorithm,
        signature_algorithm: algorithm,
        signed_attributes: &signed_attributes,
        signature: &signature.0,
        unsigned_attributes: &[],
    })
}
