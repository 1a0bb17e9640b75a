//! The detailed report as text for people.

use super::detailed::{
    BlockReport, DetailedDocument, DetailedReport, DetailedSignature, DetailedTimestamp,
    ProcessReport, ReportedProcess,
};
use super::message::{Language, label, named};
use super::object::ObjectReport;
use super::simple::FindingReport;
use super::text::{Page, facts, instant, trust, word};
use crate::engine::evidence::{ObjectId, Origin, Proof};
use crate::engine::validation::Outcome;
use std::collections::BTreeMap;

/// Digits of an object's identifier that a finding is told with; the whole stands in the list of objects.
const SHOWN: usize = 16;

/// What objects and signatures are called.
pub(super) type Names = BTreeMap<ObjectId, String>;

/// The names of the objects of `report`, and of its signatures.
pub(super) fn names(report: &DetailedReport, language: Language) -> Names {
    fn signatures(document: &DetailedDocument, language: Language, names: &mut Names) {
        for (index, one) in document.signatures.iter().enumerate() {
            let number = format!("{} {}", label(language, "signature"), index + 1);
            let inside = document
                .name
                .as_ref()
                .map(|name| format!("{name}: {number}"));
            names
                .entry(one.conclusion.id)
                .or_insert(inside.unwrap_or(number));
        }
        let inside = document.inside.iter();
        inside.for_each(|one| signatures(one, language, names));
    }
    let named = |object: &ObjectReport| (object.id, object.name.clone());
    let mut names: Names = report.objects.iter().map(named).collect();
    signatures(&report.document, language, &mut names);
    names
}

/// `report` in `language`, its instants in the IANA zone `zone`.
pub fn detailed_text(report: &DetailedReport, language: Language, zone: &str) -> String {
    let mut page = Page::new(language, zone, report.validation_time);
    let names = names(report, language);
    let at = instant(report.validation_time, zone);
    page.line(page.label("detailed_report"));
    page.field("validated_at", &at);
    page.field(
        "policy",
        &format!("{}, SHA-256 {}", report.policy.name, report.policy.digest),
    );
    if let Some(basis) = &report.trust {
        trust(basis, &mut page);
    }
    document(&report.document, &names, &mut page);
    page.line("");
    page.line(page.label("objects"));
    page.inside(|page| report.objects.iter().for_each(|one| object(one, page)));
    page.out
}

fn document(one: &DetailedDocument, names: &Names, page: &mut Page) {
    page.line("");
    let conclusion = &one.conclusion;
    let heading = match &one.name {
        Some(name) => format!("{}: {name}", page.label("inside")),
        None => page.label("document").to_string(),
    };
    page.line(&heading);
    page.inside(|page| {
        let verdict = word(conclusion.indication, page.language);
        let words = conclusion.explanation.in_language(page.language);
        page.field("verdict", &format!("{verdict}. {words}"));
        page.field(
            "document",
            &format!("{}, SHA-256 {}", conclusion.format, conclusion.sha256),
        );
        findings(&one.findings, names, page);
    });
    for (index, one) in one.signatures.iter().enumerate() {
        page.line("");
        let heading = format!(
            "{} {}: {}",
            page.label("signature"),
            index + 1,
            one.conclusion.name
        );
        page.line(&heading);
        page.inside(|page| {
            page.field("identifier", &one.conclusion.id.to_string());
            facts(&one.conclusion, page);
            for (key, value) in stated(one) {
                page.field(key, &value);
            }
            if let Some(of) = one.countersigns {
                page.field("countersigns", &of.to_string());
            }
            page.field(
                "concluded_by",
                process_word(one.concluded_by, page.language),
            );
            let path: Vec<String> = one.path.iter().map(|id| object_name(id, names)).collect();
            page.field("path", &path.join(" → "));
            for proof in &one.proofs {
                let text = format!(
                    "{}: {}",
                    object_name(&proof.of, names),
                    proof_text(proof.at, proof.by, names, page)
                );
                page.field("exists_since", &text);
            }
            processes(&one.processes, names, page);
            one.timestamps
                .iter()
                .for_each(|stamp| timestamp(stamp, names, page));
        });
    }
    one.timestamps
        .iter()
        .for_each(|stamp| timestamp(stamp, names, page));
    for record in &one.records {
        page.line(&format!(
            "{}: {}",
            page.label("proof.evidence_record"),
            record.name
        ));
        page.inside(|page| {
            page.field("identifier", &record.id.to_string());
            page.field("mathematics", page.label(intact(record.intact)));
            let zone = page.zone.clone();
            for (_, at) in &record.timestamps {
                page.field("timestamp", &instant(*at, &zone));
            }
        });
    }
    one.inside
        .iter()
        .for_each(|inside| document(inside, names, page));
}

