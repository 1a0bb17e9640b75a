//! Whether the certificates of our own seals stand: each seal signs a probe, which is judged like a foreign document.
//!
//! In: the seals, the policy and the sources that signatures are judged by. Out: a verdict a seal; one that was revoked is
//! marked, and seals nothing any more. Run at the start and now and then.

use super::sign::{Order, seal};
use super::validate::settle;
use crate::engine::Result;
use crate::engine::Time;
use crate::engine::formats::Options;
use crate::engine::formats::cades::Cades;
use crate::engine::validation::{Policy, SignatureVerdict, SubIndication};
use crate::service::config::WhenTsaFails;
use crate::service::keys::Seal;
use crate::service::sources::Sources;

/// What the probe signs.
const PROBE: &[u8] = b"rubrica: probe of a seal, of no other meaning";

/// Judges a seal at `now`, and marks it where its certificate, or one above it, was revoked.
pub fn judge_seal(
    by: &Seal,
    policy: &Policy,
    sources: &Sources,
    now: Time,
) -> Result<Option<SignatureVerdict>> {
    let options = Options::Cades {
        attached: true,
        mime_type: None,
    };
    let order = Order {
        seal: by,
        format: &Cades,
        options: &options,
        timestamping: None,
        when_tsa_fails: WhenTsaFails::Fail,
    };
    let probe = seal(PROBE, &order, now)?;
    let mut validated = settle(probe.evidence, policy, sources, now);
    let verdict = validated.verdict.signatures.pop();
    if let Some(at) = verdict.as_ref().and_then(|verdict| revoked(verdict, now)) {
        by.note_revoked(at);
    }
    Ok(verdict)
}

/// When the certificate was revoked, where it was; `now` where it is not said when.
fn revoked(verdict: &SignatureVerdict, now: Time) -> Option<Time> {
    use SubIndication::{Revoked, RevokedCaNoPoe, RevokedNoPoe};
    let is_revoked = matches!(
        verdict.sub_indication,
        Some(Revoked | RevokedNoPoe | RevokedCaNoPoe)
    );
    let said = verdict
        .findings
        .iter()
        .find(|f| f.check == "revocation.revoked");
    is_revoked.then(|| said.and_then(|f| f.found.parse().ok()).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::trust::Anchors;
    use crate::service::keys::{KeyFile, Passphrase};
    use crate::service::sources::Folder;

    fn certs(name: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("certs/test")
            .join(name)
    }

    fn judged(name: &str, at_hand: &[&str]) -> (Seal, Option<SubIndication>) {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let der = std::fs::read(certs(&format!("{name}.p12"))).unwrap();
        let file = KeyFile::from_pkcs12(&der, &Passphrase::new("demo"), name).unwrap();
        let seal = Seal::new(&toml::from_str("name = 'inss'\nkey = 'k'").unwrap(), file).unwrap();
        let policy =
            Policy::baseline(Anchors::read([&*std::fs::read(certs("root.pem")).unwrap()]).unwrap());
        let at_hand: Vec<_> = at_hand.iter().map(|name| certs(name)).collect();
        let mut sources = Sources::default();
        sources.add(Folder::read(&at_hand).unwrap());
        let verdict = judge_seal(&seal, &policy, &sources, now).unwrap().unwrap();
        (seal, verdict.sub_indication)
    }

    #[test]
    fn a_seal_that_stands_is_not_marked() {
        let (seal, why) = judged("seal", &["root.crl", "ca.crl"]);
        assert_eq!(why, None, "TOTAL-PASSED");
        assert_eq!(seal.revoked.get(), None);
    }

    #[test]
    fn a_seal_that_was_revoked_seals_nothing_any_more() {
        let (seal, why) = judged("revoked", &["root.crl", "ca.crl"]);
        assert_eq!(why, Some(SubIndication::RevokedNoPoe));
        let error = seal
            .check_usable("2026-11-24T12:00:01Z".parse().unwrap())
            .unwrap_err();
        assert!(error.problem().contains("revoked on 2025-01-01"), "{error}");
    }

    #[test]
    fn an_outage_marks_nothing() {
        let (seal, why) = judged("revoked", &[]);
        assert_eq!(why, Some(SubIndication::TryLater));
        assert_eq!(seal.revoked.get(), None);
    }
}
