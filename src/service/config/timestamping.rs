//! `[[tsa]]`: the time-stamping authorities that are asked; `[timestamping]`: the one that the service is itself.

use super::{Fault, SealSettings, WhenTsaFails, fault, is_web_address};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::syntax::asn1::Oid;
use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// `[[tsa]]`: a time-stamping authority (RFC 3161) that is asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TsaSettings {
    /// The name by which seals choose it.
    pub name: String,
    /// Its address.
    pub url: String,
    /// How long it may take.
    pub timeout_seconds: u64,
    /// The policy that is asked for and that its tokens must state, in dotted form.
    pub policy: Option<String>,
    /// The digests that it stamps, `sha-256` and so on, the first being the one to prefer; without any, every one is sent.
    pub digests: Vec<String>,
    /// Files and folders of the anchors of its certificate; without any, those of `[trust]`.
    pub anchors: Vec<PathBuf>,
    /// Files of certificates, one of which must be the one that its tokens are signed with; without any, all are taken.
    pub certificates: Vec<PathBuf>,
    /// Whether it must be a qualified one by the trusted lists, or be under an anchor of `trust.qualified`.
    pub qualified: bool,
    /// How far its time may be from ours.
    pub difference_seconds: u64,
    /// The least accuracy that its tokens must state; without it, none need be stated.
    pub accuracy_seconds: Option<u64>,
    /// The file whose first line is `user:password` for it.
    pub credentials: Option<PathBuf>,
    /// The certificate, with its chain, that is shown to its TLS server (PEM).
    pub client_certificate: Option<PathBuf>,
    /// The key of that certificate (PEM, not encrypted).
    pub client_key: Option<PathBuf>,
    /// Failures in a row after which it is left alone for a while.
    pub failures: u32,
}

impl Default for TsaSettings {
    fn default() -> Self {
        TsaSettings {
            name: String::new(),
            url: String::new(),
            timeout_seconds: 5,
            policy: None,
            digests: Vec::new(),
            anchors: Vec::new(),
            certificates: Vec::new(),
            qualified: false,
            difference_seconds: 300,
            accuracy_seconds: None,
            credentials: None,
            client_certificate: None,
            client_key: None,
            failures: 3,
        }
    }
}

impl TsaSettings {
    /// How long it may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds)
    }

    /// The policy that its tokens must state.
    pub fn policy(&self) -> Result<Option<Oid>> {
        self.policy.as_deref().map(Oid::from_dotted).transpose()
    }

    /// The digests that it stamps; none for all.
    pub fn digests(&self) -> Result<Vec<DigestAlgorithm>> {
        self.digests
            .iter()
            .map(|name| digest("tsa.digests", name))
            .collect()
    }

    /// Paths that start at the folder of the file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        (self.anchors.iter_mut())
            .chain(&mut self.certificates)
            .chain(&mut self.credentials)
            .chain(&mut self.client_certificate)
            .chain(&mut self.client_key)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        let of = |problem: &str| format!("of {:?} {problem}", self.name);
        if self.name.is_empty() {
            return fault("tsa.name", "is missing");
        }
        if !is_web_address(&self.url) || self.url.contains('@') {
            let problem = of("is not an http:// or https:// address without a user");
            return fault("tsa.url", problem);
        }
        if self.timeout_seconds == 0 {
            return fault("tsa.timeout_seconds", of("is zero"));
        }
        if self.failures == 0 {
            return fault("tsa.failures", of("is zero"));
        }
        if self.client_certificate.is_some() != self.client_key.is_some() {
            return fault("tsa.client_key", of("goes with client_certificate"));
        }
        if self.client_key.is_some() && !self.url.starts_with("https:") {
            return fault("tsa.client_key", of("is for an https:// address"));
        }
        for (key, result) in [
            ("tsa.policy", self.policy().map(drop)),
            ("tsa.digests", self.digests().map(drop)),
        ] {
            if let Err(error) = result {
                return fault(key, of(error.problem()));
            }
        }
        Ok(())
    }
}

/// The digest of this name, as `key` has it.
fn digest(key: &'static str, name: &str) -> Result<DigestAlgorithm> {
    DigestAlgorithm::from_name(name).ok_or_else(|| {
        Error::invalid(key, format!("{name:?} is not a digest"))
            .remedy("Write sha-256, sha-384, sha-512, sha3-256, sha3-384 or sha3-512.")
    })
}

