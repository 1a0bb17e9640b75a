//! Who calls, and what they may do. Nobody registers, seals, issues codes or reads what is stored without being known.
//!
//! A caller shows an API key (`Authorization: Bearer …`). Keys are 256 random bits, so that their SHA-256 is kept and
//! no slower hash is needed; the keys themselves are kept nowhere. Client certificates join behind [`Callers`] later.

use crate::engine::{Error, ErrorKind, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Something that a caller may be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Register requests (`POST /v1/receipts`).
    Register,
    /// Read receipts, originals and evidence that are stored, and look them up.
    Read,
    /// Seal a PDF (`POST /v1/seal`).
    Seal,
    /// Seal a PDF with a code of authenticity (`POST /v1/documents`).
    Documents,
    /// Sign documents in any format, in one step with a seal or in two with a key that is elsewhere (`POST /v1/sign`).
    Sign,
    /// Raise signatures to a level, and see what is owed (`POST /v1/augment`, `GET /v1/owed`).
    Augment,
    /// Have documents time-stamped (`POST /v1/timestamp`), and ask the service's own authority as often as it wants (`POST /tsa`).
    Timestamp,
    /// Ask about certificates as often as it wants (`POST /v1/certificates/…`).
    Certificates,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::Register => "register",
            Operation::Read => "read",
            Operation::Seal => "seal",
            Operation::Documents => "documents",
            Operation::Sign => "sign",
            Operation::Augment => "augment",
            Operation::Timestamp => "timestamp",
            Operation::Certificates => "certificates",
        })
    }
}

/// What a request shows of its sender.
#[derive(Clone, Copy, Default)]
pub struct Credentials<'a> {
    /// The key of `Authorization: Bearer KEY`.
    pub bearer: Option<&'a str>,
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.bearer.map(|_| "(withheld)");
        f.debug_struct("Credentials")
            .field("bearer", &shown)
            .finish()
    }
}

/// Tells callers apart.
pub trait Callers: fmt::Debug + Send + Sync {
    /// The caller with these credentials, in a time that does not depend on which caller it is, or on how much of a
    /// wrong key was right.
    fn identify(&self, credentials: &Credentials<'_>) -> Option<Caller>;

    /// Whether nobody is known, so that the routes of callers must not be opened.
    fn is_empty(&self) -> bool;
}

/// A known caller and its permissions. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(Arc<Permissions>);

/// The name and the permissions of one caller; `*` in a list of names means all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Permissions {
    /// The caller's name, as it is kept with what the caller registers.
    pub name: String,
    /// What it may do.
    pub operations: Vec<Operation>,
    /// The codes of the entities for which it may do it.
    pub entities: Vec<String>,
    /// The names of the seals that it may use.
    #[serde(default)]
    pub seals: Vec<String>,
}

impl Caller {
    /// A caller with these permissions.
    pub fn new(permissions: Permissions) -> Self {
        Caller(Arc::new(permissions))
    }

    /// The caller's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// [`ErrorKind::Forbidden`] unless the caller may do this.
    pub fn may(&self, operation: Operation) -> Result<()> {
        self.permit(
            self.0.operations.contains(&operation),
            "operation",
            operation,
        )
    }

    /// Whether the caller acts for this entity.
    pub fn acts_for(&self, entity: &str) -> bool {
        listed(&self.0.entities, entity)
    }

    /// [`ErrorKind::Forbidden`] unless the caller acts for this entity.
    pub fn may_act_for(&self, entity: &str) -> Result<()> {
        self.permit(self.acts_for(entity), "entity", entity)
    }

    /// [`ErrorKind::Forbidden`] unless the caller may use this seal.
    pub fn may_use_seal(&self, seal: &str) -> Result<()> {
        self.permit(listed(&self.0.seals, seal), "seal", seal)
    }

    /// The entities for which it acts; `None` means all.
    pub fn entities(&self) -> Option<&[String]> {
        (!self.0.entities.iter().any(|e| e == "*")).then_some(&self.0.entities)
    }

    fn permit(&self, allowed: bool, what: &'static str, which: impl fmt::Display) -> Result<()> {
        if allowed {
            return Ok(());
        }
        let name = &self.0.name;
        Err(Error::new(
            ErrorKind::Forbidden,
            what,
            format!(
                "the key of caller {name:?} does not cover {what} {which:?}",
                which = which.to_string()
            ),
        )
        .remedy(
            "Use a key that covers it, or ask the operator to widen this one in the callers file.",
        ))
    }
}

fn listed(names: &[String], name: &str) -> bool {
    names.iter().any(|n| n == name || n == "*")
}

/// Callers known by API keys, from a file.
#[derive(Debug, Default)]
pub struct ApiKeys(Vec<(KeyHash, Caller)>);

/// The SHA-256 of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct KeyHash([u8; 32]);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallersFile {
    #[serde(default, rename = "caller")]
    callers: Vec<CallerEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallerEntry {
    key_sha256: String,
    name: String,
    operations: Vec<Operation>,
    entities: Vec<String>,
    #[serde(default)]
    seals: Vec<String>,
}

