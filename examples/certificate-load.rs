//! Makes what `.ci/certificates.py` asks about: `certificate-load FOLDER URL GENERATIONS SECONDS LARGE MAKING`.
//!
//! A root, twenty authorities with fifty certificates each (`leaves`: base64 of DER, a line each), and for each generation
//! a list of each authority, one of them of LARGE entries, valid from its second on for two generations of SECONDS. The first one
//! begins MAKING seconds from now; when that is, is printed.

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::crl::{self, Revoked, ToBeListed};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::crypto::sha256;
use rubrica::engine::pki::extension::KeyUsage;
use rubrica::engine::pki::{Certificate, Validity};
use rubrica::engine::syntax::asn1::names;
use rubrica::engine::syntax::pem;
use rubrica::engine::{Error, Result, Time};
use rubrica::service::clock::{Clock, SystemClock};
use rubrica::service::keys::FileSigner;
use std::fs;
use std::path::Path;
use std::time::Duration;

const AUTHORITIES: u32 = 20;
const LEAVES: u32 = 50;
const SMALL: u32 = 10_000;

/// A key that signs, and the certificate for it.
struct Authority {
    signer: FileSigner,
    certificate: Certificate,
}

struct Key {
    private: PKey<Private>,
    spki: Vec<u8>,
}

fn key() -> Result<Key> {
    let make = || {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let private = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let spki = private.public_key_to_der()?;
        Ok::<_, openssl::error::ErrorStack>(Key { private, spki })
    };
    make().map_err(|_| Error::internal("key", "OpenSSL makes none"))
}

fn serial(of: &[u32]) -> Vec<u8> {
    let bytes: Vec<u8> = of.iter().flat_map(|n| n.to_be_bytes()).collect();
    let mut serial = sha256(&bytes)[..16].to_vec();
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn authority(number: u32, url: &str, now: Time, issuer: Option<&Authority>) -> Result<Authority> {
    let key = key()?;
    let signer = FileSigner::new(key.private.clone(), false, "authority")?;
    let mut extensions = vec![
        ext::basic_constraints(true, None),
        ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
        ext::subject_key_identifier(&key.spki)?,
    ];
    if issuer.is_some() {
        extensions.push(ext::crl_distribution_points(&[&format!("{url}/root.crl")]));
    }
    let certificate = ToBeIssued {
        serial: &serial(&[number]),
        subject: distinguished_name(&[(names::AT_COMMON_NAME, &format!("Authority {number}"))])?,
        validity: validity(now),
        public_key: &key.spki,
        extensions,
    };
    let certificate = match issuer {
        Some(root) => issue(&certificate, &root.certificate, &root.signer)?,
        None => issue_self_signed(&certificate, &signer)?,
    };
    Ok(Authority {
        signer,
        certificate,
    })
}

fn validity(now: Time) -> Validity {
    let day = Duration::from_secs(86_400);
    Validity {
        not_before: now.minus(day),
        not_after: now.plus(365 * day),
    }
}

fn leaf(
    of: u32,
    number: u32,
    url: &str,
    now: Time,
    issuer: &Authority,
    spki: &[u8],
) -> Result<String> {
    let common_name = format!("Person {number} of {of}");
    let leaf = ToBeIssued {
        serial: &serial(&[of, number, 0]),
        subject: distinguished_name(&[(names::AT_COMMON_NAME, &common_name)])?,
        validity: validity(now),
        public_key: spki,
        extensions: vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
            ext::extended_key_usage(&[names::ID_KP_CLIENT_AUTH], false),
            ext::crl_distribution_points(&[&format!("{url}/{of}.crl")]),
        ],
    };
    let certificate = issue(&leaf, &issuer.certificate, &issuer.signer)?;
    let text = pem::block("CERTIFICATE", certificate.bytes());
    Ok(text.lines().filter(|line| !line.starts_with('-')).collect())
}

fn list(
    of: u32,
    generation: u64,
    entries: u32,
    span: (Time, Time),
    issuer: &Authority,
) -> Result<Vec<u8>> {
    let revoked: Vec<Revoked> = (0..entries)
        .map(|entry| Revoked {
            serial: serial(&[of, entry, 1]),
            time: span.0,
            reason: None,
        })
        .collect();
    let list = ToBeListed {
        number: generation + 1,
        this_update: span.0,
        next_update: span.1,
        revoked: &revoked,
        scope: None,
    };
    Ok(crl::issue(&list, &issuer.certificate, &issuer.signer)?
        .bytes()
        .to_vec())
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)
        .map_err(|_| Error::unavailable(path.display().to_string(), "is not written"))
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, url, generations, seconds, large, making] = &arguments[..] else {
        return Err(Error::invalid(
            "arguments",
            "not FOLDER URL GENERATIONS SECONDS LARGE MAKING",
        ));
    };
    let number = |text: &String| {
        text.parse::<u64>()
            .map_err(|_| Error::invalid("arguments", "not numbers"))
    };
    let (generations, seconds, large) = (number(generations)?, number(seconds)?, number(large)?);
    let (folder, now) = (Path::new(folder), SystemClock.now().truncated_to_seconds());
    let begin = now.plus(Duration::from_secs(number(making)?));
    let root = authority(0, url, now, None)?;
    let year = (now, now.plus(Duration::from_secs(30 * 86_400)));
    write(
        &folder.join("root.pem"),
        pem::block("CERTIFICATE", root.certificate.bytes()).as_bytes(),
    )?;
    write(&folder.join("root.crl"), &list(0, 0, 0, year, &root)?)?;
    let (leaves_key, mut issuers, mut leaves) = (key()?, String::new(), String::new());
    for of in 1..=AUTHORITIES {
        let authority = authority(of, url, now, Some(&root))?;
        issuers += &pem::block("CERTIFICATE", authority.certificate.bytes());
        for number in 0..LEAVES {
            leaves += &leaf(of, number, url, now, &authority, &leaves_key.spki)?;
            leaves.push('\n');
        }
        let entries = if of == 1 { large as u32 } else { SMALL };
        for generation in 0..generations {
            let from = begin.plus(Duration::from_secs(seconds * generation));
            // The last one stays.
            let until = if generation + 1 == generations {
                year.1
            } else {
                from.plus(Duration::from_secs(2 * seconds))
            };
            let list = list(of, generation, entries, (from, until), &authority)?;
            write(&folder.join(format!("{of}.{generation}.crl")), &list)?;
        }
    }
    write(&folder.join("issuers.pem"), issuers.as_bytes())?;
    write(&folder.join("leaves"), leaves.as_bytes())?;
    println!("{}", begin.unix());
    Ok(())
}
