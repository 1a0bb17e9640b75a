//! Questions about certificates over HTTP: each form, many at once, the past, and what is not a question.

use super::office::{Answer, Form, Office, PORTAL, READER};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn pem(name: &str) -> String {
    let text = String::from_utf8(file(&format!("{name}.pem"))).unwrap();
    let (end, from) = (
        "-----END CERTIFICATE-----\n",
        text.find("-----BEGIN").unwrap(),
    );
    text[from..text.find(end).unwrap() + end.len()].to_string()
}

fn base64(name: &str) -> String {
    pem(name)
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect()
}

fn der(name: &str) -> Vec<u8> {
    rubrica::engine::pki::Certificate::from_pem_or_der(pem(name).as_bytes()).unwrap()[0]
        .bytes()
        .to_vec()
}

fn ask(office: &Office, query: &str, kind: &str, body: &[u8]) -> Answer {
    office
        .ask("POST", &format!("/v1/certificates/status{query}"))
        .body(kind, body)
}

fn ask_json(office: &Office, value: &Value) -> Answer {
    ask(office, "", "application/json", value.to_string().as_bytes())
}

#[test]
fn a_certificate_is_asked_about_in_every_form() {
    let office = Office::open();
    for (kind, body) in [
        ("application/pkix-cert", der("citizen")),
        ("application/octet-stream", der("citizen")),
        ("application/x-pem-file", pem("citizen").into_bytes()),
        (
            "application/pem-certificate-chain",
            (pem("citizen") + &pem("ca")).into_bytes(),
        ),
    ] {
        let answer = ask(&office, "?purpose=access", kind, &body);
        assert_eq!(answer.status, 200, "{kind} {}", answer.text());
        let answer = answer.json();
        assert_eq!(
            (&answer["status"], &answer["admit"]),
            (&json!("good"), &json!(true)),
            "{answer:#}"
        );
        assert_eq!(answer["revocation"][0]["kind"], "crl");
        assert!(answer["revocation"][0]["age_seconds"].as_u64().unwrap() > 1_000);
        assert_eq!(answer["path"].as_array().unwrap().len(), 3);
        assert!(answer.get("findings").is_none());
    }
    for value in [
        json!({ "certificate": base64("revoked"), "purpose": "access" }),
        json!({ "certificate": pem("revoked"), "chain": [pem("ca"), base64("root")] }),
        json!({ "certificate": base64("revoked"), "form": "haproxy", "chain_header": base64("ca") }),
        json!({ "certificate": format!(":{}:", base64("revoked")), "form": "rfc9440", "chain_header": format!(":{}:", base64("ca")) }),
        json!({ "certificate": format!("{},{}", base64("revoked"), base64("ca")), "form": "traefik" }),
        json!({ "certificate": pem("revoked").replace('\n', " "), "form": "apache" }),
        json!({ "certificate": pem("revoked").trim_end().replace('\n', "\n\t"), "form": "apache" }),
    ] {
        let answer = ask_json(&office, &value).json();
        assert_eq!(
            (&answer["status"], &answer["admit"]),
            (&json!("revoked"), &json!(false)),
            "{value} {answer:#}"
        );
        assert_eq!(answer["since"], "2025-01-01T00:00:00Z");
        assert!(
            answer["explanation"]["es"]
                .as_str()
                .unwrap()
                .contains("revocado")
        );
    }
    let metrics = office.get("/metrics").text();
    assert!(
        metrics.contains("rubrica_certificate_checks_total{status=\"revoked\"} 7"),
        "{metrics}"
    );
}

