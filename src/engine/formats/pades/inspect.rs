//! What signatures a PDF has, what they cover, and what came after them.
//!
//! ISO 32000-2 §12.8, EN 319 142-1 v1.2.1 (unchecked). In: the document; out: [`Evidence`]. Found are the signatures
//! of the form's fields and, so that none can be hidden, whatever else in the file looks like a signature dictionary of
//! one of its revisions. Each must leave out its own /Contents and nothing else; each is also looked at in the file as it
//! was when it was signed. Everything after that counts as a later change, whatever it is. Not here: the CMS inside
//! (`cades`), any judgement.

use super::covered::Covered;
use super::dictionary::{SignatureDictionary, SubFilter, fault};
use super::form::Form;
use crate::engine::crypto::{DigestAlgorithm, Hasher, SignatureAlgorithm, digest};
use crate::engine::error::{Error, ErrorKind, Result};
use crate::engine::evidence::{
    Bytes, ChangeKind, Evidence, Family, Fault, LaterChange, Level, Object, ObjectId, ObjectKind,
    Origin, Pool, Properties, Reference, Scope, ScopeKind, Signature, SignedData as Signed,
    SignerReference, Tier, TimestampKind,
};
use crate::engine::formats::cades::{Content, ContentDigest, inspect_signer, inspect_timestamp};
use crate::engine::limits::Budget;
use crate::engine::pki::cms::SignedData;
use crate::engine::pki::{Certificate, CertificateList, OcspResponse};
use crate::engine::syntax::asn1::{Reader, Tag, names};
use crate::engine::syntax::pdf::{self, Document, Place};
use memchr::memmem;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

const CMS: &str = "ISO 32000-2 §12.8.3.3.1 (unchecked)";
/// One object of the document security store; CRLs are the largest.
const STORE_OBJECT: usize = 64 << 20;

/// A signature dictionary and how it was found.
#[derive(Debug)]
pub(super) struct Located {
    /// The full name of its field; a place in the file where no field leads to it.
    pub(super) name: String,
    pub(super) dictionary: SignatureDictionary,
    /// A field of the form leads to it.
    referenced: bool,
}

/// The document read strictly, or by guessing with the reason why, and its signatures in the order of signing.
pub(super) fn locate<'a>(
    bytes: &'a [u8],
    budget: &mut Budget,
) -> Result<(Document<'a>, Vec<Located>, Option<Error>)> {
    let strict = Document::open(bytes, budget).and_then(|document| {
        let located = signatures(&document, budget)?;
        Ok((document, located))
    });
    let error = match strict {
        Ok((document, located)) => return Ok((document, located, None)),
        Err(error) if error.kind() != ErrorKind::Malformed => return Err(error),
        Err(error) => error,
    };
    // Something is damaged. If signatures can be made out all the same, they are reported, and fail.
    let recovered = Document::recover(bytes, budget).and_then(|document| {
        let located = signatures(&document, budget)?;
        Ok((document, located))
    });
    match recovered {
        Ok((document, located)) if !located.is_empty() => Ok((document, located, Some(error))),
        Err(limit) if limit.kind() == ErrorKind::LimitExceeded => Err(limit),
        _ => Err(error),
    }
}

fn signatures(document: &Document<'_>, budget: &mut Budget) -> Result<Vec<Located>> {
    let mut located = of_fields(document, budget)?;
    of_no_field(document, &mut located, budget)?;
    if located.len() > budget.limits().signatures as usize {
        return Err(Error::limit(
            "limits.signatures",
            format!("more than {} signatures", budget.limits().signatures),
        ));
    }
    // Those whose /ByteRange is wrong come first: they have no place among the revisions.
    located.sort_by_key(|l| l.dictionary.covered_end());
    Ok(located)
}

/// The signatures that the form's fields have as value.
fn of_fields(document: &Document<'_>, budget: &mut Budget) -> Result<Vec<Located>> {
    let form = Form::read(document, budget)?;
    let mut located = Vec::new();
    let mut values = HashSet::new();
    for field in form.signature_fields {
        let Some(value) = &field.value else { continue };
        let holder = value.as_reference().or(field.holder);
        if value.as_reference().is_some_and(|r| !values.insert(r)) {
            continue;
        }
        let object = document.resolve(value, budget)?;
        if *object == pdf::Object::Null {
            continue;
        }
        let empty = pdf::Dictionary::new();
        let dictionary = object.as_dictionary().unwrap_or(&empty);
        // A reference to a reference would make it uncertain where the dictionary stands.
        let direct = match value.as_reference() {
            Some(reference) => document.load(reference, budget)?.as_reference().is_none(),
            None => true,
        };
        let in_file = direct && in_file(document, holder, budget)?;
        located.push(Located {
            name: field.name,
            dictionary: SignatureDictionary::read(document, dictionary, in_file, budget)?,
            referenced: true,
        });
    }
    Ok(located)
}

