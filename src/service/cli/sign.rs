//! `rubrica sign IN OUT`: signs a file in any format and to any level, with a seal or a key; in two steps with
//! `--prepare STATE` and `--finish STATE` where the key is elsewhere.
//!
//! `--parameters FILE` takes what `POST /v1/sign` takes; the other arguments go over it.

use super::exit::Exit;
use super::input::{self, Bytes};
use super::seal::{ask_about, write};
use super::signing::{Means, Outcome};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{Content, Format, Sniff};
use crate::engine::syntax::asn1::Oid;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result};
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::Config;
use crate::service::flow::two_step::{Signatory, TwoSteps};
use crate::service::flow::{
    Baseline, Beside, FormatName, Hints, NamedPolicy, Packaging, Parameters, Place, PolicyWanted,
    PropertiesWanted, StreamedFile, ToSign, WhenUnavailable,
};
use crate::service::keys::{Seal, Secret};
use clap::ValueEnum;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Whoever prepares and finishes on a command line.
const CALLER: &str = "command line";

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file to sign
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The signature or the signed file; with --prepare what the key has to sign
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    asked: Asked,
    #[command(flatten)]
    means: Means,
    #[command(flatten)]
    steps: Steps,
    #[command(flatten)]
    outcome: Outcome,
}

/// What the signature is to be.
#[derive(Debug, clap::Args)]
struct Asked {
    /// All parameters as JSON, as POST /v1/sign takes them
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
    /// The format [default: pades for a PDF, cades for the rest]
    #[arg(long, value_parser = parsed::<FormatName>)]
    format: Option<FormatName>,
    /// The level: B-B, B-T, B-LT, B-LTA [default: B-B]
    #[arg(long, value_parser = parsed::<Baseline>)]
    level: Option<Baseline>,
    /// Where the content is: enveloped, enveloping, detached
    #[arg(long, value_parser = parsed::<Packaging>)]
    packaging: Option<Packaging>,
    /// The digest, with a key that is elsewhere: SHA-256, SHA-384, SHA-512, SHA3-256 …
    #[arg(long, value_parser = parsed::<DigestAlgorithm>)]
    digest: Option<DigestAlgorithm>,
    /// PSS padding, with an RSA key that is elsewhere
    #[arg(long)]
    rsa_pss: bool,
    /// When an authority or a source does not answer: degrade or fail
    #[arg(long, value_parser = parsed::<WhenUnavailable>)]
    when_unavailable: Option<WhenUnavailable>,
    /// The signature policy: age-1.9 (any other by --parameters)
    #[arg(long, value_parser = parsed::<NamedPolicy>)]
    policy: Option<NamedPolicy>,
    /// What the signature commits to: proof-of-origin and its like, or an OID; may be given several times
    #[arg(long, value_name = "TYPE")]
    commitment: Vec<String>,
    /// A role that the signer claims; may be given several times
    #[arg(long, value_name = "ROLE")]
    role: Vec<String>,
    /// The country where it is signed
    #[arg(long)]
    country: Option<String>,
    /// The town where it is signed
    #[arg(long)]
    locality: Option<String>,
    /// The type of the content, as an OID, for whoever shows it
    #[arg(long, value_name = "OID", value_parser = parsed::<Oid>)]
    content_type: Option<Oid>,
    /// What the content is, for people
    #[arg(long, value_name = "TEXT", requires = "content_type")]
    content_description: Option<String>,
    /// The media type of the content
    #[arg(long, value_name = "TYPE")]
    mime_type: Option<String>,
    /// Time-stamp the content before it is signed
    #[arg(long)]
    content_timestamp: bool,
    /// The reason that a PDF signature states
    #[arg(long)]
    reason: Option<String>,
    /// The place that a PDF signature states
    #[arg(long)]
    location: Option<String>,
    /// The form field that takes a PDF signature
    #[arg(long)]
    field: Option<String>,
    /// Beside the signatures of the CMS message IN
    #[arg(long, conflicts_with = "counter")]
    parallel: bool,
    /// Over the value of the signature of this number of the CMS message IN, from 0
    #[arg(long, value_name = "NUMBER")]
    counter: Option<usize>,
    /// The content that the CMS message IN does not carry
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
}

