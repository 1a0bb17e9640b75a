//! Makes the demo's keys and certificates in a folder.
//!
//! | file | what |
//! |---|---|
//! | `root.pem`, `ca.pem`, `tsa.pem`, `ocsp.pem`, `website.pem` | certificates; each has its `.key` (PEM, PKCS#8) |
//! | `seal.p12`, `seal-p256.p12` | the seals of the sede: RSA-2048 of high level, P-256 of medium level |
//! | `citizen.p12`, `employee.p12` | people |
//! | `revoked.p12`, `expired.p12`, `future.p12` | citizens whose certificates are revoked, expired, not yet valid |
//! | `NAME.pem` | the certificate of each `.p12` |
//! | `root.crl`, `ca.crl` | revocation lists (DER), for use without the service |
//! | `passphrase` | the passphrase of every `.p12` |
//!
//! Keys and passphrase are readable by their owner only. The folder appears as a whole or not at all.

use super::profile::{Person, Places, Profile};
use crate::engine::authority::certificate::{ToBeIssued, issue, issue_self_signed};
use crate::engine::authority::crl::{self, Revoked, ToBeListed};
use crate::engine::authority::extension::subject_key_identifier;
use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::{Certificate, Validity};
use crate::engine::syntax::pem;
use crate::engine::{Error, Result, Time};
use crate::service::keys::{FileSigner, random};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::X509;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

/// How long the lists on disk are good, for whoever verifies without the service.
pub(super) const LIST_ON_DISK: Duration = Duration::from_secs(30 * 86_400);

/// What is to be made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where the service answers, without a slash at the end: what the certificates point to is under `/demo/` there.
    pub base_url: String,
    /// The passphrase of the PKCS#12 files.
    pub passphrase: String,
    /// What is valid when.
    pub dates: Dates,
}

/// What is valid when.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub struct Dates {
    pub root: Validity,
    pub ca: Validity,
    pub current: Validity,
    pub expired: Validity,
    pub future: Validity,
    /// When the revoked certificate was revoked.
    pub revoked: Time,
    /// `thisUpdate` and `nextUpdate` of the lists on disk.
    pub lists: Validity,
}

impl Dates {
    /// For a demo that begins `now`: the root for ten years, certificates for three.
    pub fn around(now: Time) -> Dates {
        let now = now.truncated_to_seconds();
        let span = |not_before, not_after| Validity {
            not_before,
            not_after,
        };
        let yesterday = now.minus(DAY);
        Dates {
            root: span(now.plus_years(-3), now.plus_years(10)),
            ca: span(now.plus_years(-3), now.plus_years(9)),
            current: span(yesterday, yesterday.plus_years(3)),
            expired: span(now.plus_years(-2), now.plus_years(-1)),
            future: span(now.plus_years(1), now.plus_years(4)),
            revoked: now,
            lists: span(now, now.plus(LIST_ON_DISK)),
        }
    }
}

/// What a key is made of.
#[derive(Clone, Copy)]
enum Kind {
    Rsa(u32),
    P256,
}

impl Kind {
    fn generate(self) -> Result<PKey<Private>, ErrorStack> {
        match self {
            Kind::Rsa(bits) => PKey::from_rsa(Rsa::generate(bits)?),
            Kind::P256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                PKey::from_ec_key(EcKey::generate(&group)?)
            }
        }
    }
}

/// Makes everything in `folder`, which must not exist yet.
pub fn make(folder: &Path, plan: &Plan) -> Result<()> {
    if folder.exists() {
        return Err(Error::new(
            crate::engine::ErrorKind::Conflict,
            folder.display().to_string(),
            "is there already; keys are never made over old ones",
        ));
    }
    let unfinished = folder.with_extension("unfinished");
    let failed = |error: std::io::Error| {
        Error::unavailable(
            folder.display().to_string(),
            format!("the demo's keys cannot be written: {error}"),
        )
    };
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(failed)?;
    }
    fs::create_dir_all(&unfinished).map_err(failed)?;
    Maker::new(&unfinished, plan)?.all()?;
    fs::rename(&unfinished, folder).map_err(failed)
}

/// A CA at work.
struct Ca {
    certificate: Certificate,
    signer: FileSigner,
}

struct Maker<'a> {
    folder: PathBuf,
    plan: &'a Plan,
    root: Ca,
    ca: Ca,
}

