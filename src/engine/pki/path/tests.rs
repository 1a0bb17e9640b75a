//! Paths that differ from one that holds by one thing each. Signatures are what the table of checks says, so that no keys
//! are needed.

use super::*;
use crate::engine::pki::extension::{GeneralName, GeneralSubtree, PolicyQualifier};
use crate::engine::pki::trust::{Anchor, Anchors, TrustPeriod};
use crate::engine::pki::{Certificate, Certificates};
use crate::engine::syntax::asn1::{Oid, der, names};
use crate::engine::time::Time;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

const NOW: &str = "2026-11-25T10:00:00Z";
const P1: Oid = Oid::new(&[1, 3, 1]);
const P2: Oid = Oid::new(&[1, 3, 2]);
const P3: Oid = Oid::new(&[1, 3, 3]);
const ANY: Oid = names::ANY_POLICY;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

#[derive(Clone)]
struct Draft {
    version: u64,
    subject: &'static str,
    issuer: &'static str,
    email: Option<&'static str>,
    key: u8,
    from: &'static str,
    until: &'static str,
    extensions: Vec<(Oid, bool, Vec<u8>)>,
}

fn draft(subject: &'static str, issuer: &'static str) -> Draft {
    Draft {
        version: 2,
        subject,
        issuer,
        email: None,
        key: subject.as_bytes()[0],
        from: "2020-01-01T00:00:00Z",
        until: "2030-01-01T00:00:00Z",
        extensions: Vec::new(),
    }
}

fn policies(all: &[Oid]) -> Vec<u8> {
    let information = all.iter().map(|policy| der::sequence(&[&der::oid(policy)]));
    der::sequence_of(&information.collect::<Vec<_>>())
}

fn mappings(all: &[(Oid, Oid)]) -> Vec<u8> {
    let pairs = all.iter();
    let pairs = pairs.map(|(a, b)| der::sequence(&[&der::oid(a), &der::oid(b)]));
    der::sequence_of(&pairs.collect::<Vec<_>>())
}

/// `PolicyConstraints` or any SEQUENCE of `[number] INTEGER`.
fn numbers(all: &[(u8, u64)]) -> Vec<u8> {
    let fields = all
        .iter()
        .map(|(tag, n)| der::implicit(*tag, &der::integer(*n)));
    der::sequence_of(&fields.collect::<Vec<_>>())
}

/// `[number] IMPLICIT` text or bytes as a general name.
fn name(form: u8, content: &[u8]) -> Vec<u8> {
    der::tlv(0x80 | form, content)
}

/// `NameConstraints` with one list: 0 permitted, 1 excluded.
fn constraints(list: u8, bases: &[Vec<u8>]) -> Vec<u8> {
    let subtrees: Vec<_> = bases.iter().map(|base| der::sequence(&[base])).collect();
    der::sequence(&[&der::implicit(list, &der::sequence_of(&subtrees))])
}

impl Draft {
    fn authority(mut self) -> Draft {
        self.extensions.push((
            names::ID_CE_BASIC_CONSTRAINTS,
            true,
            der::sequence(&[&der::boolean(true)]),
        ));
        self.extensions
            .push((names::ID_CE_KEY_USAGE, true, der::named_bits(&[5, 6])));
        self
    }

    fn with(mut self, id: Oid, value: Vec<u8>) -> Draft {
        self.extensions.retain(|(other, ..)| *other != id);
        self.extensions.push((id, true, value));
        self
    }

    fn name(common_name: &str, email: Option<&str>) -> Vec<u8> {
        let pair = |kind, value: &[u8]| der::set_of(vec![der::sequence(&[&der::oid(kind), value])]);
        let mut rdns = vec![pair(&names::AT_COMMON_NAME, &der::utf8_string(common_name))];
        rdns.extend(email.map(|e| pair(&names::AT_EMAIL_ADDRESS, &der::ia5_string(e))));
        der::sequence_of(&rdns)
    }

