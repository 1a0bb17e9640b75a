//! Signature formats: how to find signatures in a document, how to make them. Judging them is `validation`.
//!
//! A format joins by a folder here and one line in [`FORMATS`].

pub mod asic;
pub mod cades;
mod content;
mod evidence_record;
pub mod pades;
mod patch;
mod request;
pub mod smime;
pub mod timestamp;

pub use content::{Content, ContentDigests, HEAD, Passing, Streamed};
pub use evidence_record::{GivenRecord, add_given};
pub use patch::{Part, Patch};
pub use request::{
    CadesOptions, CommitmentType, ContentHints, Material, Options, PadesOptions, PolicyIdentifier,
    Prepared, ProductionPlace, Properties, Resume, SignRequest, SigningTime, VisibleSeal,
};

use crate::engine::crypto::{DigestAlgorithm, SignatureValue};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Evidence;
use crate::engine::limits::Budget;
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::time::Time;

/// How sure a format is that a document is its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sniff {
    /// It is not.
    No,
    /// It may be, if nothing else claims it.
    Perhaps,
    /// It is.
    Yes,
}

/// Content that was signed apart from its signature.
#[derive(Debug, Clone, Copy)]
pub struct Detached<'a> {
    /// The name it goes by, where it has one.
    pub name: Option<&'a str>,
    /// The content: bytes, or a stream that is digested as it passes.
    pub content: Content<'a>,
}

impl<'a> Detached<'a> {
    /// Content without a name.
    pub fn of(content: impl Into<Content<'a>>) -> Detached<'a> {
        Detached {
            name: None,
            content: content.into(),
        }
    }
}

/// A document to look into.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The document; may be a memory map.
    pub document: &'a [u8],
    /// Content that the document's signatures cover and do not carry.
    pub detached: &'a [Detached<'a>],
}

/// A signature format.
pub trait Format: Sync + std::fmt::Debug {
    /// `PAdES`, `CAdES`, `ASiC-E`.
    fn name(&self) -> &'static str;

    /// Whether `document` is of this format, by its first bytes.
    fn sniff(&self, document: &[u8]) -> Sniff;

    /// Finds the signatures and computes the digests that they cover.
    ///
    /// A document that cannot be read at all is an error; one that can be read and has broken signatures is evidence
    /// with faults. A document without signatures is evidence without signatures.
    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence>;

    /// The digest algorithms of content apart from `document` that [`Format::inspect`] will ask for, so that a stream can be
    /// digested by them all as it passes once; nothing where all is inside, or where `document` cannot be read.
    fn digests_wanted(&self, _document: &[u8]) -> Vec<DigestAlgorithm> {
        Vec::new()
    }

    /// Everything up to the private-key operation. A detached signature needs no more of `document` than its digest; others
    /// refuse what is not at hand.
    fn prepare(&self, document: Content<'_>, request: &SignRequest, now: Time) -> Result<Prepared>;

    /// Puts the signature value in.
    fn embed(&self, document: &[u8], resume: Resume, value: SignatureValue) -> Result<Patch>;

    /// Adds a time-stamp or validation material to what is signed.
    fn augment(&self, document: &[u8], material: &Material) -> Result<Patch>;

    /// What an archive time-stamp of a signature of `document` is to be over, before the token goes in by `augment` into
    /// the same document. `signature` counts as `inspect` does.
    fn archive_imprint(
        &self,
        document: &[u8],
        detached: &[Detached<'_>],
        signature: usize,
        algorithm: DigestAlgorithm,
    ) -> Result<MessageImprint> {
        let _ = (document, detached, signature, algorithm);
        Err(Error::unsupported(
            self.name(),
            "archive time-stamps are not made in this format",
        ))
    }
}

/// All formats, the most particular first.
pub const FORMATS: &[&dyn Format] = &[
    &asic::Asic,
    &pades::Pades,
    &smime::Smime,
    &timestamp::Timestamps,
    &cades::Cades,
];

/// The format that is surest of `document`.
pub fn recognise(document: &[u8]) -> Result<&'static dyn Format> {
    let best = FORMATS
        .iter()
        .rev()
        .max_by_key(|format| format.sniff(document));
    match best {
        Some(format) if format.sniff(document) > Sniff::No => Ok(*format),
        _ if document.is_empty() => {
            Err(Error::malformed("document", "is empty").remedy("Send the file itself."))
        }
        _ => Err(Error::unsupported(
            "document",
            "is neither PDF, nor ASiC container, nor CMS signature, nor time-stamp, nor signed mail",
        )
        .remedy("Send a signed PDF, an acuse de recibo (ZIP), a CMS signature (.p7s, .csig) or a time-stamp (.tst, .tsr).")),
    }
}
