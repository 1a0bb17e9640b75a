//! `registro.xml`: the data of the entry for machines, inside the justificante.
//!
//! XML 1.0. In: the entry. Out: UTF-8 bytes in the namespace `urn:rubrica:registro:1`; times are RFC 3339 with the offset of the sede.

use crate::engine::register::{
    Datum, Direction, Document, DocumentRole, Identification, IdentificationMethod, Named, Person,
    Receipt,
};
use crate::engine::{Error, Result, Time};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::borrow::Cow;

/// The namespace.
pub(super) const NAMESPACE: &str = "urn:rubrica:registro:1";

/// Writes the entry.
pub(super) fn registration(receipt: &Receipt) -> Result<Vec<u8>> {
    let mut out = Out {
        writer: Writer::new_with_indent(Vec::new(), b' ', 1),
        zone: &receipt.sede.zone,
    };
    out.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    out.inside("registro", &[("xmlns", NAMESPACE)], |o| o.entry(receipt))?;
    Ok(out.writer.into_inner())
}

struct Out<'a> {
    writer: Writer<Vec<u8>>,
    zone: &'a str,
}

impl Out<'_> {
    fn entry(&mut self, receipt: &Receipt) -> Result<()> {
        let Receipt {
            number,
            presented,
            effective_start,
            sede,
            names,
            metadata,
            documents,
            sealing,
        } = receipt;
        self.leaf("numero", &[], number.as_str())?;
        self.leaf(
            "tipo",
            &[],
            if metadata.direction == Direction::Exit {
                "salida"
            } else {
                "entrada"
            },
        )?;
        self.time("presentacion", *presented)?;
        self.time("inicioComputo", effective_start.instant)?;
        self.inside("sede", &[("zona", &sede.zone)], |o| {
            o.leaf("nombre", &[], &sede.name)?;
            o.leaf("direccion", &[], &sede.address)
        })?;
        self.named("organismo", &names.entity)?;
        self.named("oficina", &names.office)?;
        self.named("asunto", &names.subject)?;
        if let Some(procedure) = &names.procedure {
            self.named("procedimiento", procedure)?;
        }
        self.named("destino", &names.destination)?;
        if let Some(province) = &metadata.province {
            self.leaf("provincia", &[], province)?;
        }
        self.leaf("idioma", &[], metadata.language.tag())?;
        if let Some(origin) = &metadata.origin {
            self.leaf("origen", &[("sistema", &origin.system)], &origin.number)?;
        }
        self.person("interesado", &metadata.interested)?;
        if let Some(representative) = &metadata.representative {
            self.person("representante", representative)?;
        }
        if let Some(identification) = &metadata.identification {
            self.identification(identification)?;
        }
        self.inside("datos", &[], |o| {
            metadata.data.iter().try_for_each(|d| o.datum(d))
        })?;
        self.inside("documentos", &[], |o| {
            documents.iter().try_for_each(|d| o.document(d))
        })?;
        match sealing {
            Some(sealing) => self.inside("sellado", &[], |o| {
                o.leaf("titular", &[], &sealing.by)?;
                o.time("fecha", sealing.at)
            }),
            None => Ok(()),
        }
    }

    fn person(&mut self, element: &str, person: &Person) -> Result<()> {
        let document = serde_json::to_value(person.document.document()).unwrap_or_default();
        let kind = document.as_str().unwrap_or_default();
        self.inside(element, &[], |o| {
            o.leaf("documento", &[("tipo", kind)], person.document.number())?;
            for (element, value) in [
                ("nombre", &person.name),
                ("primerApellido", &person.first_surname),
                ("segundoApellido", &person.second_surname),
                ("razonSocial", &person.business_name),
                ("calidad", &person.role),
                ("telefono", &person.phone),
                ("correo", &person.email),
            ] {
                if !value.is_empty() {
                    o.leaf(element, &[], value)?;
                }
            }
            Ok(())
        })
    }

    fn identification(&mut self, identification: &Identification) -> Result<()> {
        let how = match &identification.how {
            IdentificationMethod::Clave => "clave",
            IdentificationMethod::Sms => "sms",
            IdentificationMethod::Password => "password",
            IdentificationMethod::Certificate => "certificate",
            IdentificationMethod::Other(name) => name,
        };
        self.inside("identificacion", &[("sistema", how)], |o| {
            o.leaf("identidad", &[], &identification.who)?;
            o.time("fecha", identification.when)?;
            o.leaf("referencia", &[], &identification.reference)
        })
    }

    fn document(&mut self, document: &Document) -> Result<()> {
        let role = if document.role == DocumentRole::Request {
            "solicitud"
        } else {
            "adjunto"
        };
        self.inside("documento", &[("papel", role)], |o| {
            o.leaf("nombre", &[], &document.name)?;
            o.leaf("tipo", &[], &document.media_type)?;
            o.leaf("tamano", &[], &document.size.to_string())?;
            o.leaf("sha256", &[], &document.sha256.to_string())?;
            o.leaf("sha512", &[], &document.sha512.to_string())
        })
    }

    fn datum(&mut self, datum: &Datum) -> Result<()> {
        self.inside("dato", &[], |o| {
            o.leaf("etiqueta", &[], &datum.label)?;
            o.leaf("valor", &[], &datum.value)
        })
    }

    fn named(&mut self, element: &str, named: &Named) -> Result<()> {
        self.leaf(element, &[("codigo", &named.code)], &named.name)
    }

    fn time(&mut self, element: &str, time: Time) -> Result<()> {
        let text = time
            .in_zone(self.zone)?
            .strftime("%Y-%m-%dT%H:%M:%S%.f%:z")
            .to_string();
        self.leaf(element, &[], &text)
    }

    fn leaf(&mut self, element: &str, attributes: &[(&str, &str)], text: &str) -> Result<()> {
        let text = legal(text);
        self.event(Event::Start(start(element, attributes)))?;
        self.event(Event::Text(BytesText::new(&text)))?;
        self.event(Event::End(BytesEnd::new(element)))
    }

    fn inside(
        &mut self,
        element: &str,
        attributes: &[(&str, &str)],
        body: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.event(Event::Start(start(element, attributes)))?;
        body(self)?;
        self.event(Event::End(BytesEnd::new(element)))
    }

    fn event(&mut self, event: Event<'_>) -> Result<()> {
        self.writer
            .write_event(event)
            .map_err(|_| Error::internal("registro.xml", "could not be written"))
    }
}

