//! The electronic register: numbers, the calendar, the receipt and what is handed back with it.
//!
//! Ley 39/2015 art. 16 and 31. In: what was presented and when. Out: bytes to seal, bytes to send. Not here: who may
//! register, the store and the order of the steps (`service::flow`), the seal itself (`formats`).

pub mod acuse;
mod calendar;
mod code_block;
mod message;
mod messages;
mod number;
mod receipt;
mod registration;

pub use acuse::Acuse;
pub use calendar::{Calendar, DayOfWeek, EffectiveStart};
pub use code_block::CodeBlock;
pub use message::{Envelope, Mailbox, message};
pub use number::{NumberLayout, RegisterNumber, year_of};
pub use receipt::{Composed, FONT, SealPlace, compose};
pub use registration::{
    Datum, Direction, Document, DocumentRole, Hex, Identification, IdentificationMethod, Language,
    Metadata, Named, Names, Origin, Person, Receipt, Sealing, Sede, check_documents,
};
