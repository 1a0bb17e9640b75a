//! The index of revocation lists as a whole: lists come in, go, are corrupted, come back; processes are killed.

use openssl::pkey::{PKey, Private};
use rubrica::engine::authority::crl::{Revoked, ToBeListed, issue};
use rubrica::engine::crypto::{
    DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer, sha256,
};
use rubrica::engine::evidence::{ObjectId, Originals};
use rubrica::engine::pki::crl::{RevocationList, RevocationReason};
use rubrica::engine::pki::{Certificate, CertificateList};
use rubrica::engine::{ErrorKind, Time};
use rubrica::service::index::{From, Index, Original, Retention};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem_or_der(&fs::read(certs(name)).unwrap())
        .unwrap()
        .remove(0)
}

struct Key(PKey<Private>);

impl Key {
    fn read(name: &str) -> Key {
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
fn list(day: u32, count: u32) -> CertificateList {
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
    for again in [false, true] {
        let index = if again {
            open(folder.path())
        } else {
            open(folder.path())
        };
        assert_eq!(revoked(&index, 5, time(9)), None, "nothing was known then");
        assert_eq!(revoked(&index, 15, time(11)), Some(false));
        assert_eq!(revoked(&index, 15, time(12)), Some(true));
        assert_eq!(revoked(&index, 25, time(13)), Some(false));
        assert_eq!(
            revoked(&index, 25, time(30)),
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
    other.rescan().unwrap();
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
