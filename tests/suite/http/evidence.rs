//! Evidence over HTTP: with excerpts of large lists go the lists, so that it is judged again where nothing else is.

use super::office::{NOON, Office, PORTAL, pdf};
use crate::crl_index::{certificate, certs, list};
use rubrica::service::config::SourceSettings;
use rubrica::service::sources::{Folder, Sources};
use std::process::Output;
use std::sync::Arc;

/// An office that knows of the issuer's list through its index alone.
fn office(most: u32) -> Office {
    let list = list(24, most);
    Office::altered("", |parts| {
        let index = parts.index.clone().unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), list.bytes()).unwrap();
        let now = NOON.parse().unwrap();
        index
            .add_file(file.path(), &[certificate("ca.pem")], now)
            .unwrap();
        let at_hand = Folder::read(&[certs("root.crl"), certs("ca.pem")]).unwrap();
        let settings = SourceSettings {
            offline: true,
            ..SourceSettings::default()
        };
        let clock = parts.clock.clone();
        let sources = Sources::with_index(&settings, at_hand, Some(index), clock).unwrap();
        parts.sources = Arc::new(sources);
    })
}

fn replay(office: &Office, evidence: &[u8]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), evidence).unwrap();
    std::process::Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(["replay", "--json", "--config"])
        .arg(office.folder.path().join("rubrica.toml"))
        .arg(file.path())
        .output()
        .unwrap()
}

#[test]
fn evidence_with_a_large_list_is_judged_again_to_the_same_bytes_and_not_without_it() {
    assert!(list(24, 3_000).bytes().len() > 64 << 10);
    let office = office(3_000);
    let sealed = office
        .ask("POST", "/v1/seal?seal=sede")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    let judged = |query: &str, body: &[u8]| {
        office
            .ask("POST", &format!("/v1/validate{query}"))
            .body("application/pdf", body)
    };
    let report = judged("", &sealed.body);
    assert_eq!(
        report.json()["indication"],
        "TOTAL-PASSED",
        "{:#}",
        report.json()
    );

    let evidence = judged("?evidence=true", &sealed.body);
    let mut value = evidence.json();
    assert_eq!(value["lists"].as_array().map(Vec::len), Some(1));
    let again = replay(&office, &evidence.body);
    let told = String::from_utf8_lossy(&again.stderr);
    assert_eq!(
        String::from_utf8_lossy(&again.stdout),
        report.text(),
        "{told}"
    );
    assert!(again.status.success());

    value.as_object_mut().unwrap().remove("lists");
    let without = replay(&office, value.to_string().as_bytes());
    assert!(!without.status.success());
    assert!(!String::from_utf8_lossy(&without.stdout).contains("TOTAL-PASSED"));

    let age = judged("?policy=age-1.9", &sealed.body).json();
    assert_eq!(
        (&age["policy"], &age["indication"]),
        (&"age-1.9".into(), &"INDETERMINATE".into())
    );
    assert_ne!(age["policy_digest"], report.json()["policy_digest"]);
    assert_eq!(judged("?policy=lax", &sealed.body).remedied(422), "policy");

    assert_eq!(judged("?evidence=true", &pdf()).status, 404);
    assert_eq!(judged("?evidence=perhaps", &sealed.body).status, 400);
}