    fn certificate(&self) -> Certificate {
        let algorithm = der::sequence(&[&der::oid(&names::ED25519)]);
        let time = |text: &str| {
            let digits: String = text.chars().filter(char::is_ascii_digit).collect();
            der::tlv(0x18, format!("{digits}Z").as_bytes())
        };
        let extensions: Vec<Vec<u8>> = self
            .extensions
            .iter()
            .map(|(id, critical, value)| {
                let critical = if *critical {
                    der::boolean(true)
                } else {
                    Vec::new()
                };
                der::sequence(&[&der::oid(id), &critical, &der::octet_string(value)])
            })
            .collect();
        let tbs = der::sequence(&[
            &der::explicit(0, &der::integer(self.version)),
            &der::integer(7),
            &algorithm,
            &Draft::name(self.issuer, None),
            &der::sequence(&[&time(self.from), &time(self.until)]),
            &Draft::name(self.subject, self.email),
            &der::sequence(&[&algorithm, &der::bit_string(&[self.key; 32])]),
            &der::explicit(3, &der::sequence_of(&extensions)),
        ]);
        let bytes = der::sequence(&[&tbs, &algorithm, &der::bit_string(&[0; 64])]);
        Certificate::from_der(&bytes).unwrap()
    }
}

/// A target, its authority, the root; the two below have policy `P1`.
fn good() -> [Draft; 3] {
    let policy = (names::ID_CE_CERTIFICATE_POLICIES, policies(&[P1]));
    [
        draft("Target", "Authority").with(policy.0, policy.1.clone()),
        draft("Authority", "Root")
            .authority()
            .with(policy.0, policy.1),
        draft("Root", "Root").authority(),
    ]
}

fn judge_at(
    drafts: &[Draft],
    inputs: &Inputs,
    instant: &str,
) -> Result<VerifiedPath, (usize, Problem)> {
    let chain: Vec<Certificate> = drafts.iter().map(Draft::certificate).collect();
    let mut checks = SignatureChecks::default();
    for pair in chain.windows(2) {
        checks.check(pair[0].fingerprint(), pair[1].fingerprint(), || true);
    }
    let (root, below) = chain.split_last().unwrap();
    let anchor = Anchor::of_certificate(root.clone());
    validate(below, &anchor, at(instant), inputs, &mut checks).map_err(|failure| {
        let place = chain
            .iter()
            .position(|c| *c == failure.certificate)
            .unwrap();
        (place, failure.problem)
    })
}

fn judge(drafts: &[Draft]) -> Result<VerifiedPath, (usize, Problem)> {
    judge_at(drafts, &Inputs::default(), NOW)
}

fn fails(drafts: &[Draft], place: usize, problem: Problem) {
    assert_eq!(judge(drafts).map(|_| ()), Err((place, problem)));
}

#[test]
fn a_good_path_holds_and_tells_its_policies() {
    let path = judge(&good()).unwrap();
    assert_eq!(path.certificates().len(), 3);
    assert_eq!(path.at(), at(NOW));
    assert_eq!(
        path.policies().authorities_constrained(),
        &BTreeSet::from([P1])
    );
    assert_eq!(path.policies().user_constrained(), &BTreeSet::from([P1]));
    assert!(!path.policies().explicit_policy());
    assert_eq!(path.notes(), []);
    assert_eq!(path.policy_qualifiers(), []);
}

