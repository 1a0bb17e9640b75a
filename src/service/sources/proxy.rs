//! Plain HTTP through a proxy, as proxies expect it: the whole address in the request line (RFC 9112 §3.2.2).
//!
//! Revocation lists and OCSP travel over plain HTTP, and proxies commonly let `CONNECT` go to port 443 alone. Here a
//! connection goes to the proxy, and the first line of its only request is completed on the way out.

use std::fmt;
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport,
};

/// Connects to the proxy for what is not TLS; leaves everything else to the connectors after it.
#[derive(Debug, Default)]
pub(super) struct PlainProxy(TcpConnector);

impl Connector for PlainProxy {
    type Out = Completed;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Completed>, Error> {
        let proxy = details.config.proxy();
        let Some(proxy) = proxy.filter(|p| !details.needs_tls() && !p.is_no_proxy(details.uri))
        else {
            return Ok(None);
        };
        let Some(authority) = details.uri.authority() else {
            return Ok(None);
        };
        let to_proxy = ConnectionDetails {
            uri: proxy.uri(),
            addrs: details
                .resolver
                .resolve(proxy.uri(), details.config, details.timeout)?,
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let connection = Connector::<()>::connect(&self.0, &to_proxy, None)?;
        Ok(connection.map(|inner| Completed {
            inner: Box::new(inner),
            prefix: Some(format!("http://{authority}")),
        }))
    }
}

/// A connection to a proxy, for one request.
pub(super) struct Completed {
    inner: Box<dyn Transport>,
    /// What the target of the request still lacks.
    prefix: Option<String>,
}

impl fmt::Debug for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Completed({:?})", self.prefix)
    }
}

impl Transport for Completed {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let Some(prefix) = self.prefix.take() else {
            return self.inner.transmit_output(amount, timeout);
        };
        let output = self.inner.buffers().output();
        let broken = || Error::Other("a request line that cannot be completed".into());
        let head = output.get(..amount).ok_or_else(broken)?.to_vec();
        let target = head.iter().position(|b| *b == b' ').ok_or_else(broken)? + 1;
        let whole = [&head[..target], prefix.as_bytes(), &head[target..]].concat();
        output
            .get_mut(..whole.len())
            .ok_or_else(broken)?
            .copy_from_slice(&whole);
        self.inner.transmit_output(whole.len(), timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    /// Never kept for another request.
    fn is_open(&mut self) -> bool {
        false
    }
}
