//! Any bytes as messages of a directory.
#![no_main]

use rubrica::engine::syntax::ldap::{Response, message_length};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = message_length(bytes);
    if let Ok((_, Response::Found(entry))) = Response::parse(bytes) {
        let _ = entry.values("cACertificate").count();
    }
});