#[test]
fn each_thing_that_is_not_so_has_its_problem() {
    let changed = |place: usize, change: fn(&mut Draft)| {
        let mut drafts = good();
        change(&mut drafts[place]);
        drafts
    };
    fails(&changed(0, |d| d.version = 3), 0, Problem::Version(4));
    fails(
        &changed(0, |d| d.issuer = "Other"),
        0,
        Problem::NameChaining,
    );
    fails(&changed(1, |d| d.version = 0), 1, Problem::NotAuthority);
    let unknown = Oid::new(&[1, 2, 3]);
    fails(
        &changed(0, |d| {
            d.extensions.push((Oid::new(&[1, 2, 3]), true, vec![5, 0]))
        }),
        0,
        Problem::UnknownCritical(unknown),
    );
    fails(
        &changed(1, |d| {
            d.extensions.push((Oid::new(&[1, 2, 3]), true, vec![5, 0]))
        }),
        1,
        Problem::UnknownCritical(unknown),
    );
    for id in [
        names::ID_CE_KEY_USAGE,
        names::ID_CE_NAME_CONSTRAINTS,
        names::ID_CE_POLICY_CONSTRAINTS,
        names::ID_CE_POLICY_MAPPINGS,
        names::ID_CE_INHIBIT_ANY_POLICY,
    ] {
        let mut drafts = good();
        drafts[1] = drafts[1].clone().with(id, vec![0x30, 1]);
        drafts[1].extensions.last_mut().unwrap().1 = false;
        fails(&drafts, 1, Problem::MalformedExtension(id));
    }
    let mut drafts = good();
    drafts[1] = drafts[1]
        .clone()
        .with(names::ID_CE_KEY_USAGE, der::named_bits(&[0]));
    fails(&drafts, 1, Problem::KeyUsage);
    let mut drafts = good();
    drafts[1] = drafts[1]
        .clone()
        .with(names::ID_CE_BASIC_CONSTRAINTS, der::sequence(&[]));
    fails(&drafts, 1, Problem::NotAuthority);
    let mut drafts = good();
    drafts[1] = drafts[1]
        .clone()
        .with(names::ID_CE_POLICY_MAPPINGS, mappings(&[(ANY, P1)]));
    fails(&drafts, 1, Problem::PolicyMappingOfAny);
}

#[test]
fn a_signature_of_another_key_or_of_no_known_algorithm() {
    let chain = good().map(|d| d.certificate());
    let anchor = Anchor::of_certificate(chain[2].clone());
    let mut checks = SignatureChecks::default();
    let mut problem = |below: &[Certificate]| {
        let inputs = Inputs::default();
        validate(below, &anchor, at(NOW), &inputs, &mut checks)
            .unwrap_err()
            .problem
    };
    assert_eq!(problem(&chain[..2]), Problem::Signature);
    let old = chain[1].bytes().to_vec();
    let ed25519 = der::oid(&names::ED25519);
    let found = old
        .windows(ed25519.len())
        .position(|w| w == ed25519)
        .unwrap();
    let mut unknown = old.clone();
    unknown[found + 4] = 0x7f;
    let again = found
        + 5
        + unknown[found + 5..]
            .windows(5)
            .rposition(|w| w == ed25519)
            .unwrap();
    unknown[again + 4] = 0x7f;
    let unknown = Certificate::from_der(&unknown).unwrap();
    assert_eq!(problem(&[unknown]), Problem::UnsupportedAlgorithm);
}

#[test]
fn the_times_of_a_certificate_have_their_first_and_last_second() {
    let mut drafts = good();
    drafts[1].from = "2024-03-01T12:00:00Z";
    drafts[1].until = "2025-03-01T12:00:00Z";
    let outcome = |instant| {
        judge_at(&drafts, &Inputs::default(), instant)
            .map(|_| ())
            .map_err(|(place, problem)| {
                assert_eq!(place, 1);
                matches!(problem, Problem::Expired(_))
            })
    };
    assert_eq!(outcome("2024-03-01T11:59:59.999Z"), Err(false));
    assert_eq!(outcome("2024-03-01T12:00:00Z"), Ok(()));
    assert_eq!(outcome("2025-03-01T12:00:00.999Z"), Ok(()));
    assert_eq!(outcome("2025-03-01T12:00:01Z"), Err(true));
}

#[test]
fn in_the_chain_model_an_authority_counts_when_it_issued() {
    let mut drafts = good();
    drafts[0].from = "2024-06-01T00:00:00Z";
    drafts[1].from = "2024-03-01T12:00:00Z";
    drafts[1].until = "2025-03-01T12:00:00Z";
    let chain = Inputs {
        model: Model::Chain,
        ..Inputs::default()
    };
    assert!(matches!(judge(&drafts), Err((1, Problem::Expired(_)))));
    assert!(judge_at(&drafts, &chain, NOW).is_ok());
    drafts[0].from = "2024-02-01T00:00:00Z";
    assert!(matches!(
        judge_at(&drafts, &chain, NOW),
        Err((1, Problem::NotYetValid(_)))
    ));
    drafts[0].until = "2025-01-01T00:00:00Z";
    drafts[0].from = "2024-06-01T00:00:00Z";
    assert!(matches!(
        judge_at(&drafts, &chain, NOW),
        Err((0, Problem::Expired(_)))
    ));
}

