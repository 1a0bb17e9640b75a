//! Checks a code of authenticity: count the attempt, look the id up, compare the groups, say what was sealed.
//!
//! RD 203/2021 art. 21.4. In: id, date and the groups that were asked for. Out: the document behind the code, or that it
//! is not right, without a word on which of the three was wrong. Whoever shows the right groups may have the document
//! for a quarter of an hour with a [`Ticket`]. Not here: equal time of all answers (`http`), the words (`web`).

use crate::engine::codes::{Attempt, CodeId, CodeKey, read_id};
use crate::engine::{Error, ErrorKind, Result, Time};
use crate::service::config::CodeSettings;
use crate::service::keys::Secret;
use crate::service::store::{Document, Store};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use ring::hmac;
use std::fmt;
use std::time::Duration;

/// How long a ticket is good for.
const TICKET_LIFE: Duration = Duration::from_secs(15 * 60);
/// How long after midnight the groups of the day before are still taken.
const GRACE: i8 = 1;
/// Characters of what was typed that count as an id.
const MOST_ID: usize = 64;

/// Checks codes.
pub struct CodeDesk {
    key: CodeKey,
    tickets: hmac::Key,
    settings: CodeSettings,
    zone: String,
}

impl fmt::Debug for CodeDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeDesk")
    }
}

/// What somebody typed.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// The Id. CEA.
    pub id: String,
    /// The date.
    pub date: String,
    /// The day for which the groups were asked.
    pub day: Option<Date>,
    /// The groups that were asked for, in order.
    pub groups: Vec<String>,
}

/// How a check ended.
#[derive(Debug)]
pub enum Outcome {
    /// Id, date or a group is not right, or there is no such document.
    NotRight,
    /// All is right, and the code holds no longer.
    Expired,
    /// All is right.
    Right(Box<Document>, Ticket),
}

