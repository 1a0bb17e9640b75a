//! Our connections under `ureq`, which speaks HTTP/1.1 over them and keeps those that can be used again.

use super::Deadline;
use super::connection::{Dialer, Stream, Target};
use crate::engine::Error as Failure;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, Transport,
};
use zeroize::Zeroizing;

/// Resolves nothing: [`Dialer`] does, since only it knows who is to be connected to, the host or a proxy.
#[derive(Debug)]
pub(super) struct Unresolved;

impl Resolver for Unresolved {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        Ok(addresses)
    }
}

/// Connects by a [`Dialer`].
#[derive(Debug)]
pub(super) struct Connecting(pub(super) Arc<Dialer>);

impl Connector for Connecting {
    type Out = Connection;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Connection>, Error> {
        let (uri, tls) = (details.uri, details.needs_tls());
        let (Some(host), Some(authority)) = (uri.host(), uri.authority()) else {
            return Err(Error::BadUri("no host".into()));
        };
        let target = Target {
            host: host.trim_matches(['[', ']']),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            tls,
            http: true,
        };
        let dialed = self
            .0
            .dial(target, deadline(details.timeout))
            .map_err(|failure| Error::Other(Box::new(failure)))?;
        let config = details.config;
        Ok(Some(Connection {
            stream: dialed.stream,
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            first: dialed.proxy.map(|proxy| FirstLine {
                prefix: format!("http://{authority}"),
                header: proxy.authorization_line(),
            }),
            proxied: false,
        }))
    }
}

fn deadline(timeout: NextTimeout) -> Deadline {
    Deadline::after(timeout.not_zero().map_or(Duration::MAX, |time| *time))
}

/// The failure of a connection that was not made.
pub(super) fn failure(error: &Error) -> Option<&Failure> {
    match error {
        Error::Other(other) => other.downcast_ref::<Failure>(),
        _ => None,
    }
}

/// What the first line of a request lacks for a proxy, and the header that follows it.
struct FirstLine {
    prefix: String,
    header: Zeroizing<String>,
}

/// A connection with the buffers that `ureq` works on.
pub(super) struct Connection {
    stream: Stream,
    buffers: LazyBuffers,
    first: Option<FirstLine>,
    /// Whether its only request went to a proxy.
    proxied: bool,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection(tls {})", self.stream.is_tls())
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.set_deadline(deadline(timeout));
        let output = self.buffers.output();
        let broken = || Error::Other("a request that cannot be written".into());
        let output = output.get(..amount).ok_or_else(broken)?;
        let sent = match self.first.take() {
            None => self.stream.write_all(output),
            Some(first) => {
                self.proxied = true;
                let whole = first.complete(output).ok_or_else(broken)?;
                self.stream.write_all(&whole)
            }
        };
        sent.and_then(|()| self.stream.flush())
            .map_err(|error| timed_out(error, timeout))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.set_deadline(deadline(timeout));
        let length = loop {
            match self.stream.read(self.buffers.input_append_buf()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other.map_err(|error| timed_out(error, timeout))?,
            }
        };
        self.buffers.input_appended(length);
        Ok(length > 0)
    }

    /// Never kept for another request where it goes to a proxy, whose lines are completed once.
    fn is_open(&mut self) -> bool {
        !self.proxied && self.stream.is_quiet()
    }

    fn is_tls(&self) -> bool {
        self.stream.is_tls()
    }
}

impl FirstLine {
    /// The head of a request with the whole address in its first line and the header after it.
    fn complete(&self, head: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let target = head.iter().position(|b| *b == b' ')? + 1;
        let end = head.windows(2).position(|w| w == b"\r\n")? + 2;
        let pieces = [
            head.get(..target)?,
            self.prefix.as_bytes(),
            head.get(target..end)?,
            self.header.as_bytes(),
            head.get(end..)?,
        ];
        Some(Zeroizing::new(pieces.concat()))
    }
}

fn timed_out(error: io::Error, timeout: NextTimeout) -> Error {
    match error.kind() {
        io::ErrorKind::TimedOut => Error::Timeout(timeout.reason),
        _ => Error::Io(error),
    }
}
