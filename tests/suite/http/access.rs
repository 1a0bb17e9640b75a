//! A reverse proxy asks whether the certificate of its client is admitted: real proxies with TLS client authentication in
//! front, and the header as a stranger would forge it.

use super::limits::Held;
use super::office::{Answer, Office, metadata, private, request};
use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::crl::{self, ToBeListed};
use rubrica::engine::authority::extension as ext;
use rubrica::engine::pki::extension::{Extension, KeyUsage};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, CertificateList, Validity};
use rubrica::engine::syntax::asn1::{Oid, names};
use rubrica::engine::syntax::pem::block;
use rubrica::engine::validation::Policy;
use rubrica::service::flow::CertificateDesk;
use rubrica::service::keys::FileSigner;
use rubrica::service::sources::{Folder, Sources};
use rubrica::service::trust::PolicyHandle;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

const SECRET: &str = "b0c6f1d2a3948576b0c6f1d2a3948576";
const OTHER: &str = "00112233445566778899aabbccddeeff";

fn certs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("certs/test")
        .join(name)
}

fn pem(name: &str) -> String {
    let text = std::fs::read_to_string(certs(&format!("{name}.pem"))).unwrap();
    let (end, from) = (
        "-----END CERTIFICATE-----\n",
        text.find("-----BEGIN").unwrap(),
    );
    text[from..text.find(end).unwrap() + end.len()].to_string()
}

fn base64(name: &str) -> String {
    let pem = pem(name);
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

/// As nginx escapes: everything but what is unreserved.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |out, b| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            out + &char::from(b).to_string()
        }
        b => out + &format!("%{b:02X}"),
    })
}

/// A service that two secrets open.
struct Guarded {
    office: Office,
    folder: tempfile::TempDir,
}

fn guarded(more: &str) -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    private(&folder.path().join("secret"), &format!("{SECRET}\n"));
    private(&folder.path().join("next"), &format!("{OTHER}\n"));
    let path = folder.path().display();
    let office = Office::with(&format!(
        "[access]\nsecrets=['{path}/secret','{path}/next']\n{more}"
    ));
    Guarded { office, folder }
}

impl Guarded {
    fn ask(&self, header: &str, value: &str) -> Answer {
        let ask = self
            .office
            .ask("GET", "/v1/access")
            .header("X-Rubrica-Proxy-Secret", SECRET);
        ask.header(header, value).send()
    }
}

#[test]
fn a_proxy_is_answered_with_who_it_is_or_why_not() {
    let guarded = guarded("");
    let good = guarded.ask("X-SSL-Client-Cert", &escaped(&pem("citizen")));
    assert_eq!(good.status, 200, "{}", good.text());
    assert_eq!(good.header("x-rubrica-status"), Some("good"));
    assert_eq!(good.header("x-rubrica-number").unwrap().len(), 9);
    assert_eq!(
        good.header("x-rubrica-entity"),
        Some(""),
        "there even where it says nothing"
    );
    assert_eq!(good.header("x-rubrica-fingerprint").unwrap().len(), 64);
    let name = good.header("x-rubrica-name").unwrap();
    assert!(name.contains("%20") && name.is_ascii(), "{name}");
    for (certificate, word) in [
        ("revoked", "revoked"),
        ("expired", "expired"),
        ("future", "not-yet-valid"),
        ("tsa", "not-for-purpose"),
    ] {
        let refused = guarded.ask("X-SSL-Client-Cert", &escaped(&pem(certificate)));
        assert_eq!(refused.status, 403, "{certificate}");
        assert_eq!(refused.header("x-rubrica-status"), Some(word));
        assert_eq!(refused.header("x-rubrica-number"), None);
        assert!(refused.header("x-rubrica-reason").unwrap().contains("%20"));
        assert!(
            refused.text().starts_with("El certificado"),
            "{}",
            refused.text()
        );
    }
    let english = guarded
        .office
        .ask("GET", "/v1/access")
        .header("X-Rubrica-Proxy-Secret", SECRET)
        .header("Accept-Language", "en")
        .header("X-SSL-Client-Cert", &escaped(&pem("revoked")))
        .send();
    assert!(english.text().contains("revoked"), "{}", english.text());
    let none = guarded.ask("X-SSL-Client-Cert", "");
    assert_eq!(
        (none.status, none.header("x-rubrica-status")),
        (401, Some("no-certificate"))
    );
    assert!(none.header("www-authenticate").is_some());
    for wrong in ["rubbish", "%00", "%2", &escaped(&pem("citizen"))[1..]] {
        let answer = guarded.ask("X-SSL-Client-Cert", wrong);
        assert_eq!(
            (answer.status, answer.header("x-rubrica-status")),
            (403, Some("unreadable"))
        );
    }
}

