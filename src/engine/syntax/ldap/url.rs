//! LDAP addresses (RFC 4516 §2), as certificates have them.

use super::Filter;
use crate::engine::{Error, Result};

/// Attributes of one address; certificates name one.
const MOST_ATTRIBUTES: usize = 16;

/// Which entries are meant (RFC 4511 §4.5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Scope {
    #[default]
    Base,
    One,
    Subtree,
}

/// An address: where, which entries, and what of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LdapUrl {
    /// Whether TLS begins with the connection: `ldaps`.
    pub tls: bool,
    /// The host, a name or an address without brackets; empty where the address leaves it to who asks.
    pub host: String,
    /// The port; 389 or, under TLS, 636 where none is named.
    pub port: u16,
    /// The name of the entry, as RFC 4514 writes it.
    pub name: String,
    /// The attributes that are wanted, with their options: `certificateRevocationList;binary`.
    pub attributes: Vec<String>,
    /// Which entries.
    pub scope: Scope,
    /// What they must be like.
    pub filter: Filter,
}

impl LdapUrl {
    /// Reads an address. Critical extensions are unsupported (there is none that could matter here). A filter without
    /// its parentheses is taken, since authorities publish such addresses.
    ///
    /// ```
    /// # use rubrica::engine::syntax::ldap::{LdapUrl, Scope};
    /// let url = LdapUrl::parse("ldap://ldap.example/CN=CRL1,O=FNMT%20RCM,C=ES?certificateRevocationList;binary?base").unwrap();
    /// assert_eq!((url.port, url.name.as_str()), (389, "CN=CRL1,O=FNMT RCM,C=ES"));
    /// assert_eq!(url.attributes, ["certificateRevocationList;binary"]);
    /// assert_eq!(url.scope, Scope::Base);
    /// ```
    pub fn parse(text: &str) -> Result<LdapUrl> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("is not one"))?;
        let tls = match scheme.to_ascii_lowercase().as_str() {
            "ldap" => false,
            "ldaps" => true,
            _ => return Err(wrong("is of another scheme")),
        };
        let (authority, query) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = authority_of(authority)?;
        let mut parts = query.splitn(5, '?');
        let mut next = || parts.next().unwrap_or_default();
        let name = decoded(next())?;
        let attributes = attributes(next())?;
        let scope = match next().to_ascii_lowercase().as_str() {
            "" | "base" => Scope::Base,
            "one" => Scope::One,
            "sub" => Scope::Subtree,
            _ => return Err(wrong("has a scope that is none")),
        };
        let filter = match next() {
            "" => Filter::default(),
            text => Filter::parse(&decoded(text)?)?,
        };
        if next()
            .split(',')
            .any(|extension| extension.starts_with('!'))
        {
            return Err(Error::unsupported(
                ELEMENT,
                "has an extension that is critical",
            ));
        }
        Ok(LdapUrl {
            tls,
            host,
            port: port.unwrap_or(if tls { 636 } else { 389 }),
            name,
            attributes,
            scope,
            filter,
        })
    }
}

const ELEMENT: &str = "LDAP address";

fn wrong(problem: &'static str) -> Error {
    Error::malformed(ELEMENT, problem)
}

fn authority_of(text: &str) -> Result<(String, Option<u16>)> {
    if text.contains('@') {
        return Err(Error::refused(ELEMENT, "holds a user name"));
    }
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest
                .split_once(']')
                .ok_or_else(|| wrong("has half an address"))?;
            (host, rest.strip_prefix(':'))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let host = decoded(host)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !host.chars().all(plain) {
        return Err(wrong("has a host that is none"));
    }
    match port {
        None | Some("") => Ok((host, None)),
        Some(port) => match port.parse() {
            Ok(number) if number != 0 => Ok((host, Some(number))),
            _ => Err(wrong("has a port that is none")),
        },
    }
}

fn attributes(text: &str) -> Result<Vec<String>> {
    let all: Vec<String> = text
        .split(',')
        .filter(|one| !one.is_empty())
        .take(MOST_ATTRIBUTES + 1)
        .map(decoded)
        .collect::<Result<_>>()?;
    if all.len() > MOST_ATTRIBUTES {
        return Err(Error::limit(ELEMENT, "wants more than 16 attributes"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ';' | '*' | '+');
    if !all.iter().all(|one| one.chars().all(plain)) {
        return Err(wrong("wants an attribute that is none"));
    }
    Ok(all)
}

/// Percent-encoding undone (RFC 3986 §2.1); the result is UTF-8.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| char::from(b?).to_digit(16);
        match (digit(rest.next()), digit(rest.next())) {
            (Some(high), Some(low)) => bytes.push((high << 4 | low) as u8),
            _ => return Err(wrong("has a percent sign without its digits")),
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_authorities_are_read() {
        let url = LdapUrl::parse(
            "ldap://ldapusu.cert.fnmt.es/CN=CRL1,cn=AC%20FNMT%20Usuarios,ou=CERES,o=FNMT-RCM,C=ES?certificateRevocationList;binary?base?objectclass=cRLDistributionPoint",
        )
        .unwrap();
        assert_eq!(url.host, "ldapusu.cert.fnmt.es");
        assert_eq!(
            url.name,
            "CN=CRL1,cn=AC FNMT Usuarios,ou=CERES,o=FNMT-RCM,C=ES"
        );
        assert_eq!(
            url.filter,
            Filter::parse("(objectclass=cRLDistributionPoint)").unwrap()
        );
        let url = LdapUrl::parse("LDAPS://[2001:db8::7]:6636/c=GB?a,b?sub?(o=x)?e=1").unwrap();
        assert_eq!(
            (url.tls, url.host.as_str(), url.port),
            (true, "2001:db8::7", 6636)
        );
        assert_eq!((url.attributes.len(), url.scope), (2, Scope::Subtree));
        let url = LdapUrl::parse("ldap:///CN=ad,DC=corp??one").unwrap();
        assert_eq!((url.host.as_str(), url.scope), ("", Scope::One));
        assert_eq!(LdapUrl::parse("ldaps://h").unwrap().port, 636);
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in [
            "",
            "ldap",
            "http://h/x",
            "ldap://user@h/x",
            "ldap://h:0/",
            "ldap://h:99999/",
            "ldap://h:-1/",
            "ldap://[::1/",
            "ldap://h h/",
            "ldap://h%0d/",
            "ldap://h/%zz",
            "ldap://h/%f",
            "ldap://h/%ff",
            "ldap://h/x?a b",
            "ldap://h/x??deep",
            "ldap://h/x???(((",
            "ldap://h/x????!bindname=cn",
            "ldap://h/x?a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
        ] {
            assert!(LdapUrl::parse(text).is_err(), "{text}");
        }
    }
}
