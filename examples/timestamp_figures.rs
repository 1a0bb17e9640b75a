//! The figures of time-stamps on this machine: answers of the authority, and checks of their tokens, each on one core and
//! beside the raw operation of the same run.
//!
//! `cargo run --release --example timestamp_figures [FOLDER]`. With a folder the tokens, their content and their root are left
//! there, for other programs to be measured with (`.ci/timestamp_peers.py`).

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::authority::timestamp::{Authority, DIGESTS, answer};
use rubrica::engine::crypto::{DigestAlgorithm, SignatureInput, Signer, sha256};
use rubrica::engine::pki::extension::KeyUsage;
use rubrica::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, Validity};
use rubrica::engine::syntax::asn1::{Oid, names};
use rubrica::engine::syntax::pem;
use rubrica::engine::{Error, Result, Time};
use rubrica::service::authority::serial_number;
use rubrica::service::clock::{Clock, SystemClock};
use rubrica::service::keys::FileSigner;
use rubrica::service::sources::{check_token, path_of};
use std::path::Path;
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_millis(1500);
const POLICY: Oid = Oid::new(&[0, 4, 0, 2023, 1, 1]);

/// Milliseconds of one call: the median of as many as fit, after a warm-up.
fn measure(mut call: impl FnMut()) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < EACH / 5 {
        call();
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < EACH {
        let one = Instant::now();
        call();
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A unit with its issuers: root, then the authority between.
struct Unit {
    certificate: Certificate,
    authority: Certificate,
    root: Certificate,
    signer: FileSigner,
}

fn key(rsa: bool) -> Result<PKey<Private>> {
    let failed = |_| Error::internal("key", "cannot be made");
    if rsa {
        return Rsa::generate(2048).and_then(PKey::from_rsa).map_err(failed);
    }
    EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
        .and_then(|group| EcKey::generate(&group))
        .and_then(PKey::from_ec_key)
        .map_err(failed)
}

fn unit(rsa: bool, now: Time) -> Result<Unit> {
    let keys = [key(rsa)?, key(rsa)?, key(rsa)?];
    let signers: Vec<_> = keys
        .iter()
        .map(|key| FileSigner::new(key.clone(), false, "unit"))
        .collect::<Result<_>>()?;
    let spki = |at: usize| keys[at].public_key_to_der().unwrap_or_default();
    let spkis = [spki(0), spki(1), spki(2)];
    let authority = |length| -> Result<_> {
        Ok(vec![
            ext::basic_constraints(true, length),
            ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
        ])
    };
    let what = |at: usize, name: &str, extensions| -> Result<ToBeIssued<'_>> {
        Ok(ToBeIssued {
            serial: [&[1][..], &[2], &[3]][at],
            subject: distinguished_name(&[(names::AT_COMMON_NAME, name)])?,
            validity: Validity {
                not_before: now.plus_years(-1),
                not_after: now.plus_years(5),
            },
            public_key: &spkis[at],
            extensions: {
                let mut all: Vec<_> = extensions;
                all.push(ext::subject_key_identifier(&spkis[at])?);
                all
            },
        })
    };
    let root = issue_self_signed(&what(0, "Root", authority(None)?)?, &signers[0])?;
    let between = issue(&what(1, "CA", authority(Some(0))?)?, &root, &signers[0])?;
    let stamping = vec![
        ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
        ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
    ];
    let certificate = issue(&what(2, "TSU", stamping)?, &between, &signers[1])?;
    let [_, _, signer] = <[FileSigner; 3]>::try_from(signers)
        .map_err(|_| Error::internal("keys", "are not three"))?;
    Ok(Unit {
        certificate,
        authority: between,
        root,
        signer,
    })
}

fn figures(name: &str, unit: &Unit, folder: Option<&Path>, now: Time) -> Result<()> {
    let content = b"the figures of time-stamps";
    let request = TimestampRequest {
        message_imprint: MessageImprint {
            algorithm: DigestAlgorithm::Sha256,
            digest: sha256(content).to_vec(),
        },
        policy: None,
        nonce: Some(vec![0x41; 8]),
        certificates: true,
    };
    let asked = request.to_der();
    let authority = Authority {
        certificate: &unit.certificate,
        chain: std::slice::from_ref(&unit.authority),
        signer: &unit.signer,
        policies: &[POLICY],
        digests: DIGESTS,
        accuracy: Some(Duration::from_secs(1)),
        ordering: false,
        named: true,
        qualified: false,
        reference: DigestAlgorithm::Sha256,
    };
    let respond = || -> Result<Vec<u8>> {
        let serial = serial_number()?;
        Ok(answer(&asked, &authority, &serial, || Some(now)).response)
    };
    let response = respond()?;
    let anchors = Anchors::new([unit.root.clone()]);
    let check = || -> Result<bool> {
        let token = read_response(&response, &request)?;
        let certificate = check_token(&token)?;
        Ok(path_of(&certificate, &token, &anchors).is_some_and(|path| path.len() == 3))
    };
    if !check()? {
        return Err(Error::internal("token", "does not verify"));
    }
    let (message, algorithm) = ([7; 200], unit.signer.algorithm());
    let value = unit.signer.sign(&message)?;
    let public = unit.certificate.public_key()?;
    let raw_sign = measure(|| drop(unit.signer.sign(&message)));
    let raw_verify = measure(|| {
        std::hint::black_box(public.verify(algorithm, SignatureInput::Message(&message), &value.0));
    });
    let made = measure(|| drop(respond()));
    let checked = measure(|| drop(check()));
    println!(
        "{name:8}  answer {made:7.4} ms = {:6.0} per s and core, {:4.2} x its raw signature ({raw_sign:.4})",
        1e3 / made,
        made / raw_sign
    );
    println!(
        "{name:8}  token read, signature, path of 3 {checked:7.4} ms, {:4.2} x three raw verifications (one {raw_verify:.4})",
        checked / (3.0 * raw_verify)
    );
    if let Some(folder) = folder {
        let name = name.to_lowercase();
        let file = |suffix: &str| folder.join(format!("{name}.{suffix}"));
        let text = pem::block("CERTIFICATE", unit.root.bytes());
        for (suffix, bytes) in [
            ("tsq", &asked[..]),
            ("tsr", &response),
            ("bin", content),
            ("root.pem", text.as_bytes()),
        ] {
            std::fs::write(file(suffix), bytes)
                .map_err(|error| Error::unavailable("folder", error.to_string()))?;
        }
    }
    Ok(())
}

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1);
    let now = SystemClock.now();
    for (name, rsa) in [("RSA-2048", true), ("P-256", false)] {
        figures(
            name,
            &unit(rsa, now)?,
            folder.as_deref().map(Path::new),
            now,
        )?;
    }
    Ok(())
}
