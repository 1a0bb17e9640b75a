//! What CAdES takes, beside the raw signature or verification of the same key in the same run: `cargo run --release --example
//! cades_figures`.
//!
//! 10 KB of content apart from its signature. Signatures are what leaves the library; the time-stamping authority's own work is
//! measured apart and taken out.

#[path = "cades/mod.rs"]
mod making;

use making::{Identity, Pki, evidence, later, value};
use rubrica::engine::Time;
use rubrica::engine::crypto::{DigestAlgorithm, SignatureInput, Signer, digest};
use rubrica::engine::evidence::Evidence;
use rubrica::engine::pki::timestamp::MessageImprint;
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::validation::{Indication, Policy, Revocation, validate};
use std::time::{Duration, Instant};

const EACH: Duration = Duration::from_millis(1500);
/// Milliseconds of goals, and of the raw operation where they were set: signatures and verifications with RSA-2048 and P-256.
const SIGN: [(f64, f64); 2] = [(0.36, 0.333), (0.045, 0.0191)];
const VERIFY: [(f64, f64); 2] = [(0.12, 0.0206), (0.16, 0.0647)];

/// The median of as many calls as fit, in milliseconds.
fn measure<T>(mut call: impl FnMut() -> T) -> f64 {
    let warm = Instant::now();
    while warm.elapsed() < EACH / 5 {
        std::hint::black_box(call());
    }
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < EACH {
        let one = Instant::now();
        std::hint::black_box(call());
        times.push(one.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn line(what: &str, found: f64, raw: f64, goal: Option<(f64, f64)>) {
    let goal = goal.map_or(String::new(), |(goal, there)| {
        format!("goal {goal} ms = {:.1} x", goal / there)
    });
    println!(
        "{what:<62} {found:>9.4} ms {:>7.2} x raw  {goal}",
        found / raw
    );
}

/// A key of one kind and what is made with it.
struct Bench<'a> {
    pki: &'a Pki,
    by: Identity,
    at: Time,
    content: Vec<u8>,
    /// Without revocation, and with it.
    policies: [Policy; 2],
}

/// The index of the policy that asks for revocation.
const REVOCATION: usize = 1;

impl Bench<'_> {
    fn judged(&self, evidence: &Evidence, policy: usize) {
        let verdict = validate(evidence, &self.policies[policy], later(self.at, 3600));
        assert_eq!(verdict.indication, Some(Indication::TotalPassed));
    }

    fn rows(&self, key: &str, sign_goal: (f64, f64), verify_goal: (f64, f64)) {
        let message = [7; 200];
        let raw_sign = measure(|| self.by.signer.sign(&message));
        let signed = value(&self.by, &message);
        let public = self.by.certificate.public_key().expect("a key");
        let algorithm = self.by.signer.algorithm();
        let raw_verify =
            measure(|| public.verify(algorithm, SignatureInput::Message(&message), &signed.0));
        println!("\n{key}: raw signature {raw_sign:.4} ms, raw verification {raw_verify:.4} ms");
        let content = Some(&self.content[..]);
        let make = || self.pki.b(&self.content, &self.by, false, self.at);
        line("B-B sign", measure(make), raw_sign, Some(sign_goal));
        let b = make();
        let verify = |signed: &[u8]| self.judged(&evidence(signed, content), 0);
        let found = measure(|| verify(&b));
        line(
            "B-B verify: digest, signature, path",
            found,
            raw_verify,
            Some(verify_goal),
        );
        self.levels(&b, (raw_sign, raw_verify));
    }

    fn levels(&self, b: &[u8], (raw_sign, raw_verify): (f64, f64)) {
        let at = |seconds| later(self.at, seconds);
        let content = Some(&self.content[..]);
        let algorithm = DigestAlgorithm::Sha256;
        let imprint = || MessageImprint {
            algorithm,
            digest: digest(algorithm, b"imprint"),
        };
        let authority = measure(|| self.pki.token(imprint(), at(60)));
        println!("the authority's answer and its check, taken out below: {authority:.4} ms");
        let whole = measure(|| {
            self.pki.t(
                &self.pki.b(&self.content, &self.by, false, self.at),
                0,
                at(60),
            )
        });
        line(
            "B-T sign, without the authority",
            whole - authority,
            raw_sign,
            None,
        );
        let t = self.pki.t(b, 0, at(60));
        let lt = self.pki.lt(&t, 0, &self.by, at(120));
        let found = measure(|| self.pki.lt(&t, 0, &self.by, at(120)));
        line(
            "B-T to B-LT, two lists and an OCSP response issued",
            found,
            raw_sign,
            None,
        );
        let found = measure(|| self.pki.lta(&lt, content, 0, at(180)));
        line(
            "B-LT to B-LTA, without the authority",
            found - authority,
            raw_sign,
            None,
        );
        let lta = self.pki.lta(&lt, content, 0, at(180));
        for (name, signed) in [("B-LT", &lt), ("B-LTA", &lta)] {
            let found = measure(|| self.judged(&evidence(signed, content), REVOCATION));
            let what = format!(
                "{name} validate, with all it holds ({} KB)",
                signed.len() / 1024
            );
            line(&what, found, raw_verify, None);
        }
    }
}

fn main() {
    let pki = Pki::new();
    let at: Time = "2026-03-01T10:00:00Z".parse().expect("a time");
    for (index, (kind, key)) in [("rsa-2048", "RSA-2048"), ("p256", "P-256")]
        .into_iter()
        .enumerate()
    {
        let bench = Bench {
            pki: &pki,
            by: pki.signer(kind),
            at,
            content: vec![0x5a; 10 * 1024],
            policies: [Revocation::Ignored, Revocation::Required].map(|revocation| {
                let anchors = Anchors::new([pki.root.certificate.clone()]);
                Policy::baseline(anchors)
                    .constrained(|constraints| constraints.revocation = revocation)
            }),
        };
        bench.rows(key, SIGN[index], VERIFY[index]);
    }
}
