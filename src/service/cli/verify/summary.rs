//! Results of many files: a line each, their counts, and the summary as CSV or JSON, written as they come.

use super::Exit;
use crate::engine::report::{SimpleReport, line};
use crate::engine::validation::Indication;
use crate::engine::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// What came out for one file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    file: String,
    /// `TOTAL-PASSED`, `TOTAL-FAILED`, `INDETERMINATE`, `NO_SIGNATURE`, `UNREADABLE`.
    result: &'static str,
    sub_indication: String,
    signatures: usize,
    levels: String,
    signed_by: String,
    best_signature_time: String,
    sha256: String,
    problem: String,
    #[serde(skip)]
    line: String,
}

impl Row {
    pub(super) fn judged(path: &Path, report: &SimpleReport) -> Row {
        let signatures = &report.signatures;
        let joined = |parts: Vec<String>| parts.join(" ; ");
        Row {
            file: path.display().to_string(),
            result: report.indication.map_or("NO_SIGNATURE", Indication::name),
            sub_indication: signatures
                .iter()
                .find_map(|s| s.sub_indication)
                .map(|s| s.to_string())
                .unwrap_or_default(),
            signatures: signatures.len(),
            levels: joined(signatures.iter().map(|s| s.level.clone()).collect()),
            signed_by: joined(
                signatures
                    .iter()
                    .filter_map(|s| s.signed_by.clone())
                    .collect(),
            ),
            best_signature_time: joined(
                signatures
                    .iter()
                    .map(|s| s.best_signature_time.to_string())
                    .collect(),
            ),
            sha256: report.document.to_string(),
            problem: String::new(),
            line: line(report),
        }
    }

    pub(super) fn unreadable(path: &Path, error: &Error) -> Row {
        Row {
            file: path.display().to_string(),
            result: "UNREADABLE",
            sub_indication: String::new(),
            signatures: 0,
            levels: String::new(),
            signed_by: String::new(),
            best_signature_time: String::new(),
            sha256: String::new(),
            problem: error.to_string(),
            line: format!("UNREADABLE · {error}"),
        }
    }

    /// For standard output: one line of text, or of JSON.
    pub(super) fn line(&self, json: bool) -> Result<Vec<u8>> {
        let text = if json {
            self.json()?
        } else {
            let printable = |c: char| if c.is_control() { ' ' } else { c };
            format!("{}: {}", self.file, self.line)
                .chars()
                .map(printable)
                .collect()
        };
        Ok(format!("{text}\n").into_bytes())
    }

    fn json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal("summary", error.to_string()))
    }

    fn csv(&self) -> String {
        let signatures = self.signatures.to_string();
        let fields = [
            &self.file,
            self.result,
            &self.sub_indication,
            &signatures,
            &self.levels,
            &self.signed_by,
            &self.best_signature_time,
            &self.sha256,
            &self.problem,
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        fields.join(",")
    }
}

const COLUMNS: &str =
    "file,result,sub_indication,signatures,levels,signed_by,best_signature_time,sha256,problem";

/// RFC 4180 §2. A field that a spreadsheet would take for a formula gets an apostrophe before it.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula {
        format!("'{field}")
    } else {
        field.to_string()
    };
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// How many files came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Counts {
    files: u64,
    passed: u64,
    failed: u64,
    indeterminate: u64,
    unsigned: u64,
    unreadable: u64,
}

impl Counts {
    pub(super) fn add(&mut self, row: &Row) {
        self.files += 1;
        *match row.result {
            "TOTAL-PASSED" => &mut self.passed,
            "TOTAL-FAILED" => &mut self.failed,
            "NO_SIGNATURE" => &mut self.unsigned,
            "UNREADABLE" => &mut self.unreadable,
            _ => &mut self.indeterminate,
        } += 1;
    }

    /// The worst.
    pub(super) fn exit(&self) -> Exit {
        match self {
            Counts {
                unreadable: 1.., ..
            } => Exit::Unreadable,
            Counts { failed: 1.., .. } => Exit::Failed,
            Counts { files: 0, .. } => Exit::Unreadable,
            Counts {
                indeterminate: 1.., ..
            }
            | Counts { unsigned: 1.., .. } => Exit::Indeterminate,
            _ => Exit::Passed,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} files: {} passed, {} failed, {} indeterminate, {} not signed, {} unreadable",
            self.files,
            self.passed,
            self.failed,
            self.indeterminate,
            self.unsigned,
            self.unreadable
        )
    }
}

/// The summary file.
#[derive(Debug)]
pub(super) enum Summary {
    None,
    Csv(BufWriter<File>, String),
    Json(BufWriter<File>, String, bool),
}

impl Summary {
    /// Begins the file at `path`: JSON where its name says so, else CSV.
    pub(super) fn open(path: Option<&Path>) -> Result<Summary> {
        let Some(path) = path else {
            return Ok(Summary::None);
        };
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| unwritable(&name, &error))?;
        let json = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let mut summary = if json {
            Summary::Json(BufWriter::new(file), name, true)
        } else {
            Summary::Csv(BufWriter::new(file), name)
        };
        let begin = if json { "{\"files\":[" } else { COLUMNS };
        summary.write(begin, !json)?;
        Ok(summary)
    }

    pub(super) fn row(&mut self, row: &Row) -> Result<()> {
        match self {
            Summary::None => Ok(()),
            Summary::Csv(..) => self.write(&row.csv(), true),
            Summary::Json(_, _, first) => {
                let comma = if std::mem::take(first) { "\n" } else { ",\n" };
                self.write(&format!("{comma}{}", row.json()?), false)
            }
        }
    }

    pub(super) fn finish(mut self, counts: &Counts) -> Result<()> {
        if let Summary::Json(..) = self {
            let counts = serde_json::to_string(counts)
                .map_err(|error| Error::internal("summary", error.to_string()))?;
            self.write(&format!("\n],\"counts\":{counts}}}"), true)?;
        }
        match self {
            Summary::None => Ok(()),
            Summary::Csv(mut file, name) | Summary::Json(mut file, name, _) => {
                file.flush().map_err(|error| unwritable(&name, &error))
            }
        }
    }

    fn write(&mut self, text: &str, line: bool) -> Result<()> {
        match self {
            Summary::None => Ok(()),
            Summary::Csv(file, name) | Summary::Json(file, name, _) => {
                let end = if line { "\n" } else { "" };
                write!(file, "{text}{end}").map_err(|error| unwritable(name, &error))
            }
        }
    }
}

fn unwritable(name: &str, error: &std::io::Error) -> Error {
    Error::unavailable(
        name.to_string(),
        format!("cannot be written: {}", error.kind()),
    )
    .remedy("Check the folder and its permissions.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_fields_are_quoted_and_are_no_formulas() {
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(quoted("=cmd()"), "'=cmd()");
        assert_eq!(quoted("plain"), "plain");
    }

    #[test]
    fn the_exit_is_the_worst_and_nothing_found_is_no_success() {
        let exit = |counts: Counts| counts.exit();
        let one = Counts {
            files: 1,
            ..Counts::default()
        };
        assert_eq!(exit(Counts::default()), Exit::Unreadable);
        assert_eq!(exit(Counts { passed: 1, ..one }), Exit::Passed);
        assert_eq!(exit(Counts { unsigned: 1, ..one }), Exit::Indeterminate);
        assert_eq!(
            exit(Counts {
                failed: 1,
                indeterminate: 1,
                ..one
            }),
            Exit::Failed
        );
    }
}
