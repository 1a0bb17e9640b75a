//! `rubrica cert check FILE…`: is each of these certificates good, for this, at that moment?

use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::Certificate;
use crate::engine::report::CertificateReport;
use crate::engine::validation::{CertificateStatus, Policy, Purpose};
use crate::engine::{Error, Result, Time};
use crate::service::cli::args::{AtHand, JudgedBy, RevocationArgument, Told};
use crate::service::cli::exit::{self, Exit};
use crate::service::cli::{input, verify};
use crate::service::clock::{Clock, SystemClock};
use crate::service::flow::settle_certificate;
use crate::service::sources::Sources;
use std::path::{Path, PathBuf};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Certificates (PEM or DER), each with its chain behind it where it is there; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What it is to be used for: access, signature, seal, time-stamping or any
    #[arg(long, value_name = "PURPOSE", default_value = "any", value_parser = purpose)]
    purpose: Purpose,
    #[command(flatten)]
    by: JudgedBy,
    #[command(flatten)]
    at_hand: AtHand,
    #[command(flatten)]
    told: Told,
}

fn purpose(text: &str) -> Result<Purpose, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

/// What certificates are judged with.
struct Desk<'a> {
    arguments: &'a Arguments,
    policy: Policy,
    given: Pool,
    sources: Sources,
    at: Time,
    now: Time,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let config = arguments.by.configuration()?;
    let (certificates, sources) = arguments.at_hand.sources(&config)?;
    let mut given = Pool::default();
    for certificate in &certificates {
        given.add(object(certificate));
    }
    let now = SystemClock.now();
    let desk = Desk {
        policy: arguments.by.policy(&config)?,
        at: arguments.by.at.unwrap_or(now),
        arguments,
        given,
        sources,
        now,
    };
    let mut worst = Exit::Passed;
    for path in &arguments.files {
        let exit = desk
            .check(path)
            .unwrap_or_else(|error| exit::failed(&error));
        worst = worst.max(exit);
    }
    Ok(worst)
}

fn object(certificate: &Certificate) -> Object {
    Object::new(ObjectKind::Certificate, certificate.bytes(), Origin::Given)
}

impl Desk<'_> {
    fn check(&self, path: &Path) -> Result<Exit> {
        let bytes = input::open(path)?;
        let unreadable = || {
            Error::malformed(
                path.display().to_string(),
                "neither DER nor PEM of a certificate",
            )
            .remedy("Give the certificate as your reader exports it (.cer, .crt, .pem).")
        };
        let all = Certificate::from_pem_or_der(&bytes).map_err(|_| unreadable())?;
        let (certificate, chain) = all.split_first().ok_or_else(unreadable)?;
        let mut pool = self.given.clone();
        for other in chain {
            pool.add(object(other));
        }
        let when = (self.arguments.purpose, self.at, self.now);
        let judged = settle_certificate(certificate, pool, &self.policy, &self.sources, when);
        for outage in &judged.outages {
            eprintln!("rubrica: {outage}");
        }
        self.tell(path, &judged.report)?;
        Ok(self.exit(&judged.report.status))
    }

    fn tell(&self, path: &Path, report: &CertificateReport) -> Result<()> {
        let told = &self.arguments.told;
        if told.json {
            return verify::say(&[report.to_json()?, b"\n".to_vec()].concat());
        }
        let several = self.arguments.files.len() > 1;
        let name = if several {
            format!("{}\n", path.display())
        } else {
            String::new()
        };
        let end = if several { "\n" } else { "" };
        verify::say(format!("{name}{}{end}", report.text(told.lang, &told.zone)).as_bytes())
    }

    /// An open status is a failure of nobody; whether it is enough is said by `--revocation`.
    fn exit(&self, status: &CertificateStatus) -> Exit {
        let demanded = self
            .arguments
            .by
            .revocation
            .is_none_or(|how| how == RevocationArgument::Required);
        match status {
            CertificateStatus::Good => Exit::Passed,
            status if status.is_open() && !demanded => Exit::Passed,
            status if status.is_open() => Exit::Indeterminate,
            _ => Exit::Failed,
        }
    }
}
