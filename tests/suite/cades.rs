//! CAdES signatures that we make: every level, packaging, algorithm and addition is read back, judged, and refused once a
//! signed byte changes.

#[path = "../../examples/cades/mod.rs"]
mod making;

use making::{KINDS, Pki, augment, evidence, later, number_of, value_of};
use rubrica::engine::Time;
use rubrica::engine::crypto::{DigestAlgorithm, digest};
use rubrica::engine::error::ErrorKind;
use rubrica::engine::evidence::{Evidence, Severity, Tier, TimestampKind};
use rubrica::engine::formats::cades::Cades;
use rubrica::engine::formats::{
    CadesOptions, CommitmentType, Content, ContentDigests, ContentHints, Detached, Format, Input,
    Material, PolicyIdentifier, ProductionPlace, Properties, SigningTime,
};
use rubrica::engine::limits::Budget;
use rubrica::engine::pki::cms::SignedData;
use rubrica::engine::pki::signature_policy::AGE_1_9;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::syntax::asn1::{Oid, Reader, Tag, der, has_der_lengths, names};
use rubrica::engine::validation::{Indication, Policy, validate};
use std::sync::OnceLock;

const CONTENT: &[u8] = b"Resolucion de la prestacion";

fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(Pki::new)
}

fn at() -> Time {
    "2026-03-01T10:00:00Z".parse().unwrap()
}

/// The verdict an hour after signing, with nothing but what is inside and lists where the level has none.
fn judged(evidence: &Evidence, lists: bool) -> Vec<Indication> {
    let mut evidence = evidence.clone();
    if lists {
        use rubrica::engine::evidence::{Object, ObjectKind, Origin};
        for list in pki().crls(later(at(), 1800)) {
            let kind = ObjectKind::CertificateRevocationList;
            evidence.pool.add(Object::new(kind, list, Origin::Given));
        }
    }
    let anchors = Anchors::new([pki().root.certificate.clone()]);
    let verdict = validate(&evidence, &Policy::baseline(anchors), later(at(), 3600));
    let all = verdict.signatures.iter();
    all.map(|signature| signature.indication).collect()
}

/// Every reference and imprint intact, no fault that fails, and passed.
fn passes(signed: &[u8], content: Option<&[u8]>, lists: bool) -> Evidence {
    let found = evidence(signed, content);
    for signature in &found.signatures {
        let failures = signature.faults.iter();
        let failures: Vec<_> = failures
            .filter(|f| f.severity == Severity::Failure)
            .collect();
        assert!(failures.is_empty(), "{failures:?}");
        assert!(signature.references.iter().all(|r| r.is_intact()));
        assert!(signature.timestamps.iter().all(|t| t.imprint.is_intact()));
    }
    let judged = judged(&found, lists);
    assert!(
        !judged.is_empty() && judged.iter().all(|i| *i == Indication::TotalPassed),
        "{judged:?}"
    );
    found
}

fn tiers(evidence: &Evidence) -> Vec<Tier> {
    evidence.signatures.iter().map(|s| s.level.tier).collect()
}

#[test]
fn every_algorithm_packaging_and_level_passes() {
    for kind in KINDS {
        let by = pki().signer(kind);
        for attached in [true, false] {
            let content = (!attached).then_some(CONTENT);
            let b = pki().b(CONTENT, &by, attached, at());
            let t = pki().t(&b, 0, later(at(), 60));
            let lt = pki().lt(&t, 0, &by, later(at(), 120));
            let lta = pki().lta(&lt, content, 0, later(at(), 180));
            for (signed, tier) in [
                (&b, Tier::B),
                (&t, Tier::T),
                (&lt, Tier::Lt),
                (&lta, Tier::Lta),
            ] {
                assert!(has_der_lengths(signed));
                let found = passes(signed, content, tier < Tier::Lt);
                assert_eq!(tiers(&found), [tier], "{kind} {attached}");
            }
        }
    }
}

