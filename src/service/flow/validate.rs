//! Validating a document: inspect → judge → fetch what the verdict wants → judge again, until nothing new comes.
//!
//! A verdict asks and never fetches; an outage changes what is at hand and never the way. Without network sources this is
//! the same loop. Who is trusted is in the policy, what is fetched and how in the sources.

use crate::engine::evidence::{Evidence, Object, ObjectKind, Origin, Pool};
use crate::engine::formats::cades::Cades;
use crate::engine::formats::{Detached, Format, GivenRecord, Input, add_given, recognise};
use crate::engine::validation::{Policy, Verdict, Want, validate as judge};
use crate::engine::{Error, Result, Time};
use crate::service::sources::{Deadline, Sources};
use std::time::Duration;

/// Wants that are fetched at the same time.
const AT_ONCE: usize = 8;
/// Wants of one document that are fetched at all. An honest one has two a signature and two a time-stamp.
const MOST: usize = 128;
/// How long one document is fetched for, however many addresses it names: they are the choice of whoever made it.
const LONGEST: Duration = Duration::from_secs(30);

/// What is left to be fetched for one document.
pub(super) struct Patience {
    wants: usize,
    until: Deadline,
}

impl Patience {
    pub(super) fn of_one_document() -> Patience {
        Patience {
            wants: MOST,
            until: Deadline::after(LONGEST),
        }
    }

    /// So many of `wanted` as may still be fetched at once.
    fn take<'w>(&mut self, wanted: &mut &'w [Want]) -> Result<&'w [Want]> {
        if self.until.is_over() || self.wants == 0 {
            return Err(Error::limit(
                "sources",
                format!("more to be fetched than {MOST} answers in {LONGEST:?}"),
            )
            .remedy("Give the certificates and revocation data with the document."));
        }
        let some;
        (some, *wanted) = wanted.split_at(wanted.len().min(AT_ONCE).min(self.wants));
        self.wants -= some.len();
        Ok(some)
    }
}

/// A document that was judged, with all that it was judged by.
#[derive(Debug)]
pub struct Validated {
    /// What was found and gathered.
    pub evidence: Evidence,
    /// What follows from it.
    pub verdict: Verdict,
    /// Sources that failed; the verdict stands without them.
    pub outages: Vec<Error>,
}

/// What is to be validated, and what was handed in beside it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Submitted<'a> {
    /// The document.
    pub document: &'a [u8],
    /// Content that its signatures cover and do not carry.
    pub detached: &'a [Detached<'a>],
    /// Evidence records about the document, its signatures or that content.
    pub records: &'a [GivenRecord<'a>],
    /// Certificates and revocation data.
    pub given: &'a [Object],
}

/// Validates what was submitted, at `now`.
pub fn validate(
    submitted: &Submitted<'_>,
    policy: &Policy,
    sources: &Sources,
    now: Time,
) -> Result<Validated> {
    let Submitted {
        document, detached, ..
    } = *submitted;
    let mut budget = policy.limits.budget();
    let input = Input { document, detached };
    let format = match recognise(document) {
        Ok(format) => format,
        // A record may be about any file.
        Err(_) if !submitted.records.is_empty() => {
            return validate_data(submitted, policy, sources, now);
        }
        Err(error) => return Err(error),
    };
    // Content that no signature was held against must not seem to have been checked.
    if detached.len() > usize::from(format.name() == Cades.name()) {
        return Err(Error::invalid(
            "content",
            "is more than the signatures of this document can be over",
        )
        .remedy("Give content with a CMS signature (.p7s) only, and one file to each signature."));
    }
    let mut evidence = format.inspect(input, &mut budget)?;
    for record in submitted.records {
        add_given(&mut evidence, *record, input, &mut budget)?;
    }
    for object in submitted.given {
        evidence.pool.add(object.clone());
    }
    Ok(settle(evidence, policy, sources, now))
}

/// A document without signatures, for the sake of the records about it.
fn validate_data(
    submitted: &Submitted<'_>,
    policy: &Policy,
    sources: &Sources,
    now: Time,
) -> Result<Validated> {
    let mut evidence = Evidence::new("data", submitted.document);
    let input = Input {
        document: submitted.document,
        detached: &[],
    };
    let mut budget = policy.limits.budget();
    for record in submitted.records {
        add_given(&mut evidence, *record, input, &mut budget)?;
    }
    for object in submitted.given {
        evidence.pool.add(object.clone());
    }
    Ok(settle(evidence, policy, sources, now))
}

