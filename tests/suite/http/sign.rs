//! Signing and raising over HTTP: every format and level that is made, who may, what happens when nobody answers, and
//! signatures in two steps with a key that is elsewhere.

use super::office::{Answer, Form, OTHER, Office, PORTAL, READER, SEALER, pdf};
use super::provider::{Provider, provider};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use serde_json::{Value, json};
use std::time::Duration;

const CONTENT: &[u8] = b"Solicito la jubilacion.";

fn form(document: &[u8], parameters: &Value) -> Form {
    Form::default()
        .file("document", "d", "application/octet-stream", document)
        .file(
            "parameters",
            "p.json",
            "application/json",
            parameters.to_string().as_bytes(),
        )
}

fn sign(office: &Office, document: &[u8], parameters: &Value) -> Answer {
    let form = form(document, parameters);
    office.ask("POST", "/v1/sign").key(PORTAL).form(&form)
}

fn augment(office: &Office, document: &[u8], parameters: &Value) -> Answer {
    let form = form(document, parameters);
    office.ask("POST", "/v1/augment").key(PORTAL).form(&form)
}

/// What the service itself says of it, as of anybody's document.
#[track_caller]
fn passes(office: &Office, signed: &[u8], content: Option<&[u8]>) {
    let mut form = Form::default().file("document", "d", "application/octet-stream", signed);
    if let Some(content) = content {
        form = form.file("content", "c", "application/octet-stream", content);
    }
    let report = office.ask("POST", "/v1/validate").form(&form).json();
    assert_eq!(report["indication"], "TOTAL-PASSED", "{report:#}");
}

#[test]
fn every_format_and_packaging_is_signed_and_passes() {
    let office = provider().office("");
    for (parameters, level) in [
        (json!({"format": "cades"}), "CAdES-BASELINE-B"),
        (
            json!({"format": "cades", "level": "B-T"}),
            "CAdES-BASELINE-T",
        ),
        (
            json!({"format": "cades", "level": "B-T", "packaging": "detached"}),
            "CAdES-BASELINE-T",
        ),
        (
            json!({"format": "cades", "level": "B-LT"}),
            "CAdES-BASELINE-LT",
        ),
        (
            json!({"format": "cades", "level": "B-LTA", "packaging": "detached"}),
            "CAdES-BASELINE-LTA",
        ),
    ] {
        let signed = sign(&office, CONTENT, &parameters);
        assert_eq!(signed.status, 200, "{}", signed.text());
        assert_eq!(signed.header("x-rubrica-level"), Some(level));
        assert_eq!(
            signed.header("content-type"),
            Some("application/pkcs7-signature")
        );
        assert_eq!(signed.header("x-rubrica-degraded"), None);
        let apart = parameters["packaging"] == "detached";
        passes(&office, &signed.body, apart.then_some(CONTENT));
    }
    for level in ["B", "T"] {
        let parameters =
            json!({"format": "pades", "level": format!("B-{level}"), "reason": "Prueba"});
        let signed = sign(&office, &pdf(), &parameters);
        assert_eq!(signed.status, 200, "{}", signed.text());
        let reached = format!("PAdES-BASELINE-{level}");
        assert_eq!(signed.header("x-rubrica-level"), Some(&*reached));
        passes(&office, &signed.body, None);
    }
}

#[test]
fn what_is_asked_wrongly_or_by_somebody_else_is_refused_by_name() {
    let office = provider().office("");
    for (parameters, element) in [
        (json!({"format": "xades"}), "format"),
        (json!({"format": "asic-e"}), "format"),
        (
            json!({"format": "cades", "packaging": "enveloped"}),
            "packaging",
        ),
        (json!({"format": "cades", "level": "LT"}), "parameters"),
        (json!({"format": "cades", "colour": "red"}), "parameters"),
        (json!({"format": "cades", "seal": "none"}), "seal"),
        (json!({"format": "cades", "digest": "SHA-512"}), "digest"),
    ] {
        let refused = sign(&office, CONTENT, &parameters);
        let status = if element == "seal" { 403 } else { 422 };
        assert_eq!(refused.remedied(status), element, "{parameters}");
    }
    let whole = form(CONTENT, &json!({"format": "cades"}));
    for caller in [READER, SEALER] {
        for route in ["/v1/sign", "/v1/augment", "/v1/sign/prepare"] {
            let refused = office.ask("POST", route).key(caller).form(&whole);
            assert_eq!(refused.remedied(403), "operation");
        }
    }
    assert_eq!(office.ask("POST", "/v1/sign").form(&whole).status, 401);
    let empty = form(b"", &json!({"format": "cades"}));
    let refused = office.ask("POST", "/v1/sign").key(PORTAL).form(&empty);
    assert_eq!(refused.remedied(422), "part \"document\"");
    // A PDF signature of what is no PDF, and the other way round nothing to raise.
    assert_eq!(
        sign(&office, CONTENT, &json!({"format": "pades"})).status,
        422
    );
    let raised = augment(&office, &pdf(), &json!({"level": "B-T"}));
    assert_eq!(raised.remedied(422), "document");
}

