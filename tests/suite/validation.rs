//! EN 319 102-1 on evidence that differs from one that passes by a single thing; each sub-indication that this version
//! can come to is come to here.

mod archive;
mod constraints;
mod lifetimes;
mod past;
mod sub_indications;

use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::crl::{Revoked, ToBeListed};
use rubrica::engine::authority::ocsp::{IdentifiedBy, Responder};
use rubrica::engine::authority::timestamp::Authority;
use rubrica::engine::authority::{crl, extension as ext, ocsp, timestamp};
use rubrica::engine::crypto::{
    DigestAlgorithm, SignatureAlgorithm, SignatureValue, Signer, digest,
};
use rubrica::engine::evidence::{
    ChangeKind, Evidence, Fault, LaterChange, Object, ObjectKind, Origin, SignedData,
    SignerReference, TimestampKind, read, write,
};
use rubrica::engine::formats::asic::Asic;
use rubrica::engine::formats::cades::{Cades, inspect_timestamp};
use rubrica::engine::formats::{
    CadesOptions, Detached, Format, Input, Material, Options, Properties, SignRequest,
};
use rubrica::engine::limits::Limits;
use rubrica::engine::pki::crl::{IssuingDistributionPoint, RevocationReason};
use rubrica::engine::pki::extension::{Extension, GeneralName, KeyUsage};
use rubrica::engine::pki::ocsp::{CertId, CertStatus, request as ocsp_request};
use rubrica::engine::pki::timestamp::{MessageImprint, TimestampRequest, read_response};
use rubrica::engine::pki::trust::{Anchor, Anchors, TrustPeriod};
use rubrica::engine::pki::{Certificate, Validity};
use rubrica::engine::syntax::asn1::{Oid, Reader, Tag, der, names};
use rubrica::engine::syntax::zip;
use rubrica::engine::validation::{
    Indication, Policy, Revocation, SignatureVerdict, SubIndication, Verdict, Want, validate,
};
use rubrica::engine::{Result, Time};
use std::sync::OnceLock;
use std::time::Duration;

struct Key(PKey<Private>);

impl Key {
    fn new() -> Key {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        Key(PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap())
    }

    fn spki(&self) -> Vec<u8> {
        self.0.public_key_to_der().unwrap()
    }
}

impl Signer for Key {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)
    }

    fn sign(&self, message: &[u8]) -> Result<SignatureValue> {
        let mut signer = openssl::sign::Signer::new(MessageDigest::sha256(), &self.0).unwrap();
        Ok(SignatureValue(signer.sign_oneshot_to_vec(message).unwrap()))
    }
}

fn t(text: &str) -> Time {
    text.parse().unwrap()
}

/// The seal's certificate lives from 2026-01-01 to 2027-12-31.
const SIGNED: &str = "2026-03-01T10:00:00Z";
const NOW: &str = "2026-03-01T12:00:00Z";

/// A hierarchy: root, issuing authority, seal, time-stamping authority, OCSP responder.
struct World {
    root: Certificate,
    root_key: Key,
    ca: Certificate,
    ca_key: Key,
    seal: Certificate,
    seal_key: Key,
    tsa: Certificate,
    tsa_key: Key,
    responder: Certificate,
    responder_key: Key,
}

struct Profile<'a> {
    name: &'a str,
    serial: u8,
    from: &'a str,
    to: &'a str,
    extensions: Vec<Extension>,
}

fn to_be_issued<'a>(profile: &Profile<'_>, spki: &'a [u8], serial: &'a [u8]) -> ToBeIssued<'a> {
    ToBeIssued {
        serial,
        subject: distinguished_name(&[
            (names::AT_COUNTRY, "ES"),
            (names::AT_COMMON_NAME, profile.name),
        ])
        .unwrap(),
        validity: Validity {
            not_before: t(profile.from),
            not_after: t(profile.to),
        },
        public_key: spki,
        extensions: profile.extensions.clone(),
    }
}

fn certify(
    profile: &Profile<'_>,
    key: &Key,
    issuer: &Certificate,
    issuer_key: &Key,
) -> Certificate {
    let (spki, serial) = (key.spki(), [profile.serial]);
    issue(&to_be_issued(profile, &spki, &serial), issuer, issuer_key).unwrap()
}

fn authority_extensions(key: &Key, path_length: Option<u32>) -> Vec<Extension> {
    vec![
        ext::basic_constraints(true, path_length),
        ext::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
        ext::subject_key_identifier(&key.spki()).unwrap(),
    ]
}

fn signing() -> Extension {
    ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE, KeyUsage::NON_REPUDIATION])
}

fn seal_profile() -> Profile<'static> {
    Profile {
        name: "Sello",
        serial: 0x21,
        from: "2026-01-01T00:00:00Z",
        to: "2027-12-31T23:59:59Z",
        extensions: vec![
            signing(),
            ext::crl_distribution_points(&["http://crl.example/ca.crl"]),
            ext::authority_information_access(Some("http://ocsp.example"), None),
        ],
    }
}

fn ca_profile(key: &Key) -> Profile<'static> {
    Profile {
        name: "CA",
        serial: 0x11,
        from: "2020-01-01T00:00:00Z",
        to: "2045-12-31T23:59:59Z",
        extensions: authority_extensions(key, Some(0)),
    }
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let keys: [Key; 5] = std::array::from_fn(|_| Key::new());
        let [root_key, ca_key, seal_key, tsa_key, responder_key] = keys;
        let (spki, profile) = (
            root_key.spki(),
            Profile {
                name: "Root",
                serial: 1,
                from: "2020-01-01T00:00:00Z",
                to: "2049-12-31T23:59:59Z",
                extensions: authority_extensions(&root_key, None),
            },
        );
        let root = issue_self_signed(&to_be_issued(&profile, &spki, &[1]), &root_key).unwrap();
        let ca = certify(&ca_profile(&ca_key), &ca_key, &root, &root_key);
        let seal = certify(&seal_profile(), &seal_key, &ca, &ca_key);
        let tsa = certify(
            &Profile {
                name: "TSA",
                serial: 0x22,
                extensions: vec![
                    ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                    ext::extended_key_usage(&[names::ID_KP_TIME_STAMPING], true),
                ],
                to: "2040-12-31T23:59:59Z",
                ..seal_profile()
            },
            &tsa_key,
            &ca,
            &ca_key,
        );
        let responder = certify(
            &Profile {
                name: "OCSP",
                serial: 0x23,
                extensions: vec![
                    ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                    ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
                    ext::ocsp_nocheck(),
                ],
                ..seal_profile()
            },
            &responder_key,
            &ca,
            &ca_key,
        );
        World {
            root,
            root_key,
            ca,
            ca_key,
            seal,
            seal_key,
            tsa,
            tsa_key,
            responder,
            responder_key,
        }
    })
}

