//! The catalogue of the register: which entities, offices, units, procedures and subjects there are.
//!
//! Ley 39/2015 art. 16 and 66; RD 203/2021 art. 37 to 40 (unchecked). A request that names something else is refused with
//! the name of what is unknown, and gets no number. Not here: who may register for an entity (`callers`).

use super::{parse_toml, read_text};
use crate::engine::codes::{CodeType, Validity};
use crate::engine::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

/// All that a request may name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Catalogue {
    /// The entities; each has a book of its own.
    #[serde(rename = "entity")]
    pub entities: Vec<Entity>,
    /// The offices of registry; each has a sequence of numbers of its own every year.
    #[serde(rename = "office")]
    pub offices: Vec<Office>,
    /// The units that requests are sent to.
    #[serde(rename = "unit")]
    pub units: Vec<Unit>,
    /// The procedures.
    #[serde(rename = "procedure")]
    pub procedures: Vec<Procedure>,
    /// The subjects.
    #[serde(rename = "subject")]
    pub subjects: Vec<Subject>,
}

/// `[[entity]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Entity {
    /// `INSS`.
    pub code: String,
    /// Its full name.
    pub name: String,
    /// Its NIF.
    #[serde(default)]
    pub nif: Option<String>,
    /// The seal that its receipts bear.
    pub seal: String,
}

/// `[[office]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Office {
    /// The digits that stand in register numbers.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The entities that it registers for; without any, all of them.
    #[serde(default)]
    pub entities: Vec<String>,
}

/// `[[unit]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its code, such as a DIR3 one.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The entity that it belongs to.
    pub entity: String,
}

/// `[[procedure]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// Its code, such as a SIA one.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The entities whose procedure it is; without any, all of them.
    #[serde(default)]
    pub entities: Vec<String>,
    /// Whether a request without the citizen's signature is accepted with evidence of identification (Ley 39/2015
    /// art. 10.4 and 11).
    #[serde(default)]
    pub unsigned: bool,
    /// The code of authenticity of its justificantes; permanent unless it says otherwise.
    #[serde(default)]
    pub code_of_authenticity: CodeRule,
}

/// The type and the life of codes of authenticity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, tag = "type")]
pub enum CodeRule {
    /// Type P: it does not expire.
    #[serde(rename = "P")]
    Permanent {},
    /// Type T: it expires.
    #[serde(rename = "T")]
    Temporal {
        /// After this many days, up to 733.
        days: u16,
    },
}

impl Default for CodeRule {
    fn default() -> Self {
        CodeRule::Permanent {}
    }
}

impl CodeRule {
    /// How long a code made on this day holds.
    pub fn validity(self, issued: jiff::civil::Date) -> Result<Validity> {
        match self {
            CodeRule::Permanent {} => Validity::new(CodeType::P, -1, -1, issued),
            CodeRule::Temporal { days } => {
                Validity::new(CodeType::T, days.into(), days.into(), issued)
            }
        }
    }
}

/// `[[subject]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Its code.
    pub code: String,
    /// What justificantes print.
    pub name: String,
    /// The procedure that it belongs to.
    pub procedure: String,
}

impl Catalogue {
    /// Reads the catalogue file and checks that what it names is in it.
    pub fn read(path: &Path) -> Result<Self> {
        let catalogue: Catalogue = parse_toml(&read_text(path, "catalogue file")?, path)?;
        catalogue
            .check()
            .map_err(|problem| Error::invalid(path.display().to_string(), problem))
            .map(|()| catalogue)
    }

    /// The entity of this code.
    pub fn entity(&self, code: &str) -> Result<&Entity> {
        self.entities
            .iter()
            .find(|e| e.code == code)
            .ok_or_else(|| unknown("entity", code))
    }

    /// The office of this code, which registers for `entity`.
    pub fn office(&self, code: &str, entity: &Entity) -> Result<&Office> {
        self.offices
            .iter()
            .find(|o| o.code == code && covers(&o.entities, entity))
            .ok_or_else(|| unknown("office", code))
    }

    /// The unit of this code, of `entity`.
    pub fn unit(&self, code: &str, entity: &Entity) -> Result<&Unit> {
        self.units
            .iter()
            .find(|u| u.code == code && u.entity == entity.code)
            .ok_or_else(|| unknown("unit", code))
    }

    /// The procedure of this code, of `entity`.
    pub fn procedure(&self, code: &str, entity: &Entity) -> Result<&Procedure> {
        self.procedures
            .iter()
            .find(|p| p.code == code && covers(&p.entities, entity))
            .ok_or_else(|| unknown("procedure", code))
    }

    /// The subject of this code, and its procedure, of `entity`.
    pub fn subject(&self, code: &str, entity: &Entity) -> Result<(&Subject, &Procedure)> {
        let subject = self
            .subjects
            .iter()
            .find(|s| s.code == code)
            .ok_or_else(|| unknown("subject", code))?;
        Ok((subject, self.procedure(&subject.procedure, entity)?))
    }

