//! `rubrica crl list`: what is in the index.

use super::{Place, described, print, told};
use crate::engine::Result;
use crate::service::cli::exit::Exit;
use serde_json::json;

/// The arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Older lists too
    #[arg(long)]
    history: bool,
    /// Read every file and check it; what is damaged is made again, or removed, and told
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit> {
    let index = arguments.place.open(&arguments.place.configuration()?)?;
    let mut exit = Exit::Passed;
    if arguments.check {
        for id in index.check()? {
            exit = Exit::Failed;
            let made_again = index.by_id(&id).is_some();
            let what = if made_again { "made again" } else { "gone" };
            print(
                arguments.place.json,
                &json!({"list": id, "damaged": true, "made_again": made_again}),
                &format!("{id}: was damaged, {what}"),
            );
        }
    }
    let shelves = index.shelves();
    let lists: Vec<_> = if arguments.history {
        shelves.iter().collect()
    } else {
        shelves.current().collect()
    };
    for listed in lists {
        print(arguments.place.json, &described(listed), &told(listed));
    }
    Ok(exit)
}
