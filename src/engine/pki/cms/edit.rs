//! A `SignedData` taken apart, added to, and written again as DER (RFC 5652 §5.1).
//!
//! In: a message as received, or nothing. Out: pieces, with the content as ranges of the input, so that content of any size
//! is not copied. What is signed – content octets, certificates, revocation data, signed attributes, tokens – keeps its
//! bytes; what stands around them is made DER, or left as it was where somebody depends on it ([`Rewriting`]). Whether
//! anybody does is for `formats/cades` to see.

use super::attribute::Attribute;
use super::read::{SignedData, SignerInfo, content_ranges};
use crate::engine::error::{Error, Result};
use crate::engine::syntax::asn1::{Oid, Reader, Tag, Tlv, der, has_der_lengths, names};
use std::ops::Range;

/// How what is there already is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewriting {
    /// As DER, as far as nobody signed it.
    Der,
    /// As received; only the lengths around what is added are written anew.
    AsReceived,
}

/// A `SignedData` in parts.
#[derive(Debug, Clone)]
pub struct Draft {
    rewriting: Rewriting,
    version: u8,
    digest_algorithms: Vec<Vec<u8>>,
    encapsulated: Encapsulated,
    certificates: Choices,
    revocation: Choices,
    signers: Vec<Vec<u8>>,
    plain_data: bool,
}

/// `encapContentInfo`.
#[derive(Debug, Clone)]
enum Encapsulated {
    /// As it stands in the input.
    AsReceived(Range<usize>),
    /// The type, and the content as ranges of the input, if it is inside.
    Octets(Oid, Option<Vec<Range<usize>>>),
}

impl Encapsulated {
    fn of(element: &Tlv<'_>, rewriting: Rewriting) -> Result<Encapsulated> {
        let as_received = element.offset()..element.offset() + element.bytes().len();
        if rewriting == Rewriting::AsReceived {
            return Ok(Encapsulated::AsReceived(as_received));
        }
        let mut fields = element.inner_of("encapContentInfo")?;
        let kind = fields.oid("eContentType")?;
        let Some(wrapper) = fields.optional(Tag::context(0), "eContent")? else {
            return Ok(Encapsulated::Octets(kind, None));
        };
        // PKCS #7 1.5 lets any element be the content: such a one stays as it is.
        let content = wrapper.inner_of("eContent")?.read("eContent")?;
        if !content.is_octet_string() {
            return Ok(Encapsulated::AsReceived(as_received));
        }
        Ok(Encapsulated::Octets(kind, Some(content_ranges(&wrapper)?)))
    }
}

/// `CertificateSet` or `RevocationInfoChoices`: its members keep their bytes.
#[derive(Debug, Clone, Default)]
struct Choices {
    members: Vec<Vec<u8>>,
    /// How many there were, and the element around them.
    received: Option<(usize, Vec<u8>)>,
}

impl Choices {
    fn of(element: &Tlv<'_>) -> Result<Choices> {
        let members = bytes_of(&elements(element)?);
        Ok(Choices {
            received: Some((members.len(), element.bytes().to_vec())),
            members,
        })
    }

    fn add(&mut self, one: Vec<u8>) {
        add(&mut self.members, one);
    }

    fn has(&self, identifier: u8) -> bool {
        let mut first = self.members.iter().map(|choice| choice.first());
        first.any(|found| found == Some(&identifier))
    }

    fn write(&self, tag: u8, rewriting: Rewriting) -> Vec<u8> {
        match &self.received {
            _ if self.members.is_empty() => Vec::new(),
            Some((count, bytes))
                if rewriting == Rewriting::AsReceived && *count == self.members.len() =>
            {
                bytes.clone()
            }
            _ => der::implicit(tag, &set(self.members.clone(), rewriting)),
        }
    }
}

/// A message in pieces: new bytes, ranges of the input, new bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Written {
    pub before: Vec<u8>,
    pub content: Vec<Range<usize>>,
    pub after: Vec<u8>,
}