fn in_file(
    document: &Document<'_>,
    holder: Option<pdf::Reference>,
    budget: &mut Budget,
) -> Result<bool> {
    Ok(match holder {
        Some(holder) => matches!(document.place(holder.number, budget)?, Place::File { .. }),
        None => false,
    })
}

/// Signature dictionaries that no field leads to: objects with a /ByteRange that some revision of the file lists.
/// Usage rights, which Adobe's products signed so that a reader would allow more, sign nothing for anyone (§12.8.2.3).
fn of_no_field(
    document: &Document<'_>,
    located: &mut Vec<Located>,
    budget: &mut Budget,
) -> Result<()> {
    const KEY: &[u8] = b"/ByteRange";
    let bytes = document.bytes();
    let known: HashSet<usize> = located
        .iter()
        .filter_map(|l| l.dictionary.byte_range_at)
        .collect();
    let usage_rights = usage_rights(document, budget)?;
    let mut seen = HashSet::new();
    for at in memmem::find_iter(bytes, KEY) {
        budget.step(1)?;
        let mut value = pdf::Parser::new(bytes, at + KEY.len(), budget);
        value.skip_white_space()?;
        if known.contains(&value.position()) {
            continue;
        }
        let Some((reference, offset)) = document.object_around(at, budget)? else {
            continue;
        };
        if usage_rights == Some(reference) || !seen.insert(offset) {
            continue;
        }
        let Ok(object) = document.object_at(reference, offset, budget) else {
            continue;
        };
        let Some(dictionary) = object.as_dictionary().filter(|d| d.contains("ByteRange")) else {
            continue;
        };
        located.push(Located {
            name: format!("object {reference}"),
            dictionary: SignatureDictionary::read(document, dictionary, true, budget)?,
            referenced: false,
        });
    }
    Ok(())
}

fn usage_rights(document: &Document<'_>, budget: &mut Budget) -> Result<Option<pdf::Reference>> {
    let (_, catalog) = document.catalog(budget)?;
    let Some(catalog) = catalog.as_dictionary() else {
        return Ok(None);
    };
    let permissions = document.value(catalog, "Perms", budget)?;
    Ok(permissions.as_dictionary().and_then(|p| {
        p.get("UR3")
            .or_else(|| p.get("UR"))
            .and_then(pdf::Object::as_reference)
    }))
}

/// Everything about the document's signatures.
pub(super) fn inspect(bytes: &[u8], budget: &mut Budget) -> Result<Evidence> {
    let (document, located, error) = locate(bytes, budget)?;
    let mut evidence = Evidence::new("PAdES", bytes);
    if let Some(error) = &error {
        evidence.faults.push(structure_fault(error));
    }
    let store = read_security_store(&document, &mut evidence.pool, budget)?;
    let mut covered = Covered::new(store.objects);
    let revision_ends: Vec<usize> = document.revisions().iter().map(|r| r.end).collect();
    let mut ends = Vec::new();
    for one in &located {
        if one.dictionary.mistyped_timestamp {
            let clause = "ISO 32000-2 §12.8.5";
            let fault = Fault::warning("pdf.timestamp.type", clause, one.name.as_str());
            evidence.faults.push(fault);
            continue;
        }
        let mut faults = one.dictionary.faults.clone();
        faults.extend(error.as_ref().map(structure_fault));
        let whole = one.dictionary.covered_end() == Some(bytes.len());
        if error.is_none() {
            faults.extend(own_revision_faults(&document, one, whole, budget)?);
        }
        let end = one.dictionary.covered_end().unwrap_or(bytes.len());
        let found = Found {
            document: &document,
            located: one,
            revision_ends: &revision_ends,
            faults,
        };
        if one.dictionary.sub_filter == Some(SubFilter::Rfc3161) {
            if found.timestamp(&mut evidence, budget)? {
                covered.add_stamp(&evidence.timestamps, end);
            }
        } else {
            let mut signature = found.signature(&mut evidence.pool, budget)?;
            add_related_timestamp(&document, one, &mut signature, &mut evidence.pool, budget)?;
            covered.add_signature(&signature, end);
            evidence.signatures.push(signature);
            ends.push(end);
        }
    }
    let stamped: Vec<usize> = located
        .iter()
        .filter(|l| l.dictionary.sub_filter == Some(SubFilter::Rfc3161))
        .filter(|l| !l.dictionary.mistyped_timestamp)
        .filter_map(|l| l.dictionary.covered_end())
        .collect();
    covered.tell(&mut evidence.timestamps, budget)?;
    let material = store.has_revocation.then(|| Material::of(&evidence.pool));
    for (signature, end) in evidence.signatures.iter_mut().zip(ends) {
        let stamped = stamped.iter().any(|s| *s > end);
        if signature.level.tier == Tier::B && stamped {
            signature.level.tier = Tier::T;
        }
        if signature.level.tier == Tier::T
            && material
                .as_ref()
                .is_some_and(|m| has_revocation(signature, m))
        {
            signature.level.tier = if stamped { Tier::Lta } else { Tier::Lt };
        }
    }
    Ok(evidence)
}

