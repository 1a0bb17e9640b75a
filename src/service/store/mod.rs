//! What is kept: the journal of the register, the documents behind codes, the history of seals, and the bytes of all of it.
//!
//! [`Store`] states what every implementation guarantees; [`SqliteStore`] is the embedded one, with blobs on disk;
//! [`Faulty`] wraps a store for tests and fails on demand. Not here: what a receipt is made of (`engine::register`), and
//! the order of the steps (`flow`).

mod blobs;
mod cipher;
mod faulty;
mod owed;
mod owner;
mod sqlite;

pub use blobs::Staged;
pub use faulty::{Call, Fault, Faulty};
pub use owed::{
    Debt, DocumentVersion, Kept, NewKept, Owed, OwedOf, Payment, blob_apart, stage_apart,
};
pub use sqlite::{SqliteStore, StoreOptions, read_debts};

use crate::engine::codes::{CodeId, KeyedCode, Validity};
use crate::engine::register::{Direction, NumberLayout};
use crate::engine::{Result, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::time::Duration;

/// Keeps everything. All methods may be called from many threads at once, and block; none of them waits for anything
/// but the disk. An error leaves nothing behind, except where the method says otherwise.
pub trait Store: fmt::Debug + Send + Sync {
    /// Writes content, encrypted, beside the store, and syncs it. It becomes part of the store when the method that it
    /// is handed to commits; dropped before, or lost in a crash, it leaves nothing.
    fn stage(&self, content: &mut dyn Read) -> Result<Staged>;

    /// Gives a request its number, in one short transaction that is synced before this returns.
    ///
    /// * The same caller and idempotency key with the same request digest answer [`Taken::Known`], with another digest
    ///   [`ErrorKind::Conflict`](crate::engine::ErrorKind) naming both; neither takes a number.
    /// * The presentation instant is the store's clock within the transaction, to the millisecond. A clock that stands
    ///   before the last presentation instant is refused ([`clock::sane`](crate::service::clock::sane)): of two numbers
    ///   of one sequence, the larger never has the earlier instant.
    /// * The sequence of (year of the presentation instant in the zone of the sede, office) has no gap and no double.
    /// * Number, entry and originals commit together or not at all. After an error that is no refusal
    ///   ([`ErrorKind::Unavailable`](crate::engine::ErrorKind)) the entry may be there all the same: the same call again
    ///   finds it.
    fn take_number(&self, entry: NewEntry, originals: Vec<Staged>) -> Result<Taken>;

    /// The entry that this caller's key was used for, if any; a
    /// [`ErrorKind::Conflict`](crate::engine::ErrorKind) naming both digests where that was for other content.
    fn known(
        &self,
        caller: &str,
        idempotency_key: &str,
        request_digest: &[u8; 32],
    ) -> Result<Option<Entry>>;

    /// Keeps what was made for a number, in one transaction that is synced before this returns. The first bytes win: an
    /// entry that is complete stays as it is, and is returned.
    fn complete(&self, number: &str, completion: Completion) -> Result<Entry>;

    /// The entries that have a number and no receipt yet, in the order of their numbers' taking.
    fn incomplete(&self) -> Result<Vec<Entry>>;

    /// The entry with this number.
    fn entry(&self, number: &str) -> Result<Option<Entry>>;

    /// Entries in the order of presentation, a page at a time.
    fn find(&self, query: &EntryQuery) -> Result<EntryPage>;

    /// The content of a blob, read piece by piece. Each piece is authentic when it comes out; the last read fails if
    /// the whole is not what the id says.
    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>>;

    /// The content of a blob, whole and checked.
    fn blob(&self, id: &BlobId) -> Result<Vec<u8>>;

    /// Keeps a document with its code, together with what is owed of it. An id that is taken already is a
    /// [`ErrorKind::Conflict`](crate::engine::ErrorKind).
    fn keep_document(
        &self,
        code: CodeRecord,
        original: Staged,
        printable: Option<Staged>,
        owed: Option<Owed>,
    ) -> Result<()>;

    /// The document behind the id of a code, expired or not.
    fn document(&self, id: &str) -> Result<Option<Document>>;

    /// Counts one attempt on an id from an address, and answers how many there were within the window of `now`, with
    /// this one. Both are kept as keyed hashes, survive a restart, and are forgotten after their window.
    fn count_attempt(
        &self,
        id: &str,
        address: &str,
        now: Time,
        window: Duration,
    ) -> Result<Attempts>;

    /// Notes that a seal with this certificate (DER) is in use at `now`.
    fn note_seal(&self, name: &str, certificate: &[u8], now: Time) -> Result<()>;

    /// Every certificate that every seal ever had, in the order of first use.
    fn seals(&self) -> Result<Vec<SealRecord>>;

    /// Adds a further version of the receipt of a complete entry (one augmented to a higher level), and answers its
    /// number, from 2 on. Version 1 is the first receipt, which never changes.
    fn add_version(&self, number: &str, level: &str, acuse: Staged, now: Time) -> Result<u32>;

    /// The further versions of a receipt, oldest first.
    fn versions(&self, number: &str) -> Result<Vec<Version>>;

    /// Keeps a document for its caller, together with what is owed of it. What is kept under its id already stays as it
    /// is, and is returned.
    fn keep(&self, document: NewKept) -> Result<Kept>;

    /// What is kept under this id.
    fn kept(&self, id: &str) -> Result<Option<Kept>>;

    /// Forgets what is kept under this id and owed of it; without an id, all that is kept no longer at `now` and owed no
    /// level. Its bytes are removed from the disk, after a crash at the next start. Answers how many there were.
    fn forget(&self, id: Option<&str>, now: Time) -> Result<u64>;

    /// What is owed, in the order of ids, a page of at most 1,000 at a time.
    fn debts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Debt>>;

    /// The debt of this id.
    fn debt(&self, id: &str) -> Result<Option<Debt>>;

    /// What is owed of this.
    fn debt_of(&self, of: &OwedOf) -> Result<Option<Debt>>;

    /// How much is owed, by level.
    fn count_debts(&self) -> Result<BTreeMap<String, u64>>;

    /// A debt that is due at `now`. Nobody else is given it within `lease`; after that it is due again, so that a crash
    /// loses none.
    fn claim_debt(&self, now: Time, lease: Duration) -> Result<Option<Debt>>;

    /// A debt could not be paid, and is due again at `due`.
    fn put_off(&self, id: &str, due: Time, problem: &str) -> Result<()>;

    /// Keeps what a debt is paid with as a further version, and strikes the debt out, in one transaction. False where it
    /// was paid before: then nothing is kept.
    fn pay(&self, id: &str, payment: Payment) -> Result<bool>;

    /// The further versions of a document behind a code, oldest first.
    fn document_versions(&self, id: &str) -> Result<Vec<DocumentVersion>>;

    /// The last presentation instant of any entry.
    fn last_presented(&self) -> Result<Option<Time>>;

    /// Writes and syncs, to know that it can.
    fn check_writable(&self) -> Result<()>;
}

/// A request that is to be registered.
pub struct NewEntry {
    /// The name of the caller that sent it.
    pub caller: String,
    /// The caller's own name for this request.
    pub idempotency_key: String,
    /// SHA-256 over everything that was sent.
    pub request_digest: [u8; 32],
    /// The code of the entity whose book it goes to.
    pub entity: String,
    /// The code of the office whose sequence it takes a number of.
    pub office: String,
    /// Entry or exit.
    pub direction: Direction,
    /// The identity documents by which it can be looked up. Kept as keyed hashes.
    pub persons: Vec<String>,
    /// What the flow needs to make the receipt, now or after a crash. Kept encrypted.
    pub metadata: Vec<u8>,
    /// How its number is printed.
    pub layout: NumberLayout,
}

impl fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewEntry")
            .field("caller", &self.caller)
            .field("entity", &self.entity)
            .field("office", &self.office)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}

