//! What the service answers as an authority of its own: time-stamps (RFC 3161), where `[timestamping]` names a key.
//!
//! The answers are `engine/authority`; here are the key, the clock and when it may be relied upon, serial numbers that no
//! two tokens share, and what is counted.

use crate::engine::authority::timestamp::{self, Answer, Authority};
use crate::engine::crypto::DigestAlgorithm;
use crate::engine::pki::Certificate;
use crate::engine::syntax::asn1::Oid;
use crate::engine::{Error, Result, Time};
use crate::service::clock::Clock;
use crate::service::config::TimestampingSettings;
use crate::service::keys::{Seal, random};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The step between two tokens that must not have one time: tokens state milliseconds.
const STEP: Duration = Duration::from_millis(1);

/// A new serial number: 158 random bits of the 160 that clients must take (RFC 3161 §2.4.2), so that no two tokens of any
/// number of processes have one.
pub fn serial_number() -> Result<[u8; 20]> {
    let mut serial = random::<20>()?;
    serial[0] = serial[0] & 0x7f | 0x40;
    Ok(serial)
}

/// The service as a time-stamping authority.
pub struct Timestamper {
    /// Its key and certificate.
    identity: Seal,
    chain: Vec<Certificate>,
    policies: Vec<Oid>,
    digests: Vec<DigestAlgorithm>,
    reference: DigestAlgorithm,
    accuracy: Duration,
    settings: TimestampingSettings,
    clock: Arc<dyn Clock>,
    /// The latest time that was given out.
    last: Mutex<Option<Time>>,
    /// Answers by how they came out.
    outcomes: Mutex<BTreeMap<&'static str, u64>>,
}

impl fmt::Debug for Timestamper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timestamper")
            .field("policies", &self.policies)
            .finish_non_exhaustive()
    }
}

impl Timestamper {
    /// The authority of these settings; `None` where they name no key. A certificate that cannot stamp now is an error,
    /// an expired one included.
    pub fn open(
        settings: &TimestampingSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Option<Timestamper>> {
        let Some(key) = settings.seal() else {
            return Ok(None);
        };
        let identity = Seal::load(&key)?;
        let mut chain = identity.chain.clone();
        for path in &settings.chain {
            chain.extend(read_certificates(path)?);
        }
        let timestamper = Timestamper {
            identity,
            chain,
            policies: settings.policies()?,
            digests: settings.digests()?,
            reference: settings.reference()?,
            accuracy: Duration::from_millis(settings.accuracy_milliseconds),
            settings: settings.clone(),
            last: Mutex::default(),
            outcomes: Mutex::default(),
            clock,
        };
        timestamper.authority().check(timestamper.clock.now())?;
        Ok(Some(timestamper))
    }

    fn authority(&self) -> Authority<'_> {
        Authority {
            certificate: &self.identity.certificate,
            chain: &self.chain,
            signer: &*self.identity.signer,
            policies: &self.policies,
            digests: &self.digests,
            accuracy: Some(self.accuracy),
            ordering: self.settings.ordering,
            named: self.settings.named,
            qualified: self.settings.qualified,
            reference: self.reference,
        }
    }

    /// The `TimeStampResp` to a `TimeStampReq`.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        let authority = self.authority();
        let ready = authority
            .check(self.clock.now())
            .and_then(|()| serial_number());
        let answer = match ready {
            Ok(serial) => timestamp::answer(request, &authority, &serial, || self.moment()),
            Err(fault) => Answer::failed(fault),
        };
        if let Some(fault) = &answer.fault {
            tracing::error!(error = %fault, "no time-stamp can be made");
        }
        let outcome = answer.failure.map_or("granted", |failure| failure.name());
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry(outcome).or_default() += 1;
        answer.response
    }

    /// The time of the next token; `None` while the clock is not synchronised, or once it was set back by more than its
    /// accuracy: a time that was given out is not to be contradicted.
    fn moment(&self) -> Option<Time> {
        let synchronised = self.settings.synchronised.as_ref();
        if synchronised.is_some_and(|file| !file.exists()) {
            tracing::error!("the clock is not synchronised; nothing is stamped");
            return None;
        }
        let now = self.clock.now().truncated_to_milliseconds();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let latest = last.unwrap_or(now);
        let time = match *last {
            Some(last) if self.settings.ordering && now <= last => last.plus(STEP),
            _ => now,
        };
        if latest.max(time).since(now) > self.accuracy {
            tracing::error!(%latest, "the clock is behind a time that was given out; nothing is stamped");
            return None;
        }
        *last = Some(latest.max(time));
        Some(time)
    }

    /// How many answers came out how: `granted`, or the name of the failure.
    pub fn outcomes(&self) -> BTreeMap<&'static str, u64> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.clone()
    }

    /// Whether it can stamp now.
    pub fn check(&self) -> Result<()> {
        let synchronised = self.settings.synchronised.as_ref();
        if synchronised.is_some_and(|file| !file.exists()) {
            return Err(
                Error::unavailable("timestamping", "the clock is not synchronised")
                    .remedy("Start what keeps it, or correct timestamping.synchronised."),
            );
        }
        self.authority().check(self.clock.now())
    }
}

