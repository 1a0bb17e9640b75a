//! Issues certificate revocation lists (RFC 5280 §5.1), version 2.
//!
//! In: who is revoked, when and why, and the issuer with its key. Out: the list, read back.

use super::{extension, serial_number, signed};
use crate::engine::crypto::Signer;
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::{IssuingDistributionPoint, RevocationReason};
use crate::engine::pki::{Certificate, CertificateList};
use crate::engine::syntax::asn1::{der, names};
use crate::engine::time::Time;

/// One revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number: content octets or magnitude.
    pub serial: Vec<u8>,
    /// When it was revoked.
    pub time: Time,
    /// Why; nothing is written for an unspecified reason (§5.3.1).
    pub reason: Option<RevocationReason>,
}

/// What a list is to say.
#[derive(Debug, Clone)]
pub struct ToBeListed<'a> {
    /// Its number: greater than that of every earlier list of this scope.
    pub number: u64,
    /// When it is issued.
    pub this_update: Time,
    /// When the next one is issued at the latest.
    pub next_update: Time,
    /// The revoked certificates, in the order in which they are to stand.
    pub revoked: &'a [Revoked],
    /// Its scope, where it is not all certificates of the issuer.
    pub scope: Option<&'a IssuingDistributionPoint>,
}

/// The list, issued by `issuer`, whose key `signer` holds.
pub fn issue(
    list: &ToBeListed<'_>,
    issuer: &Certificate,
    signer: &dyn Signer,
) -> Result<CertificateList> {
    if list.next_update < list.this_update {
        return Err(Error::invalid("nextUpdate", "is before thisUpdate"));
    }
    let mut extensions = vec![
        extension::to_der(&extension::authority_key_identifier(issuer)?),
        extension::to_der(&extension::crl_number(list.number)),
    ];
    if let Some(scope) = list.scope {
        extensions.push(extension::to_der(&extension::issuing_distribution_point(
            scope,
        )?));
    }
    let entries = list.revoked.iter().map(entry).collect::<Result<Vec<_>>>()?;
    // RFC 5280 §5.1.2.6: "When there are no revoked certificates, the revoked certificates list MUST be absent."
    let entries = if entries.is_empty() {
        Vec::new()
    } else {
        der::sequence_of(&entries)
    };
    let tbs = der::sequence(&[
        &der::integer(1),
        &signer.algorithm().identifier(),
        issuer.subject().bytes(),
        &der::time(list.this_update),
        &der::time(list.next_update),
        &entries,
        &der::explicit(0, &der::sequence_of(&extensions)),
    ]);
    CertificateList::from_der(&signed(&tbs, signer)?)
}

fn entry(revoked: &Revoked) -> Result<Vec<u8>> {
    let reason = revoked
        .reason
        .filter(|reason| *reason != RevocationReason::Unspecified)
        .map(|reason| {
            let value = der::octet_string(&der::enumerated(reason.number()));
            let extension = der::sequence(&[&der::oid(&names::ID_CE_CRL_REASONS), &value]);
            der::sequence(&[&extension])
        });
    Ok(der::sequence(&[
        &serial_number(&revoked.serial)?,
        &der::time(revoked.time),
        reason.as_deref().unwrap_or_default(),
    ]))
}

#[cfg(test)]
mod tests {
    use super::super::test::{now, pki};
    use super::*;
    use crate::engine::pki::crl::RevocationList;
    use crate::engine::pki::extension::GeneralName;
    use std::time::Duration;

    #[test]
    fn a_list_names_the_revoked_and_nobody_else() {
        let made = pki(Vec::new());
        let revoked = [
            Revoked {
                serial: made.certificate.serial().to_vec(),
                time: now(),
                reason: Some(RevocationReason::KeyCompromise),
            },
            Revoked {
                serial: vec![9],
                time: now(),
                reason: Some(RevocationReason::Unspecified),
            },
        ];
        let scope = IssuingDistributionPoint {
            full_name: vec![GeneralName::Uri("http://127.0.0.1/ca.crl".into())],
            only_user_certificates: true,
            ..Default::default()
        };
        let mut list = ToBeListed {
            number: 300,
            this_update: now(),
            next_update: now().plus(Duration::from_secs(86_400)),
            revoked: &revoked,
            scope: Some(&scope),
        };
        let read = issue(&list, &made.ca, &made.ca_key).unwrap();
        assert!(read.is_signed_by(made.ca.public_key().unwrap()));
        assert_eq!(read.issuer(), made.ca.subject());
        assert_eq!(read.next_update(), Some(list.next_update));
        assert_eq!(read.issuing_distribution_point(), Some(&scope));
        let entry = read
            .entry(made.ca.subject(), made.certificate.serial())
            .unwrap()
            .unwrap();
        assert_eq!(entry.reason, Some(RevocationReason::KeyCompromise));
        assert_eq!(entry.revocation_date, now());
        assert_eq!(
            read.entry(made.ca.subject(), &[9]).unwrap().unwrap().reason,
            None
        );
        assert_eq!(read.entry(made.ca.subject(), &[8]).unwrap(), None);
        assert_eq!(
            read.authority_key_identifier().key.as_deref(),
            made.ca.subject_key_identifier()
        );
        list.next_update = now().minus(Duration::from_secs(1));
        assert!(issue(&list, &made.ca, &made.ca_key).is_err());
    }

    #[test]
    fn a_list_of_nobody_has_no_entries_at_all() {
        let made = pki(Vec::new());
        let list = ToBeListed {
            number: 1,
            this_update: now(),
            next_update: now(),
            revoked: &[],
            scope: None,
        };
        let read = issue(&list, &made.ca, &made.ca_key).unwrap();
        assert_eq!(
            read.entry(made.ca.subject(), made.certificate.serial())
                .unwrap(),
            None
        );
        let foreign = x509_parser::parse_x509_crl(read.bytes()).unwrap().1;
        assert_eq!(foreign.iter_revoked_certificates().count(), 0);
        assert!(foreign.crl_number().is_some());
    }

    #[test]
    fn what_stands_around_the_entries_is_enough_to_read_the_header() {
        use crate::engine::pki::crl::{Entries, ListHeader, ListLayout};
        let made = pki(Vec::new());
        let one = |serial| Revoked {
            serial: vec![serial],
            time: now(),
            reason: None,
        };
        let many: Vec<Revoked> = (1..200).map(one).collect();
        for revoked in [&many[..], &many[..1], &[]] {
            let list = ToBeListed {
                number: 300,
                this_update: now(),
                next_update: now(),
                revoked,
                scope: None,
            };
            let list = issue(&list, &made.ca, &made.ca_key).unwrap();
            let bytes = list.bytes();
            let layout = ListLayout::from_first(&bytes[..bytes.len().min(200)]).unwrap();
            assert_eq!(layout.length, bytes.len());
            let mut walk = Entries::new(&bytes[layout.entries.clone()], 2);
            let mut count = 0;
            while walk.next_entry().unwrap().is_some() {
                count += 1;
            }
            assert_eq!(count, revoked.len());
            let (before, after) = (&bytes[..layout.before], &bytes[layout.entries.end..]);
            let same = |before: &[u8], after: &[u8]| {
                ListHeader::from_parts(before, after).is_ok_and(|header| header == *list.header())
            };
            assert!(same(before, after));
            for cut in 1..before.len() {
                assert!(!same(&before[..cut], after), "{cut}");
            }
            for cut in 1..after.len() {
                assert!(!same(before, &after[..cut]), "{cut}");
                assert!(!same(before, &after[cut..]), "{cut}");
            }
        }
    }
}
