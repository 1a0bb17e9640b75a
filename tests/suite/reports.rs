//! Reports: the same bytes from the same evidence wherever they are made; every form well-formed whatever documents say.

use crate::cli::signed;
use crate::corpora;
use rubrica::engine::evidence::{
    Evidence, Object, ObjectId, ObjectKind, Origin, Timestamp, TimestampKind,
};
use rubrica::engine::formats::{Input, recognise};
use rubrica::engine::limits::{Budget, Limits};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::report::{Judged, Language, ReportForm, write};
use rubrica::engine::syntax::json::canonical_json;
use rubrica::engine::syntax::xml::Element;
use rubrica::engine::validation::{Policy, validate};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const AT: &str = "2026-11-24T12:00:00Z";
const FORMS: [ReportForm; 6] = [
    ReportForm::Simple,
    ReportForm::SimpleText,
    ReportForm::Detailed,
    ReportForm::DetailedText,
    ReportForm::Etsi,
    ReportForm::Html,
];

fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

fn policy() -> Policy {
    let root = std::fs::read(certs("root.pem")).unwrap();
    Policy::baseline(Anchors::read([&root[..]]).unwrap())
}

fn inspect(document: &[u8]) -> rubrica::engine::Result<Evidence> {
    let input = Input {
        document,
        detached: &[],
    };
    recognise(document)?.inspect(input, &mut Limits::default().budget())
}

fn is_signed(evidence: &Evidence) -> bool {
    let inside = || evidence.inside.iter().any(|one| is_signed(&one.evidence));
    !evidence.signatures.is_empty() || !evidence.timestamps.is_empty() || inside()
}

/// The report of `evidence` in every form, as text.
fn all_forms(evidence: &Evidence) -> Vec<(ReportForm, String)> {
    let policy = policy();
    let verdict = validate(evidence, &policy, AT.parse().unwrap());
    let judged = Judged {
        evidence,
        verdict: &verdict,
        policy: &policy,
    };
    let mut all = Vec::new();
    for form in FORMS {
        for language in Language::ALL {
            let Ok(report) = write(&judged, form, *language, "Europe/Madrid") else {
                assert_eq!(form, ReportForm::Etsi, "only that may have nothing to say");
                assert!(!is_signed(evidence));
                continue;
            };
            all.push((form, String::from_utf8(report.bytes).unwrap()));
        }
    }
    all
}

/// Every identifier of the document, and every reference to one.
fn identifiers(element: &Element, ids: &mut Vec<String>, references: &mut Vec<String>) {
    for (name, value) in &element.attributes {
        match name.as_str() {
            "id" => ids.push(value.clone()),
            "VOReference" | "aria-labelledby" => {
                references.extend(value.split(' ').map(str::to_string));
            }
            "href" => references.push(
                value
                    .strip_prefix('#')
                    .expect("nothing outside")
                    .to_string(),
            ),
            _ => {}
        }
    }
    for child in &element.children {
        identifiers(child, ids, references);
    }
}

#[track_caller]
fn assert_sound(form: ReportForm, text: &str, place: &str) {
    match form {
        ReportForm::Simple | ReportForm::Detailed => {
            let value: serde_json::Value = serde_json::from_str(text).expect(place);
            assert_eq!(canonical_json(&value).unwrap(), text.as_bytes(), "{place}");
        }
        ReportForm::SimpleText | ReportForm::DetailedText => {
            let forged =
                |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!text.contains(forged), "{place}");
        }
        ReportForm::Etsi | ReportForm::Html => {
            let xml = text.strip_prefix("<!DOCTYPE html>").unwrap_or(text);
            let root =
                Element::read(xml.as_bytes(), "report", &mut Budget::default()).expect(place);
            let (mut ids, mut references) = (Vec::new(), Vec::new());
            identifiers(&root, &mut ids, &mut references);
            let known: BTreeSet<&String> = ids.iter().collect();
            assert_eq!(
                known.len(),
                ids.len(),
                "{place}: an identifier is there twice"
            );
            for reference in &references {
                assert!(
                    known.contains(reference),
                    "{place}: {reference} leads nowhere"
                );
            }
            assert!(!references.is_empty(), "{place}");
            if form == ReportForm::Etsi {
                assert_eq!(valid(text), None, "{place}");
            }
        }
    }
}

/// The schema of TS 119 102-2, where `.ci/etsi-report` has it; what it imports is found through XML_CATALOG_FILES.
fn schema() -> Option<PathBuf> {
    std::env::var_os("RUBRICA_ETSI_SCHEMA").map(PathBuf::from)
}

