//! Whether a request bears a citizen's signature that holds.
//!
//! Ley 39/2015 art. 10 and 11. In: the request. Out: signed, not signed, or a refusal that names why its signature does not
//! hold. Its certificate must have been qualified and be in the list of accepted certificates. A signature whose revocation status cannot be learned now is taken: an outage elsewhere does not shut the
//! register. Not here: whether a procedure may do without one (`flow::receive`).

use super::receive::Signatures;
use super::validate::settle;
use crate::engine::evidence::{Evidence, ObjectId};
use crate::engine::formats::{Input, recognise};
use crate::engine::pki::Certificate;
use crate::engine::pki::identity::{CertificateIdentity, Table};
use crate::engine::pki::trust::accepted::{AcceptedCertificates, Presented, Usage};
use crate::engine::validation::{
    Answer, Indication, Policy, SignatureVerdict, SubIndication, Verdict,
};
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::clock::Clock;
use crate::service::sources::Sources;
use crate::service::trust::PolicyHandle;
use std::sync::Arc;

/// Judges the signatures of requests by a policy, with what the request brings and the sources have.
#[derive(Debug, Clone)]
pub struct CitizenSignatures {
    /// The policy in use, with its anchors.
    pub policy: Arc<PolicyHandle>,
    /// Where revocation data and issuers come from.
    pub sources: Arc<Sources>,
    /// The official time.
    pub clock: Arc<dyn Clock>,
    /// Which certificates are accepted to sign.
    pub accepted: Arc<AcceptedCertificates>,
    /// What the policies of issuers mean.
    pub identities: Arc<Table>,
}

impl Signatures for CitizenSignatures {
    fn signed(&self, request: &[u8]) -> Result<bool> {
        let format = match recognise(request) {
            Ok(format) => format,
            // A document of no signature format is simply not signed.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(false),
            Err(error) => return Err(error),
        };
        let input = Input {
            document: request,
            detached: &[],
        };
        let policy = self.policy.current();
        let evidence = format.inspect(input, &mut policy.limits.budget())?;
        let now = self.clock.now();
        let validated = settle(evidence, &policy, &self.sources, now);
        let signed = accept(&validated.verdict)?;
        self.accept_signers(
            &policy,
            &validated.verdict,
            &mut vec![&validated.evidence],
            now,
        )?;
        Ok(signed)
    }
}

impl CitizenSignatures {
    /// Every certificate that signed was qualified, and is in the list; `around` ends with the evidence of `verdict`.
    fn accept_signers(
        &self,
        policy: &Policy,
        verdict: &Verdict,
        around: &mut Vec<&Evidence>,
        now: Time,
    ) -> Result<()> {
        for signature in &verdict.signatures {
            self.accept_signer(policy, signature, around, now)?;
        }
        let Some(evidence) = around.last().copied() else {
            return Ok(());
        };
        for (nested, verdict) in evidence.inside.iter().zip(&verdict.inside) {
            around.push(&nested.evidence);
            self.accept_signers(policy, &verdict.verdict, around, now)?;
            around.pop();
        }
        Ok(())
    }

    fn accept_signer(
        &self,
        policy: &Policy,
        signature: &SignatureVerdict,
        around: &[&Evidence],
        now: Time,
    ) -> Result<()> {
        let qualification = signature.qualification.as_ref();
        let qualified = qualification.map_or(Answer::Open, |q| q.certificate.qualified);
        if qualified != Answer::Yes {
            let how = match qualified {
                Answer::No => "its certificate is not qualified",
                _ => "it cannot be said whether its certificate is qualified",
            };
            return Err(not_accepted(&format!("{how} (Ley 39/2015 art. 10.2)")));
        }
        let of = |id: &ObjectId| {
            let object = around.iter().rev().find_map(|e| e.pool.get(id));
            let read = object.and_then(|o| Certificate::from_der(&o.bytes).ok());
            read.or_else(|| policy.anchors.by_fingerprint(&id.0).cloned())
        };
        let path: Vec<Certificate> = signature.path.iter().filter_map(of).collect();
        let Some((certificate, authorities)) = path.split_first() else {
            return Err(not_accepted("its certificate cannot be read"));
        };
        let identity = CertificateIdentity::by(certificate, &self.identities);
        let presented = Presented {
            certificate,
            identity: &identity,
            authorities,
            qualified: true,
        };
        let decision = self.accepted.decide(presented, Usage::Signing, None, now);
        match decision.accepted {
            true => Ok(()),
            false => Err(not_accepted(&format!(
                "its certificate is not accepted, by rule {:?} of the list of accepted certificates",
                decision.rule
            ))),
        }
    }
}

fn not_accepted(problem: &str) -> Error {
    Error::invalid("request", problem.to_string())
        .remedy("Sign with a certificate that /certificados/admitidos lists.")
}

/// Whether there are signatures, if all of them can be taken.
pub(super) fn accept(verdict: &Verdict) -> Result<bool> {
    let mut signed = !verdict.signatures.is_empty();
    for signature in &verdict.signatures {
        accept_one(signature)?;
    }
    for nested in &verdict.inside {
        signed |= accept(&nested.verdict)?;
    }
    match (signed, verdict.indication) {
        (true, Some(Indication::TotalFailed)) => {
            Err(refused("the document around the signature is broken"))
        }
        _ => Ok(signed),
    }
}

