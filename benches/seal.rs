//! Sealing and verifying the receipt of 48 KB, beside the raw signature: `cargo bench`.

mod common;

use common::{embed, seal, sealed};
use divan::{Bencher, black_box};
use rubrica::engine::validation::{Indication, Revocation};

const KEYS: &[&str] = &["RSA-2048", "P-256"];

fn main() {
    divan::main();
}

/// The clock: the private-key operation alone, with the digest of what is signed.
#[divan::bench(args = KEYS)]
fn raw_signature(bencher: Bencher, key: &str) {
    let seal = seal(key);
    bencher.bench(|| seal.signer.sign(black_box(&[7; 200])));
}

/// PAdES-B-B: prepare, sign, embed, the whole document out.
#[divan::bench(args = KEYS)]
fn pades_b_b(bencher: Bencher, key: &str) {
    let (seal, document) = (seal(key), common::receipt());
    bencher.bench(|| embed(&seal, black_box(&document)));
}

/// The same as the service does it: its own output is read back and verified before it leaves.
#[divan::bench(args = KEYS)]
fn pades_b_b_checked(bencher: Bencher, key: &str) {
    let (seal, document) = (seal(key), common::receipt());
    bencher.bench(|| sealed(&seal, black_box(&document)));
}

/// Digest, signature and path, without revocation.
#[divan::bench(args = KEYS)]
fn verify(bencher: Bencher, key: &str) {
    let document = embed(&seal(key), &common::receipt());
    let policy = common::policy(Revocation::Ignored);
    bencher.bench(|| {
        let verdict = common::verify(black_box(&document), &policy, &[]);
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    });
}

/// The same with the revocation lists at hand.
#[divan::bench(args = KEYS)]
fn verify_with_revocation(bencher: Bencher, key: &str) {
    let document = embed(&seal(key), &common::receipt());
    let (policy, lists) = (common::policy(Revocation::Required), common::lists());
    bencher.bench(|| {
        let verdict = common::verify(black_box(&document), &policy, &lists);
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    });
}
