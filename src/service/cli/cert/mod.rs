//! `rubrica cert …`: questions about certificates.

mod check;

use super::exit::Exit;
use crate::engine::Result;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Say whether certificates are good: 0 they are, 1 one is not, 2 one could not be checked
    Check(check::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    match arguments.what {
        What::Check(arguments) => check::run(arguments),
    }
}