#[test]
fn an_anchor_counts_while_it_is_trusted_and_only_as_what_it_is_trusted_for() {
    let chain = good().map(|d| d.certificate());
    let mut checks = SignatureChecks::default();
    for pair in chain.windows(2) {
        checks.check(pair[0].fingerprint(), pair[1].fingerprint(), || true);
    }
    let period = TrustPeriod {
        from: at("2021-01-01T00:00:00Z"),
        until: Some(at("2025-01-01T00:00:00Z")),
    };
    let anchor = Anchor::of_certificate(chain[2].clone());
    let timed = anchor.clone().with_periods(vec![period]);
    let mut problem = |anchor: &Anchor, instant: &str, below: &[Certificate]| {
        let outcome = validate(below, anchor, at(instant), &Inputs::default(), &mut checks);
        outcome.err().map(|failure| failure.problem)
    };
    assert_eq!(problem(&timed, "2024-01-01T00:00:00Z", &chain[..2]), None);
    assert_eq!(
        problem(&timed, NOW, &chain[..2]),
        Some(Problem::AnchorNotTrusted)
    );
    assert_eq!(problem(&timed, NOW, &[]), Some(Problem::AnchorNotTrusted));
    let itself = anchor.clone().that_issues_nothing();
    assert_eq!(
        problem(&itself, NOW, &chain[..2]),
        Some(Problem::NotAuthority)
    );
    assert_eq!(problem(&itself, NOW, &[]), None);
    assert_eq!(problem(&anchor, NOW, &[]), None);
}

#[test]
fn the_length_of_a_path_is_that_of_the_strictest() {
    let sub = draft("Sub", "Authority").authority();
    let mut drafts = good().to_vec();
    drafts[0].issuer = "Sub";
    drafts.insert(1, sub);
    drafts[0].extensions.clear();
    assert!(judge(&drafts).is_ok());
    let limited = |length| der::sequence(&[&der::boolean(true), &der::integer(length)]);
    drafts[2] = drafts[2]
        .clone()
        .with(names::ID_CE_BASIC_CONSTRAINTS, limited(1));
    assert!(judge(&drafts).is_ok());
    drafts[2] = drafts[2]
        .clone()
        .with(names::ID_CE_BASIC_CONSTRAINTS, limited(0));
    fails(&drafts, 2, Problem::PathLength);
    // Self-issued certificates do not count.
    drafts[1].subject = "Authority";
    drafts[0].issuer = "Authority";
    assert!(judge(&drafts).is_ok());
    let inputs = |max_path_length, longest| Inputs {
        max_path_length,
        longest,
        ..Inputs::default()
    };
    let problem = |inputs| judge_at(&good(), &inputs, NOW).err();
    assert_eq!(problem(inputs(Some(1), 3)), None);
    assert_eq!(problem(inputs(Some(0), 3)), Some((1, Problem::PathLength)));
    assert_eq!(problem(inputs(None, 2)), Some((0, Problem::PathLength)));
}

#[test]
fn policies_end_where_none_is_left_and_one_is_demanded() {
    let demand = || numbers(&[(0, 0)]);
    let change = |target: &[Oid], authority: &[Oid], root: bool| {
        let [t, a, r] = good();
        let id = names::ID_CE_CERTIFICATE_POLICIES;
        let a = a
            .with(id, policies(authority))
            .with(names::ID_CE_POLICY_CONSTRAINTS, demand());
        let r = if root {
            r.with(names::ID_CE_POLICY_CONSTRAINTS, demand())
        } else {
            r
        };
        [t.with(id, policies(target)), a, r]
    };
    assert!(
        judge(&change(&[P1], &[P1], false))
            .unwrap()
            .policies()
            .explicit_policy()
    );
    fails(&change(&[P2], &[P1], false), 0, Problem::Policy);
    assert!(judge(&change(&[P2], &[ANY], false)).is_ok());
    assert!(judge(&change(&[ANY], &[P1, P2], true)).is_ok());
    let mut drafts = change(&[P1], &[P1], false);
    drafts[1]
        .extensions
        .retain(|(id, ..)| *id != names::ID_CE_CERTIFICATE_POLICIES);
    fails(&drafts, 0, Problem::Policy);
    let inputs = |user: &[Oid], any: bool| Inputs {
        user_initial_policies: user.iter().copied().collect(),
        explicit_policy: true,
        inhibit_any_policy: any,
        ..Inputs::default()
    };
    let outcome = |drafts: &[Draft], inputs: Inputs| judge_at(drafts, &inputs, NOW).map(|_| ());
    assert_eq!(outcome(&good(), inputs(&[P1, P2], false)), Ok(()));
    assert_eq!(
        outcome(&good(), inputs(&[P2], false)),
        Err((0, Problem::Policy))
    );
    let any = change(&[ANY], &[ANY], false);
    assert_eq!(outcome(&any, inputs(&[P2], false)), Ok(()));
    assert_eq!(
        outcome(&any, inputs(&[P2], true)),
        Err((1, Problem::Policy))
    );
}

