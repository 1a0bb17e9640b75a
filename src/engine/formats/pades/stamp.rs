//! Prints lines at the left edge of every page: the code by which a document is checked on paper.
//!
//! RD 203/2021 art. 21.2.c: the code and the address of the sede stand preferably on every page. ISO 32000-2 §7.7.3.4
//! (inherited attributes), §7.8 (content streams), §14.8.2.2 (artifacts). In: a document without signatures, what each
//! page is to say. Out: one incremental update; what a page showed stays as it was, below. Not here: the seal.

use super::appearance::{add_font, number};
use super::draft::Draft;
use super::font::EmbeddedFont;
use crate::engine::error::{Error, Result};
use crate::engine::formats::Patch;
use crate::engine::limits::Budget;
use crate::engine::syntax::pdf::{Dictionary, Document, Object, Reference};
use std::collections::HashSet;

/// The type, in points.
const SIZE: f64 = 6.5;
const LEADING: f64 = 8.0;
/// From the left edge to the first line, and from the lower edge to where lines begin, in points.
const MARGIN: [f64; 2] = [12.0, 30.0];
/// Pages of one document at most.
const PAGES: usize = 100_000;

/// Prints on every page of `document` the lines that `lines` gives for it, the first page being 1, in a subset of `font`
/// (TrueType).
///
/// Errors: a document that cannot be read, or has no pages; a page that cannot be written on.
pub fn stamp(
    document: &[u8],
    font: &[u8],
    lines: &dyn Fn(u32) -> Vec<String>,
    budget: &mut Budget,
) -> Result<Patch> {
    let read = Document::open(document, budget)?;
    let mut draft = Draft::of(&read, budget)?;
    let pages = pages(&mut draft)?;
    let said: Vec<Vec<String>> = (1..).take(pages.len()).map(lines).collect();
    let characters: String = said.iter().flatten().map(String::as_str).collect();
    let font = EmbeddedFont::subset(font, &characters)?;
    let written = add_font(&mut draft, &font)?;
    let save = draft.add_stream(Dictionary::new(), b"q\n")?;
    for (page, lines) in pages.iter().zip(&said) {
        let name = add_resource(&mut draft, page, written)?;
        let drawn = draw(page, lines, &font, &name);
        let drawn = draft.add_stream(Dictionary::new(), drawn.as_bytes())?;
        let mut contents = vec![Object::from(save)];
        contents.append(&mut contents_of(&mut draft, page.reference)?);
        contents.push(drawn.into());
        draft
            .dictionary(page.reference)?
            .set("Contents", Object::Array(contents));
    }
    Ok(Patch::append(document, draft.finish()?.bytes))
}

/// A page, with what it inherits.
struct Page {
    reference: Reference,
    /// The visible part: left, bottom, right, top.
    area: [f64; 4],
    /// How it is turned for display, in quarters clockwise.
    turns: u8,
    resources: Object,
}

/// Attributes that a page takes from the nodes above it.
#[derive(Clone, Default)]
struct Inherited {
    media: Option<[f64; 4]>,
    crop: Option<[f64; 4]>,
    turns: u8,
    resources: Option<Object>,
}

impl Inherited {
    /// With what this node says itself.
    fn at(&self, node: &Dictionary, draft: &mut Draft<'_, '_, '_>) -> Result<Self> {
        let turned = draft.document.value(node, "Rotate", draft.budget)?;
        let turns = turned.as_integer().map(|r| (r.rem_euclid(360) / 90) as u8);
        Ok(Inherited {
            media: rectangle(node, "MediaBox", draft)?.or(self.media),
            crop: rectangle(node, "CropBox", draft)?.or(self.crop),
            turns: turns.unwrap_or(self.turns),
            resources: node.get("Resources").cloned().or(self.resources.clone()),
        })
    }

    fn page(self, reference: Reference) -> Page {
        let media = self.media.unwrap_or([0.0, 0.0, 612.0, 792.0]);
        let crop = self.crop.unwrap_or(media);
        let cut = [
            crop[0].max(media[0]),
            crop[1].max(media[1]),
            crop[2].min(media[2]),
            crop[3].min(media[3]),
        ];
        Page {
            reference,
            area: if cut[0] < cut[2] && cut[1] < cut[3] {
                cut
            } else {
                media
            },
            turns: self.turns,
            resources: self.resources.unwrap_or(Object::Null),
        }
    }
}

