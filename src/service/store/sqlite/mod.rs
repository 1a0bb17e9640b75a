//! The embedded store: one SQLite database in WAL mode with every commit synced, blobs beside it, one owner.
//!
//! Writes go through one thread that puts whatever waits into one transaction (`writer`), so that fifty callers share
//! the cost of one sync; reads have connections of their own and never wait for writes. `schema` is the tables, `journal`
//! the entries, `records` everything else.

mod journal;
mod owed;
mod records;
mod schema;
mod writer;

use super::blobs::{Blobs, Staged, full_disk, io_error};
use super::cipher::Cipher;
use super::owner::Owner;
use super::*;
use crate::engine::Error;
use crate::service::clock::Clock;
use crate::service::keys::Secret;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use writer::Writer;

/// Where the embedded store is, and how it behaves.
#[derive(Debug)]
pub struct StoreOptions {
    /// The data folder; it is made if it is not there.
    pub data: PathBuf,
    /// The secret that encrypts what is stored.
    pub secret: Secret,
    /// The IANA zone that decides the year of a number.
    pub zone: String,
    /// How long a write is waited for.
    pub timeout: Duration,
}

/// The embedded store.
#[derive(Debug)]
pub struct SqliteStore {
    // Dropped in this order: the last writes, then the lock.
    writer: Writer,
    readers: Readers,
    blobs: Arc<Blobs>,
    cipher: Arc<Cipher>,
    clock: Arc<dyn Clock>,
    zone: Arc<str>,
    _owner: Owner,
}

impl SqliteStore {
    /// Opens the store, or makes it. Refused while another process has it, and with another secret than it was made
    /// with. What a crash left over on disk is cleared away first; entries without a receipt are
    /// [`incomplete`](Store::incomplete), and for the caller to complete.
    pub fn open(options: StoreOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let StoreOptions {
            data,
            secret,
            zone,
            timeout,
        } = options;
        clock.now().in_zone(&zone)?;
        make_private_folder(&data)?;
        let owner = Owner::take(&data, clock.now())?;
        let cipher = Arc::new(Cipher::new(secret));
        let file = data.join("rubrica.sqlite");
        let mut database = connect(&file, OpenFlags::default())?;
        schema::prepare(&mut database)?;
        schema::check_secret(&database, &cipher)?;
        let blobs = Arc::new(Blobs::open(data.join("blobs"), cipher.clone())?);
        blobs.settle(|id| records::names_blob(&database, id))?;
        remove_files(&database, &blobs)?;
        Ok(SqliteStore {
            writer: Writer::start(database, timeout)?,
            readers: Readers {
                file,
                idle: Mutex::new(Vec::new()),
            },
            blobs,
            cipher,
            clock,
            zone: zone.into(),
            _owner: owner,
        })
    }

    /// Runs `work` in a transaction that is synced, and settles `staged` by what the transaction named.
    fn write<T: Send + 'static>(
        &self,
        staged: Vec<Staged>,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if !staged.is_empty() {
            self.blobs.sync_pending()?;
        }
        self.writer.run(staged, work)
    }
}

impl Store for SqliteStore {
    fn stage(&self, content: &mut dyn Read) -> Result<Staged> {
        self.blobs.stage(content)
    }

    fn take_number(&self, entry: NewEntry, originals: Vec<Staged>) -> Result<Taken> {
        let blobs: Vec<_> = originals.iter().map(|s| (s.id(), s.bytes())).collect();
        let take = journal::Take::new(entry, blobs, &self.cipher);
        let (clock, zone, cipher) = (self.clock.clone(), self.zone.clone(), self.cipher.clone());
        self.write(originals, move |db| take.run(db, &*clock, &zone, &cipher))
    }

    fn known(
        &self,
        caller: &str,
        idempotency_key: &str,
        request_digest: &[u8; 32],
    ) -> Result<Option<Entry>> {
        let key = journal::idempotency(&self.cipher, idempotency_key);
        self.readers
            .with(|db| journal::known(db, &self.cipher, caller, &key, request_digest))
    }

    fn complete(&self, number: &str, completion: Completion) -> Result<Entry> {
        let (complete, staged) = journal::Complete::new(number, completion, &self.cipher)?;
        let cipher = self.cipher.clone();
        self.write(staged, move |db| complete.run(db, &cipher))
    }

