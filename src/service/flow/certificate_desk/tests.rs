//! What is kept, for how long, and what makes it old.

use super::*;
use crate::engine::pki::CertificateList;
use crate::engine::pki::trust::Anchors;
use crate::engine::validation::Want;
use crate::service::clock::SettableClock;
use crate::service::sources::Source;
use std::sync::atomic::AtomicU32;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn der(name: &str) -> Vec<u8> {
    Certificate::from_pem_or_der(&file(&format!("{name}.pem"))).unwrap()[0]
        .bytes()
        .to_vec()
}

/// Brings the two lists, or nothing while it is away; counts how often it is asked.
#[derive(Debug, Default)]
struct Lists {
    asked: AtomicU32,
    away: std::sync::atomic::AtomicBool,
}

impl Source for Arc<Lists> {
    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Revocation { .. })
    }

    fn fetch(
        &self,
        _: &Want,
        _: &Pool,
        _: crate::service::sources::Deadline,
    ) -> Result<Vec<Object>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(Error::unavailable("CRL", "is away"));
        }
        let list = |name| {
            CertificateList::from_pem_or_der(&file(name))
                .unwrap()
                .bytes()
                .to_vec()
        };
        let kind = ObjectKind::CertificateRevocationList;
        Ok(["root.crl", "ca.crl"]
            .map(|name| Object::new(kind, list(name), Origin::Given))
            .into())
    }
}

/// Refreshes everything but one thing.
#[derive(Debug)]
struct Refreshed;

impl Refreshable for Refreshed {
    fn kind(&self) -> &'static str {
        "crl"
    }

    fn due(&self) -> Vec<Due> {
        Vec::new()
    }

    fn refresh(&self, key: &str, _: Deadline) -> Result<()> {
        match key {
            "away" => Err(Error::unavailable("CRL", "is away")),
            _ => Ok(()),
        }
    }
}

struct Office {
    desk: CertificateDesk,
    lists: Arc<Lists>,
    clock: Arc<SettableClock>,
    news: Arc<News>,
}

