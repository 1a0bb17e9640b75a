//! A `SignedData` as it was before some of its unsigned attributes came in: "the attribute has to be removed … apart from
//! that, the existing coding must not be modified" (RFC 4998 §A).

use crate::engine::crypto::{DigestAlgorithm, Hasher};
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der};
use std::borrow::Cow;

/// A value of an unsigned attribute: the signer, the attribute of this signer and its value, each by number from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub struct AttributeValue {
    pub signer: usize,
    pub attribute: usize,
    pub value: usize,
}

/// A message in pieces, most of them borrowed.
#[derive(Debug, Clone)]
pub struct Pieces<'a>(Vec<Cow<'a, [u8]>>);

impl Pieces<'_> {
    /// Its digest.
    pub fn digest(&self, algorithm: DigestAlgorithm) -> Vec<u8> {
        let mut hasher = Hasher::new(algorithm);
        self.0.iter().for_each(|piece| hasher.update(piece));
        hasher.finish()
    }
}

/// The values of unsigned attributes whose type is among `ids`, with what they are, in the order of the structure.
pub fn unsigned_values<'a>(
    message: &'a [u8],
    ids: &[Oid],
) -> Result<Vec<(AttributeValue, Oid, &'a [u8])>> {
    let mut found = Vec::new();
    for (signer, info) in signers(message)?.2.iter().enumerate() {
        let Some(attributes) = unsigned(info)?.1 else {
            continue;
        };
        for (attribute, one) in attributes.iter().enumerate() {
            let mut fields = one.inner_of("Attribute")?;
            let id = fields.oid("attrType")?;
            if !ids.contains(&id) {
                continue;
            }
            let values = elements(fields.set("attrValues")?)?;
            found.extend(values.iter().enumerate().map(|(value, element)| {
                let place = AttributeValue {
                    signer,
                    attribute,
                    value,
                };
                (place, id, element.bytes())
            }));
        }
    }
    Ok(found)
}

/// `message` without the values of unsigned attributes that `removed` names; attributes and sets left empty go with them.
/// Where `sorted`, the signers stand in the order of DER (X.690 §11.6): a signer that grows moves in it.
pub fn without<'a>(
    message: &'a [u8],
    removed: &dyn Fn(AttributeValue) -> bool,
    sorted: bool,
) -> Result<Pieces<'a>> {
    let (wrappers, set, infos) = signers(message)?;
    let mut rebuilt = Vec::new();
    for (signer, info) in infos.iter().enumerate() {
        rebuilt.push(signer_without(info, &|attribute, value| {
            removed(AttributeValue {
                signer,
                attribute,
                value,
            })
        })?);
    }
    if sorted {
        rebuilt.sort();
    }
    let mut inner = wrap(&set, rebuilt.into_iter().map(Cow::Owned).collect());
    let mut child = set;
    for wrapper in wrappers.iter().rev() {
        let start = child.offset() - wrapper.content_offset();
        let end = start + child.bytes().len();
        let content = wrapper.content();
        inner.insert(0, Cow::Borrowed(&content[..start]));
        inner.push(Cow::Borrowed(&content[end..]));
        inner = wrap(wrapper, inner);
        child = *wrapper;
    }
    Ok(Pieces(inner))
}

/// The elements around the set of signers, the outermost first; the set; the signers.
type Signers<'a> = (Vec<Tlv<'a>>, Tlv<'a>, Vec<Tlv<'a>>);

fn signers(message: &[u8]) -> Result<Signers<'_>> {
    let outer = Tlv::whole(Reader::ber(message), "CMS ContentInfo")?;
    let mut wrappers = vec![outer];
    let mut fields = outer.inner_of("CMS ContentInfo")?;
    if fields.peek() == Some(Tag::OID) {
        fields.oid("contentType")?;
        let content = fields.expect(Tag::context(0), "content")?;
        let data = content
            .inner_of("content")?
            .expect(Tag::SEQUENCE, "SignedData")?;
        wrappers.extend([content, data]);
        fields = data.inner_of("SignedData")?;
    }
    let last = elements(fields)?.pop();
    let set = last.ok_or_else(|| Error::malformed("SignedData", "is empty"))?;
    let infos = elements(set.inner_of("signerInfos")?)?;
    Ok((wrappers, set, infos))
}

fn elements<'a>(mut reader: Reader<'a>) -> Result<Vec<Tlv<'a>>> {
    let mut all = Vec::new();
    while let Some(element) = reader.next_element()? {
        all.push(element);
    }
    Ok(all)
}

/// The unsigned attributes of a signer: the element, and the attributes in it.
type Unsigned<'a> = (Option<Tlv<'a>>, Option<Vec<Tlv<'a>>>);

fn unsigned<'a>(info: &Tlv<'a>) -> Result<Unsigned<'a>> {
    let last = elements(info.inner_of("SignerInfo")?)?.pop();
    let Some(element) = last.filter(|field| field.tag() == Tag::context(1)) else {
        return Ok((None, None));
    };
    let attributes = elements(element.inner_of("unsignedAttrs")?)?;
    Ok((Some(element), Some(attributes)))
}

fn signer_without(info: &Tlv<'_>, removed: &dyn Fn(usize, usize) -> bool) -> Result<Vec<u8>> {
    let (Some(set), Some(attributes)) = unsigned(info)? else {
        return Ok(info.bytes().to_vec());
    };
    let mut kept = Vec::new();
    let mut changed = false;
    for (number, attribute) in attributes.iter().enumerate() {
        let mut fields = attribute.inner_of("Attribute")?;
        let id = fields.expect(Tag::OID, "attrType")?;
        let values = fields.expect(Tag::SET, "attrValues")?;
        let all = elements(values.inner_of("attrValues")?)?;
        let left: Vec<_> = all
            .iter()
            .enumerate()
            .filter(|(value, _)| !removed(number, *value))
            .map(|(_, element)| Cow::Borrowed(element.bytes()))
            .collect();
        if left.len() == all.len() {
            kept.push(Cow::Borrowed(attribute.bytes()));
            continue;
        }
        changed = true;
        if !left.is_empty() {
            let mut inner = vec![Cow::Borrowed(id.bytes())];
            inner.extend(wrap(&values, left));
            kept.push(Cow::Owned(wrap(attribute, inner).concat()));
        }
    }
    if !changed {
        return Ok(info.bytes().to_vec());
    }
    let before = set.offset() - info.content_offset();
    let mut inner = vec![Cow::Borrowed(&info.content()[..before])];
    if !kept.is_empty() {
        inner.extend(wrap(&set, kept));
    }
    Ok(wrap(info, inner).concat())
}

/// `content` in the identifier of `element` and the form of its length.
fn wrap<'a>(element: &Tlv<'a>, content: Vec<Cow<'a, [u8]>>) -> Vec<Cow<'a, [u8]>> {
    let bytes = element.bytes();
    let header = element.content_offset() - element.offset();
    let mut all = Vec::with_capacity(content.len() + 2);
    if bytes[header - 1] == 0x80 && bytes.len() == header + element.content().len() + 2 {
        all.push(Cow::Borrowed(&bytes[..header]));
        all.extend(content);
        all.push(Cow::Borrowed(&[0, 0][..]));
    } else {
        let length = content.iter().map(|piece| piece.len()).sum();
        all.push(Cow::Owned(der::header(bytes[0], length)));
        all.extend(content);
    }
    all
}
