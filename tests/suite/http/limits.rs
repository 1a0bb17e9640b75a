//! Bounds: memory does not grow with what is sent, and nobody may hold the service up.

use super::office::{Answer, Office, metadata, pdf, request, write};
use rubrica::engine::evidence::{Object, Pool};
use rubrica::engine::syntax::zip::Writer;
use rubrica::engine::validation::Want;
use rubrica::service::sources::{Deadline, Source, Sources};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// The service as a process of its own, whose memory can be looked at.
struct Process {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Process {
    fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = crate::port::free();
        write(folder.path(), more);
        let child = Command::new(env!("CARGO_BIN_EXE_rubrica"))
            .args(["serve", "--config"])
            .arg(folder.path().join("rubrica.toml"))
            .env("RUBRICA_LISTEN", address.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // From here on it ends with the test, however that ends.
        let mut process = Process {
            child,
            address,
            _folder: folder,
        };
        let mut log = BufReader::new(process.child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it ended");
        }
        // Read to its end, so that the service can go on writing.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        process
    }

    /// Kilobytes that were ever in memory at once.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Sends `bytes` in chunks until all are sent or the service has answered.
    fn upload(&self, bytes: u64) -> (Answer, u64) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .write_all(b"POST /v1/validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pdf\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        let chunk = vec![b'x'; 1 << 20];
        let mut sent = 0;
        while sent < bytes {
            let written = stream
                .write_all(b"100000\r\n")
                .and_then(|()| stream.write_all(&chunk))
                .and_then(|()| stream.write_all(b"\r\n"));
            if written.is_err() {
                break;
            }
            sent += 1 << 20;
            stream.set_nonblocking(true).unwrap();
            let answered = stream.peek(&mut [0; 1]).is_ok();
            stream.set_nonblocking(false).unwrap();
            if answered {
                break;
            }
        }
        let _ = stream.write_all(b"0\r\n\r\n");
        (Answer::read(stream), sent)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn an_upload_of_a_gigabyte_meets_the_limit_in_constant_memory() {
    let service = Process::start("[limits]\ndocument_bytes=100000000\n");
    let before = service.peak();
    let (answer, sent) = service.upload(1 << 30);
    assert_eq!(answer.remedied(413), "request body");
    assert!(answer.text().contains("limits.document_bytes = 100000000"));
    assert!((100_000_000..300_000_000).contains(&sent), "{sent}");
    let grown = service.peak() - before;
    assert!(grown < 24_000, "{grown} kB");

    // Within the limit it is taken whole, in as little memory.
    let (answer, sent) = service.upload(80 << 20);
    answer.problem(422);
    assert_eq!(sent, 80 << 20);
    let grown = service.peak() - before;
    assert!(grown < 24_000, "{grown} kB");

    // What says itself that it is too long is refused at once.
    let started = Instant::now();
    let mut stream = TcpStream::connect(service.address).unwrap();
    stream
        .write_all(b"POST /v1/validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pdf\r\nContent-Length: 1000000000\r\n\r\n")
        .unwrap();
    assert_eq!(Answer::read(stream).status, 413);
    assert!(started.elapsed() < Duration::from_secs(3));
}

/// A source that answers when it is let go.
#[derive(Debug)]
pub(super) struct Held(pub(super) Arc<(Mutex<bool>, Condvar)>);

impl Source for Held {
    fn serves(&self, _: &Want) -> bool {
        true
    }

    fn fetch(&self, _: &Want, _: &Pool, _: Deadline) -> rubrica::engine::Result<Vec<Object>> {
        let (gone, told) = &*self.0;
        drop(told.wait_while(gone.lock().unwrap(), |gone| !*gone));
        Ok(Vec::new())
    }
}

#[test]
fn documents_of_strangers_that_wait_for_addresses_do_not_keep_a_caller_from_registering() {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let office = Office::altered("[limits]\nconcurrent_requests=40\n", |parts| {
        let mut sources = Sources::default();
        sources.add(Held(gate.clone()));
        parts.sources = Arc::new(sources);
    });
    let sealed = office
        .ask("POST", "/v1/seal?seal=sede")
        .key(1)
        .body("application/pdf", &pdf());
    assert_eq!(sealed.status, 200, "{}", sealed.text());
    let head = format!(
        "Content-Type: application/pdf\r\nContent-Length: {}\r\n",
        sealed.body.len()
    );
    let held: Vec<TcpStream> = (0..39)
        .map(|_| {
            let mut stream = office.ask("POST", "/v1/validate").begin(&head);
            stream.write_all(&sealed.body).unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(500));
    let answer = office.register(1, "held", &request(&metadata()));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    drop(held);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

#[test]
#[cfg(target_os = "linux")]
fn a_container_that_unpacks_to_much_more_than_could_be_sent_is_refused() {
    let service = Process::start("[limits]\ndocument_bytes=1000000\n");
    let before = service.peak();
    let mut zip = Writer::new(jiff::civil::date(2026, 1, 2).at(3, 4, 6, 0));
    let zeros = vec![0; 40 << 20];
    for name in ["a", "b"] {
        zip.add(name, &zeros).unwrap();
    }
    let bomb = zip.finish().unwrap();
    assert!(bomb.len() < 1_000_000);
    let mut stream = TcpStream::connect(service.address).unwrap();
    let head = format!(
        "POST /v1/validate HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/zip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&bomb).unwrap();
    assert_eq!(Answer::read(stream).problem(413), "limits.decoded_bytes");
    let grown = service.peak() - before;
    assert!(grown < 64_000, "{grown} kB");
}

#[test]
fn nothing_that_was_uploaded_stays_on_the_disk() {
    let office = Office::open();
    let mut large = pdf();
    large.resize(3 << 20, b'\n');
    let answer = office
        .ask("POST", "/v1/validate")
        .body("application/pdf", &large);
    assert!(matches!(answer.status, 200 | 422));
    let spool = std::fs::read_dir(office.folder.path().join("data/spool")).unwrap();
    assert_eq!(spool.count(), 0);
}

#[test]
fn a_head_that_does_not_come_and_a_body_that_does_not_end_are_given_up() {
    let office = Office::with("[limits]\nheader_seconds=1\nrequest_seconds=2\n");
    let started = Instant::now();
    let mut silent = TcpStream::connect(office.address).unwrap();
    silent.write_all(b"GET / HTTP/1.1\r\nHost:").unwrap();
    let mut rest = Vec::new();
    let _ = silent.read_to_end(&mut rest);
    let waited = started.elapsed();
    assert!(waited < Duration::from_secs(10), "{waited:?}");

    let mut slow = office
        .ask("POST", "/v1/validate")
        .begin("Content-Type: application/pdf\r\nContent-Length: 100\r\n");
    slow.write_all(b"%PDF").unwrap();
    let answer = Answer::read(slow);
    assert_eq!(answer.remedied(408), "request");
}

#[test]
fn a_body_that_is_cut_short_does_nothing() {
    let office = Office::open();
    let mut cut = office
        .ask("POST", "/v1/validate")
        .begin("Content-Type: application/pdf\r\nContent-Length: 100\r\n");
    cut.write_all(b"%PDF").unwrap();
    cut.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = cut.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    assert!(text.is_empty() || text.contains(" 400 "), "{text}");
}

#[test]
fn too_many_fields_in_a_head_are_refused() {
    let office = Office::open();
    let fields: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = office.ask("GET", "/v1/time").begin(&fields);
    assert_eq!(Answer::read(many).status, 431);
    let long = office
        .ask("GET", "/v1/time")
        .begin(&format!("X: {}\r\n", "y".repeat(60_000)));
    assert_eq!(Answer::read(long).status, 431);
}

#[test]
fn one_address_may_ask_so_often_in_a_minute() {
    let office = Office::with("[limits]\nrequests_per_minute=3\n");
    let statuses: Vec<u16> = (0..5).map(|_| office.get("/v1/time").status).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
    let limited = office.get("/v1/time");
    assert_eq!(limited.remedied(429), "requests");
    let wait: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    // Not counted: what watches over the service, and style sheets. Not believed: a header from anybody.
    assert_eq!(office.get("/healthz").status, 200);
    assert_eq!(office.get("/assets/style.css").status, 200);
    let forged = office
        .ask("GET", "/v1/time")
        .header("X-Forwarded-For", "203.0.113.7")
        .send();
    assert_eq!(forged.status, 429);
}

#[test]
fn more_requests_than_places_are_told_to_come_back() {
    let office = Office::with("[limits]\nconcurrent_requests=2\n");
    let head = "Content-Type: application/pdf\r\nContent-Length: 100\r\n";
    let held: Vec<TcpStream> = (0..2)
        .map(|_| office.ask("POST", "/v1/validate").begin(head))
        .collect();
    std::thread::sleep(Duration::from_millis(300));
    let busy = office.get("/v1/time");
    assert_eq!(busy.remedied(503), "service");
    assert!(busy.header("retry-after").is_some());
    assert_eq!(office.get("/healthz").status, 200);
    drop(held);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(office.get("/v1/time").status, 200);
}
