//! The acuse de recibo: a ZIP with the justificante, the request as sent, and the server's signature over both.
//!
//! EN 319 162-1 §4.4 and annex A: ASiC-E with CAdES, `mimetype` first and stored, an ASiCManifest that names every file with its
//! SHA-256, a detached CAdES signature over that manifest. In: the entry, the sealed justificante, the documents that go inside.
//! Out: the manifest to sign, then the ZIP. Not here: the signature (`formats::cades`), reading one back (`formats::asic`).

use super::{Document, Identification, Receipt, RegisterNumber};
use crate::engine::crypto::sha256;
use crate::engine::syntax::zip;
use crate::engine::{Error, Result, Time};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The media type of the container.
pub const MEDIA_TYPE: &str = "application/vnd.etsi.asic-e+zip";
/// Where the justificante stands in it.
pub const JUSTIFICANTE: &str = "justificante.pdf";
/// Where the list of documents stands in it.
pub const DOCUMENTS: &str = "documentos.json";
/// Where the manifest stands in it.
pub const MANIFEST: &str = "META-INF/ASiCManifest.xml";
/// Where the signature stands in it.
pub const SIGNATURE: &str = "META-INF/signature.p7s";

/// `documentos.json`: every document of the request, inside or by its digests alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentList {
    /// The number of the entry.
    pub number: RegisterNumber,
    /// The number as printed.
    pub printed_number: String,
    /// The official instant of presentation.
    pub presented: Time,
    /// How the person was identified, where that stands for their signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<Identification>,
    /// The documents, the request first.
    pub documents: Vec<ListedDocument>,
}

/// A document of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedDocument {
    /// Name, media type, size and digests, as registered.
    #[serde(flatten)]
    pub document: Document,
    /// The entry of the ZIP that holds it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// An acuse that waits for its signature.
#[derive(Debug)]
pub struct Acuse<'a> {
    modified: jiff::civil::DateTime,
    files: Vec<File<'a>>,
    list: Vec<u8>,
    manifest: Vec<u8>,
}

#[derive(Debug)]
struct File<'a> {
    name: String,
    media_type: String,
    content: &'a [u8],
}

impl<'a> Acuse<'a> {
    /// Gathers what goes inside: `contents` stand in the order of `receipt.documents`, `None` for those listed by digest alone.
    ///
    /// Errors: `Internal` where a content is not the one that was registered.
    pub fn new(
        receipt: &Receipt,
        justificante: &'a [u8],
        contents: &[Option<&'a [u8]>],
    ) -> Result<Self> {
        let mut files = vec![File {
            name: JUSTIFICANTE.into(),
            media_type: "application/pdf".into(),
            content: justificante,
        }];
        let mut taken = HashSet::new();
        let mut documents = Vec::new();
        for (n, document) in receipt.documents.iter().enumerate() {
            let content = contents.get(n).copied().flatten();
            let file = content
                .map(|content| inside(document, content, &mut taken))
                .transpose()?;
            let name = file.as_ref().map(|f| f.name.clone());
            files.extend(file);
            documents.push(ListedDocument {
                document: document.clone(),
                file: name,
            });
        }
        let list = DocumentList {
            number: receipt.number.clone(),
            printed_number: receipt.number.to_string(),
            presented: receipt.presented,
            identification: receipt.metadata.identification.clone(),
            documents,
        };
        let mut list = serde_json::to_vec_pretty(&list)
            .map_err(|_| Error::internal(DOCUMENTS, "could not be written"))?;
        list.push(b'\n');
        let manifest = manifest(&files, &list)?;
        let modified = receipt.presented.in_zone(&receipt.sede.zone)?.datetime();
        Ok(Acuse {
            modified,
            files,
            list,
            manifest,
        })
    }

    /// The ASiCManifest: the bytes that the detached CAdES signature is made over.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The ZIP, with the DER of the signature over [`Acuse::manifest`].
    pub fn pack(&self, signature: &[u8]) -> Result<Vec<u8>> {
        let mut zip = zip::Writer::new(self.modified);
        zip.stored("mimetype", MEDIA_TYPE.as_bytes())?;
        for file in &self.files {
            zip.add(&file.name, file.content)?;
        }
        zip.add(DOCUMENTS, &self.list)?;
        zip.add(MANIFEST, &self.manifest)?;
        zip.add(SIGNATURE, signature)?;
        zip.finish()
    }
}

fn inside<'a>(
    document: &Document,
    content: &'a [u8],
    taken: &mut HashSet<String>,
) -> Result<File<'a>> {
    if content.len() as u64 != document.size || sha256(content) != document.sha256.0 {
        return Err(Error::internal(
            "acuse",
            "the content of a document is not the one that was registered",
        ));
    }
    let folder = match document.role {
        super::DocumentRole::Request => "solicitud",
        super::DocumentRole::Attachment => "adjuntos",
    };
    Ok(File {
        name: safe_name(folder, &document.name, taken),
        media_type: document.media_type.clone(),
        content,
    })
}