fn list(
    issuer: &Certificate,
    key: &Key,
    revoked: &[Revoked],
    scope: Option<&IssuingDistributionPoint>,
    from: &str,
    to: &str,
) -> Object {
    let wanted = ToBeListed {
        number: 1,
        this_update: t(from),
        next_update: t(to),
        revoked,
        scope,
    };
    let list = crl::issue(&wanted, issuer, key).unwrap();
    Object::new(
        ObjectKind::CertificateRevocationList,
        list.bytes(),
        Origin::Given,
    )
}

fn revoked(serial: u8, time: &str, reason: RevocationReason) -> Revoked {
    Revoked {
        serial: vec![serial],
        time: t(time),
        reason: Some(reason),
    }
}

/// Lists of root and authority, issued at the day of signing and good for a week; what the authority's revokes is given.
fn lists(revocations: &[Revoked]) -> Vec<Object> {
    let w = world();
    let (from, to) = ("2026-03-01T11:00:00Z", "2026-03-08T11:00:00Z");
    vec![
        list(&w.root, &w.root_key, &[], None, from, to),
        list(&w.ca, &w.ca_key, revocations, None, from, to),
    ]
}

fn answer(certificate: &Certificate, status: CertStatus, from: &str) -> Object {
    let w = world();
    let id = CertId::new(certificate, &w.ca, DigestAlgorithm::Sha1).unwrap();
    let responder = Responder {
        issuer: &w.ca,
        certificate: &w.responder,
        signer: &w.responder_key,
        identified_by: IdentifiedBy::Key,
        lifetime: Duration::from_secs(86_400),
    };
    let bytes = ocsp::answer(&ocsp_request(&id, None), &responder, &|_| status, t(from)).unwrap();
    Object::new(ObjectKind::OcspResponse, bytes, Origin::Given)
}

fn token(over: &[u8], at: &str) -> Vec<u8> {
    token_by(&world().tsa, over, at)
}

fn token_by(tsa: &Certificate, over: &[u8], at: &str) -> Vec<u8> {
    token_of(tsa, &world().ca, &world().tsa_key, over, at)
}

fn token_of(
    tsa: &Certificate,
    issuer: &Certificate,
    signer: &dyn Signer,
    over: &[u8],
    at: &str,
) -> Vec<u8> {
    let authority = Authority {
        certificate: tsa,
        chain: std::slice::from_ref(issuer),
        signer,
        policies: &[Oid::new(&[1, 3, 6, 1, 4, 1, 99999, 1])],
        digests: &[DigestAlgorithm::Sha256],
        accuracy: None,
        ordering: false,
        named: false,
        qualified: false,
        reference: DigestAlgorithm::Sha256,
    };
    let request = TimestampRequest {
        message_imprint: MessageImprint {
            algorithm: DigestAlgorithm::Sha256,
            digest: digest(DigestAlgorithm::Sha256, over),
        },
        policy: None,
        nonce: None,
        certificates: true,
    };
    let response = timestamp::answer(&request.to_der(), &authority, &[7], || Some(t(at))).response;
    read_response(&response, &request).unwrap().bytes().to_vec()
}

/// What is signed, by whom, with which time-stamp, judged with what at hand.
struct Case {
    seal: Certificate,
    chain: Vec<Certificate>,
    stamped: Option<&'static str>,
    objects: Vec<Object>,
    anchors: Vec<Certificate>,
    now: &'static str,
    change: fn(&mut Evidence),
    policy: fn(&mut Policy),
}

fn good() -> Case {
    let w = world();
    Case {
        seal: w.seal.clone(),
        chain: vec![w.ca.clone()],
        stamped: None,
        objects: lists(&[]),
        anchors: vec![w.root.clone()],
        now: NOW,
        change: |_| {},
        policy: |_| {},
    }
}

impl Case {
    fn evidence(&self) -> Evidence {
        let content = b"solicitud";
        let request = SignRequest {
            certificate: self.seal.clone(),
            chain: self.chain.clone(),
            algorithm: world().seal_key.algorithm(),
            digest: DigestAlgorithm::Sha256,
            timestamp_reserve: 0,
            properties: Properties::default(),
            options: Options::Cades(CadesOptions::Attached),
        };
        let prepared = Cades.prepare(content.into(), &request, t(SIGNED)).unwrap();
        let value = world().seal_key.sign(&prepared.to_be_signed).unwrap();
        let stamp = self.stamped.map(|at| token(&value.0, at));
        let mut signed = Cades
            .embed(content, prepared.resume, value)
            .unwrap()
            .apply(content)
            .unwrap();
        if let Some(token) = stamp {
            let material = Material::SignatureTimestamp {
                signature: 0,
                token,
            };
            signed = Cades
                .augment(&signed, &material)
                .unwrap()
                .apply(&signed)
                .unwrap();
        }
        let input = Input {
            document: &signed,
            detached: &[],
        };
        let mut evidence = Cades
            .inspect(input, &mut Limits::default().budget())
            .unwrap();
        for object in &self.objects {
            evidence.pool.add(object.clone());
        }
        (self.change)(&mut evidence);
        evidence
    }

    fn policy(&self) -> Policy {
        let mut policy = Policy::baseline(Anchors::new(self.anchors.clone()));
        (self.policy)(&mut policy);
        policy
    }

    fn verdict(&self) -> Verdict {
        validate(&self.evidence(), &self.policy(), t(self.now))
    }

    fn signature(&self) -> SignatureVerdict {
        self.verdict().signatures.remove(0)
    }

    fn passes(&self) {
        let verdict = self.signature();
        assert_eq!(verdict.sub_indication, None, "{:#?}", verdict.findings);
        assert_eq!(verdict.indication, Indication::TotalPassed);
    }

    /// Fails with this sub-indication, and a finding of this check says why.
    fn fails(&self, sub: SubIndication, check: &str) {
        let verdict = self.signature();
        assert_eq!(verdict.sub_indication, Some(sub), "{:#?}", verdict.findings);
        assert_eq!(verdict.indication, sub.indication());
        let finding = verdict
            .findings
            .iter()
            .find(|f| f.sub_indication == Some(sub));
        assert_eq!(finding.map(|f| f.check.as_str()), Some(check));
    }
}

fn pooled(certificate: &Certificate) -> Object {
    Object::new(ObjectKind::Certificate, certificate.bytes(), Origin::Given)
}

