//! The justificante: a PDF/A-3a and PDF/UA-1 document, ready to be sealed.
//!
//! Ley 39/2015 art. 16.3 and 31. In: the entry of the register and its CEA. Out: the PDF, and where the seal goes. Not here: the seal
//! (`formats::pades`), the ZIP around it (`acuse`).

mod content;
mod draw;
mod layout;
mod text;
mod xml;

pub(super) use content::instant;
pub use text::FONT;
pub(super) use text::spelled;

use super::{CodeBlock, Language, Receipt};
use crate::engine::Result;

/// A justificante without its seal.
#[derive(Debug, Clone)]
pub struct Composed {
    /// The document. It ends in a line feed, so that a seal can be appended as it is.
    pub pdf: Vec<u8>,
    /// Where the seal goes.
    pub seal: SealPlace,
    /// How many pages there are.
    pub pages: u32,
}

/// The room left for a visible seal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SealPlace {
    /// The page, from 0.
    pub page: u32,
    /// Left, bottom, right, top in points from the lower left corner (ISO 32000-1 §7.9.5).
    pub rect: [f32; 4],
    /// The identifier of the empty structure element that the seal's field goes into.
    pub structure_id: &'static str,
}

/// Composes the justificante of an entry.
///
/// Any text is printed: what the fonts lack is spelled `U+XXXX`. Errors: an unknown zone, an address too long for a QR,
/// more pages than a receipt may have.
pub fn compose(receipt: &Receipt, code: &CodeBlock) -> Result<Composed> {
    let flow = content::write(receipt, code)?;
    let pages = u32::try_from(flow.pages.len()).unwrap_or(u32::MAX);
    let made = receipt.sealing.as_ref().map_or(receipt.presented, |s| s.at);
    let about = draw::About {
        title: format!(
            "{} {}",
            content::title(receipt).text(Language::Es),
            receipt.number
        ),
        author: xml::legal(&receipt.names.entity.name),
        id: receipt.number.to_string(),
        language: Language::Es.tag(),
        made,
        zone: receipt.sede.zone.clone(),
    };
    let embedded = draw::Embedded {
        name: "registro.xml",
        media_type: "text/xml",
        description: "Datos del registro".to_owned(),
        bytes: xml::registration(receipt)?,
    };
    let pdf = draw::write(flow, &about, embedded)?;
    let [x, y, width, height] = content::SEAL;
    let rect = [
        x,
        layout::HEIGHT - y - height,
        x + width,
        layout::HEIGHT - y,
    ];
    Ok(Composed {
        pdf,
        seal: SealPlace {
            page: 0,
            rect,
            structure_id: content::SEAL_ID,
        },
        pages,
    })
}

#[cfg(test)]
mod tests;
