//! Connections: to a host whose addresses may be connected to, or through a proxy, in the clear or under TLS, until a
//! deadline.
//!
//! HTTP and LDAP connect here and nowhere else, so the guards hold for both. A name is resolved once, its addresses are
//! checked, and one of these is connected to: what the name says a moment later does not matter.

use super::Deadline;
use super::guard::Guard;
use super::proxy::{Proxy, Way, Ways};
use super::tls;
use crate::engine::{Error, Result};
use crate::service::config::SourceSettings;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// Addresses of one host that are tried.
const MOST_ADDRESSES: usize = 8;
/// How long connecting may take, however long the rest may.
const CONNECTING: Duration = Duration::from_secs(5);
/// Names that are being resolved at once. The system's resolver cannot be told to stop; what it hangs on is left behind.
const MOST_LOOKUPS: usize = 64;
/// The head of a proxy's answer.
const MOST_PROXY_HEAD: usize = 16 * 1024;

/// The element of errors that are the proxy's.
pub(super) const PROXY: &str = "proxy";

/// Connects.
#[derive(Debug)]
pub(super) struct Dialer {
    guard: Guard,
    ways: Ways,
    tls: Arc<ClientConfig>,
    lookups: Arc<AtomicUsize>,
}

/// Where to connect to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    /// A name or an address, without brackets.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) tls: bool,
    /// Whether plain HTTP follows, which a proxy takes as it is.
    pub(super) http: bool,
}

/// A connection, and the proxy that waits for the whole address in its first line.
pub(super) struct Dialed {
    pub(super) stream: Stream,
    pub(super) proxy: Option<Arc<Proxy>>,
}

impl Dialer {
    pub(super) fn new(settings: &SourceSettings) -> Result<Dialer> {
        Dialer::with(settings, tls::configuration(&settings.tls_roots)?)
    }

    /// One that shows TLS servers who it is.
    pub(super) fn presenting(
        settings: &SourceSettings,
        certificate: &Path,
        key: &Path,
    ) -> Result<Dialer> {
        Dialer::with(
            settings,
            tls::presenting(&settings.tls_roots, certificate, key)?,
        )
    }

    fn with(settings: &SourceSettings, tls: Arc<ClientConfig>) -> Result<Dialer> {
        Ok(Dialer {
            guard: Guard(settings.private_addresses.clone()),
            ways: Ways::new(settings)?,
            tls,
            lookups: Arc::default(),
        })
    }

    /// A connection to `target`.
    pub(super) fn dial(&self, target: Target<'_>, deadline: Deadline) -> Result<Dialed> {
        let Way { proxy, named } = self.ways.to(target.host);
        let mut waits = None;
        let mut socket = match proxy {
            None => {
                let addresses = self.resolve(target.host, target.port, deadline)?;
                self.guard.check(target.host, &addresses)?;
                connect(target.host, &addresses, deadline)?
            }
            Some(proxy) => {
                self.guard.check_proxied(target.host, target.port, named)?;
                let addresses = self.resolve(&proxy.host, proxy.port, deadline)?;
                let mut socket = connect(PROXY, &addresses, deadline)?;
                if target.http && !target.tls {
                    waits = Some(proxy);
                } else {
                    tunnel(&mut socket, &proxy, target)?;
                }
                socket
            }
        };
        socket.until = deadline;
        let stream = if target.tls {
            self.secure(socket, target.host)?
        } else {
            Stream::Plain(socket)
        };
        Ok(Dialed {
            stream,
            proxy: waits,
        })
    }

    fn secure(&self, mut socket: Socket, host: &str) -> Result<Stream> {
        let failed = |problem: String| Error::unavailable(host.to_string(), problem);
        let name = ServerName::try_from(host.to_string())
            .map_err(|_| failed("cannot be the name of a TLS server".into()))?;
        let mut connection = ClientConnection::new(self.tls.clone(), name)
            .map_err(|error| failed(format!("TLS cannot begin: {error}")))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).map_err(|error| {
                let cause = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
                match cause {
                    Some(rustls::Error::InvalidCertificate(why)) => {
                        failed(format!("its TLS certificate is refused: {why:?}"))
                            .remedy("If it is the right server, add the root of its certificate to sources.tls_roots.")
                    }
                    Some(other) => failed(format!("TLS failed: {other}")),
                    None => failed(format!("TLS failed: {}", error.kind())),
                }
            })?;
        }
        Ok(Stream::Tls(Box::new(StreamOwned::new(connection, socket))))
    }

    /// The addresses of `host`.
    fn resolve(&self, host: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let failed = |problem| Error::unavailable(host.to_string(), problem);
        let Some(place) = Place::take(&self.lookups) else {
            return Err(failed("too many names are being resolved"));
        };
        let (sender, receiver) = mpsc::channel();
        let question = (host.to_string(), port);
        thread::Builder::new()
            .name("resolver".into())
            .spawn(move || {
                let found = question.to_socket_addrs();
                drop(place);
                // Nobody waits any more where the deadline is over.
                let _ = sender.send(found.map(|all| all.take(MOST_ADDRESSES).collect()));
            })
            .map_err(|_| failed("cannot be resolved: no thread"))?;
        match receiver.recv_timeout(deadline.left()) {
            Ok(Ok(addresses)) => {
                let addresses: Vec<SocketAddr> = addresses;
                if addresses.is_empty() {
                    return Err(failed("its host is not found"));
                }
                Ok(addresses)
            }
            Ok(Err(_)) => Err(failed("its host is not found")),
            Err(_) => Err(failed("its host is not found in time")),
        }
    }
}

