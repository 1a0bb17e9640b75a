//! Rows 19 to 21: an OCSP response, a path of three, the same seen before. The raw verification of the same run is the clock.

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use rubrica::engine::authority::certificate::{
    ToBeIssued, distinguished_name, issue, issue_self_signed,
};
use rubrica::engine::authority::crl::{self, ToBeListed};
use rubrica::engine::authority::extension as write;
use rubrica::engine::authority::ocsp::{IdentifiedBy, Responder, answer};
use rubrica::engine::crypto::DigestAlgorithm;
use rubrica::engine::evidence::{Object, ObjectKind, Origin, Pool};
use rubrica::engine::pki::crl::RevocationList;
use rubrica::engine::pki::extension::{Extension, KeyUsage};
use rubrica::engine::pki::ocsp::{CertId, CertStatus, request};
use rubrica::engine::pki::path::{Inputs, Search, SignatureChecks, VerifiedPath, validate};
use rubrica::engine::pki::revocation::{Data, Inquiry, Link, Memory, NoPaths, Status};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::pki::{Certificate, CertificateList, Certificates, OcspResponse, Validity};
use rubrica::engine::syntax::asn1::names;
use rubrica::engine::validation::{CertificateStatus, Policy, Purpose, Want, validate_certificate};
use rubrica::engine::{Result, Time};
use rubrica::service::clock::{Clock, SystemClock};
use rubrica::service::flow::{CertificateDesk, News, Question};
use rubrica::service::keys::FileSigner;
use rubrica::service::sources::{Deadline, Source, Sources};
use rubrica::service::trust::PolicyHandle;
use std::cell::Cell;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// RSA-2048 verification where the goals were set, ms.
const THERE: f64 = 0.0206;
const DAY: Duration = Duration::from_secs(86_400);

/// Root, issuer, certificate, lists of both issuers, and an answer of the issuer's delegate.
struct Hierarchy {
    root: Vec<u8>,
    issuer: Vec<u8>,
    certificate: Vec<u8>,
    lists: [Vec<u8>; 2],
    response: Vec<u8>,
    now: Time,
}

/// Prints the rows for hierarchies of RSA-2048 and P-256; the first of a folder where one is named.
pub fn rows(folder: Option<&Path>) {
    let rsa = || PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let p256 = || PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let first = folder.map_or_else(|| Hierarchy::made(rsa), Hierarchy::read);
    for (kind, hierarchy) in [("RSA-2048", first), ("P-256", Hierarchy::made(p256))] {
        let raw = raw(&hierarchy);
        let title = format!("{kind}: raw verification");
        println!("\n{title:<58} {:>8.4} {:>8.4} ms", raw.0, raw.1);
        println!("{:58} {:>8} {:>8} {:>7}", "", "median", "best", "x raw");
        let goals = (kind == "RSA-2048").then_some(());
        let row = |what: &str, (median, best): (f64, f64), goal: f64| {
            let goal = goals.map(|()| format!("goal {goal} ms = {:.1} x", goal / THERE));
            println!(
                "{what:<58} {median:>8.4} {best:>8.4} {:>7.2} {}",
                best / raw.1,
                goal.unwrap_or_default()
            );
        };
        row(
            "OCSP response of a delegate: parse + verify",
            ocsp(&hierarchy),
            0.060,
        );
        row(
            "path of 3, nothing cached: no revocation",
            path(&hierarchy, false),
            0.060,
        );
        row("... with 2 lists", path(&hierarchy, true), 0.12);
        row(
            "... and the verdict with its findings",
            verdict(&hierarchy),
            0.12,
        );
        row(
            "... certificates and lists seen before",
            seen(&hierarchy),
            0.010,
        );
        row(
            "... answer of the certificate desk",
            desk(&hierarchy),
            0.010,
        );
    }
}

/// Median and least of many calls, ms.
fn measure(mut call: impl FnMut()) -> (f64, f64) {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < Duration::from_millis(1_500) {
        let start = Instant::now();
        for _ in 0..8 {
            call();
        }
        times.push(start.elapsed().as_secs_f64() * 1e3 / 8.0);
    }
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[0])
}

/// The verification of the certificate's signature alone, keys decoded.
fn raw(hierarchy: &Hierarchy) -> (f64, f64) {
    let certificate = Certificate::from_der(&hierarchy.certificate).unwrap();
    let issuer = Certificate::from_der(&hierarchy.issuer).unwrap();
    let key = issuer.public_key().unwrap();
    measure(|| assert!(black_box(&certificate).is_signed_by(key)))
}

/// Row 19: the bytes of a response to "good", the issuer being known.
fn ocsp(hierarchy: &Hierarchy) -> (f64, f64) {
    let certificate = Certificate::from_der(&hierarchy.certificate).unwrap();
    let issuer = Certificate::from_der(&hierarchy.issuer).unwrap();
    let pool = Certificates::default();
    measure(|| {
        let response = OcspResponse::from_der(black_box(&hierarchy.response)).unwrap();
        let responses = [response];
        let data = Data {
            lists: &[],
            responses: &responses,
            pool: &pool,
        };
        let links = [(&certificate, &issuer)];
        good(data, &links, &issuer, &mut SignatureChecks::default());
    })
}

