//! The PDF: PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1), tagged, fonts embedded, the registration data inside as XML.
//!
//! In: laid-out pages. Out: bytes, the same for the same input. krilla checks both standards as it writes.

use super::layout::{Drawing, Flow, HEIGHT, Mark, NodeId, ROOT, WIDTH};
use super::text::font;
use crate::engine::{Error, Result, Time};
use krilla::Document;
use krilla::color::rgb;
use krilla::configure::{Accessibility, Archival, ConfigurationBuilder, PdfVersion};
use krilla::destination::XyzDestination;
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::num::NormalizedF32;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, SpanTag, TagGroup, TagTree};
use krilla::{SerializeSettings, geom::Path};

/// What the PDF says about itself.
pub(super) struct About {
    pub title: String,
    pub author: String,
    pub id: String,
    pub language: &'static str,
    pub made: Time,
    pub zone: String,
}

/// The file that goes inside.
pub(super) struct Embedded {
    pub name: &'static str,
    pub media_type: &'static str,
    pub description: String,
    pub bytes: Vec<u8>,
}

/// Writes the pages.
pub(super) fn write(flow: Flow, about: &About, embedded: Embedded) -> Result<Vec<u8>> {
    let mut document = Document::new_with(settings()?);
    let date = date(about)?;
    let mut contents: Vec<Vec<Identifier>> = vec![Vec::new(); flow.elements.len()];
    for page in &flow.pages {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).ok_or_else(|| refused("page size"))?;
        let mut sheet = document.start_page_with(size);
        let mut surface = sheet.surface();
        for placed in page {
            let identifier = surface.start_tagged(tag_of(placed.mark));
            draw(&mut surface, &placed.drawing);
            surface.end_tagged();
            if let Mark::Content(node, _) = placed.mark
                && let Some(of_node) = contents.get_mut(node)
            {
                of_node.push(identifier);
            }
        }
        surface.finish();
        sheet.finish();
    }
    let mut tree = TagTree::new().with_lang(Some(about.language.to_owned()));
    for child in &flow.elements[ROOT].children {
        tree.push(group(&flow, *child, &mut contents));
    }
    document.set_tag_tree(tree);
    document.set_outline(outline(&flow));
    document.set_metadata(
        Metadata::new()
            .title(about.title.clone())
            .authors(vec![about.author.clone()])
            .creator("rubrica".to_owned())
            .producer(concat!("rubrica ", env!("CARGO_PKG_VERSION")).to_owned())
            .document_id(about.id.clone())
            .language(about.language.to_owned())
            .creation_date(date),
    );
    document.embed_file(EmbeddedFile {
        path: embedded.name.to_owned(),
        mime_type: MimeType::new(embedded.media_type),
        description: Some(embedded.description),
        association_kind: AssociationKind::Data,
        data: embedded.bytes.into(),
        modification_date: Some(date),
        compress: None,
        location: None,
    });
    let mut pdf = document
        .finish()
        .map_err(|e| refused(&format!("{e:?}").chars().take(200).collect::<String>()))?;
    // An incremental update must begin on a line of its own (ISO 19005-3 §6.1.9).
    pdf.push(b'\n');
    Ok(pdf)
}

fn settings() -> Result<SerializeSettings> {
    let configuration = ConfigurationBuilder::new()
        .with_version(PdfVersion::Pdf17)
        .with_archival_validator(Archival::A3_A)
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|_| refused("configuration"))?;
    Ok(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    })
}

fn tag_of(mark: Mark) -> ContentTag<'static> {
    let artifact = |kind| ContentTag::Artifact(Artifact::with_kind(kind));
    match mark {
        Mark::Content(_, language) => ContentTag::Span(SpanTag::empty().with_lang(language)),
        Mark::Header => artifact(ArtifactType::Header),
        Mark::Footer => artifact(ArtifactType::Footer),
        Mark::Decoration => artifact(ArtifactType::Layout),
    }
}

fn draw(surface: &mut Surface<'_>, drawing: &Drawing) {
    match drawing {
        Drawing::Text {
            x,
            baseline,
            style,
            line,
        } => {
            surface.set_fill(Some(fill(style.colour)));
            let mut x = *x;
            for run in &line.runs {
                surface.draw_glyphs(
                    Point::from_xy(x, *baseline),
                    &run.glyphs,
                    font(style.weight),
                    &run.text,
                    style.size,
                    false,
                );
                x += run.width * style.size;
            }
        }
        Drawing::Box {
            x,
            y,
            width,
            height,
            colour,
        } => {
            let mut path = PathBuilder::new();
            if let Some(rect) = Rect::from_xywh(*x, *y, *width, *height) {
                path.push_rect(rect);
            }
            paint(surface, path.finish(), *colour);
        }
        Drawing::Squares {
            x,
            y,
            module,
            size,
            dark,
        } => paint(surface, squares(*x, *y, *module, *size, dark), [0, 0, 0]),
    }
}

/// One path over all dark squares, a rectangle for each run of a row.
fn squares(x: f32, y: f32, module: f32, size: usize, dark: &[bool]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (row, line) in dark.chunks(size.max(1)).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|a, b| a == b) {
            if run.first() == Some(&true) {
                let (left, top) = (x + column as f32 * module, y + row as f32 * module);
                if let Some(rect) = Rect::from_xywh(left, top, run.len() as f32 * module, module) {
                    path.push_rect(rect);
                }
            }
            column += run.len();
        }
    }
    path.finish()
}

fn paint(surface: &mut Surface<'_>, path: Option<Path>, colour: [u8; 3]) {
    if let Some(path) = path {
        surface.set_fill(Some(fill(colour)));
        surface.draw_path(&path);
    }
}

fn fill([red, green, blue]: [u8; 3]) -> Fill {
    Fill {
        paint: rgb::Color::new(red, green, blue).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}

/// The subtree of a node; a leaf holds what was drawn for it, on whatever pages.
fn group(flow: &Flow, node: NodeId, contents: &mut [Vec<Identifier>]) -> TagGroup {
    let element = &flow.elements[node];
    let mut group = TagGroup::new(element.tag.clone());
    for identifier in contents
        .get_mut(node)
        .map(std::mem::take)
        .unwrap_or_default()
    {
        group.push(identifier);
    }
    for child in &element.children {
        group.push(self::group(flow, *child, contents));
    }
    group
}

fn outline(flow: &Flow) -> Outline {
    let mut outline = Outline::new();
    for (text, page, y) in &flow.outline {
        outline.push_child(OutlineNode::new(
            text.clone(),
            XyzDestination::new(*page, Point::from_xy(0.0, *y)),
        ));
    }
    outline
}

fn date(about: &About) -> Result<DateTime> {
    let zoned = about.made.in_zone(&about.zone)?;
    let part = |n: i8| u8::try_from(n).unwrap_or(0);
    let minutes = zoned.offset().seconds() / 60;
    Ok(DateTime::new(u16::try_from(zoned.year()).unwrap_or(0))
        .month(part(zoned.month()))
        .day(part(zoned.day()))
        .hour(part(zoned.hour()))
        .minute(part(zoned.minute()))
        .second(part(zoned.second()))
        .utc_offset_hour(i8::try_from(minutes / 60).unwrap_or(0))
        .utc_offset_minute(u8::try_from(minutes.abs() % 60).unwrap_or(0)))
}

fn refused(what: &str) -> Error {
    Error::internal("receipt", format!("the PDF could not be written: {what}"))
}
