//! Trusted lists in use: fetched whole from a server on loopback, kept, exported, and what a verdict says of them.

use crate::corpora;
use crate::sources::hostile::{Server, Step, answer};
use rubrica::engine::crypto::sha256;
use rubrica::engine::limits::Budget;
use rubrica::engine::pki::Certificate;
use rubrica::engine::pki::trust::{Anchors, TrustedList};
use rubrica::engine::validation::{Policy, TrustBasis};
use rubrica::service::clock::SettableClock;
use rubrica::service::config::Config;
use rubrica::service::trust::{Entry, Note, Role, Snapshot, Trust};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

type Pages = Arc<Mutex<HashMap<String, Vec<u8>>>>;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The lists of 2018 on a server: the list of the lists 247 with its pivots, and those territories that the corpus has.
struct Europe {
    server: Server,
    pages: Pages,
    data: tempfile::TempDir,
    clock: Arc<SettableClock>,
}

fn listed(files: &Path, name: &str) -> Vec<u8> {
    fs::read(files.join("lotlCache").join(name)).unwrap()
}

impl Europe {
    fn start() -> Option<Europe> {
        let Some(root) = corpora::folder() else {
            println!("corpora: none; skipped");
            return None;
        };
        let files = root.join("trusted-lists/dev/files");
        let pages = Pages::default();
        let served = pages.clone();
        let server = Server::start(move |request| serve(request, &served));
        let lotl = listed(&files, "tl_pivot_247_mp.xml");
        let mut text = String::from_utf8(lotl.clone()).unwrap();
        let list = TrustedList::read(&lotl, &mut Budget::default()).unwrap();
        for pointer in &list.scheme.pointers {
            let territory = pointer.territory.clone().unwrap_or_default();
            let file = files.join(format!("lotlCache/{territory}.xml"));
            if territory == "EU" || !pointer.is_for_machines() || !file.is_file() {
                continue;
            }
            let path = format!("/{territory}.xml");
            let place = |url: &str| format!("<TSLLocation>{url}</TSLLocation>");
            text = text.replace(&place(&pointer.location), &place(&server.url(&path)));
            pages.lock().unwrap().insert(path, fs::read(file).unwrap());
        }
        for number in [172, 191, 226, 247] {
            let name = format!("tl-pivot-{number}-mp.xml");
            let at = format!(
                "https://ec.europa.eu/information_society/policy/esignature/trusted-list/{name}"
            );
            text = text.replace(&at, &server.url(&format!("/{name}")));
            let bytes = listed(&files, &format!("tl_pivot_{number}_mp.xml"));
            pages.lock().unwrap().insert(format!("/{name}"), bytes);
        }
        pages
            .lock()
            .unwrap()
            .insert("/lotl.xml".into(), text.into_bytes());
        Some(Europe {
            server,
            pages,
            data: tempfile::tempdir().unwrap(),
            clock: Arc::new(SettableClock::at("2019-08-01T00:00:00Z".parse().unwrap())),
        })
    }

    fn page(&self, path: &str) -> Vec<u8> {
        self.pages.lock().unwrap()[path].clone()
    }

    fn put(&self, path: &str, bytes: Vec<u8>) {
        self.pages.lock().unwrap().insert(path.into(), bytes);
    }

    fn config(&self, vouched: &[&str]) -> Config {
        let vouched: Vec<String> = vouched
            .iter()
            .map(|page| hex(&sha256(&self.page(page))))
            .collect();
        let text = format!(
            "data = {:?}\n[sources]\nprivate_addresses = ['127.0.0.1']\n\
             [trust.lists]\nurl = '{}'\nterritories = ['ES', 'FR', 'IT', 'PT', 'SK']\nvouched = {vouched:?}\n",
            self.data.path().display().to_string(),
            self.server.url("/lotl.xml"),
        );
        Config::from_toml(&text, Path::new("rubrica.toml"), []).unwrap()
    }

