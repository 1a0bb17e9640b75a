//! One test binary; one module a promise.

mod layers;
mod pdf_reader;
