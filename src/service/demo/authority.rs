//! What the demo's provider answers: time-stamps, OCSP, lists and certificates, as bytes to bytes.
//!
//! Its state is the folder that `pki` makes: the certificates there are the ones it issued, and `ca.crl` says which of
//! them are revoked.

use super::pki::{Dates, LIST_ON_DISK, Plan, list, make, write_list};
use crate::engine::authority::crl::Revoked;
use crate::engine::authority::ocsp::{self, IdentifiedBy, Responder};
use crate::engine::authority::timestamp::{self, Authority};
use crate::engine::crypto::{DigestAlgorithm, SignatureInput, Signer};
use crate::engine::pki::ocsp::CertStatus;
use crate::engine::pki::{Certificate, CertificateList, RevocationList, Validity};
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::authority::serial_number;
use crate::service::keys::{FileSigner, random};
use openssl::pkey::PKey;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The policy of the demo's time-stamps: best practices of EN 319 421 §5.2.
pub const TIMESTAMP_POLICY: Oid = Oid::new(&[0, 4, 0, 2023, 1, 1]);

const ISSUED: &[&str] = &[
    "tsa",
    "ocsp",
    "website",
    "seal",
    "seal-p256",
    "citizen",
    "employee",
    "revoked",
    "expired",
    "future",
];

/// A list that is served is made anew after this time.
const LIST_REMADE: Duration = Duration::from_secs(60);
/// How long a list or an OCSP answer that is served is good.
const ANSWER_GOOD: Duration = Duration::from_secs(86_400);

/// A key of the provider with its certificate.
struct Service {
    certificate: Certificate,
    signer: FileSigner,
}

/// The demo's provider.
pub struct DemoAuthority {
    folder: PathBuf,
    certificates: BTreeMap<&'static str, Certificate>,
    root: Service,
    ca: Service,
    tsa: Service,
    responder: Service,
    revoked: Vec<Revoked>,
    lists: Mutex<BTreeMap<&'static str, (Time, Vec<u8>)>>,
}

impl fmt::Debug for DemoAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoAuthority({})", self.folder.display())
    }
}

impl DemoAuthority {
    /// Opens the folder that [`make`](super::make) made.
    pub fn open(folder: &Path) -> Result<DemoAuthority> {
        let mut certificates = BTreeMap::new();
        for name in ["root", "ca"].iter().chain(ISSUED) {
            certificates.insert(*name, read_certificate(folder, name)?);
        }
        let service = |name| service(folder, name, &certificates[name]);
        let (root, ca) = (service("root")?, service("ca")?);
        let (tsa, responder) = (service("tsa")?, service("ocsp")?);
        Ok(DemoAuthority {
            revoked: read_revoked(folder, &certificates, &ca.certificate)?,
            folder: folder.into(),
            root,
            ca,
            tsa,
            responder,
            certificates,
            lists: Mutex::default(),
        })
    }

    /// Opens `folder`, or makes it where it is not there yet, for a service that answers at `base_url` (without a slash at
    /// the end). Lists on disk that are older than a day are issued anew.
    pub fn open_or_make(folder: &Path, base_url: &str, now: Time) -> Result<DemoAuthority> {
        if !folder.exists() {
            let plan = Plan {
                base_url: base_url.into(),
                passphrase: hex(&random::<16>()?),
                dates: Dates::around(now),
            };
            make(folder, &plan)?;
        }
        let authority = DemoAuthority::open(folder)?;
        if authority.base_url() != Some(base_url) {
            return Err(Error::new(
                ErrorKind::Conflict,
                folder.display().to_string(),
                format!(
                    "its certificates point to {}, not to {base_url}",
                    authority.base_url().unwrap_or("nowhere")
                ),
            )
            .remedy("Listen there, or give the demo another data directory."));
        }
        let list = CertificateList::from_pem_or_der(&read(&folder.join("ca.crl"))?)?;
        if now.since(list.this_update()) > ANSWER_GOOD {
            authority.refresh_lists(now)?;
        }
        Ok(authority)
    }

    /// The URL that the certificates were made for, without what follows `/demo/`.
    pub fn base_url(&self) -> Option<&str> {
        let uri = self.certificates.get("seal")?.ocsp_uris().next()?;
        uri.split_once("/demo/").map(|(base, _)| base)
    }

