//! The tables, and how an older store becomes the present one.

use super::super::cipher::Cipher;
use super::database_error;
use crate::engine::{Error, Result};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// Marks the file as ours: `rubr`.
const APPLICATION: i32 = 0x7275_6272;

/// Step `n` takes a store of version `n` to version `n + 1`. Steps are never changed once released.
const STEPS: &[&str] = &[include_str!("1.sql"), include_str!("2.sql")];

/// Sets the database to sync every commit, and brings it up to date.
pub(super) fn prepare(database: &mut Connection) -> Result<()> {
    let pragma = |db: &Connection, name| db.pragma_query_value(None, name, |row| row.get(0));
    let version: i32 = pragma(database, "user_version").map_err(database_error)?;
    let application: i32 = pragma(database, "application_id").map_err(database_error)?;
    if (version, application) != (0, 0) && application != APPLICATION {
        return Err(
            Error::invalid("store", "rubrica.sqlite is the database of another program")
                .remedy("Give the service a data folder of its own."),
        );
    }
    let steps = usize::try_from(version).ok().and_then(|v| STEPS.get(v..));
    let steps = steps.ok_or_else(|| {
        Error::invalid(
            "store",
            format!("made by a later version of rubrica (schema {version})"),
        )
        .remedy("Start that version, or restore an older backup.")
    })?;
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
        .map_err(database_error)?;
    for (target, step) in (version + 1..).zip(steps) {
        let transaction = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(database_error)?;
        transaction
            .execute_batch(step)
            .and_then(|()| transaction.pragma_update(None, "user_version", target))
            .and_then(|()| transaction.pragma_update(None, "application_id", APPLICATION))
            .and_then(|()| transaction.commit())
            .map_err(database_error)?;
    }
    Ok(())
}

/// Refuses another secret than the one that the store was made with.
pub(super) fn check_secret(database: &Connection, cipher: &Cipher) -> Result<()> {
    let ours = cipher.check_value();
    let stored: Option<Vec<u8>> = database
        .query_row("SELECT value FROM meta WHERE key = 'secret'", [], |row| {
            row.get(0)
        })
        .optional()
        .map_err(database_error)?;
    match stored {
        Some(stored) if stored == ours => Ok(()),
        Some(_) => Err(
            Error::invalid("store.key", "this store was encrypted under another key")
                .remedy("Give the key file that belongs to this data folder."),
        ),
        None => database
            .execute(
                "INSERT INTO meta (key, value) VALUES ('secret', ?1)",
                [&ours[..]],
            )
            .map(|_| ())
            .map_err(database_error),
    }
}
