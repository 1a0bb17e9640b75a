//! NIST PKITS 1.0.1: each test as a path and as a signed message, judged with the lists of the test and no others.
//!
//! Compared are the verdict and, of paths that hold, the policy sets, the explicit-policy indicator and the user notice. Two
//! tests may be an unsupported algorithm (DSA, 4.1.4 and 4.1.5), one is optional (4.14.30: a list that covers its own issuer);
//! the manifest says so.

use super::limbo::first_path;
use super::{Cases, Outcome, guarded, run, text};
use rubrica::engine::Time;
use rubrica::engine::evidence::{Object, ObjectKind, Origin, Pool};
use rubrica::engine::formats::{Input, recognise};
use rubrica::engine::limits::Limits;
use rubrica::engine::pki::extension::PolicyQualifier;
use rubrica::engine::pki::path::Inputs;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, Certificates};
use rubrica::engine::syntax::asn1::Oid;
use rubrica::engine::validation::{
    CertificateStatus, Finding, Indication, Policy, Purpose, validate, validate_certificate,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn oid(text: &str) -> Oid {
    let arcs: Vec<u32> = text
        .split('.')
        .map(|arc| arc.parse().expect("an arc"))
        .collect();
    Oid::new(&arcs)
}

fn oids(value: &Value) -> BTreeSet<Oid> {
    let all = value.as_array().expect("a policy set").iter();
    all.map(|one| oid(one.as_str().expect("an identifier")))
        .collect()
}

/// A test with what it brings.
struct Test<'a> {
    said: &'a Value,
    target: Certificate,
    certificates: Vec<Certificate>,
    pool: Pool,
    policy: Policy,
    at: Time,
}

