//! Evidence as one file (JSON), and back: what an auditor replays.

use super::excerpt::{Originals, check_excerpts, joined};
use super::object::Bytes;
use super::{Evidence, ObjectId};
use crate::engine::error::{Error, Result};
use crate::engine::time::Time;

/// The name and version of the form, so that later ones can be told apart.
const FORM: &str = "rubrica-evidence/1";

/// How evidence was judged when it was exported.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Judgement {
    /// At which time.
    #[serde(rename = "judged_at", default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// By which anchors and trusted lists: the digest of the verdict's basis of trust.
    #[serde(
        rename = "judged_by_trust",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub trust: Option<ObjectId>,
    /// By which policy: the digest of all in it that is not trust, inputs of paths among them.
    #[serde(
        rename = "judged_by_policy",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub policy: Option<ObjectId>,
    /// The constraints of that policy, as `validation` writes them.
    #[serde(
        rename = "constraints",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub constraints: Option<serde_json::Value>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct File {
    form: String,
    /// Of the validation that it was exported from.
    #[serde(flatten)]
    judgement: Judgement,
    /// The lists that excerpts were made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lists: Vec<Bytes>,
    evidence: Evidence,
}

/// Evidence as JSON; the same evidence gives the same bytes. The lists that excerpts were made from are not in it, without
/// which an excerpt proves nothing to whoever reads it.
pub fn write(evidence: &Evidence) -> Result<Vec<u8>> {
    export(evidence, Judgement::default(), &())
}

/// The same with how it was judged, so that a replay can judge it in the same way again; and with those lists.
pub fn export(
    evidence: &Evidence,
    judgement: Judgement,
    originals: &dyn Originals,
) -> Result<Vec<u8>> {
    let file = File {
        form: FORM.to_string(),
        judgement,
        lists: joined(evidence, originals),
        evidence: evidence.clone(),
    };
    serde_json::to_vec(&file).map_err(|error| Error::internal("evidence", error.to_string()))
}

/// Evidence from JSON. An object whose bytes are not those that its identifier names is an error, and so is an excerpt that
/// says anything else than its list does; one whose list is not in the file is left out.
pub fn read(bytes: &[u8]) -> Result<Evidence> {
    import(bytes).map(|(evidence, _)| evidence)
}

/// The same, and how it was judged, as far as the file says so.
pub fn import(bytes: &[u8]) -> Result<(Evidence, Judgement)> {
    let mut file: File = serde_json::from_slice(bytes).map_err(|error| {
        Error::malformed(
            "evidence file",
            format!("line {}: not evidence", error.line()),
        )
    })?;
    if file.form != FORM {
        return Err(Error::unsupported(
            "evidence file",
            format!("its form is not {FORM}"),
        ));
    }
    if !all_intact(&file.evidence) {
        return Err(Error::malformed(
            "evidence file",
            "an object does not have the bytes that its identifier names",
        ));
    }
    check_excerpts(&mut file.evidence, &file.lists)?;
    Ok((file.evidence, file.judgement))
}

fn all_intact(evidence: &Evidence) -> bool {
    evidence.pool.is_intact()
        && evidence
            .inside
            .iter()
            .all(|nested| all_intact(&nested.evidence))
}

#[cfg(test)]
mod tests {
    use super::super::{Object, ObjectKind, Origin};
    use super::*;

    #[test]
    fn evidence_comes_back_as_it_was_and_tampering_is_seen() {
        let mut evidence = Evidence::new("PAdES", b"document");
        evidence.pool.add(Object::new(
            ObjectKind::Certificate,
            &b"certificate"[..],
            Origin::Given,
        ));
        let bytes = write(&evidence).unwrap();
        assert_eq!(read(&bytes).unwrap(), evidence);
        let text = String::from_utf8(bytes).unwrap();
        let tampered = text.replace("Y2VydGlmaWNhdGU=", "Y2VydGlmaWNhdGF=");
        assert_ne!(text, tampered);
        assert_eq!(
            read(tampered.as_bytes()).unwrap_err().element(),
            "evidence file"
        );
    }
}