/// Judges evidence, gathering what is wanted.
pub fn settle(mut evidence: Evidence, policy: &Policy, sources: &Sources, now: Time) -> Validated {
    let mut verdict = judge(&evidence, policy, now);
    let mut outages = Vec::new();
    let mut patience = Patience::of_one_document();
    for _ in 0..policy.limits.rounds {
        let (objects, failed) = fetch(&verdict.wanted, &evidence, policy, sources, &mut patience);
        outages = failed;
        if !add(objects, &mut evidence) {
            break;
        }
        verdict = judge(&evidence, policy, now);
    }
    Validated {
        evidence,
        verdict,
        outages,
    }
}

/// What the sources bring for all wants, a few at a time; and which of them failed.
pub(super) fn fetch(
    wanted: &[Want],
    evidence: &Evidence,
    policy: &Policy,
    sources: &Sources,
    patience: &mut Patience,
) -> (Vec<Object>, Vec<Error>) {
    let (known, deadline) = (known(wanted, evidence, policy), patience.until);
    let mut brought = (Vec::new(), Vec::new());
    let mut left = wanted;
    while !left.is_empty() {
        let some = match patience.take(&mut left) {
            Ok(some) => some,
            Err(error) => {
                brought.1.push(error);
                break;
            }
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = some
                .iter()
                .map(|want| scope.spawn(|| sources.fetch(want, &known, deadline)))
                .collect();
            asked.into_iter().map(|one| one.join()).collect()
        });
        for answer in answers {
            match answer {
                Ok(Ok(objects)) => brought.0.extend(objects),
                Ok(Err(error)) => brought.1.push(error),
                Err(_) => brought
                    .1
                    .push(Error::internal("source", "ended in a panic")),
            }
        }
    }
    brought
}

/// Every pool of the evidence in one, with the anchors that wants name.
fn known(wanted: &[Want], evidence: &Evidence, policy: &Policy) -> Pool {
    let mut all = Pool::default();
    if wanted.is_empty() {
        return all;
    }
    collect(evidence, &mut all);
    for want in wanted {
        if let Want::Revocation { issuer, .. } = want
            && let Some(anchor) = policy.anchors.by_fingerprint(&issuer.0)
        {
            all.add(Object::new(
                ObjectKind::Certificate,
                anchor.bytes(),
                Origin::Given,
            ));
        }
    }
    all
}

fn collect(evidence: &Evidence, all: &mut Pool) {
    all.extend(&evidence.pool);
    for nested in &evidence.inside {
        collect(&nested.evidence, all);
    }
}

