//! Where everything stands: rows, headings and paragraphs flow down A4 pages, each piece with its place in the structure.
//!
//! ISO 32000-1 §14.8 (tagged PDF). In: text by blocks. Out: for every page what is drawn where, and the tree of structure
//! elements that it belongs to. Lengths are points, from the upper left corner. Not here: the PDF (`draw`), the words (`content`).

use super::text::{Line, Shaper, Weight};
use crate::engine::{Error, Result};
use krilla::tagging::{Tag, TagKind};
use std::num::NonZeroU16;

/// A4.
pub(super) const WIDTH: f32 = 595.276;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const LEFT: f32 = 51.0;
pub(super) const RIGHT: f32 = WIDTH - LEFT;
/// The body of a page, between its head and its foot.
pub(super) const TOP: f32 = 76.0;
pub(super) const BOTTOM: f32 = 722.0;
/// The most pages of a receipt; what `Metadata::check` and `check_documents` let through stays below.
pub(super) const MOST_PAGES: usize = 2_000;

/// Colours, as RGB.
pub(super) const BLUE: [u8; 3] = [0x1b, 0x36, 0x5d];
pub(super) const BLACK: [u8; 3] = [0x16, 0x18, 0x1c];
pub(super) const GREY: [u8; 3] = [0x55, 0x5b, 0x63];
pub(super) const RULE: [u8; 3] = [0xcb, 0xd2, 0xdb];
pub(super) const WHITE: [u8; 3] = [0xff; 3];
pub(super) const TINT: [u8; 3] = [0xf1, 0xf4, 0xf8];

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub size: f32,
    pub weight: Weight,
    pub colour: [u8; 3],
}

impl Style {
    pub const fn new(size: f32, weight: Weight, colour: [u8; 3]) -> Self {
        Style {
            size,
            weight,
            colour,
        }
    }

    fn leading(self) -> f32 {
        self.size * 1.32
    }
}

/// A node of the structure tree.
pub(super) type NodeId = usize;

/// A structure element: its tag and its children.
#[derive(Debug)]
pub(super) struct Element {
    pub tag: TagKind,
    pub children: Vec<NodeId>,
}

/// What a piece of a page is to the structure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    /// Content of a node, in a language other than Spanish where one is given.
    Content(NodeId, Option<&'static str>),
    Header,
    Footer,
    Decoration,
}

/// Something drawn.
#[derive(Debug)]
pub(super) enum Drawing {
    Text {
        x: f32,
        baseline: f32,
        style: Style,
        line: Line,
    },
    Box {
        x: f32,
        y: f32,
        width: f32,
        height: f32,
        colour: [u8; 3],
    },
    /// Dark squares of `module` points in a square of `size` by `size`.
    Squares {
        x: f32,
        y: f32,
        module: f32,
        size: usize,
        dark: Vec<bool>,
    },
}

#[derive(Debug)]
pub(super) struct Placed {
    pub mark: Mark,
    pub drawing: Drawing,
}

/// Text of one style and language; it may have several lines.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub text: String,
    pub style: Style,
    pub language: Option<&'static str>,
}

impl Piece {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Piece {
            text: text.into(),
            style,
            language: None,
        }
    }

    pub fn within(text: impl Into<String>, style: Style, language: &'static str) -> Self {
        Piece {
            text: text.into(),
            style,
            language: Some(language),
        }
    }
}

/// A cell of a row: pieces one below the other, in a column.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub x: f32,
    pub width: f32,
    pub node: NodeId,
    pub pieces: Vec<Piece>,
}

/// A line of a cell, measured.
struct SetLine {
    line: Line,
    style: Style,
    language: Option<&'static str>,
    /// Moves a line of right-to-left text to the right edge, where it is one of several.
    shift: f32,
}

/// The pages as they fill.
pub(super) struct Flow {
    pub shaper: Shaper,
    pub elements: Vec<Element>,
    pub pages: Vec<Vec<Placed>>,
    /// Headings: text, page, height.
    pub outline: Vec<(String, usize, f32)>,
    pub y: f32,
    /// What stands again at the head of a table that goes on.
    repeated: Vec<Cell>,
}

