//! The index of revocation lists as a whole: lists come in, go, are corrupted, come back; processes are killed.

use openssl::pkey::{PKey, Private};
use rubrica::engine::authority;
use rubrica::engine::authority::certificate::ToBeIssued;
use rubrica::engine::authority::crl::{Revoked, ToBeListed, issue, issue_delta};
use rubrica::engine::crypto::{
    DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer, sha256,
};
use rubrica::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Originals, Pool};
use rubrica::engine::pki::crl::{IssuingDistributionPoint, RevocationList, RevocationReason};
use rubrica::engine::pki::extension::Extension;
use rubrica::engine::pki::revocation::index;
use rubrica::engine::pki::{Certificate, CertificateList, Name, Validity};
use rubrica::engine::syntax::asn1::{der, names};
use rubrica::engine::validation::Want;
use rubrica::engine::{ErrorKind, Time};
use rubrica::service::clock::SettableClock;
use rubrica::service::config::SourceSettings;
use rubrica::service::index::{From, Index, Original, Retention};
use rubrica::service::sources::{Client, CrlSource, Deadline, Fetching, Source};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

pub(crate) fn certificate(name: &str) -> Certificate {
    Certificate::from_pem_or_der(&fs::read(certs(name)).unwrap())
        .unwrap()
        .remove(0)
}

pub(crate) struct Key(PKey<Private>);

impl Key {
    pub(crate) fn read(name: &str) -> Key {
        Key(PKey::private_key_from_pem(&fs::read(certs(name)).unwrap()).unwrap())
    }
}

impl Signer for Key {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256)
    }

    fn sign(&self, to_be_signed: &[u8]) -> rubrica::engine::Result<SignatureValue> {
        let mut signer =
            openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &self.0).unwrap();
        Ok(SignatureValue(
            signer.sign_oneshot_to_vec(to_be_signed).unwrap(),
        ))
    }
}

fn time(day: u32) -> Time {
    format!("2026-11-{day:02}T00:00:00Z").parse().unwrap()
}

fn serial(number: u32) -> Vec<u8> {
    [&[1][..], &sha256(&number.to_be_bytes())[..15]].concat()
}

/// The list of `day`, on which the certificates below `count` are revoked.
pub(crate) fn list(day: u32, count: u32) -> CertificateList {
    let revoked: Vec<Revoked> = (0..count)
        .map(|number| Revoked {
            serial: serial(number),
            time: time(1),
            reason: (number % 3 == 0).then_some(RevocationReason::KeyCompromise),
        })
        .collect();
    let list = ToBeListed {
        number: day.into(),
        this_update: time(day),
        next_update: time(day + 2),
        revoked: &revoked,
        scope: None,
    };
    issue(&list, &certificate("ca.pem"), &Key::read("ca.key")).unwrap()
}

fn key_id() -> [u8; 32] {
    sha256(certificate("ca.pem").spki())
}

fn open(folder: &Path) -> Index {
    Index::open(folder, Retention::default()).unwrap()
}

fn add(index: &Index, list: &CertificateList, now: Time) -> rubrica::engine::Result<ObjectId> {
    let mut incoming = index.incoming()?;
    std::io::Write::write_all(incoming.file(), list.bytes()).unwrap();
    let from = From {
        url: Some("http://ca.example/ca.crl".into()),
        ..From::default()
    };
    let prepared = index.prepare(incoming.file(), &[certificate("ca.pem")], from, now)?;
    let listed = index.publish(prepared, Original::Incoming(incoming), now)?;
    Ok(ObjectId(listed.id()))
}

/// Whether certificate `number` is revoked by what was known at `at`; none where nothing was.
fn revoked(index: &Index, number: u32, at: Time) -> Option<bool> {
    let issuer = certificate("ca.pem");
    let asked = index
        .ask(&key_id(), issuer.subject(), &serial(number), at)
        .unwrap();
    assert!(asked.len() <= 1);
    asked.first().map(|asked| asked.entry.is_some())
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|e| e == extension))
        .collect()
}