    fn open(&self, config: &Config) -> Arc<Trust> {
        let template = Policy::baseline(Anchors::default());
        Trust::open(config, template, self.clock.clone()).unwrap()
    }
}

fn serve(request: &str, pages: &Pages) -> Vec<Step> {
    let path = request.split(' ').nth(1).unwrap_or_default();
    match pages.lock().unwrap().get(path) {
        None => answer("404 Not Found", "text/html", b"<html>nothing</html>"),
        Some(page) if page.is_empty() => answer("500 Broken", "text/html", b""),
        Some(page) => {
            let tag = format!("\"{}\"", hex(&sha256(page)[..8]));
            if request.contains(&tag) {
                let head = format!(
                    "HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nConnection: close\r\n\r\n"
                );
                return vec![Step::Send(head.into_bytes())];
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            vec![Step::Send([head.as_bytes(), page].concat())]
        }
    }
}

fn territories(trust: &Trust) -> Vec<(String, u64, &'static str)> {
    let lists = trust.lists();
    let one = |l: &rubrica::engine::pki::trust::Listing| {
        let scheme = &l.list.scheme;
        (
            scheme.territory.clone().unwrap(),
            scheme.sequence.unwrap(),
            l.authenticity.name(),
        )
    };
    lists.iter().map(one).collect()
}

#[test]
fn one_country_that_fails_harms_no_other() {
    let Some(europe) = Europe::start() else {
        return;
    };
    europe.put("/IT.xml", Vec::new());
    europe.put("/PT.xml", europe.page("/FR.xml"));
    europe.put("/SK.xml", b"<html>Sign in to the network</html>".to_vec());
    let config = europe.config(&["/lotl.xml", "/ES.xml"]);
    let trust = europe.open(&config);
    let error = trust.check_ready().unwrap_err();
    assert!(error.problem().contains("none was imported"), "{error}");
    let outcomes = trust.refresh_all();
    let failed: Vec<&str> = outcomes
        .iter()
        .filter(|o| o.result.is_err())
        .map(|o| o.key.as_str())
        .collect();
    assert_eq!(failed, ["IT", "PT", "SK"], "{outcomes:?}");
    trust.check_ready().unwrap();
    let expected = [
        ("ES", 88, "vouched"),
        ("EU", 247, "vouched"),
        ("FR", 56, "unverified"),
    ];
    let found = territories(&trust);
    let found: Vec<_> = found.iter().map(|(t, n, a)| (t.as_str(), *n, *a)).collect();
    assert_eq!(found, expected);
    let (snapshot, _) = trust.snapshot();
    let pivots = snapshot
        .entries
        .iter()
        .filter(|e| e.note.role == Role::Pivot);
    let pivots: Vec<u64> = pivots.map(|e| e.sequence()).collect();
    assert_eq!(pivots, [172, 191, 226, 247]);
    let policy = trust.handle().current();
    assert!(policy.anchors.len() > 100, "{}", policy.anchors.len());
    let basis = TrustBasis::of(&policy, "2019-08-01T00:00:00Z".parse().unwrap());
    assert_eq!(basis.lists.len(), 2);
    let later = TrustBasis::of(&policy, "2026-11-25T00:00:00Z".parse().unwrap());
    assert!(later.lists.iter().all(|list| list.expired));
    let metrics = trust.metrics();
    assert!(
        metrics.contains("rubrica_trusted_list_sequence{territory=\"ES\"} 88\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("rubrica_trusted_list_failures 3\n"),
        "{metrics}"
    );

    // What was good stays, and what is not new is not sent again.
    let changes = trust.handle().changes();
    europe.put("/ES.xml", Vec::new());
    assert!(
        trust
            .refresh_all()
            .iter()
            .all(|o| !matches!(o.result, Ok(true)))
    );
    assert_eq!(trust.handle().changes(), changes);
    assert_eq!(territories(&trust).len(), 3);
}

#[test]
fn a_list_of_lists_put_in_the_place_of_the_believed_one_steers_nothing() {
    let Some(europe) = Europe::start() else {
        return;
    };
    let lotl = String::from_utf8(europe.page("/lotl.xml")).unwrap();
    let config = europe.config(&["/lotl.xml", "/ES.xml"]);
    let trust = europe.open(&config);
    trust.refresh_all();
    let own = "<SchemeTerritory>EU</SchemeTerritory>";
    let at = lotl.find(own).unwrap();
    let mut planted = lotl.replace(&europe.server.url("/ES.xml"), &europe.server.url("/X.xml"));
    planted.replace_range(at..at + own.len(), "<SchemeTerritory>AA</SchemeTerritory>");
    europe.put("/lotl.xml", planted.into_bytes());
    europe.put("/X.xml", b"<html>Nothing here</html>".to_vec());
    europe.clock.advance(std::time::Duration::from_secs(90_000));
    let outcomes = trust.refresh_all();
    let of_spain = outcomes.iter().find(|o| o.key == "ES").unwrap();
    assert!(of_spain.result.is_ok(), "{:?}", of_spain.result);
    let found = territories(&trust);
    let state = |of: &str| {
        found
            .iter()
            .find(|(t, ..)| t == of)
            .map(|(.., state)| *state)
    };
    assert_eq!(
        (state("EU"), state("ES")),
        (Some("vouched"), Some("vouched"))
    );
    assert_eq!(state("AA"), Some("unverified"));
}

#[test]
fn an_older_list_never_takes_the_place_of_a_newer_one() {
    let Some(europe) = Europe::start() else {
        return;
    };
    let old = europe.page("/FR.xml");
    let files = corpora::folder().unwrap().join("trusted-lists/dev/files");
    let new = listed(&files, "FR_59.xml");
    europe.put("/FR.xml", new.clone());
    let trust = europe.open(&europe.config(&["/lotl.xml", "/FR.xml"]));
    trust.refresh_all();
    let digest = trust.handle().current().anchors.digest();
    for other in [old, [&new[..], b"\n"].concat()] {
        europe.put("/FR.xml", other);
        let outcomes = trust.refresh_all();
        let france = outcomes.iter().find(|o| o.key == "FR").unwrap();
        let error = france.result.as_ref().unwrap_err().to_string();
        assert!(error.contains("sequence number"), "{error}");
        assert!(territories(&trust).contains(&("FR".into(), 59, "vouched")));
    }
    assert_eq!(trust.handle().current().anchors.digest(), digest);
    let failure = &trust.failures()["FR"];
    assert_eq!(failure.attempts, 2);
}

#[test]
fn a_newer_list_waits_beside_the_one_in_use_until_somebody_vouches() {
    let Some(europe) = Europe::start() else {
        return;
    };
    let trust = europe.open(&europe.config(&["/lotl.xml", "/FR.xml"]));
    trust.refresh_all();
    let before = trust.handle().current();
    let files = corpora::folder().unwrap().join("trusted-lists/dev/files");
    europe.put("/FR.xml", listed(&files, "FR_59.xml"));
    trust.refresh_all();
    let both = territories(&trust);
    assert!(
        both.contains(&("FR".into(), 56, "vouched"))
            && both.contains(&("FR".into(), 59, "unverified"))
    );
    assert_eq!(
        trust.handle().current().anchors.digest(),
        before.anchors.digest()
    );
    // Who vouches for the newer one by the configuration has it alone from then on.
    let later = europe.open(&europe.config(&["/lotl.xml", "/FR.xml"]));
    assert!(territories(&later).contains(&("FR".into(), 59, "vouched")));
    assert!(
        !territories(&later)
            .iter()
            .any(|(t, n, _)| t == "FR" && *n == 56)
    );
    assert_ne!(
        later.handle().current().anchors.digest(),
        before.anchors.digest()
    );
}

#[test]
fn without_a_network_the_last_snapshot_serves_and_a_damaged_one_is_never_believed() {
    let Some(europe) = Europe::start() else {
        return;
    };
    let mut config = europe.config(&["/lotl.xml", "/ES.xml"]);
    let trust = europe.open(&config);
    trust.refresh_all();
    let digest = trust.handle().current().anchors.digest();
    let (snapshot, _) = trust.snapshot();
    let file = snapshot.to_file().unwrap();
    assert_eq!(file, snapshot.to_file().unwrap());

    config.sources.offline = true;
    let restarted = europe.open(&config);
    restarted.check_ready().unwrap();
    assert_eq!(restarted.handle().current().anchors.digest(), digest);
    assert!(!trust.reload_if_changed().unwrap());

    let spain = format!("{}.xml", hex(&sha256(&europe.page("/ES.xml"))));
    let path = europe.data.path().join("trust").join(spain);
    let sound = fs::read(&path).unwrap();
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    fs::write(&path, damaged).unwrap();
    let opened = europe.open(&config);
    let error = opened.check_ready().unwrap_err();
    assert!(error.problem().contains("damaged"), "{error}");
    assert!(opened.handle().current().anchors.is_empty());
    fs::write(&path, &sound[..1000]).unwrap();
    assert!(europe.open(&config).check_ready().is_err());
    fs::remove_file(&path).unwrap();
    assert!(europe.open(&config).check_ready().is_err());
    fs::write(&path, &sound).unwrap();
    europe.open(&config).check_ready().unwrap();
    let index = europe.data.path().join("trust/index");
    let mut bytes = fs::read(&index).unwrap();
    bytes[200] ^= 1;
    fs::write(&index, &bytes).unwrap();
    assert!(europe.open(&config).check_ready().is_err());
    fs::write(&index, b"").unwrap();
    assert!(europe.open(&config).check_ready().is_err());

    // Whatever byte of an exported file is another, it is not imported.
    for at in (0..file.len()).step_by(file.len() / 41) {
        let mut other = file.clone();
        other[at] ^= 0x40;
        if let Ok(read) = Snapshot::from_file(&other) {
            // A byte that ZIP leaves free (a date): the lists are the same.
            assert_eq!(read.to_file().unwrap(), file, "byte {at}");
        }
    }
}

const AT: &str = "2026-11-24T12:00:00Z";

fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

/// A list of one service whose key is the test root's.
fn list_of_root(sequence: u32, status: &str, since: &str) -> String {
    use base64::Engine;
    let root = &Certificate::from_pem_or_der(&fs::read(certs("root.pem")).unwrap()).unwrap()[0];
    let certificate = base64::engine::general_purpose::STANDARD.encode(root.bytes());
    let service = "http://uri.etsi.org/TrstSvc";
    format!(
        "<TrustServiceStatusList xmlns='http://uri.etsi.org/02231/v2#'><SchemeInformation>\
         <TSLVersionIdentifier>6</TSLVersionIdentifier><TSLSequenceNumber>{sequence}</TSLSequenceNumber>\
         <TSLType>{service}/TrustedList/TSLType/EUgeneric</TSLType><SchemeTerritory>ES</SchemeTerritory>\
         <ListIssueDateTime>2026-11-01T00:00:00Z</ListIssueDateTime>\
         <NextUpdate><dateTime>2027-05-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation>\
         <TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name xml:lang='es'>Prestador de prueba</Name>\
         </TSPName></TSPInformation><TSPServices><TSPService><ServiceInformation>\
         <ServiceTypeIdentifier>{service}/Svctype/CA/QC</ServiceTypeIdentifier>\
         <ServiceName><Name xml:lang='es'>AC de prueba</Name></ServiceName>\
         <ServiceDigitalIdentity><DigitalId><X509Certificate>{certificate}</X509Certificate></DigitalId></ServiceDigitalIdentity>\
         <ServiceStatus>{service}/TrustedList/Svcstatus/{status}</ServiceStatus>\
         <StatusStartingTime>{since}</StatusStartingTime></ServiceInformation></TSPService></TSPServices>\
         </TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>"
    )
}

/// A folder with a configuration, and the command run on it.
pub(crate) struct Operator(tempfile::TempDir);

impl Operator {
    pub(crate) fn new(trust: &str) -> Operator {
        let operator = Operator(tempfile::tempdir().unwrap());
        operator.write("rubrica.toml", &format!("[trust]\n{trust}\n"));
        operator
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(arguments)
            .env("RUBRICA_CONFIG", self.path("rubrica.toml"))
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }

    /// Verifies a signature of the test citizen, at an instant.
    fn verify(&self, more: &[&str], at: &str) -> (i32, String, String) {
        let name = self.path("signed.p7s");
        if !Path::new(&name).exists() {
            fs::write(&name, crate::cli::signed("citizen", b"content", true)).unwrap();
        }
        let lists = ["root.crl", "ca.crl"].map(|n| certs(n).display().to_string());
        let ca = certs("ca.pem").display().to_string();
        let mut all = vec![
            "verify",
            "--offline",
            "--at",
            at,
            "--crl",
            &lists[0],
            "--crl",
            &lists[1],
        ];
        all.extend(["--certificate", &ca]);
        all.extend(more);
        all.push(&name);
        self.run(&all)
    }
}

#[test]
fn who_vouches_for_a_snapshot_vouches_for_nothing_that_its_digest_does_not_name() {
    let honest = list_of_root(3, "withdrawn", "2020-01-01T00:00:00Z").replace(">ES<", ">FR<");
    let planted = list_of_root(7, "granted", "2020-01-01T00:00:00Z");
    let entry = |list: &str, role: Role| {
        Entry::new(list.as_bytes().to_vec(), |digest| Note {
            digest,
            role,
            url: None,
            validators: Default::default(),
            vouched: true,
            received: AT.parse().unwrap(),
        })
        .unwrap()
    };
    let operator = Operator::new("[trust.lists]");
    operator.write("es.xml", &planted);
    let mut snapshot = Snapshot::default();
    snapshot.entries.push(entry(&honest, Role::List));
    let digest = hex(&snapshot.vouched_digest().unwrap());
    // Somebody on the way adds a list that is said to be vouched for, where the digest does not look.
    snapshot.entries.push(entry(&planted, Role::Pivot));
    assert_eq!(hex(&snapshot.vouched_digest().unwrap()), digest);
    let file = operator.path("lists.zip");
    fs::write(&file, snapshot.to_file().unwrap()).unwrap();
    operator.run(&["trust", "import", &file, "--vouch", &digest]);
    let (code, out, _) = operator.run(&["trust", "import", &operator.path("es.xml")]);
    assert_eq!(code, 2, "{out}");
    let (code, out, _) = operator.verify(&[], AT);
    assert_eq!(code, 2, "{out}");
}

#[test]
fn imported_lists_anchor_nothing_until_the_operator_vouches_for_them() {
    let operator = Operator::new("[trust.lists]");
    let list = list_of_root(7, "granted", "2020-01-01T00:00:00Z");
    operator.write("es.xml", &list);
    let (file, digest) = (operator.path("es.xml"), hex(&sha256(list.as_bytes())));
    let (code, out, _) = operator.run(&["trust", "import", &file]);
    assert_eq!(code, 2, "{out}");
    assert!(
        out.contains("anchors nothing") && out.contains(&digest),
        "{out}"
    );
    let (code, out, _) = operator.verify(&[], AT);
    assert_eq!(code, 2, "{out}");
    let other = "0".repeat(64);
    let (code, _, err) = operator.run(&["trust", "import", &file, "--vouch", &other]);
    assert_eq!(code, 3);
    assert!(err.contains("digest of nothing"), "{err}");
    let (code, out, _) = operator.run(&["trust", "import", &file, "--vouch", &digest]);
    assert_eq!(code, 0, "{out}");

    let (code, out, err) = operator.verify(&[], AT);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("Lista de confianza ES: Prestador de prueba, AC de prueba"),
        "{out}"
    );
    assert!(out.contains("Lista de confianza: ES 7"), "{out}");
    let (code, json, _) =
        operator.run(&["trust", "list", "--json", "--services", "--territory", "ES"]);
    assert_eq!(code, 0);
    let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(shown["lists"][0]["authenticity"], "vouched");
    assert_eq!(shown["lists"][0]["services"]["granted"], 1);
    assert_eq!(shown["lists"][0]["service"][0]["name"], "AC de prueba");
    let snapshot = shown["snapshot"].as_str().unwrap();
    assert!(out.contains(snapshot), "{out}");
    let (_, text, _) = operator.run(&["trust", "list"]);
    assert!(text.contains("ES") && text.contains("1 granted"), "{text}");

    // Another service takes the whole snapshot by one digest, and then replays what the first one judged.
    let evidence = operator.path("evidence.json");
    let (_, first, _) = operator.verify(&["--json", "--evidence", &evidence], AT);
    let exported = operator.path("snapshot.zip");
    assert_eq!(operator.run(&["trust", "export", &exported]).0, 0);
    let other = Operator::new("[trust.lists]");
    let (code, _, err) = other.run(&["replay", "--json", &evidence]);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("--other-trust"), "{err}");
    assert_eq!(
        other
            .run(&["replay", "--json", "--other-trust", &evidence])
            .0,
        2
    );
    assert_eq!(other.run(&["trust", "import", &exported]).0, 2);
    assert_eq!(
        other
            .run(&["trust", "import", &exported, "--vouch", snapshot])
            .0,
        0
    );
    let (code, again, err) = other.run(&["replay", "--json", &evidence]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(first, again);
}

#[test]
fn a_withdrawn_service_is_trusted_for_what_was_before() {
    let operator = Operator::new("[trust.lists]");
    let list = list_of_root(8, "withdrawn", "2026-01-01T00:00:00Z").replace(
        "</ServiceInformation></TSPService>",
        "</ServiceInformation><ServiceHistory><ServiceHistoryInstance>\
         <ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/CA/QC</ServiceTypeIdentifier>\
         <ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/granted</ServiceStatus>\
         <StatusStartingTime>2020-01-01T00:00:00Z</StatusStartingTime>\
         </ServiceHistoryInstance></ServiceHistory></TSPService>",
    );
    operator.write("es.xml", &list);
    let digest = hex(&sha256(list.as_bytes()));
    assert_eq!(
        operator
            .run(&[
                "trust",
                "import",
                &operator.path("es.xml"),
                "--vouch",
                &digest
            ])
            .0,
        0
    );
    let (code, out, _) = operator.verify(&["--json"], AT);
    assert_eq!(code, 2, "{out}");
    assert!(out.contains("path.anchor_not_trusted"), "{out}");
}

#[test]
fn a_historical_anchor_says_where_it_comes_from() {
    let trusted = |from: &str, until: &str| {
        format!(
            "[[trust.historical]]\ncertificate = '{}'\nfrom = '{from}'\nuntil = '{until}'\n\
             provenance = 'Copia del archivo de la TGSS'",
            certs("root.pem").display()
        )
    };
    let operator = Operator::new(&trusted("2020-01-01T00:00:00Z", "2027-01-01T00:00:00Z"));
    let (code, out, err) = operator.verify(&[], AT);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains(
            "certificado histórico configurado por el operador: Copia del archivo de la TGSS"
        ),
        "{out}"
    );
    let (_, out, _) = operator.verify(&["--lang", "en"], AT);
    assert!(
        out.contains("historical certificate that the operator configured: Copia"),
        "{out}"
    );
    let operator = Operator::new(&trusted("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"));
    assert_eq!(operator.verify(&[], AT).0, 2);
    let operator = Operator::new(&trusted("2020-01-01T00:00:00Z", "2019-01-01T00:00:00Z"));
    let (code, _, err) = operator.verify(&[], AT);
    assert_eq!(code, 3);
    assert!(err.contains("trust.historical.until"), "{err}");
}

