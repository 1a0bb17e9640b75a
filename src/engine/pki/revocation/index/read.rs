//! An index that is read where it stands.

use super::build::covered;
use super::form::{
    ENTRY, Entry, Header, KEY, LINE, PAGE, Places, Says, be64, corrupted, is_signed, key,
    read_detail, read_entry, read_parts, sum, unpack, write_entry,
};
use crate::engine::crypto::{PublicKey, sha256};
use crate::engine::error::Result;
use crate::engine::pki::Name;
use crate::engine::pki::crl::{ListHeader, RevocationList, RevokedEntry};
use crate::engine::pki::extension::{GeneralName, general_names};
use crate::engine::syntax::asn1::Reader;
use crate::engine::time::Time;
use std::fmt;
use std::ops::{Deref, Range};

/// An index over the bytes `B`: a map of a file, or a vector.
///
/// Its key, its header and its directory are checked when it is opened, a page of entries whenever it is asked: an index
/// that was corrupted is an error (of kind `Malformed`, about `CRL index`) and never an answer.
pub struct IndexedList<B> {
    bytes: B,
    about: Header,
    places: Places,
    header: ListHeader,
    before: Range<usize>,
    after: Range<usize>,
    spki: Vec<u8>,
    key: PublicKey,
    digest: Option<Vec<u8>>,
    issuers: Vec<Vec<GeneralName>>,
}

impl<B: Deref<Target = [u8]>> IndexedList<B> {
    /// Opens an index; its entries are not read. An index of another version is refused like a corrupted one.
    pub fn open(bytes: B) -> Result<IndexedList<B>> {
        let (about, places, said) = Header::read(&bytes)?;
        let fill = &bytes[places.details.end..places.entries.start];
        let tail = &bytes[places.tail.clone()];
        let found = covered(&about, &bytes[places.directory.clone()], tail);
        if found != said || fill.iter().any(|b| *b != 0) {
            return Err(corrupted("is not as its checksum says"));
        }
        let mut padding = bytes[..PAGE].to_vec();
        padding[48..80].fill(0);
        if padding != about.page() {
            return Err(corrupted(
                "has something in its header that does not belong there",
            ));
        }
        let parts = read_parts(tail)?;
        let [before, after, spki, digest, issuers @ ..] = &parts[..] else {
            return Err(corrupted("lacks a part"));
        };
        let header = ListHeader::from_parts(before, after)?;
        let read_names =
            |value: &&[u8]| general_names(Reader::ber(value).whole_sequence("certificateIssuer")?);
        let issuers = issuers.iter().map(read_names).collect::<Result<_>>()?;
        let (spki, digest) = (spki.to_vec(), (!digest.is_empty()).then(|| digest.to_vec()));
        let start = places.tail.start + 4;
        let before = start..start + before.len();
        let after = before.end + 4..before.end + 4 + after.len();
        Ok(IndexedList {
            about,
            places,
            header,
            before,
            after,
            key: PublicKey::from_spki(&spki)?,
            spki,
            digest,
            issuers,
            bytes,
        })
    }

    /// How many entries the list has.
    pub fn entries(&self) -> u64 {
        self.about.listed
    }

    /// How many bytes the list has.
    pub fn list_bytes(&self) -> u64 {
        self.about.list_bytes
    }

    /// How many bytes the index has.
    pub fn index_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The SubjectPublicKeyInfo under which the signature was found to hold when the list was indexed.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of [`spki`](Self::spki).
    pub fn key_id(&self) -> [u8; 32] {
        sha256(&self.spki)
    }

    /// The bytes of the list before `revokedCertificates`, and after it.
    pub fn around(&self) -> (&[u8], &[u8]) {
        (
            &self.bytes[self.before.clone()],
            &self.bytes[self.after.clone()],
        )
    }

    /// The digest of `tbsCertList`; none where the signature is over the message.
    pub fn digest(&self) -> Option<&[u8]> {
        self.digest.as_deref()
    }

    /// Reads all of it and checks every checksum.
    pub fn verify(&self) -> Result<()> {
        for number in 0..self.pages() {
            let page = self.page(number)?;
            let first = self.line(number);
            if page.first_chunk::<KEY>() != first.first_chunk::<KEY>()
                || !page.as_chunks::<ENTRY>().0.is_sorted()
            {
                return Err(corrupted("is not sorted"));
            }
        }
        let details = &self.bytes[self.places.details.clone()];
        let mut at = 0;
        while at < details.len() as u64 {
            (_, at) = read_detail(details, at)?;
        }
        Ok(())
    }