#[test]
fn the_newest_list_is_current_older_ones_answer_for_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    assert_eq!(revoked(&index, 0, time(20)), None);
    for (day, count) in [(12, 20), (10, 10), (14, 30)] {
        add(&index, &list(day, count), time(14)).unwrap();
    }
    let reopened = open(folder.path());
    for index in [&index, &reopened] {
        assert_eq!(revoked(index, 5, time(9)), None, "nothing was known then");
        assert_eq!(revoked(index, 15, time(11)), Some(false));
        assert_eq!(revoked(index, 15, time(12)), Some(true));
        assert_eq!(revoked(index, 25, time(13)), Some(false));
        assert_eq!(
            revoked(index, 25, time(30)),
            Some(true),
            "an older list came later and changed nothing"
        );
        let figures = index.figures(time(20));
        assert_eq!(
            (
                figures.lists,
                figures.current,
                figures.entries,
                figures.overdue
            ),
            (3, 1, 30, 1)
        );
    }
    assert_eq!(
        index
            .by_url("http://ca.example/ca.crl")
            .unwrap()
            .header()
            .this_update(),
        time(14)
    );
    add(&index, &list(14, 30), time(15)).unwrap();
    assert_eq!(index.figures(time(15)).lists, 3, "the same again");
    assert_eq!(revoked(&index, 25, time(30)), Some(true));
}

#[test]
fn what_its_issuer_did_not_sign_or_is_no_list_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    add(&index, &list(10, 10), time(10)).unwrap();
    let sound = list(12, 20);
    let refused = |bytes: &[u8], signer: &str| {
        let mut incoming = index.incoming().unwrap();
        std::io::Write::write_all(incoming.file(), bytes).unwrap();
        let signers = [certificate(signer)];
        index
            .prepare(incoming.file(), &signers, From::default(), time(12))
            .unwrap_err()
            .kind()
    };
    let mut changed = sound.bytes().to_vec();
    let at = changed.windows(16).position(|w| w == serial(3)).unwrap();
    changed[at + 5] ^= 1;
    assert_eq!(refused(&changed, "ca.pem"), ErrorKind::Refused);
    assert_eq!(
        refused(sound.bytes(), "root.pem"),
        ErrorKind::Refused,
        "another issuer"
    );
    let cut = &sound.bytes()[..sound.bytes().len() - 9];
    assert_eq!(refused(cut, "ca.pem"), ErrorKind::Malformed);
    assert_eq!(
        refused(b"<html>Log in to the network</html>", "ca.pem"),
        ErrorKind::Malformed
    );
    assert_eq!(refused(b"", "ca.pem"), ErrorKind::Malformed);
    assert_eq!(revoked(&index, 15, time(30)), Some(false));
    assert_eq!(index.figures(time(12)).refused, 5);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        3,
        "nothing is left of it"
    );
}

#[test]
fn a_damaged_index_is_made_again_and_a_damaged_list_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let id = add(&open(folder.path()), &list(10, 1_000), time(10)).unwrap();
    let path = files(folder.path(), "index").remove(0);
    let whole = fs::read(&path).unwrap();
    let replace = |path: &Path, bytes: &[u8]| {
        // As a disk would: under the same name, but never under a map of it.
        fs::remove_file(path).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for at in [0, 20, 50, 4095, 5000, whole.len() / 2, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        replace(&path, &damaged);
        let index = open(folder.path());
        for number in [5, 999, 1_000, 2_000] {
            assert_eq!(
                revoked(&index, number, time(10)),
                Some(number < 1_000),
                "byte {at}"
            );
        }
        let rebuilt = index.figures(time(10)).rebuilt;
        let wrong = index.check().unwrap().len() as u64;
        assert_eq!(rebuilt + wrong, 1, "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), whole, "byte {at}");
    }
    for end in [0, 100, 4096, whole.len() - 1] {
        replace(&path, &whole[..end]);
        assert_eq!(revoked(&open(folder.path()), 5, time(10)), Some(true));
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(revoked(&open(folder.path()), 5, time(10)), Some(true));
    // Now the list itself: as long as its index is whole it answers, and then nothing is believed.
    let original = files(folder.path(), "crl").remove(0);
    let mut bytes = fs::read(&original).unwrap();
    bytes[5_000] ^= 1;
    replace(&original, &bytes);
    let index = open(folder.path());
    assert_eq!(revoked(&index, 5, time(10)), Some(true));
    assert!(index.list(&id).is_none(), "no evidence is exported with it");
    assert_eq!(index.check().unwrap(), [id]);
    assert_eq!(revoked(&index, 5, time(10)), None);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        0,
        "to be fetched again"
    );
    add(&index, &list(10, 1_000), time(10)).unwrap();
    assert_eq!(revoked(&index, 5, time(10)), Some(true));
}

#[test]
fn an_index_that_is_damaged_while_it_is_open_is_made_again_when_it_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    add(&index, &list(10, 1_000), time(10)).unwrap();
    let path = files(folder.path(), "index").remove(0);
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..4096 + 32_000].iter_mut().for_each(|b| *b ^= 1);
    // In place, so that the open map sees it.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0).unwrap();
    assert_eq!(revoked(&index, 5, time(10)), Some(true));
    assert_eq!(revoked(&index, 1_005, time(10)), Some(false));
    assert_eq!(index.figures(time(10)).rebuilt, 1);
}