/// What the signer states beside the content, by label.
pub(super) fn stated(one: &DetailedSignature) -> Vec<(&'static str, String)> {
    let properties = &one.properties;
    let policy = one
        .signature_policy
        .as_ref()
        .map(|policy| policy.id.to_string());
    let hint = properties
        .content_hints
        .as_ref()
        .and_then(|hints| hints.description.clone());
    let commitments = properties.commitment_types.iter().map(ToString::to_string);
    let single = [
        ("signature_policy", policy),
        ("mime_type", properties.mime_type.clone()),
        ("content_hint", hint),
        ("place", one.place.clone()),
    ];
    let single = single
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)));
    single
        .chain(commitments.map(|oid| ("commitment", oid)))
        .chain(
            properties
                .claimed_roles
                .iter()
                .map(|role| ("claimed_role", role.clone())),
        )
        .collect()
}

fn timestamp(one: &DetailedTimestamp, names: &Names, page: &mut Page) {
    let heading = format!(
        "{} {}: {}",
        page.label("timestamp"),
        stamp_kind(one, page.language),
        word(Some(one.conclusion.indication), page.language)
    );
    page.line(&heading);
    page.inside(|page| {
        let at = instant(one.conclusion.time, &page.zone.clone());
        page.field("from", &at);
        page.field(
            "signed_by",
            one.conclusion.signed_by.as_deref().unwrap_or_default(),
        );
        page.field("identifier", &one.token.to_string());
        page.field(
            "concluded_by",
            process_word(one.concluded_by, page.language),
        );
        for id in one.covers.iter().chain(&one.signatures) {
            page.field("covers", &object_name(id, names));
        }
        processes(&one.processes, names, page);
    });
}

/// Of what a time-stamp is.
pub(super) fn stamp_kind(one: &DetailedTimestamp, language: Language) -> String {
    let kind = serde_json::to_value(one.conclusion.kind).ok();
    let kind = kind
        .as_ref()
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    named(language, "stamp", kind).to_string()
}

/// The name of a process.
pub(super) fn process_word(process: ReportedProcess, language: Language) -> &'static str {
    named(language, "process", process.key())
}

fn processes(all: &[ProcessReport], names: &Names, page: &mut Page) {
    for process in all {
        let name = process.name.in_language(page.language);
        page.line(&format!("{name} [{}]", process.clause));
        page.inside(|page| {
            process
                .blocks
                .iter()
                .for_each(|one| block(one, names, page))
        });
    }
}

fn block(one: &BlockReport, names: &Names, page: &mut Page) {
    let sub = one
        .sub_indication
        .map(|sub| format!(", {sub}"))
        .unwrap_or_default();
    let outcome = outcome(one.outcome, page.language);
    let name = one.name.in_language(page.language);
    page.line(&format!("{name} [{}]: {outcome}{sub}", one.clause));
    page.inside(|page| findings(&one.findings, names, page));
}

/// The label of what digests say.
pub(super) fn intact(intact: bool) -> &'static str {
    match intact {
        true => "mathematics.intact",
        false => "mathematics.altered",
    }
}

