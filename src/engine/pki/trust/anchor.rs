//! A trust anchor: a name and a key that are believed, from where the belief comes, and for which times (RFC 5280 §6.1.1(d)).
//!
//! An anchor that came as name and key alone is carried as a certificate of that name and key that nobody signed, so that a
//! path is certificates all along; [`Anchor::certificate`] tells the two apart. How trusted lists and files become anchors is
//! not here.

use crate::engine::crypto::{PublicKey, sha256};
use crate::engine::error::Result;
use crate::engine::pki::{Certificate, Certificates, Name};
use crate::engine::syntax::asn1::{Reader, Tlv, der};
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// Where the trust in an anchor comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Provenance {
    /// The operator's configuration, or the caller.
    Configured,
    /// A service of a trusted list (TS 119 612 §5.5).
    TrustedList {
        /// SHA-256 of the list's bytes, in lower-case hexadecimal.
        list: String,
        /// Its scheme territory: `ES`.
        territory: String,
        /// The trust service provider's name.
        provider: String,
        /// The service's name.
        service: String,
    },
    /// The operator vouches for a certificate of the past.
    Historical {
        /// Where it was taken from, in the operator's words.
        note: String,
    },
}

/// A time in which an anchor is trusted; `from` belongs to it, `until` does not. No `until`: no end is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TrustPeriod {
    pub from: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