impl<'a> Test<'a> {
    fn read(split: &Path, at: Time, said: &'a Value) -> Test<'a> {
        let bytes =
            |folder: &str, name: &str| fs::read(split.join(folder).join(name)).expect("file");
        let certificate =
            |name: &str| Certificate::from_der(&bytes("certs", name)).expect("certificate");
        let names = |key: &str| {
            said[key]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
        };
        let mut pool = Pool::default();
        let certificates: Vec<Certificate> = names("certs").map(certificate).collect();
        for one in &certificates {
            pool.add(Object::new(
                ObjectKind::Certificate,
                one.bytes(),
                Origin::Given,
            ));
        }
        for name in names("crls") {
            let list = bytes("crls", name);
            pool.add(Object::new(
                ObjectKind::CertificateRevocationList,
                list,
                Origin::Given,
            ));
        }
        let flag = |key: &str| said["settings"][key].as_bool().expect("a flag");
        let inputs = Inputs {
            user_initial_policies: oids(&said["settings"]["user_initial_policy_set"]),
            explicit_policy: flag("initial_explicit_policy"),
            inhibit_policy_mapping: flag("initial_policy_mapping_inhibit"),
            inhibit_any_policy: flag("initial_inhibit_any_policy"),
            ..Inputs::default()
        };
        let anchor = certificate(text(said, "trust_anchor"));
        Test {
            said,
            target: certificate(text(said, "target")),
            certificates,
            pool,
            policy: Policy::baseline(Anchors::new([anchor])).constrained(|c| c.path = inputs),
            at,
        }
    }

    fn must_be_valid(&self) -> bool {
        self.said["expected"]["valid"].as_bool().expect("a verdict")
    }

    /// What differs of the verdict, which the manifest leaves open in three tests.
    fn verdict(&self, valid: bool, findings: &[Finding]) -> Option<String> {
        let tagged = |tag: &str| {
            self.said["tags"]
                .as_array()
                .is_some_and(|t| t.iter().any(|t| t == tag))
        };
        let mut checks = findings
            .iter()
            .filter(|f| f.is_negative())
            .map(|f| f.check.as_str());
        let open = tagged("circular-crl-dependency")
            || tagged("may-be-unsupported-algorithm")
                && checks.any(|check| {
                    check == "path.unsupported_algorithm" || check.starts_with("algorithm.")
                });
        if valid == self.must_be_valid() || open {
            return None;
        }
        let told: Vec<String> = findings
            .iter()
            .map(|f| {
                format!(
                    "{}{} {}",
                    f.check,
                    if f.is_negative() { "!" } else { "" },
                    f.found
                )
            })
            .collect();
        Some(format!("valid: {valid}; {}", told.join(", ")))
    }

    fn as_path(&self) -> Outcome {
        let verdict = validate_certificate(
            &self.pool,
            &self.target,
            &self.policy,
            Purpose::Any,
            self.at,
            self.at,
        );
        let valid = verdict.status == CertificateStatus::Good;
        let mut differences: Vec<String> =
            self.verdict(valid, &verdict.findings).into_iter().collect();
        if valid && self.must_be_valid() {
            differences.extend(self.policies());
        }
        Outcome::of(differences)
    }

    /// What differs of the outputs of RFC 5280 §6.1.6.
    fn policies(&self) -> Vec<String> {
        let pool: Certificates = self.certificates.iter().cloned().collect();
        let found = first_path(
            &self.target,
            &pool,
            &self.policy.anchors,
            &self.policy.constraints.path,
            self.at,
        );
        let path = match found {
            Ok(path) => path,
            Err(why) => return vec![why],
        };
        let (expected, policies) = (&self.said["expected"], path.policies());
        let mut differences = Vec::new();
        if expected["policy_set_demanded_by_test"] == true
            && oids(&expected["user_constrained_policy_set"]) != *policies.user_constrained()
        {
            differences.push(format!(
                "user-constrained: {:?}",
                policies.user_constrained()
            ));
        }
        let authorities = &expected["authorities_constrained_policy_set"];
        if authorities.is_array() && oids(authorities) != *policies.authorities_constrained() {
            differences.push(format!(
                "authorities-constrained: {:?}",
                policies.authorities_constrained()
            ));
        }
        let explicit = &expected["explicit_policy_indicator"];
        if explicit.is_boolean() && *explicit != policies.explicit_policy() {
            differences.push(format!("explicit: {}", policies.explicit_policy()));
        }
        if let Some(notice) = expected["user_notice"].as_str() {
            let qualifiers = path.policy_qualifiers();
            let shown = qualifiers.iter().flat_map(|(_, all)| all).any(
                |one| matches!(one, PolicyQualifier::UserNotice(text) if text.starts_with(notice)),
            );
            if !shown {
                differences.push(format!("notices: {qualifiers:?}"));
            }
        }
        differences
    }

    fn as_message(&self, message: &[u8]) -> Outcome {
        let input = Input {
            document: message,
            detached: &[],
        };
        let budget = &mut Limits::default().budget();
        let mut evidence = match recognise(message).and_then(|f| f.inspect(input, budget)) {
            Ok(evidence) => evidence,
            Err(error) => return Outcome::Disagrees(error.to_string()),
        };
        evidence.pool.extend(&self.pool);
        let verdict = validate(&evidence, &self.policy, self.at);
        let [signature] = &verdict.signatures[..] else {
            return Outcome::Disagrees(format!("{} signatures", verdict.signatures.len()));
        };
        let valid = signature.indication == Indication::TotalPassed;
        let mut differences: Vec<String> = self
            .verdict(valid, &signature.findings)
            .into_iter()
            .collect();
        if signature.mathematics == Some(false) || signature.signing_certificate.is_none() {
            differences.push("the message itself was not read".to_string());
        }
        Outcome::of(differences)
    }
}

fn judge(split: &Path, _: &Value) -> Cases {
    let file = fs::read(split.join("pkits.json")).expect("pkits.json");
    let suite: Value = serde_json::from_slice(&file).expect("JSON");
    let at: Time = text(&suite, "validation_time").parse().expect("a time");
    let mut cases = Cases::new();
    for said in suite["tests"].as_array().expect("tests") {
        let test = Test::read(split, at, said);
        let id = text(said, "id");
        cases.push((id.to_string(), guarded(|| test.as_path())));
        let message = fs::read(split.join(text(said, "smime"))).expect("message");
        cases.push((
            format!("{id} message"),
            guarded(|| test.as_message(&message)),
        ));
    }
    cases
}

#[test]
fn pkits() {
    run("pkits", judge);
}
