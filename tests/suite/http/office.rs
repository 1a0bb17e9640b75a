//! A service on a loopback port, made of `certs/test`, and a client that is nothing but a socket.

use rubrica::service::callers::new_key;
use rubrica::service::clock::SettableClock;
use rubrica::service::config::Config;
use rubrica::service::http::{Parts, Service, Settings, routers, serve};
use rubrica::service::web;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

pub(crate) const NOON: &str = "2026-11-24T12:00:00Z";

/// The keys of three callers: of everything, of one entity to read, of nothing but seals.
pub(crate) const PORTAL: u8 = 1;
pub(crate) const READER: u8 = 2;
pub(crate) const SEALER: u8 = 3;
pub(crate) const OTHER: u8 = 4;

pub(crate) fn key(caller: u8) -> String {
    new_key(&[caller; 32]).0
}

const CATALOGUE: &str = r#"
    entity = [{ code = "INSS", name = "Instituto", seal = "sede" }, { code = "TGSS", name = "Tesorería", seal = "sede" }]
    office = [{ code = "12", name = "Registro Electrónico" }]
    unit = [{ code = "U1", name = "Dirección", entity = "INSS" }, { code = "U2", name = "Otra", entity = "TGSS" }]
    subject = [{ code = "S1", name = "Firmado", procedure = "P1" }, { code = "S2", name = "Con Cl@ve", procedure = "P2" }]
    [[procedure]]
    code = "P1"
    name = "Con firma"
    [[procedure]]
    code = "P2"
    name = "Sin firma"
    unsigned = true
    code_of_authenticity = { type = "T", days = 30 }
"#;

fn callers() -> String {
    let caller = |number: u8, name: &str, operations: &str, entities: &str, seals: &str| {
        let hash = new_key(&[number; 32]).1;
        format!(
            "[[caller]]\nname='{name}'\nkey_sha256='{hash}'\noperations={operations}\nentities={entities}\nseals={seals}\n"
        )
    };
    [
        caller(
            PORTAL,
            "portal",
            "['register','read','seal','documents','certificates','sign','augment','timestamp']",
            "['INSS']",
            "['sede']",
        ),
        caller(READER, "reader", "['read']", "['INSS']", "[]"),
        caller(SEALER, "sealer", "['seal']", "[]", "['other']"),
        caller(
            OTHER,
            "other",
            "['register','read','documents','sign','augment']",
            "['TGSS']",
            "['sede']",
        ),
    ]
    .concat()
}

