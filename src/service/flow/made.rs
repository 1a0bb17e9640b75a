//! A signature that was just made: put into its document, and read back before anything leaves.
//!
//! In: what the format prepared, and the value that somebody computed. Out: bytes that the code for foreign documents has
//! read: every reference intact, the value good under the signer's certificate, and that certificate the one named.

use crate::engine::crypto::{SignatureInput, SignatureValue};
use crate::engine::evidence::{Evidence, Severity, Signature, SignedData};
use crate::engine::formats::{
    CadesOptions, Content, Detached, Format, Input, Options, Resume, SignRequest,
};
use crate::engine::{Budget, Error, Result};

/// A signature of ours, or of whoever has the key, over a document.
pub(super) struct Made<'a> {
    pub(super) format: &'a dyn Format,
    pub(super) request: &'a SignRequest,
    /// What the signature goes into, or is over.
    pub(super) document: Content<'a>,
    /// What it is over where that is neither in the document nor the document.
    pub(super) content: Option<Content<'a>>,
    pub(super) value: SignatureValue,
}

impl Made<'_> {
    /// The signed document, and what was found in it.
    pub(super) fn embed(&self, resume: Resume) -> Result<(Vec<u8>, Evidence)> {
        let document = match (&self.request.options, self.document) {
            // What comes out does not hold it.
            (Options::Cades(CadesOptions::Detached), Content::Streamed(_)) => &[],
            (_, document) => document.whole()?,
        };
        let patch = self.format.embed(document, resume, self.value.clone())?;
        let signed = patch.apply(document)?;
        let evidence = self.check(&signed)?;
        Ok((signed, evidence))
    }

    /// The place of this signature in the evidence.
    pub(super) fn position(&self, evidence: &Evidence) -> Result<usize> {
        let found = evidence
            .signatures
            .iter()
            .position(|s| *s.value == *self.value.0);
        found.ok_or_else(|| {
            Error::internal("signed document", "does not hold the signature just made")
        })
    }

    /// What leaves must verify.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<Evidence> {
        let detached = [Detached::of(self.content.unwrap_or(self.document))];
        let input = Input {
            document: bytes,
            detached: &detached,
        };
        let evidence = self.format.inspect(input, &mut Budget::default())?;
        let signature = &evidence.signatures[self.position(&evidence)?];
        if self.is_sound(signature)? {
            Ok(evidence)
        } else {
            Err(Error::internal(
                "signed document",
                "does not verify, and does not leave",
            ))
        }
    }

    fn is_sound(&self, signature: &Signature) -> Result<bool> {
        let named = signature.certificate_references.first();
        Ok(signature
            .faults
            .iter()
            .all(|fault| fault.severity != Severity::Failure)
            && !signature.references.is_empty()
            && signature.references.iter().all(|r| r.is_intact())
            && named.is_some_and(|c| *c.digest == self.request.certificate.fingerprint())
            && signature.timestamps.iter().all(|t| t.imprint.is_intact())
            && self.value_verifies(signature)?)
    }

    fn value_verifies(&self, signature: &Signature) -> Result<bool> {
        let key = self.request.certificate.public_key()?;
        let SignedData::Attributes(der) = &signature.signed else {
            return Ok(false);
        };
        let message = SignatureInput::Message(der);
        Ok(key.verify(self.request.algorithm, message, &signature.value))
    }
}