#[test]
fn any_method_and_any_path_below_is_answered_alike() {
    let guarded = guarded("");
    for path in [
        "/v1/access",
        "/v1/access/",
        "/v1/access/a/b%20c?d=e",
        "/v1/access/../../x",
    ] {
        for method in [
            "GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND",
        ] {
            let ask = guarded
                .office
                .ask(method, path)
                .header("X-Rubrica-Proxy-Secret", SECRET);
            let answer = ask
                .header("X-SSL-Client-Cert", &escaped(&pem("citizen")))
                .send();
            assert_eq!(answer.status, 200, "{method} {path}");
        }
    }
    let head = guarded
        .office
        .ask("HEAD", "/v1/access")
        .header("X-Rubrica-Proxy-Secret", OTHER)
        .send();
    assert_eq!(head.status, 401);
}

#[test]
fn nobody_else_can_claim_a_certificate() {
    let guarded = guarded("");
    let certificate = escaped(&pem("citizen"));
    let ask = |secrets: &[&str]| {
        let mut ask = guarded
            .office
            .ask("GET", "/v1/access")
            .header("X-SSL-Client-Cert", &certificate);
        for secret in secrets {
            ask = ask.header("X-Rubrica-Proxy-Secret", secret);
        }
        ask.send()
    };
    for secrets in [
        &[][..],
        &[""],
        &["wrong"],
        &[&SECRET[..31]],
        &[SECRET, SECRET],
        &["wrong", SECRET],
    ] {
        let refused = ask(secrets);
        assert_eq!(refused.remedied(403), "proxy", "{secrets:?}");
        assert!(refused.header("x-rubrica-status").is_none() && !refused.text().contains(SECRET));
    }
    assert_eq!((ask(&[SECRET]).status, ask(&[OTHER]).status), (200, 200));
    // A client that sends the header itself beside that of the proxy.
    let twice = guarded
        .office
        .ask("GET", "/v1/access")
        .header("X-Rubrica-Proxy-Secret", SECRET)
        .header("X-SSL-Client-Cert", &certificate)
        .header("X-SSL-Client-Cert", &escaped(&pem("employee")))
        .send();
    assert_eq!(
        (twice.status, twice.header("x-rubrica-status")),
        (403, Some("unreadable"))
    );
    // Without [access] there is no door at all.
    assert_eq!(Office::open().get("/v1/access").status, 404);
    let elsewhere = guarded_by_address("10.9.9.9");
    assert_eq!(
        elsewhere
            .ask("GET", "/v1/access")
            .header("X-SSL-Client-Cert", &certificate)
            .send()
            .status,
        403
    );
    let here = guarded_by_address("127.0.0.1");
    assert_eq!(
        here.ask("GET", "/v1/access")
            .header("X-SSL-Client-Cert", &certificate)
            .send()
            .status,
        200
    );
}

fn guarded_by_address(address: &str) -> Office {
    Office::with(&format!("[access]\nproxies=['{address}']\n"))
}

