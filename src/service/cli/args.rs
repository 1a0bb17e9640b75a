//! Arguments that several verbs share.

use crate::engine::evidence::ObjectId;
use crate::engine::pki::Certificate;
use crate::engine::report::{self, Judged, Language, ReportForm};
use crate::engine::validation::{Policy, Revocation};
use crate::engine::{Error, Result, Time};
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::{Config, Network};
use crate::service::index::{Index, Retention};
use crate::service::sources::{Folder, Sources};
use crate::service::trust::Trust;
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Whether the revocation status of certificates must be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RevocationArgument {
    /// Without an answer the signature is not passed.
    Required,
    /// A revocation counts, an unknown status is told.
    IfKnown,
    /// It is not looked at.
    Ignored,
}

/// By what signatures are judged.
#[derive(Debug, clap::Args)]
pub(super) struct JudgedBy {
    /// Trusted certificates (PEM or DER): files or folders
    #[arg(long, value_name = "PATH")]
    pub(super) trust: Vec<PathBuf>,
    /// Judge as of this time (RFC 3339) instead of now
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Time>,
    /// The validation policy: default, strict, age-1.9, one that the configuration names, or a file
    #[arg(long, value_name = "NAME|FILE")]
    pub(super) policy: Option<String>,
    /// The catalogue of algorithms: JSON of TS 119 322
    #[arg(long, value_name = "FILE")]
    pub(super) algorithms: Option<PathBuf>,
    /// Whether the revocation status of certificates must be known, instead of as the policy says
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) revocation: Option<RevocationArgument>,
    /// The configuration, whose [trust] and [sources] are used too
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    pub(super) config: Option<PathBuf>,
}

impl JudgedBy {
    /// The configuration that was named, or the defaults.
    pub(super) fn configuration(&self) -> Result<Config> {
        self.config
            .as_deref()
            .map_or_else(|| Ok(Config::default()), Config::read)
    }

    /// The policy: the trusted certificates given here, and whom the configuration trusts.
    pub(super) fn policy(&self, config: &Config) -> Result<Policy> {
        let mut config = config.clone();
        config.trust.anchors.extend_from_slice(&self.trust);
        let paths = &config.trust.anchors;
        if !paths.is_empty() && Folder::read(paths)?.certificates().is_empty() {
            return Err(Error::invalid("--trust", "holds no certificate")
                .remedy("Give the certificates of the issuers that you trust, as PEM or DER."));
        }
        if self.algorithms.is_some() {
            config.validation.algorithms.clone_from(&self.algorithms);
        }
        let mut template = Policy {
            qualified_anchors: Folder::read(&config.trust.qualified)?
                .certificates()
                .iter()
                .map(Certificate::fingerprint)
                .collect(),
            ..config.validation_policy(self.policy.as_deref())?
        };
        if let Some(how) = self.revocation {
            template.constraints.set_revocation(match how {
                RevocationArgument::Required => Revocation::Required,
                RevocationArgument::IfKnown => Revocation::IfKnown,
                RevocationArgument::Ignored => Revocation::Ignored,
            });
        }
        let trust = Trust::open(&config, template, Arc::new(SystemClock))?;
        Ok(Policy::clone(&trust.handle().current()))
    }

    /// The time that was given, or now.
    pub(super) fn time(&self) -> Time {
        self.at.unwrap_or_else(|| SystemClock.now())
    }
}

/// What is at hand, and whether more is fetched.
#[derive(Debug, clap::Args)]
pub(super) struct AtHand {
    /// Fetch nothing
    #[arg(long)]
    offline: bool,
    /// Further certificates, of signers and intermediate issuers: files or folders
    #[arg(long, value_name = "PATH")]
    certificate: Vec<PathBuf>,
    /// Revocation lists: files or folders
    #[arg(long, value_name = "PATH")]
    crl: Vec<PathBuf>,
    /// OCSP responses: files or folders
    #[arg(long, value_name = "PATH")]
    ocsp: Vec<PathBuf>,
    /// Addresses in private networks that may be fetched from: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK")]
    private_address: Vec<Network>,
}

