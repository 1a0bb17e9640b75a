//! Secrets in files outside of the store, and passphrases. Neither is ever printed, and memory is cleared after use.

use crate::engine::syntax::hex::{from_hex, hex};
use crate::engine::{Error, Result};
use crate::service::config::SealSettings;
use ring::hkdf::{HKDF_SHA256, KeyType, Prk};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use zeroize::Zeroizing;

/// 256 secret bits, from which a key for each use is derived (RFC 5869 §2.3).
pub struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    /// A secret of these 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Secret(Zeroizing::new(bytes))
    }

    /// Reads the secret of `path`: one line of 64 hexadecimal digits. The file must not be readable by everybody.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_private(path, 1024, "secret")?;
        let line = std::str::from_utf8(&text).unwrap_or("").trim();
        from_hex(line).map(Secret::new).ok_or_else(|| {
            Error::invalid(
                path.display().to_string(),
                "the secret is not one line of 64 hexadecimal digits",
            )
            .remedy("Make one with `openssl rand -hex 32`; a lost one cannot be made again.")
        })
    }

    /// Makes a new secret in a new file that its owner alone can read.
    pub fn create(path: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::unavailable(
                path.display().to_string(),
                format!("the secret cannot be written: {error}"),
            )
        };
        let bytes = Zeroizing::new(random::<32>()?);
        let line = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex(&*bytes))));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(failed)?;
        file.write_all(line.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(Secret(bytes))
    }

    /// The key for one use. Keys of different labels say nothing about each other or about the secret.
    pub fn derive(&self, label: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        let info = [label];
        let filled = Prk::new_less_safe(HKDF_SHA256, &*self.0)
            .expand(&info, Length)
            .and_then(|okm| okm.fill(&mut *key));
        debug_assert!(filled.is_ok(), "32 bytes are one block of HKDF-SHA256");
        key
    }
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A passphrase; empty where the key has none.
#[derive(Clone, Default)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// This passphrase, up to its first NUL, which no passphrase holds.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = Zeroizing::new(text.into());
        if let Some(end) = text.find('\0') {
            text.truncate(end);
        }
        Passphrase(text)
    }

    /// The passphrase that the settings of a seal point to: the first line of a file, or an environment variable.
    pub fn of(seal: &SealSettings) -> Result<Self> {
        match (&seal.passphrase_file, &seal.passphrase_env) {
            (Some(path), _) => Passphrase::read(path),
            (None, Some(variable)) => std::env::var(variable).map(Passphrase::new).map_err(|_| {
                Error::invalid(
                    format!("environment variable {variable}"),
                    format!("not set; it holds the passphrase of seal {:?}", seal.name),
                )
            }),
            (None, None) => Ok(Passphrase::default()),
        }
    }

    /// The first line of a file that is not readable by everybody.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = read_private(path, 4096, "passphrase")?;
        let text = std::str::from_utf8(&bytes).map_err(|_| {
            Error::invalid(path.display().to_string(), "the passphrase is not UTF-8")
        })?;
        Ok(Passphrase::new(text.lines().next().unwrap_or("")))
    }

    /// How many characters it has.
    pub fn characters(&self) -> usize {
        self.0.chars().count()
    }

    /// SHA-256 of it, to hold what is shown against.
    pub fn sha256(&self) -> [u8; 32] {
        crate::engine::crypto::sha256(self.0.as_bytes())
    }

    /// The passphrase itself.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// Random bytes of the operating system.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::unavailable("random numbers", "the operating system gives none"))?;
    Ok(bytes)
}

/// The bytes of a secret file of at most `limit` bytes that is not open to everybody.
fn read_private(path: &Path, limit: u64, what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let name = || path.display().to_string();
    let failed = |error: std::io::Error| {
        Error::invalid(name(), format!("the {what} cannot be read: {error}"))
    };
    let file = File::open(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if file.metadata().map_err(failed)?.mode() & 0o007 != 0 {
            return Err(Error::refused(
                name(),
                format!("everybody on this machine can reach this {what}"),
            )
            .remedy("Take it away from others: chmod o-rwx."));
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit as usize + 1));
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Error::limit(
            name(),
            format!("the {what} is longer than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.key");
        let made = Secret::create(&path).unwrap();
        assert!(Secret::create(&path).is_err(), "never over an old one");
        let read = Secret::read(&path).unwrap();
        assert_eq!(*made.derive(b"a"), *read.derive(b"a"));
        assert_ne!(*made.derive(b"a"), *read.derive(b"b"));
        assert_ne!(*made.derive(b"a"), [0; 32]);
        assert_eq!(format!("{made:?}"), "Secret");
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_everybody_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.key");
        Secret::create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = Secret::read(&path).unwrap_err();
        assert!(error.remedy_text().unwrap().contains("chmod"), "{error}");
    }

    #[test]
    fn a_passphrase_is_one_line_and_is_not_printed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passphrase");
        std::fs::write(&path, "contraseña \r\nsecond line\n").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let passphrase = Passphrase::read(&path).unwrap();
        assert_eq!(passphrase.reveal(), "contraseña ");
        assert!(!format!("{passphrase:?}").contains("contra"));
    }
}
