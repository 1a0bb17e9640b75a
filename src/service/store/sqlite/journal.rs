//! The journal of the register: taking a number, completing an entry, finding entries.

use super::super::blobs::Staged;
use super::super::cipher::{Cipher, altered};
use super::super::{
    BlobId, CodeRecord, Completion, Entry, EntryPage, EntryQuery, NewEntry, Owed, OwedOf, Receipt,
    Taken,
};
use super::database_error;
use super::owed::owe;
use super::records::{insert_document, milliseconds, name_blobs, time, year};
use crate::engine::register::{Direction, RegisterNumber, year_of};
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::clock::{Clock, sane};
use rusqlite::types::Value;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params, params_from_iter};

/// A request, ready to be given its number.
pub(super) struct Take {
    new: NewEntry,
    originals: Vec<(BlobId, u64)>,
    idempotency: [u8; 32],
    persons: Vec<[u8; 32]>,
}

impl Take {
    pub(super) fn new(new: NewEntry, originals: Vec<(BlobId, u64)>, cipher: &Cipher) -> Self {
        Take {
            idempotency: idempotency(cipher, &new.idempotency_key),
            persons: new.persons.iter().map(|p| person(cipher, p)).collect(),
            new,
            originals,
        }
    }

    /// Within a transaction: the known entry, or a new one.
    pub(super) fn run(
        self,
        db: &Connection,
        clock: &dyn Clock,
        zone: &str,
        cipher: &Cipher,
    ) -> Result<Taken> {
        let (caller, digest) = (&self.new.caller, &self.new.request_digest);
        if let Some(known) = known(db, cipher, caller, &self.idempotency, digest)? {
            return Ok(Taken::Known(known));
        }
        let presented = clock.now().truncated_to_milliseconds();
        sane(presented, last_presented(db)?)?;
        let year = year_of(presented, zone)?;
        let office = self.new.layout.office(&self.new.office)?;
        let sequence = next_in_sequence(db, year, &office)?;
        let number = RegisterNumber::new(self.new.layout, year, &office, sequence)?.to_string();
        let entry = Entry {
            number,
            year,
            sequence,
            office: self.new.office,
            entity: self.new.entity,
            direction: self.new.direction,
            caller: self.new.caller,
            presented,
            request_digest: self.new.request_digest,
            metadata: self.new.metadata,
            originals: self.originals.iter().map(|(id, _)| *id).collect(),
            receipt: None,
        };
        let plain = [&entry.request_digest[..], &entry.metadata].concat();
        let request = cipher.seal(&request_place(&entry, &self.idempotency), &plain)?;
        let id = insert(db, &entry, &self.idempotency, &request)
            .map_err(|error| taken_or(&entry.number, error))?;
        insert_persons(db, id, &self.persons)
            .and_then(|()| insert_parts(db, id, "original", &self.originals))
            .map_err(database_error)?;
        Ok(Taken::New(entry))
    }
}

fn insert(
    db: &Connection,
    entry: &Entry,
    idempotency: &[u8; 32],
    request: &[u8],
) -> rusqlite::Result<i64> {
    db.prepare_cached(
        "INSERT INTO entries (number, year, office, sequence, entity, direction, caller, idempotency, presented_at, \
         request) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .insert(params![
        entry.number,
        entry.year,
        entry.office,
        entry.sequence.cast_signed(),
        entry.entity,
        word(entry.direction),
        entry.caller,
        idempotency,
        milliseconds(entry.presented),
        request,
    ])
}

/// Two layouts of one year may print one number twice: an operator changed the layout within the year.
fn taken_or(number: &str, error: rusqlite::Error) -> Error {
    if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) {
        return Error::new(
            ErrorKind::Conflict,
            "register.layout",
            format!("{number} was given before"),
        )
        .remedy("Go back to the layout that this year began with; change it at New Year.");
    }
    database_error(error)
}

fn insert_persons(db: &Connection, entry: i64, persons: &[[u8; 32]]) -> rusqlite::Result<()> {
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO persons (person, entry) VALUES (?1, ?2)")?;
    for person in persons {
        insert.execute(params![person, entry])?;
    }
    Ok(())
}

/// The keyed hash that stands for an idempotency key.
pub(super) fn idempotency(cipher: &Cipher, key: &str) -> [u8; 32] {
    cipher.lookup("idempotency key", key)
}