impl AtHand {
    /// The certificates given, and where everything else comes from.
    pub(super) fn sources(&self, config: &Config) -> Result<(Vec<Certificate>, Sources)> {
        let paths = [
            &self.certificate[..],
            &self.crl,
            &self.ocsp,
            &config.trust.certificates,
            &config.trust.crls,
        ]
        .concat();
        let folder = Folder::read(&paths)?;
        let certificates = folder.certificates().to_vec();
        let mut settings = config.sources.clone();
        settings.offline |= self.offline;
        settings
            .private_addresses
            .extend(self.private_address.iter().cloned());
        let index = index(config)?;
        let sources = Sources::with_index(&settings, folder, index, Arc::new(SystemClock))?;
        Ok((certificates, sources))
    }
}

/// The index of revocation lists, where the configuration has one.
pub(super) fn index(config: &Config) -> Result<Option<Arc<Index>>> {
    let open = |folder: PathBuf| Index::open(&folder, Retention::of(&config.index)).map(Arc::new);
    config.index_folder().map(open).transpose()
}

/// How what was found is told.
#[derive(Debug, clap::Args)]
pub(super) struct Told {
    /// As JSON
    #[arg(long)]
    pub(super) json: bool,
    /// The language of the text: es or en
    #[arg(long, value_name = "LANGUAGE", default_value = "es", value_parser = language)]
    pub(super) lang: Language,
    /// The IANA zone in which times are printed
    #[arg(long, value_name = "ZONE", default_value = "Europe/Madrid")]
    pub(super) zone: String,
}

/// A form of report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportArgument {
    /// What each signature comes to
    Simple,
    /// Every process, building block and finding
    Detailed,
    /// ETSI validation report (TS 119 102-2), XML
    Etsi,
    /// The detailed report as a page
    Html,
}

/// The report on a document: its form, and where it goes.
#[derive(Debug, clap::Args)]
pub(super) struct Reported {
    /// The form of the report
    #[arg(long, value_enum, default_value = "simple", value_name = "FORM")]
    pub(super) report: ReportArgument,
    /// Write the report to a file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<PathBuf>,
    /// Print the SHA-256 of the report on standard error
    #[arg(long)]
    pub(super) digest: bool,
    #[command(flatten)]
    pub(super) told: Told,
}

impl Reported {
    /// Writes the report of `judged` as it was asked for.
    pub(super) fn show(&self, judged: &Judged<'_>) -> Result<()> {
        let form = match (self.report, self.told.json) {
            (ReportArgument::Simple, true) => ReportForm::Simple,
            (ReportArgument::Simple, false) => ReportForm::SimpleText,
            (ReportArgument::Detailed, true) => ReportForm::Detailed,
            (ReportArgument::Detailed, false) => ReportForm::DetailedText,
            (ReportArgument::Etsi, _) => ReportForm::Etsi,
            (ReportArgument::Html, _) => ReportForm::Html,
        };
        let report = report::write(judged, form, self.told.lang, &self.told.zone)?;
        if self.digest {
            eprintln!("SHA-256 {}", ObjectId::of(&report.bytes));
        }
        match &self.out {
            Some(path) => write_file(path, &report.bytes),
            None => say(&report.bytes),
        }
    }
}

/// To standard output. A reader that went away wants no more, and is no failure.
pub(super) fn say(bytes: &[u8]) -> Result<()> {
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Error::unavailable(
            "standard output",
            format!("cannot be written: {}", error.kind()),
        )),
        _ => Ok(()),
    }
}

/// To a file, in place of what it held.
pub(super) fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|error| {
        Error::unavailable(
            path.display().to_string(),
            format!("cannot be written: {}", error.kind()),
        )
        .remedy("Check the folder and its permissions.")
    })
}

fn language(text: &str) -> Result<Language, String> {
    text.parse().map_err(|error: Error| error.to_string())
}
