//! Seals any PDF of a permitted caller, with or without a code of authenticity.
//!
//! Ley 40/2015 art. 42; RD 203/2021 art. 21. In: a PDF and what the caller asks for. Out: the sealed PDF, which with a code
//! is kept as the document behind it. The code is printed on every page; on a document that bears signatures already,
//! whose pages must stay as they are, it stands in the visible seal instead. Not here: receipts (`flow::receive`).

use super::compose::CODE_PAGE;
use super::owed::told;
use super::parameters::Baseline;
use super::sign::{Order, Sealed, Timestamping, seal};
use crate::engine::codes::{Cea, CodeKey, CodeType, Validity, print, verification_url};
use crate::engine::formats::pades::{Pades, stamp};
use crate::engine::formats::{Format, Input, Options, PadesOptions, VisibleSeal};
use crate::engine::register::{FONT, Sede};
use crate::engine::{Budget, Error, Result, Time};
use crate::service::callers::{Caller, Operation};
use crate::service::clock::Clock;
use crate::service::config::Catalogue;
use crate::service::keys::{Seal, random};
use crate::service::store::{CodeRecord, Owed, Store};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Where the code stands on a document that is signed already: at the foot of its first page.
const FOOT: [f32; 4] = [36.0, 16.0, 420.0, 60.0];

/// Where a visible seal stands: at the lower left of the first page, in points.
const PLACE: [f32; 4] = [36.0, 36.0, 306.0, 92.0];
/// Seals PDFs.
pub struct SealDesk {
    /// The official time.
    pub clock: Arc<dyn Clock>,
    /// The seals by name.
    pub seals: HashMap<String, Seal>,
    /// Who stamps, by the name of the seal.
    pub timestamping: HashMap<String, Arc<dyn Timestamping>>,
}

impl fmt::Debug for SealDesk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealDesk").finish_non_exhaustive()
    }
}

/// Seals PDFs with codes, and keeps them.
#[derive(Debug)]
pub struct CodeIssue {
    /// Seals them.
    pub desk: Arc<SealDesk>,
    /// Where documents are kept.
    pub store: Arc<dyn Store>,
    /// Which entities there are.
    pub catalogue: Catalogue,
    /// The sede whose address is printed.
    pub sede: Sede,
    /// Keys the hashes of codes.
    pub code_key: CodeKey,
}

/// How a PDF is to be sealed.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The reason that the signature states, instead of the seal's own.
    pub reason: Option<String>,
    /// The location that it states, instead of the seal's own.
    pub location: Option<String>,
    /// The seal that people see; none where there is none.
    pub visible: Option<VisibleSeal>,
}

/// Which code is asked for.
#[derive(Debug, Clone)]
pub struct CodeWish {
    /// The entity that answers for the document.
    pub entity: String,
    /// Temporal or permanent.
    pub kind: CodeType,
    /// Days until it expires: 0 to 733 for a temporal one, -1 for a permanent one.
    pub days: i32,
}

/// A PDF that was sealed with a code.
#[derive(Debug)]
pub struct Issued {
    /// The sealed PDF.
    pub sealed: Sealed,
    /// Its Id. CEA; the rest of the code stands in the PDF alone.
    pub code_id: String,
    /// The date of the code.
    pub date: jiff::civil::Date,
    /// How long it holds.
    pub validity: Validity,
}

impl SealDesk {
    /// Seals `pdf` for `caller`.
    pub fn seal(&self, caller: &Caller, name: &str, pdf: &[u8], wish: Wish) -> Result<Sealed> {
        caller.may(Operation::Seal)?;
        caller.may_use_seal(name)?;
        self.seal_with(self.usable_seal(name)?, pdf, wish)
    }

    /// The seal of this name; where none is named, the only one.
    pub fn chosen(&self, name: &str) -> Result<String> {
        if !name.is_empty() {
            return Ok(name.to_string());
        }
        let mut names = self.seals.keys();
        match (names.next(), names.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => Err(
                Error::invalid("seal", "not named, and there is not just one")
                    .remedy("Send the name of the seal."),
            ),
        }
    }

