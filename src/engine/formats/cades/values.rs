//! What the unsigned attributes of a signer hold for validation: certificates, revocation data, and references to them
//! (EN 319 122-1 §A.1, TS 101 733 §6.3, unchecked).
//!
//! In: one attribute. Out: the objects in it; or, of an attribute of references, the digests that it names. Which of them
//! an archive time-stamp covers is `proven`.

use crate::engine::crypto::{DigestAlgorithm, digest};
use crate::engine::error::Result;
use crate::engine::evidence::{Object, ObjectId, ObjectKind, Origin, Pool};
use crate::engine::pki::Certificate;
use crate::engine::pki::cms::{Attribute, Attributes};
use crate::engine::syntax::asn1::{Reader, Tag, Tlv, names};
use std::cell::OnceCell;
use std::collections::HashMap;

/// The digests by which references are honoured: what SHA-1 names, another object may be made to have, and a reference
/// that proves nothing need not be followed.
const REFERENCE_DIGESTS: [DigestAlgorithm; 3] = [
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
];

/// How deep the digests of references are looked for.
const DEPTH: u32 = 12;

/// The certificates and revocation data of all `attributes`, in their order; what cannot be read is passed over, since an
/// attribute that nobody signed proves nothing and takes nothing away.
pub(super) fn all(attributes: &Attributes) -> Vec<Object> {
    attributes
        .iter()
        .flat_map(|attribute| attribute.values.iter().map(move |value| (attribute, value)))
        .flat_map(|(attribute, value)| of_value(attribute, value))
        .collect()
}

/// Those of one value.
pub(super) fn of_value(attribute: &Attribute, value: &[u8]) -> Vec<Object> {
    let read = match attribute.id {
        names::ID_AA_ETS_CERT_VALUES => certificate_values(value),
        names::ID_AA_ETS_REVOCATION_VALUES => revocation_values(value),
        names::ID_AA_ETS_LONG_TERM_VALIDATION => long_term_validation(value),
        _ => return Vec::new(),
    };
    read.unwrap_or_default()
}

fn object(kind: ObjectKind, element: &Tlv<'_>) -> Object {
    Object::new(kind, element.bytes(), Origin::Embedded)
}

/// Whether it can be what it should be. A token begins with an object identifier, and none of these does.
fn is_value(kind: ObjectKind, element: &Tlv<'_>) -> bool {
    let begins = element.tag() == Tag::SEQUENCE && element.inner().peek() == Some(Tag::SEQUENCE);
    begins && (kind != ObjectKind::Certificate || Certificate::from_der(element.bytes()).is_ok())
}

fn each(mut list: Reader<'_>, kind: ObjectKind, all: &mut Vec<Object>) -> Result<()> {
    while let Some(one) = list.next_element()? {
        if is_value(kind, &one) {
            all.push(object(kind, &one));
        }
    }
    Ok(())
}

/// `CertificateValues ::= SEQUENCE OF Certificate`.
fn certificate_values(value: &[u8]) -> Result<Vec<Object>> {
    let mut all = Vec::new();
    let list = Reader::ber(value).whole_sequence("CertificateValues")?;
    each(list, ObjectKind::Certificate, &mut all)?;
    Ok(all)
}

/// `RevocationValues ::= SEQUENCE { crlVals [0] SEQUENCE OF CertificateList OPTIONAL, ocspVals [1] SEQUENCE OF
/// BasicOCSPResponse OPTIONAL, otherRevVals [2] OtherRevVals OPTIONAL }`.
fn revocation_values(value: &[u8]) -> Result<Vec<Object>> {
    let mut all = Vec::new();
    let mut fields = Reader::ber(value).whole_sequence("RevocationValues")?;
    while let Some(field) = fields.next_element()? {
        let kind = match field.tag().context_number() {
            Some(0) => ObjectKind::CertificateRevocationList,
            Some(1) => ObjectKind::OcspResponse,
            _ => continue,
        };
        each(
            field.inner_of("RevocationValues")?.sequence("values")?,
            kind,
            &mut all,
        )?;
    }
    Ok(all)
}

/// `LongTermValidation ::= SEQUENCE { poeDate GeneralizedTime, poeValue CHOICE { timeStamp [0] EXPLICIT, evidenceRecord [1]
/// EXPLICIT } OPTIONAL, extraCertificates [0] IMPLICIT CertificateSet OPTIONAL, extraRevocation [1] IMPLICIT
/// RevocationInfoChoices OPTIONAL }`: the certificates and lists. Tag [0] stands for two things.
fn long_term_validation(value: &[u8]) -> Result<Vec<Object>> {
    let mut all = Vec::new();
    let mut fields = Reader::ber(value).whole_sequence("LongTermValidation")?;
    while let Some(field) = fields.next_element()? {
        let kind = match field.tag().context_number() {
            Some(0) => ObjectKind::Certificate,
            Some(1) => ObjectKind::CertificateRevocationList,
            _ => continue,
        };
        let mut set = field.inner_of("LongTermValidation")?;
        while let Some(one) = set.next_element()? {
            if is_value(kind, &one) {
                all.push(object(kind, &one));
            } else if kind == ObjectKind::CertificateRevocationList && one.tag() == Tag::context(1)
            {
                let mut other = one.inner_of("OtherRevocationInfoFormat")?;
                other.oid("otherRevInfoFormat")?;
                all.push(object(
                    ObjectKind::OcspResponse,
                    &other.read("otherRevInfo")?,
                ));
            }
        }
    }
    Ok(all)
}

/// Whether it is an attribute of references: complete-certificate-references, complete-revocation-references.
pub(super) fn is_reference(attribute: &Attribute) -> bool {
    let references = [
        names::ID_AA_ETS_CERTIFICATE_REFS,
        names::ID_AA_ETS_REVOCATION_REFS,
    ];
    references.contains(&attribute.id)
}

/// The objects of a pool by their digests. They are computed when the first reference is met.
pub(super) struct ByDigest<'p> {
    pool: &'p Pool,
    table: OnceCell<HashMap<Vec<u8>, ObjectId>>,
}

impl<'p> ByDigest<'p> {
    pub(super) fn new(pool: &'p Pool) -> ByDigest<'p> {
        let table = OnceCell::new();
        ByDigest { pool, table }
    }

    pub(super) fn pool(&self) -> &'p Pool {
        self.pool
    }

    fn table(&self) -> &HashMap<Vec<u8>, ObjectId> {
        self.table.get_or_init(|| {
            let of = |(id, object): (&ObjectId, &Object)| {
                REFERENCE_DIGESTS.map(|algorithm| (digest(algorithm, &object.bytes), *id))
            };
            self.pool.iter().flat_map(of).collect()
        })
    }

    /// The objects that an attribute of references names.
    pub(super) fn referenced(&self, attribute: &Attribute, value: &[u8]) -> Vec<ObjectId> {
        let mut all = Vec::new();
        if is_reference(attribute) {
            let mut found = |octets: &[u8]| all.extend(self.table().get(octets).copied());
            octet_strings(Reader::ber(value), DEPTH, &mut found);
        }
        all
    }
}

/// Every octet string of `list`: digests stand nowhere else in references, and nothing else is equal to one.
fn octet_strings(mut list: Reader<'_>, depth: u32, found: &mut dyn FnMut(&[u8])) {
    while let Ok(Some(element)) = list.next_element() {
        if element.tag() == Tag::OCTET_STRING && !element.constructed() {
            found(element.content());
        } else if element.constructed() && depth > 0 {
            octet_strings(element.inner(), depth - 1, found);
        }
    }
}
