//! The table of certificate profiles: what an issuer's policies mean, and where its certificates keep what they say.
//!
//! Data, not code: `profiles.json` is what is known of Spanish issuers, and an operator may put rows of the same form before
//! it. The first row that fits and says something wins, for each thing said. Where no row fits, `read` falls back on
//! EN 319 412.

use super::class::{Class, Custody, KeyPurpose, Level};
use crate::engine::error::{Error, Result};
use crate::engine::pki::{Attribute, Certificate, Name};
use crate::engine::syntax::asn1::Oid;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// What a certificate may say of a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Field {
    Kind,
    Number,
    GivenName,
    FirstSurname,
    SecondSurname,
    Surnames,
    FullName,
    Pseudonym,
    EntityName,
    EntityNumber,
    SystemName,
    PersonnelNumber,
    Email,
    Unit,
    Position,
    Representation,
    /// Anything: a part of a pattern that says nothing.
    Any,
}

/// A row: certificates of an issuer and a policy, and what is known of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What the row is about, for people.
    pub name: String,
    /// Values that must all be in the issuer's name, in any attribute, whatever their case; none: any issuer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuer: Vec<String>,
    /// A certificate policy in dotted form; with `.*` at the end, any below it. None: any policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What kind of subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The level of assurance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Where the key lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custody: Option<Custody>,
    /// What the key is for; `keyUsage` decides where it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_purpose: Option<KeyPurpose>,
    /// Whether such certificates were issued as qualified, where they do not say so themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified: Option<bool>,
}

/// Attributes under an arc and what they hold, in the subject's name and in directory names of `subjectAltName`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attributes {
    /// The arc, in dotted form.
    pub arc: String,
    /// Whether an arc for the level, 1 high and 2 medium, stands between it and the number of the field.
    #[serde(default)]
    pub levelled: bool,
    /// What kind of subject has such attributes, where no row tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// Number of a field, and what it holds.
    pub fields: Vec<(u8, Field)>,
}

/// How an attribute of the subject is composed: `{full_name} - NIF {number}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// The attribute: `CN` or `SN`.
    pub of: PatternOf,
    /// Literal text and fields in braces.
    pub text: String,
    /// The certificate policies that it is for, as in [`Row::policy`]; none: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// The attributes that patterns are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum PatternOf {
    #[serde(rename = "CN")]
    CommonName,
    #[serde(rename = "SN")]
    Surname,
}

/// Rows, attributes and patterns as files hold them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profiles {
    /// What policies mean.
    pub rows: Vec<Row>,
    /// Where fields are.
    pub attributes: Vec<Attributes>,
    /// How composed values are taken apart.
    pub patterns: Vec<Pattern>,
}

/// The table in use, checked.
#[derive(Debug, Clone, Default)]
pub struct Table {
    rows: Vec<(Row, Option<PolicyPattern>)>,
    attributes: Vec<(Oid, Attributes)>,
    patterns: Vec<(PatternOf, Vec<Part>, Option<PolicyPattern>)>,
}

static SHIPPED: LazyLock<Table> = LazyLock::new(|| {
    let profiles = serde_json::from_str(include_str!("profiles.json"));
    Table::new(profiles.expect("profiles.json is tested")).expect("profiles.json is tested")
});

/// A policy, or all below one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyPattern {
    oid: Oid,
    below: bool,
}

impl PolicyPattern {
    /// From dotted form, with `.*` at the end for all below.
    pub fn read(text: &str) -> Result<PolicyPattern> {
        let (oid, below) = match text.strip_suffix(".*") {
            Some(arc) => (arc, true),
            None => (text, false),
        };
        let oid = Oid::from_dotted(oid)?;
        Ok(PolicyPattern { oid, below })
    }

    /// Whether it means `policy`.
    pub fn is_of(&self, policy: &Oid) -> bool {
        *policy == self.oid || (self.below && policy.is_under(&self.oid))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(Field),
}

/// Attributes of a name that are looked at: real names have fewer than 30.
const MOST_ATTRIBUTES: usize = 256;

impl Table {
    /// What is known of Spanish issuers.
    pub fn shipped() -> &'static Table {
        &SHIPPED
    }

    /// From profiles as files hold them. Errors: a policy or arc that is no object identifier, a pattern that is none.
    pub fn new(profiles: Profiles) -> Result<Table> {
        let mut table = Table::default();
        for row in profiles.rows {
            let policy = row.policy.as_deref().map(PolicyPattern::read).transpose()?;
            table.rows.push((row, policy));
        }
        for attributes in profiles.attributes {
            table
                .attributes
                .push((Oid::from_dotted(&attributes.arc)?, attributes));
        }
        for pattern in profiles.patterns {
            let policy = pattern
                .policy
                .as_deref()
                .map(PolicyPattern::read)
                .transpose()?;
            table
                .patterns
                .push((pattern.of, parts(&pattern.text)?, policy));
        }
        Ok(table)
    }