/// The objects of the pool, read.
struct Material {
    certificates: Vec<Certificate>,
    lists: Vec<CertificateList>,
    responses: Vec<OcspResponse>,
}

impl Material {
    fn of(pool: &Pool) -> Self {
        let of_kind = |kind| pool.of_kind(kind).map(|(_, object)| &object.bytes);
        Material {
            certificates: of_kind(ObjectKind::Certificate)
                .filter_map(|bytes| Certificate::from_der(bytes).ok())
                .collect(),
            lists: of_kind(ObjectKind::CertificateRevocationList)
                .filter_map(|bytes| CertificateList::from_der(bytes).ok())
                .collect(),
            responses: of_kind(ObjectKind::OcspResponse)
                .filter_map(|bytes| OcspResponse::from_der(bytes).ok())
                .collect(),
        }
    }
}

/// Is there revocation data for the signer's certificate and those above it, as far as they are there? What level LT
/// needs by its structure (EN 319 142-1 §6.3); whether the data is any good is the verdict's to say.
fn has_revocation(signature: &Signature, material: &Material) -> bool {
    let Material {
        certificates,
        lists,
        responses,
    } = material;
    let Some(named) = signature.certificate_references.first() else {
        return false;
    };
    let mut next = certificates
        .iter()
        .find(|c| *digest(named.algorithm, c.bytes()) == *named.digest);
    let mut found = false;
    // Longer paths than this do not occur; a circle of cross-certificates does.
    for _ in 0..10 {
        let Some(certificate) = next.filter(|c| !c.is_self_issued()) else {
            break;
        };
        let listed = lists.iter().any(|l| l.issuer() == certificate.issuer());
        let answered = responses
            .iter()
            .flat_map(OcspResponse::responses)
            .any(|r| r.cert_id.serial == certificate.serial());
        if !listed && !answered {
            return false;
        }
        found = true;
        next = certificates
            .iter()
            .find(|c| c.subject() == certificate.issuer());
    }
    found
}

fn structure_fault(error: &Error) -> Fault {
    fault("pdf.structure", "ISO 32000-2 §7.5", error.to_string())
}

/// The document as it was when it was signed must be a sound one that has the same dictionary at the same place; and a
/// field must have led to it.
fn own_revision_faults(
    document: &Document<'_>,
    located: &Located,
    whole: bool,
    budget: &mut Budget,
) -> Result<Vec<Fault>> {
    const UNREFERENCED: &str = "pdf.signature.unreferenced";
    const CLAUSE: &str = "ISO 32000-2 §12.7.5.5";
    if whole {
        let fault = || fault(UNREFERENCED, CLAUSE, "");
        return Ok((!located.referenced).then(fault).into_iter().collect());
    }
    let Some(signed) = located
        .dictionary
        .covered_end()
        .and_then(|end| document.bytes().get(..end))
    else {
        return Ok(Vec::new());
    };
    let fields = Document::open(signed, budget).and_then(|signed| of_fields(&signed, budget));
    match fields {
        Ok(fields) => {
            let place = &located.dictionary.byte_range_at;
            let was = fields.iter().any(|f| f.dictionary.byte_range_at == *place);
            Ok(match (was, located.referenced) {
                (true, true) => Vec::new(),
                (true, false) => vec![Fault::warning(UNREFERENCED, CLAUSE, "by now")],
                (false, _) => vec![fault(UNREFERENCED, CLAUSE, "when it was signed")],
            })
        }
        Err(error) if error.kind() == ErrorKind::LimitExceeded => Err(error),
        Err(error) => Ok(vec![fault(
            "pdf.revision.unsound",
            "ISO 32000-2 §7.5.6",
            error.to_string(),
        )]),
    }
}

