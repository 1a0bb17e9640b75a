//! Until when algorithms are acceptable: a catalogue in the JSON form of TS 119 322.
//!
//! In: a `SecuritySuitabilityPolicy`. Out: for a digest, or a signature algorithm with a key, until when it is acceptable.
//! The catalogue that ships, `algorithms-1.5.1.json`, has the dates of TS 119 312 v1.5.1 and of the SOG-IS catalogue as EU DSS
//! 6.4 has them (unchecked). Dates after the catalogue's own are predictions and are told, not judged. `Start` is read over: an
//! algorithm that a catalogue lists from a day on was no weaker before. Algorithms that nobody here computes are, too.

use crate::engine::crypto::{DigestAlgorithm, KeyKind, SignatureAlgorithm, sha256};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::ObjectId;
use crate::engine::syntax::asn1::{Oid, Reader, names};
use crate::engine::syntax::json::canonical_json;
use crate::engine::time::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::{Arc, LazyLock};

/// Until when an algorithm is acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// No end is foreseen.
    Open,
    /// Acceptable before this instant.
    Until(Time),
    /// Not in the catalogue at all.
    Unlisted,
}

impl Acceptance {
    /// The first instant at which it is not acceptable, where one is known.
    pub fn end(self) -> Option<Time> {
        match self {
            Acceptance::Until(end) => Some(end),
            _ => None,
        }
    }

    fn earliest(self, other: Acceptance) -> Acceptance {
        match (self, other) {
            (Acceptance::Unlisted, _) | (_, Acceptance::Unlisted) => Acceptance::Unlisted,
            (Acceptance::Until(a), Acceptance::Until(b)) => Acceptance::Until(a.min(b)),
            (Acceptance::Until(end), _) | (_, Acceptance::Until(end)) => Acceptance::Until(end),
            _ => Acceptance::Open,
        }
    }

    fn latest(self, other: Acceptance) -> Acceptance {
        match (self, other) {
            (Acceptance::Unlisted, known) | (known, Acceptance::Unlisted) => known,
            (Acceptance::Until(a), Acceptance::Until(b)) => Acceptance::Until(a.max(b)),
            _ => Acceptance::Open,
        }
    }
}

/// Which catalogue of algorithms a verdict was computed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogueUsed {
    /// Its `PolicyName`.
    pub name: String,
    /// Its version, as its `PolicyName` has it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// SHA-256 of its canonical form (RFC 8785).
    pub digest: ObjectId,
}

/// Which algorithms are acceptable until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlgorithmCatalogue(Arc<Read>);

#[derive(Debug, PartialEq, Eq)]
struct Read {
    used: CatalogueUsed,
    issued: Time,
    rows: Vec<Row>,
    /// Bits of the smallest curve that is listed; none where curves are not.
    least_curve: Option<u32>,
}

/// What one `Algorithm` of a catalogue says.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    id: Oid,
    /// The least bits of the key that each is for.
    evaluations: Vec<(u32, Acceptance)>,
}

/// Rows that a catalogue has at most; the shipped one has 26, ETSI's own 45.
const MOST_ROWS: usize = 4_096;

static SHIPPED: LazyLock<AlgorithmCatalogue> = LazyLock::new(|| {
    AlgorithmCatalogue::read(include_bytes!("algorithms-1.5.1.json"))
        .expect("the catalogue is compiled in, and a test reads it")
});

impl Default for AlgorithmCatalogue {
    /// The catalogue that ships.
    fn default() -> Self {
        SHIPPED.clone()
    }
}