/// The entry that a key was used for; a conflict where that was for other content.
pub(super) fn known(
    db: &Connection,
    cipher: &Cipher,
    caller: &str,
    idempotency: &[u8; 32],
    request_digest: &[u8; 32],
) -> Result<Option<Entry>> {
    let condition = "caller = ?1 AND idempotency = ?2";
    match one(db, cipher, condition, params![caller, idempotency])? {
        Some(known) if known.request_digest != *request_digest => {
            let (first, now) = (hex(&known.request_digest), hex(request_digest));
            let problem =
                format!("used before for the content with SHA-256 {first}; this one has {now}");
            Err(Error::new(ErrorKind::Conflict, "Idempotency-Key", problem)
                .remedy("Send the same content again, or other content under a new key."))
        }
        known => Ok(known),
    }
}

/// The next place in the sequence of a year and an office.
fn next_in_sequence(db: &Connection, year: u16, office: &str) -> Result<u64> {
    let next: i64 = db
        .prepare_cached(
            "INSERT INTO sequences (year, office, last) VALUES (?1, ?2, 1) \
             ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
        )
        .and_then(|mut s| s.query_row(params![year, office], |row| row.get(0)))
        .map_err(database_error)?;
    Ok(next.cast_unsigned())
}

/// What was made for a number, ready to be kept.
pub(super) struct Complete {
    number: String,
    sealed: Time,
    parts: Vec<(&'static str, (BlobId, u64))>,
    justificante: BlobId,
    details: Vec<u8>,
    code: Option<CodeRecord>,
    owed: Option<Owed>,
}

impl Complete {
    pub(super) fn new(
        number: &str,
        completion: Completion,
        cipher: &Cipher,
    ) -> Result<(Self, Vec<Staged>)> {
        let Completion {
            sealed,
            acuse,
            justificante,
            evidence,
            details,
            code,
            owed,
        } = completion;
        let named = |role, staged: &Staged| (role, (staged.id(), staged.bytes()));
        let mut parts = vec![named("acuse", &acuse), named("justificante", &justificante)];
        parts.extend(evidence.as_ref().map(|e| named("evidence", e)));
        let mut complete = Complete {
            number: number.to_string(),
            sealed,
            parts,
            justificante: justificante.id(),
            details: Vec::new(),
            code,
            owed,
        };
        let place = details_place(number, sealed, complete.parts.iter().map(|(_, (id, _))| id));
        complete.details = cipher.seal(&place, &details)?;
        let staged = [acuse, justificante].into_iter().chain(evidence).collect();
        Ok((complete, staged))
    }