/// One signature dictionary on its way to evidence.
struct Found<'d, 'a> {
    document: &'d Document<'a>,
    located: &'d Located,
    revision_ends: &'d [usize],
    faults: Vec<Fault>,
}

impl Found<'_, '_> {
    /// The CMS message at the beginning of /Contents; zeros may follow it, and nothing else.
    fn message(&mut self) -> Result<SignedData> {
        let contents = &self.located.dictionary.contents;
        let (data, length) = SignedData::from_ber_prefix(contents)?;
        let rest = contents.get(length..).unwrap_or_default();
        if let Some(at) = rest.iter().position(|b| *b != 0) {
            self.faults.push(Fault::doubt(
                "pdf.contents.padding",
                "ISO 32000-2 §12.8.1",
                format!("byte {} of /Contents", length + at),
            ));
        }
        Ok(data)
    }

    fn signature(mut self, pool: &mut Pool, budget: &mut Budget) -> Result<Signature> {
        let dictionary = &self.located.dictionary;
        let digests = Digests::new(self.document.bytes(), dictionary.ranges.as_ref());
        let over_ranges = |algorithm| digests.digest(algorithm);
        budget.step(digests.cost())?;
        let sub_filter = dictionary.sub_filter.clone();
        let mut signature = match &sub_filter {
            Some(SubFilter::X509RsaSha1) => self.bare_signature(&over_ranges, pool),
            _ => self.cms_signature(&over_ranges, pool, budget)?,
        };
        if let Some(SubFilter::Other(_)) = sub_filter {
            let unknown = Fault::doubt("pdf.sub_filter.unknown", "ISO 32000-2 §12.8.3", "");
            self.faults.push(unknown);
        }
        signature.form = sub_filter
            .as_ref()
            .map_or("none", SubFilter::as_str)
            .to_string();
        let time = dictionary.claimed_time;
        if sub_filter != Some(SubFilter::CadesDetached) {
            signature.level.tier = Tier::NotEtsi;
            signature.claimed_time = signature.claimed_time.or(time);
        } else {
            // EN 319 142-1 §6.3: the claimed time is /M, and a baseline signature has it.
            if time.is_none() && signature.level.tier > Tier::Bes {
                signature.level.tier = Tier::Bes;
            }
            signature.claimed_time = time.or(signature.claimed_time);
            if !dictionary.certificates.is_empty() {
                self.faults.push(Fault::warning(
                    "pdf.cert.present",
                    "EN 319 142-1 §6.3 (unchecked)",
                    "",
                ));
            }
        }
        let entries = [
            ("/Cert", !dictionary.certificates.is_empty()),
            ("/Location", dictionary.location.is_some()),
            ("/M", time.is_some()),
            ("/Reason", dictionary.reason.is_some()),
        ];
        for (entry, _) in entries.iter().filter(|(_, there)| *there) {
            signature.properties.add_signed(entry);
        }
        signature.reason = dictionary.reason.clone();
        signature.location = dictionary.location.clone();
        self.finish(&mut signature);
        Ok(signature)
    }

