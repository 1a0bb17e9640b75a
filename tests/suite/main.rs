//! One test binary; one module a promise.

mod crash;
mod layers;
mod pdf_reader;
mod validation;
