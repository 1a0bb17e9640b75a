//! Evidence as one file (JSON), and back: what an auditor replays.

use super::Evidence;
use super::excerpt::{Originals, check_excerpts, joined};
use super::object::Bytes;
use crate::engine::error::{Error, Result};
use crate::engine::time::Time;

/// The name and version of the form, so that later ones can be told apart.
const FORM: &str = "rubrica-evidence/1";

#[derive(serde::Serialize, serde::Deserialize)]
struct File {
    form: String,
    /// The time of the validation that it was exported from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    judged_at: Option<Time>,
    /// The lists that excerpts were made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lists: Vec<Bytes>,
    evidence: Evidence,
}

/// Evidence as JSON; the same evidence gives the same bytes. The lists that excerpts were made from are not in it, without
/// which an excerpt proves nothing to whoever reads it.
pub fn write(evidence: &Evidence) -> Result<Vec<u8>> {
    export(evidence, None, &())
}

/// The same with the time at which it was judged, so that a replay can judge it at that time again; and with those lists.
pub fn export(
    evidence: &Evidence,
    judged_at: Option<Time>,
    originals: &dyn Originals,
) -> Result<Vec<u8>> {
    let file = File {
        form: FORM.to_string(),
        judged_at,
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

/// The same, and the time at which it was judged, where the file says so.
pub fn import(bytes: &[u8]) -> Result<(Evidence, Option<Time>)> {
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
    Ok((file.evidence, file.judged_at))
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
