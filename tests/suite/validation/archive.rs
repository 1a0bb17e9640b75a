//! A signature of 2011 judged in 2030 (EN 319 102-1 §5.6): everything about it has ended, and a chain of archive time-stamps
//! carries it; each thing that breaks the chain breaks the verdict.

use super::*;
use rubrica::engine::evidence::{
    ArchiveTimestamp, EvidenceRecord, ObjectId, Proof, ProofOfExistence, RecordPlace, Timestamp,
};
use rubrica::engine::validation::{Process, TimestampVerdict};

const NOW: &str = "2030-03-01T12:00:00Z";
const SIGNED: &str = "2011-03-01T10:00:00Z";
const STAMPED: &str = "2011-03-01T10:10:00Z";
const FIRST: &str = "2012-06-01T10:00:00Z";
const SECOND: &str = "2019-09-01T10:00:00Z";

/// A key of any kind that signs by the algorithm.
struct AnyKey(PKey<Private>, SignatureAlgorithm);

impl AnyKey {
    fn p256(digest: DigestAlgorithm) -> AnyKey {
        AnyKey(Key::new().0, SignatureAlgorithm::Ecdsa(digest))
    }

    fn rsa_1024() -> AnyKey {
        let key = PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
        AnyKey(key, SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha256))
    }
}

impl Signer for AnyKey {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.1
    }

    fn sign(&self, message: &[u8]) -> Result<SignatureValue> {
        let digest = match self.1.digest() {
            Some(DigestAlgorithm::Sha1) => MessageDigest::sha1(),
            _ => MessageDigest::sha256(),
        };
        let mut signer = openssl::sign::Signer::new(digest, &self.0).unwrap();
        Ok(SignatureValue(signer.sign_oneshot_to_vec(message).unwrap()))
    }
}

/// A certificate with its key.
struct Holder(Certificate, AnyKey);

