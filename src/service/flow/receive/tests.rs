use super::super::request::Received;
use super::*;
use crate::engine::ErrorKind;
use crate::engine::codes::{Attempt, Validity};
use crate::engine::register::DocumentRole;
use crate::service::callers::Permissions;
use crate::service::clock::SettableClock;
use crate::service::keys::{KeyFile, Passphrase, Secret, testing};
use crate::service::store::{Call, Fault, Faulty, SqliteStore, StoreOptions};
use std::io::{self, Read};
use std::sync::Mutex;
use std::time::Duration;

/// Says that a request is signed where it says so itself.
#[derive(Debug)]
struct SaysSo;

impl Signatures for SaysSo {
    fn signed(&self, request: &[u8]) -> Result<bool> {
        match request {
            b"broken" => Err(Error::refused("request", "its signature is broken")),
            _ => Ok(request.starts_with(b"signed")),
        }
    }
}

/// Prints what it was given, differently every time, and fails when it is told to.
#[derive(Debug, Default)]
struct Press {
    made: Mutex<u32>,
    down: Mutex<bool>,
    code: Mutex<Option<Cea>>,
}

impl Composer for Press {
    fn compose(&self, composition: &Composition<'_>) -> Result<Artefacts> {
        if *self.down.lock().unwrap() {
            return Err(Error::unavailable("tsa", "does not answer"));
        }
        let mut made = self.made.lock().unwrap();
        *made += 1;
        *self.code.lock().unwrap() = Some(composition.code.clone());
        let inside: Vec<bool> = composition.inside.iter().map(Option::is_some).collect();
        let text = format!(
            "{} {} {inside:?} #{made}",
            composition.receipt.number, composition.receipt.presented
        );
        Ok(Artefacts {
            justificante: format!("justificante {text}").into_bytes(),
            acuse: format!("acuse {text}").into_bytes(),
            evidence: None,
            level: "PAdES-BASELINE-T".into(),
            degraded: None,
        })
    }

    fn repack(&self, repacked: &Repacked<'_>) -> Result<Vec<u8>> {
        Ok([b"acuse of ", repacked.justificante].concat())
    }
}

const CATALOGUE: &str = r#"
    entity = [{ code = "INSS", name = "Instituto", seal = "inss" }, { code = "ISM", name = "Marina", seal = "ism" }]
    office = [{ code = "12", name = "Registro Electrónico" }]
    unit = [{ code = "U1", name = "Dirección", entity = "INSS" }]
    subject = [{ code = "S1", name = "Firmado", procedure = "P1" }, { code = "S2", name = "Cl@ve", procedure = "P2" }]
    [[procedure]]
    code = "P1"
    name = "Con firma"
    entities = ["INSS"]
    [[procedure]]
    code = "P2"
    name = "Sin firma"
    unsigned = true
    code_of_authenticity = { type = "T", days = 732 }
"#;

