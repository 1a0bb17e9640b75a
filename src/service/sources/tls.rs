//! TLS to servers under the authorities that browsers know, and those that the configuration adds.
//!
//! What travels is signed, so TLS here hides what is asked for rather than proves what is answered; a server that cannot
//! be told from another is refused all the same.

use super::Folder;
use crate::engine::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::path::PathBuf;
use std::sync::Arc;

/// The configuration with the roots of browsers and those in `files`.
pub(super) fn configuration(files: &[PathBuf]) -> Result<Arc<ClientConfig>> {
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
    Ok(Arc::new(
        builder.with_root_certificates(roots).with_no_client_auth(),
    ))
}