/// In two steps, with a key that is elsewhere.
#[derive(Debug, clap::Args)]
struct Steps {
    /// First step: write the state to be kept until the second into this file, and what the key has to sign into OUT
    #[arg(long, value_name = "STATE", requires = "signatory", conflicts_with_all = ["key", "finish"])]
    prepare: Option<PathBuf>,
    /// The signer's certificate and its issuers (PEM, or one as DER), with --prepare
    #[arg(long, value_name = "FILE", requires = "prepare")]
    signatory: Option<PathBuf>,
    /// What OUT holds with --prepare
    #[arg(long, value_enum, default_value = "to-be-signed", requires = "prepare")]
    returns: Returns,
    /// Second step: the state of the first
    #[arg(long, value_name = "STATE", requires = "value", conflicts_with_all = ["key", "format", "level", "packaging", "parameters"])]
    finish: Option<PathBuf>,
    /// The value of the signature, with --finish
    #[arg(long, value_name = "FILE", requires = "finish")]
    value: Option<PathBuf>,
    /// The secret of states, 64 hexadecimal digits [default: of [signing] or [store] of the configuration]
    #[arg(long, value_name = "FILE")]
    state_key: Option<PathBuf>,
}

/// What a key elsewhere takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Returns {
    /// The message.
    ToBeSigned,
    /// Its digest.
    Digest,
}

/// A value as JSON has it.
pub(super) fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json!(text)).map_err(|error| error.to_string())
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let Arguments { input, output, .. } = &arguments;
    arguments.outcome.check(input, output)?;
    let config = arguments.means.configuration()?;
    let document = input::open(input)?;
    let content = arguments
        .asked
        .content
        .as_deref()
        .map(StreamedFile::open)
        .transpose()?;
    let content = content.as_ref().map(Content::from);
    let desk = arguments.means.desk(&config)?;
    if let Some(state) = &arguments.steps.finish {
        let value = input::open(arguments.steps.value.as_deref().unwrap_or(Path::new("-")))?;
        let text = input::open(state)?;
        let steps = arguments.steps.two_steps(&config)?;
        let opened = steps.open(CALLER, &String::from_utf8_lossy(&text), SystemClock.now())?;
        let signed = {
            let streamed = apart(opened.parameters().is_detached(), &document, input)?;
            let document = streamed.as_ref().map_or((&*document).into(), Content::from);
            opened.finish(&desk, None, document, content, &value)?
        };
        let exit = arguments.outcome.hand_out(&signed, output)?;
        // It has done what it was for.
        let _ = std::fs::remove_file(state);
        return Ok(exit);
    }
    let asked = arguments
        .asked
        .parameters(&document, arguments.means.seal.as_deref())?;
    let streamed = apart(asked.is_detached(), &document, input)?;
    let what = ToSign {
        document: streamed.as_ref().map_or((&*document).into(), Content::from),
        content,
        parameters: &asked,
    };
    if let (Some(state), Some(signatory)) = (&arguments.steps.prepare, &arguments.steps.signatory) {
        arguments.outcome.check(input, state)?;
        let signatory = Signatory::read(&input::open(signatory)?)?;
        let prepared = arguments
            .steps
            .two_steps(&config)?
            .prepare(&desk, CALLER, &what, &signatory)?;
        let (bytes, digest) = match (arguments.steps.returns, &prepared.digest) {
            (Returns::Digest, Some((by, digest))) => (digest, Some(by)),
            (Returns::Digest, None) => {
                return Err(
                    Error::unsupported("--returns", "this key takes messages alone")
                        .remedy("Ask for to-be-signed."),
                );
            }
            _ => (&prepared.to_be_signed, None),
        };
        write(state, prepared.state.as_bytes(), arguments.outcome.force)?;
        write(output, bytes, arguments.outcome.force)?;
        let told = json!({
            "algorithm": prepared.algorithm.to_string(),
            "digest_algorithm": digest.map(|by| by.name()),
            "to_be_signed_sha256": hex(&crate::engine::crypto::sha256(&prepared.to_be_signed)),
            "until": prepared.until,
        });
        println!("{told}");
        return Ok(Exit::Passed);
    }
    let settings = arguments.means.settings(&config)?;
    let seal = Seal::load(settings)?;
    if !config.sources.offline {
        ask_about(&seal, &config)?;
    }
    let signed = desk.sign_with(&seal, &what)?;
    arguments.outcome.hand_out(&signed, output)
}

