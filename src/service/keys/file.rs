//! Keys in files: PKCS#12 (RFC 7292), and PEM (RFC 7468) with the certificates beside the key or in a file of their own.
//!
//! In: the settings of a seal and its passphrase. Out: the private key, its certificate, and the chain in order.
//! Old exports (RC2 and the like) need OpenSSL's legacy provider, which is loaded for the reading of such a file alone.

use super::secret::Passphrase;
use crate::engine::{Error, Result};
use crate::service::config::SealSettings;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::{Id, PKey, Private};
use openssl::provider::Provider;
use openssl::x509::X509;
use std::io::Read;
use std::path::Path;
use zeroize::Zeroizing;

/// A private key with its certificate and what certifies that.
pub struct KeyFile {
    /// The private key.
    pub(super) key: PKey<Private>,
    /// The certificate of the key, then its issuer, and so on up, then whatever else the file holds.
    pub(super) certificates: Vec<X509>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile")
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

/// The largest key file that is read.
const KEY_FILE_BYTES: u64 = 1 << 20;

impl KeyFile {
    /// Reads the files that the settings of a seal name.
    pub fn read(seal: &SealSettings) -> Result<Self> {
        let passphrase = Passphrase::of(seal)?;
        let name = seal.key.display().to_string();
        let bytes = read_file(&seal.key)?;
        let mut found = if is_pem(&bytes) {
            Parts::from_pem(&bytes, &passphrase, &name)?
        } else {
            Parts::from_pkcs12(&bytes, &passphrase, &name)?
        };
        if let Some(path) = &seal.certificate {
            found.certificates.extend(certificates(
                &read_file(path)?,
                &path.display().to_string(),
            )?);
        }
        found.matched(&name)
    }

    /// Reads a PKCS#12 file from memory; `name` names it in errors.
    pub fn from_pkcs12(der: &[u8], passphrase: &Passphrase, name: &str) -> Result<Self> {
        Parts::from_pkcs12(der, passphrase, name)?.matched(name)
    }

    /// Reads a PEM file with a key and its certificates from memory; `name` names it in errors.
    pub fn from_pem(pem: &[u8], passphrase: &Passphrase, name: &str) -> Result<Self> {
        Parts::from_pem(pem, passphrase, name)?.matched(name)
    }
}

/// What a file holds, before it is known to fit together.
struct Parts {
    key: PKey<Private>,
    certificates: Vec<X509>,
}

impl Parts {
    fn from_pkcs12(der: &[u8], passphrase: &Passphrase, name: &str) -> Result<Self> {
        let container = Pkcs12::from_der(der).map_err(|_| {
            Error::malformed(name.to_string(), "neither PKCS#12 nor PEM")
                .remedy("Give the seal's .p12 or .pfx file, or a PEM file.")
        })?;
        let parsed = match open(&container, passphrase) {
            Err(errors) if needs_legacy(&errors) => open_with_legacy(&container, passphrase, name)?,
            other => other.map_err(|errors| pkcs12_error(&errors, name))?,
        };
        let key = parsed.pkey.ok_or_else(|| no_key(name))?;
        let chain = parsed.ca.into_iter().flatten();
        Ok(Parts {
            key,
            certificates: parsed.cert.into_iter().chain(chain).collect(),
        })
    }

    fn from_pem(pem: &[u8], passphrase: &Passphrase, name: &str) -> Result<Self> {
        let encrypted = contains(pem, b"ENCRYPTED");
        if !contains(pem, b"PRIVATE KEY-----") {
            return Err(no_key(name));
        }
        // The callback answers even where there is no passphrase: otherwise OpenSSL would ask at the terminal.
        let key = PKey::private_key_from_pem_passphrase(pem, passphrase.reveal().as_bytes());
        let key = key.map_err(|_| match encrypted {
            true => wrong_passphrase(name),
            false => Error::malformed(name.to_string(), "the private key is damaged"),
        })?;
        Ok(Parts {
            key,
            certificates: pem_certificates(pem, name)?,
        })
    }

