//! `rubrica ocsp query CERT --issuer ISSUER`: what a responder says of a certificate, and whether it may say so (RFC 6960).
//!
//! Not here: whether the certificates are trusted; `rubrica cert check` asks that.

use crate::engine::pki::crl::RevocationReason;
use crate::engine::pki::ocsp::{CertStatus, SingleResponse};
use crate::engine::pki::{Certificate, OcspResponse};
use crate::engine::{Error, Result, Time};
use crate::service::cli::exit::Exit;
use crate::service::cli::verify;
use crate::service::clock::{Clock, SystemClock};
use crate::service::config::{Config, Network, NonceRule};
use crate::service::sources::{Client, Deadline, Folder, OcspQuestion, OcspSigner};
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the whole question may take.
const LONGEST: Duration = Duration::from_secs(30);

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The certificate (PEM or DER)
    #[arg(value_name = "CERT")]
    certificate: PathBuf,
    /// The certificate of its issuer (PEM or DER)
    #[arg(long, value_name = "ISSUER")]
    issuer: PathBuf,
    /// The responder, in place of the one that the certificate names
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Accept no answer but one to this very question
    #[arg(long, conflicts_with = "no_nonce")]
    nonce: bool,
    /// Send no nonce, so that a short question goes by GET
    #[arg(long)]
    no_nonce: bool,
    /// Name the certificate by SHA-256 in place of SHA-1
    #[arg(long)]
    sha256: bool,
    /// The configuration, whose [sources] are used
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: Option<PathBuf>,
    /// Addresses in private networks that may be asked: 127.0.0.1, 10.1.0.0/16
    #[arg(long, value_name = "NETWORK")]
    private_address: Vec<Network>,
    /// JSON in place of words
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let config = arguments.config.as_deref();
    let mut settings = config
        .map_or_else(|| Ok(Config::default()), Config::read)?
        .sources;
    settings
        .private_addresses
        .extend(arguments.private_address.iter().cloned());
    if arguments.nonce {
        settings.ocsp.nonce = NonceRule::Required;
    } else if arguments.no_nonce {
        settings.ocsp.nonce = NonceRule::Never;
    }
    settings.ocsp.sha256 |= arguments.sha256;
    let certificate = one_certificate(&arguments.certificate)?;
    let issuer = one_certificate(&arguments.issuer)?;
    check_issuer(&certificate, &issuer)?;
    let question = OcspQuestion {
        url: address(arguments, &certificate)?,
        certificate,
        issuer,
        settings: settings.ocsp.clone(),
    };
    let response = question.ask(&Client::new(&settings)?, Deadline::after(LONGEST))?;
    let told = Told::of(&question, &response, SystemClock.now())?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&told)
            .map_err(|error| Error::internal("JSON", error.to_string()))?
            + "\n"
    } else {
        told.words()
    };
    verify::say(text.as_bytes())?;
    Ok(told.exit())
}

fn one_certificate(path: &Path) -> Result<Certificate> {
    let folder = Folder::read(&[path.to_path_buf()])?;
    folder.certificates().first().cloned().ok_or_else(|| {
        Error::malformed(path.display().to_string(), "holds no certificate")
            .remedy("Give the certificate as PEM or DER.")
    })
}

/// A responder asked about the wrong issuer says "unknown", which would tell nobody why.
fn check_issuer(certificate: &Certificate, issuer: &Certificate) -> Result<()> {
    let signed = issuer
        .public_key()
        .is_ok_and(|key| certificate.is_signed_by(key));
    if certificate.issuer() == issuer.subject() && signed {
        return Ok(());
    }
    Err(
        Error::invalid("--issuer", "is not the issuer of the certificate")
            .remedy("Give the certificate whose key signed it; `rubrica cert inspect` names it."),
    )
}

fn address(arguments: &Arguments, certificate: &Certificate) -> Result<String> {
    let named = certificate.ocsp_uris().next().map(str::to_string);
    arguments.url.clone().or(named).ok_or_else(|| {
        Error::not_found("certificate", "names no OCSP responder")
            .remedy("Name one with --url, or check its revocation list: `rubrica crl`.")
    })
}

