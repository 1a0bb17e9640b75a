//! XML as a tree of elements, for whoever wants values by name and namespace.
//!
//! XML 1.0 in UTF-8 in, with or without a byte order mark. No document type declaration, hence no entity but the five and
//! character references; every prefix must be bound, every element closed, no `Id` twice. Names and text are as written
//! after references are resolved; comments and processing instructions are dropped, so nothing here can be signed.

use crate::engine::error::{Error, Result};
use crate::engine::limits::Budget;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;
use std::collections::HashSet;
use std::sync::Arc;

/// Attributes of one element, namespace declarations included. Trusted lists have nine at their root.
const MOST_ATTRIBUTES: usize = 64;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// The namespace that its name is bound to; empty for none.
    pub namespace: Arc<str>,
    /// Its name without a prefix.
    pub name: String,
    /// Its attributes in their order, names as written with their prefix, without namespace declarations.
    pub attributes: Vec<(String, String)>,
    /// The elements inside it, in their order.
    pub children: Vec<Element>,
    /// All text directly inside it.
    pub text: String,
}

impl Element {
    /// Reads a whole document and answers its root; `what` names the document in errors.
    pub fn read(bytes: &[u8], what: &'static str, budget: &mut Budget) -> Result<Element> {
        let text = utf8(bytes, what)?;
        // White space before the declaration is not XML, does no harm, and occurs.
        let mut reading = Reading {
            what,
            reader: NsReader::from_str(text.trim_start_matches([' ', '\t', '\r', '\n'])),
            open: Vec::new(),
            root: None,
            ids: HashSet::new(),
            namespaces: Vec::new(),
        };
        reading.reader.config_mut().check_comments = true;
        while reading.step(budget).map_err(|e| reading.placed(e))? {}
        reading.root.ok_or_else(|| broken(what, "has no element"))
    }

    /// Whether it has this name.
    pub fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && *self.namespace == *namespace
    }

    /// The children of this name.
    pub fn all<'e>(
        &'e self,
        namespace: &'e str,
        name: &'e str,
    ) -> impl Iterator<Item = &'e Element> {
        self.children.iter().filter(move |c| c.is(namespace, name))
    }

    /// The first child of this name.
    pub fn first(&self, namespace: &str, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.is(namespace, name))
    }

    /// The value of an attribute, by its name as written.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Its text without white space around it.
    pub fn value(&self) -> &str {
        self.text.trim()
    }
}

fn broken(what: &'static str, problem: impl Into<String>) -> Error {
    Error::malformed(what, problem.into())
}

fn utf8<'b>(bytes: &'b [u8], what: &'static str) -> Result<&'b str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err(Error::unsupported(what, "is in UTF-16")
            .remedy("Ask for it in UTF-8, as its publication rules say."));
    }
    std::str::from_utf8(bytes)
        .map_err(|error| broken(what, "is not in UTF-8").at(error.valid_up_to() as u64))
}

struct Reading<'i> {
    what: &'static str,
    reader: NsReader<&'i [u8]>,
    open: Vec<Element>,
    root: Option<Element>,
    ids: HashSet<String>,
    namespaces: Vec<Arc<str>>,
}