/// The root of the tree.
pub(super) const ROOT: NodeId = 0;

impl Flow {
    pub fn new() -> Self {
        let root = Element {
            tag: Tag::Part.into(),
            children: Vec::new(),
        };
        Flow {
            shaper: Shaper::default(),
            elements: vec![root],
            pages: vec![Vec::new()],
            outline: Vec::new(),
            y: TOP,
            repeated: Vec::new(),
        }
    }

    /// A new last child.
    pub fn element(&mut self, parent: NodeId, tag: impl Into<TagKind>) -> NodeId {
        let id = self.elements.len();
        self.elements.push(Element {
            tag: tag.into(),
            children: Vec::new(),
        });
        if let Some(parent) = self.elements.get_mut(parent) {
            parent.children.push(id);
        }
        id
    }

    /// Draws on the page that is being filled.
    pub fn draw(&mut self, mark: Mark, drawing: Drawing) {
        if let Some(page) = self.pages.last_mut() {
            page.push(Placed { mark, drawing });
        }
    }

    pub fn fill(&mut self, mark: Mark, x: f32, y: f32, width: f32, height: f32, colour: [u8; 3]) {
        self.draw(
            mark,
            Drawing::Box {
                x,
                y,
                width,
                height,
                colour,
            },
        );
    }

    /// Boxes (left, top, width, height, colour) under what the page holds from `index` on.
    pub fn fill_beneath(
        &mut self,
        index: usize,
        boxes: impl IntoIterator<Item = (f32, f32, f32, f32, [u8; 3])>,
    ) {
        let placed = boxes
            .into_iter()
            .map(|(x, y, width, height, colour)| Placed {
                mark: Mark::Decoration,
                drawing: Drawing::Box {
                    x,
                    y,
                    width,
                    height,
                    colour,
                },
            });
        if let Some(page) = self.pages.last_mut() {
            page.splice(index..index, placed);
        }
    }

    pub fn new_page(&mut self) -> Result<()> {
        if self.pages.len() >= MOST_PAGES {
            return Err(
                Error::limit("receipt", format!("more than {MOST_PAGES} pages"))
                    .remedy("Send long texts as a document of the request."),
            );
        }
        self.pages.push(Vec::new());
        self.y = TOP;
        let repeated = self.repeated.clone();
        if !repeated.is_empty() {
            self.head(&repeated, None)?;
        }
        Ok(())
    }

    /// Starts a new page unless `height` is left on this one.
    pub fn need(&mut self, height: f32) -> Result<()> {
        if self.y + height > BOTTOM && self.y > TOP {
            self.new_page()?;
        }
        Ok(())
    }

