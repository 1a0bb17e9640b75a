//! Indications and sub-indications (EN 319 102-1 §5.1.3, v1.4.1), with the standard's strings and URNs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The main indication. Ordered from best to worst, so that the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING-KEBAB-CASE")]
#[allow(missing_docs)]
pub enum Indication {
    TotalPassed,
    Indeterminate,
    TotalFailed,
}

impl Indication {
    /// The standard's string.
    pub const fn name(self) -> &'static str {
        match self {
            Indication::TotalPassed => "TOTAL-PASSED",
            Indication::Indeterminate => "INDETERMINATE",
            Indication::TotalFailed => "TOTAL-FAILED",
        }
    }

    /// The URN of TS 119 102-2.
    pub fn urn(self) -> String {
        format!(
            "urn:etsi:019102:mainindication:{}",
            self.name().to_lowercase()
        )
    }
}

impl fmt::Display for Indication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! sub_indications {
    ($($variant:ident $name:literal $main:ident;)*) => {
        /// Why a signature did not pass.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[allow(missing_docs)]
        pub enum SubIndication {
            $(#[serde(rename = $name)] $variant,)*
        }

        impl SubIndication {
            /// All of them, in the order of the clause.
            pub const ALL: &[SubIndication] = &[$(SubIndication::$variant,)*];

            /// The standard's string.
            pub const fn name(self) -> &'static str {
                match self { $(SubIndication::$variant => $name,)* }
            }

            /// The main indication that it goes with.
            pub const fn indication(self) -> Indication {
                match self { $(SubIndication::$variant => Indication::$main,)* }
            }

            /// The URN of TS 119 102-2.
            pub fn urn(self) -> String {
                format!("urn:etsi:019102:subindication:{}", self.name())
            }
        }
    };
}

sub_indications! {
    FormatFailure "FORMAT_FAILURE" TotalFailed;
    HashFailure "HASH_FAILURE" TotalFailed;
    SigCryptoFailure "SIG_CRYPTO_FAILURE" TotalFailed;
    Revoked "REVOKED" TotalFailed;
    Expired "EXPIRED" TotalFailed;
    NotYetValid "NOT_YET_VALID" TotalFailed;
    SigConstraintsFailure "SIG_CONSTRAINTS_FAILURE" Indeterminate;
    ChainConstraintsFailure "CHAIN_CONSTRAINTS_FAILURE" Indeterminate;
    CertificateChainGeneralFailure "CERTIFICATE_CHAIN_GENERAL_FAILURE" Indeterminate;
    CryptoConstraintsFailure "CRYPTO_CONSTRAINTS_FAILURE" Indeterminate;
    PolicyProcessingError "POLICY_PROCESSING_ERROR" Indeterminate;
    SignaturePolicyNotAvailable "SIGNATURE_POLICY_NOT_AVAILABLE" Indeterminate;
    TimestampOrderFailure "TIMESTAMP_ORDER_FAILURE" Indeterminate;
    NoSigningCertificateFound "NO_SIGNING_CERTIFICATE_FOUND" Indeterminate;
    NoCertificateChainFound "NO_CERTIFICATE_CHAIN_FOUND" Indeterminate;
    NoCertificateChainFoundNoPoe "NO_CERTIFICATE_CHAIN_FOUND_NO_POE" Indeterminate;
    RevokedNoPoe "REVOKED_NO_POE" Indeterminate;
    RevokedCaNoPoe "REVOKED_CA_NO_POE" Indeterminate;
    OutOfBoundsNotRevoked "OUT_OF_BOUNDS_NOT_REVOKED" Indeterminate;
    OutOfBoundsNoPoe "OUT_OF_BOUNDS_NO_POE" Indeterminate;
    RevocationOutOfBoundsNoPoe "REVOCATION_OUT_OF_BOUNDS_NO_POE" Indeterminate;
    CryptoConstraintsFailureNoPoe "CRYPTO_CONSTRAINTS_FAILURE_NO_POE" Indeterminate;
    NoPoe "NO_POE" Indeterminate;
    TryLater "TRY_LATER" Indeterminate;
    SignedDataNotFound "SIGNED_DATA_NOT_FOUND" Indeterminate;
}

impl fmt::Display for SubIndication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_six_failures_and_nineteen_doubts() {
        let failed = SubIndication::ALL
            .iter()
            .filter(|s| s.indication() == Indication::TotalFailed)
            .count();
        assert_eq!((failed, SubIndication::ALL.len()), (6, 25));
        assert_eq!(
            Indication::TotalPassed.urn(),
            "urn:etsi:019102:mainindication:total-passed"
        );
        assert_eq!(
            serde_json::to_string(&Indication::TotalPassed).unwrap(),
            "\"TOTAL-PASSED\""
        );
        assert_eq!(
            serde_json::to_string(&SubIndication::RevokedNoPoe).unwrap(),
            "\"REVOKED_NO_POE\""
        );
    }
}