impl<'a> Maker<'a> {
    fn new(folder: &Path, plan: &'a Plan) -> Result<Self> {
        let (places, dates) = (Places(&plan.base_url), plan.dates);
        let root = authority(folder, "root", Places::root()?, dates.root, None)?;
        let ca = authority(folder, "ca", places.issuing_ca()?, dates.ca, Some(&root))?;
        Ok(Maker {
            folder: folder.into(),
            plan,
            root,
            ca,
        })
    }

    fn all(&self) -> Result<()> {
        let (places, dates) = (Places(&self.plan.base_url), self.plan.dates);
        let current = dates.current;
        self.service("tsa", places.tsa()?)?;
        self.service("ocsp", places.ocsp_responder()?)?;
        self.service("website", places.website()?)?;
        let rsa = Kind::Rsa(2048);
        let seal = "SELLO DE LA SEDE ELECTRÓNICA (DEMO)";
        self.person("seal", rsa, places.seal(seal, true)?, current)?;
        let second = "SELLO DEL REGISTRO ELECTRÓNICO (DEMO)";
        self.person(
            "seal-p256",
            Kind::P256,
            places.seal(second, false)?,
            current,
        )?;
        self.person("citizen", rsa, places.citizen(&CITIZEN)?, current)?;
        self.person("employee", rsa, places.employee(&EMPLOYEE)?, current)?;
        let revoked = self.person("revoked", Kind::P256, places.citizen(&REVOKED)?, current)?;
        self.person(
            "expired",
            Kind::P256,
            places.citizen(&EXPIRED)?,
            dates.expired,
        )?;
        self.person("future", Kind::P256, places.citizen(&FUTURE)?, dates.future)?;
        let revoked = Revoked {
            serial: revoked.serial().to_vec(),
            time: dates.revoked,
            reason: Some(RevocationReason::KeyCompromise),
        };
        write_list(
            &self.folder,
            "root",
            &self.root.certificate,
            &self.root.signer,
            &[],
            dates.lists,
        )?;
        write_list(
            &self.folder,
            "ca",
            &self.ca.certificate,
            &self.ca.signer,
            &[revoked],
            dates.lists,
        )?;
        let passphrase = format!("{}\n", self.plan.passphrase);
        write(&self.folder.join("passphrase"), passphrase.as_bytes(), true)
    }

    /// A certificate of the issuing CA for a new key.
    fn certify(
        &self,
        key: &PKey<Private>,
        profile: Profile,
        validity: Validity,
    ) -> Result<Certificate> {
        certify(key, profile, validity, Some(&self.ca), &self.ca.signer)
    }

    /// One of the provider's own services: certificate and key apart.
    fn service(&self, name: &str, profile: Profile) -> Result<()> {
        let key = Kind::P256.generate().map_err(openssl_error)?;
        let certificate = self.certify(&key, profile, self.plan.dates.current)?;
        write_certificate(&self.folder, name, &certificate)?;
        write_key(&self.folder, name, &key)
    }

    /// A seal or a person: PKCS#12 with the chain, and the certificate alone.
    fn person(
        &self,
        name: &str,
        kind: Kind,
        profile: Profile,
        validity: Validity,
    ) -> Result<Certificate> {
        let key = kind.generate().map_err(openssl_error)?;
        let certificate = self.certify(&key, profile, validity)?;
        write_certificate(&self.folder, name, &certificate)?;
        let p12 = self
            .pkcs12(name, &key, &certificate)
            .map_err(openssl_error)?;
        write(&self.folder.join(format!("{name}.p12")), &p12, true)?;
        Ok(certificate)
    }

    fn pkcs12(
        &self,
        name: &str,
        key: &PKey<Private>,
        certificate: &Certificate,
    ) -> Result<Vec<u8>, ErrorStack> {
        let mut chain = Stack::new()?;
        chain.push(X509::from_der(self.ca.certificate.bytes())?)?;
        chain.push(X509::from_der(self.root.certificate.bytes())?)?;
        let certificate = X509::from_der(certificate.bytes())?;
        let mut builder = Pkcs12::builder();
        builder.name(name).pkey(key).cert(&certificate).ca(chain);
        builder.build2(&self.plan.passphrase)?.to_der()
    }
}