fn office() -> Office {
    let lists = Arc::new(Lists::default());
    let clock = Arc::new(SettableClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
    let news = Arc::new(News::default());
    let policy = Policy::baseline(Anchors::read([&file("root.pem")[..]]).unwrap());
    let mut sources = Sources::default();
    sources.add(lists.clone());
    let desk = CertificateDesk::new(
        PolicyHandle::new(policy),
        Arc::new(sources),
        clock.clone(),
        news.clone(),
        1_000,
    );
    Office {
        desk,
        lists,
        clock,
        news,
    }
}

fn question(names: &[&str]) -> Question {
    Question::new(
        names.iter().map(|name| der(name)).collect(),
        Purpose::Access,
    )
    .unwrap()
}

impl Office {
    fn status(&self, names: &[&str]) -> String {
        let checked = self.desk.check(&question(names)).unwrap();
        checked.report.status.name().to_string()
    }

    fn asked(&self) -> u32 {
        self.lists.asked.load(Ordering::SeqCst)
    }
}

#[test]
fn an_answer_is_kept_until_something_that_it_rests_on_ends_or_changes() {
    let office = office();
    assert_eq!(office.status(&["citizen", "ca"]), "good");
    let asked = office.asked();
    // Once a path was found, it is found for whoever does not send the chain too.
    assert_eq!(office.status(&["citizen"]), "good");
    assert_eq!(office.status(&["citizen", "website"]), "good");
    assert_eq!(office.asked(), asked);
    office.news.note("http://elsewhere.example/other.crl");
    assert_eq!(office.status(&["citizen"]), "good");
    assert_eq!(
        office.asked(),
        asked,
        "what it does not rest on changes nothing"
    );
    let certificate = Certificate::from_der(&der("citizen")).unwrap();
    let point = &certificate.distribution_points()[0].full_name;
    let list = extension::uris(point).next().unwrap().to_string();
    let noting = Noting {
        inner: Arc::new(Refreshed),
        news: office.news.clone(),
    };
    let deadline = Deadline::after(Duration::from_secs(1));
    assert!(noting.refresh("away", deadline).is_err());
    noting.refresh(&list, deadline).unwrap();
    assert_eq!(office.status(&["citizen", "ca"]), "good");
    assert!(office.asked() > asked);
    let asked = office.asked();
    let ca = Certificate::from_der(&der("ca")).unwrap();
    let key = ObjectId(sha256(ca.spki()));
    office.news.note(&key.to_string());
    assert_eq!(office.status(&["citizen", "ca"]), "good");
    assert!(office.asked() > asked, "a list of its issuer, from nowhere");
    let asked = office.asked();
    office.news.note_everything();
    assert_eq!(office.status(&["citizen"]), "good");
    assert!(office.asked() > asked);
    let asked = office.asked();
    office.clock.set("2026-11-24T13:00:00Z".parse().unwrap());
    office.status(&["citizen", "ca"]);
    assert!(office.asked() > asked, "an hour is the most");
    office.clock.set("2049-12-31T23:59:59Z".parse().unwrap());
    assert_ne!(office.status(&["citizen", "ca"]), "good");
}

#[test]
fn a_chain_that_leads_nowhere_spoils_no_answer_of_others() {
    let office = office();
    assert_eq!(office.status(&["citizen", "website"]), "not-trusted");
    assert_eq!(office.status(&["citizen", "ca"]), "good");
    assert_eq!(
        office.status(&["citizen", "website"]),
        "good",
        "the path is known by now"
    );
}

#[test]
fn an_outage_is_told_as_such_kept_for_moments_and_ends() {
    let office = office();
    office.lists.away.store(true, Ordering::SeqCst);
    assert_eq!(office.status(&["revoked", "ca"]), "could-not-check");
    let asked = office.asked();
    assert_eq!(office.status(&["revoked", "ca"]), "could-not-check");
    assert_eq!(office.asked(), asked);
    office.lists.away.store(false, Ordering::SeqCst);
    office.clock.set("2026-11-24T12:00:05Z".parse().unwrap());
    assert_eq!(office.status(&["revoked", "ca"]), "revoked");
    // A revocation that is known stays known when the source is away again.
    office.lists.away.store(true, Ordering::SeqCst);
    office.clock.set("2026-11-24T14:00:00Z".parse().unwrap());
    assert_eq!(office.status(&["revoked"]), "revoked");
}

#[test]
fn purposes_are_answered_apart_and_rubbish_is_an_error() {
    let office = office();
    assert_eq!(office.status(&["tsa", "ca"]), "not-for-purpose");
    let stamping = Question {
        purpose: Purpose::TimeStamping,
        ..question(&["tsa", "ca"])
    };
    assert_eq!(
        office.desk.check(&stamping).unwrap().report.status.name(),
        "good"
    );
    for rubbish in [
        vec![],
        vec![vec![]],
        vec![b"0\x82".to_vec()],
        vec![der("citizen"), vec![0; 9]],
    ] {
        let question = Question {
            certificates: rubbish,
            purpose: Purpose::Any,
        };
        assert_eq!(
            office.desk.check(&question).unwrap_err().element(),
            "certificate"
        );
    }
    assert!(Question::new(Vec::new(), Purpose::Any).is_err());
}

#[test]
fn a_full_answer_has_its_findings_and_may_be_of_the_past() {
    let office = office();
    let at = |at: &str| {
        let question = question(&["revoked", "ca"]);
        office
            .desk
            .judge(&question, &[], Some(at.parse().unwrap()))
            .unwrap()
    };
    let before = at("2024-12-31T00:00:00Z");
    assert_eq!(before.report.status.name(), "good");
    assert!(!before.report.findings.is_empty() && before.report.path[2].name.len() > 3);
    assert_eq!(at("2025-01-01T00:00:00Z").report.status.name(), "revoked");
    assert_eq!(office.desk.kept(), 0);
}
