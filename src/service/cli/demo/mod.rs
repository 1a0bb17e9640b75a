//! `rubrica demo`: everything at once, on one machine, trusted by nobody.
//!
//! Makes a PKI, a configuration and a caller's key under a folder, starts the service with the PKI's own time-stamping
//! authority, OCSP responder and lists beside it, registers a sample request through the HTTP API, validates its acuse,
//! and says what it did and what to try. A second run goes on with what is there.

mod provider;
mod sample;
mod setup;

use super::Exit;
use super::serve::{Started, log_to_standard_error, prepare, runtime, told_to_end};
use crate::engine::{Error, Result};
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::Config;
use crate::service::demo::DemoAuthority;
use crate::service::http::Service;
use setup::Setup;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Stop after the sample instead of serving on
    #[arg(long)]
    once: bool,
    /// The folder that holds everything
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// Where to listen; the certificates of a folder are made for one address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8480")]
    listen: SocketAddr,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let setup = Setup::make(&arguments.data, arguments.listen)?;
    let config = Config::read(&setup.path("rubrica.toml"))?;
    log_to_standard_error(&config.log)?;
    let authority = Arc::new(DemoAuthority::open_or_make(
        &setup.path("pki"),
        &setup.base_url(),
        SystemClock.now(),
    )?);
    setup.print();
    runtime()?.block_on(async {
        let started = Started::new(config)?;
        let listeners = started.listen(provider::routes(authority)).await?;
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let told = told_to_end()?;
        let until = async move {
            tokio::select! {
                () = told => {}
                _ = ended => {}
            }
        };
        let serving = started.serve(listeners, until);
        let showing = async {
            let shown = show(setup, started.service.clone()).await;
            if arguments.once || shown.is_err() {
                let _ = end.send(());
            } else {
                println!("\nServing on; Ctrl-C ends it.");
                std::future::pending::<()>().await;
            }
            shown
        };
        tokio::pin!(serving);
        tokio::select! {
            () = &mut serving => Ok(Exit::Passed),
            shown = showing => {
                serving.await;
                shown
            }
        }
    })
}

/// Prepares the service, whose authorities answer by now; then registers, fetches and validates the sample, as any
/// caller would.
async fn show(setup: Setup, service: Arc<Service>) -> Result<Exit> {
    let shown = tokio::task::spawn_blocking(move || {
        prepare(&service);
        sample::show(&setup)
    });
    shown
        .await
        .unwrap_or_else(|_| Err(Error::internal("demo", "ended in a panic")))
}
