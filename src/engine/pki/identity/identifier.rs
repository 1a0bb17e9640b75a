//! An identifier as certificates write it, and whether its check character fits (EN 319 412-1 §5.1.3, §5.1.4, §5.1.5).
//!
//! One that cannot be is not refused here: the certificate says it, so it is told, with the word that it does not fit.

use super::number::{DocumentType, Identity, examine, normal};
use serde::Serialize;

/// What an identifier is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierKind {
    /// NIF of a natural person.
    Nif,
    /// NIE.
    Nie,
    /// NIF of an entity.
    EntityNif,
    /// `PAS`: a passport.
    Passport,
    /// `IDC`, `PNO`: an identity card or personal number of another country.
    NationalNumber,
    /// `TIN`, `TAX`: a tax number of another country.
    TaxNumber,
    /// `VAT` of another country.
    VatNumber,
    /// `NTR`: a number of a trade register.
    TradeRegister,
    /// `LEI`: a legal entity identifier.
    Lei,
    /// `PSD`: a payment service provider.
    PaymentServiceProvider,
    /// `ES/FR/…`: of the eIDAS nodes.
    Eidas,
    /// Any other.
    Other,
}

/// Whether the check character fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It does.
    Fits,
    /// It does not, or the number cannot be one of its kind.
    DoesNotFit,
    /// There is none, or none that is known here.
    NotChecked,
}

/// An identifier.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Identifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Which country's: two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The number itself, in its normal form where it has one.
    pub number: String,
    /// Whether its check character fits.
    pub check: Check,
}

impl std::fmt::Debug for Identifier {
    /// Never the number: it is personal data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identifier({:?}, {:?})", self.kind, self.check)
    }
}

impl Identifier {
    /// As `serialNumber`, `organizationIdentifier` or a field of `subjectAltName` writes it.
    pub fn read(text: &str) -> Identifier {
        let text = text.trim();
        let bare = || {
            // Shorter ones are numbers of some other kind that begin with a letter of a NIF.
            let characters = text.chars().filter(|c| c.is_alphanumeric()).count();
            (characters >= 9).then(|| spanish(text)).flatten()
        };
        let found = semantic(text).or_else(|| eidas(text)).or_else(bare);
        found.unwrap_or_else(|| plain(IdentifierKind::Other, None, text))
    }

    /// The same as a checked number; none where it does not fit or is no number of Spain and no passport.
    pub fn identity(&self) -> Option<Identity> {
        let document = match self.kind {
            IdentifierKind::Nif => DocumentType::Nif,
            IdentifierKind::Nie => DocumentType::Nie,
            IdentifierKind::EntityNif => DocumentType::Entity,
            IdentifierKind::Passport => DocumentType::Passport,
            _ => return None,
        };
        Identity::new(document, &self.number).ok()
    }

    /// Whether it is of an entity, not of a person.
    pub fn is_of_entity(&self) -> bool {
        use IdentifierKind as K;
        matches!(
            self.kind,
            K::EntityNif | K::VatNumber | K::TradeRegister | K::Lei | K::PaymentServiceProvider
        )
    }
}

fn plain(kind: IdentifierKind, country: Option<&str>, number: &str) -> Identifier {
    Identifier {
        kind,
        country: country.map(str::to_ascii_uppercase),
        number: number.trim().to_string(),
        check: Check::NotChecked,
    }
}

/// A number of the form of a NIF or NIE.
fn spanish(number: &str) -> Option<Identifier> {
    let (document, fits) = examine(number)?;
    let kind = match document {
        DocumentType::Nie => IdentifierKind::Nie,
        DocumentType::Entity => IdentifierKind::EntityNif,
        DocumentType::Nif | DocumentType::Passport => IdentifierKind::Nif,
    };
    Some(Identifier {
        kind,
        country: Some("ES".to_string()),
        number: normal(number),
        check: if fits { Check::Fits } else { Check::DoesNotFit },
    })
}

