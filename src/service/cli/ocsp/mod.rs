//! `rubrica ocsp …`: questions to responders.

mod query;

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
    /// Ask a responder about a certificate: 0 it is good, 1 revoked, 2 the answer proves nothing
    Query(query::Arguments),
}

pub(super) fn run(arguments: Arguments) -> Result<Exit> {
    match arguments.what {
        What::Query(arguments) => query::run(&arguments),
    }
}
