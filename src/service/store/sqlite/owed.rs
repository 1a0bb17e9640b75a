//! What is owed, what is kept for a while, further versions of documents behind codes.

use super::super::cipher::Cipher;
use super::super::{BlobId, Debt, DocumentVersion, Kept, Owed, OwedOf};
use super::database_error;
use super::records::{add_version, milliseconds, name_blobs, time};
use crate::engine::syntax::hex::hex;
use crate::engine::{Result, Time};
use crate::service::keys::random;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;
use std::time::Duration;

/// Notes that a level is owed. What is owed already stays owed as it was.
pub(super) fn owe(
    db: &Connection,
    of: &OwedOf,
    caller: &str,
    entity: Option<&str>,
    owed: &Owed,
    now: Time,
) -> Result<()> {
    let id = hex(&random::<16>()?);
    let since = milliseconds(now);
    db.prepare_cached(
        "INSERT INTO debts (id, kind, subject, caller, entity, seal, level, since, due, problem) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9) ON CONFLICT (kind, subject) DO NOTHING",
    )
    .and_then(|mut s| {
        s.execute(params![
            id,
            of.kind(),
            of.subject(),
            caller,
            entity,
            owed.seal,
            owed.level,
            since,
            owed.problem
        ])
    })
    .map(|_| ())
    .map_err(database_error)
}

const DEBT: &str =
    "id, kind, subject, caller, entity, seal, level, since, tried, due, problem FROM debts";

/// A column of milliseconds.
fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Time> {
    let milliseconds: i64 = row.get(column)?;
    time(milliseconds).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, milliseconds))
}

fn read_debt(row: &Row<'_>) -> rusqlite::Result<Debt> {
    let (kind, subject): (String, String) = (row.get(1)?, row.get(2)?);
    let (since, due) = (instant(row, 7)?, instant(row, 9)?);
    let debt = Debt {
        id: row.get(0)?,
        of: match kind.as_str() {
            "receipt" => OwedOf::Receipt(subject),
            "document" => OwedOf::Document(subject),
            _ => OwedOf::Kept(subject),
        },
        caller: row.get(3)?,
        entity: row.get(4)?,
        owed: Owed {
            seal: row.get(5)?,
            level: row.get(6)?,
            problem: row.get(10)?,
        },
        since,
        tried: row.get(8)?,
        due,
    };
    Ok(debt)
}

/// Debts in the order of their ids, after `after`.
pub(super) fn debts(db: &Connection, after: &str, limit: u32) -> Result<Vec<Debt>> {
    db.prepare_cached(&format!("SELECT {DEBT} WHERE id > ?1 ORDER BY id LIMIT ?2"))
        .and_then(|mut s| s.query_map(params![after, limit], read_debt)?.collect())
        .map_err(database_error)
}

pub(super) fn debt(db: &Connection, id: &str) -> Result<Option<Debt>> {
    db.prepare_cached(&format!("SELECT {DEBT} WHERE id = ?1"))
        .and_then(|mut s| s.query_row([id], read_debt).optional())
        .map_err(database_error)
}

pub(super) fn debt_of(db: &Connection, of: &OwedOf) -> Result<Option<Debt>> {
    db.prepare_cached(&format!("SELECT {DEBT} WHERE kind = ?1 AND subject = ?2"))
        .and_then(|mut s| s.query_row([of.kind(), of.subject()], read_debt).optional())
        .map_err(database_error)
}

pub(super) fn count(db: &Connection) -> Result<BTreeMap<String, u64>> {
    db.prepare_cached("SELECT level, count(*) FROM debts GROUP BY level")
        .and_then(|mut s| {
            s.query_map([], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
            })?
            .collect()
        })
        .map_err(database_error)
}

/// The debt that is due for longest, which nobody else is given within `lease`.
pub(super) fn claim(db: &Connection, now: Time, lease: Duration) -> Result<Option<Debt>> {
    let id: Option<String> = db
        .prepare_cached(
            "UPDATE debts SET due = ?2 WHERE id = \
             (SELECT id FROM debts WHERE due <= ?1 ORDER BY due, id LIMIT 1) RETURNING id",
        )
        .and_then(|mut s| {
            let leased = milliseconds(now.plus(lease));
            s.query_row(params![milliseconds(now), leased], |row| row.get(0))
                .optional()
        })
        .map_err(database_error)?;
    match id {
        Some(id) => debt(db, &id),
        None => Ok(None),
    }
}