/// What was answered.
#[derive(Debug, Serialize)]
struct Told {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    responder: String,
    this_update: Time,
    next_update: Option<Time>,
    produced_at: Time,
    current: bool,
    signed_by: &'static str,
    nonce: &'static str,
}

impl Told {
    fn of(question: &OcspQuestion, response: &OcspResponse, now: Time) -> Result<Told> {
        let single = response
            .response_for(&question.certificate, &question.issuer)
            .ok_or_else(|| Error::internal("OCSP response", "is about another certificate"))?;
        let (status, revoked_at, reason) = status(single);
        Ok(Told {
            status,
            revoked_at,
            reason,
            responder: question.url.clone(),
            this_update: single.this_update,
            next_update: single.next_update,
            produced_at: response.produced_at(),
            current: single.next_update.is_none_or(|next| now < next),
            signed_by: match OcspSigner::of(response, &question.issuer) {
                Some(OcspSigner::Issuer) => "issuer",
                Some(OcspSigner::Delegate) => "delegate",
                None => "nobody",
            },
            nonce: match (question.settings.nonce, response.nonce()) {
                (NonceRule::Never, _) => "not-sent",
                (_, Some(_)) => "echoed",
                (_, None) => "ignored",
            },
        })
    }

    fn exit(&self) -> Exit {
        match (self.status, self.signed_by) {
            (_, "nobody") => Exit::Indeterminate,
            ("revoked", _) => Exit::Failed,
            ("good", _) if self.current => Exit::Passed,
            _ => Exit::Indeterminate,
        }
    }

    fn words(&self) -> String {
        let mut text = match (self.status, self.revoked_at) {
            ("revoked", Some(at)) => format!("revoked since {at}"),
            ("good", _) => "good".into(),
            _ => "unknown: the responder does not know this certificate".into(),
        };
        if let Some(reason) = self.reason {
            let _ = write!(text, " ({reason})");
        }
        let _ = write!(text, "\nresponder   {}", self.responder);
        let _ = write!(text, "\nas of       {}", self.this_update);
        match self.next_update {
            Some(next) if self.current => {
                let _ = write!(text, "\nuntil       {next}");
            }
            Some(next) => {
                let _ = write!(
                    text,
                    "\nuntil       {next}: a newer answer should be there by now"
                );
            }
            None => text.push_str("\nuntil       not said: newer answers are always there"),
        }
        let _ = write!(text, "\nmade        {}", self.produced_at);
        text.push_str("\nsigned by   ");
        text.push_str(match self.signed_by {
            "issuer" => "the issuer of the certificate",
            "delegate" => "a responder that the issuer delegated to",
            _ => "somebody whom the issuer did not delegate to: it proves nothing",
        });
        text.push_str("\nnonce       ");
        text.push_str(match self.nonce {
            "echoed" => "echoed: the answer is to this question",
            "ignored" => "sent and not echoed: the answer may have been made before",
            _ => "not sent",
        });
        text.push('\n');
        text
    }
}

fn status(single: &SingleResponse) -> (&'static str, Option<Time>, Option<&'static str>) {
    match single.status {
        CertStatus::Good => ("good", None, None),
        CertStatus::Revoked { time, reason } => ("revoked", Some(time), reason.map(word)),
        CertStatus::Unknown => ("unknown", None, None),
    }
}

/// A reason as RFC 5280 §5.3.1 names it.
fn word(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "unspecified",
        RevocationReason::KeyCompromise => "keyCompromise",
        RevocationReason::CaCompromise => "cACompromise",
        RevocationReason::AffiliationChanged => "affiliationChanged",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessationOfOperation",
        RevocationReason::CertificateHold => "certificateHold",
        RevocationReason::RemoveFromCrl => "removeFromCRL",
        RevocationReason::PrivilegeWithdrawn => "privilegeWithdrawn",
        RevocationReason::AaCompromise => "aACompromise",
    }
}
