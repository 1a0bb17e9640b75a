//! Trusted lists from their addresses, asked for only where they changed.
//!
//! What comes is bytes of bounded length; whether they are a list, a newer one and believed is for whoever asked.

use super::client::{Client, Download, Get, Validators};
use super::deadline::Deadline;
use crate::engine::Result;
use crate::engine::pki::trust::MOST_BYTES;

/// A list as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct FetchedList {
    pub bytes: Vec<u8>,
    pub validators: Validators,
}

/// What is at `url`; none where that is still what `known` came with.
pub fn fetch_trusted_list(
    client: &Client,
    url: &str,
    known: Option<&Validators>,
    deadline: Deadline,
) -> Result<Option<FetchedList>> {
    let get = Get {
        url,
        known,
        most_bytes: MOST_BYTES as u64,
        deadline,
    };
    let mut bytes = Vec::new();
    Ok(match client.fetch(&get, &mut bytes)? {
        Download::NotModified => None,
        Download::Whole(received) => Some(FetchedList {
            bytes,
            validators: received.validators,
        }),
    })
}
