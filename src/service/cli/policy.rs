//! `rubrica policy [NAME|FILE]`: a validation policy as it is applied, in its canonical form, whose SHA-256 is the digest in
//! reports; without a name, which there are.

use super::exit::Exit;
use super::verify::say;
use crate::engine::evidence::ObjectId;
use crate::engine::syntax::json::canonical_json;
use crate::engine::validation::SCHEMA;
use crate::engine::{Error, Result};
use crate::service::config::Config;
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A preset, a policy of the configuration, or a file; without it, all that have a name
    #[arg(value_name = "NAME|FILE")]
    policy: Option<String>,
    /// The JSON Schema of files of policies
    #[arg(long, conflicts_with_all = ["policy", "algorithms"])]
    schema: bool,
    /// A catalogue of algorithms (JSON of TS 119 322) instead of the configured or shipped one
    #[arg(long, value_name = "FILE")]
    algorithms: Option<PathBuf>,
    /// The configuration, whose [validation] is used
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    if arguments.schema {
        say(SCHEMA.as_bytes())?;
        return Ok(Exit::Passed);
    }
    let config = arguments.config.as_deref();
    let mut config = config.map_or_else(|| Ok(Config::default()), Config::read)?;
    if arguments.algorithms.is_some() {
        config.validation.algorithms = arguments.algorithms;
    }
    match arguments.policy {
        Some(name) => say(&canonical_json(
            &config.validation_policy(Some(&name))?.to_value(),
        )?)?,
        None => say(listed(&config)?.as_bytes())?,
    }
    Ok(Exit::Passed)
}

/// A line each: the digest, the name, and which is the configuration's.
fn listed(config: &Config) -> Result<String> {
    let own = config.validation_policy(None)?;
    let names = config.selectable_policies()?.into_keys();
    let mut all = names
        .map(|name| config.validation_policy(Some(&name)))
        .collect::<Result<Vec<_>, Error>>()?;
    if !all.iter().any(|one| one.digest() == own.digest()) {
        all.push(own.clone());
    }
    let line = |policy: &crate::engine::validation::Policy| {
        let used = match policy.digest() == own.digest() {
            true => "  (in use)",
            false => "",
        };
        let digest = ObjectId(policy.digest());
        format!("{digest}  {}{used}\n", policy.constraints.name)
    };
    Ok(all.iter().map(line).collect())
}
