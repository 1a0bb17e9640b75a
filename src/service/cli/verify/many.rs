//! `rubrica verify -r FOLDER…`: thousands of files, on all cores, a line each, in memory bounded by the files at work.
//!
//! Files are judged as they are found and told in the order of their names; a file that cannot be read is a line of its
//! own and stops nothing.

use super::summary::{Counts, Row, Summary};
use super::{Desk, Exit, named, say};
use crate::engine::report::simple;
use crate::engine::{Error, Result};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Folders nested deeper than this are not looked into.
const DEPTH: u32 = 32;
/// Files waiting for a core, and results waiting to be told.
const WAITING: usize = 64;
/// Progress is told this often.
const PROGRESS: Duration = Duration::from_millis(500);

/// Validates every file of `paths`.
pub(super) fn run(paths: &[PathBuf], desk: &Desk, json: bool, to: Option<&Path>) -> Result<Exit> {
    let mut summary = Summary::open(to)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (files, take) = sync_channel::<(usize, PathBuf)>(WAITING);
    let (done, results) = sync_channel::<(usize, Row)>(WAITING);
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        let walker = scope.spawn(move || walk(paths, &files));
        for _ in 0..cores {
            let done = done.clone();
            let take = &take;
            scope.spawn(move || work(take, &done, desk));
        }
        drop(done);
        let told = tell(&results, &mut summary, json);
        // Results that nobody takes any more would hold the workers for ever.
        drop(results);
        let walked = walker
            .join()
            .unwrap_or_else(|_| Err(Error::internal("walk", "ended in a panic")));
        let counts = told?;
        walked?;
        summary.finish(&counts)?;
        eprintln!("{counts}");
        Ok(counts.exit())
    })
}

/// Every file under `paths`, in the order of their names, to the workers.
fn walk(paths: &[PathBuf], files: &SyncSender<(usize, PathBuf)>) -> Result<()> {
    let mut next = 0;
    paths
        .iter()
        .try_for_each(|path| walk_one(path, DEPTH, &mut next, files))
}

fn walk_one(
    path: &Path,
    depth: u32,
    next: &mut usize,
    files: &SyncSender<(usize, PathBuf)>,
) -> Result<()> {
    if !path.is_dir() {
        // A worker that is gone took its reason with it; there is nobody to send to.
        let _ = files.send((*next, path.to_path_buf()));
        *next += 1;
        return Ok(());
    }
    let unreadable = |error: std::io::Error| {
        Error::not_found(
            path.display().to_string(),
            format!("cannot be read: {}", error.kind()),
        )
        .remedy("Check the permissions of the folder.")
    };
    let entries = std::fs::read_dir(path).map_err(unreadable)?;
    let mut entries: Vec<_> = entries
        .collect::<std::io::Result<_>>()
        .map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(unreadable)?;
        // Links may lead in circles, and hidden files are not receipts.
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_symlink() || hidden || (kind.is_dir() && depth == 0) {
            continue;
        }
        walk_one(&entry.path(), depth.saturating_sub(1), next, files)?;
    }
    Ok(())
}

fn work(take: &Mutex<Receiver<(usize, PathBuf)>>, done: &SyncSender<(usize, Row)>, desk: &Desk) {
    loop {
        let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, path)) = next else { return };
        let row = match desk.judge(&path) {
            Ok(validated) => Row::judged(&path, &simple(&validated.evidence, &validated.verdict)),
            Err(error) => Row::unreadable(&path, &named(error, &path)),
        };
        if done.send((number, row)).is_err() {
            // Nobody listens any more; what is still being found is let go, so that the walk ends.
            let rest = take.lock().unwrap_or_else(PoisonError::into_inner);
            rest.iter().for_each(drop);
            return;
        }
    }
}

/// Tells results in the order of the files. Those that came early wait, as rows of a few hundred bytes.
fn tell(results: &Receiver<(usize, Row)>, summary: &mut Summary, json: bool) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut early = std::collections::BTreeMap::new();
    let mut next = 0;
    let mut last = Instant::now();
    let watched = std::io::stderr().is_terminal();
    for (number, row) in results {
        early.insert(number, row);
        while let Some(row) = early.remove(&next) {
            next += 1;
            counts.add(&row);
            say(&row.line(json)?)?;
            summary.row(&row)?;
        }
        if last.elapsed() > PROGRESS {
            last = Instant::now();
            let end = if watched { '\r' } else { '\n' };
            eprint!("{counts}{end}");
        }
    }
    Ok(counts)
}
