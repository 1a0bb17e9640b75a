//! One thread writes. What waits for it goes into one transaction, so that many callers share one sync.
//!
//! Each piece of work has a savepoint of its own: what one refuses does not touch the others. Callers are answered after
//! the commit, and staged blobs are settled by what the database names then, whatever the outcome was.

use super::super::blobs::Staged;
use super::{database_error, records};
use crate::engine::{Error, Result};
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pieces of work in one transaction at most.
const BATCH: usize = 64;
/// Pieces of work that may wait.
const QUEUE: usize = 1024;

#[derive(Debug)]
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Work>>>,
    thread: Option<JoinHandle<()>>,
    timeout: Duration,
}

/// A piece of work: done within a transaction, then told how that ended.
trait Work: Send {
    /// Whether it is done; its changes are undone otherwise.
    fn run(&mut self, database: &Connection) -> bool;
    /// The transaction was committed, or failed with this error.
    fn end(self: Box<Self>, failed: Option<Error>, database: &Connection);
}

struct Piece<T, F> {
    work: Option<F>,
    result: Option<Result<T>>,
    staged: Vec<Staged>,
    answer: SyncSender<Result<T>>,
}

impl<T: Send, F: FnOnce(&Connection) -> Result<T> + Send> Work for Piece<T, F> {
    fn run(&mut self, database: &Connection) -> bool {
        // A defect in one piece of work must not end the thread that all others need.
        let work = self.work.take();
        self.result = work.map(|work| {
            catch_unwind(AssertUnwindSafe(|| work(database)))
                .unwrap_or_else(|_| Err(Error::internal("store", "a write broke off")))
        });
        matches!(self.result, Some(Ok(_)))
    }

    fn end(self: Box<Self>, failed: Option<Error>, database: &Connection) {
        for staged in self.staged {
            match records::names_blob(database, &staged.id()) {
                Ok(true) => staged.keep(),
                Ok(false) => drop(staged),
                Err(_) => staged.leave(),
            }
        }
        let result = match (failed, self.result) {
            // Its own refusal tells more than the failure of the others.
            (_, Some(Err(error))) | (Some(error), _) => Err(error),
            (None, Some(result)) => result,
            (None, None) => Err(Error::internal("store", "a write was not done")),
        };
        // Nobody listens any more where the caller's time ran out.
        let _ = self.answer.send(result);
    }
}

impl Writer {
    pub(super) fn start(database: Connection, timeout: Duration) -> Result<Self> {
        let (queue, waiting) = mpsc::sync_channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store".to_string())
            .spawn(move || write_all(&database, &waiting))
            .map_err(|e| Error::unavailable("store", format!("its thread does not start: {e}")))?;
        Ok(Writer {
            queue: Some(queue),
            thread: Some(thread),
            timeout,
        })
    }

    /// Runs `work` in a synced transaction.
    pub(super) fn run<T: Send + 'static>(
        &self,
        staged: Vec<Staged>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = mpsc::sync_channel(1);
        let piece = Piece {
            work: Some(work),
            result: None,
            staged,
            answer,
        };
        let gone =
            || Error::unavailable("store", "its thread has ended").remedy("Restart the service.");
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue
            .try_send(Box::new(piece))
            .map_err(|error| match error {
                mpsc::TrySendError::Full(_) => {
                    Error::unavailable("store", "too many writes are waiting")
                        .remedy("Send the same request again.")
                }
                mpsc::TrySendError::Disconnected(_) => gone(),
            })?;
        match answered.recv_timeout(self.timeout) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
            Err(RecvTimeoutError::Timeout) => Err(Error::unavailable(
                "store",
                format!("no answer within {} s", self.timeout.as_secs_f32()),
            )
            .remedy("Send the same request again; if it was kept, it is found.")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write_all(database: &Connection, waiting: &Receiver<Box<dyn Work>>) {
    while let Ok(first) = waiting.recv() {
        let mut done = Vec::new();
        let batch = std::iter::once(first).chain(waiting.try_iter()).take(BATCH);
        let failed = transact(database, batch, &mut done).err();
        for work in done {
            work.end(failed.clone(), database);
        }
    }
}

/// Runs the batch in one transaction; `done` holds all that was taken from the batch, whatever the outcome.
fn transact(
    database: &Connection,
    batch: impl Iterator<Item = Box<dyn Work>>,
    done: &mut Vec<Box<dyn Work>>,
) -> Result<()> {
    let mut outcome = execute(database, "BEGIN IMMEDIATE");
    for mut work in batch {
        if outcome.is_ok() {
            outcome = within_savepoint(database, &mut *work);
        }
        done.push(work);
    }
    outcome = outcome.and_then(|()| execute(database, "COMMIT"));
    if !database.is_autocommit() {
        // Fails only where the connection is past saving; then every later transaction fails too, and says so.
        let _ = execute(database, "ROLLBACK");
    }
    outcome
}

fn within_savepoint(database: &Connection, work: &mut dyn Work) -> Result<()> {
    execute(database, "SAVEPOINT work")?;
    if work.run(database) {
        return execute(database, "RELEASE work");
    }
    if database.is_autocommit() {
        // A full disk or a failing one makes SQLite undo the whole transaction.
        return Err(
            Error::unavailable("store", "the disk is full or fails; nothing was kept")
                .remedy("Send the same request again when the service is ready."),
        );
    }
    execute(database, "ROLLBACK TO work; RELEASE work")
}

fn execute(database: &Connection, sql: &str) -> Result<()> {
    database.execute_batch(sql).map_err(database_error)
}
