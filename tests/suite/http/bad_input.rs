//! Bad input gets a problem that names the element and the remedy, and leaves nothing half done.

use super::office::{
    Answer, BOUNDARY, Form, Office, PORTAL, metadata, pdf, private, request, write,
};
use rubrica::engine::ErrorKind;
use rubrica::service::clock::SettableClock;
use rubrica::service::http::Parts;
use serde_json::{Value, json};
use std::sync::Arc;

/// No number was taken: the next one is the first.
fn assert_untouched(office: &Office) {
    let made = office.register(PORTAL, "first", &request(&metadata()));
    assert_eq!(
        made.json()["number"],
        "20260000120000000001",
        "{}",
        made.text()
    );
}

fn edited(edit: impl FnOnce(&mut Value)) -> Value {
    let mut metadata = metadata();
    edit(&mut metadata);
    metadata
}

#[test]
fn what_is_wrong_with_metadata_is_named_and_takes_no_number() {
    let office = Office::open();
    let send = |metadata: &Value| office.register(PORTAL, "k", &request(metadata));
    type Edit = fn(&mut Value);
    let cases: [(Edit, &str); 13] = [
        (
            |m| m["interested"]["document"]["number"] = json!("00000000A"),
            "metadata.interested.document",
        ),
        (
            |m| m["interested"]["document"]["number"] = json!("12"),
            "metadata.interested.document",
        ),
        (
            |m| m["interested"]["document"]["type"] = json!("dni"),
            "metadata.interested.document",
        ),
        (
            |m| m["interested"]["nombre"] = json!("X"),
            "metadata.interested",
        ),
        (
            |m| m["representative"] = json!({ "document": { "type": "nie", "number": "X1" } }),
            "metadata.representative.document",
        ),
        (
            |m| m["identification"]["when"] = json!("ayer"),
            "metadata.identification",
        ),
        (|m| m["entity"] = json!("XX"), "entity"),
        (|m| m["office"] = json!("99"), "office"),
        (|m| m["subject"] = json!("S9"), "subject"),
        (|m| m["destination"] = json!("U2"), "unit"),
        (|m| m["procedure"] = json!("P1"), "procedure"),
        (|m| m["identification"] = Value::Null, "identification"),
        (
            |m| {
                m.as_object_mut().unwrap().remove("office");
            },
            "metadata",
        ),
    ];
    for (edit, element) in cases {
        let metadata = edited(edit);
        let answer = send(&metadata);
        // An entity that the key does not cover is forbidden before it is unknown.
        let status = if element == "entity" { 403 } else { 422 };
        assert_eq!(answer.remedied(status), element, "{metadata}");
        for secret in ["María", "Ñandú", "00000000", "maria@"] {
            assert!(!answer.text().contains(secret), "{}", answer.text());
        }
    }
    assert_untouched(&office);
}