    /// What people see of a seal: whose it is, when, and why.
    pub fn appearance(&self, name: &str, reason: &str, zone: &str) -> Result<VisibleSeal> {
        let seal = self.seals.get(name);
        let holder = seal
            .map(|s| s.certificate.subject().common_name())
            .unwrap_or_default();
        let settled = seal.and_then(|s| s.settings.reason.clone());
        let reason = match reason {
            "" => settled.unwrap_or_default(),
            stated => stated.to_string(),
        };
        let now = self.clock.now().in_zone(zone)?;
        let mut lines = vec![
            format!("Firmado digitalmente por {holder}"),
            format!("Fecha: {}", now.strftime("%d/%m/%Y %H:%M:%S %:z")),
        ];
        if !reason.is_empty() {
            lines.push(format!("Motivo: {reason}"));
        }
        Ok(VisibleSeal {
            page: 0,
            rectangle: PLACE,
            alternative: lines.join(". "),
            lines,
            font: FONT,
            structure_element: None,
        })
    }

    fn usable_seal(&self, name: &str) -> Result<&Seal> {
        let seal = self.seals.get(name).ok_or_else(|| {
            Error::invalid("seal", "is not one of this e-office")
                .remedy("GET /v1/seals lists them.")
        })?;
        seal.check_usable(self.clock.now())?;
        Ok(seal)
    }

    fn seal_with(&self, by: &Seal, pdf: &[u8], wish: Wish) -> Result<Sealed> {
        let options = Options::Pades(PadesOptions {
            reason: wish.reason.or_else(|| by.settings.reason.clone()),
            location: wish.location.or_else(|| by.settings.location.clone()),
            name: Some(by.certificate.subject().common_name()),
            field: None,
            visible: wish.visible,
        });
        let order = Order {
            seal: by,
            format: &Pades,
            options: &options,
            timestamping: self.timestamping.get(by.name()).map(AsRef::as_ref),
            when_tsa_fails: by.settings.when_tsa_fails,
        };
        seal(pdf, &order, self.clock.now())
    }
}

impl CodeIssue {
    /// Seals `pdf` with a new code, and keeps it behind that code.
    pub fn issue(
        &self,
        caller: &Caller,
        pdf: &[u8],
        code: &CodeWish,
        wish: Wish,
    ) -> Result<Issued> {
        caller.may(Operation::Documents)?;
        caller.may_act_for(&code.entity)?;
        let entity = self.catalogue.entity(&code.entity)?;
        caller.may_use_seal(&entity.seal)?;
        let by = self.desk.usable_seal(&entity.seal)?;
        let now = self.desk.clock.now();
        let day = now.in_zone(&self.sede.zone)?.date();
        let validity = Validity::new(code.kind, code.days, code.days, day)?;
        let cea = Cea::derive(&random()?, day);
        let (printed, wish) = self.print(pdf, &cea, wish)?;
        let sealed = self.desk.seal_with(by, &printed, wish)?;
        self.keep(caller, by, &entity.code, &cea, validity, now, &sealed)?;
        Ok(Issued {
            sealed,
            code_id: cea.id.to_string(),
            date: cea.date,
            validity,
        })
    }

    /// Puts the code on every page, or, where pages must stay as they are, into the visible seal.
    fn print(&self, pdf: &[u8], cea: &Cea, wish: Wish) -> Result<(Vec<u8>, Wish)> {
        let input = Input {
            document: pdf,
            detached: &[],
        };
        let signed = !Pades
            .inspect(input, &mut Budget::default())?
            .signatures
            .is_empty();
        let lines = |page: u32| self.lines(cea, page);
        if !signed {
            let patch = stamp(pdf, FONT, &lines, &mut Budget::default())?;
            return Ok((patch.apply(pdf)?, wish));
        }
        let mut visible = wish.visible.unwrap_or_else(|| VisibleSeal {
            page: 0,
            rectangle: FOOT,
            lines: Vec::new(),
            alternative: String::new(),
            font: FONT,
            structure_element: None,
        });
        visible.lines.extend(lines(1));
        visible.alternative = visible.lines.join(". ");
        Ok((
            pdf.to_vec(),
            Wish {
                visible: Some(visible),
                ..wish
            },
        ))
    }

