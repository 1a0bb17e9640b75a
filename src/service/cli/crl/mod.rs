//! `rubrica crl …`: the index of revocation lists.

mod add;
mod fetch;
mod list;
mod lookup;

use super::exit::Exit;
use crate::engine::crypto::sha256;
use crate::engine::pki::Certificate;
use crate::engine::pki::crl::RevocationList;
use crate::engine::syntax::hex::hex;
use crate::engine::{Error, Result};
use crate::service::config::Config;
use crate::service::index::{Index, Listed, Retention};
use crate::service::sources::Folder;
use serde_json::{Value, json};
use std::path::PathBuf;

verbs_below! {
    Index(add::Arguments) add::run, "Take lists from files into the index, if their issuers signed them";
    Lookup(lookup::Arguments) lookup::run, "Say what the lists of an issuer say of a certificate: 0 not listed, 1 revoked, 2 no list";
    List(list::Arguments) list::run, "List what is in the index";
    Fetch(fetch::Arguments) fetch::run, "Fetch lists into the index";
}

/// Where the index is, and how it is told.
#[derive(Debug, clap::Args)]
struct Place {
    /// The folder of the index; without it that of the configuration
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// The configuration, whose [index], [trust] and [sources] are used
    #[arg(long, value_name = "FILE", env = "RUBRICA_CONFIG")]
    config: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Place {
    fn configuration(&self) -> Result<Config> {
        self.config
            .as_deref()
            .map_or_else(|| Ok(Config::default()), Config::read)
    }

    fn open(&self, config: &Config) -> Result<Index> {
        let of_config = || config.index_folder();
        let folder = self.folder.clone().or_else(of_config).ok_or_else(|| {
            Error::invalid("--folder", "is missing")
                .remedy("Give the folder of the index, or --config.")
        })?;
        Index::open(&folder, Retention::of(&config.index))
    }
}

/// The certificates in `paths` and in the configuration, one of which is to have signed.
fn signers(paths: &[PathBuf], config: &Config) -> Result<Vec<Certificate>> {
    let all = [paths, &config.trust.anchors, &config.trust.certificates].concat();
    let found = Folder::read(&all)?.certificates().to_vec();
    if found.is_empty() {
        return Err(Error::invalid("--issuer", "holds no certificate")
            .remedy("Give the certificate of the issuer whose list it is, as PEM or DER."));
    }
    Ok(found)
}

/// A list as one line of a table.
fn told(listed: &Listed) -> String {
    let header = listed.header();
    let until = header
        .next_update()
        .map_or_else(|| "-".to_string(), |next| next.to_string());
    let kind = if header.is_delta() {
        "delta"
    } else {
        "complete"
    };
    let (entries, id) = (listed.index().entries(), listed.object_id());
    let issuer = header.issuer();
    format!(
        "{} {until} {entries:>9} {kind:<8} {} {issuer}",
        header.this_update(),
        &id.to_string()[..16]
    )
}

/// A list as JSON.
fn described(listed: &Listed) -> Value {
    let header = listed.header();
    json!({
        "list": listed.object_id(),
        "issuer": header.issuer().to_string(),
        "key": hex(&sha256(listed.index().spki())),
        "scope": (listed.shelf().scope != [0; 32]).then(|| hex(&listed.shelf().scope)),
        "delta": header.is_delta(),
        "number": header.number().map(|number| hex(number.magnitude())),
        "this_update": header.this_update(),
        "next_update": header.next_update(),
        "entries": listed.index().entries(),
        "bytes": listed.bytes(),
        "url": listed.provenance().url,
        "obtained": listed.provenance().obtained,
    })
}

fn print(json: bool, value: &Value, text: &str) {
    if json {
        println!("{value}");
    } else if !text.is_empty() {
        println!("{text}");
    }
}