impl AlgorithmCatalogue {
    /// A catalogue in the JSON form of TS 119 322: of its v1.2.1 schema, or as ETSI published the one of TS 119 312 v1.5.1,
    /// whose root and identifiers are spelled otherwise and whose lists of one are no lists.
    ///
    /// Errors: it is no such catalogue, with the element that is wrong; it lists nothing that is known here.
    pub fn read(bytes: &[u8]) -> Result<AlgorithmCatalogue> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| wrong("", format!("line {}: not JSON", error.line())))?;
        let digest = ObjectId(sha256(&canonical_json(&value)?));
        let root = ["SecuritySuitabilityPolicy", "SecuritySuitabilityPolicyType"];
        let policy = root.iter().find_map(|name| value.get(name));
        let policy = policy.ok_or_else(|| wrong("SecuritySuitabilityPolicy", "missing"))?;
        let issued = text(policy, "PolicyIssueDate")
            .and_then(instant)
            .ok_or_else(|| wrong("PolicyIssueDate", "no date"))?;
        let named = policy.get("PolicyName").unwrap_or(&Value::Null);
        let name = text(named, "Name").ok_or_else(|| wrong("PolicyName.Name", "missing"))?;
        let algorithms = list(policy.get("Algorithm"));
        if algorithms.len() > MOST_ROWS {
            return Err(wrong("Algorithm", format!("more than {MOST_ROWS}")));
        }
        let (mut rows, mut least_curve) = (Vec::new(), None::<u32>);
        for algorithm in algorithms {
            let Some(id) = identifier(algorithm)? else {
                continue;
            };
            match curve_bits(&id) {
                Some(bits) => least_curve = Some(least_curve.map_or(bits, |least| least.min(bits))),
                None => rows.push(Row {
                    evaluations: evaluations(algorithm)?,
                    id,
                }),
            }
        }
        let is_digest = |row: &Row| DigestAlgorithm::from_oid(&row.id).is_some();
        if !rows.iter().any(is_digest) {
            return Err(wrong("Algorithm", "no digest algorithm that is known here"));
        }
        Ok(AlgorithmCatalogue(Arc::new(Read {
            used: CatalogueUsed {
                name: name.to_string(),
                version: text(named, "ObjectIdentifier")
                    .unwrap_or_default()
                    .to_string(),
                digest,
            },
            issued,
            rows,
            least_curve,
        })))
    }

    /// Its name, version and digest.
    pub fn used(&self) -> &CatalogueUsed {
        &self.0.used
    }

    /// Until when a digest algorithm is acceptable.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Acceptance {
        self.row(&algorithm.oid(), u32::MAX)
            .unwrap_or(Acceptance::Unlisted)
    }

    /// Until when a signature algorithm with a key of `bits` is acceptable, its digest included: by what is said of the
    /// algorithm, else of its kind of key.
    pub fn signature(&self, algorithm: SignatureAlgorithm, bits: u32) -> Acceptance {
        let kind = match (algorithm, algorithm.key_kind()) {
            (SignatureAlgorithm::RsaPss { .. }, _) => names::RSASSA_PSS,
            (_, KeyKind::Rsa) => names::RSA_ENCRYPTION,
            (_, KeyKind::Ec) => names::EC_PUBLIC_KEY,
            (_, KeyKind::Dsa) => names::DSA,
            (_, KeyKind::Ed25519) => names::ED25519,
            (_, KeyKind::Ed448) => names::ED448,
        };
        let is_small = |least| algorithm.key_kind() == KeyKind::Ec && bits < least;
        if self.0.least_curve.is_some_and(is_small) {
            return Acceptance::Unlisted;
        }
        let own = Reader::ber(&algorithm.identifier())
            .sequence("algorithm")
            .and_then(|mut fields| fields.oid("algorithm"));
        let own = own.ok().and_then(|id| self.row(&id, bits));
        let key = own.or_else(|| self.row(&kind, bits));
        let key = key.unwrap_or(Acceptance::Unlisted);
        algorithm
            .digest()
            .map_or(key, |digest| key.earliest(self.digest(digest)))
    }

    /// What the catalogue says of `id` with a key of `bits`: none where it does not have it.
    fn row(&self, id: &Oid, bits: u32) -> Option<Acceptance> {
        let row = self.0.rows.iter().find(|row| row.id == *id)?;
        let fitting = row.evaluations.iter().filter(|(least, _)| *least <= bits);
        let least = fitting.clone().map(|(least, _)| *least).max();
        let best = fitting.filter(|(own, _)| Some(*own) == least);
        Some(best.fold(Acceptance::Unlisted, |all, (_, one)| all.latest(*one)))
    }

    /// Whether an end was still a prediction when the catalogue was issued.
    pub fn is_prediction(&self, end: Time) -> bool {
        end > self.0.issued
    }
}

fn wrong(element: &str, problem: impl Into<String>) -> Error {
    let element = format!("catalogue of algorithms {element}");
    Error::invalid(element.trim_end().to_string(), problem.into())
        .remedy("Give a SecuritySuitabilityPolicy in the JSON form of TS 119 322, such as ETSI publishes with TS 119 312.")
}

fn text<'v>(of: &'v Value, name: &str) -> Option<&'v str> {
    of.get(name).and_then(Value::as_str)
}

/// A list, or what stands for one of one.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(one) => std::slice::from_ref(one),
        None => &[],
    }
}