/// One of the places for lookups, given back when it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(lookups: &Arc<AtomicUsize>) -> Option<Place> {
        let place = Place(lookups.clone());
        (place.0.fetch_add(1, Ordering::SeqCst) < MOST_LOOKUPS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A connection to the first of `addresses` that takes one; each has its share of the time.
fn connect(host: &str, addresses: &[SocketAddr], deadline: Deadline) -> Result<Socket> {
    let until = deadline.within(CONNECTING);
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for (number, address) in addresses.iter().enumerate() {
        let others = u32::try_from(addresses.len() - number).unwrap_or(1);
        let share = until.left() / others;
        if share.is_zero() {
            break;
        }
        match TcpStream::connect_timeout(address, share) {
            Ok(stream) => {
                // Small questions go out at once; where that cannot be set they go out a little later.
                let _ = stream.set_nodelay(true);
                return Ok(Socket {
                    stream,
                    until: deadline,
                });
            }
            Err(error) => last = error,
        }
    }
    Err(Error::unavailable(
        host.to_string(),
        format!("connection failed: {}", last.kind()),
    ))
}

/// Asks a proxy to connect to `target` (RFC 9110 §9.3.6).
fn tunnel(socket: &mut Socket, proxy: &Proxy, target: Target<'_>) -> Result<()> {
    let failed = |problem: String| Error::unavailable(PROXY, problem);
    let broken = |error: io::Error| failed(format!("connection failed: {}", error.kind()));
    let authority = if target.host.contains(':') {
        format!("[{}]:{}", target.host, target.port)
    } else {
        format!("{}:{}", target.host, target.port)
    };
    let line = proxy.authorization_line();
    let question = zeroize::Zeroizing::new(format!(
        "CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n",
        line.as_str()
    ));
    socket.write_all(question.as_bytes()).map_err(broken)?;
    // Byte by byte, since what comes after the head is no longer the proxy's.
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > MOST_PROXY_HEAD {
            return Err(failed("answered with a head without end".into()));
        }
        socket.read_exact(&mut byte).map_err(broken)?;
        head.extend_from_slice(&byte);
    }
    match status(&head) {
        Some(200..=299) => Ok(()),
        Some(407) => Err(wants_credentials()),
        Some(status) => Err(failed(format!(
            "answered HTTP status {status} to a connection"
        ))),
        None => Err(failed("answered something that is not HTTP".into())),
    }
}

/// The error of a proxy that wants to know who asks.
pub(super) fn wants_credentials() -> Error {
    Error::unavailable(
        PROXY,
        "answered HTTP status 407: it wants credentials, or others",
    )
    .remedy("Name the file with them in sources.proxy_credentials.")
}

fn status(head: &[u8]) -> Option<u16> {
    let rest = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}

/// A connection whose every wait ends with its deadline.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    until: Deadline,
}

impl Socket {
    fn left(&self) -> io::Result<Duration> {
        match self.until.left() {
            Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

fn timed(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into).map_err(timed)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes).map_err(timed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A connection in the clear or under TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

impl Stream {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => &mut tls.sock,
        }
    }

    pub(super) fn set_deadline(&mut self, deadline: Deadline) {
        self.socket().until = deadline;
    }

    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    /// Whether the other side neither ended it nor sent what nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        let stream = &self.socket().stream;
        let quiet = stream.set_nonblocking(true).is_ok()
            && matches!(stream.peek(&mut [0]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
        stream.set_nonblocking(false).is_ok() && quiet
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.read(into),
            Stream::Tls(tls) => tls.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => socket.write(bytes),
            Stream::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(socket) => socket.flush(),
            Stream::Tls(tls) => tls.flush(),
        }
    }
}
