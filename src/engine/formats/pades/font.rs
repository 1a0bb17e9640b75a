//! The part of a TrueType font that a seal's appearance shows, ready to be embedded.
//!
//! ISO/IEC 14496-22 (tables `head`, `hhea`, `maxp`, `hmtx`, `loca`, `glyf`, `cmap`) and ISO 32000-2 §9.7.4. In: a whole
//! font and the characters; out: an [`EmbeddedFont`] whose glyphs are numbered anew, so that a character identifier is a
//! glyph identifier. Hinting is left out. Made once for a seal and used for each of its signatures. Not here: shaping and
//! right-to-left text, which a seal's lines do not need.

use crate::engine::error::{Error, Result};
use flate2::{Compression, write::ZlibEncoder};
use std::collections::BTreeMap;
use std::io::Write;

/// What `U+XXXX` is spelled with, where the font lacks a character.
const SPELLING: &str = "U+0123456789ABCDEF";
/// Glyphs in one subset; a composite glyph may pull in others.
const GLYPHS: usize = 4096;

/// A subset of a font, compressed, with what a PDF says about it.
#[derive(Debug, Clone)]
pub struct EmbeddedFont {
    /// `ABCDEF+Name`, as ISO 32000-2 §9.9.2 wants subsets named.
    pub(super) name: String,
    /// The font program, compressed by Flate.
    pub(super) program: Vec<u8>,
    /// Its length before.
    pub(super) program_length: usize,
    /// Character to glyph.
    pub(super) glyphs: BTreeMap<char, u16>,
    /// Advance widths by glyph, in thousandths of an em.
    pub(super) widths: Vec<u16>,
    /// `xMin yMin xMax yMax` in thousandths of an em.
    pub(super) bounds: [i16; 4],
    pub(super) ascent: i16,
    pub(super) descent: i16,
    /// The CMap that gives the glyphs' characters back.
    pub(super) to_unicode: Vec<u8>,
}

impl EmbeddedFont {
    /// The subset of `font` with the glyphs of `characters` (and those that spell `U+XXXX`).
    pub fn subset(font: &[u8], characters: &str) -> Result<Self> {
        Source::read(font)
            .and_then(|source| source.subset(characters))
            .ok_or_else(|| {
                Error::invalid("seal font", "it is no TrueType font that can be embedded")
                    .remedy("Configure a TrueType font with outlines of its own.")
            })
    }

    /// The text with every character that the font lacks spelled as `U+XXXX`.
    pub fn spell(&self, text: &str) -> String {
        let mut spelled = String::with_capacity(text.len());
        for character in text.chars() {
            if self.glyphs.contains_key(&character) {
                spelled.push(character);
            } else {
                spelled.push_str(&format!("U+{:04X}", u32::from(character)));
            }
        }
        spelled
    }

    /// Does the subset have every character of the text?
    pub fn covers(&self, text: &str) -> bool {
        text.chars().all(|c| self.glyphs.contains_key(&c))
    }

    /// The width of a spelled text in thousandths of an em.
    pub(super) fn width(&self, text: &str) -> u32 {
        self.identifiers(text)
            .map(|g| u32::from(self.widths.get(usize::from(g)).copied().unwrap_or(0)))
            .sum()
    }

