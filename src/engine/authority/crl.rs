//! Issues certificate revocation lists (RFC 5280 §5.1), version 2.
//!
//! In: who is revoked, when and why, and the issuer with its key. Out: the list, read back.

use super::{extension, serial_number, signed};
use crate::engine::crypto::Signer;
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::{IssuingDistributionPoint, RevocationReason};
use crate::engine::pki::extension::Extension;
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
    write(list, None, issuer, signer)
}

/// A list of what changed since the complete list of number `base` (RFC 5280 §5.2.4).
pub fn issue_delta(
    list: &ToBeListed<'_>,
    base: u64,
    issuer: &Certificate,
    signer: &dyn Signer,
) -> Result<CertificateList> {
    write(list, Some(base), issuer, signer)
}

fn write(
    list: &ToBeListed<'_>,
    base: Option<u64>,
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
    if let Some(base) = base {
        extensions.push(extension::to_der(&Extension {
            id: names::ID_CE_DELTA_CRL_INDICATOR,
            critical: true,
            value: der::integer(base),
        }));
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

    mod judged {
        //! What lists come to together; each case differs from a good one by one thing.

        use super::super::*;
        use crate::engine::authority::test::{Pki, now, pki, time};
        use crate::engine::pki::crl::Reasons;
        use crate::engine::pki::path::SignatureChecks;
        use crate::engine::pki::revocation::{
            Conclusion, Data, Inquiry, Link, Memory, NoPaths, Rules, Undecided, judge,
        };
        use crate::engine::pki::{Certificates, RevocationList};
        use std::cell::Cell;
        use std::time::Duration;

        const HOLD: Option<RevocationReason> = Some(RevocationReason::CertificateHold);
        const TAKEN_OFF: Option<RevocationReason> = Some(RevocationReason::RemoveFromCrl);
        const COMPROMISE: Option<RevocationReason> = Some(RevocationReason::KeyCompromise);

        /// A list of one day; `base` where it is a delta.
        struct One<'a> {
            number: u64,
            from: &'a str,
            base: Option<u64>,
            reason: Option<Option<RevocationReason>>,
            scope: IssuingDistributionPoint,
        }

        fn complete(number: u64) -> One<'static> {
            One {
                number,
                from: "2026-03-01T00:00:00Z",
                base: None,
                reason: None,
                scope: IssuingDistributionPoint::default(),
            }
        }

        fn delta(number: u64, base: u64) -> One<'static> {
            One {
                from: "2026-03-01T06:00:00Z",
                base: Some(base),
                ..complete(number)
            }
        }

        fn conclude(made: &Pki, lists: &[One<'_>]) -> Conclusion {
            let lists: Vec<Box<dyn RevocationList>> = lists
                .iter()
                .map(|one| {
                    let entry = one.reason.map(|reason| Revoked {
                        serial: made.certificate.serial().to_vec(),
                        time: time("2026-02-01T00:00:00Z"),
                        reason,
                    });
                    let from = time(one.from);
                    let whole = one.scope == IssuingDistributionPoint::default();
                    let list = ToBeListed {
                        number: one.number,
                        this_update: from,
                        next_update: from.plus(Duration::from_secs(86_400)),
                        revoked: entry.as_slice(),
                        scope: (!whole).then_some(&one.scope),
                    };
                    let made = match one.base {
                        None => issue(&list, &made.ca, &made.ca_key),
                        Some(base) => issue_delta(&list, base, &made.ca, &made.ca_key),
                    };
                    Box::new(made.unwrap()) as Box<dyn RevocationList>
                })
                .collect();
            let (pool, steps) = (Certificates::default(), Cell::new(8));
            let data = Data {
                lists: &lists,
                responses: &[],
                pool: &pool,
            };
            let link = Link {
                certificate: &made.certificate,
                issuer: &made.ca,
                anchor: &made.ca,
            };
            let (mut paths, mut memory) = (NoPaths, Memory::default());
            let mut inquiry = Inquiry::new(data, &mut paths, &mut memory, &steps);
            let said = inquiry.said(link, &mut SignatureChecks::default());
            let rules = Rules {
                at: now(),
                now: now(),
                tolerance: Duration::ZERO,
                oldest: None,
                acceptable: &|_, _, _| true,
                proofs: None,
            };
            judge(&said, &rules).conclusion
        }

        fn is_good(conclusion: &Conclusion) -> bool {
            matches!(conclusion, Conclusion::Good(_))
        }

        fn reason(conclusion: &Conclusion) -> Option<Option<RevocationReason>> {
            match conclusion {
                Conclusion::Revoked { reason, .. } => Some(*reason),
                _ => None,
            }
        }

        #[test]
        fn a_delta_changes_its_base_and_no_other_list() {
            let made = pki(Vec::new());
            let with = |base, delta| conclude(&made, &[base, delta]);
            let listed = |one, reason| One {
                reason: Some(reason),
                ..one
            };
            let held = || listed(complete(5), HOLD);
            let off = |number, base| listed(delta(number, base), TAKEN_OFF);
            assert_eq!(reason(&conclude(&made, &[held()])), Some(HOLD));
            let good = with(held(), off(6, 5));
            assert!(is_good(&good), "{good:?}");
            let rests_on = good.answer().unwrap();
            assert_eq!(rests_on.evidence.len(), 2);
            assert_eq!(rests_on.this_update, time("2026-03-01T06:00:00Z"));
            assert!(is_good(&with(held(), off(7, 3))));
            // To a later base, and not after it.
            assert_eq!(reason(&with(held(), off(7, 6))), Some(HOLD));
            assert_eq!(reason(&with(held(), off(5, 4))), Some(HOLD));
            let other = IssuingDistributionPoint {
                only_user_certificates: true,
                ..Default::default()
            };
            let off_other = One {
                scope: other,
                ..off(6, 5)
            };
            assert_eq!(reason(&with(held(), off_other)), Some(HOLD));
            let added = with(complete(5), listed(delta(6, 5), COMPROMISE));
            assert_eq!(reason(&added), Some(COMPROMISE));
            assert!(is_good(&with(complete(5), delta(6, 5))));
            // A base that is no longer fresh is made so by its delta.
            let old = || One {
                from: "2026-02-27T00:00:00Z",
                ..complete(5)
            };
            let stale = conclude(&made, &[old()]);
            assert!(
                matches!(stale, Conclusion::CouldNotCheck(Undecided::Stale(_))),
                "{stale:?}"
            );
            assert!(is_good(&with(old(), delta(6, 5))));
            let missing = conclude(&made, &[delta(6, 5)]);
            assert_eq!(missing, Conclusion::CouldNotCheck(Undecided::Missing));
            // It lists a revocation that a later complete list does not know.
            let undone = with(complete(7), listed(delta(6, 5), COMPROMISE));
            assert!(is_good(&undone), "{undone:?}");
        }

        #[test]
        fn lists_for_some_reasons_are_enough_when_they_cover_all() {
            let made = pki(Vec::new());
            let some = |reasons: Reasons| One {
                scope: IssuingDistributionPoint {
                    only_some_reasons: Some(reasons),
                    ..Default::default()
                },
                ..complete(1)
            };
            let compromise = Reasons::of(&[
                RevocationReason::KeyCompromise,
                RevocationReason::CaCompromise,
                RevocationReason::AaCompromise,
            ]);
            let others = Reasons::of(&[
                RevocationReason::AffiliationChanged,
                RevocationReason::Superseded,
                RevocationReason::CessationOfOperation,
                RevocationReason::CertificateHold,
                RevocationReason::PrivilegeWithdrawn,
            ]);
            assert_eq!(compromise.union(others), Reasons::ALL);
            let both = conclude(&made, &[some(compromise), some(others)]);
            assert!(is_good(&both), "{both:?}");
            assert_eq!(both.answer().unwrap().evidence.len(), 2);
            for one in [compromise, others] {
                let partial = conclude(&made, &[some(one), some(one)]);
                assert_eq!(partial, Conclusion::CouldNotCheck(Undecided::Missing));
            }
            let listed = One {
                reason: Some(COMPROMISE),
                ..some(compromise)
            };
            assert_eq!(reason(&conclude(&made, &[listed])), Some(COMPROMISE));
        }

        #[test]
        fn a_list_from_the_future_says_nothing_yet() {
            let made = pki(Vec::new());
            let late = One {
                from: "2026-03-01T12:00:01Z",
                ..complete(1)
            };
            let nothing = conclude(&made, &[late]);
            assert_eq!(nothing, Conclusion::CouldNotCheck(Undecided::Missing));
        }
    }
}
