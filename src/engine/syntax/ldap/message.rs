//! Messages of an anonymous search (RFC 4511 §4): bind, search, their answers, unbind.

use super::{LdapUrl, Scope};
use crate::engine::syntax::asn1::{Reader, Tag, Tlv, der};
use crate::engine::{Error, Result};

const ELEMENT: &str = "LDAP message";
/// Attributes of one entry and values of one attribute; directories of authorities have a few.
const MOST: usize = 256;

/// A bind without a name and a password (§4.2), of version 3.
pub fn bind(number: u8) -> Vec<u8> {
    let operation = [der::integer(3), der::octet_string(b""), der::tlv(0x80, b"")].concat();
    message(number, &der::tlv(0x60, &operation))
}

/// The end of a conversation (§4.3).
pub fn unbind(number: u8) -> Vec<u8> {
    message(number, &der::tlv(0x42, b""))
}

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Where, and what; its attributes are asked for.
    pub url: &'a LdapUrl,
    /// The most entries that may come.
    pub entries: u32,
    /// How long the server may search, in seconds.
    pub seconds: u32,
}

impl Search<'_> {
    /// The request (§4.5.1). Aliases are not followed.
    pub fn request(&self, number: u8) -> Vec<u8> {
        let scope = match self.url.scope {
            Scope::Base => 0,
            Scope::One => 1,
            Scope::Subtree => 2,
        };
        let attributes = self.url.attributes.iter();
        let attributes: Vec<_> = attributes
            .map(|a| der::octet_string(a.as_bytes()))
            .collect();
        let operation = [
            der::octet_string(self.url.name.as_bytes()),
            der::enumerated(scope),
            der::enumerated(0),
            der::integer(self.entries.into()),
            der::integer(self.seconds.into()),
            der::boolean(false),
            self.url.filter.bytes().to_vec(),
            der::sequence_of(&attributes),
        ];
        message(number, &der::tlv(0x63, &operation.concat()))
    }
}

fn message(number: u8, operation: &[u8]) -> Vec<u8> {
    der::sequence(&[&der::integer(number.into()), operation])
}

/// How many bytes the message has that `start` begins; nothing where that is not there yet. Lengths are definite (§5.1).
pub fn message_length(start: &[u8]) -> Result<Option<u64>> {
    let [identifier, length, rest @ ..] = start else {
        return Ok(None);
    };
    if *identifier != 0x30 {
        return Err(Error::malformed(ELEMENT, "is no SEQUENCE"));
    }
    match *length {
        0..=0x7f => Ok(Some(2 + u64::from(*length))),
        0x81..=0x86 => {
            let count = usize::from(*length & 0x7f);
            let Some(octets) = rest.get(..count) else {
                return Ok(None);
            };
            let length = octets.iter().fold(0, |l, b| l << 8 | u64::from(*b));
            Ok(Some(2 + count as u64 + length))
        }
        _ => Err(Error::malformed(ELEMENT, "has a length that none may have")),
    }
}

/// An entry that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its attributes, as described with their options, and the values of each.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// The values of `attribute`, whatever its options: `cACertificate` names `cacertificate;binary`.
    pub fn values(&self, attribute: &str) -> impl Iterator<Item = &[u8]> {
        let same = |described: &str| base(described).eq_ignore_ascii_case(base(attribute));
        let named = self
            .attributes
            .iter()
            .filter(move |(described, _)| same(described));
        named.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }
}

fn base(description: &str) -> &str {
    description.split(';').next().unwrap_or_default()
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// To a bind: its result code (§4.1.9), 0 for success.
    Bound(u64),
    /// One entry of a search.
    Found(Entry),
    /// A part of the search that another server would have to answer.
    Referred,
    /// The end of a search: its result code.
    Done(u64),
    /// The server ends the conversation (§4.4.1), or says something that nobody asked.
    Unasked,
}

impl Response {
    /// Reads one message, and the number of the request that it answers.
    pub fn parse(bytes: &[u8]) -> Result<(u64, Response)> {
        let mut fields = Reader::ber(bytes).whole_sequence(ELEMENT)?;
        let number = fields.expect(Tag::INTEGER, "messageID")?.u64()?;
        let operation = fields.read("protocolOp")?;
        let response = match operation.tag().application_number() {
            Some(1) => Response::Bound(code(&operation)?),
            Some(4) => Response::Found(entry(&operation)?),
            Some(5) => Response::Done(code(&operation)?),
            Some(19) => Response::Referred,
            _ => Response::Unasked,
        };
        Ok((number, response))
    }
}

