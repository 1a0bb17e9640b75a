//! Makes a receipt: the justificante, its seal, the acuse around it, the server's signature over that.
//!
//! EN 319 142-1 for the seal, EN 319 162-1 for the acuse. In: the entry as data. Out: bytes that have been read back and
//! verified (`flow::sign`), and the evidence in them. The justificante is stamped where the seal has an authority; the signature of the acuse is
//! of level B-B: it covers the stamped justificante, and one call to an authority a receipt is enough.

use super::receive::{Artefacts, Composer, Composition, Repacked};
use super::sign::{Order, Sealed, Timestamping, seal};
use crate::engine::evidence;
use crate::engine::formats::asic::Asic;
use crate::engine::formats::cades::Cades;
use crate::engine::formats::pades::Pades;
use crate::engine::formats::{CadesOptions, Format, Input, Options, PadesOptions, VisibleSeal};
use crate::engine::register::{Acuse, FONT, Receipt, SealPlace, compose};
use crate::engine::{Budget, Result, Time};
use crate::service::clock::Clock;
use crate::service::keys::Seal;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The path of the page that checks codes, below the address of the sede.
pub const CODE_PAGE: &str = "/verificar/codigo";

/// Composes and seals with keys of ours.
pub struct SealedReceipts {
    /// The authorities of each seal that has any, by its name.
    pub timestamping: HashMap<String, Arc<dyn Timestamping>>,
    /// The official time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for SealedReceipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedReceipts")
            .field("stamped", &self.timestamping.keys())
            .finish_non_exhaustive()
    }
}

impl Composer for SealedReceipts {
    fn compose(&self, composition: &Composition<'_>) -> Result<Artefacts> {
        let Composition {
            receipt,
            seal,
            code,
            inside,
        } = composition;
        let block = code.block(&format!("{}{CODE_PAGE}", receipt.sede.address));
        let composed = compose(receipt, &block)?;
        let justificante = self.seal_justificante(&composed.pdf, receipt, seal, &composed.seal)?;
        let acuse = self.pack(receipt, &justificante.bytes, inside, seal)?;
        let input = Input {
            document: &acuse,
            detached: &[],
        };
        let found = Asic.inspect(input, &mut Budget::default())?;
        Ok(Artefacts {
            acuse,
            evidence: Some(evidence::write(&found)?),
            level: justificante.level.to_string(),
            degraded: justificante.owed.map(|error| error.to_string()),
            justificante: justificante.bytes,
        })
    }

    fn repack(&self, repacked: &Repacked<'_>) -> Result<Vec<u8>> {
        let Repacked {
            receipt,
            seal,
            justificante,
            inside,
        } = repacked;
        self.pack(receipt, justificante, inside, seal)
    }
}

impl SealedReceipts {
    fn pack(
        &self,
        receipt: &Receipt,
        justificante: &[u8],
        inside: &[Option<Vec<u8>>],
        seal: &Seal,
    ) -> Result<Vec<u8>> {
        let contents: Vec<_> = inside.iter().map(Option::as_deref).collect();
        let acuse = Acuse::new(receipt, justificante, &contents)?;
        let signature = self.sign_manifest(acuse.manifest(), seal)?;
        acuse.pack(&signature.bytes)
    }

    fn seal_justificante(
        &self,
        pdf: &[u8],
        receipt: &Receipt,
        seal: &Seal,
        place: &SealPlace,
    ) -> Result<Sealed> {
        let options = Options::Pades(PadesOptions {
            reason: seal.settings.reason.clone(),
            location: seal.settings.location.clone(),
            name: Some(seal.certificate.subject().common_name()),
            field: None,
            visible: Some(visible(receipt, seal, place)?),
        });
        let timestamping = self.timestamping.get(seal.name());
        self.sign(pdf, seal, &Pades, &options, timestamping.map(|t| &**t))
    }

