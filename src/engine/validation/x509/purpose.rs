//! What a key must be for (EN 319 102-1 §5.2.6.4 step 4, chain constraints).

use crate::engine::error::Error;
use crate::engine::pki::Certificate;
use crate::engine::pki::extension::KeyUsage;
use crate::engine::syntax::asn1::names;
use crate::engine::validation::finding::Finding;
use crate::engine::validation::indication::SubIndication;
use crate::engine::validation::material::id_of;
use serde::{Deserialize, Serialize};

/// What a certificate is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To identify its holder: TLS client authentication.
    Access,
    /// To sign.
    Signature,
    /// To seal in the name of an entity.
    Seal,
    /// To time-stamp.
    TimeStamping,
    /// For whatever its issuer made it for.
    Any,
}

impl Purpose {
    /// All of them.
    pub const ALL: &[Purpose] = &[
        Purpose::Access,
        Purpose::Signature,
        Purpose::Seal,
        Purpose::TimeStamping,
        Purpose::Any,
    ];

    /// Its name in requests and reports.
    pub fn name(self) -> &'static str {
        match self {
            Purpose::Access => "access",
            Purpose::Signature => "signature",
            Purpose::Seal => "seal",
            Purpose::TimeStamping => "time-stamping",
            Purpose::Any => "any",
        }
    }
}

impl std::str::FromStr for Purpose {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = Purpose::ALL.iter().find(|purpose| purpose.name() == name);
        found.copied().ok_or_else(|| {
            Error::invalid("purpose", "not one that a certificate is judged for")
                .remedy("Use access, signature, seal, time-stamping or any.")
        })
    }
}

/// What the key must be for: §5.2.6.4 step 4, chain constraints.
pub(in crate::engine::validation) fn purpose_finding(
    certificate: &Certificate,
    purpose: Purpose,
) -> Option<Finding> {
    let (check, clause) = match purpose {
        Purpose::Any => None,
        Purpose::Access => (!may_authenticate(certificate))
            .then_some(("certificate.not_for_access", "RFC 5280 §4.2.1.12")),
        _ if !may_sign(certificate) => Some(("certificate.not_for_signing", "RFC 5280 §4.2.1.3")),
        Purpose::TimeStamping if !may_stamp(certificate) => {
            Some(("certificate.not_for_time_stamping", "RFC 3161 §2.3"))
        }
        _ => None,
    }?;
    let finding = Finding::negative(check, clause, SubIndication::ChainConstraintsFailure);
    Some(
        finding
            .object(id_of(certificate))
            .element(certificate.subject().common_name()),
    )
}

fn may_sign(certificate: &Certificate) -> bool {
    certificate.key_usage().is_none_or(|usage| {
        usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::NON_REPUDIATION)
    })
}

/// RFC 5280 §4.2.1.12 of id-kp-clientAuth: "Key usage bits that may be consistent: digitalSignature and/or keyAgreement".
/// Where extended uses are named, it must be among them.
fn may_authenticate(certificate: &Certificate) -> bool {
    let consistent = certificate.key_usage().is_none_or(|usage| {
        usage.has(KeyUsage::DIGITAL_SIGNATURE) || usage.has(KeyUsage::KEY_AGREEMENT)
    });
    let named = certificate.extension(&names::ID_CE_EXT_KEY_USAGE).is_none()
        || certificate
            .extended_key_usage()
            .iter()
            .any(|id| [names::ID_KP_CLIENT_AUTH, names::ANY_EXTENDED_KEY_USAGE].contains(id));
    consistent && named
}

/// RFC 3161 §2.3: "exactly one instance of the extended key usage field extension … with KeyPurposeID having value
/// id-kp-timeStamping", critical.
fn may_stamp(certificate: &Certificate) -> bool {
    let extension = certificate.extension(&names::ID_CE_EXT_KEY_USAGE);
    certificate.extended_key_usage() == [names::ID_KP_TIME_STAMPING]
        && extension.is_some_and(|e| e.critical)
}
