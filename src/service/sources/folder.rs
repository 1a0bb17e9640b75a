//! What is at hand: certificates, revocation lists and OCSP responses in files and folders, read once.
//!
//! A file that is named must be readable and hold something; a file that only lies in a named folder and is neither is
//! passed over, and counted.

use super::aia::certificates;
use super::{Deadline, Source, wanted_certificates};
use crate::engine::evidence::{Object, ObjectKind, Origin, Pool};
use crate::engine::pki::{Certificate, CertificateList, OcspResponse};
use crate::engine::syntax::pem;
use crate::engine::validation::Want;
use crate::engine::{Error, Result};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Folders nested deeper than this are not looked into.
const DEPTH: u32 = 8;
/// Files that are looked at, at most.
const MOST_FILES: usize = 100_000;
/// The largest file that is read. Revocation lists of tens of megabytes exist.
const FILE_BYTES: u64 = 256 << 20;

/// Certificates, lists and responses from files.
#[derive(Debug, Default)]
pub struct Folder {
    certificates: Vec<Certificate>,
    lists: Vec<CertificateList>,
    responses: Vec<OcspResponse>,
    passed_over: usize,
    /// Files larger than this are not read but told.
    most: Option<u64>,
    larger: Vec<PathBuf>,
    paths: Vec<PathBuf>,
    stamp: Stamp,
}

/// Every file with its length and the time of its last change.
type Stamp = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

impl Folder {
    /// Reads all of these files and folders.
    pub fn read(paths: &[PathBuf]) -> Result<Folder> {
        Folder::default().read_all(paths)
    }

    /// Reads those that have at most `most` bytes; [`larger`](Self::larger) are the others.
    pub fn read_small(paths: &[PathBuf], most: u64) -> Result<Folder> {
        let folder = Folder {
            most: Some(most),
            ..Folder::default()
        };
        folder.read_all(paths)
    }

    fn read_all(self, paths: &[PathBuf]) -> Result<Folder> {
        let mut folder = self;
        (folder.paths, folder.stamp) = (paths.to_vec(), stamp(paths));
        let mut left = MOST_FILES;
        for path in paths {
            if path.is_dir() {
                folder.read_folder(path, DEPTH, &mut left)?;
            } else if folder.is_larger(path) {
                folder.larger.push(path.clone());
            } else if !folder.add(&read_file(path)?) {
                return Err(Error::malformed(
                    path.display().to_string(),
                    "holds no certificate, revocation list or OCSP response",
                )
                .remedy("Give DER or PEM."));
            }
        }
        Ok(folder)
    }

    /// Whether a file came, went or changed since it was read.
    pub(super) fn changed(&self) -> bool {
        stamp(&self.paths) != self.stamp
    }

    /// The same files as they are now.
    pub(super) fn read_again(&self) -> Result<Folder> {
        let folder = Folder {
            most: self.most,
            ..Folder::default()
        };
        folder.read_all(&self.paths)
    }

    fn read_folder(&mut self, path: &Path, depth: u32, left: &mut usize) -> Result<()> {
        let mut entries = fs::read_dir(path)
            .and_then(|list| {
                list.map(|e| e.map(|e| e.path()))
                    .collect::<Result<Vec<_>, _>>()
            })
            .map_err(|error| unreadable(path, &error))?;
        entries.sort();
        for entry in entries {
            if entry.is_dir() {
                if depth > 0 {
                    self.read_folder(&entry, depth - 1, left)?;
                }
                continue;
            }
            *left = left.checked_sub(1).ok_or_else(|| {
                Error::limit(
                    path.display().to_string(),
                    format!("more than {MOST_FILES} files"),
                )
            })?;
            if self.is_larger(&entry) {
                self.larger.push(entry);
            } else if !self.add(&read_file(&entry)?) {
                self.passed_over += 1;
            }
        }
        Ok(())
    }

    fn is_larger(&self, path: &Path) -> bool {
        let size = || fs::metadata(path).map_or(0, |metadata| metadata.len());
        self.most.is_some_and(|most| size() > most)
    }

    /// Files that were not read because of their size.
    pub fn larger(&self) -> &[PathBuf] {
        &self.larger
    }

