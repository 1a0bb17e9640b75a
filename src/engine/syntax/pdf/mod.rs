//! PDF syntax: objects, cross-references, revisions, incremental append. No trust, no crypto, no pages.
//!
//! ISO 32000-2 §7.2 to §7.5. One reader for files of every size: it works on borrowed bytes, reads an object when it is
//! asked for, and looks at the tables' lines only where it needs one.
//!
//! ```
//! use rubrica::engine::{Budget, syntax::pdf::Document};
//! let error = Document::open(b"PK\x03\x04", &mut Budget::default()).unwrap_err();
//! assert_eq!(error.element(), "PDF header");
//! ```

mod cross_reference;
mod document;
mod filter;
mod object;
mod parser;
mod recovery;
mod revision;
#[cfg(test)]
pub(crate) mod testing;
mod update;

pub use cross_reference::{Place, Section, Style};
pub use document::{Document, Resolved};
pub use object::{Dictionary, Entry, Name, Object, PdfString, Reference, Stream};
pub use parser::Parser;
pub use revision::{Change, ChangeKind, Revision};
pub use update::{Appended, Update};
