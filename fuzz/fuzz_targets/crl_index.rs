//! The streaming indexer, whose index must say what a walk says; and the readers of indexes and excerpts.
#![no_main]

use rubrica::engine::pki::crl::RevocationList;
use rubrica::engine::pki::revocation::index::{Excerpt, IndexedList, build};
use rubrica::engine::pki::{Certificate, CertificateList};
use std::io::Cursor;

const ISSUER: &[u8] = include_bytes!("../../certs/test/ca.pem");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(index) = IndexedList::open(bytes) {
        let issuer = index.header().issuer().clone();
        let _ = (index.verify(), index.entry(&issuer, &[1]));
    }
    let _ = Excerpt::from_der(bytes);
    let issuer = Certificate::from_pem_or_der(ISSUER).unwrap().remove(0);
    let (mut out, scratch) = (Cursor::new(Vec::new()), Cursor::new(Vec::new()));
    if build(bytes, &mut out, scratch, |_, _| Ok(issuer.spki().to_vec())).is_err() {
        return;
    }
    let index = IndexedList::open(out.into_inner()).unwrap();
    index.verify().unwrap();
    let list = CertificateList::from_der(bytes).unwrap();
    let mut entries = list.entries();
    while let Some(entry) = entries.next_entry().unwrap() {
        let name = list.issuer();
        assert_eq!(
            index.entry(name, entry.serial),
            list.entry(name, entry.serial)
        );
        if list.bytes().len() > 4096 {
            break;
        }
    }
});