impl ApiKeys {
    /// Reads the callers file: a `[[caller]]` for each key, with `name`, `key_sha256` (hex), `operations`, `entities`
    /// and `seals`.
    pub fn read(path: &Path) -> Result<Self> {
        let text = super::config::read_text(path, "callers file")?;
        let file: CallersFile = super::config::parse_toml(&text, path)?;
        let keys = file
            .callers
            .into_iter()
            .map(|entry| entry.known(path))
            .collect::<Result<Vec<_>>>()?;
        for (index, (hash, caller)) in keys.iter().enumerate() {
            if keys[..index].iter().any(|(other, _)| other == hash) {
                let problem = format!(
                    "the key of caller {:?} belongs to another caller too",
                    caller.name()
                );
                return Err(Error::invalid(path.display().to_string(), problem)
                    .remedy("Give each caller a key of its own."));
            }
        }
        Ok(ApiKeys(keys))
    }

    /// Adds a caller with this key.
    #[must_use]
    pub fn with(mut self, key: &str, permissions: Permissions) -> Self {
        self.0.push((KeyHash::of(key), Caller::new(permissions)));
        self
    }
}

impl CallerEntry {
    fn known(self, path: &Path) -> Result<(KeyHash, Caller)> {
        let hash = crate::engine::syntax::hex::from_hex(&self.key_sha256).ok_or_else(|| {
            let problem = format!(
                "key_sha256 of caller {:?} is not 64 hexadecimal digits",
                self.name
            );
            Error::invalid(path.display().to_string(), problem)
                .remedy("Put there the SHA-256 of the API key, as `rubrica caller-key` prints it.")
        })?;
        let permissions = Permissions {
            name: self.name,
            operations: self.operations,
            entities: self.entities,
            seals: self.seals,
        };
        Ok((KeyHash(hash), Caller::new(permissions)))
    }
}

impl KeyHash {
    fn of(key: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, key.as_bytes()).as_ref());
        KeyHash(hash)
    }
}

impl Callers for ApiKeys {
    fn identify(&self, credentials: &Credentials<'_>) -> Option<Caller> {
        let presented = KeyHash::of(credentials.bearer.unwrap_or(""));
        let mut found = None;
        for (hash, caller) in &self.0 {
            if openssl::memcmp::eq(&hash.0, &presented.0) {
                found = Some(caller);
            }
        }
        found.cloned()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A new API key made of `random`, and the hash of it that belongs in the callers file (`key_sha256`).
///
/// ```
/// let (key, hash) = rubrica::service::callers::new_key(&[7; 32]);
/// assert!(key.starts_with("rubrica_"));
/// assert_eq!(hash.len(), 64);
/// ```
pub fn new_key(random: &[u8; 32]) -> (String, String) {
    let key = format!("rubrica_{}", URL_SAFE_NO_PAD.encode(random));
    let hash = KeyHash::of(&key).0;
    (key, crate::engine::syntax::hex::hex(&hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portal() -> Permissions {
        Permissions {
            name: "portal".into(),
            operations: vec![Operation::Register],
            entities: vec!["INSS".into()],
            seals: vec!["*".into()],
        }
    }

    fn bearer(key: &str) -> Credentials<'_> {
        Credentials { bearer: Some(key) }
    }

    #[test]
    fn only_the_right_key_identifies() {
        let (key, _) = new_key(&[1; 32]);
        let callers = ApiKeys::default().with(&key, portal());
        assert_eq!(callers.identify(&bearer(&key)).unwrap().name(), "portal");
        assert!(callers.identify(&bearer(&key[1..])).is_none());
        assert!(callers.identify(&bearer("")).is_none());
        assert!(callers.identify(&Credentials::default()).is_none());
        assert!(ApiKeys::default().identify(&bearer(&key)).is_none());
    }

    #[test]
    fn what_is_not_listed_is_forbidden() {
        let caller = Caller::new(portal());
        assert!(caller.may(Operation::Register).is_ok());
        assert_eq!(
            caller.may(Operation::Read).unwrap_err().kind(),
            ErrorKind::Forbidden
        );
        assert!(caller.may_act_for("INSS").is_ok());
        assert_eq!(caller.may_act_for("TGSS").unwrap_err().element(), "entity");
        assert!(caller.may_use_seal("any").is_ok());
    }

    #[test]
    fn the_file_holds_hashes_and_names_its_faults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("callers.toml");
        let (key, hash) = new_key(&[2; 32]);
        let entry = |hash: &str| {
            format!(
                "[[caller]]\nname='a'\nkey_sha256='{hash}'\noperations=['read']\nentities=['*']\n"
            )
        };
        std::fs::write(&path, entry(&hash)).unwrap();
        let callers = ApiKeys::read(&path).unwrap();
        assert_eq!(callers.identify(&bearer(&key)).unwrap().entities(), None);

        std::fs::write(&path, entry("abc")).unwrap();
        assert!(
            ApiKeys::read(&path)
                .unwrap_err()
                .problem()
                .contains("key_sha256")
        );
        std::fs::write(&path, entry(&hash).repeat(2)).unwrap();
        assert!(
            ApiKeys::read(&path)
                .unwrap_err()
                .problem()
                .contains("another caller")
        );
        std::fs::write(&path, entry(&hash).replace("entities", "entitys")).unwrap();
        let error = ApiKeys::read(&path).unwrap_err();
        assert!(error.problem().contains("entitys"), "{error}");
        assert!(error.element().contains("line 5"), "{error}");
    }

    #[test]
    fn credentials_are_not_printed() {
        assert!(!format!("{:?}", bearer("rubrica_secret")).contains("secret"));
    }
}