/// Asserts that the data says good of every certificate, each given with its issuer.
fn good(
    data: Data<'_>,
    links: &[(&Certificate, &Certificate)],
    anchor: &Certificate,
    checks: &mut SignatureChecks,
) {
    let (mut memory, mut paths, steps) = (Memory::default(), NoPaths, Cell::new(100));
    let mut inquiry = Inquiry::new(data, &mut paths, &mut memory, &steps);
    for (certificate, issuer) in links {
        let said = inquiry.said(
            Link {
                certificate,
                issuer,
                anchor,
            },
            checks,
        );
        assert!(said.answers.iter().any(|a| a.status == Status::Good));
    }
}

/// The first path that holds.
fn verified(
    certificate: &Certificate,
    pool: &Certificates,
    anchors: &Anchors,
    at: Time,
    checks: &mut SignatureChecks,
) -> VerifiedPath {
    let inputs = Inputs::default();
    let mut search = Search {
        pool,
        anchors,
        inputs: &inputs,
        at,
        checks,
        steps: 100,
    };
    let mut found = None;
    search.paths(certificate, &mut |chain, checks| {
        let (below, anchor) = anchors.end_of(chain, at).unwrap();
        found = validate(below, anchor, at, &inputs, checks).ok();
        ControlFlow::Break(())
    });
    found.unwrap()
}

/// Row 20: the bytes of certificate and issuer, and of the lists of both issuers, to a path that holds and is good.
fn path(hierarchy: &Hierarchy, with_lists: bool) -> (f64, f64) {
    let anchors = Anchors::new([Certificate::from_der(&hierarchy.root).unwrap()]);
    measure(|| {
        let certificate = Certificate::from_der(black_box(&hierarchy.certificate)).unwrap();
        let issuer = Certificate::from_der(black_box(&hierarchy.issuer)).unwrap();
        let pool = Certificates::from_iter([issuer]);
        let mut checks = SignatureChecks::default();
        let path = verified(&certificate, &pool, &anchors, hierarchy.now, &mut checks);
        let [leaf, issuer, root] = path.certificates() else {
            panic!("three")
        };
        if with_lists {
            let lists = hierarchy.lists.each_ref().map(|bytes| {
                let list = CertificateList::from_der(black_box(bytes)).unwrap();
                Box::new(list) as Box<dyn RevocationList>
            });
            let data = Data {
                lists: &lists,
                responses: &[],
                pool: &pool,
            };
            good(data, &[(leaf, issuer), (issuer, root)], root, &mut checks);
        }
    })
}

/// Row 20 with all that EN 319 102-1 wants told.
fn verdict(hierarchy: &Hierarchy) -> (f64, f64) {
    let policy = Policy::baseline(hierarchy.anchors());
    let mut pool = Pool::default();
    for object in hierarchy.objects() {
        pool.add(object);
    }
    let now = hierarchy.now;
    measure(|| {
        let certificate = Certificate::from_der(black_box(&hierarchy.certificate)).unwrap();
        let purpose = Purpose::Any;
        let verdict = validate_certificate(&pool, &certificate, &policy, purpose, now, now);
        assert_eq!(
            verdict.status,
            CertificateStatus::Good,
            "{:?}",
            verdict.findings
        );
    })
}

/// Row 21: the path is built and judged again, of certificates, lists and signatures that are kept.
fn seen(hierarchy: &Hierarchy) -> (f64, f64) {
    let certificate = Certificate::from_der(&hierarchy.certificate).unwrap();
    let issuer = Certificate::from_der(&hierarchy.issuer).unwrap();
    let (pool, anchors) = (Certificates::from_iter([issuer]), hierarchy.anchors());
    let lists = hierarchy.lists.each_ref().map(|bytes| {
        Box::new(CertificateList::from_der(bytes).unwrap()) as Box<dyn RevocationList>
    });
    let data = Data {
        lists: &lists,
        responses: &[],
        pool: &pool,
    };
    let mut checks = SignatureChecks::default();
    measure(|| {
        let path = verified(&certificate, &pool, &anchors, hierarchy.now, &mut checks);
        let [leaf, issuer, root] = path.certificates() else {
            panic!("three")
        };
        good(data, &[(leaf, issuer), (issuer, root)], root, &mut checks);
    })
}

