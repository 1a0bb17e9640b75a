//! The one mapping from what came out to an exit code: 0 passed, 1 failed, 2 indeterminate, 3 usage or unreadable.

use crate::engine::Error;
use crate::engine::validation::Indication;
use std::process::ExitCode;

/// How a verb ended. Ordered from best to worst, so that the worst of several is their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// It was done; every signature passed.
    Passed,
    /// Nothing failed, and something could not be affirmed; also where nothing was signed.
    Indeterminate,
    /// A signature failed.
    Failed,
    /// It could not be done: wrong usage, an unreadable file, a part that does not work.
    Unreadable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(match exit {
            Exit::Passed => 0,
            Exit::Failed => 1,
            Exit::Indeterminate => 2,
            Exit::Unreadable => 3,
        })
    }
}

impl From<Option<Indication>> for Exit {
    fn from(indication: Option<Indication>) -> Exit {
        match indication {
            Some(Indication::TotalPassed) => Exit::Passed,
            Some(Indication::TotalFailed) => Exit::Failed,
            Some(Indication::Indeterminate) | None => Exit::Indeterminate,
        }
    }
}

/// One line to standard error, naming the element and the remedy.
pub(super) fn failed(error: &Error) -> Exit {
    eprintln!(
        "rubrica: {}",
        error.to_string().replace(char::is_control, " ")
    );
    Exit::Unreadable
}

/// Help and version go to standard output and are no failure; everything else is wrong usage.
pub(super) fn usage(error: &clap::Error) -> Exit {
    let _ = error.print();
    if error.use_stderr() {
        Exit::Unreadable
    } else {
        Exit::Passed
    }
}
