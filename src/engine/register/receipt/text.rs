//! Text as it is printed: characters that the fonts have, shaped, in visual order, broken into lines.
//!
//! Unicode Standard Annex 9 (bidirectional text) through `unicode-bidi`, shaping through `rustybuzz`. In: any text. Out: lines of
//! glyphs, none of which is `.notdef`: a character that cannot be printed is spelled `U+XXXX`. Never fails.

use krilla::text::{Font, GlyphId, KrillaGlyph};
use rustybuzz::{Direction, ShapePlan, UnicodeBuffer, ttf_parser};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use unicode_bidi::{BidiInfo, Level};
use unicode_script::{Script, UnicodeScript};

/// The two faces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// DejaVu Sans, the font of the justificante, for whoever draws on it later.
pub static FONT: &[u8] = include_bytes!("../fonts/DejaVuSans.ttf");

struct Face {
    shaping: rustybuzz::Face<'static>,
    drawing: Font,
}

/// DejaVu Sans: Latin, Greek, Cyrillic, Arabic, Hebrew. Read once a process.
fn face(weight: Weight) -> &'static Face {
    static FACES: OnceLock<[Face; 2]> = OnceLock::new();
    let faces = FACES.get_or_init(|| {
        let fonts: [&'static [u8]; 2] = [FONT, include_bytes!("../fonts/DejaVuSans-Bold.ttf")];
        fonts.map(|bytes| Face {
            shaping: rustybuzz::Face::from_slice(bytes, 0)
                .expect("the font is compiled in and read by every test"),
            drawing: Font::new(bytes.into(), 0)
                .expect("the font is compiled in and read by every test"),
        })
    });
    &faces[usize::from(weight == Weight::Bold)]
}

/// The font that draws a weight.
pub(super) fn font(weight: Weight) -> Font {
    face(weight).drawing.clone()
}

/// Glyphs of one direction and script, left to right as drawn. Widths are in units of the font size.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub text: String,
    pub glyphs: Vec<KrillaGlyph>,
    pub width: f32,
    /// Where `text` begins in its paragraph.
    at: usize,
}

/// One line, its runs from left to right.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub runs: Vec<Run>,
    pub width: f32,
    /// Whether its paragraph runs from right to left.
    pub rtl: bool,
}

/// Shapes text; keeps the plans that shaping takes from one text to the next.
#[derive(Default)]
pub(super) struct Shaper {
    plans: HashMap<(Weight, Script, bool), Arc<ShapePlan>>,
}

impl Shaper {
    /// The lines of a text within `width`, which is in units of the font size. Line ends in the text are kept.
    pub fn lines(&mut self, text: &str, weight: Weight, width: f32) -> Vec<Line> {
        split_lines(text)
            .flat_map(|paragraph| self.paragraph(paragraph, weight, width))
            .collect()
    }

    /// A text on one line, however long.
    pub fn line(&mut self, text: &str, weight: Weight) -> Line {
        let joined = split_lines(text).collect::<Vec<_>>().join(" ");
        self.paragraph(&joined, weight, f32::INFINITY)
            .pop()
            .unwrap_or(Line {
                runs: Vec::new(),
                width: 0.0,
                rtl: false,
            })
    }

    fn paragraph(&mut self, text: &str, weight: Weight, width: f32) -> Vec<Line> {
        let mut refused = Vec::new();
        loop {
            let printable = printable(text, weight, &refused);
            let lines = self.broken(&printable, weight, width);
            // A sequence may need a glyph that none of its characters does; then they are spelled too.
            let missing: Vec<char> = lines
                .iter()
                .flat_map(|l| &l.runs)
                .flat_map(|r| {
                    r.glyphs
                        .iter()
                        .filter(|g| g.glyph_id.to_u32() == 0)
                        .filter_map(|g| r.text.get(g.text_range.clone()))
                })
                .flat_map(str::chars)
                .filter(|c| !c.is_ascii() && !refused.contains(c))
                .collect();
            if missing.is_empty() {
                return lines;
            }
            refused.extend(missing);
        }
    }

    fn broken(&mut self, text: &str, weight: Weight, width: f32) -> Vec<Line> {
        let bidi = BidiInfo::new(text, None);
        let Some(paragraph) = bidi.paragraphs.first() else {
            return vec![Line {
                runs: Vec::new(),
                width: 0.0,
                rtl: false,
            }];
        };
        let rtl = paragraph.level.is_rtl();
        let whole = self.visual(&bidi, 0..text.len(), weight, rtl);
        if whole.width <= width {
            return vec![whole];
        }
        let breaks = break_points(text, &whole, width);
        breaks
            .windows(2)
            .map(|w| self.visual(&bidi, w[0]..w[1], weight, rtl))
            .collect()
    }