/// A service over a folder, asked whether it is ready.
struct Running(std::process::Child, std::net::SocketAddr);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn over(operator: &Operator, address: std::net::SocketAddr) -> Running {
        let child = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(["serve", "--config", &operator.path("rubrica.toml")])
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Running(child, address)
    }

    fn ready(&self) -> Option<(u16, serde_json::Value)> {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(self.1).ok()?;
        let request = b"GET /readyz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        stream.write_all(request).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let status = answer.split(' ').nth(1)?.parse().ok()?;
        let body = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        Some((status, body))
    }

    /// Asks until the answer is as `wanted`, within a time that no slow machine needs.
    fn comes_to(&self, wanted: impl Fn(u16, &serde_json::Value) -> bool) -> serde_json::Value {
        let began = std::time::Instant::now();
        let mut last = None;
        while began.elapsed() < std::time::Duration::from_secs(60) {
            last = self.ready();
            if let Some((status, body)) = &last
                && wanted(*status, body)
            {
                return body.clone();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("{last:?}");
    }

    fn hang_up(&self) {
        let told = Command::new("sh")
            .args(["-c", &format!("kill -HUP {}", self.0.id())])
            .status();
        assert!(told.unwrap().success());
    }
}

#[test]
fn a_running_service_is_ready_by_its_lists_alone_and_reads_them_again_at_sighup() {
    let operator = Operator::new("");
    let list = list_of_root(7, "granted", "2020-01-01T00:00:00Z");
    let digest = hex(&sha256(list.as_bytes()));
    let address = crate::port::free();
    operator.write(
        "rubrica.toml",
        &format!(
            "listen = '{address}'\n[trust]\nanchors = ['anchors']\n[trust.lists]\nfiles = ['es.xml']\nvouched = ['{digest}']\n\
             [sources]\noffline = true\n"
        ),
    );
    fs::create_dir(operator.path("anchors")).unwrap();
    fs::copy(certs("root.pem"), operator.path("anchors/root.pem")).unwrap();
    // A list that nobody vouches for is none, though there is a local anchor: not ready, and why.
    operator.write(
        "es.xml",
        &list_of_root(6, "granted", "2020-01-01T00:00:00Z"),
    );
    let service = Running::over(&operator, address);
    let body = service.comes_to(|status, _| status == 503);
    assert_eq!(body["checks"]["anchors"]["ok"], true, "{body}");
    let reason = body["checks"]["trusted_lists"]["reason"].as_str().unwrap();
    assert!(reason.contains("nobody vouches"), "{body}");

    // What stands in the files meanwhile counts from SIGHUP on, and not before.
    operator.write("es.xml", &list);
    assert_eq!(service.ready().unwrap().0, 503);
    service.hang_up();
    service.comes_to(|status, body| status == 200 && body["checks"]["trusted_lists"]["ok"] == true);

    // Files that cannot be read change nothing.
    operator.write("es.xml", "<TrustServiceStatusList");
    service.hang_up();
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(service.ready().unwrap().0, 200);
    drop(service);

    // Imported, it survives without its file and without a network.
    operator.write("list.xml", &list);
    let imported = operator.run(&[
        "trust",
        "import",
        &operator.path("list.xml"),
        "--vouch",
        &digest,
    ]);
    assert_eq!(imported.0, 3, "{imported:?}");
    operator.write(
        "rubrica.toml",
        &format!("listen = '{address}'\n[trust.lists]\n[sources]\noffline = true\n"),
    );
    let empty = Running::over(&operator, address);
    let body = empty.comes_to(|status, _| status == 503);
    let reason = body["checks"]["trusted_lists"]["reason"].as_str().unwrap();
    assert!(reason.contains("no trusted list is there"), "{body}");
    drop(empty);
    let imported = operator.run(&[
        "trust",
        "import",
        &operator.path("list.xml"),
        "--vouch",
        &digest,
    ]);
    assert_eq!(imported.0, 0, "{imported:?}");
    Running::over(&operator, address).comes_to(|status, _| status == 200);
}