/// Writes a file that its owner alone can read.
pub(crate) fn private(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Writes everything that a service needs into `folder`; `more` goes into the configuration.
pub(crate) fn write(folder: &Path, more: &str) -> Config {
    let certs = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(folder.join("secrets")).unwrap();
    std::fs::write(folder.join("catalogue.toml"), CATALOGUE).unwrap();
    std::fs::write(folder.join("callers.toml"), callers()).unwrap();
    private(&folder.join("secrets/passphrase"), "demo");
    for name in ["store.key", "code.key"] {
        let path = folder.join("secrets").join(name);
        if !path.exists() {
            rubrica::service::keys::Secret::create(&path).unwrap();
        }
    }
    let seal = |name: &str, file: &str, rest: &str| {
        format!(
            "[[seal]]\nname='{name}'\nkey='{certs}/{file}.p12'\npassphrase_file='secrets/passphrase'\n{rest}\n"
        )
    };
    let defaults = "data='data'\ncallers='callers.toml'\ncatalogue='catalogue.toml'\n\
         languages=['es','ca','va','gl','eu','en','fr']\nlisten='127.0.0.1:0'\n";
    let tables = format!(
        "[sede]\nname='Sede de pruebas'\nurl='http://sede.example'\nmail='sede@sede.example'\ncertificate='{certs}/website.pem'\n\
         [store]\nkey='secrets/store.key'\n\
         [trust]\nanchors=['{certs}/root.pem']\nqualified=['{certs}/root.pem']\ncertificates=['{certs}/ca.pem']\ncrls=['{certs}/root.crl','{certs}/ca.crl']\n\
         [sources]\noffline=true\n{}{}{}",
        seal("sede", "seal", ""),
        seal("old", "expired", ""),
        seal("early", "future", ""),
    );
    let code = "[code]\nsecrets='secrets/code.key'\n";
    let more = match more.contains("[code]\n") {
        true => more.replace("[code]\n", code),
        false => format!("{more}{code}"),
    };
    // Keys before the first table of `more` belong on top, its tables after ours.
    let tables_at = if more.starts_with('[') {
        0
    } else {
        more.find(
            "
[",
        )
        .map_or(more.len(), |at| at + 1)
    };
    let (keys, own_tables) = more.split_at(tables_at);
    let text = format!("{defaults}{keys}{tables}{own_tables}");
    let path = folder.join("rubrica.toml");
    std::fs::write(&path, &text).unwrap();
    Config::from_toml(&text, &path, []).unwrap()
}

/// A service at work.
pub(crate) struct Office {
    pub(crate) address: SocketAddr,
    pub(crate) callers: Option<SocketAddr>,
    pub(crate) clock: Arc<SettableClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) folder: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

impl Office {
    pub(crate) fn open() -> Self {
        Office::with("")
    }

    /// With more in the configuration.
    pub(crate) fn with(more: &str) -> Self {
        Office::altered(more, |_| {})
    }

    /// With parts of it exchanged.
    pub(crate) fn altered(more: &str, alter: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = write(folder.path(), more);
        let clock = Arc::new(SettableClock::at(NOON.parse().unwrap()));
        Office::configured(folder, config, clock, alter)
    }

    /// Of a configuration and a clock.
    pub(crate) fn configured(
        folder: tempfile::TempDir,
        config: Config,
        clock: Arc<SettableClock>,
        alter: impl FnOnce(&mut Parts),
    ) -> Self {
        let mut parts = Parts::of(config, clock.clone()).unwrap();
        alter(&mut parts);
        let service = Service::new(parts).unwrap();
        let ours = service.clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let running = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let routers = routers(&service, web::pages(), axum::Router::new());
                let listen = async || tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                let mut listeners = vec![(listen().await, routers.public)];
                if let Some(router) = routers.callers {
                    listeners.push((listen().await, router));
                }
                let addresses: Vec<_> = listeners
                    .iter()
                    .map(|(l, _)| l.local_addr().unwrap())
                    .collect();
                tell.send(addresses).unwrap();
                let settings = Settings {
                    head: Duration::from_secs(service.config().limits.header_seconds),
                    connections: 64,
                    drain: Duration::from_secs(20),
                };
                serve(listeners, settings, async { stopped.await.unwrap_or(()) }).await;
            });
        });
        let addresses: Vec<SocketAddr> = told.recv().unwrap();
        Office {
            address: addresses[0],
            callers: addresses.get(1).copied(),
            clock,
            service: ours,
            folder,
            stop: Some(stop),
            running: Some(running),
        }
    }

    /// Tells the service to end, without waiting for it.
    pub(crate) fn tell(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the service has ended.
    pub(crate) fn wait(&mut self) {
        self.running.take().unwrap().join().unwrap();
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask<'_> {
        Ask {
            office: self,
            head: format!(
                "{method} {path} HTTP/1.1\r\nHost: sede.example\r\nConnection: close\r\n"
            ),
            address: self.address,
        }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send()
    }

    /// Registers a request with this idempotency key.
    pub(crate) fn register(&self, caller: u8, idempotency: &str, form: &Form) -> Answer {
        self.ask("POST", "/v1/receipts")
            .key(caller)
            .header("Idempotency-Key", idempotency)
            .form(form)
    }
}

impl Drop for Office {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }
}

/// A request that is being written.
pub(crate) struct Ask<'a> {
    office: &'a Office,
    head: String,
    address: SocketAddr,
}

