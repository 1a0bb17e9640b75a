//! The jobs, a page each, every line a stage: sign, validate, receive a request, check a certificate.

mod sign;

pub use sign::{Order, Sealed, Timestamping, seal};
