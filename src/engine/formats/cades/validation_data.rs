//! Whether a signature brings the revocation data that its level promises (EN 319 122-1 §6.3, unchecked).
//!
//! In: the objects that came with a message. Out: whether there is an answer about each certificate that must have one, by
//! issuer and serial number alone. Whether the answers hold is for the judge to say; whom the reader trusts is not known
//! here, so the certificate that a path ends with is not asked for.

use crate::engine::crypto::digest;
use crate::engine::evidence::{
    ObjectKind, Pool, Signature, SignerReference, Timestamp, TimestampKind,
};
use crate::engine::pki::extension::GeneralName;
use crate::engine::pki::ocsp::CertId;
use crate::engine::pki::revocation::exemption;
use crate::engine::pki::{Certificate, CertificateList, Name, OcspResponse, RevocationList};
use crate::engine::syntax::asn1::names;

/// No honest path is longer.
const LONGEST_PATH: usize = 12;

/// The certificates of a message, and of whom its revocation data speak.
pub(super) struct ValidationData {
    certificates: Vec<Certificate>,
    lists: Vec<Name>,
    answers: Vec<CertId>,
}

impl ValidationData {
    pub(super) fn of(pool: &Pool) -> ValidationData {
        let bytes = |kind| pool.of_kind(kind).map(|(_, object)| &object.bytes[..]);
        let lists = bytes(ObjectKind::CertificateRevocationList)
            .filter_map(|list| CertificateList::from_der(list).ok());
        let answers = bytes(ObjectKind::OcspResponse)
            .filter_map(|response| OcspResponse::from_der(response).ok());
        let of_response = |r: OcspResponse| r.responses().to_vec().into_iter().map(|s| s.cert_id);
        ValidationData {
            certificates: bytes(ObjectKind::Certificate)
                .filter_map(|one| Certificate::from_der(one).ok())
                .collect(),
            lists: lists.map(|list| list.header().issuer().clone()).collect(),
            answers: answers.flat_map(of_response).collect(),
        }
    }

    /// Whether the paths of the signer and of the authorities that stamped have what they need; what the last archive
    /// time-stamp needs comes with the next.
    pub(super) fn is_complete(&self, signature: &Signature) -> bool {
        let stamps = &signature.timestamps;
        let archive = |t: &&Timestamp| t.kind == TimestampKind::Archive;
        let last = stamps.iter().filter(archive).max_by_key(|t| t.gen_time);
        let needed = stamps
            .iter()
            .filter(|t| last.is_none_or(|last| last.token != t.token));
        let signers = std::iter::once(signature).chain(needed.map(|t| &*t.signature));
        (!self.lists.is_empty() || !self.answers.is_empty())
            && signers.into_iter().all(|one| self.covers(one))
    }

    fn covers(&self, signature: &Signature) -> bool {
        let mut certificates = self.certificates.iter();
        let Some(mut certificate) = certificates.find(|c| is_signer(signature, c)) else {
            return false;
        };
        for length in 0..LONGEST_PATH {
            if certificate.is_self_issued() {
                return true;
            }
            let issuer = self
                .certificates
                .iter()
                .find(|c| c.subject() == certificate.issuer());
            // The last certificate that there is may be the anchor itself.
            if !self.speaks_of(certificate) && (length == 0 || issuer.is_some()) {
                return false;
            }
            match issuer {
                Some(issuer) => certificate = issuer,
                None => return true,
            }
        }
        false
    }

    fn speaks_of(&self, certificate: &Certificate) -> bool {
        let issuer = certificate.issuer();
        let listed = self.lists.iter().any(|list| {
            list == issuer || {
                let points = certificate.distribution_points().iter();
                let mut issuers = points.flat_map(|point| &point.crl_issuer);
                issuers.any(|name| matches!(name, GeneralName::Directory(name) if name == list))
            }
        });
        let answered = |id: &CertId| {
            id.serial == certificate.serial()
                && id
                    .digest
                    .is_some_and(|algorithm| id.issuer_name == digest(algorithm, issuer.bytes()))
        };
        listed
            || self.answers.iter().any(answered)
            || exemption(certificate).is_some()
            || certificate
                .extension(&names::ID_PKIX_OCSP_NOCHECK)
                .is_some()
    }
}

/// Whether the structure names `certificate` as that of its signer.
fn is_signer(signature: &Signature, certificate: &Certificate) -> bool {
    match &signature.signer {
        SignerReference::IssuerAndSerial(issuer, serial) => {
            certificate.serial() == &serial[..]
                && Name::from_bytes(issuer).is_ok_and(|name| name == *certificate.issuer())
        }
        SignerReference::KeyIdentifier(key) => {
            certificate.subject_key_identifier() == Some(&key[..])
        }
        SignerReference::None => false,
    }
}
