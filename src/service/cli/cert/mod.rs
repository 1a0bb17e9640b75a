//! `rubrica cert …`: questions about certificates.

mod check;
mod inspect;

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
    /// Say what certificates say: whom they name, of what class, whether they are qualified, and what is odd in them
    Inspect(inspect::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    match arguments.what {
        What::Check(arguments) => check::run(arguments),
        What::Inspect(arguments) => inspect::run(arguments),
    }
}
