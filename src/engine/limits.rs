//! Limits on hostile input, and the `Budget` that every walk counts down.
//!
//! A limit that is met is an error that names it ([`ErrorKind::LimitExceeded`](super::ErrorKind)); no reader ends in
//! a panic, an unbounded loop or unbounded memory.

use super::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The bounds of one job. The defaults hold for the service; a caller with larger honest inputs raises them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Nesting of any structure: ASN.1, PDF arrays and dictionaries, XML elements. PDF writers stay below 30.
    pub depth: u32,
    /// Elements visited in one job: TLVs, PDF objects, XML nodes. A signed PDF of 500,000 objects fits.
    pub steps: u64,
    /// Bytes produced by filters (Flate and the like) in one job. Bounds the reading of documents alone, so that it is no part
    /// of what a verdict is judged by.
    #[serde(skip, default = "decoded_bytes")]
    pub decoded_bytes: u64,
    /// Signatures, time-stamps and counter-signatures judged in one document.
    pub signatures: u32,
    /// Certificates tried while paths are built for the signatures and time-stamps of one document.
    pub path_steps: u32,
    /// Rounds of "validate, fetch what is wanted, validate again".
    pub rounds: u32,
}

fn decoded_bytes() -> u64 {
    512 * 1024 * 1024
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 96,
            steps: 20_000_000,
            decoded_bytes: decoded_bytes(),
            signatures: 1_000,
            path_steps: 10_000,
            rounds: 6,
        }
    }
}

impl Limits {
    /// A budget with all of these limits unspent.
    pub fn budget(&self) -> Budget {
        Budget {
            limits: *self,
            steps: self.steps,
            decoded_bytes: self.decoded_bytes,
            depth: 0,
        }
    }
}

/// What is left of the [`Limits`] of one job.
#[derive(Debug, Clone)]
pub struct Budget {
    limits: Limits,
    steps: u64,
    decoded_bytes: u64,
    depth: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Limits::default().budget()
    }
}

impl Budget {
    /// The limits that this budget started from.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Spends `n` elements.
    pub fn step(&mut self, n: u64) -> Result<()> {
        self.steps = self.steps.checked_sub(n).ok_or_else(|| {
            Error::limit(
                "limits.steps",
                format!("more than {} elements", self.limits.steps),
            )
        })?;
        Ok(())
    }

    /// Spends `n` bytes that a filter produced.
    pub fn decoded(&mut self, n: u64) -> Result<()> {
        self.decoded_bytes = self.decoded_bytes.checked_sub(n).ok_or_else(|| {
            Error::limit(
                "limits.decoded_bytes",
                format!("more than {} decoded bytes", self.limits.decoded_bytes),
            )
        })?;
        Ok(())
    }

    /// Bytes that filters may still produce.
    pub fn decoded_left(&self) -> u64 {
        self.decoded_bytes
    }

    /// Goes one level down; [`Budget::leave`] comes back up.
    pub fn enter(&mut self) -> Result<()> {
        if self.depth >= self.limits.depth {
            return Err(Error::limit(
                "limits.depth",
                format!("nested deeper than {} levels", self.limits.depth),
            ));
        }
        self.depth += 1;
        self.step(1)
    }

    /// Comes back up from [`Budget::enter`].
    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spent_budget_names_its_limit() {
        let mut budget = Limits {
            steps: 2,
            depth: 1,
            ..Limits::default()
        }
        .budget();
        assert!(budget.enter().is_ok());
        assert_eq!(budget.enter().unwrap_err().element(), "limits.depth");
        assert!(budget.step(1).is_ok());
        assert_eq!(budget.step(1).unwrap_err().element(), "limits.steps");
    }
}
