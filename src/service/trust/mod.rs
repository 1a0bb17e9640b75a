//! Whom the service trusts, kept up to date: local anchors, historical ones, and a snapshot of trusted lists.
//!
//! In: `[trust]` of the configuration, and what the network or the operator brings. Out: a policy, swapped as a whole. What
//! a list says and whether it is believed is `engine/pki/trust`'s.

mod folder;
mod handle;
mod refresh;
mod snapshot;

pub use folder::SnapshotFolder;
pub use handle::PolicyHandle;
pub use refresh::Outcome;
pub use snapshot::{Entry, Note, Role, Snapshot};

use crate::engine::pki::Certificate;
use crate::engine::pki::trust::{
    Anchor, Anchors, Provenance, ServiceType, TrustPeriod, TrustedLists,
};
use crate::engine::syntax::hex::hex;
use crate::engine::validation::Policy;
use crate::engine::{Error, Result, Time};
use crate::service::clock::Clock;
use crate::service::config::{Config, HistoricalAnchor, ListSettings, Trust as Settings};
use crate::service::sources::{Client, Folder, Validators};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whom the service trusts.
#[derive(Debug)]
pub struct Trust {
    settings: Settings,
    /// What the policy is beside its anchors and lists.
    template: Policy,
    folder: SnapshotFolder,
    types: Vec<ServiceType>,
    vouched: BTreeSet<[u8; 32]>,
    client: Option<Client>,
    clock: Arc<dyn Clock>,
    handle: Arc<PolicyHandle>,
    state: Mutex<State>,
    /// Held by who changes the snapshot, so that what is read last is what was written last.
    changing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    snapshot: Snapshot,
    /// Of the snapshot that was read last.
    mark: Option<Vec<u8>>,
    damage: Vec<Error>,
    /// What could not be refreshed, by key.
    failures: BTreeMap<String, Failure>,
    /// When each was asked for last.
    asked: BTreeMap<String, Time>,
}

/// That a list could not be refreshed.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Why, at the last attempt.
    pub error: Error,
    /// When it failed first.
    pub since: Time,
    /// When it was tried last.
    pub tried: Time,
    /// How often it was tried.
    pub attempts: u32,
}

impl Trust {
    /// Reads what `[trust]` of `config` names, and the snapshot in its data folder where trusted lists are configured.
    /// `template` is the policy beside its anchors.
    ///
    /// Errors: a file that is named cannot be read, or does not hold what it should. A damaged snapshot is not an error:
    /// what of it is sound is used, and the log and [`Trust::check_ready`] tell the rest.
    pub fn open(config: &Config, template: Policy, clock: Arc<dyn Clock>) -> Result<Arc<Trust>> {
        let settings = config.trust.clone();
        let lists = settings.lists.clone().unwrap_or_default();
        let client = match lists.url {
            Some(_) if !config.sources.offline => Some(Client::new(&config.sources)?),
            _ => None,
        };
        let trust = Trust {
            types: lists.service_types()?,
            vouched: lists.vouched.iter().map(|id| id.0).collect(),
            folder: SnapshotFolder::in_data(&config.data),
            handle: PolicyHandle::new(template.clone()),
            settings,
            template,
            client,
            clock,
            state: Mutex::default(),
            changing: Mutex::default(),
        };
        trust.reload()?;
        Ok(Arc::new(trust))
    }

    /// The policy in use.
    pub fn handle(&self) -> Arc<PolicyHandle> {
        self.handle.clone()
    }

    /// The digests that the configuration vouches for.
    pub fn vouched(&self) -> &BTreeSet<[u8; 32]> {
        &self.vouched
    }

    /// The snapshot in use, and what of the one on the disk is damaged.
    pub fn snapshot(&self) -> (Snapshot, Vec<Error>) {
        let state = self.state();
        (state.snapshot.clone(), state.damage.clone())
    }