#[test]
fn a_request_must_be_strict_multipart() {
    let office = Office::open();
    let post = |media_type: &str, body: &[u8]| {
        office
            .ask("POST", "/v1/receipts")
            .key(PORTAL)
            .header("Idempotency-Key", "k")
            .body(media_type, body)
    };
    let multipart = format!("multipart/form-data; boundary={BOUNDARY}");
    let whole = request(&metadata()).to_bytes();
    let broken = |answer: Answer, status: u16, element: &str| {
        assert_eq!(answer.remedied(status), element, "{}", answer.text());
    };
    broken(post("application/json", b"{}"), 415, "header Content-Type");
    broken(post("", &whole), 415, "header Content-Type");
    broken(
        post("multipart/form-data", &whole),
        400,
        "header Content-Type",
    );
    broken(post(&multipart, b""), 400, "request body");
    broken(
        post(&multipart, &whole[..whole.len() - 10]),
        400,
        "multipart body",
    );
    broken(post(&multipart, &whole[10..]), 400, "multipart body");
    broken(
        post(&multipart, &[&whole[..], b"more"].concat()),
        400,
        "multipart body",
    );
    broken(
        post("multipart/form-data; boundary=other", &whole),
        400,
        "multipart body",
    );

    let send = |form: Form| office.register(PORTAL, "k", &form);
    let meta = metadata().to_string();
    let file = |name: &str| Form::default().file(name, "a", "text/plain", b"x");
    broken(send(file("request")), 422, "part \"metadata\"");
    broken(
        send(Form::default().field("metadata", &meta)),
        422,
        "part \"request\"",
    );
    broken(
        send(request(&metadata()).field("metadata", &meta)),
        422,
        "part \"metadata\"",
    );
    broken(send(file("document")), 422, "part \"document\"");
    let typed = Form::default().file("metadata", "m", "text/xml", meta.as_bytes());
    broken(send(typed), 415, "part \"metadata\"");
    let json = Form::default().field("metadata", "{").field("request", "x");
    assert_eq!(send(json).problem(400), "part \"metadata\"");
    let empty = Form::default()
        .field("metadata", &meta)
        .field("request", "");
    broken(send(empty), 422, "part \"request\"");
    let nameless = Form::default().raw("Content-Disposition: form-data", b"x");
    assert_eq!(send(nameless).problem(400), "head of a part");
    let encoded = Form::default().raw(
        "Content-Disposition: form-data; name=\"request\"\r\nContent-Transfer-Encoding: base64",
        b"eA==",
    );
    broken(send(encoded), 400, "head of a part");
    broken(
        office.register(PORTAL, &"k".repeat(300), &request(&metadata())),
        422,
        "Idempotency-Key",
    );
    assert_untouched(&office);
}

#[test]
fn too_much_is_refused_by_the_limit_that_it_meets() {
    let office = Office::with(
        "[limits]\ndocument_bytes=1000\nrequest_bytes=100000\nattachments=2\nmetadata_bytes=2000\n",
    );
    let send = |form: Form| office.register(PORTAL, "k", &form);
    let with = |name: &str, bytes: usize| {
        request(&metadata()).file(name, "a", "text/plain", &vec![b'x'; bytes])
    };
    let limit = |answer: Answer, key: &str| {
        answer.remedied(413);
        assert!(answer.text().contains(key), "{}", answer.text());
    };
    limit(send(with("attachment", 1001)), "limits.document_bytes");
    limit(
        send(with("attachment", 10).file("attachment", "b", "text/plain", b"x")),
        "limits.attachments",
    );
    limit(send(with("attachment", 200_000)), "limits.request_bytes");
    let long = edited(|m| m["province"] = json!("x".repeat(3000)));
    limit(send(request(&long)), "limits.metadata_bytes");
    let large = office
        .ask("POST", "/v1/validate")
        .body("application/pdf", &vec![b'x'; 1001]);
    limit(large, "limits.document_bytes");
    assert_untouched(&office);
}

#[test]
fn what_is_no_pdf_is_not_sealed() {
    let office = Office::open();
    let seal = |body: &[u8]| {
        office
            .ask("POST", "/v1/seal?seal=sede")
            .key(PORTAL)
            .body("application/pdf", body)
    };
    assert_eq!(seal(b"").remedied(400), "request body");
    let whole = pdf();
    for cut in [3, 20, whole.len() / 2] {
        seal(&whole[..cut]).problem(422);
    }
    seal(b"<html>").problem(422);
    let typed = office
        .ask("POST", "/v1/seal")
        .key(PORTAL)
        .body("image/png", b"x");
    assert_eq!(typed.remedied(415), "header Content-Type");
    let unnamed = office
        .ask("POST", "/v1/seal")
        .key(PORTAL)
        .body("application/pdf", &whole);
    assert_eq!(unnamed.remedied(422), "seal");
    let odd = office
        .ask("POST", "/v1/seal?seal=sede&colour=red")
        .key(PORTAL)
        .body("application/pdf", &whole);
    assert_eq!(odd.remedied(400), "query");
}

