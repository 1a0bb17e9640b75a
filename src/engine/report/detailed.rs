//! The detailed report: per signature and time-stamp every process, in it every building block, in it every finding in
//! order, and the objects that they name (EN 319 102-1 §5.1.2, unchecked).
//!
//! In: a judged document. Out: a value that serialises as canonical JSON, and that `detailed_text` and `html` print.

use super::judged::{Judged, Part};
use super::message::{block_name, process_name};
use super::object::{ObjectReport, objects};
use super::simple::{
    Explained, FindingReport, SignatureReport, SimpleReport, TimestampReport, simple,
};
use crate::engine::error::Result;
use crate::engine::evidence::{
    EvidenceRecord, ObjectId, ProofOfExistence, Properties, RecordPlace, Signature,
    SignaturePolicy, Timestamp,
};
use crate::engine::time::Time;
use crate::engine::validation::{
    Block, Finding, Outcome, PolicyUsed, Process, SignatureVerdict, SubIndication,
    TimestampVerdict, TrustBasis,
};
use serde::Serialize;

/// The name and version of the form.
const FORM: &str = "rubrica-detailed-report/1";

/// A document's detailed report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetailedReport {
    /// `rubrica-detailed-report/1`.
    pub form: &'static str,
    /// The time of validation.
    pub validation_time: Time,
    /// The validation policy, by name and digest.
    pub policy: PolicyUsed,
    /// Whom the verdict trusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustBasis>,
    /// The document.
    pub document: DetailedDocument,
    /// What the findings are about, and what else was at hand.
    pub objects: Vec<ObjectReport>,
}

/// A document, or one inside another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetailedDocument {
    /// Its name in the container that it is inside of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the simple report says of it, without its signatures and time-stamps.
    #[serde(flatten)]
    pub conclusion: DocumentConclusion,
    /// Every finding about the document as a whole.
    pub findings: Vec<FindingReport>,
    /// One a signature.
    pub signatures: Vec<DetailedSignature>,
    /// One a time-stamp over the document.
    pub timestamps: Vec<DetailedTimestamp>,
    /// One an evidence record.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<RecordReport>,
    /// One a signed document inside.
    pub inside: Vec<DetailedDocument>,
}

/// An evidence record (RFC 4998 §4.1): what it is over and when, as far as digests go. What it proves stands among the
/// proofs of the signatures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordReport {
    /// SHA-256 of its bytes.
    pub id: ObjectId,
    /// What it is called.
    pub name: String,
    /// Where it stood.
    pub place: RecordPlace,
    /// Whether the digests of all its time-stamps lead to what they should.
    pub intact: bool,
    /// Its archive time-stamps: the number of the chain, and the time.
    pub timestamps: Vec<(u32, Time)>,
    /// The rules that it breaks.
    pub faults: Vec<String>,
}

impl From<&EvidenceRecord> for RecordReport {
    fn from(record: &EvidenceRecord) -> RecordReport {
        let stamps = record.timestamps.iter();
        RecordReport {
            id: record.id,
            name: record.name.clone(),
            place: record.place,
            intact: record.is_intact(),
            timestamps: stamps.map(|s| (s.chain, s.timestamp.gen_time)).collect(),
            faults: record.faults.iter().map(|f| f.rule.clone()).collect(),
        }
    }
}

/// What a document comes to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct DocumentConclusion {
    pub format: String,
    pub sha256: ObjectId,
    pub size: u64,
    pub indication: Option<crate::engine::validation::Indication>,
    pub explanation: Explained,
}

/// A signature in detail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetailedSignature {
    /// What the simple report says of it.
    pub conclusion: SignatureReport,
    /// The process that concluded.
    pub concluded_by: ReportedProcess,
    /// The signature that it countersigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub countersigns: Option<ObjectId>,
    /// The explicit signature policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature_policy: Option<SignaturePolicy>,
    /// Where the signer says to have signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What stands beside the value: attributes by name, and what the signer states in them.
    pub properties: Properties,
    /// From the signing certificate to the anchor.
    pub path: Vec<ObjectId>,
    /// The proofs of existence that the conclusion rests on.
    pub proofs: Vec<ProofOfExistence>,
    /// Its processes in the order of the standard.
    pub processes: Vec<ProcessReport>,
    /// Its time-stamps.
    pub timestamps: Vec<DetailedTimestamp>,
}

