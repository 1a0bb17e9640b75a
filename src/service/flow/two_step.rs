//! Signing in two steps, with a key that is elsewhere: prepare → somebody signs → finish.
//!
//! EN 319 102-1 §4.3. In between, nothing is kept here: whoever asks carries a sealed state from one step to the next. It is
//! encrypted and authenticated, says who prepared what for whose certificate, and expires; the document is not in it, and
//! has to come again. `finish` prepares once more, which gives the same bytes, and holds everything against the state.
//!
//! ```no_run
//! use rubrica::service::flow::two_step::{Signatory, TwoSteps};
//! use rubrica::service::flow::{Baseline, FormatName, Parameters, SigningDesk, ToSign};
//! # fn example(desk: &SigningDesk, steps: &TwoSteps, citizen: Signatory, sign: impl Fn(&[u8]) -> Vec<u8>)
//! # -> rubrica::engine::Result<Vec<u8>> {
//! let parameters = Parameters::new(FormatName::Cades, Baseline::T);
//! let what = ToSign { document: b"Solicito la jubilacion.".into(), content: None, parameters: &parameters };
//! let prepared = steps.prepare(desk, "portal", &what, &citizen)?;
//! let value = sign(&prepared.to_be_signed); // by a token, a browser, another service
//! let again = steps.open("portal", &prepared.state, desk.clock.now())?;
//! let signed = again.finish(desk, None, b"Solicito la jubilacion.".into(), None, &value)?;
//! # Ok(signed.bytes)
//! # }
//! ```

use super::made::Made;
use super::owed::{DebtDesk, Finished};
use super::parameters::{Parameters, WhenUnavailable};
use super::signing_desk::{
    Signed, Signer, SigningDesk, ToSign, check_stamped, content_timestamps, request,
};
use crate::engine::crypto::{
    DigestAlgorithm, KeyKind, SignatureAlgorithm, SignatureInput, SignatureValue, digest, sha256,
};
use crate::engine::formats::Content;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::register::Hex;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::keys::{Secret, random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Certificates above the signer's that may come with it.
const MOST_CHAIN: usize = 8;
/// Characters of a state: certificates take some 2 KB each, time-stamps of the content some 8.
const MOST_STATE: usize = 256 * 1024;
/// What a state of ours begins with, also authenticated: another form of states gets another number.
const FORM: &[u8] = b"rubrica two steps 1";
const SALT: usize = 16;
/// States whose end is remembered in memory. Beyond that nothing is finished until some expire.
const MOST_FINISHED: usize = 100_000;

/// Prepares, and opens what was prepared.
pub struct TwoSteps {
    secret: Secret,
    life: Duration,
    finished: Mutex<BTreeMap<[u8; 16], Ended>>,
}

/// What is remembered of a state that was finished.
#[derive(Clone, Copy)]
struct Ended {
    until: Time,
    value: [u8; 32],
}

impl fmt::Debug for TwoSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TwoSteps")
    }
}

/// Whoever signs, elsewhere.
#[derive(Debug, Clone)]
pub struct Signatory {
    /// The certificate of the key.
    pub certificate: Certificate,
    /// Its issuers, upwards.
    pub chain: Vec<Certificate>,
}

/// What is to be signed, and the state to come back with.
pub struct PreparedSignature {
    /// The message that the private key signs.
    pub to_be_signed: Vec<u8>,
    /// Its digest, for a key that takes digests; none for Ed25519 and Ed448, which take messages alone.
    pub digest: Option<(DigestAlgorithm, Vec<u8>)>,
    /// The algorithm of the signature.
    pub algorithm: SignatureAlgorithm,
    /// To be handed in with the value.
    pub state: String,
    /// Until when.
    pub until: Time,
}

impl fmt::Debug for PreparedSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedSignature")
            .field("algorithm", &self.algorithm)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// What a state says.
#[derive(Serialize, Deserialize)]
struct State {
    id: Hex<16>,
    caller: String,
    parameters: Parameters,
    /// DER, the signer's first.
    certificates: Vec<String>,
    algorithm: SignatureAlgorithm,
    document: Hex<32>,
    content: Option<Hex<32>>,
    content_timestamps: Vec<String>,
    to_be_signed: Hex<32>,
    prepared: Time,
    until: Time,
}

/// A state that is ours, of this caller, and not expired.
pub struct Opened<'a> {
    steps: &'a TwoSteps,
    state: State,
    signatory: Signatory,
}

impl fmt::Debug for Opened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("until", &self.state.until)
            .finish_non_exhaustive()
    }
}

fn sha256_of(content: Content<'_>) -> Result<[u8; 32]> {
    let digest = content.digest(DigestAlgorithm::Sha256)?;
    let exact = digest.and_then(|digest| digest.try_into().ok());
    exact.ok_or_else(|| {
        Error::invalid("content", "its SHA-256 is not given").remedy("Give the content itself.")
    })
}

