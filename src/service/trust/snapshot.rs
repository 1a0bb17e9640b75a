//! A snapshot of trusted lists: which are kept, which give way to which, and the one file that carries them elsewhere.
//!
//! Lists are named by the SHA-256 of their bytes, and the index that names them carries a checksum of its own: what does
//! not have the bytes that its name says is damaged and never believed. How a snapshot lies on a disk is `folder`'s.

use crate::engine::crypto::sha256;
use crate::engine::evidence::{Bytes, ObjectId};
use crate::engine::limits::{Budget, Limits};
use crate::engine::pki::trust::{Authenticity, Listing, TrustedList, TrustedLists, authenticate};
use crate::engine::syntax::zip;
use crate::engine::{Error, Result, Time};
use crate::service::sources::Validators;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

const WHAT: &str = "snapshot of trusted lists";
const FORM: &str = "rubrica-trust/1";
/// Lists of one snapshot: Europe has some forty with its pivots.
const MOST_LISTS: usize = 200;
/// Bytes of a snapshot's lists together; those of Europe have 28 MB.
const MOST_BYTES: u64 = 256 << 20;

/// What a list is in a snapshot for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The current one of its territory, or one that waits to be believed.
    List,
    /// A former list of lists that names the signers of the next.
    Pivot,
}

/// A list that is kept.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What it says.
    pub list: Arc<TrustedList>,
    /// The bytes it was read from.
    pub bytes: Bytes,
    /// About it.
    pub note: Note,
}

/// What is known of a list beside its bytes; a line of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// SHA-256 of its bytes.
    pub digest: ObjectId,
    /// What it is there for.
    pub role: Role,
    /// Where it was fetched from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the server said of this version.
    #[serde(default)]
    pub validators: Validators,
    /// Whether the operator vouched for it when it was imported.
    #[serde(default)]
    pub vouched: bool,
    /// When it came, or was last confirmed.
    pub received: Time,
}

/// The index of a snapshot.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    form: String,
    lists: Vec<Note>,
}

/// Lists that are kept together.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Sorted by role, territory and sequence.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// A list from its bytes. Errors: it cannot be read, is of a version that is not known, or does not say what every
    /// list must: territory, number, time of issue.
    pub fn new(bytes: impl Into<Bytes>, note: impl FnOnce(ObjectId) -> Note) -> Result<Entry> {
        let bytes = bytes.into();
        let list = TrustedList::read(&bytes, &mut Budget::default())?;
        let scheme = &list.scheme;
        if !list.is_usable() {
            return Err(Error::unsupported(
                "trusted list",
                "its version is neither 5 nor 6",
            ));
        }
        if scheme.territory.is_none() || scheme.sequence.is_none() || scheme.issued.is_none() {
            return Err(Error::malformed(
                "trusted list",
                "lacks its territory, its sequence number or its time of issue",
            ));
        }
        let note = note(ObjectId(list.digest));
        Ok(Entry {
            list: Arc::new(list),
            bytes,
            note,
        })
    }

    /// Its territory.
    pub fn territory(&self) -> &str {
        self.list.scheme.territory.as_deref().unwrap_or_default()
    }

    /// Its sequence number.
    pub fn sequence(&self) -> u64 {
        self.list.scheme.sequence.unwrap_or_default()
    }

    /// Why it is believed, `vouched` being the digests of the configuration. Here the verification of lists' signatures
    /// will join.
    pub fn authenticity(&self, vouched: &BTreeSet<[u8; 32]>) -> Authenticity {
        let mut vouched = vouched.clone();
        if self.note.vouched {
            vouched.insert(self.list.digest);
        }
        authenticate(&self.list, &self.bytes, &[], &vouched, None)
    }
}