#[test]
fn what_could_not_be_checked_is_never_told_as_revoked_and_admitted_only_where_that_is_said() {
    // A service whose revocation lists are gone.
    let open = |more: &str| {
        let folder = tempfile::tempdir().unwrap();
        private(&folder.path().join("secret"), SECRET);
        let more = format!(
            "[access]\nsecrets=['{}/secret']\n{more}",
            folder.path().display()
        );
        let office = Office::altered(&more, |parts| {
            let certificates = rubrica::service::sources::Folder::read(&[certs("ca.pem")]).unwrap();
            let settings = &parts.config.sources;
            let sources = rubrica::service::sources::Sources::new(
                settings,
                certificates,
                parts.clock.clone(),
            )
            .unwrap();
            parts.certificate_desk =
                std::sync::Arc::new(rubrica::service::flow::CertificateDesk::new(
                    parts.policy.clone(),
                    std::sync::Arc::new(sources),
                    parts.clock.clone(),
                    Default::default(),
                    100,
                ));
        });
        Guarded { office, folder }
    };
    let ask = |guarded: &Guarded, name: &str| {
        guarded.ask(
            "X-SSL-Client-Cert",
            &escaped(&format!("{}{}", pem(name), pem("ca"))),
        )
    };
    let refusing = open("");
    let refused = ask(&refusing, "revoked");
    assert_eq!(
        (refused.status, refused.header("x-rubrica-status")),
        (403, Some("could-not-check"))
    );
    let waiting = open("if_unknown='unavailable'\n");
    let later = ask(&waiting, "citizen");
    assert_eq!(later.remedied(503), "revocation status");
    assert!(later.header("retry-after").is_some());
    let admitting = open(
        "[[access.service]]\nname='lax'\nif_unknown='admit'\n[[access.service]]\nname='strict'\n",
    );
    let admitted = ask(&admitting, "citizen");
    assert_eq!(
        (admitted.status, admitted.header("x-rubrica-status")),
        (200, Some("could-not-check"))
    );
    // What stands against it otherwise is not forgiven.
    assert_eq!(ask(&admitting, "expired").status, 403);
    let by_service = |service: &str| {
        let ask = admitting
            .office
            .ask("GET", "/v1/access")
            .header("X-Rubrica-Proxy-Secret", SECRET);
        ask.header("X-Rubrica-Service", service)
            .header(
                "X-SSL-Client-Cert",
                &escaped(&(pem("citizen") + &pem("ca"))),
            )
            .send()
    };
    assert_eq!(
        (by_service("lax").status, by_service("strict").status),
        (200, 403)
    );
    assert_eq!(by_service("none").remedied(403), "header X-Rubrica-Service");
    drop(refusing.folder);
}