    fn cms_signature(
        &mut self,
        over_ranges: ContentDigest<'_>,
        pool: &mut Pool,
        budget: &mut Budget,
    ) -> Result<Signature> {
        let data = match self.message() {
            Ok(data) => data,
            Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            Err(error) => {
                self.faults
                    .push(fault("cms.malformed", "RFC 5652 §5.1", error.to_string()));
                return Ok(self.empty_signature());
            }
        };
        let signers = data.signer_infos().len();
        if signers != 1 {
            // Which of several the document means nobody says: the first is judged, and doubt remains.
            let found = signers.to_string();
            self.faults.push(match signers {
                0 => fault("pdf.cms.signers", CMS, found),
                _ => Fault::doubt("pdf.cms.signers", CMS, found),
            });
        }
        if signers == 0 {
            return Ok(self.empty_signature());
        }
        let hashed = self.located.dictionary.sub_filter == Some(SubFilter::Pkcs7Sha1);
        let attached = |algorithm| data.content_digest(algorithm);
        let content: ContentDigest<'_> = if hashed { &attached } else { over_ranges };
        let name = self.located.name.clone();
        let mut signature = inspect_signer(
            &data,
            0,
            Content {
                digest: content,
                apart: None,
            },
            Family::Pades,
            name,
            pool,
            budget,
        )?;
        if hashed {
            // What is signed is the SHA-1 that the message carries; that it is the document's must be seen too.
            signature.references.push(Reference {
                name: "byte-range".to_string(),
                algorithm: DigestAlgorithm::Sha1,
                expected: data.content().unwrap_or_default().into(),
                actual: over_ranges(DigestAlgorithm::Sha1).map(Bytes::from),
            });
        } else if let (true, Ok(algorithm)) =
            (data.is_attached(), &data.signer_infos()[0].digest_algorithm)
        {
            // "No data shall be encapsulated": what is there all the same must at least be the document.
            signature.references.push(Reference {
                name: "encapsulated-content".to_string(),
                algorithm: *algorithm,
                expected: attached(*algorithm).unwrap_or_default().into(),
                actual: over_ranges(*algorithm).map(Bytes::from),
            });
            self.faults
                .push(Fault::warning("pdf.cms.attached", CMS, ""));
        }
        let timed = data.signer_infos()[0]
            .signed_attributes
            .as_ref()
            .is_some_and(|a| a.count(&names::ID_SIGNING_TIME) > 0);
        if timed && signature.level.tier > Tier::Bes {
            // EN 319 142-1 §6.3: a baseline signature has the time in /M alone.
            signature.level.tier = Tier::Bes;
        }
        if data.is_attached() || signers != 1 {
            signature.level.tier = Tier::NotEtsi;
        }
        Ok(signature)
    }

    /// `adbe.x509.rsa_sha1` (ISO 32000-1 §12.8.3.2): /Contents is an OCTET STRING with the signature value, /Cert the
    /// certificates, the signer's first.
    fn bare_signature(&mut self, over_ranges: ContentDigest<'_>, pool: &mut Pool) -> Signature {
        let dictionary = &self.located.dictionary;
        let mut signature = self.empty_signature();
        let mut reader = Reader::ber(&dictionary.contents);
        let value = reader
            .expect(Tag::OCTET_STRING, "/Contents")
            .and_then(|v| v.octets().map(|o| o.into_owned()));
        match value {
            Ok(value) => signature.value = value.into(),
            Err(error) => self.faults.push(fault(
                "pdf.contents.malformed",
                "ISO 32000-1 §12.8.3.2",
                error.to_string(),
            )),
        }
        let rest = dictionary
            .contents
            .get(reader.position()..)
            .unwrap_or_default();
        if rest.iter().any(|b| *b != 0) {
            self.faults
                .push(fault("pdf.contents.padding", "ISO 32000-2 §12.8.1", ""));
        }
        let embed = |c: &Vec<u8>| {
            pool.add(Object::new(
                ObjectKind::Certificate,
                c.as_slice(),
                Origin::Embedded,
            ))
        };
        signature.certificates = dictionary.certificates.iter().map(embed).collect();
        signature.algorithm = Some(SignatureAlgorithm::RsaPkcs1(DigestAlgorithm::Sha1));
        signature.digest_algorithm = Some(DigestAlgorithm::Sha1);
        signature.signed = Signed::Content(over_ranges(DigestAlgorithm::Sha1).map(Bytes::from));
        signature
    }

    fn empty_signature(&self) -> Signature {
        Signature {
            id: ObjectId::of(&self.located.dictionary.contents),
            name: self.located.name.clone(),
            level: Level {
                family: Family::Pades,
                tier: Tier::NotEtsi,
            },
            form: String::new(),
            faults: Vec::new(),
            algorithm: None,
            digest_algorithm: None,
            signed: Signed::Content(None),
            value: Bytes::default(),
            references: Vec::new(),
            signer: SignerReference::None,
            certificate_references: Vec::new(),
            certificates: Vec::new(),
            claimed_time: None,
            policy: None,
            properties: Properties::default(),
            reason: None,
            location: None,
            countersigns: None,
            timestamps: Vec::new(),
            scopes: Vec::new(),
            later_changes: Vec::new(),
        }
    }

