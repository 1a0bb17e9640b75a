//! Constraints of a validation policy: each holds on evidence that meets it, and on evidence that differs by a single thing comes
//! to what the policy's level for its check says.

use super::*;
use rubrica::engine::evidence::{ContentHints, Family, SignaturePolicy, Tier};
use rubrica::engine::validation::{
    Constraints, KeyUsageName, KnownPolicy, Level, MinimumLevel, Outcome,
};

const AGE: &str = "2.16.724.1.3.1.1.2.1.9";

type Change = fn(&mut Evidence);

/// A constraint, what meets it, and the one thing that does not.
struct Row {
    check: &'static str,
    sub: SubIndication,
    policy: fn(&mut Constraints),
    meets: Change,
    breaks: Change,
}

fn oid(text: &str) -> Oid {
    Oid::from_dotted(text).unwrap()
}

/// A signature that names the policy of the AGE by SHA-256 as its document has it.
fn age(evidence: &mut Evidence) {
    let document = digest_of_age(DigestAlgorithm::Sha256);
    names_policy(evidence, AGE, Some((DigestAlgorithm::Sha256, document)));
    evidence.signatures[0]
        .properties
        .add_signed("content-hints");
}

fn digest_of_age(algorithm: DigestAlgorithm) -> Vec<u8> {
    let policy = Policy::baseline(Anchors::default());
    let known = policy.signature_policies.find(&oid(AGE)).unwrap();
    let found = known.digests.iter().find(|(a, _)| *a == algorithm);
    found.unwrap().1.to_vec()
}

fn names_policy(evidence: &mut Evidence, id: &str, digest: Option<(DigestAlgorithm, Vec<u8>)>) {
    let signature = &mut evidence.signatures[0];
    signature.policy = Some(SignaturePolicy {
        id: oid(id),
        digest: digest.map(|(algorithm, value)| (algorithm, value.into())),
        unreadable_digest: false,
        uri: None,
        notice: None,
        stored: None,
    });
    signature
        .properties
        .add_signed("signature-policy-identifier");
}

fn unsigned_attribute(evidence: &mut Evidence, name: &str) {
    let found = &mut evidence.signatures[0].properties;
    found.signed.retain(|one| one != name);
}

const SIG: SubIndication = SubIndication::SigConstraintsFailure;
const NOTHING: Change = |_| {};