#[test]
fn certificates_that_wait_for_addresses_do_not_keep_a_caller_from_registering() {
    let folder = tempfile::tempdir().unwrap();
    private(&folder.path().join("secret"), SECRET);
    let more = format!(
        "[access]\nsecrets=['{}/secret']\n[limits]\nconcurrent_requests=40\n",
        folder.path().display()
    );
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let office = Office::altered(&more, |parts| {
        let mut sources = Sources::default();
        sources.add(Held(gate.clone()));
        let (policy, clock) = (parts.policy.clone(), parts.clock.clone());
        let desk = CertificateDesk::new(policy, Arc::new(sources), clock, Default::default(), 100);
        parts.certificate_desk = Arc::new(desk);
    });
    let names = "citizen revoked seal seal-p256 tsa website employee ocsp expired future";
    let names = names.split(' ');
    let questions = names.flat_map(|name| (1..=4).map(move |n| (name, n)));
    let held: Vec<TcpStream> = questions
        .map(|(name, n)| {
            let shown = escaped(&(pem(name) + &pem("ca").repeat(n)));
            let head =
                format!("X-Rubrica-Proxy-Secret: {SECRET}\r\nX-SSL-Client-Cert: {shown}\r\n");
            office.ask("GET", "/v1/access").begin(&head)
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let answer = office.register(1, "held", &request(&metadata()));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    assert_eq!(answer.status, 201, "{}", answer.text());
    drop(held);
}

#[test]
fn every_form_opens_the_same_door() {
    let both = format!("{}{}", pem("citizen"), pem("ca"));
    let (cert, ca) = (base64("citizen"), base64("ca"));
    for (form, header, value) in [
        (
            "apache",
            "SSL-Client-Cert",
            pem("citizen").replace('\n', " "),
        ),
        ("haproxy", "X-SSL-Client-Cert", cert.clone()),
        (
            "envoy",
            "X-Forwarded-Client-Cert",
            format!(
                "By=spiffe://x;Subject=\"CN=a;b\";Chain=\"{}\"",
                escaped(&both)
            ),
        ),
        (
            "traefik",
            "X-Forwarded-Tls-Client-Cert",
            format!("{cert},{ca}"),
        ),
        ("rfc9440", "Client-Cert", format!(":{cert}:")),
    ] {
        let guarded = guarded(&format!("form='{form}'\n"));
        let answer = guarded.ask(header, &value);
        assert_eq!(
            (answer.status, answer.header("x-rubrica-status")),
            (200, Some("good")),
            "{form}"
        );
        assert_eq!(guarded.ask(header, &value[1..]).status, 403, "{form}");
        assert_eq!(guarded.ask("X-Other", &value).status, 401, "{form}");
    }
}

/// A program that runs until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_there(program: &str, argument: &str) -> bool {
    let found = Command::new(program)
        .arg(argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        eprintln!("{program} is not installed: nothing was tested with it");
    }
    found.is_ok()
}

fn start(program: &str, arguments: &[&str], address: SocketAddr) -> Running {
    let log = Stdio::inherit();
    let running = Running(
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap(),
    );
    let patience = Instant::now() + Duration::from_secs(20);
    while TcpStream::connect(address).is_err() {
        assert!(Instant::now() < patience, "{program} does not listen");
        std::thread::sleep(Duration::from_millis(50));
    }
    running
}

/// What is protected: answers every request with its own head.
fn backend() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).is_ok_and(|n| n > 2) {}
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{head}",
                head.len()
            );
            let _ = (&stream).write_all(answer.as_bytes());
            let _ = (&stream).take(0).read(&mut []);
        }
    });
    address
}

/// A client with a certificate: its file and key as curl takes them.
fn curl(address: SocketAddr, certificate: &[&str], more: &[&str]) -> (u16, String) {
    curl_at(address, "/expediente/7?x=y", certificate, more)
}

fn curl_at(address: SocketAddr, path: &str, certificate: &[&str], more: &[&str]) -> (u16, String) {
    let output = Command::new("curl")
        .args(["-sk", "--max-time", "30", "-w", "\n%{http_code}"])
        .args(certificate)
        .args(more)
        .arg(format!("https://{address}{path}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').unwrap_or(("", "0"));
    (code.parse().unwrap_or(0), body.to_string())
}

fn p12(name: &str) -> [String; 4] {
    let file = format!("{}:demo", certs(&format!("{name}.p12")).display());
    ["--cert-type".into(), "P12".into(), "--cert".into(), file]
}

fn present(address: SocketAddr, name: &str, more: &[&str]) -> (u16, String) {
    let own = p12(name);
    curl(address, &own.each_ref().map(String::as_str), more)
}

/// A certificate that nobody we know issued.
fn of_a_stranger(folder: &Path) -> [String; 4] {
    let at = |name: &str| folder.join(name).display().to_string();
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=Nobody/serialNumber=IDCES-00000000T",
        ])
        .args([
            "-addext",
            "extendedKeyUsage=clientAuth",
            "-keyout",
            &at("s.key"),
            "-out",
            &at("s.pem"),
        ])
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
    ["--cert".into(), at("s.pem"), "--key".into(), at("s.key")]
}

