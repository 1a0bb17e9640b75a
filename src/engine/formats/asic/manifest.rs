//! `ASiCManifest` (EN 319 162-1 §A.4): which files a signature covers, with their digests.
//!
//! XML in, by name and namespace; no DTD, no entities beyond the five. What the digests are worth is `inspect`'s to see.

use crate::engine::crypto::DigestAlgorithm;
use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";
const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// One file that the manifest lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataObjectReference {
    /// Its name in the container, percent-decoded.
    pub uri: String,
    /// The digest algorithm; none where it is not known.
    pub algorithm: Option<DigestAlgorithm>,
    /// The digest that was signed.
    pub digest: Vec<u8>,
}

/// A manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    /// The file that holds the signature over this manifest.
    pub signature: String,
    /// The files that it lists.
    pub references: Vec<DataObjectReference>,
}

fn broken(problem: impl Into<String>) -> Error {
    Error::malformed("ASiCManifest", problem.into())
}

impl Manifest {
    /// From the bytes of an `ASiCManifest*.xml`.
    pub fn read(xml: &[u8], budget: &mut Budget) -> Result<Manifest> {
        let text = std::str::from_utf8(xml).map_err(|_| broken("is not in UTF-8"))?;
        let mut reader = NsReader::from_str(text);
        let mut manifest = Manifest::default();
        let mut path: Vec<Element> = Vec::new();
        loop {
            budget.step(1)?;
            let (namespace, event) = reader
                .read_resolved_event()
                .map_err(|error| broken(error.to_string()))?;
            match event {
                Event::Start(start) => {
                    let element = Element::of(&namespace, &start);
                    manifest.open(element, &start, &path)?;
                    path.push(element);
                    if path.len() > 16 {
                        return Err(broken("is nested too deeply"));
                    }
                }
                Event::Empty(start) => {
                    manifest.open(Element::of(&namespace, &start), &start, &path)?
                }
                Event::End(_) => {
                    path.pop();
                }
                Event::Text(text) if path.last() == Some(&Element::DigestValue) => {
                    let base64: String = text
                        .as_ref()
                        .chars()
                        .filter(|c| !c.is_whitespace())
                        .collect();
                    let digest = STANDARD
                        .decode(base64)
                        .map_err(|_| broken("a DigestValue that is not base64"))?;
                    manifest.last()?.digest.extend(digest);
                }
                Event::DocType(_) => {
                    return Err(broken("has a document type declaration, which is refused"));
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if manifest.signature.is_empty() {
            return Err(broken("names no signature (SigReference)"));
        }
        Ok(manifest)
    }

    fn last(&mut self) -> Result<&mut DataObjectReference> {
        self.references
            .last_mut()
            .ok_or_else(|| broken("a digest outside of a DataObjectReference"))
    }

    fn open(&mut self, element: Element, start: &BytesStart<'_>, path: &[Element]) -> Result<()> {
        let inside = |parent: Element| path.last() == Some(&parent);
        match element {
            Element::Manifest if path.is_empty() => {}
            _ if path.is_empty() => return Err(broken("its root is not ASiCManifest")),
            Element::SigReference if inside(Element::Manifest) => {
                if !self.signature.is_empty() {
                    return Err(broken("has two SigReference"));
                }
                self.signature = uri_of(start)?;
            }
            Element::DataObjectReference if inside(Element::Manifest) => {
                self.references.push(DataObjectReference {
                    uri: uri_of(start)?,
                    ..Default::default()
                });
            }
            Element::DigestMethod if inside(Element::DataObjectReference) => {
                let algorithm = attribute(start, "Algorithm")?.unwrap_or_default();
                self.last()?.algorithm = DigestAlgorithm::from_xml_uri(&algorithm);
            }
            _ => {}
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Manifest,
    SigReference,
    DataObjectReference,
    DigestMethod,
    DigestValue,
    Other,
}

impl Element {
    fn of(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Element {
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return Element::Other;
        };
        match (*namespace, start.local_name().as_ref()) {
            (ASIC, "ASiCManifest") => Element::Manifest,
            (ASIC, "SigReference") => Element::SigReference,
            (ASIC, "DataObjectReference") => Element::DataObjectReference,
            (XMLDSIG, "DigestMethod") => Element::DigestMethod,
            (XMLDSIG, "DigestValue") => Element::DigestValue,
            _ => Element::Other,
        }
    }
}

fn attribute(start: &BytesStart<'_>, name: &str) -> Result<Option<String>> {
    for attribute in start.attributes() {
        let attribute: Attribute<'_> = attribute.map_err(|error| broken(error.to_string()))?;
        if attribute.key.as_ref() == name {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            return value
                .map(|v| Some(v.into_owned()))
                .map_err(|error| broken(error.to_string()));
        }
    }
    Ok(None)
}

fn uri_of(start: &BytesStart<'_>) -> Result<String> {
    let uri = attribute(start, "URI")?.ok_or_else(|| broken("a reference without URI"))?;
    let decoded =
        percent_decoded(&uri).ok_or_else(|| broken("a URI that is not percent-encoded UTF-8"))?;
    Ok(decoded.strip_prefix("./").unwrap_or(&decoded).to_string())
}

/// RFC 3986 §2.1.
fn percent_decoded(uri: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = r#"<asic:ASiCManifest xmlns:asic="http://uri.etsi.org/02918/v1.2.1#" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <asic:SigReference URI="META-INF/signature.p7s" MimeType="application/pkcs7-signature"/>
        <asic:DataObjectReference URI="solicitud%20uno.pdf" MimeType="application/pdf">
          <ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>AQID</ds:DigestValue>
        </asic:DataObjectReference></asic:ASiCManifest>"#;

    fn read(xml: &str) -> Result<Manifest> {
        Manifest::read(xml.as_bytes(), &mut Budget::default())
    }

    #[test]
    fn files_and_digests_are_read_by_namespace() {
        let manifest = read(SOUND).unwrap();
        assert_eq!(manifest.signature, "META-INF/signature.p7s");
        let expected = DataObjectReference {
            uri: "solicitud uno.pdf".into(),
            algorithm: Some(DigestAlgorithm::Sha256),
            digest: vec![1, 2, 3],
        };
        assert_eq!(manifest.references, [expected]);
        assert!(read(&SOUND.replace("02918", "99999")).is_err());
    }

    #[test]
    fn document_types_and_nonsense_are_refused() {
        assert!(
            read(&format!("<!DOCTYPE x [<!ENTITY a 'b'>]>{SOUND}"))
                .unwrap_err()
                .problem()
                .contains("refused")
        );
        assert!(read("<a/>").is_err());
        assert!(read("").is_err());
        assert!(read(&SOUND.replace("AQID", "!!")).is_err());
        assert!(read(&SOUND.replace("%20", "%2")).is_err());
    }
}