/// The object identifier of an algorithm that is known here: that of its address where it has one, since published
/// catalogues have identifiers of other algorithms by mistake. None where it is not known.
fn identifier(algorithm: &Value) -> Result<Option<Oid>> {
    let identifier = algorithm.get("AlgorithmIdentifier");
    let identifier = identifier.ok_or_else(|| wrong("AlgorithmIdentifier", "missing"))?;
    if let Some(digest) = text(identifier, "URI").and_then(DigestAlgorithm::from_xml_uri) {
        return Ok(Some(digest.oid()));
    }
    let dotted = text(identifier, "ObjectIdentifier").or(text(identifier, "Objectidentifier"));
    let dotted = dotted.ok_or_else(|| wrong("ObjectIdentifier", "missing"))?;
    // Arcs beyond what is held here name algorithms that are not known here.
    Ok(Oid::from_dotted(dotted).ok())
}

fn evaluations(algorithm: &Value) -> Result<Vec<(u32, Acceptance)>> {
    let all = list(algorithm.get("Evaluation"));
    if all.is_empty() {
        return Err(wrong("Evaluation", "missing"));
    }
    all.iter()
        .map(|evaluation| {
            let validity = evaluation.get("Validity");
            let validity = validity.ok_or_else(|| wrong("Validity", "missing"))?;
            let acceptance = match validity.get("End") {
                None => Acceptance::Open,
                Some(end) => {
                    let end = end.as_str().and_then(instant);
                    Acceptance::Until(end.ok_or_else(|| wrong("Validity.End", "no date"))?)
                }
            };
            Ok((least_bits(evaluation)?, acceptance))
        })
        .collect()
}

/// The least length of the key that an evaluation is for; the length of the subgroup of DSA is not looked at.
fn least_bits(evaluation: &Value) -> Result<u32> {
    let lengths = list(evaluation.get("Parameter"));
    let of_key = lengths
        .iter()
        .find(|one| text(one, "name") != Some("qlength"));
    let Some(least) = of_key.and_then(|one| one.get("Min")) else {
        return Ok(0);
    };
    let number = least.as_u64().or_else(|| least.as_str()?.parse().ok());
    number
        .and_then(|bits| u32::try_from(bits).ok())
        .ok_or_else(|| wrong("Parameter.Min", "no number of bits"))
}

fn curve_bits(id: &Oid) -> Option<u32> {
    let curves = [
        (names::SECP256R1, 256),
        (names::SECP384R1, 384),
        (names::SECP521R1, 521),
        (names::BRAINPOOL_P256R1, 256),
        (names::BRAINPOOL_P384R1, 384),
        (names::BRAINPOOL_P512R1, 512),
        (Oid::new(&[1, 2, 250, 1, 223, 101, 256, 1]), 256),
    ];
    let found = curves.iter().find(|(known, _)| known == id);
    found.map(|(_, bits)| *bits)
}