#[test]
fn two_processes_use_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path()), open(folder.path()));
    add(&one, &list(10, 10), time(10)).unwrap();
    assert_eq!(revoked(&other, 5, time(10)), None);
    let new = other.rescan().unwrap();
    assert_eq!((new.len(), new[0].shelf().key), (1, key_id()));
    assert!(other.rescan().unwrap().is_empty());
    assert_eq!(revoked(&other, 5, time(10)), Some(true));
    std::thread::scope(|scope| {
        for index in [&one, &other] {
            scope.spawn(move || {
                for day in 11..20 {
                    add(index, &list(day, day), time(day)).unwrap();
                    index.rescan().unwrap();
                    assert_eq!(revoked(index, 5, time(30)), Some(true));
                }
            });
        }
    });
    one.rescan().unwrap();
    assert_eq!(one.figures(time(20)).lists, 10);
    assert_eq!(revoked(&one, 18, time(20)), Some(true));
    assert!(one.check().unwrap().is_empty());
}

#[test]
fn history_is_kept_as_long_as_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let retention = Retention {
        history: Duration::from_secs(3 * 86_400),
        ..Retention::default()
    };
    let index = Index::open(folder.path(), retention).unwrap();
    for day in 10..20 {
        add(&index, &list(day, day), time(day)).unwrap();
    }
    // The list of day 15 was current until the 16th, which is three days before the 19th.
    assert_eq!(revoked(&index, 1, time(14)), None);
    assert_eq!(revoked(&index, 14, time(15)), Some(true));
    assert_eq!(files(folder.path(), "crl").len(), 5);
    let tight = Retention {
        most_bytes: 1,
        ..retention
    };
    let index = Index::open(folder.path(), tight).unwrap();
    add(&index, &list(20, 20), time(20)).unwrap();
    assert_eq!(files(folder.path(), "crl").len(), 1, "the new one stays");
    assert_eq!(revoked(&index, 19, time(20)), Some(true));
}

/// A double of a disk that is full after so many bytes.
struct Full {
    file: std::io::Cursor<Vec<u8>>,
    left: usize,
}

impl std::io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(self.left);
        self.left -= count;
        self.file.write(&bytes[..count])
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Seek for Full {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_full_disk_is_an_error_and_what_was_written_is_no_index() {
    let list = list(10, 1_000);
    let spki = certificate("ca.pem").spki().to_vec();
    let build = |left| {
        let mut out = Full {
            file: std::io::Cursor::default(),
            left,
        };
        let scratch = std::io::Cursor::new(Vec::new());
        let built = index::build(list.bytes(), &mut out, scratch, |_, _| Ok(spki.clone()));
        (built, out.file.into_inner())
    };
    let (built, whole) = build(usize::MAX);
    assert_eq!(built.unwrap().entries, 1_000);
    for left in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
        let (built, part) = build(left);
        let error = built.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.to_string().contains("Make room"), "{error}");
        // The end of the header is zeros, which a hole is too.
        assert!(
            part == whole || index::IndexedList::open(part).is_err(),
            "{left}"
        );
    }
}

fn rubrica(arguments: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rubrica"));
    command
        .env_remove("RUBRICA_CONFIG")
        .arg("crl")
        .args(arguments);
    command
}