    /// The line that a range of the paragraph makes.
    fn visual(
        &mut self,
        bidi: &BidiInfo<'_>,
        range: Range<usize>,
        weight: Weight,
        rtl: bool,
    ) -> Line {
        let trimmed = bidi
            .text
            .get(range.clone())
            .unwrap_or_default()
            .trim_end_matches(' ')
            .len();
        let range = range.start..range.start + trimmed;
        let Some(paragraph) = bidi.paragraphs.first().filter(|_| trimmed > 0) else {
            return Line {
                runs: Vec::new(),
                width: 0.0,
                rtl,
            };
        };
        let (levels, spans) = bidi.visual_runs(paragraph, range);
        let mut runs = Vec::new();
        for span in spans {
            let level = levels.get(span.start).copied().unwrap_or(Level::ltr());
            let mut parts = scripts(bidi.text.get(span.clone()).unwrap_or_default());
            if level.is_rtl() {
                parts.reverse();
            }
            for (script, part) in parts {
                let part = span.start + part.start..span.start + part.end;
                let text = bidi.text.get(part.clone()).unwrap_or_default();
                runs.push(self.shape(text, part.start, weight, script, level.is_rtl()));
            }
        }
        let width = runs.iter().map(|r| r.width).sum();
        Line { runs, width, rtl }
    }

    fn shape(&mut self, text: &str, at: usize, weight: Weight, script: Script, rtl: bool) -> Run {
        let face = &face(weight).shaping;
        let direction = if rtl {
            Direction::RightToLeft
        } else {
            Direction::LeftToRight
        };
        let tag = ttf_parser::Tag::from_bytes_lossy(script.short_name().as_bytes());
        let iso = rustybuzz::Script::from_iso15924_tag(tag).unwrap_or(rustybuzz::script::COMMON);
        let plan = self
            .plans
            .entry((weight, script, rtl))
            .or_insert_with(|| Arc::new(ShapePlan::new(face, direction, Some(iso), None, &[])));
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.set_direction(direction);
        buffer.set_script(iso);
        let shaped = rustybuzz::shape_with_plan(face, plan, buffer);
        let units = face.units_per_em() as f32;
        let mut starts: Vec<usize> = shaped
            .glyph_infos()
            .iter()
            .map(|i| i.cluster as usize)
            .collect();
        starts.sort_unstable();
        starts.dedup();
        let end_of = |start: usize| {
            starts
                .get(starts.partition_point(|s| *s <= start))
                .copied()
                .unwrap_or(text.len())
        };
        let glyphs: Vec<KrillaGlyph> = shaped
            .glyph_infos()
            .iter()
            .zip(shaped.glyph_positions())
            .map(|(info, place)| {
                let start = info.cluster as usize;
                let scaled = |n: i32| n as f32 / units;
                KrillaGlyph::new(
                    GlyphId::new(info.glyph_id),
                    scaled(place.x_advance),
                    scaled(place.x_offset),
                    scaled(place.y_offset),
                    scaled(place.y_advance),
                    start..end_of(start),
                    None,
                )
            })
            .filter(|g| {
                !text
                    .get(g.text_range.clone())
                    .unwrap_or_default()
                    .chars()
                    .all(is_joiner)
            })
            .collect();
        let width = glyphs.iter().map(|g| g.x_advance).sum();
        Run {
            text: text.to_owned(),
            glyphs,
            width,
            at,
        }
    }
}

/// The pieces of a text between its line ends; tabs become spaces.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_end_matches(['\n', '\r']);
    text.split('\n').flat_map(|l| {
        l.strip_suffix('\r')
            .unwrap_or(l)
            .split(['\u{85}', '\u{2028}', '\u{2029}'])
    })
}

/// The text in which every character that cannot be printed is spelled `U+XXXX`, set apart by spaces.
fn printable(text: &str, weight: Weight, refused: &[char]) -> String {
    let face = &face(weight).shaping;
    let mut out = String::with_capacity(text.len());
    let mut spelled = false;
    let mut joins = false;
    for c in text.chars() {
        let c = if c == '\t' { ' ' } else { c };
        let prints = match c {
            ' '..='~' => true,
            _ if is_joiner(c) => joins,
            _ => {
                may_print(c)
                    && !refused.contains(&c)
                    && face.glyph_index(c).is_some_and(|g| g.0 != 0)
            }
        };
        joins = prints && matches!(c.script(), Script::Arabic) || (joins && is_joiner(c));
        let apart = (spelled || !prints) && !out.is_empty() && !out.ends_with(' ') && c != ' ';
        if apart {
            out.push(' ');
        }
        match prints {
            true => out.push(c),
            false => out.push_str(&format!("U+{:04X}", u32::from(c))),
        }
        spelled = !prints;
    }
    out
}