/// It could not be paid; it is tried again at `due`.
pub(super) fn put_off(db: &Connection, id: &str, due: Time, problem: &str) -> Result<()> {
    db.prepare_cached("UPDATE debts SET tried = tried + 1, due = ?2, problem = ?3 WHERE id = ?1")
        .and_then(|mut s| s.execute(params![id, milliseconds(due), problem]))
        .map(|_| ())
        .map_err(database_error)
}

/// What a debt is paid with, by the names of its blobs.
pub(super) struct Paid {
    pub(super) level: String,
    pub(super) made: Time,
    pub(super) document: (BlobId, u64),
    pub(super) acuse: Option<(BlobId, u64)>,
    pub(super) until: Time,
}

/// Keeps what the debt is paid with and strikes the debt out, together; false where it was paid before.
pub(super) fn pay(db: &Connection, cipher: &Cipher, id: &str, paid: &Paid) -> Result<bool> {
    let Some(debt) = debt(db, id)? else {
        return Ok(false);
    };
    name_blobs(db, &[paid.document]).map_err(database_error)?;
    match &debt.of {
        OwedOf::Receipt(number) => {
            if let Some(acuse) = paid.acuse {
                add_version(db, number, &paid.level, acuse, paid.made)?;
            }
            let document: Option<String> = db
                .prepare_cached("SELECT id FROM documents WHERE number = ?1")
                .and_then(|mut s| s.query_row([number], |row| row.get(0)).optional())
                .map_err(database_error)?;
            if let Some(document) = document {
                add_document_version(db, cipher, &document, paid)?;
            }
        }
        OwedOf::Document(document) => add_document_version(db, cipher, document, paid)?,
        OwedOf::Kept(kept) => {
            db.prepare_cached(
                "UPDATE kept SET latest = ?2, level = ?3, until = max(until, ?4) WHERE id = ?1",
            )
            .and_then(|mut s| {
                let until = milliseconds(paid.until);
                s.execute(params![kept, paid.document.0.0, paid.level, until])
            })
            .map_err(database_error)?;
        }
    }
    db.prepare_cached("DELETE FROM debts WHERE id = ?1")
        .and_then(|mut s| s.execute([id]))
        .map_err(database_error)?;
    Ok(true)
}

