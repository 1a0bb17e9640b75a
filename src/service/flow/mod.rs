//! The jobs, a page each, every line a stage: sign, validate, receive a request, check a certificate.

pub mod receive;
pub mod request;
mod sign;

pub use sign::{Order, Sealed, Timestamping, seal};
