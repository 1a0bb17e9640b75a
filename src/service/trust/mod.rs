//! Whom the service trusts, kept up to date: local anchors, historical ones, and a snapshot of trusted lists.
//!
//! In: `[trust]` of the configuration, and what the network or the operator brings. Out: a policy, swapped as a whole. What
//! a list says and whether it is believed is `engine/pki/trust`'s.

mod handle;

pub use handle::PolicyHandle;