/// What stays apart from its signature may be of any size: a large file is read past, not mapped.
fn apart(is_detached: bool, document: &Bytes, input: &Path) -> Result<Option<StreamedFile>> {
    (is_detached && matches!(document, Bytes::Mapped(_)))
        .then(|| StreamedFile::open(input))
        .transpose()
}

impl Steps {
    fn two_steps(&self, config: &Config) -> Result<TwoSteps> {
        let configured = config
            .signing
            .secrets
            .as_ref()
            .or(config.store.key.as_ref());
        let path = self.state_key.as_ref().or(configured).ok_or_else(|| {
            Error::invalid("--state-key", "is missing, and the configuration has none")
                .remedy("Make one with `openssl rand -hex 32`, readable by you alone, and give it to both steps.")
        })?;
        Ok(TwoSteps::new(
            &Secret::read(path)?,
            config.signing.state_life(),
        ))
    }
}

impl Asked {
    fn parameters(&self, document: &[u8], seal: Option<&str>) -> Result<Parameters> {
        let of_document = match Pades.sniff(document) {
            Sniff::Yes => FormatName::Pades,
            _ => FormatName::Cades,
        };
        let mut asked = match &self.parameters {
            Some(path) => Parameters::from_json(&input::open(path)?)?,
            None => Parameters::new(of_document, Baseline::B),
        };
        let over = |to: &mut Option<String>, from: &Option<String>| {
            if from.is_some() {
                to.clone_from(from);
            }
        };
        asked.format = self.format.unwrap_or(asked.format);
        asked.level = self.level.unwrap_or(asked.level);
        asked.packaging = self.packaging.or(asked.packaging);
        asked.digest = self.digest.or(asked.digest);
        asked.rsa_pss |= self.rsa_pss;
        asked.when_unavailable = self.when_unavailable.or(asked.when_unavailable);
        asked.seal = seal.map_or(asked.seal, str::to_string);
        over(&mut asked.reason, &self.reason);
        over(&mut asked.location, &self.location);
        over(&mut asked.field, &self.field);
        asked.beside = match (self.parallel, self.counter) {
            (true, _) => Some(Beside::Parallel),
            (_, Some(number)) => Some(Beside::Counter(number)),
            _ => asked.beside,
        };
        self.properties(&mut asked.properties);
        Ok(asked)
    }

    fn properties(&self, properties: &mut PropertiesWanted) {
        if let Some(policy) = self.policy {
            properties.signature_policy = Some(PolicyWanted::Named(policy));
        }
        if !self.commitment.is_empty() {
            properties.commitment_types.clone_from(&self.commitment);
        }
        if !self.role.is_empty() {
            properties.claimed_roles.clone_from(&self.role);
        }
        if self.country.is_some() || self.locality.is_some() {
            properties.production_place = Some(Place {
                country: self.country.clone(),
                locality: self.locality.clone(),
                postal_address: Vec::new(),
            });
        }
        if let Some(content_type) = self.content_type {
            properties.content_hints = Some(Hints {
                description: self.content_description.clone(),
                content_type,
            });
        }
        if self.mime_type.is_some() {
            properties.mime_type.clone_from(&self.mime_type);
        }
        properties.content_timestamp |= self.content_timestamp;
    }
}