#[test]
fn signatures_are_raised_and_broken_ones_are_not() {
    let office = provider().office("");
    let signed = sign(&office, CONTENT, &json!({"format": "cades"})).body;
    let raised = augment(&office, &signed, &json!({"level": "B-T"}));
    assert_eq!(raised.status, 200, "{}", raised.text());
    assert_eq!(raised.header("x-rubrica-level"), Some("CAdES-BASELINE-T"));
    passes(&office, &raised.body, None);
    let mut broken = signed.clone();
    let at = signed
        .windows(CONTENT.len())
        .position(|w| w == CONTENT)
        .unwrap();
    broken[at] ^= 1;
    let refused = augment(&office, &broken, &json!({"level": "B-T"}));
    assert_eq!(refused.remedied(422), "signature 1");
    assert!(
        refused.text().contains("HASH_FAILURE"),
        "{}",
        refused.text()
    );
}

#[test]
fn without_an_authority_the_level_degrades_or_nothing_leaves_as_the_caller_says() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    let degraded = sign(
        &office,
        CONTENT,
        &json!({"format": "cades", "level": "B-T"}),
    );
    assert_eq!(degraded.status, 200, "{}", degraded.text());
    assert_eq!(degraded.header("x-rubrica-level"), Some("CAdES-BASELINE-B"));
    let why = degraded.header("x-rubrica-degraded").unwrap();
    assert!(why.starts_with("B-T is owed: "), "{why}");
    let fail = json!({"format": "cades", "level": "B-T", "when_unavailable": "fail"});
    let failed = sign(&office, CONTENT, &fail);
    assert_eq!(failed.status, 503, "{}", failed.text());
    provider.stamps.down(false);
    // It rests for a moment after it failed.
    provider.clock.set("2026-11-24T12:10:00Z".parse().unwrap());
    let raised = augment(&office, &degraded.body, &json!({"level": "B-T"}));
    assert_eq!(raised.header("x-rubrica-level"), Some("CAdES-BASELINE-T"));
    passes(&office, &raised.body, None);
}

#[test]
fn a_slow_authority_is_waited_for_as_long_as_it_may_take() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.slow(Duration::from_secs(3));
    let started = std::time::Instant::now();
    let degraded = sign(
        &office,
        CONTENT,
        &json!({"format": "cades", "level": "B-T"}),
    );
    assert_eq!(degraded.header("x-rubrica-level"), Some("CAdES-BASELINE-B"));
    assert!(started.elapsed() < Duration::from_secs(15));
}

/// The key of a citizen, who is elsewhere.
struct Citizen {
    key: PKey<Private>,
    certificate: Vec<u8>,
}

fn citizen(provider: &Provider, name: &str) -> Citizen {
    let file = Pkcs12::from_der(&provider.file(&format!("{name}.p12"))).unwrap();
    let file = file.parse2("demo").unwrap();
    Citizen {
        key: file.pkey.unwrap(),
        certificate: file.cert.unwrap().to_pem().unwrap(),
    }
}

impl Citizen {
    fn value(&self, to_be_signed: &[u8]) -> Vec<u8> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.key).unwrap();
        signer.sign_oneshot_to_vec(to_be_signed).unwrap()
    }
}

