//! TLS to servers under the authorities that browsers know, and those that the configuration adds.
//!
//! What travels is signed, so TLS here hides what is asked for rather than proves what is answered; a server that cannot
//! be told from another is refused all the same.

use super::Folder;
use crate::engine::{Error, Result};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The configuration with the roots of browsers and those in `files`.
pub(super) fn configuration(files: &[PathBuf]) -> Result<Arc<ClientConfig>> {
    Ok(Arc::new(trusting(files)?.with_no_client_auth()))
}

/// The same, which shows servers that ask for it the certificate and chain in one file with the key in another.
pub(super) fn presenting(
    files: &[PathBuf],
    certificate: &Path,
    key: &Path,
) -> Result<Arc<ClientConfig>> {
    let wrong = |path: &Path, problem: &'static str| {
        Error::invalid(path.display().to_string(), problem).remedy(
            "Give the certificate with its chain, and its key without a passphrase, as PEM.",
        )
    };
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|_| wrong(certificate, "is not PEM with certificates"))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|_| wrong(key, "is not PEM with a private key"))?;
    let identified = trusting(files)?
        .with_client_auth_cert(chain, private)
        .map_err(|_| wrong(key, "is not the key of the client's certificate"))?;
    Ok(Arc::new(identified))
}

fn trusting(files: &[PathBuf]) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in Folder::read(files)?.certificates() {
        roots
            .add(CertificateDer::from(certificate.bytes()))
            .map_err(|_| {
                Error::invalid(
                    "sources.tls_roots",
                    "holds a certificate that cannot be an authority of TLS servers",
                )
            })?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS", error.to_string()))?;
    Ok(builder.with_root_certificates(roots))
}
