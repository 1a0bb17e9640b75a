//! A crash at any point leaves nothing, or an entry that a restart completes under its number.
//!
//! A child process registers under load and says what it was told; it is killed at a random instant, the store is opened
//! again, and everything that was said must hold. `RUBRICA_CRASH_POINTS` is the number of kills (50 unless it says so;
//! `.ci/crash 1000` for the full proof), `RUBRICA_CRASH_SEED` repeats a run.

use rubrica::engine::Time;
use rubrica::engine::register::{Direction, NumberLayout};
use rubrica::service::clock::{Clock, SystemClock};
use rubrica::service::keys::Secret;
use rubrica::service::store::{
    Completion, Entry, EntryQuery, NewEntry, SqliteStore, Store, StoreOptions, Taken,
};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The folder in which the child works; without it this process is not a child.
const FOLDER: &str = "RUBRICA_CRASH_FOLDER";
const CALLERS: usize = 8;
const OFFICES: usize = 2;

fn open(folder: &Path) -> SqliteStore {
    let options = StoreOptions {
        data: folder.to_path_buf(),
        secret: Secret::new([7; 32]),
        zone: "Europe/Madrid".into(),
        timeout: Duration::from_secs(30),
    };
    SqliteStore::open(options, Arc::new(SystemClock)).expect("the store opens after every crash")
}

/// The content of a request is made from its key, so that whoever knows the key can check every byte.
fn content(key: &str, part: usize) -> Vec<u8> {
    format!("{part} of {key};")
        .repeat(200 + 3000 * part)
        .into_bytes()
}

fn new_entry(key: &str) -> NewEntry {
    let office = key.bytes().map(usize::from).sum::<usize>() % OFFICES;
    NewEntry {
        caller: "portal".into(),
        idempotency_key: key.into(),
        request_digest: rubrica::engine::crypto::sha256(key.as_bytes()),
        entity: "INSS".into(),
        office: office.to_string(),
        direction: Direction::Entry,
        persons: vec!["00000000T".into()],
        metadata: key.as_bytes().to_vec(),
        layout: NumberLayout::default(),
    }
}

fn take(store: &dyn Store, key: &str) -> Taken {
    let originals = (0..2).map(|part| store.stage(&mut &content(key, part)[..]).expect("staged"));
    store
        .take_number(new_entry(key), originals.collect())
        .expect("a number")
}

/// What a restart does with an entry that has only its number; `attempt` makes its bytes differ from another attempt's.
fn complete(store: &dyn Store, entry: &Entry, attempt: &str) -> Entry {
    let key = String::from_utf8_lossy(&entry.metadata).into_owned();
    let stage = |what: &str| {
        let bytes = [
            what.as_bytes(),
            b" ",
            attempt.as_bytes(),
            b" ",
            &content(&key, 1),
        ]
        .concat();
        store.stage(&mut &bytes[..]).expect("staged")
    };
    let completion = Completion {
        sealed: SystemClock.now(),
        acuse: stage("acuse"),
        justificante: stage("justificante"),
        evidence: None,
        details: attempt.as_bytes().to_vec(),
        code: None,
        owed: None,
    };
    store
        .complete(&entry.number, completion)
        .expect("completed")
}

/// Tells whoever started this process; ends it where nobody listens any more.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// The child: callers that register one request after another, and say what they were told.
#[test]
#[ignore = "the process that the test below kills"]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let store = open(Path::new(&folder));
    for entry in store.incomplete().expect("incomplete") {
        complete(&store, &entry, "restart");
    }
    say("\nready");
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let store = &store;
            scope.spawn(move || {
                for n in 0.. {
                    let key = format!("{}-{caller}-{n}", std::process::id());
                    let entry = take(store, &key).into_entry();
                    say(&format!("taken {key} {} {}", entry.number, entry.presented));
                    let entry = complete(store, &entry, "first");
                    let acuse = entry.receipt.expect("complete").acuse;
                    say(&format!("complete {key} {acuse}"));
                }
            });
        }
    });
}

/// What the child was told before it was killed.
#[derive(Default)]
struct Told {
    taken: HashMap<String, (String, Time)>,
    complete: HashMap<String, String>,
}

