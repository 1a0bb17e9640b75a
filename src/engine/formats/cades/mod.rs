//! CAdES (EN 319 122-1 v1.3.1): signatures in CMS, by themselves and inside PAdES and ASiC.

mod archive;
mod augment;
mod covered;
mod embed;
mod evidence_record;
mod inspect;
mod level;
mod number;
mod prepare;
mod properties;
mod proven;
mod rewrite;
mod signed;
mod timestamps;
mod validation_data;
mod values;

pub use augment::with_signature_timestamp;
use covered::{Covered, digests_wanted};
pub use embed::{message, signature_value_room};
pub use inspect::{
    ContentDigest, inspect_counter_signatures, inspect_signer, is_signed_attributes,
};
pub use prepare::{content_digest_algorithm, pdf_attributes};
pub use timestamps::{Content, inspect_timestamp};

use super::{Detached, Format, Input, Material, Patch, Prepared, Resume, SignRequest, Sniff};
use crate::engine::crypto::{DigestAlgorithm, SignatureValue};
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{Evidence, Family, Fault, Reference, Scope, ScopeKind};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::{SignedData, SignerInfo};
use crate::engine::pki::timestamp::MessageImprint;
use crate::engine::syntax::asn1::{Reader, Tag};
use crate::engine::time::Time;

/// A message, and whether zeros fill up the file behind it, as blocks of a fixed size leave them; any other octet there is
/// an error.
fn without_padding(document: &[u8]) -> Result<(SignedData, bool)> {
    let (data, end) = SignedData::from_ber_prefix(document)?;
    match document[end..].iter().position(|octet| *octet != 0) {
        None => Ok((data, end < document.len())),
        Some(at) => Err(Error::malformed("CMS", "has bytes after its end").at((end + at) as u64)),
    }
}

/// CMS signatures, attached or detached.
#[derive(Debug, Clone, Copy)]
pub struct Cades;

impl Format for Cades {
    fn name(&self) -> &'static str {
        "CAdES"
    }

    fn sniff(&self, document: &[u8]) -> Sniff {
        let mut outer = Reader::ber(document);
        let Ok(sequence) = outer.expect(Tag::SEQUENCE, "ContentInfo") else {
            return Sniff::No;
        };
        match sequence.inner().peek() {
            Some(Tag::OID | Tag::INTEGER) => Sniff::Yes,
            _ => Sniff::No,
        }
    }

    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence> {
        let (data, padded) = without_padding(input.document)?;
        let mut evidence = Evidence::new(self.name(), input.document);
        if padded {
            let fault = Fault::warning("cms.padding", "ITU-T X.690 §8.1.5", "");
            evidence.faults.push(fault);
        }
        let detached = input.detached.first();
        let covered = Covered::of(&data, detached.map(|d| d.content));
        covered.digest_all()?;
        let content = |algorithm| covered.digest(algorithm);
        let scope = detached
            .and_then(|d| d.name)
            .unwrap_or("content")
            .to_string();
        let bare = |info: &SignerInfo| info.signed_attributes.is_none();
        let posing = data.signer_infos().iter().any(bare)
            && match data.content() {
                Some(attached) => is_signed_attributes(&attached),
                None => detached.is_some_and(|d| is_signed_attributes(d.content)),
            };
        for index in 0..data.signer_infos().len() {
            budget.step(1_000)?;
            let name = format!("signer {}", index + 1);
            let mut signature = inspect_signer(
                &data,
                index,
                Content {
                    digest: &content,
                    apart: covered.apart,
                },
                Family::Cades,
                name,
                &mut evidence.pool,
                budget,
            )?;
            if detached.is_some() && data.is_attached() {
                let algorithm = signature
                    .digest_algorithm
                    .unwrap_or(DigestAlgorithm::Sha256);
                signature.references.push(Reference {
                    name: scope.clone(),
                    algorithm,
                    expected: covered.digest(algorithm).unwrap_or_default().into(),
                    actual: covered.digest_apart(algorithm).map(Into::into),
                });
            }
            if posing && bare(&data.signer_infos()[index]) {
                let clause = "RFC 5652 §5.4";
                let fault = Fault::failure("cades.content.posing", clause, "");
                signature.faults.push(fault);
            }
            signature.scopes.push(Scope {
                kind: ScopeKind::Full,
                name: scope.clone(),
                revision: None,
            });
            let info = &data.signer_infos()[index];
            let pool = &mut evidence.pool;
            let counter = inspect_counter_signatures(&data, info, &signature, pool, budget)?;
            evidence.signatures.push(signature);
            evidence.signatures.extend(counter);
        }
        evidence_record::collect(data.bytes(), &data, &covered, &scope, &mut evidence, budget)?;
        covered.outcome()?;
        Ok(evidence)
    }

    fn digests_wanted(&self, document: &[u8]) -> Vec<DigestAlgorithm> {
        SignedData::from_ber_prefix(document).map_or(Vec::new(), |(data, _)| digests_wanted(&data))
    }

    fn prepare(
        &self,
        document: super::Content<'_>,
        request: &SignRequest,
        now: Time,
    ) -> Result<Prepared> {
        prepare::prepare(document, request, now)
    }

    fn embed(&self, document: &[u8], resume: Resume, value: SignatureValue) -> Result<Patch> {
        embed::embed(document, resume, &value)
    }

    fn augment(&self, document: &[u8], material: &Material) -> Result<Patch> {
        augment::augment(document, material)
    }

    fn archive_imprint(
        &self,
        document: &[u8],
        detached: &[Detached<'_>],
        signature: usize,
        algorithm: DigestAlgorithm,
    ) -> Result<MessageImprint> {
        augment::archive_imprint(document, detached, signature, algorithm)
    }
}
