//! Any bytes as an OCSP response and as a request.
#![no_main]

use rubrica::engine::pki::{OcspResponse, ocsp};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = ocsp::read_request(bytes);
    if let Ok(response) = OcspResponse::from_der(bytes) {
        let _ = (
            response.nonce(),
            response.signature_algorithm(),
            response.responses(),
        );
        for certificate in response.certificates() {
            let _ = response.responder().names(certificate);
        }
    }
});
