//! Sealing and verifying the receipt of 48 KB, beside the raw signature: `cargo bench`.

mod common;

use common::{embed, seal, sealed};
use divan::{Bencher, black_box};
use rubrica::engine::formats::asic::Asic;
use rubrica::engine::formats::pades::Pades;
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
        let verdict = common::verify(&Pades, black_box(&document), &policy, &[]);
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    });
}

/// The same with the revocation lists at hand.
#[divan::bench(args = KEYS)]
fn verify_with_revocation(bencher: Bencher, key: &str) {
    let document = embed(&seal(key), &common::receipt());
    let (policy, lists) = (common::policy(Revocation::Required), common::lists());
    bencher.bench(|| {
        let verdict = common::verify(&Pades, black_box(&document), &policy, &lists);
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    });
}

/// A receipt as the service makes one: justificante composed and sealed, acuse packed and signed, all of it read back.
#[divan::bench(args = KEYS)]
fn receipt(bencher: Bencher, key: &str) {
    let (seal, entry) = (seal(key), common::entry());
    bencher.bench(|| common::complete(black_box(&entry), &seal));
}

/// The acuse of such a receipt, verified with the revocation lists at hand: its signature, and the seal inside.
#[divan::bench(args = KEYS)]
fn verify_acuse(bencher: Bencher, key: &str) {
    let acuse = common::complete(&common::entry(), &seal(key)).acuse;
    let (policy, lists) = (common::policy(Revocation::Required), common::lists());
    bencher.bench(|| {
        let verdict = common::verify(&Asic, black_box(&acuse), &policy, &lists);
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    });
}