    fn incomplete(&self) -> Result<Vec<Entry>> {
        self.readers
            .with(|db| journal::incomplete(db, &self.cipher))
    }

    fn entry(&self, number: &str) -> Result<Option<Entry>> {
        self.readers
            .with(|db| journal::entry(db, &self.cipher, number))
    }

    fn find(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.readers
            .with(|db| journal::find(db, &self.cipher, query))
    }

    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.blobs.reader(id)?))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>> {
        self.blobs.read(id)
    }

    fn keep_document(
        &self,
        code: CodeRecord,
        original: Staged,
        printable: Option<Staged>,
        owed: Option<Owed>,
    ) -> Result<()> {
        let (first, second) = (original.id(), printable.as_ref().map(Staged::id));
        let sizes: Vec<_> = std::iter::once(&original)
            .chain(&printable)
            .map(|s| (s.id(), s.bytes()))
            .collect();
        let staged = std::iter::once(original).chain(printable).collect();
        let cipher = self.cipher.clone();
        self.write(staged, move |db| {
            records::name_blobs(db, &sizes).map_err(database_error)?;
            records::insert_document(db, &cipher, &code, &first, second.as_ref(), None)?;
            let Some(owed) = &owed else { return Ok(()) };
            let of = OwedOf::Document(code.id.to_string());
            owed::owe(db, &of, &code.caller, Some(&code.entity), owed, code.issued)
        })
    }

    fn document(&self, id: &str) -> Result<Option<Document>> {
        self.readers
            .with(|db| records::document(db, &self.cipher, id))
    }

    fn count_attempt(
        &self,
        id: &str,
        address: &str,
        now: Time,
        window: Duration,
    ) -> Result<Attempts> {
        let id = self.cipher.lookup("attempts on an id", id);
        let address = self.cipher.lookup("attempts from an address", address);
        self.write(Vec::new(), move |db| {
            records::count_attempt(db, &id, &address, now, window)
        })
    }

    fn note_seal(&self, name: &str, certificate: &[u8], now: Time) -> Result<()> {
        let (name, certificate) = (name.to_string(), certificate.to_vec());
        self.write(Vec::new(), move |db| {
            records::note_seal(db, &name, &certificate, now)
        })
    }

    fn seals(&self) -> Result<Vec<SealRecord>> {
        self.readers.with(records::seals)
    }

    fn add_version(&self, number: &str, level: &str, acuse: Staged, now: Time) -> Result<u32> {
        let (number, level) = (number.to_string(), level.to_string());
        let blob = (acuse.id(), acuse.bytes());
        self.write(vec![acuse], move |db| {
            records::add_version(db, &number, &level, blob, now)
        })
    }

    fn versions(&self, number: &str) -> Result<Vec<Version>> {
        self.readers.with(|db| records::versions(db, number))
    }

    fn keep(&self, document: NewKept) -> Result<Kept> {
        let NewKept {
            id,
            caller,
            made,
            until,
            format,
            level,
            signed,
            document,
            content,
            owed,
        } = document;
        let kept = Kept {
            id,
            caller,
            made,
            until,
            format,
            level,
            signed,
            document: document.id(),
            content: content.as_ref().map(Staged::id),
            latest: None,
        };
        let staged: Vec<Staged> = std::iter::once(document).chain(content).collect();
        let sizes: Vec<_> = staged.iter().map(|s| (s.id(), s.bytes())).collect();
        self.write(staged, move |db| {
            owed::keep(db, &kept, &sizes, owed.as_ref())
        })
    }

    fn kept(&self, id: &str) -> Result<Option<Kept>> {
        self.readers.with(|db| owed::kept(db, id))
    }

    fn forget(&self, id: Option<&str>, now: Time) -> Result<u64> {
        let (id, blobs) = (id.map(str::to_string), self.blobs.clone());
        let forgotten = self.write(Vec::new(), move |db| owed::forget(db, id.as_deref(), now))?;
        // Only now that it is committed that nothing names them.
        self.write(Vec::new(), move |db| remove_files(db, &blobs))?;
        Ok(forgotten)
    }

    fn debts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Debt>> {
        let after = after.unwrap_or_default();
        self.readers
            .with(|db| owed::debts(db, after, limit.min(1_000)))
    }

    fn debt(&self, id: &str) -> Result<Option<Debt>> {
        self.readers.with(|db| owed::debt(db, id))
    }

    fn debt_of(&self, of: &OwedOf) -> Result<Option<Debt>> {
        self.readers.with(|db| owed::debt_of(db, of))
    }

    fn count_debts(&self) -> Result<BTreeMap<String, u64>> {
        self.readers.with(owed::count)
    }

    fn claim_debt(&self, now: Time, lease: Duration) -> Result<Option<Debt>> {
        self.write(Vec::new(), move |db| owed::claim(db, now, lease))
    }

    fn put_off(&self, id: &str, due: Time, problem: &str) -> Result<()> {
        let (id, problem) = (id.to_string(), problem.to_string());
        self.write(Vec::new(), move |db| owed::put_off(db, &id, due, &problem))
    }

    fn pay(&self, id: &str, payment: Payment) -> Result<bool> {
        let Payment {
            level,
            made,
            document,
            acuse,
            until,
        } = payment;
        let named = |staged: &Staged| (staged.id(), staged.bytes());
        let paid = owed::Paid {
            level,
            made,
            document: named(&document),
            acuse: acuse.as_ref().map(named),
            until,
        };
        let (id, cipher) = (id.to_string(), self.cipher.clone());
        let staged = std::iter::once(document).chain(acuse).collect();
        self.write(staged, move |db| owed::pay(db, &cipher, &id, &paid))
    }

    fn document_versions(&self, id: &str) -> Result<Vec<DocumentVersion>> {
        self.readers
            .with(|db| owed::document_versions(db, &self.cipher, id))
    }

    fn last_presented(&self) -> Result<Option<Time>> {
        self.readers.with(journal::last_presented)
    }

    fn check_writable(&self) -> Result<()> {
        let now = self.clock.now();
        self.write(Vec::new(), move |db| records::touch(db, now))
    }
}

