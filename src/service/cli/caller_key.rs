//! `rubrica caller-key`: a new API key, and the hash of it that belongs in the callers file. The key is printed once and kept
//! nowhere.

use super::exit::Exit;
use crate::engine::Result;
use crate::service::callers::new_key;
use crate::service::keys::random;

/// No arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: Arguments) -> Result<Exit> {
    let (key, hash) = new_key(&random()?);
    println!("key         {key}");
    println!("key_sha256  {hash}");
    Ok(Exit::Passed)
}