/// What the schema has against an ETSI report.
fn valid(report: &str) -> Option<String> {
    let schema = schema()?;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), report).unwrap();
    let output = Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .arg(file.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(said)
}

#[test]
fn the_schema_refuses_what_it_must() {
    if schema().is_none() {
        println!("no schema");
        return;
    }
    let evidence = inspect(&signed("citizen", b"Solicito", true)).unwrap();
    let all = all_forms(&evidence);
    let (_, report) = all
        .iter()
        .find(|(form, _)| *form == ReportForm::Etsi)
        .unwrap();
    assert_eq!(valid(report), None);
    for (sound, broken) in [
        ("<HashOnly>false</HashOnly>", ""),
        ("2026-11-24T12:00:00Z", "yesterday"),
        ("id=\"S-", "id=\"1S-"),
    ] {
        let broken = report.replacen(sound, broken, 1);
        assert_ne!(&broken, report);
        assert!(valid(&broken).is_some(), "{sound}");
    }
}

#[test]
fn a_replay_is_the_same_report_in_any_form_zone_and_locale() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, evidence) = (path("x.p7m"), path("e.json"));
    std::fs::write(&file, signed("citizen", b"Solicito", true)).unwrap();
    let root = certs("root.pem").display().to_string();
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(arguments)
            .args(["--trust", &root, "--digest"])
            .env_remove("RUBRICA_CONFIG")
            .envs(environment.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        let digest = said.lines().find_map(|line| line.strip_prefix("SHA-256 "));
        let digest = digest.expect("the digest").to_string();
        assert_eq!(digest, ObjectId::of(&output.stdout).to_string());
        (digest, output.stdout)
    };
    let (root_crl, ca_crl) = (
        certs("root.crl").display().to_string(),
        certs("ca.crl").display().to_string(),
    );
    let mut seen = BTreeSet::new();
    for (number, form) in [
        &["--report", "simple", "--json"][..],
        &["--report", "detailed", "--json"],
        &["--report", "detailed", "--lang", "en", "--zone", "UTC"],
        &["--report", "etsi"],
        &["--report", "html"],
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(&file, signed("citizen", b"Solicito", true)).unwrap();
        let mut verify = vec![
            "verify",
            "--offline",
            "--at",
            AT,
            "--crl",
            &root_crl,
            "--crl",
            &ca_crl,
        ];
        verify.extend(["--evidence-out", &evidence, &file]);
        verify.extend(form);
        let madrid = [
            ("TZ", "Europe/Madrid"),
            ("LC_ALL", "es_ES.UTF-8"),
            ("LANG", "es_ES.UTF-8"),
        ];
        let first = run(&verify, &madrid);
        std::fs::remove_file(&file).unwrap();
        let mut replay = vec!["replay", &evidence];
        replay.extend(form);
        for elsewhere in [
            [
                ("TZ", "Pacific/Kiritimati"),
                ("LC_ALL", "tr_TR.UTF-8"),
                ("LANG", "C"),
            ],
            [
                ("TZ", "America/St_Johns"),
                ("LC_ALL", "C"),
                ("LANG", "ar_EG.UTF-8"),
            ],
        ] {
            assert_eq!(run(&replay, &elsewhere), first, "{form:?}");
        }
        seen.insert(first.0);
        assert_eq!(seen.len(), number + 1, "forms differ");
    }
}

#[test]
fn a_replay_by_another_policy_is_refused_unless_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, evidence) = (path("x.p7m"), path("e.json"));
    std::fs::write(&file, signed("citizen", b"Solicito", true)).unwrap();
    let root = certs("root.pem").display().to_string();
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(arguments)
            .args(["--trust", &root, "--json"])
            .env_remove("RUBRICA_CONFIG")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), said, output.stdout)
    };
    let lenient = ["--revocation", "ignored"];
    let verify = [
        "verify",
        "--offline",
        "--at",
        AT,
        "--evidence-out",
        &evidence,
        &file,
    ];
    let first = run(&[&verify[..], &lenient].concat());
    assert_eq!(first.0, 0, "{}", first.1);
    let replay = ["replay", &evidence];
    let (code, said, _) = run(&replay);
    assert!(code > 2 && said.contains("policy"), "{code} {said}");
    assert_eq!(run(&[&replay[..], &lenient].concat()).2, first.2);
    assert_eq!(
        run(&[&replay[..], &["--policy-of-evidence"]].concat()).2,
        first.2
    );
    let (code, _, other) = run(&[&replay[..], &["--other-policy"]].concat());
    assert_eq!(code, 2, "revocation is required by the policy here");
    assert_ne!(other, first.2);
}