fn rows() -> Vec<Row> {
    let row = |check, sub, policy, meets, breaks| Row {
        check,
        sub,
        policy,
        meets,
        breaks,
    };
    vec![
        row(
            "attribute.missing",
            SIG,
            |c| c.signature.attributes_required = vec!["nothing|signing-time".into()],
            NOTHING,
            |e| unsigned_attribute(e, "signing-time"),
        ),
        row(
            "attribute.forbidden",
            SIG,
            |c| c.signature.attributes_forbidden = vec!["content-hints".into()],
            NOTHING,
            |e| e.signatures[0].properties.add_signed("content-hints"),
        ),
        row(
            "signature_policy.missing",
            SIG,
            |c| c.signature.policies = Some(vec![AGE.into()]),
            age,
            |e| {
                e.signatures[0].policy = None;
                unsigned_attribute(e, "signature-policy-identifier");
            },
        ),
        row(
            "signature_policy.not_accepted",
            SIG,
            |c| c.signature.policies = Some(vec!["none".into()]),
            NOTHING,
            age,
        ),
        row(
            "signature_policy.not_available",
            SubIndication::SignaturePolicyNotAvailable,
            |_| {},
            age,
            |e| names_policy(e, "1.2.3", Some((DigestAlgorithm::Sha256, vec![1; 32]))),
        ),
        row(
            "signature_policy.digest_mismatch",
            SubIndication::PolicyProcessingError,
            |_| {},
            age,
            |e| names_policy(e, AGE, Some((DigestAlgorithm::Sha256, vec![1; 32]))),
        ),
        row(
            "signature_policy.malformed",
            SubIndication::PolicyProcessingError,
            |_| {},
            NOTHING,
            |e| {
                let found = &mut e.signatures[0].properties;
                found.add_signed("signature-policy-identifier");
            },
        ),
        row(
            "signature_policy.malformed",
            SubIndication::PolicyProcessingError,
            |_| {},
            age,
            |e| {
                names_policy(e, AGE, None);
                e.signatures[0].policy.as_mut().unwrap().unreadable_digest = true;
            },
        ),
        row(
            "signature_policy.no_digest",
            SubIndication::PolicyProcessingError,
            |_| {},
            age,
            |e| names_policy(e, AGE, None),
        ),
        row(
            "signature_policy.weak_digest",
            SubIndication::PolicyProcessingError,
            |_| {},
            age,
            |e| {
                let sha1 = DigestAlgorithm::Sha1;
                names_policy(e, AGE, Some((sha1, digest_of_age(sha1))));
            },
        ),
        row(
            "signature_policy.attribute_missing",
            SIG,
            |_| {},
            age,
            |e| unsigned_attribute(e, "content-hints"),
        ),
        row(
            "signature_policy.attribute_forbidden",
            SIG,
            |_| {},
            |e| {
                age(e);
                e.signatures[0].level.family = Family::Pades;
                unsigned_attribute(e, "content-hints");
                unsigned_attribute(e, "signing-time");
            },
            |e| e.signatures[0].properties.add_signed("/Cert"),
        ),
        row(
            "signer_role.missing",
            SIG,
            |c| c.signature.claimed_roles = Some(vec!["Interventor".into()]),
            |e| e.signatures[0].properties.claimed_roles = vec!["Interventor".into()],
            |e| e.signatures[0].properties.claimed_roles.clear(),
        ),
        row(
            "signer_role.not_accepted",
            SIG,
            |c| c.signature.claimed_roles = Some(vec!["Interventor".into()]),
            |e| e.signatures[0].properties.claimed_roles = vec!["Interventor".into()],
            |e| {
                e.signatures[0]
                    .properties
                    .claimed_roles
                    .push("Testigo".into())
            },
        ),
        row(
            "commitment.missing",
            SIG,
            |c| c.signature.commitment_types = Some(vec![oid("1.2.3")]),
            |e| e.signatures[0].properties.commitment_types = vec![oid("1.2.3")],
            |e| e.signatures[0].properties.commitment_types.clear(),
        ),
        row(
            "commitment.not_accepted",
            SIG,
            |c| c.signature.commitment_types = Some(vec![oid("1.2.3")]),
            |e| e.signatures[0].properties.commitment_types = vec![oid("1.2.3")],
            |e| e.signatures[0].properties.commitment_types = vec![oid("1.2.4")],
        ),
        row(
            "content_type.missing",
            SIG,
            |c| c.signature.content_types = Some(vec![names::ID_DATA]),
            NOTHING,
            |e| e.signatures[0].properties.content_type = None,
        ),
        row(
            "content_type.not_accepted",
            SIG,
            |c| c.signature.content_types = Some(vec![names::ID_DATA]),
            NOTHING,
            |e| e.signatures[0].properties.content_type = Some(oid("1.2.3")),
        ),
        row(
            "content_hints.missing",
            SIG,
            |c| c.signature.content_hints = Some(vec![names::ID_DATA]),
            |e| hinted(e, names::ID_DATA),
            |e| e.signatures[0].properties.content_hints = None,
        ),
        row(
            "content_hints.not_accepted",
            SIG,
            |c| c.signature.content_hints = Some(vec![names::ID_DATA]),
            |e| hinted(e, names::ID_DATA),
            |e| hinted(e, oid("1.2.3")),
        ),
        row(
            "mime_type.missing",
            SIG,
            |c| c.signature.mime_types = Some(vec!["text/plain".into()]),
            |e| e.signatures[0].properties.mime_type = Some("text/plain".into()),
            |e| e.signatures[0].properties.mime_type = None,
        ),
        row(
            "mime_type.not_accepted",
            SIG,
            |c| c.signature.mime_types = Some(vec!["text/plain".into()]),
            |e| e.signatures[0].properties.mime_type = Some("text/plain".into()),
            |e| e.signatures[0].properties.mime_type = Some("text/html".into()),
        ),
        row(
            "counter_signature.missing",
            SIG,
            |c| c.signature.counter_signature = true,
            |e| e.signatures[0].properties.unsigned = vec!["counter-signature".into()],
            |e| e.signatures[0].properties.unsigned.clear(),
        ),
        row(
            "level.too_low",
            SIG,
            |c| c.signature.minimum_level = Some(MinimumLevel::T),
            |e| e.signatures[0].level.tier = Tier::X,
            |e| e.signatures[0].level.tier = Tier::B,
        ),
        row(
            "timestamp.delay",
            SIG,
            |c| c.signature.timestamp_delay = Some(Duration::from_secs(3_600)),
            NOTHING,
            |e| e.signatures[0].claimed_time = Some(t("2026-02-28T10:00:00Z")),
        ),
        row(
            "timestamp.delay_unknown",
            SIG,
            |c| c.signature.timestamp_delay = Some(Duration::from_secs(3_600)),
            NOTHING,
            |e| e.signatures[0].claimed_time = None,
        ),
        row(
            "claimed_time.after_proof",
            SIG,
            |_| {},
            NOTHING,
            |e| e.signatures[0].claimed_time = Some(t("2026-03-01T11:59:00Z")),
        ),
        row(
            "document.later_bytes",
            SIG,
            |_| {},
            NOTHING,
            |e| {
                e.signatures[0].later_changes.push(LaterChange {
                    kind: ChangeKind::Bytes,
                    offset: 1,
                    length: 2,
                });
            },
        ),
        row(
            "asic.mimetype.simple",
            SIG,
            |_| {},
            NOTHING,
            |e| {
                let doubt = Fault::doubt("asic.mimetype.simple", "EN 319 162-1 §4.3", "");
                e.signatures[0].faults.push(doubt);
            },
        ),
        row(
            "cms.version.mismatch",
            SubIndication::FormatFailure,
            |_| {},
            NOTHING,
            |e| {
                let fault = Fault::failure("cms.version.mismatch", "RFC 5652 §5.1", "");
                e.signatures[0].faults.push(fault);
            },
        ),
        row(
            "revocation.missing",
            SubIndication::TryLater,
            |_| {},
            NOTHING,
            |e| {
                let is_list = |o: &Object| o.kind == ObjectKind::CertificateRevocationList;
                let kept: Vec<Object> = e.pool.iter().map(|(_, o)| o.clone()).collect();
                e.pool = Default::default();
                for object in kept.into_iter().filter(|o| !is_list(o)) {
                    e.pool.add(object);
                }
            },
        ),
    ]
}