/// `folder/name` in ASCII letters, digits, `.`, `-` and `_`, unlike every name taken before even where case does not count.
fn safe_name(folder: &str, name: &str, taken: &mut HashSet<String>) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().take(LONGEST_NAME).map(plain).collect();
    let plain = plain.trim_matches(['.', '_', '-']);
    let (stem, extension) = match plain.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 8 => {
            (stem, format!(".{extension}"))
        }
        _ => (plain, String::new()),
    };
    let stem = if stem.is_empty() || is_device(stem) {
        format!("documento{}{stem}", if stem.is_empty() { "" } else { "-" })
    } else {
        stem.to_owned()
    };
    let mut candidate = format!("{folder}/{stem}{extension}");
    let mut n = 1;
    while !taken.insert(candidate.to_ascii_lowercase()) {
        n += 1;
        candidate = format!("{folder}/{stem}-{n}{extension}");
    }
    candidate
}

/// Of the names of files that any system takes.
const LONGEST_NAME: usize = 100;

/// Names that are devices on Windows, with whatever extension.
fn is_device(stem: &str) -> bool {
    let base = stem
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    matches!(base.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || matches!(
            base.as_bytes(),
            [b'C', b'O', b'M', b'0'..=b'9'] | [b'L', b'P', b'T', b'0'..=b'9']
        )
}

/// The letter without its accent; what is no letter, digit, `.` or `-` becomes `_`.
fn plain(c: char) -> char {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => c,
        'á' | 'à' | 'ä' | 'â' | 'ã' | 'å' | 'ª' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' | 'º' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        'Á' | 'À' | 'Ä' | 'Â' => 'A',
        'É' | 'È' | 'Ë' | 'Ê' => 'E',
        'Í' | 'Ì' | 'Ï' | 'Î' => 'I',
        'Ó' | 'Ò' | 'Ö' | 'Ô' => 'O',
        'Ú' | 'Ù' | 'Ü' | 'Û' => 'U',
        'Ñ' => 'N',
        'Ç' => 'C',
        _ => '_',
    }
}