#[test]
fn a_policy_is_mapped_into_the_domain_of_the_next() {
    let mapped = |target: Oid| {
        let [t, a, r] = good();
        [
            t.with(names::ID_CE_CERTIFICATE_POLICIES, policies(&[target])),
            a.with(
                names::ID_CE_POLICY_MAPPINGS,
                mappings(&[(P1, P2), (P1, P3)]),
            ),
            r,
        ]
    };
    let demanding = |inhibit_policy_mapping| Inputs {
        explicit_policy: true,
        inhibit_policy_mapping,
        ..Inputs::default()
    };
    let path = judge_at(&mapped(P3), &demanding(false), NOW).unwrap();
    assert_eq!(path.policies().user_constrained(), &BTreeSet::from([P1]));
    let problem = |target, inhibit| judge_at(&mapped(target), &demanding(inhibit), NOW).err();
    assert_eq!(problem(P1, false), Some((0, Problem::Policy)));
    assert_eq!(problem(P3, true), Some((0, Problem::Policy)));
}

/// Fourteen authorities, each of which maps every policy to every other: a tree would have 2^14 leaves a policy and more.
#[test]
fn policies_made_to_multiply_do_not() {
    const NAMES: [&str; 15] = [
        "T", "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "Root",
    ];
    let all: Vec<Oid> = (1..40).map(|n| Oid::new(&[1, 3, n])).collect();
    let every: Vec<(Oid, Oid)> = all
        .iter()
        .flat_map(|a| all.iter().map(move |b| (*a, *b)))
        .collect();
    let drafts: Vec<Draft> = (0..15)
        .map(|i| {
            let one = draft(NAMES[i], NAMES[(i + 1).min(14)])
                .with(names::ID_CE_CERTIFICATE_POLICIES, policies(&all));
            match i {
                0 => one,
                _ => one
                    .authority()
                    .with(names::ID_CE_POLICY_MAPPINGS, mappings(&every)),
            }
        })
        .collect();
    let inputs = Inputs {
        anchor_constraints: false,
        ..Inputs::default()
    };
    let path = judge_at(&drafts, &inputs, NOW).unwrap();
    assert_eq!(path.policies().user_constrained().len(), 39);
    let many: Vec<Oid> = (0..60_000).map(|n| Oid::new(&[1, 3, n])).collect();
    let [t, a, r] = good();
    let a = a.with(names::ID_CE_CERTIFICATE_POLICIES, policies(&many));
    fails(&[t, a, r], 1, Problem::PolicyLimit);
}

#[test]
fn notices_belong_to_the_policies_that_are_left() {
    let notice = |policy: &Oid, text: &str| {
        let user_notice = der::sequence(&[&der::utf8_string(text)]);
        let info = der::sequence(&[&der::oid(&names::ID_QT_UNOTICE), &user_notice]);
        der::sequence(&[&der::oid(policy), &der::sequence(&[&info])])
    };
    let [t, a, r] = good();
    let id = names::ID_CE_CERTIFICATE_POLICIES;
    let drafts = [
        t.with(
            id,
            der::sequence_of(&[notice(&P1, "one"), notice(&P2, "two")]),
        ),
        a.with(id, der::sequence_of(&[notice(&P1, "above")])),
        r,
    ];
    let notices = |text: &str| PolicyQualifier::UserNotice(text.to_string());
    assert_eq!(
        judge(&drafts).unwrap().policy_qualifiers(),
        [(P1, vec![notices("above"), notices("one")])]
    );
}

