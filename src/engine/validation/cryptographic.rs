//! Cryptographic verification (EN 319 102-1 §5.2.7): that what is covered is what was signed, and that the key signed.
//!
//! In: a signature and its certificate. Out: findings; HASH_FAILURE, SIG_CRYPTO_FAILURE, SIGNED_DATA_NOT_FOUND. Whether
//! the algorithms may still be believed is `acceptance`.

use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use crate::engine::crypto::SignatureInput;
use crate::engine::evidence::{Reference, Signature, SignedData};
use crate::engine::pki::Certificate;
use crate::engine::syntax::hex::hex;

const CLAUSE: &str = "EN 319 102-1 §5.2.7.4";

/// Whether references and value hold: none where that could not be checked.
pub(super) fn verify(
    signature: &Signature,
    certificate: Option<&Certificate>,
    findings: &mut Vec<Finding>,
) -> Option<bool> {
    let from = findings.len();
    for reference in &signature.references {
        findings.push(reference_finding(reference));
    }
    if signature.references.is_empty() && matches!(signature.signed, SignedData::Attributes(_)) {
        findings.push(negative(
            "reference.none",
            SubIndication::SignedDataNotFound,
        ));
    }
    match certificate {
        Some(certificate) => findings.push(value_finding(signature, certificate)),
        None => findings.push(Finding::new("value.no_certificate", CLAUSE, Outcome::Note)),
    }
    let mine = &findings[from..];
    if mine.iter().any(|f| f.outcome == Outcome::Failed) {
        Some(false)
    } else if certificate.is_some() && !mine.iter().any(Finding::is_negative) {
        Some(true)
    } else {
        None
    }
}

fn negative(check: &str, sub_indication: SubIndication) -> Finding {
    Finding::negative(check, CLAUSE, sub_indication)
}

/// §5.2.7.4(1) and (2) (unchecked): the signed data must be found, and must have the digest that was signed.
pub(super) fn reference_finding(reference: &Reference) -> Finding {
    let finding = match &reference.actual {
        None => negative("reference.not_found", SubIndication::SignedDataNotFound),
        Some(_) if reference.is_intact() => {
            return Finding::new("reference.intact", CLAUSE, Outcome::Passed)
                .element(&reference.name);
        }
        Some(actual) => negative("reference.altered", SubIndication::HashFailure)
            .found(hex(actual))
            .expected(hex(&reference.expected)),
    };
    finding.element(&reference.name)
}

/// §5.2.7.4(3) (unchecked): the value must be that of the signing key over what was signed.
fn value_finding(signature: &Signature, certificate: &Certificate) -> Finding {
    let (Some(algorithm), Ok(key)) = (signature.algorithm, certificate.public_key()) else {
        return negative(
            "value.not_checkable",
            SubIndication::CryptoConstraintsFailure,
        );
    };
    let holds = match &signature.signed {
        SignedData::Attributes(der) => {
            key.verify(algorithm, SignatureInput::Message(der), &signature.value)
        }
        SignedData::Content(None) => {
            return negative("reference.not_found", SubIndication::SignedDataNotFound)
                .element("content");
        }
        SignedData::Content(Some(_)) if algorithm.digest().is_none() => {
            return negative(
                "value.not_checkable",
                SubIndication::CryptoConstraintsFailure,
            )
            .found(algorithm);
        }
        SignedData::Content(Some(digest)) => {
            key.verify(algorithm, SignatureInput::Digest(digest), &signature.value)
        }
    };
    if holds {
        Finding::new("value.verifies", CLAUSE, Outcome::Passed).found(algorithm)
    } else {
        negative("value.wrong", SubIndication::SigCryptoFailure).found(algorithm)
    }
}