/// `[timestamping]`: the service as a time-stamping authority, at `POST /tsa`. Without a key it is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimestampingSettings {
    /// The key: PKCS#12, or PEM.
    pub key: Option<PathBuf>,
    /// The certificate in PEM, where the key file does not hold it.
    pub certificate: Option<PathBuf>,
    /// Files of its issuers (PEM), which go into tokens beside it.
    pub chain: Vec<PathBuf>,
    /// The file whose first line is the passphrase of the key.
    pub passphrase_file: Option<PathBuf>,
    /// The environment variable that holds the passphrase, where no file is named.
    pub passphrase_env: Option<String>,
    /// RSA keys sign with PSS padding instead of PKCS#1 v1.5.
    pub rsa_pss: bool,
    /// The policies it stamps under, in dotted form, the first where a request names none.
    pub policies: Vec<String>,
    /// The digests it stamps.
    pub digests: Vec<String>,
    /// How far its clock may be off, as tokens state it.
    pub accuracy_milliseconds: u64,
    /// Whether no two tokens have one time. Then at most a thousand are made a second.
    pub ordering: bool,
    /// Whether tokens state the authority's name.
    pub named: bool,
    /// Whether tokens state that they are qualified time-stamps (EN 319 422 §9.1).
    pub qualified: bool,
    /// The digest by which tokens name the certificate: `sha-1` for clients older than RFC 5816.
    pub reference: String,
    /// A file that is there as long as the clock is synchronised; without it nothing is stamped.
    pub synchronised: Option<PathBuf>,
}

impl Default for TimestampingSettings {
    fn default() -> Self {
        TimestampingSettings {
            key: None,
            certificate: None,
            chain: Vec::new(),
            passphrase_file: None,
            passphrase_env: None,
            rsa_pss: false,
            policies: vec!["0.4.0.2023.1.1".into()],
            digests: ["sha-256", "sha-384", "sha-512"].map(Into::into).into(),
            accuracy_milliseconds: 1000,
            ordering: false,
            named: false,
            qualified: false,
            reference: "sha-256".into(),
            synchronised: None,
        }
    }
}

impl TimestampingSettings {
    /// The settings of its key, as those of a seal.
    pub fn seal(&self) -> Option<SealSettings> {
        Some(SealSettings {
            name: "timestamping".into(),
            key: self.key.clone()?,
            certificate: self.certificate.clone(),
            passphrase_file: self.passphrase_file.clone(),
            passphrase_env: self.passphrase_env.clone(),
            rsa_pss: self.rsa_pss,
            digest: None,
            tsa: Vec::new(),
            when_tsa_fails: WhenTsaFails::default(),
            reason: None,
            location: None,
        })
    }

    /// The policies it stamps under.
    pub fn policies(&self) -> Result<Vec<Oid>> {
        self.policies.iter().map(|p| Oid::from_dotted(p)).collect()
    }

    /// The digests it stamps: those of [`DIGESTS`](crate::engine::authority::timestamp::DIGESTS) alone.
    pub fn digests(&self) -> Result<Vec<DigestAlgorithm>> {
        let known = crate::engine::authority::timestamp::DIGESTS;
        let one = |name: &String| match digest("timestamping.digests", name)? {
            strong if known.contains(&strong) => Ok(strong),
            weak => Err(Error::refused(
                "timestamping.digests",
                format!("{weak} is too weak to be stamped"),
            )),
        };
        self.digests.iter().map(one).collect()
    }

    /// The digest by which tokens name the certificate.
    pub fn reference(&self) -> Result<DigestAlgorithm> {
        digest("timestamping.reference", &self.reference)
    }

    /// Paths that start at the folder of the file.
    pub(super) fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        (self.chain.iter_mut())
            .chain(&mut self.key)
            .chain(&mut self.certificate)
            .chain(&mut self.passphrase_file)
            .chain(&mut self.synchronised)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.policies.is_empty() {
            return fault("timestamping.policies", "is empty");
        }
        if self.digests.is_empty() {
            return fault("timestamping.digests", "is empty");
        }
        // EN 319 422 §5.2.1: an accuracy of one second or better.
        if !(1..=1000).contains(&self.accuracy_milliseconds) {
            return fault(
                "timestamping.accuracy_milliseconds",
                "is not between 1 and 1000",
            );
        }
        for (key, result) in [
            ("timestamping.policies", self.policies().map(drop)),
            ("timestamping.digests", self.digests().map(drop)),
            ("timestamping.reference", self.reference().map(drop)),
        ] {
            if let Err(error) = result {
                return fault(key, error.problem().to_string());
            }
        }
        Ok(())
    }
}
