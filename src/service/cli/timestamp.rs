//! `rubrica timestamp FILE`: a time-stamp token over a file or its digest, from the authorities of the configuration or of the
//! command line. With `--verify TOKEN` a token that is there is held against the file.
//!
//! The token is written beside the file, `FILE.tst`, whole or not at all.

use super::exit::Exit;
use super::input;
use super::seal::write;
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::pki::timestamp::response_of;
use crate::engine::validation::Policy;
use crate::engine::{Error, Result};
use crate::service::clock::SystemClock;
use crate::service::config::{Config, Network, TsaSettings};
use crate::service::flow::{
    CheckedToken, ToBeStamped, TokenFacts, check_timestamp, imprint_of, stamped_digest, timestamp,
};
use crate::service::sources::{Client, Fetching, TimestampAuthorities, Trusted};
use crate::service::trust::Trust;
use std::path::PathBuf;
use std::sync::Arc;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file; `-` is standard input
    #[arg(
        value_name = "FILE",
        required_unless_present = "digest",
        conflicts_with = "digest"
    )]
    input: Option<PathBuf>,
    /// A digest in place of the file, in hexadecimal digits or base64
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// The digest algorithm: sha-256, sha-384, sha-512, sha3-256, sha3-384, sha3-512 [default: what the authority prefers]
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
    /// Check this token, or the response that brought it, instead of asking for one
    #[arg(long, value_name = "TOKEN", conflicts_with_all = ["out", "tsa", "response"])]
    verify: Option<PathBuf>,
    /// Where the token goes [default: FILE.tst, or FILE.tsr with --response]
    #[arg(short, long, value_name = "OUT")]
    out: Option<PathBuf>,
    /// Write the response that brings the token, as `openssl ts` reads it
    #[arg(long)]
    response: bool,
    /// An authority: its address, or its name in the configuration; may be given several times, in order
    #[arg(long, value_name = "URL|NAME")]
    tsa: Vec<String>,
    /// The policy that the token must state, in dotted form; for authorities given by address
    #[arg(long, value_name = "OID", requires = "tsa")]
    policy: Option<String>,
    /// Trusted certificates that the authority must lead to (PEM or DER): files or folders
    #[arg(long, value_name = "PATH")]
    trust: Vec<PathBuf>,
    /// The configuration, whose [[tsa]], [trust] and [sources] are used
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: Option<PathBuf>,
    /// Addresses in private networks that may be connected to: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK")]
    private_address: Vec<Network>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
    /// Say what the token says as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let config = arguments.configuration()?;
    let file = arguments.input.as_deref().map(input::open).transpose()?;
    let algorithm = arguments
        .algorithm
        .as_deref()
        .map(stamped_digest)
        .transpose()?;
    if let Some(token) = &arguments.verify {
        return verify(&arguments, &config, token, file.as_deref(), algorithm);
    }
    let out = arguments.out()?;
    if out.exists() && !arguments.force {
        return Err(
            Error::refused(out.display().to_string(), "is there already")
                .remedy("Give another name with --out, or --force to replace it."),
        );
    }
    let authorities = arguments.authorities(&config)?;
    let preferred = algorithm.unwrap_or_else(|| authorities.preferred_digest());
    let what = arguments.what(file.as_deref(), preferred)?;
    let (stamped, facts) = timestamp(&what, &authorities)?;
    let token = stamped.token.bytes();
    let bytes = match arguments.response {
        true => response_of(token),
        false => token.to_vec(),
    };
    write(&out, &bytes, arguments.force)?;
    match arguments.json {
        true => println!("{}", json(&facts)?),
        false => println!("{}: {}", out.display(), said(&facts)),
    }
    Ok(Exit::Passed)
}