    /// The glyphs of a spelled text.
    pub(super) fn identifiers(&self, text: &str) -> impl Iterator<Item = u16> {
        text.chars().filter_map(|c| self.glyphs.get(&c).copied())
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    let bytes = data.get(at..at.checked_add(2)?)?;
    Some(u16::from_be_bytes(bytes.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn table<'f>(font: &'f [u8], tag: &[u8; 4]) -> Option<&'f [u8]> {
    let count = usize::from(u16_at(font, 4)?);
    (0..count)
        .map(|index| 12 + 16 * index)
        .find(|at| font.get(*at..*at + 4) == Some(tag))
        .and_then(|at| {
            let from = u32_at(font, at + 8)? as usize;
            font.get(from..from.checked_add(u32_at(font, at + 12)? as usize)?)
        })
}

/// The tables of a whole font.
struct Source<'f> {
    head: &'f [u8],
    hhea: &'f [u8],
    maxp: &'f [u8],
    hmtx: &'f [u8],
    loca: &'f [u8],
    glyf: &'f [u8],
    cmap: &'f [u8],
    name: String,
    units_per_em: u16,
    long_metrics: u16,
}

impl<'f> Source<'f> {
    fn read(font: &'f [u8]) -> Option<Self> {
        if !matches!(font.get(..4)?, b"\0\x01\0\0" | b"true") {
            return None;
        }
        let head = table(font, b"head").filter(|t| t.len() >= 54)?;
        let hhea = table(font, b"hhea").filter(|t| t.len() >= 36)?;
        let units_per_em = u16_at(head, 18).filter(|u| *u >= 16)?;
        Some(Source {
            head,
            hhea,
            maxp: table(font, b"maxp").filter(|t| t.len() >= 32)?,
            hmtx: table(font, b"hmtx")?,
            loca: table(font, b"loca")?,
            glyf: table(font, b"glyf")?,
            cmap: character_map(table(font, b"cmap")?)?,
            name: table(font, b"name")
                .and_then(postscript_name)
                .unwrap_or_else(|| "Seal".to_string()),
            units_per_em,
            long_metrics: u16_at(hhea, 34).filter(|n| *n > 0)?,
        })
    }

    fn subset(&self, characters: &str) -> Option<EmbeddedFont> {
        let mut order = vec![0_u16];
        let mut glyphs = BTreeMap::new();
        for character in characters.chars().chain(SPELLING.chars()) {
            if let Some(glyph) = self.glyph(character) {
                glyphs.insert(character, place(&mut order, glyph));
            }
        }
        let (mut glyf, mut loca, mut next) = (Vec::new(), vec![0_u32], 0);
        while let Some(&glyph) = order.get(next) {
            self.copy_outline(glyph, &mut order, &mut glyf)?;
            glyf.resize(glyf.len().next_multiple_of(4), 0);
            loca.push(u32::try_from(glyf.len()).ok()?);
            next += 1;
            if order.len() > GLYPHS {
                return None;
            }
        }
        let metrics: Option<Vec<(u16, u16)>> = order.iter().map(|g| self.metrics(*g)).collect();
        let metrics = metrics?;
        let program = self.program(&metrics, &loca, glyf)?;
        let scaled = |value: i16| {
            (i32::from(value) * 1000 / i32::from(self.units_per_em))
                .clamp(i16::MIN.into(), i16::MAX.into()) as i16
        };
        let bound = |at| u16_at(self.head, at).map(|v| scaled(v as i16));
        let widths = metrics
            .iter()
            .map(|(advance, _)| {
                let em = u32::from(self.units_per_em);
                ((u32::from(*advance) * 1000 + em / 2) / em).min(u16::MAX.into()) as u16
            })
            .collect();
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&program).ok()?;
        Some(EmbeddedFont {
            name: format!("{}+{}", subset_tag(&glyphs), self.name),
            to_unicode: to_unicode(&glyphs).into_bytes(),
            program: encoder.finish().ok()?,
            program_length: program.len(),
            glyphs,
            widths,
            bounds: [bound(36)?, bound(38)?, bound(40)?, bound(42)?],
            ascent: scaled(u16_at(self.hhea, 4)? as i16),
            descent: scaled(u16_at(self.hhea, 6)? as i16),
        })
    }

    /// The glyph of a character by formats 4 and 12 of `cmap`.
    fn glyph(&self, character: char) -> Option<u16> {
        let code = u32::from(character);
        let glyph = match u16_at(self.cmap, 0)? {
            12 => format_12(self.cmap, code),
            _ => format_4(self.cmap, u16::try_from(code).ok()?),
        };
        glyph.filter(|g| *g != 0)
    }