/// How a number was taken.
#[derive(Debug)]
pub enum Taken {
    /// The request is new and has a number now.
    New(Entry),
    /// The request was here before; this is its entry, complete or not.
    Known(Entry),
}

impl Taken {
    /// The entry, new or known.
    pub fn into_entry(self) -> Entry {
        match self {
            Taken::New(entry) | Taken::Known(entry) => entry,
        }
    }
}

/// An entry of the register.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub number: String,
    /// The year of the number.
    pub year: u16,
    /// The place in the sequence of year and office.
    pub sequence: u64,
    /// The office.
    pub office: String,
    /// The entity.
    pub entity: String,
    /// Entry or exit.
    pub direction: Direction,
    /// Who sent it.
    pub caller: String,
    /// When it was presented, to the millisecond.
    pub presented: Time,
    /// SHA-256 over everything that was sent.
    pub request_digest: [u8; 32],
    /// What the flow gave to be kept with it.
    pub metadata: Vec<u8>,
    /// The bytes as sent, in the order sent.
    pub originals: Vec<BlobId>,
    /// What was made for it; `None` while it only has its number.
    pub receipt: Option<Receipt>,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("number", &self.number)
            .field("presented", &self.presented)
            .field("complete", &self.receipt.is_some())
            .finish_non_exhaustive()
    }
}

