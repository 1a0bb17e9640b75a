//! A web server for tests that does what honest ones do not: drips, repeats, stops, lies.
//!
//! Shared by the unit tests of this room and `tests/suite/sources.rs`, each of which uses a part of it.

#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// What the server does next on a connection.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Sends until the client has had enough.
    Repeat(Vec<u8>),
}

/// An honest answer.
pub(crate) fn answer(status: &str, content_type: &str, body: &[u8]) -> Vec<Step> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    vec![Step::Send([head.as_bytes(), body].concat())]
}

/// A redirect.
pub(crate) fn redirect(to: &str) -> Vec<Step> {
    let head = format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    vec![Step::Send(head.into_bytes())]
}

/// A server on a loopback port, one request a connection, until it is dropped.
pub(crate) struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Server {
    /// Plays the steps that `behave` gives for the text of each request.
    pub(crate) fn start(behave: impl Fn(&str) -> Vec<Step> + Send + Sync + 'static) -> Server {
        Server::start_bytes(move |request| behave(&String::from_utf8_lossy(request)))
    }

    /// The same for the bytes of each request, head and body.
    pub(crate) fn start_bytes(
        behave: impl Fn(&[u8]) -> Vec<Step> + Send + Sync + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server {
            port: listener.local_addr().unwrap().port(),
            requests: Arc::default(),
            stop: Arc::default(),
        };
        let (requests, stop) = (server.requests.clone(), server.stop.clone());
        let behave = Arc::new(behave);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (requests, behave) = (requests.clone(), behave.clone());
                thread::spawn(move || {
                    if let Ok(mut stream) = stream
                        && let Some(request) = read_request(&mut stream)
                    {
                        requests.fetch_add(1, Ordering::SeqCst);
                        play(&mut stream, behave(&request));
                    }
                });
            }
        });
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// The body of a request.
pub(crate) fn body(request: &[u8]) -> &[u8] {
    let end = request.windows(4).position(|w| w == b"\r\n\r\n");
    end.map_or(&[], |end| &request[end + 4..])
}

fn read_request(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = request.windows(4).position(|w| w == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"))
                .map_or(0, |n| n.trim().parse().unwrap());
            if request.len() >= end + 4 + length {
                return Some(request);
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(n) => request.extend_from_slice(&chunk[..n]),
        }
    }
}

fn play(stream: &mut TcpStream, steps: Vec<Step>) {
    for step in steps {
        let done = match step {
            Step::Send(bytes) => stream.write_all(&bytes).is_err(),
            Step::Wait(time) => {
                thread::sleep(time);
                false
            }
            Step::Repeat(bytes) => {
                while stream.write_all(&bytes).is_ok() {}
                true
            }
        };
        if done {
            return;
        }
    }
}