/// What whoever makes documents and certificates would like a report to say.
const HOSTILE: &str = "\u{202e}</bdi></td><script>alert(1)</script>\"' onload='x\u{0}\u{1b}[2J\r\nVÁLIDA ]]>&#0;\u{ffff}";

#[test]
fn hostile_words_stay_words_in_every_form() {
    let mut evidence = inspect(&signed("citizen", b"Solicito", true)).unwrap();
    // A certificate whose name is markup, at the length of the name that it had.
    let certificate = std::fs::read(certs("citizen.pem")).unwrap();
    let certificate = rubrica::engine::pki::Certificate::from_pem_or_der(&certificate)
        .unwrap()
        .remove(0);
    let name = certificate.subject().common_name();
    let markup = "<script>\u{8}\"'&\u{1}</script>";
    let forged: Vec<u8> = markup
        .bytes()
        .chain(std::iter::repeat(b'<'))
        .take(name.len())
        .collect();
    let mut der = certificate.bytes().to_vec();
    let at = der
        .windows(name.len())
        .position(|part| part == name.as_bytes())
        .unwrap();
    der[at..at + name.len()].copy_from_slice(&forged);
    let url = format!("http://x.example/{HOSTILE}");
    let origin = Origin::Fetched {
        url,
        at: AT.parse().unwrap(),
    };
    let id = evidence.pool.add(Object::new(
        ObjectKind::Certificate,
        &der[..],
        origin.clone(),
    ));
    for kind in [
        ObjectKind::OcspResponse,
        ObjectKind::CertificateRevocationList,
        ObjectKind::TimestampToken,
    ] {
        evidence.pool.add(Object::new(
            kind,
            format!("{kind:?}").into_bytes(),
            origin.clone(),
        ));
    }
    evidence.format = HOSTILE.to_string();
    let signature = &mut evidence.signatures[0];
    signature.name = HOSTILE.to_string();
    signature.form = HOSTILE.to_string();
    signature.reason = Some(HOSTILE.to_string());
    signature.location = Some(HOSTILE.to_string());
    signature.properties.mime_type = Some(HOSTILE.to_string());
    signature.properties.claimed_roles = vec![HOSTILE.to_string()];
    signature.properties.commitment_types =
        vec![rubrica::engine::syntax::asn1::Oid::from_dotted("1.2.840.113549.1.9.16.6.1").unwrap()];
    signature.properties.unsigned = vec!["certificate-values".to_string(), HOSTILE.to_string()];
    signature.scopes[0].name = HOSTILE.to_string();
    signature.references[0].name = HOSTILE.to_string();
    // Years that other calendars have.
    signature.claimed_time = Some(rubrica::engine::Time::from_unix(-62_167_219_200).unwrap());
    let inner = evidence.clone();
    evidence.inside.push(rubrica::engine::evidence::Nested {
        name: HOSTILE.to_string(),
        evidence: inner,
    });
    let mut whole = 0;
    for (form, text) in all_forms(&evidence) {
        assert_sound(form, &text, &format!("{form:?}"));
        match form {
            ReportForm::Html => {
                for banned in ["<script", "onload='", "javascript:", "<img", "src="] {
                    assert!(!text.contains(banned), "{banned}");
                }
                assert!(text.contains("&lt;script&gt;"));
                assert!(text.contains(&format!("id=\"o{id}\"")));
            }
            ReportForm::Etsi => {
                assert!(text.contains("<Time>0001-01-01T00:00:00Z</Time>"), "{text}");
                assert!(!text.contains("<URI>"), "no address is no anyURI");
                assert!(
                    text.contains("id=\"S-") && text.contains("-2\">"),
                    "one signature twice"
                );
            }
            ReportForm::SimpleText | ReportForm::DetailedText => {
                let forged = text
                    .lines()
                    .any(|line| line.trim_start().starts_with("VÁLIDA ]]"));
                assert!(!forged, "{text}");
            }
            _ => {}
        }
        whole += 1;
    }
    assert_eq!(whole, FORMS.len() * Language::ALL.len());
}

