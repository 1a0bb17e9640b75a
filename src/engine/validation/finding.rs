//! A finding: the outcome of one check, as keys and values. Findings accumulate in order; the verdict follows from them.

use super::block::Block;
use super::indication::SubIndication;
use crate::engine::evidence::ObjectId;
use serde::{Deserialize, Serialize};

/// What a check came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not, and the signature fails.
    Failed,
    /// It cannot be decided, or is decided against without proof that it was so at signing.
    Indeterminate,
    /// It does not hold, and by the policy the verdict does not hang on it.
    Warning,
    /// It is worth telling, and the verdict does not hang on it.
    Note,
}

/// A stable key of a check, by which reports word it: `certificate.expired`.
pub type Check = &'static str;

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which check; the key of its wording. For a structural fault, the fault's rule.
    pub check: String,
    /// The clause that the check obeys.
    pub clause: String,
    /// The building block or process it was found in; none where it is about the document as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// What it came to.
    pub outcome: Outcome,
    /// The sub-indication, where it did not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_indication: Option<SubIndication>,
    /// The object it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectId>,
    /// The element it is about, as people know it: a certificate's subject, a file name, an attribute.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub element: String,
    /// What was found.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// What it was held against.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expected: String,
}

/// Characters of a value or name that is told for people: names of certificates have a few dozen, and a hostile one of
/// megabytes would stand in every finding about it.
const TOLD: usize = 512;

/// `text` as far as it is told for people.
pub(in crate::engine) fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(TOLD) {
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Finding {
    /// A finding with no object and no values yet.
    pub fn new(check: impl Into<String>, clause: impl Into<String>, outcome: Outcome) -> Finding {
        Finding {
            check: check.into(),
            clause: clause.into(),
            block: None,
            outcome,
            sub_indication: None,
            object: None,
            element: String::new(),
            found: String::new(),
            expected: String::new(),
        }
    }

    /// A check that did not hold; whether it fails or leaves doubt follows from the sub-indication.
    pub fn negative(
        check: impl Into<String>,
        clause: impl Into<String>,
        sub_indication: SubIndication,
    ) -> Finding {
        let outcome = match sub_indication.indication() {
            super::Indication::TotalFailed => Outcome::Failed,
            _ => Outcome::Indeterminate,
        };
        Finding {
            sub_indication: Some(sub_indication),
            ..Finding::new(check, clause, outcome)
        }
    }

    /// About this object.
    #[must_use]
    pub fn object(mut self, id: ObjectId) -> Finding {
        self.object = Some(id);
        self
    }

    /// About this element.
    #[must_use]
    pub fn element(mut self, element: impl Into<String>) -> Finding {
        self.element = shortened(element.into());
        self
    }

    /// What was found.
    #[must_use]
    pub fn found(mut self, found: impl ToString) -> Finding {
        self.found = shortened(found.to_string());
        self
    }

    /// What it was held against.
    #[must_use]
    pub fn expected(mut self, expected: impl ToString) -> Finding {
        self.expected = shortened(expected.to_string());
        self
    }

    /// Whether it did not hold.
    pub fn is_negative(&self) -> bool {
        matches!(self.outcome, Outcome::Failed | Outcome::Indeterminate)
    }
}
