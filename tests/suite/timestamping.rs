//! Time-stamps asked of authorities that lie, fail, are slow or want to know who asks; and `openssl ts` on either side.
//!
//! Every authority here is a real server on a loopback port. A forged token differs from an honest one, which passes, by a
//! single thing.

mod forged;
mod tls;

use crate::sources::hostile::{Server, Step, answer, body};
use forged::{Made, Maker, token};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::authority::timestamp::{self, Failure};
use rubrica::engine::crypto::DigestAlgorithm;
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::extension::KeyUsage;
use rubrica::engine::pki::timestamp::{MessageImprint, TimestampRequest, response_of, token_in};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::asn1::{Oid, names};
use rubrica::engine::validation::Policy;
use rubrica::engine::{Error, Result, Time};
use rubrica::service::clock::{Clock, SettableClock, SystemClock};
use rubrica::service::config::{SourceSettings, TsaSettings};
use rubrica::service::sources::{
    BreakerState, Client, Fetching, Health, TimestampAuthorities, TimestampAuthority, Trusted,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

const POLICY: Oid = Oid::new(&[1, 2, 3]);
const OTHER: Oid = Oid::new(&[1, 2, 4]);

fn now() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn imprint() -> MessageImprint {
    imprint_by(DigestAlgorithm::Sha256)
}

fn imprint_by(algorithm: DigestAlgorithm) -> MessageImprint {
    MessageImprint {
        algorithm,
        digest: rubrica::engine::crypto::digest(algorithm, b"signature"),
    }
}

/// One maker for all tests: its keys take a while.
fn maker() -> &'static Maker {
    static MAKER: LazyLock<Maker> = LazyLock::new(Maker::new);
    &MAKER
}

/// What an authority answers to a request at noon under `policies`.
fn stamped(by: &Made, request: &[u8], policies: &[Oid]) -> Vec<u8> {
    let mut authority = by.authority();
    authority.policies = policies;
    timestamp::answer(request, &authority, &[7], || Some(now())).response
}

fn reply(bytes: &[u8]) -> Vec<Step> {
    answer("200 OK", "application/timestamp-reply", bytes)
}

/// An authority that answers as it should, but for `twist`.
fn twisted(twist: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let by = maker().good();
    Server::start_bytes(move |request| reply(&twist(stamped(&by, body(request), &[POLICY]))))
}

