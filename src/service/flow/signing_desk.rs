//! Signs what callers send, with a seal, in any format and to any level; raises what is signed already.
//!
//! In: a document and [`Parameters`]. Out: bytes that were read back and, from LT on, judged by themselves. Not here: a key
//! that is elsewhere (`two_step`), seals that people see and codes (`seal_pdf`).

use super::augment::{Augmented, Augmenter, Raise};
use super::made::Made;
use super::parameters::{Baseline, Parameters, Wanted, WhenUnavailable};
use super::sign::{Sealed, TIMESTAMP_ROOM, Timestamping};
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm, sha256};
use crate::engine::evidence::{Family, Originals};
use crate::engine::formats::cades::content_digest_algorithm;
use crate::engine::formats::{CadesOptions, Content, Options, SignRequest};
use crate::engine::pki::Certificate;
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::{Error, Result, Time};
use crate::service::callers::{Caller, Operation};
use crate::service::clock::Clock;
use crate::service::index::Index;
use crate::service::keys::Seal;
use crate::service::sources::Sources;
use crate::service::trust::PolicyHandle;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Signs and raises.
pub struct SigningDesk {
    /// The official time.
    pub clock: Arc<dyn Clock>,
    /// The seals by name.
    pub seals: HashMap<String, Seal>,
    /// Who stamps, by the name of the seal.
    pub timestamping: HashMap<String, Arc<dyn Timestamping>>,
    /// Who stamps what no seal of ours signs.
    pub stamping: Option<Arc<dyn Timestamping>>,
    /// By what signatures are judged.
    pub policy: Arc<PolicyHandle>,
    /// Where revocation data and certificates come from.
    pub sources: Arc<Sources>,
    /// Keeps revocation lists.
    pub index: Option<Arc<Index>>,
}

impl fmt::Debug for SigningDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningDesk").finish_non_exhaustive()
    }
}

/// A document that was signed, or whose signatures were raised.
#[derive(Debug)]
pub struct Signed {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The format of the signature.
    pub format: &'static str,
    /// The level reached.
    pub level: Baseline,
    /// When it was signed or raised, by our clock.
    pub at: Time,
    /// SHA-256 of the value of the signature, where it is about one.
    pub only: Option<[u8; 32]>,
    /// The last time-stamp that was added.
    pub stamped: Option<Time>,
    /// The level that is owed, and why it was not reached.
    pub owed: Option<(Baseline, Error)>,
}

impl From<Sealed> for Signed {
    fn from(sealed: Sealed) -> Signed {
        Signed {
            format: match sealed.level.family {
                Family::Pades => "PAdES",
                _ => "CAdES",
            },
            level: Baseline::reached(sealed.level.tier).unwrap_or_default(),
            bytes: sealed.bytes,
            at: sealed.sealed,
            only: None,
            stamped: sealed.stamped,
            owed: sealed.owed.map(|why| (Baseline::T, why)),
        }
    }
}

impl Signed {
    /// `CAdES-BASELINE-LT`.
    pub fn level_name(&self) -> String {
        let level = self.level.name().trim_start_matches("B-");
        format!("{}-BASELINE-{level}", self.format)
    }
}

/// What is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct ToSign<'a> {
    /// The document; the message, where the signature goes beside those of one.
    pub document: Content<'a>,
    /// The content of a message that does not carry it.
    pub content: Option<Content<'a>>,
    /// How.
    pub parameters: &'a Parameters,
}

impl<'a> ToSign<'a> {
    /// The content of what comes out, where that does not carry it.
    pub fn apart(&self) -> Option<Content<'a>> {
        let detached = self.parameters.is_detached().then_some(self.document);
        self.content.or(detached)
    }
}

impl SigningDesk {
    /// Signs for `caller`, with a seal that it may use.
    pub fn sign(&self, caller: &Caller, what: &ToSign<'_>) -> Result<Signed> {
        caller.may(Operation::Sign)?;
        let name = self.chosen(&what.parameters.seal)?;
        caller.may_use_seal(&name)?;
        self.sign_with(self.usable(&name)?, what)
    }