#[test]
fn a_signature_with_everything_at_hand_passes() {
    good().passes();
    let verdict = good().signature();
    assert_eq!(verdict.mathematics, Some(true));
    assert_eq!(verdict.path.len(), 3);
    assert_eq!(verdict.best_signature_time, t(NOW));
    assert!(good().verdict().wanted.is_empty());
}

#[test]
fn ocsp_answers_for_the_certificate_as_well_as_a_list() {
    let mut case = good();
    case.objects.truncate(1);
    let want = case.verdict().wanted;
    assert!(
        matches!(&want[..], [Want::Revocation { ocsp, crls, .. }] if ocsp.len() == 1 && crls.len() == 1)
    );
    case.fails(SubIndication::TryLater, "revocation.missing");
    case.objects.push(answer(
        &world().seal,
        CertStatus::Good,
        "2026-03-01T11:30:00Z",
    ));
    case.passes();
}

#[test]
fn format_failure() {
    let mut case = good();
    case.change = |e| {
        e.signatures[0]
            .faults
            .push(Fault::failure("cms.test", "RFC 5652", ""))
    };
    case.fails(SubIndication::FormatFailure, "cms.test");
    case.change = |e| e.faults.push(Fault::failure("pdf.test", "ISO 32000-2", ""));
    case.fails(SubIndication::FormatFailure, "pdf.test");
    assert_eq!(case.verdict().indication, Some(Indication::TotalFailed));
    case.change = |e| {
        e.signatures[0]
            .faults
            .push(Fault::warning("cms.test", "RFC 5652", ""))
    };
    case.passes();
}

#[test]
fn hash_failure_and_signed_data_not_found() {
    let mut case = good();
    case.change = |e| e.signatures[0].references[0].actual = Some(vec![0; 32].into());
    case.fails(SubIndication::HashFailure, "reference.altered");
    assert_eq!(case.signature().mathematics, Some(false));
    case.change = |e| e.signatures[0].references[0].actual = None;
    case.fails(SubIndication::SignedDataNotFound, "reference.not_found");
    assert_eq!(case.signature().mathematics, None);
    case.change = |e| e.signatures[0].references.clear();
    case.fails(SubIndication::SignedDataNotFound, "reference.none");
    case.change = |e| e.signatures[0].signed = SignedData::Content(None);
    case.fails(SubIndication::SignedDataNotFound, "reference.not_found");
}

#[test]
fn sig_crypto_failure() {
    let mut case = good();
    case.change = |e| {
        let mut value = e.signatures[0].value.to_vec();
        let last = value.len() - 1;
        value[last] ^= 1;
        e.signatures[0].value = value.into();
    };
    case.fails(SubIndication::SigCryptoFailure, "value.wrong");
    case.change = |e| e.signatures[0].signed = SignedData::Attributes(b"other"[..].into());
    case.fails(SubIndication::SigCryptoFailure, "value.wrong");
}

#[test]
fn no_signing_certificate_found() {
    let mut case = good();
    case.change = |e| e.signatures[0].certificate_references[0].digest = vec![1; 32].into();
    case.fails(
        SubIndication::NoSigningCertificateFound,
        "signing_certificate.reference_mismatch",
    );
    case.change = |e| {
        e.signatures[0].certificate_references.clear();
        e.signatures[0].signer = SignerReference::KeyIdentifier(vec![1].into());
    };
    case.fails(
        SubIndication::NoSigningCertificateFound,
        "signing_certificate.not_found",
    );
    // An unsigned name suffices where there is no signed reference, and is told; a wrong issuerSerial beside the
    // right digest is told too.
    case.change = |e| e.signatures[0].certificate_references.clear();
    case.passes();
    case.change = |e| {
        let reference = &mut e.signatures[0].certificate_references[0];
        let issuer = reference.issuer_serial.take().unwrap().0;
        reference.issuer_serial = Some((issuer, vec![9].into()));
    };
    case.passes();
    let check = "signing_certificate.issuer_serial_differs";
    assert!(case.signature().findings.iter().any(|f| f.check == check));
}

#[test]
fn no_certificate_chain_found() {
    let mut case = good();
    case.anchors = Vec::new();
    case.fails(
        SubIndication::NoCertificateChainFound,
        "path.issuer_unknown",
    );
    case.objects.push(pooled(&world().root));
    case.fails(
        SubIndication::NoCertificateChainFound,
        "path.untrusted_root",
    );
    let mut case = good();
    case.chain = Vec::new();
    case.fails(
        SubIndication::NoCertificateChainFound,
        "path.issuer_unknown",
    );
    case.objects.push(pooled(&world().ca));
    case.passes();
}

#[test]
fn a_namesake_of_the_issuer_is_no_issuer() {
    let w = world();
    let other_key = Key::new();
    let namesake = certify(&ca_profile(&other_key), &other_key, &w.root, &w.root_key);
    let mut case = good();
    case.objects.push(pooled(&namesake));
    case.passes();
    case.chain = vec![namesake];
    case.fails(
        SubIndication::NoCertificateChainFound,
        "path.issuer_did_not_sign",
    );
}

#[test]
fn certificate_chain_general_failure() {
    let w = world();
    let with = |extensions: Vec<Extension>| {
        let profile = Profile {
            extensions,
            ..ca_profile(&w.ca_key)
        };
        let mut case = good();
        case.chain = vec![certify(&profile, &w.ca_key, &w.root, &w.root_key)];
        case
    };
    let sub = SubIndication::CertificateChainGeneralFailure;
    with(authority_extensions(&w.ca_key, Some(0))).passes();
    let mut extensions = authority_extensions(&w.ca_key, Some(0));
    extensions[0] = ext::basic_constraints(false, None);
    with(extensions).fails(sub, "path.not_authority");
    let mut extensions = authority_extensions(&w.ca_key, Some(0));
    extensions[1] = ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]);
    with(extensions).fails(sub, "path.key_usage");
    let mut extensions = authority_extensions(&w.ca_key, Some(0));
    extensions.push(Extension {
        id: names::ID_CE_NAME_CONSTRAINTS,
        critical: true,
        value: vec![0x30, 0],
    });
    with(extensions.clone()).fails(sub, "path.malformed_extension");
    extensions[3].id = Oid::new(&[1, 2, 3]);
    with(extensions).fails(sub, "path.unknown_critical");
}

#[test]
fn a_path_longer_than_its_authority_allows() {
    let w = world();
    let (sub_key, seal_key) = (Key::new(), &w.seal_key);
    let sub = certify(
        &Profile {
            name: "Sub",
            ..ca_profile(&sub_key)
        },
        &sub_key,
        &w.ca,
        &w.ca_key,
    );
    let mut case = good();
    case.seal = certify(&seal_profile(), seal_key, &sub, &sub_key);
    case.chain = vec![sub, w.ca.clone()];
    case.fails(
        SubIndication::CertificateChainGeneralFailure,
        "path.too_long",
    );
}