/// One whose tokens are made anew by `forge` of their `TSTInfo`.
fn forging(forge: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Server {
    twisted(move |response| {
        let honest = token_in(&response).unwrap();
        response_of(&forge(&honest.signed_data().content().unwrap()))
    })
}

fn fetching(clock: &Arc<SettableClock>) -> Fetching {
    let settings = SourceSettings {
        timeout_seconds: 2,
        private_addresses: vec!["127.0.0.1".parse().unwrap()],
        tls_roots: vec![maker().file("ca.pem")],
        ..SourceSettings::default()
    };
    Fetching {
        client: Arc::new(Client::new(&settings).unwrap()),
        clock: clock.clone(),
    }
}

fn clock() -> Arc<SettableClock> {
    Arc::new(SettableClock::at(now()))
}

fn trusting(anchors: Vec<Certificate>, qualified: &[Certificate]) -> Trusted {
    let policy = Arc::new(Policy {
        qualified_anchors: qualified.iter().map(Certificate::fingerprint).collect(),
        ..Policy::baseline(Anchors::new(anchors))
    });
    Arc::new(move || policy.clone())
}

fn settings(name: &str, url: String) -> TsaSettings {
    TsaSettings {
        name: name.into(),
        url,
        timeout_seconds: 1,
        ..TsaSettings::default()
    }
}

fn authority(
    url: String,
    clock: &Arc<SettableClock>,
    change: impl FnOnce(&mut TsaSettings),
) -> Arc<TimestampAuthority> {
    let mut settings = settings("a", url);
    change(&mut settings);
    let trusted = trusting(vec![maker().ca.clone()], &[]);
    Arc::new(TimestampAuthority::new(&settings, fetching(clock), trusted).unwrap())
}

fn asked(server: &Server, change: impl FnOnce(&mut TsaSettings)) -> Result<()> {
    let tsa = authority(server.url("/tsa"), &clock(), change);
    tsa.timestamp(&imprint()).map(drop)
}

fn refused(outcome: Result<()>, expected: &str) -> Error {
    let error = outcome.expect_err(expected);
    assert!(error.to_string().contains(expected), "{expected}: {error}");
    error
}

#[test]
fn an_honest_answer_passes_and_so_does_its_copy_that_is_made_anew() {
    asked(&twisted(|response| response), |_| ()).unwrap();
    let by = maker().good();
    asked(&forging(move |info| token(info, &by, &[&by])), |_| ()).unwrap();
    asked(&twisted(with_mods), |s| s.policy = Some("1.2.3".into())).unwrap();
}

/// The same response with the status `grantedWithMods`.
fn with_mods(mut response: Vec<u8>) -> Vec<u8> {
    let status = response.windows(5).position(|w| w == [0x30, 3, 2, 1, 0]);
    response[status.unwrap() + 4] = 1;
    response
}

#[test]
fn another_policy_than_the_one_that_was_asked_for_is_refused() {
    let by = maker().good();
    let server = Server::start_bytes(move |request| {
        let mut asked = TimestampRequest::from_der(body(request)).unwrap();
        asked.policy = None;
        reply(&with_mods(stamped(&by, &asked.to_der(), &[OTHER])))
    });
    let wants = |s: &mut TsaSettings| s.policy = Some("1.2.3".into());
    refused(asked(&server, wants), "another policy");
    asked(&server, |_| ()).unwrap();
    asked(&server, |s| s.policy = Some("1.2.4".into())).unwrap();
}

#[test]
fn a_token_that_differs_from_an_honest_one_by_a_single_thing_is_refused() {
    let m = maker();
    let stamping = || ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true);
    let more = [names::ID_KP_TIME_STAMPING, names::ID_KP_EMAIL_PROTECTION];
    let encipherment = ext::key_usage(&[KeyUsage::KEY_ENCIPHERMENT]);
    let years = |from: &str, until: &str| Some((from.to_string(), until.to_string()));
    let cases: Vec<(Made, &str)> = vec![
        (m.issued(vec![], None), "not for time-stamping"),
        (
            m.issued(vec![ext::extended_key_usage(&more[..1], false)], None),
            "not for time-stamping",
        ),
        (
            m.issued(vec![ext::extended_key_usage(&more, true)], None),
            "not for time-stamping",
        ),
        (
            m.issued(vec![stamping(), encipherment], None),
            "not for time-stamping",
        ),
        (
            m.issued(
                vec![stamping()],
                years("2020-01-01T00:00:00Z", "2026-02-28T00:00:00Z"),
            ),
            "not valid then",
        ),
        (
            m.issued(
                vec![stamping()],
                years("2026-03-02T00:00:00Z", "2030-01-01T00:00:00Z"),
            ),
            "not valid then",
        ),
        (Maker::new().good(), "leads to no trust anchor"),
    ];
    for (by, expected) in cases {
        let server = forging(move |info| token(info, &by, &[&by]));
        refused(asked(&server, |_| ()), expected);
    }
}

#[test]
fn the_signers_of_a_token_are_one_whose_certificate_is_inside_and_named() {
    let (one, two) = (maker().good(), maker().second());
    let (a, b) = (one.clone(), two.clone());
    let both = forging(move |info| token(info, &a, &[&a, &b]));
    refused(asked(&both, |_| ()), "more than one signer");
    let a = one.clone();
    let none = forging(move |info| token(info, &a, &[]));
    refused(asked(&none, |_| ()), "more than one signer or none");
    let (a, b) = (one.clone(), two.clone());
    let without = forging(move |info| token(info, &b, &[&a]));
    refused(asked(&without, |_| ()), "without its certificate");
    let (mut a, b) = (one.clone(), two);
    a.named = b.certificate;
    let other_name = forging(move |info| token(info, &a, &[&a]));
    refused(asked(&other_name, |_| ()), "does not verify");
    let mut a = one.clone();
    a.content_type = names::ID_DATA;
    let other_type = forging(move |info| token(info, &a, &[&a]));
    refused(asked(&other_type, |_| ()), "does not verify");
    let by = maker().weak();
    let sha1 = forging(move |info| token(info, &by, &[&by]));
    refused(asked(&sha1, |_| ()), "broken digest");
}

