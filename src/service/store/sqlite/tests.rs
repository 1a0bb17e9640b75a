use super::*;
use crate::engine::ErrorKind;
use crate::service::clock::SettableClock;
use jiff::civil::date;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const NOON: &str = "2026-11-24T12:00:00Z";

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn options(data: &Path) -> StoreOptions {
    StoreOptions {
        data: data.to_path_buf(),
        secret: Secret::new([5; 32]),
        zone: "Europe/Madrid".into(),
        timeout: Duration::from_secs(20),
    }
}

/// A store in a folder of its own, with a clock that stands at noon.
struct Fixture {
    store: SqliteStore,
    clock: Arc<SettableClock>,
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SettableClock::at(at(NOON)));
        let store = SqliteStore::open(options(&folder.path().join("data")), clock.clone()).unwrap();
        Fixture {
            store,
            clock,
            folder,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What a crash would leave at this instant: the files as they are, opened again.
    fn after_a_crash(&self) -> SqliteStore {
        let copy = self
            .folder
            .path()
            .join(format!("crash-{}", files(self.folder.path()).len()));
        copy_folder(&self.data(), &copy);
        SqliteStore::open(options(&copy), self.clock.clone()).unwrap()
    }

    fn take(&self, key: &str, content: &str) -> Result<Taken> {
        take(&self.store, new_entry(key, content), content)
    }

    fn taken(&self, key: &str) -> Entry {
        self.take(key, key).unwrap().into_entry()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn copy_folder(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(file, target).unwrap();
    }
}

fn blob_files(data: &Path) -> usize {
    files(&data.join("blobs")).len()
}

fn new_entry(key: &str, content: &str) -> NewEntry {
    let mut request_digest = [0; 32];
    request_digest[..content.len().min(32)]
        .copy_from_slice(&content.as_bytes()[..content.len().min(32)]);
    NewEntry {
        caller: "portal".into(),
        idempotency_key: key.into(),
        request_digest,
        entity: "INSS".into(),
        office: "000000".into(),
        direction: Direction::Entry,
        persons: vec!["00000000T".into()],
        metadata: format!("metadata of {key}: 00000000T, María").into_bytes(),
        layout: NumberLayout::default(),
    }
}

fn take(store: &dyn Store, entry: NewEntry, content: &str) -> Result<Taken> {
    let original = store.stage(&mut format!("request {content}").as_bytes())?;
    store.take_number(entry, vec![original])
}

fn completion(store: &dyn Store, what: &str) -> Completion {
    let stage = |name: &str| {
        store
            .stage(&mut format!("{name} {what}").as_bytes())
            .unwrap()
    };
    Completion {
        sealed: at("2026-11-24T12:00:01Z"),
        acuse: stage("acuse"),
        justificante: stage("justificante"),
        evidence: Some(stage("evidence")),
        details: what.as_bytes().to_vec(),
        code: None,
        owed: None,
    }
}

fn code(id: &str) -> CodeRecord {
    CodeRecord {
        id: CodeId::new(id).unwrap(),
        code: KeyedCode::from_bytes(date(2026, 11, 24), &[9; KeyedCode::LENGTH]).unwrap(),
        validity: Validity::Until(date(2028, 11, 24)),
        issued: at(NOON),
        entity: "INSS".into(),
        caller: "portal".into(),
        seal: "inss".into(),
    }
}

#[test]
fn a_request_gets_a_number_and_its_retry_the_same() {
    let fixture = Fixture::new();
    let entry = fixture.taken("one");
    assert_eq!(entry.number, "20260000000000000001");
    assert_eq!((entry.presented, entry.sequence), (at(NOON), 1));
    assert_eq!(
        fixture.store.blob(&entry.originals[0]).unwrap(),
        b"request one"
    );
    fixture.clock.advance(Duration::from_secs(9));
    match fixture.take("one", "one").unwrap() {
        Taken::Known(known) => assert_eq!(known, entry),
        Taken::New(_) => panic!("a second number"),
    }
    assert_eq!(fixture.taken("two").sequence, 2);
    assert_eq!(blob_files(&fixture.data()), 2);
}

#[test]
fn other_content_under_the_same_key_is_a_conflict_that_names_both() {
    let fixture = Fixture::new();
    fixture.take("key", "first").unwrap();
    let error = fixture.take("key", "other").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    for digest in [new_entry("", "first"), new_entry("", "other")].map(|e| e.request_digest) {
        let digest = crate::engine::syntax::hex::hex(&digest);
        assert!(error.problem().contains(&digest), "{error}");
    }
    assert_eq!(fixture.taken("next").sequence, 2, "no number was taken");
    assert_eq!(
        blob_files(&fixture.data()),
        2,
        "what was refused is not kept"
    );
}

#[test]
fn the_same_key_of_another_caller_is_another_request() {
    let fixture = Fixture::new();
    fixture.take("key", "one").unwrap();
    let other = NewEntry {
        caller: "counter".into(),
        ..new_entry("key", "two")
    };
    assert!(
        matches!(take(&fixture.store, other, "two").unwrap(), Taken::New(e) if e.sequence == 2)
    );
}

#[test]
fn sequences_have_no_gap_and_no_double_under_many_callers() {
    let fixture = Fixture::new();
    let (callers, each) = (16, 12);
    let (kept, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let (fixture, kept, refused) = (&fixture, &kept, &refused);
            scope.spawn(move || {
                for n in 0..each {
                    fixture.clock.advance(Duration::from_millis(1));
                    let key = format!("{caller} {n}");
                    let mut entry = new_entry(&key, &key);
                    entry.office = format!("00000{}", n % 3);
                    // Every fourth request is refused within its transaction, once the sequence is past 9.
                    if n % 4 == 3 {
                        entry.layout = NumberLayout::new(6, 1).unwrap();
                    }
                    match take(&fixture.store, entry, &key) {
                        Ok(_) => kept.fetch_add(1, Ordering::SeqCst),
                        Err(error) => {
                            assert_eq!(error.element(), "register number");
                            refused.fetch_add(1, Ordering::SeqCst)
                        }
                    };
                }
            });
        }
    });
    let page = fixture
        .store
        .find(&EntryQuery {
            limit: 1000,
            ..EntryQuery::default()
        })
        .unwrap();
    assert_eq!(page.entries.len(), kept.into_inner());
    assert!(refused.into_inner() > callers, "some were refused");
    let mut offices: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in page.entries {
        offices.entry(entry.office.clone()).or_default().push(entry);
    }
    assert_eq!(offices.len(), 3);
    for entries in offices.values() {
        let sequence: Vec<u64> = entries.iter().map(|e| e.sequence).collect();
        assert_eq!(sequence, (1..=entries.len() as u64).collect::<Vec<_>>());
        assert!(
            entries.is_sorted_by_key(|e| e.presented),
            "instants follow numbers"
        );
    }
}

