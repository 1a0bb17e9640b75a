//! The figures of the product on this machine, each beside the raw signature of the same run.
//!
//! `cargo build --release && cargo run --release --example figures`. The command is the one that stands beside this
//! program, or the one that RUBRICA names.

#[path = "../benches/common/mod.rs"]
mod common;

use rubrica::engine::formats::{asic::Asic, pades::Pades};
use rubrica::engine::validation::{Indication, Policy, Revocation};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
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

/// Milliseconds a call.
#[derive(Clone, Copy)]
struct Measured {
    median: f64,
    /// What the rest of the machine disturbed least.
    fastest: f64,
}

/// As many calls as fit, after a warm-up.
fn measure(mut call: impl FnMut()) -> Measured {
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
    Measured {
        median: times[times.len() / 2],
        fastest: times[0],
    }
}

fn raw(clock: Clock) -> Measured {
    let seal = common::seal(clock.key());
    measure(|| drop(seal.signer.sign(&[7; 200])))
}

/// One line: what was measured, beside the raw signature measured just before; both by their fastest too.
fn line(row: &str, what: &str, clock: Clock, goal: Option<Goal>, call: impl FnMut()) {
    let (raw, time) = (raw(clock), measure(call));
    let (median, fastest) = (time.median / raw.median, time.fastest / raw.fastest);
    let reached = |yes| if yes { "reached" } else { "not reached" };
    let goal = goal.map_or_else(String::new, |Goal(goal, clock)| {
        let ratio = goal / clock.there();
        let absolute = format!("{goal:.2} ms: {}", reached(time.median <= goal));
        // A command is mostly the start of a process, which has nothing to do with signatures.
        if row == "22" {
            return absolute;
        }
        format!("{absolute}; {ratio:.2} x: {}", reached(median <= ratio))
    });
    println!(
        "| {row} | {what} | {:.3} ({:.3}) | {median:.2} x ({fastest:.2} x) {} of {:.3} ({:.3}) | {goal} |",
        time.median,
        time.fastest,
        clock.key(),
        raw.median,
        raw.fastest,
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
        "| row | operation, {} KB | median (fastest) ms | to the raw signature | goal |",
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

/// A service that ends with this value.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Megabytes of memory of a process, resident and of its own: `VmRSS` and `RssAnon` of Linux.
fn memory(process: &Child) -> Option<(f64, f64)> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Some((field("VmRSS:")? / 1024.0, field("RssAnon:")? / 1024.0))
}

fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The memory of the service with store, seals and register: as it starts, and after the demo's sample.
fn idle(folder: &Path) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let (address, data) = (free.expect("a free port"), folder.join("demo"));
    let (listen, data) = (
        address.to_string(),
        data.to_str().expect("a path").to_string(),
    );
    let demo = ["demo", "--data", &data, "--listen", &listen];
    let once = command(&[&demo[..], &["--once"]].concat()).status();
    assert!(once.expect("the command").success(), "the demo's sample");
    let config = format!("{data}/rubrica.toml");
    for (what, arguments) in [
        (
            "idle service, after its start",
            &["serve", "--config", &config][..],
        ),
        ("idle service, after a receipt", &demo[..]),
    ] {
        let serving = Serving(command(arguments).spawn().expect("the service"));
        let up = (0..200).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            get(address, "/healthz").is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
        });
        assert!(up, "{what}: does not answer");
        std::thread::sleep(Duration::from_secs(3));
        match memory(&serving.0) {
            Some((resident, own)) => println!(
                "| | {what} | | {resident:.1} MB resident, {own:.1} MB of its own | 20 MB: {} |",
                if resident <= 20.0 {
                    "reached"
                } else {
                    "not reached"
                }
            ),
            None => println!("| | {what} | | not measured: no /proc | |"),
        }
    }
}

fn main() {
    in_process();
    let folder = std::env::temp_dir().join(format!("rubrica-figures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    cold(&folder);
    idle(&folder);
    std::fs::remove_dir_all(&folder).expect("removed");
}