#[test]
fn a_real_nginx_admits_a_good_certificate_and_refuses_the_others() {
    if !is_there("nginx", "-v") || !is_there("curl", "-V") || !is_there("openssl", "version") {
        return;
    }
    let silcon = silcon();
    let guarded = trusting(&silcon);
    let (folder, front, backend) = (guarded.folder.path(), crate::port::free(), backend());
    let here = folder.display();
    let configuration = format!(
        "daemon off; worker_processes 1; pid {here}/nginx.pid; error_log {here}/error.log info;
         events {{}}
         http {{
           access_log off; proxy_temp_path {here}/p; client_body_temp_path {here}/b;
           fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
           server {{
             listen {front} ssl;
             ssl_certificate {website}; ssl_certificate_key {key};
             ssl_verify_client optional_no_ca; ssl_verify_depth 4;
             location / {{
               auth_request /_access;
               auth_request_set $number $upstream_http_x_rubrica_number;
               auth_request_set $name $upstream_http_x_rubrica_name;
               auth_request_set $reason $upstream_http_x_rubrica_reason;
               add_header X-Reason $reason always;
               proxy_set_header X-Rubrica-Number $number;
               proxy_set_header X-Rubrica-Name $name;
               proxy_pass http://{backend};
             }}
             location /folded {{ auth_request /_folded; proxy_pass http://{backend}; }}
             location = /_folded {{
               internal;
               proxy_pass http://{service}/v1/access;
               proxy_pass_request_body off;
               proxy_set_header Content-Length \"\";
               proxy_set_header X-SSL-Client-Cert $ssl_client_cert;
               proxy_set_header X-Rubrica-Proxy-Secret {SECRET};
             }}
             location = /_access {{
               internal;
               proxy_pass http://{service}/v1/access;
               proxy_pass_request_body off;
               proxy_set_header Content-Length \"\";
               proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
               proxy_set_header X-Rubrica-Proxy-Secret {SECRET};
             }}
           }}
         }}",
        website = certs("website.pem").display(),
        key = certs("website.key").display(),
        service = guarded.office.address,
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration).unwrap();
    let log = folder.join("error.log").display().to_string();
    let _nginx = start(
        "nginx",
        &["-e", &log, "-c", &file.display().to_string()],
        front,
    );

    let (status, seen) = present(
        front,
        "citizen",
        &[
            "-H",
            "X-Rubrica-Number: 12345678Z",
            "-H",
            "X-Rubrica-Name: Mallory",
        ],
    );
    assert_eq!(status, 200, "{seen}");
    assert!(seen.starts_with("GET /expediente/7?x=y"), "{seen}");
    let lines: Vec<&str> = seen
        .lines()
        .filter(|line| line.to_ascii_lowercase().starts_with("x-rubrica-"))
        .collect();
    assert_eq!(lines.len(), 2, "what the client claimed is gone: {seen}");
    assert!(!seen.contains("12345678Z") && !seen.contains("Mallory") && !seen.contains(SECRET));

    // With a body, of another method, twice over.
    for _ in 0..2 {
        assert_eq!(
            present(front, "employee", &["-X", "POST", "-d", "a=b"]).0,
            200
        );
    }
    for (name, word) in [
        ("revoked", "revocado"),
        ("expired", "caducado"),
        ("future", "es%20v%C3%A1lido"),
    ] {
        let (status, seen) = present(front, name, &["-i"]);
        let by_nginx = status == 400 && seen.contains("SSL certificate error");
        assert!(status == 403 || by_nginx, "{name} {status} {seen}");
        assert!(by_nginx || seen.contains(word), "{name} {seen}");
    }
    let stranger = of_a_stranger(folder);
    let (status, seen) = curl(front, &stranger.each_ref().map(String::as_str), &["-i"]);
    assert_eq!(status, 403, "{seen}");
    assert!(seen.contains("confianza"), "{seen}");
    let written = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        private(&path, std::str::from_utf8(bytes).unwrap());
        path.display().to_string()
    };
    let person = written(
        "silcon.pem",
        block("CERTIFICATE", silcon.person.bytes()).as_bytes(),
    );
    let key = written(
        "silcon.key",
        &silcon.key.private_key_to_pem_pkcs8().unwrap(),
    );
    let (status, seen) = curl(front, &["--cert", &person, "--key", &key], &["-i"]);
    assert_eq!(status, 403, "{seen}");
    assert!(seen.contains("SILCON"), "{seen}");
    assert_eq!(curl(front, &[], &[]).0, 401);
    // A header that the client writes itself does not reach the service.
    let forged = format!("X-SSL-Client-Cert: {}", escaped(&pem("citizen")));
    let secret = format!("X-Rubrica-Proxy-Secret: {SECRET}");
    assert_eq!(curl(front, &[], &["-H", &forged, "-H", &secret]).0, 401);
    // $ssl_client_cert holds line ends, which no header may (RFC 9112 §5.2): refused as a whole, never half read.
    let own = p12("citizen");
    let folded = curl_at(front, "/folded", &own.each_ref().map(String::as_str), &[]);
    assert!(folded.0 >= 400 && folded.0 != 401, "{folded:?}");
    // Nor is the service fooled by whoever reaches it past the proxy.
    let past = guarded
        .office
        .ask("GET", "/v1/access")
        .header("X-SSL-Client-Cert", &escaped(&pem("citizen")))
        .send();
    assert_eq!(past.status, 403);
}

#[test]
fn a_real_haproxy_presents_certificates_in_two_forms() {
    if !is_there("haproxy", "-v") || !is_there("curl", "-V") {
        return;
    }
    for (form, headers) in [
        (
            "haproxy",
            "http-request set-header X-SSL-Client-Cert %[ssl_c_der,base64]\n http-request set-header X-SSL-Client-Chain %[ssl_c_chain_der,base64]",
        ),
        (
            "rfc9440",
            "http-request set-header Client-Cert \":%[ssl_c_der,base64]:\" if { ssl_c_used }\n http-request del-header Client-Cert if !{ ssl_c_used }",
        ),
    ] {
        let guarded = guarded(&format!("form='{form}'\n"));
        let (folder, front) = (guarded.folder.path(), crate::port::free());
        let both = ["website.pem", "website.key"]
            .map(|name| std::fs::read_to_string(certs(name)).unwrap())
            .concat();
        private(&folder.join("website.pem"), &both);
        let configuration = format!(
            "global\n maxconn 100\n tune.bufsize 65536\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             frontend f\n bind {front} ssl crt {}/website.pem ca-file {} verify optional ca-ignore-err all crt-ignore-err all\n \
             http-request set-header X-Rubrica-Proxy-Secret {SECRET}\n {headers}\n http-request set-path /v1/access\n default_backend b\n\
             backend b\n server s {}\n",
            folder.display(),
            certs("ca.pem").display(),
            guarded.office.address,
        );
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, configuration).unwrap();
        let _haproxy = start(
            "haproxy",
            &["-db", "-f", &file.display().to_string()],
            front,
        );
        let (status, seen) = present(front, "citizen", &["-i"]);
        assert_eq!(status, 200, "{form} {seen}");
        assert!(seen.contains("x-rubrica-status: good"), "{seen}");
        for (name, word) in [("revoked", "revoked"), ("expired", "expired")] {
            let (status, seen) = present(front, name, &["-i"]);
            assert_eq!(status, 403, "{form} {name} {seen}");
            assert!(
                seen.contains(&format!("x-rubrica-status: {word}")),
                "{seen}"
            );
        }
        assert_eq!(
            curl(
                front,
                &[],
                &["-H", &format!("Client-Cert: :{}:", base64("citizen"))]
            )
            .0,
            401,
            "{form}"
        );
    }
}

