//! `rubrica crl index FILE…`: takes lists from files into the index.

use super::{Place, described, print, signers, told};
use crate::engine::Result;
use crate::service::cli::exit::{self, Exit};
use crate::service::clock::{Clock, SystemClock};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Revocation lists, DER or PEM
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Certificates of issuers, one of which signed each list; those of [trust] are looked at too
    #[arg(long, value_name = "PATH")]
    issuer: Vec<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let config = arguments.place.configuration()?;
    let signers = signers(&arguments.issuer, &config)?;
    let index = arguments.place.open(&config)?;
    let mut worst = Exit::Passed;
    for file in &arguments.files {
        match index.add_file(file, &signers, SystemClock.now()) {
            Ok(listed) => print(arguments.place.json, &described(&listed), &told(&listed)),
            Err(error) => {
                eprint!("{}: ", file.display());
                worst = worst.max(exit::failed(&error));
            }
        }
    }
    Ok(worst)
}
