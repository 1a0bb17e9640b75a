//! Distinguished names (RFC 5280 §4.1.2.4): kept as received, compared by §7.1, printed by RFC 4514.

use crate::engine::error::Result;
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, names};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// One attribute of a relative distinguished name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its type.
    pub kind: Oid,
    /// Its value as text.
    pub value: String,
    /// The number of its relative distinguished name, from 0; attributes of a multi-valued one share it.
    pub rdn: usize,
}

/// A distinguished name. Cloning it is cheap.
#[derive(Clone)]
pub struct Name(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    attributes: Vec<Attribute>,
    comparable: OnceLock<Comparable>,
}

/// What two names have in common that are the same (RFC 5280 §7.1): attributes prepared for comparison, by the number of
/// their relative distinguished name, those of one in an order of their own.
pub(super) type Comparable = Arc<[(usize, Oid, String)]>;

impl Name {
    /// From a `Name`, a SEQUENCE OF RelativeDistinguishedName.
    pub fn from_element(element: &Tlv<'_>) -> Result<Name> {
        let mut attributes = Vec::new();
        let mut rdns = element.inner_of("Name")?;
        let mut rdn = 0;
        while let Some(set) = rdns.optional(Tag::SET, "RelativeDistinguishedName")? {
            let mut pairs = set.inner_of("RelativeDistinguishedName")?;
            while !pairs.is_empty() {
                let mut pair = pairs.sequence("AttributeTypeAndValue")?;
                attributes.push(Attribute {
                    kind: pair.oid("type")?,
                    value: pair.read("value")?.text(),
                    rdn,
                });
            }
            rdn += 1;
        }
        rdns.finish("Name")?;
        Ok(Name(Arc::new(Inner {
            der: element.bytes().to_vec(),
            attributes,
            comparable: OnceLock::new(),
        })))
    }

    /// From the DER or BER of a `Name`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Name> {
        Name::from_element(&Tlv::whole(Reader::ber(bytes), "Name")?)
    }

    /// This name and one more relative distinguished name after it, whose attributes are `attributes`: the content of a
    /// SET (RFC 5280 §4.2.1.13, nameRelativeToCRLIssuer).
    pub fn with_relative(&self, attributes: &[u8]) -> Result<Name> {
        let own = Tlv::whole(Reader::ber(self.bytes()), "Name")?;
        Name::from_bytes(&der::sequence(&[
            own.content(),
            &der::tlv(0x31, attributes),
        ]))
    }

    /// As received.
    pub fn bytes(&self) -> &[u8] {
        &self.0.der
    }

    /// Its attributes in order.
    pub fn attributes(&self) -> &[Attribute] {
        &self.0.attributes
    }

    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.0.attributes.is_empty()
    }

    /// The first value of `kind`.
    pub fn first(&self, kind: &Oid) -> Option<&str> {
        self.0
            .attributes
            .iter()
            .find(|a| a.kind == *kind)
            .map(|a| a.value.as_str())
    }

    /// What a person would call the subject: common name, else organisation, else the whole name.
    pub fn common_name(&self) -> String {
        let preferred = [
            names::AT_COMMON_NAME,
            names::AT_ORGANIZATION,
            names::AT_PSEUDONYM,
        ];
        let found = preferred.iter().find_map(|kind| self.first(kind));
        found.map_or_else(|| self.to_string(), str::to_string)
    }

    /// Prepared for comparison, once.
    pub(super) fn comparable(&self) -> &Comparable {
        self.0.comparable.get_or_init(|| {
            let attributes = self.0.attributes.iter();
            let mut all: Vec<_> = attributes
                .map(|a| (a.rdn, a.kind, prepared(&a.value)))
                .collect();
            all.sort();
            all.into()
        })
    }

    /// Whether it lies in the subtree of `base`: it is `base`, or goes on where `base` ends (RFC 5280 §4.2.1.10).
    pub fn is_within(&self, base: &Name) -> bool {
        let (own, base) = (self.comparable(), base.comparable());
        let next = base.last().map_or(0, |(rdn, ..)| rdn + 1);
        own.starts_with(base) && own.get(base.len()).is_none_or(|(rdn, ..)| *rdn >= next)
    }
}

/// RFC 5280 §7.1: case folded, white space at the ends removed and inside made one.
fn prepared(value: &str) -> String {
    value
        .split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.der == other.0.der
            || (self.0.attributes.len() == other.0.attributes.len()
                && self.comparable() == other.comparable())
    }
}

impl Eq for Name {}

