//! From a configuration to the parts of a service: reads what it names, opens the store, loads the seals.
//!
//! Whatever is wrong stops the start here, with one error that names the file or the key. What is not configured is
//! simply not there: without `store.key` nothing is kept, without callers the routes of callers are not opened.

use super::service::Parts;
use crate::engine::codes::CodeKey;
use crate::engine::pki::Certificate;
use crate::engine::pki::trust::Anchors;
use crate::engine::register::Sede;
use crate::engine::validation::Policy;
use crate::engine::{Error, Limits, Result};
use crate::service::authority::Timestamper;
use crate::service::callers::ApiKeys;
use crate::service::clock::Clock;
use crate::service::config::{Catalogue, Config};
use crate::service::flow::receive::Reception;
use crate::service::flow::two_step::TwoSteps;
use crate::service::flow::{
    CertificateDesk, CitizenSignatures, CodeDesk, CodeIssue, DebtDesk, News, SealDesk,
    SealedReceipts, SigningDesk, Timestamping,
};
use crate::service::index::{Index, Retention};
use crate::service::keys::{Seal, Secret, random};
use crate::service::sources::{Client, Fetching, Folder, Sources, TimestampAuthorities, Trusted};
use crate::service::store::{SqliteStore, Store, StoreOptions};
use crate::service::trust::{PolicyHandle, Trust};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The bounds on a document from outside: what it unpacks to is held in memory, and may be but a few times what could
/// have been sent as it is.
fn hostile_limits(document_bytes: u64) -> Limits {
    const LEAST: u64 = 64 << 20;
    Limits {
        decoded_bytes: document_bytes.saturating_mul(2).max(LEAST),
        ..Limits::default()
    }
}

impl Parts {
    /// The parts that `config` describes.
    pub fn of(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let callers = match &config.callers {
            Some(path) => ApiKeys::read(path)?,
            None => ApiKeys::default(),
        };
        let catalogue = match &config.catalogue {
            Some(path) => Catalogue::read(path)?,
            None => Catalogue::default(),
        };
        let seals: Vec<Seal> = config.seals.iter().map(Seal::load).collect::<Result<_>>()?;
        check_seals(&catalogue, &seals)?;
        let accepted = Arc::new(config.accepted.read()?);
        let identities = Arc::new(config.identity.read()?);
        let template = Policy {
            qualified_anchors: Folder::read(&config.trust.qualified)?
                .certificates()
                .iter()
                .map(Certificate::fingerprint)
                .collect(),
            limits: hostile_limits(config.limits.document_bytes),
            ..config.validation_policy(None)?
        };
        let policies = config.selectable_policies()?;
        let trust = Trust::open(&config, template, clock.clone())?;
        let policy = trust.handle();
        let index = open_index(&config)?;
        let at_hand = at_hand(
            &config,
            index.as_deref(),
            &policy.current().anchors,
            &*clock,
        )?;
        let sources = Sources::with_index(&config.sources, at_hand, index.clone(), clock.clone())?;
        let calendar = config.read_calendar()?;
        let sede_certificate = config.sede.certificate.as_deref().map(one_certificate);
        let authorities = authorities(&config, &policy, &clock)?;
        let timestamping = timestamping(&authorities, &seals);
        let seal_desk = Arc::new(SealDesk {
            clock: clock.clone(),
            seals: by_name(&seals),
            timestamping: timestamping.clone(),
        });
        let sources = Arc::new(sources);
        let signing_desk = Arc::new(SigningDesk {
            clock: clock.clone(),
            seals: by_name(&seals),
            timestamping: timestamping.clone(),
            stamping: (!authorities.is_empty())
                .then(|| Arc::new(authorities.clone()) as Arc<dyn Timestamping>),
            policy: policy.clone(),
            sources: sources.clone(),
            index: index.clone(),
        });
        let certificate_desk = Arc::new(CertificateDesk::new(
            policy.clone(),
            sources.clone(),
            clock.clone(),
            Arc::new(News::default()),
            config.limits.certificate_answers,
        ));
        let mut parts = Parts {
            refreshed: vec![trust.clone()],
            certificate_desk,
            accepted,
            identities,
            callers: Arc::new(callers),
            catalogue,
            calendar,
            reception: None,
            code_desk: None,
            seal_desk,
            signing_desk,
            debts: None,
            two_steps: Arc::new(two_steps(&config)?),
            authorities,
            timestamper: Timestamper::open(&config.timestamping, clock.clone())?.map(Arc::new),
            code_issue: None,
            policy,
            policies,
            trust,
            sources,
            index,
            seals,
            sede_certificate: sede_certificate.transpose()?,
            store: open_store(&config, &clock)?,
            clock,
            config,
        };
        parts.keep(timestamping)?;
        Ok(parts)
    }

    /// Adds what keeps and what needs codes, where there is a store and a secret for codes.
    fn keep(&mut self, timestamping: HashMap<String, Arc<dyn Timestamping>>) -> Result<()> {
        let Some(store) = self.store.clone() else {
            return Ok(());
        };
        for seal in &self.seals {
            store.note_seal(seal.name(), seal.certificate.bytes(), self.clock.now())?;
        }
        self.keep_codes(store.clone(), timestamping)?;
        self.debts = Some(Arc::new(DebtDesk {
            store,
            signing: self.signing_desk.clone(),
            reception: self.reception.clone(),
            keep: self.config.owed.keep(),
        }));
        Ok(())
    }

