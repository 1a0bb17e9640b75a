//! `[owed]`: levels that were not reached and are paid later.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `[owed]`: levels that were not reached and are paid later.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwedSettings {
    /// How often what is owed is tried again; 0: by `rubrica augment --owed` alone.
    pub every_minutes: u64,
    /// How many documents at most each time.
    pub most: usize,
    /// How long a document is kept for its caller after it was paid.
    pub keep_hours: u64,
}

impl Default for OwedSettings {
    fn default() -> Self {
        OwedSettings {
            every_minutes: 5,
            most: 200,
            keep_hours: 72,
        }
    }
}

impl OwedSettings {
    /// How often, if at all.
    pub fn every(&self) -> Option<Duration> {
        (self.every_minutes > 0).then(|| Duration::from_secs(self.every_minutes.saturating_mul(60)))
    }

    /// How long a document is kept for its caller after it was paid.
    pub fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_hours.saturating_mul(3600))
    }
}