/// An authority, one of its certificates with its key, and what is known of its revocation.
struct Silcon {
    anchor: Certificate,
    person: Certificate,
    list: CertificateList,
    key: PKey<Private>,
}

fn key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn to_be_issued<'a>(
    subject: &[(Oid, &str)],
    serial: &'a [u8],
    public_key: &'a [u8],
    extensions: Vec<Extension>,
) -> ToBeIssued<'a> {
    ToBeIssued {
        serial,
        subject: distinguished_name(subject).unwrap(),
        validity: Validity {
            not_before: "2014-01-01T00:00:00Z".parse().unwrap(),
            not_after: "2040-01-01T00:00:00Z".parse().unwrap(),
        },
        public_key,
        extensions,
    }
}

/// As the Social Security issued them to its people until 2016.
fn silcon() -> Silcon {
    let (own, person) = (key(), key());
    let [own_spki, person_spki] = [&own, &person].map(|key| key.public_key_to_der().unwrap());
    let signer = FileSigner::new(own, false, "SILCON").unwrap();
    let sgi = [
        (names::AT_COUNTRY, "ES"),
        (names::AT_ORGANIZATION, "Seg-social"),
        (names::AT_ORGANIZATIONAL_UNIT, "SGI"),
    ];
    let authority = vec![
        ext::basic_constraints(true, None),
        ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
    ];
    let anchor =
        issue_self_signed(&to_be_issued(&sgi, &[1], &own_spki, authority), &signer).unwrap();
    let holder = [(
        names::AT_COMMON_NAME,
        "ESPAÑOL ESPAÑOL JUAN - NIF 00019174S",
    )];
    let uses = vec![ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE])];
    let certificate = issue(
        &to_be_issued(&holder, &[2], &person_spki, uses),
        &anchor,
        &signer,
    )
    .unwrap();
    let list = ToBeListed {
        number: 1,
        this_update: "2016-09-01T00:00:00Z".parse().unwrap(),
        next_update: "2030-01-01T00:00:00Z".parse().unwrap(),
        revoked: &[],
        scope: None,
    };
    let list = crl::issue(&list, &anchor, &signer).unwrap();
    Silcon {
        anchor,
        person: certificate,
        list,
        key: person,
    }
}