#[test]
fn what_cannot_be_validated_is_a_problem_and_not_a_verdict() {
    let office = Office::open();
    let judge =
        |media_type: &str, body: &[u8]| office.ask("POST", "/v1/validate").body(media_type, body);
    assert_eq!(judge("application/pdf", b"").remedied(400), "request body");
    for kind in [
        "text/html",
        "application/x-www-form-urlencoded",
        "application/json",
    ] {
        assert_eq!(
            judge(kind, b"x").remedied(415),
            "header Content-Type",
            "{kind}"
        );
    }
    judge("application/octet-stream", b"neither PDF nor ZIP").problem(422);
    judge("application/zip", b"PK\x03\x04 cut").problem(422);
    let at = office
        .ask("POST", "/v1/validate?at=tomorrow")
        .body("application/pdf", &pdf());
    assert_eq!(at.remedied(422), "at");
    let form = Form::default().file("content", "c", "text/plain", b"x");
    let missing = office.ask("POST", "/v1/validate").form(&form);
    assert_eq!(missing.remedied(422), "part \"document\"");
}

#[test]
fn a_seal_that_may_not_be_used_seals_nothing() {
    let all = rubrica::service::callers::Permissions {
        name: "all".into(),
        operations: vec![rubrica::service::callers::Operation::Seal],
        entities: vec![],
        seals: vec!["*".into()],
    };
    let revoked = format!(
        "[[seal]]\nname='revoked'\nkey='{}/certs/test/revoked.p12'\npassphrase_file='secrets/passphrase'\n",
        env!("CARGO_MANIFEST_DIR")
    );
    let office = Office::altered(&revoked, |parts| {
        let keys = rubrica::service::callers::ApiKeys::default();
        parts.callers = Arc::new(keys.with(&super::office::key(PORTAL), all));
    });
    // What every look at the revocation lists finds out.
    office.service.check_seals();
    for (seal, why) in [
        ("old", "expired"),
        ("early", "not valid before"),
        ("revoked", "revoked on 2025-01-01"),
    ] {
        let answer = office
            .ask("POST", &format!("/v1/seal?seal={seal}"))
            .key(PORTAL)
            .body("application/pdf", &pdf());
        assert_eq!(answer.remedied(422), format!("seal {seal:?}"));
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    let listed = office.get("/v1/seals").json();
    let listed = listed["certificates"].as_array().unwrap();
    let revoked = listed.iter().find(|c| c["name"] == "revoked").unwrap();
    assert_eq!(revoked["status"], "revoked");
    let unknown = office
        .ask("POST", "/v1/seal?seal=none")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    assert_eq!(unknown.remedied(422), "seal");
}

#[test]
fn paths_and_methods_that_are_not_there_are_problems_too() {
    let office = Office::open();
    assert_eq!(office.get("/v2").remedied(404), "path");
    assert_eq!(
        office.ask("DELETE", "/v1/time").send().remedied(405),
        "method"
    );
    assert_eq!(office.get("/v1/validate").remedied(405), "method");
    let original = office
        .ask("GET", "/v1/receipts/1/original/x")
        .key(PORTAL)
        .send();
    assert!(matches!(original.status, 400 | 404), "{}", original.status);
}

#[test]
fn a_second_service_on_one_store_is_refused_and_told_who_has_it() {
    let office = Office::open();
    let config = write(office.folder.path(), "");
    let error = Parts::of(config, office.clock.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(
        error
            .problem()
            .contains(&format!("process {}", std::process::id())),
        "{error}"
    );
}

#[test]
fn a_wrong_passphrase_stops_the_start_and_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = write(folder.path(), "");
    let wrong = folder.path().join("wrong");
    private(&wrong, "not-the-passphrase");
    config.seals.truncate(1);
    config.seals[0].passphrase_file = Some(wrong);
    let clock = Arc::new(SettableClock::at(super::office::NOON.parse().unwrap()));
    let error = Parts::of(config, clock.clone()).unwrap_err();
    assert!(error.to_string().contains("passphrase"), "{error}");
    assert!(!error.to_string().contains("not-the-passphrase"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let sound = Parts::of(write(folder.path(), ""), clock).unwrap();
    assert_eq!(sound.seals.len(), 3);
}