    fn lines(&self, cea: &Cea, page: u32) -> Vec<String> {
        let block = print(cea, page);
        let fields: Vec<String> = block
            .fields
            .iter()
            .map(|(label, value)| format!("{label} {value}"))
            .collect();
        let page = format!("{}{CODE_PAGE}", self.sede.address);
        let address = verification_url(&page, &cea.id, cea.date);
        vec![
            format!("{}   {}", block.title, fields.join("   ")),
            format!("Compruébelo en {address}"),
        ]
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "each is one column of what is kept"
    )]
    fn keep(
        &self,
        caller: &Caller,
        by: &Seal,
        entity: &str,
        cea: &Cea,
        validity: Validity,
        issued: Time,
        sealed: &Sealed,
    ) -> Result<()> {
        let record = CodeRecord {
            id: cea.id.clone(),
            code: self.code_key.keep(&cea.id, cea.date, &cea.code),
            validity,
            issued,
            entity: entity.to_string(),
            caller: caller.name().to_string(),
            seal: by.name().to_string(),
        };
        let original = self.store.stage(&mut &sealed.bytes[..])?;
        let owed = sealed.owed.as_ref().map(|why| Owed {
            level: Baseline::T.name().into(),
            seal: by.name().to_string(),
            problem: told(why),
        });
        self.store.keep_document(record, original, None, owed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ErrorKind;
    use crate::engine::evidence::Evidence;
    use crate::engine::syntax::pdf::testing;
    use crate::service::callers::Permissions;
    use crate::service::clock::SettableClock;
    use crate::service::keys::{KeyFile, Passphrase, Secret};
    use crate::service::store::{SqliteStore, StoreOptions};
    use std::time::Duration;

    fn pdf() -> Vec<u8> {
        testing::build(&[
            (1, "<</Type /Catalog /Pages 2 0 R>>"),
            (
                2,
                "<</Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842]>>",
            ),
            (3, "<</Type /Page /Parent 2 0 R>>"),
        ])
    }

    fn seal_of(name: &str) -> Seal {
        let certs = format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"));
        let passphrase = std::fs::read_to_string(format!("{certs}/passphrase")).unwrap();
        let der = std::fs::read(format!("{certs}/{name}.p12")).unwrap();
        let file = KeyFile::from_pkcs12(&der, &Passphrase::new(passphrase.trim()), name).unwrap();
        Seal::new(
            &toml::from_str("name = 'inss'\nkey = 'k'\nreason = 'Prueba'").unwrap(),
            file,
        )
        .unwrap()
    }

    fn issue(folder: &std::path::Path) -> CodeIssue {
        let clock = Arc::new(SettableClock::at("2026-11-24T12:00:00Z".parse().unwrap()));
        let options = StoreOptions {
            data: folder.to_path_buf(),
            secret: Secret::new([1; 32]),
            zone: "Europe/Madrid".into(),
            timeout: Duration::from_secs(20),
        };
        CodeIssue {
            desk: Arc::new(SealDesk {
                clock: clock.clone(),
                seals: HashMap::from([
                    ("inss".into(), seal_of("seal-p256")),
                    ("old".into(), seal_of("expired")),
                ]),
                timestamping: HashMap::new(),
            }),
            store: Arc::new(SqliteStore::open(options, clock).unwrap()),
            catalogue: toml::from_str(
                "[[entity]]\ncode = 'INSS'\nname = 'Instituto'\nseal = 'inss'",
            )
            .unwrap(),
            sede: Sede {
                name: "Sede".into(),
                address: "https://sede.example".into(),
                zone: "Europe/Madrid".into(),
            },
            code_key: CodeKey::new(&[2; 32]).unwrap(),
        }
    }

    fn caller(operations: &[Operation], entity: &str, seal: &str) -> Caller {
        Caller::new(Permissions {
            name: "portal".into(),
            operations: operations.to_vec(),
            entities: vec![entity.into()],
            seals: vec![seal.into()],
        })
    }

    fn temporal(days: i32) -> CodeWish {
        CodeWish {
            entity: "INSS".into(),
            kind: CodeType::T,
            days,
        }
    }

    fn inspect(pdf: &[u8]) -> Evidence {
        Pades
            .inspect(
                Input {
                    document: pdf,
                    detached: &[],
                },
                &mut Budget::default(),
            )
            .unwrap()
    }

    #[test]
    fn a_pdf_with_a_code_is_kept_behind_it_and_no_byte_that_came_in_changes() {
        let folder = tempfile::tempdir().unwrap();
        let issue = issue(folder.path());
        let caller = caller(&[Operation::Documents], "INSS", "inss");
        let first = issue
            .issue(&caller, &pdf(), &temporal(732), Wish::default())
            .unwrap();
        assert!(first.sealed.bytes.starts_with(&pdf()));
        assert_eq!(
            first.validity,
            Validity::Until(jiff::civil::date(2028, 11, 25))
        );
        let kept = issue.store.document(&first.code_id).unwrap().unwrap();
        assert_eq!(
            issue.store.blob(&kept.original).unwrap(),
            first.sealed.bytes
        );
        assert_eq!((kept.code.entity.as_str(), kept.number), ("INSS", None));

        // A document that is signed already gets its code in the seal, and the first signature stays whole.
        let again = issue
            .issue(&caller, &first.sealed.bytes, &temporal(1), Wish::default())
            .unwrap();
        assert!(again.sealed.bytes.starts_with(&first.sealed.bytes));
        assert_ne!(again.code_id, first.code_id);
        let evidence = inspect(&again.sealed.bytes);
        assert_eq!(evidence.signatures.len(), 2);
        assert!(
            evidence
                .signatures
                .iter()
                .all(|s| s.references.iter().all(|r| r.is_intact()))
        );
    }

    #[test]
    fn what_the_key_does_not_cover_is_forbidden() {
        let folder = tempfile::tempdir().unwrap();
        let issue = issue(folder.path());
        for (operations, entity, seal) in [
            (&[Operation::Seal][..], "INSS", "inss"),
            (&[Operation::Documents], "TGSS", "inss"),
            (&[Operation::Documents], "INSS", "other"),
        ] {
            let caller = caller(operations, entity, seal);
            let error = issue
                .issue(&caller, &pdf(), &temporal(1), Wish::default())
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Forbidden);
        }
        let register = caller(&[Operation::Register], "*", "*");
        let error = issue
            .desk
            .seal(&register, "inss", &pdf(), Wish::default())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Forbidden);
    }

    #[test]
    fn a_seal_that_is_unknown_or_expired_and_what_is_no_pdf_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let issue = issue(folder.path());
        let caller = caller(&[Operation::Seal, Operation::Documents], "*", "*");
        let seal = |name, pdf: &[u8]| issue.desk.seal(&caller, name, pdf, Wish::default());
        assert!(seal("inss", &pdf()).is_ok());
        assert_eq!(seal("none", &pdf()).unwrap_err().element(), "seal");
        assert_eq!(seal("old", &pdf()).unwrap_err().kind(), ErrorKind::Refused);
        let whole = pdf();
        for pdf in [
            &b""[..],
            b"not a PDF",
            &whole[..60],
            &whole[..whole.len() - 9],
        ] {
            assert!(seal("inss", pdf).is_err());
            assert!(
                issue
                    .issue(&caller, pdf, &temporal(1), Wish::default())
                    .is_err()
            );
        }
        let error = issue
            .issue(&caller, &pdf(), &temporal(734), Wish::default())
            .unwrap_err();
        assert_eq!(error.element(), "caducidad");
    }
}
