//! Any bytes as a document of each signature format: what is found in it is evidence that can be kept and read again.
#![no_main]

use rubrica::engine::Limits;
use rubrica::engine::evidence::{read, write};
use rubrica::engine::formats::{FORMATS, Input, recognise};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = recognise(bytes);
    let limits = Limits {
        steps: 200_000,
        decoded_bytes: 1 << 24,
        ..Limits::default()
    };
    let input = Input {
        document: bytes,
        detached: &[],
    };
    for format in FORMATS {
        if let Ok(evidence) = format.inspect(input, &mut limits.budget()) {
            let kept = write(&evidence).expect("evidence can be kept");
            assert_eq!(read(&kept).expect("what we keep"), evidence);
        }
    }
});