impl TrustPeriod {
    /// Whether `at` lies in it.
    pub fn contains(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A trust anchor. Cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor(Arc<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    certificate: Certificate,
    bare: bool,
    issues_nothing: bool,
    provenance: Provenance,
    periods: Vec<TrustPeriod>,
}

impl Anchor {
    /// The name and key of `certificate`, trusted always.
    pub fn of_certificate(certificate: Certificate) -> Anchor {
        Anchor::of(certificate, false)
    }

    /// A name and a `SubjectPublicKeyInfo`, trusted always.
    pub fn of_name_and_key(name: &Name, spki: &[u8]) -> Result<Anchor> {
        Ok(Anchor::of(
            Certificate::from_der(&unsigned(name, spki)?)?,
            true,
        ))
    }

    fn of(certificate: Certificate, bare: bool) -> Anchor {
        Anchor(Arc::new(Inner {
            certificate,
            bare,
            issues_nothing: false,
            provenance: Provenance::Configured,
            periods: Vec::new(),
        }))
    }

    /// With where the trust comes from.
    #[must_use]
    pub fn with_provenance(mut self, provenance: Provenance) -> Anchor {
        Arc::make_mut(&mut self.0).provenance = provenance;
        self
    }

    /// Trusted in these times only; none: always.
    #[must_use]
    pub fn with_periods(mut self, periods: Vec<TrustPeriod>) -> Anchor {
        Arc::make_mut(&mut self.0).periods = periods;
        self
    }

    /// Trusted as itself alone: a path may be it, and none may end at it.
    #[must_use]
    pub fn that_issues_nothing(mut self) -> Anchor {
        Arc::make_mut(&mut self.0).issues_nothing = true;
        self
    }

    /// Whether it is trusted as itself alone.
    pub fn issues_nothing(&self) -> bool {
        self.0.issues_nothing
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.0.certificate.subject()
    }

    /// Its key; decoded once.
    pub fn public_key(&self) -> Result<&PublicKey> {
        self.0.certificate.public_key()
    }

    /// The certificate that it was taken from; none where it came as name and key.
    pub fn certificate(&self) -> Option<&Certificate> {
        (!self.0.bare).then_some(&self.0.certificate)
    }

    /// The certificate that stands for it at the end of a path: the one it was taken from, or one made of name and key
    /// that nobody signed and that says nothing else.
    pub fn as_certificate(&self) -> &Certificate {
        &self.0.certificate
    }

    /// Where the trust comes from.
    pub fn provenance(&self) -> &Provenance {
        &self.0.provenance
    }

    /// The times in which it is trusted; none: always.
    pub fn periods(&self) -> &[TrustPeriod] {
        &self.0.periods
    }

    fn digest(&self) -> [u8; 32] {
        let told = (self.provenance(), self.periods(), self.issues_nothing());
        // What is written is plain data of strings and times, which always can be.
        let mut bytes = serde_json::to_vec(&told).unwrap_or_default();
        bytes.extend(self.0.certificate.fingerprint());
        sha256(&bytes)
    }

    /// Whether it is trusted at that instant.
    pub fn is_trusted_at(&self, at: Time) -> bool {
        self.0.periods.is_empty() || self.0.periods.iter().any(|period| period.contains(at))
    }

    /// Where it is trusted at that instant, until when it surely is; none where no end is known.
    pub fn trusted_until(&self, at: Time) -> Option<Time> {
        let mut of_at = self.0.periods.iter().filter(|period| period.contains(at));
        of_at.try_fold(None, |last, period| Some(last.max(Some(period.until?))))?
    }
}

impl From<Certificate> for Anchor {
    fn from(certificate: Certificate) -> Anchor {
        Anchor::of_certificate(certificate)
    }
}

/// A certificate of `name` and key that nobody signed, the same for the same two: RFC 5280 §4.1 asks for the other fields.
fn unsigned(name: &Name, spki: &[u8]) -> Result<Vec<u8>> {
    let key = Tlv::whole(Reader::ber(spki), "SubjectPublicKeyInfo")?;
    let mut fields = key.inner_of("SubjectPublicKeyInfo")?;
    let algorithm = fields.read("algorithm")?.bytes().to_vec();
    let validity = der::sequence(&[
        &der::tlv(0x18, b"00010101000000Z"),
        // RFC 5280 §4.1.2.5: no well-defined expiration date.
        &der::tlv(0x18, b"99991231235959Z"),
    ]);
    let tbs = der::sequence(&[
        &der::integer(0),
        &algorithm,
        name.bytes(),
        &validity,
        name.bytes(),
        spki,
    ]);
    Ok(der::sequence(&[&tbs, &algorithm, &der::bit_string(&[])]))
}

/// A set of trust anchors, shared. Cloning it is cheap.
#[derive(Debug, Clone, Default)]
pub struct Anchors(Arc<Set>);

#[derive(Debug, Default)]
struct Set {
    all: Vec<Anchor>,
    /// Each certificate once; one may be an anchor several times, by several services.
    certificates: Certificates,
    by_fingerprint: HashMap<[u8; 32], Vec<usize>>,
    digest: OnceLock<[u8; 32]>,
}

impl Anchors {
    /// From anchors or certificates, in the order given.
    pub fn new<A: Into<Anchor>>(anchors: impl IntoIterator<Item = A>) -> Anchors {
        let mut set = Set::default();
        for anchor in anchors.into_iter().map(Into::into) {
            set.add(anchor);
        }
        Anchors(Arc::new(set))
    }

    /// From files of PEM or DER.
    pub fn read<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Result<Anchors> {
        let mut all = Vec::new();
        for file in files {
            all.extend(Certificate::from_pem_or_der(file)?);
        }
        Ok(Anchors::new(all))
    }

    /// All of them, in the order given.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.0.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.all.len()
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.all.is_empty()
    }

    /// The certificates that stand for them, each once.
    pub fn certificates(&self) -> &Certificates {
        &self.0.certificates
    }

    /// What identifies the set, whatever its order: SHA-256 over what each anchor is, whence and for which times.
    pub fn digest(&self) -> [u8; 32] {
        *self.0.digest.get_or_init(|| {
            let mut all: Vec<[u8; 32]> = self.iter().map(Anchor::digest).collect();
            all.sort_unstable();
            sha256(&all.concat())
        })
    }

    /// Whether `certificate` is itself an anchor, at whatever time.
    pub fn contains(&self, certificate: &Certificate) -> bool {
        self.0
            .by_fingerprint
            .contains_key(&certificate.fingerprint())
    }

    /// The certificate that stands for an anchor, by the SHA-256 of its bytes.
    pub fn by_fingerprint(&self, fingerprint: &[u8; 32]) -> Option<&Certificate> {
        self.0.certificates.get(fingerprint)
    }

    /// The anchors that `certificate` is, in the order given.
    pub fn of<'a>(&'a self, certificate: &Certificate) -> impl Iterator<Item = &'a Anchor> {
        let found = self.0.by_fingerprint.get(&certificate.fingerprint());
        let indices = found.into_iter().flatten();
        indices.filter_map(|index| self.0.all.get(*index))
    }

    /// The anchor that `certificate` is at that instant: the first that is trusted then, else the first.
    pub fn of_at(&self, certificate: &Certificate, at: Time) -> Option<&Anchor> {
        let trusted = self.of(certificate).find(|anchor| anchor.is_trusted_at(at));
        trusted.or_else(|| self.of(certificate).next())
    }

    /// Splits a chain of certificates that ends at an anchor into those below it and the anchor as of that instant.
    pub fn end_of<'a, 'b>(
        &'a self,
        chain: &'b [Certificate],
        at: Time,
    ) -> Option<(&'b [Certificate], &'a Anchor)> {
        let (last, below) = chain.split_last()?;
        Some((below, self.of_at(last, at)?))
    }

    /// Those of this name.
    pub fn named(&self, name: &Name) -> Vec<&Certificate> {
        self.0.certificates.named(name)
    }
}

