//! `POST /v1/timestamp` and `POST /tsa`.

use super::office::{Form, NOON, Office, PORTAL, READER};
use crate::sources::hostile::{Server, answer, body};
use crate::timestamping::openssl;
use rubrica::engine::crypto::{DigestAlgorithm, digest, sha256};
use rubrica::engine::pki::TimestampToken;
use rubrica::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response, token_in};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::hex::hex;
use rubrica::engine::validation::Policy;
use rubrica::service::clock::Clock;
use rubrica::service::config::{SourceSettings, TsaSettings};
use rubrica::service::demo::DemoAuthority;
use rubrica::service::http::Parts;
use rubrica::service::sources::{Client, Fetching, TimestampAuthorities, Trusted};
use std::sync::Arc;

fn certs(name: &str) -> String {
    format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// An office that is an authority itself.
fn authority() -> Office {
    let (key, certificate, chain) = (certs("tsa.key"), certs("tsa.pem"), certs("ca.pem"));
    Office::with(&format!(
        "[timestamping]\nkey='{key}'\ncertificate='{certificate}'\nchain=['{chain}']\npolicies=['1.2.3','1.2.4']\nnamed=true\n"
    ))
}

fn request() -> TimestampRequest {
    TimestampRequest {
        message_imprint: MessageImprint {
            algorithm: DigestAlgorithm::Sha256,
            digest: sha256(b"acuse").to_vec(),
        },
        policy: None,
        nonce: Some(vec![5; 8]),
        certificates: true,
    }
}

const QUERY: &str = "application/timestamp-query";

#[test]
fn the_service_stamps_as_an_authority_and_answers_junk_in_its_own_terms() {
    let office = authority();
    let stamp = |bytes: &[u8]| {
        let answer = office.ask("POST", "/tsa").body(QUERY, bytes);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            Some("application/timestamp-reply")
        );
        answer.body
    };
    let token = read_response(&stamp(&request().to_der()), &request()).unwrap();
    assert_eq!(token.tst_info().gen_time, NOON.parse().unwrap());
    assert_eq!(token.tst_info().policy.to_string(), "1.2.3");
    let mut other = request();
    other.policy = Some(rubrica::engine::syntax::asn1::Oid::new(&[1, 2, 4]));
    read_response(&stamp(&other.to_der()), &other).unwrap();
    other.policy = Some(rubrica::engine::syntax::asn1::Oid::new(&[1, 2, 5]));
    let rejected = |bytes: &[u8], failure: &str| {
        let error = read_response(&stamp(bytes), &request()).unwrap_err();
        assert!(error.problem().contains(failure), "{failure}: {error}");
    };
    rejected(&other.to_der(), "unacceptedPolicy");
    rejected(b"", "badDataFormat");
    rejected(b"<html></html>", "badDataFormat");
    rejected(&vec![0x30; 100_000], "badDataFormat");
    other.message_imprint.algorithm = DigestAlgorithm::Sha1;
    rejected(&other.to_der(), "badAlg");
    let as_form = office
        .ask("POST", "/tsa")
        .body("application/x-www-form-urlencoded", &request().to_der());
    assert_eq!(as_form.status, 415);
    let metrics = office.get("/metrics").text();
    for (outcome, count) in [("granted", 2), ("badDataFormat", 2), ("badAlg", 1)] {
        let line = format!("rubrica_timestamps_total{{outcome=\"{outcome}\"}} {count}");
        assert!(metrics.lines().any(|l| l == line), "{line}\n{metrics}");
    }
    let ready = office.get("/readyz").json();
    assert_eq!(ready["checks"]["timestamping"]["ok"], true, "{ready:#}");
    let none = Office::open().ask("POST", "/tsa").body(QUERY, b"x");
    assert_eq!(none.remedied(404), "path");
}