/// The text in which every character that is not seen is spelled `U+XXXX`, for other media; line ends are kept.
pub(in crate::engine::register) fn spelled(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            match c {
                '\n' | '\t' => out.push(c),
                '\r' => {}
                _ if may_print(c) || is_joiner(c) => out.push(c),
                _ => out.push_str(&format!("U+{:04X}", u32::from(c))),
            }
            out
        })
}

/// Joiners shape Arabic and are not seen; elsewhere they would hide.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Not a control, a format character (which could turn the text around or hide in it), or of private use.
fn may_print(c: char) -> bool {
    let hidden = matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{ffff}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    let private = matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..);
    let nothing = u32::from(c) & 0xFFFE == 0xFFFE || matches!(c, '\u{fdd0}'..='\u{fdef}');
    !(c.is_control() || hidden || private || nothing)
}

/// Runs of one script; common and inherited characters go with what stands before them, or after at the beginning.
fn scripts(text: &str) -> Vec<(Script, Range<usize>)> {
    let mut parts: Vec<(Script, Range<usize>)> = Vec::new();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let script = c.script();
        let neutral = matches!(script, Script::Common | Script::Inherited | Script::Unknown);
        match parts.last_mut() {
            Some((last, range)) if neutral || *last == script => range.end = end,
            Some((last @ Script::Common, range)) => (*last, range.end) = (script, end),
            _ => parts.push((if neutral { Script::Common } else { script }, at..end)),
        }
    }
    parts
}