#[test]
fn no_signed_byte_can_change() {
    let by = pki().signer("p256");
    let signed = pki().b(CONTENT, &by, true, at());
    let data = SignedData::from_ber(&signed).unwrap();
    let info = &data.signer_infos()[0];
    let attributes = info.signed_attributes_der().unwrap();
    let place = |needle: &[u8]| {
        signed
            .windows(needle.len())
            .position(|w| w == needle)
            .unwrap()
    };
    let ranges = [
        (place(CONTENT), CONTENT.len()),
        (place(&attributes[1..]), attributes.len() - 1),
        (place(&info.signature), info.signature.len()),
    ];
    for (start, length) in ranges {
        for offset in start..start + length {
            for bit in [0x01, 0x80] {
                let mut changed = signed.clone();
                changed[offset] ^= bit;
                let input = Input {
                    document: &changed,
                    detached: &[],
                };
                let Ok(found) = Cades.inspect(input, &mut Budget::default()) else {
                    continue;
                };
                let judged = judged(&found, true);
                assert!(
                    !judged.contains(&Indication::TotalPassed),
                    "byte {offset}, bit {bit:x}"
                );
            }
        }
    }
}

#[test]
fn no_byte_under_an_archive_time_stamp_can_change() {
    let by = pki().signer("p256");
    let t = pki().t(&pki().b(CONTENT, &by, false, at()), 0, later(at(), 60));
    let lt = pki().lt(&t, 0, &by, later(at(), 120));
    let lta = pki().lta(&lt, Some(CONTENT), 0, later(at(), 180));
    let whole = |signed: &[u8]| {
        let detached = [Detached::of(CONTENT)];
        let input = Input {
            document: signed,
            detached: &detached,
        };
        let found = Cades.inspect(input, &mut Budget::default()).ok()?;
        let signature = found.signatures.first()?;
        let mut all = signature.timestamps.iter();
        let archive = all.find(|t| t.kind == TimestampKind::Archive)?;
        // A change inside the archive token itself is for its own signature to show.
        (archive.imprint.is_intact() && found.signatures.len() == 1).then_some(())
    };
    assert!(whole(&lta).is_some());
    let data = SignedData::from_ber(&lta).unwrap();
    let place = |needle: &[u8], from: usize| {
        let mut windows = lta[from..].windows(needle.len());
        from + windows.position(|w| w == needle).unwrap()
    };
    let info = &data.signer_infos()[0];
    let signer = place(&info.bytes, 0);
    let sets = [data.certificate_set(), data.revocation_set()];
    let mut covered: Vec<_> = sets.into_iter().flatten().map(|set| (set, 0)).collect();
    let fields = info.fields().unwrap();
    covered.extend(fields[..6].iter().map(|f| (f.bytes(), signer)));
    let stamp = &names::ID_AA_SIGNATURE_TIME_STAMP_TOKEN;
    let stamps = info.unsigned_attributes.values(stamp);
    covered.extend(stamps.map(|token| (token, signer)));
    for (part, from) in covered {
        let start = place(part, from);
        for offset in start..start + part.len() {
            let mut changed = lta.clone();
            changed[offset] ^= 0x01;
            assert!(whole(&changed).is_none(), "byte {offset}");
        }
    }
}

/// Everything that a request can say.
fn all_properties() -> Properties {
    let imprint = rubrica::engine::pki::timestamp::MessageImprint {
        algorithm: DigestAlgorithm::Sha512,
        digest: digest(DigestAlgorithm::Sha512, CONTENT),
    };
    Properties {
        signing_time: SigningTime::At(later(at(), 5)),
        policy: Some(PolicyIdentifier {
            id: Oid::new(&[2, 999, 7]),
            digest: (DigestAlgorithm::Sha256, vec![7; 32]),
            uri: Some("https://sede.example/politica.pdf".into()),
            user_notice: Some("Según la política".into()),
        }),
        commitment_types: vec![
            CommitmentType::ProofOfOrigin,
            CommitmentType::ProofOfApproval,
            CommitmentType::Other(Oid::new(&[2, 999, 8])),
        ],
        claimed_roles: vec!["Registrador".into(), "Órgano".into()],
        production_place: Some(ProductionPlace {
            country: Some("ES".into()),
            locality: Some("Málaga".into()),
            postal_address: vec!["Calle Mayor, 1".into(), "29001".into()],
        }),
        content_hints: Some(ContentHints {
            description: Some("Resolución".into()),
            content_type: names::ID_DATA,
        }),
        mime_type: Some("text/plain".into()),
        content_timestamps: vec![pki().token(imprint, at())],
        algorithm_protection: true,
    }
}

