//! Registering over HTTP: once under its number, the same bytes for ever, found again by what it is about.

use super::office::{Form, NOON, Office, PORTAL, metadata, request};
use serde_json::{Value, json};

fn made(office: &Office, idempotency: &str, metadata: &Value) -> Value {
    let answer = office.register(PORTAL, idempotency, &request(metadata));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let receipt = answer.json();
    let number = receipt["number"].as_str().unwrap();
    assert_eq!(
        answer.header("location"),
        Some(format!("/v1/receipts/{number}").as_str())
    );
    receipt
}

fn fetch(office: &Office, path: &Value) -> super::office::Answer {
    let answer = office.ask("GET", path.as_str().unwrap()).key(PORTAL).send();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

#[test]
fn a_request_gets_a_sealed_receipt_and_everything_comes_back_byte_for_byte() {
    let office = Office::open();
    let receipt = made(&office, "k1", &metadata());
    assert_eq!(receipt["number"], "20260000120000000001");
    assert_eq!(receipt["presented"], NOON);
    assert_eq!(receipt["presented_local"], "2026-11-24T13:00:00.000+01:00");
    assert_eq!(receipt["level"], "PAdES-BASELINE-B");
    assert_eq!(receipt["names"]["entity"]["name"], "Instituto");

    let first = fetch(&office, &receipt["documents"][0]["href"]);
    assert_eq!(first.body, b"<solicitud/>");
    assert_eq!(first.header("content-type"), Some("application/xml"));
    let second = fetch(&office, &receipt["documents"][1]["href"]);
    assert_eq!(second.body, b"anexo\r\n--test-boundar\r\n");
    assert!(
        second
            .header("content-disposition")
            .unwrap()
            .contains("filename*=UTF-8''a%C3%B1o%201.txt")
    );

    let links = &receipt["links"];
    let acuse = fetch(&office, &links["acuse"]);
    assert!(acuse.body.starts_with(b"PK\x03\x04"));
    assert_eq!(
        acuse.header("content-type"),
        Some("application/vnd.etsi.asic-e+zip")
    );
    assert_eq!(fetch(&office, &links["acuse"]).body, acuse.body);
    assert!(
        fetch(&office, &links["justificante"])
            .body
            .starts_with(b"%PDF-")
    );
    assert!(fetch(&office, &links["evidence"]).json().is_object());
    let message = fetch(&office, &links["acuse_eml"]);
    assert!(message.text().contains("maria@correo.example"));
    assert_eq!(fetch(&office, &links["self"]).json(), receipt);

    let report = office
        .ask("POST", "/v1/validate")
        .body("application/zip", &acuse.body)
        .json();
    assert_eq!(report["indication"], "TOTAL-PASSED", "{report:#}");
    assert_eq!(
        report["inside"][0]["report"]["signatures"][0]["level"],
        "PAdES-BASELINE-B"
    );

    let other = office
        .ask("POST", "/v1/validate?at=2001-01-01T00:00:00Z")
        .body("application/zip", &acuse.body)
        .json();
    assert_ne!(other["signatures"][0]["findings"], json!([]), "{other:#}");
    let description = office.get("/openapi.json").json();
    for (schema, answer) in [
        ("Receipt", &receipt),
        ("Report", &report),
        ("Report", &other),
    ] {
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        holds(&description, &schema, answer, "");
    }
}

/// Every field of the answer is one that the schema describes, and every field that it requires is there.
fn holds(description: &Value, schema: &Value, answer: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = description.pointer(&reference[1..]).unwrap();
        return holds(description, schema, answer, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let choice = choices
            .iter()
            .find(|c| (c["type"] == "null") == answer.is_null());
        return holds(description, choice.unwrap(), answer, at);
    }
    match answer {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(answer.get(name.as_str().unwrap()).is_some(), "{at}/{name}");
            }
            for (name, value) in fields {
                let schema = &schema["properties"][name];
                assert!(!schema.is_null(), "{at}/{name} is not described");
                holds(description, schema, value, &format!("{at}/{name}"));
            }
        }
        Value::Array(values) => values
            .iter()
            .for_each(|v| holds(description, &schema["items"], v, at)),
        _ => {}
    }
}

#[test]
fn a_retry_gets_the_first_bytes_and_other_content_a_conflict_with_both_digests() {
    let office = Office::open();
    let first = made(&office, "k1", &metadata());
    let acuse = fetch(&office, &first["links"]["acuse"]).body;
    office.clock.advance(std::time::Duration::from_secs(3600));
    let again = made(&office, "k1", &metadata());
    assert_eq!(again, first);
    assert_eq!(fetch(&office, &again["links"]["acuse"]).body, acuse);

    let mut other = metadata();
    other["province"] = json!("Madrid");
    let conflict = office.register(PORTAL, "k1", &request(&other));
    assert_eq!(conflict.remedied(409), "Idempotency-Key");
    let detail = conflict.json()["detail"].as_str().unwrap().to_string();
    let digests = detail
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|w| w.len() == 64);
    assert_eq!(digests.count(), 2, "{detail}");
    assert_eq!(
        made(&office, "k2", &metadata())["number"],
        "20260000120000000002"
    );
}

