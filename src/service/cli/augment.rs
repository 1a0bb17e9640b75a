//! `rubrica augment IN OUT --level B-LT`: raises the signatures of a file. `rubrica augment --owed`: pays what the store of a
//! configuration says is owed, or lists it.

use super::exit::Exit;
use super::input;
use super::sign::parsed;
use super::signing::{Means, Outcome};
use crate::engine::formats::Content;
use crate::engine::{Error, Result};
use crate::service::clock::SystemClock;
use crate::service::config::Config;
use crate::service::flow::{Baseline, Raise, StreamedFile, WhenUnavailable, described_debt};
use crate::service::http::Parts;
use crate::service::store::read_debts;
use std::path::PathBuf;
use std::sync::Arc;

/// Debts that are paid in one go.
const MOST: usize = 1_000_000;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The signed file
    #[arg(value_name = "IN", required_unless_present = "owed", requires_all = ["output", "level"], conflicts_with = "owed")]
    input: Option<PathBuf>,
    /// The file with more behind its signatures
    #[arg(value_name = "OUT")]
    output: Option<PathBuf>,
    /// The level: B-T, B-LT, B-LTA
    #[arg(long, value_parser = parsed::<Baseline>)]
    level: Option<Baseline>,
    /// The content of a detached signature
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    /// When an authority or a source does not answer: degrade or fail
    #[arg(long, value_parser = parsed::<WhenUnavailable>, default_value = "fail")]
    when_unavailable: WhenUnavailable,
    /// Pay what is owed in the store of the configuration
    #[arg(long, requires = "config")]
    owed: bool,
    /// Only list what is owed; works while the service runs
    #[arg(long, requires = "owed")]
    list: bool,
    #[command(flatten)]
    means: Means,
    #[command(flatten)]
    outcome: Outcome,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let config = arguments.means.configuration()?;
    if arguments.list {
        return list(&config);
    }
    if arguments.owed {
        return pay(config);
    }
    let (Some(input), Some(output)) = (&arguments.input, &arguments.output) else {
        return Err(Error::invalid("OUT", "is missing").remedy("Give IN, OUT and --level."));
    };
    arguments.outcome.check(input, output)?;
    let document = input::open(input)?;
    let content = arguments
        .content
        .as_deref()
        .map(StreamedFile::open)
        .transpose()?;
    let raise = Raise {
        document: &document,
        content: content.as_ref().map(Content::from),
        only: None,
        level: arguments.level.unwrap_or_default(),
        when_unavailable: arguments.when_unavailable,
    };
    let seal = arguments.means.seal.as_deref().unwrap_or_default();
    let raised = arguments.means.desk(&config)?.raise(seal, &raise)?;
    arguments.outcome.hand_out(&raised, output)
}

/// A debt a line, as JSON.
fn list(config: &Config) -> Result<Exit> {
    let debts = read_debts(&config.data)?;
    for debt in &debts {
        println!("{}", described_debt(debt));
    }
    Ok(match debts.is_empty() {
        true => Exit::Passed,
        false => Exit::Indeterminate,
    })
}

fn pay(config: Config) -> Result<Exit> {
    let parts = Parts::of(config, Arc::new(SystemClock))?;
    let debts = parts.debts.ok_or_else(|| {
        Error::invalid(
            "store.key",
            "is not in the configuration, so that nothing is owed",
        )
        .remedy("Name the store whose debts are to be paid.")
    })?;
    let settled = debts.pay_due(MOST)?;
    debts.forget()?;
    println!("{} paid", settled.paid);
    for (id, error) in &settled.left {
        eprintln!("rubrica: {id} is still owed: {error}");
    }
    Ok(match settled.left.is_empty() {
        true => Exit::Passed,
        false => Exit::Indeterminate,
    })
}