impl Snapshot {
    /// The lists in use, with why each is believed: of each territory the newest that is, and those that wait.
    pub fn lists(&self, vouched: &BTreeSet<[u8; 32]>) -> TrustedLists {
        let current = self.entries.iter().filter(|e| e.note.role == Role::List);
        let listing = |entry: &Entry| Listing {
            list: entry.list.clone(),
            authenticity: entry.authenticity(vouched),
        };
        let mut listings: Vec<Listing> = current.map(listing).collect();
        listings.retain(|one| {
            let territory = one.list.scheme.territory.as_deref().unwrap_or_default();
            let newest = self.of_territory(territory, vouched);
            let is_newest = newest.is_some_and(|e| e.list.digest == one.list.digest);
            let waits = newest.is_some_and(|e| e.list.scheme.sequence < one.list.scheme.sequence);
            is_newest || (waits && !one.authenticity.is_believed())
        });
        TrustedLists::new(listings)
    }

    /// The newest believed list of a territory, else the newest that waits.
    pub fn of_territory(&self, territory: &str, vouched: &BTreeSet<[u8; 32]>) -> Option<&Entry> {
        let all = || {
            let of = self.entries.iter().filter(|e| e.note.role == Role::List);
            of.filter(|e| e.territory() == territory).rev()
        };
        let believed = all().find(|e| e.authenticity(vouched).is_believed());
        believed.or_else(|| all().next())
    }

    /// Takes a list in. One that is believed takes the place of the one before; one that is not waits beside it.
    ///
    /// Errors: it is older than the one in use, or has its number and other content (TS 119 612 §5.3.2).
    pub fn take(&mut self, new: Entry, vouched: &BTreeSet<[u8; 32]>) -> Result<()> {
        let believed = new.authenticity(vouched).is_believed();
        let same = |e: &Entry| e.note.role == new.note.role && e.territory() == new.territory();
        if let Some(known) = self
            .entries
            .iter_mut()
            .find(|e| e.note.digest == new.note.digest)
        {
            let vouched = known.note.vouched || new.note.vouched;
            known.note = Note {
                vouched,
                ..new.note.clone()
            };
        } else if new.note.role == Role::List {
            for old in self.entries.iter().filter(|e| same(e)) {
                let counts = old.authenticity(vouched).is_believed() || !believed;
                if counts {
                    check_newer(&new, old)?;
                }
            }
            self.entries.push(new.clone());
        } else {
            let replaces = |e: &Entry| e.note.role == Role::Pivot && e.note.url == new.note.url;
            self.entries.retain(|e| !replaces(e));
            self.entries.push(new.clone());
        }
        if new.note.role == Role::List {
            self.entries.retain(|e| {
                let gives_way = match e.authenticity(vouched).is_believed() {
                    true => believed,
                    false => e.sequence() <= new.sequence(),
                };
                e.note.digest == new.note.digest || !same(e) || !gives_way
            });
        }
        self.sort();
        if self.entries.len() > MOST_LISTS {
            return Err(Error::limit(WHAT, format!("more than {MOST_LISTS} lists")));
        }
        Ok(())
    }

    fn sort(&mut self) {
        self.entries.sort_by(|a, b| {
            let key = |e: &Entry| {
                (
                    e.note.role == Role::Pivot,
                    e.territory().to_string(),
                    e.sequence(),
                )
            };
            key(a).cmp(&key(b))
        });
    }

    /// The index as it is written: a checksum, a line feed, JSON.
    pub(super) fn index(&self) -> Result<Vec<u8>> {
        let index = Index {
            form: FORM.to_string(),
            lists: self.entries.iter().map(|e| e.note.clone()).collect(),
        };
        let json = serde_json::to_vec_pretty(&index)
            .map_err(|error| Error::internal(WHAT, error.to_string()))?;
        let mut bytes = format!("{}\n", ObjectId(sha256(&json))).into_bytes();
        bytes.extend(json);
        Ok(bytes)
    }

