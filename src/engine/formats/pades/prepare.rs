//! A PAdES baseline signature up to the private-key operation: one incremental update with room for the signature.
//!
//! ISO 32000-2 §12.7.5.5, §12.8.1; EN 319 142-1 §6.3 (unchecked). In: the document, the request, the time for /M; out: the
//! signed attributes and a [`Resume`]. The room for /Contents is measured, not guessed: the message is composed once with
//! a value of zeros. No byte of the document changes. Not here: the value itself (`embed.rs`), looks (`appearance.rs`).

use super::appearance::{add_appearance, measure, number};
use super::dictionary::{SignatureDictionary, write_date};
use super::draft::{Draft, append_here};
use super::form::{Field, Form};
use super::structure::add_form_element;
use crate::engine::crypto::{Hasher, SignatureValue};
use crate::engine::error::{Error, Result};
use crate::engine::formats::cades::{
    content_digest_algorithm, message, pdf_attributes, signature_value_room,
};
use crate::engine::formats::{PadesOptions, Part, Patch, Prepared, Resume, SignRequest};
use crate::engine::limits::Budget;
use crate::engine::syntax::pdf::{Dictionary, Document, Object, Reference};
use crate::engine::time::Time;
use memchr::memmem;
use std::ops::Range;

/// What a time-stamp token needs around it in the unsigned attributes, and for longer lengths further out.
const AROUND_TOKEN: usize = 96;
/// `[0 a b c]` with numbers of ten digits at most.
const BYTE_RANGE: usize = 3 + 3 * 11 + 1;
/// Print and Locked (ISO 32000-2 §12.5.3, table 167).
const WIDGET_FLAGS: i64 = 132;
/// SignaturesExist and AppendOnly (ISO 32000-2 §12.7.3, table 225).
const SIGNATURE_FLAGS: i64 = 3;

pub(super) fn prepare(
    bytes: &[u8],
    request: &SignRequest,
    options: &PadesOptions,
    now: Time,
    budget: &mut Budget,
) -> Result<Prepared> {
    let document = Document::open(bytes, budget)?;
    refuse_cut_short(&document)?;
    let form = Form::read(&document, budget)?;
    refuse_certified(&document, &form, budget)?;
    let algorithm = content_digest_algorithm(request);
    let zeros = SignatureValue(vec![0; signature_value_room(request)]);
    let unsigned = pdf_attributes(request, &vec![0; algorithm.length()], now)?;
    let mut length = message(request, &unsigned, &zeros).len();
    if request.timestamp_reserve > 0 {
        length += request.timestamp_reserve + AROUND_TOKEN;
    }

    let mut draft = Draft::of(&document, budget)?;
    let signature = draft.update.reserve()?;
    add_field(&mut draft, &form, options, signature)?;
    let lock = lock_of(&mut draft, &form, options)?;
    let (body, byte_range, room) = signature_dictionary(options, lock, now, length);
    draft.update.put_raw(signature, body);
    let appended = draft.finish()?;
    let at = appended
        .position(signature)
        .ok_or_else(|| Error::internal("PDF update", "the signature is not in it"))?;
    let mut new = appended.bytes;
    let (byte_range, room) = (byte_range + at, room.start + at..room.end + at);

    let before = bytes.len() + room.start;
    let after = bytes.len() + room.end;
    let rest = new.len() - room.end;
    let ranges = format!("[0 {before} {after} {rest}");
    let field = new
        .get_mut(byte_range..byte_range + BYTE_RANGE)
        .filter(|field| ranges.len() < field.len())
        .ok_or_else(|| Error::limit("PDF", "the file is too long for its /ByteRange"))?;
    field[..ranges.len()].copy_from_slice(ranges.as_bytes());

    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.update(new.get(..room.start).unwrap_or_default());
    hasher.update(new.get(room.end..).unwrap_or_default());
    let attributes = pdf_attributes(request, &hasher.finish(), now)?;
    Ok(Prepared {
        to_be_signed: attributes.clone(),
        resume: Resume {
            request: request.clone(),
            signed_attributes: attributes,
            patch: Patch(vec![Part::Input(0..bytes.len()), Part::New(new)]),
            // Within the angle brackets.
            room: before + 1..after - 1,
        },
    })
}

/// What was cut short in an update still shows its last whole revision, without the signatures of the update: sealing that
/// would seal what nobody sent. White space and other padding after the end is no fault.
fn refuse_cut_short(document: &Document<'_>) -> Result<()> {
    let rest = document.bytes().get(document.end()..).unwrap_or_default();
    if memmem::find(rest, b" obj").is_none() {
        return Ok(());
    }
    Err(
        Error::malformed("PDF", "an update after its last `%%EOF` is not whole")
            .at(document.end() as u64)
            .remedy("The file seems cut short: send the whole document."),
    )
}

