//! The command line: `rubrica <verb>`.
//!
//! A verb is a file here, with its arguments as `Arguments` and a function `run`, and a line in `verbs!`.

/// Declares the verbs below a verb: its `Arguments` and `run`, of a variant, the arguments, what runs them, and what it does each.
macro_rules! verbs_below {
    ($($variant:ident($arguments:ty) $run:path, $about:literal;)*) => {
        /// The arguments.
        #[derive(Debug, clap::Args)]
        pub(super) struct Arguments {
            #[command(subcommand)]
            what: What,
        }

        #[derive(Debug, clap::Subcommand)]
        #[allow(clippy::large_enum_variant)] // There is one, for as long as the program runs.
        enum What {
            $(#[doc = $about] $variant($arguments),)*
        }

        pub(super) fn run(arguments: Arguments) -> Result<Exit> {
            match arguments.what {
                $(What::$variant(arguments) => $run(&arguments),)*
            }
        }
    };
}

mod args;
mod augment;
mod caller_key;
mod cert;
mod crl;
mod demo;
mod exit;
mod input;
mod ocsp;
mod policy;
mod replay;
mod seal;
mod serve;
mod sign;
mod signing;
mod timestamp;
mod trust;
mod verify;

pub use exit::Exit;

use crate::engine::Result;
use clap::Parser;
use std::process::ExitCode;

/// Declares the verbs: the module, the variant, and what it does in a line.
macro_rules! verbs {
    ($($module:ident $variant:ident $about:literal;)*) => {
        /// The verbs.
        #[derive(Debug, clap::Subcommand)]
        #[allow(clippy::large_enum_variant)] // There is one, for as long as the program runs.
        enum Verb {
            $(#[doc = $about] $variant($module::Arguments),)*
        }

        impl Verb {
            fn run(self) -> Result<Exit> {
                match self {
                    $(Verb::$variant(arguments) => $module::run(arguments),)*
                }
            }
        }
    };
}

verbs! {
    verify Verify "Validate signed files: PDF, ASiC containers (acuses), CMS signatures";
    sign Sign "Sign a file in any format and to any level, in one step or in two";
    augment Augment "Raise signatures to a level; pay what is owed";
    seal Seal "Seal a PDF";
    timestamp Timestamp "Have files time-stamped, and check time-stamp tokens";
    serve Serve "Run the service: register, seals, validation, pages";
    demo Demo "Make a demo PKI, start the service with it, register and validate a sample";
    cert Cert "Ask about certificates";
    ocsp Ocsp "Ask OCSP responders";
    crl Crl "Index revocation lists, look certificates up in them, fetch them";
    trust Trust "Trusted lists: list, import, export, refresh";
    policy Policy "Validation policies: list, show as applied, print the schema";
    replay Replay "Judge exported evidence again";
    caller_key CallerKey "Make an API key for a caller";
}

/// Seals register receipts and documents of public e-offices, and proves what was sealed.
#[derive(Debug, Parser)]
#[command(name = "rubrica", version, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

/// Reads the arguments, runs the verb, and answers with its exit code.
pub fn run() -> ExitCode {
    let exit = match CommandLine::try_parse() {
        Ok(line) => line.verb.run().unwrap_or_else(|error| exit::failed(&error)),
        Err(usage) => exit::usage(&usage),
    };
    exit.into()
}
