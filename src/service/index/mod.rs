//! The index of revocation lists: every list that was fetched or given, looked up in microseconds, with its history.
//!
//! A list comes in once ([`Index::prepare`], [`Index::publish`]): streamed, sorted, verified by its issuer's key, written
//! beside the original, renamed when it is whole. Readers keep what they have open; the newest list of a [`Shelf`] is the
//! current one, older ones answer what was known then. A restart opens files and parses none; a file that is not what was
//! written is made again from the original, or removed where that is not sound either. What a list means for a certificate
//! is `engine/pki/revocation`; fetching is `sources/crl`.

mod folder;
mod listed;
mod map;
mod pem;
mod shelves;

pub use folder::{NewFile, Provenance};
pub use listed::{Listed, Shelf};
pub use shelves::{Asked, Retention, Shelves};

use crate::engine::crypto::SignatureInput;
use crate::engine::evidence::{Bytes, Object, ObjectId, ObjectKind, Origin, Originals};
use crate::engine::pki::crl::{ListHeader, RevocationList};
use crate::engine::pki::revocation::index::{Built, Excerpt, Signed, build};
use crate::engine::pki::{Certificate, Name};
use crate::engine::{Error, ErrorKind, Result, Time};
use folder::{Folder, Part, failed};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// The largest list whose signature is over the message (Ed25519, Ed448), which has to be held in memory to be verified.
const MESSAGE_BYTES: usize = 256 << 20;

/// Lists up to this size go into evidence whole: with the bytes around its entries an excerpt has some 2 KB.
const WHOLE_BYTES: u64 = 64 << 10;

/// All lists.
#[derive(Debug)]
pub struct Index {
    folder: Folder,
    retention: Retention,
    shelves: RwLock<Arc<Shelves>>,
    changing: Mutex<()>,
    added: AtomicU64,
    refused: AtomicU64,
    rebuilt: AtomicU64,
}

/// Where a list that comes in is from.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct From {
    pub url: Option<String>,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

/// A list that was indexed and verified, and is not kept yet.
#[derive(Debug)]
pub struct Prepared {
    /// To be asked at once.
    pub listed: Arc<Listed>,
    index: NewFile,
}

/// The file of a list that was prepared.
#[derive(Debug)]
pub enum Original<'a> {
    /// One of the folder ([`Index::incoming`]), kept as it is.
    Incoming(NewFile),
    /// One of somebody else, copied.
    Elsewhere(&'a Path),
}

/// Counts, for metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Lists, older ones too.
    pub lists: u64,
    /// Lists that are the newest of their shelf.
    pub current: u64,
    /// Entries of the current lists.
    pub entries: u64,
    /// Bytes of all lists and their indexes.
    pub bytes: u64,
    /// Current lists whose successor is overdue.
    pub overdue: u64,
    /// Seconds since the thisUpdate of the oldest current list.
    pub oldest_seconds: u64,
    /// Lists taken in since the start.
    pub added: u64,
    /// Lists refused since the start: no list, or not signed by its issuer.
    pub refused: u64,
    /// Indexes made again since the start.
    pub rebuilt: u64,
}

impl Index {
    /// The index in the folder at `path`, made where it is not there.
    pub fn open(path: &Path, retention: Retention) -> Result<Index> {
        let index = Index {
            folder: Folder::open(path)?,
            retention,
            shelves: RwLock::default(),
            changing: Mutex::default(),
            added: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            rebuilt: AtomicU64::new(0),
        };
        index.rescan()?;
        Ok(index)
    }

    /// Looks for what others wrote to the folder, or removed from it; answers what was not known before.
    pub fn rescan(&self) -> Result<Vec<Arc<Listed>>> {
        let _changing = self.changing();
        let before = self.shelves();
        let mut all = Vec::new();
        for id in self.folder.lists()? {
            let known = before.by_id(&id);
            match known.filter(|listed| !listed.is_corrupted()) {
                Some(open) => all.push(open.clone()),
                None => all.extend(self.open_or_rebuild(&id, known.is_some())),
            }
        }
        let known = |listed: &&Arc<Listed>| before.by_id(&listed.object_id()).is_some();
        let new = all.iter().filter(|one| !known(one)).cloned().collect();
        self.set(Shelves::of(all));
        Ok(new)
    }