/// A date, of which the first instant counts, or a date and time.
fn instant(text: &str) -> Option<Time> {
    let whole = format!("{text}T00:00:00Z");
    let text = if text.contains('T') { text } else { &whole };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use SignatureAlgorithm as S;

    fn until(text: &str) -> Acceptance {
        Acceptance::Until(instant(text).unwrap())
    }

    /// The dates of EU DSS 6.4's own policy, by kind of key and length.
    #[test]
    fn the_shipped_catalogue_says_what_its_source_says() {
        let table = AlgorithmCatalogue::default();
        assert_eq!(table.used().version, "1.5.1");
        let digests = [
            (DigestAlgorithm::Md5, until("2004-08-01")),
            (DigestAlgorithm::Sha1, until("2012-08-01")),
            (DigestAlgorithm::Sha224, until("2029-01-01")),
            (DigestAlgorithm::Sha3_224, until("2029-01-01")),
            (DigestAlgorithm::Sha256, Acceptance::Open),
            (DigestAlgorithm::Sha384, Acceptance::Open),
            (DigestAlgorithm::Sha512, Acceptance::Open),
            (DigestAlgorithm::Sha3_256, Acceptance::Open),
            (DigestAlgorithm::Sha3_384, Acceptance::Open),
            (DigestAlgorithm::Sha3_512, Acceptance::Open),
        ];
        for (digest, expected) in digests {
            assert_eq!(table.digest(digest), expected, "{digest}");
        }
        let d = DigestAlgorithm::Sha256;
        let pss = S::RsaPss {
            digest: d,
            mask: d,
            salt: 32,
        };
        let keys = [
            (S::RsaPkcs1(d), 0, until("2019-10-01")),
            (S::RsaPkcs1(d), 1_899, until("2019-10-01")),
            (S::RsaPkcs1(d), 1_900, until("2029-01-01")),
            (S::RsaPkcs1(d), 4_096, until("2029-01-01")),
            (pss, 1_024, until("2019-10-01")),
            (pss, 2_048, until("2029-01-01")),
            (pss, 3_000, Acceptance::Open),
            (S::Dsa(d), 1_024, until("2019-10-01")),
            (S::Dsa(d), 2_048, until("2029-01-01")),
            (S::Ecdsa(d), 192, until("2012-08-01")),
            (S::Ecdsa(d), 224, until("2021-10-01")),
            (S::Ecdsa(d), 256, Acceptance::Open),
            (S::EcdsaPlain(d), 521, Acceptance::Open),
            (S::Ed25519, 256, Acceptance::Open),
            (S::Ed448, 448, Acceptance::Open),
            (S::Ed448, 456, Acceptance::Open),
        ];
        for (algorithm, bits, expected) in keys {
            assert_eq!(
                table.signature(algorithm, bits),
                expected,
                "{algorithm} {bits}"
            );
        }
    }

    #[test]
    fn the_weakest_part_decides_and_ends_after_the_issue_are_predictions() {
        let table = AlgorithmCatalogue::default();
        let weak = S::RsaPkcs1(DigestAlgorithm::Sha1);
        assert_eq!(table.signature(weak, 2_048), until("2012-08-01"));
        let end = table.signature(S::RsaPkcs1(DigestAlgorithm::Sha256), 2_048);
        assert!(table.is_prediction(end.end().unwrap()));
        assert!(!table.is_prediction(instant("2019-10-01").unwrap()));
    }

    /// As the later versions are: dates without predictions, algorithms from a day on, curves by their own names, algorithms
    /// that nobody here computes.
    #[test]
    fn a_newer_catalogue_is_read_in_each_of_its_spellings() {
        let algorithm = |id: &str, rest: &str| {
            format!(
                r#"{{"AlgorithmIdentifier":{{"Name":"x","ObjectIdentifier":"{id}"}},"Evaluation":{rest}}}"#
            )
        };
        let open = r#"[{"Validity":{},"Recommendation":"R"}]"#;
        let rows = [
            algorithm("2.16.840.1.101.3.4.2.1", open),
            algorithm(
                "1.2.840.113549.1.1.11",
                r#"[{"Validity":{"End":"2026-04-01"},"Parameter":[{"Min":1900,"name":"moduluslength"}]},
                    {"Validity":{"End":"2034-01-01"},"Parameter":{"Min":"3000","name":"moduluslength"}}]"#,
            ),
            algorithm("1.2.840.10045.4.3.2", open),
            algorithm("1.2.840.10045.3.1.7", open),
            algorithm("1.3.101.112", r#"{"Validity":{"Start":"2026-02-01"}}"#),
            algorithm("2.16.840.1.101.3.4.3.17", open),
        ];
        let catalogue = |root: &str, rows: &[String]| {
            let rows = rows.join(",");
            let text = format!(
                r#"{{"{root}":{{"PolicyName":{{"Name":"n","ObjectIdentifier":"2.1.1"}},
                "PolicyIssueDate":"2026-02-01T00:00:00.000+01:00","Algorithm":[{rows}]}}}}"#
            );
            AlgorithmCatalogue::read(text.as_bytes())
        };
        let newer = catalogue("SecuritySuitabilityPolicy", &rows).unwrap();
        let d = DigestAlgorithm::Sha256;
        assert_eq!(newer.signature(S::RsaPkcs1(d), 1_024), Acceptance::Unlisted);
        assert_eq!(newer.signature(S::RsaPkcs1(d), 2_048), until("2026-04-01"));
        assert_eq!(newer.signature(S::RsaPkcs1(d), 3_072), until("2034-01-01"));
        assert_eq!(newer.signature(S::Ecdsa(d), 256), Acceptance::Open);
        assert_eq!(newer.signature(S::Ecdsa(d), 224), Acceptance::Unlisted);
        assert_eq!(newer.signature(S::Ed25519, 256), Acceptance::Open);
        assert_eq!(newer.digest(DigestAlgorithm::Sha1), Acceptance::Unlisted);
        let published = rows.clone();
        let published = published.map(|row| row.replace("ObjectIdentifier", "Objectidentifier"));
        let published = catalogue("SecuritySuitabilityPolicyType", &published).unwrap();
        assert_eq!(published.signature(S::Ed25519, 256), Acceptance::Open);
        assert_ne!(published.used().digest, newer.used().digest);
        let error = catalogue("SecuritySuitabilityPolicy", &rows[1..]).unwrap_err();
        assert!(error.element().ends_with("Algorithm"), "{error}");
        let undated = rows[0].replace("{}", r#"{"End":"soon"}"#);
        let error = catalogue("SecuritySuitabilityPolicy", &[undated]).unwrap_err();
        assert!(error.element().ends_with("Validity.End"), "{error}");
        for text in ["", "[]", "{}", r#"{"SecuritySuitabilityPolicy":7}"#] {
            assert!(AlgorithmCatalogue::read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
