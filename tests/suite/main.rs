//! One test binary; one module a promise.

mod cades;
mod certificates;
mod citations;
mod cli;
mod cli_sign;
mod conformance;
mod corpora;
mod crash;
mod crash_owed;
mod crash_service;
mod crl_index;
mod demo;
mod evidence_records;
mod http;
mod layers;
mod messages;
mod pdf_reader;
mod policy;
mod port;
mod reports;
mod sources;
mod timestamping;
mod trust;
mod validation;
