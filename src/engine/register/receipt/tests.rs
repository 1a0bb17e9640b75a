//! The whole document: what it holds, that it is the same twice, that no text stops it.

use super::*;
use crate::engine::register::registration::tests::receipt;
use crate::engine::register::{Datum, Document, DocumentRole};

fn code() -> CodeBlock {
    CodeBlock {
        id: "2AAAA5DA5AA9".into(),
        date: jiff::civil::date(2026, 11, 24),
        code: "QWERT-YUIOP-ASDFG-HJKLZ-XCVBN-M2345".into(),
        verification_url: "https://sede.example/verificar/codigo?id=2AAAA5DA5AA9&fecha=2026-11-24"
            .into(),
    }
}

fn composed(receipt: &Receipt) -> Composed {
    compose(receipt, &code()).unwrap()
}

#[test]
fn the_same_entry_gives_the_same_bytes() {
    let one = composed(&receipt());
    assert_eq!(one.pdf, composed(&receipt()).pdf);
    assert!(one.pdf.starts_with(b"%PDF-1.7") && one.pdf.ends_with(b"%%EOF\n"));
    let has = |needle: &[u8]| one.pdf.windows(needle.len()).any(|w| w == needle);
    assert!(
        has(b"registro.xml")
            && has(b"/AFRelationship/Data")
            && has(b"firma")
            && has(b"pdfuaid:part")
    );
}

#[test]
fn the_seal_has_its_place_on_the_first_page() {
    let place = composed(&receipt()).seal;
    let [left, bottom, right, top] = place.rect;
    assert!(
        place.page == 0
            && left < right
            && bottom < top
            && right < layout::WIDTH
            && top < layout::HEIGHT
    );
}

#[test]
fn every_language_and_direction_composes() {
    for language in Language::ALL {
        let mut receipt = receipt();
        receipt.metadata.language = language;
        receipt.metadata.direction = super::super::Direction::Exit;
        assert!(composed(&receipt).pages >= 1);
    }
}

#[test]
fn many_documents_and_long_data_flow_over_pages() {
    let mut long = receipt();
    long.documents = (0..100)
        .map(|n| {
            Document::of(
                DocumentRole::Attachment,
                &format!("{n} {}.pdf", "nombre muy largo ".repeat(n % 12)),
                "application/pdf",
                &[n as u8],
            )
        })
        .collect();
    long.metadata.data.push(Datum {
        label: "Exposición".into(),
        value: "palabra ".repeat(1250),
    });
    long.metadata.data.push(Datum {
        label: "Sin espacios".into(),
        value: "x".repeat(10_000),
    });
    long.metadata.data.push(Datum {
        label: "Líneas".into(),
        value: "una\r\ndos\n\ntres\n".repeat(50),
    });
    long.metadata.interested.name = "A".repeat(1000);
    let composed = composed(&long);
    assert!((12..60).contains(&composed.pages), "{}", composed.pages);
}

/// A twentieth of the most that a request may hold, of characters that take most room, stays below a twentieth of the pages.
#[test]
fn what_may_be_registered_can_be_printed() {
    let mut largest = receipt();
    let value = "\u{10FFFF}".repeat(9_900) + &"\n".repeat(250);
    largest.metadata.data = vec![Datum {
        label: "\u{10FFFF}".repeat(100),
        value,
    }];
    largest.documents = vec![
        Document::of(
            DocumentRole::Attachment,
            &"\u{10FFFF}".repeat(255),
            &"x".repeat(255),
            b""
        );
        25
    ];
    assert!(largest.metadata.check().is_ok());
    let pages = usize::try_from(composed(&largest).pages).unwrap();
    assert!(pages * 20 < layout::MOST_PAGES, "{pages}");
}

#[test]
fn no_text_stops_a_registration() {
    let odd = [
        "\u{2013} ñ ç l·l e\u{301}\u{328}",
        "\u{1F600}\u{1F468}\u{200d}\u{1F469}",
        "漢字かなカナ한국어",
        "\u{0}\u{1}\u{7f}\u{85}\u{9f}",
        "محمد بن عبد الله ١٢٣",
        "יצחק בן־צבי",
        "\u{202e}abc\u{202c}\u{2066}x\u{2069}",
        "\u{e000}\u{f8ff}\u{feff}\u{fffe}\u{ffff}",
        "\u{301}\u{301}",
        "ﷺ ﬁ ﬀ",
        "हिन्दी ไทย ລາວ ქართული Հայ ⵜⵉⴼⵉ",
        "x\u{fe0f}\u{20e3}",
        "a\u{5d0}b\u{627}c",
        "",
        " ",
        "\n\n",
        "\t",
        "(\\)%<<>>/",
        "\u{10ffff}\u{1f3fb}\u{e0001}",
        "ﻼ\u{64b}\u{651}",
        "A\u{200c}ب\u{200d}",
        "\u{25cc}\u{5b0}",
        "᠎\u{17b4}",
    ];
    for text in odd {
        let mut receipt = receipt();
        let person = &mut receipt.metadata.interested;
        (person.name, person.first_surname, person.role, person.phone) =
            (text.into(), text.into(), text.into(), text.into());
        receipt
            .metadata
            .representative
            .as_mut()
            .unwrap()
            .business_name = text.into();
        receipt.metadata.data = vec![Datum {
            label: text.into(),
            value: text.repeat(20),
        }];
        receipt.metadata.province = Some(text.into());
        receipt.documents[0].name = text.into();
        receipt.documents[0].media_type = text.into();
        receipt.names.entity.name = text.into();
        receipt.names.subject.name = text.into();
        receipt.sede.name = text.into();
        if let Err(error) = compose(&receipt, &code()) {
            panic!("{text:?}: {error}");
        }
    }
}

/// Strings of characters drawn from everywhere, by a generator that repeats.
#[test]
fn no_random_text_stops_a_registration() {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..8 {
        let mut receipt = receipt();
        receipt.metadata.data = (0..12)
            .map(|_| {
                let planes = [0x80, 0x800, 0x3000, 0x1_0000, 0x11_0000];
                let plane = planes[(next() % 5) as usize];
                let text: String = (0..40)
                    .filter_map(|_| char::from_u32((next() % plane) as u32))
                    .collect();
                Datum {
                    label: text.chars().rev().collect(),
                    value: text,
                }
            })
            .collect();
        if let Err(error) = compose(&receipt, &code()) {
            panic!("{:?}: {error}", receipt.metadata.data);
        }
    }
}

#[test]
fn an_address_that_fits_no_qr_is_an_error() {
    let mut code = code();
    code.verification_url = "x".repeat(5000);
    assert_eq!(
        compose(&receipt(), &code).unwrap_err().element(),
        "verification address"
    );
    let mut nowhere = receipt();
    nowhere.sede.zone = "Nowhere/Else".into();
    assert!(compose(&nowhere, &super::tests::code()).is_err());
}