fn read_certificates(path: &PathBuf) -> Result<Vec<Certificate>> {
    let bytes = std::fs::read(path).map_err(|error| {
        let problem = format!("cannot be read: {}", error.kind());
        Error::invalid(path.display().to_string(), problem)
    })?;
    Certificate::from_pem_or_der(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::crypto::sha256;
    use crate::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
    use crate::engine::pki::timestamp::{TimestampToken, TstInfo};
    use crate::service::clock::SettableClock;

    fn noon() -> Time {
        "2026-03-01T12:00:00Z".parse().unwrap()
    }

    fn pki(name: &str) -> PathBuf {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test");
        folder.join(name)
    }

    struct Fixture {
        clock: Arc<SettableClock>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let clock = Arc::new(SettableClock::at(noon()));
            Fixture { clock }
        }

        fn settings(&self) -> TimestampingSettings {
            TimestampingSettings {
                key: Some(pki("tsa.key")),
                certificate: Some(pki("tsa.pem")),
                chain: vec![pki("ca.pem")],
                ..TimestampingSettings::default()
            }
        }

        fn open(&self, change: impl FnOnce(&mut TimestampingSettings)) -> Result<Timestamper> {
            let mut settings = self.settings();
            change(&mut settings);
            Timestamper::open(&settings, self.clock.clone()).map(Option::unwrap)
        }
    }

    fn asked(by: &Timestamper) -> Result<TimestampToken> {
        let request = TimestampRequest {
            message_imprint: MessageImprint {
                algorithm: DigestAlgorithm::Sha256,
                digest: sha256(b"acuse").to_vec(),
            },
            policy: None,
            nonce: Some(vec![1]),
            certificates: true,
        };
        read_response(&by.answer(&request.to_der()), &request)
    }

    fn stamp(by: &Timestamper) -> Result<TstInfo> {
        asked(by).map(|token| token.tst_info().clone())
    }

    #[test]
    fn every_token_has_a_serial_number_of_its_own_and_the_chain() {
        let fixture = Fixture::new();
        let by = fixture.open(|_| ()).unwrap();
        let token = asked(&by).unwrap();
        assert_eq!(token.signed_data().certificates().len(), 2);
        let serials: std::collections::HashSet<_> =
            (0..20).map(|_| stamp(&by).unwrap().serial).collect();
        assert_eq!(serials.len(), 20);
        assert!(serials.iter().all(|s| s.len() == 20 && s[0] & 0xc0 == 0x40));
        assert_eq!(by.outcomes()["granted"], 21);
    }

    #[test]
    fn with_ordering_no_two_tokens_have_one_time_and_the_accuracy_is_kept() {
        let fixture = Fixture::new();
        let by = fixture
            .open(|s| (s.ordering, s.accuracy_milliseconds) = (true, 5))
            .unwrap();
        let times: Vec<_> = (0..6).map(|_| stamp(&by).unwrap().gen_time).collect();
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
        assert!(by.answer(b"junk").len() < 200);
        assert!(stamp(&by).unwrap_err().problem().contains("clock"));
        fixture.clock.advance(Duration::from_millis(3));
        assert!(stamp(&by).unwrap().ordering);
        assert_eq!(by.outcomes()["timeNotAvailable"], 1);
        assert_eq!(by.outcomes()["badDataFormat"], 1);
    }

    #[test]
    fn a_clock_that_is_set_back_or_not_kept_stamps_nothing() {
        let fixture = Fixture::new();
        let by = fixture.open(|_| ()).unwrap();
        assert_eq!(stamp(&by).unwrap().gen_time, noon());
        fixture.clock.set(noon().minus(Duration::from_secs(2)));
        assert!(stamp(&by).is_err());
        fixture.clock.set(noon().minus(Duration::from_millis(500)));
        assert!(stamp(&by).is_ok());
        fixture.clock.set(noon().plus(Duration::from_secs(1)));
        assert!(stamp(&by).is_ok());

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("synchronised");
        let by = fixture
            .open(|s| s.synchronised = Some(file.clone()))
            .unwrap();
        assert!(stamp(&by).is_err() && by.check().is_err());
        std::fs::write(&file, "").unwrap();
        assert!(stamp(&by).is_ok() && by.check().is_ok());
    }

    #[test]
    fn only_a_key_for_time_stamping_is_taken() {
        let fixture = Fixture::new();
        let path = |name: &str| Some(pki(name));
        let other = |s: &mut TimestampingSettings| {
            (s.key, s.certificate) = (path("ocsp.key"), path("ocsp.pem"));
        };
        let error = fixture.open(other).unwrap_err();
        assert!(error.problem().contains("extended key usage"), "{error}");
        let error = fixture.open(|s| s.key = path("ocsp.key")).unwrap_err();
        assert_ne!(error.kind(), crate::engine::ErrorKind::Internal, "{error}");
        let by = fixture.open(|_| ()).unwrap();
        fixture.clock.set(noon().plus_years(40));
        assert!(stamp(&by).unwrap_err().problem().contains("systemFailure"));
        let error = fixture.open(|_| ()).unwrap_err();
        assert!(error.problem().contains("not valid now"), "{error}");
        let none = Timestamper::open(&TimestampingSettings::default(), fixture.clock.clone());
        assert!(none.unwrap().is_none());
    }
}
