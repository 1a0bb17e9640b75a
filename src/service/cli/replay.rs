//! `rubrica replay EVIDENCE`: judges exported evidence again, without the documents and without a network.
//!
//! It is judged at the time of the validation that it was exported from, or at `--at`. The same evidence, trusted
//! certificates, trusted lists and time give the same report, byte for byte; others are refused unless they are asked for.

use super::args::{JudgedBy, Told};
use super::exit::Exit;
use super::input;
use super::verify::print;
use crate::engine::validation::validate;
use crate::engine::{Error, Result, evidence, report};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Evidence that `verify --evidence` exported
    #[arg(value_name = "EVIDENCE")]
    file: PathBuf,
    /// Judge even where other certificates and lists are trusted here than were at the validation
    #[arg(long)]
    other_trust: bool,
    #[command(flatten)]
    by: JudgedBy,
    #[command(flatten)]
    told: Told,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let policy = arguments.by.policy(&arguments.by.configuration()?)?;
    let (evidence, judgement) = evidence::import(&input::open(&arguments.file)?)?;
    let at = arguments.by.at.or(judgement.at);
    let verdict = validate(
        &evidence,
        &policy,
        at.unwrap_or_else(|| arguments.by.time()),
    );
    let trust = verdict.trust.as_ref().map(|trust| trust.digest);
    if let Some(then) = judgement.trust.filter(|then| Some(*then) != trust)
        && !arguments.other_trust
    {
        return Err(Error::refused(
            "trust",
            format!("is not that of the validation, whose digest is {then}"),
        )
        .remedy(
            "Trust the same certificates and lists, or say --other-trust for another verdict.",
        ));
    }
    let report = report::simple(&evidence, &verdict);
    print(&report, &arguments.told)?;
    Ok(Exit::from(verdict.indication))
}