#[test]
fn chain_constraints_failure() {
    let w = world();
    let mut case = good();
    case.seal = certify(
        &Profile {
            extensions: vec![ext::key_usage(&[KeyUsage::KEY_ENCIPHERMENT])],
            ..seal_profile()
        },
        &w.seal_key,
        &w.ca,
        &w.ca_key,
    );
    case.fails(
        SubIndication::ChainConstraintsFailure,
        "certificate.not_for_signing",
    );
}

#[test]
fn revoked_without_proof_of_earlier_signing() {
    let mut case = good();
    let reason = RevocationReason::KeyCompromise;
    case.objects = lists(&[revoked(0x21, "2026-03-01T10:30:00Z", reason)]);
    case.fails(SubIndication::RevokedNoPoe, "revocation.revoked");
    // Stamped before the revocation: it passes. Stamped after: it does not.
    case.stamped = Some("2026-03-01T10:10:00Z");
    case.passes();
    assert_eq!(
        case.signature().best_signature_time,
        t("2026-03-01T10:10:00Z")
    );
    case.stamped = Some("2026-03-01T10:40:00Z");
    case.fails(SubIndication::RevokedNoPoe, "revocation.revoked");
    // Revoked from tomorrow on.
    case.stamped = None;
    case.objects = lists(&[revoked(0x21, "2026-03-02T00:00:00Z", reason)]);
    case.passes();
}

#[test]
fn revoked_by_ocsp_outweighs_an_older_list() {
    let mut case = good();
    let status = CertStatus::Revoked {
        time: t("2026-03-01T11:10:00Z"),
        reason: None,
    };
    case.objects
        .push(answer(&world().seal, status, "2026-03-01T11:20:00Z"));
    case.fails(SubIndication::RevokedNoPoe, "revocation.revoked");
}

/// A content time-stamp says that the signature is younger: then the doubt is a certainty.
fn content_stamp(evidence: &mut Evidence, at: &str) {
    let over = b"content";
    let stamp = inspect_timestamp(
        &token(over, at),
        TimestampKind::Content,
        &|algorithm| Some(digest(algorithm, over)),
        &mut evidence.pool,
        &mut Limits::default().budget(),
    )
    .unwrap();
    evidence.signatures[0].timestamps.push(stamp);
}

#[test]
fn revoked_where_signing_is_proven_to_be_later() {
    let mut case = good();
    case.objects = lists(&[revoked(
        0x21,
        "2026-03-01T09:00:00Z",
        RevocationReason::Superseded,
    )]);
    case.change = |e| content_stamp(e, "2026-03-01T09:30:00Z");
    case.fails(SubIndication::Revoked, "revocation.revoked");
    case.change = |e| content_stamp(e, "2026-03-01T08:30:00Z");
    case.fails(SubIndication::RevokedNoPoe, "revocation.revoked");
}

#[test]
fn revoked_authority() {
    let w = world();
    let mut case = good();
    let of_ca = [revoked(
        0x11,
        "2026-03-01T10:30:00Z",
        RevocationReason::CaCompromise,
    )];
    case.objects[0] = list(
        &w.root,
        &w.root_key,
        &of_ca,
        None,
        "2026-03-01T11:00:00Z",
        "2026-03-08T11:00:00Z",
    );
    case.fails(
        SubIndication::RevokedCaNoPoe,
        "revocation.authority_revoked",
    );
}

#[test]
fn on_hold_is_to_be_asked_again_and_a_later_answer_lifts_it() {
    let mut case = good();
    let hold = RevocationReason::CertificateHold;
    case.objects = lists(&[revoked(0x21, "2026-03-01T10:30:00Z", hold)]);
    case.fails(SubIndication::TryLater, "revocation.on_hold");
    case.objects.push(answer(
        &world().seal,
        CertStatus::Good,
        "2026-03-01T11:30:00Z",
    ));
    case.passes();
}

#[test]
fn try_later() {
    let mut case = good();
    case.objects.clear();
    case.fails(SubIndication::TryLater, "revocation.missing");
    assert_eq!(case.verdict().wanted.len(), 2);
    case.policy = |p| p.constraints.revocation = Revocation::IfKnown;
    case.passes();
    let mut case = good();
    case.now = "2026-03-09T00:00:00Z";
    case.fails(SubIndication::TryLater, "revocation.stale");
    case.policy = |p| p.constraints.revocation_freshness = Some(Duration::from_secs(30 * 86_400));
    case.passes();
    let mut case = good();
    case.objects.truncate(1);
    case.objects.push(answer(
        &world().seal,
        CertStatus::Unknown,
        "2026-03-01T11:30:00Z",
    ));
    case.fails(SubIndication::TryLater, "revocation.unknown");
}

#[test]
fn lists_that_say_nothing_about_the_certificate_are_not_used() {
    let w = world();
    let uri = |text: &str| GeneralName::Uri(text.to_string());
    let scope = |point: IssuingDistributionPoint| {
        let mut case = good();
        case.objects[1] = list(
            &w.ca,
            &w.ca_key,
            &[],
            Some(&point),
            "2026-03-01T11:00:00Z",
            "2026-03-08T11:00:00Z",
        );
        case
    };
    let own = IssuingDistributionPoint {
        full_name: vec![uri("http://crl.example/ca.crl")],
        only_user_certificates: true,
        ..Default::default()
    };
    scope(own.clone()).passes();
    // It may list certificates of others too, and lists those of its own issuer still.
    scope(IssuingDistributionPoint {
        indirect: true,
        ..own.clone()
    })
    .passes();
    for wrong in [
        IssuingDistributionPoint {
            full_name: vec![uri("http://crl.example/other.crl")],
            ..own.clone()
        },
        IssuingDistributionPoint {
            only_user_certificates: false,
            only_ca_certificates: true,
            ..own.clone()
        },
        IssuingDistributionPoint {
            only_attribute_certificates: true,
            ..own
        },
    ] {
        scope(wrong).fails(SubIndication::TryLater, "revocation.missing");
    }
    // The right name and the wrong key.
    let mut case = good();
    case.objects[1] = list(
        &w.ca,
        &Key::new(),
        &[],
        None,
        "2026-03-01T11:00:00Z",
        "2026-03-08T11:00:00Z",
    );
    case.fails(SubIndication::TryLater, "revocation.missing");
}