/// EN 319 162-1 §A.4.
fn manifest(files: &[File<'_>], list: &[u8]) -> Result<Vec<u8>> {
    let mut writer = Writer::new(Vec::new());
    let mut put = |event: Event<'_>| {
        writer
            .write_event(event)
            .map_err(|_| Error::internal(MANIFEST, "could not be written"))
    };
    put(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("asic:ASiCManifest").with_attributes([
        ("xmlns:asic", "http://uri.etsi.org/02918/v1.2.1#"),
        ("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#"),
    ]);
    put(Event::Start(root))?;
    let reference = BytesStart::new("asic:SigReference");
    put(Event::Empty(reference.with_attributes([
        ("URI", SIGNATURE),
        ("MimeType", "application/pkcs7-signature"),
    ])))?;
    let listed = File {
        name: DOCUMENTS.into(),
        media_type: "application/json".into(),
        content: list,
    };
    for file in files.iter().chain([&listed]) {
        let start = BytesStart::new("asic:DataObjectReference");
        let media_type = if is_media_type(&file.media_type) {
            &file.media_type
        } else {
            "application/octet-stream"
        };
        put(Event::Start(start.with_attributes([
            ("URI", file.name.as_str()),
            ("MimeType", media_type),
        ])))?;
        let method = BytesStart::new("ds:DigestMethod");
        put(Event::Empty(method.with_attributes([(
            "Algorithm",
            "http://www.w3.org/2001/04/xmlenc#sha256",
        )])))?;
        put(Event::Start(BytesStart::new("ds:DigestValue")))?;
        put(Event::Text(BytesText::new(
            &STANDARD.encode(sha256(file.content)),
        )))?;
        put(Event::End(BytesEnd::new("ds:DigestValue")))?;
        put(Event::End(BytesEnd::new("asic:DataObjectReference")))?;
    }
    put(Event::End(BytesEnd::new("asic:ASiCManifest")))?;
    Ok(writer.into_inner())
}

/// RFC 6838 §4.2: type and subtype, with or without parameters.
pub(super) fn is_media_type(text: &str) -> bool {
    let token = |t: &str| {
        !t.is_empty()
            && t.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let essence = text.split(';').next().unwrap_or_default();
    text.bytes().all(|b| (b' '..=b'~').contains(&b))
        && essence
            .split_once('/')
            .is_some_and(|(kind, subtype)| token(kind) && token(subtype.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::super::registration::tests::receipt;
    use super::super::{Document, DocumentRole};
    use super::*;
    use crate::engine::Budget;

    fn packed() -> Vec<u8> {
        let acuse = Acuse::new(
            &receipt(),
            b"%PDF-1.7 sealed",
            &[Some(b"<Solicitud/>"), None],
        )
        .unwrap();
        assert_eq!(acuse.pack(b"sig").unwrap(), acuse.pack(b"sig").unwrap());
        acuse.pack(b"signature").unwrap()
    }

    #[test]
    fn it_holds_what_it_says_in_order() {
        let zip = packed();
        let mut budget = Budget::default();
        let archive = zip::Archive::read(&zip, &mut budget).unwrap();
        let names: Vec<_> = archive.entries().iter().map(|e| e.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "mimetype",
                JUSTIFICANTE,
                "solicitud/solicitud.xml",
                DOCUMENTS,
                MANIFEST,
                SIGNATURE
            ]
        );
        assert!(!archive.entries()[0].deflated && !archive.entries()[0].extra_field);
        assert_eq!(&zip[38..38 + MEDIA_TYPE.len()], MEDIA_TYPE.as_bytes());
        let list: DocumentList = serde_json::from_slice(
            &archive
                .content(archive.entry(DOCUMENTS).unwrap(), &mut budget)
                .unwrap(),
        )
        .unwrap();
        assert_eq!(
            list.documents[0].file.as_deref(),
            Some("solicitud/solicitud.xml")
        );
        assert_eq!(
            (list.documents.len(), list.documents[1].file.as_deref()),
            (2, None)
        );
        assert_eq!(list.identification.unwrap().reference, "CL-0001");
    }

    #[test]
    fn the_manifest_names_every_file_with_its_digest() {
        let zip = packed();
        let mut budget = Budget::default();
        let archive = zip::Archive::read(&zip, &mut budget).unwrap();
        let manifest = archive
            .content(archive.entry(MANIFEST).unwrap(), &mut budget)
            .unwrap();
        let text = std::str::from_utf8(&manifest).unwrap();
        for entry in archive
            .entries()
            .iter()
            .filter(|e| e.name != "mimetype" && !e.name.starts_with("META-INF/"))
        {
            let digest = STANDARD.encode(sha256(&archive.content(entry, &mut budget).unwrap()));
            assert!(
                text.contains(&format!("URI=\"{}\"", entry.name)) && text.contains(&digest),
                "{}",
                entry.name
            );
        }
        assert!(text.contains("<asic:SigReference URI=\"META-INF/signature.p7s\" MimeType=\"application/pkcs7-signature\"/>"));
    }

    #[test]
    fn names_become_safe_and_stay_apart() {
        let mut taken = HashSet::new();
        let mut name = |n: &str| safe_name("adjuntos", n, &mut taken);
        assert_eq!(
            name("libro de família.pdf"),
            "adjuntos/libro_de_familia.pdf"
        );
        assert_eq!(
            name("LIBRO de família.PDF"),
            "adjuntos/LIBRO_de_familia-2.PDF"
        );
        assert_eq!(name("../../etc/passwd"), "adjuntos/passwd");
        assert_eq!(name("..\\x\\..\\.."), "adjuntos/documento");
        assert_eq!(name("nul.txt"), "adjuntos/documento-nul.txt");
        assert_eq!(name("漢字.pdf"), "adjuntos/pdf");
        assert_eq!(name(""), "adjuntos/documento-2");
        assert_eq!(name("\u{202e}fdp.exe"), "adjuntos/fdp.exe");
        for odd in [
            "a\0b",
            "a\nb",
            "C:/x",
            "ñ".repeat(500).as_str(),
            "...",
            "-",
            ".pdf",
        ] {
            let made = name(odd);
            zip::check_name(&made).unwrap();
            assert!(made.is_ascii() && made.len() < 130, "{made}");
        }
    }

    #[test]
    fn another_content_than_the_registered_is_refused() {
        assert!(Acuse::new(&receipt(), b"", &[Some(b"<solicitud/>")]).is_err());
        assert!(Acuse::new(&receipt(), b"", &[]).is_ok());
    }

    #[test]
    fn a_media_type_that_is_none_is_not_repeated() {
        let mut odd = receipt();
        odd.documents = vec![Document::of(
            DocumentRole::Request,
            "a",
            "\u{0} text\"><x",
            b"1",
        )];
        let acuse = Acuse::new(&odd, b"", &[Some(b"1")]).unwrap();
        assert!(
            std::str::from_utf8(acuse.manifest())
                .unwrap()
                .contains("MimeType=\"application/octet-stream\"")
        );
        assert!(
            is_media_type("text/xml; charset=utf-8") && is_media_type("application/vnd.x+json")
        );
        assert!(
            !is_media_type("text")
                && !is_media_type("/x")
                && !is_media_type("a/b\n")
                && !is_media_type("")
        );
    }
}