fn hinted(evidence: &mut Evidence, content_type: Oid) {
    evidence.signatures[0].properties.content_hints = Some(ContentHints {
        description: None,
        content_type,
    });
}

/// Time-stamped a quarter of an hour after it says to have been signed.
fn case() -> Case {
    Case {
        stamped: Some("2026-03-01T10:15:00Z"),
        ..good()
    }
}

fn judged(evidence: &Evidence, policy: &Policy) -> SignatureVerdict {
    validate(evidence, policy, t(NOW)).signatures.remove(0)
}

fn outcomes(verdict: &SignatureVerdict, check: &str) -> Vec<Outcome> {
    let of_check = verdict.findings.iter().filter(|f| f.check == check);
    of_check.map(|f| f.outcome).collect()
}

#[test]
fn every_constraint_comes_to_what_its_level_says() {
    for row in rows() {
        let check = row.check;
        let mut policy = case().policy();
        (row.policy)(&mut policy.constraints);
        let mut evidence = case().evidence();
        (row.meets)(&mut evidence);
        for level in [Level::Fail, Level::Warn, Level::Inform, Level::Ignore] {
            policy.constraints.checks.insert(check.to_string(), level);
            let met = judged(&evidence, &policy);
            assert_eq!(met.sub_indication, None, "{check}: {:#?}", met.findings);
            assert_eq!(outcomes(&met, check), [], "{check}");
            let mut broken = evidence.clone();
            (row.breaks)(&mut broken);
            let verdict = judged(&broken, &policy);
            let found = outcomes(&verdict, check);
            match level {
                Level::Fail => {
                    assert_eq!(verdict.sub_indication, Some(row.sub), "{check}");
                    assert!(!found.is_empty(), "{check}");
                    continue;
                }
                Level::Warn => assert!(found.contains(&Outcome::Warning), "{check}: {found:?}"),
                Level::Inform => assert!(found.contains(&Outcome::Note), "{check}: {found:?}"),
                Level::Ignore => assert_eq!(found, [], "{check}"),
            }
            assert_eq!(verdict.indication, Indication::TotalPassed, "{check}");
        }
    }
}

