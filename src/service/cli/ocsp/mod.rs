//! `rubrica ocsp …`: questions to responders.

mod query;

use super::exit::Exit;
use crate::engine::Result;

verbs_below! {
    Query(query::Arguments) query::run, "Ask a responder about a certificate: 0 it is good, 1 revoked, 2 the answer proves nothing";
}