#[test]
fn what_a_request_says_is_signed_and_read_back() {
    for kind in ["rsa-2048", "rsa-2048-pss", "p256", "ed448"] {
        let by = pki().signer(kind);
        let request = pki().request(&by, CadesOptions::Attached, all_properties());
        let signed = pki().sign(CONTENT, &request, &by, at());
        let found = passes_but_policy(&signed);
        let signature = &found.signatures[0];
        assert_eq!(signature.claimed_time, Some(later(at(), 5)));
        let policy = signature.policy.as_ref().unwrap();
        assert_eq!(policy.id, Oid::new(&[2, 999, 7]));
        assert_eq!(
            policy.uri.as_deref(),
            Some("https://sede.example/politica.pdf")
        );
        assert_eq!(policy.notice.as_deref(), Some("Según la política"));
        let said = &signature.properties;
        assert_eq!(said.commitment_types.len(), 3);
        let mut roles = said.claimed_roles.clone();
        roles.sort();
        assert_eq!(roles, ["Registrador", "Órgano"]);
        assert_eq!(said.mime_type.as_deref(), Some("text/plain"));
        let hints = said.content_hints.as_ref().unwrap();
        assert_eq!(hints.description.as_deref(), Some("Resolución"));
        assert_eq!(signature.timestamps[0].kind, TimestampKind::Content);
        for name in [
            "cms-algorithm-protection",
            "signer-location",
            "signer-attributes-v2",
        ] {
            assert!(said.signed.iter().any(|s| s == name), "{name}");
        }
    }
}

/// Intact; a policy that nobody here knows does not pass.
fn passes_but_policy(signed: &[u8]) -> Evidence {
    let found = evidence(signed, None);
    let signature = &found.signatures[0];
    assert!(signature.faults.is_empty(), "{:?}", signature.faults);
    assert!(signature.references.iter().all(|r| r.is_intact()));
    assert!(signature.timestamps.iter().all(|t| t.imprint.is_intact()));
    found
}

fn refused(properties: Properties, options: CadesOptions, document: &[u8]) -> String {
    let by = pki().signer("p256");
    let request = pki().request(&by, options, properties);
    let error = Cades.prepare(document.into(), &request, at()).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Internal);
    error.element().to_string()
}

#[test]
fn what_makes_no_sense_is_not_signed() {
    let by = pki().signer("p256");
    let signed = pki().b(CONTENT, &by, true, at());
    let empty = Properties::default;
    let attached = |properties| refused(properties, CadesOptions::Attached, CONTENT);
    let role = |text: String| Properties {
        claimed_roles: vec![text],
        ..empty()
    };
    assert_eq!(attached(role(String::new())), "claimed role");
    assert_eq!(attached(role("a\nb".into())), "claimed role");
    assert_eq!(attached(role("a".repeat(513))), "claimed role");
    let crowd = Properties {
        claimed_roles: vec!["a".into(); 33],
        ..empty()
    };
    assert_eq!(attached(crowd), "signature properties");
    let nowhere = Properties {
        production_place: Some(ProductionPlace::default()),
        ..empty()
    };
    assert_eq!(attached(nowhere), "production place");
    let mut other = all_properties();
    other.content_timestamps.push(vec![0x30, 0]);
    assert!(!attached(other).is_empty());
    let foreign = refused(all_properties(), CadesOptions::Attached, b"Otro contenido");
    assert_eq!(foreign, "content time-stamp");
    let short = Properties {
        policy: Some(PolicyIdentifier {
            digest: (DigestAlgorithm::Sha256, vec![1; 31]),
            ..all_properties().policy.unwrap()
        }),
        ..empty()
    };
    assert_eq!(attached(short), "signature policy");
    let counter = CadesOptions::Counter { signature: 0 };
    let hints = Properties {
        mime_type: Some("text/plain".into()),
        ..empty()
    };
    assert_eq!(refused(hints, counter, &signed), "counter-signature");
    let absent = CadesOptions::Counter { signature: 1 };
    assert_eq!(refused(empty(), absent, &signed), "signature");
    let token = pki().token(
        rubrica::engine::pki::timestamp::MessageImprint {
            algorithm: DigestAlgorithm::Sha256,
            digest: digest(DigestAlgorithm::Sha256, CONTENT),
        },
        at(),
    );
    let parallel = CadesOptions::Parallel {
        content_digest: None,
    };
    assert_eq!(
        refused(empty(), parallel.clone(), &token),
        "time-stamp token"
    );
    let detached = pki().b(CONTENT, &by, false, at());
    assert_eq!(refused(empty(), parallel, &detached), "content");
}