    /// Within a transaction: the entry as it was completed, now or before.
    pub(super) fn run(&self, db: &Connection, cipher: &Cipher) -> Result<Entry> {
        let completed = db
            .prepare_cached(
                "UPDATE entries SET sealed_at = ?2, details = ?3 WHERE number = ?1 AND sealed_at IS NULL RETURNING id",
            )
            .and_then(|mut s| {
                let values = params![self.number, milliseconds(self.sealed), self.details];
                s.query_row(values, |row| row.get::<_, i64>(0)).optional()
            })
            .map_err(database_error)?;
        if let Some(id) = completed {
            for (role, blob) in &self.parts {
                insert_parts(db, id, role, &[*blob]).map_err(database_error)?;
            }
            if let Some(code) = &self.code {
                insert_document(
                    db,
                    cipher,
                    code,
                    &self.justificante,
                    None,
                    Some(&self.number),
                )?;
            }
        }
        let entry = entry(db, cipher, &self.number)?.ok_or_else(|| {
            Error::not_found("number", format!("{} is not in the register", self.number))
        })?;
        if let Some(owed) = self.owed.as_ref().filter(|_| completed.is_some()) {
            let of = OwedOf::Receipt(self.number.clone());
            owe(
                db,
                &of,
                &entry.caller,
                Some(&entry.entity),
                owed,
                self.sealed,
            )?;
        }
        Ok(entry)
    }
}

fn insert_parts(
    db: &Connection,
    entry: i64,
    role: &str,
    blobs: &[(BlobId, u64)],
) -> rusqlite::Result<()> {
    name_blobs(db, blobs)?;
    let mut insert = db.prepare_cached(
        "INSERT INTO parts (entry, role, position, blob) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for (position, (id, _)) in (0i64..).zip(blobs) {
        insert.execute(params![entry, role, position, id.0])?;
    }
    Ok(())
}

pub(super) fn incomplete(db: &Connection, cipher: &Cipher) -> Result<Vec<Entry>> {
    let found = many(db, cipher, "sealed_at IS NULL ORDER BY id", Vec::new())?;
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

pub(super) fn entry(db: &Connection, cipher: &Cipher, number: &str) -> Result<Option<Entry>> {
    one(db, cipher, "number = ?1", params![number])
}

pub(super) fn last_presented(db: &Connection) -> Result<Option<Time>> {
    let last: Option<i64> = db
        .prepare_cached("SELECT presented_at FROM entries ORDER BY id DESC LIMIT 1")
        .and_then(|mut s| s.query_row([], |row| row.get(0)).optional())
        .map_err(database_error)?;
    last.map(time).transpose()
}

pub(super) fn find(db: &Connection, cipher: &Cipher, query: &EntryQuery) -> Result<EntryPage> {
    let mut conditions = vec!["1".to_string()];
    let mut values = Vec::new();
    let mut must = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(office) = &query.office {
        must("office = ?", office.clone().into());
    }
    if let Some(direction) = query.direction {
        must("direction = ?", word(direction).to_string().into());
    }
    if let Some(document) = &query.person {
        let hash = person(cipher, document).to_vec();
        must(
            "id IN (SELECT entry FROM persons WHERE person = ?)",
            hash.into(),
        );
    }
    if let Some(from) = query.from {
        must("presented_at >= ?", milliseconds_up(from).into());
    }
    if let Some(until) = query.until {
        must("presented_at < ?", milliseconds_up(until).into());
    }
    if let Some(after) = query.after {
        must("id > ?", after.into());
    }
    if let Some(entities) = &query.entities {
        let list = serde_json::to_string(entities).unwrap_or_default();
        must("entity IN (SELECT value FROM json_each(?))", list.into());
    }
    let limit = match query.limit {
        0 => 100,
        n => i64::from(n.min(1000)),
    };
    values.push((limit + 1).into());
    let rest = format!(
        "{} ORDER BY id LIMIT ?{}",
        conditions.join(" AND "),
        values.len()
    );
    let mut found = many(db, cipher, &rest, values)?;
    let more = found.len() as i64 > limit;
    if more {
        found.pop();
    }
    Ok(EntryPage {
        next: found.last().filter(|_| more).map(|(id, _)| *id),
        entries: found.into_iter().map(|(_, entry)| entry).collect(),
    })
}

const COLUMNS: &str = "id, number, year, office, sequence, entity, direction, caller, idempotency, presented_at, request, \
                       sealed_at, details";

fn one(
    db: &Connection,
    cipher: &Cipher,
    condition: &str,
    of: &[&dyn rusqlite::ToSql],
) -> Result<Option<Entry>> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE {condition}");
    let row = db
        .prepare_cached(&sql)
        .and_then(|mut s| s.query_row(of, EntryRow::read).optional())
        .map_err(database_error)?;
    row.map(|row| row.entry(db, cipher)).transpose()
}

fn many(
    db: &Connection,
    cipher: &Cipher,
    rest: &str,
    values: Vec<Value>,
) -> Result<Vec<(i64, Entry)>> {
    let sql = format!("SELECT {COLUMNS} FROM entries WHERE {rest}");
    let rows: Vec<EntryRow> = db
        .prepare_cached(&sql)
        .and_then(|mut s| {
            s.query_map(params_from_iter(values), EntryRow::read)?
                .collect()
        })
        .map_err(database_error)?;
    rows.into_iter()
        .map(|row| Ok((row.id, row.entry(db, cipher)?)))
        .collect()
}

/// A row of `entries`, before it is opened.
struct EntryRow {
    id: i64,
    number: String,
    year: i64,
    office: String,
    sequence: i64,
    entity: String,
    direction: String,
    caller: String,
    idempotency: [u8; 32],
    presented_at: i64,
    request: Vec<u8>,
    receipt: Option<(i64, Vec<u8>)>,
}

impl EntryRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let sealed_at: Option<i64> = row.get(11)?;
        let details: Option<Vec<u8>> = row.get(12)?;
        Ok(EntryRow {
            id: row.get(0)?,
            number: row.get(1)?,
            year: row.get(2)?,
            office: row.get(3)?,
            sequence: row.get(4)?,
            entity: row.get(5)?,
            direction: row.get(6)?,
            caller: row.get(7)?,
            idempotency: row.get(8)?,
            presented_at: row.get(9)?,
            request: row.get(10)?,
            receipt: sealed_at.zip(details),
        })
    }

    fn entry(self, db: &Connection, cipher: &Cipher) -> Result<Entry> {
        let parts = parts(db, self.id)?;
        let receipt = match self.receipt {
            None => None,
            Some((sealed_at, details)) => {
                Some(receipt(&self.number, sealed_at, &details, &parts, cipher)?)
            }
        };
        let originals = parts.iter().filter(|(role, _)| role == "original");
        let mut entry = Entry {
            number: self.number,
            year: year(self.year)?,
            sequence: self.sequence.cast_unsigned(),
            office: self.office,
            entity: self.entity,
            direction: direction(&self.direction)?,
            caller: self.caller,
            presented: time(self.presented_at)?,
            request_digest: [0; 32],
            metadata: Vec::new(),
            originals: originals.map(|(_, blob)| *blob).collect(),
            receipt,
        };
        let request = cipher.open(&request_place(&entry, &self.idempotency), &self.request)?;
        let (digest, metadata) = request.split_first_chunk::<32>().ok_or_else(altered)?;
        (entry.request_digest, entry.metadata) = (*digest, metadata.to_vec());
        Ok(entry)
    }
}