/// The pages in order (ISO 32000-2 §7.7.3).
fn pages(draft: &mut Draft<'_, '_, '_>) -> Result<Vec<Page>> {
    let (_, catalog) = draft.document.catalog(draft.budget)?;
    let root = catalog
        .as_dictionary()
        .and_then(|c| c.get("Pages").cloned());
    let mut pending: Vec<(Object, Inherited)> = root
        .map(|r| (r, Inherited::default()))
        .into_iter()
        .collect();
    let (mut visited, mut pages) = (HashSet::new(), Vec::new());
    while let Some((node, above)) = pending.pop() {
        draft.budget.step(1)?;
        let Some(reference) = node.as_reference() else {
            return Err(Error::malformed(
                "PDF page tree",
                "a node is no indirect object",
            ));
        };
        if !visited.insert(reference) {
            return Err(Error::malformed("PDF page tree", "it leads in a circle"));
        }
        let object = draft.document.load(reference, draft.budget)?;
        let Some(dictionary) = object.as_dictionary() else {
            continue;
        };
        let inherited = above.at(dictionary, draft)?;
        if dictionary.contains("Kids") {
            let kids = draft.document.value(dictionary, "Kids", draft.budget)?;
            let kids = kids.as_array().unwrap_or_default().iter().rev();
            pending.extend(kids.map(|kid| (kid.clone(), inherited.clone())));
        } else if pages.len() < PAGES {
            pages.push(inherited.page(reference));
        } else {
            return Err(Error::limit(
                "PDF page tree",
                format!("more than {PAGES} pages"),
            ));
        }
    }
    if pages.is_empty() {
        return Err(Error::malformed("PDF page tree", "it has no page")
            .remedy("Send a document with pages."));
    }
    Ok(pages)
}

/// A rectangle of a node, put in order (ISO 32000-2 §7.9.5).
fn rectangle(
    node: &Dictionary,
    key: &str,
    draft: &mut Draft<'_, '_, '_>,
) -> Result<Option<[f64; 4]>> {
    let value = draft.document.value(node, key, draft.budget)?;
    let Some([a, b, c, d]) = value.as_array() else {
        return Ok(None);
    };
    let mut corners = [0.0; 4];
    for (corner, object) in corners.iter_mut().zip([a, b, c, d]) {
        match draft.document.resolve(object, draft.budget)?.as_number() {
            Some(number) if number.is_finite() && number.abs() < 1e6 => *corner = number,
            _ => return Ok(None),
        }
    }
    let [a, b, c, d] = corners;
    Ok(Some([a.min(c), b.min(d), a.max(c), b.max(d)]))
}

/// What the page's content was, as references to streams.
fn contents_of(draft: &mut Draft<'_, '_, '_>, page: Reference) -> Result<Vec<Object>> {
    let contents = draft.dictionary(page)?.get("Contents").cloned();
    let Some(contents) = contents else {
        return Ok(Vec::new());
    };
    let resolved = draft.document.resolve(&contents, draft.budget)?;
    match (&*resolved, &contents) {
        (Object::Array(streams), _) => Ok(streams.clone()),
        (Object::Null, _) => Ok(Vec::new()),
        (_, Object::Reference(_)) => Ok(vec![contents]),
        _ => Err(Error::malformed("PDF page", "its content is no stream")),
    }
}

/// Gives the page resources of its own, with the font in them, and answers the font's name there.
fn add_resource(draft: &mut Draft<'_, '_, '_>, page: &Page, font: Reference) -> Result<String> {
    let resources = draft.document.resolve(&page.resources, draft.budget)?;
    let mut resources = resources.as_dictionary().cloned().unwrap_or_default();
    let fonts = draft.document.value(&resources, "Font", draft.budget)?;
    let mut fonts = fonts.as_dictionary().cloned().unwrap_or_default();
    let free = (0u32..)
        .map(|n| format!("Cea{n}"))
        .find(|name| !fonts.contains(name));
    let name = free.unwrap_or_default();
    fonts.set(name.as_str(), font);
    resources.set("Font", fonts);
    draft
        .dictionary(page.reference)?
        .set("Resources", resources);
    Ok(name)
}