    /// Checks that the key may seal and that one certificate is its own, and puts the chain in order.
    fn matched(mut self, name: &str) -> Result<KeyFile> {
        check_strength(&self.key, name)?;
        let own = self
            .certificates
            .iter()
            .position(|c| c.public_key().is_ok_and(|k| k.public_eq(&self.key)))
            .ok_or_else(|| no_certificate(&self.certificates, name))?;
        let mut chain = vec![self.certificates.swap_remove(own)];
        while let Some(next) = chain.last().and_then(|last| self.issuer_of(last)) {
            chain.push(self.certificates.swap_remove(next));
        }
        chain.append(&mut self.certificates);
        Ok(KeyFile {
            key: self.key,
            certificates: chain,
        })
    }

    fn issuer_of(&self, certificate: &X509) -> Option<usize> {
        self.certificates
            .iter()
            .position(|c| c.issued(certificate) == openssl::x509::X509VerifyResult::OK)
    }
}

fn open(
    container: &Pkcs12,
    passphrase: &Passphrase,
) -> std::result::Result<ParsedPkcs12_2, ErrorStack> {
    container.parse2(passphrase.reveal())
}

/// Opens a container whose algorithms OpenSSL keeps in its legacy provider, and unloads that again.
fn open_with_legacy(
    container: &Pkcs12,
    passphrase: &Passphrase,
    name: &str,
) -> Result<ParsedPkcs12_2> {
    let legacy = Provider::try_load(None, "legacy", true).map_err(|_| {
        Error::unsupported(
            name.to_string(),
            "encrypted with RC2 or another algorithm of old exports, which this build leaves out",
        )
        .remedy("Export it again with AES: `openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW`.")
    })?;
    let opened = open(container, passphrase).map_err(|errors| pkcs12_error(&errors, name));
    drop(legacy);
    opened
}

/// `ERR_R_UNSUPPORTED`: an algorithm that no loaded provider has.
fn needs_legacy(errors: &ErrorStack) -> bool {
    errors
        .errors()
        .iter()
        .any(|e| e.reason().is_some_and(|r| r.contains("unsupported")))
}

fn pkcs12_error(errors: &ErrorStack, name: &str) -> Error {
    let wrong = errors.errors().iter().any(|e| {
        e.reason().is_some_and(|r| {
            r == "mac verify failure" || r == "bad decrypt" || r == "pkcs12 cipherfinal error"
        })
    });
    if wrong {
        return wrong_passphrase(name);
    }
    Error::malformed(name.to_string(), "the PKCS#12 container is damaged")
}

fn wrong_passphrase(name: &str) -> Error {
    Error::refused(name.to_string(), "the passphrase is wrong")
        .remedy("Check the file or the variable that passphrase_file or passphrase_env names.")
}

fn no_key(name: &str) -> Error {
    Error::invalid(name.to_string(), "holds no private key")
        .remedy("Export the certificate together with its private key.")
}

fn no_certificate(certificates: &[X509], name: &str) -> Error {
    let problem = match certificates.len() {
        0 => "no certificate stands beside the key".to_string(),
        n => format!("none of the {n} certificates belongs to the private key"),
    };
    Error::invalid(name.to_string(), problem)
        .remedy("Give the certificate of this very key, in the key file or as `certificate`.")
}

/// Seals of short keys would be refused by whoever checks them (ETSI TS 119 312: RSA of 2048 bits or more).
fn check_strength(key: &PKey<Private>, name: &str) -> Result<()> {
    let usable = match key.id() {
        Id::RSA | Id::RSA_PSS => key.bits() >= 2048,
        Id::EC => key.ec_key().is_ok_and(|k| {
            matches!(
                k.group().curve_name(),
                Some(
                    Nid::X9_62_PRIME256V1
                        | Nid::SECP384R1
                        | Nid::SECP521R1
                        | Nid::BRAINPOOL_P256R1
                        | Nid::BRAINPOOL_P384R1
                        | Nid::BRAINPOOL_P512R1
                )
            )
        }),
        Id::ED25519 | Id::ED448 => true,
        _ => false,
    };
    if usable {
        return Ok(());
    }
    Err(Error::unsupported(
        name.to_string(),
        format!(
            "a key of {} bits of a kind that seals are not made with",
            key.bits()
        ),
    )
    .remedy("Use RSA of 2048 bits or more, P-256, P-384, P-521, brainpoolP256r1, P384r1 or P512r1, Ed25519 or Ed448."))
}

fn certificates(bytes: &[u8], name: &str) -> Result<Vec<X509>> {
    if is_pem(bytes) {
        return pem_certificates(bytes, name);
    }
    X509::from_der(bytes)
        .map(|certificate| vec![certificate])
        .map_err(|_| Error::malformed(name.to_string(), "not a certificate in PEM or DER"))
}

fn pem_certificates(pem: &[u8], name: &str) -> Result<Vec<X509>> {
    if !contains(pem, b"-----BEGIN CERTIFICATE-----") {
        return Ok(Vec::new());
    }
    X509::stack_from_pem(pem)
        .map_err(|_| Error::malformed(name.to_string(), "one of the certificates is damaged"))
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let name = || path.display().to_string();
    let failed = |error: std::io::Error| Error::invalid(name(), format!("cannot be read: {error}"));
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 << 10));
    file.take(KEY_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > KEY_FILE_BYTES {
        return Err(Error::limit(
            name(),
            "larger than 1 MiB, which no key file is",
        ));
    }
    Ok(bytes)
}

fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}

#[cfg(test)]
pub(in crate::service) mod tests {
    use super::*;
    use openssl::asn1::Asn1Time;
    use openssl::bn::BigNum;
    use openssl::ec::{EcGroup, EcKey};
    use openssl::hash::MessageDigest;
    use openssl::rsa::Rsa;
    use openssl::stack::Stack;
    use openssl::symm::Cipher;
    use openssl::x509::X509NameBuilder;

    pub(in crate::service) fn p256() -> PKey<Private> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
    }

    pub(in crate::service) fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
    }

    /// A certificate for `key`, valid from 2026 to 2028, issued by `issuer` or by itself.
    pub(in crate::service) fn certificate(
        name: &str,
        key: &PKey<Private>,
        issuer: Option<(&X509, &PKey<Private>)>,
    ) -> X509 {
        let mut subject = X509NameBuilder::new().unwrap();
        subject.append_entry_by_text("CN", name).unwrap();
        let subject = subject.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        let serial = BigNum::from_u32(7).unwrap().to_asn1_integer().unwrap();
        builder.set_serial_number(&serial).unwrap();
        builder.set_subject_name(&subject).unwrap();
        builder
            .set_issuer_name(issuer.map_or(&*subject, |(c, _)| c.subject_name()))
            .unwrap();
        let day = |text| Asn1Time::from_str_x509(text).unwrap();
        builder.set_not_before(&day("20260101000000Z")).unwrap();
        builder.set_not_after(&day("20280101000000Z")).unwrap();
        builder.set_pubkey(key).unwrap();
        let signer = issuer.map_or(key, |(_, k)| k);
        let digest = match signer.id() {
            Id::ED25519 | Id::ED448 => MessageDigest::null(),
            _ => MessageDigest::sha256(),
        };
        builder.sign(signer, digest).unwrap();
        builder.build()
    }

    fn pkcs12(key: &PKey<Private>, certificates: &[&X509], passphrase: &str) -> Vec<u8> {
        let mut chain = Stack::new().unwrap();
        for certificate in &certificates[1..] {
            chain.push((*certificate).clone()).unwrap();
        }
        let mut builder = Pkcs12::builder();
        builder.pkey(key).cert(certificates[0]).ca(chain);
        builder.build2(passphrase).unwrap().to_der().unwrap()
    }

    fn subjects(file: &KeyFile) -> Vec<String> {
        let name = |c: &X509| {
            let entry = c.subject_name().entries().last().unwrap();
            entry.data().to_string().unwrap()
        };
        file.certificates.iter().map(name).collect()
    }

    #[test]
    fn the_chain_is_put_in_order_from_pkcs12_and_from_pem() {
        let (root_key, issuing_key, seal_key) = (p256(), p256(), p256());
        let root = certificate("root", &root_key, None);
        let issuing = certificate("issuing", &issuing_key, Some((&root, &root_key)));
        let seal = certificate("seal", &seal_key, Some((&issuing, &issuing_key)));
        let der = pkcs12(&seal_key, &[&seal, &root, &issuing], "ñandú");
        let file = KeyFile::from_pkcs12(&der, &Passphrase::new("ñandú"), "seal.p12").unwrap();
        assert_eq!(subjects(&file), ["seal", "issuing", "root"]);

        let mut pem = root.to_pem().unwrap();
        pem.extend(seal.to_pem().unwrap());
        pem.extend(seal_key.private_key_to_pem_pkcs8().unwrap());
        pem.extend(issuing.to_pem().unwrap());
        let file = KeyFile::from_pem(&pem, &Passphrase::default(), "seal.pem").unwrap();
        assert_eq!(subjects(&file), ["seal", "issuing", "root"]);
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_a_damaged_file() {
        let key = p256();
        let own = certificate("seal", &key, None);
        let der = pkcs12(&key, &[&own], "right");
        let read =
            |der: &[u8], word: &str| KeyFile::from_pkcs12(der, &Passphrase::new(word), "seal.p12");
        assert!(read(&der, "right").is_ok());
        for wrong in ["wrong", "", "right\u{1F512}"] {
            let error = read(&der, wrong).unwrap_err();
            assert_eq!(error.problem(), "the passphrase is wrong", "{wrong:?}");
        }
        assert!(
            read(&der[..der.len() - 9], "right")
                .unwrap_err()
                .problem()
                .contains("neither")
        );
        assert!(read(b"", "right").is_err());

        let mut pem = key
            .private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"right")
            .unwrap();
        pem.extend(own.to_pem().unwrap());
        let read = |word: &str| KeyFile::from_pem(&pem, &Passphrase::new(word), "seal.pem");
        assert!(read("right").is_ok());
        for wrong in ["wrong", ""] {
            assert_eq!(
                read(wrong).unwrap_err().problem(),
                "the passphrase is wrong"
            );
        }
    }

    #[test]
    fn a_key_without_its_own_certificate_is_refused() {
        let (key, other) = (p256(), p256());
        let mut pem = key.private_key_to_pem_pkcs8().unwrap();
        let read = |pem: &[u8]| KeyFile::from_pem(pem, &Passphrase::default(), "seal.pem");
        assert!(read(&pem).unwrap_err().problem().contains("no certificate"));
        pem.extend(certificate("other", &other, None).to_pem().unwrap());
        assert!(
            read(&pem)
                .unwrap_err()
                .problem()
                .contains("none of the 1 certificates")
        );
        let alone = certificate("other", &other, None).to_pem().unwrap();
        assert!(
            read(&alone)
                .unwrap_err()
                .problem()
                .contains("no private key")
        );
    }

    #[test]
    fn short_and_unusual_keys_are_refused() {
        let read = |key: PKey<Private>| {
            let mut pem = key.private_key_to_pem_pkcs8().unwrap();
            pem.extend(certificate("seal", &key, None).to_pem().unwrap());
            KeyFile::from_pem(&pem, &Passphrase::default(), "seal.pem")
        };
        assert!(read(rsa(1024)).unwrap_err().problem().contains("1024 bits"));
        assert!(read(rsa(2048)).is_ok());
        assert!(read(PKey::generate_ed25519().unwrap()).is_ok());
    }

    /// RC2-40 over the certificates, as Windows and Firefox exported for years (testdata/keys/README.md).
    #[test]
    fn an_old_export_opens_or_says_how_to_renew_it() {
        let der = include_bytes!("../../../testdata/keys/legacy-rc2.p12");
        let read = |word| KeyFile::from_pkcs12(der, &Passphrase::new(word), "old.p12");
        match Provider::try_load(None, "legacy", true) {
            Ok(_) => {
                assert_eq!(subjects(&read("legacy").unwrap()), ["Legacy PKCS12"]);
                assert_eq!(
                    read("wrong").unwrap_err().problem(),
                    "the passphrase is wrong"
                );
            }
            Err(_) => {
                let error = read("legacy").unwrap_err();
                assert_eq!(error.kind(), crate::engine::ErrorKind::Unsupported);
                assert!(error.remedy_text().unwrap().contains("-legacy"));
            }
        }
    }
}