/// A certification signature with P 1 permits "no changes to the document" (ISO 32000-2 §12.8.2.2.2, table 257).
fn refuse_certified(document: &Document<'_>, form: &Form, budget: &mut Budget) -> Result<()> {
    let (_, catalog) = document.catalog(budget)?;
    let mut values: Vec<Object> = form
        .signature_fields
        .iter()
        .filter_map(|f| f.value.clone())
        .collect();
    if let Some(catalog) = catalog.as_dictionary() {
        let permissions = document.value(catalog, "Perms", budget)?;
        values.extend(
            permissions
                .as_dictionary()
                .and_then(|p| p.get("DocMDP").cloned()),
        );
    }
    for value in values {
        let value = document.resolve(&value, budget)?;
        let Some(dictionary) = value.as_dictionary() else {
            continue;
        };
        let signature = SignatureDictionary::read(document, dictionary, true, budget)?;
        if signature.permissions == Some(1) {
            return Err(Error::refused(
                "PDF",
                "its certification signature permits no changes, and a signature is one",
            )
            .remedy("Sign the document before it is certified, or sign it in an ASiC container."));
        }
    }
    Ok(())
}

/// The signature dictionary as bytes; where the value of /ByteRange begins in them, and the value of /Contents.
fn signature_dictionary(
    options: &PadesOptions,
    lock: Option<Dictionary>,
    now: Time,
    length: usize,
) -> (Vec<u8>, usize, Range<usize>) {
    let mut dictionary = Dictionary::new()
        .with("Type", Object::name("Sig"))
        .with("Filter", Object::name("Adobe.PPKLite"))
        .with("SubFilter", Object::name("ETSI.CAdES.detached"))
        .with("M", Object::string(write_date(now)));
    for (key, value) in [
        ("Name", &options.name),
        ("Reason", &options.reason),
        ("Location", &options.location),
    ] {
        if let Some(value) = value {
            dictionary.set(key, Object::text(value));
        }
    }
    if let Some(lock) = lock {
        dictionary.set("Reference", vec![lock.into()]);
    }
    let mut body = Vec::with_capacity(2 * length + 512);
    dictionary.write(&mut body);
    body.truncate(body.len() - 2);
    body.extend_from_slice(b"/ByteRange");
    let byte_range = body.len();
    body.resize(byte_range + BYTE_RANGE - 1, b' ');
    body.extend_from_slice(b"]/Contents");
    let from = body.len();
    body.push(b'<');
    body.resize(from + 1 + 2 * length, b'0');
    body.push(b'>');
    let room = from..body.len();
    body.extend_from_slice(b">>");
    (body, byte_range, room)
}

/// Makes the field, or takes the one that the request names, and puts it into form, page and structure.
fn add_field(
    draft: &mut Draft<'_, '_, '_>,
    form: &Form,
    options: &PadesOptions,
    signature: Reference,
) -> Result<()> {
    let (root, _) = draft.document.catalog(draft.budget)?;
    match existing_field(form, options)? {
        Some(field) => sign_field(draft, field, options, signature)?,
        None => {
            let widget = new_field(draft, form, options, signature)?;
            let elsewhere =
                append_here(form_dictionary(draft, form, root)?, "Fields", widget.into())?;
            draft.append_elsewhere(elsewhere)?;
        }
    }
    let form = form_dictionary(draft, form, root)?;
    let flags = form.get("SigFlags").and_then(Object::as_integer);
    form.set("SigFlags", flags.unwrap_or(0) | SIGNATURE_FLAGS);
    Ok(())
}

/// The form's dictionary, as an object of its own or in the catalog.
fn form_dictionary<'x>(
    draft: &'x mut Draft<'_, '_, '_>,
    form: &Form,
    root: Reference,
) -> Result<&'x mut Dictionary> {
    if let (Some(reference), true) = (form.reference, form.dictionary.is_some()) {
        return draft.dictionary(reference);
    }
    let catalog = draft.dictionary(root)?;
    if !matches!(catalog.get("AcroForm"), Some(Object::Dictionary(_))) {
        catalog.set("AcroForm", Dictionary::new());
    }
    catalog
        .dictionary_mut("AcroForm")
        .ok_or_else(|| Error::internal("PDF catalog", "the form was not put into it"))
}

/// The unsigned field of the name that the request gives.
fn existing_field<'f>(form: &'f Form, options: &PadesOptions) -> Result<Option<&'f Field>> {
    let Some(name) = &options.field else {
        return Ok(None);
    };
    match form.signature_fields.iter().find(|f| f.name == *name) {
        Some(field) if field.value.as_ref().is_none_or(|v| *v == Object::Null) => Ok(Some(field)),
        Some(_) => Err(Error::refused("signature field", "it is signed already")
            .remedy("Name another field, or none to have one made.")),
        None if form.names.contains(name) => Err(Error::refused(
            "signature field",
            "a field of that name exists, and it is none for signatures",
        )),
        None => Ok(None),
    }
}