const CITIZEN: Person = Person {
    given_name: "MARÍA",
    surnames: ["ESPAÑOL", "IBÁÑEZ"],
    number: "99999999R",
};
const EMPLOYEE: Person = Person {
    given_name: "NÚRIA",
    surnames: ["FUNCIONARIA", "COL·LELL"],
    number: "12345678Z",
};
const REVOKED: Person = Person {
    given_name: "JUAN",
    surnames: ["REVOCADO", "REVOCADO"],
    number: "00000000T",
};
const EXPIRED: Person = Person {
    given_name: "ANA",
    surnames: ["CADUCADA", "CADUCADA"],
    number: "X1234567L",
};
const FUTURE: Person = Person {
    given_name: "EVA",
    surnames: ["FUTURA", "FUTURA"],
    number: "Y1234567X",
};

fn authority(
    folder: &Path,
    name: &str,
    profile: Profile,
    validity: Validity,
    issuer: Option<&Ca>,
) -> Result<Ca> {
    let key = Kind::Rsa(3072).generate().map_err(openssl_error)?;
    let signer = FileSigner::new(key.clone(), false, name)?;
    let certificate = certify(
        &key,
        profile,
        validity,
        issuer,
        issuer.map_or(&signer, |ca| &ca.signer),
    )?;
    write_certificate(folder, name, &certificate)?;
    write_key(folder, name, &key)?;
    Ok(Ca {
        certificate,
        signer,
    })
}

/// A certificate for `key` of a random serial number of 127 bits.
fn certify(
    key: &PKey<Private>,
    profile: Profile,
    validity: Validity,
    issuer: Option<&Ca>,
    signer: &FileSigner,
) -> Result<Certificate> {
    let spki = key.public_key_to_der().map_err(openssl_error)?;
    let mut serial = random::<16>()?;
    serial[0] = serial[0] & 0x7f | 0x40;
    let mut extensions = profile.extensions;
    extensions.push(subject_key_identifier(&spki)?);
    let certificate = ToBeIssued {
        serial: &serial,
        subject: profile.subject,
        validity,
        public_key: &spki,
        extensions,
    };
    match issuer {
        Some(ca) => issue(&certificate, &ca.certificate, signer),
        None => issue_self_signed(&certificate, signer),
    }
}

/// A list whose number is the second of its issue, so that numbers grow over restarts.
pub(super) fn list(
    issuer: &Certificate,
    signer: &FileSigner,
    revoked: &[Revoked],
    span: Validity,
) -> Result<Vec<u8>> {
    let list = ToBeListed {
        number: u64::try_from(span.not_before.unix()).unwrap_or(1),
        this_update: span.not_before,
        next_update: span.not_after,
        revoked,
        scope: None,
    };
    Ok(crl::issue(&list, issuer, signer)?.bytes().to_vec())
}

pub(super) fn write_list(
    folder: &Path,
    name: &str,
    issuer: &Certificate,
    signer: &FileSigner,
    revoked: &[Revoked],
    span: Validity,
) -> Result<()> {
    let bytes = list(issuer, signer, revoked, span)?;
    let path = folder.join(format!("{name}.crl"));
    // Renamed into place: whoever reads the old list meanwhile reads it whole.
    let next = path.with_extension("crl.new");
    write(&next, &bytes, false)?;
    fs::rename(&next, &path).map_err(|error| unwritable(&path, &error))
}

fn write_certificate(folder: &Path, name: &str, certificate: &Certificate) -> Result<()> {
    let text = pem::block("CERTIFICATE", certificate.bytes());
    write(&folder.join(format!("{name}.pem")), text.as_bytes(), false)
}

fn write_key(folder: &Path, name: &str, key: &PKey<Private>) -> Result<()> {
    let text = key.private_key_to_pem_pkcs8().map_err(openssl_error)?;
    write(&folder.join(format!("{name}.key")), &text, true)
}

/// Writes a file; a private one is its owner's alone from its first byte on.
fn write(path: &Path, bytes: &[u8], private: bool) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if private { 0o600 } else { 0o644 });
    let _ = private;
    let file = options.open(path);
    file.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::unavailable(
        path.display().to_string(),
        format!("cannot be written: {error}"),
    )
}

fn openssl_error(errors: ErrorStack) -> Error {
    let reason = errors.errors().first().and_then(|e| e.reason());
    Error::internal(
        "demo keys",
        format!("OpenSSL fails: {}", reason.unwrap_or("no reason given")),
    )
}