impl Told {
    fn note(&mut self, line: &str) {
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["taken", key, number, at] => {
                self.taken
                    .insert(key.into(), (number.into(), at.parse().expect("an instant")));
            }
            ["complete", key, acuse] => {
                self.complete.insert(key.into(), acuse.into());
            }
            _ => {}
        }
    }
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args([
            "crash::child",
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// Runs the child and kills it `after` it is ready; the last line may be cut short by the kill.
fn run_and_kill(folder: &Path, after: Duration, told: &mut Told) {
    let mut child = start(folder);
    let mut lines = BufReader::new(child.stdout.take().expect("its output"));
    let mut next = move || {
        let mut line = String::new();
        let read = lines.read_line(&mut line).unwrap_or(0);
        (read > 0).then_some(line)
    };
    while !next().expect("the child gets ready").contains("ready") {}
    let reader = std::thread::spawn(move || std::iter::from_fn(next).collect::<Vec<_>>());
    std::thread::sleep(after);
    child.kill().expect("killed");
    child.wait().expect("waited for");
    for line in reader.join().expect("its lines") {
        if let Some(line) = line.strip_suffix('\n') {
            told.note(line);
        }
    }
}

/// Everything that was told holds, and nothing is half there.
fn check(store: &SqliteStore, folder: &Path, told: &Told) -> usize {
    assert_eq!(
        std::fs::read_dir(folder.join("blobs/pending"))
            .expect("blobs")
            .count(),
        0,
        "what no entry names was cleared away"
    );
    let entries = all(store);
    let by_key: HashMap<_, _> = entries.iter().map(|e| (key(e), e)).collect();
    for (key, (number, presented)) in &told.taken {
        let entry = by_key
            .get(key)
            .unwrap_or_else(|| panic!("{number} was given and is lost"));
        assert_eq!((&entry.number, entry.presented), (number, *presented));
    }
    for (key, acuse) in &told.complete {
        let receipt = by_key.get(key).and_then(|e| e.receipt.as_ref());
        assert_eq!(
            receipt.map(|r| r.acuse.to_string()).as_ref(),
            Some(acuse),
            "the first bytes"
        );
    }
    let mut sequences: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in &entries {
        sequences
            .entry(&entry.office)
            .or_default()
            .push(entry.sequence);
    }
    for (office, sequence) in sequences {
        let whole: Vec<u64> = (1..=sequence.len() as u64).collect();
        assert_eq!(
            sequence, whole,
            "office {office} has a gap, a double or a wrong order"
        );
    }
    assert!(
        entries.is_sorted_by_key(|e| e.presented),
        "instants follow numbers"
    );
    entries.len()
}

fn all(store: &SqliteStore) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut query = EntryQuery {
        limit: 1000,
        ..EntryQuery::default()
    };
    loop {
        let page = store.find(&query).expect("entries");
        entries.extend(page.entries);
        match page.next {
            Some(next) => query.after = Some(next),
            None => return entries,
        }
    }
}

fn key(entry: &Entry) -> String {
    String::from_utf8(entry.metadata.clone()).expect("a key")
}

/// A restart completes what only had its number, under that number; the portal's retry gets it.
fn recover(store: &SqliteStore) {
    for entry in store.incomplete().expect("incomplete") {
        for (part, id) in entry.originals.iter().enumerate() {
            assert_eq!(
                store.blob(id).expect("the request"),
                content(&key(&entry), part)
            );
        }
        let complete = complete(store, &entry, "restart");
        match take(store, &key(&entry)) {
            Taken::Known(known) => assert_eq!(known, complete),
            Taken::New(second) => panic!("{} got a second number {}", entry.number, second.number),
        }
    }
}

/// xorshift64*: enough to spread the kills.
pub(super) fn random(state: &mut u64) -> u64 {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

pub(super) fn number_of(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(otherwise)
}

/// Kills on one store; checking it costs what it holds, so that the full proof uses many.
const ROUND: u64 = 50;

/// Kills `points` times on one store, and answers how many entries there were and how many a restart completed.
fn round(points: u64, state: &mut u64) -> (usize, usize) {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut told, mut recovered) = (Told::default(), 0);
    for _ in 0..points {
        let after = Duration::from_micros(random(state) % 60_000);
        run_and_kill(folder.path(), after, &mut told);
        let store = open(folder.path());
        check(&store, folder.path(), &told);
        recovered += store.incomplete().expect("incomplete").len();
        recover(&store);
    }
    let store = open(folder.path());
    let entries = check(&store, folder.path(), &told);
    for entry in all(&store) {
        let receipt = entry.receipt.as_ref().expect("all are complete");
        let blobs = entry
            .originals
            .iter()
            .chain([&receipt.acuse, &receipt.justificante]);
        for id in blobs {
            store.blob(id).expect("every byte is there");
        }
    }
    (entries, recovered)
}

#[test]
fn killed_at_random_points_the_store_loses_nothing_it_told() {
    let points = number_of("RUBRICA_CRASH_POINTS", 50);
    let seed = number_of("RUBRICA_CRASH_SEED", u64::from(std::process::id()) | 1);
    println!("crash: {points} points, seed {seed}");
    let (mut state, mut done, mut entries, mut recovered) = (seed, 0, 0, 0);
    let started = Instant::now();
    while done < points {
        let kills = ROUND.min(points - done);
        let (there, completed) = round(kills, &mut state);
        (done, entries, recovered) = (done + kills, entries + there, recovered + completed);
    }
    let seconds = started.elapsed().as_secs_f32();
    println!(
        "crash: {done} kills, {entries} entries, {recovered} completed by a restart, none lost, {seconds:.1} s"
    );
    assert!(entries as u64 > points, "the child was under load");
    assert!(recovered > 0, "no kill fell between number and receipt");
}