/// Puts the signature into a field that was there before, with the seal on its own rectangle.
fn sign_field(
    draft: &mut Draft<'_, '_, '_>,
    field: &Field,
    options: &PadesOptions,
    signature: Reference,
) -> Result<()> {
    let reference = field.reference.ok_or_else(|| {
        Error::unsupported(
            "signature field",
            "it stands inside another object and cannot be signed",
        )
    })?;
    let appearance = match (&options.visible, rectangle_of(draft, field)?) {
        (Some(seal), Some(size)) => Some(add_appearance(draft, seal, size)?),
        _ => None,
    };
    let dictionary = draft.dictionary(reference)?;
    dictionary.set("V", signature);
    if let Some(appearance) = appearance {
        dictionary.set("AP", Dictionary::new().with("N", appearance));
    }
    Ok(())
}

/// Width and height of a field that is its own widget and can be seen.
fn rectangle_of(draft: &mut Draft<'_, '_, '_>, field: &Field) -> Result<Option<[f64; 2]>> {
    let Some(dictionary) = field.dictionary.as_dictionary() else {
        return Ok(None);
    };
    let rectangle = draft.document.value(dictionary, "Rect", draft.budget)?;
    let corners: Vec<f64> = rectangle
        .as_array()
        .unwrap_or_default()
        .iter()
        .filter_map(Object::as_number)
        .collect();
    let [left, bottom, right, top] = corners[..] else {
        return Ok(None);
    };
    let size = [(right - left).abs(), (top - bottom).abs()];
    Ok((size[0] > 8.0 && size[1] > 8.0).then_some(size))
}

/// A field that is its own widget, on a page.
fn new_field(
    draft: &mut Draft<'_, '_, '_>,
    form: &Form,
    options: &PadesOptions,
    signature: Reference,
) -> Result<Reference> {
    let page = draft.page(options.visible.as_ref().map_or(0, |v| v.page))?;
    let widget = draft.update.reserve()?;
    let name = options.field.clone().unwrap_or_else(|| free_name(form));
    if name.is_empty() || name.contains('.') {
        return Err(Error::invalid(
            "signature field",
            "a name is needed, and it may have no full stop",
        ));
    }
    let mut field = Dictionary::new()
        .with("Type", Object::name("Annot"))
        .with("Subtype", Object::name("Widget"))
        .with("FT", Object::name("Sig"))
        .with("T", Object::text(&name))
        .with("F", WIDGET_FLAGS)
        .with("P", page)
        .with("V", signature);
    match &options.visible {
        None => field.set("Rect", vec![Object::Integer(0); 4]),
        Some(seal) => {
            let [left, bottom, width, height] = measure(seal.rectangle)?;
            let corners = [left, bottom, left + width, bottom + height];
            field.set("Rect", corners.map(number).to_vec());
            field.set("TU", Object::text(&seal.alternative));
            let appearance = add_appearance(draft, seal, [width, height])?;
            field.set("AP", Dictionary::new().with("N", appearance));
            let element = seal.structure_element.as_deref();
            if let Some(key) = add_form_element(draft, element, widget, page)? {
                field.set("StructParent", key);
                let page = draft.dictionary(page)?;
                if !page.contains("Tabs") {
                    page.set("Tabs", Object::name("S"));
                }
            }
        }
    }
    draft.set(widget, field);
    draft.append(page, "Annots", widget.into())?;
    Ok(widget)
}

fn free_name(form: &Form) -> String {
    (1_u64..)
        .map(|n| format!("Signature{n}"))
        .find(|name| !form.names.contains(name))
        .unwrap_or_default()
}

/// A field's /Lock becomes a FieldMDP reference of its signature (ISO 32000-2 §12.7.5.5, table 236; §12.8.2.4).
fn lock_of(
    draft: &mut Draft<'_, '_, '_>,
    form: &Form,
    options: &PadesOptions,
) -> Result<Option<Dictionary>> {
    let Some(field) = existing_field(form, options)? else {
        return Ok(None);
    };
    let Some(dictionary) = field.dictionary.as_dictionary() else {
        return Ok(None);
    };
    let lock = draft.document.value(dictionary, "Lock", draft.budget)?;
    let Some(lock) = lock.as_dictionary() else {
        return Ok(None);
    };
    let mut parameters = Dictionary::new()
        .with("Type", Object::name("TransformParams"))
        .with("V", Object::name("1.2"));
    for key in ["Action", "Fields", "P"] {
        if let Some(value) = lock.get(key) {
            parameters.set(key, value.clone());
        }
    }
    Ok(Some(
        Dictionary::new()
            .with("Type", Object::name("SigRef"))
            .with("TransformMethod", Object::name("FieldMDP"))
            .with("TransformParams", parameters),
    ))
}
