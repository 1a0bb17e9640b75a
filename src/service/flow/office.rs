//! The e-office: everything that a configuration names, read, opened and checked, and put together.
//!
//! In: the configuration and the clock. Out: the parts that `http` and `cli` work with. What can be wrong with the
//! configuration is found here, before anything is served. Not here: addresses and routes (`http`).

use super::check_code::CodeDesk;
use super::citizen::CitizenSignatures;
use super::compose::SealedReceipts;
use super::receive::{Completed, Reception};
use super::seal_pdf::{CodeIssue, SealDesk};
use super::sign::Timestamping;
use super::standing::judge_seal;
use crate::engine::codes::CodeKey;
use crate::engine::pki::Certificate;
use crate::engine::pki::trust::Anchors;
use crate::engine::register::{Calendar, Sede};
use crate::engine::validation::Policy;
use crate::engine::{Error, Result};
use crate::service::callers::{ApiKeys, Callers};
use crate::service::clock::Clock;
use crate::service::config::{Catalogue, Config};
use crate::service::keys::{Seal, Secret};
use crate::service::sources::{Client, Fetching, Folder, Sources, TimestampAuthorities};
use crate::service::store::{SqliteStore, Store, StoreOptions};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// An e-office that is ready to work. Without `[store] key` and `[code] secrets` it only validates and seals.
#[derive(Debug)]
pub struct Office {
    /// The configuration.
    pub config: Config,
    /// The official time.
    pub clock: Arc<dyn Clock>,
    /// Who may call.
    pub callers: Arc<dyn Callers>,
    /// What a request may name.
    pub catalogue: Catalogue,
    /// The non-working days.
    pub calendar: Calendar,
    /// By what signatures are judged.
    pub policy: Arc<Policy>,
    /// Where revocation data and certificates come from.
    pub sources: Arc<Sources>,
    /// The trust anchors.
    pub anchors: Vec<Certificate>,
    /// The seals, in the order of the configuration.
    pub seals: Vec<Seal>,
    /// The certificate of the web site.
    pub sede_certificate: Option<Certificate>,
    /// Seals PDFs.
    pub seal_desk: Arc<SealDesk>,
    /// What needs a store.
    pub register: Option<RegisterParts>,
}

/// The parts of an e-office that need its store.
#[derive(Debug, Clone)]
pub struct RegisterParts {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Takes requests in.
    pub reception: Arc<Reception>,
    /// Checks codes.
    pub code_desk: Arc<CodeDesk>,
    /// Issues codes for PDFs.
    pub code_issue: Arc<CodeIssue>,
}

impl Office {
    /// Opens everything.
    pub fn open(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let callers: Arc<dyn Callers> = match &config.callers {
            Some(path) => Arc::new(ApiKeys::read(path)?),
            None => Arc::new(ApiKeys::default()),
        };
        let catalogue = config
            .catalogue
            .as_deref()
            .map_or_else(|| Ok(Catalogue::default()), Catalogue::read)?;
        let anchors = Folder::read(&config.trust.anchors)?.certificates().to_vec();
        let trusted = Anchors::new(anchors.clone());
        let at_hand =
            Folder::read(&[config.trust.certificates.as_slice(), &config.trust.crls].concat())?;
        let seals = config
            .seals
            .iter()
            .map(Seal::load)
            .collect::<Result<Vec<_>>>()?;
        check_seals_named(&catalogue, &seals)?;
        let office = Office {
            seal_desk: Arc::new(SealDesk {
                clock: clock.clone(),
                seals: by_name(&seals),
                timestamping: timestamping(&config, &trusted, &clock)?,
            }),
            calendar: config.read_calendar()?,
            policy: Arc::new(Policy::baseline(trusted)),
            sources: Arc::new(Sources::new(&config.sources, at_hand, clock.clone())?),
            sede_certificate: config
                .sede
                .certificate
                .as_deref()
                .map(one_certificate)
                .transpose()?,
            register: None,
            callers,
            catalogue,
            anchors,
            seals,
            clock,
            config,
        };
        let register = office.open_register()?;
        Ok(Office { register, ..office })
    }

