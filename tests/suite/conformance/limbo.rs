//! x509-limbo: paths that are nastier than real ones, each with the pool, the anchors and the instant to validate by.
//!
//! Names of peers and extended key usages are not ours; a list of revoked certificates counts where a case brings one. Cases
//! made to deny service end within their time in a debug build too.

use super::{Cases, Outcome, guarded, run, text};
use rubrica::engine::Time;
use rubrica::engine::evidence::{Object, ObjectKind, Origin, Pool};
use rubrica::engine::pki::path::{Inputs, Search, SignatureChecks, VerifiedPath, validate};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, CertificateList, Certificates};
use rubrica::engine::validation::{CertificateStatus, Policy, Purpose, validate_certificate};
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a case made to deny service may take.
const MOST: Duration = Duration::from_secs(2);

fn texts<'v>(case: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    case[key]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// Those that can be read.
fn certificates(case: &Value, key: &str) -> Vec<Certificate> {
    let read = texts(case, key).map(|pem| Certificate::from_pem_or_der(pem.as_bytes()));
    read.filter_map(Result::ok).flatten().collect()
}

/// The first path from `target` that holds; else what stood in the way.
pub(super) fn first_path(
    target: &Certificate,
    pool: &Certificates,
    anchors: &Anchors,
    inputs: &Inputs,
    at: Time,
) -> Result<VerifiedPath, String> {
    let mut checks = SignatureChecks::default();
    let mut search = Search {
        pool,
        anchors,
        inputs,
        at,
        checks: &mut checks,
        steps: 10_000,
    };
    let (mut found, mut problems) = (None, Vec::new());
    let dead = search.paths(target, &mut |chain, checks| {
        let (below, anchor) = anchors.end_of(chain, at).expect("ends at an anchor");
        match validate(below, anchor, at, inputs, checks) {
            Ok(path) => {
                found = Some(path);
                ControlFlow::Break(())
            }
            Err(failure) => {
                problems.push(failure.problem);
                ControlFlow::Continue(())
            }
        }
    });
    found.ok_or_else(|| format!("{problems:?} {dead:?}"))
}

/// Whether the target is good, and why not.
fn holds(case: &Value) -> Result<(), String> {
    let target = certificates_of(text(case, "peer_certificate"))?;
    let anchors = Anchors::new(certificates(case, "trusted_certs"));
    let pool: Certificates = certificates(case, "untrusted_intermediates")
        .into_iter()
        .collect();
    let at: Time = case["validation_time"]
        .as_str()
        .unwrap_or("2026-11-25T00:00:00Z")
        .parse()
        .map_err(|e| format!("{e}"))?;
    let most = case["max_chain_depth"]
        .as_u64()
        .and_then(|n| u32::try_from(n).ok());
    let inputs = Inputs {
        max_path_length: most,
        ..Inputs::default()
    };
    first_path(&target, &pool, &anchors, &inputs, at)?;
    if case["crls"].as_array().is_none_or(Vec::is_empty) {
        return Ok(());
    }
    let mut at_hand = Pool::default();
    for certificate in pool.iter() {
        at_hand.add(Object::new(
            ObjectKind::Certificate,
            certificate.bytes(),
            Origin::Given,
        ));
    }
    for pem in texts(case, "crls") {
        let list = CertificateList::from_pem_or_der(pem.as_bytes()).map_err(|e| e.to_string())?;
        at_hand.add(Object::new(
            ObjectKind::CertificateRevocationList,
            list.bytes(),
            Origin::Given,
        ));
    }
    let policy = Policy::baseline(anchors);
    match validate_certificate(&at_hand, &target, &policy, Purpose::Any, at, at).status {
        CertificateStatus::Good => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn certificates_of(pem: &str) -> Result<Certificate, String> {
    let mut all = Certificate::from_pem_or_der(pem.as_bytes()).map_err(|e| e.to_string())?;
    Ok(all.remove(0))
}

fn case(case: &Value) -> Outcome {
    let began = Instant::now();
    let outcome = holds(case);
    let took = began.elapsed();
    let denies = texts(case, "x_tags").any(|tag| tag == "path-building-dos");
    let mut differences = Vec::new();
    if denies && took > MOST {
        differences.push(format!("took {took:?}"));
    }
    if (text(case, "expected_result") == "SUCCESS") != outcome.is_ok() {
        differences.push(format!(
            "{} {}: {outcome:?}",
            text(case, "x_relevance"),
            text(case, "expected_result")
        ));
    }
    Outcome::of(differences)
}

fn judge(split: &Path, _: &Value) -> Cases {
    let file = std::fs::read(split.join("limbo.json")).expect("limbo.json");
    let cases: Value = serde_json::from_slice(&file).expect("JSON");
    cases["testcases"]
        .as_array()
        .expect("testcases")
        .iter()
        .map(|one| (text(one, "id").to_string(), guarded(|| case(one))))
        .collect()
}

#[test]
fn limbo() {
    run("limbo", judge);
}