#[test]
fn a_responder_that_its_authority_revoked_is_not_believed() {
    let w = world();
    let key = Key::new();
    let responder = certify(
        &Profile {
            name: "OCSP",
            serial: 0x77,
            from: "2026-01-01T00:00:00Z",
            to: "2027-12-31T23:59:59Z",
            extensions: vec![
                ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
            ],
        },
        &key,
        &w.ca,
        &w.ca_key,
    );
    let id = CertId::new(&w.seal, &w.ca, DigestAlgorithm::Sha256).unwrap();
    let by = Responder {
        issuer: &w.ca,
        certificate: &responder,
        signer: &key,
        identified_by: IdentifiedBy::Name,
        lifetime: Duration::from_secs(86_400),
    };
    let good_answer = ocsp::answer(
        &ocsp_request(&id, None),
        &by,
        &|_| CertStatus::Good,
        t("2026-03-01T11:30:00Z"),
    );
    let mut case = good();
    case.objects.truncate(1);
    case.objects.push(Object::new(
        ObjectKind::OcspResponse,
        good_answer.unwrap(),
        Origin::Given,
    ));
    case.passes();
    let taken = revoked(
        0x77,
        "2026-02-10T00:00:00Z",
        RevocationReason::KeyCompromise,
    );
    // A list too old to speak for the seal still knows what became of the responder.
    let (from, to) = ("2026-02-20T00:00:00Z", "2026-02-21T00:00:00Z");
    case.objects
        .push(list(&w.ca, &w.ca_key, &[taken], None, from, to));
    case.fails(SubIndication::TryLater, "revocation.stale");
    let findings = case.signature().findings;
    assert!(
        findings
            .iter()
            .any(|f| f.check == "revocation.not_used" && f.found == "signer_revoked")
    );
}

/// A response whose producedAt is another than its thisUpdate, signed again.
fn produced_at(response: &[u8], from: &str, to: &str, key: &Key) -> Vec<u8> {
    let at = response
        .windows(from.len())
        .position(|w| w == from.as_bytes())
        .unwrap();
    let mut changed = response.to_vec();
    changed[at..at + to.len()].copy_from_slice(to.as_bytes());
    let mut outer = Reader::der(&changed).whole_sequence("response").unwrap();
    outer.read("status").unwrap();
    let bytes = outer.read("bytes").unwrap();
    let mut bytes = bytes.inner_of("bytes").unwrap().sequence("bytes").unwrap();
    bytes.read("type").unwrap();
    let basic = bytes.read("basic").unwrap().octets().unwrap().into_owned();
    let mut basic = Reader::der(&basic).whole_sequence("basic").unwrap();
    let (data, algorithm) = (basic.read("data").unwrap(), basic.read("by").unwrap());
    basic.read("signature").unwrap();
    let signature = der::bit_string(&key.sign(data.bytes()).unwrap().0);
    let certificates = basic.read("certs").unwrap();
    der::sequence(&[
        data.bytes(),
        algorithm.bytes(),
        &signature,
        certificates.bytes(),
    ])
}

#[test]
fn the_key_of_a_responder_whose_time_is_over_answers_nothing_new() {
    let w = world();
    let responder = |to, extension| {
        let key = Key::new();
        let profile = Profile {
            name: "OCSP",
            serial: 0x77,
            from: "2026-01-01T00:00:00Z",
            to,
            extensions: vec![
                ext::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]),
                ext::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false),
                extension,
            ],
        };
        (certify(&profile, &key, &w.ca, &w.ca_key), key)
    };
    let case = |(certificate, key): &(Certificate, Key), produced: Option<&str>| {
        let by = Responder {
            issuer: &w.ca,
            certificate,
            signer: key,
            identified_by: IdentifiedBy::Name,
            lifetime: Duration::from_secs(86_400),
        };
        let id = CertId::new(&w.seal, &w.ca, DigestAlgorithm::Sha256).unwrap();
        let (request, now) = (ocsp_request(&id, None), t("2026-03-01T11:30:00Z"));
        let answer = ocsp::answer(&request, &by, &|_| CertStatus::Good, now).unwrap();
        let bytes = produced.map(|to| produced_at(&answer, "20260301113000Z", to, key));
        let mut case = good();
        case.objects.truncate(1);
        case.objects.push(Object::new(
            ObjectKind::OcspResponse,
            bytes.unwrap_or(answer),
            Origin::Given,
        ));
        case
    };
    // It says to have signed within its time, and of this morning: signed beforehand would be the other way round.
    let past = responder("2026-01-31T23:59:59Z", ext::ocsp_nocheck());
    case(&past, Some("20260115000000Z")).fails(SubIndication::TryLater, "revocation.missing");
    let current = responder("2027-12-31T23:59:59Z", ext::ocsp_nocheck());
    case(&current, None).passes();
    case(&current, Some("20260301113500Z")).passes();

    // Nor does a list of back then say that the responder is good today; a hold is no good status either.
    let place = ext::crl_distribution_points(&["http://ca.example/ca.crl"]);
    let asked = responder("2027-12-31T23:59:59Z", place);
    let with = |entries: &[Revoked], from: &str, to: &str| {
        let mut case = case(&asked, Some("20260115000000Z"));
        case.objects
            .push(list(&w.ca, &w.ca_key, entries, None, from, to));
        case
    };
    let (from, to) = ("2026-01-14T00:00:00Z", "2026-01-16T00:00:00Z");
    with(&[], from, to).fails(SubIndication::TryLater, "revocation.signer_unchecked");
    let held = revoked(
        0x77,
        "2026-02-10T00:00:00Z",
        RevocationReason::CertificateHold,
    );
    let (from, to) = ("2026-02-20T00:00:00Z", "2026-02-21T00:00:00Z");
    let on_hold = with(&[held], from, to);
    on_hold.fails(SubIndication::TryLater, "revocation.stale");
    let findings = on_hold.signature().findings;
    assert!(
        findings
            .iter()
            .any(|f| f.check == "revocation.not_used" && f.found == "signer_revoked")
    );
}

#[test]
fn a_responder_nobody_delegated_to_is_not_believed() {
    let w = world();
    let mut case = good();
    case.objects.truncate(1);
    let id = CertId::new(&w.seal, &w.ca, DigestAlgorithm::Sha256).unwrap();
    let responder = Responder {
        issuer: &w.ca,
        certificate: &w.tsa,
        signer: &w.tsa_key,
        identified_by: IdentifiedBy::Name,
        lifetime: Duration::from_secs(86_400),
    };
    let bytes = ocsp::answer(
        &ocsp_request(&id, None),
        &responder,
        &|_| CertStatus::Good,
        t("2026-03-01T11:30:00Z"),
    );
    case.objects.push(Object::new(
        ObjectKind::OcspResponse,
        bytes.unwrap(),
        Origin::Given,
    ));
    case.fails(SubIndication::TryLater, "revocation.missing");
    let findings = case.signature().findings;
    assert!(
        findings
            .iter()
            .any(|f| f.check == "revocation.not_used" && f.found == "not_entitled")
    );
}