    /// Opens the store and what works on it.
    fn open_register(&self) -> Result<Option<RegisterParts>> {
        let (Some(key), Some(secrets)) = (&self.config.store.key, &self.config.code.secrets) else {
            return Ok(None);
        };
        let secrets = Secret::read(secrets)?;
        let code_key = CodeKey::new(&*secrets.derive(b"rubrica: codes of authenticity"))?;
        let options = StoreOptions {
            data: self.config.data.clone(),
            secret: Secret::read(key)?,
            zone: self.config.sede.zone.clone(),
            timeout: Duration::from_secs(self.config.store.timeout_seconds),
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(options, self.clock.clone())?);
        for seal in &self.seals {
            store.note_seal(seal.name(), seal.certificate.bytes(), self.clock.now())?;
        }
        let zone = self.config.sede.zone.clone();
        let desk = CodeDesk::new(code_key.clone(), &secrets, self.config.code.clone(), zone);
        Ok(Some(RegisterParts {
            reception: Arc::new(self.reception(store.clone(), code_key.clone())),
            code_desk: Arc::new(desk),
            code_issue: Arc::new(CodeIssue {
                desk: self.seal_desk.clone(),
                store: store.clone(),
                catalogue: self.catalogue.clone(),
                sede: self.sede(),
                code_key,
            }),
            store,
        }))
    }

    fn reception(&self, store: Arc<dyn Store>, code_key: CodeKey) -> Reception {
        Reception {
            store,
            clock: self.clock.clone(),
            catalogue: self.catalogue.clone(),
            calendar: self.calendar.clone(),
            layout: self.config.register.layout,
            sede: self.sede(),
            seals: self.seal_desk.seals.clone(),
            code_key,
            signatures: Arc::new(CitizenSignatures {
                policy: self.policy.clone(),
                sources: self.sources.clone(),
                clock: self.clock.clone(),
            }),
            composer: Arc::new(SealedReceipts {
                timestamping: self.seal_desk.timestamping.clone(),
                clock: self.clock.clone(),
            }),
        }
    }

    /// The sede, as justificantes print it.
    pub fn sede(&self) -> Sede {
        Sede {
            name: self.config.sede.name.clone(),
            address: self.config.sede.url.clone(),
            zone: self.config.sede.zone.clone(),
        }
    }

    /// Completes the entries that a crash left without their receipt. To be done before anything is served.
    pub fn complete_all(&self) -> Result<Completed> {
        self.register.as_ref().map_or_else(
            || Ok(Completed::default()),
            |register| register.reception.complete_all(),
        )
    }

    /// Judges every seal, and marks those that were revoked; errors by the name of the seal.
    pub fn judge_seals(&self) -> Vec<(String, Error)> {
        let now = self.clock.now();
        self.seals
            .iter()
            .filter_map(|seal| {
                let judged = judge_seal(seal, &self.policy, &self.sources, now);
                judged.err().map(|error| (seal.name().to_string(), error))
            })
            .collect()
    }
}

fn by_name(seals: &[Seal]) -> HashMap<String, Seal> {
    seals
        .iter()
        .map(|seal| (seal.name().to_string(), seal.clone()))
        .collect()
}

/// Every entity of the catalogue names a seal that there is.
fn check_seals_named(catalogue: &Catalogue, seals: &[Seal]) -> Result<()> {
    let missing = catalogue
        .entities
        .iter()
        .find(|e| !seals.iter().any(|s| s.name() == e.seal));
    missing.map_or(Ok(()), |entity| {
        let problem = format!(
            "entity {:?} names the seal {:?}, which is no [[seal]]",
            entity.code, entity.seal
        );
        Err(Error::invalid("catalogue", problem)
            .remedy("Add the [[seal]], or name another one in the catalogue."))
    })
}

/// The authorities of each seal that names any.
fn timestamping(
    config: &Config,
    anchors: &Anchors,
    clock: &Arc<dyn Clock>,
) -> Result<HashMap<String, Arc<dyn Timestamping>>> {
    let fetching = Fetching {
        client: Arc::new(Client::new(&config.sources)?),
        clock: clock.clone(),
    };
    let all = TimestampAuthorities::configured(&config.tsas, &fetching, anchors)?;
    let with_any = config.seals.iter().filter(|seal| !seal.tsa.is_empty());
    Ok(with_any
        .map(|seal| {
            let named: Arc<dyn Timestamping> = Arc::new(all.named(&seal.tsa));
            (seal.name.clone(), named)
        })
        .collect())
}

