//! What a key must be for (EN 319 102-1 §5.2.6.4 step 4, chain constraints).

use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::syntax::asn1::names;
use crate::engine::validation::finding::Finding;
use crate::engine::validation::indication::SubIndication;
use crate::engine::validation::material::id_of;

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::validation) enum Purpose {
    Signature,
    TimeStamping,
}
/// What the key must be for: §5.2.6.4 step 4, chain constraints.
pub(super) fn purpose_finding(certificate: &Certificate, purpose: Purpose) -> Option<Finding> {
    let may_sign = certificate.key_usage().is_none_or(|usage| {
        usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
    });
    let negative = |check, clause| {
        Finding::negative(check, clause, SubIndication::ChainConstraintsFailure)
            .object(id_of(certificate))
            .element(certificate.subject().common_name())
    };
    if !may_sign {
        return Some(negative("certificate.not_for_signing", "RFC 5280 §4.2.1.3"));
    }
    // RFC 3161 §2.3: "exactly one instance of the extended key usage field extension … with KeyPurposeID having value
    // id-kp-timeStamping", critical.
    let stamps = certificate.extended_key_usage() == [names::ID_KP_TIME_STAMPING]
        && certificate
            .extension(&names::ID_CE_EXT_KEY_USAGE)
            .is_some_and(|e| e.critical);
    (purpose == Purpose::TimeStamping && !stamps)
        .then(|| negative("certificate.not_for_time_stamping", "RFC 3161 §2.3"))
}