#[test]
fn reports_are_bounded_whatever_is_proven_to_have_existed() {
    let mut evidence = inspect(&signed("citizen", b"Solicito", true)).unwrap();
    let signature = evidence.signatures[0].clone();
    let stamp = Timestamp {
        kind: TimestampKind::Archive,
        token: signature.id,
        gen_time: AT.parse().unwrap(),
        policy: rubrica::engine::syntax::asn1::Oid::from_dotted("1.2.3").unwrap(),
        imprint: signature.references[0].clone(),
        covers: vec![signature.id; 1_000],
        signatures: Vec::new(),
        signature: Box::new(signature),
    };
    let policy = policy();
    let judged = |evidence: &Evidence, form| {
        let verdict = validate(evidence, &policy, AT.parse().unwrap());
        let judged = Judged {
            evidence,
            verdict: &verdict,
            policy: &policy,
        };
        write(&judged, form, Language::Es, "UTC")
    };
    evidence.signatures[0].timestamps = vec![stamp.clone()];
    assert!(judged(&evidence, ReportForm::Detailed).is_ok());
    evidence.signatures[0].timestamps = vec![stamp; 51];
    for form in [
        ReportForm::Detailed,
        ReportForm::DetailedText,
        ReportForm::Etsi,
        ReportForm::Html,
    ] {
        let error = judged(&evidence, form).unwrap_err();
        assert_eq!(error.kind(), rubrica::engine::ErrorKind::LimitExceeded);
    }
    assert!(judged(&evidence, ReportForm::Simple).is_ok());
}

#[test]
fn the_etsi_report_says_what_the_verdict_says() {
    let mut evidence = inspect(&signed("citizen", b"Solicito", true)).unwrap();
    for (kind, name) in [
        (ObjectKind::CertificateRevocationList, "root.crl"),
        (ObjectKind::CertificateRevocationList, "ca.crl"),
    ] {
        let list = std::fs::read(certs(name)).unwrap();
        let list = rubrica::engine::pki::CertificateList::from_pem_or_der(&list).unwrap();
        evidence
            .pool
            .add(Object::new(kind, list.bytes(), Origin::Given));
    }
    let text = |evidence: &Evidence| {
        let all = all_forms(evidence);
        all.into_iter()
            .find(|(form, _)| *form == ReportForm::Etsi)
            .unwrap()
            .1
    };
    let good = text(&evidence);
    for part in [
        "<MainIndication>urn:etsi:019102:mainindication:total-passed</MainIndication>",
        "urn:etsi:019102:validationprocess:Basic",
        "urn:etsi:019102:constraintStatus:applied",
        "urn:etsi:019102:validationObject:CRL",
        "urn:etsi:019102:validationObject:signedData",
        "<TrustAnchor VOReference=\"C-",
        "<IntermediateCertificate VOReference=\"C-",
        "<SecureAlgorithm>true</SecureAlgorithm>",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "<xades:SigPolicyHash>",
        "<SignatureTimeStamp",
    ] {
        assert_eq!(good.contains(part), part != "<SignatureTimeStamp", "{part}");
    }
    assert!(!good.contains("<SubIndication>"));
    evidence.signatures[0].references[0].actual = Some(vec![0; 32].into());
    let bad = text(&evidence);
    for part in [
        "mainindication:total-failed",
        "<SubIndication>urn:etsi:019102:subindication:HASH_FAILURE</SubIndication>",
        "urn:rubrica:check:reference.altered",
    ] {
        assert!(bad.contains(part), "{part}");
    }
    let revoked = inspect(&signed("revoked", b"Solicito", true)).unwrap();
    let mut with_lists = revoked.clone();
    with_lists.pool.extend(&evidence.pool);
    let revoked = text(&with_lists);
    for part in [
        "subindication:REVOKED_NO_POE",
        "<RevocationStatusInformation><ValidationObjectId VOReference=\"C-",
        "<RevocationObject VOReference=\"L-",
        "urn:etsi:019102:revocationReason:",
    ] {
        assert!(revoked.contains(part), "{part}");
    }
}

#[test]
fn what_is_not_signed_has_every_report_but_the_etsi_one() {
    let evidence = Evidence::new("PAdES", b"nothing");
    let forms: BTreeSet<_> = all_forms(&evidence)
        .iter()
        .map(|(form, _)| format!("{form:?}"))
        .collect();
    assert_eq!(forms.len(), FORMS.len() - 1);
    assert!(!forms.contains("Etsi"));
}

/// Every document of a corpus in every form.
#[test]
fn reports_of_the_corpora_are_sound() {
    let Some(corpora) = corpora::folder() else {
        println!("no corpora");
        return;
    };
    let mut files = Vec::new();
    let mut folders = vec![
        corpora.join("dss/dev/cades"),
        corpora.join("dss/dev/asic-cades"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.sort();
    let (mut reports, mut signed) = (0, 0);
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let Ok(evidence) = inspect(&bytes) else {
            continue;
        };
        for (form, text) in all_forms(&evidence) {
            assert_sound(form, &text, &format!("{} {form:?}", file.display()));
            reports += 1;
            signed += usize::from(form == ReportForm::Etsi);
        }
    }
    let by_schema = if schema().is_some() { signed } else { 0 };
    println!("{reports} reports, {signed} by TS 119 102-2, {by_schema} valid by the schema");
    assert!(signed > 100, "{signed}");
}