    fn keep_codes(
        &mut self,
        store: Arc<dyn Store>,
        timestamping: HashMap<String, Arc<dyn Timestamping>>,
    ) -> Result<()> {
        let Some(path) = &self.config.code.secrets else {
            return Ok(());
        };
        let secret = Secret::read(path)?;
        let code_key = CodeKey::new(&*secret.derive(b"codes"))?;
        let zone = self.config.sede.zone.clone();
        let settings = self.config.code.clone();
        let desk = CodeDesk::new(code_key.clone(), &secret, settings, zone);
        self.code_desk = Some(Arc::new(desk));
        self.code_issue = Some(Arc::new(CodeIssue {
            desk: self.seal_desk.clone(),
            store: store.clone(),
            catalogue: self.catalogue.clone(),
            sede: self.sede(),
            code_key: code_key.clone(),
        }));
        self.reception = Some(Arc::new(Reception {
            store,
            clock: self.clock.clone(),
            catalogue: self.catalogue.clone(),
            calendar: self.calendar.clone(),
            layout: self.config.register.layout,
            sede: self.sede(),
            seals: by_name(&self.seals),
            code_key,
            signatures: Arc::new(CitizenSignatures {
                policy: self.policy.clone(),
                sources: self.sources.clone(),
                clock: self.clock.clone(),
                accepted: self.accepted.clone(),
                identities: self.identities.clone(),
            }),
            composer: Arc::new(SealedReceipts {
                timestamping,
                clock: self.clock.clone(),
            }),
        }));
        Ok(())
    }

    /// The sede, as justificantes print it.
    fn sede(&self) -> Sede {
        let sede = &self.config.sede;
        Sede {
            name: sede.name.clone(),
            address: sede.url.clone(),
            zone: sede.zone.clone(),
        }
    }
}

fn by_name(seals: &[Seal]) -> HashMap<String, Seal> {
    let named = seals
        .iter()
        .map(|seal| (seal.name().to_string(), seal.clone()));
    named.collect()
}

/// The seals that entities name are there.
fn check_seals(catalogue: &Catalogue, seals: &[Seal]) -> Result<()> {
    for entity in &catalogue.entities {
        if !seals.iter().any(|seal| seal.name() == entity.seal) {
            let problem = format!(
                "entity {:?} names seal {:?}, which is not there",
                entity.code, entity.seal
            );
            return Err(Error::invalid("catalogue", problem)
                .remedy("Add a [[seal]] of this name to the configuration."));
        }
    }
    Ok(())
}

/// Every time-stamping authority, in the order of the configuration.
fn authorities(
    config: &Config,
    policy: &Arc<PolicyHandle>,
    clock: &Arc<dyn Clock>,
) -> Result<TimestampAuthorities> {
    let fetching = Fetching {
        client: Arc::new(Client::new(&config.sources)?),
        clock: clock.clone(),
    };
    let policy = policy.clone();
    let trusted: Trusted = Arc::new(move || policy.current());
    TimestampAuthorities::configured(&config.tsas, &fetching, &trusted)
}

/// The authorities of each seal that names any.
fn timestamping(
    all: &TimestampAuthorities,
    seals: &[Seal],
) -> HashMap<String, Arc<dyn Timestamping>> {
    let of = |seal: &Seal| -> Option<(String, Arc<dyn Timestamping>)> {
        let named = all.named(&seal.settings.tsa);
        (!named.is_empty()).then(|| {
            (
                seal.name().to_string(),
                Arc::new(named) as Arc<dyn Timestamping>,
            )
        })
    };
    seals.iter().filter_map(of).collect()
}

/// Under the secret of `[signing]`, that of the store, or one of this start alone.
pub(crate) fn two_steps(config: &Config) -> Result<TwoSteps> {
    let file = config
        .signing
        .secrets
        .as_ref()
        .or(config.store.key.as_ref());
    let secret = match file {
        Some(path) => Secret::read(path)?,
        None => Secret::new(random()?),
    };
    Ok(TwoSteps::new(&secret, config.signing.state_life()))
}

fn open_index(config: &Config) -> Result<Option<Arc<Index>>> {
    let Some(folder) = config.index_folder() else {
        return Ok(None);
    };
    Index::open(&folder, Retention::of(&config.index)).map(|index| Some(Arc::new(index)))
}

/// The certificates and lists of the configuration; large lists go into the index.
fn at_hand(
    config: &Config,
    index: Option<&Index>,
    anchors: &Anchors,
    clock: &dyn Clock,
) -> Result<Folder> {
    const LARGE: u64 = 1 << 20;
    let paths = [&config.trust.certificates[..], &config.trust.crls].concat();
    let Some(index) = index else {
        return Folder::read(&paths);
    };
    let folder = Folder::read_small(&paths, LARGE)?;
    let known = folder.certificates().iter().cloned();
    let signers: Vec<Certificate> = known
        .chain(anchors.certificates().iter().cloned())
        .collect();
    for path in folder.larger() {
        index
            .add_file(path, &signers, clock.now())
            .map_err(|error| {
                Error::invalid(path.display().to_string(), error.to_string()).remedy(
                    "Put the certificate of its issuer into [trust] certificates, or take it out.",
                )
            })?;
    }
    Ok(folder)
}

fn one_certificate(path: &Path) -> Result<Certificate> {
    let unreadable = |problem: String| Error::invalid(path.display().to_string(), problem);
    let bytes = std::fs::read(path)
        .map_err(|error| unreadable(format!("the certificate cannot be read: {}", error.kind())))?;
    let found = Certificate::from_pem_or_der(&bytes)?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| unreadable("holds no certificate".into()))
}

fn open_store(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Arc<dyn Store>>> {
    let Some(key) = &config.store.key else {
        return Ok(None);
    };
    let options = StoreOptions {
        data: config.data.clone(),
        secret: Secret::read(key)?,
        zone: config.sede.zone.clone(),
        timeout: Duration::from_secs(config.store.timeout_seconds),
    };
    let store = SqliteStore::open(options, clock.clone())?;
    Ok(Some(Arc::new(store)))
}
