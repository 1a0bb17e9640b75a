//! Blobs' names, documents behind codes, attempts, seals, versions of receipts.

use super::super::cipher::{Cipher, altered};
use super::super::{Attempts, BlobId, CodeRecord, Document, SealRecord, Version};
use super::database_error;
use crate::engine::codes::{CodeId, KeyedCode, Validity};
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, ErrorKind, Result, Time};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use std::time::Duration;

/// Whether anything in the store names this blob.
pub(super) fn names_blob(db: &Connection, id: &BlobId) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM blobs WHERE id = ?1")
        .and_then(|mut s| s.exists([&id.0]))
        .map_err(database_error)
}

/// Names blobs, so that they stay.
pub(super) fn name_blobs(db: &Connection, blobs: &[(BlobId, u64)]) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO blobs (id, bytes) VALUES (?1, ?2)")?;
    for (id, bytes) in blobs {
        insert.execute(params![id.0, bytes.cast_signed()])?;
    }
    Ok(())
}

pub(super) fn insert_document(
    db: &Connection,
    cipher: &Cipher,
    code: &CodeRecord,
    original: &BlobId,
    printable: Option<&BlobId>,
    number: Option<&str>,
) -> Result<()> {
    let row = DocumentRow {
        id: code.id.to_string(),
        date: code.code.date().to_string(),
        groups: code.code.to_bytes(),
        last_day: match code.validity {
            Validity::Permanent => None,
            Validity::Until(day) => Some(day.to_string()),
        },
        issued_at: milliseconds(code.issued),
        owners: [&code.entity, &code.caller, &code.seal].map(Clone::clone),
        original: *original,
        printable: printable.copied(),
        number: number.map(str::to_string),
        proof: Vec::new(),
    };
    let proof = cipher.seal(&row.place(), &[])?;
    let inserted = db
        .prepare_cached(
            "INSERT INTO documents (id, date, groups, last_day, issued_at, entity, caller, seal, original, printable, \
             number, proof) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .and_then(|mut s| {
            s.execute(params![
                row.id,
                row.date,
                row.groups,
                row.last_day,
                row.issued_at,
                row.owners[0],
                row.owners[1],
                row.owners[2],
                row.original.0,
                row.printable.map(|id| id.0),
                row.number,
                proof,
            ])
        });
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => Err(
            Error::new(ErrorKind::Conflict, "code", "another document has this id")
                .remedy("Draw another id."),
        ),
        Err(error) => Err(database_error(error)),
    }
}

pub(super) fn document(db: &Connection, cipher: &Cipher, id: &str) -> Result<Option<Document>> {
    let row = db
        .prepare_cached(
            "SELECT id, date, groups, last_day, issued_at, entity, caller, seal, original, printable, number, \
             proof FROM documents WHERE id = ?1",
        )
        .and_then(|mut s| s.query_row([id], DocumentRow::read).optional())
        .map_err(database_error)?;
    row.map(|row| row.document(cipher)).transpose()
}

/// A row of `documents`, before its values are read.
struct DocumentRow {
    id: String,
    date: String,
    groups: Vec<u8>,
    last_day: Option<String>,
    issued_at: i64,
    owners: [String; 3],
    original: BlobId,
    printable: Option<BlobId>,
    number: Option<String>,
    proof: Vec<u8>,
}

impl DocumentRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(DocumentRow {
            id: row.get(0)?,
            date: row.get(1)?,
            groups: row.get(2)?,
            last_day: row.get(3)?,
            issued_at: row.get(4)?,
            owners: [row.get(5)?, row.get(6)?, row.get(7)?],
            original: BlobId(row.get(8)?),
            printable: row.get::<_, Option<[u8; 32]>>(9)?.map(BlobId),
            number: row.get(10)?,
            proof: row.get(11)?,
        })
    }

    /// Everything that stands in clear in the row, so that none of it changes unnoticed.
    fn place(&self) -> String {
        let DocumentRow {
            id,
            date,
            last_day,
            issued_at,
            owners,
            original,
            printable,
            number,
            ..
        } = self;
        let groups = hex(&self.groups);
        format!(
            "document {id:?} {date:?} {groups} {last_day:?} {issued_at} {owners:?} {original} {printable:?} {number:?}"
        )
    }

    fn document(self, cipher: &Cipher) -> Result<Document> {
        cipher.open(&self.place(), &self.proof)?;
        let day = |text: &str| text.parse().map_err(|_| altered());
        let [entity, caller, seal] = self.owners;
        Ok(Document {
            code: CodeRecord {
                id: CodeId::new(&self.id).map_err(|_| altered())?,
                code: KeyedCode::from_bytes(day(&self.date)?, &self.groups)
                    .map_err(|_| altered())?,
                validity: match self.last_day {
                    None => Validity::Permanent,
                    Some(last) => Validity::Until(day(&last)?),
                },
                issued: time(self.issued_at)?,
                entity,
                caller,
                seal,
            },
            original: self.original,
            printable: self.printable,
            number: self.number,
        })
    }
}