    /// Adds what `bytes` hold; false where that is nothing.
    pub fn add(&mut self, bytes: &[u8]) -> bool {
        let before = self.len();
        if let Ok(found) = certificates(bytes) {
            self.certificates.extend(found);
        }
        if bytes.first() == Some(&0x30) {
            if let Ok(list) = CertificateList::from_der(bytes) {
                self.lists.push(list);
            } else if let Ok(response) = OcspResponse::from_der(bytes) {
                self.responses.push(response);
            }
        } else if let Ok(blocks) = pem::blocks(bytes, "X509 CRL") {
            let lists = blocks.iter().flat_map(|b| CertificateList::from_der(b));
            self.lists.extend(lists);
        }
        self.len() > before
    }

    fn len(&self) -> usize {
        self.certificates.len() + self.lists.len() + self.responses.len()
    }

    /// The certificates, in the order of the files.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// How many files of folders held nothing.
    pub fn passed_over(&self) -> usize {
        self.passed_over
    }

    /// Everything, as objects that were given.
    pub fn objects(&self) -> Vec<Object> {
        let mut all: Vec<_> = self.certificates.iter().map(given_certificate).collect();
        all.extend(self.lists.iter().map(given_list));
        all.extend(self.responses.iter().map(given_response));
        all
    }
}

fn given(kind: ObjectKind, bytes: &[u8]) -> Object {
    Object::new(kind, bytes.to_vec(), Origin::Given)
}

fn given_certificate(certificate: &Certificate) -> Object {
    given(ObjectKind::Certificate, certificate.bytes())
}

fn given_list(list: &CertificateList) -> Object {
    given(ObjectKind::CertificateRevocationList, list.bytes())
}

fn given_response(response: &OcspResponse) -> Object {
    given(ObjectKind::OcspResponse, response.bytes())
}

fn stamp(paths: &[PathBuf]) -> Stamp {
    let mut found = Stamp::new();
    let mut left: Vec<(PathBuf, u32)> = paths.iter().map(|p| (p.clone(), DEPTH + 1)).collect();
    while let Some((path, depth)) = left.pop() {
        let Ok(about) = fs::metadata(&path) else {
            continue;
        };
        if !about.is_dir() {
            found.insert(path, (about.len(), about.modified().ok()));
        } else if depth > 0 {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(entries.map(|entry| (entry.path(), depth - 1)));
        }
        if found.len() + left.len() > MOST_FILES {
            break;
        }
    }
    found
}

impl Source for Folder {
    fn serves(&self, want: &Want) -> bool {
        match want {
            Want::Issuer { .. } => !self.certificates.is_empty(),
            Want::Revocation { .. } => !self.lists.is_empty() || !self.responses.is_empty(),
        }
    }

    fn fetch(&self, want: &Want, pool: &Pool, _: Deadline) -> Result<Vec<Object>> {
        if let Want::Issuer { certificate, .. } = want {
            let certificate = super::certificate(pool, certificate)?;
            let issuers = self.certificates.iter();
            return Ok(issuers
                .filter(|issuer| issuer.subject() == certificate.issuer())
                .map(given_certificate)
                .collect());
        }
        let (certificate, issuer) = wanted_certificates(want, pool)?;
        // A list of another issuer may be an indirect one, for this certificate too, only where the certificate says so.
        let indirect = |list: &CertificateList| {
            let points = certificate.distribution_points().iter();
            points
                .flat_map(|point| &point.crl_issuer)
                .any(|name| matches!(name, crate::engine::pki::extension::GeneralName::Directory(n) if n == list.issuer()))
        };
        let lists = self.lists.iter();
        let mut found: Vec<_> = lists
            .filter(|list| list.issuer() == issuer.subject() || indirect(list))
            .map(given_list)
            .collect();
        let responses = self.responses.iter();
        found.extend(
            responses
                .filter(|response| response.response_for(&certificate, &issuer).is_some())
                .map(given_response),
        );
        Ok(found)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(
        path.display().to_string(),
        format!("cannot be read: {error}"),
    )
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error))?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(Error::limit(
            path.display().to_string(),
            format!("is larger than {FILE_BYTES} bytes"),
        ));
    }
    Ok(bytes)
}