impl Reading<'_> {
    fn placed(&self, error: Error) -> Error {
        error.at(self.reader.buffer_position())
    }

    fn broken(&self, problem: impl Into<String>) -> Error {
        broken(self.what, problem)
    }

    /// Reads the next event; false at the end.
    fn step(&mut self, budget: &mut Budget) -> Result<bool> {
        budget.step(1)?;
        let (namespace, event) = self
            .reader
            .read_resolved_event()
            .map_err(|error| broken(self.what, error.to_string()))?;
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(uri)) => Some(uri.to_string()),
            ResolveResult::Unbound => Some(String::new()),
            ResolveResult::Unknown(_) => None,
        };
        match event {
            Event::Start(start) => {
                budget.enter()?;
                let element = self.opened(namespace, &start, budget)?;
                self.open.push(element);
            }
            Event::Empty(start) => {
                let element = self.opened(namespace, &start, budget)?;
                self.close(element)?;
            }
            Event::End(_) => {
                budget.leave();
                let element = self.open.pop();
                let element = element.ok_or_else(|| self.broken("closes what is not open"))?;
                self.close(element)?;
            }
            Event::Text(text) => self.text(&text.xml10_content())?,
            Event::CData(text) => self.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let text = self.reference(&reference)?;
                self.text(&text)?;
            }
            Event::DocType(_) => {
                return Err(self.broken("has a document type declaration, which is refused"));
            }
            Event::Decl(declaration) => self.declared(&declaration)?,
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if self.open.is_empty() => return Ok(false),
            Event::Eof => return Err(self.broken("ends before its elements do")),
        }
        Ok(true)
    }

    fn declared(&self, declaration: &BytesDecl<'_>) -> Result<()> {
        if !self.open.is_empty() || self.root.is_some() {
            return Err(self.broken("has an XML declaration inside"));
        }
        let version = declaration
            .version()
            .map_err(|e| self.broken(e.to_string()))?;
        if version != "1.0" {
            return Err(Error::unsupported(self.what, "is not XML 1.0"));
        }
        match declaration.encoding() {
            None => Ok(()),
            Some(Ok(name))
                if name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("us-ascii") =>
            {
                Ok(())
            }
            Some(_) => Err(Error::unsupported(
                self.what,
                "says that it is not in UTF-8",
            )),
        }
    }

    fn opened(
        &mut self,
        namespace: Option<String>,
        start: &BytesStart<'_>,
        budget: &mut Budget,
    ) -> Result<Element> {
        if self.open.is_empty() && self.root.is_some() {
            return Err(self.broken("has a second root"));
        }
        let namespace = namespace.ok_or_else(|| self.broken("uses a prefix that nothing binds"))?;
        Ok(Element {
            namespace: self.interned(&namespace),
            name: start.local_name().as_ref().to_string(),
            attributes: self.attributes(start, budget)?,
            children: Vec::new(),
            text: String::new(),
        })
    }

    /// One copy of each namespace; documents have a handful, and one that has many pays with memory of its own size.
    fn interned(&mut self, namespace: &str) -> Arc<str> {
        let recent = self.namespaces.iter().rev().take(16);
        if let Some(known) = recent.into_iter().find(|n| ***n == *namespace) {
            return known.clone();
        }
        let new: Arc<str> = namespace.into();
        self.namespaces.push(new.clone());
        new
    }

    fn attributes(
        &mut self,
        start: &BytesStart<'_>,
        budget: &mut Budget,
    ) -> Result<Vec<(String, String)>> {
        let mut all = Vec::new();
        let mut names = HashSet::new();
        for (index, attribute) in start.attributes().enumerate() {
            budget.step(1)?;
            if index == MOST_ATTRIBUTES {
                let problem = format!("an element with more than {MOST_ATTRIBUTES} attributes");
                return Err(Error::limit(self.what, problem));
            }
            let attribute = attribute.map_err(|error| self.broken(error.to_string()))?;
            let name = attribute.key.as_ref();
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|error| self.broken(error.to_string()))?;
            self.check_characters(&value)?;
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            let (bound, local) = self.reader.resolver().resolve_attribute(attribute.key);
            let expanded = match bound {
                ResolveResult::Bound(Namespace(uri)) => format!("{{{uri}}}{}", local.as_ref()),
                ResolveResult::Unbound => local.as_ref().to_string(),
                ResolveResult::Unknown(_) => {
                    return Err(self.broken("uses a prefix that nothing binds"));
                }
            };
            if !names.insert(expanded) {
                return Err(self.broken("an element with one attribute twice"));
            }
            if matches!(name, "Id" | "ID" | "id" | "xml:id") && !self.ids.insert(value.to_string())
            {
                return Err(self.broken("has two elements of one Id"));
            }
            all.push((name.to_string(), value.into_owned()));
        }
        Ok(all)
    }

    fn reference(&self, reference: &quick_xml::events::BytesRef<'_>) -> Result<String> {
        let wrong = || self.broken("has a reference that is not XML's own");
        if let Some(character) = reference.resolve_char_ref().map_err(|_| wrong())? {
            return Ok(character.to_string());
        }
        let text = match &*reference.xml10_content() {
            "lt" => "<",
            "gt" => ">",
            "amp" => "&",
            "apos" => "'",
            "quot" => "\"",
            _ => return Err(wrong()),
        };
        Ok(text.to_string())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.check_characters(text)?;
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(self.broken("has text outside of its root")),
        }
        Ok(())
    }

    /// XML 1.0 §2.2.
    fn check_characters(&self, text: &str) -> Result<()> {
        let wrong = |c: char| {
            c < ' ' && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        if text.chars().any(wrong) {
            return Err(self.broken("has characters that XML does not allow"));
        }
        Ok(())
    }

    fn close(&mut self, element: Element) -> Result<()> {
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: impl AsRef<[u8]>) -> Result<Element> {
        Element::read(xml.as_ref(), "test", &mut Budget::default())
    }

    fn problem(xml: impl AsRef<[u8]>) -> String {
        read(xml).unwrap_err().to_string()
    }

    #[test]
    fn names_are_bound_and_text_is_resolved() {
        let root = read(
            "\u{feff}<?xml version='1.0' encoding='UTF-8'?><!-- x --><a:r xmlns:a='urn:a' a='1 &amp; 2'>\
             x&lt;y&#x41;<![CDATA[<z>]]><b xmlns='urn:b'/><b/></a:r>\n",
        )
        .unwrap();
        assert!(root.is("urn:a", "r"));
        assert_eq!(root.attributes, [("a".to_string(), "1 & 2".to_string())]);
        assert_eq!(root.value(), "x<yA<z>");
        assert!(root.first("urn:b", "b").is_some());
        assert_eq!(root.all("", "b").count(), 1);
        assert!(read("\r\n  <?xml version='1.0'?><a/>").is_ok());
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for xml in [
            "",
            "  ",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "<a b='1' b='2'/>",
            "<p:a/>",
            "<a p:b='1'/>",
            "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='1'/>",
            "<a>&unknown;</a>",
            "<a b='&unknown;'/>",
            "<a>&#0;</a>",
            "<a>&#xD800;</a>",
            "<a>\u{1}</a>",
            "<a b='&#2;'/>",
            "<a><?xml version='1.0'?></a>",
            "<?xml version='1.1'?><a/>",
            "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
            "<a Id='x'><b Id='x'/></a>",
        ] {
            assert!(read(xml).is_err(), "{xml}");
        }
    }

    #[test]
    fn entities_of_ones_own_are_refused_whatever_they_would_be() {
        let laughs = "<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]><r>&b;</r>";
        assert!(
            problem(laughs).contains("document type"),
            "{}",
            problem(laughs)
        );
        let outside = "<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>";
        assert!(problem(outside).contains("document type"));
    }

    #[test]
    fn bounds_hold() {
        let deep = "<a>".repeat(100_000);
        assert!(problem(&deep).contains("deeper"));
        let many: String = (0..100).map(|i| format!(" a{i}='x'")).collect();
        assert!(problem(format!("<a{many}/>")).contains("attributes"));
        let wide = format!("<a>{}</a>", "<b/>".repeat(1_000));
        let mut budget = crate::engine::Limits {
            steps: 500,
            ..Default::default()
        }
        .budget();
        assert!(Element::read(wide.as_bytes(), "test", &mut budget).is_err());
        let long = format!("<a b='{}'/>", "x".repeat(1 << 20));
        assert!(read(long).is_ok());
    }

    #[test]
    fn other_encodings_are_named() {
        let utf16: Vec<u8> = "\u{feff}<a/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(problem(&utf16).contains("UTF-16"));
        assert!(problem(b"<a>\xe9</a>").contains("UTF-8"));
        let bare: Vec<u8> = "<a/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(read(bare).is_err());
    }
}