#[test]
fn openssl_asks_our_authority_reads_its_answer_and_verifies_it() {
    if openssl(&["version"]).is_none() {
        return;
    }
    let office = authority();
    let file = |name: &str| office.folder.path().join(name).display().to_string();
    std::fs::write(file("message"), b"acuse").unwrap();
    let (data, query, response) = (file("message"), file("q.tsq"), file("r.tsr"));
    let run = |arguments: &[&str]| {
        let output = openssl(arguments).unwrap();
        let (out, err) = (output.stdout, output.stderr);
        let text = String::from_utf8_lossy(&[out, err].concat()).into_owned();
        assert!(output.status.success(), "{arguments:?}: {text}");
        text
    };
    for (algorithm, more) in [
        ("-sha256", &["-cert"][..]),
        ("-sha512", &["-cert", "-tspolicy", "1.2.4"]),
        ("-sha384", &["-no_nonce"]),
    ] {
        let mut asking = vec!["ts", "-query", "-data", &data, algorithm, "-out", &query];
        asking.extend_from_slice(more);
        run(&asking);
        let answer = office
            .ask("POST", "/tsa")
            .body(QUERY, &std::fs::read(&query).unwrap());
        std::fs::write(&response, &answer.body).unwrap();
        let text = run(&["ts", "-reply", "-in", &response, "-text"]);
        for said in ["Status: Granted.", "Accuracy: 0x01 seconds", "TSA: DirName"] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let (root, tsa, ca) = (certs("root.pem"), certs("tsa.pem"), certs("ca.pem"));
        let untrusted = file("untrusted.pem");
        let pair = [tsa, ca].map(|path| std::fs::read(path).unwrap()).concat();
        std::fs::write(&untrusted, pair).unwrap();
        let common = ["-in", &response, "-CAfile", &root, "-untrusted", &untrusted];
        for over in [["-queryfile", &query], ["-data", &data]] {
            let verify = [&["ts", "-verify"][..], &over, &common].concat();
            assert!(run(&verify).contains("Verification: OK"));
        }
    }
    std::fs::write(&query, b"junk").unwrap();
    let answer = office.ask("POST", "/tsa").body(QUERY, b"junk");
    std::fs::write(&response, &answer.body).unwrap();
    let text = run(&["ts", "-reply", "-in", &response, "-text"]);
    assert!(
        text.contains("Status: Rejected.") && text.contains("wrong format"),
        "{text}"
    );
}

/// An office that asks the authority of `certs/test`, which is down where `down`.
fn stamped(down: bool) -> (Office, Server) {
    let clock = Arc::new(std::sync::OnceLock::<Arc<dyn Clock>>::new());
    let (authority, time) = (
        DemoAuthority::open(certs("").as_ref()).unwrap(),
        clock.clone(),
    );
    let server = Server::start_bytes(move |request| {
        if down {
            return answer("503 Busy", "text/html", b"");
        }
        let now = time.get().unwrap().now();
        let reply = authority.timestamp(body(request), now).unwrap();
        answer("200 OK", "application/timestamp-reply", &reply)
    });
    let url = server.url("/");
    let office = Office::altered("", |parts: &mut Parts| {
        clock.set(parts.clock.clone()).unwrap();
        let sources = SourceSettings {
            private_addresses: vec!["127.0.0.1".parse().unwrap()],
            ..SourceSettings::default()
        };
        let fetching = Fetching {
            client: Arc::new(Client::new(&sources).unwrap()),
            clock: parts.clock.clone(),
        };
        let one = |name: &str| TsaSettings {
            name: name.into(),
            url: url.clone(),
            failures: 1,
            ..TsaSettings::default()
        };
        let root = std::fs::read(certs("root.pem")).unwrap();
        let policy = Arc::new(Policy::baseline(Anchors::read([&root[..]]).unwrap()));
        let trusted: Trusted = Arc::new(move || policy.clone());
        let all = [one("first"), one("second")];
        parts.authorities = TimestampAuthorities::configured(&all, &fetching, &trusted).unwrap();
    });
    (office, server)
}

fn digest_of(token: &TimestampToken) -> &[u8] {
    &token.tst_info().message_imprint.digest
}