#[test]
fn a_process_that_is_killed_or_may_write_no_more_leaves_a_sound_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let ca = certs("ca.pem").display().to_string();
    fs::write(path("a.crl"), list(10, 100).bytes()).unwrap();
    fs::write(path("b.crl"), list(12, 30_000).bytes()).unwrap();
    let index_folder = path("index");
    let add = |file: &str| {
        rubrica(&[
            "index",
            &path(file),
            "--issuer",
            &ca,
            "--folder",
            &index_folder,
        ])
    };
    assert!(add("a.crl").output().unwrap().status.success());
    let sound = || {
        let index = open(Path::new(&index_folder));
        assert!(index.check().unwrap().is_empty());
        assert_eq!(revoked(&index, 50, time(10)), Some(true));
        matches!(revoked(&index, 20_000, time(12)), Some(true))
    };
    for delay in 0..25 {
        let mut child = add("b.crl")
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(delay * 6));
        child.kill().unwrap();
        child.wait().unwrap();
        sound();
    }
    // No file may have more than so many blocks of 512 bytes: to the writer, a full disk.
    for blocks in [1, 20, 500, 2_000] {
        let shell = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut limited = std::process::Command::new("sh");
        limited.args(["-c", &shell, "sh", env!("CARGO_BIN_EXE_rubrica"), "crl"]);
        limited.args([
            "index",
            &path("b.crl"),
            "--issuer",
            &ca,
            "--folder",
            &index_folder,
        ]);
        limited.output().unwrap();
        sound();
    }
    assert!(add("b.crl").output().unwrap().status.success());
    assert!(sound());
    let lookup = |number: u32, at: &str| {
        let hex: String = serial(number).iter().map(|b| format!("{b:02x}")).collect();
        let mut command = rubrica(&[
            "lookup",
            "--serial",
            &hex,
            "--issuer",
            &ca,
            "--folder",
            &index_folder,
        ]);
        command.args(["--at", at, "--json"]).output().unwrap()
    };
    let output = lookup(20_000, "2026-11-13T00:00:00Z");
    assert_eq!(output.status.code(), Some(1), "revoked");
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"status\":\"revoked\""));
    assert_eq!(
        lookup(20_000, "2026-11-11T00:00:00Z").status.code(),
        Some(0),
        "not known yet"
    );
    assert_eq!(
        lookup(20_000, "2026-11-09T00:00:00Z").status.code(),
        Some(2),
        "no list then"
    );
    let listed = rubrica(&[
        "list",
        "--history",
        "--check",
        "--json",
        "--folder",
        &index_folder,
    ])
    .output()
    .unwrap();
    assert_eq!(listed.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2);
    let page = fs::write(path("page.crl"), "<html>")
        .map(|()| add("page.crl").output().unwrap())
        .unwrap();
    assert_eq!(page.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&page.stderr).contains("neither DER nor PEM"));
}

#[test]
fn every_list_of_the_corpora_is_answered_as_a_walk_answers() {
    let Some(corpora) = crate::corpora::folder() else {
        eprintln!("corpora: not there, skipped");
        return;
    };
    let spki = certificate("ca.pem").spki().to_vec();
    let (mut lists, mut entries, mut refused) = (0, 0, 0);
    for corpus in ["revocation", "pkits"] {
        for path in crl_files(&corpora.join(corpus)) {
            let bytes = fs::read(&path).unwrap();
            let Ok(list) = CertificateList::from_pem_or_der(&bytes) else {
                continue;
            };
            let mut out = std::io::Cursor::new(Vec::new());
            let scratch = std::io::Cursor::new(Vec::new());
            let built = index::build(list.bytes(), &mut out, scratch, |_, _| Ok(spki.clone()));
            let walked = |serial: &[u8]| list.entry(list.issuer(), serial);
            if built.is_err() {
                let mut all = list.entries();
                let unreadable = std::iter::from_fn(|| all.next_entry().transpose())
                    .any(|entry| entry.is_err() || entry.is_ok_and(|e| e.read().is_err()));
                let indefinite = list.bytes()[1] == 0x80;
                assert!(unreadable || indefinite, "{}: {built:?}", path.display());
                refused += 1;
                continue;
            }
            let index = index::IndexedList::open(out.into_inner()).unwrap();
            index.verify().unwrap();
            let mut all = list.entries();
            let mut asked = 0;
            while let Some(entry) = all.next_entry().unwrap() {
                entries += 1;
                if asked < 40 {
                    asked += 1;
                    assert_eq!(
                        index.entry(list.issuer(), entry.serial),
                        walked(entry.serial),
                        "{}",
                        path.display()
                    );
                }
            }
            assert_eq!(index.entry(list.issuer(), &[0x77; 7]), walked(&[0x77; 7]));
            lists += 1;
        }
    }
    eprintln!("index: {lists} lists of {entries} entries, {refused} that nobody can read");
    assert!(lists > 150 && entries > 50_000);
}

