//! All sub-indications of EN 319 102-1 §5.1.3, each come to from evidence that passes, by a single change.

use super::*;

type Mutation = fn(&mut Case);

const KEY_COMPROMISE: RevocationReason = RevocationReason::KeyCompromise;

fn revoke(case: &mut Case, serial: u8, at: &str) {
    case.objects = lists(&[revoked(serial, at, KEY_COMPROMISE)]);
}

fn signature_change(case: &mut Case, change: fn(&mut Evidence)) {
    case.change = change;
}

/// The single thing that leads from evidence that passes to each of those that any signature may come to.
fn mutation(sub: SubIndication) -> Option<(fn() -> Case, Mutation)> {
    use SubIndication as S;
    let one = |mutation: Mutation| Some((good as fn() -> Case, mutation));
    let of = |base: fn() -> Case, mutation: Mutation| Some((base, mutation));
    match sub {
        S::FormatFailure => one(|case| {
            signature_change(case, |e| {
                let fault = Fault::failure("cms.test", "RFC 5652", "");
                e.signatures[0].faults.push(fault);
            });
        }),
        S::HashFailure => one(|case| {
            signature_change(case, |e| {
                e.signatures[0].references[0].actual = Some(vec![0; 32].into());
            });
        }),
        S::SignedDataNotFound => one(|case| {
            signature_change(case, |e| e.signatures[0].references[0].actual = None);
        }),
        S::SigCryptoFailure => one(|case| {
            signature_change(case, |e| {
                let mut value = e.signatures[0].value.to_vec();
                *value.last_mut().unwrap() ^= 1;
                e.signatures[0].value = value.into();
            });
        }),
        S::Revoked => of(content_stamped, |case| {
            revoke(case, 0x21, "2026-03-01T09:00:00Z");
        }),
        S::Expired => of(content_stamped, |case| {
            case.seal = seal_until("2026-03-01T09:00:00Z")
        }),
        S::NotYetValid => of(stamped, |case| {
            case.seal = seal_from("2026-03-01T11:00:00Z")
        }),
        S::SigConstraintsFailure => one(|case| {
            signature_change(case, |e| {
                e.signatures[0].later_changes.push(LaterChange {
                    kind: ChangeKind::Bytes,
                    offset: 100,
                    length: 20,
                });
            });
        }),
        S::ChainConstraintsFailure => one(|case| {
            let w = world();
            let mut profile = seal_profile();
            profile.extensions[0] = ext::key_usage(&[KeyUsage::KEY_ENCIPHERMENT]);
            case.seal = certify(&profile, &w.seal_key, &w.ca, &w.ca_key);
        }),
        S::CertificateChainGeneralFailure => one(|case| {
            let w = world();
            let mut profile = seal_profile();
            profile.extensions.push(Extension {
                id: Oid::new(&[1, 2, 3]),
                critical: true,
                value: vec![5, 0],
            });
            case.seal = certify(&profile, &w.seal_key, &w.ca, &w.ca_key);
        }),
        S::CryptoConstraintsFailure => one(|case| {
            signature_change(case, |e| e.signatures[0].algorithm = None);
        }),
        S::TimestampOrderFailure => of(stamped, |case| {
            signature_change(case, |e| content_stamp(e, "2026-03-01T10:20:00Z"));
        }),
        S::NoSigningCertificateFound => one(|case| {
            signature_change(case, |e| {
                e.signatures[0].certificate_references[0].digest = vec![0; 32].into();
            });
        }),
        S::NoCertificateChainFound => one(|case| case.anchors.clear()),
        S::NoCertificateChainFoundNoPoe => one(|case| {
            case.policy = |policy| {
                let ended = TrustPeriod {
                    from: t("2020-01-01T00:00:00Z"),
                    until: Some(t("2026-02-01T00:00:00Z")),
                };
                let anchor = Anchor::of_certificate(world().root.clone());
                policy.anchors = Anchors::new([anchor.with_periods(vec![ended])]);
            };
        }),
        S::RevokedNoPoe => one(|case| revoke(case, 0x21, "2026-03-01T09:00:00Z")),
        S::RevokedCaNoPoe => one(|case| {
            let w = world();
            let of_ca = revoked(0x11, "2026-03-01T09:00:00Z", KEY_COMPROMISE);
            let (from, to) = ("2026-03-01T11:00:00Z", "2026-03-08T11:00:00Z");
            case.objects[0] = list(&w.root, &w.root_key, &[of_ca], None, from, to);
        }),
        S::OutOfBoundsNotRevoked => one(|case| case.seal = seal_until("2026-03-01T11:30:00Z")),
        S::OutOfBoundsNoPoe => one(|case| case.seal = seal_until("2026-03-01T10:30:00Z")),
        S::RevocationOutOfBoundsNoPoe => of(answered, |case| {
            // The responder's certificate ended before now, after it answered.
            case.now = "2026-03-01T13:00:00Z";
        }),
        S::TryLater => one(|case| drop(case.objects.pop())),
        _ => None,
    }
}

