//! Any bytes as a CRL: every entry found by its serial number.
#![no_main]

use rubrica::engine::pki::{CertificateList, RevocationList};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(list) = CertificateList::from_pem_or_der(bytes) {
        let _ = (
            list.entry(list.issuer(), &[1]),
            list.entry(list.issuer(), &[]),
            list.is_delta(),
            list.signature_algorithm(),
        );
        let _ = list.issuing_distribution_point();
    }
});
