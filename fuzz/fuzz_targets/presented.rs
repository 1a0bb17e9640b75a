//! Any text as the header in which a reverse proxy presents a certificate: what is read is DER that reads again.
#![no_main]

use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::presented::Form;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let form = Form::ALL[usize::from(*first) % Form::ALL.len()];
    let Ok(value) = std::str::from_utf8(rest) else {
        return;
    };
    for found in [form.read(value), form.read_chain(value)]
        .into_iter()
        .flatten()
    {
        assert!(found.len() <= 10 && found.iter().all(|der| !der.is_empty()));
        for der in found {
            let _ = Certificate::from_der(&der);
        }
    }
});