    /// With `profiles` before what it has.
    pub fn with_before(&self, profiles: Profiles) -> Result<Table> {
        let mut table = Table::new(profiles)?;
        table.rows.extend(self.rows.iter().cloned());
        table.attributes.extend(self.attributes.iter().cloned());
        table.patterns.extend(self.patterns.iter().cloned());
        Ok(table)
    }

    /// The rows that fit `certificate`, in order.
    pub fn rows_for<'t>(&'t self, certificate: &'t Certificate) -> impl Iterator<Item = &'t Row> {
        let fits = |(row, policy): &&(Row, Option<PolicyPattern>)| {
            policy.is_none_or(|policy| certificate.policies().iter().any(|p| policy.is_of(p)))
                && is_issued_by(certificate.issuer(), &row.issuer)
        };
        self.rows.iter().filter(fits).map(|(row, _)| row)
    }

    /// What `attribute` holds: the field, the class that has such attributes, and the level.
    pub(super) fn field_of(&self, kind: &Oid) -> Option<(Field, Option<Class>, Option<Level>)> {
        self.attributes.iter().find_map(|(arc, attributes)| {
            let below = kind.content().strip_prefix(arc.content())?;
            let (level, number) = match (below, attributes.levelled) {
                ([level, number], true) => (Some(level), number),
                ([number], false) => (None, number),
                _ => return None,
            };
            let level = level.and_then(|level| match level {
                1 => Some(Level::High),
                2 => Some(Level::Medium),
                _ => None,
            });
            let (_, field) = attributes.fields.iter().find(|(n, _)| n == number)?;
            Some((*field, attributes.class, level))
        })
    }

    /// The attributes of `name` that the table knows, with what they hold.
    pub(super) fn fields_in<'n>(
        &self,
        name: &'n Name,
    ) -> impl Iterator<Item = (Field, Option<Class>, Option<Level>, &'n Attribute)> {
        let attributes = name.attributes().iter().take(MOST_ATTRIBUTES);
        attributes.filter_map(|a| self.field_of(&a.kind).map(|(f, c, l)| (f, c, l, a)))
    }

    /// The fields of `value`, an attribute of the subject of `certificate`, by the first pattern that it follows.
    pub(super) fn taken_apart<'v>(
        &self,
        certificate: &Certificate,
        of: PatternOf,
        value: &'v str,
    ) -> Vec<(Field, &'v str)> {
        let fits = |policy: &Option<PolicyPattern>| {
            policy.is_none_or(|policy| certificate.policies().iter().any(|p| policy.is_of(p)))
        };
        let patterns = self
            .patterns
            .iter()
            .filter(|(kind, _, policy)| *kind == of && fits(policy));
        let mut found = patterns.filter_map(|(_, parts, _)| matched(parts, value));
        found.next().unwrap_or_default()
    }
}

/// Whether the issuer's name has all of `values`.
pub(crate) fn is_issued_by(issuer: &Name, values: &[String]) -> bool {
    let same = |a: &str, b: &str| {
        a.split_whitespace()
            .flat_map(str::chars)
            .flat_map(char::to_lowercase)
            .eq(b
                .split_whitespace()
                .flat_map(str::chars)
                .flat_map(char::to_lowercase))
    };
    let attributes = || issuer.attributes().iter().take(MOST_ATTRIBUTES);
    values
        .iter()
        .all(|value| attributes().any(|a| same(&a.value, value)))
}

fn parts(text: &str) -> Result<Vec<Part>> {
    let wrong = || {
        Error::invalid(
            "pattern",
            "not literal text and fields in braces, a field at each end of a text",
        )
        .remedy("Write it like {full_name} - NIF {number}.")
    };
    let (mut parts, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (literal, after) = rest.split_once('{').unwrap_or((rest, ""));
        if !literal.is_empty() {
            parts.push(Part::Literal(literal.to_string()));
        } else if matches!(parts.last(), Some(Part::Field(_))) {
            return Err(wrong());
        }
        if after.is_empty() {
            break;
        }
        let (field, after) = after.split_once('}').ok_or_else(wrong)?;
        let field = serde_json::from_value(field.into()).map_err(|_| wrong())?;
        parts.push(Part::Field(field));
        rest = after;
    }
    match parts.iter().any(|part| matches!(part, Part::Field(_))) {
        true => Ok(parts),
        false => Err(wrong()),
    }
}

