//! The command `rubrica`, as people run it.

use rubrica::engine::Time;
use rubrica::engine::formats::cades::Cades;
use rubrica::engine::formats::{CadesOptions, Format, Options};
use rubrica::service::config::{SealSettings, WhenTsaFails};
use rubrica::service::flow::{Order, seal};
use rubrica::service::keys::{KeyFile, Passphrase, Seal};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const AT: &str = "2026-11-24T12:00:00Z";

fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

fn rubrica(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rubrica"))
        .args(arguments)
        .env_remove("RUBRICA_CONFIG")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The seal of one of the test certificates.
fn seal_of(who: &str) -> Seal {
    let passphrase = std::fs::read_to_string(certs("passphrase")).unwrap();
    let path = certs(&format!("{who}.p12"));
    let settings = format!(
        "name = 'x'\nkey = '{}'\npassphrase_file = '{}'",
        path.display(),
        certs("passphrase").display()
    );
    let settings: SealSettings = toml::from_str(&settings).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let key = KeyFile::from_pkcs12(&bytes, &Passphrase::new(passphrase.trim()), who).unwrap();
    Seal::new(&settings, key).unwrap()
}

pub(crate) fn signed(who: &str, content: &[u8], attached: bool) -> Vec<u8> {
    let options = Options::Cades(if attached {
        CadesOptions::Attached
    } else {
        CadesOptions::Detached
    });
    sealed(who, content, &Cades, &options)
}

fn sealed(who: &str, content: &[u8], format: &dyn Format, options: &Options) -> Vec<u8> {
    let seal_of_one = seal_of(who);
    let order = Order {
        seal: &seal_of_one,
        format,
        options,
        timestamping: None,
        when_tsa_fails: WhenTsaFails::Fail,
    };
    let at: Time = AT.parse().unwrap();
    seal(content, &order, at).unwrap().bytes
}

/// A folder with a signed file, and the arguments that make it pass.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        Desk {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    fn verify(&self, arguments: &[&str]) -> Output {
        let (root, crls) = (certs("root.pem"), [certs("root.crl"), certs("ca.crl")]);
        let mut all = vec![
            "verify",
            "--offline",
            "--at",
            AT,
            "--trust",
            root.to_str().unwrap(),
        ];
        for crl in &crls {
            all.extend(["--crl", crl.to_str().unwrap()]);
        }
        all.extend(arguments);
        rubrica(&all)
    }
}

