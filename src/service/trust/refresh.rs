//! Fetching newer lists: the list of the lists, its pivots, then each territory's by its pointer.
//!
//! One list that fails harms no other: what is here of it stays. What comes is taken in only where it is a list, of the
//! territory that was pointed to, and newer than the one here; whether it is believed is decided there too.

use super::snapshot::{Entry, Note, Role, Snapshot};
use super::{Failure, Trust, digest_text};
use crate::engine::pki::trust::{Pointer, pivots};
use crate::engine::{Error, Result, Time};
use crate::service::sources::{
    Client, Deadline, Due, Refreshable, Validators, ahead_of, fetch_trusted_list,
};
use std::time::Duration;

/// The key of the list that the configuration names.
const ROOT: &str = "root";
/// Lists that are fetched at the same time.
const AT_ONCE: usize = 6;
/// How long one list may take to come; some have megabytes and slow servers.
const PATIENCE: Duration = Duration::from_secs(60);

/// What refreshing a list came to.
#[derive(Debug)]
pub struct Outcome {
    /// `root`, or the territory.
    pub key: String,
    /// Whether another list was taken in.
    pub result: Result<bool>,
}

impl Trust {
    /// Fetches all lists now.
    pub fn refresh_all(&self) -> Vec<Outcome> {
        let mut outcomes = self.refresh_some(vec![ROOT.to_string()]);
        let territories = self.pointers().into_iter().map(|(key, _)| key).collect();
        outcomes.extend(self.refresh_some(territories));
        outcomes
    }

    /// Fetches some lists, a few at a time.
    fn refresh_some(&self, keys: Vec<String>) -> Vec<Outcome> {
        let one = |key: String| Outcome {
            result: self.refresh_one(&key, Deadline::after(PATIENCE)),
            key,
        };
        let mut outcomes = Vec::new();
        for some in keys.chunks(AT_ONCE) {
            std::thread::scope(|scope| {
                let asked: Vec<_> = some
                    .iter()
                    .map(|key| scope.spawn(|| one(key.clone())))
                    .collect();
                let done = asked.into_iter().zip(some).map(|(thread, key)| {
                    thread.join().unwrap_or_else(|_| Outcome {
                        key: key.clone(),
                        result: Err(Error::internal("trusted list", "ended in a panic")),
                    })
                });
                outcomes.extend(done);
            });
        }
        outcomes
    }

    /// Fetches the list of one key, and notes how that went.
    fn refresh_one(&self, key: &str, deadline: Deadline) -> Result<bool> {
        let result = self.fetch_one(key, deadline);
        let now = self.clock.now();
        let mut state = self.state();
        match &result {
            Ok(_) => {
                state.asked.insert(key.to_string(), now);
                state.failures.remove(key);
            }
            Err(error) => {
                tracing::warn!(list = key, %error, "a trusted list is not refreshed");
                let before = state.failures.get(key);
                let failure = Failure {
                    error: error.clone(),
                    since: before.map_or(now, |f| f.since),
                    tried: now,
                    attempts: before.map_or(1, |f| f.attempts.saturating_add(1)),
                };
                state.failures.insert(key.to_string(), failure);
            }
        }
        result
    }

    fn fetch_one(&self, key: &str, deadline: Deadline) -> Result<bool> {
        let client = self.client.as_ref().ok_or_else(|| {
            Error::refused(
                "trusted lists",
                "are not fetched: no address, or sources.offline",
            )
            .remedy("Name trust.lists.url in the configuration, or import lists.")
        })?;
        if key == ROOT {
            let url = self.lists_settings().url.unwrap_or_default();
            let taken = self.fetch_list(client, &url, None, deadline)?;
            self.fetch_pivots(client, deadline)?;
            return Ok(taken);
        }
        let pointers = self.pointers();
        let (_, pointer) = pointers
            .iter()
            .find(|(known, _)| known == key)
            .ok_or_else(|| {
                Error::not_found(
                    format!("trusted list of {key}"),
                    "is not pointed to any more",
                )
            })?;
        self.fetch_list(client, &pointer.location, Some(key), deadline)
    }

    /// Fetches a list and takes it in; `territory` is that of the pointer. True where it is another than before.
    fn fetch_list(
        &self,
        client: &Client,
        url: &str,
        territory: Option<&str>,
        deadline: Deadline,
    ) -> Result<bool> {
        let known = self.known(url, Role::List);
        let validators = known.as_ref().map(|note| &note.validators);
        let fetched = fetch_trusted_list(client, url, validators, deadline)?;
        let now = self.clock.now();
        let Some(fetched) = fetched else {
            self.confirm(url, now)?;
            return Ok(false);
        };
        let entry = entry(fetched.bytes, url, fetched.validators, Role::List, now)?;
        if territory
            .is_some_and(|wanted| wanted != entry.territory() || entry.list.is_list_of_lists())
        {
            return Err(Error::refused(
                format!("trusted list of {}", territory.unwrap_or_default()),
                "what is there is the list of another territory",
            ));
        }
        check_current(&entry, now);
        let is_new = known.is_none_or(|known| known.digest != entry.note.digest);
        let (digest, number) = (entry.note.digest, entry.sequence());
        let key = entry.territory().to_string();
        self.update(|snapshot| snapshot.take(entry, &self.vouched))?;
        if is_new {
            let believed = self.is_believed(&digest.0);
            tracing::info!(list = key, number, %digest, believed, "a trusted list came");
        }
        Ok(is_new)
    }

