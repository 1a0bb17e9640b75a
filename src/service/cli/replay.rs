//! `rubrica replay EVIDENCE`: judges exported evidence again, without the documents and without a network.
//!
//! It is judged at the time of the validation that it was exported from, or at `--at`. The same evidence, trusted
//! certificates and time give the same report, byte for byte.

use super::args::{JudgedBy, Told};
use super::exit::Exit;
use super::input;
use super::verify::print;
use crate::engine::validation::validate;
use crate::engine::{Result, evidence, report};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Evidence that `verify --evidence` exported
    #[arg(value_name = "EVIDENCE")]
    file: PathBuf,
    #[command(flatten)]
    by: JudgedBy,
    #[command(flatten)]
    told: Told,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let policy = arguments.by.policy(&arguments.by.configuration()?)?;
    let (evidence, judged_at) = evidence::import(&input::open(&arguments.file)?)?;
    let at = arguments.by.at.or(judged_at);
    let verdict = validate(
        &evidence,
        &policy,
        at.unwrap_or_else(|| arguments.by.time()),
    );
    let report = report::simple(&evidence, &verdict);
    print(&report, &arguments.told)?;
    Ok(Exit::from(verdict.indication))
}