/// Whether anything of it is new.
fn add(objects: Vec<Object>, evidence: &mut Evidence) -> bool {
    let before = evidence.pool.len();
    for object in objects {
        evidence.pool.add(object);
    }
    evidence.pool.len() > before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::formats::cades::Cades;
    use crate::engine::formats::{CadesOptions, Options};
    use crate::engine::pki::trust::Anchors;
    use crate::engine::validation::{Indication, SubIndication};
    use crate::service::config::{SealSettings, WhenTsaFails};
    use crate::service::flow::{Order, seal};
    use crate::service::keys::{KeyFile, Passphrase, Seal};
    use crate::service::sources::Source;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn certs(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("certs/test")
            .join(name)
    }

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(certs(name)).unwrap()
    }

    fn now() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn policy() -> Policy {
        Policy::baseline(Anchors::read([&file("root.pem")[..]]).unwrap())
    }

    fn signed() -> Vec<u8> {
        let settings = format!("name = 'x'\nkey = '{}'", certs("citizen.p12").display());
        let settings: SealSettings = toml::from_str(&settings).unwrap();
        let passphrase = String::from_utf8(file("passphrase")).unwrap();
        let passphrase = Passphrase::new(passphrase.trim());
        let key = KeyFile::from_pkcs12(&file("citizen.p12"), &passphrase, "citizen").unwrap();
        let own = Seal::new(&settings, key).unwrap();
        let options = Options::Cades(CadesOptions::Attached);
        let order = Order {
            seal: &own,
            format: &Cades,
            options: &options,
            timestamping: None,
            when_tsa_fails: WhenTsaFails::Fail,
        };
        seal(b"Solicito la jubilacion.", &order, now())
            .unwrap()
            .bytes
    }

    /// Answers every want as it is told, and counts.
    #[derive(Debug)]
    struct Told<F>(F, std::sync::Arc<AtomicU32>);

    impl<F: Fn(u32) -> Result<Vec<Object>> + Send + Sync + std::fmt::Debug> Source for Told<F> {
        fn serves(&self, _: &Want) -> bool {
            true
        }

        fn fetch(&self, _: &Want, _: &Pool, _: Deadline) -> Result<Vec<Object>> {
            (self.0)(self.1.fetch_add(1, Ordering::SeqCst))
        }
    }

    fn lists() -> Vec<Object> {
        let list = |name| {
            let list = crate::engine::pki::CertificateList::from_pem_or_der(&file(name)).unwrap();
            let kind = ObjectKind::CertificateRevocationList;
            Object::new(kind, list.bytes(), Origin::Given)
        };
        vec![list("root.crl"), list("ca.crl")]
    }

    fn judged_with(answer: fn(u32) -> Result<Vec<Object>>) -> (Validated, u32) {
        let asked = std::sync::Arc::new(AtomicU32::new(0));
        let mut sources = Sources::default();
        sources.add(Told(answer, asked.clone()));
        let validated = validate(&of(&signed(), &[]), &policy(), &sources, now()).unwrap();
        (validated, asked.load(Ordering::SeqCst))
    }

    fn of<'a>(document: &'a [u8], given: &'a [Object]) -> Submitted<'a> {
        Submitted {
            document,
            given,
            ..Submitted::default()
        }
    }

    #[test]
    fn what_the_verdict_wants_is_fetched_and_judged_again() {
        let (validated, asked) = judged_with(|_| Ok(lists()));
        assert_eq!(validated.verdict.indication, Some(Indication::TotalPassed));
        assert_eq!(asked, 2);
        assert!(validated.verdict.wanted.is_empty());
        let again = settle(validated.evidence, &policy(), &Sources::default(), now());
        assert_eq!(again.verdict, validated.verdict);
    }

    #[test]
    fn an_outage_leaves_the_verdict_undecided_and_is_told() {
        let (validated, _) = judged_with(|_| Err(Error::unavailable("OCSP responder", "is down")));
        let signature = &validated.verdict.signatures[0];
        assert_eq!(signature.sub_indication, Some(SubIndication::TryLater));
        assert_eq!(signature.mathematics, Some(true));
        assert_eq!(validated.outages.len(), 2);
    }

    #[test]
    fn a_source_that_always_brings_something_new_is_asked_no_longer_than_the_rounds() {
        let (validated, asked) = judged_with(|number| {
            let kind = ObjectKind::OcspResponse;
            Ok(vec![Object::new(
                kind,
                number.to_be_bytes().to_vec(),
                Origin::Given,
            )])
        });
        assert_eq!(asked, 2 * policy().limits.rounds);
        assert_eq!(
            validated.verdict.signatures[0].sub_indication,
            Some(SubIndication::TryLater)
        );
    }

    #[test]
    fn a_document_that_names_addresses_without_end_is_not_fetched_for_without_end() {
        let wanted: Vec<Want> = (0..1_000u32)
            .map(|n| Want::Issuer {
                certificate: crate::engine::evidence::ObjectId::of(&n.to_be_bytes()),
                urls: Vec::new(),
            })
            .collect();
        let evidence = Evidence::new("CAdES", b"");
        let fetched = |patience: &mut Patience| {
            let asked = std::sync::Arc::new(AtomicU32::new(0));
            let mut sources = Sources::default();
            let nothing: fn(u32) -> Result<Vec<Object>> = |_| Ok(Vec::new());
            sources.add(Told(nothing, asked.clone()));
            let (_, outages) = fetch(&wanted, &evidence, &policy(), &sources, patience);
            assert_eq!(outages.last().map(Error::element), Some("sources"));
            asked.load(Ordering::SeqCst)
        };
        let mut patience = Patience::of_one_document();
        assert_eq!(fetched(&mut patience), MOST as u32);
        assert_eq!(fetched(&mut patience), 0, "of all rounds together");
        patience = Patience {
            wants: MOST,
            until: Deadline::after(Duration::ZERO),
        };
        assert_eq!(fetched(&mut patience), 0);
    }

    #[test]
    fn without_sources_it_is_the_same_loop() {
        let bare = validate(&of(&signed(), &[]), &policy(), &Sources::default(), now()).unwrap();
        assert_eq!(
            bare.verdict.signatures[0].sub_indication,
            Some(SubIndication::TryLater)
        );
        let (document, lists) = (signed(), lists());
        let given = validate(
            &of(&document, &lists),
            &policy(),
            &Sources::default(),
            now(),
        );
        assert_eq!(
            given.unwrap().verdict.indication,
            Some(Indication::TotalPassed)
        );
    }
}
