//! Whether a request bears a citizen's signature that holds.
//!
//! Ley 39/2015 art. 10 and 11. In: the request. Out: signed, not signed, or a refusal that names why its signature does not
//! hold. A signature whose revocation status cannot be learned now is taken: an outage elsewhere does not shut the
//! register. Not here: whether a procedure may do without one (`flow::receive`).

use super::receive::Signatures;
use super::validate::settle;
use crate::engine::formats::{Input, recognise};
use crate::engine::validation::{Indication, SignatureVerdict, SubIndication, Verdict};
use crate::engine::{Error, ErrorKind, Result};
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
        accept(&settle(evidence, &policy, &self.sources, self.clock.now()).verdict)
    }
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
    use crate::engine::formats::{Options, cades::Cades};
    use crate::engine::pki::trust::Anchors;
    use crate::engine::validation::Policy;
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
        CitizenSignatures {
            policy: PolicyHandle::new(Policy::baseline(anchors)),
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
        let options = Options::Cades {
            attached: true,
            mime_type: None,
        };
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