#[test]
fn the_policy_of_the_administration_is_followed_or_refused() {
    let hints = ContentHints {
        description: Some("Documento PDF".into()),
        content_type: Oid::new(&[1, 2, 840, 10003, 5, 109, 1]),
    };
    let age = |algorithm| Properties {
        policy: PolicyIdentifier::of(&AGE_1_9, algorithm),
        content_hints: Some(hints.clone()),
        ..Properties::default()
    };
    let by = pki().signer("rsa-2048");
    for algorithm in [
        DigestAlgorithm::Sha1,
        DigestAlgorithm::Sha256,
        DigestAlgorithm::Sha512,
    ] {
        let request = pki().request(&by, CadesOptions::Attached, age(algorithm));
        let signed = pki().sign(CONTENT, &request, &by, at());
        let found = passes_but_policy(&signed);
        let policy = found.signatures[0].policy.as_ref().unwrap();
        assert_eq!(policy.id.to_string(), "2.16.724.1.3.1.1.2.1.9");
        let (by, digest) = policy.digest.as_ref().unwrap();
        assert_eq!(*by, algorithm);
        assert_eq!(**digest, *AGE_1_9.digest(algorithm).unwrap());
    }
    assert_eq!(
        PolicyIdentifier::of(&AGE_1_9, DigestAlgorithm::Sha3_256),
        None
    );
    let sha1 = || age(DigestAlgorithm::Sha1);
    let no_time = Properties {
        signing_time: SigningTime::Absent,
        ..sha1()
    };
    let no_hints = Properties {
        content_hints: None,
        ..sha1()
    };
    let mut other_document = sha1();
    other_document.policy.as_mut().unwrap().digest.1[0] ^= 1;
    for properties in [no_time, no_hints, other_document] {
        assert_eq!(
            refused(properties, CadesOptions::Attached, CONTENT),
            "signature policy"
        );
    }
    let signed = pki().b(CONTENT, &by, true, at());
    let counter = CadesOptions::Counter { signature: 0 };
    let bare = Properties {
        content_hints: None,
        ..sha1()
    };
    assert_eq!(refused(bare, counter, &signed), "signature policy");
}

#[test]
fn the_pinned_document_is_the_published_one() {
    let path = "dss/dev/_aux/xades/validation/dss874/policy.pdf";
    let Some(corpora) = crate::corpora::folder() else {
        return;
    };
    let document = std::fs::read(corpora.join(path)).unwrap();
    for (algorithm, pinned) in AGE_1_9.digests {
        assert_eq!(digest(*algorithm, &document), *pinned, "{algorithm}");
    }
}

