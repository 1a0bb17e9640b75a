//! What benches and figures work on: a receipt of 48 KB as a PDF, and the seals of `certs/test`.
//!
//! The document is of the shape and size that rivals are measured with: one page of text and one incompressible image,
//! a cross-reference table, no form. It is the same at every run.

#![allow(dead_code)] // each of the programs that share it uses a part

use rubrica::engine::Time;
use rubrica::engine::codes::Cea;
use rubrica::engine::crypto::DigestAlgorithm;
use rubrica::engine::evidence::{Object, ObjectKind, Origin};
use rubrica::engine::formats::pades::Pades;
use rubrica::engine::formats::{Format, Input, Options, PadesOptions, Properties, SignRequest};
use rubrica::engine::pki::trust::Anchors;
use rubrica::engine::register::{
    Calendar, Document, DocumentRole, Named, Names, NumberLayout, Receipt, RegisterNumber, Sealing,
    Sede,
};
use rubrica::engine::validation::{Policy, Revocation, Verdict, validate};
use rubrica::service::clock::SettableClock;
use rubrica::service::config::{SealSettings, WhenTsaFails};
use rubrica::service::flow::receive::{Artefacts, Composer, Composition};
use rubrica::service::flow::{Order, SealedReceipts};
use rubrica::service::keys::{KeyFile, Passphrase, Seal};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

/// The instant of everything here.
pub fn now() -> Time {
    "2026-11-24T12:00:00Z".parse().expect("a time")
}

/// Bytes that do not compress (xorshift64*).
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8
    };
    (0..length).map(next).collect()
}

/// The receipt: 48 KB, one page.
pub fn receipt() -> Vec<u8> {
    let side = 123;
    let mut text = String::from("q 200 0 0 200 300 80 cm /Im Do Q BT /F1 10 Tf 50 790 Td 14 TL\n");
    for row in 0..40u32 {
        let (quantity, cents) = (row * 7 % 20 + 1, row * 7919 % 90_000);
        let (units, rest) = (cents / 100, cents % 100);
        let _ = writeln!(
            text,
            "(Item {row:03}  quantity {quantity:2}  price {units:3}.{rest:02} EUR) Tj T*"
        );
    }
    text.push_str("ET");
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R\
                /Resources<</Font<</F1 3 0 R>>/XObject<</Im 6 0 R>>>>>>";
    let image = format!(
        "/Type/XObject/Subtype/Image/Width {side}/Height {side}/ColorSpace/DeviceRGB/BitsPerComponent 8"
    );
    file(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>".to_vec(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec(),
        page.as_bytes().to_vec(),
        stream("", text.as_bytes()),
        stream(&image, &noise(side * side * 3, 1)),
    ])
}