    fn outline(&self, glyph: u16) -> Option<&'f [u8]> {
        let index = usize::from(glyph);
        let (from, to) = if u16_at(self.head, 50)? == 0 {
            (
                usize::from(u16_at(self.loca, 2 * index)?) * 2,
                usize::from(u16_at(self.loca, 2 * index + 2)?) * 2,
            )
        } else {
            (
                u32_at(self.loca, 4 * index)? as usize,
                u32_at(self.loca, 4 * index + 4)? as usize,
            )
        };
        self.glyf.get(from..to)
    }

    /// Appends one outline without its instructions, its components numbered anew.
    fn copy_outline(&self, glyph: u16, order: &mut Vec<u16>, out: &mut Vec<u8>) -> Option<()> {
        let outline = self.outline(glyph)?;
        if outline.is_empty() {
            return Some(());
        }
        let contours = u16_at(outline, 0)? as i16;
        let body = 10;
        if let Ok(contours) = usize::try_from(contours) {
            let instructions = body + 2 * contours;
            let length = usize::from(u16_at(outline, instructions)?);
            out.extend_from_slice(outline.get(..instructions)?);
            out.extend_from_slice(&[0, 0]);
            out.extend_from_slice(outline.get(instructions + 2 + length..)?);
            return Some(());
        }
        const WORDS: u16 = 1;
        const SCALE: u16 = 8;
        const MORE: u16 = 0x20;
        const TWO_SCALES: u16 = 0x40;
        const MATRIX: u16 = 0x80;
        const INSTRUCTIONS: u16 = 0x100;
        out.extend_from_slice(outline.get(..body)?);
        let mut at = body;
        loop {
            let (flags, component) = (u16_at(outline, at)?, u16_at(outline, at + 2)?);
            let arguments = if flags & WORDS != 0 { 4 } else { 2 };
            let scales = match flags {
                _ if flags & SCALE != 0 => 2,
                _ if flags & TWO_SCALES != 0 => 4,
                _ if flags & MATRIX != 0 => 8,
                _ => 0,
            };
            out.extend_from_slice(&(flags & !INSTRUCTIONS).to_be_bytes());
            out.extend_from_slice(&place(order, component).to_be_bytes());
            out.extend_from_slice(outline.get(at + 4..at + 4 + arguments + scales)?);
            at += 4 + arguments + scales;
            if flags & MORE == 0 || order.len() > GLYPHS {
                return Some(());
            }
        }
    }

    /// Advance width and left side bearing.
    fn metrics(&self, glyph: u16) -> Option<(u16, u16)> {
        let (index, long) = (usize::from(glyph), usize::from(self.long_metrics));
        if index < long {
            return Some((
                u16_at(self.hmtx, 4 * index)?,
                u16_at(self.hmtx, 4 * index + 2)?,
            ));
        }
        let advance = u16_at(self.hmtx, 4 * (long - 1))?;
        Some((
            advance,
            u16_at(self.hmtx, 4 * long + 2 * (index - long)).unwrap_or(0),
        ))
    }

    /// The font file: the six tables that a CIDFontType2 needs (ISO 32000-2 §9.9.1), with their checksums.
    fn program(&self, metrics: &[(u16, u16)], loca: &[u32], glyf: Vec<u8>) -> Option<Vec<u8>> {
        let count = u16::try_from(metrics.len()).ok()?.to_be_bytes();
        let mut head = self.head.get(..54)?.to_vec();
        head.get_mut(8..12)?.fill(0);
        head.get_mut(50..52)?.copy_from_slice(&[0, 1]);
        let mut hhea = self.hhea.get(..36)?.to_vec();
        hhea.get_mut(34..36)?.copy_from_slice(&count);
        let mut maxp = self.maxp.get(..32)?.to_vec();
        maxp.get_mut(4..6)?.copy_from_slice(&count);
        let hmtx = metrics
            .iter()
            .flat_map(|(advance, bearing)| [advance.to_be_bytes(), bearing.to_be_bytes()])
            .flatten()
            .collect();
        let loca = loca.iter().flat_map(|o| o.to_be_bytes()).collect();
        let tables = [
            (b"glyf", glyf),
            (b"head", head),
            (b"hhea", hhea),
            (b"hmtx", hmtx),
            (b"loca", loca),
            (b"maxp", maxp),
        ];
        // searchRange, entrySelector and rangeShift of six tables.
        let mut file = b"\0\x01\0\0\0\x06\0\x40\0\x02\0\x20".to_vec();
        let mut offset = 12 + 16 * tables.len();
        for (tag, data) in &tables {
            file.extend_from_slice(*tag);
            file.extend_from_slice(&checksum(data).to_be_bytes());
            file.extend_from_slice(&u32::try_from(offset).ok()?.to_be_bytes());
            file.extend_from_slice(&u32::try_from(data.len()).ok()?.to_be_bytes());
            offset += data.len().next_multiple_of(4);
        }
        let mut adjustment = 0;
        for (tag, data) in &tables {
            if *tag == b"head" {
                adjustment = file.len() + 8;
            }
            file.extend_from_slice(data);
            file.resize(file.len().next_multiple_of(4), 0);
        }
        let whole = 0xb1b0_afba_u32.wrapping_sub(checksum(&file));
        file.get_mut(adjustment..adjustment + 4)?
            .copy_from_slice(&whole.to_be_bytes());
        Some(file)
    }
}