fn short_name(kind: &Oid) -> Option<&'static str> {
    Some(match *kind {
        names::AT_COMMON_NAME => "CN",
        names::AT_SURNAME => "SN",
        names::AT_SERIAL_NUMBER => "serialNumber",
        names::AT_COUNTRY => "C",
        names::AT_LOCALITY => "L",
        names::AT_STATE => "ST",
        names::AT_STREET => "STREET",
        names::AT_ORGANIZATION => "O",
        names::AT_ORGANIZATIONAL_UNIT => "OU",
        names::AT_TITLE => "title",
        names::AT_DESCRIPTION => "description",
        names::AT_GIVEN_NAME => "GN",
        names::AT_PSEUDONYM => "pseudonym",
        names::AT_ORGANIZATION_IDENTIFIER => "organizationIdentifier",
        names::AT_EMAIL_ADDRESS => "emailAddress",
        names::AT_DOMAIN_COMPONENT => "DC",
        names::AT_USER_ID => "UID",
        _ => return None,
    })
}

impl fmt::Display for Name {
    /// RFC 4514: the last relative distinguished name first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = 0;
        let last = self.0.attributes.iter().map(|a| a.rdn).max().unwrap_or(0);
        for rdn in (0..=last).rev() {
            for (index, attribute) in self
                .0
                .attributes
                .iter()
                .filter(|a| a.rdn == rdn)
                .enumerate()
            {
                match (written, index) {
                    (0, _) => {}
                    (_, 0) => f.write_str(",")?,
                    _ => f.write_str("+")?,
                }
                written += 1;
                match short_name(&attribute.kind) {
                    Some(name) => write!(f, "{name}=")?,
                    None => write!(f, "{}=", attribute.kind)?,
                }
                escape(&attribute.value, f)?;
            }
        }
        Ok(())
    }
}

/// RFC 4514 §2.4; control characters as hex pairs, so that a name cannot break a line of a report.
fn escape(value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (index, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{c}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            c if (c as u32) < 0x20 || c as u32 == 0x7f => write!(f, "\\{:02X}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(pairs: &[(&Oid, Vec<u8>)]) -> Name {
        let rdns = pairs
            .iter()
            .map(|(kind, value)| der::set_of(vec![der::sequence(&[&der::oid(kind), value])]));
        Name::from_bytes(&der::sequence_of(&rdns.collect::<Vec<_>>())).unwrap()
    }

    #[test]
    fn comparison_ignores_case_space_and_string_type() {
        let a = name(&[
            (&names::AT_COUNTRY, der::printable_string("ES")),
            (&names::AT_COMMON_NAME, der::utf8_string(" Sello  INSS ")),
        ]);
        let b = name(&[
            (&names::AT_COUNTRY, der::utf8_string("es")),
            (&names::AT_COMMON_NAME, der::printable_string("SELLO inss")),
        ]);
        let c = name(&[
            (&names::AT_COMMON_NAME, der::utf8_string("Sello INSS")),
            (&names::AT_COUNTRY, der::printable_string("ES")),
        ]);
        assert_eq!(a, b);
        assert_ne!(a, c);
    }

    #[test]
    fn a_subtree_holds_whole_relative_names_only() {
        let (country, unit) = (
            (&names::AT_COUNTRY, der::printable_string("ES")),
            (&names::AT_ORGANIZATIONAL_UNIT, der::utf8_string("SGI")),
        );
        let base = name(std::slice::from_ref(&country));
        let full = name(&[country.clone(), unit.clone()]);
        assert!(full.is_within(&base) && base.is_within(&base));
        assert!(!base.is_within(&full));
        assert!(full.is_within(&name(&[])));
        assert!(!full.is_within(&name(&[(&names::AT_COUNTRY, der::printable_string("E"))])));
        // C=ES+OU=SGI as one relative name is no descendant of C=ES.
        let pair = |(kind, value): &(&Oid, Vec<u8>)| der::sequence(&[&der::oid(kind), value]);
        let joined = der::sequence(&[&der::set_of(vec![pair(&country), pair(&unit)])]);
        assert!(!Name::from_bytes(&joined).unwrap().is_within(&base));
    }

    #[test]
    fn prints_last_first_and_escapes() {
        let a = name(&[
            (&names::AT_COUNTRY, der::printable_string("ES")),
            (&names::AT_COMMON_NAME, der::utf8_string("A, B\n")),
        ]);
        assert_eq!(a.to_string(), "CN=A\\, B\\0A,C=ES");
    }
}
