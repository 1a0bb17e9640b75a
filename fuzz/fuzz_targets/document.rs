//! Any bytes as a document of each signature format, found, kept, read again and judged; the same twice.
#![no_main]

use rubrica::engine::evidence::{read, write};
use rubrica::engine::formats::{FORMATS, Input, recognise};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Policy, validate};
use rubrica::engine::{Limits, Time};
use std::sync::LazyLock;

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    let root = include_bytes!("../../certs/test/root.pem");
    Policy::baseline(Anchors::read([&root[..]]).expect("the test root"))
});

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
    let now = Time::from_unix(1_800_000_000).expect("a time");
    for format in FORMATS {
        if let Ok(evidence) = format.inspect(input, &mut limits.budget()) {
            let kept =
                read(&write(&evidence).expect("evidence can be kept")).expect("what we keep");
            assert_eq!(kept, evidence);
            assert_eq!(
                validate(&kept, &POLICY, now),
                validate(&evidence, &POLICY, now)
            );
        }
    }
});