/// What a check, or a block, came to.
pub(super) fn outcome(outcome: Option<Outcome>, language: Language) -> &'static str {
    named(
        language,
        "outcome",
        match outcome {
            Some(Outcome::Passed) => "passed",
            Some(Outcome::Failed) => "failed",
            Some(Outcome::Indeterminate) => "indeterminate",
            Some(Outcome::Warning) => "warning",
            Some(Outcome::Note) => "note",
            None => "none",
        },
    )
}

fn findings(all: &[FindingReport], names: &Names, page: &mut Page) {
    for one in all {
        let outcome = outcome(Some(one.finding.outcome), page.language);
        let mut text = format!(
            "{outcome}: {} [{}]",
            one.message.in_language(page.language),
            one.finding.clause
        );
        if let Some(id) = &one.finding.object {
            text += &format!(" ({})", object_name(id, names));
        }
        page.line(&text);
        if let Some(remedy) = &one.remedy {
            page.inside(|page| page.field("remedy", remedy.in_language(page.language)));
        }
    }
}

/// An object by its name and the first digits of its identifier.
pub(super) fn object_name(id: &ObjectId, names: &Names) -> String {
    let digits = &id.to_string()[..SHOWN];
    match names.get(id).filter(|name| !name.is_empty()) {
        Some(name) => format!("{name}, {digits}"),
        None => digits.to_string(),
    }
}

pub(super) fn proof_text(
    at: crate::engine::time::Time,
    by: Proof,
    names: &Names,
    page: &Page,
) -> String {
    let at = instant(at, &page.zone);
    match by {
        Proof::Validation => format!("{at}, {}", page.label("proof.validation")),
        Proof::Timestamp(id) => format!(
            "{at}, {} {}",
            page.label("proof.timestamp"),
            object_name(&id, names)
        ),
        Proof::EvidenceRecord(id) => {
            format!(
                "{at}, {} {}",
                page.label("proof.evidence_record"),
                object_name(&id, names)
            )
        }
    }
}

/// Where an object came from, in words.
pub(super) fn origin(one: &ObjectReport, page: &Page) -> String {
    match &one.origin {
        None => page.label("origin.policy").to_string(),
        Some(Origin::Embedded) => page.label("origin.embedded").to_string(),
        Some(Origin::Given) => page.label("origin.given").to_string(),
        Some(Origin::Fetched { url, at }) => {
            format!(
                "{} {url}, {}",
                page.label("origin.fetched"),
                instant(*at, &page.zone)
            )
        }
    }
}

/// What an object is, in words.
pub(super) fn object_kind(one: &ObjectReport, language: Language) -> String {
    let kind = serde_json::to_value(one.kind).ok();
    let kind = kind
        .as_ref()
        .and_then(|kind| kind.as_str())
        .unwrap_or_default();
    named(language, "kind", kind).to_string()
}

fn object(one: &ObjectReport, page: &mut Page) {
    let kind = object_kind(one, page.language);
    let anchor = if one.anchor {
        format!(", {}", page.label("anchor"))
    } else {
        String::new()
    };
    page.line(&format!("{} ({kind}{anchor})", one.name));
    page.inside(|page| {
        let zone = page.zone.clone();
        page.field("fingerprint", &one.id.to_string());
        page.field("issued_by", one.issuer.as_deref().unwrap_or_default());
        page.field("serial_number", one.number.as_deref().unwrap_or_default());
        page.field(
            "from",
            &one.from.map(|at| instant(at, &zone)).unwrap_or_default(),
        );
        page.field(
            "until",
            &one.until.map(|at| instant(at, &zone)).unwrap_or_default(),
        );
        page.field("origin", &origin(one, page));
        if let Some(proof) = &one.proof {
            let text = proof_text(proof.at, proof.by, &Names::new(), page);
            page.field("exists_since", &text);
        }
    });
}
