//! `POST /v1/validate`: the forms of the report, by name and by `Accept`; and what the page of the result offers.

use super::office::{Answer, Form, Office, PORTAL, pdf};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rubrica::engine::evidence::ObjectId;

fn sealed(office: &Office) -> Vec<u8> {
    let sealed = office
        .ask("POST", "/v1/seal?seal=sede")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    sealed.body
}

fn ask(office: &Office, query: &str, accept: &str, document: &[u8]) -> Answer {
    office
        .ask("POST", &format!("/v1/validate{query}"))
        .header("Accept", accept)
        .body("application/pdf", document)
}

#[test]
fn the_form_is_chosen_by_name_or_by_accept() {
    let office = Office::open();
    let document = sealed(&office);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (query, accept, kind, holds) in [
        ("", "*/*", "application/json", "\"signatures\":["),
        (
            "",
            "application/json, text/plain;q=0.5",
            "application/json",
            "\"signatures\":[",
        ),
        (
            "",
            "text/plain",
            "text/plain; charset=utf-8",
            "Firmado por: ",
        ),
        (
            "",
            "application/json;q=0.4, text/plain",
            "text/plain; charset=utf-8",
            "Firmado por: ",
        ),
        (
            "",
            "application/xml",
            "application/xml",
            "<ValidationReport ",
        ),
        (
            "",
            browser,
            "text/html; charset=utf-8",
            "<html lang=\"es\">",
        ),
        (
            "?lang=en",
            "text/html",
            "text/html; charset=utf-8",
            "<html lang=\"en\">",
        ),
        (
            "?report=etsi",
            "*/*",
            "application/xml",
            "<ValidationReport ",
        ),
        (
            "?report=html",
            "application/json",
            "text/html; charset=utf-8",
            "<!DOCTYPE html>",
        ),
        (
            "?report=detailed",
            "*/*",
            "application/json",
            "\"form\":\"rubrica-detailed-report/1\"",
        ),
        (
            "?report=detailed&lang=en",
            "text/plain",
            "text/plain; charset=utf-8",
            "Cryptographic verification [",
        ),
        (
            "?report=simple",
            "text/html",
            "application/json",
            "\"signatures\":[",
        ),
    ] {
        let answer = ask(&office, query, accept, &document);
        assert_eq!(answer.status, 200, "{query} {accept}: {}", answer.text());
        assert_eq!(
            answer.header("content-type"),
            Some(kind),
            "{query} {accept}"
        );
        assert!(
            answer.text().contains(holds),
            "{query} {accept}: {}",
            answer.text()
        );
        let digest = STANDARD.encode(ObjectId::of(&answer.body).0);
        let digest = format!("sha-256=:{digest}:");
        assert_eq!(
            answer.header("repr-digest"),
            Some(&digest[..]),
            "{query} {accept}"
        );
        let kept = answer.header("content-disposition").is_some();
        assert_eq!(kept, kind.starts_with("text/html"), "{query} {accept}");
    }
    ask(&office, "?report=everything", "*/*", &document).remedied(422);
    let plain = pdf();
    assert_eq!(ask(&office, "?report=etsi", "*/*", &plain).status, 404);
    assert_eq!(ask(&office, "?report=detailed", "*/*", &plain).status, 200);
}

#[test]
fn the_page_offers_every_report_of_a_signed_document_and_no_etsi_report_of_another() {
    let office = Office::open();
    let offered = |document: &[u8]| {
        let form = Form::default().file("document", "x.pdf", "application/pdf", document);
        let answer = office.ask("POST", "/verificar").form(&form);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let html = answer.text();
        let names = html
            .split(" download=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_string());
        (names.collect::<Vec<_>>(), html)
    };
    let (names, html) = offered(&sealed(&office));
    let all = [
        "informe.html",
        "informe.json",
        "informe-detallado.json",
        "informe-etsi.xml",
        "evidencia.json",
    ];
    assert_eq!(names, all);
    let link = html.split("data:application/xml;base64,").nth(1).unwrap();
    let report = STANDARD.decode(link.split('"').next().unwrap()).unwrap();
    assert!(report.starts_with(b"<?xml"));
    assert_eq!(
        offered(&pdf()).0,
        ["informe.html", "informe.json", "informe-detallado.json"]
    );
}