/// What was made for an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// When it was sealed.
    pub sealed: Time,
    /// The acuse de recibo (ZIP).
    pub acuse: BlobId,
    /// The justificante (PDF).
    pub justificante: BlobId,
    /// The evidence that the seals were valid.
    pub evidence: Option<BlobId>,
    /// What the flow gave to be kept with it.
    pub details: Vec<u8>,
}

/// What was made for a number, to be kept.
#[derive(Debug)]
pub struct Completion {
    /// When it was sealed.
    pub sealed: Time,
    /// The acuse de recibo (ZIP).
    pub acuse: Staged,
    /// The justificante (PDF).
    pub justificante: Staged,
    /// The evidence that the seals were valid.
    pub evidence: Option<Staged>,
    /// What the flow wants to find again with the receipt. Kept encrypted.
    pub details: Vec<u8>,
    /// The code that the justificante bears; the justificante becomes the document behind it.
    pub code: Option<CodeRecord>,
    /// The level that is owed of the justificante's seal.
    pub owed: Option<Owed>,
}

/// Which entries to find. The default is all of them.
#[derive(Clone, Default)]
pub struct EntryQuery {
    /// Of one of these entities.
    pub entities: Option<Vec<String>>,
    /// Of this office.
    pub office: Option<String>,
    /// Entry or exit.
    pub direction: Option<Direction>,
    /// With this identity document.
    pub person: Option<String>,
    /// Presented at this instant or later.
    pub from: Option<Time>,
    /// Presented before this instant.
    pub until: Option<Time>,
    /// After this place of an earlier page.
    pub after: Option<i64>,
    /// So many at most; at most 1,000, and 100 for zero.
    pub limit: u32,
}

impl fmt::Debug for EntryQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryQuery")
            .field("entities", &self.entities)
            .field("office", &self.office)
            .field("person", &self.person.is_some())
            .finish_non_exhaustive()
    }
}

/// A page of entries.
#[derive(Debug)]
pub struct EntryPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Where the next page goes on, if there is one.
    pub next: Option<i64>,
}

/// The name of a blob: a keyed hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub(crate) [u8; 32]);

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A code of authenticity as it is kept: the groups as keyed hashes alone.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeRecord {
    /// The Id. CEA.
    pub id: CodeId,
    /// Its date, and its six groups as keyed hashes.
    pub code: KeyedCode,
    /// How long it holds.
    pub validity: Validity,
    /// When it was made.
    pub issued: Time,
    /// The code of the entity that answers for the document.
    pub entity: String,
    /// Who had it made.
    pub caller: String,
    /// The seal on the document.
    pub seal: String,
}

impl fmt::Debug for CodeRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeRecord")
            .field("validity", &self.validity)
            .field("issued", &self.issued)
            .finish_non_exhaustive()
    }
}

/// A document behind a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its code.
    pub code: CodeRecord,
    /// The sealed document.
    pub original: BlobId,
    /// A form of it for print, where that is another.
    pub printable: Option<BlobId>,
    /// The register number, where it is a justificante.
    pub number: Option<String>,
}

/// Attempts within the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// On this id.
    pub on_id: u32,
    /// From this address.
    pub from_address: u32,
}

/// A certificate that a seal had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealRecord {
    /// The name of the seal.
    pub name: String,
    /// The certificate (DER).
    pub certificate: Vec<u8>,
    /// When it was first in use.
    pub first_used: Time,
    /// When it was last in use.
    pub last_used: Time,
}

/// A further version of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// From 2 on.
    pub version: u32,
    /// The level of its signatures.
    pub level: String,
    /// When it was made.
    pub made: Time,
    /// The acuse.
    pub acuse: BlobId,
}