/// Three letters of a type, two of a country, a hyphen, the identifier.
fn semantic(text: &str) -> Option<Identifier> {
    use IdentifierKind as K;
    let (prefix, number) = text.split_at_checked(6)?;
    let (kind, country) = prefix.strip_suffix('-')?.split_at_checked(3)?;
    if !country.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let (home, kind) = match kind.to_ascii_uppercase().as_str() {
        "PAS" => return Some(plain(K::Passport, Some(country), number)),
        "LEI" => return Some(plain(K::Lei, None, number)),
        "PSD" => return Some(plain(K::PaymentServiceProvider, Some(country), number)),
        "IDC" | "PNO" => (true, K::NationalNumber),
        "TIN" | "TAX" => (true, K::TaxNumber),
        "VAT" => (true, K::VatNumber),
        "NTR" => (false, K::TradeRegister),
        _ => return None,
    };
    let found = plain(kind, Some(country), number);
    if !country.eq_ignore_ascii_case("ES") {
        return Some(found);
    }
    // A number of a trade register may look like a NIF that is short of digits, so there only one that fits is a NIF.
    let as_nif = spanish(number).filter(|nif| home || nif.check == Check::Fits);
    Some(match (as_nif, home) {
        (Some(number), _) => number,
        (None, true) => Identifier {
            check: Check::DoesNotFit,
            ..found
        },
        (None, false) => found,
    })
}

/// `ES/FR/…`: country of origin, country asked, identifier.
fn eidas(text: &str) -> Option<Identifier> {
    let mut parts = text.splitn(3, '/');
    let (from, to, number) = (parts.next()?, parts.next()?, parts.next()?);
    let country = |t: &str| t.len() == 2 && t.bytes().all(|b| b.is_ascii_uppercase());
    (country(from) && country(to) && !number.is_empty())
        .then(|| plain(IdentifierKind::Eidas, Some(from), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_standard_and_of_the_country() {
        use Check::{DoesNotFit, Fits, NotChecked};
        use IdentifierKind as K;
        for (text, kind, number, check) in [
            ("IDCES-12345678Z", K::Nif, "12345678Z", Fits),
            ("IDCES-X1234567L", K::Nie, "X1234567L", Fits),
            ("IDCES-12345678A", K::Nif, "12345678A", DoesNotFit),
            ("IDCES-nonsense", K::NationalNumber, "nonsense", DoesNotFit),
            ("VATES-Q2827003A", K::EntityNif, "Q2827003A", Fits),
            ("VATES-B12345678", K::EntityNif, "B12345678", DoesNotFit),
            ("NTRES-M-123456", K::TradeRegister, "M-123456", NotChecked),
            ("PASFR-12AB34567", K::Passport, "12AB34567", NotChecked),
            (
                "PNOEE-38001085718",
                K::NationalNumber,
                "38001085718",
                NotChecked,
            ),
            ("VATDE-123456789", K::VatNumber, "123456789", NotChecked),
            (
                "LEIXG-529900T8BM49AURSDO55",
                K::Lei,
                "529900T8BM49AURSDO55",
                NotChecked,
            ),
            (
                "PSDES-BDE-3DFD21",
                K::PaymentServiceProvider,
                "BDE-3DFD21",
                NotChecked,
            ),
            ("FR/ES/0123", K::Eidas, "0123", NotChecked),
            ("S2826001F", K::EntityNif, "S2826001F", Fits),
            ("ESQ2827003A", K::EntityNif, "Q2827003A", Fits),
            ("00019174s", K::Nif, "00019174S", Fits),
            ("A451502", K::Other, "A451502", NotChecked),
            ("", K::Other, "", NotChecked),
            ("ñññ-ñ", K::Other, "ñññ-ñ", NotChecked),
        ] {
            let read = Identifier::read(text);
            assert_eq!(
                (read.kind, read.number.as_str(), read.check),
                (kind, number, check),
                "{text}"
            );
            assert_eq!(
                read.identity().is_some(),
                check == Fits || kind == K::Passport,
                "{text}"
            );
        }
    }

    #[test]
    fn no_debug_shows_a_number() {
        assert!(!format!("{:?}", Identifier::read("IDCES-12345678Z")).contains("1234"));
    }
}
