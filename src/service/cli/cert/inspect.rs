//! `rubrica cert inspect FILE…`: what a certificate says, in words; nothing is judged and nothing is fetched.

use crate::engine::pki::Certificate;
use crate::engine::pki::identity::Table;
use crate::engine::report::Inspection;
use crate::engine::{Error, Result};
use crate::service::cli::args::Told;
use crate::service::cli::exit::{self, Exit};
use crate::service::cli::{input, verify};
use std::path::{Path, PathBuf};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Certificates (PEM or DER), any number in a file; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The configuration, whose [identity] table is used too
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    told: Told,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let table = match &arguments.config {
        Some(path) => crate::service::config::Config::read(path)?
            .identity
            .read()?,
        None => Table::shipped().clone(),
    };
    let mut worst = Exit::Passed;
    for path in &arguments.files {
        let exit = inspect(path, &table, &arguments.told);
        worst = worst.max(exit.unwrap_or_else(|error| exit::failed(&error)));
    }
    Ok(worst)
}

fn inspect(path: &Path, table: &Table, told: &Told) -> Result<Exit> {
    let unreadable = || {
        Error::malformed(
            path.display().to_string(),
            "neither DER nor PEM of a certificate",
        )
        .remedy("Give the certificate as your reader exports it (.cer, .crt, .pem).")
    };
    let all = Certificate::from_pem_or_der(&input::open(path)?).map_err(|_| unreadable())?;
    if all.is_empty() {
        return Err(unreadable());
    }
    for certificate in &all {
        let inspection = Inspection::of(certificate, table);
        match told.json {
            true => verify::say(&[inspection.to_json()?, b"\n".to_vec()].concat())?,
            false => {
                verify::say(format!("{}\n", inspection.text(told.lang, &told.zone)).as_bytes())?
            }
        }
    }
    Ok(Exit::Passed)
}
