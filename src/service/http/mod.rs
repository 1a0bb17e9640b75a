//! HTTP: the accept loop, the routes and their one mapping of errors; one file a resource.
//!
//! Handlers translate and `flow` acts: a handler reads and checks what came in, hands it to a flow on a thread that may
//! block, and words the answer. Not here: pages (`web`), TLS (the reverse proxy of the e-office).

mod accepted;
mod access;
mod admission;
mod assembly;
mod certificates;
mod codes;
mod form;
mod health;
pub mod language;
mod metrics;
mod middleware;
mod multipart;
mod openapi;
mod owed;
mod problem;
mod receipts;
mod router;
mod seal;
mod seals;
mod server;
mod service;
mod sign;
mod socket;
mod spool;
mod time;
mod timestamp;
mod two_step;
mod validate;
mod work;

pub use access::Door;
pub use admission::Origin;
pub use certificates::{Asking, Given, certificates_of};
pub use codes::{
    Checked, Comparison, Form as DocumentForm, SealedDocument, TYPED, download, held_document,
};
pub use form::{Form, Part, Takes, header_text, is_media_type, read_document, read_form};
pub use openapi::DESCRIPTION;
pub use problem::{Answer, Problem};
pub use router::{Access, Pages, Route, Routers, routers, routes};
pub use seals::{Described, PRESENTED, Status, Use};
pub use server::{Peer, Settings, serve};
pub use service::{Parts, Service};
pub use spool::{Content, Limit, Spool};
pub use validate::{Judged, Sent};