impl Ask<'_> {
    pub(crate) fn key(self, caller: u8) -> Self {
        let key = key(caller);
        self.header("Authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.head.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    /// To the address of callers.
    pub(crate) fn at_callers(mut self) -> Self {
        self.address = self.office.callers.unwrap();
        self
    }

    pub(crate) fn send(self) -> Answer {
        let mut stream = self.connect();
        stream
            .write_all(format!("{}\r\n", self.head).as_bytes())
            .unwrap();
        Answer::read(stream)
    }

    pub(crate) fn body(self, media_type: &str, body: &[u8]) -> Answer {
        let mut stream = self.connect();
        let head = format!(
            "{}Content-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
            self.head,
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A service that refuses early may stop reading; its answer counts.
        let _ = stream.write_all(body);
        Answer::read(stream)
    }

    pub(crate) fn form(self, form: &Form) -> Answer {
        self.body(
            &format!("multipart/form-data; boundary={BOUNDARY}"),
            &form.to_bytes(),
        )
    }

    pub(crate) fn json(self, value: &Value) -> Answer {
        self.body("application/json", value.to_string().as_bytes())
    }

    /// Only the head, and the connection on which the rest may follow.
    pub(crate) fn begin(self, rest_of_head: &str) -> TcpStream {
        let mut stream = self.connect();
        stream
            .write_all(format!("{}{rest_of_head}\r\n", self.head).as_bytes())
            .unwrap();
        stream
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let body = bytes[end + 4..].to_vec();
        let chunked = head
            .to_ascii_lowercase()
            .contains("transfer-encoding: chunked");
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: if chunked { unchunked(&body) } else { body },
            head,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The element of a problem, which must be one, of this status.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let body = self.json();
        assert_eq!(body["status"], status);
        let detail = body["detail"].as_str().unwrap();
        let element = body["element"].as_str().unwrap();
        assert!(detail.starts_with(element), "{detail}");
        assert!(
            body["type"]
                .as_str()
                .unwrap()
                .starts_with("urn:rubrica:problem:")
        );
        element.to_string()
    }

    /// The same, which must say what to do.
    #[track_caller]
    pub(crate) fn remedied(&self, status: u16) -> String {
        let element = self.problem(status);
        assert!(self.json()["remedy"].is_string(), "{}", self.text());
        element
    }
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|w| w == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        if size == 0 {
            break;
        }
        body = &body[end + 2 + size + 2..];
    }
    whole
}

pub(crate) const BOUNDARY: &str = "test-boundary";

/// The parts of a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, Vec<u8>)>);

impl Form {
    pub(crate) fn field(self, name: &str, value: &str) -> Self {
        self.raw(
            &format!("Content-Disposition: form-data; name=\"{name}\""),
            value.as_bytes(),
        )
    }

    pub(crate) fn file(self, name: &str, file: &str, media_type: &str, bytes: &[u8]) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {media_type}"
        );
        self.raw(&head, bytes)
    }

    pub(crate) fn raw(mut self, head: &str, bytes: &[u8]) -> Self {
        self.0.push((head.to_string(), bytes.to_vec()));
        self
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (head, bytes) in &self.0 {
            body.extend(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").into_bytes());
            body.extend(bytes);
            body.extend(b"\r\n");
        }
        body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
        body
    }
}

pub(crate) fn metadata() -> Value {
    serde_json::json!({
        "entity": "INSS", "office": "12", "subject": "S2", "destination": "U1",
        "interested": {
            "document": { "type": "nif", "number": "00000000T" },
            "name": "María", "first_surname": "Ñandú", "email": "maria@correo.example"
        },
        "identification": {
            "who": "00000000T", "how": "clave", "when": "2026-11-24T11:59:00Z", "reference": "R-1"
        }
    })
}

/// A request with one attachment.
pub(crate) fn request(metadata: &Value) -> Form {
    Form::default()
        .file(
            "metadata",
            "m.json",
            "application/json",
            metadata.to_string().as_bytes(),
        )
        .file(
            "request",
            "solicitud.xml",
            "application/xml",
            b"<solicitud/>",
        )
        .file(
            "attachment",
            "año 1.txt",
            "text/plain",
            b"anexo\r\n--test-boundar\r\n",
        )
}

/// A PDF of one page.
pub(crate) fn pdf() -> Vec<u8> {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
    ];
    let mut pdf = String::from("%PDF-1.7\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", pdf.len()));
        pdf.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = pdf.len();
    pdf.push_str(&format!(
        "xref\n0 4\n{table}trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n"
    ));
    pdf.into_bytes()
}
