//! What the justificante says, from top to bottom.
//!
//! Ley 39/2015 art. 16.3 and 31.2.c; RD 203/2021 art. 21.2.c (code and address on every page). Spanish first, the language asked for
//! beside it (Ley 39/2015 art. 15.1).

use super::layout::{
    BLACK, BLUE, BOTTOM, Cell, Drawing, Flow, GREY, HEIGHT, LEFT, Mark, NodeId, Piece, RIGHT, ROOT,
    RULE, Style, TINT, TOP, WHITE,
};
use super::text::Weight::{Bold, Regular};
use crate::engine::pki::identity::DocumentType;
use crate::engine::register::messages::{Phrase, Phrases, phrases};
use crate::engine::register::{
    CodeBlock, Direction, Document, DocumentRole, IdentificationMethod, Language, Person, Receipt,
    Sede,
};
use crate::engine::{Error, Result, Time};
use fast_qr::{ECL, QRBuilder};
use krilla::tagging::{TableHeaderScope, Tag, TagId};
use std::num::NonZeroU16;

const LABEL: Style = Style::new(8.5, Bold, BLACK);
const OTHER: Style = Style::new(7.5, Regular, GREY);
const VALUE: Style = Style::new(9.0, Regular, BLACK);
const SMALL: Style = Style::new(7.0, Regular, BLACK);
const FOOT: Style = Style::new(6.5, Regular, GREY);

/// Where labels end and values begin.
const VALUES: f32 = LEFT + 172.0;

/// The place of the seal on the first page: left, top, width, height.
pub(super) const SEAL: [f32; 4] = [RIGHT - 196.0, TOP + 62.0, 186.0, 84.0];
/// Its element in the structure.
pub(super) const SEAL_ID: &str = "firma";

/// All pages of a receipt.
pub(super) fn write(receipt: &Receipt, code: &CodeBlock) -> Result<Flow> {
    let mut page = Writer {
        flow: Flow::new(),
        receipt,
        words: phrases(),
        language: receipt.metadata.language,
    };
    page.title()?;
    page.summary()?;
    page.registration()?;
    page.person(&page.words.interested, &receipt.metadata.interested)?;
    if let Some(representative) = &receipt.metadata.representative {
        page.person(&page.words.representative, representative)?;
    }
    page.identification()?;
    page.data()?;
    page.documents()?;
    page.legal()?;
    page.every_page(code)?;
    Ok(page.flow)
}

struct Writer<'a> {
    flow: Flow,
    receipt: &'a Receipt,
    words: &'static Phrases,
    language: Language,
}

/// The title, as it also stands in the metadata of the PDF.
pub(super) fn title(receipt: &Receipt) -> &'static Phrase {
    match receipt.metadata.direction {
        Direction::Entry => &phrases().title_entry,
        Direction::Exit => &phrases().title_exit,
    }
}

/// An instant in the zone of the sede: `24/11/2026 09:30:15 (UTC+01:00)`.
pub(in crate::engine::register) fn instant(time: Time, sede: &Sede) -> Result<String> {
    let zoned = time.in_zone(&sede.zone)?;
    Ok(zoned.strftime("%d/%m/%Y %H:%M:%S (UTC%:z)").to_string())
}

