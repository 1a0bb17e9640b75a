//! A TLS server that serves only whom it knows by a certificate.

use super::forged::Maker;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A server on a loopback port, until the process ends.
pub(super) struct Server(u16);

fn configuration(maker: &Maker) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(maker.file("ca.pem")).unwrap();
    roots.add(ca).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let chain = vec![CertificateDer::from_pem_file(maker.file("server.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(maker.file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key);
    Arc::new(config.unwrap())
}

impl Server {
    /// Answers the body of each request with what `respond` makes of it.
    pub(super) fn start(
        maker: &Maker,
        respond: impl Fn(&[u8]) -> Vec<u8> + Send + 'static,
    ) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = configuration(maker);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                // A client without a certificate ends in an error here.
                let _ = serve(&config, socket, &respond);
            }
        });
        Server(port)
    }

    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}/tsa", self.0)
    }
}

fn serve(
    config: &Arc<ServerConfig>,
    socket: TcpStream,
    respond: &impl Fn(&[u8]) -> Vec<u8>,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, socket);
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    let body = loop {
        let read = stream.read(&mut piece)?;
        request.extend_from_slice(&piece[..read]);
        let head_end = request.windows(4).position(|w| w == b"\r\n\r\n");
        // A request to stamp is shorter than 200 bytes and comes with its head, or right behind it.
        match head_end {
            Some(end) if request.len() > end + 4 => break request[end + 4..].to_vec(),
            _ if read == 0 => return Ok(()),
            _ => {}
        }
    };
    let response = respond(&body);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        response.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&response)?;
    stream.flush()
}
