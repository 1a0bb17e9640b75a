//! What is owed survives a kill: the service is killed while it hands documents out below their level, and whoever pays is
//! killed while it pays.
//!
//! Every answer that names a debt has it in the store; a debt is paid once, or still there; nothing is both or neither.
//! `RUBRICA_CRASH_POINTS` (10 unless it says so) and `RUBRICA_CRASH_SEED` as in `crash`.

use super::crash::{number_of, random};
use crate::http::office::{PORTAL, key, metadata, pdf, request};
use crate::http::provider::Provider;
use rubrica::service::clock::{Clock, SystemClock};
use rubrica::service::keys::Secret;
use rubrica::service::store::{
    EntryQuery, OwedOf, SqliteStore, Store, StoreOptions, blob_apart, read_debts,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PORTALS: u64 = 3;

fn rubrica(folder: &Path, arguments: &[&str]) -> Child {
    let log = std::fs::File::create(folder.join("log")).unwrap();
    Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(arguments)
        .arg("--config")
        .arg(folder.join("rubrica.toml"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Status, head and body; nothing where the connection breaks.
fn post(
    address: SocketAddr,
    path: &str,
    media_type: &str,
    body: &[u8],
    more: &str,
) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .ok()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: sede.example\r\nconnection: close\r\nauthorization: Bearer {}\r\n\
         content-type: {media_type}\r\ncontent-length: {}\r\n{more}\r\n",
        key(PORTAL),
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Some((head.split(' ').nth(1)?.parse().ok()?, head))
}

fn open(folder: &Path) -> SqliteStore {
    let options = StoreOptions {
        data: folder.join("data"),
        secret: Secret::read(&folder.join("secrets/store.key")).unwrap(),
        zone: "Europe/Madrid".into(),
        timeout: Duration::from_secs(20),
    };
    SqliteStore::open(options, Arc::new(SystemClock)).unwrap()
}

#[test]
fn no_debt_is_lost_or_paid_twice_wherever_a_process_is_killed() {
    let points = number_of("RUBRICA_CRASH_POINTS", 10);
    let mut state = number_of("RUBRICA_CRASH_SEED", u64::from(std::process::id())) | 1;
    println!("seed {state}");
    let provider = Provider::open();
    provider.clock.set(SystemClock.now());
    provider.stamps.down(true);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    provider.config(folder, "[owed]\nevery_minutes=0\n");
    let address = crate::port::free();
    let file = folder.join("rubrica.toml");
    let config = std::fs::read_to_string(&file).unwrap();
    let config = config.replace("listen='127.0.0.1:0'", &format!("listen='{address}'"));
    std::fs::write(&file, format!("log='error'\n{config}")).unwrap();

    // Killed while it hands out what is owed.
    let (owed, count) = (Mutex::new(Vec::new()), AtomicU64::new(0));
    for _ in 0..points.div_ceil(3) {
        let service = rubrica(folder, &["serve"]);
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            let log = std::fs::read_to_string(folder.join("log")).unwrap();
            assert!(started.elapsed() < Duration::from_secs(60), "{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
        let until = Instant::now() + Duration::from_millis(200 + random(&mut state) % 900);
        std::thread::scope(|scope| {
            for _ in 0..PORTALS {
                scope.spawn(|| {
                    while Instant::now() < until + Duration::from_millis(50) {
                        let number = count.fetch_add(1, Ordering::SeqCst);
                        let sealed = post(address, "/v1/seal", "application/pdf", &pdf(), "");
                        if let Some((200, head)) = sealed {
                            let id = head
                                .lines()
                                .find_map(|l| l.strip_prefix("x-rubrica-owed: "));
                            owed.lock()
                                .unwrap()
                                .push(id.expect("it is owed").to_string());
                        }
                        let form = request(&metadata()).to_bytes();
                        let media_type = "multipart/form-data; boundary=test-boundary";
                        let more = format!("idempotency-key: k{number}\r\n");
                        post(address, "/v1/receipts", media_type, &form, &more);
                    }
                });
            }
            std::thread::sleep(until.saturating_duration_since(Instant::now()));
            kill(service);
        });
    }
    // The next start completes what only has its number, and notes what that is owed.
    let service = rubrica(folder, &["serve"]);
    while post(address, "/v1/seal", "application/pdf", &pdf(), "").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    kill(service);
    let owed = owed.into_inner().unwrap();
    assert!(!owed.is_empty(), "nothing was handed out");
    let store = open(folder);
    for id in &owed {
        let kept = store
            .kept(id)
            .unwrap()
            .expect("what was handed out is kept");
        assert!(
            blob_apart(&store, &kept.document)
                .unwrap()
                .starts_with(b"%PDF")
        );
        assert!(store.debt_of(&OwedOf::Kept(id.clone())).unwrap().is_some());
    }
    let entries = store
        .find(&EntryQuery {
            limit: 1_000,
            ..EntryQuery::default()
        })
        .unwrap()
        .entries;
    for entry in &entries {
        assert!(entry.receipt.is_some());
        let of = OwedOf::Receipt(entry.number.clone());
        assert!(store.debt_of(&of).unwrap().is_some(), "{}", entry.number);
    }
    drop(store);

    // Killed while it pays.
    provider.stamps.down(false);
    let debts = || read_debts(&folder.join("data")).unwrap();
    let all = debts().len();
    assert!(all > owed.len());
    for _ in 0..points {
        due(folder);
        let payer = rubrica(folder, &["augment", "--owed"]);
        std::thread::sleep(Duration::from_millis(150 + random(&mut state) % 400));
        kill(payer);
    }
    for _ in 0..20 {
        if debts().is_empty() {
            break;
        }
        due(folder);
        rubrica(folder, &["augment", "--owed"]).wait().unwrap();
    }
    let log = std::fs::read_to_string(folder.join("log")).unwrap();
    assert_eq!(debts(), [], "{log}");
    let store = open(folder);
    for id in &owed {
        let kept = store.kept(id).unwrap().expect("it is kept for a while");
        assert_eq!(kept.level, "PAdES-BASELINE-T");
        let latest = blob_apart(&store, &kept.latest.expect("it was raised")).unwrap();
        assert_ne!(latest, blob_apart(&store, &kept.document).unwrap());
    }
    for entry in &entries {
        let versions = store.versions(&entry.number).unwrap();
        assert_eq!(versions.len(), 1, "{} is paid once", entry.number);
        assert!(!store.blob(&versions[0].acuse).unwrap().is_empty());
    }
}

/// Whatever was leased or put off is due now: the test does not wait for it.
fn due(folder: &Path) {
    let database = rusqlite::Connection::open(folder.join("data/rubrica.sqlite")).unwrap();
    database.execute("UPDATE debts SET due = 0", []).unwrap();
}
