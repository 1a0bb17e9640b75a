//! The same promise as `crash`, of the whole service: killed while portals register, it loses no receipt that it gave.
//!
//! Portals post requests over HTTP; the process is killed at a random instant; the store is looked into; the next start
//! completes what only had a number, and a portal's retry gets that receipt. `RUBRICA_CRASH_POINTS` (10 unless it says so)
//! and `RUBRICA_CRASH_SEED` as in `crash`.

use super::crash::{number_of, random};
use rubrica::engine::Time;
use rubrica::service::callers::new_key;
use rubrica::service::clock::SystemClock;
use rubrica::service::flow::receive::Details;
use rubrica::service::keys::Secret;
use rubrica::service::store::{Entry, EntryQuery, SqliteStore, Store, StoreOptions};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PORTALS: usize = 6;
/// How long answers are waited for before a kill.
const PATIENCE: Duration = Duration::from_secs(10);
/// Kills on one data folder; looking into it costs what it holds.
const ROUND: u64 = 25;

/// An e-office in a folder of its own.
struct Office {
    folder: tempfile::TempDir,
    address: SocketAddr,
    key: String,
}

impl Office {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let address = crate::port::free();
        let (key, hash) = new_key(&[7; 32]);
        let office = Office {
            folder,
            address,
            key,
        };
        for secret in ["store.key", "code.key"] {
            Secret::create(&office.path(secret)).expect("a secret");
        }
        let certs = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(office.path("catalogue.toml"), CATALOGUE).expect("the catalogue");
        let callers = format!(
            "[[caller]]\nname = 'portal'\nkey_sha256 = '{hash}'\noperations = ['register', 'read']\nentities = ['*']\nseals = ['*']\n"
        );
        std::fs::write(office.path("callers.toml"), callers).expect("the callers");
        let config = format!(
            "listen = '{address}'\nlog = 'error'\ncatalogue = 'catalogue.toml'\ncallers = 'callers.toml'\n\
             [store]\nkey = 'store.key'\n[code]\nsecrets = 'code.key'\n[sources]\noffline = true\n\
             [limits]\nrequests_per_minute = 1000000\n[trust]\nanchors = ['{certs}/root.pem']\n\
             [[seal]]\nname = 'inss'\nkey = '{certs}/seal-p256.p12'\npassphrase_env = 'SEAL_PASSPHRASE'\n"
        );
        std::fs::write(office.path("rubrica.toml"), config).expect("the configuration");
        office
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the service, and waits until it answers.
    fn start(&self) -> Child {
        let log = std::fs::File::create(self.path("log")).expect("a log");
        let child = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(["serve", "--config"])
            .arg(self.path("rubrica.toml"))
            .env("SEAL_PASSPHRASE", "demo")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the service starts");
        let started = Instant::now();
        while !matches!(self.ask("GET", "/healthz", &[], b""), Some((200, _))) {
            let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "it does not answer: {log}"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    /// One request, on a connection of its own; nothing where the connection breaks.
    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Option<(u16, Vec<u8>)> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(1)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .ok()?;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n",
            self.address,
            self.key,
            body.len(),
        );
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        stream.write_all(body).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let body = answer[end + 4..].to_vec();
        (length.is_none_or(|length| length == body.len())).then_some((status, body))
    }

    /// Registers the request of this key; nothing where no answer came.
    fn register(&self, key: &str) -> Option<Value> {
        let boundary = "c1a5h";
        let metadata = json!({
            "entity": "INSS", "office": "0", "subject": "S1", "destination": "U1",
            "interested": { "document": { "type": "nif", "number": "00000000T" }, "name": "Ana", "first_surname": "Núñez" },
            "identification": { "who": "00000000T", "how": "clave", "when": "2026-11-24T11:00:00Z", "reference": key },
        });
        let mut body = Vec::new();
        for (name, file, media_type, content) in [
            ("metadata", "", "application/json", metadata.to_string()),
            (
                "request",
                "; filename=\"s.txt\"",
                "text/plain",
                format!("solicitud {key}"),
            ),
        ] {
            let head = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\ncontent-type: {media_type}\r\n\r\n"
            );
            body.extend(head.into_bytes());
            body.extend(content.into_bytes());
            body.extend(b"\r\n");
        }
        body.extend(format!("--{boundary}--\r\n").into_bytes());
        let media_type = format!("multipart/form-data; boundary={boundary}");
        let headers = [("content-type", &*media_type), ("idempotency-key", key)];
        let (status, answer) = self.ask("POST", "/v1/receipts", &headers, &body)?;
        assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
        serde_json::from_slice(&answer).ok()
    }

    /// The store, looked into while no service has it.
    fn store(&self) -> SqliteStore {
        let options = StoreOptions {
            data: self.path("data"),
            secret: Secret::read(&self.path("store.key")).expect("the secret"),
            zone: "Europe/Madrid".into(),
            timeout: Duration::from_secs(30),
        };
        SqliteStore::open(options, Arc::new(SystemClock))
            .expect("the store opens after every crash")
    }
}

const CATALOGUE: &str = "
    entity = [{ code = 'INSS', name = 'Instituto Nacional de la Seguridad Social', seal = 'inss' }]
    office = [{ code = '0', name = 'Registro Electrónico' }]
    unit = [{ code = 'U1', name = 'Dirección Provincial', entity = 'INSS' }]
    procedure = [{ code = 'P1', name = 'Jubilación', unsigned = true }]
    subject = [{ code = 'S1', name = 'Solicitud', procedure = 'P1' }]
";

/// What portals were told, by the key of the request; `None` where no answer came.
type Told = Mutex<HashMap<String, Option<Value>>>;

