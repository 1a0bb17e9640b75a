//! Object identifiers: a small copyable value, writable as arcs at compile time, and the names used here.

use crate::engine::error::{Error, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The longest content accepted. `2.25.` with a UUID takes 20 bytes; certificate profiles stay below 20.
const LONGEST: usize = 47;

/// An object identifier, as the content octets of its encoding (ITU-T X.690 §8.19).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    length: u8,
    bytes: [u8; LONGEST],
}

impl Oid {
    /// From arcs, at compile time: `Oid::new(&[1, 2, 840, 113549, 1, 7, 2])`.
    ///
    /// Meant for constants: it panics while compiling when there are fewer than two arcs or more than fit.
    pub const fn new(arcs: &[u32]) -> Oid {
        let mut bytes = [0; LONGEST];
        let mut length = 0;
        let mut index = 1;
        while index < arcs.len() {
            let arc = if index == 1 {
                arcs[0] * 40 + arcs[1]
            } else {
                arcs[index]
            };
            let mut shift = 28;
            while shift > 0 {
                if arc >> shift != 0 {
                    bytes[length] = ((arc >> shift) & 0x7f) as u8 | 0x80;
                    length += 1;
                }
                shift -= 7;
            }
            bytes[length] = (arc & 0x7f) as u8;
            length += 1;
            index += 1;
        }
        Oid {
            length: length as u8,
            bytes,
        }
    }

    /// From the content octets of an encoding.
    pub fn from_content(content: &[u8]) -> Result<Oid> {
        if content.last().is_none_or(|b| b & 0x80 != 0) {
            return Err(Error::malformed("OBJECT IDENTIFIER", "ends inside an arc"));
        }
        if content.len() > LONGEST {
            return Err(Error::limit(
                "OBJECT IDENTIFIER",
                format!("longer than {LONGEST} bytes"),
            ));
        }
        let mut bytes = [0; LONGEST];
        bytes[..content.len()].copy_from_slice(content);
        Ok(Oid {
            length: content.len() as u8,
            bytes,
        })
    }