    /// The certificate of this name as DER: `root`, `ca`, `tsa`, `seal` and so on.
    pub fn certificate(&self, name: &str) -> Option<&Certificate> {
        self.certificates.get(name)
    }

    /// The `TimeStampResp` to a `TimeStampReq`.
    pub fn timestamp(&self, request: &[u8], now: Time) -> Result<Vec<u8>> {
        let authority = Authority {
            certificate: &self.tsa.certificate,
            chain: std::slice::from_ref(&self.ca.certificate),
            signer: &self.tsa.signer,
            policies: &[TIMESTAMP_POLICY],
            digests: timestamp::DIGESTS,
            accuracy: Some(Duration::from_secs(1)),
            ordering: false,
            named: false,
            qualified: false,
            reference: DigestAlgorithm::Sha256,
        };
        let serial = serial_number()?;
        Ok(timestamp::answer(request, &authority, &serial, || Some(now)).response)
    }

    /// The `OCSPResponse` to an `OCSPRequest` about certificates of the issuing CA.
    pub fn ocsp(&self, request: &[u8], now: Time) -> Result<Vec<u8>> {
        self.ocsp_good_for(request, now, ANSWER_GOOD)
    }

    /// The same, good for `lifetime`.
    pub fn ocsp_good_for(&self, request: &[u8], now: Time, lifetime: Duration) -> Result<Vec<u8>> {
        let responder = Responder {
            issuer: &self.ca.certificate,
            certificate: &self.responder.certificate,
            signer: &self.responder.signer,
            identified_by: IdentifiedBy::Key,
            lifetime,
        };
        ocsp::answer(request, &responder, &|serial| self.status(serial), now)
    }

    fn status(&self, serial: &[u8]) -> CertStatus {
        if let Some(entry) = self.revoked.iter().find(|entry| entry.serial == serial) {
            return CertStatus::Revoked {
                time: entry.time,
                reason: entry.reason,
            };
        }
        let issued = ISSUED.iter().filter_map(|name| self.certificate(name));
        if issued.into_iter().any(|c| c.serial() == serial) {
            CertStatus::Good
        } else {
            CertStatus::Unknown
        }
    }

    /// The list of this name as DER, `root` or `ca`, at most a minute old.
    pub fn crl(&self, name: &str, now: Time) -> Result<Option<Vec<u8>>> {
        let (name, issuer, revoked) = match name {
            "root" => ("root", &self.root, &[][..]),
            "ca" => ("ca", &self.ca, self.revoked.as_slice()),
            _ => return Ok(None),
        };
        let now = now.truncated_to_seconds();
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, bytes)) = lists.get(name)
            && *made <= now
            && now.since(*made) < LIST_REMADE
        {
            return Ok(Some(bytes.clone()));
        }
        let span = Validity {
            not_before: now,
            not_after: now.plus(ANSWER_GOOD),
        };
        let bytes = list(&issuer.certificate, &issuer.signer, revoked, span)?;
        lists.insert(name, (now, bytes.clone()));
        Ok(Some(bytes))
    }

    /// Writes the lists on disk anew, good for thirty days from `now`.
    pub fn refresh_lists(&self, now: Time) -> Result<()> {
        let now = now.truncated_to_seconds();
        let span = Validity {
            not_before: now,
            not_after: now.plus(LIST_ON_DISK),
        };
        let (root, ca, folder) = (&self.root, &self.ca, &self.folder);
        write_list(folder, "root", &root.certificate, &root.signer, &[], span)?;
        write_list(
            folder,
            "ca",
            &ca.certificate,
            &ca.signer,
            &self.revoked,
            span,
        )
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| {
        Error::unavailable(
            path.display().to_string(),
            format!("cannot be read: {error}"),
        )
        .remedy("Give the demo a new data directory, or restore this one.")
    })
}

fn read_certificate(folder: &Path, name: &str) -> Result<Certificate> {
    let path = folder.join(format!("{name}.pem"));
    let mut found = Certificate::from_pem_or_der(&read(&path)?)?;
    Ok(found.swap_remove(0))
}

