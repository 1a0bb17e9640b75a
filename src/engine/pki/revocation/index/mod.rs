//! The index of a revocation list: sorted entries of fixed width that are looked up where they stand, mapped or in memory.
//!
//! A list is streamed once ([`build`]): walked strictly, digested, sorted, written page by page with a checksum each. An
//! index ([`IndexedList`]) opens without reading its entries and answers as a walk over the list would, by two binary
//! searches and without allocating; it never answers from a page whose checksum does not hold. An [`Excerpt`] is one answer
//! of it with all of the list but its other entries. Where indexes lie and which list is current is `service/index`.

mod build;
mod excerpt;
mod form;
mod read;
mod sort;
mod stream;
#[cfg(test)]
mod tests;

pub use build::{Built, Signed, build, index_in_memory};
pub use excerpt::Excerpt;
pub use form::{CHUNK_BYTES, MOST_ENTRIES};
pub use read::IndexedList;