impl Set {
    fn add(&mut self, anchor: Anchor) {
        let certificate = anchor.as_certificate();
        let same = self
            .by_fingerprint
            .entry(certificate.fingerprint())
            .or_default();
        if same.iter().any(|index| self.all[*index] == anchor) {
            return;
        }
        same.push(self.all.len());
        self.certificates.add(certificate.clone());
        self.all.push(anchor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Certificate {
        let file = include_bytes!("../../../../certs/test/root.pem");
        Certificate::from_pem_or_der(file).unwrap().remove(0)
    }

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn name_and_key_make_an_anchor_that_is_always_the_same() {
        let root = root();
        let bare = || Anchor::of_name_and_key(root.subject(), root.spki()).unwrap();
        assert_eq!(bare(), bare());
        assert_eq!(bare().certificate(), None);
        assert_eq!(bare().name(), root.subject());
        assert_eq!(bare().as_certificate().spki(), root.spki());
        assert!(root.is_signed_by(bare().public_key().unwrap()));
        assert!(
            !bare()
                .as_certificate()
                .is_signed_by(root.public_key().unwrap())
        );
        assert!(Anchor::of_name_and_key(root.subject(), &root.spki()[1..]).is_err());
    }

    #[test]
    fn a_set_is_identified_by_all_that_its_anchors_are() {
        let one = Anchor::from(root());
        let note = "kept".to_string();
        let two = one.clone().with_provenance(Provenance::Historical { note });
        let digest = |all: &[&Anchor]| Anchors::new(all.iter().map(|a| (*a).clone())).digest();
        assert_eq!(digest(&[&one, &two]), digest(&[&two, &one]));
        let three = one.clone().that_issues_nothing();
        assert_ne!(digest(&[&one]), digest(&[&two]));
        assert_ne!(digest(&[&one]), digest(&[&three]));
    }

    #[test]
    fn a_period_has_its_first_instant_and_not_its_last() {
        let period = TrustPeriod {
            from: at("2019-01-01T00:00:00Z"),
            until: Some(at("2020-01-01T00:00:00Z")),
        };
        let anchor = Anchor::of_certificate(root()).with_periods(vec![period]);
        assert!(anchor.is_trusted_at(at("2019-01-01T00:00:00Z")));
        assert!(anchor.is_trusted_at(at("2019-12-31T23:59:59Z")));
        assert!(!anchor.is_trusted_at(at("2018-12-31T23:59:59Z")));
        assert!(!anchor.is_trusted_at(at("2020-01-01T00:00:00Z")));
        let open = TrustPeriod {
            until: None,
            ..period
        };
        assert!(open.contains(at("2999-01-01T00:00:00Z")));
    }

    #[test]
    fn of_two_trusts_in_one_certificate_the_one_of_the_instant_counts() {
        let period = |from: &str, until: &str| TrustPeriod {
            from: at(from),
            until: Some(at(until)),
        };
        let historical = Provenance::Historical {
            note: "a copy kept by the archive".to_string(),
        };
        let old = Anchor::from(root())
            .with_periods(vec![period("2009-01-01T00:00:00Z", "2011-01-01T00:00:00Z")])
            .with_provenance(historical.clone());
        let new = Anchor::from(root())
            .with_periods(vec![period("2016-01-01T00:00:00Z", "2030-01-01T00:00:00Z")]);
        let anchors = Anchors::new([new.clone(), old, new]);
        assert_eq!((anchors.len(), anchors.certificates().len()), (2, 1));
        let found = |instant| anchors.of_at(&root(), at(instant)).unwrap();
        assert_eq!(found("2010-02-01T00:00:00Z").provenance(), &historical);
        assert_eq!(
            found("2020-01-01T00:00:00Z").provenance(),
            &Provenance::Configured
        );
        assert!(!found("2012-01-01T00:00:00Z").is_trusted_at(at("2012-01-01T00:00:00Z")));
    }
}
