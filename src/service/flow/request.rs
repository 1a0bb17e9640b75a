//! A request, as it comes in: its documents are digested and staged while they are read, in constant memory.
//!
//! In: the parts of a request. Out: [`Request`], of which every byte is on disk and none is registered yet.

use crate::engine::crypto::{DigestAlgorithm, Hasher, sha256};
use crate::engine::register::{Document, DocumentRole, Hex, Metadata};
use crate::engine::{Error, Result};
use crate::service::store::{Staged, Store};
use std::io::{self, Read};

/// A request, as a portal sent it.
#[derive(Debug)]
pub struct Request {
    /// The portal's own name for it.
    pub idempotency_key: String,
    /// What the portal says about it.
    pub metadata: Metadata,
    /// Its documents, the request first.
    pub documents: Vec<Received>,
    /// Whether the acuse holds the attachments, or only their digests.
    pub attachments_inside: bool,
}

/// A document that has come in.
#[derive(Debug)]
pub struct Received {
    pub(super) document: Document,
    pub(super) staged: Staged,
}

impl Request {
    /// SHA-256 over everything that was sent, and nothing that is added here: by it a retry is known.
    pub(super) fn digest(&self) -> Result<[u8; 32]> {
        let documents: Vec<_> = self.documents.iter().map(|d| &d.document).collect();
        serde_json::to_vec(&(&self.metadata, documents, self.attachments_inside))
            .map(|sent| sha256(&sent))
            .map_err(|_| Error::internal("metadata", "cannot be written as JSON"))
    }

    /// Refuses a key that is none.
    pub(super) fn check_key(&self) -> Result<()> {
        let key = &self.idempotency_key;
        if (1..=200).contains(&key.len()) && key.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return Ok(());
        }
        Err(Error::invalid(
            "Idempotency-Key",
            "is not 1 to 200 printable ASCII characters",
        )
        .remedy(
            "Send a key of your own for each request, such as a UUID, and the same one on a retry.",
        ))
    }
}

impl Received {
    /// Stages a document as it comes in, of at most `limit` bytes.
    pub fn stage(
        store: &dyn Store,
        role: DocumentRole,
        name: &str,
        media_type: &str,
        content: &mut dyn Read,
        limit: u64,
    ) -> Result<Self> {
        let mut measured = Measured::new(content, limit);
        let staged = store.stage(&mut measured);
        if measured.size > limit {
            return Err(Error::limit(
                "limits.document_bytes",
                format!("a document has more than {limit} bytes"),
            )
            .remedy("Send a smaller document."));
        }
        let staged = staged?;
        if measured.size == 0 {
            return Err(Error::invalid("document", "is empty").remedy("Send the file itself."));
        }
        let (sha256, sha512) = (measured.sha256.finish(), measured.sha512.finish());
        let document = Document {
            role,
            name: name.to_string(),
            media_type: media_type.to_string(),
            size: measured.size,
            sha256: Hex(array(&sha256)?),
            sha512: Hex(array(&sha512)?),
        };
        Ok(Received { document, staged })
    }

    /// What it is.
    pub fn document(&self) -> &Document {
        &self.document
    }
}

/// Counts and digests what passes through, and stops past the limit.
struct Measured<'a> {
    content: &'a mut dyn Read,
    limit: u64,
    size: u64,
    sha256: Hasher,
    sha512: Hasher,
}

impl<'a> Measured<'a> {
    fn new(content: &'a mut dyn Read, limit: u64) -> Self {
        Measured {
            content,
            limit,
            size: 0,
            sha256: Hasher::new(DigestAlgorithm::Sha256),
            sha512: Hasher::new(DigestAlgorithm::Sha512),
        }
    }
}

impl Read for Measured<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(into)?;
        let bytes = into.get(..read).unwrap_or_default();
        self.size = self.size.saturating_add(read as u64);
        if self.size > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.sha256.update(bytes);
        self.sha512.update(bytes);
        Ok(read)
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes
        .try_into()
        .map_err(|_| Error::internal("digest", "has another length than its algorithm says"))
}