    /// A document time-stamp (EN 319 142-1 §5.4.3 (unchecked)). Its structure's faults stand with its signature. Whether it
    /// could be read.
    fn timestamp(mut self, evidence: &mut Evidence, budget: &mut Budget) -> Result<bool> {
        let digests = Digests::new(
            self.document.bytes(),
            self.located.dictionary.ranges.as_ref(),
        );
        budget.step(digests.cost())?;
        let over_ranges = |algorithm| digests.digest(algorithm);
        let timestamp = self.message().and_then(|data| {
            inspect_timestamp(
                data.bytes(),
                TimestampKind::Document,
                &over_ranges,
                &mut evidence.pool,
                budget,
            )
        });
        match timestamp {
            Ok(mut timestamp) => {
                timestamp.signature.name = self.located.name.clone();
                timestamp.signature.form = SubFilter::Rfc3161.as_str().to_string();
                self.finish(&mut timestamp.signature);
                evidence.timestamps.push(timestamp);
                return Ok(true);
            }
            Err(error) if error.kind() == ErrorKind::LimitExceeded => return Err(error),
            Err(error) => evidence.faults.push(Fault::warning(
                "timestamp.unreadable",
                "RFC 3161 §2.4.2",
                error.to_string(),
            )),
        }
        Ok(false)
    }

    /// What is the same for signatures and time-stamps: faults, scope, later changes.
    fn finish(self, signature: &mut Signature) {
        let length = self.document.bytes().len();
        let end = self.located.dictionary.covered_end();
        let revisions = self.revision_ends;
        let own = end.and_then(|end| revisions.iter().position(|r| *r >= end));
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        signature.scopes.push(Scope {
            kind: match end {
                Some(end) if end == length => ScopeKind::Full,
                _ => ScopeKind::Partial,
            },
            name: "document".to_string(),
            revision: own.map(|own| (number(own + 1), number(revisions.len()))),
        });
        if let Some(end) = end {
            signature.later_changes = later_changes(self.document.bytes(), end, revisions);
        }
        signature.faults.extend(self.faults);
    }
}

/// What stands after `covered`: revisions with a cross-reference of their own, and bytes that belong to none.
fn later_changes(bytes: &[u8], covered: usize, revision_ends: &[usize]) -> Vec<LaterChange> {
    let change = |kind, range: Range<usize>| LaterChange {
        kind,
        offset: range.start as u64,
        length: range.len() as u64,
    };
    let mut changes = Vec::new();
    let mut from = covered;
    for &end in revision_ends.iter().filter(|end| **end > covered) {
        // The end of line of the signed revision's own marker is no revision; it is not signed either.
        let between = bytes.get(from..end).unwrap_or_default();
        let kind = if between.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            ChangeKind::Bytes
        } else {
            ChangeKind::Revision
        };
        changes.push(change(kind, from..end));
        from = end;
    }
    if from < bytes.len() {
        changes.push(change(ChangeKind::Bytes, from..bytes.len()));
    }
    changes
}

/// Digests of the signed ranges, each algorithm once, over the document where it stands.
struct Digests<'a> {
    parts: Option<[&'a [u8]; 2]>,
    known: RefCell<HashMap<DigestAlgorithm, Vec<u8>>>,
}

impl<'a> Digests<'a> {
    fn new(bytes: &'a [u8], ranges: Option<&[Range<usize>; 2]>) -> Self {
        let parts = ranges.and_then(|[first, second]| {
            Some([bytes.get(first.clone())?, bytes.get(second.clone())?])
        });
        Digests {
            parts,
            known: RefCell::default(),
        }
    }

    /// A step for each kibibyte, so that a thousand signatures over a gigabyte end.
    fn cost(&self) -> u64 {
        let length: usize = self.parts.iter().flatten().map(|p| p.len()).sum();
        (length >> 10) as u64
    }

    fn digest(&self, algorithm: DigestAlgorithm) -> Option<Vec<u8>> {
        let parts = self.parts.as_ref()?;
        let mut known = self.known.borrow_mut();
        let digest = known.entry(algorithm).or_insert_with(|| {
            let mut hasher = Hasher::new(algorithm);
            parts.iter().for_each(|part| hasher.update(part));
            hasher.finish()
        });
        Some(digest.clone())
    }
}

