//! A real responder, `openssl ocsp`, over the certificates of the test authority.

use super::program::{self, Program};
use super::*;
use rubrica::service::clock::SystemClock;
use rubrica::service::config::{NonceRule, OcspSettings};
use rubrica::service::sources::OcspQuestion;
use std::net::SocketAddr;

struct Responder {
    _program: Program,
    _folder: tempfile::TempDir,
    address: SocketAddr,
}

/// A responder that knows "seal" as good and "revoked" as revoked, and no other.
fn responder(authority: &DemoAuthority) -> Option<Responder> {
    let openssl = program::installed("openssl")?;
    let (folder, address) = (program::folder(), program::address());
    let serial = |name: &str| -> String {
        let certificate = authority.certificate(name).unwrap();
        certificate
            .serial()
            .iter()
            .map(|b| format!("{b:02X}"))
            .collect()
    };
    let index = format!(
        "V\t401231235959Z\t\t{}\tunknown\t/CN=seal\nR\t401231235959Z\t260101000000Z,keyCompromise\t{}\tunknown\t/CN=revoked\n",
        serial("seal"),
        serial("revoked")
    );
    std::fs::write(folder.path().join("index.txt"), index).unwrap();
    let at = |name: &str| pki().join(name).display().to_string();
    let index = folder.path().join("index.txt").display().to_string();
    let port = address.port().to_string();
    let (ca, signer, key) = (at("ca.pem"), at("ocsp.pem"), at("ocsp.key"));
    let arguments = [
        "ocsp",
        "-port",
        &port,
        "-index",
        &index,
        "-CA",
        &ca,
        "-rsigner",
        &signer,
        "-rkey",
        &key,
        "-ndays",
        "1",
        "-ignore_err",
    ];
    // It hangs on a connection that asks nothing, so that is not how to see whether it listens: a question is.
    let responder = Responder {
        _program: Program::start(&openssl, arguments, &[]),
        _folder: folder,
        address,
    };
    let question = OcspQuestion {
        url: format!("http://{address}/"),
        certificate: authority.certificate("seal").unwrap().clone(),
        issuer: authority.certificate("ca").unwrap().clone(),
        settings: OcspSettings::default(),
    };
    let (client, begun) = (Client::new(&settings()).unwrap(), Instant::now());
    while question.ask(&client, soon()).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "openssl ocsp is silent"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(responder)
}

#[test]
fn a_real_responder_says_good_revoked_and_unknown() {
    let authority = authority();
    let Some(responder) = responder(&authority) else {
        return;
    };
    let client = Client::new(&settings()).unwrap();
    for nonce in [NonceRule::Offered, NonceRule::Required, NonceRule::Never] {
        for sha256 in [false, true] {
            for (name, expected) in [
                ("seal", "good"),
                ("revoked", "revoked"),
                ("citizen", "unknown"),
            ] {
                let question = OcspQuestion {
                    url: format!("http://{}/", responder.address),
                    certificate: authority.certificate(name).unwrap().clone(),
                    issuer: authority.certificate("ca").unwrap().clone(),
                    settings: OcspSettings { nonce, sha256 },
                };
                let response = question.ask(&client, soon()).unwrap();
                let single = response
                    .response_for(&question.certificate, &question.issuer)
                    .unwrap();
                let status = match single.status {
                    CertStatus::Good => "good",
                    CertStatus::Revoked { .. } => "revoked",
                    CertStatus::Unknown => "unknown",
                };
                assert_eq!(status, expected, "{name} {nonce:?} {sha256}");
                assert_eq!(response.nonce().is_some(), nonce != NonceRule::Never);
            }
        }
    }
}

#[test]
fn answers_of_a_real_responder_are_kept_and_its_end_leads_to_the_list() {
    let authority = authority();
    let Some(responder) = responder(&authority) else {
        return;
    };
    let list = authority.crl("ca", now()).unwrap().unwrap();
    let web = Server::start(move |_| answer("200 OK", "application/pkix-crl", &list));
    let url = format!("http://{}/", responder.address);
    let (pool, want) = wanted(&authority, "revoked", &[url], &[web.url("/ca.crl")]);
    let make = || Sources::new(&settings(), Folder::default(), Arc::new(SystemClock)).unwrap();
    let sources = make();
    let first = sources.fetch(&want, &pool, soon()).unwrap();
    assert_eq!(first[0].kind, ObjectKind::OcspResponse);
    drop(responder);
    assert_eq!(sources.fetch(&want, &pool, soon()).unwrap(), first, "kept");
    let fetched = make().fetch(&want, &pool, soon()).unwrap();
    assert_eq!(fetched[0].kind, ObjectKind::CertificateRevocationList);
}

#[test]
fn the_command_line_tells_what_a_responder_says_and_exits_by_it() {
    let authority = authority();
    let Some(responder) = responder(&authority) else {
        return;
    };
    let at = |name: &str| pki().join(name).display().to_string();
    let url = format!("http://{}/", responder.address);
    let query = |certificate: &str, more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args([
                "ocsp",
                "query",
                &at(certificate),
                "--issuer",
                &at("ca.pem"),
                "--url",
                &url,
            ])
            .args(["--private-address", "127.0.0.1"])
            .args(more)
            .env_remove("RUBRICA_CONFIG")
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (code, text, _) = query("seal.pem", &["--nonce"]);
    assert!(code == 0 && text.starts_with("good\n"), "{code} {text}");
    assert!(
        text.contains("delegated to") && text.contains("echoed: "),
        "{text}"
    );
    let (code, text, _) = query("revoked.pem", &["--no-nonce", "--sha256"]);
    assert_eq!(code, 1);
    let revoked = "revoked since 2026-01-01T00:00:00Z (keyCompromise)\n";
    assert!(text.starts_with(revoked), "{text}");
    let (code, text, _) = query("citizen.pem", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (code, &json["status"], &json["nonce"]),
        (2, &"unknown".into(), &"echoed".into())
    );
    // The certificate of the authority is not issued by itself.
    let (code, _, error) = query("ca.pem", &[]);
    assert!(code == 3 && error.contains("--issuer"), "{error}");
}