#[test]
fn many_are_answered_each_in_its_place() {
    let office = Office::open();
    let names = ["citizen", "revoked", "expired", "future", "tsa"];
    let mut certificates: Vec<Value> = names
        .iter()
        .map(|name| json!({ "certificate": base64(name) }))
        .collect();
    certificates.push(json!({ "certificate": "AAAA" }));
    certificates.push(json!({ "certificate": base64("tsa"), "purpose": "time-stamping" }));
    let answer = ask_json(
        &office,
        &json!({ "certificates": certificates, "purpose": "access" }),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answers = answer.json()["answers"].as_array().unwrap().clone();
    let words: Vec<&str> = answers
        .iter()
        .map(|a| a["status"].as_str().unwrap_or("problem"))
        .collect();
    assert_eq!(
        words,
        [
            "good",
            "revoked",
            "expired",
            "not-yet-valid",
            "not-for-purpose",
            "problem",
            "good"
        ]
    );
    assert_eq!(answers[5]["problem"]["element"], "certificate");
    let none = ask_json(&office, &json!({ "certificates": [] }));
    assert_eq!(none.json()["answers"], json!([]));
    let many = vec![json!({ "certificate": "AAAA" }); 101];
    assert_eq!(
        ask_json(&office, &json!({ "certificates": many })).remedied(413),
        "certificates"
    );
}

#[test]
fn what_is_no_question_is_told_so() {
    let office = Office::open();
    for (query, kind, body, status, element) in [
        ("", "text/plain", "x".into(), 415, "header Content-Type"),
        (
            "",
            "application/pkix-cert",
            String::new(),
            422,
            "certificate",
        ),
        (
            "",
            "application/pkix-cert",
            "0\u{0}".into(),
            422,
            "certificate",
        ),
        (
            "",
            "application/x-pem-file",
            "-----BEGIN CERTIFICATE-----".into(),
            422,
            "certificate",
        ),
        (
            "",
            "application/x-pem-file",
            pem("citizen").repeat(1000),
            413,
            "request body",
        ),
        (
            "",
            "application/x-pem-file",
            pem("citizen").repeat(21),
            413,
            "certificates",
        ),
        (
            "?purpose=x",
            "application/pkix-cert",
            "0".into(),
            422,
            "purpose",
        ),
        (
            "?at=2026-01-01T00:00:00Z",
            "application/pkix-cert",
            "0".into(),
            400,
            "query",
        ),
        (
            "?if_unknown=revoke",
            "application/pkix-cert",
            "0".into(),
            400,
            "query",
        ),
        ("", "application/json", "{".into(), 400, "request body"),
        (
            "",
            "application/json",
            "{\"certificate\":1}".into(),
            400,
            "request body",
        ),
        (
            "",
            "application/json",
            "{\"certificates\":{}}".into(),
            400,
            "request body",
        ),
        (
            "",
            "application/json",
            "{\"certificate\":\"\",\"more\":1}".into(),
            400,
            "request body",
        ),
        (
            "",
            "application/json",
            "{\"certificate\":\"*\"}".into(),
            422,
            "certificate",
        ),
        (
            "",
            "application/json",
            "{\"certificate\":\"\",\"form\":\"nginx\"}".into(),
            422,
            "certificate",
        ),
        (
            "",
            "application/json",
            "{\"certificate\":\"AAAA\",\"chain_header\":\"\"}".into(),
            422,
            "chain_header",
        ),
        (
            "",
            "application/json",
            "{\"certificate\":\"AAAA\",\"crls\":[\"\"]}".into(),
            422,
            "question",
        ),
        (
            "",
            "application/json",
            format!("{{\"certificate\":\"{}\"}}", "A".repeat(2 << 20)),
            413,
            "request body",
        ),
        (
            "",
            "application/json",
            format!("{{\"certificate\":{}", "[".repeat(100_000)),
            400,
            "request body",
        ),
    ] {
        let answer = ask(&office, query, kind, body.as_bytes());
        assert_eq!(
            answer.remedied(status),
            element,
            "{query} {kind} {body:.60}"
        );
    }
    let subject = "00000000T";
    let broken = json!({ "certificate": format!("{subject}-----BEGIN CERTIFICATE-----") });
    assert!(
        !ask_json(&office, &broken).text().contains(subject),
        "nothing of it is repeated"
    );
}

#[test]
fn a_full_report_is_of_any_instant_and_takes_what_is_given() {
    let office = Office::with("");
    let validate = |query: &str| office.ask("POST", &format!("/v1/certificates/validate{query}"));
    let report = |query: &str| {
        validate(query)
            .body("application/pkix-cert", &der("revoked"))
            .json()
    };
    assert_eq!(report("")["status"], "revoked");
    let before = report("?at=2024-12-31T23:59:59Z&purpose=access");
    assert_eq!(
        (&before["status"], &before["at"]),
        (&json!("good"), &json!("2024-12-31T23:59:59Z")),
        "{before:#}"
    );
    assert!(
        before["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|f| f["check"] == "path.holds")
    );
    let form = Form::default()
        .file(
            "certificate",
            "c.pem",
            "application/x-pem-file",
            pem("citizen").as_bytes(),
        )
        .file(
            "chain",
            "ca.pem",
            "application/x-pem-file",
            pem("ca").as_bytes(),
        )
        .file("crl", "ca.crl", "application/pkix-crl", &file("ca.crl"))
        .file(
            "ocsp",
            "citizen.ocsp",
            "application/ocsp-response",
            &file("citizen.ocsp"),
        );
    let full = validate("?purpose=signature").form(&form).json();
    assert_eq!(full["status"], "good", "{full:#}");
    let form = form
        .field("purpose", "signature")
        .field("at", "2024-06-01T00:00:00Z");
    let parts = validate("").form(&form).json();
    assert_eq!(
        (&parts["purpose"], &parts["at"]),
        (&json!("signature"), &json!("2024-06-01T00:00:00Z"))
    );
    let broken = Form::default()
        .file(
            "certificate",
            "c.pem",
            "application/x-pem-file",
            pem("citizen").as_bytes(),
        )
        .file("crl", "ca.crl", "application/pkix-crl", b"none");
    assert_eq!(validate("").form(&broken).remedied(422), "crl");
    let list = rubrica::engine::pki::CertificateList::from_pem_or_der(&file("ca.crl")).unwrap();
    let as_json = json!({
        "certificate": base64("revoked"), "at": "2024-06-01T00:00:00+02:00", "purpose": "access",
        "crls": [STANDARD.encode(list.bytes())], "ocsp": [STANDARD.encode(file("revoked.ocsp"))],
    });
    let answer = validate("").json(&as_json).json();
    assert_eq!(
        (&answer["status"], &answer["at"]),
        (&json!("good"), &json!("2024-05-31T22:00:00Z")),
        "{answer:#}"
    );
    let words = validate("")
        .header("Accept", "text/plain")
        .header("Accept-Language", "en")
        .body("application/pkix-cert", &der("revoked"));
    assert_eq!(words.header("content-language"), Some("en"));
    assert!(
        words.text().contains("is revoked") && words.text().contains("Since: 2025-01-01"),
        "{}",
        words.text()
    );
    assert_eq!(
        validate("?if_unknown=admit")
            .body("application/pkix-cert", b"0")
            .remedied(400),
        "if_unknown"
    );
    assert_eq!(
        validate("?at=yesterday")
            .body("application/pkix-cert", b"0")
            .remedied(422),
        "at"
    );
}

#[test]
fn a_caller_who_may_is_not_counted_and_one_who_may_not_is_refused() {
    let office = Office::with("[limits]\nrequests_per_minute=2\n");
    let with_key = |caller: u8| {
        office
            .ask("POST", "/v1/certificates/status")
            .key(caller)
            .body("application/pkix-cert", &der("citizen"))
    };
    for _ in 0..5 {
        assert_eq!(with_key(PORTAL).status, 200);
    }
    assert_eq!(with_key(READER).remedied(403), "operation");
    assert_eq!(with_key(99).status, 401);
    let strangers: Vec<u16> = (0..3)
        .map(|_| ask(&office, "", "application/pkix-cert", &der("citizen")).status)
        .collect();
    assert_eq!(strangers, [200, 200, 429]);
}

#[test]
fn the_page_says_it_in_words_and_never_confuses_them() {
    let office = Office::open();
    let upload = |name: &str, purpose: &str, language: &str| {
        let form = Form::default()
            .file(
                "certificate",
                "c.pem",
                "application/x-pem-file",
                pem(name).as_bytes(),
            )
            .field("purpose", purpose);
        office
            .ask("POST", &format!("/certificados?lang={language}"))
            .form(&form)
    };
    for (name, purpose, tone, words) in [
        ("citizen", "access", "banner good", "Válido y no revocado"),
        ("revoked", "any", "banner bad", "Revocado"),
        ("expired", "any", "banner bad", "Caducado"),
        ("future", "any", "banner bad", "Todavía no es válido"),
        ("tsa", "access", "banner bad", "No sirve para ese uso"),
    ] {
        let page = upload(name, purpose, "es");
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(
            page.text().contains(tone) && page.text().contains(words),
            "{name} {}",
            page.text()
        );
        assert_eq!(page.text().matches("<h1").count(), 1);
    }
    let page = upload("citizen", "access", "eu").text();
    assert!(
        page.contains("Baliozkoa eta baliogabetu gabea") && page.contains("CRL, "),
        "{page}"
    );
    let nothing = office
        .ask("POST", "/certificados")
        .form(&Form::default().field("purpose", "any"));
    assert_eq!(nothing.status, 422);
    assert!(nothing.text().contains("error-summary"));
    let rubbish = Form::default().file("certificate", "c.pem", "text/plain", b"<script>");
    let rubbish = office.ask("POST", "/certificados").form(&rubbish);
    assert_eq!(rubbish.status, 422);
    assert!(!rubbish.text().contains("<script"));
    let outage = Office::altered("", |parts| {
        parts.certificate_desk = std::sync::Arc::new(rubrica::service::flow::CertificateDesk::new(
            parts.policy.clone(),
            Default::default(),
            parts.clock.clone(),
            Default::default(),
            100,
        ));
    });
    let form = Form::default().file(
        "certificate",
        "c.pem",
        "text/plain",
        (pem("revoked") + &pem("ca")).as_bytes(),
    );
    let page = outage.ask("POST", "/certificados").form(&form).text();
    assert!(
        page.contains("banner doubt") && page.contains("Eso no significa que lo esté"),
        "{page}"
    );
    assert!(!page.contains("Revocado el"));
}

#[test]
fn the_certificate_of_the_connection_is_offered_behind_a_proxy_of_ours_alone() {
    let office = Office::with("[access]\nproxies=['127.0.0.1']\nform='haproxy'\n");
    let show = |value: &str| {
        office
            .ask("GET", "/certificados")
            .header("X-SSL-Client-Cert", value)
            .send()
            .text()
    };
    let offered = "name=\"connection\"";
    assert!(show(&base64("citizen")).contains(offered));
    assert!(!show("").contains(offered) && !show("rubbish").contains(offered));
    let form = Form::default()
        .field("connection", "1")
        .field("purpose", "access");
    let ask = |office: &Office| {
        office
            .ask("POST", "/certificados")
            .header("X-SSL-Client-Cert", &base64("citizen"))
            .form(&form)
    };
    assert!(ask(&office).text().contains("Válido y no revocado"));
    let elsewhere = Office::with("[access]\nproxies=['10.9.9.9']\nform='haproxy'\n");
    assert_eq!(ask(&elsewhere).status, 422);
    assert_eq!(ask(&Office::open()).status, 422);
}
