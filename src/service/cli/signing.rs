//! What `sign` and `augment` share: the key and the authorities that are used, and how the outcome is told.

use super::exit::Exit;
use super::seal::write;
use crate::engine::pki::trust::Anchors;
use crate::engine::syntax::hex::hex;
use crate::engine::validation::Policy;
use crate::engine::{Error, Result};
use crate::service::clock::SystemClock;
use crate::service::config::{Config, Network, SealSettings, TsaSettings};
use crate::service::flow::{Signed, SigningDesk, Timestamping};
use crate::service::sources::{Client, Fetching, Folder, Sources, TimestampAuthorities, Trusted};
use crate::service::trust::Trust;
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the seal that arguments make.
const OWN: &str = "key";

/// With what is signed, stamped and judged.
#[derive(Debug, clap::Args)]
pub(super) struct Means {
    /// The configuration that has the seals, the authorities and whom to trust
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    pub(super) config: Option<PathBuf>,
    /// The seal of the configuration; may be left out where there is only one
    #[arg(long, value_name = "NAME", requires = "config")]
    pub(super) seal: Option<String>,
    /// A key instead of a seal: PKCS#12, or PEM with its certificates
    #[arg(long, value_name = "FILE", conflicts_with = "seal")]
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
    /// A time-stamping authority (RFC 3161) instead of those of the configuration; may be given several times, in order
    #[arg(long, value_name = "URL")]
    tsa: Vec<String>,
    /// Trusted certificates (PEM or DER), for B-LT and above: files or folders
    #[arg(long, value_name = "PATH")]
    trust: Vec<PathBuf>,
    /// Revocation lists and certificates at hand: files or folders
    #[arg(long, value_name = "PATH")]
    at_hand: Vec<PathBuf>,
    /// Addresses in private networks that may be connected to: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK")]
    private_address: Vec<Network>,
    /// Fetch no revocation data
    #[arg(long)]
    offline: bool,
}

impl Means {
    /// The configuration, with what the arguments say over it.
    pub(super) fn configuration(&self) -> Result<Config> {
        let path = self.config.as_deref();
        let mut config = path.map_or_else(|| Ok(Config::default()), Config::read)?;
        if !self.tsa.is_empty() {
            let tsas = self.tsa.iter().enumerate();
            config.tsas = tsas
                .map(|(index, url)| TsaSettings {
                    name: format!("tsa {}", index + 1),
                    url: url.clone(),
                    timeout_seconds: 10,
                    ..TsaSettings::default()
                })
                .collect();
            let names: Vec<String> = config.tsas.iter().map(|tsa| tsa.name.clone()).collect();
            config
                .seals
                .iter_mut()
                .for_each(|s| s.tsa.clone_from(&names));
        }
        if let Some(key) = &self.key {
            config.seals = vec![self.own(key, &config)];
        }
        config.trust.anchors.extend_from_slice(&self.trust);
        config.trust.certificates.extend_from_slice(&self.at_hand);
        config
            .sources
            .private_addresses
            .extend(self.private_address.iter().cloned());
        config.sources.offline |= self.offline;
        Ok(config)
    }

    fn own(&self, key: &Path, config: &Config) -> SealSettings {
        SealSettings {
            name: OWN.into(),
            key: key.into(),
            certificate: self.certificate.clone(),
            passphrase_file: self.passphrase_file.clone(),
            passphrase_env: self.passphrase_env.clone(),
            rsa_pss: false,
            digest: None,
            tsa: config.tsas.iter().map(|tsa| tsa.name.clone()).collect(),
            when_tsa_fails: Default::default(),
            reason: None,
            location: None,
        }
    }

    /// The settings of the seal that signs.
    pub(super) fn settings<'c>(&self, config: &'c Config) -> Result<&'c SealSettings> {
        let named = |name: &String| config.seals.iter().find(|s| s.name == *name);
        let found = match (&self.seal, config.seals.as_slice()) {
            (Some(name), _) => named(name),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        found.ok_or_else(|| {
            Error::invalid(
                "--seal",
                "names no seal of the configuration, and there is no --key",
            )
            .remedy("Name one of the [[seal]] tables of --config, or give --key.")
        })
    }

    /// Whoever signs and raises with these means.
    pub(super) fn desk(&self, config: &Config) -> Result<SigningDesk> {
        let clock = Arc::new(SystemClock);
        let template = Policy::baseline(Anchors::default()).with_path(config.path.inputs()?);
        let policy = Trust::open(config, template, clock.clone())?.handle();
        let fetching = Fetching {
            client: Arc::new(Client::new(&config.sources)?),
            clock: clock.clone(),
        };
        let trusting = policy.clone();
        let trusted: Trusted = Arc::new(move || trusting.current());
        let all = TimestampAuthorities::configured(&config.tsas, &fetching, &trusted)?;
        let of = |seal: &SealSettings| {
            let named = all.named(&seal.tsa);
            let some = (!named.is_empty()).then(|| Arc::new(named) as Arc<dyn Timestamping>);
            Some((seal.name.clone(), some?))
        };
        let timestamping: HashMap<_, _> = config.seals.iter().filter_map(of).collect();
        let paths = [config.trust.certificates.as_slice(), &config.trust.crls].concat();
        let index = super::args::index(config)?;
        let at_hand = Folder::read(&paths)?;
        let sources = Sources::with_index(&config.sources, at_hand, index.clone(), clock.clone())?;
        Ok(SigningDesk {
            clock,
            seals: HashMap::new(),
            timestamping,
            stamping: (!all.is_empty()).then(|| Arc::new(all) as Arc<dyn Timestamping>),
            policy,
            sources: Arc::new(sources),
            index,
        })
    }
}

/// Where the outcome goes.
#[derive(Debug, clap::Args)]
pub(super) struct Outcome {
    /// Replace OUT if it is there
    #[arg(long)]
    pub(super) force: bool,
    /// Say what was done as JSON
    #[arg(long)]
    json: bool,
}

impl Outcome {
    /// Refuses an output that is the input, or that is there.
    pub(super) fn check(&self, input: &Path, output: &Path) -> Result<()> {
        let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if same(input, output) {
            return Err(Error::invalid("OUT", "is the input itself")
                .remedy("Give another name: the input stays as it is."));
        }
        if output.exists() && !self.force {
            return Err(Error::refused("OUT", "is there already")
                .remedy("Give another name, or --force to replace it."));
        }
        Ok(())
    }

    /// Writes the document, and says what it is. Below the level asked for, the exit code says so too.
    pub(super) fn hand_out(&self, signed: &Signed, output: &Path) -> Result<Exit> {
        write(output, &signed.bytes, self.force)?;
        if self.json {
            let mut told = json!({
                "output": output.display().to_string(),
                "level": signed.level_name(),
                "at": signed.at,
                "size": signed.bytes.len(),
                "sha256": hex(&crate::engine::crypto::sha256(&signed.bytes)),
            });
            if let Some(stamped) = signed.stamped {
                told["stamped"] = json!(stamped);
            }
            if let Some((level, why)) = &signed.owed {
                told["owed"] = json!({ "level": level, "problem": why.to_string() });
            }
            println!("{told}");
        } else {
            let stamped = signed.stamped.map(|at| format!(", stamped {at}"));
            println!("{}{}", signed.level_name(), stamped.unwrap_or_default());
            if let Some((level, why)) = &signed.owed {
                eprintln!("rubrica: {level} is owed: {why}");
            }
        }
        Ok(match signed.owed {
            None => Exit::Passed,
            Some(_) => Exit::Indeterminate,
        })
    }
}
