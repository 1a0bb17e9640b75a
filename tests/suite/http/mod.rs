//! The service over HTTP, as callers and citizens meet it: what it does, whom it refuses, and what bad input gets.

mod access;
mod bad_input;
mod callers;
mod certificates;
mod codes;
mod evidence;
mod limits;
pub(crate) mod office;
mod owed;
mod pages;
pub(crate) mod provider;
mod register;
mod reports;
mod sign;
mod timestamp;

use office::{Office, pdf};

#[test]
fn the_official_time_is_told_in_both_zones_and_the_date_header_is_one() {
    let office = Office::open();
    let answer = office.get("/v1/time");
    let time = answer.json();
    assert_eq!(time["utc"], "2026-11-24T12:00:00Z");
    assert_eq!(time["local"], "2026-11-24T13:00:00.000+01:00");
    assert_eq!(time["zone"], "Europe/Madrid");
    let date = answer.header("date").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == 29, "{date}");
    office.clock.set("2026-10-25T01:30:00Z".parse().unwrap());
    assert_eq!(
        office.get("/v1/time").json()["local"],
        "2026-10-25T02:30:00.000+01:00"
    );
}

#[test]
fn every_answer_bears_the_security_headers_and_an_id() {
    let office = Office::open();
    for path in ["/", "/v1/time", "/nothing", "/healthz", "/assets/style.css"] {
        let answer = office.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(!policy.contains("unsafe"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert!(answer.header("x-request-id").unwrap().len() >= 8, "{path}");
    }
    assert_eq!(
        office.get("/v1/seals").header("cache-control"),
        Some("no-store")
    );
    let given = office
        .ask("GET", "/healthz")
        .header("X-Request-Id", "portal-0001")
        .send();
    assert_eq!(given.header("x-request-id"), Some("portal-0001"));
    let forged = office
        .ask("GET", "/healthz")
        .header("X-Request-Id", "a\"; b")
        .send();
    assert_ne!(forged.header("x-request-id"), Some("a\"; b"));
}

#[test]
fn readiness_gives_its_reasons() {
    let office = Office::open();
    let ready = office.get("/readyz");
    // One of the three seals is expired and one is not valid yet: not ready, and it says so.
    assert_eq!(ready.status, 503);
    let checks = &ready.json()["checks"];
    assert_eq!(checks["anchors"]["ok"], true);
    assert_eq!(checks["store"]["ok"], true);
    assert_eq!(checks["clock"]["ok"], true);
    assert_eq!(checks["seals"]["ok"], false);
    assert!(
        checks["seals"]["reason"]
            .as_str()
            .unwrap()
            .contains("expired")
    );

    let sound = Office::altered("", |parts| parts.seals.truncate(1));
    assert_eq!(sound.get("/readyz").status, 200);
    let bare = Office::altered("", |parts| {
        parts.seals.truncate(1);
        parts.policy = rubrica::service::trust::PolicyHandle::new(
            rubrica::engine::validation::Policy::baseline(
                rubrica::engine::pki::trust::Anchors::default(),
            ),
        );
    });
    let unready = bare.get("/readyz");
    assert_eq!(unready.status, 503);
    assert!(
        unready.json()["checks"]["anchors"]["reason"]
            .as_str()
            .unwrap()
            .contains("anchor")
    );
}

#[test]
fn the_seals_are_listed_with_their_status_and_a_presented_one_is_recognised() {
    let office = Office::open();
    let listed = office.get("/v1/seals").json();
    let listed = listed["certificates"].as_array().unwrap();
    let status = |name: &str| {
        let found = listed.iter().find(|c| c["name"] == name).unwrap();
        found["status"].as_str().unwrap().to_string()
    };
    assert_eq!(
        [status("sede"), status("old"), status("early")],
        ["valid", "expired", "not_yet_valid"]
    );
    assert!(listed.iter().any(|c| c["use"] == "web_site"));

    let certs = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
    let check = |file: &str| {
        let pem = std::fs::read(format!("{certs}/{file}.pem")).unwrap();
        office
            .ask("POST", "/v1/seals/check")
            .body("application/x-pem-file", &pem)
            .json()
    };
    assert_eq!(check("seal")["of_the_sede"], true);
    assert_eq!(check("citizen")["of_the_sede"], false);
    let none = office
        .ask("POST", "/v1/seals/check")
        .body("application/pkix-cert", b"none");
    assert_eq!(none.remedied(422), "certificate");
}

#[test]
fn a_sealed_pdf_keeps_every_byte_and_validates() {
    let office = Office::open();
    let pdf = pdf();
    let sealed = office
        .ask("POST", "/v1/seal?seal=sede&reason=Prueba&visible=true")
        .key(office::PORTAL)
        .body("application/pdf", &pdf);
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    assert_eq!(sealed.header("x-rubrica-level"), Some("PAdES-BASELINE-B"));
    assert!(sealed.body.starts_with(&pdf));

    let judge = |body: &[u8]| {
        office
            .ask("POST", "/v1/validate")
            .body("application/pdf", body)
    };
    let report = judge(&sealed.body).json();
    assert_eq!(report["indication"], "TOTAL-PASSED", "{report:#}");
    assert_eq!(report["signatures"][0]["level"], "PAdES-BASELINE-B");
    let mut altered = sealed.body.clone();
    altered[60] ^= 1;
    assert_ne!(judge(&altered).json()["indication"], "TOTAL-PASSED");
    assert_eq!(judge(&pdf).json()["indication"], serde_json::Value::Null);

    let text = |language: &str| {
        office
            .ask("POST", "/v1/validate")
            .header("Accept", "text/plain")
            .header("Accept-Language", language)
            .body("application/octet-stream", &sealed.body)
    };
    let (es, en) = (text("es"), text("en-GB, es;q=0.5"));
    assert_eq!(
        (es.header("content-language"), en.header("content-language")),
        (Some("es"), Some("en"))
    );
    assert_ne!(es.text(), en.text());
    let earlier = office
        .ask("POST", "/v1/validate?at=2023-01-01T00:00:00%2B01:00")
        .body("application/pdf", &sealed.body);
    assert_ne!(earlier.json()["indication"], "TOTAL-PASSED");
}

#[test]
fn a_service_that_is_told_to_end_ends_what_it_began() {
    use std::io::Write;
    let mut office = Office::open();
    let body = pdf();
    let head = format!(
        "Content-Type: application/pdf\r\nContent-Length: {}\r\n",
        body.len()
    );
    let mut begun = office.ask("POST", "/v1/validate").begin(&head);
    begun.write_all(&body[..10]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    office.tell();
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert!(
        std::net::TcpStream::connect(office.address).is_err(),
        "no new connections"
    );
    begun.write_all(&body[10..]).unwrap();
    assert_eq!(office::Answer::read(begun).status, 200);
    office.wait();
}

#[test]
fn the_counters_count() {
    let office = Office::open();
    office.get("/v1/time");
    office.get("/nothing");
    office
        .ask("POST", "/v1/validate")
        .body("application/pdf", &pdf());
    let text = office.get("/metrics").text();
    for line in [
        "rubrica_requests_total{method=\"GET\",route=\"/v1/time\",status=\"200\"} 1",
        "rubrica_requests_total{method=\"GET\",route=\"(none)\",status=\"404\"} 1",
        "rubrica_validations_total{indication=\"unsigned\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}
