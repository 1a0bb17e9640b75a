//! Signed mail (RFC 8551 §3.4): `multipart/signed` with the signature beside the content, and `application/pkcs7-mime` with
//! the content inside. What is in the signature is `cades`.
//!
//! A signature covers the body, in lines that end with CR LF, and nothing of the header of the message: not who sent it,
//! when, to whom, or about what. Encrypted mail is refused by name. Signed mail is not made here.

use super::{
    Content, Detached, Format, Input, Material, Patch, Prepared, Resume, SignRequest, Sniff,
    cades::Cades,
};
use crate::engine::crypto::SignatureValue;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::{Evidence, Fault};
use crate::engine::limits::Budget;
use crate::engine::syntax::mime::{Entity, MediaType, canonical_lines};
use crate::engine::time::Time;

/// Messages of S/MIME.
#[derive(Debug, Clone, Copy)]
pub struct Smime;

/// What a signature of a message covers of it, as reports name it.
const BODY: &str = "message body";

/// Bytes in which a message's header ends, where it is to be recognised.
const HEADER: usize = 64 << 10;

impl Format for Smime {
    fn name(&self) -> &'static str {
        "S/MIME"
    }

    fn sniff(&self, document: &[u8]) -> Sniff {
        if !document.first().is_some_and(u8::is_ascii_alphabetic) {
            return Sniff::No;
        }
        // What else begins with a letter, of any size, is not gone through for a header's end.
        let head = &document[..document.len().min(HEADER)];
        let media_type = Entity::read(head).and_then(|entity| entity.media_type());
        match media_type {
            Ok(found) if found.name == "multipart/signed" || is_message(&found) => Sniff::Yes,
            _ => Sniff::No,
        }
    }

    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence> {
        budget.decoded(2 * input.document.len() as u64)?;
        let entity = Entity::read(input.document)?;
        let media_type = entity.media_type()?;
        let (signature, content) = match is_message(&media_type) {
            true => (entity.decoded()?, None),
            false => multipart(&entity, &media_type)?,
        };
        let named = |content| Detached {
            name: Some(BODY),
            content: Content::Bytes(content),
        };
        let detached: Vec<Detached<'_>> = content.as_deref().map(named).into_iter().collect();
        let inside = Input {
            document: &signature,
            detached: &detached,
        };
        let found = Cades.inspect(inside, budget)?;
        let mut evidence = Evidence {
            signatures: found.signatures,
            timestamps: found.timestamps,
            faults: found.faults,
            pool: found.pool,
            records: found.records,
            ..Evidence::new(self.name(), input.document)
        };
        let header = Fault::warning("smime.header", "RFC 8551 §3.1", "");
        evidence.faults.push(header);
        for signature in &mut evidence.signatures {
            signature.form = "S/MIME".to_string();
            for scope in &mut signature.scopes {
                scope.name = BODY.to_string();
            }
        }
        Ok(evidence)
    }

    fn prepare(&self, _: Content<'_>, _: &SignRequest, _: Time) -> Result<Prepared> {
        Err(not_made())
    }

    fn embed(&self, _: &[u8], _: Resume, _: SignatureValue) -> Result<Patch> {
        Err(not_made())
    }

    fn augment(&self, _: &[u8], _: &Material) -> Result<Patch> {
        Err(not_made())
    }
}

fn not_made() -> Error {
    Error::unsupported("S/MIME message", "signed mail is read and not made")
        .remedy("Sign the attachment, or the message's file as CAdES.")
}

fn is_message(media_type: &MediaType) -> bool {
    ["application/pkcs7-mime", "application/x-pkcs7-mime"].contains(&media_type.name.as_str())
}

/// The signature, and the content in the form that it is over. RFC 1847 §2.1: "The multipart/signed content type contains
/// exactly two body parts".
fn multipart(entity: &Entity<'_>, media_type: &MediaType) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let boundary = media_type.parameter("boundary").unwrap_or_default();
    if boundary.is_empty() {
        return Err(Error::malformed(
            "S/MIME message",
            "names no boundary of its parts",
        ));
    }
    let parts = entity.parts(boundary)?;
    let [content, signature] = parts[..] else {
        return Err(Error::malformed(
            "S/MIME message",
            "does not have two parts, the content and its signature",
        ));
    };
    let signature = Entity::read(signature)?;
    let name = signature.media_type()?.name;
    if ![
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
    ]
    .contains(&name.as_str())
    {
        return Err(Error::unsupported(
            "S/MIME message",
            "its signature is none of CMS",
        ));
    }
    Ok((signature.decoded()?, Some(canonical_lines(content))))
}
