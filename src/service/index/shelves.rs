//! Which list is current, which was at a time, and how long older ones are kept.

use super::listed::{Listed, Shelf};
use crate::engine::evidence::ObjectId;
use crate::engine::pki::Name;
use crate::engine::pki::crl::{RevocationList, RevocationReason, RevokedEntry};
use crate::engine::{Result, Time};
use crate::service::config::IndexSettings;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How long lists are kept that are not current any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// After their successor came out.
    pub history: Duration,
    /// Bytes of all lists and their indexes; beyond, the oldest go first, current ones last.
    pub most_bytes: u64,
}

impl Retention {
    /// As the configuration says.
    pub fn of(settings: &IndexSettings) -> Retention {
        Retention {
            history: Duration::from_secs(u64::from(settings.history_days) * 86_400),
            most_bytes: settings.most_bytes,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Retention::of(&IndexSettings::default())
    }
}

/// What the lists of one scope say of a certificate.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The complete list; none where there is but a delta.
    pub base: Option<Arc<Listed>>,
    /// The delta that was used beside it.
    pub delta: Option<Arc<Listed>>,
    /// The entry, none where the certificate is on neither, or was taken off.
    pub entry: Option<RevokedEntry>,
}

/// All lists, each shelf from the oldest to the newest. Never changed, but replaced.
#[derive(Debug, Default)]
pub struct Shelves {
    lists: BTreeMap<Shelf, Vec<Arc<Listed>>>,
    by_id: HashMap<ObjectId, Arc<Listed>>,
}

impl Shelves {
    pub(super) fn of(all: impl IntoIterator<Item = Arc<Listed>>) -> Shelves {
        let mut shelves = Shelves::default();
        for listed in all {
            if shelves
                .by_id
                .insert(listed.object_id(), listed.clone())
                .is_none()
            {
                shelves
                    .lists
                    .entry(listed.shelf())
                    .or_default()
                    .push(listed);
            }
        }
        for lists in shelves.lists.values_mut() {
            lists.sort_by_cached_key(|listed| listed.order());
        }
        shelves
    }

    /// With `listed` in the place of itself or beside the others, and without what is kept no longer: that is told.
    pub(super) fn with(
        &self,
        listed: Arc<Listed>,
        retention: &Retention,
        now: Time,
    ) -> (Shelves, Vec<ObjectId>) {
        let id = listed.object_id();
        let others = self.iter().filter(|other| other.object_id() != id).cloned();
        let mut shelves = Shelves::of(others.chain([listed]));
        let removed = shelves.outdated(retention, now, &id);
        if !removed.is_empty() {
            let kept = shelves
                .iter()
                .filter(|listed| !removed.contains(&listed.object_id()));
            shelves = Shelves::of(kept.cloned().collect::<Vec<_>>());
        }
        (shelves, removed)
    }

    /// What is kept no longer; never `new`, which came in just now.
    fn outdated(&self, retention: &Retention, now: Time, new: &ObjectId) -> Vec<ObjectId> {
        let since = now.minus(retention.history);
        let mut left: u64 = self.iter().map(|listed| listed.bytes()).sum();
        let mut removed = Vec::new();
        // Current ones come last, and of each kind the oldest first.
        let mut all: Vec<(bool, Time, &Arc<Listed>, bool)> = Vec::new();
        for lists in self.lists.values() {
            for (number, listed) in lists.iter().enumerate() {
                let successor = lists.get(number + 1);
                let over = successor.is_some_and(|next| next.header().this_update() < since);
                all.push((
                    successor.is_none(),
                    listed.header().this_update(),
                    listed,
                    over,
                ));
            }
        }
        all.sort_by_key(|(current, time, ..)| (*current, *time));
        for (_, _, listed, over) in all {
            if (over || left > retention.most_bytes) && listed.object_id() != *new {
                left -= listed.bytes();
                removed.push(listed.object_id());
            }
        }
        removed
    }

    /// All lists.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Listed>> {
        self.lists.values().flatten()
    }

    /// The newest of each shelf.
    pub fn current(&self) -> impl Iterator<Item = &Arc<Listed>> {
        self.lists.values().filter_map(|lists| lists.last())
    }

    pub(super) fn by_id(&self, id: &ObjectId) -> Option<&Arc<Listed>> {
        self.by_id.get(id)
    }

    pub(super) fn by_url(&self, url: &str) -> Option<Arc<Listed>> {
        let from = |listed: &&Arc<Listed>| listed.provenance().url.as_deref() == Some(url);
        self.iter()
            .filter(from)
            .max_by_key(|listed| listed.order())
            .cloned()
    }

    pub(super) fn at(&self, key: &[u8; 32], at: Time) -> Vec<Arc<Listed>> {
        let first = Shelf {
            key: *key,
            scope: [0; 32],
            delta: false,
        };
        let of_key = self
            .lists
            .range(first..)
            .take_while(|(shelf, _)| shelf.key == *key);
        of_key
            .filter_map(|(_, lists)| then(lists, at))
            .cloned()
            .collect()
    }

    pub(super) fn ask(
        &self,
        key: &[u8; 32],
        issuer: &Name,
        serial: &[u8],
        at: Time,
    ) -> Result<Vec<Asked>> {
        type BaseAndDelta = (Option<Arc<Listed>>, Option<Arc<Listed>>);
        let mut scopes: BTreeMap<[u8; 32], BaseAndDelta> = BTreeMap::new();
        for listed in self.at(key, at) {
            let of_scope = scopes.entry(listed.shelf().scope).or_default();
            let place = if listed.shelf().delta {
                &mut of_scope.1
            } else {
                &mut of_scope.0
            };
            *place = Some(listed);
        }
        scopes
            .into_values()
            .map(|(base, delta)| asked(base, delta, issuer, serial))
            .collect()
    }
}

/// The newest of `lists` that was out at `at`.
fn then(lists: &[Arc<Listed>], at: Time) -> Option<&Arc<Listed>> {
    let after = lists.partition_point(|listed| listed.header().this_update() <= at);
    lists[..after].last()
}

fn asked(
    base: Option<Arc<Listed>>,
    delta: Option<Arc<Listed>>,
    issuer: &Name,
    serial: &[u8],
) -> Result<Asked> {
    let delta = delta.filter(|delta| base.as_ref().is_none_or(|base| applies(delta, base)));
    let changed = delta
        .as_ref()
        .map(|delta| delta.entry(issuer, serial))
        .transpose()?
        .flatten();
    let entry = match (changed, &base) {
        (Some(entry), _) => Some(entry),
        (None, Some(base)) => base.entry(issuer, serial)?,
        (None, None) => None,
    };
    // RFC 5280 §5.3.1: taken off the list again.
    let entry = entry.filter(|entry| entry.reason != Some(RevocationReason::RemoveFromCrl));
    Ok(Asked { base, delta, entry })
}

/// RFC 5280 §5.2.4: `base` is not older than what the delta lists changes to, and older than the delta.
fn applies(delta: &Listed, base: &Listed) -> bool {
    let (delta, base) = (delta.header(), base.header());
    let (Some(from), Some(to), Some(number)) = (delta.base_number(), delta.number(), base.number())
    else {
        return false;
    };
    from <= number && number < to && delta.issuer() == base.issuer()
}