#[test]
fn entries_are_found_by_person_office_and_day_a_page_at_a_time() {
    let office = Office::open();
    let mut other = metadata();
    other["interested"]["document"] = json!({ "type": "nie", "number": "X0000000T" });
    for n in 0..5 {
        made(&office, &format!("a{n}"), &metadata());
        office.clock.advance(std::time::Duration::from_secs(86_400));
        made(&office, &format!("b{n}"), &other);
    }
    let find = |query: &str| {
        office
            .ask("GET", &format!("/v1/receipts?{query}"))
            .key(PORTAL)
            .send()
            .json()
    };
    let count = |query: &str| find(query)["receipts"].as_array().unwrap().len();
    assert_eq!(count(""), 10);
    assert_eq!(count("person=00000000-t"), 5);
    assert_eq!(count("person=ES-X0000000T"), 5);
    assert_eq!(count("person=12345678Z"), 0);
    assert_eq!(count("office=12&from=2026-11-24&to=2026-11-24"), 1);
    assert_eq!(count("from=2026-11-25&to=2026-11-26"), 4);
    assert_eq!(count("office=99"), 0);
    assert_eq!(count("direction=salida"), 0);

    let mut seen = Vec::new();
    let mut page = find("limit=4");
    loop {
        let listed = page["receipts"].as_array().unwrap();
        seen.extend(
            listed
                .iter()
                .map(|r| r["number"].as_str().unwrap().to_string()),
        );
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(next.contains("limit=4"));
        page = office.ask("GET", next).key(PORTAL).send().json();
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.windows(2).all(|w| w[0] < w[1]), "{seen:?}");
    for wrong in ["from=yesterday", "page=x", "unknown=1", "direction=up"] {
        let answer = office
            .ask("GET", &format!("/v1/receipts?{wrong}"))
            .key(PORTAL)
            .send();
        assert!(matches!(answer.status, 400 | 422), "{wrong}");
        answer.remedied(answer.status);
    }
}

#[test]
fn a_clock_set_back_stops_the_numbers_and_says_so() {
    let office = Office::altered("", |parts| parts.seals.truncate(1));
    made(&office, "k1", &metadata());
    office.clock.set("2026-11-24T11:00:00Z".parse().unwrap());
    let refused = office.register(PORTAL, "k2", &request(&metadata()));
    assert_eq!(refused.remedied(503), "clock");
    assert!(refused.header("retry-after").is_some());
    let ready = office.get("/readyz");
    assert_eq!(ready.status, 503);
    assert!(
        ready.json()["checks"]["clock"]["reason"]
            .as_str()
            .unwrap()
            .contains("set back")
    );
    office.clock.set(NOON.parse().unwrap());
    assert_eq!(
        made(&office, "k2", &metadata())["number"],
        "20260000120000000002"
    );
}

#[test]
fn an_authority_that_is_down_degrades_the_seal_visibly_or_stops_it() {
    let tsa = |policy: &str| {
        format!(
            "[[tsa]]\nname='down'\nurl='http://127.0.0.1:9/tsa'\ntimeout_seconds=1\n[[seal]]\nname='stamped'\nkey='{}/certs/test/seal-p256.p12'\npassphrase_file='secrets/passphrase'\ntsa=['down']\nwhen_tsa_fails='{policy}'\n",
            env!("CARGO_MANIFEST_DIR")
        )
    };
    let seal = |office: &Office| {
        office
            .ask("POST", "/v1/seal?seal=stamped")
            .key(super::office::PORTAL)
            .body("application/pdf", &super::office::pdf())
    };
    let widened = |parts: &mut rubrica::service::http::Parts| {
        let permissions = rubrica::service::callers::Permissions {
            name: "portal".into(),
            operations: vec![rubrica::service::callers::Operation::Seal],
            entities: vec![],
            seals: vec!["*".into()],
        };
        let keys = rubrica::service::callers::ApiKeys::default();
        parts.callers = std::sync::Arc::new(keys.with(&super::office::key(PORTAL), permissions));
    };
    let degraded = seal(&Office::altered(&tsa("degrade"), widened));
    assert_eq!(degraded.status, 200, "{}", degraded.text());
    assert_eq!(degraded.header("x-rubrica-level"), Some("PAdES-BASELINE-B"));
    assert!(degraded.header("x-rubrica-degraded").is_some());
    let stopped = seal(&Office::altered(&tsa("fail"), widened));
    stopped.problem(503);
}

#[test]
fn a_document_is_sealed_with_a_code_and_kept() {
    let office = Office::open();
    let form = |kind: &str, days: &str| {
        Form::default()
            .file(
                "document",
                "a.pdf",
                "application/pdf",
                &super::office::pdf(),
            )
            .field("entity", "INSS")
            .field("type", kind)
            .field("caducidad", days)
    };
    let issue = |form: &Form| office.ask("POST", "/v1/documents").key(PORTAL).form(form);
    let issued = issue(&form("T", "30"));
    assert_eq!(issued.status, 201, "{}", issued.text());
    let issued = issued.json();
    assert_eq!(issued["validity"], json!({ "until": "2026-12-24" }));
    assert_eq!(issued["code_id"].as_str().unwrap().len(), 12);
    assert!(
        issued["verification_url"]
            .as_str()
            .unwrap()
            .starts_with("http://sede.example/verificar/codigo?id=")
    );
    assert_eq!(issue(&form("P", "")).json()["validity"], "permanent");
    for (kind, days, element) in [
        ("X", "1", "type"),
        ("T", "734", "caducidad"),
        ("T", "", "caducidad"),
        ("P", "5", "caducidad"),
        ("T", "soon", "caducidad"),
    ] {
        assert_eq!(
            issue(&form(kind, days)).problem(422),
            element,
            "{kind} {days}"
        );
    }
}
