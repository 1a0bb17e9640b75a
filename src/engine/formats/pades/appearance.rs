//! How a seal looks on the page: a frame with lines of text, in a font of its own.
//!
//! ISO 32000-2 §12.5.5 and §9.7; ISO 19005-3 §6.2.11 (unchecked): the font is embedded, its widths agree, its text can be
//! extracted. In: the seal and an [`EmbeddedFont`]; out: a form XObject in DeviceRGB. Lines are set from left to right
//! and broken between words; the type is as large as the rectangle allows.

use super::draft::Draft;
use super::font::EmbeddedFont;
use crate::engine::error::{Error, Result};
use crate::engine::formats::VisibleSeal;
use crate::engine::syntax::pdf::{Dictionary, Object, Reference};
use std::cell::RefCell;
use std::rc::Rc;

/// Between frame and text, in points.
const PADDING: f64 = 4.0;
/// The largest type, in points.
const SIZE: f64 = 9.0;
/// The smallest type that lines are broken for.
const SMALLEST: f64 = 5.0;
const LEADING: f64 = 1.25;
/// In every subset, so that another time of day needs no other font.
const ALWAYS: &str = "0123456789 :;.,/+-()TZ";
/// Subsets kept by a thread: one for each seal and language that it uses.
const KEPT: usize = 8;

/// Adds the appearance of a seal; gives the form XObject.
pub(super) fn add_appearance(
    draft: &mut Draft<'_, '_, '_>,
    seal: &VisibleSeal,
    size: [f64; 2],
) -> Result<Reference> {
    let font = subset_for(seal)?;
    let lines: Vec<String> = seal.lines.iter().map(|line| font.spell(line)).collect();
    let content = draw(&lines, &font, size);
    let font = add_font(draft, &font)?;
    let resources = Dictionary::new().with("Font", Dictionary::new().with("F1", font));
    let form = Dictionary::new()
        .with("Type", Object::name("XObject"))
        .with("Subtype", Object::name("Form"))
        .with(
            "BBox",
            vec![0.into(), 0.into(), number(size[0]), number(size[1])],
        )
        .with("Resources", resources);
    draft.add_stream(form, &content)
}

/// The rectangle of a seal as left, bottom, width, height.
pub(super) fn measure(rectangle: [f32; 4]) -> Result<[f64; 4]> {
    let [left, bottom, right, top] = rectangle.map(f64::from);
    let (width, height) = (right - left, top - bottom);
    let sound = rectangle
        .iter()
        .all(|v| v.is_finite() && v.abs() < 15_000.0)
        && width > 2.0 * PADDING
        && height > 2.0 * PADDING;
    if !sound {
        return Err(
            Error::invalid("seal rectangle", "it leaves no room for text")
                .remedy("Give left, bottom, right and top in points, some centimetres apart."),
        );
    }
    Ok([left, bottom, width, height])
}

/// A number with at most three decimals.
pub(super) fn number(value: f64) -> Object {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.parse() {
        Ok(integer) => Object::Integer(integer),
        Err(_) => Object::Real(text.into()),
    }
}

fn draw(lines: &[String], font: &EmbeddedFont, [width, height]: [f64; 2]) -> Vec<u8> {
    let (size, lines) = fit(lines, font, [width - 2.0 * PADDING, height - 2.0 * PADDING]);
    let text = |value: f64| String::from_utf8_lossy(&number(value).to_bytes()).into_owned();
    let mut content = format!(
        "q 0.2 0.2 0.2 RG 0.5 w 0.25 0.25 {} {} re S\nBT 0 0 0 rg /F1 {} Tf {} TL\n",
        text(width - 0.5),
        text(height - 0.5),
        text(size),
        text(size * LEADING),
    );
    content.push_str(&format!("{PADDING} {} Td\n", text(height - PADDING - size)));
    for line in &lines {
        content.push('<');
        for glyph in font.identifiers(line) {
            for shift in [12, 8, 4, 0] {
                let digit = char::from_digit(u32::from(glyph >> shift & 15), 16);
                content.extend(digit);
            }
        }
        content.push_str("> Tj T*\n");
    }
    content.push_str("ET Q\n");
    content.into_bytes()
}

/// The largest type in which the lines, broken between words, fit; below the smallest they are not broken but shrunk.
fn fit(lines: &[String], font: &EmbeddedFont, [width, height]: [f64; 2]) -> (f64, Vec<String>) {
    let rows = |size: f64| height / (size * LEADING);
    let mut size = SIZE;
    while size >= SMALLEST {
        let broken: Option<Vec<Vec<String>>> = lines
            .iter()
            .map(|line| broken(line, font, width * 1000.0 / size))
            .collect();
        if let Some(broken) = broken.map(|b| b.concat())
            && broken.len() as f64 <= rows(size)
        {
            return (size, broken);
        }
        size -= 0.5;
    }
    let widest = lines.iter().map(|l| font.width(l)).max().unwrap_or(0);
    let by_width = width * 1000.0 / f64::from(widest.max(1));
    let by_height = height / (LEADING * lines.len().max(1) as f64);
    (SMALLEST.min(by_width).min(by_height), lines.to_vec())
}

