//! A trust service provider on a loopback port, whose time-stamping authority, OCSP responder and lists can be taken down,
//! and an office that trusts it.

use super::office::{NOON, Office, private, write};
use rubrica::service::clock::{Clock, SettableClock};
use rubrica::service::config::Config;
use rubrica::service::demo::{Dates, DemoAuthority, Plan, make};
use rubrica::service::http::Parts;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// The provider. Its keys are made once for all tests; each test has a port of its own.
pub(crate) struct Provider {
    pub(crate) clock: Arc<SettableClock>,
    pub(crate) stamps: Arc<Switch>,
    pub(crate) status: Arc<Switch>,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

/// Whether something answers, and how soon.
#[derive(Default)]
pub(crate) struct Switch {
    down: AtomicBool,
    slow: AtomicU64,
    asked: AtomicU32,
}

impl Switch {
    pub(crate) fn down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    pub(crate) fn slow(&self, time: Duration) {
        self.slow.store(time.as_millis() as u64, Ordering::SeqCst);
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    /// Whether it answers this time.
    fn answers(&self) -> bool {
        self.asked.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(self.slow.load(Ordering::SeqCst)));
        !self.down.load(Ordering::SeqCst)
    }
}

impl Provider {
    pub(crate) fn open() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let clock = Arc::new(SettableClock::at(NOON.parse().unwrap()));
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            base_url: format!("http://{address}"),
            passphrase: "demo".into(),
            dates: Dates::around(clock.now()),
        };
        make(&folder.path().join("pki"), &plan).unwrap();
        let authority = Arc::new(DemoAuthority::open(&folder.path().join("pki")).unwrap());
        let (stamps, status) = (Arc::<Switch>::default(), Arc::<Switch>::default());
        let ours = (clock.clone(), stamps.clone(), status.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let authority = authority.clone();
                let (clock, stamps, status) = ours.clone();
                std::thread::spawn(move || answer(stream, &authority, &*clock, &stamps, &status));
            }
        });
        Provider {
            clock,
            stamps,
            status,
            address,
            folder,
        }
    }

    /// An office whose seal, authority and trust are of this provider.
    pub(crate) fn office(&self, more: &str) -> Office {
        self.altered(more, |_| {})
    }

    pub(crate) fn altered(&self, more: &str, alter: impl FnOnce(&mut Parts)) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let config = self.config(folder.path(), more);
        Office::configured(folder, config, self.clock.clone(), alter)
    }

    /// What such an office is configured with, written into `folder`.
    pub(crate) fn config(&self, folder: &Path, more: &str) -> Config {
        write(folder, "");
        private(&folder.join("secrets/passphrase"), "demo");
        let pki = self.folder.path().join("pki");
        let pki = pki.display();
        let address = self.address;
        let text = format!(
            "data='data'\ncallers='callers.toml'\ncatalogue='catalogue.toml'\nlisten='127.0.0.1:0'\n\
             [sede]\nurl='http://sede.example'\n[store]\nkey='secrets/store.key'\n[code]\nsecrets='secrets/code.key'\n\
             [trust]\nanchors=['{pki}/root.pem']\ncertificates=['{pki}/ca.pem']\ncrls=['{pki}/root.crl']\n\
             [sources]\nprivate_addresses=['127.0.0.1/32']\ntimeout_seconds=2\n\
             [[tsa]]\nname='demo'\nurl='http://{address}/demo/tsa'\ntimeout_seconds=2\n\
             [[seal]]\nname='sede'\nkey='{pki}/seal.p12'\npassphrase_file='secrets/passphrase'\ntsa=['demo']\n{more}"
        );
        let path = folder.join("rubrica.toml");
        std::fs::write(&path, &text).unwrap();
        Config::from_toml(&text, &path, []).unwrap()
    }

    /// The file of this name of the provider: `citizen.p12`.
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join("pki").join(name)).unwrap()
    }
}

fn answer(
    mut stream: TcpStream,
    authority: &DemoAuthority,
    clock: &dyn Clock,
    stamps: &Switch,
    status: &Switch,
) {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let Some((path, body)) = read(&mut stream) else {
        return;
    };
    let now = clock.now();
    let answered = match path.as_str() {
        "/demo/tsa" => stamps
            .answers()
            .then(|| (authority.timestamp(&body, now).unwrap(), "timestamp-reply")),
        "/demo/ocsp" => status
            .answers()
            .then(|| (authority.ocsp(&body, now).unwrap(), "ocsp-response")),
        other => {
            let name = other.rsplit('/').next().unwrap_or_default();
            let name = name.split('.').next().unwrap_or_default();
            let list = status.answers().then(|| authority.crl(name, now).unwrap());
            list.flatten().map(|list| (list, "pkix-crl"))
        }
    };
    let (status, body, kind) = match answered {
        Some((body, kind)) => ("200 OK", body, kind),
        None => ("503 Service Unavailable", Vec::new(), "none"),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/{kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

/// The path and the body of a request.
fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let read = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|l| l.strip_prefix("content-length:"))
        .map_or(0, |l| l.trim().parse().unwrap());
    while bytes.len() < end + length {
        let read = stream.read(&mut piece).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..read]);
    }
    let path = head.split(' ').nth(1)?.to_string();
    Some((path, bytes[end..].to_vec()))
}

/// One provider for the tests that take nothing down.
pub(crate) fn provider() -> &'static Provider {
    static PROVIDER: OnceLock<Provider> = OnceLock::new();
    PROVIDER.get_or_init(Provider::open)
}
