//! A folder that is read again when a file of it changes; what cannot be read then changes nothing.

use super::{Deadline, Folder, Source};
use crate::engine::Result;
use crate::engine::evidence::{Object, Pool};
use crate::engine::validation::Want;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often it is looked whether files changed.
const EVERY: Duration = Duration::from_secs(10);

/// What is at hand, as its files have it now.
#[derive(Debug)]
pub(super) struct Followed {
    current: Mutex<(Arc<Folder>, Instant)>,
    every: Duration,
}

impl Followed {
    pub(super) fn new(folder: Folder) -> Followed {
        Followed {
            current: Mutex::new((Arc::new(folder), Instant::now())),
            every: EVERY,
        }
    }

    /// What the files held not long ago. While one looks, others go on with what they have.
    fn current(&self) -> Arc<Folder> {
        let known = {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if current.1.elapsed() < self.every {
                return current.0.clone();
            }
            current.1 = Instant::now();
            current.0.clone()
        };
        if !known.changed() {
            return known;
        }
        match known.read_again() {
            Ok(folder) => {
                let folder = Arc::new(folder);
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                current.0 = folder.clone();
                folder
            }
            Err(error) => {
                tracing::warn!(%error, "files changed and cannot be read; what they held stays");
                known
            }
        }
    }
}

impl Source for Followed {
    fn serves(&self, want: &Want) -> bool {
        self.current().serves(want)
    }

    fn fetch(&self, want: &Want, pool: &Pool, deadline: Deadline) -> Result<Vec<Object>> {
        self.current().fetch(want, pool, deadline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn a_folder_follows_its_files_and_survives_what_cannot_be_read() {
        let certs = Path::new(env!("CARGO_MANIFEST_DIR")).join("certs/test");
        let folder = tempfile::tempdir().unwrap();
        let (lists, named) = (folder.path().join("lists"), folder.path().join("ca.pem"));
        fs::create_dir(&lists).unwrap();
        fs::copy(certs.join("ca.pem"), &named).unwrap();
        let read = Folder::read(&[lists.clone(), named.clone()]).unwrap();
        let followed = Followed {
            every: Duration::ZERO,
            ..Followed::new(read)
        };
        let held = || followed.current().objects().len();
        assert_eq!(held(), 1);
        fs::copy(certs.join("ca.crl"), lists.join("ca.crl")).unwrap();
        assert_eq!(held(), 2);
        fs::write(&named, "no longer a certificate").unwrap();
        assert_eq!(held(), 2, "kept");
        fs::copy(certs.join("root.pem"), &named).unwrap();
        fs::remove_file(lists.join("ca.crl")).unwrap();
        assert_eq!(held(), 1);
    }
}
