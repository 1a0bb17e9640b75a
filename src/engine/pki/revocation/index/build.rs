//! Building an index from a list in one pass, in bounded memory.

use super::form::{
    Header, KEY, LINE, MOST_ENTRIES, PAGE, Says, Words, detail, key_words, pack, sum, to_bytes,
    write_parts,
};
use super::read::IndexedList;
use super::sort::{RUN, Sorter};
use super::stream::{Around, Streamed, io_error, stream};
use crate::engine::crypto::{DigestAlgorithm, Hasher, PublicKey, SignatureInput, sha256};
use crate::engine::error::{Error, Result};
use crate::engine::pki::crl::ListHeader;
use crate::engine::syntax::asn1::{Reader, Tag, names};
use std::collections::HashMap;
use std::io::{BufWriter, Cursor, Read, Seek, SeekFrom, Write};
use std::ops::Range;

/// Issuers that the entries of an indirect list may name; real ones name a few.
pub(super) const MOST_ISSUERS: usize = 10_000;
/// Bytes of their names altogether.
const MOST_ISSUER_BYTES: usize = 4 << 20;

/// What the issuer of a list signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// The digest of `tbsCertList`, by the digest of the signature's algorithm.
    Digest(Vec<u8>),
    /// Where `tbsCertList` stands in the list: its signature is over the message (Ed25519, Ed448).
    Message(Range<usize>),
}

/// An index that was written.
#[derive(Debug, Clone)]
pub struct Built {
    /// All of the list but its entries.
    pub header: ListHeader,
    /// SHA-256 of the list.
    pub id: [u8; 32],
    /// Bytes of the list.
    pub bytes: u64,
    /// Entries of the list.
    pub entries: u64,
}

/// Reads a list from `input` and writes its index to `out`, from its beginning. `scratch` is for lists of more than a
/// million entries. `authenticate` is asked once all was read: it answers the SubjectPublicKeyInfo of the key under which
/// it found the signature to hold; its error, any malformed entry and any critical extension of an entry that is not known
/// here end the building, and what was written is of no use.
///
/// Takes at most 56 MB, whatever the list.
pub fn build(
    input: impl Read,
    out: &mut (impl Write + Seek),
    scratch: impl Read + Write + Seek,
    authenticate: impl FnOnce(&ListHeader, &Signed) -> Result<Vec<u8>>,
) -> Result<Built> {
    build_in_runs(input, out, scratch, authenticate, RUN)
}

/// The index of `list` in memory, if the key of this SubjectPublicKeyInfo signed it.
pub fn index_in_memory(list: &[u8], spki: &[u8]) -> Result<IndexedList<Vec<u8>>> {
    let key = PublicKey::from_spki(spki)?;
    let authenticate = |header: &ListHeader, signed: &Signed| {
        let holds = match signed {
            Signed::Digest(digest) => header.is_signed_by(&key, SignatureInput::Digest(digest)),
            Signed::Message(range) => list
                .get(range.clone())
                .is_some_and(|message| header.is_signed_by(&key, SignatureInput::Message(message))),
        };
        holds
            .then(|| spki.to_vec())
            .ok_or_else(|| Error::refused("CRL", "is not signed by this key"))
    };
    let mut index = Cursor::new(Vec::new());
    build(list, &mut index, Cursor::new(Vec::new()), authenticate)?;
    IndexedList::open(index.into_inner())
}

pub(super) fn build_in_runs(
    input: impl Read,
    out: &mut (impl Write + Seek),
    scratch: impl Read + Write + Seek,
    authenticate: impl FnOnce(&ListHeader, &Signed) -> Result<Vec<u8>>,
    run: usize,
) -> Result<Built> {
    out.seek(SeekFrom::Start(PAGE as u64)).map_err(io_error)?;
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let sorter = std::cell::RefCell::new(Sorter::new(run, scratch));
    let mut collector = Collector {
        out: &mut out,
        sorter: &sorter,
        details: 0,
        number: 0,
        issuers: Issuers::default(),
    };
    // The shortest entry has 20 bytes, most have about 40.
    let started = |bytes: usize| sorter.borrow_mut().expect(bytes / 32);
    let around = stream(input, started, |entry| collector.add(&entry))?;
    let Collector {
        details,
        number,
        issuers,
        ..
    } = collector;
    let signed = around
        .digest
        .clone()
        .map_or(Signed::Message(around.layout.tbs.clone()), Signed::Digest);
    let spki = authenticate(&around.header, &signed)?;
    let fill = (details as usize).next_multiple_of(PAGE) - details as usize;
    out.write_all(&vec![0; fill]).map_err(io_error)?;
    let mut pages = Pages::new(&mut out);
    sorter
        .into_inner()
        .finish(|entry| pages.push(entry))
        .map_err(io_error)?;
    let (kept, directory) = pages.finish().map_err(io_error)?;
    let digest = around.digest.as_deref().unwrap_or_default();
    let parts = [&around.before[..], &around.after, &spki, digest];
    let tail = write_parts(
        parts
            .into_iter()
            .chain(issuers.names.iter().map(Vec::as_slice)),
    );
    let header = Header {
        list: around.id,
        list_bytes: around.layout.length as u64,
        listed: number.into(),
        kept,
        details,
        tail: tail.len() as u64,
    };
    let covered = covered(&header, &directory, &tail);
    let mut write = || {
        out.write_all(&directory)?;
        out.write_all(&tail)?;
        out.seek(SeekFrom::Start(0))?;
        out.write_all(&header.write(&covered))?;
        out.flush()
    };
    write().map_err(io_error)?;
    Ok(built(around, &header))
}