impl Signatory {
    /// From PEM or DER: the signer's certificate first, then its issuers.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut found = Certificate::from_pem_or_der(bytes)?.into_iter();
        let certificate = found.next().ok_or_else(|| {
            Error::invalid("certificate", "is not there").remedy("Send it as PEM or DER.")
        })?;
        let chain: Vec<Certificate> = found.collect();
        if chain.len() > MOST_CHAIN {
            let problem = format!("comes with more than {MOST_CHAIN} issuers");
            return Err(Error::limit("certificate", problem).remedy("Send its path alone."));
        }
        Ok(Signatory { certificate, chain })
    }

    /// Refuses a certificate that signs nothing at `now`. Whether it was revoked is judged from B-LT on.
    fn check(&self, now: Time) -> Result<()> {
        let validity = self.certificate.validity();
        if now < validity.not_before || now > validity.not_after {
            let problem = format!(
                "is valid from {} to {}",
                validity.not_before, validity.not_after
            );
            return Err(Error::refused("certificate", problem).remedy("Sign with another."));
        }
        let signs = |usage: KeyUsage| {
            usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
        };
        if self
            .certificate
            .key_usage()
            .is_some_and(|usage| !signs(usage))
        {
            return Err(Error::refused(
                "certificate",
                "has a key usage that is not for signatures",
            )
            .remedy("Sign with another."));
        }
        Ok(())
    }

    /// The algorithm that its key signs with.
    fn algorithm(&self, parameters: &Parameters) -> Result<SignatureAlgorithm> {
        let key = self.certificate.public_key()?;
        let natural = match (key.kind(), key.bits()) {
            (KeyKind::Ec, 257..=384) => DigestAlgorithm::Sha384,
            (KeyKind::Ec, 385..) => DigestAlgorithm::Sha512,
            _ => DigestAlgorithm::Sha256,
        };
        let digest = parameters.digest.unwrap_or(natural);
        if digest.length() < 32 {
            let problem = format!("{digest} is too weak to be signed with");
            return Err(Error::refused("digest", problem).remedy("Ask for SHA-256 or better."));
        }
        Ok(match key.kind() {
            KeyKind::Rsa if parameters.rsa_pss => SignatureAlgorithm::RsaPss {
                digest,
                mask: digest,
                salt: digest.length() as u16,
            },
            KeyKind::Rsa => SignatureAlgorithm::RsaPkcs1(digest),
            KeyKind::Ec => SignatureAlgorithm::Ecdsa(digest),
            KeyKind::Ed25519 => SignatureAlgorithm::Ed25519,
            KeyKind::Ed448 => SignatureAlgorithm::Ed448,
            KeyKind::Dsa => {
                return Err(Error::unsupported("certificate", "has a DSA key")
                    .remedy("Sign with an RSA, EC or Edwards key."));
            }
        })
    }

    fn name(&self) -> String {
        self.certificate.subject().common_name()
    }

    fn signer(&self, algorithm: SignatureAlgorithm) -> Signer<'_> {
        Signer {
            certificate: &self.certificate,
            chain: &self.chain,
            algorithm,
        }
    }
}

impl TwoSteps {
    /// States are good for `life`, wherever the same secret is.
    pub fn new(secret: &Secret, life: Duration) -> Self {
        TwoSteps {
            secret: Secret::new(*secret.derive(b"states of signatures in two steps")),
            life,
            finished: Mutex::default(),
        }
    }

    /// What the key of `signatory` has to sign, asked for by `caller`.
    pub fn prepare(
        &self,
        desk: &SigningDesk,
        caller: &str,
        what: &ToSign<'_>,
        signatory: &Signatory,
    ) -> Result<PreparedSignature> {
        let now = desk.clock.now();
        signatory.check(now)?;
        let algorithm = signatory.algorithm(what.parameters)?;
        let stamping = desk.stamping_of(&what.parameters.seal);
        check_stamped(what.parameters, stamping)?;
        let tokens = content_timestamps(what, stamping)?;
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut state = State {
            id: Hex(random()?),
            caller: caller.to_string(),
            parameters: what.parameters.clone(),
            certificates: std::iter::once(&signatory.certificate)
                .chain(&signatory.chain)
                .map(|c| encoded(c.bytes()))
                .collect(),
            algorithm,
            document: Hex(sha256_of(what.document)?),
            content: what.content.map(sha256_of).transpose()?.map(Hex),
            content_timestamps: tokens.iter().map(|token| encoded(token)).collect(),
            to_be_signed: Hex([0; 32]),
            prepared: now,
            until: now.plus(self.life),
        };
        let (wanted, request) =
            request(what, &signatory.signer(algorithm), signatory.name(), tokens)?;
        let prepared = wanted.format.prepare(what.document, &request, now)?;
        state.to_be_signed = Hex(sha256(&prepared.to_be_signed));
        let digested = algorithm
            .digest()
            .map(|by| (by, digest(by, &prepared.to_be_signed)));
        Ok(PreparedSignature {
            digest: digested,
            algorithm,
            state: self.seal(&state)?,
            until: state.until,
            to_be_signed: prepared.to_be_signed,
        })
    }