fn crl_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(folder) = left.pop() {
        for path in fs::read_dir(folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().path())
        {
            if path.is_dir() {
                left.push(path);
            } else if fs::metadata(&path).unwrap().len() < 4 << 20 {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A web server of these files, until the process ends.
fn served(files: Vec<(&'static str, Vec<u8>)>) -> std::net::SocketAddr {
    use std::io::{Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut some) = (Vec::new(), [0; 1024]);
            while !head.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut some) {
                    Ok(count @ 1..) => head.extend_from_slice(&some[..count]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head);
            let path = head.split(' ').nth(1).unwrap_or_default();
            let file = files.iter().find(|(name, _)| *name == path);
            let (status, body) = file.map_or(("404 Not Found", &[][..]), |(_, body)| {
                ("200 OK", &body[..])
            });
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(body);
        }
    });
    address
}

/// A certificate of the authority of the tests, with these extensions.
fn issued(number: u32, subject: Name, spki: &[u8], extensions: Vec<Extension>) -> Certificate {
    let certificate = ToBeIssued {
        serial: &serial(number),
        subject,
        validity: Validity {
            not_before: time(1),
            not_after: time(30),
        },
        public_key: spki,
        extensions,
    };
    let ca = self::certificate("ca.pem");
    authority::certificate::issue(&certificate, &ca, &Key::read("ca.key")).unwrap()
}

/// What a source that keeps lists in `index` brings for `asked` from these addresses, `pool` being at hand too.
fn fetched(index: &Arc<Index>, asked: &Certificate, crls: &[String], pool: &[&Certificate]) {
    let mut at_hand = Pool::default();
    let ca = certificate("ca.pem");
    for one in pool.iter().copied().chain([asked, &ca]) {
        let bytes = one.bytes().to_vec();
        at_hand.add(Object::new(ObjectKind::Certificate, bytes, Origin::Given));
    }
    let settings = SourceSettings {
        private_addresses: vec!["127.0.0.1".parse().unwrap()],
        ..SourceSettings::default()
    };
    let fetching = Fetching {
        client: Arc::new(Client::new(&settings).unwrap()),
        clock: Arc::new(SettableClock::at(time(11))),
    };
    let want = Want::Revocation {
        certificate: ObjectId(asked.fingerprint()),
        issuer: ObjectId(ca.fingerprint()),
        ocsp: Vec::new(),
        crls: crls.to_vec(),
        not_before: None,
    };
    let source = CrlSource::new(fetching).keeping_in(index.clone(), 1 << 20);
    let deadline = Deadline::after(Duration::from_secs(20));
    let brought = source.fetch(&want, &at_hand, deadline).unwrap();
    assert!(!brought.is_empty());
}

#[test]
fn deltas_are_fetched_beside_their_list_and_change_what_the_index_says() {
    let (key, ca) = (Key::read("ca.key"), certificate("ca.pem"));
    let on = |number: u32, reason: RevocationReason| Revoked {
        serial: serial(number),
        time: time(9),
        reason: Some(reason),
    };
    let listed = |number: u64, day: u32, base: Option<u64>, revoked: &[Revoked]| {
        let list = ToBeListed {
            number,
            this_update: time(day),
            next_update: time(day + 5),
            revoked,
            scope: None,
        };
        let made = match base {
            Some(base) => issue_delta(&list, base, &ca, &key),
            None => issue(&list, &ca, &key),
        };
        made.unwrap().bytes().to_vec()
    };
    let base = listed(10, 10, None, &[on(7, RevocationReason::CertificateHold)]);
    let changes = [
        on(8, RevocationReason::KeyCompromise),
        on(7, RevocationReason::RemoveFromCrl),
    ];
    // Each with what is then said of 7, which was on hold, and of 8.
    for (from, seven, eight) in [(10, false, true), (9, false, true), (11, true, false)] {
        let delta = listed(12, 11, Some(from), &changes);
        let address = served(vec![("/base.crl", base.clone()), ("/delta.crl", delta)]);
        let urls = ["base", "delta"].map(|name| format!("http://{address}/{name}.crl"));
        let point = authority::extension::crl_distribution_points(&[&urls[0]]);
        let asked = issued(7, ca.subject().clone(), ca.spki(), vec![point]);
        let folder = tempfile::tempdir().unwrap();
        let index = Arc::new(open(folder.path()));
        fetched(&index, &asked, &urls, &[]);
        assert_eq!(index.shelves().iter().count(), 2, "from {from}");
        let said = [7, 8].map(|number| revoked(&index, number, time(11)));
        assert_eq!(said, [Some(seven), Some(eight)], "from {from}");
        assert_eq!(revoked(&index, 7, time(10)), Some(true), "as of then");
    }
}

#[test]
fn a_list_of_another_signer_is_kept_where_the_authority_certified_that_signer() {
    let root = certificate("root.pem");
    let name = authority::certificate::distinguished_name(&[(
        names::AT_COMMON_NAME,
        "Lists of the tests",
    )])
    .unwrap();
    let usage = authority::extension::key_usage(&[6]);
    let signer = issued(900, name.clone(), root.spki(), vec![usage]);
    let key = Key::read("root.key");
    let stranger = ToBeIssued {
        serial: &[1],
        subject: name.clone(),
        validity: Validity {
            not_before: time(1),
            not_after: time(30),
        },
        public_key: root.spki(),
        extensions: Vec::new(),
    };
    let stranger = authority::certificate::issue_self_signed(&stranger, &key).unwrap();
    let scope = IssuingDistributionPoint {
        indirect: true,
        ..IssuingDistributionPoint::default()
    };
    let list = ToBeListed {
        number: 1,
        this_update: time(10),
        next_update: time(15),
        revoked: &[],
        scope: Some(&scope),
    };
    let list = issue(&list, &signer, &key).unwrap();
    let address = served(vec![("/other.crl", list.bytes().to_vec())]);
    let url = format!("http://{address}/other.crl");
    let at = der::implicit(0, &der::sequence(&[&der::tlv(0x86, url.as_bytes())]));
    let by = der::implicit(2, &der::sequence(&[&der::explicit(4, name.bytes())]));
    let point = der::sequence(&[&der::explicit(0, &at), &by]);
    let points = Extension {
        id: names::ID_CE_CRL_DISTRIBUTION_POINTS,
        critical: false,
        value: der::sequence(&[&point]),
    };
    let ca = certificate("ca.pem");
    let asked = issued(7, ca.subject().clone(), ca.spki(), vec![points]);
    for (at_hand, kept) in [(&signer, 1), (&stranger, 0)] {
        let folder = tempfile::tempdir().unwrap();
        let index = Arc::new(open(folder.path()));
        fetched(&index, &asked, std::slice::from_ref(&url), &[at_hand]);
        let of_signer = index.at(&sha256(root.spki()), time(11));
        assert_eq!(of_signer.len(), kept);
        assert_eq!(index.shelves().iter().count(), kept);
    }
}

#[test]
fn the_command_line_fetches_lists_and_refuses_those_of_others() {
    let others = fs::read(certs("root.crl")).unwrap();
    let address = served(vec![
        ("/ca.crl", list(10, 2_000).bytes().to_vec()),
        ("/other.crl", others),
        ("/page.crl", b"<html>Log in</html>".to_vec()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let (place, ca) = (folder.path().display().to_string(), certs("ca.pem"));
    let fetch = |file: &str, allowed: bool| {
        let url = format!("http://{address}/{file}");
        let ca = ca.display().to_string();
        let mut command = rubrica(&["fetch", "--json", "--folder", &place, "--issuer", &ca, &url]);
        if allowed {
            command.args(["--private-address", "127.0.0.1"]);
        }
        command.output().unwrap()
    };
    assert!(
        !fetch("ca.crl", false).status.success(),
        "an address of ours"
    );
    let output = fetch("ca.crl", true);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["entries"], 2_000);
    for wrong in ["other.crl", "page.crl", "none.crl"] {
        assert!(!fetch(wrong, true).status.success(), "{wrong}");
    }
    let index = open(folder.path());
    assert_eq!(index.shelves().iter().count(), 1);
    assert_eq!(revoked(&index, 1_999, time(11)), Some(true));
}