#[test]
fn out_of_bounds_and_what_a_time_stamp_changes() {
    let w = world();
    let mut case = good();
    case.now = "2028-03-01T12:00:00Z";
    case.fails(SubIndication::OutOfBoundsNoPoe, "certificate.expired");
    // With the time-stamp and the lists of then, it held then, and nothing after that matters. The time-stamp's own
    // certificate is still good, and its revocation status must be known now.
    case.objects.push(list(
        &w.ca,
        &w.ca_key,
        &[],
        None,
        "2028-03-01T11:00:00Z",
        "2028-03-08T11:00:00Z",
    ));
    case.objects.push(list(
        &w.root,
        &w.root_key,
        &[],
        None,
        "2028-03-01T11:00:00Z",
        "2028-03-08T11:00:00Z",
    ));
    case.stamped = Some("2026-03-01T10:10:00Z");
    case.passes();
    // A good answer that the issuer gave just before the end is known when asked just after it.
    let mut case = good();
    case.now = "2028-01-01T06:00:00Z";
    case.objects = vec![
        list(
            &w.ca,
            &w.ca_key,
            &[],
            None,
            "2027-12-31T20:00:00Z",
            "2028-01-02T00:00:00Z",
        ),
        list(
            &w.root,
            &w.root_key,
            &[],
            None,
            "2027-12-31T20:00:00Z",
            "2028-01-02T00:00:00Z",
        ),
    ];
    case.fails(SubIndication::OutOfBoundsNotRevoked, "certificate.expired");
}

#[test]
fn not_yet_valid_and_expired() {
    let mut case = good();
    case.now = "2025-12-31T12:00:00Z";
    case.fails(SubIndication::NotYetValid, "certificate.not_yet_valid");
    let w = world();
    let mut case = good();
    case.now = "2028-03-01T12:00:00Z";
    let (from, to) = ("2028-03-01T11:00:00Z", "2028-03-08T11:00:00Z");
    case.objects = vec![
        list(&w.ca, &w.ca_key, &[], None, from, to),
        list(&w.root, &w.root_key, &[], None, from, to),
    ];
    case.change = |e| content_stamp(e, "2028-02-01T00:00:00Z");
    case.fails(SubIndication::Expired, "certificate.expired");
}

#[test]
fn crypto_constraints_failure() {
    let mut case = good();
    case.change = |e| e.signatures[0].references[0].algorithm = DigestAlgorithm::Sha1;
    case.fails(
        SubIndication::CryptoConstraintsFailureNoPoe,
        "algorithm.expired",
    );
    case.change = |e| e.signatures[0].algorithm = None;
    case.fails(
        SubIndication::CryptoConstraintsFailure,
        "value.not_checkable",
    );
}

#[test]
fn timestamp_order_failure_and_time_stamps_that_prove_nothing() {
    let mut case = good();
    case.stamped = Some("2026-03-01T10:10:00Z");
    case.passes();
    case.change = |e| content_stamp(e, "2026-03-01T10:05:00Z");
    case.passes();
    case.change = |e| content_stamp(e, "2026-03-01T10:20:00Z");
    case.fails(SubIndication::TimestampOrderFailure, "timestamp.order");
    // A token over something else, or by someone who is no time-stamping authority, is told and moves nothing.
    let unmoved = |change: fn(&mut Evidence), sub: SubIndication| {
        let mut case = good();
        case.stamped = Some("2026-03-01T10:10:00Z");
        case.change = change;
        case.passes();
        let verdict = case.signature();
        assert_eq!(verdict.best_signature_time, t(NOW));
        assert_eq!(verdict.timestamps[0].sub_indication, Some(sub));
    };
    unmoved(
        |e| e.signatures[0].timestamps[0].imprint.actual = Some(vec![0; 32].into()),
        SubIndication::HashFailure,
    );
    unmoved(
        |e| e.signatures[0].timestamps[0].gen_time = t("2026-03-02T00:00:00Z"),
        SubIndication::TimestampOrderFailure,
    );
    unmoved(
        |e| {
            // The same key, with a certificate that is not for time-stamping.
            let w = world();
            let profile = Profile {
                serial: 0x31,
                ..seal_profile()
            };
            let not_a_tsa = certify(&profile, &w.tsa_key, &w.ca, &w.ca_key);
            e.pool.add(pooled(&not_a_tsa));
            let signature = &mut e.signatures[0].timestamps[0].signature;
            signature.certificate_references.clear();
            signature.signer = SignerReference::IssuerAndSerial(
                not_a_tsa.issuer().bytes().into(),
                not_a_tsa.serial().into(),
            );
            signature.certificates.clear();
        },
        SubIndication::ChainConstraintsFailure,
    );
}

#[test]
fn a_document_time_stamp_over_the_signature_is_a_proof() {
    let mut case = good();
    let reason = RevocationReason::KeyCompromise;
    case.objects = lists(&[revoked(0x21, "2026-03-01T10:30:00Z", reason)]);
    let with_stamp_over = |it: bool| {
        let mut evidence = case.evidence();
        let token = token(b"document", "2026-03-01T10:10:00Z");
        let over = |algorithm| Some(digest(algorithm, b"document"));
        let mut budget = Limits::default().budget();
        let kind = TimestampKind::Document;
        let mut stamp =
            inspect_timestamp(&token, kind, &over, &mut evidence.pool, &mut budget).unwrap();
        stamp
            .signatures
            .extend(it.then_some(evidence.signatures[0].id));
        evidence.timestamps.push(stamp);
        validate(&evidence, &case.policy(), t(NOW))
            .signatures
            .remove(0)
    };
    let proven = with_stamp_over(true);
    assert_eq!(proven.sub_indication, None);
    assert_eq!(proven.best_signature_time, t("2026-03-01T10:10:00Z"));
    let unproven = with_stamp_over(false);
    assert_eq!(unproven.sub_indication, Some(SubIndication::RevokedNoPoe));
}