struct Fixture {
    reception: Reception,
    store: Arc<Faulty<SqliteStore>>,
    clock: Arc<SettableClock>,
    press: Arc<Press>,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SettableClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let options = StoreOptions {
            data: folder.path().to_path_buf(),
            secret: Secret::new([1; 32]),
            zone: "Europe/Madrid".into(),
            timeout: Duration::from_secs(20),
        };
        let store = Arc::new(Faulty::new(
            SqliteStore::open(options, clock.clone()).unwrap(),
        ));
        let press = Arc::new(Press::default());
        let reception = Reception {
            store: store.clone(),
            clock: clock.clone(),
            catalogue: toml::from_str(CATALOGUE).unwrap(),
            calendar: Calendar::default(),
            layout: NumberLayout::default(),
            sede: Sede {
                name: "Sede".into(),
                address: "https://sede.example".into(),
                zone: "Europe/Madrid".into(),
            },
            seals: HashMap::from([("inss".to_string(), seal())]),
            code_key: CodeKey::new(&[2; 32]).unwrap(),
            signatures: Arc::new(SaysSo),
            composer: press.clone(),
        };
        Fixture {
            reception,
            store,
            clock,
            press,
            _folder: folder,
        }
    }

    fn request(&self, key: &str, documents: &[&str]) -> Request {
        let stage = |(n, text): (usize, &&str)| {
            let role = if n == 0 {
                DocumentRole::Request
            } else {
                DocumentRole::Attachment
            };
            let mut content = text.as_bytes();
            Received::stage(
                &*self.store,
                role,
                "a.xml",
                "application/xml",
                &mut content,
                1000,
            )
            .unwrap()
        };
        Request {
            idempotency_key: key.into(),
            metadata: metadata("S1"),
            documents: documents.iter().enumerate().map(stage).collect(),
            attachments_inside: false,
        }
    }

    fn receive(&self, key: &str) -> Result<Entry> {
        self.reception.receive(
            &caller(),
            self.request(key, &["signed request", "attachment"]),
        )
    }

    fn acuse(&self, entry: &Entry) -> String {
        let blob = self
            .store
            .blob(&entry.receipt.as_ref().unwrap().acuse)
            .unwrap();
        String::from_utf8(blob).unwrap()
    }

    /// No number was taken: the next request gets the first.
    fn assert_untouched(&self) {
        assert!(
            self.store
                .find(&Default::default())
                .unwrap()
                .entries
                .is_empty()
        );
    }
}

fn seal() -> Seal {
    let key = testing::p256();
    let mut pem = key.private_key_to_pem_pkcs8().unwrap();
    pem.extend(testing::certificate("Sello", &key, None).to_pem().unwrap());
    let file = KeyFile::from_pem(&pem, &Passphrase::default(), "seal.pem").unwrap();
    Seal::new(&toml::from_str("name = 'inss'\nkey = 'k'").unwrap(), file).unwrap()
}

fn metadata(subject: &str) -> Metadata {
    serde_json::from_value(serde_json::json!({
        "entity": "INSS", "office": "12", "subject": subject, "destination": "U1",
        "interested": { "document": { "type": "nif", "number": "00000000T" }, "name": "María", "first_surname": "Ñ" },
    }))
    .unwrap()
}

fn permissions() -> Permissions {
    Permissions {
        name: "portal".into(),
        operations: vec![Operation::Register],
        entities: vec!["INSS".into(), "ISM".into()],
        seals: vec!["inss".into()],
    }
}

fn caller() -> Caller {
    Caller::new(permissions())
}

#[test]
fn a_request_is_registered_and_its_retry_gets_the_first_bytes() {
    let fixture = Fixture::new();
    let entry = fixture.receive("key").unwrap();
    assert_eq!(entry.number, "20260000120000000001");
    assert_eq!(
        fixture.acuse(&entry),
        "acuse 20260000120000000001 2026-11-24T12:00:00Z [true, false] #1"
    );
    let details: Details =
        serde_json::from_slice(&entry.receipt.as_ref().unwrap().details).unwrap();
    let document = fixture.store.document(&details.code_id).unwrap().unwrap();
    assert_eq!(
        (&*details.level, document.code.validity),
        ("PAdES-BASELINE-T", Validity::Permanent)
    );
    assert_eq!(
        fixture.store.blob(&entry.originals[1]).unwrap(),
        b"attachment"
    );

    fixture.clock.advance(Duration::from_secs(600));
    assert_eq!(fixture.receive("key").unwrap(), entry);
    assert_eq!(*fixture.press.made.lock().unwrap(), 1);
    let other = fixture.request("key", &["signed request", "another attachment"]);
    let error = fixture.reception.receive(&caller(), other).unwrap_err();
    assert_eq!(
        (error.kind(), error.element()),
        (ErrorKind::Conflict, "Idempotency-Key")
    );
}

