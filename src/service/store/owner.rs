//! One service at a time owns a data folder. The second is refused and told who the first is.

use crate::engine::{Error, Result, Time};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// Holds the lock until it is dropped, or the process ends.
#[derive(Debug)]
pub(super) struct Owner(#[expect(dead_code, reason = "the open file is the lock")] File);

/// What the lock file says about its holder.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    since: Time,
}

impl Owner {
    /// Takes the data folder, or says who has it.
    pub(super) fn take(folder: &Path, now: Time) -> Result<Self> {
        let path = folder.join("owner.lock");
        let failed = |error: std::io::Error| {
            Error::unavailable(
                path.display().to_string(),
                format!("cannot be locked: {error}"),
            )
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let holder = Holder {
            pid: std::process::id(),
            host: host(),
            since: now,
        };
        let text = serde_json::to_vec(&holder).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(&text))
            .and_then(|()| file.sync_all())
            .map_err(failed)?;
        Ok(Owner(file))
    }
}

fn held(path: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    let holder: Option<Holder> = file
        .take(4096)
        .read_to_string(&mut text)
        .ok()
        .and_then(|_| serde_json::from_str(&text).ok());
    let who = match holder {
        Some(Holder { pid, host, since }) => format!("process {pid} on {host}, since {since}"),
        None => "another process".to_string(),
    };
    let folder = path.parent().unwrap_or(path).display().to_string();
    Error::unavailable(folder, format!("this data folder is in use by {who}"))
        .remedy("Stop that one first, or give this one a data folder of its own.")
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .map(|name| name.trim().to_string())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-24T21:31:49Z".parse().unwrap();
        let first = Owner::take(folder.path(), now).unwrap();
        let error = Owner::take(folder.path(), now).unwrap_err();
        let pid = format!("process {}", std::process::id());
        assert!(error.problem().contains(&pid), "{error}");
        assert!(error.problem().contains("2026-11-24T21:31:49Z"), "{error}");
        drop(first);
        assert!(Owner::take(folder.path(), now).is_ok());
    }
}