fn code(operation: &Tlv<'_>) -> Result<u64> {
    let code = operation
        .inner_of("LDAPResult")?
        .expect(Tag::ENUMERATED, "resultCode")?;
    // An ENUMERATED has the content of an INTEGER.
    match code.content() {
        [] => Err(Error::malformed("LDAPResult", "has no code")),
        content if content.len() > 4 || content[0] & 0x80 != 0 => {
            Err(Error::malformed("LDAPResult", "has a code that is none"))
        }
        content => Ok(content.iter().fold(0, |c, b| c << 8 | u64::from(*b))),
    }
}

fn entry(operation: &Tlv<'_>) -> Result<Entry> {
    let too_many = || Error::limit("LDAP entry", "has more than 256 attributes or values");
    let mut fields = operation.inner_of("SearchResultEntry")?;
    fields.expect(Tag::OCTET_STRING, "objectName")?;
    let mut list = fields.sequence("attributes")?;
    let mut attributes = Vec::new();
    while !list.is_empty() {
        let mut attribute = list.sequence("PartialAttribute")?;
        let described = attribute.expect(Tag::OCTET_STRING, "type")?.octets()?;
        let mut set = attribute.set("vals")?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(
                set.expect(Tag::OCTET_STRING, "value")?
                    .octets()?
                    .into_owned(),
            );
            if values.len() > MOST {
                return Err(too_many());
            }
        }
        attributes.push((String::from_utf8_lossy(&described).into_owned(), values));
        if attributes.len() > MOST {
            return Err(too_many());
        }
    }
    Ok(Entry { attributes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&[u8]]) -> Vec<u8> {
        let values: Vec<_> = values.iter().map(|v| der::octet_string(v)).collect();
        let attribute = der::sequence(&[
            &der::octet_string(b"cACertificate;binary"),
            &der::tlv(0x31, &values.concat()),
        ]);
        let operation = [der::octet_string(b"cn=x"), der::sequence(&[&attribute])].concat();
        message(2, &der::tlv(0x64, &operation))
    }

    #[test]
    fn an_entry_is_read() {
        let bytes = found(&[b"one", b"two"]);
        let (number, Response::Found(entry)) = Response::parse(&bytes).unwrap() else {
            panic!("no entry");
        };
        assert_eq!(number, 2);
        let values: Vec<_> = entry.values("CACERTIFICATE").collect();
        assert_eq!(values, [b"one", b"two"]);
        assert_eq!(entry.values("cACert").count(), 0);
        assert_eq!(message_length(&bytes).unwrap(), Some(bytes.len() as u64));
    }

    #[test]
    fn a_length_is_known_as_soon_as_it_is_there() {
        for (start, length) in [
            (&b""[..], None),
            (b"\x30", None),
            (b"\x30\x05", Some(7)),
            (b"\x30\x82\x01", None),
            (b"\x30\x82\x01\x00", Some(260)),
            (b"\x30\x84\x00\x00\x00\x05", Some(11)),
        ] {
            assert_eq!(message_length(start).unwrap(), length, "{start:?}");
        }
        for wrong in [&b"\x31\x00"[..], b"\x30\x80", b"\x30\x87", b"HTTP/1.1"] {
            assert!(message_length(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_what_nobody_asked_is_told() {
        let result = [
            der::enumerated(32),
            der::octet_string(b""),
            der::octet_string(b"no"),
        ];
        let answer = |tag| message(7, &der::tlv(tag, &result.concat()));
        assert_eq!(
            Response::parse(&answer(0x65)).unwrap(),
            (7, Response::Done(32))
        );
        assert_eq!(
            Response::parse(&answer(0x61)).unwrap(),
            (7, Response::Bound(32))
        );
        assert_eq!(
            Response::parse(&answer(0x78)).unwrap(),
            (7, Response::Unasked)
        );
        let many = found(&vec![&b""[..]; 300]);
        assert!(Response::parse(&many).is_err());
        let whole = found(&[b"one"]);
        for end in 0..whole.len() {
            assert!(Response::parse(&whole[..end]).is_err(), "{end}");
        }
        let empty = message(1, &der::tlv(0x65, &der::tlv(0x0a, b"")));
        assert!(Response::parse(&empty).is_err());
    }
}
