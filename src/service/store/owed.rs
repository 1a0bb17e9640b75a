//! What is owed and what is kept for a while: the types of [`Store`](super::Store)'s methods about both.

use super::{BlobId, Staged, Store};
use crate::engine::{Result, Time};
use crate::service::keys::random;
use std::io::Read;

/// Random bytes in front of what [`stage_apart`] stages.
const SALT: usize = 16;

/// A level that is owed, to be noted in the same transaction as what it is owed of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// `B-T`.
    pub level: String,
    /// Whose authorities are asked; empty: all.
    pub seal: String,
    /// Why it was not reached. No personal data.
    pub problem: String,
}

/// Of what a level is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwedOf {
    /// A receipt, by its number.
    Receipt(String),
    /// A document behind a code, by the code's id.
    Document(String),
    /// What is kept for its caller.
    Kept(String),
}

impl OwedOf {
    /// `receipt`, `document` or `kept`.
    pub fn kind(&self) -> &'static str {
        match self {
            OwedOf::Receipt(_) => "receipt",
            OwedOf::Document(_) => "document",
            OwedOf::Kept(_) => "kept",
        }
    }

    /// The number or id.
    pub fn subject(&self) -> &str {
        match self {
            OwedOf::Receipt(of) | OwedOf::Document(of) | OwedOf::Kept(of) => of,
        }
    }
}

/// A level that is owed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debt {
    /// Its id.
    pub id: String,
    /// Of what.
    pub of: OwedOf,
    /// Who asked for it.
    pub caller: String,
    /// The entity that answers for it; none: the caller's alone.
    pub entity: Option<String>,
    /// What and why.
    pub owed: Owed,
    /// Since when.
    pub since: Time,
    /// How often it was tried since.
    pub tried: u32,
    /// It is not tried before.
    pub due: Time,
}

/// A document that its caller may have again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id, random or that of a state of two steps.
    pub id: String,
    /// Whose it is.
    pub caller: String,
    /// When it was made.
    pub made: Time,
    /// Not kept longer, unless it is owed a level.
    pub until: Time,
    /// `CAdES`.
    pub format: String,
    /// The level of the latest.
    pub level: String,
    /// SHA-256 of the value of the signature that it is about; zeros where it is about all.
    pub signed: [u8; 32],
    /// The document as it was handed out first.
    pub document: BlobId,
    /// The content, where it is apart.
    pub content: Option<BlobId>,
    /// The document as it was raised, once it was.
    pub latest: Option<BlobId>,
}

/// A document to be kept. Its blobs are [`stage_apart`]'s.
#[derive(Debug)]
pub struct NewKept {
    /// Its id; what is kept under it already stays.
    pub id: String,
    /// Whose it is.
    pub caller: String,
    /// When it was made.
    pub made: Time,
    /// Until when it is kept.
    pub until: Time,
    /// `CAdES`.
    pub format: String,
    /// The level reached.
    pub level: String,
    /// As in [`Kept`].
    pub signed: [u8; 32],
    /// The document.
    pub document: Staged,
    /// The content, where it is apart.
    pub content: Option<Staged>,
    /// What is owed of it.
    pub owed: Option<Owed>,
}

/// What a debt is paid with.
#[derive(Debug)]
pub struct Payment {
    /// The level reached: `PAdES-BASELINE-T`.
    pub level: String,
    /// When.
    pub made: Time,
    /// The document; of a receipt the justificante. Of what is kept, [`stage_apart`]'s.
    pub document: Staged,
    /// The acuse, of a receipt.
    pub acuse: Option<Staged>,
    /// What is kept, is kept so long at least.
    pub until: Time,
}

/// A further version of a document behind a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentVersion {
    /// From 2 on.
    pub version: u32,
    /// The level of its signatures.
    pub level: String,
    /// When it was made.
    pub made: Time,
    /// The document.
    pub document: BlobId,
}

/// Stages content that nothing else in the store shares, so that it can be removed again: random bytes go in front.
pub fn stage_apart(store: &dyn Store, content: &[u8]) -> Result<Staged> {
    let salt = random::<SALT>()?;
    store.stage(&mut (&salt[..]).chain(content))
}

/// What [`stage_apart`] staged.
pub fn blob_apart(store: &dyn Store, id: &BlobId) -> Result<Vec<u8>> {
    let mut bytes = store.blob(id)?;
    bytes.drain(..SALT.min(bytes.len()));
    Ok(bytes)
}