#[test]
fn signers_of_every_kind_sign_beside_each_other_and_each_other() {
    for attached in [true, false] {
        let content = (!attached).then_some(CONTENT);
        let first = pki().signer("rsa-2048");
        let mut signed = pki().b(CONTENT, &first, attached, at());
        for kind in KINDS {
            let by = pki().signer(kind);
            let mut options = CadesOptions::Parallel {
                content_digest: None,
            };
            let mut request = pki().request(&by, options.clone(), Properties::default());
            if !attached {
                let own = rubrica::engine::formats::cades::content_digest_algorithm(&request);
                options = CadesOptions::Parallel {
                    content_digest: Some(digest(own, CONTENT)),
                };
                request = pki().request(&by, options, Properties::default());
            }
            signed = pki().sign(&signed, &request, &by, at());
        }
        let found = passes(&signed, content, true);
        assert_eq!(found.signatures.len(), KINDS.len() + 1);
        let before = signed.clone();
        for number in [0, 3, 5] {
            let by = pki().signer("p384");
            let value = value_of(&before, number);
            let number = number_of(&signed, &value);
            let options = CadesOptions::Counter { signature: number };
            let request = pki().request(&by, options, Properties::default());
            signed = pki().sign(&signed, &request, &by, at());
            // And one over that.
            let own = evidence(&signed, content);
            let parent = own.signatures.iter().find(|s| *s.value == *value).unwrap();
            let mut all = own.signatures.iter();
            let counter = all.position(|s| s.countersigns == Some(parent.id)).unwrap();
            let options = CadesOptions::Counter { signature: counter };
            let by = pki().signer("ed25519");
            let request = pki().request(&by, options, Properties::default());
            signed = pki().sign(&signed, &request, &by, at());
        }
        let found = passes(&signed, content, true);
        assert_eq!(found.signatures.len(), KINDS.len() + 1 + 6);
        let counters = found.signatures.iter();
        assert_eq!(counters.filter(|s| s.countersigns.is_some()).count(), 6);
        assert!(has_der_lengths(&signed));
    }
}

/// Two signers, one with a counter-signature that is time-stamped too, all archived; then again.
#[test]
fn many_signers_with_counter_signatures_are_archived_and_renewed() {
    for attached in [true, false] {
        let content = (!attached).then_some(CONTENT);
        let (one, two, three) = (
            pki().signer("p256"),
            pki().signer("rsa-2048-pss"),
            pki().signer("ed25519"),
        );
        let mut signed = pki().b(CONTENT, &one, attached, at());
        let options = CadesOptions::Parallel {
            content_digest: Some(digest(DigestAlgorithm::Sha256, CONTENT)),
        };
        let request = pki().request(&two, options, Properties::default());
        signed = pki().sign(&signed, &request, &two, at());
        let values = [value_of(&signed, 0), value_of(&signed, 1)];
        let options = CadesOptions::Counter { signature: 1 };
        let request = pki().request(&three, options, Properties::default());
        signed = pki().sign(&signed, &request, &three, at());
        let counter = evidence(&signed, content);
        let counter = counter.signatures.iter().find(|s| s.countersigns.is_some());
        let counter = counter.unwrap().value.to_vec();
        for value in values.iter().chain([&counter]) {
            signed = pki().t(&signed, number_of(&signed, value), later(at(), 60));
        }
        for by in [&one, &two, &three] {
            signed = pki().lt(&signed, 0, by, later(at(), 120));
        }
        assert_no_duplicates(&signed);
        for round in 0..3 {
            for value in &values {
                let number = number_of(&signed, value);
                signed = pki().lta(&signed, content, number, later(at(), 180 + round));
            }
            let found = passes(&signed, content, false);
            let archives = found.signatures.iter().flat_map(|s| &s.timestamps);
            let archives = archives.filter(|t| t.kind == TimestampKind::Archive);
            assert_eq!(archives.count() as u64, 2 * (round + 1));
            // What validates the stamps so far goes in before the next.
            signed = pki().lt(&signed, 0, &one, later(at(), 240 + round));
        }
        let found = passes(&signed, content, false);
        let top = found.signatures.iter().filter(|s| s.countersigns.is_none());
        assert!(top.map(|s| s.level.tier).all(|t| t == Tier::Lta));
        // Nothing goes into a counter-signature that an archive time-stamp covers, nor over one.
        let number = number_of(&signed, &counter);
        let imprint = rubrica::engine::pki::timestamp::MessageImprint {
            algorithm: DigestAlgorithm::Sha256,
            digest: digest(DigestAlgorithm::Sha256, &counter),
        };
        let stamp = Material::SignatureTimestamp {
            signature: number,
            token: pki().token(imprint, later(at(), 300)),
        };
        assert_eq!(
            Cades.augment(&signed, &stamp).unwrap_err().kind(),
            ErrorKind::Refused
        );
        let detached: Vec<_> = content.into_iter().map(Detached::of).collect();
        let nested = Cades.archive_imprint(&signed, &detached, number, DigestAlgorithm::Sha256);
        assert_eq!(nested.unwrap_err().kind(), ErrorKind::Refused);
        // A new counter-signature of the signer is something new beside what is covered.
        let options = CadesOptions::Counter {
            signature: number_of(&signed, &values[0]),
        };
        let request = pki().request(&three, options, Properties::default());
        let more = pki().sign(&signed, &request, &three, later(at(), 300));
        passes(
            &pki().lt(&more, 0, &three, later(at(), 310)),
            content,
            false,
        );
    }
}