impl Writer<'_> {
    fn title(&mut self) -> Result<()> {
        let (main, other) = title(self.receipt).both(self.language);
        let tag = Tag::Hn(NonZeroU16::MIN, Some(main.to_owned()));
        let node = self.flow.element(ROOT, tag);
        let column = (LEFT, RIGHT - LEFT);
        let y = self.flow.lines(
            Mark::Content(node, None),
            column,
            TOP,
            main,
            Style::new(15.0, Bold, BLUE),
            2,
        );
        if let Some(other) = other {
            let node = self.flow.element(ROOT, Tag::P);
            let mark = Mark::Content(node, Some(self.language.tag()));
            self.flow
                .lines(mark, column, y, other, Style::new(10.0, Regular, GREY), 2);
        }
        Ok(())
    }

    /// The box with number and instants, and the place of the seal beside them.
    fn summary(&mut self) -> Result<()> {
        let [seal_x, seal_y, seal_width, seal_height] = SEAL;
        let top = seal_y - 22.0;
        let beneath = self.flow.pages.last().map_or(0, Vec::len);
        let section = self.flow.element(ROOT, Tag::Section);
        let table = self.flow.element(section, Tag::Table);
        let label_style = Style::new(7.5, Regular, GREY);
        let mut y = top + 5.0;
        for (phrase, value) in self.summary_values()? {
            let row = self.flow.element(table, Tag::TR);
            let label = self.flow.element(row, Tag::TH(TableHeaderScope::Row));
            let cell = self.flow.element(row, Tag::TD);
            y = self.stack(label, y, self.pieces(phrase, label_style, FOOT));
            y = self.stack(cell, y, value) + 4.0;
        }
        self.seal_place(section);
        let bottom = y.max(seal_y + seal_height + 10.0) + 2.0;
        let frame = [
            (LEFT, top, RIGHT - LEFT, bottom - top, TINT),
            (LEFT, top, 3.0, bottom - top, BLUE),
            (
                seal_x - 0.5,
                seal_y - 0.5,
                seal_width + 1.0,
                seal_height + 1.0,
                RULE,
            ),
            (seal_x, seal_y, seal_width, seal_height, WHITE),
        ];
        self.flow.fill_beneath(beneath, frame);
        self.flow.y = bottom + 2.0;
        Ok(())
    }

    /// Pieces one below the other in the left part of the box.
    fn stack(&mut self, node: NodeId, mut y: f32, pieces: Vec<Piece>) -> f32 {
        let column = (LEFT + 14.0, SEAL[0] - LEFT - 28.0);
        for piece in pieces {
            let mark = Mark::Content(node, piece.language);
            y = self
                .flow
                .lines(mark, column, y, &piece.text, piece.style, 6);
        }
        y
    }

    fn summary_values(&self) -> Result<[(&'static Phrase, Vec<Piece>); 3]> {
        let Receipt {
            number,
            presented,
            effective_start,
            sede,
            ..
        } = self.receipt;
        let bold = |text: String, size| Piece::new(text, Style::new(size, Bold, BLACK));
        let mut start = vec![bold(instant(effective_start.instant, sede)?, 9.5)];
        if let Some(reason) = &effective_start.postponed_by {
            start.extend(self.pieces(&self.words.postponed, SMALL, FOOT));
            start.extend(Some(Piece::new(reason, SMALL)).filter(|_| !reason.is_empty()));
        }
        Ok([
            (&self.words.number, vec![bold(number.to_string(), 14.0)]),
            (
                &self.words.presented,
                vec![bold(instant(*presented, sede)?, 11.0)],
            ),
            (&self.words.effective_start, start),
        ])
    }

    fn seal_place(&mut self, section: NodeId) {
        let [x, y, width, _] = SEAL;
        let caption = self.flow.element(section, Tag::P);
        let (main, other) = self.words.seal.both(self.language);
        let small = Style::new(7.0, Regular, GREY);
        self.flow.lines(
            Mark::Content(caption, None),
            (x, width),
            y - 20.0,
            main,
            small,
            1,
        );
        if let Some(other) = other {
            self.flow.lines(
                Mark::Content(caption, Some(self.language.tag())),
                (x, width),
                y - 11.0,
                other,
                small,
                1,
            );
        }
        // Empty here: the seal's form field is put into it when the document is sealed.
        self.flow.element(
            ROOT,
            Tag::Section.with_id(Some(TagId::from(SEAL_ID.as_bytes().to_vec()))),
        );
    }

    fn registration(&mut self) -> Result<()> {
        let Receipt {
            names,
            metadata,
            sede,
            sealing,
            ..
        } = self.receipt;
        let words = self.words;
        let exit = metadata.direction == Direction::Exit;
        let mut rows: Vec<(&Phrase, String)> = vec![
            (
                &words.direction,
                self.inline(if exit { &words.exit } else { &words.entry }),
            ),
            (&words.entity, names.entity.to_string()),
            (&words.office, names.office.to_string()),
            (&words.subject, names.subject.to_string()),
        ];
        rows.extend(
            names
                .procedure
                .as_ref()
                .map(|p| (&words.procedure, p.to_string())),
        );
        rows.push((&words.destination, names.destination.to_string()));
        rows.extend(
            metadata
                .province
                .as_ref()
                .map(|p| (&words.province, p.clone())),
        );
        if let Some(origin) = &metadata.origin {
            rows.push((&words.origin_system, origin.system.clone()));
            rows.push((&words.origin_number, origin.number.clone()));
        }
        rows.push((&words.language, metadata.language.name().to_owned()));
        rows.push((&words.sede, format!("{}\n{}", sede.name, sede.address)));
        if let Some(sealing) = sealing {
            rows.push((&words.sealed_by, sealing.by.clone()));
            rows.push((&words.sealed_at, instant(sealing.at, sede)?));
        }
        self.fields(&words.registration, rows)
    }

    fn person(&mut self, heading: &Phrase, person: &Person) -> Result<()> {
        let words = self.words;
        let number = person.document.number();
        let document = match person.document.document() {
            DocumentType::Passport => format!("{} {number}", self.inline(&words.passport)),
            kind => format!("{} {number}", kind.label()),
        };
        let rows = vec![
            (&words.name, person.name.clone()),
            (&words.first_surname, person.first_surname.clone()),
            (&words.second_surname, person.second_surname.clone()),
            (&words.business_name, person.business_name.clone()),
            (&words.document, document),
            (&words.role, person.role.clone()),
            (&words.phone, person.phone.clone()),
            (&words.email, person.email.clone()),
        ];
        self.fields(heading, rows)
    }

    fn identification(&mut self) -> Result<()> {
        let Some(evidence) = &self.receipt.metadata.identification else {
            return Ok(());
        };
        let words = self.words;
        let how = match &evidence.how {
            IdentificationMethod::Clave => self.inline(&words.clave),
            IdentificationMethod::Sms => self.inline(&words.sms),
            IdentificationMethod::Password => self.inline(&words.password),
            IdentificationMethod::Certificate => self.inline(&words.certificate),
            IdentificationMethod::Other(name) => name.clone(),
        };
        let rows = vec![
            (&words.who, evidence.who.clone()),
            (&words.how, how),
            (&words.when, instant(evidence.when, &self.receipt.sede)?),
            (&words.reference, evidence.reference.clone()),
        ];
        self.fields(&words.identification, rows)
    }

    fn data(&mut self) -> Result<()> {
        let data = &self.receipt.metadata.data;
        if data.is_empty() {
            return Ok(());
        }
        let table = self.section(&self.words.data)?;
        for datum in data {
            self.field(table, vec![Piece::new(&datum.label, LABEL)], &datum.value)?;
        }
        Ok(())
    }

    fn documents(&mut self) -> Result<()> {
        if self.receipt.documents.is_empty() {
            return Ok(());
        }
        let table = self.section(&self.words.documents)?;
        let head = self.flow.element(table, Tag::THead);
        let row = self.flow.element(head, Tag::TR);
        let bold = Style::new(7.5, Bold, BLACK);
        let columns = [
            (&self.words.document, NAME),
            (&self.words.digests, DIGESTS),
            (&self.words.size, SIZE),
        ];
        let cells = columns.map(|(phrase, (x, width))| {
            let node = self.flow.element(row, Tag::TH(TableHeaderScope::Column));
            Cell {
                x,
                width,
                node,
                pieces: self.pieces(phrase, bold, Style::new(7.0, Regular, GREY)),
            }
        });
        self.flow.table_begins(cells.into())?;
        let body = self.flow.element(table, Tag::TBody);
        for (n, document) in self.receipt.documents.iter().enumerate() {
            self.document(body, n + 1, document)?;
        }
        self.flow.table_ends();
        Ok(())
    }

    fn document(&mut self, body: NodeId, n: usize, document: &Document) -> Result<()> {
        let row = self.flow.element(body, Tag::TR);
        let name = self.flow.element(row, Tag::TH(TableHeaderScope::Row));
        let digests = self.flow.element(row, Tag::TD);
        let size = self.flow.element(row, Tag::TD);
        let role = match document.role {
            DocumentRole::Request => &self.words.request_document,
            DocumentRole::Attachment => &self.words.attachment,
        };
        let kind = format!("{} · {}", self.inline(role), document.media_type);
        let title = Cell {
            x: NAME.0,
            width: SIZE.0 - NAME.0 - 8.0,
            node: name,
            pieces: vec![
                Piece::new(format!("{n}. {}", document.name), LABEL),
                Piece::new(kind, SMALL),
            ],
        };
        let bytes = Cell {
            x: SIZE.0,
            width: SIZE.1,
            node: size,
            pieces: vec![Piece::new(grouped(document.size), SMALL)],
        };
        let long = document.sha512.to_string();
        let (first, second) = long.split_at(long.len() / 2);
        let pieces = vec![
            Piece::new(format!("SHA-256: {}", document.sha256), SMALL),
            Piece::new(format!("SHA-512: {first}"), SMALL),
            Piece::new(second, SMALL),
        ];
        let below = Cell {
            x: NAME.0,
            width: RIGHT - NAME.0,
            node: digests,
            pieces,
        };
        self.flow.row(vec![vec![title, bytes], vec![below]], true)
    }

    fn legal(&mut self) -> Result<()> {
        let section = self.flow.element(ROOT, Tag::Section);
        let heading = self.heading(&self.words.legal);
        self.flow.heading(section, heading, 50.0)?;
        for phrase in [
            &self.words.legal_receipt,
            &self.words.legal_time,
            &self.words.legal_check,
        ] {
            for piece in self.pieces(
                phrase,
                Style::new(7.5, Regular, BLACK),
                Style::new(7.5, Regular, GREY),
            ) {
                self.flow.paragraph(section, piece)?;
            }
        }
        Ok(())
    }

    /// Head and foot: the body and its sede, the CEA block, the QR, the page.
    fn every_page(&mut self, code: &CodeBlock) -> Result<()> {
        let qr = QRBuilder::new(code.verification_url.as_str())
            .ecl(ECL::M)
            .build()
            .map_err(|_| {
                Error::invalid("verification address", "does not fit a QR code")
                    .remedy("Shorten sede.address.")
            })?;
        let dark: Vec<bool> = qr
            .data
            .iter()
            .take(qr.size * qr.size)
            .map(|m| m.value())
            .collect();
        let section = self.flow.element(ROOT, Tag::Section);
        let total = self.flow.pages.len();
        let bodies = std::mem::take(&mut self.flow.pages);
        for (n, body) in bodies.into_iter().enumerate() {
            self.flow.pages.push(Vec::new());
            self.head(n > 0);
            if let Some(page) = self.flow.pages.last_mut() {
                page.extend(body);
            }
            let part = self.flow.element(section, Tag::Div);
            self.foot(part, code, n + 1, total);
            self.qr(part, code, qr.size, dark.clone());
        }
        Ok(())
    }

    fn head(&mut self, continued: bool) {
        let Receipt {
            names,
            sede,
            number,
            ..
        } = self.receipt;
        let entity = names.entity.to_string();
        let bold = Style::new(10.5, Bold, BLUE);
        let y = self
            .flow
            .lines(Mark::Header, (LEFT, 330.0), 32.0, &entity, bold, 2);
        let office = if names.entity.name == sede.name {
            sede.address.clone()
        } else {
            format!("{} · {}", sede.name, sede.address)
        };
        self.flow
            .lines(Mark::Header, (LEFT, 330.0), y, &office, FOOT, 1);
        if continued {
            let (label, _) = self.words.number.both(self.language);
            self.flow
                .lines(Mark::Header, (RIGHT - 140.0, 140.0), 32.0, label, FOOT, 1);
            self.flow.lines(
                Mark::Header,
                (RIGHT - 140.0, 140.0),
                42.0,
                number.as_str(),
                Style::new(8.5, Bold, BLACK),
                1,
            );
        }
        self.flow
            .fill(Mark::Header, LEFT, 67.0, RIGHT - LEFT, 1.2, BLUE);
    }

    fn foot(&mut self, part: NodeId, code: &CodeBlock, page: usize, total: usize) {
        let top = BOTTOM + 10.0;
        self.flow
            .fill(Mark::Footer, LEFT, top, RIGHT - LEFT, 0.8, BLUE);
        let title = self.flow.element(part, Tag::P);
        let main = self.words.references.text(Language::Es).to_uppercase();
        self.flow.lines(
            Mark::Content(title, None),
            (LEFT, 300.0),
            top + 5.0,
            &main,
            Style::new(7.5, Bold, BLUE),
            1,
        );
        let fields = self.flow.element(part, Tag::P);
        let date = code.date.strftime("%d/%m/%Y").to_string();
        let number = page.to_string();
        for (label, value, x, width) in [
            ("Id. CEA:", &code.id, LEFT, 100.0),
            ("Fecha:", &date, LEFT + 104.0, 64.0),
            ("Código CEA:", &code.code, LEFT + 170.0, 206.0),
            ("Página:", &number, LEFT + 380.0, 40.0),
        ] {
            self.flow.lines(
                Mark::Content(fields, None),
                (x, width),
                top + 17.0,
                label,
                FOOT,
                1,
            );
            self.flow.lines(
                Mark::Content(fields, None),
                (x, width),
                top + 26.0,
                value,
                Style::new(7.5, Bold, BLACK),
                2,
            );
        }
        self.where_to_check(part, code, top + 42.0);
        let count = self.flow.element(part, Tag::P);
        let pages = |phrase: &str| {
            phrase
                .replace("{n}", &number)
                .replace("{total}", &total.to_string())
        };
        let (main, other) = self.words.page.both(self.language);
        let width = self.flow.text(
            Mark::Content(count, None),
            LEFT,
            HEIGHT - 33.0,
            &pages(main),
            FOOT,
        );
        if let Some(other) = other {
            let mark = Mark::Content(count, Some(self.language.tag()));
            self.flow.text(
                mark,
                LEFT + width + 10.0,
                HEIGHT - 33.0,
                &pages(other),
                FOOT,
            );
        }
    }

    fn where_to_check(&mut self, part: NodeId, code: &CodeBlock, y: f32) {
        let address = code.verification_url.split('?').next().unwrap_or_default();
        let mut y = y;
        for piece in self.pieces(&self.words.check_here, FOOT, FOOT) {
            let node = self.flow.element(part, Tag::P);
            let text = format!("{} {address}", piece.text);
            y = self.flow.lines(
                Mark::Content(node, piece.language),
                (LEFT, 424.0),
                y,
                &text,
                FOOT,
                2,
            );
        }
    }

    fn qr(&mut self, part: NodeId, code: &CodeBlock, size: usize, dark: Vec<bool>) {
        let alternative = self
            .words
            .qr
            .text(Language::Es)
            .replace("{url}", &code.verification_url);
        let node = self.flow.element(part, Tag::Figure(Some(alternative)));
        let module = QR / size.max(1) as f32;
        let squares = Drawing::Squares {
            x: RIGHT - QR,
            y: BOTTOM + 16.0,
            module,
            size,
            dark,
        };
        self.flow.draw(Mark::Content(node, None), squares);
    }

    /// A section with its heading and an empty table.
    fn section(&mut self, phrase: &'static Phrase) -> Result<NodeId> {
        let section = self.flow.element(ROOT, Tag::Section);
        let heading = self.heading(phrase);
        self.flow.heading(section, heading, 40.0)?;
        Ok(self.flow.element(section, Tag::Table))
    }

    fn fields(&mut self, heading: &Phrase, rows: Vec<(&Phrase, String)>) -> Result<()> {
        let section = self.flow.element(ROOT, Tag::Section);
        let heading = self.heading(heading);
        self.flow.heading(section, heading, 40.0)?;
        let table = self.flow.element(section, Tag::Table);
        for (phrase, value) in rows {
            if !value.trim().is_empty() {
                let label = self.pieces(phrase, LABEL, OTHER);
                self.field(table, label, &value)?;
            }
        }
        Ok(())
    }

    fn field(&mut self, table: NodeId, label: Vec<Piece>, value: &str) -> Result<()> {
        let row = self.flow.element(table, Tag::TR);
        let head = self.flow.element(row, Tag::TH(TableHeaderScope::Row));
        let cell = self.flow.element(row, Tag::TD);
        let label = Cell {
            x: LEFT + 2.0,
            width: VALUES - LEFT - 12.0,
            node: head,
            pieces: label,
        };
        let value = Cell {
            x: VALUES,
            width: RIGHT - VALUES,
            node: cell,
            pieces: vec![Piece::new(value, VALUE)],
        };
        self.flow.row(vec![vec![label, value]], true)
    }

    fn heading<'p>(&self, phrase: &'p Phrase) -> (&'p str, Option<(&'p str, &'static str)>) {
        let (main, other) = phrase.both(self.language);
        (main, other.map(|o| (o, self.language.tag())))
    }

    /// A phrase in Spanish, and below it in the other language.
    fn pieces(&self, phrase: &Phrase, main: Style, below: Style) -> Vec<Piece> {
        let (text, other) = phrase.both(self.language);
        let mut pieces = vec![Piece::new(text, main)];
        pieces.extend(other.map(|o| Piece::within(o, below, self.language.tag())));
        pieces
    }

    /// A phrase on one line: `Entrada / Sarrera`.
    fn inline(&self, phrase: &Phrase) -> String {
        let (main, other) = phrase.both(self.language);
        other.map_or(main.to_owned(), |o| format!("{main} / {o}"))
    }
}

/// The side of the QR.
const QR: f32 = 64.0;

/// Columns of the documents: left, width.
const NAME: (f32, f32) = (LEFT + 4.0, 190.0);
const DIGESTS: (f32, f32) = (LEFT + 66.0, 280.0);
const SIZE: (f32, f32) = (RIGHT - 84.0, 80.0);

/// `1.234.567 bytes`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push('.');
        }
        out.push(c);
    }
    out + if n == 1 { " byte" } else { " bytes" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_grouped() {
        assert_eq!(grouped(0), "0 bytes");
        assert_eq!(grouped(1), "1 byte");
        assert_eq!(grouped(1_234_567), "1.234.567 bytes");
        assert_eq!(grouped(999), "999 bytes");
    }
}
