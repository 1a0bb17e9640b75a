//! One test binary; one module a promise.

mod certificates;
mod corpora;
mod crash;
mod layers;
mod messages;
mod pdf_reader;
mod sources;
mod validation;
