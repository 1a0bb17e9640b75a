//! PAdES (EN 319 142-1): signatures in PDF documents, found and made.
//!
//! `inspect` finds every signature dictionary and says what it covers and what came after it; `prepare`, `embed` and
//! `augment` make a baseline signature of level B, and T, as one incremental update. The CMS inside is `cades`'s.

mod appearance;
mod covered;
mod dictionary;
mod draft;
mod embed;
mod font;
mod form;
mod inspect;
mod prepare;
mod stamp;
mod structure;

pub use dictionary::{SignatureDictionary, SubFilter};
pub use font::EmbeddedFont;
pub use stamp::stamp;

use super::{
    Content, Format, Input, Material, Options, Patch, Prepared, Resume, SignRequest, Sniff,
};
use crate::engine::crypto::SignatureValue;
use crate::engine::error::{Error, Result};
use crate::engine::evidence::Evidence;
use crate::engine::limits::Budget;
use crate::engine::time::Time;

/// PDF documents.
#[derive(Debug, Clone, Copy)]
pub struct Pades;

impl Format for Pades {
    fn name(&self) -> &'static str {
        "PAdES"
    }

    fn sniff(&self, document: &[u8]) -> Sniff {
        let head = document.get(..document.len().min(1024)).unwrap_or_default();
        match memchr::memmem::find(head, b"%PDF-") {
            Some(0) => Sniff::Yes,
            // A container may hold a PDF near its beginning.
            Some(_) if !head.starts_with(b"PK") => Sniff::Perhaps,
            _ => Sniff::No,
        }
    }

    fn inspect(&self, input: Input<'_>, budget: &mut Budget) -> Result<Evidence> {
        inspect::inspect(input.document, budget)
    }

    fn prepare(&self, document: Content<'_>, request: &SignRequest, now: Time) -> Result<Prepared> {
        let Options::Pades(options) = &request.options else {
            return Err(Error::internal(
                "sign request",
                "has the options of another format",
            ));
        };
        prepare::prepare(
            document.whole()?,
            request,
            options,
            now,
            &mut Budget::default(),
        )
    }

    fn embed(&self, document: &[u8], resume: Resume, value: SignatureValue) -> Result<Patch> {
        embed::embed(document, resume, &value)
    }

    fn augment(&self, document: &[u8], material: &Material) -> Result<Patch> {
        let Material::SignatureTimestamp { signature, token } = material else {
            return Err(Error::unsupported("PAdES", "is not augmented with this"));
        };
        embed::add_timestamp(document, *signature, token, &mut Budget::default())
    }
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests {
    use super::testing::*;
    use super::*;
    use crate::engine::error::ErrorKind;
    use crate::engine::evidence::{ChangeKind, ScopeKind};
    use crate::engine::formats::{PadesOptions, VisibleSeal, recognise};
    use crate::engine::syntax::pdf::testing::{
        build, classic, hybrid, linearised, shift_offsets, with_streams,
    };

    fn seal() -> VisibleSeal {
        VisibleSeal {
            page: 0,
            rectangle: [40.0, 40.0, 240.0, 90.0],
            lines: vec!["Sello electrónico".into(), "24/11/2026 22:31:49".into()],
            alternative: "Sello electrónico de pruebas".into(),
            font: super::font::DEJAVU,
            structure_element: Some("firma".into()),
        }
    }

    fn visible() -> PadesOptions {
        PadesOptions {
            reason: Some("Acuse de recibo".into()),
            location: Some("Málaga".into()),
            visible: Some(seal()),
            ..PadesOptions::default()
        }
    }

    /// Files of every style, and with something before the header.
    fn files() -> Vec<Vec<u8>> {
        let junk = [b"junk\n".to_vec(), classic()].concat();
        vec![
            classic(),
            with_streams(),
            hybrid(),
            linearised(),
            junk,
            shift_offsets(&classic(), b"\n\n\n"),
            with_form(),
            tagged(),
        ]
    }

    fn with_form() -> Vec<u8> {
        build(&[
            (1, "<</Type/Catalog/Pages 2 0 R/AcroForm 5 0 R>>"),
            (2, "<</Type/Pages/Count 1/Kids[4 0 R]>>"),
            (
                4,
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Annots 9 0 R>>",
            ),
            (5, "<</Fields 8 0 R/DA(/Helv 0 Tf)/SigFlags 1>>"),
            (6, "<</FT/Tx/T(Signature1)/V(x)>>"),
            (
                7,
                "<</Type/Annot/Subtype/Widget/FT/Sig/T(firma)/Rect[0 0 90 50]/P 4 0 R/Lock 10 0 R>>",
            ),
            (8, "[6 0 R 7 0 R]"),
            (9, "[7 0 R]"),
            (10, "<</Type/SigFieldLock/Action/All>>"),
        ])
    }

    fn tagged() -> Vec<u8> {
        build(&[
            (
                1,
                "<</Type/Catalog/Pages 2 0 R/MarkInfo<</Marked true>>/StructTreeRoot 5 0 R>>",
            ),
            (2, "<</Type/Pages/Count 1/Kids[4 0 R]>>"),
            (
                4,
                "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/StructParents 0/Tabs/S>>",
            ),
            (
                5,
                "<</Type/StructTreeRoot/K 6 0 R/ParentTree 8 0 R/ParentTreeNextKey 1/IDTree 9 0 R>>",
            ),
            (6, "<</Type/StructElem/S/Document/P 5 0 R/K[7 0 R]>>"),
            (7, "<</Type/StructElem/S/Sect/P 6 0 R/ID(Ufirma)>>"),
            (8, "<</Kids[10 0 R]>>"),
            (9, "<</Kids[11 0 R]>>"),
            (10, "<</Limits[0 0]/Nums[0[7 0 R]]>>"),
            (11, "<</Limits[(Ufirma)(Ufirma)]/Names[(Ufirma)7 0 R]>>"),
        ])
    }

    #[test]
    fn a_signature_in_a_file_of_every_style_is_found_and_holds() {
        for file in files() {
            for options in [PadesOptions::default(), visible()] {
                let signer = TestSigner::p256();
                let signed = signer.sign(&file, options.clone());
                assert!(signed.starts_with(&file));
                assert_eq!(recognise(&signed).unwrap().name(), "PAdES");
                let evidence = inspect(&signed);
                assert!(signer.is_clean(&evidence), "{evidence:#?}");
                let [signature] = evidence.signatures.as_slice() else {
                    panic!("one signature");
                };
                assert_eq!(signature.level.to_string(), "PAdES-BASELINE-B");
                assert_eq!(signature.form, "ETSI.CAdES.detached");
                assert_eq!(signature.claimed_time, Some(now()));
                assert_eq!(signature.reason, options.reason);
                assert_eq!(signature.location, options.location);
                assert_eq!(signature.scopes[0].kind, ScopeKind::Full);
                assert_eq!(signature.scopes[0].revision, Some((2, 2)));
            }
        }
    }

    #[test]
    fn a_second_signature_leaves_the_first_intact_and_tells_of_the_change() {
        for file in files() {
            let signer = TestSigner::rsa();
            let once = signer.sign(&file, visible());
            let twice = signer.sign(&once, PadesOptions::default());
            let evidence = inspect(&twice);
            let [first, second] = evidence.signatures.as_slice() else {
                panic!("two signatures");
            };
            assert_eq!(
                (first.scopes[0].revision, second.scopes[0].revision),
                (Some((2, 3)), Some((3, 3)))
            );
            assert!(first.faults.is_empty(), "{:?}", first.faults);
            assert!(signer.holds(first) && first.references[0].is_intact());
            let [change] = first.later_changes.as_slice() else {
                panic!("one change");
            };
            assert_eq!(change.kind, ChangeKind::Revision);
            assert_eq!(change.offset, once.len() as u64);
            assert_eq!(change.length, (twice.len() - once.len()) as u64);
            assert!(second.later_changes.is_empty() && second.faults.is_empty());
            assert_ne!(first.name, second.name);
        }
    }

    #[test]
    fn the_room_is_that_of_the_message() {
        // RSA has values of one length: not a byte is left over.
        let signed = TestSigner::rsa().sign(&classic(), PadesOptions::default());
        let text = String::from_utf8_lossy(&signed).into_owned();
        let contents = text.split("/Contents<").nth(1).unwrap();
        let contents = contents.split('>').next().unwrap();
        let length = usize::from_str_radix(&contents[4..8], 16).unwrap();
        assert_eq!(contents.len(), 2 * (length + 4));
    }

    #[test]
    fn whatever_byte_is_flipped_it_does_not_pass() {
        let signer = TestSigner::p256();
        for file in [classic(), with_streams()] {
            let signed = signer.sign(&file, PadesOptions::default());
            let untouched = inspect(&signed);
            assert!(signer.is_clean(&untouched));
            for at in 0..signed.len() {
                for mask in [0x01, 1 << (at % 8)] {
                    let mut flipped = signed.clone();
                    flipped[at] ^= mask;
                    if let Ok(evidence) = try_inspect(&flipped) {
                        // The other case of a hexadecimal digit is the same signature, and no content.
                        let same = flipped[at].eq_ignore_ascii_case(&signed[at])
                            && evidence.signatures == untouched.signatures;
                        assert!(
                            same || !signer.is_clean(&evidence),
                            "byte {at} with {mask:#x}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_appended_or_cut_is_told() {
        let signer = TestSigner::p256();
        let signed = signer.sign(&classic(), PadesOptions::default());
        for tail in [&b"\n"[..], b"%", b"\0\0\0", b"1 0 obj\nnull\nendobj\n"] {
            let evidence = inspect(&[&signed, tail].concat());
            let signature = &evidence.signatures[0];
            assert_eq!(signature.scopes[0].kind, ScopeKind::Partial);
            let [change] = signature.later_changes.as_slice() else {
                panic!("one change");
            };
            assert_eq!(change.kind, ChangeKind::Bytes);
            assert_eq!(
                (change.offset, change.length),
                (signed.len() as u64, tail.len() as u64)
            );
        }
        for cut in 1..signed.len() {
            if let Ok(evidence) = try_inspect(&signed[..cut]) {
                assert!(!signer.is_clean(&evidence), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_was_cut_short_is_not_sealed_and_padding_is_no_fault() {
        let signer = TestSigner::p256();
        let file = classic();
        let signed = signer.sign(&file, PadesOptions::default());
        let prepare = |bytes: &[u8]| {
            Pades.prepare(
                bytes.into(),
                &signer.request(PadesOptions::default()),
                now(),
            )
        };
        for cut in file.len() + 16..signed.len() - 6 {
            let refused = prepare(&signed[..cut]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Malformed, "cut at {cut}");
        }
        for padding in [&b"\r\n"[..], &[0; 3000]] {
            assert!(prepare(&[&file, padding].concat()).is_ok());
        }
    }

    #[test]
    fn a_signature_without_its_field_is_noticed() {
        let signer = TestSigner::p256();
        let signed = signer.sign(&classic(), PadesOptions::default());
        let budget = &mut Budget::default();
        let document = crate::engine::syntax::pdf::Document::open(&signed, budget).unwrap();
        let mut update = crate::engine::syntax::pdf::Update::of(&document).unwrap();
        let catalog = crate::engine::syntax::pdf::Reference::new(1, 0);
        let original = document.load(catalog, budget).unwrap();
        let mut without = original.as_dictionary().unwrap().clone();
        without.remove("AcroForm");
        update.put_dictionary(catalog, &without);
        let stripped = [&signed[..], &update.finish().unwrap().bytes].concat();
        let evidence = inspect(&stripped);
        let signature = &evidence.signatures[0];
        assert_eq!(signature.faults[0].rule, "pdf.signature.unreferenced");
        assert_eq!(signature.later_changes.len(), 1);
        assert!(signer.holds(signature));
    }

    #[test]
    fn a_field_that_waits_for_a_signature_is_used() {
        let signer = TestSigner::p256();
        let named = |name: &str| PadesOptions {
            field: Some(name.into()),
            ..visible()
        };
        let signed = signer.sign(&with_form(), named("firma"));
        let evidence = inspect(&signed);
        assert_eq!(evidence.signatures[0].name, "firma");
        assert!(signer.is_clean(&evidence));
        let text = String::from_utf8_lossy(&signed).into_owned();
        assert!(text.contains("/FieldMDP") && text.contains("/Action/All"));
        let refused = |file: &[u8], name| {
            Pades
                .prepare(file.into(), &signer.request(named(name)), now())
                .unwrap_err()
                .kind()
        };
        assert_eq!(refused(&signed, "firma"), ErrorKind::Refused);
        assert_eq!(refused(&signed, "Signature1"), ErrorKind::Refused);
        assert_eq!(refused(&signed, "a.b"), ErrorKind::InvalidRequest);
        // The name that is free is not one that a text field has.
        let again = signer.sign(&with_form(), PadesOptions::default());
        assert_eq!(inspect(&again).signatures[0].name, "Signature2");
    }

    #[test]
    fn a_visible_seal_takes_its_place_in_the_structure() {
        use crate::engine::syntax::pdf::{Document, Object, Reference};
        let signed = TestSigner::p256().sign(&tagged(), visible());
        let budget = &mut Budget::default();
        let document = Document::open(&signed, budget).unwrap();
        let mut load = |n| {
            let object = document.load(Reference::new(n, 0), budget).unwrap();
            object.as_dictionary().unwrap().clone()
        };
        let widget = load(4).get("Annots").unwrap().as_array().unwrap()[0]
            .as_reference()
            .unwrap();
        let field = load(widget.number);
        assert_eq!(field.get("StructParent"), Some(&Object::Integer(1)));
        assert_eq!(field.get("F"), Some(&Object::Integer(132)));
        assert_eq!(field.get("P"), Some(&Reference::new(4, 0).into()));
        assert!(field.contains("TU") && field.contains("AP"));
        assert_eq!(load(5).get("ParentTreeNextKey"), Some(&Object::Integer(2)));
        let element = load(7).get("K").unwrap().as_array().unwrap()[0]
            .as_reference()
            .unwrap();
        let form = load(element.number);
        assert!(form.get("S").unwrap().is_name("Form"));
        let kid = form.get("K").unwrap().as_dictionary().unwrap();
        assert_eq!(kid.get("Obj"), Some(&widget.into()));
        let leaf = load(10);
        let numbers = leaf.get("Nums").unwrap().as_array().unwrap();
        assert_eq!(numbers[2..], [Object::Integer(1), element.into()]);
        assert_eq!(
            leaf.get("Limits").unwrap().as_array().unwrap()[1],
            Object::Integer(1)
        );
    }

    #[test]
    fn what_cannot_be_signed_is_refused_with_a_reason() {
        let signer = TestSigner::p256();
        let problem = |file: &[u8], options| {
            Pades
                .prepare(file.into(), &signer.request(options), now())
                .unwrap_err()
                .to_string()
        };
        let text = String::from_utf8(classic()).unwrap();
        let encrypted = text.replace("/Info 3 0 R", "/Encrypt 9 0 R");
        assert!(problem(encrypted.as_bytes(), visible()).contains("encrypted"));
        assert!(problem(&classic()[..300], visible()).contains("startxref"));
        assert!(problem(b"", visible()).contains("empty"));
        let mut elsewhere = visible();
        elsewhere.visible = Some(VisibleSeal { page: 7, ..seal() });
        assert!(problem(&classic(), elsewhere).contains("no page 8"));
        let mut flat = visible();
        flat.visible = Some(VisibleSeal {
            rectangle: [10.0, 10.0, 10.0, 10.0],
            ..seal()
        });
        assert!(problem(&classic(), flat).contains("no room"));
        let certified = build(&[
            (1, "<</Type/Catalog/Pages 2 0 R/Perms<</DocMDP 5 0 R>>>>"),
            (2, "<</Type/Pages/Count 1/Kids[4 0 R]>>"),
            (4, "<</Type/Page/Parent 2 0 R>>"),
            (
                5,
                "<</Type/Sig/Reference[<</TransformMethod/DocMDP/TransformParams<</P 1>>>>]>>",
            ),
        ]);
        assert!(problem(&certified, visible()).contains("permits no changes"));
        let text = String::from_utf8(certified).unwrap();
        assert!(
            Pades
                .prepare(
                    text.replace("/P 1", "/P 2").as_bytes().into(),
                    &signer.request(visible()),
                    now()
                )
                .is_ok()
        );
    }

    #[test]
    fn a_time_stamp_goes_into_the_room_that_was_left() {
        use crate::engine::syntax::asn1::der;
        let signer = TestSigner::p256();
        let mut request = signer.request(PadesOptions::default());
        request.timestamp_reserve = 64;
        let signed = signer.sign_request(&classic(), &request);
        let token = |length| Material::SignatureTimestamp {
            signature: 0,
            token: der::sequence(&[&der::octet_string(&vec![7; length])]),
        };
        let stamped = Pades.augment(&signed, &token(50)).unwrap();
        let stamped = stamped.apply(&signed).unwrap();
        assert_eq!(stamped.len(), signed.len());
        let evidence = inspect(&stamped);
        let signature = &evidence.signatures[0];
        assert!(signer.holds(signature) && signature.references[0].is_intact());
        // It is no time-stamp, which is told; the rest is as it was.
        assert_eq!(signature.faults.len(), 1);
        assert_eq!(signature.faults[0].rule, "timestamp.unreadable");
        assert!(signature.later_changes.is_empty());
        let error = Pades.augment(&signed, &token(5000)).unwrap_err();
        assert!(error.to_string().contains("do not fit"));
        let absent = Material::SignatureTimestamp {
            signature: 1,
            token: Vec::new(),
        };
        assert_eq!(
            Pades.augment(&signed, &absent).unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }

    #[test]
    fn what_was_prepared_is_for_one_document() {
        let signer = TestSigner::p256();
        let file = classic();
        let request = signer.request(PadesOptions::default());
        let prepared = Pades.prepare((&file).into(), &request, now()).unwrap();
        let value = signer.value(&prepared.to_be_signed);
        let other = [file.clone(), b"\n".to_vec()].concat();
        assert!(
            Pades
                .embed(&other, prepared.resume.clone(), value.clone())
                .is_err()
        );
        assert!(Pades.embed(&file[1..], prepared.resume, value).is_err());
    }

    #[test]
    fn a_file_without_signatures_is_evidence_of_none() {
        let evidence = inspect(&classic());
        assert!(evidence.signatures.is_empty() && evidence.faults.is_empty());
        assert!(try_inspect(&classic()[..200]).is_err());
        assert!(try_inspect(b"").is_err());
    }

    #[test]
    fn recognised_by_its_header() {
        assert_eq!(Pades.sniff(b"%PDF-1.7"), Sniff::Yes);
        assert_eq!(Pades.sniff(b"x%PDF-1.7"), Sniff::Perhaps);
        assert_eq!(Pades.sniff(b"PK\x03\x04..%PDF-1.7"), Sniff::No);
    }
}