#[test]
fn what_the_settings_demand_of_a_token_is_demanded() {
    let server = twisted(|response| response);
    let m = maker();
    asked(&server, |s| s.accuracy_seconds = Some(1)).unwrap();
    let error = refused(asked(&server, |s| s.accuracy_seconds = Some(0)), "accuracy");
    assert!(error.element().contains("\"a\""), "{error}");
    let good = m.file("good.pem");
    asked(&server, |s| s.certificates = vec![good.clone()]).unwrap();
    refused(
        asked(&server, |s| s.certificates = vec![m.file("ca.pem")]),
        "another certificate",
    );
    refused(asked(&server, |s| s.qualified = true), "qualified");
    let ours = trusting(vec![m.ca.clone()], std::slice::from_ref(&m.ca));
    let mut qualified = settings("a", server.url("/tsa"));
    qualified.qualified = true;
    let by = |settings: &TsaSettings, trusted| {
        let tsa = TimestampAuthority::new(settings, fetching(&clock()), trusted).unwrap();
        tsa.timestamp(&imprint()).map(drop)
    };
    by(&qualified, ours).unwrap();
    // Without any anchor a path is not looked at, but then nothing is qualified.
    by(&settings("a", server.url("/tsa")), trusting(vec![], &[])).unwrap();
    refused(by(&qualified, trusting(vec![], &[])), "no trust anchor");
    let late = clock();
    late.set(now().plus(Duration::from_secs(31)));
    let tsa = authority(server.url("/"), &late, |s| s.difference_seconds = 30);
    refused(tsa.timestamp(&imprint()).map(drop), "more than 30 s");
    late.set(now().minus(Duration::from_secs(30)));
    tsa.timestamp(&imprint()).unwrap();
}

