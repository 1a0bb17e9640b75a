//! Any bytes as a time-stamp token, a request, a response.
#![no_main]

use rubrica::engine::pki::timestamp::{TimestampRequest, TimestampToken, read_response};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = TimestampToken::from_ber(bytes);
    if let Ok(request) = TimestampRequest::from_der(bytes) {
        let again = TimestampRequest::from_der(&request.to_der()).expect("what we write");
        let _ = read_response(bytes, &again);
    }
});