fn prepare(office: &Office, citizen: &Citizen, document: &[u8], parameters: &Value) -> Value {
    let form = form(document, parameters).file(
        "certificate",
        "c.pem",
        "application/x-pem-file",
        &citizen.certificate,
    );
    let answer = office
        .ask("POST", "/v1/sign/prepare")
        .key(PORTAL)
        .form(&form);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn finish(office: &Office, caller: u8, document: &[u8], state: &str, value: &[u8]) -> Answer {
    let form = Form::default()
        .file("document", "d", "application/octet-stream", document)
        .field("state", state)
        .field("signature", &STANDARD.encode(value));
    office
        .ask("POST", "/v1/sign/finish")
        .key(caller)
        .form(&form)
}

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn a_key_that_is_elsewhere_signs_in_two_steps() {
    let provider = provider();
    let office = provider.office("");
    let citizen = citizen(provider, "citizen");
    for (document, parameters) in [
        (CONTENT.to_vec(), json!({"format": "cades"})),
        (
            CONTENT.to_vec(),
            json!({"format": "cades", "level": "B-T", "packaging": "detached"}),
        ),
        (
            pdf(),
            json!({"format": "pades", "level": "B-T", "reason": "Solicitud"}),
        ),
    ] {
        let prepared = prepare(&office, &citizen, &document, &parameters);
        let to_be_signed = bytes(&prepared["to_be_signed"]);
        let digest = openssl::hash::hash(MessageDigest::sha256(), &to_be_signed).unwrap();
        assert_eq!(bytes(&prepared["digest"]), &*digest);
        let state = prepared["state"].as_str().unwrap();
        assert!(state.len() < 16 * 1024, "the document is not in it");
        let value = citizen.value(&to_be_signed);
        let signed = finish(&office, PORTAL, &document, state, &value);
        assert_eq!(signed.status, 200, "{}", signed.text());
        let apart = parameters["packaging"] == "detached";
        passes(&office, &signed.body, apart.then_some(CONTENT));
    }
}

#[test]
fn a_state_is_good_for_its_caller_its_document_its_key_and_its_time() {
    let provider = Provider::open();
    let office = provider.office("");
    let person = citizen(&provider, "citizen");
    let prepared = prepare(&office, &person, CONTENT, &json!({"format": "cades"}));
    let state = prepared["state"].as_str().unwrap();
    let value = person.value(&bytes(&prepared["to_be_signed"]));

    let foreign = finish(&office, OTHER, CONTENT, state, &value);
    assert_eq!(foreign.remedied(403), "state");
    for at in [0, 20, 40, state.len() / 2, state.len() - 2] {
        let mut forged = state.to_string().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        let refused = finish(&office, PORTAL, CONTENT, &forged, &value);
        assert_eq!(refused.remedied(403), "state");
        // Forged or somebody else's: it looks the same.
        assert_eq!(refused.json()["detail"], foreign.json()["detail"]);
    }
    for nothing in ["", "A", "====", &"A".repeat(300_000)] {
        assert_eq!(
            finish(&office, PORTAL, CONTENT, nothing, &value).remedied(403),
            "state"
        );
    }
    let other = finish(&office, PORTAL, b"Solicito otra cosa.", state, &value);
    assert_eq!(other.remedied(409), "document");
    let somebody = citizen(&provider, "employee").value(&bytes(&prepared["to_be_signed"]));
    for wrong in [&somebody[..], &value[1..], b"", &[0; 256]] {
        let refused = finish(&office, PORTAL, CONTENT, state, wrong);
        assert_eq!(refused.remedied(422), "signature");
    }
    // None of that used it up.
    let first = finish(&office, PORTAL, CONTENT, state, &value);
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(
        finish(&office, PORTAL, CONTENT, state, &value).body,
        first.body
    );

    let prepared = prepare(
        &office,
        &person,
        CONTENT,
        &json!({"format": "cades", "level": "B-T"}),
    );
    let (state, value) = (
        prepared["state"].as_str().unwrap(),
        person.value(&bytes(&prepared["to_be_signed"])),
    );
    provider.clock.set("2026-11-24T12:15:01Z".parse().unwrap());
    let late = finish(&office, PORTAL, CONTENT, state, &value);
    assert_eq!(late.remedied(422), "state");
    assert!(late.text().contains("expired"));
}

#[test]
fn who_may_not_sign_elsewhere_prepares_nothing() {
    let provider = provider();
    let office = provider.office("");
    for name in ["expired", "future"] {
        let person = citizen(provider, name);
        let form = form(CONTENT, &json!({"format": "cades"})).file(
            "certificate",
            "c.pem",
            "application/x-pem-file",
            &person.certificate,
        );
        let refused = office
            .ask("POST", "/v1/sign/prepare")
            .key(PORTAL)
            .form(&form);
        assert_eq!(refused.remedied(422), "certificate");
    }
}

#[test]
fn what_is_owed_is_listed_counted_paid_later_and_handed_out() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    let parameters = json!({"format": "cades", "level": "B-T", "packaging": "detached"});
    let degraded = sign(&office, CONTENT, &parameters);
    let id = degraded.header("x-rubrica-owed").unwrap().to_string();
    let sealed = office
        .ask("POST", "/v1/seal")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    assert!(sealed.header("x-rubrica-owed").is_some(), "{}", sealed.head);
    let get = |caller: u8, path: &str| office.ask("GET", path).key(caller).send();
    let list = get(PORTAL, "/v1/owed").json();
    let list = list["owed"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert!(
        list.iter()
            .any(|debt| debt["document"] == *id && debt["level"] == "B-T")
    );
    // To another caller they do not exist.
    assert_eq!(get(OTHER, "/v1/owed").json()["owed"], json!([]));
    assert_eq!(get(OTHER, &format!("/v1/owed/{id}")).problem(404), "id");
    let metric = |text: &str| {
        office
            .get("/metrics")
            .text()
            .lines()
            .any(|line| line == text)
    };
    assert!(metric("rubrica_owed{level=\"B-T\"} 2"));

    // While it is down nothing is paid and nothing lost, and it is not asked again at once.
    let settled = office.service.settle_debts().unwrap().unwrap();
    assert_eq!((settled.paid, settled.left.len()), (0, 2));
    let settled = office.service.settle_debts().unwrap().unwrap();
    assert_eq!((settled.paid, settled.left.len()), (0, 0));
    assert_eq!(get(PORTAL, "/v1/owed").json()["owed"][0]["tried"], 1);

    provider.stamps.down(false);
    provider.clock.set("2026-11-24T14:00:00Z".parse().unwrap());
    assert_eq!(office.service.settle_debts().unwrap().unwrap().paid, 2);
    assert!(metric("rubrica_owed{level=\"B-T\"} 0"));
    let status = get(PORTAL, &format!("/v1/owed/{id}")).json();
    assert_eq!(
        (&status["owed"], &status["level"]),
        (&Value::Null, &json!("CAdES-BASELINE-T"))
    );
    let raised = get(PORTAL, &format!("/v1/owed/{id}/document"));
    assert_eq!(raised.header("x-rubrica-level"), Some("CAdES-BASELINE-T"));
    passes(&office, &raised.body, Some(CONTENT));

    // It is kept for a while, and its bytes go with it.
    let blobs = || {
        let folders = std::fs::read_dir(office.folder.path().join("data/blobs")).unwrap();
        let files = folders.map(|f| std::fs::read_dir(f.unwrap().path()).unwrap().count());
        files.sum::<usize>()
    };
    assert_eq!(blobs(), 2 + 2 + 1);
    provider.clock.set("2026-11-28T00:00:00Z".parse().unwrap());
    office.service.settle_debts().unwrap();
    assert_eq!(get(PORTAL, &format!("/v1/owed/{id}")).problem(404), "id");
    assert_eq!(blobs(), 0);
}

#[test]
fn a_caller_discards_what_is_owed_to_it() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    let degraded = sign(
        &office,
        CONTENT,
        &json!({"format": "cades", "level": "B-T"}),
    );
    let path = format!("/v1/owed/{}", degraded.header("x-rubrica-owed").unwrap());
    assert_eq!(office.ask("DELETE", &path).key(OTHER).send().status, 404);
    assert_eq!(office.ask("DELETE", &path).key(PORTAL).send().status, 204);
    assert_eq!(office.ask("GET", &path).key(PORTAL).send().status, 404);
    let list = office.ask("GET", "/v1/owed").key(PORTAL).send().json();
    assert_eq!(list["owed"], json!([]));
}