    /// Pivots of the list of the lists that are not here yet.
    fn fetch_pivots(&self, client: &Client, deadline: Deadline) -> Result<()> {
        let settings = self.lists_settings();
        let Some(root) = self.root() else {
            return Ok(());
        };
        for url in pivots(&root.list, settings.journal_publication.as_deref())? {
            if self.known(&url, Role::Pivot).is_some() {
                continue;
            }
            // A pivot never changes, so there is nothing to ask again.
            if let Some(fetched) = fetch_trusted_list(client, &url, None, deadline)? {
                let now = self.clock.now();
                let pivot = entry(fetched.bytes, &url, fetched.validators, Role::Pivot, now)?;
                if !pivot.list.is_list_of_lists() {
                    return Err(Error::refused("pivot", "is not a list of lists"));
                }
                self.update(|snapshot| snapshot.take(pivot, &self.vouched))?;
            }
        }
        Ok(())
    }

    /// Notes that the list of an address is still the newest.
    fn confirm(&self, url: &str, now: Time) -> Result<()> {
        self.update(|snapshot| {
            let of = |e: &&mut Entry| e.note.url.as_deref() == Some(url);
            for entry in snapshot.entries.iter_mut().filter(of) {
                entry.note.received = now;
            }
            Ok(())
        })
    }

    fn known(&self, url: &str, role: Role) -> Option<Note> {
        let state = self.state();
        let of = |e: &&Entry| e.note.role == role && e.note.url.as_deref() == Some(url);
        // The newest of an address stands last.
        let found = state.snapshot.entries.iter().rev().find(of);
        found.map(|entry| entry.note.clone())
    }

    fn is_believed(&self, digest: &[u8; 32]) -> bool {
        let lists = self.lists();
        lists
            .iter()
            .any(|one| one.list.digest == *digest && one.authenticity.is_believed())
    }

    /// The list of the lists: the believed one, else the one that came last. What somebody put in its place on the way does
    /// not steer what is fetched.
    fn root(&self) -> Option<Entry> {
        let state = self.state();
        let snapshot: &Snapshot = &state.snapshot;
        let all = snapshot.entries.iter();
        let lotl = all.filter(|e| e.note.role == Role::List && e.list.is_list_of_lists());
        let best = lotl.max_by_key(|e| {
            let believed = e.authenticity(&self.vouched).is_believed();
            (believed, e.note.received)
        });
        let territory = best?.territory().to_string();
        snapshot.of_territory(&territory, &self.vouched).cloned()
    }

    /// The lists that the list of the lists points to and that are wanted, by territory.
    fn pointers(&self) -> Vec<(String, Pointer)> {
        let wanted = self.lists_settings().territories;
        let Some(root) = self.root() else {
            return Vec::new();
        };
        let mut all: Vec<(String, Pointer)> = Vec::new();
        for pointer in &root.list.scheme.pointers {
            let Some(territory) = &pointer.territory else {
                continue;
            };
            let take = pointer.is_for_machines()
                && !pointer.is_list_of_lists()
                && (wanted.is_empty() || wanted.contains(territory))
                && !all.iter().any(|(known, _)| known == territory);
            if take {
                all.push((territory.clone(), pointer.clone()));
            }
        }
        all
    }
}

/// Told, and taken in all the same: what an expired list says of the past is as true as before.
fn check_current(entry: &Entry, now: Time) {
    if entry.list.is_expired(now) {
        let digest = digest_text(&entry.list.digest);
        tracing::warn!(
            list = entry.territory(),
            digest,
            "its next issue should be out by now"
        );
    }
}

fn entry(
    bytes: Vec<u8>,
    url: &str,
    validators: Validators,
    role: Role,
    received: Time,
) -> Result<Entry> {
    Entry::new(bytes, |digest| Note {
        digest,
        role,
        url: Some(url.to_string()),
        validators,
        vouched: false,
        received,
    })
}

impl Refreshable for Trust {
    fn kind(&self) -> &'static str {
        "trusted_list"
    }

    fn due(&self) -> Vec<Due> {
        if self.client.is_none() {
            return Vec::new();
        }
        let every = Duration::from_secs(self.lists_settings().every_hours.saturating_mul(3_600));
        let pointers = self.pointers().into_iter().map(|(key, _)| key);
        let keys = std::iter::once(ROOT.to_string()).chain(pointers);
        keys.map(|key| Due {
            at: self.due_at(&key, every),
            key,
        })
        .collect()
    }

    fn refresh(&self, key: &str, deadline: Deadline) -> Result<()> {
        self.refresh_one(key, deadline).map(drop)
    }
}

impl Trust {
    /// So long after it was asked for or came last, and ahead of its end where that is sooner and not past.
    fn due_at(&self, key: &str, every: Duration) -> Time {
        let state = self.state();
        let entry = match key {
            ROOT => state
                .snapshot
                .entries
                .iter()
                .find(|e| e.list.is_list_of_lists()),
            territory => state.snapshot.of_territory(territory, &self.vouched),
        };
        if let Some(failure) = state.failures.get(key) {
            // A minute after the first failure, then ever later.
            let minutes = 1_u64 << failure.attempts.saturating_sub(1).min(8);
            return failure
                .tried
                .plus(Duration::from_secs(60 * minutes).min(every));
        }
        let asked = state.asked.get(key).copied();
        let last = asked.or_else(|| entry.map(|e| e.note.received));
        let Some(last) = last else {
            return self.clock.now();
        };
        let scheme = entry.map(|e| &e.list.scheme);
        let ends = scheme.and_then(|s| Some(ahead_of(s.issued?, s.next_update?)));
        let regular = last.plus(every);
        ends.filter(|end| *end > last)
            .map_or(regular, |end| regular.min(end))
    }
}