/// Counts one attempt by both subjects, and forgets the windows that are over.
pub(super) fn count_attempt(
    db: &Connection,
    id: &[u8; 32],
    address: &[u8; 32],
    now: Time,
    window: Duration,
) -> Result<Attempts> {
    let length = i64::try_from(window.as_millis()).unwrap_or(i64::MAX).max(1);
    let began = milliseconds(now).div_euclid(length).saturating_mul(length);
    let count = |subject: &[u8; 32]| {
        db.prepare_cached(
            "INSERT INTO attempts (subject, window, count) VALUES (?1, ?2, 1) \
             ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count",
        )?
        .query_row(params![subject, began], |row| row.get::<_, u32>(0))
    };
    db.prepare_cached("DELETE FROM attempts WHERE window < ?1")
        .and_then(|mut s| s.execute([began]))
        .and_then(|_| {
            Ok(Attempts {
                on_id: count(id)?,
                from_address: count(address)?,
            })
        })
        .map_err(database_error)
}

pub(super) fn note_seal(db: &Connection, name: &str, certificate: &[u8], now: Time) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO seals (name, certificate, first_used_at, last_used_at) VALUES (?1, ?2, ?3, ?3) \
         ON CONFLICT DO UPDATE SET last_used_at = max(last_used_at, ?3)",
    )
    .and_then(|mut s| s.execute(params![name, certificate, milliseconds(now)]))
    .map(|_| ())
    .map_err(database_error)
}

pub(super) fn seals(db: &Connection) -> Result<Vec<SealRecord>> {
    let rows: Vec<(String, Vec<u8>, i64, i64)> = db
        .prepare_cached(
            "SELECT name, certificate, first_used_at, last_used_at FROM seals ORDER BY first_used_at, name",
        )
        .and_then(|mut s| {
            s.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
                .collect()
        })
        .map_err(database_error)?;
    let record = |(name, certificate, first, last)| {
        Ok(SealRecord {
            name,
            certificate,
            first_used: time(first)?,
            last_used: time(last)?,
        })
    };
    rows.into_iter().map(record).collect()
}

pub(super) fn add_version(
    db: &Connection,
    number: &str,
    level: &str,
    blob: (BlobId, u64),
    now: Time,
) -> Result<u32> {
    let entry: Option<i64> = db
        .prepare_cached("SELECT id FROM entries WHERE number = ?1 AND sealed_at IS NOT NULL")
        .and_then(|mut s| s.query_row([number], |row| row.get(0)).optional())
        .map_err(database_error)?;
    let entry =
        entry.ok_or_else(|| Error::not_found("number", format!("{number} has no receipt yet")))?;
    name_blobs(db, &[blob])
        .and_then(|()| {
            db.prepare_cached(
                "INSERT INTO versions (entry, version, level, made_at, blob) \
                 SELECT ?1, 1 + ifnull(max(version), 1), ?2, ?3, ?4 FROM versions WHERE entry = ?1 RETURNING version",
            )?
            .query_row(params![entry, level, milliseconds(now), blob.0.0], |row| row.get(0))
        })
        .map_err(database_error)
}

pub(super) fn versions(db: &Connection, number: &str) -> Result<Vec<Version>> {
    let rows: Vec<(u32, String, i64, [u8; 32])> = db
        .prepare_cached(
            "SELECT version, level, made_at, blob FROM versions JOIN entries ON entries.id = entry \
             WHERE number = ?1 ORDER BY version",
        )
        .and_then(|mut s| {
            s.query_map([number], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })?
            .collect()
        })
        .map_err(database_error)?;
    let version = |(version, level, made, blob)| {
        Ok(Version {
            version,
            level,
            made: time(made)?,
            acuse: BlobId(blob),
        })
    };
    rows.into_iter().map(version).collect()
}

/// Writes something, to know that it can.
pub(super) fn touch(db: &Connection, now: Time) -> Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES ('touched', ?1)")
        .and_then(|mut s| s.execute([now.to_string().as_bytes()]))
        .map(|_| ())
        .map_err(database_error)
}

pub(super) fn milliseconds(instant: Time) -> i64 {
    instant.unix_milliseconds()
}

pub(super) fn time(milliseconds: i64) -> Result<Time> {
    Time::from_unix_nanoseconds(i128::from(milliseconds) * 1_000_000).map_err(|_| altered())
}

pub(super) fn year(year: i64) -> Result<u16> {
    u16::try_from(year).map_err(|_| altered())
}
