//! Lists of every kind, sound and hostile, answered by the index as by a walk over them.

use super::build::build_in_runs;
use super::*;
use crate::engine::crypto::sha256;
use crate::engine::error::Result;
use crate::engine::pki::crl::RevocationList;
use crate::engine::pki::{CertificateList, Name};
use crate::engine::syntax::asn1::{der, names};
use std::io::Cursor;

/// Numbers that look random and are the same each time.
struct Numbers(u64, [u8; 32], usize);

impl Numbers {
    fn of(seed: u64) -> Numbers {
        Numbers(seed, sha256(&seed.to_be_bytes()), 0)
    }

    fn below(&mut self, bound: usize) -> usize {
        if self.2 + 2 > 32 {
            self.1 = sha256(&[&self.1[..], &self.0.to_be_bytes()].concat());
            self.2 = 0;
        }
        self.2 += 2;
        usize::from(u16::from_be_bytes([self.1[self.2 - 2], self.1[self.2 - 1]])) % bound
    }
}

fn name(text: &str) -> Vec<u8> {
    let attribute = der::sequence(&[&der::oid(&names::AT_COMMON_NAME), &der::utf8_string(text)]);
    der::sequence(&[&der::set_of(vec![attribute])])
}

fn serials() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &[0][..],
        &[1],
        &[0, 1],
        &[0x7f],
        &[0x80],
        &[0, 0x80],
        &[0xff],
        &[0, 0, 0],
        &[1, 0],
        &[9; 20],
        &[9; 19],
        &[0xff; 20],
        &[9; 21],
        &[9; 22],
        &[9; 300],
    ]
    .map(<[u8]>::to_vec)
    .into();
    all.push([&[0][..], &[0xf0; 20]].concat());
    all.push([&[0][..], &[0xf0; 21]].concat());
    all.extend((2..30u8).map(|n| vec![0x10, n]));
    all
}

fn extension(id: &crate::engine::syntax::asn1::Oid, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = if critical {
        der::boolean(true)
    } else {
        Vec::new()
    };
    der::sequence(&[&der::oid(id), &flag, &der::octet_string(value)])
}

fn directory(texts: &[&str]) -> Vec<u8> {
    let names: Vec<_> = texts
        .iter()
        .map(|text| der::explicit(4, &name(text)))
        .collect();
    der::sequence_of(&names)
}

/// An entry of any kind; `odd` ones make the list unreadable.
fn entry(numbers: &mut Numbers, serials: &[Vec<u8>], version: u8, odd: bool) -> Vec<u8> {
    let serial = der::tlv(2, &serials[numbers.below(serials.len())]);
    let date = match numbers.below(if odd { 8 } else { 6 }) {
        0 => der::tlv(0x18, b"20500101000000Z"),
        1 => der::tlv(0x18, b"20200101000000.25Z"),
        2 => der::tlv(0x17, b"2001010000Z"),
        6 => der::tlv(0x17, b"201301000000Z"),
        7 => der::tlv(0x17, b""),
        _ => der::tlv(
            0x17,
            format!("{:02}1224235959Z", numbers.below(50)).as_bytes(),
        ),
    };
    let mut extensions = Vec::new();
    if version > 1 && numbers.below(3) > 0 {
        let reason = der::enumerated(numbers.below(12) as u8);
        match numbers.below(4) {
            0 => extensions.push(extension(&names::ID_CE_CRL_REASONS, true, &reason)),
            1 => {}
            _ => extensions.push(extension(&names::ID_CE_CRL_REASONS, false, &reason)),
        }
        if numbers.below(4) == 0 {
            let date = der::tlv(0x18, b"20190101000000Z");
            extensions.push(extension(&names::ID_CE_INVALIDITY_DATE, false, &date));
        }
        let issuer = match numbers.below(8) {
            0 => Some(directory(&["other"])),
            1 => Some(directory(&["third", "OTHER"])),
            2 => Some(directory(&["list"])),
            3 if odd => Some(vec![0x30, 5, 1]),
            _ => None,
        };
        extensions
            .extend(issuer.map(|value| extension(&names::ID_CE_CERTIFICATE_ISSUER, true, &value)));
        match numbers.below(if odd { 6 } else { 4 }) {
            0 => extensions.push(extension(&names::ID_CE_KEY_USAGE, false, b"")),
            5 => extensions.push(extension(&names::ID_CE_KEY_USAGE, true, b"")),
            _ => {}
        }
    }
    let extensions = if extensions.is_empty() {
        Vec::new()
    } else {
        der::sequence_of(&extensions)
    };
    der::sequence(&[&serial, &date, &extensions])
}