#[test]
fn an_answer_without_end_and_one_that_drips_end_with_the_time_and_the_bound() {
    let begun = Instant::now();
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n".to_vec();
    let endless = {
        let head = head.clone();
        Server::start(move |_| vec![Step::Send(head.clone()), Step::Repeat(vec![0x30; 4096])])
    };
    refused(asked(&endless, |_| ()), "65536 bytes");
    let dripping = Server::start(move |_| {
        let mut steps = vec![Step::Send(head.clone())];
        for _ in 0..40 {
            steps.extend([
                Step::Wait(Duration::from_millis(200)),
                Step::Send(vec![0x30]),
            ]);
        }
        steps
    });
    refused(asked(&dripping, |_| ()), "within 1s");
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[test]
fn every_cut_and_every_changed_byte_of_an_answer_is_an_error_or_the_same_stamp() {
    let by = maker().good();
    let request = TimestampRequest {
        message_imprint: imprint(),
        policy: Some(POLICY),
        nonce: Some(vec![0x41; 8]),
        certificates: true,
    };
    let good = stamped(&by, &request.to_der(), &[POLICY]);
    use rubrica::engine::pki::timestamp::read_response;
    use rubrica::service::sources::check_token;
    let honest = check_token(&read_response(&good, &request).unwrap()).unwrap();
    for at in 0..good.len() {
        assert!(read_response(&good[..at], &request).is_err(), "cut at {at}");
        let mut changed = good.clone();
        changed[at] ^= 0x01;
        if let Ok(token) = read_response(&changed, &request)
            && let Ok(certificate) = check_token(&token)
        {
            let info = token.tst_info();
            assert_eq!(info.gen_time, now(), "byte {at}");
            assert_eq!(certificate.spki(), honest.spki(), "byte {at}");
        }
    }
}

/// A server that is down while `down`.
fn unreliable(down: &Arc<AtomicBool>) -> Server {
    let (by, down) = (maker().good(), down.clone());
    Server::start_bytes(move |request| match down.load(Ordering::SeqCst) {
        true => answer("503 Busy", "text/html", b""),
        false => reply(&stamped(&by, body(request), &[POLICY])),
    })
}

#[test]
fn the_breaker_opens_is_tried_and_closes() {
    let (down, clock) = (Arc::new(AtomicBool::new(true)), clock());
    let server = unreliable(&down);
    let tsa = authority(server.url("/"), &clock, |s| s.failures = 2);
    let all = TimestampAuthorities(vec![tsa]);
    let state = || {
        let Health {
            breaker,
            failures_in_a_row,
            ..
        } = all.health().remove(0);
        (breaker, failures_in_a_row)
    };
    let ask = || all.timestamp(&imprint()).map(drop);
    refused(ask(), "503");
    assert_eq!(state(), (BreakerState::Closed, 1));
    refused(ask(), "503");
    assert_eq!(state(), (BreakerState::Open, 2));
    assert!(all.are_down());
    refused(ask(), "failed lately");
    assert_eq!(server.requests(), 2);
    clock.advance(Duration::from_secs(2));
    assert_eq!(state().0, BreakerState::HalfOpen);
    refused(ask(), "503");
    assert_eq!((state().0, server.requests()), (BreakerState::Open, 3));
    clock.advance(Duration::from_secs(4));
    down.store(false, Ordering::SeqCst);
    ask().unwrap();
    assert_eq!(state(), (BreakerState::Closed, 0));
    let figures = all.health()[0].figures;
    let counted = (figures.stamped, figures.failed, figures.passed_over);
    assert_eq!(counted, (1, 3, 1));
}

#[test]
fn a_digest_that_an_authority_does_not_stamp_goes_to_the_next_and_is_no_failure() {
    let by = maker().good();
    let narrow = Server::start_bytes(move |request| {
        let mut authority = by.authority();
        authority.digests = &[DigestAlgorithm::Sha256];
        let answered = timestamp::answer(body(request), &authority, &[7], || Some(now()));
        reply(&answered.response)
    });
    let wide = twisted(|response| response);
    let clock = clock();
    let first = authority(narrow.url("/"), &clock, |s| s.failures = 1);
    let second = authority(wide.url("/"), &clock, |s| {
        (s.name, s.digests) = ("b".into(), vec!["SHA-512".into(), "sha256".into()]);
    });
    let both = TimestampAuthorities(vec![first.clone(), second.clone()]);
    let sha512 = imprint_by(DigestAlgorithm::Sha512);
    for _ in 0..3 {
        assert_eq!(both.stamp(&sha512).unwrap().authority, "b");
    }
    let health = first.health();
    assert_eq!(health.breaker, BreakerState::Closed);
    assert_eq!((health.figures.declined, health.figures.failed), (3, 0));
    assert_eq!(both.stamp(&imprint()).unwrap().authority, "a");
    let sha384 = imprint_by(DigestAlgorithm::Sha384);
    let error = second.timestamp(&sha384).unwrap_err();
    assert!(
        error.problem().contains("does not stamp SHA-384"),
        "{error}"
    );
    assert_eq!(wide.requests(), 3, "it was not asked");
    let alone = TimestampAuthorities(vec![second]);
    assert_eq!(alone.preferred_digest(), DigestAlgorithm::Sha512);
}

#[test]
fn a_rejection_is_told_with_its_failure_and_other_rejections_open_the_breaker() {
    let server = Server::start_bytes(|_| {
        reply(&timestamp::reject(
            Failure::TimeNotAvailable,
            "no clock\u{7}",
        ))
    });
    let tsa = authority(server.url("/"), &clock(), |s| s.failures = 1);
    let error = tsa.timestamp(&imprint()).unwrap_err();
    assert!(
        error.problem().contains("timeNotAvailable no clock"),
        "{error}"
    );
    assert!(!error.to_string().contains('\u{7}'));
    assert_eq!(tsa.health().breaker, BreakerState::Open);
}

#[test]
fn credentials_are_shown_to_the_authority_and_to_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    std::fs::write(&file, "sede:clave ñ\n").unwrap();
    let by = maker().good();
    let server = Server::start_bytes(move |request| {
        let head = String::from_utf8_lossy(request);
        // The base64 of `sede:clave ñ` in UTF-8.
        match head.contains("Basic c2VkZTpjbGF2ZSDDsQ==") {
            true => reply(&stamped(&by, body(request), &[POLICY])),
            false => answer("401 Unauthorized", "text/html", b"<html>who?</html>"),
        }
    });
    refused(asked(&server, |_| ()), "401");
    let with = |s: &mut TsaSettings| s.credentials = Some(file.clone());
    asked(&server, with).unwrap();
    let error = {
        let elsewhere = Server::start(|_| crate::sources::hostile::redirect("http://127.0.0.1:1/"));
        refused(asked(&elsewhere, with), "302")
    };
    assert!(!format!("{error:?}").contains("clave"));
    std::fs::write(&file, "nobody\n").unwrap();
    let mut wrong = settings("a", server.url("/"));
    wrong.credentials = Some(file);
    let made = TimestampAuthority::new(&wrong, fetching(&clock()), trusting(vec![], &[]));
    assert!(made.unwrap_err().problem().contains("user:password"));
}