#[test]
fn a_retry_is_answered_after_the_seal_expired_and_a_new_request_is_not() {
    let fixture = Fixture::new();
    let entry = fixture.receive("key").unwrap();
    fixture.clock.set("2028-06-01T00:00:00Z".parse().unwrap());
    assert_eq!(fixture.receive("key").unwrap(), entry);
    let error = fixture.receive("new").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.problem().contains("expired"), "{error}");
    assert_eq!(
        fixture
            .store
            .find(&Default::default())
            .unwrap()
            .entries
            .len(),
        1
    );
}

#[test]
fn what_is_refused_takes_no_number_and_names_what_is_wrong() {
    let fixture = Fixture::new();
    let refused = |edit: &dyn Fn(&mut Request), documents: &[&str], element: &str| {
        let mut request = fixture.request("key", documents);
        edit(&mut request);
        let error = fixture.reception.receive(&caller(), request).unwrap_err();
        assert_eq!(error.element(), element, "{error}");
        assert!(!error.to_string().contains("María"), "{error}");
    };
    let signed: &[&str] = &["signed"];
    refused(&|r| r.metadata.entity = "XX".into(), signed, "entity");
    refused(&|r| r.metadata.office = "13".into(), signed, "office");
    refused(&|r| r.metadata.destination = "U2".into(), signed, "unit");
    refused(&|r| r.metadata.subject = "S9".into(), signed, "subject");
    refused(
        &|r| r.metadata.procedure = Some("P2".into()),
        signed,
        "procedure",
    );
    refused(&|r| r.metadata.entity = "ISM".into(), signed, "unit");
    refused(&|r| r.idempotency_key.clear(), signed, "Idempotency-Key");
    refused(
        &|r| r.idempotency_key = "ñ".into(),
        signed,
        "Idempotency-Key",
    );
    refused(&|_| {}, &[], "request");
    refused(&|_| {}, &["plain"], "request");
    refused(&|_| {}, &["broken"], "request");
    refused(
        &|r| r.metadata.subject = "S2".into(),
        &["plain"],
        "identification",
    );
    fixture.assert_untouched();
}

#[test]
fn what_the_key_does_not_cover_is_forbidden() {
    let fixture = Fixture::new();
    let edits: [fn(&mut Permissions); 3] = [
        |p| p.operations = vec![Operation::Read],
        |p| p.entities = vec!["ISM".into()],
        |p| p.seals.clear(),
    ];
    for edit in edits {
        let mut permissions = permissions();
        edit(&mut permissions);
        let request = fixture.request("key", &["signed"]);
        let error = fixture
            .reception
            .receive(&Caller::new(permissions), request)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
    }
    fixture.assert_untouched();
}

#[test]
fn an_unsigned_request_with_its_identification_is_accepted_and_bears_a_code() {
    let fixture = Fixture::new();
    let mut request = fixture.request("key", &["plain", "attachment"]);
    request.attachments_inside = true;
    request.metadata = metadata("S2");
    request.metadata.identification = serde_json::from_value(serde_json::json!({
        "who": "00000000T", "how": "clave", "when": "2026-11-24T11:59:00Z", "reference": "R1"
    }))
    .unwrap();
    let entry = fixture.reception.receive(&caller(), request).unwrap();
    assert!(
        fixture.acuse(&entry).contains("[true, true]"),
        "attachments are inside"
    );
    let cea = fixture.press.code.lock().unwrap().clone().unwrap();
    let document = fixture.store.document(cea.id.as_str()).unwrap().unwrap();
    assert_eq!(document.number, Some(entry.number));
    let day = jiff::civil::date(2026, 11, 24);
    let key = CodeKey::new(&[2; 32]).unwrap();
    let asked = key.challenge(cea.id.as_str(), day, 3);
    let groups: Vec<&str> = asked.iter().map(|i| cea.code.groups()[*i]).collect();
    let attempt = Attempt {
        id: cea.id.as_str(),
        date: "24/11/2026",
        day,
        k: 3,
        groups: &groups,
    };
    assert!(key.check(Some(&document.code.code), &attempt));
}

