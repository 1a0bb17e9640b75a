//! What is asked for when signing, and what travels between its steps.

use super::Patch;
use crate::engine::crypto::{DigestAlgorithm, SignatureAlgorithm};
use crate::engine::pki::Certificate;

/// A request to sign.
#[derive(Debug, Clone)]
pub struct SignRequest {
    /// The signer's certificate.
    pub certificate: Certificate,
    /// Its issuers, for whoever verifies; without or with the root.
    pub chain: Vec<Certificate>,
    /// The algorithm of the key that will sign.
    pub algorithm: SignatureAlgorithm,
    /// The digest of the content.
    pub digest: DigestAlgorithm,
    /// Room to leave for a time-stamp token, in bytes; 0 for none. Formats that can grow ignore it.
    pub timestamp_reserve: usize,
    /// What only one format knows.
    pub options: Options,
}

/// What only one format knows.
#[derive(Debug, Clone)]
pub enum Options {
    /// CAdES: whether the content goes inside, and its media type where it is signed too (EN 319 122-1 §5.2.5).
    Cades {
        /// Whether the content goes inside.
        attached: bool,
        /// The media type of the content.
        mime_type: Option<String>,
    },
    /// PAdES.
    Pades(PadesOptions),
}

/// What a PDF signature says beside itself.
#[derive(Debug, Clone, Default)]
pub struct PadesOptions {
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/Name`.
    pub name: Option<String>,
    /// The name of the form field; one that is free where none is given.
    pub field: Option<String>,
    /// The seal that people see; an invisible signature where there is none.
    pub visible: Option<VisibleSeal>,
}

/// The seal that people see on a page.
#[derive(Debug, Clone)]
pub struct VisibleSeal {
    /// The page, from 0.
    pub page: usize,
    /// Left, bottom, right, top in points of the page.
    pub rectangle: [f32; 4],
    /// The lines of text, the first as a title.
    pub lines: Vec<String>,
    /// What a screen reader says.
    pub alternative: String,
    /// The bytes of a TrueType font, of which a subset goes into the document.
    pub font: &'static [u8],
    /// The identifier of the structure element that takes the seal, in a tagged document.
    pub structure_element: Option<String>,
}

/// What is to be signed, and how to go on.
#[derive(Debug)]
pub struct Prepared {
    /// The message that the private key signs.
    pub to_be_signed: Vec<u8>,
    /// What `embed` needs beside the document. It never holds the document.
    pub resume: Resume,
}

/// What `embed` needs beside the document.
#[derive(Debug, Clone)]
pub struct Resume {
    /// The request without which the structure cannot be written again.
    pub request: SignRequest,
    /// The signed attributes, as DER SET, that the value is over.
    pub signed_attributes: Vec<u8>,
    /// For formats that append: the document with room for the signature, and where the room is in it.
    pub patch: Patch,
    /// Where the room for the signature begins in the patched document, and its length.
    pub room: std::ops::Range<usize>,
}

/// What a signature is augmented with.
#[derive(Debug, Clone)]
pub enum Material {
    /// A time-stamp token over the signature value of the signature named by number, from 0.
    SignatureTimestamp {
        /// Which signature.
        signature: usize,
        /// The token.
        token: Vec<u8>,
    },
}