fn receipt(
    number: &str,
    sealed_at: i64,
    details: &[u8],
    parts: &[(String, BlobId)],
    cipher: &Cipher,
) -> Result<Receipt> {
    let with = |role: &str| parts.iter().find(|(r, _)| r == role).map(|(_, blob)| *blob);
    let acuse = with("acuse").ok_or_else(altered)?;
    let justificante = with("justificante").ok_or_else(altered)?;
    let evidence = with("evidence");
    let sealed = time(sealed_at)?;
    let made = [&acuse, &justificante].into_iter().chain(&evidence);
    Ok(Receipt {
        sealed,
        acuse,
        justificante,
        evidence,
        details: cipher.open(&details_place(number, sealed, made), details)?,
    })
}

fn parts(db: &Connection, entry: i64) -> Result<Vec<(String, BlobId)>> {
    db.prepare_cached("SELECT role, blob FROM parts WHERE entry = ?1 ORDER BY role, position")
        .and_then(|mut s| {
            s.query_map([entry], |row| Ok((row.get(0)?, BlobId(row.get(1)?))))?
                .collect()
        })
        .map_err(database_error)
}

fn person(cipher: &Cipher, document: &str) -> [u8; 32] {
    cipher.lookup("identity document", document)
}

/// The place of a sealed request is all that stands in clear beside it, so that none of it changes unnoticed.
fn request_place(entry: &Entry, idempotency: &[u8; 32]) -> String {
    let Entry {
        number,
        year,
        sequence,
        office,
        entity,
        caller,
        ..
    } = entry;
    let (direction, presented) = (word(entry.direction), milliseconds(entry.presented));
    let originals: Vec<String> = entry.originals.iter().map(BlobId::to_string).collect();
    format!(
        "request\n{number}\n{year}\n{sequence}\n{office}\n{entity}\n{direction}\n{presented}\n{}\n{}\n{caller}",
        hex(idempotency),
        originals.join(" "),
    )
}

fn details_place<'a>(number: &str, sealed: Time, made: impl Iterator<Item = &'a BlobId>) -> String {
    let made: Vec<String> = made.map(BlobId::to_string).collect();
    format!(
        "details\n{number}\n{}\n{}",
        milliseconds(sealed),
        made.join(" ")
    )
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Entry => "entrada",
        Direction::Exit => "salida",
    }
}

fn direction(word: &str) -> Result<Direction> {
    match word {
        "entrada" => Ok(Direction::Entry),
        "salida" => Ok(Direction::Exit),
        _ => Err(altered()),
    }
}

/// Milliseconds, rounded up: what is presented at or after an instant is so at or after the next whole millisecond.
fn milliseconds_up(instant: Time) -> i64 {
    let down = instant.truncated_to_milliseconds();
    milliseconds(down).saturating_add(i64::from(down < instant))
}
