//! A document made from ranges of another and new bytes, written out by whoever holds the sink.
//!
//! So a document of gigabytes is signed without being copied in memory.

use crate::engine::error::{Error, Result};
use std::io::{self, Write};
use std::ops::Range;

/// One piece of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Bytes of the input.
    Input(Range<usize>),
    /// New bytes.
    New(Vec<u8>),
}

/// The result as pieces in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch(pub Vec<Part>);

impl Patch {
    /// The whole input, then `bytes`.
    pub fn append(input: &[u8], bytes: Vec<u8>) -> Patch {
        Patch(vec![Part::Input(0..input.len()), Part::New(bytes)])
    }

    /// Only new bytes.
    pub fn replace(bytes: Vec<u8>) -> Patch {
        Patch(vec![Part::New(bytes)])
    }

    /// The length of the result.
    pub fn len(&self) -> usize {
        self.0
            .iter()
            .map(|part| match part {
                Part::Input(range) => range.len(),
                Part::New(bytes) => bytes.len(),
            })
            .sum()
    }

    /// Whether the result is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the result.
    pub fn write_to(&self, input: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        for part in &self.0 {
            match part {
                Part::Input(range) => sink.write_all(
                    input
                        .get(range.clone())
                        .ok_or(io::ErrorKind::InvalidInput)?,
                )?,
                Part::New(bytes) => sink.write_all(bytes)?,
            }
        }
        Ok(())
    }

    /// The result in memory.
    pub fn apply(&self, input: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(self.len());
        self.write_to(input, &mut out)
            .map_err(|_| Error::internal("patch", "was made for another input"))?;
        Ok(out)
    }
}