#[test]
fn a_signed_file_passes_and_its_report_says_who_and_when() {
    let desk = Desk::new();
    let file = desk.put("request.p7m", &signed("citizen", b"Solicito", true));
    let output = desk.verify(&[&file]);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    let text = out(&output);
    assert!(text.starts_with("VÁLIDA. La firma es válida."), "{text}");
    for part in [
        "Firmado por: ",
        "Nivel: CAdES-BASELINE-B",
        "Existía con seguridad el: ",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let english = out(&desk.verify(&["--lang", "en", "--zone", "UTC", &file]));
    assert!(
        english.starts_with("VALID. The signature is valid."),
        "{english}"
    );
    assert!(
        english.contains("Checked at: 2026-11-24 12:00:00 +00:00"),
        "{english}"
    );
}

#[test]
fn json_has_the_fields_of_the_simple_report_and_the_same_bytes_each_time() {
    let desk = Desk::new();
    let file = desk.put("request.p7m", &signed("seal", b"Acuse", true));
    let first = desk.verify(&["--json", &file]);
    assert_eq!(first.stdout, desk.verify(&["--json", &file]).stdout);
    let report: serde_json::Value = serde_json::from_slice(&first.stdout).unwrap();
    let signature = &report["signatures"][0];
    assert_eq!(signature["format"], "CAdES");
    assert_eq!(signature["level"], "CAdES-BASELINE-B");
    assert_eq!(signature["indication"], "TOTAL-PASSED");
    assert!(signature["sub_indication"].is_null());
    assert!(signature["signed_by"].is_string());
    assert!(signature["signer"]["on_behalf_of"]["number"].is_string());
    assert_eq!(signature["claimed_time"], AT);
    assert_eq!(signature["best_signature_time"], AT);
    assert_eq!(signature["scopes"][0]["scope"], "FULL");
    assert!(signature["findings"].is_array());
}

#[test]
fn exit_codes() {
    let desk = Desk::new();
    let good = signed("citizen", b"Solicito", true);
    let passed = desk.put("passed.p7m", &good);
    let at = good.windows(8).position(|w| w == b"Solicito").unwrap();
    let mut altered = good.clone();
    altered[at] = b'M';
    let failed = desk.put("failed.p7m", &altered);
    assert_eq!(code(&desk.verify(&[&passed])), 0);
    let output = desk.verify(&[&failed]);
    assert_eq!(code(&output), 1);
    assert!(out(&output).contains("HASH_FAILURE"));
    assert!(out(&output).contains("Qué hacer: "));
    assert_eq!(code(&rubrica(&["verify", "--offline", &passed])), 2);
    let unreadable = desk.put("text.txt", b"no signature at all");
    assert_eq!(code(&desk.verify(&[&unreadable])), 3);
    assert_eq!(code(&desk.verify(&[&passed, &unreadable, &failed])), 3);
    assert_eq!(code(&desk.verify(&[&passed, &failed])), 1);
    assert_eq!(code(&rubrica(&["verify"])), 3);
    assert_eq!(code(&rubrica(&["--help"])), 0);
}

#[test]
fn errors_are_one_line_that_names_the_element_and_the_remedy() {
    let desk = Desk::new();
    for (name, bytes, words) in [
        ("empty", &b""[..], ["is empty", "Send the file itself."]),
        ("text", b"hello", ["is neither PDF", "Send a signed PDF"]),
    ] {
        let file = desk.put(name, bytes);
        let output = desk.verify(&[&file]);
        let error = err(&output);
        assert_eq!(code(&output), 3);
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(
            error.contains(&file) && words.iter().all(|w| error.contains(w)),
            "{error}"
        );
    }
    let missing = err(&desk.verify(&["/nowhere/at/all.pdf"]));
    assert!(
        missing.contains("/nowhere/at/all.pdf") && missing.contains("Check the name"),
        "{missing}"
    );
    let folder = desk.folder.path().display().to_string();
    assert!(err(&desk.verify(&[&folder])).contains("-r"));
    assert!(err(&desk.verify(&["--at", "yesterday", "x"])).contains("--at"));
}

#[test]
fn the_policy_is_a_name_or_a_file_and_the_report_says_which() {
    let desk = Desk::new();
    let file = desk.put("x.p7m", &signed("citizen", b"Solicito", true));
    let report = |arguments: &[&str]| -> serde_json::Value {
        let output = desk.verify(&[&["--json"], arguments, &[&file]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", err(&output)))
    };
    let usual = report(&[]);
    assert_eq!(usual["policy"], "default");
    assert_eq!(usual["indication"], "TOTAL-PASSED");
    let age = report(&["--policy", "age-1.9"]);
    assert_eq!(age["policy"], "age-1.9");
    assert_eq!(
        age["signatures"][0]["sub_indication"],
        "SIG_CONSTRAINTS_FAILURE"
    );
    let own =
        r#"{"base": "age-1.9", "name": "own", "checks": {"signature_policy.missing": "WARN"}}"#;
    let own = desk.put("own.json", own.as_bytes());
    let judged = report(&["--policy", &own]);
    assert_eq!(
        (&judged["policy"], &judged["indication"]),
        (&"own".into(), &"TOTAL-PASSED".into())
    );
    // The digest of a report is that of what the verb shows.
    for (name, report) in [
        ("default", &usual),
        ("age-1.9", &age),
        (own.as_str(), &judged),
    ] {
        let shown = rubrica(&["policy", name]);
        assert_eq!(code(&shown), 0, "{}", err(&shown));
        let digest = rubrica::engine::evidence::ObjectId::of(&shown.stdout);
        assert_eq!(report["policy_digest"], digest.to_string());
    }
    let listed = out(&rubrica(&["policy"]));
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains("default  (in use)"), "{listed}");
    let schema: serde_json::Value =
        serde_json::from_str(&out(&rubrica(&["policy", "--schema"]))).unwrap();
    assert!(schema["properties"]["checks"].is_object());
    let ignored = report(&["--revocation", "ignored"]);
    assert_eq!(ignored["policy"], "default, revocation ignored");
    let output = desk.verify(&["--policy", "lax", &file]);
    assert_eq!(code(&output), 3);
    assert!(
        err(&output).contains("lax") && err(&output).contains("strict"),
        "{}",
        err(&output)
    );
    // Evidence holds to the policy that it was judged by.
    let evidence = desk.folder.path().join("e.json").display().to_string();
    let by_age = ["--policy", "age-1.9", "--evidence-out", &evidence, &file];
    assert_eq!(code(&desk.verify(&by_age)), 2);
    let root = certs("root.pem").display().to_string();
    let replay = ["replay", "--json", "--trust", &root, &evidence];
    let refused = rubrica(&replay);
    assert_eq!(code(&refused), 3);
    assert!(err(&refused).contains("policy"), "{}", err(&refused));
    let again = rubrica(&[&replay[..], &["--policy", "age-1.9"]].concat());
    assert_eq!(code(&again), 2, "{}", err(&again));
}

#[test]
fn a_newer_catalogue_of_algorithms_is_taken_from_a_file_and_named() {
    let desk = Desk::new();
    let file = desk.put("x.p7m", &signed("citizen", b"Solicito", true));
    let catalogue = |end: &str| {
        let algorithm = |id: &str| {
            serde_json::json!({
                "AlgorithmIdentifier": {"Name": id, "ObjectIdentifier": id},
                "Evaluation": [{"Validity": {"End": end}}],
            })
        };
        let all = [
            "2.16.840.1.101.3.4.2.1",
            "1.2.840.113549.1.1.1",
            "1.2.840.10045.2.1",
        ];
        serde_json::json!({"SecuritySuitabilityPolicy": {
            "PolicyName": {"Name": "newer", "ObjectIdentifier": "2.1.1"},
            "PolicyIssueDate": "2026-02-01T00:00:00+01:00",
            "Algorithm": all.map(algorithm),
        }})
    };
    for (end, expected) in [("2026-01-01", 2), ("2034-01-01", 0)] {
        let newer = desk.put("algorithms.json", catalogue(end).to_string().as_bytes());
        let output = desk.verify(&[
            "--report",
            "detailed",
            "--json",
            "--algorithms",
            &newer,
            &file,
        ]);
        assert_eq!(code(&output), expected, "{}{}", out(&output), err(&output));
        assert!(
            out(&output).contains(r#""version":"2.1.1""#),
            "{}",
            out(&output)
        );
    }
    let bad = desk.put("algorithms.json", b"{}");
    let output = desk.verify(&["--algorithms", &bad, &file]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("algorithms.json") && err(&output).contains("TS 119 322"));
}

#[test]
fn a_detached_signature_wants_its_content() {
    let desk = Desk::new();
    let signature = desk.put("x.p7s", &signed("citizen", b"Solicito", false));
    let content = desk.put("x.txt", b"Solicito");
    let other = desk.put("y.txt", b"Otra cosa");
    assert_eq!(code(&desk.verify(&["--content", &content, &signature])), 0);
    assert_eq!(code(&desk.verify(&["--content", &other, &signature])), 1);
    let output = desk.verify(&[&signature]);
    assert_eq!(code(&output), 2);
    assert!(out(&output).contains("SIGNED_DATA_NOT_FOUND"));
    assert!(out(&output).contains("contenido"));
}

#[test]
fn revocation_comes_from_files_and_a_revoked_certificate_does_not_pass() {
    let desk = Desk::new();
    let file = desk.put("x.p7m", &signed("citizen", b"Solicito", true));
    let root = certs("root.pem").display().to_string();
    let without = ["verify", "--offline", "--at", AT, "--trust", &root, &file];
    let output = rubrica(&without);
    assert_eq!(code(&output), 2);
    assert!(out(&output).contains("TRY_LATER"));
    let (ocsp, crl) = (certs("citizen.ocsp"), certs("root.crl"));
    let mut with = without.to_vec();
    let (ocsp, crl) = (ocsp.display().to_string(), crl.display().to_string());
    with.extend(["--ocsp", &ocsp, "--crl", &crl]);
    assert_eq!(code(&rubrica(&with)), 0, "{}", out(&rubrica(&with)));
    let revoked = desk.put("revoked.p7m", &signed("revoked", b"Solicito", true));
    let output = desk.verify(&[&revoked]);
    assert_eq!(code(&output), 2);
    assert!(out(&output).contains("REVOKED_NO_POE"), "{}", out(&output));
}

#[test]
fn exported_evidence_gives_the_same_report_without_the_document() {
    let desk = Desk::new();
    let file = desk.put("x.p7m", &signed("citizen", b"Solicito", true));
    let evidence = desk.folder.path().join("x.evidence").display().to_string();
    let first = desk.verify(&["--json", "--evidence", &evidence, &file]);
    assert_eq!(code(&first), 0);
    std::fs::remove_file(&file).unwrap();
    let root = certs("root.pem").display().to_string();
    let replay = ["replay", "--json", "--trust", &root, &evidence];
    let second = rubrica(&replay);
    assert_eq!(code(&second), 0, "{}", err(&second));
    assert_eq!(first.stdout, second.stdout);
    let long_before = ["--at", "2000-01-01T00:00:00Z"];
    assert_eq!(code(&rubrica(&[&replay[..], &long_before].concat())), 1);
    let text = std::fs::read_to_string(&evidence).unwrap();
    let tampered = text.replacen("\"size\":", "\"sizes\":", 1);
    std::fs::write(&evidence, tampered).unwrap();
    assert_eq!(code(&rubrica(&replay)), 3);
}

#[test]
fn a_folder_is_a_line_each_and_a_summary() {
    let desk = Desk::new();
    let good = signed("citizen", b"Solicito", true);
    for number in 0..40 {
        desk.put(&format!("receipts/{:02}/{number}.p7m", number % 7), &good);
    }
    desk.put("receipts/03/not.txt", b"text");
    let folder = desk.folder.path().join("receipts").display().to_string();
    let csv = desk.folder.path().join("summary.csv").display().to_string();
    let output = desk.verify(&["-r", "--summary", &csv, &folder]);
    assert_eq!(code(&output), 3);
    let text = out(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 41);
    let mut sorted: Vec<&str> = lines
        .iter()
        .map(|l| l.split(": ").next().unwrap())
        .collect();
    let told = sorted.clone();
    sorted.sort_by_key(|name| Path::new(name).parent().map(|p| p.to_path_buf()));
    assert_eq!(told, sorted);
    assert_eq!(
        lines
            .iter()
            .filter(|l| l.contains(": TOTAL-PASSED · CAdES-BASELINE-B"))
            .count(),
        40
    );
    assert!(
        err(&output)
            .contains("41 files: 40 passed, 0 failed, 0 indeterminate, 0 not signed, 1 unreadable")
    );
    let summary = std::fs::read_to_string(&csv).unwrap();
    assert_eq!(summary.lines().count(), 42);
    assert!(summary.starts_with("file,result,"));
    let json = desk
        .folder
        .path()
        .join("summary.json")
        .display()
        .to_string();
    desk.verify(&["-r", "--json", "--summary", &json, &folder]);
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert_eq!(value["files"].as_array().unwrap().len(), 41);
    assert_eq!(value["counts"]["passed"], 40);
}

#[test]
fn a_certificate_is_good_or_not_or_could_not_be_checked() {
    let path = |name: &str| certs(name).display().to_string();
    let check = |more: &[&str]| {
        let (root, ca, lists) = (
            path("root.pem"),
            path("ca.pem"),
            [path("root.crl"), path("ca.crl")],
        );
        let mut arguments = vec![
            "cert",
            "check",
            "--offline",
            "--at",
            AT,
            "--trust",
            &root,
            "--certificate",
            &ca,
        ];
        if !more.contains(&"--lang") {
            arguments.extend(["--crl", &lists[0], "--crl", &lists[1]]);
        }
        arguments.extend(more);
        rubrica(&arguments)
    };
    let good = check(&[&path("citizen.pem"), "--purpose", "access"]);
    assert_eq!(code(&good), 0, "{}{}", out(&good), err(&good));
    assert!(out(&good).contains("no está revocado"), "{}", out(&good));
    let several = check(&[&path("citizen.pem"), &path("revoked.pem"), "--json"]);
    assert_eq!(code(&several), 1);
    let words: Vec<String> = out(&several)
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["status"]
                .as_str()
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(words, ["good", "revoked"]);
    // Without the lists.
    let open = check(&[&path("revoked.pem"), "--lang", "en"]);
    assert_eq!(code(&open), 2);
    assert!(
        out(&open).contains("could not be checked"),
        "{}",
        out(&open)
    );
    assert!(!out(&open).contains("Since: "), "{}", out(&open));
    assert_eq!(
        code(&check(&[
            &path("revoked.pem"),
            "--lang",
            "en",
            "--revocation",
            "if-known"
        ])),
        0
    );
    let unreadable = check(&[&path("passphrase")]);
    assert_eq!(code(&unreadable), 3);
    assert!(
        err(&unreadable).contains("passphrase: neither DER nor PEM"),
        "{}",
        err(&unreadable)
    );
    assert_eq!(code(&check(&[&path("citizen.pem"), "--purpose", "fun"])), 3);
}
