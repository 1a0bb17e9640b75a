//! `rubrica trust import|export|refresh`: lists that come and go, by files and by the network.

use super::Where;
use crate::engine::evidence::ObjectId;
use crate::engine::{Error, Result};
use crate::service::cli::exit::Exit;
use crate::service::cli::input;
use crate::service::cli::verify::say;
use crate::service::clock::{Clock, SystemClock};
use crate::service::trust::{Entry, Role, Snapshot, list_file};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// Trusted lists (XML), or snapshots that `rubrica trust export` wrote
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Vouch for the list of this SHA-256, or for all lists that were vouched for in the snapshot of this digest
    #[arg(long, value_name = "SHA256")]
    vouch: Vec<ObjectId>,
    #[command(flatten)]
    at: Where,
}

/// The arguments of `export`.
#[derive(Debug, clap::Args)]
pub(super) struct Export {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    at: Where,
}

/// The arguments of `refresh`.
#[derive(Debug, clap::Args)]
pub(super) struct Refresh {
    #[command(flatten)]
    at: Where,
}

/// 0 where every list that was imported is believed, 2 where one waits for somebody to vouch for it.
pub(super) fn import(arguments: &Import) -> Result<Exit> {
    let trust = arguments.at.open()?;
    let entries = read(&arguments.files, &arguments.vouch)?;
    let mut believed = trust.vouched().clone();
    believed.extend(
        entries
            .iter()
            .filter(|e| e.note.vouched)
            .map(|e| e.note.digest.0),
    );
    let told: Vec<Value> = entries.iter().map(|e| told(e, &believed)).collect();
    let all = told.iter().all(|one| one["believed"] == true);
    trust.update(|snapshot| {
        entries
            .into_iter()
            .try_for_each(|entry| snapshot.take(entry, &believed))
    })?;
    tell(arguments.at.json, &json!({ "imported": told }), || {
        let line = |one: &Value| {
            let state = if one["believed"] == true {
                "believed"
            } else {
                "not believed, anchors nothing: vouch for it with --vouch"
            };
            let text = |key: &str| one[key].as_str().unwrap_or_default().to_string();
            format!(
                "{} {} {} {state}\n",
                text("territory"),
                one["sequence"],
                text("digest")
            )
        };
        told.iter().map(line).collect()
    })?;
    Ok(if all {
        Exit::Passed
    } else {
        Exit::Indeterminate
    })
}

fn told(entry: &Entry, believed: &BTreeSet<[u8; 32]>) -> Value {
    json!({
        "territory": entry.territory(),
        "sequence": entry.sequence(),
        "digest": entry.note.digest,
        "believed": entry.authenticity(believed).is_believed(),
    })
}

/// The lists of all files, vouched for where that is asked. Errors: a digest that none of them has.
fn read(files: &[PathBuf], vouch: &[ObjectId]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut unused: BTreeSet<ObjectId> = vouch.iter().copied().collect();
    for path in files {
        let mut read = read_one(path)?;
        let whole = read.vouched_digest().map(ObjectId);
        let vouched_whole = whole.is_some_and(|digest| vouch.contains(&digest));
        let covered = read.vouched();
        if let Some(digest) = whole.filter(|_| vouched_whole) {
            unused.remove(&digest);
        }
        for entry in &mut read.entries {
            let by_itself = vouch.contains(&entry.note.digest);
            unused.remove(&entry.note.digest);
            let is_covered = entry.note.role == Role::List && covered.contains(&entry.list.digest);
            entry.note.vouched = by_itself || (vouched_whole && is_covered);
        }
        entries.append(&mut read.entries);
    }
    match unused.first() {
        None => Ok(entries),
        Some(digest) => Err(Error::invalid(
            "--vouch",
            format!("{digest} is the digest of nothing that is imported"),
        )
        .remedy("Compute it over the file as it was published: sha256sum FILE.")),
    }
}

fn read_one(path: &Path) -> Result<Snapshot> {
    if !input::open(path)?.starts_with(b"PK") {
        let entries = vec![list_file(path, SystemClock.now())?];
        return Ok(Snapshot { entries });
    }
    Snapshot::from_file(&input::open(path)?)
}

pub(super) fn export(arguments: &Export) -> Result<Exit> {
    let trust = arguments.at.open()?;
    let (mut snapshot, damage) = trust.snapshot();
    if let Some(error) = damage.into_iter().next() {
        return Err(error);
    }
    // Whoever imports it can then vouch for the same lists with one digest.
    for entry in &mut snapshot.entries {
        entry.note.vouched = entry.authenticity(trust.vouched()).is_believed();
    }
    let bytes = snapshot.to_file()?;
    fs::write(&arguments.file, &bytes).map_err(|error| {
        Error::unavailable(
            arguments.file.display().to_string(),
            error.kind().to_string(),
        )
    })?;
    let digest = snapshot.vouched_digest().map(ObjectId);
    let told = json!({ "lists": snapshot.entries.len(), "bytes": bytes.len(), "snapshot": digest });
    tell(arguments.at.json, &told, || {
        let digest = digest.map(|d| d.to_string()).unwrap_or_else(|| "-".into());
        format!("{} lists, snapshot {digest}\n", snapshot.entries.len())
    })?;
    Ok(Exit::Passed)
}

/// 0 where every list was fetched, 2 where one was not.
pub(super) fn refresh(arguments: &Refresh) -> Result<Exit> {
    let trust = arguments.at.open()?;
    let outcomes = trust.refresh_all();
    let one = |outcome: &crate::service::trust::Outcome| match &outcome.result {
        Ok(new) => json!({ "list": outcome.key, "new": new }),
        Err(error) => json!({ "list": outcome.key, "error": error.to_string() }),
    };
    let told: Vec<Value> = outcomes.iter().map(one).collect();
    tell(arguments.at.json, &json!({ "refreshed": told }), || {
        let line = |outcome: &crate::service::trust::Outcome| match &outcome.result {
            Ok(true) => format!("{}: another list came\n", outcome.key),
            Ok(false) => format!("{}: as it was\n", outcome.key),
            Err(error) => format!("{}: {error}\n", outcome.key),
        };
        outcomes.iter().map(line).collect()
    })?;
    let all = outcomes.iter().all(|outcome| outcome.result.is_ok());
    Ok(if all {
        Exit::Passed
    } else {
        Exit::Indeterminate
    })
}

fn tell(as_json: bool, value: &Value, text: impl FnOnce() -> String) -> Result<()> {
    let told = if as_json {
        format!("{value:#}\n")
    } else {
        text()
    };
    say(told.as_bytes())
}