impl Written {
    /// Whether it is `document`, byte for byte, its content being part of that.
    pub fn is(&self, document: &[u8]) -> bool {
        let mut rest = document;
        let pieces = self.content.iter().filter_map(|r| document.get(r.clone()));
        let own = [self.before.as_slice()].into_iter().chain(pieces);
        own.chain([self.after.as_slice()]).all(|piece| {
            let found = rest.strip_prefix(piece);
            rest = found.unwrap_or_default();
            found.is_some()
        }) && rest.is_empty()
    }

    /// In one piece.
    pub fn joined(&self, input: &[u8]) -> Vec<u8> {
        let content = self.content.iter().filter_map(|r| input.get(r.clone()));
        let mut all = self.before.clone();
        content.for_each(|piece| all.extend_from_slice(piece));
        all.extend_from_slice(&self.after);
        all
    }
}

impl Draft {
    /// A message without signers, over content of `content_type`; `attached` is where it stands in the input.
    pub fn new(content_type: Oid, attached: Option<Range<usize>>) -> Draft {
        Draft {
            rewriting: Rewriting::Der,
            version: 1,
            digest_algorithms: Vec::new(),
            plain_data: content_type == names::ID_DATA,
            encapsulated: Encapsulated::Octets(content_type, attached.map(|range| vec![range])),
            certificates: Choices::default(),
            revocation: Choices::default(),
            signers: Vec::new(),
        }
    }

    /// A message as received in parts; `data` is `bytes` read.
    pub fn of(bytes: &[u8], data: &SignedData, rewriting: Rewriting) -> Result<Draft> {
        let mut fields = signed_data_fields(bytes)?;
        fields.read("version")?;
        let digest_algorithms = elements(&fields.read("digestAlgorithms")?)?;
        let encapsulated = Encapsulated::of(&fields.read("encapContentInfo")?, rewriting)?;
        let mut draft = Draft {
            rewriting,
            version: data.version(),
            plain_data: *data.content_type() == names::ID_DATA,
            digest_algorithms: rewritten(digest_algorithms, rewriting)?,
            encapsulated,
            certificates: Choices::default(),
            revocation: Choices::default(),
            signers: Vec::new(),
        };
        while let Some(field) = fields.next_element()? {
            match field.tag() {
                tag if tag == Tag::context(0) => draft.certificates = Choices::of(&field)?,
                tag if tag == Tag::context(1) => draft.revocation = Choices::of(&field)?,
                _ => draft.signers = bytes_of(&elements(&field)?),
            }
        }
        if rewriting == Rewriting::Der {
            for signer in &mut draft.signers {
                *signer = SignerDraft::of(signer, rewriting)?.write();
            }
        }
        Ok(draft)
    }

    /// Adds a digest algorithm, an `AlgorithmIdentifier`, unless it is there.
    pub fn add_digest_algorithm(&mut self, identifier: Vec<u8>) {
        add(&mut self.digest_algorithms, identifier);
    }

    /// Adds an X.509 certificate unless it is there.
    pub fn add_certificate(&mut self, certificate: &[u8]) {
        self.certificates.add(certificate.to_vec());
    }

    /// Adds a `CertificateList` unless it is there.
    pub fn add_crl(&mut self, crl: &[u8]) {
        self.revocation.add(crl.to_vec());
    }

    /// Adds an `OCSPResponse` (RFC 5940 §2.1, unchecked) unless it is there.
    pub fn add_ocsp_response(&mut self, response: &[u8]) {
        let format = der::oid(&names::ID_RI_OCSP_RESPONSE);
        let other = der::sequence(&[&format, response]);
        self.revocation.add(der::implicit(1, &other));
    }

    /// Adds a `SignerInfo`.
    pub fn add_signer(&mut self, signer_info: Vec<u8>) {
        self.signers.push(signer_info);
    }