    /// Signs with a seal.
    pub fn sign_with(&self, seal: &Seal, what: &ToSign<'_>) -> Result<Signed> {
        let now = self.clock.now();
        seal.check_usable(now)?;
        let algorithm = seal.signer.algorithm();
        if what
            .parameters
            .digest
            .is_some_and(|d| algorithm.digest() != Some(d))
        {
            let problem = format!("the key of the seal signs with {algorithm}");
            return Err(Error::unsupported("digest", problem).remedy("Leave it out."));
        }
        let name = seal.certificate.subject().common_name();
        let stamping = self.timestamping.get(seal.name()).map(AsRef::as_ref);
        let signer = Signer {
            certificate: &seal.certificate,
            chain: &seal.chain,
            algorithm,
        };
        check_stamped(what.parameters, stamping)?;
        let tokens = content_timestamps(what, stamping)?;
        let (wanted, request) = request(what, &signer, name, tokens)?;
        let prepared = wanted.format.prepare(what.document, &request, now)?;
        let made = Made {
            format: wanted.format,
            request: &request,
            document: what.document,
            content: what.content,
            value: seal.signer.sign(&prepared.to_be_signed)?,
        };
        let (bytes, _) = made.embed(prepared.resume)?;
        let settled = seal.settings.when_tsa_fails.into();
        self.raise_made(&made, bytes, what, stamping, settled)
    }

    /// From the signature just made to the level asked for.
    pub(super) fn raise_made(
        &self,
        made: &Made<'_>,
        bytes: Vec<u8>,
        what: &ToSign<'_>,
        stamping: Option<&dyn Timestamping>,
        settled: WhenUnavailable,
    ) -> Result<Signed> {
        let parameters = what.parameters;
        let only = Some(sha256(&made.value.0));
        let raise = Raise {
            document: &bytes,
            content: what.apart(),
            only,
            level: parameters.level,
            when_unavailable: parameters.when_unavailable.unwrap_or(settled),
        };
        if raise.level == Baseline::B {
            return Ok(Signed {
                bytes,
                format: made.format.name(),
                level: Baseline::B,
                at: self.clock.now(),
                only,
                stamped: None,
                owed: None,
            });
        }
        self.raise_with(&raise, stamping)
    }

    /// Raises every signature of a document for `caller`.
    pub fn augment(&self, caller: &Caller, seal: &str, raise: &Raise<'_>) -> Result<Signed> {
        caller.may(Operation::Augment)?;
        if !seal.is_empty() {
            caller.may_use_seal(seal)?;
            self.seals.get(seal).ok_or_else(unknown_seal)?;
        }
        self.raise(seal, raise)
    }

    /// Raises every signature of a document; the authorities are those of the seal, or all, where none is named.
    pub fn raise(&self, seal: &str, raise: &Raise<'_>) -> Result<Signed> {
        self.raise_with(raise, self.stamping_of(seal))
    }

    /// Who stamps for this seal, or for whoever names none.
    pub(super) fn stamping_of(&self, seal: &str) -> Option<&dyn Timestamping> {
        match seal {
            "" => self.stamping.as_deref(),
            name => self.timestamping.get(name).map(AsRef::as_ref),
        }
    }

    fn raise_with(&self, raise: &Raise<'_>, stamping: Option<&dyn Timestamping>) -> Result<Signed> {
        let policy = self.policy.current();
        let originals: &dyn Originals = match &self.index {
            Some(index) => &**index,
            None => &(),
        };
        let augmenter = Augmenter {
            policy: &policy,
            sources: &self.sources,
            originals,
            timestamping: stamping,
            clock: &*self.clock,
        };
        let Augmented {
            bytes,
            evidence,
            level,
            stamped,
            owed,
        } = augmenter.augment(raise)?;
        let format = evidence.signatures.first().map(|s| s.level.family);
        Ok(Signed {
            bytes,
            format: match format {
                Some(Family::Pades) => "PAdES",
                _ => "CAdES",
            },
            level,
            at: self.clock.now(),
            only: raise.only,
            stamped,
            owed: owed.map(|why| (raise.level, why)),
        })
    }