fn built(around: Around, header: &Header) -> Built {
    Built {
        header: around.header,
        id: around.id,
        bytes: header.list_bytes,
        entries: header.listed,
    }
}

/// The SHA-256 of what is read when an index is opened.
pub(super) fn covered(header: &Header, directory: &[u8], tail: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::new(DigestAlgorithm::Sha256);
    [&header.page()[..], directory, tail]
        .iter()
        .for_each(|part| hasher.update(part));
    hasher.finish().try_into().unwrap_or_default()
}

/// Takes entries as they come: what needs more than 32 bytes goes out at once, the rest into the sorter.
struct Collector<'c, W: Write, S> {
    out: &'c mut W,
    sorter: &'c std::cell::RefCell<Sorter<S>>,
    details: u64,
    number: u32,
    issuers: Issuers,
}

impl<W: Write, S: Read + Write + Seek> Collector<'_, W, S> {
    fn add(&mut self, entry: &Streamed<'_>) -> Result<()> {
        let (serial, own, says) = match entry {
            Streamed::Plain(serial, date, reason) => (serial, false, Says::Plain(*date, *reason)),
            Streamed::Other(bytes, serial, entry) => {
                let own = !entry.certificate_issuer.is_empty();
                if own {
                    self.issuers.name(bytes)?;
                }
                let says = Says::plain(entry).map_or_else(|| self.detail(bytes), Ok)?;
                (serial, own, says)
            }
        };
        if self.number >= MOST_ENTRIES {
            return Err(Error::limit(
                "revokedCertificates",
                format!("are more than {MOST_ENTRIES}"),
            ));
        }
        let group = self.issuers.last << 1 | u16::from(own);
        let entry = pack(key_words(serial, group), self.number, says);
        self.number += 1;
        self.sorter.borrow_mut().push(entry).map_err(io_error)
    }

    fn detail(&mut self, entry: &[u8]) -> Result<Says> {
        let place = self.details;
        let bytes = detail(place, entry);
        self.out.write_all(&bytes).map_err(io_error)?;
        self.details += bytes.len() as u64;
        Ok(Says::Detail(place))
    }
}

/// The issuers that entries name, each once; group 0 is the issuer of the list.
#[derive(Default)]
struct Issuers {
    names: Vec<Vec<u8>>,
    known: HashMap<[u8; 32], u16>,
    bytes: usize,
    last: u16,
}

impl Issuers {
    /// Goes over to the issuer that `entry` names.
    fn name(&mut self, entry: &[u8]) -> Result<()> {
        let names = certificate_issuer(entry)?;
        let id = sha256(&names);
        if let Some(known) = self.known.get(&id) {
            self.last = *known;
            return Ok(());
        }
        self.bytes += names.len();
        if self.names.len() >= MOST_ISSUERS || self.bytes > MOST_ISSUER_BYTES {
            let problem =
                format!("there are more than {MOST_ISSUERS}, or their names are too long");
            return Err(Error::limit("certificateIssuer", problem));
        }
        self.names.push(names);
        self.last = self.names.len() as u16;
        self.known.insert(id, self.last);
        Ok(())
    }
}

/// The value of `certificateIssuer` (RFC 5280 §5.3.3) of an entry that was read already.
fn certificate_issuer(entry: &[u8]) -> Result<Vec<u8>> {
    let mut fields = Reader::ber(entry).sequence("revokedCertificate")?;
    fields.read("userCertificate")?;
    fields.read("revocationDate")?;
    let mut extensions = fields.sequence("crlEntryExtensions")?;
    while !extensions.is_empty() {
        let mut extension = extensions.sequence("Extension")?;
        if extension.oid("extnID")? == names::ID_CE_CERTIFICATE_ISSUER {
            extension.optional(Tag::BOOLEAN, "critical")?;
            let value = extension.read("extnValue")?;
            return Ok(value.octets()?.into_owned());
        }
    }
    Err(Error::internal(
        "certificateIssuer",
        "was read and is not there",
    ))
}

/// Writes entries a page at a time, and keeps the directory.
struct Pages<W> {
    out: W,
    page: Vec<u8>,
    directory: Vec<u8>,
    kept: u64,
}

impl<W: Write> Pages<W> {
    fn new(out: W) -> Pages<W> {
        Pages {
            out,
            page: Vec::with_capacity(PAGE),
            directory: Vec::new(),
            kept: 0,
        }
    }

    fn push(&mut self, entry: &Words) -> std::io::Result<()> {
        self.page.extend_from_slice(&to_bytes(entry));
        self.kept += 1;
        if self.page.len() == PAGE {
            self.end_page()
        } else {
            Ok(())
        }
    }

    fn end_page(&mut self) -> std::io::Result<()> {
        let number = (self.directory.len() / LINE) as u64;
        let mut line = [0; LINE];
        line[..KEY].copy_from_slice(&self.page[..KEY]);
        line[LINE - 8..].copy_from_slice(&sum(&self.page, number).to_be_bytes());
        self.directory.extend(line);
        self.out.write_all(&self.page)?;
        self.page.clear();
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<(u64, Vec<u8>)> {
        if !self.page.is_empty() {
            self.end_page()?;
        }
        Ok((self.kept, self.directory))
    }
}