    /// Adds `attribute` to the unsigned ones of the signer that `path` leads to: the number of a signer, then each time
    /// that of a counter-signature among the values that can be read.
    pub fn add_unsigned_attribute(&mut self, path: &[usize], attribute: &Attribute) -> Result<()> {
        let gone = || Error::not_found("signature", "the message has none of that number");
        let (first, rest) = path.split_first().ok_or_else(gone)?;
        let signer = self.signers.get_mut(*first).ok_or_else(gone)?;
        *signer = with_attribute(signer, rest, attribute, self.rewriting)?;
        Ok(())
    }

    /// As a `ContentInfo`.
    pub fn write(&self) -> Written {
        let head = [
            der::integer(u64::from(self.version())),
            set(self.digest_algorithms.clone(), self.rewriting),
        ]
        .concat();
        let (around, content) = match &self.encapsulated {
            Encapsulated::AsReceived(range) => (Vec::new(), vec![range.clone()]),
            Encapsulated::Octets(kind, None) => (der::sequence(&[&der::oid(kind)]), Vec::new()),
            Encapsulated::Octets(kind, Some(ranges)) => {
                (before_octets(kind, length(ranges)), ranges.clone())
            }
        };
        let after = [
            self.certificates.write(0, self.rewriting),
            self.revocation.write(1, self.rewriting),
            set(self.signers.clone(), self.rewriting),
        ]
        .concat();
        let inside = head.len() + around.len() + length(&content) + after.len();
        let data = der::header(0x30, inside);
        let wrapper = der::header(0xa0, data.len() + inside);
        let kind = der::oid(&names::ID_SIGNED_DATA);
        let whole = der::header(0x30, kind.len() + wrapper.len() + data.len() + inside);
        Written {
            before: [whole, kind, wrapper, data, head, around].concat(),
            content,
            after,
        }
    }

    /// `CMSVersion` by what is inside (RFC 5652 §5.1), and not below what it was.
    fn version(&self) -> u8 {
        let by_key = |signer: &Vec<u8>| SignerInfo::from_ber(signer).is_ok_and(|s| s.version == 3);
        let due = match () {
            () if self.certificates.has(0xa3) || self.revocation.has(0xa1) => 5,
            () if self.certificates.has(0xa2) => 4,
            () if self.certificates.has(0xa1) || !self.plain_data => 3,
            () if self.signers.iter().any(by_key) => 3,
            () => 1,
        };
        due.max(self.version)
    }
}

/// `SET OF`, in the order of DER or in that of the list.
fn set(list: Vec<Vec<u8>>, rewriting: Rewriting) -> Vec<u8> {
    match rewriting {
        Rewriting::Der => der::set_of(list),
        Rewriting::AsReceived => der::tlv(0x31, &list.concat()),
    }
}

/// `encapContentInfo` up to its octets, of which there are `octets`.
fn before_octets(content_type: &Oid, octets: usize) -> Vec<u8> {
    let kind = der::oid(content_type);
    let inner = der::header(0x04, octets);
    let wrapper = der::header(0xa0, inner.len() + octets);
    let whole = der::header(0x30, kind.len() + wrapper.len() + inner.len() + octets);
    [whole, kind, wrapper, inner].concat()
}

fn length(ranges: &[Range<usize>]) -> usize {
    ranges.iter().map(Range::len).sum()
}

fn add(list: &mut Vec<Vec<u8>>, one: Vec<u8>) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// The fields of a `SignedData`, in a `ContentInfo` or bare.
fn signed_data_fields(bytes: &[u8]) -> Result<Reader<'_>> {
    let mut fields = Reader::ber(bytes).whole_sequence("CMS ContentInfo")?;
    if fields.peek() != Some(Tag::OID) {
        return Ok(fields);
    }
    fields.read("contentType")?;
    let wrapper = fields.expect(Tag::context(0), "content")?;
    wrapper.inner_of("content")?.sequence("SignedData")
}

fn elements<'a>(set: &Tlv<'a>) -> Result<Vec<Tlv<'a>>> {
    let mut list = set.inner_of("SET")?;
    let mut all = Vec::new();
    while let Some(one) = list.next_element()? {
        all.push(one);
    }
    Ok(all)
}