/// A time-stamp in detail.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetailedTimestamp {
    /// What the simple report says of it.
    pub conclusion: TimestampReport,
    /// The token.
    pub token: ObjectId,
    /// The process that concluded.
    pub concluded_by: ReportedProcess,
    /// The objects that it proves to have existed.
    pub covers: Vec<ObjectId>,
    /// The signatures that it proves to have existed.
    pub signatures: Vec<ObjectId>,
    /// Its processes in the order of the standard.
    pub processes: Vec<ProcessReport>,
}

/// The process that a building block was asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedProcess {
    /// EN 319 102-1 §5.3.
    Basic,
    /// EN 319 102-1 §5.4.
    TimeStamp,
    /// EN 319 102-1 §5.5.
    WithTime,
    /// EN 319 102-1 §5.6.
    LongTerm,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProcessReport {
    /// Which.
    pub process: ReportedProcess,
    /// The clause that describes it.
    pub clause: &'static str,
    /// Its name.
    pub name: Explained,
    /// Its building blocks.
    pub blocks: Vec<BlockReport>,
}

/// A building block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BlockReport {
    /// Which.
    pub block: Block,
    /// The clause that describes it.
    pub clause: &'static str,
    /// Its name.
    pub name: Explained,
    /// The worst outcome of its findings; none where it had none.
    pub outcome: Option<Outcome>,
    /// Why it did not hold: that of its first finding against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<SubIndication>,
    /// Every finding in order.
    pub findings: Vec<FindingReport>,
}

use Block as B;

const BASIC: &[Block] = &[
    B::FormatChecking,
    B::SigningCertificate,
    B::ValidationContext,
    B::RevocationFreshness,
    B::X509,
    B::Cryptographic,
    B::Acceptance,
];
const LONG_TERM: &[Block] = &[
    B::PastCertificate,
    B::TimeSliding,
    B::PoeExtraction,
    B::PastSignature,
    B::LongTerm,
];

impl ReportedProcess {
    fn of(process: Process, of_timestamp: bool) -> ReportedProcess {
        match process {
            Process::Basic if of_timestamp => ReportedProcess::TimeStamp,
            Process::Basic => ReportedProcess::Basic,
            Process::WithTime => ReportedProcess::WithTime,
            Process::LongTerm => ReportedProcess::LongTerm,
        }
    }

    /// The clause that describes it.
    pub const fn clause(self) -> &'static str {
        match self {
            ReportedProcess::Basic => "EN 319 102-1 §5.3",
            ReportedProcess::TimeStamp => "EN 319 102-1 §5.4",
            ReportedProcess::WithTime => "EN 319 102-1 §5.5",
            ReportedProcess::LongTerm => "EN 319 102-1 §5.6",
        }
    }

    /// Its key in the catalogues.
    pub(super) const fn key(self) -> &'static str {
        match self {
            ReportedProcess::Basic => "basic",
            ReportedProcess::TimeStamp => "time_stamp",
            ReportedProcess::WithTime => "with_time",
            ReportedProcess::LongTerm => "long_term",
        }
    }
}

/// The processes of a signature, or of a time-stamp, whose own process holds the basic blocks. Those of long-term
/// availability stand there where it was asked for.
fn processes(findings: &[Finding], of_timestamp: bool, asked: Process) -> Vec<ProcessReport> {
    let own: Vec<Block> = BASIC.iter().copied().chain([B::Timestamp]).collect();
    let mut order: Vec<(ReportedProcess, &[Block])> = match of_timestamp {
        true => vec![(ReportedProcess::TimeStamp, &own)],
        false => vec![
            (ReportedProcess::Basic, BASIC),
            (ReportedProcess::TimeStamp, &[B::Timestamp]),
            (ReportedProcess::WithTime, &[B::WithTime]),
        ],
    };
    let is_past = |finding: &Finding| finding.block.is_some_and(|b| LONG_TERM.contains(&b));
    if asked == Process::LongTerm || findings.iter().any(is_past) {
        order.push((ReportedProcess::LongTerm, LONG_TERM));
    }
    let process = |(process, blocks): (ReportedProcess, &[Block])| ProcessReport {
        process,
        clause: process.clause(),
        name: Explained::new(|language| process_name(language, process.key())),
        blocks: blocks.iter().map(|one| block(*one, findings)).collect(),
    };
    let reports = order.into_iter().map(process);
    // A signature's own findings of the time-stamp block are told with its time-stamps; an empty one says nothing.
    reports
        .filter(|p| p.process != ReportedProcess::TimeStamp || of_timestamp || p.has_findings())
        .collect()
}

