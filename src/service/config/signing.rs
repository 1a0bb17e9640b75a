//! `[signing]`: signatures in two steps.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// `[signing]`: signatures in two steps.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SigningSettings {
    /// The file with the secret of the states of signatures in two steps. Services that share it finish what others
    /// prepared. Without it the key is derived from `store.key`, or made anew at each start where there is none.
    pub secrets: Option<PathBuf>,
    /// How long a signature may take from the first step to the second.
    pub state_minutes: u64,
}

impl Default for SigningSettings {
    fn default() -> Self {
        SigningSettings {
            secrets: None,
            state_minutes: 15,
        }
    }
}

impl SigningSettings {
    /// How long a signature may take from the first step to the second.
    pub fn state_life(&self) -> Duration {
        Duration::from_secs(self.state_minutes.saturating_mul(60))
    }
}