/// Row 21 as the service does it: the bytes of the question to an answer that is kept, and still holds.
fn desk(hierarchy: &Hierarchy) -> (f64, f64) {
    let mut sources = Sources::default();
    sources.add(Lists(hierarchy.objects()));
    let policy = PolicyHandle::new(Policy::baseline(hierarchy.anchors()));
    let news = Arc::new(News::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let desk = CertificateDesk::new(policy, Arc::new(sources), clock, news, 1_000);
    measure(|| {
        let bytes = vec![hierarchy.certificate.clone(), hierarchy.issuer.clone()];
        let question = Question::new(bytes, Purpose::Any).unwrap();
        let answer = desk.check(&question).unwrap();
        assert_eq!(answer.report.status, CertificateStatus::Good);
    })
}

/// Brings what a hierarchy has.
#[derive(Debug)]
struct Lists(Vec<Object>);

impl Source for Lists {
    fn serves(&self, want: &Want) -> bool {
        matches!(want, Want::Revocation { .. })
    }

    fn fetch(&self, _: &Want, _: &Pool, _: Deadline) -> Result<Vec<Object>> {
        Ok(self.0.clone())
    }
}

impl Hierarchy {
    fn anchors(&self) -> Anchors {
        Anchors::new([Certificate::from_der(&self.root).unwrap()])
    }

    fn objects(&self) -> Vec<Object> {
        let of = |kind, bytes: &[u8]| Object::new(kind, bytes, Origin::Given);
        let lists = self.lists.iter();
        lists
            .map(|list| of(ObjectKind::CertificateRevocationList, list))
            .chain([of(ObjectKind::Certificate, &self.issuer)])
            .collect()
    }

    /// `root.der`, `inter.der`, `rsa2048.der`, `root.crl`, `inter.crl`, `rsa2048.ocsp`, all DER.
    fn read(folder: &Path) -> Hierarchy {
        let file = |name: &str| std::fs::read(folder.join(name)).expect(name);
        Hierarchy {
            root: file("root.der"),
            issuer: file("inter.der"),
            certificate: file("rsa2048.der"),
            lists: [file("root.crl"), file("inter.crl")],
            response: file("rsa2048.ocsp"),
            now: SystemClock.now(),
        }
    }

    /// Of keys of one kind.
    fn made(key: impl Fn() -> PKey<Private>) -> Hierarchy {
        let now = SystemClock.now().truncated_to_seconds();
        let signer = |key: &PKey<Private>| FileSigner::new(key.clone(), false, "figures").unwrap();
        let keys: [PKey<Private>; 4] = std::array::from_fn(|_| key());
        let [root_signer, issuer_signer, responder_signer, _] = keys.each_ref().map(signer);
        let certify =
            |number: usize, extensions: Vec<Extension>, by: Option<(&Certificate, &FileSigner)>| {
                let public_key = keys[number].public_key_to_der().unwrap();
                let mut all = vec![write::subject_key_identifier(&public_key).unwrap()];
                all.extend(extensions);
                let names = [
                    (names::AT_COUNTRY, "ES"),
                    (names::AT_COMMON_NAME, ["A", "B", "C", "D"][number]),
                ];
                let certificate = ToBeIssued {
                    serial: &[
                        0x40,
                        number as u8,
                        3,
                        4,
                        5,
                        6,
                        7,
                        8,
                        9,
                        10,
                        11,
                        12,
                        13,
                        14,
                        15,
                        16,
                    ],
                    subject: distinguished_name(&names).unwrap(),
                    validity: Validity {
                        not_before: now.minus(DAY),
                        not_after: now.plus_years(2),
                    },
                    public_key: &public_key,
                    extensions: all,
                };
                match by {
                    Some((issuer, signer)) => issue(&certificate, issuer, signer).unwrap(),
                    None => issue_self_signed(&certificate, &root_signer).unwrap(),
                }
            };
        let authority = || {
            vec![
                write::basic_constraints(true, None),
                write::key_usage(&[KeyUsage::KEY_CERT_SIGN, KeyUsage::CRL_SIGN]),
            ]
        };
        let root = certify(0, authority(), None);
        let issuer = certify(1, authority(), Some((&root, &root_signer)));
        let of_issuer = Some((&issuer, &issuer_signer));
        let usage = || write::key_usage(&[KeyUsage::DIGITAL_SIGNATURE]);
        let delegate = write::extended_key_usage(&[names::ID_KP_OCSP_SIGNING], false);
        let responder = certify(2, vec![usage(), delegate, write::ocsp_nocheck()], of_issuer);
        let point = write::crl_distribution_points(&["http://example.test/b.crl"]);
        let leaf = certify(3, vec![usage(), point], of_issuer);
        let listed = ToBeListed {
            number: 1,
            this_update: now.minus(DAY),
            next_update: now.plus(DAY),
            revoked: &[],
            scope: None,
        };
        let list = |issuer, signer| {
            crl::issue(&listed, issuer, signer)
                .unwrap()
                .bytes()
                .to_vec()
        };
        let responder = Responder {
            issuer: &issuer,
            certificate: &responder,
            signer: &responder_signer,
            identified_by: IdentifiedBy::Key,
            lifetime: DAY,
        };
        let id = CertId::new(&leaf, &issuer, DigestAlgorithm::Sha1).unwrap();
        let request = request(&id, None);
        Hierarchy {
            lists: [list(&root, &root_signer), list(&issuer, &issuer_signer)],
            response: answer(&request, &responder, &|_| CertStatus::Good, now).unwrap(),
            root: root.bytes().to_vec(),
            issuer: issuer.bytes().to_vec(),
            certificate: leaf.bytes().to_vec(),
            now,
        }
    }
}
