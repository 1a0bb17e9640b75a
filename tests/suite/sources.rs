//! What is fetched: from authorities that answer well, and from servers that do not.
//!
//! The authorities are those of `certs/test`; the servers are on loopback ports of their own.

#[path = "../../src/service/sources/hostile.rs"]
pub(crate) mod hostile;

mod directory;
pub(crate) mod program;
mod responder;
mod web;

use hostile::{Server, Step, answer, body};
use rubrica::engine::authority::crl::{self, ToBeListed};
use rubrica::engine::authority::timestamp::{self, Authority, Failure};
use rubrica::engine::crypto::{DigestAlgorithm, Signer};
use rubrica::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use rubrica::engine::pki::crl::IssuingDistributionPoint;
use rubrica::engine::pki::extension::GeneralName;
use rubrica::engine::pki::ocsp::{CertId, CertStatus, request};
use rubrica::engine::pki::timestamp::MessageImprint;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, CertificateList, OcspResponse, RevocationList};
use rubrica::engine::syntax::asn1::{Oid, der, names};
use rubrica::engine::syntax::pem;
use rubrica::engine::validation::{Policy, Want};
use rubrica::engine::{ErrorKind, Time};
use rubrica::service::clock::{Clock, SettableClock};
use rubrica::service::config::{SourceSettings, TsaSettings};
use rubrica::service::demo::DemoAuthority;
use rubrica::service::keys::{KeyFile, Passphrase, Seal};
use rubrica::service::sources::{
    AiaSource, Client, CrlSource, Deadline, Fetching, Folder, OcspSource, Source, Sources,
    TimestampAuthorities, TimestampAuthority, Trusted,
};
use rubrica::service::trust::PolicyHandle;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn pki() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test")
}

fn authority() -> Arc<DemoAuthority> {
    Arc::new(DemoAuthority::open(&pki()).unwrap())
}

