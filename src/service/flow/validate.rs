//! Validating a document: inspect → judge → fetch what the verdict wants → judge again, until nothing new comes.
//!
//! A verdict asks and never fetches; an outage changes what is at hand and never the way. Without network sources this is
//! the same loop. Who is trusted is in the policy, what is fetched and how in the sources.

use crate::engine::evidence::{Evidence, Object, ObjectKind, Origin, Pool};
use crate::engine::formats::{Detached, Input, recognise};
use crate::engine::validation::{Policy, Verdict, Want, validate as judge};
use crate::engine::{Error, Result, Time};
use crate::service::sources::Sources;

/// Wants that are fetched at the same time.
const AT_ONCE: usize = 8;

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

/// Validates `document` at `now`; `detached` is content that its signatures cover and do not carry, `given` what the
/// caller hands in beside it.
pub fn validate(
    document: &[u8],
    detached: &[Detached<'_>],
    given: &[Object],
    policy: &Policy,
    sources: &Sources,
    now: Time,
) -> Result<Validated> {
    let mut budget = policy.limits.budget();
    let input = Input { document, detached };
    let mut evidence = recognise(document)?.inspect(input, &mut budget)?;
    for object in given {
        evidence.pool.add(object.clone());
    }
    Ok(settle(evidence, policy, sources, now))
}

/// Judges evidence, gathering what is wanted.
pub fn settle(mut evidence: Evidence, policy: &Policy, sources: &Sources, now: Time) -> Validated {
    let mut verdict = judge(&evidence, policy, now);
    let mut outages = Vec::new();
    for _ in 0..policy.limits.rounds {
        let (objects, failed) = fetch(&verdict.wanted, &evidence, policy, sources);
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
fn fetch(
    wanted: &[Want],
    evidence: &Evidence,
    policy: &Policy,
    sources: &Sources,
) -> (Vec<Object>, Vec<Error>) {
    let known = known(wanted, evidence, policy);
    let mut brought = (Vec::new(), Vec::new());
    for some in wanted.chunks(AT_ONCE) {
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = some
                .iter()
                .map(|want| scope.spawn(|| sources.fetch(want, &known)))
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