    /// The state that `caller` brings back at `now`. A state of another service, another caller or with a changed byte is
    /// refused in one way; one of ours that expired says so.
    pub fn open(&self, caller: &str, state: &str, now: Time) -> Result<Opened<'_>> {
        let state = self
            .unseal(state)
            .filter(|s| s.caller == caller)
            .ok_or_else(|| {
                Error::new(
                    ErrorKind::Forbidden,
                    "state",
                    "is not one that was given to this caller",
                )
                .remedy("Send the state as it came from prepare, with the key that prepared it.")
            })?;
        if now > state.until {
            return Err(
                Error::refused("state", format!("expired at {}", state.until))
                    .remedy("Prepare the signature again."),
            );
        }
        let mut certificates = state.certificates.iter().map(|one| {
            let der = URL_SAFE_NO_PAD.decode(one).map_err(|_| another_version())?;
            Certificate::from_der(&der)
        });
        let signatory = Signatory {
            certificate: certificates.next().ok_or_else(another_version)??,
            chain: certificates.collect::<Result<_>>()?,
        };
        Ok(Opened {
            steps: self,
            state,
            signatory,
        })
    }

    fn seal(&self, state: &State) -> Result<String> {
        let mut plain = serde_json::to_vec(state)
            .map_err(|_| Error::internal("state", "cannot be written as JSON"))?;
        let salt = random::<SALT>()?;
        self.key(&salt)
            .seal_in_place_append_tag(nonce(), Aad::from(FORM), &mut plain)
            .map_err(|_| Error::internal("state", "cannot be encrypted"))?;
        let sealed = URL_SAFE_NO_PAD.encode([&salt[..], &plain].concat());
        if sealed.len() > MOST_STATE {
            return Err(Error::limit("state", "would be longer than 256 KiB")
                .remedy("Send fewer certificates."));
        }
        Ok(sealed)
    }

    fn unseal(&self, sealed: &str) -> Option<State> {
        if sealed.len() > MOST_STATE {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (salt, sealed) = bytes.split_at_checked(SALT)?;
        let mut plain = sealed.to_vec();
        let plain = self
            .key(salt)
            .open_in_place(nonce(), Aad::from(FORM), &mut plain)
            .ok()?;
        serde_json::from_slice(plain).ok()
    }

    /// Each state has a key of its own, so that the nonce never repeats under one.
    fn key(&self, salt: &[u8]) -> LessSafeKey {
        let key = self.secret.derive(salt);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key);
        LessSafeKey::new(key.unwrap_or_else(|_| unreachable!("a key of ChaCha20 has 32 bytes")))
    }

    /// Takes a state for the value; whoever comes second with it is refused, unless it gets the same bytes anyway.
    fn take(&self, opened: &State, value: &[u8], now: Time, repeatable: bool) -> Result<()> {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        let value = sha256(value);
        match finished.get(&opened.id.0) {
            Some(ended) if ended.value == value && repeatable => return Ok(()),
            Some(_) => return Err(finished_already()),
            None => {}
        }
        if finished.len() >= MOST_FINISHED {
            finished.retain(|_, ended| ended.until >= now);
        }
        if finished.len() >= MOST_FINISHED {
            return Err(
                Error::unavailable("signatures in two steps", "too many at once")
                    .remedy("Try again in a few minutes."),
            );
        }
        let until = opened.until;
        finished.insert(opened.id.0, Ended { until, value });
        Ok(())
    }

    /// It came to nothing, and may be tried again.
    fn release(&self, opened: &State) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.remove(&opened.id.0);
    }
}

/// A state of ours was finished before.
pub(super) fn finished_already() -> Error {
    Error::new(ErrorKind::Conflict, "state", "was finished already")
        .remedy("Use the document that came out then, or prepare the signature again.")
}

fn another_version() -> Error {
    Error::refused("state", "was made by another version of the service")
        .remedy("Prepare the signature again.")
}

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

