//! Receipts and documents behind codes that were sealed while no authority answered: raised later, as further versions.

use super::office::{Answer, Form};
use super::office::{Office, PORTAL, metadata, pdf, request};
use super::provider::Provider;
use rubrica::service::http::DocumentForm;
use serde_json::{Value, json};

fn get(office: &Office, path: &str) -> Answer {
    let answer = office.ask("GET", path).key(PORTAL).send();
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

fn level(office: &Office, document: &[u8], inside: bool) -> Value {
    let report = office
        .ask("POST", "/v1/validate")
        .body("application/octet-stream", document)
        .json();
    assert_eq!(report["indication"], "TOTAL-PASSED", "{report:#}");
    match inside {
        true => report["inside"][0]["report"]["signatures"][0]["level"].clone(),
        false => report["signatures"][0]["level"].clone(),
    }
}

#[test]
fn a_receipt_is_raised_as_a_further_version_and_a_retry_gets_the_first_bytes() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    let form = request(&metadata());
    let made = office.register(PORTAL, "k1", &form);
    assert_eq!(made.status, 201, "{}", made.text());
    let receipt = made.json();
    assert_eq!(receipt["level"], "PAdES-BASELINE-B");
    let number = receipt["number"].as_str().unwrap();
    let own = format!("/v1/receipts/{number}");
    let acuse = get(&office, &format!("{own}/acuse")).body;
    let owed = get(&office, "/v1/owed").json();
    assert_eq!(owed["owed"][0]["number"], number, "{owed:#}");

    provider.stamps.down(false);
    provider.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    let settled = office.service.settle_debts().unwrap().unwrap();
    assert_eq!(settled.paid, 1, "{settled:?}");
    assert_eq!(get(&office, "/v1/owed").json()["owed"], json!([]));

    let again = office.register(PORTAL, "k1", &form);
    assert_eq!(again.json(), receipt);
    assert_eq!(get(&office, &format!("{own}/acuse")).body, acuse);
    assert_eq!(level(&office, &acuse, true), "PAdES-BASELINE-B");
    let versions = get(&office, &own).json()["versions"].clone();
    assert_eq!(versions[0]["version"], 2);
    assert_eq!(versions[0]["level"], "PAdES-BASELINE-T");
    let raised = get(&office, versions[0]["acuse"].as_str().unwrap()).body;
    assert_eq!(level(&office, &raised, true), "PAdES-BASELINE-T");
    let raised = get(&office, versions[0]["justificante"].as_str().unwrap()).body;
    assert_eq!(level(&office, &raised, false), "PAdES-BASELINE-T");
    let none = office
        .ask("GET", &format!("{own}/acuse?version=3"))
        .key(PORTAL)
        .send();
    assert_eq!(none.remedied(404), "version");

    // The code opens both: each is what was sealed, and each knows its number.
    let code = receipt["code_id"].as_str().unwrap();
    let ticket = ticket(&office, code);
    let compare = |held: &[u8]| {
        let form = Form::default().field("ticket", &ticket).file(
            "document",
            "d.pdf",
            "application/pdf",
            held,
        );
        office.ask("POST", "/v1/codes/compare").form(&form).json()
    };
    let first = get(&office, &format!("{own}/justificante")).body;
    assert_ne!(first, raised);
    for (held, comparison, version) in [
        (first.clone(), "same", json!(1)),
        (raised.clone(), "same", json!(2)),
        ([&first[..], b"\n"].concat(), "extended", json!(1)),
        (pdf(), "different", Value::Null),
    ] {
        let compared = compare(&held);
        assert_eq!(
            (&compared["comparison"], &compared["version"]),
            (&json!(comparison), &version)
        );
        assert_eq!(compared["document"]["versions"][0]["version"], 2);
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let redeem = |form| {
        runtime
            .block_on(office.service.redeem(ticket.clone(), form))
            .unwrap()
            .1
    };
    assert_eq!(redeem(DocumentForm::Original), first);
    assert_eq!(redeem(DocumentForm::Latest), raised);
    // And the page says so.
    let form = Form::default().field("ticket", &ticket).file(
        "document",
        "d.pdf",
        "application/pdf",
        &first,
    );
    let page = office
        .ask("POST", "/verificar/codigo/comparar")
        .form(&form)
        .text();
    assert!(
        page.contains("Es la versión 1. Vale igual; la última es la 2."),
        "{page}"
    );
}

/// What whoever typed the right groups is given.
fn ticket(office: &Office, code: &str) -> String {
    let now = rubrica::service::clock::Clock::now(&*office.clock);
    let until = now.plus(std::time::Duration::from_secs(900)).unix();
    let secret = office.folder.path().join("secrets/code.key");
    let secret = rubrica::service::keys::Secret::read(&secret).unwrap();
    let key = openssl::pkey::PKey::hmac(&*secret.derive(b"CEA tickets")).unwrap();
    let claim = format!("{code}.{until}");
    let mut signer =
        openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
    let tag = signer.sign_oneshot_to_vec(claim.as_bytes()).unwrap();
    let encode = base64::Engine::encode;
    format!(
        "{claim}.{}",
        encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, tag)
    )
}

#[test]
fn a_document_with_a_code_is_raised_as_a_further_version() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    let form = Form::default()
        .file("document", "a.pdf", "application/pdf", &pdf())
        .field("entity", "INSS")
        .field("type", "P");
    let issued = office
        .ask("POST", "/v1/documents")
        .key(PORTAL)
        .form(&form)
        .json();
    assert!(issued["degraded"].is_string(), "{issued:#}");
    let code = issued["code_id"].as_str().unwrap();
    assert_eq!(get(&office, "/v1/owed").json()["owed"][0]["code_id"], code);
    provider.stamps.down(false);
    provider.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    assert_eq!(office.service.settle_debts().unwrap().unwrap().paid, 1);
    let store = office.service.store().unwrap();
    let versions = store.document_versions(code).unwrap();
    let [version] = versions.as_slice() else {
        panic!("{versions:?}");
    };
    let raised = store.blob(&version.document).unwrap();
    assert_eq!(level(&office, &raised, false), "PAdES-BASELINE-T");
}

#[test]
fn several_workers_pay_a_debt_once() {
    let provider = Provider::open();
    let office = provider.office("");
    provider.stamps.down(true);
    for n in 0..4 {
        assert_eq!(
            office
                .register(PORTAL, &format!("k{n}"), &request(&metadata()))
                .status,
            201
        );
    }
    provider.stamps.down(false);
    provider.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    // An authority that was down is asked by one at first.
    assert_eq!(
        office.register(PORTAL, "k4", &request(&metadata())).json()["level"],
        "PAdES-BASELINE-T"
    );
    let asked = provider.stamps.asked();
    let paid: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| office.service.settle_debts().unwrap().unwrap().paid))
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).sum()
    });
    assert_eq!(paid, 4);
    assert_eq!(provider.stamps.asked() - asked, 4, "each was stamped once");
    assert_eq!(get(&office, "/v1/owed").json()["owed"], json!([]));
}