#[test]
fn later_changes_are_never_passed() {
    let change = |kind| LaterChange {
        kind,
        offset: 100,
        length: 20,
    };
    let mut case = good();
    case.change = |e| e.signatures[0].later_changes = Vec::new();
    case.passes();
    for (kind, check) in [
        (ChangeKind::Revision, "document.later_revision"),
        (ChangeKind::Bytes, "document.later_bytes"),
    ] {
        let mut evidence = case.evidence();
        evidence.signatures[0].later_changes =
            vec![change(ChangeKind::ValidationData), change(kind)];
        let verdict = validate(&evidence, &case.policy(), t(NOW));
        let signature = &verdict.signatures[0];
        assert_eq!(
            signature.sub_indication,
            Some(SubIndication::SigConstraintsFailure)
        );
        assert_eq!(signature.mathematics, Some(true));
        let finding = signature
            .findings
            .iter()
            .find(|f| f.check == check)
            .unwrap();
        assert_eq!(finding.found, "100-120");
    }
    let mut evidence = case.evidence();
    evidence.signatures[0].later_changes = vec![change(ChangeKind::ValidationData)];
    let verdict = validate(&evidence, &case.policy(), t(NOW));
    assert_eq!(verdict.indication, Some(Indication::TotalPassed));
}

#[test]
fn doubt_about_the_container_and_what_is_inside_weigh_on_the_whole() {
    let case = good();
    let mut evidence = case.evidence();
    evidence.faults.push(Fault::doubt(
        "asic.file.not_covered",
        "EN 319 162-1",
        "x.pdf",
    ));
    let verdict = validate(&evidence, &case.policy(), t(NOW));
    assert_eq!(verdict.indication, Some(Indication::Indeterminate));
    assert_eq!(verdict.signatures[0].indication, Indication::TotalPassed);
    let mut inner = case.evidence();
    inner.signatures[0].references[0].actual = Some(vec![0; 32].into());
    let mut outer = case.evidence();
    outer.inside.push(rubrica::engine::evidence::Nested {
        name: "justificante.pdf".into(),
        evidence: inner,
    });
    let verdict = validate(&outer, &case.policy(), t(NOW));
    assert_eq!(verdict.indication, Some(Indication::TotalFailed));
    assert_eq!(
        verdict.inside[0].verdict.indication,
        Some(Indication::TotalFailed)
    );
}

#[test]
fn what_is_inside_is_judged_with_what_was_given_for_the_whole() {
    let case = good();
    let mut bare = good();
    bare.objects.clear();
    let mut outer = Evidence::new("ASiC-E", b"container");
    for object in &case.objects {
        outer.pool.add(object.clone());
    }
    outer.inside.push(rubrica::engine::evidence::Nested {
        name: "justificante.pdf".into(),
        evidence: bare.evidence(),
    });
    let verdict = validate(&outer, &case.policy(), t(NOW));
    assert_eq!(verdict.indication, Some(Indication::TotalPassed));
}

/// A CMS signature of the seal over `content`, which it does not carry unless `attached`.
fn signature_over(content: &[u8], attached: bool) -> (Vec<u8>, Vec<u8>) {
    let w = world();
    let request = SignRequest {
        certificate: w.seal.clone(),
        chain: vec![w.ca.clone()],
        algorithm: w.seal_key.algorithm(),
        digest: DigestAlgorithm::Sha256,
        timestamp_reserve: 0,
        properties: Properties::default(),
        options: Options::Cades(if attached {
            CadesOptions::Attached
        } else {
            CadesOptions::Detached
        }),
    };
    let prepared = Cades.prepare(content.into(), &request, t(SIGNED)).unwrap();
    let attributes = prepared.to_be_signed.clone();
    let value = w.seal_key.sign(&attributes).unwrap();
    let patch = Cades.embed(content, prepared.resume, value).unwrap();
    (patch.apply(content).unwrap(), attributes)
}

/// The same message without its signed attributes.
fn stripped(message: &[u8]) -> Vec<u8> {
    let mut outer = Reader::ber(message).sequence("ContentInfo").unwrap();
    let kind = outer.read("contentType").unwrap().bytes().to_vec();
    let mut wrapper = outer.read("content").unwrap().inner();
    let mut fields = wrapper.sequence("SignedData").unwrap();
    let mut kept = Vec::new();
    while let Some(field) = fields.next_element().unwrap() {
        kept.push(field.bytes().to_vec());
    }
    let signers = kept.pop().unwrap();
    let mut signer = Reader::ber(&signers).set("signerInfos").unwrap();
    let mut signer = signer.sequence("SignerInfo").unwrap();
    let mut left = Vec::new();
    while let Some(field) = signer.next_element().unwrap() {
        if field.tag() != Tag::context(0) {
            left.extend_from_slice(field.bytes());
        }
    }
    kept.push(der::set_of(vec![der::tlv(0x30, &left)]));
    let data = der::tlv(0x30, &kept.concat());
    der::sequence(&[&kind, &der::tlv(0xa0, &data)])
}

fn manifest_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let listed: String = files
        .iter()
        .map(|(name, content)| {
            let digest = openssl::base64::encode_block(&digest(DigestAlgorithm::Sha256, content));
            format!(
                "<asic:DataObjectReference URI=\"{name}\"><ds:DigestMethod \
                 Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{digest}</ds:DigestValue>\
                 </asic:DataObjectReference>"
            )
        })
        .collect();
    format!(
        "<asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\" \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><asic:SigReference \
         URI=\"META-INF/signature.p7s\"/>{listed}</asic:ASiCManifest>"
    )
    .into_bytes()
}

const MIME: (&str, &[u8]) = ("mimetype", b"application/vnd.etsi.asic-e+zip");
const MANIFEST: &str = "META-INF/ASiCManifest.xml";
const SIGNATURE: &str = "META-INF/signature.p7s";

fn container(files: &[(&str, &[u8])]) -> Verdict {
    let mut writer = zip::Writer::new(jiff::civil::date(2026, 3, 1).at(0, 0, 0, 0));
    for (name, content) in files {
        writer.stored(name, content).unwrap();
    }
    let document = writer.finish().unwrap();
    let input = Input {
        document: &document,
        detached: &[],
    };
    let mut evidence = Asic
        .inspect(input, &mut Limits::default().budget())
        .unwrap();
    for object in lists(&[]) {
        evidence.pool.add(object);
    }
    validate(&evidence, &good().policy(), t(NOW))
}

fn has(verdict: &Verdict, check: &str) -> bool {
    let of_signatures = verdict.signatures.iter().flat_map(|s| &s.findings);
    verdict
        .findings
        .iter()
        .chain(of_signatures)
        .any(|f| f.check == check)
}

