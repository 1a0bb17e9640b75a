//! Any bytes as CRLs, around whatever entries: read, walked, split into parts, and judged for a certificate.
#![no_main]

use rubrica::engine::Time;
use rubrica::engine::pki::crl::{ListHeader, ListLayout};
use rubrica::engine::pki::path::SignatureChecks;
use rubrica::engine::pki::revocation::{Data, Inquiry, Link, Memory, NoPaths, Rules, judge};
use rubrica::engine::pki::{Certificate, CertificateList, Certificates, RevocationList};
use std::cell::Cell;
use std::time::Duration;

const CA: &[u8] = include_bytes!("../../certs/test/ca.pem");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(layout) = ListLayout::from_first(bytes)
        && layout.length == bytes.len()
    {
        let _ = ListHeader::from_parts(&bytes[..layout.before], &bytes[layout.entries.end..]);
    }
    let Ok(list) = CertificateList::from_pem_or_der(bytes) else {
        return;
    };
    let _ = list.entry(list.issuer(), &[1]);
    let ca = Certificate::from_pem_or_der(CA).unwrap().remove(0);
    let lists: Vec<Box<dyn RevocationList>> = vec![Box::new(list.clone()), Box::new(list)];
    let (pool, steps) = (Certificates::default(), Cell::new(16));
    let data = Data {
        lists: &lists,
        responses: &[],
        pool: &pool,
    };
    let link = Link {
        certificate: &ca,
        issuer: &ca,
        anchor: &ca,
    };
    let (mut paths, mut memory) = (NoPaths, Memory::default());
    let mut inquiry = Inquiry::new(data, &mut paths, &mut memory, &steps);
    let said = inquiry.said(link, &mut SignatureChecks::default());
    let at = Time::from_unix(1_772_366_400).unwrap();
    let rules = Rules {
        at,
        now: at,
        tolerance: Duration::ZERO,
        oldest: None,
        acceptable: &|_, _, _| true,
        proofs: None,
    };
    let _ = judge(&said, &rules);
});