#[test]
fn names_lie_in_what_the_authorities_above_permit() {
    let with = |list: u8, base: Vec<u8>, alternative: Vec<u8>| {
        let [t, a, r] = good();
        [
            t.with(
                names::ID_CE_SUBJECT_ALT_NAME,
                der::sequence(&[&alternative]),
            ),
            a.with(names::ID_CE_NAME_CONSTRAINTS, constraints(list, &[base])),
            r,
        ]
    };
    let dns = |text: &str| name(2, text.as_bytes());
    assert!(judge(&with(0, dns("seg-social.es"), dns("sede.seg-social.es"))).is_ok());
    let fault = |fault, form| Problem::Name(fault, form);
    fails(
        &with(0, dns("seg-social.es"), dns("seg-social.example")),
        0,
        fault(NameFault::NotPermitted, "dNSName"),
    );
    fails(
        &with(1, dns("seg-social.es"), dns("SEDE.Seg-Social.ES")),
        0,
        fault(NameFault::Excluded, "dNSName"),
    );
    fails(
        &with(1, dns("seg-social.es"), dns("sede..es")),
        0,
        fault(NameFault::Malformed, "dNSName"),
    );
    let other = name(0, &der::oid(&P1));
    fails(
        &with(1, other.clone(), other.clone()),
        0,
        fault(NameFault::Unsupported, "otherName"),
    );
    assert!(judge(&with(1, other, dns("seg-social.es"))).is_ok());
    // The subject's emailAddress is a mailbox too, alternative names or not.
    let mut drafts = with(0, name(1, b"seg-social.es"), dns("seg-social.es"));
    drafts[0].email = Some("a@seg-social.es");
    assert!(judge(&drafts).is_ok());
    drafts[0].email = Some("a@example.org");
    fails(&drafts, 0, fault(NameFault::NotPermitted, "rfc822Name"));
}

#[test]
fn inputs_and_anchors_restrict_names_too() {
    let dns = |text: &str| GeneralSubtree {
        base: GeneralName::Dns(text.to_string()),
        minimum: 0,
        maximum: None,
    };
    let [t, a, r] = good();
    let alternative = der::sequence(&[&name(2, b"a.example")]);
    let drafts = [t.with(names::ID_CE_SUBJECT_ALT_NAME, alternative), a, r];
    let problem = |drafts: &[Draft], inputs: Inputs| judge_at(drafts, &inputs, NOW).err();
    let permitted = |all: &[GeneralSubtree]| Inputs {
        permitted_subtrees: all.to_vec(),
        ..Inputs::default()
    };
    let fault = |fault| Some((0, Problem::Name(fault, "dNSName")));
    assert_eq!(problem(&drafts, permitted(&[dns("example")])), None);
    assert_eq!(
        problem(&drafts, permitted(&[dns("es")])),
        fault(NameFault::NotPermitted)
    );
    let excluded = Inputs {
        excluded_subtrees: vec![dns("a.example")],
        ..Inputs::default()
    };
    assert_eq!(problem(&drafts, excluded), fault(NameFault::Excluded));
    let minimum = GeneralSubtree {
        minimum: 1,
        ..dns("example")
    };
    assert_eq!(
        problem(&drafts, permitted(&[minimum])),
        fault(NameFault::Unsupported)
    );
    let mut drafts = drafts;
    drafts[2] = drafts[2].clone().with(
        names::ID_CE_NAME_CONSTRAINTS,
        constraints(1, &[name(2, b"")]),
    );
    assert_eq!(
        problem(&drafts, Inputs::default()),
        fault(NameFault::Excluded)
    );
    let lenient = Inputs {
        anchor_constraints: false,
        ..Inputs::default()
    };
    assert_eq!(problem(&drafts, lenient), None);
}

#[test]
fn comparisons_without_end_are_refused() {
    let bases: Vec<Vec<u8>> = (0..1000)
        .map(|n| name(2, format!("h{n}.es").as_bytes()))
        .collect();
    let [t, a, r] = good();
    let drafts = [
        t.with(names::ID_CE_SUBJECT_ALT_NAME, der::sequence_of(&bases)),
        a.with(names::ID_CE_NAME_CONSTRAINTS, constraints(0, &bases)),
        r,
    ];
    assert!(matches!(
        judge(&drafts),
        Err((0, Problem::Name(NameFault::TooMany, _)))
    ));
}