fn assert_no_duplicates(signed: &[u8]) {
    let data = SignedData::from_ber(signed).unwrap();
    let mut members: Vec<_> = data
        .certificates()
        .iter()
        .map(|c| c.bytes().to_vec())
        .collect();
    members.extend(data.crls().iter().cloned());
    members.extend(data.ocsp_responses().iter().cloned());
    let count = members.len();
    members.sort();
    members.dedup();
    assert_eq!(members.len(), count);
}

#[test]
fn validation_data_that_is_there_is_not_put_there_again() {
    let by = pki().signer("p256");
    let t = pki().t(&pki().b(CONTENT, &by, true, at()), 0, later(at(), 60));
    let material = Material::ValidationData {
        signature: 0,
        certificates: vec![pki().root.certificate.clone(), by.certificate.clone()],
        crls: pki().crls(later(at(), 60)),
        ocsp_responses: vec![pki().ocsp(&by.certificate, at())],
    };
    let once = augment(&t, &material);
    assert_eq!(augment(&once, &material), once);
    assert_eq!(SignedData::from_ber(&once).unwrap().version(), 5);
}

#[test]
fn a_token_over_something_else_is_not_put_in() {
    let by = pki().signer("p256");
    let b = pki().b(CONTENT, &by, true, at());
    let imprint = rubrica::engine::pki::timestamp::MessageImprint {
        algorithm: DigestAlgorithm::Sha256,
        digest: digest(DigestAlgorithm::Sha256, b"another"),
    };
    let token = pki().token(imprint, at());
    for material in [
        Material::SignatureTimestamp {
            signature: 0,
            token: token.clone(),
        },
        Material::ArchiveTimestamp {
            signature: 0,
            token: token.clone(),
        },
        Material::SignatureTimestamp {
            signature: 0,
            token: b"no token".to_vec(),
        },
        Material::SignatureTimestamp {
            signature: 1,
            token,
        },
    ] {
        let error = Cades.augment(&b, &material).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::Internal, "{error}");
    }
}

#[test]
fn a_stream_is_signed_by_its_digest_and_a_counter_signature_for_its_own_message_alone() {
    let by = pki().signer("p256");
    let mut passing = ContentDigests::passing(&[DigestAlgorithm::Sha256]);
    passing.update(CONTENT);
    let digests = passing.finish();
    let request = pki().request(&by, CadesOptions::Detached, Properties::default());
    let prepared = Cades
        .prepare(Content::Streamed(&digests), &request, at())
        .unwrap();
    let value = making::value(&by, &prepared.to_be_signed);
    let signed = Cades
        .embed(b"", prepared.resume, value)
        .unwrap()
        .apply(b"")
        .unwrap();
    passes(&signed, Some(CONTENT), true);
    let attached = pki().request(&by, CadesOptions::Attached, Properties::default());
    assert!(
        Cades
            .prepare(Content::Streamed(&digests), &attached, at())
            .is_err()
    );

    let counter = CadesOptions::Counter { signature: 0 };
    let request = pki().request(&by, counter, Properties::default());
    let prepared = Cades.prepare((&signed).into(), &request, at()).unwrap();
    let value = making::value(&by, &prepared.to_be_signed);
    let other = pki().b(b"otro", &by, true, at());
    let error = Cades.embed(&other, prepared.resume, value).unwrap_err();
    assert_eq!(error.element(), "prepared signature");
}