#[test]
fn what_is_asked_of_the_certificate() {
    type Change = fn(&mut Constraints);
    let asked: [(&str, Change, Change); 5] = [
        (
            "certificate.key_usage",
            |c| c.certificate.key_usages = Some(vec![KeyUsageName::NonRepudiation]),
            |c| c.certificate.key_usages = Some(Vec::new()),
        ),
        (
            "certificate.key_usage",
            |c| c.certificate.extended_key_usages = None,
            |c| c.certificate.extended_key_usages = Some(vec![names::ID_KP_CLIENT_AUTH]),
        ),
        (
            "certificate.extension_missing",
            |c| c.certificate.extensions = vec![names::ID_CE_KEY_USAGE],
            |c| c.certificate.extensions = vec![names::ID_CE_EXT_KEY_USAGE],
        ),
        (
            "certificate.not_qualified",
            |c| c.certificate.qualified = false,
            |c| c.certificate.qualified = true,
        ),
        (
            "certificate.no_qscd",
            |c| c.certificate.qscd = false,
            |c| c.certificate.qscd = true,
        ),
    ];
    let evidence = case().evidence();
    for (check, meets, breaks) in asked {
        let met = judged(&evidence, &case().policy().constrained(meets));
        assert_eq!(met.sub_indication, None, "{check}: {:#?}", met.findings);
        let policy = case().policy().constrained(breaks);
        let verdict = judged(&evidence, &policy);
        let chain = Some(SubIndication::ChainConstraintsFailure);
        assert_eq!(verdict.sub_indication, chain, "{check}");
        assert_eq!(outcomes(&verdict, check), [Outcome::Indeterminate]);
        let lenient = policy.constrained(|c| {
            c.checks.insert(check.to_string(), Level::Warn);
        });
        let verdict = judged(&evidence, &lenient);
        assert_eq!(verdict.sub_indication, None, "{check}");
        assert_eq!(outcomes(&verdict, check), [Outcome::Warning]);
    }
}

#[test]
fn a_time_stamp_of_a_policy_that_is_not_accepted_proves_nothing() {
    let evidence = case().evidence();
    let policies = |policies: &[&str]| {
        let policies = policies.iter().map(|one| oid(one)).collect();
        case()
            .policy()
            .constrained(|c| c.timestamp.policies = Some(policies))
    };
    let verdict = judged(&evidence, &policies(&["1.3.6.1.4.1.99999.1"]));
    assert_eq!(verdict.best_signature_time, t("2026-03-01T10:15:00Z"));
    let verdict = judged(&evidence, &policies(&["1.2.3"]));
    assert_eq!(verdict.best_signature_time, t(NOW));
    let stamp = &verdict.timestamps[0];
    assert_eq!(stamp.sub_indication, Some(SIG), "{:#?}", stamp.findings);
}

/// The faults of the document as a whole are weighed as those of a signature.
#[test]
fn faults_of_the_document_weigh_by_their_level() {
    let mut evidence = case().evidence();
    let doubt = Fault::doubt("asic.file.not_covered", "EN 319 162-1 §4.4", "");
    evidence.faults.push(doubt);
    for (level, indication) in [
        (Level::Fail, Indication::Indeterminate),
        (Level::Warn, Indication::TotalPassed),
        (Level::Ignore, Indication::TotalPassed),
    ] {
        let policy = case().policy().constrained(|c| {
            c.checks.insert("asic.file.not_covered".to_string(), level);
        });
        let verdict = validate(&evidence, &policy, t(NOW));
        assert_eq!(verdict.indication, Some(indication), "{level:?}");
        assert_eq!(verdict.findings.is_empty(), level == Level::Ignore);
    }
}

/// A caller's own constraints can name what a file cannot: it makes no difference.
#[test]
fn the_mathematics_cannot_be_ignored() {
    let mut evidence = case().evidence();
    evidence.signatures[0].references[0].actual = Some(vec![0; 32].into());
    let policy = case().policy().constrained(|c| {
        for check in ["reference.altered", "value.wrong"] {
            c.checks.insert(check.to_string(), Level::Ignore);
        }
    });
    let verdict = judged(&evidence, &policy);
    assert_eq!(verdict.sub_indication, Some(SubIndication::HashFailure));
}

