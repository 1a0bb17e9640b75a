//! The pure wing. Within it a module imports only modules above it in this list; `tests/suite/layers.rs` holds the order.

pub mod error;
pub mod limits;
pub mod time;

pub mod syntax;

pub mod crypto;

pub mod pki;

pub mod evidence;

pub mod formats;

pub mod validation;

pub mod report;

pub mod register;

pub mod codes;

pub mod authority;

pub use error::{Error, ErrorKind, Result};
pub use limits::{Budget, Limits};
pub use time::Time;
