//! Lists from a real web server, `nginx`, straight and through real proxies, `tinyproxy` and `squid`.

use super::program::{self, Program};
use super::*;
use rubrica::service::config::ProxySettings;
use rubrica::service::sources::{Download, Get, Received};
use std::io::{Read, Seek};
use std::net::SocketAddr;

/// A web server that has `ca.crl`, in the clear and under TLS.
struct Web {
    _program: Program,
    folder: tempfile::TempDir,
    plain: SocketAddr,
    tls: SocketAddr,
}

fn web(list: &[u8]) -> Option<Web> {
    let nginx = program::installed("nginx")?;
    let folder = program::folder();
    if !program::tls_certificates(folder.path()) {
        return None;
    }
    let root = folder.path().display();
    std::fs::write(folder.path().join("ca.crl"), list).unwrap();
    std::fs::write(folder.path().join("zeros.crl"), vec![0; 3 << 20]).unwrap();
    let (plain, tls) = (program::address(), program::address());
    let configuration = format!(
        "daemon off; pid {root}/nginx.pid; error_log {root}/error.log;
        events {{}}
        http {{
            access_log {root}/access.log;
            client_body_temp_path {root}; proxy_temp_path {root}; fastcgi_temp_path {root};
            uwsgi_temp_path {root}; scgi_temp_path {root};
            types {{ application/pkix-crl crl; }}
            gzip on; gzip_types application/pkix-crl; gzip_min_length 1; gzip_proxied any;
            server {{
                listen {plain}; listen {tls} ssl; root {root};
                ssl_certificate {root}/tls.pem; ssl_certificate_key {root}/tls.key;
                location /moved {{ return 302 /ca.crl; }}
                location /down {{ return 302 http://{plain}/ca.crl; }}
                location /portal {{ default_type text/html; return 200 '<html>sign in</html>'; }}
            }}
        }}"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, configuration).unwrap();
    let arguments = [
        "-c".into(),
        file.display().to_string(),
        "-p".into(),
        root.to_string(),
    ];
    let program = Program::start(&nginx, arguments, &[plain, tls]);
    Some(Web {
        _program: program,
        folder,
        plain,
        tls,
    })
}

impl Web {
    fn settings(&self) -> SourceSettings {
        SourceSettings {
            tls_roots: vec![self.folder.path().join("tls-root.pem")],
            timeout_seconds: 10,
            ..settings()
        }
    }

    fn requests(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default()
    }

    /// Whether it answered that nothing changed. It writes its log after it answered.
    fn answered_unchanged(&self) -> bool {
        (0..50).any(|_| {
            std::thread::sleep(Duration::from_millis(20));
            self.requests().contains("\" 304 ")
        })
    }
}

/// What a download brings, and its bytes.
fn downloaded(
    client: &Client,
    get: &Get<'_>,
) -> rubrica::engine::Result<(Option<Received>, Vec<u8>)> {
    let mut file = tempfile::tempfile().unwrap();
    let received = match client.download(get, &mut file)? {
        Download::Whole(received) => Some(received),
        Download::NotModified => None,
    };
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    Ok((received, bytes))
}

fn get(url: &str) -> Get<'_> {
    Get {
        url,
        known: None,
        most_bytes: 1 << 20,
        deadline: soon(),
    }
}

#[test]
fn a_real_web_server_answers_in_gzip_and_says_when_nothing_changed() {
    let list = authority().crl("ca", now()).unwrap().unwrap();
    let Some(web) = web(&list) else { return };
    let client = Client::new(&web.settings()).unwrap();
    for url in [
        format!("http://{}/ca.crl", web.plain),
        format!("https://{}/ca.crl", web.tls),
        format!("https://localhost:{}/ca.crl", web.tls.port()),
        format!("http://{}/moved", web.plain),
    ] {
        let (received, bytes) = downloaded(&client, &get(&url)).unwrap();
        let received = received.unwrap();
        assert_eq!(bytes, list, "{url}");
        assert_eq!(received.bytes, list.len() as u64);
        assert!(received.url.ends_with("/ca.crl"), "{}", received.url);
        assert!(received.validators.etag.is_some() && received.validators.last_modified.is_some());
        let again = Get {
            known: Some(&received.validators),
            ..get(&url)
        };
        assert_eq!(downloaded(&client, &again).unwrap().0, None, "304 of {url}");
    }
    assert_eq!(
        web.requests().matches("\" 304 ").count(),
        4,
        "{}",
        web.requests()
    );

    // Three megabytes that travel as three kilobytes are three megabytes.
    let zeros = format!("http://{}/zeros.crl", web.plain);
    let error = downloaded(&client, &get(&zeros)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error}");

    let error = client
        .get(&format!("https://{}/down", web.tls), soon())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    let stranger = Client::new(&settings()).unwrap();
    let error = stranger
        .get(&format!("https://{}/ca.crl", web.tls), soon())
        .unwrap_err();
    assert!(
        error.problem().contains("TLS certificate is refused"),
        "{error}"
    );
}

#[test]
fn a_list_that_did_not_change_is_not_sent_again() {
    let (authority, clock) = (authority(), clock());
    let list = authority.crl("ca", now()).unwrap().unwrap();
    let Some(web) = web(&list) else { return };
    let url = format!("http://{}/ca.crl", web.plain);
    let fetching = Fetching {
        client: Arc::new(Client::new(&web.settings()).unwrap()),
        clock: clock.clone(),
    };
    let (pool, mut want) = wanted(&authority, "revoked", &[], &[url]);
    let source = CrlSource::new(fetching);
    let fetched = source.fetch(&want, &pool, soon()).unwrap();
    clock.advance(Duration::from_secs(3600));
    if let Want::Revocation { not_before, .. } = &mut want {
        *not_before = Some(clock.now().unix());
    }
    assert_eq!(source.fetch(&want, &pool, soon()).unwrap(), fetched);
    assert!(web.answered_unchanged(), "{}", web.requests());
}

/// A proxy that wants to know who asks, and the file that tells it.
fn proxies() -> Vec<(&'static str, Program, SocketAddr, tempfile::TempDir)> {
    let mut all = Vec::new();
    if let Some(tinyproxy) = program::installed("tinyproxy") {
        let (folder, address) = (program::folder(), program::address());
        let file = folder.path().join("tinyproxy.conf");
        let text = format!(
            "Port {}\nListen 127.0.0.1\nTimeout 30\nAllow 127.0.0.1\nBasicAuth oficina secreto\n",
            address.port()
        );
        std::fs::write(&file, text).unwrap();
        let arguments = ["-d".into(), "-c".into(), file.display().to_string()];
        let program = Program::start(&tinyproxy, arguments, &[address]);
        all.push(("tinyproxy", program, address, folder));
    }
    let helper = program::installed("basic_ncsa_auth");
    if let (Some(squid), Some(helper)) = (program::installed("squid"), helper) {
        let (folder, address) = (program::folder(), program::address());
        let root = folder.path().display();
        // The password "secreto" as `openssl passwd -apr1` writes it.
        let users = std::process::Command::new("openssl")
            .args(["passwd", "-apr1", "secreto"])
            .output()
            .unwrap();
        let users = format!("oficina:{}", String::from_utf8(users.stdout).unwrap());
        std::fs::write(folder.path().join("users"), users).unwrap();
        let text = format!(
            "http_port {address}\nauth_param basic program {} {root}/users\nauth_param basic realm x\n\
             acl known proxy_auth REQUIRED\nhttp_access allow known\nhttp_access deny all\ncache deny all\n\
             access_log none\ncache_log {root}/cache.log\npid_filename {root}/squid.pid\ncoredump_dir {root}\n\
             shutdown_lifetime 0 seconds\npinger_enable off\nvisible_hostname proxy.test\n",
            helper.display()
        );
        let file = folder.path().join("squid.conf");
        std::fs::write(&file, text).unwrap();
        let arguments = ["-N".into(), "-f".into(), file.display().to_string()];
        let program = Program::start(&squid, arguments, &[address]);
        all.push(("squid", program, address, folder));
    }
    all
}

#[test]
fn real_proxies_carry_plain_http_and_tls_for_who_has_the_credentials() {
    let list = authority().crl("ca", now()).unwrap().unwrap();
    let Some(web) = web(&list) else { return };
    for (name, _program, address, folder) in proxies() {
        let credentials = folder.path().join("credentials");
        std::fs::write(&credentials, "oficina:secreto\n").unwrap();
        let through = |file: Option<PathBuf>| SourceSettings {
            proxy: Some(format!("http://{address}")),
            proxy_credentials: file,
            ..web.settings()
        };
        let client = Client::new(&through(Some(credentials.clone()))).unwrap();
        let before = web.requests().len();
        for _ in 0..2 {
            for url in [
                format!("http://{}/ca.crl", web.plain),
                format!("https://{}/ca.crl", web.tls),
                format!("http://{}/moved", web.plain),
            ] {
                assert_eq!(client.get(&url, soon()).unwrap(), list, "{name}: {url}");
            }
        }
        assert!(web.requests().len() > before);

        let nobody = Client::new(&through(None)).unwrap();
        std::fs::write(&credentials, "oficina:falso\n").unwrap();
        let stranger = Client::new(&through(Some(credentials))).unwrap();
        for client in [&nobody, &stranger] {
            for url in [
                format!("http://{}/ca.crl", web.plain),
                format!("https://{}/ca.crl", web.tls),
            ] {
                let error = client.get(&url, soon()).unwrap_err();
                // tinyproxy says 401 to who shows the wrong credentials or none, as if it were the server.
                let status = if name == "squid" { "407" } else { "40" };
                assert!(error.problem().contains(status), "{name}: {error}");
                assert!(!error.to_string().contains("falso"));
            }
        }
    }
}

#[test]
fn each_host_has_its_own_way() {
    let list = authority().crl("ca", now()).unwrap().unwrap();
    let Some(web) = web(&list) else { return };
    let settings = SourceSettings {
        proxy: Some("http://127.0.0.1:9".into()),
        proxies: vec![ProxySettings {
            hosts: vec!["localhost".into()],
            proxy: "direct".into(),
            credentials: None,
        }],
        ..web.settings()
    };
    let client = Client::new(&settings).unwrap();
    let direct = format!("http://localhost:{}/ca.crl", web.plain.port());
    assert_eq!(client.get(&direct, soon()).unwrap(), list);
    let error = client
        .get(&format!("http://{}/ca.crl", web.plain), soon())
        .unwrap_err();
    assert_eq!(error.element(), "proxy", "{error}");
}