impl Holder {
    fn by(
        issuer: &Holder,
        (name, serial): (&'static str, u8),
        key: AnyKey,
        (from, to): (&'static str, &'static str),
        extensions: impl Fn(&[u8]) -> Vec<Extension>,
    ) -> Holder {
        let spki = key.0.public_key_to_der().unwrap();
        let profile = Profile {
            name,
            serial,
            from,
            to,
            extensions: extensions(&spki),
        };
        let wanted = to_be_issued(&profile, &spki, std::slice::from_ref(&serial));
        Holder(issue(&wanted, &issuer.0, &issuer.1).unwrap(), key)
    }

    fn list(&self, revoked: &[Revoked], from: &str) -> Object {
        let to = t(from).plus(Duration::from_secs(7 * 86_400));
        let wanted = ToBeListed {
            number: 1,
            this_update: t(from),
            next_update: to,
            revoked,
            scope: None,
        };
        let list = crl::issue(&wanted, &self.0, &self.1).unwrap();
        Object::new(
            ObjectKind::CertificateRevocationList,
            list.bytes(),
            Origin::Embedded,
        )
    }
}

fn authority(spki: &[u8]) -> Vec<Extension> {
    vec![
        ext::basic_constraints(true, None),
        ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
        ext::subject_key_identifier(spki).unwrap(),
    ]
}

fn stamping(_: &[u8]) -> Vec<Extension> {
    vec![
        ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
        ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
    ]
}

/// The seal's authority signed by SHA-1, acceptable until August 2012, and ended in 2018; the first archive time-stamp is by
/// RSA of 1024 bits, acceptable until October 2019.
struct LongAgo {
    root: Holder,
    ca_2005: Holder,
    ca_2011: Holder,
    ca_2015: Holder,
    seal: Holder,
    tsa_2010: Holder,
    tsa_2012: Holder,
    tsa_2018: Holder,
}

fn long_ago() -> &'static LongAgo {
    static WORLD: OnceLock<LongAgo> = OnceLock::new();
    WORLD.get_or_init(|| {
        let p256 = || AnyKey::p256(DigestAlgorithm::Sha256);
        let key = p256();
        let spki = key.0.public_key_to_der().unwrap();
        let profile = Profile {
            name: "Root",
            serial: 1,
            from: "2005-01-01T00:00:00Z",
            to: "2049-12-31T23:59:59Z",
            extensions: authority(&spki),
        };
        let root = issue_self_signed(&to_be_issued(&profile, &spki, &[1]), &key).unwrap();
        let root = Holder(root, key);
        let ca =
            |name: (&'static str, u8), key, life| Holder::by(&root, name, key, life, authority);
        let life = ("2005-01-01T00:00:00Z", "2018-01-01T00:00:00Z");
        let ca_2005 = ca(("CA 2005", 2), AnyKey::p256(DigestAlgorithm::Sha1), life);
        let life = ("2011-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
        let ca_2011 = ca(("CA 2011", 3), p256(), life);
        let life = ("2015-01-01T00:00:00Z", "2045-01-01T00:00:00Z");
        let ca_2015 = ca(("CA 2015", 4), p256(), life);
        let life = ("2010-01-01T00:00:00Z", "2013-12-31T23:59:59Z");
        let seal = Holder::by(&ca_2005, ("Sello", 0x21), p256(), life, |_| vec![signing()]);
        let life = ("2010-01-01T00:00:00Z", "2014-12-31T23:59:59Z");
        let tsa_2010 = Holder::by(&ca_2005, ("TSA 2010", 0x22), p256(), life, stamping);
        let life = ("2012-01-01T00:00:00Z", "2022-12-31T23:59:59Z");
        let key = AnyKey::rsa_1024();
        let tsa_2012 = Holder::by(&ca_2011, ("TSA 2012", 0x23), key, life, stamping);
        let life = ("2018-01-01T00:00:00Z", "2040-12-31T23:59:59Z");
        let tsa_2018 = Holder::by(&ca_2015, ("TSA 2018", 0x24), p256(), life, stamping);
        LongAgo {
            root,
            ca_2005,
            ca_2011,
            ca_2015,
            seal,
            tsa_2010,
            tsa_2012,
            tsa_2018,
        }
    })
}

fn certificate(of: &Holder) -> Object {
    Object::new(ObjectKind::Certificate, of.0.bytes(), Origin::Embedded)
}

/// A time-stamp over `over`, and over what it names.
fn stamp(
    tsa: &Holder,
    kind: TimestampKind,
    (over, at): (&[u8], &str),
    (covers, signatures): (&[ObjectId], &[ObjectId]),
    evidence: &mut Evidence,
) -> Timestamp {
    let issuer = match tsa.0.subject().common_name().as_str() {
        "TSA 2010" => &long_ago().ca_2005,
        "TSA 2012" => &long_ago().ca_2011,
        _ => &long_ago().ca_2015,
    };
    let token = token_of(&tsa.0, &issuer.0, &tsa.1, over, at);
    let digests = |algorithm| Some(digest(algorithm, over));
    let mut budget = Limits::default().budget();
    let mut stamp =
        inspect_timestamp(&token, kind, &digests, &mut evidence.pool, &mut budget).unwrap();
    stamp.covers = covers.to_vec();
    stamp.signatures = signatures.to_vec();
    stamp
}

type Listed<'a> = &'a [(Issuer, Revoked)];

/// Whose list of today says what.
#[derive(Clone, Copy, PartialEq)]
enum Issuer {
    Root,
    Ca2005,
    Ca2011,
}

/// The signature with its time-stamp and two archive time-stamps, in this order.
fn evidence(revoked: Listed<'_>) -> Evidence {
    let w = long_ago();
    let content = b"resolucion";
    let request = SignRequest {
        certificate: w.seal.0.clone(),
        chain: vec![w.ca_2005.0.clone()],
        algorithm: w.seal.1.algorithm(),
        digest: DigestAlgorithm::Sha256,
        timestamp_reserve: 0,
        properties: Properties::default(),
        options: Options::Cades(CadesOptions::Attached),
    };
    let prepared = Cades.prepare(content.into(), &request, t(SIGNED)).unwrap();
    let value = w.seal.1.sign(&prepared.to_be_signed).unwrap();
    let signed = Cades
        .embed(content, prepared.resume, value.clone())
        .unwrap()
        .apply(content)
        .unwrap();
    let input = Input {
        document: &signed,
        detached: &[],
    };
    let mut evidence = Cades
        .inspect(input, &mut Limits::default().budget())
        .unwrap();
    let own = evidence.signatures[0].id;
    let kind = TimestampKind::Signature;
    let over = (&value.0[..], STAMPED);
    let of_signature = stamp(&w.tsa_2010, kind, over, (&[], &[own]), &mut evidence);
    let listed = "2012-05-30T10:00:00Z";
    let mut covered: Vec<ObjectId> = Vec::new();
    let add = |objects: &[Object], evidence: &mut Evidence, covered: &mut Vec<ObjectId>| {
        covered.extend(
            objects
                .iter()
                .map(|object| evidence.pool.add(object.clone())),
        );
    };
    add(
        &[
            certificate(&w.seal),
            certificate(&w.ca_2005),
            certificate(&w.tsa_2010),
            w.ca_2005.list(&[], listed),
            w.root.list(&[], listed),
        ],
        &mut evidence,
        &mut covered,
    );
    covered.push(of_signature.token);
    let kind = TimestampKind::Archive;
    let over = (&b"first"[..], FIRST);
    let first = stamp(&w.tsa_2012, kind, over, (&covered, &[own]), &mut evidence);
    let listed = "2019-08-30T10:00:00Z";
    add(
        &[
            certificate(&w.tsa_2012),
            certificate(&w.ca_2011),
            w.ca_2011.list(&[], listed),
            w.root.list(&[], listed),
        ],
        &mut evidence,
        &mut covered,
    );
    covered.push(first.token);
    let over = (&b"second"[..], SECOND);
    let second = stamp(&w.tsa_2018, kind, over, (&covered, &[own]), &mut evidence);
    evidence.signatures[0].timestamps = vec![of_signature, first, second];
    today(&mut evidence, revoked);
    evidence
}

/// What the authorities of today say.
fn today(evidence: &mut Evidence, revoked: Listed<'_>) {
    let w = long_ago();
    let of = |issuer: Issuer| -> Vec<Revoked> {
        let found = revoked.iter().filter(|(who, _)| *who == issuer);
        found.map(|(_, one)| one.clone()).collect()
    };
    let listed = "2030-02-28T10:00:00Z";
    let lists = [
        certificate(&w.ca_2015),
        w.root.list(&of(Issuer::Root), listed),
        w.ca_2015.list(&[], listed),
    ];
    for list in lists {
        evidence.pool.add(list);
    }
    for (issuer, holder) in [(Issuer::Ca2005, &w.ca_2005), (Issuer::Ca2011, &w.ca_2011)] {
        if !of(issuer).is_empty() {
            evidence.pool.add(holder.list(&of(issuer), listed));
        }
    }
}

fn judge(evidence: &Evidence) -> SignatureVerdict {
    let policy = Policy::baseline(Anchors::new([long_ago().root.0.clone()]));
    validate(evidence, &policy, t(NOW)).signatures.remove(0)
}

fn changed(change: impl Fn(&mut Evidence)) -> SignatureVerdict {
    let mut evidence = evidence(&[]);
    change(&mut evidence);
    judge(&evidence)
}

fn with_revoked(issuer: Issuer, serial: u8, at: &str) -> SignatureVerdict {
    let reason = RevocationReason::KeyCompromise;
    judge(&evidence(&[(issuer, revoked(serial, at, reason))]))
}

fn passes(verdict: &SignatureVerdict) {
    let negative = verdict.findings.iter().filter(|f| f.is_negative());
    let negative: Vec<_> = negative.collect();
    assert_eq!(verdict.sub_indication, None, "{negative:#?}");
}

fn fails(verdict: &SignatureVerdict, sub: SubIndication) {
    let negative = verdict.findings.iter().filter(|f| f.is_negative());
    let negative: Vec<_> = negative.collect();
    assert_eq!(verdict.sub_indication, Some(sub), "{negative:#?}");
}

fn stamps(evidence: &mut Evidence) -> &mut Vec<Timestamp> {
    &mut evidence.signatures[0].timestamps
}

#[test]
fn what_has_all_ended_passes_by_its_chain_of_archive_time_stamps() {
    let verdict = changed(|_| {});
    passes(&verdict);
    assert_eq!(verdict.process, Process::LongTerm);
    assert_eq!(verdict.best_signature_time, t(STAMPED));
    assert_eq!(verdict.path.len(), 3);
    let of_seal = ObjectId(long_ago().seal.0.fingerprint());
    let proof = verdict.proofs.iter().find(|proof| proof.of == of_seal);
    // By its digest in the signature, which the first time-stamp is over.
    assert_eq!(proof.map(|proof| proof.at), Some(t(STAMPED)));
    let held = |stamp: &TimestampVerdict| stamp.sub_indication.is_none();
    assert!(verdict.timestamps.iter().all(held));
    assert!(
        verdict
            .proofs
            .iter()
            .all(|proof| proof.by != Proof::Validation)
    );
    // Without the signature's own time-stamp, the first of the archive is the proof.
    let verdict = changed(|e| drop(stamps(e).remove(0)));
    passes(&verdict);
    assert_eq!(verdict.best_signature_time, t(FIRST));
    // In whatever order they stand.
    let verdict = changed(|e| stamps(e).reverse());
    passes(&verdict);
}

#[test]
fn a_missing_link_breaks_the_chain() {
    fails(
        &changed(|e| stamps(e).truncate(2)),
        SubIndication::OutOfBoundsNoPoe,
    );
    fails(
        &changed(|e| stamps(e).truncate(1)),
        SubIndication::OutOfBoundsNoPoe,
    );
    // The middle one away, the last proves that all of it was there in 2019, which is after the ends.
    let verdict = changed(|e| drop(stamps(e).remove(1)));
    fails(&verdict, SubIndication::OutOfBoundsNoPoe);
    assert_eq!(verdict.best_signature_time, t(SECOND));
}

#[test]
fn an_archive_time_stamp_that_does_not_hold_carries_nothing() {
    let sub = SubIndication::OutOfBoundsNoPoe;
    fails(
        &changed(|e| stamps(e)[2].imprint.actual = Some(vec![0; 32].into())),
        sub,
    );
    fails(&changed(|e| stamps(e)[2].imprint.actual = None), sub);
    for index in [1, 2] {
        let forged = changed(|e| {
            let signature = &mut stamps(e)[index].signature;
            let mut value = signature.value.to_vec();
            *value.last_mut().unwrap() ^= 1;
            signature.value = value.into();
        });
        fails(&forged, sub);
    }
}

#[test]
fn what_an_archive_time_stamp_is_not_over_it_does_not_carry() {
    // The token of the first: its authority has ended, and nothing else proves it.
    let without = |index: usize, object: fn(&Evidence) -> ObjectId| {
        changed(|e| {
            let object = object(e);
            stamps(e)[index].covers.retain(|id| *id != object);
        })
    };
    let token = |e: &Evidence| e.signatures[0].timestamps[1].token;
    fails(&without(2, token), SubIndication::OutOfBoundsNoPoe);
    // That of the signature's own: the archive is the proof.
    let token = |e: &Evidence| e.signatures[0].timestamps[0].token;
    let verdict = without(1, token);
    passes(&verdict);
    assert_eq!(verdict.best_signature_time, t(FIRST));
    // All that the first is over but the signature: that is proven, and the lists are not from when they counted.
    let verdict = changed(|e| stamps(e)[1].covers.clear());
    fails(&verdict, SubIndication::NoPoe);
}

#[test]
fn revocations_count_by_when_what_they_are_about_is_proven() {
    passes(&with_revoked(Issuer::Ca2005, 0x21, "2012-07-01T00:00:00Z"));
    let before = with_revoked(Issuer::Ca2005, 0x21, "2011-02-01T00:00:00Z");
    // That list is by SHA-1 and of an ended authority: it is not believed now, and nobody gains by forging a revocation.
    fails(&before, SubIndication::OutOfBoundsNoPoe);
    // The authority: lists and time-stamp of it are proven by the first archive time-stamp.
    passes(&with_revoked(Issuer::Root, 2, "2015-01-01T00:00:00Z"));
    let before = with_revoked(Issuer::Root, 2, "2012-05-31T00:00:00Z");
    assert_eq!(before.indication, Indication::Indeterminate);
    // The authority of the first archive time-stamp, before and after the second proves it.
    passes(&with_revoked(Issuer::Ca2011, 0x23, "2021-12-01T00:00:00Z"));
    let before = with_revoked(Issuer::Ca2011, 0x23, "2015-01-01T00:00:00Z");
    assert_eq!(before.indication, Indication::Indeterminate);
    let stamp = &before.timestamps[1];
    assert_eq!(stamp.sub_indication, Some(SubIndication::RevokedNoPoe));
}

#[test]
fn no_time_stamp_proves_itself_or_what_proves_it() {
    // An ended authority dates a token back, and stamps it by one of its own.
    let forged = changed(|e| {
        let own = e.signatures[0].id;
        let first = stamps(e)[1].token;
        stamps(e).remove(2);
        let over = (&b"again"[..], "2019-01-01T00:00:00Z");
        let kind = TimestampKind::Archive;
        let mut again = stamp(&long_ago().tsa_2012, kind, over, (&[first], &[own]), e);
        again.covers.push(again.token);
        again.covers.push(again.signature.id);
        stamps(e).push(again);
    });
    fails(&forged, SubIndication::OutOfBoundsNoPoe);
    // Each over the other, at the same instant.
    let cycle = changed(|e| {
        stamps(e).remove(2);
        let over = (&b"again"[..], FIRST);
        let kind = TimestampKind::Archive;
        let first = stamps(e)[1].token;
        let again = stamp(&long_ago().tsa_2012, kind, over, (&[first], &[]), e);
        stamps(e)[1].covers.push(again.token);
        stamps(e).push(again);
    });
    fails(&cycle, SubIndication::OutOfBoundsNoPoe);
}

#[test]
fn an_archive_of_hundreds_of_time_stamps_ends() {
    let verdict = changed(|e| {
        let last = stamps(e)[2].clone();
        stamps(e).extend((0..1_000).map(|_| last.clone()));
    });
    assert_eq!(verdict.timestamps.len(), 1_003);
    let again = changed(|e| {
        let last = stamps(e)[1].clone();
        stamps(e).extend((0..1_000).map(|_| last.clone()));
    });
    assert_eq!(again.timestamps.len(), 1_003);
}

#[test]
fn an_algorithm_counts_until_its_end_and_what_is_proven_by_then() {
    let w = long_ago();
    // Signed by RSA of 1024 bits, with everything of the authority valid today.
    let life = ("2018-01-01T00:00:00Z", "2040-12-31T23:59:59Z");
    let signer = Holder::by(
        &w.ca_2015,
        ("Sello 2018", 0x41),
        AnyKey::rsa_1024(),
        life,
        |_| vec![signing()],
    );
    let judged = |proven: Option<&str>| {
        let content = b"resolucion";
        let request = SignRequest {
            certificate: signer.0.clone(),
            chain: vec![w.ca_2015.0.clone()],
            algorithm: signer.1.algorithm(),
            digest: DigestAlgorithm::Sha256,
            timestamp_reserve: 0,
            properties: Properties::default(),
            options: Options::Cades(CadesOptions::Attached),
        };
        let at = t("2019-06-01T10:00:00Z");
        let prepared = Cades.prepare(content.into(), &request, at).unwrap();
        let value = signer.1.sign(&prepared.to_be_signed).unwrap();
        let signed = Cades
            .embed(content, prepared.resume, value.clone())
            .unwrap();
        let signed = signed.apply(content).unwrap();
        let input = Input {
            document: &signed,
            detached: &[],
        };
        let mut budget = Limits::default().budget();
        let mut evidence = Cades.inspect(input, &mut budget).unwrap();
        today(&mut evidence, &[]);
        if let Some(at) = proven {
            let own = evidence.signatures[0].id;
            let (kind, over) = (TimestampKind::Signature, (&value.0[..], at));
            let stamp = stamp(&w.tsa_2018, kind, over, (&[], &[own]), &mut evidence);
            stamps(&mut evidence).push(stamp);
        }
        judge(&evidence)
    };
    passes(&judged(Some("2019-09-30T23:59:59Z")));
    let sub = SubIndication::CryptoConstraintsFailureNoPoe;
    fails(&judged(Some("2019-10-01T00:00:00Z")), sub);
    fails(&judged(None), sub);
}

#[test]
fn an_evidence_record_carries_as_archive_time_stamps_do() {
    let with_record = |change: fn(&mut EvidenceRecord)| {
        changed(|e| {
            let archive = stamps(e).split_off(1).into_iter().enumerate();
            let reference = e.signatures[0].references[0].clone();
            let timestamps = archive.map(|(chain, timestamp)| ArchiveTimestamp {
                chain: u32::try_from(chain).unwrap(),
                references: vec![reference.clone()],
                timestamp,
            });
            let mut record = EvidenceRecord {
                id: ObjectId::of(b"record"),
                name: "record".to_string(),
                place: RecordPlace::Apart,
                faults: Vec::new(),
                timestamps: timestamps.collect(),
            };
            change(&mut record);
            e.records.push(record);
        })
    };
    let verdict = with_record(|_| {});
    passes(&verdict);
    // Of the signature's own time-stamp, which the record proves to be from before its authority's end.
    assert_eq!(verdict.best_signature_time, t(STAMPED));
    let by = |proof: &ProofOfExistence| proof.by == Proof::EvidenceRecord(ObjectId::of(b"record"));
    assert!(verdict.proofs.iter().any(by));
    let broken: [fn(&mut EvidenceRecord); 4] = [
        |record| record.timestamps[0].references[0].actual = None,
        |record| {
            record
                .faults
                .push(Fault::failure("record.test", "RFC 4998", ""))
        },
        |record| drop(record.timestamps.pop()),
        |record| record.timestamps[1].timestamp.covers.clear(),
    ];
    for change in broken {
        fails(&with_record(change), SubIndication::OutOfBoundsNoPoe);
    }
}