fn now() -> Time {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn settings() -> SourceSettings {
    SourceSettings {
        timeout_seconds: 2,
        answer_bytes: 1 << 20,
        private_addresses: vec!["127.0.0.1".parse().unwrap()],
        ..SourceSettings::default()
    }
}

fn fetching(clock: &Arc<SettableClock>) -> Fetching {
    Fetching {
        client: Arc::new(Client::new(&settings()).unwrap()),
        clock: clock.clone(),
    }
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn clock() -> Arc<SettableClock> {
    Arc::new(SettableClock::at(now()))
}

/// A pool with the CA and the certificate `name`, and the want for its revocation.
fn wanted(authority: &DemoAuthority, name: &str, ocsp: &[String], crls: &[String]) -> (Pool, Want) {
    let mut pool = Pool::default();
    let mut add = |name: &str| {
        let bytes = authority.certificate(name).unwrap().bytes().to_vec();
        pool.add(Object::new(
            ObjectKind::Certificate,
            bytes,
            Origin::Embedded,
        ))
    };
    let want = Want::Revocation {
        certificate: add(name),
        issuer: add("ca"),
        ocsp: ocsp.to_vec(),
        crls: crls.to_vec(),
        not_before: None,
    };
    (pool, want)
}

/// What a server does next, set from outside.
type Script = Arc<Mutex<Box<dyn FnMut(&[u8]) -> Vec<Step> + Send>>>;

fn scripted(first: impl FnMut(&[u8]) -> Vec<Step> + Send + 'static) -> (Server, Script) {
    let script: Script = Arc::new(Mutex::new(Box::new(first)));
    let own = script.clone();
    let server = Server::start_bytes(move |request| (own.lock().unwrap())(request));
    (server, script)
}

fn then(script: &Script, next: impl FnMut(&[u8]) -> Vec<Step> + Send + 'static) {
    *script.lock().unwrap() = Box::new(next);
}

fn portal() -> Vec<Step> {
    answer(
        "200 OK",
        "text/html",
        b"<html>Welcome to the hotel network</html>",
    )
}

fn list_of(objects: &[Object]) -> CertificateList {
    assert_eq!(objects[0].kind, ObjectKind::CertificateRevocationList);
    CertificateList::from_der(&objects[0].bytes).unwrap()
}

#[test]
fn a_revocation_list_is_fetched_once_and_rubbish_never_takes_its_place() {
    let (authority, clock) = (authority(), clock());
    let issue = {
        let authority = authority.clone();
        move |at: Time| authority.crl("ca", at).unwrap().unwrap()
    };
    let list = issue(now());
    let (server, script) = scripted(move |_| answer("200 OK", "text/plain", &list));
    let source = CrlSource::new(fetching(&clock));
    let (pool, want) = wanted(&authority, "revoked", &[], &[server.url("/ca.crl")]);
    assert!(source.serves(&want));

    let fetched = source.fetch(&want, &pool, soon()).unwrap();
    let serial = authority.certificate("revoked").unwrap().serial();
    assert!(
        list_of(&fetched)
            .entry(authority.certificate("ca").unwrap().subject(), serial)
            .unwrap()
            .is_some()
    );
    assert!(
        matches!(&fetched[0].origin, Origin::Fetched { url, at } if url.ends_with("/ca.crl") && *at == now())
    );
    clock.advance(Duration::from_secs(3600));
    assert_eq!(source.fetch(&want, &pool, soon()).unwrap(), fetched);
    assert_eq!(server.requests(), 1, "kept until nextUpdate");

    let hour = Duration::from_secs(3600);
    clock.advance(24 * hour);
    then(&script, |_| portal());
    assert_eq!(
        source.fetch(&want, &pool, soon()).unwrap(),
        fetched,
        "a portal's page"
    );
    clock.advance(hour);
    let older = issue(now().minus(24 * hour));
    then(&script, move |_| {
        answer("200 OK", "application/pkix-crl", &older)
    });
    assert_eq!(
        source.fetch(&want, &pool, soon()).unwrap(),
        fetched,
        "an older list"
    );
    clock.advance(hour);
    let newer = issue(now().plus(25 * hour));
    let truncated = newer[..newer.len() - 20].to_vec();
    then(&script, move |_| {
        answer("200 OK", "application/pkix-crl", &truncated)
    });
    assert_eq!(
        source.fetch(&want, &pool, soon()).unwrap(),
        fetched,
        "a truncated list"
    );
    clock.advance(hour);
    let mut forged = newer.clone();
    let last = forged.len() - 1;
    forged[last] ^= 1;
    then(&script, move |_| {
        answer("200 OK", "application/pkix-crl", &forged)
    });
    assert_ne!(
        source.fetch(&want, &pool, soon()).unwrap(),
        fetched,
        "handed over to be judged"
    );
    clock.advance(hour);
    then(&script, |_| portal());
    assert_eq!(
        source.fetch(&want, &pool, soon()).unwrap(),
        fetched,
        "but not kept"
    );
    clock.advance(hour);
    let text = pem::block("X509 CRL", &newer);
    then(&script, move |_| {
        answer("200 OK", "application/x-pem-file", text.as_bytes())
    });
    let fetched = source.fetch(&want, &pool, soon()).unwrap();
    assert_eq!(list_of(&fetched).this_update(), now().plus(25 * hour));
}

#[test]
fn another_list_of_the_same_issuer_never_takes_the_place_of_the_right_one() {
    let (authority, clock) = (authority(), clock());
    let ca = authority.certificate("ca").unwrap().clone();
    let authorities = IssuingDistributionPoint {
        only_ca_certificates: true,
        ..Default::default()
    };
    let elsewhere = IssuingDistributionPoint {
        full_name: vec![GeneralName::Uri("http://elsewhere.example/2.crl".into())],
        ..Default::default()
    };
    for scope in [authorities, elsewhere] {
        let other = ToBeListed {
            number: 9_999,
            this_update: now(),
            next_update: now().plus(Duration::from_secs(90 * 86_400)),
            revoked: &[],
            scope: Some(&scope),
        };
        let key = crate::crl_index::Key::read("ca.key");
        let other = crl::issue(&other, &ca, &key).unwrap().bytes().to_vec();
        let (server, script) = scripted(move |_| answer("200 OK", "text/plain", &other));
        let source = CrlSource::new(fetching(&clock));
        let (pool, want) = wanted(&authority, "revoked", &[], &[server.url("/ca.crl")]);
        source.fetch(&want, &pool, soon()).unwrap();
        let right = authority.crl("ca", now().minus(Duration::from_secs(60)));
        let right = right.unwrap().unwrap();
        let sent = right.clone();
        then(&script, move |_| answer("200 OK", "text/plain", &sent));
        clock.advance(Duration::from_secs(120));
        let fetched = source.fetch(&want, &pool, soon()).unwrap();
        assert_eq!(list_of(&fetched).bytes(), right);
        clock.set(now());
    }
}

#[test]
fn a_fresher_list_is_fetched_when_it_is_wanted() {
    let (authority, clock) = (authority(), clock());
    let issuer = authority.clone();
    let time = clock.clone();
    let server = Server::start(move |_| {
        let list = issuer.crl("ca", time.now()).unwrap().unwrap();
        answer("200 OK", "application/pkix-crl", &list)
    });
    let source = CrlSource::new(fetching(&clock));
    let (pool, mut want) = wanted(&authority, "seal", &[], &[server.url("/ca.crl")]);
    source.fetch(&want, &pool, soon()).unwrap();
    clock.advance(Duration::from_secs(600));
    let Want::Revocation { not_before, .. } = &mut want else {
        unreachable!()
    };
    *not_before = Some(now().plus(Duration::from_secs(300)).unix());
    let fresh = list_of(&source.fetch(&want, &pool, soon()).unwrap());
    assert_eq!(fresh.this_update(), clock.now());
    assert_eq!(server.requests(), 2);
}

fn status_in(objects: &[Object], authority: &DemoAuthority, name: &str) -> CertStatus {
    assert_eq!(objects[0].kind, ObjectKind::OcspResponse);
    let response = OcspResponse::from_der(&objects[0].bytes).unwrap();
    let (own, ca) = (
        authority.certificate(name).unwrap(),
        authority.certificate("ca").unwrap(),
    );
    response.response_for(own, ca).unwrap().status
}

#[test]
fn an_ocsp_responder_is_asked_and_its_answer_kept() {
    let (authority, clock) = (authority(), clock());
    let (issuer, time) = (authority.clone(), clock.clone());
    let (server, script) = scripted(move |request| {
        assert!(request.starts_with(b"POST /ocsp HTTP/1.1\r\n"));
        let response = issuer.ocsp(body(request), time.now()).unwrap();
        assert!(OcspResponse::from_der(&response).unwrap().nonce().is_some());
        answer("200 OK", "application/ocsp-response", &response)
    });
    let source = OcspSource::new(fetching(&clock), &settings().ocsp);
    let urls = [server.url("/ocsp")];
    let mut first = Vec::new();
    for (name, requests) in [("seal", 1), ("revoked", 2), ("seal", 2)] {
        let (pool, want) = wanted(&authority, name, &urls, &[]);
        let fetched = source.fetch(&want, &pool, soon()).unwrap();
        let status = status_in(&fetched, &authority, name);
        assert_eq!(
            matches!(status, CertStatus::Revoked { .. }),
            name == "revoked"
        );
        assert_eq!(server.requests(), requests);
        first = fetched;
    }
    clock.advance(Duration::from_secs(2 * 86_400));
    then(&script, |_| portal());
    let (pool, want) = wanted(&authority, "seal", &urls, &[]);
    assert_eq!(source.fetch(&want, &pool, soon()).unwrap(), first);
}

#[test]
fn ocsp_answers_to_other_questions_are_refused() {
    let authority = authority();
    let answer_about = |name, nonce: Option<&[u8]>| {
        let (own, ca) = (authority.certificate(name), authority.certificate("ca"));
        let id = CertId::new(own.unwrap(), ca.unwrap(), DigestAlgorithm::Sha1).unwrap();
        authority.ocsp(&request(&id, nonce), now()).unwrap()
    };
    let other = answer_about("revoked", None);
    let replayed = answer_about("seal", Some(&[9; 32]));
    for (bytes, expected) in [
        (other, "another certificate"),
        (replayed, "another nonce"),
        (b"<html></html>".to_vec(), "no OCSP response"),
        (vec![0x30, 3, 0x0a, 1, 6], "unauthorized"),
    ] {
        let server = Server::start(move |_| answer("200 OK", "application/ocsp-response", &bytes));
        let source = OcspSource::new(fetching(&clock()), &settings().ocsp);
        let (pool, want) = wanted(&authority, "seal", &[server.url("/ocsp")], &[]);
        let error = source.fetch(&want, &pool, soon()).unwrap_err();
        assert!(error.problem().contains(expected), "{error}");
        let again = source.fetch(&want, &pool, soon()).unwrap_err();
        assert_eq!(error, again);
        let asked = if expected == "unauthorized" { 2 } else { 1 };
        assert_eq!(
            server.requests(),
            asked,
            "{expected}: a pause after a failure"
        );
    }
}

#[test]
fn a_responder_that_refuses_nonces_is_asked_without_one() {
    let authority = authority();
    let issuer = authority.clone();
    let server = Server::start_bytes(move |request| {
        let question = body(request);
        let nonce = names::ID_PKIX_OCSP_NONCE.content().to_vec();
        if question.windows(nonce.len()).any(|w| w == nonce) {
            return answer(
                "200 OK",
                "application/ocsp-response",
                &[0x30, 3, 0x0a, 1, 1],
            );
        }
        let response = issuer.ocsp(question, now()).unwrap();
        answer("200 OK", "application/ocsp-response", &response)
    });
    let source = OcspSource::new(fetching(&clock()), &settings().ocsp);
    let (pool, want) = wanted(&authority, "seal", &[server.url("/ocsp")], &[]);
    let fetched = source.fetch(&want, &pool, soon()).unwrap();
    assert_eq!(status_in(&fetched, &authority, "seal"), CertStatus::Good);
    assert_eq!(server.requests(), 2);
}

/// `SignedData` with certificates and nothing else (RFC 5652 §5.1).
fn certs_only(certificates: &[&Certificate]) -> Vec<u8> {
    let set = der::set_of(certificates.iter().map(|c| c.bytes().to_vec()).collect());
    let data = der::sequence(&[
        &der::integer(1),
        &der::set_of(Vec::new()),
        &der::sequence(&[&der::oid(&names::ID_DATA)]),
        &der::implicit(0, &set),
        &der::set_of(Vec::new()),
    ]);
    der::sequence(&[&der::oid(&names::ID_SIGNED_DATA), &der::explicit(0, &data)])
}

#[test]
fn an_issuer_comes_as_der_pem_or_pkcs7_and_a_stranger_does_not() {
    let authority = authority();
    let (ca, root) = (
        authority.certificate("ca").unwrap(),
        authority.certificate("root").unwrap(),
    );
    let seal = authority.certificate("seal").unwrap();
    let both = certs_only(&[root, ca]);
    for (bytes, expected) in [
        (ca.bytes().to_vec(), Some(1)),
        (pem::block("CERTIFICATE", ca.bytes()).into_bytes(), Some(1)),
        (both.clone(), Some(2)),
        (pem::block("PKCS7", &both).into_bytes(), Some(2)),
        (root.bytes().to_vec(), None),
        (b"<html>login</html>".to_vec(), None),
        (ca.bytes()[..100].to_vec(), None),
    ] {
        let server = Server::start(move |_| answer("200 OK", "application/pkix-cert", &bytes));
        let source = AiaSource::new(fetching(&clock()));
        let mut pool = Pool::default();
        let object = Object::new(
            ObjectKind::Certificate,
            seal.bytes().to_vec(),
            Origin::Embedded,
        );
        let want = Want::Issuer {
            certificate: pool.add(object),
            urls: vec!["ldap://127.0.0.1/cn=ca".into(), server.url("/ca.cer")],
        };
        assert!(source.serves(&want));
        let fetched = source.fetch(&want, &pool, soon());
        assert_eq!(fetched.as_ref().ok().map(Vec::len), expected, "{fetched:?}");
        if expected.is_some() {
            assert!(fetched.unwrap().iter().any(|o| *o.bytes == *ca.bytes()));
            source.fetch(&want, &pool, soon()).unwrap();
            assert_eq!(server.requests(), 1);
        }
    }
}

#[test]
fn what_is_at_hand_comes_first_and_one_source_stands_in_for_another() {
    let (authority, clock) = (authority(), clock());
    let issuer = authority.clone();
    let server = Server::start_bytes(move |request| {
        if request.starts_with(b"POST") {
            return answer("500 Broken", "text/html", b"");
        }
        let list = issuer.crl("ca", now()).unwrap().unwrap();
        answer("200 OK", "application/pkix-crl", &list)
    });
    let at_hand = Folder::read(&[pki()]).unwrap();
    let sources = Sources::new(&settings(), at_hand, clock.clone()).unwrap();
    let (mut pool, want) = wanted(
        &authority,
        "citizen",
        &[server.url("/ocsp")],
        &[server.url("/ca.crl")],
    );
    let given = sources.fetch(&want, &pool, soon()).unwrap();
    let kinds: Vec<_> = given.iter().map(|o| (o.kind, &o.origin)).collect();
    assert_eq!(
        kinds,
        [
            (ObjectKind::CertificateRevocationList, &Origin::Given),
            (ObjectKind::OcspResponse, &Origin::Given)
        ]
    );
    assert_eq!(server.requests(), 0);
    for object in given {
        pool.add(object);
    }
    let fetched = sources.fetch(&want, &pool, soon()).unwrap();
    assert!(matches!(fetched[0].origin, Origin::Fetched { .. }));
    assert_eq!(server.requests(), 2, "OCSP is down, the list is not");
    for object in fetched {
        pool.add(object);
    }
    assert!(
        sources.fetch(&want, &pool, soon()).is_err(),
        "nothing new, and OCSP is down"
    );

    let offline = SourceSettings {
        offline: true,
        ..settings()
    };
    let sources = Sources::new(&offline, Folder::default(), clock).unwrap();
    assert_eq!(sources.fetch(&want, &Pool::default(), soon()).unwrap(), []);
}

#[test]
fn folders_are_read_whole_and_a_named_file_must_hold_something() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    std::fs::create_dir_all(&deep).unwrap();
    std::fs::copy(pki().join("ca.crl"), deep.join("list")).unwrap();
    std::fs::copy(pki().join("seal.ocsp"), deep.join("answer")).unwrap();
    std::fs::copy(pki().join("ca.pem"), folder.path().join("ca.pem")).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    std::fs::write(folder.path().join("empty"), "").unwrap();
    let read = Folder::read(&[folder.path().to_path_buf()]).unwrap();
    assert_eq!((read.objects().len(), read.passed_over()), (3, 2));
    assert_eq!(read.certificates().len(), 1);
    for wrong in ["notes.txt", "empty", "absent"] {
        assert!(
            Folder::read(&[folder.path().join(wrong)]).is_err(),
            "{wrong}"
        );
    }
}

fn imprint() -> MessageImprint {
    MessageImprint {
        algorithm: DigestAlgorithm::Sha256,
        digest: ObjectId::of(b"signature").0.to_vec(),
    }
}

fn trusting(anchors: Vec<Certificate>) -> Trusted {
    let policy = Arc::new(Policy::baseline(Anchors::new(anchors)));
    Arc::new(move || policy.clone())
}

fn tsa(
    name: &str,
    url: &str,
    clock: &Arc<SettableClock>,
    policy: Option<&str>,
) -> Arc<TimestampAuthority> {
    let settings = TsaSettings {
        name: name.into(),
        url: url.into(),
        timeout_seconds: 1,
        policy: policy.map(Into::into),
        ..TsaSettings::default()
    };
    Arc::new(TimestampAuthority::new(&settings, fetching(clock), trusting(Vec::new())).unwrap())
}

/// A time-stamping authority of `certs/test` whose answer `twist` may change.
fn stamping(
    clock: &Arc<SettableClock>,
    twist: impl Fn(Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let (authority, clock) = (authority(), clock.clone());
    Server::start_bytes(move |request| {
        let reply = authority.timestamp(body(request), clock.now()).unwrap();
        answer("200 OK", "application/timestamp-reply", &twist(reply))
    })
}

#[test]
fn an_honest_authority_stamps() {
    let clock = clock();
    let server = stamping(&clock, |reply| reply);
    let url = server.url("/tsa");
    let token = tsa("a", &url, &clock, None).timestamp(&imprint()).unwrap();
    assert_eq!(token.tst_info().message_imprint, imprint());
    assert_eq!(token.tst_info().gen_time, now());
    let policy = tsa("a", &url, &clock, Some("0.4.0.2023.1.1"));
    assert!(policy.timestamp(&imprint()).is_ok());
    let error = tsa("a", &url, &clock, Some("1.2.3.4"))
        .timestamp(&imprint())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.problem().contains("policy is not offered"), "{error}");
    assert!(error.element().contains("\"a\""), "{error}");
}

#[test]
fn an_authority_that_leads_to_no_anchor_is_not_believed() {
    let clock = clock();
    let server = stamping(&clock, |reply| reply);
    let with = |own: &[&str], trusted: &[&str]| {
        let settings = TsaSettings {
            name: "a".into(),
            url: server.url("/tsa"),
            timeout_seconds: 1,
            anchors: own.iter().map(|name| pki().join(name)).collect(),
            ..TsaSettings::default()
        };
        let anchors = trusted
            .iter()
            .map(|name| authority().certificate(name).unwrap().clone());
        let trusted = trusting(anchors.collect());
        let all = TimestampAuthorities::configured(&[settings], &fetching(&clock), &trusted);
        let all = all.unwrap();
        assert!(all.named(&["b".into()]).is_empty());
        all.named(&["a".into()]).timestamp(&imprint())
    };
    assert!(with(&["root.pem"], &[]).is_ok());
    assert!(with(&[], &["root"]).is_ok());
    assert!(with(&["ca.pem"], &["citizen"]).is_ok());
    for (own, trusted) in [(&["citizen.pem"][..], &["root"][..]), (&[], &["citizen"])] {
        let error = with(own, trusted).unwrap_err();
        assert!(error.problem().contains("no trust anchor"), "{error}");
        assert!(error.remedy_text().is_some());
    }
}

#[test]
fn an_authority_is_held_against_whom_the_service_trusts_when_it_answers() {
    let clock = clock();
    let server = stamping(&clock, |reply| reply);
    let settings = TsaSettings {
        name: "a".into(),
        url: server.url("/tsa"),
        timeout_seconds: 1,
        policy: None,
        ..TsaSettings::default()
    };
    let of = |name: &str| {
        let certificate = authority().certificate(name).unwrap().clone();
        Policy::baseline(Anchors::new([certificate]))
    };
    let handle = PolicyHandle::new(of("citizen"));
    let in_use = handle.clone();
    let trusted: Trusted = Arc::new(move || in_use.current());
    let tsa = TimestampAuthority::new(&settings, fetching(&clock), trusted).unwrap();
    assert!(tsa.timestamp(&imprint()).is_err());
    handle.replace(of("root"));
    assert!(tsa.timestamp(&imprint()).is_ok());
}

/// What the authority of `certs/test` answers to another request than the one that came.
fn instead(change: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Server {
    let authority = authority();
    Server::start_bytes(move |request| {
        let mut request = body(request).to_vec();
        change(&mut request);
        let reply = authority.timestamp(&request, now()).unwrap();
        answer("200 OK", "application/timestamp-reply", &reply)
    })
}

/// Answers of an authority whose certificate is that of `name.p12`.
fn impostor(name: &'static str) -> Server {
    let path = pki().join(format!("{name}.p12"));
    let file = KeyFile::from_pkcs12(
        &std::fs::read(path).unwrap(),
        &Passphrase::new("demo"),
        name,
    );
    let settings = toml::from_str("name = 'x'\nkey = 'x'").unwrap();
    let seal = Seal::new(&settings, file.unwrap()).unwrap();
    Server::start_bytes(move |request| {
        let authority = Authority {
            certificate: &seal.certificate,
            chain: &seal.chain,
            signer: &*seal.signer as &dyn Signer,
            policies: &[Oid::new(&[1, 2, 3])],
            digests: &[DigestAlgorithm::Sha256],
            accuracy: None,
            ordering: false,
            named: false,
            qualified: false,
            reference: DigestAlgorithm::Sha256,
        };
        let reply = timestamp::answer(body(request), &authority, &[1], || Some(now())).response;
        answer("200 OK", "application/timestamp-reply", &reply)
    })
}

fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    let at = bytes.windows(old.len()).position(|w| w == old).unwrap();
    bytes[at..at + new.len()].copy_from_slice(new);
}

#[test]
fn a_lying_or_broken_authority_is_found_out() {
    let clock = clock();
    let skewed = Arc::new(SettableClock::at(now().minus(Duration::from_secs(301))));
    let flipped = |mut reply: Vec<u8>| {
        let last = reply.len() - 1;
        reply[last] ^= 1;
        reply
    };
    let other_digest = ObjectId::of(b"another signature").0;
    let digest = imprint().digest;
    let cases: Vec<(Server, &str)> = vec![
        (
            instead(move |r| replace(r, &digest, &other_digest)),
            "another message imprint",
        ),
        (
            instead(|r| {
                let at = r.len() - 6;
                r[at] ^= 1;
            }),
            "another nonce",
        ),
        (stamping(&clock, flipped), "does not verify"),
        (
            stamping(&skewed, |reply| reply),
            "more than 300 s from ours",
        ),
        (impostor("seal"), "not for time-stamping"),
        (impostor("expired"), "not for time-stamping"),
        (
            stamping(&clock, |_| {
                timestamp::reject(Failure::SystemFailure, "out of order")
            }),
            "refused with status 2 systemFailure out of order",
        ),
        (
            stamping(&clock, |_| b"<html></html>".to_vec()),
            "TimeStampResp",
        ),
        (
            stamping(&clock, |reply| reply[..reply.len() / 2].to_vec()),
            "TimeStampResp",
        ),
        (
            stamping(&clock, |_| vec![0x30; 100_000]),
            "more than the 65536 bytes",
        ),
        (
            Server::start(|_| answer("503 Busy", "text/html", b"")),
            "503",
        ),
        (
            Server::start(|_| hostile::redirect("http://127.0.0.1:1/")),
            "302",
        ),
        (
            Server::start(|_| vec![Step::Wait(Duration::from_secs(3))]),
            "within 1s",
        ),
    ];
    for (server, expected) in cases {
        let begun = Instant::now();
        let error = tsa("a", &server.url("/tsa"), &clock, None)
            .timestamp(&imprint())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{expected}");
    }
    let refused = tsa("a", "http://10.0.0.1/tsa", &clock, None)
        .timestamp(&imprint())
        .unwrap_err();
    assert!(refused.problem().contains("private address"), "{refused}");
}

#[test]
fn the_second_authority_stamps_when_the_first_is_down_and_the_first_rests() {
    let clock = clock();
    let (down, up) = (
        Server::start(|_| answer("503 Busy", "text/html", b"")),
        stamping(&clock, |reply| reply),
    );
    let both = TimestampAuthorities(vec![
        tsa("first", &down.url("/"), &clock, None),
        tsa("second", &up.url("/"), &clock, None),
    ]);
    for _ in 0..5 {
        both.timestamp(&imprint()).unwrap();
    }
    assert_eq!((down.requests(), up.requests()), (3, 5));
    clock.advance(Duration::from_secs(3));
    both.timestamp(&imprint()).unwrap();
    assert_eq!(
        (down.requests(), up.requests()),
        (4, 6),
        "asked again after its rest"
    );

    let alone = TimestampAuthorities(vec![tsa("first", &down.url("/"), &clock, None)]);
    for _ in 0..3 {
        let error = alone.timestamp(&imprint()).unwrap_err();
        assert!(error.problem().contains("503"), "{error}");
    }
    assert!(
        alone
            .timestamp(&imprint())
            .unwrap_err()
            .problem()
            .contains("failed lately")
    );
    let none = TimestampAuthorities::default()
        .timestamp(&imprint())
        .unwrap_err();
    assert!(none.problem().contains("none is configured"));
}

#[test]
fn fifty_callers_wait_for_a_slow_authority_side_by_side() {
    let clock = clock();
    let authority = authority();
    let time = clock.clone();
    let server = Server::start_bytes(move |request| {
        let reply = authority.timestamp(body(request), time.now()).unwrap();
        let mut steps = vec![Step::Wait(Duration::from_millis(400))];
        steps.extend(answer("200 OK", "application/timestamp-reply", &reply));
        steps
    });
    let all = TimestampAuthorities(vec![tsa("slow", &server.url("/"), &clock, None)]);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| all.timestamp(&imprint()).unwrap());
        }
    });
    // One after the other they would take 20 seconds.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(server.requests(), 50);
}