fn stamped() -> Case {
    Case {
        stamped: Some("2026-03-01T10:10:00Z"),
        ..good()
    }
}

/// With proof that it was not signed before.
fn content_stamped() -> Case {
    Case {
        change: |e| content_stamp(e, "2026-03-01T09:30:00Z"),
        ..good()
    }
}

fn seal_from(from: &'static str) -> Certificate {
    let w = world();
    let profile = Profile {
        from,
        ..seal_profile()
    };
    certify(&profile, &w.seal_key, &w.ca, &w.ca_key)
}

fn seal_until(to: &'static str) -> Certificate {
    let w = world();
    let profile = Profile {
        to,
        ..seal_profile()
    };
    certify(&profile, &w.seal_key, &w.ca, &w.ca_key)
}

/// By a responder whose certificate lasts half an hour after now.
fn answered() -> Case {
    let w = world();
    let profile = Profile {
        name: "OCSP",
        serial: 0x33,
        to: "2026-03-01T12:30:00Z",
        extensions: vec![
            ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
            ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
            ext::ocsp_nocheck(),
        ],
        ..seal_profile()
    };
    let certificate = certify(&profile, &w.responder_key, &w.ca, &w.ca_key);
    let id = CertId::new(&w.seal, &w.ca, DigestAlgorithm::Sha1).unwrap();
    let responder = Responder {
        issuer: &w.ca,
        certificate: &certificate,
        signer: &w.responder_key,
        identified_by: IdentifiedBy::Key,
        lifetime: Duration::from_secs(86_400),
    };
    let asked = ocsp_request(&id, None);
    let at = t("2026-03-01T11:30:00Z");
    let bytes = ocsp::answer(&asked, &responder, &|_| CertStatus::Good, at).unwrap();
    let mut case = good();
    case.objects.truncate(1);
    case.objects
        .push(Object::new(ObjectKind::OcspResponse, bytes, Origin::Given));
    case
}

#[test]
fn each_is_come_to_by_a_single_change() {
    let mut reached = Vec::new();
    for sub in SubIndication::ALL {
        let Some((base, change)) = mutation(*sub) else {
            continue;
        };
        let mut case = base();
        case.passes();
        change(&mut case);
        let verdict = case.signature();
        let negative = verdict.findings.iter().filter(|f| f.is_negative());
        let negative: Vec<_> = negative.collect();
        assert_eq!(verdict.sub_indication, Some(*sub), "{negative:#?}");
        assert_eq!(verdict.indication, sub.indication());
        reached.push(*sub);
    }
    // By proofs and algorithms of long ago: `archive`. Of signature policies: `constraints`.
    let elsewhere = [
        SubIndication::NoPoe,
        SubIndication::CryptoConstraintsFailureNoPoe,
        SubIndication::PolicyProcessingError,
        SubIndication::SignaturePolicyNotAvailable,
    ];
    assert_eq!(reached.len() + elsewhere.len(), SubIndication::ALL.len());
    assert!(elsewhere.iter().all(|sub| !reached.contains(sub)));
}