#[test]
fn a_client_certificate_is_shown_to_a_server_that_asks_for_it() {
    let m = maker();
    let by = m.good();
    let server = tls::Server::start(m, move |request| stamped(&by, request, &[POLICY]));
    let url = server.url();
    let known = authority(url.clone(), &clock(), |s| {
        s.client_certificate = Some(m.file("client.pem"));
        s.client_key = Some(m.file("client.key"));
    });
    known.timestamp(&imprint()).unwrap();
    let unknown = authority(url.clone(), &clock(), |_| ());
    assert!(unknown.timestamp(&imprint()).is_err());
    let mut mixed = settings("a", url);
    mixed.client_certificate = Some(m.file("client.pem"));
    mixed.client_key = Some(m.file("good.key"));
    let made = TimestampAuthority::new(&mixed, fetching(&clock()), trusting(vec![], &[]));
    assert!(made.unwrap_err().problem().contains("not the key"));
}

fn certs(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test");
    folder.join(name)
}

/// `openssl ts` with these arguments; `None` where it is not installed.
pub(crate) fn openssl(arguments: &[&str]) -> Option<std::process::Output> {
    crate::sources::program::installed("openssl")?;
    Some(Command::new("openssl").args(arguments).output().unwrap())
}

/// A responder that is `openssl ts -reply`, under the key of `certs/test`.
#[test]
fn openssl_ts_stamps_for_us() {
    if openssl(&["version"]).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_path_buf();
    let config = format!(
        "[tsa]\ndefault_tsa=t\n[t]\nserial={0}/serial\ncrypto_device=builtin\nsigner_cert={1}\nsigner_key={2}\ncerts={3}\n\
         signer_digest=sha256\ndefault_policy=1.2.3\ndigests=sha256,sha512\naccuracy=secs:1\nordering=yes\ntsa_name=yes\n\
         ess_cert_id_chain=yes\ness_cert_id_alg=sha256\n",
        path.display(),
        certs("tsa.pem").display(),
        certs("tsa.key").display(),
        certs("ca.pem").display(),
    );
    std::fs::write(path.join("ts.cnf"), config).unwrap();
    let server = Server::start_bytes(move |request| {
        std::fs::write(path.join("q.tsq"), body(request)).unwrap();
        let file = |name: &str| path.join(name).display().to_string();
        let (query, out, config) = (file("q.tsq"), file("r.tsr"), file("ts.cnf"));
        let made = openssl(&[
            "ts",
            "-reply",
            "-queryfile",
            &query,
            "-config",
            &config,
            "-section",
            "t",
            "-out",
            &out,
        ]);
        assert!(made.unwrap().status.success());
        reply(&std::fs::read(&out).unwrap())
    });
    let clock = Arc::new(SettableClock::at(SystemClock.now()));
    let mut settings = settings("openssl", server.url("/"));
    settings.policy = Some("1.2.3".into());
    settings.anchors = vec![certs("root.pem")];
    settings.timeout_seconds = 10;
    let new = |settings: &TsaSettings| {
        TimestampAuthority::new(settings, fetching(&clock), trusting(vec![], &[])).unwrap()
    };
    let tsa = new(&settings);
    let token = tsa.timestamp(&imprint()).unwrap();
    assert!(token.tst_info().ordering);
    // What it rejects: a policy that it does not know, a digest that it does not stamp.
    settings.policy = Some("1.2.9".into());
    let error = new(&settings).timestamp(&imprint()).unwrap_err();
    assert!(error.problem().contains("unacceptedPolicy"), "{error}");
    let sha3 = imprint_by(DigestAlgorithm::Sha3_256);
    let error = tsa.timestamp(&sha3).unwrap_err();
    assert!(error.problem().contains("badAlg"), "{error}");
    assert_eq!(tsa.health().figures.declined, 1);
}

