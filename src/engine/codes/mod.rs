//! CEA, the code printed on a sealed document by which anyone checks it: id, date, six groups, page.
//!
//! RD 203/2021 art. 21; the layout is that of the printed documents of the Social Security. In: random bytes, a server key.
//! Out: what is printed, what is kept (keyed hashes alone), and yes or no. Not here: counting attempts, rate limits and the
//! store (`service`); the drawing of the block (`register::receipt`).

mod check;
mod derive;
mod parse;
mod print;

pub use check::{Attempt, CodeKey, KeyedCode};
pub use derive::{Cea, Code, CodeId, CodeType, Validity};
pub use parse::{Misread, read_code, read_date, read_group, read_id};
pub use print::{PrintedBlock, print, verification_url};

/// Groups of a code.
pub const GROUPS: usize = 6;
/// Characters of a group.
pub const GROUP_LENGTH: usize = 5;
