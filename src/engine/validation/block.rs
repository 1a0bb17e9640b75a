//! The building blocks and processes of EN 319 102-1, as the places that findings belong to; clause numbers of §5.6 (unchecked).

use super::finding::Finding;
use super::policy::Policy;
use serde::{Deserialize, Serialize};

macro_rules! blocks {
    ($($variant:ident $clause:literal $name:literal;)*) => {
        /// A building block or process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Block {
            $($variant,)*
        }

        impl Block {
            /// All of them, in the order of the clauses.
            pub const ALL: &[Block] = &[$(Block::$variant,)*];

            /// The clause that describes it.
            pub const fn clause(self) -> &'static str {
                match self { $(Block::$variant => $clause,)* }
            }

            /// The clause's name.
            pub const fn name(self) -> &'static str {
                match self { $(Block::$variant => $name,)* }
            }
        }
    };
}

blocks! {
    FormatChecking "EN 319 102-1 §5.2.2" "Format checking";
    SigningCertificate "EN 319 102-1 §5.2.3" "Identification of the signing certificate";
    ValidationContext "EN 319 102-1 §5.2.4" "Validation context initialization";
    RevocationFreshness "EN 319 102-1 §5.2.5" "Revocation freshness checker";
    X509 "EN 319 102-1 §5.2.6" "X.509 certificate validation";
    Cryptographic "EN 319 102-1 §5.2.7" "Cryptographic verification";
    Acceptance "EN 319 102-1 §5.2.8" "Signature acceptance validation";
    Timestamp "EN 319 102-1 §5.4" "Time-stamp validation";
    WithTime "EN 319 102-1 §5.5" "Validation process for signatures with time";
    PastCertificate "EN 319 102-1 §5.6.2.1" "Past certificate validation";
    TimeSliding "EN 319 102-1 §5.6.2.2" "Validation time sliding";
    PoeExtraction "EN 319 102-1 §5.6.2.3" "POE extraction";
    PastSignature "EN 319 102-1 §5.6.2.4" "Past signature validation";
    LongTerm "EN 319 102-1 §5.6.3" "Validation process for signatures with long-term availability";
}

impl Block {
    /// Findings as they leave the building block: marked with it and weighed by the policy's constraints. The only place
    /// where the policy weighs; findings of a block within it are left as they are.
    pub(super) fn close(
        self,
        findings: impl IntoIterator<Item = Finding>,
        policy: &Policy,
    ) -> Vec<Finding> {
        let closed = findings
            .into_iter()
            .filter_map(|finding| match finding.block {
                Some(_) => Some(finding),
                None => policy.weigh(Finding {
                    block: Some(self),
                    ..finding
                }),
            });
        closed.collect()
    }
}