#[test]
fn a_container_passes_as_it_was_signed_and_no_otherwise() {
    let signed_inside = signature_over(b"justificante", true).0;
    let request: (&str, &[u8]) = ("solicitud.txt", b"solicitud");
    let inside: (&str, &[u8]) = ("justificante.p7m", &signed_inside);
    let manifest = manifest_of(&[request, inside]);
    let signature = signature_over(&manifest, false).0;
    let whole = [
        MIME,
        request,
        inside,
        (MANIFEST, manifest.as_slice()),
        (SIGNATURE, signature.as_slice()),
    ];
    let verdict = container(&whole);
    assert_eq!(
        verdict.indication,
        Some(Indication::TotalPassed),
        "{verdict:#?}"
    );
    let with = |file| [&whole[..], &[file]].concat();
    type Files<'a> = Vec<(&'a str, &'a [u8])>;
    let cases: [(&str, Files<'_>); 5] = [
        ("asic.signature.missing", whole[..4].to_vec()),
        ("asic.signature.missing", vec![MIME, inside]),
        ("asic.file.not_covered", with(("otra.txt", b"x"))),
        (
            "asic.file.not_covered",
            with(("META-INF/resolucion.pdf", b"x")),
        ),
        ("asic.mimetype.simple", {
            let mut files = whole.to_vec();
            files[0].1 = b"application/vnd.etsi.asic-s+zip";
            files
        }),
    ];
    for (check, files) in cases {
        let verdict = container(&files);
        assert_eq!(
            verdict.indication,
            Some(Indication::Indeterminate),
            "{check}"
        );
        assert!(has(&verdict, check), "{check} {:#?}", verdict.findings);
    }
}

#[test]
fn the_inside_of_a_signature_does_not_pass_for_a_document() {
    let manifest = manifest_of(&[("solicitud.txt", b"solicitud")]);
    let (signature, attributes) = signature_over(&manifest, false);
    let bare = stripped(&signature);
    let simple: (&str, &[u8]) = ("mimetype", b"application/vnd.etsi.asic-s+zip");
    for files in [
        [simple, ("acuerdo.xml", &manifest), (SIGNATURE, &signature)],
        [simple, ("acuerdo.bin", &attributes), (SIGNATURE, &bare)],
    ] {
        let verdict = container(&files);
        assert_eq!(verdict.indication, Some(Indication::TotalFailed));
        assert!(has(&verdict, "cades.content.posing"));
    }
    // In an ASiC-E it is over no manifest, and so over nothing.
    let verdict = container(&[MIME, ("acuerdo.xml", &manifest), (SIGNATURE, &signature)]);
    assert_eq!(verdict.indication, Some(Indication::Indeterminate));
    let detached = [Detached::of(&attributes)];
    let verdict = detached_verdict(&bare, &detached);
    assert!(has(&verdict, "value.verifies"), "the forgery is well made");
    assert_eq!(verdict.indication, Some(Indication::TotalFailed));
}

fn detached_verdict(message: &[u8], detached: &[Detached<'_>]) -> Verdict {
    let input = Input {
        document: message,
        detached,
    };
    let mut evidence = Cades
        .inspect(input, &mut Limits::default().budget())
        .unwrap();
    for object in lists(&[]) {
        evidence.pool.add(object);
    }
    validate(&evidence, &good().policy(), t(NOW))
}

#[test]
fn content_given_beside_a_message_that_carries_its_own_must_be_the_same() {
    let (message, _) = signature_over(b"solicitud", true);
    let mut given = [Detached {
        name: Some("solicitud.txt"),
        content: b"solicitud".into(),
    }];
    let verdict = detached_verdict(&message, &given);
    assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    given[0].content = b"otra cosa".into();
    let verdict = detached_verdict(&message, &given);
    assert_eq!(verdict.indication, Some(Indication::TotalFailed));
    assert!(has(&verdict, "reference.altered"));
}

#[test]
fn nothing_signed_has_no_indication() {
    let verdict = validate(&Evidence::new("PAdES", b"%PDF-"), &good().policy(), t(NOW));
    assert_eq!(verdict.indication, None);
}

#[test]
fn a_replay_gives_the_same_verdict_byte_for_byte() {
    let case = good();
    let evidence = case.evidence();
    let first = validate(&evidence, &case.policy(), t(NOW));
    let again = read(&write(&evidence).unwrap()).unwrap();
    let second = validate(&again, &case.policy(), t(NOW));
    assert_eq!(
        serde_json::to_vec(&first).unwrap(),
        serde_json::to_vec(&second).unwrap()
    );
}

/// A pool made to be a maze: nine authorities that all certify one another, and a hundred signatures that ask for a way. By
/// its name one of them was certified by an anchor too, whose key did not sign.
#[test]
fn a_maze_of_issuers_ends_at_the_limit() {
    const AUTHORITIES: [&str; 9] = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
    let keys: Vec<Key> = AUTHORITIES.iter().map(|_| Key::new()).collect();
    let w = world();
    let profile = |name, key: &Key, serial| Profile {
        name,
        serial,
        extensions: authority_extensions(key, None),
        ..ca_profile(key)
    };
    let roots: Vec<Certificate> = (0..keys.len())
        .map(|i| {
            let (spki, own) = (keys[i].spki(), profile(AUTHORITIES[i], &keys[i], 1));
            issue_self_signed(&to_be_issued(&own, &spki, &[1]), &keys[i]).unwrap()
        })
        .collect();
    let mut case = good();
    let exit = profile("exit", &w.root_key, 1);
    let exit = issue_self_signed(&to_be_issued(&exit, &w.root_key.spki(), &[1]), &w.root_key);
    case.anchors = vec![exit.unwrap()];
    let door = profile("A", &keys[0], 99);
    let door = certify(&door, &keys[0], &case.anchors[0], &w.ca_key);
    case.objects.push(pooled(&door));
    for (from, issuer) in roots.iter().enumerate() {
        for to in (0..keys.len()).filter(|to| *to != from) {
            let cross = profile(AUTHORITIES[to], &keys[to], u8::try_from(10 + from).unwrap());
            case.objects
                .push(pooled(&certify(&cross, &keys[to], issuer, &keys[from])));
        }
    }
    case.seal = certify(&seal_profile(), &w.seal_key, &roots[0], &keys[0]);
    case.chain = Vec::new();
    let mut evidence = case.evidence();
    evidence.signatures = vec![evidence.signatures[0].clone(); 100];
    let began = std::time::Instant::now();
    let verdict = validate(&evidence, &case.policy(), t(NOW));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    for signature in &verdict.signatures {
        let limit = signature.findings.iter().any(|f| f.check == "path.limit");
        assert!(limit, "{:?}", signature.sub_indication);
    }
}