/// The same message with indefinite lengths around everything that is constructed, but for what `keep` says.
fn as_ber(message: &[u8], depth: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut reader = Reader::ber(message);
    while let Some(element) = reader.next_element().unwrap() {
        let identifier = element.bytes()[0];
        if !element.constructed() || depth == 0 {
            out.extend_from_slice(element.bytes());
        } else {
            out.extend([identifier, 0x80]);
            out.extend(as_ber(element.content(), depth - 1));
            out.extend([0, 0]);
        }
    }
    out
}

/// Content in pieces, as streaming signers write it.
fn in_pieces(message: &[u8]) -> Vec<u8> {
    let whole = der::octet_string(CONTENT);
    let start = message
        .windows(whole.len())
        .position(|w| w == whole)
        .unwrap();
    let (head, tail) = CONTENT.split_at(7);
    let mut pieces = vec![0x24, 0x80];
    pieces.extend(der::octet_string(head));
    pieces.extend(der::octet_string(tail));
    pieces.extend([0, 0]);
    [&message[..start], &pieces, &message[start + whole.len()..]].concat()
}

#[test]
fn what_is_ber_becomes_der_and_stays_good() {
    let by = pki().signer("rsa-2048");
    let der_form = pki().b(CONTENT, &by, true, at());
    // Down to the fields of SignedData; the deepest also opens SignerInfo, its attributes and the certificates' wrapper.
    for depth in [3, 4] {
        let mut ber = as_ber(&der_form, depth);
        if depth == 4 {
            ber = in_pieces(&as_ber(&der_form, 5));
        }
        assert!(!has_der_lengths(&ber));
        let Ok(data) = SignedData::from_ber(&ber) else {
            panic!("the test's own BER")
        };
        let attributes = data.signer_infos()[0].signed_attributes_der();
        let t = pki().t(&ber, 0, later(at(), 60));
        let after = SignedData::from_ber(&t).unwrap();
        assert_eq!(after.signer_infos()[0].signed_attributes_der(), attributes);
        assert_eq!(after.content().as_deref(), Some(CONTENT));
        let mut outer = Reader::der(&t);
        assert!(outer.expect(Tag::SEQUENCE, "ContentInfo").is_ok() && outer.is_empty());
        let found = evidence(&t, None);
        assert!(found.signatures[0].references.iter().all(|r| r.is_intact()));
        let lt = pki().lt(&t, 0, &by, later(at(), 120));
        let lta = pki().lta(&lt, None, 0, later(at(), 180));
        let stamps = &evidence(&lta, None).signatures[0].timestamps;
        assert!(stamps.iter().all(|s| s.imprint.is_intact()), "{depth}");
    }
}

/// An archive time-stamp over BER stays over BER.
#[test]
fn what_an_archive_time_stamp_covers_is_never_written_anew() {
    let by = pki().signer("p256");
    let lt = |signed: &[u8]| {
        let t = pki().t(signed, 0, later(at(), 60));
        pki().lt(&t, 0, &by, later(at(), 120))
    };
    let lta = pki().lta(
        &lt(&pki().b(CONTENT, &by, true, at())),
        None,
        0,
        later(at(), 180),
    );
    for depth in 1..6 {
        let ber = as_ber(&lta, depth);
        let before = evidence(&ber, None);
        let renewed = pki().lta(&ber, None, 0, later(at(), 240));
        let after = evidence(&renewed, None);
        let intact = |found: &Evidence| {
            let stamps = found.signatures[0].timestamps.iter();
            stamps.filter(|s| s.imprint.is_intact()).count()
        };
        assert_eq!(intact(&after), intact(&before) + 1, "{depth}");
    }
}
