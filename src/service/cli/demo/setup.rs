//! The demo's folder: configuration, catalogue, calendar, callers, secrets. What is there is left as it is.

use crate::engine::{Error, Result};
use crate::service::callers::new_key;
use crate::service::keys::{Secret, random};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The demo's folder.
#[derive(Debug)]
pub(super) struct Setup {
    folder: PathBuf,
    listen: SocketAddr,
    /// The key of its one caller.
    pub(super) key: String,
    reused: bool,
}

const CATALOGUE: &str = include_str!("catalogue.toml");
const CALENDAR: &str = include_str!("calendar.toml");

impl Setup {
    /// Makes what is not there yet.
    pub(super) fn make(folder: &Path, listen: SocketAddr) -> Result<Self> {
        let secrets = folder.join("secrets");
        fs::create_dir_all(&secrets).map_err(|error| failed(&secrets, &error))?;
        let key_file = secrets.join("portal.key");
        let reused = key_file.exists();
        let setup = Setup {
            key: if reused {
                read(&key_file)?.trim().to_string()
            } else {
                new_key(&random()?).0
            },
            folder: folder.to_path_buf(),
            listen,
            reused,
        };
        for name in ["store.key", "code.key"] {
            if !secrets.join(name).exists() {
                Secret::create(&secrets.join(name))?;
            }
        }
        setup.write("catalogue.toml", CATALOGUE)?;
        setup.write("calendar.toml", CALENDAR)?;
        setup.write("callers.toml", &setup.callers())?;
        setup.write("rubrica.toml", &setup.configuration())?;
        // Last: its presence says that all the rest is there.
        setup.write("secrets/portal.key", &format!("{}\n", setup.key))?;
        Ok(setup)
    }

    /// A file of the folder.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where the service answers.
    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// Says what was made.
    pub(super) fn print(&self) {
        let made = if self.reused { "as it was" } else { "made now" };
        println!("rubrica demo: nothing here is trusted by anybody who was not told to.\n");
        println!("  folder      {} ({made})", self.folder.display());
        println!("  anchor      {}", self.path("pki/root.pem").display());
        println!("  address     {}", self.base_url());
        println!("  key         {}", self.key);
    }

    /// A new file that its owner alone can read; one that is there stays.
    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        if path.exists() {
            return Ok(());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options
            .open(&path)
            .and_then(|mut f| f.write_all(text.as_bytes()));
        written.map_err(|error| failed(&path, &error))
    }

    fn callers(&self) -> String {
        let hash = crate::engine::crypto::sha256(self.key.as_bytes());
        let hash = crate::engine::syntax::hex::hex(&hash);
        format!(
            "[[caller]]\nname = \"portal\"\nkey_sha256 = \"{hash}\"\n\
             operations = [\"register\", \"read\", \"seal\", \"documents\", \"timestamp\"]\nentities = [\"*\"]\nseals = [\"*\"]\n"
        )
    }

    fn configuration(&self) -> String {
        let (listen, url) = (self.listen, self.base_url());
        format!(
            r#"# The demo's configuration. OPERATIONS.md describes every key.
listen = "{listen}"
data = "data"
callers = "callers.toml"
catalogue = "catalogue.toml"
calendar = "calendar.toml"
languages = ["es", "ca", "va", "gl", "eu", "en", "fr"]
log = "warn"

[sede]
name = "Sede Electrónica de demostración"
url = "{url}"
mail = "sede@sede.example"
certificate = "pki/website.pem"

[store]
key = "secrets/store.key"

[code]
secrets = "secrets/code.key"

[trust]
anchors = ["pki/root.pem"]
qualified = ["pki/root.pem"]
certificates = ["pki/ca.pem"]

[sources]
private_addresses = ["{listen}"]

[[tsa]]
name = "demo"
url = "{url}/demo/tsa"

[timestamping]
key = "pki/tsa.key"
certificate = "pki/tsa.pem"
chain = ["pki/ca.pem"]

[[seal]]
name = "sede"
key = "pki/seal.p12"
passphrase_file = "pki/passphrase"
tsa = ["demo"]
reason = "Registro Electrónico"

[[seal]]
name = "registro"
key = "pki/seal-p256.p12"
passphrase_file = "pki/passphrase"
tsa = ["demo"]
"#
        )
    }
}

/// The text of a file of the folder.
pub(super) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| failed(path, &error))
}

/// The folder cannot be used.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::unavailable(path.display().to_string(), format!("{}", error.kind()))
        .remedy("Give the demo another folder with --data.")
}
