//! Identification of the signing certificate (EN 319 102-1 §5.2.3).
//!
//! In: a signature and the certificates at hand. Out: the certificate, or NO_SIGNING_CERTIFICATE_FOUND. The signed
//! reference decides; the unsigned name in the structure is believed only where there is no signed one.

use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use super::material::{Material, id_of};
use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::evidence::{CertificateReference, Signature, SignerReference};
use crate::engine::pki::{Certificate, Name};

const CLAUSE: &str = "EN 319 102-1 §5.2.3";

/// The signing certificate, where it was identified.
pub(super) fn identify(
    signature: &Signature,
    material: &Material<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Certificate> {
    let found = match signature.certificate_references.first() {
        Some(reference) => by_reference(signature, reference, material, findings),
        None => by_name(signature, material, findings),
    };
    if let Some(certificate) = &found {
        let finding = Finding::new("signing_certificate.identified", CLAUSE, Outcome::Passed);
        findings.push(about(finding, certificate));
    }
    found
}

fn about(finding: Finding, certificate: &Certificate) -> Finding {
    finding
        .object(id_of(certificate))
        .element(certificate.subject().common_name())
}

fn negative(check: &str) -> Finding {
    Finding::negative(check, CLAUSE, SubIndication::NoSigningCertificateFound)
}

/// §5.2.3.4 (unchecked): the certificate whose digest is the one that was signed.
fn by_reference(
    signature: &Signature,
    reference: &CertificateReference,
    material: &Material<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Certificate> {
    let is_referenced = |certificate: &&Certificate| match reference.algorithm {
        DigestAlgorithm::Sha256 => certificate.fingerprint()[..] == reference.digest[..],
        other => digest(other, certificate.bytes())[..] == reference.digest[..],
    };
    let Some(certificate) = candidates(signature, material).find(is_referenced) else {
        let named = candidates(signature, material).find(|c| names(&signature.signer, c));
        findings.push(match named {
            Some(other) => about(negative("signing_certificate.reference_mismatch"), other),
            None => negative("signing_certificate.not_found"),
        });
        return None;
    };
    let note = |check| about(Finding::new(check, CLAUSE, Outcome::Note), certificate);
    if let Some((issuer, serial)) = &reference.issuer_serial
        && !is_issuer_and_serial(issuer, serial, certificate)
    {
        findings.push(note("signing_certificate.issuer_serial_differs"));
    }
    if !names(&signature.signer, certificate) && signature.signer != SignerReference::None {
        findings.push(note("signing_certificate.structure_names_other"));
    }
    if matches!(
        reference.algorithm,
        DigestAlgorithm::Sha1 | DigestAlgorithm::Md5
    ) {
        findings.push(note("signing_certificate.weak_reference").found(reference.algorithm));
    }
    Some(certificate.clone())
}

/// Without a signed reference: the certificate that the structure names, or the first that came with it.
fn by_name(
    signature: &Signature,
    material: &Material<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Certificate> {
    let mut candidates = candidates(signature, material);
    let found = match &signature.signer {
        SignerReference::None => signature
            .certificates
            .first()
            .and_then(|id| material.certificate(id)),
        signer => candidates.find(|certificate| names(signer, certificate)),
    };
    match found {
        Some(certificate) => {
            let note = Finding::new("signing_certificate.unreferenced", CLAUSE, Outcome::Note);
            findings.push(about(note, certificate));
            Some(certificate.clone())
        }
        None => {
            findings.push(negative("signing_certificate.not_found"));
            None
        }
    }
}

/// Those that came with the signature first.
fn candidates<'a>(
    signature: &'a Signature,
    material: &'a Material<'_>,
) -> impl Iterator<Item = &'a Certificate> {
    signature
        .certificates
        .iter()
        .filter_map(|id| material.certificate(id))
        .chain(material.certificates.iter())
}

fn names(signer: &SignerReference, certificate: &Certificate) -> bool {
    match signer {
        SignerReference::IssuerAndSerial(issuer, serial) => {
            is_issuer_and_serial(issuer, serial, certificate)
        }
        SignerReference::KeyIdentifier(key) => {
            certificate.subject_key_identifier() == Some(&key[..])
        }
        SignerReference::None => false,
    }
}

fn is_issuer_and_serial(issuer: &[u8], serial: &[u8], certificate: &Certificate) -> bool {
    certificate.serial() == serial
        && (certificate.issuer().bytes() == issuer
            || Name::from_bytes(issuer).is_ok_and(|name| name == *certificate.issuer()))
}
