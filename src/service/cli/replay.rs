//! `rubrica replay EVIDENCE`: judges exported evidence again, without the documents and without a network.
//!
//! It is judged at the time of the validation that it was exported from, or at `--at`. The same evidence, policy, trusted
//! certificates, trusted lists and time give the same report, byte for byte, in any time zone and locale; others are refused
//! unless they are asked for. The constraints that evidence carries count only where whoever replays it says so: whoever
//! wrote it may have written constraints that let everything pass.

use super::args::{JudgedBy, Reported};
use super::exit::Exit;
use super::input;
use crate::engine::evidence::{self, Judgement, ObjectId};
use crate::engine::report::Judged;
use crate::engine::validation::{Constraints, Policy, Verdict, validate};
use crate::engine::{Error, Result};
use std::path::PathBuf;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Evidence that `verify --evidence-out` exported
    #[arg(value_name = "EVIDENCE")]
    file: PathBuf,
    /// Judge even where other certificates and lists are trusted here than were at the validation
    #[arg(long)]
    other_trust: bool,
    /// Judge even where the policy here is not that of the validation
    #[arg(long, conflicts_with = "policy_of_evidence")]
    other_policy: bool,
    /// Judge by the constraints that the evidence carries, whatever they are
    #[arg(long)]
    policy_of_evidence: bool,
    #[command(flatten)]
    by: JudgedBy,
    #[command(flatten)]
    reported: Reported,
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    let mut policy = arguments.by.policy(&arguments.by.configuration()?)?;
    let (evidence, judgement) = evidence::import(&input::open(&arguments.file)?)?;
    if arguments.policy_of_evidence {
        policy = judged_by(&judgement, policy)?;
    }
    let at = arguments.by.at.or(judgement.at);
    let now = at.unwrap_or_else(|| arguments.by.time());
    let verdict = validate(&evidence, &policy, now);
    same_basis(&arguments, &judgement, &verdict)?;
    arguments.reported.show(&Judged {
        evidence: &evidence,
        verdict: &verdict,
        policy: &policy,
    })?;
    Ok(Exit::from(verdict.indication))
}

/// `policy` by the constraints that the evidence carries.
fn judged_by(judgement: &Judgement, policy: Policy) -> Result<Policy> {
    let constraints = judgement.constraints.clone().unwrap_or_default();
    let constraints: Constraints = Constraints::from_value(&constraints).map_err(|_| {
        Error::malformed("evidence file", "carries no policy of this version")
            .remedy("Leave out --policy-of-evidence and give the policy of the validation.")
    })?;
    Ok(Policy {
        constraints: constraints.into(),
        ..policy
    })
}

/// That the verdict is computed from the same as that of the validation, where another was not asked for.
fn same_basis(arguments: &Arguments, then: &Judgement, verdict: &Verdict) -> Result<()> {
    let differs =
        |then: Option<ObjectId>, now: Option<ObjectId>| then.filter(|then| Some(*then) != now);
    let trust = verdict.trust.as_ref().map(|trust| trust.digest);
    let refused = |element: &'static str, digest: ObjectId, remedy: &'static str| {
        let problem = format!("is not that of the validation, whose digest is {digest}");
        Err(Error::refused(element, problem).remedy(remedy))
    };
    match (
        differs(then.trust, trust),
        differs(then.policy, Some(verdict.policy.digest)),
    ) {
        (Some(digest), _) if !arguments.other_trust => refused(
            "trust",
            digest,
            "Trust the same certificates and lists, or say --other-trust for another verdict.",
        ),
        (_, Some(digest)) if !arguments.other_policy => refused(
            "policy",
            digest,
            "Give the policy of the validation, say --policy-of-evidence to judge by the one that the evidence carries, or \
             --other-policy for another verdict.",
        ),
        _ => Ok(()),
    }
}