    fn check(&self) -> Result<(), String> {
        unique("entity", self.entities.iter().map(|e| &e.code))?;
        unique("office", self.offices.iter().map(|o| &o.code))?;
        unique("unit", self.units.iter().map(|u| &u.code))?;
        unique("procedure", self.procedures.iter().map(|p| &p.code))?;
        unique("subject", self.subjects.iter().map(|s| &s.code))?;
        let entities = (self.offices.iter().flat_map(|o| &o.entities))
            .chain(self.units.iter().map(|u| &u.entity))
            .chain(self.procedures.iter().flat_map(|p| &p.entities));
        for code in entities {
            self.entity(code).map_err(|e| e.to_string())?;
        }
        for office in &self.offices {
            if office.code.is_empty() || !office.code.bytes().all(|b| b.is_ascii_digit()) {
                return Err(format!(
                    "the code of office {:?} is not made of digits",
                    office.code
                ));
            }
        }
        for subject in &self.subjects {
            if !self.procedures.iter().any(|p| p.code == subject.procedure) {
                return Err(format!(
                    "subject {:?} names an unknown procedure",
                    subject.code
                ));
            }
        }
        for procedure in &self.procedures {
            // 733 days is the longest life of a temporal code in the print service of the Social Security.
            if let CodeRule::Temporal { days: 0 | 734.. } = procedure.code_of_authenticity {
                return Err(format!(
                    "the days of procedure {:?} are not between 1 and 733",
                    procedure.code
                ));
            }
        }
        Ok(())
    }
}

fn covers(entities: &[String], entity: &Entity) -> bool {
    entities.is_empty() || entities.contains(&entity.code)
}

fn unique<'a>(what: &str, codes: impl Iterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    for code in codes {
        if !seen.insert(code) {
            return Err(format!("{what} {code:?} is there twice"));
        }
    }
    Ok(())
}

fn unknown(what: &'static str, code: &str) -> Error {
    let shown: String = code.chars().take(64).collect();
    Error::invalid(what, format!("{shown:?} is not in the catalogue"))
        .remedy("Send a code of the catalogue that holds for the entity.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        [[entity]]
        code = "INSS"
        name = "Instituto Nacional de la Seguridad Social"
        seal = "inss"
        [[entity]]
        code = "ISM"
        name = "Instituto Social de la Marina"
        seal = "ism"
        [[office]]
        code = "000000"
        name = "Registro Electrónico"
        [[office]]
        code = "280001"
        name = "Oficina de Madrid"
        entities = ["INSS"]
        [[unit]]
        code = "EA0041767"
        name = "Dirección Provincial"
        entity = "INSS"
        [[procedure]]
        code = "998877"
        name = "Jubilación"
        entities = ["INSS"]
        unsigned = true
        code_of_authenticity = { type = "T", days = 732 }
        [[subject]]
        code = "JUB"
        name = "Solicitud de jubilación"
        procedure = "998877"
    "#;

    fn parse(text: &str) -> Result<Catalogue, String> {
        let catalogue: Catalogue =
            parse_toml(text, Path::new("catalogue.toml")).map_err(|e| e.to_string())?;
        catalogue.check().map(|()| catalogue)
    }

    #[test]
    fn what_is_named_is_found_within_its_entity() {
        let catalogue = parse(TEXT).unwrap();
        let inss = catalogue.entity("INSS").unwrap();
        let ism = catalogue.entity("ISM").unwrap();
        assert!(catalogue.office("000000", ism).is_ok());
        assert!(catalogue.office("280001", inss).is_ok());
        assert_eq!(
            catalogue.office("280001", ism).unwrap_err().element(),
            "office"
        );
        assert!(catalogue.unit("EA0041767", ism).is_err());
        let (_, procedure) = catalogue.subject("JUB", inss).unwrap();
        assert!(procedure.unsigned);
        assert_eq!(
            procedure.code_of_authenticity,
            CodeRule::Temporal { days: 732 }
        );
        assert_eq!(
            catalogue.subject("JUB", ism).unwrap_err().element(),
            "procedure"
        );
        assert_eq!(catalogue.entity("XXXX").unwrap_err().element(), "entity");
    }

    #[test]
    fn a_catalogue_that_contradicts_itself_is_refused() {
        for (from, to) in [
            ("code = \"ISM\"", "code = \"INSS\""),
            ("entity = \"INSS\"", "entity = \"TGSS\""),
            ("\"280001\"", "\"28-001\""),
            ("days = 732", "days = 734"),
            ("days = 732", "days = 0"),
            ("procedure = \"998877\"", "procedure = \"1\""),
            ("unsigned", "unsinged"),
        ] {
            assert!(parse(&TEXT.replacen(from, to, 1)).is_err(), "{from} {to}");
        }
    }
}