#[test]
fn a_finished_state_brings_the_same_bytes_and_what_it_is_owed() {
    let provider = Provider::open();
    let office = provider.office("");
    let person = citizen(&provider, "citizen");
    let parameters = json!({"format": "cades", "level": "B-T"});
    let prepared = prepare(&office, &person, CONTENT, &parameters);
    let state = prepared["state"].as_str().unwrap();
    let value = person.value(&bytes(&prepared["to_be_signed"]));
    let first = finish(&office, PORTAL, CONTENT, state, &value);
    assert_eq!(first.header("x-rubrica-level"), Some("CAdES-BASELINE-T"));
    let again = finish(&office, PORTAL, CONTENT, state, &value);
    assert_eq!(again.body, first.body, "stamped once");
    assert_eq!(
        again.header("x-rubrica-level"),
        first.header("x-rubrica-level")
    );

    provider.stamps.down(true);
    let prepared = prepare(&office, &person, CONTENT, &parameters);
    let value = person.value(&bytes(&prepared["to_be_signed"]));
    let state = prepared["state"].as_str().unwrap();
    let degraded = finish(&office, PORTAL, CONTENT, state, &value);
    let id = degraded.header("x-rubrica-owed").unwrap().to_string();
    let again = finish(&office, PORTAL, CONTENT, state, &value);
    assert_eq!(
        (again.header("x-rubrica-owed"), &again.body),
        (Some(&*id), &degraded.body)
    );
    provider.stamps.down(false);
    provider.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    assert_eq!(office.service.settle_debts().unwrap().unwrap().paid, 1);
    let raised = office
        .ask("GET", &format!("/v1/owed/{id}/document"))
        .key(PORTAL)
        .send();
    passes(&office, &raised.body, None);
}

