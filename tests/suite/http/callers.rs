//! Nobody seals, registers or reads without being known, and nobody beyond what their key covers.

use super::office::{
    Form, OTHER, Office, PORTAL, READER, SEALER, key, metadata, pdf, request, write,
};
use rubrica::service::clock::SettableClock;
use rubrica::service::http::{Parts, Service};
use std::sync::Arc;

/// Every route that needs a key.
const GUARDED: [(&str, &str); 11] = [
    ("POST", "/v1/receipts"),
    ("GET", "/v1/receipts"),
    ("GET", "/v1/receipts/20260000120000000001"),
    ("GET", "/v1/receipts/20260000120000000001/acuse"),
    ("GET", "/v1/receipts/20260000120000000001/acuse.eml"),
    ("GET", "/v1/receipts/20260000120000000001/justificante"),
    ("GET", "/v1/receipts/20260000120000000001/evidence"),
    ("GET", "/v1/receipts/20260000120000000001/original/0"),
    ("POST", "/v1/seal"),
    ("POST", "/v1/documents"),
    ("GET", "/v1/receipts?person=00000000T"),
];

#[test]
fn without_a_key_and_with_a_wrong_one_the_answer_is_the_same() {
    let office = Office::open();
    let right = key(PORTAL);
    let almost = format!("{}A", &right[..right.len() - 1]);
    for (method, path) in GUARDED {
        let without = office.ask(method, path).send();
        assert_eq!(without.remedied(401), "header Authorization");
        assert!(
            without
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
        for authorization in [
            format!("Bearer {almost}"),
            "Bearer ".into(),
            "Bearer rubrica_".into(),
            format!("Basic {right}"),
            right.clone(),
        ] {
            let wrong = office
                .ask(method, path)
                .header("Authorization", &authorization)
                .send();
            assert_eq!(wrong.body, without.body, "{method} {path} {authorization}");
            assert_eq!(wrong.status, 401);
        }
    }
    // Whoever is not known does not get to send a body either.
    let big = office
        .ask("POST", "/v1/seal")
        .begin("Content-Length: 1000000000\r\n");
    assert_eq!(super::office::Answer::read(big).status, 401);
}

#[test]
fn a_key_does_what_it_lists_and_nothing_else() {
    let office = Office::open();
    let forbidden = |caller: u8, method: &str, path: &str, what: &str| {
        let answer = office
            .ask(method, path)
            .key(caller)
            .body("application/pdf", &pdf());
        assert_eq!(answer.remedied(403), "operation", "{path}");
        assert!(answer.text().contains(what), "{}", answer.text());
        assert!(!answer.text().contains(&key(caller)));
    };
    forbidden(READER, "POST", "/v1/receipts", "register");
    forbidden(READER, "POST", "/v1/seal", "seal");
    forbidden(READER, "POST", "/v1/documents", "documents");
    forbidden(SEALER, "GET", "/v1/receipts", "read");
    forbidden(SEALER, "GET", "/v1/receipts/1/acuse", "read");
    forbidden(OTHER, "POST", "/v1/seal", "seal");
}

#[test]
fn a_seal_or_an_entity_that_the_key_does_not_cover_is_forbidden() {
    let office = Office::open();
    let seal = office
        .ask("POST", "/v1/seal?seal=sede")
        .key(SEALER)
        .body("application/pdf", &pdf());
    assert_eq!(seal.remedied(403), "seal");
    let other = office.register(OTHER, "k", &request(&metadata()));
    assert_eq!(other.remedied(403), "entity");
    let document = Form::default()
        .file("document", "a.pdf", "application/pdf", &pdf())
        .field("entity", "TGSS")
        .field("type", "P");
    assert_eq!(
        office
            .ask("POST", "/v1/documents")
            .key(PORTAL)
            .form(&document)
            .remedied(403),
        "entity"
    );
    let look = office
        .ask("GET", "/v1/receipts?entity=TGSS")
        .key(PORTAL)
        .send();
    assert_eq!(look.remedied(403), "entity");
    assert_eq!(
        office.ask("GET", "/v1/receipts").key(PORTAL).send().json()["receipts"],
        serde_json::json!([])
    );
}

#[test]
fn another_entitys_receipt_does_not_exist() {
    let office = Office::open();
    let made = office.register(PORTAL, "k", &request(&metadata()));
    assert_eq!(made.status, 201, "{}", made.text());
    let number = made.json()["number"].as_str().unwrap().to_string();
    for rest in [
        "",
        "/acuse",
        "/acuse.eml",
        "/justificante",
        "/evidence",
        "/original/0",
    ] {
        let path = format!("/v1/receipts/{number}{rest}");
        assert_eq!(
            office.ask("GET", &path).key(READER).send().status,
            200,
            "{path}"
        );
        let foreign = office.ask("GET", &path).key(OTHER).send();
        let unknown = format!("/v1/receipts/20260000129999999999{rest}");
        let unknown = office.ask("GET", &unknown).key(OTHER).send();
        assert_eq!(foreign.remedied(404), "number");
        assert_eq!(foreign.body, unknown.body, "{path}");
    }
    let found = office
        .ask("GET", "/v1/receipts?person=00000000T")
        .key(OTHER)
        .send();
    assert_eq!(found.json()["receipts"], serde_json::json!([]));
}

#[test]
fn without_callers_their_routes_are_not_there_and_asking_for_them_stops_the_start() {
    let office = Office::altered("", |parts| {
        parts.callers = Arc::new(rubrica::service::callers::ApiKeys::default());
    });
    for (method, path) in GUARDED {
        assert_eq!(
            office.ask(method, path).key(PORTAL).send().status,
            404,
            "{method} {path}"
        );
    }
    assert_eq!(office.get("/v1/time").status, 200);

    let folder = tempfile::tempdir().unwrap();
    let config = write(folder.path(), "callers_listen='127.0.0.1:9'\n");
    let clock = Arc::new(SettableClock::at(super::office::NOON.parse().unwrap()));
    let mut parts = Parts::of(config, clock).unwrap();
    parts.callers = Arc::new(rubrica::service::callers::ApiKeys::default());
    let error = Service::new(parts).unwrap_err();
    assert_eq!(error.element(), "callers_listen");
    assert!(error.remedy_text().unwrap().contains("callers"));
}

#[test]
fn the_routes_of_callers_may_have_an_address_of_their_own() {
    let office = Office::with("callers_listen='127.0.0.1:9'\n");
    for (method, path) in GUARDED {
        assert_eq!(
            office.ask(method, path).key(PORTAL).send().status,
            404,
            "{method} {path}"
        );
        assert_eq!(
            office.ask(method, path).at_callers().send().status,
            401,
            "{method} {path}"
        );
    }
    assert_eq!(office.get("/v1/time").status, 200);
    assert_eq!(office.get("/metrics").status, 404);
    assert_eq!(
        office.ask("GET", "/metrics").at_callers().send().status,
        200
    );
    assert_eq!(
        office.ask("GET", "/verificar").at_callers().send().status,
        404
    );
    assert_eq!(
        office.ask("GET", "/healthz").at_callers().send().status,
        200
    );
}
