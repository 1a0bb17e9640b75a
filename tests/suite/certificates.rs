//! Every certificate and CRL of the corpora is read by our reader and by x509-parser, and both see the same.

use rubrica::engine::pki::{Certificate, CertificateList, RevocationList};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

/// Beyond the corpora's folder, the files with these endings.
fn files(folder: &Path, endings: &[&str], into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, endings, into);
        } else if path
            .extension()
            .is_some_and(|e| endings.iter().any(|wanted| *wanted == e))
        {
            into.push(path);
        }
    }
}

fn corpus(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match crate::corpora::folder() {
        Some(folder) => files(&folder, endings, &mut found),
        None => eprintln!("skipped: no corpora (set RUBRICA_CORPORA)"),
    }
    found
}

#[test]
fn certificates_are_read_as_x509_parser_reads_them() {
    let mut compared = 0;
    for path in corpus(&["crt", "cer", "der"]) {
        let bytes = std::fs::read(&path).expect("corpus file");
        let Ok((rest, theirs)) = X509Certificate::from_der(&bytes) else {
            continue;
        };
        if !rest.is_empty() {
            continue;
        }
        let ours = Certificate::from_der(&bytes)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            ours.tbs(),
            theirs.tbs_certificate.as_ref(),
            "{}",
            path.display()
        );
        assert_eq!(ours.spki(), theirs.public_key().raw, "{}", path.display());
        assert_eq!(ours.serial(), theirs.raw_serial(), "{}", path.display());
        assert_eq!(
            ours.subject().bytes(),
            theirs.subject().as_raw(),
            "{}",
            path.display()
        );
        assert_eq!(
            ours.issuer().bytes(),
            theirs.issuer().as_raw(),
            "{}",
            path.display()
        );
        assert_eq!(
            ours.validity().not_before.unix(),
            theirs.validity().not_before.timestamp(),
            "{}",
            path.display()
        );
        assert_eq!(
            ours.validity().not_after.unix(),
            theirs.validity().not_after.timestamp(),
            "{}",
            path.display()
        );
        let theirs_ca = theirs
            .basic_constraints()
            .ok()
            .flatten()
            .map(|b| (b.value.ca, b.value.path_len_constraint));
        let ours_ca = ours.basic_constraints().map(|b| (b.ca, b.path_length));
        assert_eq!(ours_ca, theirs_ca, "{}", path.display());
        let theirs_usage = theirs.key_usage().ok().flatten().map(|u| {
            (
                u.value.key_cert_sign(),
                u.value.crl_sign(),
                u.value.non_repudiation(),
            )
        });
        let ours_usage = ours.key_usage().map(|u| (u.has(5), u.has(6), u.has(1)));
        assert_eq!(ours_usage, theirs_usage, "{}", path.display());
        compared += 1;
    }
    assert!(
        compared > 500 || crate::corpora::folder().is_none(),
        "{compared} compared"
    );
}

#[test]
fn lists_are_read_as_x509_parser_reads_them() {
    let (mut compared, mut unreadable) = (0, 0);
    for path in corpus(&["crl"]) {
        let bytes = std::fs::read(&path).expect("corpus file");
        let Ok((rest, theirs)) = CertificateRevocationList::from_der(&bytes) else {
            continue;
        };
        let ours = match CertificateList::from_der(&bytes) {
            Ok(ours) => ours,
            Err(error) => {
                // What the other reader lets pass: what a version or a scope must not be.
                let stricter = [
                    "version",
                    "crlExtensions",
                    "issuingDistributionPoint",
                    "distributionPoint",
                ];
                assert!(
                    !rest.is_empty()
                        || stricter.contains(&error.element())
                        || theirs
                            .extensions()
                            .iter()
                            .any(|e| e.parsed_extension().error().is_some()),
                    "{}: {error}",
                    path.display()
                );
                continue;
            }
        };
        assert_eq!(
            ours.this_update().unix(),
            theirs.last_update().timestamp(),
            "{}",
            path.display()
        );
        assert_eq!(
            ours.next_update().map(|t| t.unix()),
            theirs.next_update().map(|t| t.timestamp()),
            "{}",
            path.display()
        );
        // The last entry of a serial counts, for both.
        let last: HashMap<&[u8], i64> = theirs
            .iter_revoked_certificates()
            .map(|revoked| (revoked.raw_serial(), revoked.revocation_date.timestamp()))
            .collect();
        if let Err(error) = ours.entry(ours.issuer(), &[0x7f; 20]) {
            assert!(
                [
                    "revokedCertificate",
                    "crlEntryExtensions",
                    "crlEntryExtension",
                    "Extensions"
                ]
                .contains(&error.element()),
                "{}: {error}",
                path.display()
            );
            unreadable += 1;
            continue;
        }
        let indirect = ours.header().is_indirect();
        for (serial, date) in last.into_iter().take(if indirect { 0 } else { 20 }) {
            let entry = ours.entry(ours.issuer(), serial).expect("readable");
            let entry = entry.expect("listed");
            assert_eq!(entry.revocation_date.unix(), date, "{}", path.display());
        }
        assert_eq!(
            ours.entry(ours.issuer(), &[0x7f; 20]).expect("readable"),
            None
        );
        compared += 1;
    }
    assert!(
        compared > 100 || crate::corpora::folder().is_none(),
        "{compared} compared"
    );
    // Lists with critical extensions of entries that nobody knows, and what is malformed in an entry.
    assert!(unreadable <= 9, "{unreadable} lists cannot be read");
}