    fn sign_manifest(&self, manifest: &[u8], seal: &Seal) -> Result<Sealed> {
        let options = Options::Cades(CadesOptions::Detached);
        self.sign(manifest, seal, &Cades, &options, None)
    }

    fn sign(
        &self,
        document: &[u8],
        by: &Seal,
        format: &dyn Format,
        options: &Options,
        timestamping: Option<&dyn Timestamping>,
    ) -> Result<Sealed> {
        let order = Order {
            seal: by,
            format,
            options,
            timestamping,
            when_tsa_fails: by.settings.when_tsa_fails,
        };
        seal(document, &order, self.clock.now())
    }
}

/// The seal as people see it: signer, time and reason.
fn visible(receipt: &Receipt, seal: &Seal, place: &SealPlace) -> Result<VisibleSeal> {
    let mut lines = Vec::new();
    if let Some(sealing) = &receipt.sealing {
        lines.push(format!("Firmado digitalmente por {}", sealing.by));
        lines.push(format!("Fecha: {}", civil(sealing.at, &receipt.sede.zone)?));
    }
    if let Some(reason) = &seal.settings.reason {
        lines.push(format!("Motivo: {reason}"));
    }
    Ok(VisibleSeal {
        page: place.page as usize,
        rectangle: place.rect,
        alternative: lines.join(". "),
        lines,
        font: FONT,
        structure_element: Some(place.structure_id.to_string()),
    })
}