fn stream(head: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<<{head}/Length {}>>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

fn file(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (i, object) in objects.iter().enumerate() {
        let _ = writeln!(table, "{:010} 00000 n ", out.len());
        out.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    let id = "00112233445566778899aabbccddeeff";
    let size = objects.len() + 1;
    let trailer = format!(
        "{table}trailer\n<</Size {size}/Root 1 0 R/ID[<{id}><{id}>]>>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend_from_slice(trailer.as_bytes());
    out
}

/// A seal of the test PKI, by the kind of its key: RSA-2048, P-256.
pub fn seal(key: &str) -> Seal {
    let p12: &[u8] = match key {
        "P-256" => include_bytes!("../../certs/test/seal-p256.p12"),
        _ => include_bytes!("../../certs/test/seal.p12"),
    };
    let settings = serde_json::json!({"name": "sello", "key": "sello.p12"});
    let settings: SealSettings = serde_json::from_value(settings).expect("settings");
    let file = KeyFile::from_pkcs12(p12, &Passphrase::new("demo"), "sello.p12");
    Seal::new(&settings, file.expect("a seal of the test PKI")).expect("a seal")
}

/// The engine's three steps: prepare, sign, embed; the whole document out.
pub fn embed(seal: &Seal, document: &[u8]) -> Vec<u8> {
    let algorithm = seal.signer.algorithm();
    let request = SignRequest {
        certificate: seal.certificate.clone(),
        chain: seal.chain.clone(),
        algorithm,
        digest: DigestAlgorithm::Sha256,
        timestamp_reserve: 0,
        properties: Properties::default(),
        options: Options::Pades(PadesOptions::default()),
    };
    let prepared = Pades
        .prepare(document.into(), &request, now())
        .expect("prepared");
    let value = seal.signer.sign(&prepared.to_be_signed).expect("signed");
    let patch = Pades.embed(document, prepared.resume, value);
    let patch = patch.expect("embedded");
    patch.apply(document).expect("applied")
}

/// As the service seals: what leaves has been read back and verified.
pub fn sealed(seal: &Seal, document: &[u8]) -> Vec<u8> {
    let order = Order {
        seal,
        format: &Pades,
        options: &Options::Pades(PadesOptions::default()),
        timestamping: None,
        when_tsa_fails: WhenTsaFails::Degrade,
    };
    rubrica::service::flow::seal(document, &order, now())
        .expect("sealed")
        .bytes
}

/// The baseline policy under the test root.
pub fn policy(revocation: Revocation) -> Policy {
    let root = include_bytes!("../../certs/test/root.pem");
    let anchors = Anchors::read([&root[..]]).expect("the test root");
    Policy::baseline(anchors).constrained(|c| c.revocation = revocation)
}

/// The lists of the test PKI, as a caller hands them in.
pub fn lists() -> Vec<Object> {
    let lists: [&[u8]; 2] = [
        include_bytes!("../../certs/test/root.crl"),
        include_bytes!("../../certs/test/ca.crl"),
    ];
    lists
        .map(|bytes| Object::new(ObjectKind::CertificateRevocationList, bytes, Origin::Given))
        .into()
}

/// What the document's signatures are worth: found, digested and judged.
pub fn verify(format: &dyn Format, document: &[u8], policy: &Policy, given: &[Object]) -> Verdict {
    let input = Input {
        document,
        detached: &[],
    };
    let mut evidence = format
        .inspect(input, &mut policy.limits.budget())
        .expect("a document of this format");
    for object in given {
        evidence.pool.add(object.clone());
    }
    validate(&evidence, policy, now())
}

/// An entry of the register, ready to be composed: a request of one page of data and two attachments.
pub fn entry() -> Receipt {
    let presented = now();
    let documents = [
        (DocumentRole::Request, "solicitud.xml", "text/xml"),
        (
            DocumentRole::Attachment,
            "vida laboral.pdf",
            "application/pdf",
        ),
        (
            DocumentRole::Attachment,
            "certificado.pdf",
            "application/pdf",
        ),
    ];
    let data = (1..=12).map(|n| {
        serde_json::json!({"label": format!("Periodo {n}"), "value": format!("2026-{n:02}-01, 1.234,{n:02} €")})
    });
    let metadata = serde_json::json!({
        "entity": "INSS", "office": "0", "subject": "RE0018", "destination": "28", "language": "ca",
        "interested": {
            "document": {"type": "nif", "number": "00000000T"}, "name": "Iñaki", "first_surname": "Núñez",
            "second_surname": "Güell", "email": "persona@example.org",
        },
        "province": "Madrid", "data": data.collect::<Vec<_>>(),
    });
    Receipt {
        number: RegisterNumber::new(NumberLayout::default(), 2026, "0", 1).expect("a number"),
        presented,
        effective_start: Calendar::default()
            .effective_start(presented)
            .expect("a day"),
        sede: Sede {
            name: "Sede Electrónica".into(),
            address: "https://sede.example".into(),
            zone: "Europe/Madrid".into(),
        },
        names: Names {
            entity: Named::new("INSS", "Instituto Nacional de la Seguridad Social"),
            office: Named::new("0", "Registro Electrónico"),
            subject: Named::new("RE0018", "Solicitud de protección familiar"),
            destination: Named::new("28", "Dirección Provincial de Madrid"),
            procedure: None,
        },
        metadata: serde_json::from_value(metadata).expect("metadata"),
        documents: documents
            .map(|(role, name, kind)| Document::of(role, name, kind, REQUEST))
            .into(),
        sealing: Some(Sealing {
            by: "SELLO DE LA SEDE ELECTRÓNICA".into(),
            at: presented,
        }),
    }
}

const REQUEST: &[u8] = b"<solicitud>de muestra</solicitud>";

/// The whole receipt: justificante composed and sealed, acuse packed and signed; every signature read back.
pub fn complete(receipt: &Receipt, seal: &Seal) -> Artefacts {
    let composer = SealedReceipts {
        timestamping: HashMap::new(),
        clock: Arc::new(SettableClock::at(now())),
    };
    let code = Cea::derive(&[7; Cea::RANDOM], jiff::civil::date(2026, 11, 24));
    let composition = Composition {
        receipt,
        seal,
        code: &code,
        inside: vec![Some(REQUEST.to_vec()), None, None],
    };
    composer.compose(&composition).expect("a receipt")
}
