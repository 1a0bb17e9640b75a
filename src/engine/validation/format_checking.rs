//! Format checking (EN 319 102-1 §5.2.2): the structure, as the format found it.
//!
//! In: the faults of a signature or document. Out: a finding a fault; one that fails is FORMAT_FAILURE.

use super::finding::{Finding, Outcome};
use super::indication::SubIndication;
use crate::engine::evidence::{Fault, Severity};

const CLAUSE: &str = "EN 319 102-1 §5.2.2";

/// What the faults of a signature, and those of the document that fail, come to.
pub(super) fn check(own: &[Fault], document: &[Fault]) -> Vec<Finding> {
    let failures = document.iter().filter(|f| f.severity == Severity::Failure);
    let findings: Vec<Finding> = own.iter().chain(failures).map(finding).collect();
    if findings.iter().any(Finding::is_negative) {
        return findings;
    }
    let mut all = vec![Finding::new("format.conforms", CLAUSE, Outcome::Passed)];
    all.extend(findings);
    all
}

/// A fault as a finding; its rule is the key of its wording.
pub(super) fn finding(fault: &Fault) -> Finding {
    let finding = match fault.severity {
        Severity::Failure => {
            Finding::negative(&fault.rule, &fault.clause, SubIndication::FormatFailure)
        }
        Severity::Doubt => Finding::negative(
            &fault.rule,
            &fault.clause,
            SubIndication::SigConstraintsFailure,
        ),
        Severity::Warning => Finding::new(&fault.rule, &fault.clause, Outcome::Note),
    };
    finding.found(&fault.found)
}