    /// A list as it is in the folder; none, and no trace of it, where nothing sound is there. A `suspect` is read whole.
    fn open_or_rebuild(&self, id: &ObjectId, suspect: bool) -> Option<Arc<Listed>> {
        let opened = || -> Result<Listed> {
            let listed = Listed::open(
                &self.folder.read(id, Part::Index)?,
                self.folder.provenance(id)?,
            )?;
            if listed.object_id() != *id {
                return Err(Error::malformed("CRL index", "is of another list"));
            }
            if suspect {
                listed.index().verify()?;
            }
            Ok(listed)
        };
        match opened().or_else(|_| self.rebuild(id)) {
            Ok(listed) => Some(Arc::new(listed)),
            // Without room on the disk it may be made another time.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                if self.folder.is_abandoned(id) {
                    self.folder.remove(id);
                }
                tracing::warn!(element = error.element(), "{}", error.problem());
                None
            }
            Err(error) => {
                tracing::warn!(
                    element = error.element(),
                    "a CRL is not what was kept: {}",
                    error.problem()
                );
                self.folder.remove(id);
                None
            }
        }
    }

    /// Makes an index again from its list.
    fn rebuild(&self, id: &ObjectId) -> Result<Listed> {
        let provenance = self.folder.provenance(id)?;
        let mut list = self.folder.read(id, Part::List)?;
        let spki = provenance.spki()?;
        let key = crate::engine::crypto::PublicKey::from_spki(&spki)?;
        let original = list
            .try_clone()
            .map_err(|error| failed("reading a file of it", &error))?;
        let (index, built) = self.build(&mut list, |header, signed| {
            match holds(header, signed, &original, |input| {
                header.is_signed_by(&key, input)
            })? {
                true => Ok(spki.clone()),
                false => Err(not_signed()),
            }
        })?;
        if built.id != id.0 {
            return Err(Error::malformed(
                "CRL",
                "is not the one that was kept under its name",
            ));
        }
        let listed = self.opened(&index, provenance)?;
        self.folder.publish(index, id, Part::Index)?;
        self.rebuilt.fetch_add(1, Ordering::Relaxed);
        Ok(listed)
    }

    fn build(
        &self,
        list: &mut File,
        authenticate: impl FnOnce(&ListHeader, &Signed) -> Result<Vec<u8>>,
    ) -> Result<(NewFile, Built)> {
        let mut index = self.folder.new_file()?;
        list.seek(SeekFrom::Start(0))
            .map_err(|error| failed("reading a file of it", &error))?;
        let built = build(list, index.file(), self.folder.scratch()?, authenticate)?;
        Ok((index, built))
    }

    fn opened(&self, index: &NewFile, provenance: Provenance) -> Result<Listed> {
        Listed::open(index.as_file(), provenance)
    }

    /// A file of the folder for a list to be written to.
    pub fn incoming(&self) -> Result<NewFile> {
        self.folder.new_file()
    }

    /// Where `list` is PEM: the same in DER.
    pub fn der_of_pem(&self, list: &mut File) -> Result<Option<NewFile>> {
        let wrong = |error: std::io::Error| failed("reading a list", &error);
        let mut first = [0; 1];
        list.seek(SeekFrom::Start(0)).map_err(wrong)?;
        let is_der = list.read(&mut first).map_err(wrong)? == 0 || first[0] == 0x30;
        list.seek(SeekFrom::Start(0)).map_err(wrong)?;
        if is_der {
            return Ok(None);
        }
        let mut der = self.folder.new_file()?;
        pem::decode(list, der.file())?;
        Ok(Some(der))
    }

    /// Indexes the DER list in `list`, read from its beginning, if one of `signers` is its issuer and its key made the
    /// signature. What comes back answers at once, and is kept by [`Index::publish`].
    pub fn prepare(
        &self,
        list: &mut File,
        signers: &[Certificate],
        from: From,
        now: Time,
    ) -> Result<Prepared> {
        let original = list
            .try_clone()
            .map_err(|error| failed("reading a list", &error))?;
        let mut signer_key = Vec::new();
        let built = self.build(list, |header, signed| {
            for signer in signers
                .iter()
                .filter(|signer| signer.subject() == header.issuer())
            {
                let by = |input: SignatureInput<'_>| {
                    signer
                        .public_key()
                        .is_ok_and(|key| header.is_signed_by(key, input))
                };
                if holds(header, signed, &original, by)? {
                    signer_key = signer.spki().to_vec();
                    return Ok(signer_key.clone());
                }
            }
            Err(not_signed())
        });
        let (index, listed) = built
            .and_then(|(index, built)| {
                let provenance = Provenance {
                    key: Provenance::encode(&signer_key),
                    url: from.url,
                    obtained: now,
                    etag: from.etag,
                    last_modified: from.last_modified,
                };
                let listed = self.opened(&index, provenance)?;
                debug_assert_eq!(listed.id(), built.id);
                Ok((index, listed))
            })
            .inspect_err(|error| {
                if error.kind() != ErrorKind::Unavailable {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                }
            })?;
        Ok(Prepared {
            listed: Arc::new(listed),
            index,
        })
    }

    /// Keeps what was prepared: synced, renamed, and current from then on where it is the newest of its shelf. The same
    /// list again only notes where it was found last.
    pub fn publish(
        &self,
        prepared: Prepared,
        original: Original<'_>,
        now: Time,
    ) -> Result<Arc<Listed>> {
        let Prepared { listed, index } = prepared;
        let id = listed.object_id();
        let _changing = self.changing();
        let known = self
            .shelves()
            .by_id(&id)
            .is_some_and(|known| !known.is_corrupted());
        if !known {
            let list = match original {
                Original::Incoming(file) => file,
                Original::Elsewhere(path) => self.copy(path, &id)?,
            };
            self.folder.publish(list, &id, Part::List)?;
        }
        self.folder.note(&id, listed.provenance())?;
        let listed = if known {
            drop(index);
            self.open_or_rebuild(&id, false).ok_or_else(lost)?
        } else {
            self.folder.publish(index, &id, Part::Index)?;
            self.added.fetch_add(1, Ordering::Relaxed);
            listed
        };
        let (shelves, removed) = self.shelves().with(listed.clone(), &self.retention, now);
        self.set(shelves);
        removed.iter().for_each(|id| self.folder.remove(id));
        Ok(listed)
    }

    /// [`prepare`](Self::prepare) and [`publish`](Self::publish) of a file that is not of this folder: DER or PEM.
    pub fn add_file(&self, path: &Path, signers: &[Certificate], now: Time) -> Result<Arc<Listed>> {
        let mut file = File::open(path).map_err(|error| {
            Error::not_found(
                path.display().to_string(),
                format!("cannot be read: {}", error.kind()),
            )
        })?;
        if let Some(mut der) = self.der_of_pem(&mut file)? {
            let prepared = self.prepare(der.file(), signers, From::default(), now)?;
            return self.publish(prepared, Original::Incoming(der), now);
        }
        let prepared = self.prepare(&mut file, signers, From::default(), now)?;
        self.publish(prepared, Original::Elsewhere(path), now)
    }

    /// A copy of the file at `path`, which must still be the list that was indexed.
    fn copy(&self, path: &Path, id: &ObjectId) -> Result<NewFile> {
        let mut copy = self.folder.new_file()?;
        let mut from = File::open(path).map_err(|error| failed("reading a list", &error))?;
        let mut hasher =
            crate::engine::crypto::Hasher::new(crate::engine::crypto::DigestAlgorithm::Sha256);
        let mut chunk = vec![0; 256 << 10];
        loop {
            let count = from
                .read(&mut chunk)
                .map_err(|error| failed("reading a list", &error))?;
            if count == 0 {
                break;
            }
            hasher.update(&chunk[..count]);
            std::io::Write::write_all(copy.file(), &chunk[..count])
                .map_err(|error| failed("writing a file to it", &error))?;
        }
        if hasher.finish() != id.0 {
            return Err(
                Error::unavailable("CRL", "was changed while it was read").remedy("Try again.")
            );
        }
        Ok(copy)
    }

    /// The lists of this key that were current at `at`: one of each scope, complete ones and deltas.
    pub fn at(&self, key: &[u8; 32], at: Time) -> Vec<Arc<Listed>> {
        self.shelves().at(key, at)
    }

    /// The newest list that was fetched from `url`.
    pub fn by_url(&self, url: &str) -> Option<Arc<Listed>> {
        self.shelves().by_url(url)
    }

    /// The list whose SHA-256 this is.
    pub fn by_id(&self, id: &ObjectId) -> Option<Arc<Listed>> {
        self.shelves().by_id(id).cloned()
    }

    /// What `listed` says of one certificate, for evidence. An index that turns out to be corrupted is made again first.
    pub fn excerpt(&self, listed: &Arc<Listed>, issuer: &Name, serial: &[u8]) -> Result<Excerpt> {
        let answer = listed.excerpt(issuer, serial);
        if !listed.is_corrupted() {
            return answer;
        }
        self.rescan()?;
        let again = self.by_id(&listed.object_id());
        again.ok_or_else(lost)?.excerpt(issuer, serial)
    }

    /// The same as an object of evidence; a small list is one itself.
    pub fn object(&self, listed: &Arc<Listed>, issuer: &Name, serial: &[u8]) -> Result<Object> {
        let from = listed.provenance();
        let origin = from
            .url
            .clone()
            .map_or(Origin::Given, |url| Origin::Fetched {
                url,
                at: from.obtained,
            });
        if listed.index().list_bytes() <= WHOLE_BYTES
            && let Some(list) = self.list(&listed.object_id())
        {
            return Ok(Object::new(
                ObjectKind::CertificateRevocationList,
                list,
                origin,
            ));
        }
        let excerpt = self.excerpt(listed, issuer, serial)?;
        Ok(Object::new(
            ObjectKind::RevocationListExcerpt,
            excerpt.to_der(),
            origin,
        ))
    }

    /// What was known at `at` about the certificate with `serial` that `issuer` issued, by the lists that `key` signed: of
    /// each scope the complete list and the delta to it.
    pub fn ask(
        &self,
        key: &[u8; 32],
        issuer: &Name,
        serial: &[u8],
        at: Time,
    ) -> Result<Vec<Asked>> {
        let asked = self.shelves().ask(key, issuer, serial, at);
        let corrupted = |listed: &Arc<Listed>| listed.is_corrupted();
        if asked.is_err() && self.shelves().iter().any(corrupted) {
            self.rescan()?;
            return self.shelves().ask(key, issuer, serial, at);
        }
        asked
    }

    /// Reads every file and checks every checksum; answers which lists were made again or are gone.
    pub fn check(&self) -> Result<Vec<ObjectId>> {
        let mut wrong = Vec::new();
        for listed in self.shelves().iter() {
            if listed.index().verify().is_err() || self.original(&listed.object_id()).is_err() {
                wrong.push(listed.object_id());
                self.folder.remove_index(&listed.object_id());
                listed.distrust();
            }
        }
        self.rescan()?;
        Ok(wrong)
    }

    /// The list itself, where it is what its name says.
    fn original(&self, id: &ObjectId) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.folder.read(id, Part::List)?;
        file.read_to_end(&mut bytes)
            .map_err(|error| failed("reading a file of it", &error))?;
        if ObjectId::of(&bytes) != *id {
            return Err(Error::malformed(
                "CRL",
                "is not the one that was kept under its name",
            ));
        }
        Ok(bytes)
    }

    /// Counts at `now`.
    pub fn figures(&self, now: Time) -> Figures {
        let shelves = self.shelves();
        let load = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let mut figures = Figures {
            added: load(&self.added),
            refused: load(&self.refused),
            rebuilt: load(&self.rebuilt),
            ..Figures::default()
        };
        for listed in shelves.iter() {
            figures.lists += 1;
            figures.bytes += listed.bytes();
        }
        for listed in shelves.current() {
            figures.current += 1;
            figures.entries += listed.index().entries();
            let age = now.since(listed.header().this_update()).as_secs();
            figures.oldest_seconds = figures.oldest_seconds.max(age);
            figures.overdue +=
                u64::from(listed.header().next_update().is_some_and(|next| next < now));
        }
        figures
    }

    /// All lists, as they are now.
    pub fn shelves(&self) -> Arc<Shelves> {
        self.shelves
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, shelves: Shelves) {
        *self.shelves.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shelves);
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Originals for Index {
    fn list(&self, id: &ObjectId) -> Option<Bytes> {
        self.original(id).ok().map(Bytes::from)
    }
}

/// Whether what was signed holds by `by`; a message is read from `original`.
fn holds(
    header: &ListHeader,
    signed: &Signed,
    original: &File,
    by: impl Fn(SignatureInput<'_>) -> bool,
) -> Result<bool> {
    header.signature_algorithm()?;
    match signed {
        Signed::Digest(digest) => Ok(by(SignatureInput::Digest(digest))),
        Signed::Message(range) if range.len() > MESSAGE_BYTES => Err(Error::limit(
            "CRL",
            "is too large for a signature that is over the message itself",
        )),
        Signed::Message(range) => {
            let mut message = vec![0; range.len()];
            original
                .read_exact_at(&mut message, range.start as u64)
                .map_err(|error| failed("reading a list", &error))?;
            Ok(by(SignatureInput::Message(&message)))
        }
    }
}

fn not_signed() -> Error {
    Error::refused(
        "CRL",
        "is not signed by a key of its issuer that is known here",
    )
    .remedy("Give the certificate of the issuer that signs its lists.")
}

fn lost() -> Error {
    Error::unavailable(
        "CRL index",
        "the list was corrupted and has to be fetched again",
    )
}
