//! `rubrica demo`: the sample is registered, validated, and the same on a second run; its acuse verifies off line.

use std::path::Path;
use std::process::{Command, Output};

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
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
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