/// Bytes of a composed value that are looked at: names have at most 64 characters by the bounds of X.520.
const LONGEST_VALUE: usize = 256;

/// The fields of a text that follows a pattern, read from its end: each literal is the last that leaves plausible fields.
fn matched<'v>(parts: &[Part], text: &'v str) -> Option<Vec<(Field, &'v str)>> {
    let text = text.trim();
    (text.len() <= LONGEST_VALUE).then_some(())?;
    before(parts, text)
}

fn before<'v>(parts: &[Part], text: &'v str) -> Option<Vec<(Field, &'v str)>> {
    match parts {
        [] => text.is_empty().then(Vec::new),
        [Part::Field(field)] => is_plausible(*field, text).then(|| vec![(*field, text)]),
        [first @ .., Part::Literal(literal)] => before(first, text.strip_suffix(literal.as_str())?),
        [first @ .., Part::Literal(literal), Part::Field(field)] => {
            let places = text.rmatch_indices(literal.as_str());
            let mut found = places.filter_map(|(at, _)| {
                let value = &text[at + literal.len()..];
                is_plausible(*field, value).then_some(())?;
                let mut fields = before(first, &text[..at])?;
                fields.push((*field, value));
                Some(fields)
            });
            found.next()
        }
        _ => None,
    }
}

fn is_plausible(field: Field, value: &str) -> bool {
    match field {
        Field::Number | Field::EntityNumber => {
            value.trim().len() > 7 && super::number::examine(value).is_some()
        }
        _ => !value.trim().is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(pattern: &str, text: &str) -> Option<Vec<(Field, String)>> {
        let found = matched(&parts(pattern).unwrap(), text)?;
        Some(found.into_iter().map(|(f, v)| (f, v.to_string())).collect())
    }

    #[test]
    fn patterns_are_read_from_the_end() {
        use Field::{EntityNumber, FullName, GivenName, Number, Surnames};
        let is = |found: Option<Vec<(Field, String)>>, wanted: &[(Field, &str)]| {
            let wanted: Vec<_> = wanted.iter().map(|(f, v)| (*f, v.to_string())).collect();
            assert_eq!(found, Some(wanted));
        };
        is(
            apart(
                "{number} {full_name} (R: {entity_number})",
                "00000000T ANA UNO (R: A99999989)",
            ),
            &[
                (Number, "00000000T"),
                (FullName, "ANA UNO"),
                (EntityNumber, "A99999989"),
            ],
        );
        is(
            apart("{full_name} - NIF {number}", "A - B - NIF 00000000T"),
            &[(FullName, "A - B"), (Number, "00000000T")],
        );
        is(
            apart("{surnames}, {given_name} (FIRMA)", "A B, C D (FIRMA)"),
            &[(Surnames, "A B"), (GivenName, "C D")],
        );
        for (pattern, text) in [
            ("{full_name} - NIF {number}", "A - NIF B"),
            ("{full_name} - NIF {number}", " - NIF 00000000T"),
            ("{surnames}, {given_name} (FIRMA)", "A B, C D"),
            ("X {given_name}", "Y X Z"),
        ] {
            assert_eq!(apart(pattern, text), None, "{pattern}");
        }
        for wrong in ["", "text", "{unknown}", "{number", "{number}{full_name}"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_shipped_table_is_sound_and_rows_before_it_win() {
        let shipped = Table::shipped();
        assert!(shipped.rows.len() > 30);
        assert!(
            shipped
                .rows
                .iter()
                .all(|(row, _)| row.class.is_some() || row.custody.is_some())
        );
        let own = Profiles {
            rows: vec![Row {
                name: "own".into(),
                issuer: vec![],
                policy: Some("1.2.3".into()),
                class: Some(Class::Seal),
                level: None,
                custody: None,
                key_purpose: None,
                qualified: None,
            }],
            ..Profiles::default()
        };
        assert_eq!(shipped.with_before(own).unwrap().rows[0].0.name, "own");
        let wrong =
            serde_json::from_str::<Profiles>(r#"{"rows":[{"name":"x","policy":"1.x"}]}"#).unwrap();
        assert!(Table::new(wrong).is_err());
    }

    #[test]
    fn a_policy_pattern_means_one_or_all_below() {
        let policy = Oid::from_dotted("2.16.724.1.3.5.6.2").unwrap();
        let is = |text| PolicyPattern::read(text).unwrap().is_of(&policy);
        assert!(is("2.16.724.1.3.5.6.2") && is("2.16.724.1.3.5.*"));
        assert!(!is("2.16.724.1.3.5.6") && !is("2.16.724.1.3.5.7.*"));
    }
}
