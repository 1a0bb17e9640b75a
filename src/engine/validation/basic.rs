//! Validation of a signature by itself (EN 319 102-1 §5.3): the building blocks in the clause's order.
//!
//! In: a signature and the instant. Out: what does not depend on the instant, and, for any instant for which there is a proof of
//! existence, what does. The process that puts them together is `with_time`.

use super::block::Block;
use super::finding::Finding;
use super::material::Material;
use super::x509::{Purpose, X509};
use super::{acceptance, context, cryptographic, format_checking, signing_certificate, x509};
use crate::engine::evidence::{Fault, Signature};
use crate::engine::pki::Certificate;
use crate::engine::time::Time;

/// What holds of a signature at any time.
#[derive(Debug)]
pub(super) struct Basic {
    /// §5.2.2 to §5.2.4.
    pub(super) before: Vec<Finding>,
    /// §5.2.7.
    pub(super) after: Vec<Finding>,
    pub(super) certificate: Option<Certificate>,
    pub(super) mathematics: Option<bool>,
}

/// §5.3.4 steps 1 to 3 and 5.
pub(super) fn validate(
    signature: &Signature,
    document_faults: &[Fault],
    material: &Material<'_>,
) -> Basic {
    let policy = material.policy;
    let format = format_checking::check(&signature.faults, document_faults);
    let mut before = Block::FormatChecking.close(format, policy);
    let mut identified = Vec::new();
    let certificate = signing_certificate::identify(signature, material, &mut identified);
    before.extend(Block::SigningCertificate.close(identified, policy));
    let context = context::initialise(signature, policy);
    before.extend(Block::ValidationContext.close(context, policy));
    let mut verified = Vec::new();
    let mathematics = cryptographic::verify(signature, certificate.as_ref(), &mut verified);
    let after = Block::Cryptographic.close(verified, policy);
    Basic {
        before,
        after,
        certificate,
        mathematics,
    }
}

/// §5.3.4 step 4 and the algorithms of step 6: what can be said of the certificate and the algorithms at `at`.
pub(super) fn at(
    signature: &Signature,
    certificate: &Certificate,
    purpose: Purpose,
    at: Time,
    material: &Material<'_>,
) -> X509 {
    let mut result = x509::validate(certificate, purpose, at, material);
    let algorithms = acceptance::accept_algorithms(signature, certificate, at, material.policy);
    let algorithms = Block::Acceptance.close(algorithms, material.policy);
    result.findings.extend(algorithms);
    result
}