fn bytes_of(elements: &[Tlv<'_>]) -> Vec<Vec<u8>> {
    elements.iter().map(|one| one.bytes().to_vec()).collect()
}

/// Elements that nobody signs by themselves, as DER if that is wanted and they are not.
fn rewritten(elements: Vec<Tlv<'_>>, rewriting: Rewriting) -> Result<Vec<Vec<u8>>> {
    /// How deep they are re-encoded: the deepest, a name, has five levels.
    const DEPTH: u32 = 16;
    let one = |element: &Tlv<'_>| match rewriting {
        Rewriting::Der if !has_der_lengths(element.bytes()) || element.is_octet_string() => {
            der::from_ber(element, DEPTH)
        }
        _ => Ok(element.bytes().to_vec()),
    };
    elements.iter().map(one).collect()
}

/// A `SignerInfo` in parts.
struct SignerDraft {
    rewriting: Rewriting,
    /// From `version` to `signature`.
    fields: Vec<Vec<u8>>,
    /// Each an `Attribute`.
    unsigned: Vec<Vec<u8>>,
}

impl SignerDraft {
    fn of(bytes: &[u8], rewriting: Rewriting) -> Result<SignerDraft> {
        let element = Tlv::whole(Reader::ber(bytes), "SignerInfo")?;
        let mut draft = SignerDraft {
            rewriting,
            fields: Vec::new(),
            unsigned: Vec::new(),
        };
        for field in elements(&element)? {
            if field.tag() == Tag::context(1) {
                for attribute in elements(&field)? {
                    draft.unsigned.push(as_attribute(&attribute, rewriting)?);
                }
            } else if field.tag() == Tag::context(0) && draft.fields.len() == 3 {
                // signedAttrs: signed, though a verifier makes them DER itself.
                draft.fields.push(field.bytes().to_vec());
            } else {
                draft.fields.extend(rewritten(vec![field], rewriting)?);
            }
        }
        Ok(draft)
    }

    fn write(self) -> Vec<u8> {
        let mut fields = self.fields;
        if !self.unsigned.is_empty() {
            fields.push(der::implicit(1, &set(self.unsigned, self.rewriting)));
        }
        der::sequence_of(&fields)
    }
}

/// An `Attribute` whose values keep their bytes.
fn as_attribute(element: &Tlv<'_>, rewriting: Rewriting) -> Result<Vec<u8>> {
    if rewriting == Rewriting::AsReceived {
        return Ok(element.bytes().to_vec());
    }
    let mut fields = element.inner_of("Attribute")?;
    let kind = fields.oid("attrType")?;
    let values = bytes_of(&elements(&fields.read("attrValues")?)?);
    Ok(der::sequence(&[&der::oid(&kind), &der::set_of(values)]))
}

/// `signer_info` with `attribute` among the unsigned ones of whom `path` leads to.
fn with_attribute(
    signer_info: &[u8],
    path: &[usize],
    attribute: &Attribute,
    rewriting: Rewriting,
) -> Result<Vec<u8>> {
    let mut draft = SignerDraft::of(signer_info, rewriting)?;
    let Some((number, rest)) = path.split_first() else {
        draft.unsigned.push(attribute.to_der());
        return Ok(draft.write());
    };
    let mut left = *number;
    for present in &mut draft.unsigned {
        let mut fields = Reader::ber(present).sequence("Attribute")?;
        if fields.oid("attrType")? != names::ID_COUNTERSIGNATURE {
            continue;
        }
        let mut values = bytes_of(&elements(&fields.read("attrValues")?)?);
        let readable = values
            .iter_mut()
            .filter(|v| SignerInfo::from_ber(v).is_ok());
        let mut found = false;
        for value in readable {
            if left == 0 {
                *value = with_attribute(value, rest, attribute, rewriting)?;
                found = true;
                break;
            }
            left -= 1;
        }
        if found {
            let kind = der::oid(&names::ID_COUNTERSIGNATURE);
            *present = der::sequence(&[&kind, &set(values, rewriting)]);
            return Ok(draft.write());
        }
    }
    Err(Error::not_found(
        "counter-signature",
        "the signature has none of that number",
    ))
}