/// A service that trusts them, beside the others.
fn trusting(silcon: &Silcon) -> Guarded {
    let folder = tempfile::tempdir().unwrap();
    private(&folder.path().join("secret"), SECRET);
    let more = format!("[access]\nsecrets=['{}/secret']\n", folder.path().display());
    let office = Office::altered(&more, |parts| {
        let root = Certificate::from_pem_or_der(pem("root").as_bytes())
            .unwrap()
            .remove(0);
        let anchors = Anchors::new([root, silcon.anchor.clone()]);
        let mut at_hand = Folder::read(&["ca.pem", "root.crl", "ca.crl"].map(certs)).unwrap();
        assert!(at_hand.add(silcon.list.bytes()));
        let sources = Sources::new(&parts.config.sources, at_hand, parts.clock.clone()).unwrap();
        parts.certificate_desk = Arc::new(CertificateDesk::new(
            PolicyHandle::new(Policy::baseline(anchors)),
            Arc::new(sources),
            parts.clock.clone(),
            Default::default(),
            100,
        ));
    });
    Guarded { office, folder }
}

#[test]
fn a_silcon_certificate_opens_until_the_last_second_of_its_day() {
    let silcon = silcon();
    let guarded = trusting(&silcon);
    let presented = escaped(&block("CERTIFICATE", silcon.person.bytes()));
    let at = |time: &str| {
        guarded.office.clock.set(time.parse().unwrap());
        guarded.ask("X-SSL-Client-Cert", &presented)
    };
    // 2016-09-17T00:00 in Madrid.
    let before = at("2016-09-16T21:59:59Z");
    assert_eq!(
        (before.status, before.header("x-rubrica-status")),
        (200, Some("good")),
        "{}",
        before.text()
    );
    assert_eq!(before.header("x-rubrica-number"), Some("00019174S"));
    for time in ["2016-09-16T22:00:00Z", super::office::NOON] {
        let after = at(time);
        assert_eq!(
            (after.status, after.header("x-rubrica-status")),
            (403, Some("not-accepted")),
            "{time}"
        );
        assert!(after.text().contains("SILCON"), "{}", after.text());
    }
    let citizen = guarded.ask("X-SSL-Client-Cert", &escaped(&pem("citizen")));
    assert_eq!(citizen.status, 200, "{}", citizen.text());
}