    /// What could not be refreshed, by territory.
    pub fn failures(&self) -> BTreeMap<String, Failure> {
        self.state().failures.clone()
    }

    /// The lists in use.
    pub fn lists(&self) -> TrustedLists {
        self.state().snapshot.lists(&self.vouched)
    }

    /// Reads files of anchors, lists and the snapshot again, and puts the policy that follows in place. After an error the
    /// one of before stays.
    pub fn reload(&self) -> Result<()> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.settings.lists.is_some() {
            let mark = self.folder.mark();
            let (mut snapshot, damage) = self.folder.read();
            for error in &damage {
                tracing::error!(%error, "is damaged and not believed");
            }
            self.add_files(&mut snapshot)?;
            let mut state = self.state();
            state.snapshot = snapshot;
            state.mark = mark;
            state.damage = damage;
        }
        self.apply()
    }

    /// [`Trust::reload`], where somebody else wrote another snapshot meanwhile: the command line, beside a service.
    pub fn reload_if_changed(&self) -> Result<bool> {
        if self.settings.lists.is_none() || self.folder.mark() == self.state().mark {
            return Ok(false);
        }
        self.reload().map(|()| true)
    }

    /// Lists from files that the configuration names; one that is older than that of the snapshot is passed over.
    fn add_files(&self, snapshot: &mut Snapshot) -> Result<()> {
        let Some(lists) = &self.settings.lists else {
            return Ok(());
        };
        for path in &lists.files {
            let entry = list_file(path, self.clock.now())?;
            if let Err(error) = snapshot.take(entry, &self.vouched) {
                tracing::info!(%error, "a list of trust.lists.files is not the newest");
            }
        }
        Ok(())
    }

    /// Changes the snapshot on the disk and puts what follows in place.
    pub fn update<T>(&self, change: impl FnOnce(&mut Snapshot) -> Result<T>) -> Result<T> {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let (done, mut snapshot) = self.folder.update(change)?;
        self.add_files(&mut snapshot)?;
        {
            let mut state = self.state();
            state.snapshot = snapshot;
            state.mark = self.folder.mark();
            state.damage.clear();
        }
        self.apply()?;
        Ok(done)
    }

    /// Makes the policy anew.
    fn apply(&self) -> Result<()> {
        let lists = self.lists();
        let local = Folder::read(&self.settings.anchors)?;
        let mut anchors: Vec<Anchor> = local
            .certificates()
            .iter()
            .cloned()
            .map(Anchor::from)
            .collect();
        for one in &self.settings.historical {
            anchors.push(historical(one)?);
        }
        anchors.extend(lists.anchors(&self.types));
        let policy = Policy {
            anchors: Anchors::new(anchors),
            lists,
            ..self.template.clone()
        };
        let current = self.handle.current();
        let same = current.anchors.digest() == policy.anchors.digest()
            && current.lists.digest() == policy.lists.digest();
        if !same {
            self.handle.replace(policy);
        }
        Ok(())
    }

    /// Whether trusted lists are there, where they are configured. Errors: none is believed, and why.
    pub fn check_ready(&self) -> Result<()> {
        if self.settings.lists.is_none() {
            return Ok(());
        }
        let state = self.state();
        let lists = state.snapshot.lists(&self.vouched);
        let mut believed = lists.iter().filter(|one| one.authenticity.is_believed());
        if believed.any(|one| !one.list.providers.is_empty()) {
            return Ok(());
        }
        let (problem, remedy) = if !state.damage.is_empty() {
            (
                "the snapshot of trusted lists is damaged",
                "Import a snapshot with rubrica trust import, or let the lists be fetched again.",
            )
        } else if lists.is_empty() {
            (
                "no trusted list is there: none was imported or fetched yet",
                "Import a snapshot with rubrica trust import, or see in the log why nothing is fetched.",
            )
        } else {
            (
                "no trusted list is believed: nobody vouches for those that are there",
                "Look at them with rubrica trust list, and vouch for their digests.",
            )
        };
        Err(Error::unavailable("trust.lists", problem).remedy(remedy))
    }

    /// Gauges of the lists in use, in the text format of Prometheus.
    pub fn metrics(&self) -> String {
        let now = self.clock.now();
        let state = self.state();
        let lists = state.snapshot.lists(&self.vouched);
        let mut text = String::new();
        let mut gauge = |name: &str, help: &str, value: &dyn Fn(&Entry) -> Option<i64>| {
            let _ = writeln!(text, "# HELP rubrica_trusted_list_{name} {help}");
            let _ = writeln!(text, "# TYPE rubrica_trusted_list_{name} gauge");
            for one in lists.iter().filter(|one| one.authenticity.is_believed()) {
                let of = |e: &&Entry| e.note.digest.0 == one.list.digest;
                let entry = state.snapshot.entries.iter().find(of);
                if let Some(value) = entry.and_then(value) {
                    let territory: String = one
                        .list
                        .scheme
                        .territory
                        .iter()
                        .flat_map(|t| t.chars())
                        .filter(char::is_ascii_alphanumeric)
                        .take(8)
                        .collect();
                    let _ = writeln!(
                        text,
                        "rubrica_trusted_list_{name}{{territory=\"{territory}\"}} {value}"
                    );
                }
            }
        };
        gauge("sequence", "Sequence number of the list in use.", &|e| {
            i64::try_from(e.sequence()).ok()
        });
        gauge(
            "age_seconds",
            "Time since the list in use was issued.",
            &|e| {
                let age = now.since(e.list.scheme.issued?);
                i64::try_from(age.as_secs()).ok()
            },
        );
        gauge(
            "next_update_seconds",
            "When the next issue is due, in Unix time.",
            &|e| e.list.scheme.next_update.map(Time::unix),
        );
        gauge(
            "confirmed_seconds",
            "When the list was fetched or confirmed last, in Unix time.",
            &|e| Some(e.note.received.unix()),
        );
        let _ = writeln!(
            text,
            "# HELP rubrica_trusted_list_failures Lists that could not be refreshed."
        );
        let _ = writeln!(text, "# TYPE rubrica_trusted_list_failures gauge");
        let _ = writeln!(
            text,
            "rubrica_trusted_list_failures {}",
            state.failures.len()
        );
        text
    }

    fn lists_settings(&self) -> ListSettings {
        self.settings.lists.clone().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A list of a file, vouched for by nobody yet.
pub fn list_file(path: &Path, now: Time) -> Result<Entry> {
    let unreadable = |error: std::io::Error| {
        Error::invalid(
            path.display().to_string(),
            format!("the trusted list cannot be read: {}", error.kind()),
        )
    };
    let bytes = std::fs::read(path).map_err(unreadable)?;
    Entry::new(bytes, |digest| Note {
        digest,
        role: Role::List,
        url: None,
        validators: Validators::default(),
        vouched: false,
        received: now,
    })
}

fn historical(one: &HistoricalAnchor) -> Result<Anchor> {
    let name = || one.certificate.display().to_string();
    let bytes = std::fs::read(&one.certificate).map_err(|error| {
        Error::invalid(
            name(),
            format!("the certificate cannot be read: {}", error.kind()),
        )
    })?;
    let mut found = Certificate::from_pem_or_der(&bytes)?;
    match (found.pop(), found.is_empty()) {
        (Some(certificate), true) => Ok(Anchor::of_certificate(certificate)
            .with_provenance(Provenance::Historical {
                note: one.provenance.trim().to_string(),
            })
            .with_periods(vec![TrustPeriod {
                from: one.from,
                until: Some(one.until),
            }])),
        _ => Err(Error::invalid(
            name(),
            "does not hold exactly one certificate",
        )),
    }
}

/// A digest as people read it.
pub fn digest_text(digest: &[u8; 32]) -> String {
    hex(digest)
}
