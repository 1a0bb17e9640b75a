//! Whether a certificate is revoked, asked now: fetch what is known of it, read it, answer (RFC 5280 §6.3, RFC 6960 §3.2).
//!
//! In: a certificate and its issuer. Out: good, revoked, unknown, or why it could not be checked; an outage is never turned
//! into an answer. Not here: the path of the certificate (`engine::validation`).

use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::path::SignatureChecks;
use crate::engine::pki::revocation::{Answer, Data, Inquiry, Link, Memory, NoPaths, Status};
use crate::engine::pki::{
    Certificate, CertificateList, Certificates, OcspResponse, RevocationList, extension,
};
use crate::engine::validation::Want;
use crate::engine::{Error, Result, Time};
use crate::service::keys::Seal;
use crate::service::sources::{Deadline, Sources};
use std::cell::Cell;
use std::time::Duration;

/// How long its sources are asked for one certificate.
const LONGEST: Duration = Duration::from_secs(30);

/// Certificates that are tried as signers of what the sources have.
const MOST_SIGNERS: u32 = 64;

/// The weightiest answer about `certificate`, issued by `issuer`, that the sources have.
///
/// Errors: `Unavailable` where no source has a usable answer that is fresh at `now`.
pub fn revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    sources: &Sources,
    now: Time,
) -> Result<Answer> {
    let mut pool = Pool::default();
    let add = |c: &Certificate, pool: &mut Pool| {
        pool.add(Object::new(
            ObjectKind::Certificate,
            c.bytes(),
            Origin::Given,
        ))
    };
    let want = want(
        certificate,
        add(certificate, &mut pool),
        add(issuer, &mut pool),
        now,
    );
    let answers = sources.fetch(&want, &pool, Deadline::after(LONGEST))?;
    weightiest(said(certificate, issuer, &answers), now).ok_or_else(|| {
        Error::unavailable("revocation status", "no source has a usable answer")
            .remedy("Check that the addresses in the certificate can be reached, or give its revocation lists.")
    })
}

/// A revocation for good outweighs whatever is newer; then the newest counts, "unknown" only where nothing else is said.
fn weightiest(answers: Vec<Answer>, now: Time) -> Option<Answer> {
    let usable = |answer: &Answer| {
        let is_revoked = matches!(answer.status, Status::Revoked { .. });
        is_revoked || answer.next_update.is_none_or(|next| now < next)
    };
    let weight = |answer: &Answer| {
        let for_good = answer.status.revoked_at(now).is_some();
        let known = answer.status != Status::Unknown;
        (for_good, known, answer.this_update)
    };
    answers.into_iter().filter(usable).max_by_key(weight)
}

/// Asks for the certificate of a seal, and notes a revocation on it: from then on it seals nothing.
pub fn check_seal(seal: &Seal, sources: &Sources, now: Time) -> Result<Answer> {
    let issuer = seal
        .chain
        .iter()
        .find(|c| c.subject() == seal.certificate.issuer())
        .ok_or_else(|| {
            Error::unavailable(
                format!("seal {:?}", seal.name()),
                "its key file does not hold the certificate of its issuer",
            )
            .remedy("Put the issuer's certificate into the key file or `certificate`.")
        })?;
    let answer = revocation(&seal.certificate, issuer, sources, now)?;
    if let Status::Revoked { at, .. } = answer.status {
        seal.note_revoked(at);
    }
    Ok(answer)
}

fn want(certificate: &Certificate, id: ObjectId, issuer: ObjectId, now: Time) -> Want {
    let points = certificate.distribution_points().iter();
    Want::Revocation {
        certificate: id,
        issuer,
        ocsp: certificate.ocsp_uris().map(str::to_string).collect(),
        crls: points
            .flat_map(|point| extension::uris(&point.full_name))
            .map(str::to_string)
            .collect(),
        not_before: Some(now.unix()),
    }
}