/// Portals register until the service is gone: it is killed a random moment after a random number of answers, so that
/// kills fall before, between and after receipts however fast the machine is.
fn load_and_kill(office: &Office, run: u64, state: &mut u64, told: &Told) {
    let mut child = office.start();
    let (count, answered) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..PORTALS {
            scope.spawn(|| {
                loop {
                    let key = format!("{run}-{}", count.fetch_add(1, Ordering::SeqCst));
                    let answer = office.register(&key);
                    let gone = answer.is_none();
                    answered.fetch_add(u64::from(!gone), Ordering::SeqCst);
                    told.lock().expect("told").insert(key, answer);
                    if gone {
                        break;
                    }
                }
            });
        }
        let (answers, began) = (random(state) % 10, Instant::now());
        while answered.load(Ordering::SeqCst) < answers && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(random(state) % 100_000));
        child.kill().expect("killed");
        child.wait().expect("waited for");
    });
}

/// Everything that was told holds, and no sequence has a gap. Answers how many entries there are, and how many of them
/// have no receipt yet.
fn check(office: &Office, told: &Told) -> (usize, usize) {
    let store = office.store();
    let entries = all(&store);
    let by_number: HashMap<&str, &Entry> = entries.iter().map(|e| (&*e.number, e)).collect();
    let told = told.lock().expect("told");
    let mut numbers: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, answer) in told.iter() {
        let Some(answer) = answer else { continue };
        let number = answer["number"].as_str().expect("a number");
        assert_eq!(
            numbers.insert(number, key),
            None,
            "{number} was given twice"
        );
        let entry = by_number
            .get(number)
            .unwrap_or_else(|| panic!("{number} was given and is lost"));
        let presented: Time = answer["presented"]
            .as_str()
            .expect("an instant")
            .parse()
            .expect("an instant");
        assert_eq!(entry.presented, presented);
        let receipt = entry
            .receipt
            .as_ref()
            .expect("what was answered is complete");
        let details: Details = serde_json::from_slice(&receipt.details).expect("details");
        assert_eq!(
            Some(&*details.code_id),
            answer["code_id"].as_str(),
            "the first bytes of {number}"
        );
        store.blob(&receipt.acuse).expect("the acuse");
    }
    let sequence: Vec<u64> = entries.iter().map(|e| e.sequence).collect();
    let whole: Vec<u64> = (1..=entries.len() as u64).collect();
    assert_eq!(sequence, whole, "a gap, a double or a wrong order");
    let incomplete = entries.iter().filter(|e| e.receipt.is_none()).count();
    (entries.len(), incomplete)
}

fn all(store: &SqliteStore) -> Vec<Entry> {
    let mut query = EntryQuery {
        limit: 1000,
        ..EntryQuery::default()
    };
    let mut entries = Vec::new();
    loop {
        let page = store.find(&query).expect("entries");
        entries.extend(page.entries);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return entries,
        }
    }
}

/// Kills `points` times on one folder, and answers how many entries there were and how many a restart completed.
fn round(points: u64, state: &mut u64) -> (usize, usize) {
    let (office, told) = (Office::new(), Told::default());
    let mut recovered = 0;
    for run in 0..points {
        load_and_kill(&office, run, state, &told);
        recovered += check(&office, &told).1;
    }
    let mut child = office.start();
    let unanswered: Vec<String> = {
        let told = told.lock().expect("told");
        told.iter()
            .filter(|(_, answer)| answer.is_none())
            .map(|(key, _)| key.clone())
            .collect()
    };
    for key in unanswered {
        let answer = office.register(&key).expect("a retry is answered");
        assert_eq!(
            office.register(&key),
            Some(answer.clone()),
            "and again the same"
        );
        told.lock().expect("told").insert(key, Some(answer));
    }
    child.kill().expect("killed");
    child.wait().expect("waited for");
    let (entries, incomplete) = check(&office, &told);
    assert_eq!(incomplete, 0, "a restart completed the rest");
    assert_eq!(
        entries,
        told.lock().expect("told").len(),
        "one entry a request"
    );
    (entries, recovered)
}

#[test]
fn killed_at_random_points_the_service_loses_no_receipt_it_gave() {
    let points = number_of("RUBRICA_CRASH_POINTS", 10);
    let seed = number_of("RUBRICA_CRASH_SEED", u64::from(std::process::id()) | 1);
    println!("crash of the service: {points} points, seed {seed}");
    let (mut state, mut done, mut entries, mut recovered) = (seed, 0, 0, 0);
    let started = Instant::now();
    while done < points {
        let kills = ROUND.min(points - done);
        let (there, completed) = round(kills, &mut state);
        (done, entries, recovered) = (done + kills, entries + there, recovered + completed);
    }
    let seconds = started.elapsed().as_secs_f32();
    println!(
        "crash of the service: {done} kills, {entries} entries, {recovered} completed by a restart, none lost, {seconds:.1} s"
    );
    assert!(entries as u64 > points, "the service was under load");
    assert!(recovered > 0, "no kill fell between number and receipt");
}

/// Two services on one store: the second says who the first is, and ends.
#[test]
fn a_second_service_on_one_store_is_refused_naming_the_first() {
    let office = Office::new();
    let mut first = office.start();
    let second = run_to_end(&office.path("rubrica.toml"));
    first.kill().expect("killed");
    first.wait().expect("waited for");
    assert!(
        second.contains(&format!("in use by process {}", first.id())),
        "{second}"
    );
}

fn run_to_end(config: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(["serve", "--config"])
        .arg(config)
        .env("SEAL_PASSPHRASE", "demo")
        .output()
        .expect("it ends");
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}