/// Byte offsets at which the lines of a paragraph begin, and its end.
///
/// After a space where one fits; within a word that is wider than a line after punctuation, else between clusters.
fn break_points(text: &str, whole: &Line, width: f32) -> Vec<usize> {
    let mut clusters: Vec<(usize, f32)> = Vec::new();
    for run in &whole.runs {
        clusters.extend(
            run.glyphs
                .iter()
                .map(|g| (run.at + g.text_range.start, g.x_advance)),
        );
    }
    clusters.sort_by_key(|c| c.0);
    clusters.dedup_by(|next, kept| {
        next.0 == kept.0 && {
            kept.1 += next.1;
            true
        }
    });
    let mut breaks = vec![0];
    let (mut line, mut space, mut soft) = (0.0, None, None);
    for (n, (at, advance)) in clusters.iter().enumerate() {
        let c = text
            .get(*at..)
            .and_then(|t| t.chars().next())
            .unwrap_or(' ');
        let start = breaks.last().copied().unwrap_or(0);
        if line + advance > width && c != ' ' && *at > start {
            let cut = space
                .or(soft.filter(|(_, w)| *w > width / 2.0))
                .unwrap_or((*at, line));
            breaks.push(cut.0);
            line -= cut.1;
            (space, soft) = (None, None);
        }
        line += advance;
        let next = clusters.get(n + 1).map_or(text.len(), |c| c.0);
        match c {
            ' ' => space = Some((next, line)),
            '-' | '/' | '_' | '.' | ',' | ';' | ':' | '@' | '&' | '?' | '=' | '\u{2013}' => {
                soft = Some((next, line))
            }
            _ => {}
        }
    }
    breaks.push(text.len());
    breaks.dedup();
    breaks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let line = Shaper::default().line(text, Weight::Regular);
        assert!(
            line.runs
                .iter()
                .flat_map(|r| &r.glyphs)
                .all(|g| g.glyph_id.to_u32() != 0),
            "{text:?}"
        );
        line.runs.iter().map(|r| r.text.as_str()).collect()
    }

    #[test]
    fn the_scripts_of_names_print_as_they_are() {
        for text in [
            "Ñandú – l·l, ç, Ł, ő, ẞ, ǆ, Ṩ",
            "e\u{301} q\u{303}\u{323} z\u{310}",
            "Ἀθηνᾶ Παπαδοπούλου",
            "Щедрін Ђорђе Ӏ",
        ] {
            assert_eq!(shown(text), text);
        }
        for text in ["محمد عبد الله", "שָׁלוֹם כהן"] {
            let line = Shaper::default().line(text, Weight::Regular);
            assert!(line.rtl);
            assert_eq!(
                line.runs
                    .iter()
                    .map(|r| r.text.chars().count())
                    .sum::<usize>(),
                text.chars().count()
            );
        }
    }

    #[test]
    fn what_the_font_lacks_is_spelled() {
        assert_eq!(shown("漢字"), "U+6F22 U+5B57");
        assert_eq!(shown("a\u{1F9FF}b"), "a U+1F9FF b");
        assert_eq!(shown("a\u{0}\u{7}b\u{202e}c"), "a U+0000 U+0007 b U+202E c");
        assert_eq!(
            shown("\u{e000}\u{feff}\u{10ffff}"),
            "U+E000 U+FEFF U+10FFFF"
        );
        assert_eq!(shown("x\u{200d}y"), "x U+200D y");
        assert_eq!(shown("\t"), "");
        assert!(!shown("漢?").contains("??"));
    }

    #[test]
    fn arabic_is_shaped_and_runs_from_the_right() {
        let line = Shaper::default().line("سلام", Weight::Regular);
        let glyphs = &line.runs[0].glyphs;
        assert!(
            glyphs
                .windows(2)
                .all(|w| w[0].text_range.start >= w[1].text_range.end),
            "right to left"
        );
        let isolated: Vec<_> = "سلام"
            .chars()
            .map(|c| face(Weight::Regular).shaping.glyph_index(c).unwrap().0 as u32)
            .collect();
        assert!(
            glyphs
                .iter()
                .any(|g| !isolated.contains(&g.glyph_id.to_u32())),
            "joined forms"
        );
        // A Latin word within stays left to right.
        let mixed = Shaper::default().line("سلام ABC سلام", Weight::Regular);
        assert_eq!(
            mixed.runs.iter().filter(|r| r.text.trim() == "ABC").count(),
            1
        );
        assert_eq!(mixed.runs.len(), 3);
    }

    #[test]
    fn persian_keeps_its_joiner() {
        let line = Shaper::default().line("می\u{200c}خواهم", Weight::Regular);
        assert_eq!(line.runs.len(), 1);
        assert!(!line.runs[0].text.contains("U+"));
    }

    #[test]
    fn lines_fit_and_lose_nothing() {
        let mut shaper = Shaper::default();
        for text in [
            "una frase corta que se parte en varias líneas por sus espacios",
            &"x".repeat(500),
            &"0123456789abcdef".repeat(8),
            "https://sede.example/verificar/codigo?id=2AAAA5DA5AA9&fecha=2026-02-05",
            "مرحبا بالعالم مرحبا بالعالم مرحبا بالعالم",
            "漢字漢字漢字漢字漢字",
            "\u{301}\u{301}\u{301}",
        ] {
            let lines = shaper.lines(text, Weight::Regular, 12.0);
            assert!(lines.iter().all(|l| l.width <= 12.5), "{text}");
            let letters = |t: &str| t.chars().filter(|c| *c != ' ').count();
            let printed: usize = lines
                .iter()
                .flat_map(|l| &l.runs)
                .map(|r| letters(&r.text))
                .sum();
            assert_eq!(
                printed,
                letters(&printable(text, Weight::Regular, &[])),
                "{text}"
            );
        }
        assert_eq!(shaper.lines("a\r\nb\n\nc\n", Weight::Bold, 50.0).len(), 4);
        assert_eq!(shaper.lines("", Weight::Bold, 50.0).len(), 1);
    }

    #[test]
    fn no_character_yields_a_missing_glyph() {
        let mut shaper = Shaper::default();
        let all: Vec<char> = (0..=0x10FFFFu32).filter_map(char::from_u32).collect();
        for (weight, step) in [(Weight::Regular, 1), (Weight::Bold, 5)] {
            // All of the first plane that matters, and samples of the rest; each between neighbours that it may join.
            for chunk in all
                .iter()
                .take(0x3000)
                .step_by(step)
                .chain(all.iter().skip(0xA000).step_by(97))
                .collect::<Vec<_>>()
                .chunks(40)
            {
                let text: String = chunk.iter().copied().collect();
                let lines = shaper.lines(&text, weight, 30.0);
                assert!(
                    lines
                        .iter()
                        .flat_map(|l| &l.runs)
                        .flat_map(|r| &r.glyphs)
                        .all(|g| g.glyph_id.to_u32() != 0),
                    "{text:?}"
                );
            }
        }
    }
}
