//! The policy in use: taken once for each piece of work, so that another may come in between two and never within one.

use crate::engine::validation::Policy;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Hands out the policy in use.
#[derive(Debug)]
pub struct PolicyHandle {
    current: RwLock<Arc<Policy>>,
    changes: AtomicU64,
}

impl PolicyHandle {
    /// Beginning with this policy.
    pub fn new(policy: Policy) -> Arc<PolicyHandle> {
        Arc::new(PolicyHandle {
            current: RwLock::new(Arc::new(policy)),
            changes: AtomicU64::new(0),
        })
    }

    /// The policy in use. Whoever judges takes it once and keeps it until the verdict.
    pub fn current(&self) -> Arc<Policy> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Puts another in its place; work that began goes on with the one it took.
    pub fn replace(&self, policy: Policy) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(policy);
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often it was replaced: what was kept under another number was judged by another policy.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::pki::trust::Anchors;

    #[test]
    fn who_took_a_policy_keeps_it_and_who_takes_one_next_gets_the_new_one() {
        let named = |name: &str| {
            Policy::baseline(Anchors::default()).constrained(|c| c.name = name.to_string())
        };
        let handle = PolicyHandle::new(named("old"));
        let taken = handle.current();
        handle.replace(named("new"));
        assert_eq!(
            (
                &taken.constraints.name[..],
                &handle.current().constraints.name[..]
            ),
            ("old", "new")
        );
        assert_eq!(handle.changes(), 1);
    }
}