    /// A heading of level 2 with a rule, kept with `follow` points of what follows.
    pub fn heading(
        &mut self,
        parent: NodeId,
        text: (&str, Option<(&str, &'static str)>),
        follow: f32,
    ) -> Result<()> {
        self.need(30.0 + follow)?;
        self.y += 9.0;
        self.outline
            .push((text.0.to_owned(), self.pages.len() - 1, self.y));
        let node = self.element(
            parent,
            Tag::Hn(NonZeroU16::MIN.saturating_add(1), Some(text.0.to_owned())),
        );
        let bold = Style::new(10.5, Weight::Bold, BLUE);
        let x = LEFT + self.text(Mark::Content(node, None), LEFT, self.y + 10.0, text.0, bold);
        if let Some((other, language)) = text.1 {
            let plain = Style::new(9.0, Weight::Regular, GREY);
            self.text(
                Mark::Content(node, Some(language)),
                x + 6.0,
                self.y + 10.0,
                other,
                plain,
            );
        }
        self.fill(
            Mark::Decoration,
            LEFT,
            self.y + 15.0,
            RIGHT - LEFT,
            0.9,
            BLUE,
        );
        self.y += 18.5;
        Ok(())
    }

    /// One line of text; its width comes back.
    pub fn text(&mut self, mark: Mark, x: f32, baseline: f32, text: &str, style: Style) -> f32 {
        let line = self.shaper.line(text, style.weight);
        let width = line.width * style.size;
        self.draw(
            mark,
            Drawing::Text {
                x,
                baseline,
                style,
                line,
            },
        );
        width
    }

    /// At most `most` lines of text from `y` down; where they end comes back.
    pub fn lines(
        &mut self,
        mark: Mark,
        column: (f32, f32),
        y: f32,
        text: &str,
        style: Style,
        most: usize,
    ) -> f32 {
        let mut y = y;
        for line in self
            .shaper
            .lines(text, style.weight, column.1 / style.size)
            .into_iter()
            .take(most)
        {
            y += style.leading();
            self.draw(
                mark,
                Drawing::Text {
                    x: column.0,
                    baseline: y - style.size * 0.3,
                    style,
                    line,
                },
            );
        }
        y
    }

    /// Pieces across the page, as a paragraph each.
    pub fn paragraph(&mut self, parent: NodeId, piece: Piece) -> Result<()> {
        let node = self.element(parent, Tag::P);
        self.row(
            vec![vec![Cell {
                x: LEFT,
                width: RIGHT - LEFT,
                node,
                pieces: vec![piece],
            }]],
            false,
        )
    }

    /// The head of a table, with its tint; again on every page until [`Flow::table_ends`].
    pub fn table_begins(&mut self, cells: Vec<Cell>) -> Result<()> {
        self.need(60.0)?;
        self.head(&cells, Some(()))?;
        self.repeated = cells;
        Ok(())
    }

    pub fn table_ends(&mut self) {
        self.repeated.clear();
    }

    /// A head of a table; only where it first stands is it content.
    fn head(&mut self, cells: &[Cell], first: Option<()>) -> Result<()> {
        let sets: Vec<Vec<SetLine>> = cells.iter().map(|c| self.set(c)).collect();
        let height = sets.iter().map(|s| height_of(s)).fold(0.0, f32::max) + 5.0;
        self.fill(Mark::Decoration, LEFT, self.y, RIGHT - LEFT, height, TINT);
        for (cell, lines) in cells.iter().zip(sets) {
            let mut y = self.y + 2.5;
            for set in lines {
                let mark = if first.is_some() {
                    Mark::Content(cell.node, set.language)
                } else {
                    Mark::Header
                };
                y = self.set_line(mark, cell.x, y, set);
            }
        }
        self.y += height + 1.0;
        Ok(())
    }

    /// A row of one or more bands, each a row of cells. It is kept whole where it can be, else it goes on, line by line.
    pub fn row(&mut self, bands: Vec<Vec<Cell>>, ruled: bool) -> Result<()> {
        let sets: Vec<Vec<(Cell, Vec<SetLine>)>> = bands
            .into_iter()
            .map(|cells| {
                cells
                    .into_iter()
                    .map(|c| {
                        let lines = self.set(&c);
                        (c, lines)
                    })
                    .collect()
            })
            .collect();
        let tallest = |band: &[(Cell, Vec<SetLine>)]| {
            band.iter().map(|(_, l)| height_of(l)).fold(0.0, f32::max)
        };
        let whole: f32 = sets.iter().map(|b| tallest(b)).sum::<f32>() + 6.0;
        if whole <= (BOTTOM - TOP) / 2.0 {
            self.need(whole)?;
        }
        self.y += 3.0;
        for band in sets {
            self.band(band)?;
        }
        self.y += 3.0;
        if ruled {
            self.fill(Mark::Decoration, LEFT, self.y, RIGHT - LEFT, 0.5, RULE);
            self.y += 0.5;
        }
        Ok(())
    }

    /// Cells side by side, over as many pages as their lines need.
    fn band(&mut self, cells: Vec<(Cell, Vec<SetLine>)>) -> Result<()> {
        let mut left: Vec<_> = cells
            .into_iter()
            .map(|(c, l)| (c, l.into_iter().peekable()))
            .collect();
        loop {
            let top = self.y;
            let mut lowest = top;
            for (cell, lines) in &mut left {
                let mut y = top;
                while let Some(set) = lines.next_if(|s| y + s.style.leading() <= BOTTOM || y <= TOP)
                {
                    y = self.set_line(Mark::Content(cell.node, set.language), cell.x, y, set);
                }
                lowest = lowest.max(y);
            }
            self.y = lowest;
            if left.iter_mut().all(|(_, l)| l.peek().is_none()) {
                return Ok(());
            }
            self.new_page()?;
        }
    }

    fn set(&mut self, cell: &Cell) -> Vec<SetLine> {
        let mut out = Vec::new();
        for piece in &cell.pieces {
            let lines = self.shaper.lines(
                &piece.text,
                piece.style.weight,
                cell.width / piece.style.size,
            );
            let several = lines.len() > 1;
            for line in lines {
                let free = cell.width - line.width * piece.style.size;
                let shift = if line.rtl && several {
                    free.max(0.0)
                } else {
                    0.0
                };
                out.push(SetLine {
                    line,
                    style: piece.style,
                    language: piece.language,
                    shift,
                });
            }
        }
        out
    }

    fn set_line(&mut self, mark: Mark, x: f32, y: f32, set: SetLine) -> f32 {
        let bottom = y + set.style.leading();
        let baseline = bottom - set.style.size * 0.3;
        self.draw(
            mark,
            Drawing::Text {
                x: x + set.shift,
                baseline,
                style: set.style,
                line: set.line,
            },
        );
        bottom
    }
}

fn height_of(lines: &[SetLine]) -> f32 {
    lines.iter().map(|l| l.style.leading()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style::new(9.0, Weight::Regular, BLACK);

    fn texts(page: &[Placed]) -> Vec<(f32, String)> {
        page.iter()
            .filter_map(|p| match &p.drawing {
                Drawing::Text { baseline, line, .. } => Some((
                    *baseline,
                    line.runs.iter().map(|r| r.text.as_str()).collect(),
                )),
                _ => None,
            })
            .collect()
    }

    fn cell(flow: &mut Flow, text: &str) -> Cell {
        let node = flow.element(ROOT, Tag::P);
        Cell {
            x: LEFT,
            width: 200.0,
            node,
            pieces: vec![Piece::new(text, STYLE)],
        }
    }

    #[test]
    fn a_row_that_fits_a_page_is_kept_whole() {
        let mut flow = Flow::new();
        flow.y = BOTTOM - 20.0;
        let cell = cell(&mut flow, "a\nb\nc\nd");
        flow.row(vec![vec![cell]], true).unwrap();
        assert_eq!(
            (texts(&flow.pages[0]).len(), texts(&flow.pages[1]).len()),
            (0, 4)
        );
    }

    #[test]
    fn a_row_taller_than_a_page_goes_on_and_stays_within() {
        let mut flow = Flow::new();
        let head = cell(&mut flow, "cabecera");
        flow.table_begins(vec![head]).unwrap();
        let cell = cell(&mut flow, &"línea\n".repeat(300));
        flow.row(vec![vec![cell]], true).unwrap();
        assert!(flow.pages.len() > 4);
        let all: Vec<_> = flow.pages.iter().flat_map(|p| texts(p)).collect();
        assert_eq!(all.iter().filter(|t| t.1 == "línea").count(), 300);
        assert_eq!(
            all.iter().filter(|t| t.1 == "cabecera").count(),
            flow.pages.len()
        );
        assert!(all.iter().all(|t| t.0 > TOP && t.0 <= BOTTOM));
    }

    #[test]
    fn pages_have_an_end() {
        let mut flow = Flow::new();
        let cell = cell(&mut flow, &"x\n".repeat(110_000));
        assert_eq!(
            flow.row(vec![vec![cell]], true).unwrap_err().kind(),
            crate::engine::ErrorKind::LimitExceeded
        );
    }
}
