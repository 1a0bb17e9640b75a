//! What a list is about: `issuingDistributionPoint` (RFC 5280 §5.2.5) and `ReasonFlags` (RFC 5280 §4.2.1.13).

use super::RevocationReason;
use crate::engine::error::{Error, Result};
use crate::engine::pki::extension::{GeneralName, distribution_point_name};
use crate::engine::syntax::asn1::{Reader, Tlv};

/// A set of reasons: `ReasonFlags`, whose bit 0 is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u16);

impl Reasons {
    /// None.
    pub const NONE: Reasons = Reasons(0);
    /// The eight that a distribution point may set apart.
    pub const ALL: Reasons = Reasons(0b1_1111_1110);

    /// From the element, an implicitly tagged BIT STRING.
    pub(in crate::engine::pki) fn from_element(element: &Tlv<'_>) -> Result<Reasons> {
        let (bytes, _) = element.bits()?;
        let set = |bit: &u8| {
            bytes
                .get(usize::from(*bit) / 8)
                .is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
        };
        Ok((1..9)
            .filter(set)
            .fold(Reasons::NONE, |all, bit| all.union(Reasons(1 << bit))))
    }

    /// Just these.
    pub fn of(reasons: &[RevocationReason]) -> Reasons {
        let bit = |reason: &RevocationReason| match reason {
            RevocationReason::KeyCompromise => 1 << 1,
            RevocationReason::CaCompromise => 1 << 2,
            RevocationReason::AffiliationChanged => 1 << 3,
            RevocationReason::Superseded => 1 << 4,
            RevocationReason::CessationOfOperation => 1 << 5,
            RevocationReason::CertificateHold => 1 << 6,
            RevocationReason::PrivilegeWithdrawn => 1 << 7,
            RevocationReason::AaCompromise => 1 << 8,
            RevocationReason::Unspecified | RevocationReason::RemoveFromCrl => 0,
        };
        Reasons(reasons.iter().map(bit).fold(0, |all, bit| all | bit))
    }

    /// The bits that are set, as in `ReasonFlags`.
    pub fn bits(self) -> Vec<u8> {
        (1..9).filter(|bit| self.0 & (1 << bit) != 0).collect()
    }

    /// Those in either.
    #[must_use]
    pub fn union(self, other: Reasons) -> Reasons {
        Reasons(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub fn intersection(self, other: Reasons) -> Reasons {
        Reasons(self.0 & other.0)
    }

    /// Whether all of `other` are in it.
    pub fn contains(self, other: Reasons) -> bool {
        self.0 & other.0 == other.0
    }
}

/// `issuingDistributionPoint` (RFC 5280 §5.2.5).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IssuingDistributionPoint {
    /// The names of the distribution point.
    pub full_name: Vec<GeneralName>,
    /// Its name as one more relative distinguished name after the issuer of the list: the content of the SET.
    pub relative_name: Option<Vec<u8>>,
    /// Whether it lists end-entity certificates only.
    pub only_user_certificates: bool,
    /// Whether it lists certificates of certification authorities only.
    pub only_ca_certificates: bool,
    /// The only reasons for which it lists certificates; all where absent.
    pub only_some_reasons: Option<Reasons>,
    /// Whether it may list certificates of other issuers.
    pub indirect: bool,
    /// Whether it lists attribute certificates only.
    pub only_attribute_certificates: bool,
}

impl IssuingDistributionPoint {
    /// From the value of the extension.
    pub(super) fn from_value(value: &[u8]) -> Result<IssuingDistributionPoint> {
        let mut point = IssuingDistributionPoint::default();
        let mut fields = Reader::ber(value).whole_sequence("issuingDistributionPoint")?;
        let flag = |field: &Tlv<'_>| match field.boolean()? {
            true => Ok(true),
            // ITU-T X.690 §11.5: a value that is the default is not written.
            false => Err(Error::malformed(
                "issuingDistributionPoint",
                "writes what is the default",
            )),
        };
        while let Some(field) = fields.next_element()? {
            match field.tag().context_number() {
                Some(0) => {
                    (point.full_name, point.relative_name) = distribution_point_name(&field)?;
                }
                Some(1) => point.only_user_certificates = flag(&field)?,
                Some(2) => point.only_ca_certificates = flag(&field)?,
                Some(3) => point.only_some_reasons = Some(Reasons::from_element(&field)?),
                Some(4) => point.indirect = flag(&field)?,
                Some(5) => point.only_attribute_certificates = flag(&field)?,
                _ => {
                    return Err(Error::malformed(
                        "issuingDistributionPoint",
                        "has a field that it does not define",
                    ));
                }
            }
        }
        Ok(point)
    }
}
