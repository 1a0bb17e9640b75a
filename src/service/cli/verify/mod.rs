//! `rubrica verify FILE…`: validates signed files, and with `-r` whole folders of them.

mod many;
mod summary;

pub(super) use super::args::say;
use super::args::{self, AtHand, JudgedBy, ReportArgument, Reported};
use super::exit::{self, Exit};
use super::input;
use crate::engine::evidence::{self, Object, ObjectKind, Origin};
use crate::engine::formats::{Detached, GivenRecord};
use crate::engine::report::Judged;
use crate::engine::validation::Policy;
use crate::engine::{Error, Result, Time};
use crate::service::flow::{StreamedFile, Submitted, Validated, validate};
use crate::service::sources::Sources;
use std::path::{Path, PathBuf};

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Signed files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    by: JudgedBy,
    #[command(flatten)]
    at_hand: AtHand,
    #[command(flatten)]
    reported: Reported,
    /// The content that a detached signature is over
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    /// An evidence record about the files or their content (RFC 4998); may be given more than once
    #[arg(long, value_name = "FILE")]
    evidence_record: Vec<PathBuf>,
    /// Export the evidence, for `rubrica replay`
    #[arg(long, alias = "evidence", value_name = "FILE")]
    evidence_out: Option<PathBuf>,
    /// Validate every file of the folders given: a line each, progress on standard error
    #[arg(short, long)]
    recursive: bool,
    /// With -r: write the results as CSV or, where the name ends in .json, as JSON
    #[arg(long, value_name = "FILE", requires = "recursive")]
    summary: Option<PathBuf>,
}

/// What files are judged with.
struct Desk {
    policy: Policy,
    given: Vec<Object>,
    sources: Sources,
    content: Option<StreamedFile>,
    records: Vec<(String, input::Bytes)>,
    now: Time,
}

impl Desk {
    fn set_up(arguments: &Arguments) -> Result<Desk> {
        let config = arguments.by.configuration()?;
        let (certificates, sources) = arguments.at_hand.sources(&config)?;
        let given = certificates
            .iter()
            .map(|c| Object::new(ObjectKind::Certificate, c.bytes(), Origin::Given))
            .collect();
        Ok(Desk {
            policy: arguments.by.policy(&config)?,
            given,
            sources,
            content: arguments
                .content
                .as_deref()
                .map(StreamedFile::open)
                .transpose()?,
            records: records(&arguments.evidence_record)?,
            now: arguments.by.time(),
        })
    }

    fn judge(&self, path: &Path) -> Result<Validated> {
        let document = input::open(path)?;
        let detached: Vec<Detached<'_>> = self.content.iter().map(Detached::of).collect();
        let records: Vec<GivenRecord<'_>> = self
            .records
            .iter()
            .map(|(name, bytes)| GivenRecord { name, bytes })
            .collect();
        let submitted = Submitted {
            document: &document,
            detached: &detached,
            records: &records,
            given: &self.given,
        };
        validate(&submitted, &self.policy, &self.sources, self.now)
    }
}

fn records(paths: &[PathBuf]) -> Result<Vec<(String, input::Bytes)>> {
    let one = |path: &PathBuf| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        Ok((name.to_string_lossy().into_owned(), input::open(path)?))
    };
    paths.iter().map(one).collect()
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    check(&arguments)?;
    let desk = Desk::set_up(&arguments)?;
    if arguments.recursive {
        return many::run(
            &arguments.files,
            &desk,
            arguments.reported.told.json,
            arguments.summary.as_deref(),
        );
    }
    let mut worst = Exit::Passed;
    for path in &arguments.files {
        let exit =
            one(path, &desk, &arguments).unwrap_or_else(|error| exit::failed(&named(error, path)));
        worst = worst.max(exit);
    }
    Ok(worst)
}

/// What goes into one file is about one file.
fn check(arguments: &Arguments) -> Result<()> {
    let several = arguments.files.len() > 1 || arguments.recursive;
    if arguments.evidence_out.is_some() && several {
        return Err(Error::invalid("--evidence-out", "is for one file")
            .remedy("Export the evidence of each file by itself."));
    }
    if arguments.reported.out.is_some() && several {
        return Err(Error::invalid("--out", "is for one file")
            .remedy("Write the report of each file by itself, or use -r with --summary."));
    }
    if arguments.reported.report != ReportArgument::Simple && arguments.recursive {
        return Err(Error::invalid("--report", "is not for folders")
            .remedy("Leave it out: with -r each file is one line."));
    }
    Ok(())
}

/// The error, saying which of several files it is about.
fn named(error: Error, path: &Path) -> Error {
    let name = path.display().to_string();
    if error.element() == name {
        return error;
    }
    let mut named = Error::new(
        error.kind(),
        format!("{name}: {}", error.element()),
        error.problem().to_string(),
    );
    if let Some(offset) = error.offset() {
        named = named.at(offset);
    }
    match error.remedy_text() {
        Some(remedy) => named.remedy(remedy.to_string()),
        None => named,
    }
}

fn one(path: &Path, desk: &Desk, arguments: &Arguments) -> Result<Exit> {
    let validated = desk.judge(path)?;
    for outage in &validated.outages {
        eprintln!("rubrica: {outage}");
    }
    if let Some(to) = &arguments.evidence_out {
        let index = args::index(&arguments.by.configuration()?)?;
        let originals: &dyn evidence::Originals = match &index {
            Some(index) => &**index,
            None => &(),
        };
        let judgement = validated.verdict.judgement(&desk.policy);
        let bytes = evidence::export(&validated.evidence, judgement, originals)?;
        args::write_file(to, &bytes)?;
    }
    if arguments.files.len() > 1 && !arguments.reported.told.json {
        say(format!("{}\n", path.display()).as_bytes())?;
    }
    arguments.reported.show(&Judged {
        evidence: &validated.evidence,
        verdict: &validated.verdict,
        policy: &desk.policy,
    })?;
    Ok(Exit::from(validated.verdict.indication))
}