/// A line broken between words so that no part is wider than `width`; `None` where a word is.
fn broken(line: &str, font: &EmbeddedFont, width: f64) -> Option<Vec<String>> {
    let fits = |text: &str| f64::from(font.width(text)) <= width;
    let mut parts = vec![String::new()];
    for word in line.split(' ') {
        let last = parts.last_mut()?;
        let longer = if last.is_empty() {
            word.to_string()
        } else {
            format!("{last} {word}")
        };
        if fits(&longer) {
            *last = longer;
        } else if fits(word) {
            parts.push(word.to_string());
        } else {
            return None;
        }
    }
    Some(parts)
}

/// A Type0 font with Identity-H over a CIDFontType2 (ISO 32000-2 §9.7.4 to §9.7.6).
pub(super) fn add_font(draft: &mut Draft<'_, '_, '_>, font: &EmbeddedFont) -> Result<Reference> {
    let program = Dictionary::new()
        .with("Filter", Object::name("FlateDecode"))
        .with("Length1", font.program_length as i64);
    let program = draft.add_stream(program, &font.program)?;
    let bounds = font.bounds.map(|b| Object::Integer(b.into())).to_vec();
    let descriptor = draft.add(
        Dictionary::new()
            .with("Type", Object::name("FontDescriptor"))
            .with("FontName", Object::name(&font.name))
            // Symbolic: the glyphs are found by number (§9.8.2, table 121).
            .with("Flags", 4)
            .with("FontBBox", bounds)
            .with("ItalicAngle", 0)
            .with("Ascent", i64::from(font.ascent))
            .with("Descent", i64::from(font.descent))
            .with("CapHeight", i64::from(font.ascent))
            .with("StemV", 80)
            .with("FontFile2", program),
    )?;
    let system = Dictionary::new()
        .with("Registry", Object::string("Adobe"))
        .with("Ordering", Object::string("Identity"))
        .with("Supplement", 0);
    let widths = font.widths.iter().map(|w| Object::Integer((*w).into()));
    let descendant = draft.add(
        Dictionary::new()
            .with("Type", Object::name("Font"))
            .with("Subtype", Object::name("CIDFontType2"))
            .with("BaseFont", Object::name(&font.name))
            .with("CIDSystemInfo", system)
            .with("FontDescriptor", descriptor)
            .with("CIDToGIDMap", Object::name("Identity"))
            .with(
                "W",
                vec![Object::Integer(0), Object::Array(widths.collect())],
            ),
    )?;
    let unicode = draft.add_stream(Dictionary::new(), &font.to_unicode)?;
    draft.add(
        Dictionary::new()
            .with("Type", Object::name("Font"))
            .with("Subtype", Object::name("Type0"))
            .with("BaseFont", Object::name(&font.name))
            .with("Encoding", Object::name("Identity-H"))
            .with("DescendantFonts", vec![descendant.into()])
            .with("ToUnicode", unicode),
    )
}

/// The subset for a seal's characters. Seals differ from one signature to the next in their time alone, and making a
/// subset costs more than the signature: the last ones are kept.
fn subset_for(seal: &VisibleSeal) -> Result<Rc<EmbeddedFont>> {
    type Kept = Vec<(usize, String, Rc<EmbeddedFont>)>;
    thread_local! {
        static FONTS: RefCell<Kept> = const { RefCell::new(Vec::new()) };
    }
    let mut characters: Vec<char> = ALWAYS.chars().collect();
    characters.extend(seal.lines.iter().flat_map(|l| l.chars()));
    characters.sort_unstable();
    characters.dedup();
    let characters: String = characters.into_iter().collect();
    // The bytes live as long as the program: their address names them.
    let address = seal.font.as_ptr() as usize;
    FONTS.with_borrow_mut(|kept| {
        if let Some((.., font)) = kept
            .iter()
            .find(|(at, known, _)| *at == address && *known == characters)
        {
            return Ok(Rc::clone(font));
        }
        let font = Rc::new(EmbeddedFont::subset(seal.font, &characters)?);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push((address, characters, Rc::clone(&font)));
        Ok(font)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn font() -> EmbeddedFont {
        EmbeddedFont::subset(super::super::font::DEJAVU, "Firmado por: INSTITUTO").unwrap()
    }

    #[test]
    fn lines_are_broken_before_they_are_shrunk() {
        let lines = vec!["Firmado por: INSTITUTO".to_string()];
        let (size, broken) = fit(&lines, &font(), [80.0, 40.0]);
        assert_eq!((size, broken.len()), (SIZE, 2));
        let (size, broken) = fit(&lines, &font(), [80.0, 12.0]);
        assert_eq!(broken, lines);
        assert!((SMALLEST..SIZE).contains(&size), "{size}");
        let (size, _) = fit(&lines, &font(), [80.0, 3.0]);
        assert!(size < SMALLEST);
    }

    #[test]
    fn a_rectangle_must_leave_room() {
        assert_eq!(
            measure([1.0, 2.0, 101.0, 52.0]).unwrap(),
            [1.0, 2.0, 100.0, 50.0]
        );
        for wrong in [
            [1.0, 2.0, 1.0, 52.0],
            [100.0, 2.0, 1.0, 52.0],
            [f32::NAN, 2.0, 101.0, 52.0],
            [1.0, 2.0, f32::INFINITY, 52.0],
        ] {
            assert!(measure(wrong).is_err());
        }
    }

    #[test]
    fn numbers_are_short() {
        let written = |value| String::from_utf8(number(value).to_bytes()).unwrap();
        assert_eq!(written(10.0), "10");
        assert_eq!(written(0.25), "0.25");
        assert_eq!(written(-1.0 / 3.0), "-0.333");
    }
}
