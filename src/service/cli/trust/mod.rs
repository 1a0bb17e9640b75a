//! `rubrica trust …`: the trusted lists of a service.
//!
//! A running service takes over what is imported or fetched here within a minute, or at once on SIGHUP.

mod list;
mod transfer;

use super::exit::Exit;
use crate::engine::Result;
use crate::engine::pki::trust::Anchors;
use crate::engine::validation::Policy;
use crate::service::clock::SystemClock;
use crate::service::config::{Config, ListSettings};
use crate::service::trust;
use std::path::PathBuf;
use std::sync::Arc;

verbs_below! {
    List(list::Arguments) list::run, "Show the lists that are there, and whether they are believed";
    Import(transfer::Import) transfer::import, "Take in lists, or a snapshot that another service exported";
    Export(transfer::Export) transfer::export, "Write all lists as one file";
    Refresh(transfer::Refresh) transfer::refresh, "Fetch newer lists now";
}

/// Which service, and how it is told.
#[derive(Debug, clap::Args)]
struct Where {
    /// The configuration, whose data folder holds the lists
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: PathBuf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Where {
    /// The trust of that service. The lists in its data folder are read even where its configuration uses none yet.
    fn open(&self) -> Result<Arc<trust::Trust>> {
        let mut config = Config::read(&self.config)?;
        config.trust.lists.get_or_insert_with(ListSettings::default);
        let template = Policy::baseline(Anchors::default());
        trust::Trust::open(&config, template, Arc::new(SystemClock))
    }
}