impl Opened<'_> {
    /// The identifier of the state.
    pub fn id(&self) -> String {
        self.state.id.to_string()
    }

    /// Until when the state is good.
    pub fn until(&self) -> Time {
        self.state.until
    }

    /// What was asked for when it was prepared.
    pub fn parameters(&self) -> &Parameters {
        &self.state.parameters
    }

    /// The signed document, verified and raised to the level asked for. ECDSA values may be DER or r ‖ s. With `debts`,
    /// the same state and value again give the same bytes, and what is owed is noted. Without, the same state is refused,
    /// except at level B-B with the same value, which gives the same bytes.
    pub fn finish(
        &self,
        desk: &SigningDesk,
        debts: Option<&DebtDesk>,
        document: Content<'_>,
        content: Option<Content<'_>>,
        value: &[u8],
    ) -> Result<Signed> {
        let what = ToSign {
            document,
            content,
            parameters: &self.state.parameters,
        };
        self.check_same(&what)?;
        let signer = self.signatory.signer(self.state.algorithm);
        let tokens = self.state.content_timestamps.iter();
        let tokens = tokens.map(|one| URL_SAFE_NO_PAD.decode(one).map_err(|_| another_version()));
        let (wanted, request) = request(
            &what,
            &signer,
            self.signatory.name(),
            tokens.collect::<Result<_>>()?,
        )?;
        let prepared = wanted
            .format
            .prepare(document, &request, self.state.prepared)?;
        if sha256(&prepared.to_be_signed) != self.state.to_be_signed.0 {
            return Err(another_version());
        }
        let value = self.verified(&prepared.to_be_signed, value)?;
        if let Some(debts) = debts
            && let Some(before) = debts.finished(&self.id(), &self.state.caller, &value.0)?
        {
            return Ok(before);
        }
        let level = self.state.parameters.level;
        let repeatable = level == super::parameters::Baseline::B;
        let steps = self.steps;
        steps.take(&self.state, &value.0, desk.clock.now(), repeatable)?;
        let made = Made {
            format: wanted.format,
            request: &request,
            document,
            content,
            value,
        };
        let stamping = desk.stamping_of(&self.state.parameters.seal);
        let done = made.embed(prepared.resume).and_then(|(bytes, _)| {
            let signed =
                desk.raise_made(&made, bytes, &what, stamping, WhenUnavailable::Degrade)?;
            match debts {
                Some(debts) => self.kept(debts, signed, &what, &made.value.0),
                None => Ok(signed),
            }
        });
        done.inspect_err(|_| steps.release(&self.state))
    }

    /// Kept, so that it can be had again; what somebody else kept meanwhile wins.
    fn kept(
        &self,
        debts: &DebtDesk,
        signed: Signed,
        what: &ToSign<'_>,
        value: &[u8],
    ) -> Result<Signed> {
        let state = &self.state;
        let finished = Finished {
            id: &self.id(),
            caller: &state.caller,
            seal: &state.parameters.seal,
            until: state.until,
        };
        let (kept, won) =
            debts.keep_finished(&finished, &signed, what.apart().and_then(Content::bytes))?;
        if won {
            return Ok(signed);
        }
        debts.again(&kept, &state.caller, value)
    }

    fn check_same(&self, what: &ToSign<'_>) -> Result<()> {
        let other = |element: &'static str| {
            Error::new(
                ErrorKind::Conflict,
                element,
                "is not the one that was prepared",
            )
            .remedy("Send the same bytes again, or prepare the signature again.")
        };
        if sha256_of(what.document)? != self.state.document.0 {
            return Err(other("document"));
        }
        let content = what.content.map(sha256_of).transpose()?;
        if content != self.state.content.as_ref().map(|known| known.0) {
            return Err(other("content"));
        }
        Ok(())
    }

    /// The value in the form that signatures have it, if it is good.
    fn verified(&self, to_be_signed: &[u8], value: &[u8]) -> Result<SignatureValue> {
        let key = self.signatory.certificate.public_key()?;
        let good = |value: &[u8]| {
            let message = SignatureInput::Message(to_be_signed);
            key.verify(self.state.algorithm, message, value)
        };
        if good(value) {
            return Ok(SignatureValue(value.to_vec()));
        }
        let plain = matches!(self.state.algorithm, SignatureAlgorithm::Ecdsa(_));
        if let Some(der) = plain.then(|| der_of_plain(value)).flatten()
            && good(&der)
        {
            return Ok(SignatureValue(der));
        }
        Err(Error::refused(
            "signature",
            "does not verify under the certificate over what was prepared",
        )
        .remedy("Sign to_be_signed, or its digest, with the key of that certificate."))
    }
}

/// r ‖ s, as browsers and tokens give it, as DER.
fn der_of_plain(value: &[u8]) -> Option<Vec<u8>> {
    if value.is_empty() || !value.len().is_multiple_of(2) || value.len() > 132 {
        return None;
    }
    let (r, s) = value.split_at(value.len() / 2);
    let number = |bytes| openssl::bn::BigNum::from_slice(bytes).ok();
    openssl::ecdsa::EcdsaSig::from_private_components(number(r)?, number(s)?)
        .and_then(|sig| sig.to_der())
        .ok()
}