    fn pages(&self) -> usize {
        self.places.directory.len() / LINE
    }

    fn line(&self, number: usize) -> &[u8] {
        &self.bytes[self.places.directory.clone()][number * LINE..][..LINE]
    }

    fn page(&self, number: usize) -> Result<&[u8]> {
        let entries = &self.bytes[self.places.entries.clone()];
        let page = &entries[number * PAGE..entries.len().min((number + 1) * PAGE)];
        if sum(page, number as u64) != be64(self.line(number), LINE - 8) {
            return Err(corrupted("has a page that is not as its checksum says"));
        }
        Ok(page)
    }

    fn find(&self, key: &[u8; KEY]) -> Result<Option<&Entry>> {
        let (lines, _) = self.bytes[self.places.directory.clone()].as_chunks::<LINE>();
        let after = lines.partition_point(|line| line[..KEY] <= key[..]);
        let Some(number) = after.checked_sub(1) else {
            return Ok(None);
        };
        let (entries, _) = self.page(number)?.as_chunks::<ENTRY>();
        let found = entries.binary_search_by(|entry| entry[..KEY].cmp(&key[..]));
        Ok(found.ok().map(|place| &entries[place]))
    }

    /// The entry for `serial` of all that `certificate_issuer` may have: the last in the list.
    fn find_of(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<&Entry>> {
        let own = self.header.issuer() == certificate_issuer;
        let indirect = self.header.is_indirect();
        let mut last: Option<&Entry> = None;
        let mut consider = |group: u16| -> Result<()> {
            let found = self.find(&key(serial, group))?;
            let number = |entry: &Entry| unpack(entry).0;
            if found.is_some_and(|found| last.is_none_or(|last| number(last) < number(found))) {
                last = found;
            }
            Ok(())
        };
        if own {
            consider(0)?;
        }
        for (number, names) in (1u16..).zip(&self.issuers) {
            let named = names.iter().any(
                |name| matches!(name, GeneralName::Directory(name) if name == certificate_issuer),
            );
            if named {
                consider(number << 1 | 1)?;
            }
            // An entry that names nobody is of who was named before it in an indirect list alone (RFC 5280 §5.3.3).
            if if indirect { named } else { own } {
                consider(number << 1)?;
            }
        }
        Ok(last)
    }

    /// The entry as an element of `revokedCertificates` too: as it stands in the list, or, where it says no more than a date
    /// and a reason, written anew.
    pub(super) fn listed(
        &self,
        certificate_issuer: &Name,
        serial: &[u8],
    ) -> Result<Option<(Vec<u8>, RevokedEntry)>> {
        let Some(found) = self.find_of(certificate_issuer, serial)? else {
            return Ok(None);
        };
        let entry = self.read(found)?;
        let bytes = match unpack(found).1 {
            Says::Plain(..) => write_entry(serial, &entry),
            Says::Detail(place) => read_detail(&self.bytes[self.places.details.clone()], place)?
                .0
                .to_vec(),
        };
        Ok(Some((bytes, entry)))
    }

    fn read(&self, entry: &Entry) -> Result<RevokedEntry> {
        match unpack(entry).1 {
            Says::Plain(date, reason) => Ok(RevokedEntry {
                revocation_date: Time::from_unix(date)?,
                reason,
                invalidity_date: None,
                certificate_issuer: Vec::new(),
            }),
            Says::Detail(place) => {
                let details = &self.bytes[self.places.details.clone()];
                read_entry(read_detail(details, place)?.0, self.header.version())
            }
        }
    }
}

impl<B: Deref<Target = [u8]> + Send + Sync> RevocationList for IndexedList<B> {
    fn header(&self) -> &ListHeader {
        &self.header
    }

    fn id(&self) -> [u8; 32] {
        self.about.list
    }

    fn is_signed_by(&self, key: &PublicKey) -> bool {
        is_signed(&self.header, self.digest.as_deref(), &self.key, key)
    }

    fn entry(&self, certificate_issuer: &Name, serial: &[u8]) -> Result<Option<RevokedEntry>> {
        let found = self.find_of(certificate_issuer, serial)?;
        found.map(|entry| self.read(entry)).transpose()
    }
}

impl<B> fmt::Debug for IndexedList<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (issuer, update) = (self.header.issuer(), self.header.this_update());
        write!(
            f,
            "IndexedList({issuer}, {update}, {} entries)",
            self.about.listed
        )
    }
}
