//! `rubrica seal IN OUT`: seals a PDF with a key of the configuration, or with a key file.
//!
//! The passphrase comes from a file or an environment variable, never from the command line. The output appears under its
//! name whole or not at all, and never takes the place of the input.

use super::exit::Exit;
use super::input;
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{Format, Options, PadesOptions, Sniff};
use crate::engine::pki::trust::Anchors;
use crate::engine::validation::Policy;
use crate::engine::{Error, Result};
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::{Config, SealSettings, TsaSettings, WhenTsaFails};
use crate::service::flow::{Order, Sealed, check_seal, seal};
use crate::service::keys::Seal;
use crate::service::sources::{Client, Fetching, Folder, Sources, TimestampAuthorities, Trusted};
use crate::service::trust::Trust;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The PDF to seal
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The sealed PDF
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// The configuration that has the seal
    #[arg(
        long,
        value_name = "FILE",
        env = "RUBRICA_CONFIG",
        conflicts_with = "key"
    )]
    config: Option<PathBuf>,
    /// The seal of the configuration; may be left out where there is only one
    #[arg(long, value_name = "NAME", requires = "config")]
    seal: Option<String>,
    /// A key instead: PKCS#12, or PEM with its certificates
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The certificate and its chain (PEM), where the key file does not hold them
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The file whose first line is the passphrase of the key
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
    /// The environment variable that holds the passphrase of the key
    #[arg(long, value_name = "NAME", requires = "key")]
    passphrase_env: Option<String>,
    /// A time-stamping authority (RFC 3161); may be given several times, in order
    #[arg(long, value_name = "URL", requires = "key")]
    tsa: Vec<String>,
    /// Seal at level B-B when no authority answers, instead of not at all
    #[arg(long, requires = "tsa")]
    degrade: bool,
    /// Addresses in private networks that may be connected to: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK", requires = "key")]
    private_address: Vec<String>,
    /// The reason that the signature states
    #[arg(long)]
    reason: Option<String>,
    /// The place that the signature states
    #[arg(long)]
    location: Option<String>,
    /// Do not ask whether the certificate of the seal was revoked
    #[arg(long)]
    offline: bool,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    check_paths(&arguments)?;
    let config = arguments.configuration()?;
    let settings = arguments.settings(&config)?;
    let document = input::open(&arguments.input)?;
    check_pdf(&document)?;
    let by = Seal::load(settings)?;
    if !arguments.offline {
        ask_about(&by, &config)?;
    }
    let authorities = authorities(&config, settings)?;
    let options = Options::Pades(PadesOptions {
        reason: arguments.reason.clone().or_else(|| settings.reason.clone()),
        location: arguments
            .location
            .clone()
            .or_else(|| settings.location.clone()),
        name: Some(by.certificate.subject().common_name()),
        field: None,
        visible: None,
    });
    let order = Order {
        seal: &by,
        format: &Pades,
        options: &options,
        timestamping: authorities.as_ref().map(|a| a as _),
        when_tsa_fails: settings.when_tsa_fails,
    };
    let sealed = seal(&document, &order, SystemClock.now())?;
    write(&arguments.output, &sealed.bytes, arguments.force)?;
    tell(&sealed, &by);
    Ok(Exit::Passed)
}

impl Arguments {
    /// The configuration file, or one made of the arguments.
    fn configuration(&self) -> Result<Config> {
        let Some(key) = &self.key else {
            return match &self.config {
                Some(path) => Config::read(path),
                None => Err(Error::invalid("--key", "is missing, and so is --config")
                    .remedy("Give the key file, or the configuration that has the seal.")),
            };
        };
        let name = |index: usize| format!("tsa {}", index + 1);
        let tsas = self.tsa.iter().enumerate().map(|(index, url)| TsaSettings {
            name: name(index),
            url: url.clone(),
            timeout_seconds: 10,
            ..TsaSettings::default()
        });
        let mut config = Config {
            tsas: tsas.collect(),
            ..Config::default()
        };
        for network in &self.private_address {
            let wrong = |problem| Error::invalid("--private-address", problem);
            config
                .sources
                .private_addresses
                .push(network.parse().map_err(wrong)?);
        }
        config.seals.push(SealSettings {
            name: "seal".into(),
            key: key.clone(),
            certificate: self.certificate.clone(),
            passphrase_file: self.passphrase_file.clone(),
            passphrase_env: self.passphrase_env.clone(),
            rsa_pss: false,
            digest: None,
            tsa: config.tsas.iter().map(|tsa| tsa.name.clone()).collect(),
            when_tsa_fails: if self.degrade {
                WhenTsaFails::Degrade
            } else {
                WhenTsaFails::Fail
            },
            reason: None,
            location: None,
        });
        Ok(config)
    }