/// An operator's document makes a policy available, and its digest is held against it.
#[test]
fn documents_of_an_operator_and_those_that_came_with_a_signature() {
    let document = b"our policy";
    let mut policy = case().policy().constrained(|c| {
        let check = "signature_policy.not_available".to_string();
        c.checks.insert(check, Level::Fail);
    });
    let value = digest(DigestAlgorithm::Sha256, document);
    let named = |value: &[u8], stored: Option<&[u8]>| {
        let mut evidence = case().evidence();
        let digest = Some((DigestAlgorithm::Sha256, value.to_vec()));
        names_policy(&mut evidence, "1.2.3", digest);
        let found = evidence.signatures[0].policy.as_mut().unwrap();
        found.stored = stored.map(|value| value.to_vec().into());
        evidence
    };
    let sub = |evidence: &Evidence, policy: &Policy| judged(evidence, policy).sub_indication;
    let unavailable = Some(SubIndication::SignaturePolicyNotAvailable);
    let mismatch = Some(SubIndication::PolicyProcessingError);
    assert_eq!(sub(&named(&value, None), &policy), unavailable);
    assert_eq!(sub(&named(&value, Some(&value)), &policy), None);
    assert_eq!(sub(&named(&value, Some(&[1; 32])), &policy), mismatch);
    let known = KnownPolicy::of_document(oid("1.2.3"), "ours", document);
    policy.signature_policies = policy.signature_policies.with(known).unwrap();
    assert_eq!(sub(&named(&value, None), &policy), None);
    assert_eq!(sub(&named(&[1; 32], None), &policy), mismatch);
    assert_eq!(sub(&named(&value, Some(&[1; 32])), &policy), mismatch);
}

#[test]
fn presets_differ_as_they_say() {
    let by = |name: &str, evidence: &Evidence| {
        let policy = case().policy();
        let preset = Constraints::preset(name).unwrap();
        judged(evidence, &policy.constrained(|c| *c = preset)).sub_indication
    };
    let plain = case().evidence();
    let mut age_signed = case().evidence();
    age(&mut age_signed);
    assert_eq!(by("default", &plain), None);
    assert_eq!(by("strict", &plain), None);
    assert_eq!(by("age-1.9", &plain), Some(SIG));
    assert_eq!(by("age-1.9", &age_signed), None);
    let mut without_hints = age_signed.clone();
    unsigned_attribute(&mut without_hints, "content-hints");
    assert_eq!(by("default", &without_hints), None);
    assert_eq!(by("strict", &without_hints), Some(SIG));
    assert_eq!(by("age-1.9", &without_hints), Some(SIG));
    let mut unknown = case().evidence();
    names_policy(
        &mut unknown,
        "1.2.3",
        Some((DigestAlgorithm::Sha256, vec![1; 32])),
    );
    let unavailable = Some(SubIndication::SignaturePolicyNotAvailable);
    assert_eq!(by("default", &unknown), None);
    assert_eq!(by("strict", &unknown), unavailable);
}

/// What a verdict hangs on is in the digest, and what it does not hang on is not.
#[test]
fn the_digest_changes_with_everything_but_trust() {
    let digest = case().policy().digest();
    assert_eq!(case().verdict().policy.digest.0, digest);
    let mut other = case().policy();
    other.anchors = Anchors::default();
    assert_eq!(other.digest(), digest);
    let changes: [fn(&mut Constraints); 5] = [
        |c| c.time_tolerance += Duration::from_secs(1),
        |c| c.path.explicit_policy = true,
        |c| c.signature.minimum_level = Some(MinimumLevel::T),
        |c| c.path_steps -= 1,
        |c| {
            c.checks.insert("document.later_bytes".into(), Level::Warn);
        },
    ];
    for change in changes {
        assert_ne!(case().policy().constrained(change).digest(), digest);
    }
    // What was remembered of a policy does not outlive a change, of whatever part.
    let mut policy = case().policy();
    assert_eq!(policy.clone().digest(), policy.digest());
    policy.constraints.time_tolerance = Duration::from_secs(1);
    assert_ne!(policy.digest(), digest);
    policy.constraints.time_tolerance = case().policy().constraints.time_tolerance;
    assert_eq!(policy.digest(), digest);
    let mut other = case().policy();
    assert_eq!(other.digest(), digest);
    let known = KnownPolicy::of_document(oid("1.2.3"), "", b"");
    other.signature_policies = other.signature_policies.with(known).unwrap();
    assert_ne!(other.digest(), digest);
}
