//! Evidence records (RFC 4998): the records of the `cms` corpus beside their data (run by `conformance::cms`), and those in
//! and beside the CAdES signatures of EU DSS, with the facts that its own tests assert.

use rubrica::engine::evidence::{Evidence, EvidenceRecord};
use rubrica::engine::formats::{Detached, GivenRecord, Input, add_given, recognise};
use rubrica::engine::limits::Limits;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn split_of(corpus: &str) -> Option<(PathBuf, Value)> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    let root = std::env::var_os("RUBRICA_CORPORA").map_or_else(default, PathBuf::from);
    let folder = root.join(corpus).join("dev");
    let Ok(manifest) = std::fs::read(folder.join("manifest.json")) else {
        println!("corpus {corpus}: none; skipped");
        return None;
    };
    Some((folder, serde_json::from_slice(&manifest).expect("manifest")))
}

/// What was found in `document`, with content and records given beside it.
pub(crate) fn found(document: &[u8], content: &[Vec<u8>], records: &[Vec<u8>]) -> Evidence {
    let detached: Vec<_> = content.iter().map(Detached::of).collect();
    let input = Input {
        document,
        detached: &detached,
    };
    let budget = &mut Limits::default().budget();
    let mut evidence = match recognise(document) {
        Ok(format) => format.inspect(input, budget).expect("readable"),
        Err(_) => Evidence::new("data", document),
    };
    for bytes in records {
        let record = GivenRecord {
            name: "record.ers",
            bytes,
        };
        add_given(&mut evidence, record, input, budget).expect("readable record");
    }
    evidence
}

/// Whether the links of a record hold, its data objects left out.
fn links_hold(record: &EvidenceRecord) -> bool {
    let mut first = true;
    record.timestamps.iter().all(|stamp| {
        let of_objects = std::mem::take(&mut first);
        let linked = of_objects || stamp.references.iter().all(|r| r.is_intact());
        stamp.timestamp.imprint.is_intact() && linked
    })
}

/// What is wrong with a record of the `cms` corpus beside its data.
pub(crate) fn differences(folder: &Path, entry: &Value) -> Vec<String> {
    let read =
        |key: &str| std::fs::read(folder.join(entry[key].as_str().expect(key))).expect("file");
    let evidence = found(&read("content"), &[], &[read("file")]);
    let record = &evidence.records[0];
    // The data object of the BSI records is not in the corpus: their links are all that can be held against it.
    let holds = if entry["id"]
        .as_str()
        .is_some_and(|id| id.contains("BSI_TR-ESOR"))
    {
        links_hold(record)
    } else {
        record.is_intact()
    };
    let mut differences: Vec<_> = record
        .faults
        .iter()
        .map(|fault| fault.rule.clone())
        .collect();
    if holds != (entry["expected"]["core"] == "valid") {
        differences.push(format!("holds: {holds}"));
    }
    differences
}

#[test]
fn records_of_cades_signatures() {
    let Some((folder, manifest)) = split_of("dss") else {
        return;
    };
    let read =
        |name: &Value| std::fs::read(folder.join(name.as_str().expect("path"))).expect("file");
    let several = |list: &Value| -> Vec<Vec<u8>> {
        let files = list.as_array().into_iter().flatten();
        files.map(|file| read(&file["path"])).collect()
    };
    let mut seen = 0;
    for file in manifest["files"].as_array().expect("files") {
        let path = file["path"].as_str().expect("path");
        if !path.starts_with("cades/validation/evidence-record/") {
            continue;
        }
        for case in file["cases"].as_array().expect("cases") {
            let id = format!("{path}#{}", case["case"]);
            let inputs = &case["inputs"];
            let mut given = several(&inputs["evidence_records"]);
            let asn1 = |record: &Vec<u8>| !record.starts_with(b"<");
            given.retain(asn1);
            let evidence = found(&read(&file["path"]), &several(&inputs["detached"]), &given);
            let expect = &case["expect"];
            if let Some(count) = expect["number_of_evidence_records"].as_u64() {
                assert_eq!(evidence.records.len() as u64, count, "{id}");
            }
            let intact: Vec<_> = evidence.records.iter().map(|r| r.is_intact()).collect();
            // Whoever does not give the content leaves it unproven; DSS says the same of what a record does not cover. That a
            // renewal leaves out the content it does not see: RFC 4998 §5.3 asks for it.
            let broken = inputs["detached"].is_null() && path.ends_with("-detached.p7s")
                || path.contains("not-covered")
                || path.contains("renewed_hashtree_invalid");
            assert!(
                intact.iter().all(|one| *one != broken),
                "{id}: {:#?}",
                evidence.records
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 14);
}