/// What the document security store holds.
#[derive(Default)]
struct Store {
    has_revocation: bool,
    /// Its objects, each with where it begins in the file.
    objects: Vec<(ObjectId, usize)>,
}

/// Puts what the document security store holds (ISO 32000-2 §12.8.4.3) into the pool. What cannot be read in it is passed over: it is an offer of material, and nothing hangs on it.
fn read_security_store(
    document: &Document<'_>,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<Store> {
    let mut found = Store::default();
    let (_, catalog) = document.catalog(budget)?;
    let Some(catalog) = catalog.as_dictionary() else {
        return Ok(found);
    };
    let store = document.value(catalog, "DSS", budget);
    let Some(store) = usable(store)? else {
        return Ok(found);
    };
    let Some(store) = store.as_dictionary() else {
        return Ok(found);
    };
    for (key, kind) in [
        ("Certs", ObjectKind::Certificate),
        ("CRLs", ObjectKind::CertificateRevocationList),
        ("OCSPs", ObjectKind::OcspResponse),
    ] {
        let Some(list) = usable(document.value(store, key, budget))? else {
            continue;
        };
        for entry in list.as_array().unwrap_or_default() {
            let Some(object) = usable(document.resolve(entry, budget))? else {
                continue;
            };
            let Some(stream) = object.as_stream() else {
                continue;
            };
            let Some(data) = usable(document.decode(stream, STORE_OBJECT, budget))? else {
                continue;
            };
            let id = pool.add(Object::new(kind, data, Origin::Embedded));
            found.has_revocation |= kind != ObjectKind::Certificate;
            if let Some(begin) = begin_of(document, entry, budget)? {
                found.objects.push((id, begin));
            }
        }
    }
    Ok(found)
}

/// Where the object that `entry` refers to begins in the file.
fn begin_of(
    document: &Document<'_>,
    entry: &pdf::Object,
    budget: &mut Budget,
) -> Result<Option<usize>> {
    let Some(reference) = entry.as_reference() else {
        return Ok(None);
    };
    let place = usable(document.place(reference.number, budget))?;
    Ok(match place {
        Some(Place::File { offset, .. }) => Some(offset),
        _ => None,
    })
}

/// The time-stamp that the store keeps for one signature (EN 319 142-1 §5.4.2.3 (unchecked)): /DSS /VRI, under the SHA-1
/// of /Contents, /TS. It is over the signature value.
fn add_related_timestamp(
    document: &Document<'_>,
    located: &Located,
    signature: &mut Signature,
    pool: &mut Pool,
    budget: &mut Budget,
) -> Result<()> {
    let Some(token) = usable(related_timestamp(document, located, budget))?.flatten() else {
        return Ok(());
    };
    let value = signature.value.clone();
    let over = |algorithm| Some(digest(algorithm, &value));
    let kind = TimestampKind::ValidationRelated;
    if let Some(mut timestamp) = usable(inspect_timestamp(&token, kind, &over, pool, budget))? {
        timestamp.signatures.push(signature.id);
        signature.timestamps.push(timestamp);
    }
    Ok(())
}

fn related_timestamp(
    document: &Document<'_>,
    located: &Located,
    budget: &mut Budget,
) -> Result<Option<Vec<u8>>> {
    let (_, catalog) = document.catalog(budget)?;
    let within = |object: &pdf::Object, key: &str, budget: &mut Budget| match object.as_dictionary()
    {
        Some(dictionary) => document
            .value(dictionary, key, budget)
            .map(|v| (*v).clone()),
        None => Ok(pdf::Object::Null),
    };
    let store = within(&catalog, "DSS", budget)?;
    let related = within(&store, "VRI", budget)?;
    let contents = &located.dictionary.contents;
    let key: String = digest(DigestAlgorithm::Sha1, contents)
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect();
    let entry = within(&related, &key, budget)?;
    let token = within(&entry, "TS", budget)?;
    match token.as_stream() {
        Some(stream) => document.decode(stream, STORE_OBJECT, budget).map(Some),
        None => Ok(None),
    }
}

/// `None` for what is damaged; an error only where a limit of the whole job is met.
fn usable<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.element().starts_with("limits.") => Err(error),
        Err(_) => Ok(None),
    }
}