    fn settings<'c>(&self, config: &'c Config) -> Result<&'c SealSettings> {
        match (&self.seal, config.seals.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Error::invalid(
                "--seal",
                "is missing, and the configuration does not have exactly one seal",
            )
            .remedy("Name one of its [[seal]] tables.")),
            (Some(name), seals) => seals.iter().find(|s| s.name == *name).ok_or_else(|| {
                Error::not_found("--seal", format!("the configuration has no seal {name:?}"))
                    .remedy("Name one of its [[seal]] tables.")
            }),
        }
    }
}

fn check_paths(arguments: &Arguments) -> Result<()> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(&arguments.input, &arguments.output) {
        return Err(Error::invalid("OUT", "is the input itself")
            .remedy("Give another name: the input stays as it is."));
    }
    if arguments.output.exists() && !arguments.force {
        return Err(Error::refused("OUT", "is there already")
            .remedy("Give another name, or --force to replace it."));
    }
    Ok(())
}

fn check_pdf(document: &[u8]) -> Result<()> {
    if Pades.sniff(document) == Sniff::No {
        return Err(Error::malformed("IN", "is not a PDF").remedy("Give a PDF."));
    }
    Ok(())
}

/// A seal that is revoked seals nothing; one whose status nobody tells now, seals, and this is said.
pub(super) fn ask_about(by: &Seal, config: &Config) -> Result<()> {
    let paths = [config.trust.certificates.as_slice(), &config.trust.crls].concat();
    let sources = Sources::new(
        &config.sources,
        Folder::read(&paths)?,
        Arc::new(SystemClock),
    )?;
    match check_seal(by, &sources, SystemClock.now()) {
        Ok(_) => by.check_usable(SystemClock.now()),
        Err(error) => {
            eprintln!("rubrica: not known whether the seal was revoked: {error}");
            Ok(())
        }
    }
}

fn authorities(config: &Config, settings: &SealSettings) -> Result<Option<TimestampAuthorities>> {
    if settings.tsa.is_empty() {
        return Ok(None);
    }
    let fetching = Fetching {
        client: Arc::new(Client::new(&config.sources)?),
        clock: Arc::new(SystemClock),
    };
    let template = Policy::baseline(Anchors::default());
    let trust = Trust::open(config, template, fetching.clock.clone())?.handle();
    let trusted: Trusted = Arc::new(move || trust.current());
    let all = TimestampAuthorities::configured(&config.tsas, &fetching, &trusted)?;
    Ok(Some(all.named(&settings.tsa)))
}

/// Beside its place first, synced, then under its name.
pub(super) fn write(path: &Path, bytes: &[u8], force: bool) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::unavailable(
            path.display().to_string(),
            format!("cannot be written: {}", error.kind()),
        )
        .remedy("Check the folder, its permissions and the space left.")
    };
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let outcome = (|| {
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        if force {
            std::fs::rename(&beside, path)
        } else {
            std::fs::hard_link(&beside, path)
        }
    })();
    let _ = std::fs::remove_file(&beside);
    outcome.map_err(failed)
}

fn tell(sealed: &Sealed, by: &Seal) {
    let stamped = sealed
        .stamped
        .map(|at| format!(", stamped {at}"))
        .unwrap_or_default();
    println!(
        "{} by {}{stamped}",
        sealed.level,
        by.certificate.subject().common_name()
    );
    if let Some(owed) = &sealed.owed {
        eprintln!("rubrica: the time-stamp is owed: {owed}");
    }
}