/// A list of any kind with about `count` entries.
fn list(seed: u64, count: usize, odd: bool) -> Vec<u8> {
    let mut numbers = Numbers::of(seed);
    let version = 1 + u8::from(numbers.below(5) > 0);
    let serials = serials();
    let entries: Vec<_> = (0..numbers.below(count + 1))
        .map(|_| entry(&mut numbers, &serials, version, odd && count < 40))
        .collect();
    let mut extensions = vec![extension(
        &names::ID_CE_CRL_NUMBER,
        false,
        &der::integer(seed),
    )];
    if numbers.below(2) == 0 {
        let value = der::sequence(&[&der::tlv(0x84, &[0xff])]);
        extensions.push(extension(
            &names::ID_CE_ISSUING_DISTRIBUTION_POINT,
            true,
            &value,
        ));
    }
    let algorithm = der::algorithm_identifier(&names::SHA256_WITH_RSA, Some(&der::null()));
    let none = entries.is_empty() && numbers.below(2) == 0;
    let tbs = der::sequence(&[
        &if version > 1 {
            der::integer(1)
        } else {
            Vec::new()
        },
        &algorithm,
        &name("list"),
        &der::tlv(0x17, b"260101000000Z"),
        &if numbers.below(4) > 0 {
            der::tlv(0x17, b"270101000000Z")
        } else {
            Vec::new()
        },
        &if none {
            Vec::new()
        } else {
            der::sequence_of(&entries)
        },
        &if version > 1 {
            der::explicit(0, &der::sequence_of(&extensions))
        } else {
            Vec::new()
        },
    ]);
    der::sequence(&[&tbs, &algorithm, &der::bit_string(&[1; 64])])
}

fn key() -> Vec<u8> {
    let key = der::sequence(&[&der::unsigned(&[0xc5; 256]), &der::integer(65537)]);
    let algorithm = der::algorithm_identifier(&names::RSA_ENCRYPTION, Some(&der::null()));
    der::sequence(&[&algorithm, &der::bit_string(&key)])
}

fn indexed(list: &[u8], run: usize) -> Result<Vec<u8>> {
    let mut index = Cursor::new(Vec::new());
    let scratch = Cursor::new(Vec::new());
    build_in_runs(list, &mut index, scratch, |_, _| Ok(key()), run)?;
    Ok(index.into_inner())
}

fn issuers() -> [Name; 4] {
    ["list", "Other", "third", "nobody"].map(|text| Name::from_bytes(&name(text)).unwrap())
}

/// That `index` says of everyone what a walk over `list` says; answers how many entries were found.
fn same_as_walk(list: &CertificateList, index: &IndexedList<Vec<u8>>) -> usize {
    let mut found = 0;
    assert_eq!(index.header(), list.header());
    assert_eq!(index.id(), list.id());
    index.verify().unwrap();
    for issuer in issuers() {
        for serial in serials().iter().chain([&vec![0x55; 9]]) {
            let walked = list.entry(&issuer, serial).unwrap();
            assert_eq!(
                index.entry(&issuer, serial).unwrap(),
                walked,
                "{issuer} {serial:02x?}"
            );
            found += usize::from(walked.is_some());
            let excerpt = Excerpt::of(index, &issuer, serial).unwrap();
            let again = Excerpt::from_der(&excerpt.to_der()).unwrap();
            assert_eq!(again, excerpt);
            assert!(again.is_about(&issuer, serial));
            assert_eq!(again.entry(&issuer, serial).unwrap(), walked);
        }
    }
    found
}

#[test]
fn an_index_answers_as_a_walk_over_any_list_does() {
    let (mut found, mut refused) = (0, 0);
    for seed in 0..200 {
        let bytes = list(seed, [3, 30, 400][seed as usize % 3], seed % 4 == 0);
        let walked = CertificateList::from_der(&bytes).unwrap();
        match indexed(&bytes, [usize::MAX, 5, 64][seed as usize % 5 % 3]) {
            Ok(index) => found += same_as_walk(&walked, &IndexedList::open(index).unwrap()),
            Err(_) => {
                refused += 1;
                let errs = |serial: &Vec<u8>| walked.entry(&issuers()[0], serial).is_err();
                assert!(serials().iter().any(errs), "list {seed} is read by a walk");
            }
        }
    }
    assert!(
        found > 3_000 && refused > 10,
        "{found} found, {refused} refused"
    );
}