fn add_document_version(
    db: &Connection,
    cipher: &Cipher,
    document: &str,
    paid: &Paid,
) -> Result<()> {
    let version: u32 = db
        .prepare_cached(
            "SELECT 1 + ifnull(max(version), 1) FROM document_versions WHERE document = ?1",
        )
        .and_then(|mut s| s.query_row([document], |row| row.get(0)))
        .map_err(database_error)?;
    let version = DocumentVersion {
        version,
        level: paid.level.clone(),
        made: paid.made,
        document: paid.document.0,
    };
    let proof = cipher.seal(&place(document, &version), &[])?;
    db.prepare_cached(
        "INSERT INTO document_versions (document, version, level, made_at, blob, proof) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )
    .and_then(|mut s| {
        let made = milliseconds(version.made);
        let blob = version.document.0;
        s.execute(params![
            document,
            version.version,
            version.level,
            made,
            blob,
            proof
        ])
    })
    .map(|_| ())
    .map_err(database_error)
}

/// Everything that stands in clear in the row, so that none of it changes unnoticed.
fn place(document: &str, version: &DocumentVersion) -> String {
    let DocumentVersion {
        version,
        level,
        made,
        document: blob,
    } = version;
    let made = milliseconds(*made);
    format!("version {document:?} {version} {level:?} {made} {blob}")
}

pub(super) fn document_versions(
    db: &Connection,
    cipher: &Cipher,
    document: &str,
) -> Result<Vec<DocumentVersion>> {
    type Columns = (u32, String, i64, [u8; 32], Vec<u8>);
    let rows: Vec<Columns> = db
        .prepare_cached(
            "SELECT version, level, made_at, blob, proof FROM document_versions WHERE document = ?1 ORDER BY version",
        )
        .and_then(|mut s| {
            s.query_map([document], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?
            .collect()
        })
        .map_err(database_error)?;
    let version = |(version, level, made, blob, proof): Columns| {
        let version = DocumentVersion {
            version,
            level,
            made: time(made)?,
            document: BlobId(blob),
        };
        cipher.open(&place(document, &version), &proof)?;
        Ok(version)
    };
    rows.into_iter().map(version).collect()
}

/// Keeps a document, unless there is one under this id; answers the one that is there.
pub(super) fn keep(
    db: &Connection,
    kept: &Kept,
    sizes: &[(BlobId, u64)],
    owed: Option<&Owed>,
) -> Result<Kept> {
    if let Some(known) = self::kept(db, &kept.id)? {
        return Ok(known);
    }
    name_blobs(db, sizes).map_err(database_error)?;
    db.prepare_cached(
        "INSERT INTO kept (id, caller, made_at, until, format, level, signed, document, content) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .and_then(|mut s| {
        s.execute(params![
            kept.id,
            kept.caller,
            milliseconds(kept.made),
            milliseconds(kept.until),
            kept.format,
            kept.level,
            kept.signed,
            kept.document.0,
            kept.content.map(|id| id.0),
        ])
    })
    .map_err(database_error)?;
    if let Some(owed) = owed {
        let of = OwedOf::Kept(kept.id.clone());
        owe(db, &of, &kept.caller, None, owed, kept.made)?;
    }
    Ok(kept.clone())
}

pub(super) fn kept(db: &Connection, id: &str) -> Result<Option<Kept>> {
    let read = |row: &Row<'_>| {
        let blob = |column| row.get::<_, Option<[u8; 32]>>(column);
        Ok(Kept {
            id: id.to_string(),
            caller: row.get(0)?,
            made: instant(row, 1)?,
            until: instant(row, 2)?,
            format: row.get(3)?,
            level: row.get(4)?,
            signed: row.get(5)?,
            document: BlobId(row.get(6)?),
            content: blob(7)?.map(BlobId),
            latest: blob(8)?.map(BlobId),
        })
    };
    db.prepare_cached(
        "SELECT caller, made_at, until, format, level, signed, document, content, latest FROM kept WHERE id = ?1",
    )
    .and_then(|mut s| s.query_row([id], read).optional())
    .map_err(database_error)
}

/// Forgets what is kept no longer and not owed: `all` that is over at `now`, or the one of this id.
pub(super) fn forget(db: &Connection, id: Option<&str>, now: Time) -> Result<u64> {
    let over = "(?1 IS NOT NULL AND id = ?1 OR ?1 IS NULL AND until < ?2 \
                AND NOT EXISTS (SELECT 1 FROM debts WHERE kind = 'kept' AND subject = kept.id))";
    let run = |sql: String| {
        db.prepare_cached(&sql)
            .and_then(|mut s| s.execute(params![id, milliseconds(now)]))
            .map_err(database_error)
    };
    for column in ["document", "content", "latest"] {
        run(format!(
            "INSERT OR IGNORE INTO removed (blob) SELECT {column} FROM kept WHERE {column} IS NOT NULL AND {over}"
        ))?;
    }
    if let Some(id) = id {
        db.prepare_cached("DELETE FROM debts WHERE kind = 'kept' AND subject = ?1")
            .and_then(|mut s| s.execute([id]))
            .map_err(database_error)?;
    }
    let forgotten = run(format!("DELETE FROM kept WHERE {over}"))?;
    db.execute(
        "DELETE FROM blobs WHERE id IN (SELECT blob FROM removed)",
        [],
    )
    .map_err(database_error)?;
    Ok(forgotten as u64)
}

/// The blobs whose files are to be removed.
pub(super) fn removed(db: &Connection) -> Result<Vec<BlobId>> {
    db.prepare_cached("SELECT blob FROM removed LIMIT 10000")
        .and_then(|mut s| s.query_map([], |row| Ok(BlobId(row.get(0)?)))?.collect())
        .map_err(database_error)
}

/// Their files are removed.
pub(super) fn strike_removed(db: &Connection, blobs: &[BlobId]) -> Result<()> {
    let mut strike = db
        .prepare_cached("DELETE FROM removed WHERE blob = ?1")
        .map_err(database_error)?;
    for blob in blobs {
        strike.execute([&blob.0]).map_err(database_error)?;
    }
    Ok(())
}
