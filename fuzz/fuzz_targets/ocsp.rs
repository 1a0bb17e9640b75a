//! Any bytes as an OCSP response and as a request; the response judged for a certificate.
#![no_main]

use rubrica::engine::pki::path::SignatureChecks;
use rubrica::engine::pki::revocation::{Data, Inquiry, Link, Memory, NoPaths};
use rubrica::engine::pki::{Certificate, Certificates, OcspResponse, ocsp};
use std::cell::Cell;

const CA: &[u8] = include_bytes!("../../certs/test/ca.pem");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = (ocsp::read_request(bytes), ocsp::response_status(bytes));
    let Ok(response) = OcspResponse::from_der(bytes) else {
        return;
    };
    let ca = Certificate::from_pem_or_der(CA).unwrap().remove(0);
    let _ = (response.nonce_match(&[0; 32]), response.unknown_critical());
    for single in response.responses() {
        let _ = (
            single.unknown_critical(),
            single.archive_cutoff(),
            single.crl_reference(),
            single.is_about(&ca),
        );
    }
    let responses = [response];
    let (pool, steps) = (Certificates::default(), Cell::new(16));
    let data = Data {
        lists: &[],
        responses: &responses,
        pool: &pool,
    };
    let link = Link {
        certificate: &ca,
        issuer: &ca,
        anchor: &ca,
    };
    let (mut paths, mut memory) = (NoPaths, Memory::default());
    Inquiry::new(data, &mut paths, &mut memory, &steps).said(link, &mut SignatureChecks::default());
});