#[test]
fn what_is_odd_and_harmless_is_noted() {
    let [t, a, r] = good();
    let odd = [
        (
            names::ID_PE_QC_STATEMENTS,
            der::sequence(&[&der::integer(1)]),
        ),
        (
            names::ID_CE_ISSUER_ALT_NAME,
            der::sequence(&[&name(1, b"rfc822Name=a@b.es")]),
        ),
    ];
    let mut t = t;
    for (id, value) in odd {
        t.extensions.push((id, false, value));
    }
    t.version = 1;
    let noted: Vec<Oddity> = judge(&[t, a, r])
        .unwrap()
        .notes()
        .iter()
        .map(|n| n.oddity)
        .collect();
    assert_eq!(
        noted,
        [
            Oddity::MalformedExtension(names::ID_PE_QC_STATEMENTS),
            Oddity::AlternativeName(names::ID_CE_ISSUER_ALT_NAME),
            Oddity::ExtensionsBeforeVersion3,
        ]
    );
}

/// A pool, and which of its certificates signed which.
struct Bag {
    pool: Certificates,
    checks: SignatureChecks,
}

impl Bag {
    /// Every key that has a certificate's issuer's name and the wanted first byte signed it.
    fn of(drafts: &[(Draft, u8)]) -> Bag {
        let mut bag = Bag {
            pool: Certificates::default(),
            checks: SignatureChecks::default(),
        };
        let all: Vec<_> = drafts
            .iter()
            .map(|(d, by)| (d.certificate(), d, by))
            .collect();
        for (certificate, draft, by) in &all {
            for (issuer, other, _) in &all {
                let signed = other.subject == draft.issuer && other.key == **by;
                let (object, issuer) = (certificate.fingerprint(), issuer.fingerprint());
                bag.checks.check(object, issuer, || signed);
            }
            bag.pool.add(certificate.clone());
        }
        bag
    }

    /// The paths found, by the keys on them, and the ends.
    fn paths(
        &mut self,
        target: &Draft,
        anchors: &[&Draft],
        steps: u32,
    ) -> (Vec<String>, Vec<Dead>) {
        let anchors = Anchors::new(anchors.iter().map(|a| a.certificate()));
        let mut found = Vec::new();
        let mut search = Search {
            pool: &self.pool,
            anchors: &anchors,
            inputs: &Inputs::default(),
            at: at(NOW),
            checks: &mut self.checks,
            steps,
        };
        let ends = search.paths(&target.certificate(), &mut |path, _| {
            let keys = path.iter().map(|c| char::from(*c.spki().last().unwrap()));
            found.push(keys.collect());
            ControlFlow::Continue(())
        });
        (found, ends)
    }
}

fn keyed(subject: &'static str, issuer: &'static str, key: u8) -> Draft {
    Draft {
        key,
        ..draft(subject, issuer).authority()
    }
}

#[test]
fn a_search_finds_every_way_and_no_loop() {
    let target = keyed("T", "A", b't');
    let (root, other) = (keyed("R", "R", b'r'), keyed("S", "S", b's'));
    let by_root = keyed("A", "R", b'a');
    let by_other = Draft {
        until: "2021-01-01T00:00:00Z",
        ..keyed("A", "S", b'a')
    };
    let cross = keyed("B", "A", b'b');
    let back = keyed("A", "B", b'a');
    let rolled = keyed("A", "A", b'c');
    let mut bag = Bag::of(&[
        (target.clone(), b'a'),
        (by_root, b'r'),
        (by_other, b's'),
        (cross, b'a'),
        (back, b'b'),
        (rolled, b'a'),
        (root.clone(), b'r'),
        (other.clone(), b's'),
    ]);
    let (found, ends) = bag.paths(&target, &[&root, &other], 1_000);
    // The one that is valid first; A by itself under B leads only back to A.
    assert_eq!(found, ["tar", "tas"]);
    assert_eq!(ends, []);
    let (found, ends) = bag.paths(&target, &[&other], 1_000);
    assert_eq!(
        (found.as_slice(), ends.as_slice()),
        (&["tas".to_string()][..], &[][..])
    );
    // A key that rolled over: the new one is certified by the old one under the same name.
    let fresh = Draft {
        key: b'u',
        ..keyed("T", "A", b'u')
    };
    let mut bag = Bag::of(&[
        (fresh.clone(), b'c'),
        (keyed("A", "A", b'c'), b'a'),
        (keyed("A", "R", b'a'), b'r'),
        (root.clone(), b'r'),
    ]);
    assert_eq!(bag.paths(&fresh, &[&root], 1_000).0, ["ucar"]);
}

