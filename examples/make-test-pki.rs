//! Makes the test PKI of `certs/` anew: `cargo run --example make-test-pki -- certs/test`.
//!
//! The same certificates as the demo's, valid from 2024 to 2049, with an OCSP response about each person. The folder must
//! not exist yet. certs/README.md says what is in it.

use rubrica::engine::crypto::DigestAlgorithm;
use rubrica::engine::pki::Validity;
use rubrica::engine::pki::ocsp::{CertId, request};
use rubrica::engine::{Result, Time};
use rubrica::service::demo::{Dates, DemoAuthority, Plan, make};
use std::path::Path;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).unwrap_or("certs/test".into());
    let folder = Path::new(&folder);
    let at = |text: &str| text.parse::<Time>();
    let span = |from: &str, until: &str| {
        Ok::<_, rubrica::engine::Error>(Validity {
            not_before: at(from)?,
            not_after: at(until)?,
        })
    };
    let whole = span("2020-01-01T00:00:00Z", "2049-12-31T23:59:59Z")?;
    let lists = span("2025-06-01T00:00:00Z", "2049-12-31T23:59:59Z")?;
    make(
        folder,
        &Plan {
            base_url: "http://127.0.0.1:8480".into(),
            passphrase: "demo".into(),
            dates: Dates {
                root: whole,
                ca: whole,
                current: span("2024-01-01T00:00:00Z", "2049-12-31T23:59:59Z")?,
                expired: span("2021-01-01T00:00:00Z", "2023-01-01T00:00:00Z")?,
                future: span("2049-01-01T00:00:00Z", "2049-12-31T23:59:59Z")?,
                revoked: at("2025-01-01T00:00:00Z")?,
                lists,
            },
        },
    )?;
    let authority = DemoAuthority::open(folder)?;
    let certificate = |name: &str| authority.certificate(name).ok_or_else(|| missing(name));
    let ca = certificate("ca")?;
    let lifetime = lists.not_after.since(lists.not_before);
    for name in ["seal", "seal-p256", "citizen", "employee", "revoked"] {
        let id = CertId::new(certificate(name)?, ca, DigestAlgorithm::Sha1)?;
        let response = authority.ocsp_good_for(&request(&id, None), lists.not_before, lifetime)?;
        std::fs::write(folder.join(format!("{name}.ocsp")), response)
            .map_err(|_| rubrica::engine::Error::unavailable("OCSP response", "is not written"))?;
    }
    println!("{}", folder.display());
    Ok(())
}

fn missing(name: &str) -> rubrica::engine::Error {
    rubrica::engine::Error::internal("test PKI", format!("has no certificate {name}"))
}