#[test]
fn a_document_or_its_digest_is_stamped_and_the_token_comes_as_it_is_wanted() {
    let (office, server) = stamped(false);
    let post = |path: &str| office.ask("POST", path).key(PORTAL);
    let plain = post("/v1/timestamp").body("application/octet-stream", b"acuse");
    assert_eq!(plain.status, 200, "{}", plain.text());
    let kind = Some("application/vnd.etsi.timestamp-token");
    assert_eq!(plain.header("content-type"), kind);
    let token = TimestampToken::from_ber(&plain.body).unwrap();
    assert_eq!(digest_of(&token), sha256(b"acuse"));
    assert_eq!(token.tst_info().gen_time, NOON.parse().unwrap());

    let by_digest = format!("/v1/timestamp?digest={}&tsa=second", hex(&sha256(b"acuse")));
    let facts = post(&by_digest)
        .header("Accept", "application/json")
        .send()
        .json();
    assert_eq!(facts["authority"], "second", "{facts:#}");
    assert_eq!(facts["time"], NOON);
    assert_eq!(facts["algorithm"], "SHA-256");
    assert_eq!(facts["digest"], hex(&sha256(b"acuse")));
    assert_eq!(facts["accuracy_microseconds"], 1_000_000);
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let bytes = base64.decode(facts["token"].as_str().unwrap()).unwrap();
    assert_eq!(digest_of(&token_in(&bytes).unwrap()), sha256(b"acuse"));

    let form = Form::default()
        .file("document", "d.pdf", "application/pdf", b"acuse")
        .field("algorithm", "sha3-512");
    let reply = post("/v1/timestamp")
        .header("Accept", "application/timestamp-reply")
        .form(&form);
    assert_eq!(
        reply.header("content-type"),
        Some("application/timestamp-reply")
    );
    let token = token_in(&reply.body).unwrap();
    assert!(TimestampToken::from_ber(&reply.body).is_err());
    assert_eq!(
        digest_of(&token),
        digest(DigestAlgorithm::Sha3_512, b"acuse")
    );
    assert_eq!(server.requests(), 3);
    let metrics = office.get("/metrics").text();
    let line = "rubrica_tsa_requests_total{tsa=\"first\",outcome=\"stamped\"} 2";
    assert!(metrics.lines().any(|l| l == line), "{metrics}");
}

#[test]
fn what_cannot_be_stamped_is_refused_before_anybody_is_asked() {
    let (office, server) = stamped(false);
    let digest = hex(&sha256(b"x"));
    let ask = |path: String| office.ask("POST", &path).key(PORTAL);
    for (query, body, status) in [
        (String::new(), &b""[..], 400),
        (format!("?digest={digest}"), b"x", 400),
        (format!("?digest={digest}&nonce=1"), b"", 400),
        (format!("?digest={digest}&algorithm=sha-512"), b"", 422),
        (format!("?digest={}", &digest[2..]), b"", 422),
        ("?algorithm=sha-1".into(), b"x", 422),
        ("?algorithm=md5".into(), b"x", 422),
        ("?algorithm=none".into(), b"x", 422),
        ("?tsa=third".into(), b"x", 404),
    ] {
        let answer = ask(format!("/v1/timestamp{query}")).body("application/pdf", body);
        answer.remedied(status);
    }
    let query = ask("/v1/timestamp".into()).body(QUERY, &request().to_der());
    assert_eq!(query.status, 415);
    let nobody = office
        .ask("POST", "/v1/timestamp")
        .body("application/pdf", b"x");
    assert_eq!(nobody.status, 401);
    let reader = office
        .ask("POST", "/v1/timestamp")
        .key(READER)
        .body("application/pdf", b"x");
    assert_eq!(reader.status, 403);
    assert_eq!(server.requests(), 0);
    let none = Office::open();
    let answer = none
        .ask("POST", "/v1/timestamp")
        .key(PORTAL)
        .body("application/pdf", b"x");
    answer.remedied(503);
}

#[test]
fn authorities_that_are_down_are_told_and_left_alone() {
    let (office, server) = stamped(true);
    let ask = || {
        office
            .ask("POST", "/v1/timestamp")
            .key(PORTAL)
            .body("application/pdf", b"x")
    };
    assert_eq!(ask().status, 503);
    assert_eq!(ask().status, 503);
    assert_eq!(server.requests(), 2, "each once");
    let ready = office.get("/readyz").json();
    assert_eq!(ready["tsa"]["first"]["breaker"], "open", "{ready:#}");
    assert_eq!(ready["tsa"]["second"]["failures_in_a_row"], 1);
    // No seal needs a time-stamp, so the service does without.
    assert_eq!(ready["checks"]["tsa"]["ok"], true);
}