/// The new number of a glyph, given when first asked for.
fn place(order: &mut Vec<u16>, glyph: u16) -> u16 {
    let index = order.iter().position(|g| *g == glyph).unwrap_or_else(|| {
        order.push(glyph);
        order.len() - 1
    });
    index as u16
}

fn checksum(data: &[u8]) -> u32 {
    data.chunks(4).fold(0_u32, |sum, chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        sum.wrapping_add(u32::from_be_bytes(word))
    })
}

/// The Unicode subtable with the widest reach.
fn character_map(cmap: &[u8]) -> Option<&[u8]> {
    let count = usize::from(u16_at(cmap, 2)?);
    (0..count)
        .filter_map(|index| {
            let at = 4 + 8 * index;
            let subtable = cmap.get(u32_at(cmap, at + 4)? as usize..)?;
            let format = u16_at(subtable, 0)?;
            let rank = match (u16_at(cmap, at)?, u16_at(cmap, at + 2)?, format) {
                (3, 10, 12) | (0, 4.., 12) => 2,
                (3, 1, 4) | (0, _, 4) => 1,
                _ => return None,
            };
            Some((rank, subtable))
        })
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, subtable)| subtable)
}

fn format_4(map: &[u8], code: u16) -> Option<u16> {
    let double = usize::from(u16_at(map, 6)?);
    let segment = (0..double / 2).find(|i| u16_at(map, 14 + 2 * i).is_some_and(|e| e >= code))?;
    let at = |block: usize| 16 + double * block + 2 * segment;
    let start = u16_at(map, at(1))?;
    if code < start {
        return None;
    }
    let (delta, range) = (u16_at(map, at(2))?, usize::from(u16_at(map, at(3))?));
    if range == 0 {
        return Some(code.wrapping_add(delta));
    }
    match u16_at(map, at(3) + range + 2 * usize::from(code - start))? {
        0 => None,
        glyph => Some(glyph.wrapping_add(delta)),
    }
}

fn format_12(map: &[u8], code: u32) -> Option<u16> {
    let groups = (u32_at(map, 12)? as usize).min(map.len() / 12);
    (0..groups).map(|i| 16 + 12 * i).find_map(|at| {
        let (start, end) = (u32_at(map, at)?, u32_at(map, at + 4)?);
        if !(start..=end).contains(&code) {
            return None;
        }
        u16::try_from(u32_at(map, at + 8)?.checked_add(code - start)?).ok()
    })
}

/// Name 6 of the `name` table, where it is plain enough for a PDF name.
fn postscript_name(name: &[u8]) -> Option<String> {
    let count = usize::from(u16_at(name, 2)?);
    let storage = usize::from(u16_at(name, 4)?);
    (0..count).map(|i| 6 + 12 * i).find_map(|at| {
        if u16_at(name, at)? != 3 || u16_at(name, at + 6)? != 6 {
            return None;
        }
        let from = storage + usize::from(u16_at(name, at + 10)?);
        let text = name.get(from..from + usize::from(u16_at(name, at + 8)?))?;
        let text: String = text
            .chunks_exact(2)
            .map(|c| char::from(c[1]))
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        (!text.is_empty()).then_some(text)
    })
}

