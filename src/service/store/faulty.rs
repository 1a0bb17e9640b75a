//! A store that fails on demand, for tests: before it does anything, after it has done it, or by not answering in time.

use super::*;
use crate::engine::Error;
use std::collections::VecDeque;
use std::sync::Mutex;

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done, and an error is reported.
    Fails,
    /// It is done, and an error is reported all the same.
    FailsButPersists,
    /// Nothing is heard for this long, then an error; it is done all the same.
    TimesOut(Duration),
}

/// The calls that may be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// [`Store::stage`].
    Stage,
    /// [`Store::take_number`].
    TakeNumber,
    /// [`Store::complete`].
    Complete,
    /// [`Store::keep_document`].
    KeepDocument,
    /// [`Store::count_attempt`].
    CountAttempt,
    /// [`Store::add_version`].
    AddVersion,
    /// [`Store::keep`].
    Keep,
    /// [`Store::pay`].
    Pay,
    /// [`Store::check_writable`].
    CheckWritable,
    /// Any call that reads.
    Read,
}

/// Wraps a store. Faults that were planned for a call come in turn; then it works again.
#[derive(Debug)]
pub struct Faulty<S> {
    store: S,
    plan: Mutex<VecDeque<(Call, Fault)>>,
}

impl<S: Store> Faulty<S> {
    /// A store that works until a fault is planned.
    pub fn new(store: S) -> Self {
        Faulty {
            store,
            plan: Mutex::new(VecDeque::new()),
        }
    }

    /// Makes the next call of this kind that has no fault yet fail.
    pub fn plan(&self, call: Call, fault: Fault) {
        let mut plan = self.plan.lock().unwrap_or_else(|e| e.into_inner());
        plan.push_back((call, fault));
    }

    /// The store within.
    pub fn inner(&self) -> &S {
        &self.store
    }

    fn next(&self, call: Call) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap_or_else(|e| e.into_inner());
        let at = plan.iter().position(|(planned, _)| *planned == call)?;
        plan.remove(at).map(|(_, fault)| fault)
    }

    fn call<T>(&self, call: Call, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let failure = || Err(Error::unavailable("store", "a fault of the test"));
        match self.next(call) {
            None => work(),
            Some(Fault::Fails) => failure(),
            Some(Fault::FailsButPersists) => {
                work()?;
                failure()
            }
            Some(Fault::TimesOut(after)) => {
                work()?;
                std::thread::sleep(after);
                failure()
            }
        }
    }
}

impl<S: Store> Store for Faulty<S> {
    fn stage(&self, content: &mut dyn Read) -> Result<Staged> {
        self.call(Call::Stage, || self.store.stage(content))
    }

    fn take_number(&self, entry: NewEntry, originals: Vec<Staged>) -> Result<Taken> {
        self.call(Call::TakeNumber, || {
            self.store.take_number(entry, originals)
        })
    }

    fn known(
        &self,
        caller: &str,
        idempotency_key: &str,
        request_digest: &[u8; 32],
    ) -> Result<Option<Entry>> {
        self.call(Call::Read, || {
            self.store.known(caller, idempotency_key, request_digest)
        })
    }

    fn complete(&self, number: &str, completion: Completion) -> Result<Entry> {
        self.call(Call::Complete, || self.store.complete(number, completion))
    }

    fn incomplete(&self) -> Result<Vec<Entry>> {
        self.call(Call::Read, || self.store.incomplete())
    }

    fn entry(&self, number: &str) -> Result<Option<Entry>> {
        self.call(Call::Read, || self.store.entry(number))
    }

    fn find(&self, query: &EntryQuery) -> Result<EntryPage> {
        self.call(Call::Read, || self.store.find(query))
    }

    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>> {
        self.call(Call::Read, || self.store.open_blob(id))
    }

    fn blob(&self, id: &BlobId) -> Result<Vec<u8>> {
        self.call(Call::Read, || self.store.blob(id))
    }

    fn keep_document(
        &self,
        code: CodeRecord,
        original: Staged,
        printable: Option<Staged>,
        owed: Option<Owed>,
    ) -> Result<()> {
        self.call(Call::KeepDocument, || {
            self.store.keep_document(code, original, printable, owed)
        })
    }

    fn document(&self, id: &str) -> Result<Option<Document>> {
        self.call(Call::Read, || self.store.document(id))
    }

    fn count_attempt(
        &self,
        id: &str,
        address: &str,
        now: Time,
        window: Duration,
    ) -> Result<Attempts> {
        self.call(Call::CountAttempt, || {
            self.store.count_attempt(id, address, now, window)
        })
    }

    fn note_seal(&self, name: &str, certificate: &[u8], now: Time) -> Result<()> {
        self.store.note_seal(name, certificate, now)
    }

    fn seals(&self) -> Result<Vec<SealRecord>> {
        self.call(Call::Read, || self.store.seals())
    }

    fn add_version(&self, number: &str, level: &str, acuse: Staged, now: Time) -> Result<u32> {
        self.call(Call::AddVersion, || {
            self.store.add_version(number, level, acuse, now)
        })
    }

    fn versions(&self, number: &str) -> Result<Vec<Version>> {
        self.call(Call::Read, || self.store.versions(number))
    }

    fn keep(&self, document: NewKept) -> Result<Kept> {
        self.call(Call::Keep, || self.store.keep(document))
    }

    fn kept(&self, id: &str) -> Result<Option<Kept>> {
        self.call(Call::Read, || self.store.kept(id))
    }

    fn forget(&self, id: Option<&str>, now: Time) -> Result<u64> {
        self.store.forget(id, now)
    }

    fn debts(&self, after: Option<&str>, limit: u32) -> Result<Vec<Debt>> {
        self.call(Call::Read, || self.store.debts(after, limit))
    }

    fn debt(&self, id: &str) -> Result<Option<Debt>> {
        self.call(Call::Read, || self.store.debt(id))
    }

    fn debt_of(&self, of: &OwedOf) -> Result<Option<Debt>> {
        self.call(Call::Read, || self.store.debt_of(of))
    }

    fn count_debts(&self) -> Result<BTreeMap<String, u64>> {
        self.call(Call::Read, || self.store.count_debts())
    }

    fn claim_debt(&self, now: Time, lease: Duration) -> Result<Option<Debt>> {
        self.store.claim_debt(now, lease)
    }

    fn put_off(&self, id: &str, due: Time, problem: &str) -> Result<()> {
        self.store.put_off(id, due, problem)
    }

    fn pay(&self, id: &str, payment: Payment) -> Result<bool> {
        self.call(Call::Pay, || self.store.pay(id, payment))
    }

    fn document_versions(&self, id: &str) -> Result<Vec<DocumentVersion>> {
        self.call(Call::Read, || self.store.document_versions(id))
    }

    fn last_presented(&self) -> Result<Option<Time>> {
        self.call(Call::Read, || self.store.last_presented())
    }

    fn check_writable(&self) -> Result<()> {
        self.call(Call::CheckWritable, || self.store.check_writable())
    }
}
