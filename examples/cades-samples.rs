//! CAdES signatures of every kind that the library makes, for others to check: `cargo run --example cades-samples -- FOLDER`.
//!
//! FOLDER gets the files, the trust anchor, the lists, and `samples.json`: of each file its content where that is apart, the
//! level of its signatures and how many there are.

#[path = "cades/mod.rs"]
mod making;

use making::{Identity, KINDS, Pki, evidence, later, number_of, value_of};
use rubrica::engine::Time;
use rubrica::engine::crypto::{DigestAlgorithm, Signer, digest};
use rubrica::engine::formats::{
    CadesOptions, CommitmentType, ContentHints, PolicyIdentifier, ProductionPlace, Properties,
};
use rubrica::engine::pki::signature_policy::AGE_1_9;
use rubrica::engine::pki::timestamp::MessageImprint;
use rubrica::engine::syntax::asn1::names;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

const CONTENT: &[u8] = b"Resolucion de la prestacion\n";

struct Samples {
    pki: Pki,
    folder: PathBuf,
    at: Time,
    all: Vec<Value>,
}

impl Samples {
    fn keep(&mut self, name: &str, signed: &[u8], attached: bool, level: &str) {
        let found = evidence(signed, (!attached).then_some(CONTENT));
        // Others list the signers, and the counter-signatures inside them or beside them.
        let signers = found.signatures.iter().filter(|s| s.countersigns.is_none());
        let file = format!("{name}.p7m");
        std::fs::write(self.folder.join(&file), signed).expect("written");
        self.all.push(json!({
            "file": file,
            "detached": !attached,
            "level": format!("CAdES-BASELINE-{level}"),
            "signers": signers.count(),
            "signatures": found.signatures.len(),
        }));
    }

    fn levels(&mut self, name: &str, by: &Identity, b: Vec<u8>, attached: bool) {
        let start = self.at;
        let at = |seconds| later(start, seconds);
        let content = (!attached).then_some(CONTENT);
        let t = self.pki.t(&b, 0, at(60));
        let lt = self.pki.lt(&t, 0, by, at(120));
        let lta = self.pki.lta(&lt, content, 0, at(180));
        let more = self.pki.lt(&lta, 0, by, at(240));
        let renewed = self.pki.lta(&more, content, 0, at(300));
        for (level, signed) in [("B", b), ("T", t), ("LT", lt), ("LTA", lta)] {
            self.keep(&format!("{name}-{level}"), &signed, attached, level);
        }
        self.keep(&format!("{name}-LTA-renewed"), &renewed, attached, "LTA");
    }

    fn every_kind(&mut self) {
        for kind in KINDS {
            let by = self.pki.signer(kind);
            for (packaging, attached) in [("attached", true), ("detached", false)] {
                let b = self.pki.b(CONTENT, &by, attached, self.at);
                self.levels(&format!("{kind}-{packaging}"), &by, b, attached);
            }
        }
    }

    fn with_properties(&mut self) {
        let algorithm = DigestAlgorithm::Sha256;
        let imprint = MessageImprint {
            algorithm,
            digest: digest(algorithm, CONTENT),
        };
        let everything = Properties {
            commitment_types: vec![
                CommitmentType::ProofOfOrigin,
                CommitmentType::ProofOfApproval,
            ],
            claimed_roles: vec!["Registrador".into()],
            production_place: Some(ProductionPlace {
                country: Some("ES".into()),
                locality: Some("Madrid".into()),
                postal_address: vec!["Calle Mayor, 1".into()],
            }),
            mime_type: Some("text/plain".into()),
            content_timestamps: vec![self.pki.token(imprint, self.at)],
            algorithm_protection: true,
            ..Properties::default()
        };
        let age = Properties {
            policy: PolicyIdentifier::of(&AGE_1_9, DigestAlgorithm::Sha1),
            content_hints: Some(ContentHints {
                description: Some("Texto".into()),
                content_type: names::ID_DATA,
            }),
            ..Properties::default()
        };
        for (name, properties) in [("properties", everything), ("age", age)] {
            let by = self.pki.signer("rsa-2048");
            let request = self.pki.request(&by, CadesOptions::Attached, properties);
            let b = self.pki.sign(CONTENT, &request, &by, later(self.at, 5));
            self.levels(name, &by, b, true);
        }
    }

    /// Three signers, one counter-signed twice over, all archived.
    fn several(&mut self) {
        for (name, attached) in [("several-attached", true), ("several-detached", false)] {
            let start = self.at;
            let at = |seconds| later(start, seconds);
            let content = (!attached).then_some(CONTENT);
            let signers = ["rsa-2048", "p256", "rsa-2048-pss"].map(|kind| self.pki.signer(kind));
            let mut signed = self.pki.b(CONTENT, &signers[0], attached, self.at);
            for by in &signers[1..] {
                let algorithm = by.signer.algorithm().digest().expect("a digest");
                let options = CadesOptions::Parallel {
                    content_digest: Some(digest(algorithm, CONTENT)),
                };
                let request = self.pki.request(by, options, Properties::default());
                signed = self.pki.sign(&signed, &request, by, self.at);
            }
            self.keep(&format!("{name}-B"), &signed, attached, "B");
            let values: Vec<_> = (0..3).map(|number| value_of(&signed, number)).collect();
            let options = CadesOptions::Counter {
                signature: number_of(&signed, &values[0]),
            };
            let by = self.pki.signer("p256");
            let request = self.pki.request(&by, options, Properties::default());
            signed = self.pki.sign(&signed, &request, &by, self.at);
            for value in &values {
                signed = self.pki.t(&signed, number_of(&signed, value), at(60));
            }
            for by in signers.iter().chain([&by]) {
                signed = self.pki.lt(&signed, 0, by, at(120));
            }
            for value in &values {
                signed = self
                    .pki
                    .lta(&signed, content, number_of(&signed, value), at(180));
            }
            self.keep(&format!("{name}-LTA"), &signed, attached, "LTA");
        }
    }
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    std::fs::create_dir_all(&folder).expect("the folder");
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock");
    let at = Time::from_unix(clock.as_secs() as i64 - 3600).expect("a time");
    let mut samples = Samples {
        pki: Pki::new(),
        folder,
        at,
        all: Vec::new(),
    };
    samples.every_kind();
    samples.with_properties();
    samples.several();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(samples.folder.join(name), bytes).expect("written");
    };
    write("content.txt", CONTENT);
    write("root.der", samples.pki.root.certificate.bytes());
    let lists = samples.pki.crls(later(samples.at, 1800));
    write("root.crl", &lists[0]);
    write("authority.crl", &lists[1]);
    let text = serde_json::to_vec_pretty(&samples.all).expect("JSON");
    write("samples.json", &text);
}