#[test]
fn a_failed_sealing_leaves_a_number_that_a_retry_or_a_restart_completes() {
    let fixture = Fixture::new();
    *fixture.press.down.lock().unwrap() = true;
    assert_eq!(fixture.receive("a").unwrap_err().element(), "tsa");
    assert_eq!(fixture.receive("b").unwrap_err().element(), "tsa");
    let completed = fixture.reception.complete_all().unwrap();
    assert_eq!((completed.done, completed.left.len()), (0, 2));
    *fixture.press.down.lock().unwrap() = false;
    fixture.clock.advance(Duration::from_secs(3600));
    let retried = fixture.receive("b").unwrap();
    assert_eq!(retried.number, "20260000120000000002");
    assert_eq!(fixture.reception.complete_all().unwrap().done, 1);
    assert_eq!(fixture.reception.complete_all().unwrap().done, 0);
    let entry = fixture.receive("a").unwrap();
    assert_eq!(entry.number, "20260000120000000001");
    assert_eq!(entry.presented, "2026-11-24T12:00:00Z".parse().unwrap());
    assert_eq!(
        entry.receipt.unwrap().sealed,
        "2026-11-24T13:00:00Z".parse().unwrap()
    );
}

#[test]
fn a_store_that_fails_at_any_step_gives_one_number_and_one_receipt() {
    for fault in [
        Fault::Fails,
        Fault::FailsButPersists,
        Fault::TimesOut(Duration::from_millis(1)),
    ] {
        for call in [Call::TakeNumber, Call::Complete] {
            let fixture = Fixture::new();
            fixture.store.plan(call, fault);
            assert_eq!(
                fixture.receive("key").unwrap_err().kind(),
                ErrorKind::Unavailable
            );
            let entry = fixture.receive("key").unwrap();
            assert_eq!(entry.sequence, 1, "{call:?} {fault:?}");
            assert_eq!(fixture.receive("key").unwrap(), entry);
            assert_eq!(
                fixture
                    .store
                    .find(&Default::default())
                    .unwrap()
                    .entries
                    .len(),
                1
            );
        }
    }
}

#[test]
fn a_document_beyond_its_limit_or_empty_is_refused_while_it_comes_in() {
    let fixture = Fixture::new();
    let stage = |bytes: u64| {
        let mut content = io::repeat(7).take(bytes);
        Received::stage(
            &*fixture.store,
            DocumentRole::Request,
            "a",
            "b",
            &mut content,
            100_000,
        )
    };
    let document = stage(100_000).unwrap();
    assert_eq!(document.document().size, 100_000);
    assert_eq!(stage(100_001).unwrap_err().kind(), ErrorKind::LimitExceeded);
    assert_eq!(
        stage(u64::MAX).unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
    assert_eq!(stage(0).unwrap_err().element(), "document");
}

#[test]
fn what_keeps_requests_from_being_registered_is_said() {
    let fixture = Fixture::new();
    let elements = || -> Vec<String> {
        fixture
            .reception
            .hindrances()
            .iter()
            .map(|e| e.element().to_string())
            .collect()
    };
    assert_eq!(
        elements(),
        ["seal"],
        "the catalogue names the seal of ISM, which is not configured"
    );
    fixture.receive("key").unwrap();
    fixture.clock.set("2026-11-24T11:00:00Z".parse().unwrap());
    fixture.store.plan(Call::CheckWritable, Fault::Fails);
    assert_eq!(elements(), ["clock", "store", "seal"]);
    fixture.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(elements(), ["seal \"inss\"", "seal"]);
}

#[test]
fn a_revoked_seal_is_refused_before_there_is_a_number() {
    let fixture = Fixture::new();
    let revoked = "2026-11-24T11:00:00Z".parse().unwrap();
    fixture.reception.seals["inss"].note_revoked(revoked);
    let error = fixture.receive("key").unwrap_err();
    assert!(
        error.problem().contains("revoked on 2026-11-24T11:00:00Z"),
        "{error}"
    );
    fixture.assert_untouched();
}