    /// The notes of an index. Errors: its checksum is not that of its content.
    pub(super) fn read_index(bytes: &[u8]) -> Result<Vec<Note>> {
        let damaged = || {
            Error::malformed(WHAT, "its index is damaged")
                .remedy("Import a snapshot again, or let the lists be fetched again.")
        };
        let (checksum, json) = bytes.split_at_checked(65).ok_or_else(damaged)?;
        let stated = std::str::from_utf8(checksum).map_err(|_| damaged())?;
        if stated != format!("{}\n", ObjectId(sha256(json))) {
            return Err(damaged());
        }
        let index: Index = serde_json::from_slice(json).map_err(|_| damaged())?;
        if index.form != FORM {
            return Err(Error::unsupported(WHAT, format!("its form is not {FORM}")));
        }
        if index.lists.len() > MOST_LISTS {
            return Err(Error::limit(WHAT, format!("more than {MOST_LISTS} lists")));
        }
        Ok(index.lists)
    }

    /// An entry from a note of the index and the bytes that lay under its name. Errors: they are not those it names.
    pub(super) fn entry(note: Note, bytes: impl Into<Bytes>) -> Result<Entry> {
        let digest = note.digest;
        let entry = Entry::new(bytes, |_| note)?;
        if entry.list.digest != digest.0 {
            return Err(Error::malformed(
                format!("trusted list {digest}"),
                "does not have the bytes that its name says",
            ));
        }
        Ok(entry)
    }

    /// The snapshot as one file, a ZIP archive; the same snapshot gives the same bytes.
    pub fn to_file(&self) -> Result<Vec<u8>> {
        let mut archive = zip::Writer::new(jiff::civil::DateTime::constant(1980, 1, 1, 0, 0, 0, 0));
        archive.stored("index", &self.index()?)?;
        for entry in &self.entries {
            archive.add(&name(&entry.note.digest), &entry.bytes)?;
        }
        archive.finish()
    }

    /// From such a file. Errors: whatever of it is damaged.
    pub fn from_file(bytes: &[u8]) -> Result<Snapshot> {
        let mut budget = Limits {
            decoded_bytes: MOST_BYTES,
            ..Limits::default()
        }
        .budget();
        let archive = zip::Archive::read(bytes, &mut budget)?;
        let missing = || Error::malformed(WHAT, "a part of it is missing");
        let index = archive.entry("index").ok_or_else(missing)?;
        let notes = Snapshot::read_index(&archive.content(index, &mut budget)?)?;
        let mut snapshot = Snapshot::default();
        for note in notes {
            let entry = archive.entry(&name(&note.digest)).ok_or_else(missing)?;
            let content = archive.content(entry, &mut budget)?.into_owned();
            snapshot.entries.push(Snapshot::entry(note, content)?);
        }
        snapshot.sort();
        Ok(snapshot)
    }

    /// The lists that [`Snapshot::vouched_digest`] is of, and no others: not pivots, nor lists that newer ones stand for.
    pub fn vouched(&self) -> BTreeSet<[u8; 32]> {
        let lists = self.lists(&BTreeSet::new());
        let believed = lists.iter().filter(|one| one.authenticity.is_believed());
        believed.map(|one| one.list.digest).collect()
    }

    /// The digest of the lists that whoever made the snapshot vouched for: what vouching for it as a whole names.
    pub fn vouched_digest(&self) -> Option<[u8; 32]> {
        self.lists(&BTreeSet::new()).digest().copied()
    }
}

/// The name of a list in a folder or a file.
pub(super) fn name(digest: &ObjectId) -> String {
    format!("{digest}.xml")
}

fn check_newer(new: &Entry, old: &Entry) -> Result<()> {
    let element = format!("trusted list of {}", old.territory());
    let refused = |problem: &'static str| Err(Error::refused(element, problem));
    match new.sequence().cmp(&old.sequence()) {
        std::cmp::Ordering::Less => {
            refused("its sequence number is lower than that of the one here")
        }
        std::cmp::Ordering::Equal => {
            refused("it has the sequence number of the one here, and other content")
        }
        std::cmp::Ordering::Greater if new.list.scheme.issued < old.list.scheme.issued => {
            refused("it was issued before the one here")
        }
        std::cmp::Ordering::Greater => Ok(()),
    }
}
