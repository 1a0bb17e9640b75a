//! Sealing and verifying the receipt of 48 KB, against the raw signature in the same run: `cargo bench --bench seal`.

mod common;

use divan::{Bencher, black_box};

const KEYS: &[&str] = &["RSA-2048", "P-256"];

fn main() {
    divan::main();
}

/// The clock: the private-key operation alone, with the hash of what is signed.
#[divan::bench(args = KEYS)]
fn raw_signature(bencher: Bencher, key: &str) {
    let seal = common::seal(key);
    bencher.bench(|| seal.signer.sign(black_box(&[7; 200])));
}