/// What `objects` say about `certificate`.
fn said(certificate: &Certificate, issuer: &Certificate, objects: &[Object]) -> Vec<Answer> {
    let of = |kind| objects.iter().filter(move |object| object.kind == kind);
    let lists: Vec<Box<dyn RevocationList>> = of(ObjectKind::CertificateRevocationList)
        .filter_map(|object| CertificateList::from_der(&object.bytes).ok())
        .map(|list| Box::new(list) as Box<dyn RevocationList>)
        .collect();
    let responses: Vec<OcspResponse> = of(ObjectKind::OcspResponse)
        .filter_map(|object| OcspResponse::from_der(&object.bytes).ok())
        .collect();
    let data = Data {
        lists: &lists,
        responses: &responses,
        pool: &Certificates::default(),
    };
    let link = Link {
        certificate,
        issuer,
        anchor: issuer,
    };
    let (mut paths, mut memory) = (NoPaths, Memory::default());
    let steps = Cell::new(MOST_SIGNERS);
    let mut inquiry = Inquiry::new(data, &mut paths, &mut memory, &steps);
    let said = inquiry.said(link, &mut SignatureChecks::default());
    said.answers.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;
    use crate::engine::pki::crl::RevocationReason;
    use crate::engine::pki::revocation::Kind;
    use crate::service::clock::{Clock, SystemClock};
    use crate::service::config::{SealSettings, SourceSettings};
    use crate::service::keys::{KeyFile, Passphrase};
    use crate::service::sources::Folder;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    fn certs() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test")
    }

    fn seal(name: &str) -> Seal {
        let settings: SealSettings = toml::from_str("name = \"s\"\nkey = \"s.p12\"").unwrap();
        let file = std::fs::read(certs().join(format!("{name}.p12"))).unwrap();
        let file = KeyFile::from_pkcs12(&file, &Passphrase::new("demo"), name).unwrap();
        let mut seal = Seal::new(&settings, file).unwrap();
        let issuer = std::fs::read(certs().join("ca.pem")).unwrap();
        seal.chain = Certificate::from_pem_or_der(&issuer).unwrap();
        seal
    }

    fn sources(paths: &[PathBuf]) -> Sources {
        let settings = SourceSettings {
            offline: true,
            ..SourceSettings::default()
        };
        Sources::new(
            &settings,
            Folder::read(paths).unwrap(),
            Arc::new(SystemClock),
        )
        .unwrap()
    }

    #[test]
    fn a_revoked_seal_seals_no_more_and_a_good_one_does() {
        let now = SystemClock.now();
        let sources = sources(&[certs()]);
        let good = seal("seal");
        assert_eq!(
            check_seal(&good, &sources, now).unwrap().status,
            Status::Good
        );
        good.check_usable(now).unwrap();
        let revoked = seal("revoked");
        assert!(matches!(
            check_seal(&revoked, &sources, now).unwrap().status,
            Status::Revoked { .. }
        ));
        assert_eq!(
            revoked.check_usable(now).unwrap_err().kind(),
            ErrorKind::Refused
        );
    }

    #[test]
    fn nothing_newer_makes_a_revoked_certificate_good() {
        let at = |text: &str| text.parse::<Time>().unwrap();
        let answer = |status, this_update: &str| Answer {
            status,
            this_update: at(this_update),
            issued: at(this_update),
            next_update: Some(at("2026-03-09T00:00:00Z")),
            invalidity_date: None,
            kind: Kind::List,
            evidence: vec![[0; 32]],
            signers: Vec::new(),
            unchecked: Vec::new(),
        };
        let since = at("2026-03-01T00:00:00Z");
        let revoked = |reason| Status::Revoked { at: since, reason };
        let for_good = revoked(Some(RevocationReason::KeyCompromise));
        let on_hold = revoked(Some(RevocationReason::CertificateHold));
        for (older, newer, told) in [
            (for_good, Status::Good, for_good),
            (for_good, Status::Unknown, for_good),
            (on_hold, Status::Good, Status::Good),
            (on_hold, Status::Unknown, on_hold),
            (Status::Good, Status::Unknown, Status::Good),
            (Status::Good, on_hold, on_hold),
        ] {
            let answers = vec![
                answer(older, "2026-03-02T00:00:00Z"),
                answer(newer, "2026-03-03T00:00:00Z"),
            ];
            let found = weightiest(answers, at("2026-03-04T00:00:00Z")).unwrap();
            assert_eq!(found.status, told, "{older:?} {newer:?}");
        }
    }

    #[test]
    fn an_outage_is_no_answer() {
        let revoked = seal("revoked");
        let error = check_seal(&revoked, &sources(&[]), SystemClock.now()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(revoked.revoked.get().is_none());
    }
}