    /// The seal of this name; where none is named, the only one.
    pub fn chosen(&self, name: &str) -> Result<String> {
        let mut names = self.seals.keys();
        match (name, names.next(), names.next()) {
            ("", Some(only), None) => Ok(only.clone()),
            ("", ..) => Err(
                Error::invalid("seal", "not named, and there is not just one")
                    .remedy("Send the name of the seal."),
            ),
            (name, ..) => Ok(name.to_string()),
        }
    }

    fn usable(&self, name: &str) -> Result<&Seal> {
        self.seals.get(name).ok_or_else(unknown_seal)
    }
}

/// Refuses a level that needs somebody to stamp where nobody does.
pub(super) fn check_stamped(
    parameters: &Parameters,
    stamping: Option<&dyn Timestamping>,
) -> Result<()> {
    let needed = parameters.level > Baseline::B || parameters.properties.content_timestamp;
    match stamping {
        None if needed => Err(no_authority()),
        _ => Ok(()),
    }
}

/// The time-stamp of the content, where it is asked for. It is signed, so that nothing is signed without it.
pub(super) fn content_timestamps(
    what: &ToSign<'_>,
    stamping: Option<&dyn Timestamping>,
) -> Result<Vec<Vec<u8>>> {
    if !what.parameters.properties.content_timestamp {
        return Ok(Vec::new());
    }
    let algorithm = DigestAlgorithm::Sha256;
    let content = what.content.unwrap_or(what.document);
    let token = stamping
        .ok_or_else(no_authority)?
        .timestamp(&MessageImprint {
            algorithm,
            digest: content_digest(content, algorithm)?,
        })?;
    Ok(vec![token.bytes().to_vec()])
}

fn content_digest(content: Content<'_>, algorithm: DigestAlgorithm) -> Result<Vec<u8>> {
    content.digest(algorithm)?.ok_or_else(|| {
        Error::invalid("content", format!("its {algorithm} is not given"))
            .remedy("Give the content itself.")
    })
}

/// The request that the parameters come to. The same parameters, signer and tokens give the same request.
pub(super) fn request(
    what: &ToSign<'_>,
    signer: &Signer<'_>,
    name: String,
    content_timestamps: Vec<Vec<u8>>,
) -> Result<(Wanted, SignRequest)> {
    let parameters = what.parameters;
    let mut wanted = parameters.wanted(name)?;
    wanted.properties.content_timestamps = content_timestamps;
    let mut request = SignRequest {
        certificate: signer.certificate.clone(),
        chain: signer.chain.to_vec(),
        algorithm: signer.algorithm,
        digest: signer.algorithm.digest().unwrap_or(DigestAlgorithm::Sha512),
        timestamp_reserve: if parameters.level > Baseline::B {
            TIMESTAMP_ROOM
        } else {
            0
        },
        properties: wanted.properties.clone(),
        options: wanted.options.clone(),
    };
    let by = content_digest_algorithm(&request);
    if let Options::Cades(CadesOptions::Parallel { content_digest }) = &mut request.options {
        *content_digest = match what.content {
            Some(content) => content.digest(by)?,
            None => None,
        };
    }
    Ok((wanted, request))
}

/// Whose signature it is.
pub(super) struct Signer<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) chain: &'a [Certificate],
    pub(super) algorithm: SignatureAlgorithm,
}

fn unknown_seal() -> Error {
    Error::invalid("seal", "is not one of this e-office").remedy("GET /v1/seals lists them.")
}

fn no_authority() -> Error {
    Error::invalid("level", "needs a time-stamp, and no authority is named")
        .remedy("Ask for B-B, or have the operator name a [[tsa]] and give it to the seal.")
}