/// The lines, upwards along the edge that is left when the page is displayed, as an artifact of the page.
fn draw(page: &Page, lines: &[String], font: &EmbeddedFont, name: &str) -> String {
    let [left, bottom, right, top] = page.area;
    let [x, y] = MARGIN;
    let text = |value: f64| String::from_utf8_lossy(&number(value).to_bytes()).into_owned();
    let matrix = match page.turns {
        0 => [0.0, 1.0, -1.0, 0.0, left + x, bottom + y],
        1 => [-1.0, 0.0, 0.0, -1.0, right - y, bottom + x],
        2 => [0.0, -1.0, 1.0, 0.0, right - x, top - y],
        _ => [1.0, 0.0, 0.0, 1.0, left + y, top - x],
    };
    let matrix = matrix.map(text).join(" ");
    let length = if page.turns.is_multiple_of(2) {
        top - bottom
    } else {
        right - left
    };
    let widest = lines
        .iter()
        .map(|l| font.width(&font.spell(l)))
        .max()
        .unwrap_or(0);
    let size = SIZE.min((length - 2.0 * y).max(1.0) * 1000.0 / f64::from(widest.max(1)));
    let mut content = format!(
        "\nQ q /Artifact <</Type /Pagination>> BDC\nBT 0 g /{name} {} Tf {} TL {matrix} Tm\n",
        text(size),
        text(LEADING),
    );
    for line in lines {
        content.push('<');
        for glyph in font.identifiers(&font.spell(line)) {
            content.push_str(&format!("{glyph:04X}"));
        }
        content.push_str("> Tj T*\n");
    }
    content.push_str("ET\nEMC Q\n");
    content
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::syntax::pdf::testing;
    use std::sync::Arc;

    const FONT: &[u8] = include_bytes!("../../register/fonts/DejaVuSans.ttf");

    fn stamped(document: &[u8]) -> Result<Vec<u8>> {
        let lines = |page: u32| {
            vec![
                format!("Id. CEA: 2AAAA5DA5AA9 Página: {page}"),
                "\u{4e2d}".into(),
            ]
        };
        stamp(document, FONT, &lines, &mut Budget::default())?.apply(document)
    }

    fn page(document: &Document<'_>, number: u32) -> Arc<Object> {
        let budget = &mut Budget::default();
        document
            .load(document.current(number, budget).unwrap(), budget)
            .unwrap()
    }

    /// The decoded content of a page, its streams one after the other.
    fn content(document: &Document<'_>, page: &Object) -> String {
        let budget = &mut Budget::default();
        let contents = document
            .value(page.as_dictionary().unwrap(), "Contents", budget)
            .unwrap();
        let mut all = Vec::new();
        for stream in contents.as_array().unwrap() {
            let stream = document.resolve(stream, budget).unwrap();
            all.extend(
                document
                    .decode(stream.as_stream().unwrap(), 1 << 20, budget)
                    .unwrap(),
            );
        }
        String::from_utf8_lossy(&all).into_owned()
    }

    const TREE: &[(u32, &str)] = &[
        (1, "<</Type /Catalog /Pages 2 0 R>>"),
        (
            2,
            "<</Type /Pages /Kids [3 0 R 5 0 R] /Count 2 /MediaBox [0 0 200 400] /Resources <</Font <</Cea0 9 0 R>> /X 1>>>>",
        ),
        (3, "<</Type /Page /Parent 2 0 R /Contents [4 0 R 4 0 R]>>"),
        (4, "<</Length 9>>\nstream\n0 0 1 1 f\n\nendstream"),
        (
            5,
            "<</Type /Page /Parent 2 0 R /Contents 4 0 R /Rotate 90 /Resources <<>>>>",
        ),
    ];

    #[test]
    fn every_page_says_its_line_over_what_it_showed() {
        let before = testing::build(TREE);
        let after = stamped(&before).unwrap();
        assert!(after.starts_with(&before), "an incremental update");
        let document = Document::open(&after, &mut Budget::default()).unwrap();
        let (first, second) = (page(&document, 3), page(&document, 5));
        let shown = content(&document, &first);
        assert!(shown.starts_with("q\n0 0 1 1 f"), "{shown}");
        assert_eq!(shown.matches("0 0 1 1 f").count(), 2);
        assert!(
            shown.contains("/Cea1 "),
            "the font that was there keeps its name: {shown}"
        );
        assert!(shown.contains("0 1 -1 0 12 30 Tm"), "{shown}");
        assert!(
            content(&document, &second).contains("-1 0 0 -1 170 12 Tm"),
            "turned with the page"
        );
        let resources = first.as_dictionary().unwrap().get("Resources").unwrap();
        assert!(
            resources.as_dictionary().unwrap().contains("X"),
            "what was inherited is kept"
        );
    }

    #[test]
    fn every_form_of_file_can_be_stamped() {
        for file in [
            testing::classic(),
            testing::with_streams(),
            testing::hybrid(),
            testing::linearised(),
        ] {
            let after = stamped(&file).unwrap();
            assert!(after.starts_with(&file));
            assert!(Document::open(&after, &mut Budget::default()).is_ok());
        }
    }

    #[test]
    fn a_broken_page_tree_is_an_error() {
        for (from, to) in [
            ("/Kids [3 0 R 5 0 R]", "/Kids [3 0 R 2 0 R]"),
            ("/Kids [3 0 R 5 0 R]", "/Kids []"),
            ("/Kids [3 0 R 5 0 R]", "/Kids [<</Type /Page>>]"),
            ("/Pages 2 0 R", "/Pages 7 0 R"),
        ] {
            let objects: Vec<(u32, String)> = TREE
                .iter()
                .map(|(n, o)| (*n, o.replace(from, to)))
                .collect();
            let objects: Vec<(u32, &str)> = objects.iter().map(|(n, o)| (*n, &**o)).collect();
            assert!(stamped(&testing::build(&objects)).is_err(), "{to}");
        }
    }
}