#[test]
fn a_signer_of_ours_is_what_a_token_of_every_key_is_made_with() {
    let m = maker();
    for by in [m.good(), m.rsa()] {
        let server = Server::start_bytes({
            let by = by.clone();
            move |request| reply(&stamped(&by, body(request), &[POLICY]))
        });
        let kind = by.signer.algorithm();
        let outcome = asked(&server, |_| ());
        assert!(outcome.is_ok(), "{kind:?}: {outcome:?}");
    }
}

#[test]
fn the_command_stamps_a_file_or_its_digest_and_checks_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let m = maker();
    let (by, twin) = (m.good(), Maker::new());
    let server = Server::start_bytes(move |request| {
        let now = SystemClock.now();
        let answered = timestamp::answer(body(request), &by.authority(), &[7], || Some(now));
        reply(&answered.response)
    });
    std::fs::write(folder.path().join("f"), b"signature").unwrap();
    let (url, ca, other) = (server.url("/tsa"), m.file("ca.pem"), twin.file("ca.pem"));
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .arg("timestamp")
            .args(arguments)
            .env_remove("RUBRICA_CONFIG")
            .current_dir(folder.path())
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let ca = ca.to_str().unwrap();
    let asking = [
        "--tsa",
        &url,
        "--private-address",
        "127.0.0.1",
        "--trust",
        ca,
    ];
    let ask = |more: &[&str]| run(&[more, &asking[..]].concat());
    let (code, said) = ask(&["f"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with("f.tst: stamped "), "{said}");
    let (code, said) = ask(&["f"]);
    assert!(
        code == Some(3) && said.contains("is there already"),
        "{said}"
    );
    let digest: String = imprint_by(DigestAlgorithm::Sha512)
        .digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let by_digest = ["--digest", &digest, "--algorithm", "sha-512"];
    let (code, said) = ask(&[&by_digest[..], &["--response", "--json", "-o", "d.tsr"]].concat());
    assert_eq!(code, Some(0), "{said}");
    let facts: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(facts["digest"], digest);

    std::fs::write(folder.path().join("g"), b"another").unwrap();
    for (arguments, expected) in [
        (&["f", "--verify", "f.tst", "--trust", ca][..], 0),
        (&["f", "--verify", "d.tsr", "--trust", ca], 0),
        (&["f", "--verify", "f.tst"], 2),
        (
            &["f", "--verify", "f.tst", "--trust", other.to_str().unwrap()],
            2,
        ),
        (&["g", "--verify", "f.tst", "--trust", ca], 1),
        (&["f", "--verify", "g"], 3),
        (&["f", "--digest", "00", "--verify", "f.tst"], 3),
        (&["--digest", "00", "--verify", "f.tst"], 3),
        (&["f", "--algorithm", "md5", "--tsa", &url, "--force"], 3),
        (&["g"], 3),
        (&["g", "--tsa", "https://who:secret@tsa.example/"], 3),
    ] {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
    let (code, _) = run(&[&by_digest[..], &["--verify", "d.tsr", "--trust", ca]].concat());
    assert_eq!(code, Some(0));
}
