//! `rubrica demo`: the sample is registered, validated, and the same on a second run; its acuse verifies off line.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn rubrica(arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

#[test]
fn the_demo_registers_and_validates_its_sample_and_goes_on_with_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let address = crate::port::free().to_string();
    let demo = ["demo", "--once", "--data", "d", "--listen", &address];
    let first = rubrica(&demo, folder.path());
    let said = String::from_utf8(first.stdout).unwrap();
    for words in [
        "TOTAL-PASSED",
        "PAdES-BASELINE-T",
        "made now",
        "d/acuse.zip",
        "Authorization: Bearer rubrica_",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let acuse = std::fs::read(folder.path().join("d/acuse.zip")).unwrap();
    assert!(folder.path().join("d/pki/root.pem").exists());

    let second = String::from_utf8(rubrica(&demo, folder.path()).stdout).unwrap();
    assert!(second.contains("as it was"), "{second}");
    assert_eq!(
        std::fs::read(folder.path().join("d/acuse.zip")).unwrap(),
        acuse
    );
    let key = |text: &str| {
        text.lines()
            .find(|l| l.contains("key "))
            .map(str::to_string)
    };
    assert_eq!(key(&said), key(&second));

    let verify = [
        "verify",
        "d/acuse.zip",
        "--offline",
        "--trust",
        "d/pki/root.pem",
        "--crl",
        "d/pki/ca.crl",
        "--crl",
        "d/pki/root.crl",
    ];
    rubrica(&verify, folder.path());
}

#[test]
fn while_the_demo_serves_its_lines_do_what_they_say_and_the_anchor_suffices_where_it_may_ask() {
    let folder = tempfile::tempdir().unwrap();
    let address = crate::port::free().to_string();
    let serving = Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(["demo", "--data", "d", "--listen", &address])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut serving = Ended(serving);
    let lines = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let said: Vec<String> = lines
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Serving on"))
        .collect();
    let program = format!("  {} ", env!("CARGO_BIN_EXE_rubrica"));
    let pasted: Vec<&str> = said
        .iter()
        .filter_map(|l| l.strip_prefix(&program))
        .collect();
    assert_eq!(pasted.len(), 2, "{said:#?}");
    for line in pasted {
        rubrica(&line.split(' ').collect::<Vec<_>>(), folder.path());
    }
    let address = "127.0.0.0/8";
    let trusting = [
        "verify",
        "d/acuse.zip",
        "--trust",
        "d/pki/root.pem",
        "--private-address",
        address,
    ];
    rubrica(&trusting, folder.path());
}

/// A process that ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