fn start<'e>(element: &'e str, attributes: &[(&str, &str)]) -> BytesStart<'e> {
    let mut start = BytesStart::new(element);
    for (name, value) in attributes {
        start.push_attribute((*name, legal(value).as_str()));
    }
    start
}

/// The text in which what XML 1.0 §2.2 does not allow is spelled `U+XXXX`.
pub(super) fn legal(text: &str) -> String {
    let spelled = |c: char| match c {
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
            Cow::Owned(c.to_string())
        }
        _ => Cow::<str>::Owned(format!("U+{:04X}", u32::from(c))),
    };
    text.chars().map(spelled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::register::registration::tests::receipt;
    use quick_xml::Reader;

    #[test]
    fn it_says_all_and_reads_back() {
        let mut receipt = receipt();
        receipt.metadata.interested.name = "<&\"'>\u{0}\u{b}ñ\u{1F600}".into();
        receipt.metadata.data[0].label = "a<b & \"c\"\u{1}".into();
        let bytes = registration(&receipt).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        for part in [
            "<numero>20260000010000001323</numero>",
            "<presentacion>2026-11-24T09:30:15.123+01:00</presentacion>",
            "codigo=\"INSS\"",
            "<documento tipo=\"nif\">00019174S</documento>",
            "U+0000U+000Bñ\u{1F600}",
            "<sha512>",
            "<origen sistema=\"REIG\">2026/000123</origen>",
            "sistema=\"clave\"",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let mut reader = Reader::from_str(&text);
        let mut depth = 0;
        loop {
            match reader.read_event().unwrap() {
                Event::Start(e) => {
                    e.attributes().for_each(|a| drop(a.unwrap()));
                    depth += 1;
                }
                Event::End(_) => depth -= 1,
                Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!(depth, 0);
    }
}
