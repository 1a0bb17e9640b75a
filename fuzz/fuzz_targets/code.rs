//! Any text as what a visitor types on the page of the code: id, code, group, date.
#![no_main]

use rubrica::engine::codes::{read_code, read_date, read_group, read_id};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let _ = (read_id(text), read_date(text));
    if let Ok(code) = read_code(text) {
        assert!(read_code(&code.groups().join("-")).ok() == Some(code));
    }
    if let Ok(group) = read_group(text) {
        assert!(read_group(&group).ok() == Some(group));
    }
});