fn civil(instant: Time, zone: &str) -> Result<String> {
    Ok(instant
        .in_zone(zone)?
        .strftime("%d/%m/%Y %H:%M:%S %:z")
        .to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Error;
    use crate::engine::ErrorKind;
    use crate::engine::codes::Cea;
    use crate::engine::formats::recognise;
    use crate::engine::pki::TimestampToken;
    use crate::engine::pki::timestamp::MessageImprint;
    use crate::engine::pki::trust::Anchors;
    use crate::engine::register::{
        Calendar, Document, DocumentRole, Named, Names, NumberLayout, RegisterNumber, Sealing, Sede,
    };
    use crate::engine::validation::{Indication, Policy, SubIndication, validate};
    use crate::service::clock::SettableClock;
    use crate::service::config::SealSettings;

    const REQUEST: &[u8] = b"<solicitud>\xC3\x91</solicitud>";

    fn certs() -> String {
        format!("{}/certs/test", env!("CARGO_MANIFEST_DIR"))
    }

    fn seal_of(name: &str, more: &str) -> Seal {
        let certs = certs();
        let settings = format!(
            "name = 'inss'\nkey = '{certs}/{name}.p12'\nreason = 'Registro Electrónico'\n{more}"
        );
        let settings: SealSettings = toml::from_str(&settings).unwrap();
        let passphrase = std::fs::read_to_string(format!("{certs}/passphrase")).unwrap();
        let passphrase = crate::service::keys::Passphrase::new(passphrase.trim());
        let der = std::fs::read(format!("{certs}/{name}.p12")).unwrap();
        let file = crate::service::keys::KeyFile::from_pkcs12(&der, &passphrase, name).unwrap();
        Seal::new(&settings, file).unwrap()
    }

    fn now() -> Time {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn receipt() -> Receipt {
        let presented = now();
        let metadata = serde_json::from_value(serde_json::json!({
            "entity": "INSS", "office": "0", "subject": "S1", "destination": "U1",
            "interested": { "document": { "type": "nif", "number": "00000000T" }, "name": "Iñaki", "first_surname": "Núñez" },
        }));
        Receipt {
            number: RegisterNumber::new(NumberLayout::default(), 2026, "0", 1).unwrap(),
            presented,
            effective_start: Calendar::default().effective_start(presented).unwrap(),
            sede: Sede {
                name: "Sede Electrónica".into(),
                address: "https://sede.example".into(),
                zone: "Europe/Madrid".into(),
            },
            names: Names {
                entity: Named::new("INSS", "Instituto Nacional de la Seguridad Social"),
                office: Named::new("0", "Registro Electrónico"),
                subject: Named::new("S1", "Solicitud – jubilación"),
                destination: Named::new("U1", "Dirección Provincial"),
                procedure: None,
            },
            metadata: metadata.unwrap(),
            documents: vec![Document::of(
                DocumentRole::Request,
                "solicitud.xml",
                "application/xml",
                REQUEST,
            )],
            sealing: Some(Sealing {
                by: "SELLO".into(),
                at: presented,
            }),
        }
    }

    fn composer(timestamping: Option<Arc<dyn Timestamping>>) -> SealedReceipts {
        SealedReceipts {
            timestamping: timestamping
                .map(|t| ("inss".to_string(), t))
                .into_iter()
                .collect(),
            clock: Arc::new(SettableClock::at(now())),
        }
    }

    fn make(composer: &SealedReceipts, seal: &Seal) -> Result<Artefacts> {
        let code = Cea::derive(&[7; Cea::RANDOM], jiff::civil::date(2026, 11, 24));
        composer.compose(&Composition {
            receipt: &receipt(),
            seal,
            code: &code,
            inside: vec![Some(REQUEST.to_vec())],
        })
    }

    struct Down;

    impl Timestamping for Down {
        fn timestamp(&self, _: &MessageImprint) -> Result<TimestampToken> {
            Err(Error::unavailable(
                "time-stamping authority",
                "does not answer",
            ))
        }
    }

    /// Read back as foreign documents, both are whole, and want only word of revocation.
    fn judge(document: &[u8]) -> (String, Option<SubIndication>) {
        let root = std::fs::read(format!("{}/root.pem", certs())).unwrap();
        let policy = Policy::baseline(Anchors::read([&root[..]]).unwrap());
        let format = recognise(document).unwrap();
        let evidence = format
            .inspect(
                Input {
                    document,
                    detached: &[],
                },
                &mut Budget::default(),
            )
            .unwrap();
        let verdict = validate(&evidence, &policy, now());
        assert_eq!(verdict.signatures.len(), 1, "{}", format.name());
        let signature = &verdict.signatures[0];
        assert_eq!(signature.mathematics, Some(true));
        assert_eq!(
            signature.indication,
            Indication::Indeterminate,
            "{:#?}",
            signature.findings
        );
        (
            evidence.signatures[0].level.to_string(),
            signature.sub_indication,
        )
    }

    #[test]
    fn receipt_and_acuse_are_whole_when_they_are_read_back() {
        for key in ["seal", "seal-p256"] {
            let made = make(&composer(None), &seal_of(key, "")).unwrap();
            assert_eq!((&*made.level, made.degraded), ("PAdES-BASELINE-B", None));
            assert_eq!(
                judge(&made.justificante),
                ("PAdES-BASELINE-B".into(), Some(SubIndication::TryLater))
            );
            let (level, why) = judge(&made.acuse);
            assert_eq!(
                (&*level, why),
                ("CAdES-BASELINE-B", Some(SubIndication::TryLater))
            );
            assert_eq!(recognise(&made.acuse).unwrap().name(), Asic.name());
            assert!(evidence::read(&made.evidence.unwrap()).is_ok());
        }
    }

    #[test]
    fn an_authority_that_is_down_degrades_or_stops_the_seal_as_its_settings_say() {
        let composer = composer(Some(Arc::new(Down)));
        let made = make(&composer, &seal_of("seal", "tsa = ['a']")).unwrap();
        assert_eq!(made.level, "PAdES-BASELINE-B");
        assert!(made.degraded.unwrap().contains("does not answer"));
        let strict = seal_of("seal", "tsa = ['a']\nwhen_tsa_fails = 'fail'");
        assert_eq!(
            make(&composer, &strict).unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }

    #[test]
    fn a_seal_out_of_its_time_seals_nothing() {
        for key in ["expired", "future"] {
            let error = make(&composer(None), &seal_of(key, "")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
        }
    }
}