/// A key and its certificate, which must belong together.
fn service(folder: &Path, name: &str, certificate: &Certificate) -> Result<Service> {
    let path = folder.join(format!("{name}.key"));
    let element = path.display().to_string();
    let key = PKey::private_key_from_pem(&read(&path)?)
        .map_err(|_| Error::malformed(element.clone(), "is not a private key in PEM"))?;
    let signer = FileSigner::new(key, false, name)?;
    let value = signer.sign(b"proof of possession")?;
    let input = SignatureInput::Message(b"proof of possession");
    let own = certificate
        .public_key()?
        .verify(signer.algorithm(), input, &value.0);
    if !own {
        return Err(Error::malformed(
            element,
            format!("is not the key of {name}.pem"),
        ));
    }
    Ok(Service {
        certificate: certificate.clone(),
        signer,
    })
}

/// Which of the issued certificates the list on disk revokes.
fn read_revoked(
    folder: &Path,
    certificates: &BTreeMap<&'static str, Certificate>,
    ca: &Certificate,
) -> Result<Vec<Revoked>> {
    let path = folder.join("ca.crl");
    let list = CertificateList::from_pem_or_der(&read(&path)?)?;
    if !list.is_signed_by(ca.public_key()?) {
        return Err(Error::malformed(
            path.display().to_string(),
            "was not signed by ca.pem",
        ));
    }
    let mut revoked = Vec::new();
    for name in ISSUED {
        let serial = certificates[name].serial();
        if let Some(entry) = list.entry(ca.subject(), serial)? {
            revoked.push(Revoked {
                serial: serial.to_vec(),
                time: entry.revocation_date,
                reason: entry.reason,
            });
        }
    }
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::crl::RevocationReason;
    use crate::engine::pki::ocsp::{CertId, OcspResponse, request};
    use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
    use crate::service::config::SealSettings;
    use crate::service::keys::Seal;

    fn now() -> Time {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn made() -> (tempfile::TempDir, PathBuf, DemoAuthority) {
        let folder = tempfile::tempdir().unwrap();
        let pki = folder.path().join("pki");
        let plan = Plan {
            base_url: "http://127.0.0.1:8480".into(),
            passphrase: "contraseña".into(),
            dates: Dates::around(now()),
        };
        make(&pki, &plan).unwrap();
        assert_eq!(make(&pki, &plan).unwrap_err().kind(), ErrorKind::Conflict);
        let authority = DemoAuthority::open(&pki).unwrap();
        (folder, pki, authority)
    }

    fn asked(authority: &DemoAuthority, name: &str, at: Time) -> CertStatus {
        let certificate = authority.certificate(name).unwrap();
        let ca = authority.certificate("ca").unwrap();
        let id = CertId::new(certificate, ca, DigestAlgorithm::Sha256).unwrap();
        let answer = authority.ocsp(&request(&id, Some(&[5; 32])), at).unwrap();
        let answer = OcspResponse::from_der(&answer).unwrap();
        assert!(answer.is_signed_by(answer.certificates()[0].public_key().unwrap()));
        assert!(answer.certificates()[0].is_signed_by(ca.public_key().unwrap()));
        answer.response_for(certificate, ca).unwrap().status
    }

    #[test]
    fn what_is_made_works_and_is_the_same_when_it_is_opened_again() {
        let (_folder, pki, authority) = made();
        assert_eq!(authority.base_url(), Some("http://127.0.0.1:8480"));
        for name in ["seal.p12", "seal-p256.p12", "citizen.p12", "employee.p12"] {
            let settings: SealSettings = toml::from_str(&format!(
                "name = 'x'\nkey = '{}'\npassphrase_file = '{}'",
                pki.join(name).display(),
                pki.join("passphrase").display()
            ))
            .unwrap();
            let seal = Seal::load(&settings).unwrap();
            seal.check_usable(now()).unwrap();
            assert_eq!(seal.chain.len(), 2);
            assert!(
                seal.certificate
                    .is_signed_by(seal.chain[0].public_key().unwrap())
            );
            assert!(seal.certificate.malformed().is_empty());
        }
        let serial = |a: &DemoAuthority| a.certificate("seal").unwrap().serial().to_vec();
        assert_eq!(
            serial(&DemoAuthority::open(&pki).unwrap()),
            serial(&authority)
        );
        for name in ["expired", "future"] {
            let validity = authority.certificate(name).unwrap().validity();
            assert!(
                validity.not_after < now() || validity.not_before > now(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_second_run_reuses_the_first_and_keeps_its_lists_fresh() {
        let folder = tempfile::tempdir().unwrap();
        let pki = folder.path().join("data/pki");
        let open = |base, at| DemoAuthority::open_or_make(&pki, base, at);
        let first = open("http://127.0.0.1:8480", now()).unwrap();
        let later = now().plus(Duration::from_secs(2 * 86_400));
        let second = open("http://127.0.0.1:8480", later).unwrap();
        assert_eq!(first.certificates, second.certificates);
        let list = CertificateList::from_der(&fs::read(pki.join("ca.crl")).unwrap()).unwrap();
        assert_eq!(list.this_update(), later);
        let error = open("http://127.0.0.1:9999", later).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.problem().contains("8480"), "{error}");
        let passphrase = fs::read_to_string(pki.join("passphrase")).unwrap();
        assert_eq!(passphrase.trim().len(), 32);
    }

    #[test]
    #[cfg(unix)]
    fn keys_and_passphrase_are_their_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let (_folder, pki, _) = made();
        let mut private = 0;
        for entry in fs::read_dir(&pki).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let secret = name.ends_with(".key") || name.ends_with(".p12") || name == "passphrase";
            let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
            assert_eq!(mode == 0, secret, "{name}");
            private += usize::from(secret);
        }
        assert_eq!(private, 13);
    }

    #[test]
    fn the_revoked_is_revoked_by_both_ways_and_lists_are_made_anew() {
        let (_folder, pki, authority) = made();
        assert_eq!(asked(&authority, "seal", now()), CertStatus::Good);
        assert_eq!(asked(&authority, "root", now()), CertStatus::Unknown);
        let revoked = CertStatus::Revoked {
            time: now(),
            reason: Some(RevocationReason::KeyCompromise),
        };
        assert_eq!(asked(&authority, "revoked", now()), revoked);
        let list = |at| {
            let bytes = authority.crl("ca", at).unwrap().unwrap();
            CertificateList::from_der(&bytes).unwrap()
        };
        let entry = |serial: &[u8], at| {
            let list = list(at);
            list.entry(list.issuer(), serial).unwrap()
        };
        let later = now().plus(Duration::from_secs(30));
        assert_eq!(list(now()).this_update(), list(later).this_update());
        let later = now().plus(Duration::from_secs(61));
        assert_eq!(list(later).this_update(), later);
        let serial = authority.certificate("revoked").unwrap().serial();
        assert!(entry(serial, later).is_some());
        let serial = authority.certificate("seal").unwrap().serial();
        assert_eq!(entry(serial, later), None);
        assert!(authority.crl("../ca", now()).unwrap().is_none());

        let month = now().plus(Duration::from_secs(30 * 86_400));
        authority.refresh_lists(month).unwrap();
        let disk = CertificateList::from_der(&fs::read(pki.join("ca.crl")).unwrap()).unwrap();
        assert_eq!(disk.this_update(), month);
        let again = DemoAuthority::open(&pki).unwrap();
        assert_eq!(asked(&again, "revoked", month), revoked);
    }

    #[test]
    fn time_stamps_are_given_and_no_two_have_one_serial() {
        let (_folder, _, authority) = made();
        let request = TimestampRequest {
            message_imprint: MessageImprint {
                algorithm: DigestAlgorithm::Sha256,
                digest: vec![1; 32],
            },
            policy: None,
            nonce: Some(vec![1]),
            certificates: true,
        };
        let stamp = || {
            let answer = authority.timestamp(&request.to_der(), now()).unwrap();
            let token = read_response(&answer, &request).unwrap();
            assert_eq!(token.tst_info().gen_time, now());
            assert_eq!(token.signed_data().certificates().len(), 2);
            token.tst_info().serial.clone()
        };
        assert_ne!(stamp(), stamp());
    }

    #[test]
    fn a_key_of_another_certificate_is_noticed() {
        let (_folder, pki, _) = made();
        fs::copy(pki.join("ocsp.key"), pki.join("tsa.key")).unwrap();
        let error = DemoAuthority::open(&pki).unwrap_err();
        assert!(
            error.problem().contains("not the key of tsa.pem"),
            "{error}"
        );
    }
}
