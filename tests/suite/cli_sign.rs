//! `rubrica sign` and `rubrica augment`, as people run them.

use crate::http::office::{Office, PORTAL, pdf};
use crate::http::provider::Provider;
use openssl::hash::MessageDigest;
use rubrica::service::clock::{Clock, SystemClock};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

const CONTENT: &[u8] = b"Solicito la jubilacion.";

/// A provider that goes by the time of the machine, as the command does, and a folder with a configuration.
struct Desk {
    provider: Provider,
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let provider = Provider::open();
        provider.clock.set(SystemClock.now());
        let folder = tempfile::tempdir().unwrap();
        provider.config(folder.path(), "");
        std::fs::write(folder.path().join("in.txt"), CONTENT).unwrap();
        std::fs::write(folder.path().join("in.pdf"), pdf()).unwrap();
        Desk { provider, folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, line: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(line.split(' '))
            .current_dir(self.path())
            .env("RUBRICA_CONFIG", self.path().join("rubrica.toml"))
            .output()
            .unwrap()
    }

    /// Its standard output, after it ended with this code.
    #[track_caller]
    fn ends(&self, code: i32, line: &str) -> String {
        let output = self.run(line);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let complained = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{line}: {said}{complained}"
        );
        said + &complained
    }
}

#[test]
fn files_are_signed_and_raised_and_say_so_in_json() {
    let desk = Desk::new();
    let told = desk.ends(0, "sign in.txt out.p7s --level B-LT --packaging detached --role tercero --policy age-1.9 --content-type 1.2.840.113549.1.7.1 --json");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["level"], "CAdES-BASELINE-LT");
    assert!(told["stamped"].is_string());
    let verified = desk.ends(
        0,
        "verify out.p7s --content in.txt --private-address 127.0.0.1",
    );
    assert!(verified.contains("TOTAL-PASSED"), "{verified}");
    // The name is taken, and the input stays as it is.
    assert!(
        desk.ends(3, "sign in.txt out.p7s")
            .contains("is there already")
    );
    assert!(
        desk.ends(3, "sign in.txt in.txt --force")
            .contains("is the input itself")
    );
    assert!(
        desk.ends(3, "sign in.pdf x --format xades")
            .contains("XAdES")
    );

    assert!(
        desk.ends(0, "sign in.pdf out.pdf --reason Prueba")
            .contains("PAdES-BASELINE-B")
    );
    // A PDF signature grows within the room that was left for it.
    assert!(
        desk.ends(3, "augment out.pdf raised.pdf --level B-T")
            .contains("more room")
    );
    let raised = desk.ends(
        0,
        "augment out.p7s raised.p7s --level B-LTA --content in.txt",
    );
    assert!(raised.contains("CAdES-BASELINE-LTA"), "{raised}");
    desk.ends(
        0,
        "verify raised.p7s --content in.txt --private-address 127.0.0.1",
    );

    let parameters =
        r#"{"format":"cades","level":"B-T","properties":{"commitment_types":["proof-of-origin"]}}"#;
    std::fs::write(desk.path().join("p.json"), parameters).unwrap();
    let signed = desk.ends(0, "sign in.txt p.csig --parameters p.json");
    assert!(signed.contains("CAdES-BASELINE-T"), "{signed}");
}

#[test]
fn nobody_answers_and_the_command_degrades_or_fails() {
    let desk = Desk::new();
    desk.provider.stamps.down(true);
    let degraded = desk.ends(
        2,
        "sign in.txt out.p7s --level B-T --when-unavailable degrade",
    );
    assert!(degraded.contains("B-T is owed"), "{degraded}");
    desk.ends(3, "sign in.txt no.p7s --level B-T --when-unavailable fail");
    assert!(!desk.path().join("no.p7s").exists());
    desk.provider.stamps.down(false);
    desk.ends(0, "augment out.p7s raised.p7s --level B-T");
}

#[test]
fn a_key_that_is_elsewhere_signs_in_two_steps() {
    let desk = Desk::new();
    let file = openssl::pkcs12::Pkcs12::from_der(&desk.provider.file("citizen.p12")).unwrap();
    let file = file.parse2("demo").unwrap();
    let certificate = file.cert.unwrap().to_pem().unwrap();
    std::fs::write(desk.path().join("citizen.pem"), certificate).unwrap();
    let key = file.pkey.unwrap();
    let value = |name: &str| {
        let message = std::fs::read(desk.path().join(name)).unwrap();
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &key).unwrap();
        let value = signer.sign_oneshot_to_vec(&message).unwrap();
        std::fs::write(desk.path().join("value"), value).unwrap();
    };
    for (input, level) in [("in.txt", "B-LT"), ("in.pdf", "B-T")] {
        desk.ends(
            0,
            &format!(
                "sign {input} tbs --prepare state --signatory citizen.pem --level {level} --force"
            ),
        );
        value("tbs");
        let other = desk.run("sign citizen.pem other --finish state --value value");
        assert_eq!(other.status.code(), Some(3));
        let out = format!("{input}.signed");
        desk.ends(
            0,
            &format!("sign {input} {out} --finish state --value value"),
        );
        assert!(
            !desk.path().join("state").exists(),
            "it has done what it was for"
        );
        let verify = match input {
            "in.pdf" => format!("verify {out} --private-address 127.0.0.1"),
            _ => format!("verify {out} --private-address 127.0.0.1"),
        };
        desk.ends(0, &verify);
    }
    let state = desk.run("sign in.txt x --finish in.pdf --value value");
    assert!(String::from_utf8_lossy(&state.stderr).contains("state"));
}

#[test]
fn what_is_owed_is_listed_while_the_service_runs_and_paid_when_it_does_not() {
    let desk = Desk::new();
    let folder = tempfile::tempdir().unwrap();
    let config = desk.provider.config(folder.path(), "");
    let file = folder.path().join("rubrica.toml");
    let kept = folder.keep();
    let office = Office::configured(
        tempfile::tempdir().unwrap(),
        config,
        desk.provider.clock.clone(),
        |_| {},
    );
    desk.provider.stamps.down(true);
    let sealed = office
        .ask("POST", "/v1/seal")
        .key(PORTAL)
        .body("application/pdf", &pdf());
    let id = sealed.header("x-rubrica-owed").unwrap().to_string();
    let owed = |more: &str, code| {
        desk.ends(
            code,
            &format!("augment --owed --config {}{more}", file.display()),
        )
    };
    let listed: Value = serde_json::from_str(&owed(" --list", 2)).unwrap();
    assert_eq!(
        (&listed["document"], &listed["level"]),
        (&id.as_str().into(), &"B-T".into())
    );
    assert!(owed("", 3).contains("in use by process"));
    drop(office);
    assert!(owed("", 2).contains("is still owed"));
    assert_eq!(owed(" --list", 2).matches("\"tried\":1").count(), 1);
    // A minute at most later.
    desk.provider.stamps.down(false);
    let database = rusqlite::Connection::open(kept.join("data/rubrica.sqlite")).unwrap();
    database.execute("UPDATE debts SET due = 0", []).unwrap();
    drop(database);
    assert!(owed("", 0).contains("1 paid"));
    assert_eq!(owed(" --list", 0), "");
    std::fs::remove_dir_all(kept).unwrap();
}
