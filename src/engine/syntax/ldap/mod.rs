//! LDAP as far as directories of authorities need it: addresses (RFC 4516), filters (RFC 4515) and the messages of an
//! anonymous search (RFC 4511). Not here: connections (`service/sources`).

mod filter;
mod message;
mod url;

pub use filter::Filter;
pub use message::{Entry, Response, Search, bind, message_length, unbind};
pub use url::{LdapUrl, Scope};
