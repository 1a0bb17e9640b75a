//! Any bytes as a message with its parts, and as signed mail.
#![no_main]

use rubrica::engine::formats::{Format, Input, smime::Smime};
use rubrica::engine::limits::Budget;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    Smime.sniff(bytes);
    let input = Input {
        document: bytes,
        detached: &[],
    };
    let _ = Smime.inspect(input, &mut Budget::default());
});