    /// From dotted decimal.
    pub fn from_dotted(text: &str) -> Result<Oid> {
        let wrong = || {
            Error::invalid(
                "object identifier",
                format!("{text:?} is not one in dotted decimal"),
            )
        };
        let arcs = text
            .split('.')
            .map(|a| a.parse::<u128>())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| wrong())?;
        let [first, second, rest @ ..] = arcs.as_slice() else {
            return Err(wrong());
        };
        if *first > 2 || (*first < 2 && *second > 39) || *second > u128::MAX - 80 {
            return Err(wrong());
        }
        let mut content = Vec::new();
        for arc in std::iter::once(first * 40 + second).chain(rest.iter().copied()) {
            let groups = (128 - arc.leading_zeros()).div_ceil(7).max(1);
            for group in (0..groups).rev() {
                let more = if group == 0 { 0 } else { 0x80 };
                content.push((arc >> (7 * group)) as u8 & 0x7f | more);
            }
        }
        Oid::from_content(&content)
    }

    /// The content octets.
    pub fn content(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    /// Whether `self` is `arc` or stands below it.
    pub fn is_under(&self, arc: &Oid) -> bool {
        self.content().starts_with(arc.content())
    }

    /// The last arc, where it is below 128.
    pub fn last_small_arc(&self) -> Option<u8> {
        match self.content() {
            [.., before, last] if before & 0x80 == 0 => Some(*last),
            _ => None,
        }
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arc: u128 = 0;
        let mut first = true;
        for byte in self.content() {
            arc = (arc << 7) | u128::from(byte & 0x7f);
            if byte & 0x80 != 0 {
                continue;
            }
            if first {
                let root = (arc / 40).min(2);
                write!(f, "{root}.{}", arc - root * 40)?;
                first = false;
            } else {
                write!(f, ".{arc}")?;
            }
            arc = 0;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

impl Serialize for Oid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Oid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Oid::from_dotted(&text).map_err(serde::de::Error::custom)
    }
}

// Arcs are separated by spaces: `1.2` would be one float to the compiler.
macro_rules! oid_table {
    ($($name:ident [$($arc:literal)+])*) => {
        /// The object identifiers used here, under the names of the standards that define them.
        pub mod names {
            use super::Oid;
            $(
                #[doc = concat!("`" $(, stringify!($arc), " ")+, "`")]
                pub const $name: Oid = Oid::new(&[$($arc),+]);
            )*
        }
    };
}

oid_table! {
    // RFC 5652 content types
    ID_DATA [1 2 840 113549 1 7 1]
    ID_SIGNED_DATA [1 2 840 113549 1 7 2]
    // RFC 5652 §11 attributes
    ID_CONTENT_TYPE [1 2 840 113549 1 9 3]
    ID_MESSAGE_DIGEST [1 2 840 113549 1 9 4]
    ID_SIGNING_TIME [1 2 840 113549 1 9 5]
    ID_COUNTERSIGNATURE [1 2 840 113549 1 9 6]
    // RFC 6211
    ID_AA_CMS_ALGORITHM_PROTECT [1 2 840 113549 1 9 52]
    // RFC 5035
    ID_AA_SIGNING_CERTIFICATE [1 2 840 113549 1 9 16 2 12]
    ID_AA_SIGNING_CERTIFICATE_V2 [1 2 840 113549 1 9 16 2 47]
    // EN 319 122-1
    ID_AA_SIGNATURE_TIME_STAMP_TOKEN [1 2 840 113549 1 9 16 2 14]
    ID_AA_ETS_SIG_POLICY_ID [1 2 840 113549 1 9 16 2 15]
    ID_SPQ_ETS_URI [1 2 840 113549 1 9 16 5 1]
    ID_SPQ_ETS_UNOTICE [1 2 840 113549 1 9 16 5 2]
    ID_CTI_ETS_PROOF_OF_ORIGIN [1 2 840 113549 1 9 16 6 1]
    ID_CTI_ETS_PROOF_OF_RECEIPT [1 2 840 113549 1 9 16 6 2]
    ID_CTI_ETS_PROOF_OF_DELIVERY [1 2 840 113549 1 9 16 6 3]
    ID_CTI_ETS_PROOF_OF_SENDER [1 2 840 113549 1 9 16 6 4]
    ID_CTI_ETS_PROOF_OF_APPROVAL [1 2 840 113549 1 9 16 6 5]
    ID_CTI_ETS_PROOF_OF_CREATION [1 2 840 113549 1 9 16 6 6]
    ID_AA_ETS_SIGNER_ATTRIBUTES_V2 [0 4 0 19122 1 1]
    ID_AA_ETS_COMMITMENT_TYPE [1 2 840 113549 1 9 16 2 16]
    ID_AA_ETS_SIGNER_LOCATION [1 2 840 113549 1 9 16 2 17]
    ID_AA_ETS_CONTENT_TIMESTAMP [1 2 840 113549 1 9 16 2 20]
    ID_AA_CONTENT_HINTS [1 2 840 113549 1 9 16 2 4]
    ID_AA_ETS_CERT_VALUES [1 2 840 113549 1 9 16 2 23]
    ID_AA_ETS_REVOCATION_VALUES [1 2 840 113549 1 9 16 2 24]
    ID_AA_ETS_CERTIFICATE_REFS [1 2 840 113549 1 9 16 2 21]
    ID_AA_ETS_REVOCATION_REFS [1 2 840 113549 1 9 16 2 22]
    ID_AA_ETS_ESC_TIMESTAMP [1 2 840 113549 1 9 16 2 25]
    ID_AA_ETS_CERT_CRL_TIMESTAMP [1 2 840 113549 1 9 16 2 26]
    ID_AA_ETS_ARCHIVE_TIMESTAMP_V1 [1 2 840 113549 1 9 16 2 27]
    ID_AA_ETS_LONG_TERM_VALIDATION [0 4 0 1733 2 2]
    ID_AA_ER_INTERNAL [1 2 840 113549 1 9 16 2 49]
    ID_AA_ER_EXTERNAL [1 2 840 113549 1 9 16 2 50]
    ID_AA_ATS_HASH_INDEX [0 4 0 1733 2 5]
    ID_AA_ATS_HASH_INDEX_V2 [0 4 0 19122 1 4]
    ID_AA_ATS_HASH_INDEX_V3 [0 4 0 19122 1 5]
    ID_AA_ETS_MIME_TYPE [0 4 0 1733 2 1]
    ID_AA_ETS_ARCHIVE_TIMESTAMP_V2 [1 2 840 113549 1 9 16 2 48]
    ID_AA_ETS_ARCHIVE_TIMESTAMP_V3 [0 4 0 1733 2 4]
    ADBE_REVOCATION_INFO_ARCHIVAL [1 2 840 113583 1 1 8]
    // RFC 5940
    ID_RI_OCSP_RESPONSE [1 3 6 1 5 5 7 16 2]
    // RFC 3161
    ID_CT_TST_INFO [1 2 840 113549 1 9 16 1 4]
    // Digests
    MD5 [1 2 840 113549 2 5]
    SHA1 [1 3 14 3 2 26]
    SHA224 [2 16 840 1 101 3 4 2 4]
    SHA256 [2 16 840 1 101 3 4 2 1]
    SHA384 [2 16 840 1 101 3 4 2 2]
    SHA512 [2 16 840 1 101 3 4 2 3]
    SHA3_224 [2 16 840 1 101 3 4 2 7]
    SHA3_256 [2 16 840 1 101 3 4 2 8]
    SHA3_384 [2 16 840 1 101 3 4 2 9]
    SHA3_512 [2 16 840 1 101 3 4 2 10]
    SHAKE128 [2 16 840 1 101 3 4 2 11]
    SHAKE256 [2 16 840 1 101 3 4 2 12]
    // RFC 8419: SHAKE256 with the length of its output
    SHAKE256_LEN [2 16 840 1 101 3 4 2 18]
    // Signatures
    RSA_ENCRYPTION [1 2 840 113549 1 1 1]
    MD5_WITH_RSA [1 2 840 113549 1 1 4]
    SHA1_WITH_RSA [1 2 840 113549 1 1 5]
    SHA1_WITH_RSA_OIW [1 3 14 3 2 29]
    SHA224_WITH_RSA [1 2 840 113549 1 1 14]
    SHA256_WITH_RSA [1 2 840 113549 1 1 11]
    SHA384_WITH_RSA [1 2 840 113549 1 1 12]
    SHA512_WITH_RSA [1 2 840 113549 1 1 13]
    SHA3_224_WITH_RSA [2 16 840 1 101 3 4 3 13]
    SHA3_256_WITH_RSA [2 16 840 1 101 3 4 3 14]
    SHA3_384_WITH_RSA [2 16 840 1 101 3 4 3 15]
    SHA3_512_WITH_RSA [2 16 840 1 101 3 4 3 16]
    RSASSA_PSS [1 2 840 113549 1 1 10]
    MGF1 [1 2 840 113549 1 1 8]
    EC_PUBLIC_KEY [1 2 840 10045 2 1]
    ECDSA_WITH_SHA1 [1 2 840 10045 4 1]
    ECDSA_WITH_SHA224 [1 2 840 10045 4 3 1]
    ECDSA_WITH_SHA256 [1 2 840 10045 4 3 2]
    ECDSA_WITH_SHA384 [1 2 840 10045 4 3 3]
    ECDSA_WITH_SHA512 [1 2 840 10045 4 3 4]
    ECDSA_WITH_SHA3_224 [2 16 840 1 101 3 4 3 9]
    ECDSA_WITH_SHA3_256 [2 16 840 1 101 3 4 3 10]
    ECDSA_WITH_SHA3_384 [2 16 840 1 101 3 4 3 11]
    ECDSA_WITH_SHA3_512 [2 16 840 1 101 3 4 3 12]
    // RFC 8702
    ECDSA_WITH_SHAKE128 [1 3 6 1 5 5 7 6 32]
    ECDSA_WITH_SHAKE256 [1 3 6 1 5 5 7 6 33]
    ECDSA_PLAIN_SHA256 [0 4 0 127 0 7 1 1 4 1 3]
    ECDSA_PLAIN_SHA384 [0 4 0 127 0 7 1 1 4 1 4]
    ECDSA_PLAIN_SHA512 [0 4 0 127 0 7 1 1 4 1 5]
    DSA [1 2 840 10040 4 1]
    DSA_WITH_SHA1 [1 2 840 10040 4 3]
    DSA_WITH_SHA256 [2 16 840 1 101 3 4 3 2]
    ED25519 [1 3 101 112]
    ED448 [1 3 101 113]
    // Curves
    SECP256R1 [1 2 840 10045 3 1 7]
    SECP384R1 [1 3 132 0 34]
    SECP521R1 [1 3 132 0 35]
    SECP256K1 [1 3 132 0 10]
    BRAINPOOL_P256R1 [1 3 36 3 3 2 8 1 1 7]
    BRAINPOOL_P384R1 [1 3 36 3 3 2 8 1 1 11]
    BRAINPOOL_P512R1 [1 3 36 3 3 2 8 1 1 13]
    // RFC 5280 extensions
    ID_CE_SUBJECT_KEY_IDENTIFIER [2 5 29 14]
    ID_CE_KEY_USAGE [2 5 29 15]
    ID_CE_SUBJECT_ALT_NAME [2 5 29 17]
    ID_CE_ISSUER_ALT_NAME [2 5 29 18]
    ID_CE_BASIC_CONSTRAINTS [2 5 29 19]
    ID_CE_CRL_NUMBER [2 5 29 20]
    ID_CE_CRL_REASONS [2 5 29 21]
    ID_CE_INVALIDITY_DATE [2 5 29 24]
    ID_CE_DELTA_CRL_INDICATOR [2 5 29 27]
    ID_CE_ISSUING_DISTRIBUTION_POINT [2 5 29 28]
    ID_CE_CERTIFICATE_ISSUER [2 5 29 29]
    ID_CE_NAME_CONSTRAINTS [2 5 29 30]
    ID_CE_CRL_DISTRIBUTION_POINTS [2 5 29 31]
    ID_CE_CERTIFICATE_POLICIES [2 5 29 32]
    ANY_POLICY [2 5 29 32 0]
    ID_QT_CPS [1 3 6 1 5 5 7 2 1]
    ID_QT_UNOTICE [1 3 6 1 5 5 7 2 2]
    ID_ON_SMTP_UTF8_MAILBOX [1 3 6 1 5 5 7 8 9]
    ID_CE_POLICY_MAPPINGS [2 5 29 33]
    ID_CE_AUTHORITY_KEY_IDENTIFIER [2 5 29 35]
    ID_CE_POLICY_CONSTRAINTS [2 5 29 36]
    ID_CE_EXT_KEY_USAGE [2 5 29 37]
    ID_CE_FRESHEST_CRL [2 5 29 46]
    ID_CE_INHIBIT_ANY_POLICY [2 5 29 54]
    ID_CE_NO_REV_AVAIL [2 5 29 56]
    ID_CE_EXPIRED_CERTS_ON_CRL [2 5 29 60]
    ID_PE_AUTHORITY_INFO_ACCESS [1 3 6 1 5 5 7 1 1]
    ID_PE_QC_STATEMENTS [1 3 6 1 5 5 7 1 3]
    ID_AD_OCSP [1 3 6 1 5 5 7 48 1]
    ID_AD_CA_ISSUERS [1 3 6 1 5 5 7 48 2]
    ID_PKIX_OCSP_BASIC [1 3 6 1 5 5 7 48 1 1]
    ID_PKIX_OCSP_NONCE [1 3 6 1 5 5 7 48 1 2]
    ID_PKIX_OCSP_CRL [1 3 6 1 5 5 7 48 1 3]
    ID_PKIX_OCSP_NOCHECK [1 3 6 1 5 5 7 48 1 5]
    ID_PKIX_OCSP_EXTENDED_REVOKE [1 3 6 1 5 5 7 48 1 9]
    // RFC 6962 §3.3: time-stamps of transparency logs in OCSP responses.
    CT_OCSP_SCT_LIST [1 3 6 1 4 1 11129 2 4 5]
    // Common PKI: the hash of the certificate that a responder speaks of.
    ID_COMMONPKI_AT_CERT_HASH [1 3 36 8 3 13]
    ID_PKIX_OCSP_ARCHIVE_CUTOFF [1 3 6 1 5 5 7 48 1 6]
    ID_KP_OCSP_SIGNING [1 3 6 1 5 5 7 3 9]
    ID_KP_TIME_STAMPING [1 3 6 1 5 5 7 3 8]
    ID_KP_EMAIL_PROTECTION [1 3 6 1 5 5 7 3 4]
    ID_KP_SERVER_AUTH [1 3 6 1 5 5 7 3 1]
    ID_KP_CLIENT_AUTH [1 3 6 1 5 5 7 3 2]
    ANY_EXTENDED_KEY_USAGE [2 5 29 37 0]
    // ETSI EN 319 412-5
    ID_ETSI_QCS_QC_COMPLIANCE [0 4 0 1862 1 1]
    ID_ETSI_QCS_QC_LIMIT_VALUE [0 4 0 1862 1 2]
    ID_ETSI_QCS_QC_RETENTION_PERIOD [0 4 0 1862 1 3]
    ID_ETSI_QCS_QC_SSCD [0 4 0 1862 1 4]
    ID_ETSI_QCS_QC_PDS [0 4 0 1862 1 5]
    ID_ETSI_QCS_QC_TYPE [0 4 0 1862 1 6]
    ID_ETSI_QCS_QC_CCLEGISLATION [0 4 0 1862 1 7]
    ID_ETSI_QCT_ESIGN [0 4 0 1862 1 6 1]
    ID_ETSI_QCT_ESEAL [0 4 0 1862 1 6 2]
    ID_ETSI_QCT_WEB [0 4 0 1862 1 6 3]
    // ETSI EN 319 422
    ID_ETSI_TSTS_EU_Q_COMPLIANCE [0 4 0 19422 1 1]
    QCS_PKIX_QC_SYNTAX_V2 [1 3 6 1 5 5 7 11 2]
    ID_ETSI_QCS_SEMANTICS_ID_NATURAL [0 4 0 194121 1 1]
    ID_ETSI_QCS_SEMANTICS_ID_LEGAL [0 4 0 194121 1 2]
    ID_ETSI_EXT_VALASSURED_ST_CERTS [0 4 0 194121 2 1]
    QCP_NATURAL [0 4 0 194112 1 0]
    QCP_LEGAL [0 4 0 194112 1 1]
    // X.520 attribute types
    AT_COMMON_NAME [2 5 4 3]
    AT_NAME [2 5 4 41]
    AT_SURNAME [2 5 4 4]
    AT_SERIAL_NUMBER [2 5 4 5]
    AT_COUNTRY [2 5 4 6]
    AT_LOCALITY [2 5 4 7]
    AT_STATE [2 5 4 8]
    AT_STREET [2 5 4 9]
    AT_ORGANIZATION [2 5 4 10]
    AT_ORGANIZATIONAL_UNIT [2 5 4 11]
    AT_TITLE [2 5 4 12]
    AT_DESCRIPTION [2 5 4 13]
    AT_GIVEN_NAME [2 5 4 42]
    AT_PSEUDONYM [2 5 4 65]
    AT_ORGANIZATION_IDENTIFIER [2 5 4 97]
    AT_EMAIL_ADDRESS [1 2 840 113549 1 9 1]
    AT_DOMAIN_COMPONENT [0 9 2342 19200300 100 1 25]
    AT_USER_ID [0 9 2342 19200300 100 1 1]
    // Spanish administration profiles of 2016: seal, public employee
    ES_SEAL_HIGH [2 16 724 1 3 5 6 1]
    ES_SEAL_MEDIUM [2 16 724 1 3 5 6 2]
    ES_EMPLOYEE_HIGH [2 16 724 1 3 5 7 1]
    ES_EMPLOYEE_MEDIUM [2 16 724 1 3 5 7 2]
    AGE_SIGNATURE_POLICY_1_9 [2 16 724 1 3 1 1 2 1 9]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_bytes_and_text_agree() {
        assert_eq!(
            names::ID_SIGNED_DATA.content(),
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2]
        );
        for text in [
            "2.16.724.1.3.1.1.2.1.9",
            "0.4.0.1862.1.6.1",
            "1.3.101.112",
            "2.999.3",
            "2.5.29.32.0",
        ] {
            assert_eq!(Oid::from_dotted(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Oid::from_dotted("2.16.724.1.3.1.1.2.1.9").unwrap(),
            names::AGE_SIGNATURE_POLICY_1_9
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "1", "3.1", "1.40", "1.2.x", "1..2"] {
            assert!(Oid::from_dotted(text).is_err(), "{text}");
        }
        assert!(Oid::from_content(&[]).is_err());
        assert!(Oid::from_content(&[0x2a, 0x86]).is_err());
        assert!(Oid::from_content(&[1; 48]).is_err());
    }
}