/// All that is owed in the store of a data folder, also while a service has it.
pub fn read_debts(data: &Path) -> Result<Vec<Debt>> {
    let file = data.join("rubrica.sqlite");
    if !file.exists() {
        return Err(
            Error::not_found(data.display().to_string(), "holds no store")
                .remedy("Name the data folder of the service."),
        );
    }
    let database = connect(&file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut all: Vec<Debt> = Vec::new();
    loop {
        let after = all.last().map_or("", |debt| debt.id.as_str());
        let page = owed::debts(&database, after, 1_000)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// Removes the files of blobs that nothing names any more.
fn remove_files(database: &Connection, blobs: &Blobs) -> Result<()> {
    let removed = owed::removed(database)?;
    removed.iter().try_for_each(|id| blobs.remove(id))?;
    owed::strike_removed(database, &removed)
}

/// Connections that only read; as many as there are readers at once.
#[derive(Debug)]
struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    fn with<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(
                &self.file,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?,
        };
        // One snapshot for all that is read.
        connection.execute_batch("BEGIN").map_err(database_error)?;
        let result = read(&connection);
        connection
            .execute_batch("ROLLBACK")
            .map_err(database_error)?;
        self.idle
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .push(connection);
        result
    }
}

/// How long a lock that some other program holds on the database is waited for.
const BUSY: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 5000 });

fn connect(file: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(file, flags).map_err(database_error)?;
    connection.busy_timeout(BUSY).map_err(database_error)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;",
        )
        .map_err(database_error)?;
    Ok(connection)
}

fn make_private_folder(path: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|e| io_error(path, e))
}

/// A failure of the database, as the store reports it.
fn database_error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => full_disk(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::unavailable("store", "another program holds a lock on the database").remedy(
                "End that program; back up with a copy of the closed store or SQLite's backup.",
            )
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            Error::unavailable("store", format!("the database cannot be written: {error}"))
                .remedy("Let the service's user write the data folder.")
        }
        Some(ErrorCode::SystemIoFailure) => {
            Error::unavailable("store", format!("the disk fails: {error}"))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::internal("store", "the database is damaged")
                .remedy("Restore it from the backup.")
        }
        _ => Error::internal("store", error.to_string()),
    }
}

#[cfg(test)]
mod tests;