#[test]
fn a_clock_set_back_gives_no_number_until_it_is_right_again() {
    let fixture = Fixture::new();
    fixture.taken("one");
    fixture.clock.set(at("2026-11-24T11:59:59.999Z"));
    let error = fixture.take("two", "two").unwrap_err();
    assert_eq!(
        (error.kind(), error.element()),
        (ErrorKind::Unavailable, "clock")
    );
    assert!(
        matches!(fixture.take("one", "one").unwrap(), Taken::Known(_)),
        "retries are answered"
    );
    fixture.clock.set(at(NOON));
    assert_eq!(fixture.taken("two").sequence, 2);
}

#[test]
fn the_year_is_that_of_the_zone() {
    let fixture = Fixture::new();
    fixture.clock.set(at("2026-12-31T22:59:59.999Z"));
    assert_eq!(fixture.taken("old").number, "20260000000000000001");
    fixture.clock.set(at("2026-12-31T23:00:00Z"));
    assert_eq!(fixture.taken("new").number, "20270000000000000001");
    assert_eq!(fixture.taken("newer").sequence, 2);
}

#[test]
fn the_first_completion_wins_and_a_second_leaves_no_bytes() {
    let fixture = Fixture::new();
    let number = fixture.taken("one").number;
    assert_eq!(fixture.store.incomplete().unwrap().len(), 1);
    let first = fixture
        .store
        .complete(&number, completion(&fixture.store, "first"))
        .unwrap();
    let second = fixture
        .store
        .complete(&number, completion(&fixture.store, "second"))
        .unwrap();
    assert_eq!(first, second);
    let receipt = second.receipt.unwrap();
    assert_eq!(fixture.store.blob(&receipt.acuse).unwrap(), b"acuse first");
    assert_eq!(
        fixture.store.blob(&receipt.evidence.unwrap()).unwrap(),
        b"evidence first"
    );
    assert_eq!(receipt.details, b"first");
    assert!(fixture.store.incomplete().unwrap().is_empty());
    assert_eq!(blob_files(&fixture.data()), 4);
    let error = fixture
        .store
        .complete("1", completion(&fixture.store, "none"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(blob_files(&fixture.data()), 4);
}

#[test]
fn after_a_crash_there_is_nothing_or_an_entry_to_complete() {
    let fixture = Fixture::new();
    let staged = fixture.store.stage(&mut &b"never registered"[..]).unwrap();
    let before = fixture.after_a_crash();
    assert!(before.incomplete().unwrap().is_empty());
    assert!(before.blob(&staged.id()).is_err());
    assert_eq!(files(&before.readers.file.with_file_name("blobs")).len(), 0);
    drop(staged);

    let entry = fixture.taken("one");
    let after = fixture.after_a_crash();
    assert_eq!(after.incomplete().unwrap(), std::slice::from_ref(&entry));
    assert_eq!(after.blob(&entry.originals[0]).unwrap(), b"request one");
    let complete = after
        .complete(&entry.number, completion(&after, "late"))
        .unwrap();
    assert!(complete.receipt.is_some());
    match take(&after, new_entry("one", "one"), "one").unwrap() {
        Taken::Known(known) => assert_eq!(known, complete),
        Taken::New(_) => panic!("the retry has a second number"),
    }
}

/// Between the commit and the move of a blob to its place.
#[test]
fn a_blob_on_its_way_is_found_after_a_crash() {
    let fixture = Fixture::new();
    let entry = fixture.taken("one");
    let id = entry.originals[0].to_string();
    let blobs = fixture.data().join("blobs");
    std::fs::rename(
        blobs.join(&id[..2]).join(&id[2..]),
        blobs.join(format!("pending/{id}.0")),
    )
    .unwrap();
    assert_eq!(
        fixture.store.blob(&entry.originals[0]).unwrap(),
        b"request one"
    );
    let after = fixture.after_a_crash();
    assert_eq!(after.blob(&entry.originals[0]).unwrap(), b"request one");
    assert!(
        after
            .readers
            .file
            .with_file_name("blobs")
            .join(&id[..2])
            .join(&id[2..])
            .exists()
    );
}

#[test]
fn a_call_that_fails_but_persists_is_found_by_its_retry() {
    let Fixture {
        store,
        folder: _folder,
        ..
    } = Fixture::new();
    let store = Faulty::new(store);
    for (key, fault) in [
        ("a", Fault::Fails),
        ("b", Fault::FailsButPersists),
        ("c", Fault::TimesOut(Duration::from_millis(1))),
    ] {
        store.plan(Call::TakeNumber, fault);
        let error = take(&store, new_entry(key, key), key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        let again = take(&store, new_entry(key, key), key).unwrap();
        assert_eq!(matches!(again, Taken::Known(_)), fault != Fault::Fails);
        let number = again.into_entry().number;
        store.plan(Call::Complete, fault);
        assert!(
            store
                .complete(&number, completion(&store, "first"))
                .is_err()
        );
        let receipt = store
            .complete(&number, completion(&store, "second"))
            .unwrap()
            .receipt;
        let won = if fault == Fault::Fails {
            "second"
        } else {
            "first"
        };
        assert_eq!(receipt.unwrap().details, won.as_bytes());
    }
    let page = store.find(&EntryQuery::default()).unwrap();
    assert_eq!(
        page.entries.iter().map(|e| e.sequence).collect::<Vec<_>>(),
        [1, 2, 3]
    );
}

#[test]
fn a_full_store_keeps_nothing_by_halves() {
    let fixture = Fixture::new();
    fixture.taken("one");
    let limit = |pages: i64| {
        let set = move |db: &Connection| {
            db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
                .map_err(database_error)
        };
        fixture.store.write(Vec::new(), set).unwrap();
    };
    limit(1);
    let mut fulls = 0;
    for n in 0..400 {
        match fixture.take(&format!("k{n}"), &"x".repeat(20)) {
            Ok(_) => assert_eq!(fulls, 0, "full once, full until there is room"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable);
                assert!(error.problem().contains("full"), "{error}");
                fulls += 1;
            }
        }
        if fulls == 3 {
            break;
        }
    }
    assert_eq!(fulls, 3);
    let kept = fixture
        .store
        .find(&EntryQuery {
            limit: 1000,
            ..EntryQuery::default()
        })
        .unwrap()
        .entries;
    assert_eq!(
        blob_files(&fixture.data()),
        2,
        "equal requests are one blob, refused ones none"
    );
    limit(100_000);
    assert_eq!(fixture.taken("room again").sequence, kept.len() as u64 + 1);
}

#[test]
fn a_locked_store_says_so() {
    let fixture = Fixture::new();
    let other = Connection::open(fixture.data().join("rubrica.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = fixture.take("one", "one").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.problem().contains("lock"), "{error}");
    assert!(fixture.store.check_writable().is_err());
    assert!(
        fixture.store.incomplete().unwrap().is_empty(),
        "reading goes on"
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert!(fixture.store.check_writable().is_ok());
    assert_eq!(fixture.taken("one").sequence, 1);
}

#[test]
fn the_second_opener_and_another_key_are_refused() {
    let Fixture {
        store,
        clock,
        folder,
    } = Fixture::new();
    let data = folder.path().join("data");
    let error = SqliteStore::open(options(&data), clock.clone()).unwrap_err();
    assert!(error.problem().contains("in use by process"), "{error}");
    drop(store);
    let other = StoreOptions {
        secret: Secret::new([6; 32]),
        ..options(&data)
    };
    let error = SqliteStore::open(other, clock.clone()).unwrap_err();
    assert_eq!(error.element(), "store.key");
    assert!(SqliteStore::open(options(&data), clock).is_ok());
}

#[test]
fn nothing_personal_is_readable_on_disk() {
    let fixture = Fixture::new();
    let entry = fixture.taken("key-of-the-portal");
    fixture
        .store
        .complete(&entry.number, completion(&fixture.store, "sealed-details"))
        .unwrap();
    fixture
        .store
        .count_attempt(
            "9XXXXX4A62XX",
            "203.0.113.7",
            at(NOON),
            Duration::from_secs(60),
        )
        .unwrap();
    for file in files(&fixture.data()) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [
            "00000000T",
            "María",
            "key-of-the-portal",
            "sealed-details",
            "justificante s",
            "203.0.113.7",
            "9XXXXX",
        ] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} in {}", file.display());
        }
    }
}

#[test]
fn entries_are_found_by_person_office_entity_direction_and_dates() {
    let fixture = Fixture::new();
    for n in 0..6 {
        let mut entry = new_entry(&n.to_string(), &n.to_string());
        entry.office = format!("00000{}", n % 2);
        entry.entity = ["INSS", "TGSS", "ISM"][n % 3].into();
        entry.direction = if n < 3 {
            Direction::Entry
        } else {
            Direction::Exit
        };
        entry.persons = vec![format!("P{n}"), "common".into(), "common".into()];
        entry.metadata = n.to_string().into_bytes();
        take(&fixture.store, entry, &n.to_string()).unwrap();
        fixture.clock.advance(Duration::from_secs(60));
    }
    let found = |query: EntryQuery| -> String {
        let page = fixture.store.find(&query).unwrap();
        assert_eq!(page.next, None);
        page.entries
            .iter()
            .map(|e| String::from_utf8(e.metadata.clone()).unwrap())
            .collect()
    };
    let all = EntryQuery::default;
    assert_eq!(found(all()), "012345");
    assert_eq!(
        found(EntryQuery {
            office: Some("000001".into()),
            ..all()
        }),
        "135"
    );
    assert_eq!(
        found(EntryQuery {
            entities: Some(vec!["ISM".into(), "INSS".into()]),
            ..all()
        }),
        "0235"
    );
    assert_eq!(
        found(EntryQuery {
            entities: Some(vec![]),
            ..all()
        }),
        ""
    );
    assert_eq!(
        found(EntryQuery {
            direction: Some(Direction::Exit),
            ..all()
        }),
        "345"
    );
    assert_eq!(
        found(EntryQuery {
            person: Some("P4".into()),
            ..all()
        }),
        "4"
    );
    assert_eq!(
        found(EntryQuery {
            person: Some("common".into()),
            ..all()
        }),
        "012345"
    );
    assert_eq!(
        found(EntryQuery {
            person: Some("' OR 1".into()),
            ..all()
        }),
        ""
    );
    let (from, until) = (
        Some(at("2026-11-24T12:01:00Z")),
        Some(at("2026-11-24T12:03:00Z")),
    );
    assert_eq!(
        found(EntryQuery {
            from,
            until,
            ..all()
        }),
        "12"
    );
    let just_after = Some(at("2026-11-24T12:01:00.000000001Z"));
    assert_eq!(
        found(EntryQuery {
            from: just_after,
            ..all()
        }),
        "2345"
    );

    let first = fixture
        .store
        .find(&EntryQuery { limit: 4, ..all() })
        .unwrap();
    assert_eq!(first.entries.len(), 4);
    let rest = fixture
        .store
        .find(&EntryQuery {
            limit: 4,
            after: first.next,
            ..all()
        })
        .unwrap();
    assert_eq!((rest.entries.len(), rest.next), (2, None));
}

#[test]
fn the_document_behind_a_code_is_the_justificante_or_one_of_its_own() {
    let fixture = Fixture::new();
    let entry = fixture.taken("one");
    let with_code = Completion {
        code: Some(code("AAAAAAAAAAAA")),
        ..completion(&fixture.store, "a")
    };
    let receipt = fixture
        .store
        .complete(&entry.number, with_code)
        .unwrap()
        .receipt
        .unwrap();
    let document = fixture.store.document("AAAAAAAAAAAA").unwrap().unwrap();
    assert_eq!(document.code, code("AAAAAAAAAAAA"));
    assert_eq!(document.original, receipt.justificante);
    assert_eq!(document.number, Some(entry.number));
    assert_eq!(fixture.store.document("BBBBBBBBBBBB").unwrap(), None);

    let stage = |text: &'static str| fixture.store.stage(&mut text.as_bytes()).unwrap();
    let permanent = CodeRecord {
        validity: Validity::Permanent,
        ..code("BBBBBBBBBBBB")
    };
    fixture
        .store
        .keep_document(
            permanent.clone(),
            stage("original"),
            Some(stage("printable")),
            None,
        )
        .unwrap();
    let document = fixture.store.document("BBBBBBBBBBBB").unwrap().unwrap();
    assert_eq!((&document.code, document.number), (&permanent, None));
    assert_eq!(
        fixture.store.blob(&document.printable.unwrap()).unwrap(),
        b"printable"
    );
    let kept = blob_files(&fixture.data());
    let error = fixture
        .store
        .keep_document(permanent, stage("again"), None, None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(blob_files(&fixture.data()), kept);
}

#[test]
fn attempts_are_counted_across_a_restart_and_forgotten_after_their_window() {
    let Fixture {
        store,
        clock,
        folder,
    } = Fixture::new();
    let window = Duration::from_secs(3600);
    let count = |store: &SqliteStore, id, address, now| {
        let attempts = store.count_attempt(id, address, at(now), window).unwrap();
        (attempts.on_id, attempts.from_address)
    };
    assert_eq!(count(&store, "A", "1", "2026-11-24T12:00:00Z"), (1, 1));
    assert_eq!(count(&store, "A", "2", "2026-11-24T12:10:00Z"), (2, 1));
    drop(store);
    let store = SqliteStore::open(options(&folder.path().join("data")), clock).unwrap();
    assert_eq!(count(&store, "B", "2", "2026-11-24T12:59:59Z"), (1, 2));
    assert_eq!(count(&store, "A", "2", "2026-11-24T13:00:00Z"), (1, 1));
    let rows = |db: &Connection| {
        db.query_row("SELECT count(*) FROM attempts", [], |r| r.get::<_, i64>(0))
            .map_err(database_error)
    };
    assert_eq!(store.readers.with(rows).unwrap(), 2);
}

#[test]
fn seals_and_versions_have_a_history() {
    let fixture = Fixture::new();
    let (first, later) = (at(NOON), at("2027-11-24T12:00:00Z"));
    for (certificate, now) in [
        (b"old", first),
        (b"old", later),
        (b"new", later),
        (b"new", first),
    ] {
        fixture.store.note_seal("inss", certificate, now).unwrap();
    }
    let seals = fixture.store.seals().unwrap();
    assert_eq!(
        seals.iter().map(|s| &s.certificate[..]).collect::<Vec<_>>(),
        [b"old", b"new"]
    );
    assert_eq!((seals[0].first_used, seals[0].last_used), (first, later));

    let number = fixture.taken("one").number;
    let add = |level: &str| {
        let acuse = fixture.store.stage(&mut level.as_bytes()).unwrap();
        fixture.store.add_version(&number, level, acuse, later)
    };
    assert_eq!(
        add("LT").unwrap_err().kind(),
        ErrorKind::NotFound,
        "no receipt yet"
    );
    fixture
        .store
        .complete(&number, completion(&fixture.store, "a"))
        .unwrap();
    assert_eq!((add("LT").unwrap(), add("LTA").unwrap()), (2, 3));
    let versions = fixture.store.versions(&number).unwrap();
    assert_eq!(
        versions.iter().map(|v| &v.level[..]).collect::<Vec<_>>(),
        ["LT", "LTA"]
    );
    assert_eq!(fixture.store.blob(&versions[1].acuse).unwrap(), b"LTA");
}

#[test]
fn a_large_blob_streams_and_an_altered_one_is_refused() {
    let fixture = Fixture::new();
    let content: Vec<u8> = (0..300_000u32).flat_map(u32::to_le_bytes).collect();
    let staged = fixture.store.stage(&mut &content[..]).unwrap();
    let entry = fixture
        .store
        .take_number(new_entry("large", "large"), vec![staged])
        .unwrap()
        .into_entry();
    let mut read = Vec::new();
    fixture
        .store
        .open_blob(&entry.originals[0])
        .unwrap()
        .read_to_end(&mut read)
        .unwrap();
    assert_eq!(read, content);
    let file = files(&fixture.data().join("blobs")).pop().unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[700_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let error = fixture.store.blob(&entry.originals[0]).unwrap_err();
    assert!(error.problem().contains("altered"), "{error}");
}

#[test]
fn a_store_of_a_later_version_or_of_another_program_is_refused() {
    for (pragma, word) in [
        ("user_version = 99", "later version"),
        ("application_id = 7", "another program"),
    ] {
        let Fixture {
            store,
            clock,
            folder,
        } = Fixture::new();
        drop(store);
        let data = folder.path().join("data");
        let other = Connection::open(data.join("rubrica.sqlite")).unwrap();
        other.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        drop(other);
        let error = SqliteStore::open(options(&data), clock).unwrap_err();
        assert!(error.problem().contains(word), "{error}");
    }
}

/// Nothing of the store is held while a time-stamping authority is waited for.
#[test]
fn fifty_callers_behind_a_slow_authority_get_fifty_receipts_a_second() {
    let fixture = Fixture::new();
    let (callers, each, authority) = (50u32, 3u32, Duration::from_millis(500));
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for caller in 0..callers {
            let store = &fixture.store;
            scope.spawn(move || {
                for n in 0..each {
                    let key = format!("{caller}/{n}");
                    let request = key.repeat(4096 / key.len());
                    let original = store.stage(&mut request.as_bytes()).unwrap();
                    let taken = store.take_number(new_entry(&key, &key), vec![original]);
                    let number = taken.unwrap().into_entry().number;
                    std::thread::sleep(authority);
                    store
                        .complete(&number, completion(store, &request))
                        .unwrap();
                }
            });
        }
    });
    let rate = f64::from(callers * each) / started.elapsed().as_secs_f64();
    println!("{rate:.0} receipts/s");
    assert!(rate >= 50.0, "{rate:.0} receipts/s");
}

#[test]
fn an_entry_that_was_altered_in_the_database_is_refused() {
    for change in [
        "presented_at = presented_at - 1",
        "number = '20260000000000000009'",
        "entity = 'TGSS'",
        "office = '1'",
        "direction = 'salida'",
        "caller = 'counter'",
        "sealed_at = sealed_at + 1",
    ] {
        let fixture = Fixture::new();
        let number = fixture.taken("one").number;
        fixture
            .store
            .complete(&number, completion(&fixture.store, "a"))
            .unwrap();
        let all = || fixture.store.find(&EntryQuery::default());
        assert_eq!(all().unwrap().entries.len(), 1);
        let other = Connection::open(fixture.data().join("rubrica.sqlite")).unwrap();
        other
            .execute(&format!("UPDATE entries SET {change}"), [])
            .unwrap();
        let error = all().unwrap_err();
        assert!(error.problem().contains("altered"), "{change}: {error}");
    }
}

#[test]
fn parts_of_two_entries_cannot_be_swapped() {
    let fixture = Fixture::new();
    for key in ["one", "two"] {
        let number = fixture.taken(key).number;
        fixture
            .store
            .complete(&number, completion(&fixture.store, key))
            .unwrap();
    }
    let other = Connection::open(fixture.data().join("rubrica.sqlite")).unwrap();
    for role in ["original", "acuse"] {
        for (from, to) in [(1, 9), (2, 1), (9, 2)] {
            let swap = "PRAGMA foreign_keys = OFF; UPDATE parts SET entry = TO WHERE entry = FROM AND role = 'ROLE'";
            let swap = swap
                .replace("FROM", &from.to_string())
                .replace("TO", &to.to_string());
            other.execute_batch(&swap.replace("ROLE", role)).unwrap();
        }
        assert!(
            fixture.store.entry("20260000000000000001").is_err(),
            "{role}"
        );
        assert!(
            fixture.store.entry("20260000000000000002").is_err(),
            "{role}"
        );
    }
}

#[test]
fn a_layout_that_would_print_a_number_again_is_refused() {
    let fixture = Fixture::new();
    let with = |layout: &str, office: &str, key: &str| {
        let mut entry = new_entry(key, key);
        (entry.layout, entry.office) = (layout.parse().unwrap(), office.into());
        take(&fixture.store, entry, key)
    };
    let first = with("4+6+10", "10", "one").unwrap().into_entry();
    let error = with("4+5+11", "1", "two").unwrap_err();
    assert_eq!(
        (error.kind(), error.element()),
        (ErrorKind::Conflict, "register.layout")
    );
    assert!(error.problem().contains(&first.number), "{error}");
    let third = with("4+6+10", "10", "three").unwrap().into_entry();
    assert_eq!(third.sequence, 2);
}

#[test]
fn a_defect_in_one_write_ends_no_other() {
    let fixture = Fixture::new();
    let staged = fixture.store.stage(&mut &b"lost"[..]).unwrap();
    let broken = |_: &Connection| -> Result<()> { panic!("a defect of the test") };
    let error = fixture.store.write(vec![staged], broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(blob_files(&fixture.data()), 0);
    assert_eq!(fixture.taken("one").sequence, 1);
}

#[test]
fn a_document_that_was_altered_in_the_database_is_refused() {
    let fixture = Fixture::new();
    for id in ["AAAAAAAAAAAA", "BBBBBBBBBBBB"] {
        let original = fixture.store.stage(&mut id.as_bytes()).unwrap();
        fixture
            .store
            .keep_document(code(id), original, None, None)
            .unwrap();
    }
    let other = Connection::open(fixture.data().join("rubrica.sqlite")).unwrap();
    for change in [
        "original = (SELECT original FROM documents WHERE id = 'BBBBBBBBBBBB')",
        "groups = zeroblob(192)",
        "last_day = NULL",
        "date = '2026-11-25'",
        "entity = 'TGSS'",
    ] {
        assert!(fixture.store.document("AAAAAAAAAAAA").unwrap().is_some());
        let update = format!("UPDATE documents SET {change} WHERE id = 'AAAAAAAAAAAA'");
        assert_eq!(other.execute(&update, []).unwrap(), 1);
        let error = fixture.store.document("AAAAAAAAAAAA").unwrap_err();
        assert!(error.problem().contains("altered"), "{change}: {error}");
        other
            .execute("DELETE FROM documents WHERE id = 'AAAAAAAAAAAA'", [])
            .unwrap();
        let original = fixture.store.stage(&mut &b"AAAAAAAAAAAA"[..]).unwrap();
        fixture
            .store
            .keep_document(code("AAAAAAAAAAAA"), original, None, None)
            .unwrap();
    }
}