fn verify(
    arguments: &Arguments,
    config: &Config,
    token: &std::path::Path,
    file: Option<&[u8]>,
    algorithm: Option<DigestAlgorithm>,
) -> Result<Exit> {
    let what = arguments.what(file, algorithm.unwrap_or(DigestAlgorithm::Sha256))?;
    let anchors = policy(config)?.anchors.clone();
    let checked = check_timestamp(&input::open(token)?, &what, &anchors)?;
    if arguments.json {
        println!("{}", json(&checked)?);
    } else {
        let over = match checked.matches {
            true => "over this file",
            false => "NOT over this file",
        };
        let trusted = match checked.trusted {
            Some(true) => "under a trusted authority",
            Some(false) => "under NO trusted authority",
            None => "no trusted authority is known to hold it against (--trust)",
        };
        println!("{}; {over}; {trusted}", said(&checked.facts));
    }
    Ok(exit(&checked))
}

fn exit(checked: &CheckedToken) -> Exit {
    match (checked.matches, checked.trusted) {
        (false, _) => Exit::Failed,
        (true, Some(true)) => Exit::Passed,
        (true, _) => Exit::Indeterminate,
    }
}

fn said(facts: &TokenFacts) -> String {
    format!(
        "stamped {} by {}, {} {}",
        facts.time, facts.signer, facts.algorithm, facts.digest
    )
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|error| Error::internal("JSON", error.to_string()))
}

/// Whom the configuration and `--trust` trust.
fn policy(config: &Config) -> Result<Arc<Policy>> {
    let template = config.validation_policy(None)?;
    let trust = Trust::open(config, template, Arc::new(SystemClock))?;
    Ok(trust.handle().current())
}

impl Arguments {
    fn configuration(&self) -> Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        config.trust.anchors.extend_from_slice(&self.trust);
        let private = &mut config.sources.private_addresses;
        private.extend(self.private_address.iter().copied());
        Ok(config)
    }

    fn out(&self) -> Result<PathBuf> {
        if let Some(out) = &self.out {
            return Ok(out.clone());
        }
        let named = self.input.as_ref().filter(|path| path.as_os_str() != "-");
        let mut name = named
            .map(|path| path.clone().into_os_string())
            .ok_or_else(|| {
                Error::invalid("--out", "is missing").remedy("Say where the token goes.")
            })?;
        name.push(if self.response { ".tsr" } else { ".tst" });
        Ok(name.into())
    }

    fn what<'a>(
        &self,
        file: Option<&'a [u8]>,
        algorithm: DigestAlgorithm,
    ) -> Result<ToBeStamped<'a>> {
        match (file, &self.digest) {
            (Some(file), _) => Ok(ToBeStamped::Content(file, Some(algorithm))),
            (None, Some(digest)) => imprint_of(digest, algorithm).map(ToBeStamped::Digest),
            (None, None) => Err(Error::invalid("FILE", "is missing")
                .remedy("Give a file, or its digest with --digest.")),
        }
    }

    /// The authorities that were named, or all of the configuration.
    fn authorities(&self, config: &Config) -> Result<TimestampAuthorities> {
        let settings = match self.tsa.as_slice() {
            [] => config.tsas.clone(),
            named => named
                .iter()
                .map(|name| self.settings(config, name))
                .collect::<Result<_>>()?,
        };
        if settings.is_empty() {
            return Err(
                Error::invalid("--tsa", "is missing, and no configuration has one")
                    .remedy("Give the address of a time-stamping authority."),
            );
        }
        let fetching = Fetching {
            client: Arc::new(Client::new(&config.sources)?),
            clock: Arc::new(SystemClock),
        };
        let policy = policy(config)?;
        let trusted: Trusted = Arc::new(move || policy.clone());
        TimestampAuthorities::configured(&settings, &fetching, &trusted)
    }

    fn settings(&self, config: &Config, name: &str) -> Result<TsaSettings> {
        if name.contains("://") {
            if name.contains('@') {
                return Err(Error::invalid("--tsa", "holds a user or a password")
                    .remedy("Name them in credentials of a [[tsa]] in the configuration."));
            }
            return Ok(TsaSettings {
                name: name.into(),
                url: name.into(),
                timeout_seconds: 10,
                policy: self.policy.clone(),
                ..TsaSettings::default()
            });
        }
        config.tsa(name).cloned().ok_or_else(|| {
            Error::not_found(
                "--tsa",
                format!("{name:?} is no [[tsa]] of the configuration"),
            )
            .remedy("Give an address that begins with http:// or https://, or such a name.")
        })
    }
}