fn one_certificate(path: &Path) -> Result<Certificate> {
    let folder = Folder::read(&[path.to_path_buf()])?;
    folder.certificates().first().cloned().ok_or_else(|| {
        Error::invalid(path.display().to_string(), "holds no certificate")
            .remedy("Give the certificate of the web site in PEM or DER.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::clock::SettableClock;

    fn certs(name: &str) -> String {
        format!("{}/certs/test/{name}", env!("CARGO_MANIFEST_DIR"))
    }

    /// A configuration in `folder` with everything, changed by `edit`.
    fn open(folder: &Path, edit: impl Fn(String) -> String) -> Result<Office> {
        let write = |name: &str, text: &str| {
            std::fs::write(folder.join(name), text).unwrap();
        };
        for secret in ["store.key", "code.key"] {
            let _ = Secret::create(&folder.join(secret));
        }
        let passphrase = folder.join("passphrase");
        let _ = std::fs::remove_file(&passphrase);
        std::fs::copy(certs("passphrase"), &passphrase).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&passphrase, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        write(
            "catalogue.toml",
            "[[entity]]\ncode = 'INSS'\nname = 'Instituto'\nseal = 'inss'",
        );
        write("callers.toml", "");
        let text = format!(
            "catalogue = 'catalogue.toml'\ncallers = 'callers.toml'\n[store]\nkey = 'store.key'\n[code]\nsecrets = 'code.key'\n\
             [sources]\noffline = true\n[trust]\nanchors = ['{}']\ncrls = ['{}', '{}']\n\
             [[tsa]]\nname = 'a'\nurl = 'http://tsa.example/'\n\
             [[seal]]\nname = 'inss'\nkey = '{}'\npassphrase_file = 'passphrase'\ntsa = ['a']\n",
            certs("root.pem"),
            certs("root.crl"),
            certs("ca.crl"),
            certs("seal.p12"),
        );
        let config = Config::from_toml(&edit(text), &folder.join("rubrica.toml"), [])?;
        let clock = SettableClock::at("2026-11-24T12:00:00Z".parse().unwrap());
        Office::open(config, Arc::new(clock))
    }

    #[test]
    fn a_whole_configuration_opens_and_its_seals_stand() {
        let folder = tempfile::tempdir().unwrap();
        let office = open(folder.path(), |text| text).unwrap();
        let register = office.register.as_ref().unwrap();
        assert_eq!(office.complete_all().unwrap().done, 0);
        assert!(office.judge_seals().is_empty());
        assert_eq!(office.seals[0].revoked.get(), None);
        assert_eq!(register.reception.hindrances(), []);
        assert_eq!(register.store.seals().unwrap().len(), 1);
        assert!(office.seal_desk.timestamping.contains_key("inss"));
        let error = open(folder.path(), |text| text).unwrap_err();
        assert!(error.problem().contains("in use by process"), "{error}");
    }

    #[test]
    fn a_revoked_seal_keeps_the_register_from_working() {
        let folder = tempfile::tempdir().unwrap();
        let office = open(folder.path(), |text| {
            text.replace("seal.p12", "revoked.p12")
        })
        .unwrap();
        assert!(office.judge_seals().is_empty());
        let hindrances = office.register.unwrap().reception.hindrances();
        assert!(
            hindrances[0].problem().contains("revoked on 2025-01-01"),
            "{hindrances:?}"
        );
    }

    #[test]
    fn without_secrets_there_is_no_register() {
        let folder = tempfile::tempdir().unwrap();
        let office = open(folder.path(), |text| {
            text.replace("secrets = 'code.key'", "")
        })
        .unwrap();
        assert!(office.register.is_none());
        assert!(!folder.path().join("data").exists());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_before_anything_is_served() {
        let folder = tempfile::tempdir().unwrap();
        for (from, to, said) in [
            ("seal.p12", "none.p12", "none.p12"),
            ("passphrase_file = 'passphrase'", "", "passphrase is wrong"),
            ("name = 'inss'", "name = 'other'", "entity \"INSS\""),
            ("root.pem", "none.pem", "none.pem"),
            ("catalogue.toml", "none.toml", "none.toml"),
            ("'store.key'", "'none.key'", "none.key"),
        ] {
            let error = open(folder.path(), |text| text.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(said), "{to}: {error}");
        }
    }
}
