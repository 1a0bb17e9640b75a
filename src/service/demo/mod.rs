//! The demo's own trust service provider: a root, an issuing CA, seals, people, a TSA and an OCSP responder.
//!
//! Nothing here is trusted by anyone who was not told to: its anchor is `DIR/pki/root.pem`. The certificates carry the
//! profiles of the Spanish administration (EN 319 412-2, -3 and -5; arcs 2.16.724.1.3.5), so that what the service says
//! about them is what it would say about real ones. What answers are made of is `engine/authority`; routes are `http`.

mod authority;
mod pki;
mod profile;

pub use authority::DemoAuthority;
pub use pki::{Dates, Plan, make};
