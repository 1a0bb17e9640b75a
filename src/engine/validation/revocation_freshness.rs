//! Revocation freshness (EN 319 102-1 §5.2.5): whether an answer is recent enough for an instant.

use super::policy::Policy;
use crate::engine::pki::revocation::Answer;
use crate::engine::time::Time;

/// Whether `answer` is fresh at `at`.
///
/// §5.2.5.4: the most that it may be old is the policy's, else the interval that it gives itself (nextUpdate less
/// thisUpdate), and without either it is not fresh. An answer from after `at` knows more than one of `at` would.
pub(super) fn is_fresh(answer: &Answer, at: Time, policy: &Policy) -> bool {
    let own = || Some(answer.next_update?.since(answer.this_update));
    match policy.revocation_freshness.or_else(own) {
        Some(most) => answer.this_update.plus(most) > at,
        None => answer.this_update >= at,
    }
}