/// Passed with nothing but what it holds: no source, nothing at hand, nothing wanted.
#[track_caller]
fn passes_alone(office: &Office, signed: &[u8], content: Option<&[u8]>) {
    use rubrica::engine::formats::Detached;
    use rubrica::service::{flow, sources::Sources};
    let policy = office.service.parts.policy.current();
    let detached: Vec<_> = content.into_iter().map(Detached::of).collect();
    let now = rubrica::service::clock::Clock::now(&*office.clock);
    let alone = Sources::default();
    let submitted = flow::Submitted {
        document: signed,
        detached: &detached,
        ..Default::default()
    };
    let judged = flow::validate(&submitted, &policy, &alone, now).unwrap();
    let verdict = judged.verdict;
    assert_eq!(
        verdict.indication.unwrap().name(),
        "TOTAL-PASSED",
        "{verdict:#?}"
    );
    assert_eq!(verdict.wanted, []);
}

#[test]
fn lt_is_called_lt_when_the_document_alone_is_passed() {
    let office = provider().office("");
    for (level, packaging) in [("B-LT", "enveloping"), ("B-LTA", "detached")] {
        let parameters = json!({"format": "cades", "level": level, "packaging": packaging});
        let signed = sign(&office, CONTENT, &parameters);
        assert_eq!(signed.status, 200, "{}", signed.text());
        let apart = (packaging == "detached").then_some(CONTENT);
        passes_alone(&office, &signed.body, apart);
    }
    let bare = sign(
        &office,
        CONTENT,
        &json!({"format": "cades", "level": "B-T"}),
    )
    .body;
    let raised = augment(&office, &bare, &json!({"level": "B-LTA"}));
    assert_eq!(
        raised.header("x-rubrica-level"),
        Some("CAdES-BASELINE-LTA"),
        "{}",
        raised.text()
    );
    passes_alone(&office, &raised.body, None);
    let renewed = augment(&office, &raised.body, &json!({"level": "B-LTA"}));
    assert!(renewed.body.len() > raised.body.len() + 1_000);
    passes_alone(&office, &renewed.body, None);
    // What PDF signatures are not raised to yet is said by name, and nothing leaves.
    let refused = sign(
        &office,
        &pdf(),
        &json!({"format": "pades", "level": "B-LT"}),
    );
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(refused.json()["type"], "urn:rubrica:problem:unsupported");
}

#[test]
fn without_revocation_data_lt_is_owed_or_nothing_leaves() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.status.down(true);
    let lt = json!({"format": "cades", "level": "B-LT"});
    let degraded = sign(&office, CONTENT, &lt);
    assert_eq!(degraded.status, 200, "{}", degraded.text());
    assert_eq!(degraded.header("x-rubrica-level"), Some("CAdES-BASELINE-T"));
    let why = degraded.header("x-rubrica-degraded").unwrap();
    assert!(why.starts_with("B-LT is owed: "), "{why}");
    let fail = json!({"format": "cades", "level": "B-LT", "when_unavailable": "fail"});
    assert_eq!(sign(&office, CONTENT, &fail).status, 503);
    assert!(provider.status.asked() > 0);
    let path = format!(
        "/v1/owed/{}/document",
        degraded.header("x-rubrica-owed").unwrap()
    );
    assert_eq!(office.service.settle_debts().unwrap().unwrap().paid, 0);
    provider.status.down(false);
    provider.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    let settled = office.service.settle_debts().unwrap().unwrap();
    assert_eq!(settled.paid, 1, "{settled:?}");
    let raised = office.ask("GET", &path).key(PORTAL).send();
    assert_eq!(raised.header("x-rubrica-level"), Some("CAdES-BASELINE-LT"));
    passes_alone(&office, &raised.body, None);
}

#[test]
fn a_revoked_key_elsewhere_gets_no_lt() {
    let provider = provider();
    let office = provider.office("");
    let person = citizen(provider, "revoked");
    let parameters = json!({"format": "cades", "level": "B-LT"});
    let prepared = prepare(&office, &person, CONTENT, &parameters);
    let value = person.value(&bytes(&prepared["to_be_signed"]));
    let refused = finish(
        &office,
        PORTAL,
        CONTENT,
        prepared["state"].as_str().unwrap(),
        &value,
    );
    assert_eq!(refused.remedied(422), "signature 1");
    assert!(refused.text().contains("REVOKED"), "{}", refused.text());
}
