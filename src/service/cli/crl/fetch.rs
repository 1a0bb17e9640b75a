//! `rubrica crl fetch URL…`: fetches lists into the index, by the settings of [sources].

use super::{Place, described, print, signers, told};
use crate::engine::{Error, Result};
use crate::service::cli::exit::{self, Exit};
use crate::service::clock::SystemClock;
use crate::service::config::Network;
use crate::service::sources::{Client, CrlSource, Deadline, Fetching};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Addresses of revocation lists
    #[arg(required = true, value_name = "URL")]
    urls: Vec<String>,
    /// Certificates of issuers, one of which signed each list; those of [trust] are looked at too
    #[arg(long, value_name = "PATH")]
    issuer: Vec<PathBuf>,
    /// Addresses in private networks that may be fetched from: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK")]
    private_address: Vec<Network>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let config = arguments.place.configuration()?;
    let signers = signers(&arguments.issuer, &config)?;
    let index = Arc::new(arguments.place.open(&config)?);
    let mut settings = config.sources.clone();
    settings
        .private_addresses
        .extend(arguments.private_address.iter().cloned());
    let fetching = Fetching {
        client: Arc::new(Client::new(&settings)?),
        clock: Arc::new(SystemClock),
    };
    let source = CrlSource::new(fetching).keeping_in(index, settings.download_bytes);
    let mut worst = Exit::Passed;
    for url in &arguments.urls {
        let deadline = Deadline::after(Duration::from_secs(settings.download_seconds));
        let fetched = source.refresh(url, &signers, deadline).and_then(|listed| {
            listed.ok_or_else(|| {
                Error::refused(
                    "CRL",
                    "is not signed by a key of its issuer that is known here",
                )
            })
        });
        match fetched {
            Ok(listed) => print(arguments.place.json, &described(&listed), &told(&listed)),
            Err(error) => worst = worst.max(exit::failed(&error)),
        }
    }
    Ok(worst)
}
