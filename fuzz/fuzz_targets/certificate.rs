//! Any bytes as an X.509 certificate, DER or PEM: what is read keeps its bytes and reads again as itself.
#![no_main]

use rubrica::engine::pki::Certificate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for certificate in Certificate::from_pem_or_der(bytes).unwrap_or_default() {
        let again = Certificate::from_der(certificate.bytes()).expect("its own bytes");
        assert_eq!(again.fingerprint(), certificate.fingerprint());
        if let Ok(key) = certificate.public_key() {
            let _ = certificate.is_signed_by(key);
        }
        let _ = (
            certificate.subject().common_name(),
            certificate.qc_statements(),
        );
    }
});