#[test]
fn lists_longer_than_a_chunk_and_cut_ones() {
    let bytes = (0..)
        .map(|seed| list(seed, 20_000, false))
        .find(|l| l.len() > 3 * CHUNK_BYTES)
        .unwrap();
    let walked = CertificateList::from_der(&bytes).unwrap();
    let index = indexed(&bytes, 1_000).unwrap();
    assert_eq!(
        index,
        indexed(&bytes, usize::MAX).unwrap(),
        "one list, one index"
    );
    let index = IndexedList::open(index).unwrap();
    for serial in serials().iter().step_by(5) {
        let issuer = &issuers()[0];
        assert_eq!(
            index.entry(issuer, serial).unwrap(),
            walked.entry(issuer, serial).unwrap()
        );
    }
    for cut in [1, bytes.len() / 2, 2 * CHUNK_BYTES, CHUNK_BYTES, 300, 1] {
        assert!(indexed(&bytes[..bytes.len() - cut], usize::MAX).is_err());
        assert!(indexed(&bytes[..cut], usize::MAX).is_err());
    }
    assert!(indexed(&[&bytes[..], &[0]].concat(), usize::MAX).is_err());
    let small = list(1, 30, false);
    for end in 0..small.len() {
        assert!(indexed(&small[..end], usize::MAX).is_err(), "{end}");
    }
}

#[test]
fn a_changed_byte_anywhere_is_found_and_never_answered_by() {
    let bytes = (0..)
        .map(|seed| list(seed, 400, false))
        .find(|l| l.len() > 8_000)
        .unwrap();
    let sound = indexed(&bytes, usize::MAX).unwrap();
    let walked = CertificateList::from_der(&bytes).unwrap();
    let issuer = &issuers()[0];
    let asked: Vec<_> = serials().into_iter().step_by(7).collect();
    let expected: Vec<_> = asked
        .iter()
        .map(|s| walked.entry(issuer, s).unwrap())
        .collect();
    for at in 0..sound.len() {
        let mut changed = sound.clone();
        changed[at] ^= 1 << (at % 8);
        let Ok(index) = IndexedList::open(changed) else {
            continue;
        };
        assert!(index.verify().is_err(), "byte {at}");
        for (serial, expected) in asked.iter().zip(&expected) {
            assert!(
                index.entry(issuer, serial).is_ok_and(|e| e == *expected)
                    || index.entry(issuer, serial).is_err()
            );
        }
    }
    for end in 0..sound.len() {
        assert!(IndexedList::open(&sound[..end]).is_err(), "cut at {end}");
    }
    assert!(IndexedList::open([&sound[..], &[0]].concat()).is_err());
}

#[test]
fn a_signature_that_does_not_hold_makes_no_index() {
    let refuse = |_: &_, signed: &Signed| {
        assert!(matches!(signed, Signed::Digest(digest) if digest.len() == 32));
        Err(crate::engine::Error::refused("CRL", "not signed"))
    };
    let (mut out, scratch) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    let bytes = list(1, 3, false);
    assert_eq!(
        build(&bytes[..], &mut out, scratch, refuse)
            .unwrap_err()
            .problem(),
        "not signed"
    );
    assert!(IndexedList::open(out.into_inner()).is_err());
}

#[test]
fn an_excerpt_agrees_with_its_own_list_alone() {
    let bytes = list(1, 30, false);
    let index = IndexedList::open(indexed(&bytes, usize::MAX).unwrap()).unwrap();
    let excerpt = Excerpt::of(&index, &issuers()[0], &serials()[20]).unwrap();
    // The key of these tests signed nothing.
    assert!(!excerpt.agrees(&CertificateList::from_der(&bytes).unwrap()));
    let der = excerpt.to_der();
    for at in 0..der.len() {
        let mut changed = der.clone();
        changed[at] ^= 1;
        let _ = Excerpt::from_der(&changed).map(|e| e.entry(&issuers()[0], &[1]));
        assert!(Excerpt::from_der(&der[..at]).is_err());
    }
}