#[test]
fn a_search_tells_where_it_ended() {
    let (target, root) = (keyed("T", "A", b't'), keyed("R", "R", b'r'));
    let authority = keyed("A", "R", b'a');
    let ends = |bag: &[(Draft, u8)], anchors: &[&Draft], steps| {
        Bag::of(bag).paths(&target, anchors, steps).1
    };
    let alone = [(target.clone(), b'a')];
    assert_eq!(
        ends(&alone, &[&root], 9),
        [Dead::NoIssuer(target.certificate())]
    );
    let with_authority = [
        (target.clone(), b'a'),
        (authority.clone(), b'x'),
        (root.clone(), b'r'),
    ];
    assert_eq!(
        ends(&with_authority, &[&root], 9),
        [Dead::NotSigned(authority.certificate())]
    );
    assert_eq!(ends(&with_authority, &[&root], 0), [Dead::Limit]);
    let untrusted = [
        (target.clone(), b'a'),
        (authority, b'r'),
        (root.clone(), b'r'),
    ];
    assert_eq!(
        ends(&untrusted, &[], 9),
        [Dead::NoIssuer(root.certificate())]
    );
}

#[test]
fn a_search_goes_no_further_than_a_path_may_be_long() {
    const NAMES: [&str; 20] = [
        "A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R",
        "S", "U",
    ];
    let chain: Vec<(Draft, u8)> = (0..20usize)
        .map(|i| {
            let above = NAMES[(i + 1).min(19)];
            (draft(NAMES[i], above).authority(), above.as_bytes()[0])
        })
        .collect();
    let root = &chain[19].0;
    let mut bag = Bag::of(&chain);
    assert_eq!(
        bag.paths(&chain[4].0, &[root], 1_000).0,
        ["EFGHIJKLMNOPQRSU"]
    );
    assert_eq!(
        bag.paths(&chain[3].0, &[root], 1_000),
        (vec![], vec![Dead::TooLong])
    );
    assert_eq!(
        bag.paths(&chain[0].0, &[root], 1_000),
        (vec![], vec![Dead::TooLong])
    );
}

#[test]
fn many_issuers_of_one_name_end_at_the_limit_or_at_the_right_one() {
    let (target, root) = (keyed("T", "A", b't'), keyed("R", "R", b'r'));
    let mut bag: Vec<(Draft, u8)> = (0..100u8).map(|key| (keyed("A", "R", key), b'r')).collect();
    bag.push((target.clone(), 99));
    bag.push((root.clone(), b'r'));
    let mut bag = Bag::of(&bag);
    let (found, _) = bag.paths(&target, &[&root], 1_000);
    assert_eq!(found, ["tcr"]);
    assert_eq!(
        bag.paths(&target, &[&root], 50),
        (vec![], vec![Dead::Limit])
    );
}

#[test]
fn an_anchor_of_name_and_key_ends_a_path_as_its_certificate_does() {
    let [target, authority, root] = good().map(|d| d.certificate());
    let anchor = Anchor::of_name_and_key(root.subject(), root.spki()).unwrap();
    let standing = anchor.as_certificate().clone();
    let mut checks = SignatureChecks::default();
    checks.check(target.fingerprint(), authority.fingerprint(), || true);
    checks.check(authority.fingerprint(), standing.fingerprint(), || true);
    let inputs = Inputs::default();
    let below = [target, authority];
    let path = validate(&below, &anchor, at(NOW), &inputs, &mut checks).unwrap();
    assert_eq!(path.anchor().certificate(), None);
    assert_eq!(path.certificates()[2], standing);
}