/// ISO 32000-2 §9.10.3.
fn to_unicode(glyphs: &BTreeMap<char, u16>) -> String {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n\
         /CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n\
         /CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n\
         1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
    );
    let mut by_glyph: Vec<(u16, char)> = glyphs.iter().map(|(c, g)| (*g, *c)).collect();
    by_glyph.sort_unstable();
    by_glyph.dedup_by_key(|(glyph, _)| *glyph);
    for chunk in by_glyph.chunks(100) {
        map.push_str(&format!("{} beginbfchar\n", chunk.len()));
        for (glyph, character) in chunk {
            map.push_str(&format!("<{glyph:04X}> <"));
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                map.push_str(&format!("{unit:04X}"));
            }
            map.push_str(">\n");
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
    map
}

/// Six letters that depend on the characters alone (ISO 32000-2 §9.9.2: "different subsets … shall have different tags").
fn subset_tag(glyphs: &BTreeMap<char, u16>) -> String {
    let mut state = glyphs.keys().fold(0xcbf2_9ce4_8422_2325_u64, |hash, c| {
        (hash ^ u64::from(u32::from(*c))).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut tag = String::new();
    for _ in 0..6 {
        tag.push(char::from(b'A' + (state % 26) as u8));
        state /= 26;
    }
    tag
}

#[cfg(test)]
pub(super) const DEJAVU: &[u8] = include_bytes!("../../register/fonts/DejaVuSans.ttf");

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn program(font: &EmbeddedFont) -> Vec<u8> {
        let mut program = Vec::new();
        flate2::read::ZlibDecoder::new(font.program.as_slice())
            .read_to_end(&mut program)
            .unwrap();
        program
    }

    #[test]
    fn a_subset_has_its_glyphs_and_no_more() {
        let font = EmbeddedFont::subset(DEJAVU, "Sello electrónico, ñ").unwrap();
        let program = program(&font);
        assert_eq!(program.len(), font.program_length);
        assert!(program.len() < 20_000, "{}", program.len());
        assert!(font.covers("Sello electrónico, ñ U+00E9"));
        assert!(!font.covers("Z"));
        assert!(font.name.ends_with("+DejaVuSans"), "{}", font.name);
        // ó is a composite of o and the accent: more glyphs than characters.
        assert!(font.widths.len() > font.glyphs.len());
        assert_eq!(checksum(&program), 0xb1b0_afba);
        let glyphs = usize::from(u16_at(table(&program, b"maxp").unwrap(), 4).unwrap());
        assert_eq!(glyphs, font.widths.len());
        assert_eq!(table(&program, b"loca").unwrap().len(), 4 * (glyphs + 1));
    }

    #[test]
    fn widths_are_those_of_the_font() {
        let font = EmbeddedFont::subset(DEJAVU, "iW ").unwrap();
        // DejaVu Sans: i 569, W 2025, space 651 of 2048.
        assert_eq!(font.width("i"), 278);
        assert_eq!(font.width("W"), 989);
        assert_eq!(font.width("i W"), 278 + 318 + 989);
    }

    #[test]
    fn a_missing_character_is_spelled() {
        let font = EmbeddedFont::subset(DEJAVU, "a\u{4e2d}").unwrap();
        assert_eq!(font.spell("a\u{4e2d}"), "aU+4E2D");
        assert!(font.covers(&font.spell("a\u{4e2d}\u{1f600}")));
    }

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(EmbeddedFont::subset(b"", "a").is_err());
        assert!(EmbeddedFont::subset(b"OTTO....", "a").is_err());
        for length in (0..DEJAVU.len()).step_by(9973) {
            let _ = EmbeddedFont::subset(&DEJAVU[..length], "áé");
        }
        let mut damaged = DEJAVU.to_vec();
        for at in 0..2000 {
            damaged[at] ^= 0xff;
            let _ = EmbeddedFont::subset(&damaged, "áé");
            damaged[at] ^= 0xff;
        }
    }
}
