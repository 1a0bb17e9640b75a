//! The figures of the product on this machine, each beside the raw signature of the same run.
//!
//! `cargo build --release && cargo run --release --example figures`. The command is the one that stands beside this
//! program, or the one that RUBRICA names.

#[path = "../benches/common/mod.rs"]
mod common;

use rubrica::engine::formats::{asic::Asic, pades::Pades};
use rubrica::engine::validation::{Indication, Policy, Revocation};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_millis(1500);

/// A goal of the project: milliseconds on the machine where goals were set, and the raw RSA-2048 and P-256 signature there.
#[derive(Clone, Copy)]
struct Goal(f64, Clock);

/// The signature that a figure is compared with.
#[derive(Clone, Copy)]
enum Clock {
    Rsa,
    P256,
}

impl Clock {
    fn key(self) -> &'static str {
        match self {
            Clock::Rsa => "RSA-2048",
            Clock::P256 => "P-256",
        }
    }

    /// Milliseconds of the raw signature where goals were set.
    fn there(self) -> f64 {
        match self {
            Clock::Rsa => 0.333,
            Clock::P256 => 0.0191,
        }
    }
}

/// The median of as many calls as fit, in milliseconds, after a warm-up.
fn median(mut call: impl FnMut()) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < EACH / 5 {
        call();
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < EACH || times.len() < 5 {
        let one = Instant::now();
        call();
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn raw(clock: Clock) -> f64 {
    let seal = common::seal(clock.key());
    median(|| drop(seal.signer.sign(&[7; 200])))
}

/// One line: what was measured, beside the raw signature measured just before.
fn line(row: &str, what: &str, clock: Clock, goal: Option<Goal>, call: impl FnMut()) {
    let raw = raw(clock);
    let time = median(call);
    let goal = goal.map_or_else(String::new, |Goal(goal, clock)| {
        let ratio = goal / clock.there();
        let reached = if time / raw <= ratio {
            "reached"
        } else {
            "not reached"
        };
        format!("{goal:.2} = {ratio:.2} raw: {reached}")
    });
    let key = clock.key();
    println!(
        "| {row} | {what} | {time:.3} | {:.2} x {key} ({raw:.3}) | {goal} |",
        time / raw
    );
}

fn verified(document: &[u8], policy: &Policy, given: &[rubrica::engine::evidence::Object]) {
    let verdict = common::verify(&Pades, document, policy, given);
    assert_eq!(verdict.indication, Some(Indication::TotalPassed));
}

fn in_process() {
    let receipt = common::receipt();
    let (path_alone, lists) = (common::policy(Revocation::Ignored), common::lists());
    let whole = common::policy(Revocation::Required);
    println!(
        "| row | operation, {} KB | median ms | ratio | goal ms |",
        receipt.len() / 1024
    );
    println!("|---|---|---:|---|---|");
    for (row, clock, goal) in [("1", Clock::Rsa, 0.42), ("2", Clock::P256, 0.10)] {
        let (seal, what) = (
            common::seal(clock.key()),
            format!("PAdES-B-B seal, {}", clock.key()),
        );
        let goal = Some(Goal(goal, clock));
        line(row, &what, clock, goal, || {
            drop(common::embed(&seal, &receipt))
        });
        let what = format!("{what}, read back and verified");
        line("", &what, clock, None, || {
            drop(common::sealed(&seal, &receipt))
        });
    }
    for (row, clock) in [("6", Clock::Rsa), ("", Clock::P256)] {
        let sealed = common::embed(&common::seal(clock.key()), &receipt);
        let key = clock.key();
        let goal = matches!(clock, Clock::Rsa).then_some(Goal(0.20, clock));
        let what = format!("verify: digest, signature, path, {key}");
        line(row, &what, clock, goal, || {
            verified(&sealed, &path_alone, &[])
        });
        let row = if row.is_empty() { "" } else { "7" };
        let goal = matches!(clock, Clock::Rsa).then_some(Goal(0.35, clock));
        let what = format!("verify with revocation lists, {key}");
        line(row, &what, clock, goal, || {
            verified(&sealed, &whole, &lists)
        });
    }
    for clock in [Clock::Rsa, Clock::P256] {
        let (seal, entry) = (common::seal(clock.key()), common::entry());
        let what = format!("receipt: compose, seal, acuse, {}", clock.key());
        line("", &what, clock, None, || {
            drop(common::complete(&entry, &seal))
        });
        let acuse = common::complete(&entry, &seal).acuse;
        let what = format!("verify that acuse, {}", clock.key());
        line("", &what, clock, None, || {
            let verdict = common::verify(&Asic, &acuse, &whole, &lists);
            assert_eq!(verdict.indication, Some(Indication::TotalPassed));
        });
    }
}

/// The command: beside this program's folder, or what RUBRICA names.
fn program() -> PathBuf {
    let beside = || {
        let own = std::env::current_exe().expect("our own path");
        own.parent()
            .and_then(Path::parent)
            .expect("a folder")
            .join("rubrica")
    };
    std::env::var_os("RUBRICA").map_or_else(beside, PathBuf::from)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// The PKCS#12 of the test PKI as PEM without a passphrase: its key derivation alone takes longer than a seal.
fn pem_key(folder: &Path) -> PathBuf {
    let p12 = include_bytes!("../certs/test/seal.p12");
    let p12 = openssl::pkcs12::Pkcs12::from_der(p12).expect("PKCS#12");
    let parts = p12.parse2("demo").expect("its passphrase");
    let key = parts.pkey.expect("a key").private_key_to_pem_pkcs8();
    let mut pem = key.expect("PEM");
    let issuers = parts.ca.expect("a chain");
    let own = parts.cert.expect("a certificate");
    for certificate in std::iter::once(own).chain(issuers) {
        pem.extend(certificate.to_pem().expect("PEM"));
    }
    let path = folder.join("seal.pem");
    std::fs::write(&path, pem).expect("written");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("private");
    path
}

fn cold(folder: &Path) {
    let certs = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test");
    let text = |p: PathBuf| p.to_str().expect("a path").to_string();
    let [document, sealed] = ["receipt.pdf", "sealed.pdf"].map(|n| text(folder.join(n)));
    let [p12, root, root_crl, ca_crl] =
        ["seal.p12", "root.pem", "root.crl", "ca.crl"].map(|n| text(certs.join(n)));
    std::fs::write(&document, common::receipt()).expect("written");
    let pem = text(pem_key(folder));
    let run = |arguments: &[&str]| {
        let mut command = command(arguments);
        let status = command.env("FIGURES_PASSPHRASE", "demo").status();
        let status = status.expect("the command");
        assert!(status.success(), "{command:?}: {status}");
    };
    let sealing = |key: &[&str]| {
        let rest = ["--offline", "--force", &document, &sealed];
        run(&[&["seal", "--key"], key, &rest].concat());
    };
    let goal = |milliseconds| Some(Goal(milliseconds, Clock::Rsa));
    line(
        "22",
        "command, cold: B-B seal, key in PEM",
        Clock::Rsa,
        goal(5.0),
        || sealing(&[&pem]),
    );
    let p12 = [p12.as_str(), "--passphrase-env", "FIGURES_PASSPHRASE"];
    line(
        "",
        "command, cold: B-B seal, key in PKCS#12",
        Clock::Rsa,
        None,
        || sealing(&p12),
    );
    let verifying = [
        "verify",
        "--trust",
        &root,
        "--crl",
        &root_crl,
        "--crl",
        &ca_crl,
        "--offline",
        &sealed,
    ];
    line(
        "22",
        "command, cold: verify with revocation lists",
        Clock::Rsa,
        goal(4.0),
        || run(&verifying),
    );
    line("", "command, cold: --version", Clock::Rsa, None, || {
        run(&["--version"])
    });
}

fn main() {
    in_process();
    let folder = std::env::temp_dir().join(format!("rubrica-figures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    cold(&folder);
    std::fs::remove_dir_all(&folder).expect("removed");
}
