//! What revocation costs: a list of a million entries from file to the first verified answer, lookups, memory, restarts.
//!
//! `cargo run --release --example revocation_figures -- LIST ISSUER` prints medians and goals (rows 17 and 18 of the peers) for
//! a list of your own; each build is a process of its own, so that its peak memory is its own. Then rows 19 to 21, of a
//! hierarchy made for them; `-- FOLDER` prints only those, of the certificates, lists and response in a folder (`trust`).

mod trust;

use rubrica::engine::Time;
use rubrica::engine::evidence::ObjectId;
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::crl::RevocationList;
use rubrica::service::index::{From, Index, Original, Retention};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const NOW: i64 = 1_800_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => trust::rows(None),
        [folder] => trust::rows(Some(Path::new(folder))),
        [list, issuer] => {
            parent(list, issuer);
            trust::rows(None);
        }
        [what, list, issuer, folder] => child(what, Path::new(list), issuer, Path::new(folder)),
        _ => eprintln!("usage: revocation_figures [LIST ISSUER | FOLDER]"),
    }
}

fn now() -> Time {
    Time::from_unix(NOW).unwrap()
}

fn issuer(path: &str) -> Certificate {
    let bytes = std::fs::read(path).expect("the certificate of the issuer");
    Certificate::from_pem_or_der(&bytes)
        .expect("a certificate")
        .remove(0)
}

fn parent(list: &str, issuer: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let me = std::env::current_exe().unwrap();
    let run = |what: &str, folder: &Path| -> Vec<f64> {
        let output = std::process::Command::new(&me)
            .args([what, list, issuer])
            .arg(folder)
            .output()
            .expect("a child of this program");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect()
    };
    let runs: Vec<Vec<f64>> = (0..7)
        .map(|n| run("first", &scratch.path().join(n.to_string())))
        .collect();
    let column = |index: usize| -> (f64, f64) {
        let mut all: Vec<f64> = runs.iter().map(|run| run[index]).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], all[0])
    };
    let row = |what: &str, unit: &str, (median, best): (f64, f64), goal: &str| {
        println!("{what:<58} {median:>10.4} {best:>10.4} {unit:<3} {goal}");
    };
    println!("{:<58} {:>10} {:>10}", "", "median", "best");
    row("file to first verified answer", "ms", column(0), "goal 100");
    row("... synced and renamed", "ms", column(1), "");
    row("peak memory of that process", "MB", column(2), "goal 64");
    row(
        "next lookup, random serial numbers",
        "us",
        column(3),
        "goal 1",
    );
    let folder = scratch.path().join("0");
    let opened: Vec<f64> = run("open", &folder);
    row(
        "restart: folder with this list to first answer",
        "ms",
        (opened[0], opened[0]),
        "",
    );
    let fifty = run("fifty", &scratch.path().join("fifty"));
    row(
        "peak memory after 1 list, then after 50 one after another",
        "MB",
        (fifty[0], fifty[1]),
        "flat",
    );
}

fn child(what: &str, list: &Path, issuer_path: &str, folder: &Path) {
    let issuer = issuer(issuer_path);
    match what {
        "first" => first(list, &issuer, folder),
        "open" => {
            let start = Instant::now();
            let index = Index::open(folder, Retention::default()).unwrap();
            let lists = index.at(&rubrica::engine::crypto::sha256(issuer.spki()), now());
            assert_eq!(lists[0].entry(issuer.subject(), &[1; 16]), Ok(None));
            println!("{}", milliseconds(start.elapsed()));
        }
        _ => fifty(list, &issuer, folder),
    }
}

fn first(list: &Path, issuer: &Certificate, folder: &Path) {
    let index = Index::open(folder, Retention::default()).unwrap();
    let start = Instant::now();
    let mut file = File::open(list).unwrap();
    let signers = std::slice::from_ref(issuer);
    let prepared = index
        .prepare(&mut file, signers, From::default(), now())
        .unwrap();
    assert_eq!(prepared.listed.entry(issuer.subject(), &[1; 16]), Ok(None));
    let answered = start.elapsed();
    let peak = peak_megabytes();
    let listed = index
        .publish(prepared, Original::Elsewhere(list), now())
        .unwrap();
    let kept = start.elapsed();
    let mut number = 1u128;
    let count = 200_000;
    let start = Instant::now();
    for _ in 0..count {
        number = number
            .wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645)
            .wrapping_add(99);
        assert_eq!(
            listed.entry(issuer.subject(), &number.to_be_bytes()),
            Ok(None)
        );
    }
    let lookup = start.elapsed().as_secs_f64() * 1e6 / f64::from(count);
    println!(
        "{} {} {peak} {lookup}",
        milliseconds(answered),
        milliseconds(kept)
    );
}

/// Takes the list in fifty times into indexes of its own, as a service does that refreshes fifty lists.
fn fifty(list: &Path, issuer: &Certificate, folder: &Path) {
    let mut peaks = Vec::new();
    for number in 0..50 {
        let own: PathBuf = folder.join(number.to_string());
        let index = Index::open(&own, Retention::default()).unwrap();
        let signers = std::slice::from_ref(issuer);
        let mut file = File::open(list).unwrap();
        let prepared = index
            .prepare(&mut file, signers, From::default(), now())
            .unwrap();
        assert_eq!(prepared.listed.entry(issuer.subject(), &[1; 16]), Ok(None));
        assert_ne!(prepared.listed.object_id(), ObjectId([0; 32]));
        peaks.push(peak_megabytes());
        let _ = std::fs::remove_dir_all(own);
    }
    println!("{} {}", peaks[0], peaks[49]);
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The most memory that this process ever held (`VmHWM`).
fn peak_megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("0");
    line.split_whitespace()
        .next()
        .and_then(|n| n.parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}