impl ProcessReport {
    fn has_findings(&self) -> bool {
        self.blocks.iter().any(|block| !block.findings.is_empty())
    }
}

fn block(block: Block, findings: &[Finding]) -> BlockReport {
    // A finding without a block is one about the document, which format checking is.
    let mine = findings
        .iter()
        .filter(|f| f.block.unwrap_or(B::FormatChecking) == block);
    let mine: Vec<&Finding> = mine.collect();
    let weight = |outcome: Outcome| match outcome {
        Outcome::Note => 0,
        Outcome::Passed => 1,
        Outcome::Warning => 2,
        Outcome::Indeterminate => 3,
        Outcome::Failed => 4,
    };
    BlockReport {
        block,
        clause: block.clause(),
        name: Explained::new(|language| block_name(language, block)),
        outcome: mine.iter().map(|f| f.outcome).max_by_key(|o| weight(*o)),
        sub_indication: mine
            .iter()
            .find(|f| f.is_negative())
            .and_then(|f| f.sub_indication),
        findings: mine.into_iter().map(FindingReport::from).collect(),
    }
}

/// The detailed report of `judged`. An error where it would name more than 50,000 findings and objects.
pub fn detailed(judged: &Judged<'_>) -> Result<DetailedReport> {
    judged.check_size()?;
    Ok(DetailedReport {
        form: FORM,
        validation_time: judged.verdict.now,
        policy: judged.verdict.policy.clone(),
        trust: judged.verdict.trust.clone(),
        document: document(judged.whole(), simple(judged.evidence, judged.verdict)),
        objects: objects(judged),
    })
}

fn document(part: Part<'_>, short: SimpleReport) -> DetailedDocument {
    let Part {
        evidence, verdict, ..
    } = part;
    let signatures = short.signatures.into_iter();
    let judged = evidence.signatures.iter().zip(&verdict.signatures);
    DetailedDocument {
        name: part.name.map(str::to_string),
        conclusion: DocumentConclusion {
            format: short.format,
            sha256: short.document,
            size: short.size,
            indication: short.indication,
            explanation: short.explanation,
        },
        findings: verdict.findings.iter().map(FindingReport::from).collect(),
        signatures: signatures
            .zip(judged)
            .map(|(conclusion, (found, verdict))| signature(conclusion, found, verdict))
            .collect(),
        timestamps: timestamps(short.timestamps, &evidence.timestamps, &verdict.timestamps),
        records: evidence.records.iter().map(RecordReport::from).collect(),
        inside: short
            .inside
            .into_iter()
            .zip(part.inside())
            .map(|(nested, part)| document(part, nested.report))
            .collect(),
    }
}

fn signature(
    conclusion: SignatureReport,
    found: &Signature,
    verdict: &SignatureVerdict,
) -> DetailedSignature {
    DetailedSignature {
        concluded_by: ReportedProcess::of(verdict.process, false),
        countersigns: found.countersigns,
        signature_policy: found.policy.clone(),
        place: found.location.clone(),
        properties: found.properties.clone(),
        path: verdict.path.clone(),
        proofs: verdict.proofs.clone(),
        processes: processes(&verdict.findings, false, verdict.process),
        timestamps: timestamps(
            conclusion.timestamps.clone(),
            &found.timestamps,
            &verdict.timestamps,
        ),
        conclusion,
    }
}

fn timestamps(
    conclusions: Vec<TimestampReport>,
    found: &[Timestamp],
    verdicts: &[TimestampVerdict],
) -> Vec<DetailedTimestamp> {
    let all = conclusions.into_iter().zip(verdicts);
    all.map(|(conclusion, verdict)| {
        let stamp = found.iter().find(|stamp| stamp.token == verdict.token);
        DetailedTimestamp {
            conclusion,
            token: verdict.token,
            concluded_by: ReportedProcess::of(verdict.process, true),
            covers: stamp.map_or_else(Vec::new, |stamp| stamp.covers.clone()),
            signatures: stamp.map_or_else(Vec::new, |stamp| stamp.signatures.clone()),
            processes: processes(&verdict.findings, true, verdict.process),
        }
    })
    .collect()
}

impl DetailedReport {
    /// As canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        super::canonical(self)
    }
}
