//! A bag of certificates whose names, constraints and policies the bytes choose, every one signed by whoever it says: paths
//! are searched and validated within their bounds, and what holds keeps its promises.
#![no_main]

use rubrica::engine::pki::path::{Inputs, LONGEST, Search, SignatureChecks, validate};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, Certificates};
use rubrica::engine::syntax::asn1::{Oid, der, names};
use std::ops::ControlFlow;

/// Certificates in a bag at most.
const MOST: usize = 12;

/// Takes bytes off the front; zeros when there are no more.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn one(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    fn some(&mut self) -> &'a [u8] {
        let length = usize::from(self.one()).min(self.0.len());
        self.0.split_off(..length).unwrap_or_default()
    }
}

fn name(byte: u8) -> Vec<u8> {
    let pair = der::sequence(&[
        &der::oid(&names::AT_COMMON_NAME),
        &der::utf8_string(&(byte % 5).to_string()),
    ]);
    der::sequence(&[&der::set_of(vec![pair])])
}

fn policy(byte: u8) -> Oid {
    match byte % 6 {
        0 => names::ANY_POLICY,
        n => Oid::new(&[1, 3, u32::from(n)]),
    }
}

fn general_name(bytes: &mut Bytes<'_>) -> Vec<u8> {
    match bytes.one() % 9 {
        4 => der::explicit(4, &name(bytes.one())),
        form => der::tlv(0x80 | form, bytes.some()),
    }
}

fn several(bytes: &mut Bytes<'_>, make: fn(&mut Bytes<'_>) -> Vec<u8>) -> Vec<Vec<u8>> {
    (0..bytes.one() % 6).map(|_| make(bytes)).collect()
}

fn subtrees(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let all = several(bytes, |bytes| {
        let minimum = match bytes.one() {
            255 => der::implicit(0, &der::integer(1)),
            _ => Vec::new(),
        };
        der::sequence(&[&general_name(bytes), &minimum])
    });
    der::sequence_of(&all)
}

fn extension(bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (id, value) = match bytes.one() % 9 {
        0 => (
            names::ID_CE_BASIC_CONSTRAINTS,
            der::sequence(&[&der::boolean(true), &der::integer(bytes.one().into())]),
        ),
        1 => (
            names::ID_CE_NAME_CONSTRAINTS,
            der::sequence(&[
                &der::implicit(0, &subtrees(bytes)),
                &der::implicit(1, &subtrees(bytes)),
            ]),
        ),
        2 => (
            names::ID_CE_SUBJECT_ALT_NAME,
            der::sequence_of(&several(bytes, general_name)),
        ),
        3 => (
            names::ID_CE_CERTIFICATE_POLICIES,
            der::sequence_of(&several(bytes, |b| {
                der::sequence(&[&der::oid(&policy(b.one())), b.some()])
            })),
        ),
        4 => (
            names::ID_CE_POLICY_MAPPINGS,
            der::sequence_of(&several(bytes, |b| {
                der::sequence(&[&der::oid(&policy(b.one())), &der::oid(&policy(b.one()))])
            })),
        ),
        5 => (
            names::ID_CE_POLICY_CONSTRAINTS,
            der::sequence(&[&der::implicit(
                bytes.one() % 2,
                &der::integer((bytes.one() % 4).into()),
            )]),
        ),
        6 => (
            names::ID_CE_INHIBIT_ANY_POLICY,
            der::integer((bytes.one() % 4).into()),
        ),
        7 => (names::ID_CE_ISSUER_ALT_NAME, bytes.some().to_vec()),
        _ => (names::ID_CE_NAME_CONSTRAINTS, bytes.some().to_vec()),
    };
    let critical = der::boolean(bytes.one() % 2 == 0);
    der::sequence(&[&der::oid(&id), &critical, &der::octet_string(&value)])
}

fn certificate(bytes: &mut Bytes<'_>) -> Option<Certificate> {
    let algorithm = der::sequence(&[&der::oid(&names::ED25519)]);
    let validity = der::sequence(&[
        &der::tlv(0x18, b"20200101000000Z"),
        &der::tlv(0x18, b"20300101000000Z"),
    ]);
    let (issuer, subject) = (name(bytes.one()), name(bytes.one()));
    let authority = der::sequence(&[
        &der::oid(&names::ID_CE_BASIC_CONSTRAINTS),
        &der::octet_string(&der::sequence(&[&der::boolean(true)])),
    ]);
    let mut extensions = several(bytes, extension);
    if bytes.one() % 4 != 0 {
        extensions.push(authority);
    }
    let tbs = der::sequence(&[
        &der::explicit(0, &der::integer(2)),
        &der::integer(bytes.one().into()),
        &algorithm,
        &issuer,
        &validity,
        &subject,
        &der::sequence(&[&algorithm, &der::bit_string(&[bytes.one(); 32])]),
        &der::explicit(3, &der::sequence_of(&extensions)),
    ]);
    Certificate::from_der(&der::sequence(&[
        &tbs,
        &algorithm,
        &der::bit_string(&[0; 64]),
    ]))
    .ok()
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let flags = bytes.one();
    let inputs = Inputs {
        explicit_policy: flags & 1 != 0,
        inhibit_policy_mapping: flags & 2 != 0,
        inhibit_any_policy: flags & 4 != 0,
        anchor_constraints: flags & 8 != 0,
        user_initial_policies: (0..flags >> 6).map(|_| policy(bytes.one())).collect(),
        ..Inputs::default()
    };
    let mut all = Vec::new();
    while !bytes.0.is_empty() && all.len() < MOST {
        all.extend(certificate(&mut bytes));
    }
    let [target, anchor, ..] = &all[..] else {
        return;
    };
    let mut checks = SignatureChecks::default();
    for (a, b) in all.iter().flat_map(|a| all.iter().map(move |b| (a, b))) {
        checks.check(a.fingerprint(), b.fingerprint(), || true);
    }
    let anchors = Anchors::new([anchor.clone()]);
    let pool: Certificates = all.iter().cloned().collect();
    let at = "2026-11-25T10:00:00Z".parse().expect("a time");
    let mut search = Search {
        pool: &pool,
        anchors: &anchors,
        inputs: &inputs,
        at,
        checks: &mut checks,
        steps: 2_000,
    };
    search.paths(target, &mut |chain, checks| {
        let (below, anchor) = anchors.end_of(chain, at).expect("a path ends at an anchor");
        if let Ok(path) = validate(below, anchor, at, &inputs, checks) {
            assert!(path.certificates().len() <= LONGEST);
            let (authorities, user) = (
                path.policies().authorities_constrained(),
                path.policies().user_constrained(),
            );
            let any = |set: &std::collections::BTreeSet<Oid>| set.contains(&names::ANY_POLICY);
            assert!(any(authorities) || user.is_subset(authorities));
            assert!(
                any(&inputs.user_initial_policies) || user.is_subset(&inputs.user_initial_policies)
            );
            assert!(!path.policies().explicit_policy() || !user.is_empty());
            let _ = (path.notes(), path.policy_qualifiers());
        }
        ControlFlow::Continue(())
    });
});
