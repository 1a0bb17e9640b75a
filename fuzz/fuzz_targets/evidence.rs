//! Any bytes as kept evidence.
#![no_main]

use rubrica::engine::evidence::{read, write};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(evidence) = read(bytes) {
        let kept = write(&evidence).expect("evidence can be kept");
        assert_eq!(read(&kept).expect("what we keep"), evidence);
    }
});