/// Shows that its bearer knew the code of a document a short while ago.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket(String);

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl CodeDesk {
    /// A desk with this key; tickets are signed under a key derived from `secret`.
    pub fn new(key: CodeKey, secret: &Secret, settings: CodeSettings, zone: String) -> Self {
        let tickets = hmac::Key::new(hmac::HMAC_SHA256, &*secret.derive(b"CEA tickets"));
        CodeDesk {
            key,
            tickets,
            settings,
            zone,
        }
    }

    /// The groups (0 to 5) that are asked for this id at `now`, and the day that they are asked for.
    pub fn challenge(&self, id: &str, now: Time) -> Result<(Date, Vec<usize>)> {
        let day = now.in_zone(&self.zone)?.date();
        Ok((
            day,
            self.key.challenge(id, day, self.settings.groups.into()),
        ))
    }

    /// Counts the attempt, and checks it. Errors: [`ErrorKind::RateLimited`] after too many attempts on the id or from
    /// the address, whether the id exists or not.
    pub fn check(
        &self,
        store: &dyn Store,
        typed: &Typed,
        address: &str,
        now: Time,
    ) -> Result<Outcome> {
        let id = read_id(&typed.id)
            .map_or_else(|_| typed.id.chars().take(MOST_ID).collect(), String::from);
        self.count(store, &id, address, now)?;
        let document = store.document(&id)?;
        let groups: Vec<&str> = typed.groups.iter().map(String::as_str).collect();
        let attempt = Attempt {
            id: &id,
            date: &typed.date,
            day: self.day(typed.day, now)?,
            k: self.settings.groups.into(),
            groups: &groups,
        };
        let kept = document.as_ref().map(|d| &d.code.code);
        let right = self.key.check(kept, &attempt);
        match document {
            Some(document) if right => self.outcome(document, now),
            _ => Ok(Outcome::NotRight),
        }
    }

    fn count(&self, store: &dyn Store, id: &str, address: &str, now: Time) -> Result<()> {
        let window = Duration::from_secs(self.settings.window_minutes.saturating_mul(60));
        let attempts = store.count_attempt(id, address, now, window)?;
        if attempts.on_id <= self.settings.attempts_per_id
            && attempts.from_address <= self.settings.attempts_per_address
        {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::RateLimited,
            "attempts",
            "too many on this code or from this address",
        )
        .remedy(format!(
            "Wait {} minutes and try again, with the document at hand.",
            self.settings.window_minutes
        )))
    }

    /// Today; or yesterday, for a form that was loaded before midnight and is sent soon after.
    fn day(&self, asked: Option<Date>, now: Time) -> Result<Date> {
        let local = now.in_zone(&self.zone)?;
        let yesterday = local.date().yesterday().ok();
        Ok(match asked {
            Some(day) if local.hour() < GRACE && Some(day) == yesterday => day,
            _ => local.date(),
        })
    }

    fn outcome(&self, document: Document, now: Time) -> Result<Outcome> {
        let today = now.in_zone(&self.zone)?.date();
        if !document.code.validity.holds_on(today) {
            return Ok(Outcome::Expired);
        }
        let ticket = self.ticket(&document.code.id, now.plus(TICKET_LIFE));
        Ok(Outcome::Right(Box::new(document), ticket))
    }

    fn ticket(&self, id: &CodeId, until: Time) -> Ticket {
        let claim = format!("{id}.{}", until.unix());
        let tag = URL_SAFE_NO_PAD.encode(hmac::sign(&self.tickets, claim.as_bytes()));
        Ticket(format!("{claim}.{tag}"))
    }

    /// The document that a ticket opens at `now`. Errors: a ticket that is not ours, or no longer good; the code expired.
    pub fn redeem(&self, store: &dyn Store, ticket: &str, now: Time) -> Result<Document> {
        let refused = || {
            Error::new(ErrorKind::Forbidden, "ticket", "not good, or no longer")
                .remedy("Type the code again.")
        };
        let (claim, tag) = ticket.rsplit_once('.').ok_or_else(refused)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| refused())?;
        hmac::verify(&self.tickets, claim.as_bytes(), &tag).map_err(|_| refused())?;
        let (id, until) = claim.split_once('.').ok_or_else(refused)?;
        let until: i64 = until.parse().map_err(|_| refused())?;
        if now.unix() > until {
            return Err(refused());
        }
        let document = store.document(id)?.ok_or_else(refused)?;
        let today = now.in_zone(&self.zone)?.date();
        if !document.code.validity.holds_on(today) {
            return Err(refused());
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::codes::{Cea, Validity};
    use crate::service::clock::SettableClock;
    use crate::service::store::{CodeRecord, SqliteStore, StoreOptions};
    use std::sync::Arc;

    struct Fixture {
        store: SqliteStore,
        desk: CodeDesk,
        cea: Cea,
        _folder: tempfile::TempDir,
    }

    fn noon() -> Time {
        "2026-11-24T11:00:00Z".parse().unwrap()
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            data: folder.path().to_path_buf(),
            secret: Secret::new([1; 32]),
            zone: "Europe/Madrid".into(),
            timeout: Duration::from_secs(20),
        };
        let store = SqliteStore::open(options, Arc::new(SettableClock::at(noon()))).unwrap();
        let key = CodeKey::new(&[2; 32]).unwrap();
        let day = jiff::civil::date(2026, 11, 24);
        let cea = Cea::derive(&[0x5A; Cea::RANDOM], day);
        let record = CodeRecord {
            id: cea.id.clone(),
            code: key.keep(&cea.id, day, &cea.code),
            validity: Validity::Until(jiff::civil::date(2026, 12, 24)),
            issued: noon(),
            entity: "INSS".into(),
            caller: "portal".into(),
            seal: "inss".into(),
        };
        let original = store.stage(&mut &b"%PDF"[..]).unwrap();
        store.keep_document(record, original, None, None).unwrap();
        let settings = CodeSettings {
            attempts_per_id: 5,
            attempts_per_address: 8,
            ..CodeSettings::default()
        };
        let desk = CodeDesk::new(key, &Secret::new([3; 32]), settings, "Europe/Madrid".into());
        Fixture {
            store,
            desk,
            cea,
            _folder: folder,
        }
    }

    impl Fixture {
        fn typed(&self, at: Time) -> Typed {
            let (day, asked) = self.desk.challenge(self.cea.id.as_str(), at).unwrap();
            let group = |i: &usize| self.cea.code.groups()[*i].to_string();
            Typed {
                id: self.cea.id.to_string(),
                date: "24/11/2026".into(),
                day: Some(day),
                groups: asked.iter().map(group).collect(),
            }
        }

        fn check(&self, typed: &Typed, address: &str, at: Time) -> Result<Outcome> {
            self.desk.check(&self.store, typed, address, at)
        }
    }

    #[test]
    fn the_right_code_opens_the_document_for_a_while() {
        let fixture = fixture();
        let outcome = fixture.check(&fixture.typed(noon()), "a", noon()).unwrap();
        let Outcome::Right(document, ticket) = outcome else {
            panic!("{outcome:?}");
        };
        let redeem = |ticket: &str, at| fixture.desk.redeem(&fixture.store, ticket, at);
        let text = ticket.to_string();
        assert_eq!(redeem(&text, noon()).unwrap(), *document);
        assert!(redeem(&text, noon().plus(TICKET_LIFE + Duration::from_secs(1))).is_err());
        assert!(redeem(&text.replace(".1", ".2"), noon()).is_err());
        for wrong in ["", "a.b", "a.b.c", "..", &text[1..]] {
            assert!(redeem(wrong, noon()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_one_thing_wrong_is_not_right_and_an_expired_code_says_so_only_to_who_has_it() {
        let fixture = fixture();
        let good = fixture.typed(noon());
        let mut wrong = vec![good.clone(); 3];
        wrong[0].id = "2AAAAAAAAAAA".into();
        wrong[1].date = "25/11/2026".into();
        wrong[2].groups[1] = "AAAAA".into();
        for typed in wrong {
            let outcome = fixture.check(&typed, "a", noon()).unwrap();
            assert!(matches!(outcome, Outcome::NotRight));
        }
        let later: Time = "2026-12-25T11:00:00Z".parse().unwrap();
        let mut typed = fixture.typed(later);
        assert!(matches!(
            fixture.check(&typed, "a", later).unwrap(),
            Outcome::Expired
        ));
        typed.groups[0] = "AAAAA".into();
        assert!(matches!(
            fixture.check(&typed, "a", later).unwrap(),
            Outcome::NotRight
        ));
    }

    #[test]
    fn a_form_loaded_before_midnight_is_taken_for_an_hour() {
        let fixture = fixture();
        let typed = fixture.typed("2026-11-24T22:59:00Z".parse().unwrap());
        let right = |at: &str| {
            let outcome = fixture.check(&typed, "a", at.parse().unwrap()).unwrap();
            matches!(outcome, Outcome::Right(..))
        };
        assert!(right("2026-11-24T23:30:00Z"));
        let tomorrow = fixture.typed("2026-11-25T11:00:00Z".parse().unwrap());
        if tomorrow.groups != typed.groups {
            assert!(!right("2026-11-25T00:30:00Z"));
        }
    }

    #[test]
    fn attempts_are_counted_by_id_and_by_address_whether_the_id_exists_or_not() {
        let fixture = fixture();
        for id in [fixture.cea.id.to_string(), "2AAAAAAAAAAA".into()] {
            let typed = Typed {
                id: id.to_lowercase(),
                ..fixture.typed(noon())
            };
            let results: Vec<bool> = (0..7)
                .map(|n| fixture.check(&typed, &format!("{id}{n}"), noon()).is_ok())
                .collect();
            assert_eq!(results, [true, true, true, true, true, false, false]);
        }
        let from_one: Vec<bool> = (0..10)
            .map(|n| {
                let typed = Typed {
                    id: format!("2AAAAAAAAAA{n}"),
                    ..Typed::default()
                };
                fixture.check(&typed, "one", noon()).is_ok()
            })
            .collect();
        assert_eq!(from_one.iter().filter(|ok| **ok).count(), 8);
    }
}