fn accept_one(signature: &SignatureVerdict) -> Result<()> {
    let on_hold = signature
        .findings
        .iter()
        .any(|f| f.check == "revocation.on_hold");
    match (signature.indication, signature.sub_indication) {
        (Indication::TotalPassed, _) => Ok(()),
        (Indication::Indeterminate, Some(SubIndication::TryLater)) if !on_hold => Ok(()),
        (indication, None) => Err(refused(&format!("its signature is {indication}"))),
        (indication, Some(why)) => Err(refused(&format!(
            "its signature is {indication}, {}",
            why.name()
        ))),
    }
}

fn refused(problem: &str) -> Error {
    Error::invalid("request", problem.to_string())
        .remedy("Check the file at /verificar, and send it signed again.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::formats::{CadesOptions, Options, cades::Cades};
    use crate::engine::pki::trust::Anchors;
    use crate::service::clock::SettableClock;
    use crate::service::config::SealSettings;
    use crate::service::config::WhenTsaFails;
    use crate::service::flow::{Order, seal};
    use crate::service::keys::Seal;

    fn file(name: &str) -> Vec<u8> {
        std::fs::read(format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    fn now() -> crate::engine::Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn signatures(anchors: &[&str]) -> CitizenSignatures {
        let files: Vec<Vec<u8>> = anchors.iter().map(|a| file(a)).collect();
        let anchors = Anchors::read(files.iter().map(|f| &f[..])).unwrap();
        let policy = Policy {
            qualified_anchors: anchors
                .iter()
                .map(|a| a.as_certificate().fingerprint())
                .collect(),
            ..Policy::baseline(anchors)
        };
        CitizenSignatures {
            policy: PolicyHandle::new(policy),
            accepted: Arc::default(),
            identities: Arc::new(Table::shipped().clone()),
            sources: Arc::default(),
            clock: Arc::new(SettableClock::at(now())),
        }
    }

    fn signed_by(who: &str) -> Vec<u8> {
        let folder = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
        let settings = format!(
            "name = 'x'\nkey = '{folder}/{who}.p12'\npassphrase_file = '{folder}/passphrase'"
        );
        let settings: SealSettings = toml::from_str(&settings).unwrap();
        let passphrase = crate::service::keys::Passphrase::new(
            String::from_utf8(file("passphrase")).unwrap().trim(),
        );
        let key = crate::service::keys::KeyFile::from_pkcs12(
            &file(&format!("{who}.p12")),
            &passphrase,
            who,
        )
        .unwrap();
        let seal_of_person = Seal::new(&settings, key).unwrap();
        let options = Options::Cades(CadesOptions::Attached);
        let order = Order {
            seal: &seal_of_person,
            format: &Cades,
            options: &options,
            timestamping: None,
            when_tsa_fails: WhenTsaFails::Fail,
        };
        seal(b"Solicito la jubilacion.", &order, now())
            .unwrap()
            .bytes
    }

    #[test]
    fn a_signature_under_an_anchor_is_taken_though_nobody_tells_of_revocation() {
        assert!(
            signatures(&["root.pem"])
                .signed(&signed_by("citizen"))
                .unwrap()
        );
    }

    #[test]
    fn a_certificate_that_nobody_calls_qualified_is_not_taken_and_the_rule_is_named() {
        let mut check = signatures(&["root.pem"]);
        let policy = Policy {
            qualified_anchors: Default::default(),
            ..(*check.policy.current()).clone()
        };
        check.policy = PolicyHandle::new(policy);
        let error = check.signed(&signed_by("citizen")).unwrap_err();
        assert!(error.problem().contains("not qualified"), "{error}");
    }

    #[test]
    fn a_qualified_certificate_that_is_not_listed_is_not_taken_and_the_rule_is_named() {
        let mut check = signatures(&["root.pem"]);
        let mut list = AcceptedCertificates::default().list();
        list.rules.retain(|rule| rule.id == "verification");
        check.accepted = Arc::new(AcceptedCertificates::new(list).unwrap());
        let error = check.signed(&signed_by("citizen")).unwrap_err();
        assert!(error.problem().contains("not-listed"), "{error}");
    }

    #[test]
    fn a_signature_of_anybody_is_not_taken() {
        let error = signatures(&["tsa.pem"])
            .signed(&signed_by("citizen"))
            .unwrap_err();
        assert!(
            error.problem().contains("NO_CERTIFICATE_CHAIN_FOUND"),
            "{error}"
        );
    }

    #[test]
    fn an_altered_request_is_refused() {
        let mut request = signed_by("citizen");
        let at = request.windows(8).position(|w| w == b"Solicito").unwrap();
        request[at] ^= 1;
        let error = signatures(&["root.pem"]).signed(&request).unwrap_err();
        assert!(error.problem().contains("HASH_FAILURE"), "{error}");
    }

    #[test]
    fn what_bears_no_signature_says_so() {
        let check = signatures(&["root.pem"]);
        for plain in [&b"<solicitud/>"[..], b"plain text", b"\xff\xfe\x00"] {
            assert!(!check.signed(plain).unwrap());
        }
    }
}
